"""Deleting one entity and many: what goes, what stays, who is told why (``requests.md`` 6.3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from fourd_rest.models import EntityStamp
from fourd_rest.signals import entity_deleted
from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors, files, nothing_changes
from tests.contract.sample import acme, inv003, john
from tests.spec.writes import told
from tests.zoo.models import (
    Animal,
    Country,
    Hidden,
    Keeper,
    Letter,
    Parcel,
    Place,
    Scroll,
    Singer,
)

pytestmark = pytest.mark.django_db

OK = {"ok": True}


def keepers(*keys: int) -> None:
    for key in keys:
        Keeper.objects.create(id=key, name=f"Keeper {key}")


def left() -> list[int]:
    return sorted(Keeper.objects.values_list("pk", flat=True))


def unloaded(key: Any, dataclass: str = "Keeper") -> tuple[int, str]:
    return (1543, f'Cannot load entity# {key} in the "{dataclass}" dataclass')


def undeleted(key: Any, dataclass: str = "Country") -> tuple[int, str]:
    return (1518, f'The entity ({key}) in the "{dataclass}" dataclass cannot be deleted')


@pytest.mark.parametrize(
    ("verb", "path", "sent"),
    [
        ("DELETE", "Keeper(1,2)", None),
        ("DELETE", 'Keeper("1", 2)', None),
        ("DELETE", "Keeper[1,2]", None),
        ("DELETE", "Keeper(1,2)?$method=delete", None),
        ("POST", "Keeper(1,2)?$method=delete", None),
        ("PUT", "Keeper(1,2)?$method=DELETE", None),
        ("POST", "Keeper(2,1,2)?$method=delete", None),
        ("POST", "Keeper(1,2)?$method=delete&$atomic=true", None),
        ("POST", "Keeper?$method=delete", [{"__KEY": "1"}, {"__KEY": "2"}]),
        ("POST", "Keeper?$method=delete", [{"__KEY": 1, "__STAMP": 99}, {"__KEY": 2}]),
        ("POST", "Keeper?$method=delete", ["1", 2]),
        ("POST", "Keeper?$method=delete", {"__ENTITIES": [{"__KEY": "1"}, {"__KEY": "2"}]}),
        ("POST", "Keeper?$method=delete", '[{__KEY: "1"}, {__KEY: "2"},]'),
        ("DELETE", "Keeper", [{"__KEY": "1"}, {"__KEY": "2"}]),
        ("POST", "Keeper?$method=delete&$atOnce=true", ["1", "2"]),
    ],
)
def test_many(admin: RestClient, verb: str, path: str, sent: Any) -> None:
    keepers(1, 2, 3)
    assert_answer(admin.rest(verb, path, sent), 200, OK)
    assert left() == [3]


@pytest.mark.parametrize("sent", [{"__KEY": "1"}, [{"__KEY": "1"}], ["1"]])
def test_one_by_its_body(admin: RestClient, sent: Any) -> None:
    keepers(1, 2)
    assert_answer(admin.rest("POST", "Keeper?$method=delete", sent), 200, OK)
    assert left() == [2]


def test_an_empty_list_deletes_nothing(admin: RestClient) -> None:
    keepers(1)
    with nothing_changes():
        assert_answer(admin.rest("POST", "Keeper?$method=delete", []), 200, OK)


def test_uuid_and_text_keys(admin: RestClient) -> None:
    parcels = [Parcel.objects.create() for _ in range(2)]
    path = ",".join(f'"{parcel.pk}"' for parcel in parcels)
    assert_answer(admin.rest("DELETE", f"Parcel({path})"), 200, OK)
    Country.objects.create(code="a,b", name="x")
    Country.objects.create(code="c", name="x")
    assert_answer(admin.rest("DELETE", 'Country("a,b",c)'), 200, OK)
    assert (Parcel.objects.count(), Country.objects.count()) == (0, 0)


# What cannot be deleted


def test_an_unknown_key_leaves_the_others_to_be_deleted(admin: RestClient) -> None:
    keepers(1, 3)
    answer = admin.rest("DELETE", "Keeper(1,2,3,4)")
    assert_answer(answer, 404, errors(unloaded(2), unloaded(4)))
    assert left() == []


def test_an_unknown_key_keeps_all_if_atomic(admin: RestClient) -> None:
    keepers(1, 3)
    with nothing_changes():
        answer = admin.rest("POST", "Keeper(1,2,3)?$method=delete&$atomic=true")
    assert_answer(answer, 404, errors(unloaded(2)))


def choir() -> None:
    Singer.objects.create(id=1, name="Ann")
    Singer.objects.create(id=2, name="Bea", teacher_id=1)
    Singer.objects.create(id=3, name="Cid", teacher_id=2)
    Singer.objects.create(id=4, name="Dan")


@pytest.mark.parametrize("atomic", ["", "?$atomic=true"])
@pytest.mark.parametrize("keys", ["1,2,3", "3,2,1", "1,3,4", "1,2"])
def test_who_goes_along_with_a_neighbour_is_gone(admin: RestClient, keys: str, atomic: str) -> None:
    choir()
    assert_answer(admin.rest("DELETE", f"Singer({keys}){atomic}"), 200, OK)
    assert set(Singer.objects.values_list("pk", flat=True)) == {4} - {
        int(key) for key in keys.split(",")
    }


def test_who_was_never_there_did_not_go_along(admin: RestClient) -> None:
    choir()
    with nothing_changes():
        answer = admin.rest("DELETE", "Singer(1,2,9)?$atomic=true")
    assert_answer(answer, 404, errors(unloaded(9, "Singer")))
    answer = admin.rest("DELETE", "Singer(1,2,9)")
    assert_answer(answer, 404, errors(unloaded(9, "Singer")))
    assert list(Singer.objects.values_list("pk", flat=True)) == [4]


@pytest.mark.parametrize("atomic", ["", "?$atomic=true"])
def test_who_is_out_of_reach_is_not_told_to_go_along(
    admin: RestClient, registered: Any, atomic: str
) -> None:
    class Reachable(DataClass):
        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(pk=3)

    registered(Singer, Reachable)
    choir()
    answer = admin.rest("DELETE", f"Singer(1,2,3){atomic}")
    assert_answer(answer, 404, errors(unloaded(3, "Singer")))
    assert Singer.objects.count() == (4 if atomic else 1)


def test_a_key_that_cannot_be_one(admin: RestClient) -> None:
    """Told before anything is deleted."""
    keepers(1)
    message = 'The given primary key does not match the definition in the "Keeper" dataclass'
    with nothing_changes():
        assert_answer(admin.rest("DELETE", "Keeper(1,x)"), 404, errors((1541, message)))


def test_protected(admin: RestClient) -> None:
    for code in ("DE", "FR", "IT"):
        Country.objects.create(code=code, name=code)
    Parcel.objects.create(country_id="FR")
    held = (9019, 'It is still referred to by the "Parcel" dataclass')
    answer = admin.rest("DELETE", "Country(DE,FR,IT)")
    assert_answer(answer, 500, errors(held, undeleted("FR")))
    assert [country.code for country in Country.objects.all()] == ["FR"]


def test_protected_and_atomic(admin: RestClient) -> None:
    for code in ("DE", "FR"):
        Country.objects.create(code=code, name=code)
    Parcel.objects.create(country_id="FR")
    with nothing_changes():
        answer = admin.rest("POST", "Country(DE,FR)?$method=delete&$atomic=true")
    assert told(answer) == (500, [9019, 1518])


def test_who_may_not_know_the_holder_is_not_told_its_name(login: Any) -> None:
    Country.objects.create(code="FR", name="France")
    Parcel.objects.create(country_id="FR")
    with nothing_changes():
        answer = login("zoo.delete_country").rest("DELETE", "Country(FR)")
    held = (9019, "It is still referred to by other data")
    assert_answer(answer, 500, errors(held, undeleted("FR")))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", [False, True])
def test_rules_that_the_database_judges_at_the_commit(
    admin: RestClient, registered: Any, atomic: bool
) -> None:
    """A row that Django's collector does not see: deleted by SQL, referred to by a foreign key."""

    class ByHand(DataClass):
        def delete_model(self, request: Any, obj: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM zoo_country WHERE code = %s", [obj.pk])

    registered(Country, ByHand)
    for code in ("DE", "FR"):
        Country.objects.create(code=code, name=code)
    Parcel.objects.create(country_id="FR")
    held = (9019, "It is still referred to by other data")
    with nothing_changes():
        assert_answer(admin.rest("DELETE", "Country(FR)"), 500, errors(held, undeleted("FR")))
    answer = admin.rest("DELETE", f"Country(DE,FR)?$atomic={str(atomic).lower()}")
    names = ["DE", "FR"] if atomic else ["FR"]
    told_of = errors(held, *map(undeleted, names))
    if connection.vendor == "sqlite":
        assert_answer(answer, 500, told_of)
    assert answer.status_code == 500
    assert Country.objects.count() == len(names)


def test_a_hook_that_fails_deletes_nothing(admin: RestClient, registered: Any) -> None:
    class Buggy(DataClass):
        def delete_model(self, request: Any, obj: Any) -> None:
            obj.delete()
            raise ZeroDivisionError

    registered(Keeper, Buggy)
    keepers(1)
    with nothing_changes():
        assert told(admin.rest("DELETE", "Keeper(1)")) == (500, [9011])


def test_what_depends_goes_too(admin: RestClient) -> None:
    """Django's own rules: CASCADE deletes, SET_NULL empties."""
    inv003()
    john(employer=Company.objects.get())
    assert_answer(admin.rest("DELETE", "Company(1)"), 200, OK)
    assert not Invoice.objects.exists()
    assert Employee.objects.get().employer is None


# The request


@pytest.mark.parametrize(
    ("method", "params", "sent"),
    [
        ("POST", "?$method=delete", None),
        ("POST", "?$method=delete", {}),
        ("DELETE", "", None),
        ("DELETE", "()", {}),
        ("DELETE", "?$filter=", None),
    ],
)
def test_deleting_without_a_key(admin: RestClient, method: str, params: str, sent: Any) -> None:
    """Without key, filter and set it would be the whole dataclass (D-19)."""
    keepers(1)
    with nothing_changes():
        answer = admin.rest(method, f"Keeper{params}", sent)
    message = 'The entity (all) in the "Keeper" dataclass cannot be deleted'
    assert_answer(answer, 500, errors((1518, message)))


def test_a_body_that_lists_no_keys(admin: RestClient) -> None:
    keepers(1)
    message = "The request body is not readable JSON: expected objects with a __KEY"
    with nothing_changes():
        answer = admin.rest("POST", "Keeper?$method=delete", '{"__ENTITIES": {}}')
    assert_answer(answer, 400, errors((9001, message)))


@pytest.mark.parametrize(
    "sent", [[{"name": "x"}], [None], [[1]], [True], [1.5], [""], [{"__KEY": None}], {"name": "x"}]
)
def test_bodies_without_keys(admin: RestClient, sent: Any) -> None:
    keepers(1)
    message = "The request body is not readable JSON: expected objects with a __KEY"
    with nothing_changes():
        answer = admin.rest("POST", "Keeper?$method=delete", sent)
    assert_answer(answer, 400, errors((9001, message)))


@pytest.mark.parametrize("sent", ["1", 1, "true"])
def test_bodies_that_are_no_list(admin: RestClient, sent: Any) -> None:
    keepers(1)
    message = "The request body is not readable JSON: expected objects with a __KEY"
    with nothing_changes():
        answer = admin.rest("POST", "Keeper?$method=delete", str(sent))
    assert_answer(answer, 400, errors((9001, message)))


@pytest.mark.parametrize("in_address", [True, False])
def test_too_many(admin: RestClient, settings: Any, in_address: bool) -> None:
    settings.FOURD_REST = {"MAX_ENTITIES_PER_REQUEST": 2}
    keepers(1, 2, 3)
    with nothing_changes():
        if in_address:
            answer = admin.rest("DELETE", "Keeper(1,2,3)")
        else:
            answer = admin.rest("POST", "Keeper?$method=delete", [1, 2, 3])
    message = "The request holds more than 2 entities"
    assert_answer(answer, 413, errors((9013, message)))


def test_pages_of_other_sites(admin: RestClient) -> None:
    keepers(1)
    with nothing_changes():
        answer = admin.rest("DELETE", "Keeper(1)", HTTP_SEC_FETCH_SITE="cross-site")
    assert told(answer) == (403, [9007])


# Rights


def test_rights(login: Any, guest: RestClient) -> None:
    keepers(1, 2)
    viewer = login("zoo.view_keeper")
    message = "No permission to delete for the Keeper dataclass"
    for client in (viewer, guest):
        for verb, path, sent in (
            ("DELETE", "Keeper(1,2)", None),
            ("DELETE", "Keeper(1,99)", None),
            ("DELETE", "Keeper(x)", None),
            ("DELETE", "Keeper?$filter=ID=99", None),
            ("POST", "Keeper?$method=delete", [1, 2]),
        ):
            with nothing_changes():
                assert_answer(client.rest(verb, path, sent), 401, errors((1560, message)))


def test_the_right_to_delete_one_entity(admin: RestClient, registered: Any) -> None:
    class Guarded(DataClass):
        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is not None and obj.pk == 1

    registered(Keeper, Guarded)
    keepers(1, 2)
    answer = admin.rest("DELETE", "Keeper(1,2)")
    message = "No permission to delete for the Keeper dataclass"
    assert_answer(answer, 401, errors((1560, message)))
    assert left() == [2]


def test_entities_out_of_reach(admin: RestClient, registered: Any) -> None:
    class Reachable(DataClass):
        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(pk=2)

    registered(Keeper, Reachable)
    keepers(1, 2)
    assert_answer(admin.rest("DELETE", "Keeper(1,2)"), 404, errors(unloaded(2)))
    assert left() == [2]


# What is kept and what is not


def test_stamps_of_deleted_entities_are_kept(admin: RestClient) -> None:
    keepers(1, 2)
    assert_answer(admin.rest("DELETE", "Keeper(1,2)"), 200, OK)
    rows = EntityStamp.objects.filter(dataclass="zoo.keeper").order_by("key")
    assert [(row.key, row.stamp > 1, row.deleted is not None) for row in rows] == [
        ("1", True, True),
        ("2", True, True),
    ]


@pytest.mark.parametrize("deletes", [True, False])
def test_files(
    admin: RestClient, registered: Any, deletes: bool, django_capture_on_commit_callbacks: Any
) -> None:
    """All files of the row, exposed or not, once the deletion is committed."""
    registered(Employee, fields=["id", "cv"], naming="camelCase", delete_files=deletes)
    man = john()
    man.cv.save("a.pdf", ContentFile(b"a"), save=False)
    man.photo.save("a.png", ContentFile(b"b"), save=False)
    man.save()
    before = files()
    assert len(before) == 2
    with django_capture_on_commit_callbacks() as callbacks:
        assert_answer(admin.rest("DELETE", "Employee(12)"), 200, OK)
    assert files() == before
    for callback in callbacks:
        callback()
    assert files() == ({} if deletes else before)


def test_files_of_an_entity_that_stays(
    admin: RestClient, registered: Any, django_capture_on_commit_callbacks: Any
) -> None:
    class Kept(DataClass):
        delete_files = True

        def delete_model(self, request: Any, obj: Any) -> None:
            obj.delete()
            raise ZeroDivisionError

    registered(Animal, Kept)
    animal = Animal.objects.create(id=1, name="Tiger")
    animal.report.save("a.pdf", ContentFile(b"a"))
    with django_capture_on_commit_callbacks(execute=True), nothing_changes():
        assert told(admin.rest("DELETE", "Animal(1)")) == (500, [9011])


# Deletes that keep the row (D-62)


def nothing(self: Any, request: Any, obj: Any) -> None:
    """Does nothing and says nothing."""


def by_a_statement(self: Any, request: Any, obj: Any) -> None:
    """Sends no signals."""
    type(obj)._base_manager.filter(pk=obj.pk).update(name="gone")


def by_a_save(self: Any, request: Any, obj: Any) -> None:
    obj.name = "gone"
    obj.save()


def to_another_key(self: Any, request: Any, obj: Any) -> None:
    """Makes room under the old one: the row is the same, with the same file."""
    type(obj).objects.filter(pk=obj.pk).update(id=obj.pk + 1000)
    obj.pk += 1000


HIDING = [nothing, by_a_statement, by_a_save, to_another_key]
REQUESTS = [
    ("DELETE", "Animal(1)", None),
    ("POST", "Animal?$method=delete", [1]),
    ("DELETE", "Animal(1)?$atomic=true", None),
    ("DELETE", "Animal?$filter='name = Tiger'", None),
    ("DELETE", "Animal?$filter='name = Tiger'&$atomic=true", None),
    ("DELETE", "Animal", None),
]


@pytest.mark.parametrize("hide", HIDING)
@pytest.mark.parametrize(("verb", "path", "sent"), REQUESTS)
def test_a_hook_that_keeps_the_row(
    admin: RestClient,
    registered: Any,
    hide: Any,
    verb: str,
    path: str,
    sent: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    """The site's own delete was run: ok, one signal, another stamp; and the file is needed still."""
    options = {"delete_model": hide, "delete_files": True, "allow_delete_all": True}
    registered(Animal, type("Hiding", (DataClass,), options))
    animal = Animal.objects.create(id=1, name="Tiger")
    animal.report.save("a.pdf", ContentFile(b"a"))
    before, stamp = files(), stamp_of("zoo.animal")
    heard: list[Any] = []

    def hear(key: Any, **kwargs: Any) -> None:
        heard.append(key)

    entity_deleted.connect(hear, sender=Animal)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert_answer(admin.rest(verb, path, sent), 200, OK)
    finally:
        entity_deleted.disconnect(hear, sender=Animal)
    assert (heard, files()) == ([1], before)
    kept = EntityStamp.objects.get(dataclass="zoo.animal", key="1")
    assert kept.stamp > stamp
    # A stamp that stands for a row is never swept away.
    assert (kept.deleted is None) is (hide is not to_another_key)


def stamp_of(label: str, key: str = "1") -> int:
    return EntityStamp.objects.get(dataclass=label, key=key).stamp


@pytest.mark.parametrize("shown", [False, True])
def test_a_model_that_hides_its_rows(
    admin: RestClient, registered: Any, shown: bool, django_capture_on_commit_callbacks: Any
) -> None:
    """Hidden from REST too, it is unknown from then on; else it can be deleted as often as one likes."""

    class Everything(DataClass):
        delete_files = True

        def get_queryset(self, request: Any) -> Any:
            return Hidden._base_manager.all() if shown else Hidden.objects.all()

    registered(Hidden, Everything)
    row = Hidden.objects.create(id=1, name="x")
    row.file.save("a.txt", ContentFile(b"a"))
    before, stamp = files(), stamp_of("zoo.hidden")
    with django_capture_on_commit_callbacks(execute=True):
        assert_answer(admin.rest("DELETE", "Hidden(1)"), 200, OK)
    assert files() == before
    assert Hidden._base_manager.get().is_gone
    moved = stamp_of("zoo.hidden")
    assert moved > stamp
    assert EntityStamp.objects.get().deleted is None
    answer = admin.rest("DELETE", "Hidden(1)")
    if shown:
        assert_answer(answer, 200, OK)
        assert stamp_of("zoo.hidden") > moved
    else:
        assert_answer(answer, 404, errors(unloaded(1, "Hidden")))
        assert stamp_of("zoo.hidden") == moved


def test_a_row_that_is_hidden_after_it_was_selected(admin: RestClient, registered: Any) -> None:
    """It needs no deleting, and keeps its stamp for good."""

    class Chained(DataClass):
        def delete_model(self, request: Any, obj: Any) -> None:
            Hidden.objects.update(is_gone=True)

    registered(Hidden, Chained)
    for key in (1, 2):
        Hidden.objects.create(id=key, name="x")
    assert_answer(admin.rest("DELETE", "Hidden?$filter='name = x'"), 200, OK)
    assert not EntityStamp.objects.filter(deleted__isnull=False).exists()


@pytest.mark.parametrize("keep_parents", [False, True])
def test_a_file_of_the_parent(
    admin: RestClient, registered: Any, keep_parents: bool, django_capture_on_commit_callbacks: Any
) -> None:
    class Kept(DataClass):
        delete_files = True

        def delete_model(self, request: Any, obj: Any) -> None:
            obj.delete(keep_parents=keep_parents)

    registered(Letter, Kept)
    letter = Letter.objects.create(id=1, name="x")
    letter.text.save("a.txt", ContentFile(b"a"), save=False)
    letter.seal.save("b.txt", ContentFile(b"b"))
    with django_capture_on_commit_callbacks(execute=True):
        assert_answer(admin.rest("DELETE", "Letter(1)"), 200, OK)
    kept = Scroll.objects.values_list("text", flat=True)
    assert len(kept) == len(files()) == int(keep_parents)


def test_a_delete_of_what_a_trigger_keeps(admin: RestClient) -> None:
    """Whatever in the database takes no row: it is there, and so it stays in force."""
    keepers(1)
    stamp = stamp_of("zoo.keeper")

    def spare(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("DELETE FROM") and "keeper" in sql and "keepers" not in sql:
            sql = f"{sql} AND 1 = 0"
        return execute(sql, params, *rest)

    with connection.execute_wrapper(spare):
        assert_answer(admin.rest("DELETE", "Keeper(1)"), 200, OK)
    assert left() == [1]
    assert stamp_of("zoo.keeper") > stamp
    assert EntityStamp.objects.get().deleted is None


def test_what_somebody_else_took(admin: RestClient) -> None:
    """By a statement that tells nobody, between our look at the row and our delete."""
    keepers(1, 2)

    def take(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE FROM") and "keepers" in sql:
            models.QuerySet(Keeper).all()._raw_delete("default")
        return execute(sql, *rest)

    with connection.execute_wrapper(take):
        assert_answer(admin.rest("DELETE", "Keeper(1)"), 404, errors(unloaded(1)))


def test_a_receiver_may_save_what_was_deleted(
    admin: RestClient, registered: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """The mark that its stamp has been moved is for that delete alone."""
    registered(Animal, type("Hiding", (DataClass,), {"delete_model": nothing}))
    Animal.objects.create(id=1, name="Tiger")

    def save(instance: Any, **kwargs: Any) -> None:
        instance.save()

    entity_deleted.connect(save, sender=Animal)
    try:
        before = stamp_of("zoo.animal")
        with django_capture_on_commit_callbacks(execute=True):
            assert_answer(admin.rest("DELETE", "Animal(1)"), 200, OK)
        assert stamp_of("zoo.animal") >= before + 2
    finally:
        entity_deleted.disconnect(save, sender=Animal)


def test_statements_of_one_delete(admin: RestClient) -> None:
    """The stamp, the row, and what Django's own delete takes; nothing more for waiting in line."""

    def words(captured: CaptureQueriesContext, *left_out: str) -> list[str]:
        left_out = ("django_session", "auth_user", "SAVEPOINT", "pk=-1", *left_out)
        return [
            query["sql"].split()[0]
            for query in captured
            if not any(word in query["sql"] for word in left_out)
        ]

    keepers(1, 2)
    with CaptureQueriesContext(connection) as plain:
        Keeper.objects.get(id=2).delete()
    with CaptureQueriesContext(connection) as captured:
        assert_answer(admin.rest("DELETE", "Keeper(1)"), 200, OK)
    by_django = words(plain, "fourd_rest_")
    if connection.vendor == "sqlite":
        assert words(captured) == ["UPDATE", *by_django]
    assert len(words(captured)) == 1 + len(by_django)


def test_a_storage_that_fails_does_no_harm(
    admin: RestClient, registered: Any, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    registered(Animal, delete_files=True)
    animal = Animal.objects.create(id=1, name="Tiger")
    animal.report.save("a.pdf", ContentFile(b"a"))

    def fail(name: str) -> None:
        raise OSError("gone")

    monkeypatch.setattr(animal.report.storage, "delete", fail)
    with django_capture_on_commit_callbacks(execute=True):
        assert_answer(admin.rest("DELETE", "Animal(1)"), 200, OK)
    assert not Animal.objects.exists()


def test_through_a_parent_of_its_table(admin: RestClient) -> None:
    place = Place.objects.create(name="x")
    Animal.objects.create(name="Tiger", home=place)
    acme()
    assert_answer(admin.rest("DELETE", f"Place({place.pk})"), 200, OK)
    assert (Place.objects.count(), Animal.objects.count()) == (0, 0)


@pytest.mark.parametrize("params", ["$savedfilter='id = 1'", "$savedorderby=id", "$savedfilter="])
def test_a_saved_text_without_its_set(admin: RestClient, registered: Any, params: str) -> None:
    """Ignored, it would delete the whole dataclass."""
    registered(Keeper, allow_delete_all=True)
    keepers(1, 2)
    answer = admin.rest("POST", f"Keeper?$method=delete&{params}")
    text = "URL is not well formed: a saved text stands without its entity set"
    assert_answer(answer, 400, errors((1806, text)))
    assert left() == [1, 2]
