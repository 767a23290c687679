"""Bytes straight to an image or BLOB attribute, and emptying it (D-16, ``server-facts.md`` 13)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from fourd_rest import DataClass, sweep
from fourd_rest.models import BlobAttachment, UploadedBlob
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, cut, errors, files, nothing_changes
from tests.contract.sample import acme, employee, john
from tests.spec.writes import NOW, conflict, saved_employee, told
from tests.zoo.models import Animal, Everything

pytestmark = pytest.mark.django_db

OK = {"ok": True}
RAW = {"content_type": "application/octet-stream"}


@pytest.fixture
def at_now(monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def with_files() -> Employee:
    man = john()
    man.photo.save("old.png", ContentFile(picture(size=(2, 2))), save=False)
    man.cv.save("old.pdf", ContentFile(b"%PDF-old"), save=False)
    Employee.objects.filter(pk=12).update(photo=man.photo.name, cv=man.cv.name)
    return Employee.objects.get(pk=12)


def content(file: Any) -> bytes:
    with file.open() as opened:
        return bytes(opened.read())


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "Employee(12)/photo?$rawPict=image/png&$refresh=true"),
        ("PUT", "Employee(12)/cv?$refresh=True"),
        ("DELETE", "Employee(12)/photo?$refresh=1"),
        ("POST", "Employee(12)/cv?$method=delete&$refresh=true"),
        ("DELETE", "Employee(12)?$refresh=true"),
        ("POST", "Employee(12)?$method=delete&$refresh=true"),
        ("POST", "Employee?$method=delete&$refresh=true&$filter=ID = 12"),
    ],
)
def test_who_asks_what_would_be_finds_nothing_done(admin: RestClient, verb: str, path: str) -> None:
    with_files()
    with nothing_changes():
        response = admin.rest(verb, path, picture(), **RAW)
    assert told(response) == (501, [9014])


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "Employee(12)/photo?$rawPict=image/png",
        "Employee(12)/photo?$rawPict=image/jpeg",
        "Employee(12)/photo?$rawPict=true",
        "Employee(12)/photo",
        "Employee(12)/photo?$method=update&$rawPict=image/png",
        "Employee(12)/photo?$imageformat=best&$version=4",
        'Employee("12")/photo/',
    ],
)
def test_picture(admin: RestClient, at_now: None, verb: str, path: str) -> None:
    """The content decides what it is, never the parameter or the Content-Type (D-15)."""
    john()
    assert_answer(admin.rest(verb, path, picture(), content_type="application/json"), 200, OK)
    man = Employee.objects.get()
    assert (content(man.photo), man.stamp, man.modified) == (picture(), 5, NOW)
    assert man.photo.name.startswith("photos/")
    assert man.photo.name.endswith(".png")


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize("path", ["Employee(12)/cv", "Employee(12)/cv?$binary=true"])
def test_blob(admin: RestClient, verb: str, path: str) -> None:
    john()
    assert_answer(admin.rest(verb, path, PDF, **RAW), 200, OK)
    man = Employee.objects.get()
    assert (content(man.cv), man.stamp) == (PDF, 5)
    assert admin.read("Employee(12)/cv?$binary=true").content == PDF


def test_bytes_in_the_row(admin: RestClient) -> None:
    thing = Everything.objects.create(char="x")
    assert_answer(admin.rest("PUT", f"Everything({thing.pk})/binary", b"\x00\xff", **RAW), 200, OK)
    thing.refresh_from_db()
    assert bytes(thing.binary) == b"\x00\xff"
    entity = json.loads(admin.read(f"Everything({thing.pk})").content)
    assert entity["__STAMP"] == 2
    assert_answer(admin.rest("DELETE", f"Everything({thing.pk})/binary"), 200, OK)
    thing.refresh_from_db()
    assert thing.binary is None


def test_any_file_may_be_a_blob(admin: RestClient) -> None:
    john()
    assert_answer(admin.rest("POST", "Employee(12)/cv", picture(), **RAW), 200, OK)
    assert content(Employee.objects.get().cv) == picture()


def test_no_stamp_is_asked_for(admin: RestClient) -> None:
    john(stamp=700)
    for stamp in (701, 702):
        assert_answer(admin.rest("PUT", "Employee(12)/cv", PDF, **RAW), 200, OK)
        assert Employee.objects.get().stamp == stamp


def test_the_upload_is_gone_with_the_answer(admin: RestClient) -> None:
    john()
    assert_answer(admin.rest("POST", "Employee(12)/cv", PDF, **RAW), 200, OK)
    upload = UploadedBlob.objects.get()
    attached = BlobAttachment.objects.get()
    assert (upload.state, attached.state, attached.key) == ("expired", "attached", "12")
    posted = {"__KEY": "12", "__STAMP": 5, "cv": {"ID": upload.wire_id}}
    assert told(admin.update("Employee", posted)) == (500, [1826, 1517])
    sweep.run()
    assert list(files().values()) == [upload.sha256]


@pytest.mark.parametrize("deletes", [False, True])
def test_the_replaced_file(
    admin: RestClient,
    registered: Any,
    deletes: bool,
    django_capture_on_commit_callbacks: Any,
) -> None:
    registered(Employee, fields=["id", "cv"], naming="camelCase", delete_replaced_files=deletes)
    old = with_files().cv
    with django_capture_on_commit_callbacks(execute=True):
        assert_answer(admin.rest("PUT", "Employee(12)/cv", PDF, **RAW), 200, OK)
    assert old.storage.exists(old.name) is not deletes


@pytest.mark.parametrize("posted", ["upload", None])
@pytest.mark.parametrize("where", ["save_model", "save"])
def test_a_file_that_the_site_keeps(
    admin: RestClient,
    registered: Any,
    monkeypatch: Any,
    where: str,
    posted: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    """A site that waits for somebody's approval saves something else, or nothing, and names it still."""

    class Approved(DataClass):
        fields = ["id", "cv", "photo"]
        delete_replaced_files = True

        def save_model(self, request: Any, obj: Any, change: bool) -> None:
            if where == "save":
                super().save_model(request, obj, change)

    def save(self: Any, *args: Any, **options: Any) -> None:
        self.cv = Employee.objects.values_list("cv", flat=True).get(pk=self.pk)
        super(Employee, self).save(*args, **options)

    registered(Employee, Approved)
    old = with_files()
    if where == "save":
        monkeypatch.setattr(Employee, "save", save)
    change = {"ID": admin.upload(PDF).json()["ID"]} if posted else None
    with django_capture_on_commit_callbacks(execute=True):
        response = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "cv": change, "photo": None})
    assert response.status_code == 200
    assert Employee.objects.get().cv.name == old.cv.name
    assert old.cv.storage.exists(old.cv.name)
    # What is named no more goes all the same.
    assert old.photo.storage.exists(old.photo.name) is (where == "save_model")


