"""Behind ``tests/spec/test_attach.py``: what HTTP alone does not show."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage
from django.utils import timezone

from fourd_rest import sweep
from fourd_rest.dataclass import registry
from fourd_rest.models import BlobAttachment, UploadedBlob
from fourd_rest.read.reader import Rows
from fourd_rest.uploads import attach, blobs, folder_copy, intents
from fourd_rest.write import commit, gate, preparation, strategies
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import (
    assert_answer,
    codes,
    nothing_changes,
    refused,
)
from tests.contract.sample import NOT_SAVED, employee, john
from tests.spec.test_attach import FAILED, cannot, content_of, give, media, storage, upload
from tests.zoo.models import Animal, Country, Defaulted

__all__ = ["storage"]

pytestmark = pytest.mark.django_db


def test_intent_is_there_before_the_copy(admin: RestClient, monkeypatch: Any) -> None:
    """Whatever crashes from here on, it leads the sweep to the file."""
    john()
    wire_id = upload(admin, PDF)
    seen = []
    original = attach._copy

    def copy(*args: Any) -> Any:
        row = BlobAttachment.objects.get()
        seen.append((row.state, row.name, media()))
        return original(*args)

    monkeypatch.setattr(attach, "_copy", copy)
    assert give(admin, "cv", wire_id).status_code == 200
    assert seen == [("intent", Employee.objects.get().cv.name, {})]


# A save that fails leaves nothing


def change_in_between(monkeypatch: Any, **values: Any) -> None:
    """Somebody else commits when the file is copied and the transaction has not begun."""
    original = commit.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).update(**values)
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", late)


def test_conflict_after_the_copy(admin: RestClient, monkeypatch: Any) -> None:
    john()
    wire_id = upload(admin, PDF)
    change_in_between(monkeypatch, stamp=5)
    answer = give(admin, "cv", wire_id)
    assert (answer.status_code, codes(answer.json())) == (500, [1263, 1046, 1517])
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


def test_entity_gone_before_the_copy(admin: RestClient, monkeypatch: Any) -> None:
    """Deleted when it was read for the comparison, and not yet for its file."""
    john()
    wire_id = upload(admin, PDF)
    original = Rows.find

    def find(self: Rows, key: Any) -> Any:
        found = original(self, key)
        Employee.objects.filter(pk=12).delete()
        return found

    monkeypatch.setattr(Rows, "find", find)
    answer = give(admin, "cv", wire_id)
    assert (answer.status_code, codes(answer.json())) == (500, [1542, 1517])
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


def test_duplicate_told_by_the_database(admin: RestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(gate, "clean", lambda instance, changed, unknown: None)
    Animal.objects.create(name="Leo", nick="x")
    wire_id = upload(admin, PDF)
    with nothing_changes():
        answer = admin.update("Animal", {"name": "Leo", "nick": "x", "report": {"ID": wire_id}})
    assert codes(answer.json()) == [1115, 1046, 1534]


@pytest.mark.parametrize("kind", ["setter", "setattr"])
def test_of_a_refused_value_nothing_is_copied(
    admin: RestClient, registered: Any, monkeypatch: Any, request: Any, kind: str
) -> None:
    """Where the site's own code takes values it is asked first, so that ``$atomic`` tells of all."""

    def refuse(instance: Defaulted, value: Any) -> None:
        raise ValueError("never")

    def set_any(instance: Defaulted, name: str, value: Any) -> None:
        if value == "never":
            raise ValueError(value)
        instance.__dict__[name] = value

    registered(Defaulted, fields=["file", "text"], computed=["limit"])
    Country.objects.create(code="FR", name="France")
    keys = [Defaulted.objects.create(text="x").pk for _ in range(2)]
    value: dict[str, Any] = {"limit": 2}
    if kind == "setter":
        monkeypatch.setattr(Defaulted, "limit", property(Defaulted.limit.fget, refuse))
    else:
        value = {"text": "never"}
        monkeypatch.setattr(Defaulted, "__setattr__", set_any)
        request.addfinalizer(preparation._is_set_plainly.cache_clear)
        preparation._is_set_plainly.cache_clear()
    monkeypatch.setattr(attach, "_copy", lambda *args: pytest.fail("copied"))
    wire_id = upload(admin, PDF)
    posted = [{"__KEY": key, "__STAMP": 1, "file": {"ID": wire_id}, **value} for key in keys]
    with nothing_changes():
        answer = admin.update("Defaulted", posted, "$atomic=true")
    assert [codes(entity) for entity in answer.json()["__ENTITIES"]] == [[1508, 1517]] * 2


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_after_a_bug_no_copy_is_left(admin: RestClient, monkeypatch: Any, params: str) -> None:
    john()
    wire_id = upload(admin, PDF)
    monkeypatch.setattr(strategies, "save", lambda *args: 1 / 0)
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "cv": {"ID": wire_id}}, params)
    assert (answer.status_code, codes(answer.json())) == (500, [9011])


def test_stale_stamp_copies_nothing(admin: RestClient, monkeypatch: Any) -> None:
    john()
    wire_id = upload(admin, PDF)
    copied = []
    monkeypatch.setattr(attach, "copy_upload", lambda *args, **kwargs: copied.append(args))
    assert codes(give(admin, "cv", wire_id, stamp=3).json()) == [1263, 1046, 1517]
    assert copied == []


