"""Request bodies over real servers: whole, in chunks, cut, too large, none.

Every server has its own ways to lose a body; whatever it does, an ID means that every byte is stored.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fourd_rest.http.body import DRAIN_SECONDS

from .harness import Answer, Server, Site, Wire, chunked, copy_site, head

KIB, MIB = 2**10, 2**20
LIMIT = MIB
JSON_LIMIT = 64 * KIB
UPLOAD = "/rest/$upload?$binary=true"
PICTURE = "/rest/$upload?$rawPict=true"

EMPTY = {"message": "The request body is empty", "componentSignature": "djng", "errCode": 9004}
CUT = {
    "message": "The request body ended before it was complete",
    "componentSignature": "djng",
    "errCode": 9005,
}
NO_LENGTH = {
    "message": "The request must carry a Content-Length header",
    "componentSignature": "djng",
    "errCode": 9006,
}
TOO_LARGE = {
    "message": f"The request body is larger than {LIMIT} bytes",
    "componentSignature": "djng",
    "errCode": 9003,
}

SYNC, UVICORN, RUNSERVER = (
    pytest.param(kind, marks=pytest.mark.slow) for kind in ("sync", "uvicorn", "runserver")
)


@pytest.fixture(scope="module", params=["gthread", SYNC, UVICORN, RUNSERVER])
def server(request: Any, prepared: Site, tmp_path_factory: Any) -> Iterator[Server]:
    limits = {"MAX_UPLOAD_SIZE": LIMIT, "MAX_BODY_SIZE": JSON_LIMIT}
    site = copy_site(prepared, tmp_path_factory.mktemp(request.param), fourd_rest=limits)
    running = Server(site, request.param)
    try:
        yield running.wait()
    finally:
        running.stop()


def takes_chunks(server: Server) -> bool:
    """Django's development server knows no chunks: such bodies are refused there."""
    return server.kind != "runserver"


def kept(site: Site) -> tuple[list[Any], list[Path]]:
    """Every row of an upload, and every file in their storage."""
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id, state, size, sha256, name FROM fourd_rest_uploadedblob")
        return sorted(rows), site.files()


def settled(site: Site) -> tuple[list[Any], list[Path]]:
    """What is kept once the server has done with what the tests before sent, cut bodies included."""
    deadline = time.monotonic() + 10
    while (found := kept(site)) and time.monotonic() < deadline:
        if all(state != "receiving" for _, state, *_ in found[0]):
            break
        time.sleep(0.05)
    return found


@pytest.fixture
def nothing_kept(server: Server) -> Iterator[None]:
    """Whatever the test sends, it leaves no row and no file behind."""
    before = settled(server.site)
    yield
    deadline = time.monotonic() + 10
    while kept(server.site) != before and time.monotonic() < deadline:
        time.sleep(0.05)  # a client that hangs up does not wait for the server
    assert kept(server.site) == before


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def send_chunked(server: Server, data: bytes, *, path: str = UPLOAD) -> Answer:
    with Wire(server) as wire:
        wire.send(head("POST", path, Transfer_Encoding="chunked") + data)
        return wire.answer()


def assert_stored(server: Server, answer: Answer, body: bytes) -> None:
    assert (answer.status, list(answer.json)) == (200, ["ID"])
    rows, _ = kept(server.site)
    identity = uuid.UUID(hex=answer.json["ID"]).hex
    (row,) = [row for row in rows if row[0] == identity]
    assert row[1:4] == ("ready", len(body), hashlib.sha256(body).hexdigest())
    assert (server.site.uploads / row[4]).read_bytes() == body


def assert_refused(answer: Answer, status: int, error: dict[str, Any]) -> None:
    assert (answer.status, answer.json) == (status, {"__ERROR": [error]})
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["4drest-info"] == "1.0"


def assert_usable_or_closed(wire: Wire) -> None:
    """After an answer the connection serves the next request, or is closed without another word."""
    with suppress(ConnectionResetError, BrokenPipeError):
        assert wire.request("GET", "/rest/").json == {"ok": True}


# Whole bodies.


