"""``fourd_rest.request.filter_parser``: each production of the grammar, its refusals and its limits."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from django.test import override_settings

from fourd_rest.errors import RestError
from fourd_rest.request import filter_parser
from fourd_rest.request.filter_parser import MAX_DEPTH, MAX_STEPS, parse, parse_order
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


def path(text: str) -> Path:
    """``a.b`` as a path of plain names."""
    return Path(tuple(map(Step, text.split("."))))


def eq(name: str, value: str) -> Comparison:
    return Comparison(path(name), C.EQUAL, Bare(value))


def where(text: str) -> Node:
    query = parse(text)
    assert query.order == ()
    assert query.where is not None
    return unplaced(query.where)


def operand(text: str) -> Operand:
    node = where(text)
    assert isinstance(node, Comparison)
    return node.operand


def refusal(text: str, read: Any = parse) -> tuple[int, str]:
    with pytest.raises(RestError) as caught:
        read(text)
    (item,) = caught.value.items
    assert caught.value.status == item.row.status
    return item.row.code, item.message


def unanalyzed(text: str, read: Any = parse) -> str:
    code, message = refusal(text, read)
    assert code == 1201
    return message.removeprefix("Query cannot be analyzed: ")


# Comparators.


@pytest.mark.parametrize(
    ("comparator", "written"), [(c, written) for c, all_ in SPELLINGS.items() for written in all_]
)
def test_comparators(comparator: Comparator, written: str) -> None:
    expected = Comparison(path("name"), comparator, Bare("x 1"))
    assert where(f"name {written} x 1") == expected
    assert where(f"  name   {written}\t x 1 ") == expected
    assert where(f"name {written}'x 1'") == replace(expected, operand=Text("x 1"))
    assert where(f"name {written} :1") == replace(expected, operand=Placeholder("1"))
    if not written[0].isalpha():
        assert where(f"name{written} x 1") == expected
    if not written[-1].isalpha():
        assert where(f"name {written}x 1") == expected


def test_every_comparator_has_a_spelling() -> None:
    assert {*SPELLINGS, C.IN} == set(Comparator) == set(filter_parser._COMPARATORS.values())


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("a =% x", "=%"),
        ("a %* x", "%*"),
        ("a matches x", "matches"),
        ("a MATCHES x", "matches"),
        ("a !=% x", "!=%"),
        ("a !%* x", "!%*"),
        ("a=%x", "=%"),
        ("a => 3", "=>"),
        ("a =< 3", "=<"),
        ("a <> 3", "<>"),
        ("a ==== 3", "===="),
        ("a ! 3", "!"),
        ("a ~ b or c", None),
        ("a contains b", "contains"),
        ("a not in [1]", "not"),
        ("first name = x", "name"),
        ("a order 5", "order"),
        ("a inside 5", "inside"),
        ("(a foo 5)", "foo"),
        ("a " + "=" * 5_000, "=" * 300),
    ],
)
def test_unknown_comparator(text: str, operator: str | None) -> None:
    if operator is None:
        assert unanalyzed(text) == "no comparator can be read at position 2"
    else:
        assert refusal(text) == (1112, f"Wrong comparison operator: {operator}")


@pytest.mark.parametrize("text", ["eval(1)", "a=1 and EVAL (This.a)", "not eval(x", "(eval(true))"])
def test_formula(text: str) -> None:
    assert refusal(text) == (1278, "Formulas are not allowed in a query")


def test_an_attribute_may_be_called_eval() -> None:
    assert where("eval = 1") == eq("eval", "1")
    assert where("evaluation = 1") == eq("evaluation", "1")


@pytest.mark.parametrize(
    "name", ["begin", "in", "is", "order", "like", "asc", "android", "nothing", "or"]
)
def test_names_that_look_like_keywords(name: str) -> None:
    assert where(f"{name} = 1") == eq(name, "1")
    assert where(f"a=1 and {name} = 1") == And((eq("a", "1"), eq(name, "1")))


# Values.


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Lima West", "Lima West"),
        ("O'Reilly", "O'Reilly"),
        ('5" disk', '5" disk'),
        ("say 'a' and", None),
        ("20000", "20000"),
        ("-1.5e3", "-1.5e3"),
        ("2024-05-01", "2024-05-01"),
        ("!!2024-05-01!!", "!!2024-05-01!!"),
        ("24!9!1941", "24!9!1941"),
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z"),
        ("a@b", "a@b"),
        ("@", "@"),
        ("*", "*"),
        ("True", "True"),
        ("NULL", "NULL"),
        ("truely", "truely"),
        ("Anderson", "Anderson"),
        ("orange", "orange"),
        ("mail order", "mail order"),
        ("mail orderby x", "mail orderby x"),
        ("rock-and-roll", "rock-and-roll"),
        ("sand or", None),
        ("notes", "notes"),
        ("not", None),
        ("not-available", "not-available"),
        ("not@", "not@"),
        ("1, 2", "1, 2"),
        ("{a}", "{a}"),
        ("b = c", "b = c"),
        ("b > 1", "b > 1"),
        ("(b)", "(b)"),
        ("f(x)", "f(x)"),
        ("f(x) y (z(1))", "f(x) y (z(1))"),
        ("a (b and c | d order by) e", "a (b and c | d order by) e"),
        (r"O\u0027Reilly", "O'Reilly"),
        (r"say \u0022hi\u0022", 'say "hi"'),
        (r"O\'Reilly", "O'Reilly"),
        (r"5\" disk", '5" disk'),
        (r"C:\dir", r"C:\dir"),
        (r"C:\\dir", r"C:\\dir"),
        (r"\u0041", r"\u0041"),
        ("a\u00a0 b", "a\u00a0 b"),
        ("日本 é", "日本 é"),
    ],
)
def test_bare_values(written: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(RestError):
            parse(f"a = {written}")
        return
    assert operand(f"a = {written}") == Bare(value)
    assert operand(f"a={written}") == Bare(value)
    assert operand(f"a =\t{written} \n ") == Bare(value)
    assert where(f"(a = {written})") == eq("a", value)
    assert where(f"a = {written} and b = 1") == And((eq("a", value), eq("b", "1")))
    assert where(f"b = 1 or a = {written}") == Or((eq("b", "1"), eq("a", value)))
    assert unplaced(parse(f"a = {written} order by b")) == Query(eq("a", value), (OrderItem(path("b")),))


@pytest.mark.parametrize("written", ["and", "AND", "or", "except", "&", "&&", "|", "||", "^"])
def test_what_ends_a_bare_value(written: str) -> None:
    kind = {"a": And, "&": And, "o": Or, "|": Or, "e": Except, "^": Except}[written[0].lower()]
    left, right = eq("a", "x y"), eq("b", "1")
    expected = Except(left, right) if kind is Except else kind((left, right))
    assert where(f"a = x y {written} b = 1") == expected
    assert where(f"a = x y\t{written}\nb = 1") == expected
    if not written.isalpha():
        assert where(f"a=x y{written}b=1") == expected
    else:
        assert operand(f"a = x y{written} b = 1") == Bare(f"x y{written} b = 1")
        assert operand(f"a = x {written}s b = 1") == Bare(f"x {written}s b = 1")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", Constant(True)),
        ("false", Constant(False)),
        ("null", Constant(None)),
        ("'true'", Text("true")),
        ('"null"', Text("null")),
        (r"\"false\"", Text("false")),
    ],
)
def test_constants(written: str, value: Operand) -> None:
    assert operand(f"a = {written}") == value
    assert operand(f"a={written} ") == value
    assert where(f"a = not {written}") == Comparison(path("a"), C.DIFFERENT, value)
    assert where(f"(a is {written})") == Comparison(path("a"), C.IDENTICAL, value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("''", ""),
        ('""', ""),
        ("'a'", "a"),
        ("' a '", " a "),
        ("'a and b) or (c'", "a and b) or (c"),
        ("'a order by b'", "a order by b"),
        ("'say \"hi\"'", 'say "hi"'),
        ('"O\'Neil"', "O'Neil"),
        (r"'O\'Neil'", "O'Neil"),
        (r"'O\u0027Neil'", "O'Neil"),
        (r'"say \"hi\""', 'say "hi"'),
        (r'"say \u0022hi\u0022"', 'say "hi"'),
        (r"'C:\\'", "C:\\"),
        (r"'C:\dir'", r"C:\dir"),
        (r"'\\u0027'", r"\u0027"),
        (r"'\u0041'", r"\u0041"),
        ("'a\nb'", "a\nb"),
        ("'a\\\nb'", "a\\\nb"),
        # The quotes of a value escaped for those around the whole filter.
        (r"\"Ann\"", "Ann"),
        (r"\'Ann\'", "Ann"),
        (r"\u0022A & B\u0022", "A & B"),
        (r"\u0027A or B\u0027", "A or B"),
        (r"\"O'Neil\"", "O'Neil"),
        (r"\"say \u0022hi\u0022\"", 'say "hi"'),
        (r"\u0022say \"hi\"\u0022", 'say "hi"'),
        (r"\"\"", ""),
    ],
)
def test_quoted_values(written: str, value: str) -> None:
    assert operand(f"a = {written}") == Text(value)
    assert operand(f"a={written}  ") == Text(value)
    expected = Comparison(path("a"), C.EQUAL, Text(value))
    assert where(f"(a={written})and(b=1)") == And((expected, eq("b", "1")))
    assert where(f"a = {written}or b=1") == Or((expected, eq("b", "1")))
    assert operand(f"a in [{written},{written}]") == Items((Text(value), Text(value)))


@pytest.mark.parametrize(
    ("written", "items"),
    [
        ("[]", ()),
        ("[ ]", ()),
        ("[1]", (Bare("1"),)),
        (
            "[ \"Ann\", 'Bob', 12, null ]",
            (Text("Ann"), Text("Bob"), Bare("12"), Constant(None)),
        ),
        (r"[\"Ann\",\"B,]b\"]", (Text("Ann"), Text("B,]b"))),
        (r"[\u0022Ann\u0022]", (Text("Ann"),)),
        ("[true,false,True]", (Constant(True), Constant(False), Bare("True"))),
        ("[Lima West, O'Neil ,-1.5]", (Bare("Lima West"), Bare("O'Neil"), Bare("-1.5"))),
        ("[a and b, c or d)]", (Bare("a and b"), Bare("c or d)"))),
        (r"[O\u0027Neil]", (Bare("O'Neil"),)),
        ("1", (Bare("1"),)),
        ("Lima West", (Bare("Lima West"),)),
        ("'a,b'", (Text("a,b"),)),
        ("null", (Constant(None),)),
    ],
)
def test_lists(written: str, items: tuple[Any, ...]) -> None:
    expected = Comparison(path("a"), C.IN, Items(items))
    assert where(f"a in {written}") == expected
    assert where(f"not (a IN {written}) ") == Not(expected)
    assert where(f"a in {written} and b=1") == And((expected, eq("b", "1")))
    if not written[0].isalnum():
        assert where(f"a in{written}") == expected


def test_placeholder_after_in() -> None:
    assert operand("a in :1") == Placeholder("1")
    assert operand("a in:ids") == Placeholder("ids")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (":1", "1"),
        (":128", "128"),
        (":email", "email"),
        (":a_1$", "a_1$"),
        (":é", "é"),
        (":extra.name", "extra.name"),
        (":extra.1.x", "extra.1.x"),
    ],
)
def test_placeholders(written: str, name: str) -> None:
    assert operand(f"a = {written}") == Placeholder(name)
    assert where(f"{written} > 3") == Comparison(Placeholder(name), C.GREATER, Bare("3"))
    assert where(f"({written}={written})&b=1") == And(
        (Comparison(Placeholder(name), C.EQUAL, Placeholder(name)), eq("b", "1"))
    )
    assert where(f"not {written}") == Not(IsTrue(Placeholder(name)))


def test_positions() -> None:
    query = parse("aa = :1 and (bb.c > 2 or :left = 'x') order by dd")
    node = query.where
    assert isinstance(node, And)
    first, second = node.nodes
    assert isinstance(first, Comparison)
    assert isinstance(second, Or)
    assert first.operand == Placeholder("1", 5)
    assert [comparison.path.position for comparison in second.nodes] == [13, 25]
    assert query.order[0].path.position == 47


# Paths.


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("price", (Step("price"),)),
        ("writer.name", (Step("writer"), Step("name"))),
        ("a.b.c.d", (Step("a"), Step("b"), Step("c"), Step("d"))),
        ("__KEY", (Step("__KEY"),)),
        ("prénom", (Step("prénom"),)),
        ("a$1", (Step("a$1"),)),
        ("extra.first-name", (Step("extra"), Step("first-name"))),
        ("extra.2024", (Step("extra"), Step("2024"))),
        ("extra.tags[].name", (Step("extra"), Step("tags", ""), Step("name"))),
        ("extra.tags[a].name", (Step("extra"), Step("tags", "a"), Step("name"))),
        ("extra.tags[Z]", (Step("extra"), Step("tags", "z"))),
        ("books{2}.title", (Step("books", None, 2), Step("title"))),
        ("books{-1}.title", (Step("books", None, -1), Step("title"))),
        ("a[b]{03}", (Step("a", "b", 3),)),
    ],
)
def test_paths(written: str, steps: tuple[Step, ...]) -> None:
    expected = Path(steps)
    assert where(f"{written}=1") == Comparison(expected, C.EQUAL, Bare("1"))
    assert where(f"( {written} )") == IsTrue(expected)
    assert unplaced(parse(f"order by {written} desc").order) == (OrderItem(expected, True),)
    assert unplaced(parse_order(f"{written},b")) == (OrderItem(expected), OrderItem(path("b")))


@pytest.mark.parametrize(
    "written",
    [
        "a..b",
        ".a",
        "a.",
        "a[1]",
        "a[ab]",
        "a[",
        "a]",
        "a{}",
        "a{x}",
        "a{2",
        "a{1}[]",
        "a'b",
        "a\\b",
    ]
    + ["[a]", "{1}", "a[é]", "a{٣}", "'a'", '"a"', "a:b", ": = 1", ":a.", ":1a", ":1.5", ":٣"],
)
def test_malformed_paths(written: str) -> None:
    code, _ = refusal(f"{written} = 1")
    assert code == 1201


@pytest.mark.parametrize("number", ["0", "00", "-0", "9999999999"])
def test_malformed_reference(number: str) -> None:
    assert unanalyzed(f"b.a{{{number}}} = 1") == "no number of a reference at position 5"


# Connectors and precedence.

a, b, c, d = (IsTrue(path(name)) for name in "abcd")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", a),
        ("a and b", And((a, b))),
        ("a AND b And c", And((a, b, c))),
        ("a & b && c", And((a, b, c))),
        ("a&b&&c", And((a, b, c))),
        ("a or b or c", Or((a, b, c))),
        ("a|b||c", Or((a, b, c))),
        ("a or b and c", Or((a, And((b, c))))),
        ("a and b or c", Or((And((a, b)), c))),
        ("a and b or c and d", Or((And((a, b)), And((c, d))))),
        ("(a or b) and c", And((Or((a, b)), c))),
        ("(a and b) and c", And((And((a, b)), c))),
        ("((a))", a),
        ("a except b", Except(a, b)),
        ("a ^ b", Except(a, b)),
        ("a EXCEPT b except c", Except(Except(a, b), c)),
        ("a and b except c and d", And((Except(And((a, b)), c), d))),
        ("a or b except c", Or((a, Except(b, c)))),
        ("a except b or c", Or((Except(a, b), c))),
        ("a except (b or c)", Except(a, Or((b, c)))),
        ("a except not b", Except(a, Not(b))),
        ("not a", Not(a)),
        ("!a", Not(a)),
        ("NOT(a)", Not(a)),
        ("Not (a or b)", Not(Or((a, b)))),
        ("not not a", Not(Not(a))),
        ("!!a", Not(Not(a))),
        ("not a and b", And((Not(a), b))),
        ("not a or not b", Or((Not(a), Not(b)))),
        ("a and not (b and not c)", And((a, Not(And((b, Not(c))))))),
        ("a=1and", eq("a", "1and")),
        ("not a=1", Not(eq("a", "1"))),
        ("!(a=1 or b=2)", Not(Or((eq("a", "1"), eq("b", "2"))))),
        ("(a=1)and(b=2)", And((eq("a", "1"), eq("b", "2")))),
        ("a\nand\tb", And((a, b))),
        ("(a=x (y)) or b", Or((eq("a", "x (y)"), b))),
    ],
)
def test_connectors(text: str, expected: Node) -> None:
    assert where(text) == expected
    assert where(f" ({text} ) ") == expected


# The order.


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ()),
        (" \t", ()),
        ("a", ((path("a"), False),)),
        ("a asc", ((path("a"), False),)),
        ("a ASC, b Desc,c", ((path("a"), False), (path("b"), True), (path("c"), False))),
        (" employer.name  desc , ID ", ((path("employer.name"), True), (path("ID"), False))),
        ("desc desc", ((path("desc"), True),)),
        ("order, by", ((path("order"), False), (path("by"), False))),
        ("descent", ((path("descent"), False),)),
    ],
)
def test_order(text: str, order: tuple[tuple[Path, bool], ...]) -> None:
    expected = tuple(OrderItem(*item) for item in order)
    assert unplaced(parse_order(text)) == expected
    if text.strip():
        assert unplaced(parse(f"a = x y order by {text}")) == Query(eq("a", "x y"), expected)
        assert unplaced(parse(f"(a = x y)ORDER  By {text}")) == Query(eq("a", "x y"), expected)
        assert unplaced(parse(f"a order by {text}")) == Query(a, expected)
        assert unplaced(parse(f" order by {text}")) == Query(None, expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,", "no attribute to order by at position 3"),
        (",a", "no attribute to order by at position 1"),
        ("a,,b", "no attribute to order by at position 3"),
        ("a b", "unexpected text in the order at position 2"),
        ("a desc desc", "unexpected text in the order at position 7"),
        ("a = 1", "unexpected text in the order at position 2"),
        ("a)", "unexpected text in the order at position 2"),
        ("(a)", "no attribute to order by at position 1"),
        (":1", "no attribute to order by at position 1"),
        ("!a", "no attribute to order by at position 1"),
        ("-a", None),
        ("a\0", "a character that is not allowed at position 2"),
    ],
)
def test_malformed_order(text: str, reason: str | None) -> None:
    if reason is None:
        assert unplaced(parse_order(text)) == (OrderItem(path(text)),)
    else:
        assert unanalyzed(text, parse_order) == reason


@pytest.mark.parametrize("text", ["", " ", "\t\r\n"])
def test_blank(text: str) -> None:
    assert parse(text) == Query(None, ())


# Refusals.


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = ", "a value is missing at position 5"),
        ("a =", "a value is missing at position 4"),
        ("a = not", "a value is missing at position 8"),
        ("a = and b = 1", "a value is missing at position 5"),
        ("a = or", "a value is missing at position 5"),
        ("a = & b", "a value is missing at position 5"),
        ("(a = )", "a value is missing at position 6"),
        ("a = order by b", "a value is missing at position 5"),
        ("= 1", "no criterion can be read at position 1"),
        ("and b", "no criterion can be read at position 1"),
        ("and", "no criterion can be read at position 1"),
        ("a and", "no criterion can be read at position 6"),
        ("a = 1 and", "no criterion can be read at position 10"),
        ("a or or b", "no criterion can be read at position 6"),
        ("a = 1 and Or b = 2", "no criterion can be read at position 11"),
        ("a = 1 except and", "no criterion can be read at position 14"),
        ("not and a = 1", "no criterion can be read at position 5"),
        ("a = 1 and order by b", "no criterion can be read at position 11"),
        ("not ORDER  By b", "no criterion can be read at position 5"),
        ("a & & b", "no criterion can be read at position 4"),
        ("not", "no criterion can be read at position 4"),
        ("()", "no criterion can be read at position 2"),
        ("(a", "a parenthesis is not closed at position 1"),
        ("a and ((b)", "a parenthesis is not closed at position 7"),
        ("(a = 1 order by b)", "a parenthesis is not closed at position 1"),
        ("a)", "a parenthesis closes that was not opened at position 2"),
        ("a = 1)", "a parenthesis closes that was not opened at position 6"),
        ("a = smile :) or b", "a parenthesis closes that was not opened at position 12"),
        ("a = f(x", "a parenthesis is not closed at position 6"),
        ("a = (b and (c = 1)", "a parenthesis is not closed at position 5"),
        ("a = 'x' y", "unexpected text at position 8"),
        ("a = 'John's'", "unexpected text at position 11"),
        ("a = :1 x", "unexpected text at position 7"),
        ("a in [1] x", "unexpected text at position 9"),
        ("(a) b", "unexpected text at position 4"),
        ("(a)(b)", "unexpected text at position 4"),
        ("(a) not b", "unexpected text at position 4"),
        ("a = 'x", "a quote is not closed at position 5"),
        ('a = "x', "a quote is not closed at position 5"),
        (r"a = 'x\'", "a quote is not closed at position 5"),
        (r"a = \"x", "a quote is not closed at position 5"),
        (r"a = \"x\u0022", "a quote is not closed at position 5"),
        (r"a = \u0027x\u0022", "a quote is not closed at position 5"),
        ("a = [1]", "a list stands only after in at position 5"),
        ("a in [1", "a list is not closed at position 8"),
        ("a in ['x' 'y']", "a list is not closed at position 11"),
        ("a in [", "no value of a list at position 7"),
        ("a in [1,]", "no value of a list at position 9"),
        ("a in [,1]", "no value of a list at position 7"),
        ("a in [[1]]", "no value of a list at position 7"),
        ("a in [:1]", "no value of a list at position 7"),
        ("a in (1,2)", "a list stands in brackets at position 6"),
        ("a in", "a value is missing at position 5"),
        ("a = :", "no name of a placeholder at position 5"),
        ("a = :-1", "no name of a placeholder at position 5"),
        ("a = b order by", "no attribute to order by at position 15"),
        ("a = b order by c d", "unexpected text in the order at position 17"),
        ("order by a and b", "unexpected text in the order at position 11"),
        ("a = 1\0", "a character that is not allowed at position 6"),
        ("a = \ud800", "a character that is not allowed at position 5"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    assert unanalyzed(text) == reason


# Limits.


def limited(**limits: int) -> Any:
    return override_settings(FOURD_REST=limits)


def too_large(text: str, read: Any = parse) -> str:
    code, message = refusal(text, read)
    assert code == 9022
    return message.removeprefix("The query is too large: ")


def test_length() -> None:
    with limited(MAX_FILTER_LENGTH=6):
        assert where("a=1234") == eq("a", "1234")
        assert too_large("a=12345") == "it is longer than 6 characters"
        assert len(parse_order("a, b,c")) == 3
        assert too_large("a, b, c", parse_order) == "it is longer than 6 characters"
    assert where("a=12345") == eq("a", "12345")


def test_a_cached_text_obeys_changed_settings() -> None:
    assert len(where("a or b or c").nodes) == 3
    with limited(MAX_FILTER_CRITERIA=2):
        assert too_large("a or b or c") == "it has more than 2 criteria"
    assert len(where("a or b or c").nodes) == 3


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        ("(((a)))", "((((a))))"),
        ("not not not a", "not not not not a"),
        ("!(!a)", "!(!(a))"),
        ("a ^ b ^ c ^ d", "a ^ b ^ c ^ d ^ a"),
        ("(a ^ b) ^ c", "((a ^ b) ^ c) ^ d"),
        ("(a ^ b) ^ c", "(a ^ b ^ c ^ d)"),
        ("((a ^ b) or c) and d", "((a ^ b) or c) ^ d"),
        ("(((a))) and (((b))) or not((c))", "a and (((not b)))"),
        ("not a and not b and not c and not d", "not (a and not (b and c) or not not d)"),
        ("a=f(((((x)))))", "((((a=1))))"),
    ],
)
def test_depth(fits: str, exceeds: str) -> None:
    with limited(MAX_FILTER_DEPTH=3):
        parse(fits)
        assert too_large(exceeds) == "it nests deeper than 3 levels"


def height(node: Any) -> int:
    if isinstance(node, (And, Or)):
        return 1 + max(map(height, node.nodes))
    if isinstance(node, Not):
        return 1 + height(node.node)
    if isinstance(node, Except):
        return 1 + max(height(node.node), height(node.without))
    return 0


@pytest.mark.parametrize("unit", ["(", "not ", "!", "!(", "a^(", "(a|b^", "a or b and (", "a and not("])
def test_no_setting_lets_a_tree_reach_the_limit_of_the_interpreter(unit: str) -> None:
    with limited(MAX_FILTER_DEPTH=10**6, MAX_FILTER_CRITERIA=10**6, MAX_FILTER_LENGTH=10**6):
        assert too_large(unit * 20_000 + "a") == f"it nests deeper than {MAX_DEPTH} levels"
        assert too_large("a ^ " * 20_000 + "a") == f"it nests deeper than {MAX_DEPTH} levels"
        times = MAX_DEPTH // max(1, unit.count("(") + unit.count("^") + unit.count("n"))
        tree = where(unit * 20 + "a" + ")" * 20 * unit.count("(")) if times > 30 else a
        assert height(tree) <= 3 * MAX_DEPTH < sys.getrecursionlimit() / 3


def test_criteria() -> None:
    with limited(MAX_FILTER_CRITERIA=3):
        parse("a or b=1 or c=2 order by a,b,c")
        assert too_large("a or (b=1) or c=2 and d") == "it has more than 3 criteria"
        assert too_large("a order by a,b,c,d") == "it orders by more than 3 attributes"
        assert too_large("a,b,c,d", parse_order) == "it orders by more than 3 attributes"


def test_values_of_a_list() -> None:
    with limited(MAX_IN_VALUES=3):
        assert operand("a in [1,2,3]") == Items((Bare("1"), Bare("2"), Bare("3")))
        assert too_large("a in [1,2,3,'4']") == "a list has more than 3 values"


def test_names_of_a_path() -> None:
    assert len(parse_order(".".join("a" * MAX_STEPS))[0].path.steps) == MAX_STEPS
    assert too_large(".".join("a" * (MAX_STEPS + 1)) + "=1") == "a path has more than 32 names"
    assert too_large("a[]" + ".a" * MAX_STEPS) == "a path has more than 32 names"


def test_long_texts_are_not_kept() -> None:
    filter_parser._cached.cache_clear()
    for text in ("a=1", "a=" + "1" * 2_000):
        assert parse(text) == parse(text)
    info = filter_parser._cached.cache_info()
    assert (info.currsize, info.hits, info.misses) == (1, 1, 1)
    assert info.maxsize is not None
    assert parse("a=1") is parse("a=1")


# The texts of query.md, its test vectors and those of real clients.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title=DUNES", eq("title", "DUNES")),
        ("title=dune@", eq("title", "dune@")),
        ("title===dune@", Comparison(path("title"), C.IDENTICAL, Bare("dune@"))),
        ("title begin d", Comparison(path("title"), C.BEGIN, Bare("d"))),
        ("price!=10", Comparison(path("price"), C.DIFFERENT, Bare("10"))),
        (
            "price!=10 or price=null",
            Or(
                (
                    Comparison(path("price"), C.DIFFERENT, Bare("10")),
                    Comparison(path("price"), C.EQUAL, Constant(None)),
                )
            ),
        ),
        (
            "price>9 and title=dune or ID=4",
            Or(
                (
                    And((Comparison(path("price"), C.GREATER, Bare("9")), eq("title", "dune"))),
                    eq("ID", "4"),
                )
            ),
        ),
        ("ID in [1,3]", Comparison(path("ID"), C.IN, Items((Bare("1"), Bare("3"))))),
        ("title=d@@e", eq("title", "d@@e")),
        ("not(title=dune@)", Not(eq("title", "dune@"))),
        ("salary>20000", Comparison(path("salary"), C.GREATER, Bare("20000"))),
        ("extra.prop2 == 9181", eq("extra.prop2", "9181")),
        ("lastName=O'Reilly", eq("lastName", "O'Reilly")),
        ("name = Lima West", eq("name", "Lima West")),
        (
            "name = Lima West and salary>3",
            And((eq("name", "Lima West"), Comparison(path("salary"), C.GREATER, Bare("3")))),
        ),
        (
            r"name in [\"Ann\",\"Bob\"]",
            Comparison(path("name"), C.IN, Items((Text("Ann"), Text("Bob")))),
        ),
        ("not (name in :1)", Not(Comparison(path("name"), C.IN, Placeholder("1")))),
        (
            "title=:1 and price>:2",
            And(
                (
                    Comparison(path("title"), C.EQUAL, Placeholder("1")),
                    Comparison(path("price"), C.GREATER, Placeholder("2")),
                )
            ),
        ),
        (
            "a # true | a = null",
            Or(
                (
                    Comparison(path("a"), C.DIFFERENT, Constant(True)),
                    Comparison(path("a"), C.EQUAL, Constant(None)),
                )
            ),
        ),
        ("text % comput@", Comparison(path("text"), C.WORD, Bare("comput@"))),
        (
            "extra.tags[a].name = x and extra.tags[A].level > 1",
            And(
                (
                    Comparison(
                        Path((Step("extra"), Step("tags", "a"), Step("name"))), C.EQUAL, Bare("x")
                    ),
                    Comparison(
                        Path((Step("extra"), Step("tags", "a"), Step("level"))), C.GREATER, Bare("1")
                    ),
                )
            ),
        ),
        (
            "books.title = A and books{2}.title = B",
            And(
                (
                    eq("books.title", "A"),
                    Comparison(Path((Step("books", None, 2), Step("title"))), C.EQUAL, Bare("B")),
                )
            ),
        ),
        (
            r"(name = \u0022A & B\u0022) && n = 1+1",
            And((Comparison(path("name"), C.EQUAL, Text("A & B")), eq("n", "1+1"))),
        ),
        (
            "(name=:email) AND __GlobalStamp>=12",
            And(
                (
                    Comparison(path("name"), C.EQUAL, Placeholder("email")),
                    Comparison(path("__GlobalStamp"), C.GREATER_OR_EQUAL, Bare("12")),
                )
            ),
        ),
        (
            "__Stamp >= 3 AND __Stamp <= 7",
            And(
                (
                    Comparison(path("__Stamp"), C.GREATER_OR_EQUAL, Bare("3")),
                    Comparison(path("__Stamp"), C.LESS_OR_EQUAL, Bare("7")),
                )
            ),
        ),
    ],
)
def test_texts_of_the_specification(text: str, expected: Node) -> None:
    assert where(text) == expected
