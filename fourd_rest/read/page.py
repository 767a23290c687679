"""Reading a collection, in the order of ``requests.md`` 7: source, filter, order, set, page, form."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass, permissions
from fourd_rest.dataclass.attributes import ToMany
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.entity_sets import lifecycle
from fourd_rest.entity_sets.members import combine, contains, position
from fourd_rest.errors import (
    BAD_EXPAND_LIST,
    BAD_OTHER_COLLECTION,
    ENTITY_NOT_DELETED,
    ENTITY_SET_NOT_FOUND,
    NO_OTHER_COLLECTION,
    NO_SUBENTITYSET,
    SELECTION_TOO_LARGE,
    WRONG_KEY,
    RestError,
    asked_attribute,
)
from fourd_rest.models import EntitySet
from fourd_rest.request.address import NO_SET
from fourd_rest.request.keywords import (
    ADD_TO_SET,
    AS_ARRAY,
    COMPUTE,
    DISTINCT,
    FIND_KEY,
    OUTPUT_FORMAT,
    QUERY_PATH,
    QUERY_PLAN,
    REMOVE_FROM_SET,
    SKIP,
    TIMEOUT,
    TOP,
)
from fourd_rest.request.reads import ReadRequest
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.sql import limits
from fourd_rest.sql.transactions import ATTEMPTS

from . import computations, output_formats, query_plan, reader, shapes
from .source import Selection, everything, filtered, sorted_by, with_keys

REBUILT_TIMEOUT = 600


@dataclass(frozen=True, slots=True)
class Collection:
    """What a read of a collection answers.

    ``document`` is JSON; ``location`` the address of a set that was made, for ``Content-Location``.
    """

    document: Any
    location: str | None = None


def read(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Collection:
    """The collection that ``request`` asks for; the right to read the dataclass has been asked before.

    Raises ``RestError`` as the steps do.
    """
    with limits.reading(when=not request.is_plain):
        return _found(caller, dataclass, request)


def _found(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Collection:
    asked = request.selection
    if asked.set_id is not None and request[FIND_KEY] is not None:
        return Collection(_find_key(caller, dataclass, asked, request[FIND_KEY]))
    if not asked.is_of_set:
        selection = filtered(_source(caller, dataclass, asked), asked.filter)
        return _answer(request, sorted_by(selection, asked.order))
    if request.edits_set:
        # What is wrong with the rest of the address must be told before anything changes.
        sorted_by(filtered(everything(caller, dataclass), asked.filter), asked.order)
        _shape(caller, dataclass, request)
        _edit(caller, dataclass, request)
    if asked.is_stored:
        return _stored(caller, dataclass, request)
    members = _members(caller, dataclass, asked)
    if isinstance(members, bool):
        return Collection(members)
    return _answer(request, members)


def related(caller: Caller, dataclass: DataClass, key_text: str, name: str) -> Selection:
    """The entities that the relation ``name`` of one entity leads to (``server-facts.md`` 12).

    Raises ``RestError`` 1805 for one that is not exposed, 1815 for one that leads to one entity or none,
    401. The right to read the entity has been asked before.
    """
    attribute = caller.attribute(dataclass, name)
    if attribute is None:
        raise RestError(
            asked_attribute(name, dataclass.name),
            BAD_EXPAND_LIST(attribute=name, dataclass=dataclass.name),
        )
    if not isinstance(attribute, ToMany):
        raise RestError(NO_SUBENTITYSET())
    permissions.check(caller, attribute.target, Action.VIEW)
    with limits.reading():
        rows = reader.related(caller, dataclass, key_text, attribute)
    return replace(everything(caller, attribute.target), queryset=rows)


def within(selection: Selection, request: ReadRequest) -> Collection:
    """What ``request`` asks for of the entities of ``selection``. Raises ``RestError`` as ``read``."""
    asked = request.selection
    with limits.reading():
        return _answer(request, sorted_by(filtered(selection, asked.filter), asked.order))


def keys_to_delete(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> list[Any]:
    """The keys of a filtered selection, of a set, or of all of a dataclass that allows it (D-19).

    Raises ``RestError`` 1518 where a whole dataclass may not be emptied, 9025 for a selection larger
    than a set may be.
    """
    set_id, filter_ = asked.set_id, asked.filter
    if (set_id or filter_.where is not None) and not permissions.may(caller, dataclass, Action.VIEW):
        # What may not be read may not be asked for by its values either.
        raise permissions.denied(caller, dataclass, Action.VIEW)
    if not asked.is_of_set:
        if filter_.where is None and set_id is None and not dataclass.allow_delete_all:
            raise RestError(ENTITY_NOT_DELETED(key="all", dataclass=dataclass.name))
        source = _source(caller, dataclass, asked)
        # A replica may not know yet what an entity has become, and that it is none of these.
        rows = source.queryset.using(dataclass.write_alias())
        selection = filtered(replace(source, queryset=rows), filter_)
    else:
        entity_set = _find(caller, dataclass, asked)
        selection = filtered(_inside(everything(caller, dataclass), entity_set), filter_)
    limit = current().MAX_ENTITY_SET_SIZE
    keys = list(selection.queryset.order_by("pk").values_list("pk", flat=True)[: limit + 1])
    if len(keys) > limit:
        raise RestError(SELECTION_TOO_LARGE(limit=limit))
    return keys


# Sources.


def _source(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> Selection:
    if asked.set_id is not None:
        whole = everything(caller, dataclass)
        return replace(whole, queryset=whole.queryset.none())
    if asked.keys:
        return with_keys(caller, dataclass, asked.keys)
    return everything(caller, dataclass)


def _members(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> Selection | bool:
    """A stored set, combined, cleaned, filtered and sorted, or what ``INTERSECT`` answers."""
    whole = everything(caller, dataclass)
    keeps_places = asked.filter.where is None and not asked.is_cleaned
    if asked.operator is None and asked.order is not None:
        # The database knows the members; their places are of no use.
        entity_set = _find(caller, dataclass, asked)
        return sorted_by(filtered(_inside(whole, entity_set), asked.filter), asked.order)
    if asked.operator is None:
        entity_set, members = _page_of_set(caller, dataclass, asked, 0, lifecycle.EVERYTHING)
        selection = filtered(_inside(whole, entity_set), asked.filter)
        return replace(selection, keys=members) if keeps_places else _in_their_order(selection, members)
    members = []
    if asked.set_id != NO_SET:
        members = _page_of_set(caller, dataclass, asked, 0, lifecycle.EVERYTHING)[1]
    if not asked.other:
        raise RestError(NO_OTHER_COLLECTION())
    combined = combine(members, asked.operator, _other(caller, dataclass, asked.other))
    if isinstance(combined, bool):
        return combined
    selection = filtered(whole.restricted_to(combined), asked.filter)
    if asked.order is not None:
        return sorted_by(selection, asked.order)
    return selection if keeps_places else _in_their_order(selection, combined)


def _inside(whole: Selection, entity_set: EntitySet) -> Selection:
    """The members of ``entity_set`` that are there, in no order of their own.

    Asked on the database that has the set: its replica may not have it yet.
    """
    rows = whole.queryset.using(entity_set._state.db)
    return replace(whole, queryset=rows.filter(contains(entity_set)))


def _in_their_order(selection: Selection, keys: Sequence[Any]) -> Selection:
    """Those of ``keys`` that ``selection`` holds, in the order of ``keys``."""
    held = set(selection.queryset.order_by().values_list("pk", flat=True))
    return replace(selection, keys=[key for key in keys if key in held])


def _find(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> EntitySet:
    return _page_of_set(caller, dataclass, asked, 0, 0)[0]


def _page_of_set(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, skip: int, size: int
) -> tuple[EntitySet, list[Any]]:
    """A stored set and keys of it; one that is gone is made anew from the texts of the request.

    It has the same ID then and lives for ten minutes (``requests.md`` 6.4). What is answered is what is
    stored: somebody else may have made it anew at the same time, and changed it, or have ended it again.
    """
    set_id = asked.set_id or NO_SET
    for _ in range(ATTEMPTS):
        try:
            return lifecycle.page(caller, dataclass, set_id, skip, size)
        except RestError as error:
            is_gone = error.items[-1].row is ENTITY_SET_NOT_FOUND
            if not is_gone or asked.saved is None:
                raise
        saved = asked.saved.read()
        selection = sorted_by(filtered(everything(caller, dataclass), saved.filter), saved.order)
        keep(selection, timeout=REBUILT_TIMEOUT, identity=set_id)
    return lifecycle.page(caller, dataclass, set_id, skip, size)


def _other(caller: Caller, dataclass: DataClass, reference: str) -> list[Any]:
    """The members of ``$otherCollection``: an ID, or an address that ends with one."""
    set_id = reference.rstrip("/").rpartition("/")[2]
    if set_id.lower() == NO_SET:
        return []
    try:
        return lifecycle.page(caller, dataclass, set_id, 0, lifecycle.EVERYTHING)[1]
    except RestError as error:
        if error.items[-1].row is not ENTITY_SET_NOT_FOUND:
            raise
        raise RestError(BAD_OTHER_COLLECTION(id=reference)) from error


# Stored sets as they are.


def _stored(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Collection:
    """A page of a set that nothing narrows or sorts: the cost of the page, not of the set."""
    asked = request.selection
    if request[COMPUTE] is not None or request[DISTINCT]:
        entity_set = _find(caller, dataclass, asked)
        return _answer(request, _inside(everything(caller, dataclass), entity_set))
    skip, size = _slice(dataclass, request)
    form = _form(request)
    if form is output_formats.as_array and request[TOP] is None:
        size = current().MAX_PAGE_SIZE
    entity_set, keys = _page_of_set(caller, dataclass, asked, skip, size)
    whole = everything(caller, dataclass)
    shape = _shape(caller, dataclass, request)
    location = lifecycle.uri(caller, dataclass, entity_set) if request.makes_set else None
    if form is not None:
        document = form(replace(whole, keys=keys), shape.attributes, top=len(keys))
        if isinstance(document, dict):
            document |= {"__COUNT": entity_set.size, "__FIRST": skip}
        return Collection(document, location)
    shown = reader.by_keys(caller, shape, whole.queryset, keys)
    return Collection(_envelope(dataclass, entity_set.size, skip, shown, location), location)


def _edit(caller: Caller, dataclass: DataClass, request: ReadRequest) -> None:
    entity_set = _find(caller, dataclass, request.selection)
    try:
        added = [dataclass.key_from_wire(key) for key in request[ADD_TO_SET] or ()]
    except ValueError as error:
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error
    lifecycle.edit(entity_set, add=added, remove=request[REMOVE_FROM_SET])


def _find_key(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, key_text: str | None
) -> dict[str, int]:
    if asked.set_id == NO_SET:
        return {"result": -1}
    entity_set = _find(caller, dataclass, asked)
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError:
        return {"result": -1}
    return {"result": position(entity_set, key)}


# Answers.


def _answer(request: ReadRequest, selection: Selection) -> Collection:
    caller, dataclass = selection.caller, selection.dataclass
    if (action := request[COMPUTE]) is not None:
        return Collection(computations.compute(selection, request.names, action))
    if request[DISTINCT]:
        skip = max(request[SKIP] or 0, 0)
        return Collection(computations.distinct(selection, request.names, skip=skip, top=request[TOP]))
    skip, size = _slice(dataclass, request)
    shape, form = _shape(caller, dataclass, request), _form(request)
    location = None
    if request.makes_set:
        # Last of all that may fail: a set whose ID nobody is told would only count.
        entity_set = keep(selection, timeout=request[TIMEOUT])
        location = lifecycle.uri(caller, dataclass, entity_set)
    if form is not None:
        return Collection(form(selection, shape.attributes, skip=skip, top=request[TOP]), location)
    told = query_plan.plan(
        selection, selection.where, plan=request[QUERY_PLAN], path=request[QUERY_PATH]
    )
    count, shown = page(selection, shape, skip, size)
    return Collection(told | _envelope(dataclass, count, skip, shown, location), location)


def keep(selection: Selection, *, timeout: int | None, identity: str | None = None) -> EntitySet:
    """``selection`` as a stored set, with the members that are gone.

    Streams the keys, without entities, before the transaction that stores them. Raises ``RestError`` as
    ``lifecycle.create`` does.
    """
    known = selection.keys
    with selection.every_key() if known is None else nullcontext(known) as keys:
        return lifecycle.create(
            selection.caller,
            selection.dataclass,
            keys,
            timeout=timeout,
            is_sorted=selection.is_sorted,
            identity=identity,
        )


def page(selection: Selection, shape: Any, skip: int, size: int) -> tuple[int, list[Any]]:
    """How many entities ``selection`` has, and those from ``skip`` on, at most ``size``."""
    if selection.keys is not None:
        keys = selection.keys[skip : skip + size]
        rows = selection.queryset
        return len(selection.keys), reader.by_keys(selection.caller, shape, rows, keys)
    shown = _read(selection, shape, slice(skip, skip + size)) if size else []
    # A page that is not full is the last one and tells the count.
    count = skip + len(shown) if 0 < len(shown) < size else selection.count()
    return count, shown


def _read(selection: Selection, shape: Any, place: slice) -> list[Any]:
    caller, rows = selection.caller, selection.queryset
    if selection.is_everything and not selection.is_sorted:
        found = reader.page_of_all(caller, shape, place, rows.db)
        if found is not None:
            return found
    return reader.rows(caller, shape, rows, selection.condition, selection.order, place)


def _slice(dataclass: DataClass, request: ReadRequest) -> tuple[int, int]:
    """Offset and size of the page, the size capped by ``MAX_PAGE_SIZE``."""
    settings = current()
    top = request[TOP]
    size = dataclass.page_size or settings.PAGE_SIZE if top is None else top
    if size < 0 or size > settings.MAX_PAGE_SIZE:
        size = settings.MAX_PAGE_SIZE
    return max(request[SKIP] or 0, 0), size


def _shape(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Any:
    return shapes.shape(caller, dataclass, names=request.names, expand=request.expand)


def _form(request: ReadRequest) -> Any:
    """How a page is written that is not the usual envelope."""
    if request[OUTPUT_FORMAT] == "looker":
        return output_formats.looker
    return output_formats.as_array if request[AS_ARRAY] else None


def _envelope(
    dataclass: DataClass, count: int, skip: int, shown: list[Any], location: str | None
) -> dict[str, Any]:
    """A page as ``responses.md`` 3 has it."""
    document: dict[str, Any] = {} if location is None else {"__ENTITYSET": location}
    document |= {
        "__DATACLASS": dataclass.name,
        "__entityModel": dataclass.name,
        "__GlobalStamp": 0,
        "__COUNT": count,
        "__FIRST": skip,
        "__ENTITIES": shown,
        "__SENT": len(shown),
    }
    return document
