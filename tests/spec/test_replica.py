"""A site whose router sends reads to a replica, which is late: here it holds no table at all.

No statement of a request that writes goes there, nor any about uploads and entity sets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connections
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from fourd_rest.models import BlobAttachment, UploadedBlob
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import codes
from tests.contract.sample import acme, john, three
from tests.zoo.models import Animal, Country, Keeper, Licence, Parcel, Passport, Place, Tower

pytestmark = pytest.mark.django_db(databases=["default", "replica"])

APPS = {"hr", "zoo", "fourd_rest"}


class Router:
    """As the documentation of Django has it, for some apps; the rest is read where it is written."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "replica" if model._meta.app_label in APPS else None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    added = {"default": {}, "replica": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    connections.settings["replica"] = connections.configure_settings(added)["replica"]
    yield
    if (raw := connections["replica"].connection) is not None:
        raw.close()  # Django leaves a database in memory open
    del connections["replica"]
    del connections.settings["replica"]


@pytest.fixture(autouse=True)
def replica(settings: Any) -> Iterator[CaptureQueriesContext]:
    """What is asked of the replica."""
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]
    with CaptureQueriesContext(connections["replica"]) as captured:
        yield captured


def upload(client: RestClient, content: bytes = PDF, params: str = "$binary=true") -> dict[str, Any]:
    return json.loads(client.upload(content, params).content)


def employee(**values: Any) -> dict[str, Any]:
    return {"__KEY": "12", "__STAMP": 4, **values}


Write = Callable[[RestClient], Any]

WRITES: dict[str, Write] = {
    "update": lambda c: c.update("Employee", employee(firstName="Jack")),
    "nothing": lambda c: c.update("Employee", employee()),
    "link": lambda c: c.update("Employee", employee(employer=2)),
    "create": lambda c: c.update("Employee", {"firstName": "A", "lastName": "B", "employer": 1}),
    "nested update": lambda c: c.update(
        "Employee", employee(employer={"__KEY": 1, "__STAMP": 1, "name": "x"})
    ),
    "nested create": lambda c: c.update("Employee", employee(employer={"name": "new"})),
    "expand": lambda c: c.update("Employee", employee(firstName="J"), "$expand=employer,team"),
    "validate": lambda c: c.update("Employee", employee(employer=2), "$method=validate"),
    "refresh": lambda c: c.update("Employee", employee(employer=2), "$refresh=true"),
    "atomic": lambda c: c.update(
        "Employee", [employee(employer=2), {"lastName": "x", "firstName": "y"}], "$atomic=true"
    ),
    "array": lambda c: c.update("Employee", [employee(employer=2), {"lastName": "x", "firstName": "y"}]),
    "batch": lambda c: c.update(
        "Place", [{"__KEY": key, "__STAMP": 1, "name": "new"} for key in range(21, 30)]
    ),
    "unique": lambda c: c.update("Keeper", {"__KEY": 1, "__STAMP": 1, "name": "x", "badge": "y"}),
    "unique create": lambda c: c.update("Keeper", {"name": "x", "badge": "y"}),
    "constraints": lambda c: c.update("Animal", {"__KEY": 1, "__STAMP": 1, "nick": "n", "low": 2}),
    "create animal": lambda c: c.update(
        "Animal", {"name": "Kim", "home": 21, "doctor": 1, "keepers": [1, 2]}
    ),
    "links": lambda c: c.update("Animal", {"__KEY": 1, "__STAMP": 1, "keepers": [1, "2"]}),
    "links back": lambda c: c.update("Keeper", {"__KEY": 1, "__STAMP": 1, "animals": [1]}),
    "to_field": lambda c: c.update("Animal", {"__KEY": 1, "__STAMP": 1, "doctor": 2}),
    "reverse": lambda c: c.update(
        "Animal", {"__KEY": 1, "__STAMP": 1, "passport": {"__KEY": 1, "__STAMP": 1, "number": "2"}}
    ),
    "child": lambda c: c.update("Aviary", {"name": "x", "height": 1}),
    "key that is a relation": lambda c: c.update("Licence", {"owner": 2, "note": "x"}),
    "its update": lambda c: c.update("Licence", {"__KEY": 1, "__STAMP": 1, "note": "x"}),
    "file": lambda c: c.update("Employee", employee(cv=upload(c))),
    "picture": lambda c: c.update(
        "Employee", employee(photo=upload(c, picture(), "$rawPict=true"), firstName="x")
    ),
    "picture that was not announced": lambda c: c.update(
        "Employee", employee(photo=upload(c, picture()))
    ),
    "straight": lambda c: c.rest("PUT", "Employee(12)/photo?$rawPict=true", picture()),
    "straight bytes": lambda c: c.rest("POST", "Employee(12)/cv?$binary=true", PDF),
    "emptied": lambda c: c.rest("DELETE", "Employee(12)/photo"),
    "delete": lambda c: c.rest("DELETE", "Employee(12)"),
    "delete a parcel's country": lambda c: c.rest(
        "POST", "Parcel?$method=delete", [{"__KEY": str(Parcel.objects.using("default").get().pk)}]
    ),
    "delete found": lambda c: c.rest("POST", "Employee?$method=delete&$filter='ID=12'"),
    "delete found by a path": lambda c: c.rest(
        "POST", "Employee?$method=delete&$filter='employer.name=Acme or ID=12'"
    ),
    "upload": lambda c: c.upload(PDF),
}


