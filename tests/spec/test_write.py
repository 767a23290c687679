"""``$method=update`` and ``$method=delete``: what is saved, what is answered, at what price."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.dataclass.values import moment_to_wire
from fourd_rest.entities import writing
from fourd_rest.models import EntityStamp
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient, picture
from tests.contract.checks import assert_answer, error, errors, files, nothing_changes, refused
from tests.contract.sample import (
    NEVER,
    WIRE_MOMENT,
    acme,
    cv,
    employee,
    inv003,
    john,
    photo,
    to_one,
)
from tests.zoo.models import (
    Animal,
    Aviary,
    Country,
    Everything,
    Keeper,
    Parcel,
    Passport,
    Place,
    Planet,
    Secretive,
)

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, 890_123, dt.UTC)
WIRE_NOW = "2026-03-04T05:06:07.890Z"
NOT_SAVED = (1517, 'The entity# 12 in the "Employee" dataclass cannot be saved')


@pytest.fixture
def at_now(monkeypatch: Any) -> None:
    """Every save happens at ``NOW``."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def saved(entity: dict[str, Any], uri: str) -> dict[str, Any]:
    """The answer for an entity that was saved, or that needed no save (D-03)."""
    key, stamp, *others = entity.items()
    head = [("__STATUS", {"success": True}), key, stamp, ("uri", f"http://testserver{uri}")]
    return dict([*head, *others])


def saved_employee(**values: Any) -> dict[str, Any]:
    key = values.get("key", 12)
    return saved(employee(**{"moment": WIRE_NOW, **values}), f"/rest/Employee({key})")


def conflict(key: int = 12, dataclass: str = "Employee") -> list[tuple[int, str]]:
    return [
        (1263, f"Given stamp does not match current one for record# {key} of table {dataclass}"),
        (1046, f"Cannot save record {key} in table {dataclass} of database tests"),
        (1517, f'The entity# {key} in the "{dataclass}" dataclass cannot be saved'),
    ]


def codes(entity: dict[str, Any]) -> list[int]:
    return [item["errCode"] for item in entity["__ERROR"]]


# The request


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "Employee",
        "Employee/",
        "Employee?$method=update",
        "Employee/?$method=update",
        "Employee?%24method=UPDATE",
        'Employee?$method="update"',
    ],
)
def test_update(admin: RestClient, at_now: None, verb: str, path: str) -> None:
    john()
    answer = admin.rest(verb, path, {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"})
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jack"))
    man = Employee.objects.get(pk=12)
    assert (man.first_name, man.last_name, man.stamp, man.modified) == ("Jack", "Smith", 5, NOW)


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize("path", ["Employee", "Employee/?$method=update"])
def test_create(admin: RestClient, verb: str, path: str) -> None:
    answer = admin.rest(verb, path, {"firstName": "Jane", "lastName": "Doe", "salary": 100})
    woman = Employee.objects.get()
    expected = employee(
        woman.pk, 1, moment_to_wire(woman.modified), firstName="Jane", lastName="Doe", salary=100
    )
    assert_answer(answer, 200, saved(expected, f"/rest/Employee({woman.pk})"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "text/plain; charset=utf-16",
        "",
    ],
)
def test_content_type_is_ignored(admin: RestClient, at_now: None, content_type: str) -> None:
    """D-06: Node's library says that JSON is a form."""
    john()
    answer = admin.update(
        "Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jäck & Co=1"}, content_type=content_type
    )
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jäck & Co=1"))


def test_one_object_gets_one_object(admin: RestClient, at_now: None) -> None:
    john()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"})
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jack"))


@pytest.mark.parametrize("wrapped", [True, False])
def test_array_gets_one_element_for_each(admin: RestClient, at_now: None, wrapped: bool) -> None:
    john()
    items = [
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        {"__KEY": "12", "__STAMP": 5, "lastName": "Jones"},
    ]
    answer = admin.update("Employee", {"__ENTITIES": items} if wrapped else items)
    first = saved_employee(stamp=5, firstName="Jack")
    second = saved_employee(stamp=6, firstName="Jack", lastName="Jones")
    assert_answer(answer, 200, {"__ENTITIES": [first, second]})


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
@pytest.mark.parametrize("body", [[], {"__ENTITIES": []}])
def test_empty_array(admin: RestClient, params: str, body: Any) -> None:
    with nothing_changes():
        answer = admin.update("Employee", body, params)
    assert_answer(answer, 200, {"__ENTITIES": []})


def test_names_without_quotes(admin: RestClient, at_now: None) -> None:
    """The body of the seed's sample."""
    john()
    body = "{\n    __KEY: \"12\",\n    __STAMP: 4,\n    firstName: 'Jack',\n}"
    answer = admin.rest("POST", "Employee/?$method=update", body)
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jack"))


# The answer


def test_order_of_members(admin: RestClient, at_now: None) -> None:
    """D-03: scalars first, then everything that is an object."""
    john()
    acme()
    body = {"__KEY": 1, "manager": 12, "extra": {"b": 1, "a": [None]}, "revenues": 12.5}
    answer = admin.update("Company", {**body, "creationDate": "9!3!2017"})
    place = "/rest/Company(1)"
    expected = {
        "__STATUS": {"success": True},
        "__KEY": "1",
        "__STAMP": 2,
        "uri": f"http://testserver{place}",
        "__TIMESTAMP": WIRE_NOW,
        "ID": 1,
        "name": "Acme",
        "creationDate": "9!3!2017",
        "revenues": 12.50,
        "extra": {"b": 1, "a": [None]},
        "manager": to_one("Employee", 12),
        "staff": {"__deferred": {"uri": f"{place}/staff?$expand=staff"}},
        "invoices": {"__deferred": {"uri": f"{place}/invoices?$expand=invoices"}},
    }
    assert answer.status_code == 200
    assert answer.json() == expected
    assert list(answer.json()) == list(expected)


def test_decimals_are_exact(admin: RestClient) -> None:
    inv003()
    answer = admin.update("Invoices", '{"__KEY": "3", "__STAMP": "1", "amount": 1234567890.10}')
    assert b'"amount":1234567890.10,' in answer.content
    assert b'"amount":1234567890.10,' in admin.read("Invoices(3)").content


def test_empty_attributes(admin: RestClient, at_now: None) -> None:
    """D-04: left out of a write answer, null in a read."""
    john(salary=100, birth_date=dt.date(1990, 1, 2))
    body = {"__KEY": "12", "__STAMP": 4, "salary": None, "birthDate": None}
    assert_answer(admin.update("Employee", body), 200, saved_employee(stamp=5))
    shown = admin.read("Employee(12)").json()
    empty = ["salary", "birthDate", "photo", "cv", "employer", "manager"]
    assert {name: shown[name] for name in empty} == dict.fromkeys(empty)


def test_empty_text(admin: RestClient) -> None:
    """D-42: a text that is not nullable keeps "" for null, and "" is shown."""
    thing = Everything.objects.create(char="x", nullable_char="x", text="x")
    body = {"__KEY": thing.pk, "__STAMP": 1, "char": None, "text": "", "nullable_char": ""}
    answer = admin.update("Everything", body).json()
    assert (answer["char"], answer["text"], answer["nullable_char"]) == ("", "", "")
    answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 2, "nullable_char": None}).json()
    assert "nullable_char" not in answer
    thing.refresh_from_db()
    assert (thing.char, thing.text, thing.nullable_char) == ("", "", None)


