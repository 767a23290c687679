"""Whom throttles and quotas count where nobody has logged in: one identity, given out by no header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.throttling import SimpleRateThrottle

from fourd_rest.models import EntitySet, UploadedBlob
from tests.conftest import PDF, RestClient
from tests.contract.checks import errors

pytestmark = pytest.mark.django_db

TOO_MANY = (429, errors((9009, "Too many requests")), {"Retry-After": "61"})


# What counts by it


@pytest.fixture(autouse=True)
def _counting(monkeypatch: Any) -> None:
    cache.clear()
    monkeypatch.setattr(SimpleRateThrottle, "timer", lambda self: 1_000.0)


def headers_of_others() -> Iterator[dict[str, str]]:
    """What a client may say of itself, every time anew."""
    for number in range(12):
        yield {
            "HTTP_X_FORWARDED_FOR": f"198.51.100.{number}",
            "HTTP_X_REAL_IP": f"198.51.100.{number}",
            "HTTP_FORWARDED": f"for=198.51.100.{number}",
            "HTTP_CLIENT_IP": f"198.51.100.{number}",
        }


def test_no_header_passes_a_scope(guest: RestClient, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"fourd_upload": "3/min"}}
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.change_employee"]}
    statuses = [guest.upload(PDF, **extra).status_code for extra in headers_of_others()]
    assert statuses == [200] * 3 + [429] * 9


def test_no_header_passes_the_quota_of_uploads(guest: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {
        "GUEST_PERMISSIONS": ["hr.change_employee"],
        "MAX_PENDING_UPLOADS_PER_OWNER": 3,
    }
    statuses = [guest.upload(PDF, **extra).status_code for extra in headers_of_others()]
    assert statuses == [200] * 3 + [429] * 9
    assert {blob.address for blob in UploadedBlob.objects.all()} == {"127.0.0.1"}
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    assert guest.upload(PDF, HTTP_X_FORWARDED_FOR="198.51.100.7").status_code == 200


def test_no_header_passes_the_quota_of_sets(guest: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {
        "GUEST_PERMISSIONS": ["hr.view_employee"],
        "MAX_ENTITY_SETS_PER_OWNER": 3,
    }
    path = "Employee?$method=entityset"
    statuses = [guest.read(path, **extra).status_code for extra in headers_of_others()]
    assert statuses == [200] * 3 + [429] * 9
    assert {kept.address for kept in EntitySet.objects.all()} == {"127.0.0.1"}
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    assert guest.read(path, HTTP_X_FORWARDED_FOR="198.51.100.7").status_code == 200


def test_users_are_counted_wherever_they_are(login: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"fourd_upload": "3/min"}}
    client = login("hr.change_employee")
    statuses = [client.upload(PDF, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(5)]
    assert statuses == [200] * 3 + [429] * 2
