"""Computed attributes, SQL annotations and aliases (``functions.md`` 7)."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any, Optional

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Case, CharField, Count, F, Value, When
from django.db.models.functions import Concat, Upper
from django.test.utils import CaptureQueriesContext
from django.utils.functional import cached_property, lazy

from fourd_rest import DataClass
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors, nothing_changes
from tests.contract.sample import acme, john
from tests.spec.writes import told
from tests.zoo.models import Animal, Country, Keeper, Parcel, Passport

pytestmark = pytest.mark.django_db

PLAIN = ["id", "first_name", "last_name", "salary"]


class Site:
    """What a site's model might have."""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @full_name.setter
    def full_name(self, value: str) -> None:
        if " " not in value:
            raise ValidationError("First and last name, please.")
        self.first_name, _, self.last_name = value.partition(" ")

    @property
    def initials(self) -> str | None:
        return f"{self.first_name[0]}{self.last_name[0]}" if self.first_name else None

    def yearly(self) -> int | None:
        return None if self.salary is None else self.salary * 12

    @cached_property
    def is_rich(self) -> bool:
        return bool(self.salary and self.salary > 1000)

    @property
    def hidden(self) -> str:
        return "secret of the site"


@pytest.fixture
def site(monkeypatch: Any, registered: Any) -> Any:
    """``site(**options)``: employees with the members of ``Site``."""
    for name, member in vars(Site).items():
        if not name.startswith("__"):
            monkeypatch.setattr(Employee, name, member, raising=False)

    def register(**options: Any) -> DataClass:
        return registered(Employee, **{"fields": PLAIN, "naming": "camelCase"} | options)

    return register


def member(monkeypatch: Any, model: Any, name: str, value: Any) -> None:
    if isinstance(value, cached_property):
        value.__set_name__(model, name)
    monkeypatch.setattr(model, name, value, raising=False)


def read(client: RestClient, path: str) -> dict[str, Any]:
    response = client.read(path)
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def post(client: RestClient, stamp: int = 4, **values: Any) -> tuple[int, list[int]]:
    return told(client.update("Employee", {"__KEY": "12", "__STAMP": stamp, **values}))


# Computed by Python


def test_properties_and_methods(admin: RestClient, site: Any) -> None:
    site(computed=["full_name", "initials", "yearly", "is_rich"])
    john(salary=100)
    expected = {
        "__entityModel": "Employee",
        "__DATACLASS": "Employee",
        "__KEY": "12",
        "__TIMESTAMP": "2026-01-02T03:04:05.678Z",
        "__STAMP": 4,
        "ID": 12,
        "firstName": "John",
        "lastName": "Smith",
        "salary": 100,
        "fullName": "John Smith",
        "initials": "JS",
        "yearly": 1200,
        "isRich": False,
    }
    expected["id"] = expected.pop("ID")
    entity = read(admin, "Employee(12)")
    assert entity == expected
    assert list(entity)[-4:] == ["fullName", "initials", "yearly", "isRich"]
    assert read(admin, "Employee")["__ENTITIES"] == [
        {name: value for name, value in expected.items() if name[:3] not in ("__e", "__D")}
    ]
    only = read(admin, "Employee(12)/yearly,fullName")
    assert list(only.items())[-2:] == [("yearly", 1200), ("fullName", "John Smith")]


def test_null(admin: RestClient, site: Any) -> None:
    site(computed=["initials", "yearly"])
    john(first_name="")
    entity = read(admin, "Employee(12)")
    assert (entity["initials"], entity["yearly"]) == (None, None)
    answer = json.loads(admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "salary": 1}).content)
    assert ("initials" in answer, answer["yearly"]) == (False, 12)


