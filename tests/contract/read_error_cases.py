"""The errors of queries, lists, entity sets and forms, one request for each row of the table."""

from __future__ import annotations

from typing import Any

from fourd_rest.dataclass import registry
from fourd_rest.sql import limits as limits_of_time
from tests.conftest import RestClient
from tests.contract.case import Case, limits
from tests.contract.checks import errors
from tests.contract.sample import john

NO_SET = "9718A30BF61343C796345F3BE5B01CE7"
SET = "0" * 31 + "1"
NOT_THERE = (1500, 'The "foo" attribute cannot be found in the "Employee" dataclass')


def kept_as(dataclass: str) -> Any:
    """An entity set of the administrator's with a known ID."""

    def given(monkeypatch: Any, settings: Any, client: RestClient) -> None:
        from fourd_rest.entity_sets import lifecycle

        monkeypatch.setattr(lifecycle.uuid, "uuid4", lambda: lifecycle.uuid.UUID(hex=SET))
        assert client.read(f"{dataclass}?$method=entityset").status_code == 200

    return given


def one_set_and_no_more(monkeypatch: Any, settings: Any, client: RestClient) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SETS_PER_OWNER": 1, "ENTITY_SET_TIMEOUT": 60}
    assert client.read("Company?$method=entityset").status_code == 200


def two_employees_and_little_patience(monkeypatch: Any, settings: Any, client: RestClient) -> None:
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 1}
    john()
    registry.get("Employee").model.objects.create(first_name="John", last_name="Smith")


def small_sets(monkeypatch: Any, settings: Any, client: RestClient) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SET_SIZE": 1}
    john()
    registry.get("Employee").model.objects.create(first_name="John", last_name="Smith")


def no_time(monkeypatch: Any, settings: Any, client: RestClient) -> None:
    def check_time(watch: Any) -> None:
        raise limits_of_time.overdue()

    monkeypatch.setattr(limits_of_time.Watch, "check_time", check_time)


def read(name: str, path: str, status: int, *items: tuple[int, str], **options: Any) -> Case:
    return Case(name, "GET", path, status, errors(*items), **options)


CASES = [
    # The query language.
    read(
        "comparator that there is not",
        'Employee?$filter="lastName matches x"',
        500,
        (1112, "Wrong comparison operator: matches"),
    ),
    read(
        "query that looks at too many entities",
        'Employee?$filter="lastName % smith"',
        500,
        (1200, "Query cannot be completed: more than 1 entities would have to be looked at"),
        given=two_employees_and_little_patience,
    ),
    read(
        "query that cannot be read",
        'Employee?$filter="ID ="',
        500,
        (1201, "Query cannot be analyzed: a value is missing at position 5"),
    ),
    read(
        "formula",
        'Employee?$filter="eval(1=1)"',
        500,
        (1278, "Formulas are not allowed in a query"),
    ),
    read(
        "placeholder without a value",
        'Employee?$filter="ID=:1"',
        500,
        (1279, "The query placeholder :1 is missing or null"),
    ),
    read(
        "placeholder of a wrong type",
        'Employee?$filter="ID=:1"&$params=\'[{"a":1}]\'',
        500,
        (1280, "The query placeholder :1 is not a valid type"),
    ),
    read("unknown attribute in a filter", 'Employee?$filter="foo=1"', 500, NOT_THERE),
    read(
        "order by a picture",
        'Employee?$orderby="photo"',
        404,
        (1810, 'Cannot order by "photo" for the "Employee" dataclass'),
    ),
    read(
        "criterion on a picture",
        'Employee?$filter="photo=1"',
        500,
        (1574, 'The "photo" attribute in the "Employee" dataclass is not the correct type'),
    ),
    read(
        "query that is too large",
        'Employee?$filter="ID=1 or ID=2"',
        400,
        (9022, "The query is too large: it has more than 1 criteria"),
        given=limits(MAX_FILTER_CRITERIA=1),
    ),
    read(
        "query that takes too long",
        'Employee?$filter="ID=1"',
        503,
        (9026, "The request takes longer than is allowed"),
        given=no_time,
    ),
    # Lists and forms.
    read(
        "unknown attribute to expand",
        "Employee?$expand=foo",
        404,
        NOT_THERE,
        (
            1805,
            'Cannot completely build a list of expanded attributes with "foo"'
            ' for the "Employee" dataclass',
        ),
    ),
    read(
        "attributes that nest too deep",
        "Employee?$attributes=employer.manager.employer.name",
        400,
        (9024, "Attributes nest deeper than 2 levels"),
        given=limits(MAX_EXPAND_DEPTH=2),
    ),
    read(
        "compute without an attribute",
        "Employee?$compute=sum",
        500,
        (1816, "At least one attribute must be specified"),
    ),
    read(
        "compute action that there is not",
        "Employee/salary?$compute=median",
        500,
        (1817, '"median" is not a valid compute action'),
    ),
    read(
        "format that there is not",
        "Employee?$format=xml",
        400,
        (1801, 'The "xml" format is not supported'),
    ),
    # Entity sets.
    read(
        "unknown entity set",
        f"Employee/$entityset/{NO_SET}",
        404,
        (1802, f'The "{NO_SET}" entity set cannot be found'),
    ),
    read(
        "entity set of another dataclass",
        f"Employee/$entityset/{SET}",
        404,
        (1803, f'The "{SET}" entity set does not belong to the "Employee" dataclass'),
        given=kept_as("Company"),
    ),
    read(
        "set of what is no relation to many",
        "Employee(12)?$method=subentityset&$expand=employer",
        500,
        (1815, '"$subentityset" cannot be applied to the REST request'),
        given=lambda monkeypatch, settings, client: john() and None,
    ),
    read(
        "logical operator that there is not",
        f"Company/$entityset/{SET}?$logicOperator=xor&$otherCollection={SET}",
        500,
        (1818, '"xor" is not a valid logical operator'),
        given=kept_as("Company"),
    ),
    read(
        "logical operator without another set",
        f"Company/$entityset/{SET}?$logicOperator=and",
        500,
        (1819, "Second collection reference is missing"),
        given=kept_as("Company"),
    ),
    read(
        "logical operator with an unknown set",
        f"Company/$entityset/{SET}?$logicOperator=and&$otherCollection={NO_SET}",
        500,
        (1820, f'"{NO_SET}" is not a valid collection reference'),
        given=kept_as("Company"),
    ),
    read(
        "too many entity sets",
        "Company?$method=entityset",
        429,
        (9023, "Too many entity sets are kept"),
        headers={"Retry-After": "66"},  # a tenth more than its timeout, see entity_sets/lifecycle.py
        given=one_set_and_no_more,
    ),
    read(
        "entity set that is too large",
        "Employee?$method=entityset",
        413,
        (9025, "The request is for more than 1 entities"),
        given=small_sets,
    ),
    # $info.
    read(
        "$info by a guest",
        "$info",
        401,
        (1611, "No permission to read this part of $info"),
        who="guest",
    ),
]
