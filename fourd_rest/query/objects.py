"""Criteria on the properties of object attributes (``query.md`` 4, 6 and 8; D-17, D-18, D-43 to D-45).

The rules, for a criterion ``path comparator operand``. Every evaluator of the language keeps to them.

**What a path finds.** The value of an attribute is a JSON value or SQL NULL. A name takes the property
of that name of a JSON object; of anything else, and if there is no such property, it finds *nothing*.
JSON null and SQL NULL are nothing as well. A name is never the position of an element. One exception: if
the last name of a path, or the last before brackets, is ``length`` and meets an array, it finds the
number of its elements.

**Without brackets**, let V be what the path finds.

- ``= null``, ``=== null``: V is nothing. ``!= null``, ``!== null``: V is not nothing.
- ``= v``: V is of the type of v (number, text or boolean) and equal. Numbers by value (1 = 1.0); texts
  folded, where ``@`` in v stands for zero or more characters and a v with ``@@`` equals no text.
- ``=== v``: likewise, ``@`` being a character like others.
- ``!= v``, ``!== v``: V is not nothing, and ``V = v`` (``V === v``) is false. So values of another type
  differ.
- ``< <= > >=`` with v: V is of the type of v, and so ordered: numbers by value, texts by the code points
  of their folded forms, false before true. One ``@`` at the end of a text v is dropped, others are
  characters. With null: false.
- ``in [v, …]``: ``V = v`` holds for one of them, null included. False for an empty list.
- ``begin v``: V is a text and ``V = v@``; a v that ends with ``@`` gets no second one. False if v is no
  text.
- ``% v``: V is a text that holds the word v (``words``). False if v is no text.

``not(path comparator v)`` holds if V is not nothing and the criterion is false; ``not(path != null)`` is
``path = null``. A text v with NUL or half a surrogate pair equals, precedes and follows no text.

**With brackets** (3 at most in one path). ``coll[]`` and ``coll[a]`` stand for the elements of the array
that ``coll`` finds; anything but an array has none, and then the collection is *not there*. An empty
array is there. What follows the brackets is looked up in the element, by the rules above; if nothing
follows, V is the element.

- ``[]`` only, comparator ``!=`` or ``!==`` (with null, too): the first collection of the path is there
  and there is no choice of elements, one of each collection on the way, for which ``=`` (``===``) holds.
- ``[]`` only, another comparator: there is a choice of elements for which the criterion holds. So
  ``coll[].p = null`` means that some element has no p.
- ``not(…)`` of a criterion with ``[]`` only: the first collection is there and the criterion is false.
  So ``not(coll[].p != v)`` is ``coll[].p = v``.
- ``[a]``: the criterion holds for some element, as one on the element; ``!=`` is then that of a path
  without brackets: some element has a p that differs. ``[]`` *after* the last letter of a path make
  such a criterion on the element of that letter, by the first two rules.
- All criteria of one call with the same letter on the same path of names and brackets bear on one and
  the same element. That includes the elements on the way to it: ``c[].d[a].p`` and ``c[].d[a].q`` bear
  on one element of ``c`` and on one element of its ``d``. The same letter on another path is another
  element.
- ``not(…)`` of criteria that hang together by the first letter of their paths: the first collection of
  the path is there, and no element of it satisfies all of them.

``matches`` with several criteria: all hold. Negated: ``not(…)`` holds of one of them at least, where
those that hang together count as one.

**Order**: nothing, false, true, numbers by value, texts as for ``<``, then arrays and objects without an
order among themselves; descending the other way around.

SQLite and MariaDB compare numbers as floats (SQLite: integers of 64 bits exactly), PostgreSQL by all
digits. MariaDB orders texts as its collation does (``folding``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeAlias

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BooleanField,
    F,
    Field,
    FloatField,
    IntegerField,
    JSONField,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable, Expression, OrderBy
from django.db.models.sql.compiler import SQLCompiler

from fourd_rest.conf import current
from fourd_rest.request.filter_syntax import Comparator, Step
from fourd_rest.sql.json_dialects import DIALECTS
from fourd_rest.sql.json_sql import (
    FALSE,
    Context,
    JsonValue,
    Search,
    Sql,
    can_be_stored,
    compared,
    compose,
    every,
    listed,
    negation,
    param,
    some,
)
from fourd_rest.sql.text_folding import fold, like

MAX_BRACKETS = 3
RANK_OF_NOTHING = 0  # the first of ``sort_keys`` for what is not there
MAX_STEPS = 50  # SQLite joins 64 tables
# No document holds a number beyond; PostgreSQL refuses one above 1E+131072, or with 16384 decimals.
LARGEST = Decimal("1E+5000")
SMALLEST = Decimal("1E-5000")

DIFFERING = {Comparator.DIFFERENT: Comparator.EQUAL, Comparator.NOT_IDENTICAL: Comparator.IDENTICAL}
PATTERNED = {Comparator.EQUAL, Comparator.DIFFERENT, Comparator.BEGIN, Comparator.IN}
ORDERING = {
    Comparator.LESS: "<",
    Comparator.LESS_OR_EQUAL: "<=",
    Comparator.GREATER: ">",
    Comparator.GREATER_OR_EQUAL: ">=",
}

Names: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PropertyTest:
    """One criterion on a property: the steps after the attribute's own name.

    ``element`` holds the brackets of the attribute itself. ``value`` is a ``str`` with its ``@``, a
    number, a ``bool``, None, for ``IN`` a list of those, for ``WORD`` a list of the ``digests`` of all
    texts that hold the word.
    """

    element: str | None
    steps: tuple[Step, ...]
    comparator: Comparator
    value: Any


# In what follows ``lookup`` is the ORM's path to a JSON field (``extra``, ``employer__extra``) or an
# ``OuterRef`` to one. ``as_4d`` says whether texts are compared and sorted without case and accents;
# None: ``TEXT_COMPARISON`` says it.


def matches(
    lookup: str | Combinable,
    tests: Sequence[PropertyTest],
    *,
    negated: bool = False,
    as_4d: bool | None = None,
) -> Any:
    """The condition that all ``tests`` hold, or that they do not; true or false, never NULL.

    For ``filter``, ``Q``, ``Case`` and annotations. Raises ValueError for more than ``MAX_BRACKETS``
    collections or ``MAX_STEPS`` steps in a path and for an operand of another type; ``RestError`` (9022)
    for a pattern that is too long.
    """
    return _Matches(lookup, tuple(map(_checked, tests)), negated, as_4d)


def sort_keys(
    lookup: str | Combinable, steps: Sequence[Step], *, descending: bool, as_4d: bool | None = None
) -> list[OrderBy]:
    """What ``order_by`` takes to sort by a property. Raises ValueError for a path with brackets."""
    parts = [_Part(lookup, _names(steps), part, as_4d) for part in ("rank", "number", "folded")]
    return [OrderBy(part, descending=descending) for part in parts]


def number(lookup: str | Combinable, steps: Sequence[Step]) -> Any:
    """The property as a float, NULL if it is no number."""
    return _Part(lookup, _names(steps), "floating")


def text(lookup: str | Combinable, steps: Sequence[Step]) -> Any:
    """The property as it is written, NULL if it is no text."""
    return _Part(lookup, _names(steps), "text")


def scalar(lookup: str | Combinable, steps: Sequence[Step]) -> Any:
    """The property as a JSON value (objects and arrays too), NULL for JSON null and if it is missing.

    ``distinct()`` on it tells 1 from 1.0 everywhere but on PostgreSQL, and spellings of a text apart.
    """
    return _Part(lookup, _names(steps), "document")


# --- Operands -----------------------------------------------------------------------------------


def _checked(test: PropertyTest) -> PropertyTest:
    if len(test.steps) > MAX_STEPS:
        raise ValueError(f"more than {MAX_STEPS} steps in one path")
    if _brackets(test) > MAX_BRACKETS:
        raise ValueError(f"more than {MAX_BRACKETS} collections in one path")
    if test.comparator not in (Comparator.IN, Comparator.WORD):
        operand = _operand(test.value)
        _check_patterns(test.comparator, (operand,))
        return replace(test, value=operand)
    if not isinstance(test.value, (list, tuple)):
        raise ValueError("a list is needed")
    if test.comparator is Comparator.WORD:
        return replace(test, value=tuple(test.value))
    operands = tuple(map(_operand, test.value))
    _check_patterns(test.comparator, operands)
    return replace(test, value=operands)


def _check_patterns(comparator: Comparator, operands: Sequence[object]) -> None:
    """Refuse what is too long now, and not when the statement is made."""
    if comparator not in PATTERNED:
        return
    for operand in operands:
        if not isinstance(operand, str) or not can_be_stored(operand):
            continue
        if "@" in operand or comparator is Comparator.BEGIN:
            like(Value(operand), [fold(part) for part in operand.split("@")])


def _brackets(test: PropertyTest) -> int:
    return sum(element is not None for element in (test.element, *(step.element for step in test.steps)))


def _operand(value: object) -> str | bool | Decimal | None:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        value = Decimal(repr(value))
    if not isinstance(value, (int, Decimal)) or (isinstance(value, Decimal) and value.is_nan()):
        raise ValueError(f"{type(value).__name__}: no text, number, boolean or null")
    exact = Decimal(value)
    if abs(exact) > LARGEST:
        return LARGEST.copy_sign(exact)
    # A number nearer to 0 differs from 0 by its sign only.
    if 0 < abs(exact) < SMALLEST:
        return SMALLEST.copy_sign(exact)
    return exact


def _names(steps: Sequence[Step]) -> Names:
    if len(steps) > MAX_STEPS:
        raise ValueError(f"more than {MAX_STEPS} steps in one path")
    if any(step.element is not None for step in steps):
        raise ValueError("elements of a collection are no single value")
    return tuple(step.name for step in steps)


# --- A criterion on one value -------------------------------------------------------------------


def _holds(value: JsonValue, comparator: Comparator, operand: Any) -> Sql:
    """The criterion on what a path without brackets finds."""
    if (opposite := DIFFERING.get(comparator)) is not None:
        return _fails(value, opposite, operand)
    if comparator is Comparator.IN:
        return _equals_any(value, operand)
    if comparator is Comparator.WORD:
        return value.is_text_of(operand) if operand else FALSE
    if comparator is Comparator.EQUAL:
        return _equals_any(value, (operand,))
    if comparator is Comparator.BEGIN:
        if not isinstance(operand, str):
            return FALSE
        return _equals_any(value, (operand if operand.endswith("@") else f"{operand}@",))
    if comparator is Comparator.IDENTICAL:
        return _compares(value, "=", operand) if operand is not None else value.is_nothing()
    if isinstance(operand, str):
        operand = operand.removesuffix("@")
    return _compares(value, ORDERING[comparator], operand)


def _fails(value: JsonValue, comparator: Comparator, operand: Any) -> Sql:
    """``not`` of the criterion: if nothing is there, true only for one that asks for a value."""
    if comparator in DIFFERING and operand is None:
        return value.is_nothing()
    return every([negation(value.is_nothing()), negation(_holds(value, comparator, operand))])


def _compares(value: JsonValue, operator: str, operand: Any) -> Sql:
    if operand is None:
        return FALSE
    if isinstance(operand, bool):
        return compared(value.boolean(), operator, Sql("TRUE" if operand else "FALSE"))
    if isinstance(operand, Decimal):
        return compared(value.number(), operator, value.number_operand(operand))
    if not can_be_stored(operand):
        return FALSE
    return compared(value.folded(), operator, param(value.context.constant(operand)))


def _equals_any(value: JsonValue, operands: Sequence[Any]) -> Sql:
    numbers, texts, conditions = [], [], []
    form = value.folded()
    for operand in operands:
        if operand is None:
            conditions.append(value.is_nothing())
        elif isinstance(operand, Decimal):
            numbers.append(value.number_operand(operand))
        elif isinstance(operand, bool):
            conditions.append(_compares(value, "=", operand))
        elif not can_be_stored(operand) or "@@" in operand:
            continue
        elif "@" in operand:
            conditions.append(value.context.is_like(form, operand))
        else:
            texts.append(param(value.context.constant(operand)))
    for kind, items in ((value.number(), numbers), (form, texts)):
        if items:
            conditions.append(compared(kind, "IN", compose("({})", listed(items))))
    return some(conditions)


# --- Collections --------------------------------------------------------------------------------

Segment: TypeAlias = tuple[Names, str]  # the names up to a collection, and what stands in its brackets


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A criterion whose brackets, if any, are all ``[]``."""

    collections: tuple[Names, ...]
    names: Names
    comparator: Comparator
    operand: Any

    def holds(self, value: JsonValue) -> Search:
        if not self.collections:
            return Search.plain(_holds(value.at(self.names), self.comparator, self.operand))
        if (equal := DIFFERING.get(self.comparator)) is not None:
            return self._none(value, equal)
        return self._some(value, self.comparator)

    def fails(self, value: JsonValue) -> Search:
        if not self.collections:
            return Search.plain(_fails(value.at(self.names), self.comparator, self.operand))
        if (equal := DIFFERING.get(self.comparator)) is not None:
            return self._some(value, equal)
        return self._none(value, self.comparator)

    def _some(self, value: JsonValue, comparator: Comparator) -> Search:
        def inside(value: JsonValue, collections: tuple[Names, ...]) -> Search:
            if not collections:
                return Search.plain(_holds(value.at(self.names), comparator, self.operand))
            return value.at(collections[0]).has_element(lambda v: inside(v, collections[1:]))

        return inside(value, self.collections)

    def _none(self, value: JsonValue, comparator: Comparator) -> Search:
        return _has_none(value.at(self.collections[0]), self._some(value, comparator))


