"""The catalog: what a caller may know of the exposed dataclasses.

Form and order of members: ``responses.md`` 9, ``server-facts.md`` 4.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from fourd_rest.conf import datastore_name
from fourd_rest.dataclass import Attribute, DataClass, Kind, permissions, registry
from fourd_rest.dataclass.attributes import Alias, Relation, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.request import uris


def unique_id(*labels: str) -> str:
    """A constant of this datastore, or of what ``labels`` name in it.

    It is the same in every process and after every restart, and follows no change of a wire name.
    """
    name = ":".join(("fourd_rest", datastore_name(), *labels))
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex.upper()


class Catalog:
    """What ``caller`` may know. ``full`` tells all that 4D tells to ``$metadata=full``."""

    def __init__(self, caller: Caller, *, full: bool = False) -> None:
        self.caller = caller
        self.full = full
        self.described = [dataclass for dataclass in registry if caller.knows(dataclass)]

    def summary(self) -> dict[str, Any]:
        """``$catalog``: names and addresses."""
        return self._envelope(
            [
                {
                    "name": dataclass.name,
                    "uri": self.caller.prefix + uris.of_description(dataclass.name),
                    "dataURI": f"{self.caller.prefix}/{dataclass.name}",
                }
                for dataclass in self.described
            ]
        )

    def complete(self) -> dict[str, Any]:
        """``$catalog/$all``: every dataclass with its attributes."""
        return self._envelope([self._dataclass(dataclass) for dataclass in self.described])

    def selected(self, names: str) -> dict[str, Any]:
        """``$catalog/A,B``: those dataclasses, each once, in that order. Unknown: error 1800 (404)."""
        listed = dict.fromkeys(name.strip() for name in names.split(","))
        chosen = [permissions.find(self.caller, name, Action.VIEW) for name in listed]
        return self._envelope([self._dataclass(dataclass) for dataclass in chosen])

    def _envelope(self, dataclasses: list[dict[str, Any]]) -> dict[str, Any]:
        shown: dict[str, Any] = {"__UNIQID": unique_id()}
        if self.full:
            shown |= {
                "__BASEID": None,
                "__NAME": datastore_name(),
                # Both spellings of a key are read: X(key) and X[key].
                "properties": {"supportJSONEntityKey": True},
                "methods": [],
                "singletons": [],
            }
        return {**shown, "dataClasses": dataclasses}

    def _dataclass(self, dataclass: DataClass) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "name": dataclass.name,
            "className": dataclass.name,
            "collectionName": dataclass.collection_name,
        }
        if self.full:
            shown["exposed"] = True
        # Numbers count what is shown: gaps would tell that there is more.
        shown["tableNumber"] = self.described.index(dataclass) + 1
        shown["scope"] = "public"
        if self.full:
            shown["uuid"] = unique_id(dataclass.model._meta.label)
        shown["dataURI"] = f"{self.caller.prefix}/{dataclass.name}"
        if dataclass.page_size is not None:
            shown["defaultTopSize"] = dataclass.page_size
        shown["attributes"] = [
            self._attribute(dataclass, attribute, position)
            for position, attribute in enumerate(self.caller.attributes(dataclass).values(), 1)
        ]
        key = dataclass.key_attribute
        if key is not None and self.caller.attribute(dataclass, key.name) is None:
            key = None  # a relation to what the caller may not know of
        shown["key"] = [{"name": key.name}] if key is not None else []
        return shown

    def _attribute(self, dataclass: DataClass, attribute: Attribute, position: int) -> dict[str, Any]:
        shown: dict[str, Any] = {"name": attribute.name, "kind": attribute.kind.value}
        if attribute.kind is not Kind.TO_MANY:
            shown["fieldPos"] = position
        shown["scope"] = "public"
        if self.full:
            shown["exposed"] = True
            shown["uuid"] = unique_id(dataclass.model._meta.label, *_label(attribute))
        field = attribute.declared
        if field is not None:
            shown |= _column_flags(field)
        shown["type"] = str(attribute.type)
        if isinstance(attribute, Valued) and attribute.value.simple_date is not None:
            shown["simpleDate"] = attribute.value.simple_date
        if isinstance(attribute, Relation):
            return shown | _relation(attribute)
        # An alias needs rights on itself only, but does not tell of a relation that is hidden.
        if isinstance(attribute, Alias) and all(self.caller.knows(hop.target) for hop in attribute.hops):
            shown["path"] = attribute.path
        if attribute.read_only:
            shown["readOnly"] = True
        if field is not None and field.primary_key:
            shown["identifying"] = True
        if attribute.type == "string" and field is not None and field.max_length:
            shown["maxLength"] = field.max_length
        return shown


def _relation(relation: Relation[DataClass]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    is_to_many = relation.kind is Kind.TO_MANY
    if relation.is_stored:
        shown["foreignKey"] = relation.name
    if relation.inverse is not None:
        shown["inverseName"] = relation.inverse
    if is_to_many:
        shown["reversePath"] = True
    shown["path"] = (relation.inverse or relation.name) if is_to_many else relation.target.name
    return shown


def _label(attribute: Attribute) -> tuple[str, ...]:
    # The source of an alias is a field of another model.
    return ("alias", attribute.name) if attribute.kind is Kind.ALIAS else (attribute.source,)


def _column_flags(field: Any) -> dict[str, bool]:
    """Flags that appear only where they are true."""
    flags = {
        "indexed": field.primary_key or field.unique or field.db_index,
        "unique": field.unique and not field.primary_key,
        "not_null": not field.null and not field.has_default() and not field.blank,
        "autosequence": isinstance(field, models.AutoField),
    }
    return {name: True for name, holds in flags.items() if holds}
