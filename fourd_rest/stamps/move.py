"""Stamps: read beside the row, compared and moved before it.

The order everywhere is *stamp first, then row* (``docs/architecture.md``, «Stamps and
transactions»). A dataclass keeps its stamp in a column of its own or in the side table ``EntityStamp``;
every save and delete that sends signals moves it, REST's own saves do so by compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, DateTimeField, Expression, F, Max, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Replace, Upper
from django.db.models.signals import post_save, pre_delete, pre_save
from django.db.models.sql import InsertQuery
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.attributes import key_field, own_key
from fourd_rest.dataclass.options import KEY_LENGTH
from fourd_rest.dataclass.values import ValueType, key_text, value_type
from fourd_rest.models import EntityStamp

from .host_saves import alias_of, in_our_tables, tolerant

FIRST_STAMP = 1
LAST_STAMP = 2**31 - 1
DISPATCH_UID = "fourd_rest.stamps"
_BATCH = 500

# Set on an instance whose stamp the writer has moved already.
_HELD = "_fourd_stamp_held"
# Set between the two signals of one save: what is left to do afterwards.
_AFTER = "_fourd_stamp_after"
_noted: ContextVar[list[tuple[Any, Any]] | None] = ContextVar("fourd_rest_noted_deletes", default=None)


@dataclass(frozen=True, slots=True)
class StampColumns:
    """What to select to read stamp and time of the last save in the statement that reads the row.

    The time is a ``datetime`` or as D-24 writes it.
    """

    annotations: dict[str, Any]
    stamp: str
    modified: str | None


class _Written(Expression):
    """A moment: on PostgreSQL as D-24 writes it, elsewhere a ``datetime``.

    Django reads each of PostgreSQL's moments in Python, which takes a twentieth of a page of a hundred.
    """

    def __init__(self, moment: Any) -> None:
        super().__init__(output_field=DateTimeField())
        self.moment = moment

    def get_source_expressions(self) -> list[Any]:
        return [self.moment]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self.moment,) = exprs

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        sql, params = compiler.compile(self.moment)
        if connection.vendor != "postgresql" or not settings.USE_TZ:
            return sql, params
        return f"to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')", params


def columns(dataclass: DataClass) -> StampColumns:
    if dataclass.stamp_column is not None:
        if dataclass.timestamp_column is None:
            return StampColumns({}, dataclass.stamp_column, None)
        written = {"_fourd_modified": _Written(F(dataclass.timestamp_column))}
        return StampColumns(written, dataclass.stamp_column, "_fourd_modified")
    row = EntityStamp.objects.filter(dataclass=dataclass.stamp_label, key=_key_expression(dataclass))
    return StampColumns(
        {
            "_fourd_stamp": Subquery(row.values("stamp")[:1]),
            "_fourd_modified": _Written(Subquery(row.values("modified")[:1])),
        },
        "_fourd_stamp",
        "_fourd_modified",
    )


def _key_expression(dataclass: DataClass) -> Any:
    """SQL for the key as the side table holds it, equal to ``key_to_wire`` in Python."""
    key: Any = OuterRef("pk")
    if dataclass.key_type.name == "string":
        return key
    text = Cast(key, CharField(max_length=KEY_LENGTH))
    if dataclass.key_type.name == "uuid":
        return Upper(Replace(text, Value("-"), Value("")))
    return text


def _row(label: str, key: str, alias: str) -> models.QuerySet[EntityStamp]:
    return EntityStamp.objects.using(alias).filter(dataclass=label, key=key)


def _insert(label: str, key: str, alias: str, modified: datetime | None) -> None:
    """A first row for an entity without one; loses quietly against a concurrent first row."""
    row = EntityStamp(dataclass=label, key=key, stamp=FIRST_STAMP, modified=modified)
    EntityStamp.objects.using(alias).bulk_create([row], ignore_conflicts=True)


def compare_and_swap(
    dataclass: DataClass, key: Any, expected: int, *, alias: str, now: datetime
) -> bool:
    """Move the stamp of the entity from ``expected`` to the next one; false if it is another.

    Must be the transaction's first statement on the entity. Holds the entity until the commit.
    """
    column = dataclass.stamp_column
    if column is not None:
        owner, changes = _stamp_change(dataclass.model, column, dataclass.timestamp_column, now)
        changes = {**changes, column: expected + 1}
        return _swap(owner, alias, changes, {owner._meta.pk.name: key, column: expected})
    label, text = dataclass.stamp_label, dataclass.key_to_wire(key)
    row = {"dataclass": label, "key": text, "stamp": expected}
    # An entity that is saved is not deleted, even if nobody told of its return (``bulk_create``).
    changes = {"stamp": expected + 1, "modified": now, "deleted": None}
    if _swap(EntityStamp, alias, changes, row):
        return True
    if expected != FIRST_STAMP:
        return False
    # No row counts as the first stamp (D-32). Never get_or_create: it reads before it writes.
    _insert(label, text, alias, None)
    return _swap(EntityStamp, alias, changes, row)


def _swap(
    model: type[models.Model], alias: str, changes: Mapping[str, Any], where: Mapping[str, Any]
) -> bool:
    """Set fields of the one row that has these values; false if there is none.

    Django's ``update`` takes 150 µs more, a tenth of what saving one entity takes in all.
    """
    connection = connections[alias]

    def compiled(values: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
        fields: list[Any] = [model._meta.get_field(name) for name in values]
        columns = [f"{connection.ops.quote_name(field.column)} = %s" for field in fields]
        params = [
            field.get_db_prep_save(value, connection)
            for field, value in zip(fields, values.values(), strict=True)
        ]
        return columns, params

    table = connection.ops.quote_name(model._meta.db_table)
    (assignments, new), (conditions, old) = compiled(changes), compiled(where)
    sql = f"UPDATE {table} SET {', '.join(assignments)} WHERE {' AND '.join(conditions)}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*new, *old])
        return bool(cursor.rowcount == 1)


def _stamp_change(
    model: type[models.Model], column: str, timestamp_column: str | None, now: datetime
) -> tuple[type[models.Model], dict[str, Any]]:
    """The model that owns the stamp column, and the update that moves it.

    The owner may be a parent; updating it through the child would read first.
    """
    owner = model._meta.get_field(column).model
    changes: dict[str, Any] = {column: F(column) + 1}
    if timestamp_column and model._meta.get_field(timestamp_column).model is owner:
        changes[timestamp_column] = now
    return owner, changes


def hold(instance: models.Model) -> None:
    """Tell the receivers that this instance's stamp has been moved for the coming save or delete."""
    instance.__dict__[_HELD] = True


