"""Permissions, checked before the answer says whether something exists (D-21).

Who holds no right on a dataclass gets the answer that an unknown dataclass gets; who holds some right,
but not the one in question, gets a 401 that names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from django.db import models

from fourd_rest.errors import (
    DATACLASS_NOT_FOUND,
    NO_PERMISSION_CREATE,
    NO_PERMISSION_DELETE,
    NO_PERMISSION_READ,
    NO_PERMISSION_UPDATE,
    ErrorRow,
    RestError,
)

from .caller import Caller
from .options import DataClass
from .registry import registry


class Action(Enum):
    """What is to be done, with the error if the caller may not."""

    VIEW = NO_PERMISSION_READ
    ADD = NO_PERMISSION_CREATE
    CHANGE = NO_PERMISSION_UPDATE
    DELETE = NO_PERMISSION_DELETE

    @property
    def row(self) -> ErrorRow:
        """The error for whoever does not hold the right; it names the dataclass."""
        return self.value


def may(caller: Caller, dataclass: DataClass, action: Action, obj: models.Model | None = None) -> bool:
    """Whether ``caller`` holds the right on ``obj``, or on the dataclass itself.

    The latter is asked once in a request.
    """
    if action is Action.ADD:
        return caller.holds(dataclass, action, dataclass.has_add_permission)
    if action is Action.VIEW and obj is None:
        return caller.views(dataclass)
    ask = {
        Action.VIEW: dataclass.has_view_permission,
        Action.CHANGE: dataclass.has_change_permission,
        Action.DELETE: dataclass.has_delete_permission,
    }[action]
    return caller.holds(dataclass, action, ask) if obj is None else ask(caller.request, obj)


def shows_all(caller: Caller, dataclass: DataClass) -> bool:
    """Whether ``caller`` may see every entity in an answer to a write (D-55).

    If not, ask ``shows`` for each entity.
    """
    return not dataclass.view_depends_on_entity and caller.views_all(dataclass)


def shows(caller: Caller, dataclass: DataClass, obj: models.Model, alias: str) -> bool:
    """Whether ``obj`` may be shown to ``caller``; ``alias`` is the database that is written."""
    if dataclass.has_view_permission(caller.request, obj):
        return True
    granted = None if dataclass.view_depends_on_entity else dataclass.granted(caller.request)
    return granted is not None and dataclass.with_key(granted.using(alias), obj.pk).exists()


def find(caller: Caller, name: str, action: Action, *, of_entity: bool = False) -> DataClass:
    """The dataclass ``name``, as far as ``caller`` may know of it.

    ``of_entity``: one entity is asked for, on which alone the right may be held; ``check_entity``
    decides then. Raises ``RestError`` 1800 (404), or 1557-1560 (401) for a guest without any right.
    """
    if is_powerless_guest(caller):
        raise RestError(action.row(dataclass=name))
    dataclass = registry.get(name)
    if dataclass is None:
        raise unknown(name)
    if not of_entity and not caller.knows(dataclass):
        raise unknown(name)
    return dataclass


def check(caller: Caller, dataclass: DataClass, action: Action) -> None:
    """Raise 401 unless ``caller`` holds the right on every entity of the dataclass."""
    if not may(caller, dataclass, action):
        raise RestError(action.row(dataclass=dataclass.name))


def check_entity(caller: Caller, dataclass: DataClass, action: Action, obj: models.Model | None) -> None:
    """Raise unless ``caller`` holds the right on ``obj``; on None, the unknown entity, he holds none."""
    if obj is not None and may(caller, dataclass, action, obj):
        return
    raise denied(caller, dataclass, action)


def denied(caller: Caller, dataclass: DataClass, action: Action) -> RestError:
    """The refusal of ``action``: 1557-1560 (401).

    For who may not know of ``dataclass`` at all, 1800 (404).
    """
    if caller.knows(dataclass):
        return RestError(action.row(dataclass=dataclass.name))
    return unknown(dataclass.name)


def require_described(caller: Caller, dataclass: DataClass) -> None:
    """Raise 1800 for who may not know of the dataclass."""
    if not caller.knows(dataclass):
        raise unknown(dataclass.name)


@contextmanager
def undisclosed(caller: Caller, dataclass: DataClass) -> Iterator[None]:
    """Errors raised within become 1800 for a caller who may not know of ``dataclass``.

    For code that looks at a request before it is known on which entity the caller might hold a right.
    """
    try:
        yield
    except RestError as error:
        if caller.knows(dataclass):
            raise
        raise unknown(dataclass.name) from error


def unknown(name: str) -> RestError:
    """1800 (404): to the caller there is no dataclass ``name``."""
    return RestError(DATACLASS_NOT_FOUND(dataclass=name))


def is_powerless_guest(caller: Caller) -> bool:
    """Whether nobody is logged in and guests may do nothing."""
    if caller.request.user.is_authenticated:
        return False
    return not any(map(caller.knows, registry))
