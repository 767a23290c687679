"""Flat forms of a selection: ``$asArray=true`` and ``$format=looker`` (``responses.md`` 8, U-25).

Both are one statement for the rows, whatever their number; ``$format=looker`` counts with another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from django.db.models import F

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Computed, FileAttribute, Relation, ToMany, Valued
from fourd_rest.dataclass.values import is_binary
from fourd_rest.query.places import place_of
from fourd_rest.request.keywords import AS_ARRAY, OUTPUT_FORMAT
from fourd_rest.request.reads import ReadRequest
from fourd_rest.stamps.columns import FIRST_STAMP, stamp_columns

from .computables import value_at
from .selection import AnySelection, Slice

# What has a column in a flat form.
Flat: TypeAlias = Valued | Relation[DataClass]

_METRIC = {"conceptType": "METRIC", "semanticGroup": "NUMERIC", "semanticType": "NUMBER"}
_DIMENSION = {"conceptType": "DIMENSION", "semanticGroup": "TEXT", "semanticType": "TEXT"}
_NUMERIC = frozenset({"word", "long", "long64", "number", "duration"})


def as_array(
    selection: AnySelection, attributes: Sequence[Attribute], part: Slice
) -> list[dict[str, Any]]:
    """Flat entities with typed keys. Images, BLOBs and to-many relations are left out."""
    columns = [a for a in attributes if not isinstance(a, (FileAttribute, ToMany))]
    names = ("__KEY", "__STAMP", *(attribute.name for attribute in columns))
    rows = _rows(selection, columns, part)
    return [dict(zip(names, row, strict=True)) for row in rows]


def looker(selection: AnySelection, attributes: Sequence[Attribute], part: Slice) -> dict[str, Any]:
    """A table for a BI connector: numbers are metrics, all else is a dimension.

    Of ``attributes`` scalars alone are shown, objects left out.
    """
    columns = [a for a in attributes if isinstance(a, Valued) and a.type != "object"]
    rows = _rows(selection, columns, part)
    return {
        "__COUNT": selection.count(part, len(rows)),
        "__FIRST": part.skip,
        "schema": [_column(attribute) for attribute in columns],
        "rows": [{"values": list(row[2:])} for row in rows],
        "filtersApplied": False,
    }


Form: TypeAlias = Callable[[AnySelection, Sequence[Attribute], Slice], Any]

# By the value of $format: those that are not the usual envelope.
FORMS: Mapping[str, Form] = {"looker": looker}


def form(request: ReadRequest) -> Form | None:
    """How the page is written that ``request`` asks for; None for the usual envelope."""
    return FORMS.get(request[OUTPUT_FORMAT]) or (as_array if request[AS_ARRAY] else None)


def _column(attribute: Valued) -> dict[str, Any]:
    is_metric = attribute.type in _NUMERIC
    return {
        "name": attribute.name,
        "dataType": "NUMBER" if is_metric else "STRING",
        "semantics": _METRIC if is_metric else _DIMENSION,
    }


def _rows(selection: AnySelection, attributes: Sequence[Flat], part: Slice) -> list[tuple[Any, ...]]:
    """Key, stamp and values of the entities at ``part``, as these forms show them."""
    if part.size == 0:
        return []
    dataclass, queryset = selection.dataclass, selection.queryset
    stamp = stamp_columns(dataclass)
    read = [a for a in attributes if not isinstance(a, Computed)]
    values: dict[str, Any] = {}
    names = ["pk", stamp.stamp]
    for attribute in read:
        value = value_at(selection.caller, place_of(dataclass, attribute))
        if isinstance(value, F):
            # By its name, as every read has it: a manager may read another column.
            names.append(attribute.column)
        else:
            names.append(f"_fourd_value{len(names)}")
            values[names[-1]] = value
    computed = [a for a in attributes if isinstance(a, Computed)]
    fields = dataclass.model._meta.concrete_fields if computed else ()
    instance_fields = [f.attname for f in fields if not is_binary(f)]
    columns = list(dict.fromkeys([*names, *instance_fields]))
    indexes = [columns.index(name) for name in names]
    instance_indexes = [columns.index(name) for name in instance_fields]
    annotated = queryset.annotate(**stamp.annotations, **values)
    key_to_flat, to_flat = _key(dataclass), [_flat(a) for a in read]
    result = []
    for row in selection.rows_at(annotated.values_list(*columns), part):
        found = dict(zip(read, map(_apply, to_flat, [row[index] for index in indexes[2:]]), strict=True))
        if computed:
            loaded = [row[index] for index in instance_indexes]
            instance = dataclass.model.from_db(queryset.db, instance_fields, loaded)
            found |= {a: _apply(_flat(a), a.compute(instance)) for a in computed}
        key, revision = key_to_flat(row[0]), row[1] if row[1] is not None else FIRST_STAMP
        result.append((key, revision, *(found[attribute] for attribute in attributes)))
    return result


def _apply(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


def _flat(attribute: Flat) -> Callable[[Any], Any]:
    """How a value that is not null stands in a flat form."""
    if isinstance(attribute, Relation):
        key_to_flat = _key(attribute.target)
        return lambda key: {"__KEY": key_to_flat(key)}
    if attribute.value.simple_date:
        return lambda value: _apply(_date, attribute.plain(value))
    return attribute.to_wire


def _key(dataclass: DataClass) -> Callable[[Any], Any]:
    """How a key is shown that keeps its type: numbers as numbers."""
    return dataclass.key_type.to_wire or (lambda key: key)


def _date(value: dt.date) -> str:
    return f"!!{value.year:04d}-{value.month:02d}-{value.day:02d}!!"
