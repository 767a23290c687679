"""Names on the wire, and names that look like secrets."""

from __future__ import annotations

import re

from fourd_rest.conf import SECRET_WORDS, secret_fields

# Characters that have a meaning in addresses or in the query language (``query.md`` 2).
_NAME = re.compile(r"[^\W\d]\w*\Z")
# The words of snake_case, camelCase and CONSTANT_CASE names.
_WORD = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_]?[^\W\d_A-Z]+")
# Patterns that also begin harmless words: secretary, secretariat.
_NOT_WITHIN = {"secret": re.compile("secret(?!ar)")}
# Words that also count at the end of another word: no harmless name ends so, and the columns of old
# databases have no underscores (``authtoken``, ``userpwd``).
_ENDINGS = ("token", "pwd")

# Names that entities on the wire have of themselves, beside those that begin with ``__`` (D-11).
RESERVED = frozenset({"uri"})


def is_name(text: str) -> bool:
    """Whether ``text`` can be the name of a dataclass or attribute on the wire."""
    return bool(_NAME.match(text)) and not text.startswith("__")


def is_secret(name: str) -> bool:
    """Whether a field of this name is kept out of the default set (setting ``SECRET_FIELDS``).

    Patterns of up to five letters and ``SECRET_WORDS`` match whole words, also in the plural and written
    together (``accesskey``), ``token`` and ``pwd`` at the end of words too, longer ones anywhere.
    """
    text = name.lower()
    spellings = ([word.lower() for word in _WORD.findall(name)], re.split(r"[_\d]+", text))
    return any(
        any(_are_among(pattern.split("_"), words) for words in spellings)
        if len(pattern) <= 5 or pattern in SECRET_WORDS
        else bool(_NOT_WITHIN.get(pattern, re.compile(re.escape(pattern))).search(text))
        for pattern in secret_fields()
    )


def _are_among(sought: list[str], words: list[str]) -> bool:
    """Whether ``sought`` stand one after the other in ``words``, the last one perhaps in the plural."""
    for form in (sought, ["".join(sought)]):
        *first, last = form
        forms = (last, f"{last}s", f"{last}es")
        for end in range(len(first), len(words)):
            if words[end - len(first) : end] == first and words[end] in forms:
                return True
        if last in _ENDINGS and not first and any(word.endswith(forms) for word in words):
            return True
    return False


def camel_case(name: str) -> str:
    """``first_name`` → ``firstName``."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)
