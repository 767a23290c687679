"""Comparison of texts: neither case nor accents matter, on every database (``query.md`` 4.1, D-17).

``fold`` is the one definition: compatibility decomposition (NFKD) without the marks U+0300–036F, in
lower case character by character; ß and œ do not change. Texts are equal, and sorted, as their folded
forms are, by code point. ``Folded`` is the same in SQL:

- PostgreSQL: the function ``fourd_fold`` of this app's migrations, under the collation ``C``;
- SQLite: a function of that name (``functions``);
- MariaDB, which has no normalization: a collation, with known differences (``docs/deployment.md``).

A dataclass may keep folded texts in columns of their own (option ``folded``), or leave the comparison to
the database (option ``database_comparison``, setting ``TEXT_COMPARISON``); ``text_form`` tells which.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, TextField
from django.utils.deconstruct import deconstructible

from fourd_rest import errors
from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass

# The SQL function's name on PostgreSQL and SQLite.
FUNCTION = "fourd_fold"
# SQLite takes no longer pattern; the limit is the same on every database. Bytes.
MAX_PATTERN = 50_000
# The fields that are texts in every database.
TEXT_FIELDS = (models.CharField, models.TextField)

_MARKS = re.compile("[\u0300-\u036f]+")
_LIKE_SPECIAL = re.compile("[%_!]")
_GLOB_SPECIAL = re.compile(r"[*?\[]")


def fold(text: str) -> str:
    """The form by which ``text`` is compared; up to 18 times as long as ``text``."""
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    # The only letter whose lower case depends on its position.
    return bare.replace("Σ", "σ").lower()


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# Expressions


class AsText(Func):
    """A column as text: cast where it is none, as an address (``inet``) on PostgreSQL."""

    arity = 1
    output_field = TextField()
    template = "%(expressions)s"

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """Cast to text where the type is none."""
        return self.as_sql(compiler, connection, **_as_text(self, connection), **extra)


# Migrations of sites name this path: never change it.
@deconstructible(path="fourd_rest.query.folding.Folded")
class Folded(Func):
    """``fold`` of a text, a text itself: ``Folded("name")``, ``Folded(F("employer__name"))``.

    Compare it with a constant from ``TextForm.constant``, by any of Django's lookups.
    """

    arity = 1
    output_field = TextField()
    function = FUNCTION

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """The function ``fourd_fold``, under the collation ``C``."""
        text = _as_text(self, connection)["template"]
        return self.as_sql(compiler, connection, template=f'(%(function)s({text}) COLLATE "C")', **extra)

    def as_mysql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        """The text under a collation that ignores case and accents."""
        return self.as_sql(compiler, connection, template=_collated(_insensitive(connection)), **extra)


class StoredFolded(Func):
    """A column that holds folded texts, compared by code points.

    Bare where the column itself has such a collation, for only then MariaDB uses its index.
    """

    arity = 1
    output_field = TextField()
    template = "%(expressions)s"

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """The column under the collation ``C``."""
        return self.as_sql(compiler, connection, template='(%(expressions)s COLLATE "C")', **extra)

    def as_mysql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        """The column under a binary collation."""
        if _own_collation(self.source_expressions[0]) == _binary(connection):
            return self.as_sql(compiler, connection, **extra)
        return self.as_sql(compiler, connection, template=_collated(_binary(connection)), **extra)


class Like(Func):
    """Whether a text consists of ``parts`` with anything between them; use ``like``."""

    arity = 1
    output_field = BooleanField()

    def __init__(self, expression: Any, parts: tuple[str, ...], **extra: Any) -> None:
        super().__init__(expression, **extra)
        self.parts = parts

    def as_sql(
        self, compiler: Any, connection: BaseDatabaseWrapper, *args: Any, **extra: Any
    ) -> tuple[str, Any]:
        """``LIKE``, with ``!`` as escape."""
        sql, params = compiler.compile(self.source_expressions[0])
        # No backslash: MariaDB takes it for an escape in literals as well, or not, as it is set up.
        return f"{sql} LIKE %s ESCAPE '!'", (*params, _like_pattern(self.parts))

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """``LIKE``, under the collation ``C`` where the column has its own."""
        sql, params = compiler.compile(self.source_expressions[0])
        if _own_collation(self.source_expressions[0]):
            sql = f'({sql} COLLATE "C")'  # some collations refuse LIKE
        return f"{sql} LIKE %s ESCAPE '!'", (*params, _like_pattern(self.parts))

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        """By GLOB: LIKE ignores the case of ASCII letters there, and no index serves it."""
        if _own_collation(self.source_expressions[0]).upper() == "NOCASE":
            return self.as_sql(compiler, connection, **extra)
        sql, params = compiler.compile(self.source_expressions[0])
        return f"{sql} GLOB %s", (*params, _glob_pattern(self.parts))


def like(expression: Any, parts: Sequence[str]) -> Like:
    """Whether a text consists of ``parts``, in this order, with any characters or none between them.

    ``["Jo", ""]`` begins with, ``["", "son"]`` ends with, ``["", "oh", ""]`` contains. Nothing in a part
    is special; each must be a constant of the ``TextForm`` whose ``expression`` is given. For
    ``filter()``, ``Q`` and the like; null if the text is null.

    Raises ``RestError`` (9022) if the pattern is longer than every database takes.
    """
    # No character takes more bytes than this in a pattern. To make both patterns takes 6 µs.
    longest = sum(map(len, parts)) * 4 + len(parts)
    if longest > MAX_PATTERN and (
        len(_glob_pattern(parts).encode()) > MAX_PATTERN
        or len(_like_pattern(parts).encode()) > MAX_PATTERN
    ):
        raise errors.RestError(errors.QUERY_TOO_LARGE(reason="a text with @ is too long"))
    return Like(expression, tuple(parts))


def _like_pattern(parts: Sequence[str]) -> str:
    return "%".join(_LIKE_SPECIAL.sub(r"!\g<0>", part) for part in parts)


def _glob_pattern(parts: Sequence[str]) -> str:
    return "*".join(_GLOB_SPECIAL.sub(r"[\g<0>]", part) for part in parts)


def _as_text(func: Func, connection: BaseDatabaseWrapper) -> dict[str, str]:
    """The template that casts the argument of ``func`` to text on PostgreSQL."""
    kind = func.source_expressions[0].output_field.get_internal_type()
    return {"template": connection.ops.lookup_cast("contains", kind) % "%(expressions)s"}


def _own_collation(expression: Any) -> str:
    """The collation that the model gives a column, or nothing."""
    return getattr(expression.output_field, "db_collation", None) or ""


def _collated(collation: str) -> str:
    # The column may have any character set; a collation belongs to one.
    return f"(CONVERT(%(expressions)s USING utf8mb4) COLLATE {collation})"


def _insensitive(connection: Any) -> str:
    if not connection.mysql_is_mariadb:
        return "utf8mb4_0900_ai_ci"
    if connection.mysql_version >= (10, 10):
        return "utf8mb4_uca1400_nopad_ai_ci"
    return "utf8mb4_unicode_520_nopad_ci"


def _binary(connection: Any) -> str:
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


# What to compare


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a text attribute is compared and sorted.

    ``expression`` is what to compare and to sort by, in place of the column; ``constant`` makes of a
    text from the client what it is compared with.
    """

    expression: Any
    constant: Callable[[str], str]


