"""``$method=validate`` and ``$refresh``: everything of a save but the saving (``responses.md`` 6.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from fourd_rest import DataClass, signals
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, error, nothing_changes, refused
from tests.contract.sample import NEVER, acme, employee, john, photo, to_one
from tests.spec.writes import NOT_SAVED, NOW, conflict, saved, told
from tests.zoo.models import Animal, Country, Everything, Keeper

pytestmark = pytest.mark.django_db

VALIDATE = "$method=validate"
REFRESH = "$method=update&$refresh=true"


@pytest.fixture
def at_now(monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def validate(client: RestClient, dataclass: str, body: Any) -> Any:
    with nothing_changes():
        return client.update(dataclass, body, VALIDATE)


def refresh(client: RestClient, dataclass: str, body: Any) -> Any:
    with nothing_changes():
        return client.update(dataclass, body, REFRESH)


# Validate


@pytest.mark.parametrize(
    "posted",
    [
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        {"__KEY": "12", "__STAMP": 4, "employer": {"name": "Acme"}},
        {"__KEY": "12", "__STAMP": 4, "employer": "1"},
        {"__KEY": "12", "__STAMP": 4},
        {"__KEY": "12", "__STAMP": 9, "firstName": "John"},
        {"firstName": "Jane", "lastName": "Doe"},
        {"firstName": "Jane", "lastName": "Doe", "manager": {"__KEY": "12", "firstName": "John"}},
        [],
        [{"firstName": "Jane", "lastName": "Doe"}, {"__KEY": "12", "__STAMP": 4}],
    ],
)
def test_valid(admin: RestClient, posted: Any) -> None:
    john()
    acme()
    assert_answer(validate(admin, "Employee", posted), 200, {"ok": True})


def test_valid_by_address(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.rest("POST", "Employee(12)?$method=validate", {"__STAMP": 4, "firstName": "Jack"})
    assert_answer(answer, 200, {"ok": True})


def test_invalid_new_entity(admin: RestClient) -> None:
    answer = validate(admin, "Animal", {"name": "Moloch", "low": 3})
    expected = refused(
        7,
        (1569, "name: No Moloch in this zoo."),
        (1570, "Entity fails validation"),
        (1534, 'The new entity of the "Animal" dataclass cannot be saved'),
    )
    assert_answer(answer, 500, {"__ENTITIES": [expected]})


def test_invalid_update(admin: RestClient) -> None:
    john()
    answer = validate(admin, "Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "J" * 61})
    expected = refused(
        7,
        (1569, "firstName: Ensure this value has at most 60 characters (it has 61)."),
        (1570, "Entity fails validation"),
        NOT_SAVED,
        entity=employee(),
    )
    assert_answer(answer, 500, {"__ENTITIES": [expected]})


def test_each_entity_of_an_array_has_its_place(admin: RestClient) -> None:
    john()
    items = [
        {"firstName": "Jane", "lastName": "Doe"},
        {"__KEY": "12", "__STAMP": 3, "firstName": "Jack"},
        {"firstName": "Jim", "lastName": "Doe"},
    ]
    expected = refused(2, *conflict(), entity=employee())
    answer = validate(admin, "Employee", items)
    assert_answer(answer, 500, {"__ENTITIES": [{}, expected, {}]})


@pytest.mark.parametrize(
    ("posted", "found"),
    [
        ({"__KEY": "99", "__STAMP": 1, "name": "x"}, [1542, 1517]),
        ({"__KEY": "x", "name": "x"}, [1541, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "shoe": 1}, [1500, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "low": "x"}, [1508, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "id": 3}, [1516, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "low": 11}, [1569, 1570, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "name": "Lion"}, [1115, 1046, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "name": "Cerberus"}, [1569, 1570, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "report": {"ID": "0" * 32}}, [1826, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "doctor": "7"}, [1542, 1517]),
        ({"__KEY": "1", "__STAMP": 1, "doctor": {"name": "x" * 51}}, [1569, 1570, 1534, 1537, 1517]),
        ({}, [1569, 1570, 1534]),
    ],
)
def test_validate_finds_what_an_update_finds(
    admin: RestClient, posted: dict[str, Any], found: list[int]
) -> None:
    Animal.objects.create(id=1, name="Tiger")
    Animal.objects.create(id=2, name="Lion")
    tried = validate(admin, "Animal", posted)
    with nothing_changes():
        done = admin.update("Animal", posted)
    (entity,) = json.loads(tried.content)["__ENTITIES"]
    assert [item["errCode"] for item in entity["__ERROR"]] == found
    assert (tried.status_code, entity) == (done.status_code, json.loads(done.content))


def test_a_key_that_is_missing_or_taken(admin: RestClient) -> None:
    Country.objects.create(code="FR", name="France")
    for posted, found in [({"name": "x"}, [1546, 1534]), ({"code": "FR", "name": "x"}, [1545])]:
        tried = validate(admin, "Country", posted)
        with nothing_changes():
            done = admin.update("Country", posted)
        (entity,) = json.loads(tried.content)["__ENTITIES"]
        assert entity == json.loads(done.content)
        assert [item["errCode"] for item in entity["__ERROR"]][: len(found)] == found


def test_what_is_equal_is_not_judged(admin: RestClient) -> None:
    """An old row that is invalid stays as it is; an update would not save it either."""
    Animal.objects.create(id=1, name="Cerberus")
    for posted in ({"__KEY": "1", "__STAMP": 1}, {"__KEY": "1", "__STAMP": 1, "name": "Cerberus"}):
        assert_answer(validate(admin, "Animal", posted), 200, {"ok": True})
        assert told(admin.update("Animal", posted)) == (200, [])


def test_the_right_to_change_one_entity(admin: RestClient, registered: Any) -> None:
    class Guarded(DataClass):
        naming = "camelCase"

        def has_change_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is None or obj.pk != 12

    registered(Employee, Guarded)
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    tried = validate(admin, "Employee", posted)
    with nothing_changes():
        done = admin.update("Employee", posted)
    assert told(done) == (401, [1558, 1517])
    assert (tried.status_code, json.loads(tried.content)["__ENTITIES"]) == (
        401,
        [json.loads(done.content)],
    )
    assert refresh(admin, "Employee", posted).status_code == 401


def test_rights(login: Any, guest: RestClient) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    (entity,) = json.loads(validate(login("hr.view_employee"), "Employee", posted).content)["__ENTITIES"]
    assert [item["errCode"] for item in entity["__ERROR"]] == [1558, 1517]
    assert told(validate(login("hr.add_employee", username="x"), "Nothing", posted)) == (404, [1800])
    assert told(validate(guest, "Employee", posted)) == (401, [1558])


def test_an_upload_is_looked_at_and_stays(admin: RestClient) -> None:
    john()
    binary = json.loads(admin.upload(PDF).content)
    image = json.loads(admin.upload(picture(), "$rawPict=true").content)
    posted = {"__KEY": "12", "__STAMP": 4, "cv": binary, "photo": image}
    assert_answer(validate(admin, "Employee", posted), 200, {"ok": True})
    answer = validate(admin, "Employee", {**posted, "photo": binary})
    assert [item["errCode"] for item in json.loads(answer.content)["__ENTITIES"][0]["__ERROR"]] == [
        1824,
        1517,
    ]
    assert told(admin.update("Employee", posted)) == (200, [])


def test_validate_is_no_read(admin: RestClient) -> None:
    assert told(admin.read("Employee?$method=validate")) == (400, [1813])
    assert told(admin.rest("POST", "Employee(12)/photo?$method=validate", b"x")) == (400, [1813])


# Refresh


def test_the_row_that_would_be(admin: RestClient, at_now: None) -> None:
    acme()
    john(photo="photos/x.png")
    answer = refresh(
        admin,
        "Employee",
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack", "salary": "7", "employer": 1},
    )
    expected = employee(firstName="Jack", salary=7, photo=photo(4), employer=to_one("Company", 1))
    assert_answer(answer, 200, saved(expected, "/rest/Employee(12)"))


def test_a_new_row_that_would_be(admin: RestClient) -> None:
    """No key yet, no stamp yet; defaults of the model show."""
    answer = refresh(admin, "Employee", {"firstName": "Jane", "lastName": "Doe"})
    assert_answer(
        answer,
        200,
        {
            "__STATUS": {"success": True},
            "__STAMP": 0,
            "__TIMESTAMP": NEVER,
            "firstName": "Jane",
            "lastName": "Doe",
            "woman": False,
        },
    )


def test_values_show_as_they_would_be_read(admin: RestClient) -> None:
    posted = {
        "integer": "7",
        "decimal": "1.50",
        "date": "2026-03-04T10:00:00Z",
        "uuid": "0123456789ab4def8123456789ABCDEF",
        "json": {"b": [1]},
        "char": None,
    }
    shown = json.loads(refresh(admin, "Everything", posted).content)
    done = json.loads(admin.update("Everything", posted).content)
    assert {name: shown[name] for name in posted} == {name: done[name] for name in posted}
    assert shown["date"] == "4!3!2026"
    assert Everything.objects.count() == 1


def test_an_emptied_relation_and_file(admin: RestClient) -> None:
    john(photo="photos/x.png", employer=acme())
    answer = refresh(admin, "Employee", {"__KEY": "12", "__STAMP": 4, "photo": None, "employer": None})
    assert_answer(answer, 200, saved(employee(), "/rest/Employee(12)"))


def test_a_related_entity_that_would_be_new_has_no_key_yet(admin: RestClient) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack", "employer": {"name": "Acme"}}
    answer = refresh(admin, "Employee", posted)
    assert_answer(answer, 200, saved(employee(firstName="Jack"), "/rest/Employee(12)"))


def test_preview_of_an_array(admin: RestClient) -> None:
    john()
    items = [
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        {"__KEY": "12", "__STAMP": 3, "firstName": "Jack"},
    ]
    expected = [
        saved(employee(firstName="Jack"), "/rest/Employee(12)"),
        refused(2, *conflict(), entity=employee()),
    ]
    assert_answer(refresh(admin, "Employee", items), 500, {"__ENTITIES": expected})


def test_preview_of_what_is_invalid(admin: RestClient) -> None:
    john()
    answer = refresh(admin, "Employee", {"__KEY": "12", "__STAMP": 4, "firstName": ""})
    assert told(answer) == (500, [1569, 1570, 1517])
    assert json.loads(answer.content)["__ERROR"][-1] == error(*NOT_SAVED)


@pytest.mark.parametrize("value", ["false", "0", "False", "'FALSE'"])
def test_refresh_must_be_true(admin: RestClient, value: str) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    assert told(admin.update("Employee", posted, f"$method=update&$refresh={value}")) == (200, [])
    assert Employee.objects.get().first_name == "Jack"


def test_nobody_is_told(admin: RestClient, django_capture_on_commit_callbacks: Any) -> None:
    told_of: list[Any] = []

    def note(**kwargs: Any) -> None:
        told_of.append(kwargs)

    for signal in (signals.entity_saved, signals.blob_attached):
        signal.connect(note)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            for params in (VALIDATE, REFRESH):
                assert told(admin.update("Keeper", {"name": "Ann"}, params)) == (200, [])
    finally:
        for signal in (signals.entity_saved, signals.blob_attached):
            assert signal.disconnect(note)
    assert (told_of, Keeper.objects.count()) == ([], 0)


def test_a_save_method_of_the_site_is_not_called(admin: RestClient) -> None:
    """``Broken.save`` raises."""
    assert_answer(validate(admin, "Broken", {"name": "x"}), 200, {"ok": True})
    assert told(refresh(admin, "Broken", {"name": "x"})) == (200, [])


def test_a_computed_value_follows(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    def full_name(self: Any) -> str:
        return f"{self.first_name} {self.last_name}"

    monkeypatch.setattr(Employee, "full_name", property(full_name), raising=False)
    registered(
        Employee, fields=["id", "first_name", "last_name"], naming="camelCase", computed=["full_name"]
    )
    john()
    shown = json.loads(
        refresh(admin, "Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}).content
    )
    assert shown["fullName"] == "Jack Smith"


def test_a_setter_is_judged_like_in_an_update(
    admin: RestClient, registered: Any, monkeypatch: Any
) -> None:
    def get(self: Any) -> str:
        return str(self.first_name)

    def put(self: Any, value: str) -> None:
        if value == "nobody":
            raise ValidationError("Who is that?")
        self.first_name = value

    monkeypatch.setattr(Employee, "call_name", property(get, put), raising=False)
    registered(Employee, fields=["id", "last_name"], naming="camelCase", computed=["call_name"])
    john()
    for value in ("x" * 61, "nobody"):
        posted = {"__KEY": "12", "__STAMP": 4, "callName": value}
        (entity,) = json.loads(validate(admin, "Employee", posted).content)["__ENTITIES"]
        with nothing_changes():
            done = admin.update("Employee", posted)
        assert told(done) == (500, [1569, 1570, 1517])
        assert entity == json.loads(done.content)
