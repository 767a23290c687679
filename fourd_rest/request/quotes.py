"""Quotes within the value of a parameter, on its decoded text (D-39).

The 4D server drops both quote characters wherever they stand and joins the pieces. A quote of the other
kind inside a piece, and one behind a backslash, is a character: what it means says the value's language.
"""

from __future__ import annotations

import re

# No database takes these: NUL, and halves of surrogate pairs.
FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")
# From the first bracket of an array or object to the last.
BRACKETS = re.compile(r"[\[{].*[\]}]", re.DOTALL)
# What the escapes of D-39 stand for.
CHARACTERS = {
    r"\u0022": '"',
    r"\u0027": "'",
    r"\"": '"',
    r"\'": "'",
    r"\\": "\\",
}

_PIECE = re.compile(
    r"""
    (?P<outside> (?: [^'"\\]++ | \\(?:.|\Z) )++ )
    | " (?P<double> (?: [^"\\]++ | \\. )*+ ) "
    | ' (?P<single> (?: [^'\\]++ | \\. )*+ ) '
    """,
    re.DOTALL | re.VERBOSE,
)
# A name of a list in quotes, which mean nothing there.
_LISTED = re.compile(r"(?:^|(?<=,))\s*+(['\"])([^'\",]*+)\1\s*+(?=,|\Z)")
# Text outside of the quotes that negates what follows it.
_NEGATES = re.compile(r"[\s(]*+(?:!|not(?![\w$]))", re.IGNORECASE)
# Text outside of the quotes that joins criteria: only words and symbols of the language.
_JOINS = re.compile(r"(?:[\s&|^()!]|(?<![\w$])(?:and|or|except|not)(?![\w$]))*+\Z", re.IGNORECASE)
# Text outside of the quotes that is not one constant: it ends a value, changes the comparator before it,
# or is null.
_SPLITS = re.compile(
    r"""
    \A\s*+[=<>#%!] | [&|^()\[\]] | \A\s*+null\s*+\Z
    | (?<![\w$]) (?:and|or|except|not|order\s++by) (?![\w$])
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Unclosed(ValueError):
    """A quote does not close again; its argument is that quote."""


def pieces(text: str) -> list[tuple[bool, str]]:
    """What stands inside of quotes (True) and outside of them, in order. Raises ``Unclosed``.

    >>> pieces("'lastName = 'Smith''")
    [(True, 'lastName = '), (False, 'Smith'), (True, '')]
    """
    found, at = [], 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None:
            raise Unclosed(text[at])
        kind = match.lastgroup or ""
        found.append((kind != "outside", match[kind]))
        at = match.end()
    return found


def joined(found: list[tuple[bool, str]]) -> str:
    """The value that ``pieces`` make; a slash or blanks behind the last quote are dropped (U-05)."""
    texts = [text for _, text in found]
    if not found[-1][0]:
        texts[-1] = "" if texts[-1].strip() in ("", "/") else texts[-1].rstrip()
    return "".join(texts)


def unlisted(text: str) -> str:
    """A list of names without the quotes around single ones.

    >>> unlisted("ID,'lastName'")
    'ID,lastName'
    """
    return _LISTED.sub(lambda found: found[2], text)


def is_clear(text: str) -> bool:
    """Whether a filter that came in several pieces cannot mean more than its quotes say.

    Each part outside of the quotes joins criteria, or it is one constant. What does both might be a
    constant that a client has put in quotes, within which the words of the language are data:

    >>> is_clear("'ID = 1' or 'ID = 2'"), is_clear("'name = 'Smith''"), is_clear("'name = 'x or y''")
    (True, True, False)
    """
    found = pieces(text)
    outside = [part for is_inside, part in found if not is_inside]
    if "[" in text and any("," in part for part in outside):
        return False  # one element of a list would become several
    if any(not is_inside and _NEGATES.match(part) for is_inside, part in found[1:]):
        return False  # after a comparator it would negate that, and no criterion continues so
    return all(_JOINS.match(part) or not _SPLITS.search(part) for part in outside)
