"""What goes along with a deleted entity needs the right to delete it (D-57)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from fourd_rest.models import EntityStamp
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors, nothing_changes
from tests.zoo.models import (
    Animal,
    Aviary,
    Caption,
    Country,
    Crew,
    Exhibit,
    Keeper,
    Parcel,
    Passport,
    Place,
    Sailor,
    Sale,
    Shop,
    Singer,
    Voyage,
)

pytestmark = pytest.mark.django_db

OK = {"ok": True}


def refused(dataclass: str, *keys: Any) -> dict[str, Any]:
    """Worded for what was addressed alone."""
    return errors(
        (1560, f"No permission to delete for the {dataclass} dataclass"),
        *(
            (1518, f'The entity ({key}) in the "{dataclass}" dataclass cannot be deleted')
            for key in keys
        ),
    )


def places() -> None:
    """Three places, the second with an animal that has a passport."""
    for key in (1, 2, 3):
        Place.objects.create(id=key, name=f"Place {key}")
    animal = Animal.objects.create(id=1, name="Tiger", home_id=2)
    Passport.objects.create(id=1, animal=animal, number="1")


def left(model: Any = Place) -> list[Any]:
    return sorted(model.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        (["place"], False),
        (["place", "animal"], False),
        (["place", "passport"], False),
        (["place", "animal", "passport"], True),
    ],
)
def test_whatever_the_depth(login: Any, rights: list[str], allowed: bool) -> None:
    places()
    client = login(*(f"zoo.delete_{name}" for name in rights))
    if allowed:
        assert_answer(client.rest("DELETE", "Place(2)"), 200, OK)
        assert (left(), left(Animal), left(Passport)) == ([1, 3], [], [])
        return
    with nothing_changes():
        assert_answer(client.rest("DELETE", "Place(2)"), 401, refused("Place", 2))
    assert_answer(client.rest("DELETE", "Place(1)"), 200, OK)


REQUESTS = [
    ("DELETE", "Place(1,2,3)", None),
    ("POST", "Place?$method=delete", [1, 2, 3]),
    ("DELETE", "Place?$filter='ID > 0'", None),
    ("DELETE", "Place/$entityset/SET", None),
    ("DELETE", "Place", None),
]


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize(("verb", "path", "sent"), REQUESTS)
def test_neighbours(login: Any, registered: Any, verb: str, path: str, sent: Any, atomic: bool) -> None:
    """They go, unless all or none are to go."""
    registered(Place, allow_delete_all=True, names={"id": "ID"})
    places()
    client = login("zoo.delete_place", "zoo.view_place")
    if "SET" in path:
        made = client.read("Place?$method=entityset").json()["__ENTITYSET"]
        path = path.replace("SET", made.rpartition("/")[2])
    if atomic:
        path += ("&" if "?" in path else "?") + "$atomic=true"
        with nothing_changes():
            assert_answer(client.rest(verb, path, sent), 401, refused("Place", 2))
        return
    assert_answer(client.rest(verb, path, sent), 401, refused("Place", 2))
    assert (left(), left(Animal), left(Passport)) == ([2], [1], [1])


def test_the_right_on_single_entities(login: Any, registered: Any) -> None:
    class Guarded(DataClass):
        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is not None and obj.name == "Tiger"

    registered(Animal, Guarded)
    places()
    Animal.objects.create(name="Lion", home_id=3)
    client = login("zoo.delete_place", "zoo.delete_passport")
    assert_answer(client.rest("DELETE", "Place(2,3)"), 401, refused("Place", 3))
    assert (left(), left(Passport)) == ([1, 3], [])


def test_entities_of_the_same_dataclass(login: Any, registered: Any) -> None:
    class Guarded(DataClass):
        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is None or obj.name != "pupil"

    registered(Singer, Guarded)
    teacher = Singer.objects.create(id=1, name="teacher")
    Singer.objects.create(id=2, name="pupil", teacher=teacher)
    with nothing_changes():
        assert_answer(login().rest("DELETE", "Singer(1)"), 401, refused("Singer", 1))


def test_child_rows_count_and_parents_do_not(login: Any) -> None:
    aviary = Aviary.objects.create(name="Dome")
    with nothing_changes():
        answer = login("zoo.delete_place", username="a").rest("DELETE", f"Place({aviary.pk})")
        assert_answer(answer, 401, refused("Place", aviary.pk))
    client = login("zoo.delete_aviary", username="b")
    assert_answer(client.rest("DELETE", f"Aviary({aviary.pk})"), 200, OK)
    assert left() == []


def test_what_refers_to_the_parent_of_a_child(login: Any) -> None:
    aviary = Aviary.objects.create(name="Dome")
    Animal.objects.create(name="Owl", home_id=aviary.pk)
    with nothing_changes():
        answer = login("zoo.delete_aviary").rest("DELETE", f"Aviary({aviary.pk})")
        assert_answer(answer, 401, refused("Aviary", aviary.pk))


def test_generic_relations(login: Any, registered: Any) -> None:
    registered(Exhibit)
    registered(Caption, exclude=["about"])
    for key in (1, 2):
        Exhibit.objects.create(id=key, name="x")
    Caption.objects.create(text="x", about=Exhibit.objects.get(id=2))
    client = login("zoo.delete_exhibit")
    assert_answer(client.rest("DELETE", "Exhibit(1,2)"), 401, refused("Exhibit", 2))
    assert (left(Exhibit), Caption.objects.count()) == ([2], 1)
    client = login("zoo.delete_caption")
    assert_answer(client.rest("DELETE", "Exhibit(2)"), 200, OK)
    assert Caption.objects.count() == 0


@pytest.mark.parametrize("exposed", [False, True])
def test_a_model_between_both_sides(login: Any, registered: Any, exposed: bool) -> None:
    """Unregistered ones go with their owner."""
    for model in (Sailor, Crew, *([Voyage] if exposed else [])):
        registered(model)
    Sailor.objects.create(id=1, name="Ann").crews.add(Crew.objects.create(name="x"))
    client = login("zoo.delete_sailor")
    if exposed:
        with nothing_changes():
            assert_answer(client.rest("DELETE", "Sailor(1)"), 401, refused("Sailor", 1))
    else:
        assert_answer(client.rest("DELETE", "Sailor(1)"), 200, OK)
        assert (Voyage.objects.count(), Crew.objects.count()) == (0, 1)


def test_a_table_between_both_sides_that_django_makes(login: Any) -> None:
    Keeper.objects.create(id=1, name="Kim").animals.add(Animal.objects.create(id=1, name="Otter"))
    assert_answer(login("zoo.delete_keeper").rest("DELETE", "Keeper(1)"), 200, OK)
    assert_answer(login("zoo.delete_animal").rest("DELETE", "Animal(1)"), 200, OK)


@pytest.mark.parametrize(
    ("field", "allowed"),
    [("taken", False), ("emptied", True), ("preset", True), ("set", True), ("ignored", True)],
)
def test_rules_of_relations(login: Any, registered: Any, field: str, allowed: bool) -> None:
    registered(Shop)
    registered(Sale)
    shop = Shop.objects.create(id=1, name="x")
    Sale.objects.create(**{field: shop})
    client = login("zoo.delete_shop")
    if allowed:
        assert_answer(client.rest("DELETE", "Shop(1)"), 200, OK)
        assert Sale.objects.count() == 1
    else:
        with nothing_changes():
            assert_answer(client.rest("DELETE", "Shop(1)"), 401, refused("Shop", 1))


def of_the_site(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """A rule of the site's own, which may take rows along."""
    collector.collect(sub_objs, source=field.remote_field.model, nullable=field.null)


