"""Behind ``tests/spec/test_addresses.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from fourd_rest.dataclass.caller import Caller, client_address
from fourd_rest.views.lifecycle import RestView
from tests.conftest import RestClient
from tests.contract.checks import assert_answer
from tests.spec.backends import Throttle, ThrottleByAgent
from tests.spec.test_addresses import TOO_MANY, _counting, headers_of_others

__all__ = ["_counting"]

pytestmark = pytest.mark.django_db


def address(remote: str | None, forwarded: str | None = None) -> str | None:
    extra: dict[str, Any] = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    request = RequestFactory().get("/rest/", **extra)
    if remote is None:
        del request.META["REMOTE_ADDR"]
    else:
        request.META["REMOTE_ADDR"] = remote
    request.user = AnonymousUser()
    found = Caller(request, "/rest", "http://testserver").address
    assert found == client_address(request)
    return found


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        # Whoever has one address of a network of 64 bits has all of them.
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("2001:DB8:1:3::9", "2001:db8:1:3::"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        # Unix sockets, and servers that tell what is no address.
        ("", None),
        (None, None),
        ("unix:", None),
        ("localhost", None),
        ("192.0.2.256", None),
        ("1.2.3.4\nx", None),
    ],
)
@pytest.mark.parametrize("proxies", [None, 0, 1])
def test_the_address_of_a_connection(
    settings: Any, proxies: int | None, remote: str | None, expected: str | None
) -> None:
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    assert address(remote) == expected


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        # Nobody vouches for the header.
        (None, "198.51.100.7", "192.0.2.1"),
        (None, "198.51.100.7, 198.51.100.8", "192.0.2.1"),
        (0, "198.51.100.7", "192.0.2.1"),
        # As DRF counts: from the end, and no further than there are entries.
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9,198.51.100.7 ", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "9.9.9.9, 203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7:4711", "198.51.100.7"),
        (1, "[2001:db8:1:2::9]:4711", "2001:db8:1:2::"),
        (1, "2001:db8:1:2::9", "2001:db8:1:2::"),
        # What is no address gives none out.
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9, ", "192.0.2.1"),
        (1, "203.0.113.9, unknown", "192.0.2.1"),
        (1, "203.0.113.9, _hidden", "192.0.2.1"),
    ],
)
def test_the_address_behind_proxies(
    settings: Any, proxies: int | None, forwarded: str, expected: str
) -> None:
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    assert address("192.0.2.1", forwarded) == expected


def test_the_address_behind_a_proxy_and_a_socket(settings: Any) -> None:
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    assert address("", "203.0.113.9, 198.51.100.7") == "198.51.100.7"
    settings.REST_FRAMEWORK = {}
    assert address("", "203.0.113.9, 198.51.100.7") is None


@pytest.fixture
def throttled_by(monkeypatch: Any) -> Any:
    """``DEFAULT_THROTTLE_CLASSES`` of the site, which DRF reads when a view is defined."""
    return lambda *classes: monkeypatch.setattr(RestView, "throttle_classes", classes)


@pytest.mark.parametrize("proxies", [None, 0])
def test_no_header_passes_a_throttle_of_the_site(
    guest: RestClient, settings: Any, throttled_by: Any, proxies: Any
) -> None:
    throttled_by(Throttle)
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    statuses = [guest.read("", **extra).status_code for extra in headers_of_others()]
    assert statuses == [200] * 3 + [429] * 9
    assert_answer(guest.read(""), *TOO_MANY)
    assert guest.read("", REMOTE_ADDR="192.0.2.9").status_code == 200


def test_a_throttle_of_the_site_behind_a_proxy(
    guest: RestClient, settings: Any, throttled_by: Any
) -> None:
    throttled_by(Throttle)
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    for client in ("203.0.113.1", "203.0.113.2"):
        statuses = [
            guest.read("", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, {client}").status_code
            for number in range(5)
        ]
        assert statuses == [200] * 3 + [429] * 2


def test_addresses_of_one_network_are_one_to_a_throttle(guest: RestClient, throttled_by: Any) -> None:
    throttled_by(Throttle)
    statuses = [guest.read("", REMOTE_ADDR=f"2001:db8::{number}").status_code for number in range(1, 6)]
    assert statuses == [200] * 3 + [429] * 2
    assert guest.read("", REMOTE_ADDR="2001:db8:0:1::1").status_code == 200


def test_connections_without_an_address_are_one_to_a_throttle(
    guest: RestClient, throttled_by: Any
) -> None:
    throttled_by(Throttle)
    statuses = [guest.read("", **extra, REMOTE_ADDR="").status_code for extra in headers_of_others()]
    assert statuses == [200] * 3 + [429] * 9


def test_a_throttle_that_knows_better_is_believed(guest: RestClient, throttled_by: Any) -> None:
    throttled_by(ThrottleByAgent)
    statuses = [guest.read("", HTTP_USER_AGENT=f"a{number // 4}").status_code for number in range(8)]
    assert statuses == [200, 200, 200, 429] * 2
