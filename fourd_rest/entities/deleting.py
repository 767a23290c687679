"""Deleting entities (``requests.md`` 6.3, ``responses.md`` 6.6)."""

from __future__ import annotations

from typing import cast

from django.db import IntegrityError, OperationalError, models
from django.db.models.deletion import ProtectedError, RestrictedError

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import ENTITY_NOT_DELETED, ENTITY_NOT_LOADED, WRONG_KEY, RestError

from . import access
from .access import Action
from .transactions import busy, is_busy, with_retry, write_transaction


def delete(caller: Caller, dataclass: DataClass, key_text: str) -> None:
    """Delete one entity; no stamp is compared (``responses.md`` 6.6).

    Raises ``RestError``: 1543 (404) for an unknown key, 1518 if it cannot be deleted, 401.
    """
    alias = dataclass.write_alias()
    allowed = access.may(caller, dataclass, Action.DELETE)
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError as error:
        if not allowed:
            raise access.denied(caller, dataclass, Action.DELETE) from error
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error

    def remove() -> None:
        with write_transaction(alias):
            rows = dataclass.get_queryset(caller.request).using(alias).filter(pk=key).order_by()
            instance = rows.first()
            if instance is None and allowed:
                raise RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))
            access.check_entity(caller, dataclass, Action.DELETE, instance)
            try:
                dataclass.delete_model(caller.request, cast("models.Model", instance))
            except (ProtectedError, RestrictedError) as error:
                raise _not_deleted(dataclass, key_text) from error

    try:
        with_retry(alias, remove)
    except IntegrityError as error:
        raise _not_deleted(dataclass, key_text) from error
    except OperationalError as error:
        if is_busy(error):
            raise busy() from error
        raise


def _not_deleted(dataclass: DataClass, key_text: str) -> RestError:
    return RestError(ENTITY_NOT_DELETED(key=key_text, dataclass=dataclass.name))
