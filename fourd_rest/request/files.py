"""What a request asks about the bytes of a file, those it brings and those it wants (D-14, D-15)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fourd_rest.conf import current
from fourd_rest.errors import BAD_URL, NOT_A_PICTURE, RestError

from .address import Address
from .keywords import BINARY, IMAGE_FORMAT, RAW_PICT, SIZE, TIMEOUT

# What a client may ask for (``requests.md`` 6.2), by names of Pillow.
PICTURE_FORMATS = {
    "avif": "AVIF",
    "gif": "GIF",
    "jpeg": "JPEG",
    "jpg": "JPEG",
    "png": "PNG",
    "tif": "TIFF",
    "tiff": "TIFF",
    "webp": "WEBP",
}

_SIZE = re.compile(r"0*([1-9]\d{0,8})x0*([1-9]\d{0,8})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileRequest:
    """The bytes of an upload, or of an attribute, in or out.

    ``is_picture``: they are, or must be, a picture. An upload lives ``timeout`` seconds, None for the
    default. A picture is wanted as ``image_format``, a name of Pillow, None for the best one, and within
    ``box``, width and height in pixels, None for any size.
    """

    is_picture: bool
    timeout: int | None = None
    image_format: str | None = None
    box: tuple[int, int] | None = None

    @classmethod
    def of_upload(cls, address: Address, *, is_picture: bool | None = None) -> FileRequest:
        """What ``address`` says of the body. ``is_picture`` is None where the address tells that.

        Raises ``RestError`` 1806 for a time that is none.
        """
        params = address.params
        if is_picture is None:
            # ``true`` or a MIME type; without it, any file (D-15).
            is_picture = (RAW_PICT.of(params) or "").lower() not in ("", "false", "0")
        timeout = TIMEOUT.of(params)
        if timeout is not None and timeout <= 0:
            raise RestError(BAD_URL(reason=f"{TIMEOUT.name} must be above 0"))
        return cls(is_picture, timeout)

    @staticmethod
    def asks_for_bytes(address: Address, *, is_picture: bool) -> bool:
        """Whether the bytes of an attribute are asked for, and not what JSON tells of it."""
        if is_picture:
            return IMAGE_FORMAT.key in address.params or SIZE.key in address.params
        return BINARY.of(address.params)

    @classmethod
    def of_bytes(cls, address: Address, *, is_picture: bool) -> FileRequest:
        """How ``address`` wants the bytes of an attribute.

        Raises ``RestError`` 1824 for a format that does not exist, 1806 for a size that is none.
        """
        if not is_picture:
            return cls(is_picture)
        image_format = _format(IMAGE_FORMAT.of(address.params) or "")
        return cls(is_picture, None, image_format, _box(SIZE.of(address.params) or ""))


def _format(text: str) -> str | None:
    name = text.strip().lower().lstrip(".").removeprefix("image/").lstrip(".")
    if name in ("", "best"):
        return None
    if name not in PICTURE_FORMATS:
        raise RestError(NOT_A_PICTURE())
    return PICTURE_FORMATS[name]


def _box(text: str) -> tuple[int, int] | None:
    """What ``$size`` says: ``WxH`` in pixels; None for nothing."""
    if not text:
        return None
    limit = current().MAX_THUMBNAIL_SIDE
    match = _SIZE.fullmatch(text.strip())
    box = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 0 < max(box) <= limit:
        raise RestError(BAD_URL(reason=f"{SIZE.name} must be WxH, each from 1 to {limit}"))
    return box
