"""One criterion on one attribute → a condition (``query.md`` 4 to 6, D-17, D-42, D-43, D-45).

A criterion has two faces: which entities it holds for, and which have a value at all. Its negation holds
for those that have a value and for which it does not hold; nobody without a value is ever in either.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from fourd_rest.dataclass.attributes import Annotated, FileAttribute, Relation, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.joins import join_of
from fourd_rest.dataclass.values import INTEGER_RANGES
from fourd_rest.errors import QUERY_NOT_ANALYZED, RestError
from fourd_rest.request.filter_syntax import Comparator, Operand
from fourd_rest.sql.text_folding import TextForm, compares_as_4d, like, text_form

from . import objects, scanning, visible
from .conditions import ALWAYS, NEVER, unmatched
from .constants import NULL, Beyond, Null, is_null, key_of, property_value, several, value_of
from .places import Link, Place, place_of
from .scanning import Scans
from .visible import Visible

_EQUAL = frozenset({Comparator.EQUAL, Comparator.IDENTICAL})
_DIFFERENT = frozenset({Comparator.DIFFERENT, Comparator.NOT_IDENTICAL})
_OF_KEYS = frozenset({*_EQUAL, Comparator.IN})
_OF_TEXTS = frozenset({Comparator.BEGIN, Comparator.WORD})
_LOOKUPS: dict[Comparator, tuple[str, type[Lookup[Any]]]] = {
    Comparator.LESS: ("lt", LessThan),
    Comparator.LESS_OR_EQUAL: ("lte", LessThanOrEqual),
    Comparator.GREATER: ("gt", GreaterThan),
    Comparator.GREATER_OR_EQUAL: ("gte", GreaterThanOrEqual),
}
_MILLISECOND = dt.timedelta(milliseconds=1)
_WIDE = Context(prec=1_000)
_GREATEST_FLOAT = Decimal(sys.float_info.max)
# As long as a database keeps a duration that fits into microseconds of 64 bits.
_LONGEST = dt.timedelta(microseconds=2**63 - 1)


@dataclass(frozen=True, slots=True)
class Judged:
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
    def negated(self) -> Judged:
        """The criterion with ``not`` in front of it."""
        return Judged(self.fails, lambda: self.holds)


def judge(
    caller: Caller, place: Place, comparator: Comparator, operand: Operand, scans: Scans
) -> Judged:
    """The criterion ``place comparator operand``, as seen from where ``place`` begins.

    ``place`` passes no to-many relation. ``scans``: the database that is asked, and how much of it
    Python may look at. Raises ``RestError`` 1200, 1201, 1280, 1574, 9022.
    """
    attribute = place.attribute
    if attribute.type == "object" and not _is_python_s(attribute):
        return _judge_object(caller, place, comparator, operand, scans)
    if comparator in _DIFFERENT:
        equal = Comparator.EQUAL if comparator is Comparator.DIFFERENT else Comparator.IDENTICAL
        return judge(caller, place, equal, operand, scans).negated
    if isinstance(attribute, Valued):
        return _judge_value(caller, place, attribute, comparator, operand, scans)
    if isinstance(attribute, FileAttribute):
        return _judge_file(caller, place, attribute, comparator, operand)
    return _judge_relation(caller, place, attribute, comparator, operand)


def _is_python_s(attribute: Attribute) -> bool:
    return isinstance(attribute, Valued) and attribute.is_compared_in_python


def _judge_value(
    caller: Caller,
    place: Place,
    attribute: Valued,
    comparator: Comparator,
    operand: Operand,
    scans: Scans,
) -> Judged:
    _check_type(place, comparator)
    if attribute.is_compared_in_python:
        if attribute.is_filled_in and comparator in _OF_KEYS:
            return _judge_key(place.dataclass, visible.at(caller, place), operand)
        return _judge_in_python(caller, place, attribute, comparator, operand, scans)
    if isinstance(attribute, Annotated):
        return _judge_annotation(caller, place, attribute, comparator, operand, scans)
    return _judge_column(caller, place, attribute, comparator, operand, scans)


def _check_type(place: Place, comparator: Comparator) -> None:
    """Raise 1574 for a comparator that the type of ``place`` is not for, whatever the value is."""
    type_ = place.attribute.type
    if (comparator in _OF_TEXTS and type_ != "string") or (comparator in _LOOKUPS and type_ == "bool"):
        raise place.wrong_type()


def _null_test(subject: Visible) -> Judged:
    return Judged(subject.absent, lambda: subject.present)


def _among(subject: Visible, condition: Q) -> Judged:
    """``condition``, which SQL does not know of null, among those with a value."""
    holds = condition if condition is not ALWAYS else subject.present
    return Judged(holds & subject.seen if subject.seen else holds, lambda: subject.present & ~condition)


def _never(subject: Visible) -> Judged:
    """What is false of every value."""
    return Judged(NEVER, lambda: subject.present)


# Columns.


def _judge_column(
    caller: Caller,
    place: Place,
    attribute: Valued,
    comparator: Comparator,
    operand: Operand,
    scans: Scans,
) -> Judged:
    subject = visible.at(caller, place)
    if comparator is Comparator.IN:
        return _judge_in(place, attribute, subject, operand)
    value = value_of(attribute, operand)
    if value is NULL:
        return _null_test(subject) if comparator in _EQUAL else _never(subject)
    if comparator is Comparator.WORD:
        return _among(subject, scanning.with_word(caller, place, value, scans))
    return _among(subject, _condition(place, subject.lookup, comparator, value))


def _judge_in(place: Place, attribute: Valued, subject: Visible, operand: Operand) -> Judged:
    values = [value_of(attribute, element) for element in several(operand)]
    known = [value for value in values if not isinstance(value, (Null, Beyond))]
    condition = _any_of(place, subject.lookup, known)
    judged = _among(subject, condition) if known else _never(subject)
    if NULL in values:
        return Judged(judged.holds | subject.absent, judged.make_fails)
    return judged


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
    if comparator in _LOOKUPS:
        return Q(**{f"{lookup}__{_LOOKUPS[comparator][0]}": value})
    return Q(**{lookup: value})


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
        is_smaller = comparator in (Comparator.LESS, Comparator.LESS_OR_EQUAL)
        holds = comparator in _LOOKUPS and is_smaller is (number > high)
        return ALWAYS if holds else NEVER
    if places is None:
        near = float(number)
        if near == 0 and number:
            return _next_to_zero(lookup, comparator, is_above=number > 0)
        return _numeric(lookup, comparator, near)
    step = Decimal(1).scaleb(-places)
    below = number.quantize(step, ROUND_FLOOR, _WIDE)
    if below == number:
        return _numeric(lookup, comparator, below if attribute.type == "number" else int(below))
    # Between two numbers that the column can hold: both are in its range, since the ends are.
    match comparator:
        case Comparator.LESS | Comparator.LESS_OR_EQUAL:
            return _numeric(lookup, Comparator.LESS_OR_EQUAL, below)
        case Comparator.GREATER | Comparator.GREATER_OR_EQUAL:
            return _numeric(lookup, Comparator.GREATER_OR_EQUAL, below + step)
    return NEVER


def _next_to_zero(lookup: str, comparator: Comparator, *, is_above: bool) -> Q:
    """Compare with a number between zero and the floats next to it."""
    if comparator not in _LOOKUPS:
        return NEVER
    is_smaller = comparator in (Comparator.LESS, Comparator.LESS_OR_EQUAL)
    name = {
        (True, True): "lte",
        (True, False): "lt",
        (False, True): "gt",
        (False, False): "gte",
    }[is_smaller, is_above]
    return Q(**{f"{lookup}__{name}": 0.0})


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


def _numeric(lookup: str, comparator: Comparator, number: Any) -> Q:
    if comparator in _LOOKUPS:
        return Q(**{f"{lookup}__{_LOOKUPS[comparator][0]}": number})
    return Q(**{lookup: number})


def _moment_condition(lookup: str, comparator: Comparator, value: Any) -> Q:
    """Clients see milliseconds: within one of them nothing is told apart."""
    if _microseconds(value) % 1000:
        return _numeric(lookup, comparator, value)
    after = _next(value)
    match comparator:
        case Comparator.LESS | Comparator.GREATER_OR_EQUAL:
            return _numeric(lookup, comparator, value)
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
            moved = dt.datetime.combine(dt.date(2000, 1, 1), value) + _MILLISECOND
            return moved.time() if moved.day == 1 else None
        moved = value + _MILLISECOND
    except OverflowError:
        return None
    return None if isinstance(moved, dt.timedelta) and moved > _LONGEST else moved


# Other attributes.


def _judge_file(
    caller: Caller, place: Place, attribute: FileAttribute, comparator: Comparator, operand: Operand
) -> Judged:
    if not is_null(operand) or comparator not in _EQUAL:
        raise place.wrong_type()
    subject = visible.at(caller, place)
    present = subject.present & ~Q(**{subject.lookup: attribute.nothing})
    return Judged(unmatched(present), lambda: present)


def _judge_relation(
    caller: Caller,
    place: Place,
    attribute: Relation[DataClass],
    comparator: Comparator,
    operand: Operand,
) -> Judged:
    """The related entity by its key. Seen from a to-many relation, that is the entity itself."""
    if comparator not in _EQUAL and comparator is not Comparator.IN:
        raise place.wrong_type()
    return _judge_key(attribute.target, visible.at(caller, place), operand)


def _judge_key(target: DataClass, subject: Visible, operand: Operand) -> Judged:
    """A key of ``target``, compared exactly as its field does."""
    if is_null(operand):
        return _null_test(subject)
    found = [key_of(target, element) for element in several(operand)]
    keys = [key for key in found if not isinstance(key, (Null, Beyond))]
    judged = _among(subject, Q(**{f"{subject.lookup}__in": keys}) if keys else NEVER)
    if NULL in found:
        return Judged(judged.holds | subject.absent, judged.make_fails)
    return judged


def _judge_annotation(
    caller: Caller,
    place: Place,
    attribute: Annotated,
    comparator: Comparator,
    operand: Operand,
    scans: Scans,
) -> Judged:
    """SQL computes the value in a query of its own, where it may aggregate."""
    dataclass, seen = place.dataclass, visible.seen(caller, place.hops)
    judged = _judge_column(caller, place_of(dataclass, attribute), attribute, comparator, operand, scans)
    rows = dataclass.model._base_manager.annotate(**{attribute.source: attribute.expression})
    lookup = f"{place.way.prefix}pk__in"
    holds = Q(**{lookup: rows.filter(judged.holds).order_by().values("pk")}) & seen
    fails = Q(**{lookup: rows.filter(judged.fails).order_by().values("pk")}) & seen
    if is_null(operand):
        return Judged(unmatched(fails) if comparator in _EQUAL else NEVER, lambda: fails)
    return Judged(holds, lambda: fails)


def _judge_in_python(
    caller: Caller,
    place: Place,
    attribute: Valued,
    comparator: Comparator,
    operand: Operand,
    scans: Scans,
) -> Judged:
    """Python alone knows the value, entity by entity (``query.md`` 13).

    Of an object it is only asked whether there is one.
    """
    is_whole = place.element is None and not place.steps
    if attribute.type == "object" and not (is_whole and is_null(operand) and comparator in _EQUAL):
        raise place.wrong_type()
    seen = visible.seen(caller, place.hops)
    if is_null(operand):
        present, _ = scanning.judged(caller, place, attribute, lambda value: True, scans)
        present &= seen
        return Judged(unmatched(present) if comparator in _EQUAL else NEVER, lambda: present)
    elements = several(operand) if comparator is Comparator.IN else [operand]
    values = [value_of(attribute, element) for element in elements]
    known = [_plain(attribute, value) for value in values if value is not NULL]
    holds, fails = scanning.judged(caller, place, attribute, scanning.test(comparator, known), scans)
    if NULL in values:
        return Judged(unmatched(fails & seen), lambda: fails & seen)
    return Judged(holds & seen, lambda: fails & seen)


def _plain(attribute: Valued, value: Any) -> Any:
    """A constant, of which a custom field has made its own value, as a value of the type."""
    return value if isinstance(value, (str, Decimal, Beyond)) else attribute.plain(value)


# Objects.


def _judge_object(
    caller: Caller, place: Place, comparator: Comparator, operand: Operand, scans: Scans
) -> Judged:
    test = property_test(caller, place, comparator, operand, scans)
    return judge_properties(caller, place, [test])


def property_test(
    caller: Caller, place: Place, comparator: Comparator, operand: Operand, scans: Scans
) -> objects.PropertyTest:
    """The criterion as a test of a property, for ``judge_properties``.

    Raises ``RestError`` 1200, 1201, 1280, 1574 or 9022.
    """
    if _is_python_s(place.attribute):
        raise place.wrong_type()
    if comparator is Comparator.IN:
        value: Any = [property_value(element) for element in several(operand)]
    else:
        value = property_value(operand)
        if isinstance(value, list):
            raise RestError(QUERY_NOT_ANALYZED(reason="only in takes a list"))
        if comparator is Comparator.WORD:
            value = scanning.texts_with_word(caller, place, value, scans)
    return objects.PropertyTest(place.element, place.steps, comparator, value)


def judge_properties(caller: Caller, place: Place, tests: list[objects.PropertyTest]) -> Judged:
    """Criteria on properties of one object; those with one letter bear on one element."""
    lookup = visible.annotation(place) or place.lookup
    seen = visible.seen(caller, place.hops)
    as_4d = compares_as_4d(place.dataclass, place.attribute)
    try:
        holds = Q(objects.matches(lookup, tests, as_4d=as_4d))
        fails = Q(objects.matches(lookup, tests, negated=True, as_4d=as_4d))
    except ValueError as error:
        raise RestError(QUERY_NOT_ANALYZED(reason=str(error))) from error
    if not seen:
        return Judged(holds, lambda: fails)
    # What belongs to an entity that is hidden is null, and has no collections.
    if len(tests) == 1 and not _in_brackets(tests[0]):
        value, comparator = tests[0].value, tests[0].comparator
        if (value is None and comparator in _EQUAL) or (comparator is Comparator.IN and None in value):
            return Judged(holds & seen | unmatched(seen), lambda: seen & fails)
        if value is None and comparator in _DIFFERENT:
            return Judged(seen & holds, lambda: unmatched(seen & holds))
    return Judged(seen & holds, lambda: seen & fails)


def _in_brackets(test: objects.PropertyTest) -> bool:
    return test.element is not None or any(step.element is not None for step in test.steps)


# Relations to many.


def exists(caller: Caller, link: Link, condition: Q) -> Q:
    """Whether some related entity that the caller may see fulfils ``condition``."""
    join = join_of(link.owner, link.attribute)
    rows: Any = link.target.entities(caller.request).order_by().filter(condition)
    rows = visible.apart(link.target, rows)
    rows = rows.filter(**{join.path: OuterRef(f"{link.way.prefix}{join.column}")})
    return Q(Exists(rows)) & visible.seen(caller, link.way.hops)
