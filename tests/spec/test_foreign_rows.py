"""Querysets, orders and relations of other people's making: each entity once, whatever they join."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Count, Q, Window
from django.db.models.functions import RowNumber
from django.test.utils import isolate_apps

from fourd_rest import DataClass
from fourd_rest.dataclass.registry import Registry
from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import RestClient
from tests.zoo.models import Crew, Place, Sailor, Voyage

pytestmark = pytest.mark.django_db


def joined(rows: Any) -> Any:
    return rows.filter(staff__salary__gt=0)


def spanned(rows: Any) -> Any:
    return rows.filter(Q(staff__salary__gt=0) | Q(invoices__amount=0))


def distinct(rows: Any) -> Any:
    return rows.filter(staff__salary__gt=0).distinct()


def grouped(rows: Any) -> Any:
    return rows.annotate(crowd=Count("staff")).filter(crowd__gt=0)


def counted(rows: Any) -> Any:
    return rows.annotate(crowd=Count("staff"), bills=Count("invoices")).filter(staff__salary__gt=0)


def sorted_by_many(rows: Any) -> Any:
    return rows.filter(staff__isnull=False).order_by("staff__last_name")


WAYS = [joined, spanned, distinct, grouped, counted, sorted_by_many]


class TestEntitiesComeOnce:
    """Companies 1 and 2 have three and two of staff, 3 has none and cannot be seen."""

    @pytest.fixture(autouse=True, params=WAYS, ids=lambda way: way.__name__)
    def _companies(self, request: Any, registered: Any, db: None) -> None:
        class Visible(DataClass):
            names = {"id": "ID"}  # noqa: RUF012

            def get_queryset(self, http: Any) -> Any:
                return request.param(super().get_queryset(http))

        registered(Company, Visible)
        self.keys = []
        for name, size in (("Ants", 3), ("Bees", 2), ("Cats", 0)):
            company = Company.objects.create(name=name, revenues=Decimal(10), extra={"size": size})
            self.keys.append(company.pk)
            for number in range(size):
                Employee.objects.create(
                    first_name=name, last_name=str(number), salary=1, employer=company
                )
            Invoice.objects.create(reference=name, amount=1, date="2026-01-01", company=company)

    def names(self, response: Any) -> list[str]:
        document = response.json()
        assert response.status_code == 200, document
        assert document["__COUNT"] == document["__SENT"] == len(document["__ENTITIES"])
        return [entity["name"] for entity in document["__ENTITIES"]]

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["Ants", "Bees"]),
            ("?$orderby=name desc", ["Bees", "Ants"]),
            ('?$filter="name = a@"', ["Ants"]),
            ('?$filter="staff.salary = 1"', ["Ants", "Bees"]),
            ('?$filter="staff.lastName = 2"', ["Ants"]),
            ('?$filter="not(staff.lastName = 2)"', ["Bees"]),
            ('?$filter="name % bees"', ["Bees"]),
            ('?$filter="extra.size > 2"', ["Ants"]),
            ("?$orderby=extra.size", ["Bees", "Ants"]),
            ('?$filter="staff.salary > 0 and invoices.amount = 1"&$orderby=name', ["Ants", "Bees"]),
        ],
    )
    def test_in_pages(self, admin: RestClient, query: str, names: list[str]) -> None:
        assert self.names(admin.read(f"Company{query}")) == names

    def test_page_by_page(self, admin: RestClient) -> None:
        for skip, name in enumerate(["Ants", "Bees"]):
            page = admin.read(f"Company?$top=1&$skip={skip}").json()
            assert (page["__COUNT"], page["__ENTITIES"][0]["name"]) == (2, name)

    def test_by_key(self, admin: RestClient) -> None:
        ants, bees, cats = self.keys
        assert admin.read(f"Company({ants})").json()["name"] == "Ants"
        assert admin.read(f"Company({cats})").status_code == 404
        assert self.names(admin.read(f"Company({bees},{ants},{cats})")) == ["Ants", "Bees"]

    def test_in_figures(self, admin: RestClient) -> None:
        assert admin.read("Company?$distinct=true&$attributes=name").json() == ["Ants", "Bees"]
        figures = admin.read("Company?$attributes=revenues&$compute=$all").json()["revenues"]
        assert figures == {"count": 2, "sum": 20, "average": 10, "min": 10, "max": 10}
        assert admin.read('Company?$compute=count&$filter="staff.salary = 1"').json() == 2

    def test_in_flat_forms(self, admin: RestClient) -> None:
        assert [row["name"] for row in admin.read("Company?$asArray=true").json()] == ["Ants", "Bees"]
        table = admin.read("Company?$format=looker&$attributes=name").json()
        assert (table["__COUNT"], [row["values"] for row in table["rows"]]) == (2, [["Ants"], ["Bees"]])

    def test_in_sets(self, admin: RestClient) -> None:
        answer = admin.read("Company?$method=entityset").json()
        assert answer["__COUNT"] == 2
        address = answer["__ENTITYSET"].removeprefix("/rest/")
        assert self.names(admin.read(address)) == ["Ants", "Bees"]
        assert self.names(admin.read(f'{address}?$filter="name = b@"')) == ["Bees"]

    def test_as_what_relations_lead_to(self, admin: RestClient) -> None:
        page = admin.read("Employee?$expand=employer&$orderby=ID").json()["__ENTITIES"]
        assert [entity["employer"]["name"] for entity in page] == ["Ants"] * 3 + ["Bees"] * 2
        page = admin.read('Invoices?$filter="company.name = @"&$expand=company').json()
        assert page["__COUNT"] == 2
        assert admin.read("Invoices?$orderby=company.name,ID").json()["__COUNT"] == 3
        distinct = admin.read("Invoices?$distinct=true&$attributes=company.name").json()
        assert distinct == ["Ants", "Bees"]

    def test_as_owners_and_members_of_selections(self, admin: RestClient) -> None:
        ants = admin.read(f"Company({self.keys[0]})?$expand=staff,invoices").json()
        assert [ants[name]["__COUNT"] for name in ("staff", "invoices")] == [3, 1]
        address = f"Company({self.keys[0]})/staff?$expand=staff&$method=subentityset"
        assert admin.read(address).json()["__COUNT"] == 3

    def test_in_writes(self, admin: RestClient) -> None:
        body = {"__KEY": str(self.keys[0]), "__STAMP": 1, "revenues": 11}
        assert admin.update("Company", body).json()["__STAMP"] == 2
        body = {"__KEY": str(self.keys[2]), "__STAMP": 1, "revenues": 11}
        assert admin.update("Company", body).json()["__STATUS"]["status"] == 5
        bees = {"__KEY": str(self.keys[1])}
        answer = admin.update(
            "Invoices",
            {"__KEY": str(Invoice.objects.get(reference="Ants").pk), "__STAMP": 1, "company": bees},
        )
        assert answer.json()["company"]["__deferred"]["__KEY"] == str(self.keys[1])
        response = admin.rest("POST", 'Company?$method=delete&$filter="name = a@"')
        assert response.json() == {"ok": True}
        assert sorted(Company.objects.values_list("name", flat=True)) == ["Bees", "Cats"]


def in_a_window(rows: Any) -> Any:
    return rows.annotate(place=Window(RowNumber(), order_by="name")).filter(place__lte=2)


def distinct_on(rows: Any) -> Any:
    return rows.order_by("revenues", "name").distinct("revenues")


CHOICES = [in_a_window] + [distinct_on] * (connection.vendor == "postgresql")


class TestChosenAmongAll:
    """Which rows are left must not depend on what is asked for beside it."""

    @pytest.fixture(autouse=True, params=CHOICES, ids=lambda way: way.__name__)
    def _companies(self, request: Any, registered: Any, db: None) -> None:
        class FirstTwo(DataClass):
            names = {"id": "ID"}  # noqa: RUF012

            def get_queryset(self, http: Any) -> Any:
                return request.param(super().get_queryset(http))

        registered(Company, FirstTwo)
        for key, name in enumerate(("Ants", "Bees", "Cats"), 1):
            company = Company.objects.create(id=key, name=name, revenues=min(key, 2))
            Employee.objects.create(first_name=name, last_name="x", employer=company)

    @pytest.mark.parametrize(
        ("path", "names"),
        [
            ("Company", ["Ants", "Bees"]),
            ("Company?$top=1&$skip=1", ["Bees"]),
            ('Company?$filter="name > b"', ["Bees"]),
            ('Company?$filter="staff.firstName = c@"', []),
            ("Company(1,2,3)", ["Ants", "Bees"]),
            ("Company?$orderby=name desc", ["Bees", "Ants"]),
        ],
    )
    def test_in_pages(self, admin: RestClient, path: str, names: list[str]) -> None:
        found = admin.read(path).json()["__ENTITIES"]
        assert [entity["name"] for entity in found] == names

    def test_elsewhere(self, admin: RestClient) -> None:
        assert admin.read("Company(2)").json()["name"] == "Bees"
        assert admin.read("Company(3)").status_code == 404
        page = admin.read("Employee?$expand=employer&$orderby=ID").json()["__ENTITIES"]
        assert [entity["employer"] and entity["employer"]["name"] for entity in page] == [
            "Ants",
            "Bees",
            None,
        ]
        assert admin.read('Employee?$filter="employer.name = cats"').json()["__COUNT"] == 0
        assert admin.read("Company?$compute=count").json() == 2
        answer = admin.update("Company", {"__KEY": 3, "__STAMP": 1, "name": "x"})
        assert answer.json()["__STATUS"]["status"] == 5
        assert admin.rest("DELETE", "Company(3)").status_code == 404
        assert Company.objects.count() == 3


class TestQuerysetClasses:
    """Custom managers built from a queryset class that changes what is read."""

    @isolate_apps("tests.zoo")
    def test_only_those_that_change_reads_take_the_slow_way(self) -> None:
        class Helpful(models.QuerySet):  # type: ignore[type-arg]
            def cheap(self) -> Any:
                return self.filter(revenues__lt=1)

            def delete(self) -> Any:
                return (0, {})

        class Hiding(models.QuerySet):  # type: ignore[type-arg]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                if not self.query.where:
                    self.query.add_q(Q(name="seen"))

        def of(kind: Any) -> bool:
            manager = models.Manager.from_queryset(kind)()
            meta = type("Meta", (), {"app_label": "zoo"})
            members = {"__module__": __name__, "Meta": meta, "objects": manager}
            own = Registry()
            own.register(type(f"Rows{kind.__name__}", (models.Model,), members))
            return own.everything()[0].restricts_rows

        assert not of(Helpful)
        assert of(Hiding)


def test_a_through_model_shows_each_entity_once(admin: RestClient, registered: Any) -> None:
    for model in (Crew, Sailor, Voyage, Place):
        registered(model)
    crew, sailor = Crew.objects.create(name="crew"), Sailor.objects.create(name="sailor")
    sailor.mates.add(sailor)
    for _ in range(3):
        Voyage.objects.create(crew=crew, sailor=sailor)
    sailors = admin.read("Sailor?$expand=crews,mates").json()["__ENTITIES"]
    assert [(s["crews"]["__COUNT"], s["mates"]["__COUNT"]) for s in sailors] == [(1, 1)]
    assert admin.read('Sailor?$filter="crews.name = crew"').json()["__COUNT"] == 1
