"""Bad input, item by item: a 4D-shaped error, and no row, stamp or file is changed."""

from __future__ import annotations

import io
import json
import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image, ImageFile

from fourd_rest import DataClass
from fourd_rest.models import UploadedBlob
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import (
    assert_answer,
    chunked,
    cut,
    errors,
    nothing_changes,
    refused,
)
from tests.contract.sample import NOT_SAVED, acme, employee, inv003, john
from tests.zoo.models import Country, Everything, Secretive

pytestmark = pytest.mark.django_db

JOHN = employee()
DIGITS = "9" * 400


def new(dataclass: str) -> tuple[int, str]:
    return 1534, f'The new entity of the "{dataclass}" dataclass cannot be saved'


def wrong(attribute: str, dataclass: str = "Employee") -> tuple[int, str]:
    return (
        1508,
        f'Wrong value type passed to the "{attribute}" attribute in the "{dataclass}" dataclass',
    )


def upload(client: RestClient, content: bytes, params: str = "$binary=true") -> str:
    answer = client.upload(content, params)
    assert answer.status_code == 200
    return str(answer.json()["ID"])


def bomb() -> bytes:
    """A few kilobytes that say they are 81 million pixels."""
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "PNG", optimize=True)
    return file.getvalue()


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

# IDs of uploads


def unknown_id(client: RestClient) -> Any:
    return uuid.uuid4().hex.upper()


def foreign_id(client: RestClient) -> Any:
    other = RestClient()
    other.force_login(User.objects.create_superuser("other"))
    return upload(other, picture(), "$rawPict=true")


def expired_id(client: RestClient) -> Any:
    wire_id = upload(client, picture(), "$rawPict=true")
    UploadedBlob.objects.update(expires=timezone.now() - timedelta(seconds=1))
    return wire_id


def swept_id(client: RestClient) -> Any:
    wire_id = upload(client, picture(), "$rawPict=true")
    UploadedBlob.objects.update(state=UploadedBlob.State.EXPIRED)
    return wire_id


def broken_id(client: RestClient) -> Any:
    wire_id = upload(client, picture(), "$rawPict=true")
    UploadedBlob.objects.update(state=UploadedBlob.State.BROKEN)
    return wire_id


def unfinished_id(client: RestClient) -> Any:
    wire_id = upload(client, picture(), "$rawPict=true")
    UploadedBlob.objects.update(state=UploadedBlob.State.RECEIVING, ready=None, expires=None)
    return wire_id


def malformed(make: Any) -> Any:
    """An ID that is one upload's own but for its form."""
    return lambda client: make(upload(client, picture(), "$rawPict=true"))


BAD_IDS = {
    "unknown": unknown_id,
    "foreign": foreign_id,
    "expired": expired_id,
    "swept": swept_id,
    "broken": broken_id,
    "unfinished": unfinished_id,
    "empty": malformed(lambda wire_id: ""),
    "too short": malformed(lambda wire_id: wire_id[:-1]),
    "too long": malformed(lambda wire_id: wire_id + "0"),
    "line end": malformed(lambda wire_id: wire_id + "\n"),
    "with dashes": malformed(lambda wire_id: str(uuid.UUID(wire_id))),
    "in braces": malformed(lambda wire_id: "{" + wire_id + "}"),
    "no hexadecimal digits": malformed(lambda wire_id: "G" * 32),
    "other digits": malformed(lambda wire_id: "\N{FULLWIDTH DIGIT ONE}" * 32),
    "path": malformed(lambda wire_id: "../" + wire_id),
    "NUL": malformed(lambda wire_id: wire_id[:-1] + "\0"),
    "lone surrogate": malformed(lambda wire_id: wire_id[:-1] + "\ud800"),
    "number": malformed(lambda wire_id: 12),
    "null": malformed(lambda wire_id: None),
    "list": malformed(lambda wire_id: [wire_id]),
    "object": malformed(lambda wire_id: {"ID": wire_id}),
}


@pytest.mark.parametrize("attribute", ["photo", "cv"])
@pytest.mark.parametrize("kind", BAD_IDS)
def test_upload_id(admin: RestClient, kind: str, attribute: str) -> None:
    """D-14: one message for all of them, so that it tells nothing about other people's uploads."""
    john()
    bad_id = BAD_IDS[kind](admin)
    with nothing_changes():
        answer = admin.update(
            "Employee", {"__KEY": "12", "__STAMP": 4, attribute: {"ID": bad_id}, "firstName": "Jack"}
        )
    missing = (1826, "No uploaded BLOB has this ID")
    if attribute == "photo":
        missing = (1825, "No uploaded picture has this ID")
    assert_answer(answer, 500, refused(4, missing, NOT_SAVED, entity=JOHN))


