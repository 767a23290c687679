"""What the tests of the query language share: trees without positions, spellings of comparators."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from fourd_rest.request.filter_syntax import Comparator

C = Comparator

SPELLINGS = {
    C.EQUAL: ["=", "==", "eq", "like", "EQ", "Like"],
    C.IDENTICAL: ["===", "is", "eqeq", "IS"],
    C.DIFFERENT: ["!=", "#", "ne", "= not", "== not", "eq NOT", "like not", "=not"],
    C.NOT_IDENTICAL: ["!==", "##", "isnot", "nene", "is not", "IS  NOT", "=== not", "eqeq not"],
    C.LESS: ["<", "lt", "LT"],
    C.LESS_OR_EQUAL: ["<=", "lte", "lteq"],
    C.GREATER: [">", "gt"],
    C.GREATER_OR_EQUAL: [">=", "gte", "gteq", "GtEq"],
    C.WORD: ["%", "%%"],
    C.BEGIN: ["begin", "BEGIN"],
}


def unplaced(value: Any) -> Any:
    """``value`` with every position 0."""
    if isinstance(value, tuple):
        return tuple(map(unplaced, value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {field.name: unplaced(getattr(value, field.name)) for field in fields(value)}
    if "position" in changed:
        changed["position"] = 0
    return replace(value, **changed)