def _has_none(collection: JsonValue, elements: Search) -> Search:
    return Search.plain(every([collection.is_array(), negation(elements.sql())]))


@dataclass(slots=True)
class _Scope:
    """The criteria on one value: some on itself, the others on elements that several of them share."""

    leaves: list[_Leaf] = field(default_factory=list)
    elements: dict[tuple[Segment, ...], _Scope] = field(default_factory=dict)

    def add(self, test: PropertyTest) -> None:
        segments: list[Segment] = []
        names: Names = ()
        for name, element in ((None, test.element), *((step.name, step.element) for step in test.steps)):
            names = names if name is None else (*names, name)
            if element is not None:
                segments.append((names, element))
                names = ()
        scope = self
        while any(letter for _, letter in segments):
            # A collection without a letter is known by the way from it to the next letter.
            end = next(i for i, (_, letter) in enumerate(segments) if letter)
            scope = scope.elements.setdefault(tuple(segments[: end + 1]), _Scope())
            segments = segments[1:]
        leaf = _Leaf(tuple(path for path, _ in segments), names, test.comparator, test.value)
        scope.leaves.append(leaf)

    def holds(self, value: JsonValue) -> Search:
        return Search.all_of(
            [
                *(leaf.holds(value) for leaf in self.leaves),
                *(self._elements(value, path, scope) for path, scope in self.elements.items()),
            ]
        )

    def fails(self, value: JsonValue) -> Sql:
        return some(
            [
                *(leaf.fails(value).sql() for leaf in self.leaves),
                *(
                    _has_none(value.at(path[0][0]), self._elements(value, path, scope)).sql()
                    for path, scope in self.elements.items()
                ),
            ]
        )

    def _elements(self, value: JsonValue, path: tuple[Segment, ...], scope: _Scope) -> Search:
        return value.at(path[0][0]).has_element(scope.holds)


