"""``fourd_rest.request.placeholders``: values for placeholders, and what cannot stand for one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from fourd_rest.errors import RestError
from fourd_rest.request.filter_parser import MAX_STEPS, parse
from fourd_rest.request.filter_syntax import (
    And,
    Bare,
    Comparator,
    Comparison,
    Constant,
    Except,
    Given,
    IsTrue,
    Not,
    Or,
    Path,
    Step,
)
from fourd_rest.request.placeholders import MAX_INDEX, bind


def value(text: str, params: str | None) -> Any:
    """The value that ``params`` gives in ``text``, a filter of one comparison."""
    node = bind(parse(text), params).where
    assert isinstance(node, Comparison)
    assert isinstance(node.operand, Given)
    return node.operand.value


def refusal(text: str, params: str | None) -> tuple[int, str]:
    with pytest.raises(RestError) as caught:
        bind(parse(text), params)
    (item,) = caught.value.items
    assert caught.value.status == item.row.status
    return item.row.code, item.message


def missing(name: str) -> tuple[int, str]:
    return 1279, f"The query placeholder {name} is missing or null"


def wrong(name: str) -> tuple[int, str]:
    return 1280, f"The query placeholder {name} is not a valid type"


def malformed(params: str) -> str:
    code, message = refusal("a = :1", params)
    assert code == 1806
    return message.removeprefix("URL is not well formed: ")


# Where a placeholder may stand.


def test_every_place() -> None:
    query = parse("a = :1 and not b.c in :2 or :p > :1 except (:q or e = x) order by f desc")
    node = bind(query, '{"1": 5, "2": [6], "p": "o.first name", "q": "r"}').where
    given_, among = Given(5, ":1"), Given([6], ":2")
    assert node == Or(
        (
            And(
                (
                    Comparison(Path((Step("a"),), 0), Comparator.EQUAL, given_),
                    Not(Comparison(Path((Step("b"), Step("c")), 15), Comparator.IN, among)),
                )
            ),
            Except(
                Comparison(Path((Step("o"), Step("first name")), 28), Comparator.GREATER, given_),
                Or(
                    (
                        IsTrue(Path((Step("r"),), 44)),
                        Comparison(Path((Step("e"),), 50), Comparator.EQUAL, Bare("x")),
                    )
                ),
            ),
        )
    )
    assert bind(query, '{"1":1,"2":2,"p":"a","q":"b"}').order == query.order != ()


@pytest.mark.parametrize("text", ["", "order by a", "a=1 or not (b in [2] except !c)", "a and b='x'"])
@pytest.mark.parametrize("params", [None, "", "[1]", "not JSON", "5"])
def test_without_a_placeholder_nothing_is_read(text: str, params: str | None) -> None:
    query = parse(text)
    assert bind(query, params) is query


def test_the_parsed_query_stays_as_it_was() -> None:
    query = parse("a = :1")
    assert bind(query, "[1]") != bind(query, "[2]") != query
    assert query == parse("a = :1")


# Looking up.


@pytest.mark.parametrize(
    ("placeholder", "params", "expected"),
    [
        (":1", '["x"]', "x"),
        (":2", '["x", 3]', 3),
        (":02", '["x", 3]', 3),
        (":1", "[true]", True),
        (":1", "[1.10]", Decimal("1.10")),
        (":1", "[1e2]", Decimal("1e2")),
        (":1", '[""]', ""),
        (":1", "[0]", 0),
        (":1", "[false]", False),
        (":1", '{"1": "x"}', "x"),
        (":email", '{"email": "a+b@c.d"}', "a+b@c.d"),
        (":e", '{"e": 1, "e": 2}', 2),
        (":extra.name", '{"extra": {"name": "x"}}', "x"),
        (":extra.1", '{"extra": {"1": "x"}}', "x"),
        (":a.b.c", '{"a": {"b": {"c": 1}}}', 1),
        (f":{MAX_INDEX}", json.dumps([*range(200)]), MAX_INDEX - 1),
        # Never read as a part of the language.
        (":1", '["b or c = :2 order by d"]', "b or c = :2 order by d"),
        (":1", r'["\\u0027"]', r"\u0027"),
    ],
)
def test_values(placeholder: str, params: str, expected: Any) -> None:
    found = value(f"a = {placeholder}", params)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("placeholder", "params"),
    [
        (":1", None),
        (":1", ""),
        (":1", " \t"),
        (":1", "[]"),
        (":1", "[null]"),
        (":2", "[1]"),
        (":0", "[1]"),
        (":00", "[1]"),
        (f":{MAX_INDEX + 1}", json.dumps([1] * 200)),
        (":" + "9" * 9, "[1]"),
        (":" + "1" * 5_000, "[1]"),
        (":a", "[1]"),
        (":1", "{}"),
        (":a", "{}"),
        (":a", '{"a": null}'),
        (":a", '{"A": 1}'),
        (":a.b", '{"a": 1}'),
        (":a.b", '{"a": null}'),
        (":a.b", '{"a": {"b": null}}'),
        (":a.b", '{"a": [1]}'),
        (":a.b", '{"a.b": 1}'),
    ],
)
def test_missing(placeholder: str, params: str | None) -> None:
    assert refusal(f"a = {placeholder}", params) == missing(placeholder[:301])[:1] + (
        missing(placeholder[:300])[1],
    )
    assert refusal(f"{placeholder} = 1", params)[0] == 1279
    assert refusal(f"a in {placeholder}", params)[0] == 1279


# What cannot stand there.


@pytest.mark.parametrize(
    "element", ["{}", '{"a": 1}', "[]", "[1]", '"a\\u0000b"', '"\\ud800"', "[null]", "[[1]]"]
)
def test_wrong_type_of_a_value(element: str) -> None:
    assert refusal("a = :1", f"[{element}]") == wrong(":1")
    assert refusal("a begin :x.y", f'{{"x": {{"y": {element}}}}}') == wrong(":x.y")


@pytest.mark.parametrize(
    "element", ["{}", "[{}]", "[[1]]", "[1, [2]]", '["x", {"a": 1}]', '["\\u0000"]']
)
def test_wrong_type_of_a_list(element: str) -> None:
    assert refusal("a in :1", f"[{element}]") == wrong(":1")


@pytest.mark.parametrize(
    "element", ["1", "true", "1.5", "{}", '["a"]', '""', '"."', '"a."', '"a..b"', '"a\\u0000"']
)
def test_wrong_type_of_an_attribute(element: str) -> None:
    assert refusal(":1 = 2", f"[{element}]") == wrong(":1")
    assert refusal(":1", f"[{element}]") == wrong(":1")


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("[]", []),
        ('[1, "x", null, true, 2.5]', [1, "x", None, True, Decimal("2.5")]),
        ("1", [1]),
        ('"x"', ["x"]),
        ("false", [False]),
    ],
)
def test_lists(element: str, expected: list[Any]) -> None:
    assert value("a in :1", f"[{element}]") == expected


@pytest.mark.parametrize(
    "name", ["first name", "a=b", "a[0]", "x{2}", "<#>", "'\"", "and", "@", "prénom", ":1", " "]
)
def test_an_attribute_is_taken_verbatim(name: str) -> None:
    node = bind(parse(":p = 1 and a = null"), json.dumps({"p": f"extra.{name}"})).where
    assert node == And(
        (
            Comparison(Path((Step("extra"), Step(name)), 0), Comparator.EQUAL, Bare("1")),
            Comparison(Path((Step("a"),), 11), Comparator.EQUAL, Constant(None)),
        )
    )


# Limits.


def test_number_of_values() -> None:
    with override_settings(FOURD_REST={"MAX_IN_VALUES": 3}):
        assert value("a in :1", "[[1,2,3]]") == [1, 2, 3]
        expected = (9022, "The query is too large: a list has more than 3 values")
        assert refusal("a in :1", "[[1,2,3,4]]") == expected


@pytest.mark.parametrize(
    "text",
    ["a in :1 or b in :1", "a in :1 and b in :1", "a in :1 except b in :1", "a in :1 and not (b in :1)"],
)
def test_number_of_values_of_all_lists(text: str) -> None:
    expected = (9022, "The query is too large: its lists have more than 3 values together")
    with override_settings(FOURD_REST={"MAX_IN_VALUES": 3}):
        assert refusal(text, "[[1,2]]") == expected
    with override_settings(FOURD_REST={"MAX_IN_VALUES": 4}):
        assert bind(parse(text), "[[1,2]]").where is not None


def test_names_of_a_path() -> None:
    path = ".".join("a" * MAX_STEPS)
    assert bind(parse(":1"), json.dumps([path])).where == IsTrue(Path((Step("a"),) * MAX_STEPS))
    expected = (9022, "The query is too large: a path has more than 32 names")
    assert refusal(":1", json.dumps([f"{path}.a"])) == expected


def test_depth_and_length_of_numbers() -> None:
    with override_settings(FOURD_REST={"MAX_JSON_DEPTH": 2}):
        assert value("a in :1", "[[1]]") == [1]
        assert malformed("[[[1]]]") == "$params nests deeper than 2 levels"
        assert malformed("[" * 60_000) == "$params nests deeper than 2 levels"
    assert malformed(f"[{'9' * 401}]").endswith("number too long, at most 400 characters are read")


# The text of ``$params``.


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ('["dune@",10]', "dune@"),
        ("['dune@',10]", "dune@"),
        ("{'1': 'x'}", "x"),
        ("['x',]", "x"),
        (r'["O\u0027Reilly"]', "O'Reilly"),
        (r'["say \u0022hi\u0022"]', 'say "hi"'),
        (r'["say \"hi\""]', 'say "hi"'),
        (r'["O\'Reilly"]', "O'Reilly"),
        (r"['O\'Reilly']", "O'Reilly"),
        (r'["O\'Reilly \\\"x\\\""]', r"""O'Reilly \"x\""""),
        (r"[\"Ann\", 3]", "Ann"),
        (r"[\"O\u0027Reilly\"]", "O'Reilly"),
        (r"[\'Ann\']", "Ann"),
        (r"{\"1\": \"Ann\"}", "Ann"),
        (r'["C:\\dir"]', r"C:\dir"),
        (r'["C:\\\'dir\'"]', r"C:\'dir'"),
        (' ["x"] ', "x"),
    ],
)
def test_tolerated(params: str, expected: str) -> None:
    assert value("a = :1", params) == expected


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ("x", "$params is not readable JSON: error at line 1 column 1"),
        ("[1", "$params is not readable JSON: error at line 1 column 3"),
        ("[abc]", "$params is not readable JSON: error at line 1 column 2"),
        (r'["\x"]', "$params is not readable JSON: error at line 1 column 3"),
        (r"[\"a]", "$params is not readable JSON: error at line 1 column 2"),
        ("[NaN]", "$params is not readable JSON: NaN is not a JSON value"),
        ("5", "$params is neither an array nor an object"),
        ('"x"', "$params is neither an array nor an object"),
        ("null", "$params is neither an array nor an object"),
    ],
)
def test_malformed(params: str, reason: str) -> None:
    assert malformed(params) == reason


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.text(alphabet="{}[]:,'\"\\un1a \0"),
        st.lists(json_values, max_size=3).map(json.dumps),
        st.dictionaries(st.sampled_from(["1", "a"]), json_values).map(json.dumps),
    ),
    st.sampled_from(["b = :1", ":1 = b", "b in :1", "b % :a", ":a.b or c = :1"]),
)
def test_any_params_are_bound_or_refused(params: str, text: str) -> None:
    try:
        bind(parse(text), params)
    except RestError as error:
        (item,) = error.items
        assert item.row.code in (1279, 1280, 1806)
        assert item.message.isprintable()


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_value_arrives_as_it_was_sent(sent: Any) -> None:
    if isinstance(sent, str) and "\0" in sent:
        assert refusal("a = :1", json.dumps([sent])) == wrong(":1")
    else:
        found = value("a = :1", json.dumps([sent]))
        assert (type(found), found) == (type(sent), sent)
