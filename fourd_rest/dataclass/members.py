"""A model's fields and relations as Django knows them, and which of them identify a row."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.fields.related_descriptors import ManyToManyDescriptor
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.sql import Query

from .names import is_name

Member: TypeAlias = "models.Field[Any, Any] | ForeignObjectRel"

# Rights that a client must not give itself by writing a user.
PRIVILEGE_FIELDS = frozenset({"is_active", "is_staff", "is_superuser", "groups", "user_permissions"})


def is_user_model(model: type[models.Model]) -> bool:
    """Whether ``model`` is the site's user model, or inherits from it."""
    from django.contrib.auth import get_user_model

    return issubclass(model, get_user_model())


def key_field(model: type[models.Model]) -> models.Field[Any, Any] | None:
    """The field that finally holds the primary key's value, or None for a composite key."""
    field: Any = model._meta.pk
    while field.remote_field is not None and hasattr(field, "target_field"):
        field = field.target_field
    return field if field.concrete and field.column else None


def own_key(model: type[models.Model]) -> models.Field[Any, Any]:
    """The primary key, which a child has from its parent: its own is only a link to it."""
    field: Any = model._meta.pk
    while is_parent_link(field):
        field = field.target_field
    found: models.Field[Any, Any] = field
    return found


def topmost(model: type[models.Model]) -> type[models.Model]:
    """The topmost concrete parent of ``model``: its table has a row for every row of ``model``."""
    top: type[models.Model] = model._meta.concrete_model or model
    while top._meta.parents:
        top = next(iter(top._meta.parents))
    return top


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
            # Of two that share a name a query can mean either: ``has_no_join`` leaves both out.
            found[accessor] = relation
    return found


def is_identity(member: Member) -> bool:
    """Whether a row is another one with another value of ``member``.

    Keys are, relations that are keys too, and a child's link to its parent's row.
    """
    return isinstance(member, models.Field) and (member.primary_key or is_parent_link(member))


def has_no_join(member: Any) -> bool:
    """Whether a query cannot walk the relation in both directions, each pair of entities being one row.

    It can over foreign keys, and over many-to-many relations that a query can name from the other side.
    """
    relation = member if isinstance(member, ForeignObjectRel) else member.remote_field
    field = relation.field
    if not field.many_to_many:
        return not isinstance(field, models.ForeignKey)
    # From the opposite side. Several relations may have this name there, or none: not every class of
    # fields that calls itself many-to-many has both sides.
    if isinstance(member, ForeignObjectRel):
        model, name, wanted = field.model, field.name, field.path_infos
    else:
        model, name, wanted = relation.model, field.related_query_name(), field.reverse_path_infos
    try:
        found = Query(model).names_to_path([name], model._meta)[0]
    except FieldError:
        return True
    return list(found) != list(wanted)


def is_parent_link(member: Member) -> bool:
    """Whether ``member`` links a child's row to its parent's, looked at from either side."""
    if isinstance(member, ForeignObjectRel):
        return bool(getattr(member, "parent_link", False))
    return bool(member.remote_field and getattr(member.remote_field, "parent_link", False))


def is_linkable(member: Any) -> bool:
    """Whether the relation is many-to-many, without a model or code of the site's own in between.

    Managers other than Django's may wait with a change until the entity is saved, or keep an order.
    """
    if not member.many_to_many:
        return False
    relation: Any = member if isinstance(member, ForeignObjectRel) else member.remote_field
    field = relation.field
    descriptor = getattr(field.model, field.name, None)
    return type(descriptor) is ManyToManyDescriptor and bool(relation.through._meta.auto_created)


def relation_column(member: Any, stored: bool) -> str:
    """What ``values_list`` selects to get the key of the related entity."""
    if not stored:
        return f"{member.name}__pk"
    if member.target_field.primary_key:
        return str(member.attname)
    return f"{member.name}__pk"
