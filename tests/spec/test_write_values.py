"""``$method=update``: what was read and comes back, values of every type, relations."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from fourd_rest import DataClass
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    nothing_changes,
    refused,
    saved,
)
from tests.contract.sample import (
    NOT_SAVED,
    acme,
    employee,
    everything,
    inv003,
    john,
    saved_employee,
    to_one,
)
from tests.zoo.models import (
    Animal,
    Aviary,
    Everything,
    Keeper,
    Passport,
)

pytestmark = pytest.mark.django_db

# A read posted back (D-11)


def test_read_posted_back_changes_nothing(admin: RestClient) -> None:
    thing = everything()
    shown = admin.read(f"Everything({thing.pk})").json()
    with nothing_changes():
        answer = admin.update("Everything", shown)
    assert answer.status_code == 200
    assert answer.json()["__STAMP"] == shown["__STAMP"]


def test_write_answer_posted_back_changes_nothing(admin: RestClient) -> None:
    """Its ``uri`` is no attribute, and neither is what begins with two underscores."""
    thing = everything()
    shown = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, "char": "new"}).json()
    assert shown["uri"] == f"http://testserver/rest/Everything({thing.pk})"
    with nothing_changes():
        answer = admin.update("Everything", shown)
    assert answer.status_code == 200
    assert answer.json() == shown


def test_page_posted_back_changes_nothing(admin: RestClient) -> None:
    """Relations of both kinds and files included; ``__ENTITIES`` is a body as it stands."""
    company = acme()
    boss = Employee.objects.create(first_name="Ann", last_name="Boss", employer=company)
    john(employer=company, manager=boss, photo="photos/john.png", cv="cvs/john.pdf")
    company.manager = boss
    company.save()
    inv003(pdf="invoices/inv003.pdf")
    for dataclass in ("Employee", "Company", "Invoices"):
        page = admin.read(dataclass).json()
        with nothing_changes():
            answer = admin.update(dataclass, page)
        assert answer.status_code == 200
        stamps = [entity["__STAMP"] for entity in page["__ENTITIES"]]
        assert [entity["__STAMP"] for entity in answer.json()["__ENTITIES"]] == stamps


def test_relations_of_a_zoo_posted_back(admin: RestClient) -> None:
    keeper = Keeper.objects.create(name="Ann", badge="A1")
    home = Aviary.objects.create(name="Dome", capacity=5, height=3)
    animal = Animal.objects.create(name="Leo", home=home, doctor=keeper)
    animal.keepers.add(keeper)
    Passport.objects.create(animal=animal, number="P1")
    for dataclass in ("Keeper", "Place", "Aviary", "Animal", "Passport"):
        page = admin.read(dataclass).json()
        assert page["__COUNT"] == 1
        with nothing_changes():
            assert admin.update(dataclass, page).status_code == 200


def test_change_beside_what_was_read(admin: RestClient) -> None:
    """Only the one attribute is touched: microseconds that the wire does not show stay."""
    thing = everything()
    shown = admin.read(f"Everything({thing.pk})").json()
    assert admin.update("Everything", {**shown, "char": "new"}).status_code == 200
    again = Everything.objects.get(pk=thing.pk)
    unchanged = [
        field.attname
        for field in Everything._meta.concrete_fields
        if field.name not in ("char", "loud", "auto_now")
    ]
    assert {n: getattr(again, n) for n in unchanged} == {n: getattr(thing, n) for n in unchanged}
    assert (again.char, again.loud) == ("new", "NEW")


# Values (D-12)


@pytest.mark.parametrize(
    ("attribute", "posted", "stored"),
    [
        ("integer", "12", 12),
        ("integer", 12.0, 12),
        ("big", 2**63 - 1, 2**63 - 1),
        ("boolean", 1, True),
        ("boolean", "false", False),
        ("floating", "1.5", 1.5),
        ("decimal", "1.1", Decimal("1.1000")),
        ("char", 12, "12"),
        ("uuid", "00000000-0000-0000-0000-00000000000a", uuid.UUID(int=10)),
        ("date", "2017-03-09", dt.date(2017, 3, 9)),
        ("date", "09!03!2017", dt.date(2017, 3, 9)),
        ("date", "!!2017-03-09!!", dt.date(2017, 3, 9)),
        ("date", "2017-03-09T10:11:12Z", dt.date(2017, 3, 9)),
        ("date", "0!0!0", None),
        ("moment", "2017-03-09T10:11:12+02:00", dt.datetime(2017, 3, 9, 8, 11, 12, 0, dt.UTC)),
        ("time", 1_001, dt.time(0, 0, 1, 1_000)),
        ("time", "10:11", dt.time(10, 11)),
        ("duration", 90_000, dt.timedelta(seconds=90)),
        ("json", [1, {"a": None}], [1, {"a": None}]),
        ("shade", "blue", "blue"),
    ],
)
def test_values_are_converted(admin: RestClient, attribute: str, posted: Any, stored: Any) -> None:
    thing = Everything.objects.create(date=dt.date(2000, 1, 1))
    answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, attribute: posted})
    assert answer.status_code == 200
    assert answer.json()["__STAMP"] == 2
    thing.refresh_from_db()
    assert getattr(thing, attribute) == stored


@pytest.mark.parametrize(
    ("attribute", "posted"),
    [
        ("integer", 1.5),
        ("integer", True),
        ("integer", " x"),
        ("integer", []),
        ("boolean", "yes"),
        ("boolean", 2),
        ("floating", "many"),
        ("char", True),
        ("char", ["x"]),
        ("char", {"x": 1}),
        ("uuid", "12"),
        ("date", "31!2!2017"),
        ("date", "tomorrow"),
        ("date", 20170309),
        ("moment", "25:00"),
        ("time", 86_400_000),
        ("time", -1),
        ("duration", "long"),
        ("shade", "no shade"),
    ],
)
def test_values_that_would_lose_something(admin: RestClient, attribute: str, posted: Any) -> None:
    thing = Everything.objects.create()
    with nothing_changes():
        answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, attribute: posted})
    assert answer.status_code == 500
    assert codes(answer.json()) == [1508, 1517]


# Relations (D-13)


@pytest.mark.parametrize(
    "form",
    [
        1,
        "1",
        {"__KEY": 1},
        {"__KEY": "1"},
        {"__KEY": "1", "__STAMP": 9, "__TIMESTAMP": "", "uri": "/rest/Company(1)"},
        {"__deferred": {"uri": "/rest/Company(1)", "__KEY": "1"}},
    ],
    ids=json.dumps,
)
def test_forms_of_a_relation(admin: RestClient, at_now: None, form: Any) -> None:
    acme()
    john()
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", 1)))
    assert Employee.objects.get(pk=12).employer_id == 1
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "employer": form})
    assert_answer(answer, 200, saved_employee(stamp=5, employer=to_one("Company", 1)))


@pytest.mark.parametrize("form", [None, {"__KEY": None}])
def test_relation_is_unlinked(admin: RestClient, at_now: None, form: Any) -> None:
    john(employer=acme())
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    assert_answer(answer, 200, saved_employee(stamp=5))
    assert Employee.objects.get(pk=12).employer_id is None


@pytest.mark.parametrize("form", [99, "99", {"__KEY": "99"}])
def test_relation_to_nothing(admin: RestClient, form: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    unknown = (1542, 'Cannot find entity with "99" key in the "Company" dataclass')
    assert_answer(answer, 500, refused(4, unknown, NOT_SAVED, entity=employee()))


@pytest.mark.parametrize(
    "form",
    [
        "one",
        1.5,
        True,
        [1],
        {},
        {"__KEY": []},
        {"__STAMP": 1},
        {"__deferred": {"uri": "/rest/Company(1)"}},
    ],
    ids=json.dumps,
)
def test_what_is_no_relation(admin: RestClient, form: Any) -> None:
    """Least of all may it unlink: a reference that cannot be read is not «none»."""
    john(employer=acme())
    stored = employee(employer=to_one("Company", 1))
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": form})
    wrong = (
        1508,
        'Wrong value type passed to the "employer" attribute in the "Employee" dataclass',
    )
    assert_answer(answer, 500, refused(4, wrong, NOT_SAVED, entity=stored))


def test_relation_to_itself_and_to_new_ones(admin: RestClient) -> None:
    john()
    answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "manager": 12})
    assert answer.json()["manager"] == to_one("Employee", 12)
    answer = admin.update("Employee", {"firstName": "A", "lastName": "B", "manager": {"__KEY": 12}})
    assert answer.json()["manager"] == to_one("Employee", 12)


def test_relation_by_another_field_than_the_key(admin: RestClient) -> None:
    """``__KEY`` is the target's primary key, also where the column holds something else."""
    keeper = Keeper.objects.create(name="Ann", badge="A1")
    animal = Animal.objects.create(name="Leo")
    answer = admin.update("Animal", {"__KEY": animal.pk, "__STAMP": 1, "doctor": keeper.pk})
    assert answer.json()["doctor"] == to_one("Keeper", keeper.pk)
    animal.refresh_from_db()
    assert animal.doctor_id == "A1"


