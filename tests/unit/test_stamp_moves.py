"""Counting every stamp move: whoever listens to the mover hears of each save and each delete once."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, router, transaction
from django.db.models import Value
from django.db.models.signals import post_save, pre_delete
from django.test.utils import CaptureQueriesContext

from fourd_rest.dataclass.registry import registry
from fourd_rest.models import EntityStamp
from fourd_rest.stamps import host_saves, mover
from fourd_rest.stamps.mover import Change, Move
from testproject.hr.models import Company, Employee
from tests.conftest import PDF, RestClient
from tests.zoo.models import Animal, Aviary, Country, Place, Planet, Tower

pytestmark = pytest.mark.django_db

CREATED, UPDATED, DELETED = Change.CREATED, Change.UPDATED, Change.DELETED

# A text key and one that the database gives, each with its stamp in a column and in the side table.
KEYED = pytest.mark.parametrize("model", [Planet, Country])
BOTH = pytest.mark.parametrize("model", [Employee, Company])
NAME = {Employee: "firstName", Company: "name"}


@pytest.fixture
def moves(monkeypatch: Any) -> list[tuple[str, Change, dict[str, int | None]]]:
    """What is told: dataclass, what happened, new stamps by key."""
    told: list[tuple[str, Change, dict[str, int | None]]] = []

    def listen(move: Move) -> None:
        assert move.alias == "default"
        told.append((move.dataclass.name, move.change, dict(move.stamps)))

    monkeypatch.setattr(mover, "listeners", [listen])
    return told


def new(model: Any, key: int = 12, **values: Any) -> Any:
    """A row of ``model`` with stamp 1."""
    if model is Employee:
        values = {"first_name": "old", "last_name": "x"} | values
    else:
        values = {"name": "old"} | values
    return model.objects.create(pk=key, **values)


def stored(model: Any, key: Any) -> int:
    dataclass = registry.for_model(model)
    if dataclass is None or dataclass.stamp_column is None:
        return EntityStamp.objects.get(key=str(key), dataclass=model._meta.label_lower).stamp
    return int(model.objects.values_list("stamp", flat=True).get(pk=key))


# By REST


@BOTH
def test_rest_creates(admin: RestClient, moves: Any, model: Any) -> None:
    posted = {"firstName": "a", "lastName": "b"} if model is Employee else {"name": "a"}
    assert admin.update(model.__name__, posted).status_code == 200
    key, stamp = str(model.objects.get().pk), 1 if model is Employee else None
    assert moves == [(model.__name__, CREATED, {key: stamp})]


@KEYED
def test_rest_creates_under_a_key_that_is_chosen(admin: RestClient, moves: Any, model: Any) -> None:
    for _ in range(2):
        assert admin.update(model.__name__, {"code": "x", "name": "a"}).status_code == 200
        model.objects.get().delete()
    known = (1, 2, 3, 4) if model is Planet else (None,) * 4
    assert moves == [
        (model.__name__, change, {"x": stamp})
        for change, stamp in zip((CREATED, DELETED) * 2, known, strict=True)
    ]


@BOTH
def test_rest_updates(admin: RestClient, moves: Any, model: Any) -> None:
    new(model)
    moves.clear()
    posted = {"__KEY": "12", "__STAMP": 1, NAME[model]: "new"}
    assert admin.update(model.__name__, posted).status_code == 200
    assert moves == [(model.__name__, UPDATED, {"12": 2})]
    moves.clear()
    assert admin.update(model.__name__, {**posted, "__STAMP": 1, NAME[model]: "y"}).status_code == 500
    assert admin.update(model.__name__, {**posted, "__STAMP": 2}).status_code == 200  # says nothing new
    assert (moves, stored(model, 12)) == ([], 2)


@BOTH
def test_rest_updates_five_at_a_time(admin: RestClient, moves: Any, model: Any) -> None:
    for key in range(1, 6):
        new(model, key)
    model.objects.get(pk=3).save()
    moves.clear()
    stamps = {key: stored(model, key) for key in range(1, 6)}
    posted = [{"__KEY": str(key), "__STAMP": stamp, NAME[model]: "new"} for key, stamp in stamps.items()]
    assert admin.update(model.__name__, posted).status_code == 200
    assert moves == [(model.__name__, UPDATED, {"1": 2, "2": 2, "3": 3, "4": 2, "5": 2})]
    assert [stored(model, key) for key in stamps] == [2, 2, 3, 2, 2]


@BOTH
def test_rest_deletes(admin: RestClient, moves: Any, model: Any) -> None:
    new(model)
    moves.clear()
    assert admin.rest("DELETE", f"{model.__name__}(12)").status_code == 200
    assert moves == [(model.__name__, DELETED, {"12": None})]
    assert admin.rest("DELETE", f"{model.__name__}(12)").status_code == 404


def test_rest_deletes_what_goes_along(admin: RestClient, moves: Any) -> None:
    place = Place.objects.create(pk=1, name="Pond")
    Animal.objects.create(pk=2, name="Otter", home=place)
    moves.clear()
    assert admin.rest("DELETE", "Place(1)").status_code == 200
    assert sorted(moves, key=str) == [
        ("Animal", DELETED, {"2": None}),
        ("Place", DELETED, {"1": None}),
    ]


def test_nested_entities(admin: RestClient, moves: Any) -> None:
    new(Employee, employer=new(Company, 1))
    moves.clear()
    posted = {"__KEY": "12", "__STAMP": 1, "firstName": "new"}
    nested = {"__KEY": "1", "__STAMP": 1, "name": "new"}
    assert admin.update("Employee", {**posted, "employer": nested}).status_code == 200
    assert moves == [("Company", UPDATED, {"1": 2}), ("Employee", UPDATED, {"12": 2})]
    moves.clear()
    posted |= {"__STAMP": 2, "employer": {"name": "Acme"}}
    assert admin.update("Employee", posted).status_code == 200
    key = str(Employee.objects.get().employer_id)
    assert moves == [("Company", CREATED, {key: None}), ("Employee", UPDATED, {"12": 3})]


@pytest.mark.parametrize(("model", "attribute"), [(Employee, "cv"), (Animal, "report")])
def test_straight_files(admin: RestClient, moves: Any, model: Any, attribute: str) -> None:
    new(model)
    moves.clear()
    path = f"{model.__name__}(12)/{attribute}"
    assert admin.rest("PUT", path, PDF, content_type="application/pdf").status_code == 200
    assert admin.rest("DELETE", path).status_code == 200
    assert moves == [(model.__name__, UPDATED, {"12": 2}), (model.__name__, UPDATED, {"12": 3})]


@KEYED
def test_a_delete_that_keeps_the_row(moves: Any, model: Any) -> None:
    """What was told last is true."""
    model.objects.create(code="x", name="a")
    moves.clear()
    dataclass = registry.for_model(model)
    assert dataclass is not None
    assert mover.claim(dataclass, "x", alias="default")
    mover.keep_alive(dataclass, "x", alias="default")
    assert moves == [(model.__name__, change, {"x": None}) for change in (DELETED, UPDATED)]


def test_a_claim_of_no_row(moves: Any) -> None:
    dataclass = registry.for_model(Planet)
    assert dataclass is not None
    assert not mover.claim(dataclass, "x", alias="default")
    assert moves == []


# By the site


@BOTH
def test_the_admin_saves_and_deletes(admin: RestClient, moves: Any, model: Any) -> None:
    address, fields = f"/admin/hr/{model._meta.model_name}", {"extra": "{}", "name": "a"}
    if model is Employee:
        fields = {"first_name": "a", "last_name": "b"}
    assert admin.post(f"{address}/add/", fields).status_code == 302
    key = model.objects.get().pk
    assert admin.post(f"{address}/{key}/change/", fields).status_code == 302
    assert admin.post(f"{address}/{key}/delete/", {"post": "yes"}).status_code == 302
    known = (1, 2, 3) if model is Employee else (None,) * 3
    assert moves == [
        (model.__name__, change, {str(key): stamp})
        for change, stamp in zip((CREATED, UPDATED, DELETED), known, strict=True)
    ]


@KEYED
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inside", [True, False])
def test_the_shell_saves_and_deletes(moves: Any, model: Any, inside: bool) -> None:
    """Without a transaction some stamps move before the row and after it: that is one save."""

    def work() -> None:
        row = model.objects.create(code="x", name="a")
        row.save()
        row.save(update_fields=["name"])
        model(code="x", name="b").save()  # finds the row by its key
        model.objects.filter(code="x").delete()

    if inside:
        with transaction.atomic():
            work()
    else:
        work()
    changes = (CREATED, UPDATED, UPDATED, UPDATED, DELETED)
    known: tuple[int | None, ...] = (None,) * 5
    if model is Planet:
        known = (1, 2, None, 4, 5) if inside else (1, 2, None, 5, 6)
    assert moves == [
        (model.__name__, change, {"x": stamp}) for change, stamp in zip(changes, known, strict=True)
    ]


def test_a_stamp_that_the_database_computes(moves: Any) -> None:
    man = Employee.objects.create(first_name="a", last_name="b", stamp=Value(7))
    # Newer Django has the database return it.
    assert moves == [("Employee", CREATED, {str(man.pk): man.stamp if man.stamp == 7 else None})]


def test_a_child_is_told_as_what_it_is(moves: Any) -> None:
    aviary = Aviary.objects.create(name="Dome")
    assert moves == [("Aviary", CREATED, {str(aviary.pk): None})]
    moves.clear()
    tower = Tower.objects.create(code="t", name="Spire")
    tower.save()
    keys = {"t": None, str(tower.place_id): None}
    # It is not registered, and its parent is.
    assert moves == [("Place", CREATED, keys), ("Place", UPDATED, keys)]


def test_signals_that_a_site_sends_by_hand(moves: Any) -> None:
    """A row that may be kept is not told to be deleted."""
    for row in (Planet.objects.create(code="x"), Country.objects.create(code="x")):
        moves.clear()
        post_save.send(sender=type(row), instance=row)
        pre_delete.send(sender=type(row), instance=row)
        stamp = 3 if isinstance(row, Planet) else None
        name = type(row).__name__
        assert moves == [(name, UPDATED, {"x": None}), (name, UPDATED, {"x": stamp})]


@KEYED
def test_what_moves_no_stamp(moves: Any, model: Any, monkeypatch: Any) -> None:
    """Bulk work, a row without a key, a row that is not there, a database without our tables."""
    model.objects.bulk_create([model(code="x", name="a")])
    model.objects.update(name="b")
    if model is Planet:
        Planet(code="y").delete()
    else:

        class Lacking:
            def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
                return False

        monkeypatch.setattr(host_saves, "_equipped", set())
        monkeypatch.setattr(router, "routers", [Lacking()])
        model.objects.get().save()
        assert not EntityStamp.objects.exists()
    assert moves == []


# By ``fourd_touch``


@BOTH
def test_touched_stamps(moves: Any, model: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(mover, "_BATCH", 2)
    for key in (1, 2, 3):
        new(model, key)
    moves.clear()
    call_command("fourd_touch", model._meta.label, verbosity=0)
    assert moves == [
        (model.__name__, UPDATED, {"1": None, "2": None}),
        (model.__name__, UPDATED, {"3": None}),
    ]


# Whoever listens


def test_a_listener_asks_for_no_statement(admin: RestClient, moves: Any, monkeypatch: Any) -> None:
    """Nobody pays for being told."""
    new(Employee)
    counts = []
    for stamp in (1, 2):
        posted = {"__KEY": "12", "__STAMP": stamp, "firstName": f"new{stamp}"}
        with CaptureQueriesContext(connection) as queries:
            assert admin.update("Employee", posted).status_code == 200
        counts.append(len(queries))
        monkeypatch.setattr(mover, "listeners", [])
    assert counts[0] == counts[1]
    assert len(moves) == 2
