"""The oracle itself, on the examples of ``query.md`` and of the decisions."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from .language import And, Criterion, Except, Json, Kind, Not, Or, Quoted, Schema, Word, steps
from .oracle import Oracle
from .values import Unfit, converted, fold, like, scalar_fails, scalar_holds, words

LONG, STRING = Kind("long"), Kind("string")
ORACLE = Oracle(
    Schema(
        {
            "Book": {
                "ID": LONG,
                "title": STRING,
                "price": Kind("number"),
                "sold": Kind("bool"),
                "info": Kind("object"),
                "writer": Kind("relation", "Writer"),
            },
            "Writer": {
                "ID": LONG,
                "name": STRING,
                "books": Kind("relation", "Book", many=True),
                "friends": Kind("relation", "Writer", many=True),
            },
        },
        {"Book": "ID", "Writer": "ID"},
    )
)


def book(key: int, title: Any = None, price: Any = None, **others: Any) -> dict[str, Any]:
    return {
        "ID": key,
        "title": title,
        "price": price,
        "sold": None,
        "info": None,
        "writer": None,
    } | others


def writer(key: int, name: str, *books: Any, friends: Any = ()) -> dict[str, Any]:
    return {"ID": key, "name": name, "books": list(books), "friends": list(friends)}


def c(path: str, operator: str, operand: Any = None) -> Criterion:
    """Texts are quoted, numbers as from ``$params``."""
    if isinstance(operand, list):
        operand = tuple(map(constant, operand))
    return Criterion(steps(path), operator, constant(operand))


def constant(value: Any) -> Any:
    if isinstance(value, str):
        return Quoted(value)
    return Json(value) if isinstance(value, (int, float, Decimal)) and value is not True else value


def keys(node: Any, rows: list[dict[str, Any]], dataclass: str = "Book") -> list[int]:
    return [row["ID"] for row in rows if ORACLE.holds(node, row, dataclass)]


# ``query.md`` 14
BOOKS = [book(1, "Dunes", 10), book(2, "dune", 12), book(3, "Été"), book(4, "a@b", 5)]


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (c("title", "=", "DUNES"), [1]),
        (c("title", "=", "dune@"), [1, 2]),
        (c("title", "=", "ete"), [3]),
        (c("title", "===", "dune@"), []),
        (c("title", "===", "a@b"), [4]),
        (c("title", "begin", "d"), [1, 2]),
        (c("price", "!=", 10), [2, 4]),
        (Or((c("price", "!=", 10), c("price", "="))), [2, 3, 4]),
        (Or((And((c("price", ">", 9), c("title", "=", "dune"))), c("ID", "=", 4))), [2, 4]),
        (c("ID", "in", [1, 3]), [1, 3]),
        (c("title", "=", "d@@e"), []),
        (Not(c("title", "=", "dune@")), [3, 4]),
    ],
)
def test_vectors(node: Any, found: list[int]) -> None:
    assert keys(node, BOOKS) == found


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (c("price", "="), [3]),
        (c("price", "!="), [1, 2, 4]),
        (Not(c("price", "=")), [1, 2, 4]),
        (Not(c("price", "!=")), [3]),
        # D-43: a complement has no nulls.
        (Not(c("price", "=", 10)), [2, 4]),
        (Not(c("price", "<", 10)), [1, 2]),
        (Not(c("price", "in", [10, 12])), [4]),
        (Not(Not(c("price", "=", 10))), [1]),
        (Not(And((c("price", "=", 10), c("title", "=", "dunes")))), [2, 3, 4]),
        (Not(Or((c("price", "=", 10), c("title", "=", "dune")))), [4]),
        # Two values: what is null in the second part does not match it.
        (Except(c("title", "=", "@"), c("price", "=", 10)), [2, 3, 4]),
        (Not(Except(c("title", "=", "@"), c("price", "=", 10))), [1]),
        (c("price", "in", []), []),
        (Not(c("price", "in", [])), [1, 2, 4]),
        (c("price", "in", [None, 5]), [3, 4]),
        (c("title", "in", ["d@", "x"]), [1, 2]),
        (c("title", "begin", "@n"), [1, 2]),
        (c("title", "begin", ""), [1, 2, 3, 4]),
        (c("title", "=", "@"), [1, 2, 3, 4]),
        (c("title", "!=", "d@@e"), [1, 2, 3, 4]),
        (c("title", "<", "dunes"), [2, 4]),
        (c("title", ">=", "dunes@"), [1, 3]),
        (c("title", "!==", "a@b"), [1, 2, 3]),
        (c("price", "=", "v12"), [2]),
        (Criterion(steps("title"), "=", Word("dune")), [2]),
    ],
)
def test_null_and_negation(node: Any, found: list[int]) -> None:
    assert keys(node, BOOKS) == found


def test_boolean_alone() -> None:
    books = [book(1, sold=True), book(2, sold=False), book(3)]
    assert keys(c("sold", ""), books) == [1]
    assert keys(Not(c("sold", "")), books) == [2]
    assert keys(Or((c("sold", "!=", True), c("sold", "="))), books) == [2, 3]


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("Alpha,Bravo", "Alpha", True),
        ("Alpha Bravo", "vo", False),
        ("Alpha Bravo", "Alpha Bravo", False),
        ("Alpha Bravo", "BRA@", True),
        ("Alpha Bravo", "@vo", True),
        ("the fool's day", "fool's", True),
        ("the fool's day", "fool", False),
        ("in 2024", "2024", True),
        ("in 2024", "24", False),
    ],
)
def test_words(text: str, word: str, found: bool) -> None:
    assert scalar_holds("string", text, "%", Quoted(word)) is found


def test_fold() -> None:
    assert [fold(text) for text in ("ÉTÉ", "å", "Straße", "œuvre", "ΣΊΣΥΦΟΣ", "İ", "Й", "ﬁ")] == [
        "ete",
        "a",
        "straße",
        "œuvre",
        "σισυφοσ",
        "i",
        "и",
        "fi",
    ]
    assert words("l'Été, 12!") == ["l'ete", "12"]
    assert like("a*b.c", "A*B.@") and not like("aXb.c", "a.b.c")


@pytest.mark.parametrize(
    ("type", "operand", "value"),
    [
        ("string", Word("12"), "12"),
        ("string", Json(Decimal("1.5")), "1.5"),
        ("long", Word("12.5"), Decimal("12.5")),
        ("long", Quoted("v20"), 20),
        ("number", Json(3), 3),
        ("bool", True, True),
        ("bool", Json(False), False),
        ("bool", Word("1"), Unfit),
        ("bool", Quoted("true"), True),
        ("bool", Word("FALSE"), False),
        ("string", True, Unfit),
        ("long", True, Unfit),
        ("long", Word("none"), Unfit),
        ("date", Word("2024-01-02"), dt.date(2024, 1, 2)),
        ("date", Word("2024-01-02T03:04:05Z"), dt.date(2024, 1, 2)),
        ("date", Word("2!1!2024"), dt.date(2024, 1, 2)),
        ("date", Quoted("!!2024-01-02!!"), dt.date(2024, 1, 2)),
        ("date", Json(12), Unfit),
        ("moment", Word("2024-01-02"), dt.datetime(2024, 1, 2, tzinfo=dt.UTC)),
        ("moment", Word("2024-01-02T04:00:00+02:00"), dt.datetime(2024, 1, 2, 2, tzinfo=dt.UTC)),
        ("duration", Word("1500"), dt.timedelta(seconds=1.5)),
        ("duration", Quoted("01:02:03"), dt.timedelta(seconds=3723)),
        ("uuid", Word("0" * 31 + "1"), uuid.UUID(int=1)),
        ("uuid", Word("00000000-0000-0000-0000-000000000001"), uuid.UUID(int=1)),
        ("uuid", Word("12"), Unfit),
    ],
)
def test_conversion(type: str, operand: Any, value: Any) -> None:
    if value is Unfit:
        with pytest.raises(Unfit):
            converted(operand, type)
        for compare, operator in ((scalar_holds, "="), (scalar_holds, "!="), (scalar_fails, "<")):
            with pytest.raises(Unfit):
                compare(type, 1, operator, operand)
    else:
        assert converted(operand, type) == value


def test_relations() -> None:
    ann, bob = writer(1, "Ann"), writer(2, "Bob")
    books = [book(1, writer=ann), book(2, writer=bob), book(3)]
    assert keys(c("writer.name", "=", "ann"), books) == [1]
    assert keys(c("writer.name", "!=", "ann"), books) == [2]
    assert keys(c("writer.name", "="), books) == [3]
    assert keys(Not(c("writer.name", "=", "ann")), books) == [2]
    assert keys(c("writer", "="), books) == [3]
    assert keys(c("writer", "!="), books) == [1, 2]
    assert keys(c("writer", "=", 2), books) == [2]
    assert keys(c("writer", "!=", 2), books) == [1]


WRITERS = [
    writer(1, "one of each", book(1, "A", 1), book(2, "B", 2)),
    writer(2, "both in one", book(3, "A", 2)),
    writer(3, "none"),
    writer(4, "null", book(4)),
]


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (c("books.title", "=", "a"), [1, 2]),
        (c("books.title", "!=", "a"), [1]),
        (c("books.title", "="), [4]),
        (Not(c("books.title", "=", "a")), [3, 4]),
        (Not(c("books.title", "!=", "a")), [2, 3, 4]),
        (c("books", "="), [3]),
        (c("books", "!="), [1, 2, 4]),
        # D-44: on one entity, unless {n} tells them apart.
        (And((c("books.title", "=", "A"), c("books.price", "=", 2))), [2]),
        (And((c("books.title", "=", "A"), c("books{2}.price", "=", 2))), [1, 2]),
        (And((c("books{2}.title", "=", "A"), c("books{2}.price", "=", 2))), [2]),
        (And((c("books.title", "=", "A"), And((c("books.price", "=", 2), c("ID", ">", 0))))), [2]),
        (Not(And((c("books.title", "=", "A"), c("books.price", "=", 2)))), [1, 3, 4]),
        # An "or" of that relation alone belongs to the group, any other is judged on its own.
        (And((c("books.title", "=", "A"), Or((c("books.price", "=", 2), c("books.ID", "=", 9))))), [2]),
        (And((c("books.title", "=", "A"), Or((c("books.price", "=", 2), c("ID", "=", 9))))), [1, 2]),
        (And((c("books.title", "=", "A"), Not(c("books.price", "=", 2)))), []),
        (And((c("books.title", "=", "A"), Except(c("books.price", "=", 2), c("ID", "=", 2)))), [1]),
    ],
)
def test_to_many(node: Any, found: list[int]) -> None:
    assert keys(node, WRITERS, "Writer") == found


def test_to_many_within_to_many() -> None:
    social = [writer(9, "social", friends=WRITERS), writer(8, "lonely")]
    both = And((c("friends.name", "=", "one@"), c("friends.books.price", "=", 2)))
    assert keys(both, social, "Writer") == [9]
    apart = And((c("friends.books.title", "=", "B"), c("friends.books.price", "=", 1)))
    assert keys(apart, social, "Writer") == []
    assert keys(c("friends.books", "="), social, "Writer") == [9]


# ``query.md`` 8: A = {1, 1}, B = {1, 0}, C = {0, 0}, and one without the collection
COLLECTIONS = [
    book(1, info={"coll": [{"val": 1}, {"val": 1}]}),
    book(2, info={"coll": [{"val": 1}, {"val": 0}]}),
    book(3, info={"coll": [{"val": 0}, {"val": 0}]}),
    book(4, info={}),
    book(5, info={"coll": []}),
    book(6),
]


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (c("info.coll[].val", "=", 0), [2, 3]),
        (c("info.coll[].val", "!=", 0), [1, 5]),
        (Not(c("info.coll[].val", "=", 0)), [1, 5]),
        (Not(c("info.coll[].val", "!=", 0)), [2, 3]),
        (c("info.coll[a].val", "!=", 0), [1, 2]),
        (Not(c("info.coll[a].val", "!=", 0)), [3, 5]),
        (And((c("info.coll[].val", "=", 0), c("info.coll[].val", "=", 1))), [2]),
        (And((c("info.coll[a].val", "=", 0), c("info.coll[a].val", "=", 1))), []),
        (And((c("info.coll[a].val", "=", 0), c("info.coll[b].val", "=", 1))), [2]),
        (Not(And((c("info.coll[a].val", "=", 0), c("info.coll[a].val", "=", 1)))), [1, 2, 3, 5]),
        (c("info.coll[].val", "="), []),
        (c("info.coll[].val", "!="), [1, 2, 3, 5]),
        (c("info.coll.length", "=", 2), [1, 2, 3]),
        (c("info", "="), [6]),
        (c("info.coll", "="), [4, 6]),
    ],
)
def test_collections(node: Any, found: list[int]) -> None:
    assert keys(node, COLLECTIONS) == found


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (c("info.x", "=", 1), [1]),
        (c("info.x", "=", "1"), [2]),
        (c("info.x", "=", True), [3]),
        (c("info.x", "!=", 1), [2, 3, 4, 5]),
        (c("info.x", "="), [6, 7]),
        (c("info.x", "!="), [1, 2, 3, 4, 5]),
        (c("info.x", "<", 5), [1]),
        (c("info.x", "<", "2"), [2]),
        (Not(c("info.x", "<", 5)), [2, 3, 4, 5]),
        (c("info.x", ""), [3]),
        (c("info.x", "in", [1, None]), [1, 6, 7]),
        (c("info.x.y", "=", 7), [5]),
        (c("info.x", "begin", "1"), [2]),
    ],
)
def test_properties(node: Any, found: list[int]) -> None:
    values = [1, "1", True, [1], {"y": 7}, None]
    rows = [book(at + 1, info={"x": value}) for at, value in enumerate(values)] + [book(7, info={})]
    assert keys(node, rows) == found


def test_order() -> None:
    def order(path: str, descending: bool = False) -> list[int]:
        return [row["ID"] for row in ORACLE.ordered(BOOKS, [(steps(path), descending)], "Book")]

    assert order("title") == [4, 2, 1, 3]
    assert order("price") == [3, 4, 1, 2]
    assert order("price", True) == [2, 1, 4, 3]
    # Equal values: by key, always ascending.
    assert order("writer.name", True) == [1, 2, 3, 4]
    values = ["b", 2, None, True, "A", 1.5, False, []]
    rows = [book(at, info={"x": value}) for at, value in enumerate(values)]
    found = ORACLE.ordered(rows, [(steps("info.x"), False)], "Book")
    assert [row["info"]["x"] for row in found] == [None, False, True, 1.5, 2, "A", "b", []]
