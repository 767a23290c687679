"""What one caller may see of an entity: decided here, and nowhere else (D-13, D-21).

A value may depend on other entities than its own: on those that to-one relations pass on the way to it,
and a relation on the one that it leads to. Where one of them is hidden from the caller the value is null
to him, in a filter, an order, a computation, an expansion and a table alike. A relation to a dataclass
that he may not read is an attribute that does not exist where he asks by it, and null where it is shown.
Which dataclasses he may read the ``Caller`` knows, which of their rows ``DataClass.entities``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Annotated, Hop, Relation
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import RestError, asked_attribute
from fourd_rest.sql.key_membership import key_in

from .conditions import unmatched
from .places import Hops, Place

_NO_CONDITION = Q()
_NONE: frozenset[DataClass] = frozenset()


# Attributes.


def readable(caller: Caller, dataclass: DataClass, name: str) -> Attribute:
    """The attribute ``name``. Raises ``RestError`` 1500 if there is none that the caller may ask by."""
    attribute = dataclass.attributes.get(name)
    if attribute is None or (isinstance(attribute, Relation) and not caller.views(attribute.target)):
        raise unknown(name, dataclass)
    return attribute


def unknown(name: str, dataclass: DataClass) -> RestError:
    """1500: to the caller there is no such attribute."""
    return RestError(asked_attribute(name, dataclass.name))


def unknown_among(caller: Caller, targets: frozenset[DataClass]) -> frozenset[DataClass]:
    """Those of ``targets`` that the caller may not know of: relations to them are not there for him."""
    unknown = [target for target in targets if not caller.knows(target)]
    return frozenset(unknown) if unknown else _NONE


# Values in SQL.


def seen(caller: Caller, hops: Hops) -> Q:
    """Whether no entity among ``hops`` is hidden from the caller; ``Q()`` where none can be."""
    found = _NO_CONDITION
    for hop in hops:
        if hop.target.restricts_rows:
            rows: Any = hop.target.entities(caller.request).order_by().values("pk")
            found &= Q(**{f"{hop.column}__in": rows})
    return found


@dataclass(frozen=True, slots=True)
class Visible:
    """A value that the ORM finds by ``lookup``, and for which entities the caller is shown it.

    For all others it is null to him.
    """

    lookup: str
    seen: Q = _NO_CONDITION

    @property
    def present(self) -> Q:
        """Whether there is a value."""
        return Q(**{f"{self.lookup}__isnull": False}) & self.seen

    @property
    def absent(self) -> Q:
        """Whether the value is null."""
        return unmatched(self.present) if self.seen else Q(**{f"{self.lookup}__isnull": True})

    def or_null(self, value: Any) -> Any:
        """``value``, which SQL makes of this one, null for whom this one is."""
        return Case(When(self.seen, then=value)) if self.seen else value


def at(caller: Caller, place: Place) -> Visible:
    """The value at ``place``, seen from behind its links."""
    return Visible(place.lookup, seen(caller, place.hops))


def expression(caller: Caller, place: Place, value: Any = None) -> Any:
    """SQL for the value at ``place``; of a to-one relation, for the key of the related entity.

    ``value`` is what the ORM finds there, a column by its name unless told. Not for what Python
    computes, nor for to-many relations.
    """
    found = F(place.lookup) if value is None else value
    if any(_is_withheld(caller, hop) for hop in place.hops):
        rows = place.dataclass.model._base_manager.annotate(_fourd=found)
        return Value(None, output_field=rows.query.annotations["_fourd"].output_field)
    return at(caller, place).or_null(found)


def annotated(dataclass: DataClass, attribute: Annotated) -> QuerySet[Any]:
    """All rows of ``dataclass``, with the value of ``attribute`` under its ``source``."""
    rows: QuerySet[Any] = dataclass.model._base_manager.annotate(
        **{attribute.source: attribute.expression}
    )
    return rows


def annotation(place: Place, form: Any = None) -> Any:
    """What SQL of the site's computes at ``place``, in a query of its own, where it may aggregate.

    Or what ``form`` makes of it, which knows it by the attribute's ``source``. None for a column.
    """
    attribute = place.attribute
    if not isinstance(attribute, Annotated):
        return None
    rows = annotated(place.dataclass, attribute)
    row = rows.filter(pk=OuterRef(f"{place.way.prefix}pk")).order_by()
    return Subquery(row.values(_fourd_value=F(attribute.source) if form is None else form)[:1])


# Rows.


def keys(caller: Caller, hop: Hop[DataClass], asked: Iterable[Any], alias: str) -> frozenset[Any] | None:
    """Of the keys ``asked`` those that the caller may see behind ``hop``; None if he may see them all.

    One statement on the database ``alias``, none where all are hidden or none. ``asked`` may hold None.
    """
    if _is_withheld(caller, hop):
        return frozenset()
    if not hop.target.restricts_rows:
        return None
    wanted = set(asked) - {None}
    if not wanted:
        return frozenset()
    rows = hop.target.entities(caller.request).using(alias).filter(key_in(wanted, "pk"))
    return frozenset(rows.order_by().values_list("pk", flat=True))


def _is_withheld(caller: Caller, hop: Hop[DataClass]) -> bool:
    return hop.needs_right and not caller.views(hop.target)


def apart(dataclass: DataClass, rows: Any) -> QuerySet[Any]:
    """``rows`` of ``dataclass``, in no order, so that what is joined to them is joined anew.

    Django would share a join of the site's own: take it for that of a relation, and count its rows.
    """
    found: QuerySet[Any] = rows
    if not dataclass.restricts_rows:
        return found
    every = dataclass.model._base_manager.get_queryset().using(rows._db)
    return every.filter(pk__in=rows.order_by().values("pk"))
