"""How the rows of a to-many relation are joined to the entity that has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, OrderBy
from django.db.models.constants import LOOKUP_SEP
from django.db.models.fields.reverse_related import ForeignObjectRel

from .attributes import Relation
from .members import own_key
from .options import DataClass


@dataclass(frozen=True, slots=True)
class Join:
    """How a to-many relation is joined, from the side of its target.

    ``path`` leads from a row of the target to the value that ``column`` has in the entity's own row: its
    key. ``repeats``: one pair may be there several times, because a model of the site stands between.
    """

    path: str
    column: str
    repeats: bool


@cache
def join_of(dataclass: DataClass, attribute: Relation[DataClass]) -> Join:
    """The join of the to-many relation ``attribute`` of ``dataclass``."""
    member: Any = attribute.member
    through: Any = None
    if member.many_to_many and not isinstance(member, ForeignObjectRel):
        path, near, through = (
            f"{member.related_query_name()}__pk",
            member.model,
            member.remote_field.through,
        )
    elif member.many_to_many:
        path, near, through = f"{member.field.name}__pk", member.model, member.through
    else:
        field, near = member.field, member.model
        path = field.attname if field.target_field.primary_key else f"{field.name}__pk"
    # A child of the model that the relation belongs to has its parent's key, unless it brings its own.
    is_same_key = own_key(dataclass.model) is own_key(near)
    return Join(
        path,
        "pk" if is_same_key else near._meta.pk.attname,
        repeats=through is not None and not through._meta.auto_created,
    )


def window_order(dataclass: DataClass) -> list[Any]:
    """The default order of ``dataclass`` as a window function takes it, the key last.

    No random one: the position of an entity is computed twice.
    """
    order: Sequence[Any] = dataclass.default_order
    if dataclass.restricts_rows:
        # A manager may replace these names, for example by those of the active language.
        order = dataclass.model._base_manager.order_by(*order).query.order_by
    return list(_expressions(dataclass.model, order))


def _expressions(
    model: type[models.Model], order: Sequence[Any], prefix: str = "", *, reverse: bool = False
) -> Iterator[OrderBy]:
    for item in order:
        if not isinstance(item, str):
            # As Django sorts by a relation: what says its own direction keeps it.
            key = item if isinstance(item, OrderBy) else OrderBy(item, descending=reverse)
            yield key.prefix_references(prefix) if prefix else key
            continue
        name = item.lstrip("-+")
        descending = item.startswith("-") != reverse
        if name == "?":
            continue
        related = _ordered_relation(model, name)
        # To order by a relation is to order by the order of its model, one relation deep.
        if related is not None and not prefix:
            start = f"{name}{LOOKUP_SEP}"
            yield from _expressions(related, related._meta.ordering or (), start, reverse=descending)
        else:
            yield OrderBy(F(f"{prefix}{name}"), descending=descending)


def _ordered_relation(model: type[models.Model], name: str) -> type[models.Model] | None:
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if not field.is_relation or name == getattr(field, "attname", None):
        return None
    related: type[models.Model] = field.related_model
    return related if related._meta.ordering else None
