"""What decoding a picture would cost, read from its structure: one reader per format.

Decoders allocate memory, build lists and join texts while they open a file, before its size can be asked
for. These readers go through the structure in bounded memory and time, and tell what a decoder takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from . import avif, jpeg, others, png, tiff
from .costs import MAX_FRAMES, Head, TooCostly

__all__ = ["MAX_FRAMES", "Head", "TooCostly", "read"]

_READERS: dict[str, Callable[[BinaryIO], Head]] = {
    "AVIF": avif.read,
    "BMP": others.read_bmp,
    "GIF": others.read_gif,
    "JPEG": jpeg.read,
    "PNG": png.read,
    "TIFF": tiff.read,
    "WEBP": others.read_webp,
}


def read(file: BinaryIO, format_name: str) -> Head:
    """The head of ``file``, a picture in ``format_name``.

    Raises ``TooCostly`` for one that is refused whatever its size is, any other exception for what is no
    picture.
    """
    return _READERS[format_name](file)
