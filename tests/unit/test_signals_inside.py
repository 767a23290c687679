"""Behind ``tests/spec/test_signals.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest

from fourd_rest.write import batch
from testproject.hr.models import Company
from tests.conftest import RestClient
from tests.spec.test_signals import Heard, heard

__all__ = ["heard"]

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_batch(admin: RestClient, heard: Heard) -> None:
    count = batch.MIN_SIZE
    Company.objects.bulk_create(Company(id=key, name="x") for key in range(1, count + 2))
    items = [{"__KEY": key, "__STAMP": 1, "name": f"n{key}"} for key in range(1, count + 1)]
    items.append({"__KEY": count + 1, "__STAMP": 9, "name": "stale"})
    assert admin.update("Company", items).status_code == 500
    assert [(name, sender, d["created"]) for name, sender, d in heard] == [
        ("entity_saved", Company, False)
    ] * count
    assert [d["instance"].name for *_, d in heard] == [f"n{key}" for key in range(1, count + 1)]
