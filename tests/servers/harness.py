"""Sites of their own for the tests: folders, databases, server processes, and a client on a bare socket.

What must hold is said by the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pymysql
import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIRE_SERVICES = os.environ.get("FOURD_REST_REQUIRE_SERVICES") == "1"
PATIENCE = 60.0  # seconds until a silent server or client is given up


class Site:
    """A site in its own folder: database, uploads, files of entities.

    ``engine`` is ``sqlite`` (a file in the folder) or ``postgresql`` (``database`` names it);
    ``fourd_rest`` is added to the setting of that name, ``environment`` to the processes'.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: str = "tests.servers.settings",
        engine: str = "sqlite",
        database: str = "",
        fourd_rest: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.media = folder / "media"
        self.uploads = folder / "uploads"
        self.database = folder / "demo.sqlite3"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "DEMO_VAR": str(folder),
            "DATABASE_ENGINE": engine,
            "POSTGRES_DB": database,
            "SITE_FOURD_REST": json.dumps(fourd_rest or {}),
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        # Left by an earlier demo or set for another one.
        for name in ("DEMO_DATABASE", "DEMO_MEDIA", "DEMO_GUESTS", "DEMO_HOSTS", "DJANGO_SECRET_KEY"):
            if name not in (environment or {}):
                self.environment.pop(name, None)

    def run(self, *arguments: str, input: str = "") -> str:
        """Output of ``python ARGUMENTS`` on this site, which must succeed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self) -> list[Path]:
        """Every file in the folder of the uploads."""
        return walk(self.uploads)


def walk(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def copy_site(template: Site, folder: Path, **options: Any) -> Site:
    """A new SQLite site with the data of ``template``."""
    site = Site(folder, **options)
    shutil.copy(template.database, site.database)
    return site


# Crews.


class Crew:
    """``crew.py``, or another module of its kind, running on ``site``; a call per command."""

    def __init__(self, site: Site, module: str = "tests.servers.crew") -> None:
        self.log = (site.folder / "crew.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=site.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def __call__(self, do: str, **arguments: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self._complaints()
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _complaints(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def close(self) -> None:
        with self.process:
            self.process.stdin.close()  # type: ignore[union-attr]
        self.log.close()


# Servers.


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(kind: str, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    match kind:
        case "sync" | "gthread":
            threads = ["--threads", "4"] if kind == "gthread" else []
            return [
                *("-m", "gunicorn", "testproject.wsgi", "--bind", address, "--workers", "1"),
                *("--worker-class", kind, *threads, "--no-control-socket", "--log-level", "warning"),
            ]
        case "uvicorn":
            return [
                *("-m", "uvicorn", "testproject.asgi:application", "--host", "127.0.0.1"),
                *("--port", str(port), "--log-level", "warning"),
            ]
        case "runserver":
            return ["manage.py", "runserver", "--noreload", "--skip-checks", address]
    raise ValueError(kind)


class Server:
    """One server process of ``site``, in a process group of its own; ``kind`` is a worker class of
    gunicorn, ``uvicorn`` or ``runserver``, or ``command`` says it all."""

    def __init__(
        self, site: Site, kind: str, *, command: list[str] | None = None, port: int | None = None
    ) -> None:
        self.site = site
        self.kind = kind
        self.port = port or free_port()
        self.log = site.folder / f"{kind}-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(command or _command(kind, self.port))],
                cwd=ROOT,
                env=site.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> Server:
        """Return once ``GET /rest/`` is answered."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with Wire(self) as wire:
                    wire.send(b"GET /rest/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if wire.answer().status == 200:
                        return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.kind} does not answer: {self.log.read_text()}")

    def kill(self) -> None:
        """SIGKILL to master and workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.kill()


# HTTP on a bare socket.


@dataclass(frozen=True)
class Answer:
    """``headers`` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection to a server, byte by byte."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        """Close so that the other side sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def finish(self) -> None:
        """Send nothing more, but listen on."""
        self.socket.shutdown(socket.SHUT_WR)

    def request(self, verb: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """A whole request with its length, and its answer."""
        self.send(head(verb, path, Content_Length=str(len(body)), **headers) + body)
        return self.answer()

    def answer(self) -> Answer:
        """The next final answer. Raises ``ConnectionError`` if there is none."""
        while (interim := self._head())[0] == 100:
            pass
        status, headers = interim
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        elif "content-length" in headers:
            body = self._exactly(int(headers["content-length"]))
        else:
            body = self._file.read()
        return Answer(status, headers, body)

    def interim(self) -> int:
        """The status of the next head alone."""
        return self._head()[0]

    def is_closed(self) -> bool:
        """Whether the other side has closed; waits for that."""
        return self._file.read(1) == b""

    def _head(self) -> tuple[int, dict[str, str]]:
        line = self._file.readline()
        if not line:
            raise ConnectionResetError("closed without an answer")
        status = int(line.split(b" ", 2)[1])
        headers = {}
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return status, headers

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise ConnectionResetError(f"{len(data)} of {size} bytes of the answer")
        return data

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._file.readline(), 16):
            yield self._exactly(size)
            self._file.readline()
        self._file.readline()


def head(verb: str, path: str, **headers: str) -> bytes:
    """The head of a request; ``Content_Length`` stands for ``Content-Length``."""
    headers = {"Host": "localhost", **headers}
    lines = [f"{verb} {path} HTTP/1.1", *(f"{n.replace('_', '-')}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(data: bytes, size: int) -> bytes:
    """``data`` in chunks of ``size``, with the last chunk that ends it."""
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


# Databases.


def postgresql_address() -> dict[str, str]:
    return {
        "host": os.environ.get("PGHOST", "127.0.0.1"),
        "port": os.environ.get("PGPORT", "5432"),
        "user": os.environ.get("PGUSER", "postgres"),
        "password": os.environ.get("PGPASSWORD", ""),
    }


@contextmanager
def postgresql_database() -> Iterator[str]:
    """A new, empty database; skips the test if there is no PostgreSQL server and none is required."""
    try:
        connection = psycopg.connect(
            **postgresql_address(), dbname="postgres", autocommit=True, connect_timeout=5
        )
    except psycopg.OperationalError as error:
        if REQUIRE_SERVICES:
            pytest.fail(f"PostgreSQL is required: {error}")
        pytest.skip(f"PostgreSQL does not answer: {error}")
    name = f"fourd_rest_servers_{uuid4().hex[:12]}"
    with connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield name
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def mariadb_database() -> Iterator[str]:
    """A new, empty database; skips the test if there is no MariaDB server and none is required."""
    try:
        connection = pymysql.connect(
            host=os.environ.get("MYSQL_HOST", "127.0.0.1"),
            port=int(os.environ.get("MYSQL_PORT", "3306")),
            user=os.environ.get("MYSQL_USER", "root"),
            password=os.environ.get("MYSQL_PWD", ""),
            connect_timeout=5,
        )
    except pymysql.err.OperationalError as error:
        if REQUIRE_SERVICES:
            pytest.fail(f"MariaDB is required: {error}")
        pytest.skip(f"MariaDB does not answer: {error}")
    name = f"fourd_rest_servers_{uuid4().hex[:12]}"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        try:
            yield name
        finally:
            cursor.execute(f"DROP DATABASE `{name}`")
