"""Many clients at one entity: one winner for every stamp, and nothing that was acknowledged is lost.

Real processes on a real database, as far apart as two workers of a server (``docs/architecture.md``,
«Stamps and transactions»; D-09, D-32). ``crew.py`` is what they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

import pytest

from fourd_rest import sweep
from fourd_rest.models import EntityStamp
from tests.zoo.models import Country

from .harness import Crew, Site, postgresql_database

PROCESSES, ROUNDS = 16, 10
CONFLICT = {"http": 500, "status": 2, "errors": [1263, 1046, 1517]}
GONE = {"http": 500, "status": 5, "errors": [1542, 1517]}

# One entity for each way to keep a stamp.
COLUMN = {"dataclass": "Employee", "key": "1", "attribute": "salary"}
SIDE_TABLE = {"dataclass": "Company", "key": "1", "attribute": "revenues"}
COLUMN_TEXT_KEY = {"dataclass": "Planet", "key": "mars", "attribute": "name", "text": True}
SIDE_TABLE_TEXT_KEY = {"dataclass": "Country", "key": "FR", "attribute": "name", "text": True}

both_modes = pytest.mark.parametrize("entity", [COLUMN, SIDE_TABLE], ids=["stamp column", "side table"])
both_text_keys = pytest.mark.parametrize(
    "entity", [COLUMN_TEXT_KEY, SIDE_TABLE_TEXT_KEY], ids=["stamp column", "side table"]
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[dict[str, Any]]:
    """A database with one entity of every kind."""
    with ExitStack() as stack:
        name = ""
        if request.param == "postgresql":
            name = stack.enter_context(postgresql_database())
        options = {"engine": request.param, "database": name}
        folder = tmp_path_factory.mktemp(request.param)
        crew = Crew(Site(folder, **options))
        try:
            crew("prepare")
        finally:
            crew.close()
        yield {"folder": folder, **options}


@pytest.fixture(
    scope="module",
    params=["0", pytest.param("1", marks=pytest.mark.slow)],
    ids=["autocommit", "ATOMIC_REQUESTS"],
)
def crew(request: pytest.FixtureRequest, engine: dict[str, Any]) -> Iterator[Crew]:
    """Clients of that database. SQLite is used as Django uses it if nothing is said: DEFERRED."""
    environment = {"ATOMIC_REQUESTS": request.param, "SQLITE_TRANSACTION_MODE": "DEFERRED"}
    running = Crew(Site(**engine, environment=environment))
    try:
        yield running
    finally:
        running.close()


def same(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    return {name: answer[name] for name in expected} == expected


def judge(before: dict[str, Any], after: dict[str, Any], seen: list[list[dict[str, Any]]]) -> int:
    """What must hold of every race; the number of acknowledged updates.

    Every answer saves or is exactly a stale stamp; no two saved at one stamp; every read shows what
    that stamp's winner wrote; the last stamp and value are those of the last winner.
    """
    attempts = list(chain.from_iterable(seen))
    values = {before["stamp"]: before["value"]}
    for attempt in attempts:
        answer = attempt["answer"]
        if answer["http"] != 200:
            assert same(answer, CONFLICT)
            continue
        assert answer["stamp"] not in values, "two winners for one stamp"
        assert answer["value"] == attempt["posted"]
        values[answer["stamp"]] = answer["value"]
    for read in filter(None, (attempt["read"] for attempt in attempts)):
        assert read["http"] == 200
        assert values[read["stamp"]] == read["value"]
    winners = len(values) - 1
    assert sorted(values) == list(range(before["stamp"], before["stamp"] + winners + 1))
    assert after["stamp"] == before["stamp"] + winners
    assert after["value"] == values[after["stamp"]]
    return winners


def run_race(crew: Crew, entity: dict[str, Any], **options: Any) -> int:
    before = crew("read", **entity)
    options = {"together": True, "rounds": ROUNDS, "base": before["stamp"] * 100_000, **options}
    seen = crew("race", processes=PROCESSES, **entity, **options)
    assert sum(map(len, seen)) == PROCESSES * options["rounds"]
    return judge(before, crew("read", **entity), seen)


@both_modes
def test_one_winner_for_every_stamp(crew: Crew, entity: dict[str, Any]) -> None:
    """160 updates in 10 rounds, 16 at each stamp: 10 are acknowledged, 150 are stale."""
    assert run_race(crew, entity) == ROUNDS


@pytest.mark.slow
@both_modes
def test_whoever_comes_reads_and_updates(crew: Crew, entity: dict[str, Any]) -> None:
    """Without a common start there are more winners, and still one for a stamp."""
    assert run_race(crew, entity, together=False, rounds=5) >= 5


def test_an_entity_without_a_stamp_row(crew: Crew) -> None:
    """Its stamp counts as 1, for one winner (D-32); so it does if the row was lost."""
    entity = {**SIDE_TABLE, "key": crew("bulk_create")}
    assert same(crew("read", **entity), {"http": 200, "stamp": 1, "value": 0})
    assert run_race(crew, entity) == ROUNDS
    assert crew("read", **entity)["stamp"] == 1 + ROUNDS
    assert crew("forget_stamp", **entity) == 1
    assert crew("read", **entity)["stamp"] == 1
    assert run_race(crew, entity, rounds=2) == 2


@pytest.mark.slow
@both_text_keys
def test_a_stamp_of_a_former_life_is_refused(crew: Crew, entity: dict[str, Any]) -> None:
    """A deleted and re-created key takes none of the stamps that it had before."""
    first = crew("read", **entity)["stamp"]
    for stamp in range(first, first + 3):
        assert crew("update", **entity, stamp=stamp, value=f"life {stamp}")["http"] == 200
    assert crew("delete", **entity) == 200
    assert crew("create", **entity, value="reborn")["http"] == 200
    reborn = crew("read", **entity)
    assert reborn["stamp"] > first + 3
    assert run_race(crew, entity, stamps=list(range(1, first + 4))[-ROUNDS:]) == 0
    assert crew("read", **entity) == reborn
    assert run_race(crew, entity, rounds=3) == 3


@pytest.mark.slow
@both_text_keys
def test_a_key_that_is_re_created_during_the_race(crew: Crew, entity: dict[str, Any]) -> None:
    """Whatever an update beside the delete was told, its stamp is worth nothing in the new life."""
    seen = crew("rebirth", processes=PROCESSES, rounds=5, **entity)
    for round_ in range(5):
        owner, *others = (log[round_] for log in seen)
        assert owner["deleted"] == 200
        assert owner["created"]["http"] == 200
        stamp = owner["created"]["stamp"]
        winners = [other["answer"]["stamp"] for other in others if other["answer"]["http"] == 200]
        # One before the delete, and none after it: nobody held the new stamp yet.
        assert len(winners) <= 1
        assert all(won < stamp for won in winners)
        for other in others:
            answer = other["answer"]
            assert answer["http"] == 200 or same(answer, CONFLICT) or same(answer, GONE)
            assert same(other["again"], {**CONFLICT, "stamp": stamp, "value": owner["created"]["value"]})


@pytest.mark.slow
@pytest.mark.parametrize("what", ["entity", "page"])
@both_modes
def test_a_commit_between_two_statements_of_a_read(
    crew: Crew, entity: dict[str, Any], what: str
) -> None:
    """The client never holds a new stamp beside an old value: what it read stale is refused."""
    stamp = crew("read", **entity)["stamp"]
    items = crew("between", what=what, base=stamp * 20, **entity)
    assert len(items) >= 3, "session, user and entity"
    for item in items:
        before, other, read = item["before"], item["other"], item["answer"]
        assert same(other, {"http": 200, "stamp": before["stamp"] + 1})
        saw_old = same(read, {"http": 200, "stamp": before["stamp"], "value": before["value"]})
        saw_new = same(read, {"http": 200, "stamp": other["stamp"], "value": other["value"]})
        assert saw_old or saw_new, item
        if saw_old:
            assert same(item["again"], CONFLICT)
            assert same(item["after"], {"stamp": other["stamp"], "value": other["value"]})
        else:
            assert same(item["again"], {"http": 200, "stamp": other["stamp"] + 1})
    # Before the first statement a commit is seen.
    assert items[0]["answer"]["stamp"] == items[0]["other"]["stamp"]


@pytest.mark.slow
@both_modes
def test_a_commit_between_two_statements_of_an_update(crew: Crew, entity: dict[str, Any]) -> None:
    """Either the other one commits and the update is stale, or it must wait and is stale itself."""
    stamp = crew("read", **entity)["stamp"]
    items = crew("between", what="update", base=stamp * 20, **entity)
    interrupted = [item for item in items if item["other"]["http"] == 200]
    assert len(interrupted) >= 3
    for item in items:
        before, answer = item["before"], item["answer"]
        if item in interrupted:
            assert same(item["other"], {"stamp": before["stamp"] + 1})
            assert same(answer, CONFLICT)
        else:
            assert item["other"]["http"] in (500, 503), item
            assert same(answer, {"http": 200, "stamp": before["stamp"] + 1})


@pytest.mark.slow
@both_text_keys
def test_a_commit_between_two_statements_of_a_delete(crew: Crew, entity: dict[str, Any]) -> None:
    """The last stamp that was acknowledged is refused in the key's next life."""
    items = crew("between", what="delete", base=crew("read", **entity)["stamp"] * 20, **entity)
    interrupted = [item for item in items if item["other"]["http"] == 200]
    assert len(interrupted) >= 3
    for item in items:
        assert item["answer"] == 200
        assert item["created"]["http"] == 200
        assert item["created"]["stamp"] > item["before"]["stamp"]
        assert same(item["again"], CONFLICT), item
        if item in interrupted:
            assert item["created"]["stamp"] > item["other"]["stamp"]


