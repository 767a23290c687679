"""Stamps: read beside the row, compared and moved before it (design «Stamps and transactions»).

The order everywhere is *stamp first, then row*. A dataclass keeps its stamp in a column of its own or in
the side table ``EntityStamp``; every save and delete that sends signals moves it, REST's own saves do so
by compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, DateTimeField, Expression, F, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Replace, Upper
from django.db.models.signals import post_save, pre_delete, pre_save
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.options import KEY_LENGTH
from fourd_rest.models import EntityStamp

FIRST_STAMP = 1
LAST_STAMP = 2**31 - 1
DISPATCH_UID = "fourd_rest.stamps"
_BATCH = 500

# Set on an instance whose stamp the writer has moved already.
_HELD = "_fourd_stamp_held"
# Set between the two signals of one save: what is left to do afterwards.
_AFTER = "_fourd_stamp_after"


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
    """Tell the receivers that this instance's stamp has been moved for the coming save."""
    instance.__dict__[_HELD] = True


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

    def key(self, instance: models.Model) -> str:
        pk = self.dataclass.model._meta.pk
        return self.dataclass.key_to_wire(pk.to_python(instance.pk))


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


def _before_save(
    sender: type[models.Model],
    instance: models.Model,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    **kwargs: Any,
) -> None:
    if raw or instance.__dict__.get(_HELD):
        return
    watched = _watched[sender]
    after = ""
    if instance.pk is None:
        after = "first"
    elif instance._state.adding:
        after = _before_keyed_insert(watched, instance, using)
    elif watched.column is None:
        _bump(watched.label, watched.key(instance), using)
        after = "again"
    elif update_fields is None or watched.column in update_fields:
        setattr(instance, watched.column, F(watched.column) + 1)
        if watched.timestamp_column:
            setattr(instance, watched.timestamp_column, timezone.now())
        after = "refresh"
    else:
        _bump_column(watched, instance, using)
        if watched.timestamp_column in update_fields:  # as ``update_or_create`` does
            setattr(instance, watched.timestamp_column, timezone.now())
        after = "again"
    if after == "again" and connections[using].in_atomic_block:
        # Stamp and row commit as one; without a transaction a reader could see the new stamp
        # beside the old row, so the stamp moves once more after the row.
        after = ""
    instance.__dict__[_AFTER] = after


def _before_keyed_insert(watched: _Watched, instance: models.Model, alias: str) -> str:
    """A new row under a key that was chosen: it must not accept a stamp of its former life."""
    key = watched.key(instance)
    if watched.column is None:
        if _row(watched.label, key, alias).update(
            stamp=F("stamp") + 1, modified=timezone.now(), deleted=None
        ):
            return "again"
        _insert(watched.label, key, alias, timezone.now())
        return "moved-unless-created"
    manager = watched.dataclass.model._base_manager.using(alias)
    past = (
        manager.filter(pk=instance.pk).values_list(watched.column, flat=True).first()
        or _row(watched.label, key, alias).values_list("stamp", flat=True).first()
    )
    if past is not None:
        setattr(instance, watched.column, past + 1)
    return ""


def _after_save(
    sender: type[models.Model], instance: models.Model, created: bool, using: str, **kwargs: Any
) -> None:
    # For one save only: a site may keep the instance and save it again.
    instance.__dict__.pop(_HELD, None)
    after = instance.__dict__.pop(_AFTER, "")
    if not after:
        return
    watched = _watched[sender]
    if after == "refresh" and watched.column:
        values = watched.dataclass.model._base_manager.using(using).filter(pk=instance.pk)
        setattr(instance, watched.column, values.values_list(watched.column, flat=True).get())
        return
    if after == "first":
        if watched.column is None:
            _insert(watched.label, watched.key(instance), using, timezone.now())
        return
    if after == "moved-unless-created" and created:
        return
    if watched.column is None:
        _bump(watched.label, watched.key(instance), using)
    else:
        _bump_column(watched, instance, using)


def _before_delete(
    sender: type[models.Model], instance: models.Model, using: str, **kwargs: Any
) -> None:
    watched = _watched[sender]
    key = watched.key(instance)
    now = timezone.now()
    if watched.column is None:
        _bump(watched.label, key, using, deleted=now)
        return
    # Moving it first holds the row until the delete is committed, so that nobody can be told of a
    # stamp beyond the one that is kept.
    _bump_column(watched, instance, using)
    values = watched.dataclass.model._base_manager.using(using).filter(pk=instance.pk)
    stamp = values.values_list(watched.column, flat=True).first()
    if stamp is not None and not _row(watched.label, key, using).update(stamp=stamp, deleted=now):
        row = EntityStamp(dataclass=watched.label, key=key, stamp=stamp, deleted=now)
        EntityStamp.objects.using(using).bulk_create([row], ignore_conflicts=True)


def _bump(label: str, key: str, alias: str, deleted: datetime | None = None) -> None:
    row = _row(label, key, alias)
    change: dict[str, Any] = {
        "stamp": F("stamp") + 1,
        "modified": timezone.now(),
        "deleted": deleted,
    }
    if not row.update(**change):
        _insert(label, key, alias, None)
        row.update(**change)


def _bump_column(watched: _Watched, instance: models.Model, alias: str) -> None:
    assert watched.column is not None  # noqa: S101  (narrowing for the type checker)
    owner, changes = _stamp_change(
        watched.dataclass.model, watched.column, watched.timestamp_column, timezone.now()
    )
    owner._base_manager.using(alias).filter(pk=instance.pk).update(**changes)
