"""What a request to ``$upload`` says about its file, before the first byte (D-14, D-15)."""

from __future__ import annotations

from email.message import Message

from fourd_rest import signals
from fourd_rest.conf import current
from fourd_rest.dataclass import registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import NO_PERMISSION_UPDATE, RestError
from fourd_rest.models import UploadedBlob
from fourd_rest.request.files import FileRequest
from fourd_rest.request.keywords import UPLOAD_PATH

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
    raise RestError(NO_PERMISSION_UPDATE(dataclass=UPLOAD_PATH))


def receive(caller: Caller, asked: FileRequest, body: Body) -> UploadedBlob:
    """Take ``body`` as the upload that ``asked`` announces; the headers are looked at too.

    Raises ``RestError`` as ``blobs.receive`` does.
    """
    request, settings = caller.request, current()
    announced = Announced(
        picture=asked.is_picture,
        timeout=min(asked.timeout or settings.UPLOAD_TIMEOUT, settings.MAX_UPLOAD_TIMEOUT),
        declared_type=_printable(request.headers.get("Content-Type", "").partition(";")[0].strip()),
        file_name=_file_name(request.headers.get("Content-Disposition", "")),
    )
    blob = blobs.receive(caller, body, announced)
    signals.now(signals.upload_received, caller, UploadedBlob, blob=blob)
    return blob


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