def test_they_cost_no_statement(admin: RestClient, site: Any) -> None:
    counts = []
    for options in ({}, {"computed": ["full_name", "yearly"]}):
        site(**options)
        Employee.objects.all().delete()
        john()
        Employee.objects.bulk_create(Employee(first_name="x", last_name="y") for _ in range(5))
        with CaptureQueriesContext(connection) as queries:
            read(admin, "Employee")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("hint", "value", "type_name", "wire"),
    [
        (str, "x", "string", "x"),
        (int, 2**40, "long64", 2**40),
        (float, 0.5, "number", 0.5),
        (Decimal, Decimal("1.50"), "number", 1.5),
        (bool, True, "bool", True),
        (dt.date, dt.date(2026, 1, 31), "date", "31!1!2026"),
        (dt.datetime, dt.datetime(2026, 1, 31, 1, tzinfo=dt.UTC), "date", "2026-01-31T01:00:00.000Z"),
        (dt.timedelta, dt.timedelta(seconds=2), "duration", 2000),
        (dt.time, dt.time(0, 0, 3), "duration", 3000),
        (uuid.UUID, uuid.UUID(int=255), "uuid", f"{255:032X}"),
        (dict, {"a": 1}, "object", {"a": 1}),
        (dict[str, int], {"a": 1}, "object", {"a": 1}),
        (list[int], [1], "object", [1]),
        (str | None, "x", "string", "x"),
        (Optional[int], None, "long64", None),  # noqa: UP045
        ("str", "x", "string", "x"),
    ],
)
@pytest.mark.parametrize("form", ["property", "method", "cached"])
def test_types(
    admin: RestClient,
    registered: Any,
    monkeypatch: Any,
    hint: Any,
    value: Any,
    type_name: str,
    wire: Any,
    form: str,
) -> None:
    def compute(self: Any) -> Any:
        return value

    compute.__annotations__["return"] = hint
    wrapped = {"property": property, "method": lambda f: f, "cached": cached_property}[form](compute)
    member(monkeypatch, Keeper, "thing", wrapped)
    dataclass = registered(Keeper, fields=["id"], computed=["thing"])
    Keeper.objects.create(id=1, name="Ann")
    assert dataclass.attributes["thing"].type == type_name
    assert read(admin, "Keeper(1)")["thing"] == wire


def unannotated(self):
    return 1


def strangely(self) -> object:
    return 1


def ambiguous(self) -> int | str:
    return 1


def unknowable(self) -> "NoSuchType":  # noqa: F821, UP037
    return 1


def demanding(self, other: int) -> int:
    return other


def content(self, other: int = 1, *args: int, **kwargs: int) -> int:
    return other


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (unannotated, "it has no return annotation that an attribute type goes with"),
        (strangely, "it has no return annotation that an attribute type goes with"),
        (ambiguous, "it has no return annotation that an attribute type goes with"),
        (unknowable, "it has no return annotation that an attribute type goes with"),
        (demanding, "it takes arguments"),
        (staticmethod(lambda: 1), "the model has no property or method of this name"),
        (5, "the model has no property or method of this name"),
    ],
)
def test_left_out(admin: RestClient, registered: Any, monkeypatch: Any, function: Any, why: str) -> None:
    member(monkeypatch, Keeper, "thing", function)
    dataclass = registered(Keeper, fields=["id"], computed=["thing", "nothing", "name"])
    assert [(item.source, item.what, item.why) for item in dataclass.fields_left_out] == [
        ("thing", "zoo.Keeper.thing", why),
        ("nothing", "zoo.Keeper.nothing", "the model has no property or method of this name"),
        ("name", "zoo.Keeper.name", "the model has no property or method of this name"),
    ]
    assert list(dataclass.attributes) == ["id"]


