"""``$method=update``: what the model and the site say about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import CheckConstraint, F, Func, IntegerField, Q, UniqueConstraint, Value
from django.db.models.constraints import BaseConstraint
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Lower
from django.db.models.lookups import GreaterThan
from django.db.models.signals import post_save

from fourd_rest import DataClass
from fourd_rest.dataclass.values import moment_to_wire
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    error,
    errors,
    nothing_changes,
    refused,
)
from tests.contract.sample import (
    acme,
    change,
    names,
    three,
)
from tests.zoo.models import (
    Animal,
    Country,
    Everything,
    Place,
)

pytestmark = pytest.mark.django_db

# Validation


@pytest.mark.parametrize(
    ("dataclass", "body", "messages"),
    [
        ("Everything", {"choice": "z"}, ["choice: Value 'z' is not a valid choice."]),
        ("Everything", {"email": "nobody"}, ["email: Enter a valid email address."]),
        ("Everything", {"positive": -1}, ["positive: Ensure this value is greater than or equal to 0."]),
        (
            "Everything",
            {"decimal": "1.00001", "slug": "a b"},
            [
                "decimal: Ensure that there are no more than 4 decimal places.",
                "slug: Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.",
            ],
        ),
        (
            "Place",
            {"name": "X", "capacity": 1001},
            ["capacity: Ensure this value is less than or equal to 1000."],
        ),
        ("Animal", {"name": "Moloch"}, ["name: No Moloch in this zoo."]),
        ("Animal", {"name": "Cerberus"}, ["Animal: No dog with three heads."]),
        (
            "Animal",
            {"name": "Leo", "low": 3, "high": 2},
            ["Animal: Constraint “low_below_high” is violated."],
        ),
    ],
)
def test_validation_of_a_new_entity(
    admin: RestClient, dataclass: str, body: dict[str, Any], messages: list[str]
) -> None:
    with nothing_changes():
        answer = admin.update(dataclass, body)
    items = [(1569, message) for message in messages]
    last = (1534, f'The new entity of the "{dataclass}" dataclass cannot be saved')
    assert_answer(answer, 500, refused(7, *items, (1570, "Entity fails validation"), last))


def animal(**values: Any) -> Animal:
    """Whatever its values are: validated nowhere."""
    return Animal.objects.bulk_create([Animal(**({"id": 1, "name": "Leo"} | values))])[0]


@pytest.mark.parametrize(
    ("stored", "body", "message"),
    [
        ({}, {"name": "Moloch"}, "name: No Moloch in this zoo."),
        ({}, {"name": "Cerberus"}, "Animal: No dog with three heads."),
        ({"low": 5}, {"high": 4}, "Animal: Constraint “low_below_high” is violated."),
        ({"high": 5}, {"low": 6}, "Animal: Constraint “low_below_high” is violated."),
        ({}, {"name": ""}, "name: This field cannot be blank."),
    ],
)
def test_validation_of_an_old_entity(
    admin: RestClient, stored: dict[str, Any], body: dict[str, Any], message: str
) -> None:
    animal(**stored)
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": 1, "__STAMP": 1, **body})
    assert answer.status_code == 500
    expected = errors(
        (1569, message),
        (1570, "Entity fails validation"),
        (1517, 'The entity# 1 in the "Animal" dataclass cannot be saved'),
    )
    assert answer.json()["__ERROR"] == expected["__ERROR"]


def test_constraint_that_touches_a_changed_field(admin: RestClient) -> None:
    """With all its fields, changed or not."""
    animal(nick="a")
    animal(id=2, nick="b")
    with nothing_changes():
        answer = admin.update("Animal", {"__KEY": 2, "__STAMP": 1, "nick": "a"})
    assert codes(answer.json()) == [1115, 1046, 1517]


EVERY = {"name", "nick", "low", "high"}


class Unknown(BaseConstraint):
    """A constraint of the site's own."""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("constraint", "touched"),
    [
        (CheckConstraint(condition=Q(Q(nick="a") | ~Q(low=0)), name="x"), {"low", "nick"}),
        (CheckConstraint(condition=Q(high__lt=F("low") + F("high") * 0), name="x"), {"low", "high"}),
        (CheckConstraint(condition=Q(name__gt=Lower("nick")), name="x"), {"name", "nick"}),
        (UniqueConstraint(Lower("name"), name="x"), {"name"}),
        (UniqueConstraint(fields=["low"], condition=Q(high__gt=5), name="x"), {"low", "high"}),
        (UniqueConstraint(fields=["low"], include=["high"], name="x"), {"low"}),
        (UniqueConstraint(fields=["low"], nulls_distinct=False, name="x"), {"low"}),
        (UniqueConstraint(Coalesce("nick", Value("x")), F("low").desc(), name="x"), {"nick", "low"}),
        (CheckConstraint(condition=Q(low__range=(0, F("high"))), name="x"), {"low", "high"}),
        (CheckConstraint(condition=GreaterThan(F("high"), F("low")), name="x"), {"low", "high"}),
        (CheckConstraint(condition=Q(pk__gt=F("low")), name="x"), {"low"}),
        (CheckConstraint(condition=Q(home_id__gt=0) | Q(name="x"), name="x"), {"name"}),
        (ExclusionConstraint(name="x", expressions=[("low", "=")]), {"low"}),
        (ExclusionConstraint(name="x", expressions=[(F("low") + F("high"), "&&")]), {"low", "high"}),
        (
            ExclusionConstraint(name="x", expressions=[("low", "=")], condition=Q(nick="a")),
            {"low", "nick"},
        ),
        # Nobody can tell what these look at.
        (CheckConstraint(condition=Q(RawSQL("low > 0", ())), name="x"), EVERY),
        (Unknown(name="x"), EVERY),
    ],
)
def test_constraints_of_every_form(
    admin: RestClient, monkeypatch: Any, constraint: Any, touched: set[str]
) -> None:
    """Whatever it looks at, it is checked if that changes, and only then."""
    checked: list[str] = []

    def validate(self: Any, *args: Any, **kwargs: Any) -> None:
        checked.append("x")

    validate.__module__ = type(constraint).validate.__module__
    monkeypatch.setattr(type(constraint), "validate", validate)
    monkeypatch.setattr(Animal, "get_constraints", lambda self: [(Animal, [constraint])])
    animal()
    seen = set()
    bodies = {"name": "Kim", "nick": "n", "low": 1, "high": 11}
    for stamp, (attribute, value) in enumerate(bodies.items(), 1):
        checked.clear()
        answer = admin.update("Animal", {"__KEY": 1, "__STAMP": stamp, attribute: value})
        assert answer.status_code == 200
        seen |= {attribute} if checked else set()
    assert seen == touched


