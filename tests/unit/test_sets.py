"""Entity sets: their life from creation to clean-up (``requests.md`` 6.4, D-20)."""

from __future__ import annotations

import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, connections
from django.db.models import QuerySet
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.registry import registry
from fourd_rest.entity_sets import lifecycle, members
from fourd_rest.errors import RestError
from fourd_rest.models import EntitySet, EntitySetChunk, EntityStamp
from fourd_rest.read.selection import Selection
from fourd_rest.read.sets import keep
from testproject.hr.models import Company, Employee
from tests.zoo.models import Country, Parcel, Place

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 5, 12, 10, 0, tzinfo=UTC)


class Clock:
    """The time of the tests, which passes only when told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: Any) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


def caller(user: Any = None, address: str = "192.0.2.1") -> Caller:
    request = RequestFactory(REMOTE_ADDR=address).get("/rest/")
    request.user = user or AnonymousUser()
    return Caller(request, "/rest", "http://testserver")


@pytest.fixture
def anna() -> Caller:
    return caller(User.objects.create_user("anna"))


@pytest.fixture
def bert() -> Caller:
    return caller(User.objects.create_user("bert"))


@pytest.fixture
def employees() -> DataClass:
    return registry.for_model(Employee)


@pytest.fixture
def companies() -> DataClass:
    return registry.for_model(Company)


def staff(count: int) -> list[int]:
    """The keys of ``count`` employees, by key."""
    people = [Employee(first_name=f"{n % 7}", last_name=f"{n:06}", salary=n) for n in range(count)]
    Employee.objects.bulk_create(people)
    return list(Employee.objects.order_by("pk").values_list("pk", flat=True))


def selection(who: Caller, dataclass: DataClass, *order: str, rows: Any = None) -> Selection:
    rows = dataclass.get_queryset(who.request) if rows is None else rows
    return Selection(who, dataclass, rows, (*order, "pk"), is_sorted=bool(order))


def kept(who: Caller, dataclass: DataClass, keys: Any, **options: Any) -> EntitySet:
    options = {"timeout": None, "is_sorted": False, **options}
    return lifecycle.create(who, dataclass, keys, **options)


def refused(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[int, int, str]:
    """Code, status and message of the error that the call ends in."""
    with pytest.raises(RestError) as raised:
        function(*arguments, **options)
    (item,) = raised.value.items
    return item.row.code, raised.value.status, item.message


def not_found(set_id: str) -> tuple[int, int, str]:
    return 1802, 404, f'The "{set_id}" entity set cannot be found'


def statements(run: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        run()
    return [query["sql"] for query in captured.captured_queries]


# Creation


def test_create(anna: Caller, employees: DataClass) -> None:
    keys = staff(9)
    made = keep(selection(anna, employees, "-last_name"), timeout=None)
    row = EntitySet.objects.get()
    assert row == made
    assert (row.model, row.dataclass) == ("hr.employee", "Employee")
    assert (row.owner, row.address) == (anna.request.user, "192.0.2.1")
    assert (row.size, row.is_sorted, row.timeout) == (9, True, 7200)
    assert (row.created, row.refreshed) == (NOW, NOW)
    assert row.expires == NOW + timedelta(seconds=7260)
    assert row.pk == uuid.UUID(row.pk).hex.upper()
    assert members.keys(row) == keys[::-1]
    assert lifecycle.uri(anna, employees, row) == f"/rest/Employee/$entityset/{row.pk}"


def test_create_of_nothing(anna: Caller, employees: DataClass) -> None:
    made = keep(selection(anna, employees), timeout=None)
    assert (made.size, made.is_sorted, members.keys(made)) == (0, False, [])
    assert EntitySetChunk.objects.count() == 0
    assert lifecycle.page(anna, employees, made.pk, 0, 10) == (made, [])


def test_create_in_a_fixed_number_of_statements(anna: Caller, employees: DataClass) -> None:
    counts = set()
    for count in (2, 1500):
        staff(count)
        made = statements(lambda: keep(selection(anna, employees), timeout=None))
        counts.add(len([sql for sql in made if not sql.startswith(("SAVEPOINT", "RELEASE"))]))
    # The quota, the keys, the set, its chunks.
    assert counts == {4}


def test_statements_of_a_bounded_length(anna: Caller, employees: DataClass, monkeypatch: Any) -> None:
    # Chunks of 5,001 characters each.
    monkeypatch.setattr(members, "_STATEMENT", 10_002)
    made = statements(lambda: kept(anna, employees, range(1000, 6000)))
    assert len([sql for sql in made if "entitysetchunk" in sql and sql.startswith("INSERT")]) == 3


@pytest.mark.parametrize(
    ("asked", "lives"),
    [(None, 7200), (1, 1), (600, 600), (0, 86_400), (86_401, 86_400), (10**12, 86_400)],
)
def test_timeout(anna: Caller, employees: DataClass, asked: int | None, lives: int) -> None:
    assert kept(anna, employees, [1], timeout=asked).timeout == lives


def test_default_timeout_is_capped(anna: Caller, employees: DataClass, settings: Any) -> None:
    settings.FOURD_REST = {"ENTITY_SET_TIMEOUT": 500, "MAX_ENTITY_SET_TIMEOUT": 100}
    assert kept(anna, employees, [1]).timeout == 100


def test_negative_timeout(anna: Caller, employees: DataClass) -> None:
    told = (1806, 400, "URL is not well formed: $timeout must not be negative")
    assert refused(kept, anna, employees, [1], timeout=-1) == told


def test_too_many_members(anna: Caller, employees: DataClass, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SET_SIZE": 4}
    staff(4)
    assert keep(selection(anna, employees), timeout=None).size == 4
    staff(1)
    told = (9025, 413, "The request is for more than 4 entities")
    assert refused(keep, selection(anna, employees), timeout=None) == told
    assert refused(kept, anna, employees, range(5)) == told
    assert EntitySet.objects.count() == 1


# Pages


def test_page(anna: Caller, employees: DataClass) -> None:
    keys = list(range(5000, 2500, -1))
    made = kept(anna, employees, keys)
    assert [len(chunk) for chunk in members.chunks(made)] == [1000, 1000, 500]
    for skip, size in [
        (0, 1),
        (0, 100),
        (0, 1000),
        (1, 1000),
        (999, 1),
        (999, 2),
        (1000, 1000),
        (500, 2000),
        (2499, 1),
        (2450, 100),
        (2500, 10),
        (10**9, 10),
        (0, 10_000),
        (5, 0),
        (5, -1),
    ]:
        found, shown = lifecycle.page(anna, employees, made.pk, skip, size)
        assert found == made
        assert (found.size, found.owner_id) == (2500, anna.request.user.pk)
        assert shown == keys[skip : skip + max(0, size)], (skip, size)
    assert lifecycle.page(anna, employees, made.pk, -5, 2)[1] == keys[:2]


def test_page_reads_its_own_chunks(anna: Caller, employees: DataClass, clock: Clock) -> None:
    made = kept(anna, employees, range(5000))
    (sql,) = statements(lambda: lifecycle.page(anna, employees, made.pk, 1990, 20))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert len(cursor.fetchall()) == 2
    clock.passes(100)
    assert len(statements(lambda: lifecycle.page(anna, employees, made.pk, 0, 20))) == 2


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (Country, ["DE", "de", "dé", "D'E", 'D"E', "D\\E", "DE ", "12", "日本"]),
        (Parcel, [uuid.uuid4() for _ in range(5)]),
        (Company, [1, -1, 2**31 - 1, 2**63 - 1]),
    ],
)
def test_keys_of_every_type(anna: Caller, model: Any, keys: list[Any]) -> None:
    dataclass = registry.for_model(model)
    made = kept(anna, dataclass, iter(keys))
    assert lifecycle.page(anna, dataclass, made.pk, 1, 3)[1] == keys[1:4]
    assert members.keys(made) == keys
    assert type(members.keys(made)[0]) is type(keys[0])
    assert [members.position(made, key) for key in keys] == list(range(len(keys)))


# Access


def test_spellings_of_an_id(anna: Caller, employees: DataClass) -> None:
    made = kept(anna, employees, [1])
    identity = uuid.UUID(made.pk)
    for spelling in (made.pk, identity.hex, str(identity), str(identity).upper()):
        assert lifecycle.find(anna, employees, spelling) == made


@pytest.mark.parametrize(
    "text",
    ["", "0", "$none", "G" * 32, "A" * 31, "A" * 33, "{" + "A" * 32 + "}", "٣" * 32, "A" * 32 + "\n"],
)
def test_malformed_ids(anna: Caller, employees: DataClass, text: str) -> None:
    assert refused(lifecycle.find, anna, employees, text)[:2] == (1802, 404)
    assert refused(kept, anna, employees, [1], identity=text)[:2] == (1802, 404)
    assert not EntitySet.objects.exists()


def test_sets_of_others(anna: Caller, bert: Caller, employees: DataClass) -> None:
    hers, guests = kept(anna, employees, [1]), kept(caller(), employees, [2])
    for who in (bert, caller()):
        assert refused(lifecycle.find, who, employees, hers.pk) == not_found(hers.pk)
        assert refused(lifecycle.page, who, employees, hers.pk, 0, 10) == not_found(hers.pk)
    for who in (anna, bert, caller(), caller(address="203.0.113.9")):
        assert lifecycle.page(who, employees, guests.pk, 0, 10) == (guests, [2])


def test_sets_of_a_deleted_user(anna: Caller, bert: Caller, employees: DataClass) -> None:
    made = kept(anna, employees, [1])
    anna.request.user.delete()
    assert EntitySet.objects.count() == 1
    for who in (bert, caller()):
        assert refused(lifecycle.find, who, employees, made.pk) == not_found(made.pk)


def test_sets_of_another_dataclass(anna: Caller, employees: DataClass, companies: DataClass) -> None:
    made = kept(anna, employees, [1])
    assert refused(lifecycle.find, anna, companies, made.pk) == not_found(made.pk)
    anna.request.user.user_permissions.add(Permission.objects.get(codename="view_employee"))
    who = caller(User.objects.get(username="anna"))
    told = f'The "{made.pk}" entity set does not belong to the "Company" dataclass'
    assert refused(lifecycle.find, who, companies, made.pk) == (1803, 404, told)
    assert refused(kept, who, companies, [1], identity=made.pk) == (1803, 404, told)


def test_a_dataclass_of_another_name(employees: DataClass, registered: Any) -> None:
    root = caller(User.objects.create_superuser("root"))
    made = kept(root, employees, [1])
    people = registered(Employee, name="People")
    assert refused(lifecycle.find, root, people, made.pk) == not_found(made.pk)
    # Another model under the old name.
    company = registered(Company, name="Employee")
    for dataclass in (company, registry.for_model(Country)):
        assert refused(lifecycle.find, root, dataclass, made.pk) == not_found(made.pk)


# Life


@pytest.mark.parametrize(("timeout", "slack"), [(1, 1), (5, 1), (50, 5), (600, 60), (7200, 60)])
def test_expiry(anna: Caller, employees: DataClass, clock: Clock, timeout: int, slack: int) -> None:
    made = kept(anna, employees, [1], timeout=timeout)
    # However rarely it is written, each use gives the whole timeout.
    for pause in (0.3 * slack, 0.3 * slack, 0.3 * slack, 0.3 * slack, timeout, timeout, timeout):
        clock.passes(pause)
        assert lifecycle.find(anna, employees, made.pk) == made
    clock.passes(timeout + slack - 0.001)
    EntitySet.objects.update(refreshed=clock.now)  # so that this use does not renew
    lifecycle.find(anna, employees, made.pk)
    clock.passes(0.001)
    assert refused(lifecycle.find, anna, employees, made.pk) == not_found(made.pk)
    assert refused(lifecycle.page, anna, employees, made.pk, 0, 1) == not_found(made.pk)


def test_renewal_is_rarely_written(anna: Caller, employees: DataClass, clock: Clock) -> None:
    made = kept(anna, employees, [1], timeout=600)
    writes = []
    for second in range(180):
        clock.passes(1)
        used = statements(lambda: lifecycle.page(anna, employees, made.pk, 0, 1))
        if len(used) > 1:
            assert [sql.split()[0] for sql in used] == ["SELECT", "UPDATE"]
            writes.append(second + 1)
    assert writes == [60, 120, 180]
    made.refresh_from_db()
    assert made.refreshed == clock.now
    assert made.expires == clock.now + timedelta(seconds=660)


@pytest.mark.django_db(transaction=True)
def test_a_renewal_that_must_wait(
    anna: Caller, employees: DataClass, clock: Clock, monkeypatch: Any
) -> None:
    made = kept(anna, employees, [1], timeout=600)
    clock.passes(60)
    trouble = OperationalError("database is locked")

    def update(self: Any, **values: Any) -> int:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "update", update)
        found, shown = lifecycle.page(anna, employees, made.pk, 0, 1)
        assert (shown, found.refreshed) == ([1], NOW)
        trouble = OperationalError("disk I/O error")
        with pytest.raises(OperationalError):
            lifecycle.find(anna, employees, made.pk)
    assert lifecycle.find(anna, employees, made.pk).refreshed == clock.now


# Quota


def test_quota(anna: Caller, bert: Caller, employees: DataClass, settings: Any, clock: Clock) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SETS_PER_OWNER": 2}
    first = kept(anna, employees, [1], timeout=600)
    clock.passes(0.5)
    kept(anna, employees, [1], timeout=700)
    clock.passes(100)
    with pytest.raises(RestError) as raised:
        kept(anna, employees, [1])
    (item,) = raised.value.items
    assert (item.row.code, raised.value.status) == (9023, 429)
    assert raised.value.retry_after == 560  # 559.5 are left
    kept(bert, employees, [1])
    kept(caller(), employees, [1])
    clock.passes(559.4)
    with pytest.raises(RestError) as raised:
        kept(anna, employees, [1])
    assert raised.value.retry_after == 1
    clock.passes(0.1)
    kept(anna, employees, [1])
    lifecycle.release(anna, [first.pk])
    assert EntitySet.objects.count() == 4


def test_quota_of_guests(employees: DataClass, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SETS_PER_OWNER": 1}
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", ""):
        kept(caller(address=address), employees, [1])
        assert refused(kept, caller(address=address), employees, [1])[0] == 9023


def test_quota_of_members(anna: Caller, employees: DataClass, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SET_MEMBERS_PER_OWNER": 5}
    kept(anna, employees, range(4))
    second = kept(anna, employees, range(3))
    assert refused(kept, anna, employees, [1])[0] == 9023
    lifecycle.release(anna, [second.pk])
    kept(anna, employees, [1])
    assert refused(kept, anna, employees, [])[0] == 9023


def test_release_makes_room(anna: Caller, employees: DataClass, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SETS_PER_OWNER": 1}
    for _ in range(3):
        lifecycle.release(anna, [kept(anna, employees, [1]).pk])


# Rebuilding


def test_rebuild(anna: Caller, employees: DataClass, clock: Clock) -> None:
    made = kept(anna, employees, range(2500), timeout=10)
    clock.passes(11)
    again = kept(anna, employees, [7, 8], timeout=600, is_sorted=True, identity=made.pk.lower())
    assert again.pk == made.pk
    assert lifecycle.page(anna, employees, made.pk, 0, 10) == (again, [7, 8])
    assert (again.size, again.is_sorted, again.timeout, again.created) == (2, True, 600, clock.now)
    assert EntitySetChunk.objects.count() == 1


def test_rebuild_of_what_is_gone(anna: Caller, employees: DataClass) -> None:
    # An ID that this server cannot have given; some databases refuse it as a UUID.
    identity = "0123456789abcdef0123456789ABCDEF"
    assert kept(anna, employees, [3], identity=identity).pk == identity.upper()
    assert kept(anna, employees, [4], identity=uuid.UUID(identity)).pk == identity.upper()
    # What is there is not replaced: somebody may have changed it since.
    assert lifecycle.page(anna, employees, identity, 0, 9)[1] == [3]


def test_rebuild_of_what_is_somebody_elses(
    anna: Caller, bert: Caller, employees: DataClass, clock: Clock
) -> None:
    made = kept(anna, employees, [1], timeout=10)
    assert refused(kept, bert, employees, [2], identity=made.pk) == not_found(made.pk)
    assert lifecycle.page(anna, employees, made.pk, 0, 9)[1] == [1]
    clock.passes(60)
    assert kept(bert, employees, [2], identity=made.pk).owner_id == bert.request.user.pk
    assert refused(lifecycle.find, anna, employees, made.pk) == not_found(made.pk)


def test_rebuild_by_two_at_once(anna: Caller, employees: DataClass, monkeypatch: Any) -> None:
    identity, save = "A" * 32, EntitySet.save

    def be_late(self: EntitySet, **options: Any) -> None:
        monkeypatch.setattr(EntitySet, "save", save)
        kept(anna, employees, [1], identity=identity)
        save(self, **options)

    monkeypatch.setattr(EntitySet, "save", be_late)
    assert kept(anna, employees, [2], identity=identity).pk == identity
    # Here the other one's is rolled back with ours; ``test_set_races.py`` has real ones.
    assert lifecycle.page(anna, employees, identity, 0, 9)[1] == [2]


def test_rebuild_that_is_never_the_first(
    anna: Caller, employees: DataClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(self: EntitySet, **options: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(EntitySet, "save", late)
    assert refused(kept, anna, employees, [1], identity="A" * 32)[:2] == (9010, 503)
    # A new set has an ID of its own: this is no race.
    with pytest.raises(IntegrityError):
        kept(anna, employees, [1])


# Two databases


class ElsewhereRouter:
    """Keeps countries, and their sets, on a database of their own."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if model is Country else None

    db_for_write = db_for_read


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Iterator[str]:
    """A second database, which has no users. In a file: Django closes none that is in memory."""
    alias = "elsewhere"
    connections.databases[alias] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tmp_path / "elsewhere.sqlite3",
        "OPTIONS": {},
    }
    settings.DATABASE_ROUTERS = [ElsewhereRouter()]
    connections[alias].connect()  # before Django's own tests ask whether they may
    with connections[alias].schema_editor() as editor:
        for model in (Country, EntityStamp, EntitySet, EntitySetChunk):
            editor.create_model(model)
    yield alias
    connections[alias].close()
    del connections[alias]
    del connections.databases[alias]


