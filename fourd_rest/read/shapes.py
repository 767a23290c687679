"""What is shown of an entity: attribute lists and ``$expand`` (``query.md`` 12, ``requests.md`` 5, 6.2).

The lists are read into a ``Shape``: the attributes of one dataclass in order, and for every relation
that is expanded the shape of its target. Shapes are kept and used again, one for each set of dataclasses
that a caller may not know of; his rights are asked every time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass, permissions
from fourd_rest.dataclass.attributes import Relation
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import (
    BAD_ATTRIBUTE_LIST,
    BAD_EXPAND_LIST,
    EXPANDED_TOO_DEEP,
    QUERY_TOO_LARGE,
    ErrorRow,
    RestError,
    asked_attribute,
)
from fourd_rest.query.visible import unknown_among
from fourd_rest.request.keywords import ALL

# Entities of a nested selection unless $expand tells another count (D-23).
NESTED_SIZE = 100
# Every one is a statement.
MAX_RELATIONS = 100
# Properties of objects in one list: each is shown for every entity, also where it is missing.
MAX_PROPERTIES = 200

# Which properties of an object are shown: by name their own properties, or None for the whole value.
Properties: TypeAlias = "dict[str, Properties | None]"

# ``staff``, ``staff:20`` or ``staff:20-40``: count, then skip.
_STEP = re.compile(r"([^:]*)(?::(\d{1,9})(?:-(\d{1,9}))?)?")


@dataclass(frozen=True, slots=True, eq=False)
class Expanded:
    """A relation shown as what it leads to. ``count`` and ``skip`` slice a to-many relation."""

    attribute: Relation[DataClass]
    shape: Shape
    count: int = NESTED_SIZE
    skip: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What is shown of the entities of ``dataclass``, beside their metadata.

    ``attributes`` are in order. Of those, ``expanded`` are relations that are shown as entities and
    ``properties`` tells of which objects only some properties are shown. ``steps`` are the relations
    that the lists walk, shown or not: the caller's right to walk them is to be asked. ``targets`` are
    the dataclasses that the relations named or shown lead to, those within ``expanded`` included.
    """

    dataclass: DataClass
    attributes: tuple[Attribute, ...]
    expanded: tuple[Expanded, ...] = ()
    properties: Mapping[str, Properties] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    targets: frozenset[DataClass] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A relation that ``item`` of a list walks. ``is_optional``: nobody named it, ``$all`` did."""

    owner: DataClass
    attribute: Relation[DataClass]
    target: DataClass
    item: str
    row: ErrorRow
    is_optional: bool = False


def shape(caller: Caller, dataclass: DataClass, *, names: str | None, expand: str | None) -> Shape:
    """The shape that a list of attributes and ``$expand`` ask for; None where there is none.

    Whether ``caller`` may read ``dataclass`` itself has been asked already. Raises ``RestError``: 1500
    with 1804 (``names``) or 1805 (``expand``) for what is not exposed to him, 1557 (401) for a relation
    to entities that he may know of but not read, 9024 and 9022 (400) for too much of it.
    """
    limit = current().MAX_EXPAND_DEPTH
    hidden: frozenset[DataClass] = frozenset()
    while True:
        try:
            found = _built(dataclass, names, expand, limit, hidden)
        except _Refused as refused:
            # What a caller may not know of must not show in the error, nor what stands behind it.
            if more := unknown_among(caller, refused.targets - hidden):
                hidden |= more
                continue
            _check(caller, refused.steps)
            raise refused.error from None
        if not (more := unknown_among(caller, found.targets)):
            break
        hidden |= more
    if found.steps:
        if unseen := _unseen(caller, found.steps):
            found = _built(dataclass, names, expand, limit, hidden, unseen)
        _check(caller, found.steps)
    return found


def whole(caller: Caller, dataclass: DataClass) -> Shape:
    """Every attribute that ``caller`` may know of, nothing expanded."""
    return _built(dataclass, None, None, 0, unknown_among(caller, dataclass.targets))


def _unseen(caller: Caller, steps: tuple[Step, ...]) -> frozenset[str]:
    """Relations that ``$all`` stands for and that the caller may not read: he did not name them."""
    return frozenset(
        step.attribute.name
        for step in steps
        if step.is_optional and not permissions.may(caller, step.target, Action.VIEW)
    )


def _check(caller: Caller, steps: Collection[Step]) -> None:
    for step in steps:
        if not step.is_optional:
            permissions.check(caller, step.target, Action.VIEW)


def unknown(
    name: str, owner: DataClass, row: ErrorRow, *, item: str = "", root: DataClass | None = None
) -> RestError:
    """The error for ``name``, which is no attribute of ``owner`` that the caller may know of.

    It is 1500, with ``row`` (1804 or 1805) for the ``item`` of a list of attributes of ``root``. Those
    are ``name`` and ``owner`` unless they are given.
    """
    return RestError(
        asked_attribute(name, owner.name),
        row(attribute=item or name, dataclass=(root or owner).name),
    )


class _Refused(Exception):
    """A list that makes no shape, and the relations that had been walked or named until then."""

    def __init__(
        self, error: RestError, steps: Collection[Step], targets: Collection[DataClass]
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.steps = steps
        self.targets = frozenset(targets)


# Clients ask for the same few lists again and again.
@lru_cache(maxsize=400)
def _built(
    dataclass: DataClass,
    names: str | None,
    expand: str | None,
    limit: int,
    hidden: frozenset[DataClass],
    unseen: frozenset[str] = frozenset(),
) -> Shape:
    """Raises ``_Refused``. ``hidden``: the dataclasses to which no relation is taken for one."""
    builder = _Builder(dataclass, limit, hidden)
    if names is None or not names.strip():
        builder.root.shows_all = True
    else:
        for item in names.split(","):
            builder.add(item.strip())
    if expand is not None and expand.strip():
        for item in expand.split(","):
            builder.expand(item.strip(), unseen)
    return builder.root.shape(builder.steps, builder.named)


class _Node:
    """A shape in the making."""

    def __init__(
        self,
        dataclass: DataClass,
        hidden: frozenset[DataClass],
        depth: int = 0,
        *,
        shows_all: bool = False,
    ) -> None:
        self.dataclass = dataclass
        self.hidden = hidden
        self.depth = depth
        self.shows_all = shows_all
        self.chosen: dict[str, Attribute] = {}
        self.nested: dict[str, _Node] = {}
        self.properties: Properties = {}
        self.count = NESTED_SIZE
        self.skip = 0

    def attribute(self, name: str) -> Attribute | None:
        attribute = self.dataclass.attributes.get(name)
        return None if attribute is None or self._hides(attribute) else attribute

    @property
    def attributes(self) -> dict[str, Attribute]:
        every = self.dataclass.attributes
        if self.hidden.isdisjoint(self.dataclass.targets):
            return every
        return {name: found for name, found in every.items() if not self._hides(found)}

    def _hides(self, attribute: Attribute) -> bool:
        return isinstance(attribute, Relation) and attribute.target in self.hidden

    def shape(self, steps: tuple[Step, ...] = (), named: Collection[DataClass] = ()) -> Shape:
        chosen = self.attributes if self.shows_all else self.chosen
        expanded = tuple(
            self.nested[name].expanded(attribute)
            for name, attribute in chosen.items()
            if name in self.nested and isinstance(attribute, Relation)
        )
        targets = (a.target for a in chosen.values() if isinstance(a, Relation))
        return Shape(
            self.dataclass,
            tuple(chosen.values()),
            expanded,
            {
                name: properties
                for name, properties in self.properties.items()
                if properties is not None and not self.shows_all
            },
            steps,
            frozenset(targets).union(named, *(inner.shape.targets for inner in expanded)),
        )

    def expanded(self, relation: Relation[DataClass]) -> Expanded:
        return Expanded(relation, self.shape(), self.count, self.skip)


class _Builder:
    """Reads the items of both lists, those of ``$expand`` last."""

    def __init__(self, dataclass: DataClass, limit: int, hidden: frozenset[DataClass]) -> None:
        self.root = _Node(dataclass, hidden)
        self.limit = limit
        self.hidden = hidden
        # What the relations lead to that the lists name.
        self.named: set[DataClass] = set()
        self.properties = 0
        # One for each relation of each node, whatever the number of items.
        self._steps: dict[tuple[_Node, str], Step] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def add(self, item: str) -> None:
        """``name``, ``relation.name``, ``relation.*``, ``object.property`` or ``*``."""
        node, names = self.root, item.split(".")
        for depth, name in enumerate(names):
            is_last = depth == len(names) - 1
            if name == "*" and is_last:
                node.shows_all = True
                return
            attribute = self._attribute(node, name)
            if attribute is None:
                raise self._refused(name, node, item, BAD_ATTRIBUTE_LIST)
            node.chosen[name] = attribute
            if isinstance(attribute, Relation):
                if not is_last:
                    node = self._walked(node, attribute, item, BAD_ATTRIBUTE_LIST)
                continue
            rest = names[depth + 1 :]
            if attribute.type == "object":
                self._add_properties(node, name, rest)
            elif rest:
                raise self._refused(".".join(names[depth:]), node, item, BAD_ATTRIBUTE_LIST)
            return

    def _add_properties(self, node: _Node, name: str, path: list[str]) -> None:
        limit = current().MAX_JSON_DEPTH
        if len(path) > limit:
            raise self._too_deep(limit)
        if path and path[-1] == "*":
            path = path[:-1]
        *parents, last = (name, *path)
        tree = node.properties
        for part in parents:
            deeper = tree.setdefault(part, {})
            if deeper is None:
                return  # shown as a whole already
            tree = deeper
        tree[last] = None
        self.properties += 1
        if self.properties > MAX_PROPERTIES:
            raise self._too_large(f"it names more than {MAX_PROPERTIES} properties")

    def expand(self, item: str, unseen: frozenset[str]) -> None:
        """``relation``, ``relation.relation``, each with an optional slice, or ``$all``."""
        if item == ALL:
            for relation in self.root.attributes.values():
                if isinstance(relation, Relation) and relation.name not in unseen:
                    self._walked(self.root, relation, item, BAD_EXPAND_LIST, is_optional=True)
            return
        node, names = self.root, item.split(".")
        if len(names) > 1 and names[-1] == "*":
            names.pop()
        for depth, text in enumerate(names):
            match = _STEP.fullmatch(text)
            name, count, skip = match.groups() if match else (text, None, None)
            attribute = self._attribute(node, name)
            # Only relations expand. Clients name images and BLOBs as well, to have their bytes.
            is_relation = isinstance(attribute, Relation)
            if attribute is None or (not is_relation and depth < len(names) - 1):
                raise self._refused(name, node, item, BAD_EXPAND_LIST)
            if not isinstance(attribute, Relation):
                return
            node = self._walked(node, attribute, item, BAD_EXPAND_LIST)
            if count is not None:
                node.count, node.skip = int(count), int(skip or 0)

    def _attribute(self, node: _Node, name: str) -> Attribute | None:
        attribute = node.attribute(name)
        if isinstance(attribute, Relation):
            self.named.add(attribute.target)
        return attribute

    def _walked(
        self,
        node: _Node,
        attribute: Relation[DataClass],
        item: str,
        row: ErrorRow,
        *,
        is_optional: bool = False,
    ) -> _Node:
        """The node behind a relation; all its attributes are shown unless a list names some."""
        target = attribute.target
        self.named.add(target)
        known = self._steps.get((node, attribute.name))
        if known is None or (known.is_optional and not is_optional):
            step = Step(node.dataclass, attribute, target, item, row, is_optional)
            self._steps[node, attribute.name] = step
        if node.depth >= self.limit:
            raise self._too_deep(self.limit)
        found = node.nested.get(attribute.name)
        if found is None:
            if len(self._steps) > MAX_RELATIONS:
                raise self._too_large(f"it expands more than {MAX_RELATIONS} relations")
            shows_all = row is BAD_EXPAND_LIST
            found = _Node(target, self.hidden, node.depth + 1, shows_all=shows_all)
            node.nested[attribute.name] = found
        return found

    def _too_deep(self, limit: int) -> _Refused:
        return self._refusal(RestError(EXPANDED_TOO_DEEP(limit=limit)))

    def _too_large(self, reason: str) -> _Refused:
        return self._refusal(RestError(QUERY_TOO_LARGE(reason=reason)))

    def _refused(self, name: str, node: _Node, item: str, row: ErrorRow) -> _Refused:
        error = unknown(name, node.dataclass, row, item=item, root=self.root.dataclass)
        return self._refusal(error)

    def _refusal(self, error: RestError) -> _Refused:
        return _Refused(error, self.steps, self.named)


def picked(value: Any, properties: Properties) -> Any:
    """Of an object these properties, null where it has none; of a collection those of its elements."""
    if isinstance(value, list):
        return [picked(element, properties) for element in value]
    if not isinstance(value, dict):
        return None
    return {
        name: value.get(name) if deeper is None else picked(value.get(name), deeper)
        for name, deeper in properties.items()
    }
