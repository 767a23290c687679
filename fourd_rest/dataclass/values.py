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

from . import custom

ZERO_TIMESTAMP = "0000-00-00T00:00:00.000Z"

INTEGER_RANGES = {
    "word": (-(2**15), 2**15 - 1),
    "long": (-(2**31), 2**31 - 1),
    "long64": (-(2**63), 2**63 - 1),
}


@dataclass(frozen=True, slots=True)
class ValueType:
    """How one attribute type travels. ``to_wire`` is None where the Python value is JSON already.

    ``plain`` makes of a field's Python value one of the type: what ``to_wire`` of Django's own fields
    takes, None for what has none. ``is_opaque``: the column may hold something else than that.
    """

    name: str
    from_wire: Callable[[Any], Any]
    to_wire: Callable[[Any], Any] | None = None
    simple_date: bool | None = None
    plain: Callable[[Any], Any] = custom.own_text
    is_opaque: bool = False


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
    """32 hexadecimal digits in capitals, without hyphens."""
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
_BLANK_DATE = re.compile(
    r"(?:00?!00?!0{1,4}|!!0000-00-00!!|0000-00-00(?:T00:00:00(?:\.0+)?(?:Z|[+-]00:?00)?)?)?\Z"
)


def is_blank_date(text: str) -> bool:
    """Whether ``text`` is the date that 4D writes for null, in any of its forms (D-47)."""
    # wakanda-client on Node escapes exclamation marks within its JSON.
    return _BLANK_DATE.match(text.strip().replace("%21", "!")) is not None


def date_to_wire(value: dt.date) -> str:
    """``31!12!2024``: day and month without leading zeros, the year with four digits."""
    return f"{value.day}!{value.month}!{value.year:04d}"


def _date_from_wire(value: Any) -> dt.date | None:
    if not isinstance(value, str):
        raise ValueError
    if is_blank_date(value):
        return None
    text = value.strip().replace("%21", "!")
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


_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


def moment_to_wire(value: dt.datetime) -> str:
    """UTC, milliseconds, ``Z`` (D-24); of what UTC cannot write the nearest moment."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.get_default_timezone())
    if value.tzinfo is not dt.UTC:
        try:
            value = value.astimezone(dt.UTC)
        except OverflowError:
            # The first and the last day of the calendar: in UTC it would be the one before or after.
            value = _FIRST if value.year == 1 else _LAST
    return value.isoformat(timespec="milliseconds")[:-6] + "Z"


def _moment_from_wire(value: Any) -> dt.datetime | None:
    if not isinstance(value, str):
        raise ValueError
    if is_blank_date(value):
        return None
    text = value.strip()
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
MILLISECOND = dt.timedelta(milliseconds=1)
# Most databases keep a duration as microseconds in 64 bits.
LONGEST_DURATION = dt.timedelta(microseconds=2**63 - 1)
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
    return (dt.datetime.min + number * MILLISECOND).time()


def _duration_to_wire(value: dt.timedelta) -> int:
    return value // MILLISECOND


def _duration_from_wire(value: Any) -> dt.timedelta:
    try:
        if value == "":
            raise ValueError  # to Django it is no time at all
        if isinstance(value, str) and not _WHOLE.match(value.strip()):
            duration = parse_duration(value.strip())
        else:
            duration = whole_number(value) * MILLISECOND
    except OverflowError as error:
        raise ValueError from error
    if duration is None or not -LONGEST_DURATION <= duration <= LONGEST_DURATION:
        raise ValueError
    return duration


# Objects


def object_from_wire(value: Any) -> Any:
    """Any JSON value; numbers as a JSON column keeps them, texts without what no database takes."""
    if isinstance(value, Decimal):
        return _float_from_wire(value)
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [object_from_wire(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(name): object_from_wire(item) for name, item in value.items()}
    return value


# Fields

_STRING = ValueType("string", clean_text)
_BOOL = ValueType("bool", _bool_from_wire, plain=custom.own_bool)
_UUID = ValueType("uuid", _uuid_from_wire, uuid_to_wire, plain=custom.own_uuid)
_FLOAT = ValueType("number", _float_from_wire, plain=custom.own_float)
_DATE = ValueType("date", _date_from_wire, date_to_wire, True, custom.own_date)
_MOMENT = ValueType("date", _moment_from_wire, moment_to_wire, False, custom.own_moment)
_TIME = ValueType("duration", _time_from_wire, _time_to_wire, plain=custom.own_time)
_DURATION = ValueType("duration", _duration_from_wire, _duration_to_wire, plain=custom.own_duration)
_OBJECT = ValueType("object", object_from_wire, plain=custom.own_json)
_INTEGERS = {
    name: ValueType(name, partial(_integer_from_wire, name=name), plain=custom.own_integer)
    for name in INTEGER_RANGES
}

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
    known = _known(field)
    if known is not None and not custom.is_custom(field):
        return known
    return _custom_type(custom.bound(field), known)


def is_binary(field: models.Field[Any, Any]) -> bool:
    """Whether the value of ``field`` is bytes, not only what its column holds."""
    return field.get_internal_type() == "BinaryField" and _base(field) is None


def content(value: Any) -> bytes:
    """What a binary field holds, as a file: bytes, or what a field of the site's own made of them."""
    if isinstance(value, str):
        return value.encode()
    if value is None or isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value or b"")
    return dumps(custom.own_json(value))


