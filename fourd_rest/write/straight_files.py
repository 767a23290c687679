"""Writing bytes straight to an image or BLOB attribute, and emptying it (D-16).

The bytes become an upload first and go the way of any other; no stamp is asked for, and the stamp moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fourd_rest.dataclass import DataClass, permissions
from fourd_rest.dataclass.attributes import FileAttribute
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import ENTITY_NOT_LOADED, PERMISSION, READ_ONLY, WRONG_KEY, RestError
from fourd_rest.models import UploadedBlob
from fourd_rest.uploads import blobs

from . import gate
from .draft import Draft, Outcome
from .refusal import Refusal
from .strategies import each_alone
from .writer import Writer


def put(
    caller: Caller,
    dataclass: DataClass,
    key_text: str,
    attribute: FileAttribute,
    receive: Callable[[], UploadedBlob],
) -> Outcome:
    """Give ``attribute`` the file that ``receive`` takes from the request.

    Rights and the entity are looked at before a byte is read. Raises ``RestError``.
    """
    _require(caller, dataclass, key_text, attribute)
    blob = receive()
    try:
        return _save(caller, dataclass, key_text, {attribute.name: {"ID": blob.wire_id}})
    finally:
        blobs.expire(blob)


def clear(caller: Caller, dataclass: DataClass, key_text: str, attribute: FileAttribute) -> Outcome:
    """Empty ``attribute``."""
    _require(caller, dataclass, key_text, attribute)
    return _save(caller, dataclass, key_text, {attribute.name: None})


def _save(caller: Caller, dataclass: DataClass, key_text: str, posted: dict[str, Any]) -> Outcome:
    draft = Draft({"__KEY": key_text, **posted}, any_stamp=True)
    (outcome,) = Writer(caller, dataclass).write([draft], each_alone)
    return outcome


def _require(caller: Caller, dataclass: DataClass, key_text: str, attribute: FileAttribute) -> None:
    """Have the entity pass the gate as it is now. Raises ``RestError``."""
    allowed = permissions.may(caller, dataclass, Action.CHANGE)
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError as error:
        if not allowed:
            raise permissions.denied(caller, dataclass, Action.CHANGE) from error
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error
    alias = dataclass.write_alias()
    rows = dataclass.entities(caller.request).using(alias).order_by()
    instance = dataclass.with_key(rows, key).first()
    if instance is None and allowed:
        raise RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))
    if instance is None:
        raise permissions.denied(caller, dataclass, Action.CHANGE)
    try:
        gate.about_to_write(caller, dataclass, instance, Action.CHANGE, alias=alias)
    except Refusal as refusal:
        if refusal.status == PERMISSION:
            raise permissions.denied(caller, dataclass, Action.CHANGE) from refusal
        raise RestError(*refusal.items) from refusal
    if attribute.read_only:
        raise RestError(READ_ONLY(attribute=attribute.name, dataclass=dataclass.name))
