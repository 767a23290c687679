"""Pictures in other formats and sizes, made once and kept (``requests.md`` 6.2).

A row claims its slot, a unique column, before the picture is made: of several workers that are asked
for the same picture one makes it. The file has a name that no other file ever had, and is served only
after a compare-and-swap of the row to ``ready``, so that no half-written file is. After a crash the
sweep finds the file by its row. A row that ends gives up its slot at once; its file is removed a while
later, so that answers that have begun can end.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, BinaryIO

from django.core.files.base import File
from django.db import IntegrityError, router, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from fourd_rest.conf import current
from fourd_rest.errors import STORAGE_FAILED, RestError, logger
from fourd_rest.models import ConvertedPicture
from fourd_rest.storage import upload_storage

from . import recoder, verification
from .decoder_gate import busy, gate

State = ConvertedPicture.State

_WAIT = 5.0  # seconds that a request waits for its turn, or for another that makes the same
_PAUSE = 0.02
_SPOOL = 2**20  # bytes of a picture that are kept in memory until it is stored
# Seconds after which a use is noted again, and a picture that could not be made is tried again.
_INTERVAL = 3_600
# Seconds that a file outlives its row's end: an answer that has begun must be able to end.
_GRACE = 60
_BATCH = 500
_FEW = 20  # files that a request removes to make room


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a picture is made of: where it is, and its ``version`` there."""

    model: str
    field: str
    name: str
    version: str
    download: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made: a format of ``recoder.TARGETS``, and a box it must fit, if any."""

    format: str
    box: tuple[int, int] | None

    @property
    def box_text(self) -> str:
        """``WxH`` in pixels, empty for the size of the source."""
        return "" if self.box is None else "{}x{}".format(*self.box)


def source_hash(model: str, field: str, name: str) -> str:
    """A hash that all pictures made of one file share; ``model`` is a label in lower case."""
    return _hash(model, field, name)


def slot_of(source: Source, wanted: Wanted) -> str:
    """A hash of all that decides which bytes are made of ``source``. Looks nothing up."""
    where = source_hash(source.model, source.field, source.name)
    return _hash(where, source.version, wanted.format, wanted.box_text, recoder.RECIPE)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "replace")).hexdigest()


def obtain(source: Source, wanted: Wanted, before_making: Callable[[], None]) -> ConvertedPicture | None:
    """The ready row of the picture; None if it cannot be made of this source.

    ``before_making`` is called once, if it is not there yet, and may raise. Raises ``RestError`` 9021
    (503) if there is no turn in time, 9015 if the storage fails, and what ``source.download`` raises.
    """
    slot = slot_of(source, wanted)
    deadline, pause = time.monotonic() + _WAIT, _PAUSE
    asked = False
    while True:
        found = _find(slot)
        if found is None or found.state == State.MAKING:
            if not asked:
                before_making()
                asked = True
        else:
            return _used(found) if found.state == State.READY else None
        if found is None and gate.enter():
            try:
                _make(slot, source, wanted)
            finally:
                gate.leave()
        elif time.monotonic() >= deadline:
            raise busy()
        else:
            time.sleep(pause)
            pause = min(2 * pause, 0.25)


def forget(row: ConvertedPicture) -> None:
    """Give up a ready row whose file is gone."""
    _end(Q(pk=row.pk, state=State.READY))


def ready_pictures(sources: Collection[str] | None = None) -> QuerySet[ConvertedPicture]:
    """The pictures that are there: all, or those made of files with one of these ``source_hash``."""
    rows = _rows().filter(state=State.READY)
    return rows if sources is None else rows.filter(source__in=sources).order_by("format", "box", "pk")


def _rows() -> QuerySet[ConvertedPicture]:
    return ConvertedPicture.objects.all()


def _find(slot: str) -> ConvertedPicture | None:
    """The row that has the slot, unless its time is over."""
    row = _rows().filter(slot=slot).first()
    if row is None or row.state == State.READY:
        return row
    since = _over(timezone.now())[row.state]
    if row.touched <= since and _end(Q(pk=row.pk, state=row.state, touched__lte=since)):
        return None
    return row


def _over(now: datetime) -> dict[str, datetime]:
    """For each state the time before which its last change is too long ago: the row ends then."""
    settings = current()
    lifetimes = {
        State.MAKING: settings.UPLOAD_STALL_TIMEOUT,
        State.FAILED: _INTERVAL,
        State.READY: settings.CONVERTED_RETENTION,
    }
    return {state: now - timedelta(seconds=lifetime) for state, lifetime in lifetimes.items()}


def _end(rows: Q) -> int:
    return _rows().filter(rows).update(state=State.ENDED, slot=None, touched=timezone.now())


def _used(row: ConvertedPicture) -> ConvertedPicture:
    now = timezone.now()
    if row.touched <= now - timedelta(seconds=_INTERVAL):
        _rows().filter(pk=row.pk, state=State.READY).update(touched=now)
    return row


# Making.


def _make(slot: str, source: Source, wanted: Wanted) -> None:
    """Make the picture, unless another has claimed the slot meanwhile."""
    _make_room(limit=_FEW)
    where = source_hash(source.model, source.field, source.name)
    row = ConvertedPicture(
        slot=slot,
        source=where,
        model=source.model,
        field=source.field,
        source_name=source.name,
        format=wanted.format,
        box=wanted.box_text,
        name=f"converted/{where[:2]}/{where}-{uuid.uuid4().hex}",
    )
    alias = router.db_for_write(ConvertedPicture)
    try:
        with transaction.atomic(using=alias):
            row.save(using=alias, force_insert=True)
    except IntegrityError:
        return
    done = False
    try:
        with _made(row, source, wanted) as file:
            done = _settle(row) if file is None else _keep(row, file)
    finally:
        if not done:
            _drop(row)


@contextmanager
def _made(row: ConvertedPicture, source: Source, wanted: Wanted) -> Iterator[IO[bytes] | None]:
    """The picture, None if it cannot be made."""
    settings = current()
    with source.download() as file, tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
        # Storages fetch a file when its first byte is read. After that only the picture can be at fault.
        file.read(1)
        try:
            recoder.recode(
                file,
                spool,
                target=wanted.format,
                box=wanted.box,
                formats=settings.PICTURE_FORMATS,
                max_pixels=settings.MAX_PICTURE_PIXELS,
                max_memory=settings.MAX_PICTURE_MEMORY,
            )
        except RestError as error:
            if not verification.is_refusal(error):
                raise
            logger.info("%s cannot be made: %s", row, repr(error.__cause__))
            made = None
        else:
            made = spool
        yield made


def _keep(row: ConvertedPicture, file: IO[bytes]) -> bool:
    # libtiff writes by the file descriptor; the position of the file object is wrong then.
    file.seek(0, os.SEEK_END)
    row.size = file.tell()
    file.seek(0)
    storage = upload_storage()
    try:
        row.name = storage.save(row.name, File(file, name=row.name))
        stored = storage.size(row.name)
    except Exception as error:
        logger.exception("The storage failed to keep %s", row)
        raise RestError(STORAGE_FAILED()) from error
    if stored != row.size:
        logger.error("%s was stored with another size than made", row)
        raise RestError(STORAGE_FAILED())
    return _settle(row, state=State.READY, name=row.name, size=row.size)


def _settle(row: ConvertedPicture, **changes: object) -> bool:
    """Compare-and-swap the row to ``changes``, by default to ``FAILED``. False if a sweep ended it."""
    changes = changes or {"state": State.FAILED, "name": ""}
    waiting = _rows().filter(pk=row.pk, state=State.MAKING)
    return bool(waiting.update(touched=timezone.now(), **changes))


def _drop(row: ConvertedPicture) -> None:
    """Remove the file and row of a picture that is not kept; if that fails, the sweep will."""
    try:
        upload_storage().delete(row.name)
        _rows().filter(pk=row.pk).delete()
    except Exception:
        logger.warning("%s is left to the sweep", row, exc_info=True)


# Removing.


def sweep(now: datetime) -> int:
    """End the rows that crashed, failed long ago, were not used for long or exceed the limit.

    Removes the files and rows that ended; returns their number.
    """
    for state, since in _over(now).items():
        _end(Q(state=state, touched__lte=since))
    return _make_room()


def _make_room(limit: int | None = None) -> int:
    """Keep within ``MAX_CONVERTED_BYTES``; remove at most ``limit`` files of rows that ended."""
    ready = _rows().filter(state=State.READY)
    excess = ready.aggregate(size=Sum("size", default=0))["size"] - current().MAX_CONVERTED_BYTES
    least_used: list[int] = []
    if excess > 0:
        rows = ready.order_by("touched").values_list("pk", "size")
        for pk, size in rows.iterator(_BATCH):  # pragma: no branch  (there are more bytes than excess)
            least_used.append(pk)
            excess -= size
            if excess <= 0:
                break
    for start in range(0, len(least_used), _BATCH):
        _end(Q(pk__in=least_used[start : start + _BATCH], state=State.READY))
    count = 0
    over = timezone.now() - timedelta(seconds=_GRACE)
    for row in _rows().filter(state=State.ENDED, touched__lte=over)[:limit]:
        count += _remove(row)
    return count


def _remove(row: ConvertedPicture) -> bool:
    try:
        if row.name:
            upload_storage().delete(row.name)
    except Exception:
        logger.warning("The file of %s cannot be deleted", row, exc_info=True)
        return False
    row.delete()
    return True
