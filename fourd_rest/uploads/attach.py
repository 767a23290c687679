"""From an upload to the file of an entity (design «Uploads», D-14, D-15).

``find`` resolves an ID, ``place`` copies the file to where the entity's field keeps its files, after an
intent was committed; ``fulfil`` turns the intent into a record within the transaction that saves the
entity; ``discard`` undoes ``place``. Whatever crashes in between, the intent leads the sweep to the
copy.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.base import File as FileObject
from django.core.files.storage import FileSystemStorage, Storage
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass, File
from fourd_rest.dataclass.options import KEY_LENGTH
from fourd_rest.errors import (
    MISSING_BLOB_REF,
    MISSING_PICTURE_REF,
    STORAGE_FAILED,
    ErrorRow,
    RestError,
    logger,
)
from fourd_rest.models import BlobAttachment, UploadedBlob

from . import pictures
from .store import upload_storage

_ID = re.compile(r"[0-9a-fA-F]{32}\Z")
_PROGRESS_INTERVAL = 15  # seconds between two notes of progress


@dataclass(frozen=True, slots=True)
class Placed:
    """A copy that waits for its entity to be saved.

    ``value`` is what the model field gets: a name in its storage, or the bytes themselves.
    """

    attribute: Attribute
    value: str | bytes
    intent: BlobAttachment


def find(request: HttpRequest, wire_id: object, attribute: Attribute) -> UploadedBlob:
    """The upload that ``request`` may attach to ``attribute`` under this ID.

    Unknown, foreign, expired, unfinished and malformed IDs are one error, so that it tells nothing:
    1825 for pictures, 1826 for BLOBs. A file that is no picture is error 1824 for an image attribute.
    """
    missing = MISSING_PICTURE_REF if attribute.file is File.IMAGE else MISSING_BLOB_REF
    if not isinstance(wire_id, str) or not _ID.match(wire_id):
        raise RestError(missing())
    blob: UploadedBlob | None = UploadedBlob.objects.filter(pk=uuid.UUID(hex=wire_id)).first()
    owner = request.user.pk if request.user.is_authenticated else None
    if (
        blob is None
        or not blob.is_usable(timezone.now())
        # What a guest uploaded is held by whoever knows the ID.
        or blob.owner_id not in (None, owner)
    ):
        raise RestError(missing())
    if attribute.file is File.IMAGE and blob.kind != UploadedBlob.Kind.PICTURE:
        _verify(blob, missing)
    return blob


def _verify(blob: UploadedBlob, missing: ErrorRow) -> None:
    """The content decides, not the parameter of the upload: a verified picture becomes one."""
    settings = current()
    file: Any
    try:
        file = upload_storage().open(blob.name)
    except Exception as error:
        logger.exception("The file of upload %s is gone", blob.wire_id)
        raise RestError(missing()) from error
    with file:
        picture = pictures.verify(
            file, formats=settings.PICTURE_FORMATS, max_pixels=settings.MAX_PICTURE_PIXELS
        )
    blob.kind = UploadedBlob.Kind.PICTURE
    blob.detected_type = picture.mime
    blob.width, blob.height = picture.width, picture.height
    blob.thumbnail = picture.thumbnail or None
    blob.save(update_fields=["kind", "detected_type", "width", "height", "thumbnail"])


def place(
    dataclass_: DataClass,
    attribute: Attribute,
    instance: models.Model,
    blob: UploadedBlob,
    *,
    alias: str,
) -> Placed:
    """Copy ``blob`` to where ``attribute`` of ``instance`` keeps its file. Saves no entity.

    No transaction may be open: the intent must be committed before the copy begins.
    """
    intent = BlobAttachment(
        blob_id=blob.pk, model=dataclass_.model._meta.label_lower, field=attribute.source
    )
    placed = None
    try:
        if not attribute.holds_bytes:
            intent.name = _new_name(attribute.field, instance, blob)
        intent.save(using=alias)
        placed = Placed(attribute, _copy(attribute, blob, intent), intent)
    except Exception as error:
        logger.exception("Upload %s could not be copied to %s", blob.wire_id, attribute.field)
        raise RestError(STORAGE_FAILED()) from error
    finally:
        if placed is None and intent.pk:
            discard(Placed(attribute, intent.name, intent))
    return placed


def _new_name(field: Any, instance: models.Model, blob: UploadedBlob) -> str:
    """A name in the field's storage that no file has, with the extension of what the file is."""
    with upload_storage().open(blob.name) as file:
        extension = pictures.detect(file.read(pictures.HEAD_SIZE))[1]
    name = field.generate_filename(instance, f"{uuid.uuid4().hex}{extension}")
    # The base class' method never names an existing file, also where a storage would overwrite it.
    return Storage.get_available_name(field.storage, name, max_length=field.max_length)


