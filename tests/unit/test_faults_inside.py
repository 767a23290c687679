"""Behind ``tests/spec/test_faults.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from fourd_rest.dataclass import values
from fourd_rest.read.reader import Rows
from fourd_rest.views import lifecycle
from fourd_rest.write import answers
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import codes
from tests.contract.sample import names, three, to_one
from tests.spec.test_faults import _grumpy, bugs
from tests.zoo.models import Grumpy

__all__ = ["_grumpy", "bugs"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("params", ["", "$method=validate", "$refresh=true"])
def test_a_database_that_is_busy_while_one_is_looked_up(
    admin: RestClient, monkeypatch: Any, bugs: Any, params: str
) -> None:
    """Before anything is written, too: no bug, and its neighbours have their answers."""
    three()
    original = Rows.find

    def find(self: Any, key: Any) -> Any:
        if key == 2:
            raise OperationalError("database is locked")
        return original(self, key)

    monkeypatch.setattr(Rows, "find", find)
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "New"} for key in (1, 2, 3)]
    answer = admin.update("Employee", items, params)
    entities = answer.json()["__ENTITIES"]
    assert (answer.status_code, codes(entities[1]), list(bugs)) == (500, [9010, 1517], [])
    assert ["__ERROR" in entity for entity in entities] == [False, True, False]
    saved = ("F", 1) if params else ("New", 2)
    assert names() == [(1, *saved), (2, "F", 1), (3, *saved)]


def test_entity_that_cannot_be_read_back(admin: RestClient, monkeypatch: Any, bugs: Any) -> None:
    """Nothing of that entity is saved, its neighbours are."""
    original = Rows.saved

    def saved(self: Any, key: Any) -> Any:
        if Grumpy.objects.filter(pk=key, name="b").exists():
            raise ZeroDivisionError
        return original(self, key)

    monkeypatch.setattr(Rows, "saved", saved)
    answer = admin.update("Grumpy", [{"name": "a"}, {"name": "b"}, {"name": "c"}])
    assert [codes(e) if "__ERROR" in e else e["name"] for e in answer.json()["__ENTITIES"]] == [
        "a",
        [9011, 1534],
        "c",
    ]
    assert (sorted(Grumpy.objects.values_list("name", flat=True)), len(bugs)) == (["a", "c"], 1)


def test_expanding_what_was_saved(admin: RestClient, monkeypatch: Any, bugs: Any) -> None:
    """Relations stay deferred; what was saved is told."""

    def entities(self: Any, *args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(answers.Nesting, "entities", entities)
    Company.objects.create(id=1, name="Acme")
    three()
    Employee.objects.update(employer=1)
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "New"} for key in (1, 2, 3)]
    answer = admin.update("Employee", items, "$expand=employer")
    entities_ = answer.json()["__ENTITIES"]
    assert [entity["employer"] for entity in entities_] == [to_one("Company", 1)] * 3
    assert (answer.status_code, len(bugs)) == (200, 1)
    assert names() == [(key, "New", 2) for key in (1, 2, 3)]


def test_an_answer_that_cannot_be_written(admin: RestClient, monkeypatch: Any, bugs: Any) -> None:
    """What was saved is told without its values."""
    failed: list[Any] = []

    def dumps(document: Any, **options: Any) -> bytes:
        if not failed:
            failed.append(document)
            raise TypeError("Type is not JSON serializable: object")
        return values.dumps(document, **options)

    monkeypatch.setattr(lifecycle, "dumps", dumps)
    answer = admin.update("Grumpy", [{"name": "a"}, {"name": "b"}])
    entities = answer.json()["__ENTITIES"]
    assert [list(entity) for entity in entities] == [
        ["__STATUS", "__KEY", "__STAMP", "uri", "__TIMESTAMP"]
    ] * 2
    assert (answer.status_code, Grumpy.objects.count(), len(bugs)) == (200, 2, 1)
