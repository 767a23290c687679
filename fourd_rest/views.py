"""The resources: one view per kind, and what their addresses and bodies mean."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from .conf import current
from .dataclass import Attribute, DataClass
from .entities import access, filing, reading
from .entities.access import Action
from .entities.batch import save_entities
from .entities.catalog import Catalog
from .entities.deleting import delete
from .entities.drafts import Outcome
from .entities.info import Info
from .entities.posted import PERMISSION
from .entities.trial import Trial
from .entities.writing import Writer
from .errors import (
    ATTRIBUTE_NOT_FOUND,
    BAD_ATTRIBUTE_LIST,
    BAD_JSON,
    BAD_URL,
    BODY_EMPTY,
    METHOD_NOT_APPLICABLE,
    NOT_SUPPORTED,
    TOO_MANY_ENTITIES,
    UNKNOWN_KEYWORD,
    UNKNOWN_METHOD,
    RestError,
)
from .lifecycle import RestView, answer
from .throttling import ConvertThrottle, UploadThrottle
from .uploads import outgoing, receiving

logger = logging.getLogger("fourd_rest")

# Every value of $method that 4D knows (``requests.md`` 6.3, ``server-facts.md`` 2).
METHODS = frozenset(
    {"entityset", "subentityset", "release", "update", "validate", "delete", "refresh", "retrieve"}
    | {"flush", "insert"}
)
# Reads that would answer something else than was asked if these were ignored.
NOT_YET_IN_READS = frozenset(
    {
        "$filter",
        "$orderby",
        "$expand",
        "$distinct",
        "$compute",
        "$asarray",
        "$emmethod",
        "$lock",
        "$savedfilter",
        "$logicoperator",
        "$extendedattributes",
    }
)
WRITE_KEYWORDS = frozenset(
    # The last ones make no difference to an update; clients send them all the same.
    # Those who sent $expand read a relation in its deferred form as well.
    {"$method", "$atomic", "$atonce", "$refresh", "$rawpict", "$binary", "$expand"}
    | {"$asarray", "$version", "$format", "$timeout", "$imageformat"}
)


class RootView(RestView):
    """``GET /rest/``: whether a server is there."""

    def get(self, request: Request, path: str) -> HttpResponse:
        return answer({"ok": True})


class DescriptiveView(RestView):
    """What tells about the server and changes nothing: read by POST as well (U-55)."""

    def get(self, request: Request, path: str) -> HttpResponse:
        raise NotImplementedError

    def post(self, request: Request, path: str) -> HttpResponse:
        """Like GET, if there is nothing to write: no ``$method``, and a body that is empty or ``{}``."""
        if "$method" in self.address.params or self._posted():
            raise RestError(METHOD_NOT_APPLICABLE(method=self.address.params.get("$method", "update")))
        return self.get(request, path)

    def _posted(self) -> Any:
        try:
            return self.read_json()
        except RestError as error:
            if error.items[-1].row is not BODY_EMPTY:
                raise
            return None


class CatalogView(DescriptiveView):
    """``GET|POST /rest/$catalog[/$all|/A,B][?$metadata=full]``."""

    def get(self, request: Request, path: str) -> HttpResponse:
        parts = self.address.parts
        found = Catalog(self.caller, full=self.address.params.get("$metadata", "").lower() == "full")
        if not parts:
            return answer(found.summary())
        if len(parts) > 1:
            raise RestError(BAD_URL(reason="the catalog has no such part"))
        if parts[0] == "$all":
            return answer(found.complete())
        return answer(found.selected(parts[0]))


class InfoView(DescriptiveView):
    """``GET|POST /rest/$info[/part]``: sessions and entity sets, as far as they are the caller's."""

    def get(self, request: Request, path: str) -> HttpResponse:
        return answer(Info(self.caller).read(self.address.parts))