def test_arguments_with_defaults(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    member(monkeypatch, Keeper, "thing", content)
    registered(Keeper, fields=["id"], computed=["thing"])
    Keeper.objects.create(id=1, name="Ann")
    assert read(admin, "Keeper(1)")["thing"] == 1


def test_only_what_is_named(admin: RestClient, site: Any) -> None:
    site(computed=["full_name"])
    john()
    assert "hidden" not in read(admin, "Employee(12)")
    assert post(admin, hidden="x") == (500, [1500, 1517])
    assert told(admin.read("Employee(12)/hidden")) == (404, [1500, 1804])


def test_a_bug_of_the_site(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    def broken(self: Any) -> int:
        raise ZeroDivisionError("a secret")

    member(monkeypatch, Keeper, "thing", property(broken))
    registered(Keeper, fields=["id", "name"], computed=["thing"])
    Keeper.objects.create(id=1, name="Ann")
    answer = admin.read("Keeper(1)")
    assert told(answer) == (500, [9011])
    assert b"secret" not in answer.content
    assert told(admin.read("Keeper(1)/name"))[0] == 200


# Writing through a setter


def test_setter(admin: RestClient, site: Any) -> None:
    site(computed=["full_name", "initials"])
    john()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "fullName": "Jack Black"})
    shown = json.loads(answer.content)
    man = Employee.objects.get()
    assert (man.first_name, man.last_name, man.stamp) == ("Jack", "Black", 5)
    assert (shown["__STAMP"], shown["fullName"], shown["initials"]) == (5, "Jack Black", "JB")


def test_setter_of_a_new_entity(admin: RestClient, site: Any) -> None:
    site(computed=["full_name"])
    assert told(admin.update("Employee", {"fullName": "Jack Black"})) == (200, [])
    assert Employee.objects.get().last_name == "Black"


def test_what_a_setter_refuses(admin: RestClient, site: Any) -> None:
    site(computed=["full_name"])
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "fullName": "Jack"})
    document = json.loads(answer.content)
    assert [item["message"] for item in document["__ERROR"][:1]] == [
        "Employee: First and last name, please."
    ]
    assert told(answer) == (500, [1569, 1570, 1517])
    with nothing_changes():
        assert told(admin.update("Employee", {"fullName": "Jack"})) == (500, [1569, 1570, 1534])
        assert post(admin, fullName="x" * 61 + " y") == (500, [1569, 1570, 1517])
        assert post(admin, fullName=[1]) == (500, [1508, 1517])


def test_equal_values_are_no_change(admin: RestClient, site: Any) -> None:
    site(computed=["full_name", "initials", "yearly", "is_rich"])
    john(salary=3)
    with nothing_changes():
        assert told(admin.update("Employee", read(admin, "Employee(12)"))) == (200, [])
        assert post(admin, stamp=1, fullName="John Smith", yearly="36") == (200, [])


@pytest.mark.parametrize("name", ["initials", "yearly", "isRich", "fullName"])
def test_read_only(admin: RestClient, site: Any, name: str) -> None:
    site(computed=["full_name", "initials", "yearly", "is_rich"], readonly_fields=["full_name"])
    john()
    with nothing_changes():
        value = True if name == "isRich" else 7
        assert post(admin, **{name: value}) == (500, [1516, 1517])


# Computed by SQL


def test_annotations(admin: RestClient, site: Any) -> None:
    site(
        annotations={
            "full_name_upper": Upper(Concat("first_name", Value(" "), "last_name")),
            "double": F("salary") * 2,
            "team_size": Count("team"),
        }
    )
    man = john(salary=4)
    Employee.objects.create(first_name="a", last_name="b", manager=man)
    entity = read(admin, "Employee(12)")
    names = ("fullNameUpper", "double", "teamSize")
    assert [entity[name] for name in names] == ["JOHN SMITH", 8, 1]
    page = read(admin, "Employee/double")["__ENTITIES"]
    assert [(row["__KEY"], row["double"]) for row in page][0] == ("12", 8)
    answer = json.loads(admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "salary": 5}).content)
    assert [answer[name] for name in names] == ["JOHN SMITH", 10, 1]
    with nothing_changes():
        assert post(admin, stamp=5, double=8) == (500, [1516, 1517])
        assert post(admin, stamp=5, double=10, teamSize="1") == (200, [])


