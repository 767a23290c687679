"""Behind ``tests/spec/test_write.py``: what HTTP alone does not show."""

from __future__ import annotations

from typing import Any

import pytest

from fourd_rest import DataClass
from fourd_rest.stamps import mover
from fourd_rest.write import commit
from testproject.hr.models import Employee
from tests.conftest import RestClient
from tests.contract.checks import (
    assert_answer,
    codes,
    nothing_changes,
    refused,
)
from tests.contract.sample import (
    NOT_SAVED,
    conflict,
    employee,
    john,
    saved_employee,
)

pytestmark = pytest.mark.django_db


def test_a_commit_before_the_swap(admin: RestClient, monkeypatch: Any) -> None:
    """The other one was faster: the stored values of the other one are answered."""
    john()
    original = commit.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).update(first_name="Jim", stamp=5)
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", late)
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "lastName": "Jones"})
    stored = employee(stamp=5, firstName="Jim")
    assert_answer(answer, 500, refused(2, *conflict(), entity=stored))


def test_a_delete_before_the_swap(admin: RestClient, monkeypatch: Any) -> None:
    john()
    original = commit.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).delete()
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", late)
    answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "lastName": "Jones"})
    assert answer.status_code == 500
    assert codes(answer.json())[-1] == 1517
    assert not Employee.objects.exists()


@pytest.mark.parametrize("lost", [1, 3, 99])
def test_swap_that_is_lost_is_tried_again(
    admin: RestClient, settings: Any, monkeypatch: Any, lost: int
) -> None:
    """Where no stamp is asked for: there is always a next one, until patience ends."""
    settings.FOURD_REST = {"STAMP_OPTIONAL": True}
    john()
    original, calls = mover.compare_and_swap, []

    def swap(*args: Any, **kwargs: Any) -> bool:
        calls.append(args)
        return len(calls) > lost and original(*args, **kwargs)

    monkeypatch.setattr(mover, "compare_and_swap", swap)
    answer = admin.update("Employee", {"__KEY": "12", "firstName": "Jack"})
    if lost < 10:
        assert (answer.status_code, answer.json()["__STAMP"], len(calls)) == (200, 5, lost + 1)
    else:
        assert (answer.status_code, codes(answer.json())) == (500, [1263, 1046, 1517])
        assert Employee.objects.values_list("first_name", "stamp").get() == ("John", 4)


@pytest.mark.parametrize("hidden", [True, False])
def test_gone_behind_the_swap(
    admin: RestClient, registered: Any, monkeypatch: Any, hidden: bool
) -> None:
    """Deleted, or out of sight, when its row is read again in the transaction."""

    class Here(DataClass):
        naming = "camelCase"
        names = {"id": "ID"}  # noqa: RUF012

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).filter(salary=None)

    registered(Employee, Here)
    john()
    original = mover.compare_and_swap

    def swap(*args: Any, **kwargs: Any) -> bool:
        swapped = original(*args, **kwargs)
        rows = Employee.objects.filter(pk=12)
        if hidden:
            rows.update(salary=0)
        else:
            rows._raw_delete("default")
        return swapped

    monkeypatch.setattr(mover, "compare_and_swap", swap)
    with nothing_changes():
        answer = admin.update("Employee", {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"})
    unknown = (1542, 'Cannot find entity with "12" key in the "Employee" dataclass')
    assert_answer(answer, 500, refused(5, unknown, NOT_SAVED))


def test_two_attributes_changed_at_a_time(
    admin: RestClient, settings: Any, monkeypatch: Any, at_now: None
) -> None:
    """Where no stamp is asked for, an update writes what it changes and nothing else."""
    settings.FOURD_REST = {"STAMP_OPTIONAL": True}
    john()
    original = commit.write_transaction

    def late(alias: str) -> Any:
        Employee.objects.filter(pk=12).update(first_name="Jim", stamp=5)
        return original(alias)

    monkeypatch.setattr(commit, "write_transaction", late)
    answer = admin.update("Employee", {"__KEY": "12", "lastName": "Jones"})
    assert_answer(answer, 200, saved_employee(stamp=6, firstName="Jim", lastName="Jones"))
