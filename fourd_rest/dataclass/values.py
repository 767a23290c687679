"""Values of every attribute type, 4D ↔ Python (``responses.md`` 4, D-12, D-24, D-42).

``to_wire`` turns a stored value that is not null into what JSON shows. ``from_wire`` turns a posted
value that is not null into the field's Python value and raises ``ValueError`` where something would be
lost. Two values are the same to a client if their wire texts are (D-09): ``wire_text``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time

ZERO_TIMESTAMP = "0000-00-00T00:00:00.000Z"
BLANK_DATE = "0!0!0"

INTEGER_RANGES = {
    "word": (-(2**15), 2**15 - 1),
    "long": (-(2**31), 2**31 - 1),
    "long64": (-(2**63), 2**63 - 1),
}


@dataclass(frozen=True, slots=True)
class ValueType:
    """How one attribute type travels. ``to_wire`` is None where the Python value is JSON already."""

    name: str
    from_wire: Callable[[Any], Any]
    to_wire: Callable[[Any], Any] | None = None
    simple_date: bool | None = None


def key_text(kind: ValueType, key: Any) -> str:
    """The text of a key of this type: ``__KEY`` is always a text."""
    return str(key if kind.to_wire is None else kind.to_wire(key))


def wire_text(value: Any) -> bytes:
    """The canonical text by which two values of one attribute are compared."""
    return dumps(value, sort_keys=True)


def dumps(document: Any, *, sort_keys: bool = False) -> bytes:
    """JSON text of ``document`` as UTF-8.

    Whole numbers beyond 64 bits and lone surrogates, which stored JSON may hold, go out as well.
    """
    option = orjson.OPT_NON_STR_KEYS | (orjson.OPT_SORT_KEYS if sort_keys else 0)
    try:
        return orjson.dumps(document, option=option)
    except TypeError:
        return orjson.dumps(_portable(document), option=option)


def _portable(value: Any) -> Any:
    """``value`` with what orjson refuses written out beforehand."""
    if isinstance(value, dict):
        return {_portable_name(name): _portable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(item) for item in value]
    if isinstance(value, str) or (isinstance(value, int) and not -(2**63) <= value < 2**64):
        return orjson.Fragment(json.dumps(value))
    return value


def _portable_name(name: Any) -> Any:
    if isinstance(name, str):
        return name.encode("utf-8", "replace").decode()
    return name


# Texts


def clean_text(value: Any) -> str:
    """A text from a text or a number. NUL and lone surrogates fit no database."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    value.encode()
    return value


def _ip_from_wire(value: Any, *, field: models.Field[Any, Any]) -> Any:
    text = clean_text(value)
    try:
        return field.to_python(text)  # an IPv6 address has many spellings
    except ValidationError:
        return text  # the field's own validator says what is wrong


def _uuid_from_wire(value: Any) -> uuid.UUID:
    if not isinstance(value, str):
        raise ValueError
    return uuid.UUID(value.strip())


def uuid_to_wire(value: uuid.UUID) -> str:
    return value.hex.upper()


# Numbers

_WHOLE = re.compile(r"[+-]?\d{1,20}\Z", re.ASCII)
_NUMERAL = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?\Z", re.ASCII)
_MAX_EXPONENT = 400


def whole_number(value: Any) -> int:
    """A whole number from a number or its text (``responses.md`` 4)."""
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        # A huge exponent would build a huge integer: bound it first.
        if not value.is_finite() or value.adjusted() > 20 or value != value.to_integral_value():
            raise ValueError
        return int(value)
    if isinstance(value, str) and _WHOLE.match(value.strip()):
        return int(value)
    raise ValueError


def _integer_from_wire(value: Any, *, name: str) -> int:
    number = whole_number(value)
    low, high = INTEGER_RANGES[name]
    if not low <= number <= high:
        raise ValueError
    return number


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise ValueError
    if isinstance(value, str):
        value = value.strip()
        if not _NUMERAL.match(value):
            raise ValueError
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError from error
    # Written out, a number of a few characters could fill the memory: 1e-999999999.
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        raise ValueError
    return number


