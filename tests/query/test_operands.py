"""Constants of a filter → values of an attribute's type (``query.md`` 5)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fourd_rest.dataclass import registry
from fourd_rest.errors import RestError
from fourd_rest.query.operands import NOTHING, NULL, property_value, several, value_of
from fourd_rest.query.syntax import Bare, Constant, Given, Items, Operand, Placeholder, Text


def given(value: Any) -> Given:
    return Given(value, ":1")


def value(attribute: str, operand: Operand) -> Any:
    dataclass = registry.get("Everything")
    assert dataclass is not None
    return value_of(dataclass.attributes[attribute], operand)


def refused(attribute: str, operand: Operand) -> tuple[int, str]:
    with pytest.raises(RestError) as caught:
        value(attribute, operand)
    (item,) = caught.value.items
    return item.row.code, item.message


@pytest.mark.parametrize(
    ("attribute", "operand", "found"),
    [
        ("char", Bare("12"), "12"),
        ("char", Text("null"), "null"),
        ("char", given(12), "12"),
        ("char", given(Decimal("1.50")), "1.50"),
        ("char", given(True), NOTHING),
        ("char", Constant(False), NOTHING),
        ("char", Constant(None), NULL),
        ("char", given(None), NULL),
        ("boolean", Constant(True), True),
        ("boolean", given(False), False),
        ("boolean", Bare("1"), NOTHING),
        ("boolean", Text("true"), NOTHING),
        ("integer", Bare("12"), Decimal(12)),
        ("integer", Bare("v20"), Decimal(20)),
        ("integer", Text("-3.5 kg"), Decimal("-3.5")),
        ("integer", Text("none"), NOTHING),
        ("integer", Text("1" * 401), NOTHING),
        ("integer", Constant(True), NOTHING),
        ("integer", given("20"), Decimal(20)),
        ("integer", given(Decimal("1e500")), NOTHING),
        ("floating", Bare("1e3"), Decimal(1000)),
        ("date", Bare("2024-05-01"), dt.date(2024, 5, 1)),
        ("date", Bare("1!5!2024"), dt.date(2024, 5, 1)),
        ("date", Bare("!!2024-05-01!!"), dt.date(2024, 5, 1)),
        ("date", given("2024-05-01T10:00:00Z"), dt.date(2024, 5, 1)),
        ("date", Bare("0!0!0"), NULL),
        ("date", Bare("soon"), NOTHING),
        ("date", Constant(True), NOTHING),
        ("time", Bare("10:11:12"), dt.time(10, 11, 12)),
        ("duration", given(1500), dt.timedelta(milliseconds=1500)),
        ("uuid", Text("0" * 31 + "1"), UUID(int=1)),
        ("uuid", Bare("1"), NOTHING),
    ],
)
def test_values(attribute: str, operand: Operand, found: Any) -> None:
    assert value(attribute, operand) == found


@pytest.mark.parametrize(
    ("attribute", "sent"),
    [
        ("char", ["a"]),
        ("char", {"a": 1}),
        ("boolean", 1),
        ("boolean", "true"),
        ("integer", True),
        ("integer", "none"),
        ("date", "soon"),
        ("date", 5),
        ("uuid", "1"),
    ],
)
def test_placeholders_of_a_wrong_type(attribute: str, sent: Any) -> None:
    assert refused(attribute, given(sent)) == (1280, "The query placeholder :1 is not a valid type")


@pytest.mark.parametrize(
    ("operand", "found"),
    [
        (Constant(None), None),
        (Constant(True), True),
        (Text("12"), "12"),
        (Bare("12"), 12),
        (Bare("12.50"), Decimal("12.50")),
        (Bare("1e30"), Decimal("1e30")),
        (Bare("1" * 401), "1" * 401),
        (Bare("Lima West"), "Lima West"),
        (given([1, "a"]), [1, "a"]),
        (Items((Bare("1"), Text("1"), Constant(None))), [1, "1", None]),
    ],
)
def test_values_of_properties(operand: Operand, found: Any) -> None:
    shown = property_value(operand)
    assert (shown, type(shown)) == (found, type(found))


def test_properties_of_a_wrong_type() -> None:
    with pytest.raises(RestError) as caught:
        property_value(given({"a": 1}))
    assert caught.value.items[0].row.code == 1280
    with pytest.raises(AssertionError, match="bind comes first"):
        property_value(Placeholder("1"))


def test_elements_of_lists(settings: Any) -> None:
    assert list(several(Items((Bare("1"), Text("a"))))) == [Bare("1"), Text("a")]
    assert list(several(given([1, None]))) == [given(1), given(None)]
    assert list(several(Bare("1"))) == [Bare("1")]
    with pytest.raises(RestError) as caught:
        list(several(given([[1]])))
    assert caught.value.items[0].row.code == 1280
    settings.FOURD_REST = {"MAX_IN_VALUES": 1}
    with pytest.raises(RestError) as caught:
        list(several(given([1, 2])))
    assert caught.value.items[0].message == "The query is too large: a list has more than 1 elements"
