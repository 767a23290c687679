"""What stands around the entities of a selection (``responses.md`` 3, 5)."""

from __future__ import annotations

from typing import Any

from fourd_rest.dataclass import DataClass


def envelope(
    entities: list[Any],
    *,
    count: int,
    first: int,
    location: str | None = None,
    dataclass: DataClass | None = None,
) -> dict[str, Any]:
    """The JSON object around ``entities``, those after the first ``first`` of ``count`` in all.

    ``location`` is the address of their entity set; ``dataclass`` is named where nothing else tells it.
    """
    document: dict[str, Any] = {} if location is None else {"__ENTITYSET": location}
    if dataclass is not None:
        document["__DATACLASS"] = document["__entityModel"] = dataclass.name
    document |= {
        "__GlobalStamp": 0,
        "__COUNT": count,
        "__FIRST": first,
        "__ENTITIES": entities,
        "__SENT": len(entities),
    }
    return document
