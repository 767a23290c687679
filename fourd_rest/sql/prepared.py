"""Reads of entities of a dataclass by SQL that is compiled once.

Django takes 100 to 400 µs to compile a statement: half of the time of reading an entity, and several
times what SQLite takes to answer. The statements here differ only in their keys or bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, Lookup, Model, QuerySet
from django.db.models.sql import Query

from fourd_rest.dataclass import DataClass

from .key_membership import KeyIn, key_in
from .row_order import default_order

Row = tuple[Any, ...]


def count(model: type[Model], alias: str) -> int:
    """The number of all rows of ``model`` on the database ``alias``. One statement."""
    connection = connections[alias]
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608  (the table's name)
        found: int = cursor.fetchone()[0]
    return found


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL, its parameters, and the converters of its columns: Django's, by position in the row.

    Converters ask no database, so that those of one thread's connection serve all.
    """

    query: Query
    sql: str
    params: tuple[Any, ...]
    converters: dict[int, Any]


class Prepared:
    """Reads of ``rows``, a ``values_list`` of all entities in no order, without aggregates.

    Only where ``rows`` and their columns are the same for every request: not where
    ``DataClass.restricts_rows``, and not with SQL of the site among the columns.
    """

    def __init__(self, dataclass: DataClass, rows: QuerySet[Any, Row]) -> None:
        self.dataclass = dataclass
        self.rows = rows
        key = dataclass.model._meta.pk
        self._key: Any = key.get_col(dataclass.model._meta.db_table)
        self._exact: type[Lookup[Any]] | None = key.get_lookup("exact")
        self._is_own = key.remote_field is None  # a parent's key joins
        self._statements: dict[tuple[str, type[Lookup[Any]] | None], _Statement] = {}

    def get(self, key: Any, alias: str) -> Row | None:
        """The row of ``key`` on the database ``alias``, None if there is none."""
        is_text = self.dataclass.key_type.name == "string"
        if not self._is_own or self._exact is None or (is_text and _is_mariadb(alias)):
            return self.dataclass.with_key(self.rows.using(alias), key).first()
        rows = self._of_keys(self._exact, key, alias)
        return rows[0] if rows else None

    def get_many(self, keys: Iterable[Any], alias: str) -> list[Row]:
        """The rows of ``keys`` on the database ``alias``, in no order."""
        if not self._is_own or _is_mariadb(alias):
            return list(self.rows.using(alias).filter(key_in(keys)))
        return self._of_keys(KeyIn, tuple(keys), alias)

    def page(self, bounds: slice, alias: str) -> list[Row]:
        """The rows at ``bounds`` in the dataclass' own order on the database ``alias``."""
        statement = self._statements.get((alias, None))
        if statement is None:
            rows = self.rows.using(alias).order_by(*default_order(self.dataclass))
            statement = self._statements[alias, None] = _put_together(rows)
        end = connections[alias].ops.limit_offset_sql(bounds.start, bounds.stop)
        return _fetched(statement, f"{statement.sql} {end}", statement.params, alias)

    def _of_keys(self, kind: type[Lookup[Any]], wanted: Any, alias: str) -> list[Row]:
        try:
            statement = self._statements.get((alias, kind))
            if statement is None:
                statement = _put_together(self.rows.using(alias).filter(kind(F("pk"), wanted)))
                self._statements[alias, kind] = statement
            compiler = statement.query.get_compiler(using=alias)
            # Raises for a number beyond what the column holds: no row has it.
            _, params = kind(self._key, wanted).as_sql(compiler, connections[alias])
        except EmptyResultSet:
            return []
        # The condition ends the statement, and has one parameter.
        return _fetched(statement, statement.sql, (*statement.params[:-1], *params), alias)


def _put_together(rows: QuerySet[Any, Row]) -> _Statement:
    compiler = rows.query.get_compiler(using=rows.db)
    sql, params = compiler.as_sql()
    selected = [column for column, *_ in compiler.select[: compiler.col_count]]
    return _Statement(rows.query, sql, tuple(params), compiler.get_converters(selected))


def _fetched(statement: _Statement, sql: str, params: Sequence[Any], alias: str) -> list[Row]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    compiler = statement.query.get_compiler(using=alias)
    return list(map(tuple, compiler.apply_converters(rows, statement.converters)))


def _is_mariadb(alias: str) -> bool:
    """MariaDB: a condition has as many parameters as keys there, and a text is compared twice."""
    return connections[alias].vendor == "mysql"
