"""Keys of every type through ``$method=update``, and ``$method=delete``."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.models.signals import post_save

from fourd_rest import DataClass
from fourd_rest.dataclass.values import moment_to_wire
from fourd_rest.models import EntityStamp
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    errors,
    files,
    nothing_changes,
    refused,
    saved,
)
from tests.contract.sample import (
    everything,
    john,
)
from tests.zoo.models import (
    Aviary,
    Country,
    Parcel,
    Planet,
    Secretive,
)

pytestmark = pytest.mark.django_db

# Keys of other types


def test_text_key(admin: RestClient) -> None:
    answer = admin.update("Country", {"code": "FR", "name": "France"})
    row = EntityStamp.objects.get()
    expected = {
        "__KEY": "FR",
        "__STAMP": 1,
        "__TIMESTAMP": moment_to_wire(row.modified),
        "code": "FR",
        "name": "France",
        "parcels": {"__deferred": {"uri": "/rest/Country(FR)/parcels?$expand=parcels"}},
    }
    assert_answer(answer, 200, saved(expected, "/rest/Country(FR)"))
    answer = admin.update("Country", {"__KEY": "FR", "__STAMP": 1, "name": "La France"})
    assert (answer.json()["__STAMP"], answer.json()["name"]) == (2, "La France")
    assert Country.objects.count() == 1


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("a/b", "Country('a%2Fb')"),
        ("a b", "Country(a%20b)"),
        ("O'Neil", 'Country("O\'Neil")'),
        ("é", "Country(%C3%A9)"),
        ("1,2", "Country('1,2')"),
        ("(x)", "Country('(x)')"),
        ("100%", "Country(100%25)"),
        (" x ", None),
    ],
)
def test_text_key_in_addresses(admin: RestClient, key: str, place: str | None) -> None:
    """The ``uri`` of an answer leads back to the entity."""
    uri = admin.update("Country", {"code": key, "name": "x"}).json()["uri"]
    path = uri.removeprefix("http://testserver/rest/")
    if place is not None:
        assert path.replace("%22", '"') == place
    shown = admin.read(path)
    assert shown.status_code == 200
    assert shown.json()["__KEY"] == key
    assert admin.update("Country", {"__KEY": key, "name": "y"}).status_code == 200
    assert admin.rest("DELETE", path).status_code == 200
    assert not Country.objects.exists()


def test_text_key_and_stamp_column(admin: RestClient) -> None:
    answer = admin.update("Planet", {"code": "M", "name": "Mars"}).json()
    assert (answer["__KEY"], answer["__STAMP"]) == ("M", 1)
    answer = admin.update("Planet", {"__KEY": "M", "__STAMP": 1, "name": "Red"}).json()
    assert (answer["name"], answer["__STAMP"], Planet.objects.get().stamp) == ("Red", 2, 2)
    assert not EntityStamp.objects.exists()


def test_uuid_key(admin: RestClient) -> None:
    answer = admin.update("Parcel", {"label": "new"}).json()
    parcel = Parcel.objects.get()
    key = parcel.pk.hex.upper()
    assert (answer["__KEY"], answer["id"]) == (key, key)
    assert answer["uri"] == f"http://testserver/rest/Parcel({key})"
    for stamp, form in enumerate((key, key.lower(), str(parcel.pk), str(parcel.pk).upper()), 1):
        answer = admin.update("Parcel", {"__KEY": form, "__STAMP": stamp, "label": f"l{stamp}"}).json()
        assert (answer["__KEY"], answer["__STAMP"], answer["label"]) == (key, stamp + 1, f"l{stamp}")
    assert EntityStamp.objects.get().key == key


def test_uuid_key_that_is_chosen(admin: RestClient) -> None:
    key = "0123456789ab4def8123456789abcdef"
    answer = admin.update("Parcel", {"id": key, "label": "mine"}).json()
    assert (answer["__KEY"], answer["__STAMP"]) == (key.upper(), 1)
    assert Parcel.objects.get().pk == uuid.UUID(key)


@pytest.mark.parametrize("posted", [77, "77", 77.0])
def test_number_key_that_is_chosen(admin: RestClient, posted: Any) -> None:
    answer = admin.update("Employee", {"ID": posted, "firstName": "A", "lastName": "B"}).json()
    assert (answer["__KEY"], answer["ID"], answer["__STAMP"]) == ("77", 77, 1)


def test_inherited_model(admin: RestClient, at_now: None) -> None:
    """The stamp belongs to the topmost table: the same entity has one stamp under both names."""
    answer = admin.update("Aviary", {"name": "Dome", "capacity": 5, "height": 3}).json()
    key = answer["__KEY"]
    assert (answer["name"], answer["height"], answer["__STAMP"]) == ("Dome", 3, 1)
    answer = admin.update("Aviary", {"__KEY": key, "__STAMP": 1, "capacity": 6, "height": 4}).json()
    assert (answer["capacity"], answer["height"], answer["__STAMP"]) == (6, 4, 2)
    assert admin.read(f"Place({key})").json()["__STAMP"] == 2
    assert admin.update("Place", {"__KEY": key, "__STAMP": 2, "name": "Hall"}).json()["__STAMP"] == 3
    assert admin.read(f"Aviary({key})").json()["__STAMP"] == 3
    with nothing_changes():
        answer = admin.update("Aviary", {"__KEY": key, "__STAMP": 2, "height": 5})
    assert codes(answer.json()) == [1263, 1046, 1517]
    aviary = Aviary.objects.get()
    assert (aviary.name, aviary.capacity, aviary.height) == ("Hall", 6, 4)
    assert EntityStamp.objects.get().stamp == 3


def test_creation_never_overwrites(admin: RestClient) -> None:
    """Not even a row that the default manager hides, which validation cannot see."""
    Secretive.everything.bulk_create([Secretive(id=1, name="x", is_hidden=True)])
    with nothing_changes():
        answer = admin.update("Secretive", {"id": 1, "name": "y"})
    taken = (1545, 'Primary key 1 already exists in the "Secretive" dataclass')
    failed = (1046, "Cannot save record 0 in table Secretive of database tests")
    last = (1534, 'The new entity of the "Secretive" dataclass cannot be saved')
    assert_answer(answer, 500, refused(4, taken, failed, last))


DUPLICATE = (1115, "Duplicated key")


def test_taken_key_that_nobody_posted(admin: RestClient, registered: Any) -> None:
    """As numbers are that were given away behind the database's back."""

    class Numbering(DataClass):
        def save_model(self, request: Any, obj: Any, change: bool) -> None:
            obj.pk = 1
            super().save_model(request, obj, change)

    registered(Secretive, Numbering)
    Secretive.everything.create(id=1, name="x", is_hidden=True)
    with nothing_changes():
        answer = admin.update("Secretive", {"name": "y"})
    failed = (1046, "Cannot save record 0 in table Secretive of database tests")
    last = (1534, 'The new entity of the "Secretive" dataclass cannot be saved')
    assert_answer(answer, 500, refused(4, DUPLICATE, failed, last))


@pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB does not name the table")
def test_taken_key_of_another_table(admin: RestClient) -> None:
    """A receiver of the site's saves a row of its own."""
    Planet.objects.create(code="M", name="Mars")

    def save_another(**kwargs: Any) -> None:
        Planet.objects.bulk_create([Planet(code="M", name="x")])

    post_save.connect(save_another, sender=Country)
    try:
        with nothing_changes():
            answer = admin.update("Country", {"code": "FR", "name": "France"})
    finally:
        post_save.disconnect(save_another, sender=Country)
    assert answer.json()["__ERROR"][0] == errors(DUPLICATE)["__ERROR"][0]


def test_taken_key_in_its_own_form(admin: RestClient) -> None:
    key = Parcel.objects.create(label="x").pk
    with nothing_changes():
        answer = admin.update("Parcel", {"id": str(key), "label": "y"})
    taken = (1545, f'Primary key {key.hex.upper()} already exists in the "Parcel" dataclass')
    assert answer.json()["__ERROR"][0] == errors(taken)["__ERROR"][0]


@pytest.mark.parametrize("dataclass", ["Country", "Planet"])
def test_key_that_is_used_again(admin: RestClient, dataclass: str) -> None:
    """D-32: no stamp of its former life is accepted."""
    assert admin.update(dataclass, {"code": "X", "name": "a"}).status_code == 200
    assert admin.update(dataclass, {"__KEY": "X", "__STAMP": 1, "name": "b"}).status_code == 200
    assert admin.rest("DELETE", f"{dataclass}(X)").status_code == 200
    stamp = admin.update(dataclass, {"code": "X", "name": "c"}).json()["__STAMP"]
    assert stamp > 2
    with nothing_changes():
        for old in (None, 1, 2):
            answer = admin.update(dataclass, {"__KEY": "X", "__STAMP": old, "name": "late"})
            assert codes(answer.json()) == [1263, 1046, 1517]
    answer = admin.update(dataclass, {"__KEY": "X", "__STAMP": stamp, "name": "d"})
    assert answer.json()["__STAMP"] == stamp + 1


