"""One UPDATE for many rows with values of their own.

``bulk_update`` writes a CASE with a WHEN for every row and column, which costs as much as single updates
do. A join with a list of VALUES is faster. MariaDB has none in an UPDATE and gets ``bulk_update``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

_ROWS = 500  # of one statement, where the database sets no limit


def update_rows(
    model: type[models.Model],
    instances: Sequence[models.Model],
    fields: Sequence[models.Field[Any, Any]],
    alias: str,
) -> None:
    """Write ``fields`` of ``instances``, whose rows are locked."""
    connection = connections[alias]
    if not _joins_values(connection):
        names = [field.name for field in fields]
        model._base_manager.using(alias).bulk_update(instances, names, batch_size=_ROWS)
        return
    columns = [model._meta.pk, *fields]
    limit = connection.features.max_query_params
    size = _ROWS if limit is None else min(_ROWS, limit // len(columns))
    for start in range(0, len(instances), size):
        _update(connection, model, instances[start : start + size], columns)


def _joins_values(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor == "sqlite":
        return sqlite3.sqlite_version_info >= (3, 33)
    return connection.vendor == "postgresql"


def _update(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    instances: Sequence[models.Model],
    columns: Sequence[models.Field[Any, Any]],
) -> None:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    names = [quote(f"column{number}") for number in range(1, len(columns) + 1)]
    changes = ", ".join(
        f"{quote(str(field.column))} = v.{name}"
        for field, name in zip(columns[1:], names[1:], strict=True)
    )
    row = "(" + ", ".join(["%s"] * len(columns)) + ")"
    rows = [row] * len(instances)
    if connection.vendor == "postgresql":
        rows.insert(0, _typed_nulls(connection, table, columns))
    values = f"(VALUES {', '.join(rows)}) AS v"
    if connection.vendor == "postgresql":
        values += f" ({', '.join(names)})"
    sql = (
        f"UPDATE {table} SET {changes} FROM {values} "  # noqa: S608  (names of models, quoted)
        f"WHERE {table}.{quote(str(columns[0].column))} = v.{names[0]}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, list(_params(connection, instances, columns)))


def _typed_nulls(
    connection: BaseDatabaseWrapper, table: str, columns: Sequence[models.Field[Any, Any]]
) -> str:
    """A row of nulls that gives PostgreSQL the types of all columns and matches no row.

    The values themselves are not cast: a cast to ``varchar(20)`` cuts a text, one to ``numeric(5, 2)``
    or ``timestamp(0)`` rounds, without an error. So each value is checked when it is assigned to its
    column, as in a single save.
    """
    quote = connection.ops.quote_name
    return "(" + ", ".join(f"(NULL::{table}).{quote(str(field.column))}" for field in columns) + ")"


def _params(
    connection: BaseDatabaseWrapper,
    instances: Sequence[models.Model],
    columns: Sequence[models.Field[Any, Any]],
) -> Iterator[Any]:
    for instance in instances:
        for field in columns:
            value = getattr(instance, field.attname)
            yield field.get_db_prep_save(value, connection=connection)
