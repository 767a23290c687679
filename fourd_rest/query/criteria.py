"""One criterion on one attribute → a condition (``query.md`` 4 to 6, D-17, D-42, D-43, D-45).

A criterion is two conditions: which entities it holds for, and which it fails for. It fails for those
that have a value and for which it does not hold; an entity without a value is in neither.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context, Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Lookup,
)

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Annotated, FileAttribute, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.joins import join_of
from fourd_rest.dataclass.values import INTEGER_RANGES, LONGEST_DURATION, MILLISECOND
from fourd_rest.errors import QUERY_NOT_ANALYZED, RestError
from fourd_rest.request.filter_syntax import Comparator
from fourd_rest.sql.text_folding import TextForm, compares_as_4d, like, text_form

from . import objects, scanning, visible
from .conditions import ALWAYS, NEVER, unmatched
from .constants import NULL, Beyond, Null, is_null, key_of, property_value, several, value_of
from .objects import DIFFERING
from .places import Link, Place, place_of
from .scanning import Scans
from .terms import Criterion
from .visible import Visible

_EQUAL = frozenset({Comparator.EQUAL, Comparator.IDENTICAL})
_OF_KEYS = frozenset({*_EQUAL, Comparator.IN})
_OF_TEXTS = frozenset({Comparator.BEGIN, Comparator.WORD})
_SMALLER = frozenset({Comparator.LESS, Comparator.LESS_OR_EQUAL})
_LOOKUPS: dict[Comparator, tuple[str, type[Lookup[Any]]]] = {
    Comparator.LESS: ("lt", LessThan),
    Comparator.LESS_OR_EQUAL: ("lte", LessThanOrEqual),
    Comparator.GREATER: ("gt", GreaterThan),
    Comparator.GREATER_OR_EQUAL: ("gte", GreaterThanOrEqual),
}
_WIDE = Context(prec=1_000)
_GREATEST_FLOAT = Decimal(sys.float_info.max)


@dataclass(frozen=True, slots=True)
class ConditionPair:
    """A criterion as two conditions: ``holds``, and ``fails`` for what it is false of, not null for.

    Most criteria stand without ``not``: the second condition is made where it is asked for.
    """

    holds: Q
    make_fails: Callable[[], Q]

    @property
    def fails(self) -> Q:
        """The entities with a value for which the criterion is false."""
        return self.make_fails()

    @property
    def negated(self) -> ConditionPair:
        """The criterion with ``not`` in front of it."""
        return ConditionPair(self.fails, lambda: self.holds)


class Criteria:
    """Turns the criteria of one filter into conditions on the entities where their places begin.

    ``alias`` is the database that is asked. The places pass no to-many relation: what comes behind one
    is for ``exists``.
    """

    def __init__(self, caller: Caller, alias: str) -> None:
        self.caller = caller
        self.scans = Scans(alias)

    def pair(self, criterion: Criterion) -> ConditionPair:
        """The conditions of ``criterion``. Raises ``RestError`` 1200, 1201, 1280, 1574, 9022."""
        attribute = criterion.place.attribute
        if attribute.type == "object" and not _is_for_python(attribute):
            return self.property_pair([criterion])
        if (equal := DIFFERING.get(criterion.comparator)) is not None:
            return self.pair(replace(criterion, comparator=equal)).negated
        if isinstance(attribute, Valued):
            return self._value(criterion, attribute)
        if isinstance(attribute, FileAttribute):
            return self._file(criterion, attribute)
        # The related entity by its key. Seen from a to-many relation, that is the entity itself.
        if criterion.comparator not in _OF_KEYS:
            raise criterion.place.wrong_type()
        return self._key(attribute.target, criterion)

    def property_pair(self, criteria: Sequence[Criterion]) -> ConditionPair:
        """Criteria on properties of one object; those with one letter bear on one element.

        Raises ``RestError`` 1200, 1201, 1280, 1574, 9022.
        """
        place = criteria[0].place
        tests = [self._property_test(criterion) for criterion in criteria]
        lookup = visible.annotation(place) or place.lookup
        seen = visible.seen(self.caller, place.hops)
        as_4d = compares_as_4d(place.dataclass, place.attribute)
        try:
            holds = Q(objects.matches(lookup, tests, as_4d=as_4d))
            fails = Q(objects.matches(lookup, tests, negated=True, as_4d=as_4d))
        except ValueError as error:
            raise RestError(QUERY_NOT_ANALYZED(reason=str(error))) from error
        if not seen:
            return ConditionPair(holds, lambda: fails)
        # What belongs to an entity that is hidden is null, and has no collections.
        if len(tests) == 1 and not place.has_brackets:
            value, comparator = tests[0].value, tests[0].comparator
            if (value is None and comparator in _EQUAL) or (
                comparator is Comparator.IN and None in value
            ):
                return ConditionPair(holds & seen | unmatched(seen), lambda: seen & fails)
            if value is None and comparator in DIFFERING:
                return ConditionPair(seen & holds, lambda: unmatched(seen & holds))
        return ConditionPair(seen & holds, lambda: seen & fails)

    def exists(self, link: Link, condition: Q) -> Q:
        """Whether some related entity that the caller may see fulfils ``condition``."""
        join = join_of(link.owner, link.attribute)
        rows: Any = link.target.entities(self.caller.request).order_by().filter(condition)
        rows = visible.apart(link.target, rows)
        rows = rows.filter(**{join.path: OuterRef(f"{link.way.prefix}{join.column}")})
        return Q(Exists(rows)) & visible.seen(self.caller, link.way.hops)

    def _property_test(self, criterion: Criterion) -> objects.PropertyTest:
        place, comparator, operand = criterion.place, criterion.comparator, criterion.operand
        if _is_for_python(place.attribute):
            raise place.wrong_type()
        if comparator is Comparator.IN:
            value: Any = [property_value(element) for element in several(operand)]
        else:
            value = property_value(operand)
            if isinstance(value, list):
                raise RestError(QUERY_NOT_ANALYZED(reason="only in takes a list"))
            if comparator is Comparator.WORD:
                value = scanning.texts_with_word(self.caller, place, value, self.scans)
        return objects.PropertyTest(place.element, place.steps, comparator, value)

    def _value(self, criterion: Criterion, attribute: Valued) -> ConditionPair:
        _check_type(criterion.place, criterion.comparator)
        if attribute.is_compared_in_python:
            if attribute.is_filled_in and criterion.comparator in _OF_KEYS:
                return self._key(criterion.place.dataclass, criterion)
            return self._in_python(criterion, attribute)
        if isinstance(attribute, Annotated):
            return self._annotation(criterion, attribute)
        return self._column(criterion, attribute)

    def _column(self, criterion: Criterion, attribute: Valued) -> ConditionPair:
        place, comparator = criterion.place, criterion.comparator
        subject = visible.at(self.caller, place)
        if comparator is Comparator.IN:
            values = [value_of(attribute, element) for element in several(criterion.operand)]
            known = [value for value in values if not isinstance(value, (Null, Beyond))]
            return _one_of(subject, values, _any_of(place, subject.lookup, known))
        value = value_of(attribute, criterion.operand)
        if value is NULL:
            return _null_test(subject) if comparator in _EQUAL else _among(subject, NEVER)
        if comparator is Comparator.WORD:
            return _among(subject, scanning.with_word(self.caller, place, value, self.scans))
        return _among(subject, _condition(place, subject.lookup, comparator, value))

    def _file(self, criterion: Criterion, attribute: FileAttribute) -> ConditionPair:
        if not is_null(criterion.operand) or criterion.comparator not in _EQUAL:
            raise criterion.place.wrong_type()
        subject = visible.at(self.caller, criterion.place)
        present = subject.present & ~Q(**{subject.lookup: attribute.nothing})
        return ConditionPair(unmatched(present), lambda: present)

    def _key(self, target: DataClass, criterion: Criterion) -> ConditionPair:
        """A key of ``target``, compared exactly as its field does."""
        subject = visible.at(self.caller, criterion.place)
        if is_null(criterion.operand):
            return _null_test(subject)
        found = [key_of(target, element) for element in several(criterion.operand)]
        keys = [key for key in found if not isinstance(key, (Null, Beyond))]
        return _one_of(subject, found, Q(**{f"{subject.lookup}__in": keys}) if keys else NEVER)

    def _annotation(self, criterion: Criterion, attribute: Annotated) -> ConditionPair:
        """SQL computes the value in a query of its own, where it may aggregate."""
        place, operand = criterion.place, criterion.operand
        seen = visible.seen(self.caller, place.hops)
        inner = self._column(replace(criterion, place=place_of(place.dataclass, attribute)), attribute)
        rows = visible.annotated(place.dataclass, attribute)
        lookup = f"{place.way.prefix}pk__in"
        holds = Q(**{lookup: rows.filter(inner.holds).order_by().values("pk")}) & seen
        fails = Q(**{lookup: rows.filter(inner.fails).order_by().values("pk")}) & seen
        if is_null(operand):
            return _null_pair(fails, criterion.comparator)
        return ConditionPair(holds, lambda: fails)

    def _in_python(self, criterion: Criterion, attribute: Valued) -> ConditionPair:
        """Python alone knows the value, entity by entity (``query.md`` 13).

        Of an object it is only asked whether there is one.
        """
        place, comparator, operand = criterion.place, criterion.comparator, criterion.operand
        is_whole = place.element is None and not place.steps
        if attribute.type == "object" and not (is_whole and is_null(operand) and comparator in _EQUAL):
            raise place.wrong_type()
        seen = visible.seen(self.caller, place.hops)
        if is_null(operand):
            present, _ = scanning.scan(self.caller, place, attribute, lambda value: True, self.scans)
            return _null_pair(present & seen, comparator)
        elements = several(operand) if comparator is Comparator.IN else [operand]
        values = [value_of(attribute, element) for element in elements]
        known = [_plain(attribute, value) for value in values if value is not NULL]
        test = scanning.test(comparator, known)
        holds, fails = scanning.scan(self.caller, place, attribute, test, self.scans)
        if NULL in values:
            return ConditionPair(unmatched(fails & seen), lambda: fails & seen)
        return ConditionPair(holds & seen, lambda: fails & seen)


def _is_for_python(attribute: Attribute) -> bool:
    return isinstance(attribute, Valued) and attribute.is_compared_in_python


def _plain(attribute: Valued, value: Any) -> Any:
    """A constant, of which a custom field has made its own value, as a value of the type."""
    return value if isinstance(value, (str, Decimal, Beyond)) else attribute.plain(value)


def _check_type(place: Place, comparator: Comparator) -> None:
    """Raise 1574 for a comparator that the type of ``place`` is not for, whatever the value is."""
    type_ = place.attribute.type
    if (comparator in _OF_TEXTS and type_ != "string") or (comparator in _LOOKUPS and type_ == "bool"):
        raise place.wrong_type()


# Pairs of conditions.


def _null_test(subject: Visible) -> ConditionPair:
    return ConditionPair(subject.absent, lambda: subject.present)


def _null_pair(present: Q, comparator: Comparator) -> ConditionPair:
    """A comparison with null, where ``present`` says whether there is a value."""
    return ConditionPair(unmatched(present) if comparator in _EQUAL else NEVER, lambda: present)


def _among(subject: Visible, condition: Q) -> ConditionPair:
    """``condition``, which SQL does not know of null, among those with a value."""
    if condition is NEVER:
        return ConditionPair(NEVER, lambda: subject.present)
    holds = condition if condition is not ALWAYS else subject.present
    return ConditionPair(
        holds & subject.seen if subject.seen else holds, lambda: subject.present & ~condition
    )


def _one_of(subject: Visible, values: Sequence[Any], condition: Q) -> ConditionPair:
    """``condition``: whether the value is one of those ``values`` that are not null."""
    pair = _among(subject, condition)
    if NULL in values:
        return ConditionPair(pair.holds | subject.absent, pair.make_fails)
    return pair


# Columns.


def _condition(place: Place, lookup: str, comparator: Comparator, value: Any) -> Q:
    """``lookup comparator value`` for a value that is not null."""
    attribute = place.attribute
    if isinstance(value, Beyond):
        return ALWAYS if scanning.is_passed(comparator, value) else NEVER
    if attribute.type == "string":
        return _text_condition(text_form(place.dataclass, attribute, lookup), comparator, value)
    if attribute.type in {"word", "long", "long64", "number"}:
        return _number_condition(attribute, lookup, comparator, value)
    if isinstance(value, (dt.datetime, dt.time, dt.timedelta)):
        return _moment_condition(lookup, comparator, value)
    return _compared(lookup, comparator, value)


def _any_of(place: Place, lookup: str, values: list[Any]) -> Q:
    """Whether the attribute equals one of ``values``."""
    if not values:
        return NEVER
    if place.attribute.type != "string":
        conditions = (_condition(place, lookup, Comparator.EQUAL, value) for value in values)
        # To isinstance a datetime is a date, too; it is compared by the millisecond.
        if place.attribute.type in {"uuid", "bool"} or type(values[0]) is dt.date:
            return Q(**{f"{lookup}__in": values})
        if place.attribute.type in INTEGER_RANGES:
            low, high = INTEGER_RANGES["long64"]
            whole = [int(v) for v in values if low <= v <= high and v == v.to_integral_value()]
            return Q(**{f"{lookup}__in": whole}) if whole else NEVER
        return _union(conditions)
    form = text_form(place.dataclass, place.attribute, lookup)
    plain = [form.constant(value) for value in values if "@" not in value]
    condition = Q(In(form.expression, [Value(text) for text in plain])) if plain else NEVER
    for value in values:
        if "@" in value:
            pattern = _text_condition(form, Comparator.EQUAL, value)
            if pattern is ALWAYS:
                return ALWAYS
            condition |= pattern
    return condition


def _union(conditions: Iterator[Q]) -> Q:
    union = next(conditions)
    for condition in conditions:
        union |= condition
    return union


# Texts.


def _text_condition(form: TextForm, comparator: Comparator, text: str) -> Q:
    match comparator:
        case Comparator.IDENTICAL:
            return Q(Exact(form.expression, Value(form.constant(text))))
        case Comparator.BEGIN:
            return _pattern(form, text if text.endswith("@") else f"{text}@")
        case Comparator.EQUAL:
            return _pattern(form, text)
    _, lookup = _LOOKUPS[comparator]
    # In comparisons of order a wildcard at the end says nothing.
    return Q(lookup(form.expression, Value(form.constant(text.removesuffix("@")))))


def _pattern(form: TextForm, text: str) -> Q:
    """Whether a text equals ``text``, in which ``@`` stands for any characters; ``@@`` for none."""
    if "@@" in text:
        return NEVER
    parts = [form.constant(part) for part in text.split("@")]
    if len(parts) == 1:
        return Q(Exact(form.expression, Value(parts[0])))
    if not any(parts):
        return ALWAYS
    return Q(like(form.expression, parts))


# Numbers and moments.


def _number_condition(attribute: Attribute, lookup: str, comparator: Comparator, number: Decimal) -> Q:
    """Compare exactly: a column holds only numbers of its own scale and range."""
    low, high, places = _range(attribute)
    if not low <= number <= high:
        return ALWAYS if scanning.is_passed(comparator, Beyond(number > high)) else NEVER
    if places is None:
        near = float(number)
        if near == 0 and number:
            return _next_to_zero(lookup, comparator, is_above=number > 0)
        return _compared(lookup, comparator, near)
    step = Decimal(1).scaleb(-places)
    below = number.quantize(step, ROUND_FLOOR, _WIDE)
    if below == number:
        return _compared(lookup, comparator, below if attribute.type == "number" else int(below))
    # Between two numbers that the column can hold: both are in its range, since the ends are.
    match comparator:
        case Comparator.LESS | Comparator.LESS_OR_EQUAL:
            return _compared(lookup, Comparator.LESS_OR_EQUAL, below)
        case Comparator.GREATER | Comparator.GREATER_OR_EQUAL:
            return _compared(lookup, Comparator.GREATER_OR_EQUAL, below + step)
    return NEVER


def _next_to_zero(lookup: str, comparator: Comparator, *, is_above: bool) -> Q:
    """Compare with a number between zero and the floats next to it."""
    if comparator not in _LOOKUPS:
        return NEVER
    if comparator in _SMALLER:
        return _compared(lookup, Comparator.LESS_OR_EQUAL if is_above else Comparator.LESS, 0.0)
    return _compared(lookup, Comparator.GREATER if is_above else Comparator.GREATER_OR_EQUAL, 0.0)


# Reading it from the field takes 5 µs.
@lru_cache(maxsize=1_000)
def _range(attribute: Attribute) -> tuple[Decimal, Decimal, int | None]:
    """The least and the greatest number of a column, and how many decimals it has, None for a float."""
    if attribute.type != "number":
        low, high = INTEGER_RANGES["long64"]
        return Decimal(low), Decimal(high), 0
    places = getattr(attribute.own_field, "decimal_places", None)
    digits = getattr(attribute.own_field, "max_digits", None)
    if places is None or digits is None:
        return -_GREATEST_FLOAT, _GREATEST_FLOAT, None
    greatest = (Decimal(10) ** digits - 1).scaleb(-places, _WIDE)
    return -greatest, greatest, places


def _compared(lookup: str, comparator: Comparator, value: Any) -> Q:
    if comparator in _LOOKUPS:
        return Q(**{f"{lookup}__{_LOOKUPS[comparator][0]}": value})
    return Q(**{lookup: value})


def _moment_condition(lookup: str, comparator: Comparator, value: Any) -> Q:
    """Clients see milliseconds: values within one of them are equal."""
    if _microseconds(value) % 1000:
        return _compared(lookup, comparator, value)
    after = _next(value)
    match comparator:
        case Comparator.LESS | Comparator.GREATER_OR_EQUAL:
            return _compared(lookup, comparator, value)
        case Comparator.LESS_OR_EQUAL:
            return ALWAYS if after is None else Q(**{f"{lookup}__lt": after})
        case Comparator.GREATER:
            return NEVER if after is None else Q(**{f"{lookup}__gte": after})
    equal = Q(**{f"{lookup}__gte": value})
    return equal if after is None else equal & Q(**{f"{lookup}__lt": after})


def _microseconds(value: Any) -> int:
    return int(value.microseconds if isinstance(value, dt.timedelta) else value.microsecond)


def _next(value: Any) -> Any:
    """The next millisecond, None where there is none."""
    try:
        if isinstance(value, dt.time):
            moved = dt.datetime.combine(dt.date(2000, 1, 1), value) + MILLISECOND
            return moved.time() if moved.day == 1 else None
        moved = value + MILLISECOND
    except OverflowError:
        return None
    return None if isinstance(moved, dt.timedelta) and moved > LONGEST_DURATION else moved
