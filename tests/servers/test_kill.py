"""``kill -9`` in mid-upload and mid-attach: nothing short is resolved, one sweep leaves no orphan."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import PATIENCE, Server, Site, Wire, copy_site, head, walk
from .kill_urls import MOMENTS

pytestmark = pytest.mark.slow

KILLS = 25
CONTENT = b"%PDF-1.4\n" + bytes(range(256)) * 1_200  # 307 KB, many pieces

PREPARE = """
import datetime as dt
from testproject.hr.models import Company, Invoice
company = Company.objects.create(name="Acme")
for number in range(1, 31):
    Invoice.objects.create(
        reference=f"R{number}", amount=1, date=dt.date(2026, 1, 1), company=company
    )
"""

# What waiting for the stall time-out would do, then one sweep, then what there is.
SWEEP = """
import datetime as dt, json
from django.core.management import call_command
from django.utils import timezone
from fourd_rest.models import BlobAttachment, EntityStamp, UploadedBlob
from testproject.hr.models import Invoice
past = timezone.now() - dt.timedelta(days=1)
stalled = UploadedBlob.objects.filter(state="receiving").update(progressed=past)
intents = BlobAttachment.objects.filter(state="intent").update(progressed=past)
call_command("fourd_cleanup", verbosity=0, stdout=open("/dev/null", "w"))
print(json.dumps({
    "stalled": stalled,
    "intents": intents,
    "ready": {str(b.pk): [b.name, b.size] for b in UploadedBlob.objects.filter(state="ready")},
    "named": list(UploadedBlob.objects.exclude(state="ready").exclude(name="").values_list("name")),
    "open": BlobAttachment.objects.exclude(state="attached").count(),
    "attached": BlobAttachment.objects.filter(state="attached").count(),
    "unusable": [b.wire_id for b in UploadedBlob.objects.exclude(state="ready")],
    "pdfs": {i.pk: i.pdf.name for i in Invoice.objects.exclude(pdf="")},
    "stamps": dict(EntityStamp.objects.filter(dataclass="hr.invoice").values_list("key", "stamp")),
}))
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("kill"), settings="tests.servers.kill_settings")
    site.run("manage.py", "migrate", "--run-syncdb", "-v", "0")
    script(site, PREPARE)
    return site


@pytest.fixture
def site(template: Site, tmp_path: Path) -> Site:
    return copy_site(template, tmp_path / "site", settings="tests.servers.kill_settings")


def script(site: Site, source: str) -> str:
    return site.run("manage.py", "shell", "-v", "0", "-c", source)


@pytest.fixture
def server(site: Site) -> Iterator[Callable[[], Server]]:
    """``server()`` starts one and waits for it; the last one is stopped at the end."""
    started: list[Server] = []

    def start() -> Server:
        started.append(Server(site, "gthread").wait())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def until(reached: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def has_no_answer(wire: Wire) -> bool:
    try:
        wire.answer()
    except (ConnectionError, ValueError):
        return True
    return False


def swept(site: Site) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(script(site, SWEEP).splitlines()[-1])
    return report


def test_killed_in_mid_upload(site: Site, server: Callable[[], Server]) -> None:
    chance = random.Random(4)
    for kill in range(KILLS):
        running = server()
        before = set(site.files())
        with Wire(running) as wire:
            wire.send(head("POST", "/rest/$upload?$binary=true", Content_Length=str(len(CONTENT))))
            offset = len(CONTENT) - 1 if kill % 5 == 0 else chance.randrange(140_000, len(CONTENT))
            wire.send(CONTENT[:offset])
            # Bytes of this body are in the storage: the hit falls after its first and before its last.
            until(lambda before=before: any(p.stat().st_size for p in set(site.files()) - before))
            running.kill()
            assert has_no_answer(wire)
    assert len(site.files()) == KILLS
    report = swept(site)
    assert report["stalled"] == KILLS
    assert report["ready"] == {}
    assert report["named"] == []
    assert site.files() == []
    with Wire(server()) as wire:
        for identity in report["unusable"]:
            refused = wire.request(
                "POST",
                "/rest/Invoices",
                json.dumps({"__KEY": "1", "__STAMP": 1, "pdf": {"ID": identity}}).encode(),
            )
            assert refused.status == 500
            assert refused.json["__ERROR"][0]["errCode"] == 1826


def test_killed_in_mid_attach(site: Site, server: Callable[[], Server]) -> None:
    reached, moment = site.folder / "reached", site.folder / "moment"
    for kill in range(KILLS):
        running = server()
        with Wire(running) as wire:
            uploaded = wire.request("POST", "/rest/$upload?$timeout=3600", CONTENT)
            assert uploaded.status == 200
            moment.write_text(MOMENTS[kill % len(MOMENTS)])
            body = {"__KEY": str(kill + 1), "__STAMP": 1, "pdf": uploaded.json}
            posted = json.dumps(body).encode()
            wire.send(head("POST", "/rest/Invoices", Content_Length=str(len(posted))) + posted)
            # The copy has begun, or is about to; there is no answer yet.
            until(lambda: reached.exists() and reached.read_text())
            running.kill()
            assert has_no_answer(wire)
        assert reached.read_text() == moment.read_text()
        moment.unlink()
        reached.unlink()
    assert walk(site.media)
    report = swept(site)
    assert report["intents"] == KILLS
    assert (report["open"], report["attached"]) == (0, 0)
    assert report["pdfs"] == {}
    assert set(report["stamps"].values()) == {1}
    assert walk(site.media) == []
    # The uploads themselves are whole and still usable: the client may try again.
    assert len(report["ready"]) == KILLS
    assert {p.stat().st_size for p in site.files()} == {len(CONTENT)}
    with Wire(server()) as wire:
        identity = next(iter(report["ready"])).replace("-", "").upper()
        body = {"__KEY": "1", "__STAMP": 1, "pdf": {"ID": identity}}
        assert wire.request("POST", "/rest/Invoices", json.dumps(body).encode()).status == 200
        assert wire.request("GET", "/rest/Invoices(1)/pdf?$binary=true").body == CONTENT