def _known(field: models.Field[Any, Any]) -> ValueType | None:
    if isinstance(field, models.DecimalField):
        return _decimal(field)
    if isinstance(field, models.GenericIPAddressField):
        return ValueType("string", partial(_ip_from_wire, field=field))
    if field.get_internal_type() == "BinaryField":
        return _base(field)
    return _BY_INTERNAL_TYPE.get(field.get_internal_type())


def _base(field: models.Field[Any, Any]) -> ValueType | None:
    """The type of Django's field that a custom one is a kind of, whatever its column holds."""
    return next((_BY_INTERNAL_TYPE[c.__name__] for c in type(field).__mro__ if _is_known(c)), None)


def _is_known(class_: type) -> bool:
    return class_.__module__.partition(".")[0] == "django" and class_.__name__ in _BY_INTERNAL_TYPE


def _decimal(field: Any) -> ValueType:
    from_wire = partial(_decimal_from_wire, places=field.decimal_places or 0)
    return ValueType("number", from_wire, _decimal_to_wire, plain=custom.own_decimal)


def _custom_type(field: models.Field[Any, Any], known: ValueType | None) -> ValueType:
    """The type of a field that may hold any Python object, and store it in any form."""
    if known is None or known.name == "string":
        plain = custom.plain_of(field, custom.own_text, clean_text)
        # What is no text to the database is none that could be compared with what is shown.
        is_opaque = known is None or custom.is_opaque(field)
        return ValueType(
            "string", partial(_from_text, field=field), plain, plain=plain, is_opaque=is_opaque
        )
    plain = custom.plain_of(field, known.plain, known.from_wire)
    return ValueType(
        known.name,
        partial(_through_field, field=field, from_wire=known.from_wire),
        partial(_plain_to_wire, plain=plain, to_wire=known.to_wire),
        known.simple_date,
        plain,
        custom.is_opaque(field),
    )


def _plain_to_wire(
    value: Any, *, plain: Callable[[Any], Any], to_wire: Callable[[Any], Any] | None
) -> Any:
    found = plain(value)
    return found if found is None or to_wire is None else to_wire(found)


def _from_text(value: Any, *, field: models.Field[Any, Any]) -> Any:
    return _through_field(value, field=field, from_wire=clean_text)


def _through_field(value: Any, *, field: models.Field[Any, Any], from_wire: Callable[[Any], Any]) -> Any:
    plain = from_wire(value)
    try:
        return None if plain is None else field.to_python(plain)
    except Exception as error:  # noqa: BLE001  (whatever a custom field raises for a bad value)
        raise ValueError from error
