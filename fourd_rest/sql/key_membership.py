"""«The key is one of these» as SQL, for as many keys as a selection may have (D-17, D-20).

Keys are compared exactly on every database, and they travel in one parameter where that matters: SQLite
and PostgreSQL limit how many parameters a statement has. ``Stored`` knows how the column of a key
holds it, ``unnested`` turns a JSON array of stored keys into rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup
from django.db.models.sql.compiler import SQLCompiler

from fourd_rest.dataclass.custom import is_custom
from fourd_rest.dataclass.options import KEY_LENGTH
from fourd_rest.dataclass.values import INTEGER_RANGES, value_type

Compiled = tuple[str, tuple[Any, ...]]

# Up to here MariaDB takes keys one by one, which its optimizer knows best.
_FEW = 500
_LEAST, _GREATEST = INTEGER_RANGES["long64"]


@dataclass(frozen=True, slots=True)
class Stored:
    """How the column of ``field``, the one that finally holds the key, stores keys.

    ``pack`` gives what JSON holds for a Python key (numbers as numbers, texts as texts, UUIDs as 32
    lower-case hex digits), ``unpack_all`` the way back.
    """

    field: models.Field[Any, Any]
    kind: str  # "number", "uuid" or "text"

    @classmethod
    def of(cls, field: Any) -> Stored:
        while field.remote_field is not None:
            field = field.target_field
        name = value_type(field).name
        if name in INTEGER_RANGES:
            return cls(field, "number")
        return cls(field, "uuid" if name == "uuid" else "text")

    def pack(self, key: Any) -> int | str:
        if self.kind == "number":
            return int(self.field.get_prep_value(key))
        if self.kind == "uuid":
            return str(value_type(self.field).plain(key).hex)
        return str(self.field.get_prep_value(key))

    def pack_all(self, keys: Iterable[Any]) -> list[int | str]:
        if self.kind == "number":
            return [key if type(key) is int else self.pack(key) for key in keys]
        return [self.pack(key) for key in keys]

    def unpack_all(self, stored: list[Any]) -> list[Any]:
        if self.kind == "number" and not is_custom(self.field):
            return stored
        return [self.field.to_python(key) for key in stored]

    def is_native_uuid(self, connection: BaseDatabaseWrapper) -> bool:
        return self.kind == "uuid" and self.field.db_type(connection) == "uuid"

    def postgresql_type(self, connection: BaseDatabaseWrapper) -> str:
        """What a stored key is cast to: never to a limited length, which would cut it."""
        if self.kind == "number":
            return "bigint"
        column = self.field.db_type(connection) or "text"
        return "text" if column.startswith(("varchar", "char", "text")) else column

    def mariadb_type(self) -> str:
        if self.kind == "number":
            return "BIGINT"
        if self.kind == "uuid":
            return "CHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
        # Collations that pad or fold take different texts for equal. No longer than need be: MariaDB
        # keeps a temporary table of long keys on the disk. It cuts what is longer off: by one more
        # character than the column holds, what is left of it is nobody's key.
        length = (self.field.max_length or KEY_LENGTH) + 1
        return f"VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


def exact(sql: str, stored: Stored, connection: BaseDatabaseWrapper) -> str:
    """The column ``sql`` so that it compares exactly with what ``unnested`` yields."""
    if connection.vendor != "mysql" or stored.kind == "number" or stored.is_native_uuid(connection):
        return sql
    return f"CONVERT({sql} USING utf8mb4) COLLATE utf8mb4_nopad_bin"


def unnested(array: str, stored: Stored, connection: BaseDatabaseWrapper) -> tuple[str, str]:
    """A column, and the table it is in, of the stored keys in the JSON array ``array``, an SQL text."""
    if connection.vendor == "postgresql":
        kind = stored.postgresql_type(connection)
        return f"member.value::{kind}", f"json_array_elements_text({array}::json) AS member(value)"
    if connection.vendor == "mysql":
        table = f"JSON_TABLE({array}, '$[*]' COLUMNS (value {stored.mariadb_type()} PATH '$')) AS member"
        native = stored.is_native_uuid(connection)
        return "CAST(member.value AS UUID)" if native else "member.value", table
    return "member.value", f"json_each({array}) AS member"


class Membership(Lookup):
    """A condition for ``filter`` and ``Q`` on the key that ``path`` leads to (``pk``, ``books__pk``).

    A lookup, because Django has MariaDB compare any other expression with ``True``, without an index.
    """

    prepare_rhs = False

    def __init__(self, path: str | F, wanted: Any) -> None:
        super().__init__(F(path) if isinstance(path, str) else path, wanted)

    @property
    def stored(self) -> Stored:
        return Stored.of(self.lhs.output_field)


class KeyIn(Membership):
    """«The key is one of these»; use ``key_in``."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        stored = self.stored
        keys = stored.pack_all(self.rhs)
        if stored.kind == "number":
            # No column holds them, and databases refuse to look.
            keys = [key for key in keys if _LEAST <= int(key) <= _GREATEST]
        if not keys:
            raise EmptyResultSet
        sql, params = compiler.compile(self.lhs)
        if connection.vendor == "postgresql":
            kind = stored.postgresql_type(connection)
            return f"{sql} = ANY(%s::{kind}[])", (*params, keys)
        if connection.vendor == "mysql" and (len(keys) <= _FEW or stored.kind == "text"):
            return self._one_by_one(sql, tuple(params), keys, connection)
        column, table = unnested("%s", stored, connection)
        sql = exact(sql, stored, connection)
        condition = f"{sql} IN (SELECT {column} FROM {table})"  # noqa: S608  (the column's name)
        return condition, (*params, orjson.dumps(keys).decode())

    def _one_by_one(
        self, sql: str, params: tuple[Any, ...], keys: list[int | str], connection: BaseDatabaseWrapper
    ) -> Compiled:
        """On MariaDB, where texts of a table have no index but under the column's own collation.

        That one finds too many; the exact comparison leaves the right ones.
        """
        values = f"({', '.join(['%s'] * len(keys))})"
        exactly = exact(sql, self.stored, connection)
        if exactly == sql:
            return f"{sql} IN {values}", (*params, *keys)
        return f"({sql} IN {values} AND {exactly} IN {values})", (*params, *keys, *params, *keys)


def key_in(keys: Iterable[Any], path: str = "pk") -> KeyIn:
    """A condition for ``filter`` or ``Q``: the key that ``path`` leads to is one of ``keys``.

    ``keys`` are Python keys (int, str, UUID), any number of them, in any order; without any, nothing is
    found. The statement has one parameter on SQLite and PostgreSQL, whatever the number.
    """
    return KeyIn(path, tuple(keys))
