"""What a file is, by its bytes, and whether it is a picture that decodes.

Neither names nor Content-Type headers are looked at (``decisions.md`` D-15: the content decides).
Reads a file object only; knows no request, storage or setting.
"""

from __future__ import annotations

import io
import re
import struct
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

from fourd_rest.errors import NOT_A_PICTURE, RestError

HEAD_SIZE = 512
THUMBNAIL_SIZE = 96
# Frames of one pixel cost time, not pixels. No picture within the limits takes a tenth of this time.
MAX_FRAMES = 2_000
MAX_SECONDS = 20.0
# A progressive JPEG is decoded once per scan; encoders write about ten.
MAX_SCANS = 100
MAX_STRAY_BYTES = 1_024
# Pillow keeps an object per piece of metadata, however small the piece is.
MAX_CHUNKS = 50_000
MAX_GIF_BLOCKS = 500_000
SEARCH_SIZE = 2**14

# Not: bytes that belong to the data (00), fill (FF), and markers without a segment (01, D0 to D8).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")

# The plugin is called directly, not through Image.open(): that judges the size by a limit of the
# whole process, warns, and opens a JPEG that carries further pictures as another format.
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

EXTENSIONS = {
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jp2": ".jp2",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/webp": ".webp",
}

_PICTURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
)

_OTHERS = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"PK\x03\x04", "application/zip", ".zip"),
    (b"PK\x05\x06", "application/zip", ".zip"),
    (b"\x1f\x8b", "application/gzip", ".gz"),
    (b"BZh", "application/x-bzip2", ".bz2"),
    (b"\xfd7zXZ\x00", "application/x-xz", ".xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ".7z"),
    (b"Rar!\x1a\x07", "application/vnd.rar", ".rar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", ".ole"),
    (b"ID3", "audio/mpeg", ".mp3"),
    (b"OggS", "application/ogg", ".ogg"),
    (b"fLaC", "audio/flac", ".flac"),
    (b"\x1aE\xdf\xa3", "video/webm", ".webm"),
)

EXTENSIONS |= {mime: extension for _, mime, extension in _OTHERS}
# What the extensions that ``detect`` gives stand for.
TYPES = {extension: mime for mime, extension in EXTENSIONS.items()}

# The sizes a BMP's second header may have; "BM" alone begins many a text.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})

_TEXT_CONTROLS = frozenset("\t\n\r\f\x1b")


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


def verify(file: BinaryIO, *, formats: Sequence[str], max_pixels: int) -> Picture:
    """The picture in ``file``, a seekable file that stays open.

    Raises ``NOT_A_PICTURE`` if it is none of ``formats`` (names of ``FORMATS``), does not decode to
    its end, or has more than ``max_pixels`` in all its frames; the pixels are counted before they
    are decoded. Pillow's own ``MAX_IMAGE_PIXELS`` still bears on TIFF, WebP and GIF, so whoever
    allows more than that must raise it too. ``LOAD_TRUNCATED_IMAGES`` must be off, the default.
    """
    try:
        return _verify(file, formats, max_pixels)
    except Exception as cause:
        # Pillow's decoders raise nearly any exception on hostile input; none is a fault of ours.
        raise RestError(NOT_A_PICTURE()) from cause


def _verify(file: BinaryIO, formats: Sequence[str], max_pixels: int) -> Picture:
    with opened(file, formats, max_pixels) as picture:
        image, budget = picture.image, picture.budget
        width, height = image.size
        # Reads all entropy-coded data as a full decode does, in a fraction of the time and memory.
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
    """A picture whose head is judged and of which nothing is decoded.

    ``frames`` is their number, None for a TIFF: Pillow would read all of them to tell. The first is
    taken from ``budget``; whoever decodes others takes them too.
    """

    format: str
    image: ImageFile
    frames: int | None
    budget: Budget


@contextmanager
def opened(file: BinaryIO, formats: Sequence[str], max_pixels: int) -> Iterator[Opened]:
    """The picture in ``file``. Raises any exception for one that is not acceptable, as ``verify``."""
    file.seek(0)
    mime = sniff(file.read(HEAD_SIZE)) or ""
    format_name = mime.removeprefix("image/").upper()
    if format_name not in formats or format_name not in FORMATS:
        raise ValueError(f"not an accepted type: {mime}")
    frames = None
    if format_name == "GIF":
        frames = _count_frames(file, Budget(max_pixels))
    elif format_name == "PNG":
        _check_png(file)
    elif format_name == "JPEG":
        _check_jpeg(file)
    budget = Budget(max_pixels)
    file.seek(0)
    with _OPENERS[format_name](file) as image:
        budget.take(*image.size)
        if format_name != "TIFF":
            frames = frames or getattr(image, "n_frames", 1)
        yield Opened(format_name, image, frames, budget)


