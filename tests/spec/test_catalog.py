"""``$catalog``: what a caller may know (``responses.md`` 9, ``server-facts.md`` 4)."""

from __future__ import annotations

import re
import uuid

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testproject.hr.models import Company, Employee, Invoice
from tests.contract.checks import assert_answer, errors
from tests.zoo.models import Finder, Keeper

pytestmark = pytest.mark.django_db

UNIQUE = uuid.uuid5(uuid.NAMESPACE_URL, "fourd_rest:tests").hex.upper()
KEY = {
    "name": "ID",
    "kind": "storage",
    "fieldPos": 1,
    "scope": "public",
    "indexed": True,
    "autosequence": True,
    "type": "long",
    "identifying": True,
}


def storage(name, position, kind, *flags, **others):
    """A stored attribute; the flags stand before its type, the rest behind it."""
    return {
        "name": name,
        "kind": "storage",
        "fieldPos": position,
        "scope": "public",
        **dict.fromkeys(flags, True),
        "type": kind,
        **others,
    }


def to_one(name, position, target, inverse, *flags):
    return {
        "name": name,
        "kind": "relatedEntity",
        "fieldPos": position,
        "scope": "public",
        **dict.fromkeys(("indexed", *flags), True),
        "type": target,
        "foreignKey": name,
        "inverseName": inverse,
        "path": target,
    }


def to_many(name, target, inverse):
    return {
        "name": name,
        "kind": "relatedEntities",
        "scope": "public",
        "type": f"{target}Selection",
        "inverseName": inverse,
        "reversePath": True,
        "path": inverse,
    }


def dataclass(name, number, *attributes, **options):
    return {
        "name": name,
        "className": name,
        "collectionName": f"{name}Selection",
        "tableNumber": number,
        "scope": "public",
        "dataURI": f"/rest/{name}",
        **options,
        "attributes": list(attributes),
        "key": [{"name": "ID"}],
    }


COMPANY = dataclass(
    "Company",
    1,
    KEY,
    storage("name", 2, "string", "not_null", maxLength=120),
    storage("creationDate", 3, "date", simpleDate=True),
    storage("revenues", 4, "number"),
    storage("extra", 5, "object"),
    to_one("manager", 6, "Employee", "managedCompanies"),
    to_many("staff", "Employee", "employer"),
    to_many("invoices", "Invoices", "company"),
)
INVOICES = dataclass(
    "Invoices",
    2,
    KEY,
    storage("reference", 2, "string", "indexed", "unique", "not_null", maxLength=30),
    storage("amount", 3, "number", "not_null"),
    storage("date", 4, "date", "not_null", simpleDate=True),
    storage("pdf", 5, "blob"),
    to_one("company", 6, "Company", "invoices", "not_null"),
)
EMPLOYEE = dataclass(
    "Employee",
    3,
    KEY,
    storage("firstName", 2, "string", "not_null", maxLength=60),
    storage("lastName", 3, "string", "not_null", maxLength=60),
    storage("salary", 4, "long"),
    storage("birthDate", 5, "date", simpleDate=True),
    storage("woman", 6, "bool"),
    storage("photo", 7, "image"),
    storage("cv", 8, "blob"),
    to_one("employer", 9, "Company", "staff"),
    to_one("manager", 10, "Employee", "team"),
    to_many("team", "Employee", "manager"),
    to_many("managedCompanies", "Company", "manager"),
)
EVERY_RIGHT = [f"hr.view_{model}" for model in ("company", "employee", "invoice")]


def envelope(*dataclasses):
    return {"__UNIQID": UNIQUE, "dataClasses": list(dataclasses)}


def short(name):
    return {"name": name, "uri": f"/rest/$catalog/{name}", "dataURI": f"/rest/{name}"}


def without(described, *hidden):
    """``described`` as it is told to whoever may not know of the dataclasses ``hidden``."""
    targets = {name for target in hidden for name in (target, f"{target}Selection")}
    attributes = [item for item in described["attributes"] if item["type"] not in targets]
    # Numbers that skip what is hidden would tell of it.
    attributes = [
        item | {"fieldPos": place} if "fieldPos" in item else item
        for place, item in enumerate(attributes, 1)
    ]
    names = [item["name"] for item in (COMPANY, INVOICES, EMPLOYEE) if item["name"] not in hidden]
    number = names.index(described["name"]) + 1
    return described | {"tableNumber": number, "attributes": attributes}


# Form


def test_the_catalog(login):
    expected = envelope(short("Company"), short("Invoices"), short("Employee"))
    for path in ("$catalog", "$catalog/", "/$catalog", "$catalog?$metadata=some"):
        assert_answer(login(*EVERY_RIGHT).read(path), 200, expected)


