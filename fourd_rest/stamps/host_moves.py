"""Moves the stamps of what is saved and deleted outside REST, where its signals say so.

Two signals are sent for one save: ``begin`` moves the stamp before the row, ``Pending`` says what is
left to ``finish`` after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass as record
from datetime import datetime
from enum import Enum, auto
from functools import partial
from typing import Any

from django.db import connections, models
from django.db.models import F, Value
from django.db.models.sql import InsertQuery
from django.utils import timezone

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.members import own_key

from . import mover, own_column, side_table
from .columns import FIRST_STAMP
from .host_saves import has_our_tables, in_our_tables
from .mover import Change


class Left(Enum):
    """What is left to do about a stamp once the row is saved."""

    NOTHING = auto()
    # The key is given by the database.
    FIRST = auto()
    # To move once more: a reader may have seen the new stamp beside the old row.
    AGAIN = auto()
    # To move, unless the row is new: then it has its first stamp already.
    UNLESS_CREATED = auto()
    # The statement that saves the row counts.
    COUNTED = auto()


@record(slots=True)
class Pending:
    """What the first signal of a save leaves to the second.

    ``keys``: under which the stamp was moved, none as long as the database has not given them.
    """

    left: Left
    keys: list[str]
    counted: Counted | None = None


class Counted(int):
    """A stamp that the statement of the save counts: of the row as it is then, whoever saves beside it.

    To everybody else it is the number that the stamp will probably be.
    """

    column: str
    label: str
    keys: list[str]
    alias: str
    is_new: bool
    written: int | None = None  # by an INSERT
    is_written = False

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        """What Django asks an expression for when it compiles the statement of the save."""
        self.is_written = True
        if not isinstance(query, InsertQuery):
            return (F(self.column) + 1).resolve_expression(query, *args, **kwargs)
        # A row that is not there, or is on no other database yet. Its key may have had another life.
        past = _past(self.label, self.keys, self.alias)
        following = FIRST_STAMP if past is None else past + 1
        if past is None or not self.is_new:
            following = max(following, int(self))
        self.written = following
        return Value(following).resolve_expression(query, *args, **kwargs)


def begin(
    dataclass: DataClass,
    instance: models.Model,
    keys: list[str],
    alias: str,
    *,
    update_fields: Any,
    by_django: bool,
) -> Pending:
    """Move the stamp of ``instance`` before its row is saved; returns what is left for ``finish``.

    ``by_django``: whether it was Django that sent the signal. Else nobody knows what will be written,
    and how.
    """
    column = dataclass.stamp_column
    if not keys:
        return Pending(Left.FIRST, keys)
    if column is None:
        if instance._state.adding and update_fields is None:
            left = Left.AGAIN if _begin_life(dataclass, keys, alias) else Left.UNLESS_CREATED
        else:
            _bump_keys(dataclass, keys, alias)
            left = Left.AGAIN
    elif by_django and (update_fields is None or column in update_fields):
        return Pending(Left.COUNTED, keys, _count(dataclass, instance, keys, alias))
    else:
        own_column.bump_row(dataclass, instance, alias)
        # As ``update_or_create`` does.
        if update_fields is not None and dataclass.timestamp_column in update_fields:
            setattr(instance, str(dataclass.timestamp_column), timezone.now())
        left = Left.AGAIN
    if left is Left.AGAIN and connections[alias].in_atomic_block:
        # Stamp and row commit as one; without a transaction a reader could see the new stamp
        # beside the old row, so the stamp moves once more after the row.
        left = Left.NOTHING
    return Pending(left, keys)


def finish(
    dataclass: DataClass,
    instance: models.Model,
    keys: list[str],
    alias: str,
    pending: Pending | None,
    created: Any,
) -> None:
    """Do what ``begin`` has left, now that the row is saved, and tell of the move.

    ``pending`` is None where nothing told of this save. ``created``: whether the row is new.
    """
    if pending is None or (pending.keys and pending.keys[0] not in keys[:1]):
        # Nothing told of this save, or what was told had another key.
        left, counted = Left.AGAIN, None
        _move(dataclass, instance, keys, alias)
    else:
        left, counted = pending.left, pending.counted
        if dataclass.stamp_column is None and pending.keys and len(keys) > len(pending.keys):
            _begin_life(dataclass, keys[len(pending.keys) :], alias)  # of a parent that is new
        if left is Left.FIRST:
            _first(dataclass, instance, keys, alias)
        elif counted is not None:
            _finish_counting(dataclass, instance, counted, created, alias)
        elif left is Left.AGAIN or (left is Left.UNLESS_CREATED and not created):
            _move(dataclass, instance, keys, alias)
    stamp = None
    if dataclass.stamp_column is not None and left in (Left.FIRST, Left.COUNTED):
        held = instance.__dict__.get(dataclass.stamp_column)
        stamp = held if isinstance(held, int) else None
    _tell(dataclass, instance, keys, alias, Change.CREATED if created else Change.UPDATED, stamp)


def delete(
    dataclass: DataClass,
    instance: models.Model,
    keys: list[str],
    alias: str,
    deleted: datetime | None,
    *,
    is_held: bool,
) -> None:
    """Move the stamp of ``instance`` before its row is deleted.

    ``deleted``: when; None where the row may be kept. ``is_held``: the stamp has moved already.
    """
    change = Change.UPDATED if deleted is None else Change.DELETED
    if dataclass.stamp_column is None:
        own = keys[1:] if is_held else keys
        _bump_keys(dataclass, own, alias, deleted)
        _tell(dataclass, instance, own, alias, change)
        return
    # Moving it first holds the row until the delete is committed, so that nobody can be told of a
    # stamp beyond the one that is kept.
    if not is_held:
        own_column.bump_row(dataclass, instance, alias)
    stamp = own_column.stored(dataclass, instance, alias)
    if stamp is None:
        return
    if deleted is not None:
        label = dataclass.stamp_label
        in_our_tables(alias, lambda: side_table.remember(label, keys, stamp, deleted, alias))
    if not is_held:
        _tell(dataclass, instance, keys, alias, change, stamp)


def _tell(
    dataclass: DataClass,
    instance: models.Model,
    keys: Sequence[str],
    alias: str,
    change: Change,
    stamp: int | None = None,
) -> None:
    if not keys or (dataclass.stamp_column is None and not has_our_tables(alias)):
        return  # nothing has moved
    # What watches may be another dataclass of the same table, say of a child.
    own = filter(None, map(registry.for_model, type(instance).__mro__))
    mover.moved(next(own, dataclass), alias, change, dict.fromkeys(keys, stamp))


def _begin_life(dataclass: DataClass, keys: Iterable[str], alias: str) -> bool:
    """A new row under a key that was chosen: it must not accept a stamp of its former life.

    Returns whether it had one.
    """
    label = dataclass.stamp_label
    return bool(in_our_tables(alias, lambda: side_table.begin(label, keys, alias)))


def _count(dataclass: DataClass, instance: models.Model, keys: list[str], alias: str) -> Counted:
    """Have the statement that writes the whole row count its stamp."""
    column = own_column.name(dataclass)
    given, is_new = getattr(instance, column), instance._state.adding
    if not isinstance(given, int):
        given = 0
    counted = Counted(max(given, FIRST_STAMP) if is_new else given + 1)
    counted.column, counted.is_new = column, is_new
    counted.label, counted.keys, counted.alias = dataclass.stamp_label, keys, alias
    setattr(instance, column, counted)
    if dataclass.timestamp_column and not is_new:
        setattr(instance, dataclass.timestamp_column, timezone.now())
    return counted


def _finish_counting(
    dataclass: DataClass, instance: models.Model, counted: Counted, created: Any, alias: str
) -> None:
    """Let the instance know its stamp."""
    if not counted.is_written:
        # No statement of this instance's own wrote the row.
        own_column.bump_row(dataclass, instance, alias)
    stamp = counted.written if created else None
    if stamp is None:
        stamp = own_column.stored(dataclass, instance, alias)
    setattr(instance, counted.column, int(counted) if stamp is None else stamp)


def _first(dataclass: DataClass, instance: models.Model, keys: list[str], alias: str) -> None:
    """A new row whose key became known by the save."""
    if not keys:
        return  # and is not known yet; no row of stamps counts as the first stamp (D-32)
    is_numbered = isinstance(own_key(type(instance)), models.AutoField)
    if dataclass.stamp_column is not None:
        if not is_numbered:
            _outlive(dataclass, instance, keys, alias)
    elif is_numbered:
        label, now = dataclass.stamp_label, timezone.now()
        in_our_tables(alias, lambda: side_table.insert(label, keys[0], alias, now))
    else:
        _begin_life(dataclass, keys, alias)


def _move(dataclass: DataClass, instance: models.Model, keys: list[str], alias: str) -> None:
    if dataclass.stamp_column is None:
        _bump_keys(dataclass, keys, alias)
    elif keys:
        own_column.bump_row(dataclass, instance, alias)
        _outlive(dataclass, instance, keys, alias)


def _bump_keys(
    dataclass: DataClass, keys: Iterable[str], alias: str, deleted: datetime | None = None
) -> None:
    for key in keys:
        in_our_tables(alias, partial(side_table.bump, dataclass.stamp_label, key, alias, deleted))


def _outlive(dataclass: DataClass, instance: models.Model, keys: list[str], alias: str) -> None:
    """Have the stamp column exceed what a former life of the key has left."""
    past = _past(dataclass.stamp_label, keys, alias)
    if past is not None:
        own_column.outlive(dataclass, instance, past, alias)


def _past(label: str, keys: Iterable[str], alias: str) -> int | None:
    """The last stamp of a key's former life, if one is kept."""
    return in_our_tables(alias, lambda: side_table.last(label, keys, alias))
