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

    It is the same in every process and after every restart, and does not change with a wire name.
    """
    name = ":".join(("fourd_rest", datastore_name(), *labels))
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex.upper()


class Catalog:
    """The dataclasses that ``caller`` may know of; ``full`` for ``$metadata=full``."""

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
        entry: dict[str, Any] = {"__UNIQID": unique_id()}
        if self.full:
            entry |= {
                "__BASEID": None,
                "__NAME": datastore_name(),
                # Both spellings of a key are read: X(key) and X[key].
                "properties": {"supportJSONEntityKey": True},
                "methods": [],
                "singletons": [],
            }
        return {**entry, "dataClasses": dataclasses}

    def _dataclass(self, dataclass: DataClass) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "name": dataclass.name,
            "className": dataclass.name,
            "collectionName": dataclass.collection_name,
        }
        if self.full:
            entry["exposed"] = True
        # Numbered among those described: gaps would tell that there are more.
        entry["tableNumber"] = self.described.index(dataclass) + 1
        entry["scope"] = "public"
        if self.full:
            entry["uuid"] = unique_id(dataclass.model._meta.label)
        entry["dataURI"] = f"{self.caller.prefix}/{dataclass.name}"
        if dataclass.page_size is not None:
            entry["defaultTopSize"] = dataclass.page_size
        entry["attributes"] = [
            self._attribute(dataclass, attribute, position)
            for position, attribute in enumerate(self.caller.attributes(dataclass).values(), 1)
        ]
        key = dataclass.key_attribute
        if key is not None and self.caller.attribute(dataclass, key.name) is None:
            key = None  # a relation to what the caller may not know of
        entry["key"] = [{"name": key.name}] if key is not None else []
        return entry

    def _attribute(self, dataclass: DataClass, attribute: Attribute, position: int) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": attribute.name, "kind": attribute.kind.value}
        if attribute.kind is not Kind.TO_MANY:
            entry["fieldPos"] = position
        entry["scope"] = "public"
        if self.full:
            entry["exposed"] = True
            entry["uuid"] = unique_id(dataclass.model._meta.label, *_label(attribute))
        column = attribute.declared
        if column is not None:
            entry |= _column_flags(column)
        entry["type"] = str(attribute.type)
        if isinstance(attribute, Valued) and attribute.value.simple_date is not None:
            entry["simpleDate"] = attribute.value.simple_date
        if isinstance(attribute, Relation):
            return entry | _relation(attribute)
        # An alias needs rights on itself only, but its path must not show a hidden relation.
        if isinstance(attribute, Alias) and all(self.caller.knows(hop.target) for hop in attribute.hops):
            entry["path"] = attribute.path
        if attribute.read_only:
            entry["readOnly"] = True
        if column is not None and column.primary_key:
            entry["identifying"] = True
        if attribute.type == "string" and column is not None and column.max_length:
            entry["maxLength"] = column.max_length
        return entry


def _relation(relation: Relation[DataClass]) -> dict[str, Any]:
    """What only a relation has: the way back, and where it leads."""
    entry: dict[str, Any] = {}
    if relation.is_stored:
        entry["foreignKey"] = relation.name
    if relation.inverse is not None:
        entry["inverseName"] = relation.inverse
    if relation.kind is Kind.TO_MANY:
        return entry | {"reversePath": True, "path": relation.inverse or relation.name}
    return entry | {"path": relation.target.name}


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
