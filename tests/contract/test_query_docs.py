"""Every example of ``docs/query.md`` answers what stands beside it, on the tables at its head.

An example is one line of a ``query`` block: the request after ``/rest/``, an arrow, and the keys, the
word ``none``, or ``error`` and a code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db.models import Count

from testproject.hr.fourd import EmployeeDataClass
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.spec.conftest import registered

__all__ = ["registered"]

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "query.md").read_text(encoding="utf-8")


def examples() -> Iterator[tuple[str, str]]:
    for block in re.findall(r"```query\n(.*?)```", DOCS, re.DOTALL):
        for line in block.splitlines():
            request, _, expected = line.partition("→")
            yield request.strip(), expected.strip()


def rows(dataclass: str) -> Iterator[dict[str, Any]]:
    """The rows of the table whose first column is called ``dataclass``, by attribute."""
    table = DOCS.split(f"| {dataclass} |")[1].split("\n\n")[0]
    head, _, *lines = f"| {dataclass} |{table}".splitlines()
    names = [cell.strip() for cell in head.strip("|").split(" | ")]
    for line in lines:
        texts = [cell.strip("| `") for cell in line.split(" | ")]
        yield {name: None if text == "null" else text for name, text in zip(names, texts, strict=True)}


@pytest.fixture
def derived(registered: Any) -> None:
    """The sample site with the attributes that the docs add to it."""

    class Derived(EmployeeDataClass):
        fields = [*EmployeeDataClass.fields, "modified"]  # noqa: RUF012
        computed = ["full_name"]  # noqa: RUF012
        aliases = {"employerName": "employer.name"}  # noqa: RUF012

    registered(Employee, Derived)
    registered(
        Company, naming="camelCase", names={"id": "ID"}, annotations={"headcount": Count("staff")}
    )


@pytest.fixture
def data(db: None, derived: None) -> None:
    for row in rows("Company"):
        Company.objects.create(
            id=row["Company"],
            name=row["name"],
            creation_date=row["creationDate"],
            revenues=row["revenues"],
            extra=row["extra"] and json.loads(row["extra"]),
        )
    for row in rows("Employee"):
        Employee.objects.create(
            id=row["Employee"],
            first_name=row["firstName"],
            last_name=row["lastName"],
            salary=row["salary"],
            birth_date=row["birthDate"],
            woman=row["woman"] == "true",
            employer_id=row["employer"],
        )
        Employee.objects.filter(pk=row["Employee"]).update(modified=row["modified"])


def run(client: RestClient, request: str) -> str:
    """The answer to ``GET /rest/{request}``, written as the examples are."""
    address, _, query = request.partition("?")
    # As a client sends it: separators raw, everything else encoded where a URL needs it.
    answer = client.read(f"{address}?{quote(query, safe='$&=')}")
    body = answer.json()
    if answer.status_code != 200:
        return f"error {body['__ERROR'][-1]['errCode']}"
    keys = [int(entity["__KEY"]) for entity in body["__ENTITIES"]]
    assert body["__COUNT"] == len(keys)
    if "order" not in request:
        keys.sort()
    return ", ".join(map(str, keys)) or "none"


def test_the_tables_are_read() -> None:
    companies, employees = list(rows("Company")), list(rows("Employee"))
    assert [row["Company"] for row in companies] == ["1", "2", "3", "4"]
    assert companies[3]["extra"] is None
    assert json.loads(companies[0]["extra"])["tags"][1] == {"name": "family", "level": 1}
    assert employees[3] == {
        "Employee": "4",
        "firstName": "Jean",
        "lastName": "Martín",
        "salary": "30000",
        "birthDate": "1975-12-24",
        "woman": "false",
        "employer": None,
        "modified": "2026-05-02T00:00:00.000000Z",
    }


def test_every_comparator_and_connector_has_an_example() -> None:
    requests = "\n".join(request for request, _ in examples())
    words = ["===", "!=", "= not", "is not", ">=", " in ", " begin ", " % ", " & ", " | ", " except "]
    assert [word for word in words if word not in requests] == []
    assert len(list(examples())) > 130


@pytest.mark.parametrize(("request_", "expected"), list(examples()))
def test_example(admin: RestClient, data: None, request_: str, expected: str) -> None:
    assert run(admin, request_) == expected
