"""A set of a million members: made without holding entities, and paged as a small one is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from fourd_rest.models import EntitySet, EntitySetChunk
from testproject.hr.models import Company
from tests.conftest import RestClient
from tests.spec.staff import keys, statements

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MILLION = 1_000_000
MIB = 2**20


def a_million_companies() -> None:
    """With keys from 1 on, made by the database."""
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    tables = ", ".join(f"({digits}) t{place}" for place in range(6))
    number = " + ".join(f"{10**place} * t{place}.d" for place in range(6))
    table = connection.ops.quote_name(Company._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, name)"  # noqa: S608  (numbers and names of this module)
            f" SELECT 1 + {number}, 'Acme' FROM {tables}"
        )


@contextmanager
def memory(most: int) -> Iterator[None]:
    """What happens in the block allocates no more than ``most`` bytes at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_a_million_members(admin: RestClient, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_STATEMENT_TIME": 120}  # a million are sorted; the machine may be loaded
    a_million_companies()
    # The driver of MariaDB fetches all rows of a statement; the others stream.
    with memory((400 if connection.vendor == "mysql" else 48) * MIB):
        response = admin.read("Company/ID?$filter='ID>0'&$orderby=ID desc&$method=entityset")
    assert response.status_code == 200, response.content
    assert response.json()["__COUNT"] == MILLION
    assert keys(response) == [str(MILLION - place) for place in range(100)]
    assert EntitySet.objects.get().size == MILLION
    assert EntitySetChunk.objects.count() == MILLION // 1000
    address = response["Content-Location"].removeprefix("/rest/")

    first, last = f"{address}/ID?$top=100", f"{address}/ID?$top=100&$skip={MILLION - 100}"
    assert keys(admin.read(last)) == [str(100 - place) for place in range(100)]
    for path in (first, last):
        for form in ("", "&$asArray=true", "&$format=looker", "&$expand=manager"):
            admin.read(f"{address}?$top=0")
            assert statements(admin, path + form) <= 3
            with memory(2 * MIB):
                assert admin.read(path + form).status_code == 200
    assert admin.read(f"{address}?$skip={MILLION}").json()["__COUNT"] == MILLION

    # What the database counts and sorts inside the set holds no members either.
    for params in ("$orderby=ID&$top=100", "$filter='ID<500'&$orderby=ID", "$compute=count"):
        admin.read(f"{address}?$top=0")  # at times a use also renews the set
        assert statements(admin, f"{address}?{params}") <= 3
        with memory(4 * MIB):
            assert admin.read(f"{address}?{params}").status_code == 200

    # To keep the order of the set, all its keys are read: them alone, and no entities.
    for params in ("$filter='ID<500'", "$clean=true&$top=100"):
        admin.read(f"{address}?$top=0")
        assert statements(admin, f"{address}?{params}") <= 3
        with memory(256 * MIB):
            response = admin.read(f"{address}?{params}")
        assert keys(response)[0] == ("499" if "filter" in params else str(MILLION))

    assert admin.read(f"{address}?$method=release").status_code == 200
    assert EntitySetChunk.objects.count() == 0
