"""Errors of the site's own code while something is saved: whose fault they are, and who is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.signals import post_save, pre_save

from fourd_rest import DataClass
from fourd_rest.errors import STORAGE_FAILED, RestError
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, codes, errors, nothing_changes, refused
from tests.contract.sample import names, three
from tests.zoo.models import GRUMBLES, Grumpy, Keeper, Moody

pytestmark = pytest.mark.django_db

SECRET = b"secret of the site"
NOT_SAVED = (1517, 'The entity# 1 in the "Grumpy" dataclass cannot be saved')
NEW_NOT_SAVED = (1534, 'The new entity of the "Grumpy" dataclass cannot be saved')


@pytest.fixture(autouse=True)
def _grumpy(registered: Any) -> None:
    registered(Grumpy, computed=["mood"])
    registered(Moody)


@pytest.fixture
def bugs(caplog: Any) -> Iterator[list[logging.LogRecord]]:
    """What is reported as a bug, and mailed."""
    with caplog.at_level("INFO", "django.request"):
        yield Bugs(caplog)


class Bugs(list[logging.LogRecord]):
    def __init__(self, caplog: Any) -> None:
        self.caplog = caplog

    def __iter__(self) -> Iterator[logging.LogRecord]:
        return iter(
            [r for r in self.caplog.records if (r.name, r.levelname) == ("django.request", "ERROR")]
        )

    def __len__(self) -> int:
        return len(list(iter(self)))


def one(**values: Any) -> Grumpy:
    return Grumpy.objects.bulk_create([Grumpy(id=1, name="n", **values)])[0]


def unfit(attribute: str) -> tuple[int, str]:
    message = f'Wrong value type passed to the "{attribute}" attribute in the "Grumpy" dataclass'
    return (1508, message)


UNTOLD = [(1569, "Grumpy: its values cannot be taken"), (1570, "Entity fails validation")]
STAGES = ["to_python", "show", "set", "validate", "clean", "prepare", "store"]


# Values


@pytest.mark.parametrize("error", GRUMBLES)
@pytest.mark.parametrize("stage", [*STAGES, "pre_save"])
def test_field_that_cannot_take_a_value(admin: RestClient, bugs: Any, stage: str, error: str) -> None:
    one()
    value = f"{stage} {error}"
    with nothing_changes():
        new = admin.update("Grumpy", {"name": value})
        old = admin.update("Grumpy", {"__KEY": 1, "__STAMP": 1, "name": value, "note": "x"})
        atomic = admin.update("Grumpy", [{"__KEY": 1, "__STAMP": 1, "name": value}], "$atomic=true")
    assert_answer(new, 500, refused(4, unfit("name"), NEW_NOT_SAVED))
    document = old.json()
    assert (old.status_code, document["__STATUS"]["status"]) == (500, 4)
    assert document["__ERROR"] == errors(unfit("name"), NOT_SAVED)["__ERROR"]
    assert codes(atomic.json()["__ENTITIES"][0]) == [1508, 1517]
    assert SECRET not in new.content + old.content
    assert not bugs


@pytest.mark.parametrize("stage", STAGES)
def test_trials_tell_the_same(admin: RestClient, bugs: Any, stage: str) -> None:
    one()
    for posted in (
        {"name": f"{stage} ValueError"},
        {"__KEY": 1, "__STAMP": 1, "name": f"{stage} ValueError"},
    ):
        with nothing_changes():
            done = admin.update("Grumpy", posted)
            tried = admin.update("Grumpy", posted, "$method=validate")
            shown = admin.update("Grumpy", posted, "$refresh=true")
        assert (done.status_code, codes(done.json())[0]) == (500, 1508)
        assert (tried.status_code, tried.json()["__ENTITIES"]) == (500, [done.json()])
        assert (shown.status_code, shown.json()) == (500, done.json())
    assert not bugs


takes_no_object = pytest.mark.skipif(
    connection.vendor == "mysql", reason="PyMySQL takes an object's name for its value"
)


@takes_no_object
@pytest.mark.parametrize("value", ["object", "huge"])
def test_value_that_the_driver_cannot_take(admin: RestClient, bugs: Any, value: str) -> None:
    one()
    posted = {"__KEY": 1, "__STAMP": 1, "name": value}
    if connection.vendor != "sqlite" and value == "huge":
        pytest.skip("a number of any size is a text there")
    with nothing_changes():
        answer = admin.update("Grumpy", posted)
    assert (answer.status_code, codes(answer.json()), list(bugs)) == (500, [9016, 1046, 1517], [])


@pytest.mark.parametrize("error", GRUMBLES)
def test_setter_that_cannot_take_a_value(admin: RestClient, bugs: Any, error: str) -> None:
    one()
    value = f"setter {error}"
    with nothing_changes():
        new = admin.update("Grumpy", {"mood": value})
        posted = {"__KEY": 1, "__STAMP": 1, "mood": value}
        old = admin.update("Grumpy", posted)
        tried = admin.update("Grumpy", posted, "$method=validate")
    assert_answer(new, 500, refused(4, unfit("mood"), NEW_NOT_SAVED))
    assert codes(old.json()) == [1508, 1517]
    assert tried.json()["__ENTITIES"] == [old.json()]
    assert not bugs


@pytest.mark.parametrize("error", GRUMBLES)
def test_clean_that_cannot_take_a_value(admin: RestClient, bugs: Any, caplog: Any, error: str) -> None:
    """Whose value it is nobody can tell. The site's developer finds the error in the log."""
    one()
    value = f"model {error}"
    with nothing_changes():
        new = admin.update("Grumpy", {"note": value})
        posted = {"__KEY": 1, "__STAMP": 1, "note": value}
        old = admin.update("Grumpy", posted)
        tried = admin.update("Grumpy", posted, "$method=validate")
    assert_answer(new, 500, refused(7, *UNTOLD, NEW_NOT_SAVED))
    assert codes(old.json()) == [1569, 1570, 1517]
    assert tried.json()["__ENTITIES"] == [old.json()]
    assert not bugs
    logged = [record for record in caplog.records if record.levelname == "WARNING"]
    assert {record.exc_info[0] for record in logged} == {GRUMBLES[error]}


