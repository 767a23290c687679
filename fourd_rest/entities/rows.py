"""The rows of one dataclass as one caller sees them, read on the database that is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller

from .nesting import shown
from .rendering import Entity, Row, project
from .shapes import whole


class Rows:
    """Entities by key, with all attributes."""

    def __init__(self, caller: Caller, dataclass: DataClass, alias: str) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = alias
        self._projection = project(whole(dataclass), caller.prefix)

    def query(self, key: Any) -> QuerySet[Any]:
        """The row of ``key``, if the caller may reach it."""
        queryset = self.dataclass.get_queryset(self.caller.request)
        return self.dataclass.with_key(queryset.using(self.alias), key).order_by()

    def find(self, key: Any) -> Entity | None:
        """The entity of ``key`` with its stamp, read in one statement."""
        return self._first(key, self.dataclass.get_queryset(self.caller.request))

    def saved(self, key: Any) -> Entity | None:
        """The entity of ``key`` as it was just saved, also where the caller may reach it no longer."""
        return self._first(key, self.dataclass.model._base_manager.get_queryset())

    def find_many(self, keys: Iterable[Any]) -> dict[Any, Entity]:
        """The entities of ``keys`` that the caller may reach, in one statement."""
        return self._many(keys, self.dataclass.get_queryset(self.caller.request))

    def saved_many(self, keys: Iterable[Any]) -> dict[Any, Entity]:
        """The entities of ``keys`` as they were just saved."""
        return self._many(keys, self.dataclass.model._base_manager.get_queryset())

    def _many(self, keys: Iterable[Any], queryset: QuerySet[Any]) -> dict[Any, Entity]:
        entities = self._projection.select(queryset).using(self.alias)
        rows = list(entities.filter(pk__in=list(keys)))
        return {row[0]: entity for row, entity in zip(rows, self._shown(rows), strict=True)}

    def _first(self, key: Any, queryset: QuerySet[Any]) -> Entity | None:
        entities = self._projection.select(queryset).using(self.alias)
        rows = list(self.dataclass.with_key(entities, key)[:1])
        return self._shown(rows)[0] if rows else None

    def _shown(self, rows: Sequence[Row]) -> list[Entity]:
        return shown(self.caller, self._projection, rows, self.alias)
