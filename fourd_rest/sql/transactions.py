"""Short write transactions that begin with a write, and the retry where a database gives up.

If a transaction reads first, SQLite refuses its later write at once («database is locked») instead of
waiting. So the lock is taken first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.core.files.storage import Storage
from django.db import OperationalError, connections, transaction

from fourd_rest.errors import DATABASE_BUSY, RestError
from fourd_rest.models import EntityStamp

from . import limits
from .database_errors import has_waited, is_busy, is_overdue

T = TypeVar("T")

ATTEMPTS = 4  # one and at most three more
RETRY_AFTER = 1  # seconds


@contextmanager
def write_transaction(alias: str) -> Iterator[None]:
    """A transaction on ``alias`` that holds the write lock from its first statement.

    Within a request its statements and its waiting are limited (``limits``).
    """
    limits.writing()
    with transaction.atomic(using=alias):
        if _begins_with_a_read(alias):
            # Changes no row: identifiers are positive.
            EntityStamp.objects.using(alias).filter(pk=-1).update(stamp=0)
        yield


def delete_after_commit(files: Iterable[tuple[Storage, str]], alias: str) -> None:
    """Delete ``files`` once the transaction is committed; a storage that fails is logged."""
    for storage, name in files:

        def delete(storage: Storage = storage, name: str = name) -> None:
            storage.delete(name)

        transaction.on_commit(delete, using=alias, robust=True)


def _begins_with_a_read(alias: str) -> bool:
    """Whether a transaction of this SQLite database waits for its first write to take the lock."""
    connection = connections[alias]
    if connection.vendor != "sqlite":
        return False
    # With IMMEDIATE, BEGIN takes the lock; the UPDATE of no row would cost 180 µs of a write's 2 ms.
    return getattr(connection, "transaction_mode", None) not in ("IMMEDIATE", "EXCLUSIVE")


def busy() -> RestError:
    """Error 9010 (503): the database is busy. Retry after 1 second."""
    return RestError(DATABASE_BUSY(), retry_after=RETRY_AFTER)


def given_up(error: BaseException) -> RestError | None:
    """The error for the client where the database has given up; None for any other exception.

    9010 for a lock that cannot be had, 9026 for what takes too long.
    """
    if is_busy(error):
        return busy()
    return limits.overdue() if is_overdue(error) else None


def with_retry(alias: str, action: Callable[[], T]) -> T:
    """What ``action()`` returns, called again while the database gives it back (D-60).

    ``action`` opens its own transaction on ``alias`` and is called at most ``ATTEMPTS`` times: after
    deadlocks, serialization failures and locks that cannot be had. The next attempt follows at once:
    the waiting is done by the database, within an attempt. There is none after an attempt that has
    waited for a lock as long as it may, none once the request's time for waiting is over
    (``limits.Patience``), and none within a transaction that somebody else has opened.

    Raises ``RestError`` 9010 (503 with ``Retry-After``) when there is no further attempt, 9026 for a
    statement that takes too long, and whatever else ``action`` raises.
    """
    patience = limits.Patience()
    left = ATTEMPTS
    while True:
        try:
            return action()
        except OperationalError as error:
            if is_overdue(error):
                raise limits.overdue() from error
            if not is_busy(error):
                raise
            left -= 1
            is_over = not left or has_waited(error) or patience.is_over
            # Within somebody else's transaction only that one could begin again.
            if is_over or connections[alias].in_atomic_block:
                raise busy() from error
