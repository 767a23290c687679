"""The table of keywords, and the values that requests are made into."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fourd_rest
from fourd_rest.errors import RestError
from fourd_rest.request import keywords
from fourd_rest.request.address import parse
from fourd_rest.request.files import FileRequest
from fourd_rest.request.keywords import (
    ADD_TO_SET,
    AS_ARRAY,
    COMPUTE,
    DISTINCT,
    FIND_KEY,
    KEYWORDS,
    OUTPUT_FORMAT,
    REMOVE_FROM_SET,
    SKIP,
    TIMEOUT,
    TOP,
    Changes,
    Keyword,
    Kind,
)
from fourd_rest.request.reads import ReadRequest, changes_state
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.request.writes import WriteRequest

PACKAGE = Path(fourd_rest.__file__).parent
SET = "Book/$entityset/0123456789ABCDEF0123456789ABCDEF"


def read(query: str, path: str = "Book", method: str = "") -> ReadRequest:
    return ReadRequest.of(parse(path, query, is_read=True), "Book", method)


def refusal(query: str, path: str = "Book", method: str = "") -> str:
    with pytest.raises(RestError) as caught:
        read(query, path, method)
    return caught.value.items[-1].message


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts in ``tree`` that are no docstrings."""
    nodes = list(ast.walk(tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node.value


def test_no_other_package_knows_the_text_of_a_keyword() -> None:
    """What is asked is a value: texts with a ``$`` are read in ``request/`` alone."""
    found = [
        (path.relative_to(PACKAGE).as_posix(), text)
        for path in sorted(PACKAGE.glob("*/**/*.py"))
        if path.relative_to(PACKAGE).parts[0] != "request"
        for text in literals(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"\$[A-Za-z]", text)
    ]
    assert found == []
    inside = (PACKAGE / "request" / "keywords.py").read_text(encoding="utf-8")
    assert "$filter" in set(literals(ast.parse(inside)))


def test_names_are_used_once() -> None:
    names = [keyword.key for keyword in KEYWORDS] + list(keywords.ALIASES)
    assert len(names) == len(set(names)) > 35
    assert all(keyword.name.startswith("$") and keyword.purpose for keyword in KEYWORDS)


# Values of single keywords.


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ("", "$atomic", False),
        ("$atomic=true", "$atomic", True),
        ("$atomic=1", "$atomic", True),
        ("$atomic=false", "$atomic", False),
        ("$atomic=TRUE", "$atomic", True),
        ("$atomic='true'", "$atomic", True),
        ("$atomic=True ", "$atomic", True),
        ("$atomic=FALSE", "$atomic", False),
        ("$atomic=0", "$atomic", False),
        ("$atomic=yes", "$atomic", False),
        ("$atomic", "$atomic", False),
        ("$asArray=true", "$asarray", True),
        ("$ASARRAY=1", "$asarray", True),
        ("$distinct=true", "$distinct", True),
        ("$distinct=1", "$distinct", True),
        ("$refresh=true", "$refresh", True),
        ("$Refresh=1", "$refresh", True),
    ],
)
def test_flag(query: str, name: str, expected: bool) -> None:
    (keyword,) = (keyword for keyword in keywords.KEYWORDS if keyword.key == name)
    assert keyword.of(parse("Book", query).params) is expected


@pytest.mark.parametrize(
    "name",
    ["$atomic", "$atOnce", "$refresh", "$binary", "$asArray", "$distinct", "$lock", "$removeRefOnly"],
)
def test_flags_are_checked(name: str) -> None:
    for value in ("true", "TRUE", "False", "1", "0", "'true'", "%22True%22", " true"):
        keywords.check_flags(parse("Book", f"{name}={value}").params)
    for value in ("", "=", "=yes", "=2", "=t", "='true' or", "=null", "=-1"):
        with pytest.raises(RestError) as caught:
            keywords.check_flags(parse("Book", f"{name}{value}").params)
        (item,) = caught.value.items
        text = f"URL is not well formed: {name.lower()} is neither true nor false"
        assert (item.row.code, item.message, caught.value.status) == (1806, text, 400)
    keywords.check_flags(parse("Book", "$rawPict=image/png&x=y&$top=z").params)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("40", 40),
        ("-40", -40),
        ("+7", 7),
        ("007", 7),
        ('"5"', 5),
        ("9" * 18, 10**18 - 1),
        ("-" + "9" * 18, 1 - 10**18),
    ],
)
def test_integer(value: str, expected: int) -> None:
    for name in ("$top", "$TOP", "$limit"):
        asked = read(f"{name}={value}")
        assert (asked[TOP], asked[SKIP]) == (expected, None)


