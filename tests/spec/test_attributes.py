"""Attribute lists: in the path and ``$attributes`` (``requests.md`` 5, ``query.md`` 12)."""

from __future__ import annotations

import pytest

from testproject.hr.models import Company, Employee
from tests.contract.checks import assert_answer, errors
from tests.contract.sample import MOMENT, NEVER, WIRE_MOMENT, acme, john, to_one

pytestmark = pytest.mark.django_db

# In the order in which PostgreSQL keeps names.
EXTRA = {"kids": [{"age": 4, "name": "Al"}, {"age": 5}, 6], "size": {"h": 3, "w": 2}, "score": 1}


def to_many(place, name):
    return {"__deferred": {"uri": f"/rest/{place}/{name}?$expand={name}"}}


def boss():
    """Employee 5, who manages John and Acme."""
    ann = Employee.objects.create(id=5, first_name="Ann", last_name="Poe", modified=MOMENT)
    Company.objects.bulk_create([Company(id=1, name="Acme", extra=EXTRA, manager=ann)])
    return ann


def employees():
    return john(manager=boss(), employer_id=1)


def company(**values):
    return {"__KEY": "1", "__TIMESTAMP": NEVER, "__STAMP": 1, **values}


def ann(**values):
    return {"__KEY": "5", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 1, **values}


def john_(**values):
    return {"__KEY": "12", "__TIMESTAMP": WIRE_MOMENT, "__STAMP": 4, **values}


def selection(place, name, *entities, count=None, first=0):
    return {
        "__ENTITYSET": f"/rest/{place}/{name}?$expand={name}",
        "__GlobalStamp": 0,
        "__COUNT": len(entities) if count is None else count,
        "__FIRST": first,
        "__ENTITIES": list(entities),
        "__SENT": len(entities),
    }


WHOLE_COMPANY = company(
    ID=1,
    name="Acme",
    creationDate=None,
    revenues=None,
    extra=EXTRA,
    manager=to_one("Employee", 5),
    staff=to_many("Company(1)", "staff"),
    invoices=to_many("Company(1)", "invoices"),
)

LISTS = [
    ("employer", {"employer": to_one("Company", 1)}),
    ("employer.name", {"employer": company(name="Acme")}),
    ("employer.name,employer.ID", {"employer": company(name="Acme", ID=1)}),
    (
        "employer.name , firstName,employer.ID",
        {"employer": company(name="Acme", ID=1), "firstName": "John"},
    ),
    ("firstName,employer.name", {"firstName": "John", "employer": company(name="Acme")}),
    ("employer,employer.name", {"employer": company(name="Acme")}),
    ("employer.name,employer", {"employer": company(name="Acme")}),
    ("employer.*", {"employer": WHOLE_COMPANY}),
    ("employer.name,employer.*", {"employer": WHOLE_COMPANY}),
    ("employer.manager", {"employer": company(manager=to_one("Employee", 5))}),
    ("employer.staff", {"employer": company(staff=to_many("Company(1)", "staff"))}),
    (
        "employer.manager.firstName,manager.lastName",
        {"employer": company(manager=ann(firstName="Ann")), "manager": ann(lastName="Poe")},
    ),
    (
        "employer.staff.firstName",
        {"employer": company(staff=selection("Company(1)", "staff", john_(firstName="John")))},
    ),
    (
        "manager.team.employer.name",
        {"manager": ann(team=selection("Employee(5)", "team", john_(employer=company(name="Acme"))))},
    ),
    ("team.firstName", {"team": selection("Employee(12)", "team")}),
    ("employer.extra.score", {"employer": company(extra={"score": 1})}),
]


@pytest.mark.parametrize(("names", "attributes"), LISTS)
def test_relation_paths(admin, names, attributes):
    employees()
    expected = {"__entityModel": "Employee", "__DATACLASS": "Employee", **john_(**attributes)}
    assert_answer(admin.read(f"Employee(12)?$attributes={names}"), 200, expected)
    assert_answer(admin.read(f"Employee(12)/{names}"), 200, expected)
    page = admin.read(f"Employee/{names}").json()["__ENTITIES"]
    assert page[1] == john_(**attributes)
    assert list(page[1]) == list(john_(**attributes))


def test_everything_and_one_relation_expanded(admin):
    employees()
    whole = admin.read("Employee(12)").json()
    for names in ("*,employer.*", "employer.*, *"):
        read = admin.read(f"Employee(12)?$attributes={names}").json()
        assert read == whole | {"employer": WHOLE_COMPANY}
        assert list(read) == list(whole)


