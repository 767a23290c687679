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
from fourd_rest.errors import ENTITY_NOT_LOADED, READ_ONLY, WRONG_KEY, RestError
from fourd_rest.models import UploadedBlob
from fourd_rest.uploads import blobs

from .draft import Outcome
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
    writer = Writer(caller, dataclass)
    return writer.save_unconditionally({"__KEY": key_text, **posted})


def _require(caller: Caller, dataclass: DataClass, key_text: str, attribute: FileAttribute) -> None:
    allowed = permissions.may(caller, dataclass, Action.CHANGE)
    try:
        key = dataclass.key_from_wire(key_text)
    except ValueError as error:
        if not allowed:
            raise permissions.denied(caller, dataclass, Action.CHANGE) from error
        raise RestError(WRONG_KEY(dataclass=dataclass.name)) from error
    rows = dataclass.entities(caller.request).using(dataclass.write_alias()).order_by()
    instance = dataclass.with_key(rows, key).first()
    if instance is None and allowed:
        raise RestError(ENTITY_NOT_LOADED(key=key_text, dataclass=dataclass.name))
    permissions.check_entity(caller, dataclass, Action.CHANGE, instance)
    if attribute.read_only:
        raise RestError(READ_ONLY(attribute=attribute.name, dataclass=dataclass.name))
