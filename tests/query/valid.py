"""Addresses that are valid by construction: every one is to be answered with 200.

What an address says is a ``Draft``, whose parts fit each other: attributes of the dataclass, values of
their types, keys and sets that are there. ``Drafts`` makes them from a seed and writes them, in every
spelling that the grammar has (``requests.md`` 1 and 2, ``query.md``).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

from .constants import NUMBERS, Constants
from .datasets import COMPUTED, SCHEMA, Dataset
from .language import And, Criterion, Except, Kind, Node, Not, Operand, Or, Row, Step
from .spelling import Choices, Spelling, sent
from .strategies import PROPERTIES, operators
from .values import EQUALITY

# What the reader may read, and what he may know of but not read.
READABLE = ("Everything", "Employee", "Company", "Animal", "Keeper", "Account", "User")
DESCRIBED = "Invoices"
# Kinds of answers, see ``Draft``.
SHAPES = ("page", "page", "set", "entity", "figure", "related", "other")

_LONG, _STRING = Kind("long"), Kind("string")
_MORE: dict[str, dict[str, Kind]] = {
    "Employee": {"photo": Kind("image"), "cv": Kind("blob")},
    "Account": {"id": _LONG, "name": _STRING, "owner": Kind("relation", "User")},
    "User": {
        "id": _LONG,
        "username": _STRING,
        "account_set": Kind("relation", "Account", many=True),
    },
}
# Attributes of each dataclass that the reader may name in a filter.
KINDS: dict[str, dict[str, Kind]] = {
    name: {
        attribute: kind
        for attribute, kind in {**SCHEMA.kinds.get(name, {}), **_MORE.get(name, {})}.items()
        if kind.target in ("", *READABLE)
    }
    for name in (*READABLE, DESCRIBED)
}
KEYS = {**SCHEMA.keys, "Account": "id", "User": "id"}
FILES = ("image", "blob")
SET_ROOTS = READABLE[:5]
USERS: list[Row] = [{"id": 9001 + at, "username": f"user{at}"} for at in range(5)]
ACCOUNTS: list[Row] = [{"id": 1 + at, "name": f"account{at}", "owner_id": 9001 + at} for at in range(5)]
# Of object attributes, in orders, lists and figures.
PROPERTY_NAMES = ("score", "level", "deep.name", "nums")
CONNECTORS = (" and ", " AND ", "&", " && ", " or ", " Or ", "|", "||", " except ", "^")


def is_type(wanted: str, name: str, kind: Kind) -> bool:
    """Whether an attribute is of the type ``wanted``, which may be one of a group, or has this name."""
    if wanted in ("one", "many"):
        return kind.type == "relation" and kind.many is (wanted == "many")
    groups = {
        "any": kind.type not in ("relation", "object", *FILES),
        "number": kind.type in NUMBERS and name not in COMPUTED,
        "text": kind.type == "string" and name not in COMPUTED,
        "file": kind.type in FILES,
        "computed": name in COMPUTED,
    }
    return groups.get(wanted, wanted in (kind.type, name))


@cache
def names_of(dataclass: str, wanted: str) -> list[str]:
    """The attributes of a type."""
    return [name for name, kind in KINDS[dataclass].items() if is_type(wanted, name, kind)]


@dataclass
class Draft:
    """An address in its parts.

    ``shape`` is the kind of answer: ``page``, ``set`` (a page of one), ``entity``, ``figure``,
    ``related`` (a set of related entities), or ``other`` where ``path`` says all. ``selected`` is the
    dataclass that filter, order and attributes are about. ``tail`` is written last, as it is.
    ``marks`` are the two names that ``MARK`` stands for: one that is hidden, one that is not there.
    """

    shape: str
    dataclass: str
    spelling: Spelling
    selected: str = ""
    key: str = ""
    names: list[str] = field(default_factory=list)
    set_id: str = ""
    criteria: list[str] = field(default_factory=list)
    order: str = ""
    params: dict[str, str] = field(default_factory=dict)
    path: str | None = None
    tail: str = ""
    marks: tuple[str, str] = ("", "")
    verb: str = "GET"
    # Where a quote is left open, one behind it would close it (D-39).
    is_filter_last: bool = False


class Drafts:
    """Valid drafts from a seed. ``sets`` are IDs of sets that the reader has, by dataclass."""

    def __init__(self, seed: int, data: Dataset, sets: Mapping[str, Sequence[str]]) -> None:
        self.choices = Choices(random.Random(seed).randrange)
        self.pick, self.chance = self.choices.pick, self.choices.chance
        self.rows = {**data.rows, "Account": ACCOUNTS, "User": USERS}
        self.hidden = data.hidden_keys
        self.sets = sets
        self._constants = Constants(self.choices, data.texts)

    def draft(self, shape: str, dataclass: str = "") -> Draft:
        roots = {"set": SET_ROOTS, "related": [name for name in READABLE if names_of(name, "many")]}
        dataclass = dataclass or self.pick(roots.get(shape, READABLE))
        draft = Draft(shape, dataclass, Spelling(self.choices), dataclass)
        getattr(self, f"_{shape}")(draft)
        if self.chance(8):
            draft.params[self.pick(("$unknown", "x", "$version", "$prettyprint"))] = "true"
        return draft

    def written(self, draft: Draft) -> str:
        path = draft.path
        if path is None:
            path = draft.dataclass + draft.key
            parts = [",".join(draft.names)] if draft.names else []
            if draft.set_id:
                parts.append(f"{self.pick(('$entityset', '$$entityset'))}/{draft.set_id}")
            path = "/".join([path, *(reversed(parts) if self.chance(30) else parts)])
        path = self._path_spelled(path + "/" * self.chance(10))
        params = dict(draft.params)
        if draft.criteria or draft.order:
            params["$filter"] = self.filter(draft)
        if "$params" not in params and (values := draft.spelling.params()) is not None:
            params["$params"] = values
        ordered = self._shuffled(params.items())
        if draft.is_filter_last:
            ordered.sort(key=lambda item: item[0] == "$filter")
        pairs = [self._pair(name, value) for name, value in ordered]
        if "$top" in params and self.chance(5):
            pairs.insert(0, "$top=none")  # the last one counts
        query = "&".join([*pairs, draft.tail] if draft.tail else pairs)
        return f"{path}?{query}" if query else path

    def filter(self, draft: Draft) -> str:
        """The filter of a draft, its criteria joined by any connectors."""
        text: str = self.pick(CONNECTORS).join(draft.criteria)
        return text + draft.order

    # Shapes

    def _page(self, draft: Draft) -> None:
        draft.key = self.pick(("", "", "", "()", self.key(draft.dataclass, 2)))
        self._lists(draft)
        self._narrowed(draft)
        self._paged(draft)

    def _set(self, draft: Draft) -> None:
        mine = self.sets[draft.dataclass]
        draft.set_id = self.pick((*mine, *mine, "$none"))
        self._lists(draft)
        self._narrowed(draft)
        self._paged(draft)
        if self.chance(30):
            draft.params["$logicOperator"] = self.pick(("AND", "or", "Except"))
            other = self.pick((*mine, "$none"))
            draft.params["$otherCollection"] = self.pick(
                (other, f"/rest/{draft.dataclass}/$entityset/{other}")
            )
        if self.chance(15):
            draft.params["$clean"] = "true"

    def _entity(self, draft: Draft) -> None:
        draft.key = self.key(draft.dataclass)
        if self.chance(20):
            name = self.pick(names_of(draft.dataclass, "text") + [KEYS[draft.dataclass]])
            values = [str(row[name]) for row in self.rows[draft.dataclass] if row[name] is not None]
            values = [value for value in values if re.fullmatch(r"\w[\w ]*", value)]
            draft.key = f":{name}{self._bracketed(self.pick(values))}"
        self._lists(draft)

    def _figure(self, draft: Draft) -> None:
        if draft.dataclass in self.sets and self.chance(20):
            draft.set_id = self.pick(self.sets[draft.dataclass])
        self._narrowed(draft)
        if self.chance(40):
            names = [self.operand(draft.dataclass, "any")]
            draft.params["$distinct"] = "true"
        else:
            action = self.pick(("sum", "average", "MIN", "max", "count", "$all", "all"))
            names = [self.operand(draft.dataclass, "number" if action in ("sum", "average") else "any")]
            if action == "$all":
                names.append(self.operand(draft.dataclass, "any"))
            draft.params["$compute"] = action
        self._listed(draft, names)
        draft.params |= self.pick(({}, {"$top": "3", "$skip": "1"}))

    def _related(self, draft: Draft) -> None:
        relation = self.pick(names_of(draft.dataclass, "many"))
        draft.key = self.key(draft.dataclass)
        draft.selected = KINDS[draft.dataclass][relation].target
        draft.params = {"$method": "subentityset", "$expand": relation}
        draft.names = self.pick(([], [relation]))
        if self.chance(30):
            draft.params["$attributes"] = ",".join(self._items(draft.selected))
        self._narrowed(draft)
        if "$orderby" in draft.params and self.chance(50):
            draft.params["$subOrderby"] = draft.params.pop("$orderby")

    def _other(self, draft: Draft) -> None:
        """What is neither page nor entity, or no JSON of one."""
        id_, others = self.pick(self.sets["Employee"]), ",".join(READABLE[:3])
        photo, cv = (f"Employee{self.key('Employee')}/{name}" for name in ("photo", "cv"))
        kept, gone = f"Employee/$entityset/{id_}", f"Employee/$entityset/{self.new_id()}"
        key = str(self.pick(self.rows["Employee"])["ID"])
        draft.path, draft.params = self.pick(
            (
                *(("", {}), ("$catalog", {}), ("$catalog/$all", {"$metadata": "full"})),
                *((f"$catalog/{others}", {}), ("$info", {}), ("$info/entitySet", {})),
                *(("$info/privileges", {}), ("$info/sessionInfo", {})),
                *((photo, {"$imageformat": "best"}), (photo, {"$size": "9x9"}), (cv, {"$binary": "1"})),
                *((kept, {"$findKey": key}), (kept, {"$addToSet": f"[{key}]", "$top": "1"})),
                (kept, {"$logicOperator": "INTERSECT", "$otherCollection": id_}),
                *((gone, {"$method": "release"}), (gone, {"$savedfilter": "ID > 0", "$top": "1"})),
            )
        )

    def new_id(self) -> str:
        """The ID of a set that is not there."""
        return "".join(self.pick("0123456789ABCDEF") for _ in range(32))

    # Parts

    def _lists(self, draft: Draft) -> None:
        if self.chance(50):
            self._listed(draft, self._items(draft.dataclass))
        relations = names_of(draft.dataclass, "relation")
        if relations and self.chance(25):
            draft.params["$expand"] = ",".join(self._expanded(draft.dataclass, relations))

    def _listed(self, draft: Draft, names: list[str]) -> None:
        if self.chance(50):
            draft.names = names
        else:
            draft.params["$attributes"] = self.pick((",", ", ")).join(names)

    def _items(self, dataclass: str) -> list[str]:
        items = []
        for _ in range(self.pick((1, 1, 2, 3))):
            name = self.pick([*KINDS[dataclass], "*"])
            kind = KINDS[dataclass].get(name, _LONG)
            if kind.type == "relation" and self.chance(60):
                name += f".{self.pick([*KINDS[kind.target], '*'])}"
            elif kind.type == "object" and self.chance(60):
                name += f".{self.pick((*PROPERTY_NAMES, '*'))}"
            items.append(name)
        return items

    def _expanded(self, dataclass: str, relations: list[str]) -> list[str]:
        items = []
        for _ in range(self.pick((1, 1, 2))):
            name = self.pick(relations)
            kind = KINDS[dataclass][name]
            further = names_of(kind.target, "relation")
            slice_ = self.pick(("", ":2", ":2-1")) if kind.many else ""
            items.append(f"{name}{slice_}" + (f".{self.pick(further)}" if self.chance(20) else ""))
        return [*items, "$all"] if self.chance(10) else items

    def _narrowed(self, draft: Draft) -> None:
        """Filter and order."""
        for _ in range(self.pick((0, 0, 1, 1, 2))):
            draft.criteria.append(draft.spelling.where(self._node(draft.selected), 2))
        if self.chance(35):
            listed = ", ".join(self._ordered(draft.selected) for _ in range(self.pick((1, 1, 2))))
            if draft.criteria and self.chance(30):
                draft.order = f" {self.pick(('order by', 'ORDER BY'))} {listed}"
            else:
                draft.params["$orderby"] = listed

    def _ordered(self, dataclass: str) -> str:
        wanted = self.pick(("any", "any", "one", "object"))
        if not names_of(dataclass, wanted):
            wanted = "any"
        path, owner, name = self.path(dataclass, wanted, over="one")
        if KINDS[owner][name].type == "object":
            path += f".{self.pick(PROPERTY_NAMES)}"
        return f"{path} {self.pick(('', 'asc', 'ASC', 'desc', 'Desc'))}".strip()

    def _paged(self, draft: Draft) -> None:
        if self.chance(85):
            draft.params[self.pick(("$top", "$top", "$limit"))] = self.pick(("0", "1", "2", "5"))
        if self.chance(20):
            draft.params["$skip"] = self.pick(("0", "1", "3", "-1", "500"))
        if self.chance(15):
            name, value = self.pick(
                (("$asArray", "true"), ("$format", "looker"), ("$format", "JSON"), ("$queryplan", "1"))
            )
            draft.params[name] = value
        elif self.chance(5):
            draft.params |= {"$method": "entityset", "$timeout": self.pick(("60", "0"))}

    def key(self, dataclass: str, count: int = 1) -> str:
        """Keys of visible entities, as they stand behind the dataclass."""
        keys = [str(self.pick(self.rows[dataclass])[KEYS[dataclass]]) for _ in range(count)]
        return self._bracketed(",".join(keys))

    def _bracketed(self, text: str) -> str:
        if "," not in text:  # each of several keys would have quotes of its own
            text = self.pick(("{}", "{}", "'{}'", '"{}"')).format(text)
        return str(self.pick(("({})", "({})", "[{}]", "/({})")).format(text))

    def operand(self, dataclass: str, wanted: str) -> str:
        """What ``$compute`` and ``$distinct`` take, of a type."""
        if self.chance(10) and (objects := names_of(dataclass, "object")):
            return f"{self.pick(objects)}.{self.pick(PROPERTY_NAMES)}"
        written, _, name = self.path(dataclass, wanted, over="one")
        return written if name != "big" else KEYS[dataclass]  # whose sum is too large for SQLite

    def path(self, dataclass: str, wanted: str, over: str = "relation") -> tuple[str, str, str]:
        """An attribute of a type: as a path, its dataclass and its name.

        Sometimes over a relation: any, ``over`` one to ``one`` entity, or none if that is empty. Raises
        ``LookupError`` where there is no such attribute.
        """
        relations = names_of(dataclass, over) if over else []
        if relations and self.chance(25):
            relation = self.pick(relations)
            target = KINDS[dataclass][relation].target
            # What Python computes is sorted and counted of the entities themselves only.
            names = [n for n in names_of(target, wanted) if over != "one" or n not in COMPUTED]
            if names:
                name = self.pick(names)
                return f"{relation}.{name}", target, name
        name = self.pick(names_of(dataclass, wanted))
        return name, dataclass, name

    # Filters

    def _node(self, dataclass: str, depth: int = 1) -> Node:
        made = [self._criterion(dataclass)]
        if not depth or self.chance(60):
            return made[0]
        made.append(self._node(dataclass, depth - 1))
        wrap = self.pick((And, Or, Except, Not))
        if wrap is Not:
            return Not(made[1])
        return Except(*made) if wrap is Except else wrap(tuple(made))

    def _criterion(self, dataclass: str) -> Criterion:
        wanted = self.pick(("any", "any", "any", "any", "one", "many", "object", "file"))
        if not names_of(dataclass, wanted):
            wanted = "any"
        written, owner, name = self.path(dataclass, wanted)
        kind = KINDS[owner][name]
        path = [Step(step) for step in written.split(".")]
        if kind.type in FILES:
            return Criterion(tuple(path), self.pick(EQUALITY), None)
        operator = self.pick(operators(kind))
        type_, value = kind.type, None
        if type_ == "relation":
            type_ = "key"
            value = self.pick(self.rows[kind.target])[KEYS[kind.target]]
        elif type_ == "object":
            path += self.pick(PROPERTIES)
            if any(step.element for step in path) and operator == "%":
                operator = "begin"  # one element is not looked at for its words
        else:
            value = self.pick(self.rows[owner])[name]
        return Criterion(tuple(path), operator, self._operand(operator, type_, value))

    def _operand(self, operator: str, type_: str, value: Any) -> Operand:
        if operator in ("", "in"):
            return self._constants.several(type_, value) if operator else None
        if operator in EQUALITY and self.chance(10):
            return None
        operand: Operand = self._constants.one(type_, operator, value)
        return operand

    # Spelling

    def _pair(self, name: str, value: str) -> str:
        """A parameter as it goes over the wire, in quotes or encoded."""
        name = quote(self.pick((name, name, name.upper())), safe=self.pick(("$", "")))
        quotes = [mark for mark in "\"'" if re.fullmatch(rf"(?:[^{mark}\\]|\\.)*", value)]
        if '\\"' in value and '"' in quotes:
            quotes = ['"']  # written for quotes around the whole
        elif not quotes or self.chance(40):
            return f"{name}={quote(value, safe=self.pick(('', ',.:()@')))}"
        mark = self.pick(quotes)
        return f"{name}={mark}{sent(value)}{mark}"

    def _path_spelled(self, path: str) -> str:
        safe = self.pick(("/$()[]:,.'*\"", "/"))
        return quote(path, safe=safe)

    def _shuffled(self, items: Iterable[Any]) -> list[Any]:
        rest, result = list(items), []
        while rest:
            result.append(rest.pop(rest.index(self.pick(rest))))
        return result
