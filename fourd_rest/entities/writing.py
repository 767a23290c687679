"""Saving entities (``responses.md`` 6; design «Stamps and transactions»).

An update goes: read and compare in autocommit, copy files, then in one short transaction swap the stamp,
read the row again, apply, clean, save. Stamp first, then row, everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import (
    DataError,
    IntegrityError,
    OperationalError,
    models,
)
from django.utils import timezone

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    NESTED_TOO_DEEP,
    NOT_SUPPORTED,
    PRIMARY_KEY_NULL,
    READ_ONLY,
    RELATED_NOT_SAVED,
    WRONG_KEY,
    WRONG_VALUE,
    RestError,
)
from fourd_rest.uploads import attach, processing

from . import access, folded, integrity, stamps
from .access import Action
from .announcing import announce
from .answers import Answers
from .cleaning import clean
from .drafts import Draft, Nested, Outcome
from .posted import (
    GONE,
    OTHER,
    PERMISSION,
    Judge,
    Refusal,
    expected_stamp,
)
from .rendering import Entity
from .rows import Rows
from .transactions import busy, delete_after_commit, is_busy, with_retry, write_transaction

_STAMP_RETRIES = 10


class Writer:
    """Saves posted entities of one dataclass for one caller."""

    def __init__(self, caller: Caller, dataclass: DataClass, depth: int = 0) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.depth = depth
        self.alias = dataclass.write_alias()
        self.rows = Rows(caller, dataclass, self.alias)
        self.answers = Answers(self.rows)
        self.judge = Judge(caller, dataclass, self.alias)

    # One request.

    def save_each(
        self, items: Sequence[Mapping[str, Any]], done: Mapping[int, Outcome] | None = None
    ) -> list[Outcome]:
        """Save every entity by itself: a failure leaves its neighbours alone. Answers in order.

        ``done`` holds by place what needs no saving any more.
        """
        outcomes = dict(done or {})
        for place in self._key_order(items):
            if place in outcomes:
                continue
            try:
                outcomes[place] = self._save_one(items[place])
            except RestError as error:
                # What was saved before must reach the client.
                if len(items) == 1 or error.status < 500:
                    raise
                refusal = Refusal(*error.items)
                outcomes[place] = self.answers.refused(Draft(items[place]), refusal)
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
                        raise _RolledBack(
                            place, self.answers.constraint(error, drafts[place])
                        ) from error

        try:
            for place in order:
                draft = drafts[place] = Draft(items[place])
                try:
                    self._prepare(draft)
                except Refusal as refusal:
                    failed[place] = self.answers.refused(draft, refusal)
            if not failed:
                try:
                    self.run(apply)
                    return [saved[place] for place in range(len(items))]
                except _RolledBack as error:
                    failed[error.place] = self.answers.refused(drafts[error.place], error.refusal)
                except IntegrityError as error:
                    # Refused at the commit: which entity it was cannot be told.
                    for place, draft in drafts.items():
                        failed[place] = self.answers.refused(
                            draft, self.answers.constraint(error, draft)
                        )
        except BaseException:
            self._discard(drafts.values())
            raise
        self._discard(drafts.values())
        return [
            failed.get(place) or Outcome(self.answers.unsaved(drafts[place]))
            for place in range(len(items))
        ]

    def _key_order(self, items: Sequence[Mapping[str, Any]]) -> list[int]:
        """Places of ``items`` in key order, new ones last: all requests lock in one order."""

        def rank(place: int) -> tuple[bool, bool, Any]:
            try:
                key = self.posted_key(items[place])
            except ValueError:
                return (True, True, 0)
            return (key is None, False, 0 if key is None else key)

        return sorted(range(len(items)), key=rank)

    def posted_key(self, posted: Mapping[str, Any]) -> Any:
        """The key of the entity to modify, None for a new one. Raises ``ValueError``."""
        key = posted.get("__KEY")
        return None if key is None or key == "" else self.dataclass.key_from_wire(key)

    # One entity.

    def save_unconditionally(self, posted: Mapping[str, Any]) -> Outcome:
        """Save one entity whatever its stamp is (D-16)."""
        return self._save_one(posted, any_stamp=True)

    def _save_one(self, posted: Mapping[str, Any], *, any_stamp: bool = False) -> Outcome:
        draft = Draft(posted, any_stamp)
        try:
            self._prepare(draft)
            if draft.is_unchanged:
                return Outcome(self.answers.saved(draft.stored or {}))
            return Outcome(self.run(lambda: self._apply_alone(draft)))
        except Refusal as refusal:
            self._discard([draft])
            return self.answers.refused(draft, refusal)
        except (IntegrityError, DataError) as error:
            self._discard([draft])
            return self.answers.refused(draft, self.answers.constraint(error, draft))
        except BaseException:
            self._discard([draft])
            raise

    def _apply_alone(self, draft: Draft) -> Entity:
        with write_transaction(self.alias):
            return self._apply(draft)

    def run(self, action: Callable[[], Any]) -> Any:
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
            draft.key = self.posted_key(draft.posted)
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
        draft.change = self.judge.change(draft.posted, self._blank(instance), None)
        self._prepare_nested(draft, {})
        if draft.change.files:
            self._place_files(draft, instance)

    def _prepare_update(self, draft: Draft) -> None:
        instance = None
        if not access.may(self.caller, self.dataclass, Action.CHANGE):
            # The right may be held on this entity alone; an unknown one is refused like a forbidden.
            instance = self.rows.query(draft.key).first()
            if instance is None or not access.may(self.caller, self.dataclass, Action.CHANGE, instance):
                raise self._denied(Action.CHANGE)
        stored = self._load(draft)
        try:
            if not draft.any_stamp:
                may_override = self.dataclass.allow_stamp_override
                draft.stamp = expected_stamp(draft.posted, may_override=may_override)
        except ValueError as error:
            item = WRONG_VALUE(attribute="__STAMP", dataclass=self.dataclass.name)
            raise Refusal(item) from error
        draft.change = self.judge.change(draft.posted, stored, draft.key)
        self._prepare_nested(draft, stored)
        if not draft.change:
            return
        self._compare(draft, stored)
        if any(blob is not None for blob in draft.change.files.values()):
            instance = instance or self.rows.query(draft.key).first()
            if instance is None:
                raise self.answers.gone(draft)
            self._place_files(draft, instance)

    def _prepare_nested(self, draft: Draft, stored: Entity) -> None:
        """Prepare the related entities that were posted within this one (D-13)."""
        for attribute, posted in draft.change.nested.items():
            target = attribute.target
            assert target is not None  # noqa: S101  (a relation has a target)
            limit = current().MAX_NESTED_DEPTH
            if self.depth >= limit:
                raise Refusal(NESTED_TOO_DEEP(limit=limit))
            writer = type(self)(self.caller, target, self.depth + 1)
            if writer.alias != self.alias:
                raise Refusal(NOT_SUPPORTED(feature="A nested entity of another database"))
            nested = Nested(attribute, writer, Draft(posted))
            draft.nested.append(nested)
            try:
                writer._prepare(nested.draft)
            except Refusal as refusal:
                raise self._unrelated(nested, refusal) from refusal
            except RestError as error:
                # Only this entity is refused for what the caller may not know of.
                status = PERMISSION if error.status == 401 else OTHER
                raise self._unrelated(nested, Refusal(*error.items, status=status)) from error
            linked = stored.get(attribute.name)
            key = None if nested.draft.is_new else target.key_to_wire(nested.draft.key)
            if key is None or linked is None or linked["__deferred"]["__KEY"] != key:
                if attribute.read_only:
                    raise Refusal(READ_ONLY(attribute=attribute.name, dataclass=self.dataclass.name))
                # The key of a new entity is known once it is saved.
                draft.change.values[attribute] = (
                    None if key is None else self.judge.foreign_key(attribute, nested.draft.key)
                )

    def _unrelated(self, nested: Nested, refusal: Refusal) -> Refusal:
        """Why this entity is not saved: a related one was refused (error 1537)."""
        return Refusal(
            *refusal.items,
            nested.writer.answers.not_saved(nested.draft),
            RELATED_NOT_SAVED(attribute=nested.attribute.name, dataclass=self.dataclass.name),
            status=refusal.status,
        )

    def _denied(self, action: Action) -> Exception:
        if not self.dataclass.is_described(self.caller.request):
            return access.unknown(self.dataclass.name)
        return Refusal(action.row(dataclass=self.dataclass.name), status=PERMISSION)

    def _load(self, draft: Draft) -> Entity:
        """Read the stored entity with its stamp, in one statement."""
        draft.stored = self.rows.find(draft.key)
        if draft.stored is None:
            raise self.answers.gone(draft)
        return draft.stored

    def _compare(self, draft: Draft, stored: Entity) -> None:
        """A stale stamp needs no transaction to be refused: stamps only grow."""
        if draft.stamp is not None and draft.stamp != stored["__STAMP"]:
            raise self.answers.conflict(draft)

    def _blank(self, instance: models.Model) -> Entity:
        """What a new entity shows before the client has said a word."""
        blank: Entity = {}
        for attribute in self.dataclass.attributes.values():
            value = None
            if attribute.is_scalar and attribute.is_stored:
                value = instance.__dict__.get(attribute.assigned)
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
            self._discard(nested.draft for nested in draft.nested)

    # Inside the transaction.

    def _apply(self, draft: Draft) -> Entity:
        stored = self.rows.saved(self._write(draft))
        if stored is None:
            raise self.answers.gone(draft)  # a signal of the site has deleted it
        return self.answers.saved(stored)

    def _write(self, draft: Draft) -> Any:
        """Save the entity and those nested in it; returns its key."""
        for nested in draft.nested:
            try:
                key = nested.writer._write(nested.draft)
            except Refusal as refusal:
                raise self._unrelated(nested, refusal) from refusal
            except (IntegrityError, DataError) as error:
                broken = nested.writer.answers.constraint(error, nested.draft)
                raise self._unrelated(nested, broken) from error
            if nested.draft.is_new:
                attribute = nested.attribute
                draft.change.values[attribute] = self.judge.foreign_key(attribute, key)
        if not draft.is_new and not draft.change:
            return draft.key
        instance = self._insert(draft) if draft.is_new else self._update(draft)
        for attribute, keys in draft.change.links.items():
            getattr(instance, attribute.source).set(keys)
        try:
            for placed in draft.placed:
                attach.fulfil(placed, self.dataclass.key_to_wire(instance.pk))
        except RestError as error:
            raise Refusal(*error.items) from error
        announce(self.caller, self.dataclass, self.alias, draft, instance)
        return instance.pk

    def _insert(self, draft: Draft) -> models.Model:
        # A fresh instance for every attempt: a failed one may carry a key that was rolled back.
        instance = self.dataclass.model()
        instance._state.db = self.alias
        self._assign(instance, draft)
        if instance.pk in (None, "") and not self.dataclass.is_numbered:
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
        before = dict(instance.__dict__)
        self._assign(instance, draft)
        self._clean(instance, draft, self._changed(instance, draft, before))
        stamps.hold(instance)
        self._save(instance, draft)
        delete_after_commit(replaced, self.alias)
        return instance

    def _changed(self, instance: models.Model, draft: Draft, before: Mapping[str, Any]) -> set[str]:
        """Names of the fields that differ from ``before``: setters of the model may change any."""
        return {a.source for a in draft.change.attributes if a.is_stored} | {
            field.name
            for field in self.dataclass.model._meta.concrete_fields
            if instance.__dict__.get(field.attname) is not before.get(field.attname)
        }

    def _swap(self, draft: Draft) -> None:
        now = timezone.now()
        if draft.stamp is not None:
            if not self._swap_from(draft, draft.stamp, now):
                raise self.answers.conflict(draft)
            return
        # No stamp is asked for: move it from whatever it is.
        for _ in range(_STAMP_RETRIES):
            if self._swap_from(draft, (draft.stored or {})["__STAMP"], now):
                return
            self._load(draft)
        raise self.answers.conflict(draft)

    def _swap_from(self, draft: Draft, stamp: int, now: Any) -> bool:
        if not 0 < stamp < stamps.LAST_STAMP:
            return False
        return stamps.compare_and_swap(self.dataclass, draft.key, stamp, alias=self.alias, now=now)

    def _lock(self, draft: Draft) -> models.Model:
        """The row as it is now, locked where the database can."""
        instance = self.rows.locked(draft.key)
        if instance is None:
            raise self.answers.gone(draft)
        if self.dataclass.restricts_rows and not self.rows.query(draft.key).exists():
            raise self.answers.gone(draft)
        return instance

    def _assign(self, instance: models.Model, draft: Draft) -> None:
        self._assign_values(instance, draft)
        placed = {item.attribute: item.value for item in draft.placed}
        for attribute in draft.change.files:
            value = placed.get(attribute, empty(attribute))
            setattr(instance, attribute.field.attname, value)
        for item in draft.placed:
            for name, value in item.changes.items():
                setattr(instance, name, value)

    def _assign_values(self, instance: models.Model, draft: Draft) -> None:
        try:
            for attribute, value in draft.change.values.items():
                setattr(instance, attribute.assigned, value)
        except ValidationError as error:
            # The setter of a computed attribute may refuse a value.
            raise self.answers.invalid(error, draft) from error
        folded.keep(instance)

    def _clean(
        self,
        instance: models.Model,
        draft: Draft,
        changed: set[str] | None,
        unknown: set[str] | None = None,
    ) -> None:
        try:
            clean(instance, changed, unknown)
        except ValidationError as error:
            raise self.answers.invalid(error, draft) from error

    def _save(self, instance: models.Model, draft: Draft) -> None:
        try:
            with integrity.values_judged():
                self.dataclass.save_model(self.caller.request, instance, change=not draft.is_new)
        except ValidationError as error:
            # A site's own ``save`` may validate as well.
            raise self.answers.invalid(error, draft) from error

    def _replaced_files(self, instance: models.Model, draft: Draft) -> list[tuple[Any, str]]:
        """Files that nobody needs once the update is committed, if the dataclass says so."""
        if not self.dataclass.delete_replaced_files:
            return []
        files = [
            getattr(instance, attribute.field.attname)
            for attribute in draft.change.files
            if not attribute.holds_bytes
        ]
        return [(processing.deleter(file), file.name) for file in files if file]


class _RolledBack(Exception):
    """Leaves the transaction of ``$atomic`` so that it is rolled back, and says because of whom."""

    def __init__(self, place: int, refusal: Refusal) -> None:
        super().__init__(place)
        self.place = place
        self.refusal = refusal


def empty(attribute: Attribute) -> Any:
    """What an emptied file attribute holds: no name, or no bytes."""
    if attribute.field.null:
        return None
    return b"" if attribute.holds_bytes else ""
