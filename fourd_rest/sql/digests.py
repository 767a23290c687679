"""Digests of texts, for «this text is one of those», however many and however long those are.

Texts have the same digest only if they are the same character by character: neither a collation nor
``fold`` matters. SQLite gets the digest as a function on every connection.
"""

from __future__ import annotations

import hashlib

# The SQL function's name on SQLite.
FUNCTION = "fourd_digest"


def digest(text: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hex digits: what the databases compute as well."""
    # No database gives back half a surrogate pair.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
