"""What is computed of one attribute's values, and how ``$compute`` shows it (``responses.md`` 4, 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Any

import orjson

from fourd_rest.dataclass.values import moment_to_wire
from fourd_rest.sql.text_folding import fold

from .computables import Computable

# In the order in which ``$all`` tells them.
ACTIONS = ("count", "sum", "average", "min", "max")

_EXACT = Context(prec=60, traps=[Inexact])
# As exact as a double is.
_ROUNDED = Context(prec=17)


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Of the values that are not null: how many there are, their sum, the first and the last of them."""

    filled: int = 0
    total: Any = None
    low: Any = None
    high: Any = None

    @classmethod
    def of(cls, asked: Computable, values: Iterable[Any]) -> Aggregates:
        """The same of values that Python has computed."""
        present = [value for value in values if value is not None]
        if not present:
            return cls()
        total = sum(present) if asked.is_number else None
        key = _text_order if asked.is_text else None
        return cls(len(present), total, min(present, key=key), max(present, key=key))

    def followed_by(self, others: Aggregates) -> Aggregates:
        """These and the ones of values that all come after, of which none are added up."""
        return Aggregates(
            self.filled or others.filled,
            self.total if self.total is not None else others.total,
            self.low if self.low is not None else others.low,
            others.high if others.high is not None else self.high,
        )


def unique(asked: Computable, values: Iterable[Any]) -> list[Any]:
    """The different ones of ``values`` but null, ascending; of equal texts the first by code point."""
    present = {value for value in values if value is not None}
    if not asked.is_text:
        return sorted(present)
    # Reversed, so that the first of equal texts is put in last, and stays.
    first = {fold(text): text for text in sorted(present, key=_text_order, reverse=True)}
    return [first[folded] for folded in sorted(first)]


def _text_order(text: str) -> tuple[str, str]:
    return fold(text), text


def answer(asked: Computable, found: Aggregates, count: int, action: str) -> Any:
    """JSON of what ``action`` asks; ``count`` is the number of entities, nulls included."""
    match action:
        case "count":
            return count
        case "sum":
            return 0 if found.total is None else _number(found.total)
        case "average":
            return _average(found)
        case "min":
            return _to_json(asked, found.low)
    return _to_json(asked, found.high)


def _average(found: Aggregates) -> Any:
    """Exact where it can be written out, else with 17 digits."""
    if not found.filled:
        return None
    if isinstance(found.total, float):
        return found.total / found.filled
    total, filled = Decimal(found.total), Decimal(found.filled)
    try:
        quotient = _EXACT.divide(total, filled)
    except Inexact:
        quotient = _ROUNDED.divide(total, filled)
    return _number(quotient.normalize(_EXACT))


def _number(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    # A fragment keeps every digit; a float would not.
    return orjson.Fragment(format(value, "f")) if value.is_finite() else None


def _to_json(asked: Computable, value: Any) -> Any:
    """The first or last value: a date is a moment here, everything else as a read shows it."""
    if value is None or asked.is_property:
        return _number(value)
    if isinstance(value, dt.datetime):
        return moment_to_wire(value)
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00.000Z"
    return asked.attribute.to_wire(value)
