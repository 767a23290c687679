"""What an answer to a write tells of an entity that the caller may not view: key and stamp (D-55)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from fourd_rest import DataClass
from fourd_rest.dataclass import registry
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.contract.checks import assert_answer, nothing_changes, refused
from tests.contract.sample import (
    NEVER,
    NOT_SAVED,
    acme,
    conflict,
    employee,
    john,
    photo,
    saved_employee,
    to_one,
)
from tests.spec.backends import Owners
from tests.zoo.models import Animal, Keeper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]

TOLD = ("__STATUS", "__KEY", "__STAMP", "uri", "__TIMESTAMP", "__ERROR")
WRONG = (1508, 'Wrong value type passed to the "salary" attribute in the "Employee" dataclass')
NEW = {"firstName": "Ann", "lastName": "Poe"}


def without_attributes(answer: Any) -> Any:
    """``answer`` as it is told to who may not view the entities in it."""
    if "__ENTITIES" in answer:
        return answer | {"__ENTITIES": list(map(without_attributes, answer["__ENTITIES"]))}
    return {name: value for name, value in answer.items() if name in TOLD or name == "ok"}


def stored(**values: Any) -> dict[str, Any]:
    """Employee 12 as it is stored, with its photo."""
    return employee(photo=photo(values.pop("stamp", 4)), **values)


def others(status: dict[str, Any], *keys: int, **values: Any) -> list[dict[str, Any]]:
    return [status | saved_employee(key=key, **values) for key in keys]


def one(**values: Any) -> dict[str, Any]:
    return {"__KEY": "12", "__STAMP": 4, **values}


def old(**values: Any) -> dict[str, Any]:
    return saved_employee(moment=stored()["__TIMESTAMP"], photo=photo(4), **values)


def new(key: int) -> dict[str, Any]:
    return saved_employee(key=key, stamp=1, firstName="Ann", lastName="Poe")


def conflicting(**values: Any) -> dict[str, Any]:
    return refused(2, *conflict(), entity=stored(**values))


def preview(**values: Any) -> dict[str, Any]:
    head = {"__STATUS": {"success": True}, "__STAMP": 0, "__TIMESTAMP": NEVER}
    return head | {name: value for name, value in values.items() if value is not None}


INVALID = refused(4, WRONG, NOT_SAVED, entity=stored())
MILD = refused(
    7,
    (1569, "firstName: Ensure this value has at most 60 characters (it has 61)."),
    (1570, "Entity fails validation"),
    NOT_SAVED,
    entity=stored(),
)
ROLLED_BACK = (WRONG, (1517, 'The entity# 13 in the "Employee" dataclass cannot be saved'))
ANN = {"firstName": "Ann", "lastName": "Poe"}

# By name: what it needs, verb, address, body, status and answer for who may view what there is.
ANSWERS: dict[str, tuple[str, str, str, Any, int, Callable[[], Any]]] = {
    "create": ("add", "POST", "Employee", NEW, 200, lambda: new(newest())),
    "create in an array": ("add", "POST", "Employee", [NEW], 200, lambda: listed(new(newest()))),
    "preview of a new one": (
        "add",
        "POST",
        "Employee?$refresh=true",
        NEW,
        200,
        lambda: preview(**NEW, woman=False),
    ),
    "nothing posted": ("change", "POST", "Employee", one(), 200, old),
    "by address": ("change", "PUT", "Employee(12)", {"__STAMP": 4}, 200, old),
    "equal value": ("change", "POST", "Employee", one(ID=12), 200, old),
    "update": (
        "change",
        "POST",
        "Employee",
        one(salary=5),
        200,
        lambda: saved_employee(stamp=5, salary=5, photo=photo(5)),
    ),
    "expanded": (
        "change",
        "POST",
        "Employee?$expand=employer",
        one(salary=5, employer=1),
        200,
        lambda: saved_employee(stamp=5, salary=5, photo=photo(5), employer=EXPANDED),
    ),
    "nested": (
        "change",
        "POST",
        "Employee",
        one(employer={"__KEY": "1", "name": "Acme"}),
        200,
        lambda: saved_employee(stamp=5, photo=photo(5), employer=to_one("Company", 1)),
    ),
    "preview": (
        "change",
        "POST",
        "Employee?$refresh=true",
        one(salary=5),
        200,
        lambda: old(salary=5),
    ),
    "conflict": ("change", "POST", "Employee", one(__STAMP=3, salary=5), 500, conflicting),
    "conflict of a preview": (
        "change",
        "POST",
        "Employee?$refresh=true",
        one(__STAMP=3, salary=5),
        500,
        conflicting,
    ),
    "conflict of a trial": (
        "change",
        "POST",
        "Employee?$method=validate",
        one(__STAMP=3, salary=5),
        500,
        lambda: listed(conflicting()),
    ),
    "invalid": ("change", "POST", "Employee", one(salary="x"), 500, lambda: INVALID),
    "mild": ("change", "POST", "Employee", one(firstName="J" * 61), 500, lambda: MILD),
    "mild and stale": (
        "change",
        "POST",
        "Employee",
        one(__STAMP=3, firstName="J" * 61),
        500,
        lambda: MILD,
    ),
    "mild preview": (
        "change",
        "POST",
        "Employee?$refresh=true",
        one(firstName="J" * 61),
        500,
        lambda: MILD,
    ),
    "invalid trial": (
        "change",
        "POST",
        "Employee?$method=validate",
        one(salary="x"),
        500,
        lambda: listed(INVALID),
    ),
    "array": (
        "change",
        "POST",
        "Employee",
        [one(salary="x"), {"__KEY": "13", "__STAMP": 1, "salary": 5}],
        500,
        lambda: listed(INVALID, saved_employee(key=13, stamp=2, salary=5, **ANN)),
    ),
    "batch": (
        "change",
        "POST",
        "Employee",
        [{"__KEY": str(key), "__STAMP": 1, "salary": 5} for key in range(13, 19)],
        200,
        lambda: listed(*(saved_employee(key=k, stamp=2, salary=5, **ANN) for k in range(13, 19))),
    ),
    "batch with a conflict": (
        "change",
        "POST",
        "Employee",
        [
            one(__STAMP=3, salary=5),
            *({"__KEY": str(key), "__STAMP": 1, "salary": 5} for key in range(13, 18)),
        ],
        500,
        lambda: listed(
            conflicting(), *(saved_employee(key=k, stamp=2, salary=5, **ANN) for k in range(13, 18))
        ),
    ),
    "atomic": (
        "change",
        "POST",
        "Employee?$atomic=true",
        [one(salary=5)],
        200,
        lambda: listed(saved_employee(stamp=5, salary=5, photo=photo(5))),
    ),
    "rolled back": (
        "change",
        "POST",
        "Employee?$atomic=true",
        [one(salary=5), {"__KEY": "13", "__STAMP": 1, "salary": "x"}],
        500,
        lambda: listed(
            stored(),
            refused(4, *ROLLED_BACK, entity=employee(13, 1, firstName="Ann", lastName="Poe")),
        ),
    ),
    "photo": (
        "change",
        "POST",
        "Employee(12)/photo?$rawPict=true",
        picture("GIF"),
        200,
        lambda: {"ok": True},
    ),
    "no photo": ("change", "DELETE", "Employee(12)/photo", b"", 200, lambda: {"ok": True}),
    "cv": ("change", "PUT", "Employee(12)/cv", PDF, 200, lambda: {"ok": True}),
    "file and all": (
        "change",
        "POST",
        "Employee",
        one(photo=None),
        200,
        lambda: saved_employee(stamp=5),
    ),
}
EXPANDED = {
    "__KEY": "1",
    "__STAMP": 1,
    "__TIMESTAMP": NEVER,
    "ID": 1,
    "name": "Acme",
    "extra": {},
    "staff": {"__deferred": {"uri": "/rest/Company(1)/staff?$expand=staff"}},
}
RIGHTS = ("view", "add", "change", "delete")
COMBINATIONS = [
    (),
    ("view",),
    ("add",),
    ("change",),
    ("delete",),
    ("view", "add"),
    ("add", "delete"),
    ("add", "change"),
    RIGHTS,
]


def listed(*entities: dict[str, Any]) -> dict[str, Any]:
    return {"__ENTITIES": list(entities)}


def newest() -> int:
    return Employee.objects.latest("pk").pk


@pytest.fixture(autouse=True)
def staff() -> None:
    """Employee 12 with a photo, and six more, all known to the last byte."""
    acme()
    row = john()
    row.photo.save("me.png", ContentFile(picture()), save=False)
    Employee.objects.filter(pk=12).update(photo=row.photo.name)
    Employee.objects.bulk_create(
        [
            Employee(id=key, first_name="Ann", last_name="Poe", modified=row.modified)
            for key in range(13, 19)
        ]
    )


def send(client: RestClient, name: str) -> Any:
    _, verb, path, body, *_ = ANSWERS[name]
    return client.rest(verb, path, body)


def assert_told(response: Any, name: str, *, seen: bool) -> None:
    *_, status, expected = ANSWERS[name]
    answer = expected()
    if name.startswith("create"):
        # The time of a new row is the column's default, which no test sets.
        made = response.json().get("__ENTITIES", [response.json()])[0]
        (answer.get("__ENTITIES", [answer])[0])["__TIMESTAMP"] = made["__TIMESTAMP"]
    assert_answer(response, status, answer if seen else without_attributes(answer))


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("rights", COMBINATIONS, ids="+".join)
def test_every_answer_with_every_right(login: Any, rights: tuple[str, ...], name: str) -> None:
    company = ("hr.view_company", "hr.change_company", "hr.add_company")
    client = login(*company, *(f"hr.{right}_employee" for right in rights))
    if ANSWERS[name][0] in rights:
        # As in the admin, whoever may change may view.
        assert_told(send(client, name), name, seen=not {"view", "change"}.isdisjoint(rights))
        return
    with nothing_changes():
        response = send(client, name)
    assert response.status_code == (401 if rights else 404)
    body = response.json()
    for entity in body.get("__ENTITIES", [body]):
        assert entity.keys() <= {"__STATUS", "__ERROR"} or name == "rolled back"


class Blind(DataClass):
    """Nobody may view."""

    naming = "camelCase"
    names = {"id": "ID"}  # noqa: RUF012
    fields = registry.get("Employee").fields  # type: ignore[union-attr]

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return False


class BlindToJohn(Blind):
    """Employee 12 alone may not be viewed."""

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None or obj.pk != 12


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_to_who_may_not_view(admin: RestClient, registered: Any, name: str) -> None:
    registered(Employee, Blind)
    assert_told(send(admin, name), name, seen=False)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_about_one_that_may_not_be_viewed(
    admin: RestClient, registered: Any, name: str
) -> None:
    registered(Employee, BlindToJohn)
    *_, status, expected = ANSWERS[name]
    answer = expected()
    if name.startswith("create"):
        assert_told(send(admin, name), name, seen=True)
        return
    if "__ENTITIES" in answer:
        answer["__ENTITIES"] = [
            without_attributes(entity) if entity.get("__KEY") == "12" else entity
            for entity in answer["__ENTITIES"]
        ]
    elif name != "preview of a new one":
        answer = without_attributes(answer)
    assert_answer(send(admin, name), status, answer)


def test_who_may_view_one_entity_alone(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "tests.spec.backends.Owners",
    ]
    client = RestClient()
    user = User.objects.create(username="owner")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    Owners.granted.clear()
    Owners.granted.add(("hr.change_employee", 12))
    try:
        answer = client.update("Employee", one(salary=5)).json()
    finally:
        Owners.granted.clear()
    assert (answer["firstName"], answer["salary"]) == ("John", 5)


# Nothing is told by what is a change and what is none


def blind(admin: RestClient, registered: Any, **options: Any) -> RestClient:
    registered(Employee, type("Asked", (Blind,), options))
    return admin


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"firstName": "John"}, {"firstName": "Jack"}),
        ({"salary": None}, {"salary": 5}),
        ({"woman": False}, {"woman": True}),
        ({"employer": None}, {"employer": 1}),
        ({"employer": None}, {"employer": {"__KEY": "1"}}),
        ({"cv": None}, {"photo": None}),
        ({"employer": {"__KEY": "1", "name": "Acme"}}, {"employer": {"__KEY": "1", "name": "Bolt"}}),
    ],
)
@pytest.mark.parametrize("params", ["", "$refresh=true", "$method=validate", "$atomic=true"])
def test_a_right_guess_is_told_like_a_wrong_one(
    admin: RestClient, registered: Any, right: Any, wrong: Any, params: str
) -> None:
    """With a stale stamp, with which nothing is saved: neither are equal values taken for none."""
    client = blind(admin, registered)
    with nothing_changes():
        answers = [
            client.update("Employee", one(__STAMP=3, **posted), params) for posted in (right, wrong)
        ]
    assert answers[0].status_code == 500
    assert answers[0].content == answers[1].content


def test_a_value_that_is_equal_is_saved(admin: RestClient, registered: Any) -> None:
    """Else the stamp would tell that it was."""
    client = blind(admin, registered)
    assert client.update("Employee", one(firstName="John")).json()["__STAMP"] == 5
    assert client.rest("DELETE", "Employee(13)/photo").status_code == 200
    assert Employee.objects.get(pk=13).stamp == 2
    # The key is known to who names it.
    assert client.update("Employee", one(ID=12, __STAMP=5)).json()["__STAMP"] == 5


@pytest.mark.parametrize("guess", [None, 5, "x"])
@pytest.mark.parametrize("params", ["", "$refresh=true", "$method=validate"])
def test_a_read_only_value_cannot_be_guessed(
    admin: RestClient, registered: Any, guess: Any, params: str
) -> None:
    client = blind(admin, registered, readonly_fields=["salary", "employer"])
    Employee.objects.filter(pk=12).update(salary=5)
    expected = 1508 if guess == "x" else 1516
    with nothing_changes():
        answer = client.update("Employee", one(salary=guess), params).json()
        answer = answer.get("__ENTITIES", [answer])[0]
        assert answer["__ERROR"][0]["errCode"] == expected
        for employer in (None, "1", {"__KEY": "1", "name": "Acme"}):
            answer = client.update("Employee", one(employer=employer), params).json()
            answer = answer.get("__ENTITIES", [answer])[0]
            assert 1516 in {item["errCode"] for item in answer["__ERROR"]}


def test_links_cannot_be_guessed(admin: RestClient, registered: Any) -> None:
    class BlindAnimal(DataClass):
        def has_view_permission(self, request: Any, obj: Any = None) -> bool:
            return False

    registered(Animal, BlindAnimal)
    animal, keeper = Animal.objects.create(name="Tiger"), Keeper.objects.create(name="Ann")
    animal.keepers.add(keeper)
    key = {"__KEY": str(animal.pk), "__STAMP": 9}
    with nothing_changes():
        answers = [admin.update("Animal", key | {"keepers": keys}) for keys in ([keeper.pk], [])]
    assert answers[0].json()["__ERROR"][0]["errCode"] == 1263
    assert answers[0].content == answers[1].content


def test_a_preview_does_not_open_what_a_save_would(admin: RestClient, registered: Any) -> None:
    """Both what is stored and what would be must be the caller's to view."""

    class Paid(Blind):
        def has_view_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is None or obj.salary == 5

    registered(Employee, Paid)
    answer = admin.update("Employee", one(salary=5), "$refresh=true").json()
    assert answer == without_attributes(answer)
    answer = admin.update("Employee", one(salary=5)).json()
    assert answer["firstName"] == "John"
    answer = admin.update("Employee", one(__STAMP=5, salary=6), "$refresh=true").json()
    assert answer == without_attributes(answer)
    answer = admin.update("Employee", one(__STAMP=5, salary=6)).json()
    assert answer == without_attributes(answer)


def test_who_may_view_all_costs_no_question(admin: RestClient, django_assert_num_queries: Any) -> None:
    admin.update("Employee", one(salary=4))
    with django_assert_num_queries(3):  # session, user, the row with its stamp
        admin.update("Employee", one(__STAMP=5))
