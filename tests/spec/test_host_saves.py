"""The site's own saves and deletes beside our receivers: they go on, and stamps move (D-32)."""

# ruff: noqa: DJ008

from __future__ import annotations

import copy
import pickle
import types
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower
from django.db.models.signals import post_save, pre_delete, pre_save

from fourd_rest.dataclass import registry
from fourd_rest.models import EntityStamp
from testproject.hr.models import Company
from tests.conftest import RestClient
from tests.zoo.models import (
    Animal,
    Aviary,
    Country,
    Coupon,
    Keeper,
    Parcel,
    Place,
    Planet,
    Singer,
    Tower,
    Voucher,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: Any) -> Iterator[None]:
    """A receiver that cannot do its work says so; here each can."""
    yield
    assert [record.getMessage() for record in caplog.records if record.name == "fourd_rest"] == []


@pytest.fixture(params=[Country, Planet], ids=["side table", "column"])
def row(request: Any) -> Any:
    """A row with a key of its own choice, saved three times."""
    found = request.param.objects.create(code="x", name="first")
    for _ in range(2):
        found.save()
    return type(found).objects.get()


def stamp(instance: Any) -> int | None:
    """The stamp as REST shows it."""
    dataclass = registry.for_model(type(instance))
    assert dataclass is not None
    if dataclass.stamp_column:
        rows = models.QuerySet(type(instance)).filter(pk=instance.pk)
        return rows.values_list(dataclass.stamp_column, flat=True).first()
    rows = EntityStamp.objects.filter(
        dataclass=dataclass.stamp_label, key=dataclass.key_to_wire(instance.pk)
    )
    return rows.values_list("stamp", flat=True).first()


# Sent by hand


FULL = {"raw": False, "using": "default", "update_fields": None}
BY_HAND: list[dict[str, Any]] = [
    {},
    {"raw": False},
    {"using": None},
    {"using": "nowhere"},
    {"using": 7},
    {"update_fields": ["name"]},
    {"update_fields": None, "using": "default"},
    {"update_fields": 5},
    {"unheard": object()},
    FULL,
]


@pytest.mark.parametrize("extra", BY_HAND, ids=map(str, range(len(BY_HAND))))
@pytest.mark.parametrize("created", [{}, {"created": False}, {"created": None}])
def test_signals_around_a_bulk_update(row: Any, extra: Any, created: Any) -> None:
    """As shops do for the lines of an order: no statement of the instance's own writes the row."""
    model, before = type(row), stamp(row)
    if extra.get("update_fields") == 5:
        extra = {"update_fields": 5}
    pre_save.send(sender=model, instance=row, **extra)
    row.name = "second"
    model.objects.bulk_update([row], ["name"])
    post_save.send(sender=model, instance=row, **{**extra, **created})
    now = stamp(row)
    assert before is not None and now is not None and now > before
    assert model.objects.get().name == "second"


@pytest.mark.parametrize("extra", BY_HAND, ids=map(str, range(len(BY_HAND))))
def test_only_the_second_signal(row: Any, extra: Any) -> None:
    before = stamp(row)
    post_save.send(sender=type(row), instance=row, **extra)
    now = stamp(row)
    assert before is not None and now is not None and now > before


@pytest.mark.parametrize("extra", BY_HAND, ids=map(str, range(len(BY_HAND))))
def test_only_the_first_signal(row: Any, extra: Any) -> None:
    """Afterwards the instance is as good as before."""
    pre_save.send(sender=type(row), instance=row, **extra)
    row.full_clean(validate_unique=False)
    assert serializers.serialize("json", [row])
    assert pickle.loads(pickle.dumps(row)) == copy.deepcopy(row) == row
    before = stamp(row)
    row.save()
    now = stamp(row)
    assert before is not None and now is not None and now > before


@pytest.mark.parametrize("extra", [{}, {"using": None}, {"update_fields": ["name"]}])
def test_the_first_signal_alone_moves_the_stamp(row: Any, extra: Any) -> None:
    """Nobody knows what follows it, or whether a second one does."""
    before = stamp(row)
    pre_save.send(sender=type(row), instance=row, **extra)
    type(row).objects.update(name="second")
    now = stamp(row)
    assert before is not None and now is not None and now > before


