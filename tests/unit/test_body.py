"""The exact body reader and the file it becomes."""

from __future__ import annotations

import hashlib
import io
import itertools
import socket
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.http import HttpResponse
from django.test import RequestFactory

from fourd_rest.errors import BODY_CUT, BODY_TOO_LARGE, LENGTH_REQUIRED, ErrorItem, RestError
from fourd_rest.http import body
from fourd_rest.http.body import BodyReader, drain_when_sent
from fourd_rest.uploads.body_file import UploadFile

DATA = bytes(range(256)) * 4


class Stream:
    """A server's stream: gives at most ``piece`` bytes a read, then ``end`` happens."""

    def __init__(self, data: bytes, piece: int = 7, end: Exception | None = None) -> None:
        self.data = data
        self.piece = piece
        self.end = end
        self.reads: list[int] = []

    def read(self, size: int) -> bytes:
        self.reads.append(size)
        part = self.data[: min(size, self.piece)]
        self.data = self.data[len(part) :]
        if not part and self.end is not None:
            raise self.end
        return part

    def readline(self, size: int) -> bytes:
        raise AssertionError("no lines in a body")


def reader(data: bytes, *, limit: int = 10_000, expected: int | None = None, **kw: Any) -> BodyReader:
    return BodyReader(Stream(data, **kw).read, limit=limit, expected=expected)


def wsgi(stream: Any, **environ: Any) -> WSGIRequest:
    base = {"REQUEST_METHOD": "POST", "wsgi.input": stream, "wsgi.url_scheme": "http"}
    return WSGIRequest(base | environ)


def chunked(stream: Any, **environ: Any) -> WSGIRequest:
    environ = {"wsgi.input_terminated": True} | environ
    return wsgi(stream, HTTP_TRANSFER_ENCODING="chunked", **environ)


def asgi(data: bytes, *headers: tuple[bytes, bytes]) -> ASGIRequest:
    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    return ASGIRequest(scope, io.BytesIO(data))


def error_of(call: Any, *args: Any, **kwargs: Any) -> tuple[ErrorItem, ...]:
    with pytest.raises(RestError) as caught:
        call(*args, **kwargs)
    return caught.value.items


CUT = (BODY_CUT(),)
NO_LENGTH = (LENGTH_REQUIRED(),)


def too_large(limit: int) -> tuple[ErrorItem, ...]:
    return (BODY_TOO_LARGE(limit=limit),)


# Reading.


@pytest.mark.parametrize("expected", [len(DATA), None])
@pytest.mark.parametrize("size", [1, 6, 7, 8, 100, 1023, 1024, 1025, 9999])
def test_reads_are_exact(size: int, expected: int | None) -> None:
    body_reader = reader(DATA, expected=expected)
    parts = list(iter(lambda: body_reader.read(size), b""))
    assert b"".join(parts) == DATA
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert body_reader.count == len(DATA)
    assert body_reader.expected == expected
    assert body_reader.read(size) == b""


@pytest.mark.parametrize("read", [lambda r: r.read(), lambda r: r.read(None), BodyReader.read_all])
def test_reads_all(read: Any) -> None:
    body_reader = reader(DATA, expected=len(DATA))
    assert body_reader.read(10) == DATA[:10]
    assert read(body_reader) == DATA[10:]


def test_read_of_nothing_reads_nothing() -> None:
    stream = Stream(DATA)
    assert BodyReader(stream.read, limit=9999).read(0) == b""
    assert stream.reads == []


def test_an_empty_body_is_not_read() -> None:
    stream = Stream(b"", end=AssertionError())
    assert BodyReader(stream.read, limit=1, expected=0).read_all() == b""
    assert stream.reads == []


def test_never_reads_beyond_the_announced_length() -> None:
    stream = Stream(DATA, piece=10_000)
    body_reader = BodyReader(stream.read, limit=9999, expected=10)
    assert body_reader.read_all() == DATA[:10]
    assert stream.reads == [10]


# Limits.


def test_announced_above_the_limit_is_refused_unread() -> None:
    stream = Stream(DATA)
    request = wsgi(stream, CONTENT_LENGTH="1024")
    assert error_of(BodyReader.of, request, limit=1023) == too_large(1023)
    assert stream.reads == []


