"""What a write answers: the saved entity, or why it was refused (``responses.md`` 6, D-33).

An entity that the caller may not view is told by its key and its stamp, without attributes (D-55).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.db.models import Model

from fourd_rest import bugs
from fourd_rest.conf import datastore_name
from fourd_rest.dataclass import Attribute, DataClass, Kind, permissions
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.joins import join_of
from fourd_rest.dataclass.members import own_key
from fourd_rest.errors import (
    CONSTRAINT_FAILED,
    DUPLICATE_KEY,
    ENTITY_NOT_FOUND,
    ENTITY_NOT_SAVED,
    GONE,
    INVALID,
    INVALID_ENTITY,
    INVALID_VALUE,
    NEW_ENTITY_NOT_SAVED,
    PERMISSION,
    PRIMARY_KEY_EXISTS,
    SAVE_FAILED,
    STAMP,
    STAMP_CHANGED,
    WRONG_VALUE,
    ErrorItem,
    RestError,
    failure,
    logger,
)
from fourd_rest.read.nesting import Nesting
from fourd_rest.read.projection import Entity, update_answer
from fourd_rest.read.reader import Rows
from fourd_rest.read.shapes import Expanded, Shape
from fourd_rest.request.address import key_text
from fourd_rest.sql import database_errors, limits

from . import site_errors
from .draft import Draft, Outcome
from .refusal import Refusal


class Answers:
    """Answers and refusals for entities of one dataclass."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.caller = rows.caller
        self.dataclass = rows.dataclass

    @cached_property
    def shows_all(self) -> bool:
        """Whether the caller may view whatever entity there is."""
        return permissions.shows_all(self.caller, self.dataclass)

    def shows(self, key: Any, instance: Model | None = None) -> bool:
        """Whether the caller may view the entity of ``key`` as it is now, be it within his reach or not.

        ``instance`` is its row, if that is known already: else one statement, unless he may view all.
        """
        if self.shows_all:
            return True
        instance = instance or self.rows.instance(key)
        alias = self.rows.alias
        return instance is not None and permissions.shows(self.caller, self.dataclass, instance, alias)

    def _told(self, entity: Entity, uri: str | None, *, shown: bool) -> Entity:
        return update_answer(entity, self.dataclass.attributes.values() if shown else (), uri)

    def saved(self, stored: Entity, *, shown: bool) -> Entity:
        """The answer for an entity that is as ``stored``; ``shown``: with its attributes."""
        caller, uri = self.caller, None
        if "__KEY" in stored:
            key = key_text(stored["__KEY"])
            uri = f"{caller.origin}{caller.prefix}/{self.dataclass.name}({key})"
        return {"__STATUS": {"success": True}, **self._told(stored, uri, shown=shown)}

    def unsaved(self, draft: Draft) -> Entity:
        """An accepted entity of a request that was rolled back: as stored, without errors."""
        if draft.stored is None:
            return {}
        return self._told(draft.stored, None, shown=draft.is_seen)

    def refused(self, draft: Draft, refusal: Refusal, current: Entity | None = None) -> Outcome:
        """``current`` is the entity as it is stored now, if that is known already."""
        answer: Entity = {"__STATUS": failure(refusal.status)}
        if draft.stored is not None and refusal.status != PERMISSION:
            # As it is stored now, so that the client can merge and retry.
            stored = current or self.rows.find(draft.key) or draft.stored
            answer |= self._told(stored, None, shown=self.shows(draft.key))
        answer["__ERROR"] = [item.as_json() for item in (*refusal.items, self.not_saved(draft))]
        return Outcome(answer, refusal.status)

    def not_saved(self, draft: Draft) -> ErrorItem:
        """The last error of every refused entity: 1517, or 1534 for a new one."""
        if draft.posted.get("__KEY") in (None, ""):
            return NEW_ENTITY_NOT_SAVED(dataclass=self.dataclass.name)
        return ENTITY_NOT_SAVED(record=self._record(draft), dataclass=self.dataclass.name)

    def _record(self, draft: Draft) -> str:
        return str(draft.posted.get("__KEY") or 0)

    def _save_failed(self, record: str) -> ErrorItem:
        return SAVE_FAILED(record=record, table=self.dataclass.name, database=datastore_name())

    def conflict(self, draft: Draft) -> Refusal:
        """Why an entity of a stale stamp is not saved: 1263, ``__STATUS`` 2."""
        record = self._record(draft)
        return Refusal(
            STAMP_CHANGED(record=record, table=self.dataclass.name),
            self._save_failed(record),
            status=STAMP,
        )

    def gone(self, draft: Draft) -> Refusal:
        """Why an entity that is not there, or out of reach, is not saved: 1542, ``__STATUS`` 5."""
        draft.stored = None
        item = ENTITY_NOT_FOUND(key=self._record(draft), dataclass=self.dataclass.name)
        return Refusal(item, status=GONE)

    def invalid(self, error: ValidationError, draft: Draft) -> Refusal:
        """A failed model validation, field by field (1569, 1570), or a duplicate (1115, 1545)."""
        by_field: dict[str, list[ValidationError]] = error.update_error_dict({})
        problems = [(name, item) for name, items in by_field.items() for item in items]
        if all(item.code in {"unique", "unique_together"} for _, item in problems):
            pk = own_key(self.dataclass.model).name
            return self._duplicate(draft, is_key=all(name == pk for name, _ in problems))
        return Refusal(
            *(
                INVALID_VALUE(attribute=self._wire_name(name), reason=message)
                for name, item in problems
                for message in self._reasons(name, item)
            ),
            INVALID_ENTITY(),
            status=INVALID,
        )

    def _reasons(self, name: str, error: ValidationError) -> list[str]:
        """What ``error`` says, unless Django has put names into it that the caller is not told."""
        params: Any = error.params if isinstance(error.params, dict) else {}
        match error.code:
            case "unique" | "unique_together":
                named = params.get("unique_check", ())
            case "unique_for_date":
                named = [params.get(part) for part in ("field", "date_field") if part in params]
            case "invalid" if {"model", "pk"} <= params.keys():  # of a foreign key
                named = [name]
            case _:
                named = ()
        told = {attribute.source for attribute in self.caller.attributes(self.dataclass).values()}
        return error.messages if told.issuperset(named) else ["its values cannot be taken"]

    def _wire_name(self, source: str) -> str:
        """How a field is called on the wire; the name of the dataclass where that is not told.

        It is not for fields that are not exposed and for relations to what the caller may not know of.
        """
        for attribute in self.caller.attributes(self.dataclass).values():
            if attribute.source == source:
                return attribute.name
        return self.dataclass.name

    def unfit(self, error: Exception, attribute: Attribute | None = None) -> Refusal:
        """A value that code of the site's could not take and raised ``error`` for.

        1508 for ``attribute``, or the one whose field raised it; else 1569 for the entity as a whole.
        The error's own words are for the log.
        """
        name = self.dataclass.name if attribute is None else attribute.name
        if attribute is None and (field := site_errors.field_at_fault(error, self.dataclass.model)):
            name = self._wire_name(field.name)
        is_known = name in self.dataclass.attributes
        # Of a field that is not exposed nobody but the site can tell why.
        log = logger.info if is_known else logger.warning
        log("%s of %s cannot take a value", name, self.dataclass.name, exc_info=error)
        if is_known:
            return Refusal(WRONG_VALUE(attribute=name, dataclass=self.dataclass.name))
        return Refusal(
            INVALID_VALUE(attribute=name, reason="its values cannot be taken"),
            INVALID_ENTITY(),
            status=INVALID,
        )

    def _duplicate(self, draft: Draft, *, is_key: bool) -> Refusal:
        field = own_key(self.dataclass.model)
        posted = {a.own_field: value for a, value in draft.change.values.items() if a.is_stored}
        key = posted.get(field)
        # Of a key that the client did not choose it need not know; the next one may be free.
        first = DUPLICATE_KEY()
        if is_key and key is not None:
            wire_key = self.dataclass.key_to_wire(key)
            first = PRIMARY_KEY_EXISTS(key=wire_key, dataclass=self.dataclass.name)
        return Refusal(first, self._save_failed(self._record(draft)))

    def constraint(self, error: DatabaseError, draft: Draft) -> Refusal:
        """What the database has refused: a duplicate (1115, 1545) or by another rule (9016)."""
        if database_errors.is_duplicate(error):
            table = own_key(self.dataclass.model).model._meta.db_table
            return self._duplicate(draft, is_key=database_errors.is_duplicate_key(error, table))
        return Refusal(CONSTRAINT_FAILED(), self._save_failed(self._record(draft)))


