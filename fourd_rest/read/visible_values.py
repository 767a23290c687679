"""An attribute as one caller may see it, as an SQL expression (D-13, D-21).

What is computed from a selection or shown as a table reads values by these expressions alone: where a
relation leads to an entity that the caller may not see, the value is NULL to the database already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    F,
    Field,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast

from fourd_rest.dataclass import Attribute, DataClass, Kind
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    ATTRIBUTE_NOT_FOUND,
    BAD_ATTRIBUTE_LIST,
    NO_ATTRIBUTE,
    QUERY_TOO_LARGE,
    WRONG_ATTRIBUTE_TYPE,
    RestError,
)
from fourd_rest.query import objects
from fourd_rest.query.paths import Way, resolve_names, sees
from fourd_rest.request.filter_syntax import Step
from fourd_rest.sql.text_folding import AsText, StoredFolded, folded_form, text_form

from .source import Selection

_NUMERIC = frozenset({"word", "long", "long64", "number"})
_WIDE = Context(prec=2_000)
# In one list: of each there are up to six columns in one statement, and databases allow some 1,600.
MAX_OPERANDS = 200


@dataclass(frozen=True, slots=True)
class Operand:
    """One name of a client's list.

    It leads over the to-one relations of ``way`` to ``attribute`` of ``owner``, and on into its object
    by ``steps``; ``alias`` is that of its ``Place``.
    """

    name: str
    owner: DataClass
    attribute: Attribute
    steps: tuple[Step, ...] = ()
    way: Way = Way()
    alias: tuple[DataClass, Attribute] | None = None

    @property
    def is_number(self) -> bool:
        """Whether it has a sum: a number, or a property, of whose values the numbers have one."""
        return bool(self.steps) or self.attribute.type in _NUMERIC

    @property
    def is_text(self) -> bool:
        return self.attribute.type == "string"

    @property
    def is_computed(self) -> bool:
        """Whether Python alone knows it, from the entity itself."""
        return self.attribute.in_python is not None and not self.way.hops

    def takes(self, action: str) -> bool:
        return self.is_number or action not in ("sum", "average")

    def check(self, action: str) -> None:
        """Raise ``RestError`` 1574 if ``action`` is not for a value of this type."""
        is_value = self.attribute.is_scalar
        if self.attribute.type == "object":
            # Of the objects that Python computes no property is looked up.
            is_value = bool(self.steps) and not self.is_computed
        if not is_value or not self.takes(action):
            raise self.wrong_type()

    def wrong_type(self) -> RestError:
        owner, attribute = self.alias or (self.owner, self.attribute)
        return RestError(WRONG_ATTRIBUTE_TYPE(attribute=attribute.name, dataclass=owner.name))


def resolve(caller: Caller, dataclass: DataClass, name: str) -> Operand:
    """What ``name`` means: an attribute, one over to-one relations, or a property of an object.

    Raises ``RestError`` 1500 and 1804 (404) for what the caller may not know of, 1574 for a path over a
    to-many relation.
    """
    try:
        place = resolve_names(caller, dataclass, name.split("."))
    except RestError as error:
        if error.items[-1].row is not ATTRIBUTE_NOT_FOUND:
            raise
        failed = BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name)
        raise RestError(*error.items, failed) from error
    operand = Operand(name, place.dataclass, place.attribute, place.steps, place.way, place.alias)
    if place.links and place.attribute.target is None:
        raise operand.wrong_type()
    return operand


def resolve_list(caller: Caller, dataclass: DataClass, names: str | None) -> list[Operand]:
    """The operands of a comma-separated list, each once.

    Raises 1816 for an empty list, 9022 (400) beyond ``MAX_OPERANDS``.
    """
    listed = dict.fromkeys(name.strip() for name in (names or "").split(","))
    if not any(listed):
        raise RestError(NO_ATTRIBUTE())
    if len(listed) > MAX_OPERANDS:
        raise RestError(QUERY_TOO_LARGE(reason=f"it names more than {MAX_OPERANDS} attributes"))
    return [resolve(caller, dataclass, name) for name in listed]


def rows_of(selection: Selection) -> QuerySet[Any]:
    """The entities of ``selection``, in no order, as a queryset that may be grouped and aggregated."""
    queryset = selection.queryset
    query = queryset.query
    if query.distinct or query.combinator or query.is_sliced or query.group_by is not None:
        model = selection.dataclass.model
        keys = queryset.order_by().values("pk")
        return model._base_manager.using(queryset.db).filter(pk__in=keys)
    return queryset.order_by()


def expression(caller: Caller, dataclass: DataClass, attribute: Attribute) -> Any:
    """SQL for the value of ``attribute``; of a to-one relation, for the key of the related entity.

    Not for what Python computes, nor for to-many relations.
    """
    if attribute.expression is not None:
        return _scalar(dataclass, attribute)
    column: Any = F(attribute.column)
    seen = Q()
    if attribute.kind is Kind.TO_ONE and attribute.target is not None:
        if not caller.views(attribute.target):
            return Value(None, output_field=_field(dataclass, column))
        seen = sees(caller, attribute.target, attribute.column)
    for hop in attribute.hops:
        # Reading an alias needs rights on itself only, but no entity that is hidden.
        seen &= sees(caller, hop.target, hop.column)
    return _if(seen, column)


def _if(seen: Q, value: Any) -> Any:
    return Case(When(seen, then=value)) if seen else value


@dataclass(frozen=True, slots=True)
class Column:
    """An operand in SQL that may be compared, grouped and aggregated on every database.

    ``order`` is what to sort and to group by, ``exact`` what tells values apart that are equal there.
    ``restore`` makes the attribute's Python value of what the database gives for ``value``.
    """

    value: Any
    order: Any
    exact: Any
    restore: Callable[[Any], Any]
    is_text: bool = False
    is_number: bool = False


def columns(selection: Selection, operand: Operand) -> list[Column]:
    """The SQL of ``operand``, which Python does not compute; of a property, its numbers and its texts.

    Raises ``RestError`` 1574 for a custom field of which nothing is known, for a window, and for what
    Python computes of a related entity.
    """
    attribute, alias, prefix = operand.attribute, selection.queryset.db, operand.way.prefix
    if attribute.compute is not None or attribute.is_opaque:
        raise operand.wrong_type()
    if attribute.expression is not None:
        # A window is one over the rows of a page, and no value of an entity.
        if _resolved(operand.owner, attribute.expression).contains_over_clause:
            raise operand.wrong_type()
        value = _scalar(operand.owner, attribute, prefix)
    else:
        value = F(f"{prefix}{attribute.column}")
    seen = operand.way.is_seen(selection.caller)
    value = _if(seen, value)
    if operand.steps:
        numbers, texts = objects.number(value, operand.steps), objects.text(value, operand.steps)
        folded = folded_form(texts, alias).expression
        return [
            _plain(numbers, _whole_if_it_is, is_number=True),
            Column(texts, folded, StoredFolded(texts), str, is_text=True),
        ]
    field = _field(selection.dataclass, value)
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
            if not seen and attribute.kind is Kind.STORAGE:
                order = text_form(operand.owner, attribute, f"{prefix}{attribute.column}").expression
            return [Column(value, order, StoredFolded(AsText(value)), str, is_text=True)]
    return [_plain(value, lambda found: found)]


def _plain(value: Any, restore: Callable[[Any], Any], *, is_number: bool = False) -> Column:
    return Column(value, value, value, restore, is_number=is_number)


def _whole_if_it_is(number: float) -> int | float:
    """JSON does not tell 5 from 5.0, and the database gives a float for both."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _to_scale(field: Field[Any, Any]) -> Callable[[Any], Any]:
    """SQLite gives a sum of decimals without its final zeros."""
    places = getattr(field, "decimal_places", None)
    if places is None:
        return lambda number: number
    scale = Decimal(1).scaleb(-places)
    return lambda number: number.quantize(scale, context=_WIDE) if number.is_finite() else number


def _field(dataclass: DataClass, value: Any) -> Field[Any, Any]:
    found: Field[Any, Any] = _resolved(dataclass, value).output_field
    return found


def _scalar(dataclass: DataClass, attribute: Attribute, prefix: str = "") -> Any:
    """An annotation of ``dataclass``, whose entities ``prefix`` leads to.

    In a subquery where it is one of another entity, or where it aggregates: so it may be aggregated.
    """
    if not prefix and not _resolved(dataclass, attribute.expression).contains_aggregate:
        return attribute.expression
    rows = dataclass.model._base_manager.annotate(_fourd=attribute.expression)
    return Subquery(rows.filter(pk=OuterRef(f"{prefix}pk")).order_by().values("_fourd")[:1])


def _resolved(dataclass: DataClass, value: Any) -> Any:
    return dataclass.model._base_manager.annotate(_fourd=value).query.annotations["_fourd"]