@pytest.mark.parametrize("expected", [len(DATA), None])
def test_the_limit_itself_is_allowed(expected: int | None) -> None:
    assert reader(DATA, limit=len(DATA), expected=expected).read_all() == DATA


@pytest.mark.parametrize("over", [1, 2, 500])
def test_unannounced_above_the_limit_is_refused_while_reading(over: int) -> None:
    stream = Stream(DATA)
    limit = len(DATA) - over
    body_reader = BodyReader(stream.read, limit=limit)
    assert error_of(body_reader.read_all) == too_large(limit)
    assert body_reader.count <= limit
    assert len(stream.data) == over - 1
    assert error_of(body_reader.read, 1) == too_large(limit)


# Cut bodies.


@pytest.mark.parametrize("have", [0, 1, 7, 1023])
def test_fewer_bytes_than_announced(have: int) -> None:
    body_reader = reader(DATA[:have], expected=1024)
    assert error_of(body_reader.read_all) == CUT
    assert body_reader.count == have
    assert error_of(body_reader.read, 1) == CUT


class InvalidChunkSize(Exception):
    """Like gunicorn's: of no family that could be named here."""


@pytest.mark.parametrize("expected", [1024, None])
@pytest.mark.parametrize("failure", [OSError("reset"), InvalidChunkSize("zz"), EOFError()])
def test_a_failing_transport(failure: Exception, expected: int | None) -> None:
    body_reader = reader(DATA[:20], expected=expected, end=failure)
    with pytest.raises(RestError) as caught:
        body_reader.read(1000)
    assert caught.value.items == CUT
    assert caught.value.status == 400
    assert caught.value.__cause__ is failure
    assert error_of(body_reader.read, 1) == CUT


def test_the_server_may_still_stop_the_worker() -> None:
    class Stop(BaseException):
        pass

    stream = Stream(b"", end=Stop())  # type: ignore[arg-type]
    with pytest.raises(Stop):
        BodyReader(stream.read, limit=10).read(1)


# From requests.


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b"]
)
def test_any_content_type(content_type: str) -> None:
    request = RequestFactory().generic("POST", "/", DATA, content_type)
    body_reader = BodyReader.of(request, limit=9999)
    assert body_reader.expected == 1024
    assert body_reader.read_all() == DATA
    assert not hasattr(request, "_post")


def test_a_body_that_was_kept_before_is_read_again() -> None:
    request = RequestFactory().generic("POST", "/", DATA, "a/b")
    assert request.body == DATA
    assert BodyReader.of(request, limit=9999).read_all() == DATA


def test_a_body_that_was_parsed_before_is_not_taken_for_empty() -> None:
    content_type = "multipart/form-data; boundary=x"
    request = RequestFactory().generic("POST", "/", b"--x--\r\n", content_type)
    assert not request.POST
    assert error_of(BodyReader.of(request, limit=9999).read_all) == CUT


@pytest.mark.parametrize("environ", [{}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "0"}])
def test_no_body(environ: dict[str, str]) -> None:
    body_reader = BodyReader.of(wsgi(Stream(DATA), **environ), limit=9999)
    assert body_reader.expected == 0
    assert body_reader.read_all() == b""


def test_no_length_but_an_ending_stream() -> None:
    """HTTP/2 sends bodies with neither length nor transfer coding."""
    request = wsgi(Stream(DATA), **{"wsgi.input_terminated": True})
    assert BodyReader.of(request, limit=9999).read_all() == DATA


@pytest.mark.parametrize("extra", [{}, {"CONTENT_LENGTH": "3"}, {"CONTENT_LENGTH": "99999"}])
def test_chunked(extra: dict[str, str]) -> None:
    body_reader = BodyReader.of(chunked(Stream(DATA), **extra), limit=9999)
    assert body_reader.expected is None
    assert body_reader.read_all() == DATA


def test_chunked_cut() -> None:
    request = chunked(Stream(DATA, end=InvalidChunkSize()))
    assert error_of(BodyReader.of(request, limit=9999).read_all) == CUT


