"""What the oracle is asked: filters as trees, over rows that are plain dicts.

A row is a dict by attribute name; a to-one relation is a row or None in it, a to-many relation a list of
rows. Nothing here, nor in what uses it, comes from ``fourd_rest``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Row: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True)
class Kind:
    """Type of an attribute: as in the catalog, ``moment`` for a date with a time, or ``relation``."""

    type: str
    target: str = ""
    many: bool = False


@dataclass(frozen=True)
class Schema:
    """``kinds[dataclass][attribute]`` and ``keys[dataclass]``, the name of the key attribute."""

    kinds: Mapping[str, Mapping[str, Kind]]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """``name``, ``name[]`` (element ""), ``name[a]`` (element "a"), ``name{2}`` (reference 2)."""

    name: str
    element: str | None = None
    reference: int = 0


def steps(text: str) -> tuple[Step, ...]:
    """The path ``tags[a].subs[].x``, ``books{2}.title``, or the empty one."""
    found = []
    for name, bracket, element, reference in _STEP.findall(text):
        found.append(Step(name, element if bracket else None, int(reference or 0)))
    return tuple(found)


_STEP = re.compile(r"(\w+)(\[(\w?)\])?(?:\{(\d+)\})?")


@dataclass(frozen=True)
class Word:
    """A value without quotes."""

    text: str


@dataclass(frozen=True)
class Quoted:
    """A value in quotes."""

    text: str


@dataclass(frozen=True)
class Json:
    """The value of a placeholder; numbers with a fraction are ``Decimal``."""

    value: Any


Constant: TypeAlias = "Word | Quoted | Json | bool | None"
Operand: TypeAlias = "Constant | tuple[Constant, ...]"


@dataclass(frozen=True)
class Criterion:
    """``operator`` is one of ``= === != !== < <= > >= in % begin``, or empty: the path alone."""

    path: tuple[Step, ...]
    operator: str
    operand: Operand = None


@dataclass(frozen=True)
class Not:
    node: Node


@dataclass(frozen=True)
class And:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Except:
    node: Node
    without: Node


Node: TypeAlias = "Criterion | Not | And | Or | Except"
