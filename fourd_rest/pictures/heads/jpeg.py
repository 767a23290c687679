"""JPEG: segments up to the end of the picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from .costs import Head, TooCostly, exact

SEARCH_SIZE = 2**14
# Fill and stray bytes before the first scan, which are skipped one by one at half a µs.
MAX_STRAY_BYTES = 2**16
# Pillow keeps an object per segment. Large films and depth maps come in parts of 64 KiB.
MAX_SEGMENTS = 2_000
# EXIF segments are joined one by one, those of Photoshop taken apart; one of each is usual.
MAX_EXIF_SEGMENTS = 16
MAX_PHOTOSHOP_SEGMENTS = 64
# Four tables of each kind are in use at a time.
MAX_TABLE_BYTES = 2**18
# A progressive picture is decoded once per scan; encoders write about ten.
MAX_SCANS = 100
# Blocks of 64 samples times the scans that go through them, at up to 40 ns. Encoders' own scans of 50
# megapixels are 11 millions.
MAX_BLOCK_VISITS = 40_000_000

# A coefficient takes two bytes. With several scans all blocks of 64 are kept, and a little more.
_BLOCK_BYTES = 134
# Bytes per pixel: it is decoded at an eighth of its size.
_SMALL = 0.2
# Segments are kept twice: raw and parsed.
_KEPT = 2

# Not: bytes that belong to the data (00), fill (FF), and markers without a segment (01, D0 to D8).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended, progressive. No browser shows the others: lossless, hierarchical, arithmetic.
_DECODED = frozenset({0xC0, 0xC1, 0xC2})
_DHT, _DHP, _EOI, _SOS, _DQT = 0xC4, 0xDE, 0xD9, 0xDA, 0xDB
_APP1, _APP13 = 0xE1, 0xED


@dataclass(slots=True)
class _Frame:
    width: int
    height: int
    progressive: bool
    blocks: dict[int, int]  # by component


class _Walk:
    """Counts what the segments of one file cost."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.frame: _Frame | None = None
        self.segments = self.scans = self.stray = 0
        self.exif = self.photoshop = self.tables = self.kept = 0
        self.visits = 0
        self.several = False

    def segment(self, marker: int, position: int) -> int:
        """Take the segment that begins at ``position``; returns its length."""
        self.file.seek(position)
        length = int.from_bytes(exact(self.file, 2), "big")
        self.segments += 1
        if self.segments > MAX_SEGMENTS:
            raise TooCostly(f"it has more than {MAX_SEGMENTS} segments")
        if marker in _SOF or marker == _DHP:
            self._start(marker, self.file.read(max(length - 2, 0)))
        elif marker == _SOS:
            self._scan(self.file.read(max(length - 2, 0)))
        elif marker in (_DQT, _DHT):
            self.tables += length
        elif self.scans == 0:
            self._metadata(marker, self.file.read(min(14, max(length - 2, 0))), length)
        if self.exif > MAX_EXIF_SEGMENTS or self.photoshop > MAX_PHOTOSHOP_SEGMENTS:
            raise TooCostly("it has too many segments of metadata")
        if self.tables > MAX_TABLE_BYTES:
            raise TooCostly("it has too many tables")
        return length

    def _metadata(self, marker: int, begin: bytes, length: int) -> None:
        self.kept += _KEPT * length
        self.exif += marker == _APP1 and begin.startswith(b"Exif\0\0")
        self.photoshop += marker == _APP13 and begin.startswith(b"Photoshop 3.0\0")

    def _start(self, marker: int, data: bytes) -> None:
        if self.frame is not None or marker not in _DECODED:
            raise TooCostly("it is coded in a way that no browser shows")
        height, width = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
        parts = [data[at : at + 3] for at in range(6, 6 + 3 * data[5], 3)]
        across = max(part[1] >> 4 for part in parts)
        down = max(part[1] & 15 for part in parts)
        blocks = {
            part[0]: _rounded(width * (part[1] >> 4), 8 * across, part[1] >> 4)
            * _rounded(height * (part[1] & 15), 8 * down, part[1] & 15)
            for part in parts
        }
        self.frame = _Frame(width, height, marker == 0xC2, blocks)

    def _scan(self, data: bytes) -> None:
        if self.frame is None:
            raise ValueError("a scan before the frame")
        self.scans += 1
        components = [data[at] for at in range(1, 1 + 2 * data[0], 2)]
        self.several |= self.frame.progressive or len(components) < len(self.frame.blocks)
        self.visits += sum(self.frame.blocks[component] for component in components)
        if self.scans > MAX_SCANS or self.visits > MAX_BLOCK_VISITS:
            raise TooCostly("it has too many scans")


def read(file: BinaryIO) -> Head:
    """Walk through the picture. What follows its end does not count: telephones keep a film there."""
    walk = _Walk(file)
    position = 2
    while (found := _find_marker(file, position)) is not None:
        marker, after = found
        if walk.scans == 0:
            # Between segments nothing should be. Within a scan this is the picture.
            walk.stray += after - 2 - position
            if walk.stray > MAX_STRAY_BYTES:
                raise TooCostly("too much stands between its segments")
        if marker == _EOI:
            break
        position = after + walk.segment(marker, after)
    frame = walk.frame
    if frame is None:
        raise ValueError("no frame")
    pixels = max(1, frame.width * frame.height)
    coefficients = _BLOCK_BYTES * sum(frame.blocks.values()) if walk.several else 0
    return Head(frame.width, frame.height, _SMALL + coefficients / pixels, walk.kept)


def _rounded(size: int, per_block: int, sampling: int) -> int:
    """Blocks that ``size`` samples times the sampling factor take, in whole units of the factor."""
    blocks = -(-size // per_block)
    return -(-blocks // sampling) * sampling


def _find_marker(file: BinaryIO, position: int) -> tuple[int, int] | None:
    """The next marker at or after ``position``, and where it ends."""
    file.seek(position)
    data = b""
    while block := file.read(SEARCH_SIZE):
        data += block
        if (found := _MARKER.search(data)) is not None:
            return data[found.end() - 1], position + found.end()
        position += len(data) - 1
        data = data[-1:]
    return None
