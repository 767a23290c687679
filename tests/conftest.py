"""Fixtures: clients of several rights, and the requests that every test makes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils.crypto import get_random_string
from PIL import Image


class RestClient(Client):
    """Django's test client with the bodies and addresses of 4D."""

    def force_login(self, user: User, backend: str | None = None) -> None:
        """A session of ``user`` in one statement, where a login needs a dozen: most tests begin here."""
        if SessionStore.__module__ != settings.SESSION_ENGINE:
            super().force_login(user, backend)
            return
        paths = settings.AUTHENTICATION_BACKENDS
        session = SessionStore(get_random_string(32))
        session.update(
            {
                auth.SESSION_KEY: str(user.pk),
                auth.BACKEND_SESSION_KEY: backend
                or next(path for path in paths if hasattr(auth.load_backend(path), "get_user")),
                auth.HASH_SESSION_KEY: user.get_session_auth_hash(),
            }
        )
        session.create_model_instance(dict(session.items())).save(force_insert=True)
        self.cookies[settings.SESSION_COOKIE_NAME] = session.session_key

    def rest(self, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        """``path`` begins after ``/rest/`` and holds the query string as it goes over the wire."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        extra.setdefault("content_type", "application/json")
        address, _, query = path.partition("?")
        return self.generic(method, f"/rest/{address}", body or b"", QUERY_STRING=query, **extra)

    def read(self, path: str, **extra: Any) -> Any:
        return self.rest("GET", path, **extra)

    def update(self, dataclass: str, body: Any, params: str = "$method=update", **extra: Any) -> Any:
        return self.rest("POST", f"{dataclass}?{params}", body, **extra)

    def upload(self, content: bytes, params: str = "$binary=true", **extra: Any) -> Any:
        extra.setdefault("content_type", "application/octet-stream")
        return self.rest("POST", f"$upload?{params}", content, **extra)


@pytest.fixture
def guest() -> RestClient:
    """Nobody: no session, no rights."""
    return RestClient()


@pytest.fixture
def admin(db: None) -> RestClient:
    """A superuser: every right."""
    client = RestClient()
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def login(db: None) -> Any:
    """``login("hr.view_employee", …)``: a client whose user holds just these permissions."""

    def make(*permissions: str, username: str = "user") -> RestClient:
        user, _ = User.objects.get_or_create(username=username)
        for permission in permissions:
            app, _, codename = permission.partition(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=codename)
            )
        client = RestClient()
        client.force_login(user)
        return client

    return make


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    """Every test begins and ends without files."""
    yield
    shutil.rmtree(settings.TEST_FILES, ignore_errors=True)


def picture(format: str = "PNG", size: tuple[int, int] = (8, 6), mode: str = "RGB") -> bytes:
    """A small real picture."""
    file = BytesIO()
    Image.new(mode, size, 1).save(file, format)
    return file.getvalue()


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
