"""How SQLite, PostgreSQL and MariaDB walk JSON: ``JsonValue`` for each of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from .digests import FUNCTION
from .json_sql import (
    LENGTH,
    Context,
    JsonValue,
    Search,
    Sql,
    can_be_stored,
    compared,
    compose,
    is_true,
    listed,
    param,
)


@dataclass(frozen=True)
class PostgresValue(JsonValue):
    """A ``jsonb`` expression."""

    sql: Sql  # of type jsonb

    @classmethod
    def column(cls, context: Context, sql: Sql) -> PostgresValue:
        """The column as it is."""
        return cls(context, 0, sql)

    def at(self, names: tuple[str, ...]) -> PostgresValue:
        """By ``->``, name by name."""
        sql = self.sql
        for position, name in enumerate(names, 1):
            if not can_be_stored(name):
                return PostgresValue(self.context, self.depth, Sql("NULL::jsonb"))
            # With a text on its right, -> finds properties only, never an element by its number.
            child = compose("({} -> {}::text)", sql, param(name))
            if name == LENGTH and position == len(names):
                child = compose(
                    "CASE jsonb_typeof({}) WHEN 'array' THEN to_jsonb(jsonb_array_length({}))"
                    " ELSE {} END",
                    sql,
                    sql,
                    child,
                )
            sql = child
        return PostgresValue(self.context, self.depth, sql)

    def is_nothing(self) -> Sql:
        """By ``jsonb_typeof``, which is NULL for SQL NULL."""
        return compose("COALESCE(jsonb_typeof({}), 'null') = 'null'", self.sql)

    def is_array(self) -> Sql:
        """By ``jsonb_typeof``."""
        return compared(compose("jsonb_typeof({})", self.sql), "=", Sql("'array'"))

    def _when(self, kind: str, template: str) -> Sql:
        return compose(
            f"CASE WHEN jsonb_typeof({{}}) = '{kind}' THEN {template} END", self.sql, self.sql
        )

    def number(self) -> Sql:
        """As ``numeric``."""
        return self._when("number", "{}::numeric")

    def text(self) -> Sql:
        """As ``text``, without quotes."""
        return self._when("string", "{} #>> '{{}}'")

    def boolean(self) -> Sql:
        """As ``boolean``."""
        return self._when("boolean", "{}::boolean")

    def document(self) -> Sql:
        """As ``jsonb``."""
        return compose("NULLIF({}, 'null'::jsonb)", self.sql)

    def unfolded(self) -> tuple[Search, PostgresValue]:
        """By ``jsonb_array_elements``."""
        alias = f"fourd_e{self.depth}"
        source = compose("jsonb_array_elements({}) AS {}(v)", self._when("array", "{}"), Sql(alias))
        return Search((source,), ()), PostgresValue(self.context, self.depth + 1, Sql(f"{alias}.v"))

    def is_text_of(self, digests: Sequence[str]) -> Sql:
        """By ``sha256``, against an array in one parameter."""
        own = compose("encode(sha256(convert_to({}, 'UTF8')), 'hex')", self.text())
        return is_true(compose("{} = ANY({}::text[])", own, param(list(digests))))

    @staticmethod
    def number_operand(number: Decimal) -> Sql:
        """As ``numeric``: exact."""
        return compose("{}::numeric", param(str(number)))


# Names that SQLite finds by a path: older versions compare with a name as the document writes it,
# escapes included.
PLAIN_NAME = re.compile(r"[ !#-\[\]-~]+")
# SQLite gives half a surrogate pair as bytes that Python refuses; GLOB reads them as U+FFFD.
UNREADABLE = "*\ufffd*"


@dataclass(frozen=True)
class SqliteValue(JsonValue):
    """A path into a JSON text, or a row of ``json_each``."""

    container: Sql  # a JSON text, or NULL
    path: str  # where this value is inside of ``container``
    # The value of a whole row of ``json_each``: its alias.
    row: str = ""
    # The rows of ``json_each`` that lead to ``container``.
    way: Search = Search((), ())
    # What has this value as its length, if it is an array.
    array: SqliteValue | None = None

    @classmethod
    def column(cls, context: Context, sql: Sql) -> SqliteValue:
        """The column as it is, path ``$``."""
        return cls(context, 0, sql, "$")

    @staticmethod
    def _content(alias: str) -> Sql:
        # The value of a text is the text itself, which is no JSON.
        return Sql(f"CASE WHEN {alias}.type IN ('array', 'object') THEN {alias}.value END")

    @property
    def kind(self) -> Sql:
        """As by ``json_type``; NULL if nothing is there."""
        kind = self.way.first(Sql(f"{self.row}.type") if self.row else self._call("json_type"))
        if self.array is None:
            return kind
        return compose("CASE {} WHEN 'array' THEN 'integer' ELSE {} END", self.array.kind, kind)

    @property
    def raw(self) -> Sql:
        """The SQL value of a number or a text."""
        raw = self.way.first(Sql(f"{self.row}.value") if self.row else self._call("json_extract"))
        if self.array is None:
            return raw
        length = self.array.way.first(self.array._call("json_array_length"))
        return compose("CASE {} WHEN 'array' THEN {} ELSE {} END", self.array.kind, length, raw)

    def _call(self, function: str) -> Sql:
        return compose(f"{function}({{}}, {{}})", self.container, param(self.path))

    def at(self, names: tuple[str, ...]) -> SqliteValue:
        """By a longer path, or by ``json_each`` for names that a path cannot hold."""
        parent = value = self
        for name in names:
            parent, value = value, value._child(name)
        return replace(value, array=parent) if names[-1:] == (LENGTH,) else value

    def _child(self, name: str) -> SqliteValue:
        if not can_be_stored(name):
            return SqliteValue(self.context, self.depth, Sql("NULL"), "$")
        if PLAIN_NAME.fullmatch(name):
            return replace(self, path=f'{self.path}."{name}"', row="", array=None)
        alias = f"fourd_k{self.depth}_{len(self.way.sources)}"
        rows = self._rows(alias, "text")
        way = Search(rows.sources, (*rows.conditions, compose("{}.key = {}", Sql(alias), param(name))))
        return SqliteValue(self.context, self.depth, self._content(alias), "$", alias, way)

    def is_nothing(self) -> Sql:
        """By ``json_type``, which is NULL if nothing is there."""
        return compose("COALESCE({}, 'null') = 'null'", self.kind)

    def is_array(self) -> Sql:
        """By ``json_type``."""
        return compared(self.kind, "=", Sql("'array'"))

    def number(self) -> Sql:
        """As integer or real."""
        return compose("CASE WHEN {} IN ('integer', 'real') THEN {} END", self.kind, self.raw)

    def floating(self) -> Sql:
        """As real."""
        # A sum of integers that leaves 64 bits is an error.
        return compose("CAST({} AS REAL)", self.number())

    def text(self) -> Sql:
        """As text; NULL for one that Python could not read."""
        return compose(
            "CASE WHEN {} <> 'text' OR ({} GLOB {} AND replace({}, char(65533), '') GLOB {}) THEN NULL"
            " ELSE {} END",
            self.kind,
            self.raw,
            param(UNREADABLE),
            self.raw,
            param(UNREADABLE),
            self.raw,
        )

    def boolean(self) -> Sql:
        """As 1 or 0."""
        return compose("CASE {} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END", self.kind)

    def document(self) -> Sql:
        """As a JSON text."""
        return compose(
            "CASE WHEN {} IN ('array', 'object') THEN {} WHEN {} IN ('true', 'false') THEN {}"
            " WHEN {} <> 'null' THEN json_quote({}) END",
            self.kind,
            self.raw,
            self.kind,
            self.kind,
            self.kind,
            self.raw,
        )

    def unfolded(self) -> tuple[Search, SqliteValue]:
        """By ``json_each``, rows with a number as key."""
        alias = f"fourd_e{self.depth}"
        # json_each gives the properties of an object as well, and a scalar as one row.
        elements = self._rows(alias, "integer")
        return elements, SqliteValue(self.context, self.depth + 1, self._content(alias), "$", alias)

    def _rows(self, alias: str, keys: str) -> Search:
        return Search(
            (
                *self.way.sources,
                compose("json_each({}, {}) AS {}", self.container, param(self.path), Sql(alias)),
            ),
            (*self.way.conditions, Sql(f"typeof({alias}.key) = '{keys}'")),
        )

    def is_text_of(self, digests: Sequence[str]) -> Sql:
        """By the function ``fourd_digest``, against a JSON array in one parameter."""
        # In one parameter: the number of parameters is limited.
        rows = compose("(SELECT value FROM json_each({}))", param(json.dumps(list(digests))))
        return compared(compose(f"{FUNCTION}({{}})", self.text()), "IN", rows)

    @staticmethod
    def number_operand(number: Decimal) -> Sql:
        """An integer of 64 bits where it is one, else a float."""
        whole = number == number.to_integral_value() and abs(number) < 2**63
        return param(int(number) if whole else float(number))


@dataclass(frozen=True)
class MariadbValue(JsonValue):
    """A JSON text."""

    sql: Sql  # a JSON text

    @classmethod
    def column(cls, context: Context, sql: Sql) -> MariadbValue:
        """The column as it is."""
        return cls(context, 0, sql)

    def at(self, names: tuple[str, ...]) -> MariadbValue:
        """By ``JSON_EXTRACT``, in both ways of writing a name."""
        if not all(map(can_be_stored, names)):
            return MariadbValue(self.context, self.depth, Sql("NULL"))
        child = self._at(names)
        if names[-1:] == (LENGTH,):
            array = self.at(names[:-1])
            child = compose(
                "CASE WHEN {} THEN CONCAT(JSON_LENGTH({}), '') ELSE {} END",
                array.is_array(),
                array.sql,
                child,
            )
        return MariadbValue(self.context, self.depth, child)

    def _at(self, names: tuple[str, ...]) -> Sql:
        for position, name in enumerate(names):
            if name.startswith("-"):
                parent = MariadbValue(self.context, self.depth, self._at(names[:position]))
                child = MariadbValue(self.context, self.depth, parent._dashed(name))
                return child._at(names[position + 1 :])
        if not names:
            return self.sql
        # Names are compared as they are written: escaped, as Django does, or not, as others do.
        paths = {
            "$" + "".join(f".{json.dumps(name, ensure_ascii=escaped)}" for name in names): None
            for escaped in (True, False)
        }
        found = [compose("JSON_EXTRACT({}, {})", self.sql, param(path)) for path in paths]
        return found[0] if len(found) == 1 else compose("COALESCE({})", listed(found))

    def _dashed(self, name: str) -> Sql:
        # MariaDB takes no path with a name that begins with "-".
        return compose(
            "(SELECT fourd_v.v FROM JSON_TABLE({}, '$' COLUMNS (o JSON PATH '$')) AS fourd_o,"
            " JSON_TABLE(JSON_KEYS(fourd_o.o), '$[*]'"
            " COLUMNS (n FOR ORDINALITY, k JSON PATH '$')) AS fourd_k,"
            " JSON_TABLE(JSON_EXTRACT(fourd_o.o, '$.*'), '$[*]'"
            " COLUMNS (n FOR ORDINALITY, v JSON PATH '$')) AS fourd_v"
            " WHERE fourd_v.n = fourd_k.n AND BINARY JSON_UNQUOTE(fourd_k.k) = BINARY {} LIMIT 1)",
            self.sql,
            param(name),
        )

    def _kind(self) -> Sql:
        return compose("JSON_TYPE({})", self.sql)

    def is_nothing(self) -> Sql:
        """By ``JSON_TYPE``, which is NULL for SQL NULL."""
        return compose("COALESCE({}, 'NULL') = 'NULL'", self._kind())

    def is_array(self) -> Sql:
        """By ``JSON_TYPE``."""
        return compared(self._kind(), "=", Sql("'ARRAY'"))

    def number(self) -> Sql:
        """As ``DOUBLE``."""
        return compose(
            "CASE WHEN {} IN ('INTEGER', 'DOUBLE') THEN CAST({} AS DOUBLE) END", self._kind(), self.sql
        )

    def text(self) -> Sql:
        """By ``JSON_UNQUOTE``."""
        return compose("CASE WHEN {} = 'STRING' THEN JSON_UNQUOTE({}) END", self._kind(), self.sql)

    def boolean(self) -> Sql:
        """As 1 or 0."""
        return compose(
            "CASE WHEN {} = 'BOOLEAN' THEN JSON_UNQUOTE({}) = 'true' END", self._kind(), self.sql
        )

    def document(self) -> Sql:
        """As a JSON text."""
        return compose("CASE WHEN {} <> 'NULL' THEN {} END", self._kind(), self.sql)

    def unfolded(self) -> tuple[Search, MariadbValue]:
        """By ``JSON_TABLE``."""
        alias = f"fourd_e{self.depth}"
        source = compose(
            "JSON_TABLE(CASE WHEN {} THEN {} END, '$[*]' COLUMNS (v JSON PATH '$')) AS {}",
            self.is_array(),
            self.sql,
            Sql(alias),
        )
        return Search((source,), ()), MariadbValue(self.context, self.depth + 1, Sql(f"{alias}.v"))

    def is_text_of(self, digests: Sequence[str]) -> Sql:
        """By ``SHA2``, with one parameter per digest."""
        # One parameter each: MariaDB would build the rows of JSON_TABLE anew for each element.
        own = compose("SHA2(CONVERT({} USING utf8mb4), 256)", self.text())
        return compared(own, "IN", compose("({})", listed(map(param, digests))))

    @staticmethod
    def number_operand(number: Decimal) -> Sql:
        """A float; beyond its range the largest one."""
        # MariaDB has no infinity.
        return param(max(-sys.float_info.max, min(sys.float_info.max, float(number))))


DIALECTS: dict[str, type[JsonValue]] = {
    "postgresql": PostgresValue,
    "sqlite": SqliteValue,
    "mysql": MariadbValue,
}
