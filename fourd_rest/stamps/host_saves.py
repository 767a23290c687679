"""Receivers must not break the site's own saves: their faults and missing tables are logged."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    connections,
    models,
    router,
    transaction,
)

from fourd_rest.errors import logger
from fourd_rest.models import EntityStamp

T = TypeVar("T")

# Aliases whose tables of ours have answered.
_equipped: set[str] = set()
# What was logged already.
_told: set[tuple[Any, ...]] = set()


def tolerant(receiver: Callable[..., None]) -> Callable[..., None]:
    """``receiver``, whose own faults are logged, once for each sender, and break no save.

    Errors of the database are raised: PostgreSQL ends the transaction with them, and a row must not
    change if its stamp cannot.
    """

    @wraps(receiver)
    def receive(sender: Any = None, **kwargs: Any) -> None:
        try:
            receiver(sender, **kwargs)
        except DatabaseError:
            raise
        except Exception as error:
            if _is_new(receiver.__name__, sender, type(error)):
                logger.exception("A signal of %s cannot be heard", _label(sender))

    return receive


def alias_of(instance: models.Model, using: Any) -> str:
    """The database of a save: what the signal tells, else where Django would save."""
    if isinstance(using, str) and using in connections:
        return using
    return instance._state.db or router.db_for_write(type(instance), instance=instance)


def in_our_tables(alias: str, action: Callable[[], T]) -> T | None:
    """``action()``, which needs the tables of this app; nothing where ``alias`` lacks them.

    It is logged once that no stamps move there (check E017).
    """
    if alias in _equipped:
        return action()
    if not router.allow_migrate_model(alias, EntityStamp):
        _tell_lacking(alias)
        return None
    try:
        # Until the tables have answered once, their absence must not end the site's transaction.
        if connections[alias].in_atomic_block:
            with transaction.atomic(using=alias):
                result = action()
        else:
            result = action()
    except (OperationalError, ProgrammingError):
        if EntityStamp._meta.db_table in connections[alias].introspection.table_names():
            raise
        _tell_lacking(alias)
        return None
    _equipped.add(alias)
    return result


def has_our_tables(alias: str) -> bool:
    """Whether ``in_our_tables`` has found the tables of this app on ``alias``."""
    return alias in _equipped


def _tell_lacking(alias: str) -> None:
    if _is_new(alias):
        logger.warning("The database %r lacks the tables of fourd_rest: no stamps move there", alias)


def _is_new(*what: Any) -> bool:
    if what in _told:
        return False
    _told.add(what)
    return True


def _label(sender: Any) -> str:
    return sender._meta.label if hasattr(sender, "_meta") else repr(sender)
