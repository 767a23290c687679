"""What a database means when it refuses a row. Its own words never reach a client."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, DataError, OperationalError

_POSTGRESQL_UNIQUE = "23505"
_MARIADB_UNIQUE = 1062
# A value that the column's type does not take (a UUID of no known variant, a character that the column's
# character set lacks). To the drivers that is an error of the server.
_MARIADB_VALUES = frozenset({1292, 1366})
_SQLITE_KEY = sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
_SQLITE_UNIQUE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, _SQLITE_KEY})


def is_duplicate(error: DatabaseError) -> bool:
    """Whether a unique value or a primary key is taken."""
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) == _POSTGRESQL_UNIQUE
        or getattr(cause, "sqlite_errorcode", None) in _SQLITE_UNIQUE
        or bool(error.args and error.args[0] == _MARIADB_UNIQUE)
    )


def is_duplicate_key(error: DatabaseError) -> bool:
    """Whether of all unique values it is the primary key that is taken."""
    cause = error.__cause__
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
    return is_duplicate(error) and (
        getattr(cause, "sqlite_errorcode", None) == _SQLITE_KEY
        or constraint.endswith("_pkey")
        or "PRIMARY'" in str(error.args[-1])
    )


@contextmanager
def values_judged() -> Iterator[None]:
    """Raises ``DataError``, as other databases do, where MariaDB refuses a value."""
    try:
        yield
    except OperationalError as error:
        if error.args and error.args[0] in _MARIADB_VALUES:
            raise DataError(*error.args) from error
        raise
