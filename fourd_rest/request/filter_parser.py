"""Query text → the values of ``filter_syntax``.

The grammar is that of ``query.md`` 2, 3 and 9, ``server-facts.md`` 8, D-38 and D-39.

One pass from left to right, without recursion: an enclosing parenthesis is an entry on a stack, so
neither the depth nor the length of a text can exhaust the interpreter. No pattern gives characters
back, so the time is linear in the length. What is a *value* ends differently from what is a *name*,
so there is no list of tokens; each step looks for what may come next.

Every text is read or refused with a ``RestError``: 1112 for an unknown comparator (regular
expressions, D-35, are unknown ones), 1278 for ``eval(…)``, 9022 beyond a limit of the settings, 1201
for everything else. Positions in messages count characters from 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from fourd_rest.conf import current
from fourd_rest.errors import (
    FORMULA_NOT_ALLOWED,
    NO_BLANK,
    QUERY_NOT_ANALYZED,
    QUERY_TOO_LARGE,
    WRONG_COMPARATOR,
    RestError,
)

from . import quotes
from .filter_syntax import (
    And,
    Bare,
    Comparator,
    Comparison,
    Constant,
    Except,
    IsTrue,
    Items,
    Node,
    Not,
    Operand,
    Or,
    OrderItem,
    Path,
    Placeholder,
    Query,
    Step,
    Text,
)

# Code that walks a tree recurses: a deeper one, whatever the setting, could reach Python's limit.
MAX_DEPTH = 100
MAX_STEPS = 32

# How many texts are kept with their trees, and how long one may be.
_CACHED_TEXTS = 512
_CACHED_LENGTH = 1_024

_COMPARATORS = {
    "=": Comparator.EQUAL,
    "==": Comparator.EQUAL,
    "eq": Comparator.EQUAL,
    "like": Comparator.EQUAL,
    "===": Comparator.IDENTICAL,
    "is": Comparator.IDENTICAL,
    "eqeq": Comparator.IDENTICAL,
    "!=": Comparator.DIFFERENT,
    "#": Comparator.DIFFERENT,
    "ne": Comparator.DIFFERENT,
    "!==": Comparator.NOT_IDENTICAL,
    "##": Comparator.NOT_IDENTICAL,
    "isnot": Comparator.NOT_IDENTICAL,
    "nene": Comparator.NOT_IDENTICAL,
    "<": Comparator.LESS,
    "lt": Comparator.LESS,
    "<=": Comparator.LESS_OR_EQUAL,
    "lte": Comparator.LESS_OR_EQUAL,
    "lteq": Comparator.LESS_OR_EQUAL,
    ">": Comparator.GREATER,
    "gt": Comparator.GREATER,
    ">=": Comparator.GREATER_OR_EQUAL,
    "gte": Comparator.GREATER_OR_EQUAL,
    "gteq": Comparator.GREATER_OR_EQUAL,
    "in": Comparator.IN,
    "%": Comparator.WORD,
    "%%": Comparator.WORD,
    "begin": Comparator.BEGIN,
}
_NEGATED = {
    Comparator.EQUAL: Comparator.DIFFERENT,
    Comparator.IDENTICAL: Comparator.NOT_IDENTICAL,
}
# Only before a comparator are they names of attributes.
_CONNECTIVES = frozenset({"and", "or", "except"})
_CONSTANTS = {"null": Constant(None), "true": Constant(True), "false": Constant(False)}

_NAME = r"[^\s.\[\]{}()=<>#!%&|^,:'\"\\]++"
_STEP = rf"{_NAME}(?:\[[A-Za-z]?\])?+(?:\{{-?[0-9]++\}})?+"
_WORD_ENDS = r"(?![\w$])"
_ORDER_BY = rf"(?i:order\s++by){_WORD_ENDS}"

_PRIMARY = re.compile(
    rf"""
    \s*+ (?:
        (?P<open> \( )
        | (?P<not> ! | (?i:not) {_WORD_ENDS} )
        | (?P<formula> (?i:eval) \s*+ \( )
        | (?P<placeholder> : (?: [0-9]++ | [^\W\d][\w$]*+ (?:\.[\w$]++)*+ ) {_WORD_ENDS} )
        | (?P<path> {_STEP} (?:\.{_STEP})*+ )
    )
    """,
    re.VERBOSE,
)
_STEP_PARTS = re.compile(rf"({_NAME})(?:\[([A-Za-z]?)\])?+(?:\{{(-?[0-9]++)\}})?+")
# "!" begins a comparator, but does not stand inside: "date=!!2024-05-01!!".
_COMPARATOR = re.compile(r"\s*+(?:(?P<symbol>!?+[=<>#%]++(?:(?<=%)\*)?+|!)|(?P<word>[^\W\d][\w$]*+))")
_AND_NOT = re.compile(r"\s*+(?i:not)(?=[\s'\":\\]|\Z)")
_CONNECTOR = re.compile(
    rf"""
    \s*+ (?:
        (?P<and> &&?+ | (?i:and) {_WORD_ENDS} )
        | (?P<or> \|\|?+ | (?i:or) {_WORD_ENDS} )
        | (?P<except> \^ | (?i:except) {_WORD_ENDS} )
        | (?P<close> \) )
        | (?P<order> {_ORDER_BY} )
        | (?P<end> \Z )
    )
    """,
    re.VERBOSE,
)
_ORDER_CLAUSE = re.compile(rf"\s*+{_ORDER_BY}")
_DIRECTION = re.compile(rf"\s*+(?:(?i:asc)|(?P<descending>(?i:desc))){_WORD_ENDS}")
_SPACE = re.compile(r"\s*+")
# A criterion, or some, that a client has put in quotes.
_PIECE = re.compile(r"\s*+(['\"])((?:(?!\1)[^\\]|\\.)++)\1", re.DOTALL)
_COMMA = re.compile(r"\s*+,")

# Where an unquoted value may end. A symbol ends it anywhere, a word only as a word.
_END_OF_BARE = re.compile(rf"[&|^()]|\s(?:(?i:and|or|except){_WORD_ENDS}|{_ORDER_BY})")
_BARE_ITEM = re.compile(r"[^,\[\]]++")

# A client that wraps the whole filter in the same quotes writes those of a value with a backslash.
_QUOTE = r"(?P<quote>['\"]|\\(?:['\"]|u0022|u0027))"
_OPENING = re.compile(_QUOTE)
# How a value begins that is not bare.
_VALUE = re.compile(rf"\s*+(?:{_QUOTE}|(?P<list>\[)|(?P<placeholder>:))?+")
_QUOTED = {quote: re.compile(rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+", re.DOTALL) for quote in "'\""}
_ESCAPE = re.compile(r"\\(?:u0022|u0027|['\"\\])")
_BARE_ESCAPE = re.compile(r"\\(?:u0022|u0027|['\"])")


def parse(text: str, *, opens: bool = False) -> Query:
    """What a whole ``$filter`` says, its ``order by`` included; ``Query(None)`` for a blank one.

    ``opens``: the second reading of D-39. A quoted piece where a criterion may begin is taken out of its
    quotes; one that stands for a value remains a value.

    >>> query = parse("writer.name = Lima West or price >= :1 order by title desc")
    >>> query.where.nodes[0]
    Comparison(path=Path(steps=(Step(name='writer', ...), Step(name='name', ...)), position=0),
        comparator=<Comparator.EQUAL: '='>, operand=Bare(text='Lima West'))
    >>> query.where.nodes[1].operand, str(query.order[0].path), query.order[0].descending
    (Placeholder(name='1', position=36), 'title', True)
    """
    read = _cached if len(text) <= _CACHED_LENGTH else _query
    return read(text, *_limits(), opens)


def parse_order(text: str, *, opens: bool = False) -> tuple[OrderItem, ...]:
    """What ``$orderby`` says (``query.md`` 9); ``()`` for a blank text. ``opens`` as for ``parse``.

    Raises ``RestError`` with 1201 for a text that is no list of paths and directions: whoever knows
    the dataclass makes that the 1810 of the answer. 9022 beyond a limit is final.

    >>> [(str(item.path), item.descending) for item in parse_order("employer.name DESC, ID")]
    [('employer.name', True), ('ID', False)]
    """
    parser = _Parser(text, *_limits(), opens)
    return () if not text.strip() else parser.order(0)


def _limits() -> tuple[int, int, int, int]:
    settings = current()
    return (
        settings.MAX_FILTER_LENGTH,
        settings.MAX_FILTER_DEPTH,
        settings.MAX_FILTER_CRITERIA,
        settings.MAX_IN_VALUES,
    )


def _query(text: str, *limits: Any) -> Query:
    return _Parser(text, *limits).query()


_cached: Callable[..., Query] = lru_cache(_CACHED_TEXTS)(_query)


def too_large(reason: str) -> RestError:
    """The error for what goes beyond a limit of the settings."""
    return RestError(QUERY_TOO_LARGE(reason=reason))


@dataclass(slots=True)
class _Group:
    """What has been read of the inside of one parenthesis, or of the whole text.

    ``height`` is how deep the tree of ``factors`` is, parentheses counted; ``negations`` stand before
    the value that is read next.
    """

    position: int
    alternatives: list[Node] = field(default_factory=list)
    factors: list[Node] = field(default_factory=list)
    excluding: bool = False
    negations: int = 0
    height: int = 0
    tallest: int = 0

    def end_of_factors(self) -> None:
        """Make one alternative of the factors read so far: an ``or`` or the end of the group follows."""
        factors = self.factors
        self.alternatives.append(factors[0] if len(factors) == 1 else And(tuple(factors)))
        self.factors = []
        self.tallest = max(self.tallest, self.height)
        self.height = 0

    def node(self) -> Node:
        """The tree of the whole group, which ends here."""
        self.end_of_factors()
        return self.alternatives[0] if len(self.alternatives) == 1 else Or(tuple(self.alternatives))


class _Parser:
    """One text on its way to a ``Query``.

    ``_groups`` are the parentheses that are open, the whole text first; ``_negations`` is how many times
    ``not`` stands in them before what is read next.
    """

    __slots__ = (
        "_criteria",
        "_groups",
        "_max_criteria",
        "_max_depth",
        "_max_values",
        "_negations",
        "_opens",
        "_text",
    )

    def __init__(
        self,
        text: str,
        max_length: int,
        max_depth: int,
        max_criteria: int,
        max_values: int,
        opens: bool = False,
    ) -> None:
        self._text = text
        if len(text) > max_length:
            raise too_large(f"it is longer than {max_length} characters")
        if (found := quotes.FORBIDDEN.search(text)) is not None:
            self._fail("a character that is not allowed", found.start())
        self._max_depth = min(max_depth, MAX_DEPTH)
        self._max_criteria = max_criteria
        self._max_values = max_values
        self._opens = opens
        self._criteria = 0
        self._groups = [_Group(0)]
        self._negations = 0

    def query(self) -> Query:
        """The whole text as a filter, with or without criteria and order."""
        text = self._text
        if not text.strip():
            return Query(None)
        if (clause := _ORDER_CLAUSE.match(text)) is not None:
            return Query(None, self.order(clause.end()))
        node, at = self._expression()
        return Query(node, self.order(at) if at is not None else ())

    def order(self, at: int) -> tuple[OrderItem, ...]:
        """The rest of the text from ``at`` on as a list of attributes to sort by."""
        items: list[OrderItem] = []
        while True:
            match = self._primary(at)
            if match is None or match.lastgroup != "path":
                self._fail("no attribute to order by", at)
            if len(items) >= self._max_criteria:
                raise too_large(f"it orders by more than {self._max_criteria} attributes")
            path, at = self._path(match), match.end()
            direction = _DIRECTION.match(self._text, at)
            if direction is not None:
                at = direction.end()
            items.append(OrderItem(path, direction is not None and direction["descending"] is not None))
            comma = _COMMA.match(self._text, at)
            if comma is None:
                break
            at = comma.end()
        if self._text[at:].strip():
            self._fail("unexpected text in the order", at)
        return tuple(items)

    def _expression(self) -> tuple[Node, int | None]:
        """The tree of all criteria, and where the ``order by`` after them ends, if there is one."""
        at = 0
        while True:
            path, at = self._beginning(at)
            node, at = self._criterion(path, at)
            connector, at = self._connector(node, at)
            if connector == "or":
                self._groups[-1].end_of_factors()
            elif connector == "except":
                self._groups[-1].excluding = True
            elif connector != "and":
                break
        group = self._groups[-1]
        if len(self._groups) > 1:
            self._fail("a parenthesis is not closed", group.position)
        return group.node(), at if connector == "order" else None

    def _beginning(self, at: int) -> tuple[Path | Placeholder, int]:
        """The path of the next criterion, and where it ends. Opens the parentheses before it."""
        while True:
            match = self._primary(at)
            if match is None:
                self._fail("no criterion can be read", at)
            kind, at = match.lastgroup, match.end()
            if kind == "open":
                self._groups.append(_Group(match.start("open")))
            elif kind == "not":
                self._negations += 1
                self._groups[-1].negations += 1
            elif kind == "formula":
                raise RestError(FORMULA_NOT_ALLOWED())
            else:
                return _placeholder(match) if kind == "placeholder" else self._path(match), at
            self._check_depth(len(self._groups) - 1 + self._negations)

    def _connector(self, node: Node, at: int) -> tuple[str | None, int]:
        """What follows the criterion ``node``, and where that ends. Closes the parentheses before it."""
        height = 0
        while True:
            group = self._groups[-1]
            self._negations -= group.negations
            self._add(group, node, height)
            match = _CONNECTOR.match(self._text, at)
            if match is None:
                self._fail("unexpected text", at)
            if match.lastgroup != "close":
                return match.lastgroup, match.end()
            if len(self._groups) == 1:
                self._fail("a parenthesis closes that was not opened", match.start("close"))
            self._groups.pop()
            node, height, at = group.node(), group.tallest + 1, match.end()

    def _primary(self, at: int) -> re.Match[str] | None:
        """What begins at ``at``, if need be once the quotes of the piece there are taken away."""
        match = _PRIMARY.match(self._text, at)
        while self._opens and match is None and (piece := _PIECE.match(self._text, at)) is not None:
            self._text = f"{self._text[:at]}{piece[2]}{self._text[piece.end() :]}"
            match = _PRIMARY.match(self._text, at)
        return match

    def _add(self, group: _Group, node: Node, height: int) -> None:
        """Make a criterion or a parenthesis that ends here a part of ``group``."""
        if group.negations:
            height += group.negations
            for _ in range(group.negations):
                node = Not(node)
            group.negations = 0
        if group.excluding:
            factors = group.factors
            left = factors[0] if len(factors) == 1 else And(tuple(factors))
            group.factors = [Except(left, node)]
            group.height = max(group.height, height) + 1
            group.excluding = False
        else:
            group.factors.append(node)
            group.height = max(group.height, height)
        self._check_depth(group.height)

    def _criterion(self, path: Path | Placeholder, at: int) -> tuple[Comparison | IsTrue, int]:
        """The criterion that begins with ``path``, which ends at ``at``."""
        self._criteria += 1
        if self._criteria > self._max_criteria:
            raise too_large(f"it has more than {self._max_criteria} criteria")
        match = _COMPARATOR.match(self._text, at)
        written = "" if match is None else match[0].strip().lower()
        comparator = _COMPARATORS.get(written)
        if match is None or match.lastgroup == "word":
            if comparator is None and _is_keyword(path, written):
                self._fail("no criterion can be read", path.position)
            if _CONNECTOR.match(self._text, at) is not None:
                return IsTrue(path), at
            if match is None:
                self._fail("no comparator can be read", at)
        if comparator is None:
            raise RestError(WRONG_COMPARATOR(operator=written))
        at = match.end()
        negated = _NEGATED.get(comparator)
        if negated is not None and (negation := _AND_NOT.match(self._text, at)) is not None:
            comparator, at = negated, negation.end()
        operand, at = self._operand(comparator is Comparator.IN, at)
        return Comparison(path, comparator, operand), at

    def _path(self, match: re.Match[str]) -> Path:
        written, position = match["path"], match.start("path")
        if "[" in written or "{" in written:
            steps = tuple(self._step(part, position) for part in _STEP_PARTS.finditer(written))
        else:
            steps = tuple(map(Step, written.split(".")))
        if len(steps) > MAX_STEPS:
            raise too_large(f"a path has more than {MAX_STEPS} names")
        return Path(steps, position)

    def _step(self, part: re.Match[str], position: int) -> Step:
        name, element, reference = part.groups()
        if reference is None:
            return Step(name, element and element.lower())
        if len(reference) > 9 or int(reference) == 0:
            self._fail("no number of a reference", position + part.start(3))
        return Step(name, element and element.lower(), int(reference))

    def _operand(self, among: bool, at: int) -> tuple[Operand, int]:
        """The value at ``at``, and where it ends. ``among`` others: it must be a list."""
        text = self._text
        opening = _VALUE.match(text, at)
        assert opening is not None  # noqa: S101  (it matches an empty text as well)
        kind, at = opening.lastgroup, opening.end()
        if kind == "placeholder":
            match = _PRIMARY.match(text, at - 1)
            if match is None or match.lastgroup != "placeholder":
                self._fail("no name of a placeholder", at - 1)
            return _placeholder(match), match.end()
        if kind == "list":
            if not among:
                self._fail("a list stands only after in", at - 1)
            return self._items(at)
        value: Bare | Text | Constant
        if kind == "quote":
            value, at = self._quoted(opening)
        elif among and text.startswith("(", at):
            self._fail("a list stands in brackets", at)
        else:
            value, at = self._bare(at)
        return (Items((value,)) if among else value), at

    def _items(self, at: int) -> tuple[Items, int]:
        """The list whose bracket opens before ``at``."""
        text = self._text
        items: list[Bare | Text | Constant] = []
        while True:
            space = _SPACE.match(text, at)
            at = at if space is None else space.end()
            if not items and text.startswith("]", at):
                return Items(()), at + 1
            if len(items) >= self._max_values:
                raise too_large(f"a list has more than {self._max_values} values")
            if (opening := _OPENING.match(text, at)) is not None:
                value, at = self._quoted(opening)
                items.append(value)
            else:
                match = _BARE_ITEM.match(text, at)
                if match is None or match[0].startswith(":"):
                    self._fail("no value of a list", at)
                items.append(_unquoted(match[0]))
                at = match.end()
            space = _SPACE.match(text, at)
            at = at if space is None else space.end()
            if text.startswith("]", at):
                return Items(tuple(items)), at + 1
            if not text.startswith(",", at):
                self._fail("a list is not closed", at)
            at += 1

    def _quoted(self, opening: re.Match[str]) -> tuple[Text, int]:
        text, quote, start = self._text, opening["quote"], opening.end()
        if quote in _QUOTED:
            match = _QUOTED[quote].match(text, start)
            end = start if match is None else match.end()
            closed = text.startswith(quote, end)
        else:
            end = text.find(quote, start)
            closed = end >= 0
        if not closed:
            self._fail("a quote is not closed", opening.start("quote"))
        return Text(_decoded(text[start:end], _ESCAPE)), end + len(quote)

    def _bare(self, at: int) -> tuple[Bare | Constant, int]:
        text = self._text
        if _CONNECTOR.match(text, at) is not None:
            self._fail("a value is missing", at)
        opened: list[int] = []
        end = len(text)
        for match in _END_OF_BARE.finditer(text, at):
            found = match[0]
            if found == "(":
                opened.append(match.start())
            elif found == ")" and opened:
                opened.pop()
            elif not opened:
                end = match.start()
                break
        if opened:
            self._fail("a parenthesis is not closed", opened[0])
        return _unquoted(text[at:end]), end

    def _check_depth(self, depth: int) -> None:
        if depth > self._max_depth:
            raise too_large(f"it nests deeper than {self._max_depth} levels")

    def _fail(self, what: str, at: int) -> NoReturn:
        word = self._text[self._text.rfind(" ", 0, at) + 1 : at] + self._text[at:].lstrip()[:1]
        hint = f"; {NO_BLANK}" if "+" in word else ""
        raise RestError(QUERY_NOT_ANALYZED(reason=f"{what} at position {at + 1}{hint}"))


def _is_keyword(path: Path | Placeholder, following: str) -> bool:
    """Whether what stands where a criterion is due is a word of the language."""
    name = str(path).lower()
    return name in _CONNECTIVES or (name, following) == ("order", "by")


def _placeholder(match: re.Match[str]) -> Placeholder:
    return Placeholder(match["placeholder"][1:], match.start("placeholder"))


def _decoded(text: str, escape: re.Pattern[str]) -> str:
    return escape.sub(lambda found: quotes.CHARACTERS[found[0]], text) if "\\" in text else text


def _unquoted(text: str) -> Bare | Constant:
    text = text.strip()
    constant = _CONSTANTS.get(text)
    return Bare(_decoded(text, _BARE_ESCAPE)) if constant is None else constant
