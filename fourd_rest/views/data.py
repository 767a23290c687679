"""Entities: collections, single ones, files of their attributes, and the writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from fourd_rest import bugs
from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass, permissions
from fourd_rest.dataclass.permissions import Action
from fourd_rest.entity_sets import lifecycle
from fourd_rest.errors import (
    BAD_ATTRIBUTE_LIST,
    BAD_JSON,
    BAD_URL,
    BODY_EMPTY,
    METHOD_NOT_APPLICABLE,
    NOT_SUPPORTED,
    PERMISSION,
    TOO_MANY_ENTITIES,
    UNKNOWN_KEYWORD,
    UNKNOWN_METHOD,
    WRONG_KEY,
    RestError,
    asked_attribute,
    logger,
)
from fourd_rest.http import outgoing
from fourd_rest.http.parsers import RawBodyParser
from fourd_rest.http.throttling import ConvertThrottle
from fourd_rest.models import UploadedBlob
from fourd_rest.read import page, reader, shapes, source
from fourd_rest.request.address import RELEASE
from fourd_rest.sql import limits
from fourd_rest.sql.primary import reads_of_a_write
from fourd_rest.write import answers, straight_files
from fourd_rest.write.batch import save_entities
from fourd_rest.write.deleting import delete, delete_selected
from fourd_rest.write.draft import Outcome
from fourd_rest.write.dry_run import Trial
from fourd_rest.write.writer import Writer

from .lifecycle import RestView, answer

# Every value of $method that 4D knows (``requests.md`` 6.3, ``server-facts.md`` 2).
METHODS = frozenset(
    {"entityset", "subentityset", "release", "update", "validate", "delete", "refresh", "retrieve"}
    | {"flush", "insert"}
)
# Requests that would answer something else than was asked if these were ignored.
NOT_SUPPORTED_KEYWORDS = frozenset({"$emmethod", "$lock", "$extendedattributes"})
WRITE_KEYWORDS = frozenset(
    # The last ones make no difference to an update; clients send them all the same.
    {"$method", "$atomic", "$atonce", "$refresh", "$rawpict", "$binary", "$expand"}
    | {"$asarray", "$version", "$format", "$timeout", "$imageformat"}
)
# What else says which entities a delete is for.
DELETE_KEYWORDS = WRITE_KEYWORDS | {"$filter", "$params", "$savedfilter", "$savedorderby"}
# Values of $method with which a read changes what the server keeps (D-26).
CHANGING_READS = frozenset({"entityset", "subentityset", "release"})
CHANGING_KEYWORDS = frozenset({"$addtoset", "$removefromset"})
REBUILDING_KEYWORDS = frozenset({"$savedfilter", "$savedorderby"})


class ReleaseView(RestView):
    """``POST /rest/$entityset/$release``: drops the entity sets whose IDs the body lists."""

    def post(self, request: Request, path: str) -> HttpResponse:
        self.check_origin()
        return _release_listed(self)

    put = post


class DataView(RestView):
    """Entities: ``X``, ``X(key)``, ``X(key)/attributes``.

    ``request.data`` is the posted document, or the received upload where bytes go straight to an
    attribute: ``file_parser_classes`` read those.
    """

    file_parser_classes: Sequence[type[BaseParser]] = (RawBodyParser,)

    def get(self, request: Request, path: str) -> HttpResponseBase:
        method = self._method()
        if method in ("update", "validate", "delete", "insert"):
            raise RestError(METHOD_NOT_APPLICABLE(method=method))
        if method in ("refresh", "retrieve", "flush"):
            raise RestError(NOT_SUPPORTED(feature=f"$method={method}"))
        params = self.address.params
        for keyword in sorted(NOT_SUPPORTED_KEYWORDS & params.keys()):
            raise RestError(NOT_SUPPORTED(feature=f"{keyword} in a read"))
        # A set that is gone is made anew from the saved texts.
        rebuilds = REBUILDING_KEYWORDS & params.keys() and self.address.set_id is not None
        if method in CHANGING_READS or CHANGING_KEYWORDS & params.keys() or rebuilds:
            self.check_origin()
        if method == "release":
            return self._release()
        if self.address.unique is not None or len(self.address.keys or ()) == 1:
            return self._entity(method)
        dataclass = self._dataclass(Action.VIEW, of_entity=False)
        found = page.read(self.caller, self.address, dataclass, method)
        return _collection(found)

    @reads_of_a_write()
    def post(self, request: Request, path: str) -> HttpResponse:
        method = self._method() or "update"
        self.check_origin()
        if method in ("update", "release") and self._releases():
            return self._release_listed()
        self._check_keywords(DELETE_KEYWORDS if method == "delete" else WRITE_KEYWORDS)
        self._check_key(method)
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

    @reads_of_a_write()
    def delete(self, request: Request, path: str) -> HttpResponse:
        self._method()
        self.check_origin()
        self._check_keywords(DELETE_KEYWORDS)
        self._check_key("delete")
        return self._delete()

    # What the address says.

    def _method(self) -> str:
        method = self.address.params.get("$method", "").lower()
        if method and method not in METHODS:
            raise RestError(UNKNOWN_METHOD(method=method))
        return method

    def _check_keywords(self, known: frozenset[str]) -> None:
        """An unknown keyword in a write may change its meaning: refuse it (D-28)."""
        is_filtered = known is DELETE_KEYWORDS and "$filter" in self.address.params
        for name in self.address.params:
            if is_filtered and not name.startswith("$"):
                # The other half of "a = 1 & b = 2", without which more would be deleted.
                raise RestError(BAD_URL(reason="a parameter beside a filter begins without $"))
            if name.startswith("$") and name not in known:
                if name in NOT_SUPPORTED_KEYWORDS:
                    raise RestError(NOT_SUPPORTED(feature=f"{name} in a write"))
                raise RestError(UNKNOWN_KEYWORD(keyword=name))

    def _check_key(self, method: str) -> None:
        """``X:attr(value)`` names no entity to be written: others may have the same value."""
        if self.address.unique is None:
            return
        self._dataclass(Action.DELETE if method == "delete" else Action.CHANGE, of_entity=False)
        raise RestError(METHOD_NOT_APPLICABLE(method=method))

    def _dataclass(self, action: Action, *, of_entity: bool) -> DataClass:
        name = self.address.head
        if name.startswith("$"):
            raise RestError(NOT_SUPPORTED(feature=f"{name} in an address"))
        return permissions.find(self.caller, name, action, of_entity=of_entity)

    def _key(self) -> str:
        keys = self.address.keys or ()
        if len(keys) > 1:
            raise RestError(NOT_SUPPORTED(feature="A list of keys"))
        return keys[0]

    # Reads.

    def _entity(self, method: str) -> HttpResponseBase:
        address = self.address
        dataclass = self._dataclass(Action.VIEW, of_entity=True)
        key = self._one_key(dataclass)
        # Before anything else is told of the request: the right may be held on this entity alone.
        reader.check_view(self.caller, dataclass, key)
        if method:
            return _collection(page.related(self.caller, address, dataclass, key, method))
        attribute = self._asked_file(dataclass)
        if attribute is not None:
            return self._file(dataclass, key, attribute)
        names = address.names or address.params.get("$attributes")
        expand = address.params.get("$expand")
        return answer(reader.entity(self.caller, dataclass, key, names, expand))

    def _one_key(self, dataclass: DataClass) -> str:
        """The key that the address names, also by another attribute (``requests.md`` 4.1)."""
        address = self.address
        if address.unique is None:
            return self._key()
        if not permissions.may(self.caller, dataclass, Action.VIEW):
            raise permissions.denied(self.caller, dataclass, Action.VIEW)
        assert address.keys is not None  # noqa: S101  (a value stands in parentheses)
        key = source.first_with(self.caller, dataclass, address.unique, address.keys[0])
        return dataclass.key_to_wire(key)

    def _release(self) -> HttpResponse:
        """``X/$entityset/ID?$method=release``."""
        self._dataclass(Action.VIEW, of_entity=False)
        if self.address.set_id is None:
            raise RestError(METHOD_NOT_APPLICABLE(method="release"))
        lifecycle.release(self.caller, [self.address.set_id])
        return answer({"ok": True})

    def _releases(self) -> bool:
        parts = self.address.parts
        return bool(parts) and parts[-1].lower() == RELEASE and self.address.set_id == RELEASE

    def _release_listed(self) -> HttpResponse:
        """``X/$entityset/$release``: the sets that the body lists, of other dataclasses too (D-48)."""
        self._check_keywords(WRITE_KEYWORDS)
        self._dataclass(Action.VIEW, of_entity=False)
        return _release_listed(self)

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
        stored = reader.file(self.caller, dataclass, key, attribute)
        limits.writing()  # a picture that is made is noted
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
            return self._put_file(dataclass)
        with permissions.undisclosed(self.caller, dataclass):
            items, is_list = self._posted(dataclass)
            # What the answer shows is asked before anything is saved.
            expand = address.params.get("$expand")
            shape = shapes.shape(self.caller, dataclass, names=None, expand=expand)
            is_trial, is_atomic = address.flag("$refresh"), self._is_atomic()
        if is_trial:
            outcomes = Trial(self.caller, dataclass).preview(items)
        elif is_atomic:
            outcomes = Writer(self.caller, dataclass).save_all(items)
        else:
            outcomes = save_entities(Writer(self.caller, dataclass), items)
        self._log_refusals(outcomes)
        entities = [outcome.answer for outcome in outcomes]
        if shape.expanded:
            answers.expand(self.caller, shape, entities, dataclass.write_alias())
        try:
            return answer({"__ENTITIES": entities} if is_list else entities[0], _status(outcomes))
        except TypeError as error:
            # A value of the site's that JSON does not know. What was saved is told all the same.
            bugs.report(self.caller.request, error)
            told = [answers.without_values(entity) for entity in entities]
            return answer({"__ENTITIES": told} if is_list else told[0], _status(outcomes))

    def _is_atomic(self) -> bool:
        return self.address.flag("$atomic") or self.address.flag("$atonce")

    def _log_refusals(self, outcomes: list[Outcome]) -> None:
        """Refused entities are answers, not exceptions; they are logged as those are."""
        for outcome in outcomes:
            if outcome.status is not None:
                messages = "; ".join(item["message"] for item in outcome.answer["__ERROR"])
                logger.info("%s %s: %s", self.request.method, self.request.path, messages)

    def _validate(self) -> HttpResponse:
        dataclass = self._dataclass(Action.CHANGE, of_entity=True)
        with permissions.undisclosed(self.caller, dataclass):
            if self.address.parts:
                raise RestError(METHOD_NOT_APPLICABLE(method="validate"))
            items, _ = self._posted(dataclass)
        outcomes = Trial(self.caller, dataclass).validate(items)
        if all(outcome.status is None for outcome in outcomes):
            return answer({"ok": True})
        return answer({"__ENTITIES": [outcome.answer for outcome in outcomes]}, _status(outcomes))

    def _posted(self, dataclass: DataClass) -> tuple[list[dict[str, Any]], bool]:
        """The posted entities; one that is addressed by its key need not say it again."""
        items, is_list = _items(self.request.data)
        if self.address.keys:
            self._add_key(dataclass, items, is_list)
        if not items:  # of which a right might be held on any
            permissions.require_described(self.caller, dataclass)
        return items, is_list

    def _add_key(self, dataclass: DataClass, items: list[dict[str, Any]], is_list: bool) -> None:
        key = self._key()
        if not key:  # which in a body asks for a new entity
            raise RestError(WRONG_KEY(dataclass=dataclass.name))
        if is_list:
            raise RestError(BAD_JSON(reason="an address with a key takes one object"))
        if str(items[0].setdefault("__KEY", key)) != key:
            raise RestError(BAD_URL(reason="its key is not the one in the body"))

    def _put_file(self, dataclass: DataClass) -> HttpResponse:
        """Raw bytes for an image or BLOB attribute (D-16)."""
        attribute, key = self._written_file(dataclass, "update")
        outcome = straight_files.put(
            self.caller,
            dataclass,
            key,
            attribute,
            partial(self._received, attribute),
        )
        return _ok_or(outcome)

    def _received(self, attribute: Attribute) -> UploadedBlob:
        """The body as an upload for ``attribute``, by the parsers for files."""
        self.request.parsers = [parser() for parser in self.file_parser_classes]
        self.request.parser_context["attribute"] = attribute
        blob: UploadedBlob = self.request.data
        return blob

    def _written_file(self, dataclass: DataClass, method: str) -> tuple[Attribute, str]:
        """The image or BLOB attribute that the address names, and the key of its entity."""
        name = self.address.parts[0]
        with permissions.undisclosed(self.caller, dataclass):
            attribute = self.caller.attribute(dataclass, name)
            if attribute is None:
                raise RestError(
                    asked_attribute(name, dataclass.name),
                    BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name),
                )
            if attribute.file is None or not self.address.keys or len(self.address.parts) > 1:
                raise RestError(METHOD_NOT_APPLICABLE(method=method))
            self._refuse_trial("for a file")
            return attribute, self._key()

    def _refuse_trial(self, where: str) -> None:
        """Who asks to see what would become of it must not find it done."""
        if self.address.flag("$refresh"):
            raise RestError(NOT_SUPPORTED(feature=f"$refresh {where}"))

    def _delete(self) -> HttpResponse:
        address = self.address
        keys: Sequence[str] = address.keys or ()
        # To empty an attribute is to change the entity.
        action = Action.CHANGE if address.names else Action.DELETE
        dataclass = self._dataclass(action, of_entity=bool(keys))
        if address.names:
            attribute, key = self._written_file(dataclass, "delete")
            return _ok_or(straight_files.clear(self.caller, dataclass, key, attribute))
        with permissions.undisclosed(self.caller, dataclass):
            self._refuse_trial("in a delete")
            atomic = self._is_atomic()
            is_selected = address.set_id is not None or "$filter" in address.params
            if address.set_id is None and not {"$savedfilter", "$savedorderby"}.isdisjoint(
                address.params
            ):
                # Ignored, it would delete more than the text says.
                raise RestError(BAD_URL(reason="a saved text stands without its entity set"))
            posted = None
            if not keys or is_selected:
                posted = None if keys else self._posted_keys()
                if posted is None or is_selected:
                    permissions.check(self.caller, dataclass, Action.DELETE)
                if posted is not None and is_selected:
                    raise RestError(BAD_JSON(reason="keys stand beside a filter or an entity set"))
            _check_count(posted or keys)
        if posted is None and (not keys or is_selected):
            delete_selected(self.caller, address, dataclass, atomic=atomic)
        else:
            delete(self.caller, dataclass, keys if posted is None else posted, atomic=atomic)
        return answer({"ok": True})

    def _posted_keys(self) -> list[str] | None:
        """The keys in the body of a delete: objects with ``__KEY``, or the keys themselves.

        None for a body without content, which clients send where the address says what to delete.
        """
        try:
            posted = self.request.data
        except RestError as error:
            if error.items[-1].row is not BODY_EMPTY:
                raise
            posted = {}
        if posted == {}:
            return None
        if isinstance(posted, dict):
            posted = posted.get("__ENTITIES", [posted])
        items = posted if isinstance(posted, list) else [None]
        keys = [item.get("__KEY") if isinstance(item, dict) else item for item in items]
        if not all(
            isinstance(key, (str, int)) and not isinstance(key, bool) and key != "" for key in keys
        ):
            raise RestError(BAD_JSON(reason="expected objects with a __KEY"))
        return [str(key) for key in keys]


def _release_listed(view: RestView) -> HttpResponse:
    ids = view.request.data
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise RestError(BAD_JSON(reason="expected an array of IDs"))
    _check_count(ids)
    lifecycle.release(view.caller, ids)
    return answer({"ok": True})


def _collection(found: page.Collection) -> HttpResponse:
    response = answer(found.document)
    if found.location is not None:
        response["Content-Location"] = found.location
    return response


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
