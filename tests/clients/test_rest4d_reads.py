"""Reads of ``@4d/rest``: quoted filters, all else form-encoded."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Gunicorn
from .people import codes, keys, seen, team
from .rows import plays
from .transports import Rest4D


@pytest.fixture
def client(server: Gunicorn) -> Rest4D:
    return Rest4D(server)


@plays("rest4d-catalog")
def test_catalog(row: str, client: Rest4D) -> None:
    assert set(seen(client.read("/rest/$catalog"))[1]["dataClasses"][0]) == {"name", "uri", "dataURI"}
    status, document = seen(client.read("/rest/$catalog/$all", metadata="full"))
    assert status == 200
    assert {"__UNIQID", "__BASEID", "__NAME", "properties", "dataClasses"} <= document.keys()
    assert all(each["attributes"] for each in document["dataClasses"])
    status, document = seen(client.read("/rest/$catalog/Employee"))
    assert (status, document["dataClasses"][0]["name"]) == (200, "Employee")


@plays("rest4d-entity")
def test_entity(row: str, client: Rest4D) -> None:
    (key,) = team(client.server, "Single", 1)
    for path in (f"/rest/Employee({key})", "/rest/Employee:lastName(Single)"):
        status, entity = seen(client.read(path))
        assert (status, entity["__KEY"], entity["__DATACLASS"]) == (200, key, "Employee")
    status, entity = seen(client.read("/rest/Employee(12)", expand="employer.*", attributes="ID"))
    assert (status, "ID" in entity, "lastName" in entity) == (200, True, False)
    status, entity = seen(client.read("/rest/Employee(12)", expand="employer.*"))
    assert (status, entity["employer"]["__KEY"].isdigit()) == (200, True)
    status, document = seen(client.read("/rest/Employee:lastName(Nobody at all)"))
    assert (status, codes(document)) == (404, [1543])


def test_a_filter_with_quotes_and_placeholders(client: Rest4D) -> None:
    hired = team(client.server, "Quoted & Co = 1", 3)
    text = 'lastName = "Quoted & Co = 1"'
    status, document = seen(client.read("/rest/Employee", filter=text, orderby="salary desc"))
    assert (status, keys(document)) == (200, hired[::-1])
    text = "lastName = :1 and salary > :2"
    found = client.read(
        "/rest/Employee", filter=text, params='["Quoted & Co = 1",1]', attributes="ID,salary"
    )
    assert keys(seen(found)[1]) == hired[1:]
    assert [list(entity)[3:] for entity in found.json["__ENTITIES"]] == [["ID", "salary"]] * 2


@plays("rest4d-delete-filter")
def test_delete_by_a_filter(row: str, client: Rest4D) -> None:
    hired = team(client.server, "Doomed", 3)
    answer = client.call("Employee", {"$filter": "lastName=Doomed and salary>1", "$method": "delete"})
    assert seen(answer) == (200, {"ok": True})
    assert [client.read(f"/rest/Employee({key})").status for key in hired] == [200, 404, 404]


@plays("rest4d-count")
def test_counts_and_values(row: str, client: Rest4D) -> None:
    team(client.server, "Counted", 4)
    only: dict[str, Any] = {"filter": "lastName = Counted"}
    status, document = seen(client.read("/rest/Employee", **only, top=0))
    assert (status, document["__COUNT"], document["__ENTITIES"]) == (200, 4, [])
    assert seen(client.read("/rest/Employee/salary", **only, compute="sum")) == (200, 10)
    assert seen(client.read("/rest/Employee/salary", **only, distinct="true")) == (200, [1, 2, 3, 4])
    status, document = seen(client.read("/rest/Employee/salary", **only, compute="$all"))
    assert document == {"salary": {"count": 4, "sum": 10, "average": 2.5, "min": 1, "max": 4}}


@plays("rest4d-set")
def test_sets(row: str, client: Rest4D) -> None:
    hired = team(client.server, "Kept", 4)

    def kept(text: str) -> str:
        only = {"filter": f"lastName = Kept and {text}", "orderby": "salary"}
        status, document = seen(client.read("/rest/Employee", **only, method="entityset", timeout=7200))
        assert status == 200
        return str(document["__ENTITYSET"])

    low, high = kept("salary < 4"), kept("salary > 2")
    assert keys(client.read(low, skip=1, top=2).json) == hired[1:3]
    assert (
        keys(client.read(low, orderby="salary desc", attributes="ID", expand="employer").json)
        == hired[2::-1]
    )
    before = low.replace("/$entityset", "/salary/$entityset")
    assert seen(client.read(before, compute="sum")) == (200, 6)
    assert seen(client.read(before, distinct="true")) == (200, [1, 2, 3])
    other = high.rpartition("/")[2]
    for operator, found in (("AND", hired[2:3]), ("OR", hired), ("EXCEPT", hired[:2])):
        params = {"logicOperator": operator, "otherCollection": other}
        assert keys(seen(client.read(low, **params))[1]) == found
        document = client.read(low, **params, method="entityset", timeout=60).json
        assert keys(client.read(document["__ENTITYSET"]).json) == found
    found = client.read(low, logicOperator="INTERSECT", otherCollection=other)
    assert seen(found) == (200, True)
    client.call(f"Employee({hired[0]})", {"$method": "delete"})
    assert client.read(low).json["__ENTITIES"][0] == {"__STAMP": 0}
    assert keys(client.read(low, clean="true").json) == hired[1:3]
    assert seen(client.read(low, method="release")) == (200, {"ok": True})
    status, document = seen(client.read(low))
    assert (status, codes(document)) == (404, [1802])


@plays("rest4d-related")
def test_related(row: str, client: Rest4D) -> None:
    hired = team(client.server, "Related", 3, employer="9")
    path = "/rest/Company(9)/staff"
    status, document = seen(client.read(path, expand="staff"))
    assert (status, document["__entityModel"]) == (200, "Company")
    assert document["staff"]["__COUNT"] >= 3
    answer = client.read(path, expand="staff", method="subentityset", top=2, skip=1, orderby="ID desc")
    status, document = seen(answer)
    assert (status, keys(document), document["__FIRST"]) == (200, [hired[1], hired[0]], 1)
    assert keys(client.read(document["__ENTITYSET"], top=1).json) == [hired[2]]
