"""Rights on single entities, as django-guardian has them, and the option that lets them open a list."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from fourd_rest.dataclass import registry
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, errors, nothing_changes, refused
from tests.contract.sample import NOT_SAVED, acme, john
from tests.spec.backends import Owners

pytestmark = pytest.mark.django_db

UNKNOWN = (1800, 'The "Employee" dataclass cannot be found')
NO_UPLOAD = (1558, "No permission to update for the $upload dataclass")
NO_UPDATE = (1558, "No permission to update for the Employee dataclass")
NO_CREATE = (1559, "No permission to create for the Employee dataclass")
NO_DELETE = (1560, "No permission to delete for the Employee dataclass")


class Narrowing(DataClass):
    """Gives the entities on which some right to read is held."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012
    fields = registry.get("Employee").fields  # type: ignore[union-attr]

    def get_queryset(self, request: Any) -> Any:
        readable = {"hr.view_employee", "hr.change_employee"}
        keys = [key for right, key in Owners.granted if right in readable]
        return super().get_queryset(request).filter(pk__in=keys)


class Granting(Narrowing):
    object_permissions = True


@pytest.fixture(autouse=True)
def staff() -> None:
    """Employees 12 to 14 of company 1."""
    acme()
    row = john(employer_id=1, salary=5)
    row.photo.save("me.png", ContentFile(picture()), save=True)
    for key in (13, 14):
        Employee.objects.create(id=key, first_name="Ann", last_name="Poe", employer_id=1, salary=7)


def grant(*rights: str, key: int = 12) -> None:
    Owners.granted.update((f"hr.{right}_employee", key) for right in rights)


def allow(*codenames: str) -> None:
    """Give the owner rights on whole dataclasses, too."""
    permissions = Permission.objects.filter(codename__in=codenames)
    User.objects.get(username="owner").user_permissions.add(*permissions)


def keys(client: RestClient, path: str) -> list[str]:
    answer = client.read(path)
    assert answer.status_code == 200, answer.content
    return [entity["__KEY"] for entity in answer.json()["__ENTITIES"]]


LISTS = [
    "Employee",
    "Employee(12,13,14)",
    "Employee?$filter=salary > 0&$orderby=lastName",
    "Employee?$filter=manager = null and salary != 9",
    "Employee?$expand=team",
]


@pytest.mark.parametrize("right", ["view", "change"])
def test_a_list_of_what_is_granted(owner: RestClient, registered: Any, right: str) -> None:
    registered(Employee, Granting)
    grant(right)
    for path in LISTS:
        assert keys(owner, path) == ["12"]
    answer = owner.read("Employee?$method=entityset").json()
    assert keys(owner, answer["__ENTITYSET"].removeprefix("/rest/")) == ["12"]
    assert owner.read("Employee/salary?$compute=sum").json() == 5
    assert owner.read("Employee/salary?$distinct=true").json() == [5]
    assert owner.read("Employee?$compute=count").json() == 1
    assert [row["ID"] for row in owner.read("Employee?$asArray=true").json()] == [12]
    assert owner.read("Employee:firstName(John)").json()["ID"] == 12
    assert owner.read("Employee:firstName(Ann)").status_code == 404
    assert owner.read("Employee(12)").json()["ID"] == 12
    text = 'Cannot load entity# 13 in the "Employee" dataclass'
    assert_answer(owner.read("Employee(13)"), 404, errors((1543, text)))
    catalog = owner.read("$catalog").json()["dataClasses"]
    assert [dataclass["name"] for dataclass in catalog] == ["Employee"]
    # Relations to what is not known of stay away, those within the dataclass are there.
    entity = owner.read("Employee(12)").json()
    assert {"team", "manager"} <= entity.keys()
    assert {"employer", "managedCompanies"}.isdisjoint(entity)


