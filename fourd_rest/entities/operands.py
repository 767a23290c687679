"""An attribute as one caller may see it, as an SQL expression (D-13, D-21).

What is computed from a selection or shown as a table reads values by these expressions alone: where a
relation leads to an entity that the caller may not see, the value is NULL to the database already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Expression, F, Field, OuterRef, Q, QuerySet, Subquery, Value, When

from fourd_rest.dataclass import Attribute, DataClass, Kind
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    ATTRIBUTE_NOT_FOUND,
    BAD_ATTRIBUTE_LIST,
    NO_ATTRIBUTE,
    NOT_SUPPORTED,
    RestError,
)

from .selection import Selection


@dataclass(frozen=True, slots=True)
class Operand:
    """One name of a client's list: the exposed attribute, and the path into its object, if any."""

    name: str
    attribute: Attribute
    steps: tuple[str, ...] = ()


def resolve(dataclass: DataClass, name: str) -> Operand:
    """What ``name`` means. Raises ``RestError`` 1500 and 1804 (404) if it is not exposed.

    The only place that takes a name apart.
    """
    first, *steps = name.split(".")
    attribute = dataclass.attributes.get(first)
    if attribute is not None and not steps:
        return Operand(name, attribute)
    if attribute is not None and attribute.type == "object" and all(steps):
        return Operand(name, attribute, tuple(steps))
    if attribute is not None and attribute.target is not None:
        raise RestError(NOT_SUPPORTED(feature="A path over a relation here"))
    raise RestError(
        ATTRIBUTE_NOT_FOUND(attribute=name, dataclass=dataclass.name),
        BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name),
    )


def resolve_list(dataclass: DataClass, names: str | None) -> list[Operand]:
    """The operands of a comma-separated list, each once. Raises 1816 for an empty list."""
    listed = dict.fromkeys(name.strip() for name in (names or "").split(","))
    if not any(listed):
        raise RestError(NO_ATTRIBUTE())
    return [resolve(dataclass, name) for name in listed]


def rows_of(selection: Selection) -> QuerySet[Any]:
    """The entities of ``selection``, in no order, as a queryset that may be grouped and aggregated."""
    queryset = selection.queryset
    query = queryset.query
    if query.distinct or query.combinator or query.is_sliced or query.group_by is not None:
        model = selection.dataclass.model
        keys = queryset.order_by().values("pk")
        return model._base_manager.using(queryset.db).filter(pk__in=keys)
    return queryset.order_by()


def expression(caller: Caller, dataclass: DataClass, attribute: Attribute, alias: str) -> Any:
    """SQL for the value of ``attribute``; of a to-one relation, for the key of the related entity.

    ``alias`` is the database that is read. Not for what Python computes, nor for to-many relations.
    """
    if attribute.expression is not None:
        return _scalar(dataclass, attribute)
    column: Any = F(attribute.column)
    conditions = Q()
    if attribute.kind is Kind.TO_ONE and attribute.target is not None:
        if not attribute.target.has_view_permission(caller.request):
            return Value(None, output_field=_field(dataclass, column))
        conditions &= _seen(caller, attribute.column, attribute.target, alias)
    for hop in attribute.hops:
        # Reading an alias needs rights on itself only, but no entity that is hidden.
        conditions &= _seen(caller, hop.column, hop.target, alias)
    return Case(When(conditions, then=column)) if conditions else column


def field_of(dataclass: DataClass, value: Any) -> Field[Any, Any]:
    """The type of an expression over the rows of ``dataclass``."""
    return _field(dataclass, value)


def _field(dataclass: DataClass, value: Any) -> Field[Any, Any]:
    rows = dataclass.model._base_manager.annotate(_fourd=value)
    found: Field[Any, Any] = rows.query.annotations["_fourd"].output_field
    return found


def _seen(caller: Caller, column: str, target: DataClass, alias: str) -> Q:
    """That ``column`` holds the key of an entity that the caller may see."""
    if not target.restricts_rows:
        return Q()
    keys = target.get_queryset(caller.request).using(alias).order_by().values("pk")
    return Q(**{f"{column}__in": keys})


def _scalar(dataclass: DataClass, attribute: Attribute) -> Any:
    """An annotation; one that aggregates in a subquery, so that it may be grouped and aggregated."""
    rows = dataclass.model._base_manager.annotate(_fourd=attribute.expression)
    annotation: Expression = rows.query.annotations["_fourd"]
    if not annotation.contains_aggregate and not annotation.contains_over_clause:
        return attribute.expression
    return Subquery(rows.filter(pk=OuterRef("pk")).order_by().values("_fourd")[:1])
