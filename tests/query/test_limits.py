"""What a filter and its request may ask for in all (9022, D-59), and what many criteria become."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors

pytestmark = pytest.mark.django_db

HOPS = errors((9022, "The query is too large: a path passes more than 2 relations to many"))
PATHS = errors((9022, "The query is too large: it has more than 3 paths"))


@pytest.mark.parametrize(
    ("path", "is_refused"),
    [
        ('Employee?$filter="employer.staff.employer.staff.lastName=x"', False),
        ('Employee?$filter="employer.staff.employer.staff.employer.staff.lastName=x"', True),
        ('Employee?$filter="not(employer.staff.employer.staff.employer.staff.lastName=x)"', True),
        # The related entities themselves are a step as any other.
        ('Employee?$filter="team.team=null"', False),
        ('Employee?$filter="team.team.team=null"', True),
        ('Employee?$filter="team.team.team"', True),
        ('Employee?$method=entityset&$filter="ID=1 or team.team.team.ID=1"', True),
        ('Employee?$filter=":1=x"&$params=["team.team.team.lastName"]', True),
        # Of relations to one there may be as many as before.
        ('Employee?$filter="manager.manager.manager.manager.lastName=x"', False),
    ],
)
def test_relations_to_many_on_a_path(admin: RestClient, path: str, is_refused: bool) -> None:
    answer = admin.read(path)
    if is_refused:
        assert_answer(answer, 400, HOPS)
    else:
        assert answer.status_code == 200, answer.content


def test_relations_to_many_on_a_path_of_a_delete(admin: RestClient) -> None:
    path = 'Employee?$method=delete&$filter="team.team.team.ID=1"'
    assert_answer(admin.rest("POST", path), 400, HOPS)


@pytest.mark.parametrize(
    ("path", "is_refused"),
    [
        ("Company/extra.a,extra.b,extra.c?$compute=$all", False),
        ("Company/extra.a,extra.b,extra.c,extra.d?$compute=$all", True),
        ("Company/extra.a,extra.b,extra.c,extra.d?$compute=count", True),
        ("Company/extra.a,extra.b,extra.c,extra.d?$distinct=true", True),
        ("Company?$attributes=extra.a,extra.b,manager.ID,manager.lastName", True),
        ("Company?$orderby=extra.a,extra.b,extra.c,manager.ID", True),
        ("Company?$expand=staff.team,staff.manager,staff.employer,manager.team", True),
        ("Company(1)?$expand=staff.team,staff.manager,staff.employer,manager.team", True),
        ("Company(1)/extra.a,extra.b,extra.c,extra.d", True),
        # All together, each once.
        ('Company?$filter="extra.a=1 or extra.b=2"&$orderby=extra.c&$attributes=manager.ID', True),
        (
            'Company?$filter="extra.a=1 or extra.b=2"&$orderby=extra.a&$attributes=extra.b,manager.ID',
            False,
        ),
        ('Company?$filter="extra.a=1 or extra.a=2 or extra.a=3 or extra.a=4"', False),
        ("Company/ID,name,creationDate,revenues?$compute=$all", False),
    ],
)
def test_paths_of_one_request(admin: RestClient, settings, path: str, is_refused: bool) -> None:
    Company.objects.create(pk=1, name="Acme")
    settings.FOURD_REST = {"MAX_PATHS": 3}
    answer = admin.read(path)
    if is_refused:
        assert_answer(answer, 400, PATHS)
    else:
        assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("joined", "found"),
    [
        (" or ".join(f"lastName = q{n}" for n in range(200)), [1]),
        (" | ".join(f"lastName === 'q{n}'" for n in range(200)), [1]),
        (" and ".join(f"lastName != q{n}" for n in range(200)), [2]),
        ("not(" + " or ".join(f"lastName = q{n}" for n in range(200)) + ")", [2]),
        (" and ".join(f"not(lastName = q{n})" for n in range(200)), [2]),
        (" or ".join(f"employer.staff.lastName = q{n}" for n in range(200)), [1, 2]),
    ],
)
def test_many_values_of_one_text_are_one_list(admin: RestClient, joined: str, found: list[int]) -> None:
    """The text is folded once for each entity, whatever the number of values."""
    company = Company.objects.create(name="Acme")
    for pk, name in ((1, "Q7"), (2, "other")):
        Employee.objects.create(pk=pk, last_name=name, employer=company)
    with CaptureQueriesContext(connection) as captured:
        answer = admin.read(f"Employee?$attributes=ID&$orderby=ID&$filter={joined}".replace(" ", "%20"))
    assert [entity["ID"] for entity in answer.json()["__ENTITIES"]] == found
    sql = captured.captured_queries[-1]["sql"]
    assert sql.count("last_name") <= 3
    assert sql.upper().count("EXISTS") <= 1


def test_as_many_values_as_a_list_may_have(admin: RestClient, settings) -> None:
    """A list that would be too long is several; nobody is refused for what he wrote apart."""
    settings.FOURD_REST = {"MAX_IN_VALUES": 2}
    Employee.objects.create(pk=1, last_name="d")
    Employee.objects.create(pk=2, last_name="f")
    filter_ = " or ".join(f"lastName={name}" for name in "abcde")
    answer = admin.read(f'Employee?$filter="{filter_}"'.replace(" ", "%20"))
    assert [entity["ID"] for entity in answer.json()["__ENTITIES"]] == [1]