def release(instance: models.Model) -> None:
    """Forget ``hold``, where neither a save nor a delete has come."""
    instance.__dict__.pop(_HELD, None)


@contextmanager
def noting_deletes() -> Iterator[list[tuple[Any, Any]]]:
    """Gathers what Django deletes of watched models in here, cascades included: (model, key)."""
    noted: list[tuple[Any, Any]] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def claim(dataclass: DataClass, key: Any, *, alias: str) -> bool:
    """Move the stamp of an entity that is about to be deleted; false if there is certainly none.

    Must come before anything is read of the entity: whoever else deletes or saves it waits here until
    the commit, and then sees what became of it (D-62).
    """
    column, now = dataclass.stamp_column, timezone.now()
    if column is None:
        _bump(dataclass.stamp_label, dataclass.key_to_wire(key), alias, deleted=now)
        return True
    owner, changes = _stamp_change(dataclass.model, column, dataclass.timestamp_column, now)
    return bool(models.QuerySet(owner, using=alias).filter(pk=key).update(**changes))


def keep_alive(dataclass: DataClass, key: Any, *, alias: str) -> None:
    """Take back that the entity is deleted, after ``claim``: its row stays."""
    if dataclass.stamp_column is None:
        _row(dataclass.stamp_label, dataclass.key_to_wire(key), alias).update(deleted=None)


def _bump(label: str, key: str, alias: str, deleted: datetime | None = None) -> None:
    row = _row(label, key, alias)
    change: dict[str, Any] = {"stamp": F("stamp") + 1, "modified": timezone.now(), "deleted": deleted}
    if not row.update(**change):
        _insert(label, key, alias, None)
        row.update(**change)


