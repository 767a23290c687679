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


@record(frozen=True, slots=True)
class HostRow:
    """A row that the site saves or deletes, on the database ``alias``.

    ``keys``: its keys as the side table holds them, its own first, then those of its parents; none if
    the database has not given them yet.
    """

    dataclass: DataClass
    instance: models.Model
    keys: list[str]
    alias: str


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
    """A stamp that the statement of the save counts, from the one that the row has at that moment.

    To other code it is the number that the stamp will probably have.
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
        # A row that is not there, or is on no other database yet. The key may have been in use before.
        past = _past(self.label, self.keys, self.alias)
        following = FIRST_STAMP if past is None else past + 1
        if past is None or not self.is_new:
            following = max(following, int(self))
        self.written = following
        return Value(following).resolve_expression(query, *args, **kwargs)


def begin(row: HostRow, *, update_fields: Any, by_django: bool) -> Pending:
    """Move the stamp of ``row`` before it is saved; returns what is left for ``finish``.

    ``by_django``: whether it was Django that sent the signal. Else it is unknown what will be written,
    and how. Raises what the database does.
    """
    dataclass, instance, keys = row.dataclass, row.instance, row.keys
    column = dataclass.stamp_column
    if not keys:
        return Pending(Left.FIRST, keys)
    left = Left.AGAIN
    if column is None:
        if not instance._state.adding or update_fields is not None:
            _bump_keys(row, keys)
        elif not _begin_life(row, keys):
            left = Left.UNLESS_CREATED
    elif by_django and (update_fields is None or column in update_fields):
        return Pending(Left.COUNTED, keys, _count(row))
    else:
        own_column.bump_row(dataclass, instance, row.alias)
        # As ``update_or_create`` does.
        if update_fields is not None and dataclass.timestamp_column in update_fields:
            setattr(instance, str(dataclass.timestamp_column), timezone.now())
    if left is Left.AGAIN and connections[row.alias].in_atomic_block:
        # Stamp and row commit as one; without a transaction a reader could see the new stamp
        # beside the old row, so the stamp moves once more after the row.
        left = Left.NOTHING
    return Pending(left, keys)


def finish(row: HostRow, pending: Pending | None, created: Any) -> None:
    """Do what ``begin`` has left, now that the row is saved, and tell of the move.

    ``pending`` is None where the first signal was not sent. ``created``: whether the row is new.
    Raises what the database does.
    """
    dataclass, keys = row.dataclass, row.keys
    if pending is None or (pending.keys and pending.keys[0] not in keys[:1]):
        # There was no first signal, or it was about another key.
        left = Left.AGAIN
        _move(row)
    else:
        left = pending.left
        if dataclass.stamp_column is None and pending.keys and len(keys) > len(pending.keys):
            _begin_life(row, keys[len(pending.keys) :])  # of a parent that is new
        if left is Left.FIRST:
            _first(row)
        elif pending.counted is not None:
            _finish_counting(row, pending.counted, created)
        elif left is Left.AGAIN or (left is Left.UNLESS_CREATED and not created):
            _move(row)
    stamp = None
    if dataclass.stamp_column is not None and left in (Left.FIRST, Left.COUNTED):
        held = row.instance.__dict__.get(dataclass.stamp_column)
        stamp = held if isinstance(held, int) else None
    _tell(row, keys, Change.CREATED if created else Change.UPDATED, stamp)


def delete(row: HostRow, deleted: datetime | None, *, is_held: bool) -> None:
    """Move the stamp of ``row`` before it is deleted.

    ``deleted``: when; None where the row may be kept. ``is_held``: the stamp has moved already. Raises
    what the database does.
    """
    dataclass, keys, alias = row.dataclass, row.keys, row.alias
    change = Change.UPDATED if deleted is None else Change.DELETED
    if dataclass.stamp_column is None:
        own = keys[1:] if is_held else keys
        _bump_keys(row, own, deleted)
        _tell(row, own, change)
        return
    # Moving it first holds the row until the delete is committed, so that no client can get a
    # stamp beyond the one that is kept.
    if not is_held:
        own_column.bump_row(dataclass, row.instance, alias)
    stamp = own_column.stored(dataclass, row.instance, alias)
    if stamp is None:
        return
    if deleted is not None:
        label = dataclass.stamp_label
        in_our_tables(alias, lambda: side_table.remember(label, keys, stamp, deleted, alias))
    if not is_held:
        _tell(row, keys, change, stamp)


def _tell(row: HostRow, keys: Sequence[str], change: Change, stamp: int | None = None) -> None:
    if not keys or (row.dataclass.stamp_column is None and not has_our_tables(row.alias)):
        return  # nothing has moved
    # What watches may be another dataclass of the same table, say of a child.
    own = filter(None, map(registry.for_model, type(row.instance).__mro__))
    mover.moved(next(own, row.dataclass), row.alias, change, dict.fromkeys(keys, stamp))


def _begin_life(row: HostRow, keys: Iterable[str]) -> bool:
    """Give a row under a chosen key its stamp: it must not accept that of a deleted row of this key.

    Returns whether there was one.
    """
    label, alias = row.dataclass.stamp_label, row.alias
    return bool(in_our_tables(alias, lambda: side_table.begin(label, keys, alias)))


def _count(row: HostRow) -> Counted:
    """Have the statement that writes the whole row count its stamp."""
    dataclass, instance = row.dataclass, row.instance
    column = own_column.name(dataclass)
    given, is_new = getattr(instance, column), instance._state.adding
    if not isinstance(given, int):
        given = 0
    counted = Counted(max(given, FIRST_STAMP) if is_new else given + 1)
    counted.column, counted.is_new = column, is_new
    counted.label, counted.keys, counted.alias = dataclass.stamp_label, row.keys, row.alias
    setattr(instance, column, counted)
    if dataclass.timestamp_column and not is_new:
        setattr(instance, dataclass.timestamp_column, timezone.now())
    return counted


def _finish_counting(row: HostRow, counted: Counted, created: Any) -> None:
    """Let the instance know its stamp."""
    if not counted.is_written:
        # No statement of this instance's own wrote the row.
        own_column.bump_row(row.dataclass, row.instance, row.alias)
    stamp = counted.written if created else None
    if stamp is None:
        stamp = own_column.stored(row.dataclass, row.instance, row.alias)
    setattr(row.instance, counted.column, int(counted) if stamp is None else stamp)


def _first(row: HostRow) -> None:
    """A new row whose key became known by the save."""
    if not row.keys:
        return  # and is not known yet; no row of stamps counts as the first stamp (D-32)
    is_numbered = isinstance(own_key(type(row.instance)), models.AutoField)
    if row.dataclass.stamp_column is not None:
        if not is_numbered:
            _outlive(row)
    elif is_numbered:
        label, key, alias, now = row.dataclass.stamp_label, row.keys[0], row.alias, timezone.now()
        in_our_tables(alias, lambda: side_table.insert(label, key, alias, now))
    else:
        _begin_life(row, row.keys)


def _move(row: HostRow) -> None:
    if row.dataclass.stamp_column is None:
        _bump_keys(row, row.keys)
    elif row.keys:
        own_column.bump_row(row.dataclass, row.instance, row.alias)
        _outlive(row)


def _bump_keys(row: HostRow, keys: Iterable[str], deleted: datetime | None = None) -> None:
    label, alias = row.dataclass.stamp_label, row.alias
    for key in keys:
        in_our_tables(alias, partial(side_table.bump, label, key, alias, deleted))


def _outlive(row: HostRow) -> None:
    """Make the stamp column exceed the last stamp of a deleted row of this key."""
    past = _past(row.dataclass.stamp_label, row.keys, row.alias)
    if past is not None:
        own_column.outlive(row.dataclass, row.instance, past, row.alias)


def _past(label: str, keys: Iterable[str], alias: str) -> int | None:
    """The last stamp of a deleted row of these keys, None if there is none."""
    return in_our_tables(alias, lambda: side_table.last(label, keys, alias))
