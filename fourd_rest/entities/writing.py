"""Saving and deleting entities (``responses.md`` 6; design «Stamps and transactions»).

An update goes: read and compare in autocommit, copy files, then in one short transaction swap the stamp,
read the row again, apply, clean, save. Stamp first, then row, everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    models,
    transaction,
)
from django.db.models.deletion import ProtectedError, RestrictedError
from django.utils import timezone

from fourd_rest.address import key_text
from fourd_rest.conf import datastore_name
from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    CONSTRAINT_FAILED,
    DUPLICATE_KEY,
    ENTITY_NOT_DELETED,
    ENTITY_NOT_FOUND,
    ENTITY_NOT_LOADED,
    ENTITY_NOT_SAVED,
    INVALID_ENTITY,
    INVALID_VALUE,
    NEW_ENTITY_NOT_SAVED,
    PRIMARY_KEY_EXISTS,
    PRIMARY_KEY_NULL,
    SAVE_FAILED,
    STAMP_CHANGED,
    WRONG_KEY,
    WRONG_VALUE,
    ErrorItem,
    RestError,
)
from fourd_rest.uploads import attach
from fourd_rest.uploads.attach import Placed

from . import access, integrity, stamps
from .access import Action
from .cleaning import clean
from .posted import (
    GONE,
    PERMISSION,
    STAMP,
    STATUS_TEXTS,
    Change,
    Judge,
    Refusal,
    expected_stamp,
)
from .reading import visible
from .rendering import Entity, Projection, update_answer
from .transactions import busy, is_busy, with_retry, write_transaction

_STAMP_RETRIES = 10


@dataclass(slots=True)
class Outcome:
    """The answer for one posted entity. ``status`` is None if it was saved (or needed no save)."""

    answer: Entity
    status: int | None = None


@dataclass(slots=True)
class Draft:
    """One posted entity on its way. ``key`` and ``stored`` are None for a new one."""

    posted: Mapping[str, Any]
    key: Any = None
    stamp: int | None = None
    stored: Entity | None = None
    change: Change = field(default_factory=Change)
    placed: list[Placed] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        return self.key is None


class Writer:
    """Saves posted entities of one dataclass for one caller."""

    def __init__(self, caller: Caller, dataclass: DataClass) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = dataclass.write_alias()
        attributes = tuple(dataclass.attributes.values())
        self.projection = Projection(dataclass, attributes, caller.prefix)
        self.judge = Judge(caller, dataclass, self.alias)

    # One request.

    def save_each(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """Save every entity by itself: a failure leaves its neighbours alone. Answers in order."""
        outcomes: dict[int, Outcome] = {}
        for place in self._key_order(items):
            try:
                outcomes[place] = self._save_one(items[place])
            except RestError as error:
                # What was saved before must reach the client.
                if len(items) == 1 or error.status < 500:
                    raise
                refusal = Refusal(*error.items)
                outcomes[place] = self._refused(Draft(items[place]), refusal)
        return [outcomes[place] for place in range(len(items))]

    def save_all(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """Save all entities in one transaction, or none (``$atomic``)."""
        drafts: dict[int, Draft] = {}
        failed: dict[int, Outcome] = {}
        saved: dict[int, Outcome] = {}
        order = self._key_order(items)

        def apply() -> None:
            saved.clear()
            with write_transaction(self.alias):
                for place in order:
                    try:
                        saved[place] = Outcome(self._apply(drafts[place]))
                    except Refusal as refusal:
                        raise _RolledBack(place, refusal) from refusal
                    except (IntegrityError, DataError) as error:
                        raise _RolledBack(place, self._constraint(error, drafts[place])) from error

        try:
            for place in order:
                draft = drafts[place] = Draft(items[place])
                try:
                    self._prepare(draft)
                except Refusal as refusal:
                    failed[place] = self._refused(draft, refusal)
            if not failed:
                try:
                    self._run(apply)
                    return [saved[place] for place in range(len(items))]
                except _RolledBack as error:
                    failed[error.place] = self._refused(drafts[error.place], error.refusal)
                except IntegrityError as error:
                    # Refused at the commit: which entity it was cannot be told.
                    for place, draft in drafts.items():
                        failed[place] = self._refused(draft, self._constraint(error, draft))
        except BaseException:
            self._discard(drafts.values())
            raise
        self._discard(drafts.values())
        return [
            failed.get(place) or Outcome(self._unsaved(drafts[place])) for place in range(len(items))
        ]

    def _key_order(self, items: Sequence[Mapping[str, Any]]) -> list[int]:
        """Places of ``items`` in key order, new ones last: all requests lock in one order."""

        def rank(place: int) -> tuple[bool, bool, Any]:
            try:
                key = self._posted_key(items[place])
            except ValueError:
                return (True, True, 0)
            return (key is None, False, 0 if key is None else key)

        return sorted(range(len(items)), key=rank)

    def _posted_key(self, posted: Mapping[str, Any]) -> Any:
        """The key of the entity to modify, None for a new one. Raises ``ValueError``."""
        key = posted.get("__KEY")
        return None if key is None or key == "" else self.dataclass.key_from_wire(key)

    # One entity.

    def _save_one(self, posted: Mapping[str, Any]) -> Outcome:
        draft = Draft(posted)
        try:
            self._prepare(draft)
            if not draft.is_new and not draft.change:
                return Outcome(self._saved_answer(draft.stored or {}))
            return Outcome(self._run(lambda: self._apply_alone(draft)))
        except Refusal as refusal:
            self._discard([draft])
            return self._refused(draft, refusal)
        except (IntegrityError, DataError) as error:
            self._discard([draft])
            return self._refused(draft, self._constraint(error, draft))
        except BaseException:
            self._discard([draft])
            raise

    def _apply_alone(self, draft: Draft) -> Entity:
        with write_transaction(self.alias):
            return self._apply(draft)

    def _run(self, action: Callable[[], Any]) -> Any:
        """``action``, retried while the database asks for it; then error 9010 (503)."""
        try:
            return with_retry(self.alias, action)
        except OperationalError as error:
            if is_busy(error):
                raise busy() from error
            raise

    def _prepare(self, draft: Draft) -> None:
        """Read, compare, look up, copy files: everything that needs no transaction."""
        try:
            draft.key = self._posted_key(draft.posted)
        except ValueError as error:
            if not access.may(self.caller, self.dataclass, Action.CHANGE):
                raise self._denied(Action.CHANGE) from error
            raise Refusal(WRONG_KEY(dataclass=self.dataclass.name), status=GONE) from error
        if draft.is_new:
            self._prepare_new(draft)
        else:
            self._prepare_update(draft)

    def _prepare_new(self, draft: Draft) -> None:
        if not access.may(self.caller, self.dataclass, Action.ADD):
            raise self._denied(Action.ADD)
        instance = self.dataclass.model()
        draft.change = self.judge.change(draft.posted, self._blank(instance), is_new=True)
        if draft.change.files:
            self._place_files(draft, instance)

    def _prepare_update(self, draft: Draft) -> None:
        instance = None
        if not access.may(self.caller, self.dataclass, Action.CHANGE):
            # The right may be held on this entity alone; an unknown one is refused like a forbidden.
            instance = self._visible_rows(draft.key).first()
            if instance is None or not access.may(self.caller, self.dataclass, Action.CHANGE, instance):
                raise self._denied(Action.CHANGE)
        self._load(draft)
        try:
            draft.stamp = expected_stamp(draft.posted)
        except ValueError as error:
            item = WRONG_VALUE(attribute="__STAMP", dataclass=self.dataclass.name)
            raise Refusal(item) from error
        draft.change = self.judge.change(draft.posted, draft.stored or {}, is_new=False)
        if not draft.change:
            return
        self._compare(draft)
        if any(blob is not None for blob in draft.change.files.values()):
            instance = instance or self._visible_rows(draft.key).first()
            if instance is None:
                raise self._gone(draft)
            self._place_files(draft, instance)

    def _denied(self, action: Action) -> Exception:
        if not self.dataclass.is_described(self.caller.request):
            return access.unknown(self.dataclass.name)
        return Refusal(action.row(dataclass=self.dataclass.name), status=PERMISSION)

    def _visible_rows(self, key: Any) -> models.QuerySet[Any]:
        queryset = self.dataclass.get_queryset(self.caller.request)
        return queryset.using(self.alias).filter(pk=key).order_by()

    def _load(self, draft: Draft) -> None:
        """Read the stored entity with its stamp, in one statement."""
        rows = list(self.projection.select(self._visible_rows(draft.key))[:1])
        if not rows:
            raise self._gone(draft)
        draft.stored = self._show(rows)

    def _show(self, rows: list[Any]) -> Entity:
        seen = visible(self.caller, self.projection, rows, self.alias)
        return self.projection.entities(rows, seen)[0]

    def _compare(self, draft: Draft) -> None:
        """A stale stamp needs no transaction to be refused: stamps only grow."""
        if draft.stamp is not None and draft.stamp != (draft.stored or {})["__STAMP"]:
            raise self._conflict(draft)

    def _blank(self, instance: models.Model) -> Entity:
        """What a new entity shows before the client has said a word."""
        blank: Entity = {}
        for attribute in self.dataclass.attributes.values():
            value = None
            if attribute.value is not None and attribute.field.attname in instance.__dict__:
                value = instance.__dict__[attribute.field.attname]
            if attribute.is_filled_in or hasattr(value, "resolve_expression"):
                value = None  # the key is numbered, the rest the database fills in
            elif value is not None and attribute.value and attribute.value.to_wire is not None:
                value = attribute.value.to_wire(value)
            blank[attribute.name] = value
        return blank

    def _place_files(self, draft: Draft, instance: models.Model) -> None:
        # ``upload_to`` may look at any field of the instance.
        self._assign(instance, draft)
        for attribute, blob in draft.change.files.items():
            if blob is None:
                continue
            try:
                placed = attach.place(self.dataclass, attribute, instance, blob, alias=self.alias)
            except RestError as error:
                raise Refusal(*error.items) from error
            draft.placed.append(placed)

    def _discard(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            for placed in draft.placed:
                attach.discard(placed)
            draft.placed = []

    # Inside the transaction.

    def _apply(self, draft: Draft) -> Entity:
        if draft.is_new:
            instance = self._insert(draft)
        elif draft.change:
            instance = self._update(draft)
        else:
            return self._saved_answer(draft.stored or {})
        key = instance.pk
        for placed in draft.placed:
            attach.fulfil(placed, self.dataclass.key_to_wire(key))
        stored = self.dataclass.model._base_manager.using(self.alias).filter(pk=key)
        return self._saved_answer(self._show(list(self.projection.select(stored))))

    def _insert(self, draft: Draft) -> models.Model:
        # A fresh instance for every attempt: a failed one may carry a key that was rolled back.
        instance = self.dataclass.model()
        instance._state.db = self.alias
        self._assign(instance, draft)
        pk = self.dataclass.model._meta.pk
        if instance.pk in (None, "") and not isinstance(pk, models.AutoField):
            raise Refusal(PRIMARY_KEY_NULL(dataclass=self.dataclass.name))
        self._clean(instance, draft, None)
        self._save(instance, draft)
        return instance

    def _update(self, draft: Draft) -> models.Model:
        self._swap(draft)
        instance = self._lock(draft)
        if not access.may(self.caller, self.dataclass, Action.CHANGE, instance):
            item = Action.CHANGE.row(dataclass=self.dataclass.name)
            raise Refusal(item, status=PERMISSION)
        replaced = self._replaced_files(instance, draft)
        self._assign(instance, draft)
        self._clean(instance, draft, draft.change.attributes)
        stamps.hold(instance)
        self._save(instance, draft)
        for storage, name in replaced:
            transaction.on_commit(
                lambda storage=storage, name=name: storage.delete(name),  # type: ignore[misc]
                using=self.alias,
                robust=True,
            )
        return instance

    def _swap(self, draft: Draft) -> None:
        now = timezone.now()
        if draft.stamp is not None:
            if not self._swap_from(draft, draft.stamp, now):
                raise self._conflict(draft)
            return
        # No stamp is asked for (STAMP_OPTIONAL): move it from whatever it is.
        for _ in range(_STAMP_RETRIES):
            if self._swap_from(draft, (draft.stored or {})["__STAMP"], now):
                return
            self._load(draft)
        raise self._conflict(draft)

    def _swap_from(self, draft: Draft, stamp: int, now: Any) -> bool:
        if not 0 < stamp < 2**31 - 1:
            return False
        return stamps.compare_and_swap(self.dataclass, draft.key, stamp, alias=self.alias, now=now)

    def _lock(self, draft: Draft) -> models.Model:
        """The row as it is now, locked where the database can."""
        rows = self.dataclass.model._base_manager.using(self.alias).filter(pk=draft.key)
        instance = rows.select_for_update().first()
        if instance is None:
            raise self._gone(draft)
        if self.dataclass.restricts_rows and not self._visible_rows(draft.key).exists():
            raise self._gone(draft)
        found: models.Model = instance
        return found

    def _assign(self, instance: models.Model, draft: Draft) -> None:
        for attribute, value in draft.change.values.items():
            setattr(instance, attribute.field.attname, value)
        placed = {item.attribute: item.value for item in draft.placed}
        for attribute in draft.change.files:
            value = placed.get(attribute, _empty(attribute))
            setattr(instance, attribute.field.attname, value)

    def _clean(self, instance: models.Model, draft: Draft, changed: list[Attribute] | None) -> None:
        try:
            clean(instance, None if changed is None else {a.source for a in changed})
        except ValidationError as error:
            raise self._invalid(error, draft) from error

    def _save(self, instance: models.Model, draft: Draft) -> None:
        try:
            self.dataclass.save_model(self.caller.request, instance, change=not draft.is_new)
        except ValidationError as error:
            # A site's own ``save`` may validate as well.
            raise self._invalid(error, draft) from error

    def _replaced_files(self, instance: models.Model, draft: Draft) -> list[tuple[Any, str]]:
        """Files that nobody needs once the update is committed, if the dataclass says so."""
        if not self.dataclass.delete_replaced_files:
            return []
        files = [
            getattr(instance, attribute.field.attname)
            for attribute in draft.change.files
            if not attribute.holds_bytes
        ]
        return [(file.storage, file.name) for file in files if file]

    # Answers.

    def _saved_answer(self, stored: Entity) -> Entity:
        caller = self.caller
        key = key_text(stored["__KEY"])
        uri = f"{caller.origin}{caller.prefix}/{self.dataclass.name}({key})"
        return {"__STATUS": {"success": True}, **update_answer(stored, self.dataclass, uri)}

    def _unsaved(self, draft: Draft) -> Entity:
        """An accepted entity of a request that was rolled back: as stored, without errors."""
        if draft.stored is None:
            return {}
        return update_answer(draft.stored, self.dataclass, None)

    def _refused(self, draft: Draft, refusal: Refusal) -> Outcome:
        status = {
            "status": refusal.status,
            "statusText": STATUS_TEXTS[refusal.status],
            "success": False,
        }
        answer: Entity = {"__STATUS": status}
        if draft.stored is not None and refusal.status != PERMISSION:
            answer |= update_answer(self._current(draft), self.dataclass, None)
        answer["__ERROR"] = [item.as_json() for item in (*refusal.items, self._not_saved(draft))]
        return Outcome(answer, refusal.status)

    def _current(self, draft: Draft) -> Entity:
        """The entity as it is stored now, so that the client can merge and retry."""
        rows = list(self.projection.select(self._visible_rows(draft.key))[:1])
        return self._show(rows) if rows else draft.stored or {}

    def _not_saved(self, draft: Draft) -> ErrorItem:
        if draft.posted.get("__KEY") in (None, ""):
            return NEW_ENTITY_NOT_SAVED(dataclass=self.dataclass.name)
        return ENTITY_NOT_SAVED(record=self._record(draft), dataclass=self.dataclass.name)

    def _record(self, draft: Draft) -> str:
        return str(draft.posted.get("__KEY") or 0)

    def _save_failed(self, record: str) -> ErrorItem:
        return SAVE_FAILED(record=record, table=self.dataclass.name, database=datastore_name())

    def _conflict(self, draft: Draft) -> Refusal:
        record = self._record(draft)
        return Refusal(
            STAMP_CHANGED(record=record, table=self.dataclass.name),
            self._save_failed(record),
            status=STAMP,
        )

    def _gone(self, draft: Draft) -> Refusal:
        draft.stored = None
        item = ENTITY_NOT_FOUND(key=self._record(draft), dataclass=self.dataclass.name)
        return Refusal(item, status=GONE)

    def _invalid(self, error: ValidationError, draft: Draft) -> Refusal:
        """A failed model validation, field by field (1569, 1570), or a duplicate (1115, 1545)."""
        by_field: dict[str, list[ValidationError]] = error.update_error_dict({})
        problems = [(name, item) for name, items in by_field.items() for item in items]
        if all(item.code in {"unique", "unique_together"} for _, item in problems):
            pk = self.dataclass.model._meta.pk.name
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
            key = values.get(self.dataclass.model._meta.pk.name)
            first = PRIMARY_KEY_EXISTS(key=key, dataclass=self.dataclass.name)
        return Refusal(first, self._save_failed(self._record(draft)))

    def _constraint(self, error: DatabaseError, draft: Draft) -> Refusal:
        if integrity.is_duplicate(error):
            return self._duplicate(draft, is_key=False)
        return Refusal(CONSTRAINT_FAILED(), self._save_failed(self._record(draft)))


class _RolledBack(Exception):
    """Leaves the transaction of ``$atomic`` so that it is rolled back, and says because of whom."""

    def __init__(self, place: int, refusal: Refusal) -> None:
        super().__init__(place)
        self.place = place
        self.refusal = refusal


def _empty(attribute: Attribute) -> Any:
    """What an emptied file attribute holds: no name, or no bytes."""
    if attribute.field.null:
        return None
    return b"" if attribute.holds_bytes else ""


def delete(caller: Caller, dataclass: DataClass, key_text: str) -> None:
    """Delete one entity; no stamp is compared (``responses.md`` 6.6).

    Raises ``RestError``: 1543 (404) for an unknown key, 1518 if it cannot be deleted, 401.
    """
    alias = dataclass.write_alias()
    allowed = access.may(caller, dataclass, Action.DELETE)
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError as error:
        if not allowed:
            raise access.denied(caller, dataclass, Action.DELETE) from error
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error

    def remove() -> None:
        with write_transaction(alias):
            rows = dataclass.get_queryset(caller.request).using(alias).filter(pk=key).order_by()
            instance = rows.first()
            if instance is None and allowed:
                raise RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))
            access.check_entity(caller, dataclass, Action.DELETE, instance)
            try:
                dataclass.delete_model(caller.request, cast("models.Model", instance))
            except (ProtectedError, RestrictedError) as error:
                raise _not_deleted(dataclass, key_text) from error

    try:
        with_retry(alias, remove)
    except IntegrityError as error:
        raise _not_deleted(dataclass, key_text) from error
    except OperationalError as error:
        if is_busy(error):
            raise busy() from error
        raise


def _not_deleted(dataclass: DataClass, key_text: str) -> RestError:
    return RestError(ENTITY_NOT_DELETED(key=key_text, dataclass=dataclass.name))