def test_two_databases(
    anna: Caller, bert: Caller, employees: DataClass, elsewhere: str, clock: Clock
) -> None:
    countries = registry.for_model(Country)
    Country.objects.bulk_create(Country(code=code, name=code) for code in ("A", "B", "C"))
    made = keep(selection(anna, countries, "-name"), timeout=10)
    assert not EntitySet.objects.exists()
    assert EntitySet.objects.using(elsewhere).get().owner_id == anna.request.user.pk
    assert lifecycle.page(anna, countries, made.pk, 1, 5)[1] == ["B", "A"]
    assert members.keys(lifecycle.edit(made, remove=0)) == ["B", "A"]
    assert Country.objects.filter(members.contains(made)).count() == 2
    # Told like any other set of another dataclass.
    assert refused(lifecycle.find, anna, employees, made.pk) == not_found(made.pk)
    anna.request.user.user_permissions.add(Permission.objects.get(codename="view_country"))
    who = caller(User.objects.get(username="anna"))
    assert refused(lifecycle.find, who, employees, made.pk)[:2] == (1803, 404)
    assert refused(lifecycle.find, bert, employees, made.pk) == not_found(made.pk)
    here = kept(anna, employees, [1])
    lifecycle.release(anna, [made.pk, here.pk])
    assert not EntitySet.objects.using(elsewhere).exists()
    assert not EntitySet.objects.exists()
    kept(anna, employees, [1], timeout=10)
    kept(anna, countries, ["A"], timeout=10)
    clock.passes(11)
    assert lifecycle.sweep() == 2


