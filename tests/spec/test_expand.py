"""``$expand``: nested entities and nested selections (``responses.md`` 5, ``requests.md`` 6.2)."""

from __future__ import annotations

import uuid

import pytest
from django.core.files.base import ContentFile
from django.db import connection, models
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from fourd_rest.models import EntityStamp
from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import picture
from tests.contract.checks import assert_answer, errors
from tests.contract.sample import (
    MOMENT,
    NEVER,
    WIRE_MOMENT,
    WIRE_NOW,
    acme,
    employee,
    inv003,
    john,
    saved_employee,
    to_one,
)
from tests.zoo.models import (
    Animal,
    Aviary,
    Country,
    Crew,
    Finder,
    Keeper,
    Parcel,
    Passport,
    Sailor,
    Secretive,
    Tower,
    Voyage,
)

pytestmark = pytest.mark.django_db


def to_many(place, name):
    return {"__deferred": {"uri": f"/rest/{place}/{name}?$expand={name}"}}


def head(dataclass):
    return {"__entityModel": dataclass, "__DATACLASS": dataclass}


def company(key=1, stamp=1, moment=NEVER, **values):
    place = f"Company({key})"
    attributes = {
        "ID": key,
        "name": "Acme",
        "creationDate": None,
        "revenues": None,
        "extra": {},
        "manager": None,
        "staff": to_many(place, "staff"),
        "invoices": to_many(place, "invoices"),
    }
    return {"__KEY": str(key), "__TIMESTAMP": moment, "__STAMP": stamp, **(attributes | values)}


def worker(key=12, stamp=4, moment=WIRE_MOMENT, **values):
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


def selection(place, name, *entities, count=None, first=0):
    return {
        "__ENTITYSET": f"/rest/{place}/{name}?$expand={name}",
        "__GlobalStamp": 0,
        "__COUNT": len(entities) if count is None else count,
        "__FIRST": first,
        "__ENTITIES": list(entities),
        "__SENT": len(entities),
    }


def staff(count, start=1):
    """Employees 101, 102, … of Acme."""
    Employee.objects.bulk_create(
        Employee(id=100 + n, first_name=f"F{n}", last_name="L", employer_id=1)
        for n in range(start, start + count)
    )


def keys(entities):
    return [int(entity["__KEY"]) for entity in entities]


def nested(client, path, name):
    """Count, offset and keys of the nested selection of one entity."""
    answer = client.read(path)
    assert answer.status_code == 200, answer.content
    found = answer.json()[name]
    assert found["__SENT"] == len(found["__ENTITIES"])
    return found["__COUNT"], found["__FIRST"], keys(found["__ENTITIES"])


# Forms


def test_an_entity_with_a_to_one_relation(admin):
    acme()
    john(employer_id=1)
    expected = {**head("Employee"), **worker(employer=company())}
    assert_answer(admin.read("Employee(12)?$expand=employer"), 200, expected)
    assert_answer(admin.read("Employee(12)?$expand=employer.*"), 200, expected)


def test_stamps_of_nested_entities_are_their_own(admin):
    acme()
    john(employer_id=1)
    EntityStamp.objects.create(dataclass="hr.company", key="1", stamp=7, modified=MOMENT)
    read = admin.read("Employee(12)?$expand=employer").json()
    assert read["employer"] == company(stamp=7, moment=WIRE_MOMENT)
    read = admin.read("Company(1)?$expand=staff").json()
    assert read["staff"]["__ENTITIES"] == [worker(employer=to_one("Company", 1))]


def test_files_of_nested_entities_have_their_own_address(admin):
    acme()
    boss = Employee.objects.create(id=5, photo="photos/a.png", stamp=9, modified=MOMENT)
    john(manager=boss)
    uri = "/rest/Employee(5)/photo?$imageformat=best&$version=9&$expand=photo"
    read = admin.read("Employee(12)?$expand=manager").json()
    assert read["manager"]["photo"] == {"__deferred": {"uri": uri, "image": True}}


def test_an_entity_with_a_to_many_relation(admin):
    acme()
    john(employer_id=1)
    john_ = worker(employer=to_one("Company", 1))
    expected = {**head("Company"), **company(staff=selection("Company(1)", "staff", john_))}
    assert_answer(admin.read("Company(1)?$expand=staff"), 200, expected)
    expected = {
        **head("Employee"),
        **worker(employer=to_one("Company", 1), team=selection("Employee(12)", "team")),
    }
    assert_answer(admin.read("Employee(12)?$expand=team"), 200, expected)


def test_a_page(admin):
    Company.objects.bulk_create([Company(id=1, name="Acme"), Company(id=2, name="Acme")])
    john(employer_id=2)
    Employee.objects.create(id=13, first_name="John", last_name="Smith", modified=MOMENT)
    expected = {
        "__DATACLASS": "Employee",
        "__entityModel": "Employee",
        "__GlobalStamp": 0,
        "__COUNT": 2,
        "__FIRST": 0,
        "__ENTITIES": [worker(employer=company(2)), worker(13, 1)],
        "__SENT": 2,
    }
    assert_answer(admin.read("Employee?$expand=employer"), 200, expected)
    john_ = worker(employer=to_one("Company", 2))
    expected |= {
        "__DATACLASS": "Company",
        "__entityModel": "Company",
        "__ENTITIES": [
            company(1, staff=selection("Company(1)", "staff")),
            company(2, staff=selection("Company(2)", "staff", john_)),
        ],
    }
    assert_answer(admin.read("Company?$expand=staff"), 200, expected)
    assert admin.read("Company?$expand=staff&$top=0").json()["__ENTITIES"] == []
    assert keys(admin.read("Company?$expand=staff&$skip=1&$top=1").json()["__ENTITIES"]) == [2]