class OnlyInTheDatabase(BaseConstraint):
    """One that cannot be judged in Python."""


def test_constraint_without_a_validation(admin: RestClient, monkeypatch: Any) -> None:
    found = [(Animal, [OnlyInTheDatabase(name="x")])]
    monkeypatch.setattr(Animal, "get_constraints", lambda self: found)
    animal()
    answer = admin.update("Animal", {"__KEY": 1, "__STAMP": 1, "low": 1})
    assert answer.status_code == 200


def test_constraint_of_the_site_s_own(admin: RestClient, monkeypatch: Any) -> None:
    """It is asked in every update, of several entities at once too."""

    def validate(self: Any, model: Any, instance: Any, **kwargs: Any) -> None:
        if instance.capacity == 13:
            raise ValidationError("No thirteenth.")

    monkeypatch.setattr(Unknown, "validate", validate)
    monkeypatch.setattr(Place._meta, "constraints", [Unknown(name="x")])
    Place.objects.bulk_create(Place(id=key, name="x") for key in range(1, 7))
    items = [{"__KEY": key, "__STAMP": 1, "capacity": 10 + key} for key in range(1, 7)]
    entities = admin.update("Place", items).json()["__ENTITIES"]
    refused_ = entities.pop(2)
    assert codes(refused_) == [1569, 1570, 1517]
    assert refused_["__ERROR"][0]["message"] == "Place: No thirteenth."
    assert [entity["capacity"] for entity in entities] == [11, 12, 14, 15, 16]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="constraints of PostgreSQL")
