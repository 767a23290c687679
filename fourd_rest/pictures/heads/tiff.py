"""TIFF and BigTIFF: every directory, with those of EXIF data, and no value of more than a few bytes."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from .costs import MAX_FRAMES, Head, TooCostly, exact

# Cameras write about a hundred entries to a directory.
MAX_ENTRIES = 1_000
MAX_ALL_ENTRIES = 50_000
# A strip or tile costs 300 bytes and 15 µs. A picture of 50 megapixels in tiles of 64 has 12,000.
MAX_STRIPS = 65_536
# Numbers in all other values, which become Python objects: 120 bytes and up to 1.5 µs each.
MAX_NUMBERS = 500_000

_STRIP = 600
_NUMBER = 120
# Values are read in pieces, joined and kept.
_KEPT = 4

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_BYTES = frozenset({1, 2, 7})
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q"}

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _ORIENTATION = 256, 257, 258, 259, 274
_SAMPLES, _ROWS, _PLANAR = 277, 278, 284
_STRIP_OFFSETS, _STRIP_SIZES = 273, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325
_OFFSETS = (_STRIP_OFFSETS, _TILE_OFFSETS)
_STRIP_TAGS = frozenset({*_OFFSETS, _STRIP_SIZES, _TILE_SIZES})
_PALETTE, _PALETTE_SIZE = 320, 3 * 256
_EXIF = (34_665, 34_853, 40_965)
# A picture within the picture: its own decoder takes as much again, and coefficients.
_NESTED = frozenset({6, 7, 50_001})


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    at: int  # where its value is


class _Directories:
    """Reads directories of one file and counts what their values cost."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        file.seek(0)
        head = exact(file, 16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = 43 in head[2:4]
        self.first = self._unpack("Q", head[8:]) if self.big else self._unpack("I", head[4:8])
        self.end = file.seek(0, os.SEEK_END)
        self.entries = self.numbers = 0

    def _unpack(self, form: str, data: bytes) -> int:
        value: int = struct.unpack_from(self.order + form, data)[0]
        return value

    def read(self, at: int) -> tuple[dict[int, _Entry], int, int]:
        """The directory at ``at``, the bytes of its values, and where the next one is, 0 for none."""
        self._seek(at)
        counter, entry, inline = ("Q", "HHQ", 8) if self.big else ("H", "HHI", 4)
        size = struct.calcsize("=" + entry) + inline
        count = self._unpack(counter, exact(self.file, 8 if self.big else 2))
        self.entries += count
        if count > MAX_ENTRIES or self.entries > MAX_ALL_ENTRIES:
            raise TooCostly("it has too many tags")
        start = self.file.tell()
        data = exact(self.file, size * count + inline)
        found: dict[int, _Entry] = {}
        held = 0
        for offset in range(0, size * count, size):
            tag, kind, number = struct.unpack_from(self.order + entry, data, offset)
            length = number * _SIZES.get(kind, 0)
            value = start + offset + size - inline
            if length > inline:
                value = self._unpack("Q" if self.big else "I", data[offset + size - inline :])
                held += length
            if kind in _SIZES and kind not in _BYTES and tag not in _STRIP_TAGS:
                # A palette of usual size is in every page.
                self.numbers += 0 if tag == _PALETTE and number <= _PALETTE_SIZE else number
            found.setdefault(tag, _Entry(kind, number, value))
        # Values may lie above each other. There is never more of them than there is file.
        if held > self.end:
            raise TooCostly("its tags are larger than the file")
        if self.numbers > MAX_NUMBERS:
            raise TooCostly("its tags hold too many numbers")
        return found, held, self._unpack("Q" if self.big else "I", data[size * count :])

    def value(self, entries: dict[int, _Entry], tag: int, default: int = 0) -> int:
        """The first number of a tag."""
        return next(iter(self.values(entries, tag, 1)), default)

    def values(self, entries: dict[int, _Entry], tag: int, most: int) -> tuple[int, ...]:
        entry = entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return ()
        count = min(entry.count, most)
        self._seek(entry.at)
        data = exact(self.file, count * _SIZES[entry.kind])
        return struct.unpack(f"{self.order}{count}{_INTEGERS[entry.kind]}", data)

    def _seek(self, at: int) -> None:
        if at > self.end:
            raise EOFError("a directory or value behind the end")
        self.file.seek(at)


def read(file: BinaryIO) -> Head:
    """Judge every page. The size is that of the first, the memory that of the one that takes most."""
    directories = _Directories(file)
    at, seen = directories.first, set[int]()
    worst: Head | None = None
    first: tuple[int, int] | None = None
    while at and at not in seen:
        seen.add(at)
        if len(seen) > MAX_FRAMES:
            raise TooCostly(f"it has more than {MAX_FRAMES} frames")
        entries, held, at = directories.read(at)
        held += _exif(directories, entries)
        page = _page(directories, entries, held)
        first = first or (page.width, page.height)
        if worst is None or _memory(page) > _memory(worst):
            worst = page
    if worst is None or first is None:
        raise ValueError("no page")
    fixed = worst.fixed + _NUMBER * directories.numbers
    return Head(worst.width, worst.height, worst.per_pixel, fixed, None)


def _memory(page: Head) -> float:
    return page.fixed + page.per_pixel * page.width * page.height


def _exif(directories: _Directories, entries: dict[int, _Entry]) -> int:
    """Bytes of the values in directories that the tags of EXIF data lead to: they are all unpacked."""
    held = 0
    for tag in _EXIF:
        if tag in entries and (at := directories.value(entries, tag)):
            try:
                inner, size, _ = directories.read(at)
            except (EOFError, struct.error):
                continue  # no decoder reads it either
            held += size + (_exif(directories, inner) if tag == _EXIF[0] else 0)
    return held


def _page(directories: _Directories, entries: dict[int, _Entry], held: int) -> Head:
    width = directories.value(entries, _WIDTH)
    height = directories.value(entries, _HEIGHT)
    if width <= 0 or height <= 0:
        raise ValueError("no size")
    samples = max(1, directories.value(entries, _SAMPLES, 1))
    bits = max((*directories.values(entries, _BITS, 8), 1))
    offsets = next((tag for tag in _OFFSETS if tag in entries), _STRIP_OFFSETS)
    across, down = width, directories.value(entries, _ROWS, height) or height
    if offsets == _TILE_OFFSETS:
        across = directories.value(entries, _TILE_WIDTH)
        down = directories.value(entries, _TILE_HEIGHT)
    if across <= 0 or down <= 0:
        raise ValueError("strips of no size")
    strips = -(-width // across) * -(-height // down)
    strips *= samples if directories.value(entries, _PLANAR, 1) == 2 else 1
    if any(entries[tag].count > max(strips, 1) for tag in _STRIP_TAGS & entries.keys()):
        raise TooCostly("it has more strips than its size asks for")
    if strips > MAX_STRIPS:
        raise TooCostly(f"it has more than {MAX_STRIPS} strips")
    pixel = 4.0 if samples > 1 or bits > 16 else 2.0 if bits > 8 else 1.0
    if directories.value(entries, _ORIENTATION, 1) != 1:
        pixel *= 2  # turned as soon as it is decoded
    fixed = _KEPT * held + _STRIP * strips
    compression = directories.value(entries, _COMPRESSION, 1)
    if compression == 1:
        return Head(width, height, pixel, fixed + 2 * _gap(directories, entries, offsets))
    # A strip is read as a whole and unpacked as a whole.
    strip = across * min(down, -(-height // 16) * 16) * samples * bits / 8
    strip *= 4 if compression in _NESTED else 1
    sizes = directories.values(entries, _STRIP_SIZES, MAX_STRIPS)
    sizes += directories.values(entries, _TILE_SIZES, MAX_STRIPS)
    fixed += min(max(sizes, default=directories.end), directories.end)
    return Head(width, height, pixel + strip / (width * height), fixed)


def _gap(directories: _Directories, entries: dict[int, _Entry], tag: int) -> int:
    """The longest way from one strip to the next, which is read at once."""
    offsets = sorted(min(at, directories.end) for at in directories.values(entries, tag, MAX_STRIPS))
    return max((b - a for a, b in zip(offsets, offsets[1:], strict=False)), default=0)
