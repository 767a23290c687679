"""Criteria that Python decides (``query.md`` 4.2 and 13).

They are about keywords, computed attributes, and fields that store something else than they show. SQL
narrows the entities down where it can. What is left is looked at one by one, up to
``MAX_SCANNED_ENTITIES``, and the condition names the keys that were found. Of objects it names the
texts: which element of a collection holds one is left to SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import CharField, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from fourd_rest.conf import current
from fourd_rest.dataclass.attributes import Annotated, Computed, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.values import MILLISECOND
from fourd_rest.errors import QUERY_NOT_COMPLETED, RestError
from fourd_rest.request.filter_syntax import Comparator, Step
from fourd_rest.sql import limits
from fourd_rest.sql.digests import digest
from fourd_rest.sql.json_sql import LENGTH
from fourd_rest.sql.key_membership import key_in
from fourd_rest.sql.text_folding import fold, like, text_form

from .constants import Beyond
from .places import Place
from .visible import annotated
from .words import fits, keyword, narrowing

Test = Callable[[Any], bool]

# Of objects, with a word of the filter: MariaDB takes a statement of 16 MB, and each has 67 bytes in it.
MAX_TEXTS = 100_000
# Rows that are in memory at once: entities, for whose sake others may be prefetched, or single values,
# each of which may be an object of any size.
_ENTITIES, _VALUES = 2_000, 100


class Scans:
    """Where the entities of one filter are looked at, how many more may be, and how many texts be found.

    The limits are those of the filter, however many of its criteria Python decides.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.limit = self.left = current().MAX_SCANNED_ENTITIES
        self.texts_left = MAX_TEXTS

    def bounded(self, rows: QuerySet[Any, Any], size: int = _VALUES) -> Iterator[Any]:
        """The rows, within ``limits.streaming``. Raises 1200, and 9026 for what takes too long."""
        # Without a size Django refuses to iterate where get_queryset prefetches.
        for row in rows[: self.left + 1].iterator(size):
            if self.left == 0:
                reason = f"more than {self.limit} entities would have to be looked at"
                raise RestError(QUERY_NOT_COMPLETED(reason=reason))
            self.left -= 1
            limits.check()
            yield row


def with_word(caller: Caller, place: Place, word: str, scans: Scans) -> Q:
    """Whether the text at ``place`` holds the word."""
    column = place.attribute.column
    rows = _rows(caller, place, scans).filter(**{f"{column}__isnull": False})
    part = narrowing(word)
    if part:
        form = text_form(place.dataclass, place.attribute, column)
        rows = rows.filter(like(form.expression, ["", form.constant(part), ""]))
    text = Cast(column, TextField()) if not _is_text(place) else None
    if text is not None:
        rows, column = rows.annotate(_fourd_text=text), "_fourd_text"
    holds = keyword(word)
    with limits.streaming(scans.alias):
        pairs = scans.bounded(rows.values_list("pk", column))
        return _named(place, (key for key, value in pairs if holds(str(value))))


def scan(caller: Caller, place: Place, attribute: Valued, test: Test, scans: Scans) -> tuple[Q, Q]:
    """For which entities the value at ``place`` passes ``test``, and for which it fails."""
    with limits.streaming(scans.alias):
        found = [
            (key, test(value))
            for key, value in _values(_rows(caller, place, scans), attribute, scans)
            # What is no number compares with nothing, and reads as null.
            if value is not None and not _is_nan(value)
        ]
    return (
        _named(place, (key for key, passes in found if passes)),
        _named(place, (key for key, passes in found if not passes)),
    )


def _values(rows: QuerySet[Any], attribute: Valued, scans: Scans) -> Iterator[tuple[Any, Any]]:
    """Of every entity the key and the value that Python computes, or that a read shows."""
    if isinstance(attribute, Computed):
        for instance in scans.bounded(rows, _ENTITIES):
            yield instance.pk, _in_milliseconds(attribute.compute(instance))
        return
    for key, value in scans.bounded(rows.values_list("pk", attribute.column)):
        yield key, _in_milliseconds(attribute.plain(value))


def texts_with_word(caller: Caller, place: Place, word: Any, scans: Scans) -> list[str]:
    """The digests of all texts at the property ``place`` that hold the word, in brackets or not."""
    if not isinstance(word, str):
        return []
    column = place.attribute.column
    rows = _rows(caller, place, scans).filter(**{f"{column}__isnull": False})
    holds = keyword(word)
    found: set[str] = set()
    with limits.streaming(scans.alias):
        for value in scans.bounded(rows.values_list(column, flat=True)):
            for text in _walk(value, place.steps_within):
                if isinstance(text, str) and holds(text):
                    found.add(digest(text))
                    if len(found) > scans.texts_left:
                        reason = f"more than {MAX_TEXTS} texts hold the word"
                        raise RestError(QUERY_NOT_COMPLETED(reason=reason))
    scans.texts_left -= len(found)
    return sorted(found)