@pytest.mark.parametrize("posted", [{"low": 5}, {"high": 99}])
def test_exclusion(admin: RestClient, monkeypatch: Any, posted: dict[str, Any]) -> None:
    spans = Func(F("low"), F("high"), function="int4range", output_field=IntegerField())
    constraint = ExclusionConstraint(
        name="no_overlap", expressions=[(spans, "&&")], violation_error_message="They overlap."
    )
    with connection.schema_editor() as editor:
        editor.add_constraint(Animal, constraint)
    animal(low=0, high=4)
    animal(id=2, name="Kim", low=10, high=14)
    animal(id=3, name="Ann", low=20, high=24)
    monkeypatch.setattr(Animal._meta, "constraints", [constraint])
    body = {"__KEY": 2, "__STAMP": 1, "low": 10, "high": 14, **posted, "nick": "x"}
    if "low" in posted:
        body["low"] = 3
    with nothing_changes():
        answer = admin.update("Animal", body)
        stale = admin.update("Animal", {"low": 0, "high": 3, "name": "new"})
    assert (answer.status_code, answer.json()["__STATUS"]["status"]) == (500, 7)
    assert answer.json()["__ERROR"][0] == error(1569, "Animal: They overlap.")
    assert stale.json()["__ERROR"][0] == error(1569, "Animal: They overlap.")
    answer = admin.update("Animal", {"__KEY": 2, "__STAMP": 1, "low": 11})
    assert answer.status_code == 200


def test_old_row_that_is_invalid_elsewhere_stays_editable(admin: RestClient) -> None:
    Everything.objects.bulk_create([Everything(id=1, choice="z", email="nobody", char="x")])
    answer = admin.update("Everything", {"__KEY": 1, "__STAMP": 1, "char": "y"})
    assert (answer.status_code, answer.json()["char"]) == (200, "y")
    Place.objects.bulk_create([Place(id=1, name="Hall", capacity=5000)])
    answer = admin.update("Place", {"__KEY": 1, "__STAMP": 1, "name": "Big hall"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Big hall")


def test_what_clean_says_of_other_fields_was_so_before(admin: RestClient) -> None:
    animal(name="Moloch")
    answer = admin.update("Animal", {"__KEY": 1, "__STAMP": 1, "nick": "the old one"})
    assert (answer.status_code, answer.json()["nick"]) == (200, "the old one")


def test_message_of_a_field_that_is_not_exposed(admin: RestClient, registered: Any) -> None:
    """Its name is not told."""
    registered(Animal, fields=["id", "nick"])
    with nothing_changes():
        answer = admin.update("Animal", {"nick": "x"})
    assert answer.json()["__ERROR"][0] == error(1569, "Animal: This field cannot be blank.")


# The site's own code


def test_custom_save_is_called(admin: RestClient, monkeypatch: Any) -> None:
    """What is answered is what was stored."""
    original = Company.save

    def save(self: Company, *args: Any, **kwargs: Any) -> None:
        self.name = self.name.upper()
        original(self, *args, **kwargs)

    monkeypatch.setattr(Company, "save", save)
    acme()
    answer = admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Bolt"})
    assert answer.json()["name"] == "BOLT"
    answer = admin.update("Company", {"name": "Nuts"})
    assert answer.json()["name"] == "NUTS"
    assert list(Company.objects.order_by("pk").values_list("name", flat=True)) == ["BOLT", "NUTS"]


def test_custom_save_that_validates(admin: RestClient, monkeypatch: Any) -> None:
    def save(self: Company, *args: Any, **kwargs: Any) -> None:
        raise ValidationError({"name": "Not this one."})

    monkeypatch.setattr(Company, "save", save)
    acme()
    with nothing_changes():
        answer = admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Bolt"})
    assert answer.status_code == 500
    assert codes(answer.json()) == [1569, 1570, 1517]
    assert answer.json()["__ERROR"][0]["message"] == "name: Not this one."


def test_auto_now_keeps_working(admin: RestClient) -> None:
    thing = Everything.objects.create()
    long_ago = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    Everything.objects.update(auto_now=long_ago)
    answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, "char": "x"})
    thing.refresh_from_db()
    assert thing.auto_now > long_ago
    assert answer.json()["auto_now"] == moment_to_wire(thing.auto_now)