@pytest.mark.parametrize("size", [1, 64 * KIB - 1, 128 * KIB, 128 * KIB + 1, LIMIT])
def test_an_announced_body_is_stored_whole(server: Server, size: int) -> None:
    body = content(size)
    with Wire(server) as wire:
        assert_stored(server, wire.request("POST", UPLOAD, body), body)
        assert_usable_or_closed(wire)


@pytest.mark.parametrize(
    ("size", "chunk"), [(1, 1), (300, 1), (128 * KIB, 1000), (128 * KIB + 1, 128 * KIB), (LIMIT, 8192)]
)
def test_a_chunked_body_is_stored_whole_or_refused(server: Server, size: int, chunk: int) -> None:
    body = content(size)
    if takes_chunks(server):
        assert_stored(server, send_chunked(server, chunked(body, chunk)), body)
        return
    before = settled(server.site)
    with Wire(server) as wire:
        wire.send(head("POST", UPLOAD, Transfer_Encoding="chunked") + chunked(body, chunk)[:1000])
        assert_refused(wire.answer(), 411, NO_LENGTH)
    assert kept(server.site) == before


def test_a_chunked_body_that_trickles_in(server: Server) -> None:
    body = content(100)
    with Wire(server) as wire:
        wire.send(head("POST", UPLOAD, Transfer_Encoding="chunked"))
        with suppress(ConnectionResetError, BrokenPipeError):  # refused before it is all sent
            for byte in chunked(body, 30):
                wire.send(bytes([byte]))
                time.sleep(0.001)
        if takes_chunks(server):
            assert_stored(server, wire.answer(), body)
            assert_usable_or_closed(wire)
        else:
            assert_refused(wire.answer(), 411, NO_LENGTH)


def test_no_body(server: Server, nothing_kept: None) -> None:
    for request in (head("POST", UPLOAD, Content_Length="0"), head("POST", UPLOAD)):
        with Wire(server) as wire:
            wire.send(request)
            assert_refused(wire.answer(), 400, EMPTY)
            assert_usable_or_closed(wire)


def test_no_chunk(server: Server, nothing_kept: None) -> None:
    answer = send_chunked(server, chunked(b"", 1))
    if takes_chunks(server):
        assert_refused(answer, 400, EMPTY)
    else:
        assert_refused(answer, 411, NO_LENGTH)


def test_expect_100_continue(server: Server) -> None:
    """The client sends its body once it is told to."""
    body = content(200 * KIB)
    with Wire(server) as wire:
        wire.send(head("POST", UPLOAD, Content_Length=str(len(body)), Expect="100-continue"))
        assert wire.interim() == 100
        wire.send(body)
        assert_stored(server, wire.answer(), body)
        assert_usable_or_closed(wire)


def test_expect_100_continue_for_a_body_that_is_too_large(server: Server, nothing_kept: None) -> None:
    """413 at once, or after the body was asked for and thrown away."""
    with Wire(server) as wire:
        wire.send(head("POST", UPLOAD, Content_Length=str(2 * LIMIT), Expect="100-continue"))
        if server.kind != "uvicorn":  # where the limit stands before the body is asked for
            assert wire.interim() == 100
            wire.send(bytes(2 * LIMIT))
        answer = wire.answer()
        assert_refused(answer, 413, TOO_LARGE)
        if answer.headers.get("connection") != "close":  # else the client hangs up
            assert_usable_or_closed(wire)


# Cut bodies.


def picture() -> bytes:
    """A picture of 120 KB whose first half is a whole header."""
    file = BytesIO()
    Image.effect_noise((200, 200), 50).convert("RGB").save(file, "BMP")
    return file.getvalue()


