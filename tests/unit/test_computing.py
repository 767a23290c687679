"""``$compute`` and ``$distinct`` (``requests.md`` 6.2, ``responses.md`` 8, D-17, D-40, U-22, U-56)."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Avg, Case, Count, Exists, F, OuterRef, Q, Value, When, Window
from django.db.models.functions import RowNumber, Upper

from fourd_rest import DataClass
from fourd_rest.errors import RestError
from fourd_rest.read.computations import compute, distinct
from fourd_rest.read.selection import Slice
from testproject.hr.models import Company, Employee
from tests.contract.checks import codes
from tests.spec.selections import reader, select, statements, text
from tests.zoo.models import Country, Everything, Finder, Parcel, Secretive

pytestmark = pytest.mark.django_db


def staff(*salaries: int | None, **values: Any) -> None:
    for number, salary in enumerate(salaries, 1):
        Employee.objects.create(
            id=number, first_name=f"N{number}", last_name="Poe", salary=salary, **values
        )


def everything(name: str, *values: Any) -> None:
    Everything.objects.bulk_create([Everything(**{name: value}) for value in values])


def figures(names: str | None, action: str, dataclass: str = "Employee", **how: Any) -> str:
    return text(compute(select(dataclass, **how), names, action))


def values(names: str | None, dataclass: str = "Employee", **how: Any) -> str:
    part = Slice(how.pop("skip", 0), how.pop("top", 100))
    return text(distinct(select(dataclass, **how), names, part))


def refusal(ask: Any, *args: Any, **how: Any) -> tuple[int, list[int]]:
    with pytest.raises(RestError) as caught:
        ask(*args, **how)
    return caught.value.status, [item.row.code for item in caught.value.items]


# Numbers


def test_whole_numbers() -> None:
    staff(100, 200, None, 50)
    assert figures("salary", "sum") == "350"
    assert figures("salary", "min") == "50"
    assert figures("salary", "max") == "200"
    assert figures("salary", "count") == "4"
    assert figures("salary", "average") == "116.66666666666667"
    assert figures("salary", "$all") == (
        '{"salary":{"count":4,"sum":350,"average":116.66666666666667,"min":50,"max":200}}'
    )


def test_an_average_that_can_be_written_out_is() -> None:
    staff(10, 12)
    assert figures("salary", "average") == "11"
    Employee.objects.filter(id=2).update(salary=11)
    assert figures("salary", "average") == "10.5"


def test_an_empty_selection() -> None:
    shown = '{"salary":{"count":0,"sum":0,"average":null,"min":null,"max":null}}'
    assert figures("salary", "$all") == shown
    assert [figures("salary", action) for action in ("count", "sum", "average", "min", "max")] == [
        *("0", "0", "null", "null", "null")
    ]
    assert figures("lastName", "$all") == '{"lastName":{"count":0,"min":null,"max":null}}'
    staff(None, None)
    assert figures("salary", "$all") == shown.replace('"count":0', '"count":2')


def test_actions_in_any_case() -> None:
    staff(1, 2)
    assert figures("salary", "SUM") == figures("salary", "Sum") == "3"
    assert figures("salary", "all") == figures("salary", "$ALL") == figures("salary", "$all")


def test_several_attributes() -> None:
    staff(1, 2)
    assert figures("salary, ID", "$all") == (
        '{"salary":{"count":2,"sum":3,"average":1.5,"min":1,"max":2},'
        '"ID":{"count":2,"sum":3,"average":1.5,"min":1,"max":2}}'
    )
    assert figures("salary,firstName", "max") == "2"


def test_decimals_are_exact() -> None:
    everything("decimal", Decimal("0.1"), Decimal("0.2"), None)
    assert figures("decimal", "$all", "Everything") == (
        '{"decimal":{"count":3,"sum":0.3000,"average":0.15,"min":0.1000,"max":0.2000}}'
    )


def test_floats() -> None:
    everything("floating", 0.5, 2.25, None)
    assert figures("floating", "$all", "Everything") == (
        '{"floating":{"count":3,"sum":2.75,"average":1.375,"min":0.5,"max":2.25}}'
    )


def test_large_whole_numbers() -> None:
    everything("big", 2**62, 2**61)
    assert figures("big", "sum", "Everything") == str(2**62 + 2**61)
    everything("big", 2**62)
    if connection.vendor == "sqlite":
        assert refusal(figures, "big", "sum", "Everything") == (500, [1200])
    else:
        assert figures("big", "sum", "Everything") == str(2**63 + 2**61)


# Other types


def test_dates_and_times() -> None:
    everything("date", dt.date(2024, 1, 31), dt.date(99, 2, 1), None)
    assert figures("date", "$all", "Everything") == (
        '{"date":{"count":3,"min":"0099-02-01T00:00:00.000Z","max":"2024-01-31T00:00:00.000Z"}}'
    )
    everything("moment", dt.datetime(2024, 5, 6, 7, 8, 9, 123_456, dt.UTC))
    assert figures("moment", "max", "Everything") == '"2024-05-06T07:08:09.123Z"'
    everything("time", dt.time(1, 0, 0, 5_000), dt.time(0, 0, 1))
    assert figures("time", "max", "Everything") == "3600005"
    everything("duration", dt.timedelta(seconds=-1), dt.timedelta(days=1))
    assert figures("duration", "$all", "Everything") == (
        '{"duration":{"count":8,"min":-1000,"max":86400000}}'
    )


def test_booleans_and_uuids() -> None:
    everything("boolean", True, None)
    assert figures("boolean", "min", "Everything") == "true"
    everything("boolean", False)
    assert figures("boolean", "$all", "Everything") == ('{"boolean":{"count":3,"min":false,"max":true}}')
    everything("uuid", uuid.UUID(int=15), uuid.UUID(int=2**127))
    assert figures("uuid", "min", "Everything") == f'"{15:032X}"'
    assert figures("uuid", "max", "Everything") == f'"{2**127:032X}"'


def test_texts_by_their_folded_form() -> None:
    for number, name in enumerate(("zoe", "Ångström", "apple", "ZOE", "angstrom", "Émile"), 1):
        Employee.objects.create(id=number, first_name="", last_name=name)
    assert figures("lastName", "$all") == '{"lastName":{"count":6,"min":"angstrom","max":"zoe"}}'
    assert figures("lastName", "min") == '"angstrom"'
    # Of texts that are equal the code points decide.
    Employee.objects.filter(id=1).delete()
    assert figures("lastName", "max") == '"ZOE"'
    assert figures("lastName", "max", queryset=Employee.objects.filter(id__lt=4)) == '"apple"'


def test_addresses_and_custom_texts() -> None:
    everything("ip", "10.0.0.2", "9.0.0.1")
    assert figures("ip", "min", "Everything") == '"10.0.0.2"'
    everything("shade", "red", "Blue")
    assert figures("shade", "min", "Everything") == '"Blue"'
    assert values("shade", "Everything") == '["Blue","red"]'


def test_the_database_own_comparison(settings: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("each database has its own")
    settings.FOURD_REST = {"TEXT_COMPARISON": "database"}
    for number, name in enumerate(("adams", "Zoe"), 1):
        Employee.objects.create(id=number, first_name="", last_name=name)
    assert figures("lastName", "min") == '"Zoe"'
    assert values("lastName") == '["Zoe","adams"]'


# Properties of objects


def extras(*extra: Any) -> None:
    Company.objects.bulk_create(
        [Company(id=number, name="", extra=value) for number, value in enumerate(extra, 1)]
    )


def test_properties() -> None:
    extras({"score": 5}, {"score": 2.5}, {"score": "Ann"}, {"score": None}, {}, None, {"score": True})
    assert figures("extra.score", "$all", "Company") == (
        '{"extra.score":{"count":7,"sum":7.5,"average":3.75,"min":2.5,"max":"Ann"}}'
    )
    assert values("extra.score", "Company") == '[2.5,5,"Ann"]'
    assert values("extra.score", "Company", skip=1, top=2) == '[5,"Ann"]'
    assert values("extra.score", "Company", skip=2) == '["Ann"]'
    assert values("extra.score", "Company", skip=3) == "[]"


def test_deep_properties() -> None:
    extras({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": 7})
    assert figures("extra.a.b", "sum", "Company") == "3"
    assert figures("extra.a.b", "min", "Company") == "1"
    assert figures("extra.nothing", "max", "Company") == "null"
    assert figures("extra.nothing", "sum", "Company") == "0"


def test_texts_of_a_property() -> None:
    extras({"n": "b"}, {"n": "Ä"}, {"n": "a"}, {"n": "B"})
    assert figures("extra.n", "min", "Company") == '"a"'
    assert figures("extra.n", "max", "Company") == '"b"'
    assert values("extra.n", "Company") == '["a","B"]'


# Derived attributes


@pytest.fixture
def rich(monkeypatch: Any, registered: Any) -> DataClass:
    def yearly(self: Any) -> int | None:
        return None if self.salary is None else self.salary * 12

    def initial(self: Any) -> str | None:
        return self.first_name[:1] or None

    yearly.__annotations__["return"] = int
    initial.__annotations__["return"] = str
    monkeypatch.setattr(Employee, "yearly", yearly, raising=False)
    monkeypatch.setattr(Employee, "initial", initial, raising=False)
    return registered(
        Employee,
        fields=["id", "first_name", "last_name", "salary", "employer", "team"],
        computed=["yearly", "initial"],
        annotations={"double": F("salary") * 2, "shout": Upper("first_name"), "size": Count("team")},
        aliases={"company": "employer.name", "revenues": "employer.revenues"},
    )


def test_what_python_computes(rich: DataClass) -> None:
    staff(1, 2, None)
    assert figures("yearly", "$all") == (
        '{"yearly":{"count":3,"sum":36,"average":18,"min":12,"max":24}}'
    )
    assert figures("yearly,salary", "$all") == (
        '{"yearly":{"count":3,"sum":36,"average":18,"min":12,"max":24},'
        '"salary":{"count":3,"sum":3,"average":1.5,"min":1,"max":2}}'
    )
    assert values("yearly") == "[12,24]"
    for name in ("Émile", "eva", "Eric", "Zoe"):
        Employee.objects.create(first_name=name, last_name="")
    assert figures("initial", "$all") == '{"initial":{"count":7,"min":"E","max":"Z"}}'
    assert values("initial") == '["E","N","Z"]'
    assert values("initial", skip=1, top=1) == '["N"]'


def test_python_looks_at_no_more_than_a_setting_allows(rich: DataClass, settings: Any) -> None:
    staff(1, 2, 3)
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 3}
    assert figures("yearly", "sum") == "72"
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 2}
    assert refusal(figures, "yearly", "sum") == (500, [1200])
    assert refusal(values, "yearly") == (500, [1200])
    assert figures("salary", "sum") == "6"


def test_annotations(rich: DataClass) -> None:
    staff(1, 2)
    Employee.objects.filter(id=2).update(manager=1)
    assert figures("double", "$all") == ('{"double":{"count":2,"sum":6,"average":3,"min":2,"max":4}}')
    assert figures("size,salary", "$all") == (
        '{"size":{"count":2,"sum":1,"average":0.5,"min":0,"max":1},'
        '"salary":{"count":2,"sum":3,"average":1.5,"min":1,"max":2}}'
    )
    assert values("size") == "[0,1]"
    assert values("shout") == '["N1","N2"]'


def test_annotations_of_every_kind(registered: Any) -> None:
    registered(
        Employee,
        fields=["id", "manager"],
        annotations={
            "leads": Exists(Employee.objects.filter(manager=OuterRef("pk"))),
            "average": Avg("team__salary"),
            "kind": Case(When(salary__gt=1, then=Value("big")), default=Value("small")),
            "place": Window(RowNumber(), order_by="salary"),
        },
    )
    staff(1, 2, 3)
    Employee.objects.exclude(id=1).update(manager=1)
    for prefix, leads, averages, kinds in (
        ("", "[false,true]", "[2.5]", '["big","small"]'),
        ("manager.", "[true]", "[2.5]", '["small"]'),
    ):
        assert values(f"{prefix}leads") == leads
        assert values(f"{prefix}average") == averages
        assert values(f"{prefix}kind") == kinds
        assert refusal(values, f"{prefix}place") == (500, [1574])
        assert refusal(figures, f"{prefix}place", "max") == (500, [1574])
    assert figures("manager.average", "$all") == (
        '{"manager.average":{"count":3,"sum":5.0,"average":2.5,"min":2.5,"max":2.5}}'
    )


def test_aliases(rich: DataClass) -> None:
    Company.objects.bulk_create(
        [Company(id=1, name="Acme", revenues="10.50"), Company(id=2, name="Bolt")]
    )
    staff(1, 2, employer_id=1)
    Employee.objects.create(first_name="", last_name="", employer_id=2)
    Employee.objects.create(first_name="", last_name="")
    assert figures("company", "$all") == '{"company":{"count":4,"min":"Acme","max":"Bolt"}}'
    assert figures("revenues", "sum") == "21.00"
    assert values("company") == '["Acme","Bolt"]'


def test_paths_over_relations(registered: Any) -> None:
    registered(Company, annotations={"twice": F("revenues") * 2, "size": Count("staff")})
    Company.objects.bulk_create(
        [
            Company(id=1, name="Acme", revenues="10.50", extra={"score": 3, "name": "x"}),
            Company(id=2, name="ACME", revenues="1.00", extra={"score": 4}),
        ]
    )
    staff(1, 2, employer_id=1)
    Employee.objects.create(id=3, first_name="", last_name="", employer_id=2, manager_id=1)
    Employee.objects.create(id=4, first_name="", last_name="")
    assert values("employer.name") == '["ACME"]'
    assert figures("employer.name", "max") == '"Acme"'
    assert figures("employer.revenues", "sum") == "22.00"
    assert figures("manager.employer.name,salary", "$all") == (
        '{"manager.employer.name":{"count":4,"min":"Acme","max":"Acme"},'
        '"salary":{"count":4,"sum":3,"average":1.5,"min":1,"max":2}}'
    )
    assert figures("employer.extra.score", "sum") == "10"
    assert values("employer.extra.name") == '["x"]'
    assert float(figures("employer.twice", "max")) == 21
    assert values("employer.size") == "[1,2]"
    assert refusal(figures, "team.salary", "sum") == (500, [1574])
    assert refusal(figures, "employer.manager", "min") == (500, [1574])
    assert refusal(values, "employer.manager") == (500, [1816])


def test_what_python_computes_of_others(monkeypatch: Any, registered: Any) -> None:
    def motto(self: Any) -> str:
        return "no"

    motto.__annotations__["return"] = str
    monkeypatch.setattr(Company, "motto", motto, raising=False)
    registered(Company, computed=["motto"])
    staff(1)
    assert refusal(figures, "employer.motto", "max") == (500, [1574])
    assert refusal(values, "employer.motto") == (500, [1574])


# Who may


def test_a_hidden_value_counts_as_null(registered: Any) -> None:
    registered(Finder, fields=["id", "secretive"], aliases={"found": "secretive.name"})
    seen = Secretive.everything.create(name="seen")
    hidden = Secretive.everything.create(name="a hidden one", is_hidden=True)
    for secretive in (seen, hidden, None):
        Finder.objects.create(name="", secretive=secretive)
    assert figures("found", "$all", "Finder") == '{"found":{"count":3,"min":"seen","max":"seen"}}'
    assert values("found", "Finder") == '["seen"]'


def test_a_path_needs_the_right_to_read_its_target() -> None:
    Company.objects.bulk_create([Company(id=1, name="Acme")])
    staff(1, employer_id=1)
    user = reader("employee")
    for names in ("employer.name", "employer.nothing", "employer"):
        assert refusal(figures, names, "max", user=user) == (404, [1500, 1804])
        assert refusal(values, names, user=user) == (404, [1500, 1804])
    user.user_permissions.set([])
    user = User.objects.get()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_employee", "view_company"]))
    assert values("employer.name", user=user) == '["Acme"]'


def test_a_path_to_a_hidden_entity_counts_as_null(registered: Any) -> None:
    registered(Finder, fields=["id", "secretive"])
    for name, is_hidden in (("seen", False), ("a hidden one", True)):
        secretive = Secretive.everything.create(name=name, is_hidden=is_hidden)
        Finder.objects.create(name="", secretive=secretive)
    assert values("secretive.name", "Finder") == '["seen"]'
    assert figures("secretive.name", "min", "Finder") == '"seen"'
    assert figures("secretive.id", "count", "Finder") == "2"


def test_only_what_is_exposed(rich: DataClass) -> None:
    for name in ("stamp", "birth_date", "employer__name", "pk", "salary__gt", "nothing", ""):
        expected = (500, [1816]) if not name else (404, [1500, 1804])
        assert refusal(figures, name, "max") == expected
        assert refusal(values, name) == expected
    assert refusal(figures, "salary.x", "max") == (404, [1500, 1804])
    assert refusal(figures, "employer.nothing", "max") == (404, [1500, 1804])
    assert refusal(figures, "employer..name", "max") == (404, [1500, 1804])
    assert refusal(figures, ".".join(["manager"] * 11), "max") == (400, [9022])


def test_entities_outside_the_selection_count_for_nothing() -> None:
    staff(1, 2, 100)
    some = Employee.objects.filter(id__lt=3)
    assert figures("salary", "sum", queryset=some) == "3"
    assert values("salary", queryset=some) == "[1,2]"


# What cannot be computed


def test_wrong_actions_and_kinds() -> None:
    assert refusal(figures, "salary", "median") == (500, [1817])
    assert refusal(figures, None, "median") == (500, [1817])
    for names in (None, "", " , "):
        assert refusal(figures, names, "sum") == (500, [1816])
        assert refusal(figures, names, "$all") == (500, [1816])
        assert refusal(values, names) == (500, [1816])
    for action in ("sum", "average"):
        for name in ("lastName", "birthDate", "woman"):
            assert refusal(figures, name, action) == (500, [1574])
    for name in ("photo", "cv", "employer", "team"):
        for action in ("count", "min", "$all"):
            assert refusal(figures, name, action) == (500, [1574])
    for name in ("photo", "cv"):
        assert refusal(values, name) == (500, [1574])
    assert refusal(figures, "extra", "min", "Company") == (500, [1574])
    assert refusal(values, "extra", "Company") == (500, [1574])


def test_count_needs_no_attribute() -> None:
    staff(1, None)
    assert figures(None, "count") == figures("", "count") == "2"
    assert refusal(figures, "nothing", "count") == (404, [1500, 1804])


# Distinct values


def test_distinct_values() -> None:
    staff(3, 1, None, 3)
    assert values("salary") == "[1,3]"
    assert values("lastName") == '["Poe"]'
    assert values("woman") == "[false]"
    assert values("birthDate") == "[]"


def test_texts_that_are_equal_are_one_value() -> None:
    for name in ("Poe", "ADAMS", "adams", "Adams", "Éa", "ea", ""):
        Employee.objects.create(first_name="", last_name=name)
    assert values("lastName") == '["","ADAMS","ea","Poe"]'


def test_slices_of_distinct_values(admin: Any, settings: Any) -> None:
    staff(5, 4, 4, 3, 3, 3, 2, 1)
    assert values("salary", skip=1, top=2) == "[2,3]"
    assert values("salary", top=0) == "[]"
    assert values("salary", skip=9) == "[]"
    assert values("salary", skip=3) == "[4,5]"
    settings.FOURD_REST = {"MAX_PAGE_SIZE": 3, "PAGE_SIZE": 2}
    for top in ("", "&$top=-1", "&$top=99"):
        assert admin.read(f"Employee/salary?$distinct=1{top}").json() == [1, 2, 3]


def test_distinct_values_as_a_read_shows_them() -> None:
    everything("date", dt.date(2024, 12, 1), dt.date(2024, 2, 3))
    assert values("date", "Everything") == '["3!2!2024","1!12!2024"]'
    second = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    everything("moment", second, second + dt.timedelta(microseconds=1))
    assert values("moment", "Everything") == '["2024-01-01T00:00:00.000Z"]'
    everything("decimal", Decimal("1.5"), Decimal("1.50"))
    assert values("decimal", "Everything") == "[1.5000]"
    Parcel.objects.create(id=uuid.UUID(int=255))
    assert values("id", "Parcel") == f'["{255:032X}"]'


def test_relations_are_passed_over() -> None:
    staff(7)
    assert values("employer,team,salary,ID") == "[7]"
    assert refusal(values, "employer,team") == (500, [1816])


def test_querysets_of_every_kind() -> None:
    """What a site's ``get_queryset`` may give: duplicates taken out, grouped, united."""
    staff(1, 2)
    Employee.objects.filter(id=2).update(manager=1)
    for rows in (
        Employee.objects.filter(Q(id=1) | Q(manager=1)).distinct(),
        Employee.objects.annotate(size=Count("team")),
        Employee.objects.filter(id=1).union(Employee.objects.filter(id=2)),
        Employee.objects.order_by("-last_name"),
    ):
        assert figures("salary", "$all", queryset=rows) == (
            '{"salary":{"count":2,"sum":3,"average":1.5,"min":1,"max":2}}'
        )
        assert values("salary", queryset=rows) == "[1,2]"
        assert values("lastName", queryset=rows) == '["Poe"]'


