"""«The key is one of these» as SQL: exact for every kind of key, in one parameter."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from fourd_rest.sql.key_membership import KeyKind, Stored, key_in
from testproject.hr.models import Company, Employee
from tests.zoo.models import Animal, Aviary, Country, Keeper, Parcel, Place

pytestmark = pytest.mark.django_db

FEW, MANY = 3, 1_200


def padded(keys: list[Any], count: int, filler: Any) -> list[Any]:
    """``keys`` among ``count`` others."""
    return [*(filler(number) for number in range(count)), *keys]


@pytest.mark.parametrize("count", [0, MANY])
def test_numbers(count: int) -> None:
    Company.objects.bulk_create(Company(pk=pk, name="x") for pk in (10**6 + 1, 10**6 + 2, 10**6 + 3))
    keys = padded([10**6 + 3, 10**6 + 1, 10**6 + 1], count, lambda number: number + 1)
    found = Company.objects.filter(key_in(keys)).order_by("pk").values_list("pk", flat=True)
    assert list(found) == [10**6 + 1, 10**6 + 3]
    assert list(Company.objects.exclude(key_in(keys)).values_list("pk", flat=True)) == [10**6 + 2]
    assert Company.objects.filter(key_in(keys) | Q(pk=10**6 + 2)).count() == 3


def test_numbers_that_no_column_holds() -> None:
    Company.objects.create(pk=10**6, name="x")
    assert Company.objects.filter(key_in([2**63, -(2**63) - 1, 2**100, 10**6])).count() == 1
    with CaptureQueriesContext(connection) as statements:
        assert not Company.objects.filter(key_in([2**63])).exists()
        assert not Company.objects.filter(key_in([])).exists()
    assert len(statements) == 0
    assert Company.objects.exclude(key_in([])).count() == 1
    # Larger than the column, which holds 32 bits, and not larger than 64.
    assert Place.objects.filter(key_in([2**40])).count() == 0


TEXTS = ["DE", "de", "dé", "D'E", 'D"E', "D\\E", "D%s", "DE ", " DE", "12", "ß", "日本", "🜁"]


@pytest.mark.parametrize("count", [0, MANY])
def test_texts_are_compared_exactly(count: int) -> None:
    # MariaDB's key would take some of them for the same.
    for text in TEXTS:
        Country.objects.all().delete()
        Country.objects.create(code=text, name=text)
        others = [other for other in TEXTS if other != text]
        for keys, is_there in ([text], True), (others, False):
            keys = padded(keys, count, lambda number: f"~{number}")
            assert Country.objects.filter(key_in(keys)).exists() is is_there, text


@pytest.mark.parametrize("count", [0, MANY])
def test_uuids(count: int) -> None:
    first, second = Parcel.objects.create(), Parcel.objects.create()
    keys = padded([second.pk], count, lambda number: uuid.uuid4())
    assert list(Parcel.objects.filter(key_in(keys))) == [second]
    assert list(Parcel.objects.filter(~Q(key_in(keys)))) == [first]


def test_paths() -> None:
    company = Company.objects.create(name="x")
    john = Employee.objects.create(first_name="a", last_name="b", employer=company)
    Employee.objects.create(first_name="c", last_name="d")
    assert list(Employee.objects.filter(key_in([company.pk], "employer"))) == [john]
    assert list(Employee.objects.filter(key_in([company.pk], "employer__pk"))) == [john]
    assert list(Company.objects.filter(key_in([john.pk], "staff__pk"))) == [company]
    country = Country.objects.create(code="DE", name="x")
    parcel = Parcel.objects.create(country=country)
    assert list(Parcel.objects.filter(key_in(["DE"], "country"))) == [parcel]
    assert list(Parcel.objects.filter(key_in(["de"], "country"))) == []
    assert list(Country.objects.filter(key_in([parcel.pk], "parcels__pk"))) == [country]
    keeper = Keeper.objects.create(name="k")
    animal = Animal.objects.create(name="Rex")
    animal.keepers.add(keeper)
    assert list(Animal.objects.filter(key_in([keeper.pk], "keepers"))) == [animal]


def test_the_key_of_a_child() -> None:
    aviary = Aviary.objects.create(name="x")
    assert list(Aviary.objects.filter(key_in([aviary.pk]))) == [aviary]
    assert Stored.of(Aviary._meta.pk).field is Place._meta.pk


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (Company, list(range(MANY))),
        (Country, [str(number) for number in range(MANY)]),
        (Parcel, [uuid.uuid4() for _ in range(MANY)]),
    ],
)
def test_one_parameter(model: Any, keys: list[Any]) -> None:
    _, params = model.objects.filter(key_in(keys)).query.sql_with_params()
    is_one_by_one = connection.vendor == "mysql" and model is Country
    assert len(params) == (2 * MANY if is_one_by_one else 1)


@pytest.mark.parametrize("model", [Company, Country, Parcel])
@pytest.mark.parametrize("count", [3, MANY])
def test_the_index_of_the_key_serves(model: Any, count: int) -> None:
    kind = Stored.of(model._meta.pk).kind
    keys: list[Any] = {
        KeyKind.NUMBER: list(range(count)),
        KeyKind.TEXT: [str(number) for number in range(count)],
        KeyKind.UUID: [uuid.UUID(int=number) for number in range(count)],
    }[kind]
    rows = [model(pk=key, **{"label" if model is Parcel else "name": "x"}) for key in keys if key]
    model.objects.bulk_create(rows)
    plan = explained(model.objects.filter(key_in(keys)))
    wanted = {
        "sqlite": f"SEARCH {model._meta.db_table} USING ",
        "postgresql": " using ",
        "mysql": "PRIMARY",
    }
    assert wanted[connection.vendor] in plan, plan


def explained(rows: Any) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table this small is read as a whole, whatever there is.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        sql, params = rows.query.sql_with_params()
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {sql}", params)
        return "\n".join(str(row) for row in cursor.fetchall())
