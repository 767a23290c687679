"""The parser of filters as a whole: any text is read or refused, in linear time, or reads back."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from django.test import override_settings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fourd_rest.errors import RestError
from fourd_rest.request.filter_parser import parse, parse_order
from fourd_rest.request.filter_syntax import (
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
from tests.query.trees import SPELLINGS, C, unplaced

CODES = {1112, 1201, 1278, 9022}
pieces = st.lists(
    st.sampled_from(
        ["a", "b.c", "t[]", "r{2}", "(", ")", "[", "]", "{", "'", '"', "\\", r"\"", r"\u0027", ",", ":1"]
        + [
            " ",
            " and ",
            " or ",
            " except ",
            "not ",
            "&",
            "|",
            "^",
            "!",
            "=",
            "<",
            "%",
            "#",
            " in ",
            " is ",
        ]
        + [" order by ", " desc", "null", "true", "1", "x y", ":n", ".", "eval(", "@", "é", "\0", "\n"]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(pieces, st.text(), st.text(alphabet="ab=()'\"\\[]{}:.,&|^! \n#%<>1")))
@example("a=\\")
@example("a='\\")
@example("a in [\\")
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse, parse_order):
        try:
            read(text)
        except RestError as error:
            (item,) = error.items
            assert item.row.code in CODES
            assert item.message.isprintable()
            assert len(item.message) < 400


names = st.from_regex(r"[a-zA-Z_é][a-zA-Z0-9_$é-]{0,5}", fullmatch=True).filter(
    lambda name: re.match(r"(?i)(and|or|except|not|eval|order)(?![\w$])", name) is None
)
steps = st.builds(
    Step,
    names,
    st.sampled_from([None, None, None, "", "a", "z"]),
    st.sampled_from([0, 0, 0, 2, -3]),
)
paths = st.builds(Path, st.lists(steps, min_size=1, max_size=3).map(tuple))
placeholders = st.builds(Placeholder, st.sampled_from(["1", "12", "name", "extra.name"]))
constants = st.sampled_from([Constant(None), Constant(True), Constant(False)])
# Whitespace around a value is dropped, so none is made there.
bares = st.builds(
    Bare,
    st.one_of(
        st.sampled_from(
            ["1", "-2.5", "2024-05-01", "Lima West", "O'Reilly", "f(x)", "b = c", "@", "x\\y"]
        ),
        st.from_regex(r"[a-z0-9@é*][a-zA-Z0-9@é'\"* .,=<>()\\-]{0,8}[a-z0-9@)]", fullmatch=True),
    ),
).filter(
    lambda bare: (
        re.search(r"(?i)\b(and|or|except|order|not|null|true|false)\b|\\['\"]", bare.text) is None
        and balanced(bare.text)
    )
)
quoted = st.builds(Text, st.one_of(st.text(alphabet="ab'\"\\ )(&|u0027\n", max_size=8), names))
item_bares = bares.filter(lambda bare: not set(",[]:") & set(bare.text))


def balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


criteria = st.one_of(
    st.builds(
        Comparison,
        st.one_of(paths, placeholders),
        st.sampled_from([comparator for comparator in Comparator if comparator is not C.IN]),
        st.one_of(bares, quoted, constants, placeholders),
    ),
    st.builds(
        Comparison,
        st.one_of(paths, placeholders),
        st.just(C.IN),
        st.one_of(
            placeholders,
            st.builds(Items, st.lists(st.one_of(item_bares, quoted, constants), max_size=3).map(tuple)),
        ),
    ),
    st.builds(IsTrue, st.one_of(paths, placeholders)),
)
trees = st.recursive(
    criteria,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Except, inner, inner),
    ),
    max_leaves=8,
)
orders = st.lists(st.builds(OrderItem, paths, st.booleans()), max_size=3).map(tuple)


class Writer:
    """Writes a tree as text, with every liberty of spelling that ``choose`` picks."""

    def __init__(self, data: st.DataObject) -> None:
        self.choose = lambda *options: data.draw(st.sampled_from(options))

    def value(self, value: Operand) -> str:
        if isinstance(value, Bare):
            return value.text
        if isinstance(value, Constant):
            return {None: "null", True: "true", False: "false"}[value.value]
        if isinstance(value, Placeholder):
            return f":{value.name}"
        if isinstance(value, Items):
            return f"[{self.choose(',', ' , ').join(map(self.value, value.items))}]"
        assert isinstance(value, Text)
        quote = self.choose("'", '"')
        escape = self.choose(f"\\{quote}", {"'": r"\u0027", '"': r"\u0022"}[quote])
        return quote + value.text.replace("\\", r"\\").replace(quote, escape) + quote

    def path(self, written: Path | Placeholder) -> str:
        if isinstance(written, Placeholder):
            return f":{written.name}"
        text = str(written)
        return re.sub(r"\[(.)\]", lambda found: found[0].upper(), text) if self.choose(0, 1) else text

    def node(self, node: Node, level: int = 0) -> str:
        """``level``: 0 anything may stand here, 1 no bare ``or``, 2 only what ``not`` may precede."""
        space = self.choose(" ", "  ", "\t")
        if isinstance(node, Comparison):
            spelling = self.choose(*SPELLINGS.get(node.comparator, ["in", "IN"]))
            return f"{self.path(node.path)} {spelling}{space}{self.value(node.operand)}"
        if isinstance(node, IsTrue):
            return self.path(node.path)
        if isinstance(node, Not):
            return self.choose("not ", "!", "NOT ") + self.node(node.node, 2)
        if isinstance(node, Or):
            text = f" {self.choose('or', '|', '||', 'Or')} ".join(
                self.node(inner, 2 if isinstance(inner, Or) else 1) for inner in node.nodes
            )
            return f"({text})" if level >= 1 else text
        if isinstance(node, And):
            connector = f" {self.choose('and', '&', '&&', 'AND')} "
            # On the left, an except needs no parentheses: both bind alike, from left to right.
            first, *others = node.nodes
            text = connector.join(
                [
                    self.node(first, 2 if isinstance(first, (And, Or)) else 1),
                    *(self.node(inner, 2) for inner in others),
                ]
            )
        else:
            left = self.node(node.node, 2 if isinstance(node.node, Or) else 1)
            text = f"{left} {self.choose('except', '^')} {self.node(node.without, 2)}"
        return f"({text})" if level >= 2 else text

    def query(self, query: Query) -> str:
        text = "" if query.where is None else self.node(query.where)
        if query.order:
            items = (
                self.path(item.path) + (" desc" if item.descending else self.choose("", " ASC"))
                for item in query.order
            )
            text += f" {self.choose('order by', 'ORDER  BY')} {self.choose(',', ' , ').join(items)}"
        return text


@settings(max_examples=100, deadline=None)
@given(st.builds(Query, st.one_of(st.none(), trees), orders), st.data())
def test_a_written_tree_reads_back(query: Query, data: st.DataObject) -> None:
    text = Writer(data).query(query)
    assert unplaced(parse(text)) == query, text


WIDE = {"MAX_FILTER_LENGTH": 10**6, "MAX_FILTER_CRITERIA": 10**6, "MAX_IN_VALUES": 10**6}
HOSTILE = [
    *[
        "'",
        '"',
        "(",
        ")",
        "[",
        "]",
        "{",
        "\\",
        "not ",
        "!",
        "!(",
        "a=(",
        "a^",
        "a=1^",
        "a=1&",
        "a|",
        "a ",
    ],
    *[
        "order ",
        "order by ",
        "a=1 ",
        "a.",
        "a in [",
        "1,",
        "a{1}.",
        "a[a].",
        "=",
        " and ",
        r"\"",
        ":",
        " ",
    ],
    *[r"a=\u0022", "'a' ", " order", "o", " or", "%", "::", ":a.", "a=b)"],
]


@pytest.mark.parametrize("prefix", ["", "a=", "a in [", "a='", r"a=\"", "order by "])
def test_time_is_linear(prefix: str) -> None:
    """No pattern may give characters back, and none may be tried from each character to the end.

    Eight times the text may take eight times the processor time of this process; three times that is
    allowed here, and a quadratic reading would need more than twice what is allowed.
    """
    with override_settings(FOURD_REST=WIDE):
        for unit in HOSTILE:
            short, long = (min(timed((prefix + unit * n)[:n]) for _ in "12") for n in (2_000, 16_000))
            assert long < 24 * short + 0.05, (unit, short, long)


def timed(text: str) -> float:
    started = time.process_time()
    with suppress(RestError):
        parse(text)
    return time.process_time() - started