def _float_from_wire(value: Any) -> float:
    exact = _number(value)
    number = float(exact)
    if not math.isfinite(number) or (number == 0) is not (exact == 0):
        raise ValueError
    return number


def _decimal_from_wire(value: Any, *, places: int) -> Decimal:
    number = _number(value)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -10_000 and len(number.as_tuple().digits) < 10_000:
        padded = number.quantize(Decimal(1).scaleb(-places), context=_WIDE)
        if padded == number:
            return padded
    # Too many decimals: the field's own validator says so with the numbers in it.
    return number


_WIDE = Context(prec=20_000)


def _decimal_to_wire(value: Decimal) -> Any:
    # A fragment keeps every digit; a float would not.
    return orjson.Fragment(format(value, "f")) if value.is_finite() else None


def _bool_from_wire(value: Any) -> bool:
    if value in (True, False) and isinstance(value, (bool, int, Decimal)):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError


# Dates and times

_BANG_DATE = re.compile(r"(\d{1,2})!(\d{1,2})!(\d{1,4})\Z", re.ASCII)
_CONSTANT_DATE = re.compile(r"!!(\d{4}-\d{2}-\d{2})!!\Z", re.ASCII)


def date_to_wire(value: dt.date) -> str:
    return f"{value.day}!{value.month}!{value.year:04d}"


def _date_from_wire(value: Any) -> dt.date | None:
    if not isinstance(value, str):
        raise ValueError
    # wakanda-client on Node escapes exclamation marks within its JSON.
    text = value.strip().replace("%21", "!")
    if text in ("", BLANK_DATE, "!!0000-00-00!!", "00!00!0000"):
        return None
    if match := _BANG_DATE.match(text):
        day, month, year = match.groups()
        return dt.date(int(year), int(month), int(day))
    if match := _CONSTANT_DATE.match(text):
        text = match.group(1)
    date = parse_date(text)
    if date is None:
        moment = parse_datetime(text)
        date = moment.date() if moment else None
    if date is None:
        raise ValueError
    return date


