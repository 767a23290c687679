"""Whether a file is a picture that decodes.

Neither names nor Content-Type headers are looked at (D-15: the content decides).
Reads a file object only; knows no request, storage or setting.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from fourd_rest.errors import NOT_A_PICTURE, RestError, picture_refused

from . import heads
from .file_types import EXTENSIONS, HEAD_SIZE, sniff
from .heads import MAX_FRAMES, TooCostly

THUMBNAIL_SIZE = 96
# CPU seconds. No known picture within the limits takes half of this time.
MAX_SECONDS = 3.0

# The plugins are called directly, not through Image.open(): that checks the size against a limit of the
# whole process, warns, and opens a JPEG with further pictures as another format.
_OPENERS: dict[str, Callable[[BinaryIO], ImageFile]] = {
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
FORMATS = frozenset(_OPENERS)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture every frame of which decodes.

    ``width`` and ``height`` are those of the header, before any EXIF orientation. ``thumbnail`` is
    a PNG or JPEG of at most 96 x 96 with the orientation applied, or empty where none can be made.
    """

    format: str
    mime: str
    extension: str
    width: int
    height: int
    frames: int
    thumbnail: bytes


def verify(file: BinaryIO, *, formats: Sequence[str], max_pixels: int, max_memory: int) -> Picture:
    """The picture in ``file``, a seekable file that stays open.

    Raises ``NOT_A_PICTURE`` if it is none of ``formats`` (names of ``FORMATS``), does not decode to its
    end, has more than ``max_pixels`` in all its frames, or would take more than ``max_memory`` bytes or
    too much time. Its structure tells that before anything is decoded. Pillow's own
    ``MAX_IMAGE_PIXELS`` still applies to TIFF, WebP and GIF: a site that allows more must raise it too.
    ``LOAD_TRUNCATED_IMAGES`` must be off, the default.
    """
    with as_refusal():
        return _verify(file, formats, max_pixels, max_memory)


@contextmanager
def as_refusal() -> Iterator[None]:
    """A context in which every exception becomes ``RestError`` 1824.

    Pillow's decoders raise nearly any exception on hostile input: the picture is at fault, not we.
    """
    try:
        yield
    except TooCostly as cause:
        raise RestError(picture_refused(cause)) from cause
    except Exception as cause:
        raise RestError(NOT_A_PICTURE()) from cause


def is_refusal(error: RestError) -> bool:
    """Whether ``error`` says that a file is no picture that is taken."""
    return error.items[-1].row is NOT_A_PICTURE


def _verify(file: BinaryIO, formats: Sequence[str], max_pixels: int, max_memory: int) -> Picture:
    with opened(file, formats, max_pixels, max_memory) as picture:
        image, budget = picture.image, picture.budget
        width, height = image.size
        # Reads all data as a full decode does, in a fraction of the time and memory.
        image.draft(None, (2 * THUMBNAIL_SIZE, 2 * THUMBNAIL_SIZE))
        image.load()
        thumbnail = _thumbnail(image)
        for _ in go_through(image, picture.frames):
            budget.take(*image.size)
            image.load()
    return Picture(
        format=picture.format,
        mime=f"image/{picture.format.lower()}",
        extension=EXTENSIONS[f"image/{picture.format.lower()}"],
        width=width,
        height=height,
        frames=budget.frames,
        thumbnail=thumbnail,
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture within the limits, of which nothing is decoded yet.

    ``frames`` is their number, None for a TIFF: Pillow would read all of them to tell. The first is
    counted in ``budget`` already; whoever decodes others counts them there.
    """

    format: str
    image: ImageFile
    frames: int | None
    budget: Budget


@contextmanager
def opened(file: BinaryIO, formats: Sequence[str], max_pixels: int, max_memory: int) -> Iterator[Opened]:
    """The picture in ``file``. Raises any exception for what ``verify`` refuses."""
    file.seek(0)
    mime = sniff(file.read(HEAD_SIZE)) or ""
    format_name = mime.removeprefix("image/").upper()
    if format_name not in formats or format_name not in FORMATS:
        raise ValueError(f"not an accepted type: {mime}")
    head = heads.read(file, format_name)
    budget = Budget(max_pixels)
    budget.look_at(head.width * head.height * (head.frames or 1))
    head.check_memory(max_memory, format_name)
    file.seek(0)
    with _OPENERS[format_name](file) as image:
        budget.take(*image.size)
        frames = None if format_name == "TIFF" else head.frames or getattr(image, "n_frames", 1)
        yield Opened(format_name, image, frames, budget)


class Budget:
    """The pixels, frames and CPU time that a picture may still take."""

    def __init__(self, pixels: int) -> None:
        self._allowed = self._pixels = pixels
        self._deadline = time.thread_time() + MAX_SECONDS
        self.frames = 0

    def look_at(self, pixels: int) -> None:
        """Raise ``TooCostly`` if ``pixels`` more are too many; counts nothing."""
        if pixels > self._pixels:
            raise TooCostly(f"it has more than {self._allowed / 1_000_000:g} megapixels")

    def take(self, width: int, height: int) -> None:
        """Count one frame of this size in pixels. Raises ``TooCostly`` if that is too much."""
        self.frames += 1
        self.look_at(width * height)
        self._pixels -= width * height
        if self.frames > MAX_FRAMES:
            raise TooCostly(f"it has more than {MAX_FRAMES} frames")
        if time.thread_time() > self._deadline:
            raise TooCostly("it takes too long to decode")


def go_through(image: ImageFile, frames: int | None) -> Iterator[None]:
    """Seek each frame after the first in turn; ``frames`` is the number of all, None if unknown."""
    if frames is not None:
        for index in range(1, frames):
            image.seek(index)
            yield
        return
    while True:
        try:
            image.seek(image.tell() + 1)
        except EOFError:
            return
        yield


def _thumbnail(image: Image.Image) -> bytes:
    """A small PNG (with transparency) or JPEG of ``image``. A good picture never fails here."""
    try:
        size = fit(image.size, (THUMBNAIL_SIZE, THUMBNAIL_SIZE))
        small = ImageOps.exif_transpose(shrink(image, size))
        # A PNG would carry the colour profile on, a JPEG the comment, each of any size.
        small.info.clear()
        out = io.BytesIO()
        if small.mode == "RGBA":
            small.save(out, "PNG")
        else:
            small.save(out, "JPEG", quality=80)
        return out.getvalue()
    except Exception:
        # A mode that no browser shows and that does not convert, or EXIF data that cannot be read.
        return b""


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same proportions that is neither above ``size`` nor above ``box``."""
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def shrink(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """``image`` in ``size``, which is not above its own; in mode L, RGB or RGBA."""
    if image.mode not in ("L", "RGB", "CMYK", "YCbCr"):
        # Averaging these is not possible; converting them first would make a copy of full size.
        coarse = fit(image.size, (8 * size[0], 8 * size[1]))
        image = in_plain_mode(image.resize(coarse, Image.Resampling.NEAREST))
    small = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return small if small.mode in ("L", "RGBA") else small.convert("RGB")


def in_plain_mode(image: Image.Image) -> Image.Image:
    """``image`` in a mode that can be averaged: L, RGB or RGBA."""
    if image.mode.startswith("I"):
        # A conversion alone would cut off all above 255.
        wide = image.convert("I")
        scale = 1 / 256 if cast("int", wide.getextrema()[1]) > 255 else 1
        return wide.point(lambda value: value * scale).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