class UploadView(RestView):
    """``POST|PUT /rest/$upload``: the raw body becomes a file with an ID (``requests.md`` 6.5)."""

    throttle_scopes = (UploadThrottle,)

    def post(self, request: Request, path: str) -> HttpResponse:
        self.check_origin()
        receiving.check_permission(self.caller)
        blob = receiving.receive(self.caller, self.address)
        return answer({"ID": blob.wire_id})

    put = post


class DataView(RestView):
    """Entities: ``X``, ``X(key)``, ``X(key)/attributes``."""

    def get(self, request: Request, path: str) -> HttpResponseBase:
        method = self._method()
        if method in ("update", "validate", "delete", "insert"):
            raise RestError(METHOD_NOT_APPLICABLE(method=method))
        if method:
            raise RestError(NOT_SUPPORTED(feature=f"$method={method}"))
        address = self.address
        for keyword in sorted(NOT_YET_IN_READS & address.params.keys()):
            if keyword != "$expand":
                raise RestError(NOT_SUPPORTED(feature=f"{keyword} in a read"))
        if (form := address.params.get("$format", "").lower()) not in ("", "json"):
            raise RestError(NOT_SUPPORTED(feature=f"$format={form}"))
        dataclass = self._dataclass(Action.VIEW, of_entity=bool(address.keys))
        if address.keys is None or address.keys == ():
            self._require_no_expand()
            return answer(self._page(dataclass))
        key = self._key()
        attribute = self._asked_file(dataclass)
        if attribute is not None:
            return self._file(dataclass, key, attribute)
        self._require_no_expand()
        return answer(reading.entity(self.caller, dataclass, key, self._names()))

    def post(self, request: Request, path: str) -> HttpResponse:
        method = self._method() or "update"
        self.check_origin()
        self._check_keywords()
        match method:
            case "update":
                return self._update()
            case "validate":
                return self._validate()
            case "delete":
                return self._delete()
            case "insert" | "refresh" | "retrieve" | "flush":
                raise RestError(NOT_SUPPORTED(feature=f"$method={method}"))
        raise RestError(METHOD_NOT_APPLICABLE(method=method))

    put = post

    def delete(self, request: Request, path: str) -> HttpResponse:
        self._method()
        self.check_origin()
        return self._delete()

    # What the address says.

    def _method(self) -> str:
        method = self.address.params.get("$method", "").lower()
        if method and method not in METHODS:
            raise RestError(UNKNOWN_METHOD(method=method))
        return method

    def _check_keywords(self) -> None:
        """An unknown keyword in a write may change its meaning: refuse it (D-28)."""
        for name in self.address.params:
            if name.startswith("$") and name not in WRITE_KEYWORDS:
                if name in NOT_YET_IN_READS:
                    raise RestError(NOT_SUPPORTED(feature=f"{name} in a write"))
                raise RestError(UNKNOWN_KEYWORD(keyword=name))

    def _dataclass(self, action: Action, *, of_entity: bool) -> DataClass:
        if self.address.unique is not None:
            raise RestError(NOT_SUPPORTED(feature="An entity by another attribute than its key"))
        name = self.address.head
        if name.startswith("$"):
            raise RestError(NOT_SUPPORTED(feature=f"{name} in an address"))
        return access.find(self.caller, name, action, of_entity=of_entity)

    def _key(self) -> str:
        keys = self.address.keys or ()
        if len(keys) > 1:
            raise RestError(NOT_SUPPORTED(feature="A list of keys"))
        return keys[0]

    def _names(self) -> str | None:
        parts = self.address.parts
        if not parts:
            return self.address.params.get("$attributes")
        if parts[0].startswith("$"):
            raise RestError(NOT_SUPPORTED(feature=f"{parts[0]} in a path"))
        if len(parts) > 1:
            raise RestError(NOT_SUPPORTED(feature="A path of several parts"))
        return parts[0]

    def _require_no_expand(self) -> None:
        if "$expand" in self.address.params:
            raise RestError(NOT_SUPPORTED(feature="$expand in a read"))

    # Reads.

    def _page(self, dataclass: DataClass) -> dict[str, Any]:
        skip = max(self.address.integer("$skip") or 0, 0)
        top = self.address.integer("$top")
        return reading.page(self.caller, dataclass, self._names(), skip=skip, top=top)

    def _asked_file(self, dataclass: DataClass) -> Attribute | None:
        """The attribute whose bytes are asked for, or None where JSON is."""
        address = self.address
        if len(address.parts) != 1:
            return None
        attribute = dataclass.attributes.get(address.parts[0])
        if attribute is None or attribute.file is None:
            return None
        if attribute.file == "image":
            return attribute if {"$imageformat", "$size"} & address.params.keys() else None
        return attribute if address.flag("$binary") else None

    def _file(self, dataclass: DataClass, key: str, attribute: Attribute) -> HttpResponseBase:
        stored = reading.file(self.caller, dataclass, key, attribute)
        params = self.address.params
        return outgoing.answer(
            self.caller.request,
            stored,
            image_format=params.get("$imageformat", "best"),
            size=params.get("$size", ""),
            before_converting=self._count_conversion,
        )

    def _count_conversion(self) -> None:
        """Count what costs time: pictures that have to be made, not those that are there."""
        throttle = ConvertThrottle()
        if not throttle.allow_request(self.request, self):
            self.throttled(self.request, throttle.wait() or 0)

    # Writes.

    def _update(self) -> HttpResponse:
        address = self.address
        dataclass = self._dataclass(Action.CHANGE, of_entity=True)
        if address.parts:
            return self._put_file(dataclass, self._written_attribute(dataclass, "update"))
        items, is_list = self._posted(dataclass)
        if address.flag("$refresh"):
            outcomes = Trial(self.caller, dataclass).preview(items)
        elif address.flag("$atomic") or address.flag("$atonce"):
            outcomes = Writer(self.caller, dataclass).save_all(items)
        else:
            outcomes = save_entities(Writer(self.caller, dataclass), items)
        self._log_refusals(outcomes)
        if is_list:
            return answer({"__ENTITIES": [outcome.answer for outcome in outcomes]}, _status(outcomes))
        return answer(outcomes[0].answer, _status(outcomes))

    def _log_refusals(self, outcomes: list[Outcome]) -> None:
        """Refused entities are answers, not exceptions; they are logged as those are."""
        for outcome in outcomes:
            if outcome.status is not None:
                messages = "; ".join(item["message"] for item in outcome.answer["__ERROR"])
                logger.info("%s %s: %s", self.request.method, self.request.path, messages)

    def _validate(self) -> HttpResponse:
        dataclass = self._dataclass(Action.CHANGE, of_entity=True)
        if self.address.parts:
            access.require_described(self.caller, dataclass)
            raise RestError(METHOD_NOT_APPLICABLE(method="validate"))
        items, _ = self._posted(dataclass)
        results = Trial(self.caller, dataclass).validate(items)
        refused = [outcome for outcome in results if outcome is not None]
        if not refused:
            return answer({"ok": True})
        entities = [outcome.answer if outcome else {} for outcome in results]
        return answer({"__ENTITIES": entities}, _status(refused))

    def _posted(self, dataclass: DataClass) -> tuple[list[dict[str, Any]], bool]:
        """The posted entities; one that is addressed by its key need not say it again.

        Who may not know of the dataclass must not learn of it by what is wrong with the body.
        """
        try:
            items, is_list = _items(self.read_json())
            if self.address.keys:
                self._add_key(items, is_list)
        except RestError:
            access.require_described(self.caller, dataclass)
            raise
        if not items:
            access.require_described(self.caller, dataclass)
        return items, is_list

    def _add_key(self, items: list[dict[str, Any]], is_list: bool) -> None:
        key = self._key()
        if is_list:
            raise RestError(BAD_JSON(reason="an address with a key takes one object"))
        if str(items[0].setdefault("__KEY", key)) != key:
            raise RestError(BAD_URL(reason="its key is not the one in the body"))

    def _put_file(self, dataclass: DataClass, attribute: Attribute) -> HttpResponse:
        """Raw bytes for an image or BLOB attribute (D-16)."""
        outcome = filing.put(
            self.caller,
            dataclass,
            self._key(),
            attribute,
            lambda: receiving.receive(self.caller, self.address, picture=attribute.file == "image"),
        )
        return _ok_or(outcome)

    def _written_attribute(self, dataclass: DataClass, method: str) -> Attribute:
        """The image or BLOB attribute that the address names."""
        name = self.address.parts[0]
        attribute = dataclass.attributes.get(name)
        if attribute is None:
            access.require_described(self.caller, dataclass)
            raise RestError(
                ATTRIBUTE_NOT_FOUND(attribute=name, dataclass=dataclass.name),
                BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name),
            )
        if attribute.file is None or not self.address.keys or len(self.address.parts) > 1:
            access.require_described(self.caller, dataclass)
            raise RestError(METHOD_NOT_APPLICABLE(method=method))
        return attribute

    def _delete(self) -> HttpResponse:
        address = self.address
        keys: Sequence[str] = address.keys or ()
        # To empty an attribute is to change the entity.
        action = Action.CHANGE if address.parts else Action.DELETE
        dataclass = self._dataclass(action, of_entity=bool(keys))
        if address.parts:
            attribute = self._written_attribute(dataclass, "delete")
            return _ok_or(filing.clear(self.caller, dataclass, self._key(), attribute))
        if not keys:
            access.check(self.caller, dataclass, Action.DELETE)
            keys = self._posted_keys()
        _check_count(keys)
        delete(self.caller, dataclass, keys, atomic=address.flag("$atomic") or address.flag("$atonce"))
        return answer({"ok": True})

    def _posted_keys(self) -> list[str]:
        """The keys in the body of a delete: objects with ``__KEY``, or the keys themselves."""
        try:
            posted = self.read_json()
        except RestError as error:
            if error.items[-1].row is not BODY_EMPTY:
                raise
            posted = {}
        if posted == {}:
            raise RestError(NOT_SUPPORTED(feature="Deleting without a key"))
        if isinstance(posted, dict):
            posted = posted.get("__ENTITIES", [posted])
        items = posted if isinstance(posted, list) else [None]
        keys = [item.get("__KEY") if isinstance(item, dict) else item for item in items]
        if not all(
            isinstance(key, (str, int)) and not isinstance(key, bool) and key != "" for key in keys
        ):
            raise RestError(BAD_JSON(reason="expected objects with a __KEY"))
        return [str(key) for key in keys]


