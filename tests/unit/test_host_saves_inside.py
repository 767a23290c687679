"""Behind ``tests/spec/test_host_saves.py``: what HTTP alone does not show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, router, transaction
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from fourd_rest.models import EntityStamp
from fourd_rest.stamps import host_saves
from tests.spec.test_host_saves import _nothing_is_logged, row, stamp
from tests.zoo.models import (
    Country,
    Parcel,
    Planet,
)

__all__ = ["_nothing_is_logged", "row"]

pytestmark = pytest.mark.django_db


# Databases without our tables


@pytest.fixture
def bare(monkeypatch: Any, tmp_path: Any) -> Iterator[str]:
    """A second database that has the tables of the zoo alone."""
    alias = "bare"
    monkeypatch.setattr(host_saves, "_told", set())
    monkeypatch.setattr(host_saves, "_equipped", set())
    connections.databases[alias] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "bare.sqlite3"),
        "OPTIONS": {},
    }
    connections[alias].connect()  # before Django's own tests ask whether they may
    with connections[alias].schema_editor() as editor:
        for model in (Country, Planet, Parcel):
            editor.create_model(model)
    yield alias
    connections[alias].close()
    del connections[alias], connections.databases[alias]


class Lacking:
    """The check E017 names such a router."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if (db, app_label) == ("bare", "fourd_rest") else None


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("is_told", [False, True], ids=["not migrated", "by the router"])
@pytest.mark.parametrize("model", [Country, Planet])
def test_a_database_that_lacks_our_tables(
    bare: str, model: Any, is_told: bool, inside: bool, monkeypatch: Any, caplog: Any
) -> None:
    """The site's saves go on, in one transaction or outside; it is told once."""
    if is_told:
        monkeypatch.setattr(router, "routers", [Lacking()])

    def work() -> None:
        row = model(code="x", name="first")
        row.save(using=bare)
        row.name = "second"
        row.save(using=bare)
        row.save(using=bare, update_fields=["name"])
        pre_save.send(sender=model, instance=row)
        post_save.send(sender=model, instance=row)
        model(code="y", name="gone").save(using=bare)
        model.objects.using(bare).get(code="y").delete()
        model.objects.using(bare).update_or_create(code="x", defaults={"name": "third"})

    if inside:
        with transaction.atomic(using=bare):
            work()
    else:
        work()
    assert list(model.objects.using(bare).values_list("code", "name")) == [("x", "third")]
    messages = [record.getMessage() for record in caplog.records if record.name == "fourd_rest"]
    assert messages == ["The database 'bare' lacks the tables of fourd_rest: no stamps move there"]
    caplog.clear()


@pytest.mark.skipif(
    not connection.features.can_rollback_ddl, reason="the change of a table cannot be taken back"
)
def test_before_our_tables_are_there(row: Any, monkeypatch: Any, caplog: Any) -> None:
    """What fails must not end the transaction of the site."""
    monkeypatch.setattr(host_saves, "_told", set())
    monkeypatch.setattr(host_saves, "_equipped", set())
    table = EntityStamp._meta.db_table
    rename = 'ALTER TABLE "{}" RENAME TO "{}"'
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(rename.format(table, "not_yet"))
        row.name = "second"
        row.save()
        type(row)(code="z", name="new").save()
        type(row).objects.get(code="z").delete()
        with connection.cursor() as cursor:
            cursor.execute(rename.format("not_yet", table))
    assert type(row).objects.get().name == "second"
    assert [r.getMessage() for r in caplog.records if r.name == "fourd_rest"] == [
        "The database 'default' lacks the tables of fourd_rest: no stamps move there"
    ]
    caplog.clear()
    before = stamp(row)
    row.save()
    assert stamp(row) == (before or 0) + 1


def test_to_another_database(row: Any, bare: str, caplog: Any) -> None:
    """A copy of a row that is here, with nothing of what the save here would do."""
    before = stamp(row)
    row.save(using=bare)
    assert type(row).objects.using(bare).get().name == row.name
    row._state.db = "default"
    assert stamp(row) == before
    caplog.clear()


def test_what_we_cannot_do_is_logged_once(row: Any, monkeypatch: Any, caplog: Any) -> None:
    """A bug of ours must not keep a shop from selling."""
    monkeypatch.setattr(host_saves, "_told", set())
    monkeypatch.setattr("fourd_rest.stamps.receivers.alias_of", lambda *args: 1 / 0)
    for _ in range(2):
        row.save()
    row.delete()
    messages = [
        (record.levelno, record.getMessage(), record.exc_info is not None)
        for record in caplog.records
        if record.name == "fourd_rest"
    ]
    assert messages == [(logging.ERROR, f"A signal of {row._meta.label} cannot be heard", True)] * 3
    caplog.clear()


def test_the_tables_are_asked_for_once(row: Any, monkeypatch: Any) -> None:
    """Then a save takes no statement for that any more."""
    monkeypatch.setattr(host_saves, "_equipped", set())
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            row.save(update_fields=["name"])
        counts.append(len(queries))
    expected = 2
    if isinstance(row, Country):
        assert counts == [expected + 2, expected]  # a savepoint around the first
    else:
        assert counts == [expected, expected]
