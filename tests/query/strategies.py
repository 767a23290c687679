"""Filters that hit and miss in a data set, drawn by hypothesis or by a number.

A filter is drawn around a *witness*, one row whose values most of its constants are near to. So the
result is seldom empty and seldom everything, although the tree is arbitrary.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from .constants import COMPARISON, Constants
from .datasets import COMPUTED, DERIVED, ROOTS, SCHEMA, Dataset
from .language import (
    And,
    Criterion,
    Except,
    Kind,
    Node,
    Not,
    Or,
    Row,
    Step,
    steps,
)
from .oracle import Oracle
from .spelling import WORD_OF_ELEMENT, Choices, Spelling, query_string
from .values import EQUALITY

ORACLE = Oracle(SCHEMA)

Order = tuple[tuple[tuple[Step, ...], bool], ...]

# The operators that a type takes.
OPERATORS = {
    "string": (*EQUALITY, *COMPARISON, "in", "%", "begin"),
    "bool": ("", *EQUALITY, "in"),
    "uuid": (*EQUALITY, "in"),
    "relation": (*EQUALITY, "in"),
    "many": (*EQUALITY, "in"),
    "object": (*EQUALITY, *COMPARISON, "in", "%", "begin"),
}
# Properties of the objects that ``datasets`` makes.
PROPERTIES = tuple(
    map(
        steps,
        ("", "score", "score", "level", "deep", "deep.name", "missing", "tags", "tags.length")
        + ("nums[]", "nums[a]", "tags[].name", "tags[].level", "tags[a].name", "tags[b].level")
        + ("tags[].subs[].x", "tags[a].subs[].x", "tags[].subs[a].x"),
    )
)
# Criteria that bear on one element.
LINKED = (
    ("tags[a].name", "tags[a].level"),
    ("tags[b].name", "tags[b].level", "tags[c].level"),
    ("tags[b].name", "tags[b].name"),
    ("tags[a].subs[].x", "tags[a].name"),
    ("tags[a].subs[b].x", "tags[a].subs[b].y"),
    ("tags[].subs[z].x", "tags[].subs[z].y"),
    ("nums[a]", "nums[a]"),
)
ORDERED = (*EQUALITY, *COMPARISON, "in")


def operators(kind: Kind) -> tuple[str, ...]:
    return OPERATORS.get("many" if kind.many else kind.type, ORDERED)


@dataclass(frozen=True)
class Filter:
    """A tree, what it says as text, and what of the language it uses.

    ``kinds`` are triples: operator, type of the last attribute of the path, whether null is asked for.
    """

    dataclass: str
    node: Node
    order: Order
    text: str
    params: str | None
    outer: bool
    used: frozenset[str]
    kinds: frozenset[tuple[str, str, bool]]
    # The text of $orderby, where the filter itself has no order.
    orderby: str = ""

    def __str__(self) -> str:
        ordered = f" ordered by {self.orderby}" if self.orderby else ""
        return f"{self.dataclass}?{self.text}{ordered}" + (f" with {self.params}" if self.params else "")

    @property
    def query_string(self) -> str:
        return query_string(self.text, self.params, self.orderby, outer=self.outer)


@cache
def _below(limit: int) -> st.SearchStrategy[int]:
    # Made once: a run takes thousands of draws.
    return st.integers(0, limit - 1)


@st.composite
def filters(draw: Any, data: Dataset) -> Filter:
    """Filters on the ``ROOTS`` of ``data``."""
    return drawn(Choices(lambda limit: draw(_below(limit))), data)


def drawn(choices: Choices, data: Dataset) -> Filter:
    dataclass = choices.pick(ROOTS)
    trees = _Trees(choices, data)
    node = trees.node(dataclass, choices.pick(data.rows[dataclass]), 3)
    order = trees.order(dataclass) if choices.chance(25) else ()
    return _written(choices, trees, dataclass, node, order)


# Dataclass, attribute, operator, whether null is asked for: every criterion on an own attribute of every
# kind. Those of the other dataclasses that are like ones of Everything are left out.
CRITERIA = tuple(
    (dataclass, attribute, operator, null)
    for dataclass in ROOTS
    for attribute, kind in SCHEMA.kinds[dataclass].items()
    if dataclass == "Everything" or kind.type == "relation" or attribute in DERIVED
    for operator in operators(kind)
    for null in (False, True)
    if not (null and operator not in EQUALITY)
)


def criterion(data: Dataset, number: int, round: int = 0) -> Filter:
    """A filter that is the criterion ``CRITERIA[number]`` alone, in each round with another value."""
    dataclass, attribute, operator, null = CRITERIA[number]
    choices = Choices(random.Random(f"{number} {round}").randrange)
    trees = _Trees(choices, data)
    kind = SCHEMA.kinds[dataclass][attribute]
    path = (Step(attribute), Step("score")) if kind.type == "object" else (Step(attribute),)
    values = [row[attribute] for row in data.rows[dataclass] if row[attribute] not in (None, [])]
    if kind.type == "object":
        values = [value["score"] for value in values if isinstance(value, dict) and "score" in value]
    value = choices.pick(values)
    if kind.type == "relation":
        value = (value[0] if kind.many else value)[SCHEMA.keys[kind.target]]
    node = trees.compared(path, kind, value, operator, null)
    return _written(choices, trees, dataclass, node, ())


# Dataclass, path to an attribute whose values are asked for, over to-one and to-many relations as well.
VALUED = tuple(
    (dataclass, path)
    for dataclass, attributes, prefixes in (
        ("Everything", SCHEMA.kinds["Everything"], [()]),
        ("Employee", ("lastName", "salary", "fullName", "employerName"), [(), ("manager",), ("team",)]),
        ("Company", ("name", "revenues", "creationDate", "extra"), [()]),
        ("Company", ("firstName", "birthDate", "woman"), [("staff",)]),
    )
    for attribute in attributes
    for prefix in prefixes
    for path in [tuple(map(Step, (*prefix, attribute)))]
)


def values_of_one(data: Dataset, number: int, round: int = 0) -> Filter:
    """Several values of the attribute ``VALUED[number]``, joined so that they might be one list."""
    dataclass, path = VALUED[number]
    choices = Choices(random.Random(f"values {number} {round}").randrange)
    trees = _Trees(choices, data)
    owner = dataclass
    for step in path[:-1]:
        owner = SCHEMA.kinds[owner][step.name].target
    name, kind = path[-1].name, SCHEMA.kinds[owner][path[-1].name]
    rows = data.rows[owner]
    if kind.type == "object":
        path = (*path, Step("score"))
    is_or = choices.chance(50)

    def one() -> Node:
        value = choices.pick(rows)[name]
        if kind.type == "object":
            value = value.get("score") if isinstance(value, dict) else None
        operator = choices.pick(("=", "=", "===", "in", "!=", "!=="))
        null = operator != "in" and (value is None or choices.chance(10))
        node = trees.compared(path, kind, value, operator, null)
        # Mostly, that is, or would be, a part of one list.
        turned = (operator in ("!=", "!==")) is is_or
        return Not(node) if turned is choices.chance(85) else node

    nodes = tuple(one() for _ in range(choices.pick((2, 3, 4))))
    node: Node = Or(nodes) if is_or else And(nodes)
    return _written(choices, trees, dataclass, Not(node) if choices.chance(25) else node, ())


def word_of_element(data: Dataset, number: int) -> Filter:
    """A filter with several criteria on one element, of which one at least looks for a word."""
    choices = Choices(random.Random(f"word {number}").randrange)
    dataclass = choices.pick(("Everything", "Company"))
    while True:
        trees = _Trees(choices, data)
        node: Node = trees.linked(dataclass, choices.pick(data.rows[dataclass]))
        if WORD_OF_ELEMENT in trees.used:
            return _written(choices, trees, dataclass, Not(node) if choices.chance(30) else node, ())


def _written(choices: Choices, trees: _Trees, dataclass: str, node: Node, order: Order) -> Filter:
    spelling = Spelling(choices)
    text = spelling.where(node)
    orderby = spelling.order(order) if order else ""
    if order and choices.chance(60):
        clause = choices.pick(("order by", "ORDER BY", "Order  by"))
        text += f" {clause} {orderby}"
        # The order in the filter wins (D-36).
        orderby = "nothing" if choices.chance(20) else ""
    return Filter(
        dataclass,
        node,
        order,
        text,
        spelling.params(),
        spelling.outer,
        frozenset(spelling.used | trees.used),
        frozenset(trees.kinds),
        orderby,
    )


class _Trees:
    def __init__(self, choices: Choices, data: Dataset) -> None:
        self._pick, self._chance = choices.pick, choices.chance
        self._constants = Constants(choices, data.texts)
        self._data = data
        self.used: set[str] = set()
        self.kinds: set[tuple[str, str, bool]] = set()

    # Trees

    def node(self, dataclass: str, witness: Row, depth: int) -> Node:
        shapes = ["criterion"] * 4 + (
            ["and", "related", "related", "or", "not", "except"] if depth else []
        )
        shape = self._pick(shapes)
        if shape == "criterion":
            return self._criterion(dataclass, witness)
        if shape == "related":
            return self._related(dataclass, witness, depth)
        if shape == "not":
            return Not(self.node(dataclass, self._other(dataclass), depth - 1))
        if shape == "except":
            without = self.node(dataclass, self._other(dataclass), depth - 1)
            return Except(self._true(dataclass, witness, depth - 1), without)
        count = self._pick((2, 2, 3))
        if shape == "and":
            return And(tuple(self._true(dataclass, witness, depth - 1) for _ in range(count)))
        return Or(tuple(self.node(dataclass, self._other(dataclass), depth - 1) for _ in range(count)))

    def _other(self, dataclass: str) -> Row:
        row: Row = self._pick(self._data.rows[dataclass])
        return row

    def _true(self, dataclass: str, witness: Row, depth: int) -> Node:
        """A node that the witness most probably matches."""
        node = self.node(dataclass, witness, depth)
        if ORACLE.holds(node, witness, dataclass):
            return node
        return self.node(dataclass, witness, depth)

    def _related(self, dataclass: str, witness: Row, depth: int) -> Node:
        """Several criteria on one to-many relation, and perhaps one beside them."""
        many = [name for name, kind in SCHEMA.kinds[dataclass].items() if kind.many]
        if not many:
            return self.linked(dataclass, witness)
        name = self._pick(many)
        target = SCHEMA.kinds[dataclass][name].target
        row = self._pick(witness[name] or self._data.rows[target])
        prefix = (Step(name, reference=self._reference()),)
        self.used.add("path to-many")
        nodes: list[Node] = [self._criterion(target, row, prefix) for _ in range(self._pick((2, 2, 3)))]
        if len(nodes) == 3:
            nodes = [nodes[0], Or((nodes[1], nodes[2]))]
        if self._chance(30):
            nodes.append(self.node(dataclass, witness, 0))
        if self._chance(20):
            # Each of them is judged on its own.
            single = self._criterion(target, self._other(target), prefix)
            plain = self.node(dataclass, witness, 0)
            apart = (Not(single), Or((single, plain)), Except(plain, single), Not(Not(single)))
            nodes.append(self._pick(apart))
        if self._chance(20):
            other = (Step(name, reference=3),)
            nodes.append(self._criterion(target, self._other(target), other))
        return And(tuple(nodes))

    def linked(self, dataclass: str, witness: Row) -> Node:
        """Criteria on one element of a collection."""
        names = [name for name, kind in SCHEMA.kinds[dataclass].items() if kind.type == "object"]
        if not names:
            return self._criterion(dataclass, witness)
        nodes: list[Node] = []
        for text in self._pick(LINKED):
            path = steps(text)
            example = self._example(witness[names[0]], path)
            operator = "%" if isinstance(example, str) and self._chance(30) else ""
            if operator:
                self.used.add(WORD_OF_ELEMENT)
            nodes.append(self._compared((Step(names[0]), *path), Kind("object"), example, operator))
        self.used.add("path property")
        if self._chance(20):
            nodes[-1:] = [self._pick((Not(nodes[-1]), Or((nodes[-1], nodes[0]))))]
        return And(tuple(nodes))

    def _example(self, value: Any, path: Sequence[Step]) -> Any:
        """Some value that ``path`` finds in an object."""
        for step in path:
            if step.name == "length" and isinstance(value, list):
                return len(value)
            value = value.get(step.name) if isinstance(value, dict) else None
            if step.element is not None and isinstance(value, list):
                value = self._pick(value) if value else None
        return value

    def _reference(self) -> int:
        return self._pick((1, 2)) if self._chance(25) else 0

    # Criteria

    def _criterion(self, dataclass: str, witness: Row, prefix: tuple[Step, ...] = ()) -> Criterion:
        path, rows = [*prefix], [witness]
        while True:
            name = self._pick(list(SCHEMA.kinds[dataclass]))
            kind = SCHEMA.kinds[dataclass][name]
            if kind.type != "relation" or len(path) > 2 or self._chance(25):
                break
            path.append(Step(name, reference=self._reference() if kind.many else 0))
            self.used.add("path to-many" if kind.many else "path to-one")
            found = [row[name] for row in rows]
            rows = [item for items in found for item in items] if kind.many else found
            dataclass = kind.target
            rows = [row for row in rows if row is not None] or [self._other(dataclass)]
        value = self._pick(rows)[name]
        if kind.type == "relation" and value:
            one = self._pick(value) if kind.many else value
            value = one[SCHEMA.keys[kind.target]]
        elif kind.many:
            value = None
        path.append(Step(name))
        if kind.type == "object":
            return self._property(tuple(path), value)
        return self._compared(tuple(path), kind, value)

    def _property(self, path: tuple[Step, ...], value: Any) -> Criterion:
        """A criterion on a property, an element or the whole object."""
        self.used.add("path property")
        tail = self._pick(PROPERTIES)
        return self._compared((*path, *tail), Kind("object"), self._example(value, tail))

    def _compared(self, path: tuple[Step, ...], kind: Kind, value: Any, operator: str = "") -> Criterion:
        operator = operator or self._pick(operators(kind))
        null = operator in EQUALITY and (
            (kind.many and self._chance(60))
            or self._chance(70 if value is None else 5)
            or isinstance(value, (list, dict))
        )
        return self.compared(path, kind, value, operator, null)

    def compared(
        self, path: tuple[Step, ...], kind: Kind, value: Any, operator: str, null: bool
    ) -> Criterion:
        """A criterion on an attribute of which ``value`` is an example."""
        type = "key" if kind.type == "relation" else kind.type
        self.kinds.add((operator, "many" if kind.many else kind.type, null))
        if operator == "":
            return Criterion(path, operator)
        if null:
            return Criterion(path, operator, None)
        if operator == "in":
            return Criterion(path, operator, self._constants.several(type, value))
        return Criterion(path, operator, self._constants.one(type, operator, value))

    # Orders

    def order(self, dataclass: str) -> Order:
        items = []
        for _ in range(self._pick((1, 1, 2))):
            path, here = [], dataclass
            while True:
                kinds = SCHEMA.kinds[here]
                name = self._pick(
                    [name for name, kind in kinds.items() if _can_order(name, kind, len(path))]
                )
                path.append(Step(name))
                if kinds[name].type != "relation":
                    break
                here = kinds[name].target
            if kinds[name].type == "object":
                path.append(Step("level"))
            items.append((tuple(path), self._chance(40)))
        return tuple(items)


def _can_order(name: str, kind: Kind, depth: int) -> bool:
    # MariaDB sorts UUIDs in an order of its own; what Python computes no database can sort by.
    if kind.many or kind.type == "uuid" or name in COMPUTED:
        return False
    return kind.type != "relation" or depth < 2
