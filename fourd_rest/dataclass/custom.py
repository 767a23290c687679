"""Fields of the site's own: what their Python values are to a client (``responses.md`` 4, D-09).

Such a field may give any Python object for its column, and may store something else than it shows: an
encrypted text, say. What it stores is shown only where that is what a read gives anyway.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import operator
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.functional import Promise

from fourd_rest.errors import logger

# What makes the Python value of what a column holds, and the way back.
_READS = ("from_db_value", "get_db_converters")
_WRITES = ("to_python", "get_prep_value", "get_db_prep_value", "get_db_prep_save", "value_to_string")


def _overrides(field: models.Field[Any, Any], names: tuple[str, ...]) -> bool:
    found = (getattr(type(field), name, None) for name in names)
    return any(f is not None and not getattr(f, "__module__", "").startswith("django.") for f in found)


def is_custom(field: models.Field[Any, Any]) -> bool:
    """Whether the Python value of ``field`` may be another than Django's field of its type has."""
    if isinstance(field, models.JSONField) and (field.encoder or field.decoder):
        return True
    return _overrides(field, _READS + _WRITES)


def is_opaque(field: models.Field[Any, Any]) -> bool:
    """Whether the column of ``field`` may hold something else than a read gives.

    A value that is prepared on its way to the column alone is read as it stands there.
    """
    return _overrides(field, _READS)


def bound(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """``field`` with a name: that of an expression or a generated column has none."""
    if hasattr(field, "attname"):
        return field
    named = copy.copy(field)
    named.set_attributes_from_name("value")
    return named


class _Holder:
    """Takes the part of an instance for ``value_to_string``, which reads a value from one."""


def text_of(field: models.Field[Any, Any], value: Any) -> Any:
    """What ``field`` writes for ``value`` where it serialises to a text."""
    holder = _Holder()
    setattr(holder, field.attname, value)
    return field.value_to_string(holder)  # type: ignore[arg-type]


# The Python value of an attribute type, None for what is none of it.


def own_bool(value: Any) -> bool | None:
    """A ``bool`` of a ``bool`` or of the numbers 0 and 1."""
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def own_integer(value: Any) -> int | None:
    """An ``int`` of any number without a fraction."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (float, Decimal)):
        return int(value) if value == value // 1 else None
    try:
        return int(operator.index(value))
    except TypeError:
        return None


def own_float(value: Any) -> int | float | None:
    """A number as floats and integers hold it; a ``Decimal`` becomes the nearest ``float``."""
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def own_decimal(value: Any) -> Decimal | None:
    """A ``Decimal``: of a ``float`` the digits that ``repr`` writes."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def own_text(value: Any) -> str | None:
    """A plain ``str``, also of a subclass."""
    return str(value) if isinstance(value, str) else None


def own_uuid(value: Any) -> uuid.UUID | None:
    """A ``UUID``. Raises ``ValueError`` for a text that is none."""
    if isinstance(value, str):
        return uuid.UUID(value)
    return value if isinstance(value, uuid.UUID) else None


def own_date(value: Any) -> dt.date | None:
    """A ``date``: of a ``datetime`` its day."""
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else None


def own_moment(value: Any) -> dt.datetime | None:
    """A ``datetime``, with a time zone if and only if ``USE_TZ`` is on."""
    if not isinstance(value, dt.datetime):
        return None
    if settings.USE_TZ is (value.tzinfo is not None):
        return value
    zone = timezone.get_default_timezone()
    return timezone.make_aware(value, zone) if settings.USE_TZ else timezone.make_naive(value, zone)


def own_time(value: Any) -> dt.time | None:
    """A ``time``."""
    return value if isinstance(value, dt.time) else None


def own_duration(value: Any) -> dt.timedelta | None:
    """A ``timedelta``."""
    return value if isinstance(value, dt.timedelta) else None


def own_json(value: Any) -> Any:
    """``value`` as JSON has it, as Django's encoder writes what JSON does not know."""
    return _as_json(value, _ENCODER)


_ENCODER = DjangoJSONEncoder()
_JSON = (bool, int, float, str, type(None))


def _as_json(value: Any, encoder: json.JSONEncoder) -> Any:
    """Raises ``TypeError`` for what ``encoder`` does not know either."""
    if type(value) in _JSON:
        return value
    if isinstance(value, dict):
        return {_name(name): _as_json(item, encoder) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item, encoder) for item in value]
    if isinstance(value, Enum):
        return _as_json(value.value, encoder)
    for type_ in (str, int, float):
        if isinstance(value, type_):
            return type_(value)
    if type(encoder) is DjangoJSONEncoder:
        if isinstance(value, Decimal):
            return orjson.Fragment(format(value, "f")) if value.is_finite() else None
        if isinstance(value, (set, frozenset)):
            return sorted((_as_json(item, encoder) for item in value), key=repr)
    return _as_json(encoder.default(value), encoder)


