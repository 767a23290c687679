"""The rows of one dataclass as one caller sees them, read on the database that is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import Manager, Model, QuerySet

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.sql.prepared import Prepared, Row

from .nesting import rendered
from .projection import Entity, project
from .shapes import whole


class Rows:
    """Entities by key, with all attributes."""

    def __init__(self, caller: Caller, dataclass: DataClass, alias: str) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = alias
        self._projection = project(whole(caller, dataclass), caller.prefix)

    def query(self, key: Any) -> QuerySet[Any]:
        """The row of ``key``, if the caller may reach it."""
        queryset = self.dataclass.entities(self.caller.request)
        return self.dataclass.with_key(queryset.using(self.alias), key).order_by()

    def find(self, key: Any) -> Entity | None:
        """The entity of ``key`` with its stamp, read in one statement."""
        return self._first(key, self.dataclass.entities(self.caller.request))

    def saved(self, key: Any) -> Entity | None:
        """The entity of ``key`` as it was just saved, also where the caller may reach it no longer."""
        return self._first(key, self.dataclass.model._base_manager.get_queryset())

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

    def find_many(self, keys: Iterable[Any]) -> dict[Any, Entity]:
        """The entities of ``keys`` that the caller may reach, in one statement."""
        return self._many(keys, self.dataclass.entities(self.caller.request))

    def saved_many(self, keys: Iterable[Any]) -> dict[Any, Entity]:
        """The entities of ``keys`` as they were just saved."""
        return self._many(keys, self.dataclass.model._base_manager.get_queryset())

    def _many(self, keys: Iterable[Any], queryset: QuerySet[Any]) -> dict[Any, Entity]:
        rows = self._projection.rows(queryset, keys, self.alias)
        return {row[0]: entity for row, entity in zip(rows, self._rendered(rows), strict=True)}

    def _first(self, key: Any, queryset: QuerySet[Any]) -> Entity | None:
        row = self._projection.row(queryset, key, self.alias)
        return None if row is None else self._rendered([row])[0]

    def _rendered(self, rows: Sequence[Row]) -> list[Entity]:
        return rendered(self.caller, self._projection, rows, self.alias)


@cache
def _locking(dataclass: DataClass, no_key: bool) -> Prepared:
    """All columns of the rows of ``dataclass``, which are locked."""
    model = dataclass.model
    rows = model._base_manager.order_by().select_for_update(no_key=no_key)
    return Prepared(dataclass, rows.values_list(*_columns(model)))


def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
