"""SQL that is put together once: it reads what the ORM reads, for every kind of key."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from fourd_rest.dataclass import registry
from fourd_rest.sql.prepared import Prepared, count
from testproject.hr.models import Company, Invoice
from tests.conftest import RestClient
from tests.zoo.models import Animal, Aviary, Country, Everything, Parcel

pytestmark = pytest.mark.django_db


def prepared_for(model: type[models.Model]) -> Prepared:
    """A fresh one, over all columns."""
    dataclass = registry.for_model(model)
    assert dataclass is not None
    names = [field.attname for field in model._meta.concrete_fields]
    return Prepared(dataclass, model._default_manager.order_by().values_list(*names))


def by_orm(model: type[models.Model], key: Any) -> tuple[Any, ...]:
    instance = model._default_manager.get(pk=key)
    return tuple(getattr(instance, field.attname) for field in model._meta.concrete_fields)


def stored() -> list[models.Model]:
    """Two entities for each kind of key."""
    one = "11111111-2222-3333-4444-555555555555"
    return [
        *(Company.objects.create(name=name, revenues="1.10") for name in ("Acme", "Bolt")),
        *(Country.objects.create(code=code, name=code) for code in ("DE", "D%s")),
        *(Parcel.objects.create(pk=pk) for pk in (uuid.UUID(one), uuid.uuid4())),
        *(Aviary.objects.create(name=name) for name in ("a", "b")),  # the key is the parent's
        *(Everything.objects.create() for _ in range(2)),
    ]


def test_rows_are_those_of_the_orm() -> None:
    found: dict[type[models.Model], Prepared] = {}
    for instance in stored():
        model = type(instance)
        rows = found.setdefault(model, prepared_for(model))
        row = rows.get(instance.pk, "default")
        assert row == by_orm(model, instance.pk)
        assert type(row) is tuple
    assert len(found) == 5


def test_rows_of_many_keys() -> None:
    of_model: dict[type[models.Model], list[Any]] = {}
    for instance in stored():
        of_model.setdefault(type(instance), []).append(instance.pk)
    for model, keys in of_model.items():
        rows = prepared_for(model)
        assert rows.get_many([], "default") == []
        for wanted in (keys, keys[1:], keys):
            expected = [by_orm(model, key) for key in wanted]
            assert sorted(rows.get_many(wanted, "default")) == sorted(expected)
        assert rows.get_many([*keys, 2**100] if model is Company else keys, "default")


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (Company, 10**6),
        (Company, -1),
        (Company, 2**100),
        (Country, "de"),
        (Country, "DE "),
        (Country, "dé"),
        (Parcel, uuid.UUID(int=7)),
        (Aviary, 0),
    ],
)
def test_keys_that_no_row_has(model: Any, key: Any) -> None:
    rows = prepared_for(model)
    assert rows.get(key, "default") is None  # put together for it
    for instance in stored():
        if type(instance) is model:
            assert rows.get(instance.pk, "default") is not None
    assert rows.get(key, "default") is None  # and put together before


@pytest.mark.parametrize("ordering", [None, ["-name", "low"]])
@pytest.mark.parametrize("place", [slice(0, 3), slice(2, 4), slice(4, 9), slice(9, 10)])
def test_pages_in_the_order_of_the_dataclass(registered: Any, place: slice, ordering: Any) -> None:
    registered(Animal, ordering=ordering)
    for low, name in enumerate(("Tom", "Leo", "Ann", "Leo", "Zoe")):
        Animal.objects.create(name=name, nick=str(low), low=-low)
    expected = Animal.objects.order_by(*(ordering or ["pk"]))
    rows = prepared_for(Animal)
    for _ in range(2):
        found = [row[0] for row in rows.page(place, "default")]
        assert found == [animal.pk for animal in expected][place]


@pytest.mark.parametrize("model", [Company, Aviary, Country])
def test_counts(model: Any) -> None:
    assert count(model, "default") == 0
    stored()
    assert count(model, "default") == 2


def test_it_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Company.objects.create(name=name).pk for name in "ab"]
    rows = prepared_for(Company)
    made = []
    as_sql = SQLCompiler.as_sql

    def counted(self: SQLCompiler, *args: Any, **kwargs: Any) -> Any:
        made.append(self)
        return as_sql(self, *args, **kwargs)

    monkeypatch.setattr(SQLCompiler, "as_sql", counted)
    with CaptureQueriesContext(connection) as statements:
        assert [rows.get(key, "default")[0] for key in keys * 2] == keys * 2  # type: ignore[index]
        assert len(made) == 1
        assert len(rows.get_many(keys, "default")) == len(rows.get_many(keys * 2, "default")) == 2
    assert len(statements) == 6
    # On MariaDB the statement depends on how many keys there are.
    assert len(made) == (3 if connection.vendor == "mysql" else 2)


def test_reads_of_one_entity_are(admin: RestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is for: a read and an update of one entity put no read of its own together any more."""
    company = Company.objects.create(name="Acme")
    invoice = Invoice.objects.create(reference="r", amount=1, date="2024-01-01", company=company)
    address = f"Invoices({invoice.pk})"

    def update(amount: int) -> None:
        entity = admin.read(address).json()
        posted = {"__KEY": entity["__KEY"], "__STAMP": entity["__STAMP"], "amount": amount}
        assert admin.update("Invoices", posted).status_code == 200

    update(2)
    made = []
    fetch_all = QuerySet._fetch_all

    def counted(self: QuerySet[Any]) -> None:
        made.append(self.model)
        fetch_all(self)

    monkeypatch.setattr(QuerySet, "_fetch_all", counted)
    update(3)
    assert Invoice not in made