@pytest.mark.parametrize("value", ["", "x", "1.0", "1e3", " 1", "1 ", "--1", "1\n", "٣", "9" * 19])
def test_integer_refused(value: str) -> None:
    with pytest.raises(RestError) as caught:
        read(f"$top={value}")
    assert [item.as_json() for item in caught.value.items] == [
        {
            "message": "URL is not well formed: $top is not a whole number",
            "componentSignature": "dbmg",
            "errCode": 1806,
        }
    ]
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1,'a']", ["[1", "'a']"]),
        ('[1,"a"]', [1, "a"]),
        ("7", [7]),
        ("7, 8,,a", ["7", "8", "a"]),
        ("", []),
    ],
)
def test_keys(text: str, expected: list[Any]) -> None:
    assert ADD_TO_SET.of({"$addtoset": text}) == expected


# What a read asks.


def test_nothing_is_asked() -> None:
    asked = read("")
    assert (asked.values, asked.names, asked.expand, asked.makes_set) == ({}, None, None, False)
    assert (asked[TOP], asked[OUTPUT_FORMAT], asked[AS_ARRAY], asked[COMPUTE]) == (
        *(None, "json", False),
        None,
    )
    assert asked.selection.is_everything
    assert asked.is_plain


@pytest.mark.parametrize(
    ("path", "query", "is_plain"),
    [
        ("Book", "$top=5&$skip=5&$attributes=title,*", True),
        ("Book/title", "$version=7&any=thing", True),
        ("Book", "$attributes=author.name", False),
        ("Book/author.name", "", False),
        ("Book", "$filter=a=1", False),
        ("Book", "$orderby=a", False),
        ("Book", "$expand=author", False),
        ("Book", "$asArray=true", False),
        ("Book", "$compute=count", False),
        ("Book(1,2)", "", False),
        (SET, "", False),
    ],
)
def test_plain_pages(path: str, query: str, is_plain: bool) -> None:
    assert read(query, path).is_plain is is_plain


@pytest.mark.parametrize(
    ("path", "method", "query", "values"),
    [
        ("Book", "", "$top=1&$skip=2&$format=LOOKER&$asArray=1", (1, 2, "looker", True)),
        # Whatever counts for nothing may say anything.
        ("Book", "", "$compute=sum&$top=x&$format=xml", (None, None, "json", False)),
        ("Book", "", "$distinct=1&$top=3&$format=xml", (3, None, "json", False)),
        (SET, "", "$findKey=7&$top=x&$addToSet=8", (None, None, "json", False)),
        (SET, "", "$logicOperator=Intersect&$otherCollection=A&$top=x", (None, None, "json", False)),
        ("Book", "", "$timeout=x&$removeFromSet=x&$findKey=7", (None, None, "json", False)),
        (SET, "entityset", "$timeout=x", (None, None, "json", False)),
    ],
)
def test_keywords_count_for_their_kinds_of_reads(
    path: str, method: str, query: str, values: tuple[Any, ...]
) -> None:
    asked = read(query, path, method)
    assert (asked[TOP], asked[SKIP], asked[OUTPUT_FORMAT], asked[AS_ARRAY]) == values
    assert (asked[TIMEOUT], asked[REMOVE_FROM_SET]) == (None, None)


@pytest.mark.parametrize(
    ("path", "method", "query", "message"),
    [
        ("Book", "", "$skip=y&$top=x", "$top is not a whole number"),
        ("Book", "", "$distinct=1&$skip=y", "$skip is not a whole number"),
        ("Book", "", "$format=xml&$skip=y", "$skip is not a whole number"),
        ("Book", "entityset", "$timeout=x", "$timeout is not a whole number"),
        (SET, "entityset", "$filter=a=1&$timeout=x", "$timeout is not a whole number"),
        # Before a set is changed everything is looked at.
        (SET, "", "$compute=sum&$removeFromSet=1&$top=x", "$top is not a whole number"),
        (SET, "", "$removeFromSet=x", "$removeFromSet is not a whole number"),
    ],
)
def test_what_counts_is_read_when_the_request_is_made(
    path: str, method: str, query: str, message: str
) -> None:
    assert refusal(query, path, method) == f"URL is not well formed: {message}"


def test_filter_and_order_are_read_first() -> None:
    unread = "Query cannot be analyzed: a value is missing at position 3"
    assert refusal("$top=x&$orderby=a b&$filter=a=") == unread
    assert refusal("$top=x&$orderby=a b") == 'Cannot order by "a b" for the "Book" dataclass'
    assert refusal("$top=x&$filter=a=1") == "URL is not well formed: $top is not a whole number"


