"""The life of an upload: received, ready, expired, removed.

Only a row in state ``ready`` is ever resolved, and a row gets that state only after all bytes were
counted in the request and again in the storage (``docs/architecture.md``, «Uploads»).
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, BinaryIO, cast

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.utils import timezone
from django.utils.module_loading import import_string

from fourd_rest.conf import Settings, current
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    BODY_EMPTY,
    STORAGE_FAILED,
    UPLOAD_QUOTA,
    UPLOAD_REFUSED,
    RestError,
    logger,
)
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import file_types, verification
from fourd_rest.storage import upload_storage

from . import picture_check
from .body_file import Body, UploadFile

State = UploadedBlob.State
FINISHED = (State.EXPIRED, State.BROKEN)

_SPOOL = 2**20  # bytes of a picture that are kept in memory while it is verified
_PROGRESS_INTERVAL = 15  # seconds between two notes of progress
# Seconds that a file outlives its expiry: a copy that began in time must be able to end.
GRACE = 60


@dataclass(frozen=True, slots=True)
class Announced:
    """What the headers and the address of a request say about its file. ``timeout`` is in seconds."""

    picture: bool
    timeout: int
    declared_type: str = ""
    file_name: str = ""


def receive(caller: Caller, body: Body, announced: Announced) -> UploadedBlob:
    """Take ``body`` as an upload of the caller's; returns it ready to be used.

    Raises ``RestError``: empty, cut or too large bodies, no picture where one was announced (1824),
    too many pending uploads (9008), a storage that fails (9015). Nothing is kept then.
    """
    identity = uuid.uuid4()
    blob = UploadedBlob(
        pk=identity,
        # Unguessable, unique, and no part of it comes from the client.
        name=f"{identity.hex[:2]}/{identity.hex}",
        kind=UploadedBlob.Kind.PICTURE if announced.picture else UploadedBlob.Kind.BINARY,
        owner_id=caller.owner,
        address=caller.address,
        declared_type=announced.declared_type[:100],
        file_name=announced.file_name[:255],
        timeout=announced.timeout,
        size=body.expected or 0,
    )
    blob.save(force_insert=True)
    try:
        _check_quota(blob, current())
        _store(blob, body, current())
        _ask_validators(blob, current())
        _check_quota(blob, current())
        _make_ready(blob)
    except BaseException:
        _drop(blob)
        raise
    return blob


def _check_quota(blob: UploadedBlob, settings: Settings) -> None:
    """Refuse ``blob``, whose row is counted already, if too much is pending."""
    mine = Q(owner=blob.owner_id)
    if blob.owner_id is None:
        mine = Q(owner=None, address=blob.address)
    pending = _pending().aggregate(
        all_files=Count("pk"),
        all_bytes=Sum("size", default=0),
        my_files=Count("pk", filter=mine),
        my_bytes=Sum("size", filter=mine, default=0),
    )
    if (
        pending["all_files"] > settings.MAX_PENDING_UPLOADS
        or pending["all_bytes"] > settings.MAX_PENDING_BYTES
        or pending["my_files"] > settings.MAX_PENDING_UPLOADS_PER_OWNER
        or pending["my_bytes"] > settings.MAX_PENDING_BYTES_PER_OWNER
    ):
        raise RestError(UPLOAD_QUOTA(), retry_after=settings.UPLOAD_TIMEOUT)


def _pending() -> QuerySet[UploadedBlob]:
    return UploadedBlob.objects.filter(
        Q(state=State.RECEIVING) | Q(state=State.READY, expires__gt=timezone.now())
    )


def _store(blob: UploadedBlob, arriving: Body, settings: Settings) -> None:
    """Stream the body into the storage and fill in what it turned out to be."""
    body = UploadFile(arriving, name=blob.name, progress=_Progress(blob))
    if blob.kind == UploadedBlob.Kind.PICTURE:
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            for chunk in body.chunks():
                spool.write(chunk)
            _require_content(body)
            spool.seek(0)
            _verify(blob, spool, settings)
            spool.seek(0)
            _save(blob, File(spool, name=blob.name), body)
    else:
        _save(blob, body, body)
        _require_content(body)
        blob.detected_type = file_types.detect(body.head)[0]
    blob.sha256 = body.sha256
    if blob.size != body.count:
        # It was not announced. Counted before it is ready: the quota is asked once more.
        blob.size = body.count
        UploadedBlob.objects.filter(pk=blob.pk).update(size=blob.size)


def _require_content(body: UploadFile) -> None:
    if body.count == 0:
        raise RestError(BODY_EMPTY())


def _verify(blob: UploadedBlob, file: Any, settings: Settings) -> None:
    try:
        picture_check.check_picture(blob, file)
    except RestError as error:
        if not verification.is_refusal(error) or not settings.RAWPICT_LENIENT:
            raise
        # Mobile clients send $rawPict for everything (D-15).
        blob.kind = UploadedBlob.Kind.BINARY
        file.seek(0)
        blob.detected_type = file_types.detect(file.read(file_types.HEAD_SIZE))[0]


def _save(blob: UploadedBlob, content: Any, body: UploadFile) -> None:
    """Store ``content``, which is all of ``body``, and make sure that all of it is stored."""
    storage = upload_storage()
    try:
        blob.name = storage.save(blob.name, content)
        # Some storages take an error of the body for its end: reading once more raises it again. Bytes
        # that were not read show in the count.
        body.read(1)
        if storage.size(blob.name) != body.count:
            raise OSError(f"{blob.name} was stored with another size than {body.count}")
    except RestError:
        raise
    except Exception as error:
        # Storages wrap what the body raised in exceptions of their own.
        if body.error is not None:
            raise body.error from error
        logger.exception("The storage failed to keep upload %s", blob.wire_id)
        raise RestError(STORAGE_FAILED()) from error


def _ask_validators(blob: UploadedBlob, settings: Settings) -> None:
    """Let the site's validators, virus scanners for instance, refuse the upload (9020).

    Each is called with the blob and its file opened for reading, and refuses by ``ValidationError``.
    One that fails otherwise is a bug of the site; the upload is not kept then either.
    """
    for path in settings.UPLOAD_VALIDATORS:
        validator = import_string(path)
        with upload_storage().open(blob.name) as file:
            try:
                validator(blob, file)
            except ValidationError as error:
                raise RestError(UPLOAD_REFUSED(reason=" ".join(error.messages))) from error


class _Progress:
    """Notes now and then that bytes still arrive, so that the sweep leaves the upload alone."""

    def __init__(self, blob: UploadedBlob) -> None:
        self.pk = blob.pk
        self.noted = time.monotonic()

    def __call__(self, count: int) -> None:
        if time.monotonic() - self.noted < _PROGRESS_INTERVAL:
            return
        self.noted = time.monotonic()
        UploadedBlob.objects.filter(pk=self.pk).update(progressed=timezone.now())


def _make_ready(blob: UploadedBlob) -> None:
    """Compare-and-swap to ``ready``; the lifetime counts from here."""
    blob.state = State.READY
    blob.ready = timezone.now()
    blob.expires = blob.ready + timedelta(seconds=blob.timeout)
    changes = {
        name: getattr(blob, name)
        for name in (
            "state",
            "kind",
            "name",
            "detected_type",
            "sha256",
            "width",
            "height",
            "thumbnail",
            "refusal",
            "ready",
            "expires",
        )
    }
    waiting = UploadedBlob.objects.filter(pk=blob.pk, state=State.RECEIVING)
    if not waiting.update(**changes):
        # The sweep took the upload for stalled and has removed the file.
        raise RestError(STORAGE_FAILED())


def _drop(blob: UploadedBlob) -> None:
    """Remove the file and row of an upload that failed; if that fails, the sweep will."""
    try:
        upload_storage().delete(blob.name)
        UploadedBlob.objects.filter(pk=blob.pk).delete()
    except Exception:
        logger.warning("Upload %s is left to the sweep", blob.wire_id, exc_info=True)


def open_blob(blob: UploadedBlob) -> BinaryIO:
    """The file of ``blob``, which is ready. Raises what the storage raises if the file is gone."""
    file: Any = upload_storage().open(blob.name)
    return cast("BinaryIO", file)


def expire(blob: UploadedBlob) -> None:
    """End an upload that nobody will ask for again; the sweep removes its file."""
    UploadedBlob.objects.filter(pk=blob.pk, state=State.READY).update(state=State.EXPIRED)


# Removal by an administrator.


@dataclass(slots=True)
class Removed:
    """The outcome of ``remove``: each upload is in one of the lists."""

    removed: list[UploadedBlob] = field(default_factory=list)
    failed: list[UploadedBlob] = field(default_factory=list)
    kept: list[UploadedBlob] = field(default_factory=list)


def remove(chosen: Iterable[UploadedBlob]) -> Removed:
    """Remove uploads with their files now. What entities hold are copies: they stay.

    No transaction may be open: each upload is marked, and the mark committed, before its file is
    touched. One whose file the storage does not delete is ``failed``: its row stays, marked, and the
    sweep tries again. One that still arrives is ``kept`` as it is: only its own request knows where
    its bytes are.
    """
    outcome = Removed()
    stalled = timezone.now() - timedelta(seconds=current().UPLOAD_STALL_TIMEOUT)
    for blob in chosen:
        rows = UploadedBlob.objects.filter(pk=blob.pk)
        rows.exclude(state=State.RECEIVING, progressed__gt=stalled).update(
            state=Case(
                When(state=State.READY, then=Value(State.EXPIRED)),
                When(state=State.RECEIVING, then=Value(State.BROKEN)),
                default=F("state"),
            )
        )
        # The name may have changed since ``blob`` was read; from here on it does not.
        marked = rows.filter(state__in=FINISHED).only("pk", "name").first()
        if marked is None:
            outcome.kept.append(blob)
        elif remove_file(marked):
            marked.delete()
            outcome.removed.append(blob)
        else:
            outcome.failed.append(blob)
    return outcome


def remove_file(blob: UploadedBlob) -> bool:
    """Delete the file of a blob that is no longer used; its row stays. False if the storage fails."""
    try:
        if blob.name:
            upload_storage().delete(blob.name)
    except Exception:
        logger.warning("The file of upload %s cannot be deleted", blob.wire_id, exc_info=True)
        return False
    UploadedBlob.objects.filter(pk=blob.pk).update(name="")
    return True
