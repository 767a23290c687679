"""What the parameters of an address ask for: the filter with its values, and the order (D-05, D-39).

Clients that put a value into quotes piece by piece are understood as the 4D server understands them.
Where the pieces leave open what is a constant and what is language, a read takes one of the readings,
and a write none: it might delete more than the text says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fourd_rest.errors import BAD_URL, QUERY_NOT_ANALYZED, RestError

from . import quotes
from .address import Address
from .filter_parser import parse, parse_order
from .filter_syntax import OrderItem, Query
from .placeholders import bind

_Read = TypeVar("_Read")


def query_of(address: Address, name: str) -> Query:
    """The filter in the parameter ``name``, its placeholders filled in from ``$params``.

    Raises ``RestError`` 1112, 1201, 1278 to 1280, 1806, 9022.
    """
    text = address.params.get(name, "")
    if text.strip().lower() == "$all" and name == "$savedfilter":
        return Query(None)
    if not address.is_read and name in address.written and not quotes.is_clear(address.written[name]):
        reason = f"the quotes in {name} do not tell what is a value: send it in $params"
        raise RestError(BAD_URL(reason=reason))
    query = _read_twice(address, text, parse)
    params, written = address.params.get("$params"), address.written.get("$params")
    return bind(query, params, written=written, is_read=address.is_read)


def order_of(address: Address, name: str) -> tuple[OrderItem, ...]:
    """The order list in the parameter ``name``. Raises ``RestError`` 1201, 9022."""
    return _read_twice(address, address.params.get(name, ""), parse_order)


def _read_twice(address: Address, text: str, read: Callable[..., _Read]) -> _Read:
    """What ``read`` makes of ``text``; in a read, once more with quoted criteria opened."""
    try:
        return read(text)
    except RestError as error:
        is_unread = error.items[-1].row is QUERY_NOT_ANALYZED
        if not (address.is_read and is_unread and ("'" in text or '"' in text)):
            raise
        try:
            return read(text, opens=True)
        except RestError:
            raise error from None
