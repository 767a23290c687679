"""The SQL functions that SQLite gets from Python, on every connection."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from . import digests, folding


def install() -> None:
    """Make them on every connection to SQLite, those that are open already included."""
    connection_created.connect(_add_functions, dispatch_uid="fourd_rest.query.functions")
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            _add_functions(connection=connection)


def _add_functions(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        raw: sqlite3.Connection = connection.connection
        raw.create_function(folding.FUNCTION, 1, _fold_value, deterministic=True)
        raw.create_function(digests.FUNCTION, 1, _digest_value, deterministic=True)


def _fold_value(value: Any) -> Any:
    # Called for every row that is looked at: most take this short cut to what ``fold`` says.
    if type(value) is str and value.isascii():
        return value.lower()
    return folding.fold(value) if isinstance(value, str) else value


def _digest_value(value: Any) -> str | None:
    return digests.digest(value) if isinstance(value, str) else None
