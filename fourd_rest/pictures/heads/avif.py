"""AVIF: the sizes in the container, and those in the coded frames.

A decoder allocates memory for the size in the frames and scales to the size in the container.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from .costs import Head, TooCostly, exact

MAX_BOXES = 10_000
MAX_ITEMS = 1_000
MAX_UNITS = 10_000

# Bytes per pixel: planes of 16 bits without subsampling, what they are made into, and for films the
# frames that others refer to. The file is read and copied.
_STILL, _MOVING = 24, 100
_FILE = 3

_CONTAINERS = frozenset({b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_SEQUENCE_HEADER = 1


class _Boxes:
    """What the boxes of one file tell: sizes in pixels, and where coded frames begin and end."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.end = file.seek(0, os.SEEK_END)
        self.sizes: list[tuple[int, int]] = []
        self.frames: list[tuple[int, int]] = []
        self.data_at = 0
        self.items: list[tuple[int, int, int]] = []  # construction, offset, length
        self._boxes = 0
        self._walk(0, self.end, 0)
        for construction, offset, length in self.items:
            start = offset + (self.data_at if construction else 0)
            self.frames.append((start, start + length if length else self.end))

    def _walk(self, position: int, end: int, depth: int) -> None:
        while position + 8 <= end:
            self._boxes += 1
            if self._boxes > MAX_BOXES or depth > 10:
                raise TooCostly("it has too many boxes")
            self.file.seek(position)
            size, kind = int.from_bytes(exact(self.file, 4), "big"), exact(self.file, 4)
            start = position + 8
            if size == 1:
                size, start = int.from_bytes(exact(self.file, 8), "big"), start + 8
            stop = min(end, position + size) if size else end
            if kind == b"meta":
                self._walk(start + 4, stop, depth + 1)
            elif kind in _CONTAINERS:
                self._walk(start, stop, depth + 1)
            elif kind == b"idat":
                self.data_at = start
            else:
                self._leaf(kind, start, stop)
            position = stop

    def _leaf(self, kind: bytes, start: int, stop: int) -> None:
        if kind not in (b"ispe", b"iloc", b"stco", b"co64"):
            return
        self.file.seek(start)
        data = self.file.read(min(stop - start, 2**20))
        if kind == b"ispe":
            self.sizes.append((_number(data[4:8]), _number(data[8:12])))
        elif kind == b"iloc":
            self._locations(data)
        else:
            self._chunks(data, 8 if kind == b"co64" else 4)

    def _chunks(self, data: bytes, width: int) -> None:
        for at in range(8, len(data) - width + 1, width):
            self.frames.append((_number(data[at : at + width]), self.end))
            if len(self.frames) > MAX_ITEMS:
                raise TooCostly("it has too many parts")

    def _locations(self, data: bytes) -> None:
        numbers = _Numbers(data[4:])
        version = data[0]
        offset_size, length_size = divmod(numbers.take(1), 16)
        base_size, index_size = divmod(numbers.take(1), 16)
        count = numbers.take(4 if version == 2 else 2)
        for _ in range(count):
            numbers.take(4 if version == 2 else 2)
            construction = numbers.take(2) & 15 if version else 0
            numbers.take(2)
            base = numbers.take(base_size)
            extents = numbers.take(2)
            if extents != 1 or construction > 1 or len(self.items) >= MAX_ITEMS:
                raise TooCostly("it is scattered over too many parts")
            numbers.take(index_size if version else 0)
            self.items.append(
                (construction, base + numbers.take(offset_size), numbers.take(length_size))
            )


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


class _Numbers:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> int:
        self._at += size
        if self._at > len(self._data):
            raise EOFError("truncated")
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def read(file: BinaryIO) -> Head:
    """The size is the largest that any box or frame tells. Raises as ``heads.read``."""
    boxes = _Boxes(file)
    sizes = list(boxes.sizes)
    for start, end in boxes.frames:
        sizes += _frame_sizes(file, start, end)
    if not boxes.sizes:
        raise ValueError("no size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    file.seek(8)
    per_pixel = _MOVING if exact(file, 4) == b"avis" else _STILL
    return Head(width, height, per_pixel, _FILE * boxes.end, None)


def _frame_sizes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sizes in the sequence headers of the open bitstream units there, if there are any."""
    for _ in range(MAX_UNITS):
        file.seek(start)
        head = file.read(10)
        if start >= end or len(head) < 2 or head[0] & 0x81 or not head[0] & 2:
            return  # no unit, or one without a size, which is the last
        at = 2 if head[0] & 4 else 1
        size, shift = 0, 0
        for byte in head[at:]:
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        if head[0] >> 3 & 15 == _SEQUENCE_HEADER:
            file.seek(start + at)
            yield _sequence_size(_Bits(file.read(min(size, 256))))
        start += at + size
    raise TooCostly("it has too many parts")


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._left = 8 * len(data)
        self._bits = int.from_bytes(data, "big")

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise EOFError("truncated")
        return self._bits >> self._left & (1 << count) - 1


def _sequence_size(bits: _Bits) -> tuple[int, int]:
    """The largest size of a frame (AV1 5.5.1)."""
    bits.take(4)
    if bits.take(1):
        bits.take(5)
    else:
        _skip_operating_points(bits)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(across) + 1, bits.take(down) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay = 0
    has_model = False
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros)
        has_model = bool(bits.take(1))
        if has_model:
            delay = bits.take(5) + 1
            bits.take(42)
    has_delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if has_model and bits.take(1):
            bits.take(2 * delay + 1)
        if has_delays and bits.take(1):
            bits.take(4)
