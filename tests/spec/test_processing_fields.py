"""File fields with code of their own: uploads go through it, whichever way they are given."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from PIL import Image

from fourd_rest.models import BlobAttachment
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import codes, nothing_changes
from tests.zoo.models import Poster, ShrunkFile, StampedField

from .test_attach import media, storage, upload

__all__ = ["storage"]  # a fixture

pytestmark = pytest.mark.django_db

PNG = picture(size=(40, 30))


@pytest.fixture(autouse=True)
def posters(registered: Callable[..., Any]) -> None:
    registered(Poster, delete_replaced_files=True, delete_files=True)


def give(client: RestClient, key: int | None, stamp: int = 1, **values: Any) -> Any:
    sent = {"__KEY": key, "__STAMP": stamp} if key is not None else {}
    return client.update("Poster", {**sent, **values})


def kind(content: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(content)) as image:
        return image.format, image.size


def small_and_tiny(name: str) -> list[tuple[str | None, tuple[int, int]]]:
    """What the field makes of every picture, and nothing else."""
    files = media()
    assert sorted(files) == sorted([name, name.replace(".jpg", ".tiny.jpg")])
    return [kind(files[name]), kind(files[name.replace(".jpg", ".tiny.jpg")])]


MADE = [("JPEG", (4, 3)), ("JPEG", (1, 1))]


def test_a_new_entity(admin: RestClient) -> None:
    answer = give(admin, None, shrunk={"ID": upload(admin, PNG)}, title="x")
    assert answer.status_code == 200
    assert small_and_tiny(Poster.objects.get().shrunk.name) == MADE


def test_a_nested_entity(admin: RestClient) -> None:
    answer = give(admin, None, sequel={"title": "II", "shrunk": {"ID": upload(admin, PNG)}})
    assert answer.status_code == 200
    assert small_and_tiny(Poster.objects.get(title="II").shrunk.name) == MADE


@pytest.mark.parametrize("params", ["$atomic=true", ""])
def test_an_array(admin: RestClient, params: str) -> None:
    wire_id = upload(admin, PNG)
    items = [{"title": "one", "shrunk": {"ID": wire_id}}, {"title": "two", "shrunk": {"ID": wire_id}}]
    assert admin.update("Poster", items, params).status_code == 200
    names = [poster.shrunk.name for poster in Poster.objects.all()]
    assert len(set(names)) == 2
    assert len(media()) == 4
    assert {kind(media()[name]) for name in names} == {MADE[0]}


def test_bytes_written_straight_to_the_attribute(admin: RestClient) -> None:
    poster = Poster.objects.create()
    answer = admin.rest("POST", f"Poster({poster.pk})/shrunk?$rawPict=image/png", PNG)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    poster.refresh_from_db()
    assert small_and_tiny(poster.shrunk.name) == MADE


@pytest.mark.parametrize("params", ["$method=validate", "$refresh=true"])
def test_a_dry_run_writes_nothing(admin: RestClient, params: str) -> None:
    poster = Poster.objects.create()
    upload_id = upload(admin, PNG, "$rawPict=true")
    with nothing_changes():
        sent = {"__KEY": poster.pk, "__STAMP": 1, "shrunk": {"ID": upload_id}}
        assert admin.update("Poster", sent, params).status_code == 200


def test_what_the_field_writes_into_others(admin: RestClient) -> None:
    """By an override of ``pre_save``, which runs once."""
    poster = Poster.objects.create()
    answer = give(admin, poster.pk, stamped={"ID": upload(admin, PDF)})
    assert (answer.status_code, answer.json()["length"]) == (200, len(PDF))
    poster.refresh_from_db()
    assert media() == {poster.stamped.name: b"seen " + PDF}
    assert admin.read(f"Poster({poster.pk})/stamped?$binary=true").content == b"seen " + PDF


def test_a_name_that_follows_from_the_content(admin: RestClient) -> None:
    """``upload_to`` sees the file that comes, not the one that was there."""
    poster = Poster.objects.create(plain=default_storage.save("posters/old", ContentFile(b"old")))
    assert give(admin, poster.pk, plain={"ID": upload(admin, PDF)}).status_code == 200
    digest = hashlib.md5(PDF, usedforsecurity=False).hexdigest()
    assert media() == {"posters/old": b"old", f"posters/{digest}": PDF}


@pytest.mark.parametrize("emptied", [True, False])
def test_replaced_files_go_with_what_was_made_of_them(
    admin: RestClient, emptied: bool, django_capture_on_commit_callbacks: Any
) -> None:
    poster = Poster.objects.create()
    assert give(admin, poster.pk, shrunk={"ID": upload(admin, PNG)}).status_code == 200
    value = None if emptied else {"ID": upload(admin, PNG)}
    with django_capture_on_commit_callbacks(execute=True):
        assert give(admin, poster.pk, stamp=2, shrunk=value).status_code == 200
    poster.refresh_from_db()
    if emptied:
        assert (poster.shrunk.name, media()) == ("", {})
    else:
        assert small_and_tiny(poster.shrunk.name) == MADE


def test_a_deleted_entity_takes_them_along(
    admin: RestClient, django_capture_on_commit_callbacks: Any
) -> None:
    poster = Poster.objects.create()
    assert give(admin, poster.pk, shrunk={"ID": upload(admin, PNG)}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.rest("DELETE", f"Poster({poster.pk})").status_code == 200
    assert media() == {}


@pytest.mark.parametrize(
    ("width", "reason"), [(13, "the file cannot be processed"), (14, "Fourteen is too wide.")]
)
def test_a_file_that_the_field_refuses(admin: RestClient, width: int, reason: str) -> None:
    poster = Poster.objects.create()
    wire_id = upload(admin, picture(size=(width, 3)), "$rawPict=true")
    with nothing_changes():
        answer = give(admin, poster.pk, shrunk={"ID": wire_id})
    assert (answer.status_code, codes(answer.json())) == (500, [1569, 1517])
    assert answer.json()["__ERROR"][0]["message"] == f"shrunk: {reason}"


@pytest.mark.parametrize("name", ["SaveFails", "OpenFails"])
def test_a_storage_that_fails(admin: RestClient, storage: Any, name: str) -> None:
    """It is not the file's fault."""
    poster = Poster.objects.create()
    wire_id = upload(admin, PNG, "$rawPict=true")
    storage(name, "default" if name == "SaveFails" else "fourd_uploads")
    answer = give(admin, poster.pk, shrunk={"ID": wire_id})
    assert codes(answer.json()) == [9015, 1517]
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


