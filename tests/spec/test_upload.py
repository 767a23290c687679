"""``$upload``: what is received, what is noted about it, and what is refused without a trace."""

from __future__ import annotations

import hashlib
import io
import random
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils import timezone
from PIL import Image
from rest_framework.throttling import SimpleRateThrottle

from fourd_rest.models import UploadedBlob
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, chunked, cut, errors, files, nothing_changes
from tests.contract.storages import SECRET

pytestmark = pytest.mark.django_db

ID = re.compile(r"[0-9A-F]{32}")
NOISE = random.Random(1).randbytes(100_000)
QUOTA = errors((9008, "Too many uploads are waiting to be used"))
FAILED = errors((9015, "The file could not be stored"))


def assert_id(answer: Any) -> UploadedBlob:
    """The answer is an ID and nothing else; returns the row behind it."""
    wire_id = answer.json()["ID"]
    assert ID.fullmatch(wire_id)
    assert_answer(answer, 200, {"ID": wire_id})
    return UploadedBlob.objects.get(pk=wire_id)


def stored(blob: UploadedBlob) -> bytes:
    folder = django_settings.STORAGES["fourd_uploads"]["OPTIONS"]["location"]
    return (Path(folder) / blob.name).read_bytes()


# The request


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "$upload",
        "$upload/",
        "%24upload",
        "$upload?$binary=true",
        "$upload/?$binary=true",
        "$upload?$rawPict=true",
        "$upload?%24rawPict=true",
        "$upload?$rawPict=image/png",
        '$upload?$rawPict="image/png"',
        "$upload?$rawPict=true&$timeout=30",
    ],
)
def test_upload(admin: RestClient, verb: str, path: str) -> None:
    blob = assert_id(admin.rest(verb, path, picture()))
    assert stored(blob) == picture()


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ("$rawPict=true", "picture"),
        ("$rawPict=1", "picture"),
        ("$RAWPICT=true", "picture"),
        ("$rawPict=image/png", "picture"),
        ("$rawPict=image/jpeg", "picture"),  # the content decides
        ("$rawPict=true&$binary=true", "picture"),
        ("$rawPict=false", "binary"),
        ("$rawPict=", "binary"),
        ("$binary=true", "binary"),
        ("$binary=false", "binary"),
        ("", "binary"),
    ],
)
def test_parameters(admin: RestClient, params: str, kind: str) -> None:
    """D-15: a picture only if it was announced as one; at attach it may still become one."""
    blob = assert_id(admin.upload(picture(), params))
    assert (blob.kind, blob.detected_type) == (kind, "image/png")
    assert (blob.width, blob.height) == ((8, 6) if kind == "picture" else (None, None))


@pytest.mark.parametrize("params", ["$rawPict=true", "$binary=true", ""])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "image/jpeg",
        "text/plain; charset=klingon",
        "nonsense",
        "",
    ],
)
def test_content_type_is_a_hint(admin: RestClient, content_type: str, params: str) -> None:
    blob = assert_id(admin.upload(picture(), params, content_type=content_type))
    assert stored(blob) == picture()
    assert blob.declared_type == content_type.partition(";")[0]
    assert blob.detected_type == "image/png"


def test_form_is_stored_as_it_is(admin: RestClient) -> None:
    """``requests.md`` 6.5: not multipart. Nobody takes the body apart."""
    content = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--\r\n'
    blob = assert_id(admin.upload(content, content_type="multipart/form-data; boundary=x"))
    assert (stored(blob), blob.file_name) == (content, "")


@pytest.mark.parametrize("params", ["$rawPict=true", "$binary=true"])
def test_body_without_a_length(admin: RestClient, params: str) -> None:
    file = io.BytesIO()
    Image.frombytes("RGB", (150, 200), NOISE[:90_000]).save(file, "PNG")
    content = file.getvalue()
    assert len(content) > 80_000
    blob = assert_id(admin.upload(b"", params, **chunked(content)))
    assert stored(blob) == content
    assert blob.size == len(content)


