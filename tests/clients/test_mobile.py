"""4D for iOS and 4D for Android: the same surface under ``/mobileapp``."""

from __future__ import annotations

import re

import pytest

from .harness import Answer, Gunicorn
from .people import PDF, codes, hire, picture, seen
from .rows import plays
from .transports import Android, Ios


@pytest.fixture
def ios(mobile_server: Gunicorn) -> Ios:
    return Ios(mobile_server)


@pytest.fixture
def android(mobile_server: Gunicorn) -> Android:
    return Android(mobile_server)


def upload_id(answer: Answer) -> str:
    """The ID that an upload is answered with; nothing else is in the answer."""
    status, document = seen(answer)
    assert (status, list(document)) == (200, ["ID"])
    assert re.fullmatch(r"[0-9A-F]{32}", document["ID"])
    return document["ID"]


def attach(ios: Ios, attribute: str, blob: str) -> Answer:
    """The bytes that are read back once the upload was given to a new employee."""
    key = hire(ios.server)["__KEY"]
    posted = {"__KEY": key, "__STAMP": 1, attribute: {"ID": blob}}
    status, entity = seen(ios.json("Employee?%24method=update", posted))
    assert (status, entity["__STAMP"]) == (200, 2)
    uri = entity[attribute]["__deferred"]["uri"]
    assert uri.startswith(f"/mobileapp/Employee({key})/{attribute}?")
    return ios.get(uri)


@plays("ios-upload-image")
@pytest.mark.parametrize(
    ("mime", "kind"), [("image/jpg", "JPEG"), ("image/jpeg", "JPEG"), ("image/png", "PNG")]
)
def test_ios_upload_of_an_image(row: str, ios: Ios, mime: str, kind: str) -> None:
    """``image/jpg`` is no registered type; the content says what the picture is."""
    content = picture("blue", kind)
    shown = attach(ios, "photo", upload_id(ios.upload("?%24rawPict=true", content, mime)))
    assert (shown.status, shown.headers["content-type"]) == (200, f"image/{kind.lower()}")
    assert shown.body == content


@plays("ios-upload-file")
def test_ios_upload_of_a_file(row: str, ios: Ios) -> None:
    shown = attach(ios, "cv", upload_id(ios.upload("", PDF, "application/pdf")))
    assert (shown.status, shown.body) == (200, PDF)


@plays("ios-upload-timeout")
def test_ios_upload_with_a_timeout(row: str, ios: Ios) -> None:
    shown = attach(ios, "cv", upload_id(ios.upload("?%24timeout=300", PDF, "application/pdf")))
    assert (shown.status, shown.body) == (200, PDF)


@plays("ios-update")
def test_ios_update(row: str, ios: Ios) -> None:
    key = hire(ios.server, salary=1)["__KEY"]
    posted = {"__KEY": key, "__STAMP": 1, "salary": 2, "birthDate": "09!03!2017"}
    status, entity = seen(ios.json("Employee?%24method=update", posted))
    assert (status, entity["__KEY"], entity["__STAMP"]) == (200, key, 2)
    assert (entity["salary"], entity["birthDate"]) == (2, "9!3!2017")


@plays("ios-validate")
def test_ios_validate(row: str, ios: Ios) -> None:
    key = hire(ios.server, salary=1)["__KEY"]
    good = {"__KEY": key, "__STAMP": 1, "salary": 2}
    assert seen(ios.json("Employee?%24method=validate", good)) == (200, {"ok": True})
    bad = {**good, "firstName": "x" * 61}
    status, document = seen(ios.json("Employee?%24method=validate", bad))
    assert (status, codes(document["__ENTITIES"][0])) == (500, [1569, 1570, 1517])
    read = ios.get(f"/mobileapp/Employee({key})").json
    assert (read["__STAMP"], read["salary"]) == (1, 1)


@plays("ios-delete")
def test_ios_delete(row: str, ios: Ios) -> None:
    key = hire(ios.server)["__KEY"]
    assert seen(ios.json(f"Employee({key})?%24method=delete", {})) == (200, {"ok": True})
    assert ios.get(f"/mobileapp/Employee({key})").status == 404


@plays("android-upload-image")
def test_android_upload_of_an_image(row: str, android: Android, ios: Ios) -> None:
    content = picture("green", "JPEG")
    shown = attach(ios, "photo", upload_id(android.upload(content)))
    assert (shown.status, shown.headers["content-type"], shown.body) == (200, "image/jpeg", content)


@plays("android-upload-pdf")
def test_android_upload_of_a_document(row: str, android: Android, ios: Ios) -> None:
    """It announces a picture all the same, which a site for mobile clients takes as binary."""
    shown = attach(ios, "cv", upload_id(android.upload(PDF)))
    assert (shown.status, shown.body) == (200, PDF)


def test_a_document_is_no_picture_unless_the_site_is_lenient(server: Gunicorn) -> None:
    status, document = seen(Android(server).upload(PDF))
    assert (status, codes(document)) == (400, [1824])
