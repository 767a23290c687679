"""Behind ``tests/spec/test_nested.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import RestClient
from tests.contract.checks import nothing_changes
from tests.spec.writes import told
from tests.zoo.models import Keeper

pytestmark = pytest.mark.django_db


def test_a_duplicate_that_only_the_database_finds(admin: RestClient, monkeypatch: Any) -> None:
    Keeper.objects.create(name="Ann", badge="a")
    monkeypatch.setattr("fourd_rest.write.gate.clean", lambda *args: None)
    with nothing_changes():
        answer = admin.update("Animal", {"name": "Tiger", "doctor": {"name": "Ann", "badge": "b"}})
    assert told(answer) == (500, [1115, 1046, 1534, 1537, 1534])
