"""Intents of one attachment: the names of files that are being written for an entity not yet saved."""

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
    """Notes every name before it is written, and now and then that it still is.

    Whatever crashes, a note leads the sweep to the file.
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
        intent = BlobAttachment(blob_id=self._blob.pk, model=self._model, field=self._field, name=name)
        intent.save(using=self._alias)
        self.noted.append(intent)
        return intent

    def of(self, name: str) -> BlobAttachment:
        """The note of ``name``, made now if there is none."""
        return next((intent for intent in self.noted if intent.name == name), None) or self.note(name)

    def rename(self, intent: BlobAttachment, name: str) -> None:
        if name != intent.name:
            intent.name = name
            intent.save(update_fields=["name"])

    def beat(self) -> None:
        """Note that the files are still being written, so that no sweep takes them."""
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
        self._beat()
        try:
            return bytes(self.source.read(size))
        except Exception as error:
            self.error = error
            raise

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in super().chunks(chunk_size):
            self._beat()
            yield chunk
