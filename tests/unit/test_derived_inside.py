"""Behind ``tests/spec/test_derived.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from fourd_rest.dataclass.attributes import Scalar
from tests.conftest import RestClient
from tests.contract.sample import john
from tests.spec.test_derived import read, site

__all__ = ["site"]

pytestmark = pytest.mark.django_db


def test_an_annotation_named_like_a_field(site: Any) -> None:
    dataclass = site(annotations={"salary": F("id")})
    (left_out,) = dataclass.fields_left_out
    assert left_out.source == "salary"
    assert isinstance(dataclass.attributes["salary"], Scalar)


def test_a_field_keeps_its_name(admin: RestClient, site: Any) -> None:
    dataclass = site(computed=["full_name", "initials"], names={"full_name": "firstName"})
    assert isinstance(dataclass.attributes["firstName"], Scalar)
    john()
    assert read(admin, "Employee(12)")["firstName"] == "John"
    (left_out,) = dataclass.fields_left_out
    assert (left_out.source, left_out.rival) == ("full_name", "first_name")
