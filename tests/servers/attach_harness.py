"""Many clients that use one upload at the same moment, and what lies on disk and in tables then."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest

from tests.clients.harness import PATIENCE, Answer, Site

REQUIRE_SERVICES = os.environ.get("FOURD_REST_REQUIRE_SERVICES") == "1"

CLIENTS = 16
TABLES = """
import json, django
django.setup()
from fourd_rest.models import BlobAttachment
from testproject.hr.models import Employee
print(json.dumps({
    "attachments": list(BlobAttachment.objects.values_list("state", "key", "name")),
    "names": {str(pk): cv for pk, cv in Employee.objects.exclude(cv="").values_list("pk", "cv")},
}))
"""


def at_once(act: Callable[[int], Answer]) -> list[Answer]:
    """The answers to ``act(0)`` … ``act(15)``, all sent at the same moment."""
    barrier = Barrier(CLIENTS)

    def run(number: int) -> Answer:
        barrier.wait(PATIENCE)
        return act(number)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(run, range(CLIENTS)))


def tables(site: Site) -> tuple[list[list[str]], dict[str, str]]:
    """All attachments (state, key, name), and the names of the CVs by key."""
    seen = json.loads(site.run("-c", TABLES))
    return seen["attachments"], seen["names"]


def documents(site: Site) -> dict[str, bytes]:
    """Every CV that lies in the storage, by name."""
    return {
        path.relative_to(site.media).as_posix(): path.read_bytes()
        for path in (site.media / "cvs").rglob("*")
        if path.is_file()
    }


@contextmanager
def postgresql_database() -> Iterator[str]:
    """A new, empty database; skips the test if there is no PostgreSQL server and none is required."""
    address = {
        "host": os.environ.get("PGHOST", "127.0.0.1"),
        "port": os.environ.get("PGPORT", "5432"),
        "user": os.environ.get("PGUSER", "postgres"),
        "password": os.environ.get("PGPASSWORD", ""),
    }
    try:
        connection = psycopg.connect(**address, dbname="postgres", autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        if REQUIRE_SERVICES:
            pytest.fail(f"PostgreSQL is required: {error}")
        pytest.skip(f"PostgreSQL does not answer: {error}")
    name = f"fourd_rest_attach_{uuid4().hex[:12]}"
    with connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield name
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
