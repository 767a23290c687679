"""The kinds of attributes that a dataclass consists of, each resolved once from the model.

Use what all kinds have without a test; what only some have, after ``isinstance``. A new kind is
one more class here, made by ``builder`` or ``derived``. A relation names the dataclass that it leads to,
which this module does not import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from .members import Member, is_identity
from .values import ValueType, is_blank_date

Field: TypeAlias = "models.Field[Any, Any]"
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
    """An entity that a value depends on: ``column`` holds the key of an entity of ``target``.

    Who may not see it reads null (D-13). ``needs_right``: so does who may not read ``target`` at all.
    """

    column: str
    target: D
    needs_right: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Base:
    """What every kind has.

    ``type`` is the catalog's, ``source`` the Python name of the field or accessor. ``column`` is what
    ``values_list`` selects, empty where no single column has the value.
    """

    name: str
    type: str
    source: str
    read_only: bool
    column: str = ""

    kind: ClassVar[Kind] = Kind.STORAGE
    # Whether the value is one of a ``ValueType``: then the attribute is ``Valued``.
    is_scalar: ClassVar[bool] = False

    @property
    def own_field(self) -> Field | None:
        """The field whose column in the entity's own row holds the value; None where none does."""
        return None

    @property
    def declared(self) -> Field | None:
        """The field of the model that the catalog describes the attribute by, if there is one."""
        return self.own_field

    @property
    def hops(self) -> tuple[Hop[Any], ...]:
        """The entities beside its own that the value depends on, the nearest first."""
        return ()

    @property
    def is_stored(self) -> bool:
        """Whether the value is a column of the entity's own row."""
        return self.own_field is not None

    @property
    def assigned(self) -> str:
        """The Python attribute that takes a written value."""
        field = self.own_field
        return self.source if field is None else field.attname

    @property
    def is_filled_in(self) -> bool:
        """Whether a new entity gets the value if the client gives none: the key."""
        field = self.own_field
        return field is not None and field.primary_key

    @property
    def is_identity(self) -> bool:
        """Whether it would be another entity with another value (D-56)."""
        field = self.own_field
        return field is not None and is_identity(field)

    @property
    def may_be_null(self) -> bool:
        """Whether null is among the values: not where the column refuses it."""
        field = self.own_field
        return field is None or field.null

    def means_null(self, text: str) -> bool:
        """Whether a posted or asked ``text`` is null to this attribute (D-47)."""
        if self.type == "date":
            return is_blank_date(text)
        if text and not text.isspace():
            return False
        return self.type not in ("string", "object") and self.may_be_null


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Valued(_Base):
    """An attribute whose value is one of a type: a scalar or an object.

    ``is_opaque``: SQL knows another value than a read shows, or none, and may not compare what it has.
    """

    value: ValueType
    is_opaque: bool
    is_compared_in_python: bool

    is_scalar: ClassVar[bool] = True

    @property
    def in_python(self) -> Callable[[Any], Any] | None:
        """Gets the value from an instance of the model, where only Python knows it; else None."""
        return None

    def to_wire(self, value: Any) -> Any:
        """``value`` as JSON shows it; null stays null."""
        if value is None or self.value.to_wire is None:
            return value
        return self.value.to_wire(value)

    def plain(self, value: Any) -> Any:
        """A Python value of the field as one of the attribute's type; None where it is none."""
        return None if value is None else self.value.plain(value)

    def wire_value_of(self, instance: models.Model) -> Any:
        """What a read would show of ``instance``, which need not be as a database gives it.

        A default may be of another type than the column's values (0 for a decimal, a text for a date).
        None for what only the database knows, for what the field itself cannot take, and for what is
        not stored.
        """
        field = self.own_field
        value = None if field is None else instance.__dict__.get(field.attname)
        if field is None or value is None or hasattr(value, "resolve_expression"):
            return None
        try:
            return self.to_wire(field.to_python(value))
        except (ValidationError, ValueError, TypeError, ArithmeticError):
            return None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scalar(Valued):
    """A column of the entity's own row."""

    field: Field

    @property
    def own_field(self) -> Field:
        """The field itself."""
        return self.field

    @property
    def in_python(self) -> Callable[[Any], Any] | None:
        """The value that the field makes of its column, where SQL compares something else."""
        if self.is_opaque:
            return lambda instance: self.plain(getattr(instance, self.field.attname))
        return None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Computed(Valued):
    """A property or method of the model: ``compute`` takes an instance and gives its value."""

    compute: Callable[[Any], Any]

    kind: ClassVar[Kind] = Kind.CALCULATED

    @property
    def in_python(self) -> Callable[[Any], Any]:
        """``compute``."""
        return self.compute


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Annotated(Valued):
    """An SQL ``expression`` of the site's, as ``QuerySet.annotate`` takes it."""

    expression: Any

    kind: ClassVar[Kind] = Kind.CALCULATED


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Alias(Valued, Generic[D]):
    """Another name of ``end``, an attribute of the same entity or of one that ``relations`` lead to.

    ``path`` are the wire names of both.
    """

    end: Scalar
    path: str
    relations: tuple[ToOne[D], ...]

    kind: ClassVar[Kind] = Kind.ALIAS

    @property
    def own_field(self) -> Field | None:
        """The field of ``end`` where that is an attribute of the same entity."""
        return None if self.relations else self.end.field

    @property
    def declared(self) -> Field | None:
        """None: the catalog does not describe ``end`` again under its alias."""
        return None

    @property
    def hops(self) -> tuple[Hop[D], ...]:
        """The entities on the way: to read an alias takes rights on its own dataclass only."""
        return passed(self.relations)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FileAttribute(_Base):
    """An image or BLOB."""

    file: File
    field: Field

    # Whether the file is kept in the row itself, not in a storage.
    holds_bytes: ClassVar[bool]
    # What the column holds where there is no file, if it is not null.
    nothing: ClassVar[str | bytes]

    @property
    def own_field(self) -> Field:
        """The field itself."""
        return self.field


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FileInStorage(FileAttribute):
    """A file whose name the row holds; it is in the field's storage."""

    field: models.FileField

    holds_bytes: ClassVar[bool] = False
    nothing: ClassVar[str | bytes] = ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FileInRow(FileAttribute):
    """Bytes in the entity's own row."""

    holds_bytes: ClassVar[bool] = True
    nothing: ClassVar[str | bytes] = b""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Relation(_Base, Generic[D]):
    """A relation to entities of ``target``; ``inverse`` is the opposite one, if it is exposed there."""

    member: Member
    target: D
    inverse: str | None

    @property
    def declared(self) -> Field | None:
        """The field, where the relation is looked at from its side."""
        return self.member if isinstance(self.member, models.Field) else None

    @property
    def lookup(self) -> str:
        """The name by which a lookup passes the relation."""
        return self.member.name


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ToOne(Relation[D]):
    """A relation to one entity: a foreign key, or the other side of a one-to-one relation."""

    kind: ClassVar[Kind] = Kind.TO_ONE

    @property
    def own_field(self) -> Field | None:
        """The foreign key, None on the other side of it."""
        return self.declared

    @property
    def hops(self) -> tuple[Hop[D], ...]:
        """The related entity."""
        return (Hop(self.column, self.target, needs_right=True),)

    @property
    def referred(self) -> str:
        """The column of the target whose value the foreign key holds: not its key with ``to_field``."""
        member: Any = self.member
        return str(member.target_field.attname)

    @property
    def names_key(self) -> bool:
        """Whether the foreign key holds the key of the related entity itself."""
        member = self.member
        return isinstance(member, models.ForeignKey) and member.target_field.primary_key


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ToMany(Relation[D]):
    """A relation to any number of entities."""

    kind: ClassVar[Kind] = Kind.TO_MANY


def passed(relations: Iterable[ToOne[D]]) -> tuple[Hop[D], ...]:
    """The entities that ``relations`` lead to one after the other."""
    found, lookup = [], ""
    for relation in relations:
        found.append(Hop(f"{lookup}{relation.column}", relation.target))
        lookup += f"{relation.lookup}__"
    return tuple(found)


# The three base classes of all kinds: ``isinstance`` takes them, and each kind.
AnyAttribute: TypeAlias = Valued | FileAttribute | Relation[D]