def test_a_set_that_is_on_no_database(anna: Caller, employees: DataClass, elsewhere: str) -> None:
    assert refused(lifecycle.find, anna, employees, "A" * 32) == not_found("A" * 32)


# Size


@pytest.mark.slow
def test_a_large_set(anna: Caller) -> None:
    size, places = 100_000, registry.for_model(Place)
    for start in range(0, size, 20_000):
        Place.objects.bulk_create(
            Place(name="a", capacity=-number) for number in range(start, start + 20_000)
        )
    chosen = selection(anna, places, "capacity")
    tracemalloc.start()
    made = keep(chosen, timeout=None)
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The keys as text take 0.7 MB; a list of them 4, a list of entities 100. MariaDB's driver has
    # the whole answer in memory.
    assert grown < (25 if connection.vendor == "mysql" else 3) * 10**6
    keys = list(Place.objects.order_by("capacity").values_list("pk", flat=True))
    assert made.size == size
    for skip in (0, 50_050, 99_900):
        (sql,) = statements(lambda skip=skip: lifecycle.page(anna, places, made.pk, skip, 100))
        assert lifecycle.page(anna, places, made.pk, skip, 100)[1] == keys[skip : skip + 100]
        with connection.cursor() as cursor:
            cursor.execute(sql)
            assert len(cursor.fetchall()) == 1
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' * (connection.vendor == 'sqlite')}{sql}")
            plan = "\n".join(map(str, cursor.fetchall()))
        wanted = {
            "sqlite": "(entity_set_id=? AND number>? AND number<?)",
            "postgresql": "using fourd_rest_one_chunk",
            "mysql": "fourd_rest_one_chunk",
        }
        assert wanted[connection.vendor] in plan, plan
    assert members.keys(made) == keys
    half = kept(anna, places, keys[::2])
    assert Place.objects.filter(members.contains(half)).count() == size // 2
    assert Place.objects.filter(members.contains(half), capacity__gt=-1000).count() == 500
    lifecycle.release(anna, [made.pk, half.pk])
    assert EntitySetChunk.objects.count() == 0


