"""Bytes out: conditions, ranges, headers, closed files."""

from __future__ import annotations

import asyncio
import hashlib
import io
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from fourd_rest.errors import STORAGE_FAILED, RestError
from fourd_rest.http.files import INLINE_TYPES, PIECE_SIZE, file_answer

# Closing a response ends a request, and that looks at the database connections.
pytestmark = pytest.mark.django_db

SMALL = bytes(range(256)) * 4
LARGE = hashlib.sha256(b"x").digest() * 40_000  # 1.28 MB, more than four pieces

ALWAYS = {
    "ETag": '"tag"',
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


class Stored(io.BytesIO):
    """A file of a storage that keeps nothing on the disk, and counts what is read."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


class Case:
    """One answer for ``data``; ``opened`` is the list of files opened for it."""

    def __init__(self, data: bytes, method: str = "GET", *, asgi: bool = False, **kwargs: Any):
        self.opened: list[Any] = []
        self.data = data
        headers = kwargs.pop("headers", {})
        options: dict[str, Any] = {
            "open_file": self.open,
            "size": len(data),
            "etag": "tag",
            "content_type": "image/png",
            "filename": "a.png",
            "inline": True,
        }
        if asgi:
            encoded = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
            scope = {"type": "http", "method": method, "path": "/", "headers": encoded}
            request: Any = ASGIRequest(scope, io.BytesIO())
        else:
            request = RequestFactory().generic(method, "/", headers=headers)
        self.response: Any = file_answer(request, **(options | kwargs))
        self.status = self.response.status_code
        self.headers = dict(self.response.headers)

    def open(self) -> Any:
        self.opened.append(Stored(self.data))
        return self.opened[-1]

    def content(self) -> bytes:
        if not self.response.streaming:
            return bytes(self.response.content)
        if not self.response.is_async:
            return b"".join(self.response)

        async def collect() -> bytes:
            return b"".join([part async for part in self.response])

        return asyncio.run(collect())


def get(data: bytes = SMALL, **kwargs: Any) -> Case:
    return Case(data, **kwargs)


def whole(data: bytes) -> dict[str, str]:
    return ALWAYS | {
        "Content-Type": "image/png",
        "Content-Length": str(len(data)),
        "Content-Disposition": 'inline; filename="a.png"',
    }


class Remote(Stored):
    """A file that is fetched in ranges."""

    def prepare(self, start: int, length: int) -> None:
        self.prepared = (start, length)
        self.seek(start)


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_a_remote_file_is_told_what_will_be_read(data: bytes) -> None:
    file = Remote(data)
    case = get(data, open_file=lambda: file, headers={"Range": "bytes=100-"})
    assert (case.status, case.content()) == (206, data[100:])
    assert file.prepared == (100, len(data) - 100)
    case.response.close()


@pytest.mark.parametrize("asgi", [False, True])
@pytest.mark.parametrize("data", [b"", b"x", SMALL, LARGE[:PIECE_SIZE], LARGE[: PIECE_SIZE + 1], LARGE])
def test_whole_file(data: bytes, asgi: bool) -> None:
    case = get(data, asgi=asgi)
    assert (case.status, case.headers) == (200, whole(data))
    assert case.response.streaming == (len(data) > PIECE_SIZE)
    assert case.content() == data
    case.response.close()
    assert [file.closed for file in case.opened] == [True] * bool(data)


@pytest.mark.parametrize("data", [b"", SMALL, LARGE])
def test_head_opens_nothing(data: bytes) -> None:
    case = get(data, method="HEAD", headers={"Range": "bytes=0-1"})
    assert (case.status, case.headers, case.content()) == (200, whole(data), b"")
    assert case.opened == []


# Conditions.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", ['"tag"', 'W/"tag"', '"other", "tag"', "*", ' W/"a" ,W/"tag" '])
def test_not_modified(known: str, method: str) -> None:
    case = get(method=method, headers={"If-None-Match": known, "Range": "bytes=0-1"})
    assert (case.status, case.headers, case.content()) == (304, ALWAYS, b"")
    assert case.opened == []


@pytest.mark.parametrize("known", ["", '"other"', "tag", '"ta', '"TAG"', '"tag2"'])
def test_modified(known: str) -> None:
    case = get(headers={"If-None-Match": known})
    assert (case.status, case.headers, case.content()) == (200, whole(SMALL), SMALL)


# Ranges.

RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=0-1023", 0, 1024),
    ("bytes=0-99999", 0, 1024),
    ("bytes=10-19", 10, 20),
    ("bytes=1023-1023", 1023, 1024),
    ("bytes=10-", 10, 1024),
    ("bytes=0-", 0, 1024),
    ("bytes=-1", 1023, 1024),
    ("bytes=-1024", 0, 1024),
    ("bytes=-9999", 0, 1024),
    ("BYTES = 10 - 19", 10, 20),
]


@pytest.mark.parametrize("asgi", [False, True])
@pytest.mark.parametrize(("wanted", "start", "stop"), RANGES)
def test_range(wanted: str, start: int, stop: int, asgi: bool) -> None:
    case = get(headers={"Range": wanted}, asgi=asgi)
    assert case.status == 206
    assert case.headers == whole(SMALL[start:stop]) | {"Content-Range": f"bytes {start}-{stop - 1}/1024"}
    assert case.content() == SMALL[start:stop]
    assert case.opened[0].closed
    assert case.opened[0].read_bytes == stop - start


@pytest.mark.parametrize("asgi", [False, True])
@pytest.mark.parametrize(("start", "stop"), [(0, 300_000), (7, 900_007), (1, len(LARGE))])
def test_large_range(start: int, stop: int, asgi: bool) -> None:
    case = get(LARGE, headers={"Range": f"bytes={start}-{stop - 1}"}, asgi=asgi)
    assert case.status == 206
    assert case.headers["Content-Length"] == str(stop - start)
    assert case.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(LARGE)}"
    assert case.content() == LARGE[start:stop]
    assert case.opened[0].read_bytes == stop - start
    case.response.close()
    assert case.opened[0].closed


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=1024-1030", "bytes=-0", "bytes=99999-"])
def test_range_outside(wanted: str) -> None:
    case = get(headers={"Range": wanted})
    assert (case.status, case.content()) == (416, b"")
    assert case.headers == ALWAYS | {"Content-Range": "bytes */1024"}
    assert case.opened == []


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_range_of_an_empty_file(wanted: str) -> None:
    case = get(b"", headers={"Range": wanted})
    assert (case.status, case.headers["Content-Range"]) == (416, "bytes */0")


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=0-1,3-4",
        "bytes=0-1, 3-4",
        "bytes=a-b",
        "bytes=0x1-2",
        "bytes=1--2",
        "bytes=٣-٤",
        "bytes=" + "9" * 5000 + "-",
        "items=0-1",
        "0-1",
    ],
)
def test_range_ignored(wanted: str) -> None:
    case = get(headers={"Range": wanted})
    assert (case.status, case.headers, case.content()) == (200, whole(SMALL), SMALL)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"tag"', 206),
        (' "tag" ', 206),
        ('W/"tag"', 200),
        ('"other"', 200),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 200),
        ("", 200),
    ],
)
def test_if_range(condition: str, status: int) -> None:
    assert get(headers={"Range": "bytes=0-1", "If-Range": condition}).status == status


# What a browser may show.


@pytest.mark.parametrize("content_type", sorted(INLINE_TYPES))
def test_raster_pictures_may_be_shown(content_type: str) -> None:
    for given in (content_type, content_type.upper() + "; x=y"):
        case = get(content_type=given)
        assert case.headers["Content-Disposition"] == 'inline; filename="a.png"'
        assert case.headers["Content-Type"] == given
        case = get(content_type=given, inline=False)
        assert case.headers["Content-Disposition"] == 'attachment; filename="a.png"'


@pytest.mark.parametrize(
    "content_type",
    ["image/svg+xml", "text/html", "application/pdf", "application/octet-stream", "image/x", ""],
)
def test_all_else_may_not(content_type: str) -> None:
    case = get(content_type=content_type)
    assert case.headers["Content-Disposition"] == 'attachment; filename="a.png"'


@pytest.mark.parametrize(
    ("filename", "disposition"),
    [
        ("", "inline"),
        ('a "b" \\.png', 'inline; filename="a \\"b\\" \\\\.png"'),
        ("é ü.png", "inline; filename*=utf-8''%C3%A9%20%C3%BC.png"),
        ("a\r\nSet-Cookie: x.png", "inline; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x.png"),
        ("\ud800.png", 'inline; filename="?.png"'),
    ],
)
def test_filenames(filename: str, disposition: str) -> None:
    assert get(filename=filename).headers["Content-Disposition"] == disposition


# Files.


def test_a_file_on_disk_is_left_to_the_server(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(LARGE)
    for opened in (path.open("rb"), FileSystemStorage(tmp_path).open("f")):
        case = get(LARGE, open_file=lambda opened=opened: opened)
        assert isinstance(case.response, FileResponse)
        assert (case.status, case.headers) == (200, whole(LARGE))
        assert case.response.file_to_stream is opened
        wrapper = FileWrapper(case.response.file_to_stream, case.response.block_size)
        first = next(iter(wrapper))
        assert first == LARGE[: len(first)]
        assert len(first) == PIECE_SIZE
        case.response.close()
        assert opened.closed


@pytest.mark.parametrize(
    ("size", "kwargs"),
    [
        (len(SMALL), {}),
        (len(LARGE), {"asgi": True}),
        (len(LARGE), {"headers": {"Range": "bytes=1-"}}),
    ],
)
def test_a_file_on_disk_is_read_here_otherwise(tmp_path: Path, size: int, kwargs: Any) -> None:
    path = tmp_path / "f"
    path.write_bytes(LARGE[:size])
    with path.open("rb") as opened:
        case = get(LARGE[:size], open_file=lambda: opened, **kwargs)
        assert type(case.response) in (HttpResponse, StreamingHttpResponse)
        assert case.content() == LARGE[1 if "headers" in kwargs else 0 : size]
        case.response.close()
        assert opened.closed


def test_a_file_of_a_storage_without_a_descriptor_is_not_taken_for_one_on_disk() -> None:
    stored = Stored(LARGE)
    case = get(LARGE, open_file=lambda: File(stored, "x"))
    assert type(case.response) is StreamingHttpResponse
    assert case.content() == LARGE


def test_a_file_with_a_descriptor_of_something_else_is_not_either(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(LARGE)
    with (tmp_path / "f").open("rb", buffering=0) as raw:
        case = get(LARGE, open_file=lambda: raw)
        assert type(case.response) is StreamingHttpResponse
        assert case.content() == LARGE


@pytest.mark.parametrize("asgi", [False, True])
def test_pieces_are_read_when_they_are_sent(asgi: bool) -> None:
    case = get(LARGE, asgi=asgi)
    assert case.opened[0].read_bytes == 0

    async def first() -> bytes:
        async for part in case.response:
            return bytes(part)
        raise AssertionError

    part = asyncio.run(first()) if asgi else next(iter(case.response))
    assert part == LARGE[:PIECE_SIZE]
    assert case.opened[0].read_bytes == PIECE_SIZE
    assert not case.opened[0].closed
    case.response.close()  # what Django does when the client has gone
    assert case.opened[0].closed


@pytest.mark.parametrize("asgi", [False, True])
def test_a_large_file_that_is_too_short_breaks_off(asgi: bool) -> None:
    case = get(LARGE, asgi=asgi, size=len(LARGE) + 1)
    with pytest.raises(RestError) as caught:
        case.content()
    assert caught.value.items == (STORAGE_FAILED(),)
    case.response.close()
    assert case.opened[0].closed


def test_a_small_file_that_is_too_short_is_an_error() -> None:
    opened = Stored(SMALL)
    with pytest.raises(RestError) as caught:
        get(size=1025, open_file=lambda: opened)
    assert caught.value.items == (STORAGE_FAILED(),)
    assert opened.closed


def test_no_more_than_promised_is_sent() -> None:
    assert get(size=1000).content() == SMALL[:1000]


def test_errors_of_opening_and_seeking_reach_the_caller() -> None:
    def missing() -> Any:
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        get(open_file=missing)

    class Unseekable(Stored):
        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError

    opened = Unseekable(SMALL)
    with pytest.raises(OSError):
        get(open_file=lambda: opened, headers={"Range": "bytes=1-"})
    assert opened.closed