def test_annotations_of_the_moment(admin: RestClient, site: Any) -> None:
    """SQL that is kept holds nothing of one request's language, and takes no parameter for another."""
    texts = [""]
    hello = Value(lazy(lambda: texts[-1], str)(), CharField())
    site(
        annotations={
            "hello": Concat(hello, "first_name"),
            "rank": Case(When(salary__gt=3, then=Value("high")), default=Value("low")),
            "team_size": Count("team"),
        }
    )
    for key, name in (12, "John"), (13, "Jane"):
        Employee.objects.create(pk=key, first_name=name, last_name="Smith", salary=key - 9)
    for text in ("Hi ", "Salut "):
        texts.append(text)
        for key, name, rank in (12, "John", "low"), (13, "Jane", "high"):
            entity = read(admin, f"Employee({key})")
            assert [entity[name] for name in ("hello", "rank", "teamSize")] == [text + name, rank, 0]
        page = read(admin, "Employee")["__ENTITIES"]
        assert [entity["hello"] for entity in page] == [f"{text}John", f"{text}Jane"]
        answer = json.loads(admin.update("Employee", {"__KEY": 12, "firstName": "John"}).content)
        assert answer["hello"] == f"{text}John"


@pytest.mark.parametrize("expression", [F("no_such_field"), 5, Upper("nothing__at_all"), "first_name"])
def test_annotations_that_lead_nowhere(site: Any, expression: Any) -> None:
    dataclass = site(annotations={"thing": expression})
    assert [item.source for item in dataclass.fields_left_out] == ["thing"]
    assert all(item.why for item in dataclass.fields_left_out)
    assert "thing" not in dataclass.attributes


# Aliases


@pytest.fixture
def employed(site: Any) -> Employee:
    site(
        fields=["id", "first_name", "employer", "manager"],
        aliases={
            "employerName": "employer.name",
            "bossName": "employer.manager.firstName",
            "founded": "employer.creationDate",
            "givenName": "firstName",
            "number": "id",
        },
    )
    company = acme()
    boss = Employee.objects.create(id=1, first_name="Jane", last_name="Boss")
    Company.objects.update(manager=boss, creation_date=dt.date(2003, 2, 1))
    return john(employer=company)


def test_aliases(admin: RestClient, employed: Employee) -> None:
    entity = read(admin, "Employee(12)")
    names = ("employerName", "bossName", "founded", "givenName", "number")
    assert [entity[name] for name in names] == ["Acme", "Jane", "1!2!2003", "John", 12]
    boss = read(admin, "Employee(1)")
    assert [boss[name] for name in names] == [None, None, None, "Jane", 1]
    rows = read(admin, "Employee/bossName")["__ENTITIES"]
    assert [(row["__KEY"], row["bossName"]) for row in rows] == [("1", None), ("12", "Jane")]


def test_aliases_cost_no_statement(admin: RestClient, employed: Employee) -> None:
    counts = []
    for path in ("Employee/firstName", "Employee/bossName,employerName"):
        with CaptureQueriesContext(connection) as queries:
            read(admin, path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_alias_of_the_same_entity_is_written_through(admin: RestClient, employed: Employee) -> None:
    assert post(admin, givenName="Jack") == (200, [])
    assert Employee.objects.get(pk=12).first_name == "Jack"
    assert post(admin, stamp=5, givenName="x" * 61) == (500, [1569, 1570, 1517])
    with nothing_changes():
        assert post(admin, stamp=5, number=13) == (500, [1516, 1517])


@pytest.mark.parametrize("reverse", [False, True])
def test_one_value_under_two_names(admin: RestClient, employed: Employee, reverse: bool) -> None:
    """Which of two was meant nobody knows; an echo of what is stored means nothing."""
    values = [("firstName", "Jack"), ("givenName", "Jim")]
    with nothing_changes():
        assert post(admin, **dict(values[::-1] if reverse else values)) == (500, [1508, 1517])
    echoed = {"firstName": "Jack", "givenName": employed.first_name}
    assert post(admin, **dict(sorted(echoed.items(), reverse=reverse))) == (200, [])
    assert post(admin, stamp=5, firstName="Jim", givenName="Jim") == (200, [])
    assert Employee.objects.get(pk=12).first_name == "Jim"


def test_an_alias_of_another_entity_is_read_only(admin: RestClient, employed: Employee) -> None:
    with nothing_changes():
        assert post(admin, employerName="Bcme") == (500, [1516, 1517])
        assert post(admin, employerName="Acme", founded="2003-02-01") == (200, [])
        assert told(admin.update("Employee", read(admin, "Employee(12)"))) == (200, [])


def test_an_alias_follows_its_relation(admin: RestClient, employed: Employee) -> None:
    Company.objects.create(id=2, name="Other")
    answer = json.loads(admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "employer": 2}).content)
    assert (answer["employerName"], "bossName" in answer) == ("Other", False)