# Emptying


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("DELETE", "Employee(12)/photo"),
        ("DELETE", "Employee(12)/photo?$imageformat=best&$version=4&$expand=photo"),
        ("POST", "Employee(12)/photo?$method=delete"),
        ("POST", "Employee(12)/photo?$method=delete&$imageformat=best"),
    ],
)
def test_empty_a_picture(admin: RestClient, verb: str, path: str) -> None:
    with_files()
    assert_answer(admin.rest(verb, path), 200, OK)
    man = Employee.objects.get()
    assert (man.photo.name, bool(man.cv), man.stamp) == ("", True, 5)


@pytest.mark.parametrize("path", ["Employee(12)/cv", "Employee(12)/cv?$binary=true"])
def test_empty_a_blob(admin: RestClient, path: str) -> None:
    with_files()
    assert_answer(admin.rest("DELETE", path), 200, OK)
    man = Employee.objects.get()
    assert (man.cv.name, bool(man.photo), man.stamp) == ("", True, 5)


def test_empty_what_is_empty(admin: RestClient) -> None:
    john()
    with nothing_changes():
        assert_answer(admin.rest("DELETE", "Employee(12)/photo"), 200, OK)


@pytest.mark.parametrize("key", [{}, {"__KEY": "12"}, {"__KEY": 12}])
def test_empty_by_a_bare_post(admin: RestClient, at_now: None, key: dict[str, Any]) -> None:
    """An update like any other, with its stamp and its answer."""
    with_files()
    Employee.objects.update(cv="")
    answer = admin.rest("POST", "Employee(12)", {**key, "__STAMP": 4, "photo": None})
    assert_answer(answer, 200, saved_employee(stamp=5))
    assert Employee.objects.get().photo.name == ""


