"""The cost of decoding a picture, and the exception for one that costs too much (D-59).

Costs were measured with Pillow 13 in a process of their own, for the worst file known of each kind
(``docs/reliability.md``, «Pictures»).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

# Frames of one pixel cost time, not pixels.
MAX_FRAMES = 2_000
# EXIF data become Python objects of fifty times their size. Cameras write at most 64 KiB.
MAX_EXIF_SIZE = 2**20


class TooCostly(ValueError):
    """A picture that is refused for what it would cost; the text says why."""


# What every decoder takes, buffers and the thumbnail included.
_BASE = 6_000_000


@dataclass(frozen=True, slots=True)
class Head:
    """The size of a picture and what decoding it takes.

    Sizes are in pixels; ``per_pixel`` and ``fixed`` in bytes: what a decoder takes at its worst for each
    pixel of ``width`` times ``height``, and beside them. ``frames`` is None where only decoding tells.
    """

    width: int
    height: int
    per_pixel: float
    fixed: int = 0
    frames: int | None = 1

    def check_memory(self, limit: int, kind: str) -> None:
        """Raise ``TooCostly`` if more than ``limit`` bytes would be taken; ``kind`` names the format."""
        left = limit - _BASE - self.fixed
        if self.per_pixel * self.width * self.height <= left:
            return
        if left <= 0:
            raise TooCostly("what it holds beside its pixels takes too much memory")
        most = left / self.per_pixel / 1_000_000
        raise TooCostly(f"it is larger than {most:.1f} megapixels, the limit for {kind} of this kind")


def exact(file: BinaryIO, size: int) -> bytes:
    """The next ``size`` bytes. Raises ``EOFError`` if there are fewer."""
    data = file.read(size)
    if len(data) < size:
        raise EOFError("truncated")
    return data