def test_a_new_entity_through_an_alias(admin: RestClient, site: Any) -> None:
    site(fields=["id", "last_name"], aliases={"givenName": "firstName", "familyName": "lastName"})
    with nothing_changes():
        assert told(admin.update("Employee", {"givenName": "A"})) == (500, [1500, 1534])
    site(fields=["id", "first_name", "last_name"], aliases={"givenName": "firstName"})
    assert told(admin.update("Employee", {"givenName": "A", "lastName": "B"})) == (200, [])
    assert Employee.objects.get().first_name == "A"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("employer.shoe", "'shoe' is no scalar attribute of Company"),
        ("employer.manager", "'manager' is no scalar attribute of Company"),
        ("employer", "'employer' is no scalar attribute of Employee"),
        ("photo", "'photo' is no scalar attribute of Employee"),
        ("boss.name", "'boss' is no to-one relation of Employee"),
        ("team.firstName", "'team' is no to-one relation of Employee"),
        ("firstName.length", "'firstName' is no to-one relation of Employee"),
        ("employer.creation_date", "'creation_date' is no scalar attribute of Company"),
        ("", "'' is no scalar attribute of Employee"),
    ],
)
def test_paths_that_lead_nowhere(site: Any, path: str, why: str) -> None:
    dataclass = site(fields=["id", "first_name", "employer", "team", "photo"], aliases={"thing": path})
    found = [(item.source, item.why) for item in dataclass.fields_left_out]
    assert (found, "thing" in dataclass.attributes) == ([("thing", why)], False)


def test_a_relation_to_another_field_than_the_key(admin: RestClient, registered: Any) -> None:
    registered(Animal, fields=["id", "doctor"], aliases={"doctorName": "doctor.name"})
    Animal.objects.create(id=1, name="x", doctor=Keeper.objects.create(name="Ann", badge="a"))
    Animal.objects.create(id=2, name="y")
    assert read(admin, "Animal(1)")["doctorName"] == "Ann"
    assert read(admin, "Animal(2)")["doctorName"] is None


def test_the_reverse_of_a_one_to_one(admin: RestClient, registered: Any) -> None:
    registered(Animal, fields=["id", "passport"], aliases={"pass": "passport.number"})
    animal = Animal.objects.create(id=1, name="x")
    Passport.objects.create(animal=animal, number="7")
    assert read(admin, "Animal(1)")["pass"] == "7"


# What the reader may not see


@pytest.fixture
def hide_acme(registered: Any) -> None:
    class Reachable(DataClass):
        naming = "camelCase"

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(name="Acme")

    registered(Company, Reachable)


def test_a_hidden_entity_on_the_way_is_null(
    admin: RestClient, employed: Employee, hide_acme: None
) -> None:
    for entity in (read(admin, "Employee(12)"), read(admin, "Employee")["__ENTITIES"][1]):
        names = ("employer", "employerName", "bossName", "founded", "givenName")
        assert [entity[name] for name in names] == [None, None, None, None, "John"]
    other = Company.objects.create(id=2, name="Other")
    Employee.objects.filter(pk=12).update(employer=other)
    assert read(admin, "Employee(12)")["employerName"] == "Other"


def test_a_hidden_entity_at_the_end_is_null(
    admin: RestClient, registered: Any, monkeypatch: Any
) -> None:
    class Reachable(DataClass):
        naming = "camelCase"
        aliases = {"bossName": "employer.manager.firstName"}

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(first_name="Jane")

    registered(Employee, Reachable)
    boss = Employee.objects.create(id=1, first_name="Jane", last_name="Boss")
    john(employer=Company.objects.create(name="Acme", manager=boss))
    assert read(admin, "Employee(12)")["bossName"] is None
    boss.first_name = "Joan"
    boss.save()
    assert read(admin, "Employee(12)")["bossName"] == "Joan"


