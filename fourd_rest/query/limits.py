"""How long one request may compute and wait (D-59, D-60).

A request *reads* where a filter, an order, a figure, ``$expand`` or a set decides what that costs: all
such statements, and what Python does between them, take ``MAX_STATEMENT_TIME`` together. It *writes*
otherwise: each statement takes as long at most, and all waiting for locks ``MAX_LOCK_WAIT`` together,
whatever the number of attempts and of entities. Reads by key and plain pages are neither.

``request`` opens the watch and closes it; outside it, in the commands of an administrator for one, there
is no limit. What enforces it in the databases are ``guards``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from time import monotonic
from typing import Any

from django.db import DatabaseError, connections, transaction

from fourd_rest.conf import current
from fourd_rest.errors import TAKES_TOO_LONG, RestError, logger

from .guards import NOTICED, Execute, Guard, guard

# Seconds that a statement of a write has beyond waiting, so that waiting is told as such.
_AFTER_WAITING = 0.5

_CANCELLED = "57014"  # PostgreSQL
_EXCEEDED = {1969, 3024}  # MariaDB, MySQL


class Watch:
    """What one request has spent. Times are in seconds."""

    def __init__(self) -> None:
        self.time = self.patience = math.inf
        self.waited = 0.0
        self.is_reading = False
        self._left = 0.0  # for reading
        self._ends = math.inf  # of what is being read
        self._guards: list[Guard] | None = None

    def statement_time(self) -> float:
        """Seconds that the next statement may take, a thousandth at least."""
        if not self.is_reading:
            return max(self.time, self.lock_time() + _AFTER_WAITING)
        return max(0.001, self._ends - monotonic())

    def lock_time(self, own: float = math.inf) -> float:
        """Seconds that the next statement may wait for a lock; ``own``: as long as the session does."""
        return max(0.0, min(self.patience, own) - self.waited)

    def timed(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        begin = monotonic()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spend(monotonic() - begin)

    def spend(self, seconds: float) -> None:
        """What is noticed of the time of a write's statement counts as waiting."""
        if seconds > NOTICED and not self.is_reading:
            self.waited += seconds

    def guard(self) -> None:
        """Set guards on the connections of this thread, once."""
        if self._guards is not None:
            return
        settings = current()
        self.time = self._left = settings.MAX_STATEMENT_TIME
        self.patience = settings.MAX_LOCK_WAIT
        self._guards = [guard(self, connections[alias]) for alias in connections]
        for each in self._guards:
            each.connection.execute_wrappers.append(each)

    def release(self) -> None:
        for each in self._guards or ():
            # Code of the site's may have put others in their place.
            wrappers = each.connection.execute_wrappers
            wrappers[:] = [wrapper for wrapper in wrappers if wrapper is not each]
            try:
                each.release()
            except DatabaseError:
                logger.warning("A connection is lost", exc_info=True)  # with what was set on it

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self.is_reading:
            yield
            return
        begin = monotonic()
        self._ends, self.is_reading = begin + self._left, True
        try:
            yield
        finally:
            self._ends, self.is_reading = math.inf, False
            self._left -= monotonic() - begin

    def check_time(self) -> None:
        """Raises ``RestError`` 9026 if what is being read takes too long."""
        if self.is_reading and monotonic() > self._ends:
            raise overdue()

    def check(self) -> None:
        """``check_time`` between rows that come bit by bit."""
        self.check_time()
        for each in self._guards or ():
            each.renew()


_watch: ContextVar[Watch | None] = ContextVar("fourd_rest_watch", default=None)


class request:
    """One request, for ``with``. Costs next to nothing where it neither reads nor writes."""

    __slots__ = ("_token", "_watch")

    def __enter__(self) -> None:
        self._watch = Watch()
        self._token = _watch.set(self._watch)

    def __exit__(self, *exc: object) -> None:
        _watch.reset(self._token)
        self._watch.release()


_PLAIN = nullcontext()


def reading(*, when: bool = True) -> AbstractContextManager[None]:
    """What the client's words decide the cost of; with ``when`` false it is a plain read."""
    watch = _watch.get()
    if watch is None or not when:
        return _PLAIN
    watch.guard()
    return watch.reading()


def writing() -> None:
    """From here on the request writes."""
    watch = _watch.get()
    if watch is not None:
        watch.guard()


@contextmanager
def streaming(alias: str) -> Iterator[None]:
    """Rows are fetched within by ``iterator()``, a few at a time.

    Outside a transaction PostgreSQL would make them all at its end, where no time-out counts.
    """
    connection = connections[alias]
    if _watch.get() is None or connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with transaction.atomic(using=alias):
        yield


def check() -> None:
    """For Python's own loops. Raises ``RestError`` 9026 if what is being read takes too long."""
    watch = _watch.get()
    if watch is not None:
        watch.check()


class Patience:
    """The waiting of several attempts at one thing."""

    def __init__(self) -> None:
        self._watch = _watch.get() or Watch()
        self._begin = monotonic()
        self._before = self._watch.waited

    @property
    def is_over(self) -> bool:
        """Whether there is none left, to be asked after an attempt that failed for want of a lock."""
        watch = self._watch
        # Some waiting, as that of a commit, is no statement's.
        watch.waited = max(watch.waited, self._before + monotonic() - self._begin)
        return watch.lock_time() <= 0


def overdue() -> RestError:
    return RestError(TAKES_TOO_LONG())


def is_overdue(error: BaseException) -> bool:
    """Whether the database has ended a statement because of its time."""
    if not isinstance(error, DatabaseError):
        return False
    return (
        sql_state(error) == _CANCELLED
        or (bool(error.args) and error.args[0] in _EXCEEDED)
        or str(error) == "interrupted"
    )


def sql_state(error: BaseException) -> str | None:
    """PostgreSQL's code of what went wrong, by either driver."""
    cause = error.__cause__
    state: str | None = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state
