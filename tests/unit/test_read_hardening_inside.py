"""Behind ``tests/spec/test_read_hardening.py``: what HTTP alone does not show."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fourd_rest import DataClass
from fourd_rest.models import EntitySet
from fourd_rest.query import scanning
from fourd_rest.query.words import fits, keyword
from fourd_rest.request.filter_syntax import Comparator
from fourd_rest.write import deleting
from testproject.hr.models import Company, Employee
from tests.spec.selections import select
from tests.spec.test_read_hardening import Replicated, code
from tests.zoo.models import Country, Parcel

pytestmark = pytest.mark.django_db


class TestCosts:
    def test_the_catalog_tells_of_a_dataclass_once(self, admin: Any) -> None:
        found = admin.read(f"$catalog/Employee,{','.join(['Company'] * 500)},Employee").json()
        assert [item["name"] for item in found["dataClasses"]] == ["Employee", "Company"]

    def test_a_list_that_computes_names_200_attributes_at_most(self, admin: Any) -> None:
        # SQLite has 2,000 columns in a statement, PostgreSQL 1,664.
        names = [f"extra.a{number}" for number in range(201)]
        answer = admin.read(f"Company?$compute=$all&$attributes={','.join(names)}")
        assert (answer.status_code, code(answer)) == (400, 9022)

    def test_an_order_has_60_keys_at_most(self, admin: Any) -> None:
        # SQLite crashed, and the process with it, at more than 64 and a join.
        names = [f"manager.employer.extra.a{number}" for number in range(21)]
        path = "Company?$orderby="
        assert admin.read(path + ",".join(names[:20])).status_code == 200
        answer = admin.read(path + ",".join(names))
        assert (answer.status_code, code(answer)) == (400, 9022)

    def test_all_words_of_a_filter_share_the_entities_that_python_looks_at(
        self, admin: Any, settings: Any
    ) -> None:
        settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 3}
        for name in ("a", "b", "c"):
            Employee.objects.create(first_name=name, last_name="x")
        answer = admin.read('Employee?$filter="lastName % x"')
        assert answer.json()["__COUNT"] == 3
        answer = admin.read('Employee?$filter="lastName % x or firstName % a"')
        assert (answer.status_code, code(answer)) == (500, 1200)
        # One look at each entity is enough for this one.
        answer = admin.read('Employee?$filter="not(ID > 0 and (ID < 0 or lastName % x))"')
        assert answer.json()["__COUNT"] == 0

    def test_all_words_of_a_filter_share_the_texts_that_are_found(
        self, admin: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(scanning, "MAX_TEXTS", 2)
        for tags in (["a x", "b x"], ["a x", "b y"]):
            Company.objects.create(name="n", extra={"tags": [{"name": tag} for tag in tags]})
        answer = admin.read('Company?$filter="extra.tags[].name % x"')
        assert answer.json()["__COUNT"] == 2
        answer = admin.read('Company?$filter="extra.tags[a].name % x and extra.tags[a].name % y"')
        assert (answer.status_code, code(answer)) == (500, 1200)
        answer = admin.read('Company?$filter="extra.tags[a].name % a and extra.tags[a].name % x"')
        assert (answer.status_code, code(answer)) == (500, 1200)

    def test_words_are_looked_for_in_what_the_caller_may_see(
        self, admin: Any, registered: Any, settings: Any
    ) -> None:
        class Visible(DataClass):
            names = {"id": "ID"}  # noqa: RUF012

            def get_queryset(self, request: Any) -> Any:
                return super().get_queryset(request).exclude(name="hidden")

        settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 1}
        for name in ("hidden", "seen", "hidden"):
            company = Company.objects.create(name=name, extra={"tags": [{"name": "x", "level": 1}]})
            Employee.objects.create(first_name=name, last_name="x", employer=company)
        registered(Company, Visible)
        for negation, count in (("", 1), ("not", 0)):
            words = f"{negation}(employer.extra.tags[a].name % x and employer.extra.tags[a].level = 1)"
            answer = admin.read(f'Employee?$filter="{words}"')
            assert answer.json()["__COUNT"] == count

    def test_a_list_that_stands_in_many_places_counts_each_time(self, admin: Any, settings: Any) -> None:
        settings.FOURD_REST = {"MAX_IN_VALUES": 6}
        for times, status in ((2, 200), (3, 400)):
            paths = ["ID in :1", "not(extra.a in :1)", "(name = x except extra.b in :1)"][:times]
            answer = admin.read(f"Company?$filter={' or '.join(paths)}&$params=[[1,2,3]]")
            assert answer.status_code == status
        assert code(answer) == 9022

    def test_many_wildcards_take_no_longer_than_one(self) -> None:
        """A regular expression would not end before the tests do."""
        pattern, text = "@a" * 20 + "@b", "a" * 60
        assert not keyword(pattern)(text)
        assert not scanning.test(Comparator.EQUAL, [pattern])(text)

    @pytest.mark.parametrize(
        ("text", "parts", "holds"),
        [
            ("ab", ["ab"], True),
            ("ab", ["a"], False),
            ("ab", ["a", ""], True),
            ("ab", ["", "b"], True),
            ("a", ["a", "a"], False),
            ("aXbYc", ["a", "b", "c"], True),
            ("aXcYb", ["a", "b", "c"], False),
            ("abab", ["", "ba", ""], True),
            ("aba", ["ab", "ba"], False),
            ("abcb", ["a", "b", "b"], True),
            ("acb", ["a", "b", "b"], False),
            ("", ["", ""], True),
        ],
    )
    def test_parts_fit(self, text: str, parts: list[str], holds: bool) -> None:
        assert fits(text, parts) is holds

    def test_a_computed_value_that_is_no_number_is_null(
        self, admin: Any, registered: Any, monkeypatch: Any
    ) -> None:
        def ratio(self: Any) -> float:
            return math.nan

        monkeypatch.setattr(Employee, "ratio", property(ratio), raising=False)
        registered(Employee, fields=["id"], computed=["ratio"])
        Employee.objects.create(first_name="a", last_name="x")
        assert admin.read("Employee?$filter=ratio>1").json()["__COUNT"] == 0
        assert admin.read("Employee?$filter=ratio=null").json()["__COUNT"] == 1


class TestSets:
    def test_a_key_longer_than_the_column_is_not_that_of_another(self, admin: Any) -> None:
        """MariaDB cuts it off: a delete through the set took the wrong entity."""
        Country.objects.create(code="abcdefghij", name="n")
        location = admin.read("Country(zz,zzz)?$method=entityset").json()["__ENTITYSET"]
        path = location.removeprefix("/rest/")
        admin.read(f"{path}?$addToSet=abcdefghijk")
        assert admin.read(f"{path}?$orderby=name").json()["__COUNT"] == 0
        assert admin.rest("DELETE", path).status_code == 200
        assert Country.objects.filter(code="abcdefghij").exists()

    def test_members_are_looked_up_where_the_set_is(self, admin: Any, settings: Any) -> None:
        """On a replica, a set that was made just now would be empty."""
        admin.read("Company?$method=entityset")
        entity_set = EntitySet.objects.get()
        settings.DATABASE_ROUTERS = [Replicated()]
        whole = select("Company")
        assert whole.queryset.db == "replica"
        assert whole.inside(entity_set).queryset.db == "default"

    def test_a_delete_by_filter_asks_the_database_that_is_written(
        self, admin: Any, settings: Any
    ) -> None:
        Company.objects.create(name="a")
        settings.DATABASE_ROUTERS = [Replicated()]
        assert admin.rest("DELETE", 'Company?$filter="ID>0"').status_code == 200
        assert not Company.objects.using("default").exists()

    def test_an_answer_tells_of_a_thousand_refusals_and_no_more(
        self, admin: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(deleting, "MAX_TOLD", 3)
        for country in "abcde":
            Parcel.objects.create(country=Country.objects.create(code=country, name="n"))
        answer = admin.rest("DELETE", 'Country?$filter="name=n"')
        assert answer.status_code == 500
        assert [item["errCode"] for item in answer.json()["__ERROR"]] == [9019, 1518, 1518]