def test_everything(login):
    expected = envelope(COMPANY, INVOICES, EMPLOYEE)
    for path in ("$catalog/$all", "$catalog/$all/", "%24catalog/%24all"):
        assert_answer(login(*EVERY_RIGHT).read(path), 200, expected)


@pytest.mark.parametrize(
    ("described"), [COMPANY, INVOICES, EMPLOYEE], ids=["Company", "Invoices", "Employee"]
)
def test_one_dataclass(login, described):
    response = login(*EVERY_RIGHT).read(f"$catalog/{described['name']}")
    assert_answer(response, 200, envelope(described))


def test_some_dataclasses_in_the_order_asked(login):
    client = login(*EVERY_RIGHT)
    expected = envelope(EMPLOYEE, COMPANY)
    assert_answer(client.read("$catalog/Employee,Company"), 200, expected)
    assert_answer(client.read("$catalog/Employee, Company"), 200, expected)


def test_the_id_of_the_datastore_is_constant(admin, settings):
    first = admin.read("$catalog").json()["__UNIQID"]
    assert re.fullmatch("[0-9A-F]{32}", first)
    assert admin.read("$catalog/$all").json()["__UNIQID"] == first
    settings.SECRET_KEY = "another"
    assert admin.read("$catalog").json()["__UNIQID"] == first


def test_an_unknown_dataclass(admin):
    for path, name in (
        ("$catalog/Nothing", "Nothing"),
        ("$catalog/Employee,Nothing", "Nothing"),
        ("$catalog/employee", "employee"),
        ("$catalog/Employee,", ""),
        ("$catalog/$any", "$any"),
        ("$catalog/Session", "Session"),
    ):
        text = f'The "{name}" dataclass cannot be found'
        assert_answer(admin.read(path), 404, errors((1800, text)))


@pytest.mark.parametrize("path", ["$catalog/Employee/ID", "$catalog/$all/x"])
def test_the_catalog_has_one_part(admin, path):
    text = "URL is not well formed: the catalog has no such part"
    assert_answer(admin.read(path), 400, errors((1806, text)))


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_the_catalog_is_read_only(admin, verb):
    assert_answer(
        admin.rest(verb, "$catalog"),
        405,
        errors((9012, f"The {verb} verb is not allowed here")),
        {"Allow": "GET, HEAD, POST"},
    )


def test_the_catalog_by_post(login):
    """Some clients post what they read, with ``{}`` for nothing (U-55)."""
    client = login(*EVERY_RIGHT)
    for body in (b"", "{}", "[]"):
        assert_answer(client.rest("POST", "$catalog/Invoices", body), 200, envelope(INVOICES))
    for path, body, method in (
        ("$catalog", {"name": "New"}, "update"),
        ("$catalog?$method=delete", b"", "delete"),
        ("$catalog/Invoices?$method=update", "{}", "update"),
    ):
        text = f'"{method}" REST method is not applicable here'
        assert_answer(client.rest("POST", path, body), 400, errors((1813, text)))
    unreadable = client.rest("POST", "$catalog", "{")
    assert (unreadable.status_code, unreadable.json()["__ERROR"][0]["errCode"]) == (400, 9001)


# $metadata=full


def identity(*labels):
    """The constant identity of what ``labels`` name, as Python names it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, ":".join(("fourd_rest:tests", *labels))).hex.upper()


def full(*dataclasses):
    return {
        "__UNIQID": UNIQUE,
        "__BASEID": None,
        "__NAME": "tests",
        "properties": {"supportJSONEntityKey": True},
        "methods": [],
        "singletons": [],
        "dataClasses": list(dataclasses),
    }


def in_full(described, label, *sources):
    """``described`` as ``$metadata=full`` shows it; ``sources`` are the attributes' Python names."""
    shown = {}
    for name, value in described.items():
        shown[name] = value
        if name == "collectionName":
            shown["exposed"] = True
        elif name == "scope":
            shown["uuid"] = identity(label)
    shown["attributes"] = []
    for attribute, source in zip(described["attributes"], sources, strict=True):
        added = {}
        for name, value in attribute.items():
            added[name] = value
            if name == "scope":
                added |= {"exposed": True, "uuid": identity(label, source)}
        shown["attributes"].append(added)
    return shown


def test_full_metadata(login):
    client = login(*EVERY_RIGHT)
    expected = full(short("Company"), short("Invoices"), short("Employee"))
    for value in ("full", "FULL"):
        assert_answer(client.read(f"$catalog?$metadata={value}"), 200, expected)
    names = ("id", "reference", "amount", "date", "pdf", "company")
    invoices = in_full(INVOICES, "hr.Invoice", *names)
    assert_answer(client.read("$catalog/Invoices?$metadata=full"), 200, full(invoices))
    everything = client.read("$catalog/$all?$metadata=full").json()
    assert everything["dataClasses"][1] == invoices
    identities = [item["uuid"] for item in everything["dataClasses"]]
    for described in everything["dataClasses"]:
        identities += [item["uuid"] for item in described["attributes"]]
    assert len(set(identities)) == len(identities) == 29
    assert all(re.fullmatch("[0-9A-F]{32}", item) for item in identities)


