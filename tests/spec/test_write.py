"""``$method=update``: the request, its answer, and the stamp."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from fourd_rest.dataclass.values import moment_to_wire
from fourd_rest.models import EntityStamp
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    nothing_changes,
    refused,
    saved,
)
from tests.contract.sample import (
    NEVER,
    NOW,
    WIRE_MOMENT,
    WIRE_NOW,
    acme,
    conflict,
    cv,
    employee,
    inv003,
    john,
    photo,
    saved_employee,
    to_one,
)
from tests.zoo.models import (
    Everything,
)

pytestmark = pytest.mark.django_db

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


@pytest.mark.parametrize(
    ("key", "stamp"), [("12", 4), (12, "4"), (" 12", " 4 "), ("+12", 4.0), ("012", 4), (12.0, 4)]
)
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


@pytest.mark.parametrize(("stamp", "status"), [(2**31 - 2, 200), (2**31 - 1, 500)])
def test_last_stamp(admin: RestClient, stamp: int, status: int) -> None:
    """The column ends there; a stamp that came round would let stale ones pass."""
    john(stamp=stamp)
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": stamp, "firstName": "Jack"})
    assert answer.status_code == status
    assert Employee.objects.get().stamp == 2**31 - 1


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
