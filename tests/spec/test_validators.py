"""``UPLOAD_VALIDATORS``: the site may refuse an upload before its ID is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from fourd_rest.models import UploadedBlob
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, errors, files, nothing_changes
from tests.contract.sample import john
from tests.spec.writes import told

pytestmark = pytest.mark.django_db

seen: list[Any] = []


def look(blob: UploadedBlob, file: Any) -> None:
    """Accepts everything."""
    waiting = UploadedBlob.objects.get(pk=blob.pk)
    seen.append((blob.kind, blob.size, blob.detected_type, waiting.state, file.read()))


def refuse(blob: UploadedBlob, file: Any) -> None:
    seen.append("refuse")
    if b"PDF" in file.read():
        raise ValidationError("No PDFs here.")


def refuse_twice(blob: UploadedBlob, file: Any) -> None:
    raise ValidationError(["One reason.", ValidationError("Another: %(n)s.", params={"n": 2})])


def crash(blob: UploadedBlob, file: Any) -> None:
    raise ZeroDivisionError("a secret")


def close(blob: UploadedBlob, file: Any) -> None:
    file.close()


@pytest.fixture
def validators(settings: Any) -> Any:
    seen.clear()

    def use(*functions: Any) -> None:
        paths = [f"{__name__}.{function.__name__}" for function in functions]
        settings.FOURD_REST = {"UPLOAD_VALIDATORS": paths}

    return use


def refused(*reasons: str) -> dict[str, Any]:
    return errors((9020, f"The upload is refused: {' '.join(reasons)}"))


def test_what_a_validator_gets(admin: RestClient, validators: Any) -> None:
    """Blob and file, complete, while nobody can use them yet."""
    validators(look)
    assert told(admin.upload(PDF)) == (200, [])
    assert told(admin.upload(picture(), "$rawPict=true")) == (200, [])
    assert seen == [
        ("binary", len(PDF), "application/pdf", "receiving", PDF),
        ("picture", len(picture()), "image/png", "receiving", picture()),
    ]


def test_refused(admin: RestClient, validators: Any) -> None:
    validators(refuse)
    with nothing_changes():
        assert_answer(admin.upload(PDF), 400, refused("No PDFs here."))
    assert told(admin.upload(b"x")) == (200, [])


def test_several_reasons(admin: RestClient, validators: Any) -> None:
    validators(refuse_twice)
    with nothing_changes():
        assert_answer(admin.upload(PDF), 400, refused("One reason.", "Another: 2."))


def test_several_validators(admin: RestClient, validators: Any) -> None:
    """In order, each with the file from its beginning, up to the first that refuses."""
    validators(look, close, refuse, look)
    with nothing_changes():
        assert told(admin.upload(PDF)) == (400, [9020])
    assert [item if item == "refuse" else "look" for item in seen] == ["look", "refuse"]
    assert told(admin.upload(b"x")) == (200, [])
    assert seen[-1][-1] == b"x"


def test_a_validator_that_crashes(admin: RestClient, validators: Any) -> None:
    """A bug of the site; a scanner that is down must let nothing pass."""
    validators(crash)
    with nothing_changes():
        answer = admin.upload(PDF)
    assert told(answer) == (500, [9011])
    assert b"secret" not in answer.content


def test_a_validator_that_is_not_there(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"UPLOAD_VALIDATORS": ["no.such.validator"]}
    with nothing_changes():
        assert told(admin.upload(PDF)) == (500, [9011])


def test_nothing_is_asked_about_what_is_refused_anyway(admin: RestClient, validators: Any) -> None:
    validators(look)
    assert told(admin.upload(PDF, "$rawPict=true")) == (400, [1824])
    assert told(admin.upload(b"")) == (400, [9004])
    assert seen == []


def test_lenient_pictures(admin: RestClient, settings: Any) -> None:
    seen.clear()
    settings.FOURD_REST = {"RAWPICT_LENIENT": True, "UPLOAD_VALIDATORS": [f"{__name__}.look"]}
    assert told(admin.upload(PDF, "$rawPict=true")) == (200, [])
    assert seen[0][0] == "binary"


@pytest.mark.parametrize(("function", "answer"), [(refuse, (400, [9020])), (crash, (500, [9011]))])
def test_bytes_straight_to_an_attribute(
    admin: RestClient, validators: Any, function: Any, answer: Any
) -> None:
    john()
    validators(function)
    with nothing_changes():
        assert told(admin.rest("PUT", "Employee(12)/cv", PDF)) == answer
    assert files() == {}
    validators(look)
    assert told(admin.rest("PUT", "Employee(12)/cv", PDF)) == (200, [])
    assert Employee.objects.get().cv.size == len(PDF)


def test_an_accepted_upload_is_used_as_ever(admin: RestClient, validators: Any) -> None:
    validators(look, refuse)
    john()
    upload = json.loads(admin.upload(b"harmless").content)
    posted = {"__KEY": "12", "__STAMP": 4, "cv": upload}
    assert told(admin.update("Employee", posted)) == (200, [])
    assert len(seen) == 2
