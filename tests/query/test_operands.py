"""Constants of a filter → values of an attribute's type (``query.md`` 5)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fourd_rest.dataclass import registry
from fourd_rest.errors import RestError
from fourd_rest.query.constants import (
    NULL,
    Beyond,
    key_of,
    meant,
    property_value,
    several,
    value_of,
)
from fourd_rest.request.filter_syntax import (
    Bare,
    Constant,
    Given,
    Items,
    Operand,
    Placeholder,
    Text,
)


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
        ("char", Bare("True"), "True"),
        ("char", Text("true"), "true"),
        ("char", Constant(None), NULL),
        ("char", given(None), NULL),
        ("boolean", Constant(True), True),
        ("boolean", given(False), False),
        ("boolean", Text("true"), True),
        ("boolean", Bare("FALSE"), False),
        ("boolean", given(" True"), True),
        ("integer", Bare("12"), Decimal(12)),
        ("integer", Bare("v20"), Decimal(20)),
        ("integer", Text("-3.5 kg"), Decimal("-3.5")),
        ("integer", Text("€ -3.50"), Decimal("-3.5")),
        ("integer", Text("20 %"), Decimal(20)),
        ("integer", Text("1" * 401), Decimal("1" * 401)),
        ("integer", Bare("2.5"), Decimal("2.5")),
        ("integer", Bare("1e1234"), Decimal("1e1234")),
        ("integer", Bare("-1e12345678901"), Decimal("-1e999999999")),
        ("integer", Bare("1e-12345678901"), Decimal("1e-999999999")),
        ("integer", given("20"), Decimal(20)),
        ("integer", given(Decimal("1e500")), Decimal("1e500")),
        ("floating", Bare("1e3"), Decimal(1000)),
        ("date", Bare("2024-05-01"), dt.date(2024, 5, 1)),
        ("date", Bare("1!5!2024"), dt.date(2024, 5, 1)),
        ("date", Bare("!!2024-05-01!!"), dt.date(2024, 5, 1)),
        ("date", given("2024-05-01T10:00:00Z"), dt.date(2024, 5, 1)),
        ("date", Bare("0!0!0"), NULL),
        ("time", Bare("10:11:12"), dt.time(10, 11, 12)),
        ("duration", given(1500), dt.timedelta(milliseconds=1500)),
        ("duration", Bare("1500.5"), dt.timedelta(microseconds=1_500_500)),
        ("duration", given(Decimal("1500.0000001")), dt.timedelta(microseconds=1_500_001)),
        ("duration", Bare("9223372036854775"), dt.timedelta(milliseconds=9223372036854775)),
        ("duration", Bare("9223372036854775.9"), Beyond(True)),
        ("duration", given(10**20), Beyond(True)),
        ("duration", Bare("-1e999999999"), Beyond(False)),
        ("time", Bare("86399999"), dt.time(23, 59, 59, 999_000)),
        ("time", given(Decimal("86399999.5")), dt.time(23, 59, 59, 999_500)),
        ("time", Bare("86400000"), Beyond(True)),
        ("time", Bare("-1"), Beyond(False)),
        ("uuid", Text("0" * 31 + "1"), UUID(int=1)),
    ],
)
def test_values(attribute: str, operand: Operand, found: Any) -> None:
    assert value(attribute, operand) == found


@pytest.mark.parametrize(
    ("attribute", "operand", "named"),
    [
        ("char", Constant(True), "true"),
        ("char", Constant(False), "false"),
        ("boolean", Bare("1"), "1"),
        ("boolean", Text("yes"), "yes"),
        ("integer", Bare("lots"), "lots"),
        ("integer", Constant(True), "true"),
        ("integer", Text(""), ""),
        ("integer", Bare("5+and+x=1"), "5+and+x=1"),
        ("integer", Bare("5+and+woman"), "5+and+woman"),
        ("integer", Bare("5, woman = true"), "5, woman = true"),
        ("integer", Bare("5;x#y"), "5;x#y"),
        ("integer", Text("5 or 7"), "5 or 7"),
        ("integer", Bare("1,000"), "1,000"),
        ("decimal", Bare("1.000,50"), "1.000,50"),
        ("floating", Bare("31.12.2024"), "31.12.2024"),
        ("floating", Text("none"), "none"),
        ("decimal", Bare("inf"), "inf"),
        ("date", Bare("31.12.2024"), "31.12.2024"),
        ("date", Bare("2024-02-30"), "2024-02-30"),
        ("date", Bare("30!2!2024"), "30!2!2024"),
        ("date", Bare("20240230"), "20240230"),
        ("date", Constant(True), "true"),
        ("moment", Text("noon"), "noon"),
        ("time", Bare("25:00:00"), "25:00:00"),
        ("duration", Text("long"), "long"),
        ("uuid", Bare("1"), "1"),
        ("uuid", Constant(False), "false"),
    ],
)
def test_constants_that_fit_no_value(attribute: str, operand: Operand, named: str) -> None:
    assert refused(attribute, operand) == (1280, f'The query constant "{named}" is not a valid type')


@pytest.mark.parametrize(
    ("attribute", "sent"),
    [
        ("char", ["a"]),
        ("char", {"a": 1}),
        ("char", True),
        ("boolean", 1),
        ("boolean", "yes"),
        ("integer", True),
        ("integer", "none"),
        ("date", "soon"),
        ("date", 5),
        ("uuid", "1"),
    ],
)
def test_placeholders_of_a_wrong_type(attribute: str, sent: Any) -> None:
    assert refused(attribute, given(sent)) == (1280, "The query placeholder :1 is not a valid type")


BLANKS = [
    *("0000-00-00", "0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00", "0!0!0"),
    *("00!00!0000", "!!0000-00-00!!", "0%210%210", " 0!0!0 ", ""),
]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("attribute", ["date", "moment", "auto_now"])
def test_blank_dates_mean_null(attribute: str, blank: str) -> None:
    dataclass = registry.get("Everything")
    assert dataclass is not None
    found = dataclass.attributes[attribute]
    for operand in (Bare(blank), Text(blank), given(blank)):
        assert meant(found, operand) == Constant(None)
        assert value_of(found, operand) is NULL
    assert meant(found, Items((Bare(blank), Bare("2024-05-01")))) == Items(
        (Constant(None), Bare("2024-05-01"))
    )
    assert meant(found, given([blank, "x", None])) == given([None, "x", None])


def test_what_an_empty_text_means() -> None:
    """Null, where null may be and a text may not (D-47)."""
    dataclass = registry.get("Everything")
    assert dataclass is not None
    nulled = {
        name
        for name, attribute in dataclass.attributes.items()
        if meant(attribute, Text("")) == Constant(None)
    }
    texts = {"char", "nullable_char", "text", "slug", "email", "url", "ip", "choice", "shade", "hidden"}
    assert dataclass.attributes.keys() - nulled == {*texts, "loud", "json", "id", "file", "image"}
    employee = registry.get("Employee")
    assert employee is not None
    assert meant(employee.attributes["employer"], given("")) == Constant(None)
    # No date elsewhere than in a date.
    assert meant(dataclass.attributes["char"], Bare("0!0!0")) == Bare("0!0!0")
    assert meant(dataclass.attributes["integer"], Bare("0000-00-00")) == Bare("0000-00-00")


@pytest.mark.parametrize(
    ("name", "operand", "found"),
    [
        ("Employee", Bare("12"), 12),
        ("Employee", Text(" 12 "), 12),
        ("Employee", given("12"), 12),
        ("Employee", given(Decimal("12.0")), 12),
        ("Employee", Bare("1.2e1"), 12),
        ("Employee", Bare("2.5"), Beyond(True)),
        ("Employee", given(-(10**20)), Beyond(False)),
        ("Country", Bare("007"), "007"),
        ("Country", given(7), "7"),
        ("Parcel", Bare("1" * 32), UUID("1" * 32)),
        ("Employee", Constant(None), NULL),
    ],
)
def test_keys(name: str, operand: Operand, found: Any) -> None:
    dataclass = registry.get(name)
    assert dataclass is not None
    key = key_of(dataclass, operand)
    assert (key, type(key)) == (found, type(found))


@pytest.mark.parametrize(
    ("name", "operand"),
    [
        ("Employee", Bare("x")),
        ("Employee", Bare("v20")),
        ("Employee", Constant(True)),
        ("Country", Constant(True)),
        ("Parcel", Bare("1")),
        ("Parcel", given(1)),
    ],
)
def test_what_is_no_key(name: str, operand: Operand) -> None:
    dataclass = registry.get(name)
    assert dataclass is not None
    with pytest.raises(RestError) as caught:
        key_of(dataclass, operand)
    assert [item.row.code for item in caught.value.items] == [1280]


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
