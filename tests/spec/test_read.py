"""Reading: one entity, a page, the bytes of images and BLOBs (``responses.md`` 2 to 5)."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.models import EntityStamp
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, errors
from tests.contract.sample import MOMENT, NEVER, WIRE_MOMENT, acme, cv, john, photo, to_one
from tests.zoo.models import (
    Animal,
    Aviary,
    Country,
    Everything,
    Finder,
    Keeper,
    Parcel,
    Passport,
    Place,
    Secretive,
)

pytestmark = pytest.mark.django_db


def to_many(place, name):
    return {"__deferred": {"uri": f"/rest/{place}/{name}?$expand={name}"}}


def head(dataclass):
    return {"__entityModel": dataclass, "__DATACLASS": dataclass}


def row(key=12, stamp=4, moment=WIRE_MOMENT, **values):
    """An employee in a collection: empty attributes are null (D-04)."""
    place = f"Employee({key})"
    attributes = {
        "ID": key,
        "firstName": "John",
        "lastName": "Smith",
        "salary": None,
        "birthDate": None,
        "woman": False,
        "photo": None,
        "cv": None,
        "employer": None,
        "manager": None,
        "team": to_many(place, "team"),
        "managedCompanies": to_many(place, "managedCompanies"),
    }
    return {"__KEY": str(key), "__TIMESTAMP": moment, "__STAMP": stamp, **(attributes | values)}


def page(dataclass, *entities, count=None, first=0):
    return {
        "__DATACLASS": dataclass,
        "__entityModel": dataclass,
        "__GlobalStamp": 0,
        "__COUNT": len(entities) if count is None else count,
        "__FIRST": first,
        "__ENTITIES": list(entities),
        "__SENT": len(entities),
    }


def statements(client, path):
    """SQL of a read, without that which tells who asks."""
    with CaptureQueriesContext(connection) as queries:
        response = client.read(path)
    assert response.status_code == 200, response.content
    everything = [query["sql"] for query in queries]
    return [sql for sql in everything if "django_session" not in sql and "auth_" not in sql]


# The root


@pytest.mark.parametrize("path", ["", "?x=1", "?$filter=a"])
def test_the_server_is_there(guest, path):
    assert_answer(guest.read(path), 200, {"ok": True})


def test_the_root_asks_nobody_and_no_database(guest):
    with CaptureQueriesContext(connection) as queries:
        guest.read("")
    assert len(queries) == 0


# One entity


def test_an_entity_with_a_stamp_column(admin):
    john()
    assert_answer(admin.read("Employee(12)"), 200, {**head("Employee"), **row()})


def test_an_entity_with_every_value(admin):
    acme()
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe")
    john(
        salary=30_000,
        birth_date=dt.date(1972, 3, 9),
        woman=True,
        photo="photos/a.png",
        cv="cvs/a.pdf",
        employer_id=1,
        manager=boss,
    )
    expected = row(
        salary=30_000,
        birthDate="9!3!1972",
        woman=True,
        photo=photo(4),
        cv=cv(4),
        employer=to_one("Company", 1),
        manager=to_one("Employee", 5),
    )
    assert_answer(admin.read("Employee(12)"), 200, {**head("Employee"), **expected})


def test_an_entity_with_a_stamp_in_the_side_table(admin):
    acme()
    never_saved = {
        "__KEY": "1",
        "__TIMESTAMP": NEVER,
        "__STAMP": 1,
        "ID": 1,
        "name": "Acme",
        "creationDate": None,
        "revenues": None,
        "extra": {},
        "manager": None,
        "staff": to_many("Company(1)", "staff"),
        "invoices": to_many("Company(1)", "invoices"),
    }
    assert_answer(admin.read("Company(1)"), 200, {**head("Company"), **never_saved})
    EntityStamp.objects.create(dataclass="hr.company", key="1", stamp=7, modified=MOMENT)
    saved = never_saved | {"__TIMESTAMP": WIRE_MOMENT, "__STAMP": 7}
    assert_answer(admin.read("Company(1)"), 200, {**head("Company"), **saved})


def test_decimals_are_exact_and_objects_are_inline(admin):
    Company.objects.bulk_create(
        [Company(id=1, name="Acme", revenues="10.10", extra={"b": [1, None], "a": "x"})]
    )
    content = admin.read("Company(1)/revenues,extra").content.decode()
    # SQLite and PostgreSQL do not agree on the order of names.
    assert '"revenues":10.10,"extra":{' in content
    assert admin.read("Company(1)").json()["extra"] == {"b": [1, None], "a": "x"}


@pytest.mark.parametrize(
    "path",
    [
        "Employee(12)",
        "Employee[12]",
        "Employee('12')",
        'Employee("12")',
        "Employee['12']",
        "Employee%2812%29",
        "Employee(%2712%27)",
        "/Employee(12)",
        "Employee(12)/",
        "Employee/(12)",
        "Employee(012)",
        "Employee(12)?$expand_nothing=1&x=y",
        "Employee(12)?$format=json",
    ],
)
def test_forms_of_a_key(admin, path):
    john()
    assert_answer(admin.read(path), 200, {**head("Employee"), **row()})


@pytest.mark.parametrize(
    ("key", "path", "uri"),
    [
        ("de", "Country(de)", "Country(de)"),
        ("de", "Country[de]", "Country(de)"),
        ("a b", "Country(a%20b)", "Country(a%20b)"),
        ("a/b", "Country('a%2Fb')", "Country('a%2Fb')"),
        ("a/b", "Country('a/b')", "Country('a%2Fb')"),
        ("a,b)", 'Country("a,b)")', "Country('a,b)')"),
        ("O'Neil", 'Country("O\'Neil")', "Country(%22O'Neil%22)"),
        ("12", "Country(12)", "Country(12)"),
        ("é☃", "Country(%C3%A9%E2%98%83)", "Country(%C3%A9%E2%98%83)"),
        ("__ENT", "Country(__ENT)", "Country(__ENT)"),
    ],
)
def test_text_keys(admin, key, path, uri):
    Country.objects.bulk_create([Country(code=key, name="Land"), Country(code="other", name="x")])
    expected = {
        **head("Country"),
        "__KEY": key,
        "__TIMESTAMP": NEVER,
        "__STAMP": 1,
        "code": key,
        "name": "Land",
        "parcels": to_many(uri, "parcels"),
    }
    assert_answer(admin.read(path), 200, expected)
    # The address that is sent reads the same entity.
    assert admin.read(f"{uri}/code").json()["code"] == key


def test_text_keys_compare_exactly(admin):
    Country.objects.bulk_create([Country(code="de", name="Land")])
    for other in ("DE", "dé", "de ", "d@", "d"):
        response = admin.read(f"Country({other})")
        text = f'Cannot load entity# {other} in the "Country" dataclass'
        assert_answer(response, 404, errors((1543, text)))


@pytest.mark.parametrize(
    "key",
    [
        "0123456789AB4DEF8123456789ABCDEF",
        "0123456789ab4def8123456789abcdef",
        "01234567-89ab-4def-8123-456789abcdef",
    ],
)
def test_uuid_keys(admin, key):
    Country.objects.bulk_create([Country(code="a/b", name="Land")])
    wire = "0123456789AB4DEF8123456789ABCDEF"
    Parcel.objects.bulk_create([Parcel(id=uuid.UUID(wire), label="x", country_id="a/b")])
    EntityStamp.objects.create(dataclass="zoo.parcel", key=wire, stamp=3, modified=MOMENT)
    expected = {
        **head("Parcel"),
        "__KEY": wire,
        "__TIMESTAMP": WIRE_MOMENT,
        "__STAMP": 3,
        "id": wire,
        "label": "x",
        "country": {"__deferred": {"uri": "/rest/Country('a%2Fb')", "__KEY": "a/b"}},
    }
    assert_answer(admin.read(f"Parcel({key})"), 200, expected)


@pytest.mark.parametrize("key", ["13", "2147483647", "-1", "0"])
def test_an_unknown_key(admin, key):
    john()
    text = f'Cannot load entity# {key} in the "Employee" dataclass'
    assert_answer(admin.read(f"Employee({key})"), 404, errors((1543, text)))


@pytest.mark.parametrize(
    "path",
    [
        "Employee(x)",
        "Employee(1.5)",
        "Employee(2147483648)",
        "Employee('12 or 1=1')",
        "Employee('')",
        "Employee(x)/photo?$imageformat=best",
        "Employee(x)/firstName",
    ],
)
def test_a_key_of_the_wrong_type(admin, path):
    text = 'The given primary key does not match the definition in the "Employee" dataclass'
    assert_answer(admin.read(path), 404, errors((1541, text)))


def test_a_wrong_key_of_another_type(admin):
    text = 'The given primary key does not match the definition in the "Parcel" dataclass'
    assert_answer(admin.read("Parcel(12)"), 404, errors((1541, text)))


# Lists of attributes


def picked(**attributes):
    return {"__KEY": "12", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 4, **attributes}


@pytest.mark.parametrize(
    ("path", "attributes"),
    [
        ("Employee(12)/lastName,firstName", {"lastName": "Smith", "firstName": "John"}),
        ("Employee(12)/firstName", {"firstName": "John"}),
        ("Employee(12)/firstName/", {"firstName": "John"}),
        ("Employee(12)/firstName, ID", {"firstName": "John", "ID": 12}),
        ("Employee(12)/firstName,firstName", {"firstName": "John"}),
        ("Employee(12)?$attributes=firstName,ID", {"firstName": "John", "ID": 12}),
        ("Employee(12)?$attributes='firstName'", {"firstName": "John"}),
        ("Employee(12)/ID?$attributes=firstName", {"ID": 12}),
        ("Employee(12)/photo", {"photo": None}),
        ("Employee(12)/team", {"team": to_many("Employee(12)", "team")}),
        ("Employee(12)/employer", {"employer": None}),
        ("Employee(12)/cv?$binary=false", {"cv": None}),
    ],
)
def test_chosen_attributes(admin, path, attributes):
    john()
    assert_answer(admin.read(path), 200, {**head("Employee"), **picked(**attributes)})


@pytest.mark.parametrize("names", ["*", " * "])
def test_every_attribute(admin, names):
    john()
    expected = {**head("Employee"), **row()}
    assert_answer(admin.read(f"Employee(12)?$attributes={names}"), 200, expected)


@pytest.mark.parametrize(
    "path",
    [
        "Employee(12)/nope",
        "Employee(12)/firstName,nope",
        "Employee(12)?$attributes=nope",
        "Employee(99)/nope",
        "Employee/nope",
        "Employee?$attributes=firstName,nope",
        "Employee?$top=0&$attributes=nope",
    ],
)
def test_an_unknown_attribute(admin, path):
    john()
    assert_answer(
        admin.read(path),
        404,
        errors(
            (1500, 'The "nope" attribute cannot be found in the "Employee" dataclass'),
            (
                1804,
                'Cannot completely build a list of attributes with "nope" for the "Employee" dataclass',
            ),
        ),
    )


@pytest.mark.parametrize(
    "name", ["first_name", "firstname", "stamp", "modified", "employer_id", "id", "__KEY", "pk"]
)
def test_only_wire_names_are_names(admin, name):
    john()
    response = admin.read(f"Employee(12)/{name}")
    assert response.status_code == 404
    assert [item["errCode"] for item in response.json()["__ERROR"]] == [1500, 1804]


# Nulls and special values


def test_an_empty_text_is_no_null(admin):
    Everything.objects.bulk_create([Everything(id=1, char="", nullable_char=None)])
    read = admin.read("Everything(1)").json()
    empty = {name for name, value in read.items() if value is None}
    texts = {name for name, value in read.items() if value == ""}
    assert texts == {"char", "text", "slug", "email", "url", "choice", "loud"}
    assert empty == set(read) - texts - {
        *("__entityModel", "__DATACLASS", "__KEY", "__TIMESTAMP", "__STAMP"),
        *("id", "auto_now", "hidden"),
    }


def test_values_of_every_type(admin, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: MOMENT)
    Everything.objects.bulk_create(
        [
            Everything(
                id=1,
                small=-5,
                integer=-(2**31),
                big=2**63 - 1,
                positive_small=5,
                positive=6,
                positive_big=7,
                boolean=False,
                floating=0.1,
                decimal=Decimal("1.5"),
                char="u/\"'",
                nullable_char="",
                text="línè\nline ☃ 😀",
                slug="a-b",
                email="a@b.example",
                url="http://b.example/",
                ip="::1",
                uuid=uuid.UUID(int=10),
                date=dt.date(2017, 12, 1),
                moment=dt.datetime(2017, 3, 9, 10, 20, 30, 123_456, dt.UTC),
                time=dt.time(1, 2, 3, 4_567),
                duration=dt.timedelta(days=1, milliseconds=-1),
                json=[1, {"a": None}],
                binary=b"x",
                file="zoo/files/x.bin",
                choice="a",
                shade="dark",
            )
        ]
    )
    place = "/rest/Everything(1)"
    expected = {
        **head("Everything"),
        "__KEY": "1",
        "__TIMESTAMP": NEVER,
        "__STAMP": 1,
        "id": 1,
        "small": -5,
        "integer": -(2**31),
        "big": 2**63 - 1,
        "positive_small": 5,
        "positive": 6,
        "positive_big": 7,
        "boolean": False,
        "floating": 0.1,
        "decimal": 1.5,
        "char": "u/\"'",
        "nullable_char": "",
        "text": "línè\nline ☃ 😀",
        "slug": "a-b",
        "email": "a@b.example",
        "url": "http://b.example/",
        "ip": "::1",
        "uuid": "0000000000000000000000000000000A",
        "date": "1!12!2017",
        "moment": "2017-03-09T10:20:30.123Z",
        "time": 3723004,
        "duration": 86_399_999,
        "json": [1, {"a": None}],
        "binary": {"__deferred": {"uri": f"{place}/binary?$binary=true&$version=1&$expand=binary"}},
        "file": {"__deferred": {"uri": f"{place}/file?$binary=true&$version=1&$expand=file"}},
        "image": None,
        "image_width": None,
        "image_height": None,
        "choice": "a",
        "shade": "dark",
        "auto_now": WIRE_MOMENT,
        "hidden": "fixed",
        "loud": "U/\"'",
    }
    response = admin.read("Everything(1)")
    assert '"decimal":1.5000,' in response.content.decode()
    assert response.json() == expected
    assert list(response.json()) == list(expected)


# Relations


def test_relations_of_every_kind(admin):
    keeper = Keeper.objects.create(id=3, name="Kim", badge="B-7")
    place = Place.objects.create(id=4, name="Pond")
    animal = Animal.objects.create(id=1, name="Otter", home=place, doctor=keeper)
    Passport.objects.create(id=9, animal=animal, number="P")
    read = admin.read("Animal(1)/home,doctor,keepers,passport").json()
    assert read["home"] == to_one("Place", 4)
    # __KEY is the target's primary key although the column holds its badge.
    assert read["doctor"] == to_one("Keeper", 3)
    assert read["keepers"] == to_many("Animal(1)", "keepers")
    assert read["passport"] == to_one("Passport", 9)
    assert admin.read("Passport(9)/animal").json()["animal"] == to_one("Animal", 1)


def test_absent_relations(admin):
    Animal.objects.create(id=1, name="Otter")
    read = admin.read("Animal(1)/home,doctor,passport").json()
    assert (read["home"], read["doctor"], read["passport"]) == (None, None, None)


def test_a_child_is_read_flat(admin):
    aviary = Aviary.objects.create(name="Dome", capacity=5, height=9)
    stamp = EntityStamp.objects.get(dataclass="zoo.place", key=str(aviary.pk))
    read = admin.read(f"Aviary({aviary.pk})").json()
    place = f"Aviary({aviary.pk})"
    assert {name: value for name, value in read.items() if not name.startswith("__")} == {
        "id": aviary.pk,
        "name": "Dome",
        "capacity": 5,
        "height": 9,
        "animals": to_many(place, "animals"),
    }
    assert read["__KEY"] == str(aviary.pk)
    # The page and its row of the child have one stamp.
    assert admin.read(f"Place({aviary.pk})").json()["__STAMP"] == read["__STAMP"] == stamp.stamp


class Seen(DataClass):
    """Rows of others do not exist."""

    def get_queryset(self, request):
        return super().get_queryset(request).exclude(name="hidden")


def test_a_target_that_the_reader_may_not_see_is_null(admin, registered):
    registered(Company, Seen, naming="camelCase", names={"id": "ID"})
    Company.objects.bulk_create([Company(id=1, name="Acme"), Company(id=2, name="hidden")])
    john(employer_id=1)
    Employee.objects.bulk_create(
        [
            Employee(id=13, first_name="John", last_name="Smith", employer_id=2, modified=MOMENT),
            Employee(id=14, first_name="John", last_name="Smith", modified=MOMENT),
        ]
    )
    seen = row(employer=to_one("Company", 1))
    assert_answer(admin.read("Employee(12)"), 200, {**head("Employee"), **seen})
    hidden = row(13, stamp=1)
    assert_answer(admin.read("Employee(13)"), 200, {**head("Employee"), **hidden})
    assert_answer(admin.read("Employee"), 200, page("Employee", seen, hidden, row(14, stamp=1)))
    text = 'Cannot load entity# 2 in the "Company" dataclass'
    assert_answer(admin.read("Company(2)"), 404, errors((1543, text)))
    assert admin.read("Company").json()["__COUNT"] == 1


def test_a_target_that_the_default_manager_hides_is_null(admin, registered):
    registered(Finder, fields=["name", "secretive"])
    open_, hidden = Secretive(id=1, name="a"), Secretive(id=2, name="b", is_hidden=True)
    Secretive.everything.bulk_create([open_, hidden])
    Finder.objects.bulk_create([Finder(id=1, secretive=open_), Finder(id=2, secretive=hidden)])
    assert admin.read("Finder(1)/secretive").json()["secretive"] == to_one("Secretive", 1)
    assert admin.read("Finder(2)/secretive").json()["secretive"] is None
    shown = [entity["secretive"] for entity in admin.read("Finder/secretive").json()["__ENTITIES"]]
    assert shown == [to_one("Secretive", 1), None]


def test_the_targets_of_a_dataclass_that_the_reader_may_not_read_are_null(login):
    acme()
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe")
    john(employer_id=1, manager=boss)
    client = login("hr.view_employee", "hr.delete_company")
    read = client.read("Employee(12)/employer,manager").json()
    assert (read["employer"], read["manager"]) == (None, to_one("Employee", 5))


def test_rows_that_the_reader_may_not_see_do_not_exist(admin, registered):
    registered(Company, Seen)
    Company.objects.bulk_create([Company(id=2, name="hidden")])
    for path in ("Company(2)", "Company(2)/name"):
        text = 'Cannot load entity# 2 in the "Company" dataclass'
        assert_answer(admin.read(path), 404, errors((1543, text)))
    assert_answer(admin.read("Company"), 200, page("Company"))


# Pages


def staff(count):
    Employee.objects.bulk_create(
        Employee(id=n, first_name="John", last_name="Smith", modified=MOMENT)
        for n in range(1, count + 1)
    )


def test_a_page(admin):
    staff(3)
    expected = page("Employee", *(row(n, stamp=1) for n in (1, 2, 3)))
    for path in ("Employee", "Employee/", "Employee()", "/Employee", "Employee?x=1"):
        assert_answer(admin.read(path), 200, expected)


def test_an_empty_page(admin):
    assert_answer(admin.read("Employee"), 200, page("Employee"))


def test_a_page_of_chosen_attributes(admin):
    staff(2)
    expected = page(
        "Employee",
        *(
            {"__KEY": str(n), "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 1, "ID": n, "firstName": "John"}
            for n in (1, 2)
        ),
    )
    assert_answer(admin.read("Employee/ID,firstName"), 200, expected)
    assert_answer(admin.read("Employee?$attributes=ID,firstName"), 200, expected)


def test_stamps_of_a_page_come_from_the_side_table(admin):
    Company.objects.bulk_create(Company(id=n, name="Acme") for n in (1, 2, 10))
    EntityStamp.objects.bulk_create(
        [
            EntityStamp(dataclass="hr.company", key="1", stamp=7, modified=MOMENT),
            EntityStamp(dataclass="hr.company", key="10", stamp=8),
            EntityStamp(dataclass="hr.invoice", key="2", stamp=9),
        ]
    )
    assert_answer(
        admin.read("Company/ID"),
        200,
        page(
            "Company",
            {"__KEY": "1", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 7, "ID": 1},
            {"__KEY": "2", "__TIMESTAMP": NEVER, "__STAMP": 1, "ID": 2},
            {"__KEY": "10", "__TIMESTAMP": NEVER, "__STAMP": 8, "ID": 10},
        ),
    )


@pytest.mark.parametrize(
    ("params", "keys", "first"),
    [
        ("$top=2", [1, 2], 0),
        ("$limit=2", [1, 2], 0),
        ("$top=2&$limit=3", [1, 2, 3], 0),
        ("$limit=3&$top=2", [1, 2], 0),
        ("$TOP=2", [1, 2], 0),
        ("%24top=2", [1, 2], 0),
        ("$top='2'", [1, 2], 0),
        ("$top=2&$skip=1", [2, 3], 1),
        ("$skip=3", [4, 5], 3),
        ("$skip=5", [], 5),
        ("$skip=999999999999", [], 999999999999),
        ("$skip=-3", [1, 2, 3, 4, 5], 0),
        ("$skip=-3&$top=1", [1], 0),
        ("$skip=0", [1, 2, 3, 4, 5], 0),
        ("$top=0", [], 0),
        ("$top=0&$skip=2", [], 2),
        ("$top=-1", [1, 2, 3, 4, 5], 0),
        ("$top=-1&$skip=4", [5], 4),
        ("$top=5", [1, 2, 3, 4, 5], 0),
        ("$top=1000000", [1, 2, 3, 4, 5], 0),
    ],
)
def test_slices(admin, params, keys, first):
    staff(5)
    expected = page("Employee", *(row(n, stamp=1) for n in keys), count=5, first=first)
    assert_answer(admin.read(f"Employee?{params}"), 200, expected)


@pytest.mark.parametrize("param", ["$top=x", "$top=", "$skip=1.5", "$skip=٣", "$limit=1e3"])
def test_what_is_no_number(admin, param):
    name = param.partition("=")[0].replace("$limit", "$top")
    text = f"URL is not well formed: {name} is not a whole number"
    assert_answer(admin.read(f"Employee?{param}"), 400, errors((1806, text)))


def test_the_size_of_a_page(admin, registered, settings):
    staff(7)

    def sent(params=""):
        answer = admin.read(f"Employee?{params}").json()
        assert answer["__COUNT"] == 7
        return answer["__SENT"]

    settings.FOURD_REST = {"PAGE_SIZE": 3}
    assert sent() == 3
    registered(Employee, page_size=2)
    assert sent() == 2
    assert sent("$top=5") == 5
    settings.FOURD_REST = {"PAGE_SIZE": 3, "MAX_PAGE_SIZE": 4}
    assert sent("$top=5") == 4
    assert sent("$top=-1") == 4
    registered(Employee, page_size=6)
    assert sent() == 4


def test_a_hundred_by_default(admin):
    staff(101)
    answer = admin.read("Employee").json()
    assert (answer["__COUNT"], answer["__SENT"], len(answer["__ENTITIES"])) == (101, 100, 100)
    assert [entity["ID"] for entity in answer["__ENTITIES"]] == list(range(1, 101))


def test_order(admin, registered):
    Company.objects.bulk_create(
        Company(id=key, name=name) for key, name in ((1, "b"), (2, "a"), (3, "b"), (4, "a"))
    )

    def keys(params=""):
        return [e["ID"] for e in admin.read(f"Company/ID?{params}").json()["__ENTITIES"]]

    registered(Company, names={"id": "ID"})
    assert keys() == [1, 2, 3, 4]
    registered(Company, names={"id": "ID"}, ordering=["-name"])
    assert keys() == [1, 3, 2, 4]
    # The key breaks ties, so pages never overlap.
    assert [keys(f"$top=1&$skip={n}") for n in range(4)] == [[1], [3], [2], [4]]
    registered(Company, names={"id": "ID"}, ordering=["name", "-pk"])
    assert keys() == [4, 2, 3, 1]
    registered(Company, names={"id": "ID"}, ordering=[models.F("name").desc()])
    assert keys() == [1, 3, 2, 4]


def test_an_entity_that_matches_a_filter_twice_is_told_once_if_the_site_says_so(admin, registered):
    class Distinct(DataClass):
        def get_queryset(self, request):
            return super().get_queryset(request).filter(staff__isnull=False).distinct()

    registered(Company, Distinct)
    acme()
    staff(2)
    Employee.objects.update(employer_id=1)
    answer = admin.read("Company/id").json()
    assert (answer["__COUNT"], answer["__SENT"]) == (1, 1)
    assert admin.read("Company(1)/id").status_code == 200


# The number of statements


def many(count):
    """Companies and employees, each with both relations."""
    Company.objects.bulk_create(Company(id=n, name="Acme") for n in range(1, count + 1))
    staff(count)
    Employee.objects.update(employer_id=models.F("id"), manager_id=models.F("id"))
    Company.objects.update(manager_id=models.F("id"))
    EntityStamp.objects.bulk_create(
        EntityStamp(dataclass="hr.company", key=str(n), stamp=n) for n in range(1, count + 1)
    )


@pytest.mark.parametrize("name", ["Employee", "Company"])
@pytest.mark.parametrize("count", [1, 150])
def test_statements_of_a_read(admin, name, count):
    many(count)
    assert len(statements(admin, f"{name}(1)")) == 1
    # A full page does not tell how many there are; one that is not full does.
    assert len(statements(admin, name)) == (2 if count > 100 else 1)
    assert len(statements(admin, f"{name}?$top=0")) == 1
    assert len(statements(admin, f"{name}?$skip=1000")) == 2


def test_statements_of_targets_that_may_be_hidden(admin, registered):
    many(150)
    assert len(statements(admin, "Employee")) == 2
    registered(Company, Seen)
    assert len(statements(admin, "Employee")) == 3
    assert len(statements(admin, "Employee(1)")) == 2
    assert len(statements(admin, "Employee/firstName")) == 2


def test_one_statement_for_each_relation_whose_targets_may_be_hidden(admin, registered):
    class Managers(DataClass):
        fields = ["id", "employer", "manager"]

        def get_queryset(self, request):
            return super().get_queryset(request).filter(pk__lt=200)

    many(150)
    registered(Company, Seen)
    registered(Employee, Managers)
    assert len(statements(admin, "Employee")) == 4
    assert len(statements(admin, "Employee(1)")) == 3
    assert admin.read("Employee(1)").json()["manager"] == to_one("Employee", 1)
    Employee.objects.update(manager=None)
    assert len(statements(admin, "Employee(1)")) == 2


def test_the_stamp_is_read_with_the_row(admin):
    """No commit can fall between the two, whatever the database isolates."""
    many(1)
    (sql,) = statements(admin, "Company(1)")
    assert "fourd_rest_entitystamp" in sql
    assert "hr_company" in sql


class Between:
    """Does something after the statement number ``place`` of whatever is executed."""

    def __init__(self, place, action):
        self.left = place
        self.action = action

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if "django_session" not in sql and "auth_" not in sql:
            self.left -= 1
            if self.left == -1:
                self.action()
        return result


def change(model):
    """Somebody else saves entity 1."""
    instance = model.objects.get(pk=1)
    field = "name" if model is Company else "first_name"
    setattr(instance, field, "changed")
    instance.save()


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("path", ["{}(1)", "{}?$top=1", "{}?$skip=0"])
@pytest.mark.parametrize(("model", "attribute"), [(Employee, "firstName"), (Company, "name")])
def test_a_commit_between_two_statements_of_a_read(admin, registered, model, attribute, path, place):
    registered(Company, Seen, naming="camelCase", names={"id": "ID"})
    many(3)
    name = model.__name__
    path = path.format(name)
    count = len(statements(admin, path))
    with connection.execute_wrapper(Between(place, lambda: change(model))):
        read = admin.read(path).json()
    read = read.get("__ENTITIES", [read])[0]
    assert read[attribute] != "changed"
    update = admin.update(name, {"__KEY": "1", "__STAMP": read["__STAMP"], attribute: "mine"})
    if place >= count:  # nothing came between
        assert (update.status_code, update.json()["__STATUS"]) == (200, {"success": True})
        return
    assert update.status_code == 500
    assert update.json()["__STATUS"]["statusText"] == "Stamp has changed"
    assert update.json()[attribute] == "changed"


def test_bytes_in_a_row_are_not_read_by_a_page(admin):
    Everything.objects.bulk_create([Everything(binary=b"x" * 100)])
    (sql,) = statements(admin, "Everything/binary")
    quote = connection.ops.quote_name
    selected = sql.rpartition(f" FROM {quote('zoo_everything')}")[0]
    column = f"{quote('zoo_everything')}.{quote('binary')}"
    # Named to be compared, never to be fetched.
    assert column in selected
    assert f"{column}," not in selected
    assert not selected.endswith(column)


# Bytes


def with_photo(content=None, name="me.png"):
    employee = john()
    employee.photo.save(name, ContentFile(content or picture()), save=False)
    employee.cv.save("Jo hé.pdf", ContentFile(PDF), save=False)
    Employee.objects.filter(pk=12).update(photo=employee.photo.name, cv=employee.cv.name)
    return employee


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


SAFE = {
    "4DREST-INFO": "1.0",
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def headers(response):
    """Headers that this app sends; the middleware of the site adds others."""
    others = {"X-Frame-Options", "Vary", "Referrer-Policy", "Cross-Origin-Opener-Policy"}
    return {name: value for name, value in response.items() if name not in others}


OCTETS = "application/octet-stream"
IMAGE = "Employee(12)/photo?$imageformat=best&$version=4&$expand=photo"
BLOB = "Employee(12)/cv?$binary=true&$version=4&$expand=cv"


@pytest.mark.parametrize(
    "path",
    [
        IMAGE,
        "Employee(12)/photo?$imageformat=best",
        "Employee(12)/photo?$imageformat=BEST&$version=77",
        "Employee(12)/photo?$imageformat=",
        "Employee(12)/photo?$imageformat=png",
        "Employee(12)/photo?$imageformat=PNG&$expand=photo",
        "Employee(12)/photo?$imageformat=.png",
        "Employee(12)/photo?$imageformat=image/png",
    ],
)
def test_the_bytes_of_an_image(admin, path):
    employee = with_photo()
    response = admin.read(path)
    assert response.status_code == 200
    assert body(response) == picture()
    etag = response["ETag"]
    assert headers(response) == SAFE | {
        "Content-Type": "image/png",
        "Content-Length": str(len(picture())),
        "Content-Disposition": f'inline; filename="{employee.photo.name.rpartition("/")[2]}"',
        "ETag": etag,
    }
    assert len(etag) == 34


def test_the_address_of_an_image_leads_to_its_bytes(admin):
    with_photo()
    uri = admin.read("Employee(12)").json()["photo"]["__deferred"]["uri"]
    assert uri == f"/rest/{IMAGE}"
    assert body(admin.read(uri.removeprefix("/rest/"))) == picture()


def test_the_bytes_of_a_blob(admin):
    with_photo()
    uri = admin.read("Employee(12)").json()["cv"]["__deferred"]["uri"]
    assert uri == f"/rest/{BLOB}"
    response = admin.read(BLOB)
    assert response.status_code == 200
    assert body(response) == PDF
    assert headers(response) == SAFE | {
        "Content-Type": "application/pdf",
        "Content-Length": str(len(PDF)),
        "Content-Disposition": "attachment; filename*=utf-8''Jo_h%C3%A9.pdf",
        "ETag": response["ETag"],
    }


def test_the_bytes_of_a_binary_column(admin):
    Everything.objects.bulk_create([Everything(id=1, binary=b"\x00\xff" * 50)])
    response = admin.read("Everything(1)/binary?$binary=true")
    assert (response.status_code, body(response)) == (200, b"\x00\xff" * 50)
    digest = hashlib.sha256(b"\x00\xff" * 50).hexdigest()[:32]
    assert headers(response) == SAFE | {
        "Content-Type": "application/octet-stream",
        "Content-Length": "100",
        "Content-Disposition": 'attachment; filename="binary-1.bin"',
        "ETag": f'"{digest}"',
    }


@pytest.mark.parametrize(
    "path",
    [
        "Employee(12)/photo?$imageformat=best",
        "Employee(12)/photo?$imageformat=png",
        "Employee(12)/cv?$binary=true",
    ],
)
def test_an_empty_file_is_an_empty_answer(admin, path):
    john()
    response = admin.read(path)
    assert (response.status_code, response.content) == (200, b"")
    assert headers(response) == {
        "4DREST-INFO": "1.0",
        "Cache-Control": "no-store",
        "Content-Length": "0",
        "Content-Type": "application/octet-stream",
        "X-Content-Type-Options": "nosniff",  # of the site's SecurityMiddleware
    }


@pytest.mark.parametrize("form", ["pdf", "svg", "exe", "image/x"])
def test_an_unknown_image_format(admin, form):
    with_photo()
    text = "The file is not a picture of an accepted type"
    assert_answer(admin.read(f"Employee(12)/photo?$imageformat={form}"), 400, errors((1824, text)))


@pytest.mark.parametrize("path", [IMAGE, BLOB])
def test_a_known_file_is_not_sent_again(admin, path):
    with_photo()
    etag = admin.read(path)["ETag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        response = admin.read(path, HTTP_IF_NONE_MATCH=known)
        assert (response.status_code, response.content) == (304, b"")
        # The length is of the site's CommonMiddleware.
        assert headers(response) == SAFE | {"ETag": etag, "Content-Length": "0"}
    assert admin.read(path, HTTP_IF_NONE_MATCH='"x"').status_code == 200


def test_another_file_has_another_etag(admin):
    employee = with_photo()
    before = admin.read(IMAGE)["ETag"]
    employee.refresh_from_db()
    employee.photo.save("other.png", ContentFile(picture(size=(3, 3))))
    after = admin.read(IMAGE)
    assert after["ETag"] != before
    assert body(after) == picture(size=(3, 3))


def test_part_of_a_file(admin):
    with_photo()
    for wanted, part, place in (
        ("bytes=0-9", PDF[:10], f"bytes 0-9/{len(PDF)}"),
        ("bytes=5-", PDF[5:], f"bytes 5-{len(PDF) - 1}/{len(PDF)}"),
        ("bytes=-5", PDF[-5:], f"bytes {len(PDF) - 5}-{len(PDF) - 1}/{len(PDF)}"),
    ):
        response = admin.read(BLOB, HTTP_RANGE=wanted)
        assert (response.status_code, body(response)) == (206, part)
        assert response["Content-Range"] == place
        assert response["Content-Length"] == str(len(part))
        assert headers(response).items() >= SAFE.items()
    beyond = admin.read(BLOB, HTTP_RANGE="bytes=9999-")
    assert (beyond.status_code, beyond.content) == (416, b"")
    assert beyond["Content-Range"] == f"bytes */{len(PDF)}"


def test_a_file_that_is_gone(admin):
    employee = with_photo()
    employee.photo.storage.delete(employee.photo.name)
    text = "The file of this attribute is gone"
    assert_answer(admin.read(IMAGE), 404, errors((9017, text)))


@pytest.mark.parametrize(
    ("name", "content", "kind", "disposition"),
    [
        ("a.jpg", picture("JPEG"), "image/jpeg", "inline"),
        ("a.gif", picture("GIF"), "image/gif", "inline"),
        ("a", picture("PNG"), "image/png", "inline"),
        (
            "a.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "application/octet-stream",
            "attachment",
        ),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
    ],
)
def test_only_rasters_are_shown_in_the_browser(admin, name, content, kind, disposition):
    with_photo(content, name)
    response = admin.read("Employee(12)/photo?$imageformat=best")
    assert body(response) == content
    assert response["Content-Type"] == kind
    assert response["Content-Disposition"].startswith(f"{disposition};")
    assert headers(response).items() >= SAFE.items()


@pytest.mark.parametrize(
    "path", ["Employee(99)/photo?$imageformat=best", "Employee(99)/cv?$binary=true"]
)
def test_the_file_of_an_unknown_entity(admin, path):
    text = 'Cannot load entity# 99 in the "Employee" dataclass'
    assert_answer(admin.read(path), 404, errors((1543, text)))


def test_the_file_of_an_entity_that_the_reader_may_not_see(admin, registered):
    class Others(DataClass):
        def get_queryset(self, request):
            return super().get_queryset(request).exclude(pk=12)

    registered(Employee, Others)
    with_photo()
    text = 'Cannot load entity# 12 in the "Employee" dataclass'
    for path in (IMAGE, BLOB):
        assert_answer(admin.read(path), 404, errors((1543, text)))


def test_a_file_costs_one_statement(admin):
    with_photo()
    assert len(statements(admin, IMAGE)) == 1
    assert len(statements(admin, BLOB)) == 1


# HEAD wherever GET (D-34)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Employee",
        "Employee?$top=0",
        "Employee(12)",
        "Employee(12)/firstName",
        "Employee(99)",
        "Nothing",
        "$catalog",
        "$catalog/$all",
        "$catalog/Employee",
        "$catalog/Nothing",
        IMAGE,
        BLOB,
        "Employee(12)/photo?$imageformat=gif",
    ],
)
def test_head_wherever_get(admin, path):
    with_photo()
    get, head_ = admin.read(path), admin.rest("HEAD", path)
    content = body(get)
    assert head_.status_code == get.status_code
    assert head_.content == b""
    expected = dict(get.items()) | {"Content-Length": str(len(content))}
    assert dict(head_.items()) == expected


# What is not there yet says so


@pytest.mark.parametrize(
    ("method", "path", "feature"),
    [
        ("GET", "Employee?$emMethod=f", "$emmethod in a read"),
        ("GET", "Employee?$extendedAttributes=true", "$extendedattributes in a read"),
        ("POST", "Employee?$extendedAttributes=true", "$extendedattributes in a write"),
        ("POST", "Employee?$emMethod=f", "$emmethod in a write"),
        ("GET", "Employee(12)?$lock=true", "$lock in a read"),
        ("GET", "Employee(12)?$LOCK=false", "$lock in a read"),
        ("POST", "Employee(12)?$lock=true", "$lock in a write"),
        ("GET", "Employee?$method=refresh", "$method=refresh"),
        ("GET", "Employee?$method=retrieve", "$method=retrieve"),
        ("GET", "Employee?$method=flush", "$method=flush"),
        ("POST", "Employee?$method=insert", "$method=insert"),
        ("POST", "Employee?$method=refresh", "$method=refresh"),
        ("POST", "Employee?$method=retrieve", "$method=retrieve"),
        ("POST", "Employee?$method=flush", "$method=flush"),
        ("GET", "$info/sessionInfo/release/1", "Releasing a session"),
        ("GET", "$directory/currentUser", "$directory in an address"),
        ("POST", "$directory/login", "$directory in an address"),
        ("GET", "$singleton/Shop/order", "$singleton in an address"),
        ("POST", "$singleton/Shop/order", "$singleton in an address"),
        ("GET", "$transaction/$start", "$transaction in an address"),
        ("GET", "$getWebForm", "$getWebForm in an address"),
    ],
)
def test_what_is_not_supported_says_so(admin, method, path, feature):
    john()
    text = f"{feature} is not supported by this server"
    assert_answer(admin.rest(method, path, {} if method == "POST" else None), 501, errors((9014, text)))


def test_unknown_keywords_are_ignored_in_reads(admin):
    john()
    expected = {**head("Employee"), **row()}
    for param in ("$nope=1", "$version=7", "x=$filter", "$timeout=5", "$clean=true", "$params=[1]"):
        assert_answer(admin.read(f"Employee(12)?{param}"), 200, expected)


@pytest.mark.parametrize(
    ("method", "code", "text"),
    [
        ("update", 1813, '"update" REST method is not applicable here'),
        ("validate", 1813, '"validate" REST method is not applicable here'),
        ("delete", 1813, '"delete" REST method is not applicable here'),
        ("DELETE", 1813, '"delete" REST method is not applicable here'),
        ("nope", 1812, '"nope" is an unknown REST method'),
    ],
)
def test_methods_that_change_something_are_not_for_get(admin, method, code, text):
    john()
    for path in ("Employee(12)", "Employee"):
        assert_answer(admin.read(f"{path}?$method={method}"), 400, errors((code, text)))
    assert Employee.objects.filter(pk=12).exists()


def test_any_accept_header_gets_the_answer(admin):
    john()
    for accept in ("text/html", "application/xml", "image/*", "*/*;q=0", "nonsense", ""):
        assert_answer(admin.read("Employee(12)", HTTP_ACCEPT=accept), 200, {**head("Employee"), **row()})


def test_addresses_follow_the_mount_point(admin, settings):
    settings.ROOT_URLCONF = "tests.spec.mounted"
    john(photo="photos/a.png")
    response = admin.get("/a/b/4d/Employee(12)/photo,team")
    assert response.json()["photo"]["__deferred"]["uri"] == (
        "/a/b/4d/Employee(12)/photo?$imageformat=best&$version=4&$expand=photo"
    )
    assert response.json()["team"]["__deferred"]["uri"] == "/a/b/4d/Employee(12)/team?$expand=team"
    catalog = admin.get("/a/b/4d/$catalog/Employee").json()["dataClasses"][0]
    assert catalog["dataURI"] == "/a/b/4d/Employee"


CHICAGO = dt.timezone(dt.timedelta(hours=-6))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (dt.datetime(2024, 2, 3, 4, 5, 6, 999_999, dt.UTC), "2024-02-03T04:05:06.999Z"),
        (
            dt.datetime(2024, 12, 31, 23, 0, 0, 1_000, dt.timezone(-dt.timedelta(hours=6))),
            "2025-01-01T05:00:00.001Z",
        ),
        (dt.datetime(207, 1, 2, 3, 4, 5, 0, dt.UTC), "0207-01-02T03:04:05.000Z"),
    ],
)
def test_the_time_of_the_last_save(admin: RestClient, moment: dt.datetime, text: str) -> None:
    """UTC with milliseconds, cut off (D-24); PostgreSQL writes it by itself."""
    man, company = john(), acme()
    Employee.objects.filter(pk=man.pk).update(modified=moment)
    row = {"dataclass": "hr.company", "key": str(company.pk)}
    EntityStamp.objects.update_or_create(**row, defaults={"stamp": 1, "modified": moment})
    assert admin.read(f"Employee({man.pk})").json()["__TIMESTAMP"] == text
    (page,) = admin.read(f"Company?$filter='ID={company.pk}'").json()["__ENTITIES"]
    assert page["__TIMESTAMP"] == text