def test_absent_relations_are_null_whatever_is_asked_of_them(admin):
    john()
    for names in ("employer", "employer.*", "employer.name", "employer.staff.firstName"):
        assert admin.read(f"Employee(12)/{names}").json()["employer"] is None


@pytest.mark.parametrize("names", ["", "%20", "*", " * "])
def test_a_blank_list_is_none(admin, names):
    employees()
    assert admin.read(f"Employee(12)?$attributes={names}").json() == admin.read("Employee(12)").json()


def test_the_list_in_the_path_wins(admin):
    employees()
    read = admin.read("Employee(12)/employer.name?$attributes=manager.lastName").json()
    assert read == {
        "__entityModel": "Employee",
        "__DATACLASS": "Employee",
        **john_(employer=company(name="Acme")),
    }


# Objects


@pytest.mark.parametrize(
    ("names", "extra"),
    [
        ("extra.score", {"score": 1}),
        ("extra.size.w,extra.score", {"size": {"w": 2}, "score": 1}),
        ("extra.size.w,extra.size.h", {"size": {"w": 2, "h": 3}}),
        ("extra.size", {"size": {"w": 2, "h": 3}}),
        ("extra.size.w,extra.size", {"size": {"w": 2, "h": 3}}),
        ("extra.size,extra.size.w", {"size": {"w": 2, "h": 3}}),
        ("extra.size.*", {"size": {"w": 2, "h": 3}}),
        ("extra.score,extra", EXTRA),
        ("extra,extra.score", EXTRA),
        ("extra.*", EXTRA),
        ("extra", EXTRA),
        # A missing property is null, as an empty attribute is.
        ("extra.nope", {"nope": None}),
        ("extra.size.nope,extra.nope.deep", {"size": {"nope": None}, "nope": None}),
        ("extra.score.deep", {"score": None}),
        ("extra.kids.name", {"kids": [{"name": "Al"}, {"name": None}, None]}),
        ("extra.__KEY", {"__KEY": None}),
    ],
)
def test_properties_of_an_object(admin, names, extra):
    boss()
    read = admin.read(f"Company(1)/{names}").json()
    assert read == {"__entityModel": "Company", "__DATACLASS": "Company", **company(extra=extra)}


def test_properties_of_no_object(admin):
    Company.objects.bulk_create(
        [Company(id=1, name="Acme", extra=None), Company(id=2, name="B", extra=[7])]
    )
    assert admin.read("Company(1)/extra.score").json()["extra"] is None
    assert admin.read("Company(2)/extra.score").json()["extra"] == [None]


def test_everything_wins_over_some_properties(admin):
    boss()
    read = admin.read("Company(1)?$attributes=extra.score,*").json()
    assert read["extra"] == EXTRA


# What there is not


@pytest.mark.parametrize(
    ("names", "name", "owner"),
    [
        ("nope", "nope", "Employee"),
        ("nope.name", "nope", "Employee"),
        ("firstName,nope", "nope", "Employee"),
        ("employer.nope", "nope", "Company"),
        ("employer.nope.name", "nope", "Company"),
        ("employer.manager.nope", "nope", "Employee"),
        ("team.nope", "nope", "Employee"),
        ("firstName.x", "firstName.x", "Employee"),
        ("photo.size", "photo.size", "Employee"),
        ("employer.name.x.y", "name.x.y", "Company"),
        ("employer.", "", "Company"),
        (".employer", "", "Employee"),
        ("employer..name", "", "Company"),
        ("firstName,", "", "Employee"),
        ("*.name", "*", "Employee"),
        ("employer.*.name", "*", "Company"),
        ("employer_id", "employer_id", "Employee"),
        ("employer.id", "id", "Company"),
        ("employer__name", "employer__name", "Employee"),
        ("employer.__KEY", "__KEY", "Company"),
        ("Employer.name", "Employer", "Employee"),
        ("staff:20", "staff:20", "Employee"),
    ],
)
def test_unknown_names(admin, names, name, owner):
    employees()
    item = next(part for part in names.split(",") if part != "firstName")
    expected = errors(
        (1500, f'The "{name}" attribute cannot be found in the "{owner}" dataclass'),
        (
            1804,
            f'Cannot completely build a list of attributes with "{item}" for the "Employee" dataclass',
        ),
    )
    assert_answer(admin.read(f"Employee(12)?$attributes={names}"), 404, expected)
    assert_answer(admin.read(f"Employee?$attributes={names}"), 404, expected)
    assert_answer(admin.read(f"Employee/{names}"), 404, expected)


