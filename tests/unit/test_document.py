"""``read_document``: strict JSON, what is tolerated beyond it, and what is refused."""

from __future__ import annotations

import json
import time
from decimal import Context, Decimal, InvalidOperation, getcontext, localcontext
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fourd_rest.errors import BAD_JSON, BODY_EMPTY, JSON_TOO_DEEP, ErrorItem, RestError
from fourd_rest.http.parsers import read_document as read

modest = settings(max_examples=200, deadline=None)


def value(text: str | bytes, max_depth: int = 64) -> Any:
    return read(text.encode() if isinstance(text, str) else text, max_depth=max_depth)


def refusal(text: str | bytes, max_depth: int = 64) -> ErrorItem:
    with pytest.raises(RestError) as caught:
        value(text, max_depth)
    (item,) = caught.value.items
    assert caught.value.status == 400
    return item


def reason(text: str | bytes) -> str:
    item = refusal(text)
    assert item.row is BAD_JSON
    return item.message.removeprefix("The request body is not readable JSON: ")


def typed(found: Any) -> Any:
    """``found`` with the type of each value, because ``1 == True == Decimal(1)``."""
    if isinstance(found, dict):
        return {name: typed(item) for name, item in found.items()}
    if isinstance(found, list):
        return [typed(item) for item in found]
    return type(found).__name__, str(found)


# Strict JSON.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("true", True),
        (" false\r\n", False),
        ("0", 0),
        ("-12", -12),
        ("1.10", Decimal("1.10")),
        ("1e2", Decimal("1e2")),
        ("-0.0", Decimal("-0.0")),
        (
            "0.1234567890123456789012345678901234567890",
            Decimal("0.1234567890123456789012345678901234567890"),
        ),
        ("1e999999999", Decimal("1e999999999")),
        ("1e-999999999", Decimal("1e-999999999")),
        ("9" * 400, 10**400 - 1),
        ("-" + "9" * 400, 1 - 10**400),
        ("0." + "1" * 398, Decimal("0." + "1" * 398)),
        ('""', ""),
        ('"é\\u00e9\\n\\/"', "éé\n/"),
        ('"\\u0000\\ud800\\ud83d\\ude00"', "\0\ud800😀"),
        ("[]", []),
        ("{}", {}),
        ('{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
        ('["ID","D507BC03E613487E9B4C2F6A0512FE50"]', ["ID", "D507BC03E613487E9B4C2F6A0512FE50"]),
        (
            '{"__ENTITIES":[{"ID":null,"employer":"126"}]}',
            {"__ENTITIES": [{"ID": None, "employer": "126"}]},
        ),
        # The texts of wakanda-client on Node keep their percent escapes.
        ('{"n":"O%27Neil %28x%29%21"}', {"n": "O%27Neil %28x%29%21"}),
        ("\ufeff[1]", [1]),
    ],
)
def test_strict(text: str, expected: Any) -> None:
    assert typed(value(text)) == typed(expected)


def test_the_context_of_the_thread_does_not_matter() -> None:
    with localcontext(Context(prec=2, Emax=3, Emin=-3, traps=[])):
        assert typed(value("1.2345e9")) == ("Decimal", "1.2345E+9")
        assert reason("1e9999999999999999999") == "an exponent is too large"
        assert not getcontext().flags[InvalidOperation]


# What is tolerated.

SEED_UPDATE = """
{
    __KEY: "12",
    __STAMP: 4,
    photo: { "ID": "D507BC03E613487E9B4C2F6A0512FE50" } 
}
"""  # noqa: W291 - as the page has it
SEED_ANSWER = """{
    "__KEY": "12", 
    "__STAMP": 5, 
    "uri": "http://127.0.0.1:8081/rest/Employee(12)", 
    "ID": 12, 
    "firstName": "John", 
    "firstName": "Smith",
    "photo":
    {
        "__deferred":
        {
            "uri": "/rest/Employee(12)/photo?$imageformat=best&$version=1&$expand=photo",
            "image": true
        }
    },}
"""  # noqa: W291 - as the page has it


