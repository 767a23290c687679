"""What every row passes before it is written (``write/gate.py``): one rule reaches all requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.db.models import QuerySet

from fourd_rest import DataClass
from fourd_rest.errors import NOT_SUPPORTED
from fourd_rest.models import UploadedBlob
from fourd_rest.read import reader
from fourd_rest.write import gate
from fourd_rest.write.refusal import Refusal
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient
from tests.contract.checks import codes, nothing_changes
from tests.contract.sample import acme, change, john, three
from tests.zoo.models import Country

pytestmark = pytest.mark.django_db

LOCKED, NOT_SAVED, NEW_NOT_SAVED, RELATED, NOT_DELETED = 9014, 1517, 1534, 1537, 1518
JACK = {"__KEY": 12, "__STAMP": 4, "firstName": "Jack"}
NEW = {"firstName": "A", "lastName": "B"}
ALL = [change(1), change(2), change(3), change(12, stamp=4)]
RAW = {"content_type": "application/octet-stream"}

# What is asked for, with which body; the codes of every entity that is refused; the rows that are asked.
WRITES: dict[str, tuple[str, str, Any, list[list[int]], list[tuple[str, Any, str]]]] = {
    "update": (
        "POST",
        "Employee?$method=update",
        JACK,
        [[LOCKED, NOT_SAVED]],
        [("Employee", 12, "CHANGE")],
    ),
    "creation": (
        "POST",
        "Employee?$method=update",
        NEW,
        [[LOCKED, NEW_NOT_SAVED]],
        [("Employee", None, "ADD")],
    ),
    "nested": (
        "POST",
        "Employee?$method=update",
        {"__KEY": 12, "__STAMP": 4, "employer": {"__KEY": 1, "__STAMP": 1, "name": "Bolt"}},
        [[LOCKED, NOT_SAVED, RELATED, NOT_SAVED]],
        [("Company", 1, "CHANGE")],
    ),
    "nested creation": (
        "POST",
        "Employee?$method=update",
        {"__KEY": 12, "__STAMP": 4, "employer": {"name": "Bolt"}},
        [[LOCKED, NEW_NOT_SAVED, RELATED, NOT_SAVED]],
        [("Company", None, "ADD")],
    ),
    "plain list": (
        "POST",
        "Employee?$method=update",
        ALL,
        [[LOCKED, NOT_SAVED]] * 4,
        # Together, then each by itself.
        [("Employee", key, "CHANGE") for key in (1, 2, 3, 12)] * 2,
    ),
    "atomic": (
        "POST",
        "Employee?$method=update&$atomic=true",
        ALL,
        [[LOCKED, NOT_SAVED], [], [], []],
        [("Employee", 1, "CHANGE")],
    ),
    "emptied in JSON": (
        "POST",
        "Employee?$method=update",
        {"__KEY": 12, "__STAMP": 4, "cv": None},
        [[LOCKED, NOT_SAVED]],
        [("Employee", 12, "CHANGE")],
    ),
    "validate": (
        "POST",
        "Employee?$method=validate",
        [JACK, NEW],
        [[LOCKED, NOT_SAVED], [LOCKED, NEW_NOT_SAVED]],
        [("Employee", 12, "CHANGE"), ("Employee", None, "ADD")],
    ),
    "preview": (
        "POST",
        "Employee?$method=update&$refresh=true",
        JACK,
        [[LOCKED, NOT_SAVED]],
        [("Employee", 12, "CHANGE")],
    ),
    "file": (
        "PUT",
        "Employee(12)/cv",
        PDF,
        [[LOCKED]],
        [("Employee", 12, "CHANGE")],
    ),
    "emptied": (
        "DELETE",
        "Employee(12)/cv",
        b"",
        [[LOCKED]],
        [("Employee", 12, "CHANGE")],
    ),
    "delete": (
        "DELETE",
        "Employee(12)",
        None,
        [[LOCKED, NOT_DELETED]],
        [("Employee", 12, "DELETE")],
    ),
    "delete of several": (
        "DELETE",
        "Employee(1,12)",
        None,
        [[LOCKED, NOT_DELETED, NOT_DELETED]],
        [("Employee", 1, "DELETE"), ("Employee", 12, "DELETE")],
    ),
    "delete of a selection": (
        "POST",
        "Employee?$method=delete&$filter=ID = 12",
        None,
        [[LOCKED, NOT_DELETED]],
        [("Employee", 12, "DELETE")],
    ),
    "atomic delete": (
        "DELETE",
        "Employee(1,12)?$atomic=true",
        None,
        [[LOCKED, NOT_DELETED]],
        [("Employee", 1, "DELETE")],
    ),
}


@pytest.fixture
def asked(monkeypatch: Any) -> list[tuple[str, Any, str]]:
    """A rule that refuses every row, as that of a lock would, and notes of which it was asked."""
    seen: list[tuple[str, Any, str]] = []

    def refuse(caller: Any, dataclass: Any, instance: models.Model, action: Any, alias: str) -> None:
        seen.append((dataclass.name, instance.pk, action.name))
        raise Refusal(NOT_SUPPORTED(feature="A locked entity"))

    monkeypatch.setattr(gate, "RULES", (*gate.RULES, refuse))
    return seen


@pytest.fixture
def staff() -> None:
    acme()
    three()
    man = john(employer_id=1)
    man.cv.save("old.pdf", ContentFile(b"%PDF-old"), save=False)
    Employee.objects.filter(pk=12).update(cv=man.cv.name)
    Employee.objects.filter(pk=12).update(stamp=4)


@pytest.mark.parametrize("kind", WRITES)
def test_every_write_passes_the_gate(admin: RestClient, staff: None, asked: Any, kind: str) -> None:
    verb, path, body, refused, passed = WRITES[kind]
    with nothing_changes():
        answer = admin.rest(verb, path, body, **(RAW if isinstance(body, bytes) else {}))
    told = answer.json()
    entities = told.get("__ENTITIES", [told])
    assert [codes(entity) if "__ERROR" in entity else [] for entity in entities] == refused
    assert asked == passed


@pytest.mark.parametrize("kind", WRITES)
def test_what_passes_is_written(admin: RestClient, staff: None, kind: str) -> None:
    """The requests above are refused for nothing else."""
    verb, path, body, _, _ = WRITES[kind]
    answer = admin.rest(verb, path, body, **(RAW if isinstance(body, bytes) else {}))
    assert answer.status_code == 200


def test_no_byte_is_read_for_a_refused_file(admin: RestClient, staff: None, asked: Any) -> None:
    admin.rest("PUT", "Employee(12)/cv", PDF, **RAW)
    assert not UploadedBlob.objects.exists()


def test_a_copy_of_a_refused_entity_is_removed(admin: RestClient, staff: None, asked: Any) -> None:
    wire_id = admin.upload(PDF).json()["ID"]
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "cv": {"ID": wire_id}})
    assert codes(answer.json()) == [LOCKED, NOT_SAVED]


@pytest.mark.parametrize("kind", ["update", "plain list", "atomic", "emptied"])
def test_rows_are_locked(admin: RestClient, staff: None, monkeypatch: Any, kind: str) -> None:
    """Where the database can; SQLite is only asked to."""
    locked = []
    select_for_update = QuerySet.select_for_update

    def note(queryset: Any, **options: Any) -> Any:
        locked.append(queryset.model)
        return select_for_update(queryset, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", note)
    reader._locking.cache_clear()  # it keeps its SQL
    verb, path, body, _, _ = WRITES[kind]
    assert admin.rest(verb, path, body, **(RAW if isinstance(body, bytes) else {})).status_code == 200
    assert locked == [Employee]


def test_the_right_to_add_is_asked_once(admin: RestClient, registered: Any) -> None:
    asked = []

    class Asking(DataClass):
        def has_add_permission(self, request: Any) -> bool:
            asked.append(request)
            return True

    registered(Country, dataclass=Asking)
    assert admin.update("Country", {"code": "FR", "name": "France"}).status_code == 200
    assert len(asked) == 1


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_rows_are_taken_in_the_order_of_their_keys(
    admin: RestClient, monkeypatch: Any, params: str
) -> None:
    """New ones last: requests that take the same rows cannot wait for each other in a circle."""
    three()
    seen = []

    def note(caller: Any, dataclass: Any, instance: models.Model, action: Any, alias: str) -> None:
        seen.append(instance.pk)

    monkeypatch.setattr(gate, "RULES", (*gate.RULES, note))
    answer = admin.update("Employee", [change(3), NEW, change(1), change(2)], params)
    assert seen == [1, 2, 3, None]
    saved = [entity.get("ID") for entity in answer.json()["__ENTITIES"]]
    assert (saved[0], *saved[2:]) == (3, 1, 2)
