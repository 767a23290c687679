"""The order of a collection that no client sorted: nulls come first, wherever the rows are (D-18)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from fourd_rest import DataClass
from fourd_rest.sql import row_order
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("ordering", "names"),
    [
        (["salary", "id"], "cab"),
        (["-salary", "id"], "bac"),
        ([F("salary").desc(nulls_first=True), "id"], "cba"),
        (["-employer__name", "-id"], "bca"),
        (["employer", "-id"], "cab"),
        ([], "abc"),
    ],
)
def test_an_order_of_the_site(
    admin: RestClient, registered: Any, ordering: list[Any], names: str
) -> None:
    companies = [Company.objects.create(name=name) for name in "xy"]
    for name, salary, employer in (("a", 1, 0), ("b", 2, 1), ("c", None, 0)):
        Employee.objects.create(
            first_name=name, last_name=name, salary=salary, employer=companies[employer]
        )
    registered(Employee, ordering=ordering)
    shown = admin.read("Employee").json()["__ENTITIES"]
    assert "".join(entity["last_name"] for entity in shown) == names


class Restricted(DataClass):
    ordering = ("salary", "-birth_date", "last_name", "?")

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(last_name__gt="")


@pytest.mark.parametrize("reads_its_column", [True, False])
def test_names_that_a_manager_gives_a_meaning(
    registered: Any, monkeypatch: pytest.MonkeyPatch, reads_its_column: bool
) -> None:
    """Under the name of a column it may read another one: that of a language, say."""
    monkeypatch.setattr(row_order, "selects", lambda model, field: reads_its_column)
    order = row_order.default_order(registered(Employee, Restricted))
    kinds = [isinstance(item, row_order.NullOrder) for item in order[:4]]
    assert kinds == [reads_its_column, reads_its_column, False, False]
