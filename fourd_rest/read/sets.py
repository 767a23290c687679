"""What requests do with stored entity sets: keep, find, change, join them (``requests.md`` 6.4)."""

from __future__ import annotations

from typing import Any

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.entity_sets import lifecycle, members
from fourd_rest.errors import (
    BAD_OTHER_COLLECTION,
    ENTITY_SET_NOT_FOUND,
    NO_OTHER_COLLECTION,
    RestError,
)
from fourd_rest.models import EntitySet
from fourd_rest.request.address import NO_SET
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.sql.transactions import ATTEMPTS

from .selection import NOTHING, WHOLE, AnySelection, KeyedSelection, Slice, everything, to_key

# Seconds that a set lives which was made anew.
REBUILT_TIMEOUT = 600


def keep(selection: AnySelection, *, timeout: int | None, identity: str | None = None) -> EntitySet:
    """``selection`` as a stored set, with the members that are gone; a stored set as it is is its own.

    Streams the keys, without entities, before the transaction that stores them. ``timeout`` in seconds,
    ``identity`` and errors are those of ``lifecycle.create``.
    """
    if isinstance(selection, KeyedSelection) and selection.entity_set is not None:
        return selection.entity_set
    with selection.every_key() as keys:
        return lifecycle.create(
            selection.caller,
            selection.dataclass,
            keys,
            timeout=timeout,
            is_sorted=selection.is_sorted,
            identity=identity,
        )


def find(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> EntitySet:
    """The set that is asked for. Made anew, and errors, as ``page``."""
    return page(caller, dataclass, asked, NOTHING)[0]


def page(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, part: Slice
) -> tuple[EntitySet, list[Any]]:
    """The set that is asked for and its keys at ``part``; one that is gone is made anew.

    It is made from the saved texts of the request, has the same ID then and lives for ten minutes. What
    is answered is what is stored: somebody else may have made it anew at the same time, and changed it,
    or have ended it again. Raises ``RestError`` as ``lifecycle.page`` does, and as filter and order of
    the saved texts and ``lifecycle.create`` do.
    """
    set_id = asked.set_id or NO_SET
    for _ in range(ATTEMPTS):
        try:
            return lifecycle.page(caller, dataclass, set_id, part.skip, part.size)
        except RestError as error:
            is_gone = error.items[-1].row is ENTITY_SET_NOT_FOUND
            if not is_gone or asked.saved is None:
                raise
        saved = asked.saved.read()
        selection = everything(caller, dataclass).filtered(saved.filter).sorted_by(saved.order)
        keep(selection, timeout=REBUILT_TIMEOUT, identity=set_id)
    return lifecycle.page(caller, dataclass, set_id, part.skip, part.size)


def joined(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> tuple[list[Any], list[Any]]:
    """The members of the set that is asked for, and of ``$otherCollection`` that it is joined with.

    Raises ``RestError`` 1819 where no other is named, 1820 for one that is not there, and as ``page``.
    """
    first = [] if asked.set_id == NO_SET else page(caller, dataclass, asked, WHOLE)[1]
    if not asked.other:
        raise RestError(NO_OTHER_COLLECTION())
    return first, _other(caller, dataclass, asked.other)


def _other(caller: Caller, dataclass: DataClass, reference: str) -> list[Any]:
    """The members of the set that an ID names, or an address that ends with one."""
    set_id = reference.rstrip("/").rpartition("/")[2]
    if set_id.lower() == NO_SET:
        return []
    try:
        return lifecycle.page(caller, dataclass, set_id, WHOLE.skip, WHOLE.size)[1]
    except RestError as error:
        if error.items[-1].row is not ENTITY_SET_NOT_FOUND:
            raise
        raise RestError(BAD_OTHER_COLLECTION(id=reference)) from error


def edit(
    caller: Caller,
    dataclass: DataClass,
    asked: SelectionRequest,
    *,
    add: list[Any] | None,
    remove: int | None,
) -> None:
    """``$addToSet`` and ``$removeFromSet``: the keys ``add`` as JSON has them, a position from 0.

    Raises ``RestError`` 1541 (404) for what cannot be a key, and as ``page`` and ``lifecycle.edit``.
    """
    entity_set = find(caller, dataclass, asked)
    keys = [to_key(dataclass, key) for key in add or ()]
    lifecycle.edit(entity_set, add=keys, remove=remove)


def position(caller: Caller, dataclass: DataClass, asked: SelectionRequest, key_text: str) -> int:
    """``$findKey``: the position of a key in the set from 0, -1 if it is not there.

    Raises as ``page``.
    """
    if asked.set_id == NO_SET:
        return -1
    entity_set = find(caller, dataclass, asked)
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError:
        return -1
    return members.position(entity_set, key)