# Membership and algebra


def test_contains(anna: Caller, employees: DataClass) -> None:
    keys = staff(2100)
    made = kept(anna, employees, [*keys[1500:2050], *keys[:1000:2], 10**9])
    inside = Employee.objects.filter(members.contains(made))
    assert sorted(inside.values_list("pk", flat=True)) == [*keys[:1000:2], *keys[1500:2050]]
    assert len(statements(lambda: list(inside))) == 1
    assert inside.query.sql_with_params()[1] == (made.pk,)
    assert Employee.objects.exclude(members.contains(made)).count() == 1050
    company = Company.objects.create(name="x")
    Employee.objects.filter(pk=keys[0]).update(employer=company)
    assert list(Company.objects.filter(members.contains(made, "staff__pk"))) == [company]


def test_contains_texts_and_uuids(anna: Caller) -> None:
    codes = ["DE", "né", "12", "D'E", "日本", "FR "]
    Country.objects.bulk_create(Country(code=code, name=code) for code in codes)
    made = kept(anna, registry.for_model(Country), ["DE", "NÉ", "12", "d'e", "日本", "FR"])
    inside = Country.objects.filter(members.contains(made))
    assert sorted(inside.values_list("pk", flat=True)) == ["12", "DE", "日本"]
    parcels = [Parcel.objects.create(country_id="DE").pk for _ in range(3)]
    made = kept(anna, registry.for_model(Parcel), parcels[1:])
    inside = Parcel.objects.filter(members.contains(made))
    assert set(inside.values_list("pk", flat=True)) == set(parcels[1:])
    assert list(Country.objects.filter(members.contains(made, "parcels__pk")).distinct()) == [
        Country.objects.get(code="DE")
    ]


