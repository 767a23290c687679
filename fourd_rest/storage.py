"""The storage of uploads, and the size, version and bytes of a stored file.

Written against Django's ``Storage``, with one exception: storages over boto3 (S3) fetch a whole file
when its first byte is read. They are known by their ``bucket``, and their objects are read in ranges.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.core.files.storage import Storage, default_storage, storages

from .errors import STORAGE_FAILED, RestError

UPLOADS_ALIAS = "fourd_uploads"


def upload_storage() -> Storage:
    """``STORAGES["fourd_uploads"]``, else the default storage."""
    if UPLOADS_ALIAS in storages.backends:
        return storages[UPLOADS_ALIAS]
    return default_storage


@dataclass(frozen=True, slots=True)
class Content:
    """A file that is there.

    ``version()`` changes when the bytes do; empty if the storage cannot tell. ``open()`` is for
    reading forward from any offset; if the file has a ``prepare(start, length)``, that is called first
    with the range to be read. ``download()`` is for reading back and forth.
    """

    size: int
    version: Callable[[], str]
    open: Callable[[], BinaryIO]
    download: Callable[[], BinaryIO]


def look_up(storage: Any, name: str) -> Content:
    """The file ``name``. Raises ``FileNotFoundError`` if it is gone, else what the storage raises."""
    try:
        return _look_up(storage, name)
    except Exception as error:
        # Azure's storage has its own exception.
        if type(error).__name__ == "ResourceNotFoundError":
            raise FileNotFoundError(name) from error
        raise


def _look_up(storage: Any, name: str) -> Content:
    def download() -> BinaryIO:
        return cast("BinaryIO", storage.open(name, "rb"))

    def version() -> str:
        try:
            return str(storage.get_modified_time(name).timestamp())
        except NotImplementedError:
            return ""

    if not callable(getattr(getattr(storage, "bucket", None), "Object", None)):
        return Content(storage.size(name), version, download, download)
    # Asks for the object's head, and for no byte until the first is read.
    remote: Any = storage.open(name, "rb")
    size, etag = remote.obj.content_length, remote.obj.e_tag
    if storage.gzip and remote.obj.content_encoding == "gzip":
        # The storage unpacks it while reading; the size is known only then.
        with download() as file:
            file.seek(0, os.SEEK_END)
            size = file.tell()
        return Content(size, lambda: str(etag), download, download)
    given = storage.get_object_parameters(name)
    parameters = {key: value for key, value in given.items() if key in _READING}

    def fetch(start: int, stop: int) -> Any:
        wanted = f"bytes={start}-{stop - 1}"
        # Fails if another file has this name by now.
        return remote.obj.get(Range=wanted, IfMatch=etag, **parameters)["Body"]

    return Content(size, lambda: str(etag), lambda: cast("BinaryIO", _Ranged(fetch, size)), download)


# The parameters of an object that S3 asks for at every read.
_READING = frozenset(
    {
        "ExpectedBucketOwner",
        "RequestPayer",
        "SSECustomerAlgorithm",
        "SSECustomerKey",
        "SSECustomerKeyMD5",
    }
)


class _Ranged:
    """A file of S3 of which only what is read is fetched, by one request per range."""

    def __init__(self, fetch: Callable[[int, int], Any], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._at = 0
        self._body: Any = None

    def prepare(self, start: int, length: int) -> None:
        """Ask for a range that is not empty and will be read in order.

        Raises ``STORAGE_FAILED``, also if the file is another one by now.
        """
        self.close()
        try:
            self._body = self._fetch(start, start + length)
        except Exception as error:
            raise RestError(STORAGE_FAILED()) from error
        self._at = start

    def read(self, size: int) -> bytes:
        length = min(size, self._size - self._at)
        if length <= 0:
            return b""
        if self._body is None:
            self.prepare(self._at, length)
        data: bytes = self._body.read(length)
        self._at += len(data)
        return data

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def __enter__(self) -> _Ranged:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
