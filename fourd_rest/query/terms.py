"""A filter whose paths are resolved, and what of it is one comparison.

Two hundred ``name = …`` joined by ``or`` are one ``in``: a text is folded and looked up once for each
entity, not two hundred times. Likewise two hundred ``name != …`` joined by ``and``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from fourd_rest.conf import current
from fourd_rest.dataclass.attributes import ToMany, Valued
from fourd_rest.request.filter_syntax import Bare, Comparator, Given, Items, Operand, Text

from .constants import is_null, several
from .objects import DIFFERING
from .places import Place

_IS = frozenset({Comparator.EQUAL, Comparator.IDENTICAL, Comparator.IN})


@dataclass(frozen=True, slots=True)
class Criterion:
    """A comparison whose path is resolved."""

    place: Place
    comparator: Comparator
    operand: Operand

    @property
    def letter(self) -> tuple[object, ...] | None:
        """The element of a collection on which this bears together with others, if on one."""
        place = self.place
        if place.attribute.type != "object" or place.links:
            return None
        steps = place.steps_within
        for index, step in enumerate(steps):
            if step.element:
                return (place.way, place.attribute, steps[: index + 1])
        return None

    @property
    def asks_for_any(self) -> bool:
        """Whether a to-many relation is compared with null: is there a related entity at all?"""
        place = self.place
        is_relation = len(place.links) == 1 and isinstance(place.attribute, ToMany)
        return is_relation and is_null(self.operand)


@dataclass(frozen=True, slots=True)
class Inverse:
    """``not``: what ``term`` does not hold for, among the entities with a value."""

    term: Term


@dataclass(frozen=True, slots=True)
class All:
    """``and``: all of ``terms`` hold."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """``or``: one of ``terms`` holds, or several do."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """``except``: ``term`` holds and ``without`` does not, also where there is no value."""

    term: Term
    without: Term


Term: TypeAlias = "Criterion | Inverse | All | Some | Difference"


def merged(terms: Iterable[Term], *, any_: bool) -> list[Term]:
    """``terms``, any or each of which must hold; one ``in`` for all that ask for the same value."""
    result: list[Term] = []
    found: dict[Place, tuple[int, list[Any]]] = {}
    limit = current().MAX_IN_VALUES
    for term in terms:
        # «One of these» may be joined by or, «none of these» by and.
        criterion = _equality(term, is_=any_)
        operands = None if criterion is None else _operands(criterion)
        if criterion is None or operands is None:
            result.append(term)
            continue
        index, known = found.get(criterion.place, (-1, []))
        if index < 0 or len(known) + len(operands) > limit:
            found[criterion.place] = len(result), operands
            result.append(term)
            continue
        known += operands
        one = Criterion(criterion.place, Comparator.IN, Items(tuple(known)))
        result[index] = one if any_ else Inverse(one)
    return result


def _equality(term: Term, *, is_: bool) -> Criterion | None:
    """The criterion by which ``term`` holds (or fails, with ``is_`` false) for certain values."""
    turned = isinstance(term, Inverse)
    inner: Term = term.term if isinstance(term, Inverse) else term
    if not isinstance(inner, Criterion):
        return None
    if inner.comparator in _IS:
        return inner if is_ is not turned else None
    equal = DIFFERING.get(inner.comparator)
    # Of several related entities one may differ and another not.
    if equal is None or inner.place.links or is_ is not turned:
        return None
    return Criterion(inner.place, equal, inner.operand)


def _operands(criterion: Criterion) -> list[Any] | None:
    """The values that ``criterion`` is for, None where ``in`` would mean something else."""
    place, operand = criterion.place, criterion.operand
    if not isinstance(place.attribute, Valued) or place.has_brackets:
        return None
    if criterion.comparator is Comparator.IN:
        operands = list(several(operand))
    elif isinstance(operand, Given) and isinstance(operand.value, list):
        return None
    else:
        operands = [operand]
    if any(map(is_null, operands)):
        return None
    if criterion.comparator is Comparator.IDENTICAL and any(map(_has_wildcard, operands)):
        return None
    return operands


def _has_wildcard(operand: Operand) -> bool:
    match operand:
        case Bare(text) | Text(text) | Given(str(text)):
            return "@" in text
    return False