def test_hooks_of_the_dataclass(admin: RestClient, registered: Any) -> None:
    """``save_model`` and ``delete_model`` as in ModelAdmin."""
    calls: list[tuple[str, str, bool | None]] = []

    class Hooked(DataClass):
        def save_model(self, request: Any, obj: Any, change: bool) -> None:
            calls.append((request.user.username, obj.name, change))
            super().save_model(request, obj, change)

        def delete_model(self, request: Any, obj: Any) -> None:
            calls.append((request.user.username, obj.name, None))
            super().delete_model(request, obj)

    registered(Country, Hooked)
    assert admin.update("Country", {"code": "FR", "name": "France"}).status_code == 200
    assert admin.update("Country", {"__KEY": "FR", "name": "La France"}).status_code == 200
    assert admin.rest("DELETE", "Country(FR)").status_code == 200
    assert calls == [
        ("admin", "France", False),
        ("admin", "La France", True),
        ("admin", "La France", None),
    ]


@contextmanager
def connected(signal: Any, receiver: Any, sender: Any) -> Iterator[None]:
    signal.connect(receiver, sender=sender)
    yield
    signal.disconnect(receiver, sender=sender)


def test_entity_that_a_signal_deletes(admin: RestClient) -> None:
    """The site has the last word."""

    def delete(instance: Any, **kwargs: Any) -> None:
        Country.objects.filter(pk=instance.pk).delete()

    with connected(post_save, delete, Country), nothing_changes():
        answer = admin.update("Country", {"code": "FR", "name": "France"})
    assert (answer.status_code, codes(answer.json())) == (500, [1542, 1534])


def test_defaults_of_a_new_entity(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    """What it is without a word from the client may be said, even of a read-only attribute."""
    field = Everything._meta.get_field("date")
    monkeypatch.setitem(field.__dict__, "_get_default", lambda: dt.date(2000, 1, 2))
    registered(Everything, readonly_fields=["date"])
    answer = admin.update("Everything", {"date": "2!1!2000", "char": "x"})
    assert (answer.status_code, answer.json()["date"]) == (200, "2!1!2000")
    with nothing_changes():
        answer = admin.update("Everything", {"date": "3!1!2000", "char": "x"})
    assert codes(answer.json()) == [1516, 1534]


class OwnRowsOnly(DataClass):
    """The right to change is held on some entities only."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None or obj.pk != 2


def test_right_on_single_entities(admin: RestClient, registered: Any) -> None:
    registered(Employee, OwnRowsOnly)
    three()
    answer = admin.update("Employee", [change(1), change(2)])
    assert answer.status_code == 401
    first, second = answer.json()["__ENTITIES"]
    assert first["firstName"] == "New"
    assert second == refused(
        1,
        (1558, "No permission to update for the Employee dataclass"),
        (1517, 'The entity# 2 in the "Employee" dataclass cannot be saved'),
    )
    assert names() == [(1, "New", 2), (2, "F", 1), (3, "F", 1)]


@pytest.mark.parametrize("key", ["1", 1, "one", "99"])
def test_without_the_right_the_key_tells_nothing(login: Any, key: Any) -> None:
    """The same answer for an entity, for none, and for what cannot be a key."""
    client = login("hr.view_employee")
    three()
    with nothing_changes():
        answer = client.update("Employee", {"__KEY": key, "__STAMP": 1, "firstName": "New"})
    message = "No permission to update for the Employee dataclass"
    last = (1517, f'The entity# {key} in the "Employee" dataclass cannot be saved')
    assert_answer(answer, 401, refused(1, (1558, message), last))


@pytest.mark.parametrize(
    "body",
    [
        {"__KEY": "1", "firstName": "New"},
        {"__KEY": "one"},
        {"firstName": "New"},
        [{"__KEY": "1", "firstName": "New"}],
    ],
)
def test_dataclass_of_which_one_holds_no_right(login: Any, body: Any) -> None:
    """D-21: as if it did not exist."""
    client = login("hr.view_company")
    three()
    with nothing_changes():
        answer = client.update("Employee", body)
        unknown = client.update("Nothing", body)
    assert_answer(answer, 404, errors((1800, 'The "Employee" dataclass cannot be found')))
    assert_answer(unknown, 404, errors((1800, 'The "Nothing" dataclass cannot be found')))
