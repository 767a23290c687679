"""A filter as a client might write it: text, ``$params`` and query string for a tree.

Each choice that leaves the meaning alone is drawn: spellings of operators, spaces, parentheses that are
not needed, quotes and escapes, placeholders by position and name (``query.md`` 2, 4 and 7, D-38, D-39).
What was used is counted, for the tests to see that nothing of the grammar is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from .language import And, Criterion, Except, Json, Node, Not, Operand, Or, Quoted, Step, Word

OPERATORS = {
    "=": ("=", "==", "eq", "like"),
    "===": ("===", "is", "eqeq"),
    "!=": ("!=", "#", "ne"),
    "!==": ("!==", "##", "isnot", "nene", "is not"),
    "<": ("<", "lt"),
    "<=": ("<=", "lteq", "lte"),
    ">": (">", "gt"),
    ">=": (">=", "gteq", "gte"),
    "in": ("in",),
    "%": ("%", "%%"),
    "begin": ("begin",),
}
CONNECTORS = {And: ("and", "&", "&&"), Or: ("or", "|", "||"), Except: ("except", "^")}
NOTS = ("not", "!")
DIRECTIONS = {False: ("", "asc"), True: ("desc",)}
VALUES = ("word", "quoted '", 'quoted "', "null", "true", "false", "list", "indexed", "named")
WORD_OF_ELEMENT = "word of an element"
# Everything of the grammar that a run must have used.
PRODUCTIONS = frozenset(
    [
        *(f"operator {spelling}" for spellings in OPERATORS.values() for spelling in spellings),
        *(f"connector {spelling}" for spellings in CONNECTORS.values() for spelling in spellings),
        *(f"connector {spelling}" for spelling in NOTS),
        *(f"direction {spelling}" for spellings in DIRECTIONS.values() for spelling in spellings),
        *(f"value {value}" for value in VALUES),
        *("path alone", "path placeholder", "path []", "path [a]", "path {n}", "path to-one"),
        *("path to-many", "path property", WORD_OF_ELEMENT),
        *("parentheses", "outer quotes", "escape \\", "escape \\u"),
    ]
)

_BARE = re.compile(r"[\w@.-][^&|^()\"\\]*")
_KEYWORD = re.compile(r"(?:^|\s)(?:and|or|except|not|order\s+by)(?!\w)", re.IGNORECASE)
_LEVEL = {Or: 0, And: 1, Except: 1}


class Choices:
    """What a filter is drawn by: ``below(limit)`` is a number from 0 to ``limit - 1``."""

    def __init__(self, below: Callable[[int], int]) -> None:
        self._below = below

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self._below(len(choices))] if len(choices) > 1 else choices[0]

    def chance(self, percent: int) -> bool:
        return self._below(100) >= 100 - percent


def can_be_bare(text: str, in_list: bool = False) -> bool:
    """Whether ``text`` can stand without quotes and is a text then."""
    return bool(
        _BARE.fullmatch(text)
        and text == text.strip()
        and text not in ("null", "true", "false")
        and not _KEYWORD.search(text)
        and not (in_list and re.search(r"[\[\],]", text))
    )


def can_be_quoted(text: str) -> bool:
    # A backslash before a quote is an escape, whatever stands before it.
    return "\\" not in text


class Spelling:
    """Writes one filter. ``outer``: the whole stands in double quotes in the query string."""

    def __init__(self, choices: Choices) -> None:
        self._pick, self._chance = choices.pick, choices.chance
        self.outer = self._chance(30)
        self._named = self._chance(30)
        self.used: set[str] = set()
        self._params: list[Any] = []
        if self.outer:
            self.used.add("outer quotes")

    def where(self, node: Node, level: int = 0) -> str:
        """``node`` in parentheses where something that binds at ``level`` stands around it."""
        if isinstance(node, Criterion):
            text, own = self._criterion(node), 2
        elif isinstance(node, Not):
            text, own = self._not(node), 2
        else:
            own = _LEVEL[type(node)]
            text = self._connected(node)
        if own < level or self._chance(8):
            self.used.add("parentheses")
            return f"({self._space()}{text}{self._space()})"
        return text

    def order(self, items: Sequence[tuple[tuple[Step, ...], bool]]) -> str:
        written = []
        for path, descending in items:
            direction = self._pick(DIRECTIONS[descending])
            self.used.add(f"direction {direction}")
            written.append(f"{self._path(path)} {self._cased(direction)}".rstrip())
        return self._pick((",", ", ")).join(written)

    def params(self) -> str | None:
        """The text of ``$params``."""
        if not self._params:
            return None
        if self._named:
            values: Any = {f"v{at + 1}": value for at, value in enumerate(self._params)}
        else:
            values = self._params
        return _json(values)

    # Small choices

    def _space(self) -> str:
        return " " if self._chance(20) else ""

    def _cased(self, word: str) -> str:
        return self._pick((word, word.upper(), word.title())) if self._chance(30) else word

    def _word_or_symbol(self, spelling: str) -> str:
        """With spaces around it, which a symbol can do without."""
        if spelling[0].isalpha():
            return f" {self._cased(spelling)} "
        return self._pick((" {} ", "{}")).format(spelling)

    # Nodes

    def _connected(self, node: Any) -> str:
        spelling = self._pick(CONNECTORS[type(node)])
        self.used.add(f"connector {spelling}")
        if isinstance(node, Except):
            return (
                self.where(node.node, 1) + self._word_or_symbol(spelling) + self.where(node.without, 2)
            )
        first, *others = node.nodes
        if isinstance(node, Or):
            levels = [1] * len(node.nodes)
        else:
            levels = [1 if isinstance(first, Except) else 2, *(2 for _ in others)]
        texts = [self.where(item, level) for item, level in zip(node.nodes, levels, strict=True)]
        return self._word_or_symbol(spelling).join(texts)

    def _not(self, node: Not) -> str:
        spelling = self._pick(NOTS)
        self.used.add(f"connector {spelling}")
        spelling = self._cased(spelling)
        if isinstance(node.node, Criterion) and self._chance(50):
            text = self.where(node.node)
            return f"{spelling}{'' if text.startswith('(') else ' '}{text}"
        return f"{spelling}{self._space()}({self.where(node.node)})"

    def _criterion(self, node: Criterion) -> str:
        path = self._path_or_placeholder(node.path)
        if node.operator == "":
            self.used.add("path alone")
            return path
        spelling = self._pick(OPERATORS[node.operator])
        self.used.add(f"operator {spelling}")
        return path + self._word_or_symbol(spelling) + self._operand(node.operand)

    def _path_or_placeholder(self, path: Sequence[Step]) -> str:
        plain = all(step.element is None and not step.reference for step in path)
        if plain and self._chance(6):
            self.used.add("path placeholder")
            return self.placeholder(".".join(step.name for step in path))
        return self._path(path)

    def _path(self, path: Sequence[Step]) -> str:
        return ".".join(map(self._step, path))

    def _step(self, step: Step) -> str:
        text = step.name
        if step.element is not None:
            self.used.add("path [a]" if step.element else "path []")
            text += f"[{self._cased(step.element)}]"
        if step.reference:
            self.used.add("path {n}")
            text += f"{{{step.reference}}}"
        return text

    # Values

    def _operand(self, operand: Operand) -> str:
        if not isinstance(operand, tuple):
            return self._constant(operand)
        self.used.add("value list")
        if operand and all(isinstance(item, Json) for item in operand):
            return self.placeholder([item.value for item in operand if isinstance(item, Json)])
        return f"[{self._pick((',', ', ')).join(map(self._constant, operand))}]"

    def _constant(self, constant: Any) -> str:
        if isinstance(constant, Json):
            return self.placeholder(constant.value)
        if isinstance(constant, Word):
            self.used.add("value word")
            return constant.text
        if isinstance(constant, Quoted):
            return self._quoted(constant.text)
        text = "null" if constant is None else str(constant).lower()
        self.used.add(f"value {text}")
        return text

    def _quoted(self, text: str) -> str:
        mark = self._pick("'\"")
        self.used.add(f"value quoted {mark}")
        # Within outer double quotes a double quote has a backslash, and so has the one that ends it.
        delimiter = '\\"' if self.outer and mark == '"' else mark
        return delimiter + "".join(self._character(char, mark) for char in text) + delimiter

    def _character(self, char: str, mark: str) -> str:
        if char not in "'\"" or (char != mark and not (self.outer and char == '"') and self._chance(50)):
            return char
        if not (self.outer and mark == char == '"') and self._chance(50):
            self.used.add("escape \\")
            return "\\" + char
        self.used.add("escape \\u")
        return "\\u0022" if char == '"' else "\\u0027"

    def placeholder(self, value: Any) -> str:
        """A new placeholder, for which ``$params`` has ``value``."""
        self._params.append(value)
        self.used.add("value named" if self._named else "value indexed")
        return f":{'v' if self._named else ''}{len(self._params)}"


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_json(item)}' for name, item in value.items())}}}"
    return json.dumps(value)


def query_string(text: str, params: str | None, orderby: str, *, outer: bool) -> str:
    """``$filter``, ``$params`` and ``$orderby`` as they go over the wire."""
    query = f'$filter="{sent(text)}"' if outer else f"$filter={quote(text, safe='')}"
    if params is not None and outer:
        query += f"&$params='{sent(params.replace(chr(39), chr(92) + 'u0027'))}'"
    elif params is not None:
        query += f"&$params={quote(params, safe='')}"
    if orderby:
        query += f'&$orderby="{orderby}"' if outer else f"&$orderby={quote(orderby, safe='')}"
    return query


def sent(text: str) -> str:
    """As in a browser's address line: only what cannot stand there is encoded."""
    return quote(text, safe=" \"'<>=()[]{}|^!:,@&$\\?/+*;")