def test_the_address_of_a_relation_shows_the_shell_of_the_entity(admin):
    """U-07, ``server-facts.md`` 6."""
    acme()
    john(employer_id=1)
    shell = {**head("Company"), "__KEY": "1", "__TIMESTAMP": NEVER, "__STAMP": 1}
    members = selection("Company(1)", "staff", worker(employer=to_one("Company", 1)))
    read = admin.read("Company(1)").json()
    path = read["staff"]["__deferred"]["uri"].removeprefix("/rest/")
    assert_answer(admin.read(path), 200, {**shell, "staff": members})
    shell = {**head("Employee"), "__KEY": "12", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 4}
    answer = admin.read("Employee(12)/employer?$expand=employer")
    assert_answer(answer, 200, {**shell, "employer": company()})


@pytest.mark.parametrize(
    ("expand", "expanded"),
    [
        ("employer.staff", {"employer": ["staff"]}),
        ("employer.staff,employer.manager", {"employer": ["manager", "staff"]}),
        ("employer, manager.*", {"employer": [], "manager": []}),
        ("manager,employer.staff.*", {"employer": ["staff"], "manager": []}),
        ("photo", {}),
        ("cv,employer", {"employer": []}),
        ("firstName", {}),
        ("", {}),
        ("employer,employer", {"employer": []}),
        ("$all", {"employer": [], "manager": [], "team": [], "managedCompanies": []}),
        (
            "$all,employer.manager",
            {"employer": ["manager"], "manager": [], "team": [], "managedCompanies": []},
        ),
    ],
)
def test_what_is_expanded(admin, expand, expanded):
    acme()
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe")
    Company.objects.update(manager=boss)
    john(employer_id=1, manager=boss)

    def relations(entity):
        return {
            name: value
            for name, value in entity.items()
            if isinstance(value, dict) and value and "__deferred" not in value
        }

    found = relations(admin.read(f"Employee(12)?$expand={expand}").json())
    assert {
        name: sorted(relations(value)) for name, value in found.items() if "__COUNT" not in value
    } == {name: sorted(deeper) for name, deeper in expanded.items() if name in ("employer", "manager")}
    assert set(found) == set(expanded)


def test_a_list_and_expand_together(admin):
    acme()
    john(employer_id=1)
    read = admin.read("Company(1)/name,staff.lastName?$expand=staff").json()
    meta = {"__KEY": "12", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 4}
    assert read["staff"] == selection("Company(1)", "staff", meta | {"lastName": "Smith"})
    read = admin.read("Company(1)/name,staff?$expand=staff.employer").json()
    assert read["staff"] == selection("Company(1)", "staff", worker(employer=company()))
    read = admin.read("Company(1)/staff.employer?$expand=staff.employer").json()
    assert read["staff"] == selection("Company(1)", "staff", meta | {"employer": company()})
    read = admin.read("Company(1)/staff.lastName?$expand=staff:1-1").json()
    assert read["staff"] == selection("Company(1)", "staff", count=1, first=1)


@pytest.mark.parametrize(
    ("expand", "name", "owner"),
    [
        ("nope", "nope", "Company"),
        ("staff.nope", "nope", "Employee"),
        ("nope.staff", "nope", "Company"),
        ("name.x", "name", "Company"),
        ("staff.employer.nope", "nope", "Company"),
        ("*", "*", "Company"),
        ("staff.*.team", "*", "Employee"),
        ("staff:", "staff:", "Company"),
        ("staff:x", "staff:x", "Company"),
        ("staff:-1", "staff:-1", "Company"),
        ("staff:5-", "staff:5-", "Company"),
        ("staff:1234567890", "staff:1234567890", "Company"),
        ("staff.$all", "$all", "Employee"),
        ("$ALL", "$ALL", "Company"),
    ],
)
def test_unknown_names(admin, expand, name, owner):
    acme()
    expected = errors(
        (1500, f'The "{name}" attribute cannot be found in the "{owner}" dataclass'),
        (
            1805,
            f'Cannot completely build a list of expanded attributes with "{expand}"'
            ' for the "Company" dataclass',
        ),
    )
    for path in ("Company(1)", "Company", "Company(1)/name"):
        assert_answer(admin.read(f"{path}?$expand={expand}"), 404, expected)


def test_depth_is_limited(admin, settings):
    acme()
    settings.FOURD_REST = {"MAX_EXPAND_DEPTH": 2}
    assert admin.read("Company(1)?$expand=staff.employer").status_code == 200
    text = "Attributes nest deeper than 2 levels"
    answer = admin.read("Company(1)?$expand=staff.employer.staff")
    assert_answer(answer, 400, errors((9024, text)))


