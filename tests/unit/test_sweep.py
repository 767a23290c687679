"""``manage.py fourd_cleanup``: what it removes, what it leaves, and that it may run at any time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.utils import timezone

from fourd_rest import sweep
from fourd_rest.models import BlobAttachment, EntityStamp, UploadedBlob
from fourd_rest.sweep import Swept
from fourd_rest.uploads import blobs
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import files, nothing_changes
from tests.contract.sample import john
from tests.zoo.models import Country

pytestmark = pytest.mark.django_db

State = UploadedBlob.State
NOTHING = Swept()


def ago(**kwargs: int) -> Any:
    return timezone.now() - timedelta(**kwargs)


@pytest.fixture
def uploaded(admin: RestClient) -> Callable[..., UploadedBlob]:
    """``uploaded(expires=…)``: a picture that was uploaded, with other values in its row."""

    def make(**values: Any) -> UploadedBlob:
        wire_id = admin.upload(picture(), "$rawPict=true").json()["ID"]
        UploadedBlob.objects.filter(pk=wire_id).update(**values)
        return UploadedBlob.objects.get(pk=wire_id)

    return make


def test_nothing_to_do(uploaded: Any, admin: RestClient) -> None:
    """What is ready, what arrives and what is attached stays."""
    john()
    blob = uploaded()
    uploaded(state=State.RECEIVING, ready=None, expires=None)
    body = {"__KEY": 12, "__STAMP": 4, "photo": {"ID": blob.wire_id}}
    assert admin.update("Employee", body).status_code == 200
    with nothing_changes():
        assert sweep.run() == NOTHING


def test_expired(uploaded: Any) -> None:
    """The file goes; row and thumbnail stay for the administrator."""
    blob = uploaded(expires=ago(minutes=2))
    assert sweep.run() == Swept(expired=1)
    assert files() == {}
    again = UploadedBlob.objects.get()
    assert (again.state, again.name) == (State.EXPIRED, "")
    assert bytes(again.thumbnail) == bytes(blob.thumbnail)
    assert (again.size, again.sha256, again.width) == (blob.size, blob.sha256, blob.width)
    with nothing_changes():
        assert sweep.run() == NOTHING


def test_expired_just_now(uploaded: Any) -> None:
    """A copy that began in time must be able to end."""
    uploaded(expires=ago(seconds=5))
    with nothing_changes():
        assert sweep.run() == NOTHING


def test_stalled(uploaded: Any) -> None:
    uploaded(state=State.RECEIVING, progressed=ago(minutes=6), ready=None, expires=None)
    uploaded(state=State.RECEIVING, progressed=ago(minutes=4), ready=None, expires=None)
    assert sweep.run() == Swept(broken=1)
    assert sorted(UploadedBlob.objects.values_list("state", flat=True)) == ["broken", "receiving"]
    assert len(files()) == 1
    with nothing_changes():
        assert sweep.run() == NOTHING


def test_stall_timeout_is_a_setting(uploaded: Any, settings: Any) -> None:
    settings.FOURD_REST = {"UPLOAD_STALL_TIMEOUT": 60}
    uploaded(state=State.RECEIVING, progressed=ago(seconds=70), ready=None, expires=None)
    uploaded(state=State.RECEIVING, progressed=ago(seconds=50), ready=None, expires=None)
    assert sweep.run() == Swept(broken=1)


def test_stalled_without_a_file(uploaded: Any) -> None:
    """Killed before its first byte was stored."""
    blob = uploaded(state=State.RECEIVING, progressed=ago(hours=1), ready=None, expires=None)
    blobs.upload_storage().delete(blob.name)
    assert sweep.run() == Swept(broken=1)
    assert UploadedBlob.objects.get().name == ""


def intent(name: str = "cvs/copy.pdf", **values: Any) -> BlobAttachment:
    """What a crash between the copy and the commit leaves."""
    if name:
        default_storage.save(name, ContentFile(PDF))
    values = {"model": "hr.employee", "field": "cv", "progressed": ago(hours=1)} | values
    blob_id = "00000000-0000-0000-0000-000000000001"
    return BlobAttachment.objects.create(blob_id=blob_id, name=name, **values)


def test_abandoned_copy(db: None) -> None:
    intent()
    assert len(files()) == 1
    assert sweep.run() == Swept(copies=1)
    assert (files(), BlobAttachment.objects.count()) == ({}, 0)
    assert sweep.run() == NOTHING


def test_copy_in_progress(db: None) -> None:
    intent(progressed=ago(minutes=4))
    with nothing_changes():
        assert sweep.run() == NOTHING


@pytest.mark.parametrize("name", ["", "cvs/never-written.pdf"])
def test_intent_without_a_copy(db: None, name: str) -> None:
    """Killed before the copy began, or the bytes were to go into the row."""
    row = intent("")
    BlobAttachment.objects.filter(pk=row.pk).update(name=name)
    assert sweep.run() == Swept(copies=1)
    assert not BlobAttachment.objects.exists()


def test_intent_of_a_model_that_is_gone(db: None) -> None:
    """It is left to a human; the others are swept."""
    intent(model="hr.former")
    intent("cvs/other.pdf")
    assert sweep.run() == Swept(copies=1)
    assert BlobAttachment.objects.get().model == "hr.former"
    assert len(files()) == 1


def test_attached_copies_are_never_touched(admin: RestClient) -> None:
    john()
    wire_id = admin.upload(PDF).json()["ID"]
    admin.update("Employee", {"__KEY": 12, "__STAMP": 4, "cv": {"ID": wire_id}})
    UploadedBlob.objects.update(created=ago(days=99), expires=ago(days=99))
    BlobAttachment.objects.update(attached=ago(days=99), progressed=ago(days=99))
    # The file goes in the same sweep as the row: both are over.
    assert sweep.run() == Swept(expired=1, rows=1)
    assert not BlobAttachment.objects.exists()
    assert [path.rpartition("/")[2] for path in files()] == [
        Employee.objects.get().cv.name.removeprefix("cvs/")
    ]


def test_retention_of_rows(uploaded: Any) -> None:
    """Thirty days by default, counted from the upload; never while the file is there."""
    uploaded(state=State.EXPIRED, name="", created=ago(days=31))
    uploaded(state=State.BROKEN, name="", created=ago(days=31))
    young = uploaded(state=State.EXPIRED, name="", created=ago(days=29))
    ready = uploaded(created=ago(days=31))
    assert sweep.run().rows == 2
    assert set(UploadedBlob.objects.values_list("pk", flat=True)) == {young.pk, ready.pk}


def test_retention_is_a_setting(uploaded: Any, settings: Any) -> None:
    settings.FOURD_REST = {"UPLOAD_RETENTION": 60}
    uploaded(state=State.EXPIRED, name="", created=ago(seconds=70))
    uploaded(state=State.EXPIRED, name="", created=ago(seconds=50))
    assert sweep.run() == Swept(rows=1)


def test_retention_of_records(db: None) -> None:
    for days in (31, 29):
        intent("", state=BlobAttachment.State.ATTACHED, attached=ago(days=days))
    sweep.run()
    assert BlobAttachment.objects.get().attached > ago(days=30)


def test_retention_of_stamps(db: None, settings: Any) -> None:
    """Those of deleted entities, and no others (D-32)."""
    for code, days in (("AA", 31), ("BB", 29), ("CC", None)):
        country = Country.objects.create(code=code, name=code)
        if days is not None:
            country.delete()
            EntityStamp.objects.filter(key=code).update(deleted=ago(days=days))
    assert sweep.run() == Swept(stamps=1)
    assert sorted(EntityStamp.objects.values_list("key", flat=True)) == ["BB", "CC"]
    settings.FOURD_REST = {"STAMP_RETENTION": 60}
    assert sweep.run() == Swept(stamps=1)
    assert list(EntityStamp.objects.values_list("key", flat=True)) == ["CC"]


# A storage that fails


def test_file_that_cannot_be_deleted(uploaded: Any, monkeypatch: Any) -> None:
    """It is tried again, and keeps nobody else's file."""
    first, second = uploaded(expires=ago(hours=1)), uploaded(expires=ago(hours=1))
    original = FileSystemStorage.delete

    def delete(storage: Any, name: str) -> None:
        if name == first.name:
            raise OSError("read-only")
        original(storage, name)

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", delete)
        assert sweep.run() == Swept(expired=2)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.name != "", second.name, len(files())) == (True, "", 1)
        UploadedBlob.objects.update(created=ago(days=99))
        assert sweep.run() == Swept(rows=1)
    assert sweep.run() == Swept(rows=1)
    assert (files(), UploadedBlob.objects.count()) == ({}, 0)