@pytest.mark.parametrize("rule", ["DB_CASCADE", of_the_site])
def test_rules_that_djangos_collector_does_not_know(
    login: Any, registered: Any, monkeypatch: Any, rule: Any
) -> None:
    if rule == "DB_CASCADE":
        rule = getattr(models, rule, None) or pytest.skip("new in Django 6.1")
    monkeypatch.setattr(Sale._meta.get_field("taken").remote_field, "on_delete", rule)
    registered(Shop)
    registered(Sale)
    Sale.objects.create(taken=Shop.objects.create(id=1, name="x"))
    with nothing_changes():
        answer = login("zoo.delete_shop").rest("DELETE", "Shop(1)")
        assert_answer(answer, 401, refused("Shop", 1))


def test_a_dataclass_of_a_proxy(login: Any, registered: Any) -> None:
    """Its rows are those of its model, which is not registered itself."""

    class Till(Sale):
        class Meta:
            proxy = True
            app_label = "zoo"

    try:
        registered(Shop)
        registered(Till)
        Sale.objects.create(taken=Shop.objects.create(id=1, name="x"))
        with nothing_changes():
            answer = login("zoo.delete_shop").rest("DELETE", "Shop(1)")
            assert_answer(answer, 401, refused("Shop", 1))
    finally:
        del Sale._meta.apps.all_models["zoo"]["till"]
        Sale._meta.apps.clear_cache()


def test_what_is_protected_is_told_by_the_delete(login: Any) -> None:
    Country.objects.create(code="FR", name="France")
    Parcel.objects.create(country_id="FR")
    answer = login("zoo.delete_country", username="a").rest("DELETE", "Country(FR)")
    told = (1518, 'The entity (FR) in the "Country" dataclass cannot be deleted')
    unknown = (9019, "It is still referred to by other data")
    assert_answer(answer, 500, errors(unknown, told))
    answer = login("zoo.delete_country", "zoo.view_parcel", username="b").rest("DELETE", "Country(FR)")
    known = (9019, 'It is still referred to by the "Parcel" dataclass')
    assert_answer(answer, 500, errors(known, told))


