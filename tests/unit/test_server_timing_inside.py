"""Behind ``tests/spec/test_server_timing.py``: what HTTP alone does not show."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection

from fourd_rest.dataclass import values
from fourd_rest.views import lifecycle
from testproject.hr.models import Company
from tests.spec.test_server_timing import stages, timed

__all__ = ["timed"]

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("timed")
def test_stages_are_what_they_say(admin: Any, monkeypatch: Any) -> None:
    """Each stage is slow by itself, and no time counts twice."""
    Company.objects.create(name="x")

    def dumps(document: Any) -> bytes:
        time.sleep(0.06)
        return values.dumps(document)

    def slow(execute: Any, *args: Any) -> Any:
        if "hr_company" in args[0]:
            time.sleep(0.12)
        return execute(*args)

    monkeypatch.setattr(lifecycle, "dumps", dumps)
    with connection.execute_wrapper(slow):
        begin = time.perf_counter()
        response = admin.read("Company?$filter=name=x")
        whole = (time.perf_counter() - begin) * 1000
    parse, plan, sql, render = stages(response)
    assert 60 <= render < 120
    assert parse + plan + sql + render <= whole + 1
    assert plan >= 100, "a wrapper of the site's is not the database"
    assert sql < 100