@pytest.mark.parametrize("key", ["12", 12, " 12", "+12", "012", 12.0])
@pytest.mark.parametrize("stamp", [4, "4", " 4 ", 4.0])
def test_forms_of_key_and_stamp(admin: RestClient, at_now: None, key: Any, stamp: Any) -> None:
    """D-08: texts and numbers in; a text and a number out."""
    john()
    answer = admin.update("Employee", {"__KEY": key, "__STAMP": stamp, "firstName": "Jack"})
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jack"))


@pytest.mark.parametrize("key", [None, ""])
def test_empty_key_means_a_new_entity(admin: RestClient, key: Any) -> None:
    body = {"__KEY": key, "__STAMP": 7, "__ISNEW": True, "ID": None, "firstName": "A", "lastName": "B"}
    answer = admin.update("Employee", body).json()
    assert (answer["firstName"], answer["__STAMP"]) == ("A", 1)
    assert Employee.objects.count() == 1


def test_names_with_two_underscores_are_never_attributes(admin: RestClient) -> None:
    john()
    body = {"__KEY": "12", "__entityModel": "Company", "__TIMESTAMP": "never", "__class__": {}}
    with nothing_changes():
        answer = admin.update("Employee", body)
    assert_answer(answer, 200, saved(employee(), "/rest/Employee(12)"))


# Stamps (D-09)

MISSING = [{}, {"__STAMP": 0}, {"__STAMP": "0"}, {"__STAMP": None}, {"__STAMP": ""}, {"__STAMP": 0.0}]


@pytest.mark.parametrize("stamp", MISSING, ids=json.dumps)
def test_missing_stamp_counts_as_one(admin: RestClient, at_now: None, stamp: dict[str, Any]) -> None:
    john(stamp=1)
    answer = admin.update("Employee", {"__KEY": "12", **stamp, "firstName": "Jack"})
    assert_answer(answer, 200, saved_employee(stamp=2, firstName="Jack"))
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", **stamp, "firstName": "Jim"})
    stored = employee(stamp=2, moment=WIRE_NOW, firstName="Jack")
    assert_answer(answer, 500, refused(2, *conflict(), entity=stored))


@pytest.mark.parametrize("stamp", MISSING, ids=json.dumps)
def test_stamp_optional(admin: RestClient, at_now: None, settings: Any, stamp: dict[str, Any]) -> None:
    settings.FOURD_REST = {"STAMP_OPTIONAL": True}
    john()
    answer = admin.update("Employee", {"__KEY": "12", **stamp, "firstName": "Jack"})
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jack"))


@pytest.mark.parametrize("stamp", [3, "3", -1, 5])
def test_stamp_that_is_given_is_compared(admin: RestClient, settings: Any, stamp: Any) -> None:
    settings.FOURD_REST = {"STAMP_OPTIONAL": True}
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": stamp, "firstName": "Jack"})
    assert_answer(answer, 500, refused(2, *conflict(), entity=employee()))


def test_stamp_in_the_side_table(admin: RestClient, at_now: None) -> None:
    """D-32: an entity without a row there has stamp 1 and no time."""
    acme()
    assert admin.read("Company(1)/name").json() == {
        "__entityModel": "Company",
        "__DATACLASS": "Company",
        "__KEY": "1",
        "__TIMESTAMP": NEVER,
        "__STAMP": 1,
        "name": "Acme",
    }
    for stamp in (1, 2, 3):
        answer = admin.update("Company", {"__KEY": "1", "__STAMP": stamp, "name": f"Acme {stamp}"})
        assert answer.status_code == 200
        seen = {name: answer.json()[name] for name in ("__STAMP", "__TIMESTAMP", "name")}
        assert seen == {"__STAMP": stamp + 1, "__TIMESTAMP": WIRE_NOW, "name": f"Acme {stamp}"}
    with nothing_changes():
        answer = admin.update("Company", {"__KEY": "1", "__STAMP": 3, "name": "late"})
    assert codes(answer.json()) == [1263, 1046, 1517]
    assert (answer.json()["__STAMP"], answer.json()["name"]) == (4, "Acme 3")
    row = EntityStamp.objects.get()
    assert (row.dataclass, row.key, row.stamp, row.modified) == ("hr.company", "1", 4, NOW)


@pytest.mark.parametrize("stamp", [{}, {"__STAMP": 3}, {"__STAMP": -7}, {"__STAMP": 4}])
def test_equal_values_need_no_save(admin: RestClient, stamp: dict[str, Any]) -> None:
    """Nor a right stamp: there is nothing that could be lost."""
    john(salary=100)
    body = {"__KEY": "12", **stamp, "firstName": "John", "salary": "100", "woman": False, "ID": "12"}
    with nothing_changes():
        answer = admin.update("Employee", body)
    assert_answer(answer, 200, saved(employee(salary=100), "/rest/Employee(12)"))


def test_a_commit_before_the_swap(admin: RestClient, monkeypatch: Any) -> None:
    """The other one was faster: the stored values of the other one are answered."""
    john()
    original = writing.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).update(first_name="Jim", stamp=5)
        return original(alias)

    monkeypatch.setattr(writing, "write_transaction", late)
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "lastName": "Jones"})
    stored = employee(stamp=5, firstName="Jim")
    assert_answer(answer, 500, refused(2, *conflict(), entity=stored))


def test_a_delete_before_the_swap(admin: RestClient, monkeypatch: Any) -> None:
    john()
    original = writing.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).delete()
        return original(alias)

    monkeypatch.setattr(writing, "write_transaction", late)
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "lastName": "Jones"})
    assert answer.status_code == 500
    assert codes(answer.json())[-1] == 1517
    assert not Employee.objects.exists()


def test_two_attributes_changed_at_a_time(
    admin: RestClient, settings: Any, monkeypatch: Any, at_now: None
) -> None:
    """Where no stamp is asked for, an update writes what it changes and nothing else."""
    settings.FOURD_REST = {"STAMP_OPTIONAL": True}
    john()
    original = writing.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).update(first_name="Jim", stamp=5)
        return original(alias)

    monkeypatch.setattr(writing, "write_transaction", late)
    answer = admin.update("Employee", {"__KEY": "12", "lastName": "Jones"})
    assert_answer(answer, 200, saved_employee(stamp=6, firstName="Jim", lastName="Jones"))


# A read posted back (D-11)


def everything() -> Everything:
    """A value in every field, and such as the wire shows in part only."""
    thing = Everything(
        small=-1,
        integer=2**31 - 1,
        big=2**63 - 1,
        positive_small=3,
        positive=4,
        positive_big=5,
        boolean=True,
        floating=0.1,
        decimal=Decimal("12345.6700"),
        char="Zoë",
        nullable_char="",
        text="a\nb",
        slug="a-b",
        email="a@example.com",
        url="https://example.com/?a=1&b=2",
        ip="2001:db8::1",
        uuid=uuid.UUID(int=1),
        date=dt.date(2017, 3, 9),
        moment=dt.datetime(2017, 3, 9, 10, 11, 12, 345_678, dt.UTC),
        time=dt.time(10, 11, 12, 345_678),
        duration=dt.timedelta(days=1, microseconds=1_001),
        json={"b": [1, 2.5, None], "a": {"c": "d"}},
        binary=b"\0\1",
        choice="a",
        shade="grey",
    )
    thing.file.save("a.txt", ContentFile(b"text"), save=False)
    thing.image.save("a.png", ContentFile(picture(), name="a.png"), save=False)
    thing.save()
    return thing


