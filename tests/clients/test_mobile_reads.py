"""Reads of 4D for iOS and 4D for Android under ``/mobileapp``."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from .harness import Gunicorn
from .people import keys, seen, team
from .rows import plays
from .transports import Android, Client, Ios

KINDS = {"storage", "calculated", "alias", "relatedEntity", "relatedEntities"}


@pytest.fixture
def client(row: str, mobile_server: Gunicorn) -> Client:
    return (Ios if row.startswith("ios") else Android)(mobile_server)


@plays("ios-status")
def test_status(row: str, client: Client) -> None:
    assert seen(client.get("/mobileapp/")) == (200, {"ok": True})


@plays("ios-catalog", "android-catalog")
def test_catalog(row: str, client: Client) -> None:
    """An attribute without one of these members is skipped, another kind or scope fails to parse."""
    status, document = seen(client.get("/mobileapp/$catalog"))
    names = [each["name"] for each in document["dataClasses"]]
    assert (status, sorted(names)) == (200, ["Company", "Employee", "Invoices"])
    for target in ("$all", *names):
        status, document = seen(client.get(f"/mobileapp/$catalog/{target}"))
        assert status == 200
        for each in document["dataClasses"]:
            assert each["key"] == [{"name": "ID"}]
            assert each["dataURI"] == f"/mobileapp/{each['name']}"
            for attribute in each["attributes"]:
                assert attribute["kind"] in KINDS
                assert (attribute["scope"], bool(attribute["type"])) == ("public", True)
    if row.startswith("android"):
        assert client.get("/mobileapp/$info").status == 200


def pages(client: Client, path: str, limit: int, **params: Any) -> list[str]:
    """All keys, as mobile clients page: until as many are there as are told."""
    found: list[str] = []
    while True:
        status, document = seen(client.read(path, limit=limit, skip=len(found), **params))
        assert (status, document["__entityModel"]) == (200, "Employee")
        assert document["__DATACLASS"] == "Employee"
        assert document["__GlobalStamp"] == 0
        found += keys(document)
        if document["__FIRST"] + document["__SENT"] == document["__COUNT"]:
            return found


@plays("ios-records", "android-records")
def test_records(row: str, client: Client) -> None:
    hired = team(client.server, f"Mobile {row}", 3)
    path = "/mobileapp/Employee"
    only = {"filter": f"\"(lastName = 'Mobile {row}') AND salary >= 1\""}
    shown = {"attributes": "lastName,employer.name,photo", "orderby": "salary"}
    for limit in (2, 100_000):
        assert pages(client, path, limit, **only, **shown) == hired
    # Values by name, as an object.
    text = quote(f'{{"name":"Mobile {row}","born":"1!2!2003"}}')
    named = {"filter": '"lastName = :name AND (birthDate = :born OR salary = 2)"', "params": f"'{text}'"}
    assert pages(client, path, 10, **named) == [hired[1]]
    answer = client.read(path, **only, expand="employer", limit=1)
    assert keys(answer.json) == hired[:1]
    if row.startswith("android"):
        status, entity = seen(client.read(f"{path}({hired[0]})", attributes="lastName,salary"))
        assert (status, list(entity)[5:]) == (200, ["lastName", "salary"])


@plays("ios-record")
def test_record(row: str, client: Client) -> None:
    (key,) = team(client.server, "Mobile One", 1)
    status, entity = seen(client.get(f"/mobileapp/Employee({key})"))
    assert (status, entity["__KEY"], entity["__STAMP"]) == (200, key, 1)
    assert entity["team"]["__deferred"]["uri"] == f"/mobileapp/Employee({key})/team?$expand=team"
    answer = client.read("/mobileapp/Employee", filter="\"lastName='Mobile One'\"")
    assert keys(seen(answer)[1]) == [key]


@plays("ios-set")
def test_sets(row: str, client: Client) -> None:
    hired = team(client.server, "Mobile Set", 3, employer="11")
    only = {"filter": "\"lastName = 'Mobile Set'\"", "orderby": "salary"}
    status, document = seen(client.read("/mobileapp/Employee", **only, limit=1, method="entityset"))
    stored = document["__ENTITYSET"]
    assert (status, keys(document), stored[:31]) == (
        200,
        hired[:1],
        "/mobileapp/Employee/$entityset/"[:31],
    )
    assert keys(client.get(stored).json) == hired
    found = client.get(f"{stored}/lastName,salary").json
    assert [list(entity)[3:] for entity in found["__ENTITIES"]] == [["lastName", "salary"]] * 3
    path = "/mobileapp/Company(11)/staff?$expand=staff"
    found = client.read(path, filter="\"lastName = 'Mobile Set'\"", method="subentityset").json
    assert keys(client.get(found["__ENTITYSET"]).json) == hired
    assert seen(client.read(stored, method="release")) == (200, {"ok": True})
    assert client.get(stored).status == 404


@plays("ios-compute")
def test_compute(row: str, client: Client) -> None:
    team(client.server, "Mobile Sum", 2)
    only = {"filter": "\"lastName = 'Mobile Sum'\""}
    path = "/mobileapp/Employee/salary"
    expected = {"salary": {"count": 2, "sum": 3, "average": 1.5, "min": 1, "max": 2}}
    assert seen(client.read(path, **only, compute="$all")) == (200, expected)
    assert seen(client.read(path, **only, compute="sum")) == (200, 3)


@plays("ios-info")
def test_info(row: str, client: Client) -> None:
    """A guest is told of nobody's sets and sessions."""
    whole = {
        "cacheInfo": {"cacheSize": 0, "usedCache": 0},
        "entitySet": {"entitySetCount": 0, "entitySet": []},
        "progressInfo": {"ProgressInfo": []},
        "sessionInfo": {"sessionInfo": []},
    }
    status, document = seen(client.get("/mobileapp/$info"))
    assert (status, document["privileges"]) == (200, [{"privilege": "guest"}])
    for part, expected in whole.items():
        status, found = seen(client.get(f"/mobileapp/$info/{part}"))
        assert (status, list(found)) == (200, list(expected))
        assert document == {**document, **found}
