"""«The key is one of these» as SQL, for any number of keys (D-17, D-20).

Keys are compared exactly on every database. SQLite and PostgreSQL limit how many parameters a statement
has, so there all keys are in one. ``Stored`` knows how the column of a key
holds it, ``unnested`` turns a JSON array of stored keys into rows.
"""

from __future__ import annotations

import enum
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


class KeyKind(enum.Enum):
    """How a key is stored: what JSON holds for it, and what columns compare."""

    NUMBER = "number"
    UUID = "uuid"
    TEXT = "text"


Compiled = tuple[str, tuple[Any, ...]]

# Up to this number MariaDB gets keys one by one: its optimizer is best at that.
_FEW = 500
_LEAST, _GREATEST = INTEGER_RANGES["long64"]


@dataclass(frozen=True, slots=True)
class Stored:
    """How the column of ``field`` stores keys; ``field`` is no relation.

    ``pack`` gives what JSON holds for a Python key (numbers as numbers, texts as texts, UUIDs as 32
    lower-case hex digits), ``unpack_all`` the way back.
    """

    field: models.Field[Any, Any]
    kind: KeyKind

    @classmethod
    def of(cls, field: Any) -> Stored:
        """How ``field`` stores keys; of a relation, the column that it points to in the end."""
        while field.remote_field is not None:
            field = field.target_field
        name = value_type(field).name
        if name in INTEGER_RANGES:
            return cls(field, KeyKind.NUMBER)
        return cls(field, KeyKind.UUID if name == "uuid" else KeyKind.TEXT)

    def pack(self, key: Any) -> int | str:
        """The stored form of one Python key. Raises what the field raises for a value that is no key."""
        if self.kind is KeyKind.NUMBER:
            return int(self.field.get_prep_value(key))
        if self.kind is KeyKind.UUID:
            return str(value_type(self.field).plain(key).hex)
        return str(self.field.get_prep_value(key))

    def pack_all(self, keys: Iterable[Any]) -> list[int | str]:
        """The stored forms of ``keys``, in their order."""
        if self.kind is KeyKind.NUMBER:
            return [key if type(key) is int else self.pack(key) for key in keys]
        return [self.pack(key) for key in keys]

    def unpack_all(self, stored: list[Any]) -> list[Any]:
        """The Python keys of what ``pack`` gave."""
        if self.kind is KeyKind.NUMBER and not is_custom(self.field):
            return stored
        return [self.field.to_python(key) for key in stored]

    def is_native_uuid(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether the column is of the type ``uuid`` of the database."""
        return self.kind is KeyKind.UUID and self.field.db_type(connection) == "uuid"

    def postgresql_type(self, connection: BaseDatabaseWrapper) -> str:
        """What a stored key is cast to: never to a limited length, which would cut it."""
        if self.kind is KeyKind.NUMBER:
            return "bigint"
        column = self.field.db_type(connection) or "text"
        return "text" if column.startswith(("varchar", "char", "text")) else column

    def mariadb_type(self) -> str:
        """The type of a stored key in ``JSON_TABLE``."""
        if self.kind is KeyKind.NUMBER:
            return "BIGINT"
        if self.kind is KeyKind.UUID:
            return "CHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
        # Collations that pad or fold would call different texts equal. As short as possible, because
        # MariaDB keeps a temporary table of long keys on the disk. It cuts longer keys off; one
        # character more than the column holds makes sure that what remains equals no key.
        length = (self.field.max_length or KEY_LENGTH) + 1
        return f"VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


def exact(sql: str, stored: Stored, connection: BaseDatabaseWrapper) -> str:
    """The column ``sql`` so that it compares exactly with what ``unnested`` yields."""
    if (
        connection.vendor != "mysql"
        or stored.kind is KeyKind.NUMBER
        or stored.is_native_uuid(connection)
    ):
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
        """How the key that the path leads to is stored."""
        return Stored.of(self.lhs.output_field)


class KeyIn(Membership):
    """«The key is one of these»; use ``key_in``."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        """The condition for the database. Raises ``EmptyResultSet`` where no row can have such a key."""
        stored = self.stored
        keys = stored.pack_all(self.rhs)
        if stored.kind is KeyKind.NUMBER:
            # No column holds such numbers, and databases raise for them.
            keys = [key for key in keys if _LEAST <= int(key) <= _GREATEST]
        if not keys:
            raise EmptyResultSet
        sql, params = compiler.compile(self.lhs)
        if connection.vendor == "postgresql":
            kind = stored.postgresql_type(connection)
            return f"{sql} = ANY(%s::{kind}[])", (*params, keys)
        if connection.vendor == "mysql" and (len(keys) <= _FEW or stored.kind is KeyKind.TEXT):
            return self._one_by_one(sql, tuple(params), keys, connection)
        column, table = unnested("%s", stored, connection)
        sql = exact(sql, stored, connection)
        condition = f"{sql} IN (SELECT {column} FROM {table})"  # noqa: S608  (the column's name)
        return condition, (*params, orjson.dumps(keys).decode())

    def _one_by_one(
        self, sql: str, params: tuple[Any, ...], keys: list[int | str], connection: BaseDatabaseWrapper
    ) -> Compiled:
        """On MariaDB, where the index of a text column works under the column's own collation only.

        That collation may find too many rows; the exact comparison leaves the right ones.
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