def test_other_verbs(admin: RestClient) -> None:
    for verb in ("GET", "HEAD", "DELETE", "PATCH", "OPTIONS"):
        with nothing_changes():
            answer = admin.rest(verb, "$upload")
        assert (answer.status_code, answer["Allow"]) == (405, "POST, PUT")


# What is noted


def test_row_of_a_picture(admin: RestClient) -> None:
    content = picture("JPEG", size=(300, 200))
    before = timezone.now()
    blob = assert_id(
        admin.upload(
            content,
            "$rawPict=true&$timeout=60",
            content_type="image/png",
            HTTP_CONTENT_DISPOSITION='attachment; filename="John Smith.jpg"',
            REMOTE_ADDR="192.0.2.7",
        )
    )
    assert blob.wire_id not in (None, blob.name)
    shown = {
        name: getattr(blob, name)
        for name in (
            *("state", "kind", "declared_type", "detected_type", "file_name", "size", "sha256"),
            *("width", "height", "address", "timeout"),
        )
    }
    assert shown == {
        "state": "ready",
        "kind": "picture",
        "declared_type": "image/png",
        "detected_type": "image/jpeg",
        "file_name": "John Smith.jpg",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": 300,
        "height": 200,
        "address": "192.0.2.7",
        "timeout": 60,
    }
    assert blob.owner == User.objects.get(username="admin")
    assert before <= blob.created <= blob.ready <= timezone.now()
    assert blob.expires == blob.ready + timedelta(seconds=60)
    with Image.open(io.BytesIO(bytes(blob.thumbnail))) as thumbnail:
        assert thumbnail.size == (96, 64)


def test_row_of_another_file(admin: RestClient) -> None:
    blob = assert_id(admin.upload(PDF))
    assert (blob.kind, blob.detected_type, blob.size) == ("binary", "application/pdf", len(PDF))
    assert (blob.width, blob.height, blob.thumbnail) == (None, None, None)
    assert (blob.sha256, blob.file_name) == (hashlib.sha256(PDF).hexdigest(), "")
    assert blob.timeout == 120


def test_name_in_the_storage_is_the_servers_own(admin: RestClient) -> None:
    """Nothing of it comes from the client, and it ends in no extension that a server may run."""
    disposition = 'attachment; filename="evil.php"'
    blob = assert_id(admin.upload(b"<?php", HTTP_CONTENT_DISPOSITION=disposition))
    assert re.fullmatch(r"([0-9a-f]{2})/\1[0-9a-f]{30}", blob.name)
    assert [Path(path).name for path in files()] == [blob.name[3:]]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="inv003.pdf"', "inv003.pdf"),
        ("attachment; filename=inv003.pdf", "inv003.pdf"),
        ("attachment; filename*=UTF-8''%C3%84rger%20%E2%82%AC.pdf", "Ärger €.pdf"),
        ('form-data; name="x"; filename="a.pdf"', "a.pdf"),
        # As servers hand over the bytes of a header: one character for each.
        ('attachment; filename="Ärger €.pdf"'.encode().decode("latin-1"), "Ärger €.pdf"),
        ('attachment; filename="Ärger.pdf"', "Ärger.pdf"),
        ("attachment; filename*=UTF-8''%C3%83%C2%BC.pdf", "Ã¼.pdf"),
        ('attachment; filename="C:\\\\invoices\\\\inv003.pdf"', "inv003.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="a\tb\x00c\x1b.pdf"', "abc.pdf"),
        (f'attachment; filename="{"x" * 300}"', "x" * 255),
        ("attachment", ""),
        ("inline; filename", ""),
        (';;;="', ""),
        ("", ""),
    ],
)
def test_file_name_of_the_client(admin: RestClient, disposition: str, name: str) -> None:
    blob = assert_id(admin.upload(PDF, HTTP_CONTENT_DISPOSITION=disposition))
    assert blob.file_name == name