def _name(name: Any) -> Any:
    return str(name) if isinstance(name, (str, Promise)) else name


# Values of fields, and what Python computes.


# What may give the value, one after the other.
Forms: TypeAlias = Iterator[Callable[[], Any]]


def plain_of(
    field: models.Field[Any, Any], own: Callable[[Any], Any], from_wire: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """How a Python value of the custom ``field`` is made one of its attribute type.

    ``own`` takes what is one, ``from_wire`` a text. None for what is none in any form.
    """
    if own is own_json:
        return lambda value: _first(field, value, _json_forms(field, value))
    if own is own_text:
        return lambda value: _first(field, value, _text_forms(field, value))
    return lambda value: _first(field, value, _forms(field, own, from_wire, value))


def plain_computed(label: str, own: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """How what Python computes is made a value of the attribute type that it is declared to be."""

    def forms(value: Any) -> Forms:
        yield lambda: own(value)
        yield lambda: own(value.value) if isinstance(value, Enum) else None
        if own is own_text:
            yield lambda: str(value)

    def plain(value: Any) -> Any:
        if hasattr(value, "resolve_expression"):
            return value  # of a row that is not saved: the database will fill it in
        return _first(label, value, forms(value))

    return plain


def _first(what: Any, value: Any, forms: Forms) -> Any:
    """The first of ``forms`` that ``value`` has; None, and a warning, if it has none."""
    if value is None:
        return None
    for make in forms:
        try:
            found = make()
        except Exception:  # noqa: BLE001, S112  (whatever code of the site raises for its own objects)
            continue
        if found is not None:
            return found
    _tell(str(what), type(value).__qualname__)
    return None


@lru_cache(maxsize=1_000)
def _tell(what: str, type_: str) -> None:
    """Once, not for every row of every page."""
    logger.warning("%s holds a %s, which its attribute type cannot show: it reads as null", what, type_)


def _text_forms(field: models.Field[Any, Any], value: Any) -> Forms:
    yield lambda: own_text(value)
    if not is_opaque(field):
        # What is stored is what a read gives.
        yield lambda: own_text(field.get_prep_value(value))
    yield lambda: str(text_of(field, value))


def _forms(
    field: models.Field[Any, Any],
    own: Callable[[Any], Any],
    from_wire: Callable[[Any], Any],
    value: Any,
) -> Forms:
    yield lambda: own(value)
    yield lambda: own(value.value) if isinstance(value, Enum) else None
    yield lambda: own(field.get_prep_value(value))
    yield lambda: from_wire(text_of(field, value))


def _json_forms(field: models.Field[Any, Any], value: Any) -> Forms:
    encoder = (getattr(field, "encoder", None) or DjangoJSONEncoder)()

    def prepared() -> Any:
        stored = field.get_prep_value(value)
        if isinstance(stored, str) and not isinstance(value, str):
            return json.loads(stored)
        return _as_json(stored, encoder)

    def text() -> Any:
        written = text_of(field, value)
        return json.loads(written) if isinstance(written, str) else None

    if isinstance(value, (dict, list, *_JSON)):
        yield lambda: _as_json(value, encoder)
    yield prepared
    yield lambda: _as_json(value, encoder)
    yield text
