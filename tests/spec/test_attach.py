"""From an upload to the file of an entity: ``{"ID": …}`` in ``$method=update`` (D-14, D-15)."""

from __future__ import annotations

import errno
import os
import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from fourd_rest import DataClass, sweep
from fourd_rest.models import BlobAttachment, UploadedBlob
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import (
    assert_answer,
    codes,
    error,
    errors,
    files,
    nothing_changes,
    refused,
    rows,
)
from tests.contract.sample import NOT_SAVED, cv, employee, inv003, john, photo
from tests.contract.storages import SECRET
from tests.zoo.models import Animal, Everything

pytestmark = pytest.mark.django_db

FAILED = (9015, "The file could not be stored")


def upload(client: RestClient, content: bytes, params: str = "$binary=true") -> str:
    answer = client.upload(content, params)
    assert answer.status_code == 200
    return str(answer.json()["ID"])


def give(client: RestClient, attribute: str, wire_id: Any, stamp: int = 4, **others: Any) -> Any:
    """Employee 12 gets an upload."""
    value = None if wire_id is None else {"ID": wire_id}
    return client.update("Employee", {"__KEY": "12", "__STAMP": stamp, attribute: value, **others})


def content_of(file: Any) -> bytes:
    with file.storage.open(file.name) as opened:
        return bytes(opened.read())


def media() -> dict[str, bytes]:
    """The files that entities hold, by name."""
    root = Path(default_storage.path(""))
    found = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


# What is stored, and what is answered


def test_scenario_with_a_picture(admin: RestClient) -> None:
    """The seed's first sample: body, address and answer."""
    john()
    wire_id = upload(admin, picture(), "$rawPict=true")
    body = f'{{\n    __KEY: "12",\n    __STAMP: 4,\n    photo: {{ "ID": "{wire_id}" }} \n}}'
    answer = admin.rest("POST", "Employee/?$method=update", body)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["__KEY"], shown["__STAMP"], shown["photo"]) == ("12", 5, photo(5))
    assert shown["uri"] == "http://testserver/rest/Employee(12)"
    man = Employee.objects.get(pk=12)
    assert re.fullmatch(r"photos/[0-9a-f]{32}\.png", man.photo.name)
    assert content_of(man.photo) == picture()
    bytes_back = admin.read(photo(5)["__deferred"]["uri"].removeprefix("/rest/"))
    assert (bytes_back.status_code, bytes_back["Content-Type"]) == (200, "image/png")
    assert bytes_back.content == picture()


def test_scenario_with_a_pdf(admin: RestClient) -> None:
    """The seed's second sample: the stamp is a text, and the address has no slash."""
    invoice = inv003()
    wire_id = upload(admin, PDF)
    body = {"__KEY": "3", "__STAMP": "1", "pdf": {"ID": wire_id}}
    answer = admin.rest("POST", "Invoices?$method=update", body)
    assert answer.status_code == 200
    uri = "/rest/Invoices(3)/pdf?$binary=true&$version=2&$expand=pdf"
    assert answer.json()["pdf"] == {"__deferred": {"uri": uri}}
    invoice.refresh_from_db()
    assert re.fullmatch(r"invoices/[0-9a-f]{32}\.pdf", invoice.pdf.name)
    assert content_of(invoice.pdf) == PDF
    assert admin.read(uri.removeprefix("/rest/")).content == PDF


@pytest.mark.parametrize("form", [str.lower, str.upper, str.title])
def test_id_in_any_case(admin: RestClient, form: Any) -> None:
    john()
    wire_id = upload(admin, PDF)
    assert give(admin, "cv", form(wire_id)).json()["cv"] == cv(5)


def test_new_entity_with_files(admin: RestClient) -> None:
    ids = {"photo": upload(admin, picture(), "$rawPict=true"), "cv": upload(admin, PDF)}
    body = {name: {"ID": wire_id} for name, wire_id in ids.items()}
    answer = admin.update("Employee", {"firstName": "A", "lastName": "B", **body})
    woman = Employee.objects.get()
    assert answer.json()["photo"] == photo(1, woman.pk)
    assert answer.json()["cv"] == cv(1, woman.pk)
    assert (content_of(woman.photo), content_of(woman.cv)) == (picture(), PDF)


