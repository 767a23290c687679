"""Reading entities: one, a page, or the file of one attribute. The number of statements is fixed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import models

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    ATTRIBUTE_NOT_FOUND,
    BAD_ATTRIBUTE_LIST,
    ENTITY_NOT_LOADED,
    NOT_SUPPORTED,
    WRONG_KEY,
    RestError,
)
from fourd_rest.uploads.outgoing import StoredFile

from . import access
from .access import Action
from .rendering import Entity, Guard, Projection, Row, Visible


def choose(dataclass: DataClass, names: str | None) -> Sequence[Attribute]:
    """The attributes of a comma-separated list; all for None or ``*`` (``requests.md`` 5).

    Raises ``RestError`` 1500 and 1804 (404) for a name that is not exposed.
    """
    if names is None or names.strip() == "*":
        return tuple(dataclass.attributes.values())
    chosen: dict[str, Attribute] = {}
    for item in names.split(","):
        name = item.strip()
        attribute = dataclass.attributes.get(name)
        if attribute is None:
            first = dataclass.attributes.get(name.partition(".")[0])
            if first is not None and (first.target or first.type == "object"):
                raise RestError(NOT_SUPPORTED(feature="A path in an attribute list"))
            raise RestError(
                ATTRIBUTE_NOT_FOUND(attribute=name, dataclass=dataclass.name),
                BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name),
            )
        chosen[name] = attribute
    return tuple(chosen.values())


# Clients ask for the same few lists again and again; building one takes 40 to 250 µs.
@lru_cache(maxsize=100)
def project(dataclass: DataClass, names: str | None, prefix: str) -> Projection:
    """How a list of attributes is read. Raises ``RestError`` as ``choose`` does."""
    return Projection(dataclass, choose(dataclass, names), prefix)


def visible(caller: Caller, projection: Projection, rows: Sequence[Row], alias: str) -> Visible:
    """Of each to-one relation in ``rows`` the keys that the reader may see (D-13).

    Relations whose targets are all visible are left out, and cost no statement.
    """
    found: dict[Guard, frozenset[Any]] = {}
    for guard in projection.guards:
        target = guard.target
        if guard.needs_right and not target.has_view_permission(caller.request):
            found[guard] = frozenset()
        elif target.restricts_rows:
            keys = {row[guard.place] for row in rows} - {None}
            found[guard] = _seen(caller, target, keys, alias)
    return found


def _seen(caller: Caller, target: DataClass, keys: set[Any], alias: str) -> frozenset[Any]:
    if not keys:
        return frozenset()
    rows = target.get_queryset(caller.request).using(alias).filter(pk__in=keys)
    return frozenset(rows.order_by().values_list("pk", flat=True))


def page(
    caller: Caller, dataclass: DataClass, names: str | None, *, skip: int, top: int | None
) -> dict[str, Any]:
    """A page of all entities (``responses.md`` 3). ``top`` is capped by ``MAX_PAGE_SIZE``."""
    access.check(caller, dataclass, Action.VIEW)
    settings = current()
    size = dataclass.page_size or settings.PAGE_SIZE if top is None else top
    if size < 0 or size > settings.MAX_PAGE_SIZE:
        size = settings.MAX_PAGE_SIZE
    projection = project(dataclass, names, caller.prefix)
    queryset = dataclass.get_queryset(caller.request)
    rows: list[Row] = []
    if size:
        ordered = projection.select(queryset).order_by(*dataclass.default_order)
        rows = list(ordered[skip : skip + size])
    # A page that is not full is the last one and tells the count.
    count = skip + len(rows) if 0 < len(rows) < size else queryset.count()
    shown = projection.entities(rows, visible(caller, projection, rows, queryset.db), queryset.db)
    return {
        "__DATACLASS": dataclass.name,
        "__entityModel": dataclass.name,
        "__GlobalStamp": 0,
        "__COUNT": count,
        "__FIRST": skip,
        "__ENTITIES": shown,
        "__SENT": len(shown),
    }


def entity(caller: Caller, dataclass: DataClass, key_text: str, names: str | None) -> Entity:
    """One entity by the text of its key (``responses.md`` 2)."""
    _check_view(caller, dataclass, key_text)
    projection = project(dataclass, names, caller.prefix)
    queryset = dataclass.get_queryset(caller.request)
    found = dataclass.with_key(projection.select(queryset), to_key(dataclass, key_text))
    rows = list(found[:1])
    if not rows:
        raise RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))
    shown = projection.entities(rows, visible(caller, projection, rows, queryset.db), queryset.db)[0]
    return {"__entityModel": dataclass.name, "__DATACLASS": dataclass.name, **shown}


def to_key(dataclass: DataClass, text: str) -> Any:
    """The key that ``text`` stands for. Raises ``RestError`` 1541 (404) if it cannot be one."""
    try:
        return dataclass.key_from_wire(text)
    except ValueError as error:
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error


def _check_view(caller: Caller, dataclass: DataClass, key_text: str) -> None:
    """Ask for the right on the dataclass, and on the entity where that alone decides."""
    if access.may(caller, dataclass, Action.VIEW) and not dataclass.judges_objects:
        return
    obj = _load(caller, dataclass, key_text)
    if obj is None and access.may(caller, dataclass, Action.VIEW):
        return  # whoever may read may know what is not there
    access.check_entity(caller, dataclass, Action.VIEW, obj)


def _load(caller: Caller, dataclass: DataClass, key_text: str) -> models.Model | None:
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError:
        return None
    rows = dataclass.with_key(dataclass.get_queryset(caller.request), key)
    found: models.Model | None = rows.order_by().first()
    return found


def file(caller: Caller, dataclass: DataClass, key_text: str, attribute: Attribute) -> StoredFile:
    """Where the bytes of ``attribute`` are. Raises as ``entity`` does."""
    _check_view(caller, dataclass, key_text)
    key = to_key(dataclass, key_text)
    projection = Projection(dataclass, (), caller.prefix)
    queryset = dataclass.get_queryset(caller.request)
    queryset = queryset.annotate(**projection.annotations)
    columns = (*projection.columns[:2], attribute.column)
    row = dataclass.with_key(queryset, key).order_by().values_list(*columns).first()
    if row is None:
        raise RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))
    stamp, value = row[1] or 1, row[2]
    wire_key = dataclass.key_to_wire(key)
    if attribute.holds_bytes:
        return StoredFile(attribute, wire_key, stamp, content=bytes(value or b""))
    return StoredFile(attribute, wire_key, stamp, name=value or "")