def lock(dataclass: DataClass, keys: list[Any], *, alias: str) -> dict[Any, int]:
    """The stamps of many entities from the side table, locked; none where rows hold their own.

    Inside a transaction that holds the write lock. Locks in the order of the keys' texts.
    """
    if dataclass.stamp_column is not None:
        return {}
    by_text = {dataclass.key_to_wire(key): key for key in keys}
    rows = EntityStamp.objects.using(alias).filter(dataclass=dataclass.stamp_label, key__in=by_text)
    known = set(rows.values_list("key", flat=True))
    missing = [text for text in by_text if text not in known]
    if missing:
        EntityStamp.objects.using(alias).bulk_create(
            [
                EntityStamp(dataclass=dataclass.stamp_label, key=text, stamp=FIRST_STAMP)
                for text in missing
            ],
            ignore_conflicts=True,
        )
    locked = rows.order_by("key").select_for_update().values_list("key", "stamp")
    return {by_text[text]: stamp for text, stamp in locked}


def move_all(dataclass: DataClass, keys: list[Any], *, alias: str, now: datetime) -> None:
    """Move stamps of the side table that ``lock`` has locked."""
    texts = [dataclass.key_to_wire(key) for key in keys]
    rows = EntityStamp.objects.using(alias).filter(dataclass=dataclass.stamp_label, key__in=texts)
    rows.update(stamp=F("stamp") + 1, modified=now, deleted=None)


def touch(dataclass: DataClass, rows: models.QuerySet[Any]) -> int:
    """Move the stamps of ``rows``, after work that sends no signals; returns how many.

    In batches, each in one transaction.
    """
    alias, now, count = rows.db, timezone.now(), 0
    keys = rows.order_by("pk").values_list("pk", flat=True).iterator(_BATCH)
    for batch in _batches(keys):
        with transaction.atomic(using=alias):
            if dataclass.stamp_column is not None:
                owner, changes = _stamp_change(
                    dataclass.model, dataclass.stamp_column, dataclass.timestamp_column, now
                )
                owner._base_manager.using(alias).filter(pk__in=batch).update(**changes)
            else:
                label = dataclass.stamp_label
                texts = [dataclass.key_to_wire(key) for key in batch]
                EntityStamp.objects.using(alias).bulk_create(
                    [EntityStamp(dataclass=label, key=text, stamp=FIRST_STAMP) for text in texts],
                    ignore_conflicts=True,
                )
                EntityStamp.objects.using(alias).filter(dataclass=label, key__in=texts).update(
                    stamp=F("stamp") + 1, modified=now, deleted=None
                )
        count += len(batch)
    return count


