"""The sample site under gunicorn, and requests as raw bytes.

Nothing here is asserted about answers; the tests say what must hold.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds until a silent process is given up


@dataclass(frozen=True)
class Answer:
    """``headers`` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A prepared sample site that lets guests in; everything of it lies in ``folder``."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.media = folder / "media"
        self.uploads = folder / "uploads"
        inherited = dict(os.environ)
        # Left by an earlier demo or by the settings of these tests.
        for name in ("DEMO_DATABASE", "DEMO_MEDIA", "DEMO_HOSTS", "DJANGO_SECRET_KEY"):
            inherited.pop(name, None)
        self.environment = {
            **inherited,
            "DJANGO_SETTINGS_MODULE": "tests.clients.settings",
            "DATABASE_ENGINE": "sqlite",
            "DEMO_VAR": str(folder),
            "DEMO_GUESTS": "1",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }

    def run(self, *arguments: str) -> str:
        """Output of ``python ARGUMENTS`` on this site, which must succeed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def prepare(self) -> Site:
        self.run("manage.py", "demo", "--no-serve")
        return self


class Gunicorn:
    """``site`` under gunicorn on a free port; a context."""

    def __init__(self, site: Site, *, workers: int = 1, threads: int = 4) -> None:
        self.site = site
        self.workers, self.threads = workers, threads

    def __enter__(self) -> Gunicorn:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = self.site.folder / f"gunicorn-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "testproject.wsgi", "--log-level", "warning"),
                    *("--bind", f"127.0.0.1:{self.port}", "--no-control-socket"),
                    *("--workers", str(self.workers)),
                    *("--worker-class", "gthread", "--threads", str(self.threads)),
                ],
                cwd=ROOT,
                env=self.site.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()
        return self

    def __exit__(self, *args: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.send(request("GET", "/rest/", {"Host": self.host})).status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError(f"gunicorn does not answer: {self.log.read_text()}")

    def send(self, data: bytes) -> Answer:
        """The answer to the request that ``data`` is, on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(data)
            with connection.makefile("rb") as file:
                return _answer(file)


def _answer(file: Any) -> Answer:
    line = file.readline()
    if not line:
        raise ConnectionResetError("closed without an answer")
    status, headers = int(line.split(b" ", 2)[1]), {}
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length")
    body = file.read() if length is None else file.read(int(length))
    if length is not None and len(body) != int(length):
        raise ConnectionResetError(f"{len(body)} of {length} bytes of the answer")
    return Answer(status, headers, body)


def request(verb: str, target: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """A request as it goes over the wire; a body brings its Content-Length along."""
    lines = [f"{verb} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
