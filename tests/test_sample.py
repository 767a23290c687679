"""The sample site: its data is whole, and ``manage.py demo`` prepares it once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.test import Client
from PIL import Image

from fourd_rest.models import EntityStamp
from testproject import environment
from testproject.hr import sample
from testproject.hr.management.commands.demo import Address
from testproject.hr.models import Company, Employee, Invoice


@pytest.fixture
def data(db: None, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    sample.load()


def assert_is_pdf(content: bytes) -> None:
    """Header, trailer, and a cross-reference table whose every offset is where its object begins."""
    assert content.startswith(b"%PDF-1.4\n")
    assert content.endswith(b"%%EOF\n")
    table = int(content.rpartition(b"startxref\n")[2].split()[0])
    head = re.compile(rb"xref\n0 (\d+)\n").match(content, table)
    assert head
    entries = re.compile(rb"(\d{10}) (\d{5}) ([fn]) \n").findall(content, head.end())
    assert len(entries) == int(head[1])
    assert entries[0] == (b"0000000000", b"65535", b"f")
    assert b"/Size %d " % len(entries) in content[table:]
    for number, (offset, _, _) in enumerate(entries[1:], 1):
        assert content.startswith(b"%d 0 obj\n" % number, int(offset))
    stream = re.search(rb"/Length (\d+) >>\nstream\n", content)
    assert stream
    assert content.startswith(b"endstream", stream.end() + int(stream[1]))


def test_there_is_as_much_as_promised(data: None) -> None:
    assert Company.objects.count() == 30
    assert Employee.objects.count() == 600
    assert Invoice.objects.count() == 200
    assert Employee.objects.exclude(photo="").count() == 60
    assert Employee.objects.exclude(cv="").count() == 40
    assert Invoice.objects.exclude(pdf="").count() == 199
    # Nulls of every kind are there to be asked for.
    assert Employee.objects.filter(employer=None).exists()
    assert Employee.objects.filter(salary=None).exists()
    assert Company.objects.filter(revenues=None).exists()
    assert Company.objects.filter(creation_date=None).exists()


def test_managers_lead_the_people_of_their_own_company(data: None) -> None:
    for company in Company.objects.select_related("manager"):
        assert company.manager
        assert company.manager.employer == company
        others = company.staff.exclude(pk=company.manager.pk)
        assert set(others.values_list("manager", flat=True)) == {company.manager.pk}


def test_john_smith_waits_for_his_photo(data: None) -> None:
    john = Employee.objects.get(pk=12)
    assert str(john) == "John Smith"
    assert john.stamp == 4
    assert not john.photo
    assert john.employer
    assert john.manager
    assert Employee.objects.exclude(stamp=1).get() == john


def test_the_third_invoice_waits_for_its_pdf(data: None) -> None:
    invoice = Invoice.objects.get(pk=3)
    assert invoice.reference == "INV003"
    assert not invoice.pdf
    assert EntityStamp.objects.get(dataclass="hr.invoice", key="3").stamp == 3
    assert EntityStamp.objects.filter(dataclass="hr.invoice", stamp=1).count() == 199
    assert EntityStamp.objects.filter(dataclass="hr.company", stamp=1).count() == 30


def test_every_portrait_decodes(data: None) -> None:
    formats = set()
    for employee in Employee.objects.exclude(photo=""):
        with employee.photo.open() as file, Image.open(file) as image:
            image.load()
            assert image.size == (240, 320)
            formats.add(image.format)
    assert formats == {"JPEG", "PNG"}


def test_every_document_is_a_pdf(data: None) -> None:
    for invoice in Invoice.objects.exclude(pdf="").select_related("company"):
        with invoice.pdf.open() as file:
            content = file.read()
        assert_is_pdf(content)
        for text in (invoice.reference, invoice.company.name, str(invoice.amount)):
            assert text.encode("cp1252") in content
    for employee in Employee.objects.exclude(cv=""):
        with employee.cv.open() as file:
            assert_is_pdf(file.read())


def test_text_that_pdf_must_escape() -> None:
    content = sample.pdf(r"a (b) \ c", ["Łukasz Yılmaz"])
    assert_is_pdf(content)
    assert rb"(a \(b\) \\ c) Tj" in content
    assert b"(Lukasz Yilmaz) Tj" in content


def test_the_data_is_the_same_every_time(data: None) -> None:
    before = list(Employee.objects.order_by("pk").values_list("last_name", "salary", "employer"))
    Invoice.objects.all().delete()
    Employee.objects.all().delete()
    Company.objects.all().delete()
    assert not sample.is_loaded()
    sample.load()
    after = list(Employee.objects.order_by("pk").values_list("last_name", "salary", "employer"))
    assert before == after
    assert sample.portrait("Jane", "Doe", woman=True) == sample.portrait("Jane", "Doe", woman=True)


def test_new_rows_get_keys_of_their_own(data: None) -> None:
    company = Company.objects.create(name="New")
    assert company.pk > 30
    assert Employee.objects.create(first_name="A", last_name="B").pk > 600


@pytest.mark.parametrize(
    "path",
    [
        "hr/company/1/change/",
        "hr/employee/",
        "hr/employee/5/change/",
        "hr/employee/12/change/",
        "hr/invoice/",
        "hr/invoice/3/change/",
        "hr/invoice/4/change/",
    ],
)
def test_administration(data: None, path: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(f"/admin/{path}")
    assert page.status_code == 200
    # Files are linked through the REST surface alone.
    addresses = re.findall(r'(?:src|href)="([^"]*(?:photos|cvs|invoices)/[^"]*)"', page.text)
    assert addresses == []


def test_style_sheets_need_no_collecting(db: None, client: Client) -> None:
    page = client.get("/static/admin/css/base.css")
    assert page.status_code == 200
    assert b"".join(page)
    page.close()


@pytest.mark.parametrize(
    ("text", "bind", "url", "hosts", "loopback"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", "http://127.0.0.1:80", "127.0.0.1", True),
        (":8000", "127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1", True),
        ("8000", "127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1", True),
        ("localhost:1", "localhost:1", "http://localhost:1", "localhost", True),
        ("[::1]:8000", "[::1]:8000", "http://[::1]:8000", "[::1]", True),
        ("0.0.0.0:8000", "0.0.0.0:8000", "http://127.0.0.1:8000", "*", False),
        ("[::]:8000", "[::]:8000", "http://127.0.0.1:8000", "*", False),
        ("192.0.2.1:8000", "192.0.2.1:8000", "http://192.0.2.1:8000", "192.0.2.1", False),
        ("example.org:8000", "example.org:8000", "http://example.org:8000", "example.org", False),
    ],
)
def test_addresses(text: str, bind: str, url: str, hosts: str, loopback: bool) -> None:
    address = Address.parse(text)
    assert (address.bind, address.url, address.allowed_hosts, address.is_loopback) == (
        bind,
        url,
        hosts,
        loopback,
    )


@pytest.mark.parametrize("text", ["", "here", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000"])
def test_not_an_address(text: str) -> None:
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:8081"):
        Address.parse(text)


class Demo:
    """``manage.py demo --no-serve`` with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manage(self, *arguments: str) -> str:
        kept = ("PATH", "HOME", "LANG", "SYSTEMROOT")
        run = subprocess.run(
            [sys.executable, environment.BASE_DIR / "manage.py", *arguments],
            env={name: os.environ[name] for name in kept if name in os.environ}
            | {"DEMO_VAR": str(self.folder), "PYTHONIOENCODING": "utf-8"},
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
        return run.stdout

    def prepare(self, *arguments: str) -> str:
        return self.manage("demo", "--no-serve", *arguments)

    def ask(self, expression: str) -> str:
        """An expression over the models, asked in a process with the demo's own settings."""
        code = (
            "from django.contrib.auth.models import User\n"
            "from testproject.hr.models import *\n"
            "from django.conf import settings\n"
            f"print({expression})"
        )
        return self.manage("shell", "--no-imports", "-c", code).strip()

    @property
    def variables(self) -> dict[str, str]:
        lines = (self.folder / "demo.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path / "var")


def passwords(output: str) -> dict[str, str]:
    return dict(re.findall(r"(admin|client) +password (\w{16})$", output, re.MULTILINE))


@pytest.mark.slow
def test_demo_prepares_once(demo: Demo) -> None:
    first = demo.prepare("127.0.0.1:8099")
    assert set(passwords(first)) == {"admin", "client"}
    for line in (
        "'http://127.0.0.1:8099/rest/$upload?$rawPict=true'",
        "curl -s 'http://127.0.0.1:8099/rest/Employee/?$method=update' --data-binary '{",
        '    __KEY: "12",\n    __STAMP: 4,\n    photo: { "ID": "',
        "'http://127.0.0.1:8099/rest/$upload?$binary=true'",
        "curl -s 'http://127.0.0.1:8099/rest/Invoices?$method=update'",
        '{"__KEY":"3","__STAMP":"3","pdf":{"ID":"',
        "gunicorn testproject.wsgi",
        "uvicorn testproject.asgi:application",
    ):
        assert line in first
    with Image.open(demo.folder / "sample/portrait.jpg") as image:
        image.load()
    assert_is_pdf((demo.folder / "sample/inv003.pdf").read_bytes())
    variables = demo.variables
    assert variables["DEMO_GUESTS"] == "1"
    assert (demo.folder / "demo.env").stat().st_mode & 0o777 == 0o600
    facts = (
        "User.objects.get(username='admin').is_superuser,"
        "User.objects.get(username='client').is_staff,"
        "User.objects.get(username='client').user_permissions.count(),"
        "User.objects.get(username='client').check_password(%r),"
        "Employee.objects.count(), len(settings.FOURD_REST['GUEST_PERMISSIONS'])"
    )
    secret = passwords(first)["client"]
    assert demo.ask(facts % secret) == "True False 12 True 600 12"

    # What is there stays: users, key, and what was changed.
    demo.manage("shell", "--no-imports", "-c", _RENAME)
    second = demo.prepare("127.0.0.1:8099")
    assert passwords(second) == {}
    assert "--reset" in second
    assert demo.variables == variables
    assert demo.ask(f"User.objects.get(username='client').check_password({secret!r})") == "True"
    assert demo.ask("Company.objects.get(pk=1)") == "Renamed"

    # Files that nothing refers to any more go with the data.
    (demo.folder / "uploads").mkdir(exist_ok=True)
    (demo.folder / "uploads" / "left").write_bytes(b"x")
    (demo.folder / "media" / "photos" / "left.png").write_bytes(b"x")
    third = demo.prepare("127.0.0.1:8099", "--reset")
    assert set(passwords(third)) == {"admin", "client"}
    assert passwords(third) != passwords(first)
    assert demo.ask("Company.objects.get(pk=1)") != "Renamed"
    assert not (demo.folder / "uploads" / "left").exists()
    assert len(list((demo.folder / "media" / "photos").iterdir())) == 60


_RENAME = (
    "from testproject.hr.models import Company; Company.objects.filter(pk=1).update(name='Renamed')"
)


@pytest.mark.slow
def test_demo_beyond_this_machine_keeps_guests_out(demo: Demo) -> None:
    output = demo.prepare("0.0.0.0:8099")
    assert f"curl -s -u client:{passwords(output)['client']} --data-binary" in output
    assert demo.variables["DEMO_GUESTS"] == "0"
    assert demo.ask("settings.FOURD_REST, settings.ALLOWED_HOSTS[-1]") == "{} *"

    assert "curl -s --data-binary" in demo.prepare("0.0.0.0:8099", "--public")
    assert demo.variables["DEMO_GUESTS"] == "1"

    # Back on this machine, other names are refused again.
    demo.prepare()
    assert demo.ask("'*' in settings.ALLOWED_HOSTS") == "False"


def test_databases_are_asked_for_by_name() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import testproject.settings"],
        env={**os.environ, "DATABASE_ENGINE": "oracle"},
        cwd=environment.BASE_DIR,
        capture_output=True,
        text=True,
    )
    assert "sqlite, postgresql or mariadb" in run.stderr
