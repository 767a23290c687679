"""Many clients at one entity set: nothing that was acknowledged is lost, and nobody sees half a set.

Real processes on a real database (``requests.md`` 6.4, D-20). ``set_crew.py`` is what they run. Every
page must be of one state that the set has had: as it was before a change or after it, or 1802 if it is
gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .harness import Crew, Site, copy_site, postgresql_database

pytestmark = pytest.mark.slow

MEMBERS, COMPANIES = 1_990, 2_100  # the second chunk is full soon, and a third begins
CHUNK = 1_000
GONE = {"http": 404, "codes": [1802]}
BUSY = {"http": 503, "codes": [9010]}
FULL = {"http": 429, "codes": [9023]}
SAVED = "$savedfilter='ID<=1500'&$savedorderby=ID"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Crew]:
    """Clients of a database of companies. SQLite is used as Django uses it if nothing is said."""
    folder = tmp_path_factory.mktemp(request.param)
    environment = {"SQLITE_TRANSACTION_MODE": "DEFERRED"}
    with ExitStack() as stack:
        if request.param == "postgresql":
            name = stack.enter_context(postgresql_database())
            site = Site(folder, engine="postgresql", database=name)
        else:
            site = copy_site(request.getfixturevalue("prepared"), folder, environment=environment)
        crew = Crew(site, "tests.servers.set_crew")
        stack.callback(crew.close)
        if request.param == "postgresql":
            crew("prepare")
        crew("furnish", companies=COMPANIES)
        yield crew


@pytest.fixture
def crew(running: Crew) -> Iterator[Crew]:
    """The same, without any set; afterwards every set there is must be whole."""
    running("empty")
    yield running
    whole_sets(running)


def make(crew: Crew, members: int = MEMBERS) -> str:
    made: str = crew("make", filter=f"ID<={members}")
    return made


def whole_sets(crew: Crew) -> dict[str, list[int]]:
    """The members of all sets. Nothing is left over, no chunk is missing, no member there twice."""
    return stored(crew("tables"))


def stored(tables: dict[str, Any]) -> dict[str, list[int]]:
    assert tables["orphans"] == []
    found = {}
    for wire_id, (size, chunks) in tables["sets"].items():
        members = [key for _, chunk in chunks for key in chunk]
        assert [number for number, _ in chunks] == list(range(len(chunks)))
        assert {len(chunk) for _, chunk in chunks[:-1]} <= {CHUNK}
        assert len(members) == len(set(members)) == size
        found[wire_id] = members
    return found


def is_error(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    return {name: answer[name] for name in expected} == expected


# Changes.

# Pages in the set's own order, which one statement reads.
EDIT_READS = ("$top=10000", "$skip=995&$top=10", "$skip=1985&$top=100", "$top=1&$skip=1")


def judge_read(params: str, answer: dict[str, Any], states: list[list[int]]) -> None:
    """``answer`` is the page of ``params`` of one of ``states``."""
    asked = dict(item.split("=", 1) for item in params.split("&"))
    skip, top = int(asked.get("$skip", 0)), int(asked["$top"])
    assert answer["sent"] == len(answer["keys"])
    pages = [state[skip : skip + top] for state in states if len(state) == answer["count"]]
    assert answer["keys"] in pages, (params, answer["count"], answer["keys"][:5], len(answer["keys"]))


def test_edits_of_one_set(crew: Crew) -> None:
    """80 additions and 40 removals by 8 processes: all are there, once, and every read between them is
    of the set before or after each."""
    wire_id = make(crew)
    seen = crew(
        "edits", id=wire_id, first=MEMBERS + 1, writers=8, rounds=10, readers=3, reads=EDIT_READS
    )
    (after,) = whole_sets(crew).values()
    added = [key for log in seen["writers"] for key in log["added"]]
    removed = sum(log["removed"] for log in seen["writers"])
    refused = [answer for log in seen["writers"] for answer in log["refused"]]
    assert all(is_error(answer, BUSY) for answer in refused)
    assert (len(added), removed) == (80, 40)
    everything = [*range(1, MEMBERS + 1), *after[MEMBERS - removed :]]
    assert after == everything[removed:]
    assert sorted(after) == [*range(removed + 1, MEMBERS + 1), *sorted(added)]
    # As the set grew: by one, and by one while the first one went.
    states = [
        everything[start : MEMBERS + more] for start in range(removed + 1) for more in range(start, 81)
    ]
    assert len(seen["seen"]) >= 2 * len(EDIT_READS)
    reads = [(params, answer) for params, answer in seen["seen"] if not is_error(answer, BUSY)]
    for params, answer in reads:
        judge_read(params, answer, states)
    assert len(reads) > len(seen["seen"]) // 2


# Rebuilding.


def test_a_missing_set_is_rebuilt_once(crew: Crew) -> None:
    """By 8 processes at once; what one of them has added then stays, whoever comes later."""
    ids = [f"{number:032X}" for number in range(1, 7)]
    seen = crew("rebuild", processes=8, ids=ids, saved=SAVED, first=1_601)
    sets = whole_sets(crew)
    assert sorted(sets) == ids
    added = list(range(1_601, 1_609))
    for round_, wire_id in enumerate(ids):
        assert sets[wire_id][:1_500] == list(range(1, 1_501))
        assert sorted(sets[wire_id][1_500:]) == added
        for answers in (step for log in seen for step in log[round_]):
            *refused, answer = answers
            assert all(is_error(one, BUSY) for one in refused)
            assert (answer["http"], answer["keys"][:2]) == (200, [1, 2])
            assert 1_500 <= answer["count"] <= 1_508


def test_a_set_that_ends_while_it_is_used(crew: Crew) -> None:
    """Read and renewed, released, swept and rebuilt at once: it is whole or it is gone."""
    wire_id = make(crew, 1_500)
    logs = crew("life", id=wire_id, processes=7, rounds=30, saved=SAVED, reads=("$top=10000",))
    seen = [item for log in logs[2:] for item in log]
    keys = list(range(1, 1_501))
    page = {"http": 200, "codes": [], "count": 1_500, "keys": keys, "sent": 1_500, "made": ""}
    told: Counter[str] = Counter()
    for _, answer in seen:
        if is_error(answer, GONE):
            told["gone"] += 1
        elif is_error(answer, BUSY):
            told["busy"] += 1
        else:
            assert answer == page
            told["whole"] += 1
    assert told["whole"] > 10
    assert told["gone"] > 3
    assert {answer["http"] for answer in logs[1]} <= {200, 503}
    crew("expire")
    crew("cleanup")
    assert crew("tables") == {"orphans": [], "sets": {}}


# Quota.


def test_sets_that_are_made_at_once(crew: Crew) -> None:
    """Each process may go beyond the quota by the one that it was just making."""
    processes = 8
    path = "Company?$filter='ID<4'&$method=entityset"
    limits = {"MAX_ENTITY_SETS_PER_OWNER": 5}
    logs = crew("create", processes=processes, path=path, limits=limits)
    made = [answer for log in logs for answer in log[:-1]]
    assert all(is_error(log[-1], FULL) for log in logs)
    assert 5 <= len(made) <= 5 + processes - 1
    assert sorted(answer["made"] for answer in made) == sorted(whole_sets(crew))


# Kill -9.


def test_killed_while_a_large_set_is_made(crew: Crew) -> None:
    """Nobody sees any of it, before and after."""
    there = make(crew, 5)
    path = "Company?$filter='ID>0'&$orderby=ID&$method=entityset"
    items = crew("killed", path=path)
    assert len(items) >= 3, "the set, and its chunks in two statements"
    for item in items:
        assert stored(item["before"]) == stored(item["after"]) == {there: [1, 2, 3, 4, 5]}
    # Nor is anything locked.
    (made,) = set(whole_sets(crew)) - {there}
    assert crew("ask", path=f"Company/$entityset/{made}?$top=1")["count"] == COMPANIES


@pytest.mark.parametrize(
    "params", ["$addToSet=2001,2002&$removeFromSet=0", "$method=release"], ids=["edit", "release"]
)
def test_killed_while_a_set_is_changed(crew: Crew, params: str) -> None:
    """It is as it was until all is done."""
    wire_id = make(crew)
    whole = {wire_id: list(range(1, MEMBERS + 1))}
    items = crew("killed", path=f"Company/$entityset/{wire_id}?{params}")
    assert len(items) >= 2
    for item in items:
        assert stored(item["before"]) == stored(item["after"]) == whole
    assert whole_sets(crew) == (
        {} if "release" in params else {wire_id: [*range(2, MEMBERS + 1), 2001, 2002]}
    )


def test_killed_while_sets_are_swept(crew: Crew) -> None:
    """The next clean-up removes what that one has left."""
    ids = {make(crew), make(crew, 5)}
    crew("expire")
    items = crew("killed")
    assert items
    for item in items:
        assert set(stored(item["before"])) == set(stored(item["after"])) == ids
    assert whole_sets(crew) == {}
