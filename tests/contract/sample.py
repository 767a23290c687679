"""Entities whose answers are known to the last byte."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import picture
from tests.contract.checks import saved
from tests.zoo.models import Everything

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
WIRE_MOMENT = "2026-01-02T03:04:05.678Z"
NEVER = "0000-00-00T00:00:00.000Z"
NOW = datetime(2026, 3, 4, 5, 6, 7, 890_123, UTC)
WIRE_NOW = "2026-03-04T05:06:07.890Z"
NOT_SAVED = (1517, 'The entity# 12 in the "Employee" dataclass cannot be saved')


def john(**values: Any) -> Employee:
    """Employee 12 with stamp 4, which stands in a column of its own."""
    values = {"first_name": "John", "last_name": "Smith", "stamp": 4} | values
    return Employee.objects.create(id=12, modified=MOMENT, **values)


def employee(key: int = 12, stamp: int = 4, moment: str = WIRE_MOMENT, **values: Any) -> dict[str, Any]:
    """An employee as a write answer shows it without ``uri``: empty attributes are left out (D-04)."""
    names = {"firstName": "John", "lastName": "Smith", "salary": None, "birthDate": None}
    names |= {"woman": False, "photo": None, "cv": None, "employer": None, "manager": None}
    filled = {name: value for name, value in (names | values).items() if value is not None}
    place = f"/rest/Employee({key})"
    return {
        "__KEY": str(key),
        "__STAMP": stamp,
        "__TIMESTAMP": moment,
        "ID": key,
        **filled,
        "team": {"__deferred": {"uri": f"{place}/team?$expand=team"}},
        "managedCompanies": {
            "__deferred": {"uri": f"{place}/managedCompanies?$expand=managedCompanies"}
        },
    }


def photo(stamp: int, key: int = 12) -> dict[str, Any]:
    uri = f"/rest/Employee({key})/photo?$imageformat=best&$version={stamp}&$expand=photo"
    return {"__deferred": {"uri": uri, "image": True}}


def cv(stamp: int, key: int = 12) -> dict[str, Any]:
    return {"__deferred": {"uri": f"/rest/Employee({key})/cv?$binary=true&$version={stamp}&$expand=cv"}}


def to_one(dataclass: str, key: int | str) -> dict[str, Any]:
    return {"__deferred": {"uri": f"/rest/{dataclass}({key})", "__KEY": str(key)}}


def acme() -> Company:
    """Company 1, without a row in the table of stamps: such an entity has stamp 1 (D-32)."""
    Company.objects.bulk_create([Company(id=1, name="Acme")])
    return Company.objects.get(id=1)


def inv003(**values: Any) -> Invoice:
    """Invoice 3 of Acme, likewise without a stamp of its own."""
    company = Company.objects.filter(id=1).first() or acme()
    values = {"reference": "inv003", "amount": "10.50", "date": date(2026, 1, 31)} | values
    Invoice.objects.bulk_create([Invoice(id=3, company=company, **values)])
    return Invoice.objects.get(id=3)


def saved_employee(**values: Any) -> dict[str, Any]:
    """An employee as the update that saved it answers, at ``NOW``."""
    key = values.get("key", 12)
    return saved(employee(**{"moment": WIRE_NOW, **values}), f"/rest/Employee({key})")


def conflict(key: int = 12, dataclass: str = "Employee") -> list[tuple[int, str]]:
    """The errors of a stale stamp."""
    return [
        (1263, f"Given stamp does not match current one for record# {key} of table {dataclass}"),
        (1046, f"Cannot save record {key} in table {dataclass} of database tests"),
        (1517, f'The entity# {key} in the "{dataclass}" dataclass cannot be saved'),
    ]


def three() -> None:
    Employee.objects.bulk_create(
        [Employee(id=key, first_name="F", last_name=f"L{key}") for key in (1, 2, 3)]
    )


def names() -> list[tuple[int, str, int]]:
    return list(Employee.objects.order_by("pk").values_list("pk", "first_name", "stamp"))


def change(key: int, stamp: int = 1, **values: Any) -> dict[str, Any]:
    return {"__KEY": str(key), "__STAMP": stamp, "firstName": "New", **values}


def everything() -> Everything:
    """A value in every field, and such as the wire shows in part only."""
    thing = Everything(
        small=-1,
        integer=2**31 - 1,
        big=2**63 - 1,
        positive_small=3,
        positive=4,
        positive_big=5,
        boolean=True,
        floating=0.1,
        decimal=Decimal("12345.6700"),
        char="Zoë",
        nullable_char="",
        text="a\nb",
        slug="a-b",
        email="a@example.com",
        url="https://example.com/?a=1&b=2",
        ip="2001:db8::1",
        uuid=uuid.UUID(int=1),
        date=date(2017, 3, 9),
        moment=datetime(2017, 3, 9, 10, 11, 12, 345_678, UTC),
        time=time(10, 11, 12, 345_678),
        duration=timedelta(days=1, microseconds=1_001),
        json={"b": [1, 2.5, None], "a": {"c": "d"}},
        binary=b"\0\1",
        choice="a",
        shade="grey",
    )
    thing.file.save("a.txt", ContentFile(b"text"), save=False)
    thing.image.save("a.png", ContentFile(picture(), name="a.png"), save=False)
    thing.save()
    return thing
