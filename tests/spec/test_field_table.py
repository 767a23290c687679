"""Every field type × create, update, null, read back, post back (``responses.md`` 4, D-09, D-12, D-42).

Runs on SQLite, and with ``DATABASE_ENGINE=postgresql`` or ``mariadb`` on those: what a client sees must
not tell which it is.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from tests.conftest import PDF, picture
from tests.zoo.models import Country, Everything

# 244 cases of several requests each.
pytestmark = pytest.mark.slow

UTC = dt.UTC


@dataclass(frozen=True)
class Case:
    """One field: what is posted, what is shown for it and what is stored.

    Each of ``first`` and ``second`` is a triple (posted, shown, stored). ``empty`` is shown once null
    was written. ``fine`` is a stored value that the wire shows with less than it holds.
    """

    name: str
    first: tuple[Any, Any, Any]
    second: tuple[Any, Any, Any]
    empty: Any = None
    fine: Any = None


def same(value: Any) -> tuple[Any, Any, Any]:
    return value, value, value


def text(name: str, first: str, second: str, **options: Any) -> Case:
    return Case(name, same(first), same(second), **options)


ODD = "É😀 ß\t\"'\\ "
OBJECT = {"b": [1, 2.5, None, True, "É😀"], "a": {"": {}, "z": -0.1}, "B": 2**53 - 1}
CASES = [
    Case("small", same(-(2**15)), ("32767", 32767, 32767)),
    Case("integer", same(-(2**31)), (2147483647.0, 2**31 - 1, 2**31 - 1)),
    Case("big", same(-(2**63)), (str(2**63 - 1), 2**63 - 1, 2**63 - 1)),
    Case("positive_small", same(0), same(32767)),
    Case("positive", same(0), same(2**31 - 1)),
    Case("positive_big", same(0), same(2**63 - 1)),
    Case("boolean", same(False), ("true", True, True)),
    Case("floating", same(0.1), same(-1.7976931348623157e308), fine=0.1 + 0.2),
    Case(
        "decimal",
        (12.5, 12.5, Decimal("12.5000")),
        ("-12345678901.0001", -12345678901.0001, Decimal("-12345678901.0001")),
        fine=Decimal("0.0001"),
    ),
    text("char", ODD, "two", empty=""),
    text("nullable_char", ODD, ""),
    text("text", ODD * 50, "two\r\nlines ", empty=""),
    text("slug", "a-slug", "A-slug", empty=""),
    text("email", "a@example.org", "A@example.org", empty=""),
    text("url", "https://example.org/a?b=c", "https://example.org/A?b=c", empty=""),
    Case("ip", same("192.0.2.1"), ("2001:DB8::0:1", "2001:db8::1", "2001:db8::1")),
    Case(
        "uuid",
        (
            "0f9c2e5a-0000-4000-8000-00000000abcd",
            "0F9C2E5A00004000800000000000ABCD",
            uuid.UUID("0f9c2e5a-0000-4000-8000-00000000abcd"),
        ),
        ("FF" * 16, "FF" * 16, uuid.UUID("ff" * 16)),
    ),
    Case(
        "date",
        ("09!03!2017", "9!3!2017", dt.date(2017, 3, 9)),
        ("1582-10-15T23:59:59Z", "15!10!1582", dt.date(1582, 10, 15)),
    ),
    Case(
        "moment",
        (
            "2024-02-29T23:30:00.123-02:00",
            "2024-03-01T01:30:00.123Z",
            dt.datetime(2024, 3, 1, 1, 30, 0, 123000, tzinfo=UTC),
        ),
        ("1000-01-01T00:00:00Z", "1000-01-01T00:00:00.000Z", dt.datetime(1000, 1, 1, tzinfo=UTC)),
        fine=dt.datetime(2024, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ),
    Case(
        "time",
        (3723004, 3723004, dt.time(1, 2, 3, 4000)),
        ("23:59:59.999", 86399999, dt.time(23, 59, 59, 999000)),
        fine=dt.time(12, 0, 0, 1),
    ),
    Case(
        "duration",
        (90061001, 90061001, dt.timedelta(days=1, hours=1, minutes=1, seconds=1, milliseconds=1)),
        (-1500, -1500, dt.timedelta(milliseconds=-1500)),
        fine=dt.timedelta(microseconds=1999),
    ),
    Case("json", same(OBJECT), same([0, False, "", [], {}]), fine={"big": 2**70, "exact": 0.1 + 0.2}),
    text("choice", "a", "b", empty=""),
    text("shade", "Teal", "teal"),
]
FILES = {
    "file": (PDF, b"two\x00\xff" * 1000),
    "image": (picture("PNG"), picture("JPEG", size=(5, 4))),
    "binary": (bytes(range(256)), PDF),
}

by_field = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
by_file = pytest.mark.parametrize("name", FILES)


def save(client: Any, **posted: Any) -> Any:
    response = client.update("Everything", posted)
    answer = json.loads(response.content)
    assert (response.status_code, answer["__STATUS"]) == (200, {"success": True}), answer
    return answer


def read(client: Any, key: str) -> Any:
    """The entity as its address shows it; the collection shows the same."""
    entity = json.loads(client.read(f"Everything({key})").content)
    page = json.loads(client.read("Everything").content)["__ENTITIES"]
    heads = ("__entityModel", "__DATACLASS")
    assert page == [{name: value for name, value in entity.items() if name not in heads}]
    return entity


def stored(name: str) -> Any:
    return Everything.objects.values_list(name, flat=True).get()


def typed(value: Any) -> tuple[Any, type]:
    """Tells 1 from True and 0 from 0.0."""
    return value, type(value)


def post_back(client: Any, key: str, stamp: int) -> None:
    """A read posted back changes nothing: not the stamp, not a single column."""
    entity = read(client, key)
    row = Everything.objects.values().get()
    answer = save(client, **entity)
    assert answer["__STAMP"] == stamp
    assert Everything.objects.values().get() == row
    # An update answer is posted back as well.
    assert save(client, **answer)["__STAMP"] == stamp
    assert Everything.objects.values().get() == row


@by_field
def test_create(admin: Any, case: Case) -> None:
    posted, shown, value = case.first
    answer = save(admin, **{case.name: posted})
    assert (answer["__STAMP"], typed(answer[case.name])) == (1, typed(shown))
    assert stored(case.name) == value


@by_field
def test_update(admin: Any, case: Case) -> None:
    key = save(admin, **{case.name: case.first[0]})["__KEY"]
    posted, shown, value = case.second
    answer = save(admin, __KEY=key, __STAMP=1, **{case.name: posted})
    assert (answer["__STAMP"], typed(answer[case.name])) == (2, typed(shown))
    assert stored(case.name) == value


@by_field
def test_null(admin: Any, case: Case) -> None:
    key = save(admin, **{case.name: case.first[0]})["__KEY"]
    answer = save(admin, __KEY=key, __STAMP=1, **{case.name: None})
    assert (answer["__STAMP"], answer.get(case.name)) == (2, case.empty)
    assert (case.name in answer) is (case.empty is not None)
    assert read(admin, key)[case.name] == case.empty
    assert stored(case.name) == case.empty
    post_back(admin, key, 2)


@by_field
def test_create_with_null(admin: Any, case: Case) -> None:
    key = save(admin, **{case.name: None})["__KEY"]
    assert read(admin, key)[case.name] == case.empty
    assert stored(case.name) == case.empty


@by_field
@pytest.mark.parametrize("which", ["first", "second"])
def test_read_back(admin: Any, case: Case, which: str) -> None:
    posted, shown, _ = getattr(case, which)
    key = save(admin, **{case.name: posted})["__KEY"]
    assert typed(read(admin, key)[case.name]) == typed(shown)


@by_field
@pytest.mark.parametrize("which", ["first", "second"])
def test_post_back(admin: Any, case: Case, which: str) -> None:
    posted, shown, value = getattr(case, which)
    key = save(admin, **{case.name: posted})["__KEY"]
    post_back(admin, key, 1)
    # The first form too, in which the client may have kept it.
    assert save(admin, __KEY=key, __STAMP=1, **{case.name: posted})["__STAMP"] == 1
    assert stored(case.name) == value


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.fine is not None], ids=lambda case: case.name
)
def test_post_back_of_what_the_wire_shows_in_part(admin: Any, case: Case) -> None:
    """Microseconds and the last digits stay (D-09), although the wire never had them."""
    instance = Everything.objects.create(**{case.name: case.fine})
    assert stored(case.name) == case.fine
    post_back(admin, str(instance.pk), 1)
    # Another attribute changes; this one is not touched.
    save(admin, __KEY=str(instance.pk), __STAMP=1, slug="other")
    assert stored(case.name) == case.fine


# Files.


def upload(client: Any, content: bytes) -> dict[str, str]:
    return {"ID": json.loads(client.upload(content).content)["ID"]}


def content_of(client: Any, deferred: dict[str, Any]) -> bytes:
    response = client.read(deferred["__deferred"]["uri"].removeprefix("/rest/"))
    assert response.status_code == 200
    return b"".join(response) if response.streaming else response.content


def deferred(name: str, key: str, stamp: int) -> dict[str, Any]:
    if name == "image":
        uri = f"/rest/Everything({key})/image?$imageformat=best&$version={stamp}&$expand=image"
        return {"__deferred": {"uri": uri, "image": True}}
    uri = f"/rest/Everything({key})/{name}?$binary=true&$version={stamp}&$expand={name}"
    return {"__deferred": {"uri": uri}}


@by_file
def test_file_create_and_read_back(admin: Any, name: str) -> None:
    content = FILES[name][0]
    answer = save(admin, **{name: upload(admin, content)})
    key = answer["__KEY"]
    assert answer[name] == deferred(name, key, 1)
    entity = read(admin, key)
    assert entity[name] == deferred(name, key, 1)
    assert content_of(admin, entity[name]) == content
    size = (8, 6) if name == "image" else (None, None)
    assert (entity["image_width"], entity["image_height"]) == size


@by_file
def test_file_update(admin: Any, name: str) -> None:
    first, second = FILES[name]
    key = save(admin, **{name: upload(admin, first)})["__KEY"]
    answer = save(admin, __KEY=key, __STAMP=1, **{name: upload(admin, second)})
    assert (answer["__STAMP"], answer[name]) == (2, deferred(name, key, 2))
    entity = read(admin, key)
    assert content_of(admin, entity[name]) == second
    size = (5, 4) if name == "image" else (None, None)
    assert (entity["image_width"], entity["image_height"]) == size


@by_file
def test_file_null(admin: Any, name: str) -> None:
    key = save(admin, **{name: upload(admin, FILES[name][0])})["__KEY"]
    answer = save(admin, __KEY=key, __STAMP=1, **{name: None})
    assert (answer["__STAMP"], name in answer) == (2, False)
    entity = read(admin, key)
    assert (entity[name], entity["image_width"], entity["image_height"]) == (None, None, None)
    assert not stored(name)
    post_back(admin, key, 2)


@by_file
def test_file_post_back(admin: Any, name: str) -> None:
    key = save(admin, **{name: upload(admin, FILES[name][0])})["__KEY"]
    before = stored(name)
    post_back(admin, key, 1)
    assert stored(name) == before
    assert content_of(admin, read(admin, key)[name]) == FILES[name][0]


# What no client writes.

READ_ONLY = {
    "auto_now": "2024-01-01T00:00:00.000Z",
    "hidden": "other",
    "loud": "OTHER",
    "image_width": 5,
    "image_height": 5,
}


@pytest.mark.parametrize("name", READ_ONLY)
def test_read_only(admin: Any, name: str) -> None:
    key = save(admin, char="quiet", shade="teal")["__KEY"]
    entity = read(admin, key)
    shown = {"hidden": "fixed", "loud": "QUIET", "image_width": None, "image_height": None}
    if name in shown:
        assert entity[name] == shown[name]
    post_back(admin, key, 1)
    for posted in ({"__KEY": key, "__STAMP": 1}, {}):
        response = admin.update("Everything", {**posted, name: READ_ONLY[name]})
        errors = json.loads(response.content)["__ERROR"]
        last = 1517 if posted else 1534
        assert (response.status_code, [error["errCode"] for error in errors]) == (500, [1516, last])
    assert read(admin, key) == entity


def test_generated_column_follows(admin: Any) -> None:
    key = save(admin, char="quiet")["__KEY"]
    assert save(admin, __KEY=key, __STAMP=1, char="é")["loud"] in {"É", "é"}
    assert save(admin, __KEY=key, __STAMP=2, char="b")["loud"] == "B"


def test_key(admin: Any) -> None:
    """Numbered for null, taken as given, and never changed."""
    numbered = save(admin, id=None, char="a")
    assert numbered["__KEY"] == str(numbered["id"])
    chosen = save(admin, id=2**30, char="b")
    assert (chosen["__KEY"], chosen["__STAMP"]) == (str(2**30), 1)
    response = admin.update("Everything", {"__KEY": str(2**30), "__STAMP": 1, "id": 5})
    assert response.status_code == 500
    assert [error["errCode"] for error in json.loads(response.content)["__ERROR"]] == [1516, 1517]
    response = admin.update("Everything", {"id": 2**30, "char": "c"})
    assert response.status_code == 500
    codes = [error["errCode"] for error in json.loads(response.content)["__ERROR"]]
    assert codes == [1545, 1046, 1534]


def test_whole_entity(admin: Any) -> None:
    """All fields at once, the other way round, emptied, and by the path of many entities."""
    key = save(admin, **{case.name: case.first[0] for case in CASES})["__KEY"]
    entity = read(admin, key)
    assert {case.name: entity[case.name] for case in CASES} == {c.name: c.first[1] for c in CASES}
    save(admin, __KEY=key, __STAMP=1, **{case.name: case.second[0] for case in CASES})
    entity = read(admin, key)
    assert {case.name: entity[case.name] for case in CASES} == {c.name: c.second[1] for c in CASES}
    save(admin, __KEY=key, __STAMP=2, **{case.name: None for case in CASES})
    entity = read(admin, key)
    assert {case.name: entity[case.name] for case in CASES} == {c.name: c.empty for c in CASES}
    post_back(admin, key, 3)


@by_field
def test_update_of_many(admin: Any, case: Case) -> None:
    """Ten entities in one request are saved together; the values are the same."""
    keys = [save(admin, **{case.name: case.first[0]})["__KEY"] for _ in range(10)]
    for stamp, posted, shown in ((1, case.second[0], case.second[1]), (2, None, case.empty)):
        items = [{"__KEY": key, "__STAMP": stamp, case.name: posted} for key in keys]
        response = admin.update("Everything", items)
        entities = json.loads(response.content)["__ENTITIES"]
        assert response.status_code == 200
        assert [entity["__STAMP"] for entity in entities] == [stamp + 1] * 10
        assert [entity.get(case.name) for entity in entities] == [shown] * 10
    response = admin.update("Everything", [{**entity, "__STAMP": 3} for entity in entities])
    again = json.loads(response.content)["__ENTITIES"]
    assert (response.status_code, again) == (200, entities)


# Where databases differ.


def test_digits_of_a_decimal(admin: Any) -> None:
    """SQLite keeps decimals as floating numbers: 15 digits. The others keep all."""
    key = save(admin, decimal="1234567890123456.7891")["__KEY"]
    whole = "1234567890123460.0000" if connection.vendor == "sqlite" else "1234567890123456.7891"
    shown = admin.read(f"Everything({key})").content
    assert f'"decimal":{whole}'.encode() in shown
    answer = json.loads(admin.update("Everything", shown).content)
    assert (answer["__STATUS"], answer["__STAMP"]) == ({"success": True}, 1)


def test_keys_compare_exactly(admin: Any) -> None:
    """Also where the database compares texts without case and accents, and pads them."""
    admin.update("Country", {"code": "Fé", "name": "one"})
    assert json.loads(admin.read("Country(Fé)").content)["name"] == "one"
    for other in ("FÉ", "fe", "Fe", "fé", "'Fé '"):
        assert admin.read(f"Country({other})").status_code == 404, other
        assert admin.rest("POST", f"Country({other})?$method=delete").status_code == 404, other
        response = admin.update("Country", {"__KEY": other.strip("'"), "__STAMP": 1, "name": "two"})
        assert json.loads(response.content)["__STATUS"]["status"] == 5, other
    assert list(Country.objects.values_list("code", "name")) == [("Fé", "one")]
