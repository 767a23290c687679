"""Querysets of the site's own, made fit to be filtered, counted, sorted and joined.

What ``get_queryset`` and default managers give may join to many rows, group, be distinct or choose by a
window. Used as it is, an entity could come more than once, a condition could apply to a join of the
site's own, or the window could let in what it had left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.fields.reverse_related import OneToOneRel
from django.db.models.manager import BaseManager, Manager
from django.db.models.sql import Query

# What a queryset class may override without changing what is read.
_NO_READS = frozenset(
    {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "update", "delete"}
    | {"acreate", "aget_or_create", "aupdate_or_create", "abulk_create", "abulk_update", "aupdate"}
    | {"adelete", "__repr__", "__reduce__"}
)


def reads_plainly(model: type[models.Model]) -> bool:
    """Whether the default manager reads every row, and what a column's name says."""
    manager = model._default_manager
    if type(manager).get_queryset not in (BaseManager.get_queryset, Manager.get_queryset):
        return False
    return _is_plain(getattr(manager, "_queryset_class", QuerySet))


@cache
def _is_plain(kind: type[QuerySet[Any]]) -> bool:
    return all(
        getattr(kind, name) is value
        for name, value in vars(QuerySet).items()
        if name not in _NO_READS and (inspect.isfunction(value) or isinstance(value, property))
    )


def selects(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    """Whether reading ``field`` by its name over the default manager reads its column alone.

    A manager may read another one, for example that of the active language.
    """
    try:
        rows: Any = model._default_manager.get_queryset().order_by().values_list(field.attname)
    except Exception:  # noqa: BLE001  (it may need a request, and has one later)
        return True
    if not isinstance(rows, QuerySet):
        return True
    chosen = rows.query.select
    return len(chosen) == 1 and isinstance(chosen[0], Col) and chosen[0].target == field


def each_once(model: type[models.Model], rows: Any, whose: str) -> QuerySet[Any]:
    """``rows`` so that each entity comes once, whatever is filtered, joined or counted further.

    Raises ``ImproperlyConfigured`` for what is no such queryset, ``whose`` names who gave it.
    """
    if fault := unfit(model, rows):
        raise ImproperlyConfigured(f"{whose} gives {fault}: give a QuerySet of {model._meta.label}")
    query = rows.query
    # A window sees only what all other conditions leave, those of the client included.
    has_window = query.where.contains_over_clause
    if not (query.distinct or query.group_by is not None or has_window or joins_many(query)):
        found: QuerySet[Any] = rows
        return found
    # Its own order counts only where it decides which of several rows stays.
    keys = rows if query.distinct_fields else rows.order_by()
    every = model._base_manager.get_queryset().using(rows._db)
    # Without a database of its own a subquery may be asked wherever the rows are.
    return every.filter(pk__in=keys.using(None).values("pk"))


def unfit(model: type[models.Model], rows: Any) -> str:
    """What is wrong with ``rows`` as the entities of ``model``, or nothing."""
    if not isinstance(rows, QuerySet):
        return f"a {type(rows).__name__}"
    if rows.model._meta.concrete_model is not model._meta.concrete_model:
        return f"a queryset of {rows.model._meta.label}"
    if rows.query.combinator:
        return f"a {rows.query.combinator} of querysets"
    if rows.query.is_sliced:
        return "a slice of a queryset"
    return "values instead of entities" if rows._fields is not None else ""  # type: ignore[attr-defined]


def joins_many(query: Query) -> bool:
    """Whether a row of ``query`` may stand for an entity that has another row as well."""
    joins = (query.alias_map[alias] for alias, count in query.alias_refcount.items() if count)
    return bool(query.extra_tables) or not all(_is_single(join) for join in joins)


def _is_single(join: Any) -> bool:
    field = getattr(join, "join_field", None)  # none: the table that the query begins with
    return field is None or isinstance(field, (models.ForeignKey, OneToOneRel))


def unsorted(model: type[models.Model], order: Any) -> Iterator[tuple[Any, str]]:
    """Of ``order`` what does not sort the rows of ``model`` themselves, and why."""
    for item in order:
        if why := _cannot_sort(model, item):
            yield item, why


def _cannot_sort(model: type[models.Model], item: Any) -> str:
    query = Query(model)
    try:
        if hasattr(item, "resolve_expression"):
            found = item.resolve_expression(query, allow_joins=True)
            if found.contains_aggregate or found.contains_over_clause:
                return "it looks at more than one row"
        elif item != "?":
            query.add_ordering(item)
            compiler = query.get_compiler(DEFAULT_DB_ALIAS)
            # A relation stands for the order of its model, which may have expressions.
            for expression, _ in compiler.find_ordering_name(item, model._meta):
                expression.resolve_expression(query, allow_joins=True)
    except FieldError as error:
        return str(error)
    return "it sorts by a relation to many" if joins_many(query) else ""
