"""Paths of the language → attributes, walked over exposed attributes of registered dataclasses only.

A path may pass relations whose target the caller may read; any other step is an attribute that does
not exist, whatever the model has (D-37). Nothing that a client writes reaches the ORM as a name.
"""

from __future__ import annotations

from collections.abc import Sequence

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Alias, ToMany, ToOne
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import QUERY_TOO_LARGE, RestError
from fourd_rest.request.filter_syntax import Path, Step

from .places import Link, Place, Way
from .visible import readable, unknown

MAX_STEPS = 10


def resolve(caller: Caller, dataclass: DataClass, path: Path) -> Place:
    """Where ``path`` leads from ``dataclass``.

    Raises ``RestError`` 1500 for a step that the caller may not know of, 9022 for a path that is too
    long.
    """
    if len(path.steps) > MAX_STEPS:
        raise RestError(QUERY_TOO_LARGE(reason=f"a path has more than {MAX_STEPS} steps"))
    links: list[Link] = []
    way: list[ToOne[DataClass]] = []
    here = dataclass
    for index, step in enumerate(path.steps):
        asked, attribute, alias = here, readable(caller, here, step.name), None
        rest = path.steps[index + 1 :]
        if isinstance(attribute, Alias):
            alias = here, attribute
            # The right to read an alias is that to read its own dataclass.
            way += attribute.relations
            here = attribute.relations[-1].target if attribute.relations else here
            attribute = attribute.end
        if attribute.type == "object":
            return Place(tuple(links), Way(tuple(way)), here, attribute, step.element, rest, alias)
        _check_brackets(step, attribute, asked)
        if isinstance(attribute, ToMany):
            link = Link(Way(tuple(way)), here, attribute, step.reference)
            if not rest:
                # The related entities themselves: their key stands for them.
                return Place((*links, link), Way(), link.target, attribute)
            links.append(link)
            way, here = [], link.target
            continue
        if not rest:
            return Place(tuple(links), Way(tuple(way)), here, attribute, alias=alias)
        if not isinstance(attribute, ToOne):
            raise unknown(rest[0].name, asked)
        way.append(attribute)
        here = attribute.target
    raise unknown("", dataclass)


def _check_brackets(step: Step, attribute: Attribute, asked: DataClass) -> None:
    """Raise 1500 for ``[…]``, which only objects take, and for ``{…}`` where no relation to many is."""
    if step.element is not None:
        raise unknown(f"{step.name}[{step.element}]", asked)
    if step.reference and not isinstance(attribute, ToMany):
        raise unknown(f"{step.name}{{{step.reference}}}", asked)


def resolve_names(caller: Caller, dataclass: DataClass, names: Sequence[str]) -> Place:
    """``resolve`` for plain names. Raises ``RestError`` 1500 or 9022."""
    return resolve(caller, dataclass, Path(tuple(Step(name) for name in names)))