def test_expand_leaves_the_address_of_bytes_alone(admin):
    employee_ = john()
    employee_.photo.save("me.png", ContentFile(picture()), save=False)
    Employee.objects.update(photo=employee_.photo.name)
    uri = admin.read("Employee(12)").json()["photo"]["__deferred"]["uri"]
    response = admin.read(uri.removeprefix("/rest/"))
    assert response["Content-Type"] == "image/png"
    assert response.getvalue() == picture()
    # Without $imageformat it is JSON (``server-facts.md`` 13).
    read = admin.read("Employee(12)/photo?$expand=photo").json()
    assert read["photo"] == {"__deferred": {"uri": uri, "image": True}}


# Slices of nested selections


@pytest.mark.parametrize(
    ("expand", "first", "expected"),
    [
        ("staff:3", 0, [101, 102, 103]),
        ("staff:3-2", 2, [103, 104, 105]),
        ("staff:100-4", 4, [105, 106]),
        ("staff:3-6", 6, []),
        ("staff:3-999999999", 999_999_999, []),
        ("staff:0", 0, []),
        ("staff:0-3", 3, []),
        ("staff:1-0", 0, [101]),
        ("staff:999999999", 0, [101, 102, 103, 104, 105, 106]),
        ("staff:2,staff", 0, [101, 102]),
    ],
)
def test_slices(admin, expand, first, expected):
    acme()
    staff(6)
    assert nested(admin, f"Company(1)?$expand={expand}", "staff") == (6, first, expected)


def test_slices_of_every_level(admin):
    acme()
    staff(3)
    john(manager_id=101)
    Employee.objects.filter(id=102).update(manager_id=101)
    read = admin.read("Company(1)?$expand=staff:1.team:1-1").json()
    (only,) = read["staff"]["__ENTITIES"]
    assert (read["staff"]["__COUNT"], only["__KEY"]) == (3, "101")
    assert only["team"]["__COUNT"] == 2
    assert keys(only["team"]["__ENTITIES"]) == [102]


def test_a_hundred_by_default(admin, settings):
    acme()
    staff(130)
    assert nested(admin, "Company(1)?$expand=staff", "staff") == (130, 0, list(range(101, 201)))
    assert nested(admin, "Company(1)/staff.ID", "staff") == (130, 0, list(range(101, 201)))
    settings.FOURD_REST = {"MAX_PAGE_SIZE": 7}
    assert nested(admin, "Company(1)?$expand=staff:9-3", "staff") == (130, 3, list(range(104, 111)))


def test_every_parent_has_its_own_slice(admin):
    Company.objects.bulk_create(Company(id=n, name="Acme") for n in (1, 2, 3, 4))
    Employee.objects.bulk_create(
        Employee(id=10 * c + n, first_name="F", last_name="L", employer_id=c)
        for n in range(1, 5)
        for c in range(1, n)
    )
    read = admin.read("Company?$expand=staff:2-1").json()["__ENTITIES"]
    assert [(c["staff"]["__COUNT"], keys(c["staff"]["__ENTITIES"])) for c in read] == [
        (3, [13, 14]),
        (2, [24]),
        (1, []),
        (0, []),
    ]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        (["-last_name"], [3, 1, 2, 4]),
        (["last_name", "-first_name"], [4, 2, 1, 3]),
        ([models.F("first_name").desc()], [4, 2, 3, 1]),
        ([models.functions.Lower("first_name"), "-last_name"], [1, 3, 2, 4]),
        (["manager__first_name", "-id"], [2, 1, 4, 3]),
        (["?"], [1, 2, 3, 4]),
        ([], [1, 2, 3, 4]),
    ],
)
def test_the_order_is_the_default_one_of_the_target(admin, registered, ordering, expected):
    registered(Employee, ordering=ordering)
    acme()
    Employee.objects.bulk_create(
        Employee(id=n, first_name=first, last_name=last, employer_id=1)
        for n, first, last in ((1, "A", "Y"), (2, "C", "X"), (3, "B", "Z"), (4, "D", "X"))
    )
    Employee.objects.filter(id__in=[1, 2]).update(manager_id=1)
    Employee.objects.filter(id__in=[3, 4]).update(manager_id=2)
    assert nested(admin, "Company(1)?$expand=staff", "staff")[2] == expected
    if ordering != ["?"]:
        assert keys(admin.read("Employee").json()["__ENTITIES"]) == expected


def test_an_order_by_a_relation_is_that_of_its_model(admin, registered, monkeypatch):
    monkeypatch.setattr(Company._meta, "ordering", ["-name"])
    registered(Employee, ordering=["-employer"])
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe")
    Company.objects.bulk_create([Company(id=1, name="A"), Company(id=2, name="B")])
    for key, employer in ((11, 1), (12, 2), (13, 1)):
        Employee.objects.create(id=key, employer_id=employer, manager=boss)
    assert nested(admin, "Employee(5)?$expand=team", "team")[2] == [11, 13, 12]
    assert [key for key in keys(admin.read("Employee").json()["__ENTITIES"]) if key > 5] == [11, 13, 12]


# Relations of every kind


