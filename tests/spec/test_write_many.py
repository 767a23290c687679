"""``$method=update`` with an array: one by one, or all or none (``$atomic``)."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest import DataClass
from fourd_rest.dataclass.values import moment_to_wire
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    nothing_changes,
    refused,
    saved,
)
from tests.contract.sample import (
    NOT_SAVED,
    WIRE_NOW,
    change,
    employee,
    john,
    names,
    three,
)

pytestmark = pytest.mark.django_db

# Arrays without $atomic


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


class Faulty(DataClass):
    """Has a bug that shows at one name."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def save_model(self, request: Any, obj: Any, change: bool) -> None:
        if obj.first_name == "Zero":
            raise ZeroDivisionError("not for clients")
        super().save_model(request, obj, change)


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_a_bug_is_told_of_its_element(
    admin: RestClient, registered: Any, caplog: Any, params: str
) -> None:
    """The neighbours have their answers; the bug is logged as any other is, once."""
    registered(Employee, Faulty)
    three()
    with caplog.at_level("ERROR", "django.request"):
        answer = admin.update("Employee", [change(1), change(2, firstName="Zero"), change(3)], params)
    assert b"not for clients" not in answer.content
    (record,) = caplog.records
    reference = record.args[0]
    first, second, third = answer.json()["__ENTITIES"]
    assert answer.status_code == 500
    assert second == refused(
        4,
        (9011, f"Internal server error, reference {reference}"),
        (1517, 'The entity# 2 in the "Employee" dataclass cannot be saved'),
    )
    assert record.exc_info[0] is ZeroDivisionError
    if "atomic" in params:
        assert (first["__STAMP"], third["__STAMP"]) == (1, 1)
        assert names() == [(1, "F", 1), (2, "F", 1), (3, "F", 1)]
    else:
        assert (first["__STATUS"], third["__STATUS"]) == ({"success": True}, {"success": True})
        assert names() == [(1, "New", 2), (2, "F", 1), (3, "New", 2)]


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_a_bug_in_one_entity_alone(admin: RestClient, registered: Any, params: str) -> None:
    registered(Employee, Faulty)
    three()
    with nothing_changes():
        answer = admin.update("Employee", change(2, firstName="Zero"), params)
    document = answer.json()
    assert (answer.status_code, list(document), codes(document)) == (500, ["__ERROR"], [9011])


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


def test_atomic_with_an_element_that_changes_nothing(admin: RestClient) -> None:
    three()
    answer = admin.update("Employee", [change(1), change(2, firstName="F")], "$atomic=true")
    assert answer.status_code == 200
    first, second = answer.json()["__ENTITIES"]
    assert [e["__STATUS"] for e in (first, second)] == [{"success": True}] * 2
    assert [e["__STAMP"] for e in (first, second)] == [2, 1]


def test_atomic_failure_of_one_object(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "lastName": ""}, "$atomic=true")
    invalid = [(1569, "lastName: This field cannot be blank."), (1570, "Entity fails validation")]
    assert_answer(answer, 500, refused(7, *invalid, NOT_SAVED, entity=employee()))


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


def test_atomic_without_the_right_to_create(login: Any) -> None:
    client = login("hr.change_employee")
    three()
    with nothing_changes():
        answer = client.update("Employee", [change(1), {"lastName": "X"}], "$atomic=true")
    assert answer.status_code == 401
    first, second = answer.json()["__ENTITIES"]
    assert (first["firstName"], first["__STAMP"]) == ("F", 1)
    assert codes(second) == [1559, 1534]


@pytest.mark.parametrize("params", ["$atomic=false", "$atomic=0", "$atomic=False", "$atomic='FALSE'"])
def test_not_atomic(admin: RestClient, params: str) -> None:
    three()
    answer = admin.update("Employee", [change(1), change(2, stamp=9)], params)
    assert answer.status_code == 500
    assert names()[0] == (1, "New", 2)
