"""Deleting entities (``requests.md`` 6.3, ``responses.md`` 6.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import IntegrityError, OperationalError, models, transaction
from django.db.models.deletion import ProtectedError, RestrictedError

from fourd_rest import signals
from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    ENTITY_NOT_DELETED,
    ENTITY_NOT_LOADED,
    STILL_REFERRED_TO,
    WRONG_KEY,
    ErrorItem,
    RestError,
)
from fourd_rest.uploads import processing

from . import access
from .access import Action
from .transactions import busy, delete_after_commit, is_busy, with_retry, write_transaction

# A selection may hold a million entities that cannot be deleted: an answer names about so many.
MAX_TOLD = 1_000


def delete(
    caller: Caller, dataclass: DataClass, key_texts: Sequence[str], *, atomic: bool = False
) -> None:
    """Delete the entities of these keys; no stamp is compared (``responses.md`` 6.6).

    Raises ``RestError``: 1543 (404) for an unknown key, 1518 if one cannot be deleted, 401. The others
    are deleted all the same, unless ``atomic``.
    """
    _delete_all(caller, dataclass, _keys(caller, dataclass, key_texts), _remove, atomic=atomic)


def delete_selected(
    caller: Caller, dataclass: DataClass, keys: Sequence[Any], *, atomic: bool = False
) -> None:
    """Delete the entities of a selection; those that are gone meanwhile need no deleting.

    What was selected is not judged again: deleting one entity may change what others are selected by.
    Raises ``RestError`` as ``delete`` does.
    """
    _delete_all(caller, dataclass, sorted(set(keys)), _remove_if_there, atomic=atomic)


def _delete_all(
    caller: Caller,
    dataclass: DataClass,
    keys: Sequence[Any],
    remove: Callable[[Caller, DataClass, str, Any], None],
    *,
    atomic: bool,
) -> None:
    alias = dataclass.write_alias()
    if atomic:

        def remove_all() -> None:
            for key in keys:
                remove(caller, dataclass, alias, key)

        _run(dataclass, alias, keys, remove_all)
        return
    items: dict[ErrorItem, None] = {}
    status = 0
    for key in keys:
        try:
            _run(dataclass, alias, [key], partial(remove, caller, dataclass, alias, key))
        except RestError as error:
            if len(keys) == 1:
                raise
            status = max(status, error.status)
            if len(items) < MAX_TOLD:
                # A right that is missing is told once, not for every key.
                items |= dict.fromkeys(error.items)
    if items:
        raise RestError(*items, status=status)


def _keys(caller: Caller, dataclass: DataClass, key_texts: Sequence[str]) -> list[Any]:
    """The keys in order, so that all requests lock in one order."""
    try:
        return sorted({dataclass.key_from_wire(text) for text in key_texts})
    except ValueError as error:
        if not access.may(caller, dataclass, Action.DELETE):
            raise access.denied(caller, dataclass, Action.DELETE) from error
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error


def _run(dataclass: DataClass, alias: str, keys: Sequence[Any], action: Callable[[], object]) -> None:
    def transaction_() -> None:
        with write_transaction(alias):
            action()

    try:
        with_retry(alias, transaction_)
    except OperationalError as error:
        if is_busy(error):
            raise busy() from error
        raise
    except IntegrityError as error:
        # Rules may be judged at the commit: whose deletion broke one cannot be told.
        raise RestError(
            _held_by("other data"), *(_refused(dataclass, key) for key in keys[:MAX_TOLD])
        ) from error


def _held_by(what: str) -> ErrorItem:
    return STILL_REFERRED_TO(what=what)


def _refused(dataclass: DataClass, key: Any) -> ErrorItem:
    return ENTITY_NOT_DELETED(key=dataclass.key_to_wire(key), dataclass=dataclass.name)


def _remove(caller: Caller, dataclass: DataClass, alias: str, key: Any) -> None:
    """Delete one entity inside a transaction."""
    instance = _find(caller, dataclass, alias, key)
    if instance is None and access.may(caller, dataclass, Action.DELETE):
        shown = dataclass.key_to_wire(key)
        raise RestError(ENTITY_NOT_LOADED(key=shown, dataclass=dataclass.name))
    _remove_instance(caller, dataclass, alias, key, instance)


def _remove_if_there(caller: Caller, dataclass: DataClass, alias: str, key: Any) -> None:
    instance = _find(caller, dataclass, alias, key)
    if instance is not None:
        _remove_instance(caller, dataclass, alias, key, instance)


def _find(caller: Caller, dataclass: DataClass, alias: str, key: Any) -> models.Model | None:
    rows = dataclass.with_key(dataclass.get_queryset(caller.request).using(alias), key).order_by()
    found: models.Model | None = rows.first()
    return found


def _remove_instance(
    caller: Caller, dataclass: DataClass, alias: str, key: Any, instance: models.Model | None
) -> None:
    access.check_entity(caller, dataclass, Action.DELETE, instance)
    assert instance is not None  # noqa: S101  (check_entity refuses None)
    files = _files(dataclass, instance)
    refused = _refused(dataclass, key)
    try:
        with transaction.atomic(using=alias):
            dataclass.delete_model(caller.request, instance)
    except (ProtectedError, RestrictedError) as error:
        raise RestError(*_referring(caller, error), refused) from error
    except IntegrityError as error:
        raise RestError(_held_by("other data"), refused) from error
    delete_after_commit(files, alias)
    signals.after_commit(
        signals.entity_deleted, caller, alias, dataclass.model, instance=instance, key=key
    )


def _referring(caller: Caller, error: ProtectedError | RestrictedError) -> Iterator[ErrorItem]:
    """Which dataclasses hold the entity, as far as the caller may know of them."""
    held: Any = getattr(error, "protected_objects", None) or getattr(error, "restricted_objects", ())
    names = set()
    for model in {type(instance) for instance in held}:
        dataclass = registry.for_model(model)
        known = dataclass is not None and dataclass.is_described(caller.request)
        names.add(f'the "{dataclass.name}" dataclass' if dataclass and known else "other data")
    for name in sorted(names):
        yield _held_by(name)


def _files(dataclass: DataClass, instance: models.Model) -> list[tuple[Any, str]]:
    """Files that nobody needs once the entity is gone, if the dataclass says so."""
    if not dataclass.delete_files:
        return []
    fields = (field for field in instance._meta.concrete_fields if isinstance(field, models.FileField))
    files = (getattr(instance, field.attname) for field in fields)
    return [(processing.deleter(file), file.name) for file in files if file]
