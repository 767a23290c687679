"""Many updates in few statements: nobody can tell but by the clock."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.dataclass.registry import registry
from fourd_rest.models import EntityStamp
from fourd_rest.stamps import mover
from fourd_rest.write import batch
from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import RestClient
from tests.contract.checks import rows
from tests.spec.writes import NOW
from tests.zoo.models import (
    Animal,
    Aviary,
    Country,
    Everything,
    Keeper,
    Label,
    Place,
    Planet,
    Tag,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_now(monkeypatch: Any) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def saves(monkeypatch: Any) -> list[int]:
    """How many entities each statement of the batch wrote."""
    written: list[int] = []
    update_rows = batch.update_rows

    def note(model: Any, instances: Any, *args: Any) -> None:
        written.append(len(instances))
        update_rows(model, instances, *args)

    monkeypatch.setattr(batch, "update_rows", note)
    return written


def state() -> Any:
    """Every row; a first stamp that is written down is none that counts (D-32)."""
    found = rows()
    found["fourd_rest.EntityStamp"] = [
        (row.dataclass, row.key, row.stamp, row.modified, row.deleted)
        for row in EntityStamp.objects.order_by("dataclass", "key")
        if (row.stamp, row.modified) != (1, None)
    ]
    return found


def both_ways(
    client: RestClient, dataclass: str, items: list[Any], monkeypatch: Any
) -> tuple[Any, list[int]]:
    """The answer to ``items``, the same from both paths; and what the batch wrote."""
    results, written = [], []
    update_rows = batch.update_rows

    def note(model: Any, instances: Any, *args: Any) -> None:
        written.append(len(instances))
        update_rows(model, instances, *args)

    for is_batch in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(batch, "update_rows", note)
            if not is_batch:
                patch.setattr(batch, "is_plain", lambda dataclass: False)
            point = savepoint()
            answer = client.update(dataclass, items)
            results.append((answer.status_code, answer.content, state()))
            transaction.savepoint_rollback(point)
    assert results[0][1].decode() == results[1][1].decode()
    assert results[0] == results[1]
    return json.loads(results[0][1]), written


def savepoint() -> str:
    # Renamed in Django 6.1.
    create = getattr(transaction, "savepoint_create", None) or transaction.savepoint
    return str(create())


def employees(count: int, first: int = 1, **values: Any) -> None:
    Employee.objects.bulk_create(
        Employee(id=key, first_name=f"n{key}", last_name="x", **values)
        for key in range(first, first + count)
    )


def companies(count: int) -> None:
    Company.objects.bulk_create(Company(id=key, name=f"n{key}") for key in range(1, count + 1))


def changes(count: int, name: str = "firstName", stamp: int = 1) -> list[dict[str, Any]]:
    return [{"__KEY": str(key), "__STAMP": stamp, name: f"m{key}"} for key in range(1, count + 1)]


def names(model: Any = Employee, field: str = "first_name") -> list[str]:
    return list(model.objects.order_by("pk").values_list(field, flat=True))


# The same answers


def some_employee(chance: random.Random, key: int) -> dict[str, Any]:
    posted: dict[str, Any] = {"__KEY": chance.choice([key, str(key)]), "__STAMP": 1}
    words = ["Ann", "", "x" * 61, None, 7, "Übel 😀", ["x"], {"a": 1}]
    choices: list[Callable[[], Any]] = [
        lambda: posted.update(firstName=chance.choice(words)),
        lambda: posted.update(lastName=chance.choice(["Doe", "Roe", f"n{key}"])),
        lambda: posted.update(salary=chance.choice([None, 1, "2", -3, 2**31, 1.5, "x", True])),
        lambda: posted.update(birthDate=chance.choice(["1!2!2003", "2003-02-01", "0!0!0", "x", None])),
        lambda: posted.update(woman=chance.choice([True, "false", 1, None, "x"])),
        lambda: posted.update(__STAMP=chance.choice([0, 2, -1, "1", None, "x", 2**31, 1.0, True])),
        lambda: posted.update(__KEY=chance.choice([99, "x", "", None, key % 5 + 1])),
        lambda: posted.update(shoeSize=44),
        lambda: posted.update(employer=chance.choice([None, 1, "9", {"__KEY": 1}, {"name": "new"}])),
        lambda: posted.update(photo=chance.choice([None, {"ID": "0" * 32}])),
        lambda: posted.update(ID=chance.choice([key, 99])),
        lambda: posted.update(uri=f"/rest/Employee({key})", __entityModel="Employee"),
        lambda: posted.update(team={"__deferred": {"uri": "x"}}),
        lambda: posted.pop("__STAMP", None),
    ]
    for choice in chance.sample(choices[:5], chance.randint(0, 3)):
        choice()
    if chance.random() < 0.3:
        chance.choice(choices[5:])()
    return posted


def some_company(chance: random.Random, key: int) -> dict[str, Any]:
    posted: dict[str, Any] = {"__KEY": key, "__STAMP": chance.choice([1, 1, 1, 2])}
    values = {
        "name": ["Acme", "", "x" * 121, None],
        "creationDate": ["1!2!2003", None, "x"],
        "revenues": ["1.50", 1.5, 10**13, "1.234", None, 3],
        "extra": [{"b": 1, "a": [None]}, [], None, "text", 7],
        "manager": [None, 1, "x"],
    }
    for name in chance.sample(sorted(values), chance.randint(0, 4)):
        posted[name] = chance.choice(values[name])
    return posted


@pytest.mark.parametrize("seed", range(25))
def test_stamps_in_a_column(admin: RestClient, monkeypatch: Any, seed: int) -> None:
    chance = random.Random(seed)
    employees(12)
    companies(1)
    items = [some_employee(chance, chance.randint(1, 12)) for _ in range(14)]
    both_ways(admin, "Employee", items, monkeypatch)


@pytest.mark.parametrize("seed", range(25))
def test_stamps_in_the_side_table(admin: RestClient, monkeypatch: Any, seed: int) -> None:
    chance = random.Random(seed)
    companies(12)
    for key in (3, 4, 5):
        EntityStamp.objects.create(
            dataclass="hr.company", key=str(key), stamp=chance.choice([1, 2]), modified=NOW
        )
    items = [some_company(chance, key) for key in chance.sample(range(1, 13), 10)]
    both_ways(admin, "Company", items, monkeypatch)


VALUES: dict[str, list[Any]] = {
    "small": [1, 2**15, None],
    "big": [2**62, None],
    "positive": [1, -1],
    "boolean": [True, None],
    "floating": [0.1, 1e300],
    "decimal": ["1.2345", 1.23456, 10**16],
    "char": ["ant", None],
    "nullable_char": ["", None, "x"],
    "text": ["a\nb", "\x00"],
    "slug": ["a-b", "a b"],
    "email": ["a@example.com", "a"],
    "ip": ["::1", "x", None],
    "uuid": ["0" * 32, None],
    "date": ["1!1!2026"],
    "moment": ["2026-01-01T00:00:00.123456Z"],
    "time": [1000],
    "duration": [5, -5],
    "json": [{"a": 1}, None, []],
    "choice": ["a", "z"],
    "shade": ["red", "no shade", None],
    "hidden": ["fixed", "other"],
    "loud": ["", "x"],
    "auto_now": [None, "2020-01-01T00:00:00Z"],
}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_every_type(admin: RestClient, monkeypatch: Any, name: str) -> None:
    """``auto_now`` moves with each of them, and generated columns follow."""
    Everything.objects.bulk_create(Everything(id=key, char="x") for key in range(1, 9))
    # The clock went on since the rows were made.
    monkeypatch.setattr(timezone, "now", lambda: NOW + dt.timedelta(days=1))
    values = VALUES[name]
    items = [{"__KEY": k, "__STAMP": 1, name: values[k % len(values)]} for k in range(1, 9)]
    both_ways(admin, "Everything", items, monkeypatch)


def test_all_types_at_once(admin: RestClient, monkeypatch: Any) -> None:
    Everything.objects.bulk_create(Everything(id=key, char="x") for key in range(1, 21))
    valid = {
        name: VALUES[name][0]
        for name in VALUES
        if name not in ("hidden", "loud", "auto_now", "positive")
    }
    items = [{"__KEY": key, "__STAMP": 1, **valid} for key in range(1, 21)]
    document, written = both_ways(admin, "Everything", items, monkeypatch)
    assert written == [20]
    assert {entity["loud"] for entity in document["__ENTITIES"]} == {"ANT"}


LABELS = {
    "prefixed": ["abcd", "abcde", "abcdefgh", "", "x"],
    "fixed": ["abcd", "abcde", "abcdefgh", "", "x"],
    "shouted": ["abc", "ABC", "abcdefgh", "ab", "x"],
    "counted": ["1", "x", "12", "y", "99999999"],
    "plain": ["abcdefgh", "abcdefghi", "x", "", "y"],
}


@pytest.mark.parametrize("name", sorted(LABELS))
def test_what_is_stored_is_judged_as_in_a_single_save(
    admin: RestClient, registered: Any, monkeypatch: Any, name: str
) -> None:
    """Nothing is cut where the column is too short for what the field makes of the value."""
    registered(Label)
    Label.objects.bulk_create(Label(id=key) for key in range(1, 21))
    for first, count in ((1, 5), (6, 5), (11, 10)):
        values = LABELS[name]
        items = [
            {"__KEY": key, "__STAMP": 1, name: values[(key * first) % len(values)]}
            for key in range(first, first + count)
        ]
        both_ways(admin, "Label", items, monkeypatch)


@pytest.mark.parametrize("name", ["prefixed", "fixed"])
@pytest.mark.parametrize("place", [1, 3, 5])
def test_nothing_too_long_is_cut(
    admin: RestClient, registered: Any, monkeypatch: Any, name: str, place: int
) -> None:
    """Wherever it stands: the first of all rows tells PostgreSQL the types of the others."""
    registered(Label)
    Label.objects.bulk_create(Label(id=key, **{name: "old"}) for key in range(1, 6))
    items = [
        {"__KEY": key, "__STAMP": 1, name: "abcdefgh" if key == place else "new"} for key in range(1, 6)
    ]
    both_ways(admin, "Label", items, monkeypatch)
    answer = admin.update("Label", items)
    fits = connection.vendor == "sqlite"  # knows no lengths
    expected = ["new"] * 5
    expected[place - 1] = "abcdefgh" if fits else "old"
    assert answer.status_code == (200 if fits else 500)
    assert list(Label.objects.order_by("pk").values_list(name, flat=True)) == expected


def test_sql_around_a_value(admin: RestClient, registered: Any) -> None:
    registered(Label)
    Label.objects.bulk_create(Label(id=key) for key in range(1, 6))
    items = [{"__KEY": key, "__STAMP": 1, "shouted": "loud"} for key in range(1, 6)]
    assert admin.update("Label", items).status_code == 200
    assert set(Label.objects.values_list("shouted", flat=True)) == {"LOUD"}


def test_what_cleaning_changes_is_saved(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    registered(Tag)
    Tag.objects.bulk_create(Tag(id=key, name="x") for key in range(1, 7))
    items = [{"__KEY": key, "__STAMP": 1, "name": f"N{key}"} for key in range(1, 7)]
    _, written = both_ways(admin, "Tag", items, monkeypatch)
    assert written == [6]
    assert admin.update("Tag", items).status_code == 200
    assert list(Tag.objects.order_by("pk").values_list("slug", "extra")) == [
        (f"n{key}", {"length": 2}) for key in range(1, 7)
    ]


class Measured:
    """The descriptor of a field that gives another field its value."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else instance.__dict__["name"]

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__.update(name=value, capacity=len(value))


