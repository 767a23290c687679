"""Behind ``tests/spec/test_upload.py``: what HTTP alone does not show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from fourd_rest import sweep
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import decoder_gate, verification
from fourd_rest.uploads import blobs, picture_check, receiving
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, errors, files, nothing_changes
from tests.spec.test_upload import FAILED, NOISE, assert_id, storage

__all__ = ["storage"]

pytestmark = pytest.mark.django_db


@examples(max_examples=300, deadline=None)
@given(
    st.text(st.characters(max_codepoint=0x24F), max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "attachment",
                ";",
                "filename",
                "*",
                "=",
                "'",
                '"',
                "\\",
                "%",
                "utf-8",
                "undefined",
                "idna",
                "0",
            ]
            + [
                "1",
                "9" * 20,
                "=?",
                "?=",
                "x",
                " ",
                "\t",
                "\0",
                "(",
                ")",
                ",",
                "é",
                "\udcff",
                "unicode_escape",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_file_names_from_any_header(disposition: str) -> None:
    name = receiving._file_name(disposition)
    assert name.isprintable()
    assert "/" not in name
    assert "\\" not in name


# A picture that is none


def test_a_failure_is_found_out_once(admin: RestClient, monkeypatch: Any) -> None:
    """Whoever names it next, in an array or later, is told the same."""
    original, asked = verification.verify, []

    def verify(*args: Any, **kwargs: Any) -> Any:
        asked.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(verification, "verify", verify)
    # Too many scans: refused for what it would cost, which is told.
    scans = picture("JPEG")[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 101 + b"\xff\xd9"
    for content, message in (
        (PDF, "The file is not a picture of an accepted type"),
        (scans, "The picture is not accepted: it has too many scans"),
    ):
        asked.clear()
        wire_id = assert_id(admin.upload(content)).wire_id
        entities = [{"lastName": f"{number}", "photo": {"ID": wire_id}} for number in range(100)]
        for _ in range(2):
            answer = admin.update("Employee", entities)
            assert answer.status_code == 500
            told = [entity["__ERROR"][0] for entity in answer.json()["__ENTITIES"]]
            assert told == [{"message": message, "componentSignature": "dbmg", "errCode": 1824}] * 100
        assert len(asked) == 1


def test_a_failure_that_was_let_pass_is_found_out_once(
    admin: RestClient, settings: Any, monkeypatch: Any
) -> None:
    """``RAWPICT_LENIENT``: an upload that is stored as any other file was asked already."""
    settings.FOURD_REST = {"RAWPICT_LENIENT": True}
    blob = assert_id(admin.upload(PDF, "$rawPict=true"))
    assert (blob.kind, blob.refusal) == ("binary", "The file is not a picture of an accepted type")
    monkeypatch.delattr(verification, "verify")
    answer = admin.update("Employee", {"lastName": "x", "photo": {"ID": blob.wire_id}})
    assert answer.json()["__ERROR"][0]["errCode"] == 1824


@pytest.mark.parametrize("params", ["$rawPict=true", "$binary=true"])
def test_a_picture_waits_for_its_turn(admin: RestClient, monkeypatch: Any, params: str) -> None:
    """As many pictures are decoded at a time as are converted."""
    monkeypatch.setattr(picture_check, "_WAIT", 0.0)
    monkeypatch.setattr(decoder_gate.gate, "enter", lambda: False)
    answer = admin.upload(picture(), params)
    if params == "$binary=true":
        wire_id = assert_id(answer).wire_id
        answer = admin.update("Employee", {"lastName": "x", "photo": {"ID": wire_id}})
        busy = answer.json()["__ERROR"][0]
        assert busy == errors((9021, "Too many pictures are being converted"))["__ERROR"][0]
        assert UploadedBlob.objects.get().refusal == ""
        return
    assert_answer(
        answer,
        503,
        errors((9021, "Too many pictures are being converted")),
        {"Retry-After": "5"},
    )
    assert (UploadedBlob.objects.count(), files()) == (0, {})


def test_refused_upload_is_not_read(guest: RestClient, monkeypatch: Any) -> None:
    received = []
    monkeypatch.setattr(blobs, "receive", received.append)
    assert guest.upload(NOISE).status_code == 401
    assert received == []


def test_announced_bytes_are_refused_before_they_are_stored(
    admin: RestClient, settings: Any, monkeypatch: Any
) -> None:
    settings.FOURD_REST = {"MAX_PENDING_BYTES_PER_OWNER": 100}
    stored = []
    monkeypatch.setattr(blobs, "_store", lambda *args: stored.append(args))
    with nothing_changes():
        assert admin.upload(b"x" * 101).status_code == 429
    assert stored == []


@pytest.mark.parametrize("params", ["$binary=true", "$rawPict=true"])
def test_storage_that_cannot_even_delete(admin: RestClient, storage: Any, params: str) -> None:
    """What cannot be removed now is removed by the sweep, which the row leads there."""
    storage("SaveAndDeleteFail")
    answer = admin.upload(picture(), params)
    assert_answer(answer, 500, FAILED)
    blob = UploadedBlob.objects.get()
    assert (blob.state, len(files())) == ("receiving", 1)
    storage("Folder")
    UploadedBlob.objects.update(progressed=timezone.now() - timedelta(hours=1))
    sweep.run()
    assert files() == {}
    blob.refresh_from_db()
    assert (blob.state, blob.name) == ("broken", "")


def test_progress_is_noted(admin: RestClient, monkeypatch: Any) -> None:
    """Else the sweep would take a slow upload for a broken one."""
    monkeypatch.setattr(blobs, "_PROGRESS_INTERVAL", 0)
    blob = assert_id(admin.upload(NOISE * 3))
    assert blob.progressed > blob.created