def test_read_posted_back_changes_nothing(admin: RestClient) -> None:
    thing = everything()
    shown = admin.read(f"Everything({thing.pk})").json()
    with nothing_changes():
        answer = admin.update("Everything", shown)
    assert answer.status_code == 200
    assert answer.json()["__STAMP"] == shown["__STAMP"]


def test_write_answer_posted_back_changes_nothing(admin: RestClient) -> None:
    """Its ``uri`` is no attribute, and neither is what begins with two underscores."""
    thing = everything()
    shown = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, "char": "new"}).json()
    assert shown["uri"] == f"http://testserver/rest/Everything({thing.pk})"
    with nothing_changes():
        answer = admin.update("Everything", shown)
    assert answer.status_code == 200
    assert answer.json() == shown


def test_page_posted_back_changes_nothing(admin: RestClient) -> None:
    """Relations of both kinds and files included; ``__ENTITIES`` is a body as it stands."""
    company = acme()
    boss = Employee.objects.create(first_name="Ann", last_name="Boss", employer=company)
    john(employer=company, manager=boss, photo="photos/john.png", cv="cvs/john.pdf")
    company.manager = boss
    company.save()
    inv003(pdf="invoices/inv003.pdf")
    for dataclass in ("Employee", "Company", "Invoices"):
        page = admin.read(dataclass).json()
        with nothing_changes():
            answer = admin.update(dataclass, page)
        assert answer.status_code == 200
        stamps = [entity["__STAMP"] for entity in page["__ENTITIES"]]
        assert [entity["__STAMP"] for entity in answer.json()["__ENTITIES"]] == stamps


def test_relations_of_a_zoo_posted_back(admin: RestClient) -> None:
    keeper = Keeper.objects.create(name="Ann", badge="A1")
    home = Aviary.objects.create(name="Dome", capacity=5, height=3)
    animal = Animal.objects.create(name="Leo", home=home, doctor=keeper)
    animal.keepers.add(keeper)
    Passport.objects.create(animal=animal, number="P1")
    for dataclass in ("Keeper", "Place", "Aviary", "Animal", "Passport"):
        page = admin.read(dataclass).json()
        assert page["__COUNT"] == 1
        with nothing_changes():
            assert admin.update(dataclass, page).status_code == 200


def test_change_beside_what_was_read(admin: RestClient) -> None:
    """Only the one attribute is touched: microseconds that the wire does not show stay."""
    thing = everything()
    shown = admin.read(f"Everything({thing.pk})").json()
    assert admin.update("Everything", {**shown, "char": "new"}).status_code == 200
    again = Everything.objects.get(pk=thing.pk)
    unchanged = [
        field.attname
        for field in Everything._meta.concrete_fields
        if field.name not in ("char", "loud", "auto_now")
    ]
    assert {n: getattr(again, n) for n in unchanged} == {n: getattr(thing, n) for n in unchanged}
    assert (again.char, again.loud) == ("new", "NEW")


# Values (D-12)


@pytest.mark.parametrize(
    ("attribute", "posted", "stored"),
    [
        ("integer", "12", 12),
        ("integer", 12.0, 12),
        ("big", 2**63 - 1, 2**63 - 1),
        ("boolean", 1, True),
        ("boolean", "false", False),
        ("floating", "1.5", 1.5),
        ("decimal", "1.1", Decimal("1.1000")),
        ("char", 12, "12"),
        ("uuid", "00000000-0000-0000-0000-00000000000a", uuid.UUID(int=10)),
        ("date", "2017-03-09", dt.date(2017, 3, 9)),
        ("date", "09!03!2017", dt.date(2017, 3, 9)),
        ("date", "!!2017-03-09!!", dt.date(2017, 3, 9)),
        ("date", "2017-03-09T10:11:12Z", dt.date(2017, 3, 9)),
        ("date", "0!0!0", None),
        ("moment", "2017-03-09T10:11:12+02:00", dt.datetime(2017, 3, 9, 8, 11, 12, 0, dt.UTC)),
        ("time", 1_001, dt.time(0, 0, 1, 1_000)),
        ("time", "10:11", dt.time(10, 11)),
        ("duration", 90_000, dt.timedelta(seconds=90)),
        ("json", [1, {"a": None}], [1, {"a": None}]),
        ("shade", "blue", "blue"),
    ],
)
def test_values_are_converted(admin: RestClient, attribute: str, posted: Any, stored: Any) -> None:
    thing = Everything.objects.create(date=dt.date(2000, 1, 1))
    answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, attribute: posted})
    assert answer.status_code == 200
    assert answer.json()["__STAMP"] == 2
    thing.refresh_from_db()
    assert getattr(thing, attribute) == stored


@pytest.mark.parametrize(
    ("attribute", "posted"),
    [
        ("integer", 1.5),
        ("integer", True),
        ("integer", ""),
        ("integer", []),
        ("boolean", "yes"),
        ("boolean", 2),
        ("floating", "many"),
        ("char", True),
        ("char", ["x"]),
        ("char", {"x": 1}),
        ("uuid", "12"),
        ("date", "31!2!2017"),
        ("date", "tomorrow"),
        ("date", 20170309),
        ("moment", "25:00"),
        ("time", 86_400_000),
        ("time", -1),
        ("duration", "long"),
        ("shade", "no shade"),
    ],
)
def test_values_that_would_lose_something(admin: RestClient, attribute: str, posted: Any) -> None:
    thing = Everything.objects.create()
    with nothing_changes():
        answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, attribute: posted})
    assert answer.status_code == 500
    assert codes(answer.json()) == [1508, 1517]


# Relations (D-13)


@pytest.mark.parametrize(
    "form",
    [
        1,
        "1",
        {"__KEY": 1},
        {"__KEY": "1"},
        {"__KEY": "1", "__STAMP": 9, "__TIMESTAMP": "", "uri": "/rest/Company(1)"},
        {"__deferred": {"uri": "/rest/Company(1)", "__KEY": "1"}},
    ],
    ids=json.dumps,
)
def test_forms_of_a_relation(admin: RestClient, at_now: None, form: Any) -> None:
    acme()
    john()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", 1)))
    assert Employee.objects.get(pk=12).employer_id == 1
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "employer": form})
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", 1)))


@pytest.mark.parametrize("form", [None, {"__KEY": None}])
def test_relation_is_unlinked(admin: RestClient, at_now: None, form: Any) -> None:
    john(employer=acme())
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    assert_answer(answer, 200, saved_employee(stamp=5))
    assert Employee.objects.get(pk=12).employer_id is None