def test(comparator: Comparator, values: list[Any]) -> Test:
    """Whether a Python value compares so to one of ``values``, which are of its type."""
    tests = [_single(comparator, value) for value in values]
    return lambda value: any(passes(value) for passes in tests)


def _rows(caller: Caller, place: Place, scans: Scans) -> QuerySet[Any]:
    attribute = place.attribute
    if isinstance(attribute, Annotated):
        rows = annotated(place.dataclass, attribute)
    else:
        rows = place.dataclass.entities(caller.request)
    return rows.using(scans.alias).order_by()


def _is_text(place: Place) -> bool:
    return type(place.attribute.own_field) in (CharField, TextField)


def _named(place: Place, keys: Iterable[Any]) -> Q:
    return Q(key_in(list(keys), f"{place.way.prefix}pk"))


def _walk(value: Any, steps: Sequence[Step]) -> Iterator[Any]:
    """The values within ``value`` at the end of ``steps``; the first step is ``value`` itself."""
    first, *rest = steps
    values = [value]
    if first.element is not None:
        values = value if isinstance(value, list) else []
    for item in values:
        if rest:
            yield from _walk(_property(item, rest), rest)
        else:
            yield item


def _property(value: Any, steps: Sequence[Step]) -> Any:
    """What the first of ``steps`` finds in ``value``, by the rules of ``objects``."""
    step, *rest = steps
    if isinstance(value, list) and step.name == LENGTH and (not rest or step.element is not None):
        return len(value)
    return value.get(step.name) if isinstance(value, dict) else None


def _in_milliseconds(value: Any) -> Any:
    """``value`` as clients see it: moments, times and durations in whole milliseconds."""
    if isinstance(value, dt.timedelta):
        return value // MILLISECOND * MILLISECOND
    if isinstance(value, (dt.datetime, dt.time)):
        value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    if isinstance(value, dt.datetime) and settings.USE_TZ and timezone.is_naive(value):
        return timezone.make_aware(value, timezone.get_default_timezone())
    return value


def is_passed(comparator: Comparator, wanted: Beyond) -> bool:
    """Whether every number compares so to one beyond all of them."""
    if wanted.is_above:
        return comparator in (Comparator.LESS, Comparator.LESS_OR_EQUAL)
    return comparator in (Comparator.GREATER, Comparator.GREATER_OR_EQUAL)


def _single(comparator: Comparator, wanted: Any) -> Test:
    if comparator is Comparator.WORD:
        return keyword(wanted)
    if isinstance(wanted, Beyond):
        return lambda value: is_passed(comparator, wanted)
    if isinstance(wanted, str):
        return _text_test(comparator, wanted)
    match comparator:
        case Comparator.LESS:
            return lambda value: bool(_exact(value) < wanted)
        case Comparator.LESS_OR_EQUAL:
            return lambda value: bool(_exact(value) <= wanted)
        case Comparator.GREATER:
            return lambda value: bool(_exact(value) > wanted)
        case Comparator.GREATER_OR_EQUAL:
            return lambda value: bool(_exact(value) >= wanted)
    return lambda value: bool(_exact(value) == wanted)


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, Decimal)) and value != value  # noqa: PLR0124


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


def _text_test(comparator: Comparator, wanted: str) -> Test:
    text = fold(wanted)
    match comparator:
        case Comparator.IDENTICAL:
            return lambda value: fold(value) == text
        case Comparator.EQUAL | Comparator.IN | Comparator.BEGIN:
            is_open = comparator is Comparator.BEGIN and not text.endswith("@")
            return _pattern(f"{text}@" if is_open else text)
        case Comparator.LESS:
            return lambda value: fold(value) < text.removesuffix("@")
        case Comparator.LESS_OR_EQUAL:
            return lambda value: fold(value) <= text.removesuffix("@")
        case Comparator.GREATER:
            return lambda value: fold(value) > text.removesuffix("@")
    return lambda value: fold(value) >= text.removesuffix("@")


def _pattern(text: str) -> Test:
    if "@@" in text:
        return lambda value: False
    parts = text.split("@")
    return lambda value: fits(fold(value), parts)