def test_guests_hold_rights_as_users_do(guest: RestClient, settings: Any, db: None) -> None:
    places()
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["zoo.delete_place"]}
    assert_answer(guest.rest("DELETE", "Place(2)"), 401, refused("Place", 2))
    rights = [f"zoo.delete_{name}" for name in ("place", "animal", "passport")]
    settings.FOURD_REST = {"GUEST_PERMISSIONS": rights}
    assert_answer(guest.rest("DELETE", "Place(2)"), 200, OK)


# What it costs


def statements(client: RestClient, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        client.rest("DELETE", path)
    asking = ("django_session", "auth_", "SAVEPOINT", "django_content_type")
    return [q["sql"] for q in captured if not any(word in q["sql"] for word in asking)]


def test_nothing_is_asked_twice_of_who_may_all(login: Any, admin: RestClient) -> None:
    """No statement more than the delete itself takes."""
    for key in (1, 2, 3):
        Singer.objects.create(id=key, name="x")
        Place.objects.create(id=key, name="x")
    singers = login("zoo.delete_singer", username="a")
    rights = [f"zoo.delete_{name}" for name in ("place", "aviary", "tower", "animal", "passport")]
    placed = login(*rights, username="b")
    for client, path in ((singers, "Singer(1)"), (placed, "Place(1)")):
        selects = [sql for sql in statements(client, path) if sql.startswith("SELECT")]
        assert len(selects) == len(set(selects))
    before = len(statements(admin, "Place(2)"))
    assert before == len(statements(placed, "Place(3)"))


def test_too_many_to_ask_about(login: Any, registered: Any, settings: Any) -> None:
    class Guarded(DataClass):
        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return True

    registered(Animal, Guarded)
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 3}
    for key in (1, 2):
        Place.objects.create(id=key, name="x")
    for key in range(6):
        Animal.objects.create(name=f"n{key}", home_id=1 if key < 3 else 2)
    Animal.objects.create(name="one more", home_id=2)
    client = login("zoo.delete_place")
    with nothing_changes():
        answer = client.rest("DELETE", "Place(2)")
    message = "More than 3 other entities would have to be deleted with it"
    refusal = (1518, 'The entity (2) in the "Place" dataclass cannot be deleted')
    assert_answer(answer, 413, errors((9031, message), refusal))
    assert_answer(client.rest("DELETE", "Place(1)"), 200, OK)


def test_the_row_of_a_parent_is_none_of_them(login: Any, registered: Any, settings: Any) -> None:
    class Guarded(DataClass):
        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return True

    registered(Animal, Guarded)
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 3}
    aviary = Aviary.objects.create(name="Dome")
    for key in range(3):
        Animal.objects.create(name=f"n{key}", home_id=aviary.pk)
    answer = login("zoo.delete_aviary").rest("DELETE", f"Aviary({aviary.pk})")
    assert_answer(answer, 200, OK)


def test_rows_that_are_met_twice_hide_no_others(
    login: Any, registered: Any, settings: Any, monkeypatch: Any
) -> None:
    """Each relation is read to an end of its own."""

    class Guarded(DataClass):
        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is not None and obj.preset_id is not None

    monkeypatch.setattr(Sale._meta.get_field("emptied").remote_field, "on_delete", of_the_site)
    registered(Shop)
    registered(Sale, Guarded)
    settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 3}
    shop = Shop.objects.create(id=1, name="x")
    for _ in range(3):
        Sale.objects.create(taken=shop, emptied=shop, preset=Shop.objects.create(name="y"))
    Sale.objects.create(emptied=shop)
    with nothing_changes():
        answer = login("zoo.delete_shop").rest("DELETE", "Shop(1)")
    assert answer.status_code == 413


def test_stamps_of_what_goes_along(login: Any) -> None:
    places()
    client = login("zoo.delete_place", "zoo.delete_animal", "zoo.delete_passport")
    assert_answer(client.rest("DELETE", "Place(2)"), 200, OK)
    gone = EntityStamp.objects.filter(deleted__isnull=False).values_list("dataclass", "key", "stamp")
    assert sorted(gone) == [("zoo.animal", "1", 2), ("zoo.passport", "1", 2), ("zoo.place", "2", 2)]


def test_what_would_go_along_is_no_matter_to_an_update(login: Any) -> None:
    places()
    client = login("zoo.view_place", "zoo.change_place")
    answer = client.update("Place", {"__KEY": 2, "__STAMP": 1, "name": "Zoo"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Zoo")