class Budget:
    """The pixels, frames and time a picture may still have."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._deadline = time.monotonic() + MAX_SECONDS
        self.frames = 0

    def take(self, width: int, height: int) -> None:
        self.frames += 1
        self._pixels -= width * height
        if self._pixels < 0 or self.frames > MAX_FRAMES:
            raise ValueError("too many pixels or frames")
        if time.monotonic() > self._deadline:
            raise TimeoutError("too slow to decode")


def go_through(image: ImageFile, frames: int | None) -> Iterator[None]:
    """Go to each frame after the first; ``frames`` is their number, if it is known."""
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


def _count_frames(file: BinaryIO, budget: Budget) -> int:
    """The number of frames of a GIF, none of which is decoded.

    A frame may lie outside the screen and so enlarge the picture; Pillow then makes room for it
    while it only looks for the frame.
    """
    file.seek(0)
    width, height, flags = struct.unpack("<6xHHBxx", _exact(file, 13))
    _skip_palette(file, flags)
    stray = blocks = 0
    while (kind := file.read(1)) not in (b"", b";"):
        if kind == b"!":
            _exact(file, 1)
            blocks += _skip_blocks(file)
        elif kind == b",":
            left, top, across, down, flags = struct.unpack("<HHHHB", _exact(file, 9))
            width, height = max(width, left + across), max(height, top + down)
            budget.take(width, height)
            _skip_palette(file, flags)
            _exact(file, 1)
            blocks += _skip_blocks(file)
        else:
            stray += 1
        if stray > MAX_STRAY_BYTES or blocks > MAX_GIF_BLOCKS:
            raise ValueError("too much besides pictures")
    return budget.frames


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        _exact(file, 6 << (flags & 7))


def _skip_blocks(file: BinaryIO) -> int:
    blocks = 0
    while (size := _exact(file, 1)[0]) and blocks <= MAX_GIF_BLOCKS:
        _exact(file, size)
        blocks += 1
    return blocks


def _exact(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError("truncated")
    return data


def _check_png(file: BinaryIO) -> None:
    """Refuse a PNG with a mass of chunks."""
    position = 8
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8 or head.endswith(b"IEND"):
            return
        position += 12 + int.from_bytes(head[:4], "big")
    raise ValueError("too many chunks")


def _check_jpeg(file: BinaryIO) -> None:
    """Refuse a JPEG with a mass of segments or scans.

    What follows the end of the picture does not count: telephones keep a film there.
    """
    segments = scans = 0
    position = 2
    while (found := _find_marker(file, position)) is not None:
        marker, position = found
        if marker == 0xD9:
            return
        segments += 1
        scans += marker == 0xDA
        if segments > MAX_CHUNKS or scans > MAX_SCANS:
            raise ValueError("too many segments or scans")
        file.seek(position)
        position += int.from_bytes(_exact(file, 2), "big")


def _find_marker(file: BinaryIO, position: int) -> tuple[int, int] | None:
    """The next JPEG marker at or after ``position``, and where it ends."""
    file.seek(position)
    data = b""
    while block := file.read(SEARCH_SIZE):
        data += block
        if (found := _MARKER.search(data)) is not None:
            return data[found.end() - 1], position + found.end()
        position += len(data) - 1
        data = data[-1:]
    return None


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
        # Modes that convert to none a browser shows, EXIF data that cannot be read.
        return b""


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same proportions that is neither above ``size`` nor above ``box``."""
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def shrink(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """``image`` in ``size``, which is not above its own; in mode L, RGB or RGBA."""
    if image.mode not in ("L", "RGB", "CMYK", "YCbCr"):
        # Converting or averaging these makes a copy of full size first, or is not possible.
        coarse = fit(image.size, (8 * size[0], 8 * size[1]))
        image = shown(image.resize(coarse, Image.Resampling.NEAREST))
    small = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return small if small.mode in ("L", "RGBA") else small.convert("RGB")


def shown(image: Image.Image) -> Image.Image:
    """``image`` in a mode that can be averaged: L, RGB or RGBA."""
    if image.mode.startswith("I"):
        # A conversion alone would cut off all above 255.
        wide = image.convert("I")
        scale = 1 / 256 if cast("int", wide.getextrema()[1]) > 255 else 1
        return wide.point(lambda value: value * scale).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def sniff(head: bytes) -> str | None:
    """The MIME type of the raster picture that begins with ``head`` (``HEAD_SIZE`` bytes do)."""
    for magic, mime in _PICTURES:
        if head.startswith(magic):
            return mime
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if (
        head.startswith(b"BM")
        and len(head) >= 18
        and int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    ):
        return "image/bmp"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


def _sniff_brands(head: bytes) -> str | None:
    """AVIF and HEIC share their container with films; the brands in its first box tell."""
    box = head[8 : max(16, int.from_bytes(head[:4], "big"))]
    brands = {box[index : index + 4] for index in range(0, len(box), 4)}
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "image/heic"
    return None


def detect(head: bytes) -> tuple[str, str]:
    """The MIME type and the extension of the file that begins with ``head``.

    Text of any kind, HTML and SVG included, is ``text/plain``.
    """
    if (picture := sniff(head)) is not None:
        return picture, EXTENSIONS[picture]
    for magic, mime, extension in _OTHERS:
        if head.startswith(magic):
            return mime, extension
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav", ".wav"
    if head[4:8] == b"ftyp":
        return "video/mp4", ".mp4"
    if _is_text(head):
        return "text/plain", ".txt"
    return "application/octet-stream", ".bin"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        # The last character may be cut by the end of ``head``.
        if error.reason != "unexpected end of data" or error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return text != "" and all(char >= " " or char in _TEXT_CONTROLS for char in text)
