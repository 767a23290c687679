"""PNG: chunks up to the end of the picture."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from .costs import MAX_EXIF_SIZE, MAX_FRAMES, Head, TooCostly, exact

# Chunks of picture data; small ones of 4 KiB make 25,000 of 100 MiB.
MAX_CHUNKS = 50_000
# All others. Pillow keeps an object of each.
MAX_OTHER_CHUNKS = 1_000
# Each text or profile, unpacked: Pillow takes no larger ones either.
MAX_TEXT_SIZE = 2**20

# Bytes per pixel by colour type and, for grey, by depth of 16 bits.
_PIXEL = {0: 1, 2: 4, 3: 1, 4: 4, 6: 4}
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# An animation keeps the frame, the one before, and what it will be restored from.
_ANIMATED = 5
# Metadata are read in pieces, joined and kept; texts beyond Latin-1 take four bytes per character.
_KEPT = 3
_TEXT = 6
# Beyond what the rows take when they are not packed at all: encoders that split the data finely.
_SLACK = 2**20

_DATA = (b"IDAT", b"fdAT")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def read(file: BinaryIO) -> Head:
    """Walk through the chunks; texts are unpacked to at most 1 MiB each. Raises as ``heads.read``."""
    file.seek(8)
    size, kind, width, height, depth, colour = struct.unpack(">I4sIIBB", exact(file, 18))
    if kind != b"IHDR" or colour not in _PIXEL:
        raise ValueError("no header")
    others = chunks = frames = data = largest = kept = 0
    animated = False
    position = 8 + 12 + size
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8 or head.endswith(b"IEND"):
            break
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        position += 12 + size
        if kind in _DATA:
            chunks += 1
            data += size
            largest = max(largest, size)
        elif kind == b"fcTL":
            frames += 1
        else:
            others += 1
            animated |= kind == b"acTL"
            kept += _cost(file, kind, size)
        if chunks > MAX_CHUNKS or others > MAX_OTHER_CHUNKS:
            raise TooCostly("it has too many chunks")
        if frames > MAX_FRAMES:
            raise TooCostly(f"it has more than {MAX_FRAMES} frames")
    rows = height * (1 + (width * depth * _SAMPLES[colour] + 7) // 8)
    if data > 2 * rows * max(1, frames) + _SLACK:
        raise TooCostly("it holds more data than its pixels need")
    pixel = 2 if (depth, colour) == (16, 0) else _PIXEL[colour]
    # What is left of a chunk of data when the picture is complete is read at once.
    return Head(width, height, pixel * (_ANIMATED if animated else 1), kept + largest, None)


def _cost(file: BinaryIO, kind: bytes, size: int) -> int:
    """Bytes of memory that the chunk which begins here takes beside the pixels."""
    if kind == b"eXIf" and size > MAX_EXIF_SIZE:
        raise TooCostly(f"its EXIF data are larger than {MAX_EXIF_SIZE} bytes")
    if kind not in _TEXTS:
        return _KEPT * size
    if size > MAX_TEXT_SIZE:
        raise TooCostly(f"a text in it is larger than {MAX_TEXT_SIZE} bytes")
    return _TEXT * (size + _unpacked(kind, file.read(size)))


def _unpacked(kind: bytes, data: bytes) -> int:
    """Bytes that a text has when it is unpacked."""
    _, _, rest = data.partition(b"\0")
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] == b"\0"):
        return 0
    packed = rest[2:].split(b"\0", 2)[-1] if kind == b"iTXt" else rest[1:]
    unpacker = zlib.decompressobj()
    try:
        size = len(unpacker.decompress(packed, MAX_TEXT_SIZE))
    except zlib.error:
        return 0  # left out by decoders
    if unpacker.unconsumed_tail:
        raise TooCostly(f"a text in it is larger than {MAX_TEXT_SIZE} bytes")
    return size
