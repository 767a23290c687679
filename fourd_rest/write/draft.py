"""One posted entity on its way from the request to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import FileAttribute, ToMany, ToOne
from fourd_rest.dataclass.permissions import Action
from fourd_rest.models import UploadedBlob
from fourd_rest.read.projection import Entity
from fourd_rest.uploads.attach import FileCopy


@dataclass(slots=True)
class Outcome:
    """The answer for one posted entity. ``status`` is None if it was saved (or needed no save)."""

    answer: Entity
    status: int | None = None


@dataclass(slots=True)
class Change:
    """The attributes of one entity that really change.

    ``values`` holds Python values by attribute, for relations what the foreign key column gets;
    ``files`` uploads to attach, None to empty the attribute; ``links`` the keys of all entities that a
    many-to-many relation is to have. ``nested`` holds related entities that were posted with attributes
    of their own: whether they change anything is not known here.
    """

    values: dict[Attribute, Any] = field(default_factory=dict)
    files: dict[FileAttribute, UploadedBlob | None] = field(default_factory=dict)
    links: dict[ToMany[DataClass], set[Any]] = field(default_factory=dict)
    nested: dict[ToOne[DataClass], Mapping[str, Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.files or self.links)

    @property
    def attributes(self) -> list[Attribute]:
        """The attributes that get a value or a file."""
        return [*self.values, *self.files]

    def empties(self, attribute: Attribute) -> bool:
        """Whether ``attribute`` is to have nothing any more."""
        parts: tuple[Mapping[Any, Any], ...] = (self.values, self.files)
        return any(attribute in part and part[attribute] is None for part in parts)


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
        """Whether the entity is to be made. Not known before its key is read."""
        return self.key is None

    @property
    def action(self) -> Action:
        """The right that writing the entity takes."""
        return Action.ADD if self.is_new else Action.CHANGE

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
    draft: Draft
