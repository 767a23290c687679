"""A request body as the file that a storage is given."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from django.core.files.base import File

# Larger reads are no faster: servers join them from smaller ones.
CHUNK_SIZE = 128 * 2**10
PROGRESS_EVERY = 256 * 2**10
HEAD_SIZE = 64


class Body(Protocol):
    """What carries an upload: exact reads, and the announced number of bytes, if there is one."""

    expected: int | None

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end; all for None or a negative size."""


class UploadFile(File):  # type: ignore[type-arg]
    """The file given to ``save()`` of a storage: reads ``reader`` once, in order, and hashes it.

    ``read(n)`` is as exact as ``reader.read(n)`` and raises what that raises; the error is kept in
    ``error``, because storage clients wrap or swallow it. ``seek(0)`` does nothing before the first
    byte and ``close()`` nothing at all, since some storages call them. ``size`` is there only if
    given. ``progress`` is called with the count each time ``every`` more bytes have passed.
    ``head`` holds the first bytes, which tell what kind of file it is.
    """

    DEFAULT_CHUNK_SIZE = CHUNK_SIZE

    def __init__(
        self,
        reader: Any,
        name: str,
        *,
        size: int | None = None,
        progress: Callable[[int], None] | None = None,
        every: int = PROGRESS_EVERY,
    ) -> None:
        super().__init__(reader, name)
        self.count = 0
        self.head = b""
        self.error: Exception | None = None
        self._reader = reader
        self._size = size
        self._hash = hashlib.sha256()
        self._progress = progress
        self._every = every
        self._next = every

    @property
    def sha256(self) -> str:
        """The digest of the bytes read so far, in hex."""
        return self._hash.hexdigest()

    @property
    def size(self) -> int:
        """Bytes, if announced. Raises ``AttributeError`` otherwise."""
        if self._size is None:
            raise AttributeError("The size of this upload was not announced.")
        return self._size

    @property
    def closed(self) -> bool:
        """Never: the body is not this file's to close."""
        return False

    def read(self, size: int | None = -1) -> bytes:
        """As ``reader.read``, counted and hashed."""
        try:
            data: bytes = self._reader.read(size)
        except Exception as error:
            self.error = error
            raise
        self._hash.update(data)
        if len(self.head) < HEAD_SIZE:
            self.head += data[: HEAD_SIZE - len(self.head)]
        self.count += len(data)
        if self._progress is not None and self.count >= self._next:
            self._next = self.count + self._every
            self._progress(self.count)
        return data

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The rest in pieces of ``chunk_size`` bytes, by default 128 KiB."""
        return iter(lambda: self.read(chunk_size or self.DEFAULT_CHUNK_SIZE), b"")

    def multiple_chunks(self, chunk_size: int | None = None) -> bool:
        """Always: the size may be unknown."""
        return True

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Never."""
        return False

    def tell(self) -> int:
        """Bytes read so far."""
        return self.count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To the start, before the first byte is read. Raises ``UnsupportedOperation`` for all else."""
        if self.count or offset or whence != io.SEEK_SET:
            raise io.UnsupportedOperation("An upload can be read only once.")
        return 0

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> UploadFile:
        """Itself, before the first byte is read."""
        self.seek(0)
        return self

    def close(self) -> None:
        """Do nothing: the body belongs to the server, and boto3 closes what it is given."""
