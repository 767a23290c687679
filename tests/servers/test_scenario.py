"""The two scenarios of ``$upload``, byte for byte as its page writes them, on a fresh demo.

Served by ``manage.py demo`` itself, and by gunicorn and uvicorn with the lines that it prints.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import Server, Site, Wire, free_port

MOMENT = re.compile(r'"__TIMESTAMP":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"')

# As the page has it, with its unquoted names and its space at the end of a line.
UPDATE_PHOTO = """{
    __KEY: "12",
    __STAMP: 4,
    photo: { "ID": "%s" } 
}"""  # noqa: W291
# What the 4D client makes of its object: the stamp is a text there.
UPDATE_PDF = '{"__KEY":"3","__STAMP":"3","pdf":{"ID":"%s"}}'


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: Any) -> tuple[Site, str]:
    """A demo that is prepared and not served, and what it printed."""
    site = Site(tmp_path_factory.mktemp("demo"), settings="testproject.settings")
    return site, site.run("manage.py", "demo", "--no-serve", "127.0.0.1:8081")


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("demo", "uvicorn")]


@pytest.fixture(scope="module", params=["gunicorn", *SLOW])
def server(request: Any, tmp_path_factory: Any) -> Iterator[Server]:
    """``manage.py demo`` from nothing, or a prepared demo under the line that it printed."""
    port = free_port()
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "demo":
        command = ["manage.py", "demo", f"127.0.0.1:{port}"]
    else:
        template, printed = request.getfixturevalue("fresh")
        shutil.copytree(template.folder, folder, dirs_exist_ok=True)
        (line,) = [line for line in printed.splitlines() if line.startswith(request.param)]
        command = ["-m", *line.replace("8081", str(port)).split()]
    yield from serve(folder, request.param, command, port)


def serve(folder: Path, name: str, command: list[str], port: int) -> Iterator[Server]:
    site = Site(folder, settings="testproject.settings")
    running = Server(site, name, command=command, port=port)
    try:
        yield running.wait()
    finally:
        running.stop()


@pytest.fixture
def untouched(fresh: tuple[Site, str], tmp_path: Path) -> Iterator[Server]:
    """A prepared demo, served by ``manage.py demo``."""
    shutil.copytree(fresh[0].folder, tmp_path, dirs_exist_ok=True)
    port = free_port()
    yield from serve(tmp_path, "demo", ["manage.py", "demo", f"127.0.0.1:{port}"], port)


def read(server: Server, path: str) -> bytes:
    with Wire(server) as wire:
        answer = wire.request("GET", path)
    assert answer.status == 200
    return answer.body


def send(server: Server, url: str, body: bytes, **headers: str) -> str:
    """The text of the answer to a POST by curl, or by a bare socket where there is no curl."""
    curl = shutil.which("curl")
    if curl is None:
        with Wire(server) as wire:
            origin, _, path = url.partition("/rest/")
            reply = wire.request(
                "POST", f"/rest/{path}", body, Host=origin.removeprefix("http://"), **headers
            )
        assert reply.status == 200, reply
        return reply.body.decode()
    options = [part for name, value in headers.items() for part in ("-H", _header(name, value))]
    done = subprocess.run(
        [curl, "-s", "-w", "\n%{http_code}", "-X", "POST", *options, "--data-binary", "@-", url],
        input=body,
        capture_output=True,
        check=True,
    )
    answer, _, status = done.stdout.decode().rpartition("\n")
    assert status == "200", answer
    return answer


def _header(name: str, value: str) -> str:
    return f"{name.replace('_', '-')}: {value}"


def upload(server: Server, url: str, body: bytes, **headers: str) -> str:
    answer = send(server, url, body, **headers)
    match = re.fullmatch(r'\{"ID":"([0-9A-F]{32})"\}', answer)
    assert match, answer
    return match[1]


def assert_exact(answer: str, expected: dict[str, Any]) -> None:
    """The text of ``answer`` is ``expected`` but for the moment of the save."""
    match = MOMENT.search(answer)
    assert match
    expected = {name: match[1] if name == "__TIMESTAMP" else value for name, value in expected.items()}
    assert answer == json.dumps(expected, separators=(",", ":"), ensure_ascii=False)


def employee_after(before: dict[str, Any], origin: str) -> dict[str, Any]:
    assert (before["__STAMP"], before["firstName"], before["lastName"]) == (4, "John", "Smith")
    assert before["photo"] is None
    photo = "/rest/Employee(12)/photo?$imageformat=best&$version=5&$expand=photo"
    return {
        "__STATUS": {"success": True},
        "__KEY": "12",
        "__STAMP": 5,
        "uri": f"{origin}/rest/Employee(12)",
        "__TIMESTAMP": "",
        "ID": 12,
        "firstName": "John",
        "lastName": "Smith",
        "salary": before["salary"],
        "birthDate": before["birthDate"],
        "woman": False,
        "photo": {"__deferred": {"uri": photo, "image": True}},
        "employer": before["employer"],
        "manager": before["manager"],
        "team": {"__deferred": {"uri": "/rest/Employee(12)/team?$expand=team"}},
        "managedCompanies": {
            "__deferred": {"uri": "/rest/Employee(12)/managedCompanies?$expand=managedCompanies"}
        },
    }


def invoice_after(before: dict[str, Any], origin: str) -> dict[str, Any]:
    assert before["__STAMP"] == 3
    assert before["pdf"] is None
    return {
        "__STATUS": {"success": True},
        "__KEY": "3",
        "__STAMP": 4,
        "uri": f"{origin}/rest/Invoices(3)",
        "__TIMESTAMP": "",
        "ID": 3,
        "reference": before["reference"],
        "amount": before["amount"],
        "date": before["date"],
        "pdf": {"__deferred": {"uri": "/rest/Invoices(3)/pdf?$binary=true&$version=4&$expand=pdf"}},
        "company": before["company"],
    }


def assert_kept(server: Server, answer: str, attribute: str, file: bytes) -> None:
    """The address in the answer gives the very bytes that were sent."""
    assert read(server, json.loads(answer)[attribute]["__deferred"]["uri"]) == file


def test_a_picture_for_an_employee(server: Server) -> None:
    before = json.loads(read(server, "/rest/Employee(12)"))
    picture = (server.site.folder / "sample" / "portrait.jpg").read_bytes()
    identity = upload(server, f"{server.origin}/rest/$upload?$rawPict=true", picture)
    body = (UPDATE_PHOTO % identity).encode()
    answer = send(server, f"{server.origin}/rest/Employee/?$method=update", body)
    assert_exact(answer, employee_after(before, server.origin))
    assert_kept(server, answer, "photo", picture)


def test_a_document_for_an_invoice(server: Server) -> None:
    """What the 4D HTTP client sends, to ``localhost``."""
    before = json.loads(read(server, "/rest/Invoices(3)"))
    origin = server.origin.replace("127.0.0.1", "localhost")
    document = (server.site.folder / "sample" / "inv003.pdf").read_bytes()
    octets, json_type = "application/octet-stream", "application/json"
    identity = upload(server, f"{origin}/rest/$upload?$binary=true", document, Content_Type=octets)
    body = (UPDATE_PDF % identity).encode()
    answer = send(server, f"{origin}/rest/Invoices?$method=update", body, Content_Type=json_type)
    assert_exact(answer, invoice_after(before, origin))
    assert_kept(server, answer, "pdf", document)


def test_the_lines_that_the_demo_prints(untouched: Server, curl: str) -> None:
    """Pasted into a shell while the demo serves, they play both scenarios."""
    employee = json.loads(read(untouched, "/rest/Employee(12)"))
    invoice = json.loads(read(untouched, "/rest/Invoices(3)"))
    printed = untouched.log.read_text()
    first, _, second = printed[printed.index("ID=$(") : printed.index("\nServing with")].partition(
        "\nA PDF for"
    )
    second = second[second.index("ID=$(") :]
    answer = paste(first)
    assert_exact(answer, employee_after(employee, untouched.origin))
    sample = untouched.site.folder / "sample"
    assert_kept(untouched, answer, "photo", (sample / "portrait.jpg").read_bytes())
    answer = paste(second)
    assert_exact(answer, invoice_after(invoice, untouched.origin))
    assert_kept(untouched, answer, "pdf", (sample / "inv003.pdf").read_bytes())


def paste(lines: str) -> str:
    return subprocess.run(["bash", "-e"], input=lines, capture_output=True, text=True, check=True).stdout
