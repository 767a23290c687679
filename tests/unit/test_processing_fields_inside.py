"""Behind ``tests/spec/test_processing_fields.py``: what HTTP alone does not show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from fourd_rest import sweep
from fourd_rest.models import BlobAttachment, UploadedBlob
from fourd_rest.uploads import attach, blobs
from fourd_rest.write import commit, strategies
from tests.conftest import RestClient
from tests.contract.checks import codes
from tests.spec.test_attach import media, storage, upload
from tests.spec.test_processing_fields import MADE, PNG, give, posters, small_and_tiny
from tests.zoo.models import Poster, ShrunkFile

__all__ = ["posters", "storage"]

pytestmark = pytest.mark.django_db


def test_an_update(admin: RestClient) -> None:
    poster = Poster.objects.create()
    answer = give(admin, poster.pk, shrunk={"ID": upload(admin, PNG, "$rawPict=true")})
    assert answer.status_code == 200
    poster.refresh_from_db()
    assert poster.shrunk.name.startswith("shrunk/")
    assert poster.shrunk.name.endswith(".jpg")
    assert small_and_tiny(poster.shrunk.name) == MADE
    (record,) = BlobAttachment.objects.all()
    assert (record.state, record.name, record.key) == ("attached", poster.shrunk.name, str(poster.pk))
    # The upload itself stays as it was sent.
    with blobs.open_blob(UploadedBlob.objects.get()) as file:
        assert file.read() == PNG


# What fails leaves nothing.


def test_a_save_that_is_refused(admin: RestClient, monkeypatch: Any) -> None:
    poster = Poster.objects.create()
    wire_id = upload(admin, PNG, "$rawPict=true")
    original = commit.write_transaction

    def late(alias: str) -> Any:
        Poster.objects.filter(pk=poster.pk).delete()
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", late)
    answer = give(admin, poster.pk, shrunk={"ID": wire_id})
    assert (answer.status_code, codes(answer.json())[-1]) == (500, 1517)
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


@pytest.mark.parametrize("fails", [False, True])
def test_a_storage_that_renames(admin: RestClient, storage: Any, monkeypatch: Any, fails: bool) -> None:
    """The notes are of the names that it has given."""
    poster = Poster.objects.create()
    wire_id = upload(admin, PNG, "$rawPict=true")
    storage("Renames", "default")
    if fails:
        monkeypatch.setattr(strategies, "_apply_alone", lambda *args: 1 / 0)
        assert codes(give(admin, poster.pk, shrunk={"ID": wire_id}).json()) == [9011]
        assert (media(), BlobAttachment.objects.count()) == ({}, 0)
        return
    assert give(admin, poster.pk, shrunk={"ID": wire_id}).status_code == 200
    poster.refresh_from_db()
    assert poster.shrunk.name in media()
    assert BlobAttachment.objects.get().name == poster.shrunk.name


def test_every_file_is_noted_before_it_is_written(admin: RestClient, monkeypatch: Any) -> None:
    """A crash leaves notes, which lead the sweep to all of them."""
    poster = Poster.objects.create()
    wire_id = upload(admin, PNG, "$rawPict=true")

    def crash(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(attach, "_discard", crash)
    monkeypatch.setattr(strategies, "_apply_alone", crash)
    with pytest.raises(KeyboardInterrupt):
        give(admin, poster.pk, shrunk={"ID": wire_id})
    noted = BlobAttachment.objects.filter(state="intent").values_list("name", flat=True)
    assert sorted(noted) == sorted(media())
    assert len(noted) == 2
    BlobAttachment.objects.update(progressed=timezone.now() - timedelta(hours=1))
    assert sweep.run().copies == 2
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)


def test_a_file_that_the_field_opens_for_writing(admin: RestClient, monkeypatch: Any) -> None:
    """Not every field gives its storage all at once: the name is noted all the same."""

    def save(self: Any, name: str, content: Any, save: bool = True) -> None:
        FieldFile.save(self, name, content, save=False)
        with self.storage.open(f"{self.name}.log", "wb") as log:
            log.write(b"seen")

    monkeypatch.setattr(ShrunkFile, "save", save)
    poster = Poster.objects.create()
    wire_id = upload(admin, PNG, "$rawPict=true")
    with monkeypatch.context() as patch:
        patch.setattr(strategies, "_apply_alone", lambda *args: 1 / 0)
        answer = give(admin, poster.pk, shrunk={"ID": wire_id})
    assert (answer.status_code, codes(answer.json())) == (500, [9011])
    assert (media(), BlobAttachment.objects.count()) == ({}, 0)
    assert give(admin, poster.pk, shrunk={"ID": wire_id}).status_code == 200
    poster.refresh_from_db()
    assert media() == {poster.shrunk.name: PNG, f"{poster.shrunk.name}.log": b"seen"}