def test_copy_that_cannot_be_deleted(db: None, monkeypatch: Any) -> None:
    intent()

    def delete(storage: Any, name: str) -> None:
        raise OSError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", delete)
        assert sweep.run() == NOTHING
    assert BlobAttachment.objects.get().state == "abandoned"
    assert sweep.run() == Swept(copies=1)
    assert files() == {}


# Two at a time


def test_two_sweeps_at_a_time(uploaded: Any, monkeypatch: Any) -> None:
    """The second one runs whenever the first one is about to delete a file."""
    uploaded(expires=ago(hours=1))
    uploaded(state=State.RECEIVING, progressed=ago(hours=1), ready=None, expires=None)
    kept = uploaded()
    intent()
    original = FileSystemStorage.delete
    inner: list[Swept] = []

    def delete(storage: Any, name: str) -> None:
        if len(inner) < 3:
            inner.append(NOTHING)
            inner[-1] = sweep.run()
        original(storage, name)

    monkeypatch.setattr(FileSystemStorage, "delete", delete)
    outer = sweep.run()
    assert (outer.expired, outer.broken) == (1, 1)
    assert [path.rpartition("/")[2] for path in files()] == [kept.name.rpartition("/")[2]]
    assert UploadedBlob.objects.exclude(name="").get() == kept
    assert not BlobAttachment.objects.exists()
    with nothing_changes():
        assert sweep.run() == NOTHING