def test_relations_to_what_is_granted(owner: RestClient, registered: Any) -> None:
    registered(Employee, Granting)
    allow("view_company")
    assert "staff" not in owner.read("Company(1)").json()
    grant("view")
    Company.objects.update(manager=13)
    read = owner.read("Company(1)?$expand=staff").json()
    assert [entity["__KEY"] for entity in read["staff"]["__ENTITIES"]] == ["12"]
    assert (read["staff"]["__COUNT"], read["manager"]) == (1, None)
    assert keys(owner, "Company?$filter=staff.salary = 5") == ["1"]
    assert keys(owner, "Company?$filter=staff.salary = 7") == []
    assert keys(owner, "Company?$filter=manager = null") == ["1"]
    assert owner.read("Company(1)/staff?$expand=staff&$method=subentityset").json()["__COUNT"] == 1
    answer = owner.read("$catalog/Company").json()["dataClasses"][0]
    assert "staff" in [attribute["name"] for attribute in answer["attributes"]]


EVERYTHING = [
    ("GET", "Employee", None),
    ("GET", "Employee(12)", None),
    ("GET", "Employee?$filter=salary = 5", None),
    ("GET", "Employee/$entityset/$none", None),
    ("GET", "$catalog/Employee", None),
    ("POST", "Employee", {"__KEY": "12", "__STAMP": 4, "salary": 6}),
    ("POST", "Employee", {"firstName": "Ann", "lastName": "Poe"}),
    ("DELETE", "Employee(12)", None),
    ("DELETE", "Employee?$filter=salary = 5", None),
]


@pytest.mark.parametrize(("verb", "path", "body"), EVERYTHING)
def test_who_is_granted_nothing_learns_nothing(
    owner: RestClient, registered: Any, verb: str, path: str, body: Any
) -> None:
    registered(Employee, Granting)
    with nothing_changes():
        assert_answer(owner.rest(verb, path, body), 404, errors(UNKNOWN))


@pytest.mark.parametrize(("verb", "path", "body"), [item for item in EVERYTHING if "(" not in item[1]])
def test_what_only_narrows_opens_nothing(
    owner: RestClient, registered: Any, verb: str, path: str, body: Any
) -> None:
    """Without the option: as many a site has it that asks for rights on the dataclass as well."""
    registered(Employee, Narrowing)
    grant("view", key=12)
    with nothing_changes():
        if body and "__KEY" in body:
            body = {**body, "__KEY": "13"}
        assert_answer(owner.rest(verb, path, body), 404, errors(UNKNOWN))


def test_nothing_is_granted_by_all_rows(owner: RestClient, registered: Any) -> None:
    """The option alone, which a check refuses."""
    registered(Employee, object_permissions=True)
    assert_answer(owner.read("Employee"), 404, errors(UNKNOWN))


def test_guests_are_granted_nothing(guest: RestClient, owner: RestClient, registered: Any) -> None:
    registered(Employee, Granting)
    grant("view", "change")
    text = "No permission to read for the Employee dataclass"
    assert_answer(guest.read("Employee"), 401, errors((1557, text)))
    assert_answer(guest.read("Employee(12)"), 401, errors((1557, text)))
    assert_answer(guest.upload(b"x"), 401, errors(NO_UPLOAD))


def test_writes_ask_for_their_own_right(owner: RestClient, registered: Any) -> None:
    registered(Employee, Granting)
    grant("view")
    posted = {"__KEY": "12", "__STAMP": Employee.objects.get(pk=12).stamp, "salary": 6}
    new = {"firstName": "Ann", "lastName": "Poe"}
    created = (1534, 'The new entity of the "Employee" dataclass cannot be saved')
    with nothing_changes():
        answer = owner.update("Employee", posted)
        assert_answer(answer, 401, refused(1, NO_UPDATE, NOT_SAVED))
        assert_answer(owner.update("Employee", new), 401, refused(1, NO_CREATE, created))
        assert_answer(owner.rest("DELETE", "Employee(12)"), 401, errors(NO_DELETE))
        assert_answer(owner.rest("DELETE", "Employee?$filter=salary=5"), 401, errors(NO_DELETE))
        assert_answer(owner.rest("POST", "Employee(12)/cv", PDF), 401, errors(NO_UPDATE))
    grant("change", "delete")
    answer = owner.update("Employee", posted)
    assert (answer.status_code, answer.json()["salary"]) == (200, 6)
    assert_answer(owner.rest("POST", "Employee(12)/cv", PDF), 200, {"ok": True})
    other = (1517, 'The entity# 13 in the "Employee" dataclass cannot be saved')
    answer = owner.update("Employee", {"__KEY": "13", "__STAMP": 1, "salary": 6})
    assert_answer(answer, 401, refused(1, NO_UPDATE, other))
    assert_answer(owner.rest("DELETE", "Employee(13)"), 401, errors(NO_DELETE))
    assert_answer(owner.update("Employee", ["13"], "$method=delete"), 401, errors(NO_DELETE))
    assert_answer(owner.rest("DELETE", "Employee(12)"), 200, {"ok": True})
    grant("view", "delete", key=13)
    assert_answer(owner.update("Employee", ["13"], "$method=delete"), 200, {"ok": True})
    assert list(Employee.objects.values_list("pk", flat=True)) == [14]