def test_chunked_above_the_limit() -> None:
    request = chunked(Stream(DATA))
    assert error_of(BodyReader.of(request, limit=1000).read_all) == too_large(1000)


def test_chunked_on_a_server_that_does_not_end_the_stream() -> None:
    request = chunked(Stream(DATA), **{"wsgi.input_terminated": False})
    with pytest.raises(RestError) as caught:
        BodyReader.of(request, limit=9999)
    assert caught.value.items == NO_LENGTH
    assert caught.value.status == 411


@pytest.mark.parametrize("length", ["-1", "+5", "1,1", "5 ", "0x5", "five", "٣", "1_0", "9" * 20])
def test_malformed_length(length: str) -> None:
    request = wsgi(Stream(DATA), CONTENT_LENGTH=length)
    assert error_of(BodyReader.of, request, limit=9999) == NO_LENGTH


def test_asgi_announced() -> None:
    body_reader = BodyReader.of(asgi(DATA, (b"content-length", b"1024")), limit=1024)
    assert body_reader.expected == 1024
    assert body_reader.read_all() == DATA


@pytest.mark.parametrize("headers", [(), ((b"transfer-encoding", b"chunked"),)])
def test_asgi_unannounced(headers: Any) -> None:
    body_reader = BodyReader.of(asgi(DATA, *headers), limit=1024)
    assert body_reader.expected is None
    assert body_reader.read_all() == DATA
    assert error_of(BodyReader.of(asgi(DATA, *headers), limit=1023).read_all) == too_large(1023)


# Draining.


def test_drain_throws_the_rest_away() -> None:
    stream = Stream(DATA, piece=100)
    body_reader = BodyReader(stream.read, limit=9999, expected=1024)
    body_reader.read(24)
    body_reader.drain()
    assert stream.data == b""
    assert sum(stream.reads) < 24 + 1024 + 1000 * 11  # never asks for more than is to come
    assert max(stream.reads) == 1000


def test_drain_is_bounded_in_bytes() -> None:
    stream = Stream(DATA, piece=100)
    BodyReader(stream.read, limit=9999).drain(limit=250)
    assert len(stream.data) == 1024 - 250


def test_drain_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(body.time, "monotonic", lambda: float(next(clock)))
    stream = Stream(DATA, piece=1)
    BodyReader(stream.read, limit=9999).drain(seconds=5)
    assert len(stream.reads) == 4


def test_drain_stops_at_the_end_and_at_an_error() -> None:
    for end in (None, InvalidChunkSize("zz")):
        stream = Stream(DATA, piece=1000, end=end)
        BodyReader(stream.read, limit=9999).drain()
        assert len(stream.reads) == 3


def test_drain_tells_of_a_connection_that_fails() -> None:
    stream = Stream(DATA, end=TimeoutError())
    with pytest.raises(TimeoutError):
        BodyReader(stream.read, limit=9999).drain()


def open_socket() -> dict[str, Any]:
    """What a server adds that hands its socket over."""
    connection = SimpleNamespace(
        gettimeout=lambda: None, settimeout=lambda seconds: None, shutdown=lambda how: None
    )
    return {"gunicorn.socket": connection}


@pytest.mark.django_db  # closing a response looks at the connections
@pytest.mark.parametrize("drops", [False, True], ids=["silent", "drop by drop"])
@pytest.mark.parametrize("length", ["1000000", None], ids=["announced", "in chunks"])
def test_a_slow_client_does_not_hold_the_thread(
    drops: bool, length: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "STALL_SECONDS", 0.2)
    # Who is silent is not waited for that long.
    monkeypatch.setattr(body, "DRAIN_SECONDS", 0.6 if drops else 20)
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as stream:
        environ: dict[str, Any] = {"gunicorn.socket": ours}
        if length is None:
            request = chunked(stream, **environ)
        else:
            request = wsgi(stream, CONTENT_LENGTH=length, **environ)
        ended = threading.Event()

        def send() -> None:
            with suppress(OSError):
                theirs.sendall(b"x")
                while drops and not ended.wait(0.05):
                    theirs.sendall(b"x")

        sender = threading.Thread(target=send)
        sender.start()
        response = HttpResponse(status=404)
        drain_when_sent(request, response)
        assert "Connection" not in response.headers
        began = time.monotonic()
        response.close()
        taken = time.monotonic() - began
        ended.set()
        sender.join()
        assert (0.5 if drops else 0.1) < taken < 3
        # What comes yet is never taken for a request.
        theirs.settimeout(5)
        assert theirs.recv(1) == b""
    assert response.closed


