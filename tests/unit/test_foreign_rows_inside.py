"""Behind ``tests/spec/test_foreign_rows.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Count, F, Window
from django.db.models.functions import Lower, RowNumber
from django.test.utils import isolate_apps
from django.utils import translation

from fourd_rest import DataClass, checks
from fourd_rest.dataclass.registry import Registry, registry
from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import RestClient
from tests.unit.judging import judge_instead
from tests.zoo.models import Board, Monument, Notice, Obelisk, Remark

pytestmark = pytest.mark.django_db


class TestUnfitQuerysets:
    @pytest.mark.parametrize(
        ("give", "what"),
        [
            (lambda rows: rows[:5], "a slice of a queryset"),
            (lambda rows: rows.union(rows), "a union of querysets"),
            (lambda rows: rows.values("name"), "values instead of entities"),
            (lambda rows: rows.values_list("pk"), "values instead of entities"),
            (lambda rows: Company.objects.raw("SELECT 1"), "a RawQuerySet"),
            (lambda rows: list(rows), "a list"),
            (lambda rows: None, "a NoneType"),
            (lambda rows: Invoice.objects.all(), "a queryset of hr.Invoice"),
        ],
    )
    @pytest.mark.parametrize("path", ["Company", "Company(1)", "Company?$method=entityset"])
    def test_what_is_wrong_stands_in_the_log(
        self, admin: RestClient, registered: Any, caplog: Any, give: Any, what: str, path: str
    ) -> None:
        class Odd(DataClass):
            def get_queryset(self, request: Any) -> Any:
                return give(super().get_queryset(request))

        registered(Company, Odd)
        response = admin.read(path)
        assert response.status_code == 500
        assert [error["errCode"] for error in response.json()["__ERROR"]] == [9011]
        (record,) = [record for record in caplog.records if record.exc_info]
        assert record.exc_info is not None
        assert str(record.exc_info[1]) == (
            f"get_queryset() of the dataclass Company gives {what}: give a QuerySet of hr.Company"
        )

    @isolate_apps("tests.zoo")
    def test_a_check_tells_of_a_default_manager(self, monkeypatch: Any) -> None:
        class Few(models.Manager):  # type: ignore[type-arg]
            def get_queryset(self) -> Any:
                return super().get_queryset()[:5]

        class Sliced(models.Model):
            objects = Few()

            class Meta:
                app_label = "zoo"

        own = Registry()
        own.register(Sliced)
        judge_instead(monkeypatch, "registry", own)
        (found,) = checks.check_dataclasses()
        assert found.id == "fourd_rest.W071"
        assert (
            found.msg
            == "The default manager of zoo.Sliced gives a slice of a queryset: it cannot be read"
        )


class TestOrders:
    @pytest.mark.parametrize(
        "item",
        [
            "nowhere",
            "-manager__nowhere",
            F("crowd"),
            F("crowd").desc(),
            "staff__last_name",
            "-staff",
            Lower("invoices__reference"),
            Count("staff"),
            Window(RowNumber()),
        ],
        ids=str,
    )
    def test_what_cannot_sort_is_left_out(
        self, admin: RestClient, registered: Any, monkeypatch: Any, item: Any
    ) -> None:
        class Odd(DataClass):
            ordering = (item, "-name")

            def get_queryset(self, request: Any) -> Any:
                return super().get_queryset(request).annotate(crowd=F("revenues"))

        registered(Company, Odd)
        first, second = (Company.objects.create(name=name) for name in ("a", "b"))
        Employee.objects.create(first_name="x", last_name="x", employer=first, manager=None)
        for number in range(2):
            employee = Employee.objects.create(first_name="x", last_name=str(number), employer=second)
            second.manager = employee
            second.save()
        assert [e["name"] for e in admin.read("Company").json()["__ENTITIES"]] == ["b", "a"]
        response = admin.read("Employee?$expand=managedCompanies")
        assert response.status_code == 200
        own = Registry()
        own.register(Company)(Odd)
        judge_instead(monkeypatch, "registry", own)
        found = [message for message in checks.check_dataclasses() if message.id == "fourd_rest.W072"]
        if isinstance(item, str) and "nowhere" in item:
            assert [message.id for message in checks.check_dataclasses()] == ["fourd_rest.E010"]
        else:
            assert len(found) == 1

    @pytest.mark.parametrize(
        ("ordering", "names"),
        [
            (["?"], None),
            ([Lower("name").desc()], ["b", "a"]),
            ([F("revenues").desc(nulls_last=True)], ["a", "b"]),
            (["manager__last_name", "-name"], ["b", "a"]),
            (["manager", "name"], ["a", "b"]),
        ],
        ids=str,
    )
    def test_what_can_sort_does(
        self, admin: RestClient, registered: Any, ordering: Any, names: list[str] | None
    ) -> None:
        registered(Company, ordering=ordering)
        boss = Employee.objects.create(first_name="x", last_name="x")
        Company.objects.create(name="a", revenues=2, manager=boss)
        Company.objects.create(name="b", revenues=None, manager=boss)
        page = [entity["name"] for entity in admin.read("Company").json()["__ENTITIES"]]
        nested = admin.read("Employee?$expand=managedCompanies").json()["__ENTITIES"][0]
        inner = [entity["name"] for entity in nested["managedCompanies"]["__ENTITIES"]]
        assert sorted(page) == sorted(inner) == ["a", "b"]
        if names is not None:
            assert page == inner == names

    def test_an_order_of_related_expressions_is_that_of_the_related_rows(
        self, admin: RestClient, registered: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(Employee._meta, "ordering", [Lower("first_name").desc()])
        registered(Company, ordering=["-manager"])
        for name in ("a", "b"):
            Company.objects.create(
                name=name, manager=Employee.objects.create(first_name=name, last_name="x")
            )
        page = [entity["name"] for entity in admin.read("Company").json()["__ENTITIES"]]
        assert page == ["b", "a"]


class TestRelations:
    @pytest.fixture(autouse=True)
    def _exposed(self, registered: Any, db: None) -> None:
        for model in (Remark, Monument, Obelisk, ContentType):
            registered(model)

    def test_relations_without_a_join_of_their_own_are_left_out(
        self, admin: RestClient, monkeypatch: Any
    ) -> None:
        arch = Monument.objects.create(name="arch", quarter=1)
        needle = Obelisk.objects.create(name="needle", quarter=1, height=9)
        for subject in (arch, needle, needle.monument_ptr):
            Remark.objects.create(text="x", subject=subject)
        for name, count in (("Monument", 2), ("Obelisk", 1), ("Remark", 3)):
            page = admin.read(f"{name}?$expand=$all").json()
            assert (page["__COUNT"], len(page["__ENTITIES"])) == (count, count)
        attributes = {d.name: set(d.attributes) for d in registry}
        assert attributes["Monument"] == {"id", "name", "quarter"}
        assert attributes["Obelisk"] == {"id", "name", "quarter", "height"}
        assert attributes["Remark"] == {"id", "text", "content_type", "object_id"}
        own = Registry()
        for model in (Remark, Monument, Obelisk, ContentType):
            own.register(model)
        judge_instead(monkeypatch, "registry", own)
        found = {(message.id, message.msg) for message in checks.check_dataclasses()}
        assert (
            "fourd_rest.I071",
            "zoo.Monument.neighbouring is left out: no join leads over it to its entities and back",
        ) in found
        assert (
            "fourd_rest.I001",
            "zoo.Obelisk.remarks is left out: generic relations have no 4D counterpart",
        ) in found
        assert {id_ for id_, _ in found} == {"fourd_rest.I001", "fourd_rest.I071"}

    @pytest.mark.parametrize("path", ["Remark?$expand=%2B", 'Remark?$filter="+.name = x"'])
    def test_no_attribute_is_called_plus(self, admin: RestClient, path: str) -> None:
        response = admin.read(path)
        assert response.status_code in (404, 500)
        assert response.json()["__ERROR"][0]["errCode"] in (1201, 1500)


class TestManagersThatRewriteNames:
    """What a manager reads under a name is what is filtered, sorted and computed under it."""

    @pytest.fixture(autouse=True)
    def _notices(self, registered: Any, db: None) -> None:
        registered(Board)
        registered(Notice)
        board = Board.objects.create(name="b")
        for en, de in (("Dog", "Hund"), ("Ape", "Zaungast")):
            Notice.objects.create(title="raw", title_en=en, title_de=de, board=board)

    @pytest.mark.parametrize(
        ("language", "titles"),
        [("en", ["Ape", "Dog"]), ("de", ["Hund", "Zaungast"]), ("en", ["Ape", "Dog"])],
    )
    def test_reads_and_queries_see_the_same_text(
        self, admin: RestClient, language: str, titles: list[str]
    ) -> None:
        def shown(path: str) -> list[str]:
            return [entity["title"] for entity in admin.read(path).json()["__ENTITIES"]]

        # The first language asked must not stay.
        with translation.override("en" if language == "de" else "de"):
            admin.read("Notice")
            admin.read('Notice?$filter="title = x"')
        with translation.override(language):
            assert shown("Notice") == titles
            assert shown("Notice?$orderby=title desc") == titles[::-1]
            assert shown(f'Notice?$filter="title = {titles[0].lower()}"') == titles[:1]
            assert shown('Notice?$filter="title = raw"') == []
            assert [row["title"] for row in admin.read("Notice?$asArray=true").json()] == titles
            assert admin.read("Notice?$distinct=true&$attributes=title").json() == titles
            figures = admin.read("Notice?$attributes=title&$compute=max").json()
            assert figures == titles[1]
            (board,) = admin.read("Board?$expand=notices").json()["__ENTITIES"]
            assert [e["title"] for e in board["notices"]["__ENTITIES"]] == titles
            found = admin.read(f'Board?$filter="notices.title = {titles[0]}"').json()
            assert found["__COUNT"] == 1
            for key in Notice.objects.values_list("pk", flat=True):
                assert admin.read(f"Notice({key})").json()["title"] in titles

    def test_an_alias_of_such_a_name_is_refused(self, monkeypatch: Any) -> None:
        own = Registry()
        own.register(Notice, aliases={"headline": "title"})
        judge_instead(monkeypatch, "registry", own)
        (found,) = checks.check_dataclasses()
        assert found.id == "fourd_rest.E024"
        assert found.msg == (
            "The attribute 'headline' cannot be derived: the manager of Notice reads 'title' "
            "in a way of its own"
        )
