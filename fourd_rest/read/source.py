"""Which entities an address means (``requests.md`` 7): source, set operation, filter, order."""

from __future__ import annotations

from typing import Any

from fourd_rest.dataclass import DataClass, permissions
from fourd_rest.dataclass.attributes import ToMany
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.entity_sets.members import combine
from fourd_rest.errors import (
    BAD_ATTRIBUTE_LIST,
    BAD_EXPAND_LIST,
    NO_SUBENTITYSET,
    WRONG_OPERAND,
    RestError,
)
from fourd_rest.query.visible import readable
from fourd_rest.request.filter_syntax import Comparator, Comparison, Path, Query, Step, Text
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.sql import limits

from . import reader, sets, shapes
from .selection import WHOLE, AnySelection, KeyedSelection, Selection, Slice, everything


def source(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, part: Slice = WHOLE
) -> AnySelection:
    """The entities that ``asked`` means, in their order; ``asked`` is not «have they a common member?».

    ``part`` is what will be asked for of them: of a stored set that nothing narrows, sorts or joins only
    its keys are read. Reads no entity, except to sort by what Python computes; where members of a set
    are narrowed, which of them are left. Raises ``RestError`` as the sets of ``asked``, its filter and
    its order do, in that order.
    """
    if asked.operator is not None:
        return _combined(caller, dataclass, asked, asked.operator)
    if asked.is_stored:
        entity_set, keys = sets.page(caller, dataclass, asked, part)
        whole = everything(caller, dataclass)
        return KeyedSelection(whole, keys, entity_set.size, part.skip, entity_set)
    if asked.is_of_set and asked.order is None:
        entity_set, keys = sets.page(caller, dataclass, asked, WHOLE)
        inside = everything(caller, dataclass).inside(entity_set)
        return inside.filtered(asked.filter).in_the_order_of(keys)
    return unsorted(caller, dataclass, asked).sorted_by(asked.order)


def unsorted(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, *, alias: str | None = None
) -> Selection:
    """The entities that ``asked`` means, without its order; nothing of them is read.

    They are looked up on the database ``alias``, else on the one that is read; members of a set where
    that is. ``asked`` joins no sets. Raises ``RestError`` as ``source``.
    """
    whole = everything(caller, dataclass, alias)
    if asked.is_of_set:
        whole = whole.inside(sets.find(caller, dataclass, asked))
    elif asked.set_id is not None:
        whole = whole.among(whole.queryset.none())
    elif asked.keys:
        whole = whole.with_keys(_known_keys(dataclass, asked.keys))
    return whole.filtered(asked.filter)


def _known_keys(dataclass: DataClass, texts: tuple[str, ...]) -> list[Any]:
    """The keys that ``texts`` stand for; what can be none is left out (``server-facts.md`` 3)."""
    keys = []
    for text in texts:
        try:
            keys.append(dataclass.key_from_wire(text))
        except ValueError:
            continue
    return keys


def _combined(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, operator: str
) -> AnySelection:
    """Two sets joined; members that are gone count until something narrows or sorts."""
    keys = combine(*sets.joined(caller, dataclass, asked), operator)
    joined = everything(caller, dataclass).with_keys(keys)
    selection = joined.filtered(asked.filter)
    if asked.order is not None:
        return selection.sorted_by(asked.order)
    if selection is not joined or asked.is_cleaned:
        return selection.in_the_order_of(keys)
    return KeyedSelection(joined, keys, len(keys))


def related(caller: Caller, dataclass: DataClass, key_text: str, name: str) -> Selection:
    """The entities that the relation ``name`` of one entity leads to (``server-facts.md`` 12).

    Raises ``RestError`` 1805 for one that is not exposed, 1815 for one that leads to one entity or none,
    401. The right to read the entity has been asked before.
    """
    attribute = caller.attribute(dataclass, name)
    if attribute is None:
        raise shapes.unknown(name, dataclass, BAD_EXPAND_LIST)
    if not isinstance(attribute, ToMany):
        raise RestError(NO_SUBENTITYSET())
    permissions.check(caller, attribute.target, Action.VIEW)
    with limits.reading():
        rows = reader.related(caller, dataclass, key_text, attribute)
    return everything(caller, attribute.target).among(rows)


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
        try:
            return dataclass.key_from_wire(value)
        except ValueError as error:
            raise reader.not_loaded(dataclass, value) from error
    not_there = reader.not_loaded(dataclass, value)
    comparison = Comparison(Path((Step(attribute.name),)), Comparator.IDENTICAL, Text(value))
    with limits.reading():
        try:
            selection = everything(caller, dataclass).filtered(Query(comparison))
        except RestError as error:
            # No entity has a value that the attribute cannot have.
            if error.items[-1].row is not WRONG_OPERAND:
                raise
            raise not_there from error
        key = selection.ordered.values_list("pk", flat=True).first()
    if key is None:
        raise not_there
    return key