@pytest.mark.django_db  # closing a response looks at the connections
def test_the_time_limit_of_the_server_is_its_own_again() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as stream:
        ours.settimeout(77)
        theirs.sendall(b"abcGET /")
        response = HttpResponse()
        drain_when_sent(wsgi(stream, CONTENT_LENGTH="3", **{"gunicorn.socket": ours}), response)
        response.close()
        assert ours.gettimeout() == 77
        assert stream.read(5) == b"GET /"


@pytest.mark.django_db  # closing a response looks at the connections
@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"CONTENT_LENGTH": "1024"}, "close"),
        ({"CONTENT_LENGTH": "1024", "SERVER_SOFTWARE": "Apache/2.4"}, "close"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "close"),
        # They raise if an application says so.
        ({"CONTENT_LENGTH": "1024", "SERVER_SOFTWARE": "waitress"}, None),
        ({"CONTENT_LENGTH": "1024", "SERVER_SOFTWARE": "WSGIServer/0.2"}, None),
        # There is nothing left.
        ({"CONTENT_LENGTH": "0"}, None),
        ({"CONTENT_LENGTH": ""}, None),
        ({}, None),
    ],
)
def test_a_server_that_keeps_its_socket_ends_the_connection(
    environ: dict[str, str], told: str | None
) -> None:
    stream = Stream(DATA, piece=1000)
    response = HttpResponse(status=404)
    drain_when_sent(wsgi(stream, **environ), response)
    response.close()
    assert stream.reads == []
    assert response.headers.get("Connection") == told


@pytest.mark.django_db  # closing a response looks at the connections
def test_a_body_that_was_read_ends_no_connection() -> None:
    request = wsgi(Stream(DATA), CONTENT_LENGTH="1024")
    assert BodyReader.of(request, limit=1024).read_all() == DATA
    response = HttpResponse(status=400)
    drain_when_sent(request, response)
    assert "Connection" not in response.headers


@pytest.mark.django_db  # closing a response looks at the connections
def test_drain_when_sent() -> None:
    stream = Stream(DATA, piece=1000)
    request = wsgi(stream, CONTENT_LENGTH="1024", **open_socket())
    assert error_of(BodyReader.of, request, limit=5) == too_large(5)
    response = HttpResponse(status=413)
    closed: list[int] = []
    response._resource_closers.append(lambda: closed.append(len(stream.data)))
    drain_when_sent(request, response)
    assert stream.reads == []
    response.close()
    assert closed == [0]
    assert response.closed


@pytest.mark.django_db  # closing a response looks at the connections
def test_drain_when_sent_of_a_chunked_body() -> None:
    stream = Stream(DATA, piece=1000)
    response = HttpResponse()
    drain_when_sent(chunked(stream, **open_socket()), response)
    response.close()
    assert stream.data == b""


@pytest.mark.django_db  # closing a response looks at the connections
def test_drain_when_sent_without_an_end() -> None:
    stream = Stream(DATA)
    response = HttpResponse()
    drain_when_sent(chunked(stream, **{"wsgi.input_terminated": False}, **open_socket()), response)
    response.close()
    assert stream.reads == []
    assert response.closed


