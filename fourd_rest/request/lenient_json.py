"""JSON as 4D clients write it: text in, plain Python values out.

Strict JSON is read by the standard library. What fails there is put into strict form and read once
more, so that the samples of the vendor's pages work (D-06, ``query.md`` 7): names without quotes,
texts in single quotes, a comma before a closing bracket, and nothing else. What the values mean is
decided elsewhere; a text may hold NUL or a lone surrogate here.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation
from json import JSONDecodeError, JSONDecoder
from typing import Any, NoReturn

MAX_NUMBER = 400

# An unclosed quote takes the rest of the text, and nothing gives characters back: otherwise a body
# made of quotes would be scanned from each of them to its end.
_BRACKET = re.compile(
    r"""
    "[^"\\]*+(?:\\.[^"\\]*+)*+"
    | ".*+
    | (?P<open>[\[{])
    | (?P<close>[\]}])
    """,
    re.DOTALL | re.VERBOSE,
)
# A name without quotes. Beyond ASCII it takes all but white space: ``\w`` lacks combining marks and more
# that an identifier of JavaScript may have.
_NAME = r"(?:[A-Za-z_$]|[^\x00-\x7f\s])(?:[\w$]|[^\x00-\x7f\s])*+"
_LENIENT = re.compile(
    rf"""
    "[^"\\]*+(?:\\.[^"\\]*+)*+"
    | '(?P<text>[^'\\]*+(?:\\.[^'\\]*+)*+)'
    | ["'].*+
    | (?P<name>{_NAME})(?=[ \t\r\n]*+:)
    | {_NAME}
    | [\[{{,:][ \t\r\n]*+,
    | (?P<comma>,)(?=[ \t\r\n]*+[\]}}])
    """,
    re.DOTALL | re.VERBOSE,
)
# The context of the thread may turn what it cannot hold into NaN.
_EXACT = Context(traps=[InvalidOperation])
_IN_SINGLE_QUOTES = re.compile(r"\\.|\"", re.DOTALL)


class Unreadable(ValueError):
    """The text is not JSON. Its text says why, without a character of what was sent."""


class TooDeep(ValueError):
    """The text opens more brackets inside each other than allowed."""


def read(text: str, *, max_depth: int) -> Any:
    """The value of ``text``.

    Numbers with a fraction or an exponent become ``Decimal``, the last of two equal names counts.
    Raises ``TooDeep`` for a text that nests deeper than ``max_depth`` arrays and objects,
    ``Unreadable`` for anything else that cannot be read.

    >>> read("[{vector: [1, 2.50], 'metric': 'dot',}]", max_depth=8)
    [{'vector': [1, Decimal('2.50')], 'metric': 'dot'}]
    """
    try:
        return _strict(text, max_depth)
    except (JSONDecodeError, TooDeep):
        # Also if it nests too deep: in single quotes a bracket is a character.
        lenient = _LENIENT.sub(_rewritten, text)
    try:
        return _strict(lenient, max_depth)
    except JSONDecodeError as error:
        raise Unreadable(f"error at {_line_and_column(text, error.pos)}") from None


def _strict(text: str, max_depth: int) -> Any:
    # Before decoding, because the decoder recurses and its own limit differs between Pythons.
    if text.count("[") + text.count("{") > max_depth:
        _check_depth(text, max_depth)
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise TooDeep from None


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        if match.lastgroup == "open":
            depth += 1
            if depth > max_depth:
                raise TooDeep
        elif match.lastgroup == "close":
            depth -= 1


def _integer(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _check_length(digits)
    try:
        return Decimal(digits, _EXACT)
    except InvalidOperation:
        raise Unreadable("an exponent is too large") from None


def _check_length(digits: str) -> None:
    # int() takes quadratic time, and refuses on its own from a length the interpreter's user sets.
    if len(digits.removeprefix("-")) > MAX_NUMBER:
        raise Unreadable(f"number too long, at most {MAX_NUMBER} characters are read")


def _constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not a JSON value")


_DECODER = JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_constant)


def _rewritten(match: re.Match[str]) -> str:
    """The strict form of one piece of lenient JSON."""
    kind = match.lastgroup
    if kind == "name":
        return f'"{match[0]}"'
    if kind == "text":
        return f'"{_IN_SINGLE_QUOTES.sub(_requoted, match["text"])}"'
    return " " if kind == "comma" else match[0]


def _requoted(match: re.Match[str]) -> str:
    return {'"': r"\"", r"\'": "'"}.get(match[0], match[0])


def _line_and_column(text: str, position: int) -> str:
    """Line and column in ``text`` of a position in its strict form."""
    grown = 0
    for match in _LENIENT.finditer(text):
        piece = _rewritten(match)
        start = match.start() + grown
        if start + len(piece) > position:
            if piece != match[0]:
                position = min(position, start)
            break
        grown += len(piece) - len(match[0])
    position -= grown
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line} column {column}"
