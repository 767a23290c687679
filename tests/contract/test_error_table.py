"""Every row of the error table goes over the wire: whole body, status and headers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from fourd_rest.errors import ROWS
from tests.conftest import RestClient
from tests.contract.case import Case
from tests.contract.checks import assert_answer, nothing_changes
from tests.contract.error_cases import CASES


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_error(case: Case, login: Any, admin: RestClient, monkeypatch: Any, settings: Any) -> None:
    client = {"admin": admin, "guest": RestClient()}.get(case.who) or login(case.who)
    if case.given is not None:
        case.given(monkeypatch, settings, client)
    with nothing_changes():
        response = client.rest(case.method, case.path, case.sent, **case.extra)
    assert_answer(response, case.status, case.body, case.headers)


def test_every_row_has_a_case() -> None:
    """A row that no request can produce is no row."""
    assert {row.code for row in ROWS} == set().union(*(case.codes for case in CASES))


def test_rows_are_told_apart_by_code() -> None:
    assert [code for code, count in Counter(row.code for row in ROWS).items() if count > 1] == []


def test_own_conditions_are_signed_as_such() -> None:
    """D-33: codes from 9001 are ours, all others are 4D's."""
    assert {(row.code > 9000, row.component) for row in ROWS} == {(True, "djng"), (False, "dbmg")}


def test_messages_are_never_empty() -> None:
    assert [row.code for row in ROWS if not row.message.strip()] == []
