"""``$info``: sessions and entity sets (``responses.md`` 11, ``server-facts.md`` 17, U-30, U-71)."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fourd_rest.models import EntitySet
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors
from tests.contract.sample import MOMENT

pytestmark = pytest.mark.django_db

DENIED = errors((1611, "No permission to read this part of $info"))


def digest(key: str) -> str:
    return hashlib.sha256(f"fourd_rest:{key}".encode()).hexdigest()[:32].upper()


def kept(number: int, dataclass: str = "Employee", **values: Any) -> EntitySet:
    """An entity set of ``number`` members with an ID of that digit."""
    now = timezone.now()
    expires = values.pop("expires", now + dt.timedelta(hours=1))
    refreshed = values.pop("refreshed", MOMENT)
    return EntitySet.objects.create(
        id=str(number) * 32,
        model="hr.employee",
        dataclass=dataclass,
        size=number,
        timeout=7200,
        refreshed=refreshed,
        expires=expires,
        **values,
    )


def told(number: int, *, sorted: bool = False, dataclass: str = "Employee") -> dict[str, Any]:
    return {
        "id": str(number) * 32,
        "dataClass": dataclass,
        "selectionSize": number,
        "sorted": sorted,
        "refreshed": "2026-01-02T03:04:05.678Z",
        "expires": "2026-01-02T05:04:05.678Z",
    }


def own_session(client: RestClient, name: str) -> dict[str, Any]:
    session = client.session
    return {
        "sessionID": digest(session.session_key),
        "userName": name,
        "lifeTime": 20160,
        "expiration": session.get_expiry_date(),
    }


def same(shown: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Sessions are the same but for a minute of their expiration."""
    assert len(shown) == len(expected)
    for one, other in zip(shown, expected, strict=True):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["expiration"])
        moment = dt.datetime.fromisoformat(one["expiration"])
        assert abs(moment - other["expiration"]) < dt.timedelta(minutes=1)
        assert list(one) == ["sessionID", "userName", "lifeTime", "expiration"]
        assert one | {"expiration": None} == other | {"expiration": None}


# Form


def test_everything(login: Any) -> None:
    client = login("hr.view_employee")
    kept(3, owner=User.objects.get())
    for verb, path in (("GET", "$info"), ("GET", "/$info/"), ("POST", "$info")):
        response = client.rest(verb, path)
        shown = response.json()
        same(shown["sessionInfo"], [own_session(client, "user")])
        expected = {
            "cacheSize": 0,
            "usedCache": 0,
            "entitySetCount": 1,
            "entitySet": [told(3)],
            "ProgressInfo": [],
            "sessionInfo": shown["sessionInfo"],
            "HTTPConnections": [],
            "privileges": [],
        }
        assert_answer(response, 200, expected)


@pytest.mark.parametrize(
    ("part", "members"),
    [
        ("cacheInfo", ["cacheSize", "usedCache"]),
        ("entitySet", ["entitySetCount", "entitySet"]),
        ("progressInfo", ["ProgressInfo"]),
        ("sessionInfo", ["sessionInfo"]),
        ("privileges", ["privileges"]),
    ],
)
def test_parts(login: Any, part: str, members: list[str]) -> None:
    client = login("hr.view_employee")
    whole = client.read("$info").json()
    for path in (f"$info/{part}", f"$info/{part.lower()}/"):
        shown = client.read(path).json()
        assert list(shown) == members
        if part != "sessionInfo":
            assert shown == {name: whole[name] for name in members}


def test_unknown_parts(login: Any) -> None:
    client = login("hr.view_employee")
    text = "URL is not well formed: $info has no such part"
    for path in ("$info/nothing", "$info/entitySet/x", "$info/sessionInfo/x"):
        assert_answer(client.read(path), 400, errors((1806, text)))
    text = "Releasing a session is not supported by this server"
    path = f"$info/sessionInfo/release/{'A' * 32}"
    assert_answer(client.read(path), 501, errors((9014, text)))


def test_info_is_read_only(login: Any) -> None:
    client = login("hr.view_employee")
    text = '"update" REST method is not applicable here'
    assert_answer(client.rest("POST", "$info", {"a": 1}), 400, errors((1813, text)))
    answer = client.rest("DELETE", "$info")
    assert_answer(
        answer,
        405,
        errors((9012, "The DELETE verb is not allowed here")),
        {"Allow": "GET, HEAD, POST"},
    )


# Who may


def test_a_guest_without_rights(guest: RestClient) -> None:
    for path in ("$info", "$info/privileges", "$info/nothing", "$info/sessionInfo/release/1"):
        assert_answer(guest.read(path), 401, DENIED)