def test_attribute_that_is_not_exposed(admin: RestClient, registered: Any, bugs: Any) -> None:
    """Its name is not told."""
    registered(Grumpy, fields=["id", "note"])
    Grumpy.objects.bulk_create([Grumpy(id=1)])
    Grumpy.objects.filter(pk=1).update(note="store ValueError")

    def name_it(instance: Any, **kwargs: Any) -> None:
        instance.__dict__["name"] = "store ValueError"

    with connected(pre_save, name_it, Grumpy), nothing_changes():
        answer = admin.update("Grumpy", {"note": "y"})
    assert_answer(answer, 500, refused(7, *UNTOLD, NEW_NOT_SAVED))
    assert not bugs


@contextmanager
def connected(signal: Any, receiver: Any, sender: Any) -> Iterator[None]:
    signal.connect(receiver, sender=sender)
    try:
        yield
    finally:
        signal.disconnect(receiver, sender=sender)


# Saves


def test_package_that_refuses_in_its_own_words(admin: RestClient, bugs: Any) -> None:
    """As trees do that are asked to move a node below itself."""
    one()
    with nothing_changes():
        answer = admin.update("Grumpy", {"__KEY": 1, "__STAMP": 1, "note": "save InvalidMove"})
    assert (answer.status_code, codes(answer.json())) == (500, [1569, 1570, 1517])
    assert (answer.json()["__STATUS"]["status"], list(bugs)) == (7, [])


@pytest.mark.parametrize("error", sorted(GRUMBLES.keys() - {"InvalidMove"}))
@pytest.mark.parametrize("atomic", ["", "$atomic=true"])
def test_save_with_a_bug(admin: RestClient, bugs: Any, error: str, atomic: str) -> None:
    with nothing_changes():
        answer = admin.update("Grumpy", {"note": f"save {error}"}, atomic)
    assert (answer.status_code, codes(answer.json())) == (500, [9011])
    assert SECRET not in answer.content
    (record,) = bugs
    assert record.exc_info[0] is GRUMBLES[error]