def test_many_to_many(admin):
    kim, lee = Keeper.objects.create(id=3, name="Kim"), Keeper.objects.create(id=4, name="Lee")
    for key in (1, 2, 3):
        Animal.objects.create(id=key, name=f"A{key}").keepers.set([kim, lee] if key < 3 else [lee])
    read = admin.read("Keeper?$expand=animals").json()["__ENTITIES"]
    assert [keys(keeper["animals"]["__ENTITIES"]) for keeper in read] == [[1, 2], [1, 2, 3]]
    read = admin.read("Animal?$attributes=keepers.name,keepers.animals:1").json()
    assert admin.read("Animal(3)/keepers.name").json()["keepers"]["__ENTITIES"][0]["name"] == "Lee"
    read = admin.read("Animal?$expand=keepers:1-1").json()["__ENTITIES"]
    assert [(a["keepers"]["__COUNT"], keys(a["keepers"]["__ENTITIES"])) for a in read] == [
        (2, [4]),
        (2, [4]),
        (1, []),
    ]
    # The same entity below two others has the same selection.
    read = admin.read("Animal(1)?$expand=keepers.animals").json()["keepers"]["__ENTITIES"]
    assert [keys(keeper["animals"]["__ENTITIES"]) for keeper in read] == [[1, 2], [1, 2, 3]]


def test_many_to_many_over_a_model_of_the_site(admin, registered):
    """Each entity once, however often the model in between ties it."""
    for model in (Crew, Sailor, Voyage):
        registered(model)
    one, two = Crew.objects.create(name="one"), Crew.objects.create(name="two", id=uuid.UUID(int=7))
    sailors = [Sailor.objects.create(id=n, name=f"S{n}") for n in (1, 2, 3)]
    for crew, sailor in ((two, 0), (two, 0), (two, 1), (two, 0), (one, 2), (two, 2), (two, 2)):
        Voyage.objects.create(crew=crew, sailor=sailors[sailor])
    path = f"Crew({two.pk.hex.upper()})"
    assert nested(admin, f"{path}?$expand=sailors", "sailors") == (3, 0, [1, 2, 3])
    assert nested(admin, f"{path}?$expand=sailors:1-1", "sailors") == (3, 1, [2])
    assert nested(admin, f"{path}?$expand=sailors:2-5", "sailors") == (3, 5, [])
    crews = admin.read("Sailor(3)?$expand=crews").json()["crews"]
    assert crews["__COUNT"] == 2
    assert {crew["name"] for crew in crews["__ENTITIES"]} == {"one", "two"}
    # An ordinary relation to a UUID key.
    assert nested(admin, f"{path}?$expand=voyage_set:1-3", "voyage_set")[0] == 6


def test_a_symmetrical_relation(admin, registered):
    for model in (Crew, Sailor, Voyage):
        registered(model)
    first, second, third = (Sailor.objects.create(id=n, name=f"S{n}") for n in (1, 2, 3))
    first.mates.set([second, third])
    assert nested(admin, "Sailor(1)?$expand=mates", "mates") == (2, 0, [2, 3])
    assert nested(admin, "Sailor(3)?$expand=mates", "mates") == (1, 0, [1])


def test_one_to_one_in_both_directions(admin):
    Animal.objects.create(id=1, name="Otter")
    Animal.objects.create(id=2, name="Seal")
    Passport.objects.create(id=9, animal_id=1, number="P")
    read = admin.read("Animal/name,passport.number").json()["__ENTITIES"]
    assert [animal["passport"] and animal["passport"]["number"] for animal in read] == ["P", None]
    assert read[0]["passport"]["__KEY"] == "9"
    assert admin.read("Passport(9)?$expand=animal").json()["animal"]["name"] == "Otter"


def test_a_relation_to_another_attribute_than_the_key(admin):
    kim = Keeper.objects.create(id=3, name="Kim", badge="B-7")
    Keeper.objects.create(id=4, name="Lee")
    Animal.objects.create(id=1, name="Otter", doctor=kim)
    Animal.objects.create(id=2, name="Seal", doctor=kim)
    Animal.objects.create(id=5, name="Crab")
    read = admin.read("Animal/doctor.name").json()["__ENTITIES"]
    assert [animal["doctor"] and animal["doctor"]["name"] for animal in read] == ["Kim", "Kim", None]
    read = admin.read("Keeper?$expand=patients:1").json()["__ENTITIES"]
    assert [(k["patients"]["__COUNT"], keys(k["patients"]["__ENTITIES"])) for k in read] == [
        (2, [1]),
        (0, []),
    ]


def test_children_and_their_parents(admin, registered):
    dome = Aviary.objects.create(name="Dome", height=9)
    Animal.objects.create(id=1, name="Otter", home=dome)
    assert nested(admin, f"Aviary({dome.pk})?$expand=animals", "animals") == (1, 0, [1])
    assert nested(admin, f"Place({dome.pk})?$expand=animals", "animals") == (1, 0, [1])
    assert admin.read("Animal(1)?$expand=home").json()["home"]["name"] == "Dome"
    registered(Tower)
    tower = Tower.objects.create(code="T", name="Big")
    Animal.objects.create(id=2, name="Bat", home=tower.place)
    assert nested(admin, "Tower(T)?$expand=animals", "animals") == (1, 0, [2])
    assert admin.read("Tower(T)/animals.name").json()["animals"]["__ENTITIES"][0]["name"] == "Bat"


