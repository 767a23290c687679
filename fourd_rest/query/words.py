"""The comparator ``%``: one whole word of the text (``query.md`` 4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable

from .folding import fold

# A word is a run of letters, digits and marks; an apostrophe or a dot between two of them belongs to it,
# as in UAX #29 (WB6, WB7, WB11, WB12).
_WORD = re.compile(r"\w+(?:['’.:·]\w+)*")


def keyword(text: str) -> Callable[[str], bool]:
    """Whether a text holds the word ``text``, in which ``@`` stands for any characters of a word.

    Case and accents are ignored (D-17). Several words are no word: nothing holds them.
    """
    pattern = fold(text.strip())
    words = _WORD.findall(pattern.replace("@", ""))
    if len(words) > 1 or (not words and "@" not in pattern) or "@@" in pattern:
        return lambda value: False
    if "@" not in pattern:
        return lambda value: pattern in _WORD.findall(fold(value))
    wanted = re.compile(".*".join(map(re.escape, pattern.split("@"))), re.DOTALL)
    return lambda value: any(map(wanted.fullmatch, _WORD.findall(fold(value))))


def narrowing(text: str) -> str:
    """A part that the folded form of every text with the word holds."""
    parts = fold(text.strip()).split("@")
    return max(parts, key=len)
