"""``manage.py demo``: the sample site, ready to be tried with curl."""

from __future__ import annotations

import ipaddress
import os
import shlex
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.files.storage import Storage, storages
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.crypto import get_random_string

from testproject import environment
from testproject.hr import sample
from testproject.hr.models import Invoice

DEFAULT_ADDRESS = "127.0.0.1:8081"
ADMINISTRATOR, CLIENT = "admin", "client"


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        host, _, port = text.rpartition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise CommandError(f"{text}: an address looks like {DEFAULT_ADDRESS}")
        return cls(host.strip("[]") or "127.0.0.1", int(port))

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_any(self) -> bool:
        """Whether it stands for every address of this machine."""
        return self.host in {"0.0.0.0", "::"}  # noqa: S104  (compared, not bound)

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        return f"http://127.0.0.1:{self.port}" if self.is_any else f"http://{self.bind}"

    @property
    def allowed_hosts(self) -> str:
        """What the address adds to ``ALLOWED_HOSTS``."""
        if self.is_any:
            return "*"
        return f"[{self.host}]" if ":" in self.host else self.host


class Command(BaseCommand):
    help = "Prepare the sample site (tables, data, users), say how to try it, and serve it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", nargs="?", default=DEFAULT_ADDRESS, metavar="ADDR:PORT")
        parser.add_argument("--no-serve", action="store_true", help="prepare only")
        parser.add_argument("--reset", action="store_true", help="throw all away and begin anew")
        parser.add_argument(
            "--public",
            action="store_true",
            help="let guests in even if the address can be reached from other machines",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        address = Address.parse(options["address"])
        guests = address.is_loopback or options["public"]
        environment.save(
            {
                "DJANGO_SECRET_KEY": settings.SECRET_KEY,
                "DEMO_HOSTS": address.allowed_hosts,
                "DEMO_GUESTS": str(int(guests)),
            }
        )
        call_command("migrate", verbosity=0)
        if options["reset"]:
            self.reset()
        if not sample.is_loaded():
            self.stdout.write("Loading the sample data …")
            sample.load()
        passwords = self.make_users()
        self.tell(address, guests=guests, passwords=passwords)
        if options["no_serve"]:
            self.tell_servers(address)
        else:
            self.serve(address)

    def reset(self) -> None:
        call_command("flush", verbosity=0, interactive=False)
        for storage, folders in {
            storages["default"]: ["photos", "cvs", "invoices"],
            storages["fourd_uploads"]: [""],
        }.items():
            for folder in folders:
                _empty(storage, folder)

    def make_users(self) -> dict[str, str]:
        """The two users who are not there yet, with their passwords."""
        passwords = {}
        with transaction.atomic():
            if not User.objects.filter(username=ADMINISTRATOR).exists():
                passwords[ADMINISTRATOR] = get_random_string(16)
                User.objects.create_superuser(ADMINISTRATOR, "", passwords[ADMINISTRATOR])
            if not User.objects.filter(username=CLIENT).exists():
                passwords[CLIENT] = get_random_string(16)
                client = User.objects.create_user(CLIENT, "", passwords[CLIENT])
                client.user_permissions.set(Permission.objects.filter(content_type__app_label="hr"))
        return passwords

    def tell(self, address: Address, *, guests: bool, passwords: dict[str, str]) -> None:
        def password(name: str) -> str:
            return passwords.get(name, "(as printed when it was made; --reset makes all anew)")

        rest = f"{address.url}/rest"
        self.stdout.write(f"""
REST surface   {rest}/$catalog/$all
Administration {address.url}/admin/
Administrator  {ADMINISTRATOR}   password {password(ADMINISTRATOR)}
Client user    {CLIENT}  password {password(CLIENT)}
""")
        if guests:
            self.stdout.write(
                "Guests may read and write the sample data: no request below needs a login.\n\n"
            )
            login = ""
        else:
            login = f" -u {CLIENT}:{passwords.get(CLIENT, 'PASSWORD')}"
            self.stdout.write(
                "Other machines may reach this address, so guests may do nothing (--public lets "
                "them in).\n\n"
            )
        picture, document = (shlex.quote(str(path)) for path in self.write_sample_files())
        self.stdout.write(
            "A picture for employee 12, John Smith (stamp 4, once):\n\n"
            + _upload(f"{rest}/$upload?$rawPict=true", picture, "image/jpeg", login)
            + f"""curl -s{login} '{rest}/Employee/?$method=update' --data-binary '{{
    __KEY: "12",
    __STAMP: 4,
    photo: {{ "ID": "'$ID'" }}
}}'

A PDF for invoice 3 (stamp 3, once), as the 4D HTTP client sends it:

"""
            + _upload(f"{rest}/$upload?$binary=true", document, "application/octet-stream", login)
            + f"curl -s{login} '{rest}/Invoices?$method=update'"
            " -H 'Content-Type: application/json' \\\n"
            """  --data-binary '{"__KEY":"3","__STAMP":"3","pdf":{"ID":"'$ID'"}}'\n"""
        )

    def write_sample_files(self) -> tuple[Path, Path]:
        """The two files that the printed lines send."""
        folder = environment.VAR / "sample"
        folder.mkdir(exist_ok=True)
        picture, document = folder / "portrait.jpg", folder / "inv003.pdf"
        picture.write_bytes(sample.portrait("John", "Smith", woman=False))
        invoice = Invoice.objects.select_related("company").filter(pk=sample.OPEN_INVOICE).first()
        document.write_bytes(sample.invoice_pdf(invoice) if invoice else sample.pdf("Invoice", []))
        return picture, document

    def tell_servers(self, address: Address) -> None:
        self.stdout.write(f"""
Ready. Serve it with one of:

gunicorn testproject.wsgi --worker-class gthread --threads 4 --bind {address.bind}
uvicorn testproject.asgi:application --host {address.host} --port {address.port}
""")

    def serve(self, address: Address) -> None:
        """Become the server. A new process, because the settings may be other than ours."""
        command = [sys.executable]
        if find_spec("gunicorn"):
            name = "gunicorn"
            command += ["-m", "gunicorn", "testproject.wsgi", "--chdir", str(environment.BASE_DIR)]
            command += ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
            # Filters travel in the address, and 4D sends long ones.
            command += ["--limit-request-line", "8190", "--access-logfile", "-"]
            command += ["--bind", address.bind]
        else:
            name = "Django's development server (gunicorn is not installed)"
            command += [str(environment.BASE_DIR / "manage.py"), "runserver", "--noreload"]
            command += [*(["--ipv6"] if ":" in address.host else []), address.bind]
        self.stdout.write(f"\nServing with {name} at {address.url} (stop with Ctrl+C)\n")
        self.stdout.flush()
        os.execv(command[0], command)  # noqa: S606  (no shell wanted)


def _upload(url: str, path: str, content_type: str, login: str) -> str:
    """A line for the shell that uploads a file and keeps the ID."""
    return (
        f"ID=$(curl -s{login} --data-binary @{path} -H 'Content-Type: {content_type}' \\\n"
        f"""  '{url}' | sed 's/.*"ID": *"\\([^"]*\\)".*/\\1/')\n"""
    )


def _empty(storage: Storage, folder: str) -> None:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        storage.delete(f"{folder}/{name}".lstrip("/"))
    for name in folders:
        _empty(storage, f"{folder}/{name}".lstrip("/"))
