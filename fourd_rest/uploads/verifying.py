"""Whether an upload is a picture: asked once, whatever the answer is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from fourd_rest.conf import current
from fourd_rest.errors import NOT_A_PICTURE, STORAGE_FAILED, ErrorItem, RestError, logger
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import verification
from fourd_rest.pictures.gate import gate

# Seconds that an upload, which has arrived already, waits for its turn.
_WAIT = 15.0


def verify(blob: UploadedBlob, file: Any) -> None:
    """Fill in what the picture in ``file`` is. Saves nothing.

    Raises ``RestError`` 1824 if it is none that is accepted, which ``blob.refusal`` remembers; 9021
    (503) if there is no turn in time; 9015 if the storage fails to hand the file over.
    """
    settings = current()
    watched = _Watched(file)
    try:
        with gate.turn(_WAIT):
            picture = verification.verify(
                cast("BinaryIO", watched),
                formats=settings.PICTURE_FORMATS,
                max_pixels=settings.MAX_PICTURE_PIXELS,
                max_memory=settings.MAX_PICTURE_MEMORY,
            )
    except RestError as error:
        if not verification.is_refusal(error):
            raise
        if watched.error is not None:
            logger.exception(
                "The file of upload %s cannot be read", blob.wire_id, exc_info=watched.error
            )
            raise RestError(STORAGE_FAILED()) from watched.error
        blob.refusal = error.items[-1].message[:255]
        raise
    blob.kind = UploadedBlob.Kind.PICTURE
    blob.detected_type = picture.mime
    blob.width, blob.height = picture.width, picture.height
    blob.thumbnail = picture.thumbnail or None


def refusal(blob: UploadedBlob) -> RestError:
    """What ``verify`` raised for ``blob`` when it was asked."""
    return RestError(ErrorItem(NOT_A_PICTURE, blob.refusal))


class _Watched:
    """A file that keeps the error of its storage: decoders take one for the end of the picture."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        return cast("bytes", self._watch(self._file.read, size))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._watch(self._file.seek, offset, whence)
        return self.tell()

    def tell(self) -> int:
        return cast("int", self._watch(self._file.tell))

    def fileno(self) -> int:
        # Not watched: a file in memory has none.
        return cast("int", self._file.fileno())

    def _watch(self, method: Callable[..., Any], *args: int) -> Any:
        try:
            return method(*args)
        except ValueError:
            raise  # what was asked for is at fault
        except Exception as error:
            self.error = error
            raise
