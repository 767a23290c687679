"""What tests through HTTP assert of every answer, and the proof that a request changed nothing."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

JSON_HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "Cache-Control": "no-store",
    "4DREST-INFO": "1.0",
}
# Headers that say something about an error: there where a test expects them and nowhere else.
ERROR_HEADERS = ("Retry-After", "Allow", "WWW-Authenticate")


def assert_answer(response: Any, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    """``response`` is JSON, has exactly this body in this order of members, and these headers."""
    seen = json.loads(response.content)
    assert (response.status_code, seen) == (status, body)
    expected = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert response.content.decode() == expected
    wanted = JSON_HEADERS | (headers or {})
    names = (*JSON_HEADERS, *ERROR_HEADERS)
    assert {name: response[name] for name in names if name in response} == wanted


def error(code: int, message: str) -> dict[str, Any]:
    """One element of ``__ERROR``. Codes from 9001 are conditions of this server alone (D-33)."""
    signature = "djng" if code > 9000 else "dbmg"
    return {"message": message, "componentSignature": signature, "errCode": code}


def errors(*items: tuple[int, str]) -> dict[str, Any]:
    return {"__ERROR": [error(*item) for item in items]}


STATUS_TEXTS = {
    1: "Permission Error",
    2: "Stamp has changed",
    4: "Other error",
    5: "Entity does not exist anymore",
    7: "Mild Validation Error",
}


def refused(
    status: int, *items: tuple[int, str], entity: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The answer for an entity that was not saved (``responses.md`` 6.2)."""
    told = {"status": status, "statusText": STATUS_TEXTS[status], "success": False}
    return {"__STATUS": told, **(entity or {}), **errors(*items)}


def saved(entity: dict[str, Any], uri: str) -> dict[str, Any]:
    """The answer for an entity that was saved, or that needed no save (D-03)."""
    key, stamp, *others = entity.items()
    head = [("__STATUS", {"success": True}), key, stamp, ("uri", f"http://testserver{uri}")]
    return dict([*head, *others])


def codes(document: dict[str, Any]) -> list[int]:
    return [item["errCode"] for item in document["__ERROR"]]


def folders() -> list[Path]:
    """Where the files of models and of uploads are."""
    return [
        Path(settings.MEDIA_ROOT),
        Path(settings.STORAGES["fourd_uploads"]["OPTIONS"]["location"]),
    ]


def files() -> dict[str, str]:
    """Every file of both storages with the digest of its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the sample site, the zoo and this app: entities, stamps, uploads, attachments."""
    found = {}
    with connection.cursor() as cursor:
        for app in ("hr", "zoo", "fourd_rest"):
            for model in apps.get_app_config(app).get_models():
                table = connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
                # What was found out about an upload is no change of it: it is only not asked twice.
                kept = [column[0] != "refusal" for column in cursor.description]
                found[model._meta.label] = [
                    tuple(map(_plain, compress(row, kept))) for row in cursor.fetchall()
                ]
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


@contextmanager
def nothing_changes() -> Iterator[None]:
    """What happens in the block leaves every row and every file as it was."""
    before = rows(), files()
    yield
    assert (rows(), files()) == before


def chunked(content: bytes) -> dict[str, Any]:
    """A body without an announced length, from a server that ends the stream itself."""
    return {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
        "wsgi.input": io.BytesIO(content),
        "wsgi.input_terminated": True,
    }


def cut(content: bytes, announced: int) -> dict[str, Any]:
    """A body that ends after ``content`` although ``announced`` bytes were to come."""
    return {"CONTENT_LENGTH": str(announced), "wsgi.input": io.BytesIO(content)}
