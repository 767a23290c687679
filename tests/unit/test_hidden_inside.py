"""Behind ``tests/spec/test_hidden.py``: what HTTP alone does not show."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.base import ContentFile
from django.test import RequestFactory

from fourd_rest.dataclass import registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.read.selection import everything
from fourd_rest.read.sets import keep
from tests.conftest import RestClient, picture
from tests.contract.checks import assert_answer, errors, nothing_changes
from tests.contract.sample import john
from tests.spec.test_hidden import (
    ADDRESSES,
    CALLERS,
    COMPANY,
    DEEP,
    HIDDEN,
    NAMED,
    POSTED,
    RELATIONS,
    UNKNOWN,
    WELL_FORMED,
    WRITTEN,
    ask,
    of_owner,
    owners,
    page,
    requests,
    told,
)

__all__ = ["owners"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(settings: Any) -> str:
    """Employee 12 with a photo, and the ID of a guest's set that it is in."""
    settings.FOURD_REST = {"MAX_BODY_SIZE": 2_000, "MAX_ENTITIES_PER_REQUEST": 3}
    row = john()
    row.photo.save("me.png", ContentFile(picture()), save=True)
    request = RequestFactory().get("/rest/")
    request.user = User(username="root", is_superuser=True, is_active=True)
    employees = registry.get(HIDDEN)
    assert employees is not None
    kept = keep(everything(Caller(request, "/rest", ""), employees), timeout=None)
    type(kept).objects.update(owner=None)
    return str(kept.pk)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", CALLERS)
def test_a_hidden_dataclass_is_an_unknown_one(login: Any, kept: str, who: str, address: str) -> None:
    user: Any = AnonymousUser()
    if who != "guest":
        login("hr.change_company")
        user = User.objects.get(username="user")
    seen = set()
    with nothing_changes():
        for verb, path, body in requests(address):
            path = path.replace("SET", kept)
            hidden, unknown = (
                told(ask(user, verb, path.format(name), body), UNKNOWN, HIDDEN)
                for name in (HIDDEN, UNKNOWN)
            )
            assert hidden == unknown, (verb, path, body)
            seen.add(hidden[0])
    # What cannot be read at all is told before anybody is looked at.
    assert seen <= {401, 400, 405, 501} if who == "guest" else {404, 400, 405, 501}


@pytest.mark.parametrize("rest", [*WELL_FORMED, "(12)/a/b", "/$entityset/0", "(12)/photo"])
@pytest.mark.parametrize("query", ["", "$filter=(", "$top=x", "$expand=nope", "$attributes=nope"])
def test_a_guest_without_rights_is_refused_alike(kept: str, rest: str, query: str) -> None:
    text = "No permission to read for the {} dataclass"
    for name in (HIDDEN, UNKNOWN, "Session"):
        answer = RestClient().read(f"{name}{rest}?{query}")
        assert_answer(answer, 401, errors((1557, text.format(name))))


def test_who_holds_a_right_is_told_what_is_wrong(login: Any, kept: str) -> None:
    """The table above would hold as well if nobody were told anything."""
    client = login("hr.view_employee")
    for path in ("Employee(12)/a/b", "Employee/a/b", "Employee?$top=x"):
        assert client.read(path).status_code == 400
    for body, code in ((b"{", 9001), (DEEP, 9002), (b"", 9004), ([{}] * 4, 9013)):
        assert client.update("Employee", body).json()["__ERROR"][0]["errCode"] == code
    assert_answer(client.update("Employee", []), 200, {"__ENTITIES": []})


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_hidden_relation_is_an_unknown_attribute(login: Any, owners: None, relation: str) -> None:
    unknown, owner, key = RELATIONS[relation]
    client = of_owner(login, owner)
    kept = client.read(f"{owner}?$method=entityset").json()["__ENTITYSET"].rpartition("/")[2]
    user = User.objects.get(username="user")

    def both(verb: str, path: str, body: Any = b"") -> set[Any]:
        path = path.replace("SET", kept).replace("X", owner)
        if not isinstance(body, bytes):
            body = json.dumps(body).replace("X", owner).encode()
        answers = [
            ask(user, verb, path.replace("REL", name), body.replace(b"REL", name.encode()))
            for name in (relation, unknown)
        ]
        assert told(answers[0], unknown, relation) == told(answers[1], unknown, relation), (path, body)
        assert answers[0].status_code >= 400, (path, body)
        return set(map(int, re.findall(r'"errCode":(\d+)', answers[0].content.decode())))

    with nothing_changes():
        for path in NAMED:
            both("GET", path)
        for path in WRITTEN:
            for value in POSTED:
                assert 1500 in both("POST", path, {"__KEY": key, "__STAMP": 1, "REL": value})
        for value in POSTED:
            assert 1500 in both("POST", "X", {"name": "New", "REL": value})
            both("POST", "X", [{"name": "New", "REL": value}, {"__KEY": key, "REL": value}])
        both("POST", "X?$expand=REL", {"__KEY": key, "__STAMP": 1, "name": "New"})
        both("POST", "X(1)/REL", b"bytes")
        both("POST", "X(1)/REL?$rawPict=true", picture())
        both("DELETE", "X(1)/REL")
        both("POST", "X?$method=delete&$filter=REL = 5")
        both("DELETE", "X/$entityset/SET?$filter=REL.name = Ann")


def test_reads_leave_hidden_relations_out(login: Any, owners: None) -> None:
    client = login("hr.view_company")
    one = {"__entityModel": "Company", "__DATACLASS": "Company", **COMPANY}
    assert_answer(client.read("Company(1)"), 200, one)
    assert_answer(client.read("Company(1)?$attributes=*"), 200, one)
    assert_answer(client.read("Company:name(Acme)"), 200, one)
    assert_answer(client.read("Company"), 200, page("Company", COMPANY))
    assert_answer(client.read("Company(1,2)"), 200, page("Company", COMPANY))
    assert_answer(client.read("Company?$filter=name = a@&$orderby=name"), 200, page("Company", COMPANY))
    assert_answer(client.read("Company?$expand=$all"), 200, page("Company", COMPANY))
    kept = client.read("Company?$method=entityset").json()["__ENTITYSET"]
    assert_answer(client.read(kept.removeprefix("/rest/")), 200, page("Company", COMPANY))
    flat = [{**COMPANY, "__KEY": 1}]
    del flat[0]["__TIMESTAMP"]
    assert_answer(client.read("Company?$asArray=true"), 200, flat)
    table = client.read("Company?$format=looker").json()
    assert [column["name"] for column in table["schema"]] == ["ID", "name", "creationDate", "revenues"]
