"""What the wire must show of a row, told by Django's own means and by nothing of what is tested."""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
import uuid
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from fourd_rest.dataclass import Attribute, DataClass, Kind

MISSING = object()


def entity(dataclass: DataClass, row: models.Model) -> dict[str, Any]:
    """Every attribute of ``row`` that can be told here; a relation by its key."""
    told = {}
    for attribute in dataclass.attributes.values():
        if attribute.kind is Kind.TO_ONE:
            told[attribute.name] = _key_of_related(attribute, row)
        elif attribute.is_scalar:
            value = getattr(row, attribute.assigned)
            if attribute.type == "string" and value is not None and not isinstance(value, str):
                # What is kept as text is shown as text, whatever it is in Python.
                told[attribute.name] = attribute.field.value_to_string(row)
            else:
                told[attribute.name] = scalar(value, attribute.field, row)
    return told


def _key_of_related(attribute: Attribute, row: models.Model) -> Any:
    try:
        related = getattr(row, attribute.source)
    except ObjectDoesNotExist:
        return None
    target: Any = attribute.target
    if related is None or not target.model._default_manager.filter(pk=related.pk).exists():
        return None
    return target.key_to_wire(related.pk)


def related_keys(attribute: Attribute, row: models.Model) -> set[str]:
    """The keys of the entities that a relation to many leads to."""
    target: Any = attribute.target
    manager = getattr(row, attribute.source, None)
    if manager is None:  # no accessor, as the way back of a manager of tags has none
        rows = target.model._base_manager.filter(**{attribute.member.field.name: row.pk})
    else:
        rows = manager.all()
    return {target.key_to_wire(item.pk) for item in rows}


def scalar(value: Any, field: models.Field[Any, Any], row: models.Model) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Decimal):
        return value
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    if isinstance(value, dt.date):
        return f"{value.day}!{value.month}!{value.year:04d}"
    if isinstance(value, dt.timedelta):
        return value // dt.timedelta(milliseconds=1)
    if isinstance(value, dt.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000
    if isinstance(value, uuid.UUID):
        return value.hex.upper()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (dict, list)):
        return value
    if field.get_internal_type() == "JSONField":
        return field.get_prep_value(value)
    if type(value).__module__.startswith("djmoney"):
        return Decimal(value.amount)
    return field.value_to_string(row)


def same(shown: Any, told: Any) -> bool:
    if isinstance(told, Decimal):
        return shown is not None and Decimal(str(shown)) == told
    if isinstance(told, (dict, list)):
        return bool(json.dumps(shown, sort_keys=True) == json.dumps(told, sort_keys=True, default=str))
    return type(shown) is type(told) and bool(shown == told)


def folded(text: Any) -> Any:
    """4D's comparison of texts (D-17)."""
    if not isinstance(text, str):
        return text
    kept = (c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in kept)
