"""One posted entity on its way from the request to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fourd_rest.uploads.attach import Placed

from .posted import Change
from .rendering import Entity


@dataclass(slots=True)
class Outcome:
    """The answer for one posted entity. ``status`` is None if it was saved (or needed no save)."""

    answer: Entity
    status: int | None = None


@dataclass(slots=True)
class Draft:
    """One posted entity on its way. ``key`` and ``stored`` are None for a new one."""

    posted: Mapping[str, Any]
    key: Any = None
    stamp: int | None = None
    stored: Entity | None = None
    change: Change = field(default_factory=Change)
    placed: list[Placed] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.key is None
