"""All reads of entities: a page, by keys, one, its file, and what a write has to know.

The number of statements is fixed, whatever the number of entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import Manager, Model, QuerySet

from fourd_rest.dataclass import DataClass, permissions
from fourd_rest.dataclass.attributes import FileAttribute, Relation, ToMany
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.joins import join_of
from fourd_rest.dataclass.permissions import Action
from fourd_rest.dataclass.values import content
from fourd_rest.errors import ENTITY_NOT_LOADED, RestError
from fourd_rest.request.reads import EntityRequest
from fourd_rest.sql import limits
from fourd_rest.sql.prepared import Prepared, Row
from fourd_rest.uploads.stored_file import StoredFile

from .nesting import rendered
from .projection import Entity, project
from .selection import AnySelection, KeyedSelection, Selection, Slice, to_key
from .shapes import Shape, shape, whole


class Reader:
    """Reads entities for ``caller``, as ``shape`` shows them, on the database ``alias``.

    Each read is one statement and one for each expanded relation; all raise ``RestError`` 9025 (413) for
    too many nested entities.
    """

    def __init__(self, caller: Caller, shape: Shape, alias: str) -> None:
        self.caller = caller
        self.dataclass = shape.dataclass
        self.alias = alias
        self.projection = project(shape, caller.prefix)

    def page(self, selection: AnySelection, part: Slice) -> list[Entity]:
        """The entities of ``selection`` at ``part``, ``{"__STAMP": 0}`` for members that are gone."""
        if isinstance(selection, KeyedSelection):
            keys = selection.keys_at(part)
            found = self.many(keys, selection.queryset)
            return [found.get(key) or {"__STAMP": 0} for key in keys]
        return self._rendered(self._rows(selection, part)) if part.size else []

    def _rows(self, selection: Selection, part: Slice) -> Sequence[Row]:
        projection = self.projection
        if selection.is_everything and not selection.is_sorted:
            # Takes 100 to 300 µs less, of two or three milliseconds.
            rows = projection.page(part.bounds, self.alias)
            if rows is not None:
                return rows
        if selection.condition is None or projection.has_expressions:
            # SQL of the site that counts must come after the filter.
            return list(projection.of(selection.ordered[part.bounds]))
        every = projection.filtered(selection.condition).using(self.alias)
        return selection.rows_at(every, part)

    def one(self, key: Any, queryset: QuerySet[Any]) -> Entity | None:
        """The entity of ``key``, if it is in ``queryset``: entities, in no order that counts."""
        row = self.projection.row(queryset, key, self.alias)
        return None if row is None else self._rendered([row])[0]

    def many(self, keys: Iterable[Any], queryset: QuerySet[Any]) -> dict[Any, Entity]:
        """By key the entities of ``keys`` that are in ``queryset``, as that of ``one``."""
        rows = self.projection.rows(queryset, keys, self.alias)
        return {row[0]: entity for row, entity in zip(rows, self._rendered(rows), strict=True)}

    def _rendered(self, rows: Sequence[Row]) -> list[Entity]:
        return rendered(self.caller, self.projection, rows, self.alias)


class Rows(Reader):
    """What a write reads of its dataclass: by key, all attributes, on the database that is written."""

    def __init__(self, caller: Caller, dataclass: DataClass, alias: str) -> None:
        super().__init__(caller, whole(caller, dataclass), alias)

    def query(self, key: Any) -> QuerySet[Any]:
        """The row of ``key``, if the caller may reach it."""
        queryset = self.dataclass.entities(self.caller.request)
        return self.dataclass.with_key(queryset.using(self.alias), key).order_by()

    def find(self, key: Any) -> Entity | None:
        """The entity of ``key`` with its stamp, if the caller may reach it."""
        return self.one(key, self.dataclass.entities(self.caller.request))

    def find_many(self, keys: Iterable[Any]) -> dict[Any, Entity]:
        """By key the entities of ``keys`` that the caller may reach."""
        return self.many(keys, self.dataclass.entities(self.caller.request))

    def saved(self, key: Any) -> Entity | None:
        """The entity of ``key`` as it was just saved, also where the caller may reach it no longer."""
        return self.one(key, self.dataclass.model._base_manager.get_queryset())

    def saved_many(self, keys: Iterable[Any]) -> dict[Any, Entity]:
        """By key the entities of ``keys`` as they were just saved."""
        return self.many(keys, self.dataclass.model._base_manager.get_queryset())

    def locked(self, key: Any) -> Model | None:
        """The row of ``key`` as it is now, whoever may reach it, locked where the database can."""
        model = self.dataclass.model
        # Keys do not change here: rows that refer to this one need not wait, nor wait for each other.
        no_key = connections[self.alias].features.has_select_for_no_key_update
        if type(model._base_manager) is not Manager:
            rows = model._base_manager.using(self.alias).filter(pk=key).order_by()
            return next(iter(rows.select_for_update(no_key=no_key)), None)
        row = _locking(self.dataclass, no_key).get(key, self.alias)
        return None if row is None else model.from_db(self.alias, _columns(model), row)

    def instance(self, key: Any) -> Model | None:
        """The row of ``key`` as it is now, whoever may reach it."""
        rows = self.dataclass.model._base_manager.using(self.alias)
        found: Model | None = self.dataclass.with_key(rows, key).order_by().first()
        return found


@cache
def _locking(dataclass: DataClass, no_key: bool) -> Prepared:
    """All columns of the rows of ``dataclass``, which are locked."""
    model = dataclass.model
    rows = model._base_manager.order_by().select_for_update(no_key=no_key)
    return Prepared(dataclass, rows.values_list(*_columns(model)))


def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def entity(
    caller: Caller,
    dataclass: DataClass,
    key_text: str,
    asked: EntityRequest,
) -> Entity:
    """One entity by the text of its key (``responses.md`` 2), after ``check_view``."""
    shape_ = shape(caller, dataclass, names=asked.names, expand=asked.expand)
    queryset = dataclass.entities(caller.request)
    reader = Reader(caller, shape_, queryset.db)
    with limits.reading(when=bool(shape_.expanded)):
        found = reader.one(to_key(dataclass, key_text), queryset)
    if found is None:
        raise not_loaded(dataclass, key_text)
    return {"__entityModel": dataclass.name, "__DATACLASS": dataclass.name, **found}


def related(
    caller: Caller, dataclass: DataClass, key_text: str, attribute: Relation[DataClass]
) -> QuerySet[Any]:
    """The entities that the relation ``attribute`` of one entity leads to, as far as visible.

    Each once, in no order; of a to-one relation one or none. One statement, which looks for the entity.
    Raises as ``entity`` does; the rights to read the entity and the target have been asked before.
    """
    seen = dataclass.entities(caller.request)
    target = attribute.target
    join = join_of(dataclass, attribute) if isinstance(attribute, ToMany) else None
    column = attribute.column if join is None else join.column
    owners = dataclass.with_key(seen, to_key(dataclass, key_text)).order_by()
    values = list(owners.values_list(column, flat=True)[:1])
    if not values:
        raise not_loaded(dataclass, key_text)
    entities = target.entities(caller.request).using(seen.db)
    if values[0] is None:
        return entities.none()
    if join is None:
        return entities.filter(pk=values[0])
    tied = target.model._base_manager.using(seen.db).filter(**{join.path: values[0]})
    # As a subquery: a filter could share a join that the site has made for another purpose.
    return entities.filter(pk__in=tied.order_by().values("pk"))


def not_loaded(dataclass: DataClass, key_text: str) -> RestError:
    """The error 1543 (404) for a key of no entity that the caller may reach."""
    return RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))


def check_view(caller: Caller, dataclass: DataClass, key_text: str) -> None:
    """Ask for the right on the dataclass, and on the entity where that alone decides."""
    if permissions.may(caller, dataclass, Action.VIEW) and not dataclass.view_depends_on_entity:
        return
    obj = _load(caller, dataclass, key_text)
    if obj is None and permissions.may(caller, dataclass, Action.VIEW):
        return  # the read tells that it is not there
    permissions.check_entity(caller, dataclass, Action.VIEW, obj)


def _load(caller: Caller, dataclass: DataClass, key_text: str) -> Model | None:
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError:
        return None
    rows = dataclass.with_key(dataclass.entities(caller.request), key)
    found: Model | None = rows.order_by().first()
    return found


def file(caller: Caller, dataclass: DataClass, key_text: str, attribute: FileAttribute) -> StoredFile:
    """Where the bytes of ``attribute`` are. Raises as ``entity`` does, and after ``check_view``."""
    key = to_key(dataclass, key_text)
    projection = project(_bare(dataclass), caller.prefix)
    queryset = dataclass.entities(caller.request)
    queryset = queryset.annotate(**projection.annotations)
    columns = (*projection.columns[:2], attribute.column)
    row = dataclass.with_key(queryset, key).order_by().values_list(*columns).first()
    if row is None:
        raise not_loaded(dataclass, key_text)
    stamp, value = row[1] or 1, row[2]
    wire_key = dataclass.key_to_wire(key)
    if attribute.holds_bytes:
        return StoredFile(attribute, wire_key, stamp, content=content(value))
    return StoredFile(attribute, wire_key, stamp, name=value or "")


@cache
def _bare(dataclass: DataClass) -> Shape:
    """An entity without attributes: its key and its stamp."""
    return Shape(dataclass, ())
