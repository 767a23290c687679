"""The intents of one attachment: names of files written for an entity that is not saved yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.core.files.base import File
from django.utils import timezone

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import FileAttribute
from fourd_rest.models import BlobAttachment, UploadedBlob

_PROGRESS_INTERVAL = 15  # seconds between two notes of progress


class Intents:
    """Commits a row for every file before it is written, and renews it while the file is written.

    After a crash the sweep finds the file by its row.
    """

    def __init__(
        self, blob: UploadedBlob, dataclass: DataClass, attribute: FileAttribute, alias: str
    ) -> None:
        self.noted: list[BlobAttachment] = []
        self._blob = blob
        self._model = dataclass.model._meta.label_lower
        self._field = attribute.source
        self._alias = alias
        self._beaten = time.monotonic()

    def note(self, name: str) -> BlobAttachment:
        """Commit an intent for the file ``name``, before that is written."""
        intent = BlobAttachment(blob_id=self._blob.pk, model=self._model, field=self._field, name=name)
        intent.save(using=self._alias)
        self.noted.append(intent)
        return intent

    def of(self, name: str) -> BlobAttachment:
        """The intent of ``name``, made now if there is none."""
        return next((intent for intent in self.noted if intent.name == name), None) or self.note(name)

    def rename(self, intent: BlobAttachment, name: str) -> None:
        """Note that the storage has chosen another name."""
        if name != intent.name:
            intent.name = name
            intent.save(update_fields=["name"])

    def beat(self) -> None:
        """Note, every 15 s at most, that the files are still being written: no sweep takes them then."""
        if time.monotonic() - self._beaten < _PROGRESS_INTERVAL:
            return
        self._beaten = time.monotonic()
        for intent in self.noted:
            intent.progressed = timezone.now()
            intent.save(update_fields=["progressed"])


class BeatingFile(File):  # type: ignore[type-arg]
    """A file that calls ``beat`` whenever it is read, and keeps the error if that fails."""

    def __init__(self, file: Any, name: str, beat: Callable[[], None]) -> None:
        super().__init__(file, name=name)
        self.source = file
        self.error: Exception | None = None
        self._beat = beat

    def read(self, size: int = -1) -> bytes:
        """As the file reads. What it raises is kept in ``error``."""
        self._beat()
        try:
            return bytes(self.source.read(size))
        except Exception as error:
            self.error = error
            raise

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The pieces of the file, in bytes."""
        for chunk in super().chunks(chunk_size):
            self._beat()
            yield chunk
