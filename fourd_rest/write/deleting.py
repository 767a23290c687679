"""Deleting entities (``requests.md`` 6.3, ``responses.md`` 6.6)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.files.storage import Storage
from django.db import IntegrityError, models, transaction
from django.db.models.deletion import ProtectedError, RestrictedError

from fourd_rest import bugs
from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass, permissions, registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import (
    ENTITY_NOT_DELETED,
    ENTITY_NOT_LOADED,
    INTERNAL,
    INVALID_ENTITY,
    INVALID_VALUE,
    PERMISSION,
    SELECTION_TOO_LARGE,
    STILL_REFERRED_TO,
    WRONG_KEY,
    ErrorItem,
    RestError,
    logger,
)
from fourd_rest.read.source import unsorted
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.sql import limits
from fourd_rest.sql.transactions import delete_after_commit, with_retry, write_transaction
from fourd_rest.stamps import mover, receivers
from fourd_rest.uploads import field_code

from . import cascades, gate, site_errors
from .refusal import Refusal

T = TypeVar("T")

# A selection may hold a million entities that cannot be deleted: an answer names about so many.
MAX_TOLD = 1_000


def delete(
    caller: Caller, dataclass: DataClass, key_texts: Sequence[str], *, atomic: bool = False
) -> None:
    """Delete the entities of these keys; no stamp is compared (``responses.md`` 6.6).

    Raises ``RestError``: 1543 (404) for an unknown key, 1518 if one cannot be deleted, 401, with 1518
    because of what must not go along (D-57), 9031. The others are deleted all the same, unless
    ``atomic``.
    """
    keys = _keys(caller, dataclass, key_texts)
    _Removal(caller, dataclass, is_addressed=True).remove(keys, atomic=atomic)


def delete_selected(
    caller: Caller, dataclass: DataClass, asked: SelectionRequest, *, atomic: bool = False
) -> None:
    """Delete a filtered selection, the entities of a set, or all of a dataclass that allows it (D-19).

    Those that are gone meanwhile need no deleting. What was selected is not judged again: deleting one
    entity may change what others are selected by. The set itself stays, with undefined members. Raises
    ``RestError`` as ``delete`` does, and ``source.unsorted`` for what is selected; 1518 where a whole
    dataclass may not be emptied, 9025 (413) for a selection larger than a set may be.
    """
    with limits.reading():
        keys = _selected(caller, dataclass, asked)
    removal = _Removal(caller, dataclass, is_addressed=False)
    removal.remove(sorted(set(keys)), atomic=atomic)


def _keys(caller: Caller, dataclass: DataClass, key_texts: Sequence[str]) -> list[Any]:
    """The keys in order, so that all requests lock in one order."""
    try:
        return sorted({dataclass.key_from_wire(text) for text in key_texts})
    except ValueError as error:
        if not permissions.may(caller, dataclass, Action.DELETE):
            raise permissions.denied(caller, dataclass, Action.DELETE) from error
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error


def _selected(caller: Caller, dataclass: DataClass, asked: SelectionRequest) -> list[Any]:
    """The keys of what is selected, in order."""
    is_narrowed = asked.set_id is not None or asked.filter.where is not None
    if is_narrowed and not permissions.may(caller, dataclass, Action.VIEW):
        # What may not be read may not be asked for by its values either.
        raise permissions.denied(caller, dataclass, Action.VIEW)
    if not is_narrowed and not dataclass.allow_delete_all:
        raise RestError(ENTITY_NOT_DELETED(key="all", dataclass=dataclass.name))
    # A replica may not know yet what an entity has become, and that it is none of these.
    selection = unsorted(caller, dataclass, asked, alias=dataclass.write_alias())
    limit = current().MAX_ENTITY_SET_SIZE
    keys = list(selection.queryset.order_by("pk").values_list("pk", flat=True)[: limit + 1])
    if len(keys) > limit:
        raise RestError(SELECTION_TOO_LARGE(limit=limit))
    return keys


def _run(dataclass: DataClass, alias: str, keys: Sequence[Any], action: Callable[[], T]) -> T:
    def transaction_() -> T:
        with write_transaction(alias):
            return action()

    try:
        return with_retry(alias, transaction_)
    except IntegrityError as error:
        # Rules may be judged at the commit: whose deletion broke one cannot be told.
        raise RestError(
            _held_by("other data"), *(_refused(dataclass, key) for key in keys[:MAX_TOLD])
        ) from error


def _held_by(what: str) -> ErrorItem:
    return STILL_REFERRED_TO(what=what)


def _refused(dataclass: DataClass, key: Any) -> ErrorItem:
    return ENTITY_NOT_DELETED(key=dataclass.key_to_wire(key), dataclass=dataclass.name)


class _Removal:
    """One delete request: of keys that are addressed each by itself, or of a selection."""

    def __init__(self, caller: Caller, dataclass: DataClass, *, is_addressed: bool) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = dataclass.write_alias()
        self.is_addressed = is_addressed
        # The keys that are done where they went along with another.
        self._companions: frozenset[Any] = frozenset()
        self._bugs = bugs.Reporter(caller.request)

    def remove(self, keys: Sequence[Any], *, atomic: bool) -> None:
        self._companions = self._find_companions(keys)
        if atomic:
            _run(self.dataclass, self.alias, keys, partial(self._remove_all, keys))
            return
        items: dict[ErrorItem, None] = {}
        status, is_invalid = 0, False
        gone: set[Any] = set()
        for key in keys:
            if key in gone:
                continue
            try:
                gone |= _run(self.dataclass, self.alias, [key], partial(self._remove_all, [key]))
            except Exception as error:
                if len(keys) == 1:
                    raise
                refused = error if isinstance(error, RestError) else self._broken(key, error)
                status, is_invalid = max(status, refused.status), is_invalid or refused.is_validation
                if len(items) < MAX_TOLD:
                    # A right that is missing is told once, not for every key.
                    items |= dict.fromkeys(refused.items)
        if items:
            raise RestError(*items, status=status, is_validation=is_invalid)

    def _broken(self, key: Any, error: Exception) -> RestError:
        """One of several that was not deleted because of a bug."""
        return RestError(INTERNAL(reference=self._bugs.report(error)), _refused(self.dataclass, key))

    def _find_companions(self, keys: Sequence[Any]) -> frozenset[Any]:
        """Of several addressed ``keys`` those of entities that may go along with another of them."""
        if not self.is_addressed or len(keys) < 2 or not cascades.takes_its_like(self.dataclass):
            return frozenset()
        if not self.dataclass.restricts_rows:
            return frozenset(keys)
        rows = self.dataclass.entities(self.caller.request).using(self.alias).order_by()
        return frozenset(rows.filter(pk__in=keys).values_list("pk", flat=True))

    # Inside a transaction.

    def _remove_all(self, keys: Sequence[Any]) -> set[Any]:
        """Returns the keys of ``_companions`` whose entities went along with another."""
        caller, dataclass, alias = self.caller, self.dataclass, self.alias
        if not permissions.may(caller, dataclass, Action.DELETE):
            # The right may be held on these entities alone. Who does not hold it must lock nothing.
            keys = [key for key in keys if self._may_remove(key)]
        claimed = gate.claim(dataclass, keys, alias=alias)
        gone: set[Any] = set()
        for key, is_there in zip(keys, claimed, strict=True):
            instance = self._find(key) if is_there else None
            if instance is not None:
                gone |= self._remove(key, instance)
            elif key in gone:
                continue
            elif self.is_addressed:
                raise self._unloaded(key)
            elif self._is_there(key):
                mover.keep_alive(dataclass, key, alias=alias)
        return gone

    def _may_remove(self, key: Any) -> bool:
        """Raises 401 for who may not; false for what is no more, and need not be."""
        instance = self._find(key)
        if instance is None and not self.is_addressed:
            return False
        permissions.check_entity(self.caller, self.dataclass, Action.DELETE, instance)
        return True

    def _find(self, key: Any) -> models.Model | None:
        rows = self.dataclass.entities(self.caller.request).using(self.alias)
        found: models.Model | None = self.dataclass.with_key(rows, key).order_by().first()
        return found

    def _remove(self, key: Any, instance: models.Model) -> frozenset[Any]:
        caller, dataclass, alias = self.caller, self.dataclass, self.alias
        refused = _refused(dataclass, key)
        try:
            gate.about_to_write(caller, dataclass, instance, Action.DELETE, alias=alias)
        except Refusal as refusal:
            if refusal.status == PERMISSION:
                raise permissions.denied(caller, dataclass, Action.DELETE) from refusal
            raise RestError(*refusal.items, refused, status=refusal.items[-1].row.status) from refusal
        files = list(_files(dataclass, instance))
        mover.hold(instance)
        try:
            with transaction.atomic(using=alias), receivers.noting_deletes() as deleted:
                is_taken = self._delete(instance)
        except (ProtectedError, RestrictedError) as error:
            raise RestError(*_referring(caller, error), refused) from error
        except IntegrityError as error:
            raise RestError(_held_by("other data"), refused) from error
        except Exception as error:
            if not site_errors.refuses(error):
                raise
            raise RestError(*self._invalid(error), refused, is_validation=True) from error
        finally:
            mover.release(instance)
        if is_taken is not True and self._is_there(key):
            # The site hides its rows instead of deleting them: that is what was asked for, too.
            mover.keep_alive(dataclass, key, alias=alias)
        elif is_taken is False:
            # Gone by itself, under another key or by a statement that tells nobody.
            if self.is_addressed:
                raise self._unloaded(key)
            return frozenset()
        delete_after_commit(
            (file.stored for file in files if not file.is_needed(instance, alias)), alias
        )
        gate.announce(caller, dataclass, instance, Action.DELETE, alias=alias, key=key)
        concrete = dataclass.model._meta.concrete_model
        return self._companions.intersection(key for model, key in deleted if model is concrete)

    def _invalid(self, error: Exception) -> Iterator[ErrorItem]:
        """What the site's own delete has refused by ``error`` (D-65)."""
        name = self.dataclass.name
        if isinstance(error, ValidationError):
            yield from (INVALID_VALUE(attribute=name, reason=message) for message in error.messages)
        else:
            logger.info("A delete was refused", exc_info=error)
            yield INVALID_VALUE(attribute=name, reason="it cannot be deleted")
        yield INVALID_ENTITY()

    def _delete(self, instance: models.Model) -> bool | None:
        """Whether a row was taken; None where the site deletes in its own way, and nobody counts."""
        is_own = type(self.dataclass).delete_model is not DataClass.delete_model
        if is_own or type(instance).delete is not models.Model.delete:
            self.dataclass.delete_model(self.caller.request, instance)
            return None
        _, taken = instance.delete()
        return bool(taken.get(type(instance)._meta.label))

    def _is_there(self, key: Any) -> bool:
        """Whether the row is there, whatever managers hide it."""
        rows: models.QuerySet[Any] = models.QuerySet(self.dataclass.model, using=self.alias)
        return self.dataclass.with_key(rows, key).exists()

    def _unloaded(self, key: Any) -> RestError:
        shown = self.dataclass.key_to_wire(key)
        return RestError(ENTITY_NOT_LOADED(key=shown, dataclass=self.dataclass.name))


