"""Behind ``tests/spec/test_bad_input.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest.write import gate
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    errors,
    nothing_changes,
    refused,
)
from tests.contract.sample import inv003, john
from tests.spec.test_bad_input import new
from tests.zoo.models import Animal, Country, Keeper

pytestmark = pytest.mark.django_db


def test_announced_body_over_the_limit_is_not_stored(
    admin: RestClient, settings: Any, monkeypatch: Any
) -> None:
    """Refused by what it announces: no storage sees a byte of it."""
    settings.FOURD_REST = {"MAX_UPLOAD_SIZE": 10}
    stored = []
    monkeypatch.setattr("fourd_rest.uploads.blobs._store", stored.append)
    assert admin.upload(b"x" * 11).status_code == 413
    assert stored == []


def skip_validation(monkeypatch: Any) -> None:
    """Leave it to the database alone, as it is when two requests race."""
    monkeypatch.setattr(gate, "clean", lambda instance, changed, unknown: None)


@pytest.mark.parametrize("by_database", [False, True])
def test_duplicate_value_of_a_new_entity(admin: RestClient, monkeypatch: Any, by_database: bool) -> None:
    """D-33: one answer, however the duplicate is detected."""
    Keeper.objects.create(name="Ann")
    if by_database:
        skip_validation(monkeypatch)
    with nothing_changes():
        answer = admin.update("Keeper", {"name": "Ann"})
    failed = (1046, "Cannot save record 0 in table Keeper of database tests")
    assert_answer(answer, 500, refused(4, (1115, "Duplicated key"), failed, new("Keeper")))


@pytest.mark.parametrize("by_database", [False, True])
def test_duplicate_value_of_an_old_entity(
    admin: RestClient, monkeypatch: Any, by_database: bool
) -> None:
    Keeper.objects.bulk_create([Keeper(id=1, name="Ann"), Keeper(id=2, name="Bob")])
    if by_database:
        skip_validation(monkeypatch)
    with nothing_changes():
        answer = admin.update("Keeper", {"__KEY": "2", "__STAMP": 1, "name": "Ann"})
    failed = (1046, "Cannot save record 2 in table Keeper of database tests")
    last = (1517, 'The entity# 2 in the "Keeper" dataclass cannot be saved')
    stored = {
        "__KEY": "2",
        "__STAMP": 1,
        "__TIMESTAMP": "0000-00-00T00:00:00.000Z",
        "id": 2,
        "name": "Bob",
        "patients": {"__deferred": {"uri": "/rest/Keeper(2)/patients?$expand=patients"}},
        "animals": {"__deferred": {"uri": "/rest/Keeper(2)/animals?$expand=animals"}},
    }
    assert_answer(answer, 500, refused(4, (1115, "Duplicated key"), failed, last, entity=stored))


@pytest.mark.parametrize("by_database", [False, True])
def test_duplicate_of_two_values_together(
    admin: RestClient, monkeypatch: Any, by_database: bool
) -> None:
    Animal.objects.create(name="Leo", nick="the lion")
    if by_database:
        skip_validation(monkeypatch)
    with nothing_changes():
        answer = admin.update("Animal", {"name": "Leo", "nick": "the lion"})
    failed = (1046, "Cannot save record 0 in table Animal of database tests")
    assert_answer(answer, 500, refused(4, (1115, "Duplicated key"), failed, new("Animal")))


@pytest.mark.parametrize("by_database", [False, True])
@pytest.mark.parametrize("in_transaction", ["", "&$atomic=true"])
def test_duplicate_primary_key(
    admin: RestClient, monkeypatch: Any, by_database: bool, in_transaction: str
) -> None:
    Country.objects.create(code="FR", name="France")
    if by_database:
        skip_validation(monkeypatch)
    with nothing_changes():
        answer = admin.update(
            "Country", {"code": "FR", "name": "Again"}, f"$method=update{in_transaction}"
        )
    taken = (1545, 'Primary key FR already exists in the "Country" dataclass')
    failed = (1046, "Cannot save record 0 in table Country of database tests")
    assert_answer(answer, 500, refused(4, taken, failed, new("Country")))


@pytest.mark.parametrize("by_database", [False, True])
def test_duplicate_number_as_primary_key(admin: RestClient, monkeypatch: Any, by_database: bool) -> None:
    john()
    if by_database:
        skip_validation(monkeypatch)
    with nothing_changes():
        answer = admin.update("Employee", {"ID": 12, "firstName": "Jack", "lastName": "Jones"})
    taken = (1545, 'Primary key 12 already exists in the "Employee" dataclass')
    failed = (1046, "Cannot save record 0 in table Employee of database tests")
    assert_answer(answer, 500, refused(4, taken, failed, new("Employee")))


def test_null_refused_by_the_database_alone(admin: RestClient, monkeypatch: Any) -> None:
    inv003()
    skip_validation(monkeypatch)
    with nothing_changes():
        answer = admin.update("Invoices", {"__KEY": "3", "__STAMP": 1, "amount": None})
    assert answer.status_code == 500
    assert (
        answer.json()["__ERROR"]
        == errors(
            (9016, "A rule of the database refuses the entity"),
            (1046, "Cannot save record 3 in table Invoices of database tests"),
            (1517, 'The entity# 3 in the "Invoices" dataclass cannot be saved'),
        )["__ERROR"]
    )
