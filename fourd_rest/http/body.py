"""The exact reader of a request body.

Counts the bytes: a body that is cut or above the limit raises, and never just ends. What the bytes mean
is not looked at. Never touches ``request.POST``, ``.FILES`` or ``.body``, which
would parse or keep the body (``requests.md`` 6.5, D-06).
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.handlers.wsgi import LimitedStream
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from fourd_rest.errors import BODY_CUT, BODY_TOO_LARGE, LENGTH_REQUIRED, RestError

KIB = 2**10
# Larger reads are no faster: servers join them from smaller ones.
CHUNK_SIZE = 128 * KIB
DRAIN_BYTES = 512 * 2**20
DRAIN_SECONDS = 5.0
STALL_SECONDS = 2.0
CHUNK_LINE = 4 * KIB

Source = Callable[[int], bytes]

_READER = "fourd_rest.http.body"
# These raise if an application sets ``Connection``. The first has read the whole body before it calls
# the application.
_STRICT_SERVERS = ("waitress", "WSGIServer")


class BodyReader:
    """The body of one request, at most ``limit`` bytes of it.

    ``count`` is the number of bytes handed out, ``expected`` the announced ``Content-Length``. A
    body that turns out too large raises ``BODY_TOO_LARGE``, one that ends early or whose transport
    fails ``BODY_CUT``; every later read raises the same again.
    """

    def __init__(self, source: Source, *, limit: int, expected: int | None = None) -> None:
        if expected is not None and expected > limit:
            raise RestError(BODY_TOO_LARGE(limit=limit))
        self.count = 0
        self.expected = expected
        self._source = source
        self._limit = limit
        self._error: RestError | None = None
        self._ended = expected == 0

    @property
    def is_read(self) -> bool:
        """Whether nothing is left to be read."""
        return self._ended

    @classmethod
    def of(cls, request: HttpRequest, *, limit: int) -> BodyReader:
        """The reader of ``request``'s body. An announced length above ``limit`` raises at once."""
        source, expected = _source_of(request)
        reader = cls(source, limit=limit, expected=expected)
        request.META[_READER] = reader
        return reader

    def read(self, size: int | None = -1) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end of the body.

        A storage client may take a short read for the end, and store a cut object without an error.
        """
        if size is None or size < 0:
            return self.read_all()
        first = self._piece(size)
        if len(first) in (0, size):
            return first
        parts, missing = [first], size - len(first)
        while missing and (piece := self._piece(missing)):
            parts.append(piece)
            missing -= len(piece)
        return b"".join(parts)

    def read_all(self) -> bytes:
        """The rest of the body."""
        return b"".join(iter(lambda: self._piece(CHUNK_SIZE), b""))

    def drain(self, *, limit: int = DRAIN_BYTES, seconds: float = DRAIN_SECONDS) -> None:
        """Throw away what is still coming, up to ``limit`` bytes and ``seconds``.

        A connection closed with unread bytes in it is reset, and the client loses the answer. Raises
        ``OSError`` if the connection fails or keeps silent; what else is wrong with it ends the body.
        """
        deadline = time.monotonic() + seconds
        missing = limit if self.expected is None else min(limit, self.expected - self.count)
        while missing > 0 and time.monotonic() < deadline:
            try:
                piece = self._source(min(missing, CHUNK_SIZE))
            except OSError:
                raise
            except Exception:
                return
            if not piece:
                return
            missing -= len(piece)

    def _piece(self, size: int) -> bytes:
        """Some bytes, at most ``size``; none at the end of the body."""
        if self._error is not None:
            raise self._error
        if self._ended or size == 0:
            return b""
        # One byte beyond the limit tells a body that is too large from one that fills it.
        end = self._limit + 1 if self.expected is None else self.expected
        try:
            piece = self._source(min(size, end - self.count))
        except Exception as cause:
            # For bad chunks each server raises an exception of its own.
            raise self._fail(RestError(BODY_CUT())) from cause
        count = self.count + len(piece)
        if count > self._limit:
            raise self._fail(RestError(BODY_TOO_LARGE(limit=self._limit)))
        if not piece and self.expected is not None:
            raise self._fail(RestError(BODY_CUT()))
        self._ended = not piece or count == self.expected
        self.count = count
        return piece

    def _fail(self, error: RestError) -> RestError:
        self._error = error
        return error


def drain_when_sent(
    request: HttpRequest, response: HttpResponseBase, *, as_unread: bool = False
) -> None:
    """Throw away the rest of ``request``'s body once ``response`` is sent.

    For an answer that is given before the body was read: the client gets it while it is still sending.
    A client that is silent or very slow must not hold the thread: if the server gives access to its
    socket, that is shut after ``STALL_SECONDS`` of silence and ``DRAIN_SECONDS`` in all. If not, nothing
    is drained, and ``Connection: close`` is sent. Under ASGI Django has read the whole body already.
    ``as_unread``: answer, headers included, as if the body had not been read.
    """
    environ = getattr(request, "environ", None)
    if environ is None or not _has_body(request) or (_is_read(request) and not as_unread):
        return
    connection = _connection_of(environ)
    if connection is None:
        if not environ.get("SERVER_SOFTWARE", "").startswith(_STRICT_SERVERS):
            response.headers["Connection"] = "close"
        return
    close = response.close

    def drain_and_close() -> None:
        try:
            with _time_limit(connection):
                _drain(request)
        finally:
            close()

    response.close = drain_and_close  # type: ignore[method-assign]


def _is_read(request: HttpRequest) -> bool:
    reader: BodyReader | None = request.META.get(_READER)
    return reader is not None and reader.is_read


def _has_body(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length != "0" or bool(request.META.get("HTTP_TRANSFER_ENCODING"))


def _connection_of(environ: dict[str, Any]) -> socket.socket | None:
    """The socket that the body comes from; None if the server gives no access to it."""
    connection = environ.get("gunicorn.socket")
    if connection is None:
        stream = environ.get("wsgi.input")
        # Django's development server: its stream counts the bytes of a buffered socket.
        stream = getattr(getattr(stream, "_read", None), "__self__", stream)
        connection = getattr(getattr(stream, "raw", None), "_sock", None)
    return connection if hasattr(connection, "shutdown") else None


@contextmanager
def _time_limit(connection: socket.socket) -> Iterator[None]:
    """A context after ``DRAIN_SECONDS`` of which ``connection`` is shut: a read in it then ends."""

    def shut() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    before = connection.gettimeout()
    # The time-out of the socket is for each of many small reads; the timer is for all together.
    timer = threading.Timer(DRAIN_SECONDS, shut)
    timer.daemon = True
    timer.start()
    try:
        connection.settimeout(STALL_SECONDS)
        yield
    except OSError:
        shut()
    finally:
        timer.cancel()
        with suppress(OSError):
            connection.settimeout(before)


def _drain(request: HttpRequest) -> None:
    """Raises ``OSError`` if the connection fails or keeps silent."""
    try:
        source, _ = _source_of(request)
        reader = BodyReader(source, limit=DRAIN_BYTES)
    except RestError:
        _skip_chunks(request.META["wsgi.input"])
    else:
        reader.drain()


def _skip_chunks(stream: Any) -> None:
    """Read a chunked body off Django's development server, up to its last chunk or the connection's end.

    That server would take what is left for the next request, answer it with an error page, and reset
    the connection. If the chunks are broken, nothing after them is a request, so all is read.
    """
    if not isinstance(stream, LimitedStream):
        return
    stream.limit = sys.maxsize  # it counts a body without Content-Length as none
    with suppress(ConnectionError):
        while size := _chunk_size(stream.readline(CHUNK_LINE)):
            _skip(stream, size)
            if stream.readline(CHUNK_LINE).strip():
                _skip(stream, sys.maxsize)
        while stream.readline(CHUNK_LINE) not in (b"\r\n", b"\n", b""):
            pass
    stream.limit = 0  # the server reads what remains


def _skip(stream: Any, size: int) -> None:
    while size > 0 and (piece := stream.read(min(size, CHUNK_SIZE))):
        size -= len(piece)


def _chunk_size(line: bytes) -> int:
    """The size that a chunk's first line tells, 0 for the last and where the connection ended."""
    try:
        return int(line.partition(b";")[0], 16) if line else 0
    except ValueError:
        return sys.maxsize


def _source_of(request: HttpRequest) -> tuple[Source, int | None]:
    """Where to read the body of ``request``, and its announced length.

    Without a length Django limits the stream of a WSGI request to nothing, although the body is
    there. Only a server that ends the stream itself (``wsgi.input_terminated``) can be read then.
    """
    expected = _announced(request)
    if expected is not None:
        return request.read, expected
    environ = getattr(request, "environ", None)
    if environ is None:
        return request.read, None
    if environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"].read, None
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        raise RestError(LENGTH_REQUIRED())
    return request.read, 0


def _announced(request: HttpRequest) -> int | None:
    """The ``Content-Length``, unless a transfer coding overrides it (RFC 9112 6.3)."""
    text = request.META.get("CONTENT_LENGTH") or ""
    if not text or request.META.get("HTTP_TRANSFER_ENCODING"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise RestError(LENGTH_REQUIRED())
    return int(text)
