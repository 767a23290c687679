"""From an upload to the file of an entity (``docs/architecture.md``, «Uploads», D-14, D-15).

``find`` resolves an ID. ``copy_upload`` commits an intent, then copies the file to the storage of the
entity's field. ``record`` makes the intent a record, in the transaction that saves the entity.
``discard`` undoes ``copy_upload``. After a crash in between, the sweep finds the copy by its intent.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import File as FileObject
from django.core.files.storage import Storage
from django.db import models
from django.utils import timezone

from fourd_rest.dataclass import DataClass, File
from fourd_rest.dataclass.attributes import FileAttribute
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.options import KEY_LENGTH
from fourd_rest.errors import (
    INVALID_VALUE,
    MISSING_BLOB_REF,
    MISSING_PICTURE_REF,
    STORAGE_FAILED,
    ErrorRow,
    RestError,
    logger,
)
from fourd_rest.models import BlobAttachment, UploadedBlob
from fourd_rest.pictures import verification
from fourd_rest.storage import upload_storage

from . import field_code, folder_copy, picture_check
from .intents import BeatingFile, Intents

_ID = re.compile(r"[0-9a-fA-F]{32}\Z")


@dataclass(frozen=True, slots=True)
class FileCopy:
    """A copy of an upload whose entity is not saved yet.

    ``value`` is what the model field gets: a name in its storage, or the bytes themselves. A field with
    code of its own may have written more files, named by ``others``, and set other fields: their values
    by attribute name are ``changes``.
    """

    attribute: FileAttribute
    value: str | bytes
    intent: BlobAttachment
    others: Sequence[BlobAttachment] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def intents(self) -> list[BlobAttachment]:
        """The rows of all files that were written, that of ``value`` first."""
        return [self.intent, *self.others]


def find(caller: Caller, wire_id: object, attribute: FileAttribute) -> UploadedBlob:
    """The upload that ``caller`` may attach to ``attribute`` under this ID.

    Unknown, foreign, expired, unfinished and malformed IDs get the same error, which tells nothing:
    1825 for pictures, 1826 for BLOBs. A file that is no picture is error 1824 for an image attribute.
    """
    missing = MISSING_PICTURE_REF if attribute.file is File.IMAGE else MISSING_BLOB_REF
    if not isinstance(wire_id, str) or not _ID.match(wire_id):
        raise RestError(missing())
    blob: UploadedBlob | None = UploadedBlob.objects.filter(pk=uuid.UUID(hex=wire_id)).first()
    if (
        blob is None
        or not blob.is_usable(timezone.now())
        # What a guest uploaded is held by whoever knows the ID.
        or blob.owner_id not in (None, caller.owner)
    ):
        raise RestError(missing())
    if attribute.file is File.IMAGE and blob.kind != UploadedBlob.Kind.PICTURE:
        _verify(blob, missing)
    return blob


def _verify(blob: UploadedBlob, missing: ErrorRow) -> None:
    """Check an upload that was not announced as a picture: its content decides.

    The outcome is stored, since an array may name one upload many times.
    """
    if blob.refusal:
        raise picture_check.remembered_refusal(blob)
    file: Any
    try:
        file = upload_storage().open(blob.name)
    except Exception as error:
        logger.exception("The file of upload %s is gone", blob.wire_id)
        raise RestError(missing()) from error
    with file:
        try:
            picture_check.check_picture(blob, file)
        except RestError as error:
            if verification.is_refusal(error):
                blob.save(update_fields=["refusal"])
            raise
    blob.save(update_fields=["kind", "detected_type", "width", "height", "thumbnail"])


def looks_at_row(attribute: FileAttribute) -> bool:
    """Whether a file's way into ``attribute`` depends on the row: on its name, or on other fields."""
    field = attribute.field
    if not isinstance(field, models.FileField):
        return False
    names = getattr(field.generate_filename, "__func__", None)
    is_own = names is not models.FileField.generate_filename
    return is_own or callable(field.upload_to) or field_code.processes(field)


