"""What the administrators are told of: bugs, and nothing that the protocol is made of.

``LOGGING`` is Django's own here: ``AdminEmailHandler`` on ``django``, from errors upward.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.core import mail
from django.test import Client
from django.utils.log import DEFAULT_LOGGING, configure_logging

from testproject.hr.models import Company, Employee

SECRET = "a bug of the site, with a secret in it"  # what zoo.Broken raises


@pytest.fixture
def administrators(settings: Any) -> Iterator[list[Any]]:
    """The mails to ``ADMINS`` under the logging that Django sets up if nothing is said."""
    address = "admin@example.com"
    settings.ADMINS = [address] if django.VERSION >= (6,) else [("Admin", address)]
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    settings.DEBUG = False
    # Also of loggers that other tests have opened or closed.
    before = {
        name: (logging.getLogger(name).handlers[:], logging.getLogger(name).level)
        for name in ("django", "django.server", "django.request", "fourd_rest")
    }
    configure_logging("logging.config.dictConfig", DEFAULT_LOGGING)
    yield mail.outbox
    for name, (handlers, level) in before.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).setLevel(level)


def test_a_stale_stamp_is_nobodys_fault(admin: Any, administrators: list[Any], caplog: Any) -> None:
    """Status 500 by protocol: no mail, no error in a log, a line at INFO for the curious."""
    employee = Employee.objects.create(first_name="John", last_name="Smith")
    company = Company.objects.create(name="Adler")
    caplog.set_level(logging.INFO)
    for dataclass, body in (
        ("Employee", {"__KEY": str(employee.pk), "__STAMP": 7, "firstName": "Jane"}),
        ("Company", {"__KEY": str(company.pk), "__STAMP": 7, "name": "Zeus"}),
        ("Employee", [{"__KEY": str(employee.pk), "__STAMP": 7, "firstName": "Jane"}]),
    ):
        answer = admin.update(dataclass, body)
        assert answer.status_code == 500
        assert b'"errCode":1263' in answer.content
    assert administrators == []
    assert [record.name for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("POST", "Employee?$method=update", b"{", 400),
        ("POST", "Employee?$method=update", b'{"__KEY": "999", "__STAMP": 1, "salary": 1}', 500),
        ("POST", "Employee?$method=update", b'{"salary": "much"}', 500),
        ("POST", "$upload?$rawPict=true", b"no picture", 400),
        ("GET", "Employee(999)", b"", 404),
        ("GET", "Nothing", b"", 404),
    ],
)
def test_no_mistake_of_a_client_is_mailed(
    admin: Any, administrators: list[Any], verb: str, path: str, body: bytes, status: int
) -> None:
    assert admin.rest(verb, path, body).status_code == status
    assert administrators == []


def test_a_bug_is_mailed_once(admin: Any, administrators: list[Any]) -> None:
    """The mail has the traceback, the client a reference to it and not a word more."""
    answer = admin.update("Broken", {"name": "any"})
    (message,) = administrators
    assert message.to == ["admin@example.com"]
    assert SECRET in message.body
    assert "ZeroDivisionError" in message.body
    assert answer.status_code == 500
    (error,) = answer.json()["__ERROR"]
    reference = re.fullmatch(r"Internal server error, reference ([0-9a-f]{8})", error["message"])
    assert reference
    assert error == {"message": error["message"], "componentSignature": "djng", "errCode": 9011}
    assert reference[1] in message.subject
    told = answer.content.decode() + str(answer.headers)
    for word in ("ZeroDivisionError", "secret", "bug", "Traceback", "zoo", "models.py"):
        assert word not in told


def test_each_bug_is_mailed(admin: Any, administrators: list[Any]) -> None:
    for _ in range(3):
        admin.update("Broken", {"name": "any"})
    assert len({message.subject for message in administrators}) == 3


def test_a_bug_outside_of_the_surface_is_mailed_as_ever(
    admin: Any, administrators: list[Any], monkeypatch: Any
) -> None:
    """Our answers alone are kept from ``django.request``."""

    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("django.contrib.admin.sites.AdminSite.each_context", broken)
    client = Client(raise_request_exception=False)
    client.cookies = admin.cookies
    assert client.get("/admin/").status_code == 500
    assert len(administrators) == 1
