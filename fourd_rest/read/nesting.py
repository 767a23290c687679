"""Entities within entities (``responses.md`` 5): one statement for each expanded relation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import DenseRank, RowNumber

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import ToMany
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.joins import Join, join_of, window_order
from fourd_rest.errors import SELECTION_TOO_LARGE, RestError
from fourd_rest.query import visible
from fourd_rest.request import uris
from fourd_rest.request.address import key_text
from fourd_rest.sql import limits
from fourd_rest.sql.key_membership import key_in
from fourd_rest.sql.prepared import Row

from .envelope import envelope
from .projection import Entity, Projection, SeenKeys, project
from .shapes import Expanded

# Of a row of a nested selection: the key it belongs to, its rank from 1, the size of the selection.
_RANK = ("_fourd_owner", "_fourd_rank", "_fourd_count")

# A level that holds at most the limit divided by this is read without being counted.
_UNCOUNTED = 5

# How often each of some rows is shown in the answer.
Weights = Sequence[int]


def rendered(caller: Caller, projection: Projection, rows: Sequence[Row], alias: str) -> list[Entity]:
    """The JSON of ``rows``, which were selected by ``projection`` on the database ``alias``.

    Raises ``RestError`` 9025 (413) if expanded relations hold more than ``MAX_NESTED_ENTITIES``.
    """
    entities = projection.entities(rows, _seen_keys(caller, projection, rows, alias), alias)
    if projection.nested:
        Nesting(caller, projection.mount, alias).fill(projection, rows, entities, [1] * len(rows))
    return entities


def _seen_keys(caller: Caller, projection: Projection, rows: Sequence[Row], alias: str) -> SeenKeys:
    """Of the entities that ``rows`` depend on the keys that the reader may see (D-13).

    Where all of them are, they are left out, and cost no statement.
    """
    found = {}
    for guard in projection.guards:
        asked = (row[guard.index] for row in rows)
        keys = visible.keys(caller, guard.hop, asked, alias)
        if keys is not None:
            found[guard] = keys
    return found


class Nesting:
    """Reads what expanded relations lead to, for one answer."""

    def __init__(self, caller: Caller, mount: str, alias: str) -> None:
        self.caller = caller
        self.mount = mount
        self.alias = alias
        settings = current()
        self.limit = self.left = settings.MAX_NESTED_ENTITIES
        self.max_size = settings.MAX_PAGE_SIZE
        # Whether what is being read is known to be few enough.
        self.is_counted = False

    def check_room(
        self, dataclass: DataClass, asked: Sequence[tuple[Expanded, Sequence[Any]]], weights: Weights
    ) -> bool:
        """Count what the relations lead to before any of it is read, if it may be much and too much.

        ``asked``: relations of ``dataclass``, each with the keys that lead there. Tells whether it was
        counted, on all levels. Raises 9025 (413).
        """
        owners, few = sum(weights), self.limit // _UNCOUNTED
        most = sum(self._most(expanded, owners) for expanded, _ in asked)
        # A small level is read first: what its entities lead to can be estimated better then.
        if most <= self.left or all(self._size(expanded, owners) <= few for expanded, _ in asked):
            return False
        left = self.left
        for expanded, keys in asked:
            self._count(dataclass, expanded, keys, weights)
        self.left = left
        return True

    def _size(self, expanded: Expanded, owners: int) -> int:
        """How many entities ``owners`` lead to at most, on one level."""
        is_to_many = isinstance(expanded.attribute, ToMany)
        return owners if not is_to_many else owners * min(expanded.count, self.max_size)

    def _most(self, expanded: Expanded, owners: int) -> int:
        """How many on all levels."""
        found = self._size(expanded, owners)
        return found + sum(self._most(deeper, found) for deeper in expanded.shape.expanded)

    def _count(
        self, dataclass: DataClass, expanded: Expanded, keys: Sequence[Any], weights: Weights
    ) -> None:
        """Spend what ``entities`` or ``selections`` would, on keys alone."""
        wanted = _summed(keys, weights)
        if not wanted:
            return
        target = expanded.shape.dataclass
        projection = project(expanded.shape, self.mount)
        columns = ("pk", *(projection.columns[index] for _, index in projection.nested))
        # By what is shown once: the entity, or the rank in a selection.
        rows: dict[Any, Row]
        if isinstance(expanded.attribute, ToMany):
            join, size = join_of(dataclass, expanded.attribute), min(expanded.count, self.max_size)
            found = self._every(target).order_by().values_list(*columns)
            slices = self._slices(found, expanded, join, wanted, size)
            rows = {row[-len(_RANK) :][:2]: row for row in slices}
            row_weights = [wanted.get(owner, 0) if rank > expanded.skip else 0 for owner, rank in rows]
        else:
            seen = target.entities(self.caller.request).using(self.alias).order_by()
            found = seen.filter(key_in(wanted)).values_list(*columns)
            rows = {row[0]: row for row in found}
            row_weights = [wanted.get(key, 0) for key in rows]
        self._spend(sum(row_weights))
        for index, (deeper, _) in enumerate(projection.nested, 1):
            self._count(target, deeper, [row[index] for row in rows.values()], row_weights)

    def fill(
        self, projection: Projection, rows: Sequence[Row], entities: Sequence[Entity], weights: Weights
    ) -> None:
        """Put into ``entities``, made of ``rows``, what the relations of ``projection`` lead to."""
        asked = [(expanded, [row[index] for row in rows]) for expanded, index in projection.nested]
        is_counted = self.is_counted
        if not is_counted and asked:
            self.is_counted = self.check_room(projection.dataclass, asked, weights)
        for expanded, keys in asked:
            name = expanded.attribute.name
            if isinstance(expanded.attribute, ToMany):
                show = self.selections(projection.dataclass, expanded, keys, weights)
                for entity, key in zip(entities, keys, strict=True):
                    entity[name] = show(key, entity["__KEY"])
            else:
                targets = self.entities(expanded, keys, weights)
                for entity, key in zip(entities, keys, strict=True):
                    entity[name] = targets.get(key)
        self.is_counted = is_counted

    def entities(self, expanded: Expanded, keys: Sequence[Any], weights: Weights) -> dict[Any, Entity]:
        """By key the entities of ``keys`` that the caller may see. ``keys`` may hold None."""
        wanted = _summed(keys, weights)
        if not wanted:
            return {}
        target = expanded.shape.dataclass
        projection = project(expanded.shape, self.mount)
        found = projection.rows(target.entities(self.caller.request), wanted, self.alias)
        rows = [row for row in found if row[0] in wanted]
        row_weights = [wanted[row[0]] for row in rows]
        self._spend(sum(row_weights))
        return {
            row[0]: entity
            for row, entity in zip(rows, self._rendered(projection, rows, row_weights), strict=True)
        }

    def selections(
        self, dataclass: DataClass, expanded: Expanded, keys: Sequence[Any], weights: Weights
    ) -> Callable[[Any, str], Entity]:
        """How the nested selection of a key among ``keys`` is shown, given its text in ``__KEY``."""
        wanted = _summed(keys, weights)
        join = join_of(dataclass, expanded.attribute)
        size = min(expanded.count, self.max_size)
        counts: dict[Any, int] = {}
        rows: dict[tuple[Any, int], Row] = {}
        for row in self._ranked(expanded, join, wanted, size):
            owner, rank, count = row[-len(_RANK) :]
            counts[owner] = count
            # A database may take two different texts for the same key.
            if expanded.skip < rank <= expanded.skip + size and owner in wanted:
                rows[owner, rank] = row
        row_weights = [wanted[owner] for owner, _ in rows]
        self._spend(sum(row_weights))
        projection = project(expanded.shape, self.mount)
        members: dict[Any, list[Entity]] = {}
        entities = self._rendered(projection, list(rows.values()), row_weights)
        for (owner, _), entity in sorted(zip(rows, entities, strict=True), key=lambda pair: pair[0][1]):
            members.setdefault(owner, []).append(entity)
        name, start = expanded.attribute.name, f"{self.mount}/{dataclass.name}("

        def show(key: Any, wire_key: str) -> Entity:
            found = members.get(key, [])
            location = f"{start}{key_text(wire_key)}){uris.of_relation(name)}"
            count = counts.get(key, 0)
            return envelope(found, count=count, first=expanded.skip, location=location)

        return show

    def _ranked(
        self, expanded: Expanded, join: Join, wanted: Mapping[Any, int], size: int
    ) -> Sequence[Row]:
        """Rows of the projection and of ``_RANK``: the slice of each selection, and its first row."""
        if not wanted:
            return []
        target = expanded.shape.dataclass
        projection = project(expanded.shape, self.mount)
        if not (join.repeats and projection.has_expressions):
            return self._slices(projection.select(self._every(target)), expanded, join, wanted, size)
        # SQL of the site that counts would count an entity once for each row of the same pair. So its
        # values take a statement of their own.
        keys = self._every(target).order_by().values_list("pk")
        ranks = self._slices(keys, expanded, join, wanted, size)
        owners = {rank[0] for rank in ranks}
        found = projection.rows(target.entities(self.caller.request), owners, self.alias)
        rows = {row[0]: row for row in found}
        return [(*rows[rank[0]], *rank[1:]) for rank in ranks if rank[0] in rows]

    def _slices(
        self,
        rows: QuerySet[Any, Row],
        expanded: Expanded,
        join: Join,
        wanted: Mapping[Any, int],
        size: int,
    ) -> list[Row]:
        """Fetches not many more rows than may be shown: the first row of a selection tells its count."""
        order, owner = window_order(expanded.shape.dataclass), F(join.path)
        ranked = (
            rows.filter(key_in(wanted, join.path))
            .using(self.alias)
            .annotate(
                _fourd_owner=owner,
                _fourd_rank=_rank(join, owner, order),
                _fourd_count=_count(join, owner, order),
            )
        )
        skip = expanded.skip
        slice_ = Q(_fourd_rank__gt=skip, _fourd_rank__lte=skip + size) | Q(_fourd_rank=1)
        limit = self.left + len(wanted)
        found = list(ranked.filter(slice_)[: limit + 1])
        if len(found) > limit:
            # Nothing would tell that the rows beyond are missing.
            raise RestError(SELECTION_TOO_LARGE(limit=self.limit))
        return found

    def _every(self, target: DataClass) -> QuerySet[Any]:
        """The entities of ``target`` that the caller may see, without joins that others have made."""
        return visible.apart(target, target.entities(self.caller.request).using(self.alias))

    def _rendered(self, projection: Projection, rows: Sequence[Row], weights: Weights) -> list[Entity]:
        limits.check()
        seen = _seen_keys(self.caller, projection, rows, self.alias)
        entities = projection.entities(rows, seen, self.alias)
        self.fill(projection, rows, entities, weights)
        return entities

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise RestError(SELECTION_TOO_LARGE(limit=self.limit))


def _summed(keys: Sequence[Any], weights: Weights) -> dict[Any, int]:
    """How often each key is shown."""
    found: dict[Any, int] = {}
    for key, weight in zip(keys, weights, strict=True):
        if key is not None:
            found[key] = found.get(key, 0) + weight
    return found


def _rank(join: Join, owner: Any, order: list[Any]) -> Window:
    # Where one pair is there several times, each of its rows has the same rank.
    return Window(DenseRank() if join.repeats else RowNumber(), partition_by=owner, order_by=order)


def _count(join: Join, owner: Any, order: list[Any]) -> Any:
    if not join.repeats:
        return Window(Count("*"), partition_by=owner)
    backwards = [item.copy() for item in order]
    for item in backwards:
        item.reverse_ordering()
    return _rank(join, owner, order) + _rank(join, owner, backwards) - 1
