"""A selection: which entities of one dataclass, in which order, as one caller sees them; not yet read.

``Selection`` is what the database knows, ``KeyedSelection`` a list of members. Whoever reads needs not
tell them apart: both have a ``queryset``, a ``count``, ``every_key``, the rows of a ``Slice``
(``rows_at``), and ``existing``, which leaves out members that are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from django.db.models import Q, QuerySet

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.entity_sets.lifecycle import EVERYTHING
from fourd_rest.entity_sets.members import contains
from fourd_rest.errors import WRONG_KEY, RestError
from fourd_rest.models import EntitySet
from fourd_rest.query.compiler import condition
from fourd_rest.query.ordering import computed_order, order, resolved
from fourd_rest.request.filter_syntax import Node, OrderItem, Query
from fourd_rest.sql import limits, prepared
from fourd_rest.sql.key_membership import key_in
from fourd_rest.sql.prepared import Row
from fourd_rest.sql.row_order import default_order

_KEYS_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class Slice:
    """``size`` entities after the first ``skip``."""

    skip: int
    size: int

    @property
    def bounds(self) -> slice:
        """The same for Python, and for the ORM."""
        return slice(self.skip, self.skip + self.size)


NOTHING = Slice(0, 0)
WHOLE = Slice(0, EVERYTHING)


@dataclass(frozen=True, slots=True)
class Selection:
    """Entities that ``caller`` may see.

    ``queryset`` yields instances of the dataclass' model, each once, without an order. ``order`` is
    total: what ``order_by`` takes, the key last. ``is_sorted`` tells whether the client asked for an
    order, ``where`` what it filtered by. ``condition`` alone makes ``queryset`` of all entities of a
    dataclass that hides none; None where there is more to it.
    """

    caller: Caller
    dataclass: DataClass
    queryset: QuerySet[Any]
    order: tuple[Any, ...]
    is_sorted: bool = False
    where: Node | None = None
    condition: Q | None = None

    @property
    def is_everything(self) -> bool:
        """Whether these are all entities of a dataclass that hides none."""
        return self.condition is not None and not self.condition

    @property
    def existing(self) -> Selection:
        """All of them."""
        return self

    @property
    def ordered(self) -> QuerySet[Any]:
        """The instances in order."""
        return self.queryset.order_by(*self.order)

    def count(self, part: Slice = NOTHING, sent: int = 0) -> int:
        """How many entities there are: ``__COUNT``.

        By a statement, unless the ``sent`` entities that were read of ``part`` tell it: a page that is
        not full is the last one.
        """
        if 0 < sent < part.size:
            return part.skip + sent
        if self.is_everything:
            return prepared.count(self.dataclass.model, self.queryset.db)
        return self.queryset.count()

    @contextmanager
    def every_key(self) -> Iterator[Iterable[Any]]:
        """The keys in order, as many as a set may hold and one more, read a few at a time.

        So that too many are noticed, and not read to their end.
        """
        limit = current().MAX_ENTITY_SET_SIZE + 1
        rows = self.ordered.values_list("pk", flat=True)[:limit]
        with limits.streaming(rows.db):
            yield rows.iterator(_KEYS_AT_A_TIME)

    def rows_at(self, rows: QuerySet[Any, Row], part: Slice) -> list[Row]:
        """Of ``rows``, which are ``queryset`` as tuples, those at ``part``. One statement."""
        return list(rows.order_by(*self.order)[part.bounds])

    # Narrowed and sorted.

    def among(self, queryset: QuerySet[Any], condition: Q | None = None) -> Selection:
        """Those that ``queryset`` yields; ``condition`` as the member of that name."""
        return replace(self, queryset=queryset, condition=condition)

    def with_keys(self, keys: Sequence[Any]) -> Selection:
        """Those of ``keys``."""
        return self.among(self.queryset.filter(key_in(keys)))

    def inside(self, entity_set: EntitySet) -> Selection:
        """The members of ``entity_set``, not in its order.

        Asked on the database that has the set: its replica may not have it yet.
        """
        rows = self.queryset.using(entity_set._state.db)
        return self.among(rows.filter(contains(entity_set)))

    def filtered(self, filter_: Query) -> Selection:
        """What the filter leaves. Raises ``RestError`` as ``compiler.condition`` does."""
        where, rows = filter_.where, self.queryset
        if where is None:
            return self
        found = condition(self.caller, self.dataclass, where, rows.db)
        known = None if self.condition is None else self.condition & found
        return replace(self, queryset=rows.filter(found), where=where, condition=known)

    def sorted_by(self, items: tuple[OrderItem, ...] | None) -> Selection | KeyedSelection:
        """These in the order that was asked for, if one was.

        What Python has to sort by is read here, in one statement. Raises ``RestError`` 1810 (404), 9022,
        1200 for more entities than Python looks at.
        """
        if items is None:
            return self
        resolved_items = resolved(self.caller, self.dataclass, items)
        keys = computed_order(self.caller, self.dataclass, resolved_items, self.queryset)
        if keys is not None:
            return KeyedSelection(replace(self, is_sorted=True), keys, len(keys))
        by = order(self.caller, self.dataclass, resolved_items)
        return replace(self, order=by, is_sorted=True)

    def in_the_order_of(self, keys: Sequence[Any]) -> KeyedSelection:
        """Those of ``keys`` that are among these, in the order of ``keys``. One statement."""
        held = set(self.queryset.order_by().values_list("pk", flat=True))
        members = [key for key in keys if key in held]
        return KeyedSelection(self, members, len(members))


@dataclass(frozen=True, slots=True)
class KeyedSelection:
    """Members whose keys and order are known; one that is gone or hidden still counts.

    They are looked for among the entities of ``found_in``. There are ``size`` of them, and ``keys`` are
    those that may be asked for, the first of them after ``first`` others. ``entity_set`` is the stored
    set that these are, if nothing narrows, sorts or joins it: ``found_in`` has other entities as well
    then.
    """

    found_in: Selection
    keys: Sequence[Any]
    size: int
    first: int = 0
    entity_set: EntitySet | None = None

    @property
    def caller(self) -> Caller:
        """Who sees them."""
        return self.found_in.caller

    @property
    def dataclass(self) -> DataClass:
        """Their dataclass."""
        return self.found_in.dataclass

    @property
    def queryset(self) -> QuerySet[Any]:
        """Where to look for them by their keys: it may yield others."""
        return self.found_in.queryset

    @property
    def is_sorted(self) -> bool:
        """Whether the client asked for their order."""
        return self.found_in.is_sorted

    @property
    def existing(self) -> Selection:
        """Members that are not gone, without the order of the others."""
        if self.entity_set is None:
            return self.found_in
        return self.found_in.inside(self.entity_set)

    def count(self, part: Slice = NOTHING, sent: int = 0) -> int:
        """How many members there are, those that are gone included: ``__COUNT``. No statement."""
        return self.size

    def every_key(self) -> AbstractContextManager[Iterable[Any]]:
        """As that of a ``Selection``; of a stored set there are only those that were asked for."""
        return nullcontext(self.keys)

    def keys_at(self, part: Slice) -> Sequence[Any]:
        """The keys at ``part``."""
        start = part.skip - self.first
        return self.keys[start : start + part.size]

    def rows_at(self, rows: QuerySet[Any, Row], part: Slice) -> list[Row]:
        """Of ``rows``, which are ``queryset`` as tuples, those at ``part``, the key first in each.

        What is gone is left out. One statement.
        """
        keys = self.keys_at(part)
        found = {row[0]: row for row in rows.filter(key_in(keys)).order_by()}
        return [found[key] for key in keys if key in found]


AnySelection: TypeAlias = Selection | KeyedSelection


def everything(caller: Caller, dataclass: DataClass, alias: str | None = None) -> Selection:
    """All entities of the dataclass: on the database ``alias``, else on the one that is read."""
    rows = dataclass.entities(caller.request)
    if alias is not None:
        rows = rows.using(alias)
    condition = None if dataclass.restricts_rows else Q()
    return Selection(caller, dataclass, rows, default_order(dataclass), condition=condition)


def to_key(dataclass: DataClass, value: Any) -> Any:
    """The key that a text or a JSON value stands for.

    Raises ``RestError`` 1541 (404) if it cannot be one.
    """
    try:
        return dataclass.key_from_wire(value)
    except ValueError as error:
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error
