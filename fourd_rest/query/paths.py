"""Paths of the language → attributes, walked over exposed attributes of registered dataclasses only.

A path may pass relations whose target the caller may read; any other step is an attribute that does
not exist, whatever the model has (D-37). Nothing that a client writes reaches the ORM as a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from fourd_rest.dataclass import Attribute, DataClass, Kind
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import QUERY_TOO_LARGE, WRONG_ATTRIBUTE_TYPE, RestError, asked_attribute
from fourd_rest.request.filter_syntax import Path, Step

MAX_STEPS = 10
NO_CONDITION = Q()


@dataclass(frozen=True, slots=True)
class Way:
    """To-one relations that lead from an entity to another one, or nowhere: ``()``."""

    hops: tuple[Attribute, ...] = ()

    @property
    def prefix(self) -> str:
        """What the ORM's lookups of the other entity begin with."""
        return "".join([f"{hop.lookup}__" for hop in self.hops]) if self.hops else ""

    def is_seen(self, caller: Caller) -> Q:
        """Whether the caller may see each entity on the way; ``Q()`` where none can be hidden."""
        seen, prefix = NO_CONDITION, ""
        for hop in self.hops:
            prefix += f"{hop.lookup}__"
            if hop.target is not None and hop.target.restricts_rows:
                seen &= sees(caller, hop.target, f"{prefix}pk")
        return seen


@dataclass(frozen=True, slots=True)
class Link:
    """A to-many relation on a path, at the end of ``way``. Equal links bear on one related entity."""

    way: Way
    owner: DataClass
    attribute: Attribute
    reference: int

    @property
    def target(self) -> DataClass:
        assert self.attribute.target is not None  # noqa: S101  (a relation has a target)
        return self.attribute.target


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: over ``links``, then over ``way``, to ``attribute`` of ``dataclass``.

    ``links`` and ``way`` each begin where the one before ends. ``element`` is what stands in brackets
    behind the attribute itself and ``steps`` is what follows it: the way within an object. ``alias`` is
    by which attribute of which dataclass the path got there, if by an alias: the caller may know of
    nothing beyond it.
    """

    links: tuple[Link, ...]
    way: Way
    dataclass: DataClass
    attribute: Attribute
    element: str | None = None
    steps: tuple[Step, ...] = ()
    alias: tuple[DataClass, Attribute] | None = None

    def after_link(self) -> Place:
        """The rest of the path, seen from the entities of its first link."""
        return replace(self, links=self.links[1:])

    def wrong_type(self) -> RestError:
        """1574: the attribute, as the caller knows it, is not for what was asked."""
        owner, attribute = self.alias or (self.dataclass, self.attribute)
        return RestError(WRONG_ATTRIBUTE_TYPE(attribute=attribute.name, dataclass=owner.name))


def resolve(caller: Caller, dataclass: DataClass, path: Path) -> Place:
    """Where ``path`` leads from ``dataclass``.

    Raises ``RestError`` 1500 for a step that the caller may not know of, 9022 for a path that is too
    long.
    """
    if len(path.steps) > MAX_STEPS:
        raise RestError(QUERY_TOO_LARGE(reason=f"a path has more than {MAX_STEPS} steps"))
    links: list[Link] = []
    hops: list[Attribute] = []
    here = dataclass
    for index, step in enumerate(path.steps):
        asked, attribute, alias = here, readable(caller, here, step.name), None
        rest = path.steps[index + 1 :]
        if attribute.kind is Kind.ALIAS:
            alias = here, attribute
            # The right to read an alias is that to read its own dataclass.
            *aliased, end = attribute.path.split(".")
            for name in aliased:
                hops.append(here.own_attributes[name])
                here = hops[-1].target or here
            attribute = here.own_attributes[end]
        if attribute.type == "object":
            way = Way(tuple(hops))
            return Place(tuple(links), way, here, attribute, step.element, rest, alias)
        if step.element is not None:
            raise unknown(f"{step.name}[{step.element}]", asked)
        if step.reference and attribute.kind is not Kind.TO_MANY:
            raise unknown(f"{step.name}{{{step.reference}}}", asked)
        if attribute.kind is Kind.TO_MANY:
            link = Link(Way(tuple(hops)), here, attribute, step.reference)
            if not rest:
                # The related entities themselves: their key stands for them.
                return Place((*links, link), Way(), link.target, attribute)
            links.append(link)
            hops, here = [], link.target
            continue
        if not rest:
            return Place(tuple(links), Way(tuple(hops)), here, attribute, alias=alias)
        if attribute.target is None:
            raise unknown(rest[0].name, asked)
        hops.append(attribute)
        here = attribute.target
    raise unknown("", dataclass)


def annotated(place: Place) -> Any:
    """The value at ``place`` that an annotation of the site computes, as SQL; None for a column.

    A query of its own, where it may aggregate.
    """
    attribute = place.attribute
    if attribute.expression is None:
        return None
    rows = place.dataclass.model._base_manager.annotate(**{attribute.source: attribute.expression})
    row = rows.filter(pk=OuterRef(f"{place.way.prefix}pk")).order_by()
    return Subquery(row.values(attribute.source)[:1])


def resolve_names(caller: Caller, dataclass: DataClass, names: Sequence[str]) -> Place:
    """``resolve`` for plain names."""
    return resolve(caller, dataclass, Path(tuple(Step(name) for name in names)))


def readable(caller: Caller, dataclass: DataClass, name: str) -> Attribute:
    """The attribute ``name``, as far as the caller may know of it; 1500 otherwise."""
    attribute = dataclass.attributes.get(name)
    if attribute is None or (attribute.target is not None and not caller.views(attribute.target)):
        raise unknown(name, dataclass)
    return attribute


def unknown(name: str, dataclass: DataClass) -> RestError:
    return RestError(asked_attribute(name, dataclass.name))


def sees(caller: Caller, target: DataClass | None, lookup: str) -> Q:
    """Whether the entity of ``target`` whose key ``lookup`` selects is not hidden from the caller."""
    if target is None or not target.restricts_rows:
        return Q()
    rows: Any = target.entities(caller.request).order_by().values("pk")
    return Q(**{f"{lookup}__in": rows})
