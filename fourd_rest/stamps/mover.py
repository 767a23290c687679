"""The one mover of stamps: stamp first, then row, everywhere.

See ``docs/architecture.md``, «Stamps and transactions».

Whatever moves a stamp tells ``moved``: REST's own saves and deletes and ``fourd_touch`` from here, the
site's saves and deletes from ``host_moves``. A dataclass keeps its stamp in a column of its own
(``own_column``) or in the side table (``side_table``); nobody but the mover needs to know which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass as record
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from fourd_rest.dataclass import DataClass

from . import own_column, side_table
from .columns import FIRST_STAMP

_BATCH = 500

# Set on an instance whose stamp was moved already.
_HELD = "_fourd_stamp_held"


class Change(Enum):
    """What happened to the entities whose stamps have moved."""

    CREATED = auto()
    UPDATED = auto()
    DELETED = auto()


@record(frozen=True, slots=True)
class Move:
    """Stamps of one dataclass that have moved together.

    ``stamps``: by key, as the wire and the side table write it, the new stamp; None where only the
    database knows it. A child with a key of its own has its parent's as well, which moves along.
    """

    dataclass: DataClass
    alias: str
    change: Change
    stamps: Mapping[str, int | None]


# Called with every ``Move``, in the transaction that made it, if there is one: what is written to the
# database there commits with it, what is sent elsewhere belongs into ``transaction.on_commit``.
listeners: list[Callable[[Move], None]] = []


def moved(dataclass: DataClass, alias: str, change: Change, stamps: Mapping[str, int | None]) -> None:
    """Tell of stamps that have just moved: each save and each delete once.

    A save outside REST is told after its row, one by REST once its stamp has moved, before its row. Of
    a delete that turns out to have kept the row ``Change.UPDATED`` is told afterwards. ``stamps``: as
    in ``Move``. Raises what listeners do.
    """
    move = Move(dataclass, alias, change, stamps)
    for listener in listeners:
        listener(move)


# REST's own saves.


def compare_and_swap(
    dataclass: DataClass, key: Any, expected: int, *, alias: str, now: datetime
) -> bool:
    """Move the stamp of the entity from ``expected`` to the next one; false if it is another.

    Must be the transaction's first statement on the entity. Holds the entity until the commit. Raises
    what the database does.
    """
    text = dataclass.key_to_wire(key)
    if dataclass.stamp_column is not None:
        is_swapped = own_column.swap(dataclass, key, expected, alias=alias, now=now)
    else:
        is_swapped = side_table.swap(dataclass.stamp_label, text, expected, alias=alias, now=now)
    if is_swapped:
        moved(dataclass, alias, Change.UPDATED, {text: expected + 1})
    return is_swapped


def lock(dataclass: DataClass, keys: Sequence[Any], *, alias: str) -> dict[Any, int]:
    """The stamps of many entities from the side table, locked; none where rows hold their own.

    Inside a transaction that holds the write lock. Locks in the order of the keys' texts.
    """
    if dataclass.stamp_column is not None:
        return {}
    by_text = {dataclass.key_to_wire(key): key for key in keys}
    locked = side_table.lock(dataclass.stamp_label, by_text, alias)
    return {by_text[text]: stamp for text, stamp in locked.items()}


def locked_stamp(dataclass: DataClass, instance: models.Model, locked: Mapping[Any, int]) -> int:
    """The stamp of ``instance``, whose row is locked; ``locked`` is what ``lock`` returned."""
    if dataclass.stamp_column is None:
        return locked.get(instance.pk, FIRST_STAMP)
    stamp: int = getattr(instance, dataclass.stamp_column)
    return stamp


def move_all(
    dataclass: DataClass,
    instances: Sequence[models.Model],
    locked: Mapping[Any, int],
    *,
    alias: str,
    now: datetime,
) -> set[models.Field[Any, Any]]:
    """Move the stamps of ``instances``, whose rows are locked; ``locked`` is what ``lock`` returned.

    Returns the fields that are set on the instances for that, and are to be written with the rows.
    """
    stamps = {
        dataclass.key_to_wire(instance.pk): locked_stamp(dataclass, instance, locked) + 1
        for instance in instances
    }
    fields: set[models.Field[Any, Any]] = set()
    if dataclass.stamp_column is None:
        side_table.bump_all(dataclass.stamp_label, stamps, alias, now)
    else:
        fields = own_column.set_next(dataclass, instances, now)
    moved(dataclass, alias, Change.UPDATED, stamps)
    return fields


def hold(instance: models.Model) -> None:
    """Tell the receivers that this instance's stamp has been moved for the coming save or delete."""
    instance.__dict__[_HELD] = True


def is_held(instance: models.Model) -> bool:
    """Whether the stamp of the coming save or delete has been moved already."""
    return _HELD in instance.__dict__


def release(instance: models.Model) -> bool:
    """Forget ``hold``, after the save or delete, or where none has come; returns what ``is_held`` did.

    For one save only: a site may keep the instance and save it again.
    """
    return bool(instance.__dict__.pop(_HELD, False))


# REST's own deletes.


def claim(dataclass: DataClass, key: Any, *, alias: str) -> bool:
    """Move the stamp of an entity that is about to be deleted; false if there is certainly none.

    Must come before anything is read of the entity: other deletes and saves of it wait here until the
    commit, and then see the result (D-62). Raises what the database does.
    """
    text = dataclass.key_to_wire(key)
    if dataclass.stamp_column is None:
        side_table.bump(dataclass.stamp_label, text, alias, timezone.now())
    elif not own_column.bump(dataclass, key, alias):
        return False
    moved(dataclass, alias, Change.DELETED, {text: None})
    return True


def keep_alive(dataclass: DataClass, key: Any, *, alias: str) -> None:
    """Take back that the entity is deleted, after ``claim``: its row stays."""
    text = dataclass.key_to_wire(key)
    if dataclass.stamp_column is None:
        side_table.keep_alive(dataclass.stamp_label, text, alias)
    moved(dataclass, alias, Change.UPDATED, {text: None})


# After work that sends no signals.


def touch(dataclass: DataClass, rows: models.QuerySet[Any]) -> int:
    """Move the stamps of ``rows``, after work that sends no signals; returns how many.

    In batches, each in one transaction. Raises what the database does.
    """
    alias, now, count = rows.db, timezone.now(), 0
    keys = rows.order_by("pk").values_list("pk", flat=True).iterator(_BATCH)
    for batch in _batches(keys):
        with transaction.atomic(using=alias):
            _touch(dataclass, batch, alias, now)
        count += len(batch)
    return count


def _touch(dataclass: DataClass, keys: Sequence[Any], alias: str, now: datetime) -> None:
    texts = [dataclass.key_to_wire(key) for key in keys]
    if dataclass.stamp_column is not None:
        own_column.bump_all(dataclass, keys, alias, now)
    else:
        side_table.insert_all(dataclass.stamp_label, texts, alias)
        side_table.bump_all(dataclass.stamp_label, texts, alias, now)
    moved(dataclass, alias, Change.UPDATED, dict.fromkeys(texts))


def _batches(keys: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(keys)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
