"""Constants of a filter → Python values of an attribute's type (``query.md`` 5, D-12, D-45).

A constant that no value of the type can equal converts to nothing: it matches no entity. Only a
placeholder whose value cannot be meant is an error (1280).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute
from fourd_rest.dataclass.values import ValueType
from fourd_rest.errors import PLACEHOLDER_TYPE, QUERY_TOO_LARGE, RestError

from .syntax import Bare, Constant, Given, Items, Operand, Placeholder, Text

_NUMERAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DIGITS = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_MAX_NUMBER = 400


@dataclass(frozen=True, slots=True)
class Null:
    """The constant ``null``."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A constant that no value of the attribute's type equals."""


NULL = Null()
NOTHING = Nothing()


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
            raise _wrong(element)
        yield element


def is_null(operand: Operand) -> bool:
    return isinstance(operand, (Constant, Given)) and operand.value is None


def value_of(attribute: Attribute, operand: Operand) -> Any:
    """The Python value of ``operand`` for a scalar attribute, ``NULL`` or ``NOTHING``.

    Texts are raw: ``@`` is a character here. Raises ``RestError`` 1280.
    """
    type_ = attribute.value
    assert type_ is not None  # noqa: S101  (a scalar attribute has a type)
    if is_null(operand):
        return NULL
    if isinstance(operand, Given) and isinstance(operand.value, (list, dict)):
        raise _wrong(operand)
    if type_.name == "string":
        return _text(operand)
    if type_.name == "bool":
        return _boolean(operand)
    if type_.name in {"word", "long", "long64", "number"}:
        return _number(operand)
    return _converted(type_, operand)


def property_value(operand: Operand) -> Any:
    """The value of ``operand`` for a property of an object, which has the type it is written in."""
    match operand:
        case Constant(value):
            return value
        case Text(text):
            return text
        case Given(value):
            if isinstance(value, dict):
                raise _wrong(operand)
            return value
        case Bare(text):
            if _NUMERAL.fullmatch(text) and len(text) <= _MAX_NUMBER:
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


def _wrong(operand: Given) -> RestError:
    return RestError(PLACEHOLDER_TYPE(placeholder=operand.placeholder))


def _text(operand: Operand) -> Any:
    match operand:
        case Bare(text) | Text(text):
            return text
        case Given(value):
            if isinstance(value, bool):
                return NOTHING
            return value if isinstance(value, str) else str(value)
    return NOTHING  # true and false are no texts (``query.md`` 5)


def _boolean(operand: Operand) -> Any:
    if isinstance(operand, (Constant, Given)) and isinstance(operand.value, bool):
        return operand.value
    if isinstance(operand, Given):
        raise _wrong(operand)
    return NOTHING


def _number(operand: Operand) -> Any:
    match operand:
        case Given(value) if isinstance(value, bool):
            raise _wrong(operand)
        case Given(value) if isinstance(value, (int, Decimal)):
            number = Decimal(value)
            return number if number.is_finite() and abs(number.adjusted()) <= _MAX_NUMBER else NOTHING
        case Given(value):
            found = _digits(str(value))
            if found is NOTHING:
                raise _wrong(operand)
            return found
        case Bare(text) | Text(text):
            return _digits(text)
    return NOTHING


def _digits(text: str) -> Any:
    """The number that a text is, else the first that it holds: ``v20`` is 20."""
    if len(text) > _MAX_NUMBER:
        return NOTHING
    match = _NUMERAL.fullmatch(text.strip()) or _DIGITS.search(text)
    return Decimal(match[0]) if match else NOTHING


def _converted(type_: ValueType, operand: Operand) -> Any:
    match operand:
        case Bare(text) | Text(text):
            value: Any = text
        case Given(given):
            value = given
        case _:
            return NOTHING
    try:
        converted = type_.from_wire(value)
    except ValueError:
        if isinstance(operand, Given):
            raise _wrong(operand) from None
        return NOTHING
    # What a blank date means is null.
    return NULL if converted is None else converted