def text_form(dataclass: DataClass, attribute: Attribute, lookup: str) -> TextForm:
    """How to compare ``attribute`` of ``dataclass``, which the ORM reaches by ``lookup``.

    ``lookup`` may pass relations: ``employer__name``.
    """
    if not compares_as_4d(dataclass, attribute):
        text: Any = F(lookup) if isinstance(attribute.own_field, TEXT_FIELDS) else AsText(lookup)
        return TextForm(text, str)
    column = dataclass.folded.get(attribute.source)
    if column is not None:
        way, separator, _ = lookup.rpartition("__")
        return TextForm(StoredFolded(f"{way}{separator}{column}"), fold)
    return _folded_column(lookup, router.db_for_read(dataclass.model))


# Making one takes 8 µs; whoever uses the expression makes a copy.
@lru_cache(maxsize=1_000)
def _folded_column(lookup: str, alias: str) -> TextForm:
    return folded_form(lookup, alias)


def folded_form(expression: Any, alias: str) -> TextForm:
    """How to compare any text of the database ``alias`` by 4D's rule."""
    # On MariaDB a collation folds both sides. It tells й and Hangul from their decomposed forms.
    constant = _compose if connections[alias].vendor == "mysql" else fold
    return TextForm(Folded(expression), constant)


def compares_as_4d(dataclass: DataClass, attribute: Attribute) -> bool:
    """Whether case and accents do not matter in ``attribute``, rather than what the database says."""
    return current().TEXT_COMPARISON == "4d" and attribute.source not in dataclass.database_comparison


# Order
