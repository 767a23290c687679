"""Converted pictures among worker processes: one file however many ask, and none half there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PRELUDE = """
import hashlib, json, sys
import django
django.setup()
from django.core.management import call_command
from django.test import Client
"""
PREPARE = """
from django.core.files.base import ContentFile
from testproject.hr.models import Employee
call_command("migrate", verbosity=0)
anna = Employee(pk=1, first_name="Anna", last_name="Weber")
anna.photo.save("anna.tif", ContentFile(sys.stdin.buffer.read()))
"""
# Says that it is ready, waits for a line, asks for the pictures and tells what it got.
WORKER = """
client = Client()
client.get("/rest/Employee(1)", headers={"host": "localhost"})
print("ready", flush=True)
for line in sys.stdin:
    response = client.get(f"/rest/Employee(1)/photo?{line.strip()}", headers={"host": "localhost"})
    data = response.getvalue()
    print(json.dumps([response.status_code, len(data), hashlib.sha256(data).hexdigest()]), flush=True)
"""
CLEANUP = """
from fourd_rest.pictures import conversions
conversions._GRACE = -1
call_command("fourd_cleanup", verbosity=0)
call_command("fourd_cleanup", verbosity=0)
"""


class Site:
    """The sample site in a folder of its own, whose guests may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "testproject.settings",
            "PYTHONPATH": str(ROOT),
            "DATABASE_ENGINE": "sqlite",
            "DEMO_VAR": str(folder),
            "DEMO_GUESTS": "1",
        }
        for name in ("DEMO_DATABASE", "DEMO_MEDIA"):
            self.environment.pop(name, None)

    def start(self, script: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PRELUDE + script],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, script: str, sent: bytes = b"") -> None:
        with self.start(script) as process:
            process.communicate(sent, timeout=60)
        assert process.returncode == 0

    def rows(self) -> list[tuple[str, str, int]]:
        with closing(sqlite3.connect(self.folder / "demo.sqlite3", timeout=20)) as database:
            select = "SELECT state, name, size FROM fourd_rest_convertedpicture ORDER BY id"
            return database.execute(select).fetchall()

    def boxes(self) -> set[str]:
        with closing(sqlite3.connect(self.folder / "demo.sqlite3", timeout=20)) as database:
            return {box for (box,) in database.execute("SELECT box FROM fourd_rest_convertedpicture")}

    def files(self) -> dict[str, int]:
        uploads = self.folder / "uploads"
        return {
            path.relative_to(uploads).as_posix(): path.stat().st_size
            for path in (uploads / "converted").rglob("*")
            if path.is_file()
        }

    def age(self) -> None:
        with closing(sqlite3.connect(self.folder / "demo.sqlite3", timeout=20)) as database, database:
            database.execute(
                "UPDATE fourd_rest_convertedpicture SET touched = '2020-01-01' WHERE state = 'making'"
            )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    found = Site(tmp_path_factory.mktemp("site"))
    noise = Image.frombytes("RGB", (300, 200), random.Random(5).randbytes(180_000)).resize((1200, 800))
    out = io.BytesIO()
    noise.save(out, "TIFF")
    found.run(PREPARE, out.getvalue())
    return found


@pytest.fixture(scope="module")
def workers(site: Site) -> Iterator[list[Any]]:
    with ExitStack() as stack:
        started = [stack.enter_context(site.start(WORKER)) for _ in range(6)]
        for worker in started:
            assert worker.stdout.readline() == b"ready\n"
        yield started
        for worker in started:
            worker.stdin.close()


@pytest.mark.parametrize("params", ["$imageformat=png", "$imageformat=webp", "$size=90x90"])
def test_many_ask_for_the_same(site: Site, workers: list[Any], params: str) -> None:
    before = site.files()
    for worker in workers:
        worker.stdin.write(f"{params}\n".encode())
        worker.stdin.flush()
    answers = {tuple(json.loads(worker.stdout.readline())) for worker in workers}
    assert len(answers) == 1
    ((status, length, digest),) = answers
    (name,) = site.files().keys() - before.keys()
    data = (site.folder / "uploads" / name).read_bytes()
    assert (status, length, digest) == (200, len(data), hashlib.sha256(data).hexdigest())
    assert ("ready", name, length) in site.rows()
    assert {state for state, _, _ in site.rows()} == {"ready"}


def test_a_worker_is_killed(site: Site) -> None:
    """At any moment of making a picture; SIGKILL asks nobody."""
    chance = random.Random(6)
    cut = 0
    for index in range(6):
        side = 500 + index
        with site.start(WORKER) as worker:
            assert worker.stdin and worker.stdout
            assert worker.stdout.readline() == b"ready\n"
            worker.stdin.write(f"$size={side}x{side}&$imageformat=png\n".encode())
            worker.stdin.flush()
            deadline = time.monotonic() + 10
            while f"{side}x{side}" not in site.boxes() and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(chance.uniform(0.0, 0.08))
            worker.kill()
        cut += any(state == "making" for state, _, _ in site.rows())
        files = site.files()
        # What may be served is whole, what is not whole may not.
        for state, name, size in site.rows():
            assert state in ("ready", "making")
            if state == "ready":
                assert files[name] == size
        site.age()
    assert cut > 0
    site.run(CLEANUP)
    assert site.files() == {name: size for _, name, size in site.rows()}
    assert {state for state, _, _ in site.rows()} <= {"ready"}
    with site.start(WORKER) as worker:
        out, _ = worker.communicate(b"$size=501x501&$imageformat=png\n", timeout=60)
    assert worker.returncode == 0
    assert json.loads(out.splitlines()[1])[0] == 200
