"""What a database means when it refuses a row. Its own words never reach a client."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, DataError, OperationalError, ProgrammingError

_POSTGRESQL_UNIQUE = "23505"
_MARIADB_UNIQUE = 1062
# A value that the column's type does not take (a UUID of no known variant, a character that the column's
# character set lacks). To the drivers that is an error of the server.
_MARIADB_VALUES = frozenset({1292, 1366})
# What drivers say of a value that they cannot hand over at all.
_UNBOUND = ("Error binding parameter", "cannot adapt type")
_CURSORS = "django.db.backends.utils"
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


def is_duplicate_key(error: DatabaseError, table: str) -> bool:
    """Whether of all unique values it is the primary key of ``table`` that is taken.

    A save may write rows of other tables as well: those of parents, and what receivers of signals save.
    """
    cause, text = error.__cause__, str(error.args[-1])
    if not is_duplicate(error):
        return False
    if getattr(cause, "sqlite_errorcode", None) == _SQLITE_KEY:
        return f": {table}." in text
    if told := getattr(cause, "diag", None):
        is_key = (told.constraint_name or "").endswith("_pkey")
        return bool(is_key and told.table_name == table)
    return f"'{table}.PRIMARY'" in text or "'PRIMARY'" in text  # MariaDB does not name the table


@contextmanager
def values_judged() -> Iterator[None]:
    """Raises ``DataError``, as other databases do, where MariaDB or a driver refuses a value."""
    try:
        yield
    except OperationalError as error:
        if error.args and error.args[0] in _MARIADB_VALUES:
            raise DataError(*error.args) from error
        raise
    except ProgrammingError as error:
        if any(words in str(error) for words in _UNBOUND):
            raise DataError(*error.args) from error
        raise
    except (ArithmeticError, TypeError, ValueError) as error:
        if _is_raised_by_driver(error):
            raise DataError(str(error)) from error
        raise


def _is_raised_by_driver(error: Exception) -> bool:
    """Whether a finished statement could not be handed over with its values (``OverflowError``)."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__") == _CURSORS for frame, _ in frames)
