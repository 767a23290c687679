"""What a dataclass consists of: its attributes, resolved once from the model's fields.

A field that cannot be mapped is left out and listed with the reason, for the system checks to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models.fields.related_descriptors import ManyToManyDescriptor
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.sql import Query

from fourd_rest.conf import SECRET_WORDS, secret_fields

from .querysets import selects
from .values import ValueType, is_binary, is_blank_date, value_type

if TYPE_CHECKING:
    from .options import DataClass

Member: TypeAlias = "models.Field[Any, Any] | ForeignObjectRel"

# Rights that a client must not give itself by writing a user.
PRIVILEGE_FIELDS = frozenset({"is_active", "is_staff", "is_superuser", "groups", "user_permissions"})
# Characters that have a meaning in addresses or in the query language (``query.md`` 2).
_NAME = re.compile(r"[^\W\d]\w*\Z")
# The words of snake_case, camelCase and CONSTANT_CASE names.
_WORD = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_]?[^\W\d_A-Z]+")
# Patterns of secrets that begin words of another meaning: secretary, secretariat.
_NOT_WITHIN = {"secret": re.compile("secret(?!ar)")}
# Whole words that are one also at the end of another: nothing innocent ends so, and the columns of old
# databases have no underscores (``authtoken``, ``userpwd``).
_ENDINGS = ("token", "pwd")

# Names that entities on the wire have of themselves, beside those that begin with ``__`` (D-11).
RESERVED = frozenset({"uri"})

LOOKS_SECRET = "its name looks like a secret"  # noqa: S105
IS_RESERVED = "the protocol has this name for the address of an entity"


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
class Hop:
    """One relation on the way of an alias: the column with the key of ``target``'s entity."""

    column: str
    target: DataClass


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
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
    target: DataClass | None = None
    # Name of the opposite relation on the target, if it is exposed there.
    inverse: str | None = None
    compute: Callable[[Any], Any] | None = None
    expression: Any = None
    hops: tuple[Hop, ...] = ()
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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model or field that is not exposed though it was registered or chosen, and why.

    ``source`` is the Python name of a field, ``rival`` that of the field which has its wire name.
    """

    what: str
    why: str
    source: str = ""
    rival: str = ""


def is_name(text: str) -> bool:
    """Whether ``text`` can be the name of a dataclass or attribute on the wire."""
    return bool(_NAME.match(text)) and not text.startswith("__")


def is_secret(name: str) -> bool:
    """Whether a field of this name is kept out of the default set (setting ``SECRET_FIELDS``).

    Patterns of up to five letters and ``SECRET_WORDS`` match whole words, also in the plural and written
    together (``accesskey``), ``token`` and ``pwd`` at the end of words too, longer ones anywhere.
    """
    text = name.lower()
    spellings = ([word.lower() for word in _WORD.findall(name)], re.split(r"[_\d]+", text))
    return any(
        any(_are_among(pattern.split("_"), words) for words in spellings)
        if len(pattern) <= 5 or pattern in SECRET_WORDS
        else bool(_NOT_WITHIN.get(pattern, re.compile(re.escape(pattern))).search(text))
        for pattern in secret_fields()
    )


def _are_among(sought: list[str], words: list[str]) -> bool:
    """Whether ``sought`` stand one after the other in ``words``, the last one perhaps in the plural."""
    for form in (sought, ["".join(sought)]):
        *first, last = form
        forms = (last, f"{last}s", f"{last}es")
        for end in range(len(first), len(words)):
            if words[end - len(first) : end] == first and words[end] in forms:
                return True
        if last in _ENDINGS and not first and any(word.endswith(forms) for word in words):
            return True
    return False


def camel_case(name: str) -> str:
    """``first_name`` → ``firstName``."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def is_user_model(model: type[models.Model]) -> bool:
    from django.contrib.auth import get_user_model

    return issubclass(model, get_user_model())


def key_field(model: type[models.Model]) -> models.Field[Any, Any] | None:
    """The field that finally holds the primary key's value, or None for a composite key."""
    field: Any = model._meta.pk
    while field.remote_field is not None and hasattr(field, "target_field"):
        field = field.target_field
    return field if field.concrete and field.column else None


