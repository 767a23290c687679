"""The attributes that are fields and relations of a dataclass' model.

A field that cannot be mapped is left out and listed with the reason, which the system checks report.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel

from .attributes import File, FileInRow, FileInStorage, Scalar, ToMany, ToOne
from .left_out import IS_RESERVED, LOOKS_SECRET, NO_JOIN, LeftOut
from .members import (
    PRIVILEGE_FIELDS,
    Member,
    has_no_join,
    is_linkable,
    is_parent_link,
    is_user_model,
    members,
    relation_column,
)
from .names import RESERVED, is_secret
from .options import Attribute, DataClass
from .querysets import selects
from .values import is_binary, value_type


class Builder:
    """Builds the attributes of one dataclass; related models are looked up in its registry."""

    def __init__(self, dataclass: DataClass) -> None:
        self.dataclass = dataclass
        self.left_out: list[LeftOut] = []

    def build(self) -> dict[str, Attribute]:
        """The attributes by wire name; fills ``left_out``."""
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
            if name in options.exclude or name in bookkeeping or is_parent_link(member):
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
        if member.is_relation or isinstance(member, ForeignObjectRel):
            return self._relation(name, source, member)
        common: dict[str, Any] = {
            "name": name,
            "source": source,
            "read_only": self._is_read_only(source, member),
            "column": member.attname,
            "field": member,
        }
        if isinstance(member, models.FileField):
            file = File.IMAGE if isinstance(member, models.ImageField) else File.BLOB
            return FileInStorage(type=file, file=file, **common)
        if is_binary(member):
            return FileInRow(type=File.BLOB, file=File.BLOB, **common)
        value = value_type(member)
        is_opaque = value.is_opaque or self._is_rewritten(member)
        may_compare = source in self.dataclass.folded or source in self.dataclass.database_comparison
        return Scalar(
            type=value.name,
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
        target = self.dataclass.registry.for_model(model) if isinstance(model, type) else None
        if target is None:
            self._leave_out(source, "the related model is not registered")
            return None
        if has_no_join(member):
            self._leave_out(source, NO_JOIN)
            return None
        to_one = bool(member.many_to_one or member.one_to_one)
        stored = to_one and isinstance(member, models.Field)
        common: dict[str, Any] = {
            "name": name,
            "source": source,
            "read_only": not (stored or is_linkable(member)) or self._is_read_only(source, member),
            "member": member,
            "target": target,
            "inverse": _inverse_name(member, target),
        }
        if to_one:
            return ToOne(type=target.name, column=relation_column(member, stored), **common)
        return ToMany(type=target.collection_name, **common)

    def _is_read_only(self, source: str, field: Any) -> bool:
        options = self.dataclass
        if isinstance(field, ForeignObjectRel):
            # The opposite relation gives privileges as well: the users of a group, the groups of a
            # permission.
            field = field.field
            of_user = field.name in PRIVILEGE_FIELDS and is_user_model(field.model)
            if of_user or field.related_model._meta.label == "auth.Permission":
                return True
        return (
            source in options.readonly_fields
            or source in {options.stamp_column, options.timestamp_column, *options.folded_columns}
            # A BinaryField is not editable in forms unless the site says so; that does not concern REST.
            or not (field.editable or field.primary_key or is_binary(field))
            or getattr(field, "generated", False)
            or (is_user_model(options.model) and source in PRIVILEGE_FIELDS)
        )


def _inverse_name(member: Any, target: DataClass) -> str | None:
    """Wire name of the opposite relation, if the target exposes it."""
    if isinstance(member, ForeignObjectRel):
        source = member.field.name
    else:
        source = member.remote_field.get_accessor_name() or ""
        if member.remote_field.hidden:
            return None
    return target.attribute_name(source) if target.exposes(source) else None
