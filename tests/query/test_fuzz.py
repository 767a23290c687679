"""Made-up addresses through the whole stack: what each mistake is answered, and what nobody ever gets.

Noise (``fuzzing``) asks for what holds for every answer. Valid addresses (``valid``) with one mistake
each (``mistakes``) ask for the very answer that the table of errors gives for that mistake.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import override_settings

from fourd_rest.errors import RestError
from fourd_rest.request import filter_parser
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.zoo.models import Account

from .conftest import served_dataclass
from .datasets import REGISTERED, Dataset
from .fuzzing import MARK, SET_ID, Addresses
from .mistakes import MISTAKES, NO_MISTAKE, SECRETS, STATUS, Mistake, planted
from .valid import ACCOUNTS, SET_ROOTS, USERS, Drafts

# Of one answer.
MAX_STATEMENTS = 20
MAX_PARAMETERS = 1_000
# Calls that reading a text may take, and for each of its characters.
MAX_STEPS, STEPS_PER_CHARACTER = 200, 12

DATA = Dataset(5)
FILES = ("photo", "cv")
COOKIE = django_settings.SESSION_COOKIE_NAME
PLANTED = "PLANTED-7e1c"


class Counted:
    """Counts statements and their parameters."""

    def __init__(self) -> None:
        self.statements = self.parameters = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements += 1
        self.parameters += len(params or ())
        return execute(sql, params, many, context)


@pytest.fixture
def asking(served: None, registered: Any, login: Any, guest: RestClient, monkeypatch: Any) -> Any:
    """Who asks: a ``reader``, ``another`` and a ``guest`` without any right.

    Reader and another may read most of what there is, in it accounts and users, but no secret of theirs.
    """
    DATA.store()
    for model, options, hiding in REGISTERED:
        if model is Employee:
            fields = [*options["fields"], *FILES]
            registered(model, served_dataclass({**options, "fields": fields}, hiding))
    registered(User, fields=["id", "username", "account_set"])
    registered(Account, fields=["id", "name", "owner"])
    for at, (user, account) in enumerate(zip(USERS, ACCOUNTS, strict=True)):
        secret = f"{PLANTED}-{at}"
        User.objects.create(**user, password=secret)
        Account.objects.create(**account, password=secret, api_key=secret, otp=PLANTED)
    rights = (
        *("hr.view_employee", "hr.view_company", "zoo.view_everything", "zoo.view_animal"),
        *("zoo.view_keeper", "zoo.view_account", "auth.view_user"),
        "hr.delete_invoice",
    )
    clients = {name: login(*rights, username=name) for name in ("reader", "another")}
    users = {client.cookies[COOKIE].value: User.objects.get(username=n) for n, client in clients.items()}
    # So that a failure names what it was about.
    ids = random.Random(1)
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128)))
    # Looked up once, or the queries for who asks would be most of the time.
    monkeypatch.setattr(
        "django.contrib.auth.middleware.get_user",
        lambda request: users.get(request.COOKIES.get(COOKIE), AnonymousUser()),
    )
    return {**clients, "guest": guest}


@pytest.fixture
def reader(asking: Any) -> RestClient:
    client: RestClient = asking["reader"]
    return client


@dataclass(frozen=True)
class Asked:
    """An answer: the codes of its errors, and its body."""

    codes: tuple[int, ...]
    body: bytes


def ask(client: RestClient, address: str, seen: Counter[int], verb: str = "GET") -> Asked:
    """An answer, which keeps every rule that holds for all of them. ``seen`` counts codes of errors."""
    counted = Counted()
    with connection.execute_wrapper(counted):
        answer = client.rest(verb, address)
    body = answer.getvalue() if answer.streaming else answer.content
    assert counted.statements <= MAX_STATEMENTS, (address, counted.statements)
    assert counted.parameters <= MAX_PARAMETERS, (address, counted.parameters)
    assert PLANTED.encode() not in body, address
    document = json.loads(body) if answer["Content-Type"].startswith("application/json") else None
    if not isinstance(document, dict) or "__ERROR" not in document:
        assert answer.status_code == 200, (address, answer.status_code)
        return Asked((), body)
    codes = tuple(item["errCode"] for item in document["__ERROR"])
    seen.update(codes)
    assert codes and set(codes) <= STATUS.keys(), (address, document)
    assert answer.status_code == STATUS[codes[-1]], (address, document)
    assert ("Retry-After" in answer, "Allow" in answer) == (codes == (9023,), codes == (9012,)), address
    return Asked(codes, body)


def ask_alike(
    client: RestClient, address: str, marks: tuple[str, str], seen: Counter[int], verb: str = "GET"
) -> Asked:
    """The answer, the same whether ``MARK`` stands for what is hidden or for what is not there."""
    secret, unknown = marks
    asked = ask(client, address.replace(MARK, unknown), seen, verb)
    if MARK in address:
        again = ask(client, address.replace(MARK, secret), seen, verb)
        body = comparable(again.body.replace(secret.encode(), unknown.encode()))
        assert (again.codes, body) == (asked.codes, comparable(asked.body)), address
    return asked


def comparable(body: bytes) -> bytes:
    """``body`` without what is new in every answer."""
    body = re.sub(rb"[0-9A-F]{32}", b"ID", body)
    return re.sub(rb'"(expires|expiration)":"[^"]*"', b"", body)


def new_set(client: RestClient, dataclass: str) -> str:
    made = client.read(f"{dataclass}?$method=entityset&$top=1").json()["__ENTITYSET"]
    return str(made.rpartition("/")[2])


def report(count: int, requests: int, cpu: float, seen: Counter[int], *more: str) -> None:
    each = f"{cpu / count * 1000:.2f} ms CPU each"
    print(f"\n{count} addresses in {requests} requests, {each}", *more, sep=", ")
    print(f"codes: {dict(sorted(seen.items()))}")


# Noise


def fuzz(client: RestClient, seed: int, count: int) -> None:
    made = new_set(client, "Employee")
    start = time.process_time()
    seen: Counter[int] = Counter()
    succeeded = marked = 0
    for number, address in zip(range(count), Addresses(seed), strict=False):
        address = address.replace(SET_ID, made)
        succeeded += not ask_alike(client, address, SECRETS[number % len(SECRETS)], seen).codes
        marked += MARK in address
    cpu = time.process_time() - start
    report(count, count + marked, cpu, seen, f"{succeeded} answered")
    assert min(succeeded, marked) >= 0.1 * count
    assert len(seen) >= 20


@pytest.mark.django_db
def test_addresses(reader: RestClient) -> None:
    fuzz(reader, 0, 600)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(1, 4))
def test_many_addresses(reader: RestClient, seed: int) -> None:
    fuzz(reader, seed, 1_000)


# Valid addresses, and such with one mistake


def fuzz_mistakes(asking: Mapping[str, RestClient], seed: int, count: int) -> None:
    """Every tenth address is valid; the others have one mistake each, of all codes in turn."""
    sets = {name: [new_set(asking["reader"], name) for _ in range(2)] for name in SET_ROOTS}
    drafts = Drafts(seed, DATA, {**sets, "another": [new_set(asking["another"], "Employee")]})
    of_codes: dict[tuple[int, ...], list[Mistake]] = {}
    for mistake in MISTAKES:
        of_codes.setdefault(mistake.codes, []).append(mistake)
    turns = cycle([cycle(mistakes) for mistakes in of_codes.values()])
    start = time.process_time()
    seen: Counter[int] = Counter()
    requests = 0
    for number in range(count):
        mistake = next(next(turns)) if number % 10 else NO_MISTAKE
        draft = planted(drafts, mistake)
        address = drafts.written(draft)
        with override_settings(FOURD_REST=mistake.settings):
            asked = ask_alike(asking[mistake.who], address, draft.marks, seen, draft.verb)
        assert asked.codes == mistake.codes, (mistake.name, draft.verb, address, asked)
        requests += 1 + (MARK in address)
    report(count, requests, time.process_time() - start, seen)
    assert seen.keys() == STATUS.keys()
    assert min(seen.values()) >= count / 100, seen


@pytest.mark.django_db
def test_mistakes(asking: Mapping[str, RestClient]) -> None:
    fuzz_mistakes(asking, 0, 600)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_mistakes(asking: Mapping[str, RestClient], seed: int) -> None:
    fuzz_mistakes(asking, seed, 5_000)


def steps_of(text: str) -> int:
    """How many calls of functions it takes to read a filter."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        filter_parser._query(text, 32_768, 32, 200, 10_000)
    except RestError:
        pass
    finally:
        sys.setprofile(None)
    return calls


def test_steps_of_the_parser() -> None:
    noise = Addresses(9)
    drafts = Drafts(9, DATA, {name: ["0" * 32] for name in (*SET_ROOTS, "another")})
    filtered = [mistake for mistake in MISTAKES if "related" in mistake.shapes]
    for _ in range(1_000):
        for text in (noise.filter(), drafts.filter(planted(drafts, drafts.pick(filtered)))):
            assert steps_of(text) <= MAX_STEPS + STEPS_PER_CHARACTER * len(text), text