def without_values(answer: Entity) -> Entity:
    """What ``answer`` says of an entity beside its attributes."""
    kept = {"__STATUS", "__KEY", "__STAMP", "uri", "__TIMESTAMP", "__ERROR"}
    return {name: value for name, value in answer.items() if name in kept}


def expand(caller: Caller, shape: Shape, answers: Sequence[Entity], alias: str) -> None:
    """Show in the ``answers`` of a write what the relations of ``shape`` lead to (``$expand``).

    One statement for each relation, whatever the number of answers. Where there are too many related
    entities for one answer, or code of the site's fails over them, relations stay deferred: what was
    saved must be told all the same.
    """
    nesting = Nesting(caller, caller.prefix, alias)
    values: list[tuple[Expanded, list[Any]]] = []
    try:
        with limits.reading():
            for expanded in shape.expanded:
                read = _targets if expanded.attribute.kind is Kind.TO_ONE else _selections
                values.append((expanded, read(nesting, shape.dataclass, expanded, answers)))
    except RestError:
        return
    except Exception as error:
        bugs.report(caller.request, error)
        return
    for expanded, column in values:
        name = expanded.attribute.name
        for answer, value in zip(answers, column, strict=True):
            if name not in answer:
                continue
            if value is None:
                del answer[name]
            else:
                answer[name] = _written(value, expanded.shape)


