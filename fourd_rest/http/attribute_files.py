"""The file of an attribute as an answer: its bytes, type, name, and pictures in other formats."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from fourd_rest.conf import current
from fourd_rest.dataclass import File
from fourd_rest.errors import FILE_MISSING, NOT_A_PICTURE, STORAGE_FAILED, RestError
from fourd_rest.pictures import conversions, file_types, recoder
from fourd_rest.pictures.conversions import Source, Wanted
from fourd_rest.request.files import PICTURE_FORMATS, FileRequest
from fourd_rest.storage import Content, look_up, upload_storage
from fourd_rest.uploads.stored_file import StoredFile

from .files import file_answer, not_modified

OCTETS = "application/octet-stream"
# Formats that some browsers do not show, and formats that all browsers show, the best first.
_NOT_EVERYWHERE = frozenset({"AVIF", "BMP", "TIFF"})
_EVERYWHERE = ["image/webp", "image/png", "image/jpeg"]
_SERVER_MADE = re.compile(r"[0-9a-f]{32}")


def answer(
    request: HttpRequest,
    stored: StoredFile,
    asked: FileRequest,
    before_converting: Callable[[], None],
) -> HttpResponseBase:
    """The bytes of ``stored``, an image as it is ``asked`` for; never enlarged.

    An empty attribute, or an image that cannot be had so, is an empty answer (``requests.md`` 6.2).
    Raises ``RestError``: 1824 for a format that is not to be had here, 9017 (404) for a file that is
    gone, and what ``conversions.obtain`` raises.
    """
    is_image = stored.attribute.file is File.IMAGE
    wanted, box = asked.image_format, asked.box
    if wanted is not None and wanted not in recoder.TARGETS:
        raise RestError(NOT_A_PICTURE())
    if not stored.name and not stored.content:
        return _empty()
    content = _look_up(stored)
    content_type = _type_of(stored, content)
    as_stored = content_type.removeprefix("image/").upper()
    response = None
    if is_image:
        target = wanted or _best(request, as_stored, box)
        if target != as_stored or box is not None:
            response = _converted(
                request, stored, content, as_stored, Wanted(target, box), before_converting
            )
            if response is None and (wanted or box):
                response = _empty()
    if response is None:
        response = file_answer(
            request,
            open_file=lambda: _open(content.open),
            size=content.size,
            etag=_etag(stored, content),
            content_type=content_type,
            filename=_file_name(stored, content_type),
            inline=is_image,
        )
    if is_image and wanted is None and as_stored in _NOT_EVERYWHERE:
        patch_vary_headers(response, ["Accept"])
    return response


def _empty() -> HttpResponseBase:
    return HttpResponse(
        content_type=OCTETS, headers={"Content-Length": "0", "Cache-Control": "no-store"}
    )


def _best(request: HttpRequest, as_stored: str, box: tuple[int, int] | None) -> str:
    """The format for a client that leaves the choice to the server.

    As it is stored, but for a client whose ``Accept`` names image types and not that one. ``image/*``
    and ``*/*``, which every browser sends, name none.
    """
    if as_stored in _NOT_EVERYWHERE:
        named = {str(accepted).partition(";")[0] for accepted in request.accepted_types}
        named = {name for name in named if name.startswith("image/") and name != "image/*"}
        preferred = request.get_preferred_type(_EVERYWHERE)
        if named and f"image/{as_stored.lower()}" not in named and preferred:
            return PICTURE_FORMATS[preferred.removeprefix("image/")]
    return as_stored if box is None or as_stored in recoder.TARGETS else "PNG"


# The stored file.


def _look_up(stored: StoredFile) -> Content:
    if stored.attribute.holds_bytes:
        data = stored.content
        return Content(len(data), str, lambda: io.BytesIO(data), lambda: io.BytesIO(data))
    field: Any = stored.attribute.field
    try:
        return look_up(field.storage, stored.name)
    except FileNotFoundError as error:
        raise RestError(FILE_MISSING()) from error


def _open(open_file: Callable[[], BinaryIO]) -> BinaryIO:
    try:
        return open_file()
    except FileNotFoundError as error:
        raise RestError(FILE_MISSING()) from error


def _type_of(stored: StoredFile, content: Content) -> str:
    """The MIME type by the first bytes, or by the extension where it was made from those."""
    known = None
    if _is_server_made(stored):
        known = file_types.TYPES.get(PurePosixPath(stored.name).suffix)
    if known is None:
        with _open(content.open) as file:
            known = file_types.detect(file.read(file_types.HEAD_SIZE))[0]
    if stored.attribute.file is File.IMAGE and not known.startswith("image/"):
        return OCTETS
    # The charset of a text is unknown, and only its beginning was looked at.
    return OCTETS if known == "text/plain" else known


def _is_server_made(stored: StoredFile) -> bool:
    return _SERVER_MADE.match(PurePosixPath(stored.name).stem) is not None


def _etag(stored: StoredFile, content: Content) -> str:
    """Changes whenever the stored bytes do (D-54), as far as the storage tells; opens no file.

    Every file gets a new name in its storage, the stamp moves when it is replaced, and size and time
    change when it is overwritten.
    """
    if stored.attribute.holds_bytes:
        return hashlib.sha256(stored.content).hexdigest()[:32]
    model = stored.attribute.field.model._meta.label
    identity = "\n".join(
        (model, stored.key, stored.attribute.name, stored.name, str(stored.stamp), _version(content))
    )
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]


def _version(content: Content, or_else: str = "") -> str:
    """Size and time of the stored object; ``or_else`` where the storage does not tell the time."""
    try:
        return f"{content.size} {content.version() or or_else}"
    except FileNotFoundError as error:
        raise RestError(FILE_MISSING()) from error


def _file_name(stored: StoredFile, content_type: str, *, converted: bool = False) -> str:
    """The name to save the file under: its own, or one that says what it is if a server made it."""
    path = PurePosixPath(stored.name)
    extension = file_types.EXTENSIONS.get(content_type, ".bin")
    if path.suffix and not converted:
        extension = path.suffix
    if not stored.name or _is_server_made(stored):
        return f"{stored.attribute.name}-{stored.key}{extension}"
    return path.stem + extension if converted else path.name


def _converted(
    request: HttpRequest,
    stored: StoredFile,
    content: Content,
    as_stored: str,
    wanted: Wanted,
    before_converting: Callable[[], None],
) -> HttpResponseBase | None:
    """The picture in another format or size, None if it cannot be made."""
    if as_stored not in current().PICTURE_FORMATS:
        return None
    field = stored.attribute.field
    source = Source(
        model=field.model._meta.label_lower,
        field=field.name,
        name=stored.name,
        version=_version(content, or_else=str(stored.stamp)),
        download=lambda: _open(content.download),
    )
    etag = conversions.slot_of(source, wanted)[:32]
    if (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    content_type = f"image/{wanted.format.lower()}"
    for _ in range(2):
        row = conversions.obtain(source, wanted, before_converting)
        if row is None:
            return None
        try:
            made = look_up(upload_storage(), row.name)
        except FileNotFoundError:
            # The file was deleted from the storage: make it once more.
            conversions.forget(row)
            continue
        return file_answer(
            request,
            open_file=made.open,
            size=made.size,
            etag=etag,
            content_type=content_type,
            filename=_file_name(stored, content_type, converted=True),
            inline=True,
        )
    raise RestError(STORAGE_FAILED())
