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
    connections,
    models,
    transaction,
)
from django.utils import timezone

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    PRIMARY_KEY_NULL,
    WRONG_KEY,
    WRONG_VALUE,
    RestError,
)
from fourd_rest.uploads import attach

from . import access, stamps
from .access import Action
from .answers import Answers
from .cleaning import clean
from .drafts import Draft, Outcome
from .posted import (
    GONE,
    PERMISSION,
    Judge,
    Refusal,
    expected_stamp,
)
from .rendering import Entity
from .rows import Rows
from .transactions import busy, is_busy, with_retry, write_transaction

_STAMP_RETRIES = 10


class Writer:
    """Saves posted entities of one dataclass for one caller."""

    def __init__(self, caller: Caller, dataclass: DataClass) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = dataclass.write_alias()
        self.rows = Rows(caller, dataclass, self.alias)
        self.answers = Answers(self.rows)
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
                    self._run(apply)
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
                return Outcome(self.answers.saved(draft.stored or {}))
            return Outcome(self._run(lambda: self._apply_alone(draft)))
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
            instance = self.rows.query(draft.key).first()
            if instance is None or not access.may(self.caller, self.dataclass, Action.CHANGE, instance):
                raise self._denied(Action.CHANGE)
        stored = self._load(draft)
        try:
            draft.stamp = expected_stamp(draft.posted)
        except ValueError as error:
            item = WRONG_VALUE(attribute="__STAMP", dataclass=self.dataclass.name)
            raise Refusal(item) from error
        draft.change = self.judge.change(draft.posted, stored, is_new=False)
        if not draft.change:
            return
        self._compare(draft, stored)
        if any(blob is not None for blob in draft.change.files.values()):
            instance = instance or self.rows.query(draft.key).first()
            if instance is None:
                raise self.answers.gone(draft)
            self._place_files(draft, instance)

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
            return self.answers.saved(draft.stored or {})
        key = instance.pk
        try:
            for placed in draft.placed:
                attach.fulfil(placed, self.dataclass.key_to_wire(key))
        except RestError as error:
            raise Refusal(*error.items) from error
        stored = self.rows.saved(key)
        if stored is None:
            raise self.answers.gone(draft)  # a signal of the site has deleted it
        return self.answers.saved(stored)

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
                raise self.answers.conflict(draft)
            return
        # No stamp is asked for (STAMP_OPTIONAL): move it from whatever it is.
        for _ in range(_STAMP_RETRIES):
            if self._swap_from(draft, (draft.stored or {})["__STAMP"], now):
                return
            self._load(draft)
        raise self.answers.conflict(draft)

    def _swap_from(self, draft: Draft, stamp: int, now: Any) -> bool:
        if not 0 < stamp < 2**31 - 1:
            return False
        return stamps.compare_and_swap(self.dataclass, draft.key, stamp, alias=self.alias, now=now)

    def _lock(self, draft: Draft) -> models.Model:
        """The row as it is now, locked where the database can."""
        rows = self.dataclass.model._base_manager.using(self.alias).filter(pk=draft.key)
        # Keys do not change here: rows that refer to this one need not wait, nor wait for each other.
        no_key = connections[self.alias].features.has_select_for_no_key_update
        instance = rows.select_for_update(no_key=no_key).first()
        if instance is None:
            raise self.answers.gone(draft)
        if self.dataclass.restricts_rows and not self.rows.query(draft.key).exists():
            raise self.answers.gone(draft)
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
            raise self.answers.invalid(error, draft) from error

    def _save(self, instance: models.Model, draft: Draft) -> None:
        try:
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
        return [(file.storage, file.name) for file in files if file]


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