@pytest.mark.parametrize("form", [99, "99", {"__KEY": "99"}])
def test_relation_to_nothing(admin: RestClient, form: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    unknown = (1542, 'Cannot find entity with "99" key in the "Company" dataclass')
    assert_answer(answer, 500, refused(4, unknown, NOT_SAVED, entity=employee()))


@pytest.mark.parametrize(
    "form",
    [
        "one",
        1.5,
        True,
        "",
        [1],
        {},
        {"__KEY": []},
        {"__STAMP": 1},
        {"__deferred": {"uri": "/rest/Company(1)"}},
    ],
    ids=json.dumps,
)
def test_what_is_no_relation(admin: RestClient, form: Any) -> None:
    """Least of all may it unlink: a reference that cannot be read is not «none»."""
    john(employer=acme())
    stored = employee(employer=to_one("Company", 1))
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    wrong = (
        1508,
        'Wrong value type passed to the "employer" attribute in the "Employee" dataclass',
    )
    assert_answer(answer, 500, refused(4, wrong, NOT_SAVED, entity=stored))


def test_relation_to_itself_and_to_new_ones(admin: RestClient) -> None:
    john()
    answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "manager": 12})
    assert answer.json()["manager"] == to_one("Employee", 12)
    answer = admin.update("Employee", {"firstName": "A", "lastName": "B", "manager": {"__KEY": 12}})
    assert answer.json()["manager"] == to_one("Employee", 12)


def test_relation_by_another_field_than_the_key(admin: RestClient) -> None:
    """``__KEY`` is the target's primary key, also where the column holds something else."""
    keeper = Keeper.objects.create(name="Ann", badge="A1")
    animal = Animal.objects.create(name="Leo")
    answer = admin.update("Animal", {"__KEY": animal.pk, "__STAMP": 1, "doctor": keeper.pk})
    assert answer.json()["doctor"] == to_one("Keeper", keeper.pk)
    animal.refresh_from_db()
    assert animal.doctor_id == "A1"


def test_relation_to_a_target_that_has_no_such_field(admin: RestClient) -> None:
    """A keeper without a badge cannot be referred to."""
    keeper = Keeper.objects.create(name="Ann")
    animal = Animal.objects.create(name="Leo")
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": animal.pk, "__STAMP": 1, "doctor": keeper.pk})
    assert answer.status_code == 500
    assert codes(answer.json()) == [1542, 1517]


class Own(DataClass):
    """Companies whose name begins with A."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(name__startswith="A")


def test_relation_to_a_target_that_is_not_visible(admin: RestClient, registered: Any) -> None:
    """As if it did not exist; one that is there already is read as null and stays."""
    registered(Company, Own)
    acme()
    hidden = Company.objects.create(id=2, name="Hidden")
    john(employer=hidden)
    assert admin.read("Employee(12)").json()["employer"] is None
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": hidden.pk})
        unknown = (1542, f'Cannot find entity with "{hidden.pk}" key in the "Company" dataclass')
        assert_answer(answer, 500, refused(4, unknown, NOT_SAVED, entity=employee()))
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": None})
        assert_answer(answer, 200, saved(employee(), "/rest/Employee(12)"))
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": 1})
    assert answer.json()["employer"] == to_one("Company", 1)


def test_relation_needs_the_right_to_see_the_target(login: Any) -> None:
    client = login("hr.change_employee")
    acme()
    john()
    with nothing_changes():
        answer = client.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": 1})
    unknown = (1542, 'Cannot find entity with "1" key in the "Company" dataclass')
    assert_answer(answer, 500, refused(4, unknown, NOT_SAVED, entity=employee()))


def test_nested_entity_is_not_supported_yet(admin: RestClient) -> None:
    acme()
    john()
    with nothing_changes():
        answer = admin.update(
            "Employee", {"__KEY": "12", "__STAMP": 4, "employer": {"__KEY": 1, "name": "New"}}
        )
    nested = (9014, "A nested entity is not supported by this server")
    assert_answer(answer, 500, refused(4, nested, NOT_SAVED, entity=employee()))


# Arrays without $atomic


def three() -> None:
    Employee.objects.bulk_create(
        [Employee(id=key, first_name="F", last_name=f"L{key}") for key in (1, 2, 3)]
    )


def names() -> list[tuple[int, str, int]]:
    return list(Employee.objects.order_by("pk").values_list("pk", "first_name", "stamp"))


def change(key: int, stamp: int = 1, **values: Any) -> dict[str, Any]:
    return {"__KEY": str(key), "__STAMP": stamp, "firstName": "New", **values}


BAD_ELEMENTS = {
    "stamp": (change(2, stamp=7), [1263, 1046, 1517], 500),
    "unknown attribute": (change(2, shoeSize=1), [1500, 1517], 500),
    "type": (change(2, salary="much"), [1508, 1517], 500),
    "validation": (change(2, lastName=""), [1569, 1570, 1517], 500),
    "unknown key": (change(99), [1542, 1517], 500),
    "key of a wrong type": ({"__KEY": "two", "firstName": "New"}, [1541, 1517], 500),
    "upload": (change(2, photo={"ID": "x"}), [1825, 1517], 500),
    "new": ({"lastName": "New"}, [1569, 1570, 1534], 500),
}


@pytest.mark.parametrize("kind", BAD_ELEMENTS)
def test_neighbours_of_a_failure_are_saved(admin: RestClient, kind: str) -> None:
    """D-10: the status tells of the failure, the answers come in the order of the elements."""
    three()
    bad, expected, status = BAD_ELEMENTS[kind]
    answer = admin.update("Employee", [change(3), bad, change(1)])
    assert answer.status_code == status
    first, middle, last = answer.json()["__ENTITIES"]
    assert [(e["__KEY"], e["__STAMP"], e["firstName"]) for e in (first, last)] == [
        ("3", 2, "New"),
        ("1", 2, "New"),
    ]
    assert [e["__STATUS"] for e in (first, last)] == [{"success": True}] * 2
    assert codes(middle) == expected
    assert middle["__STATUS"]["success"] is False
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "New", 2)]


def test_array_in_which_a_permission_fails(login: Any) -> None:
    client = login("hr.change_employee")
    three()
    answer = client.update("Employee", [change(1), {"lastName": "X"}, change(2, stamp=9)])
    assert answer.status_code == 401
    assert [item["__STATUS"].get("status") for item in answer.json()["__ENTITIES"]] == [None, 1, 2]
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "F", 1)]


def test_one_key_twice(admin: RestClient) -> None:
    """The first one in the array wins; the other one holds an old stamp then."""
    three()
    answer = admin.update("Employee", [change(1), change(2), change(1, firstName="Late")])
    assert answer.status_code == 500
    first, _, second = answer.json()["__ENTITIES"]
    assert (first["firstName"], first["__STAMP"]) == ("New", 2)
    assert (second["firstName"], second["__STAMP"], codes(second)) == ("New", 2, [1263, 1046, 1517])
    assert names() == [(1, "New", 2), (2, "New", 2), (3, "F", 1)]


def test_busy_database_amid_an_array(admin: RestClient, monkeypatch: Any) -> None:
    """What was saved before is told; each element that was not says why."""
    three()
    original, calls = writing.write_transaction, []

    def sometimes(alias: str) -> Any:
        calls.append(alias)
        if len(calls) > 1:
            raise OperationalError("database is locked")
        return original(alias)

    monkeypatch.setattr(writing, "write_transaction", sometimes)
    answer = admin.update("Employee", [change(1), change(2), change(3)])
    assert answer.status_code == 500
    entities = answer.json()["__ENTITIES"]
    assert entities[0]["__STATUS"] == {"success": True}
    assert [entity["__ERROR"][0] for entity in entities[1:]] == [error(9010, "The database is busy")] * 2
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "F", 1)]


class Faulty(DataClass):
    """Has a bug that shows at one name."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def save_model(self, request: Any, obj: Any, change: bool) -> None:
        if obj.first_name == "Zero":
            raise ZeroDivisionError("not for clients")
        super().save_model(request, obj, change)


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_bug_is_never_nested(admin: RestClient, registered: Any, params: str) -> None:
    registered(Employee, Faulty)
    three()
    answer = admin.update("Employee", [change(1), change(2, firstName="Zero"), change(3)], params)
    document = answer.json()
    assert answer.status_code == 500
    assert list(document) == ["__ERROR"]
    assert codes(document) == [9011]
    assert b"not for clients" not in answer.content
    saved_before = (1, "F", 1) if "atomic" in params else (1, "New", 2)
    assert names() == [saved_before, (2, "F", 1), (3, "F", 1)]


