"""Reads of wakanda-client 3.1, with the transport of its Node and of its browser build."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .harness import Gunicorn
from .people import keys, seen, team
from .rows import both_builds
from .transports import WakandaBrowser, WakandaNode

# By this alone the client knows an entity set from other addresses.
ENTITY_SET = re.compile(r"^/rest/\w+/\$entityset/[A-Za-z0-9]+$")
KINDS = {"storage", "calculated", "alias", "relatedEntity", "relatedEntities"}


@pytest.fixture
def client(row: str, server: Gunicorn) -> WakandaNode | WakandaBrowser:
    return (WakandaNode if "-node-" in row else WakandaBrowser)(server)


@both_builds("catalog")
def test_catalog(row: str, client: Any) -> None:
    """It throws at a kind that it does not know and at a relation that leads out of the answer."""
    for target, names in (
        ("/rest/$catalog/$all", ["Company", "Invoices", "Employee"]),
        ("/rest/$catalog/Company,Employee,Invoices", ["Company", "Employee", "Invoices"]),
    ):
        status, document = seen(client.get(target))
        classes = document["dataClasses"]
        assert (status, sorted(each["name"] for each in classes)) == (200, sorted(names))
        collections = {each["collectionName"] for each in classes}
        for each in classes:
            assert each["dataURI"] == f"/rest/{each['name']}"
            assert each.get("methods", []) == []
            for attribute in each["attributes"]:
                assert attribute["kind"] in KINDS
                if attribute["kind"] == "relatedEntities":
                    assert attribute["type"] in collections
                if attribute["kind"] == "relatedEntity":
                    assert attribute["type"] in names
                if attribute["type"] == "date":
                    assert attribute["simpleDate"] is True
    status, document = seen(client.get("/rest/$catalog/Company"))
    assert (status, [each["name"] for each in document["dataClasses"]]) == (200, ["Company"])


@both_builds("find")
def test_find(row: str, client: Any) -> None:
    status, entity = seen(client.read("/rest/Employee(12)", expand="employer,employer.manager"))
    assert (status, entity["__KEY"], type(entity["__STAMP"])) == (200, "12", int)
    assert entity["__entityModel"] == "Employee"
    assert {"__KEY", "__STAMP", "name", "manager"} <= entity["employer"].keys()
    assert re.fullmatch(r"\d{1,2}!\d{1,2}!\d{4}", entity["birthDate"])
    status, document = seen(client.get("/rest/Employee(999999)"))
    assert (status, document["__ERROR"][0]["errCode"]) == (404, 1543)


def query(client: Any, name: str, **params: Any) -> Any:
    """What ``query`` of the client sends, in its order."""
    head = {"expand": "employer,employer.staff", "filter": f'"lastName=:1 & salary > 0 && ID = {name}"'}
    head["filter"] = '"lastName = :1 & salary > 0"'
    tail = {"orderby": "salary desc", "params": f'\'["{name}",3,null,true,["x",1]]\'', **params}
    return client.read("/rest/Employee", **head, **tail, method="entityset")


@both_builds("query")
def test_query(row: str, client: Any) -> None:
    name = f"Query{row}"
    hired = team(client.server, name, 4, employer="3")
    status, document = seen(query(client, name, limit=2, skip=1))
    assert (status, keys(document)) == (200, [hired[2], hired[1]])
    assert (document["__COUNT"], document["__FIRST"], document["__SENT"]) == (4, 1, 2)
    assert ENTITY_SET.match(document["__ENTITYSET"])
    employer = document["__ENTITIES"][0]["employer"]
    assert (employer["__KEY"], "__entityModel" in employer) == ("3", False)
    assert len(employer["staff"]["__ENTITIES"]) == employer["staff"]["__SENT"] > 0
    # Its methods of a set ask for the rest of it.
    status, document = seen(query(client, "Nobody", limit=40))
    assert (status, document["__COUNT"], document["__ENTITIES"]) == (200, 0, [])
    assert ENTITY_SET.match(document["__ENTITYSET"])


@both_builds("page")
def test_pages_of_a_set(row: str, client: Any) -> None:
    name = f"Page{row}"
    hired = team(client.server, name, 5)[::-1]
    stored = query(client, name, limit=2).json["__ENTITYSET"]
    for skip, shown in ((0, hired[:2]), (2, hired[2:4]), (4, hired[4:]), (-2, hired[:2]), (6, [])):
        answer = client.read(
            stored, expand="employer", limit=2, **({"skip": skip} if skip else {}), method="subentityset"
        )
        status, document = seen(answer)
        assert (status, keys(document), document["__COUNT"]) == (200, shown, 5)
        assert document["__FIRST"] == max(skip, 0)
        assert document["__entityModel"] == "Employee"
        # It stays on the set that it has.
        assert "__ENTITYSET" not in document
    answer = client.read(stored, filter='"salary>3"', orderby="salary", limit=40, method="subentityset")
    assert keys(answer.json) == [hired[1], hired[0]]


@both_builds("deferred")
def test_a_relation_that_was_not_fetched(row: str, client: Any) -> None:
    hired = team(client.server, "Deferred", 3, employer="7")
    uri = client.get("/rest/Company(7)").json["staff"]["__deferred"]["uri"]
    assert "?" in uri
    status, document = seen(client.read(uri, limit=10_000, method="subentityset"))
    assert (status, document["__entityModel"]) == (200, "Employee")
    assert set(hired) <= set(keys(document))
    stored = document["__ENTITYSET"]
    assert ENTITY_SET.match(stored)
    assert stored.startswith("/rest/Employee/")
    answer = client.read(stored, limit=1, skip=1, method="subentityset")
    assert keys(answer.json) == keys(document)[1:2]


@both_builds("fetch")
def test_fetch_of_an_entity(row: str, client: Any) -> None:
    deferred = client.get("/rest/Employee(12)").json["employer"]["__deferred"]
    status, entity = seen(client.get(f"/rest/Company({deferred['__KEY']})"))
    assert (status, entity["__KEY"], entity["__entityModel"]) == (200, deferred["__KEY"], "Company")
    assert deferred["uri"] == f"/rest/Company({deferred['__KEY']})"