def copy_upload(
    dataclass_: DataClass,
    attribute: FileAttribute,
    instance: models.Model | None,
    blob: UploadedBlob,
    *,
    alias: str,
) -> FileCopy:
    """Copy ``blob`` to where ``attribute`` of ``instance`` keeps its file. Saves no entity.

    ``instance`` may be None unless ``looks_at_row``. No transaction may be open: the intent must be
    committed before the copy begins. Raises ``RestError`` 9015 if a storage fails, 1569 if the field
    refuses the file.
    """
    intents = Intents(blob, dataclass_, attribute, alias)
    with _all_or_nothing(attribute, intents):
        try:
            if instance is not None and field_code.processes(attribute.field):
                made = field_code.save(attribute.field, instance, blob, intents)
                main = intents.of(made.name)
                others = [intent for intent in intents.noted if intent is not main]
                return FileCopy(attribute, made.name, main, others, made.changes)
            name = "" if attribute.holds_bytes else _new_name(attribute.field, instance, blob)
            intent = intents.note(name)
            return FileCopy(attribute, _copy(attribute, blob, intent, intents), intent)
        except field_code.FieldRefused as error:
            raise RestError(INVALID_VALUE(attribute=attribute.name, reason=error)) from error
        except Exception as error:
            logger.exception("Upload %s could not be copied to %s", blob.wire_id, attribute.field)
            raise RestError(STORAGE_FAILED()) from error


@contextmanager
def _all_or_nothing(attribute: FileAttribute, intents: Intents) -> Iterator[None]:
    """A context that discards what was written within, if an exception ends it."""
    try:
        yield
    except BaseException:
        for intent in intents.noted:
            _discard(attribute, intent)
        raise


def _new_name(field: Any, instance: models.Model | None, blob: UploadedBlob) -> str:
    """A name in the field's storage that no file has, with the extension of what the file is."""
    # ``upload_to`` may look into the file, through the instance.
    values = {} if instance is None else instance.__dict__
    with upload_storage().open(blob.name) as file:
        plain = field_code.plain_name(file)
        before = values.get(field.attname)
        values[field.attname] = FileObject(file, name=plain)
        try:
            name = field.generate_filename(instance, plain)
        finally:
            values[field.attname] = before
    # The base class' method never names an existing file, also where a storage would overwrite it.
    return Storage.get_available_name(field.storage, name, max_length=field.max_length)


def _copy(
    attribute: FileAttribute, blob: UploadedBlob, intent: BlobAttachment, intents: Intents
) -> str | bytes:
    """Copy ``blob`` to where ``intent`` says; returns what the model field gets."""
    source = upload_storage()
    if attribute.holds_bytes:
        with source.open(blob.name) as file:
            return bytes(file.read())
    field: Any = attribute.field
    target: Storage = field.storage
    saved = intent.name
    if not folder_copy.copy_file(source, blob.name, target, saved, intents.beat):
        with source.open(blob.name) as file:
            beating = BeatingFile(file, saved, intents.beat)
            saved = target.save(saved, beating, max_length=field.max_length)
    intents.rename(intent, saved)
    if target.size(saved) != blob.size:
        raise OSError(f"{saved} was stored with another size than {blob.size}")
    return saved


def record(copied: FileCopy, key: str) -> None:
    """Make the intent a record. Called inside the transaction that saves the entity.

    Raises ``RestError`` 9015 if the copy is gone.
    """
    now = timezone.now()
    for intent in copied.intents:
        if not _waiting(intent).update(
            state=BlobAttachment.State.ATTACHED, attached=now, key=key[:KEY_LENGTH]
        ):
            # A sweep took the intent for abandoned and has removed the copy.
            raise RestError(STORAGE_FAILED())
    for intent in copied.others:
        # Their files belong to the field; the record is that of the file the entity names.
        BlobAttachment.objects.using(intent._state.db).filter(pk=intent.pk).delete()


def discard(copied: FileCopy) -> None:
    """Remove a copy whose entity was not saved, and its intent.

    Only the record tells whether it was saved: an error may come after the commit, from a hook of the
    site or from a lost connection. The file of a saved entity stays.
    """
    for intent in copied.intents:
        _discard(copied.attribute, intent)


def _discard(attribute: FileAttribute, intent: BlobAttachment) -> None:
    if not _waiting(intent).update(state=BlobAttachment.State.ABANDONED):
        return
    if intent.name:
        field: Any = attribute.field
        try:
            field.storage.delete(intent.name)
        except Exception:
            # The sweep finds it by the row and tries again.
            logger.warning("The copy %s cannot be deleted", intent.name, exc_info=True)
            return
    intent.delete()


def _waiting(intent: BlobAttachment) -> models.QuerySet[BlobAttachment]:
    return BlobAttachment.objects.using(intent._state.db).filter(
        pk=intent.pk, state=BlobAttachment.State.INTENT
    )
