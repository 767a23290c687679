"""Where the paths of the language lead: relations, then an attribute, then perhaps into its object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Hop, ToMany, ToOne, passed
from fourd_rest.errors import WRONG_ATTRIBUTE_TYPE, RestError
from fourd_rest.request.filter_syntax import Step

# The entities that something depends on, the nearest first.
Hops: TypeAlias = Iterable[Hop[DataClass]]


@dataclass(frozen=True, slots=True)
class Way:
    """To-one relations that lead from an entity to another one, or nowhere: ``()``."""

    relations: tuple[ToOne[DataClass], ...] = ()

    @property
    def prefix(self) -> str:
        """What the ORM's lookups of the other entity begin with."""
        return "".join([f"{one.lookup}__" for one in self.relations]) if self.relations else ""

    @property
    def hops(self) -> tuple[Hop[DataClass], ...]:
        """The entities on the way."""
        return passed(self.relations) if self.relations else ()


@dataclass(frozen=True, slots=True)
class Link:
    """A to-many relation on a path, at the end of ``way``. Equal links bear on one related entity."""

    way: Way
    owner: DataClass
    attribute: ToMany[DataClass]
    reference: int

    @property
    def target(self) -> DataClass:
        """The dataclass of the related entities."""
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

    @property
    def lookup(self) -> str:
        """By what the ORM finds the value, seen from behind ``links``.

        A to-many relation that nothing follows stands for the related entity itself: for its key.
        """
        if isinstance(self.attribute, ToMany):
            return "pk"
        return f"{self.way.prefix}{self.attribute.column}"

    @property
    def hops(self) -> Hops:
        """The entities that the value depends on, beside the one behind ``links``."""
        own = self.attribute.hops
        if not own:
            return self.way.hops
        prefix = self.way.prefix
        return (*self.way.hops, *(replace(hop, column=f"{prefix}{hop.column}") for hop in own))

    @property
    def steps_within(self) -> tuple[Step, ...]:
        """The way within an object, beginning with the object itself, a step without a name."""
        return (Step("", self.element), *self.steps)

    @property
    def has_brackets(self) -> bool:
        """Whether the way within an object passes elements of collections."""
        return any(step.element is not None for step in self.steps_within)

    def after_link(self) -> Place:
        """The rest of the path, seen from the entities of its first link."""
        return replace(self, links=self.links[1:])

    def wrong_type(self) -> RestError:
        """1574: the attribute, as the caller knows it, is not for what was asked."""
        owner, attribute = self.alias or (self.dataclass, self.attribute)
        return RestError(WRONG_ATTRIBUTE_TYPE(attribute=attribute.name, dataclass=owner.name))


def place_of(dataclass: DataClass, attribute: Attribute) -> Place:
    """Where ``attribute`` of the entity itself is."""
    return Place((), Way(), dataclass, attribute)
