"""Which values satisfy a comparison: texts, constants by type, scalars, properties of objects.

A part of the oracle (``oracle``). Sources: ``query.md`` 4 to 6, D-17, D-38, D-43, D-45, and for
properties the rules in ``fourd_rest/query/objects.py``.
"""

from __future__ import annotations

import datetime as dt
import operator as py
import re
import unicodedata
import uuid
from decimal import Decimal
from typing import Any

from .language import Constant, Json, Operand, Quoted, Word

# Texts


def fold(text: str) -> str:
    """D-17."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char.lower() for char in decomposed if not "\u0300" <= char <= "\u036f")


def like(text: str, pattern: str) -> bool:
    """Whether ``text`` equals ``pattern``, in which ``@`` stands for any characters."""
    if "@@" in pattern:
        return False
    expression = ".*".join(re.escape(fold(piece)) for piece in pattern.split("@"))
    return re.fullmatch(expression, fold(text), re.DOTALL) is not None


def words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['\u2019]\w+)*", fold(text))


_ORDERS = {"<": py.lt, "<=": py.le, ">": py.gt, ">=": py.ge}


def _text_holds(text: str, operator: str, wanted: str) -> bool:
    if operator == "=":
        return like(text, wanted)
    if operator == "===":
        return fold(text) == fold(wanted)
    if operator == "begin":
        return like(text, wanted if wanted.endswith("@") else wanted + "@")
    if operator == "%":
        return any(like(word, wanted) for word in words(text))
    # An "@" at the end adds nothing to an order.
    return bool(_ORDERS[operator](fold(text), fold(wanted.removesuffix("@"))))


# Constants, by the type of the attribute (``query.md`` 5)


_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Unfit(Exception):  # noqa: N818
    """The constant is no value of the attribute's type: the filter is an error (D-46)."""


def converted(constant: Constant, type: str) -> Any:
    if isinstance(constant, Json):
        value = constant.value
        text = value if isinstance(value, str) else None
    elif isinstance(constant, (Word, Quoted)):
        value = text = constant.text
    else:
        value, text = constant, None
    if type == "bool":
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if isinstance(value, bool):
            return value
        raise Unfit
    if isinstance(value, bool):
        raise Unfit
    if type == "string":
        return str(value)
    if type in ("word", "long", "long64", "number"):
        return _number(value)
    if type == "key":
        return _key(value)
    if type == "duration":
        return _duration(value)
    if type == "time":
        return (dt.datetime.min + _duration(value)).time()
    if text is None:
        raise Unfit
    return {"date": _date, "moment": _moment, "uuid": _uuid}[type](text)


def _number(value: Any) -> Decimal:
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if _NUMERAL.fullmatch(value):
        return Decimal(value)
    found = re.findall(r"-?\d+(?:\.\d+)?", value, re.ASCII)
    if len(found) != 1 or re.search("[=<>#!]", value):
        raise Unfit
    return Decimal(found[0])


def _key(value: Any) -> int:
    if isinstance(value, int):
        return value
    if not re.fullmatch(r"[+-]?\d+", value, re.ASCII):
        raise Unfit
    return int(value)


def _date(text: str) -> dt.date:
    if match := re.fullmatch(r"(\d{1,2})!(\d{1,2})!(\d{4})", text):
        day, month, year = match.groups()
    elif match := re.fullmatch(r"(?:!!)?(\d{4})-(\d\d)-(\d\d)(?:!!|T.*)?", text):
        year, month, day = match.groups()
    else:
        raise Unfit
    return dt.date(int(year), int(month), int(day))


def _moment(text: str) -> dt.datetime:
    if "T" in text:
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(_date(text), dt.time(), dt.UTC)


def _duration(value: Any) -> dt.timedelta:
    if isinstance(value, str) and ":" in value:
        hours, minutes, seconds = (float(part) for part in value.split(":"))
        return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if isinstance(value, str) and not re.fullmatch(r"-?\d+", value):
        raise Unfit
    return dt.timedelta(milliseconds=int(value))


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Unfit from None


# Scalars

OPPOSITES = {"!=": "=", "!==": "==="}
EQUALITY = ("=", "===", "!=", "!==")


def scalar_holds(type: str, value: Any, operator: str, operand: Operand) -> bool:
    """Whether a stored value satisfies a criterion. Raises ``Unfit``."""
    if operator == "":
        operator, operand = "=", True
    if operand is None:
        return (value is None) is (operator in ("=", "==="))
    if operator == "in":
        assert isinstance(operand, tuple)
        return any(scalar_holds(type, value, "=", item) for item in operand)
    if value is None:
        return False
    if operator in OPPOSITES:
        return not scalar_holds(type, value, OPPOSITES[operator], operand)
    assert not isinstance(operand, tuple)
    wanted = converted(operand, type)
    if type == "string":
        return _text_holds(value, operator, wanted)
    if isinstance(value, float):
        wanted = float(wanted)
    if isinstance(value, (dt.datetime, dt.time)):
        # As clients see it: in milliseconds.
        value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    if operator in ("=", "==="):
        return bool(value == wanted)
    return bool(_ORDERS[operator](value, wanted))


def scalar_fails(type: str, value: Any, operator: str, operand: Operand) -> bool:
    """The complement: of all values, or, where a value is asked for, of those that are not null."""
    if operand is None and operator != "":
        return not scalar_holds(type, value, operator, operand)
    return value is not None and not scalar_holds(type, value, operator, operand)


# Properties


def property_holds(value: Any, operator: str, operand: Operand) -> bool:
    """Likewise for what is found in an object: it equals and precedes values of its own type only."""
    if operator == "":
        operator, operand = "=", True
    if operand is None:
        return operator in EQUALITY and (value is None) is (operator in ("=", "==="))
    if operator == "in":
        assert isinstance(operand, tuple)
        return any(property_holds(value, "=", item) for item in operand)
    if value is None:
        return False
    if operator in OPPOSITES:
        return not property_holds(value, OPPOSITES[operator], operand)
    wanted = _of_own_type(operand)
    if isinstance(value, str) and isinstance(wanted, str):
        return _text_holds(value, operator, wanted)
    if operator in ("begin", "%") or _type(value) != _type(wanted) or isinstance(value, (list, dict)):
        return False
    if isinstance(value, float):
        wanted = float(wanted)
    return bool(value == wanted if operator in ("=", "===") else _ORDERS[operator](value, wanted))


def property_fails(value: Any, operator: str, operand: Operand) -> bool:
    if operand is None and operator in ("!=", "!=="):
        return value is None
    return value is not None and not property_holds(value, operator, operand)


def _of_own_type(operand: Any) -> Any:
    if isinstance(operand, Word) and _NUMERAL.fullmatch(operand.text):
        return Decimal(operand.text)
    if isinstance(operand, (Word, Quoted)):
        return operand.text
    return operand.value if isinstance(operand, Json) else operand


def _type(value: Any) -> str:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def rank(value: Any) -> tuple[int, Any]:
    """By which values are sorted: nothing, booleans, numbers and the like, texts, the others (D-18)."""
    if value is None:
        return 0, 0
    if isinstance(value, str):
        return 3, fold(value)
    if isinstance(value, (list, dict)):
        return 4, 0
    return (1, value) if isinstance(value, bool) else (2, value)