def test_one_upload_several_times(admin: RestClient) -> None:
    """D-14: until it expires. Each entity gets a copy of its own."""
    john()
    wire_id = upload(admin, picture(), "$rawPict=true")
    assert give(admin, "photo", wire_id).status_code == 200
    assert give(admin, "cv", wire_id, stamp=5).status_code == 200
    assert give(admin, "photo", wire_id, stamp=6).status_code == 200
    new = {"firstName": "A", "lastName": "B", "photo": {"ID": wire_id}}
    assert admin.update("Employee", [new, new]).status_code == 200
    # The photo of employee 12 was replaced once, and its file stays.
    assert list(media().values()) == [picture()] * 5
    UploadedBlob.objects.update(expires=timezone.now())
    assert codes(give(admin, "photo", wire_id, stamp=7).json()) == [1825, 1517]


def test_same_upload_again_is_a_change(admin: RestClient) -> None:
    john()
    wire_id = upload(admin, PDF)
    assert give(admin, "cv", wire_id).json()["__STAMP"] == 5
    assert give(admin, "cv", wire_id, stamp=5).json()["__STAMP"] == 6


def test_binary_attribute(admin: RestClient) -> None:
    """The bytes go into the row; no file is made beside the upload."""
    thing = Everything.objects.create()
    wire_id = upload(admin, b"\0\1\2")
    before = files()
    answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, "binary": {"ID": wire_id}})
    uri = f"/rest/Everything({thing.pk})/binary?$binary=true&$version=2&$expand=binary"
    assert answer.json()["binary"] == {"__deferred": {"uri": uri}}
    thing.refresh_from_db()
    assert bytes(thing.binary) == b"\0\1\2"
    assert admin.read(uri.removeprefix("/rest/")).content == b"\0\1\2"
    assert files() == before
    admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 2, "binary": None})
    thing.refresh_from_db()
    assert thing.binary is None


def test_image_attribute_with_its_dimensions(admin: RestClient) -> None:
    """Columns for width and height are filled and emptied with it."""
    thing = Everything.objects.create()
    wire_id = upload(admin, picture(size=(30, 20)), "$rawPict=true")
    body = {"__KEY": thing.pk, "__STAMP": 1, "image": {"ID": wire_id}}
    answer = admin.update("Everything", body).json()
    assert (answer["image_width"], answer["image_height"]) == (30, 20)
    assert Everything.objects.values_list("image_width", "image_height").get() == (30, 20)
    admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 2, "image": None})
    columns = ("image", "image_width", "image_height")
    assert Everything.objects.values_list(*columns).get() == ("", None, None)


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (PDF, ".pdf"),
        (picture("JPEG"), ".jpg"),
        (b"PK\x03\x04", ".zip"),
        (b"some text", ".txt"),
        (b"<html><script>", ".txt"),
        (b"<?php", ".txt"),
        (b"\x00\x01\x02", ".bin"),
    ],
)
def test_extension_is_that_of_the_content(admin: RestClient, content: bytes, extension: str) -> None:
    """Whatever the client calls it."""
    john()
    answer = admin.upload(content, HTTP_CONTENT_DISPOSITION='attachment; filename="run.exe"')
    give(admin, "cv", answer.json()["ID"])
    assert Path(Employee.objects.get().cv.name).suffix == extension


def test_picture_that_was_uploaded_as_a_file(admin: RestClient) -> None:
    """D-15: an image attribute takes any verified picture; verified now, it is one from now on."""
    john()
    wire_id = upload(admin, picture(size=(30, 20)), "$binary=true")
    blob = UploadedBlob.objects.get()
    assert (blob.kind, blob.thumbnail) == ("binary", None)
    assert give(admin, "photo", wire_id).json()["photo"] == photo(5)
    blob.refresh_from_db()
    assert (blob.kind, blob.detected_type, blob.width, blob.height) == ("picture", "image/png", 30, 20)
    assert blob.thumbnail


def test_picture_as_any_other_file(admin: RestClient) -> None:
    john()
    wire_id = upload(admin, picture(), "$rawPict=true")
    assert give(admin, "cv", wire_id).json()["cv"] == cv(5)
    assert Path(Employee.objects.get().cv.name).suffix == ".png"


