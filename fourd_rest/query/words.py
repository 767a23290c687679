"""The comparator ``%``: one whole word of the text (``query.md`` 4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fourd_rest.sql.text_folding import fold

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
    parts = pattern.split("@")
    return lambda value: any(fits(found, parts) for found in _WORD.findall(fold(value)))


def fits(text: str, parts: Sequence[str]) -> bool:
    """Whether ``text`` consists of ``parts``, in this order, with any characters or none between them.

    Takes linear time; a regular expression tries all positions of all parts before it fails.
    """
    first, *others = parts
    if not others:
        return text == first
    *inner, last = others
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in inner:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def narrowing(text: str) -> str:
    """A part that the folded form of every text with the word holds."""
    parts = fold(text.strip()).split("@")
    return max(parts, key=len)
