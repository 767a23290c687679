"""WAF, Wakanda's browser framework: trailing slashes, and ``__ENTITIES`` even around one entity."""

from __future__ import annotations

import pytest

from .harness import Gunicorn
from .people import codes, hire, seen
from .rows import plays
from .transports import Waf


@pytest.fixture
def client(server: Gunicorn) -> Waf:
    return Waf(server)


@plays("waf-save-new")
def test_save_new(row: str, client: Waf) -> None:
    posted = {"__ISNEW": True, "ID": None, "firstName": "Wim", "lastName": "Aaf", "employer": "2"}
    status, document = seen(client.save("Employee", posted))
    assert (status, list(document), len(document["__ENTITIES"])) == (200, ["__ENTITIES"], 1)
    entity = document["__ENTITIES"][0]
    assert (entity["__KEY"], entity["__STAMP"]) == (str(entity["ID"]), 1)
    assert (entity["firstName"], entity["lastName"]) == ("Wim", "Aaf")
    assert entity["employer"] == {"__deferred": {"uri": "/rest/Company(2)", "__KEY": "2"}}
    assert "__ERROR" not in entity


@plays("waf-save-old")
def test_save_old(row: str, client: Waf) -> None:
    old = hire(client.server, salary=1)
    status, document = seen(client.save("Employee", {"__KEY": old["__KEY"], "__STAMP": 1, "salary": 2}))
    entity = document["__ENTITIES"][0]
    expected = {**old, "__STAMP": 2, "salary": 2, "__TIMESTAMP": entity["__TIMESTAMP"]}
    assert (status, document) == (200, {"__ENTITIES": [expected]})


@plays("waf-save-stale")
def test_save_with_an_old_stamp(row: str, client: Waf) -> None:
    old = hire(client.server, salary=1)
    assert client.save("Employee", {"__KEY": old["__KEY"], "__STAMP": 1, "salary": 2}).status == 200
    status, document = seen(client.save("Employee", {"__KEY": old["__KEY"], "__STAMP": 1, "salary": 3}))
    (entity,) = document["__ENTITIES"]
    assert (status, "__ERROR" in document) == (500, False)
    assert (entity["__KEY"], entity["__STAMP"], entity["salary"]) == (old["__KEY"], 2, 2)
    assert codes(entity) == [1263, 1046, 1517]


@plays("waf-override")
def test_override_where_the_dataclass_does_not_allow_it(row: str, client: Waf) -> None:
    old = hire(client.server, salary=1)
    posted = {"__KEY": old["__KEY"], "__STAMP": -1, "salary": 2}
    status, document = seen(client.save("Employee", posted))
    (entity,) = document["__ENTITIES"]
    assert (status, entity["__STAMP"], entity["salary"]) == (500, 1, 1)
    assert codes(entity) == [1263, 1046, 1517]


@plays("waf-delete")
def test_delete(row: str, client: Waf) -> None:
    keys = [hire(client.server)["__KEY"] for _ in range(3)]
    assert seen(client.delete("Employee", keys[0])) == (200, {"ok": True})
    assert seen(client.delete("Employee", *keys[1:])) == (200, {"ok": True})
    assert [client.get(f"/rest/Employee({key})").status for key in keys] == [404, 404, 404]
