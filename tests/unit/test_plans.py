"""``$queryplan`` and ``$querypath`` (``responses.md`` 13, setting ``QUERY_PLANS``)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from fourd_rest.read import query_plan
from fourd_rest.request.filter_syntax import (
    And,
    Bare,
    Comparator,
    Comparison,
    Constant,
    Except,
    Given,
    IsTrue,
    Items,
    Not,
    Or,
    Path,
    Step,
    Text,
)
from testproject.hr.models import Employee
from tests.spec.selections import guest, select, statements

pytestmark = pytest.mark.django_db


def criterion(path: str, comparator: Comparator, operand: Any) -> Comparison:
    return Comparison(Path(tuple(map(Step, path.split(".")))), comparator, operand)


RICH = criterion("salary", Comparator.GREATER, Bare("10"))
POE = criterion("employer.name", Comparator.IDENTICAL, Text("Poe"))
WOMAN = IsTrue(Path((Step("woman"),)))


def tree(where: Any) -> Any:
    return query_plan.plan(select("Employee"), where, plan=True)["__queryPlan"]


def test_the_tree_of_a_filter() -> None:
    assert tree(RICH) == {"item": "Employee.salary > 10"}
    join = {
        "item": "Join on Table : Company  :  Employee.employer = Company.ID",
        "subquery": [{"item": "Company.name === Poe"}],
    }
    assert tree(And((POE, RICH))) == {"And": [join, {"item": "Employee.salary > 10"}]}
    woman = {"item": "Employee.woman = true"}
    assert tree(Or((Not(WOMAN), Except(RICH, WOMAN)))) == {
        "Or": [{"Not": [woman]}, {"Except": [{"item": "Employee.salary > 10"}, woman]}]
    }


@pytest.mark.parametrize(
    ("operand", "shown"),
    [
        (Text("a b"), "a b"),
        (Constant(None), "null"),
        (Constant(True), "true"),
        (Given("é", "1"), "é"),
        (Given([1, "é"], "1"), '[1, "é"]'),
        (Items((Text("Ann"), Bare("12"), Constant(None))), "[Ann, 12, null]"),
    ],
)
def test_operands(operand: Any, shown: str) -> None:
    expected = {"item": f"Employee.lastName begin {shown}"}
    assert tree(criterion("lastName", Comparator.BEGIN, operand)) == expected


def test_paths_with_references_and_objects() -> None:
    path = Path((Step("employer", reference=2), Step("extra"), Step("tags", "a"), Step("n")))
    assert tree(Comparison(path, Comparator.IN, Items(()))) == {
        "item": "Join on Table : Company  :  Employee.employer = Company.ID",
        "subquery": [{"item": "Company.extra.tags[a].n in []"}],
    }


def test_the_plan_of_the_database() -> None:
    rows = Employee.objects.filter(salary__gt=417, last_name="a secret of the site")
    selection = select("Employee", queryset=rows)
    shown = query_plan.plan(selection, And((POE, RICH)), plan=True)
    assert list(shown) == ["__queryPlan", "__extendedQueryPlan"]
    extended = shown["__extendedQueryPlan"]
    assert list(extended) == ["type", "logicOper", "parts", "sql", "explain"]
    assert (extended["type"], extended["logicOper"]) == ("LogicOperatorNode", "And")
    assert extended["parts"] == [
        {
            "type": "JoinNode",
            "targetTable": "Company",
            "joinPath": "Employee.employer = Company.ID",
            "filter": {
                "type": "SeqNode",
                "table": "Company",
                "field": "name",
                "oper": "===",
                "value": "Poe",
            },
        },
        {"type": "SeqNode", "table": "Employee", "field": "salary", "oper": ">", "value": "10"},
    ]
    quote = connection.ops.quote_name
    table, salary = quote("hr_employee"), quote("salary")
    assert f"{table}.{salary} > %s" in extended["sql"]
    assert extended["sql"].startswith(f"SELECT {table}.{quote('id')}")
    lines = "\n".join(extended["explain"])
    assert "hr_employee" in lines
    # No value, neither of the filter nor of a rule about rows.
    for text in (extended["sql"], lines):
        assert "a secret" not in text
        assert "417" not in text


def test_a_filter_that_nothing_can_match() -> None:
    selection = select("Employee", queryset=Employee.objects.none())
    extended = query_plan.plan(selection, RICH, plan=True)["__extendedQueryPlan"]
    assert (extended["sql"], extended["explain"]) == (None, [])


def test_the_path_of_a_query(monkeypatch: Any) -> None:
    ticks = iter([1.0, 1.0125])
    monkeypatch.setattr(query_plan, "perf_counter", lambda: next(ticks))
    Employee.objects.create(id=1, first_name="", last_name="", salary=20)
    shown = query_plan.plan(select("Employee"), And((POE, RICH)), path=True)
    step = {
        "description": "AND",
        "time": 12,
        "recordsfounds": 1,
        "steps": [
            {
                "description": "Join on Table : Company  :  Employee.employer = Company.ID",
                "steps": [{"description": "Company.name === Poe"}],
            },
            {"description": "Employee.salary > 10"},
        ],
    }
    assert shown == {"__queryPath": {"steps": [step]}}
    assert list(shown["__queryPath"]["steps"][0]) == list(step)


def test_both() -> None:
    shown, count = statements(lambda: query_plan.plan(select("Employee"), RICH, plan=True, path=True))
    assert list(shown) == ["__queryPath", "__queryPlan", "__extendedQueryPlan"]
    assert count == 2
    assert query_plan.plan(select("Employee"), RICH) == {}


def test_only_with_a_filter() -> None:
    assert statements(lambda: query_plan.plan(select("Employee"), None, plan=True, path=True)) == ({}, 0)


@pytest.mark.parametrize(
    ("setting", "seen_by"),
    [
        ("nobody", set()),
        (None, {"root"}),
        ("superuser", {"root"}),
        ("staff", {"root", "staff"}),
        ("everybody", {"root", "staff", "plain", ""}),
    ],
)
def test_who_may_see_it(settings: Any, setting: str | None, seen_by: set[str]) -> None:
    if setting is not None:
        settings.FOURD_REST = {"QUERY_PLANS": setting}
    for user in (
        User(username="root", is_superuser=True),
        User(username="staff", is_staff=True),
        User(username="plain"),
        guest(),
    ):
        shown, count = statements(
            lambda user=user: query_plan.plan(select("Employee", user=user), RICH, plan=True, path=True)
        )
        assert (bool(shown), bool(count)) == (user.username in seen_by,) * 2


def test_through_an_address(admin: Any, login: Any) -> None:
    Employee.objects.create(id=1, first_name="", last_name="", salary=20)
    path = "Employee/ID?$filter='salary > 10'&$queryplan=true&$querypath=true"
    shown = admin.read(path).json()
    assert list(shown)[:4] == ["__queryPath", "__queryPlan", "__extendedQueryPlan", "__DATACLASS"]
    assert shown["__queryPlan"] == {"item": "Employee.salary > 10"}
    assert shown["__queryPath"]["steps"][0]["recordsfounds"] == 1
    plain = login("hr.view_employee").read(path).json()
    assert list(plain)[0] == "__DATACLASS"
    assert plain["__ENTITIES"] == shown["__ENTITIES"]
