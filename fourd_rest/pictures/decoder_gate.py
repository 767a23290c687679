"""Limits how many pictures are decoded at a time.

Each may take ``MAX_PICTURE_MEMORY`` bytes and seconds of CPU.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fourd_rest.conf import current
from fourd_rest.errors import CONVERSIONS_BUSY, RestError

RETRY_AFTER = 5
_PAUSE, _LONGEST_PAUSE = 0.02, 0.25


class Gate:
    """Lets in as many threads of this process as ``MAX_CONVERSIONS`` says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def enter(self) -> bool:
        """Take a place if there is one; who gets one calls ``leave``."""
        with self._lock:
            if self._inside >= current().MAX_CONVERSIONS:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._inside -= 1

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait at most ``seconds`` for a place. Raises ``RestError`` 9021 (503) if there is none."""
        deadline, pause = time.monotonic() + seconds, _PAUSE
        while not self.enter():
            if time.monotonic() >= deadline:
                raise busy()
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        try:
            yield
        finally:
            self.leave()


gate = Gate()


def busy() -> RestError:
    """Error 9021 (503): too many pictures are being decoded. Retry after 5 seconds."""
    return RestError(CONVERSIONS_BUSY(), retry_after=RETRY_AFTER)