def _targets(
    nesting: Nesting, dataclass: DataClass, expanded: Expanded, answers: Sequence[Entity]
) -> list[Entity | None]:
    name, target = expanded.attribute.name, expanded.shape.dataclass
    keys = [
        target.key_from_wire(answer[name]["__deferred"]["__KEY"]) if name in answer else None
        for answer in answers
    ]
    nesting.check_room(dataclass, [(expanded, keys)], [1] * len(keys))
    entities = nesting.entities(expanded, keys, [1] * len(keys))
    return [entities.get(key) for key in keys]


def _selections(
    nesting: Nesting, dataclass: DataClass, expanded: Expanded, answers: Sequence[Entity]
) -> list[Entity | None]:
    name = expanded.attribute.name
    if join_of(dataclass, expanded.attribute).column != "pk":
        # Tied to another key than the one that the answer tells.
        return [answer.get(name) for answer in answers]
    keys = [dataclass.key_from_wire(answer["__KEY"]) if name in answer else None for answer in answers]
    nesting.check_room(dataclass, [(expanded, keys)], [1] * len(keys))
    show = nesting.selections(dataclass, expanded, keys, [1] * len(keys))
    return [
        None if key is None else show(key, answer["__KEY"])
        for key, answer in zip(keys, answers, strict=True)
    ]


def _written(value: Entity, shape: Shape) -> Entity:
    """A nested entity or selection in the form of write answers."""
    if "__deferred" in value:
        return value
    if "__ENTITIES" in value:
        return {**value, "__ENTITIES": [_written(entity, shape) for entity in value["__ENTITIES"]]}
    entity = dict(value)
    for expanded in shape.expanded:
        name = expanded.attribute.name
        if entity[name] is not None:
            entity[name] = _written(entity[name], expanded.shape)
    return update_answer(entity, shape.attributes, None)
