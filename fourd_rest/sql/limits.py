"""How long one request may compute and wait (D-59, D-60).

A request *reads* where a filter, an order, a figure, ``$expand`` or a set decides what that costs: all
such statements, and what Python does between them, take ``MAX_STATEMENT_TIME`` together. It *writes*
otherwise: each statement takes as long at most, and all waiting for locks ``MAX_LOCK_WAIT`` together,
whatever the number of attempts and of entities. Reads by key and plain pages are neither.

``request`` opens the watch and closes it; outside it, in the commands of an administrator for one, there
is no limit. What enforces it in the databases are ``guards``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from time import monotonic

from django.db import DatabaseError, connections, transaction

from fourd_rest.conf import current
from fourd_rest.errors import logger

from .guards import Guard, guard
from .watch import Watch, overdue


class _GuardedWatch(Watch):
    """A watch that the databases obey, as soon as something is to be limited."""

    def __init__(self) -> None:
        super().__init__()
        self._guards: list[Guard] | None = None

    def guard(self) -> None:
        """Set guards on the connections of this thread, once."""
        if self._guards is not None:
            return
        settings = current()
        self.start(settings.MAX_STATEMENT_TIME, settings.MAX_LOCK_WAIT)
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

    def check(self) -> None:
        """``check_time`` between rows that come bit by bit."""
        self.check_time()
        for each in self._guards or ():
            each.renew()


_watch: ContextVar[_GuardedWatch | None] = ContextVar("fourd_rest_watch", default=None)


class request:
    """One request, for ``with``. Costs next to nothing where it neither reads nor writes."""

    __slots__ = ("_token", "_watch")

    def __enter__(self) -> None:
        self._watch = _GuardedWatch()
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


__all__ = ["Patience", "check", "overdue", "reading", "request", "streaming", "writing"]
