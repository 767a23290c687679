"""Behind ``tests/spec/test_replica.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test.utils import CaptureQueriesContext

from fourd_rest.sql.primary import reads_of_a_write
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.spec.test_replica import _database, replica, zoo

__all__ = ["_database", "replica", "zoo"]

pytestmark = pytest.mark.django_db(databases=["default", "replica"])


def test_reads_go_to_the_replica(admin: RestClient, replica: CaptureQueriesContext) -> None:
    """What the other tests rely on."""
    assert admin.read("Employee(12)").json()["__ERROR"][0]["errCode"] == 9011
    assert len(replica) == 1
    with pytest.raises(OperationalError):
        Employee.objects.count()
    with reads_of_a_write():
        assert Employee.objects.count() == 0
    with pytest.raises(OperationalError):
        Employee.objects.count()


@pytest.mark.usefixtures("zoo")
def test_entity_sets(admin: RestClient, replica: CaptureQueriesContext) -> None:
    """The replica is asked for entities, by reads, and never for the sets themselves."""
    with reads_of_a_write():
        made = admin.read("Employee?$filter='ID<12'&$method=entityset").json()
    place = made["__ENTITYSET"].removeprefix("/rest/")
    admin.read(place)
    asked = [query["sql"] for query in replica]
    assert asked
    assert not [sql for sql in asked if "entityset" in sql]
    # What the database itself looks up in a set it reads where the set is.
    for query in ("$filter=ID>0", "$orderby=ID", "$clean=true", "$compute=count", "$distinct=true"):
        assert admin.read(f"{place}?$attributes=lastName&{query}").status_code == 200, query
    assert [query["sql"] for query in replica] == asked
    answer = admin.rest("POST", f"{place}?$method=delete")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    answer = admin.rest("POST", "$entityset/$release", [place.rpartition("/")[2]])
    assert answer.status_code == 200
    assert [query["sql"] for query in replica] == asked
    assert list(Employee.objects.using("default").values_list("pk", flat=True)) == [12]