# $atomic


@pytest.mark.parametrize(
    "params", ["$atomic=true", "$atomic=1", "$atonce=true", "$method=update&$atOnce=1"]
)
def test_atomic(admin: RestClient, at_now: None, params: str) -> None:
    three()
    answer = admin.update(
        "Employee", [change(2), {"firstName": "A", "lastName": "B"}, change(1)], params
    )
    assert answer.status_code == 200
    entities = answer.json()["__ENTITIES"]
    new_key = Employee.objects.latest("pk").pk
    assert [(e["__KEY"], e["__STAMP"], e["firstName"]) for e in entities] == [
        ("2", 2, "New"),
        (str(new_key), 1, "A"),
        ("1", 2, "New"),
    ]
    expected = employee(2, 2, WIRE_NOW, firstName="New", lastName="L2")
    assert entities[0] == saved(expected, "/rest/Employee(2)")


@pytest.mark.parametrize("kind", BAD_ELEMENTS)
def test_atomic_with_one_failure(admin: RestClient, kind: str) -> None:
    """``responses.md`` 6.3: accepted elements as they are stored, without errors, with old stamps."""
    three()
    bad, expected, status = BAD_ELEMENTS[kind]
    new = {"firstName": "A", "lastName": "B"}
    with nothing_changes():
        answer = admin.update("Employee", [change(3), bad, new, change(1)], "$atomic=true")
    assert answer.status_code == status
    third, middle, added, first = answer.json()["__ENTITIES"]
    stored = {key: Employee.objects.get(pk=key) for key in (1, 3)}
    for key, shown in ((3, third), (1, first)):
        moment = moment_to_wire(stored[key].modified)
        assert shown == employee(key, 1, moment, firstName="F", lastName=f"L{key}")
    assert added == {}
    assert codes(middle) == expected
    assert middle["__STATUS"]["success"] is False


def test_atomic_failure_of_one_object(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "lastName": ""}, "$atomic=true")
    invalid = [(1569, "lastName: This field cannot be blank."), (1570, "Entity fails validation")]
    assert_answer(answer, 500, refused(4, *invalid, NOT_SAVED, entity=employee()))


def test_atomic_failure_of_several(admin: RestClient) -> None:
    """Each element that is bad by itself tells so."""
    three()
    with nothing_changes():
        answer = admin.update(
            "Employee", [change(1, shoeSize=1), change(2), change(3, salary="x")], "$atomic=true"
        )
    first, second, third = answer.json()["__ENTITIES"]
    assert (codes(first), codes(third)) == ([1500, 1517], [1508, 1517])
    assert "__ERROR" not in second


def test_atomic_with_one_key_twice(admin: RestClient) -> None:
    three()
    with nothing_changes():
        answer = admin.update("Employee", [change(1), change(1, firstName="Late")], "$atomic=true")
    assert answer.status_code == 500
    first, second = answer.json()["__ENTITIES"]
    assert (first["firstName"], first["__STAMP"]) == ("F", 1)
    assert (second["firstName"], second["__STAMP"], codes(second)) == ("F", 1, [1263, 1046, 1517])


def test_atomic_in_the_side_table(admin: RestClient) -> None:
    """The stamps that the transaction moved are rolled back with it."""
    Company.objects.bulk_create([Company(id=1, name="A"), Company(id=2, name="B")])
    bodies = [
        {"__KEY": 1, "__STAMP": 1, "name": "New"},
        {"__KEY": 2, "__STAMP": 1, "name": ""},
    ]
    with nothing_changes():
        answer = admin.update("Company", bodies, "$atomic=true")
    assert answer.status_code == 500
    assert [entity["__STAMP"] for entity in answer.json()["__ENTITIES"]] == [1, 1]


