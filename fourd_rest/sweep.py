"""The clean-up of everything that expires, with one report of what was removed.

Safe at any time and beside other sweeps: every step is a compare-and-swap that is decided before a file
is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.utils import timezone

from .conf import Settings, current
from .dataclass import registry
from .entity_sets import lifecycle
from .errors import logger
from .models import BlobAttachment, EntityStamp, UploadedBlob
from .pictures import conversions
from .uploads.blobs import FINISHED, GRACE, remove_file

_BATCH = 500


@dataclass(slots=True)
class Swept:
    """How much one sweep removed."""

    expired: int = 0
    broken: int = 0
    copies: int = 0
    rows: int = 0
    stamps: int = 0
    conversions: int = 0
    entity_sets: int = 0


def run() -> Swept:
    """Remove expired and broken files, abandoned copies, expired sets, and rows past their retention."""
    settings, now, swept = current(), timezone.now(), Swept()
    stalled = now - timedelta(seconds=settings.UPLOAD_STALL_TIMEOUT)
    retained = now - timedelta(seconds=settings.UPLOAD_RETENTION)
    _sweep_uploads(swept, now, stalled)
    swept.conversions = conversions.sweep(now)
    rows = UploadedBlob.objects.filter(state__in=FINISHED, name="", created__lte=retained)
    swept.rows = rows.delete()[0]
    for alias in sorted({exposed.write_alias() for exposed in registry}):
        swept.copies += _sweep_copies(alias, stalled)
        attachments = BlobAttachment.objects.using(alias)
        attachments.filter(state=BlobAttachment.State.ATTACHED, attached__lte=retained).delete()
        swept.stamps += _sweep_stamps(alias, settings, now)
    swept.entity_sets = lifecycle.sweep()
    return swept


def _sweep_uploads(swept: Swept, now: datetime, stalled: datetime) -> None:
    blobs, state = UploadedBlob.objects, UploadedBlob.State
    over = now - timedelta(seconds=GRACE)
    swept.expired = blobs.filter(state=state.READY, expires__lte=over).update(state=state.EXPIRED)
    arriving = blobs.filter(state=state.RECEIVING, progressed__lte=stalled)
    swept.broken = arriving.update(state=state.BROKEN)
    finished = blobs.filter(state__in=FINISHED).exclude(name="").only("pk", "name")
    for blob in finished.iterator(_BATCH):
        remove_file(blob)


def _sweep_copies(alias: str, stalled: datetime) -> int:
    """Remove copies whose entity was never saved."""
    attachments = BlobAttachment.objects.using(alias)
    attachments.filter(state=BlobAttachment.State.INTENT, progressed__lte=stalled).update(
        state=BlobAttachment.State.ABANDONED
    )
    count = 0
    for intent in attachments.filter(state=BlobAttachment.State.ABANDONED).iterator(_BATCH):
        try:
            if intent.name:
                field: Any = apps.get_model(intent.model)._meta.get_field(intent.field)
                field.storage.delete(intent.name)
        except Exception:
            logger.warning("The copy %s cannot be deleted", intent.name, exc_info=True)
            continue
        intent.delete()
        count += 1
    return count


def _sweep_stamps(alias: str, settings: Settings, now: datetime) -> int:
    """Remove the stamps of entities that were deleted long ago."""
    over = now - timedelta(seconds=settings.STAMP_RETENTION)
    return EntityStamp.objects.using(alias).filter(deleted__lte=over).delete()[0]
