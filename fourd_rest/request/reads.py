"""What a read asks, as values that are made once.

They are made as soon as it is known that the caller may know of the dataclass, and every error of syntax
is raised then: of the filter, the order, their paths, then of the other keywords.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fourd_rest.errors import NO_SUBENTITYSET, RestError

from . import keywords
from .address import Address
from .keywords import (
    ADD_TO_SET,
    ALL,
    ATTRIBUTES,
    COMPUTE,
    DISTINCT,
    EXPAND,
    FIND_KEY,
    METADATA,
    METHOD,
    REMOVE_FROM_SET,
    SKIP,
    SUB_EXPAND,
    TOP,
    Changes,
    Keyword,
    Kind,
    T,
)
from .selections import SelectionRequest, check_paths


def changes_state(address: Address, method: str) -> bool:
    """Whether a read changes what the server keeps: pages of other sites may not ask for it (D-26).

    A set that is gone is made anew from saved texts. Raises ``RestError`` 1806 as ``Address.set_id``.
    """
    found = keywords.changes(address.params, method)
    return found is Changes.ALWAYS or (found is Changes.WITH_SET and address.set_id is not None)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A read of a collection or of an entity set.

    ``selection`` says of which entities, ``names`` and ``expand`` what is shown of them, each a list as
    text, None where there is none. ``makes_set``: the answer names a set, made from the selection unless
    it is a stored one. All other keywords are in ``values``, by ``keywords.values``: ``request[TOP]`` is
    the value of one, or what stands for none.
    """

    values: Mapping[str, Any]
    selection: SelectionRequest
    names: str | None
    expand: str | None
    makes_set: bool

    def __getitem__(self, keyword: Keyword[T]) -> T:
        found: T = self.values.get(keyword.key, keyword.type.default)
        return found

    @classmethod
    def of(cls, address: Address, dataclass_name: str, method: str) -> ReadRequest:
        """What ``address`` asks of the dataclass; ``method`` is that of ``keywords.method_of``.

        Raises ``RestError`` 1815 for related entities of none, 1112, 1201, 1278 to 1280, 1810 and 9022
        for filter and order, 1801, 1806.
        """
        params = address.params
        names, set_id = address.list_and_set
        if method == "subentityset" and set_id is None:
            raise RestError(NO_SUBENTITYSET())
        selection = SelectionRequest.of(address, dataclass_name)
        if names is None:
            names = params.get(ATTRIBUTES.key)
        kinds = _kinds(address, selection, makes_set=method == "entityset")
        asked, expand = keywords.values(params, kinds), params.get(EXPAND.key)
        return cls(asked, selection, names, expand, method == "entityset")

    @classmethod
    def of_related(cls, address: Address, dataclass_name: str) -> ReadRequest:
        """What is asked of the entities that one is related to; ``dataclass_name`` is theirs.

        The relation itself is taken: within it ``$subExpand`` says what is expanded. Raises as ``of``.
        """
        params = address.params
        selection = SelectionRequest.of(address, dataclass_name, is_related=True)
        asked = keywords.values(params, _kinds(address, selection, makes_set=True))
        expand = params.get(SUB_EXPAND.key) or None
        return cls(asked, selection, params.get(ATTRIBUTES.key), expand, makes_set=True)

    @property
    def edits_set(self) -> bool:
        """Whether the set is to be changed before it is read."""
        return self[ADD_TO_SET] is not None or self[REMOVE_FROM_SET] is not None

    @property
    def is_plain(self) -> bool:
        """Whether it is a page of all entities and of nothing behind them: it costs what it shows."""
        if self.makes_set or self.expand is not None or "." in (self.names or ""):
            return False
        return self.values.keys() <= _CHEAP and self.selection.is_everything


_PAGE_AND_SET = Kind.PAGE | Kind.NEW_SET
_CHEAP = frozenset({TOP.key, SKIP.key})


def _kinds(address: Address, selection: SelectionRequest, *, makes_set: bool) -> Kind:
    """What is answered; keywords of other kinds count for nothing, right or wrong."""
    params, is_of_set = address.params, selection.is_of_set
    if selection.set_id is not None and FIND_KEY.key in params:
        return Kind.POSITION
    if selection.asks_for_common:
        kinds = Kind.SET
    elif COMPUTE.key in params:
        kinds = Kind.FIGURES
    elif DISTINCT.of(params):
        kinds = Kind.VALUES
    elif makes_set and not selection.is_stored:
        kinds = _PAGE_AND_SET
    else:
        kinds = Kind.PAGE
    if is_of_set and (ADD_TO_SET.key in params or REMOVE_FROM_SET.key in params):
        # All that is wrong with the address must be found before anything changes.
        kinds |= Kind.SET | Kind.PAGE
    return kinds


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """A read of one entity: lists as text, None where there is none."""

    names: str | None
    expand: str | None

    @classmethod
    def of(cls, address: Address) -> EntityRequest:
        """What ``address`` asks. Raises ``RestError`` 1806, 9022."""
        params = address.params
        names, expand = address.names or params.get(ATTRIBUTES.key), params.get(EXPAND.key)
        check_paths((), names, expand)
        return cls(names, expand)


def relation_of(address: Address) -> str:
    """The relation whose entities are asked for (``server-facts.md`` 12).

    It is the one that ``$expand`` names, else that of the path. Raises ``RestError`` 1806, and 1815
    where there is none.
    """
    name = address.params.get(EXPAND.key, "").split(",")[0].strip() or (address.names or "")
    if not name:
        raise RestError(NO_SUBENTITYSET())
    return name


@dataclass(frozen=True, slots=True)
class DescribeRequest:
    """A request for what tells about the server.

    ``parts`` are those of the path, ``is_full`` asks for all that is known. ``method`` is what a POST
    claims to do, in its own spelling, None for nothing.
    """

    parts: tuple[str, ...]
    is_full: bool
    method: str | None

    @classmethod
    def of(cls, address: Address) -> DescribeRequest:
        """What ``address`` asks."""
        params = address.params
        is_full = (METADATA.of(params) or "").lower() == "full"
        return cls(address.parts, is_full, params.get(METHOD.key))

    @property
    def is_everything(self) -> bool:
        """Whether every dataclass is asked for, with its attributes."""
        return self.parts[0].lower() == ALL
