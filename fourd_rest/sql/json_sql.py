"""JSON values inside SQL: how each database walks an object, unfolds an array, tells texts from numbers.

``query.objects`` says what a criterion means, ``json_dialects`` what SQL that is in each database.
A ``JsonValue`` is one value in a row: a column, a property of it, or an element of a
collection (a row of ``json_each``, ``jsonb_array_elements`` or ``JSON_TABLE``). Names and operands go in
as parameters, never as text of the statement. No value that a column can hold makes a statement fail:
what is not of the kind that is asked for is NULL or false.

A condition is TRUE or FALSE, never NULL, so that NOT is its complement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import TextField
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler

from .text_folding import folded_form, like

LENGTH = "length"  # the last name of a path to an array gives its number of elements, as in ORDA


class Sql(NamedTuple):
    """A piece of a statement and the parameters of its ``%s``, in their order."""

    text: str
    params: tuple[Any, ...] = ()


# Conditions in one row of AND or OR; SQLite refuses an expression that is 1000 levels deep.
FLAT = 100
TRUE, FALSE = Sql("TRUE"), Sql("FALSE")


def compose(template: str, *parts: Sql) -> Sql:
    """``template`` with a part at each ``{}``."""
    return Sql(
        template.format(*(part.text for part in parts)),
        tuple(param for part in parts for param in part.params),
    )


def param(value: Any) -> Sql:
    """``value`` as a parameter of the statement."""
    return Sql("%s", (value,))


def listed(parts: Iterable[Sql]) -> Sql:
    """``parts`` with commas between."""
    parts = tuple(parts)
    return compose(", ".join(["{}"] * len(parts)), *parts)


def compared(left: Sql, operator: str, right: Sql) -> Sql:
    """A condition: false if a side is NULL."""
    return is_true(compose(f"{{}} {operator} {{}}", left, right))


def is_true(comparison: Sql) -> Sql:
    """A condition: false where ``comparison`` is NULL."""
    return compose("{} IS TRUE", comparison)


def negation(condition: Sql) -> Sql:
    """The complement of a condition."""
    return compose("(NOT {})", condition)


def every(conditions: Sequence[Sql]) -> Sql:
    """All ``conditions`` hold; true for none."""
    return _joined(" AND ", conditions, TRUE)


def some(conditions: Sequence[Sql]) -> Sql:
    """One of ``conditions`` holds at least; false for none."""
    return _joined(" OR ", conditions, FALSE)


def _joined(word: str, conditions: Sequence[Sql], none: Sql) -> Sql:
    if not conditions:
        return none
    if len(conditions) == 1:
        return conditions[0]
    if len(conditions) > FLAT:
        middle = len(conditions) // 2
        conditions = [
            _joined(word, conditions[:middle], none),
            _joined(word, conditions[middle:], none),
        ]
    return compose(f"({word.join(['{}'] * len(conditions))})", *conditions)


@dataclass(frozen=True)
class Search:
    """A condition on rows that JSON is unfolded to: it holds if there is such a row.

    Without ``sources``, it is an ordinary condition. One search inside of another becomes part of it,
    since SQLite's parser takes no deep nesting.
    """

    sources: tuple[Sql, ...]
    conditions: tuple[Sql, ...]

    @classmethod
    def plain(cls, condition: Sql) -> Search:
        """A search that unfolds nothing."""
        return cls((), (condition,))

    @classmethod
    def all_of(cls, searches: Iterable[Search]) -> Search:
        """All ``searches`` hold, each on rows of its own."""
        sources: tuple[Sql, ...] = ()
        conditions: list[Sql] = []
        for search in searches:
            if sources:
                # Rows of two searches side by side would be multiplied.
                conditions.append(search.sql())
            else:
                sources = search.sources
                conditions += search.conditions
        return cls(sources, tuple(conditions))

    def sql(self) -> Sql:
        """The search as one condition."""
        if not self.sources:
            return every(self.conditions)
        return compose(f"EXISTS {self._select('1')}", *self.sources, *self.conditions)

    def first(self, expression: Sql) -> Sql:
        """``expression`` on the first such row, or as it is if there is nothing to search."""
        if not self.sources:
            return expression
        template = self._select("{}", " LIMIT 1")
        return compose(template, expression, *self.sources, *self.conditions)

    def _select(self, what: str, end: str = "") -> str:
        sources = " CROSS JOIN ".join(["{}"] * len(self.sources))
        conditions = " AND ".join(["{}"] * len(self.conditions))
        # Only ``{}`` for parts of this package.
        return f"(SELECT {what} FROM {sources} WHERE {conditions or 'TRUE'}{end})"  # noqa: S608


def can_be_stored(text: str) -> bool:
    """False for texts that no database gives back from a document: with NUL or half a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


