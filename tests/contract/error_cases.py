"""One request for every row of the error table, with the whole answer that it gets."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import OperationalError
from rest_framework.throttling import SimpleRateThrottle

from fourd_rest.dataclass.registry import registry
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import conversions, decoder_gate
from fourd_rest.write import commit
from tests.conftest import picture
from tests.contract import read_error_cases
from tests.contract.case import Case, limits
from tests.contract.checks import chunked, cut, errors, refused
from tests.contract.sample import employee, inv003, john, photo
from tests.zoo.models import Animal, Country, Parcel, Place


def an_employee(monkeypatch: Any, settings: Any, client: Any) -> None:
    john(photo="photos/gone.png")


JOHN = employee(photo=photo(4))
NOT_SAVED = (1517, 'The entity# 12 in the "Employee" dataclass cannot be saved')


def an_invoice(monkeypatch: Any, settings: Any, client: Any) -> None:
    inv003()


def an_employed_john_and_an_invoice(monkeypatch: Any, settings: Any, client: Any) -> None:
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 1}
    john(employer=inv003().company)


def france(monkeypatch: Any, settings: Any, client: Any) -> None:
    country = Country.objects.create(code="FR", name="France")
    Parcel.objects.create(country=country)


def a_place_of_two_animals(monkeypatch: Any, settings: Any, client: Any) -> None:
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 1}
    place = Place.objects.create(id=1, name="Zoo")
    for name in ("Tiger", "Lion"):
        Animal.objects.create(name=name, home=place)
    # Rights on single entities have to be asked for.
    asked = type(registry.for_model(Animal))
    monkeypatch.setattr(asked, "has_delete_permission", lambda *args: True, raising=False)


def an_employee_and_shallow_nesting(monkeypatch: Any, settings: Any, client: Any) -> None:
    settings.FOURD_REST = {"MAX_NESTED_DEPTH": 1}
    an_employee(monkeypatch, settings, client)


def a_picture_and_no_turn(monkeypatch: Any, settings: Any, client: Any) -> None:
    john(photo=default_storage.save("photos/small.png", ContentFile(picture())))
    monkeypatch.setattr(conversions, "_WAIT", 0.0)
    monkeypatch.setattr(decoder_gate.gate, "enter", lambda: False)


def scan(blob: UploadedBlob, file: Any) -> None:
    raise ValidationError("It looks like a virus.")


def a_virus_scanner(monkeypatch: Any, settings: Any, client: Any) -> None:
    settings.FOURD_REST = {"UPLOAD_VALIDATORS": [f"{__name__}.scan"]}


def no_validation(monkeypatch: Any, settings: Any, client: Any) -> None:
    monkeypatch.setattr("fourd_rest.write.gate.clean", lambda instance, changed, unknown: None)


def one_pending_upload(monkeypatch: Any, settings: Any, client: Any) -> None:
    settings.FOURD_REST = {"MAX_PENDING_UPLOADS_PER_OWNER": 1}
    assert client.upload(b"the first").status_code == 200


def one_upload_a_minute(monkeypatch: Any, settings: Any, client: Any) -> None:
    cache.clear()
    monkeypatch.setattr(SimpleRateThrottle, "timer", lambda self: 1_000.0)
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"fourd_upload": "1/min"}}
    assert client.upload(b"the first").status_code == 200


def a_full_disk(monkeypatch: Any, settings: Any, client: Any) -> None:
    def save(storage: Any, name: str, content: Any) -> str:
        raise OSError(28, "No space left on device: /a/secret/path")

    monkeypatch.setattr(FileSystemStorage, "_save", save)


def a_busy_database(monkeypatch: Any, settings: Any, client: Any) -> None:
    def transaction(alias: str) -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(commit, "write_transaction", transaction)


def a_known_reference(monkeypatch: Any, settings: Any, client: Any) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0badf00d"[: 2 * size])


def a_user(monkeypatch: Any, settings: Any, client: Any) -> None:
    User.objects.create_user("jo", password="right")


UPDATE = "Employee?$method=update"

CASES = [
    # Saving and deleting entities.
    Case(
        "stale stamp",
        "POST",
        UPDATE,
        500,
        refused(
            2,
            (1263, "Given stamp does not match current one for record# 12 of table Employee"),
            (1046, "Cannot save record 12 in table Employee of database tests"),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={"__KEY": "12", "__STAMP": 3, "firstName": "Jack"},
        given=an_employee,
    ),
    Case(
        "duplicate value",
        "POST",
        "Invoices",
        500,
        refused(
            4,
            (1115, "Duplicated key"),
            (1046, "Cannot save record 0 in table Invoices of database tests"),
            (1534, 'The new entity of the "Invoices" dataclass cannot be saved'),
        ),
        sent={"reference": "inv003", "amount": 1, "date": "1!1!2026", "company": "1"},
        given=an_invoice,
    ),
    Case(
        "value of a wrong type",
        "POST",
        UPDATE,
        500,
        refused(
            4,
            (
                1508,
                'Wrong value type passed to the "salary" attribute in the "Employee" dataclass',
            ),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={"__KEY": "12", "__STAMP": 4, "salary": "much"},
        given=an_employee,
    ),
    Case(
        "changed read-only attribute",
        "POST",
        UPDATE,
        500,
        refused(
            4,
            (
                1516,
                'The value of attribute "ID" in the "Employee" dataclass cannot be modified',
            ),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={"__KEY": "12", "__STAMP": 4, "ID": 13},
        given=an_employee,
    ),
    Case(
        "protected entity",
        "POST",
        "Country(FR)?$method=delete",
        500,
        errors(
            (9019, 'It is still referred to by the "Parcel" dataclass'),
            (1518, 'The entity (FR) in the "Country" dataclass cannot be deleted'),
        ),
        given=france,
    ),
    Case(
        "too much goes along",
        "DELETE",
        "Place(1)",
        413,
        errors(
            (9031, "More than 1 other entities would have to be deleted with it"),
            (1518, 'The entity (1) in the "Place" dataclass cannot be deleted'),
        ),
        given=a_place_of_two_animals,
    ),
    Case(
        "related entity refused",
        "POST",
        UPDATE,
        500,
        refused(
            4,
            (1508, 'Wrong value type passed to the "name" attribute in the "Company" dataclass'),
            (1534, 'The new entity of the "Company" dataclass cannot be saved'),
            (1537, 'The related entity of "employer" in the "Employee" dataclass cannot be saved'),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={"__KEY": "12", "__STAMP": 4, "employer": {"name": [1]}},
        given=an_employee,
    ),
    Case(
        "key of a wrong type",
        "GET",
        "Employee(twelve)",
        404,
        errors(
            (1541, 'The given primary key does not match the definition in the "Employee" dataclass')
        ),
    ),
    Case(
        "update of an unknown key",
        "POST",
        UPDATE,
        500,
        refused(
            5,
            (1542, 'Cannot find entity with "12" key in the "Employee" dataclass'),
            NOT_SAVED,
        ),
        sent={"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
    ),
    Case(
        "read of an unknown key",
        "GET",
        "Employee(12)",
        404,
        errors((1543, 'Cannot load entity# 12 in the "Employee" dataclass')),
    ),
    Case(
        "primary key taken",
        "POST",
        "Country",
        500,
        refused(
            4,
            (1545, 'Primary key FR already exists in the "Country" dataclass'),
            (1046, "Cannot save record 0 in table Country of database tests"),
            (1534, 'The new entity of the "Country" dataclass cannot be saved'),
        ),
        sent={"code": "FR", "name": "Another France"},
        given=france,
    ),
    Case(
        "no primary key",
        "POST",
        "Country",
        500,
        refused(
            4,
            (1546, 'Primary key is NULL for the new entity in the "Country" dataclass'),
            (1534, 'The new entity of the "Country" dataclass cannot be saved'),
        ),
        sent={"name": "Nowhere"},
    ),
    Case(
        "value refused by the model",
        "POST",
        UPDATE,
        500,
        refused(
            7,
            (1569, "firstName: Ensure this value has at most 60 characters (it has 61)."),
            (1570, "Entity fails validation"),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={"__KEY": "12", "__STAMP": 4, "firstName": "J" * 61},
        given=an_employee,
    ),
    # Permissions.
    Case(
        "may not read",
        "GET",
        "Employee(12)",
        401,
        errors((1557, "No permission to read for the Employee dataclass")),
        who="hr.add_employee",
        given=an_employee,
    ),
    Case(
        "may not update",
        "POST",
        UPDATE,
        401,
        refused(1, (1558, "No permission to update for the Employee dataclass"), NOT_SAVED),
        who="hr.view_employee",
        sent={"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        given=an_employee,
    ),
    Case(
        "may not create",
        "POST",
        UPDATE,
        401,
        refused(
            1,
            (1559, "No permission to create for the Employee dataclass"),
            (1534, 'The new entity of the "Employee" dataclass cannot be saved'),
        ),
        who="hr.view_employee",
        sent={"firstName": "Jack"},
    ),
    Case(
        "may not delete",
        "DELETE",
        "Employee(12)",
        401,
        errors((1560, "No permission to delete for the Employee dataclass")),
        who="hr.view_employee",
        given=an_employee,
    ),
    Case(
        "wrong password",
        "GET",
        "Employee(12)",
        401,
        errors((1822, "REST login failed")),
        who="guest",
        extra={"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"jo:wrong").decode()},
        headers={"WWW-Authenticate": ""},
        given=a_user,
    ),
    # What the address names.
    Case(
        "unknown attribute in a write",
        "POST",
        UPDATE,
        500,
        refused(
            4,
            (1500, 'The "shoeSize" attribute cannot be found in the "Employee" dataclass'),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={"__KEY": "12", "__STAMP": 4, "shoeSize": 44},
        given=an_employee,
    ),
    Case(
        "unknown attribute in a path",
        "GET",
        "Employee(12)/shoeSize",
        404,
        errors(
            (1500, 'The "shoeSize" attribute cannot be found in the "Employee" dataclass'),
            (
                1804,
                'Cannot completely build a list of attributes with "shoeSize" for the "Employee" '
                "dataclass",
            ),
        ),
        given=an_employee,
    ),
    Case(
        "unknown dataclass",
        "GET",
        "Nothing(12)",
        404,
        errors((1800, 'The "Nothing" dataclass cannot be found')),
    ),
    Case(
        "malformed address",
        "GET",
        "Employee(12",
        400,
        errors((1806, 'URL is not well formed: a key is not followed by ")"')),
    ),
    Case(
        "single quote not closed",
        "GET",
        "Employee?$attributes='ID",
        400,
        errors(
            (1808, "Opening single quote does not have a matching closing one in the URL"),
            (1806, "URL is not well formed: a quote is not closed"),
        ),
    ),
    Case(
        "double quote not closed",
        "GET",
        'Employee?$attributes="ID',
        400,
        errors(
            (1809, "Opening double quote does not have a matching closing one in the URL"),
            (1806, "URL is not well formed: a quote is not closed"),
        ),
    ),
    Case(
        "unknown keyword in a write",
        "POST",
        UPDATE + "&$dryrun=true",
        400,
        errors((1811, '"$dryrun" is an unknown REST keyword')),
        sent={"firstName": "Jack"},
    ),
    Case(
        "unknown method",
        "POST",
        "Employee?$method=upsert",
        400,
        errors((1812, '"upsert" is an unknown REST method')),
        sent={"firstName": "Jack"},
    ),
    Case(
        "update by GET",
        "GET",
        UPDATE,
        400,
        errors((1813, '"update" REST method is not applicable here')),
    ),
    # Pictures and BLOBs.
    Case(
        "no picture",
        "POST",
        "$upload?$rawPict=true",
        400,
        errors((1824, "The file is not a picture of an accepted type")),
        sent=b"no picture",
    ),
    Case(
        "unknown picture",
        "POST",
        UPDATE,
        500,
        refused(4, (1825, "No uploaded picture has this ID"), NOT_SAVED, entity=JOHN),
        sent={"__KEY": "12", "__STAMP": 4, "photo": {"ID": "0" * 32}},
        given=an_employee,
    ),
    Case(
        "unknown BLOB",
        "POST",
        UPDATE,
        500,
        refused(4, (1826, "No uploaded BLOB has this ID"), NOT_SAVED, entity=JOHN),
        sent={"__KEY": "12", "__STAMP": 4, "cv": {"ID": "0" * 32}},
        given=an_employee,
    ),
    # Conditions of this server alone.
    Case(
        "unreadable JSON",
        "POST",
        UPDATE,
        400,
        errors((9001, "The request body is not readable JSON: error at line 1 column 15")),
        sent='{"firstName": "',
    ),
    Case(
        "JSON too deep",
        "POST",
        UPDATE,
        400,
        errors((9002, "The request body nests JSON values deeper than 64 levels")),
        sent="[" * 65 + "]" * 65,
    ),
    Case(
        "body over the limit, announced",
        "POST",
        UPDATE,
        413,
        errors((9003, "The request body is larger than 20 bytes")),
        sent={"firstName": "John Jack"},
        given=limits(MAX_BODY_SIZE=20),
    ),
    Case(
        "body over the limit, unannounced",
        "POST",
        "$upload",
        413,
        errors((9003, "The request body is larger than 20 bytes")),
        extra=chunked(b"x" * 21),
        given=limits(MAX_UPLOAD_SIZE=20),
    ),
    Case(
        "empty body",
        "POST",
        UPDATE,
        400,
        errors((9004, "The request body is empty")),
    ),
    Case(
        "body cut",
        "POST",
        "$upload",
        400,
        errors((9005, "The request body ended before it was complete")),
        extra=cut(b"half", announced=8),
    ),
    Case(
        "no length",
        "POST",
        "$upload",
        411,
        errors((9006, "The request must carry a Content-Length header")),
        extra={**chunked(b"anything"), "wsgi.input_terminated": False},
    ),
    Case(
        "page of another site",
        "POST",
        UPDATE,
        403,
        errors((9007, "A page of another site may not make this request")),
        sent={"firstName": "Jack"},
        extra={"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://evil.example"},
    ),
    Case(
        "too many uploads",
        "POST",
        "$upload",
        429,
        errors((9008, "Too many uploads are waiting to be used")),
        sent=b"the second",
        headers={"Retry-After": "120"},
        given=one_pending_upload,
    ),
    Case(
        "too many requests",
        "POST",
        "$upload",
        429,
        errors((9009, "Too many requests")),
        sent=b"the second",
        headers={"Retry-After": "61"},
        given=one_upload_a_minute,
    ),
    Case(
        "busy database",
        "POST",
        UPDATE,
        503,
        errors((9010, "The database is busy")),
        sent={"firstName": "Jack"},
        headers={"Retry-After": "1"},
        given=a_busy_database,
    ),
    Case(
        "bug",
        "POST",
        "Broken",
        500,
        errors((9011, "Internal server error, reference 0badf00d")),
        sent={"name": "x"},
        given=a_known_reference,
    ),
    Case(
        "verb",
        "PATCH",
        "Employee(12)",
        405,
        errors((9012, "The PATCH verb is not allowed here")),
        headers={"Allow": "GET, HEAD, POST, PUT, DELETE"},
    ),
    Case(
        "too many entities",
        "POST",
        UPDATE,
        413,
        errors((9013, "The request holds more than 1 entities")),
        sent=[{}, {}],
        given=limits(MAX_ENTITIES_PER_REQUEST=1),
    ),
    Case(
        "not supported",
        "POST",
        "Employee?$method=refresh",
        501,
        errors((9014, "$method=refresh is not supported by this server")),
        sent={"firstName": "Jack"},
    ),
    Case(
        "storage that fails",
        "POST",
        "$upload",
        500,
        errors((9015, "The file could not be stored")),
        sent=b"anything",
        given=a_full_disk,
    ),
    Case(
        "rule of the database",
        "POST",
        "Animal",
        500,
        refused(
            4,
            (9016, "A rule of the database refuses the entity"),
            (1046, "Cannot save record 0 in table Animal of database tests"),
            (1534, 'The new entity of the "Animal" dataclass cannot be saved'),
        ),
        sent={"name": "Worm", "low": 2, "high": 1},
        given=no_validation,
    ),
    Case(
        "file gone",
        "GET",
        "Employee(12)/photo?$imageformat=best",
        404,
        errors((9017, "The file of this attribute is gone")),
        given=an_employee,
    ),
    Case(
        "related entities too deep",
        "POST",
        UPDATE,
        500,
        refused(
            4,
            (9018, "Related entities nest deeper than 1 levels"),
            (1534, 'The new entity of the "Company" dataclass cannot be saved'),
            (1537, 'The related entity of "employer" in the "Employee" dataclass cannot be saved'),
            NOT_SAVED,
            entity=JOHN,
        ),
        sent={
            "__KEY": "12",
            "__STAMP": 4,
            "employer": {"name": "Acme", "manager": {"firstName": "Jane", "lastName": "Doe"}},
        },
        given=an_employee_and_shallow_nesting,
    ),
    Case(
        "upload refused by a validator",
        "POST",
        "$upload",
        400,
        errors((9020, "The upload is refused: It looks like a virus.")),
        sent=b"X5O!P%@AP",
        given=a_virus_scanner,
    ),
    Case(
        "no turn for a conversion",
        "GET",
        "Employee(12)/photo?$imageformat=gif",
        503,
        errors((9021, "Too many pictures are being converted")),
        headers={"Retry-After": "5"},
        given=a_picture_and_no_turn,
    ),
    Case(
        "too many nested entities",
        "GET",
        "Company?$expand=invoices,staff",
        413,
        errors((9025, "The request is for more than 1 entities")),
        given=an_employed_john_and_an_invoice,
    ),
    *read_error_cases.CASES,
]
