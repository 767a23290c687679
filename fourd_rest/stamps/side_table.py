"""Stamps in the side table ``EntityStamp``: the statements that change its rows.

Only what moves stamps imports this (a contract in ``pyproject.toml``): if other code changed a stamp,
the mover would not know. ``key`` is a key's text as on the wire, ``label`` a dataclass'
``stamp_label``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Max
from django.utils import timezone

from fourd_rest.models import EntityStamp
from fourd_rest.sql.swap import swap_row

from .columns import FIRST_STAMP


def swap(label: str, key: str, expected: int, *, alias: str, now: datetime) -> bool:
    """Move the stamp from ``expected`` to the next one; false if it is another. Never reads."""
    where = {"dataclass": label, "key": key, "stamp": expected}
    # An entity that is saved is not deleted, even if no signal said that it is back (``bulk_create``).
    changes = {"stamp": expected + 1, "modified": now, "deleted": None}
    if swap_row(EntityStamp, alias, changes, where):
        return True
    if expected != FIRST_STAMP:
        return False
    # No row counts as the first stamp (D-32). Never get_or_create: it reads before it writes.
    insert(label, key, alias, None)
    return swap_row(EntityStamp, alias, changes, where)


def bump(label: str, key: str, alias: str, deleted: datetime | None = None) -> None:
    """Move the stamp by one, whatever it is. ``deleted``: when the entity was deleted."""
    row = _row(label, key, alias)
    change: dict[str, Any] = {"stamp": F("stamp") + 1, "modified": timezone.now(), "deleted": deleted}
    if not row.update(**change):
        insert(label, key, alias, None)
        row.update(**change)


def begin(label: str, keys: Iterable[str], alias: str) -> bool:
    """Give a new entity its stamp: the first, or the next one where a key was in use before.

    Returns whether one was.
    """
    has_lived = False
    for key in keys:
        if _row(label, key, alias).update(stamp=F("stamp") + 1, modified=timezone.now(), deleted=None):
            has_lived = True
        else:
            insert(label, key, alias, timezone.now())
    return has_lived


def insert(label: str, key: str, alias: str, modified: datetime | None) -> None:
    """A first row for an entity without one; does nothing if another one is made at the same time."""
    _insert_all([EntityStamp(dataclass=label, key=key, stamp=FIRST_STAMP, modified=modified)], alias)


def lock(label: str, keys: Iterable[str], alias: str) -> dict[str, int]:
    """The stamps of ``keys``, locked in their order. What has no row gets its first one."""
    rows = _rows(label, keys, alias)
    known = set(rows.values_list("key", flat=True))
    insert_all(label, [key for key in keys if key not in known], alias)
    return dict(rows.order_by("key").select_for_update().values_list("key", "stamp"))


def insert_all(label: str, keys: Iterable[str], alias: str) -> None:
    """First rows, without a time, for those of ``keys`` that have none."""
    _insert_all([EntityStamp(dataclass=label, key=key, stamp=FIRST_STAMP) for key in keys], alias)


def bump_all(label: str, keys: Iterable[str], alias: str, now: datetime) -> None:
    """Move the stamps of ``keys`` that have rows, in one statement."""
    _rows(label, keys, alias).update(stamp=F("stamp") + 1, modified=now, deleted=None)


def keep_alive(label: str, key: str, alias: str) -> None:
    """Take back that the entity is deleted."""
    _row(label, key, alias).update(deleted=None)


def last(label: str, keys: Iterable[str], alias: str) -> int | None:
    """The greatest stamp that is kept of ``keys``, None if there is none."""
    greatest: int | None = _rows(label, keys, alias).aggregate(last=Max("stamp"))["last"]
    return greatest


def remember(label: str, keys: Iterable[str], stamp: int, now: datetime, alias: str) -> None:
    """Keep the last stamp of a row that had it in a column, and is deleted."""
    for key in keys:
        if not _row(label, key, alias).update(stamp=stamp, deleted=now):
            _insert_all([EntityStamp(dataclass=label, key=key, stamp=stamp, deleted=now)], alias)


def _row(label: str, key: str, alias: str) -> models.QuerySet[EntityStamp]:
    return EntityStamp.objects.using(alias).filter(dataclass=label, key=key)


def _rows(label: str, keys: Iterable[str], alias: str) -> models.QuerySet[EntityStamp]:
    return EntityStamp.objects.using(alias).filter(dataclass=label, key__in=list(keys))


def _insert_all(rows: list[EntityStamp], alias: str) -> None:
    EntityStamp.objects.using(alias).bulk_create(rows, ignore_conflicts=True)
