"""Fixtures of the tests of the query language."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest import DataClass
from tests.spec.conftest import registered

from .datasets import HIDDEN, REGISTERED

__all__ = ["registered", "served"]


@pytest.fixture
def served(registered: Any) -> None:  # noqa: F811
    """The dataclasses of ``datasets.SCHEMA`` as its rows are made for them."""
    for model, options, hiding in REGISTERED:
        registered(model, _dataclass(options, hiding))


def _dataclass(options: dict[str, Any], hiding: str) -> type[DataClass]:
    def get_queryset(self: DataClass, request: Any) -> Any:
        rows = DataClass.get_queryset(self, request)
        return rows.exclude(**{hiding: HIDDEN}) if hiding else rows

    return type("Served", (DataClass,), {**options, "get_queryset": get_queryset})