HOSTILE = [
    "attachment; filename*=undefined''x",
    "attachment; filename*=idna''%FF.x",
    "attachment; filename*=rot13''x",
    "attachment; filename*=zlib''x",
    "attachment; filename*=''x",
    "attachment; filename*=a\0b''x",
    "attachment; filename*=UTF-8'x",
    "attachment; filename*=UTF-8''%C3%28%00",
    "attachment; filename*=UTF-16''%D8%00",
    f"attachment; filename*{'9' * 4_400}=x",
    f"attachment; filename*0*=UTF-8''a; filename*{'1' * 4_400}*=b",
    "attachment; filename*0*=undefined''a; filename*1*=b",
    "attachment; filename*-1=x; filename*x=y",
    "attachment" + "; filename*0=a" * 300,
    'attachment; filename="\udc80\x00"',
    "=?undefined?b?eA==?=; filename==?undefined?q?=FF?=",
]


@pytest.mark.parametrize("disposition", HOSTILE)
def test_whatever_the_header_is_there_is_at_worst_no_name(admin: RestClient, disposition: str) -> None:
    blob = assert_id(admin.upload(PDF, HTTP_CONTENT_DISPOSITION=disposition))
    assert blob.file_name.isprintable()


@pytest.mark.parametrize(
    ("content_type", "declared"),
    [
        ("application/pdf; charset=nonsense", "application/pdf"),
        ("application/pdf\0; charset=idna", "application/pdf"),
        ("text/plain; charset*=zlib''x", "text/plain"),
        ("multipart/form-data; boundary*9999=x", "multipart/form-data"),
        ("x" * 5_000, "x" * 100),
        ("\x00\x1b\udc80", ""),
        (";", ""),
    ],
)
def test_whatever_the_declared_type_is(admin: RestClient, content_type: str, declared: str) -> None:
    blob = assert_id(admin.upload(PDF, content_type=content_type))
    assert blob.declared_type == declared


def test_a_storage_that_fails_is_not_the_pictures_fault(admin: RestClient, monkeypatch: Any) -> None:
    """It is told as what it is, and the next attempt asks again."""
    blob = assert_id(admin.upload(picture()))
    original = FileSystemStorage.open

    def broken(self: Any, name: str, mode: str = "rb") -> Any:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError("connection reset")

        return File(Broken(), name=name) if mode == "rb" else original(self, name, mode)

    sent = {"firstName": "x", "lastName": "x", "photo": {"ID": blob.wire_id}}
    with monkeypatch.context() as patched:
        patched.setattr(FileSystemStorage, "open", broken)
        answer = admin.update("Employee", sent)
        assert [item["errCode"] for item in answer.json()["__ERROR"]] == [9015, 1534]
    blob.refresh_from_db()
    assert blob.refusal == ""
    assert admin.update("Employee", sent).status_code == 200


@pytest.fixture
def demo_guest(guest: RestClient, settings: Any) -> RestClient:
    """A guest who may give files to employees."""
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.change_employee"]}
    return guest