@pytest.mark.parametrize(
    "value",
    ["D507BC03E613487E9B4C2F6A0512FE50", {}, {"id": "0" * 32}, [], 5, True, ""],
    ids=lambda value: json.dumps(value),
)
def test_file_attribute_takes_no_other_value(admin: RestClient, value: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "cv": value})
    assert_answer(answer, 500, refused(4, wrong("cv"), NOT_SAVED, entity=JOHN))


# Pictures


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


NO_PICTURES = {
    "text": lambda: b"no picture",
    "PDF": lambda: PDF,
    "SVG": lambda: SVG,
    "HTML": lambda: b"<html><body onload=alert(1)>",
    "truncated PNG": lambda: half(picture(size=(60, 60))),
    "truncated JPEG": lambda: half(picture("JPEG", size=(300, 300))),
    "head of a PNG": lambda: picture()[:33],
    "bomb": bomb,
    "format that is not accepted": lambda: picture("ICO", size=(16, 16)),
}


def why(kind: str) -> tuple[int, str]:
    if kind == "bomb":
        return 1824, "The picture is not accepted: it has more than 50 megapixels"
    return 1824, "The file is not a picture of an accepted type"


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_picture_upload_that_is_none(admin: RestClient, kind: str) -> None:
    with nothing_changes():
        answer = admin.upload(NO_PICTURES[kind](), "$rawPict=true")
    assert_answer(answer, 400, errors(why(kind)))


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_image_attribute_takes_no_other_file(admin: RestClient, kind: str) -> None:
    """D-15: the content decides at attach too. The file may still go where any file may."""
    john()
    wire_id = upload(admin, NO_PICTURES[kind]())
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "photo": {"ID": wire_id}})
    assert_answer(answer, 500, refused(4, why(kind), NOT_SAVED, entity=JOHN))
    body = {"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}}
    assert admin.update("Employee", body).status_code == 200


def test_bomb_is_never_decoded(admin: RestClient, monkeypatch: Any) -> None:
    content = bomb()
    assert len(content) < 11_000
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded.append)
    with nothing_changes():
        assert admin.upload(content, "$rawPict=true").status_code == 400
    assert decoded == []