# Saves in the admin and in code, on a database with row locks.


row_locks = pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="module")


@pytest.fixture
def deadlock_free(crew: Crew) -> Iterator[None]:
    before = crew("deadlocks")
    yield
    assert crew("deadlocks") == before


def judge_history(before: list[Any], logs: list[dict[str, Any]]) -> None:
    """Every stamp has one author, and whoever read at a stamp saw all that its author left."""
    history = {before[0]: before[1:]}
    for stamp, *values in chain.from_iterable(log["wrote"] for log in logs):
        assert stamp not in history, "two authors of one stamp"
        history[stamp] = values
    assert sorted(history) == list(range(before[0], before[0] + len(history)))
    for stamp, *values in chain.from_iterable(log["saw"] for log in logs):
        assert history[stamp] == values


@pytest.mark.slow
@row_locks
@both_modes
def test_saves_in_the_admin_beside_updates(
    crew: Crew, entity: dict[str, Any], deadlock_free: None
) -> None:
    """The change form and ``save()`` beside REST: no error, and no stamp with two states of the row.

    A form that was opened before an update and posted after it overwrites the update: that is the
    admin's own way. What is promised is that it moves the stamp, so that no client of the REST surface
    takes the row for the one that it has read.
    """
    before = crew("state", **entity)
    logs = crew("history", processes=12, rounds=6, **entity)
    assert {status for log in logs for status in log["http"]} <= {200, 302}
    assert [len(log["wrote"]) for log in logs] == [6] * 12
    judge_history(before, logs)
    assert crew("state", **entity) == max(chain.from_iterable(log["wrote"] for log in logs))