def test_full_metadata_shows_no_more_than_the_caller_may_know(login):
    client = login("hr.view_invoice")
    assert_answer(client.read("$catalog?$metadata=full"), 200, full(short("Invoices")))
    described = without(INVOICES, "Company", "Employee")
    names = ("id", "reference", "amount", "date", "pdf")
    invoices = in_full(described, "hr.Invoice", *names)
    assert_answer(client.read("$catalog/$all?$metadata=full"), 200, full(invoices))


def test_identities_follow_no_name_on_the_wire(admin, registered):
    before = admin.read("$catalog/Company?$metadata=full").json()["dataClasses"][0]
    registered(Company, name="Firm", fields=["name"], aliases={"label": "name", "boss": "name"})
    after = admin.read("$catalog/Firm?$metadata=full").json()["dataClasses"][0]
    assert after["uuid"] == before["uuid"]
    assert [item["uuid"] for item in after["attributes"]] == [
        before["attributes"][1]["uuid"],
        *(identity("hr.Company", "alias", name) for name in ("label", "boss")),
    ]


# Options and field types


def test_options_show(login, registered):
    registered(
        Company,
        name="Firm",
        names={"id": "Nr"},
        fields=["name", "id", "manager"],
        readonly_fields=["name"],
        page_size=25,
    )
    firm = {
        "name": "Firm",
        "className": "Firm",
        "collectionName": "FirmSelection",
        "tableNumber": 1,
        "scope": "public",
        "dataURI": "/rest/Firm",
        "defaultTopSize": 25,
        "attributes": [
            storage("name", 1, "string", "not_null", readOnly=True, maxLength=120),
            {**KEY, "name": "Nr", "fieldPos": 2},
            to_one("manager", 3, "Employee", "managedCompanies"),
        ],
        "key": [{"name": "Nr"}],
    }
    assert_answer(login(*EVERY_RIGHT).read("$catalog/Firm"), 200, envelope(firm))


def test_a_key_that_is_not_exposed(login, registered):
    registered(Company, fields=["name"])
    described = login(*EVERY_RIGHT).read("$catalog/Company").json()["dataClasses"][0]
    assert [item["name"] for item in described["attributes"]] == ["name"]
    assert described["key"] == []


def attributes(client, name):
    (described,) = client.read(f"$catalog/{name}").json()["dataClasses"]
    return {item.pop("name"): item for item in described["attributes"]}


def test_types_of_every_field(admin):
    shown = attributes(admin, "Everything")
    assert {name: item["type"] for name, item in shown.items()} == {
        "id": "long",
        "small": "word",
        "integer": "long",
        "big": "long64",
        "positive_small": "word",
        "positive": "long",
        "positive_big": "long64",
        "boolean": "bool",
        "floating": "number",
        "decimal": "number",
        "char": "string",
        "nullable_char": "string",
        "text": "string",
        "slug": "string",
        "email": "string",
        "url": "string",
        "ip": "string",
        "uuid": "uuid",
        "date": "date",
        "moment": "date",
        "time": "duration",
        "duration": "duration",
        "json": "object",
        "binary": "blob",
        "file": "blob",
        "image": "image",
        "image_width": "long",
        "image_height": "long",
        "choice": "string",
        "shade": "string",
        "auto_now": "date",
        "hidden": "string",
        "loud": "string",
    }
    assert {name for name, item in shown.items() if item.get("readOnly")} == {
        *("image_width", "image_height", "auto_now", "hidden", "loud")
    }
    simple = {name: item["simpleDate"] for name, item in shown.items() if "simpleDate" in item}
    assert simple == {"date": True, "moment": False, "auto_now": False}
    assert [item["fieldPos"] for item in shown.values()] == list(range(1, 34))


def test_flags_of_a_text_key(admin):
    assert attributes(admin, "Country")["code"] == {
        "kind": "storage",
        "fieldPos": 1,
        "scope": "public",
        "indexed": True,
        "not_null": True,
        "type": "string",
        "identifying": True,
        "maxLength": 10,
    }


