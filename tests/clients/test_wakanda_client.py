"""wakanda-client 3.1, with the transport of its Node and of its browser build."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Gunicorn
from .people import PDF, codes, hire, hold, picture, seen
from .rows import both_builds
from .transports import WakandaBrowser, WakandaNode

# What a new Employee has to say: every writable attribute that is not null, and every relation.
NEW: dict[str, Any] = {"ID": None, "firstName": "Zoe", "lastName": "Ray", "employer": None}


@pytest.fixture
def client(row: str, server: Gunicorn) -> WakandaNode | WakandaBrowser:
    return (WakandaNode if "-node-" in row else WakandaBrowser)(server)


@both_builds("save-new")
def test_save_new(row: str, client: Any) -> None:
    """The answer is the whole entity: numbered, with a text as key and a stamp above 0."""
    status, entity = seen(
        client.json(
            "/rest/Employee?$method=update",
            {
                "ID": None,
                "firstName": "Zoe",
                "lastName": "O'Neil (x)!",
                "salary": 4200,
                "birthDate": "24!9!1941",
                "woman": True,
                "employer": "12",
                "manager": None,
            },
        )
    )
    key = entity["__KEY"]
    assert status == 200
    assert (key, entity["__STAMP"]) == (str(entity["ID"]), 1)
    place = f"/rest/Employee({key})"
    # The build's library escapes these characters, and a 4D server keeps what it gets.
    last_name = "O%27Neil %28x%29%21" if "-node-" in row else "O'Neil (x)!"
    read = client.get(place)
    assert seen(read) == (
        200,
        {
            "__entityModel": "Employee",
            "__DATACLASS": "Employee",
            "__KEY": key,
            "__TIMESTAMP": entity["__TIMESTAMP"],
            "__STAMP": 1,
            "ID": int(key),
            "firstName": "Zoe",
            "lastName": last_name,
            "salary": 4200,
            "birthDate": "24!9!1941",
            "woman": True,
            "photo": None,
            "cv": None,
            "employer": {"__deferred": {"uri": "/rest/Company(12)", "__KEY": "12"}},
            "manager": None,
            "team": {"__deferred": {"uri": f"{place}/team?$expand=team"}},
            "managedCompanies": {
                "__deferred": {"uri": f"{place}/managedCompanies?$expand=managedCompanies"}
            },
        },
    )
    assert entity == {
        "__STATUS": {"success": True},
        "uri": f"http://{client.server.host}{place}",
        **{
            name: value
            for name, value in read.json.items()
            if value is not None and name not in ("__entityModel", "__DATACLASS")
        },
    }


@both_builds("save-new-expand")
def test_save_new_after_expand(row: str, client: Any) -> None:
    """It reads the relation expanded, as it was asked for."""
    answer = client.json("/rest/Employee?$method=update&$expand=employer", {**NEW, "employer": "3"})
    status, entity = seen(answer)
    assert (status, entity["__STAMP"]) == (200, 1)
    company = client.get("/rest/Company(3)").json
    assert {name: company[name] for name in ("__KEY", "__STAMP", "ID", "name", "staff")} == {
        name: entity["employer"][name] for name in ("__KEY", "__STAMP", "ID", "name", "staff")
    }


@both_builds("save-old")
def test_save_old(row: str, client: Any) -> None:
    old = hire(client.server, salary=100, employer="3", birthDate="1!2!1990")
    key = old["__KEY"]
    posted = {"__KEY": key, "__STAMP": 1, "ID": old["ID"], "salary": 250, "birthDate": "4!1!2002"}
    status, entity = seen(client.json("/rest/Employee?$method=update", {**posted, "employer": "5"}))
    assert (status, entity["__KEY"], entity["__STAMP"]) == (200, key, 2)
    assert (entity["ID"], entity["salary"], entity["birthDate"]) == (old["ID"], 250, "4!1!2002")
    assert entity["employer"] == {"__deferred": {"uri": "/rest/Company(5)", "__KEY": "5"}}
    # What was emptied is left out of the answer, which the client takes for null.
    posted = {"__KEY": key, "__STAMP": 2, "ID": old["ID"], "salary": None, "employer": None}
    status, entity = seen(client.json("/rest/Employee?$method=update", posted))
    assert (status, entity["__STAMP"]) == (200, 3)
    assert entity.keys().isdisjoint({"salary", "employer"})
    read = client.get(f"/rest/Employee({key})").json
    assert (read["__STAMP"], read["salary"], read["employer"]) == (3, None, None)


@both_builds("save-old-expand")
def test_save_old_after_expand(row: str, client: Any) -> None:
    old = hire(client.server, employer="3")
    posted = {"__KEY": old["__KEY"], "__STAMP": 1, "ID": old["ID"], "lastName": "Two"}
    status, entity = seen(client.json("/rest/Employee?$method=update&$expand=employer,manager", posted))
    assert (status, entity["__STAMP"], entity["lastName"]) == (200, 2, "Two")
    assert (entity["employer"]["__KEY"], entity["employer"]["ID"]) == ("3", 3)
    assert "manager" not in entity


@both_builds("save-old-unchanged")
def test_save_without_a_change(row: str, client: Any) -> None:
    old = hire(client.server, salary=7)
    posted = {"__KEY": old["__KEY"], "__STAMP": 1, "ID": old["ID"], "salary": 7}
    assert seen(client.json("/rest/Employee?$method=update", posted)) == (200, old)


@both_builds("save-old-stale")
def test_save_with_an_old_stamp(row: str, client: Any) -> None:
    """Only the status counts for this client; the stored entity is there for those who look."""
    old = hire(client.server, salary=1)
    posted = {"__KEY": old["__KEY"], "__STAMP": 1, "ID": old["ID"], "salary": 2}
    assert client.json("/rest/Employee?$method=update", posted).status == 200
    status, entity = seen(client.json("/rest/Employee?$method=update", {**posted, "salary": 3}))
    assert status == 500
    assert (entity["__STAMP"], entity["salary"], codes(entity)) == (2, 2, [1263, 1046, 1517])


@both_builds("recompute")
def test_recompute(row: str, client: Any) -> None:
    """The entity as it would be; nothing is saved."""
    old = hire(client.server, salary=1)
    target = "/rest/Employee?$method=update&$refresh=true"
    posted = {"__KEY": old["__KEY"], "__STAMP": 1, "ID": old["ID"], "salary": 99}
    status, entity = seen(client.json(target, posted))
    assert (status, entity["__KEY"], entity["salary"]) == (200, old["__KEY"], 99)
    read = client.get(f"/rest/Employee({old['__KEY']})").json
    assert (read["__STAMP"], read["salary"]) == (1, 1)
    status, entity = seen(client.json(target, NEW))
    # Stamp 0 is what tells it that the entity is still a new one.
    assert (status, entity["__STAMP"], entity["lastName"]) == (200, 0, "Ray")


@both_builds("delete")
def test_delete(row: str, client: Any) -> None:
    place = f"/rest/Employee({hire(client.server)['__KEY']})"
    assert seen(client.bare(f"{place}?$method=delete")) == (200, {"ok": True})
    assert seen(client.get(place))[0] == 404
    status, refusal = seen(client.bare(f"{place}?$method=delete"))
    assert (status, codes(refusal)) == (404, [1543])


@both_builds("upload-image")
def test_upload_of_an_image(row: str, client: Any) -> None:
    key, content = hire(client.server)["__KEY"], picture()
    place = f"/rest/Employee({key})"
    answer = client.raw(f"{place}/photo?$rawPict=image/png", content)
    assert seen(answer) == (200, {"ok": True})
    entity = client.get(place).json
    uri = f"{place}/photo?$imageformat=best&$version=2&$expand=photo"
    assert (entity["__STAMP"], entity["photo"]) == (2, {"__deferred": {"uri": uri, "image": True}})
    shown = client.get(uri)
    assert (shown.status, shown.headers["content-type"]) == (200, "image/png")
    assert shown.body == content


@both_builds("upload-blob")
def test_upload_of_a_blob(row: str, client: Any) -> None:
    """The body is no JSON, whatever its label says, and of any length."""
    key, content = hire(client.server)["__KEY"], PDF + bytes(range(256)) * 2000
    place = f"/rest/Employee({key})"
    assert seen(client.raw(f"{place}/cv", content)) == (200, {"ok": True})
    entity = client.get(place).json
    uri = f"{place}/cv?$binary=true&$version=2&$expand=cv"
    assert (entity["__STAMP"], entity["cv"]) == (2, {"__deferred": {"uri": uri}})
    shown = client.get(uri)
    assert (shown.status, shown.body) == (200, content)


@both_builds("media-delete-image")
def test_media_delete_of_an_image(row: str, client: Any) -> None:
    _delete_media(client, "photo", picture())


@both_builds("media-delete-blob")
def test_media_delete_of_a_blob(row: str, client: Any) -> None:
    _delete_media(client, "cv", PDF)


def _delete_media(client: Any, attribute: str, content: bytes) -> None:
    key = hire(client.server)["__KEY"]
    stamp = hold(client.server, key, 1, attribute, content)
    place = f"/rest/Employee({key})"
    uri = client.get(place).json[attribute]["__deferred"]["uri"]
    status, entity = seen(client.json(place, {"__KEY": key, "__STAMP": stamp, attribute: None}))
    assert (status, entity["__STAMP"], attribute in entity) == (200, stamp + 1, False)
    read = client.get(place).json
    assert (read["__STAMP"], read[attribute]) == (stamp + 1, None)
    shown = client.get(uri)
    assert (shown.status, shown.body) == (200, b"")