@pytest.mark.parametrize("signal", [pre_save, post_save])
def test_receiver_with_a_bug(admin: RestClient, bugs: Any, signal: Any) -> None:
    def receive(instance: Any, **kwargs: Any) -> None:
        if instance.name == "b":
            raise ValueError("a secret of the site")

    with connected(signal, receive, Grumpy):
        answer = admin.update("Grumpy", [{"name": "a"}, {"name": "b"}, {"name": "c"}])
    first, second, third = answer.json()["__ENTITIES"]
    (record,) = bugs
    expected = (9011, f"Internal server error, reference {record.args[0]}")
    assert second == refused(4, expected, NEW_NOT_SAVED)
    assert (first["name"], third["name"], answer.status_code) == ("a", "c", 500)
    assert sorted(Grumpy.objects.values_list("name", flat=True)) == ["a", "c"]


def test_many_bugs_of_one_request_are_one_report(admin: RestClient, bugs: Any) -> None:
    items = [{"note": "save KeyError"}, {"note": "x"}, {"note": "save ValueError"}] * 4
    answer = admin.update("Grumpy", items)
    (record,) = bugs
    told = {
        entity["__ERROR"][0]["message"] for entity in answer.json()["__ENTITIES"] if "name" not in entity
    }
    assert told == {f"Internal server error, reference {record.args[0]}"}
    assert Grumpy.objects.count() == 4


# Arrays


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("model", [Grumpy, Moody])
def test_neighbours_of_a_value_that_is_not_taken(
    admin: RestClient, bugs: Any, stage: str, model: Any
) -> None:
    """Saved one by one, or all together."""
    model.objects.bulk_create(model(id=key, name="n") for key in range(1, 7))
    items = [{"__KEY": key, "__STAMP": 1, "name": "m"} for key in range(1, 7)]
    items[2]["name"] = f"{stage} ValueError"
    answer = admin.update(model.__name__, items)
    entities = answer.json()["__ENTITIES"]
    assert codes(entities.pop(2)) == [1508, 1517]
    assert [entity["name"] for entity in entities] == ["m"] * 5
    assert list(model.objects.order_by("pk").values_list("name", flat=True)) == list("mmnmmm")
    assert not bugs


@takes_no_object
@pytest.mark.parametrize("model", [Grumpy, Moody])
def test_neighbours_of_a_value_that_the_driver_cannot_take(
    admin: RestClient, bugs: Any, model: Any
) -> None:
    model.objects.bulk_create(model(id=key, name="n") for key in range(1, 7))
    items = [{"__KEY": key, "__STAMP": 1, "name": "m"} for key in range(1, 7)]
    items[2]["name"] = "object"
    entities = admin.update(model.__name__, items).json()["__ENTITIES"]
    assert codes(entities.pop(2)) == [9016, 1046, 1517]
    assert [entity["name"] for entity in entities] == ["m"] * 5
    assert not bugs


