"""``@4d/rest`` and its data explorer: escaped names of parameters, a body in every POST."""

from __future__ import annotations

import pytest

from .harness import Gunicorn
from .people import codes, hire, seen
from .rows import plays
from .transports import Rest4D

UPDATE = {"$method": "update"}


@pytest.fixture
def client(server: Gunicorn) -> Rest4D:
    return Rest4D(server)


@plays("rest4d-update-one")
def test_update_of_one(row: str, client: Rest4D) -> None:
    """It reads key, stamp, time, uri and status."""
    old = hire(client.server, salary=1)
    key = old["__KEY"]
    status, entity = seen(client.call("Employee", UPDATE, {"__KEY": key, "__STAMP": 1, "salary": 2}))
    assert (status, entity["__KEY"], entity["__STAMP"], entity["salary"]) == (200, key, 2, 2)
    assert entity["uri"] == f"http://{client.server.host}/rest/Employee({key})"
    assert entity["__TIMESTAMP"] >= old["__TIMESTAMP"]
    assert entity["__STATUS"] == {"success": True}


@plays("rest4d-update-array")
def test_update_of_an_array(row: str, client: Rest4D) -> None:
    old = [hire(client.server, salary=number) for number in range(6)]
    posted = [{"__KEY": one["__KEY"], "__STAMP": 1, "salary": 50 + i} for i, one in enumerate(old)]
    status, document = seen(client.call("Employee", {**UPDATE, "$asArray": "true"}, posted))
    entities = document["__ENTITIES"]
    assert (status, [one["__KEY"] for one in entities]) == (200, [one["__KEY"] for one in old])
    assert [one["salary"] for one in entities] == [50, 51, 52, 53, 54, 55]
    assert {one["__STAMP"] for one in entities} == {2}


@plays("rest4d-update-array-error")
def test_update_of_an_array_with_a_failure(row: str, client: Rest4D) -> None:
    """An ``__ERROR`` beside ``__ENTITIES`` would make it throw all answers away."""
    good, bad = (hire(client.server, salary=1)["__KEY"] for _ in range(2))
    posted = [
        {"__KEY": good, "__STAMP": 1, "salary": 5},
        {"__KEY": bad, "__STAMP": 1, "salary": "much"},
        {"firstName": "Third", "lastName": "One", "salary": 6},
    ]
    status, document = seen(client.call("Employee", {**UPDATE, "$asArray": "true"}, posted))
    saved, failed, new = document["__ENTITIES"]
    assert (status, list(document)) == (500, ["__ENTITIES"])
    assert (saved["__KEY"], saved["__STAMP"], saved["salary"]) == (good, 2, 5)
    assert saved["__STATUS"] == {"success": True}
    assert (failed["__KEY"], failed["__STAMP"], failed["salary"]) == (bad, 1, 1)
    assert codes(failed) == [1508, 1517]
    assert (new["__STAMP"], new["salary"]) == (1, 6)


@plays("rest4d-delete")
def test_delete(row: str, client: Rest4D) -> None:
    """A body of ``{}`` is there because 4D refuses an empty one."""
    key = hire(client.server)["__KEY"]
    answer = client.call(f"Employee({key})", {"$method": "delete"})
    assert seen(answer) == (200, {"ok": True})
    assert client.get(f"/rest/Employee({key})").status == 404
