"""``Server-Timing`` (setting ``SERVER_TIMING``)."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testproject.hr.models import Company

pytestmark = pytest.mark.django_db

STAGES = re.compile(r"parse;dur=(\d+\.\d), plan;dur=(\d+\.\d), sql;dur=(\d+\.\d), render;dur=(\d+\.\d)")


def stages(response: Any) -> list[float]:
    match = STAGES.fullmatch(response.headers["Server-Timing"])
    assert match, response.headers["Server-Timing"]
    return [float(number) for number in match.groups()]


@pytest.fixture
def timed(settings: Any) -> None:
    settings.FOURD_REST = {"SERVER_TIMING": True}


def test_nothing_is_told_by_default(admin: Any) -> None:
    assert "Server-Timing" not in admin.read("Company").headers


@pytest.mark.usefixtures("timed")
def test_every_answer_tells_its_stages(admin: Any, guest: Any) -> None:
    Company.objects.create(name="x")
    answers = [
        admin.read("Company?$filter=name=x"),
        admin.read("Company(1)"),
        admin.read("$catalog"),
        admin.update("Company", {"name": "y"}),
        admin.rest("DELETE", "Company(77)"),
        admin.read("Company?$filter=name="),
        guest.read("Company"),
        admin.upload(b"%PDF-1.4"),
    ]
    for response in answers:
        assert len(stages(response)) == 4


@pytest.mark.usefixtures("timed")
def test_statements_are_counted(admin: Any, monkeypatch: Any) -> None:
    Company.objects.create(name="x")
    make_cursor = connection.make_cursor

    def slow(cursor: Any) -> Any:
        wrapped = make_cursor(cursor)
        plain = wrapped._execute

        def execute(*args: Any) -> Any:
            time.sleep(0.05)
            return plain(*args)

        wrapped._execute = execute
        return wrapped

    monkeypatch.setattr(connection, "make_cursor", slow)
    response = admin.read("Company?$filter=name=x")
    assert stages(response)[2] >= 50


@pytest.mark.usefixtures("timed")
def test_no_wrapper_is_left(admin: Any) -> None:
    before = list(connection.execute_wrappers)
    admin.read("Company?$filter=name=x")
    admin.read("Nothing")
    assert connection.execute_wrappers == before


@pytest.mark.usefixtures("timed")
def test_no_statement_more(admin: Any, settings: Any) -> None:
    found = []
    for on in (True, False):
        settings.FOURD_REST = {"SERVER_TIMING": on}
        with CaptureQueriesContext(connection) as captured:
            admin.read("Company?$filter=name=x")
        found.append([query["sql"] for query in captured])
    assert len(found[0]) == len(found[1])