def _referring(caller: Caller, error: ProtectedError | RestrictedError) -> Iterator[ErrorItem]:
    """Which dataclasses hold the entity, as far as the caller may know of them."""
    held: Any = getattr(error, "protected_objects", None) or getattr(error, "restricted_objects", ())
    names = set()
    for model in {type(instance) for instance in held}:
        dataclass = registry.for_model(model)
        known = dataclass is not None and caller.knows(dataclass)
        names.add(f'the "{dataclass.name}" dataclass' if dataclass and known else "other data")
    for name in sorted(names):
        yield _held_by(name)


@dataclasses.dataclass(frozen=True, slots=True)
class _File:
    """A file of an entity, and the row that names it: a parent's may outlive its child."""

    stored: tuple[Storage, str]
    model: type[models.Model]
    key: Any

    def is_needed(self, instance: models.Model, alias: str) -> bool:
        """Whether the row is still there, under its key or under one that it has been given."""
        keys = {self.key, getattr(instance, self.model._meta.pk.attname)} - {None}
        return models.QuerySet(self.model, using=alias).filter(pk__in=keys).exists()


def _files(dataclass: DataClass, instance: models.Model) -> Iterator[_File]:
    """Files that nobody needs once the entity is gone, if the dataclass says so."""
    if not dataclass.delete_files:
        return
    for field in instance._meta.concrete_fields:
        if isinstance(field, models.FileField) and (file := getattr(instance, field.attname)):
            key = getattr(instance, field.model._meta.pk.attname)
            yield _File((field_code.deleter(file), file.name), field.model, key)
