"""What writing costs: the statements of each kind of request."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from fourd_rest.models import UploadedBlob
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient
from tests.contract.checks import chunked
from tests.contract.sample import (
    acme,
    change,
    john,
    three,
)
from tests.zoo.models import (
    Country,
)

pytestmark = pytest.mark.django_db

# What it costs


def statements(captured: CaptureQueriesContext) -> list[str]:
    """Verb and table of each statement; savepoints stand for the transaction of a real request."""
    seen = []
    for query in captured.captured_queries:
        # On MariaDB the limits of a statement stand before it.
        sql = re.sub(r"^SET STATEMENT .*? FOR ", "", query["sql"])
        words = sql.replace(connection.ops.quote_name("x")[0], " ").split()
        if words[0] in ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT"):
            continue
        before = {"UPDATE": "UPDATE", "INSERT": "INTO"}.get(words[0], "FROM")
        seen.append(f"{words[0]} {words[words.index(before) + 1]}")
    return seen


WHO = ["SELECT django_session", "SELECT auth_user"]


def lock() -> list[str]:
    """On SQLite a transaction begins with a write that changes nothing."""
    if connection.vendor != "sqlite" or connection.transaction_mode == "IMMEDIATE":
        return []
    return ["UPDATE fourd_rest_entitystamp"]


def test_statements_of_an_update_with_a_stamp_column(admin: RestClient) -> None:
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jack", "salary": 5})
    assert statements(captured) == [
        *WHO,
        "SELECT hr_employee",  # read and compare
        *lock(),
        "UPDATE hr_employee",  # the stamp
        "SELECT hr_employee",  # the row as it is now, locked
        "UPDATE hr_employee",  # save
        "SELECT hr_employee",  # the answer
    ]


def test_statements_of_an_update_with_the_side_table(admin: RestClient) -> None:
    company = acme()
    company.save()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Company", {"__KEY": "1", "__STAMP": 2, "name": "Bolt"})
    assert statements(captured) == [
        *WHO,
        "SELECT fourd_rest_entitystamp",  # read and compare: the stamp is a subquery of the row
        *lock(),
        "UPDATE fourd_rest_entitystamp",
        "SELECT hr_company",
        "UPDATE hr_company",
        "SELECT fourd_rest_entitystamp",
    ]


def test_statements_of_a_first_update_with_the_side_table(admin: RestClient) -> None:
    acme()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Company", {"__KEY": "1", "__STAMP": 1, "name": "Bolt"})
    assert statements(captured) == [
        *WHO,
        "SELECT fourd_rest_entitystamp",
        *lock(),
        "UPDATE fourd_rest_entitystamp",
        "INSERT fourd_rest_entitystamp",  # there was none
        "UPDATE fourd_rest_entitystamp",
        "SELECT hr_company",
        "UPDATE hr_company",
        "SELECT fourd_rest_entitystamp",
    ]


def test_statements_of_a_creation(admin: RestClient) -> None:
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"firstName": "A", "lastName": "B"})
    assert statements(captured) == [*WHO, *lock(), "INSERT hr_employee", "SELECT hr_employee"]
    with CaptureQueriesContext(connection) as captured:
        admin.update("Company", {"name": "Bolt"})
    assert statements(captured) == [
        *WHO,
        *lock(),
        "INSERT hr_company",
        "INSERT fourd_rest_entitystamp",
        "SELECT fourd_rest_entitystamp",
    ]


def test_statements_of_an_update_without_change(admin: RestClient) -> None:
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "John"})
    assert statements(captured) == [*WHO, "SELECT hr_employee"]


def test_statements_of_a_conflict(admin: RestClient) -> None:
    """Refused without a transaction: stamps only grow. One read is for its values (D-64)."""
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 3, "firstName": "Jack"})
    assert statements(captured) == [*WHO, *["SELECT hr_employee"] * 3]


def test_statements_of_a_relation(admin: RestClient) -> None:
    acme()
    john()
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "employer": 1})
    seen = statements(captured)
    # One to find the target among those that may be seen, one to validate the foreign key.
    assert seen.count("SELECT hr_company") == 2
    assert len(seen) == len(WHO) + len(lock()) + 7


def test_statements_of_a_delete(admin: RestClient) -> None:
    Country.objects.create(code="FR", name="France")
    with CaptureQueriesContext(connection) as captured:
        admin.rest("DELETE", "Country(FR)")
    assert statements(captured) == [
        *WHO,
        *lock(),
        "UPDATE fourd_rest_entitystamp",  # whoever else deletes it waits here
        "SELECT zoo_country",
        "SELECT zoo_parcel",  # is it protected?
        "DELETE zoo_country",
    ]


@pytest.mark.parametrize("where", ["cvs/", lambda instance, name: f"cvs/{instance.pk}/{name}"])
def test_statements_of_an_update_with_a_file(admin: RestClient, monkeypatch: Any, where: Any) -> None:
    """Where the file's name does not depend on the row it is read three times, else four."""
    monkeypatch.setattr(Employee._meta.get_field("cv"), "upload_to", where)
    john()
    wire_id = admin.upload(PDF).json()["ID"]
    body = {"__KEY": "12", "__STAMP": 4, "cv": {"ID": wire_id}}
    with CaptureQueriesContext(connection) as captured:
        assert admin.update("Employee", body).status_code == 200
    assert statements(captured) == [
        *WHO,
        "SELECT hr_employee",  # read and compare
        "SELECT fourd_rest_uploadedblob",
        *(["SELECT hr_employee"] if callable(where) else []),
        "INSERT fourd_rest_blobattachment",
        *lock(),
        "UPDATE hr_employee",  # the stamp
        "SELECT hr_employee",  # the row as it is now, locked
        "UPDATE hr_employee",  # save
        "UPDATE fourd_rest_blobattachment",
        "SELECT hr_employee",  # the answer
    ]


@pytest.mark.parametrize("announced", [True, False])
def test_statements_of_an_upload(admin: RestClient, announced: bool) -> None:
    """The size is written with the row where it is announced, else once it is counted."""
    with CaptureQueriesContext(connection) as captured:
        answer = admin.upload(PDF if announced else b"", **({} if announced else chunked(PDF)))
    assert answer.status_code == 200
    assert statements(captured) == [
        *WHO,
        "INSERT fourd_rest_uploadedblob",
        "SELECT fourd_rest_uploadedblob",  # the quota
        *([] if announced else ["UPDATE fourd_rest_uploadedblob"]),
        "SELECT fourd_rest_uploadedblob",
        "UPDATE fourd_rest_uploadedblob",  # ready
    ]
    assert UploadedBlob.objects.get().size == len(PDF)


@pytest.mark.parametrize("count", [1, 5])
def test_statements_of_an_array_grow_by_the_entity(admin: RestClient, count: int) -> None:
    three()
    Employee.objects.bulk_create([Employee(id=4, last_name="x"), Employee(id=5, last_name="x")])
    with CaptureQueriesContext(connection) as captured:
        admin.update("Employee", [change(key) for key in range(1, count + 1)], "$atomic=true")
    assert len(statements(captured)) == len(WHO) + len(lock()) + 5 * count


@pytest.mark.parametrize("mode", [None, "DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
def test_sqlite_takes_the_lock_before_it_reads(admin: RestClient, monkeypatch: Any, mode: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone has transactions that begin with a read")
    monkeypatch.setattr(connections["default"], "transaction_mode", mode)
    with CaptureQueriesContext(connection) as captured:
        assert admin.update("Company", {"name": "Acme"}).status_code == 200
    locks = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]
    assert len(locks) == (mode not in ("IMMEDIATE", "EXCLUSIVE"))
