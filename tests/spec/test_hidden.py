"""What a caller may not know of is not told: dataclasses, and relations that lead to them (D-13, D-21).

Whatever is asked of a hidden dataclass, in whatever broken way, the answer is that of an unknown one,
byte for byte; what names a hidden relation is answered as an unknown attribute.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import resolve

from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors
from tests.contract.sample import NEVER, acme, inv003, to_one
from tests.zoo.models import Animal, Keeper, Locker, Passport, Place

pytestmark = pytest.mark.django_db

# Of one length, so that even the lengths of answers are equal.
HIDDEN, UNKNOWN = "Employee", "Emplojee"


def told(response: Any, unknown: str, hidden: str) -> tuple[int, dict[str, str], bytes]:
    """All that an answer tells, one name in the place of the other."""
    content = response.content.replace(unknown.encode(), hidden.encode())
    return response.status_code, dict(response.headers), content


NOT_ADDED = 'The new entity of the "Animal" dataclass cannot be saved'

# Every address × every fault

ADDRESSES = [
    "{}",
    "{}(12)",
    "{}[12]",
    "{}('12')",
    "{}(99)",
    "{}(x)",
    "{}(12,13)",
    "{}(12,13)/photo",
    "{}:firstName(John)",
    "{}:nope(John)",
    "{}/firstName",
    "{}/nope.nope",
    "{}(12)/firstName",
    "{}(12)/nope",
    "{}(12)/employer",
    "{}(12)/photo",
    "{}(12)/photo/cv",
    "{}(12)/$entityset/SET",
    "{}/$entityset/SET",
    "{}/$entityset/0",
    "{}/$entityset/$none",
    "{}/nope/$entityset/SET",
    "{}/$entityset",
    "{}/$nope",
    "{}/a/b",
    "{}(12)/a/b",
    "{}(12",
    "{}('12)",
    "{}(,)",
    "{}/$entityset/$release",
    "{}(12)/$entityset/$release",
    "{}/$ENTITYSET/SET/firstName",
    "{}/getNames",
    "{}(12)/getName",
    "{}/$entityset/SET/getNames",
    "$catalog/{}",
    "$catalog/{}/a",
    "$info/{}",
    "$upload/{}",
    "$entityset/{}",
]
WRITTEN_TO = [ADDRESSES[place] for place in (0, 1, 4, 5, 6, 7, 8, 10, 13, 15, 16, 17, 18, 20, 25)]
WRITTEN_TO += [address for address in ADDRESSES if "elease" in address or "getN" in address]
FEW = [ADDRESSES[place] for place in (0, 1, 6, 13, 15, 18)]
QUERIES = [
    "",
    "$filter=nope = 1",
    "$filter=firstName = John",
    "$filter=(",
    "$filter='firstName",
    "$filter=salary = :1&$params=[",
    "$filter=salary = :1",
    "$orderby=nope",
    "$orderby=,,",
    "$attributes=nope",
    "$attributes=firstName",
    "$expand=nope",
    "$expand=$all",
    "$top=x",
    "$skip=x&$top=1",
    "$compute=sum",
    "$compute=nope",
    "$distinct=true",
    "$asArray=true",
    "$format=xml",
    "$format=looker",
    "$queryplan=true&$filter=nope = 1",
    "$imageformat=best",
    "$imageformat=nope",
    "$size=x",
    "$binary=true",
    "$rawPict=nope",
    "$timeout=x",
    "$timeout=-1",
    "$atomic=maybe",
    "$refresh=true",
    "$refresh=maybe",
    "$lock=true",
    "$nope=1",
    "$method=nope",
    "$method=entityset&$timeout=x",
    "$method=entityset",
    "$method=subentityset&$expand=nope",
    "$method=release",
    "$method=update",
    "$method=validate",
    "$method=delete",
    "$method=delete&$filter=nope = 1",
    "$method=delete&$filter=(",
    "$method=insert",
    "$savedfilter=nope = 1",
    "$logicOperator=NOPE&$otherCollection=0",
    "$logicOperator=AND",
    "$addToSet=[x",
    "$removeFromSet=99",
    "$findKey=x",
    "$filter=%FF",
]
DEEP = b"[" * 200 + b"]" * 200
BODIES: list[Any] = [
    b"",
    b"{",
    b"\xff",
    b"[]",
    b"5",
    b"[5]",
    b'{"__ENTITIES": []}',
    b'{"__ENTITIES": 5}',
    DEEP,
    b"[" + b" " * 4_000 + b"]",
    [{}, {}, {}, {}],
    {},
    {"__KEY": "12"},
    {"__KEY": "99"},
    {"__KEY": "x", "__STAMP": "x"},
    {"__KEY": "12", "nope": 1, "salary": "x"},
    {"firstName": 5, "employer": {"name": "Acme"}},
    [{"__KEY": "12", "salary": 5}, {"firstName": "Ann", "lastName": "Poe"}],
    ["12", "x"],
]
WRITES = [
    ("POST", ""),
    ("PUT", "$atomic=true"),
    ("POST", "$refresh=true"),
    ("POST", "$method=validate"),
    ("POST", "$method=delete"),
    ("DELETE", ""),
]
CALLERS = ["guest", "with another right"]


def requests(address: str) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = [("GET", f"{address}?{query}", b"") for query in QUERIES]
    found += [(verb, f"{address}?$expand=nope", b"") for verb in ("HEAD", "PATCH", "OPTIONS")]
    if address in WRITTEN_TO:
        found += [(verb, f"{address}?{query}", body) for verb, query in WRITES for body in BODIES]
    if address in FEW:
        body = {"__KEY": "12"}
        found += [(verb, f"{address}?{query}", body) for verb in ("POST", "DELETE") for query in QUERIES]
    return found


def ask(user: Any, verb: str, path: str, body: Any) -> Any:
    """What the view answers to ``user``: there are too many requests here to log in for each."""
    address, _, query = path.partition("?")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = RequestFactory().generic(
        verb, f"/rest/{address}", content, "application/json", QUERY_STRING=query
    )
    request.user = user
    view, args, kwargs = resolve(request.path_info)
    return view(request, *args, **kwargs)


WELL_FORMED = ["", "(12)", "(99)", "(x)", "(12,13)", ":firstName(John)", "/nope", "(12)/nope", "/a/b"]


# Relations to hidden dataclasses

# Relations of every kind, each with an unknown name as long as its own, and its owner.
RELATIONS = {
    "staff": ("stuff", "Company", 1),  # to many
    "manager": ("mananer", "Company", 1),  # to one
    "keepers": ("keepors", "Animal", 1),  # many to many
    "passport": ("passpart", "Animal", 1),  # the reverse of a one-to-one
    "doctor": ("docter", "Animal", 1),  # by another column than the key
}
RIGHTS = [f"{name}_{{}}" for name in ("view", "add", "change", "delete")]

NAMED = [
    "X/REL",
    "X(1)/REL",
    "X/name,REL",
    "X(1)/REL,nope",
    "X(1)/nope,REL",
    "X(1)/REL.name",
    "X/REL.*",
    "X/REL.nope",
    "X/REL:5",
    "X?$attributes=REL",
    "X(1)?$attributes=name,REL.name",
    "X?$expand=REL",
    "X(1)?$expand=REL",
    "X(1)?$expand=REL:2-3",
    "X(1)?$expand=REL.REL",
    "X(1)?$expand=REL,nope",
    "X(1)?$expand=nope,REL",
    "X(1)/name?$expand=REL",
    "X(1)/REL?$expand=REL",
    "X?$asArray=true&$attributes=REL",
    "X?$format=looker&$attributes=name,REL",
    "X?$filter=REL = null",
    "X?$filter=REL != null",
    "X?$filter=REL = 1",
    "X?$filter=REL = [",
    "X?$filter=REL.name = x",
    "X?$filter=not(REL.name = x)",
    "X?$filter=REL.nope = x",
    "X?$filter=REL{1}.name = x",
    "X?$filter=name = x order by REL.name",
    "X?$orderby=REL",
    "X?$orderby=name,REL.name desc",
    "X/REL?$compute=count",
    "X/REL.ID?$compute=$all",
    "X/name,REL?$compute=$all",
    "X/REL?$distinct=true",
    "X/REL.name?$distinct=true",
    "X:REL(1)",
    "X(1)/REL?$method=subentityset",
    "X(1)?$expand=REL&$method=subentityset",
    "X(1)/REL?$expand=REL&$method=subentityset&$filter=(",
    "X(1)/REL?$method=entityset",
    "X(1)/REL?$imageformat=best",
    "X(1)/REL?$binary=true",
    "X/$entityset/SET?$attributes=REL",
    "X/REL/$entityset/SET",
    "X/$entityset/SET?$filter=REL = 1",
    "X/$entityset/SET?$orderby=REL",
    "X/$entityset/SET?$expand=REL",
    "X/$entityset/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?$savedfilter=REL = 1",
    "X?$filter=REL = 1&$queryplan=true&$querypath=true",
]
POSTED: list[Any] = [
    None,
    5,
    "5",
    "nope",
    {"__KEY": "5"},
    {"__KEY": "nope"},
    {"__deferred": {"uri": "/rest/X(1)/REL?$expand=REL"}},
    {"__deferred": {"uri": "/rest/Y(5)", "__KEY": "5"}},
    {"name": "Ann"},
    {"__KEY": "5", "name": "Ann"},
    [],
    [5, "x"],
    {},
]
WRITTEN = ["X", "X?$method=validate", "X?$refresh=true", "X?$atomic=true", "X(1)"]


@pytest.fixture
def owners(settings: Any) -> None:
    """Company 1 and animal 1, related to rows of what is hidden: all with key 5."""
    settings.FOURD_REST = {"QUERY_PLANS": "everybody"}
    acme()
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe", employer_id=1)
    Company.objects.update(manager=boss)
    keeper = Keeper.objects.create(id=5, name="Ann", badge="b")
    animal = Animal.objects.create(id=1, name="Tiger", doctor=keeper)
    animal.keepers.add(keeper)
    Passport.objects.create(id=5, animal=animal, number="1")


def of_owner(login: Any, owner: str) -> RestClient:
    app = "hr" if owner == "Company" else "zoo"
    client: RestClient = login(*(f"{app}.{right.format(owner.lower())}" for right in RIGHTS))
    return client


def test_the_same_names_lead_somewhere_for_who_may_know(admin: RestClient, owners: None) -> None:
    """The table above would hold as well if none of these were relations."""
    for relation, (_, owner, key) in RELATIONS.items():
        for path in ("X/REL", "X(1)/REL", "X(1)?$expand=REL", "X?$filter=REL = null"):
            path = path.replace("X", owner).replace("REL", relation)
            assert admin.read(path).status_code == 200
        answer = admin.update(owner, {"__KEY": key, "__STAMP": 1, relation: {"__KEY": "nope"}})
        codes = {item["errCode"] for item in answer.json().get("__ERROR", ())}
        assert 1500 not in codes


COMPANY = {
    "__KEY": "1",
    "__TIMESTAMP": NEVER,
    "__STAMP": 1,
    "ID": 1,
    "name": "Acme",
    "creationDate": None,
    "revenues": None,
    "extra": {},
}


def page(name: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "__DATACLASS": name,
        "__entityModel": name,
        "__GlobalStamp": 0,
        "__COUNT": len(rows),
        "__FIRST": 0,
        "__ENTITIES": list(rows),
        "__SENT": len(rows),
    }


def test_expanded_entities_leave_hidden_relations_out(login: Any) -> None:
    inv003()
    client = login("hr.view_invoice", "hr.view_company")
    answer = client.read("Invoices(3)?$expand=company&$attributes=company").json()
    invoices = {"__deferred": {"uri": "/rest/Company(1)/invoices?$expand=invoices"}}
    company = {**COMPANY, "invoices": invoices}
    assert (answer["company"], list(answer["company"])) == (company, list(company))


def test_answers_to_writes_leave_hidden_relations_out(login: Any, owners: None) -> None:
    client = login("hr.change_company", "hr.add_company")
    written = {name: value for name, value in COMPANY.items() if value is not None}
    head = {"__STATUS": {"success": True}, "__KEY": "1", "__STAMP": 1}
    head |= {"uri": "http://testserver/rest/Company(1)", "__TIMESTAMP": NEVER}
    expected = {**head, "ID": 1, "name": "Acme", "extra": {}}
    assert expected.keys() >= written.keys()
    assert_answer(client.update("Company", {"__KEY": "1"}), 200, expected)
    previewed = client.update("Company", {"__KEY": "1", "name": "New"}, "$refresh=true")
    assert_answer(previewed, 200, {**expected, "name": "New"})
    saved = client.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "New"}).json()
    assert list(saved) == list(expected)
    saved = client.update("Company", {"name": "Other"}).json()
    assert list(saved) == list(expected)
    conflict = client.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Newer"}).json()
    assert list(conflict) == [*(name for name in expected if name != "uri"), "__ERROR"]
    batch = [{"__KEY": "1", "__STAMP": 2, "name": "Newest"}, *({"name": name} for name in "abcd")]
    for entity in client.update("Company", batch).json()["__ENTITIES"]:
        assert list(entity) == list(expected)


def test_rows_of_a_known_dataclass_that_are_hidden_are_null(
    login: Any, registered: Any, owners: None
) -> None:
    """Nor is a relation left out whose target may not be read, but known of (D-13)."""
    client = login("hr.view_company", "hr.delete_employee")
    staff = {"__deferred": {"uri": "/rest/Company(1)/staff?$expand=staff"}}
    read = client.read("Company(1)/manager,staff").json()
    assert (read["manager"], read["staff"]) == (None, staff)
    client = login("hr.view_company", "hr.view_employee", username="other")
    read = client.read("Company(1)/manager,staff").json()
    assert (read["manager"], read["staff"]) == (to_one("Employee", 5), staff)


def test_a_required_relation_that_is_hidden_is_not_named(login: Any) -> None:
    client = login("hr.add_invoice")
    posted = {"reference": "r", "amount": 1, "date": "2024-01-01"}
    answer = client.update("Invoices", posted)
    assert answer.status_code == 500
    assert "ompany" not in answer.content.decode()


def test_rules_over_hidden_relations_are_not_worded(login: Any, monkeypatch: Any) -> None:
    """What Django says of rules and of related rows names fields, models and keys."""
    place = Place.objects.create(name="p")
    field: Any = Animal._meta.get_field("home")
    monkeypatch.setattr(Animal._meta, "unique_together", (("home", "name"),))
    monkeypatch.setitem(field.__dict__, "_get_default", lambda: place.pk)
    Animal.objects.create(name="Ann", home=place)
    posted = {"name": "Ann", "nick": "x", "low": 20}
    broken = (1569, "Animal: Constraint “low_below_high” is violated.")
    rest = ((1570, "Entity fails validation"), (1534, NOT_ADDED))
    unworded = (1569, "Animal: its values cannot be taken")
    client = login("zoo.view_animal", "zoo.add_animal")
    for key in (place.pk, 99):
        monkeypatch.setitem(field.__dict__, "_get_default", lambda key=key: key)
        found = client.update("Animal", posted).json()["__ERROR"]
        assert sorted((item["errCode"], item["message"]) for item in found) == sorted(
            [unworded, broken, *rest]
        )
    knowing = login("zoo.view_animal", "zoo.add_animal", "zoo.view_place", username="other")
    assert "place instance with id 99" in knowing.update("Animal", posted).content.decode()


def test_a_key_that_is_a_hidden_relation(login: Any, registered: Any) -> None:
    registered(Locker)
    Locker.objects.create(keeper=Keeper.objects.create(id=5, name="Ann"), number=7)
    client = login("zoo.view_locker")
    described = client.read("$catalog/Locker").json()["dataClasses"][0]
    assert [attribute["name"] for attribute in described["attributes"]] == ["number"]
    assert described["key"] == []
    row = {"__KEY": "5", "__TIMESTAMP": NEVER, "__STAMP": 1, "number": 7}
    entity = client.read("Locker(5)").json()
    assert entity == {"__entityModel": "Locker", "__DATACLASS": "Locker", **row} | {
        "__TIMESTAMP": entity["__TIMESTAMP"]
    }
    known = login("zoo.view_locker", "zoo.view_keeper", username="other")
    assert known.read("$catalog/Locker").json()["dataClasses"][0]["key"] == [{"name": "keeper"}]


def test_an_alias_names_nothing_beyond_itself(login: Any, registered: Any, owners: None) -> None:
    aliases = {"boss": "manager.lastName", "born": "manager.birthDate"}
    registered(Company, naming="camelCase", names={"id": "ID"}, aliases=aliases)
    client = login("hr.view_company")
    assert client.read("Company(1)/boss").json()["boss"] == "Poe"
    for query in ("$filter=born begin 2", "$filter=boss[0] = 1", "$filter=boss.nope = 1"):
        answer = client.read(f"Company?{query}")
        assert answer.status_code == 500
        assert "Employee" not in answer.content.decode()
    answer = client.read("Company/born?$compute=sum")
    text = 'The "born" attribute in the "Company" dataclass is not the correct type'
    assert_answer(answer, 500, errors((1574, text)))


def test_shapes_are_kept_apart(admin: RestClient, login: Any, owners: None) -> None:
    """One caller's view is not shown to the next, whoever comes first."""
    client = login("hr.view_company")
    for _ in range(2):
        assert "staff" not in client.read("Company(1)").json()
        assert "staff" in admin.read("Company(1)").json()
        assert client.read("Company(1)/staff.lastName").status_code == 404
        assert admin.read("Company(1)/staff.lastName").status_code == 200


def test_rights_are_asked_once_for_each_dataclass(
    admin: RestClient, registered: Any, owners: None
) -> None:
    from fourd_rest import DataClass

    asked = []

    class Counted(DataClass):
        naming = "camelCase"

        def has_view_permission(self, request: Any, obj: Any = None) -> bool:
            asked.append(obj)
            return super().has_view_permission(request, obj)

    registered(Employee, Counted)
    Company.objects.bulk_create([Company(name=name) for name in "abc"])
    assert admin.read("Company").json()["__COUNT"] == 4
    assert asked == [None]
