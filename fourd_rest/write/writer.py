"""Saving entities (``responses.md`` 6; ``docs/architecture.md``, «Stamps and transactions»).

An update goes: read and compare in autocommit, copy files, then in one short transaction swap the stamp,
read the row again, apply, clean, save. Stamp first, then row, everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import (
    DataError,
    IntegrityError,
    models,
)
from django.db.transaction import on_commit
from django.utils import timezone

from fourd_rest import bugs
from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass, permissions
from fourd_rest.dataclass.attributes import Computed, FileAttribute, ToOne, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import (
    DATACLASS_NOT_FOUND,
    GONE,
    INTERNAL,
    NESTED_TOO_DEEP,
    NOT_SUPPORTED,
    OTHER,
    PERMISSION,
    PRIMARY_KEY_NULL,
    READ_ONLY,
    RELATED_NOT_SAVED,
    WRONG_KEY,
    WRONG_VALUE,
    RestError,
)
from fourd_rest.read.projection import Entity, deferred_relation
from fourd_rest.read.reader import Rows
from fourd_rest.sql import database_errors
from fourd_rest.sql.transactions import delete_after_commit, given_up, with_retry, write_transaction
from fourd_rest.stamps import folded, mover
from fourd_rest.stamps.columns import LAST_STAMP
from fourd_rest.uploads import attach, field_code

from . import site_errors
from .announcements import announce
from .answers import Answers
from .draft import Draft, Nested, Outcome
from .posted import FILLED, Judge, Refusal, expected_stamp
from .validation import clean, clean_values

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
        self._bugs = bugs.Reporter(caller.request)

    # One request.

    def save_each(
        self, items: Sequence[Mapping[str, Any]], done: Mapping[int, Outcome] | None = None
    ) -> list[Outcome]:
        """Save every entity by itself: a failure leaves its neighbours alone. Answers in order.

        ``done`` holds by place what needs no saving any more.
        """
        return self._each(items, self._save_one, done or {})

    def _each(
        self,
        items: Sequence[Mapping[str, Any]],
        take: Callable[[Draft], Outcome],
        done: Mapping[int, Outcome],
    ) -> list[Outcome]:
        """The outcome of ``take`` for every entity but those in ``done``, in order.

        Whatever goes wrong with one of several is told of that one: others may be saved already.
        """
        outcomes = dict(done)
        errors: dict[int, tuple[Draft, RestError]] = {}
        for place in self._key_order(items):
            if place in outcomes:
                continue
            draft = Draft(items[place])
            try:
                outcomes[place] = take(draft)
            except RestError as error:
                errors[place] = draft, error
            except Exception as error:
                if (refusal := given_up(error)) is not None:
                    errors[place] = draft, refusal
                elif len(items) == 1:
                    raise
                else:
                    outcomes[place] = self._broken(draft, error)
        first = next((error for _, error in errors.values()), None)
        if first is not None and len(errors) == len(items) and (len(items) == 1 or first.status != 500):
            raise first  # not of one entity but of the request, and nothing is saved
        for place, (draft, met) in errors.items():
            outcomes[place] = self._refused_alone(draft, self._refusal(draft, met))
        return [outcomes[place] for place in range(len(items))]

    def _refusal(self, draft: Draft, error: RestError) -> Refusal:
        """What an error of the whole request means for one of several entities."""
        if error.items[-1].row is DATACLASS_NOT_FOUND:
            # That it is there the neighbours tell.
            is_new = draft.posted.get("__KEY") in (None, "")
            row = (Action.ADD if is_new else Action.CHANGE).row
            return Refusal(row(dataclass=self.dataclass.name), status=PERMISSION)
        return Refusal(*error.items, status=PERMISSION if error.status == 401 else OTHER)

    def _broken(self, draft: Draft, error: BaseException) -> Outcome:
        """An entity that was not saved because of a bug."""
        return self._refused_alone(draft, Refusal(INTERNAL(reference=self._bugs.report(error))))

    def _refused_alone(self, draft: Draft, refusal: Refusal) -> Outcome:
        """The answer for an entity that is not read again: that may fail as well."""
        return self.answers.refused(Draft(draft.posted), refusal)

    def save_all(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """Save all entities in one transaction, or none (``$atomic``)."""
        drafts: dict[int, Draft] = {}
        failed: dict[int, Outcome] = {}
        saved: dict[int, Outcome] = {}
        order = self._key_order(items)

        def apply() -> None:
            saved.clear()
            with self.transaction():
                for place in order:
                    try:
                        saved[place] = Outcome(self._apply(drafts[place]))
                    except Exception as error:
                        if given_up(error):
                            raise
                        raise _RolledBack(place, error) from error

        try:
            self._prepare_all(items, order, drafts, failed)
            if not failed:
                try:
                    self.run(apply)
                    return [saved[place] for place in range(len(items))]
                except _RolledBack as error:
                    failed[error.place] = self._failure(items, drafts[error.place], error.error)
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

    def _prepare_all(
        self,
        items: Sequence[Mapping[str, Any]],
        order: Sequence[int],
        drafts: dict[int, Draft],
        failed: dict[int, Outcome],
    ) -> None:
        """Prepare all entities of ``$atomic``; raises what is an error of the request as a whole."""
        unknown: list[RestError] = []
        for place in order:
            draft = drafts[place] = Draft(items[place])
            try:
                self._prepare(draft)
            except Exception as error:
                if given_up(error):
                    raise
                if isinstance(error, RestError) and error.status != 500:
                    unknown.append(error)
                failed[place] = self._failure(items, draft, error)
        if unknown and len(unknown) == len(items):
            raise unknown[0]

    def _failure(self, items: Sequence[Mapping[str, Any]], draft: Draft, error: Exception) -> Outcome:
        """What ``error`` means for one entity of ``$atomic``, of which nothing is saved."""
        if isinstance(error, Refusal):
            return self.answers.refused(draft, error)
        if isinstance(error, (IntegrityError, DataError)):
            return self.answers.refused(draft, self.answers.constraint(error, draft))
        if len(items) == 1:
            raise error
        if isinstance(error, RestError):
            return self._refused_alone(draft, self._refusal(draft, error))
        return self._broken(draft, error)

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
        return self._save_one(Draft(posted, any_stamp=True))

    def _save_one(self, draft: Draft) -> Outcome:
        try:
            self._prepare(draft)
            if draft.is_unchanged:
                return Outcome(self.answers.saved(draft.stored or {}, shown=draft.is_seen))
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
        with self.transaction():
            return self._apply(draft)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A write transaction. Once it is committed nothing is an error any more.

        What the site's own hooks raise then is reported: to the client all is saved.
        """
        committed: list[bool] = []
        try:
            with write_transaction(self.alias):
                on_commit(lambda: committed.append(True), using=self.alias)
                yield
        except Exception as error:
            if not committed:
                raise
            self._bugs.report(error)

    def run(self, action: Callable[[], Any]) -> Any:
        """``action``, retried while the database asks for it. Raises as ``with_retry`` does."""
        return with_retry(self.alias, action)

    def _prepare(self, draft: Draft) -> None:
        """Read, compare, look up, copy files: everything that needs no transaction."""
        try:
            draft.key = self.posted_key(draft.posted)
        except ValueError as error:
            if not permissions.may(self.caller, self.dataclass, Action.CHANGE):
                raise self._denied(Action.CHANGE) from error
            raise Refusal(WRONG_KEY(dataclass=self.dataclass.name), status=GONE) from error
        if draft.is_new:
            self._prepare_new(draft)
        else:
            self._prepare_update(draft)

    def _prepare_new(self, draft: Draft) -> None:
        if not permissions.may(self.caller, self.dataclass, Action.ADD):
            raise self._denied(Action.ADD)
        instance = self.dataclass.model()
        draft.change = self.judge.change(draft.posted, self._blank(instance, draft.posted), None)
        self._prepare_nested(draft, {})
        if draft.change.files:
            self._place_files(draft, instance)

    def _prepare_update(self, draft: Draft) -> None:
        instance = None
        if not permissions.may(self.caller, self.dataclass, Action.CHANGE):
            # The right may be held on this entity alone; an unknown one is refused like a forbidden.
            instance = self.rows.query(draft.key).first()
            if instance is None or not permissions.may(
                self.caller, self.dataclass, Action.CHANGE, instance
            ):
                raise self._denied(Action.CHANGE)
        stored = self._load(draft)
        draft.is_seen = self.answers.shows(draft.key, instance)
        try:
            if not draft.any_stamp:
                may_override = self.dataclass.allow_stamp_override
                draft.stamp = expected_stamp(draft.posted, may_override=may_override)
        except ValueError as error:
            item = WRONG_VALUE(attribute="__STAMP", dataclass=self.dataclass.name)
            raise Refusal(item) from error
        known = stored if draft.is_seen else None
        draft.change = self.judge.change(draft.posted, known, draft.key)
        self._prepare_nested(draft, known or {})
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
            if self.judge.is_fixed(attribute, is_new=draft.is_new):
                continue  # it is the one that is linked already
            linked = stored.get(attribute.name)
            key = None if nested.draft.is_new else target.key_to_wire(nested.draft.key)
            if key is None or linked is None or linked["__deferred"]["__KEY"] != key:
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
        if not self.caller.knows(self.dataclass):
            return permissions.unknown(self.dataclass.name)
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
            raise self.conflict(draft)

    def conflict(self, draft: Draft) -> Refusal:
        """Why an entity of a stale stamp is not saved: for its values, if they are invalid (D-64)."""
        try:
            self._judge_values(draft)
        except Refusal as refusal:
            return refusal
        return self.answers.conflict(draft)

    def _judge_values(self, draft: Draft) -> None:
        """Raise ``Refusal`` for values that no save could take; only the row is asked for."""
        for nested in draft.nested:
            try:
                nested.writer._judge_values(nested.draft)
            except Refusal as refusal:
                raise self._unrelated(nested, refusal) from refusal
        if not draft.is_new and not draft.change:
            return
        tried = self._tried(draft)
        try:
            clean_values(tried.instance, tried.changed, tried.unknown)
        except Exception as error:
            self._judge_error(error, draft)
            raise

    def _tried(self, draft: Draft) -> _Tried:
        """An instance with the values of ``draft``, as far as they are known before a save."""
        instance: models.Model | None = self.dataclass.model()
        if not draft.is_new:
            instance = self.rows.query(draft.key).first()
        if instance is None:
            raise self.answers.gone(draft)
        if not draft.is_new and not permissions.may(
            self.caller, self.dataclass, Action.CHANGE, instance
        ):
            raise self._denied(Action.CHANGE)
        instance._state.db = self.alias
        # What is only known or only there after a save cannot be judged before.
        unknown = {a.source for a, blob in draft.change.files.items() if blob is not None}
        for nested in draft.nested:
            if nested.draft.is_new:
                unknown.add(nested.attribute.source)
                draft.change.values.pop(nested.attribute, None)
        before = dict(instance.__dict__)
        self.assign_values(instance, draft)
        emptied = [a for a in draft.change.files if a.source not in unknown]
        self._assign_files(instance, draft, {attribute: empty(attribute) for attribute in emptied})
        changed = None if draft.is_new else self._changed(instance, draft, before) - unknown
        return _Tried(instance, changed, unknown)

    def _blank(self, instance: models.Model, posted: Mapping[str, Any]) -> Entity:
        """What a new entity shows of the ``posted`` attributes before the client has said a word."""
        attributes = self.dataclass.attributes
        return {name: self._unsaid(attributes[name], instance) for name in posted if name in attributes}

    def _unsaid(self, attribute: Attribute, instance: models.Model) -> Any:
        if attribute.name in self.dataclass.identity_names:
            return None  # the key is numbered
        value = None
        if attribute.is_stored:
            value = instance.__dict__.get(attribute.assigned)
        elif isinstance(attribute, Computed) and not attribute.read_only:
            value = _computed(attribute, instance)
        if hasattr(value, "resolve_expression"):
            # The database fills it in, unless it is told: by a null, too.
            return None if attribute.read_only else FILLED
        if isinstance(attribute, Valued):
            return attribute.held_by(instance) if attribute.is_stored else attribute.shown(value)
        if attribute.read_only or value in (None, "", b""):
            return None
        if isinstance(attribute, ToOne) and attribute.names_key:
            return deferred_relation(attribute, self.caller.prefix)(value)
        return FILLED

    def _place_files(self, draft: Draft, instance: models.Model) -> None:
        # ``upload_to`` may look at any field of the instance.
        self._assign(instance, draft)
        for attribute, blob in draft.change.files.items():
            if blob is None:
                continue
            try:
                placed = attach.copy_upload(self.dataclass, attribute, instance, blob, alias=self.alias)
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
        key = self._write(draft)
        stored = self.rows.saved(key)
        if stored is None:
            raise self.answers.gone(draft)  # a signal of the site has deleted it
        return self.answers.saved(stored, shown=self.answers.shows(key))

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
                draft.change.values[attribute] = self.judge.foreign_key(attribute, key, is_made=True)
        if not draft.is_new and not draft.change:
            return draft.key
        instance = self._insert(draft) if draft.is_new else self._update(draft)
        if instance is None:
            return draft.key
        for relation, keys in draft.change.links.items():
            getattr(instance, relation.source).set(keys)
        try:
            for placed in draft.placed:
                attach.record(placed, self.dataclass.key_to_wire(instance.pk))
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
        self.clean(instance, draft, None)
        self._save(instance, draft)
        return instance

    def _update(self, draft: Draft) -> models.Model | None:
        """The saved instance, or None if there was nothing to save any more."""
        if not self._swap(draft):
            return None
        instance = self._lock(draft)
        if not permissions.may(self.caller, self.dataclass, Action.CHANGE, instance):
            item = Action.CHANGE.row(dataclass=self.dataclass.name)
            raise Refusal(item, status=PERMISSION)
        replaced = self._replaced_files(instance, draft)
        before = dict(instance.__dict__)
        self._assign(instance, draft)
        self.clean(instance, draft, self._changed(instance, draft, before))
        mover.hold(instance)
        self._save(instance, draft)
        delete_after_commit(self._left_over(instance, replaced), self.alias)
        return instance

    def _changed(self, instance: models.Model, draft: Draft, before: Mapping[str, Any]) -> set[str]:
        """Names of the fields that differ from ``before``: setters of the model may change any."""
        return {a.source for a in draft.change.attributes if a.is_stored} | {
            field.name
            for field in self.dataclass.model._meta.concrete_fields
            if instance.__dict__.get(field.attname) is not before.get(field.attname)
        }

    def _swap(self, draft: Draft) -> bool:
        """Move the stamp; false if another one is there, and all that was posted with it."""
        now = timezone.now()
        if draft.stamp is not None:
            if self._swap_from(draft, draft.stamp, now):
                return True
            if self._is_stored(draft):
                return False
            raise self.conflict(draft)
        # No stamp is asked for: move it from whatever it is.
        for _ in range(_STAMP_RETRIES):
            if self._swap_from(draft, (draft.stored or {})["__STAMP"], now):
                return True
            self._load(draft)
        raise self.conflict(draft)

    def _is_stored(self, draft: Draft) -> bool:
        """Whether somebody else, or an entity beside it, has stored the same by now (D-09)."""
        if draft.nested or draft.change.files or not draft.is_seen:
            return False
        stored = self.rows.find(draft.key)
        try:
            return stored is not None and not self.judge.change(draft.posted, stored, draft.key)
        except Refusal:
            return False

    def _swap_from(self, draft: Draft, stamp: int, now: Any) -> bool:
        if not 0 < stamp < LAST_STAMP:
            return False
        return mover.compare_and_swap(self.dataclass, draft.key, stamp, alias=self.alias, now=now)

    def _lock(self, draft: Draft) -> models.Model:
        """The row as it is now, locked where the database can."""
        instance = self.rows.locked(draft.key)
        if instance is None:
            raise self.answers.gone(draft)
        if self.dataclass.restricts_rows and not self.rows.query(draft.key).exists():
            raise self.answers.gone(draft)
        return instance

    def _assign(self, instance: models.Model, draft: Draft) -> None:
        self.assign_values(instance, draft)
        files = {attribute: empty(attribute) for attribute in draft.change.files}
        files |= {item.attribute: item.value for item in draft.placed}
        self._assign_files(instance, draft, files)
        for item in draft.placed:
            for name, value in item.changes.items():
                setattr(instance, name, value)

    def _assign_files(
        self, instance: models.Model, draft: Draft, files: Mapping[FileAttribute, str | bytes | None]
    ) -> None:
        for attribute, value in files.items():
            try:
                setattr(instance, attribute.assigned, value)
            except Exception as error:
                self._judge_error(error, draft, attribute)
                raise

    def assign_values(self, instance: models.Model, draft: Draft) -> None:
        """Raises ``Refusal`` for a value that a field, a descriptor or a setter does not take."""
        key = self._identity(instance)
        for attribute, value in draft.change.values.items():
            try:
                setattr(instance, attribute.assigned, value)
            except Exception as error:
                self._judge_error(error, draft, attribute)
                raise
            if not attribute.is_stored:
                # What is written through a setter of the model is known only now.
                self._require_same(instance, draft, key, attribute)
        self._require_same(instance, draft, key)
        try:
            folded.keep(instance)
        except Exception as error:
            self._judge_error(error, draft)
            raise

    def clean(
        self,
        instance: models.Model,
        draft: Draft,
        changed: set[str] | None,
        unknown: set[str] | None = None,
    ) -> None:
        """Raises ``Refusal`` for what the model's validation does not accept."""
        key = self._identity(instance)
        try:
            clean(instance, changed, unknown)
        except Exception as error:
            self._judge_error(error, draft)
            raise
        self._require_same(instance, draft, key)

    def _identity(self, instance: models.Model) -> list[Any]:
        """What makes ``instance`` this entity: the key, and with it the links to parents (D-56)."""
        values, columns = instance.__dict__, self.dataclass.identity_columns
        if len(columns) == 1:
            return [values.get(columns[0])]
        return [values.get(column) for column in columns]

    def _require_same(
        self, instance: models.Model, draft: Draft, key: list[Any], attribute: Attribute | None = None
    ) -> None:
        """Refuse what made another entity of ``instance``; ``attribute``: by whose value."""
        if draft.is_new or (now := self._identity(instance)) == key:
            return
        pairs = zip(self.dataclass.identity_fields, now, key, strict=True)
        if all(field.to_python(value) == old for field, value, old in pairs):
            return
        attribute = attribute or self.dataclass.key_attribute
        name = self.dataclass.name if attribute is None else attribute.name
        raise Refusal(READ_ONLY(attribute=name, dataclass=self.dataclass.name))

    def _judge_error(self, error: Exception, draft: Draft, attribute: Attribute | None = None) -> None:
        """Raise ``Refusal`` if ``error`` says that a value is refused, or that code cannot take it.

        ``attribute``: whose value it is, if that is known.
        """
        if isinstance(error, ValidationError):
            raise self.answers.invalid(error, draft) from error
        if site_errors.may_be_the_value(error):
            raise self.answers.unfit(error, attribute) from error

    def _save(self, instance: models.Model, draft: Draft) -> None:
        try:
            with database_errors.refused_values_as_data_errors():
                self.dataclass.save_model(self.caller.request, instance, change=not draft.is_new)
        except Exception as error:
            # A site's own ``save`` may validate, a field prepares its value, a package may refuse it.
            # Whatever else is raised is a bug.
            if site_errors.refuses(error) or site_errors.field_at_fault(error, self.dataclass.model):
                self._judge_error(error, draft)
            raise

    def _replaced_files(self, instance: models.Model, draft: Draft) -> dict[str, tuple[Any, str]]:
        """By column the files that the update takes the places of, if the dataclass has them deleted."""
        if not self.dataclass.delete_replaced_files:
            return {}
        names = [a.field.attname for a in draft.change.files if not a.holds_bytes]
        files = {name: file for name in names if (file := getattr(instance, name))}
        return {name: (field_code.deleter(file), file.name) for name, file in files.items()}

    def _left_over(
        self, instance: models.Model, replaced: Mapping[str, tuple[Any, str]]
    ) -> list[tuple[Any, str]]:
        """Those of ``replaced`` that the row names no more: the site's own save may have kept them."""
        if not replaced:
            return []
        rows: models.QuerySet[Any] = models.QuerySet(self.dataclass.model, using=self.alias)
        row = rows.filter(pk=instance.pk).values(*replaced).first() or {}
        return [file for name, file in replaced.items() if row.get(name) != file[1]]


@dataclass(frozen=True, slots=True)
class _Tried:
    """An instance as it would be saved, but for the fields in ``unknown``; ``changed``: None for all."""

    instance: models.Model
    changed: set[str] | None
    unknown: set[str]


class _RolledBack(Exception):
    """Leaves the transaction of ``$atomic`` so that it is rolled back, and says because of whom."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(place)
        self.place = place
        self.error = error


def _computed(attribute: Computed, instance: models.Model) -> Any:
    """What a getter of the site's tells of a new instance; None where it needs more than that."""
    try:
        return attribute.compute(instance)
    except Exception:  # noqa: BLE001  (whatever it raises for an instance that is empty)
        return None


def empty(attribute: FileAttribute) -> Any:
    """What an emptied file attribute holds: no name, or no bytes."""
    return None if attribute.may_be_null else attribute.nothing
