"""Attributes of every kind and type in every part of a query: one rule for all of them, and no 9011.

What Python computes, what the site's SQL computes and what an alias leads to answers as the stored
attribute does that has the same values.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.db.models import F, JSONField, Value
from django.db.models.functions import Coalesce

from fourd_rest.errors import RestError
from tests.conftest import RestClient
from tests.spec.conftest import registered
from tests.zoo.models import Everything

from .test_compiler import find

__all__ = ["registered"]

pytestmark = pytest.mark.django_db

MOMENT = dt.datetime(2024, 5, 1, 10, 11, 12, 345_678, dt.UTC)
TYPES: dict[str, tuple[type, Any, Any]] = {
    "boolean": (bool, True, False),
    "integer": (int, 5, -7),
    "floating": (float, 0.5, 5.0),
    "decimal": (Decimal, Decimal("5.0000"), Decimal("12.3400")),
    "char": (str, "Lima West", "x"),
    "uuid": (uuid.UUID, uuid.UUID("1" * 32), uuid.UUID("a" * 32)),
    "date": (dt.date, dt.date(2024, 5, 1), dt.date(1999, 12, 31)),
    "moment": (dt.datetime, MOMENT, MOMENT.replace(year=1999)),
    "time": (dt.time, dt.time(10, 11, 12, 345_678), dt.time(0)),
    "duration": (dt.timedelta, dt.timedelta(milliseconds=1500), dt.timedelta(days=-1, microseconds=5)),
    "json": (dict, {"a": 5, "tags": [{"n": "x"}, {"n": "y"}]}, {"a": "x", "b": None}),
}
COMPARATORS = ("=", "!=", "===", "<", ">=", "in", "begin", "%")
CONSTANTS = (
    *("5.5", "1e400", "'5'", "true", "null", "''", "'Lima@'", "2024-05-01T10:11:12.345Z", "0!0!0"),
    *("10:11:12.345", "1500", "1" * 32, "[5, x]", "[null, 5, 1500]", "[]"),
)
PATHS = ("", ".a", ".tags[].n", ".tags[a].n")


def computed(name: str, type_: type) -> property:
    def get(self: Any) -> Any:
        return getattr(self, name)

    get.__annotations__ = {"return": type_ | None}
    return property(get)


@pytest.fixture
def kinds(registered: Any, monkeypatch: Any) -> None:  # noqa: F811
    for name, (type_, _, _) in TYPES.items():
        monkeypatch.setattr(Everything, f"py_{name}", computed(name, type_), raising=False)
    registered(
        Everything,
        fields=["id", *TYPES],
        computed=[f"py_{name}" for name in TYPES],
        annotations={f"sql_{name}": F(name) for name in TYPES},
        aliases={f"alias_{name}": name for name in TYPES},
    )
    for key, at in ((1, 1), (2, 2), (3, None), (4, 1)):
        values = {name: row[at] for name, row in TYPES.items()} if at else {}
        Everything.objects.create(id=key, **values)


def asked(client: RestClient, query: str) -> Any:
    """What is answered: keys or figures, or the code of the error."""
    answer = client.read(f"Everything{query}")
    document = answer.json()
    if answer.status_code != 200:
        return document["__ERROR"][-1]["errCode"]
    if isinstance(document, dict) and "__ENTITIES" in document:
        return [entity["__KEY"] for entity in document["__ENTITIES"]]
    return document


def found_by(text: str) -> list[int] | int:
    """The keys that a filter finds, or the code of its error."""
    try:
        return find("Everything", text)
    except RestError as error:
        return error.items[-1].row.code


def compared(name: str, ask: Callable[[str], Any]) -> None:
    stored = ask(name)
    assert stored != 9011
    for kind in ("sql", "alias", "py"):
        found = ask(f"{kind}_{name}")
        if isinstance(found, dict):
            found = {key.replace(f"{kind}_", ""): value for key, value in found.items()}
        if kind == "py" and name == "json":
            # Of the objects that Python computes no property is looked up.
            assert found in (stored, 1574, 1810), kind
            continue
        assert found == stored, kind


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("comparator", COMPARATORS)
@pytest.mark.parametrize("name", TYPES)
def test_filters(name: str, comparator: str) -> None:
    for constant in CONSTANTS:
        if constant.startswith("[") and comparator != "in":
            continue
        for path in PATHS if name == "json" else ("",):
            text = f"{{}}{path} {comparator} {constant}"
            for form in (text, f"not({text})") if comparator in ("=", "<", "in") else (text,):
                compared(name, lambda asked, form=form: found_by(form.format(asked)))


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("name", TYPES)
def test_placeholders(admin: RestClient, name: str) -> None:
    for value in ("5", '"5"', "true", '""', '"x"', "[5]", '{"a":1}'):
        for comparator in ("!=", "in"):
            query = f"?$filter={{}} {comparator} :1&$params={quote(f'[{value}]')}"
            compared(name, lambda written, query=query: asked(admin, query.format(written)))


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("name", TYPES)
def test_orders_and_figures(admin: RestClient, name: str) -> None:
    queries = ["?$orderby={} asc,id", "?$orderby={} desc,id", "?$attributes={}&$distinct=true"]
    queries += [f"?$attributes={{}}&$compute={action}" for action in ("count", "min", "sum", "$all")]
    for path in PATHS if name == "json" else ("",):
        for query in queries:
            compared(name, lambda written, query=query: asked(admin, query.format(written + path)))  # noqa: B023


@pytest.mark.usefixtures("kinds")
def test_objects_that_python_computes(admin: RestClient) -> None:
    """Is there one at all? That much can be asked."""
    for text, found in (
        ("py_json = null", ["3"]),
        ("py_json != null", ["1", "2", "4"]),
        ("not(py_json = null)", ["1", "2", "4"]),
        ("py_json is null", ["3"]),
    ):
        assert asked(admin, f"?$filter={text}") == found
    for text in (
        "py_json = 5",
        "py_json.a = null",
        "py_json in [null]",
        "py_json % x",
        "py_json > null",
    ):
        assert asked(admin, f"?$filter={text}") == 1574, text
    assert asked(admin, "?$filter=py_json.tags[a].n = x and py_json.tags[a].n != y") == 1574
    assert asked(admin, "?$filter=py_json") == 1201
    assert asked(admin, "?$orderby=py_json") == 1810


def test_objects_that_sql_computes(admin: RestClient, registered: Any) -> None:  # noqa: F811
    none = Value({"a": 0}, JSONField())
    registered(Everything, annotations={"whole": Coalesce(F("json"), none)})
    Everything.objects.create(id=1, json={"a": 5, "tags": [{"n": "Lima West", "l": 1}]})
    Everything.objects.create(id=2)
    for text, found in (
        ("whole.a = 0", ["2"]),
        ("whole.a > 1", ["1"]),
        ("whole.tags[].n % west", ["1"]),
        ("whole.tags[a].n % west and whole.tags[a].l = 1", ["1"]),
        ("not(whole.tags[a].n % west and whole.tags[a].l = 2)", ["1"]),
        ("whole.tags = null", ["2"]),
        ("whole = null", []),
    ):
        assert asked(admin, f"?$filter={quote(text)}") == found, text
    assert asked(admin, "?$orderby=whole.a") == ["2", "1"]
    assert asked(admin, "?$orderby=whole.a desc") == ["1", "2"]


def test_what_python_computes_may_be_of_another_type(
    admin: RestClient,
    registered: Any,  # noqa: F811
    monkeypatch: Any,
) -> None:
    """The annotation of a property says what is not so: it reads as null, and is no error."""

    def lie(self: Any) -> int:
        return "lie"  # type: ignore[return-value]

    monkeypatch.setattr(Everything, "lie", property(lie), raising=False)
    registered(Everything, computed=["lie"])
    Everything.objects.create(id=1)
    assert asked(admin, "?$filter=lie = 5") == []
    assert asked(admin, "?$filter=lie < 5") == []
    assert asked(admin, "?$filter=lie != 5") == []
    assert asked(admin, "?$filter=lie = null") == ["1"]