# The field's own rules


def test_validators_of_the_field(admin: RestClient) -> None:
    """Reports are PDFs; what is none leaves nothing behind."""
    animal = Animal.objects.create(name="Leo")
    text, pdf = upload(admin, b"some text"), upload(admin, PDF)
    with nothing_changes():
        body = {"__KEY": animal.pk, "__STAMP": 1, "report": {"ID": text}}
        answer = admin.update("Animal", body)
    message = "report: File extension “txt” is not allowed. Allowed extensions are: pdf."
    assert answer.status_code == 500
    assert answer.json()["__ERROR"][0] == error(1569, message)
    assert codes(answer.json()) == [1569, 1570, 1517]
    answer = admin.update("Animal", {**body, "report": {"ID": pdf}})
    assert answer.status_code == 200
    animal.refresh_from_db()
    assert content_of(animal.report) == PDF


def test_upload_to_of_the_field(admin: RestClient, monkeypatch: Any) -> None:
    """Called with the entity as it is going to be, and with a name that no client has chosen."""
    john()
    seen = []

    def where(instance: Employee, name: str) -> str:
        seen.append((instance.pk, instance.last_name, name))
        return f"people/{instance.pk}/{name}"

    field = Employee._meta.get_field("cv")
    monkeypatch.setattr(field, "generate_filename", where)
    assert give(admin, "cv", upload(admin, PDF), lastName="Jones").status_code == 200
    [(key, last_name, name)] = seen
    assert (key, last_name) == (12, "Jones")
    assert re.fullmatch(r"[0-9a-f]{32}\.pdf", name)
    assert list(media()) == [f"people/12/{name}"]


def test_existing_files_are_never_overwritten(admin: RestClient, monkeypatch: Any) -> None:
    """Not even where the site names all of them alike."""
    john()
    field = Employee._meta.get_field("cv")
    monkeypatch.setattr(field, "generate_filename", lambda instance, name: "cvs/cv.pdf")
    default_storage.save("cvs/cv.pdf", ContentFile(b"precious"))
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    name = Employee.objects.get().cv.name
    assert name != "cvs/cv.pdf"
    assert media() == {"cvs/cv.pdf": b"precious", name: PDF}


def test_not_even_a_storage_that_overwrites_does(admin: RestClient, monkeypatch: Any) -> None:
    save = FileSystemStorage._save

    def overwrite(self: Any, name: str, content: Any) -> str:
        self.delete(name)
        return save(self, name, content)

    john()
    field = Employee._meta.get_field("cv")
    monkeypatch.setattr(field, "generate_filename", lambda instance, name: "cvs/cv.pdf")
    default_storage.save("cvs/cv.pdf", ContentFile(b"precious"))
    wire_id = upload(admin, PDF)
    monkeypatch.setattr(FileSystemStorage, "_save", overwrite)
    monkeypatch.setattr(
        FileSystemStorage, "get_available_name", lambda self, name, max_length=None: name
    )
    assert give(admin, "cv", wire_id).status_code == 200
    name = Employee.objects.get().cv.name
    assert name != "cvs/cv.pdf"
    assert media() == {"cvs/cv.pdf": b"precious", name: PDF}


# Emptying and replacing


@pytest.fixture
def holder(admin: RestClient) -> RestClient:
    """An administrator who has given photo and CV to employee 12; the stamp is 6."""
    john()
    assert give(admin, "photo", upload(admin, picture(), "$rawPict=true")).status_code == 200
    assert give(admin, "cv", upload(admin, PDF), stamp=5).status_code == 200
    return admin


def test_null_empties(holder: RestClient) -> None:
    answer = give(holder, "photo", None, stamp=6, cv=None)
    man = Employee.objects.get()
    assert (man.photo.name, man.cv.name, man.stamp) == ("", "", 7)
    assert not {"photo", "cv"} & answer.json().keys()
    with nothing_changes():
        answer = give(holder, "photo", None, stamp=7)
    assert answer.json()["__STAMP"] == 7


def test_one_emptied_and_one_replaced(holder: RestClient) -> None:
    answer = give(holder, "cv", upload(holder, PDF + b"new"), stamp=6, photo=None)
    man = Employee.objects.get()
    assert (man.photo.name, content_of(man.cv), answer.json()["cv"]) == ("", PDF + b"new", cv(7))


