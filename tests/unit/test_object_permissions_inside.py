"""Behind ``tests/spec/test_object_permissions.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest

from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.spec.test_object_permissions import Granting, grant, staff

__all__ = ["staff"]

pytestmark = pytest.mark.django_db


def test_few_entities_are_looked_at_for_an_upload(
    owner: RestClient, registered: Any, monkeypatch: Any
) -> None:
    asked = []

    class Counted(Granting):
        def has_change_permission(self, request: Any, obj: Any = None) -> bool:
            if obj is not None:
                asked.append(obj.pk)
            return super().has_change_permission(request, obj)

    registered(Employee, Counted)
    monkeypatch.setattr("fourd_rest.dataclass.options.UPLOAD_PROBE", 2)
    for key in (12, 13, 14):
        grant("view", key=key)
    grant("change", key=12)
    assert owner.upload(b"x").status_code == 401
    assert asked == [14, 13]
    grant("change", key=13)
    assert owner.upload(b"x").status_code == 200
