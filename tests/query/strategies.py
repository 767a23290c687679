"""Hypothesis strategies: data sets, and filters that hit and miss in them.

A filter is drawn around a *witness*, one row whose values most of its constants are near to. So the
result is seldom empty and seldom everything, although the tree is arbitrary.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from .datasets import COMPUTED, DERIVED, ROOTS, SCHEMA, Dataset
from .language import (
    And,
    Criterion,
    Except,
    Json,
    Kind,
    Node,
    Not,
    Operand,
    Or,
    Quoted,
    Row,
    Step,
    Word,
    steps,
)
from .oracle import Oracle
from .spelling import Choices, Spelling, can_be_bare, can_be_quoted, query_string
from .values import EQUALITY

ORACLE = Oracle(SCHEMA)

Order = tuple[tuple[tuple[Step, ...], bool], ...]

COMPARISON = ("<", "<=", ">", ">=")
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
    ("tags[a].subs[].x", "tags[a].name"),
    ("tags[a].subs[b].x", "tags[a].subs[b].y"),
    ("tags[].subs[z].x", "tags[].subs[z].y"),
    ("nums[a]", "nums[a]"),
)
# Texts with what is special in the patterns of SQL.
SPECIAL = ("a_b", "10%", "a*b", "a?b", "[x]")
ORDERED = (*EQUALITY, *COMPARISON, "in")
NUMBERS = ("word", "long", "long64", "number")


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
            return self._linked(dataclass, witness)
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

    def _linked(self, dataclass: str, witness: Row) -> Node:
        """Criteria on one element of a collection."""
        names = [name for name, kind in SCHEMA.kinds[dataclass].items() if kind.type == "object"]
        if not names:
            return self._criterion(dataclass, witness)
        nodes: list[Node] = []
        for text in self._pick(LINKED):
            path = steps(text)
            example = self._example(witness[names[0]], path)
            nodes.append(self._compared((Step(names[0]), *path), Kind("object"), example))
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

    def _compared(self, path: tuple[Step, ...], kind: Kind, value: Any) -> Criterion:
        operator = self._pick(operators(kind))
        if operator == "%" and any(step.element for step in path):
            operator = "begin"
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
            return Criterion(path, operator, self._list(type, value))
        return Criterion(path, operator, self._constant(type, operator, value))

    def _list(self, type: str, value: Any) -> Operand:
        count = self._pick((0, 1, 2, 2, 3))
        items = self._items(type, value, count, json=self._chance(40))
        if any(isinstance(item, Json) for item in items):
            # A placeholder stands for a whole list.
            items = self._items(type, value, count, json=True)
        return tuple(items)

    def _items(self, type: str, value: Any, count: int, *, json: bool) -> list[Any]:
        return [
            self._constant(type, "=", None if at else value, json=json, in_list=True)
            for at in range(count)
        ]

    # Constants

    def _constant(
        self, type: str, operator: str, value: Any, *, json: bool | None = None, in_list: bool = False
    ) -> Any:
        """A constant near ``value``, or near to some value of the type if it is None."""
        if type == "bool":
            return self._truth(bool(self._pick((True, False)) if value is None else value), json)
        if type == "object":
            return self._of_property(operator, value, json, in_list)
        if type == "key":
            return self._key(value, json)
        if type in NUMBERS:
            return self._number(value, json, in_list)
        text = {
            "string": self._text,
            "date": self._date,
            "moment": self._moment,
            "duration": self._duration,
            "time": self._time,
            "uuid": self._uuid,
        }[type](operator, value)
        return self._spelled(text, json, in_list)

    def _spelled(self, text: str, json: bool | None, in_list: bool) -> Any:
        if json is None:
            json = self._chance(25)
        if json or not (can_be_quoted(text) or can_be_bare(text, in_list)):
            return Json(text)
        if can_be_bare(text, in_list) and (self._chance(50) or not can_be_quoted(text)):
            return Word(text)
        return Quoted(text)

    def _truth(self, value: bool, json: bool | None) -> Any:
        value = not value if self._chance(20) else value
        return Json(value) if json or (json is None and self._chance(25)) else value

    def _text(self, operator: str, value: Any) -> str:
        text: str = self._pick(self._data.texts) if value is None or self._chance(15) else value
        if operator == "%":
            text = self._pick(
                [word for word in text.replace(",", " ").split() if word.isalnum()] or ["x"]
            )
        if self._chance(30):
            text = text.swapcase()
        if operator in COMPARISON:
            # Elsewhere than at its end, "@" is no wildcard that an order could use.
            text = text.replace("@", "")
            return f"{text[:2]}@" if self._chance(20) else text
        if self._chance(35) and operator not in ("===", "!=="):
            if self._chance(40):
                text = self._pick(SPECIAL)
            middle = len(text) // 2
            text = self._pick(
                (f"{text[:2]}@", f"@{text[-2:]}", f"@{text[1:-1]}@", f"{text[:1]}@{text[-1:]}", "@")
                if operator != "begin"
                else (text[:1], text[:middle], f"@{text[middle:]}")
            )
        elif operator == "begin":
            text = text[: self._pick((1, 2, 3))]
        return f"{text}@@" if operator != "begin" and self._chance(2) else text

    def _number(self, value: Any, json: bool | None, in_list: bool) -> Any:
        number = Decimal(self._pick((-7, 0, 1, 2, 20))) if value is None else Decimal(str(value))
        if self._chance(30):
            number += self._pick((Decimal(1), Decimal(-1), Decimal("0.5"), Decimal(2**64)))
        whole = number == number.to_integral_value()
        if json or (json is None and self._chance(25)):
            return Json(int(number) if whole else number)
        text = str(int(number)) if whole and self._chance(80) else format(number, "f")
        if whole and number >= 0 and self._chance(8):
            text = f"v{int(number)}"
        return self._spelled(text, False, in_list)

    def _key(self, value: Any, json: bool | None) -> Any:
        key = 205 if value is None else value + self._pick((0, 0, 0, 1))
        if json or (json is None and self._chance(25)):
            return Json(key)
        return Word(str(key)) if self._chance(50) else Quoted(str(key))

    def _date(self, operator: str, value: Any) -> str:
        date: dt.date = (
            self._pick((dt.date(2024, 1, 2), dt.date(1999, 12, 31))) if value is None else value
        )
        if self._chance(15):
            date += dt.timedelta(days=self._pick((-1, 1)))
        return str(
            self._pick(
                (
                    date.isoformat(),
                    f"{date.day}!{date.month}!{date.year}",
                    f"!!{date.isoformat()}!!",
                    f"{date.isoformat()}T00:00:00Z",
                )
            )
        )

    def _moment(self, operator: str, value: Any) -> str:
        moment: dt.datetime = dt.datetime(2024, 1, 2, tzinfo=dt.UTC) if value is None else value
        if self._chance(15):
            moment += dt.timedelta(milliseconds=self._pick((-1, 1)))
        if moment.time() == dt.time() and self._chance(50):
            return self._date(operator, moment.date())
        shifted = moment.astimezone(dt.timezone(dt.timedelta(hours=2)))
        zulu = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # Without a zone it is UTC.
        return str(self._pick((zulu, zulu[:-1], shifted.isoformat(timespec="milliseconds"))))

    def _duration(self, operator: str, value: Any) -> str:
        duration: dt.timedelta = dt.timedelta(milliseconds=1500) if value is None else value
        if self._chance(15):
            duration += dt.timedelta(milliseconds=self._pick((1, 1000)))
        milliseconds = duration // dt.timedelta(milliseconds=1)
        if milliseconds % 1000 == 0 and self._chance(50):
            seconds = milliseconds // 1000
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return str(milliseconds)

    def _time(self, operator: str, value: Any) -> str:
        time: dt.time = dt.time(12) if value is None else value
        moment = dt.datetime.combine(dt.date(2000, 1, 1), time)
        if self._chance(15) and time < dt.time(23):
            moment += dt.timedelta(milliseconds=self._pick((1, 1000)))
        if self._chance(50):
            return moment.time().isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
        return str((moment - dt.datetime(2000, 1, 1)) // dt.timedelta(milliseconds=1))

    def _uuid(self, operator: str, value: Any) -> str:
        text = "0" * 32 if value is None else value.hex
        if self._chance(40):
            text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        return text.upper() if self._chance(50) else text

    def _of_property(self, operator: str, value: Any, json: bool | None, in_list: bool) -> Any:
        """A constant whose type shows in its spelling, for a property compares with its own type."""
        if value is None or isinstance(value, (list, dict)) or self._chance(15):
            value = self._pick((1, 2.5, "12", "dune", True))
        if operator in ("%", "begin") and not isinstance(value, str):
            value = "Dune"
        if isinstance(value, bool):
            if operator in COMPARISON:
                return self._of_property(operator, 1, json, in_list)
            return self._truth(value, json)
        if isinstance(value, str):
            text = self._text(operator, value)
            if json or not can_be_quoted(text):
                return Json(text)
            if not text.replace(".", "").isdigit() and can_be_bare(text, in_list) and self._chance(40):
                return Word(text)
            return Quoted(text) if json is not None or self._chance(70) else Json(text)
        number = Decimal(str(value))
        if self._chance(20):
            number += 1
        whole = number == number.to_integral_value()
        if json or (json is None and self._chance(25)):
            return Json(int(number) if whole else number)
        return Word(format(number, "f"))

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
