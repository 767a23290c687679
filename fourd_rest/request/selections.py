"""Which entities a request is about, and in which order: the texts of an address, read (D-05, D-39).

Clients that put a value into quotes piece by piece are understood as the 4D server understands them.
Where the pieces leave open what is a constant and what is language, a read takes one of the readings,
and a write none: it might delete more than the text says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from fourd_rest.conf import current
from fourd_rest.errors import BAD_ORDER, BAD_URL, QUERY_NOT_ANALYZED, QUERY_TOO_LARGE, RestError

from . import quotes
from .address import NO_SET, Address
from .filter_parser import parse, parse_order
from .filter_syntax import OrderItem, Path, Query, criteria
from .keywords import (
    ALL,
    ATTRIBUTES,
    CLEAN,
    EXPAND,
    FILTER,
    LOGIC_OPERATOR,
    ORDER_BY,
    OTHER_COLLECTION,
    PARAMS,
    SAVED_FILTER,
    SAVED_ORDER_BY,
    SUB_EXPAND,
    SUB_ORDER_BY,
    Keyword,
)
from .placeholders import bind

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class SavedTexts:
    """The texts from which a set that is gone is made anew (``requests.md`` 6.4).

    As long as it is there they count for nothing, right or wrong: they are not read before.
    """

    address: Address = field(repr=False)
    dataclass: str

    def read(self) -> SelectionRequest:
        """The selection that they describe; ``$all`` and an empty filter are all entities.

        Raises ``RestError`` 1112, 1201, 1278 to 1280, 1806, 1810, 9022.
        """
        query = _query(self.address, SAVED_FILTER)
        order = query.order or _order(self.address, SAVED_ORDER_BY, self.dataclass)
        return SelectionRequest(filter=query, order=order)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRequest:
    """Which entities of a dataclass are meant, and in which order.

    ``keys`` are the texts of the keys that the address lists, ``()`` for none. ``set_id`` is the entity
    set that it names, joined by ``operator`` with the set ``other``, and ``is_cleaned`` of members that
    are gone. ``filter`` has its placeholders filled in; ``order`` is None where nothing is asked. An
    order within the filter wins (D-36). ``saved`` makes the set anew if it is gone.
    """

    filter: Query
    order: tuple[OrderItem, ...] | None = None
    keys: tuple[str, ...] = ()
    set_id: str | None = None
    operator: str | None = None
    other: str = ""
    is_cleaned: bool = False
    saved: SavedTexts | None = None

    @classmethod
    def of(cls, address: Address, dataclass_name: str, *, is_related: bool = False) -> SelectionRequest:
        """What ``address`` says. ``is_related``: of entities that are related to one.

        Raises ``RestError`` 1112, 1201, 1278 to 1280, 1806, 1810, 9022.
        """
        params = address.params
        query = _query(address, FILTER)
        order = query.order or _order(address, ORDER_BY, dataclass_name)
        names, set_id = address.list_and_set
        lists = [params.get(key) for key in _LISTS]
        found = [one.path for one in criteria(query.where) if isinstance(one.path, Path)]
        check_paths((*found, *(item.path for item in order or ())), names, *lists)
        if is_related:
            order = order or _order(address, SUB_ORDER_BY, dataclass_name)
            return cls(filter=query, order=order)
        if set_id is None:
            return cls(filter=query, order=order, keys=address.keys or ())
        is_saved = SAVED_FILTER.key in params or SAVED_ORDER_BY.key in params
        return cls(
            filter=query,
            order=order,
            set_id=set_id,
            operator=LOGIC_OPERATOR.of(params),
            other=OTHER_COLLECTION.of(params) or "",
            is_cleaned=CLEAN.of(params),
            saved=SavedTexts(address, dataclass_name) if is_saved else None,
        )

    @property
    def is_of_set(self) -> bool:
        """Whether a stored set must be looked up, this one or that to be joined with it."""
        return self.set_id is not None and (self.set_id != NO_SET or self.operator is not None)

    @property
    def is_stored(self) -> bool:
        """Whether it is a stored set as it is: nothing narrows, sorts or joins it."""
        is_plain = self.filter.where is None and self.order is None and self.operator is None
        return is_plain and self.is_of_set and not self.is_cleaned

    @property
    def asks_for_common(self) -> bool:
        """Whether no entities are meant: the question is whether two sets have a common member."""
        return (self.operator or "").lower() == "intersect"

    @property
    def is_everything(self) -> bool:
        """Whether all entities are meant, in their own order."""
        narrowed = self.keys or self.set_id is not None or self.filter.where is not None
        return not narrowed and self.order is None


_LISTS = (ATTRIBUTES.key, EXPAND.key, SUB_EXPAND.key)


def check_paths(found: Iterable[Path], *lists: str | None) -> None:
    """Raise ``RestError`` 9022 if one request has more than ``MAX_PATHS`` paths, each counted once.

    ``found`` are those of its filter and its order, ``lists`` its lists of attributes. A bare attribute
    is no path.
    """
    limit = current().MAX_PATHS
    names = {tuple(step.name for step in path.steps) for path in found if len(path.steps) > 1}
    for text in lists:
        if text is not None and "." in text:
            items = (item.strip() for item in text.split(","))
            names.update(tuple(item.split(".")) for item in items if "." in item)
    if len(names) > limit:
        raise RestError(QUERY_TOO_LARGE(reason=f"it has more than {limit} paths"))


def _query(address: Address, keyword: Keyword[None]) -> Query:
    """The filter that ``keyword`` says, its placeholders filled in from ``$params``."""
    name = keyword.key
    text = address.params.get(name, "")
    if keyword is SAVED_FILTER and text.strip().lower() == ALL:
        return Query(None)
    if not address.is_read and name in address.written and not quotes.is_clear(address.written[name]):
        reason = f"the quotes in {name} do not tell what is a value: send it in {PARAMS.name}"
        raise RestError(BAD_URL(reason=reason))
    query = _read_twice(address, text, parse)
    params, written = address.params.get(PARAMS.key), address.written.get(PARAMS.key)
    return bind(query, params, written=written, is_read=address.is_read)


def _order(
    address: Address, keyword: Keyword[None], dataclass_name: str
) -> tuple[OrderItem, ...] | None:
    """What the order list that ``keyword`` says asks for, None for an empty one."""
    text = address.params.get(keyword.key, "")
    try:
        return _read_twice(address, text, parse_order) or None
    except RestError as error:
        if error.items[-1].row is not QUERY_NOT_ANALYZED:
            raise
        raise RestError(BAD_ORDER(order=text, dataclass=dataclass_name)) from error


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
