"""Fixtures of the tests of the query language."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest import DataClass
from testproject.hr.models import Employee
from tests.spec.conftest import registered

from .datasets import HIDDEN, REGISTERED, double_salary, full_name

__all__ = ["registered", "served"]


@pytest.fixture
def served(registered: Any, monkeypatch: Any, settings: Any) -> None:  # noqa: F811
    """The dataclasses of ``datasets.SCHEMA`` as its rows are made for them."""
    # The data are few: paths may be as long as they like.
    settings.FOURD_REST = {**settings.FOURD_REST, "MAX_TO_MANY_HOPS": 10}
    monkeypatch.setattr(Employee, "full_name", property(full_name), raising=False)
    monkeypatch.setattr(Employee, "double_salary", property(double_salary), raising=False)
    for model, options, hiding in REGISTERED:
        registered(model, served_dataclass(options, hiding))


def served_dataclass(options: dict[str, Any], hiding: str) -> type[DataClass]:
    """A dataclass of ``REGISTERED``, whose rows are hidden where the field ``hiding`` says so."""

    def get_queryset(self: DataClass, request: Any) -> Any:
        rows = DataClass.get_queryset(self, request)
        return rows.exclude(**{hiding: HIDDEN}) if hiding else rows

    return type("Served", (DataClass,), {**options, "get_queryset": get_queryset})
