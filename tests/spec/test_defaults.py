"""A posted null where the column, or the model, has a default: it is a value like any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import RestClient
from tests.contract.checks import codes, nothing_changes
from tests.zoo.models import Country, Defaulted

pytestmark = pytest.mark.django_db

FILLED = {
    "code": 7,
    "needed": 7,
    "text": "seven",
    "nullable_text": "x",
    "low": 3,
    "limit": 7,
    "country": "FR",
    "other": "FR",
}


@pytest.fixture(autouse=True)
def _zoo(registered: Any) -> None:
    registered(Defaulted, computed=["limit"])
    Country.objects.create(code="FR", name="France")
    Country.objects.create(code="DE", name="Germany")


def value_of(entity: dict[str, Any], name: str) -> Any:
    """What the answer shows; empty attributes are left out (D-04)."""
    value = entity.get(name)
    return value["__deferred"]["__KEY"] if isinstance(value, dict) and name != "file" else value


@pytest.mark.parametrize("name", FILLED)
def test_without_a_word_the_default(admin: RestClient, name: str) -> None:
    entity = admin.update("Defaulted", {}).json()
    assert value_of(entity, name) == FILLED[name]
    assert entity["file"]["__deferred"]
    assert {"since", "made"} <= entity.keys()


@pytest.mark.parametrize(
    "name", ["code", "nullable_text", "since", "low", "limit", "country", "other", "file"]
)
def test_null_is_stored(admin: RestClient, name: str) -> None:
    with nothing_changes():
        assert admin.update("Defaulted", {name: None}, "$method=validate").json() == {"ok": True}
        shown = admin.update("Defaulted", {name: None}, "$method=update&$refresh=true").json()
    entity = admin.update("Defaulted", {name: None}).json()
    assert (value_of(entity, name), value_of(shown, name)) == (None, None)
    read = json.loads(admin.read(f"Defaulted({entity['__KEY']})").content)
    assert (value_of(read, name), "__ERROR" in read) == (None, False)
    row = Defaulted.objects.get()
    assert not getattr(row, name)
    others = FILLED.keys() - {name, "code", "limit"}
    assert {other: value_of(entity, other) for other in others} == {n: FILLED[n] for n in others}


@pytest.mark.parametrize("atomic", ["", "$atomic=true"])
def test_null_is_stored_in_arrays_and_nested(admin: RestClient, atomic: str) -> None:
    items = [
        {"code": None},
        {"code": 1},
        {},
        {"country": None},
        {"country": {"code": "IT", "name": "I"}},
    ]
    answer = admin.update("Defaulted", items, atomic)
    assert answer.status_code == 200
    rows = list(Defaulted.objects.order_by("pk").values_list("code", "country_id"))
    assert rows == [(None, "FR"), (1, "FR"), (7, "FR"), (7, None), (7, "IT")]


def test_text_that_may_not_be_null(admin: RestClient) -> None:
    """D-42: it is empty."""
    assert admin.update("Defaulted", {"text": None}).json()["text"] == ""
    assert admin.update("Defaulted", {"text": ""}).json()["text"] == ""


def test_number_that_may_not_be_null(admin: RestClient) -> None:
    """Refused as any other null is."""
    with nothing_changes():
        answer = admin.update("Defaulted", {"needed": None})
        tried = admin.update("Defaulted", {"needed": None}, "$method=validate")
    assert answer.status_code == 500
    assert answer.json()["__STATUS"]["status"] == 7
    assert answer.json()["__ERROR"][0]["message"] == "needed: This field cannot be null."
    assert tried.json()["__ENTITIES"] == [answer.json()]
    key = admin.update("Defaulted", {}).json()["__KEY"]
    with nothing_changes():
        answer = admin.update("Defaulted", {"__KEY": key, "__STAMP": 1, "needed": None})
    assert codes(answer.json()) == [1569, 1570, 1517]


def test_null_for_a_key_is_number_it(admin: RestClient) -> None:
    answer = admin.update("Defaulted", {"id": None, "code": 1})
    assert (answer.status_code, answer.json()["code"]) == (200, 1)
    answer = admin.update("Parcel", {"id": None, "label": "x"})
    assert answer.status_code == 200


def test_null_for_what_nobody_may_write(admin: RestClient) -> None:
    """A whole entity of nulls, as clients send it, is not refused for what they cannot know."""
    answer = admin.update("Defaulted", {"made": None, "code": 1})
    assert (answer.status_code, bool(answer.json()["made"])) == (200, True)


def test_null_in_an_update(admin: RestClient) -> None:
    key = admin.update("Defaulted", {}).json()["__KEY"]
    posted = dict.fromkeys(["code", "nullable_text", "since", "low", "country", "other", "file", "text"])
    answer = admin.update("Defaulted", {"__KEY": key, "__STAMP": 1, **posted}).json()
    assert {name: value_of(answer, name) for name in posted} == {**posted, "text": ""}


def test_the_default_itself(admin: RestClient) -> None:
    posted = {"code": 7, "low": 3, "country": "FR", "other": {"__KEY": "FR"}, "text": "seven"}
    answer = admin.update("Defaulted", posted).json()
    assert {name: value_of(answer, name) for name in posted} == {**posted, "other": "FR"}
    answer = admin.update("Defaulted", {"country": "DE", "other": "DE", "limit": 1}).json()
    assert [value_of(answer, name) for name in ("country", "other", "code")] == ["DE", "DE", 1]
