"""What a write answers: the saved entity, or why it was refused (``responses.md`` 6, D-33)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError

from fourd_rest.address import key_text
from fourd_rest.conf import datastore_name
from fourd_rest.dataclass import DataClass, Kind
from fourd_rest.dataclass.attributes import own_key
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    CONSTRAINT_FAILED,
    DUPLICATE_KEY,
    ENTITY_NOT_FOUND,
    ENTITY_NOT_SAVED,
    INVALID_ENTITY,
    INVALID_VALUE,
    NEW_ENTITY_NOT_SAVED,
    PRIMARY_KEY_EXISTS,
    SAVE_FAILED,
    STAMP_CHANGED,
    ErrorItem,
    RestError,
)
from fourd_rest.query import limits
from fourd_rest.query.links import link

from . import integrity
from .drafts import Draft, Outcome
from .nesting import Nesting
from .posted import GONE, PERMISSION, STAMP, STATUS_TEXTS, Refusal
from .rendering import Entity, update_answer
from .rows import Rows
from .shapes import Expanded, Shape


class Answers:
    """Answers and refusals for entities of one dataclass."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.caller = rows.caller
        self.dataclass = rows.dataclass

    def saved(self, stored: Entity) -> Entity:
        caller, uri = self.caller, None
        if "__KEY" in stored:
            key = key_text(stored["__KEY"])
            uri = f"{caller.origin}{caller.prefix}/{self.dataclass.name}({key})"
        return {"__STATUS": {"success": True}, **update_answer(stored, self.dataclass, uri)}

    def unsaved(self, draft: Draft) -> Entity:
        """An accepted entity of a request that was rolled back: as stored, without errors."""
        if draft.stored is None:
            return {}
        return update_answer(draft.stored, self.dataclass, None)

    def refused(self, draft: Draft, refusal: Refusal, current: Entity | None = None) -> Outcome:
        """``current`` is the entity as it is stored now, if that is known already."""
        status = {
            "status": refusal.status,
            "statusText": STATUS_TEXTS[refusal.status],
            "success": False,
        }
        answer: Entity = {"__STATUS": status}
        if draft.stored is not None and refusal.status != PERMISSION:
            # As it is stored now, so that the client can merge and retry.
            stored = current or self.rows.find(draft.key) or draft.stored
            answer |= update_answer(stored, self.dataclass, None)
        answer["__ERROR"] = [item.as_json() for item in (*refusal.items, self.not_saved(draft))]
        return Outcome(answer, refusal.status)

    def not_saved(self, draft: Draft) -> ErrorItem:
        if draft.posted.get("__KEY") in (None, ""):
            return NEW_ENTITY_NOT_SAVED(dataclass=self.dataclass.name)
        return ENTITY_NOT_SAVED(record=self._record(draft), dataclass=self.dataclass.name)

    def _record(self, draft: Draft) -> str:
        return str(draft.posted.get("__KEY") or 0)

    def _save_failed(self, record: str) -> ErrorItem:
        return SAVE_FAILED(record=record, table=self.dataclass.name, database=datastore_name())

    def conflict(self, draft: Draft) -> Refusal:
        record = self._record(draft)
        return Refusal(
            STAMP_CHANGED(record=record, table=self.dataclass.name),
            self._save_failed(record),
            status=STAMP,
        )

    def gone(self, draft: Draft) -> Refusal:
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
                for message in item.messages
            ),
            INVALID_ENTITY(),
        )

    def _wire_name(self, source: str) -> str:
        """How a field is called on the wire; the name of one that is not exposed is not told."""
        for attribute in self.dataclass.attributes.values():
            if attribute.source == source:
                return attribute.name
        return self.dataclass.name

    def _duplicate(self, draft: Draft, *, is_key: bool) -> Refusal:
        first = DUPLICATE_KEY()
        if is_key:
            values = {a.source: value for a, value in draft.change.values.items()}
            key = values.get(own_key(self.dataclass.model).name)
            first = PRIMARY_KEY_EXISTS(key=key, dataclass=self.dataclass.name)
        return Refusal(first, self._save_failed(self._record(draft)))

    def constraint(self, error: DatabaseError, draft: Draft) -> Refusal:
        if integrity.is_duplicate(error):
            return self._duplicate(draft, is_key=integrity.is_duplicate_key(error))
        return Refusal(CONSTRAINT_FAILED(), self._save_failed(self._record(draft)))


def expand(caller: Caller, shape: Shape, answers: Sequence[Entity], alias: str) -> None:
    """Show in the ``answers`` of a write what the relations of ``shape`` lead to (``$expand``).

    One statement for each relation, whatever the number of answers. Where there are too many related
    entities for one answer, relations stay deferred: what was saved must be told all the same.
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
    if link(dataclass, expanded.attribute).column != "pk":
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
    return update_answer(entity, shape.dataclass, None)
