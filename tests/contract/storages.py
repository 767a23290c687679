"""Storages that fail, each in one way, as those of other vendors do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files import File
from django.core.files.storage import FileSystemStorage

SECRET = "a word of the storage that is nobody's business"


class VendorError(Exception):
    """Errors of object stores are no ``OSError``."""


class Folder(FileSystemStorage):
    """A storage of another kind than Django's: files go through it byte by byte."""

    @contextmanager
    def _new_file(self, name: str) -> Iterator[BinaryIO]:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file


class SaveFails(Folder):
    """Breaks off when it has stored one byte."""

    def _save(self, name: str, content: Any) -> str:
        with self._new_file(name) as file:
            file.write(content.read(1))
        raise VendorError(SECRET)


class SaveAndDeleteFail(SaveFails):
    def delete(self, name: str) -> None:
        raise VendorError(SECRET)


class KeepsAByteLess(Folder):
    """Says nothing about what it did not keep."""

    def _save(self, name: str, content: Any) -> str:
        with self._new_file(name) as file:
            file.write(content.read()[:-1])
        return name


class SwallowsErrors(Folder):
    """Takes an error of what it reads for the end."""

    def _save(self, name: str, content: Any) -> str:
        with self._new_file(name) as file:
            try:
                for chunk in content.chunks(16):
                    file.write(chunk)
            except Exception:
                return name
        return name


class WrapsErrors(Folder):
    """Tells in words of its own what went wrong."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return str(super()._save(name, content))
        except Exception as error:
            raise VendorError(SECRET) from error


class StopsEarly(Folder):
    """Does not read to the end."""

    def _save(self, name: str, content: Any) -> str:
        with self._new_file(name) as file:
            file.write(content.read(16))
        return name


class SizeFails(Folder):
    def size(self, name: str) -> int:
        raise VendorError(SECRET)


class DeleteFails(Folder):
    def delete(self, name: str) -> None:
        raise VendorError(SECRET)


class OpenFails(Folder):
    def open(self, name: str, mode: str = "rb") -> Any:
        raise VendorError(SECRET)


class _ReadOnce(io.BytesIO):
    is_read = False

    def read(self, size: int | None = -1) -> bytes:
        if self.is_read:
            raise VendorError(SECRET)
        self.is_read = True
        return super().read(size)


class BreaksOff(Folder):
    """Reads no further than the first bytes."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        return File(_ReadOnce(Path(self.path(name)).read_bytes()), name=name)


class Renames(Folder):
    """Stores under a name of its own choice."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return super().get_available_name(f"{name}.renamed", max_length)