@pytest.mark.parametrize("emptied", [True, False])
def test_replaced_files_stay(
    holder: RestClient, django_capture_on_commit_callbacks: Any, emptied: bool
) -> None:
    """The default: another entity, or a backup, may refer to them."""
    before = media()
    wire_id = None if emptied else upload(holder, PDF + b"new")
    with django_capture_on_commit_callbacks(execute=True):
        assert give(holder, "cv", wire_id, stamp=6).status_code == 200
    assert before.items() <= media().items()


class Tidy(DataClass):
    """Deletes what is replaced."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012
    delete_replaced_files = True


@pytest.mark.parametrize("emptied", [True, False])
def test_replaced_files_are_deleted(
    holder: RestClient, registered: Any, django_capture_on_commit_callbacks: Any, emptied: bool
) -> None:
    """If the dataclass says so: the one that was replaced and no other, once it is committed."""
    registered(Employee, Tidy)
    man = Employee.objects.get()
    wire_id = None if emptied else upload(holder, PDF + b"new")
    with django_capture_on_commit_callbacks(execute=True):
        assert give(holder, "cv", wire_id, stamp=6).status_code == 200
        assert man.cv.name in media()
    left = {man.photo.name: picture()}
    if not emptied:
        left[Employee.objects.get().cv.name] = PDF + b"new"
    assert media() == left


@pytest.mark.parametrize("body", [{"lastName": ""}, {"shoeSize": 1}, {"__STAMP": 3}])
def test_failed_save_deletes_nothing(
    holder: RestClient, registered: Any, django_capture_on_commit_callbacks: Any, body: Any
) -> None:
    registered(Employee, Tidy)
    wire_id = upload(holder, PDF + b"new")
    with nothing_changes(), django_capture_on_commit_callbacks(execute=True):
        answer = give(holder, "cv", wire_id, **{"stamp": 6, **body})
    assert answer.status_code == 500


def test_other_attributes_delete_nothing(
    holder: RestClient, registered: Any, django_capture_on_commit_callbacks: Any
) -> None:
    registered(Employee, Tidy)
    before = media()
    with django_capture_on_commit_callbacks(execute=True):
        body = {"__KEY": 12, "__STAMP": 6, "firstName": "Jack", "cv": cv(6)}
        assert holder.update("Employee", body).status_code == 200
    assert media() == before


def test_replaced_file_that_cannot_be_deleted(
    holder: RestClient, registered: Any, storage: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """The entity is saved and the client told so: the file is one that nobody refers to."""
    registered(Employee, Tidy)
    storage("DeleteFails")
    with django_capture_on_commit_callbacks(execute=True):
        answer = give(holder, "cv", None, stamp=6)
    assert (answer.status_code, answer.json()["__STAMP"]) == (200, 7)


# Records and intents


def test_record_of_an_attachment(admin: RestClient) -> None:
    """For the administrator: where an upload went."""
    john()
    wire_id = upload(admin, picture(), "$rawPict=true")
    give(admin, "photo", wire_id)
    record = BlobAttachment.objects.get()
    assert (record.state, record.model, record.field, record.key) == (
        "attached",
        "hr.employee",
        "photo",
        "12",
    )
    assert record.blob_id.hex.upper() == wire_id
    assert record.name == Employee.objects.get().photo.name
    assert record.attached is not None


def test_record_for_a_new_entity(admin: RestClient) -> None:
    body = {"firstName": "A", "lastName": "B", "cv": {"ID": upload(admin, PDF)}}
    key = admin.update("Employee", body).json()["__KEY"]
    assert BlobAttachment.objects.values_list("state", "key").get() == ("attached", key)


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"lastName": ""}, [1569, 1570, 1517]),
        ({"shoeSize": 1}, [1500, 1517]),
        ({"__STAMP": 3}, [1263, 1046, 1517]),
        ({"photo": {"ID": "0" * 32}}, [1825, 1517]),
        ({"employer": 99}, [1542, 1517]),
    ],
)
def test_refused_save(admin: RestClient, params: str, body: Any, expected: list[int]) -> None:
    john()
    wire_id = upload(admin, PDF)
    with nothing_changes():
        sent = {"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}, **body}
        answer = admin.update("Employee", sent, params)
    assert (answer.status_code, codes(answer.json())) == (500, expected)


def test_bug_after_the_copy(admin: RestClient, monkeypatch: Any) -> None:
    john()
    wire_id = upload(admin, PDF)

    def save(self: Employee, *args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Employee, "save", save)
    with nothing_changes():
        answer = give(admin, "cv", wire_id)
    assert (answer.status_code, codes(answer.json())) == (500, [9011])


def test_atomic_with_another_failure(admin: RestClient) -> None:
    """All the copies go, also those of elements that were accepted."""
    john()
    wire_id = upload(admin, PDF)
    good = {"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}}
    new = {"firstName": "A", "lastName": "B", "cv": {"ID": wire_id}}
    for bad in ({"firstName": "no last name"}, {"shoeSize": 1}):
        with nothing_changes():
            answer = admin.update("Employee", [good, new, bad], "$atomic=true")
        assert answer.status_code == 500
        assert "__ERROR" not in answer.json()["__ENTITIES"][0]


def test_array_with_another_failure(admin: RestClient) -> None:
    """Only the copy of the element that failed goes."""
    john()
    wire_id = upload(admin, PDF)
    good = {"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}}
    answer = admin.update("Employee", [good, {"firstName": "x", "cv": {"ID": wire_id}}])
    assert answer.status_code == 500
    assert media() == {Employee.objects.get().cv.name: PDF}
    assert BlobAttachment.objects.get().state == "attached"


# Whose upload it is


def test_upload_of_another_user(admin: RestClient, login: Any) -> None:
    """Not even for a superuser: the ID is bound to who uploaded it."""
    john()
    client = login("hr.change_employee")
    wire_id = upload(client, PDF)
    with nothing_changes():
        answer = give(admin, "cv", wire_id)
    missing = (1826, "No uploaded BLOB has this ID")
    assert_answer(answer, 500, refused(4, missing, NOT_SAVED, entity=employee()))
    assert give(client, "cv", wire_id).status_code == 200


@pytest.fixture
def demo_guest(guest: RestClient, settings: Any) -> RestClient:
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.change_employee"]}
    return guest


def test_upload_of_a_guest(demo_guest: RestClient, admin: RestClient) -> None:
    """Held by whoever knows the ID: clients without a cookie jar must work."""
    john()
    wire_id = upload(demo_guest, PDF)
    assert give(RestClient(), "cv", wire_id).status_code == 200
    assert give(admin, "cv", wire_id, stamp=5).status_code == 200


def test_upload_of_a_user_is_not_a_guests(demo_guest: RestClient, admin: RestClient) -> None:
    john()
    wire_id = upload(admin, PDF)
    with nothing_changes():
        answer = give(demo_guest, "cv", wire_id)
    assert codes(answer.json()) == [1826, 1517]


# Storages that fail


@pytest.fixture
def storage(settings: Any) -> Any:
    """``storage("SaveFails")``: entities keep their files in such a storage, or uploads do."""

    def use(name: str, alias: str = "default") -> None:
        options = {"location": settings.MEDIA_ROOT}
        if alias != "default":
            options = settings.STORAGES[alias]["OPTIONS"]
        backend = {"BACKEND": f"tests.contract.storages.{name}", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, alias: backend}

    return use


@pytest.mark.parametrize("params", ["$method=update", "$atomic=true"])
@pytest.mark.parametrize("name", ["SaveFails", "KeepsAByteLess", "SizeFails", "SwallowsErrors"])
def test_storage_that_fails(admin: RestClient, storage: Any, name: str, params: str) -> None:
    john()
    wire_id = upload(admin, PDF)
    storage(name)
    if name == "SwallowsErrors":
        storage("OpenFails", "fourd_uploads")
    with nothing_changes():
        sent = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack", "cv": {"ID": wire_id}}
        answer = admin.update("Employee", sent, params)
    assert_answer(answer, 500, refused(4, FAILED, NOT_SAVED, entity=employee()))
    assert SECRET not in answer.content.decode()


def test_bytes_of_a_row_that_is_refused(admin: RestClient) -> None:
    """Nothing but the intent is there to be removed."""
    thing = Everything.objects.create()
    wire_id = upload(admin, b"\0\1\2")
    sent = {"__KEY": thing.pk, "__STAMP": 1, "binary": {"ID": wire_id}, "long": "no number"}
    with nothing_changes():
        assert admin.update("Everything", sent).status_code == 500


def test_storage_that_fails_amid_an_array(admin: RestClient, storage: Any) -> None:
    john()
    wire_id = upload(admin, PDF)
    storage("SaveFails")
    bodies = [{"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}}, {"firstName": "A", "lastName": "B"}]
    answer = admin.update("Employee", bodies)
    first, second = answer.json()["__ENTITIES"]
    assert (answer.status_code, codes(first), second["firstName"]) == (500, [9015, 1517], "A")
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


def test_storage_that_cannot_even_delete(admin: RestClient, storage: Any) -> None:
    """The row stays and leads the sweep to the half of a copy."""
    john()
    wire_id = upload(admin, PDF)
    storage("SaveAndDeleteFail")
    answer = give(admin, "cv", wire_id)
    assert_answer(answer, 500, refused(4, FAILED, NOT_SAVED, entity=employee()))
    assert Employee.objects.values_list("cv", "stamp").get() == ("", 4)
    intent = BlobAttachment.objects.get()
    assert (intent.state, list(media())) == ("abandoned", [intent.name])
    storage("Folder")
    BlobAttachment.objects.update(progressed=timezone.now() - timedelta(hours=1))
    assert sweep.run().copies == 1
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


def modes(name: str) -> tuple[int, int]:
    """Of the file and of its folder."""
    path = Path(default_storage.path(name))
    return stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)


def test_folder_gets_the_modes_of_its_storage(admin: RestClient, settings: Any) -> None:
    settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o751
    john()
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    name = Employee.objects.get().cv.name
    assert modes(name)[1] == 0o751


def test_file_gets_the_modes_of_its_storage(admin: RestClient, settings: Any) -> None:
    """Not those that uploads have."""
    options = {"location": settings.MEDIA_ROOT, "file_permissions_mode": 0o640}
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    john()
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    name = Employee.objects.get().cv.name
    assert modes(name)[0] == 0o640


def cannot(*args: Any) -> Any:
    raise OSError(errno.EXDEV, "cross-device")


REWRITES = ["$imageformat=best", "$imageformat=webp", "$size=1x1", "$binary=true"]


@pytest.mark.parametrize("query", REWRITES)
@pytest.mark.parametrize("same_size", [False, True])
def test_a_file_that_is_rewritten_in_place(admin: RestClient, query: str, same_size: bool) -> None:
    """Every answer made of its bytes has another ETag: as it is, converted, smaller, in ranges."""
    name = "cv" if query == "$binary=true" else "photo"
    old = PDF if name == "cv" else picture()
    john()
    assert give(admin, name, upload(admin, old)).status_code == 200
    path = f"Employee(12)/{name}?{query}"
    first = admin.read(path)
    tag = first["ETag"]
    assert admin.read(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    part = {"HTTP_RANGE": "bytes=0-3", "HTTP_IF_RANGE": tag}
    assert admin.read(path, **part).status_code == 206
    stored = Path(getattr(Employee.objects.get(), name).path)
    stored.write_bytes(old if same_size else old + b"\0")
    os.utime(stored, ns=(0, stored.stat().st_mtime_ns + 10**9))
    second = admin.read(path, HTTP_IF_NONE_MATCH=tag)
    assert (second.status_code, second["ETag"] == tag) == (200, False)
    assert admin.read(path, **part).status_code == 200


def test_the_etag_of_bytes_that_the_row_holds(admin: RestClient) -> None:
    """Whoever changes them, with or without a stamp that moves."""
    thing = Everything.objects.create(binary=b"abc")
    path = f"Everything({thing.pk})/binary?$binary=true"
    tag = admin.read(path)["ETag"]
    assert admin.read(path, HTTP_IF_NONE_MATCH=tag).status_code == 304
    Everything.objects.update(binary=b"abd")
    second = admin.read(path, HTTP_IF_NONE_MATCH=tag)
    assert (second.status_code, second.content, second["ETag"] == tag) == (200, b"abd", False)


def test_the_etag_of_a_storage_that_cannot_tell_the_time(admin: RestClient, monkeypatch: Any) -> None:
    def unknown(self: Any, name: str) -> Any:
        raise NotImplementedError

    john()
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    monkeypatch.setattr(FileSystemStorage, "get_modified_time", unknown)
    tag = admin.read("Employee(12)/cv?$binary=true")["ETag"]
    again = admin.read("Employee(12)/cv?$binary=true", HTTP_IF_NONE_MATCH=tag)
    assert again.status_code == 304
    Employee.objects.get().save()  # its stamp moves
    changed = admin.read("Employee(12)/cv?$binary=true", HTTP_IF_NONE_MATCH=tag)
    assert (changed.status_code, changed["ETag"] == tag) == (200, False)


def test_a_file_that_goes_while_it_is_looked_up(admin: RestClient, monkeypatch: Any) -> None:
    def gone(self: Any, name: str) -> Any:
        raise FileNotFoundError(name)

    john()
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    monkeypatch.setattr(FileSystemStorage, "get_modified_time", gone)
    answer = admin.read("Employee(12)/cv?$binary=true")
    assert_answer(answer, 404, errors((9017, "The file of this attribute is gone")))


def test_storage_that_copies(admin: RestClient, storage: Any) -> None:
    """Between storages of different kinds."""
    john()
    storage("Folder")
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    assert media() == {Employee.objects.get().cv.name: PDF}


def test_storage_that_renames(admin: RestClient, storage: Any) -> None:
    """The record and the entity hold the name that the storage gave."""
    john()
    storage("Renames")
    assert give(admin, "cv", upload(admin, PDF)).status_code == 200
    name = Employee.objects.get().cv.name
    assert name.endswith(".renamed")
    assert media() == {name: PDF}
    assert BlobAttachment.objects.get().name == name


def test_copy_is_the_entitys_own(admin: RestClient) -> None:
    """It outlives the upload, which it may share its bytes with on the disk."""
    john()
    wire_id = upload(admin, PDF)
    assert give(admin, "cv", wire_id).status_code == 200
    UploadedBlob.objects.update(expires=timezone.now() - timedelta(hours=1))
    assert sweep.run().expired == 1
    assert len(files()) == 1
    assert content_of(Employee.objects.get().cv) == PDF
    assert admin.read("Employee(12)/cv?$binary=true").content == PDF


def test_nothing_but_the_entity_is_touched(admin: RestClient) -> None:
    """One attach changes one row of the entity, and adds one record."""
    john()
    wire_id = upload(admin, PDF)
    before = rows()
    assert give(admin, "cv", wire_id).status_code == 200
    after = rows()
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"hr.Employee", "fourd_rest.BlobAttachment"}


def test_guest_without_rights(guest: RestClient, admin: RestClient) -> None:
    john()
    wire_id = upload(admin, PDF)
    with nothing_changes():
        answer = give(guest, "cv", wire_id)
    message = "No permission to update for the Employee dataclass"
    assert_answer(answer, 401, errors((1558, message)))


@pytest.mark.django_db(transaction=True)
def test_an_error_after_the_commit_takes_no_file_away() -> None:
    """A hook of the site's fails when all is saved: that is told, and the entity keeps its file."""
    client = RestClient()
    client.force_login(User.objects.create_superuser("root"))
    man = Employee.objects.create(first_name="John", last_name="Smith")
    wire_id = client.upload(PDF).json()["ID"]

    def hook() -> None:
        raise ZeroDivisionError

    def saved(**kwargs: Any) -> None:
        transaction.on_commit(hook)

    post_save.connect(saved, sender=Employee)
    try:
        answer = client.update("Employee", {"__KEY": str(man.pk), "__STAMP": 1, "cv": {"ID": wire_id}})
    finally:
        post_save.disconnect(saved, sender=Employee)
    assert (answer.status_code, answer.json()["__STAMP"]) == (200, 2)
    man.refresh_from_db()
    with man.cv.open() as file:
        assert file.read() == PDF
    assert BlobAttachment.objects.get().state == "attached"
