"""Behind ``tests/spec/test_expand.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.registry import registry
from fourd_rest.errors import RestError
from fourd_rest.read import reader, shapes
from fourd_rest.read.reader import Reader
from fourd_rest.read.selection import KeyedSelection, Selection, Slice, everything
from testproject.hr.models import Company, Employee
from tests.contract.checks import assert_answer
from tests.contract.sample import (
    NEVER,
    acme,
    john,
)
from tests.spec.test_expand import EXPANDED, Seen, SeenStaff, head, many, nested, staff, too_large
from tests.zoo.models import (
    Animal,
    Crew,
    Keeper,
    Sailor,
    Voyage,
)

pytestmark = pytest.mark.django_db


def statements(client, path, status=200):
    """SQL of a read, without that which tells who asks."""
    with CaptureQueriesContext(connection) as queries:
        response = client.read(path)
    assert response.status_code == status, response.content
    everything = [query["sql"] for query in queries]
    return [sql for sql in everything if "django_session" not in sql and "auth_" not in sql]


@pytest.mark.parametrize(
    ("path", "attributes"),
    [
        ("Company(1)/name?$expand=staff", {"name": "Acme"}),
        ("Company(1)/name,manager?$expand=staff", {"name": "Acme", "manager": None}),
        ("Company(1)?$attributes=name&$expand=$all", {"name": "Acme"}),
        ("Company(1)/name?$expand=staff.employer", {"name": "Acme"}),
    ],
)
def test_what_is_not_in_the_list_is_not_shown(admin, path, attributes):
    acme()
    expected = {**head("Company"), "__KEY": "1", "__TIMESTAMP": NEVER, "__STAMP": 1, **attributes}
    assert_answer(admin.read(path), 200, expected)
    assert len(statements(admin, path)) == 1


def test_what_the_site_counts_is_not_multiplied_by_repeated_pairs(admin, registered):
    for model in (Crew, Voyage):
        registered(model)
    registered(Sailor, annotations={"trips": Count("voyage")})
    crew, other = Crew.objects.create(), Crew.objects.create()
    for key in (1, 2):
        sailor = Sailor.objects.create(id=key, name=f"S{key}")
        for goes_with in (crew, crew, other):
            Voyage.objects.create(crew=goes_with, sailor=sailor)
    path = f"Crew({crew.pk.hex})"
    read = admin.read(f"{path}?$expand=sailors").json()["sailors"]
    assert [(sailor["name"], sailor["trips"]) for sailor in read["__ENTITIES"]] == [("S1", 3), ("S2", 3)]
    assert nested(admin, f"{path}?$expand=sailors:1-1", "sailors") == (2, 1, [2])
    assert len(statements(admin, path)) == 1
    assert len(statements(admin, f"{path}?$expand=sailors")) == 3


def test_no_more_is_fetched_than_may_be_shown(admin, settings):
    Company.objects.bulk_create(Company(id=n, name="Acme") for n in (1, 2, 3))
    staff(40)
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 10}
    *_, sql = statements(admin, "Company?$expand=staff", 413)
    assert "LIMIT 14" in sql


def test_too_many_are_refused_before_they_are_read(admin, settings):
    """Many times as many as a page shows cost their keys alone."""
    Company.objects.bulk_create(Company(id=n, name="Acme") for n in (1, 2, 3))
    staff(30)
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 59}
    *_, page, keys, companies = statements(admin, "Company?$expand=staff:100.employer", 413)
    assert ("name" in page, "last_name" in keys, "last_name" in companies) == (True, False, False)
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 60}
    assert nested(admin, "Company(1)?$expand=staff:100.employer", "staff")[0] == 30
    # A page, a slice of 30 of which the first five are left out, each with a company.
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 50}
    assert nested(admin, "Company(1)?$expand=staff:100-5.employer", "staff")[2][0] == 106
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 49}
    too_large(admin, "Company(1)?$expand=staff:100-5.employer", 49)


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize(("dataclass", "expand", "relations"), EXPANDED)
def test_statements(admin, count, dataclass, expand, relations):
    """One for each relation, whatever the number of entities and wherever their stamps are."""
    many(count)
    page = 1 if count < 100 else 2
    assert len(statements(admin, f"{dataclass}?$expand={expand}")) == page + relations
    assert len(statements(admin, f"{dataclass}(1)?$expand={expand}")) == 1 + relations


def test_statements_where_rows_may_be_hidden(admin, registered):
    """Reading the targets tells which of them may be seen: no statement beside that one."""
    many(100)
    registered(Company, Seen)
    assert len(statements(admin, "Employee")) == 3
    assert len(statements(admin, "Employee?$expand=employer")) == 3
    assert len(statements(admin, "Employee/employer.name")) == 3
    assert len(statements(admin, "Employee(1)/managedCompanies.name")) == 2


def test_an_absent_relation_costs_no_statement(admin):
    john()
    assert len(statements(admin, "Employee(12)?$expand=employer,manager")) == 1
    assert len(statements(admin, "Employee(12)?$expand=employer.staff,team")) == 2
    assert len(statements(admin, "Employee?$expand=team&$top=0")) == 1


# What other modules build on


@pytest.fixture
def caller(admin):
    request = RequestFactory().get("/rest/")
    request.user = User.objects.get(username="admin")
    return Caller(request, "/rest", "http://testserver")


def test_rows_of_any_queryset(caller, django_assert_num_queries):
    acme()
    staff(5)
    dataclass = registry.get("Employee")
    shape = shapes.shape(caller, dataclass, names="ID,employer.name", expand=None)
    rows = Selection(caller, dataclass, Employee.objects.all(), ("-pk",))
    with django_assert_num_queries(2):
        found = Reader(caller, shape, "default").page(rows, Slice(1, 2))
    assert [(entity["ID"], entity["employer"]["name"]) for entity in found] == [
        (104, "Acme"),
        (103, "Acme"),
    ]
    companies = registry.get("Company")
    shape = shapes.whole(caller, companies)
    annotated = Company.objects.annotate(size=Count("staff")).filter(size=5)
    rows = Selection(caller, companies, annotated, ("size",))
    found = Reader(caller, shape, "default").page(rows, Slice(0, 9))
    assert [entity["ID"] for entity in found] == [1]


def test_entities_by_key_keep_their_places(caller, registered, django_assert_num_queries):
    dataclass = registered(Company, Seen)
    Company.objects.bulk_create(Company(id=n, name="hidden" if n == 2 else "Acme") for n in (1, 2, 3))
    shape = shapes.shape(caller, dataclass, names="ID", expand=None)
    members = KeyedSelection(everything(caller, dataclass), [3, 2, 1, 9, 3], 5)
    with django_assert_num_queries(1):
        found = Reader(caller, shape, "default").page(members, Slice(0, 9))
    hole = {"__STAMP": 0}
    assert [entity.get("ID") for entity in found] == [3, None, 1, None, 3]
    assert (found[1], found[3]) == (hole, hole)


def test_related_entities(caller, registered):
    employees = registered(Employee, SeenStaff)
    companies = registry.get("Company")
    acme()
    staff(3)
    Employee.objects.filter(id=102).update(last_name="Hidden")
    found = reader.related(caller, companies, "1", companies.attributes["staff"])
    assert sorted(found.values_list("pk", flat=True)) == [101, 103]
    assert sorted(found.filter(first_name="F3").values_list("pk", flat=True)) == [103]
    found = reader.related(caller, employees, "101", employees.attributes["employer"])
    assert [company_.pk for company_ in found] == [1]
    found = reader.related(caller, employees, "101", employees.attributes["manager"])
    assert list(found) == []
    with pytest.raises(RestError) as error:
        reader.related(caller, employees, "102", employees.attributes["employer"])
    assert error.value.status == 404


def test_related_entities_of_every_kind(caller, registered):
    for model in (Crew, Sailor, Voyage):
        registered(model)
    crew, sailor = Crew.objects.create(), Sailor.objects.create(id=1)
    Voyage.objects.create(crew=crew, sailor=sailor)
    Voyage.objects.create(crew=crew, sailor=sailor)
    crews, keepers = registry.get("Crew"), registry.get("Keeper")
    found = reader.related(caller, crews, crew.pk.hex, crews.attributes["sailors"])
    assert [s.pk for s in found] == [1]
    kim = Keeper.objects.create(id=3, name="Kim", badge="B-7")
    Animal.objects.create(id=1, name="Otter", doctor=kim)
    found = reader.related(caller, keepers, "3", keepers.attributes["patients"])
    assert [animal.pk for animal in found] == [1]
