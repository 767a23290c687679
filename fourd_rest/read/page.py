"""Reading a collection, in the order of ``requests.md`` 7: source, filter, order, set, page, form."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import orjson

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass, Kind, permissions
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.entity_sets import lifecycle
from fourd_rest.entity_sets.members import combine, contains, position
from fourd_rest.errors import (
    BAD_EXPAND_LIST,
    BAD_OTHER_COLLECTION,
    ENTITY_NOT_DELETED,
    ENTITY_SET_NOT_FOUND,
    METHOD_NOT_APPLICABLE,
    NO_OTHER_COLLECTION,
    NO_SUBENTITYSET,
    SELECTION_TOO_LARGE,
    WRONG_KEY,
    RestError,
    asked_attribute,
)
from fourd_rest.models import EntitySet
from fourd_rest.request.address import NO_SET as NONE
from fourd_rest.request.address import Address
from fourd_rest.request.asking import query_of
from fourd_rest.request.filter_syntax import Query
from fourd_rest.sql import limits
from fourd_rest.sql.transactions import ATTEMPTS

from . import computations, output_formats, query_plan, reader, shapes
from .source import Selection, asked, everything, filtered, order_items, sorted_by, with_keys

REBUILT_TIMEOUT = 600
# With no others a page costs what it shows.
_PLAIN = frozenset({"$top", "$skip", "$attributes"})


@dataclass(frozen=True, slots=True)
class Collection:
    """What a read of a collection answers.

    ``document`` is JSON; ``location`` the address of a set that was made, for ``Content-Location``.
    """

    document: Any
    location: str | None = None


def read(caller: Caller, address: Address, dataclass: DataClass, method: str) -> Collection:
    """The collection at ``address``. ``method`` is ``""``, ``entityset`` or ``subentityset``.

    Raises ``RestError`` as the steps do, and 401 for who may not read the dataclass.
    """
    permissions.check(caller, dataclass, Action.VIEW)
    with limits.reading(when=not _is_plain(address)):
        return _found(caller, address, dataclass, method)


def _is_plain(address: Address) -> bool:
    """Whether the client asks for a page of all entities and of nothing behind them."""
    if address.keys or address.set_id is not None or not address.params.keys() <= _PLAIN:
        return False
    return "." not in (address.names or "") and "." not in address.params.get("$attributes", "")


def _found(caller: Caller, address: Address, dataclass: DataClass, method: str) -> Collection:
    set_id = address.set_id
    if method == "subentityset" and set_id is None:
        raise RestError(NO_SUBENTITYSET())
    filter_, items = asked(address, dataclass)
    if set_id is not None and "$findkey" in address.params:
        return Collection(_find_key(caller, address, dataclass, set_id))
    combines = "$logicoperator" in address.params
    if set_id is None or (set_id == NONE and not combines):
        selection = _source(caller, address, dataclass, set_id)
        selection = sorted_by(filtered(selection, filter_), items)
        return _answer(address, selection, address.names, method)
    if {"$addtoset", "$removefromset"} & address.params.keys():
        # What is wrong with the rest of the address must be told before anything changes.
        sorted_by(filtered(everything(caller, dataclass), filter_), items)
        _shape(caller, address, dataclass, address.names)
        _slice(address, dataclass)
        _form(address)
        _edit(caller, address, dataclass, set_id)
    is_plain = filter_.where is None and items is None and not combines
    if is_plain and "$clean" not in address.params:
        return _stored(caller, address, dataclass, set_id, method)
    members = _members(caller, address, dataclass, set_id, filter_, items)
    if isinstance(members, bool):
        return Collection(members)
    return _answer(address, members, address.names, method)


def related(
    caller: Caller, address: Address, dataclass: DataClass, key_text: str, method: str
) -> Collection:
    """``X(key)/relation?$expand=relation&$method=subentityset``: the related entities as a set.

    The relation is the one that ``$expand`` names (``server-facts.md`` 12). Raises ``RestError`` 1805
    for one that is not exposed, 1815 where there is none, 1813 for another ``method``. The right to read
    the entity has been asked before.
    """
    if method != "subentityset":
        raise RestError(METHOD_NOT_APPLICABLE(method=method))
    with limits.reading():
        return _related_set(caller, address, dataclass, key_text)


def _related_set(caller: Caller, address: Address, dataclass: DataClass, key_text: str) -> Collection:
    name = address.params.get("$expand", "").split(",")[0].strip() or (address.names or "")
    if not name:
        raise RestError(NO_SUBENTITYSET())
    attribute = caller.attribute(dataclass, name)
    if attribute is None:
        raise RestError(
            asked_attribute(name, dataclass.name),
            BAD_EXPAND_LIST(attribute=name, dataclass=dataclass.name),
        )
    selection = _related(caller, dataclass, key_text, attribute)
    filter_, items = asked(address, selection.dataclass)
    if items is None:
        items = order_items(selection.dataclass, address, "$suborderby")
    selection = sorted_by(filtered(selection, filter_), items)
    inner = _without_relation(address)
    return _answer(inner, selection, address.params.get("$attributes"), "entityset")


def _without_relation(address: Address) -> Address:
    """The relation itself is taken: within it expands what ``$subExpand`` names."""
    params = {name: value for name, value in address.params.items() if name != "$expand"}
    if expand := address.params.get("$subexpand"):
        params["$expand"] = expand
    return replace(address, params=params)


def _related(caller: Caller, dataclass: DataClass, key_text: str, attribute: Attribute) -> Selection:
    target = attribute.target
    if target is None or attribute.kind is not Kind.TO_MANY:
        raise RestError(NO_SUBENTITYSET())
    permissions.check(caller, target, Action.VIEW)
    rows = reader.related(caller, dataclass, key_text, attribute)
    return replace(everything(caller, target), queryset=rows)


def keys_to_delete(caller: Caller, address: Address, dataclass: DataClass) -> list[Any]:
    """The keys of a filtered selection, of a set, or of all of a dataclass that allows it (D-19).

    Raises ``RestError`` 1518 where a whole dataclass may not be emptied, 9025 for a selection larger
    than a set may be.
    """
    filter_, _ = asked(address, dataclass)
    set_id = address.set_id
    if (set_id or filter_.where is not None) and not permissions.may(caller, dataclass, Action.VIEW):
        # What may not be read may not be asked for by its values either.
        raise permissions.denied(caller, dataclass, Action.VIEW)
    if set_id is None or set_id == NONE:
        if filter_.where is None and set_id is None and not dataclass.allow_delete_all:
            raise RestError(ENTITY_NOT_DELETED(key="all", dataclass=dataclass.name))
        source = _source(caller, address, dataclass, set_id)
        # A replica may not know yet what an entity has become, and that it is none of these.
        rows = source.queryset.using(dataclass.write_alias())
        selection = filtered(replace(source, queryset=rows), filter_)
    else:
        entity_set = _find(caller, address, dataclass, set_id)
        selection = filtered(_inside(everything(caller, dataclass), entity_set), filter_)
    limit = current().MAX_ENTITY_SET_SIZE
    keys = list(selection.queryset.order_by("pk").values_list("pk", flat=True)[: limit + 1])
    if len(keys) > limit:
        raise RestError(SELECTION_TOO_LARGE(limit=limit))
    return keys


# Sources.


def _source(caller: Caller, address: Address, dataclass: DataClass, set_id: str | None) -> Selection:
    if set_id == NONE:
        whole = everything(caller, dataclass)
        return replace(whole, queryset=whole.queryset.none())
    if address.keys:
        return with_keys(caller, dataclass, address.keys)
    return everything(caller, dataclass)


def _members(
    caller: Caller,
    address: Address,
    dataclass: DataClass,
    set_id: str,
    filter_: Query,
    items: Any,
) -> Selection | bool:
    """A stored set, combined, cleaned, filtered and sorted, or what ``INTERSECT`` answers."""
    whole = everything(caller, dataclass)
    operator = address.params.get("$logicoperator")
    keeps_places = filter_.where is None and not address.flag("$clean")
    if operator is None and items is not None:
        # The database knows the members; their places are of no use.
        entity_set = _find(caller, address, dataclass, set_id)
        return sorted_by(filtered(_inside(whole, entity_set), filter_), items)
    if operator is None:
        entity_set, members = _page_of_set(caller, address, dataclass, set_id, 0, lifecycle.EVERYTHING)
        selection = filtered(_inside(whole, entity_set), filter_)
        return replace(selection, keys=members) if keeps_places else _in_their_order(selection, members)
    members = []
    if set_id != NONE:
        members = _page_of_set(caller, address, dataclass, set_id, 0, lifecycle.EVERYTHING)[1]
    other_id = address.params.get("$othercollection", "")
    if not other_id:
        raise RestError(NO_OTHER_COLLECTION())
    combined = combine(members, operator, _other(caller, dataclass, other_id))
    if isinstance(combined, bool):
        return combined
    selection = filtered(whole.restricted_to(combined), filter_)
    if items is not None:
        return sorted_by(selection, items)
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


def _find(caller: Caller, address: Address, dataclass: DataClass, set_id: str) -> EntitySet:
    return _page_of_set(caller, address, dataclass, set_id, 0, 0)[0]


def _page_of_set(
    caller: Caller, address: Address, dataclass: DataClass, set_id: str, skip: int, size: int
) -> tuple[EntitySet, list[Any]]:
    """A stored set and keys of it; one that is gone is made anew from the texts of the request.

    It has the same ID then and lives for ten minutes (``requests.md`` 6.4). What is answered is what is
    stored: somebody else may have made it anew at the same time, and changed it, or have ended it again.
    """
    for _ in range(ATTEMPTS):
        try:
            return lifecycle.page(caller, dataclass, set_id, skip, size)
        except RestError as error:
            is_gone = error.items[-1].row is ENTITY_SET_NOT_FOUND
            if not is_gone or not {"$savedfilter", "$savedorderby"} & address.params.keys():
                raise
        keep(_saved(caller, address, dataclass), timeout=REBUILT_TIMEOUT, identity=set_id)
    return lifecycle.page(caller, dataclass, set_id, skip, size)


def _saved(caller: Caller, address: Address, dataclass: DataClass) -> Selection:
    """What the saved texts select; ``$all`` and an empty filter are all entities."""
    query = query_of(address, "$savedfilter")
    items = query.order or order_items(dataclass, address, "$savedorderby")
    return sorted_by(filtered(everything(caller, dataclass), query), items)


def _other(caller: Caller, dataclass: DataClass, reference: str) -> list[Any]:
    """The members of ``$otherCollection``: an ID, or an address that ends with one."""
    set_id = reference.rstrip("/").rpartition("/")[2]
    if set_id.lower() == NONE:
        return []
    try:
        return lifecycle.page(caller, dataclass, set_id, 0, lifecycle.EVERYTHING)[1]
    except RestError as error:
        if error.items[-1].row is not ENTITY_SET_NOT_FOUND:
            raise
        raise RestError(BAD_OTHER_COLLECTION(id=reference)) from error


# Stored sets as they are.


def _stored(
    caller: Caller, address: Address, dataclass: DataClass, set_id: str, method: str
) -> Collection:
    """A page of a set that nothing narrows or sorts: the cost of the page, not of the set."""
    if "$compute" in address.params or address.flag("$distinct"):
        entity_set = _find(caller, address, dataclass, set_id)
        return _answer(address, _inside(everything(caller, dataclass), entity_set), address.names, "")
    skip, size = _slice(address, dataclass)
    form = _form(address)
    if form is output_formats.as_array and "$top" not in address.params:
        size = current().MAX_PAGE_SIZE
    entity_set, keys = _page_of_set(caller, address, dataclass, set_id, skip, size)
    whole = everything(caller, dataclass)
    shape = _shape(caller, address, dataclass, address.names)
    location = lifecycle.uri(caller, dataclass, entity_set) if method == "entityset" else None
    if form is not None:
        document = form(replace(whole, keys=keys), shape.attributes, top=len(keys))
        if isinstance(document, dict):
            document |= {"__COUNT": entity_set.size, "__FIRST": skip}
        return Collection(document, location)
    shown = reader.by_keys(caller, shape, whole.queryset, keys)
    return Collection(_envelope(dataclass, entity_set.size, skip, shown, location), location)


def _edit(caller: Caller, address: Address, dataclass: DataClass, set_id: str) -> None:
    entity_set = _find(caller, address, dataclass, set_id)
    added = _listed_keys(dataclass, address.params.get("$addtoset", ""))
    lifecycle.edit(entity_set, add=added, remove=address.integer("$removeFromSet"))


def _listed_keys(dataclass: DataClass, text: str) -> list[Any]:
    """The keys of ``$addToSet``: a JSON array, or keys with commas between them."""
    try:
        listed = orjson.loads(text)
    except ValueError:
        listed = [key.strip() for key in text.split(",") if key.strip()]
    try:
        return [
            dataclass.key_from_wire(key) for key in (listed if isinstance(listed, list) else [listed])
        ]
    except ValueError as error:
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error


def _find_key(caller: Caller, address: Address, dataclass: DataClass, set_id: str) -> Any:
    if set_id == NONE:
        return {"result": -1}
    entity_set = _find(caller, address, dataclass, set_id)
    try:
        key = dataclass.key_from_wire(address.params["$findkey"])
    except ValueError:
        return {"result": -1}
    return {"result": position(entity_set, key)}


# Answers.


def _answer(address: Address, selection: Selection, names: str | None, method: str) -> Collection:
    caller, dataclass = selection.caller, selection.dataclass
    names = names if names is not None else address.params.get("$attributes")
    if "$compute" in address.params:
        return Collection(computations.compute(selection, names, address.params["$compute"]))
    if address.flag("$distinct"):
        skip, top = max(address.integer("$skip") or 0, 0), address.integer("$top")
        return Collection(computations.distinct(selection, names, skip=skip, top=top))
    skip, size = _slice(address, dataclass)
    shape, form = _shape(caller, address, dataclass, names), _form(address)
    location = None
    if method == "entityset":
        # Last of all that may fail: a set whose ID nobody is told would only count.
        entity_set = keep(selection, timeout=address.integer("$timeout"))
        location = lifecycle.uri(caller, dataclass, entity_set)
    if form is not None:
        top = address.integer("$top")
        return Collection(form(selection, shape.attributes, skip=skip, top=top), location)
    told = query_plan.plan(
        selection, selection.where, plan=address.flag("$queryplan"), path=address.flag("$querypath")
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


def _slice(address: Address, dataclass: DataClass) -> tuple[int, int]:
    """Offset and size of the page, the size capped by ``MAX_PAGE_SIZE``."""
    settings = current()
    top = address.integer("$top")
    size = dataclass.page_size or settings.PAGE_SIZE if top is None else top
    if size < 0 or size > settings.MAX_PAGE_SIZE:
        size = settings.MAX_PAGE_SIZE
    return max(address.integer("$skip") or 0, 0), size


def _shape(caller: Caller, address: Address, dataclass: DataClass, names: str | None) -> Any:
    names = names if names is not None else address.params.get("$attributes")
    return shapes.shape(caller, dataclass, names=names, expand=address.params.get("$expand"))


def _form(address: Address) -> Any:
    """How a page is written that is not the usual envelope."""
    if output_formats.output_format(address.params.get("$format", "")) == "looker":
        return output_formats.looker
    return output_formats.as_array if address.flag("$asArray") else None


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