# Cost


def test_statements(rich: DataClass) -> None:
    staff(*range(20))
    rows = select("Employee")
    for names, action, expected in (
        (None, "count", 1),
        ("salary", "count", 1),
        ("salary", "sum", 1),
        ("salary,id", "$all", 1),
        ("last_name", "min", 2),
        ("last_name,first_name,shout,company,salary", "$all", 2),
        ("yearly", "sum", 2),
        ("yearly,last_name,salary", "$all", 3),
    ):
        _, count = statements(lambda names=names, action=action: compute(rows, names, action))
        assert (names, action, count) == (names, action, expected)
    for name, expected in (("salary", 1), ("last_name", 1), ("company", 1), ("yearly", 2)):
        _, count = statements(lambda name=name: distinct(rows, name, Slice(0, 100)))
        assert (name, count) == (name, expected)


def test_a_reader_without_the_right_to_the_target(rich: DataClass) -> None:
    """Reading an alias needs rights on itself only (``sessions.md`` 5)."""
    Company.objects.bulk_create([Company(id=1, name="Acme")])
    staff(1, employer_id=1)
    user = reader("employee")
    assert values("company", user=user) == '["Acme"]'


def test_text_keys() -> None:
    Country.objects.bulk_create([Country(code=code, name="x") for code in ("DE", "at")])
    assert values("code", "Country") == '["at","DE"]'
    assert figures("code", "max", "Country") == '"DE"'


