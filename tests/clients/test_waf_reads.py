"""Reads of WAF: trailing slashes, single quotes, and sets that are rebuilt when they are gone."""

from __future__ import annotations

from typing import Any

import pytest

from .harness import Gunicorn
from .people import keys, seen, team
from .rows import plays
from .transports import Waf


@pytest.fixture
def client(server: Gunicorn) -> Waf:
    return Waf(server)


@plays("waf-set")
def test_sets(row: str, client: Waf) -> None:
    hired = team(client.server, "Waf", 4)
    saved: dict[str, Any] = {"savedfilter": "'lastName=\"Waf\" and salary<4'"}
    saved["savedorderby"] = "'salary desc'"
    status, document = seen(
        client.read(
            "/rest/Employee/",
            top=2,
            filter="'lastName = :1 and salary < :2'",
            params="'[\"Waf\",4]'",
            method="entityset",
            timeout=300,
            **saved,
            orderby="salary desc",
            expand="employer",
        )
    )
    stored = document["__ENTITYSET"]
    assert (status, keys(document), document["__COUNT"]) == (200, [hired[2], hired[1]], 3)
    answer = client.read(f"{stored}/", skip=1, top=5, **saved)
    assert keys(seen(answer)[1]) == [hired[1], hired[0]]
    # Positions, and members that are added and removed.
    assert seen(client.read(stored, findKey=hired[0], **saved)) == (200, {"result": 2})
    assert seen(client.read(stored, findKey="0", **saved)) == (200, {"result": -1})
    found = client.read(stored, removeFromSet=1, removeRefOnly="true", **saved)
    assert keys(seen(found)[1]) == [hired[2], hired[0]]
    found = client.read(stored, **saved, addToSet=f"'[\"{hired[3]}\"]'")
    assert keys(seen(found)[1]) == [hired[2], hired[0], hired[3]]
    # Gone, it is made anew from what is sent along each time.
    assert seen(client.read(stored, method="release")) == (200, {"ok": True})
    assert client.read(stored).status == 404
    assert keys(seen(client.read(stored, **saved))[1]) == hired[2::-1]
    assert keys(seen(client.read(stored))[1]) == hired[2::-1]


@plays("waf-complete")
def test_completion(row: str, client: Waf) -> None:
    team(client.server, "Zzyzx", 1)
    team(client.server, "zzyz", 1)
    answer = client.read(
        "/rest/Employee/lastName", distinct="true", top=20, filter="'lastName=\"zzyz@\"'"
    )
    assert seen(answer) == (200, ["zzyz", "Zzyzx"])


def test_lists_of_keys(client: Waf) -> None:
    first, second = team(client.server, "Listed", 2)
    status, document = seen(client.read(f"/rest/Employee/({first},{second},999999)", top=5))
    assert (status, keys(document)) == (200, [first, second])