@pytest.mark.parametrize(
    ("address", "noted"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::"), ("", None), ("unix:", None)],
)
def test_row_of_a_guest(demo_guest: RestClient, address: str, noted: str | None) -> None:
    blob = assert_id(demo_guest.upload(PDF, REMOTE_ADDR=address))
    assert (blob.owner, blob.address) == (None, noted)


# How long


@pytest.mark.parametrize(
    ("params", "given", "seconds"),
    [
        ("", {}, 120),
        ("$timeout=1", {}, 1),
        ("$timeout=3600", {}, 3600),
        ('$timeout="30"', {}, 30),
        ("$timeout=%2B30", {}, 30),
        ("$timeout=999999999", {}, 86_400),
        ("$timeout=50", {"MAX_UPLOAD_TIMEOUT": 40}, 40),
        ("", {"UPLOAD_TIMEOUT": 7}, 7),
        ("", {"UPLOAD_TIMEOUT": 70, "MAX_UPLOAD_TIMEOUT": 40}, 40),
    ],
)
def test_timeout(
    admin: RestClient, settings: Any, params: str, given: dict[str, int], seconds: int
) -> None:
    settings.FOURD_REST = given
    blob = assert_id(admin.upload(PDF, params))
    assert (blob.timeout, blob.expires) == (seconds, blob.ready + timedelta(seconds=seconds))


@pytest.mark.parametrize("value", ["0", "-5", "-0"])
def test_timeout_that_is_over_at_once(admin: RestClient, value: str) -> None:
    with nothing_changes():
        answer = admin.upload(PDF, f"$timeout={value}")
    assert_answer(answer, 400, errors((1806, "URL is not well formed: $timeout must be above 0")))


@pytest.mark.parametrize("value", ["", "soon", "1.5", "1e3", "0x10", "9" * 19, "1 0"])
def test_timeout_that_is_no_number(admin: RestClient, value: str) -> None:
    with nothing_changes():
        answer = admin.upload(PDF, f"$timeout={value.replace(' ', '%20')}")
    reason = "$timeout is not a whole number"
    assert_answer(answer, 400, errors((1806, f"URL is not well formed: {reason}")))


def test_lifetime_counts_from_the_end_of_the_upload(admin: RestClient, monkeypatch: Any) -> None:
    start = timezone.now()
    original = FileSystemStorage._save

    def slow(storage: Any, name: str, content: Any) -> str:
        monkeypatch.setattr(timezone, "now", lambda: start + timedelta(hours=1))
        return str(original(storage, name, content))

    monkeypatch.setattr(FileSystemStorage, "_save", slow)
    blob = assert_id(admin.upload(PDF, "$timeout=10"))
    assert blob.expires == start + timedelta(hours=1, seconds=10)


# Who


@pytest.mark.parametrize(
    "permission",
    ["hr.add_employee", "hr.change_employee", "hr.change_invoice", "zoo.add_animal"],
)
def test_who_may_give_files_to_something_may_upload(login: Any, permission: str) -> None:
    blob = assert_id(login(permission).upload(PDF))
    assert blob.owner == User.objects.get(username="user")


@pytest.mark.parametrize(
    "permissions",
    [[], ["hr.view_employee"], ["hr.delete_employee"], ["hr.change_company", "zoo.add_keeper"]],
)
def test_who_may_not_upload(login: Any, permissions: list[str]) -> None:
    client = login(*permissions)
    with nothing_changes():
        answer = client.upload(PDF)
    message = "No permission to update for the $upload dataclass"
    assert_answer(answer, 401, errors((1558, message)))


def test_guest_may_not_upload(guest: RestClient) -> None:
    with nothing_changes():
        answer = guest.upload(PDF)
    message = "No permission to update for the $upload dataclass"
    assert_answer(answer, 401, errors((1558, message)))


# Quotas


def test_files_per_owner(admin: RestClient, login: Any, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_PENDING_UPLOADS_PER_OWNER": 2, "UPLOAD_TIMEOUT": 33}
    assert_id(admin.upload(PDF))
    assert_id(admin.upload(PDF))
    with nothing_changes():
        answer = admin.upload(PDF)
    assert_answer(answer, 429, QUOTA, {"Retry-After": "33"})
    assert_id(login("hr.change_employee").upload(PDF))


@pytest.mark.parametrize("announced", [True, False])
def test_bytes_per_owner(admin: RestClient, login: Any, settings: Any, announced: bool) -> None:
    settings.FOURD_REST = {"MAX_PENDING_BYTES_PER_OWNER": 100}
    assert_id(admin.upload(b"x" * 60))
    with nothing_changes():
        content, extra = (b"x" * 41, {}) if announced else (b"", chunked(b"x" * 41))
        answer = admin.upload(content, **extra)
    assert_answer(answer, 429, QUOTA, {"Retry-After": "120"})
    assert_id(login("hr.change_employee").upload(b"x" * 100))
    assert_id(admin.upload(b"x" * 40))


def test_files_per_address(demo_guest: RestClient, admin: RestClient, settings: Any) -> None:
    """Guests are told apart by where they come from."""
    settings.FOURD_REST = {**settings.FOURD_REST, "MAX_PENDING_UPLOADS_PER_OWNER": 1}
    assert_id(demo_guest.upload(PDF, REMOTE_ADDR="192.0.2.1"))
    with nothing_changes():
        answer = RestClient().upload(PDF, REMOTE_ADDR="192.0.2.1")
    assert_answer(answer, 429, QUOTA, {"Retry-After": "120"})
    assert_id(demo_guest.upload(PDF, REMOTE_ADDR="192.0.2.2"))
    assert_id(admin.upload(PDF, REMOTE_ADDR="192.0.2.1"))


@pytest.mark.parametrize("limit", [{"MAX_PENDING_UPLOADS": 2}, {"MAX_PENDING_BYTES": 2 * len(PDF)}])
def test_in_total(admin: RestClient, login: Any, settings: Any, limit: dict[str, int]) -> None:
    settings.FOURD_REST = limit
    assert_id(admin.upload(PDF))
    assert_id(login("hr.change_employee").upload(PDF))
    for client in (admin, login("hr.change_employee", username="another")):
        with nothing_changes():
            answer = client.upload(PDF)
        assert_answer(answer, 429, QUOTA, {"Retry-After": "120"})


def test_what_is_still_arriving_counts(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_PENDING_UPLOADS": 1}
    assert_id(admin.upload(PDF))
    UploadedBlob.objects.update(state=UploadedBlob.State.RECEIVING, expires=None)
    with nothing_changes():
        assert admin.upload(PDF).status_code == 429


@pytest.mark.parametrize("state", ["expired", "broken", "over"])
def test_what_is_over_does_not_count(admin: RestClient, settings: Any, state: str) -> None:
    settings.FOURD_REST = {"MAX_PENDING_UPLOADS": 1}
    assert_id(admin.upload(PDF))
    if state == "over":
        UploadedBlob.objects.update(expires=timezone.now())
    else:
        UploadedBlob.objects.update(state=state)
    assert_id(admin.upload(PDF))


# Throttle


@pytest.fixture
def three_a_minute(settings: Any, monkeypatch: Any) -> None:
    cache.clear()
    monkeypatch.setattr(SimpleRateThrottle, "timer", lambda self: 1_000.0)
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"fourd_upload": "3/min"}}


def test_throttle(admin: RestClient, login: Any, three_a_minute: None) -> None:
    """The scope ``fourd_upload`` counts the uploads of one user, and nothing else."""
    for _ in range(3):
        assert_id(admin.upload(PDF))
    with nothing_changes():
        answer = admin.upload(PDF)
    assert_answer(answer, 429, errors((9009, "Too many requests")), {"Retry-After": "61"})
    assert admin.read("Employee").status_code == 200
    assert admin.update("Employee", {"firstName": "A", "lastName": "B"}).status_code == 200
    assert_id(login("hr.change_employee").upload(PDF))


def test_throttle_of_guests(demo_guest: RestClient, three_a_minute: None) -> None:
    for _ in range(3):
        assert_id(demo_guest.upload(PDF, REMOTE_ADDR="192.0.2.1"))
    assert demo_guest.upload(PDF, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert_id(demo_guest.upload(PDF, REMOTE_ADDR="192.0.2.2"))


def test_without_a_rate(admin: RestClient, settings: Any) -> None:
    cache.clear()
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {}}
    for _ in range(5):
        assert_id(admin.upload(PDF))


# Mobile clients say that everything is a picture


def test_lenient_pictures(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"RAWPICT_LENIENT": True}
    blob = assert_id(admin.upload(PDF, "$rawPict=true"))
    assert (blob.kind, blob.detected_type, blob.width) == ("binary", "application/pdf", None)
    assert stored(blob) == PDF
    blob = assert_id(admin.upload(picture(), "$rawPict=true"))
    assert (blob.kind, blob.detected_type) == ("picture", "image/png")


def test_lenient_is_not_empty(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"RAWPICT_LENIENT": True}
    with nothing_changes():
        answer = admin.upload(b"", "$rawPict=true")
    assert_answer(answer, 400, errors((9004, "The request body is empty")))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_accepted_formats(admin: RestClient, format: str) -> None:
    blob = assert_id(admin.upload(picture(format), "$rawPict=true"))
    assert (blob.detected_type, blob.width) == (f"image/{format.lower()}", 8)


# Storages that fail


@pytest.fixture
def storage(settings: Any) -> Any:
    """``storage("SaveFails")``: uploads go into such a storage."""

    def use(name: str) -> None:
        options = settings.STORAGES["fourd_uploads"]["OPTIONS"]
        backend = {"BACKEND": f"tests.contract.storages.{name}", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "fourd_uploads": backend}

    return use


@pytest.mark.parametrize("params", ["$binary=true", "$rawPict=true"])
@pytest.mark.parametrize("name", ["SaveFails", "KeepsAByteLess", "SizeFails"])
def test_storage_that_fails(
    admin: RestClient, storage: Any, caplog: Any, name: str, params: str
) -> None:
    """No half of a file stays, the client hears nothing of the storage, the log does."""
    storage(name)
    with nothing_changes():
        answer = admin.upload(picture(), params)
    assert_answer(answer, 500, FAILED)
    assert SECRET not in answer.content.decode()
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.name for record in told] == ["fourd_rest"]


