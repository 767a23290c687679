"""Behind ``tests/spec/test_write_many.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from fourd_rest.errors import DATABASE_BUSY, STORAGE_FAILED, RestError
from fourd_rest.write import commit, gate, strategies
from tests.conftest import RestClient
from tests.contract.checks import (
    codes,
    error,
    nothing_changes,
)
from tests.contract.sample import (
    change,
    names,
    three,
)
from tests.zoo.models import (
    Keeper,
)

pytestmark = pytest.mark.django_db


def test_busy_database_amid_an_array(admin: RestClient, monkeypatch: Any) -> None:
    """What was saved before is told; each element that was not says why."""
    three()
    original, calls = commit.write_transaction, []

    def sometimes(alias: str) -> Any:
        calls.append(alias)
        if len(calls) > 1:
            raise OperationalError("database is locked")
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", sometimes)
    answer = admin.update("Employee", [change(1), change(2), change(3)])
    assert answer.status_code == 500
    entities = answer.json()["__ENTITIES"]
    assert entities[0]["__STATUS"] == {"success": True}
    assert [entity["__ERROR"][0] for entity in entities[1:]] == [error(9010, "The database is busy")] * 2
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "F", 1)]


def test_atomic_refused_by_the_database(admin: RestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(gate, "clean", lambda instance, changed, unknown: None)
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

    monkeypatch.setattr(strategies, "with_retry", refuse)
    with nothing_changes():
        answer = admin.update("Employee", [change(1), change(2)], "$atomic=true")
    assert answer.status_code == 500
    assert [codes(entity) for entity in answer.json()["__ENTITIES"]] == [[9016, 1046, 1517]] * 2


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_one_error_that_every_entity_meets(admin: RestClient, monkeypatch: Any, params: str) -> None:
    """Of the request as a whole it is if the client has asked for what cannot be; a fault is of each."""
    three()

    def fail(*args: Any, **options: Any) -> None:
        raise RestError(error())

    monkeypatch.setattr(strategies, "prepare", fail)
    error = STORAGE_FAILED
    answer = admin.update("Employee", [change(1), change(2)], params)
    assert [codes(entity) for entity in answer.json()["__ENTITIES"]] == [[9015, 1517]] * 2
    error = DATABASE_BUSY
    answer = admin.update("Employee", [change(1), change(2)], params)
    assert (answer.status_code, codes(answer.json())) == (503, [9010])