def test_atomic_refused_by_the_database(admin: RestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(writing, "clean", lambda instance, changed: None)
    Keeper.objects.create(name="Ann")
    with nothing_changes():
        answer = admin.update("Keeper", [{"name": "Bob"}, {"name": "Ann"}], "$atomic=true")
    assert answer.status_code == 500
    first, second = answer.json()["__ENTITIES"]
    assert first == {}
    assert codes(second) == [1115, 1046, 1534]


def test_atomic_refused_at_the_commit(admin: RestClient, monkeypatch: Any) -> None:
    """A constraint that is checked last does not say which entity breaks it: all tell of it."""
    three()

    def refuse(alias: str, action: Any) -> None:
        raise IntegrityError("a deferred constraint")

    monkeypatch.setattr(writing, "with_retry", refuse)
    with nothing_changes():
        answer = admin.update("Employee", [change(1), change(2)], "$atomic=true")
    assert answer.status_code == 500
    assert [codes(entity) for entity in answer.json()["__ENTITIES"]] == [[9016, 1046, 1517]] * 2


def test_atomic_without_the_right_to_create(login: Any) -> None:
    client = login("hr.change_employee")
    three()
    with nothing_changes():
        answer = client.update("Employee", [change(1), {"lastName": "X"}], "$atomic=true")
    assert answer.status_code == 401
    first, second = answer.json()["__ENTITIES"]
    assert (first["firstName"], first["__STAMP"]) == ("F", 1)
    assert codes(second) == [1559, 1534]


@pytest.mark.parametrize("params", ["$atomic=false", "$atomic=0", "$atomic="])
def test_not_atomic(admin: RestClient, params: str) -> None:
    three()
    answer = admin.update("Employee", [change(1), change(2, stamp=9)], params)
    assert answer.status_code == 500
    assert names()[0] == (1, "New", 2)


# Validation


@pytest.mark.parametrize(
    ("dataclass", "body", "messages"),
    [
        ("Everything", {"choice": "z"}, ["choice: Value 'z' is not a valid choice."]),
        ("Everything", {"email": "nobody"}, ["email: Enter a valid email address."]),
        ("Everything", {"positive": -1}, ["positive: Ensure this value is greater than or equal to 0."]),
        (
            "Everything",
            {"decimal": "1.00001", "slug": "a b"},
            [
                "decimal: Ensure that there are no more than 4 decimal places.",
                "slug: Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.",
            ],
        ),
        (
            "Place",
            {"name": "X", "capacity": 1001},
            ["capacity: Ensure this value is less than or equal to 1000."],
        ),
        ("Animal", {"name": "Moloch"}, ["name: No Moloch in this zoo."]),
        ("Animal", {"name": "Cerberus"}, ["Animal: No dog with three heads."]),
        (
            "Animal",
            {"name": "Leo", "low": 3, "high": 2},
            ["Animal: Constraint “low_below_high” is violated."],
        ),
    ],
)
def test_validation_of_a_new_entity(
    admin: RestClient, dataclass: str, body: dict[str, Any], messages: list[str]
) -> None:
    with nothing_changes():
        answer = admin.update(dataclass, body)
    items = [(1569, message) for message in messages]
    last = (1534, f'The new entity of the "{dataclass}" dataclass cannot be saved')
    assert_answer(answer, 500, refused(4, *items, (1570, "Entity fails validation"), last))


def animal(**values: Any) -> Animal:
    """Whatever its values are: validated nowhere."""
    return Animal.objects.bulk_create([Animal(**({"id": 1, "name": "Leo"} | values))])[0]


@pytest.mark.parametrize(
    ("stored", "body", "message"),
    [
        ({}, {"name": "Moloch"}, "name: No Moloch in this zoo."),
        ({}, {"name": "Cerberus"}, "Animal: No dog with three heads."),
        ({"low": 5}, {"high": 4}, "Animal: Constraint “low_below_high” is violated."),
        ({"high": 5}, {"low": 6}, "Animal: Constraint “low_below_high” is violated."),
        ({}, {"name": ""}, "name: This field cannot be blank."),
    ],
)
def test_validation_of_an_old_entity(
    admin: RestClient, stored: dict[str, Any], body: dict[str, Any], message: str
) -> None:
    animal(**stored)
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": 1, "__STAMP": 1, **body})
    assert answer.status_code == 500
    expected = errors(
        (1569, message),
        (1570, "Entity fails validation"),
        (1517, 'The entity# 1 in the "Animal" dataclass cannot be saved'),
    )
    assert answer.json()["__ERROR"] == expected["__ERROR"]


def test_constraint_that_touches_a_changed_field(admin: RestClient) -> None:
    """With all its fields, changed or not."""
    animal(nick="a")
    animal(id=2, nick="b")
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": 2, "__STAMP": 1, "nick": "a"})
    assert codes(answer.json()) == [1115, 1046, 1517]


def test_old_row_that_is_invalid_elsewhere_stays_editable(admin: RestClient) -> None:
    Everything.objects.bulk_create([Everything(id=1, choice="z", email="nobody", char="x")])
    answer = admin.update("Everything", {"__KEY": 1, "__STAMP": 1, "char": "y"})
    assert (answer.status_code, answer.json()["char"]) == (200, "y")
    Place.objects.bulk_create([Place(id=1, name="Hall", capacity=5000)])
    answer = admin.update("Place", {"__KEY": 1, "__STAMP": 1, "name": "Big hall"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Big hall")


def test_what_clean_says_of_other_fields_was_so_before(admin: RestClient) -> None:
    animal(name="Moloch")
    answer = admin.update("Animal", {"__KEY": 1, "__STAMP": 1, "nick": "the old one"})
    assert (answer.status_code, answer.json()["nick"]) == (200, "the old one")


def test_message_of_a_field_that_is_not_exposed(admin: RestClient, registered: Any) -> None:
    """Its name is not told."""
    registered(Animal, fields=["id", "nick"])
    with nothing_changes():
        answer = admin.update("Animal", {"nick": "x"})
    assert answer.json()["__ERROR"][0] == error(1569, "Animal: This field cannot be blank.")


# The site's own code


def test_custom_save_is_called(admin: RestClient, monkeypatch: Any) -> None:
    """What is answered is what was stored."""
    original = Company.save

    def save(self: Company, *args: Any, **kwargs: Any) -> None:
        self.name = self.name.upper()
        original(self, *args, **kwargs)

    monkeypatch.setattr(Company, "save", save)
    acme()
    answer = admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Bolt"})
    assert answer.json()["name"] == "BOLT"
    answer = admin.update("Company", {"name": "Nuts"})
    assert answer.json()["name"] == "NUTS"
    assert list(Company.objects.order_by("pk").values_list("name", flat=True)) == ["BOLT", "NUTS"]


def test_custom_save_that_validates(admin: RestClient, monkeypatch: Any) -> None:
    def save(self: Company, *args: Any, **kwargs: Any) -> None:
        raise ValidationError({"name": "Not this one."})

    monkeypatch.setattr(Company, "save", save)
    acme()
    with nothing_changes():
        answer = admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Bolt"})
    assert answer.status_code == 500
    assert codes(answer.json()) == [1569, 1570, 1517]
    assert answer.json()["__ERROR"][0]["message"] == "name: Not this one."


def test_auto_now_keeps_working(admin: RestClient) -> None:
    thing = Everything.objects.create()
    long_ago = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    Everything.objects.update(auto_now=long_ago)
    answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, "char": "x"})
    thing.refresh_from_db()
    assert thing.auto_now > long_ago
    assert answer.json()["auto_now"] == moment_to_wire(thing.auto_now)


def test_hooks_of_the_dataclass(admin: RestClient, registered: Any) -> None:
    """``save_model`` and ``delete_model`` as in ModelAdmin."""
    calls: list[tuple[str, str, bool | None]] = []

    class Hooked(DataClass):
        def save_model(self, request: Any, obj: Any, change: bool) -> None:
            calls.append((request.user.username, obj.name, change))
            super().save_model(request, obj, change)

        def delete_model(self, request: Any, obj: Any) -> None:
            calls.append((request.user.username, obj.name, None))
            super().delete_model(request, obj)

    registered(Country, Hooked)
    assert admin.update("Country", {"code": "FR", "name": "France"}).status_code == 200
    assert admin.update("Country", {"__KEY": "FR", "name": "La France"}).status_code == 200
    assert admin.rest("DELETE", "Country(FR)").status_code == 200
    assert calls == [
        ("admin", "France", False),
        ("admin", "La France", True),
        ("admin", "La France", None),
    ]


class OwnRowsOnly(DataClass):
    """The right to change is held on some entities only."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None or obj.pk != 2


def test_right_on_single_entities(admin: RestClient, registered: Any) -> None:
    registered(Employee, OwnRowsOnly)
    three()
    answer = admin.update("Employee", [change(1), change(2)])
    assert answer.status_code == 401
    first, second = answer.json()["__ENTITIES"]
    assert first["firstName"] == "New"
    assert second == refused(
        1,
        (1558, "No permission to update for the Employee dataclass"),
        (1517, 'The entity# 2 in the "Employee" dataclass cannot be saved'),
    )
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "F", 1)]


# Keys of other types


def test_text_key(admin: RestClient) -> None:
    answer = admin.update("Country", {"code": "FR", "name": "France"})
    row = EntityStamp.objects.get()
    expected = {
        "__KEY": "FR",
        "__STAMP": 1,
        "__TIMESTAMP": moment_to_wire(row.modified),
        "code": "FR",
        "name": "France",
        "parcels": {"__deferred": {"uri": "/rest/Country(FR)/parcels?$expand=parcels"}},
    }
    assert_answer(answer, 200, saved(expected, "/rest/Country(FR)"))
    answer = admin.update("Country", {"__KEY": "FR", "__STAMP": 1, "name": "La France"})
    assert (answer.json()["__STAMP"], answer.json()["name"]) == (2, "La France")
    assert Country.objects.count() == 1


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("a/b", "Country('a%2Fb')"),
        ("a b", "Country(a%20b)"),
        ("O'Neil", 'Country("O\'Neil")'),
        ("é", "Country(%C3%A9)"),
        ("1,2", "Country('1,2')"),
        ("(x)", "Country('(x)')"),
        ("100%", "Country(100%25)"),
        (" x ", None),
    ],
)
def test_text_key_in_addresses(admin: RestClient, key: str, place: str | None) -> None:
    """The ``uri`` of an answer leads back to the entity."""
    uri = admin.update("Country", {"code": key, "name": "x"}).json()["uri"]
    path = uri.removeprefix("http://testserver/rest/")
    if place is not None:
        assert path.replace("%22", '"') == place
    shown = admin.read(path)
    assert shown.status_code == 200
    assert shown.json()["__KEY"] == key
    assert admin.update("Country", {"__KEY": key, "name": "y"}).status_code == 200
    assert admin.rest("DELETE", path).status_code == 200
    assert not Country.objects.exists()


def test_text_key_and_stamp_column(admin: RestClient) -> None:
    answer = admin.update("Planet", {"code": "M", "name": "Mars"}).json()
    assert (answer["__KEY"], answer["__STAMP"]) == ("M", 1)
    answer = admin.update("Planet", {"__KEY": "M", "__STAMP": 1, "name": "Red"}).json()
    assert (answer["name"], answer["__STAMP"], Planet.objects.get().stamp) == ("Red", 2, 2)
    assert not EntityStamp.objects.exists()


def test_uuid_key(admin: RestClient) -> None:
    answer = admin.update("Parcel", {"label": "new"}).json()
    parcel = Parcel.objects.get()
    key = parcel.pk.hex.upper()
    assert (answer["__KEY"], answer["id"]) == (key, key)
    assert answer["uri"] == f"http://testserver/rest/Parcel({key})"
    for stamp, form in enumerate((key, key.lower(), str(parcel.pk), str(parcel.pk).upper()), 1):
        answer = admin.update("Parcel", {"__KEY": form, "__STAMP": stamp, "label": f"l{stamp}"}).json()
        assert (answer["__KEY"], answer["__STAMP"], answer["label"]) == (key, stamp + 1, f"l{stamp}")
    assert EntityStamp.objects.get().key == key


def test_uuid_key_that_is_chosen(admin: RestClient) -> None:
    key = "0123456789abcdef0123456789abcdef"
    answer = admin.update("Parcel", {"id": key, "label": "mine"}).json()
    assert (answer["__KEY"], answer["__STAMP"]) == (key.upper(), 1)
    assert Parcel.objects.get().pk == uuid.UUID(key)


@pytest.mark.parametrize("posted", [77, "77", 77.0])
def test_number_key_that_is_chosen(admin: RestClient, posted: Any) -> None:
    answer = admin.update("Employee", {"ID": posted, "firstName": "A", "lastName": "B"}).json()
    assert (answer["__KEY"], answer["ID"], answer["__STAMP"]) == ("77", 77, 1)


def test_inherited_model(admin: RestClient, at_now: None) -> None:
    """The stamp belongs to the topmost table: the same entity has one stamp under both names."""
    answer = admin.update("Aviary", {"name": "Dome", "capacity": 5, "height": 3}).json()
    key = answer["__KEY"]
    assert (answer["name"], answer["height"], answer["__STAMP"]) == ("Dome", 3, 1)
    answer = admin.update("Aviary", {"__KEY": key, "__STAMP": 1, "capacity": 6, "height": 4}).json()
    assert (answer["capacity"], answer["height"], answer["__STAMP"]) == (6, 4, 2)
    assert admin.read(f"Place({key})").json()["__STAMP"] == 2
    assert admin.update("Place", {"__KEY": key, "__STAMP": 2, "name": "Hall"}).json()["__STAMP"] == 3
    assert admin.read(f"Aviary({key})").json()["__STAMP"] == 3
    with nothing_changes():
        answer = admin.update("Aviary", {"__KEY": key, "__STAMP": 2, "height": 5})
    assert codes(answer.json()) == [1263, 1046, 1517]
    aviary = Aviary.objects.get()
    assert (aviary.name, aviary.capacity, aviary.height) == ("Hall", 6, 4)
    assert EntityStamp.objects.get().stamp == 3


def test_creation_never_overwrites(admin: RestClient) -> None:
    """Not even a row that the default manager hides, which validation cannot see."""
    Secretive.everything.bulk_create([Secretive(id=1, name="x", is_hidden=True)])
    with nothing_changes():
        answer = admin.update("Secretive", {"id": 1, "name": "y"})
    taken = (1545, 'Primary key 1 already exists in the "Secretive" dataclass')
    failed = (1046, "Cannot save record 0 in table Secretive of database tests")
    last = (1534, 'The new entity of the "Secretive" dataclass cannot be saved')
    assert_answer(answer, 500, refused(4, taken, failed, last))


@pytest.mark.parametrize("dataclass", ["Country", "Planet"])
def test_key_that_is_used_again(admin: RestClient, dataclass: str) -> None:
    """D-32: no stamp of its former life is accepted."""
    assert admin.update(dataclass, {"code": "X", "name": "a"}).status_code == 200
    assert admin.update(dataclass, {"__KEY": "X", "__STAMP": 1, "name": "b"}).status_code == 200
    assert admin.rest("DELETE", f"{dataclass}(X)").status_code == 200
    stamp = admin.update(dataclass, {"code": "X", "name": "c"}).json()["__STAMP"]
    assert stamp > 2
    with nothing_changes():
        for old in (None, 1, 2):
            answer = admin.update(dataclass, {"__KEY": "X", "__STAMP": old, "name": "late"})
            assert codes(answer.json()) == [1263, 1046, 1517]
    answer = admin.update(dataclass, {"__KEY": "X", "__STAMP": stamp, "name": "d"})
    assert answer.json()["__STAMP"] == stamp + 1


# $method=delete

DELETES = [("POST", "{}?$method=delete"), ("POST", "{}/?$method=DELETE"), ("PUT", "{}?$method=delete")]
DELETES += [("DELETE", "{}"), ("DELETE", "{}/"), ("DELETE", "{}?$method=delete")]


@pytest.mark.parametrize(("verb", "path"), DELETES)
@pytest.mark.parametrize("body", [None, b"{}", b"not JSON"])
def test_delete(admin: RestClient, verb: str, path: str, body: Any) -> None:
    """No stamp is compared, and whatever the body holds is not looked at."""
    john()
    Employee.objects.create(id=13, first_name="A", last_name="B", manager_id=12)
    answer = admin.rest(verb, path.format("Employee(12)"), body)
    assert_answer(answer, 200, {"ok": True})
    assert list(Employee.objects.values_list("pk", "manager_id")) == [(13, None)]


def test_delete_leaves_files_and_unlinks(admin: RestClient) -> None:
    """As Django does; the stamp's row stays and says so."""
    thing = everything()
    before = files()
    assert_answer(admin.rest("DELETE", f"Everything({thing.pk})"), 200, {"ok": True})
    assert files() == before
    row = EntityStamp.objects.get()
    assert (row.key, row.stamp) == (str(thing.pk), 2)
    assert row.deleted is not None


@pytest.mark.parametrize(("verb", "path"), [DELETES[0], DELETES[3]])
def test_delete_of_a_protected_entity(admin: RestClient, verb: str, path: str) -> None:
    Parcel.objects.create(country=Country.objects.create(code="FR", name="France"))
    with nothing_changes():
        answer = admin.rest(verb, path.format("Country(FR)"))
    message = 'The entity (FR) in the "Country" dataclass cannot be deleted'
    assert_answer(answer, 500, errors((1518, message)))


def test_delete_refused_by_the_database(admin: RestClient, monkeypatch: Any) -> None:
    def delete(self: Country, *args: Any, **kwargs: Any) -> None:
        raise IntegrityError("a constraint that Django does not know")

    monkeypatch.setattr(Country, "delete", delete)
    Country.objects.create(code="FR", name="France")
    with nothing_changes():
        answer = admin.rest("DELETE", "Country(FR)")
    message = 'The entity (FR) in the "Country" dataclass cannot be deleted'
    assert_answer(answer, 500, errors((1518, message)))


def test_delete_by_get(admin: RestClient) -> None:
    """D-07: a link must not delete."""
    john()
    with nothing_changes():
        answer = admin.read("Employee(12)?$method=delete")
    assert_answer(answer, 400, errors((1813, '"delete" REST method is not applicable here')))


def test_delete_twice(admin: RestClient) -> None:
    john()
    assert admin.rest("DELETE", "Employee(12)").status_code == 200
    with nothing_changes():
        answer = admin.rest("DELETE", "Employee(12)")
    message = 'Cannot load entity# 12 in the "Employee" dataclass'
    assert_answer(answer, 404, errors((1543, message)))


# What it costs


def statements(captured: CaptureQueriesContext) -> list[str]:
    """Verb and table of each statement; savepoints stand for the transaction of a real request."""
    seen = []
    for query in captured.captured_queries:
        words = query["sql"].replace('"', " ").split()
        if words[0] in ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT"):
            continue
        before = {"UPDATE": "UPDATE", "INSERT": "INTO"}.get(words[0], "FROM")
        seen.append(f"{words[0]} {words[words.index(before) + 1]}")
    return seen


WHO = ["SELECT django_session", "SELECT auth_user"]


def lock() -> list[str]:
    """On SQLite a transaction begins with a write that changes nothing."""
    return ["UPDATE fourd_rest_entitystamp"] if connection.vendor == "sqlite" else []


def test_statements_of_an_update_with_a_stamp_column(admin: RestClient) -> None:
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jack", "salary": 5})
    assert statements(captured) == [
        *WHO,
        "SELECT hr_employee",  # read and compare
        *lock(),
        "UPDATE hr_employee",  # the stamp
        "SELECT hr_employee",  # the row as it is now, locked
        "UPDATE hr_employee",  # save
        "SELECT hr_employee",  # the answer
    ]


def test_statements_of_an_update_with_the_side_table(admin: RestClient) -> None:
    company = acme()
    company.save()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Company", {"__KEY": "1", "__STAMP": 2, "name": "Bolt"})
    assert statements(captured) == [
        *WHO,
        "SELECT fourd_rest_entitystamp",  # read and compare: the stamp is a subquery of the row
        *lock(),
        "UPDATE fourd_rest_entitystamp",
        "SELECT hr_company",
        "UPDATE hr_company",
        "SELECT fourd_rest_entitystamp",
    ]


def test_statements_of_a_first_update_with_the_side_table(admin: RestClient) -> None:
    acme()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Bolt"})
    assert statements(captured) == [
        *WHO,
        "SELECT fourd_rest_entitystamp",
        *lock(),
        "UPDATE fourd_rest_entitystamp",
        "INSERT fourd_rest_entitystamp",  # there was none
        "UPDATE fourd_rest_entitystamp",
        "SELECT hr_company",
        "UPDATE hr_company",
        "SELECT fourd_rest_entitystamp",
    ]


def test_statements_of_a_creation(admin: RestClient) -> None:
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"firstName": "A", "lastName": "B"})
    assert statements(captured) == [*WHO, *lock(), "INSERT hr_employee", "SELECT hr_employee"]
    with CaptureQueriesContext(connection) as captured:
        admin.update("Company", {"name": "Bolt"})
    assert statements(captured) == [
        *WHO,
        *lock(),
        "INSERT hr_company",
        "INSERT fourd_rest_entitystamp",
        "SELECT fourd_rest_entitystamp",
    ]


