"""Behind ``tests/spec/test_touch.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fourd_rest.dataclass.registry import registry
from fourd_rest.models import EntityStamp
from fourd_rest.stamps import mover
from testproject.hr.models import Company, Employee
from tests.spec.test_touch import _at_now, touch

__all__ = ["_at_now"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", ["hr.Employee", "hr.Company"])
def test_many(monkeypatch: Any, model: str) -> None:
    monkeypatch.setattr(mover, "_BATCH", 10)
    Employee.objects.bulk_create(Employee(first_name="x", last_name="y") for _ in range(25))
    Company.objects.bulk_create(Company(name="x") for _ in range(25))
    with CaptureQueriesContext(connection) as queries:
        assert touch(model) == "25 stamps moved\n"
    # Three batches in transactions of their own: two marks each, and at most two statements.
    assert len(queries) <= 1 + 3 * 4
    found = (
        Employee.objects.values_list("stamp", flat=True)
        if model == "hr.Employee"
        else EntityStamp.objects.values_list("stamp", flat=True)
    )
    assert list(found) == [2] * 25


def test_a_queryset_of_the_site() -> None:
    """``mover.touch`` takes any rows of the dataclass."""
    Company.objects.bulk_create(Company(id=key, name=f"n{key}") for key in (1, 2))
    dataclass = registry.for_model(Company)
    assert mover.touch(dataclass, Company.objects.filter(name="n2")) == 1
    assert EntityStamp.objects.get().key == "2"
