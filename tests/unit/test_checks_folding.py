"""System checks of text comparison."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection, connections, models
from django.test.utils import isolate_apps

from fourd_rest import checks
from fourd_rest.checks import databases
from fourd_rest.dataclass.registry import Registry
from testproject.hr.models import Company, Employee
from tests.unit.judging import judge_instead
from tests.zoo.models import Aviary, Passport, Singer

KEPT = "Use models.CharField(max_length=..., blank=True, editable=False), null=True beside a null."
EVERY_FIELD = "There are: code, id, ip, motto, motto_folded, name, name_folded, teacher."


@pytest.fixture
def registered(monkeypatch: Any) -> Registry:
    registry = Registry()
    judge_instead(monkeypatch, "registry", registry)
    return registry


def found(check: Any = checks.check_dataclasses, **given: Any) -> list[tuple[str, str, str]]:
    return [(item.id[11:], item.msg, item.hint) for item in check(app_configs=None, **given)]


@pytest.mark.parametrize(
    ("check_id", "option", "value", "text", "hint"),
    [
        (
            "E025",
            "folded",
            ["name"],
            "['name'] is no dict",
            "Give a dict of text fields and columns: {'name': 'name_folded'}.",
        ),
        ("E025", "folded", {"zz": "code"}, "zoo.Singer has no field 'zz'", EVERY_FIELD),
        (
            "E025",
            "folded",
            {"name": "nam_folded"},
            "zoo.Singer has no field 'nam_folded'",
            "Did you mean 'name_folded'?",
        ),
        ("E025", "folded", {"name": 5}, "zoo.Singer has no field 5", EVERY_FIELD),
        (
            "E025",
            "folded",
            {"name": "teacher"},
            "'teacher' is no text",
            "Name a CharField or a TextField.",
        ),
        ("E025", "folded", {"ip": "code"}, "'ip' is no text", "Name a CharField or a TextField."),
        (
            "E025",
            "folded",
            {"name": "code", "name_folded": "code"},
            "'code' would hold more than one text",
            "Give every text a column of its own.",
        ),
        (
            "E025",
            "folded",
            {"code": "code"},
            "'code' would hold more than one text",
            "Give every text a column of its own.",
        ),
        (
            "E026",
            "database_comparison",
            "name",
            "'name' is no list of texts",
            "Name text fields as in Python, or leave the option out.",
        ),
        (
            "E026",
            "database_comparison",
            ["nam"],
            "zoo.Singer has no field 'nam'",
            "Did you mean 'name'?",
        ),
        (
            "E026",
            "database_comparison",
            ["id"],
            "'id' is no text",
            "Name a CharField or a TextField.",
        ),
    ],
)
def test_invalid_option(
    registered: Registry, check_id: str, option: str, value: Any, text: str, hint: str
) -> None:
    registered.register(Singer, **{option: value})
    assert found() == [(check_id, f"Option {option!r}: {text}", hint)]


def test_a_column_that_cannot_hold_what_the_text_can(registered: Registry) -> None:
    registered.register(Singer, folded={"motto": "name_folded"})
    assert found() == [
        ("E025", "Option 'folded': 'name_folded' cannot be null, but 'motto' can", KEPT),
        ("E025", "Option 'folded': 'name_folded' cannot be empty, but 'motto' can", KEPT),
    ]


@isolate_apps("tests.zoo")
def test_a_column_of_another_table(registered: Registry) -> None:
    class Tower(Aviary):
        name_folded = models.CharField(max_length=100)

        class Meta:
            app_label = "zoo"

    registered.register(Tower, folded={"name": "name_folded"})
    assert ("E025", "Option 'folded': 'name_folded' is not in the table of 'name'") in [
        row[:2] for row in found()
    ]


def test_a_column_that_does_not_fit_well(registered: Registry) -> None:
    registered.register(Singer, folded={"name": "code"})
    text = "The column 'code' of zoo.Singer cannot well hold 'name'"
    longer = "Make 'code' at least as long as 'name', better twice as long (ﬁ becomes fi)."
    assert found() == [("W007", text, longer)]
    registered.register(Singer, folded={"name": "name_folded"}, fields=["name", "name_folded"])
    text = "The column 'name_folded' of zoo.Singer cannot well hold 'name'"
    hint = "Do not name it in 'fields': clients compare the text itself."
    assert found() == [("W007", text, hint)]


def test_valid(registered: Registry) -> None:
    folded = {"name": "name_folded", "motto": "motto_folded"}
    registered.register(Singer, folded=folded, database_comparison=("code",))
    assert found() == []


# Databases


HINT = (
    "Make it anew with ENCODING 'UTF8' and an LC_CTYPE such as C.UTF-8, or set "
    "FOURD_REST['TEXT_COMPARISON'] = 'database'."
)


class Database:
    """Answers as a PostgreSQL server with this encoding and this ``lower('É')``."""

    vendor = "postgresql"

    def __init__(self, encoding: str, lower: str) -> None:
        self.answers = {"SELECT getdatabaseencoding()": encoding}
        self.lower = lower

    def __call__(self) -> Database:
        return self

    cursor = __call__

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        self.answer = self.answers.get(sql, self.lower)

    def fetchone(self) -> tuple[str]:
        return (self.answer,)


@pytest.mark.parametrize(
    ("encoding", "lower", "why"),
    [
        ("UTF8", "é", ""),
        ("LATIN1", "é", "its encoding is LATIN1, not UTF8"),
        ("SQL_ASCII", "É", "its encoding is SQL_ASCII, not UTF8"),
        ("UTF8", "É", "its LC_CTYPE knows ASCII letters only (C or POSIX)"),
    ],
)
def test_databases(
    registered: Registry, monkeypatch: Any, settings: Any, encoding: str, lower: str, why: str
) -> None:
    judge_instead(monkeypatch, "connections", {"default": Database(encoding, lower)})
    check = checks.check_text_comparison
    assert found(check, databases=["default"]) == []  # nothing is registered
    registered.register(Passport, fields=["id"])
    assert found(check, databases=["default"]) == []  # no text
    registered.register(Company, database_comparison=["name"])
    assert found(check, databases=["default"]) == []
    registered.register(Employee)
    text = f"The PostgreSQL database 'default' cannot compare texts by 4D's rule: {why}"
    assert found(check, databases=["default"]) == ([("E027", text, HINT)] if why else [])
    assert found(check, databases=["other"]) == found(check) == []
    settings.FOURD_REST = {"TEXT_COMPARISON": "database"}
    assert found(check, databases=["default"]) == []
    settings.FOURD_REST = {"TEXT_COMPARISON": 5}
    assert found(check, databases=["default"]) == []


def test_databases_are_not_judged_while_options_are_wrong(
    registered: Registry, monkeypatch: Any
) -> None:
    judge_instead(monkeypatch, "connections", {"default": Database("LATIN1", "é")})
    registered.register(Employee, fields=5)
    assert found(checks.check_text_comparison, databases=["default"]) == []


def test_a_database_that_is_not_there_is_not_judged(registered: Registry, monkeypatch: Any) -> None:
    class Absent(Database):
        def execute(self, sql: str) -> None:
            raise OperationalError

    judge_instead(monkeypatch, "connections", {"default": Absent("", "")})
    registered.register(Employee)
    assert found(checks.check_text_comparison, databases=["default"]) == []


@pytest.fixture
def latin(db: None) -> Iterator[str]:
    """A database as it is not to be; returns its alias."""
    import psycopg

    name = f"fourd_latin_{os.getpid()}"
    to = {key: connection.settings_dict[key] for key in ("HOST", "PORT", "USER", "PASSWORD")}
    with psycopg.connect(
        host=to["HOST"], port=to["PORT"], user=to["USER"], password=to["PASSWORD"],
        dbname="postgres", autocommit=True,
    ) as server:  # fmt: skip
        server.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        other = connection.copy("latin")
        other.settings_dict["NAME"] = name
        connections["latin"] = other
        try:
            yield "latin"
        finally:
            other.close()
            del connections["latin"]
            server.execute(f"DROP DATABASE {name}")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="encodings of PostgreSQL")
def test_a_database_in_latin_1(latin: str) -> None:
    assert databases._cannot_fold(latin) == "its encoding is LATIN1, not UTF8"
    assert databases._cannot_fold("default") == ""


@pytest.mark.django_db
def test_the_database_of_the_tests_passes() -> None:
    call_command("check", "--tag", "fourd_rest", "--database", "default")


@pytest.mark.django_db
def test_the_command_tells(monkeypatch: Any) -> None:
    judge_instead(monkeypatch, "_cannot_fold", lambda alias: f"{alias} is odd")
    with pytest.raises(SystemCheckError, match="fourd_rest.E027.* default is odd"):
        call_command("check", "--database", "default")