def test_the_samples_of_the_seed() -> None:
    assert value(SEED_UPDATE) == {
        "__KEY": "12",
        "__STAMP": 4,
        "photo": {"ID": "D507BC03E613487E9B4C2F6A0512FE50"},
    }
    assert value(SEED_ANSWER) == {
        "__KEY": "12",
        "__STAMP": 5,
        "uri": "http://127.0.0.1:8081/rest/Employee(12)",
        "ID": 12,
        "firstName": "Smith",
        "photo": {
            "__deferred": {
                "uri": "/rest/Employee(12)/photo?$imageformat=best&$version=1&$expand=photo",
                "image": True,
            }
        },
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Names without quotes.
        ("{a:1}", {"a": 1}),
        (
            "{ a\r\n\t: 1, $b_2 : 2, _:3, $:4, prénom:5, Ж1:6}",
            {"a": 1, "$b_2": 2, "_": 3, "$": 4, "prénom": 5, "Ж1": 6},
        ),
        ("{true:1,null:2,NaN:3}", {"true": 1, "null": 2, "NaN": 3}),
        ("{a:true,b:null,c:1e2}", {"a": True, "b": None, "c": Decimal("1e2")}),
        ("{a:1,a:2}", {"a": 2}),
        ("[{vector:[1,2,3],threshold:1}]", [{"vector": [1, 2, 3], "threshold": 1}]),
        # Texts in single quotes.
        ("'a'", "a"),
        ("''", ""),
        ("{'a':'b'}", {"a": "b"}),
        ("['a\"b']", ['a"b']),
        (r"['O\'Neil', 'a\"b', 'a\\', '\n\u00e9', '\\\'']", ["O'Neil", 'a"b', "a\\", "\né", "\\'"]),
        ("['a:b, {c:1,} [,]']", ["a:b, {c:1,} [,]"]),
        ("{a:'it is \"x:1,]\" '}", {"a": 'it is "x:1,]" '}),
        ("['\\ud800\\u0000']", ["\ud800\0"]),
        # What looks tolerable inside a text in double quotes is text.
        ("{a:\"b:1, 'c', [1,] {d:2,}\"}", {"a": "b:1, 'c', [1,] {d:2,}"}),
        (r'{a:"\"b:1,]\\"}', {"a": '"b:1,]\\'}),
        # A comma before a closing bracket.
        ("[1,]", [1]),
        ("[1 , \r\n\t]", [1]),
        ('{"a":1,}', {"a": 1}),
        ('{"a":[{"b":1,},],}', {"a": [{"b": 1}]}),
        ("\ufeff{a:1}", {"a": 1}),
    ],
)
def test_tolerated(text: str, expected: Any) -> None:
    assert typed(value(text)) == typed(expected)


# What is refused.


