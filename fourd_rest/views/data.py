"""Entities: collections, single ones, files of their attributes, and the writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from fourd_rest import bugs
from fourd_rest.dataclass import DataClass, permissions
from fourd_rest.dataclass.attributes import FileAttribute
from fourd_rest.dataclass.permissions import Action
from fourd_rest.entity_sets import lifecycle
from fourd_rest.errors import (
    BAD_ATTRIBUTE_LIST,
    BAD_JSON,
    BAD_URL,
    METHOD_NOT_APPLICABLE,
    NOT_SUPPORTED,
    PERMISSION,
    WRONG_KEY,
    RestError,
    logger,
)
from fourd_rest.http import attribute_files, timing
from fourd_rest.http.parsers import RawBodyParser
from fourd_rest.http.throttles import ConvertThrottle
from fourd_rest.models import UploadedBlob
from fourd_rest.read import page, reader, shapes, source
from fourd_rest.request import keywords, reads
from fourd_rest.request.files import FileRequest
from fourd_rest.request.reads import EntityRequest, ReadRequest
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.request.writes import (
    WriteRequest,
    check_count,
    posted_entities,
    posted_ids,
    posted_keys,
)
from fourd_rest.sql import limits
from fourd_rest.sql.primary import reads_of_a_write
from fourd_rest.write import answers, straight_files
from fourd_rest.write.batch import plain_lists
from fourd_rest.write.deleting import delete, delete_selected
from fourd_rest.write.draft import Draft, Outcome
from fourd_rest.write.dry_run import preview, validation
from fourd_rest.write.strategies import all_or_none
from fourd_rest.write.writer import Writer

from .lifecycle import RestView, answer


class ReleaseView(RestView):
    """``POST /rest/$entityset/$release``: drops the entity sets whose IDs the body lists."""

    def post(self, request: Request, path: str) -> HttpResponse:
        """Release the sets.

        Raises ``RestError`` 9007 (403) for a page of another site, 9001 to 9006 for the body.
        """
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
        """Read a collection, an entity, the bytes of an attribute; keep or release an entity set.

        ``requests.md`` 4 to 7. Raises ``RestError`` 1812, 1813, 9014 (501) for the method, 9007 (403)
        where a page of another site asks for a change (D-26), and what the request is refused for.
        """
        params = self.address.params
        method = keywords.method_of(params)
        keywords.check_read(params, method)
        if reads.changes_state(self.address, method):
            self.check_origin()
        if method == "release":
            return self._release()
        if self.address.unique is not None or len(self.address.keys or ()) == 1:
            return self._entity(method)
        dataclass = self._dataclass(Action.VIEW, of_entity=False)
        permissions.check(self.caller, dataclass, Action.VIEW)
        with timing.parsing():
            asked = ReadRequest.of(self.address, dataclass.name, method)
        return _collection(page.read(self.caller, dataclass, asked))

    @reads_of_a_write()
    def post(self, request: Request, path: str) -> HttpResponse:
        """Create, update, validate or delete; an attribute in the path takes the body as its bytes.

        ``requests.md`` 6.3 and 6.5. Raises ``RestError`` 9007 (403), 1811 to 1813, 9014 (501), and what
        the request itself is refused for; entities that are refused are told in the answer (D-10).
        """
        params = self.address.params
        method = keywords.method_of(params) or "update"
        self.check_origin()
        if method in ("update", "release") and self.address.releases_sets:
            return self._release_listed()
        keywords.check_write(params, method)
        self._check_key(method)
        keywords.check_written(method)
        if method == "update":
            return self._update()
        return self._validate() if method == "validate" else self._delete()

    put = post

    @reads_of_a_write()
    def delete(self, request: Request, path: str) -> HttpResponse:
        """Delete entities, or empty an image or BLOB attribute. Raises ``RestError`` as ``post``."""
        params = self.address.params
        keywords.method_of(params)
        self.check_origin()
        keywords.check_write(params, "delete")
        self._check_key("delete")
        return self._delete()

    # What the address says.

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
            return self._related(dataclass, key, method)
        attribute = self._asked_file(dataclass)
        if attribute is not None:
            return self._file(dataclass, key, attribute)
        return answer(reader.entity(self.caller, dataclass, key, EntityRequest.of(address)))

    def _related(self, dataclass: DataClass, key: str, method: str) -> HttpResponse:
        """``X(key)/relation?$expand=relation&$method=subentityset``: related entities as a set."""
        if method != "subentityset":
            raise RestError(METHOD_NOT_APPLICABLE(method=method))
        relation = reads.relation_of(self.address)
        selection = source.related(self.caller, dataclass, key, relation)
        with timing.parsing():
            asked = ReadRequest.of_related(self.address, selection.dataclass.name)
        return _collection(page.within(selection, asked))

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

    def _release_listed(self) -> HttpResponse:
        """``X/$entityset/$release``: the sets that the body lists, of other dataclasses too (D-48)."""
        keywords.check_write(self.address.params, "release")
        self._dataclass(Action.VIEW, of_entity=False)
        return _release_listed(self)

    def _asked_file(self, dataclass: DataClass) -> FileAttribute | None:
        """The attribute whose bytes are asked for, or None where JSON is."""
        address = self.address
        if len(address.parts) != 1:
            return None
        attribute = dataclass.attributes.get(address.parts[0])
        if not isinstance(attribute, FileAttribute):
            return None
        is_picture = attribute.file == "image"
        return attribute if FileRequest.asks_for_bytes(address, is_picture=is_picture) else None

    def _file(self, dataclass: DataClass, key: str, attribute: FileAttribute) -> HttpResponseBase:
        stored = reader.file(self.caller, dataclass, key, attribute)
        limits.writing()  # a picture that is made is noted
        asked = FileRequest.of_bytes(self.address, is_picture=attribute.file == "image")
        return attribute_files.answer(self.caller.request, stored, asked, self._count_conversion)

    def _count_conversion(self) -> None:
        """Count what costs time: pictures that have to be made, not those that are there."""
        throttle = ConvertThrottle()
        if not throttle.allow_request(self.request, self):
            self.throttled(self.request, throttle.wait() or 0)

    # Writes.

    def _update(self) -> HttpResponse:
        dataclass = self._dataclass(Action.CHANGE, of_entity=True)
        asked = WriteRequest.of(self.address)
        if self.address.parts:
            return self._put_file(dataclass, asked)
        with permissions.undisclosed(self.caller, dataclass):
            items, is_list = self._posted(dataclass)
            # What the answer shows is asked before anything is saved.
            shape = shapes.shape(self.caller, dataclass, names=None, expand=asked.expand)
        strategy = preview if asked.is_trial else all_or_none if asked.is_atomic else plain_lists
        outcomes = Writer(self.caller, dataclass).write(list(map(Draft, items)), strategy)
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
        outcomes = Writer(self.caller, dataclass).write(list(map(Draft, items)), validation)
        if all(outcome.status is None for outcome in outcomes):
            return answer({"ok": True})
        return answer({"__ENTITIES": [outcome.answer for outcome in outcomes]}, _status(outcomes))

    def _posted(self, dataclass: DataClass) -> tuple[list[dict[str, Any]], bool]:
        """The posted entities; one that is addressed by its key need not say it again."""
        items, is_list = posted_entities(self.request.data)
        if self.address.keys:
            self._add_key(dataclass, items, is_list)
        if not items:  # no entity is named on which a right of its own might be held
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

    def _put_file(self, dataclass: DataClass, asked: WriteRequest) -> HttpResponse:
        """Raw bytes for an image or BLOB attribute (D-16)."""
        attribute, key = self._written_file(dataclass, asked, "update")
        outcome = straight_files.put(
            self.caller,
            dataclass,
            key,
            attribute,
            partial(self._received, attribute),
        )
        return _ok_or(outcome)

    def _received(self, attribute: FileAttribute) -> UploadedBlob:
        """The body as an upload for ``attribute``, by the parsers for files."""
        self.request.parsers = [parser() for parser in self.file_parser_classes]
        self.request.parser_context["attribute"] = attribute
        blob: UploadedBlob = self.request.data
        return blob

    def _written_file(
        self, dataclass: DataClass, asked: WriteRequest, method: str
    ) -> tuple[FileAttribute, str]:
        """The image or BLOB attribute that the address names, and the key of its entity."""
        name = self.address.parts[0]
        with permissions.undisclosed(self.caller, dataclass):
            attribute = self.caller.attribute(dataclass, name)
            if attribute is None:
                raise shapes.unknown(name, dataclass, BAD_ATTRIBUTE_LIST)
            is_named = bool(self.address.keys) and len(self.address.parts) == 1
            if not is_named or not isinstance(attribute, FileAttribute):
                raise RestError(METHOD_NOT_APPLICABLE(method=method))
            asked.refuse_trial("for a file")
            return attribute, self._key()

    def _delete(self) -> HttpResponse:
        address = self.address
        keys: Sequence[str] = address.keys or ()
        # To empty an attribute is to change the entity.
        action = Action.CHANGE if address.names else Action.DELETE
        dataclass = self._dataclass(action, of_entity=bool(keys))
        if address.names:
            asked = WriteRequest.of(address)
            attribute, key = self._written_file(dataclass, asked, "delete")
            return _ok_or(straight_files.clear(self.caller, dataclass, key, attribute))
        with permissions.undisclosed(self.caller, dataclass):
            asked = WriteRequest.of_delete(address)
            listed = keys or posted_keys(self.posted_or_empty())
            is_selected = asked.is_selected or listed is None
            if is_selected:
                permissions.check(self.caller, dataclass, Action.DELETE)
                if not keys and listed is not None:
                    raise RestError(BAD_JSON(reason="keys stand beside a filter or an entity set"))
            check_count(listed or ())
        if is_selected or listed is None:
            with timing.parsing():
                selection = SelectionRequest.of(address, dataclass.name)
            delete_selected(self.caller, dataclass, selection, atomic=asked.is_atomic)
        else:
            delete(self.caller, dataclass, listed, atomic=asked.is_atomic)
        return answer({"ok": True})


def _release_listed(view: RestView) -> HttpResponse:
    lifecycle.release(view.caller, posted_ids(view.request.data))
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


def _status(outcomes: list[Outcome]) -> int:
    """D-10: 401 if a permission was the reason, 500 for any other failure."""
    reasons = {outcome.status for outcome in outcomes} - {None}
    if not reasons:
        return 200
    return 401 if PERMISSION in reasons else 500