@pytest.mark.parametrize("ways", [0, 1, 2])
def test_every_way_to_copy(admin: RestClient, monkeypatch: Any, ways: int) -> None:
    """Sharing blocks, within the kernel, through memory: what one file system lacks another way does."""
    monkeypatch.setattr(folder_copy, "_clone", lambda source, new: False)
    pieces = (*[cannot] * ways, *folder_copy._PIECES[ways:])
    monkeypatch.setattr(folder_copy, "_PIECES", pieces)
    monkeypatch.setattr(folder_copy, "_PIECE", 1_000)
    content = PDF + os.urandom(300_000)
    john()
    assert give(admin, "cv", upload(admin, content)).status_code == 200
    assert media() == {Employee.objects.get().cv.name: content}


@pytest.mark.parametrize("first", [b"", b"half of it"])
def test_a_copy_that_fails_midway_begins_anew(admin: RestClient, monkeypatch: Any, first: bytes) -> None:
    def fail(source: int, new: int) -> int:
        os.write(new, first)
        return cannot()

    monkeypatch.setattr(folder_copy, "_clone", lambda source, new: False)
    monkeypatch.setattr(folder_copy, "_PIECES", (fail, *folder_copy._PIECES))
    john()
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    assert media() == {Employee.objects.get().cv.name: PDF}


def test_a_copy_is_a_copy(admin: RestClient) -> None:
    """D-54: whoever writes into the file of one entity changes neither the other's nor the upload."""
    john()
    Employee.objects.create(pk=13, first_name="Anna", last_name="Jones")
    red, blue = picture(), picture(mode="L")
    wire_id = upload(admin, red, "$rawPict=true")
    for key, stamp in (("12", 4), ("13", 1)):
        sent = {"__KEY": key, "__STAMP": stamp, "photo": {"ID": wire_id}}
        assert admin.update("Employee", sent).status_code == 200
    one, other = Employee.objects.get(pk=12).photo, Employee.objects.get(pk=13).photo
    first = admin.read("Employee(12)/photo?$imageformat=best")
    with Path(one.path).open("r+b") as file:  # as Pillow does it: the file keeps its name
        file.truncate()
        file.write(blue)
    assert content_of(other) == red
    with blobs.open_blob(UploadedBlob.objects.get()) as waiting:
        assert waiting.read() == red
    second = admin.read("Employee(12)/photo?$imageformat=best")
    assert (first.content, second.content) == (red, blue)
    assert first["ETag"] != second["ETag"]


def test_uploads_in_memory(admin: RestClient, settings: Any) -> None:
    """A storage without paths."""
    backend = {"BACKEND": "django.core.files.storage.InMemoryStorage", "OPTIONS": {"location": "x"}}
    settings.STORAGES = {**settings.STORAGES, "fourd_uploads": backend}
    john()
    wire_id = upload(admin, picture(), "$rawPict=true")
    assert isinstance(blobs.upload_storage(), InMemoryStorage)
    assert give(admin, "photo", wire_id).status_code == 200
    assert content_of(Employee.objects.get().photo) == picture()


@pytest.mark.parametrize("attribute", ["photo", "cv"])
def test_upload_whose_file_is_gone(admin: RestClient, attribute: str) -> None:
    """Whatever took it away: the entity is not saved, and this is no bug."""
    john()
    wire_id = upload(admin, picture(), "$rawPict=true")
    for blob in UploadedBlob.objects.all():
        blobs.upload_storage().delete(blob.name)
    with nothing_changes():
        answer = give(admin, attribute, wire_id)
    assert_answer(answer, 500, refused(4, FAILED, NOT_SAVED, entity=employee()))


def test_upload_whose_file_is_gone_before_it_is_verified(admin: RestClient) -> None:
    john()
    wire_id = upload(admin, picture(), "$binary=true")
    blobs.upload_storage().delete(UploadedBlob.objects.get().name)
    with nothing_changes():
        answer = give(admin, "photo", wire_id)
    missing = (1825, "No uploaded picture has this ID")
    assert_answer(answer, 500, refused(4, missing, NOT_SAVED, entity=employee()))


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
def test_copy_that_the_sweep_took(admin: RestClient, monkeypatch: Any, params: str) -> None:
    """It stood too long: no entity may refer to it."""
    john()
    wire_id = upload(admin, PDF)
    original = commit.write_transaction

    def late(alias: str) -> Any:
        BlobAttachment.objects.update(progressed=timezone.now() - timedelta(hours=1))
        assert sweep.run().copies == 1
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", late)
    with nothing_changes():
        sent = {"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}}
        answer = admin.update("Employee", sent, params)
    assert_answer(answer, 500, refused(4, FAILED, NOT_SAVED, entity=employee()))


def test_slow_copy_is_noted(admin: RestClient, storage: Any, monkeypatch: Any) -> None:
    """Else the sweep would take it for abandoned."""
    john()
    storage("Folder")
    monkeypatch.setattr(intents, "_PROGRESS_INTERVAL", 0)
    wire_id = upload(admin, b"x" * 200_000)
    note, noted = intents.Intents.note, []

    def noting(self: Any, name: str) -> BlobAttachment:
        intent = note(self, name)
        noted.append(intent.progressed)
        return intent

    monkeypatch.setattr(intents.Intents, "note", noting)
    assert give(admin, "cv", wire_id).status_code == 200
    assert [BlobAttachment.objects.get().progressed > when for when in noted] == [True]


def test_a_copy_that_is_recorded_is_discarded_no_more(admin: RestClient) -> None:
    """Whatever failed after the commit: the entity has its file."""
    man = john()
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    man.refresh_from_db()
    before, intent = media(), BlobAttachment.objects.get()
    attribute: Any = registry.get("Employee").attributes["cv"]
    attach.discard(attach.FileCopy(attribute, man.cv.name, intent))
    assert media() == before == {man.cv.name: PDF}
    assert BlobAttachment.objects.get().state == "attached"
