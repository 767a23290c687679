"""How long one request may compute and wait (D-59, D-60).

A request *reads* where a filter, an order, an aggregate, ``$expand`` or an entity set decides the cost:
all such statements, with what Python does between them, may take ``MAX_STATEMENT_TIME`` together. In a
request that *writes* each statement may take ``MAX_STATEMENT_TIME``, and all waiting for locks
``MAX_LOCK_WAIT`` together, for any number of attempts and of entities. Reads by key and plain pages are
not limited.

``RequestLimits`` opens the watch and closes it. Outside it, as in commands of ``manage.py``, nothing is
limited. ``guards`` make the databases keep the limits.
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
    """A watch whose limits the databases enforce, from the first call of ``guard`` on."""

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
            # Code of the site may have changed the list.
            wrappers = each.connection.execute_wrappers
            wrappers[:] = [wrapper for wrapper in wrappers if wrapper is not each]
            try:
                each.release()
            except DatabaseError:
                logger.warning("A connection is lost", exc_info=True)  # with what was set on it

    def check(self) -> None:
        """``check_time``, and ``renew`` the guards, between rows that are fetched in batches."""
        self.check_time()
        for each in self._guards or ():
            each.renew()


_watch: ContextVar[_GuardedWatch | None] = ContextVar("fourd_rest_watch", default=None)


class RequestLimits:
    """The limits of one request, for ``with``. Costs next to nothing where nothing is limited."""

    __slots__ = ("_token", "_watch")

    def __enter__(self) -> None:
        self._watch = _GuardedWatch()
        self._token = _watch.set(self._watch)

    def __exit__(self, *exc: object) -> None:
        _watch.reset(self._token)
        self._watch.release()


_PLAIN = nullcontext()


def reading(*, when: bool = True) -> AbstractContextManager[None]:
    """A context in which the client decides the cost of reading; no effect unless ``when``."""
    watch = _watch.get()
    if watch is None or not when:
        return _PLAIN
    watch.guard()
    return watch.reading()


def writing() -> None:
    """From here on the request writes: limit its statements and its waiting."""
    watch = _watch.get()
    if watch is not None:
        watch.guard()


@contextmanager
def streaming(alias: str) -> Iterator[None]:
    """A context in which rows are fetched by ``iterator()``, some at a time.

    Without a transaction PostgreSQL would compute all rows when the cursor is closed, with no time-out.
    """
    connection = connections[alias]
    if _watch.get() is None or connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with transaction.atomic(using=alias):
        yield


def check() -> None:
    """Raise ``RestError`` 9026 if what is being read takes too long; for loops in Python."""
    watch = _watch.get()
    if watch is not None:
        watch.check()


class Patience:
    """How long several attempts at one action have waited together."""

    def __init__(self) -> None:
        self._watch = _watch.get() or Watch()
        self._begin = monotonic()
        self._before = self._watch.waited

    @property
    def is_over(self) -> bool:
        """Whether ``MAX_LOCK_WAIT`` is used up; asked after an attempt that did not get a lock."""
        watch = self._watch
        # Not all waiting is that of a statement: a commit waits too.
        watch.waited = max(watch.waited, self._before + monotonic() - self._begin)
        return watch.lock_time() <= 0


__all__ = ["Patience", "check", "overdue", "reading", "RequestLimits", "streaming", "writing"]
