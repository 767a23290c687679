"""Stamps of what is saved and deleted outside REST, and the compare-and-swap of REST itself."""

# ruff: noqa: DJ008

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import serializers
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import post_save
from django.test import Client
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from fourd_rest.dataclass import registry
from fourd_rest.dataclass.registry import Registry
from fourd_rest.models import EntityStamp, Stamped
from fourd_rest.stamps import mover, own_column, receivers
from testproject.hr.models import Company, Employee
from tests.zoo.models import Animal, Aviary, Country, Keeper, Parcel, Place, Planet

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, 890_123, dt.UTC)
LATER = dt.datetime(2026, 3, 4, 6, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """Every save happens at ``NOW``; ``now(LATER)`` moves on."""

    def at(moment):
        monkeypatch.setattr(timezone, "now", lambda: moment)

    at(NOW)
    return at


def stamp(instance, label=None):
    """Stamp, time and time of deletion of an entity, as the side table has them; None for no row."""
    label = label or instance._meta.label_lower
    key = registry.for_model(type(instance)).key_to_wire(instance.pk)
    rows = EntityStamp.objects.filter(dataclass=label, key=key)
    return rows.values_list("stamp", "modified", "deleted").first()


def column(instance):
    return type(instance).objects.values_list("stamp", "modified").get(pk=instance.pk)


# The side table


def test_a_new_row_begins_with_one():
    company = Company(name="Acme")
    company.save()
    assert stamp(company) == (1, NOW, None)


@pytest.mark.parametrize(
    "new", [lambda: Country(code="de", name="Land"), lambda: Parcel(label="x")], ids=["text", "uuid"]
)
def test_a_new_row_with_a_key_of_its_own_begins_with_one(new):
    instance = new()
    instance.save()
    assert stamp(instance) == (1, NOW, None)


def test_keys_are_written_as_on_the_wire():
    Parcel.objects.create(id=uuid.UUID(int=10))
    Parcel.objects.create(id="0000000000000000000000000000000b")
    Company.objects.create(id="7", name="Acme")
    keys = set(EntityStamp.objects.values_list("dataclass", "key"))
    assert keys == {
        ("zoo.parcel", "0000000000000000000000000000000A"),
        ("zoo.parcel", "0000000000000000000000000000000B"),
        ("hr.company", "7"),
    }


def save(instance):
    instance.save()


def save_one_field(instance):
    instance.name = "Other"
    instance.save(update_fields=["name"])


def save_deferred(instance):
    instance = type(instance).objects.only("name").get(pk=instance.pk)
    instance.name = "Other"
    instance.save()


def save_a_copy(instance):
    type(instance).objects.get(pk=instance.pk).save()


def save_under_its_key(instance):
    """Django finds the row by its key and updates it."""
    type(instance)(pk=instance.pk, name="Other").save()


def update_or_create(instance):
    type(instance).objects.update_or_create(pk=instance.pk, defaults={"name": "Other"})


SAVES = [save, save_one_field, save_deferred, save_a_copy, save_under_its_key, update_or_create]


@pytest.mark.parametrize("action", SAVES)
def test_every_save_moves_the_stamp(now, action):
    company = Company.objects.create(name="Acme")
    now(LATER)
    action(company)
    assert stamp(company) == (2, LATER, None)


@pytest.mark.parametrize("action", SAVES)
def test_the_first_save_of_a_row_that_nobody_watched(now, action):
    """No row counts as stamp 1, so the save is the second (D-32)."""
    Company.objects.bulk_create([Company(id=5, name="Acme")])
    company = Company.objects.get(pk=5)
    assert stamp(company) is None
    action(company)
    assert stamp(company) == (2, NOW, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", SAVES)
def test_without_a_transaction_the_stamp_moves_before_and_after_the_row(action):
    """A reader between the two statements sees the new stamp beside the old row; its stamp is stale."""
    country = Country.objects.create(code="de", name="Land")
    assert stamp(country) == (1, NOW, None)
    if action is update_or_create:  # has a transaction of its own
        action(country)
        assert stamp(country) == (2, NOW, None)
        return
    with CaptureQueriesContext(connection) as queries:
        action(country)
    assert stamp(country) == (3, NOW, None)
    updates = [q["sql"].split()[1].strip('"`') for q in queries if q["sql"].startswith("UPDATE")]
    assert updates == ["fourd_rest_entitystamp", "zoo_country", "fourd_rest_entitystamp"]


class After:
    """Reads the entity after the statement number ``place`` of a save."""

    def __init__(self, place, read):
        self.left = place
        self.read = read

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        self.left -= 1
        if self.left == -1:
            self.read()
        return result


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("action", [save_one_field, save_deferred, save_under_its_key])
@pytest.mark.parametrize("model", [Country, Planet])
def test_whoever_reads_in_the_midst_of_a_save_is_stale_or_has_seen_it(admin, model, action, place):
    model.objects.create(code="x", name="Land")
    address = f"{model.__name__}(x)"
    seen = []
    with connection.execute_wrapper(After(place, lambda: seen.append(admin.read(address).json()))):
        action(model.objects.get())
    read = seen[0] if seen else admin.read(address).json()
    body = {"__KEY": "x", "__STAMP": read["__STAMP"], "name": "Mine"}
    answer = admin.update(model.__name__, body)
    if answer.status_code == 200:
        assert read["name"] == "Other"
    else:
        assert answer.json()["__STATUS"]["statusText"] == "Stamp has changed"
    if not seen:
        assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_creation_without_a_transaction_needs_one_stamp():
    company = Company.objects.create(name="Acme")
    country = Country.objects.create(code="de", name="Land")
    assert stamp(company) == stamp(country) == (1, NOW, None)


def test_the_stamp_moves_before_the_row():
    """The order of REST: both lock in one order, and nobody waits for ever."""
    company = Company.objects.create(name="Acme")
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        company.save()
    tables = [q["sql"].split()[1].strip('"`') for q in queries if q["sql"].startswith("UPDATE")]
    assert tables == ["fourd_rest_entitystamp", "hr_company"]


def test_a_rolled_back_save_leaves_the_stamp():
    company = Company.objects.create(name="Acme")

    class Stop(Exception):
        pass

    with pytest.raises(Stop), transaction.atomic():
        company.save()
        raise Stop
    assert stamp(company) == (1, NOW, None)


def test_a_refused_save_leaves_the_stamp():
    Keeper.objects.create(name="Kim")
    other = Keeper.objects.create(name="Lou")
    other.name = "Kim"
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()
    assert stamp(other) == (1, NOW, None)


# What sends no signals


@pytest.mark.parametrize(
    "action",
    [
        lambda: Company.objects.update(name="Other"),
        lambda: Company.objects.bulk_update(list(Company.objects.all()), ["name"]),
        lambda: Company.objects.bulk_create(
            [Company(id=1, name="Other")],
            update_conflicts=True,
            update_fields=["name"],
            # MariaDB looks at every unique index, and Django lets none be named there.
            unique_fields=["id"] if connection.features.supports_update_conflicts_with_target else None,
        ),
    ],
    ids=["update", "bulk_update", "bulk_create"],
)
def test_bulk_work_does_not_move_stamps(action):
    company = Company.objects.create(id=1, name="Acme")
    action()
    assert stamp(company) == (1, NOW, None)


def test_bulk_create_makes_no_stamps():
    Company.objects.bulk_create([Company(name="Acme"), Company(name="Umbrella")])
    Planet.objects.bulk_create([Planet(code="x", name="X")])
    assert not EntityStamp.objects.exists()
    assert Planet.objects.get().stamp == 1


def test_fixtures_are_loaded_as_they_are():
    text = serializers.serialize(
        "json",
        [
            Company(id=1, name="Acme"),
            Planet(code="x", name="X", stamp=7, modified=LATER),
            EntityStamp(id=1, dataclass="hr.company", key="1", stamp=5),
        ],
    )
    for _ in range(2):
        for loaded in serializers.deserialize("json", text):
            loaded.save()
    assert stamp(Company.objects.get()) == (5, None, None)
    assert column(Planet.objects.get()) == (7, LATER)


def test_members_of_a_many_to_many_relation_are_no_save():
    animal, keeper = Animal.objects.create(name="Otter"), Keeper.objects.create(name="Kim")
    animal.keepers.add(keeper)
    animal.keepers.clear()
    assert stamp(animal) == stamp(keeper) == (1, NOW, None)


# Admin


def test_the_admin_moves_stamps(now):
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    response = client.post("/admin/hr/company/add/", {"name": "Acme", "extra": "{}"})
    assert response.status_code == 302
    company = Company.objects.get()
    assert stamp(company) == (1, NOW, None)
    now(LATER)
    address = f"/admin/hr/company/{company.pk}/change/"
    assert client.post(address, {"name": "Other", "extra": "{}"}).status_code == 302
    assert stamp(company) == (2, LATER, None)
    company.refresh_from_db()
    assert company.name == "Other"
    response = client.post(f"/admin/hr/company/{company.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert stamp(company) == (3, LATER, LATER)


# One table, several models


def test_a_child_and_its_parent_share_the_stamp():
    aviary = Aviary.objects.create(name="Dome")
    assert stamp(aviary, "zoo.place") == (1, NOW, None)
    Place.objects.get(pk=aviary.pk).save()
    assert stamp(aviary, "zoo.place") == (2, NOW, None)
    aviary.save()
    assert stamp(aviary, "zoo.place") == (3, NOW, None)
    Aviary.objects.get(pk=aviary.pk).save(update_fields=["height"])
    assert stamp(aviary, "zoo.place") == (4, NOW, None)
    assert not EntityStamp.objects.filter(dataclass="zoo.aviary").exists()


def test_the_parent_of_a_child_that_is_made_later():
    place = Place.objects.create(name="Pond")
    aviary = Aviary(place_ptr=place, name="Pond", height=4)
    aviary.save()
    assert stamp(place) == (2, NOW, None)
    aviary.delete(keep_parents=True)
    assert stamp(place)[0] > 2


@isolate_apps("tests.zoo")
def test_proxies_children_and_hidden_models_are_watched(monkeypatch):
    class Building(models.Model):
        class Meta:
            app_label = "zoo"

    class Proxy(Building):
        class Meta:
            app_label = "zoo"
            proxy = True

    class Tower(Building):
        class Meta:
            app_label = "zoo"

    class ProxyOfTower(Tower):
        class Meta:
            app_label = "zoo"
            proxy = True

    class Bridge(models.Model):
        class Meta:
            app_label = "zoo"

    watched = {}
    monkeypatch.setattr(receivers, "_watched", watched)
    monkeypatch.setattr(receivers, "apps", Building._meta.apps)
    for one in (Building, Proxy, Tower):
        watched.clear()
        own = Registry()
        own.subscribe(receivers.watch)
        own.register(one)
        assert set(watched) == {Building, Proxy, Tower, ProxyOfTower}
        assert {item.stamp_label for item in watched.values()} == {"zoo.building"}


def test_saves_through_a_proxy_move_the_stamp():
    class Firm(Company):
        class Meta:
            app_label = "hr"
            proxy = True

    try:
        receivers.watch(registry.for_model(Company))
        company = Company.objects.create(name="Acme")
        Firm.objects.get(pk=company.pk).save()
        assert stamp(company) == (2, NOW, None)
        Firm.objects.get(pk=company.pk).delete()
        assert stamp(company) == (3, NOW, NOW)
    finally:
        del Company._meta.apps.all_models["hr"]["firm"]
        receivers._watched.pop(Firm, None)
        Company._meta.apps.clear_cache()


# Deletion and return


def test_deletion_advances_and_keeps_the_stamp(now):
    country = Country.objects.create(code="de", name="Land")
    now(LATER)
    country.delete()
    country.pk = "de"
    assert stamp(country) == (2, LATER, LATER)


@pytest.mark.parametrize(
    "action",
    [
        lambda: Country.objects.filter(code="de").delete(),
        lambda: Country.objects.get(code="de").delete(),
    ],
)
def test_every_way_of_deletion(action):
    country = Country.objects.create(code="de", name="Land")
    action()
    assert stamp(country) == (2, NOW, NOW)


def test_deletion_of_a_row_that_nobody_watched():
    Country.objects.bulk_create([Country(code="de", name="Land")])
    Country.objects.get().delete()
    assert stamp(Country(code="de")) == (2, NOW, NOW)


def test_what_is_deleted_along():
    place = Place.objects.create(name="Pond")
    animal = Animal.objects.create(name="Otter", home=place)
    place.delete()
    assert EntityStamp.objects.get(dataclass="zoo.animal").stamp == 2
    assert EntityStamp.objects.get(dataclass="zoo.animal").deleted == NOW
    assert animal.pk is not None


@pytest.mark.parametrize(
    "again",
    [
        lambda: Country.objects.create(code="de", name="New"),
        lambda: Country(code="de", name="New").save(force_insert=True),
        lambda: Country.objects.get_or_create(code="de", defaults={"name": "New"}),
    ],
)
def test_a_key_that_returns_accepts_no_stamp_of_its_former_life(now, again):
    country = Country.objects.create(code="de", name="Old")
    country.save()
    Country.objects.get().delete()
    assert stamp(country) == (3, NOW, NOW)
    now(LATER)
    again()
    assert stamp(country) == (4, LATER, None)


def test_a_key_that_returns_in_bulk_is_alive_after_its_first_update():
    country = Country.objects.create(code="de", name="Old")
    Country.objects.get().delete()
    Country.objects.bulk_create([country])
    assert stamp(country) == (2, NOW, NOW)
    dataclass = registry.for_model(Country)
    assert mover.compare_and_swap(dataclass, "de", 2, alias="default", now=LATER)
    assert stamp(country) == (3, LATER, None)


# A column of the model


def test_a_new_row_with_a_column_begins_with_one():
    planet = Planet(code="x", name="X")
    planet.save()
    assert planet.stamp == 1
    assert column(planet)[0] == 1
    employee = Employee.objects.create(first_name="Ann", last_name="Poe")
    assert column(employee)[0] == 1
    assert not EntityStamp.objects.exists()


@pytest.mark.parametrize("action", SAVES)
def test_every_save_moves_the_column(now, action):
    planet = Planet.objects.create(code="x", name="X")
    now(LATER)
    action(planet)
    assert column(planet)[0] == 2
    if action is not save_under_its_key:  # its time is that of a new row
        assert column(planet)[1] == LATER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("action", "after"), [(save, 2), (save_a_copy, 2), (save_one_field, 3), (save_deferred, 3)]
)
def test_without_a_transaction_a_full_save_carries_the_stamp(action, after):
    """Stamp and row are one statement; a partial save moves the stamp before and after."""
    planet = Planet.objects.create(code="x", name="X")
    with CaptureQueriesContext(connection) as queries:
        action(planet)
    assert column(planet) == (after, NOW)
    updates = [q["sql"] for q in queries if q["sql"].startswith("UPDATE")]
    assert len(updates) == (1 if after == 2 else 3)


def test_an_instance_knows_its_stamp_after_a_save():
    planet = Planet.objects.create(code="x", name="X")
    planet.save()
    assert (planet.stamp, planet.modified) == (2, NOW)
    planet.save()
    assert planet.stamp == 3


def test_stale_instances_never_turn_the_stamp_back():
    planet = Planet.objects.create(code="x", name="X")
    first, second = Planet.objects.get(), Planet.objects.get()
    first.save()
    first.save()
    second.stamp = 77
    second.save()
    assert (second.stamp, column(planet)[0]) == (4, 4)


def test_naming_the_stamp_in_update_fields():
    planet = Planet.objects.create(code="x", name="X")
    planet.stamp = 77
    planet.save(update_fields=["name", "stamp", "modified"])
    assert (planet.stamp, column(planet)[0]) == (2, 2)


def test_a_column_survives_deletion(now):
    planet = Planet.objects.create(code="x", name="X")
    for _ in range(4):
        planet.save()
    now(LATER)
    planet.delete()
    planet.pk = "x"
    assert stamp(planet) == (6, None, LATER)
    again = Planet(code="x", name="New")
    again.save()
    assert (again.stamp, column(again)[0]) == (7, 7)
    for _ in range(2):
        again.save()
    again.delete()
    again.pk = "x"
    assert stamp(again) == (10, None, LATER)


def test_saving_a_new_instance_over_a_row():
    planet = Planet.objects.create(code="x", name="X")
    planet.save()
    Planet(code="x", name="Other").save()
    assert column(planet)[0] == 3


def test_deleting_an_instance_that_is_no_row():
    planet = Planet(code="x", name="X")
    planet.delete()
    assert stamp(Planet(code="x")) is None


def test_a_stamp_column_without_a_time(monkeypatch):
    dataclass = Registry()
    dataclass.register(Planet, stamp_field="stamp")
    planet = Planet.objects.create(code="x", name="X", modified=LATER)
    monkeypatch.setitem(receivers._watched, Planet, dataclass.for_model(Planet))
    planet.save()
    planet.save(update_fields=["name"])
    assert column(planet) == (3, LATER)


@isolate_apps("tests.zoo")
def test_a_stamp_column_of_a_child_does_not_bother_its_parent(monkeypatch):
    class Building(models.Model):
        class Meta:
            app_label = "zoo"

    class Tower(Building, Stamped):
        class Meta:
            app_label = "zoo"

    watched = {}
    monkeypatch.setattr(receivers, "_watched", watched)
    monkeypatch.setattr(receivers, "apps", Building._meta.apps)
    own = Registry()
    own.subscribe(receivers.watch)
    own.register(Tower)
    assert list(watched) == [Tower]


def test_a_stamp_that_is_no_number_counts_as_none():
    planet = Planet.objects.create(code="x", name="X", stamp=models.Value(7))
    assert (planet.stamp, column(planet)[0]) == (1, 1)


def test_a_stamp_that_exceeds_the_former_life_stays():
    Planet.objects.create(code="x", name="X").delete()
    Planet.objects.bulk_create([Planet(code="x", name="X", stamp=9)])
    post_save.send(sender=Planet, instance=Planet.objects.get())
    assert Planet.objects.get().stamp == 10


def test_a_signal_for_a_row_without_a_key():
    planet = Planet.objects.create(code="x", name="X")
    post_save.send(sender=Planet, instance=Planet(code=None))
    assert column(planet)[0] == 1


# REST's own saves


def test_many_stamps_in_a_column_without_a_time():
    own = Registry()
    own.register(Planet, stamp_field="stamp")
    planet = Planet(code="x", stamp=3, modified=LATER)
    fields = mover.move_all(own.for_model(Planet), [planet], {}, alias="default", now=NOW)
    assert fields == {Planet._meta.get_field("stamp")}
    assert (planet.stamp, planet.modified) == (4, LATER)


def test_a_save_whose_stamp_was_moved_already():
    for instance in (Planet.objects.create(code="x", name="X"), Company.objects.create(name="Acme")):
        mover.hold(instance)
        instance.save()
        told = column(instance)[0] if isinstance(instance, Planet) else stamp(instance)[0]
        assert told == 1
        # For one save only: a site may keep the instance and save it again.
        instance.save()
        told = column(instance)[0] if isinstance(instance, Planet) else stamp(instance)[0]
        assert told == 2


SWAPS = [
    # model, key, stamp that is stored (None for no row), expected, swapped, stamp afterwards
    (Country, "de", None, 1, True, 2),
    (Country, "de", None, 2, False, None),
    (Country, "de", 1, 1, True, 2),
    (Country, "de", 7, 7, True, 8),
    (Country, "de", 7, 1, False, 7),
    (Country, "de", 7, 6, False, 7),
    (Country, "de", 7, 8, False, 7),
    (Planet, "x", 1, 1, True, 2),
    (Planet, "x", 7, 7, True, 8),
    (Planet, "x", 7, 6, False, 7),
    (Planet, "x", 7, 8, False, 7),
    (Planet, "y", 7, 7, False, 7),
]


@pytest.mark.parametrize(("model", "key", "stored", "expected", "swapped", "after"), SWAPS)
def test_compare_and_swap(model, key, stored, expected, swapped, after):
    if model is Planet:
        Planet.objects.bulk_create([Planet(code="x", name="X", stamp=stored)])
    elif stored is not None:
        EntityStamp.objects.create(dataclass="zoo.country", key=key, stamp=stored)
    with CaptureQueriesContext(connection) as queries:
        done = mover.compare_and_swap(
            registry.for_model(model), key, expected, alias="default", now=LATER
        )
    assert done is swapped
    # Whatever is first takes the lock: a read before it would make SQLite refuse the write.
    assert queries[0]["sql"].startswith("UPDATE")
    assert not [q["sql"] for q in queries if q["sql"].startswith("SELECT")]
    if model is Planet:
        assert Planet.objects.values_list("stamp", flat=True).get() == after
        assert (Planet.objects.get().modified == LATER) is swapped
    else:
        row = stamp(Country(code=key))
        assert (row and row[0]) == after
        assert (row is not None and row[1] == LATER) is swapped


def test_a_child_is_swapped_through_its_parent(registered_tower):
    """An update through the child would read the keys first."""
    tower, dataclass = registered_tower
    assert own_column._owner(dataclass) is tower._meta.pk.related_model
    assert dataclass.stamp_column == "version"


@pytest.fixture
def registered_tower():
    with isolate_apps("tests.zoo"):

        class Building(models.Model):
            version = models.IntegerField(default=1)

            class Meta:
                app_label = "zoo"

        class Tower(Building):
            changed = models.DateTimeField(null=True)

            class Meta:
                app_label = "zoo"

        own = Registry()
        own.register(Tower, stamp_field="version", timestamp_field="changed")
        yield Tower, own.for_model(Tower)


def test_a_time_in_another_table_than_the_stamp_is_left_alone(registered_tower):
    _, dataclass = registered_tower
    assert list(own_column._change(dataclass, NOW)) == ["version"]


def test_models_that_are_left_out_are_not_watched(login):
    """Keys of sessions are secrets: no copy of them may stand in another table."""
    own = Registry()
    own.subscribe(receivers.watch)
    own.register(Session)
    assert Session not in receivers._watched
    login()
    assert Session.objects.exists()
    assert not EntityStamp.objects.exists()