def test_statements_of_an_update_without_change(admin: RestClient) -> None:
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "John"})
    assert statements(captured) == [*WHO, "SELECT hr_employee"]


def test_statements_of_a_conflict(admin: RestClient) -> None:
    """Refused without a transaction: stamps only grow."""
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 3, "firstName": "Jack"})
    assert statements(captured) == [*WHO, "SELECT hr_employee", "SELECT hr_employee"]


def test_statements_of_a_relation(admin: RestClient) -> None:
    acme()
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": 1})
    seen = statements(captured)
    # One to find the target among those that may be seen, one to validate the foreign key.
    assert seen.count("SELECT hr_company") == 2
    assert len(seen) == len(WHO) + len(lock()) + 7


def test_statements_of_a_delete(admin: RestClient) -> None:
    Country.objects.create(code="FR", name="France")
    with CaptureQueriesContext(connection) as captured:
        admin.rest("DELETE", "Country(FR)")
    assert statements(captured) == [
        *WHO,
        *lock(),
        "SELECT zoo_country",
        "SELECT zoo_parcel",  # is it protected?
        "UPDATE fourd_rest_entitystamp",
        "DELETE zoo_country",
    ]


@pytest.mark.parametrize("count", [1, 5])
def test_statements_of_an_array_grow_by_the_entity(admin: RestClient, count: int) -> None:
    three()
    Employee.objects.bulk_create([Employee(id=4, last_name="x"), Employee(id=5, last_name="x")])
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", [change(key) for key in range(1, count + 1)], "$atomic=true")
    assert len(statements(captured)) == len(WHO) + len(lock()) + 5 * count


# Files posted back


def test_files_posted_back_as_references(admin: RestClient, at_now: None) -> None:
    """A ``__deferred`` is what was read: nothing to do, whatever else changes."""
    john(photo="photos/a.png", cv="cvs/a.pdf")
    body = {"__KEY": "12", "__STAMP": 4, "photo": photo(4), "cv": cv(4), "firstName": "Jack"}
    answer = admin.update("Employee", body)
    assert_answer(answer, 200, saved_employee(stamp=5, firstName="Jack", photo=photo(5), cv=cv(5)))
    man = Employee.objects.get(pk=12)
    assert (man.photo.name, man.cv.name) == ("photos/a.png", "cvs/a.pdf")


def test_moment_of_john(admin: RestClient) -> None:
    """The column is what is read; the answers above rest on it."""
    john()
    assert admin.read("Employee(12)").json()["__TIMESTAMP"] == WIRE_MOMENT
