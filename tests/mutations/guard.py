"""What is known of one guard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """One guard. ``text`` stands once in ``file``; ``without`` takes its place. ``tests`` are fast."""

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
