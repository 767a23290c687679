"""How one request spends its time and its patience, by a clock of the test's own."""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import Any

import pytest
from django.db import DatabaseError, connection

from fourd_rest.errors import TAKES_TOO_LONG, RestError
from fourd_rest.sql import limits, watch
from fourd_rest.sql.guards import Guard
from fourd_rest.sql.watch import Watch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watch, "monotonic", made)
    return made


@pytest.fixture
def watched(clock: Clock) -> Watch:
    made = Watch()
    made.start(time=10, patience=4)
    return made


def test_without_limits() -> None:
    free = Watch()
    assert (free.statement_time(), free.lock_time(), free.lock_time(own=3)) == (math.inf, math.inf, 3)
    free.check_time()


def test_reading_has_one_time(watched: Watch, clock: Clock) -> None:
    with watched.reading():
        clock.now += 4
        assert watched.statement_time() == 6
        with watched.reading():
            clock.now += 3
        watched.check_time()
    clock.now += 50
    with watched.reading():
        assert watched.statement_time() == 3
        clock.now += 4
        assert watched.statement_time() == 0.001
        with pytest.raises(RestError) as caught:
            watched.check_time()
    assert caught.value.items[0].row is TAKES_TOO_LONG
    watched.check_time()


def test_waiting(watched: Watch) -> None:
    assert (watched.statement_time(), watched.lock_time(), watched.lock_time(own=1)) == (10, 4, 1)
    watched.spend(0.1)
    assert watched.waited == 0
    watched.spend(3)
    assert (watched.lock_time(), watched.lock_time(own=3.5)) == (1, 0.5)
    watched.spend(3)
    assert watched.lock_time() == 0


def test_a_statement_that_waits_is_told_so(clock: Clock) -> None:
    """Its time is over after the waiting for its lock."""
    patient = Watch()
    patient.start(time=1, patience=4)
    assert patient.statement_time() == 4.5


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_statement_took_is_waiting(watched: Watch, clock: Clock, fails: bool) -> None:
    def execute(*args: Any) -> str:
        clock.now += 2
        if fails:
            raise DatabaseError
        return f"{args}"

    if fails:
        with pytest.raises(DatabaseError):
            watched.timed(execute, "SELECT", (), False, {})
    else:
        assert watched.timed(execute, "SELECT", (), False, {}) == "('SELECT', (), False, {})"
    assert watched.waited == 2
    with watched.reading():
        clock.now += 2
        watched.spend(2)
    assert watched.waited == 2


def test_attempts_wait_together(watched: Watch, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not a statement's waiting, as that of a commit, counts too; nothing counts twice."""
    monkeypatch.setattr(limits, "monotonic", clock)
    monkeypatch.setattr(limits, "_watch", ContextVar("watch", default=watched))
    patience = limits.Patience()
    clock.now += 3
    assert not patience.is_over
    watched.spend(0.5)
    assert watched.waited == 3.5
    assert not patience.is_over
    clock.now += 1
    assert patience.is_over
    assert limits.Patience().is_over


@pytest.mark.django_db
def test_a_connection_that_is_lost(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """Nothing is left of its guard, and the request has its answer."""

    def lost(self: Guard) -> None:
        raise DatabaseError("server closed the connection")

    guard = type(limits.guard(Watch(), connection))
    monkeypatch.setattr(guard, "release", lost)
    with limits.RequestLimits():
        limits.writing()
        assert connection.execute_wrappers
    assert connection.execute_wrappers == []
    assert "A connection is lost" in caplog.text


def test_a_guard_of_another_database_changes_nothing() -> None:
    class Other:
        vendor = "oracle"
        in_atomic_block = False
        connection = None

    other: Any = Other()
    guard = limits.guard(Watch(), other)
    assert type(guard) is Guard
    assert guard(lambda *args: args, "SELECT", (1,), False, {}) == ("SELECT", (1,), False, {})
    guard.renew()
    guard.release()
    assert not guard.is_foreign