def _ok_or(outcome: Outcome) -> HttpResponse:
    """What a write answers that shows no entity."""
    if outcome.status is None:
        return answer({"ok": True})
    return answer({"__ERROR": outcome.answer["__ERROR"]}, _status([outcome]))


def _items(posted: Any) -> tuple[list[dict[str, Any]], bool]:
    """The posted entities, and whether a list was posted (D-06)."""
    is_list = True
    if isinstance(posted, dict) and "__ENTITIES" in posted:
        posted = posted["__ENTITIES"]
    elif isinstance(posted, dict):
        posted, is_list = [posted], False
    if not isinstance(posted, list) or not all(isinstance(item, dict) for item in posted):
        raise RestError(BAD_JSON(reason="expected an object or an array of objects"))
    _check_count(posted)
    return posted, is_list


def _check_count(items: Sequence[object]) -> None:
    limit = current().MAX_ENTITIES_PER_REQUEST
    if len(items) > limit:
        raise RestError(TOO_MANY_ENTITIES(limit=limit))


def _status(outcomes: list[Outcome]) -> int:
    """D-10: 401 if a permission was the reason, 500 for any other failure."""
    reasons = {outcome.status for outcome in outcomes} - {None}
    if not reasons:
        return 200
    return 401 if PERMISSION in reasons else 500
