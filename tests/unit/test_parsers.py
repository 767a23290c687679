"""The DRF parsers of the views: which one reads a body, and when."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.parsers import BaseParser
from rest_framework.settings import api_settings

from fourd_rest.http.parsers import EntityParser, RawBodyParser
from fourd_rest.models import UploadedBlob
from fourd_rest.views.data import DataView
from fourd_rest.views.uploads import UploadView
from testproject.hr.models import Company, Employee

pytestmark = pytest.mark.django_db

PNG = "image/png"


def picture() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(file, "PNG")
    return file.getvalue()


class Ask:
    """Asks one view, as one user, without the URLs."""

    def __init__(self, rf: Any, user: Any) -> None:
        self.rf, self.user = rf, user

    def __call__(self, view: Any, path: str, body: bytes, query: str = "", **extra: Any) -> Any:
        address = f"/rest/{path}{'?' + query if query else ''}"
        request = self.rf.generic("POST", address, body, **extra)
        request.user = self.user
        response = view.as_view()(request, fourd_path=path)
        return response.status_code, json.loads(response.content)


@pytest.fixture
def ask(rf: Any, django_user_model: Any) -> Ask:
    return Ask(rf, django_user_model.objects.create_superuser("parsing"))


@pytest.fixture
def guest(rf: Any) -> Ask:
    return Ask(rf, AnonymousUser())


class Wrapped(RawBodyParser):
    """The body of a client that writes a line before its files."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        assert stream.read(5) == b"file\n"
        stream.META["CONTENT_LENGTH"] = str(int(stream.META["CONTENT_LENGTH"]) - 5)
        return super().parse(stream, media_type, parser_context)


class Recorded(BaseParser):
    """Says that it was called."""

    media_type = "*/*"
    calls: list[str]

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        self.calls.append(media_type or "")
        return {}


def recorded(media_type_: str = "*/*") -> Any:
    return type("Recorder", (Recorded,), {"calls": [], "media_type": media_type_})


def test_a_parser_of_the_site_reads_uploads(ask: Ask) -> None:
    class View(UploadView):
        parser_classes = (Wrapped,)

    status, document = ask(View, "$upload", b"file\n%PDF-1.4", content_type="application/x-own")
    assert (status, list(document)) == (200, ["ID"])
    blob = UploadedBlob.objects.get()
    assert (blob.wire_id, blob.size) == (document["ID"], 8)


def test_a_parser_of_the_site_reads_bytes_for_an_attribute(ask: Ask) -> None:
    class View(DataView):
        file_parser_classes = (Wrapped,)

    employee = Employee.objects.create(first_name="Ada", last_name="L")
    path = f"Employee({employee.pk})/photo"
    assert ask(View, path, b"file\n" + picture(), content_type=PNG) == (200, {"ok": True})
    employee.refresh_from_db()
    with employee.photo.open() as file:
        assert file.read() == picture()
    # It is a picture by its attribute, whatever the address says of it.
    status, document = ask(View, path, b"file\nno picture", "$binary=true", content_type=PNG)
    assert (status, document["__ERROR"][-1]["errCode"]) == (400, 1824)


def test_a_parser_of_the_site_reads_entities(ask: Ask) -> None:
    class Shouted(EntityParser):
        def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
            return {**super().parse(stream, media_type, parser_context), "name": "FROM THE PARSER"}

    class View(DataView):
        parser_classes = (Shouted,)

    assert ask(View, "Company", b"{name: 'x'}", content_type="text/plain")[0] == 200
    assert Company.objects.get().name == "FROM THE PARSER"


def test_the_first_parser_of_the_type_is_taken(ask: Ask) -> None:
    form, others = recorded("multipart/form-data"), recorded()

    class View(DataView):
        parser_classes = (form, others)

    ask(View, "Company", b"{}", content_type="multipart/form-data; boundary=x")
    ask(View, "Company", b"{}", content_type="application/json")
    ask(View, "Company", b"{}", content_type="a" * 100)
    ask(View, "Company", b"{}", content_type="")
    assert form.calls == ["multipart/form-data; boundary=x"]
    assert others.calls == ["application/json", "a" * 100, ""]


def test_a_type_that_no_parser_takes(ask: Ask) -> None:
    class View(DataView):
        parser_classes = (recorded("application/json"),)

    status, document = ask(View, "Company", b"{}", content_type="text/plain")
    assert (status, document["__ERROR"][0]["message"]) == (
        415,
        "This Content-Type is not supported by this server",
    )


@pytest.mark.parametrize(
    ("view", "name", "path"),
    [
        (UploadView, "parser_classes", "$upload"),
        (DataView, "parser_classes", "Employee"),
        (DataView, "file_parser_classes", "Employee(1)/photo"),
    ],
)
def test_rights_come_before_the_body(guest: Ask, view: Any, name: str, path: str) -> None:
    parser = recorded()
    assert guest(type("View", (view,), {name: (parser,)}), path, b"bytes", content_type=PNG)[0] == 401
    assert parser.calls == []


@pytest.mark.parametrize("path", ["$upload", "Company"])
def test_who_says_who_asks_sees_no_body(ask: Ask, path: str, monkeypatch: Any) -> None:
    seen = []

    class Curious:
        def authenticate(self, request: Any) -> Any:
            seen.append((dict(request.data), dict(request.POST), dict(request.FILES)))
            return ask.user, None

    monkeypatch.setattr(api_settings, "DEFAULT_AUTHENTICATION_CLASSES", [Curious])
    view = UploadView if path == "$upload" else DataView
    form = "application/x-www-form-urlencoded"
    status, document = ask(view, path, b"{name: 'a=b'}", content_type=form)
    assert (status, seen) == (200, [({}, {}, {})]), document


def test_no_length_and_a_body(ask: Ask) -> None:
    """A chunked one, where the server ends the stream itself."""
    chunked: Any = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    chunked |= {"CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(b"{name: 'chunked'}")}
    assert ask(DataView, "Company", b"", **chunked)[0] == 200
    assert Company.objects.get().name == "chunked"
    chunked["wsgi.input"] = io.BytesIO(b"%PDF-1.4")
    assert ask(UploadView, "$upload", b"", **chunked)[0] == 200
    assert UploadedBlob.objects.get().size == 8


def test_no_length_and_no_body(ask: Ask) -> None:
    """The parser is called all the same: it knows what an empty body means."""
    parser = recorded()

    class View(DataView):
        parser_classes = (parser,)

    ask(View, "Company", b"")
    assert parser.calls == [""]
    status, document = ask(DataView, "Company", b"")
    assert (status, document["__ERROR"][0]["errCode"]) == (400, 9004)
    assert ask(UploadView, "$upload", b"")[0] == 400


def test_a_body_that_cannot_be_read_is_not_read_twice(ask: Ask) -> None:
    class View(DataView):
        def handle_exception(self, exc: Exception) -> Any:
            assert self.request.data is None
            return super().handle_exception(exc)

    status, document = ask(View, "Company", b"{", content_type="application/json")
    assert (status, document["__ERROR"][0]["errCode"]) == (400, 9001)
