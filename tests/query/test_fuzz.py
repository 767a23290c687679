"""Mutated addresses through the whole stack: what a client may never get, whatever it writes."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from fourd_rest import errors
from fourd_rest.errors import RestError
from fourd_rest.query import parser
from tests.conftest import RestClient
from tests.zoo.models import Account

from .datasets import Dataset
from .fuzzing import MARK, SET_ID, Addresses

STATUS = {row.code: row.status for row in errors.ROWS}
# What the table gives for a mistake in a read.
READ_CODES = {1112, 1200, 1201, 1278, 1279, 1280, 1500, 1541, 1543, 1557, 1574, 1611}
READ_CODES |= {*range(1800, 1806), 1806, *range(1808, 1814), *range(1815, 1821)}
READ_CODES |= {9012, 9014, 9022, 9023, 9024, 9025}
# Of one answer.
MAX_STATEMENTS = 20
MAX_PARAMETERS = 1_000
# Calls that reading a text may take, and for each of its characters.
MAX_STEPS, STEPS_PER_CHARACTER = 200, 12

PLANTED = "PLANTED-7e1c"
# Fields that accounts and users have, and that nobody may know of; for each a name that does not exist.
# It is as long as the other: messages tell positions.
SECRETS = (("password", "pasxword"), ("api_key", "apx_key"), ("otp", "otx"))


class Counted:
    """Counts statements and their parameters."""

    def __init__(self) -> None:
        self.statements = self.parameters = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements += 1
        self.parameters += len(params or ())
        return execute(sql, params, many, context)


@pytest.fixture
def reader(served: None, registered: Any, login: Any, monkeypatch: Any) -> RestClient:
    """Who may read most of what there is, in it accounts and users, but no secret of theirs."""
    Dataset(5).store()
    registered(User, fields=["id", "username", "account_set"])
    registered(Account, fields=["id", "name", "owner"])
    for at in range(5):
        user = User.objects.create(username=f"user{at}", password=f"{PLANTED}-{at}")
        account = {"password": f"{PLANTED}-{at}", "api_key": f"{PLANTED}-{at}", "otp": PLANTED}
        Account.objects.create(name=f"account{at}", owner=user, **account)
    client: RestClient = login(
        *("hr.view_employee", "hr.view_company", "zoo.view_everything", "zoo.view_animal"),
        *("zoo.view_keeper", "zoo.view_account", "auth.view_user"),
        "hr.delete_invoice",
        username="reader",
    )
    # Looked up once, or the queries for who asks would be most of the time.
    user = User.objects.get(username="reader")
    monkeypatch.setattr("django.contrib.auth.middleware.get_user", lambda request: user)
    return client


def asked(client: RestClient, address: str, seen: Counter[int]) -> tuple[int, bytes]:
    """Status and body of an answer, which keeps every rule that holds for all of them.

    ``seen`` counts the codes of errors.
    """
    counted = Counted()
    with connection.execute_wrapper(counted):
        answer = client.read(address)
    body = answer.getvalue() if answer.streaming else answer.content
    assert counted.statements <= MAX_STATEMENTS, (address, counted.statements)
    assert counted.parameters <= MAX_PARAMETERS, (address, counted.parameters)
    if not answer["Content-Type"].startswith("application/json"):
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.status_code, body
    document = json.loads(body)
    items = document.get("__ERROR") if isinstance(document, dict) else None
    if items is None:
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.status_code, body
    codes = [item["errCode"] for item in items]
    seen.update(codes)
    assert codes and set(codes) <= READ_CODES, (address, document)
    assert answer.status_code == STATUS[codes[-1]], (address, document)
    return answer.status_code, body


def comparable(body: bytes) -> bytes:
    """``body`` without what is new in every answer."""
    body = re.sub(rb"[0-9A-F]{32}", b"ID", body)
    return re.sub(rb'"(expires|expiration)":"[^"]*"', b"", body)


def fuzz(client: RestClient, seed: int, count: int) -> None:
    made = client.read("Employee?$method=entityset&$top=1").json()["__ENTITYSET"].rpartition("/")[2]
    start = time.process_time()
    seen: Counter[int] = Counter()
    requests = succeeded = marked = 0
    for number, address in zip(range(count), Addresses(seed), strict=False):
        address = address.replace(SET_ID, made)
        secret, unknown = SECRETS[number % len(SECRETS)]
        status, body = asked(client, address.replace(MARK, unknown), seen)
        assert PLANTED.encode() not in body, address
        succeeded += status == 200
        requests += 1
        if MARK in address:
            marked += 1
            requests += 1
            again, other = asked(client, address.replace(MARK, secret), seen)
            other = other.replace(secret.encode(), unknown.encode())
            assert (again, comparable(other)) == (status, comparable(body)), address
    cpu = (time.process_time() - start) / requests * 1000
    print(f"\n{count} addresses, {marked} of them twice: {cpu:.2f} ms CPU each, {succeeded} answered")
    print(f"codes: {dict(sorted(seen.items()))}")
    assert min(succeeded, marked) >= 0.1 * count
    assert len(seen) >= 20


@pytest.mark.django_db
def test_addresses(reader: RestClient) -> None:
    fuzz(reader, 0, 600)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_addresses(reader: RestClient, seed: int) -> None:
    fuzz(reader, seed, 5_000)


def steps_of(text: str) -> int:
    """How many calls of functions it takes to read a filter."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        parser._query(text, 32_768, 32, 200, 10_000)
    except RestError:
        pass
    finally:
        sys.setprofile(None)
    return calls


def test_steps_of_the_parser() -> None:
    texts = Addresses(9)
    for _ in range(2_000):
        text = texts.filter()
        assert steps_of(text) <= MAX_STEPS + STEPS_PER_CHARACTER * len(text), text