def test_pixels_are_a_setting(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_PICTURE_PIXELS": 47}
    with nothing_changes():
        assert admin.upload(picture(size=(8, 6)), "$rawPict=true").status_code == 400
    settings.FOURD_REST = {"MAX_PICTURE_PIXELS": 48}
    assert admin.upload(picture(size=(8, 6)), "$rawPict=true").status_code == 200


def test_accepted_formats_are_a_setting(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"PICTURE_FORMATS": ["JPEG"]}
    with nothing_changes():
        assert admin.upload(picture("PNG"), "$rawPict=true").status_code == 400
    assert admin.upload(picture("JPEG"), "$rawPict=true").status_code == 200


# Bodies that are not there, too large, or cut

EMPTY = errors((9004, "The request body is empty"))
CUT = errors((9005, "The request body ended before it was complete"))


@pytest.mark.parametrize(
    "path", ["$upload", "$upload?$rawPict=true", "$upload?$binary=true", "Employee"]
)
@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize("extra", [{}, chunked(b"")], ids=["announced", "unannounced"])
def test_empty_body(admin: RestClient, verb: str, path: str, extra: dict[str, Any]) -> None:
    if "wsgi.input" in extra:
        extra = chunked(b"")
    with nothing_changes():
        answer = admin.rest(verb, path, **extra)
    assert_answer(answer, 400, EMPTY)


@pytest.mark.parametrize("content", [b" ", b"\r\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
def test_blank_json(admin: RestClient, content: bytes) -> None:
    with nothing_changes():
        answer = admin.update("Employee", content)
    assert_answer(answer, 400, EMPTY)


@pytest.mark.parametrize("params", ["$binary=true", "$rawPict=true"])
@pytest.mark.parametrize("announced", [True, False])
def test_upload_over_the_limit(admin: RestClient, settings: Any, params: str, announced: bool) -> None:
    content = picture()
    limit = len(content) - 1
    settings.FOURD_REST = {"MAX_UPLOAD_SIZE": limit}
    with nothing_changes():
        if announced:
            answer = admin.upload(content, params)
        else:
            answer = admin.upload(b"", params, **chunked(content))
    assert_answer(answer, 413, errors((9003, f"The request body is larger than {limit} bytes")))
    settings.FOURD_REST = {"MAX_UPLOAD_SIZE": limit + 1}
    assert admin.upload(content, params).status_code == 200
    assert admin.upload(b"", params, **chunked(content)).status_code == 200


@pytest.mark.parametrize("announced", [True, False])
def test_json_over_the_limit(admin: RestClient, settings: Any, announced: bool) -> None:
    content = b'{"firstName":"John","lastName":"Smith"}'
    settings.FOURD_REST = {"MAX_BODY_SIZE": len(content) - 1}
    with nothing_changes():
        if announced:
            answer = admin.update("Employee", content)
        else:
            answer = admin.update("Employee", b"", **chunked(content))
    limit = len(content) - 1
    assert_answer(answer, 413, errors((9003, f"The request body is larger than {limit} bytes")))
    settings.FOURD_REST = {"MAX_BODY_SIZE": len(content)}
    assert admin.update("Employee", content).status_code == 200


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "9" * 20, "１２"])
def test_announced_length_that_is_none(admin: RestClient, length: str) -> None:
    with nothing_changes():
        answer = admin.upload(b"", CONTENT_LENGTH=length, **{"wsgi.input": io.BytesIO(b"x" * 20)})
    assert_answer(answer, 411, errors((9006, "The request must carry a Content-Length header")))


@pytest.mark.parametrize("params", ["$binary=true", "$rawPict=true"])
def test_upload_cut_at_any_byte(admin: RestClient, params: str) -> None:
    content = picture()
    with nothing_changes():
        for end in range(len(content)):
            answer = admin.upload(b"", params, **cut(content[:end], announced=len(content)))
            assert_answer(answer, 400, CUT)


def test_json_cut_by_the_connection_at_any_byte(admin: RestClient) -> None:
    john()
    content = b'{"__KEY":"12","__STAMP":4,"firstName":"Jack"}'
    with nothing_changes():
        for end in range(len(content)):
            answer = admin.update("Employee", b"", **cut(content[:end], announced=len(content)))
            assert_answer(answer, 400, CUT)


class Torn(io.BytesIO):
    """What a server gives for a chunked body whose connection breaks."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("a word of the server")
        return data


@pytest.mark.parametrize("params", ["$binary=true", "$rawPict=true"])
def test_chunked_upload_cut(admin: RestClient, params: str) -> None:
    content = picture()
    with nothing_changes():
        for end in (0, 1, len(content) // 2, len(content) - 1):
            extra = {**chunked(b""), "wsgi.input": Torn(content[:end])}
            assert_answer(admin.upload(b"", params, **extra), 400, CUT)


# JSON


def test_json_cut_at_any_byte(admin: RestClient) -> None:
    """A complete body that holds the beginning of a document."""
    content = b'{"__KEY":"12","__STAMP":4,"firstName":"Jack","extra":[1,{"a":null}]}'
    john()
    with nothing_changes():
        for end in range(1, len(content)):
            answer = admin.update("Employee", content[:end])
            assert answer.status_code == 400
            assert [item["errCode"] for item in answer.json()["__ERROR"]] == [9001]


ROOT = "expected an object or an array of objects"


@pytest.mark.parametrize(
    "content",
    [
        '"text"',
        "5",
        "1.5",
        "true",
        "null",
        "[1]",
        "[[]]",
        "[[{}]]",
        "[null]",
        '[{}, "x"]',
        '{"__ENTITIES": 5}',
        '{"__ENTITIES": null}',
        '{"__ENTITIES": {}}',
        '{"__ENTITIES": [1]}',
        '{"__ENTITIES": [[{}]]}',
    ],
)
def test_wrong_root_type(admin: RestClient, content: str) -> None:
    with nothing_changes():
        answer = admin.update("Company", content)
    assert_answer(answer, 400, errors((9001, f"The request body is not readable JSON: {ROOT}")))


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none(admin: RestClient, name: str) -> None:
    with nothing_changes():
        answer = admin.update("Company", f'{{"name": "x", "revenues": {name}}}')
    reason = f"{name} is not a JSON value"
    assert_answer(answer, 400, errors((9001, f"The request body is not readable JSON: {reason}")))


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"name": "x", "extra": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{name: "x", extra: ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["unclosed", "arrays", "objects", "in an attribute", "lenient"],
)
def test_depth(admin: RestClient, content: str) -> None:
    with nothing_changes():
        answer = admin.update("Company", content)
    message = "The request body nests JSON values deeper than 64 levels"
    assert_answer(answer, 400, errors((9002, message)))


@pytest.mark.parametrize("character", ["\\ud800", "\\udfff", "\\u0000", "a\\ud83dz"])
@pytest.mark.parametrize(
    ("attribute", "form"),
    [
        ("name", '"{}"'),
        ("extra", '"{}"'),
        ("extra", '["{}"]'),
        ("extra", '{{"a": {{"{}": 1}}}}'),
        ("extra", '{{"a": "{}"}}'),
        ("revenues", '"{}"'),
        ("creationDate", '"{}"'),
        ("manager", '"{}"'),
        ("manager", '{{"__KEY": "{}"}}'),
    ],
)
def test_text_that_no_database_takes(
    admin: RestClient, character: str, attribute: str, form: str
) -> None:
    value = form.format(character)
    with nothing_changes():
        answer = admin.update("Company", f'{{"name": "Acme", "{attribute}": {value}}}')
    assert_answer(answer, 500, refused(4, wrong(attribute, "Company"), new("Company")))


@pytest.mark.parametrize(("character", "shown"), [("\\ud800", "?"), ("\\u0000", "?")])
def test_attribute_name_that_no_text_can_be(admin: RestClient, character: str, shown: str) -> None:
    with nothing_changes():
        answer = admin.update("Company", f'{{"name": "Acme", "x{character}": 1}}')
    unknown = (1500, f'The "x{shown}" attribute cannot be found in the "Company" dataclass')
    assert_answer(answer, 500, refused(4, unknown, new("Company")))


@pytest.mark.parametrize("key", ["\\ud800", "\\u0000", "F\\u0000R"])
def test_key_that_no_database_takes(admin: RestClient, key: str) -> None:
    with nothing_changes():
        answer = admin.update("Country", f'{{"__KEY": "{key}", "name": "x"}}')
    shown = key.replace("\\ud800", "?").replace("\\u0000", "?")
    assert_answer(
        answer,
        500,
        refused(
            5,
            (
                1541,
                'The given primary key does not match the definition in the "Country" dataclass',
            ),
            (1517, f'The entity# {shown} in the "Country" dataclass cannot be saved'),
        ),
    )


@pytest.mark.parametrize(
    "content", [b'{"name": "\xff"}', b'{"name": "\xed\xa0\x80"}', b"\xff\xfe{\x00}\x00"]
)
def test_body_that_is_not_utf_8(admin: RestClient, content: bytes) -> None:
    with nothing_changes():
        answer = admin.update("Company", content)
    assert answer.status_code == 400
    item = answer.json()["__ERROR"][0]
    assert (item["errCode"], item["componentSignature"]) == (9001, "djng")
    assert item["message"].endswith(" is not UTF-8")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("salary", DIGITS),
        ("salary", f"-{DIGITS[1:]}"),
        ("salary", f'"{DIGITS}"'),
        ("salary", "1e300"),
        ("salary", f"1.{DIGITS[2:]}"),
        ("woman", DIGITS),
        ("birthDate", DIGITS),
        ("birthDate", f'"{DIGITS}"'),
        ("employer", DIGITS),
        ("employer", f'{{"__KEY": {DIGITS}}}'),
        ("employer", f'{{"__KEY": "{DIGITS}"}}'),
    ],
)
def test_number_of_400_digits(admin: RestClient, attribute: str, value: str) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", f'{{"__KEY": "12", "__STAMP": 4, "{attribute}": {value}}}')
    assert_answer(answer, 500, refused(4, wrong(attribute), NOT_SAVED, entity=JOHN))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("small", DIGITS),
        ("big", DIGITS),
        ("positive_big", DIGITS),
        ("floating", DIGITS),
        ("floating", "1e399"),
        ("time", DIGITS),
        ("duration", DIGITS),
        ("uuid", DIGITS),
        ("moment", f'"{DIGITS}"'),
        ("json", "1e399"),
        ("json", '{"a": [1e399]}'),
        ("id", DIGITS),
    ],
)
def test_number_of_400_digits_elsewhere(admin: RestClient, attribute: str, value: str) -> None:
    with nothing_changes():
        answer = admin.update("Everything", f'{{"{attribute}": {value}}}')
    assert_answer(answer, 500, refused(4, wrong(attribute, "Everything"), new("Everything")))


@pytest.mark.parametrize("value", [DIGITS, f'"{DIGITS}"', "1e399"])
def test_number_of_400_digits_in_a_decimal(admin: RestClient, value: str) -> None:
    inv003()
    with nothing_changes():
        answer = admin.update("Invoices", f'{{"__KEY": "3", "__STAMP": 1, "amount": {value}}}')
    assert answer.status_code == 500
    assert answer.json()["__ERROR"][:2] == [
        errors((1569, "amount: Ensure that there are no more than 12 digits in total."))["__ERROR"][0],
        errors((1570, "Entity fails validation"))["__ERROR"][0],
    ]


@pytest.mark.parametrize("place", ['"__KEY": {}', '"__STAMP": {}', '"salary": {}', '"extra": [{}]'])
def test_number_of_more_digits(admin: RestClient, place: str) -> None:
    """Such numbers are not even made: that alone could take a second."""
    john()
    with nothing_changes():
        answer = admin.update("Employee", "{" + place.format("9" * 401) + "}")
    reason = "number too long, at most 400 characters are read"
    assert_answer(answer, 400, errors((9001, f"The request body is not readable JSON: {reason}")))


def test_exponent_beyond_all_bounds(admin: RestClient) -> None:
    with nothing_changes():
        answer = admin.update("Company", '{"name": "x", "revenues": 1e' + "9" * 30 + "}")
    reason = "an exponent is too large"
    assert_answer(answer, 400, errors((9001, f"The request body is not readable JSON: {reason}")))


def test_stamp_of_400_digits(admin: RestClient) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", f'{{"__KEY": "12", "__STAMP": {DIGITS}, "firstName": "Jack"}}')
    conflict = (1263, "Given stamp does not match current one for record# 12 of table Employee")
    not_saved = (1046, "Cannot save record 12 in table Employee of database tests")
    assert_answer(answer, 500, refused(2, conflict, not_saved, NOT_SAVED, entity=JOHN))


# Unknown names and keys


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "Nothing"),
        ("GET", "Nothing(1)"),
        ("GET", "Nothing(1)/photo?$imageformat=best"),
        ("POST", "Nothing"),
        ("POST", "Nothing?$method=update"),
        ("PUT", "Nothing/"),
        ("POST", "Nothing(1)?$method=delete"),
        ("DELETE", "Nothing(1)"),
        ("GET", "$catalog/Nothing"),
    ],
)
def test_unknown_dataclass(admin: RestClient, verb: str, path: str) -> None:
    with nothing_changes():
        answer = admin.rest(verb, path, None if verb == "GET" else {"name": "x"})
    assert_answer(answer, 404, errors((1800, 'The "Nothing" dataclass cannot be found')))


@pytest.mark.parametrize(
    ("sent", "told"), [("%E2%80%AE", "?"), ("%E2%80%A8", "?"), ("a" * 400, "a" * 300)]
)
def test_what_does_not_stay_in_its_line_does_not_come_back(
    admin: RestClient, sent: str, told: str
) -> None:
    """Marks of direction and separators of lines are not repeated, nor more than 300 characters."""
    answer = admin.read(sent)
    assert_answer(answer, 404, errors((1800, f'The "{told}" dataclass cannot be found')))


@pytest.mark.parametrize(
    "name", ["employee", "EMPLOYEE", "Employee ", "hr.Employee", "auth_user", "User"]
)
def test_names_are_exact(admin: RestClient, name: str) -> None:
    with nothing_changes():
        answer = admin.update(name.replace(" ", "%20"), {"firstName": "x"})
    assert_answer(answer, 404, errors((1800, f'The "{name}" dataclass cannot be found')))


@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "{}"), ("DELETE", "{}"), ("POST", "{}?$method=delete")]
)
@pytest.mark.parametrize(
    ("entity", "dataclass", "key"),
    [
        ("Employee(99)", "Employee", "99"),
        ("Country(XX)", "Country", "XX"),
        ("Country('fr')", "Country", "fr"),
        (f"Parcel({'0' * 32})", "Parcel", "0" * 32),
    ],
)
def test_unknown_key(
    admin: RestClient, verb: str, path: str, entity: str, dataclass: str, key: str
) -> None:
    Country.objects.create(code="FR", name="France")
    with nothing_changes():
        answer = admin.rest(verb, path.format(entity))
    message = f'Cannot load entity# {key} in the "{dataclass}" dataclass'
    assert_answer(answer, 404, errors((1543, message)))


@pytest.mark.parametrize("posted", ["99", 99, " 99 ", 99.0])
def test_update_of_an_unknown_key(admin: RestClient, posted: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": posted, "__STAMP": 1, "firstName": "Jack"})
    assert_answer(
        answer,
        500,
        refused(
            5,
            (1542, f'Cannot find entity with "{posted}" key in the "Employee" dataclass'),
            (1517, f'The entity# {posted} in the "Employee" dataclass cannot be saved'),
        ),
    )


@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "{}"), ("DELETE", "{}"), ("POST", "{}?$method=delete")]
)
@pytest.mark.parametrize(
    ("entity", "dataclass"),
    [
        ("Employee(twelve)", "Employee"),
        ("Employee(1.5)", "Employee"),
        ("Employee(1e3)", "Employee"),
        ("Employee(0x12)", "Employee"),
        ("Employee(99999999999999999999)", "Employee"),
        (f"Employee({DIGITS})", "Employee"),
        ("Employee('')", "Employee"),
        ("Parcel(12)", "Parcel"),
        ("Keeper(2147483648)", "Keeper"),
    ],
)
def test_key_of_a_wrong_type(
    admin: RestClient, verb: str, path: str, entity: str, dataclass: str
) -> None:
    with nothing_changes():
        answer = admin.rest(verb, path.format(entity))
    message = f'The given primary key does not match the definition in the "{dataclass}" dataclass'
    assert_answer(answer, 404, errors((1541, message)))


@pytest.mark.parametrize("query", ["", "?$refresh=true", "?$method=validate", "?$atomic=true"])
@pytest.mark.parametrize("address", ["Employee('')", 'Employee("")', "Employee[%22%22]", "Country('')"])
def test_an_empty_key_is_no_new_entity(admin: RestClient, address: str, query: str) -> None:
    """A client that has lost its key wants no copy."""
    posted = {"name": "x", "firstName": "x", "lastName": "y"}
    with nothing_changes():
        answer = admin.rest("POST", f"{address}{query}", posted)
    dataclass = address[: min(address.find(sign) for sign in "([" if sign in address)]
    message = f'The given primary key does not match the definition in the "{dataclass}" dataclass'
    assert_answer(answer, 404, errors((1541, message)))


@pytest.mark.parametrize(
    ("posted", "shown"),
    [
        ("twelve", "twelve"),
        (1.5, "1.5"),
        (True, "True"),
        ([12], "[12]"),
        ({"ID": 12}, "{'ID': 12}"),
        (10**30, str(10**30)),
        (DIGITS, DIGITS[:300]),
    ],
    ids=["text", "fraction", "bool", "array", "object", "number", "digits"],
)
def test_update_of_a_key_of_a_wrong_type(admin: RestClient, posted: Any, shown: str) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": posted, "__STAMP": 4, "firstName": "Jack"})
    message = 'The given primary key does not match the definition in the "Employee" dataclass'
    not_saved = f'The entity# {shown} in the "Employee" dataclass cannot be saved'
    assert_answer(answer, 500, refused(5, (1541, message), (1517, not_saved)))


def test_unknown_attributes(admin: RestClient) -> None:
    """One error for each of them; what is right beside them is not saved."""
    john()
    with nothing_changes():
        answer = admin.update(
            "Employee",
            {"__KEY": "12", "__STAMP": 4, "first_name": "Jack", "firstName": "Jack", "stamp": 9},
        )
    missing = [
        (1500, f'The "{name}" attribute cannot be found in the "Employee" dataclass')
        for name in ("first_name", "stamp")
    ]
    assert_answer(answer, 500, refused(4, *missing, NOT_SAVED, entity=JOHN))


@pytest.mark.parametrize("name", ["password", "employer_id", "employer.name", "pk", "X" * 400])
def test_unknown_attribute_of_a_new_entity(admin: RestClient, name: str) -> None:
    with nothing_changes():
        answer = admin.update("Employee", {"firstName": "John", "lastName": "Smith", name: 1})
    missing = (1500, f'The "{name[:300]}" attribute cannot be found in the "Employee" dataclass')
    assert_answer(answer, 500, refused(4, missing, new("Employee")))


# Values that may not be


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("hidden", "changed"),
        ("loud", "CHANGED"),
        ("auto_now", "2020-01-01T00:00:00Z"),
        ("image_width", 7),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_changed_read_only_attribute(
    admin: RestClient, attribute: str, value: Any, is_new: bool
) -> None:
    thing = Everything.objects.create(char="x")
    body = {attribute: value, "text": "changed"}
    with nothing_changes():
        if is_new:
            answer = admin.update("Everything", body)
        else:
            answer = admin.update("Everything", {"__KEY": thing.pk, "__STAMP": 1, **body})
    assert answer.status_code == 500
    message = f'The value of attribute "{attribute}" in the "Everything" dataclass cannot be modified'
    last = (1517, f'The entity# {thing.pk} in the "Everything" dataclass cannot be saved')
    expected = errors((1516, message), new("Everything") if is_new else last)
    assert answer.json()["__ERROR"] == expected["__ERROR"]


@pytest.mark.parametrize("value", [[], [{"__KEY": "12"}], None, "12"])
def test_to_many_relation_is_read_only(admin: RestClient, value: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "team": value})
    message = 'The value of attribute "team" in the "Employee" dataclass cannot be modified'
    assert_answer(answer, 500, refused(4, (1516, message), NOT_SAVED, entity=JOHN))


def test_read_only_option(admin: RestClient, registered: Any) -> None:
    registered(Employee, name="Employee", readonly_fields=["salary", "photo", "employer"])
    man = john(salary=100)
    acme()
    wire_id = upload(admin, picture(), "$rawPict=true")
    for name, value in {"salary": 101, "photo": {"ID": wire_id}, "employer": "1"}.items():
        with nothing_changes():
            answer = admin.update("Employee", {"__KEY": man.pk, "__STAMP": 4, name: value})
        message = f'The value of attribute "{name}" in the "Employee" dataclass cannot be modified'
        assert answer.status_code == 500
        assert answer.json()["__ERROR"] == errors((1516, message), NOT_SAVED)["__ERROR"]


@pytest.mark.parametrize("stamp", [3, 5, "3", " 3 ", 3.0, -4, -1, 10**18, 2**31])
def test_stale_stamp(admin: RestClient, stamp: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": stamp, "firstName": "Jack"})
    conflict = (1263, "Given stamp does not match current one for record# 12 of table Employee")
    not_saved = (1046, "Cannot save record 12 in table Employee of database tests")
    assert_answer(answer, 500, refused(2, conflict, not_saved, NOT_SAVED, entity=JOHN))


@pytest.mark.parametrize("stamp", ["four", "4.5", 4.5, True, [4], {"__STAMP": 4}, "0x4", "٤"])
def test_stamp_that_is_none(admin: RestClient, stamp: Any) -> None:
    john()
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": stamp, "firstName": "Jack"})
    assert_answer(answer, 500, refused(4, wrong("__STAMP"), NOT_SAVED, entity=JOHN))


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("amount", "This field cannot be null."),
        ("date", "This field cannot be null."),
        ("company", "This field cannot be null."),
        ("reference", "This field cannot be blank."),
    ],
)
def test_null_in_a_required_field(admin: RestClient, attribute: str, message: str) -> None:
    inv003()
    with nothing_changes():
        answer = admin.update("Invoices", {"__KEY": "3", "__STAMP": 1, attribute: None})
    assert answer.status_code == 500
    assert (
        answer.json()["__ERROR"]
        == errors(
            (1569, f"{attribute}: {message}"),
            (1570, "Entity fails validation"),
            (1517, 'The entity# 3 in the "Invoices" dataclass cannot be saved'),
        )["__ERROR"]
    )


def test_required_fields_of_a_new_entity(admin: RestClient) -> None:
    with nothing_changes():
        answer = admin.update("Invoices", {})
    assert_answer(
        answer,
        500,
        refused(
            7,
            (1569, "reference: This field cannot be blank."),
            (1569, "amount: This field cannot be null."),
            (1569, "date: This field cannot be null."),
            (1569, "company: This field cannot be null."),
            (1570, "Entity fails validation"),
            new("Invoices"),
        ),
    )


@pytest.mark.parametrize("is_new", [True, False])
def test_text_too_long(admin: RestClient, is_new: bool) -> None:
    john()
    body = {"lastName": "é" * 61, "firstName": "Jack"}
    with nothing_changes():
        answer = admin.update("Employee", body if is_new else {"__KEY": 12, "__STAMP": 4, **body})
    message = "lastName: Ensure this value has at most 60 characters (it has 61)."
    invalid = [(1569, message), (1570, "Entity fails validation")]
    if is_new:
        assert_answer(answer, 500, refused(7, *invalid, new("Employee")))
    else:
        assert_answer(answer, 500, refused(7, *invalid, NOT_SAVED, entity=JOHN))


def test_key_too_long(admin: RestClient) -> None:
    with nothing_changes():
        answer = admin.update("Country", {"code": "X" * 11, "name": "Long"})
    message = "code: Ensure this value has at most 10 characters (it has 11)."
    invalid = [(1569, message), (1570, "Entity fails validation")]
    assert_answer(answer, 500, refused(7, *invalid, new("Country")))


# What the user may not see is as if it did not exist


class OnlyOthers(DataClass):
    """Hides employee 12."""

    name = "Employee"
    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).exclude(pk=12)


HIDDEN_REQUESTS = {
    "read": ("GET", "Employee(12)", None),
    "read attributes": ("GET", "Employee(12)/firstName", None),
    "read a file": ("GET", "Employee(12)/photo?$imageformat=best", None),
    "update": ("POST", "Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}),
    "update without change": ("POST", "Employee", {"__KEY": "12", "firstName": "John"}),
    "stale update": ("POST", "Employee", {"__KEY": "12", "__STAMP": 1, "firstName": "Jack"}),
    "bad update": ("POST", "Employee", {"__KEY": "12", "__STAMP": 4, "shoeSize": 1}),
    "bad stamp": ("POST", "Employee", {"__KEY": "12", "__STAMP": "x"}),
    "atomic update": (
        "POST",
        "Employee?$atomic=true",
        [{"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}],
    ),
    "delete": ("POST", "Employee(12)?$method=delete", None),
    "delete by verb": ("DELETE", "Employee(12)", None),
    "relation": ("POST", "Company", {"__KEY": "1", "manager": "12"}),
    "relation as an object": ("POST", "Company", {"__KEY": "1", "manager": {"__KEY": 12}}),
    "relation of a new entity": ("POST", "Company", {"name": "New", "manager": 12}),
}


@pytest.mark.parametrize("name", HIDDEN_REQUESTS)
@pytest.mark.parametrize("limited", [True, False], ids=["user", "superuser"])
def test_hidden_entity(admin: RestClient, login: Any, registered: Any, name: str, limited: bool) -> None:
    registered(Employee, OnlyOthers)
    client = admin
    if limited:
        actions = ("view", "add", "change", "delete")
        client = login(*(f"hr.{action}_{m}" for action in actions for m in ("employee", "company")))
    verb, path, body = HIDDEN_REQUESTS[name]
    acme()
    john(photo="photos/john.png")
    with nothing_changes():
        hidden = client.rest(verb, path, body)
    Employee.objects.filter(pk=12)._raw_delete("default")
    with nothing_changes():
        absent = client.rest(verb, path, body)
    assert hidden.status_code == absent.status_code == (404 if "(" in path else 500)
    assert hidden.content == absent.content
    assert hidden.headers == absent.headers


def test_entity_hidden_by_the_default_manager(admin: RestClient) -> None:
    Secretive.everything.bulk_create([Secretive(id=1, name="x", is_hidden=True)])
    requests = [
        ("GET", "Secretive(1)", None),
        ("DELETE", "Secretive(1)", None),
        ("POST", "Secretive", {"__KEY": 1, "name": "y"}),
        ("POST", "Finder", {"name": "f", "secretive": 1}),
    ]
    with nothing_changes():
        hidden = [admin.rest(*request).content for request in requests]
    Secretive.everything.filter(pk=1)._raw_delete("default")
    with nothing_changes():
        absent = [admin.rest(*request).content for request in requests]
    assert hidden == absent


# Anything at all


FRAGMENTS = [
    *('"__KEY"', '"__STAMP"', '"firstName"', '"photo"', '"employer"', '"extra"', '"ID"', '"__ENTITIES"'),
    *("{", "}", "[", "]", ":", ",", "null", "true", "12", "4", '"12"', "-1", "1e9", '"\\u0000"', "'"),
]


def test_no_body_is_a_bug(admin: RestClient) -> None:
    """Whatever is posted: a 4D answer, and never an internal error (9011)."""
    john()
    source = random.Random(1)
    for _ in range(150):
        content = "".join(source.choices(FRAGMENTS, k=source.randrange(1, 12)))
        answer = admin.update("Employee", content)
        document = answer.json()
        assert answer.status_code in (200, 400, 500)
        assert "9011" not in answer.content.decode()
        assert (answer.status_code == 200) == ("__ERROR" not in answer.content.decode())
        assert document
