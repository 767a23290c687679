"""A small firm whose every answer is known, for requests that read collections."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.sample import MOMENT, NEVER, WIRE_MOMENT

PEOPLE = (
    # key, first name, last name, salary, employer, manager
    (1, "Ann", "Poe", 100, 1, None),
    (2, "Béa", "poë", 300, 2, 1),
    (3, "Carl", "Zola", None, 1, 1),
    (4, "Dora", "Adams", 200, None, 2),
    (5, "Ann", "Žukov", 300, 2, 2),
)
COMPANIES = {1: "Acme", 2: "Bêta", 3: "Gamma"}


def hire() -> None:
    """The firm: five employees with stamp 1, three companies without a stamp of their own."""
    Company.objects.bulk_create(
        Company(id=key, name=name, creation_date=dt.date(2000 + key, 1, 2), extra={"rank": key})
        for key, name in COMPANIES.items()
    )
    Employee.objects.bulk_create(
        Employee(
            id=key,
            first_name=first,
            last_name=last,
            salary=salary,
            employer_id=employer,
            modified=MOMENT,
        )
        for key, first, last, salary, employer, _ in PEOPLE
    )
    for key, *_, manager in PEOPLE:
        Employee.objects.filter(pk=key).update(manager_id=manager)


def crowd(count: int) -> None:
    """``count`` employees, each with a company of his own and a colleague there, from key 1 on."""
    Company.objects.bulk_create(Company(id=key, name=f"C{key}") for key in range(1, count + 1))
    Employee.objects.bulk_create(
        Employee(id=key, first_name=f"F{key % 7}", last_name=f"L{key:06}", salary=key, employer_id=key)
        for key in range(1, count + 1)
    )


def meta(key: Any, moment: str = WIRE_MOMENT) -> dict[str, Any]:
    return {"__KEY": str(key), "__TIMESTAMP": moment, "__STAMP": 1}


def person(key: int, **values: Any) -> dict[str, Any]:
    """Of employee ``key`` what the metadata tell, and ``values``."""
    return {**meta(key), **values}


def firm(key: int, **values: Any) -> dict[str, Any]:
    return {**meta(key, NEVER), **values}


def page(
    dataclass: str, *entities: Any, count: int | None = None, first: int = 0, stored: str | None = None
) -> dict[str, Any]:
    """The envelope of ``responses.md`` 3; ``stored`` is the address of the set that was made."""
    return {
        **({} if stored is None else {"__ENTITYSET": stored}),
        "__DATACLASS": dataclass,
        "__entityModel": dataclass,
        "__GlobalStamp": 0,
        "__COUNT": len(entities) if count is None else count,
        "__FIRST": first,
        "__ENTITIES": list(entities),
        "__SENT": len(entities),
    }


def keys(response: Any) -> list[str]:
    """Keys of the entities of a page, «-» for a member that is gone."""
    assert response.status_code == 200, response.content
    return [entity.get("__KEY", "-") for entity in response.json()["__ENTITIES"]]


def statements(client: RestClient, path: str, method: str = "GET") -> int:
    """SQL statements of a request, beside those that tell who asks."""
    with CaptureQueriesContext(connection) as captured:
        response = client.rest(method, path)
    assert response.status_code == 200, response.content
    asking = ("django_session", "auth_")
    return sum(not any(word in query["sql"] for word in asking) for query in captured.captured_queries)