def test_a_set() -> None:
    asked = read("$logicOperator=OR&$otherCollection=B&$clean=1&$top=1", SET)
    selection = asked.selection
    assert (selection.set_id, selection.operator, selection.other, selection.is_cleaned) == (
        *("0123456789ABCDEF0123456789ABCDEF", "OR"),
        *("B", True),
    )
    assert (selection.is_of_set, selection.is_stored) == (True, False)
    assert read("$clean=0", SET).selection.is_stored
    nothing = read("", "Book/$entityset/$none").selection
    assert (nothing.is_of_set, nothing.is_stored, nothing.is_everything) == (False, False, False)
    assert read("$findKey=7", SET)[FIND_KEY] == "7"
    assert read("$distinct=1", SET)[DISTINCT] is True


def test_saved_texts_are_read_when_they_are_needed() -> None:
    saved = read("$savedfilter=a=&$savedorderby=b", SET).selection.saved
    assert saved is not None
    with pytest.raises(RestError):
        saved.read()
    saved = read("$savedfilter=$ALL&$savedorderby=b desc", SET).selection.saved
    assert saved is not None
    found = saved.read()
    assert (found.filter.where, str(found.order and found.order[0].path)) == (None, "b")
    assert read("$savedfilter=a=", "Book").selection.saved is None


def test_a_request_can_be_printed() -> None:
    printed = repr(read("$top=5&$findKey=x", "Book(1,2)/title"))
    assert "values={'$top': 5}" in printed
    assert "keys=('1', '2')" in printed
    assert "names='title'" in printed


# What changes something.


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("Book", "", False),
        ("Book", "$method=entityset", True),
        ("Book", "$addToSet=1", True),
        ("Book", "$removeFromSet=1", True),
        ("Book", "$savedfilter=a=1", False),
        (SET, "$savedfilter=a=1", True),
        (SET, "$savedorderby=a", True),
        (SET, "$filter=a=1", False),
    ],
)
def test_reads_that_change_something(path: str, query: str, expected: bool) -> None:
    address = parse(path, query, is_read=True)
    assert changes_state(address, keywords.method_of(address.params)) is expected


def test_what_changes_something_says_so() -> None:
    assert {
        keyword.name: keyword.changes for keyword in KEYWORDS if keyword.changes.value != "nothing"
    } == {
        "$savedfilter": Changes.WITH_SET,
        "$savedorderby": Changes.WITH_SET,
        "$addToSet": Changes.ALWAYS,
        "$removeFromSet": Changes.ALWAYS,
    }
    assert {name for name, method in keywords.METHODS.items() if method.changes} == {
        *("entityset", "subentityset", "release"),
    }


# Writes.


def written(method: str) -> set[str]:
    """The names of keywords that a write of this method takes."""

    def is_taken(keyword: Keyword[Any]) -> bool:
        try:
            keywords.check_write({keyword.key: ""}, method)
        except RestError:
            return False
        return True

    return {keyword.name for keyword in KEYWORDS if is_taken(keyword)}


def test_what_writes_take() -> None:
    taken = {"$method", "$atomic", "$atonce", "$refresh", "$expand", "$rawPict", "$binary", "$timeout"}
    taken |= {"$asArray", "$format", "$version", "$imageformat"}
    assert written("update") == written("validate") == written("release") == taken
    assert written("delete") == taken | {"$filter", "$params", "$savedfilter", "$savedorderby"}


def test_a_delete_by_filter() -> None:
    asked = WriteRequest.of_delete(parse("Book(1)", "$filter=a=1&$atOnce=1"))
    assert (asked.keys, asked.is_selected, asked.is_atomic) == (("1",), True, True)
    selection = SelectionRequest.of(parse("Book", "$filter=a=1"), "Book")
    assert selection.filter.where is not None


# Files.


def test_an_upload() -> None:
    asked = FileRequest.of_upload(parse("$upload", "$rawPict=image/png&$timeout=5"))
    assert asked == FileRequest(is_picture=True, timeout=5)
    assert not FileRequest.of_upload(parse("$upload", "$binary=true&$rawPict=0")).is_picture
    assert FileRequest.of_upload(parse("X(1)/photo", ""), is_picture=True).is_picture


def test_bytes() -> None:
    address = parse("X(1)/photo", "$imageformat=.JPG&$size=20x10")
    assert FileRequest.of_bytes(address, is_picture=True) == FileRequest(True, None, "JPEG", (20, 10))
    assert FileRequest.of_bytes(address, is_picture=False) == FileRequest(is_picture=False)
    assert FileRequest.asks_for_bytes(address, is_picture=True)
    assert not FileRequest.asks_for_bytes(address, is_picture=False)


def test_kinds_are_told_apart() -> None:
    assert all(keyword.kinds or keyword.support.value != "yes" for keyword in KEYWORDS)
    assert {kind for kind in Kind if not any(kind in keyword.kinds for keyword in KEYWORDS)} == set()