@pytest.mark.parametrize("model", [Company, Keeper, Place, Animal, Parcel, Coupon, Voucher])
@pytest.mark.parametrize("extra", [{}, FULL])
def test_signals_around_a_bulk_create(registered: Any, model: Any, extra: Any) -> None:
    """An unsaved instance, whose key is not known before."""
    registered(model)
    instance = model(**({"label": "x"} if model is Parcel else {"name": "x"}))
    pre_save.send(sender=model, instance=instance, **extra)
    model.objects.bulk_create([instance])
    post_save.send(sender=model, instance=instance, created=True, **extra)
    assert stamp(model.objects.get()) in (1, None)  # which is shown as 1


@pytest.mark.parametrize("model", [Country, Planet, Company])
@pytest.mark.parametrize("signal", [pre_save, post_save, pre_delete])
@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"instance": None},
        {"instance": {"code": "x"}},
        {"instance": "x"},
        {"instance": Keeper(id=1, name="x")},
        {"instance": Place},
        {"instance": [Country(code="x")]},
        {"instance": types.SimpleNamespace(pk="x", _state=None)},
        {"instance": Company(id="no number")},
        {"instance": Company(id=["x"])},
        {"instance": Company(id=object())},
        {"instance": Parcel(id="no uuid")},
        {"instance": Country()},
        {"instance": Planet(code=None, stamp=None)},
        {"raw": True, "using": "default"},
    ],
    ids=map(str, range(15)),
)
def test_what_is_no_row(model: Any, signal: Any, extra: Any) -> None:
    signal.send(sender=model, **extra)
    assert EntityStamp.objects.exclude(key="").count() == 0


def test_proxies_that_were_made_later(row: Any) -> None:
    name = f"Late{type(row).__name__}"
    meta = type("Meta", (), {"proxy": True, "app_label": "zoo"})
    apps = type(row)._meta.apps
    late = type(name, (type(row),), {"Meta": meta, "__module__": __name__})
    try:
        before = stamp(row)
        pre_save.send(sender=type(row), instance=late.objects.get())
        post_save.send(sender=type(row), instance=late.objects.get())
        now = stamp(row)
        assert before is not None and now is not None and now > before
    finally:
        del apps.all_models["zoo"][name.lower()]
        apps.clear_cache()


def test_folded_columns_by_hand() -> None:
    singer = Singer(name="Žofie")
    pre_save.send(sender=Singer, instance=singer)
    Singer.objects.bulk_create([singer])
    post_save.send(sender=Singer, instance=singer, created=True)
    assert Singer.objects.get().name_folded == "zofie"
    singer.name = "Änne"
    pre_save.send(sender=Singer, instance=singer, update_fields=["name"])
    post_save.send(sender=Singer, instance=singer)
    assert Singer.objects.get().name_folded == "anne"
    for instance in (None, {"name": "x"}, Keeper(name="x"), Singer):
        pre_save.send(sender=Singer, instance=instance)
        post_save.send(sender=Singer, instance=instance)


def test_a_delete_by_hand_that_keeps_the_row(row: Any) -> None:
    """What hides its rows tells of a delete: their stamps are not to be forgotten."""
    before = stamp(row)
    pre_delete.send(sender=type(row), instance=row)
    now = stamp(row)
    assert before is not None and now is not None and now > before
    assert not EntityStamp.objects.filter(deleted__isnull=False).exists()


# Keys that the database makes


@pytest.mark.parametrize("model", [Coupon, Voucher])
def test_keys_of_the_database(registered: Any, admin: RestClient, model: Any) -> None:
    registered(model)
    row = model(name="x")
    row.save()
    assert (row.code, stamp(row)) == ("made", 1)
    row.save()
    assert stamp(row) == 2
    row.delete()
    again = model(name="y")
    again.save()
    # A key that returns accepts no stamp of its former life.
    shown = admin.read(f"{model.__name__}(made)").json()["__STAMP"]
    assert shown == stamp(again) == 4