def test_relation_to_a_target_that_has_no_such_field(admin: RestClient) -> None:
    """A keeper without a badge cannot be referred to."""
    keeper = Keeper.objects.create(name="Ann")
    animal = Animal.objects.create(name="Leo")
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": animal.pk, "__STAMP": 1, "doctor": keeper.pk})
    assert answer.status_code == 500
    assert codes(answer.json()) == [1542, 1517]


class Own(DataClass):
    """Companies whose name begins with A."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(name__startswith="A")


def test_relation_to_a_target_that_is_not_visible(admin: RestClient, registered: Any) -> None:
    """As if it did not exist; one that is there already is read as null and stays."""
    registered(Company, Own)
    acme()
    hidden = Company.objects.create(id=2, name="Hidden")
    john(employer=hidden)
    assert admin.read("Employee(12)").json()["employer"] is None
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": hidden.pk})
        unknown = (1542, f'Cannot find entity with "{hidden.pk}" key in the "Company" dataclass')
        assert_answer(answer, 500, refused(4, unknown, NOT_SAVED, entity=employee()))
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": None})
        assert_answer(answer, 200, saved(employee(), "/rest/Employee(12)"))
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": 1})
    assert answer.json()["employer"] == to_one("Company", 1)


def test_relation_needs_the_right_to_see_the_target(login: Any) -> None:
    client = login("hr.change_employee", "hr.add_company")
    acme()
    john()
    with nothing_changes():
        answer = client.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": 1})
    unknown = (1542, 'Cannot find entity with "1" key in the "Company" dataclass')
    assert_answer(answer, 500, refused(4, unknown, NOT_SAVED, entity=employee()))


@pytest.mark.skipif(connection.vendor != "mysql", reason="UUIDs of MariaDB")
def test_a_value_that_the_column_does_not_take(admin: RestClient) -> None:
    """A driver for MariaDB tells of it as of an error of the server, which it is not."""
    odd = "01234567-89ab-cdef-0123-456789abcdef"
    answer = admin.update("Everything", {"uuid": odd})
    assert codes(answer.json()) == [9016, 1046, 1534]
    for key in range(1, 5):
        Everything.objects.create(pk=key)
    posted = [{"__KEY": str(key), "__STAMP": 1, "uuid": odd} for key in range(1, 5)]
    answer = admin.update("Everything", posted)
    assert [codes(entity) for entity in answer.json()["__ENTITIES"]] == [[9016, 1046, 1517]] * 4


LOOSE = {
    "price": 0.0,
    "weight": 1.5,
    "count": 7,
    "since": "29!2!2024",
    "until": "2024-02-29T00:00:00.000Z",
    "code": "0F8FAD5BD9CB469FA16570867728950E",
    "open": True,
    "label": "5",
}


@pytest.mark.filterwarnings("ignore:DateTimeField Loose.until received a naive datetime")
def test_defaults_of_another_type(admin: RestClient) -> None:
    """A decimal whose default is the number 0, a date whose default is a text: as they are stored."""
    previewed = admin.update("Loose", {}, "$method=update&$refresh=true")
    assert previewed.status_code == 200, previewed.content
    assert {name: previewed.json()[name] for name in LOOSE} == LOOSE
    assert admin.update("Loose", {}, "$method=validate").json() == {"ok": True}
    made = admin.update("Loose", [{}, LOOSE])
    assert made.status_code == 200, made.content
    for entity in made.json()["__ENTITIES"]:
        assert {name: entity[name] for name in LOOSE} == LOOSE
    assert admin.update("Loose", {"price": "0.5", "count": "8"}).json()["price"] == 0.5
