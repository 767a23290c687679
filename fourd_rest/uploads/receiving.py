"""What a request to ``$upload`` says about its file, before the first byte (D-14, D-15)."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message

from fourd_rest import signals
from fourd_rest.conf import current
from fourd_rest.dataclass import registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import BAD_URL, NO_PERMISSION_UPDATE, RestError
from fourd_rest.models import UploadedBlob
from fourd_rest.request.address import Address

from . import blobs
from .blobs import Announced
from .body_file import Body


def check_permission(caller: Caller) -> None:
    """Uploads are for whoever may give a file to some entity; anyone else gets 401."""
    with_files = [dataclass for dataclass in registry if dataclass.file_attributes]
    # Rights on dataclasses cost nothing to ask for, those on single entities do.
    with_files.sort(key=lambda dataclass: dataclass.grants_by_rows)
    if any(dataclass.has_upload_permission(caller.request) for dataclass in with_files):
        return
    raise RestError(NO_PERMISSION_UPDATE(dataclass="$upload"))


def receive(
    caller: Caller, address: Address, open_body: Callable[[], Body], *, picture: bool | None = None
) -> UploadedBlob:
    """Take the body of the request as an upload, once its address is read.

    ``picture`` says whether it must be one; by default the address does. Raises ``RestError`` as
    ``blobs.receive`` does, and 1806.
    """
    request = caller.request
    announced = Announced(
        picture=_is_picture(address) if picture is None else picture,
        timeout=_timeout(address),
        declared_type=_printable(request.headers.get("Content-Type", "").partition(";")[0].strip()),
        file_name=_file_name(request.headers.get("Content-Disposition", "")),
    )
    blob = blobs.receive(caller, open_body(), announced)
    signals.now(signals.upload_received, caller, UploadedBlob, blob=blob)
    return blob


def _is_picture(address: Address) -> bool:
    """``$rawPict`` is ``true`` or a MIME type; without it, any file (D-15)."""
    return address.params.get("$rawpict", "false").lower() not in ("", "false", "0")


def _timeout(address: Address) -> int:
    """Seconds that the upload lives: what the client asks for, within the settings."""
    settings = current()
    asked = address.integer("$timeout")
    if asked is None:
        asked = settings.UPLOAD_TIMEOUT
    if asked <= 0:
        raise RestError(BAD_URL(reason="$timeout must be above 0"))
    return min(asked, settings.MAX_UPLOAD_TIMEOUT)


def _file_name(disposition: str) -> str:
    """The client's name for the file, for administrators to read; it never becomes a path."""
    if not disposition:
        return ""
    try:
        message = Message()
        message["Content-Disposition"] = _as_sent(disposition)
        name = str(message.get_filename(""))
    except Exception:
        # Charsets that do not exist or are no charsets, numbers of a thousand digits: whatever a header
        # is, at worst there is no name.
        return ""
    return _printable(name.replace("\\", "/").rpartition("/")[2])


def _as_sent(header: str) -> str:
    """``header`` in UTF-8, which clients write into it as it is and servers hand over as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