def test_depth_is_limited(admin, settings):
    employees()
    path = "employer.manager.managedCompanies.manager.employer"
    assert admin.read(f"Employee(12)/{path}.name").status_code == 200
    text = "Attributes nest deeper than 5 levels"
    for deeper in ("manager.name", "manager.*", "nope.nope", "manager"):
        status = 200 if deeper == "manager" else 404 if "nope" in deeper else 400
        answer = admin.read(f"Employee(12)/{path}.{deeper}")
        assert answer.status_code == status
        if status == 400:
            assert_answer(answer, 400, errors((9024, text)))
    settings.FOURD_REST = {"MAX_EXPAND_DEPTH": 1}
    assert admin.read("Employee(12)/employer.name").status_code == 200
    text = "Attributes nest deeper than 1 levels"
    assert_answer(admin.read("Employee(12)/employer.manager.ID"), 400, errors((9024, text)))


# Rights


UNKNOWN_EMPLOYER = (1500, 'The "employer" attribute cannot be found in the "Employee" dataclass')


@pytest.mark.parametrize(
    "item",
    ["employer.name", "employer.*", "employer.nope", "employer.staff.nope", "employer.staff.firstName"],
)
@pytest.mark.parametrize("place", ["Employee(12)", "Employee"])
def test_a_relation_to_what_the_caller_may_not_know_of_is_unknown(login, item, place):
    """Neither is it told what there is behind it."""
    employees()
    client = login("hr.view_employee")
    text = f'Cannot completely build a list of attributes with "{item}" for the "Employee" dataclass'
    for _ in range(2):  # what is kept of the first answer changes nothing
        assert_answer(client.read(f"{place}/{item}"), 404, errors(UNKNOWN_EMPLOYER, (1804, text)))
    text = 'Cannot completely build a list of attributes with "employer" for the "Employee" dataclass'
    answer = client.read(f"{place}/employer")
    assert_answer(answer, 404, errors(UNKNOWN_EMPLOYER, (1804, text)))


@pytest.mark.parametrize("item", ["employer.name", "employer.*", "employer.staff.firstName"])
def test_a_relation_to_what_the_caller_may_not_read(login, item):
    employees()
    client = login("hr.view_employee", "hr.add_company")
    text = "No permission to read for the Company dataclass"
    assert_answer(client.read(f"Employee(12)/{item}"), 401, errors((1557, text)))
    assert_answer(client.read(f"Employee/{item}"), 401, errors((1557, text)))
    assert client.read("Employee(12)/employer").json()["employer"] is None


def test_rights_are_asked_every_time(admin, login):
    employees()
    path = "Employee(12)/employer.name"
    assert admin.read(path).status_code == 200
    assert login("hr.view_employee", username="a").read(path).status_code == 404
    assert login("hr.view_employee", "hr.delete_company", username="b").read(path).status_code == 401
    assert login("hr.view_employee", "hr.view_company", username="c").read(path).status_code == 200
    assert login("hr.view_company", username="d").read(path).status_code == 404


def test_a_dataclass_that_the_caller_may_not_read_is_refused_before_the_list(login, guest):
    acme()
    text = "No permission to read for the Company dataclass"
    for path in ("Company/nope", "Company(1)/nope.x", "Company?$attributes=staff.nope"):
        assert_answer(login("hr.add_company").read(path), 401, errors((1557, text)))
        assert_answer(guest.read(path), 401, errors((1557, text)))


def test_a_field_by_the_name_of_the_address_leaves_the_address_alone(admin, registered):
    """A client that posts back the address it was told writes nothing (D-11)."""
    registered(Company, names={"id": "ID", "name": "uri"})
    company = Company.objects.create(name="Acme")
    told = admin.update("Company", {"__KEY": company.pk, "__STAMP": 1, "revenues": 5}).json()
    assert told["uri"] == f"http://testserver/rest/Company({company.pk})"
    again = admin.update("Company", {**told, "revenues": 6}).json()
    assert again["uri"] == told["uri"]
    company.refresh_from_db()
    assert (company.name, company.revenues) == ("Acme", 6)
    assert "uri" not in admin.read(f"Company({company.pk})").json()
    assert admin.read('Company?$filter="uri=Acme"').json()["__ERROR"][0]["errCode"] == 1500