def test_what_a_descriptor_changes_is_saved(admin: RestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(Place, "name", Measured())
    Place.objects.bulk_create(Place(id=key, name="x", capacity=900) for key in range(1, 7))
    items = [{"__KEY": key, "__STAMP": 1, "name": "n" * key} for key in range(1, 7)]
    _, written = both_ways(admin, "Place", items, monkeypatch)
    assert written == [6]
    assert admin.update("Place", items).status_code == 200
    assert list(Place.objects.order_by("pk").values_list("capacity", flat=True)) == [*range(1, 7)]


@pytest.mark.parametrize(("model", "count"), [(Planet, 6), (Country, 6)])
def test_text_keys(admin: RestClient, monkeypatch: Any, model: Any, count: int) -> None:
    model.objects.bulk_create(model(code=f"k'{n}", name="x") for n in range(count))
    items = [{"__KEY": f"k'{n}", "__STAMP": 1, "name": f"n{n}"} for n in range(count)]
    _, written = both_ways(admin, model.__name__, items, monkeypatch)
    assert written == [count]


def test_order_of_the_answers(admin: RestClient, saves: list[int]) -> None:
    employees(6)
    items = list(reversed(changes(6)))
    answer = json.loads(admin.update("Employee", items).content)
    assert [entity["__KEY"] for entity in answer["__ENTITIES"]] == list("654321")
    assert (saves, names()) == ([6], [f"m{key}" for key in range(1, 7)])


def test_neighbours(admin: RestClient, saves: list[int]) -> None:
    """Each gets its own fate: saved, stale, invalid, unknown, new, equal, twice."""
    employees(10)
    items = [
        *changes(5),
        {"__KEY": "6", "__STAMP": 2, "firstName": "stale"},
        {"__KEY": "7", "__STAMP": 1, "firstName": "x" * 61},
        {"__KEY": "99", "__STAMP": 1, "firstName": "gone"},
        {"firstName": "new", "lastName": "x"},
        {"__KEY": "8", "__STAMP": 5, "firstName": "n8"},
        {"__KEY": "9", "__STAMP": 1, "firstName": "first"},
        {"__KEY": "9", "__STAMP": 1, "firstName": "second"},
        {"__KEY": "10", "__STAMP": 1, "shoe": 1},
    ]
    response = admin.update("Employee", items)
    found = [
        [item["errCode"] for item in entity.get("__ERROR", ())]
        for entity in json.loads(response.content)["__ENTITIES"]
    ]
    stale = [1263, 1046, 1517]
    expected = [*[[]] * 5, stale, [1569, 1570, 1517], [1542, 1517], [], [], [], stale, [1500, 1517]]
    assert (response.status_code, found, saves) == (500, expected, [5])
    assert names() == ["m1", "m2", "m3", "m4", "m5", "n6", "n7", "n8", "first", "n10", "new"]


# How many statements


def cost(client: RestClient, dataclass: str, items: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        response = client.update(dataclass, items)
    assert response.status_code == 200, response.content[:500]
    return len(queries)


@pytest.mark.parametrize(
    ("dataclass", "make", "name", "limit"),
    [("Employee", employees, "firstName", 12), ("Company", companies, "name", 16)],
)
def test_statements(
    admin: RestClient, saves: list[int], dataclass: str, make: Any, name: str, limit: int
) -> None:
    make(200)
    few = cost(admin, dataclass, changes(10, name))
    again = [{**item, "__STAMP": 2, name: "again"} for item in changes(10, name)]
    few_again = cost(admin, dataclass, again)
    many = cost(admin, dataclass, changes(200, name)[10:])
    assert saves == [10, 10, 190]
    assert max(few, few_again, many) <= limit
    # One more only where a statement cannot hold all parameters.
    assert abs(many - few) <= 2


@pytest.mark.parametrize("stamp", [1, 9])
def test_equal_values_cost_one_read(admin: RestClient, saves: list[int], stamp: int) -> None:
    employees(50)
    items = [{"__KEY": k, "__STAMP": stamp, "firstName": f"n{k}"} for k in range(1, 51)]
    assert cost(admin, "Employee", items) <= 4
    assert saves == []


def test_a_thousand(admin: RestClient, saves: list[int]) -> None:
    companies(1000)
    answer = admin.update("Company", changes(1000, "name"))
    assert (answer.status_code, saves) == (200, [1000])
    assert names(Company, "name") == [f"m{key}" for key in range(1, 1001)]


def test_few_are_saved_one_by_one(admin: RestClient, saves: list[int]) -> None:
    employees(batch.MIN_SIZE)
    assert admin.update("Employee", changes(batch.MIN_SIZE - 1)).status_code == 200
    assert saves == []
    later = [{**item, "firstName": "z"} for item in changes(batch.MIN_SIZE, stamp=2)]
    later[-1]["__STAMP"] = 1
    assert admin.update("Employee", later).status_code == 200
    assert (saves, set(names())) == ([batch.MIN_SIZE], {"z"})


# When it is not done


def plain(model: Any) -> bool:
    return batch.is_plain(registry.for_model(model))


@pytest.mark.parametrize("model", [Employee, Company, Invoice, Keeper, Planet, Everything, Animal])
def test_plain(model: Any) -> None:
    assert plain(model)


def own_save(self: Any, *args: Any, **kwargs: Any) -> None:
    models.Model.save(self, *args, **kwargs)


@pytest.mark.parametrize("method", ["save", "save_base", "_save_table", "_do_update"])
def test_a_save_method_of_the_site(monkeypatch: Any, method: str) -> None:
    monkeypatch.setattr(Keeper, method, own_save)
    assert not plain(Keeper)


def test_updates_of_the_site_s_own_rows(monkeypatch: Any) -> None:
    """By which a single save writes its row, too."""

    class Rows(models.QuerySet[Any]):
        def _update(self, values: Any) -> int:
            return super()._update(values)  # type: ignore[misc, no-any-return]

    manager = Rows.as_manager()
    manager.model = Keeper
    assert plain(Keeper)
    monkeypatch.setitem(Keeper._meta.__dict__, "base_manager", manager)
    assert not plain(Keeper)


@pytest.mark.parametrize("signal", [pre_save, post_save])
@pytest.mark.parametrize("sender", [Keeper, None])
def test_receivers_of_the_site(signal: Any, sender: Any) -> None:
    def receiver(**kwargs: Any) -> None:
        """Listens."""

    signal.connect(receiver, sender=sender)
    try:
        assert not plain(Keeper)
        assert plain(Animal) is (sender is not None)
    finally:
        assert signal.disconnect(receiver, sender=sender)
    assert plain(Keeper)


def test_parents() -> None:
    assert plain(Place)
    assert not plain(Aviary)


@pytest.mark.parametrize("hook", ["save_model", "has_change_permission"])
def test_hooks(registered: Any, hook: str) -> None:
    overridden = type("Own", (DataClass,), {hook: lambda self, *args, **kwargs: True})
    registered(Keeper, overridden)
    assert not plain(Keeper)


def test_fields_with_a_pre_save_of_their_own(monkeypatch: Any) -> None:
    field = Keeper._meta.get_field("badge")

    class Counting(models.CharField):
        def pre_save(self, instance: Any, add: bool) -> Any:
            return super().pre_save(instance, add)

    monkeypatch.setattr(field, "__class__", Counting)
    assert not plain(Keeper)


@pytest.mark.parametrize(
    ("dataclass", "name", "values"),
    [
        ("Keeper", "name", ["a", "b", "c", "d", "a", "n6"]),
        ("Keeper", "badge", ["a", "b", "c", "d", "d", None]),
        ("Animal", "low", [1, 2, 3, 4, 5, 99]),
        ("Animal", "nick", ["a", "b", "c", "d", "e", "f"]),
        ("Animal", "name", ["n2", "n3", "n4", "n5", "n6", "n1"]),
        ("Animal", "home", [1, 1, 1, 1, 1, 9]),
        ("Animal", "doctor", ["1", "1", "1", "1", None, "x"]),
    ],
)
def test_unique_constrained_and_related_values(
    admin: RestClient, monkeypatch: Any, dataclass: str, name: str, values: list[Any]
) -> None:
    """They need a look at other rows: one by one, with the same answers."""
    Keeper.objects.bulk_create(Keeper(id=key, name=f"n{key}", badge=f"b{key}") for key in range(1, 7))
    Animal.objects.bulk_create(Animal(id=key, name=f"n{key}") for key in range(1, 7))
    Place.objects.create(id=1, name="x")
    items = [{"__KEY": k, "__STAMP": 1, name: value} for k, value in enumerate(values, 1)]
    _, written = both_ways(admin, dataclass, items, monkeypatch)
    assert written == []


def test_rules_of_the_model_hold(admin: RestClient, monkeypatch: Any) -> None:
    def clean(self: Any) -> None:
        if self.pk == 3:
            raise ValidationError("Three is odd.")
        if self.last_name == "y":
            raise ValidationError({"last_name": "What is not posted is not judged."})
        if self.first_name == "m5":
            raise ValidationError({"first_name": "No five."})

    monkeypatch.setattr(Employee, "clean", clean)
    employees(8)
    Employee.objects.filter(pk=7).update(last_name="y")
    document, written = both_ways(admin, "Employee", changes(8), monkeypatch)
    assert written == [6]
    refused = [entity["__KEY"] for entity in document["__ENTITIES"] if "__ERROR" in entity]
    assert refused == ["3", "5"]


def test_what_is_judged_by_its_neighbours(admin: RestClient, monkeypatch: Any) -> None:
    """A rule of the site's own over several rows sees what was saved before."""

    def clean(self: Any) -> None:
        others = Employee.objects.exclude(pk=self.pk)
        if self.first_name == "m" and others.filter(first_name="m").exists():
            raise ValidationError("One m is enough.")
        if self.last_name == "big" and others.filter(last_name="big").exists():
            raise ValidationError("One big is enough.")

    monkeypatch.setattr(Employee, "clean", clean)
    employees(12)
    Employee.objects.filter(pk=7).update(last_name="big")
    items = [{"__KEY": key, "__STAMP": 1, "firstName": "m"} for key in range(1, 7)]
    # The one that is big gives it up, and another takes it.
    items += [
        {"__KEY": 7, "__STAMP": 1, "lastName": "small"},
        {"__KEY": 8, "__STAMP": 1, "lastName": "big"},
    ]
    items += [{"__KEY": key, "__STAMP": 1, "firstName": f"n0{key}"} for key in range(9, 13)]
    document, written = both_ways(admin, "Employee", items, monkeypatch)
    assert written == [5]  # those that ask for nothing
    refused = [entity["__KEY"] for entity in document["__ENTITIES"] if "__ERROR" in entity]
    assert refused == ["2", "3", "4", "5", "6"]


def test_other_tables_may_be_asked(admin: RestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(Employee, "clean", lambda self: Company.objects.count())
    employees(6)
    assert both_ways(admin, "Employee", changes(6), monkeypatch)[1] == [6]


def test_no_right_on_the_whole_dataclass(login: Any, saves: list[int]) -> None:
    employees(6)
    response = login("hr.view_employee").update("Employee", changes(6))
    assert (response.status_code, saves, names()[0]) == (401, [], "n1")


def test_entities_out_of_reach(admin: RestClient, registered: Any, monkeypatch: Any) -> None:
    class Reachable(DataClass):
        naming = "camelCase"
        fields = ["id", "first_name"]

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(pk__in=[2, 3])

    registered(Employee, Reachable)
    employees(8)
    document, written = both_ways(admin, "Employee", changes(8), monkeypatch)
    assert written == [6]
    found = ["__ERROR" in entity for entity in document["__ENTITIES"]]
    assert found == [False, True, True, *[False] * 5]


def test_out_of_reach_at_the_last_moment(
    admin: RestClient, registered: Any, saves: list[int], monkeypatch: Any
) -> None:
    """Looked at again under the lock, as in a single save: the stamp does not tell of everything."""

    class Reachable(DataClass):
        naming = "camelCase"

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(last_name="gone")

    registered(Employee, Reachable)
    employees(6)
    lock = mover.lock

    def late(*args: Any, **options: Any) -> Any:
        Employee.objects.filter(pk=3).update(last_name="gone")
        return lock(*args, **options)

    monkeypatch.setattr(mover, "lock", late)
    response = admin.update("Employee", changes(6))
    answers = response.json()["__ENTITIES"]
    assert (response.status_code, saves) == (500, [5])
    assert [answer["__STATUS"].get("status") for answer in answers] == [None, None, 5, None, None, None]
    assert names() == ["m1", "m2", "n3", "m4", "m5", "m6"]


def test_atomic_is_none_of_it(admin: RestClient, saves: list[int]) -> None:
    employees(6)
    answer = admin.update("Employee", changes(6), "$method=update&$atomic=true")
    assert (answer.status_code, saves, names()[0]) == (200, [], "m1")


def test_optional_stamps(admin: RestClient, settings: Any, monkeypatch: Any) -> None:
    settings.FOURD_REST = {"STAMP_OPTIONAL": True}
    employees(8, stamp=3)
    items = changes(8, stamp=3)
    for item in items[:3]:
        del item["__STAMP"]
    _, written = both_ways(admin, "Employee", items, monkeypatch)
    assert written == [5]


@pytest.mark.parametrize("stamp", [2**31 - 2, 2**31 - 1])
def test_the_last_stamp(admin: RestClient, monkeypatch: Any, stamp: int) -> None:
    employees(5, stamp=stamp)
    both_ways(admin, "Employee", changes(5, stamp=stamp), monkeypatch)


# What happens meanwhile


def test_a_rule_of_the_database_falls_back(admin: RestClient, monkeypatch: Any) -> None:
    """One by one the culprit shows, and the others are saved."""
    employees(6)
    calls = []

    def refuse(*args: Any) -> None:
        calls.append(args)
        raise IntegrityError("a rule")

    monkeypatch.setattr(batch, "update_rows", refuse)
    answer = admin.update("Employee", changes(6))
    assert (answer.status_code, len(calls)) == (200, 1)
    assert names() == [f"m{key}" for key in range(1, 7)]
    assert set(Employee.objects.values_list("stamp", flat=True)) == {2}


def test_side_table_stamps_are_rolled_back_with_it(admin: RestClient, monkeypatch: Any) -> None:
    companies(6)

    def refuse(*args: Any) -> None:
        raise IntegrityError("a rule")

    monkeypatch.setattr(batch, "update_rows", refuse)
    document = json.loads(admin.update("Company", changes(6, "name")).content)
    assert {entity["__STAMP"] for entity in document["__ENTITIES"]} == {2}


@pytest.mark.parametrize(
    ("model", "name", "field"), [(Employee, "firstName", "first_name"), (Company, "name", "name")]
)
def test_who_was_faster(admin: RestClient, monkeypatch: Any, model: Any, name: str, field: str) -> None:
    """Between the comparison and the lock one entity is saved by somebody else, another one goes."""
    employees(8)
    companies(8)
    lock = mover.lock

    def late(*args: Any, **kwargs: Any) -> Any:
        theirs = model.objects.get(pk=3)
        setattr(theirs, field, "theirs")
        theirs.save()
        model.objects.get(pk=2).delete()
        return lock(*args, **kwargs)

    monkeypatch.setattr(mover, "lock", late)
    response = admin.update(model.__name__, changes(8, name))
    found = [
        [item["errCode"] for item in entity.get("__ERROR", ())]
        for entity in json.loads(response.content)["__ENTITIES"]
    ]
    assert found == [[], [1542, 1517], [1263, 1046, 1517], *[[]] * 5]
    expected = ["m1", "theirs", *(f"m{key}" for key in range(4, 9))]
    assert (response.status_code, names(model, field)) == (500, expected)


def test_a_row_that_came_back_untold_keeps_its_stamp(admin: RestClient) -> None:
    """``bulk_create`` under keys of deleted entities: their stamps must not be forgotten."""
    companies(6)
    assert admin.rest("DELETE", "Company(1,2,3,4,5,6)").status_code == 200
    companies(6)
    stamp = EntityStamp.objects.get(key="1", dataclass="hr.company").stamp
    assert admin.update("Company", changes(6, "name", stamp)).status_code == 200
    rows_ = EntityStamp.objects.filter(dataclass="hr.company")
    assert {(row.stamp, row.deleted) for row in rows_} == {(stamp + 1, None)}
