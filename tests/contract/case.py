"""One request and the whole answer that it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import RestClient


@dataclass(frozen=True)
class Case:
    """One request and its answer.

    ``who`` is ``admin``, ``guest``, or the one permission that the user holds. ``given`` prepares the
    database and the server; it gets pytest's ``monkeypatch``, ``settings`` and a client.
    """

    name: str
    method: str
    path: str
    status: int
    body: dict[str, Any]
    who: str = "admin"
    sent: Any = None
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    given: Callable[[Any, Any, RestClient], None] | None = None

    @property
    def codes(self) -> set[int]:
        return {item["errCode"] for item in self.body["__ERROR"]}


def limits(**values: int) -> Callable[[Any, Any, Any], None]:
    def given(monkeypatch: Any, settings: Any, client: Any) -> None:
        settings.FOURD_REST = values

    return given
