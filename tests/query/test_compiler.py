"""Filters → the entities they find (``query.md``, D-36 to D-45)."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from fourd_rest.dataclass import registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import RestError
from fourd_rest.query.compiler import condition
from fourd_rest.request.filter_parser import parse
from fourd_rest.request.placeholders import bind
from testproject.hr.models import Company, Employee
from tests.zoo.models import Animal, Everything, Keeper

pytestmark = pytest.mark.django_db


class Superuser:
    is_authenticated = True

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        return True


def find(name: str, text: str, params: str | None = None, user: Any = None) -> list[Any]:
    """The keys of what a filter finds, in their order."""
    request: Any = SimpleNamespace(user=user or Superuser())
    dataclass = registry.get(name)
    assert dataclass is not None
    query = bind(parse(text), params)
    assert query.where is not None
    rows = dataclass.get_queryset(request)
    where = condition(Caller(request, "/rest", "http://testserver"), dataclass, query.where, rows.db)
    return list(rows.filter(where).order_by("pk").values_list("pk", flat=True))


@pytest.fixture
def books() -> None:
    """The rows of ``query.md`` 14; ``char`` is the title, ``integer`` the price."""
    for key, title, price in ((1, "Dunes", 10), (2, "dune", 12), (3, "Été", None), (4, "a@b", 5)):
        Everything.objects.create(id=key, char=title, integer=price)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("char=DUNES", [1]),
        ("char=dune@", [1, 2]),
        ("char=ete", [3]),
        ("char===dune@", []),
        ("char===a@b", [4]),
        ("char begin d", [1, 2]),
        ("integer!=10", [2, 4]),
        ("integer!=10 or integer=null", [2, 3, 4]),
        ("integer>9 and char=dune or id=4", [2, 4]),
        ("id in [1,3]", [1, 3]),
        ("char=d@@e", []),
        ("not(char=dune@)", [3, 4]),
        ("char # dune@ except id=4", [3]),
        ("integer is null", [3]),
        ("integer is not null", [1, 2, 4]),
        ("not(integer=10)", [2, 4]),
        ("not(integer=null)", [1, 2, 4]),
        ("not(not(integer=10))", [1]),
        ("integer > 9.5 & integer <= 12", [1, 2]),
        ("integer = 10.5", []),
        ("integer != 10.5", [1, 2, 4]),
        ("integer < 99999999999999999999999", [1, 2, 4]),
        ("integer = v10", [1]),
        ("char = @", [1, 2, 3, 4]),
        ("char = @n@", [1, 2]),
        ("char % dune", [2]),
        ("not(char % dune)", [1, 3, 4]),
        ("char in ['dune', 'a@']", [2, 4]),
        ("char <= dune", [2, 4]),
        ("id > 1 except (integer = null)", [2, 4]),
    ],
)
def test_vectors(books: None, text: str, keys: list[int]) -> None:
    assert find("Everything", text) == keys


TAGS = {
    1: [{"name": "West End", "level": 1}, {"name": "east", "level": 2}],
    2: [{"name": "the wést", "level": 2}, {"name": "West End", "level": 2}],
    3: [{"name": "western", "level": 1}, {"name": 5, "level": 1}, {"level": 1}],
    4: [],
    5: {"name": "west", "level": 1},
    6: None,
}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("json.tags[].name % west", [1, 2]),
        ("not(json.tags[].name % west)", [3, 4]),
        ("json.tags[a].name % west", [1, 2]),
        ("json.tags[a].name % west and json.tags[a].level = 1", [1]),
        ("json.tags[a].name % west and json.tags[a].level > 1", [2]),
        ("json.tags[a].name % west and json.tags[b].level = 2", [1, 2]),
        ("json.tags[a].name % west and json.tags[].level = 2", [1, 2]),
        ("json.tags[a].level = 2 and json.tags[a].name % west and json.tags[a].name % the", [2]),
        ("json.tags[a].name % the and json.tags[a].name % end", []),
        ("json.tags[a].name % west@ and json.tags[a].level = 1", [1, 3]),
        ("not(json.tags[a].name % west and json.tags[a].level = 1)", [2, 3, 4]),
        ("json.tags[a].level = 1 and not(json.tags[a].name % west)", [3]),
        ("json.tags[a].name % west or json.tags[a].level = 1", [1, 2, 3]),
        ("json.tags[a].name % 5 and json.tags[a].level = 1", []),
        ("json.tags[a].name % null and json.tags[a].level = 1", []),
        ("not(json.tags[a].name % null and json.tags[a].level = 1)", [1, 2, 3, 4]),
        ("json.tags.name % west and json.tags.level = 1", [5]),
        ("not(json.tags.name % east)", [5]),
        ("not(json.tags.level % west)", [5]),
    ],
)
def test_words_of_elements(text: str, keys: list[int]) -> None:
    for key, tags in TAGS.items():
        Everything.objects.create(id=key, json={"tags": tags})
    assert find("Everything", text) == keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("decimal < 9999999999999999.99995", [1, 2]),
        ("decimal >= 9999999999999999.99995", []),
        ("decimal <= 9999999999999999.9999", [1, 2]),
        ("decimal > 99999999999999999", []),
        ("decimal >= -99999999999999999", [1, 2]),
        ("decimal = 0.10005", []),
        ("decimal > 0.09995", [1, 2]),
        ("decimal > 0.10005", [2]),
        ("decimal = 0.1", [1]),
        ("decimal in [0.1, 99999999999999999, 0.00001]", [1]),
        ("floating < 1e399", [1, 2]),
        ("floating > -1e399", [1, 2]),
        ("floating = 1e399", []),
        ("floating = 0.5", [1]),
        ("big <= 99999999999999999999", [1, 2]),
        ("big in [1, 99999999999999999999]", [1]),
        ("big > 1.5", [2]),
        ("duration <= 9223372036854775", [1, 2]),
        ("duration < 1e400", [1, 2]),
        ("not(duration < 1e400)", []),
        ("duration > -99999999999999999999", [1, 2]),
        ("duration in [1500, 1e99]", [1]),
        ("duration != 1e99", [1, 2]),
        ("time < 86400000", [1, 2]),
        ("time >= 86400000", []),
        ("floating > 1e-400", [1, 2]),
        ("floating <= -1e-400", []),
        ("decimal < 1e12345678901", [1, 2]),
        ("big > -1e12345678901", [1, 2]),
        ("big > 1e-12345678901", [1, 2]),
        ("big in [1, 1e999999999, 1e-999999999]", [1]),
        ("small < 100000000000000000000", []),
        ("duration = 1500", [1]),
        ("duration > 1500", [2]),
        ("moment > 9999-12-31T23:59:59.999Z", []),
        ("moment <= 9999-12-31T23:59:59.999Z", [1, 2]),
        ("moment = 2017-03-09T10:11:12.345Z", [1]),
        ("moment != 2017-03-09T10:11:12.345Z", [2]),
        ("time = 23:59:59.999", [2]),
        ("time > 23:59:59.999", []),
        ("time < 23:59:59.999", [1]),
    ],
)
def test_ends_of_ranges(text: str, keys: list[int]) -> None:
    """No number or moment is too large or too fine to be asked for."""
    one = {"decimal": "0.1", "floating": 0.5, "big": 1, "duration": dt.timedelta(milliseconds=1500)}
    two = {"decimal": "9999999999999999.9999", "floating": 1e308, "big": 2**63 - 1}
    two["duration"] = dt.timedelta(days=1, microseconds=1)
    moments = (
        dt.datetime(2017, 3, 9, 10, 11, 12, 345_678, dt.UTC),
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    )
    times = dt.time(10), dt.time(23, 59, 59, 999_999)
    for key, values in enumerate((one, two), 1):
        Everything.objects.create(id=key, moment=moments[key - 1], time=times[key - 1], **values)
    assert find("Everything", text) == keys


@pytest.fixture
def staff() -> None:
    acme = Company.objects.create(id=1, name="Acme")
    Company.objects.create(id=2, name="Void")
    bell = Company.objects.create(id=3, name="Bell")
    Employee.objects.create(id=1, first_name="Ann", last_name="Poe", salary=10, employer=acme)
    Employee.objects.create(id=2, first_name="Bob", last_name="Roe", salary=20, employer=acme)
    Employee.objects.create(id=3, first_name="Ann", last_name="Doe", salary=20, employer=bell)
    Employee.objects.create(id=4, first_name="Cid", last_name="Noe", salary=None)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("staff.firstName = Ann", [1, 3]),
        ("staff.firstName = Ann and staff.salary = 20", [3]),
        ("staff.firstName = Ann and (staff.salary = 20)", [3]),
        ("staff.firstName = Ann and staff{2}.salary = 20", [1, 3]),
        ("staff.firstName = Ann and (staff.salary = 20 or staff.salary = 30)", [3]),
        ("not(staff.firstName = Ann)", [2]),
        ("not(staff.firstName = Ann and staff.salary = 10)", [2, 3]),
        ("staff.salary != 20", [1]),
        ("staff = null", [2]),
        ("staff != null", [1, 3]),
        ("not(staff = null)", [1, 3]),
        ("staff = null or staff.salary = 10", [1, 2]),
        ("staff = 3", [3]),
        ("staff.employer.name = acme", [1]),
        ("staff.employer.staff.firstName = Bob", [1]),
        ("name = @ except staff.salary > 15", [2]),
    ],
)
def test_relations_to_many(staff: None, text: str, keys: list[int]) -> None:
    assert find("Company", text) == keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("employer.name = acme", [1, 2]),
        ("employer.name = null", [4]),
        ("employer = null", [4]),
        ("employer != null", [1, 2, 3]),
        ("not(employer.name = acme)", [3]),
        ("employer.name != acme", [3]),
        ("employer = 1", [1, 2]),
        ("employer in [1, 3]", [1, 2, 3]),
        ("employer.staff.firstName = Bob", [1, 2]),
        ("employer.staff.firstName = Bob and firstName = Ann", [1]),
        ("not(employer.staff.firstName = Bob)", [3, 4]),
        ("employer.name % acme", [1, 2]),
        ("woman", []),
        ("not(woman)", [1, 2, 3, 4]),
        ("woman = false and salary > 10", [2, 3]),
    ],
)
def test_relations_to_one(staff: None, text: str, keys: list[int]) -> None:
    assert find("Employee", text) == keys


def test_many_to_many() -> None:
    bear, crow = Animal.objects.create(id=1, name="Bear"), Animal.objects.create(id=2, name="Crow")
    for key, name in ((1, "Ann"), (2, "Bob")):
        Keeper.objects.create(id=key, name=name, badge=f"b{key}")
    bear.keepers.set([1, 2])
    crow.keepers.set([2])
    assert find("Animal", "keepers.name = ann") == [1]
    assert find("Keeper", "animals.name = crow") == [2]
    assert find("Animal", "not(keepers.name = ann)") == [2]


@pytest.mark.parametrize("name", ["password", "nothing", "__class__", "pk", "employer_id", "id"])
def test_what_is_not_exposed_does_not_exist(name: str) -> None:
    with pytest.raises(RestError) as caught:
        find("Employee", f"{name} = 1")
    assert [item.row.code for item in caught.value.items] == [1500]


@pytest.mark.parametrize("value", ["2", "soon", "true", "null", "2024-01-02"])
@pytest.mark.parametrize(
    "criterion",
    [
        *(
            "Everything integer begin",
            "Everything integer %",
            "Everything date begin",
            "Everything time %",
        ),
        *("Everything uuid begin", "Everything boolean <", "Everything boolean begin"),
        *("Everything whole begin", "Employee doubleSalary begin", "Employee doubleSalary %"),
    ],
)
def test_comparators_that_a_type_is_not_for(served: None, criterion: str, value: str) -> None:
    name, _, text = criterion.partition(" ")
    with pytest.raises(RestError) as caught:
        find(name, f"{text} {value}")
    assert [item.row.code for item in caught.value.items] == [1574]
