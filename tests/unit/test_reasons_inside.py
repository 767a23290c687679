"""Behind ``tests/spec/test_reasons.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest.stamps import mover
from tests.conftest import RestClient
from tests.contract.checks import nothing_changes
from tests.contract.sample import change, three
from tests.spec.test_reasons import LONG

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("name", "first"), [(LONG, 1569), ("New", 1263)])
@pytest.mark.parametrize("params", ["", "$atomic=true"])
def test_a_stamp_that_becomes_stale_meanwhile(
    admin: RestClient, monkeypatch: Any, name: str, first: int, params: str
) -> None:
    """Found in the transaction."""
    three()
    monkeypatch.setattr(mover, "compare_and_swap", lambda *args, **kwargs: False)
    with nothing_changes():
        answer = admin.update("Employee", change(1, firstName=name), params)
    assert (answer.status_code, answer.json()["__ERROR"][0]["errCode"]) == (500, first)
