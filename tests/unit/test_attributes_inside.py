"""Behind ``tests/spec/test_attributes.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest

from fourd_rest.read import shapes
from fourd_rest.read.shapes import picked
from tests.contract.checks import assert_answer, errors
from tests.spec.test_attributes import boss, employees

pytestmark = pytest.mark.django_db


def test_picked_keeps_the_order_in_which_properties_were_named():
    assert list(picked({"a": 1, "b": 2}, {"b": None, "a": None})) == ["b", "a"]


def test_depth_of_properties_is_limited(admin, settings):
    settings.FOURD_REST = {"MAX_JSON_DEPTH": 3}
    boss()
    shapes._built.cache_clear()
    assert admin.read("Company(1)/extra.a.b.c").status_code == 200
    text = "Attributes nest deeper than 3 levels"
    assert_answer(admin.read("Company(1)/extra.a.b.c.d"), 400, errors((9024, text)))


def test_the_number_of_relations_is_limited(admin, monkeypatch):
    employees()
    monkeypatch.setattr(shapes, "MAX_RELATIONS", 3)
    three = "employer.name,manager.ID,employer.ID,team.employer"
    assert admin.read(f"Employee(12)/{three}").status_code == 200
    text = "The query is too large: it expands more than 3 relations"
    answer = admin.read(f"Employee(12)/{three},managedCompanies.ID")
    assert_answer(answer, 400, errors((9022, text)))


def test_the_number_of_properties_is_limited(admin, monkeypatch):
    boss()
    monkeypatch.setattr(shapes, "MAX_PROPERTIES", 3)
    assert admin.read("Company(1)/extra.a,extra.b,extra.c.d").status_code == 200
    text = "The query is too large: it names more than 3 properties"
    answer = admin.read("Company(1)/extra.a,manager.firstName,extra.b,extra.c,extra.d")
    assert_answer(answer, 400, errors((9022, text)))
