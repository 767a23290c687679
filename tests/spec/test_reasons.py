"""What a refusal tells where there are several reasons (D-64), and of which kind it is (D-65)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient
from tests.contract.checks import assert_answer, codes, nothing_changes, refused
from tests.contract.sample import acme, change, conflict, employee, john, names, three, to_one
from tests.zoo.models import Animal, Grumpy, Keeper, Place

pytestmark = pytest.mark.django_db

LONG = "J" * 61
INVALID = [
    (1569, "firstName: Ensure this value has at most 60 characters (it has 61)."),
    (1570, "Entity fails validation"),
    (1517, 'The entity# 12 in the "Employee" dataclass cannot be saved'),
]
STALE = {"__KEY": "12", "__STAMP": 3}


def john_answer() -> dict[str, Any]:
    return refused(7, *INVALID, entity=employee())


@pytest.mark.parametrize("params", ["$method=update", "$refresh=true", "$atomic=true"])
def test_an_invalid_value_beside_a_stale_stamp(admin: RestClient, params: str) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {**STALE, "firstName": LONG}, params)
    assert_answer(answer, 500, john_answer())


def test_by_validate(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {**STALE, "firstName": LONG}, "$method=validate")
    assert_answer(answer, 500, {"__ENTITIES": [john_answer()]})


@pytest.mark.parametrize("params", ["", "$atomic=true"])
def test_in_an_array(admin: RestClient, params: str) -> None:
    john()
    three()
    items = [change(1), {**STALE, "firstName": LONG}, {**change(2), "__STAMP": 9}]
    answer = admin.update("Employee", items, params)
    first, second, third = answer.json()["__ENTITIES"]
    assert (answer.status_code, "__ERROR" in first, second) == (500, False, john_answer())
    assert codes(third) == [1263, 1046, 1517]
    assert names()[0] == ((1, "F", 1) if params else (1, "New", 2))


def test_in_the_batch(admin: RestClient) -> None:
    john()
    Employee.objects.bulk_create(Employee(id=key, first_name="F", last_name="x") for key in range(1, 6))
    items = [change(key) for key in range(1, 6)]
    items += [{**STALE, "firstName": LONG}]
    items[0]["__STAMP"] = 7
    first, *saved, last = admin.update("Employee", items).json()["__ENTITIES"]
    assert codes(first) == [1263, 1046, 1517]
    assert [entity["firstName"] for entity in saved] == ["New"] * 4
    assert last == john_answer()


def test_what_is_only_stale(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {**STALE, "firstName": "Jack"})
    assert_answer(answer, 500, refused(2, *conflict(), entity=employee()))


def test_values_of_a_related_entity(admin: RestClient) -> None:
    john(employer=acme())
    with nothing_changes():
        answer = admin.update(
            "Employee", {**STALE, "employer": {"__KEY": 1, "__STAMP": 1, "name": "x" * 121}}
        )
        inner = admin.update(
            "Employee",
            {
                "__KEY": "12",
                "__STAMP": 4,
                "employer": {"__KEY": 1, "__STAMP": 9, "name": "x" * 121},
            },
        )
        new = admin.update("Employee", {**STALE, "firstName": "x", "employer": {"revenues": 1}})
    assert codes(answer.json()) == [1569, 1570, 1517, 1537, 1517]
    assert codes(inner.json()) == [1569, 1570, 1517, 1537, 1517]
    assert codes(new.json()) == [1569, 1570, 1534, 1537, 1517]
    assert answer.json()["employer"] == to_one("Company", 1)


def test_a_related_entity_that_would_be_new_is_not_missed(admin: RestClient) -> None:
    """The relation to it has no value yet: nothing is invalid."""
    john()
    with nothing_changes():
        answer = admin.update("Employee", {**STALE, "employer": {"name": "Acme"}})
    assert codes(answer.json()) == [1263, 1046, 1517]


def test_the_model_s_own_clean_and_setters(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    registered(Grumpy, computed=["mood"])
    Grumpy.objects.bulk_create([Grumpy(id=1, name="n")])
    stale = {"__KEY": 1, "__STAMP": 9}
    with nothing_changes():
        for posted, found in (
            ({"mood": "setter ValueError"}, 1508),
            ({"name": "clean ValueError"}, 1508),
            ({"note": "model ValueError"}, 1569),
            ({"id": 2}, 1516),
            ({"name": "fine"}, 1263),
        ):
            answer = admin.update("Grumpy", {**stale, **posted}).json()
            assert answer["__ERROR"][0]["errCode"] == found, posted
    Animal.objects.create(id=1, name="Leo")
    with nothing_changes():
        answer = admin.update("Animal", {**stale, "name": "Moloch"})
    assert answer.json()["__ERROR"][0]["message"] == "name: No Moloch in this zoo."


def test_no_questions_to_the_database(admin: RestClient) -> None:
    """But for the row. What only the database knows is not told beside a stale stamp."""
    Keeper.objects.create(id=1, name="Ann")
    Place.objects.create(id=1, name="Zoo")
    Animal.objects.create(id=1, name="Leo", nick="x")
    Animal.objects.create(id=2, name="Kim", nick="x")
    posted = {"__KEY": 2, "__STAMP": 9, "name": "Leo", "low": 99, "home": 1}
    with nothing_changes(), CaptureQueriesContext(connection) as captured:
        answer = admin.update("Animal", posted)
    assert codes(answer.json()) == [1263, 1046, 1517]
    tables = [query["sql"].replace("`", '"').partition('FROM "')[2] for query in captured]
    assert sum(table.startswith('zoo_animal"') for table in tables) <= 4
    # Whether there is such a place was asked when it was looked up.
    assert sum(table.startswith('zoo_place"') for table in tables) == 1


def test_files(admin: RestClient, monkeypatch: Any) -> None:
    """One that is not placed yet is not judged, an emptied one is."""
    Animal.objects.create(id=1, name="Leo")
    wire_id = admin.upload(b"text").json()["ID"]
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": 1, "__STAMP": 9, "report": {"ID": wire_id}})
    assert codes(answer.json()) == [1263, 1046, 1517]
    john()
    cv = {"ID": admin.upload(PDF).json()["ID"]}
    with monkeypatch.context() as patch, nothing_changes():
        # A file that must be there is there, though it has no name yet.
        patch.setattr(Employee._meta.get_field("cv"), "blank", False)
        answer = admin.update("Employee", {**STALE, "cv": cv})
        tried = admin.update("Employee", {**STALE, "__STAMP": 4, "cv": cv}, "$method=validate")
        emptied = admin.update("Employee", {**STALE, "cv": None, "photo": None})
    assert codes(answer.json()) == [1263, 1046, 1517]
    assert tried.json() == {"ok": True}
    assert emptied.status_code == 200  # nothing was there
    with nothing_changes():
        answer = admin.update("Employee", {**STALE, "cv": cv, "firstName": LONG})
    assert codes(answer.json()) == [1569, 1570, 1517]


def test_rights_come_first(admin: RestClient, registered: Any) -> None:
    class Guarded(DataClass):
        naming = "camelCase"

        def has_change_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is None

    registered(Employee, Guarded)
    john()
    with nothing_changes():
        answer = admin.update("Employee", {**STALE, "firstName": LONG})
    assert (answer.status_code, codes(answer.json())) == (401, [1558, 1517])


# The status


def test_status_of_a_nested_value(admin: RestClient) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "employer": {"name": "x" * 121}}
    with nothing_changes():
        answer = admin.update("Employee", posted)
    assert answer.json()["__STATUS"] == {
        "status": 7,
        "statusText": "Mild Validation Error",
        "success": False,
    }


def test_status_in_the_batch(admin: RestClient) -> None:
    Company.objects.bulk_create(Company(id=key, name="n") for key in range(1, 6))
    items: list[Any] = [{"__KEY": key, "__STAMP": 1, "name": "m"} for key in range(1, 6)]
    items[3]["name"] = ""
    items[4]["name"] = [1]
    entities = admin.update("Company", items).json()["__ENTITIES"]
    assert [entity["__STATUS"].get("status") for entity in entities] == [None, None, None, 7, 4]


def test_status_of_what_a_save_refuses(admin: RestClient, monkeypatch: Any) -> None:
    def save(self: Company, *args: Any, **kwargs: Any) -> None:
        raise ValidationError({"name": "Not this one."})

    monkeypatch.setattr(Company, "save", save)
    with nothing_changes():
        answer = admin.update("Company", {"name": "Acme"})
    assert answer.json()["__STATUS"]["status"] == 7


def test_status_of_a_duplicate(admin: RestClient) -> None:
    Keeper.objects.create(name="Ann")
    with nothing_changes():
        answer = admin.update("Keeper", {"name": "Ann"})
    assert (answer.json()["__STATUS"]["status"], codes(answer.json())) == (4, [1115, 1046, 1534])
