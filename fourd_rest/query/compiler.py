"""A filter → one condition for the ORM (``query.md`` 3, 6, 8; D-43, D-44).

Relations to many become ``EXISTS``, so that every entity is found once. Criteria that ``and`` joins
directly and that stand on the same to-many path bear on one related entity, and so do those of an ``or``
all of whose criteria stand on it; the same holds for elements of collections under one letter. ``not``
moves inwards: it turns a criterion round among the entities with a value, and says of related entities
that none fulfils what it holds for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Q

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import QUERY_NOT_ANALYZED, QUERY_TOO_LARGE, RestError
from fourd_rest.request.filter_syntax import (
    And,
    Comparator,
    Comparison,
    Constant,
    Except,
    IsTrue,
    Node,
    Not,
    Or,
    Path,
    Placeholder,
)

from .conditions import unmatched
from .constants import meant
from .criteria import ConditionPair, Criteria
from .paths import resolve
from .places import Link, Place
from .terms import All, Criterion, Difference, Inverse, Some, Term, merged


def condition(caller: Caller, dataclass: DataClass, where: Node, alias: str) -> Q:
    """The condition that ``where``, bound to its placeholders, puts to entities of ``dataclass``.

    ``alias`` is the database that will be asked. Raises ``RestError``: 1500 for what the caller may not
    know of, 1200, 1201, 1280, 1574, 9022.
    """
    return _Compiler(caller, alias).holds(_resolved(caller, dataclass, where))


def _resolved(caller: Caller, dataclass: DataClass, node: Node) -> Term:
    if isinstance(node, Comparison):
        place = _place(caller, dataclass, node.path)
        return Criterion(place, node.comparator, meant(place.attribute, node.operand))

    def resolved(inner: Node) -> Term:
        return _resolved(caller, dataclass, inner)

    match node:
        case IsTrue(path):
            place = _place(caller, dataclass, path)
            if place.attribute.type != "bool":
                raise RestError(QUERY_NOT_ANALYZED(reason=f'"{path}" stands without a comparator'))
            return Criterion(place, Comparator.IDENTICAL, Constant(True))
        case Not(inner):
            return Inverse(resolved(inner))
        case Except(inner, without):
            return Difference(resolved(inner), resolved(without))
        case And(nodes):
            return All(tuple(map(resolved, nodes)))
        case Or(nodes):
            return Some(tuple(map(resolved, nodes)))


def _place(caller: Caller, dataclass: DataClass, path: Path | Placeholder) -> Place:
    assert isinstance(path, Path), "bind comes first"  # noqa: S101
    place = resolve(caller, dataclass, path)
    limit = current().MAX_TO_MANY_HOPS
    if len(place.links) > limit:
        reason = f"a path passes more than {limit} relations to many"
        raise RestError(QUERY_TOO_LARGE(reason=reason))
    return place


class _Compiler:
    """Terms → conditions on the entities where their places begin."""

    def __init__(self, caller: Caller, alias: str) -> None:
        self.criteria = Criteria(caller, alias)

    def holds(self, term: Term) -> Q:
        """What ``term`` holds for."""
        match term:
            case Criterion():
                return self._pair(_link(term), [term]).holds
            case All():
                return _all([self._pair(link, group).holds for link, group in _groups(term)])
            case Some():
                return _any(map(self.holds, merged(_flat(term, Some), any_=True)))
            case Inverse(inner):
                return self.fails(inner)
            case Difference(inner, without):
                return self.holds(inner) & unmatched(self.holds(without))

    def fails(self, term: Term) -> Q:
        """What ``not`` in front of ``term`` holds for."""
        match term:
            case Criterion():
                return self._pair(_link(term), [term]).fails
            case All():
                return _any([self._group_fails(link, group) for link, group in _groups(term)])
            case Some():
                return _all(map(self.fails, merged(_flat(term, Some), any_=True)))
            case Inverse(inner):
                return self.holds(inner)
            case Difference(inner, without):
                return self.fails(inner) | self.holds(without)

    def _group_fails(self, link: Link | None, group: Sequence[Term]) -> Q:
        first = group[0]
        if link is None and not isinstance(first, Criterion):
            return self.fails(first)  # what it holds for might cost Python a look at each entity
        return self._pair(link, group).fails

    def _pair(self, link: Link | None, group: Sequence[Term]) -> ConditionPair:
        """Terms that bear on one related entity, that of ``link``, or one element, or a single term."""
        first = group[0]
        if link is not None:
            inner = All(tuple(map(_from_link, group)))
            matches = self.criteria.exists(link, self.holds(inner))
            return ConditionPair(matches, lambda: unmatched(matches))
        if not isinstance(first, Criterion):
            return ConditionPair(self.holds(first), lambda: self.fails(first))
        if first.asks_for_any:
            return self._any_related(first)
        if first.letter is not None:
            return self.criteria.property_pair([t for t in group if isinstance(t, Criterion)])
        return self.criteria.pair(first)

    def _any_related(self, term: Criterion) -> ConditionPair:
        some = self.criteria.exists(term.place.links[0], Q())
        is_there = ConditionPair(some, lambda: unmatched(some))
        is_equal = term.comparator in (Comparator.EQUAL, Comparator.IDENTICAL)
        return is_there.negated if is_equal else is_there


def _groups(term: Term) -> list[tuple[Link | None, list[Term]]]:
    """The terms of a conjunction, those together that bear on one related entity or element."""
    groups: dict[object, tuple[Link | None, list[Term]]] = {}
    for single in merged(_flat(term), any_=False):
        link = _link(single)
        key: object = link
        if link is None and isinstance(single, Criterion):
            key = single.letter
        groups.setdefault(object() if key is None else key, (link, []))[1].append(single)
    return list(groups.values())


def _flat(term: Term, kind: type[All | Some] = All) -> Iterator[Term]:
    if isinstance(term, (All, Some)) and isinstance(term, kind):
        for inner in term.terms:
            yield from _flat(inner, kind)
    else:
        yield term


def _link(term: Term) -> Link | None:
    """The to-many relation that every criterion of ``term`` begins with."""
    match term:
        case Criterion(place):
            return place.links[0] if place.links and not term.asks_for_any else None
        case All(terms) | Some(terms):
            first, *others = map(_link, terms)
            return first if all(other == first for other in others) else None
    return None


def _from_link(term: Term) -> Term:
    """``term`` as the entities of its first link see it."""
    match term:
        case Criterion(place, comparator, operand):
            return Criterion(place.after_link(), comparator, operand)
        case All(terms):
            return All(tuple(map(_from_link, terms)))
        case Some(terms):
            return Some(tuple(map(_from_link, terms)))
    raise AssertionError("only terms on one relation are grouped")


def _all(conditions: Iterable[Q]) -> Q:
    first, *others = conditions
    return Q(first, *others) if others else first


def _any(conditions: Iterable[Q]) -> Q:
    first, *others = conditions
    return Q(first, *others, _connector=Q.OR) if others else first