def test_a_guest_sees_nobodys_sets(guest: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.view_employee"]}
    kept(1, owner=None, address="127.0.0.1")
    kept(2, owner=User.objects.create(username="somebody"))
    expected = {
        "cacheSize": 0,
        "usedCache": 0,
        "entitySetCount": 0,
        "entitySet": [],
        "ProgressInfo": [],
        "sessionInfo": [],
        "HTTPConnections": [],
        "privileges": [{"privilege": "guest"}],
    }
    assert_answer(guest.read("$info"), 200, expected)
    assert "sessionid" not in guest.cookies


def test_a_user_sees_what_is_his_own(login: Any) -> None:
    client, other = login("hr.view_employee"), login("hr.view_employee", username="other")
    kept(1, owner=User.objects.get(username="user"), is_sorted=True)
    kept(2, owner=User.objects.get(username="other"))
    kept(3, owner=None)
    kept(4, owner=User.objects.get(username="user"), expires=timezone.now())
    kept(5, "Company", owner=User.objects.get(username="user"))
    expected = {"entitySetCount": 1, "entitySet": [told(1, sorted=True)]}
    assert_answer(client.read("$info/entitySet"), 200, expected)
    same(client.read("$info/sessionInfo").json()["sessionInfo"], [own_session(client, "user")])
    same(other.read("$info/sessionInfo").json()["sessionInfo"], [own_session(other, "other")])


def test_staff_sees_everything_it_may_know_of(login: Any) -> None:
    client, other = login("hr.view_employee"), login("hr.view_employee", username="other")
    User.objects.filter(username="user").update(is_staff=True)
    old = MOMENT - dt.timedelta(days=1)
    kept(1, owner=None, refreshed=old)
    kept(2, owner=User.objects.get(username="other"))
    kept(3, "Company", owner=User.objects.get(username="other"))
    anonymous = SessionStore()
    anonymous["basket"] = 1
    anonymous.save()
    stale = SessionStore()
    stale.save()
    Session.objects.filter(pk=stale.session_key).update(expire_date=MOMENT)
    shown = client.read("$info").json()
    assert shown["entitySetCount"] == 2
    assert [(item["id"][0], item["refreshed"][:10]) for item in shown["entitySet"]] == [
        ("2", "2026-01-02"),
        ("1", "2026-01-01"),
    ]
    names = {item["sessionID"]: item["userName"] for item in shown["sessionInfo"]}
    assert names == {
        digest(client.session.session_key): "user",
        digest(other.session.session_key): "other",
        digest(anonymous.session_key): "",
    }
    for key in Session.objects.values_list("pk", flat=True):
        assert key.encode() not in client.read("$info").content


def test_lists_are_limited(login: Any, settings: Any) -> None:
    client = login("hr.view_employee")
    login("hr.view_employee", username="other")
    User.objects.filter(username="user").update(is_staff=True)
    for number in (1, 2, 3):
        kept(number, owner=None, refreshed=MOMENT + dt.timedelta(days=number))
    settings.FOURD_REST = {"MAX_PAGE_SIZE": 1}
    shown = client.read("$info").json()
    assert shown["entitySetCount"] == 3
    assert [item["id"][0] for item in shown["entitySet"]] == ["3"]
    assert len(shown["sessionInfo"]) == 1


def test_sessions_that_cannot_be_listed(login: Any, settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    client, _ = login("hr.view_employee"), login("hr.view_employee", username="other")
    User.objects.filter(username="user").update(is_staff=True)
    same(client.read("$info/sessionInfo").json()["sessionInfo"], [own_session(client, "user")])


def test_the_lifetime_of_a_session(login: Any) -> None:
    client = login("hr.view_employee")
    session = client.session
    session.set_expiry(3600)
    session.save()
    (shown,) = client.read("$info/sessionInfo").json()["sessionInfo"]
    assert shown["lifeTime"] == 60
    User.objects.update(is_staff=True)
    (shown,) = client.read("$info/sessionInfo").json()["sessionInfo"]
    assert shown["lifeTime"] == 60


def test_a_session_of_a_former_user_model(login: Any) -> None:
    """Its user has a key that is none any more."""
    client = login("hr.view_employee")
    User.objects.update(is_staff=True)
    other = SessionStore()
    other[SESSION_KEY] = "no number"
    other.save()
    shown = client.read("$info/sessionInfo").json()["sessionInfo"]
    names = {item["sessionID"]: item["userName"] for item in shown}
    assert names == {digest(client.session.session_key): "user", digest(other.session_key): ""}


def test_users_without_groups(login: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the users of a model of the site's own."""
    client = login("hr.view_employee")
    monkeypatch.setattr(User, "groups", None)
    assert_answer(client.read("$info/privileges"), 200, {"privileges": []})


def test_privileges(login: Any) -> None:
    client = login("hr.view_employee")
    user = User.objects.get()
    for name in ("sales", "accounts"):
        user.groups.add(Group.objects.create(name=name))
    shown = [{"privilege": "accounts"}, {"privilege": "sales"}]
    assert_answer(client.read("$info/privileges"), 200, {"privileges": shown})
    User.objects.update(is_staff=True)
    shown = [{"privilege": "WebAdmin"}, *shown]
    assert_answer(client.read("$info/privileges"), 200, {"privileges": shown})


def test_statements(login: Any) -> None:
    client = login("hr.view_employee")
    User.objects.update(is_staff=True)
    for number in range(1, 6):
        kept(number, owner=None)
        login(username=f"user{number}")
    with CaptureQueriesContext(connection) as queries:
        client.read("$info")
    tables = [connection.ops.quote_name(name) for name in ("fourd_rest_entityset", "django_session")]
    # The session of the request itself is read as well.
    assert [sum(f"FROM {table}" in q["sql"] for q in queries) for table in tables] == [1, 2]
    assert len(queries) <= 8
