"""What the error of a database means. No other module knows the codes and texts of databases.

Those texts never reach a client. The limits of the settings refuse most statements that are too large,
but each database has limits of its own: levels of parentheses, tables in a join, parameters.
"""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, DataError, OperationalError, ProgrammingError

# A unique value exists already.
_POSTGRESQL_UNIQUE = "23505"
_MARIADB_UNIQUE = 1062
# A value that the column's type does not take (a UUID of no known variant, a character that the column's
# character set lacks). The drivers raise ``OperationalError`` for it.
_MARIADB_VALUES = frozenset({1292, 1366})
# What drivers say of a value that they cannot send.
_UNBOUND = ("Error binding parameter", "cannot adapt type")
_CURSORS = "django.db.backends.utils"
_SQLITE_KEY = sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
_SQLITE_UNIQUE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, _SQLITE_KEY})

# The statement may succeed if it is tried again.
_BUSY_STATES = {"40001", "40P01"}  # PostgreSQL: serialization, deadlock
_BUSY_NUMBERS = {1213}  # MariaDB: deadlock
# A lock was not free in time: waiting longer is of no use.
_WAITED_STATE, _WAITED_NUMBER = "55P03", 1205

# The statement took too long.
_CANCELLED = "57014"  # PostgreSQL
_EXCEEDED = {1969, 3024}  # MariaDB, MySQL

# The statement is too large.
_SQLITE_TOO_LARGE = (
    "parser stack overflow",
    "Expression tree is too large",
    "too many SQL variables",
    "too many columns",
    "too many terms in ORDER BY",
    "tables in a join",
    "string or blob too big",
    "LIKE or GLOB pattern too complex",
)
_POSTGRESQL_TOO_LARGE = "54"  # the class of «program limit exceeded», stack depth included
# MariaDB: memory to sort, tables in a join, columns, packet, prepared placeholders, thread stack,
# nesting of selects
_MARIADB_TOO_LARGE = {1038, 1116, 1117, 1153, 1390, 1436, 1473}


def is_duplicate(error: DatabaseError) -> bool:
    """Whether a unique value or a primary key exists already."""
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) == _POSTGRESQL_UNIQUE
        or getattr(cause, "sqlite_errorcode", None) in _SQLITE_UNIQUE
        or bool(error.args and error.args[0] == _MARIADB_UNIQUE)
    )


def is_duplicate_key(error: DatabaseError, table: str) -> bool:
    """Whether the value that exists already (``is_duplicate``) is the primary key of ``table``.

    A save may write rows of other tables as well: those of parents, and what receivers of signals save.
    """
    cause, text = error.__cause__, str(error.args[-1])
    if getattr(cause, "sqlite_errorcode", None) == _SQLITE_KEY:
        return f": {table}." in text
    if told := getattr(cause, "diag", None):
        is_key = (told.constraint_name or "").endswith("_pkey")
        return bool(is_key and told.table_name == table)
    return f"'{table}.PRIMARY'" in text or "'PRIMARY'" in text  # MariaDB does not name the table


@contextmanager
def refused_values_as_data_errors() -> Iterator[None]:
    """Raise ``DataError``, as other databases do, where MariaDB or a driver refuses a value."""
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


def is_busy(error: BaseException) -> bool:
    """Whether the statement may succeed if it is tried again."""
    if not isinstance(error, OperationalError):
        return False
    if has_waited(error) or sql_state(error) in _BUSY_STATES:
        return True
    return _number(error) in _BUSY_NUMBERS or "database is locked" in str(error)


def has_waited(error: BaseException) -> bool:
    """Whether a lock was waited for until the time-out."""
    return sql_state(error) == _WAITED_STATE or _number(error) == _WAITED_NUMBER


def _number(error: BaseException) -> Any:
    return error.args[0] if error.args else None


def is_overdue(error: BaseException) -> bool:
    """Whether the database has ended a statement because of its time."""
    if not isinstance(error, DatabaseError):
        return False
    return (
        sql_state(error) == _CANCELLED
        or (bool(error.args) and error.args[0] in _EXCEEDED)
        or str(error) == "interrupted"
    )


def sql_state(error: BaseException) -> str | None:
    """PostgreSQL's code of the error (SQLSTATE), by psycopg 3 or psycopg2; None elsewhere."""
    cause = error.__cause__
    state: str | None = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state


def is_too_complex(error: DatabaseError) -> bool:
    """Whether the database refuses a statement because of its size."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    number = error.args[0] if error.args else None
    text = str(error)
    return (
        state.startswith(_POSTGRESQL_TOO_LARGE)
        or number in _MARIADB_TOO_LARGE
        or any(words in text for words in _SQLITE_TOO_LARGE)
    )


def is_overflow(error: DatabaseError) -> bool:
    """Whether a sum is beyond what the database adds up in.

    SQLite adds whole numbers up in 64 bits, PostgreSQL floats within their range.
    """
    return "overflow" in str(error)