def _copy(attribute: Attribute, blob: UploadedBlob, intent: BlobAttachment) -> str | bytes:
    """Copy ``blob`` to where ``intent`` says; returns what the model field gets."""
    source = upload_storage()
    if attribute.holds_bytes:
        with source.open(blob.name) as file:
            return bytes(file.read())
    field: Any = attribute.field
    target: Storage = field.storage
    saved = intent.name
    if not _link(source, blob.name, target, saved):
        with source.open(blob.name) as file:
            saved = target.save(saved, _Beating(file, intent), max_length=field.max_length)
    if saved != intent.name:
        intent.name = saved
        intent.save(update_fields=["name"])
    if target.size(saved) != blob.size:
        raise OSError(f"{saved} was stored with another size than {blob.size}")
    return saved


def fulfil(placed: Placed, key: str) -> None:
    """Make the intent a record. Called inside the transaction that saves the entity.

    Raises ``RestError`` 9015 if the copy is gone.
    """
    intent = placed.intent
    waiting = BlobAttachment.objects.using(intent._state.db).filter(
        pk=intent.pk, state=BlobAttachment.State.INTENT
    )
    if not waiting.update(
        state=BlobAttachment.State.ATTACHED, attached=timezone.now(), key=key[:KEY_LENGTH]
    ):
        # A sweep took the intent for abandoned and has removed the copy.
        raise RestError(STORAGE_FAILED())


def discard(placed: Placed) -> None:
    """Remove a copy whose entity was not saved, and its intent.

    Whether it was saved the record alone tells: an error may come after the commit went through, from
    a hook of the site's or from a lost connection. The file of a saved entity stays.
    """
    intent = placed.intent
    waiting = BlobAttachment.objects.using(intent._state.db).filter(
        pk=intent.pk, state=BlobAttachment.State.INTENT
    )
    if not waiting.update(state=BlobAttachment.State.ABANDONED):
        return
    if intent.name:
        field: Any = placed.attribute.field
        try:
            field.storage.delete(intent.name)
        except Exception:
            # Removed by the sweep then, which the row leads there.
            logger.warning("The copy %s cannot be deleted", intent.name, exc_info=True)
            return
    intent.delete()


class _Beating(FileObject):  # type: ignore[type-arg]
    """A file that notes now and then that it is still being copied, so that no sweep takes the copy."""

    def __init__(self, file: Any, intent: BlobAttachment) -> None:
        super().__init__(file, name=intent.name)
        self.source = file
        self.intent = intent
        self.noted = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        self._beat()
        return bytes(self.source.read(size))

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in super().chunks(chunk_size):
            self._beat()
            yield chunk

    def _beat(self) -> None:
        if time.monotonic() - self.noted < _PROGRESS_INTERVAL:
            return
        self.noted = time.monotonic()
        self.intent.progressed = timezone.now()
        self.intent.save(update_fields=["progressed"])


def _link(source: Storage, name: str, target: Storage, new_name: str) -> bool:
    """Give the file a second name instead of copying it; false where that is not as good.

    It is between plain folders whose files get equal modes.
    """
    # ``__class__`` sees through the lazy object that the default storage is; ``type`` does not.
    if not (
        source.__class__ is target.__class__ is FileSystemStorage
        and source.file_permissions_mode == target.file_permissions_mode
    ):
        return False
    path = Path(target.path(new_name))
    try:
        _make_folder(path.parent, target)
        os.link(source.path(name), path)
    except OSError:
        return False  # another file system, or one without links
    return True


def _make_folder(folder: Path, storage: Any) -> None:
    """Make ``folder`` with the modes that the storage itself would give it."""
    mode = storage.directory_permissions_mode
    if mode is None:
        folder.mkdir(parents=True, exist_ok=True)
        return
    umask = os.umask(0o777 & ~mode)
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    finally:
        os.umask(umask)