def own_key(model: type[models.Model]) -> models.Field[Any, Any]:
    """The primary key, which a child has from its parent: its own is a mere link to there."""
    field: Any = model._meta.pk
    while _is_parent_link(field):
        field = field.target_field
    found: models.Field[Any, Any] = field
    return found


def members(model: type[models.Model]) -> dict[str, Member]:
    """Everything of ``model`` that could be an attribute, by Python name, in catalog order."""
    options = model._meta
    found: dict[str, Member] = {}
    for field in (*options.concrete_fields, *options.many_to_many):
        found[field.name] = field
    for relation in options.related_objects:
        accessor = relation.get_accessor_name()
        # A child's copy of a generic relation is called «+» and does not say that it is hidden.
        if accessor and is_name(accessor) and not relation.hidden:
            # Of two that share a name a query can mean either: ``_has_no_join`` leaves both out.
            found[accessor] = relation
    return found


def is_identity(member: Member) -> bool:
    """Whether a row is another one with another value of ``member``.

    Keys are, relations that are keys too, and a child's link to its parent's row.
    """
    return isinstance(member, models.Field) and (member.primary_key or _is_parent_link(member))


# Why a relation is left out that no column ties to one entity.
NO_JOIN = "no join leads over it to its entities and back"


def _has_no_join(member: Any) -> bool:
    """Whether a query cannot walk the relation in both directions, each pair of entities being one row.

    It can over foreign keys, and over many-to-many relations that a query can name from the other side.
    """
    relation = member if isinstance(member, ForeignObjectRel) else member.remote_field
    field = relation.field
    if not field.many_to_many:
        return not isinstance(field, models.ForeignKey)
    # From the side that the relation is not looked at from. A name may be that of several relations,
    # or of none: not every class of fields that calls itself many-to-many tells both sides.
    if isinstance(member, ForeignObjectRel):
        model, name, wanted = field.model, field.name, field.path_infos
    else:
        model, name, wanted = relation.model, field.related_query_name(), field.reverse_path_infos
    try:
        found = Query(model).names_to_path([name], model._meta)[0]
    except FieldError:
        return True
    return list(found) != list(wanted)


def _is_parent_link(member: Member) -> bool:
    if isinstance(member, ForeignObjectRel):
        return bool(getattr(member, "parent_link", False))
    return bool(member.remote_field and getattr(member.remote_field, "parent_link", False))


