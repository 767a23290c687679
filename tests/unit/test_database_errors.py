"""What an error of a database means, by the codes and texts of each: no database is asked."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError

from fourd_rest.errors import DATABASE_BUSY, TAKES_TOO_LONG, RestError
from fourd_rest.sql import database_errors, transactions


class Cause(Exception):
    """The error of a driver, with what the driver tells."""

    def __init__(self, **told: Any) -> None:
        super().__init__()
        self.__dict__.update(told)


def caused(kind: type[Exception], *args: Any, **told: Any) -> Any:
    error = kind(*args)
    error.__cause__ = Cause(**told)
    return error


SQLITE_KEY = {"sqlite_errorcode": sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
SQLITE_UNIQUE = {"sqlite_errorcode": sqlite3.SQLITE_CONSTRAINT_UNIQUE}


def postgresql(constraint: str | None, table: str) -> dict[str, Any]:
    return {"sqlstate": "23505", "diag": SimpleNamespace(constraint_name=constraint, table_name=table)}


@pytest.mark.parametrize(
    ("error", "is_key"),
    [
        (caused(IntegrityError, "UNIQUE constraint failed: t.id", **SQLITE_KEY), True),
        (caused(IntegrityError, "UNIQUE constraint failed: other.id", **SQLITE_KEY), False),
        (caused(IntegrityError, "UNIQUE constraint failed: t.name", **SQLITE_UNIQUE), False),
        (caused(IntegrityError, "duplicate key", **postgresql("t_pkey", "t")), True),
        (caused(IntegrityError, "duplicate key", **postgresql("other_pkey", "other")), False),
        (caused(IntegrityError, "duplicate key", **postgresql("t_name_key", "t")), False),
        (caused(IntegrityError, "duplicate key", **postgresql(None, "t")), False),
        (IntegrityError(1062, "Duplicate entry '1' for key 'PRIMARY'"), True),
        (IntegrityError(1062, "Duplicate entry '1' for key 't.PRIMARY'"), True),
        (IntegrityError(1062, "Duplicate entry '1' for key 't.name'"), False),
    ],
)
def test_duplicates(error: IntegrityError, is_key: bool) -> None:
    assert database_errors.is_duplicate(error)
    assert database_errors.is_duplicate_key(error, "t") == is_key


@pytest.mark.parametrize(
    "error",
    [
        caused(IntegrityError, "CHECK constraint failed", sqlite_errorcode=275),
        caused(IntegrityError, "violates foreign key constraint", sqlstate="23503"),
        IntegrityError(1452, "a foreign key constraint fails"),
        IntegrityError(),
    ],
)
def test_other_constraints(error: IntegrityError) -> None:
    assert not database_errors.is_duplicate(error)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(1292, "Incorrect uuid value"),
        OperationalError(1366, "Incorrect string value"),
        ProgrammingError("Error binding parameter 1: type 'Thing' is not supported"),
        ProgrammingError("cannot adapt type 'Thing'"),
    ],
)
def test_refused_values(error: Exception) -> None:
    with pytest.raises(DataError) as caught, database_errors.refused_values_as_data_errors():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(1213, "Deadlock found"),
        OperationalError(),
        ProgrammingError("no such table"),
        OverflowError("not raised by a cursor"),
        KeyError("no value"),
    ],
)
def test_errors_that_are_not_of_a_value(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, database_errors.refused_values_as_data_errors():
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (OperationalError("database is locked"), DATABASE_BUSY),
        (caused(OperationalError, "deadlock detected", sqlstate="40P01"), DATABASE_BUSY),
        (caused(OperationalError, "lock timeout", pgcode="55P03"), DATABASE_BUSY),
        (OperationalError(1205, "Lock wait timeout exceeded"), DATABASE_BUSY),
        (OperationalError(1213, "Deadlock found"), DATABASE_BUSY),
        (OperationalError("interrupted"), TAKES_TOO_LONG),
        (caused(OperationalError, "canceling statement", sqlstate="57014"), TAKES_TOO_LONG),
        (OperationalError(1969, "max_statement_time exceeded"), TAKES_TOO_LONG),
        (OperationalError("disk I/O error"), None),
        (OperationalError(), None),
        (ValueError("interrupted"), None),
    ],
)
def test_what_the_client_is_told(error: Exception, row: Any) -> None:
    told = transactions.given_up(error)
    assert (told and told.items[0].row) == row


@pytest.mark.django_db(transaction=True)
def test_what_takes_too_long_is_not_tried_again() -> None:
    tried: list[int] = []

    def action() -> None:
        tried.append(1)
        raise OperationalError("interrupted")

    with pytest.raises(RestError) as caught:
        transactions.with_retry("default", action)
    assert (caught.value.items[0].row, len(tried)) == (TAKES_TOO_LONG, 1)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("Expression tree is too large (maximum depth 1000)"), True),
        (caused(OperationalError, "stack depth limit exceeded", sqlstate="54001"), True),
        (OperationalError(1436, "Thread stack overrun"), True),
        (OperationalError("disk I/O error"), False),
        (OperationalError(), False),
    ],
)
def test_statements_that_are_too_large(error: OperationalError, expected: bool) -> None:
    assert database_errors.is_too_complex(error) is expected