def test_a_hidden_value_is_not_given_away_by_a_write(
    admin: RestClient, employed: Employee, hide_acme: None
) -> None:
    """Guessing right must not answer otherwise than guessing wrong."""
    with nothing_changes():
        assert post(admin, employerName="Acme") == (500, [1516, 1517])
        assert post(admin, employerName="Bcme") == (500, [1516, 1517])
        assert post(admin, employerName=None) == (200, [])
    answer = json.loads(
        admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "firstName": "Jack"}).content
    )
    assert ("employerName" in answer, "bossName" in answer) == (False, False)


def test_an_alias_needs_no_right_of_its_own(login: Any, employed: Employee) -> None:
    entity = read(login("hr.view_employee"), "Employee(12)")
    assert ("employer" in entity, entity["employerName"]) == (False, "Acme")
    # Who may know of the other dataclass is told that there is a relation.
    entity = read(login("hr.view_employee", "hr.add_company", username="other"), "Employee(12)")
    assert (entity["employer"], entity["employerName"]) == (None, "Acme")


# Names and the catalog


def test_names(site: Any) -> None:
    dataclass = site(
        computed=["full_name"],
        annotations={"double_pay": F("salary") * 2},
        names={"full_name": "wholeName", "double_pay": "pay"},
    )
    assert list(dataclass.attributes)[-2:] == ["wholeName", "pay"]


def test_catalog(admin: RestClient, site: Any) -> None:
    site(
        fields=["id", "first_name", "employer"],
        computed=["full_name", "initials"],
        annotations={"double": F("salary") * 2},
        aliases={"employerName": "employer.name", "givenName": "firstName", "number": "id"},
    )
    (shown,) = read(admin, "$catalog/Employee")["dataClasses"]
    found = {attribute["name"]: attribute for attribute in shown["attributes"]}
    assert list(found.values())[3:] == [
        {"name": "fullName", "kind": "calculated", "fieldPos": 4, "scope": "public", "type": "string"},
        {
            "name": "initials",
            "kind": "calculated",
            "fieldPos": 5,
            "scope": "public",
            "type": "string",
            "readOnly": True,
        },
        {
            "name": "double",
            "kind": "calculated",
            "fieldPos": 6,
            "scope": "public",
            "type": "long",
            "readOnly": True,
        },
        {
            "name": "employerName",
            "kind": "alias",
            "fieldPos": 7,
            "scope": "public",
            "type": "string",
            "path": "employer.name",
            "readOnly": True,
        },
        {
            "name": "givenName",
            "kind": "alias",
            "fieldPos": 8,
            "scope": "public",
            "type": "string",
            "path": "firstName",
        },
        {
            "name": "number",
            "kind": "alias",
            "fieldPos": 9,
            "scope": "public",
            "type": found["id"]["type"],
            "path": "id",
        },
    ]
    assert shown["key"] == [{"name": "id"}]


def test_every_derived_attribute_beside_side_table_stamps(
    admin: RestClient, registered: Any, monkeypatch: Any
) -> None:
    member(monkeypatch, Parcel, "loud", property(lambda self: self.label.upper()))
    Parcel.loud.fget.__annotations__["return"] = str
    registered(
        Parcel,
        computed=["loud"],
        annotations={"quiet": Upper("country__name")},
        aliases={"land": "country.name"},
    )
    france = Country.objects.create(code="FR", name="France")
    parcel = Parcel.objects.create(label="x", country=france)
    entity = read(admin, f"Parcel({parcel.pk})")
    assert [entity[name] for name in ("loud", "quiet", "land")] == ["X", "FRANCE", "France"]


def test_writing_to_what_is_no_file(admin: RestClient, site: Any) -> None:
    site(computed=["full_name"])
    john()
    with nothing_changes():
        answer = admin.rest("DELETE", "Employee(12)/fullName")
    message = '"delete" REST method is not applicable here'
    assert_answer(answer, 400, errors((1813, message)))