@pytest.mark.parametrize("model", [Country, Planet])
@pytest.mark.parametrize("key", [lambda: Lower(Value("KEY")), lambda: Concat(Value("k"), Value("ey"))])
def test_expressions_as_keys(model: Any, key: Any) -> None:
    model(code=key(), name="x").save(force_insert=True)
    row = model.objects.get()
    assert row.code == "key"
    shown = stamp(row) or 1
    row.save()
    assert stamp(row) == shown + 1


def test_a_key_that_a_receiver_of_the_site_gives(row: Any) -> None:
    """It is known after our receiver has asked for it."""
    model = type(row)
    row.delete()

    def number(instance: Any, **kwargs: Any) -> None:
        instance.code = "x"

    pre_save.connect(number, sender=model)
    try:
        for given in ({"code": "other"}, {"code": None}):
            fresh = model(name="y", **given)
            fresh.save()
            assert stamp(fresh) == 5
            models.QuerySet(model).all()._raw_delete("default")
            EntityStamp.objects.update(stamp=4)
    finally:
        assert pre_save.disconnect(number, sender=model)


# Every kind of save


def by_update_fields(row: Any) -> None:
    row.save(update_fields=["name"])


def by_all_update_fields(row: Any) -> None:
    row.save(update_fields=[f.name for f in row._meta.concrete_fields if not f.primary_key])


def forced(row: Any) -> None:
    row.save(force_update=True)


def deferred(row: Any) -> None:
    type(row).objects.defer("name").get(pk=row.pk).save()


def only_the_key(row: Any) -> None:
    found = type(row).objects.only("pk").get(pk=row.pk)
    found.name = "x"
    found.save()


def to_update_or_create(row: Any) -> None:
    type(row).objects.update_or_create(pk=row.pk, defaults={"name": "x"})


def an_expression_as_a_value(row: Any) -> None:
    row.name = Concat(F("name"), Value("!"))
    row.save()


def as_a_new_instance(row: Any) -> None:
    type(row)(pk=row.pk, name="x").save()


def with_a_nested_save(row: Any) -> None:
    """A receiver of the site saves the instance once more."""
    done = []

    def again(instance: Any, **kwargs: Any) -> None:
        if not done:
            done.append(instance)
            instance.save()

    pre_save.connect(again, sender=type(row))
    try:
        row.save()
    finally:
        pre_save.disconnect(again, sender=type(row))


SAVES = [
    models.Model.save,
    by_update_fields,
    by_all_update_fields,
    forced,
    deferred,
    only_the_key,
    to_update_or_create,
    an_expression_as_a_value,
    as_a_new_instance,
    with_a_nested_save,
]


@pytest.mark.parametrize("save", SAVES)
def test_every_save_moves_the_stamp(row: Any, admin: RestClient, save: Any) -> None:
    """What a client has read before is stale afterwards."""
    name = type(row).__name__
    before = admin.read(f"{name}(x)").json()["__STAMP"]
    save(row)
    after = admin.read(f"{name}(x)").json()["__STAMP"]
    assert after > before
    answer = admin.update(name, {"__KEY": "x", "__STAMP": before, "name": "stale"})
    assert answer.json()["__STATUS"]["statusText"] == "Stamp has changed"


def test_get_or_create_of_what_is_there_is_no_save(row: Any) -> None:
    before = stamp(row)
    type(row).objects.get_or_create(pk=row.pk, defaults={"name": "x"})
    assert stamp(row) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("save", SAVES)
def test_outside_a_transaction(row: Any, admin: RestClient, save: Any) -> None:
    test_every_save_moves_the_stamp(row, admin, save)


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_save(row: Any) -> None:
    before = stamp(row)
    async_to_sync(row.asave)()
    assert (stamp(row) or 0) > (before or 0)


@pytest.mark.parametrize("action", ["save_base(raw=True)", "loaddata"])
def test_raw_saves_leave_the_stamp(row: Any, action: str) -> None:
    before = stamp(row)
    if action == "loaddata":
        text = serializers.serialize("json", [row])
        next(iter(serializers.deserialize("json", text))).save()
    else:
        row.save_base(raw=True)
    assert stamp(row) == before