def test_text_and_uuid_keys(admin):
    Country.objects.create(code="a/b", name="Ab")
    key = uuid.UUID(int=10)
    Parcel.objects.create(id=key, country_id="a/b")
    wire = "0000000000000000000000000000000A"
    read = admin.read("Country('a%2Fb')?$expand=parcels").json()["parcels"]
    assert read["__ENTITYSET"] == "/rest/Country('a%2Fb')/parcels?$expand=parcels"
    assert [parcel["__KEY"] for parcel in read["__ENTITIES"]] == [wire]
    assert admin.read(f"Parcel({wire})?$expand=country").json()["country"]["__KEY"] == "a/b"


def test_a_relation_to_itself(admin):
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe", modified=MOMENT)
    Employee.objects.filter(id=5).update(manager=boss)
    john(manager=boss)
    read = admin.read("Employee(5)?$expand=manager.team").json()
    assert read["manager"]["manager"] == to_one("Employee", 5)
    assert keys(read["manager"]["team"]["__ENTITIES"]) == [5, 12]
    assert read["team"] == to_many("Employee(5)", "team")


class Fuller(DataClass):
    name = "Employee"
    computed = ["__str__"]
    names = {"__str__": "fullName"}
    annotations = {
        "initial": models.functions.Left("last_name", 1),
        "teamSize": Count("team", distinct=True),
    }
    aliases = {"employerName": "employer.name"}


def test_derived_attributes_of_nested_entities(admin, registered):
    registered(Employee, Fuller)
    acme()
    john(employer_id=1)
    Employee.objects.create(id=13, first_name="Jo", last_name="Poe", manager_id=12, employer_id=1)
    names = ("fullName", "initial", "teamSize", "employerName")
    registered(Company, fields=["id", "name", "staff", "manager"])
    Company.objects.update(manager_id=12)
    paths = ",".join(f"staff.{name},manager.{name}" for name in names)
    for read in (
        admin.read("Company(1)?$expand=staff,manager").json(),
        admin.read(f"Company(1)/{paths}").json(),
    ):
        first, second = read["staff"]["__ENTITIES"]
        assert [first[name] for name in names] == ["John Smith", "S", 1, "Acme"]
        assert [second[name] for name in names] == ["Jo Poe", "P", 0, "Acme"]
        assert [read["manager"][name] for name in names] == ["John Smith", "S", 1, "Acme"]
        assert read["staff"]["__COUNT"] == 2
    assert nested(admin, "Company(1)?$expand=staff:1-1", "staff") == (2, 1, [13])


def test_what_the_site_counts_is_not_multiplied(admin, registered):
    registered(Animal, annotations={"helpers": Count("keepers")})
    kim, lee = Keeper.objects.create(id=3, name="Kim"), Keeper.objects.create(id=4, name="Lee")
    for key in (1, 2):
        Animal.objects.create(id=key, name=f"A{key}").keepers.set([kim, lee])
    read = admin.read("Keeper?$expand=animals").json()["__ENTITIES"]
    for keeper in read:
        assert keeper["animals"]["__COUNT"] == 2
        assert [animal["helpers"] for animal in keeper["animals"]["__ENTITIES"]] == [2, 2]
    assert nested(admin, "Keeper(3)?$expand=animals:1-1", "animals") == (2, 1, [2])


# What the caller may see


class Seen(DataClass):
    """Rows of others do not exist."""

    naming = "camelCase"
    names = {"id": "ID"}

    def get_queryset(self, request):
        return super().get_queryset(request).exclude(name="hidden")


class SeenStaff(DataClass):
    naming = "camelCase"

    def get_queryset(self, request):
        return super().get_queryset(request).exclude(last_name="Hidden")


def test_hidden_targets_are_null(admin, registered):
    registered(Company, Seen)
    Company.objects.bulk_create([Company(id=1, name="Acme"), Company(id=2, name="hidden")])
    john(employer_id=2)
    Employee.objects.create(id=13, employer_id=1)
    assert admin.read("Employee(12)?$expand=employer").json()["employer"] is None
    read = admin.read("Employee/employer.name").json()["__ENTITIES"]
    assert [row["employer"] and row["employer"]["name"] for row in read] == [None, "Acme"]
    read = admin.read("Employee/employer.staff.firstName").json()["__ENTITIES"]
    assert [row["employer"] is None for row in read] == [True, False]


def test_hidden_members_are_neither_shown_nor_counted(admin, registered):
    registered(Employee, SeenStaff)
    acme()
    staff(4)
    Employee.objects.filter(id__in=[101, 103]).update(last_name="Hidden")
    assert nested(admin, "Company(1)?$expand=staff", "staff") == (2, 0, [102, 104])
    assert nested(admin, "Company(1)?$expand=staff:1-1", "staff") == (2, 1, [104])
    assert nested(admin, "Company(1)?$expand=staff:1-2", "staff") == (2, 2, [])
    Employee.objects.update(last_name="Hidden")
    assert nested(admin, "Company(1)?$expand=staff", "staff") == (0, 0, [])


