"""Behind ``tests/spec/test_write_rules.py``: what HTTP alone does not show."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fourd_rest.write import validation
from tests.conftest import RestClient
from tests.contract.checks import (
    codes,
    error,
    nothing_changes,
)
from tests.zoo.models import (
    Everything,
)

pytestmark = pytest.mark.django_db


def test_unique_within_a_day(admin: RestClient, monkeypatch: Any, request: Any) -> None:
    """No database knows this rule. It is judged with all its fields, whichever changes."""
    monkeypatch.setattr(Everything._meta.get_field("slug"), "unique_for_date", "date")
    validation._unique_rules.cache_clear()
    request.addfinalizer(validation._unique_rules.cache_clear)
    day = dt.date(2026, 1, 2)
    Everything.objects.create(id=1, slug="a", date=day)
    Everything.objects.create(id=2, slug="b", date=day)
    Everything.objects.create(id=3, slug="a", date=dt.date(2026, 1, 3))
    with nothing_changes():
        slug = admin.update("Everything", {"__KEY": 2, "__STAMP": 1, "slug": "a"})
        date = admin.update("Everything", {"__KEY": 3, "__STAMP": 1, "date": "2!1!2026"})
    for answer in (slug, date):
        assert codes(answer.json()) == [1569, 1570, 1517]
        assert answer.json()["__ERROR"][0] == error(1569, "slug: Slug must be unique for Date date.")
    answer = admin.update("Everything", {"__KEY": 2, "__STAMP": 1, "slug": "c"})
    assert answer.status_code == 200