def test_sweep_amid_an_upload(admin: RestClient, monkeypatch: Any) -> None:
    """As long as bytes arrive it is not touched."""
    original = FileSystemStorage._save

    def save(storage: Any, name: str, content: Any) -> str:
        saved = original(storage, name, content)
        assert sweep.run() == NOTHING
        return str(saved)

    monkeypatch.setattr(FileSystemStorage, "_save", save)
    assert admin.upload(PDF).status_code == 200
    assert len(files()) == 1


# The command


def test_command(uploaded: Any) -> None:
    uploaded(expires=ago(hours=1))
    uploaded(state=State.RECEIVING, progressed=ago(hours=1), ready=None, expires=None)
    uploaded(state=State.EXPIRED, name="", created=ago(days=31))
    for name in ("cvs/a.pdf", "cvs/b.pdf"):
        intent(name)
    EntityStamp.objects.create(dataclass="hr.company", key="9", deleted=ago(days=31))
    out = StringIO()
    call_command("fourd_cleanup", stdout=out)
    assert (
        out.getvalue()
        == "1 expired, 1 broken, 2 abandoned copies, 1 old rows, 1 old stamps, 0 converted pictures, "
        "0 entity sets\n"
    )
    out = StringIO()
    with nothing_changes():
        call_command("fourd_cleanup", stdout=out)
    assert (
        out.getvalue()
        == "0 expired, 0 broken, 0 abandoned copies, 0 old rows, 0 old stamps, 0 converted pictures, "
        "0 entity sets\n"
    )


@pytest.mark.parametrize("file", ["photo", "cv"])
def test_expired_id_is_refused_before_any_sweep(uploaded: Any, admin: RestClient, file: str) -> None:
    """The row decides, not the file that is still there."""
    john()
    blob = uploaded(expires=timezone.now())
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": 12, "__STAMP": 4, file: {"ID": blob.wire_id}})
    assert answer.status_code == 500
    assert len(files()) == 1