@pytest.mark.parametrize("text", ["", " ", "\r\n\t ", "\ufeff", "\ufeff \n"])
def test_empty(text: str) -> None:
    assert refusal(text) == BODY_EMPTY()


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ("[1", 1, 3),
        ("[,]", 1, 2),
        ("[ ,]", 1, 3),
        ("{,}", 1, 2),
        ("[1,,]", 1, 4),
        ("[,1]", 1, 2),
        ('{"a":1,,}', 1, 8),
        ('{"a":,}', 1, 6),
        ("[1 2]", 1, 4),
        ("[1]]", 1, 4),
        ("{},", 1, 3),
        ("1,", 1, 2),
        ("a", 1, 1),
        ("a:1", 1, 2),
        ("[a:1]", 1, 3),
        ("[abc]", 1, 2),
        ("{a}", 1, 2),
        ("{a b:1}", 1, 2),
        ("{a-b:1}", 1, 2),
        ("{1:2}", 1, 2),
        ("{1a:2}", 1, 2),
        ("{a\u00a0:1}", 1, 2),
        ("{a:b}", 1, 4),
        ("{aa:1,bb:c}", 1, 10),
        ("{aa:1,\n bb:c}", 2, 5),
        ("{aa:1,\n bb:'x',\n\n 'c':[,]}", 4, 7),
        ("['a''b']", 1, 5),
        ("['a", 1, 2),
        ('[\'"""\' x]', 1, 8),
        ("[\"a'", 1, 2),
        ('["' + "[" * 100, 1, 2),
        (r"['a\']", 1, 2),
        (r'{a:"\x"}', 1, 5),
        (r"{a:1,b:'\x'}", 1, 8),
        ("['a\nb']", 1, 2),
        ("{a:1} // x", 1, 7),
        ("[/* x */]", 1, 2),
        ("[01]", 1, 3),
        ("[+1]", 1, 2),
        ("[.5]", 1, 2),
        ("[0x1]", 1, 3),
        ("[TRUE]", 1, 2),
        ("[`a`]", 1, 2),
        ("\0", 1, 1),
        ("\ufeff\ufeff1", 1, 1),
    ],
)
def test_unreadable(text: str, line: int, column: int) -> None:
    assert reason(text) == f"error at line {line} column {column}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\xff", "byte 1 is not UTF-8"),
        (b'["\xc3"]', "byte 3 is not UTF-8"),
        (b"\xef\xbb\xbf\xff", "byte 4 is not UTF-8"),
        ("[1]".encode("utf-16-le") + b"\xd8", "byte 7 is not UTF-8"),
        (b'"\xed\xa0\x80"', "byte 2 is not UTF-8"),
        ("[NaN]", "NaN is not a JSON value"),
        ("{a:Infinity}", "Infinity is not a JSON value"),
        ("-Infinity", "-Infinity is not a JSON value"),
        ("9" * 401, "number too long, at most 400 characters are read"),
        ("-" + "9" * 401, "number too long, at most 400 characters are read"),
        ("{a:" + "9" * 5000 + "}", "number too long, at most 400 characters are read"),
        ("0." + "1" * 399, "number too long, at most 400 characters are read"),
        ("1e9999999999999999999", "an exponent is too large"),
        ("1e-9999999999999999999", "an exponent is too large"),
    ],
)
def test_refused_by_name(text: str | bytes, expected: str) -> None:
    assert reason(text) == expected


# Depth.


@pytest.mark.parametrize("limit", [1, 2, 64])
@pytest.mark.parametrize(
    ("opener", "core", "closer"),
    [
        ("[", "", "]"),
        ('{"a":', "1", "}"),
        ("{a:", "'[['", "}"),
        ("[", "1,", "]"),
        ("[", '"[["', "]"),
    ],
)
def test_depth(limit: int, opener: str, core: str, closer: str) -> None:
    found = value(opener * limit + core + closer * limit, limit)
    for _ in range(limit - 1):
        (found,) = found.values() if isinstance(found, dict) else found
    assert isinstance(found, (dict, list))
    too_deep = opener * (limit + 1) + core + closer * (limit + 1)
    assert refusal(too_deep, limit) == JSON_TOO_DEEP(limit=limit)


def test_depth_is_not_the_number_of_brackets() -> None:
    assert value("[" + "[[],{}]," * 100 + "0]", 3) == [[[], {}]] * 100 + [0]
    assert value('["' + "[" * 100 + '"]', 1) == ["[" * 100]
    assert value(r'["\"[[", "[\\", [] ]', 2) == ['"[[', "[\\", []]
    assert value("['" + "[{" * 100 + "']", 1) == ["[{" * 100]
    assert value("{a:'\"', b:[], c:'\"[[['}", 2) == {"a": '"', "b": [], "c": '"[[['}


@pytest.mark.parametrize("limit", [64, 1_000_000])
@pytest.mark.parametrize("opener", ["[", '{"a":', "{a:", "['',"])
def test_no_depth_breaks_the_interpreter(opener: str, limit: int) -> None:
    assert refusal(opener * 100_000, limit) == JSON_TOO_DEEP(limit=limit)


# Properties.

names = st.from_regex(r"[A-Za-z_$é][A-Za-z0-9_$é]{0,5}", fullmatch=True)
texts = st.one_of(st.text(), st.text(alphabet="a:,'\"\\[]{} \n", max_size=8))
numbers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.decimals(allow_nan=False, allow_infinity=False).map(float).filter(lambda n: abs(n) < 1e300),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(names, texts), inner, max_size=4),
    ),
    max_leaves=12,
)


