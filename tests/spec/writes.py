"""What the tests of writes share: the moment of every save, and the answers."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from tests.contract.sample import employee

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, 890_123, dt.UTC)
WIRE_NOW = "2026-03-04T05:06:07.890Z"
NOT_SAVED = (1517, 'The entity# 12 in the "Employee" dataclass cannot be saved')


def saved(entity: dict[str, Any], uri: str) -> dict[str, Any]:
    """The answer for an entity that was saved, or that needed no save (D-03)."""
    key, stamp, *others = entity.items()
    head = [("__STATUS", {"success": True}), key, stamp, ("uri", f"http://testserver{uri}")]
    return dict([*head, *others])


def saved_employee(**values: Any) -> dict[str, Any]:
    key = values.get("key", 12)
    return saved(employee(**{"moment": WIRE_NOW, **values}), f"/rest/Employee({key})")


def conflict(key: int | str = 12, dataclass: str = "Employee") -> list[tuple[int, str]]:
    return [
        (1263, f"Given stamp does not match current one for record# {key} of table {dataclass}"),
        (1046, f"Cannot save record {key} in table {dataclass} of database tests"),
        (1517, f'The entity# {key} in the "{dataclass}" dataclass cannot be saved'),
    ]


def codes(document: dict[str, Any]) -> list[int]:
    return [item["errCode"] for item in document.get("__ERROR", ())]


def told(response: Any) -> tuple[int, list[int]]:
    """Status and error codes of an answer that is one object."""
    return response.status_code, codes(json.loads(response.content))
