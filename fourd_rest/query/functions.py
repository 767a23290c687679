"""The SQL functions that SQLite gets from Python, on every connection.

A long text takes them milliseconds, and SQLite looks at the clock only now and then: they look as well.
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

from . import digests, folding, guards

# Characters after which a function looks at the clock: some milliseconds.
_LOOKED_AFTER = 100_000


def install() -> None:
    """Make them on every connection to SQLite, those that are open already included."""
    connection_created.connect(_add_functions, dispatch_uid="fourd_rest.query.functions")
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _add_functions(connection=connection)


def _add_functions(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        raw: sqlite3.Connection = connection.connection
        for name, function in ((folding.FUNCTION, _fold_value), (digests.FUNCTION, _digest_value)):
            raw.create_function(name, 1, _watched(connection, function), deterministic=True)


def _watched(connection: BaseDatabaseWrapper, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``function``, which ends the statement that calls it once that takes too long."""
    # SQLite keeps its functions from the garbage collector, and with them what they refer to.
    end_if_over = partial(_end_if_over, weakref.ref(connection))
    left = _LOOKED_AFTER

    def watched(value: Any) -> Any:
        nonlocal left
        if type(value) is str:
            left -= len(value)
            if left < 0:
                left = _LOOKED_AFTER
                end_if_over()
        return function(value)

    return watched


def _end_if_over(reference: weakref.ref[BaseDatabaseWrapper]) -> None:
    connection = reference()
    if connection is not None:
        guards.end_if_over(connection)


def _fold_value(value: Any) -> Any:
    # Called for every row that is looked at: most take this short cut to what ``fold`` says.
    if type(value) is str and value.isascii():
        return value.lower()
    return folding.fold(value) if isinstance(value, str) else value


def _digest_value(value: Any) -> str | None:
    return digests.digest(value) if isinstance(value, str) else None
