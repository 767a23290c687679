"""``$params``: the values that stand in a query for ``:1`` or ``:name`` (``query.md`` 7, D-38, D-45).

A value is data: it is never read as a part of the language.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from fourd_rest.conf import current
from fourd_rest.errors import BAD_URL, PLACEHOLDER_MISSING, WRONG_OPERAND, RestError

from . import lenient_json, quotes
from .filter_parser import MAX_STEPS, too_large
from .filter_syntax import (
    And,
    Comparator,
    Comparison,
    Except,
    Given,
    IsTrue,
    Node,
    Not,
    Or,
    Path,
    Placeholder,
    Query,
    Step,
    criteria,
)

MAX_INDEX = 128

_ESCAPED = re.compile(r"\\.", re.DOTALL)
# What an escape stands for, tried one after the other. JSON itself knows no "\\'".
_UNESCAPED = ({r"\'": "'"}, {r"\'": "'", r"\"": '"'})

_Find: TypeAlias = Callable[[Placeholder], Any]


def bind(
    query: Query, params: str | None, *, written: str | None = None, is_read: bool = False
) -> Query:
    """``query`` with a ``Given`` for each placeholder of a value, a ``Path`` for one of an attribute.

    ``params`` is the text of ``$params``: an array for ``:1`` to ``:128``, an object for ``:name``
    and ``:name.inner``. It is not looked at where no placeholder stands. After ``in``, a single value
    counts as a list of one. An attribute is named by its path; the names between its dots may hold
    any character, and have neither brackets nor ``{n}``.

    ``written`` is the same text with the quotes of its pieces, where it came in several. It counts if
    ``params`` is no JSON (D-39); a write refuses what has another value in it.

    Raises ``RestError`` with 1806 for what is no array or object, 1279 for a placeholder that is
    missing or null, 1280 for a value that cannot stand there, 9022 beyond a limit of the settings.

    >>> from .filter_parser import parse
    >>> bind(parse("price > :1"), "[10.5]").where.operand
    Given(value=Decimal('10.5'), placeholder=':1')
    >>> str(bind(parse(":path = 3"), "{path: 'extra.first name'}").where.path)
    'extra.first name'
    """
    if query.where is None or not any(map(_has_placeholder, criteria(query.where))):
        return query
    where = _bound(query.where, _finder(params, written, is_read))
    limit = current().MAX_IN_VALUES
    # A placeholder may stand several times, and its list is a part of the statement each time.
    operands = [one.operand for one in criteria(where) if isinstance(one, Comparison)]
    lists = [one.value for one in operands if isinstance(one, Given) and isinstance(one.value, list)]
    if sum(map(len, lists)) > limit:
        raise too_large(f"its lists have more than {limit} values together")
    return Query(where, query.order)


def _has_placeholder(criterion: Comparison | IsTrue) -> bool:
    if isinstance(criterion.path, Placeholder):
        return True
    return isinstance(criterion, Comparison) and isinstance(criterion.operand, Placeholder)


def _bound(node: Node, find: _Find) -> Node:
    if isinstance(node, Comparison):
        operand = node.operand
        if isinstance(operand, Placeholder):
            operand = _given(operand, find(operand), node.comparator)
        return Comparison(_path(node.path, find), node.comparator, operand)
    if isinstance(node, IsTrue):
        return IsTrue(_path(node.path, find))
    if isinstance(node, Not):
        return Not(_bound(node.node, find))
    if isinstance(node, Except):
        return Except(_bound(node.node, find), _bound(node.without, find))
    nodes = tuple([_bound(inner, find) for inner in node.nodes])
    return And(nodes) if isinstance(node, And) else Or(nodes)


def _given(placeholder: Placeholder, value: Any, comparator: Comparator) -> Given:
    if comparator is Comparator.IN:
        value = value if isinstance(value, list) else [value]
        limit = current().MAX_IN_VALUES
        if len(value) > limit:
            raise too_large(f"a list has more than {limit} values")
        fits = all(item is None or _is_value(item) for item in value)
    else:
        fits = _is_value(value)
    if not fits:
        raise _wrong_type(placeholder)
    return Given(value, f":{placeholder.name}")


def _is_value(value: Any) -> bool:
    # No attribute holds the characters that no database takes.
    if isinstance(value, str):
        return quotes.FORBIDDEN.search(value) is None
    return isinstance(value, (bool, int, Decimal))


def _path(path: Path | Placeholder, find: _Find) -> Path:
    if isinstance(path, Path):
        return path
    value = find(path)
    if not isinstance(value, str) or quotes.FORBIDDEN.search(value) is not None:
        raise _wrong_type(path)
    names = value.split(".")
    if not all(names):
        raise _wrong_type(path)
    if len(names) > MAX_STEPS:
        raise too_large(f"a path has more than {MAX_STEPS} names")
    return Path(tuple(map(Step, names)), path.position)


def _wrong_type(placeholder: Placeholder) -> RestError:
    return RestError(WRONG_OPERAND(operand=f"placeholder :{placeholder.name}"))


def _finder(params: str | None, written: str | None, is_read: bool) -> _Find:
    """What looks up the value of a placeholder."""
    values = None
    if written is not None:
        values = _read_pieces(params or "", written, is_read)
    elif params is not None and params.strip():
        values = _read(params)

    def find(placeholder: Placeholder) -> Any:
        value = _at(values, placeholder.name)
        if value is None:
            raise RestError(PLACEHOLDER_MISSING(placeholder=f":{placeholder.name}"))
        return value

    return find


def _at(values: Any, name: str) -> Any:
    """The value called ``name``, ``None`` where there is none."""
    if isinstance(values, list):
        index = int(name) if name.isdecimal() and len(name) < 9 else 0
        return values[index - 1] if 1 <= index <= min(MAX_INDEX, len(values)) else None
    for inner in name.split("."):
        if not isinstance(values, dict):
            return None
        values = values.get(inner)
    return values


def _read_pieces(params: str, written: str, is_read: bool) -> Any:
    """The values of ``params``, or else what stands within the brackets of ``written``."""
    found: list[Any] = []
    errors: list[RestError] = []
    for text in (params, *quotes.BRACKETS.findall(written)):
        try:
            found.append(_read(text))
        except RestError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    if not is_read and len(found) > 1 and _texts(found[0]) != _texts(found[1]):
        raise _bad("the quotes in $params do not tell its values")
    return found[0]


def _texts(value: Any) -> Any:
    """``value`` with texts for what a text may also say."""
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, dict):
        return {name: _texts(item) for name, item in value.items()}
    return str(value)


def _read(params: str) -> Any:
    max_depth = current().MAX_JSON_DEPTH
    try:
        values = _tolerant(params, max_depth)
    except lenient_json.TooDeep:
        raise _bad(f"$params nests deeper than {max_depth} levels") from None
    except lenient_json.Unreadable as error:
        raise _bad(f"$params is not readable JSON: {error}") from None
    if not isinstance(values, (list, dict)):
        raise _bad("$params is neither an array nor an object")
    return values


def _tolerant(params: str, max_depth: int) -> Any:
    """The value of ``params``, whose quotes a client may have escaped for those around the whole."""
    try:
        return lenient_json.read(params, max_depth=max_depth)
    except lenient_json.Unreadable as error:
        unread = error
    for characters in _UNESCAPED:
        try:
            return lenient_json.read(_without_escapes(params, characters), max_depth=max_depth)
        except lenient_json.Unreadable:
            continue
    raise unread


def _without_escapes(text: str, characters: dict[str, str]) -> str:
    return _ESCAPED.sub(lambda found: characters.get(found[0], found[0]), text)


def _bad(reason: str) -> RestError:
    return RestError(BAD_URL(reason=reason))
