"""What ``$compute`` and ``$distinct`` are asked about, and its SQL as the caller may see it.

Where a relation leads to an entity that he may not see, the value is NULL to the database already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Field, IntegerField, QuerySet, TextField
from django.db.models.functions import Cast

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import Annotated, Relation, Scalar, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    ATTRIBUTE_NOT_FOUND,
    BAD_ATTRIBUTE_LIST,
    NO_ATTRIBUTE,
    QUERY_TOO_LARGE,
    RestError,
)
from fourd_rest.query import objects, visible
from fourd_rest.query.paths import resolve_names
from fourd_rest.query.places import Place
from fourd_rest.sql.text_folding import AsText, StoredFolded, folded_form, text_form

from .selection import Selection

_NUMERIC = frozenset({"word", "long", "long64", "number"})
_WIDE = Context(prec=2_000)
# In one list: of each there are up to six columns in one statement, and databases allow some 1,600.
MAX_NAMES = 200


@dataclass(frozen=True, slots=True)
class Computable:
    """The values at ``place``, which a client calls ``name``; of an object, those of one property."""

    name: str
    place: Place
    attribute: Valued

    @property
    def is_property(self) -> bool:
        """Whether it is a property of an object, whose values have any type."""
        return bool(self.place.steps)

    @property
    def is_number(self) -> bool:
        """Whether it has a sum: a number, or a property, of whose values the numbers have one."""
        return self.is_property or self.attribute.type in _NUMERIC

    @property
    def is_text(self) -> bool:
        """Whether it is compared as texts are."""
        return self.attribute.type == "string"

    @property
    def is_computed(self) -> bool:
        """Whether Python alone knows it, from the entity itself."""
        return self.attribute.in_python is not None and not self.place.way.relations

    def takes(self, action: str) -> bool:
        """Whether ``action``, one of ``ACTIONS``, is for values of this type."""
        return self.is_number or action not in ("sum", "average")


def computable(name: str, place: Place, action: str) -> Computable:
    """What ``action`` is to be computed of. Raises ``RestError`` 1574 if it is not for such a value."""
    attribute = place.attribute
    if not isinstance(attribute, Valued):
        raise place.wrong_type()
    found = Computable(name, place, attribute)
    # Of the objects that Python computes no property is looked up.
    is_object = attribute.type == "object" and (not place.steps or found.is_computed)
    if is_object or not found.takes(action):
        raise place.wrong_type()
    return found


def _resolve(caller: Caller, dataclass: DataClass, name: str) -> Place:
    try:
        place = resolve_names(caller, dataclass, name.split("."))
    except RestError as error:
        if error.items[-1].row is not ATTRIBUTE_NOT_FOUND:
            raise
        failed = BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name)
        raise RestError(*error.items, failed) from error
    if place.links and not isinstance(place.attribute, Relation):
        raise place.wrong_type()
    return place


def resolved_list(caller: Caller, dataclass: DataClass, names: str | None) -> dict[str, Place]:
    """What a comma-separated list names: attributes, also of related entities, and properties.

    Raises ``RestError`` 1816 for an empty list, 9022 (400) beyond ``MAX_NAMES``, 1500 and 1804 (404) for
    what the caller may not know of, 1574 for a path over a to-many relation.
    """
    listed = dict.fromkeys(name.strip() for name in (names or "").split(","))
    if not any(listed):
        raise RestError(NO_ATTRIBUTE())
    if len(listed) > MAX_NAMES:
        raise RestError(QUERY_TOO_LARGE(reason=f"it names more than {MAX_NAMES} attributes"))
    return {name: _resolve(caller, dataclass, name) for name in listed}


def rows_of(selection: Selection) -> QuerySet[Any]:
    """The entities of ``selection``, in no order, as a queryset that may be grouped and aggregated."""
    queryset = selection.queryset
    query = queryset.query
    if query.distinct or query.combinator or query.is_sliced or query.group_by is not None:
        model = selection.dataclass.model
        keys = queryset.order_by().values("pk")
        return model._base_manager.using(queryset.db).filter(pk__in=keys)
    return queryset.order_by()


@dataclass(frozen=True, slots=True)
class Column:
    """A computable in SQL that may be compared, grouped and aggregated on every database.

    ``order`` is what to sort and to group by, ``exact`` what tells values apart that are equal there.
    ``restore`` makes the attribute's Python value of what the database gives for ``value``.
    """

    value: Any
    order: Any
    exact: Any
    restore: Callable[[Any], Any]
    is_text: bool = False
    is_number: bool = False


def columns(selection: Selection, asked: Computable) -> list[Column]:
    """The SQL of ``asked``, which Python does not compute; of a property, its numbers and its texts.

    Raises ``RestError`` 1574 for a custom field of which nothing is known, for a window, and for what
    Python computes of a related entity.
    """
    place, attribute, alias = asked.place, asked.attribute, selection.queryset.db
    if attribute.is_opaque:
        raise place.wrong_type()
    # The value of a window depends on the rows that are read, not on the entity alone.
    if isinstance(attribute, Annotated) and _is_window(place.dataclass, attribute):
        raise place.wrong_type()
    value = value_at(selection.caller, place)
    if asked.is_property:
        numbers, texts = objects.number(value, place.steps), objects.text(value, place.steps)
        folded = folded_form(texts, alias).expression
        return [
            _plain(numbers, _whole_if_it_is, is_number=True),
            Column(texts, folded, StoredFolded(texts), str, is_text=True),
        ]
    field = _resolved(selection.dataclass, value).output_field
    match attribute.type:
        case "bool":
            # PostgreSQL has no least boolean, nor a least UUID before version 18.
            return [_plain(Cast(value, IntegerField()), bool)]
        case "uuid":
            return [_plain(Cast(value, TextField()), UUID)]
        case "word" | "long" | "long64":
            return [_plain(value, int, is_number=True)]
        case "number":
            return [_plain(value, _to_scale(field), is_number=True)]
        case "string":
            order = folded_form(value, alias).expression
            # The folded form of a column may be stored in a column of its own.
            if isinstance(attribute, Scalar) and isinstance(value, F):
                order = text_form(place.dataclass, attribute, place.lookup).expression
            return [Column(value, order, StoredFolded(AsText(value)), str, is_text=True)]
    return [_plain(value, lambda found: found)]


def value_at(caller: Caller, place: Place) -> Any:
    """SQL for the value at ``place`` as ``caller`` sees it, which may be aggregated.

    Not for what Python computes, nor for to-many relations.
    """
    attribute, value = place.attribute, None
    if isinstance(attribute, Annotated):
        # In a query of its own where it is one of another entity, or where it aggregates.
        value = attribute.expression
        if place.way.relations or _resolved(place.dataclass, value).contains_aggregate:
            value = visible.annotation(place)
    return visible.expression(caller, place, value)


def _is_window(dataclass: DataClass, attribute: Annotated) -> bool:
    return bool(_resolved(dataclass, attribute.expression).contains_over_clause)


def _plain(value: Any, restore: Callable[[Any], Any], *, is_number: bool = False) -> Column:
    return Column(value, value, value, restore, is_number=is_number)


def _whole_if_it_is(number: float) -> int | float:
    """JSON does not tell 5 from 5.0, and the database gives a float for both."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _to_scale(field: Field[Any, Any]) -> Callable[[Any], Any]:
    """SQLite gives a sum of decimals without its final zeros."""
    digits = getattr(field, "decimal_places", None)
    if digits is None:
        return lambda number: number
    scale = Decimal(1).scaleb(-digits)
    return lambda number: number.quantize(scale, context=_WIDE) if number.is_finite() else number


def _resolved(dataclass: DataClass, value: Any) -> Any:
    return dataclass.model._base_manager.annotate(_fourd=value).query.annotations["_fourd"]
