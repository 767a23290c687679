"""The SQL functions that SQLite gets from Python, on every connection.

They may take milliseconds for a long text, in which SQLite does not call its progress handler: so they
check the time themselves.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from . import digests, guards, text_folding

# Characters of long texts after which a function checks the time: some milliseconds. For short texts
# SQLite's own handler is enough, and a check would cost each of them half a microsecond.
_LOOKED_AFTER = 100_000
_LONG = 4_000


def install() -> None:
    """Add the functions to every connection to SQLite, also to those that are open already."""
    connection_created.connect(_add_functions, dispatch_uid="fourd_rest.sql.functions")
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _add_functions(connection=connection)


def _add_functions(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        raw: sqlite3.Connection = connection.connection
        look = _clock(connection)
        raw.create_function(text_folding.FUNCTION, 1, partial(_fold_value, look), deterministic=True)
        raw.create_function(digests.FUNCTION, 1, partial(_digest_value, look), deterministic=True)


def _clock(connection: BaseDatabaseWrapper) -> Callable[[int], None]:
    """A function to call with the length of a long text; it ends a statement that takes too long."""
    # SQLite keeps its functions from the garbage collector, and with them what they refer to.
    reference = weakref.ref(connection)
    left = _LOOKED_AFTER

    def look(length: int) -> None:
        nonlocal left
        left -= length
        if left < 0:
            left = _LOOKED_AFTER
            asking = reference()
            if asking is not None:  # pragma: no branch  (what is executed has its connection)
                guards.end_if_over(asking)

    return look


def _fold_value(look: Callable[[int], None], value: Any) -> Any:
    if type(value) is str:
        if len(value) > _LONG:
            look(len(value))
        # Called for every row that is compared; for ASCII this is what ``fold`` gives, only faster.
        if value.isascii():
            return value.lower()
    return text_folding.fold(value) if isinstance(value, str) else value


def _digest_value(look: Callable[[int], None], value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) > _LONG:
        look(len(value))
    return digests.digest(value)