def cuts(server: Server) -> Iterator[tuple[str, bytes, bytes]]:
    """Path, head and the part of the body that is sent: at every edge, and anywhere."""
    anywhere = random.Random(server.kind)
    for path, body in ((UPLOAD, content(300 * KIB)), (PICTURE, picture())):
        announced = head("POST", path, Content_Length=str(len(body)))
        edges = [0, 1, 54, 64 * KIB, 128 * KIB, len(body) - 1]
        for offset in [*edges, *(anywhere.randrange(len(body)) for _ in range(7))]:
            yield path, announced, body[: min(offset, len(body) - 1)]
        in_chunks = chunked(body, 50_000)
        end = len(in_chunks)
        edges = [0, 1, 3, 6, 7, 50_007, 50_009, end - 7, end - 5, end - 4, end - 3, end - 2, end - 1]
        for offset in [*edges, *(anywhere.randrange(end) for _ in range(7))]:
            yield path, head("POST", path, Transfer_Encoding="chunked"), in_chunks[:offset]


def test_a_connection_that_is_half_closed(server: Server, nothing_kept: None) -> None:
    """The client sends no more but listens: it never gets an ID."""
    answers = []
    for _, request, part in cuts(server):
        with Wire(server) as wire:
            with suppress(ConnectionResetError, BrokenPipeError, OSError):
                wire.send(request + part)
                wire.finish()
            try:
                answers.append(wire.answer())
            except ConnectionResetError:
                continue
    for answer in answers:
        assert b'"ID"' not in answer.body
        if answer.status == 411:
            assert not takes_chunks(server)
            assert_refused(answer, 411, NO_LENGTH)
        else:
            assert_refused(answer, 400, CUT)
    # Under ASGI the body never reaches the site.
    assert bool(answers) == (server.kind != "uvicorn")


def test_a_connection_that_is_reset(server: Server, nothing_kept: None) -> None:
    for _, request, part in cuts(server):
        wire = Wire(server)
        with suppress(ConnectionResetError, BrokenPipeError):
            wire.send(request + part)
        wire.reset()
        time.sleep(0.01)  # the development server keeps a short queue
    with Wire(server) as wire:
        assert wire.request("GET", "/rest/").json == {"ok": True}


# Bodies that are too large.


@pytest.mark.parametrize("size", [LIMIT + 1, 16 * MIB])
def test_an_announced_body_beyond_the_limit(server: Server, size: int, nothing_kept: None) -> None:
    """The client sends all of it before it reads the answer, and gets it."""
    with Wire(server) as wire:
        assert_refused(wire.request("POST", UPLOAD, bytes(size)), 413, TOO_LARGE)
        assert_usable_or_closed(wire)


@pytest.mark.parametrize("size", [LIMIT + 1, 16 * MIB])
def test_an_unannounced_body_beyond_the_limit(server: Server, size: int, nothing_kept: None) -> None:
    body = chunked(bytes(size), 64 * KIB)
    refusal = (413, TOO_LARGE) if takes_chunks(server) else (411, NO_LENGTH)
    with Wire(server) as wire:
        wire.send(head("POST", UPLOAD, Transfer_Encoding="chunked") + body)
        assert_refused(wire.answer(), *refusal)
        assert_usable_or_closed(wire)


@pytest.mark.parametrize("transfer", ["announced", "unannounced"])
def test_curl_is_told_that_a_body_is_too_large(
    server: Server, transfer: str, curl: str, tmp_path: Path, nothing_kept: None
) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(16 * MIB))
    options = ["-H", "Transfer-Encoding: chunked"] if transfer == "unannounced" else []
    done = subprocess.run(
        [
            *(curl, "-s", "--max-time", "30", "-w", "%{http_code}", *options),
            *("--data-binary", f"@{file}", f"{server.origin}{UPLOAD}"),
        ],
        capture_output=True,
        check=True,
    )
    wanted = "411" if options and not takes_chunks(server) else "413"
    assert done.stdout.decode().endswith(wanted)
    assert (b'"errCode":' in done.stdout) and b'"ID"' not in done.stdout


def test_json_beyond_its_limit(server: Server) -> None:
    body = b'{"__KEY": "1", "lastName": "%s"}' % (b"x" * 2 * JSON_LIMIT)
    with Wire(server) as wire:
        answer = wire.request("POST", "/rest/Employee", body)
        error = {**TOO_LARGE, "message": f"The request body is larger than {JSON_LIMIT} bytes"}
        assert_refused(answer, 413, error)
        assert_usable_or_closed(wire)