@pytest.mark.parametrize(
    ("operator", "result"),
    [
        ("AND", [5, 3]),
        ("or", [9, 5, 3, 7, 1]),
        ("Except", [9]),
    ],
)
def test_combine(operator: str, result: list[int]) -> None:
    assert members.combine([9, 5, 3], [3, 7, 5, 1], operator) == result
    assert members.combine([], [], operator) == []


def test_a_common_member() -> None:
    assert members.have_common([9, 5, 3], [3, 7])
    assert not members.have_common([9], [1])
    assert not members.have_common([], [])


def test_combine_with_another_operator() -> None:
    told = (1818, 500, '"xor" is not a valid logical operator')
    assert refused(members.combine, [], [], "xor") == told


def test_position(anna: Caller, employees: DataClass) -> None:
    made = kept(anna, employees, range(10, 2210))
    found = [members.position(made, key) for key in (9, 10, 1009, 1010, 2209, 2210)]
    assert found == [-1, 0, 999, 1000, 2199, -1]


# Change


def test_remove(anna: Caller, employees: DataClass) -> None:
    keys = list(range(2201))
    made = kept(anna, employees, keys, is_sorted=True)
    for place in (2200, 1000, 999, 0, 2000):
        keys.pop(min(place, len(keys) - 1))
        made = lifecycle.edit(made, remove=min(place, made.size - 1))
        assert members.keys(made) == keys
    assert [len(chunk) for chunk in members.chunks(made)] == [1000, 1000, 196]
    found = EntitySet.objects.get()
    assert (found.size, found.is_sorted) == (2196, True)
    told = (1806, 400, "URL is not well formed: $removeFromSet is no position in the entity set")
    assert refused(lifecycle.edit, made, remove=2196) == told
    assert refused(lifecycle.edit, made, remove=-1) == told
    assert members.keys(made) == keys


