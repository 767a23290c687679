"""Whether an upload is a picture: checked once, and the answer is kept either way."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from fourd_rest.conf import current
from fourd_rest.errors import NOT_A_PICTURE, STORAGE_FAILED, ErrorItem, RestError, logger
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import verification
from fourd_rest.pictures.decoder_gate import gate

# Seconds to wait for the decoder gate: the upload has arrived and would be lost.
_WAIT = 15.0


def check_picture(blob: UploadedBlob, file: Any) -> None:
    """Fill in type, size and thumbnail of the picture in ``file``. Does not save ``blob``.

    Raises ``RestError`` 1824 if it is no accepted picture, and keeps the reason in ``blob.refusal``;
    9021 (503) if the gate is not free within 15 s; 9015 if the storage fails to read the file.
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


def remembered_refusal(blob: UploadedBlob) -> RestError:
    """The error that ``check_picture`` raised for ``blob`` before."""
    return RestError(ErrorItem(NOT_A_PICTURE, blob.refusal))


class _Watched:
    """A file that keeps the error of its storage: decoders take an error for a broken picture."""

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
            raise  # the arguments are wrong, not the storage
        except Exception as error:
            self.error = error
            raise
