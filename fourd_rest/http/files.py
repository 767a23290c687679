"""A file as an HTTP answer: conditions, ranges, and headers so that no browser runs it (D-29).

The caller has checked the rights. No storage, model or setting is looked at here.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable
from typing import BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags

from fourd_rest.errors import STORAGE_FAILED, RestError

PIECE_SIZE = 256 * 2**10

# Types that no browser runs code from. SVG, HTML and PDF are left out on purpose.
INLINE_TYPES = frozenset(
    {
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
    }
)

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


def file_answer(
    request: HttpRequest,
    *,
    open_file: Callable[[], BinaryIO],
    size: int,
    etag: str,
    content_type: str,
    filename: str,
    inline: bool,
) -> HttpResponseBase:
    """The answer to a GET or HEAD for a file of ``size`` bytes.

    ``open_file`` is called only if bytes are needed, and before the answer is made, so that what it
    raises can still become a status. ``etag`` stands for the exact bytes; it is quoted here.
    ``inline`` is honoured for raster pictures alone. A file shorter than ``size`` raises
    ``STORAGE_FAILED``, at the latest while it is being sent.
    """
    if (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    tag = _tag(etag)
    headers = _headers(etag)
    start, stop, status = 0, size, 200
    wanted = _range(request, tag, size)
    if wanted is not None:
        start, stop = wanted
        if start >= stop:
            return _empty(416, headers | {"Content-Range": f"bytes */{size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers |= {
        "Content-Type": content_type,
        "Content-Length": str(stop - start),
        "Content-Disposition": _disposition(content_type, filename, inline=inline),
    }
    if request.method == "HEAD" or start == stop:
        return HttpResponse(status=status, headers=headers)
    file = open_file()
    try:
        response = _with_bytes(request, file, start, stop - start, whole=status == 200)
    except BaseException:
        file.close()
        raise
    response.status_code = status
    for name, value in headers.items():
        response.headers[name] = value
    return response


def not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    """The answer to a client that has these bytes already: weak comparison (RFC 9110 13.1.2)."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if known == ["*"] or _tag(etag) in (other.removeprefix("W/") for other in known):
        return _empty(304, _headers(etag))
    return None


def _tag(etag: str) -> str:
    return f'"{etag}"'


def _headers(etag: str) -> dict[str, str]:
    """What all answers for a file have."""
    return {
        "ETag": _tag(etag),
        "Accept-Ranges": "bytes",
        # Only the browser keeps it, and asks each time whether it may: rights may change.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _empty(status: int, headers: dict[str, str]) -> HttpResponse:
    response = HttpResponse(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def _range(request: HttpRequest, tag: str, size: int) -> tuple[int, int] | None:
    """The half-open range asked for, empty if there are no such bytes; None for the whole file.

    "A server MAY ignore the Range header field" (RFC 9110 14.2): it is ignored for more than one range
    and if it cannot be read, and, as it must be, for methods other than GET.
    """
    if request.method != "GET" or request.headers.get("If-Range", tag).strip() != tag:
        return None
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None:
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    if first:
        return int(first), min(int(last) + 1, size) if last else size
    if last:
        return max(size - int(last), 0), size
    return None


def _disposition(content_type: str, filename: str, *, inline: bool) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    attachment = not (inline and kind in INLINE_TYPES)
    # A name with half a surrogate pair in it cannot be encoded.
    name = filename.encode("utf-8", "replace").decode()
    return content_disposition_header(attachment, name) or "inline"


def _with_bytes(
    request: HttpRequest, file: BinaryIO, start: int, length: int, *, whole: bool
) -> HttpResponseBase:
    """An answer with ``length`` bytes of ``file``, which it closes."""
    asgi = not hasattr(request, "environ")
    if length > PIECE_SIZE and whole and not asgi and _on_disk(file):
        # The server may hand the file to the kernel (sendfile).
        response = FileResponse(file)
        response.block_size = PIECE_SIZE
        return response
    prepare = getattr(file, "prepare", None)
    if prepare is not None:
        # A file that is fetched in ranges: if that fails, it must fail before the status is sent.
        prepare(start, length)
    elif start:
        file.seek(start)
    if length <= PIECE_SIZE:
        pieces = _Pieces(file, length)
        content = b"".join(iter(pieces.read, b""))
        pieces.close()
        return HttpResponse(content)
    # Given the other kind of iterator, Django would collect all pieces in memory.
    return StreamingHttpResponse((_AsyncPieces if asgi else _SyncPieces)(file, length))


def _on_disk(file: BinaryIO) -> bool:
    try:
        return file.fileno() >= 0 and isinstance(getattr(file, "file", file), io.BufferedReader)
    except (AttributeError, OSError):
        return False


class _Pieces:
    """The next ``length`` bytes of ``file``. Django calls ``close`` however the answer ends."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self) -> bytes:
        """Some bytes, none at the end. Raises ``RestError`` 9015 for a file that ends too early."""
        if self._left == 0:
            return b""
        piece = self._file.read(min(self._left, PIECE_SIZE))
        if not piece:
            raise RestError(STORAGE_FAILED())
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


class _SyncPieces(_Pieces):
    def __iter__(self) -> _SyncPieces:
        return self

    def __next__(self) -> bytes:
        if piece := self.read():
            return piece
        raise StopIteration


class _AsyncPieces(_Pieces):
    def __aiter__(self) -> _AsyncPieces:
        return self

    async def __anext__(self) -> bytes:
        if piece := await asyncio.to_thread(self.read):
            return piece
        raise StopAsyncIteration
