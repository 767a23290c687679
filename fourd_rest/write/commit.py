"""Transactions of a write: what an error means depends on whether it came before the commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.transaction import on_commit

from fourd_rest.sql.transactions import write_transaction

from .context import Context


@contextmanager
def transaction(context: Context) -> Iterator[None]:
    """A write transaction. Once it is committed nothing is an error any more.

    What the site's own hooks raise then is reported: to the client all is saved.
    """
    committed: list[bool] = []
    try:
        with write_transaction(context.alias):
            on_commit(lambda: committed.append(True), using=context.alias)
            yield
    except Exception as error:
        if not committed:
            raise
        context.bugs.report(error)
