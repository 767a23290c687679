"""How much of its time, and of its time to wait, one request has spent (D-59, D-60)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from fourd_rest.errors import TAKES_TOO_LONG, RestError

# Seconds below which a statement counts as one that did not wait.
NOTICED = 0.1
# Seconds that a statement of a write gets beyond waiting, so that the lock time-out comes first.
_AFTER_WAITING = 0.5

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


class Watch:
    """The time and the waiting of one request, in seconds: the limits, and what is spent."""

    def __init__(self) -> None:
        self.time = self.patience = math.inf
        self.waited = 0.0
        self.is_reading = False
        self._left = 0.0  # seconds left for reading
        self._ends = math.inf  # when what is being read must end

    def start(self, time: float, patience: float) -> None:
        """From here on ``time`` limits each statement and all reading, ``patience`` all waiting."""
        self.time = self._left = time
        self.patience = patience

    def statement_time(self) -> float:
        """Seconds that the next statement may take, a thousandth at least."""
        if not self.is_reading:
            return max(self.time, self.lock_time() + _AFTER_WAITING)
        return max(0.001, self._ends - monotonic())

    def lock_time(self, own: float = math.inf) -> float:
        """Seconds that the next statement may wait for a lock; ``own`` is the limit of the session."""
        return max(0.0, min(self.patience, own) - self.waited)

    def timed(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Execute a statement, and ``spend`` what it took."""
        begin = monotonic()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spend(monotonic() - begin)

    def spend(self, seconds: float) -> None:
        """Count the time of a write's statement as waiting, if it is longer than ``NOTICED``."""
        if seconds > NOTICED and not self.is_reading:
            self.waited += seconds

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read within takes from the time that is left for reading. May be nested."""
        if self.is_reading:
            yield
            return
        begin = monotonic()
        self._ends, self.is_reading = begin + self._left, True
        try:
            yield
        finally:
            self._ends, self.is_reading = math.inf, False
            self._left -= monotonic() - begin

    def check_time(self) -> None:
        """Raises ``RestError`` 9026 if what is being read takes too long."""
        if self.is_reading and monotonic() > self._ends:
            raise overdue()


def overdue() -> RestError:
    """Error 9026 (503): the request takes longer than ``MAX_STATEMENT_TIME``."""
    return RestError(TAKES_TOO_LONG())
