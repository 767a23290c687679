"""Constants of a filter → Python values of an attribute's type (``query.md`` 5, D-12, D-45 to D-47).

A constant that no value of the type can be is error 1280, however it is written and compared: its
opposite must not find everything. Numbers are compared whatever their scale and size.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Valued
from fourd_rest.dataclass.values import INTEGER_RANGES, ValueType
from fourd_rest.errors import QUERY_TOO_LARGE, WRONG_OPERAND, RestError
from fourd_rest.request.filter_syntax import (
    Bare,
    Constant,
    Given,
    Items,
    Operand,
    Placeholder,
    Text,
)

_NUMERAL = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE]([+-]?)(\d++))?", re.ASCII)
# One number with other text around it. Of "1,000" or "31.12.2024" a part would be taken, and what holds
# a comparator is the rest of a filter, dropping which would find, and delete, more than it says.
_WITH_DIGITS = re.compile(r"[^\d=<>#!]*?(-?\d++(?:\.\d++)?+)[^\d=<>#!]*+", re.ASCII)
# So would a filter that was form-encoded, and ends with a boolean attribute.
_FORM_ENCODED = re.compile(r"\+(?:and|or|except)\+", re.IGNORECASE)
_MAX_NUMBER = 400
# Digits of an exponent; no number that an attribute holds is near to this.
_MAX_EXPONENT = 9
_PROPERTY_EXPONENT = 3
_NUMBERS = frozenset({*INTEGER_RANGES, "number"})


@dataclass(frozen=True, slots=True)
class Null:
    """The constant ``null``."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """A number that no value of the attribute equals: larger than all of them, or smaller."""

    is_above: bool


NULL = Null()
_NULL_CONSTANT = Constant(None)
_AS_WRITTEN = frozenset({"string", "object"})


def meant(attribute: Attribute, operand: Operand) -> Operand:
    """``operand`` with null for what means null to ``attribute`` (D-47)."""
    if attribute.type in _AS_WRITTEN:
        return operand
    kind = type(operand)
    if kind is Bare or kind is Text:
        return _NULL_CONSTANT if attribute.means_null(operand.text) else operand  # type: ignore[union-attr]
    if isinstance(operand, Items):
        if not any(_means_null(attribute, item) for item in operand.items):
            return operand
        items = operand.items
        return Items(tuple([_NULL_CONSTANT if _means_null(attribute, item) else item for item in items]))
    if isinstance(operand, Given) and isinstance(operand.value, str):
        return _NULL_CONSTANT if attribute.means_null(operand.value) else operand
    if isinstance(operand, Given) and isinstance(operand.value, list):
        given = operand.value
        nulled = [None if isinstance(v, str) and attribute.means_null(v) else v for v in given]
        return Given(nulled, operand.placeholder)
    return operand


def _means_null(attribute: Attribute, item: Operand) -> bool:
    return isinstance(item, (Bare, Text)) and attribute.means_null(item.text)


def several(operand: Operand) -> Iterator[Operand]:
    """The elements of the operand of ``in``; a single value is a list of one."""
    if isinstance(operand, Items):
        elements: Any = operand.items
    elif isinstance(operand, Given) and isinstance(operand.value, list):
        elements = [Given(item, operand.placeholder) for item in operand.value]
    else:
        elements = (operand,)
    limit = current().MAX_IN_VALUES
    if len(elements) > limit:
        raise RestError(QUERY_TOO_LARGE(reason=f"a list has more than {limit} elements"))
    for element in elements:
        if isinstance(element, Given) and isinstance(element.value, (list, dict)):
            raise wrong(element)
        yield element


def is_null(operand: Operand) -> bool:
    """Whether ``operand`` is null, as a constant or as the value of a placeholder."""
    return isinstance(operand, (Constant, Given)) and operand.value is None


def value_of(attribute: Valued, operand: Operand) -> Any:
    """The Python value of ``operand`` for a scalar attribute, ``NULL``, or ``Beyond`` for a number.

    Texts are raw: ``@`` is a character here. Raises ``RestError`` 1280.
    """
    type_ = attribute.value
    if is_null(operand):
        return NULL
    if isinstance(operand, Given) and isinstance(operand.value, (list, dict)):
        raise wrong(operand)
    if type_.name == "string":
        return _text(operand)
    if type_.name == "bool":
        return _boolean(operand)
    if type_.name in _NUMBERS:
        return _number(operand)
    if type_.name == "duration" and (number := _numeral(operand)) is not None:
        return _span(type_, number)
    return _converted(type_, operand)


def key_of(target: DataClass, operand: Operand) -> Any:
    """The key of an entity of ``target``, ``NULL``, or ``Beyond`` for a number that is no key there.

    Raises ``RestError`` 1280.
    """
    if is_null(operand):
        return NULL
    number = _numeral(operand) if target.key_type.name in INTEGER_RANGES else None
    try:
        return target.key_from_wire(_raw(operand) if number is None else number)
    except (ValueError, OverflowError):
        if number is None:
            raise wrong(operand) from None
        return Beyond(number > 0)


def property_value(operand: Operand) -> Any:
    """The value of ``operand`` for a property of an object, which has the type it is written in."""
    match operand:
        case Constant(value):
            return value
        case Text(text):
            return text
        case Given(value):
            if isinstance(value, dict):
                raise wrong(operand)
            return value
        case Bare(text):
            match = _NUMERAL.fullmatch(text)
            if match and len(text) <= _MAX_NUMBER and len(match[2] or "") <= _PROPERTY_EXPONENT:
                return _plain(Decimal(text))
            return text
        case Items(items):
            return [property_value(item) for item in items]
        case Placeholder():
            raise AssertionError("bind comes first")


def _plain(number: Decimal) -> int | Decimal:
    if number == number.to_integral_value() and number.adjusted() < 20:
        return int(number)
    return number


def wrong(operand: Operand) -> RestError:
    """1280 for ``operand``, by its name."""
    if isinstance(operand, Given):
        return RestError(WRONG_OPERAND(operand=f"placeholder {operand.placeholder}"))
    text = operand.text if isinstance(operand, (Bare, Text)) else str(_raw(operand)).lower()
    return RestError(WRONG_OPERAND(operand=f'constant "{text}"'))


def _raw(operand: Operand) -> Any:
    """What stands there: a text or a JSON value."""
    if isinstance(operand, (Bare, Text)):
        return operand.text
    if isinstance(operand, (Constant, Given)):
        return operand.value
    raise AssertionError("bind comes first, and a list has elements")


def _text(operand: Operand) -> str:
    value = _raw(operand)
    if isinstance(value, bool):
        raise wrong(operand)  # true and false are no texts (``query.md`` 5)
    return value if isinstance(value, str) else str(value)


def _boolean(operand: Operand) -> bool:
    value = _raw(operand)
    if isinstance(value, str) and (word := value.strip().lower()) in ("true", "false"):
        return word == "true"
    if not isinstance(value, bool):
        raise wrong(operand)
    return value


def _number(operand: Operand) -> Decimal:
    """The number that a text is, else the only one that it holds: ``v20`` is 20."""
    number = _numeral(operand)
    if number is not None:
        return number
    text = _raw(operand)
    match = _WITH_DIGITS.fullmatch(text) if isinstance(text, str) else None
    if match is None or _FORM_ENCODED.search(match.string):
        raise wrong(operand)
    return Decimal(match[1])


def _numeral(operand: Operand) -> Decimal | None:
    """The number that ``operand`` is, as a number or written out; else None."""
    value = _raw(operand)
    if isinstance(value, str):
        text = value.strip()
        match = _NUMERAL.fullmatch(text)
        if match is None:
            return None
        sign, exponent = match[1], match[2]
        if exponent is not None and len(exponent) > _MAX_EXPONENT:
            text = f"{text[: match.start(1)]}{sign}{'9' * _MAX_EXPONENT}"
        return Decimal(text)
    return None if isinstance(value, bool) or value is None else Decimal(value)


def _span(type_: ValueType, milliseconds: Decimal) -> Any:
    """A duration or time of day of so many milliseconds."""
    # Nothing else could be done with a number of any exponent.
    if not -(10**18) < milliseconds < 10**18:
        return Beyond(milliseconds > 0)
    whole = milliseconds.to_integral_value(ROUND_FLOOR)
    # A part of a millisecond is more than none.
    rest = max(int((milliseconds - whole) * 1000), 1) if whole != milliseconds else 0
    try:
        span = type_.plain(type_.from_wire(int(whole)))
        if isinstance(span, dt.time):
            return span.replace(microsecond=span.microsecond + rest)
        if rest:
            type_.from_wire(int(whole) + 1)
    except ValueError:
        return Beyond(milliseconds > 0)
    return span + dt.timedelta(microseconds=rest)


def _converted(type_: ValueType, operand: Operand) -> Any:
    try:
        converted = type_.from_wire(_raw(operand))
    except (ValueError, OverflowError):
        raise wrong(operand) from None
    # What a blank date means is null.
    return NULL if converted is None else converted