class Strict(DataClass):
    """Raises errors of the request from its hooks."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def save_model(self, request: Any, obj: Any, change: bool) -> None:
        super().save_model(request, obj, change)
        match obj.last_name:
            case "storage":
                raise RestError(STORAGE_FAILED())
            case "denied":
                raise RestError(STORAGE_FAILED(), status=401)
            case "missing":
                raise RestError(STORAGE_FAILED(), status=404)
            case "lost":
                raise InterfaceError("connection already closed")
            case "locked":
                raise OperationalError("database is locked")


@pytest.mark.parametrize(
    ("name", "status", "first"),
    [
        ("storage", 500, 9015),
        ("denied", 401, 9015),
        ("missing", 500, 9015),
        ("lost", 500, 9011),
        ("locked", 500, 9010),
    ],
)
def test_whatever_goes_wrong_with_one(
    admin: RestClient, registered: Any, name: str, status: int, first: int
) -> None:
    registered(Employee, Strict)
    three()
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "New"} for key in (1, 2, 3)]
    items[1]["lastName"] = name
    answer = admin.update("Employee", items)
    entities = answer.json()["__ENTITIES"]
    assert answer.status_code == status
    assert codes(entities[1]) == [first, 1517]
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "New", 2)]


def test_what_is_wrong_with_all_is_told_once(admin: RestClient, registered: Any) -> None:
    """Nothing is saved then, and a client may try again as the answer says."""
    registered(Employee, Strict)
    three()
    items = [{"__KEY": key, "__STAMP": 1, "lastName": "locked"} for key in (1, 2, 3)]
    with nothing_changes():
        answer = admin.update("Employee", items)
    assert_answer(answer, 503, errors((9010, "The database is busy")), {"Retry-After": "1"})


class OwnRows(DataClass):
    """Rights are held on single entities alone."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012
    own = frozenset({1, 3})

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is not None and obj.pk in self.own

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)


@pytest.mark.parametrize("params", ["", "$method=validate", "$refresh=true"])
def test_rights_on_single_entities(login: Any, registered: Any, params: str) -> None:
    registered(Employee, OwnRows)
    three()
    client = login("hr.view_company")
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "New"} for key in (1, 2, 3, 9)]
    items.append({"firstName": "Another"})
    answer = client.update("Employee", items, params)
    entities = answer.json()["__ENTITIES"]
    assert answer.status_code == 401
    assert [codes(entity) if "__ERROR" in entity else None for entity in entities] == [
        None,
        [1558, 1517],
        None,
        [1558, 1517],
        [1559, 1534],
    ]
    saved = ("F", 1) if params else ("New", 2)
    assert names() == [(1, *saved), (2, "F", 1), (3, *saved)]


def test_rights_on_single_entities_and_atomic(login: Any, registered: Any) -> None:
    registered(Employee, OwnRows)
    three()
    client = login("hr.view_company")
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "New"} for key in (1, 2)]
    with nothing_changes():
        answer = client.update("Employee", items, "$atomic=true")
    first, second = answer.json()["__ENTITIES"]
    assert (answer.status_code, "__ERROR" in first, codes(second)) == (401, False, [1558, 1517])


@pytest.mark.parametrize("params", ["", "$atomic=true", "$method=validate", "$refresh=true"])
def test_no_right_at_all(login: Any, params: str) -> None:
    """As an unknown dataclass, to the last byte."""
    three()
    client = login("hr.view_company")
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "New"} for key in (1, 2, "x")]
    items.append({"firstName": "New"})
    with nothing_changes():
        answer = client.update("Employee", items, params)
        unknown = client.update("Nothing", items, params)
    assert_answer(answer, 404, errors((1800, 'The "Employee" dataclass cannot be found')))
    assert answer.content.replace(b"Employee", b"Nothing") == unknown.content


def test_value_that_json_does_not_know(
    admin: RestClient, monkeypatch: Any, registered: Any, bugs: Any
) -> None:
    """It reads as null, deep within an object too, and what was saved is told."""

    def extra(self: Grumpy) -> dict:
        return {"deep": [object()]}

    monkeypatch.setattr(Grumpy, "extra", property(extra), raising=False)
    registered(Grumpy, computed=["extra"])
    answer = admin.update("Grumpy", [{"name": "a"}, {"name": "b"}])
    assert (answer.status_code, Grumpy.objects.count(), len(bugs)) == (200, 2, 0)
    assert ["extra" in entity for entity in answer.json()["__ENTITIES"]] == [False, False]