# $method=delete

DELETES = [("POST", "{}?$method=delete"), ("POST", "{}/?$method=DELETE"), ("PUT", "{}?$method=delete")]
DELETES += [("DELETE", "{}"), ("DELETE", "{}/"), ("DELETE", "{}?$method=delete")]


@pytest.mark.parametrize(("verb", "path"), DELETES)
@pytest.mark.parametrize("body", [None, b"{}", b"not JSON"])
def test_delete(admin: RestClient, verb: str, path: str, body: Any) -> None:
    """No stamp is compared, and whatever the body holds is not looked at."""
    john()
    Employee.objects.create(id=13, first_name="A", last_name="B", manager_id=12)
    answer = admin.rest(verb, path.format("Employee(12)"), body)
    assert_answer(answer, 200, {"ok": True})
    assert list(Employee.objects.values_list("pk", "manager_id")) == [(13, None)]


def test_delete_leaves_files_and_unlinks(admin: RestClient) -> None:
    """As Django does; the stamp's row stays and says so."""
    thing = everything()
    before = files()
    assert_answer(admin.rest("DELETE", f"Everything({thing.pk})"), 200, {"ok": True})
    assert files() == before
    row = EntityStamp.objects.get()
    assert (row.key, row.stamp) == (str(thing.pk), 2)
    assert row.deleted is not None


@pytest.mark.parametrize(("verb", "path"), [DELETES[0], DELETES[3]])
def test_delete_of_a_protected_entity(admin: RestClient, verb: str, path: str) -> None:
    Parcel.objects.create(country=Country.objects.create(code="FR", name="France"))
    with nothing_changes():
        answer = admin.rest(verb, path.format("Country(FR)"))
    message = 'The entity (FR) in the "Country" dataclass cannot be deleted'
    holder = (9019, 'It is still referred to by the "Parcel" dataclass')
    assert_answer(answer, 500, errors(holder, (1518, message)))


def test_delete_refused_by_the_database(admin: RestClient, monkeypatch: Any) -> None:
    def delete(self: Country, *args: Any, **kwargs: Any) -> None:
        raise IntegrityError("a constraint that Django does not know")

    monkeypatch.setattr(Country, "delete", delete)
    Country.objects.create(code="FR", name="France")
    with nothing_changes():
        answer = admin.rest("DELETE", "Country(FR)")
    message = 'The entity (FR) in the "Country" dataclass cannot be deleted'
    holder = (9019, "It is still referred to by other data")
    assert_answer(answer, 500, errors(holder, (1518, message)))


def test_delete_by_get(admin: RestClient) -> None:
    """D-07: a link must not delete."""
    john()
    with nothing_changes():
        answer = admin.read("Employee(12)?$method=delete")
    assert_answer(answer, 400, errors((1813, '"delete" REST method is not applicable here')))


def test_delete_twice(admin: RestClient) -> None:
    john()
    assert admin.rest("DELETE", "Employee(12)").status_code == 200
    with nothing_changes():
        answer = admin.rest("DELETE", "Employee(12)")
    message = 'Cannot load entity# 12 in the "Employee" dataclass'
    assert_answer(answer, 404, errors((1543, message)))


@pytest.mark.parametrize("path", ["Employee(12)", "Employee(99)", "Employee(twelve)"])
@pytest.mark.parametrize("described", [True, False])
def test_delete_without_the_right(login: Any, path: str, described: bool) -> None:
    """The key tells nothing then; nor does the dataclass, to whom holds no right on it."""
    client = login("hr.change_employee" if described else "hr.delete_company")
    john()
    with nothing_changes():
        answer = client.rest("DELETE", path)
    if described:
        message = "No permission to delete for the Employee dataclass"
        assert_answer(answer, 401, errors((1560, message)))
    else:
        assert_answer(answer, 404, errors((1800, 'The "Employee" dataclass cannot be found')))


@pytest.mark.django_db(transaction=True)
def test_no_request_is_wrapped_in_a_transaction(
    admin: RestClient, registered: Any, monkeypatch: Any
) -> None:
    """Also where the site wraps all others: our transactions are short, and begin with a write."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    found = []

    class Looking(DataClass):
        naming = "camelCase"

        def has_change_permission(self, request: Any, obj: Any = None) -> bool:
            if obj is None:
                found.append(connection.in_atomic_block)
            return True

    registered(Employee, Looking)
    john()
    answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "firstName": "Jack"})
    assert answer.status_code == 200
    assert found
    assert not any(found)
