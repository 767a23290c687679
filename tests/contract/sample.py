"""Entities whose answers are known to the last byte."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from testproject.hr.models import Company, Employee, Invoice

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
WIRE_MOMENT = "2026-01-02T03:04:05.678Z"
NEVER = "0000-00-00T00:00:00.000Z"


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
