"""The rows of one dataclass as one caller sees them, read on the database that is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller

from .reading import project, visible
from .rendering import Entity, Row


class Rows:
    """Entities by key, with all attributes."""

    def __init__(self, caller: Caller, dataclass: DataClass, alias: str) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = alias
        self._projection = project(dataclass, None, caller.prefix)

    def query(self, key: Any) -> QuerySet[Any]:
        """The row of ``key``, if the caller may reach it."""
        queryset = self.dataclass.get_queryset(self.caller.request)
        return queryset.using(self.alias).filter(pk=key).order_by()

    def find(self, key: Any) -> Entity | None:
        """The entity of ``key`` with its stamp, read in one statement."""
        return self._first(key, self.dataclass.get_queryset(self.caller.request))

    def saved(self, key: Any) -> Entity | None:
        """The entity of ``key`` as it was just saved, also where the caller may reach it no longer."""
        return self._first(key, self.dataclass.model._base_manager.get_queryset())

    def _first(self, key: Any, queryset: QuerySet[Any]) -> Entity | None:
        rows = list(self._projection.select(queryset).using(self.alias).filter(pk=key)[:1])
        return self._shown(rows) if rows else None

    def _shown(self, rows: Sequence[Row]) -> Entity:
        seen = visible(self.caller, self._projection, rows, self.alias)
        return self._projection.entities(rows, seen)[0]
