"""What the site is told: after the commit, with request and user, and to no effect on the answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.signals import post_save

from fourd_rest import signals
from fourd_rest.models import UploadedBlob
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.sample import acme, john
from tests.spec.writes import told
from tests.zoo.models import Keeper

# Real commits: what is sent after one must be seen to come after it.
pytestmark = [pytest.mark.django_db(transaction=True)]

NAMES = ("upload_received", "blob_attached", "entity_saved", "entity_deleted")


class Heard(list):
    """The signals that came, as (name, sender, details)."""

    def names(self) -> list[str]:
        return [name for name, *_ in self]


@pytest.fixture
def heard() -> Iterator[Heard]:
    found = Heard()
    wrong: list[bool] = []
    receivers = {}
    for name in NAMES:

        def receive(
            sender: Any, request: Any, user: Any, signal: Any, _name: str = name, **details: Any
        ) -> None:
            # Raised here it would be swallowed.
            wrong.append(connection.in_atomic_block or request.user != user)
            details["user"] = str(user)
            details["path"] = request.path
            found.append((_name, sender, details))

        receivers[name] = receive
        getattr(signals, name).connect(receive)
    yield found
    for name, receive in receivers.items():
        assert getattr(signals, name).disconnect(receive)
    assert not any(wrong)


@pytest.fixture
def failing() -> Iterator[list[str]]:
    """Receivers of the site with a bug in them."""
    called: list[str] = []
    receivers = {}
    for name in NAMES:

        def receive(_name: str = name, **kwargs: Any) -> None:
            called.append(_name)
            raise ZeroDivisionError(_name)

        receivers[name] = receive
        getattr(signals, name).connect(receive)
    yield called
    for name, receive in receivers.items():
        assert getattr(signals, name).disconnect(receive)


def test_upload(admin: RestClient, heard: Heard) -> None:
    answer = json.loads(admin.upload(PDF).content)
    ((name, sender, details),) = heard
    assert (name, sender) == ("upload_received", UploadedBlob)
    blob = details["blob"]
    assert (blob.wire_id, blob.state, blob.size) == (answer["ID"], "ready", len(PDF))
    assert (details["user"], details["path"]) == ("admin", "/rest/$upload")


def test_refused_upload(admin: RestClient, heard: Heard) -> None:
    assert told(admin.upload(PDF, "$rawPict=true")) == (400, [1824])
    assert told(admin.upload(b"")) == (400, [9004])
    assert heard == []


def test_update(admin: RestClient, heard: Heard) -> None:
    john()
    assert told(admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "salary": 1})) == (200, [])
    ((name, sender, details),) = heard
    instance = details.pop("instance")
    assert (name, sender) == ("entity_saved", Employee)
    assert (instance.pk, instance.salary) == (12, 1)
    assert details == {"created": False, "user": "admin", "path": "/rest/Employee"}


def test_create(admin: RestClient, heard: Heard) -> None:
    assert told(admin.update("Keeper", {"name": "Ann"})) == (200, [])
    ((name, sender, details),) = heard
    assert (name, sender, details["created"]) == ("entity_saved", Keeper, True)
    assert details["instance"] == Keeper.objects.get()


def test_attach(admin: RestClient, heard: Heard) -> None:
    john()
    upload = json.loads(admin.upload(picture(), "$rawPict=true").content)
    posted = {"__KEY": "12", "__STAMP": 4, "photo": upload, "salary": 1}
    assert told(admin.update("Employee", posted)) == (200, [])
    assert heard.names() == ["upload_received", "blob_attached", "entity_saved"]
    _, sender, details = heard[1]
    assert sender is Employee
    assert details == {
        "key": 12,
        "attribute": "photo",
        "blob_id": uuid.UUID(upload["ID"]),
        "user": "admin",
        "path": "/rest/Employee",
    }


def test_bytes_straight_to_an_attribute(admin: RestClient, heard: Heard) -> None:
    john()
    assert told(admin.rest("PUT", "Employee(12)/cv", PDF)) == (200, [])
    assert heard.names() == ["upload_received", "blob_attached", "entity_saved"]
    assert heard[1][2]["attribute"] == "cv"
    heard.clear()
    assert told(admin.rest("DELETE", "Employee(12)/cv")) == (200, [])
    assert heard.names() == ["entity_saved"]


def test_delete(admin: RestClient, heard: Heard) -> None:
    john()
    acme()
    assert told(admin.rest("DELETE", "Employee(12)")) == (200, [])
    ((name, sender, details),) = heard
    instance = details.pop("instance")
    assert (name, sender, instance.first_name) == ("entity_deleted", Employee, "John")
    assert details == {"key": 12, "user": "admin", "path": "/rest/Employee(12)"}


def test_delete_many(admin: RestClient, heard: Heard) -> None:
    for key in (1, 2):
        Keeper.objects.create(id=key, name=str(key))
    assert told(admin.rest("DELETE", "Keeper(1,2,3)")) == (404, [1543])
    assert [(name, details["key"]) for name, _, details in heard] == [
        ("entity_deleted", 1),
        ("entity_deleted", 2),
    ]


def test_nested(admin: RestClient, heard: Heard) -> None:
    """In the order in which they are saved."""
    posted = {"firstName": "A", "lastName": "B", "employer": {"name": "Acme"}}
    assert told(admin.update("Employee", posted)) == (200, [])
    assert [(name, sender) for name, sender, _ in heard] == [
        ("entity_saved", Company),
        ("entity_saved", Employee),
    ]


def test_a_guest(guest: RestClient, heard: Heard, settings: Any, db: None) -> None:
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["zoo.add_keeper"]}
    assert told(guest.update("Keeper", {"name": "Ann"})) == (200, [])
    assert heard[0][2]["user"] == "AnonymousUser"


# Nothing happened, nothing is told


@pytest.mark.parametrize(
    "posted",
    [
        {"__KEY": "12", "__STAMP": 4, "firstName": "John"},
        {"__KEY": "12", "__STAMP": 3, "firstName": "Jack"},
        {"__KEY": "12", "__STAMP": 4, "firstName": "x" * 61},
        {"__KEY": "13", "__STAMP": 4, "firstName": "Jack"},
        {"__KEY": "12", "__STAMP": 4, "firstName": "x" * 61, "employer": {"name": "Acme"}},
        {"firstName": "Jane"},
    ],
)
def test_what_is_not_saved(admin: RestClient, heard: Heard, posted: dict[str, Any]) -> None:
    john()
    admin.update("Employee", posted)
    assert heard == []


def test_rolled_back(admin: RestClient, heard: Heard) -> None:
    john()
    items = [
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        {"firstName": "Jane", "lastName": "x" * 61},
    ]
    assert admin.update("Employee", items, "$method=update&$atomic=true").status_code == 500
    assert told(admin.rest("DELETE", "Employee(12,13)?$atomic=true")) == (404, [1543])
    assert heard == []


def test_rolled_back_by_a_receiver_of_django(admin: RestClient, heard: Heard) -> None:
    def refuse(**kwargs: Any) -> None:
        raise ZeroDivisionError

    post_save.connect(refuse, sender=Keeper)
    try:
        assert told(admin.update("Keeper", {"name": "Ann"})) == (500, [9011])
    finally:
        assert post_save.disconnect(refuse, sender=Keeper)
    assert (heard, Keeper.objects.count()) == ([], 0)


def test_saves_outside_rest(db: None, heard: Heard) -> None:
    """Django has signals of its own for these."""
    john().delete()
    assert heard == []


# Receivers that fail


def test_receivers_that_fail_change_nothing(admin: RestClient, failing: list[str], caplog: Any) -> None:
    john()
    upload = json.loads(admin.upload(PDF).content)
    assert len(upload["ID"]) == 32
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "cv": upload})
    assert (told(answer), Employee.objects.get().stamp) == ((200, []), 5)
    assert told(admin.rest("DELETE", "Employee(12)")) == (200, [])
    assert failing == list(NAMES)
    logged = [record for record in caplog.records if record.name == "django.dispatch"]
    assert [record.exc_info[0] for record in logged] == [ZeroDivisionError] * 4


def test_the_others_are_told_all_the_same(admin: RestClient, failing: list[str], heard: Heard) -> None:
    assert told(admin.update("Keeper", {"name": "Ann"})) == (200, [])
    assert (failing, heard.names()) == (["entity_saved"], ["entity_saved"])


def test_a_receiver_may_write(admin: RestClient) -> None:
    def note(sender: Any, instance: Any, user: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            Company.objects.create(name=f"{user} saved {instance.name}")

    signals.entity_saved.connect(note, sender=Keeper)
    try:
        assert told(admin.update("Keeper", {"name": "Ann"})) == (200, [])
    finally:
        assert signals.entity_saved.disconnect(note, sender=Keeper)
    assert Company.objects.get().name == "admin saved Ann"


def test_senders(admin: RestClient) -> None:
    """A receiver of one model hears of no other."""
    heard: list[Any] = []

    def note(sender: Any, **kwargs: Any) -> None:
        heard.append(sender)

    signals.entity_saved.connect(note, sender=Keeper)
    try:
        assert told(admin.update("Planet", {"code": "x", "name": "x"})) == (200, [])
        assert told(admin.update("Keeper", {"name": "Ann"})) == (200, [])
    finally:
        assert signals.entity_saved.disconnect(note, sender=Keeper)
    assert heard == [Keeper]
    assert User.objects.count() == 1