def moment_to_wire(value: dt.datetime) -> str:
    """UTC, milliseconds, ``Z`` (D-24)."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.get_default_timezone())
    if value.tzinfo is not dt.UTC:
        value = value.astimezone(dt.UTC)
    return value.isoformat(timespec="milliseconds")[:-6] + "Z"


def _moment_from_wire(value: Any) -> dt.datetime | None:
    if not isinstance(value, str):
        raise ValueError
    text = value.strip()
    if text in ("", BLANK_DATE, ZERO_TIMESTAMP):
        return None
    moment = parse_datetime(text)
    if moment is None:
        date = _date_from_wire(text)
        if date is None:
            return None
        moment = dt.datetime.combine(date, dt.time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        moment = moment.astimezone(dt.UTC)
        if not settings.USE_TZ:
            moment = timezone.make_naive(moment, timezone.get_default_timezone())
    except OverflowError as error:
        raise ValueError from error
    return moment


_CLOCK = re.compile(r"[\d:.]+\Z", re.ASCII)
_MILLISECOND = dt.timedelta(milliseconds=1)
# Most databases keep a duration as microseconds in 64 bits.
_LONGEST = dt.timedelta(microseconds=2**63 - 1)
_DAY_MS = 24 * 60 * 60 * 1000


def _time_to_wire(value: dt.time) -> int:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return seconds * 1000 + value.microsecond // 1000


def _time_from_wire(value: Any) -> dt.time:
    if isinstance(value, str) and not _WHOLE.match(value.strip()):
        # Django would drop a time zone silently.
        time = parse_time(value.strip()) if _CLOCK.match(value.strip()) else None
        if time is None:
            raise ValueError
        return time
    number = whole_number(value)
    if not 0 <= number < _DAY_MS:
        raise ValueError
    return (dt.datetime.min + number * _MILLISECOND).time()


def _duration_to_wire(value: dt.timedelta) -> int:
    return value // _MILLISECOND


def _duration_from_wire(value: Any) -> dt.timedelta:
    try:
        if value == "":
            raise ValueError  # to Django it is no time at all
        if isinstance(value, str) and not _WHOLE.match(value.strip()):
            duration = parse_duration(value.strip())
        else:
            duration = whole_number(value) * _MILLISECOND
    except OverflowError as error:
        raise ValueError from error
    if duration is None or not -_LONGEST <= duration <= _LONGEST:
        raise ValueError
    return duration


# Objects


def _object_from_wire(value: Any) -> Any:
    """Any JSON value; numbers as a JSON column keeps them, texts without what no database takes."""
    if isinstance(value, Decimal):
        return _float_from_wire(value)
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_object_from_wire(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(name): _object_from_wire(item) for name, item in value.items()}
    return value


# Fields

_STRING = ValueType("string", clean_text)
_BOOL = ValueType("bool", _bool_from_wire)
_UUID = ValueType("uuid", _uuid_from_wire, uuid_to_wire)
_FLOAT = ValueType("number", _float_from_wire)
_DATE = ValueType("date", _date_from_wire, date_to_wire, simple_date=True)
_MOMENT = ValueType("date", _moment_from_wire, moment_to_wire, simple_date=False)
_TIME = ValueType("duration", _time_from_wire, _time_to_wire)
_DURATION = ValueType("duration", _duration_from_wire, _duration_to_wire)
_OBJECT = ValueType("object", _object_from_wire)
_INTEGERS = {name: ValueType(name, partial(_integer_from_wire, name=name)) for name in INTEGER_RANGES}

_BY_INTERNAL_TYPE: dict[str, ValueType] = {
    "AutoField": _INTEGERS["long"],
    "BigAutoField": _INTEGERS["long64"],
    "BigIntegerField": _INTEGERS["long64"],
    "BooleanField": _BOOL,
    "CharField": _STRING,
    "DateField": _DATE,
    "DateTimeField": _MOMENT,
    "DurationField": _DURATION,
    "EmailField": _STRING,
    "FilePathField": _STRING,
    "FloatField": _FLOAT,
    "IPAddressField": _STRING,
    "IntegerField": _INTEGERS["long"],
    "JSONField": _OBJECT,
    "PositiveBigIntegerField": _INTEGERS["long64"],
    "PositiveIntegerField": _INTEGERS["long"],
    "PositiveSmallIntegerField": _INTEGERS["word"],
    "SlugField": _STRING,
    "SmallAutoField": _INTEGERS["word"],
    "SmallIntegerField": _INTEGERS["word"],
    "TextField": _STRING,
    "TimeField": _TIME,
    "URLField": _STRING,
    "UUIDField": _UUID,
}


def value_type(field: models.Field[Any, Any]) -> ValueType:
    """The type of a scalar field: by its internal type, else text through ``value_to_string``."""
    if isinstance(field, models.GeneratedField):
        return value_type(field.output_field)  # type: ignore[arg-type]  # resolved for a column
    if isinstance(field, models.DecimalField):
        places = field.decimal_places or 0
        return ValueType("number", partial(_decimal_from_wire, places=places), _decimal_to_wire)
    if type(field) is models.GenericIPAddressField:
        return ValueType("string", partial(_ip_from_wire, field=field))
    known = _BY_INTERNAL_TYPE.get(field.get_internal_type())
    if known is None:
        return ValueType("string", partial(_from_text, field=field), partial(_to_text, field=field))
    if known is _STRING and type(field).__module__.split(".")[0] != "django":
        # A custom field on a text column may hold any Python object.
        return ValueType("string", partial(_from_text, field=field), partial(_to_text, field=field))
    return known


class _Holder:
    """Stands for an instance where ``value_to_string`` asks one for a value."""


def _to_text(value: Any, *, field: models.Field[Any, Any]) -> str:
    if isinstance(value, str):
        return str(value)
    holder = _Holder()
    setattr(holder, field.attname, value)
    return str(field.value_to_string(holder))  # type: ignore[arg-type]


def _from_text(value: Any, *, field: models.Field[Any, Any]) -> Any:
    try:
        return field.to_python(clean_text(value))
    except Exception as error:  # noqa: BLE001  (whatever a custom field raises for a bad text)
        raise ValueError from error
