"""``manage.py fourd_touch``: stamps after work that sends no signals."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from fourd_rest.models import EntityStamp
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import nothing_changes
from tests.contract.sample import MOMENT, acme, john
from tests.spec.writes import NOW, WIRE_NOW, told
from tests.zoo.models import Aviary, Country, Parcel, Place, Secretive

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_now(monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def touch(*arguments: str) -> str:
    out = StringIO()
    call_command("fourd_touch", *arguments, stdout=out)
    return out.getvalue()


def test_stamps_in_a_column(admin: RestClient) -> None:
    john()
    Employee.objects.update(first_name="Jack")
    assert touch("hr.Employee") == "1 stamps moved\n"
    man = Employee.objects.get()
    assert (man.stamp, man.modified, man.first_name) == (5, NOW, "Jack")
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jim"}
    assert told(admin.update("Employee", posted)) == (500, [1263, 1046, 1517])
    assert told(admin.update("Employee", {**posted, "__STAMP": 5})) == (200, [])


def test_stamps_in_the_side_table(admin: RestClient) -> None:
    acme()
    Company.objects.bulk_create([Company(id=2, name="Bcme")])
    EntityStamp.objects.create(dataclass="hr.company", key="2", stamp=7, modified=MOMENT)
    assert touch("hr.Company") == "2 stamps moved\n"
    found = [json.loads(admin.read(f"Company({key})").content) for key in (1, 2)]
    assert [(row["__STAMP"], row["__TIMESTAMP"]) for row in found] == [(2, WIRE_NOW), (8, WIRE_NOW)]


def test_again_and_again() -> None:
    acme()
    for stamp in (2, 3, 4):
        touch("hr.Company")
        assert EntityStamp.objects.get().stamp == stamp


def test_some_keys() -> None:
    Company.objects.bulk_create(Company(id=key, name="x") for key in (1, 2, 3))
    assert touch("hr.company", "1", "3", "99") == "2 stamps moved\n"
    assert list(EntityStamp.objects.order_by("key").values_list("key", "stamp")) == [
        ("1", 2),
        ("3", 2),
    ]


def test_keys_of_other_types() -> None:
    parcels = [Parcel(), Parcel()]
    Parcel.objects.bulk_create(parcels)
    Country.objects.bulk_create([Country(code="F R", name="x"), Country(code="DE", name="x")])
    assert touch("zoo.Parcel", str(parcels[0].pk)) == "1 stamps moved\n"
    assert touch("zoo.Country", "F R") == "1 stamps moved\n"
    keys = EntityStamp.objects.order_by("dataclass").values_list("key", flat=True)
    assert list(keys) == ["F R", parcels[0].pk.hex.upper()]


def test_rows_that_a_manager_hides() -> None:
    Secretive.everything.bulk_create([Secretive(name="x", is_hidden=True)])
    assert touch("zoo.Secretive") == "1 stamps moved\n"


def test_children_have_the_stamps_of_their_parents(admin: RestClient) -> None:
    aviary = Aviary.objects.create(name="x")
    Place.objects.create(name="y")
    before = json.loads(admin.read(f"Place({aviary.pk})").content)["__STAMP"]
    assert touch("zoo.Aviary") == "1 stamps moved\n"
    assert json.loads(admin.read(f"Place({aviary.pk})").content)["__STAMP"] == before + 1


def test_a_row_that_came_back_untold() -> None:
    """``bulk_create`` under the key of a deleted entity: its stamp must not be forgotten."""
    acme().delete()
    acme()
    touch("hr.Company")
    row = EntityStamp.objects.get()
    assert (row.stamp > 2, row.deleted) == (True, None)


def test_nothing_to_touch() -> None:
    with nothing_changes():
        assert touch("hr.Company") == "0 stamps moved\n"
        assert touch("hr.Company", "1") == "0 stamps moved\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["hr.Nothing"], "There is no model hr.Nothing"),
        (["nothing.Company"], "There is no model nothing.Company"),
        (["Company"], "There is no model Company"),
        (["auth.User"], "auth.User is not registered"),
        (["hr.Company", "x"], "hr.Company has no such key"),
        (["hr.Company", ""], "hr.Company has no such key"),
    ],
)
def test_refused(arguments: list[str], text: str) -> None:
    acme()
    with nothing_changes(), pytest.raises(CommandError, match=f"^{text}$"):
        touch(*arguments)