def test_targets_that_the_default_manager_hides(admin, registered):
    registered(Finder, fields=["name", "secretive"])
    registered(Secretive, fields=["name", "finder_set"])
    open_, hidden = Secretive(id=1, name="a"), Secretive(id=2, name="b", is_hidden=True)
    Secretive.everything.bulk_create([open_, hidden])
    Finder.objects.bulk_create([Finder(id=1, secretive=open_), Finder(id=2, secretive=hidden)])
    read = admin.read("Finder?$expand=secretive").json()["__ENTITIES"]
    assert [row["secretive"] and row["secretive"]["name"] for row in read] == ["a", None]


def test_a_join_of_the_site_is_not_taken_for_the_relation(admin, registered):
    """The site shows keepers of a seal; Kim keeps an otter as well."""

    class Sealers(DataClass):
        def get_queryset(self, request):
            return super().get_queryset(request).filter(animals__name__startswith="Seal")

    registered(Keeper, Sealers)
    kim, lee = Keeper.objects.create(id=3, name="Kim"), Keeper.objects.create(id=4, name="Lee")
    for key, name in ((1, "Otter"), (2, "Seal"), (3, "Seal two")):
        Animal.objects.create(id=key, name=name).keepers.set([kim, lee] if key == 1 else [kim])
    read = admin.read("Animal?$expand=keepers").json()["__ENTITIES"]
    assert [(a["keepers"]["__COUNT"], keys(a["keepers"]["__ENTITIES"])) for a in read] == [(1, [3])] * 3


def test_relations_of_nested_entities_that_the_caller_may_not_see(admin, registered):
    registered(Employee, SeenStaff)
    acme()
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Hidden")
    Employee.objects.create(id=13, employer_id=1, manager=boss)
    Company.objects.update(manager=boss)
    read = admin.read("Employee(13)?$expand=employer").json()
    assert (read["manager"], read["employer"]["manager"]) == (None, None)
    assert admin.read("Company(1)?$expand=staff").json()["staff"]["__ENTITIES"][0]["manager"] is None


UNKNOWN = (1500, 'The "staff" attribute cannot be found in the "Company" dataclass')


@pytest.mark.parametrize("item", ["staff", "staff.*", "staff:1", "staff.nope", "staff.employer.nope"])
@pytest.mark.parametrize("path", ["Company(1)", "Company", "Company(1)/name"])
def test_a_relation_to_what_the_caller_may_not_know_of_is_unknown(login, item, path):
    acme()
    text = 'Cannot completely build a list of expanded attributes with "{}" for the "Company" dataclass'
    text = text.format(item)
    answer = login("hr.view_company").read(f"{path}?$expand={item}")
    assert_answer(answer, 404, errors(UNKNOWN, (1805, text)))


@pytest.mark.parametrize("path", ["Company(1)", "Company", "Company(1)/name"])
def test_a_relation_to_what_the_caller_may_not_read(login, path):
    acme()
    client = login("hr.view_company", "hr.add_employee")
    text = "No permission to read for the Employee dataclass"
    for expand in ("staff", "manager", "invoices,staff", "staff.employer"):
        status, body = 401, errors((1557, text))
        if expand.startswith("invoices"):
            status = 404
            body = errors(
                (1500, 'The "invoices" attribute cannot be found in the "Company" dataclass'),
                (
                    1805,
                    'Cannot completely build a list of expanded attributes with "invoices"'
                    ' for the "Company" dataclass',
                ),
            )
        assert_answer(client.read(f"{path}?$expand={expand}"), status, body)


def test_all_means_all_that_the_caller_may_read(login, admin):
    acme()
    inv003()
    client = login("hr.view_company", "hr.view_invoice", "hr.add_employee")
    for _ in range(2):
        read = client.read("Company(1)?$expand=$all").json()
        assert read["invoices"]["__COUNT"] == 1
        assert (read["staff"], read["manager"]) == (to_many("Company(1)", "staff"), None)
        assert admin.read("Company(1)?$expand=$all").json()["staff"]["__COUNT"] == 0
    assert client.read("Company(1)?$expand=$all,staff").status_code == 401


# Limits


def too_large(client, path, limit):
    text = f"The request is for more than {limit} entities"
    answer = client.read(path)
    assert_answer(answer, 413, errors((9025, text)))


def test_nested_entities_are_limited(admin, settings):
    acme()
    staff(5)
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 5}
    assert admin.read("Company(1)?$expand=staff").status_code == 200
    assert admin.read("Employee?$expand=employer").status_code == 200
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 4}
    too_large(admin, "Company(1)?$expand=staff", 4)
    # One company, but shown five times.
    too_large(admin, "Employee?$expand=employer", 4)
    assert admin.read("Company(1)?$expand=staff:4").status_code == 200
    assert admin.read("Employee?$expand=employer&$top=4").status_code == 200
    # Once in all, over all relations and levels.
    assert admin.read("Company(1)?$expand=staff:2.employer").status_code == 200
    too_large(admin, "Company(1)?$expand=staff:3.employer", 4)
    too_large(admin, "Company(1)?$expand=staff:3,invoices,manager,staff.employer", 4)


def test_what_is_shown_several_times_counts_as_often(admin, settings):
    """Few rows are read, but the answer would grow with every level."""
    acme()
    staff(20)
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 20 + 20 * 20}
    assert admin.read("Employee?$expand=employer.staff").status_code == 200
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 20 + 20 * 20 - 1}
    too_large(admin, "Employee?$expand=employer.staff", 419)
    settings.FOURD_REST = {}
    staff(30, start=21)
    too_large(admin, "Employee?$expand=employer.staff.employer.staff.employer", 50_000)