# Through an address


def test_through_an_address(admin: Any, guest: Any, login: Any) -> None:
    staff(3, 1, None, 3)
    for path, shown in (
        ("Employee/salary?$compute=sum", "7"),
        ("Employee?$attributes=salary&$compute=average", "2.3333333333333333"),
        ("Employee?$compute=count", "4"),
        ("Employee/salary/?$compute=$all&$filter='ID<3'", None),
        ("Employee/salary?$distinct=true", "[1,3]"),
        ("Employee/salary?$distinct=true&$skip=1&$top=5", "[3]"),
        ("Employee/firstName?$distinct=true&$filter='salary=3'", '["N1","N4"]'),
    ):
        response = admin.read(path)
        expected = shown or '{"salary":{"count":2,"sum":4,"average":2,"min":1,"max":3}}'
        assert (response.status_code, response.content.decode()) == (200, expected)
    for path, status, expected_codes in (
        ("Employee/salary?$compute=median", 500, [1817]),
        ("Employee?$compute=sum", 500, [1816]),
        ("Employee/photo?$compute=max", 500, [1574]),
        ("Employee/stamp?$compute=max", 404, [1500, 1804]),
        ("Employee?$distinct=true", 500, [1816]),
    ):
        response = admin.read(path)
        assert (response.status_code, codes(response.json())) == (status, expected_codes), path
    assert guest.read("Employee/salary?$compute=sum").status_code == 401
    assert login("hr.view_company").read("Employee/salary?$compute=sum").status_code == 404
    assert (
        login("hr.add_employee", username="b").read("Employee/salary?$distinct=true").status_code == 401
    )