@pytest.mark.parametrize("announced", [100, None])
@pytest.mark.parametrize("name", ["SwallowsErrors", "WrapsErrors"])
def test_storage_that_hides_the_cut(
    admin: RestClient, storage: Any, name: str, announced: int | None
) -> None:
    """A body that broke off is no shorter file, and no fault of the storage."""
    storage(name)
    torn = {**chunked(b""), "wsgi.input": Torn(b"x" * 50)}
    extra = cut(b"x" * 50, announced) if announced else torn
    with nothing_changes():
        answer = admin.upload(b"", **extra)
    assert_answer(answer, 400, errors((9005, "The request body ended before it was complete")))


class Torn(io.BytesIO):
    """What a server gives for a chunked body whose connection breaks."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError
        return data


@pytest.mark.parametrize("name", ["SwallowsErrors", "WrapsErrors"])
def test_storage_that_hides_the_limit(admin: RestClient, storage: Any, settings: Any, name: str) -> None:
    storage(name)
    settings.FOURD_REST = {"MAX_UPLOAD_SIZE": 50}
    with nothing_changes():
        answer = admin.upload(b"", **chunked(b"x" * 51))
    assert_answer(answer, 413, errors((9003, "The request body is larger than 50 bytes")))


def test_storage_that_stops_early(admin: RestClient, storage: Any) -> None:
    """It keeps less than was sent, and its size agrees with what it read."""
    storage("StopsEarly")
    with nothing_changes():
        answer = admin.upload(b"x" * 50)
    assert_answer(answer, 500, FAILED)


def test_storage_that_renames(admin: RestClient, storage: Any) -> None:
    storage("Renames")
    blob = assert_id(admin.upload(PDF))
    assert blob.name.endswith(".renamed")
    assert stored(blob) == PDF


def test_upload_that_the_sweep_gave_up(admin: RestClient, monkeypatch: Any) -> None:
    """Its file is removed already: the client must not get an ID for it."""
    original = FileSystemStorage._save

    def stalled(storage: Any, name: str, content: Any) -> str:
        saved = original(storage, name, content)
        UploadedBlob.objects.update(state=UploadedBlob.State.BROKEN)
        return str(saved)

    monkeypatch.setattr(FileSystemStorage, "_save", stalled)
    answer = admin.upload(PDF)
    assert_answer(answer, 500, FAILED)
    assert (files(), UploadedBlob.objects.count()) == ({}, 0)