# After the commit


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", ["", "$atomic=true"])
@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize("error", [ZeroDivisionError, OperationalError("database is locked")])
def test_hook_that_fails_after_the_commit(bugs: Any, atomic: str, count: int, error: Any) -> None:
    """All is saved, once, and that is told."""
    client = RestClient()
    client.force_login(User.objects.create_superuser("root"))

    def hook() -> None:
        raise error

    def saved(**kwargs: Any) -> None:
        transaction.on_commit(hook)

    items = [{"name": str(number)} for number in range(count)]
    with connected(post_save, saved, Keeper):
        answer = client.update("Keeper", items, atomic)
    assert answer.status_code == 200
    assert [entity["name"] for entity in answer.json()["__ENTITIES"]] == list(map(str, range(count)))
    assert Keeper.objects.count() == count
    assert len(bugs) == 1


# Deletes


def grumpy_ones(*notes: str) -> None:
    Grumpy.objects.bulk_create(
        [Grumpy(id=number, name="n", note=note) for number, note in enumerate(notes, start=1)]
    )


def left() -> list[int]:
    return sorted(Grumpy.objects.values_list("pk", flat=True))


def not_deleted(key: int) -> tuple[int, str]:
    return (1518, f'The entity ({key}) in the "Grumpy" dataclass cannot be deleted')


IS_INVALID = (1570, "Entity fails validation")


@pytest.mark.parametrize("atomic", ["", "&$atomic=true"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [("ValidationError", "a secret of the site"), ("InvalidMove", "it cannot be deleted")],
)
def test_a_delete_that_is_refused(
    admin: RestClient, bugs: Any, atomic: str, error: str, reason: str
) -> None:
    """The words of a validation are for the client, those of other errors are not."""
    grumpy_ones(f"delete {error}")
    answer = admin.rest("POST", f"Grumpy(1)?$method=delete{atomic}")
    assert_answer(answer, 500, refused(7, (1569, f"Grumpy: {reason}"), IS_INVALID, not_deleted(1)))
    assert (list(bugs), left()) == ([], [1])


def test_several_of_which_one_is_refused(admin: RestClient, bugs: Any) -> None:
    grumpy_ones("", "delete ValidationError", "")
    answer = admin.rest("POST", "Grumpy?$method=delete", [1, 2, 3])
    reason = (1569, "Grumpy: a secret of the site")
    assert_answer(answer, 500, refused(7, reason, IS_INVALID, not_deleted(2)))
    assert (list(bugs), left()) == ([], [2])


@pytest.mark.parametrize("params", ["", "&$filter=id>0"])
def test_several_deletes_in_which_bugs_are_met(admin: RestClient, bugs: Any, params: str) -> None:
    """The others go; one mail, and its reference beside what stays."""
    grumpy_ones("", "delete KeyError", "", "delete ZeroDivisionError")
    answer = admin.rest("POST", f"Grumpy?$method=delete{params}", None if params else [1, 2, 3, 4])
    (bug,) = bugs
    broken = (9011, f"Internal server error, reference {bug.args[0]}")
    assert_answer(answer, 500, errors(broken, not_deleted(2), not_deleted(4)))
    assert left() == [2, 4]


def test_a_bug_in_an_atomic_delete_keeps_all(admin: RestClient, bugs: Any) -> None:
    grumpy_ones("", "delete KeyError")
    answer = admin.rest("POST", "Grumpy?$method=delete&$atomic=true", [1, 2])
    assert (answer.status_code, codes(answer.json())) == (500, [9011])
    assert (len(bugs), left()) == (1, [1, 2])


@pytest.mark.parametrize(
    ("said", "told", "headers"),
    [
        ("database is locked", (9010, "The database is busy"), {"Retry-After": "1"}),
        ("interrupted", (9026, "The request takes longer than is allowed"), {}),
    ],
)
def test_a_read_that_the_database_gives_up_is_no_bug(
    admin: RestClient, registered: Any, bugs: Any, said: str, told: Any, headers: Any
) -> None:
    class Busy(DataClass):
        def get_queryset(self, request: Any) -> Any:
            raise OperationalError(said)

    registered(Grumpy, Busy)
    assert_answer(admin.read("Grumpy"), 503, errors(told), headers)
    assert not bugs
