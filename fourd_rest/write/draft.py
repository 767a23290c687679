"""One posted entity on its way from the request to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import ToOne
from fourd_rest.read.projection import Entity
from fourd_rest.uploads.attach import FileCopy

from .posted import Change

if TYPE_CHECKING:
    from .writer import Writer


@dataclass(slots=True)
class Outcome:
    """The answer for one posted entity. ``status`` is None if it was saved (or needed no save)."""

    answer: Entity
    status: int | None = None


@dataclass(slots=True)
class Draft:
    """One posted entity on its way. ``key`` and ``stored`` are None for a new one.

    ``any_stamp``: the write is one that asks for no stamp (D-16). ``is_seen``: the caller may view the
    stored entity.
    """

    posted: Mapping[str, Any]
    any_stamp: bool = False
    key: Any = None
    stamp: int | None = None
    stored: Entity | None = None
    is_seen: bool = True
    change: Change = field(default_factory=Change)
    placed: list[FileCopy] = field(default_factory=list)
    nested: list[Nested] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.key is None

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing is to be saved, neither here nor in a nested entity."""
        if self.is_new or self.change:
            return False
        return all(nested.draft.is_unchanged for nested in self.nested)


@dataclass(slots=True)
class Nested:
    """A related entity that was posted within another one, under ``attribute``."""

    attribute: ToOne[DataClass]
    writer: Writer
    draft: Draft