def test_relations_of_every_kind(admin):
    shown = attributes(admin, "Animal")
    assert shown["keepers"] == {
        "kind": "relatedEntities",
        "scope": "public",
        "type": "KeeperSelection",
        "inverseName": "animals",
        "reversePath": True,
        "path": "animals",
    }
    # The reverse of a one-to-one relation has no column here.
    assert shown["passport"] == {
        "kind": "relatedEntity",
        "fieldPos": 10,
        "scope": "public",
        "type": "Passport",
        "inverseName": "animal",
        "path": "Passport",
    }
    assert shown["doctor"]["foreignKey"] == "doctor"


def test_a_relation_without_an_exposed_opposite(admin, registered):
    registered(Keeper, exclude=["animals", "patients"])
    assert attributes(admin, "Animal")["keepers"] == {
        "kind": "relatedEntities",
        "scope": "public",
        "type": "KeeperSelection",
        "reversePath": True,
        "path": "keepers",
    }
    assert "inverseName" not in attributes(admin, "Animal")["doctor"]


def test_the_inherited_key_of_a_child(admin):
    described = admin.read("$catalog/Aviary").json()["dataClasses"][0]
    assert described["key"] == [{"name": "id"}]
    assert described["attributes"][0]["identifying"] is True


def test_names_of_secrets_are_not_told(admin, registered):
    assert list(attributes(admin, "Account")) == ["id", "name"]
    assert list(attributes(admin, "Finder")) == ["id", "name"]
    registered(Finder, fields=["id", "secretive"])
    assert list(attributes(admin, "Finder")) == ["id", "secretive"]


# Permissions


def test_only_what_the_caller_may_know(login):
    client = login("hr.view_employee")
    described = without(EMPLOYEE, "Company", "Invoices")
    assert_answer(client.read("$catalog"), 200, envelope(short("Employee")))
    assert_answer(client.read("$catalog/$all"), 200, envelope(described))
    assert_answer(client.read("$catalog/Employee"), 200, envelope(described))
    for path in ("$catalog/Company", "$catalog/Employee,Company"):
        text = 'The "Company" dataclass cannot be found'
        assert_answer(client.read(path), 404, errors((1800, text)))


def test_an_alias_does_not_tell_of_a_hidden_relation(login, registered):
    registered(Employee, fields=["id", "employer"], aliases={"company": "employer.name"})
    described = attributes(login("hr.view_employee", "hr.add_company"), "Employee")
    assert described["company"]["path"] == "employer.name"
    described = attributes(login("hr.view_employee", username="other"), "Employee")
    assert list(described) == ["id", "company"]
    assert described["company"] == {
        "kind": "alias",
        "fieldPos": 2,
        "scope": "public",
        "type": "string",
        "readOnly": True,
    }


@pytest.mark.parametrize("action", ["view", "add", "change", "delete"])
def test_any_right_describes(login, action):
    client = login(f"hr.{action}_invoice")
    assert_answer(client.read("$catalog"), 200, envelope(short("Invoices")))
    described = without(INVOICES, "Company", "Employee")
    assert_answer(client.read("$catalog/Invoices"), 200, envelope(described))


def test_rights_of_a_group(login):
    group = Group.objects.create(name="clerks")
    group.permissions.add(Permission.objects.get(codename="view_invoice"))
    client = login()
    assert_answer(client.read("$catalog"), 200, envelope())
    User.objects.get(username="user").groups.add(group)
    assert_answer(client.read("$catalog"), 200, envelope(short("Invoices")))


def test_nothing_is_known_to_whoever_has_no_right(login, guest):
    for client in (login(), guest):
        assert_answer(client.read("$catalog"), 200, envelope())
        assert_answer(client.read("$catalog/$all"), 200, envelope())
    text = 'The "Company" dataclass cannot be found'
    assert_answer(login().read("$catalog/Company"), 404, errors((1800, text)))
    # A guest is not told what exists.
    for name in ("Company", "Nothing"):
        text = f"No permission to read for the {name} dataclass"
        assert_answer(guest.read(f"$catalog/{name}"), 401, errors((1557, text)))


def test_what_guests_may_know(guest, settings):
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.add_company"]}
    described = without(COMPANY, "Employee", "Invoices")
    assert_answer(guest.read("$catalog"), 200, envelope(short("Company")))
    assert_answer(guest.read("$catalog/$all"), 200, envelope(described))
    assert_answer(guest.read("$catalog/Company"), 200, envelope(described))
    text = 'The "Employee" dataclass cannot be found'
    assert_answer(guest.read("$catalog/Employee"), 404, errors((1800, text)))


def test_the_catalog_reads_no_entity(admin):
    with CaptureQueriesContext(connection) as queries:
        admin.read("$catalog/$all")
    tables = {model._meta.db_table for model in (Company, Employee, Invoice)}
    assert len(queries) == 2
    assert not [q["sql"] for q in queries if any(table in q["sql"] for table in tables)]
