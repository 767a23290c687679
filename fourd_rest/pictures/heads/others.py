"""GIF, BMP and WebP."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from .costs import MAX_EXIF_SIZE, MAX_FRAMES, Head, TooCostly, exact

MAX_GIF_BLOCKS = 500_000
# What is skipped byte by byte, where nothing should be.
MAX_STRAY_BYTES = 1_024
# Run-length coded BMP are unpacked in Python: 0.1 µs per pixel, 0.26 µs per two bytes.
MAX_RLE_PIXELS = 10_000_000
MAX_RLE_SIZE = 8 * 2**20

# Bytes per pixel of the screen: one frame; several, with what they are restored from.
_GIF_STILL, _GIF_MOVING = 2, 18
# Comments are kept block by block, then joined.
_COMMENT, _BLOCK = 3, 48
# The whole file is read, joined to its head and copied, then the canvas is made twice and copied twice.
_WEBP_FILE, _WEBP_OPENED, _WEBP_PIXEL = 3, 8, 17


def read_gif(file: BinaryIO) -> Head:
    """Count the frames, none of which is decoded.

    A frame may lie outside the screen and so enlarge the picture; Pillow then makes room for it while
    it only looks for the frame.
    """
    file.seek(0)
    width, height, flags = struct.unpack("<6xHHBxx", exact(file, 13))
    _skip_palette(file, flags)
    stray = blocks = frames = comments = 0
    while (kind := file.read(1)) not in (b"", b";"):
        if kind == b"!":
            label = exact(file, 1)
            count, size = _skip_blocks(file)
            blocks += count
            comments += _COMMENT * size + _BLOCK * count if label == b"\xfe" else 0
        elif kind == b",":
            left, top, across, down, flags = struct.unpack("<HHHHB", exact(file, 9))
            width, height = max(width, left + across), max(height, top + down)
            frames += 1
            _skip_palette(file, flags)
            exact(file, 1)
            blocks += _skip_blocks(file)[0]
        else:
            stray += 1
        if stray > MAX_STRAY_BYTES or blocks > MAX_GIF_BLOCKS:
            raise TooCostly("it holds too much besides pictures")
        if frames > MAX_FRAMES:
            raise TooCostly(f"it has more than {MAX_FRAMES} frames")
    return Head(width, height, _GIF_MOVING if frames > 1 else _GIF_STILL, comments, frames)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        exact(file, 6 << (flags & 7))


def _skip_blocks(file: BinaryIO) -> tuple[int, int]:
    """The number of blocks up to the empty one, and their bytes."""
    blocks = total = 0
    while (size := exact(file, 1)[0]) and blocks <= MAX_GIF_BLOCKS:
        exact(file, size)
        blocks += 1
        total += size
    return blocks, total


def read_bmp(file: BinaryIO) -> Head:
    """Size and depth; run-length coded ones are limited more narrowly. Raises as ``heads.read``."""
    size = file.seek(0, os.SEEK_END)
    file.seek(14)
    if int.from_bytes(exact(file, 4), "little") == 12:
        width, height, bits = struct.unpack("<HHxxH", exact(file, 8))
        compression = 0
    else:
        width, height, bits, compression = struct.unpack("<iixxHI", exact(file, 16))
    width, height = abs(width), abs(height)
    if compression in (1, 2):
        if width * height > MAX_RLE_PIXELS or size > MAX_RLE_SIZE:
            raise TooCostly(
                f"a run-length coded BMP may have {MAX_RLE_PIXELS // 1_000_000} megapixels"
                f" and {MAX_RLE_SIZE} bytes"
            )
        return Head(width, height, 4)
    return Head(width, height, 4 if bits > 8 else 1)


def read_webp(file: BinaryIO) -> Head:
    """Walk through the chunks. The size is the canvas', which is made as soon as the file is opened."""
    end = file.seek(0, os.SEEK_END)
    width = height = frames = chunks = 0
    position = 12
    while position + 8 <= end:
        file.seek(position)
        kind, size = struct.unpack("<4sI", exact(file, 8))
        begin = file.read(10)
        if kind == b"VP8X":
            width = int.from_bytes(begin[4:7], "little") + 1
            height = int.from_bytes(begin[7:10], "little") + 1
        elif kind == b"VP8 " and not width and len(begin) == 10:
            width, height = (part & 0x3FFF for part in struct.unpack("<HH", begin[6:]))
        elif kind == b"VP8L" and not width:
            bits = int.from_bytes(begin[1:5], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF" and size > MAX_EXIF_SIZE:
            raise TooCostly(f"its EXIF data are larger than {MAX_EXIF_SIZE} bytes")
        chunks += 1
        if frames > MAX_FRAMES or chunks > 2 * MAX_FRAMES:
            raise TooCostly(f"it has more than {MAX_FRAMES} frames")
        position += 8 + size + size % 2
    if not width:
        raise ValueError("no picture")
    opening = _WEBP_FILE * end + _WEBP_OPENED * width * height
    decoding = end + _WEBP_PIXEL * width * height
    fixed = end + max(0, opening - decoding)
    return Head(width, height, _WEBP_PIXEL, fixed, None)