def test_a_new_entity_is_shown_to_whom_it_is_granted(owner: RestClient, registered: Any) -> None:
    """D-55, for who may add and is granted what ``get_queryset`` gives."""

    class Anns(Granting):
        def get_queryset(self, request: Any) -> Any:
            return DataClass.get_queryset(self, request).filter(first_name="Ann")

    registered(Employee, Anns)
    allow("add_employee")
    answer = owner.update("Employee", {"firstName": "Ann", "lastName": "Lee"}).json()
    assert answer["lastName"] == "Lee"
    answer = owner.update("Employee", {"firstName": "Joe", "lastName": "Lee"}).json()
    assert list(answer) == ["__STATUS", "__KEY", "__STAMP", "uri", "__TIMESTAMP"]


# Uploads


@pytest.mark.parametrize(
    ("right", "key", "status"),
    [("change", 12, 200), ("view", 12, 401), ("delete", 12, 401), ("change", 99, 401)],
)
def test_uploads_of_who_may_change_one_entity(
    owner: RestClient, registered: Any, right: str, key: int, status: int
) -> None:
    registered(Employee, Granting)
    grant("view")
    grant(right, key=key)
    answer = owner.upload(picture(), "$rawPict=true")
    assert answer.status_code == status
    if status != 200:
        assert_answer(answer, 401, errors(NO_UPLOAD))
        return
    stamp = Employee.objects.get(pk=12).stamp
    posted = {"__KEY": "12", "__STAMP": stamp, "photo": answer.json()}
    assert owner.update("Employee", posted).status_code == 200


def test_uploads_without_the_option(owner: RestClient, registered: Any) -> None:
    """A right on one entity cannot be found without looking at all: a hook may say it."""
    registered(Employee, Narrowing)
    grant("change")
    assert_answer(owner.upload(b"x"), 401, errors(NO_UPLOAD))
    assert_answer(owner.rest("POST", "Employee(12)/cv", PDF), 200, {"ok": True})

    class Saying(Narrowing):
        def has_upload_permission(self, request: Any) -> bool:
            return self.get_queryset(request).exists()

    registered(Employee, Saying)
    assert owner.upload(b"x").status_code == 200


def test_a_dataclass_without_files_opens_no_uploads(owner: RestClient, registered: Any) -> None:
    class NoFiles(Granting):
        fields = ("id", "first_name")

    registered(Employee, NoFiles)
    grant("change")
    assert_answer(owner.upload(b"x"), 401, errors(NO_UPLOAD))


# Cost


def statements(client: RestClient, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.read(path).status_code == 200
    return len(captured)


def test_one_question_in_a_request(owner: RestClient, registered: Any) -> None:
    """However often it comes up whether something is granted; none for who holds a right."""
    registered(Employee, Granting)
    grant("view")
    # Session, user, rights of the user and of his groups, whether there is a row, what is asked for.
    assert statements(owner, "Employee") == 6
    assert statements(owner, "Employee(12)") == 6
    # A page without entities takes one more, to count.
    assert statements(owner, "Employee?$filter=team.salary = 5 and manager.salary = 5") == 7
    allow("view_employee")
    assert statements(owner, "Employee") == 5
