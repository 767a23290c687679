"""Columns that hold texts as they are compared (option ``folded``), kept on every save.

Saves by REST, the admin or the shell keep them, also with ``update_fields``. What sends no signals does
not (``QuerySet.update()``, ``bulk_create()``, SQL), nor does an expression as the value: run
``manage.py fourd_fold hr.Employee`` afterwards, and once for the rows that are there already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.signals import post_save, pre_save

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.sql.bulk_update import update_rows
from fourd_rest.sql.text_folding import fold
from fourd_rest.sql.transactions import write_transaction

from .host_saves import alias_of, tolerant

DISPATCH_UID = "fourd_rest.folded"
_BATCH = 500

# By the model whose instances are saved: the registered models that may name columns of it.
_owners: defaultdict[type[models.Model], set[type[models.Model]]] = defaultdict(set)
# Set between the two signals of one save: columns that ``update_fields`` leaves out.
_AFTER = "_fourd_folded_after"


def watch_all() -> None:
    """Watch every dataclass that is registered, now or later."""
    registry.subscribe(watch)


def watch(dataclass: DataClass) -> None:
    """Have every save of the dataclass' rows keep their folded columns.

    Rows of one table may be saved through children and proxies; each is a sender of its own.
    """
    if dataclass.left_out is not None or not dataclass.folded_columns:
        return
    own = {field.name: field for field in dataclass.model._meta.concrete_fields}
    kept = {own[name] for name in dataclass.folded.values() if name in own}
    for model in apps.get_models(include_auto_created=True):
        if kept.isdisjoint(model._meta.concrete_fields):
            continue
        _owners[model].add(dataclass.model)
        pre_save.connect(_before_save, sender=model, dispatch_uid=DISPATCH_UID)
        post_save.connect(_after_save, sender=model, dispatch_uid=DISPATCH_UID)


def columns(model: type[models.Model]) -> dict[str, str]:
    """The folded columns of ``model``'s instances, by the field whose text they hold."""
    found: dict[str, str] = {}
    for owner in _owners.get(model, ()):
        dataclass = registry.for_model(owner)
        if dataclass is not None:
            found |= dataclass.folded
    return found


def keep(instance: models.Model) -> None:
    """Set the folded columns of ``instance`` from the texts that it holds."""
    _keep(instance, columns(type(instance)))


# The receivers. Sites send these signals by hand as well, with any arguments.


def _columns_of(sender: Any, instance: Any) -> dict[str, str]:
    found = columns(type(instance))
    # A proxy that was made later, say in a function, is no sender of its own.
    if not found and isinstance(sender, type) and isinstance(instance, sender):
        found = columns(sender)
    return found


def _keep(instance: models.Model, pairs: dict[str, str]) -> None:
    if not pairs:
        return
    deferred = instance.get_deferred_fields()
    for source, column in pairs.items():
        if source in deferred:
            continue  # not loaded, so not changed
        value = getattr(instance, source)
        if hasattr(value, "resolve_expression"):
            continue  # the database knows it, and only after the save
        folded = None if value is None else fold(str(value))
        if column in deferred or getattr(instance, column) != folded:
            setattr(instance, column, folded)


@tolerant
def _before_save(sender: Any, instance: Any = None, update_fields: Any = None, **kwargs: Any) -> None:
    pairs = _columns_of(sender, instance)
    _keep(instance, pairs)
    if pairs and update_fields is not None:
        missed = {
            column
            for source, column in pairs.items()
            if source in update_fields and column not in update_fields
        }
        instance.__dict__[_AFTER] = missed


@tolerant
def _after_save(sender: Any, instance: Any = None, using: Any = None, **kwargs: Any) -> None:
    if not _columns_of(sender, instance):
        return
    missed = instance.__dict__.pop(_AFTER, None)
    if missed:
        changes = {column: getattr(instance, column) for column in missed}
        rows: models.QuerySet[Any] = models.QuerySet(type(instance), using=alias_of(instance, using))
        rows.filter(pk=instance.pk).update(**changes)


def fill(dataclass: DataClass) -> int:
    """Set the folded columns of all rows; returns in how many rows one was wrong.

    In batches, each in one transaction. No stamp moves: clients see no change.
    """
    alias, count = dataclass.write_alias(), 0
    for model, pairs in _by_table(dataclass).items():
        get_field = model._meta.get_field
        fields: list[Any] = [get_field(column) for column in pairs.values()]
        for keys in _batches(model, alias):
            with write_transaction(alias):
                rows = model._base_manager.using(alias).filter(pk__in=keys).only(*pairs, *pairs.values())
                changed = [row for row in rows.select_for_update() if _is_wrong(row, pairs)]
                update_rows(model, changed, fields, alias)
            count += len(changed)
    return count


def _by_table(dataclass: DataClass) -> dict[type[models.Model], dict[str, str]]:
    tables: defaultdict[type[models.Model], dict[str, str]] = defaultdict(dict)
    for source, column in dataclass.folded.items():
        owner: type[models.Model] = dataclass.model._meta.get_field(column).model
        tables[owner][source] = column
    return dict(tables)


def _is_wrong(row: models.Model, pairs: dict[str, str]) -> bool:
    before = [getattr(row, column) for column in pairs.values()]
    _keep(row, pairs)
    return before != [getattr(row, column) for column in pairs.values()]


def _batches(model: type[models.Model], alias: str) -> Iterator[list[Any]]:
    """The keys of all rows, in order."""
    rows = model._base_manager.using(alias).order_by("pk").values_list("pk", flat=True)
    keys = list(rows[:_BATCH])
    while keys:
        yield keys
        keys = list(rows.filter(pk__gt=keys[-1])[:_BATCH])
