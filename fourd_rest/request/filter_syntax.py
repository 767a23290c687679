"""What a filter or an order says, as values (``query.md`` 2, D-38). Nothing here knows a dataclass.

``filter_parser`` makes these values from text, ``query.compiler`` gives them a meaning. Positions
are offsets in the text and only for messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias


class Comparator(Enum):
    """A comparator in its normal spelling (``query.md`` 4, ``server-facts.md`` 8)."""

    EQUAL = "="  # = == eq like: ignores case and accents, "@" is a wildcard
    IDENTICAL = "==="  # === is eqeq: likewise, without a wildcard
    DIFFERENT = "!="  # != # ne
    NOT_IDENTICAL = "!=="  # !== ## isnot nene, is not
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    IN = "in"
    WORD = "%"  # % %%: holds this word
    BEGIN = "begin"

    # Enum's own, written in Python, takes 5 % of what it takes to compile a filter.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path.

    ``element`` is None without brackets, ``""`` for ``[]`` and the lower-case letter for ``[a]``;
    ``reference`` is the ``n`` of ``{n}``, 0 without.
    """

    name: str
    element: str | None = None
    reference: int = 0


@dataclass(frozen=True, slots=True)
class Path:
    """``name.name``, with at least one step. ``position`` is that of its first character."""

    steps: tuple[Step, ...]
    position: int = 0

    def __str__(self) -> str:
        return ".".join(
            f"{step.name}"
            f"{'' if step.element is None else f'[{step.element}]'}"
            f"{f'{{{step.reference}}}' if step.reference else ''}"
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``:1`` or ``:name``, until ``bind`` replaces it by a value."""

    name: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Bare:
    """An unquoted value that is no keyword: a number, a date or words."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted value, its escapes decoded."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """``null``, ``true`` or ``false`` without quotes."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class Given:
    """The value of a placeholder: as JSON gave it, numbers with a fraction as ``Decimal``."""

    value: Any
    placeholder: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list in the text: ``["Ann", 12]``."""

    items: tuple[Bare | Text | Constant | Given, ...]


Operand: TypeAlias = "Bare | Text | Constant | Given | Items | Placeholder"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path comparator operand``: one criterion."""

    path: Path | Placeholder
    comparator: Comparator
    operand: Operand


@dataclass(frozen=True, slots=True)
class IsTrue:
    """A path that stands alone: a boolean attribute that is true."""

    path: Path | Placeholder


@dataclass(frozen=True, slots=True)
class Not:
    """What does not match ``node``."""

    node: Node


@dataclass(frozen=True, slots=True)
class And:
    """What matches all of ``nodes``, two or more."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What matches one of ``nodes`` at least, which are two or more."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Except:
    """What matches ``node`` and does not match ``without``."""

    node: Node
    without: Node


Node: TypeAlias = "Comparison | IsTrue | Not | And | Or | Except"


def criteria(node: Node | None) -> Iterator[Comparison | IsTrue]:
    """All criteria of a tree, from left to right; none of None."""
    match node:
        case Comparison() | IsTrue():
            yield node
        case Not(inner):
            yield from criteria(inner)
        case Except(inner, without):
            yield from criteria(inner)
            yield from criteria(without)
        case And(nodes) | Or(nodes):
            for inner in nodes:
                yield from criteria(inner)


@dataclass(frozen=True, slots=True)
class OrderItem:
    """An attribute to sort by, ascending unless ``descending``."""

    path: Path
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole filter: ``where`` is None without criteria, ``order`` is empty without a clause."""

    where: Node | None
    order: tuple[OrderItem, ...] = ()
