"""What takes too long is ended, and what is locked is not waited for long (D-59, D-60).

On real connections and outside of transactions: on SQLite in a file, since a database in memory knows no
other process.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL
from django.test.utils import CaptureQueriesContext

from fourd_rest import DataClass
from fourd_rest.models import EntityStamp
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, error, errors

pytestmark = pytest.mark.django_db(transaction=True)

TOO_LONG = errors((9026, "The request takes longer than is allowed"))
BUSY = errors((9010, "The database is busy"))
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    "postgresql": "SELECT COUNT(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b",
    "mysql": "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
}
SESSION = {
    "sqlite": ["PRAGMA busy_timeout"],
    "postgresql": ["SHOW statement_timeout", "SHOW lock_timeout", "SHOW jit"],
    "mysql": ["SELECT @@max_statement_time", "SELECT @@innodb_lock_wait_timeout"],
}


class Slow(DataClass):
    """Employees with a number that no database comes to know."""

    naming = "camelCase"
    names = {"id": "ID"}
    annotations = {"slow": RawSQL(f"({ENDLESS[connection.vendor]})", (), output_field=IntegerField())}
    computed = ("lazy",)


def lazy(self: Employee) -> int:
    time.sleep(0.02)
    return self.pk


@pytest.fixture
def site(transactional_db: None, tmp_path: Any) -> Iterator[None]:
    """The database of the tests, on SQLite a copy of it in a file."""
    if connection.vendor != "sqlite":
        yield
        return
    kept, name = connection.connection, connection.settings_dict["NAME"]
    file = tmp_path / "site.sqlite3"
    with sqlite3.connect(file) as target:
        kept.backup(target)
    target.close()
    connection.connection, connection.settings_dict["NAME"] = None, str(file)
    yield
    connection.close()
    connection.connection, connection.settings_dict["NAME"] = kept, name


@pytest.fixture
def staff(site: None) -> list[Employee]:
    company = Company.objects.create(pk=1, name="Acme")
    people = [
        Employee(pk=n, first_name="J", last_name=f"Last{n}", employer=company) for n in range(1, 101)
    ]
    return Employee.objects.bulk_create(people)


@pytest.fixture
def slow(registered: Any, monkeypatch: Any, staff: Any, admin: RestClient) -> RestClient:
    monkeypatch.setattr(Employee, "lazy", property(lazy), raising=False)
    registered(Employee, Slow)
    return admin


@pytest.fixture
def admin(site: None, admin: RestClient) -> RestClient:
    return admin


def session() -> list[Any]:
    """What the limits are that the connection itself has."""
    found = []
    for sql in SESSION[connection.vendor]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            found.append(cursor.fetchone()[0])
    return found


def running() -> int:
    """How many other statements the server executes for this database."""
    sql = {
        "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE state <> 'idle'"
        " AND datname = current_database() AND pid <> pg_backend_pid()",
        "mysql": "SELECT COUNT(*) FROM information_schema.processlist WHERE command = 'Query'"
        " AND db = DATABASE() AND id <> CONNECTION_ID()",
    }.get(connection.vendor)
    if sql is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def nothing_runs() -> bool:
    """Whether that is so, once a connection that was just closed is gone."""
    for _ in range(20):
        if running() == 0:
            return True
        time.sleep(0.05)
    return False


@contextmanager
def within(seconds: float, at_least: float = 0.0) -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert at_least <= time.monotonic() - begin <= seconds


def raw_connection() -> Any:
    """A connection that no limit and no transaction of the tests knows of."""
    connected = connection.copy()
    connected.connect()
    return connected


def test_wrappers_of_the_site_may_take_the_place_of_others(
    staff: Any, admin: RestClient, registered: Any
) -> None:
    """Its receivers of ``connection_created`` for one; what they have set stays."""

    def own(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(sql, params, many, context)

    class Replacing(DataClass):
        def get_queryset(self, request: Any) -> Any:
            connection.execute_wrappers = [own]
            return super().get_queryset(request)

    registered(Employee, Replacing)
    try:
        assert admin.read("Employee?$filter=id>3").status_code == 200
        assert connection.execute_wrappers == [own]
    finally:
        connection.execute_wrappers = []


# Computing


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        'Employee?$attributes=ID&$filter="slow=1"',
        'Employee?$attributes=ID&$filter="not(slow=1)"&$method=entityset',
        'Employee?$attributes=ID&$filter="employer.staff.slow=1"',
        "Employee?$attributes=ID&$orderby=slow",
        "Employee?$orderby=slow&$asArray=true",
        "Employee/slow?$compute=max",
        "Employee/slow?$distinct=true",
        "Employee:slow(1)",
        "Company?$expand=staff",
        "Company(1)?$expand=staff",
        'Company(1)/staff?$expand=staff&$method=subentityset&$filter="slow=1"',
        "Employee(1,2)",
    ],
)
def test_what_a_client_makes_the_database_compute_is_ended(
    slow: RestClient, settings: Any, path: str
) -> None:
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    before = session()
    with within(2.5, at_least=0.9):
        assert_answer(slow.read(path), 503, TOO_LONG)
    assert nothing_runs()
    assert session() == before
    # The connection is as it was.
    assert slow.read("Employee(3)/ID").json()["ID"] == 3
    assert connection.execute_wrappers == []


@pytest.mark.slow
def test_a_delete_that_takes_too_long_deletes_nothing(slow: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    with within(2.5):
        assert_answer(slow.rest("POST", 'Employee?$method=delete&$filter="slow=1"'), 503, TOO_LONG)
    assert Employee.objects.count() == 100
    assert nothing_runs()


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        'Employee?$attributes=ID&$filter="lazy=0"',
        "Employee?$attributes=ID&$orderby=lazy",
        "Employee/lazy?$compute=sum",
        "Employee/lazy?$distinct=true",
    ],
)
def test_what_a_client_makes_python_compute_is_ended(slow: RestClient, settings: Any, path: str) -> None:
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    with within(2, at_least=0.9):
        assert_answer(slow.read(path), 503, TOO_LONG)
    assert not connection.in_atomic_block


@pytest.mark.slow
def test_all_statements_of_a_read_have_one_time(slow: RestClient, settings: Any) -> None:
    """Python spends most of it, the database the rest."""
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 3}
    with within(4.5, at_least=2.9):
        answer = slow.read('Employee?$attributes=ID&$filter="lazy>0 and slow=1"')
    assert_answer(answer, 503, TOO_LONG)


def test_reads_by_key_and_plain_pages_ask_for_nothing(staff: Any, admin: RestClient) -> None:
    seen: list[int] = []

    def look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        seen.append(len(connection.execute_wrappers))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        for path in ("Employee", "Employee?$top=5&$skip=5", "Employee(3)", "Employee?$attributes=ID"):
            assert admin.read(path).status_code == 200
        assert set(seen) == {1}
        assert admin.read("Employee?$orderby=ID").status_code == 200
        assert set(seen) == {1, 2}


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor == "sqlite", reason="its transactions have no settings")
def test_nothing_outlives_a_request_in_a_transaction_of_the_site(
    slow: RestClient, settings: Any
) -> None:
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    with transaction.atomic():
        before = session()
        assert slow.read('Employee?$attributes=ID&$filter="ID>3"').status_code == 200
        assert session() == before
        assert slow.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "New"}).status_code == 200
        assert session() == before
        # Refused within, and undone to where the writer began.
        body = {"__KEY": "1", "__STAMP": 1, "name": "Newer"}
        assert slow.update("Company", body).status_code == 500
        assert session() == before
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            assert_answer(slow.read('Employee?$attributes=ID&$filter="slow=1"'), 503, TOO_LONG)
            raise ZeroDivisionError
        assert session() == before
    assert Company.objects.get().name == "New"
    assert session() == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SET LOCAL")
def test_a_narrower_limit_of_the_site_holds(slow: RestClient) -> None:
    with within(1), pytest.raises(ZeroDivisionError), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '200ms'")
        assert_answer(slow.read('Employee?$attributes=ID&$filter="slow=1"'), 503, TOO_LONG)
        raise ZeroDivisionError


@pytest.mark.skipif(connection.vendor == "sqlite", reason="its sessions have no such limit")
def test_a_narrower_limit_of_the_session_holds(slow: RestClient) -> None:
    """Also one that was set after a request that had none."""
    assert slow.read('Employee?$attributes=ID&$filter="ID>3"').status_code == 200
    name, value = {
        "postgresql": ("statement_timeout", "'200ms'"),
        "mysql": ("SESSION max_statement_time", "0.2"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"SET {name} = {value}")
    try:
        before = session()
        with within(1):
            assert_answer(slow.read('Employee?$attributes=ID&$filter="slow=1"'), 503, TOO_LONG)
        assert session() == before
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SET {name} = 0")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="messages of PostgreSQL")
def test_an_update_takes_no_message_more(staff: Any, admin: RestClient) -> None:
    """What limits it travels with the first statement of its transaction."""
    first = {"__KEY": "1", "__STAMP": 1, "firstName": "Jack"}
    assert admin.update("Employee", first).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        second = {"__KEY": "1", "__STAMP": 2, "firstName": "Joe"}
        assert admin.update("Employee", second).status_code == 200
    told = [query["sql"] for query in captured.captured_queries if "set_config" in query["sql"]]
    assert len(told) == 1
    assert """set_config('jit', 'off', true); UPDATE "hr_employee" SET""" in told[0]


# Waiting


@contextmanager
def locked(key: int = 1) -> Iterator[None]:
    """Somebody else has the row of the employee and that of its stamp; on SQLite, the database."""
    other = raw_connection()
    try:
        with other.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                other.set_autocommit(False)
                cursor.execute(f"UPDATE hr_employee SET salary = 1 WHERE id = {key}")
                cursor.execute("UPDATE hr_company SET name = 'Locked' WHERE id = 1")
                cursor.execute(
                    "UPDATE fourd_rest_entitystamp SET stamp = 7 WHERE dataclass = 'hr.company'"
                )
        yield
    finally:
        other.connection.rollback()
        other.close()


def employee(key: int = 1, **values: Any) -> dict[str, Any]:
    return {"__KEY": str(key), "__STAMP": 1, "salary": 5, **values}


BUSY_ENTITY = error(9010, "The database is busy")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Employee?$method=update", employee()),
        ("Employee?$method=update&$atomic=true", [employee()]),
        ("Employee?$method=update", [employee(key) for key in range(1, 9)]),
        ("Employee(1)?$method=delete", None),
        ('Employee?$method=delete&$filter="ID=1"', None),
        ("Company?$method=update", {"__KEY": "1", "__STAMP": 1, "name": "New"}),
    ],
    ids=["update", "atomic", "batch", "delete", "delete by filter", "side table"],
)
def test_a_locked_row_is_not_waited_for_long(
    staff: Any, admin: RestClient, settings: Any, path: str, body: Any
) -> None:
    settings.FOURD_REST = {"MAX_LOCK_WAIT": 1}
    EntityStamp.objects.get_or_create(dataclass="hr.company", key="1")
    before = session()
    with locked(), within(2.5, at_least=0.8):
        answer = admin.rest("POST", path, body)
    assert_answer(answer, 503, BUSY, {"Retry-After": "1"})
    assert session() == before
    assert nothing_runs()
    assert Employee.objects.filter(salary=None).count() == 100
    answer = admin.rest("POST", path, body)
    assert answer.status_code == 200, answer.content


@pytest.mark.slow
def test_an_array_waits_once(staff: Any, admin: RestClient, settings: Any) -> None:
    """The patience is the request's, not that of each of its entities."""
    settings.FOURD_REST = {"MAX_LOCK_WAIT": 1}
    with locked(), within(3, at_least=0.8):
        answer = admin.update("Employee", [employee(), employee(2), employee(1, firstName="x")])
    if connection.vendor == "sqlite":  # its lock is that of all rows, and nothing was saved
        assert_answer(answer, 503, BUSY, {"Retry-After": "1"})
        return
    told = [
        [item["errCode"] for item in entity.get("__ERROR", ())] for entity in answer.json()["__ENTITIES"]
    ]
    assert told == [[9010, 1517], [], [9010, 1517]]
    assert answer.status_code == 500


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="others lock rows")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("$upload?$binary=true", b"x" * 10),
        ("Employee?$method=entityset", None),
        ("Employee(1)/cv", b"x"),
    ],
)
def test_rows_of_this_app_are_not_waited_for_long(
    staff: Any, admin: RestClient, settings: Any, path: str, body: Any
) -> None:
    settings.FOURD_REST = {"MAX_LOCK_WAIT": 1}
    with locked(), within(2.5, at_least=0.8):
        answer = admin.rest("GET" if body is None else "POST", path, body)
    assert_answer(answer, 503, BUSY, {"Retry-After": "1"})
    assert session() == [20_000]


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="busy_timeout")
def test_a_driver_that_waits_less_is_left_alone(staff: Any, admin: RestClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 500")
    with locked(), within(1.5, at_least=0.4):
        assert_answer(admin.update("Employee", employee()), 503, BUSY, {"Retry-After": "1"})
    assert session() == [500]
