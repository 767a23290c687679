"""``$compute`` and ``$distinct`` (``requests.md`` 6.2, ``responses.md`` 8, ``server-facts.md`` 15).

The database computes, in one statement; the first and last of texts, which 4D compares its own way on
every database (D-17), take a second one. What Python computes is read row by row, up to
``MAX_SCANNED_ENTITIES``. Nulls count as entities (U-22) and as nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError
from django.db.models import Count, Max, Min, QuerySet, Sum, TextField, Value
from django.db.models.lookups import Exact

from fourd_rest.conf import current
from fourd_rest.dataclass.attributes import Computed, Relation
from fourd_rest.dataclass.values import is_binary
from fourd_rest.errors import BAD_COMPUTE_ACTION, NO_ATTRIBUTE, QUERY_NOT_COMPLETED, RestError
from fourd_rest.request.keywords import ALL
from fourd_rest.sql import limits
from fourd_rest.sql.database_errors import is_overflow

from .aggregates import ACTIONS, Aggregates, answer, unique
from .computables import Column, Computable, columns, computable, resolved_list, rows_of
from .selection import Selection, Slice


def compute(selection: Selection, names: str | None, action: str) -> Any:
    """What ``$compute`` answers for a comma-separated list of attributes.

    ``action`` is one of ``ACTIONS``, in any case, for the first attribute: a bare JSON value; or
    ``$all`` for an object of all that applies to each attribute. Raises ``RestError`` 1817 for another
    action, 1816 without an attribute, 1500 and 1804 for an unknown one, 1574 for one of a type that the
    action is not for, 1200 if Python would have to look at more than ``MAX_SCANNED_ENTITIES``.
    """
    asked = action.lower()
    if asked == "all":
        asked = ALL
    if asked != ALL and asked not in ACTIONS:
        raise RestError(BAD_COMPUTE_ACTION(action=action))
    if asked == "count" and not (names or "").strip(" ,"):
        return selection.count()
    named = list(resolved_list(selection.caller, selection.dataclass, names).items())
    if asked != ALL:
        del named[1:]
    computables = [computable(name, place, asked) for name, place in named]
    if asked == "count":
        return selection.count()
    count, found = _all_aggregates(selection, computables, asked)
    if asked != ALL:
        return answer(computables[0], found[0], count, asked)
    return {
        one.name: {name: answer(one, aggregates, count, name) for name in ACTIONS if one.takes(name)}
        for one, aggregates in zip(computables, found, strict=True)
    }


def distinct(selection: Selection, names: str | None, part: Slice) -> list[Any]:
    """The different values of the first attribute of a list that is no relation, ascending (D-40).

    Nulls are left out. Texts that are equal under D-17 are one value, for which the first by code point
    stands. Values are shown as a read shows them; those at ``part``. Raises as ``compute`` does.
    """
    scalars = [
        (name, place)
        for name, place in resolved_list(selection.caller, selection.dataclass, names).items()
        if not isinstance(place.attribute, Relation)
    ]
    if not scalars:
        raise RestError(NO_ATTRIBUTE())
    asked = computable(*scalars[0], "min")
    if part.size == 0:
        return []
    if asked.is_computed:
        rows = rows_of(selection)
        _check_scan(rows[: current().MAX_SCANNED_ENTITIES + 1].count())
        scanned = _scanned(rows, [asked])
        values = unique(asked, [row[0] for row in scanned])[part.bounds]
    else:
        values = _groups(selection, columns(selection, asked), part)
    if asked.is_property:
        return values
    values = [asked.attribute.to_wire(value) for value in values]
    if asked.attribute.type in ("date", "duration"):
        # Moments that differ by less than a millisecond are one to the client.
        return list(dict.fromkeys(values))
    return values


def _groups(selection: Selection, parts: Sequence[Column], part: Slice) -> list[Any]:
    """The different values of one column after the other."""
    rows, result = rows_of(selection), list[Any]()
    skip, size = part.skip, part.size
    for column in parts:
        groups = rows.annotate(_fourd_value=column.value, _fourd_order=column.order)
        groups = groups.filter(_fourd_value__isnull=False).values("_fourd_order")
        first = groups.annotate(_fourd_first=Min(column.exact)).order_by("_fourd_order")
        values = first.values_list("_fourd_first", flat=True)
        page = list(values[skip : skip + size - len(result)])
        result += map(column.restore, page)
        if len(result) == size or column is parts[-1]:
            break
        # What this column had too few values for is skipped of the next one's.
        if page or not skip:
            skip = 0
        else:
            skip -= rows.aggregate(different=Count(column.order, distinct=True))["different"]
    return result


def _all_aggregates(
    selection: Selection, computables: Sequence[Computable], asked: str
) -> tuple[int, list[Aggregates]]:
    """The number of entities, and of each computable what ``asked`` needs."""
    rows = rows_of(selection)
    parts = {
        (number, index): column
        for number, one in enumerate(computables)
        if not one.is_computed
        for index, column in enumerate(columns(selection, one))
    }
    named = {f"_fourd_{number}_{index}": column for (number, index), column in parts.items()}
    aggregates: dict[str, Any] = {"_fourd_count": Count("*")}
    for name, column in named.items():
        aggregates |= _aggregates(name, column, asked)
    found = _aggregated(rows, aggregates)
    count = found["_fourd_count"]
    found |= _ends_of_texts(rows, named, found)
    result: list[Aggregates] = [Aggregates()] * len(computables)
    for (number, _), (name, column) in zip(parts, named.items(), strict=True):
        result[number] = result[number].followed_by(_restored(name, column, found))
    computed = [one for one in computables if one.is_computed]
    if computed:
        _check_scan(count)
        scanned = _scanned(rows, computed)
        for index, one in enumerate(computed):
            values = (row[index] for row in scanned)
            result[computables.index(one)] = Aggregates.of(one, values)
    return count, result


def _aggregates(name: str, column: Column, asked: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if column.is_number and asked in ("sum", "average", ALL):
        wanted |= {f"{name}_filled": Count(column.value), f"{name}_total": Sum(column.value)}
    if asked in ("min", ALL):
        wanted[f"{name}_low"] = Min(column.order)
    if asked in ("max", ALL):
        wanted[f"{name}_high"] = Max(column.order)
    return wanted


def _ends_of_texts(
    rows: QuerySet[Any], named: Mapping[str, Column], found: Mapping[str, Any]
) -> dict[str, Any]:
    """Which texts are first and last: so far their folded forms are known."""
    wanted = {}
    for name, column in named.items():
        if not column.is_text:
            continue
        for end, aggregate in (("low", Min), ("high", Max)):
            folded = found.get(f"{name}_{end}")
            if folded is not None:
                same = Exact(column.order, Value(folded, TextField()))
                wanted[f"{name}_{end}"] = aggregate(column.exact, filter=same)
    return _aggregated(rows, wanted) if wanted else {}


def _aggregated(rows: QuerySet[Any], aggregates: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return rows.aggregate(**aggregates)
    except DatabaseError as error:
        if not is_overflow(error):
            raise
        raise RestError(QUERY_NOT_COMPLETED(reason="a sum is too large")) from error


def _restored(name: str, column: Column, found: Mapping[str, Any]) -> Aggregates:
    def value(what: str) -> Any:
        given = found.get(f"{name}_{what}")
        return None if given is None else column.restore(given)

    return Aggregates(found.get(f"{name}_filled", 0), value("total"), value("low"), value("high"))


def _check_scan(count: int) -> None:
    limit = current().MAX_SCANNED_ENTITIES
    if count > limit:
        raise RestError(QUERY_NOT_COMPLETED(reason=f"more than {limit} entities to compute"))


def _scanned(rows: QuerySet[Any], computables: Sequence[Computable]) -> list[tuple[Any, ...]]:
    """What Python alone knows of every entity; what it computes, from an instance without its bytes."""
    limit = current().MAX_SCANNED_ENTITIES
    attributes = [one.attribute for one in computables]
    found: list[tuple[Any, ...]] = []
    with limits.streaming(rows.db):
        if not any(isinstance(attribute, Computed) for attribute in attributes):
            values = rows.values_list(*(attribute.column for attribute in attributes))
            for row in values[:limit].iterator(chunk_size=2_000):
                limits.check()
                found.append(tuple([a.plain(v) for a, v in zip(attributes, row, strict=True)]))
            return found
        fields = rows.model._meta.concrete_fields
        bytes_ = [field.attname for field in fields if is_binary(field)]
        getters = [get for attribute in attributes if (get := attribute.in_python) is not None]
        for instance in rows.defer(*bytes_)[:limit].iterator(chunk_size=2_000):
            limits.check()
            found.append(tuple([get(instance) for get in getters]))
    return found
