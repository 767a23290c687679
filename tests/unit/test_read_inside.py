"""Behind ``tests/spec/test_read.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest

from fourd_rest.read.projection import Projection
from tests.conftest import PDF
from tests.spec.test_read import BLOB, body, with_photo

pytestmark = pytest.mark.django_db


def test_how_a_file_is_found_is_put_together_once(admin, monkeypatch):
    """It takes 55 to 824 µs."""
    with_photo()
    assert body(admin.read(BLOB)) == PDF
    monkeypatch.delattr(Projection, "__init__")
    assert body(admin.read(BLOB)) == PDF
