"""The catalog: what a caller may know of the exposed dataclasses.

Form and order of members: ``responses.md`` 9, ``server-facts.md`` 4.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from fourd_rest.conf import datastore_name
from fourd_rest.dataclass import Attribute, DataClass, Kind, registry
from fourd_rest.dataclass.caller import Caller

from . import access
from .access import Action


def unique_id() -> str:
    """A constant of this datastore: the same in every process and after every restart."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"fourd_rest:{datastore_name()}").hex.upper()


def summary(caller: Caller) -> dict[str, Any]:
    """``$catalog``: names and addresses."""
    return _envelope(
        [
            {
                "name": dataclass.name,
                "uri": f"{caller.prefix}/$catalog/{dataclass.name}",
                "dataURI": f"{caller.prefix}/{dataclass.name}",
            }
            for dataclass in _described(caller)
        ]
    )


def complete(caller: Caller) -> dict[str, Any]:
    """``$catalog/$all``: every dataclass with its attributes."""
    return _envelope([_dataclass(caller, dataclass) for dataclass in _described(caller)])


def selected(caller: Caller, names: str) -> dict[str, Any]:
    """``$catalog/A,B``: those dataclasses, in that order. Unknown ones are error 1800 (404)."""
    chosen = [access.find(caller, name.strip(), Action.VIEW) for name in names.split(",")]
    return _envelope([_dataclass(caller, dataclass) for dataclass in chosen])


def _described(caller: Caller) -> list[DataClass]:
    return [dataclass for dataclass in registry if dataclass.is_described(caller.request)]


def _envelope(dataclasses: list[dict[str, Any]]) -> dict[str, Any]:
    return {"__UNIQID": unique_id(), "dataClasses": dataclasses}


def _dataclass(caller: Caller, dataclass: DataClass) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": dataclass.name,
        "className": dataclass.name,
        "collectionName": dataclass.collection_name,
        "tableNumber": list(registry).index(dataclass) + 1,
        "scope": "public",
        "dataURI": f"{caller.prefix}/{dataclass.name}",
    }
    if dataclass.page_size is not None:
        shown["defaultTopSize"] = dataclass.page_size
    shown["attributes"] = [
        _attribute(attribute)
        for attribute in dataclass.attributes.values()
        if attribute.target is None or attribute.target.is_described(caller.request)
    ]
    key = dataclass.key_attribute
    shown["key"] = [{"name": key.name}] if key is not None else []
    return shown


def _attribute(attribute: Attribute) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": attribute.name, "kind": attribute.kind.value}
    if attribute.kind is not Kind.TO_MANY:
        shown["fieldPos"] = attribute.position
    shown["scope"] = "public"
    # Columns describe themselves, aliases do not repeat it.
    field = None if attribute.kind is Kind.ALIAS else attribute.member
    if isinstance(field, models.Field):
        shown |= _column_flags(field)
    shown["type"] = str(attribute.type)
    if attribute.value is not None and attribute.value.simple_date is not None:
        shown["simpleDate"] = attribute.value.simple_date
    if attribute.kind is Kind.TO_ONE and isinstance(field, models.Field):
        shown["foreignKey"] = attribute.name
    if attribute.path:
        shown["path"] = attribute.path
    if attribute.target is not None:
        if attribute.inverse is not None:
            shown["inverseName"] = attribute.inverse
        if attribute.kind is Kind.TO_MANY:
            shown["reversePath"] = True
            shown["path"] = attribute.inverse or attribute.name
        else:
            shown["path"] = attribute.target.name
    if attribute.read_only and attribute.target is None:
        shown["readOnly"] = True
    if isinstance(field, models.Field) and field.primary_key and attribute.target is None:
        shown["identifying"] = True
    if attribute.type == "string" and isinstance(field, models.Field) and field.max_length:
        shown["maxLength"] = field.max_length
    return shown


def _column_flags(field: Any) -> dict[str, bool]:
    """Flags that appear only where they are true."""
    flags = {
        "indexed": field.primary_key or field.unique or field.db_index,
        "unique": field.unique and not field.primary_key,
        "not_null": not field.null and not field.has_default() and not field.blank,
        "autosequence": isinstance(field, models.AutoField),
    }
    return {name: True for name, holds in flags.items() if holds}