@dataclass(frozen=True)
class Context:
    """What stays the same in a statement: the database, and how texts are compared there."""

    compiler: SQLCompiler
    as_4d: bool  # whether case and accents are ignored (D-17); else as the database compares

    def form(self, text: Sql) -> Sql:
        """The text as it is compared and sorted."""
        if not self.as_4d:
            return text
        return self._compiled(folded_form(_raw(text), self.compiler.connection.alias).expression)

    def constant(self, text: str) -> str:
        """A text from the client as ``form`` compares it."""
        if not self.as_4d:
            return text
        return folded_form(None, self.compiler.connection.alias).constant(text)

    def is_like(self, form: Sql, pattern: str) -> Sql:
        """Whether the form of a text is like a pattern in which ``@`` stands for any characters."""
        parts = [self.constant(part) for part in pattern.split("@")]
        return is_true(compose("({})", self._compiled(like(_raw(form), parts))))

    def _compiled(self, expression: Any) -> Sql:
        text, params = self.compiler.compile(expression)
        return Sql(text, tuple(params))


def _raw(sql: Sql) -> RawSQL:
    # The SQL is from this package; what comes from a client is in the parameters.
    return RawSQL(sql.text, sql.params, output_field=TextField())  # noqa: S611


@dataclass(frozen=True)
class JsonValue(ABC):
    """One value in a row; nothing is there if a step of the path is missing.

    ``depth`` is the number of collections it is inside of.
    """

    context: Context
    depth: int

    @classmethod
    @abstractmethod
    def column(cls, context: Context, sql: Sql) -> JsonValue:
        """The value of a whole column."""

    @abstractmethod
    def at(self, names: tuple[str, ...]) -> JsonValue:
        """The value at the end of a path; of an array, the last name ``length`` is its size."""

    @abstractmethod
    def is_nothing(self) -> Sql:
        """True for JSON null and if nothing is there."""

    @abstractmethod
    def is_array(self) -> Sql:
        """True for an array, false for anything else."""

    @abstractmethod
    def number(self) -> Sql:
        """The number, NULL for anything else."""

    @abstractmethod
    def text(self) -> Sql:
        """The text, NULL for anything else."""

    @abstractmethod
    def boolean(self) -> Sql:
        """The boolean, NULL for anything else."""

    def folded(self) -> Sql:
        """The text as it is compared and sorted."""
        return self.context.form(self.text())

    @abstractmethod
    def document(self) -> Sql:
        """The value as JSON, NULL for JSON null and if nothing is there."""

    @abstractmethod
    def unfolded(self) -> tuple[Search, JsonValue]:
        """The elements of this array, none for anything else, and any one of them."""

    def has_element(self, condition: Callable[[JsonValue], Search]) -> Search:
        """True if this is an array with an element for which ``condition`` holds."""
        elements, element = self.unfolded()
        inside = condition(element)
        return Search(elements.sources + inside.sources, elements.conditions + inside.conditions)

    @abstractmethod
    def is_text_of(self, digests: Sequence[str]) -> Sql:
        """Whether this is a text with one of these ``digests``, which may be many."""

    @staticmethod
    @abstractmethod
    def number_operand(number: Decimal) -> Sql:
        """A parameter to compare ``number()`` with."""

    def floating(self) -> Sql:
        """The number in the type in which the database sums."""
        return self.number()

    def rank(self) -> Sql:
        """To sort by: 0 for nothing, 1 false, 2 true, 3 a number, 4 a text, 5 anything else."""
        return compose(
            "CASE WHEN {} THEN 0 WHEN {} THEN 1 WHEN {} THEN 2"
            " WHEN {} IS NOT NULL THEN 3 WHEN {} IS NOT NULL THEN 4 ELSE 5 END",
            self.is_nothing(),
            compared(self.boolean(), "=", FALSE),
            compared(self.boolean(), "=", TRUE),
            self.number(),
            self.text(),
        )