def _batches(keys: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(keys)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


# Saves and deletes outside REST.


@dataclass(frozen=True, slots=True)
class _Watched:
    """How instances of one model class carry their stamp."""

    label: str
    column: str | None
    timestamp_column: str | None
    dataclass: DataClass

    @property
    def owner(self) -> type[models.Model]:
        """The model with the stamp column, the topmost of its table's family."""
        assert self.column is not None  # noqa: S101  (asked for stamp columns only)
        owner: type[models.Model] = self.dataclass.model._meta.get_field(self.column).model
        return owner

    def rows(self, instance: models.Model, alias: str) -> models.QuerySet[Any]:
        """The row with the stamp column, whatever managers hide it."""
        pk = self.owner._meta.pk
        # A child may have a key of its own beside the one of its parent.
        key = getattr(instance, pk.attname, None) or instance.pk
        return models.QuerySet(self.owner, using=alias).filter(pk=key)


@dataclass(slots=True)
class _Pending:
    """What the first signal of a save leaves to the second.

    ``keys``: under which the stamp was moved, none as long as the database has not given them.
    """

    after: str
    keys: list[str]
    counted: _Counted | None = None


class _Counted(int):
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


_watched: dict[type[models.Model], _Watched] = {}


def watch(dataclass: DataClass) -> None:
    """Have every save and delete of the dataclass' rows move their stamps.

    Rows of one table may be saved through parents, children and proxies; each is a sender of its own.
    """
    if dataclass.left_out is not None:
        return
    watched = _Watched(
        dataclass.stamp_label, dataclass.stamp_column, dataclass.timestamp_column, dataclass
    )
    for model in apps.get_models(include_auto_created=True):
        if _topmost(model) is not _topmost(dataclass.model):
            continue
        if watched.column is not None and not _has_field(model, watched.column):
            continue
        _watched[model] = watched
        pre_save.connect(_before_save, sender=model, dispatch_uid=DISPATCH_UID)
        post_save.connect(_after_save, sender=model, dispatch_uid=DISPATCH_UID)
        pre_delete.connect(_before_delete, sender=model, dispatch_uid=DISPATCH_UID)


def watch_all() -> None:
    registry.subscribe(watch)


def _topmost(model: type[models.Model]) -> type[models.Model]:
    model = model._meta.concrete_model or model
    while model._meta.parents:
        model = next(iter(model._meta.parents))
    return model


def _has_field(model: type[models.Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)


# The receivers. Sites send these signals by hand as well, with whatever arguments come to mind.


@tolerant
def _before_save(
    sender: Any,
    instance: Any = None,
    raw: bool = False,
    using: Any = None,
    update_fields: Any = None,
    **kwargs: Any,
) -> None:
    watched = _watched_by(sender, instance)
    if watched is None or raw or instance.__dict__.get(_HELD):
        return
    alias = alias_of(instance, using)
    pending = _Pending("first", _keys(instance))
    # Without ``using`` it was not Django that sent this: nobody knows what will be written, and how.
    is_whole = using is not None and (update_fields is None or watched.column in update_fields)
    if pending.keys and watched.column is None:
        if instance._state.adding and update_fields is None:
            pending.after = _before_keyed_insert(watched, pending.keys, alias)
        else:
            _bump_all(watched, pending.keys, alias)
            pending.after = "again"
    elif pending.keys and is_whole:
        pending.after = "counted"
        pending.counted = _count(watched, instance, pending.keys, alias)
    elif pending.keys:
        _bump_column(watched, instance, alias)
        # As ``update_or_create`` does.
        if update_fields is not None and watched.timestamp_column in update_fields:
            setattr(instance, str(watched.timestamp_column), timezone.now())
        pending.after = "again"
    if pending.after == "again" and connections[alias].in_atomic_block:
        # Stamp and row commit as one; without a transaction a reader could see the new stamp
        # beside the old row, so the stamp moves once more after the row.
        pending.after = ""
    instance.__dict__[_AFTER] = pending


@tolerant
def _after_save(
    sender: Any,
    instance: Any = None,
    created: Any = None,
    raw: bool = False,
    using: Any = None,
    **kwargs: Any,
) -> None:
    watched = _watched_by(sender, instance)
    if watched is None:
        return
    # For one save only: a site may keep the instance and save it again.
    is_held = instance.__dict__.pop(_HELD, False)
    pending = instance.__dict__.pop(_AFTER, None)
    if raw or is_held:
        return
    alias, keys = alias_of(instance, using), _keys(instance)
    if pending is None or (pending.keys and pending.keys[0] not in keys[:1]):
        # Nothing told of this save, or what was told had another key.
        _move(watched, instance, keys, alias)
        return
    if watched.column is None and pending.keys and len(keys) > len(pending.keys):
        _before_keyed_insert(watched, keys[len(pending.keys) :], alias)  # of a parent that is new
    if pending.after == "first":
        _first(watched, instance, keys, alias)
    elif pending.counted is not None:
        _finish_counting(watched, instance, pending.counted, created, alias)
    elif pending.after == "again" or (pending.after == "moved-unless-created" and not created):
        _move(watched, instance, keys, alias)


@tolerant
def _before_delete(sender: Any, instance: Any = None, using: Any = None, **kwargs: Any) -> None:
    watched = _watched_by(sender, instance)
    if watched is None:
        return
    is_held = instance.__dict__.pop(_HELD, False)
    alias, keys = alias_of(instance, using), _keys(instance)
    # Django tells where a delete began. Who sends this by hand may keep the row, hidden or not.
    now = timezone.now() if "origin" in kwargs else None
    if now is not None and (noted := _noted.get()) is not None:
        noted.append((instance._meta.concrete_model, instance.pk))
    if watched.column is None:
        _bump_all(watched, keys[1:] if is_held else keys, alias, deleted=now)
        return
    # Moving it first holds the row until the delete is committed, so that nobody can be told of a
    # stamp beyond the one that is kept.
    if not is_held:
        _bump_column(watched, instance, alias)
    stamp = watched.rows(instance, alias).values_list(watched.column, flat=True).first()
    if now is not None and stamp is not None:
        _remember(watched.label, keys, stamp, now, alias)


def _watched_by(sender: Any, instance: Any) -> _Watched | None:
    """How ``instance`` carries its stamp; None for what is no row of the tables that are watched."""
    told = _watched.get(sender)
    found = _watched.get(type(instance))
    # A proxy that was made later, say in a function, is no sender of its own.
    if found is None and told is not None and isinstance(instance, sender):
        return told
    return found if found is not None and told is not None and found.label == told.label else None


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
            # No key of this table: the save itself will fail, and tell better why.
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


def _before_keyed_insert(watched: _Watched, keys: list[str], alias: str) -> str:
    """A new row under a key that was chosen: it must not accept a stamp of its former life."""

    def move() -> bool:
        moved = False
        for key in keys:
            if _row(watched.label, key, alias).update(
                stamp=F("stamp") + 1, modified=timezone.now(), deleted=None
            ):
                moved = True
            else:
                _insert(watched.label, key, alias, timezone.now())
        return moved

    return "again" if in_our_tables(alias, move) else "moved-unless-created"


def _count(watched: _Watched, instance: models.Model, keys: list[str], alias: str) -> _Counted:
    """Have the statement that writes the whole row count its stamp."""
    column = str(watched.column)
    given, is_new = getattr(instance, column), instance._state.adding
    if not isinstance(given, int):
        given = 0
    counted = _Counted(max(given, FIRST_STAMP) if is_new else given + 1)
    counted.column, counted.label, counted.keys, counted.alias = column, watched.label, keys, alias
    counted.is_new = is_new
    setattr(instance, column, counted)
    if watched.timestamp_column and not is_new:
        setattr(instance, watched.timestamp_column, timezone.now())
    return counted


def _finish_counting(
    watched: _Watched, instance: models.Model, counted: _Counted, created: Any, alias: str
) -> None:
    """Let the instance know its stamp."""
    column = str(watched.column)
    if not counted.is_written:
        # No statement of this instance's own wrote the row.
        _bump_column(watched, instance, alias)
    stamp = counted.written if created else None
    if stamp is None:
        stamp = watched.rows(instance, alias).values_list(column, flat=True).first()
    setattr(instance, column, int(counted) if stamp is None else stamp)


def _first(watched: _Watched, instance: models.Model, keys: list[str], alias: str) -> None:
    """A new row whose key became known by the save."""
    if not keys:
        return  # and is not known yet; no row of stamps counts as the first stamp (D-32)
    is_numbered = isinstance(own_key(type(instance)), models.AutoField)
    if watched.column is None and is_numbered:
        in_our_tables(alias, lambda: _insert(watched.label, keys[0], alias, timezone.now()))
    elif watched.column is None:
        _before_keyed_insert(watched, keys, alias)
    elif not is_numbered:
        _outlive(watched, instance, keys, alias)


def _move(watched: _Watched, instance: models.Model, keys: list[str], alias: str) -> None:
    if watched.column is None:
        _bump_all(watched, keys, alias)
    elif keys:
        _bump_column(watched, instance, alias)
        _outlive(watched, instance, keys, alias)


def _outlive(watched: _Watched, instance: models.Model, keys: list[str], alias: str) -> None:
    """Have the stamp column exceed what a former life of the key has left."""
    past = _past(watched.label, keys, alias)
    if past is None:
        return
    rows = watched.rows(instance, alias).filter(**{f"{watched.column}__lte": past})
    if rows.update(**{str(watched.column): past + 1}):
        setattr(instance, str(watched.column), past + 1)


def _bump_all(watched: _Watched, keys: list[str], alias: str, deleted: datetime | None = None) -> None:
    for key in keys:
        in_our_tables(alias, partial(_bump, watched.label, key, alias, deleted))


def _bump_column(watched: _Watched, instance: models.Model, alias: str) -> None:
    _, changes = _stamp_change(
        watched.dataclass.model, str(watched.column), watched.timestamp_column, timezone.now()
    )
    watched.rows(instance, alias).update(**changes)


def _past(label: str, keys: list[str], alias: str) -> int | None:
    """The last stamp of a key's former life, if one is kept."""
    rows = EntityStamp.objects.using(alias).filter(dataclass=label, key__in=keys)
    return in_our_tables(alias, lambda: rows.aggregate(last=Max("stamp"))["last"])


def _remember(label: str, keys: list[str], stamp: int, now: datetime, alias: str) -> None:
    """Keep the last stamp of a row that has it in a column, and is deleted."""

    def keep() -> None:
        for key in keys:
            if not _row(label, key, alias).update(stamp=stamp, deleted=now):
                row = EntityStamp(dataclass=label, key=key, stamp=stamp, deleted=now)
                EntityStamp.objects.using(alias).bulk_create([row], ignore_conflicts=True)

    in_our_tables(alias, keep)