def test_a_bare_post_compares_the_stamp(admin: RestClient) -> None:
    with_files()
    with nothing_changes():
        answer = admin.rest("POST", "Employee(12)", {"__STAMP": 3, "photo": None})
    document = json.loads(answer.content)
    assert [(item["errCode"], item["message"]) for item in document["__ERROR"]] == conflict()


# Refusals: nothing is read, or nothing is kept


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (
            "Employee(13)/photo",
            404,
            errors((1543, 'Cannot load entity# 13 in the "Employee" dataclass')),
        ),
        (
            "Employee(x)/photo",
            404,
            errors(
                (
                    1541,
                    'The given primary key does not match the definition in the "Employee" dataclass',
                )
            ),
        ),
        (
            "Employee(12)/shoe",
            404,
            errors(
                (1500, 'The "shoe" attribute cannot be found in the "Employee" dataclass'),
                (
                    1804,
                    'Cannot completely build a list of attributes with "shoe" for the "Employee" '
                    "dataclass",
                ),
            ),
        ),
        ("Nothing(12)/photo", 404, errors((1800, 'The "Nothing" dataclass cannot be found'))),
    ],
)
def test_unknown(admin: RestClient, verb: str, path: str, status: int, body: Any) -> None:
    with_files()
    with nothing_changes():
        assert_answer(admin.rest(verb, path, picture()), status, body)


@pytest.mark.parametrize(
    ("verb", "method"), [("POST", "update"), ("PUT", "update"), ("DELETE", "delete")]
)
@pytest.mark.parametrize(
    "path", ["Employee(12)/firstName", "Employee(12)/employer", "Employee(12)/team", "Employee/photo"]
)
def test_attributes_that_hold_no_file(admin: RestClient, verb: str, method: str, path: str) -> None:
    with_files()
    with nothing_changes():
        answer = admin.rest(verb, path, picture())
    message = f'"{method}" REST method is not applicable here'
    assert_answer(answer, 400, errors((1813, message)))


@pytest.mark.parametrize(
    ("path", "sent", "status", "code"),
    [
        ("Employee(12)/photo?$rawPict=image/png", PDF, 400, 1824),
        ("Employee(12)/photo", picture()[:50], 400, 1824),
        ("Employee(12)/photo", b"", 400, 9004),
        ("Employee(12)/cv", b"", 400, 9004),
        ("Employee(12)/cv?$timeout=0", PDF, 400, 1806),
        ("Employee(12)/cv?$dryrun=true", PDF, 400, 1811),
    ],
    ids=["no picture", "cut picture", "empty picture", "empty BLOB", "no time", "unknown keyword"],
)
def test_bytes_that_are_refused(
    admin: RestClient, path: str, sent: bytes, status: int, code: int
) -> None:
    with_files()
    with nothing_changes():
        assert told(admin.rest("POST", path, sent, **RAW)) == (status, [code])


def test_a_body_that_is_cut(admin: RestClient) -> None:
    with_files()
    with nothing_changes():
        answer = admin.rest("PUT", "Employee(12)/cv", **cut(PDF, announced=len(PDF) + 1))
        assert told(answer) == (400, [9005])