def test_repeated_pairs_are_never_cut_off_unnoticed(admin, registered, settings):
    for model in (Crew, Sailor, Voyage):
        registered(model)
    crew, sailors = Crew.objects.create(), [Sailor.objects.create(id=n) for n in (1, 2)]
    for sailor in (*sailors[:1] * 3, sailors[1]):
        Voyage.objects.create(crew=crew, sailor=sailor)
    path = f"Crew({crew.pk.hex})?$expand=sailors"
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 3}
    assert nested(admin, path, "sailors") == (2, 0, [1, 2])
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 2}
    too_large(admin, path, 2)


@pytest.mark.parametrize(
    ("dataclass", "keys", "expand"),
    [("Company", [1], "staff:100.employer"), ("Employee", range(101, 109), "employer.staff:100")],
)
def test_too_many_are_not_read_for_what_was_written(admin, settings, dataclass, keys, expand):
    """Relations stay as they are then: what was saved must be told."""
    Company.objects.create(id=1, name="Acme")
    staff(30)
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 30}
    extra = "revenues" if dataclass == "Company" else "salary"
    items = [{"__KEY": key, "__STAMP": 1, extra: 5} for key in keys]
    alone, expanded = [], []
    for found, params in ((alone, ""), (expanded, f"$expand={expand}")):
        with CaptureQueriesContext(connection) as queries:
            answer = admin.update(dataclass, items, params)
        assert answer.status_code == 200, answer.content
        found += [q["sql"] for q in queries if "first_name" in q["sql"] or "hr_company" in q["sql"]]
        items = [{**item, "__STAMP": 2, extra: 6} for item in items]
    for entity in answer.json()["__ENTITIES"]:
        assert "__deferred" in entity["staff" if dataclass == "Company" else "employer"]
    # Keys, and no text of anybody.
    for sql in expanded[len(alone) :]:
        assert "first_name" not in sql
        assert "revenues" not in sql


# The number of statements


