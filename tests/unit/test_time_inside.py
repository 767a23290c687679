"""Behind ``tests/spec/test_time.py``: what HTTP alone does not show."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL

from fourd_rest import DataClass
from fourd_rest.entity_sets import lifecycle
from fourd_rest.sql import guards, limits, watch
from fourd_rest.sql.database_errors import is_overdue
from fourd_rest.sql.transactions import write_transaction
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer
from tests.spec.test_time import TOO_LONG, admin, session, site, staff, within

__all__ = ["admin", "site", "staff"]

pytestmark = pytest.mark.django_db(transaction=True)


# What a handler is called in


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a progress handler")
def test_steps_are_counted_from_one_statement_to_the_next(
    staff: Any, admin: RestClient, settings: Any, registered: Any, monkeypatch: Any
) -> None:
    """SQLite may call the handler in a statement of our own, or in a COMMIT long after the last one."""

    class Slowly(DataClass):
        def save_model(self, request: Any, obj: Any, change: bool) -> None:
            super().save_model(request, obj, change)
            time.sleep(1.1)

    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    registered(Company, Slowly)
    monkeypatch.setattr(guards, "_STEPS", 1)
    for path in ("Employee?$orderby=lastName", "Employee?$filter=ID>3&$method=entityset"):
        assert admin.read(path).status_code == 200
    answer = admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "New"})
    assert answer.status_code == 200, answer.content
    assert Company.objects.get().name == "New"


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="no other calls Python")
def test_long_texts_are_folded_no_longer_than_is_allowed(site: None, settings: Any) -> None:
    """A look at the clock after so many steps of SQLite's machine would come after all of them."""
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    sql = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
        SELECT MAX(fourd_fold(REPLACE(HEX(ZEROBLOB(250000)), '0', 'ü') || i)) FROM n
    """
    with within(2.5, at_least=0.9), limits.RequestLimits(), limits.reading():
        with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
            cursor.execute(sql)
        assert is_overdue(caught.value)
    # Neither the connection nor what no request limits is ended.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT LENGTH(fourd_fold({'ü' * 500_000!r}))")
        assert cursor.fetchone() == (500_000,)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="busy_timeout")
def test_a_statement_that_sets_the_waiting_is_not_ended(site: None, settings: Any) -> None:
    """The time that is over is that of the statement before; some thousand uses are one look at it."""
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    with limits.RequestLimits():
        limits.writing()
        (guard,) = connection.execute_wrappers
        assert Company.objects.count() == 0
        for number in range(20_000):
            guard._ends = 0.0
            guard._set_wait(1000 + number % 2)
    assert session() == [20_000]


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="cursors of PostgreSQL")
@pytest.mark.parametrize("binding", [False, True])
def test_rows_that_are_fetched_bit_by_bit(staff: Any, settings: Any, binding: bool) -> None:
    """Neither the first rows nor the later ones are waited for; whatever binds the parameters."""
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 1}
    connection.close()
    connection.settings_dict["OPTIONS"]["server_side_binding"] = binding
    try:
        # A third of a second each, two at a time.
        wait = RawSQL(
            "(SELECT 1 FROM pg_sleep(0.3 + 0 * hr_employee.id))", (), output_field=IntegerField()
        )
        rows = Employee.objects.annotate(wait=wait).filter(wait=1, pk__gt=0).values_list("pk")
        with within(2, at_least=0.9), limits.RequestLimits(), limits.reading():
            with pytest.raises(Exception) as caught, limits.streaming("default"):
                for _ in rows.iterator(2):
                    limits.check()
            assert is_overdue(caught.value) or "longer" in str(caught.value)
            assert not connection.in_atomic_block
        with within(2, at_least=0.9), limits.RequestLimits(), limits.reading():
            with pytest.raises(Exception) as caught:
                list(rows)
            assert is_overdue(caught.value)
        with limits.RequestLimits(), limits.reading():
            assert list(Employee.objects.filter(pk=3).values_list("pk", flat=True)) == [3]
        assert session() == ["0", "0", "on"]
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"].pop("server_side_binding")


def test_code_of_the_site_may_fetch_bit_by_bit(staff: Any) -> None:
    """Outside a transaction a cursor of the server takes no other statement into its message."""
    before = session()
    with limits.RequestLimits(), limits.reading():
        assert len(list(Employee.objects.iterator(10))) == 100
    assert session() == before


def test_a_transaction_that_is_broken_already(staff: Any) -> None:
    """Nothing is asked of it, and nothing is put back."""
    with transaction.atomic():
        transaction.set_rollback(True)
        with limits.RequestLimits():
            limits.writing()
            with pytest.raises(transaction.TransactionManagementError):
                Company.objects.update(name="New")
    assert Company.objects.get().name == "Acme"


def test_commands_have_no_limits(site: None) -> None:
    """An administrator may wait."""
    with write_transaction("default"):
        assert connection.execute_wrappers == []
    assert lifecycle.sweep() == 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a progress handler")
def test_a_statement_is_ended_at_the_next_look_at_the_clock(
    staff: Any, admin: RestClient, monkeypatch: Any
) -> None:
    monkeypatch.setattr(guards, "_STEPS", 1)
    monkeypatch.setattr(watch.Watch, "statement_time", lambda self: 0.0)
    assert_answer(admin.read("Employee?$filter=ID>3"), 503, TOO_LONG)
    # A plain page is not limited, and the connection is as before.
    assert admin.read("Employee?$top=1").status_code == 200


@pytest.mark.skipif(connection.vendor != "sqlite", reason="busy_timeout")
def test_a_request_waits_as_long_as_it_may(site: None, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_LOCK_WAIT": 3}
    with limits.RequestLimits():
        assert session() == [20_000]
        limits.writing()
        assert session() == [3_000]
    assert session() == [20_000]