def expected_of(text: str) -> Any:
    return typed(json.loads(text, parse_float=Decimal))


@modest
@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_strict_json_is_read_as_the_standard_library_does(
    tree: Any, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(tree, ensure_ascii=ascii_only, indent=indent)
    assert typed(value(text.encode(errors="replace"))) == expected_of(
        text.encode(errors="replace").decode()
    )


@modest
@given(values, st.sampled_from([None, 1]))
@example({"a": "b:1, 'c', [1,]", "'": "\"'"}, None)
def test_the_tolerant_reading_agrees_with_the_strict_one(tree: Any, indent: int | None) -> None:
    """The unquoted name forces the tolerant reading on a text that is strict otherwise."""
    text = json.dumps(tree, indent=indent)
    assert typed(value(f'{{unquoted:{text},"x":{text}}}')) == {
        "unquoted": expected_of(text),
        "x": expected_of(text),
    }


def sloppy(tree: Any, choose: Any) -> str:
    """``tree`` written with every liberty that is tolerated, where ``choose`` says so."""
    comma = "," if tree and choose() else ""
    if isinstance(tree, dict):
        members = (f"{sloppy_name(name, choose)} : {sloppy(tree[name], choose)}" for name in tree)
        return f"{{{', '.join(members)}{comma} }}"
    if isinstance(tree, list):
        return f"[{','.join(sloppy(item, choose) for item in tree)}{comma}\n]"
    if isinstance(tree, str) and choose():
        inner = json.dumps(tree)[1:-1].replace("'", r"\'")
        return "'{}'".format(inner.replace(r"\"", '"') if "\\\\" not in inner else inner)
    return json.dumps(tree)


def sloppy_name(name: str, choose: Any) -> str:
    if name.isidentifier() and choose():
        return name
    return sloppy(name, choose)


@pytest.mark.parametrize("name", ["e\u0301te\u0301", "A·", "℘", "Été", "名前", "$a_1", "_"])
def test_names_that_are_identifiers_of_javascript(name: str) -> None:
    assert value(f"{{{name}: 1, {name} :2,}}") == {name: 2}


@modest
@given(values, st.data())
def test_every_liberty_gives_the_same_value(tree: Any, data: st.DataObject) -> None:
    text = sloppy(tree, lambda: data.draw(st.booleans()))
    assert typed(value(text)) == expected_of(json.dumps(tree))


@modest
@given(
    st.one_of(
        st.binary(),
        st.text(alphabet="{}[]:,'\"\\ua10$_.e- \n\0é").map(str.encode),
        st.lists(st.sampled_from(["{", "}", "[", "]", ",", "a:", "'a'", '"', "'", "\\", "1"])).map(
            lambda pieces: "".join(pieces).encode()
        ),
    ),
    st.integers(1, 4),
)
@example(b"'\\", 1)
@example(b'"\\', 1)
@example(b"[" * 3 + b'"\\', 1)
def test_any_bytes_are_read_or_refused(raw: bytes, max_depth: int) -> None:
    try:
        read(raw, max_depth=max_depth)
    except RestError as error:
        assert error.status == 400
        (item,) = error.items
        assert item.row in (BAD_JSON, JSON_TOO_DEEP, BODY_EMPTY)
        assert len(item.message) < 100
        assert item.message.isascii()
        assert item.message.isprintable()


@pytest.mark.parametrize(
    "unit",
    [
        "'",
        '"',
        "\\",
        "'\"",
        r"\'",
        r"\"",
        "a",
        "a ",
        "a:",
        "{a:",
        ",",
        ", ",
        "[,",
        " ",
        "[",
        "[]",
        "9",
    ],
)
def test_time_is_linear(unit: str) -> None:
    size = 200_000
    started = time.process_time()
    for prefix, suffix in [("", ""), ("'", ""), ('"', ""), ("[]" * 65 + '"', "\\"), ("{a:'", "'}")]:
        try:
            value(prefix + (unit * size)[:size] + suffix)
        except RestError:
            continue
    assert time.process_time() - started < 5
