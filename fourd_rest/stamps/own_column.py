"""Stamps in a column of the entity's own row: the statements that change it.

Only what moves stamps imports this (a contract in ``pyproject.toml``). Every ``dataclass`` here has a
``stamp_column``. The column may be a parent's: an update through the child would read first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F
from django.utils import timezone

from fourd_rest.dataclass import DataClass
from fourd_rest.sql.swap import swap_row


def swap(dataclass: DataClass, key: Any, expected: int, *, alias: str, now: datetime) -> bool:
    """Move the stamp from ``expected`` to the next one; false if it is another. Never reads."""
    column = name(dataclass)
    changes = {**_change(dataclass, now), column: expected + 1}
    owner = _owner(dataclass)
    return swap_row(owner, alias, changes, {owner._meta.pk.name: key, column: expected})


def bump(dataclass: DataClass, key: Any, alias: str) -> bool:
    """Move the stamp of ``key`` by one, whatever it is; false if there is no row."""
    rows: models.QuerySet[Any] = models.QuerySet(_owner(dataclass), using=alias).filter(pk=key)
    return bool(rows.update(**_change(dataclass, timezone.now())))


def bump_all(dataclass: DataClass, keys: Iterable[Any], alias: str, now: datetime) -> None:
    """Move the stamps of ``keys`` in one statement."""
    rows = _owner(dataclass)._base_manager.using(alias).filter(pk__in=keys)
    rows.update(**_change(dataclass, now))


def set_next(
    dataclass: DataClass, instances: Iterable[models.Model], now: datetime
) -> set[models.Field[Any, Any]]:
    """Set the next stamp and its time on ``instances``, whose rows are locked; returns which fields.

    Moves no stamp yet: the caller writes these fields with the rows.
    """
    column, timestamp = name(dataclass), dataclass.timestamp_column
    for instance in instances:
        setattr(instance, column, getattr(instance, column) + 1)
        if timestamp:
            setattr(instance, timestamp, now)
    written = {column, timestamp}
    return {field for field in dataclass.model._meta.concrete_fields if field.name in written}


def stored(dataclass: DataClass, instance: models.Model, alias: str) -> int | None:
    """The stamp that the row of ``instance`` has, None if there is no row."""
    stamp: int | None = row(dataclass, instance, alias).values_list(name(dataclass), flat=True).first()
    return stamp


def bump_row(dataclass: DataClass, instance: models.Model, alias: str) -> None:
    """Move the stamp of the row of ``instance`` by one."""
    row(dataclass, instance, alias).update(**_change(dataclass, timezone.now()))


def outlive(dataclass: DataClass, instance: models.Model, past: int, alias: str) -> None:
    """Make the stamp of ``instance``'s row exceed ``past``, in the instance as well."""
    column = name(dataclass)
    rows = row(dataclass, instance, alias).filter(**{f"{column}__lte": past})
    if rows.update(**{column: past + 1}):
        setattr(instance, column, past + 1)


def name(dataclass: DataClass) -> str:
    """The stamp column of a dataclass that has one."""
    return str(dataclass.stamp_column)


def row(dataclass: DataClass, instance: models.Model, alias: str) -> models.QuerySet[Any]:
    """The row with the stamp column, whatever managers hide it."""
    owner = _owner(dataclass)
    # A child may have a key of its own beside the one of its parent.
    key = getattr(instance, owner._meta.pk.attname, None) or instance.pk
    return models.QuerySet(owner, using=alias).filter(pk=key)


def _owner(dataclass: DataClass) -> type[models.Model]:
    """The model with the stamp column, the topmost of its parents."""
    owner: type[models.Model] = dataclass.model._meta.get_field(name(dataclass)).model
    return owner


def _change(dataclass: DataClass, now: datetime) -> dict[str, Any]:
    """The update that moves the stamp, and its time if that is in the same table."""
    change: dict[str, Any] = {name(dataclass): F(name(dataclass)) + 1}
    timestamp = dataclass.timestamp_column
    if timestamp and dataclass.model._meta.get_field(timestamp).model is _owner(dataclass):
        change[timestamp] = now
    return change