# --- Expressions --------------------------------------------------------------------------------


class _OnObject(Expression):
    """An expression on a JSON field, rendered once the database is known."""

    def __init__(
        self, lookup: str | Combinable, output_field: Field[Any, Any], as_4d: bool | None
    ) -> None:
        super().__init__(output_field=output_field)
        self.as_4d = current().TEXT_COMPARISON == "4d" if as_4d is None else as_4d
        self.source: Any = F(lookup) if isinstance(lookup, str) else lookup

    def get_source_expressions(self) -> list[Any]:
        return [self.source]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self.source,) = exprs

    def render(self, value: JsonValue) -> Sql:
        raise NotImplementedError

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[Any, ...]]:
        dialect = DIALECTS.get(connection.vendor)
        if dialect is None:
            raise NotSupportedError(f"no queries on objects with {connection.display_name}")
        text, params = compiler.compile(self.source)
        context = Context(compiler, self.as_4d)
        return compose("({})", self.render(dialect.column(context, Sql(text, tuple(params)))))


class _Matches(_OnObject):
    def __init__(
        self,
        lookup: str | Combinable,
        tests: tuple[PropertyTest, ...],
        negated: bool,
        as_4d: bool | None,
    ) -> None:
        super().__init__(lookup, BooleanField(), as_4d)
        self.negated = negated
        self.scope = _Scope()
        for test in tests:
            self.scope.add(test)

    @property
    def identity(self) -> tuple[Any, ...]:
        # The text, since 1 and true are equal in Python.
        return (type(self), repr(self.scope), self.negated, self.as_4d, self.source)

    def render(self, value: JsonValue) -> Sql:
        return self.scope.fails(value) if self.negated else self.scope.holds(value).sql()


class _Part(_OnObject):
    """One way to see a value: the name of a method of ``JsonValue``."""

    def __init__(
        self, lookup: str | Combinable, names: Names, part: str, as_4d: bool | None = None
    ) -> None:
        super().__init__(lookup, PARTS[part][0](), as_4d)
        self.names = names
        self.part = part

    def render(self, value: JsonValue) -> Sql:
        return PARTS[self.part][1](value.at(self.names))


PARTS: dict[str, tuple[type[Field[Any, Any]], Callable[[JsonValue], Sql]]] = {
    "rank": (IntegerField, lambda value: value.rank()),
    "number": (FloatField, lambda value: value.number()),
    "floating": (FloatField, lambda value: value.floating()),
    "text": (TextField, lambda value: value.text()),
    "folded": (TextField, lambda value: value.folded()),
    "document": (JSONField, lambda value: value.document()),
}
