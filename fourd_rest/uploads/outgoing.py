"""The file of an attribute as an answer: where its bytes are, what they are, how they may be shown."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from fourd_rest.dataclass import Attribute, File
from fourd_rest.errors import FILE_MISSING, NOT_A_PICTURE, RestError

from . import pictures
from .serving import file_answer

OCTETS = "application/octet-stream"
# What a client may ask for (``requests.md`` 6.2), as MIME types.
_ASKED = {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "tiff": "image/tiff",
    "tif": "image/tiff",
    "webp": "image/webp",
}
_RASTER_BY_EXTENSION = {
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
_SERVER_MADE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file of one attribute of one entity.

    ``name`` is its name in the field's storage, if it has one there; ``content`` holds the bytes that
    are kept in the row itself. Both empty: the attribute is.
    """

    attribute: Attribute
    key: str
    stamp: int
    name: str = ""
    content: bytes = b""


def answer(request: HttpRequest, stored: StoredFile, image_format: str) -> HttpResponseBase:
    """The bytes of ``stored``; for an image only if they are in ``image_format``.

    An empty attribute, or an image in another format, is an empty answer (``requests.md`` 6.2). Raises
    ``RestError``: 1824 for a format that does not exist, 9017 (404) for a file that is gone.
    """
    is_image = stored.attribute.file is File.IMAGE
    wanted = _wanted_type(image_format) if is_image else None
    if not stored.name and not stored.content:
        return _empty()
    content_type = _type_of(stored) if is_image else OCTETS
    if wanted is not None and wanted != content_type:
        return _empty()
    return file_answer(
        request,
        open_file=lambda: _open(stored),
        size=_size(stored),
        etag=_etag(stored),
        content_type=content_type,
        filename=_file_name(stored, content_type),
        inline=is_image,
    )


def _empty() -> HttpResponse:
    return HttpResponse(
        content_type=OCTETS, headers={"Content-Length": "0", "Cache-Control": "no-store"}
    )


def _wanted_type(image_format: str) -> str | None:
    """The MIME type that is asked for, None for whatever is stored."""
    name = image_format.lower().lstrip(".").removeprefix("image/")
    if name in ("", "best"):
        return None
    if name not in _ASKED:
        raise RestError(NOT_A_PICTURE())
    return _ASKED[name]


def _type_of(stored: StoredFile) -> str:
    extension = PurePosixPath(stored.name).suffix.lower()
    known = _RASTER_BY_EXTENSION.get(extension)
    if known is not None:
        return known
    with _open(stored) as file:
        return pictures.sniff(file.read(pictures.HEAD_SIZE)) or OCTETS


def _open(stored: StoredFile) -> BinaryIO:
    if stored.attribute.holds_bytes:
        return io.BytesIO(stored.content)
    try:
        file: BinaryIO = _storage(stored).open(stored.name, "rb")
    except Exception as error:
        raise _missing(error) from error
    return file


def _size(stored: StoredFile) -> int:
    if stored.attribute.holds_bytes:
        return len(stored.content)
    try:
        return int(_storage(stored).size(stored.name))
    except Exception as error:
        raise _missing(error) from error


def _storage(stored: StoredFile) -> Any:
    field: Any = stored.attribute.field
    return field.storage


def _missing(error: Exception) -> Exception:
    """404 for a file that is gone; storages do not agree on how to say so."""
    if isinstance(error, FileNotFoundError) or type(error).__name__ == "ResourceNotFoundError":
        return RestError(FILE_MISSING())
    return error


def _etag(stored: StoredFile) -> str:
    """Names in storages are made anew for every file, and the stamp moves when one is replaced."""
    if stored.attribute.holds_bytes:
        return hashlib.sha256(stored.content).hexdigest()[:32]
    model = stored.attribute.field.model._meta.label
    identity = "\n".join((model, stored.key, stored.attribute.name, stored.name, str(stored.stamp)))
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]


def _file_name(stored: StoredFile, content_type: str) -> str:
    """The name to save the file under: its own, or one that says what it is if a server made it."""
    path = PurePosixPath(stored.name)
    if stored.name and not _SERVER_MADE.match(path.stem):
        return path.name
    extension = path.suffix or (".bin" if content_type == OCTETS else "")
    return f"{stored.attribute.name}-{stored.key}{extension}"
