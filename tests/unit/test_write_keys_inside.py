"""Behind ``tests/spec/test_write_keys.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from fourd_rest.sql.database_errors import is_busy
from fourd_rest.sql.transactions import write_transaction
from fourd_rest.write import commit, deleting
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    errors,
    nothing_changes,
)
from tests.contract.sample import (
    john,
)

pytestmark = pytest.mark.django_db


def test_delete_in_a_busy_database(admin: RestClient, monkeypatch: Any) -> None:
    """Within a transaction of the site's own, as this test is, there is no second attempt."""
    calls = []

    def transaction(alias: str) -> Any:
        calls.append(alias)
        raise OperationalError("database is locked")

    monkeypatch.setattr(deleting, "write_transaction", transaction)
    john()
    with nothing_changes():
        answer = admin.rest("DELETE", "Employee(12)")
    assert_answer(answer, 503, errors((9010, "The database is busy")), {"Retry-After": "1"})
    assert calls == ["default"]


# A database that asks for patience


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failures", [1, 3, 4])
@pytest.mark.parametrize("verb", ["POST", "DELETE"])
def test_retries(admin: RestClient, monkeypatch: Any, failures: int, verb: str) -> None:
    """At most three more attempts, outside of any transaction; then 503."""
    john()
    calls = []

    def transaction(alias: str) -> Any:
        calls.append(alias)
        if len(calls) <= failures:
            raise OperationalError("database is locked")
        return write_transaction(alias)

    for module in (commit, deleting):
        monkeypatch.setattr(module, "write_transaction", transaction)
    if verb == "POST":
        answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "firstName": "Jack"})
    else:
        answer = admin.rest("DELETE", "Employee(12)")
    assert len(calls) == min(failures + 1, 4)
    assert answer.status_code == (503 if failures == 4 else 200)
    assert Employee.objects.filter(first_name="John").exists() == (failures == 4)


@pytest.mark.parametrize("verb", ["POST", "DELETE"])
def test_other_faults_of_the_database_are_bugs(admin: RestClient, monkeypatch: Any, verb: str) -> None:
    """«No such table» is nothing to wait for, and nothing to tell clients."""
    john()

    def transaction(alias: str) -> Any:
        raise OperationalError("no such table: secrets")

    for module in (commit, deleting):
        monkeypatch.setattr(module, "write_transaction", transaction)
    with nothing_changes():
        body = {"__KEY": 12, "__STAMP": 4, "firstName": "Jack"} if verb == "POST" else None
        answer = admin.rest(verb, "Employee" if body else "Employee(12)", body)
    assert (answer.status_code, codes(answer.json())) == (500, [9011])
    assert b"secrets" not in answer.content


@pytest.mark.parametrize(
    ("cause", "number", "busy"),
    [
        ("40001", None, True),
        ("40P01", None, True),
        ("55P03", None, True),
        ("57014", None, False),
        (None, 1205, True),
        (None, 1213, True),
        (None, 1146, False),
    ],
)
def test_what_databases_say_when_they_are_busy(cause: Any, number: Any, busy: bool) -> None:
    error = OperationalError(number or "some words", "more words")
    error.__cause__ = type("DriverError", (Exception,), {"sqlstate": cause})()
    assert is_busy(error) is busy