@pytest.fixture
def zoo(settings: Any, replica: Any) -> None:
    settings.DATABASE_ROUTERS = []
    acme()
    Company.objects.create(id=2, name="Other")
    john(employer_id=1)
    three()
    for key, name in enumerate(("Ann", "Bob"), 1):
        Keeper.objects.create(id=key, name=name, badge=name)
    Place.objects.bulk_create(Place(id=key, name="x") for key in range(21, 30))
    animal = Animal.objects.create(id=1, name="Leo", home_id=21)
    Passport.objects.create(id=1, animal=animal, number="1")
    Parcel.objects.create(country=Country.objects.create(code="FR", name="France"))
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.usefixtures("zoo")
def test_writes(admin: RestClient, registered: Any, replica: CaptureQueriesContext, name: str) -> None:
    registered(Licence)
    Licence.objects.using("default").create(owner_id=1)
    answer = WRITES[name](admin)
    assert [query["sql"] for query in replica] == []
    assert answer.status_code == 200, answer.content


@pytest.mark.usefixtures("zoo")
def test_code_of_the_site_s_own(
    admin: RestClient, registered: Any, monkeypatch: Any, replica: CaptureQueriesContext
) -> None:
    """Hidden rows, rights, getters, setters and ``clean`` that ask the database."""

    class Asking(DataClass):
        naming = "camelCase"
        computed = ("head_count",)

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).filter(pk__in=Company.objects.values("pk"))

        def has_change_permission(self, request: Any, obj: Any = None) -> bool:
            return Employee.objects.exists()

        has_delete_permission = has_change_permission

    def head_count(self: Company) -> int:
        return self.staff.count()

    def clean(self: Company) -> None:
        if not Company.objects.filter(pk=1).exists() or self.manager is not None:
            raise ValidationError("no")

    monkeypatch.setattr(Company, "head_count", property(head_count), raising=False)
    monkeypatch.setattr(Company, "clean", clean)
    registered(Company, Asking)
    posted = [{"__KEY": 1, "__STAMP": 1, "name": "x"}, {"name": "another"}]
    answer = admin.update("Company", posted)
    assert [entity["headCount"] for entity in answer.json()["__ENTITIES"]] == [1, 0]
    answer = admin.update("Employee", employee(employer={"__KEY": 1, "__STAMP": 2, "name": "y"}))
    assert answer.status_code == 200
    assert admin.rest("DELETE", "Company(2)").status_code == 200
    assert [query["sql"] for query in replica] == []


@pytest.mark.usefixtures("zoo")
def test_code_that_asks_for_what_is_near(
    admin: RestClient, monkeypatch: Any, replica: CaptureQueriesContext
) -> None:
    """Rows of a child that is not registered, and of the table between two sides."""

    def clean(self: Place) -> None:
        if Tower.objects.exists() or Animal.keepers.through.objects.exists():
            raise ValidationError("no")

    monkeypatch.setattr(Place, "clean", clean)
    answer = admin.update("Place", {"__KEY": 21, "__STAMP": 1, "name": "new"})
    assert (answer.status_code, [query["sql"] for query in replica]) == (200, [])


@pytest.mark.usefixtures("zoo")
def test_refusals(admin: RestClient, replica: CaptureQueriesContext) -> None:
    for dataclass, posted, found in (
        ("Employee", employee(firstName="x" * 61), [1569, 1570, 1517]),
        ("Employee", {**employee(firstName="x"), "__STAMP": 3}, [1263, 1046, 1517]),
        ("Employee", employee(employer=99), [1542, 1517]),
        ("Keeper", {"name": "Ann"}, [1115, 1046, 1534]),
        ("Employee", employee(cv={"ID": "0" * 32}), [1826, 1517]),
    ):
        assert codes(admin.update(dataclass, posted).json()) == found
    assert admin.rest("DELETE", "Country(FR)").status_code == 500
    assert [query["sql"] for query in replica] == []


@pytest.mark.usefixtures("zoo")
def test_sweep_and_admin(admin: RestClient, replica: CaptureQueriesContext) -> None:
    upload(admin)
    UploadedBlob.objects.update(expires="2020-01-01T00:00:00Z")
    blob = UploadedBlob.objects.get()
    call_command("fourd_cleanup")
    assert UploadedBlob.objects.get().state == "expired"
    for path in ("", f"{blob.pk}/change/", "usage/"):
        assert admin.get(f"/admin/fourd_rest/uploadedblob/{path}").status_code == 200, path
    assert BlobAttachment.objects.using("default").count() == 0
    assert [query["sql"] for query in replica] == []


def test_rows_of_a_parent(admin: RestClient, registered: Any, replica: CaptureQueriesContext) -> None:
    """Its key and its unique values are looked up as well, registered or not."""
    registered(Tower, fields=["code", "name", "id"])
    answer = admin.update("Tower", {"code": "T", "name": "x"})
    assert answer.status_code == 200
    answer = admin.update("Tower", {"__KEY": "T", "__STAMP": 1, "name": "y"})
    assert (answer.status_code, len(replica)) == (200, 0)
