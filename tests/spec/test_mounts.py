"""Where a site mounts the app: what its pattern captures is its own, URIs begin with the real path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import Http404
from django.urls import reverse

from fourd_rest import DataClass
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient
from tests.contract.checks import assert_answer, errors

pytestmark = pytest.mark.django_db

# The mount, as it is sent and as URIs show it, and what the site's pattern captures.
MOUNTS: list[tuple[str, str, dict[str, Any]]] = [
    ("/t/acme/rest", "/t/acme/rest", {"tenant": "acme"}),
    ("/u/größe/rest", "/u/gr%C3%B6%C3%9Fe/rest", {"tenant": "größe"}),
    ("/u/gr%C3%B6%C3%9Fe/rest", "/u/gr%C3%B6%C3%9Fe/rest", {"tenant": "größe"}),
    ("/u/a%20b%3Fc%25/rest", "/u/a%20b%3Fc%25/rest", {"tenant": "a b?c%"}),
    ("/u/Employee(12)/rest", "/u/Employee(12)/rest", {"tenant": "Employee(12)"}),
    ("/nested/acme/2024/rest", "/nested/acme/2024/rest", {"tenant": "acme", "year": 2024}),
    ("/unnamed/12/rest", "/unnamed/12/rest", {}),
    ("/maybe/acme/rest", "/maybe/acme/rest", {"tenant": "acme"}),
    ("/maybe/rest", "/maybe/rest", {}),
    ("/p/a/b/rest", "/p/a/b/rest", {"path": "a/b"}),
    ("/extra/rest", "/extra/rest", {"path": "x", "tenant": "y"}),
    ("/bare", "/bare", {}),
    ("/en/acme/rest", "/en/acme/rest", {"tenant": "acme"}),
    ("/de/acme/rest", "/de/acme/rest", {"tenant": "acme"}),
]


@pytest.fixture
def mounted(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.spec.mounts"
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    acme = Company.objects.create(pk=1, name="Acme")
    Employee.objects.create(pk=12, first_name="John", last_name="Smith", employer=acme)


@pytest.fixture
def seen(registered: Any) -> list[dict[str, Any]]:
    """What a hook finds of the mount: ``request.resolver_match``."""
    found: list[dict[str, Any]] = []

    class Tenants(DataClass):
        names = {"id": "ID", "first_name": "firstName", "last_name": "lastName"}  # noqa: RUF012

        def get_queryset(self, request: Any) -> Any:
            kwargs = dict(request.resolver_match.kwargs)
            kwargs.pop("fourd_path")
            found.append(kwargs)
            return super().get_queryset(request)

    registered(Employee, Tenants)
    return found


def ask(client: RestClient, verb: str, path: str, body: Any = b"", query: str = "") -> Any:
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return client.generic(verb, path, body, "application/json", QUERY_STRING=query)


@pytest.mark.parametrize(("mount", "shown", "captured"), MOUNTS)
def test_every_resource_under_every_mount(
    admin: RestClient,
    mounted: None,
    seen: list[Any],
    mount: str,
    shown: str,
    captured: dict[str, Any],
) -> None:
    assert ask(admin, "GET", mount if mount == "/bare" else f"{mount}/").json() == {"ok": True}
    entity = ask(admin, "GET", f"{mount}/Employee(12)").json()
    assert entity["employer"] == {"__deferred": {"uri": f"{shown}/Company(1)", "__KEY": "1"}}
    # The argument that is ours is told by its own name.
    assert [{k: v for k, v in kwargs.items() if v is not None} for kwargs in seen] == [captured]
    (row,) = ask(admin, "GET", f"{mount}/Employee", query="$expand=employer").json()["__ENTITIES"]
    assert row["employer"]["staff"]["__deferred"]["uri"] == f"{shown}/Company(1)/staff?$expand=staff"
    found = ask(admin, "GET", f"{mount}/Employee", query="$method=entityset").json()
    start, _, set_id = found["__ENTITYSET"].rpartition("/")
    assert start == f"{shown}/Employee/$entityset"
    # An address that was told leads back here.
    again = ask(admin, "GET", found["__ENTITYSET"]).json()
    assert [row["__KEY"] for row in again["__ENTITIES"]] == ["12"]
    assert ask(admin, "POST", f"{mount}/$entityset/$release", [set_id]).json() == {"ok": True}
    catalog = ask(admin, "GET", f"{mount}/$catalog").json()["dataClasses"]
    assert {"name": "Company", "uri": f"{shown}/$catalog/Company"}.items() <= catalog[0].items()
    assert ask(admin, "GET", f"{mount}/$info").status_code == 200
    assert list(ask(admin, "POST", f"{mount}/$upload", PDF, "$binary=true").json()) == ["ID"]
    posted = {"__KEY": "12", "__STAMP": 1, "firstName": "Jim"}
    saved = ask(admin, "POST", f"{mount}/Employee", posted).json()
    assert saved["uri"] == f"http://testserver{shown}/Employee(12)"
    assert ask(admin, "GET", saved["uri"].removeprefix("http://testserver")).json()["firstName"] == "Jim"
    assert ask(admin, "DELETE", f"{mount}/Employee(12)").json() == {"ok": True}
    unknown = ask(admin, "GET", f"{mount}/Nothing")
    assert_answer(unknown, 404, errors((1800, 'The "Nothing" dataclass cannot be found')))


def test_addresses_of_the_site_are_made_by_its_own_arguments(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.spec.mounts"
    given = {"tenant": "acme", "fourd_path": "Employee(12)"}
    assert reverse("tenant:data", kwargs=given) == "/t/acme/rest/Employee(12)"
    given = {"path": "a/b", "fourd_path": "Employee"}
    assert reverse("named_path:data", kwargs=given) == "/p/a/b/rest/Employee"


def test_an_argument_that_names_nothing_of_the_site(
    admin: RestClient, mounted: None, registered: Any
) -> None:
    class Tenants(DataClass):
        def get_queryset(self, request: Any) -> Any:
            if request.resolver_match.kwargs["tenant"] != "acme":
                raise Http404("no such tenant")
            return super().get_queryset(request)

    registered(Company, Tenants)
    assert ask(admin, "GET", "/t/acme/rest/Company(1)").status_code == 200
    text = "URL is not well formed: there is nothing here"
    for path in ("Company", "Company(1)"):
        assert_answer(ask(admin, "GET", f"/t/other/rest/{path}"), 404, errors((1806, text)))


def test_a_mount_below_a_script(admin: RestClient, mounted: None) -> None:
    response = admin.generic(
        "GET", "/t/acme/rest/Employee(12)", SCRIPT_NAME="/größe".encode().decode("latin-1")
    )
    uri = response.json()["employer"]["__deferred"]["uri"]
    assert uri == "/gr%C3%B6%C3%9Fe/t/acme/rest/Company(1)"
