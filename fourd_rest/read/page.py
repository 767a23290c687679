"""Reading a collection: of a selection the slice that is asked for, in the form that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.entity_sets import lifecycle
from fourd_rest.entity_sets.members import have_common
from fourd_rest.request.keywords import (
    ADD_TO_SET,
    COMPUTE,
    DISTINCT,
    FIND_KEY,
    QUERY_PATH,
    QUERY_PLAN,
    REMOVE_FROM_SET,
    SKIP,
    TIMEOUT,
    TOP,
)
from fourd_rest.request.reads import ReadRequest
from fourd_rest.sql import limits

from . import computations, output_formats, query_plan, sets, shapes
from .envelope import envelope
from .reader import Reader
from .selection import NOTHING, AnySelection, Selection, Slice, everything
from .shapes import Shape
from .source import source


@dataclass(frozen=True, slots=True)
class Collection:
    """What a read of a collection answers.

    ``document`` is JSON; ``location`` the address of its entity set, for ``Content-Location``.
    """

    document: Any
    location: str | None = None


def read(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Collection:
    """The collection that ``request`` asks for; the right to read the dataclass has been asked before.

    Raises ``RestError`` as ``source`` and what is asked of the selection do.
    """
    with limits.reading(when=not request.is_plain):
        return _read(caller, dataclass, request)


def _read(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Collection:
    asked = request.selection
    key = request[FIND_KEY]
    if key is not None and asked.set_id is not None:
        return Collection({"result": sets.position(caller, dataclass, asked, key)})
    if request.edits_set and asked.is_of_set:
        _edit(caller, dataclass, request)
    if asked.asks_for_common:
        return Collection(have_common(*sets.joined(caller, dataclass, asked)))
    part = _slice(dataclass, request)
    is_page = request[COMPUTE] is None and not request[DISTINCT]
    return _answer(source(caller, dataclass, asked, part if is_page else NOTHING), request, part)


def within(selection: Selection, request: ReadRequest) -> Collection:
    """What ``request`` asks for of the entities of ``selection``. Raises ``RestError`` as ``read``."""
    asked = request.selection
    with limits.reading():
        found = selection.filtered(asked.filter).sorted_by(asked.order)
        return _answer(found, request, _slice(selection.dataclass, request))


def _edit(caller: Caller, dataclass: DataClass, request: ReadRequest) -> None:
    """Change the set, once it is known that nothing is wrong with the rest of the request."""
    asked = request.selection
    everything(caller, dataclass).filtered(asked.filter).sorted_by(asked.order)
    _shape(caller, dataclass, request)
    sets.edit(caller, dataclass, asked, add=request[ADD_TO_SET], remove=request[REMOVE_FROM_SET])


def _slice(dataclass: DataClass, request: ReadRequest) -> Slice:
    """What ``$skip`` and ``$top`` ask for: of entities or, for ``$distinct``, of values.

    ``MAX_PAGE_SIZE`` at most, which a size below 0 stands for too. Without ``$top`` it is the page size
    of the dataclass or the site, of a bare array ``MAX_PAGE_SIZE``.
    """
    settings = current()
    limit, size = settings.MAX_PAGE_SIZE, request[TOP]
    is_bare = request[DISTINCT] or output_formats.form(request) is output_formats.as_array
    if size is None and not is_bare:
        size = dataclass.page_size or settings.PAGE_SIZE
    if size is None or not 0 <= size <= limit:
        size = limit
    return Slice(max(request[SKIP] or 0, 0), size)


def _shape(caller: Caller, dataclass: DataClass, request: ReadRequest) -> Shape:
    return shapes.shape(caller, dataclass, names=request.names, expand=request.expand)


def _answer(selection: AnySelection, request: ReadRequest, part: Slice) -> Collection:
    caller, dataclass = selection.caller, selection.dataclass
    if (action := request[COMPUTE]) is not None:
        return Collection(computations.compute(selection.existing, request.names, action))
    if request[DISTINCT]:
        return Collection(computations.distinct(selection.existing, request.names, part))
    shape, location = _shape(caller, dataclass, request), None
    if request.makes_set:
        # After all that may fail: else a set would be kept whose ID the client never gets.
        entity_set = sets.keep(selection, timeout=request[TIMEOUT])
        location = lifecycle.uri(caller, dataclass, entity_set)
    form = output_formats.form(request)
    if form is not None:
        return Collection(form(selection, shape.attributes, part), location)
    plans = _plans(selection, request)
    entities = Reader(caller, shape, selection.queryset.db).page(selection, part)
    count = selection.count(part, len(entities))
    document = envelope(entities, count=count, first=part.skip, location=location, dataclass=dataclass)
    return Collection(plans | document, location)


def _plans(selection: AnySelection, request: ReadRequest) -> dict[str, Any]:
    plan, path = request[QUERY_PLAN], request[QUERY_PATH]
    if not (plan or path):
        return {}
    existing = selection.existing
    return query_plan.plan(existing, existing.where, plan=plan, path=path)
