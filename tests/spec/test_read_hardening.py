"""What a client must not learn from a read, and what it must not cost."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest import DataClass
from testproject.hr.models import Company, Employee

pytestmark = pytest.mark.django_db

GONE = "0" * 32


def code(response: Any) -> int:
    found: int = response.json()["__ERROR"][-1]["errCode"]
    return found


class TestHiddenRelated:
    @pytest.mark.parametrize("direction", ["", " desc"])
    def test_an_order_by_a_relation_takes_what_is_hidden_for_null(
        self, admin: Any, registered: Any, direction: str
    ) -> None:
        class Visible(DataClass):
            names = {"id": "ID"}  # noqa: RUF012

            def get_queryset(self, request: Any) -> Any:
                return super().get_queryset(request).exclude(name="hidden")

        hidden = Company.objects.create(name="hidden")
        for name, employer in (("a", hidden), ("b", None), ("c", hidden)):
            Employee.objects.create(first_name=name, last_name="x", employer=employer)
        registered(Company, Visible)
        found = admin.read(f"Employee/firstName?$orderby=employer{direction},firstName").json()
        assert [entity["firstName"] for entity in found["__ENTITIES"]] == ["a", "b", "c"]


class TestQuerysetsOfTheSite:
    @pytest.mark.parametrize(
        "address",
        [
            'Employee?$filter="lastName % x"',
            f"Employee/$entityset/{GONE}?$savedfilter=ID>0",
            f"Employee/$entityset/{GONE}?$savedfilter=ID>0&$orderby=lastName",
        ],
    )
    def test_a_queryset_that_prefetches_is_read_all_the_same(
        self, admin: Any, registered: Any, address: str
    ) -> None:
        class Prefetching(DataClass):
            naming = "camelCase"
            names = {"id": "ID"}  # noqa: RUF012

            def get_queryset(self, request: Any) -> Any:
                return super().get_queryset(request).prefetch_related("managed_companies")

        Employee.objects.create(first_name="a", last_name="x")
        registered(Employee, Prefetching)
        assert admin.read(address).json()["__COUNT"] == 1


class Replicated:
    """Reads companies where there is no database at all."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "replica" if model is Company else None
