"""Sixteen attachments of one upload at once, against gunicorn (D-14)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.clients.harness import Answer, Gunicorn, Site
from tests.clients.people import codes, hire
from tests.clients.transports import Ios, Rest4D

from .attach_harness import CLIENTS, at_once, documents, postgresql_database, tables

pytestmark = pytest.mark.slow
ROUNDS = 4
CONTENT = os.urandom(700_001)
SITES = {
    "sqlite-linked": {},
    "sqlite-copied": {"DJANGO_SETTINGS_MODULE": "tests.servers.attach_settings"},
    "postgresql": {"DATABASE_ENGINE": "postgresql"},
}


@pytest.fixture(scope="module")
def sqlite_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("attach")).prepare()


@pytest.fixture(scope="module", params=SITES)
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with ExitStack() as stack:
        environment = dict(SITES[request.param])
        if request.param == "postgresql":
            environment["POSTGRES_DB"] = stack.enter_context(postgresql_database())
            site = Site(tmp_path_factory.mktemp("attach"), **environment).prepare()
        else:
            folder = request.getfixturevalue("sqlite_site").folder
            site = Site(folder, **environment)
        yield stack.enter_context(Gunicorn(site, workers=4, threads=4))


def attach(server: Gunicorn, key: str, stamp: int, blob: str) -> Answer:
    posted = {"__KEY": key, "__STAMP": stamp, "cv": {"ID": blob}}
    return Rest4D(server).call("Employee", {"$method": "update"}, posted)


def upload(server: Gunicorn) -> str:
    answer = Ios(server).upload("", CONTENT, "application/octet-stream")
    assert answer.status == 200, answer.body
    return answer.json["ID"]


def new_rows(server: Gunicorn, keys: list[str]) -> list[list[str]]:
    """The attachments of ``keys``; none anywhere else is unfinished, and no file is without one."""
    attachments, names = tables(server.site)
    assert [row for row in attachments if row[0] != "attached"] == []
    # The sample data came without attachments; its documents belong to its employees.
    known = {row[2] for row in attachments} | set(names.values())
    assert documents(server.site).keys() == known
    return [row for row in attachments if row[1] in keys]


def test_one_upload_to_sixteen_entities(server: Gunicorn) -> None:
    keys = [hire(server)["__KEY"] for _ in range(CLIENTS)]
    blob = upload(server)
    answers = at_once(lambda number: attach(server, keys[number], 1, blob))
    assert [(answer.status, answer.json["__STAMP"]) for answer in answers] == [(200, 2)] * CLIENTS
    rows = new_rows(server, keys)
    assert sorted(row[1] for row in rows) == sorted(keys)
    assert len({row[2] for row in rows}) == CLIENTS
    stored, names = documents(server.site), tables(server.site)[1]
    assert [stored[names[key]] == CONTENT for key in keys] == [True] * CLIENTS
    # Each has its own: what becomes of one is nothing to the others, nor to the upload.
    (server.site.media / names[keys[0]]).unlink()
    for key, answer in zip(keys[1:], answers[1:], strict=True):
        uri = answer.json["cv"]["__deferred"]["uri"]
        shown = Rest4D(server).get(uri)
        assert (shown.status, shown.body == CONTENT) == (200, True), key
    last = hire(server)["__KEY"]
    assert attach(server, last, 1, blob).status == 200
    # Put back what was taken away, so that every document has its file again.
    (server.site.media / names[keys[0]]).write_bytes(CONTENT)


def test_one_upload_sixteen_times_to_one_entity(server: Gunicorn) -> None:
    key, blob = hire(server)["__KEY"], upload(server)
    for stamp in range(1, ROUNDS + 1):
        answers = at_once(lambda number, stamp=stamp: attach(server, key, stamp, blob))
        assert Counter(answer.status for answer in answers) == {200: 1, 500: CLIENTS - 1}
        (winner,) = (answer.json for answer in answers if answer.status == 200)
        assert winner["__STAMP"] == stamp + 1
        for answer in answers:
            if answer.status == 500:
                assert codes(answer.json) == [1263, 1046, 1517]
                assert answer.json["__STAMP"] == stamp + 1
    rows = new_rows(server, [key])
    assert len(rows) == len({row[2] for row in rows}) == ROUNDS
    stored, names = documents(server.site), tables(server.site)[1]
    assert names[key] in {row[2] for row in rows}
    assert [stored[row[2]] == CONTENT for row in rows] == [True] * ROUNDS