def many(count):
    """Companies, employees and invoices, each with all relations."""
    Company.objects.bulk_create(Company(id=n, name="Acme") for n in range(1, count + 1))
    Employee.objects.bulk_create(
        Employee(id=n, first_name="F", last_name="L", employer_id=n, manager_id=1 + n // 2)
        for n in range(1, count + 1)
    )
    Company.objects.update(manager_id=models.F("id"))
    Invoice.objects.bulk_create(
        Invoice(id=n, reference=f"R{n}", amount=1, date=MOMENT.date(), company_id=n)
        for n in range(1, count + 1)
    )
    EntityStamp.objects.bulk_create(
        EntityStamp(dataclass="hr.company", key=str(n), stamp=n) for n in range(1, count + 1)
    )


EXPANDED = [
    ("Employee", "employer", 1),
    ("Employee", "manager", 1),
    ("Employee", "team", 1),
    ("Employee", "employer,manager,team,managedCompanies", 4),
    ("Employee", "$all", 4),
    ("Company", "staff", 1),
    ("Company", "staff:1-1", 1),
    ("Company", "staff,invoices", 2),
    ("Company", "staff,invoices,manager", 3),
    ("Company", "staff.employer.staff", 3),
    ("Company", "manager.team.managedCompanies.invoices", 4),
]


# Updates


def test_an_update_shows_what_is_expanded(admin, at_now):
    acme()
    Company.objects.bulk_create([Company(id=2, name="Bell")])
    john(employer_id=1)
    answer = admin.update(
        "Employee",
        {"__KEY": "12", "__STAMP": 4, "employer": "2"},
        "$method=update&$expand=employer,team",
    )
    bell = {
        "__KEY": "2",
        "__STAMP": 1,
        "__TIMESTAMP": NEVER,
        "ID": 2,
        "name": "Bell",
        "extra": {},
        "staff": to_many("Company(2)", "staff"),
        "invoices": to_many("Company(2)", "invoices"),
    }
    expected = saved_employee(stamp=5, employer=bell)
    expected["team"] = selection("Employee(12)", "team")
    assert_answer(answer, 200, expected)


def test_an_update_shows_nested_levels_in_its_own_form(admin, at_now):
    acme()
    john(employer_id=1)
    answer = admin.update(
        "Employee",
        {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"},
        "$method=update&$expand=employer.staff",
    )
    jack = employee(stamp=5, moment=WIRE_NOW, firstName="Jack", employer=to_one("Company", 1))
    read = answer.json()["employer"]
    assert list(read)[:3] == ["__KEY", "__STAMP", "__TIMESTAMP"]
    assert read["staff"] == selection("Company(1)", "staff", jack)
    assert list(read["staff"]["__ENTITIES"][0]) == list(jack)


def test_a_new_entity_and_many_at_once(admin):
    acme()
    items = [
        {"firstName": f"F{n}", "lastName": "L", "employer": "1" if n % 2 else None} for n in range(6)
    ]
    answer = admin.update("Employee", {"__ENTITIES": items}, "$method=update&$expand=employer,team")
    assert answer.status_code == 200
    entities = answer.json()["__ENTITIES"]
    assert ["employer" in entity for entity in entities] == [False, True] * 3
    assert {entity["employer"]["name"] for entity in entities if "employer" in entity} == {"Acme"}
    assert [entity["team"]["__ENTITYSET"] for entity in entities] == [
        f"/rest/Employee({entity['__KEY']})/team?$expand=team" for entity in entities
    ]
    changed = [{"__KEY": e["__KEY"], "__STAMP": 1, "salary": 5} for e in entities]
    with CaptureQueriesContext(connection) as plain:
        admin.update("Employee", changed)
    changed = [{"__KEY": e["__KEY"], "__STAMP": 2, "salary": 6} for e in entities]
    with CaptureQueriesContext(connection) as expanded:
        answer = admin.update("Employee", changed, "$method=update&$expand=employer,team")
    assert answer.status_code == 200
    assert len(expanded) - len(plain) == 2


def test_an_unchanged_entity_and_a_refused_one(admin):
    acme()
    john(employer_id=1)
    same = {"__KEY": "12", "__STAMP": 4, "firstName": "John"}
    params = "$method=update&$expand=employer"
    assert admin.update("Employee", same, params).json()["employer"]["name"] == "Acme"
    answer = admin.update("Employee", {**same, "__STAMP": 3, "firstName": "X"}, params)
    assert answer.status_code == 500
    assert answer.json()["employer"]["name"] == "Acme"


def test_a_preview(admin):
    acme()
    john(employer_id=None)
    params = "$method=update&$refresh=true&$expand=employer,team"
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": "1"}, params)
    assert answer.json()["employer"]["name"] == "Acme"
    assert answer.json()["team"]["__COUNT"] == 0
    answer = admin.update("Employee", {"firstName": "A", "lastName": "B", "employer": 1}, params)
    assert answer.json()["employer"]["name"] == "Acme"
    assert "team" not in answer.json()
    assert Employee.objects.get().employer_id is None


def test_expand_of_an_update_is_judged_before_anything_is_saved(admin, login):
    acme()
    john()
    change = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    text = 'The "nope" attribute cannot be found in the "Employee" dataclass'
    list_ = (
        'Cannot completely build a list of expanded attributes with "nope" for the "Employee" dataclass'
    )
    answer = admin.update("Employee", change, "$method=update&$expand=nope")
    assert_answer(answer, 404, errors((1500, text), (1805, list_)))
    client = login("hr.change_employee", "hr.add_company")
    answer = client.update("Employee", change, "$method=update&$expand=employer")
    text = "No permission to read for the Company dataclass"
    assert_answer(answer, 401, errors((1557, text)))
    assert Employee.objects.get().first_name == "John"
    # Who may not know of the dataclass learns nothing of it.
    for expand in ("nope", "employer", "employer.nope"):
        answer = login("hr.view_company", username="b").update(
            "Employee", change, f"$method=update&$expand={expand}"
        )
        text = 'The "Employee" dataclass cannot be found'
        assert_answer(answer, 404, errors((1800, text)))


def test_what_is_too_large_to_be_shown_is_saved_and_told_all_the_same(admin, settings):
    settings.FOURD_REST = {"MAX_NESTED_ENTITIES": 1}
    acme()
    john(employer_id=1)
    staff(1)
    change = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    answer = admin.update("Employee", change, "$method=update&$expand=employer.staff")
    assert (answer.status_code, answer.json()["firstName"]) == (200, "Jack")
    assert answer.json()["employer"] == to_one("Company", 1)


def test_a_child_with_a_key_of_its_own(admin, registered):
    registered(Tower)
    tower = Tower.objects.create(code="T", name="Big")
    Animal.objects.create(id=2, name="Bat", home=tower.place)
    answer = admin.update("Tower", {"__KEY": "T", "__STAMP": 1}, "$method=update&$expand=animals")
    assert answer.json()["animals"] == to_many("Tower(T)", "animals")


# Clients


def test_what_wakanda_client_asks(admin):
    """``clients.md`` 1: ``$expand=a,b.c`` in finding and in pages."""
    acme()
    boss = Employee.objects.create(id=5, first_name="Ann", last_name="Poe")
    john(employer_id=1, manager=boss)
    read = admin.read("Employee(12)?$expand=manager,employer.staff").json()
    assert (read["manager"]["__KEY"], read["employer"]["__KEY"]) == ("5", "1")
    assert keys(read["employer"]["staff"]["__ENTITIES"]) == [12]
    page = admin.read("Employee?$expand=manager,employer.staff&$limit=40&$skip=1").json()
    assert [page["__FIRST"], page["__COUNT"], page["__SENT"]] == [1, 2, 1]
    assert page["__ENTITIES"][0] == {k: v for k, v in read.items() if k not in head("")}


@pytest.mark.parametrize(
    "query",
    ["$expand=employer", "$expand=employer.*", "%24expand=employer", "$attributes=*%2Cemployer.*"],
)
def test_what_4d_rest_asks(admin, query):
    """``clients.md`` 4: names are escaped, ``employer.*`` means the relation."""
    acme()
    john(employer_id=1)
    assert admin.read(f"Employee(12)?{query}").json()["employer"] == company()
    assert admin.read(f"Employee?{query}").json()["__ENTITIES"][0]["employer"] == company()