def test_remove_the_last(anna: Caller, employees: DataClass) -> None:
    made = lifecycle.edit(kept(anna, employees, [4]), remove=0)
    assert (made.size, members.keys(made), EntitySetChunk.objects.count()) == (0, [], 0)


def test_add(anna: Caller, employees: DataClass, clock: Clock) -> None:
    made = kept(anna, employees, range(999), is_sorted=True, timeout=100)
    clock.passes(90)
    made = lifecycle.edit(made, add=[5])
    assert (made.size, made.is_sorted) == (999, True)
    made = lifecycle.edit(made, add=[2000, 5, 3000, 2000])
    assert members.keys(made) == [*range(999), 2000, 3000]
    found = EntitySet.objects.get()
    assert (found.size, found.is_sorted, found.expires) == (1001, False, NOW + timedelta(seconds=200))
    assert members.keys(lifecycle.edit(made, add=[4000], remove=0)) == [*range(1, 999), 2000, 3000, 4000]


def test_add_too_many(anna: Caller, employees: DataClass, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SET_SIZE": 3}
    made = kept(anna, employees, [1, 2])
    assert refused(lifecycle.edit, made, add=[3, 4])[0] == 9025
    assert members.keys(made) == [1, 2]
    assert lifecycle.edit(made, add=[3, 1]).size == 3


def test_edit_of_what_is_gone(anna: Caller, employees: DataClass, clock: Clock) -> None:
    made = kept(anna, employees, [1], timeout=10)
    clock.passes(11)
    assert refused(lifecycle.edit, made, remove=0) == not_found(made.pk)


# End


def test_release(anna: Caller, bert: Caller, employees: DataClass, companies: DataClass) -> None:
    hers = [kept(anna, employees, range(1500)), kept(anna, companies, [1]), kept(anna, employees, [2])]
    his, guests = kept(bert, employees, [3]), kept(caller(), employees, [4])
    ids = [hers[0].pk.lower(), hers[1].pk, his.pk, guests.pk, "no ID", "A" * 32, 7, None, [], {}]
    lifecycle.release(anna, ids)
    assert set(EntitySet.objects.all()) == {hers[2], his}
    assert EntitySetChunk.objects.count() == 2
    lifecycle.release(caller(), [his.pk, hers[2].pk])
    lifecycle.release(anna, [])
    assert EntitySet.objects.count() == 2
    assert statements(lambda: lifecycle.release(anna, ["no ID"])) == []


def test_release_of_many(anna: Caller, employees: DataClass) -> None:
    ids = [kept(anna, employees, [1]).pk for _ in range(3)]
    lifecycle.release(anna, [*ids, *(uuid.uuid4().hex for _ in range(3000))])
    assert not EntitySet.objects.exists()


def test_sweep(anna: Caller, employees: DataClass, clock: Clock, monkeypatch: Any) -> None:
    monkeypatch.setattr(lifecycle, "_DROPPED_SETS", 2)
    for _ in range(5):
        kept(anna, employees, range(1100), timeout=10)
    stays = kept(anna, employees, range(1100), timeout=100)
    clock.passes(10.999)
    assert lifecycle.sweep() == 0
    clock.passes(0.001)
    assert lifecycle.sweep() == 5
    assert list(EntitySet.objects.all()) == [stays]
    assert EntitySetChunk.objects.count() == 2
    assert lifecycle.sweep() == 0


def test_sweep_beside_a_rebuild(
    anna: Caller, employees: DataClass, clock: Clock, monkeypatch: Any
) -> None:
    made = kept(anna, employees, [1], timeout=10)
    clock.passes(11)
    batches = lifecycle._batches

    def rebuild_first(rows: Any) -> Any:
        if rows:
            kept(anna, employees, [2, 3], identity=made.pk)
        return batches(rows)

    monkeypatch.setattr(lifecycle, "_batches", rebuild_first)
    assert lifecycle.sweep() == 0
    assert lifecycle.page(anna, employees, made.pk, 0, 9)[1] == [2, 3]


def test_cleanup(anna: Caller, employees: DataClass, clock: Clock, capsys: Any) -> None:
    kept(anna, employees, [1], timeout=10)
    clock.passes(11)
    call_command("fourd_cleanup")
    assert capsys.readouterr().out.endswith(", 1 entity sets\n")
    assert not EntitySet.objects.exists()


def test_batches_of_a_sweep(monkeypatch: Any) -> None:
    monkeypatch.setattr(lifecycle, "_DROPPED_SETS", 3)
    monkeypatch.setattr(lifecycle, "_DROPPED_MEMBERS", 100)
    rows = [("a", 60), ("b", 40), ("c", 1), ("d", 500), ("e", 0), ("f", 0), ("g", 0), ("h", 0)]
    batches = [["a", "b"], ["c"], ["d"], ["e", "f", "g"], ["h"]]
    assert list(lifecycle._batches(rows)) == batches
    assert list(lifecycle._batches([])) == []
