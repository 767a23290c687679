"""What a dataclass consists of: its attributes, resolved once from the model's fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from .members import Member, is_identity
from .values import ValueType, is_blank_date

# The dataclass that a relation leads to: ``DataClass``, which stands above this module.
D = TypeVar("D")


class Kind(StrEnum):
    """Kinds of attributes as the catalog names them (``responses.md`` 9.3)."""

    STORAGE = "storage"
    CALCULATED = "calculated"
    ALIAS = "alias"
    TO_ONE = "relatedEntity"
    TO_MANY = "relatedEntities"


class File(StrEnum):
    """Attributes whose value is a file of its own, by catalog type."""

    IMAGE = "image"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class Hop(Generic[D]):
    """One relation on the way of an alias: the column with the key of ``target``'s entity."""

    column: str
    target: D


@dataclass(frozen=True, slots=True, eq=False)
class AnyAttribute(Generic[D]):
    """One exposed attribute of a dataclass.

    ``source`` is the Python name of the field or the accessor. ``column`` is what ``values_list``
    selects for it, empty for to-many relations. ``value`` converts scalars; ``file`` is set for images
    and BLOBs, ``target`` for relations. Computed ones have ``compute``, which takes an instance, or an
    SQL ``expression``; aliases have a ``path`` of attribute names and the ``hops`` that it takes.
    """

    name: str
    kind: Kind
    type: str
    member: Member | None
    source: str
    column: str
    read_only: bool
    value: ValueType | None = None
    file: File | None = None
    target: D | None = None
    # Name of the opposite relation on the target, if it is exposed there.
    inverse: str | None = None
    compute: Callable[[Any], Any] | None = None
    expression: Any = None
    hops: tuple[Hop[D], ...] = ()
    path: str = ""
    # Whether SQL knows another value than a read shows, and may not compare what it has.
    is_opaque: bool = False
    is_compared_in_python: bool = False

    def shown(self, value: Any) -> Any:
        """``value`` of a scalar as a read would show it."""
        if value is None or self.value is None or self.value.to_wire is None:
            return value
        return self.value.to_wire(value)

    def held_by(self, instance: models.Model) -> Any:
        """What a read would show of ``instance``, which need not be as a database gives it.

        A default may be of another type than the column's values (0 for a decimal, a text for a date).
        None for what only the database knows, and for what the field itself cannot take.
        """
        value = instance.__dict__.get(self.assigned)
        if value is None or hasattr(value, "resolve_expression"):
            return None
        try:
            return self.shown(self.field.to_python(value))
        except (ValidationError, ValueError, TypeError, ArithmeticError):
            return None

    @property
    def in_python(self) -> Callable[[Any], Any] | None:
        """Where Python alone knows the value: how it is had of an instance of the model."""
        if self.is_opaque and self.expression is None:
            return lambda instance: self.plain(getattr(instance, self.assigned))
        return self.compute

    def plain(self, value: Any) -> Any:
        """A Python value of the field as one of the attribute's type; None where it is none."""
        return value if value is None or self.value is None else self.value.plain(value)

    @property
    def assigned(self) -> str:
        """The Python attribute that takes a written value."""
        return self.member.attname if isinstance(self.member, models.Field) else self.source

    @property
    def is_stored(self) -> bool:
        """Whether the value is a column of the entity's own row."""
        return isinstance(self.member, models.Field) and bool(self.column)

    @property
    def lookup(self) -> str:
        """The name by which a lookup passes the relation."""
        assert self.member is not None  # noqa: S101  (a relation has a member)
        return self.member.name

    @property
    def field(self) -> models.Field[Any, Any]:
        """The model field of an attribute that is stored in the entity's own row."""
        assert isinstance(self.member, models.Field)  # noqa: S101  (narrowing for the type checker)
        return self.member

    @property
    def is_scalar(self) -> bool:
        return self.value is not None

    @property
    def is_filled_in(self) -> bool:
        """Whether a new entity gets the value if the client gives none: the key."""
        return isinstance(self.member, models.Field) and self.member.primary_key

    @property
    def may_be_null(self) -> bool:
        """Whether null is among the values: not where the column refuses it."""
        if self.kind is Kind.TO_MANY or not isinstance(self.member, models.Field):
            return True
        return self.member.null

    def means_null(self, text: str) -> bool:
        """Whether a posted or asked ``text`` is null to this attribute (D-47)."""
        if self.type == "date":
            return is_blank_date(text)
        if text and not text.isspace():
            return False
        return self.type not in ("string", "object") and self.may_be_null

    @property
    def is_identity(self) -> bool:
        """Whether it would be another entity with another value (D-56)."""
        return self.member is not None and is_identity(self.member)

    @property
    def holds_bytes(self) -> bool:
        """Whether the file is kept in the row itself, not in a storage."""
        return self.file is not None and not isinstance(self.member, models.FileField)
