"""Entities and files that the tests write, and how an answer must look to any client."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from .harness import Answer, Gunicorn
from .transports import Ios, Rest4D

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HEADERS = {
    "content-type": "application/json; charset=UTF-8",
    "cache-control": "no-store",
    "4drest-info": "1.0",
}


def picture(color: str = "red", kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (9, 7), color).save(file, kind)
    return file.getvalue()


def hire(server: Gunicorn, **attributes: Any) -> dict[str, Any]:
    """A new employee as the update answer shows it; ``__KEY`` and ``__STAMP`` 1 are in it."""
    posted = {"firstName": "New", "lastName": "One", **attributes}
    answer = Rest4D(server).call("Employee", {"$method": "update"}, posted)
    assert (answer.status, answer.json["__STAMP"]) == (200, 1), answer.body
    return answer.json


def hold(server: Gunicorn, key: str, stamp: int, attribute: str, content: bytes) -> int:
    """Give the employee a file; returns the new stamp."""
    blob = Ios(server).upload("", content, "application/octet-stream").json["ID"]
    posted = {"__KEY": key, "__STAMP": stamp, attribute: {"ID": blob}}
    answer = Rest4D(server).call("Employee", {"$method": "update"}, posted)
    assert answer.status == 200, answer.body
    return answer.json["__STAMP"]


def seen(answer: Answer) -> tuple[int, Any]:
    """Status and document of an answer that has the headers which every JSON answer has."""
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert int(answer.headers["content-length"]) == len(answer.body)
    return answer.status, answer.json


def codes(entity: dict[str, Any]) -> list[int]:
    """The error codes in ``entity``; each error has all that clients read of it."""
    for error in entity["__ERROR"]:
        assert error["message"]
        assert error["componentSignature"] == "dbmg"
    return [error["errCode"] for error in entity["__ERROR"]]


def team(server: Gunicorn, name: str, count: int = 3, **attributes: Any) -> list[str]:
    """Keys of ``count`` new employees of that last name; they earn 1, 2, 3, …"""
    return [
        hire(server, lastName=name, salary=salary, **attributes)["__KEY"]
        for salary in range(1, count + 1)
    ]


def keys(document: dict[str, Any]) -> list[str]:
    """Keys of the entities in a collection that has all that clients read of it."""
    assert all(type(document[name]) is int for name in ("__COUNT", "__FIRST", "__SENT"))
    assert document["__SENT"] == len(document["__ENTITIES"])
    assert all(isinstance(entity, dict) for entity in document["__ENTITIES"])
    return [entity["__KEY"] for entity in document["__ENTITIES"]]
