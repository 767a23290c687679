"""A selection: which entities of one dataclass, in which order, as one caller sees them.

Made from what an address says, step by step in the order of ``requests.md`` 7: the source, the filter,
the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q, QuerySet

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    BAD_ATTRIBUTE_LIST,
    ENTITY_NOT_LOADED,
    WRONG_OPERAND,
    RestError,
)
from fourd_rest.query.compiler import condition
from fourd_rest.query.ordering import computed_order, order, resolved
from fourd_rest.query.visible import readable
from fourd_rest.request.filter_syntax import (
    Comparator,
    Comparison,
    Node,
    OrderItem,
    Path,
    Query,
    Step,
    Text,
)
from fourd_rest.sql import limits, prepared
from fourd_rest.sql.key_membership import key_in
from fourd_rest.sql.row_order import default_order

_KEYS_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Entities that ``caller`` may see, not yet read.

    ``queryset`` yields instances of the dataclass' model, each once, without an order. ``order`` is
    total: what ``order_by`` takes, the key last. ``is_sorted`` tells whether the client asked for an
    order, ``where`` what it filtered by. ``keys`` is set where the members and their order are known
    beforehand; a member that is gone keeps its place then. ``filtered_from_all`` is a queryset of all
    entities of a dataclass that hides none, filtered by a condition.
    """

    caller: Caller
    dataclass: DataClass
    queryset: QuerySet[Any]
    order: tuple[Any, ...]
    is_sorted: bool = False
    where: Node | None = None
    keys: Sequence[Any] | None = None
    filtered_from_all: tuple[QuerySet[Any], Q] | None = None

    @property
    def condition(self) -> Q | None:
        """What alone makes ``queryset`` of all entities; None where there is more to it."""
        known = self.filtered_from_all
        # Whoever narrows the queryset by other means has made another one.
        return known[1] if known is not None and known[0] is self.queryset else None

    @property
    def is_everything(self) -> bool:
        """Whether these are all entities of a dataclass that hides none."""
        condition = self.condition
        return condition is not None and not condition

    def count(self) -> int:
        """How many entities there are, gone members left out."""
        if self.is_everything:
            return prepared.count(self.dataclass.model, self.queryset.db)
        return self.queryset.count()

    @contextmanager
    def every_key(self) -> Iterator[Iterator[Any]]:
        """The keys in order, as many as a set may hold and one more, read a few at a time.

        So that too many are noticed, and not read to their end.
        """
        limit = current().MAX_ENTITY_SET_SIZE + 1
        rows = self.ordered.values_list("pk", flat=True)[:limit]
        with limits.streaming(rows.db):
            yield rows.iterator(_KEYS_AT_A_TIME)

    @property
    def ordered(self) -> QuerySet[Any]:
        return self.queryset.order_by(*self.order)

    def restricted_to(self, keys: Sequence[Any]) -> Selection:
        """Those of ``keys``, in that order; members that are gone keep their places."""
        return replace(self, keys=keys, queryset=self.queryset.filter(key_in(keys)))


def everything(caller: Caller, dataclass: DataClass) -> Selection:
    """All entities of the dataclass."""
    rows = dataclass.entities(caller.request)
    known = None if dataclass.restricts_rows else (rows, Q())
    return Selection(caller, dataclass, rows, default_order(dataclass), filtered_from_all=known)


def with_keys(caller: Caller, dataclass: DataClass, texts: Sequence[str]) -> Selection:
    """The entities of these keys; keys that nobody has are left out (``server-facts.md`` 3)."""
    whole = everything(caller, dataclass)
    keys = []
    for text in texts:
        try:
            keys.append(dataclass.key_from_wire(text))
        except ValueError:
            continue
    return replace(whole, queryset=whole.queryset.filter(key_in(keys)))


def filtered(selection: Selection, filter_: Query) -> Selection:
    """What of ``selection`` the filter leaves."""
    where = filter_.where
    if where is None:
        return selection
    caller, dataclass, rows = selection.caller, selection.dataclass, selection.queryset
    found = condition(caller, dataclass, where, rows.db)
    narrowed, before = rows.filter(found), selection.condition
    known = None if before is None else (narrowed, before & found)
    return replace(selection, queryset=narrowed, where=where, filtered_from_all=known)


def sorted_by(selection: Selection, items: tuple[OrderItem, ...] | None) -> Selection:
    """``selection`` in the order that was asked for; members that are gone have no place in it."""
    if items is None:
        return selection
    caller, dataclass = selection.caller, selection.dataclass
    places = resolved(caller, dataclass, items)
    keys = computed_order(caller, dataclass, places, selection.queryset)
    if keys is not None:
        return replace(selection, is_sorted=True, keys=keys)
    return replace(selection, order=order(caller, dataclass, places), is_sorted=True, keys=None)


def first_with(caller: Caller, dataclass: DataClass, name: str, value: str) -> Any:
    """The key of the first entity whose attribute ``name`` equals ``value`` (``requests.md`` 4.1).

    Raises ``RestError`` 1500 with 1804 (404), or 1543 (404) where there is none.
    """
    try:
        attribute = readable(caller, dataclass, name)
    except RestError as error:
        failed = BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name)
        raise RestError(*error.items, failed) from error
    if attribute.is_filled_in:
        return _own_key(dataclass, value)
    not_there = RestError(ENTITY_NOT_LOADED(key=value, dataclass=dataclass.name))
    comparison = Comparison(Path((Step(attribute.name),)), Comparator.IDENTICAL, Text(value))
    with limits.reading():
        try:
            selection = filtered(everything(caller, dataclass), Query(comparison))
        except RestError as error:
            # What no value can be is nobody's, as a key that is none.
            if error.items[-1].row is not WRONG_OPERAND:
                raise
            raise not_there from error
        key = selection.ordered.values_list("pk", flat=True).first()
    if key is None:
        raise not_there
    return key


def _own_key(dataclass: DataClass, value: str) -> Any:
    try:
        return dataclass.key_from_wire(value)
    except ValueError as error:
        raise RestError(ENTITY_NOT_LOADED(key=value, dataclass=dataclass.name)) from error