# Answers that come before the body was read.


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("POST", "/rest/Nothing", 404),
        ("PATCH", "/rest/$upload", 405),
        ("POST", "/rest/$upload?$timeout=-1", 400),
        ("GET", "/rest/Employee(1)", 200),
    ],
)
def test_a_body_that_nobody_reads(
    server: Server, verb: str, path: str, status: int, nothing_kept: None
) -> None:
    """It is never taken for the next request, which it holds here."""
    hidden = head("POST", UPLOAD, Content_Length="5") + b"smuggled"
    with Wire(server) as wire:
        assert wire.request(verb, path, hidden * 3_000).status == status
        assert_usable_or_closed(wire)


def test_a_chunked_body_that_nobody_reads(server: Server, nothing_kept: None) -> None:
    hidden = head("POST", UPLOAD, Content_Length="5") + b"smuggled"
    with Wire(server) as wire:
        wire.send(
            head("POST", "/rest/Nothing", Transfer_Encoding="chunked") + chunked(hidden * 100, 1000)
        )
        assert wire.answer().status == 404
        assert_usable_or_closed(wire)


@pytest.mark.parametrize("drops", [False, True], ids=["silent", "drop by drop"])
@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/rest/$upload?$timeout=-1", {"Content_Length": str(MIB)}),
        ("/rest/Nothing", {"Content_Length": str(MIB)}),
        ("/rest/Nothing", {"Transfer_Encoding": "chunked"}),
    ],
)
def test_slow_clients_hold_no_threads(
    server: Server, path: str, more: dict[str, str], drops: bool, nothing_kept: None
) -> None:
    """More of them than there are threads announce a body that is refused, and send next to nothing."""
    slow = [Wire(server) for _ in range(3 if server.kind == "sync" else 6)]
    try:
        for wire in slow:
            wire.send(head("POST", path, **more) + b"1")
        began = time.monotonic()
        with Wire(server) as wire:
            wire.socket.settimeout(40)
            threading.Thread(target=_drip, args=(slow, began + 20 * drops), daemon=True).start()
            assert wire.request("GET", "/rest/").json == {"ok": True}
        # They are served one after the other where there is one thread, four at a time else.
        turns = len(slow) if server.kind == "sync" else 2
        assert time.monotonic() - began < turns * (DRAIN_SECONDS + 1)
    finally:
        for wire in slow:
            wire.close()


def _drip(wires: list[Wire], until: float) -> None:
    while time.monotonic() < until:
        time.sleep(0.5)
        for wire in wires:
            with suppress(OSError):
                wire.send(b"0")


only_runserver = pytest.mark.parametrize("server", [RUNSERVER], indirect=True, scope="module")


@only_runserver
@pytest.mark.parametrize(
    "body",
    [
        chunked(b"", 1),
        chunked(b"GET /smuggled HTTP/1.1\r\n\r\n" * 9_000, 200_000),
        b'5;name="value"\r\n01234\r\n0\r\nTrailer: 1\r\nAnother: 2\r\n\r\n',
    ],
    ids=["empty", "long", "extension and trailers"],
)
def test_the_connection_serves_on_after_a_chunked_body_that_nobody_reads(
    server: Server, body: bytes
) -> None:
    """The development server leaves it to us to find where such a body ends."""
    with Wire(server) as wire:
        for _ in range(3):
            wire.send(head("POST", UPLOAD, Transfer_Encoding="chunked") + body)
            assert_refused(wire.answer(), 411, NO_LENGTH)
        assert wire.request("GET", "/rest/").json == {"ok": True}


@only_runserver
@pytest.mark.parametrize("broken", [b"GET /rest/ HTTP/1.1\r\n\r\n", b"3\r\n012345\r\n0\r\n\r\n"])
def test_broken_chunks_are_not_taken_for_a_request(server: Server, broken: bytes) -> None:
    with Wire(server) as wire:
        wire.send(head("POST", UPLOAD, Transfer_Encoding="chunked") + broken)
        assert_refused(wire.answer(), 411, NO_LENGTH)
        wire.finish()
        assert wire.is_closed()
