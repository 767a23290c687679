"""``kill -9`` of the whole server in mid-upload and in mid-attach.

Every hit is proved to fall between the first byte of the body, or the start of the copy, and the
answer: the server stands still at a known place, or waits for a rest that is never sent. Afterwards no
ID leads to a short file, and one sweep leaves no file that no row knows.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .harness import PATIENCE, ROOT, Answer, Site, Wire, chunked, copy_site, free_port, head, walk

pytestmark = pytest.mark.slow

CHUNK = 128 * 2**10  # what is read and written at once
SIZE = 5 * CHUNK + 1234
BODY = b"%PDF-1.4\n" + random.Random(12).randbytes(SIZE - 9)
SHA256 = hashlib.sha256(BODY).hexdigest()
UPLOAD = "/rest/$upload?$binary=true&$timeout=86400"
INVOICES = 30

MISSING = {"message": "No uploaded BLOB has this ID", "componentSignature": "dbmg", "errCode": 1826}


class Killable:
    """A site under gunicorn that is killed and comes back."""

    kind = "gunicorn"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.order = site.folder / "order"
        self.paused = site.folder / "paused"
        self.log = (site.folder / "gunicorn.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.forking"],
            cwd=ROOT,
            env=site.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.port = 0
        self.leader = 0
        self.kills = 0

    def start(self) -> None:
        self.port = free_port()
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{self.port}\n")
        self.process.stdin.flush()
        self.leader = int(self.process.stdout.readline())
        self._until(self._answers)

    def _answers(self) -> bool:
        try:
            with Wire(self) as wire:
                return wire.request("GET", "/rest/").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL to master and worker at once."""
        os.killpg(self.leader, signal.SIGKILL)
        self._until(lambda: not self._listens())
        self.leader = 0
        self.kills += 1
        self.order.unlink(missing_ok=True)
        self.paused.unlink(missing_ok=True)

    def _listens(self) -> bool:
        """Whether any process still holds the socket, master or worker."""
        try:
            Wire(self).close()
        except OSError:
            return False
        return True

    def hit(self, wire: Wire, is_there: Callable[[], bool]) -> None:
        """Kill as soon as ``is_there`` says so; the answer to ``wire`` has not begun then."""
        self._until(is_there)
        assert select.select([wire.socket], [], [], 0)[0] == []
        self.kill()

    def hit_at(self, place: str, request: bytes) -> None:
        """Kill in the midst of ``request``, where the server has come to ``place``."""
        self.order.write_text(place)
        with Wire(self) as wire:
            wire.send(request)
            self.hit(wire, self.paused.exists)

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, self._complaints()
            time.sleep(0.005)

    def _complaints(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def request(self, verb: str, path: str, body: bytes = b"") -> Answer:
        with Wire(self) as wire:
            return wire.request(verb, path, body)

    def rows(self, sql: str) -> list[Any]:
        address = f"file:{self.site.database}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            return database.execute(sql).fetchall()

    def close(self) -> None:
        if self.leader:
            self.kill()
        with self.process:
            assert self.process.stdin
            self.process.stdin.close()
        self.log.close()


@pytest.fixture(scope="module")
def with_invoices(prepared: Site, tmp_path_factory: Any) -> Site:
    """A site with invoices that have no document yet, one for each hit."""
    site = copy_site(prepared, tmp_path_factory.mktemp("invoices"))
    with closing(sqlite3.connect(site.database)) as database, database:
        database.executemany(
            "INSERT INTO hr_invoice (reference, amount, date, pdf, company_id) VALUES (?, 1, ?, '', 1)",
            [(f"K{number}", "2026-01-01") for number in range(2 * INVOICES)],
        )
    return site


def killable(template: Site, folder: Path, storage: str) -> Iterator[Killable]:
    site = copy_site(
        template,
        folder,
        settings="tests.servers.kill_settings",
        environment={"SITE_STORAGE": storage},
    )
    server = Killable(site)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def server(with_invoices: Site, tmp_path: Path) -> Iterator[Killable]:
    """Uploads are copied to the entities' storage, as between any two storages."""
    yield from killable(with_invoices, tmp_path, "pausing")


@pytest.fixture
def plain(with_invoices: Site, tmp_path: Path) -> Iterator[Killable]:
    """Uploads are copied from one plain folder to another, by the system."""
    yield from killable(with_invoices, tmp_path, "plain")


def upload(server: Killable) -> str:
    answer = server.request("POST", UPLOAD, BODY)
    assert answer.status == 200, server._complaints()
    identity: str = answer.json["ID"]
    return identity


def update(key: int, identity: str, stamp: int = 1) -> bytes:
    posted = {"__KEY": str(key), "__STAMP": stamp, "pdf": {"ID": identity}}
    body = json.dumps(posted).encode()
    return head("POST", "/rest/Invoices?$method=update", Content_Length=str(len(body))) + body


def attach(server: Killable, key: int, identity: str) -> Answer:
    with Wire(server) as wire:
        wire.send(update(key, identity))
        return wire.answer()


def assert_every_id_is_whole(server: Killable) -> set[str]:
    """Every ID that there ever was gives its whole file, or nothing; those that give one."""
    whole = set()
    identities = [
        uuid.UUID(hex=row[0]).hex for (row) in server.rows("SELECT id FROM fourd_rest_uploadedblob")
    ]
    for key, identity in enumerate(identities, INVOICES + 2):
        answer = attach(server, key, identity)
        if answer.status == 200:
            read = server.request("GET", f"/rest/Invoices({key})/pdf?$binary=true&$expand=pdf")
            assert read.body == BODY
            whole.add(identity)
        else:
            assert answer.status == 500
            assert answer.json["__ERROR"][0] == MISSING
    return whole


def assert_every_entity_is_whole(server: Killable) -> list[int]:
    """Every document gives its whole file; the keys of the invoices that have one."""
    keys = [key for (key,) in server.rows("SELECT id FROM hr_invoice WHERE pdf != ''")]
    for key in keys:
        assert server.request("GET", f"/rest/Invoices({key})/pdf?$binary=true").body == BODY
    return keys


def assert_no_orphan_after_one_sweep(server: Killable) -> None:
    time.sleep(1.1)  # UPLOAD_STALL_TIMEOUT
    server.site.run("manage.py", "fourd_cleanup")
    rows = server.rows("SELECT name, state, size, sha256 FROM fourd_rest_uploadedblob WHERE name != ''")
    files = {str(path.relative_to(server.site.uploads)) for path in walk(server.site.uploads)}
    assert files == {name for name, *_ in rows}
    for name, *state in rows:
        assert state == ["ready", SIZE, SHA256]
        assert (server.site.uploads / name).read_bytes() == BODY
    names = {name for (name,) in server.rows("SELECT pdf FROM hr_invoice WHERE pdf != ''")}
    assert {str(path.relative_to(server.site.media)) for path in walk(server.site.media)} == names
    assert server.rows("SELECT * FROM fourd_rest_blobattachment WHERE state != 'attached'") == []


def receiving(server: Killable, before: int, sent: int) -> Callable[[], bool]:
    """Whether the server has begun another upload and written all that it can of what was sent."""
    written = sent // CHUNK * CHUNK

    def is_there() -> bool:
        rows = server.rows("SELECT name FROM fourd_rest_uploadedblob WHERE state = 'receiving'")
        if len(rows) != before + 1:
            return False
        files = [server.site.uploads / name for (name,) in rows]
        return sorted(file.stat().st_size for file in files if file.exists())[-1:] >= [written]

    return is_there


def test_killed_in_the_midst_of_an_upload(server: Killable) -> None:
    """13 times while the rest of the body is awaited, 12 times with all of it received."""
    before = upload(server)
    anywhere = random.Random(25)
    offsets = [1, CHUNK - 1, CHUNK, CHUNK + 1, SIZE - 1, *(anywhere.randrange(SIZE) for _ in range(8))]
    for number, sent in enumerate(offsets):
        with Wire(server) as wire:
            wire.send(head("POST", UPLOAD, Content_Length=str(SIZE)) + BODY[:sent])
            server.hit(wire, receiving(server, number, sent))
        server.start()
    whole = head("POST", UPLOAD, Content_Length=str(SIZE)) + BODY
    places = [
        "uploads before",
        *(f"uploads chunk {number}" for number in range(6)),
        "uploads after",
        'sql UPDATE "fourd_rest_uploadedblob" SET "state"',
        "answer",
        "answer",
    ]
    for place in places:
        server.hit_at(place, whole)
        server.start()
    # The size of a body that is not announced is written once it is counted.
    unannounced = head("POST", UPLOAD, Transfer_Encoding="chunked") + chunked(BODY, CHUNK)
    server.hit_at('sql UPDATE "fourd_rest_uploadedblob" SET "size"', unannounced)
    server.start()
    assert server.kills == 25
    # One was whole before the first hit; three were, and nobody was told.
    usable = assert_every_id_is_whole(server)
    assert before.lower() in usable
    assert len(usable) == 1 + 3
    assert len(assert_every_entity_is_whole(server)) == 4
    assert_no_orphan_after_one_sweep(server)


def test_killed_in_the_midst_of_an_attach(server: Killable) -> None:
    """20 times from the first byte of the copy to the answer."""
    identity = upload(server)
    places = [
        *(f"media chunk {number}" for number in range(6)),
        *(f"media chunk {number}" for number in range(1, 5)),
        "media after",
        "media after",
        'sql UPDATE "fourd_rest_entitystamp"',
        'sql INSERT OR IGNORE INTO "fourd_rest_entitystamp"',
        'sql INSERT OR IGNORE INTO "fourd_rest_entitystamp"',
        'sql UPDATE "hr_invoice"',
        'sql UPDATE "hr_invoice"',
        'sql UPDATE "fourd_rest_blobattachment"',
        "answer",
        "answer",
    ]
    for key, place in enumerate(places, 2):
        server.hit_at(place, update(key, identity))
        server.start()
    assert server.kills == 20
    # Two were committed; their clients were not told.
    assert assert_every_entity_is_whole(server) == [20, 21]
    assert assert_every_id_is_whole(server) == {identity.lower()}
    assert_no_orphan_after_one_sweep(server)


def test_killed_after_a_copy_by_the_system(plain: Killable) -> None:
    """5 times between the copy and the answer."""
    identity = upload(plain)
    places = [
        'sql UPDATE "fourd_rest_entitystamp"',
        'sql UPDATE "hr_invoice"',
        'sql UPDATE "hr_invoice"',
        'sql UPDATE "fourd_rest_blobattachment"',
        "answer",
    ]
    for key, place in enumerate(places, 2):
        plain.hit_at(place, update(key, identity))
        plain.start()
    assert plain.kills == 5
    assert len(walk(plain.site.media)) == 5
    assert assert_every_entity_is_whole(plain) == [6]
    assert assert_every_id_is_whole(plain) == {identity.lower()}
    assert_no_orphan_after_one_sweep(plain)
