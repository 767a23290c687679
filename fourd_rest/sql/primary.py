"""Reads of a request that writes, on sites whose router sends reads to a replica.

What is validated, compared and answered there must be what is stored now, and what the request itself
has stored a moment ago, be it our code that reads or Django's: ``ForeignKey.validate``,
``validate_unique`` and the site's own ``clean``, receivers and getters.
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
    """Stands before the routers of the site, and says nothing outside of a write.

    Only models that requests write are read where they are written: of others the site may keep a copy
    that cannot be written at all, and its router alone knows where.
    """

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        if not _is_writing.get() or not _is_written(model):
            return None
        return router.db_for_write(model, **hints)


_PRIMARY = _Primary()


def _is_written(model: type[models.Model]) -> bool:
    """Whether a dataclass has rows of ``model``, be it a parent, a child, or between two of them."""
    if registry.for_model(model) is not None:
        return True
    owner: Any = model._meta.auto_created
    near = owner if isinstance(owner, type) else model
    return any(issubclass(near, own) or issubclass(own, near) for own in (d.model for d in registry))


@contextmanager
def reads_of_a_write() -> Iterator[None]:
    """Whoever reads what dataclasses hold, in here, reads where it is written."""
    if not router.routers:
        yield  # one database for both
        return
    if _PRIMARY not in router.routers:
        router.routers.insert(0, _PRIMARY)
    token = _is_writing.set(True)
    try:
        yield
    finally:
        _is_writing.reset(token)