@pytest.mark.slow
@row_locks
def test_nothing_acknowledged_is_lost_beside_saves_of_another_field(
    crew: Crew, deadlock_free: None
) -> None:
    entity = {**SIDE_TABLE, "attribute": "extra"}
    before = crew("read", **entity)
    tokens = {"tokens": []}
    assert crew("update", **entity, stamp=before["stamp"], value=tokens)["http"] == 200
    logs = crew("distinct", processes=12, rounds=6, **entity)
    acknowledged, saves = logs[:6], logs[6:]
    assert saves == [6] * 6
    after = crew("read", **entity)
    assert sorted(after["value"]["tokens"]) == sorted(chain.from_iterable(acknowledged))
    assert len(after["value"]["tokens"]) == 6 * 6
    assert after["stamp"] >= before["stamp"] + 1 + 6 * 6 + 6 * 6


@pytest.mark.slow
@row_locks
def test_entities_that_refer_to_each_other(crew: Crew, deadlock_free: None) -> None:
    """A company gets its manager while he gets his employer: neither waits for the other."""
    answers = crew("crossed", processes=8, rounds=15, key="1", employee="1")
    kinds = [tuple(map(str, answer)) for answer in chain.from_iterable(answers)]
    # Who finds stored what he has posted needs no save; of others the stale ones are told so.
    assert ("200", "[]") in kinds
    assert set(kinds) <= {("200", "[]"), ("500", "[1263, 1046, 1517]")}


def test_a_stamp_is_kept_for_an_entity_that_came_back_unseen(admin: Any, settings: Any) -> None:
    """``bulk_create`` tells nobody that a deleted key lives again; the first update does."""
    settings.FOURD_REST = {"STAMP_RETENTION": 1}
    Country.objects.create(code="FR", name="France").delete()
    Country.objects.bulk_create([Country(code="FR", name="France")])
    stamp = admin.read("Country(FR)").json()["__STAMP"]
    assert stamp > 1
    answer = admin.update("Country", {"__KEY": "FR", "__STAMP": stamp, "name": "Francia"})
    assert answer.json()["__STAMP"] == stamp + 1
    EntityStamp.objects.filter(deleted__isnull=False).update(deleted="2020-01-01T00:00:00Z")
    sweep.run()
    assert admin.read("Country(FR)").json()["__STAMP"] == stamp + 1