class Builder:
    """Builds the attributes of one dataclass; ``find`` looks up the dataclass of a related model."""

    def __init__(
        self,
        dataclass: DataClass,
        find: Callable[[type[models.Model]], DataClass | None],
    ) -> None:
        self.dataclass = dataclass
        self.find = find
        self.left_out: list[LeftOut] = []

    def build(self) -> dict[str, Attribute]:
        attributes: dict[str, Attribute] = {}
        for source, member in self._chosen():
            if self.dataclass.attribute_name(source) in RESERVED:
                self._leave_out(source, IS_RESERVED)
                continue
            attribute = self._attribute(source, member)
            if attribute is None:
                continue
            rival = attributes.setdefault(attribute.name, attribute)
            if rival.source != source:
                self._leave_out(source, f"{rival.source!r} has the same name", rival.source)
        return attributes

    def _chosen(self) -> Iterator[tuple[str, Member]]:
        options = self.dataclass
        everything = members(options.model)
        for field in options.model._meta.private_fields:
            self._leave_out(field.name, "generic relations have no 4D counterpart")
        if options.fields is not None:
            for name in options.fields:
                if name in everything and name not in options.exclude:
                    yield name, everything[name]
            return
        bookkeeping = {options.stamp_column, options.timestamp_column, *options.folded_columns}
        for name, member in everything.items():
            if name in options.exclude or name in bookkeeping or _is_parent_link(member):
                continue
            if is_secret(name):
                self._leave_out(name, LOOKS_SECRET)
                continue
            yield name, member

    def _leave_out(self, source: str, why: str, rival: str = "") -> None:
        what = f"{self.dataclass.model._meta.label}.{source}"
        self.left_out.append(LeftOut(what, why, source, rival))

    def _attribute(self, source: str, member: Member) -> Attribute | None:
        name = self.dataclass.attribute_name(source)
        if member.is_relation:
            return self._relation(name, source, member)
        assert isinstance(member, models.Field)  # noqa: S101
        common: dict[str, Any] = {
            "name": name,
            "kind": Kind.STORAGE,
            "member": member,
            "source": source,
            "read_only": self._is_read_only(source, member),
        }
        if isinstance(member, models.ImageField):
            return Attribute(type=File.IMAGE, column=member.attname, file=File.IMAGE, **common)
        if isinstance(member, models.FileField):
            return Attribute(type=File.BLOB, column=member.attname, file=File.BLOB, **common)
        if is_binary(member):
            return Attribute(type=File.BLOB, column=member.attname, file=File.BLOB, **common)
        value = value_type(member)
        is_opaque = value.is_opaque or self._is_rewritten(member)
        may_compare = source in self.dataclass.folded or source in self.dataclass.database_comparison
        return Attribute(
            type=value.name,
            column=member.attname,
            value=value,
            is_opaque=is_opaque,
            is_compared_in_python=is_opaque and not may_compare,
            **common,
        )

    def _is_rewritten(self, field: models.Field[Any, Any]) -> bool:
        """Whether the default manager reads something else than the column under the field's name."""
        return self.dataclass.restricts_rows and not selects(self.dataclass.model, field)

    def _relation(self, name: str, source: str, member: Any) -> Attribute | None:
        model = member.related_model
        target = self.find(model) if isinstance(model, type) else None
        if target is None:
            self._leave_out(source, "the related model is not registered")
            return None
        if _has_no_join(member):
            self._leave_out(source, NO_JOIN)
            return None
        to_one = bool(member.many_to_one or member.one_to_one)
        stored = to_one and isinstance(member, models.Field)
        return Attribute(
            name=name,
            kind=Kind.TO_ONE if to_one else Kind.TO_MANY,
            type=target.name if to_one else target.collection_name,
            member=member,
            source=source,
            column=_relation_column(member, stored) if to_one else "",
            read_only=not (stored or _is_linkable(member)) or self._is_read_only(source, member),
            target=target,
            inverse=_inverse_name(member, target),
        )

    def _is_read_only(self, source: str, field: Any) -> bool:
        options = self.dataclass
        if isinstance(field, ForeignObjectRel):
            # The other side of a privilege, such as the users of a group or the groups of a permission,
            # is one as well.
            field = field.field
            of_user = field.name in PRIVILEGE_FIELDS and is_user_model(field.model)
            if of_user or field.related_model._meta.label == "auth.Permission":
                return True
        return (
            source in options.readonly_fields
            or source in {options.stamp_column, options.timestamp_column, *options.folded_columns}
            # A BinaryField is not editable in forms unless told so; that says nothing about REST.
            or not (field.editable or field.primary_key or is_binary(field))
            or getattr(field, "generated", False)
            or (is_user_model(options.model) and source in PRIVILEGE_FIELDS)
        )


def _is_linkable(member: Any) -> bool:
    """Whether the relation is many-to-many, without a model or code of the site's own in between.

    Managers other than Django's may keep what they are given until the entity is saved, or keep places.
    """
    if not member.many_to_many:
        return False
    relation: Any = member if isinstance(member, ForeignObjectRel) else member.remote_field
    field = relation.field
    descriptor = getattr(field.model, field.name, None)
    return type(descriptor) is ManyToManyDescriptor and bool(relation.through._meta.auto_created)


def _relation_column(member: Any, stored: bool) -> str:
    """What ``values_list`` selects to get the key of the related entity."""
    if not stored:
        return f"{member.name}__pk"
    if member.target_field.primary_key:
        return str(member.attname)
    return f"{member.name}__pk"


def _inverse_name(member: Any, target: DataClass) -> str | None:
    """Wire name of the opposite relation, if the target exposes it."""
    if isinstance(member, ForeignObjectRel):
        source = member.field.name
    else:
        source = member.remote_field.get_accessor_name() or ""
        if member.remote_field.hidden:
            return None
    return target.attribute_name(source) if target.exposes(source) else None