def test_a_body_that_is_too_large(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_UPLOAD_SIZE": 10}
    with_files()
    with nothing_changes():
        assert told(admin.rest("PUT", "Employee(12)/cv", b"x" * 11, **RAW)) == (413, [9003])


def test_lenient_pictures_are_still_pictures(admin: RestClient, settings: Any) -> None:
    """``RAWPICT_LENIENT`` keeps other files as BLOBs; an image attribute takes none."""
    settings.FOURD_REST = {"RAWPICT_LENIENT": True}
    before = with_files()
    status, found = told(admin.rest("PUT", "Employee(12)/photo?$rawPict=true", PDF, **RAW))
    after = Employee.objects.get()
    assert (status, found) == (500, [1824, 1517])
    assert (after.photo.name, after.stamp) == (before.photo.name, 4)
    assert not BlobAttachment.objects.exists()


def test_a_file_that_the_model_refuses(admin: RestClient) -> None:
    """The field's own validators hold; the copy does not stay."""
    Animal.objects.create(id=1, name="Tiger")
    status, found = told(admin.rest("PUT", "Animal(1)/report", picture(), **RAW))
    assert (status, found) == (500, [1569, 1570, 1517])
    assert Animal.objects.get().report.name == ""
    assert not BlobAttachment.objects.exists()
    sweep.run()
    assert files() == {}


def test_read_only(admin: RestClient, registered: Any) -> None:
    registered(Employee, fields=["id", "cv"], naming="camelCase", readonly_fields=["cv"])
    with_files()
    message = 'The value of attribute "cv" in the "Employee" dataclass cannot be modified'
    for verb in ("POST", "PUT", "DELETE"):
        with nothing_changes():
            answer = admin.rest(verb, "Employee(12)/cv", PDF, **RAW)
        assert_answer(answer, 500, errors((1516, message)))


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("key", [12, 13, "x"])
def test_no_right_to_change(login: Any, verb: str, key: Any) -> None:
    """Said before a byte is read, and the same for entities that are not there."""
    with_files()
    client = login("hr.view_employee", "hr.add_employee", "hr.delete_employee")
    with nothing_changes():
        answer = client.rest(verb, f"Employee({key})/cv", PDF, **RAW)
    message = "No permission to update for the Employee dataclass"
    assert_answer(answer, 401, errors((1558, message)))


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["Employee(12)/cv", "Nothing(1)/cv"])
def test_guest(guest: RestClient, verb: str, path: str) -> None:
    john()
    with nothing_changes():
        answer = guest.rest(verb, path, PDF, **RAW)
    name = path.partition("(")[0]
    message = f"No permission to update for the {name} dataclass"
    assert_answer(answer, 401, errors((1558, message)))


@pytest.mark.parametrize("verb", ["POST", "DELETE"])
@pytest.mark.parametrize("attribute", ["cv", "shoe"])
def test_a_dataclass_that_the_caller_may_not_know_of(login: Any, verb: str, attribute: str) -> None:
    with_files()
    with nothing_changes():
        answer = login("hr.view_company").rest(verb, f"Employee(12)/{attribute}", PDF, **RAW)
    assert_answer(answer, 404, errors((1800, 'The "Employee" dataclass cannot be found')))


def test_a_guest_with_the_right(guest: RestClient, settings: Any, db: None) -> None:
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.change_employee"]}
    john()
    assert_answer(guest.rest("PUT", "Employee(12)/cv", PDF, **RAW), 200, OK)
    assert content(Employee.objects.get().cv) == PDF


def test_the_right_to_change_one_entity(admin: RestClient, registered: Any) -> None:
    class Guarded(DataClass):
        naming = "camelCase"

        def has_change_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is not None and obj.pk == 12

    registered(Employee, Guarded)
    with_files()
    john_two = Employee.objects.create(id=13, first_name="J", last_name="S")
    assert_answer(admin.rest("PUT", "Employee(12)/cv", PDF, **RAW), 200, OK)
    assert_answer(admin.rest("DELETE", "Employee(12)/photo"), 200, OK)
    for verb in ("PUT", "DELETE"):
        with nothing_changes():
            answer = admin.rest(verb, f"Employee({john_two.pk})/cv", PDF, **RAW)
        assert told(answer) == (401, [1558])


def test_pages_of_other_sites(admin: RestClient) -> None:
    with_files()
    foreign = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://evil.example"}
    for verb in ("POST", "PUT", "DELETE"):
        with nothing_changes():
            assert told(admin.rest(verb, "Employee(12)/cv", PDF, **RAW, **foreign)) == (403, [9007])


def test_an_entity_out_of_reach(admin: RestClient, registered: Any) -> None:
    class Reachable(DataClass):
        naming = "camelCase"

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(pk=12)

    registered(Employee, Reachable)
    with_files()
    for verb in ("PUT", "DELETE"):
        with nothing_changes():
            assert told(admin.rest(verb, "Employee(12)/cv", PDF, **RAW)) == (404, [1543])


def test_a_list_of_keys_takes_no_file(admin: RestClient) -> None:
    with_files()
    with nothing_changes():
        assert told(admin.rest("PUT", "Employee(12,13)/cv", PDF, **RAW)) == (501, [9014])


def test_a_post_without_attribute_reads_json(admin: RestClient) -> None:
    """``X(key)`` alone is an entity, whatever the bytes are."""
    acme()
    john()
    with nothing_changes():
        assert told(admin.rest("POST", "Employee(12)", PDF, **RAW)) == (400, [9001])
    answer = admin.rest("PUT", "Employee(12)", {"__STAMP": 4, "firstName": "Jack"})
    assert json.loads(answer.content)["firstName"] == employee(firstName="Jack")["firstName"]
