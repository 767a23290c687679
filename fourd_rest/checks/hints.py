"""Hints for names that were mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LEGAL_NAME = "A name consists of letters, digits and underscores and begins with a letter."


def nearest(name: object, known: Iterable[str]) -> str:
    """A hint with the known name that ``name`` was probably meant to be, else with all of them."""
    names = sorted(known)
    close = get_close_matches(str(name), names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(names)}."