@pytest.mark.django_db  # closing a response looks at the connections
@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (b"0\r\n\r\nGET /", b"GET /"),
        (b"3\r\nabc\r\n1;name=value\r\nd\r\n0\r\n\r\nGET /", b"GET /"),
        (b"1\r\na\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nGET /", b"GET /"),
        (b"%x\r\n%s\r\n0\r\n\r\nGET /" % (300_000, bytes(300_000)), b"GET /"),
        (b"5\r\nab", b""),
        (b"3\r\nabc", b""),
        (b"3\r\nabc\r\n", b""),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"2\r\nabcdef\r\n0\r\n\r\nGET /", b""),
        (b"", b""),
    ],
)
def test_drain_when_sent_on_the_development_server(sent: bytes, left: bytes) -> None:
    """It counts a chunked body as none, and would take it for the next request."""
    connection = io.BytesIO(sent)
    stream = LimitedStream(connection, 0)
    response = HttpResponse(status=411)
    drain_when_sent(chunked(stream, **{"wsgi.input_terminated": False}, **open_socket()), response)
    response.close()
    assert connection.read() == left
    assert stream.read() == b""


@pytest.mark.django_db  # closing a response looks at the connections
def test_drain_when_sent_does_nothing_under_asgi() -> None:
    request, response = asgi(DATA), HttpResponse()
    drain_when_sent(request, response)
    response.close()
    assert request.read() == DATA


# The file for a storage.


def test_file_reads_hashes_and_counts() -> None:
    upload = UploadFile(reader(DATA), "x.bin", size=1024)
    assert (upload.name, upload.size, len(upload), bool(upload)) == ("x.bin", 1024, 1024, True)
    assert (upload.readable(), upload.seekable(), upload.writable()) == (True, False, False)
    assert upload.closed is False
    assert (upload.tell(), upload.read(100)) == (0, DATA[:100])
    assert (upload.tell(), upload.count) == (100, 100)
    assert upload.sha256 == hashlib.sha256(DATA[:100]).hexdigest()
    assert upload.read() == DATA[100:]
    assert upload.sha256 == hashlib.sha256(DATA).hexdigest()
    assert upload.error is None


def test_file_chunks() -> None:
    upload = UploadFile(reader(DATA), "x")
    assert upload.multiple_chunks() is True
    assert [len(chunk) for chunk in upload.chunks(1000)] == [1000, 24]
    assert UploadFile(reader(DATA), "x").open().read() == DATA
    assert b"".join(UploadFile(reader(DATA), "x").chunks()) == DATA


def test_file_seeks_to_where_it_is() -> None:
    upload = UploadFile(reader(DATA), "x")
    assert upload.seek(0) == 0
    for position in [(1,), (0, io.SEEK_END), (0, io.SEEK_CUR)]:
        with pytest.raises(io.UnsupportedOperation):
            upload.seek(*position)
    upload.read(1)
    for call in (lambda: upload.seek(0), upload.open):
        with pytest.raises(io.UnsupportedOperation):
            call()


def test_file_outlives_its_closing() -> None:
    with UploadFile(reader(DATA), "x") as upload:
        upload.close()
        assert upload.read() == DATA


def test_file_without_a_size_has_none() -> None:
    upload = UploadFile(reader(DATA), "x")
    assert not hasattr(upload, "size")
    assert not hasattr(upload, "fileno")
    assert not hasattr(upload, "temporary_file_path")


def test_file_tells_its_progress() -> None:
    told: list[int] = []
    upload = UploadFile(reader(DATA), "x", progress=told.append, every=300)
    for _ in upload.chunks(100):
        pass
    assert told == [300, 600, 900]


def test_file_remembers_the_error_of_its_transport() -> None:
    upload = UploadFile(reader(DATA[:50], expected=1024), "x")
    assert error_of(lambda: list(upload.chunks(10))) == CUT
    assert isinstance(upload.error, RestError)
    assert upload.error.items == CUT
    assert upload.count == 50


@pytest.mark.parametrize("size", [0, 1, 65_535, 131_072, 131_073, 1_000_000])
def test_storages_keep_every_byte(size: int, tmp_path: Any) -> None:
    data = (DATA * (size // len(DATA) + 1))[:size]
    for storage in (FileSystemStorage(location=tmp_path), InMemoryStorage()):
        for expected in (size, None):
            source = reader(data, limit=10**7, expected=expected, piece=4096)
            upload = UploadFile(source, "x", size=expected)
            name = storage.save("x", upload)
            assert storage.size(name) == size
            with storage.open(name) as stored:
                assert stored.read() == data
            assert upload.sha256 == hashlib.sha256(data).hexdigest()
