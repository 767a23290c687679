"""Attributes that no column of the entity holds: computed ones and aliases (``functions.md`` 7).

``computed`` names properties and methods of the model, typed by their annotations; ``annotations`` holds
SQL expressions; ``aliases`` are paths over to-one relations to an attribute of another entity.
"""

from __future__ import annotations

import datetime as dt
import inspect
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

from django.core.exceptions import FieldError
from django.db import models
from django.utils.functional import cached_property

from .attributes import Alias, Annotated, Computed, Scalar, ToOne
from .custom import plain_computed
from .left_out import IS_RESERVED, LeftOut
from .names import RESERVED
from .options import Attribute, DataClass
from .values import ValueType, value_type

_FIELDS: dict[type, models.Field[Any, Any]] = {
    bool: models.BooleanField(),
    int: models.BigIntegerField(),
    float: models.FloatField(),
    Decimal: models.DecimalField(),
    str: models.TextField(),
    uuid.UUID: models.UUIDField(),
    dt.datetime: models.DateTimeField(),
    dt.date: models.DateField(),
    dt.time: models.TimeField(),
    dt.timedelta: models.DurationField(),
    dict: models.JSONField(),
    list: models.JSONField(),
}


class Derived:
    """Builds the derived attributes of ``dataclass``, after the ``own`` ones of its model."""

    def __init__(self, dataclass: DataClass, own: Mapping[str, Attribute]) -> None:
        self.dataclass = dataclass
        self.left_out: list[LeftOut] = []
        # What has a wire name already, by that name.
        self._taken = {name: attribute.source for name, attribute in own.items()}

    def build(self) -> Iterator[Attribute]:
        """The attributes in the order of the options; fills ``left_out``."""
        options = self.dataclass
        for source in options.computed:
            yield from self._kept(source, self._computed(source))
        for source, expression in options.annotations.items():
            yield from self._kept(source, self._annotated(source, expression))
        for name, path in options.aliases.items():
            yield from self._kept(name, self._alias(name, path))

    def _kept(self, source: str, made: Attribute | str) -> Iterator[Attribute]:
        what = f"{self.dataclass.model._meta.label}.{source}"
        if isinstance(made, str):
            self.left_out.append(LeftOut(what, made, source))
        elif made.name in RESERVED:
            self.left_out.append(LeftOut(what, IS_RESERVED, source))
        elif made.name in self._taken:
            rival = self._taken[made.name]
            self.left_out.append(LeftOut(what, f"{rival!r} has the same name", source, rival))
        else:
            self._taken[made.name] = source
            yield made

    def _computed(self, source: str) -> Attribute | str:
        member = inspect.getattr_static(self.dataclass.model, source, None)
        read_only = True
        function: Any = member
        if isinstance(member, property):
            function, read_only = member.fget, member.fset is None
        elif isinstance(member, cached_property):
            function = member.func
        if not inspect.isfunction(function):
            return "the model has no property or method of this name"
        if _takes_arguments(function):
            return "it takes arguments"
        value = _returned_type(function)
        if value is None:
            return "it has no return annotation that an attribute type goes with"
        what = f"{self.dataclass.model._meta.label}.{source}"
        return Computed(
            name=self.dataclass.attribute_name(source),
            type=value.name,
            source=source,
            read_only=read_only or source in self.dataclass.readonly_fields,
            value=value,
            is_opaque=True,
            is_compared_in_python=True,
            compute=_getter(source, value, what, is_method=inspect.isfunction(member)),
        )

    def _annotated(self, source: str, expression: Any) -> Attribute | str:
        queryset = self.dataclass.model._base_manager.all()
        try:
            field = queryset.annotate(**{source: expression}).query.annotations[source].output_field
        except (FieldError, ValueError, TypeError) as error:
            return str(error)
        value = value_type(field)
        return Annotated(
            name=self.dataclass.attribute_name(source),
            type=value.name,
            source=source,
            column=source,
            read_only=True,
            value=value,
            expression=expression,
            is_opaque=value.is_opaque,
            is_compared_in_python=value.is_opaque,
        )

    def _alias(self, name: str, path: str) -> Attribute | str:
        *steps, last = path.split(".")
        dataclass, lookup, relations = self.dataclass, "", []
        for step in steps:
            relation = dataclass.own_attributes.get(step)
            if not isinstance(relation, ToOne):
                return f"{step!r} is no to-one relation of {dataclass.name}"
            relations.append(relation)
            lookup += f"{relation.lookup}__"
            dataclass = relation.target
        end = dataclass.own_attributes.get(last)
        if not isinstance(end, Scalar):
            return f"{last!r} is no scalar attribute of {dataclass.name}"
        if end.is_opaque and not end.value.is_opaque:
            return f"the manager of {dataclass.name} reads {last!r} in a way of its own"
        return Alias(
            name=name,
            type=end.type,
            source=end.source,
            column=f"{lookup}{end.column}",
            # 4D writes through an alias to the same entity only.
            read_only=bool(steps) or end.read_only,
            value=end.value,
            is_opaque=end.is_opaque,
            is_compared_in_python=end.is_compared_in_python,
            end=end,
            path=path,
            relations=tuple(relations),
        )


def _getter(source: str, type_: ValueType, what: str, *, is_method: bool) -> Callable[[Any], Any]:
    plain = plain_computed(what, type_.plain)

    def get(instance: Any) -> Any:
        value = getattr(instance, source)
        return plain(value() if is_method else value)

    return get


def _takes_arguments(function: Callable[..., Any]) -> bool:
    _, *others = inspect.signature(function).parameters.values()
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return any(item.default is item.empty and item.kind not in variable for item in others)


def _returned_type(function: Callable[..., Any]) -> ValueType | None:
    try:
        hint = get_type_hints(function).get("return")
    except (NameError, TypeError):
        return None
    if get_origin(hint) in (Union, types.UnionType):
        choices = [choice for choice in get_args(hint) if choice is not type(None)]
        hint = choices[0] if len(choices) == 1 else None
    plain = get_origin(hint) or hint
    field = _FIELDS.get(plain) if isinstance(plain, type) else None
    return None if field is None else value_type(field)
