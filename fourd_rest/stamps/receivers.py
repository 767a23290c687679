"""Receivers of the signals that saves and deletes send: who is watched, and what the signals say.

Sites send these signals by hand as well, with any arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.signals import post_save, pre_delete, pre_save
from django.utils import timezone

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.members import key_field, topmost
from fourd_rest.dataclass.values import ValueType, key_text, value_type

from . import host_moves, mover
from .host_moves import HostRow
from .host_saves import alias_of, tolerant

DISPATCH_UID = "fourd_rest.stamps"

# By the model whose instances are saved: a dataclass of the same table.
_watched: dict[type[models.Model], DataClass] = {}
# Set between the two signals of one save: what is left to do afterwards.
_AFTER = "_fourd_stamp_after"
_noted: ContextVar[list[tuple[Any, Any]] | None] = ContextVar("fourd_rest_noted_deletes", default=None)


def watch_all() -> None:
    """Watch every dataclass that is registered, now or later."""
    registry.subscribe(watch)


def watch(dataclass: DataClass) -> None:
    """Have every save and delete of the dataclass' rows move their stamps.

    Rows of one table may be saved through parents, children and proxies; each is a sender of its own.
    """
    if dataclass.left_out is not None:
        return
    for model in apps.get_models(include_auto_created=True):
        if topmost(model) is not topmost(dataclass.model):
            continue
        if dataclass.stamp_column is not None and not _has_field(model, dataclass.stamp_column):
            continue
        _watched[model] = dataclass
        pre_save.connect(_before_save, sender=model, dispatch_uid=DISPATCH_UID)
        post_save.connect(_after_save, sender=model, dispatch_uid=DISPATCH_UID)
        pre_delete.connect(_before_delete, sender=model, dispatch_uid=DISPATCH_UID)


@contextmanager
def noting_deletes() -> Iterator[list[tuple[Any, Any]]]:
    """Gathers what Django deletes of watched models in here, cascades included: (model, key)."""
    noted: list[tuple[Any, Any]] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def _has_field(model: type[models.Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)


@tolerant
def _before_save(
    sender: Any,
    instance: Any = None,
    raw: bool = False,
    using: Any = None,
    update_fields: Any = None,
    **kwargs: Any,
) -> None:
    dataclass = _watched_by(sender, instance)
    if dataclass is None or raw or mover.is_held(instance):
        return
    instance.__dict__[_AFTER] = host_moves.begin(
        _row(dataclass, instance, using), update_fields=update_fields, by_django=using is not None
    )


@tolerant
def _after_save(
    sender: Any,
    instance: Any = None,
    created: Any = None,
    raw: bool = False,
    using: Any = None,
    **kwargs: Any,
) -> None:
    dataclass = _watched_by(sender, instance)
    if dataclass is None:
        return
    is_held = mover.release(instance)
    pending = instance.__dict__.pop(_AFTER, None)
    if not raw and not is_held:
        host_moves.finish(_row(dataclass, instance, using), pending, created)


@tolerant
def _before_delete(sender: Any, instance: Any = None, using: Any = None, **kwargs: Any) -> None:
    dataclass = _watched_by(sender, instance)
    if dataclass is None:
        return
    is_held = mover.release(instance)
    row = _row(dataclass, instance, using)
    # Django says where a delete began. Code that sends this by hand may keep the row.
    deleted = timezone.now() if "origin" in kwargs else None
    if deleted is not None and (noted := _noted.get()) is not None:
        noted.append((instance._meta.concrete_model, instance.pk))
    host_moves.delete(row, deleted, is_held=is_held)


def _row(dataclass: DataClass, instance: models.Model, using: Any) -> HostRow:
    return HostRow(dataclass, instance, _keys(instance), alias_of(instance, using))


def _watched_by(sender: Any, instance: Any) -> DataClass | None:
    """How ``instance`` carries its stamp; None for what is no row of the tables that are watched."""
    told = _watched.get(sender)
    found = _watched.get(type(instance))
    # A proxy that was made later, say in a function, is no sender of its own.
    if found is None and told is not None and isinstance(instance, sender):
        return told
    if found is None or told is None or found.stamp_label != told.stamp_label:
        return None
    return found


def _keys(instance: models.Model) -> list[str]:
    """The keys of ``instance`` as the side table holds them, its own first; none if it has none yet.

    A child with a key of its own has its parent's as well: the parent's stamp moves with it.
    """
    found: list[str] = []
    for field, kind in _key_fields(type(instance)):
        value = getattr(instance, field.attname)
        if value is None or hasattr(value, "resolve_expression"):
            if not found:
                return []  # the database will give it
            continue
        try:
            found.append(key_text(kind, field.to_python(value)))
        except (ValidationError, ValueError, TypeError, AttributeError):
            # No key of this table: the save itself will fail with a better message.
            return []
    return found


@lru_cache(maxsize=1_000)
def _key_fields(model: type[models.Model]) -> list[tuple[models.Field[Any, Any], ValueType]]:
    options = model._meta
    own: Any = options.pk
    links = [(own, model)]
    links += [(link, parent) for parent, link in options.parents.items() if link and link != own]
    # Composite keys are left out, and not watched.
    return [(field, value_type(kind)) for field, one in links if (kind := key_field(one)) is not None]
