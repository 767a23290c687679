"""What is not exposed though it was registered or chosen, and why; the system checks report it."""

from __future__ import annotations

from dataclasses import dataclass

LOOKS_SECRET = "its name looks like a secret"  # noqa: S105
IS_RESERVED = "the protocol has this name for the address of an entity"
# For a relation that no column joins to one entity.
NO_JOIN = "no join leads over it to its entities and back"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model or field that is not exposed though it was registered or chosen, and why.

    ``source`` is the Python name of a field, ``rival`` that of the field which has its wire name.
    """

    what: str
    why: str
    source: str = ""
    rival: str = ""
