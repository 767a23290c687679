"""Behind ``tests/spec/test_admin.py``: what HTTP alone does not show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone, translation
from django.utils.functional import Promise

from fourd_rest.admin.uploads import StateFilter, UploadedBlobAdmin, UploaderFilter, _relative
from fourd_rest.models import UploadedBlob
from fourd_rest.uploads import blobs
from tests.spec.test_admin import LIST, State, make, text

pytestmark = pytest.mark.django_db


def test_name_is_that_of_the_row(db):
    """An upload that became ready under another name since the list was read."""
    stale = make(state=State.RECEIVING, expires=None, name="old/name")
    storages["fourd_uploads"].save("new/name", ContentFile(b"x"))
    UploadedBlob.objects.update(state=State.READY, name="new/name")
    outcome = blobs.remove([stale])
    assert outcome.removed == [stale]
    assert not storages["fourd_uploads"].exists("new/name")


def test_upload_that_is_gone_meanwhile(db):
    blob = make(b"x")
    UploadedBlob.objects.all().delete()
    outcome = blobs.remove([blob])
    assert (outcome.removed, outcome.failed, outcome.kept) == ([], [], [blob])


# Texts.


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59, "in less than a minute"),
        (61, "in 1 minute"),
        (90_000, "in 1 day"),
        (0, "just now"),
        (-59, "just now"),
        (-60, "1 minute ago"),
        (-3 * 86_400 - 5, "3 days ago"),
    ],
)
def test_relative_time(seconds, expected):
    now = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    moment = now + timedelta(seconds=seconds)
    html = _relative(moment, now)
    assert text(html) == expected
    assert f'datetime="{moment.isoformat()}"' in html
    assert 'title="' in html


def test_texts_are_translatable(admin):
    for described in (
        "thumb", "file", "badge", "sort", "human_size", "uploader", "expiry", "attached_to", "content",
        "exact_size", "dimensions", "conversions",
    ):  # fmt: skip
        assert isinstance(getattr(UploadedBlobAdmin, described).short_description, Promise), described
    action: Any = UploadedBlobAdmin.delete_selected
    for label in (action.short_description, StateFilter.title, UploaderFilter.title):
        assert isinstance(label, Promise)
    assert isinstance(UploadedBlobAdmin.search_help_text, Promise)
    make(expires=timezone.now() + timedelta(hours=1, seconds=9))
    with translation.override("fr"):
        assert admin.get(LIST).status_code == 200
