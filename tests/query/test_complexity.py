"""Filters that are more than a database takes are the client's error, not the server's (9022)."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection

from fourd_rest.sql.database_errors import is_too_complex
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors

REFUSED = errors((9022, "The query is too large: the database does not take it"))


def nested(depth: int) -> str:
    """Alternating levels that no compiler can flatten."""
    text = "char = a"
    for level in range(depth):
        joined = "and not" if level % 2 else "or"
        text = f"(char in [b, 'c@', d] {joined} ({text}))"
    return text


@pytest.mark.django_db
def test_a_filter_as_deep_as_the_setting_allows(admin: RestClient) -> None:
    answer = admin.read(f'Everything?$filter="{nested(10)}"&$top=0')
    assert (answer.status_code, json.loads(answer.content)["__COUNT"]) == (200, 0)


@pytest.mark.django_db
def test_a_filter_that_the_database_does_not_take(
    admin: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(execute, sql, params, many, context):
        if "zoo_everything" in sql:
            raise DatabaseError("parser stack overflow")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(execute):
        answer = admin.read('Everything?$filter="char = a"')
    assert_answer(answer, 400, REFUSED)


@pytest.mark.django_db
def test_a_filter_beyond_what_sqlite_parses(admin: RestClient, settings) -> None:
    settings.FOURD_REST = {"MAX_FILTER_DEPTH": 100, "MAX_FILTER_CRITERIA": 1_000}
    answer = admin.read(f'Everything?$filter="{nested(35)}"&$top=0')
    if answer.status_code != 200:
        assert_answer(answer, 400, REFUSED)


class Cause(Exception):
    sqlstate = "54001"


def test_what_other_databases_say() -> None:
    deep = DatabaseError("stack depth limit exceeded")
    deep.__cause__ = Cause()
    assert is_too_complex(deep)
    assert is_too_complex(DatabaseError(1436, "Thread stack overrun"))
    assert not is_too_complex(DatabaseError("no such column: x"))
    assert not is_too_complex(DatabaseError(1054, "Unknown column"))