def test_an_upload_that_cannot_be_read(admin: RestClient, storage: Any) -> None:
    """The storage is at fault, not the field."""
    poster = Poster.objects.create()
    wire_id = upload(admin, PDF)
    storage("BreaksOff", "fourd_uploads")
    with nothing_changes():
        answer = give(admin, poster.pk, stamped={"ID": wire_id})
    assert codes(answer.json()) == [9015, 1517]


def test_a_field_that_saves_nothing(admin: RestClient, monkeypatch: Any) -> None:
    poster = Poster.objects.create()
    wire_id = upload(admin, PDF)
    monkeypatch.setattr(StampedField, "pre_save", lambda *args: Poster().stamped)
    with nothing_changes():
        answer = give(admin, poster.pk, stamped={"ID": wire_id})
    assert codes(answer.json()) == [1569, 1517]
    assert answer.json()["__ERROR"][0]["message"] == "stamped: the file cannot be processed"


def test_a_field_that_looks_at_what_it_has_saved(admin: RestClient, monkeypatch: Any) -> None:
    """Reading takes no note."""
    seen = []

    def save(self: Any, name: str, content: Any, save: bool = True) -> None:
        FieldFile.save(self, name, content, save=False)
        with self.storage.open(self.name) as file:
            seen.append(file.read())

    monkeypatch.setattr(ShrunkFile, "save", save)
    poster = Poster.objects.create()
    assert give(admin, poster.pk, shrunk={"ID": upload(admin, PNG)}).status_code == 200
    assert (seen, BlobAttachment.objects.count()) == ([PNG], 1)


def test_a_field_whose_code_cannot_run(admin: RestClient) -> None:
    """Check W041 names it; it gets the file as it is."""
    poster = Poster.objects.create()
    assert give(admin, poster.pk, foreign={"ID": upload(admin, PDF)}).status_code == 200
    assert list(media().values()) == [PDF]
