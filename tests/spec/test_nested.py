"""Related entities posted within another one (D-13, ``server-facts.md`` 9)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.models import BlobAttachment
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, codes, errors, files, nothing_changes, refused
from tests.contract.sample import acme, employee, john, to_one
from tests.spec.writes import NOT_SAVED, NOW, conflict, saved_employee, told
from tests.zoo.models import Animal, Keeper, Passport

pytestmark = pytest.mark.django_db

UNRELATED = (1537, 'The related entity of "employer" in the "Employee" dataclass cannot be saved')
COMPANY_NOT_SAVED = (1517, 'The entity# 1 in the "Company" dataclass cannot be saved')
NEW_COMPANY_NOT_SAVED = (1534, 'The new entity of the "Company" dataclass cannot be saved')


@pytest.fixture
def at_now(monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def stamp_of(client: RestClient, path: str) -> int:
    return json.loads(client.read(path).content)["__STAMP"]


def test_a_new_related_entity(admin: RestClient, at_now: None) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "employer": {"name": "Acme", "creationDate": "1!2!2003"}}
    answer = admin.update("Employee", posted)
    company = Company.objects.get()
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", company.pk)))
    assert (company.name, str(company.creation_date)) == ("Acme", "2003-02-01")
    assert Employee.objects.get().employer == company
    assert stamp_of(admin, f"Company({company.pk})") == 1


def test_both_are_new(admin: RestClient) -> None:
    answer = admin.update(
        "Employee", {"firstName": "Jane", "lastName": "Doe", "employer": {"name": "Acme"}}
    )
    woman, company = Employee.objects.get(), Company.objects.get()
    assert answer.status_code == 200
    assert json.loads(answer.content)["employer"] == to_one("Company", company.pk)
    assert (woman.first_name, woman.employer_id, woman.stamp) == ("Jane", company.pk, 1)


def test_a_related_entity_that_is_required(admin: RestClient) -> None:
    """The key of the new entity is known before the row that needs it is written."""
    answer = admin.update(
        "Invoices",
        {"reference": "inv004", "amount": 5, "date": "1!1!2026", "company": {"name": "Acme"}},
    )
    assert told(answer) == (200, [])
    assert Company.objects.get().invoices.get().reference == "inv004"


def test_a_changed_related_entity_leaves_the_outer_one_alone(admin: RestClient, at_now: None) -> None:
    john(employer=acme())
    posted = {
        "__KEY": "12",
        "__STAMP": 4,
        "firstName": "John",
        "employer": {"__KEY": "1", "__STAMP": 1, "name": "Acme & Sons"},
    }
    answer = admin.update("Employee", posted)
    moment = "2026-01-02T03:04:05.678Z"
    assert_answer(answer, 200, saved_employee(stamp=4, moment=moment, employer=to_one("Company", 1)))
    assert Company.objects.get().name == "Acme & Sons"
    assert stamp_of(admin, "Company(1)") == 2


def test_both_change(admin: RestClient, at_now: None) -> None:
    john(employer=acme())
    answer = admin.update(
        "Employee",
        {
            "__KEY": 12,
            "__STAMP": 4,
            "firstName": "Jack",
            "employer": {"__KEY": 1, "__STAMP": 1, "name": "Acme & Sons"},
        },
    )
    expected = saved_employee(stamp=5, firstName="Jack", employer=to_one("Company", 1))
    assert_answer(answer, 200, expected)
    assert Company.objects.get().name == "Acme & Sons"


def test_another_entity_is_updated_and_linked(admin: RestClient, at_now: None) -> None:
    john(employer=acme())
    other = Company.objects.create(id=2, name="Other")
    answer = admin.update(
        "Employee",
        {"__KEY": "12", "__STAMP": 4, "employer": {"__KEY": "2", "__STAMP": 1, "name": "Another"}},
    )
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", 2)))
    other.refresh_from_db()
    assert (other.name, Employee.objects.get().employer_id) == ("Another", 2)


@pytest.mark.parametrize(
    "related",
    [{"__KEY": "1"}, {"__KEY": 1, "__STAMP": 9}, {"__KEY": "1", "uri": "/rest/Company(1)"}],
)
def test_a_key_alone_is_a_link(admin: RestClient, at_now: None, related: dict[str, Any]) -> None:
    """Without attributes of its own nothing of the related entity is looked at, stamps included."""
    john()
    acme()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": related})
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", 1)))


def test_nothing_changes_where_all_is_equal(admin: RestClient) -> None:
    """A stale stamp of either entity does no harm then (D-09)."""
    john(employer=acme())
    posted = {
        "__KEY": "12",
        "__STAMP": 1,
        "firstName": "John",
        "employer": {"__KEY": "1", "__STAMP": 7, "name": "Acme"},
    }
    with nothing_changes():
        assert told(admin.update("Employee", posted)) == (200, [])


def test_several_levels(admin: RestClient) -> None:
    answer = admin.update(
        "Employee",
        {
            "firstName": "A",
            "lastName": "A",
            "employer": {"name": "Acme", "manager": {"firstName": "B", "lastName": "B"}},
            "manager": {"firstName": "C", "lastName": "C"},
        },
    )
    assert told(answer) == (200, [])
    company = Company.objects.get()
    assert company.manager.first_name == "B"
    first = Employee.objects.get(first_name="A")
    assert (first.employer, first.manager.first_name) == (company, "C")


@pytest.mark.parametrize(("limit", "levels", "status"), [(2, 2, 200), (2, 3, 500), (5, 5, 200)])
def test_depth(admin: RestClient, settings: Any, limit: int, levels: int, status: int) -> None:
    settings.FOURD_REST = {"MAX_NESTED_DEPTH": limit}
    posted: dict[str, Any] = {"firstName": "0", "lastName": "x"}
    for level in range(levels):
        posted = {"firstName": str(level + 1), "lastName": "x", "manager": posted}
    answer = admin.update("Employee", posted)
    assert answer.status_code == status
    assert Employee.objects.count() == (levels + 1 if status == 200 else 0)
    if status != 200:
        assert json.loads(answer.content)["__ERROR"][0]["errCode"] == 9018


def test_default_depth(admin: RestClient) -> None:
    posted: dict[str, Any] = {"firstName": "0", "lastName": "x"}
    for _ in range(6):
        posted = {"firstName": "1", "lastName": "x", "manager": posted}
    with nothing_changes():
        status, found = told(admin.update("Employee", posted))
    assert (status, found) == (500, [9018, *[1534, 1537] * 5, 1534])


# Failures


def test_a_stale_stamp_of_the_related_entity(admin: RestClient) -> None:
    john(employer=acme())
    with nothing_changes():
        answer = admin.update(
            "Employee",
            {
                "__KEY": "12",
                "__STAMP": 4,
                "firstName": "Jack",
                "employer": {"__KEY": "1", "__STAMP": 3, "name": "Acme & Sons"},
            },
        )
    expected = refused(
        2,
        *conflict(1, "Company"),
        UNRELATED,
        NOT_SAVED,
        entity=employee(employer=to_one("Company", 1)),
    )
    assert_answer(answer, 500, expected)


def test_a_stale_stamp_of_the_outer_entity_saves_neither(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 3, "employer": {"name": "Acme"}})
    assert_answer(answer, 500, refused(2, *conflict(), entity=employee()))


def test_a_stale_outer_entity_that_is_invalid(admin: RestClient, monkeypatch: Any) -> None:
    """Its values are told of, also where nothing but the new related entity would change it (D-64)."""

    def never(instance: Employee) -> None:
        raise ValidationError("Never")

    monkeypatch.setattr(Employee, "clean", never)
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 3, "employer": {"name": "Acme"}})
    assert codes(answer.json()) == [1569, 1570, 1517]


def test_a_related_entity_of_another_database(admin: RestClient, monkeypatch: Any) -> None:
    """Both could not be saved in one transaction."""
    original = DataClass.write_alias

    def write_alias(dataclass: DataClass) -> str:
        return "elsewhere" if dataclass.name == "Company" else original(dataclass)

    monkeypatch.setattr(DataClass, "write_alias", write_alias)
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": {"name": "Acme"}})
    message = "A nested entity of another database is not supported by this server"
    assert_answer(answer, 500, refused(4, (9014, message), NOT_SAVED, entity=employee()))


def test_a_related_entity_that_is_invalid(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": {"name": "x" * 121}})
    expected = refused(
        7,
        (1569, "name: Ensure this value has at most 120 characters (it has 121)."),
        (1570, "Entity fails validation"),
        NEW_COMPANY_NOT_SAVED,
        UNRELATED,
        NOT_SAVED,
        entity=employee(),
    )
    assert_answer(answer, 500, expected)


def test_an_outer_entity_that_is_invalid_undoes_the_related_one(admin: RestClient) -> None:
    john(employer=acme())
    with nothing_changes():
        answer = admin.update(
            "Employee",
            {
                "__KEY": "12",
                "__STAMP": 4,
                "firstName": "x" * 61,
                "employer": {"__KEY": "1", "__STAMP": 1, "name": "Acme & Sons"},
            },
        )
    assert told(answer) == (500, [1569, 1570, 1517])


def test_an_unknown_related_entity(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update(
            "Employee",
            {"__KEY": "12", "__STAMP": 4, "employer": {"__KEY": "9", "__STAMP": 1, "name": "x"}},
        )
    expected = refused(
        5,
        (1542, 'Cannot find entity with "9" key in the "Company" dataclass'),
        (1517, 'The entity# 9 in the "Company" dataclass cannot be saved'),
        UNRELATED,
        NOT_SAVED,
        entity=employee(),
    )
    assert_answer(answer, 500, expected)


def test_a_duplicate_in_the_related_entity(admin: RestClient) -> None:
    Keeper.objects.create(name="Ann", badge="a")
    with nothing_changes():
        answer = admin.update("Animal", {"name": "Tiger", "doctor": {"name": "Ann", "badge": "b"}})
    assert told(answer) == (500, [1115, 1046, 1534, 1537, 1534])


def test_the_others_of_an_array_are_saved(admin: RestClient) -> None:
    answer = admin.update(
        "Employee",
        [
            {"firstName": "A", "lastName": "x", "employer": {"name": [1]}},
            {"firstName": "B", "lastName": "x", "employer": {"name": "Acme"}},
        ],
    )
    first, second = json.loads(answer.content)["__ENTITIES"]
    assert (answer.status_code, "__ERROR" in first, "__ERROR" in second) == (500, True, False)
    assert [man.first_name for man in Employee.objects.all()] == ["B"]
    assert Company.objects.get().name == "Acme"


def test_atomic(admin: RestClient) -> None:
    items = [
        {"firstName": "A", "lastName": "x", "employer": {"name": "Acme"}},
        {"firstName": "B", "lastName": "x", "employer": {"name": "y" * 121}},
    ]
    with nothing_changes():
        answer = admin.update("Employee", items, "$method=update&$atomic=true")
    assert answer.status_code == 500
    items[1]["employer"] = {"name": "Bcme"}
    answer = admin.update("Employee", items, "$method=update&$atomic=true")
    assert answer.status_code == 200
    assert set(Employee.objects.values_list("first_name", "employer__name")) == {
        ("A", "Acme"),
        ("B", "Bcme"),
    }


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true", "$method=validate"])
def test_one_related_entity_within_several(admin: RestClient, params: str) -> None:
    """A client that posts what it was shown expanded says the same of it each time: it is saved once."""
    Employee.objects.create(id=1, first_name="A", last_name="B", employer=acme())
    Employee.objects.create(id=2, first_name="C", last_name="D", employer_id=1)
    company = {"__KEY": "1", "__STAMP": 1, "name": "New"}
    posted = [{"__KEY": key, "__STAMP": 1, "firstName": "X", "employer": company} for key in (1, 2)]
    assert admin.update("Employee", posted, params).status_code == 200
    if "validate" in params:
        return
    assert list(Employee.objects.values_list("first_name", "stamp")) == [("X", 2), ("X", 2)]
    assert admin.read("Company(1)/name").json()["__STAMP"] == 2
    posted[1] = {**posted[1], "__STAMP": 2, "employer": {**company, "name": "Newer"}}
    assert told(admin.update("Employee", posted[1], params)) == (500, [1263, 1046, 1517, 1537, 1517])


# Rights


def test_a_related_entity_needs_its_own_right(login: Any) -> None:
    john(employer=acme())
    client = login("hr.change_employee", "hr.view_company")
    posted = {"__KEY": "12", "__STAMP": 4, "employer": {"__KEY": "1", "__STAMP": 1, "name": "x"}}
    with nothing_changes():
        answer = client.update("Employee", posted)
    expected = refused(
        1,
        (1558, "No permission to update for the Company dataclass"),
        COMPANY_NOT_SAVED,
        UNRELATED,
        NOT_SAVED,
    )
    assert_answer(answer, 401, expected)


def test_a_new_related_entity_needs_its_own_right(login: Any) -> None:
    john()
    client = login("hr.change_employee", "hr.change_company")
    with nothing_changes():
        answer = client.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": {"name": "Acme"}})
    assert told(answer) == (401, [1559, 1534, 1537, 1517])


@pytest.mark.parametrize("key", [{}, {"__KEY": "12", "__STAMP": 4}])
def test_who_may_only_add_is_linked_to_what_he_has_added(login: Any, key: dict[str, Any]) -> None:
    """To view it takes another right, which neither the save needs nor its trial."""
    john()
    client = login("hr.add_employee", "hr.change_employee", "hr.add_company")
    posted = {**key, "firstName": "J", "lastName": "D", "employer": {"name": "Acme"}}
    with nothing_changes():
        assert client.update("Employee", posted, "$method=validate").status_code == 200
    answer = client.update("Employee", posted)
    assert answer.status_code == 200
    assert "employer" not in answer.json()
    assert Employee.objects.get(first_name="J").employer.name == "Acme"
    # What somebody else has added he cannot be linked to.
    client = login("hr.add_employee", "hr.add_company", username="other")
    linked = {"firstName": "K", "lastName": "D", "employer": Company.objects.get().pk}
    assert told(client.update("Employee", linked)) == (500, [1542, 1534])


def test_a_dataclass_that_the_caller_may_not_know_of(login: Any) -> None:
    """What was saved before it reaches the client all the same."""
    john()
    client = login("hr.change_employee", "hr.add_employee")
    items = [
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        {"firstName": "Jane", "lastName": "Doe", "employer": {"name": "Acme"}},
    ]
    answer = client.update("Employee", items)
    first, second = json.loads(answer.content)["__ENTITIES"]
    assert (answer.status_code, first["firstName"]) == (500, "Jack")
    assert [item["errCode"] for item in second["__ERROR"]] == [1500, 1534]
    assert not Company.objects.exists()


def test_a_related_entity_out_of_reach(admin: RestClient, registered: Any) -> None:
    class Reachable(DataClass):
        naming = "camelCase"

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(name="Acme")

    registered(Company, Reachable)
    john(employer=acme())
    with nothing_changes():
        answer = admin.update(
            "Employee",
            {"__KEY": "12", "__STAMP": 4, "employer": {"__KEY": "1", "__STAMP": 1, "name": "x"}},
        )
    assert told(answer) == (500, [1542, 1517, 1537, 1517])


# Kinds of relations


def test_a_relation_to_another_field_than_the_key(admin: RestClient) -> None:
    answer = admin.update("Animal", {"name": "Tiger", "doctor": {"name": "Ann", "badge": "a7"}})
    assert told(answer) == (200, [])
    assert Animal.objects.get().doctor_id == "a7"


def test_the_reverse_of_a_one_to_one(admin: RestClient) -> None:
    """It cannot be linked from here, but what is linked can be changed."""
    tiger = Animal.objects.create(name="Tiger")
    passport = Passport.objects.create(animal=tiger, number="1")
    changed = {"__KEY": passport.pk, "__STAMP": 1, "number": "2"}
    answer = admin.update("Animal", {"__KEY": tiger.pk, "__STAMP": 1, "passport": changed})
    assert told(answer) == (200, [])
    passport.refresh_from_db()
    assert passport.number == "2"
    lion = Animal.objects.create(name="Lion")
    changed = {"__KEY": passport.pk, "__STAMP": 2, "number": "3"}
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": lion.pk, "__STAMP": 1, "passport": changed})
    assert told(answer) == (500, [1516, 1517])
    with nothing_changes():
        answer = admin.update("Animal", {"name": "Lynx", "passport": {"number": "4"}})
    assert told(answer) == (500, [1516, 1534])


def test_a_read_only_relation(admin: RestClient, registered: Any) -> None:
    registered(
        Employee,
        fields=["id", "first_name", "employer"],
        naming="camelCase",
        readonly_fields=["employer"],
    )
    john(employer=acme())
    related = {"__KEY": "1", "__STAMP": 1, "name": "Bcme"}
    answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "employer": related})
    assert (told(answer), Company.objects.get().name) == ((200, []), "Bcme")
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "employer": {"name": "Ccme"}})
    assert told(answer) == (500, [1516, 1517])


def test_objects_of_to_many_relations_are_ignored(admin: RestClient) -> None:
    """``server-facts.md`` 9: what a read showed may be posted back."""
    john()
    shown = {"__COUNT": 1, "__ENTITIES": [{"__KEY": "13", "firstName": "x"}]}
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "team": shown})
    assert told(answer) == (200, [])
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "team": ["13"]})
    assert told(answer) == (500, [1516, 1517])


def test_an_object_without_a_key_is_no_relation(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": {}})
    assert told(answer) == (500, [1508, 1517])


# Files


def test_a_file_of_the_related_entity(admin: RestClient) -> None:
    upload = json.loads(admin.upload(picture(), "$rawPict=true").content)
    answer = admin.update(
        "Employee",
        {
            "firstName": "A",
            "lastName": "x",
            "manager": {"firstName": "B", "lastName": "x", "photo": upload},
        },
    )
    assert told(answer) == (200, [])
    boss = Employee.objects.get(first_name="B")
    with boss.photo.open() as file:
        assert file.read() == picture()
    attached = BlobAttachment.objects.get()
    assert (attached.state, attached.key, attached.field) == ("attached", str(boss.pk), "photo")


def test_no_file_is_left_of_a_related_entity_that_is_not_saved(admin: RestClient) -> None:
    upload = json.loads(admin.upload(PDF).content)
    before = files()
    answer = admin.update(
        "Employee",
        {
            "firstName": "A" * 61,
            "lastName": "x",
            "manager": {"firstName": "B", "lastName": "x", "cv": upload},
        },
    )
    assert told(answer) == (500, [1569, 1570, 1534])
    assert files() == before
    assert not BlobAttachment.objects.exists()


def test_no_file_is_left_when_the_outer_stamp_is_stale(admin: RestClient) -> None:
    john()
    upload = json.loads(admin.upload(PDF).content)
    before = files()
    boss = {"firstName": "B", "lastName": "x", "cv": upload}
    answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 3, "manager": boss})
    assert told(answer) == (500, [1263, 1046, 1517])
    assert files() == before
    assert not BlobAttachment.objects.exists()


def test_the_same_rules_hold_by_address(admin: RestClient) -> None:
    """``X(key)`` as the target of a bare POST; the body need not repeat the key."""
    john()
    answer = admin.rest("POST", "Employee(12)", {"__STAMP": 4, "employer": {"name": "Acme"}})
    assert told(answer) == (200, [])
    with nothing_changes():
        answer = admin.rest("POST", "Employee(12)", {"__KEY": "13", "__STAMP": 5, "firstName": "x"})
    assert_answer(
        answer, 400, errors((1806, "URL is not well formed: its key is not the one in the body"))
    )
    with nothing_changes():
        answer = admin.rest("POST", "Employee(12)", [{"__STAMP": 5, "firstName": "x"}])
    assert told(answer) == (400, [9001])


@pytest.mark.parametrize("name", ["__ISNEW", "__entityModel", "__DATACLASS", "__anything"])
def test_names_with_two_underscores_are_no_attributes(admin: RestClient, name: str) -> None:
    john()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, name: True, "firstName": "Jack"})
    assert (told(answer), Employee.objects.get().first_name) == ((200, []), "Jack")


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 500)])
def test_negative_stamp(admin: RestClient, registered: Any, allowed: bool, status: int) -> None:
    registered(Employee, fields=["id", "first_name"], naming="camelCase", allow_stamp_override=allowed)
    john()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": -1, "firstName": "Jack"})
    man = Employee.objects.get()
    assert answer.status_code == status
    assert (man.first_name, man.stamp) == (("Jack", 5) if allowed else ("John", 4))
