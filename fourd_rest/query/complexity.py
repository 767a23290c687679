"""What a database says of a statement that is more than it takes.

The limits of the settings keep most of it away, but each database counts in units of its own: levels of
parentheses, tables in a join, parameters.
"""

from __future__ import annotations

from django.db import DatabaseError

_SQLITE = (
    "parser stack overflow",
    "Expression tree is too large",
    "too many SQL variables",
    "too many columns",
    "too many terms in ORDER BY",
    "tables in a join",
    "string or blob too big",
    "LIKE or GLOB pattern too complex",
)
_POSTGRESQL = "54"  # the class of «program limit exceeded», stack depth included
# MariaDB: memory to sort, tables in a join, columns, packet, prepared placeholders, thread stack,
# nesting of selects
_MARIADB = {1038, 1116, 1117, 1153, 1390, 1436, 1473}


def is_too_complex(error: DatabaseError) -> bool:
    """Whether the database refuses a statement because of its size."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    number = error.args[0] if error.args else None
    text = str(error)
    return state.startswith(_POSTGRESQL) or number in _MARIADB or any(map(text.__contains__, _SQLITE))
