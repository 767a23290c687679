"""The query language once more, naively: what a filter means for rows that are plain dicts.

For tests only: the SQL of the compiler must agree with it. It shares no code with ``fourd_rest`` and
knows no database: every row is asked on its own, what is asked is a tree of ``language``.

Sources: ``query.md`` 2 to 9 and 14, ``server-facts.md`` 8, D-17, D-18 and D-38 to D-45.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .language import And, Criterion, Except, Kind, Node, Not, Or, Row, Schema, Step
from .values import OPPOSITES, property_fails, property_holds, rank, scalar_fails, scalar_holds

# Objects


def _found(value: Any, path: Sequence[Step]) -> Any:
    for at, step in enumerate(path):
        if isinstance(value, list) and step.name == "length" and at == len(path) - 1:
            return len(value)
        value = value.get(step.name) if isinstance(value, dict) else None
    return value


def _elements(value: Any, path: Sequence[Step]) -> tuple[list[Any] | None, Sequence[Step]]:
    """The elements of the first collection of ``path``, None if it is not there, and what follows."""
    end = next(at for at, step in enumerate(path) if step.element is not None) + 1
    found = _found(value, path[:end])
    return found if isinstance(found, list) else None, path[end:]


def _choices(value: Any, path: Sequence[Step]) -> Iterator[Any]:
    """What can be found at the end of ``path``, whichever elements one chooses on the way."""
    if all(step.element is None for step in path):
        yield _found(value, path)
        return
    elements, rest = _elements(value, path)
    for element in elements or ():
        yield from _choices(element, rest)


def _letter(path: Sequence[Step]) -> int:
    """How many steps of ``path`` lead to its first element with a letter, 0 if there is none."""
    return next((at + 1 for at, step in enumerate(path) if step.element), 0)


def all_hold(value: Any, criteria: Iterable[Criterion]) -> bool:
    """Whether criteria that are joined by ``and`` hold for an object."""
    return all(_linked(value, group, True) for group in _by_letter(criteria))


def _by_letter(criteria: Iterable[Criterion]) -> list[list[Criterion]]:
    groups: dict[Any, list[Criterion]] = {}
    for at, item in enumerate(criteria):
        end = _letter(item.path)
        groups.setdefault(item.path[:end] if end else at, []).append(item)
    return list(groups.values())


def _linked(value: Any, criteria: list[Criterion], positive: bool) -> bool:
    """Criteria that bear on one element: whether it is there, or that the collection has none such."""
    end = _letter(criteria[0].path)
    if not end:
        return _property(value, criteria[0], positive)
    inner = [_shortened(item, end) for item in criteria]
    found = any(all_hold(element, inner) for element in _choices(value, criteria[0].path[:end]))
    return found if positive else _is_there(value, criteria[0].path) and not found


def _is_there(value: Any, path: Sequence[Step]) -> bool:
    return _elements(value, path)[0] is not None


def _property(value: Any, item: Criterion, positive: bool) -> bool:
    path, operator, operand = item.path, item.operator, item.operand
    if all(step.element is None for step in path):
        judge = property_holds if positive else property_fails
        return judge(_found(value, path), operator, operand)
    if operator in OPPOSITES:
        operator, positive = OPPOSITES[operator], not positive
    holds = any(property_holds(value, operator, operand) for value in _choices(value, path))
    return holds if positive else _is_there(value, path) and not holds


# Filters


def _flat(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        if isinstance(node, And):
            yield from _flat(node.nodes)
        else:
            yield node


class Oracle:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def holds(self, node: Node, row: Row, dataclass: str) -> bool:
        """Whether ``row`` matches."""
        if isinstance(node, Not):
            return self.fails(node.node, row, dataclass)
        if isinstance(node, Or):
            return any(self.holds(item, row, dataclass) for item in node.nodes)
        if isinstance(node, Except):
            return self.holds(node.node, row, dataclass) and not self.holds(node.without, row, dataclass)
        return all(self._group(group, row, dataclass, True) for group in self._groups(node, dataclass))

    def fails(self, node: Node, row: Row, dataclass: str) -> bool:
        """Whether ``row`` matches ``not (node)``."""
        if isinstance(node, Not):
            return self.holds(node.node, row, dataclass)
        if isinstance(node, Or):
            return all(self.fails(item, row, dataclass) for item in node.nodes)
        if isinstance(node, Except):
            return self.fails(node.node, row, dataclass) or self.holds(node.without, row, dataclass)
        return any(self._group(group, row, dataclass, False) for group in self._groups(node, dataclass))

    def ordered(
        self, rows: Iterable[Row], order: Sequence[tuple[tuple[Step, ...], bool]], dataclass: str
    ):
        """``rows`` by paths, each with True for descending; by key where they are equal (D-18)."""
        found = sorted(rows, key=lambda row: row[self.schema.keys[dataclass]])
        for path, descending in reversed(order):
            found.sort(key=lambda row: rank(self._value(row, path, dataclass)), reverse=descending)  # noqa: B023
        return found

    # Which criteria bear on one entity or element

    def _groups(self, node: Node, dataclass: str) -> list[tuple[Any, list[Node]]]:
        groups: list[tuple[Any, list[Node]]] = []
        for item in _flat([node]):
            scope = self._scope(item, dataclass)
            same = [nodes for other, nodes in groups if scope is not None and other == scope]
            if same:
                same[0].append(item)
            else:
                groups.append((scope, [item]))
        return groups

    def _scope(self, node: Node, dataclass: str) -> Any:
        """The steps to the to-many relation or the linked element that ``node`` as a whole bears on."""
        if isinstance(node, Criterion):
            many = self._to_many(node, dataclass)
            if many:
                return node.path[:many]
            return node.path[: _letter(node.path)] or None
        if isinstance(node, (And, Or)):
            scopes = {self._scope(item, dataclass) for item in node.nodes}
            scope = scopes.pop()
            linked = scope is not None and scope[-1].element is not None
            return scope if not scopes and not linked else None
        return None

    def _to_many(self, node: Criterion, dataclass: str) -> int:
        """How many steps lead over the first to-many relation whose entities are asked, 0 for none."""
        # At the end of a path, null asks for the relation as a whole.
        end = len(node.path) - (node.operand is None and node.operator != "")
        for at, step in enumerate(node.path[:end]):
            kind = self.schema.kinds[dataclass][step.name]
            if kind.type != "relation":
                return 0
            if kind.many:
                return at + 1
            dataclass = kind.target
        return 0

    def _group(self, group: tuple[Any, list[Node]], row: Row, dataclass: str, positive: bool) -> bool:
        scope, nodes = group
        if scope is None:
            node = nodes[0]
            if not isinstance(node, Criterion):
                return (self.holds if positive else self.fails)(node, row, dataclass)
            return self._criterion(node, row, dataclass, positive)
        if scope[-1].element is None:
            related, target = self._related(row, scope, dataclass)
            inner = And(tuple(_shortened(node, len(scope)) for node in nodes))
            return any(self.holds(inner, other, target) for other in related) is positive
        value, path, _ = self._walk(row, scope, dataclass)
        passed = len(scope) - len(path)
        return _linked(value, [_shortened(node, passed) for node in nodes], positive)

    def _related(self, row: Row, path: Sequence[Step], dataclass: str) -> tuple[list[Row], str]:
        rows = [row]
        for step in path:
            kind = self.schema.kinds[dataclass][step.name]
            found = [other[step.name] for other in rows]
            rows = found[0] if kind.many and found else [other for other in found if other is not None]
            dataclass = kind.target
        return rows, dataclass

    # One criterion

    def _walk(self, row: Row | None, path: Sequence[Step], dataclass: str) -> tuple[Any, Any, Kind]:
        """The value at the end of the relations of ``path``, the steps that remain, and its kind."""
        for at, step in enumerate(path):
            kind = self.schema.kinds[dataclass][step.name]
            value = None if row is None else row[step.name]
            if kind.type == "object":
                return {step.name: value}, path[at:], kind
            if kind.type != "relation" or at == len(path) - 1:
                return value, path[at + 1 :], kind
            row, dataclass = value, kind.target
        raise AssertionError("a path without steps")

    def _value(self, row: Row, path: Sequence[Step], dataclass: str) -> Any:
        value, rest, _ = self._walk(row, path, dataclass)
        return _found(value, rest)

    def _criterion(self, node: Criterion, row: Row, dataclass: str, positive: bool) -> bool:
        compare = scalar_holds if positive else scalar_fails
        if not node.path:
            return compare("key", row[self.schema.keys[dataclass]], node.operator, node.operand)
        value, rest, kind = self._walk(row, node.path, dataclass)
        if kind.type == "object":
            return _property(value, Criterion(tuple(rest), node.operator, node.operand), positive)
        if kind.type != "relation":
            return compare(kind.type, value, node.operator, node.operand)
        key = value[self.schema.keys[kind.target]] if value and not kind.many else value or None
        return compare("key", key, node.operator, node.operand)


def _shortened(node: Any, length: int) -> Any:
    if isinstance(node, Criterion):
        return Criterion(node.path[length:], node.operator, node.operand)
    return type(node)(tuple(_shortened(item, length) for item in node.nodes))