# A row that is not there any more, or not yet


def test_saving_what_was_deleted_meanwhile(row: Any) -> None:
    """Django inserts it: with a stamp of no former life."""
    type(row).objects.get().delete()
    row.save()
    now = stamp(row)
    assert now is not None and now > 4
    row.save()
    assert stamp(row) == now + 1


def test_saving_what_was_deleted_without_signals(row: Any) -> None:
    models.QuerySet(type(row)).all()._raw_delete("default")
    row.save()
    now = stamp(row)
    assert now is not None and now > 3


@pytest.mark.parametrize("options", [{}, {"force_insert": True}])
def test_a_copy_under_another_key(row: Any, options: Any) -> None:
    row.pk = "y"
    row.save(**options)
    assert type(row).objects.count() == 2
    now = stamp(row)
    assert now is not None
    row.save()
    assert stamp(row) == now + 1
    assert row.stamp == now + 1 if hasattr(row, "stamp") else True


def test_a_copy_under_no_key_yet() -> None:
    company = Company.objects.create(name="Acme")
    first = company.pk
    company.pk = None
    company.save()
    assert company.pk != first
    assert stamp(company) == 1


@pytest.mark.parametrize("force", [{"force_update": True}, {"update_fields": ["name"]}])
def test_an_update_of_nothing(row: Any, force: Any) -> None:
    """Django's own error, and not ours."""
    row.pk = "y"
    with pytest.raises(DatabaseError, match="did not affect any rows"), transaction.atomic():
        row.save(**force)


def test_after_a_save_that_failed(row: Any) -> None:
    """The instance can be cleaned, shown and saved as ever."""
    type(row).objects.create(code="y", name="y")
    row.pk = "y"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    row.full_clean(validate_unique=False)
    assert serializers.serialize("json", [row])
    row.save()
    now = stamp(row)
    assert now is not None and now > 1


def test_bulk_create_of_what_was_to_be_saved(row: Any) -> None:
    pre_save.send(sender=type(row), instance=row, **FULL)
    models.QuerySet(type(row)).all()._raw_delete("default")
    type(row).objects.bulk_create([row])
    type(row).objects.bulk_update([row], ["name"])
    assert (stamp(row) or 0) > 3


def test_a_rolled_back_save_leaves_the_stamp(row: Any) -> None:
    before = stamp(row)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        row.save()
        raise ZeroDivisionError
    assert stamp(row) == before


# Parents and children


def test_parents_and_children() -> None:
    aviary = Aviary.objects.create(name="Dome")
    place = Place.objects.get()
    place.save()
    aviary.save()
    Aviary.objects.get().save(update_fields=["height"])
    assert stamp(place) == stamp(aviary) == 4
    for sender, instance in ((Place, aviary), (Aviary, place)):
        pre_save.send(sender=sender, instance=instance)
        post_save.send(sender=sender, instance=instance)
    assert (stamp(place) or 0) > 5


def test_a_child_with_a_key_of_its_own(registered: Any) -> None:
    """Its parent's stamp moves with its own."""
    registered(Tower)
    tower = Tower(code="abc", name="x")
    tower.save()
    place = Place.objects.get()
    first = stamp(tower), stamp(place)
    assert first == (1, 1)
    tower.save()
    assert (stamp(tower), stamp(place)) == (2, 2)
    tower.delete()
    assert EntityStamp.objects.filter(dataclass="zoo.place", key="abc").get().deleted is not None


@pytest.mark.parametrize("save", [models.Model.save, by_update_fields, models.Model.delete])
def test_what_the_database_says_is_raised(row: Any, save: Any) -> None:
    """A row must not change if its stamp cannot: the statement that moves it fails, and no other."""
    failed = []

    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if not failed and sql.startswith("UPDATE"):
            failed.append(sql)
            raise DatabaseError("gone")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail), pytest.raises(DatabaseError, match="gone"):
        save(row)
    assert "stamp" in failed[0]
