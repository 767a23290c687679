"""An order list → what ``order_by`` takes (``query.md`` 9, D-17, D-18).

Nulls come first ascending and last descending, texts in the order of their folded form, and the key
breaks ties, so that pages never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from django.db.models import Case, F, QuerySet, Value, When, Window
from django.db.models.functions import DenseRank

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import Annotated, Computed, ToOne, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import BAD_ORDER, QUERY_TOO_LARGE, ErrorItem, RestError
from fourd_rest.request.filter_syntax import OrderItem
from fourd_rest.sql import limits
from fourd_rest.sql.row_order import null_order
from fourd_rest.sql.text_folding import compares_as_4d, fold, text_form

from . import objects, visible
from .paths import resolve
from .places import Place
from .scanning import Scans
from .visible import Visible

# SQLite takes 64 and crashes beyond where relations are joined; a property of an object takes three.
MAX_KEYS = 60


# An item of an order list, and where its path leads.
Resolved: TypeAlias = "tuple[OrderItem, Place]"


def resolved(caller: Caller, dataclass: DataClass, items: Iterable[OrderItem]) -> list[Resolved]:
    """``items`` with their places.

    Raises ``RestError`` 1810 (404), after 1500 for an attribute that the caller may not know of.
    """
    return [(item, _place(caller, dataclass, item)) for item in items]


def order(caller: Caller, dataclass: DataClass, items: Sequence[Resolved]) -> tuple[Any, ...]:
    """The order that ``items`` ask for, made total by the key: what ``order_by`` takes.

    Raises ``RestError`` 1810 (404) for what cannot be ordered by, 9022 beyond ``MAX_KEYS`` expressions.
    """
    expressions = [key for item, place in items for key in _sql_keys(caller, dataclass, item, place)]
    if len(expressions) > MAX_KEYS:
        raise RestError(QUERY_TOO_LARGE(reason="it is ordered by too much"))
    return (*expressions, "pk")


def computed_order(
    caller: Caller, dataclass: DataClass, items: Sequence[Resolved], rows: QuerySet[Any]
) -> list[Any] | None:
    """The keys of ``rows`` in order, where ``items`` name what Python computes; else None.

    SQL ranks the rows by the other items, in the same statement. Raises ``RestError`` as ``order`` does,
    and 1200 for more rows than Python looks at.
    """
    places = [place for _, place in items]
    if not any(map(_is_computed, places)):
        return None
    for item, place in items:
        if _is_computed(place) and place.attribute.type == "object":
            raise RestError(_refusal(dataclass, item))
    if len(places) > MAX_KEYS:
        raise RestError(QUERY_TOO_LARGE(reason="it is ordered by too much"))
    ranks = {
        f"_fourd_rank{index}": Window(
            DenseRank(), order_by=list(_sql_keys(caller, dataclass, item, place))
        )
        for index, (item, place) in enumerate(items)
        if not _is_computed(place)
    }
    with limits.streaming(rows.db):
        found = list(_valued(rows.annotate(**ranks).order_by("pk"), places))
    # Sorting is stable: the last item first, each within the equal ones of those before.
    for index, (item, place) in reversed(list(enumerate(items))):
        if not _is_computed(place):
            found.sort(key=lambda row: row[1][index])  # noqa: B023
            continue
        try:
            found.sort(key=lambda row: _sortable(row[1][index]), reverse=item.descending)  # noqa: B023
        except TypeError as error:
            raise RestError(_refusal(dataclass, item)) from error
    return [key for key, _ in found]


def _valued(rows: QuerySet[Any, Any], places: Sequence[Place]) -> Iterator[tuple[Any, list[Any]]]:
    """Of every row the key, and for each place its rank or its value."""
    bounded = Scans(rows.db).bounded
    attributes = list(map(_computed, places))
    if any(isinstance(attribute, Computed) for attribute in attributes):
        getters = [
            attrgetter(f"_fourd_rank{index}") if attribute is None else attribute.in_python
            for index, attribute in enumerate(attributes)
        ]
        for row in bounded(rows):
            yield row.pk, [get(row) for get in getters if get is not None]
        return
    # Columns alone take a fifth of the time of instances.
    names = [f"_fourd_rank{n}" if a is None else a.column for n, a in enumerate(attributes)]
    for key, *values in bounded(rows.values_list("pk", *names)):
        yield key, [v if a is None else a.plain(v) for a, v in zip(attributes, values, strict=True)]


def _sortable(value: Any) -> tuple[Any, ...]:
    if value is None:
        return (0,)
    return (1, fold(value) if isinstance(value, str) else value)


def _is_computed(place: Place) -> bool:
    return _computed(place) is not None


def _computed(place: Place) -> Valued | None:
    """The attribute at ``place`` where Python alone can compare it, and has it of the entity itself."""
    attribute = place.attribute
    if place.links or place.way.relations or not isinstance(attribute, Valued):
        return None
    return attribute if attribute.is_compared_in_python and attribute.in_python else None


def _place(caller: Caller, dataclass: DataClass, item: OrderItem) -> Place:
    try:
        return resolve(caller, dataclass, item.path)
    except RestError as error:
        raise RestError(*error.items, _refusal(dataclass, item)) from error


def _refusal(dataclass: DataClass, item: OrderItem) -> ErrorItem:
    return BAD_ORDER(order=str(item.path), dataclass=dataclass.name)


def _sql_keys(caller: Caller, dataclass: DataClass, item: OrderItem, place: Place) -> Sequence[Any]:
    keys = _keys(caller, place, item.descending)
    if not keys:
        raise RestError(_refusal(dataclass, item))
    return keys


def _keys(caller: Caller, place: Place, descending: bool) -> Sequence[Any]:
    """What to order by for ``place``; nothing where it cannot be ordered by."""
    attribute = place.attribute
    # Of a related entity its key: one that is hidden stands where null does.
    is_value = isinstance(attribute, Valued) and not attribute.is_compared_in_python
    if place.links or not (is_value or isinstance(attribute, ToOne)):
        return ()
    value = visible.at(caller, place)
    if attribute.type == "object":
        return _object_keys(visible.annotation(place) or value.lookup, place, value, descending)
    is_annotated = isinstance(attribute, Annotated)
    lookup = attribute.source if is_annotated else value.lookup
    form: Any = F(lookup)
    if attribute.type == "string":
        form = text_form(place.dataclass, attribute, lookup).expression
    if is_annotated:
        form = visible.annotation(place, form)
    return [null_order(value.or_null(form), descending=descending)]


def _object_keys(lookup: Any, place: Place, value: Visible, descending: bool) -> list[Any]:
    if place.has_brackets:
        return []
    as_4d = compares_as_4d(place.dataclass, place.attribute)
    keys = objects.sort_keys(lookup, place.steps, descending=descending, as_4d=as_4d)
    rank, *others = (key.expression for key in keys)
    if value.seen:
        # What is hidden ranks with what is not there.
        rank = Case(When(value.seen, then=rank), default=Value(objects.RANK_OF_NOTHING))
    return [
        null_order(rank, descending=descending),
        *(null_order(value.or_null(key), descending=descending) for key in others),
    ]
