"""Rows of ``values_list`` → JSON of entities (``responses.md`` 2, 3, 5, 6; D-01 to D-04).

A ``Projection`` knows for one shape what to select and how each selected value is shown. It is built
once and then only applied, row by row. What expanded relations lead to is filled in by ``nesting``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from operator import itemgetter
from typing import Any, TypeAlias

from django.db.models import (
    BinaryField,
    BooleanField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
)
from django.db.models.lookups import Exact

from fourd_rest.dataclass import Attribute, DataClass, File
from fourd_rest.dataclass.attributes import (
    Annotated,
    Computed,
    FileAttribute,
    FileInRow,
    Hop,
    ToMany,
    ToOne,
    Valued,
)
from fourd_rest.dataclass.joins import join_of
from fourd_rest.dataclass.values import INTEGER_RANGES, ZERO_TIMESTAMP, is_binary, moment_to_wire
from fourd_rest.request import uris
from fourd_rest.request.address import key_text
from fourd_rest.sql.key_membership import key_in
from fourd_rest.sql.prepared import Prepared, Row
from fourd_rest.stamps.columns import FIRST_STAMP, stamp_columns

from .shapes import Expanded, Shape, picked

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Guard:
    """The column ``index`` of a row, whose keys decide whether the attribute ``name`` reads as null."""

    name: str
    index: int
    hop: Hop[DataClass]


# The keys that the reader may see, for the guards that hide some.
SeenKeys: TypeAlias = Mapping[Guard, frozenset[Any]]

METADATA = ("__KEY", "__TIMESTAMP", "__STAMP")


class Projection:
    """How entities of ``shape`` are read and shown under the mount point ``mount``.

    ``columns`` and ``annotations`` are what ``select`` asks the database for; the first column is the
    key, the second the stamp. ``nested`` are the expanded relations, each with the index of the key that
    leads there: ``entities`` leaves their values to be filled in.
    """

    def __init__(self, shape: Shape, mount: str) -> None:
        dataclass = shape.dataclass
        self.dataclass = dataclass
        self.attributes = shape.attributes
        self.mount = mount
        self.prefix = f"{mount}/{dataclass.name}("
        stamp = stamp_columns(dataclass)
        self.annotations: dict[str, Any] = dict(stamp.annotations)
        self.columns: list[str] = ["pk", stamp.stamp]
        # For every member of the JSON object the index of its column in the row.
        indexes = [0, self._index(stamp.modified) if stamp.modified else 0, 1]
        for attribute in self.attributes:
            indexes.append(self._index(self._column(attribute)) if attribute.column else 0)
        self.members = (*METADATA, *(attribute.name for attribute in self.attributes))
        self._pick = itemgetter(*indexes)
        self._has_timestamp = stamp.modified is not None
        self.nested = [
            (expanded, self._owner_index(expanded, indexes[self.members.index(expanded.attribute.name)]))
            for expanded in shape.expanded
        ]
        expanded_names = {expanded.attribute.name for expanded in shape.expanded}
        # What is expanded is looked up anyway.
        flat = [a for a in self.attributes if a.name not in expanded_names]
        self.guards = list(self._guards(flat))
        # Only attributes whose stored value is not what JSON shows cost anything per row.
        self._convert = [(a.name, convert) for a in flat if (convert := _converter(a, mount))]
        self._convert += [
            (name, partial(picked, properties=properties))
            for name, properties in shape.properties.items()
        ]
        self._located = [(a.name, render) for a in flat if (render := _renderer(a))]
        self.has_expressions = any(isinstance(a, Annotated) for a in self.attributes)
        self._computed = [a for a in self.attributes if isinstance(a, Computed)]
        self._instance_indexes = self._instance_columns() if self._computed else []
        self._plain_key = _has_plain_key(dataclass)

    def _guards(self, attributes: Iterable[Attribute]) -> Iterator[Guard]:
        """Where rows name entities that the reader may not see (D-13)."""
        for attribute in attributes:
            for hop in attribute.hops:
                yield Guard(attribute.name, self._index(self._key_or(hop.column)), hop)

    def _instance_columns(self) -> list[tuple[str, int]]:
        """What an instance is made of where attributes are computed in Python."""
        fields = self.dataclass.model._meta.concrete_fields
        return [
            (field.attname, self._index("pk" if field.primary_key else field.attname))
            for field in fields
            if not is_binary(field)
        ]

    def _owner_index(self, expanded: Expanded, index: int) -> int:
        if isinstance(expanded.attribute, ToMany):
            return self._index(join_of(self.dataclass, expanded.attribute).column)
        return index

    def _index(self, column: str) -> int:
        if column not in self.columns:
            self.columns.append(column)
        return self.columns.index(column)

    def _key_or(self, column: str) -> str:
        return "pk" if column == self.dataclass.model._meta.pk.attname else column

    def _column(self, attribute: Attribute) -> str:
        if isinstance(attribute, Annotated):
            self.annotations[attribute.source] = attribute.expression
        if not isinstance(attribute, FileInRow):
            return self._key_or(attribute.column)
        # Bytes in the row stay there: a page only needs to know whether there are any.
        name = f"_fourd_has_{attribute.source}"
        # Not prepared by the field, which may encrypt.
        empty = Exact(F(attribute.column), Value(b"", BinaryField()))
        is_filled = Q(**{f"{attribute.column}__isnull": False}) & ~Q(empty)
        self.annotations[name] = ExpressionWrapper(is_filled, output_field=BooleanField())
        return name

    def select(self, queryset: QuerySet[Any]) -> QuerySet[Any, Row]:
        """The rows that ``entities`` takes, in no order.

        ``queryset`` is what ``get_queryset`` of the dataclass gave for this request.
        """
        if self.dataclass.restricts_rows:
            return self.of(queryset.order_by())
        return self._every_row

    def filtered(self, condition: Q) -> QuerySet[Any, Row]:
        """All rows that ``condition`` holds for, in no order, of a dataclass that hides none.

        Takes 40 µs where ``of`` takes 130, with a side table 300 and as much again for its SQL.
        """
        return self._every_row.filter(condition)

    def of(self, queryset: QuerySet[Any]) -> QuerySet[Any, Row]:
        """``queryset`` as rows that ``entities`` takes, in its order. It may be a slice."""
        if self.annotations:
            queryset = queryset.annotate(**self.annotations)
        return queryset.values_list(*self.columns)

    def row(self, queryset: QuerySet[Any], key: Any, alias: str) -> Row | None:
        """The row of ``key`` in ``queryset`` on the database ``alias``, in one statement."""
        if self._is_fixed:
            return self._prepared.get(key, alias)
        rows = list(self.dataclass.with_key(self.select(queryset).using(alias), key)[:1])
        return rows[0] if rows else None

    def rows(self, queryset: QuerySet[Any], keys: Iterable[Any], alias: str) -> list[Row]:
        """The rows of ``keys`` in ``queryset`` on the database ``alias``: one statement, no order."""
        if self._is_fixed:
            return self._prepared.get_many(keys, alias)
        return list(self.select(queryset).using(alias).filter(key_in(keys)))

    def page(self, part: slice, alias: str) -> list[Row] | None:
        """The rows at ``part`` of all entities in their dataclass' own order.

        None where the statement is not the same every time.
        """
        is_plain = all(isinstance(item, str) for item in self.dataclass.default_order)
        return self._prepared.page(part, alias) if self._is_fixed and is_plain else None

    @property
    def _is_fixed(self) -> bool:
        """Whether every request reads the same columns of the same rows.

        What the site's own SQL computes may depend on the moment: on the language of a lazy text, say.
        """
        return not (self.dataclass.restricts_rows or self.has_expressions)

    @cached_property
    def _prepared(self) -> Prepared:
        return Prepared(self.dataclass, self._every_row)

    @cached_property
    def _every_row(self) -> QuerySet[Any, Row]:
        # To put columns and subqueries together takes 150 to 500 of the 500 to 1,200 µs that reading
        # one entity takes in all. Every use makes a copy.
        return self.of(self.dataclass.model._default_manager.get_queryset().order_by())

    def entities(self, rows: Iterable[Row], seen: SeenKeys, alias: str) -> list[Entity]:
        """The JSON objects of ``rows``, in the order of members that a read shows (D-03)."""
        members, pick = self.members, self._pick
        convert, located = self._convert, self._located
        plain_key, key_to_wire, prefix = self._plain_key, self.dataclass.key_to_wire, self.prefix
        has_timestamp = self._has_timestamp
        hidden = [(guard.name, guard.index, keys) for guard, keys in seen.items()]
        result = []
        for row in rows:
            entity: Entity = dict(zip(members, pick(row), strict=True))
            if plain_key:
                key = uri = str(row[0])
            else:
                key = key_to_wire(row[0])
                uri = key_text(key)
            stamp = row[1] if row[1] is not None else FIRST_STAMP
            moment = entity["__TIMESTAMP"] if has_timestamp else None
            entity["__KEY"] = key
            if type(moment) is not str:
                entity["__TIMESTAMP"] = moment_to_wire(moment) if moment else ZERO_TIMESTAMP
            entity["__STAMP"] = stamp
            for name, to_wire in convert:
                value = entity[name]
                if value is not None:
                    entity[name] = to_wire(value)
            for name, index, keys in hidden:
                if row[index] not in keys:
                    entity[name] = None
            if self._computed:
                self._compute(entity, row, alias)
            location = f"{prefix}{uri})"
            for name, render in located:
                entity[name] = render(entity[name], location, stamp)
            result.append(entity)
        return result

    def _compute(self, entity: Entity, row: Row, alias: str) -> None:
        """Fill in what Python computes, from an instance made of the row."""
        names = [name for name, _ in self._instance_indexes]
        values = [row[index] for _, index in self._instance_indexes]
        instance = self.dataclass.model.from_db(alias, names, values)
        for attribute in self._computed:
            entity[attribute.name] = attribute.to_wire(attribute.compute(instance))


# Building one takes 40 to 250 µs.
@lru_cache(maxsize=400)
def project(shape: Shape, mount: str) -> Projection:
    """The projection of ``shape``, the same one every time."""
    return Projection(shape, mount)


def _converter(attribute: Attribute, mount: str) -> Callable[[Any], Any] | None:
    """How the value that is read of an attribute is shown, None where it is JSON already."""
    match attribute:
        case Computed():
            return None  # shown as it is computed
        case Valued():
            return attribute.value.to_wire
        case ToOne():
            return deferred_relation(attribute, mount)
    return None


Renderer = Callable[[Any, str, int], Any]


def _renderer(attribute: Attribute) -> Renderer | None:
    """How an attribute is shown whose form depends on where its entity is."""
    name = attribute.name
    if isinstance(attribute, FileAttribute):
        is_image = attribute.file is File.IMAGE
        before, after = (uris.of_image if is_image else uris.of_blob)(name)

        def file(value: Any, location: str, stamp: int) -> Any:
            if not value:
                return None
            uri = f"{location}{before}{stamp}{after}"
            return {"__deferred": {"uri": uri, "image": True} if is_image else {"uri": uri}}

        return file
    if isinstance(attribute, ToMany):
        relation = uris.of_relation(name)

        def to_many(value: Any, location: str, stamp: int) -> Any:
            return {"__deferred": {"uri": location + relation}}

        return to_many
    return None


def _has_plain_key(dataclass: DataClass) -> bool:
    """Whole numbers, the usual keys, are their own text, also in an address."""
    return dataclass.key_type.name in INTEGER_RANGES and dataclass.key_type.to_wire is None


def deferred_relation(attribute: ToOne[DataClass], prefix: str) -> Callable[[Any], Entity]:
    """How the key of a related entity is shown, unless it is null."""
    target = attribute.target
    start, key_to_wire = f"{prefix}/{target.name}(", target.key_to_wire
    if _has_plain_key(target):
        # A page has as many as it has rows: 0.4 µs each instead of 0.7.
        return lambda key: {"__deferred": {"uri": f"{start}{key})", "__KEY": str(key)}}

    def deferred(value: Any) -> Entity:
        key = key_to_wire(value)
        return {"__deferred": {"uri": f"{start}{key_text(key)})", "__KEY": key}}

    return deferred


def update_answer(entity: Entity, attributes: Iterable[Attribute], uri: str | None) -> Entity:
    """An entity in the order of write answers, with ``attributes`` less the empty ones (D-03, D-04)."""
    answer: Entity = {}
    if "__KEY" in entity:
        answer["__KEY"] = entity["__KEY"]
    answer["__STAMP"] = entity["__STAMP"]
    if uri is not None:
        answer["uri"] = uri
    answer["__TIMESTAMP"] = entity["__TIMESTAMP"]
    filled = [
        (attribute, entity[attribute.name])
        for attribute in attributes
        if entity.get(attribute.name) is not None
    ]
    answer.update((a.name, value) for a, value in filled if a.is_scalar and a.type != "object")
    answer.update((a.name, value) for a, value in filled if not a.is_scalar or a.type == "object")
    return answer
