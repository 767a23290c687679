"""Reads of a request that writes, on sites whose router sends reads to a replica.

What a write validates, compares and answers must be what is stored now, with what the request itself has
stored. That holds for all code that reads: ours, Django's (``ForeignKey.validate``, ``validate_unique``)
and the site's (``clean``, receivers, getters).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models, router

from fourd_rest.dataclass import registry

_is_writing: ContextVar[bool] = ContextVar("fourd_rest_is_writing", default=False)


class _Primary:
    """A router before those of the site; it decides during a write only.

    Only models that requests write are read where they are written: other tables may be on a database
    that cannot be written, which only the router of the site knows.
    """

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        if not _is_writing.get() or not _is_written(model):
            return None
        return router.db_for_write(model, **hints)


_PRIMARY = _Primary()


def _is_written(model: type[models.Model]) -> bool:
    """Whether a dataclass has rows of ``model``: it, a parent or child, or the table between two."""
    if registry.for_model(model) is not None:
        return True
    owner: Any = model._meta.auto_created
    near = owner if isinstance(owner, type) else model
    return any(issubclass(near, own) or issubclass(own, near) for own in (d.model for d in registry))


@contextmanager
def reads_of_a_write() -> Iterator[None]:
    """A context in which rows of dataclasses are read from the database that is written."""
    if not router.routers:
        yield  # without routers, both are one database
        return
    if _PRIMARY not in router.routers:
        router.routers.insert(0, _PRIMARY)
    token = _is_writing.set(True)
    try:
        yield
    finally:
        _is_writing.reset(token)
