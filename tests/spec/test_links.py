"""Many-to-many relations, written as the list of all related keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db.models.signals import m2m_changed

from fourd_rest import DataClass
from tests.conftest import RestClient
from tests.contract.checks import nothing_changes
from tests.spec.writes import told
from tests.zoo.models import Animal, Keeper

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiger() -> Animal:
    animal = Animal.objects.create(id=1, name="Tiger")
    for key in range(1, 5):
        Keeper.objects.create(id=key, name=f"Keeper {key}")
    animal.keepers.set([1, 2])
    return animal


def keepers(animal: Animal) -> list[int]:
    return sorted(animal.keepers.values_list("pk", flat=True))


def link(client: RestClient, value: Any, stamp: int = 1) -> tuple[int, list[int]]:
    return told(client.update("Animal", {"__KEY": "1", "__STAMP": stamp, "keepers": value}))


@pytest.mark.parametrize(
    ("value", "linked"),
    [
        ([1, 3], [1, 3]),
        (["3", "4"], [3, 4]),
        ([{"__KEY": "2"}, {"__KEY": 3, "__STAMP": 8}, 1], [1, 2, 3]),
        ([], []),
        ([1, 2, 3, 3], [1, 2, 3]),
    ],
)
def test_the_list_takes_the_place_of_the_old_one(
    admin: RestClient, tiger: Animal, value: Any, linked: list[int]
) -> None:
    response = admin.update("Animal", {"__KEY": "1", "__STAMP": 1, "keepers": value})
    answer = json.loads(response.content)
    assert (response.status_code, answer["__STAMP"], keepers(tiger)) == (200, 2, linked)
    deferred = {"__deferred": {"uri": "/rest/Animal(1)/keepers?$expand=keepers"}}
    assert answer["keepers"] == deferred


@pytest.mark.parametrize("value", [[2, 1], ["1", "2"], [{"__KEY": 1}, 2, 2]])
@pytest.mark.parametrize("stamp", [1, 77])
def test_the_same_links_save_nothing(admin: RestClient, tiger: Animal, value: Any, stamp: int) -> None:
    with nothing_changes():
        assert link(admin, value, stamp) == (200, [])


def test_a_read_posted_back_saves_nothing(admin: RestClient, tiger: Animal) -> None:
    entity = json.loads(admin.read("Animal(1)").content)
    with nothing_changes():
        assert told(admin.update("Animal", entity)) == (200, [])


def test_other_attributes_leave_links_alone(admin: RestClient, tiger: Animal) -> None:
    posted = {"__KEY": "1", "__STAMP": 1, "nick": "Tigger"}
    assert told(admin.update("Animal", posted)) == (200, [])
    assert keepers(tiger) == [1, 2]


def test_links_and_values_together(admin: RestClient, tiger: Animal) -> None:
    posted = {"__KEY": "1", "__STAMP": 1, "nick": "Tigger", "keepers": [4]}
    assert told(admin.update("Animal", posted)) == (200, [])
    tiger.refresh_from_db()
    assert (tiger.nick, keepers(tiger)) == ("Tigger", [4])


def test_a_new_entity(admin: RestClient, tiger: Animal) -> None:
    assert told(admin.update("Animal", {"name": "Lion", "keepers": [2, "3"]})) == (200, [])
    assert keepers(Animal.objects.get(name="Lion")) == [2, 3]


def test_from_the_other_side(admin: RestClient, tiger: Animal) -> None:
    posted = {"__KEY": "4", "__STAMP": 1, "animals": ["1"]}
    assert told(admin.update("Keeper", posted)) == (200, [])
    assert keepers(tiger) == [1, 2, 4]


def test_only_the_posted_entity_gets_a_new_stamp(admin: RestClient, tiger: Animal) -> None:
    assert link(admin, [3]) == (200, [])
    stamps = [json.loads(admin.read(f"Keeper({key})").content)["__STAMP"] for key in (1, 2, 3)]
    assert stamps == [1, 1, 1]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["x"], [1508, 1517]),
        ([None], [1508, 1517]),
        ([[1]], [1508, 1517]),
        ([{"name": "x"}], [1508, 1517]),
        ([True], [1508, 1517]),
        ("1", [1508, 1517]),
        (None, [1508, 1517]),
        ([1, 9], [1542, 1517]),
        ([9, 8], [1542, 1517]),
    ],
)
def test_refused(admin: RestClient, tiger: Animal, value: Any, found: list[int]) -> None:
    with nothing_changes():
        assert link(admin, value) == (500, found)


def test_a_stale_stamp(admin: RestClient, tiger: Animal) -> None:
    with nothing_changes():
        assert link(admin, [3], stamp=2) == (500, [1263, 1046, 1517])


def test_nothing_is_linked_when_a_value_is_invalid(admin: RestClient, tiger: Animal) -> None:
    with nothing_changes():
        posted = {"__KEY": "1", "__STAMP": 1, "name": "Moloch", "keepers": [3]}
        assert told(admin.update("Animal", posted)) == (500, [1569, 1570, 1517])


def test_a_receiver_that_fails_undoes_all(admin: RestClient, tiger: Animal) -> None:
    def refuse(action: str, **kwargs: Any) -> None:
        if action == "post_add":
            raise ZeroDivisionError

    m2m_changed.connect(refuse, sender=Animal.keepers.through)
    try:
        with nothing_changes():
            assert link(admin, [3]) == (500, [9011])
    finally:
        assert m2m_changed.disconnect(refuse, sender=Animal.keepers.through)


def test_atomic(admin: RestClient, tiger: Animal) -> None:
    items = [
        {"__KEY": "1", "__STAMP": 1, "keepers": [3]},
        {"name": "Lion", "low": 5, "high": 1},
    ]
    with nothing_changes():
        answer = admin.update("Animal", items, "$method=update&$atomic=true")
    assert answer.status_code == 500


# Who may see what


def test_targets_out_of_reach_stay_linked(admin: RestClient, tiger: Animal, registered: Any) -> None:
    """Who cannot see them can neither link nor unlink them."""

    class Reachable(DataClass):
        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(pk__in=[2, 4])

    registered(Keeper, Reachable)
    with nothing_changes():
        assert link(admin, [1, 4]) == (500, [1542, 1517])
    with nothing_changes():
        assert link(admin, [1]) == (200, [])
    assert link(admin, [3]) == (200, [])
    assert keepers(tiger) == [2, 3]
    assert link(admin, [], stamp=2) == (200, [])
    assert keepers(tiger) == [2]


def test_no_right_to_see_the_targets(login: Any, tiger: Animal) -> None:
    client = login("zoo.change_animal", "zoo.add_keeper")
    with nothing_changes():
        assert link(client, [3]) == (500, [1542, 1517])
        assert link(client, []) == (200, [])


def test_no_right_to_know_of_the_targets(login: Any, tiger: Animal) -> None:
    client = login("zoo.change_animal")
    with nothing_changes():
        assert link(client, [3]) == (500, [1500, 1517])
        assert link(client, []) == (500, [1500, 1517])


def test_privileges_are_read_only(admin: RestClient, registered: Any) -> None:
    """The groups of users, from both sides."""
    registered(User, fields=["id", "username", "groups"])
    registered(Group, fields=["id", "name", "user_set"])
    user, group = User.objects.create(username="jo"), Group.objects.create(name="bosses")
    answer = admin.update("User", {"__KEY": user.pk, "__STAMP": 1, "groups": [group.pk]})
    assert told(answer) == (500, [1516, 1517])
    answer = admin.update("Group", {"__KEY": group.pk, "__STAMP": 1, "user_set": [user.pk]})
    assert told(answer) == (500, [1516, 1517])
    assert not user.groups.exists()


def test_read_only_by_option(admin: RestClient, tiger: Animal, registered: Any) -> None:
    registered(Animal, readonly_fields=["keepers"])
    with nothing_changes():
        assert link(admin, [3]) == (500, [1516, 1517])


def test_validate_and_preview_link_nothing(admin: RestClient, tiger: Animal) -> None:
    posted = {"__KEY": "1", "__STAMP": 1, "keepers": [3]}
    with nothing_changes():
        assert told(admin.update("Animal", posted, "$method=validate")) == (200, [])
        assert told(admin.update("Animal", posted, "$method=update&$refresh=true")) == (200, [])
