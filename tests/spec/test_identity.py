"""Keys never change, whatever kind of attribute the key is (D-56)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fourd_rest import DataClass
from tests.conftest import RestClient
from tests.contract.checks import codes, nothing_changes
from tests.zoo.models import (
    Aviary,
    Keeper,
    Licence,
    MasterLicence,
    Medal,
    Place,
    Renewal,
    Tower,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def zoo(registered: Any) -> None:
    """Entities A (1) and B (2) of every kind, C (3) without any."""
    registered(Licence, aliases={"alias": "note"}, computed=["number"])
    for model in (Medal, Renewal):
        registered(model)
    registered(MasterLicence, fields=["owner", "licence_ptr", "note", "rank"])
    registered(Aviary, fields=["id", "place_ptr", "name", "height"], aliases={"number": "id"})
    registered(Tower, fields=["code", "place", "id", "name"])
    for key, letter in enumerate("ABC", 1):
        Keeper.objects.create(id=key, name=letter, badge=letter)
    for key, letter in ((1, "A"), (2, "B")):
        MasterLicence.objects.create(owner_id=key, note=letter, rank=key)
        Medal.objects.create(owner_id=letter, note=letter)
        Renewal.objects.create(licence_id=key, note=letter)
        Aviary.objects.create(id=key, name=letter, height=key)
        Tower.objects.create(id=key + 10, code=letter, name=letter)
    Place.objects.create(id=3, name="C")


# Dataclass, key of A, stamp, attribute, equal values, other values.
KINDS: list[tuple[str, str, str, list[Any], list[Any]]] = [
    (
        "Licence",
        "1",
        "owner",
        [1, "1", {"__KEY": "1"}, {"__KEY": 1}, {"__deferred": {"uri": "/rest/Keeper(1)", "__KEY": "1"}}],
        [2, "2", 3, {"__KEY": 2}, {"__KEY": "3"}, None, {"__deferred": {"__KEY": "2"}}],
    ),
    ("Licence", "1", "number", [1, "1"], [2, 3, None]),
    ("Medal", "A", "owner", [1, "1", {"__KEY": 1}], [2, 3, {"__KEY": "2"}, None]),
    ("Renewal", "1", "licence", [1, {"__KEY": "1"}], [2, {"__KEY": "2"}, None]),
    ("MasterLicence", "1", "owner", [1, {"__KEY": "1"}], [2, 3, None]),
    ("MasterLicence", "1", "licence_ptr", [1, {"__KEY": "1"}], [2, None]),
    ("Aviary", "1", "place_ptr", [1, "1", {"__KEY": 1}], [2, 3, None]),
    ("Aviary", "1", "id", [1, "1"], [2, 3, None]),
    ("Aviary", "1", "number", [1, "1"], [2, 3, None]),
    ("Tower", "A", "place", [11, {"__KEY": "11"}], [12, 3, None]),
    ("Tower", "A", "id", [11], [12, 3, None]),
    ("Tower", "A", "code", ["A"], ["B", "C", ""]),
]
EQUAL = [(name, key, attribute, value) for name, key, attribute, values, _ in KINDS for value in values]
OTHER = [(name, key, attribute, value) for name, key, attribute, _, values in KINDS for value in values]
OTHER += [
    ("Licence", "1", "owner", {"name": "x"}),
    ("Licence", "1", "owner", {"__KEY": "2", "__STAMP": 1, "name": "x"}),
    ("Licence", "1", "owner", {"__KEY": None, "name": "x"}),
    ("Licence", "1", "owner", {"__KEY": [1], "name": "x"}),
    ("Medal", "A", "owner", {"name": "x", "badge": "x"}),
    ("Renewal", "1", "licence", {"note": "x"}),
    ("MasterLicence", "1", "licence_ptr", {"owner": 3, "note": "x"}),
    ("Aviary", "1", "place_ptr", {"name": "x"}),
    ("Tower", "A", "place", {"name": "x"}),
]
TEXTS = {"note": "new", "name": "new"}


def text_of(dataclass: str) -> str:
    return "name" if dataclass in ("Aviary", "Tower") else "note"


def refusal(dataclass: str, key: str, attribute: str) -> list[tuple[int, str]]:
    return [
        (
            1516,
            f'The value of attribute "{attribute}" in the "{dataclass}" dataclass cannot be modified',
        ),
        (1517, f'The entity# {key} in the "{dataclass}" dataclass cannot be saved'),
    ]


def told(entity: dict[str, Any]) -> list[tuple[int, str]]:
    return [(item["errCode"], item["message"]) for item in entity["__ERROR"]]


def stamp_of(client: RestClient, dataclass: str, key: str) -> int:
    return json.loads(client.read(f"{dataclass}({key})").content)["__STAMP"]


@pytest.mark.parametrize(("dataclass", "key", "attribute", "value"), OTHER)
@pytest.mark.parametrize("others", [{}, TEXTS])
def test_another_key(
    admin: RestClient, zoo: None, dataclass: str, key: str, attribute: str, value: Any, others: Any
) -> None:
    stamp = stamp_of(admin, dataclass, key)
    posted = {"__KEY": key, "__STAMP": stamp, attribute: value}
    if others:
        posted[text_of(dataclass)] = "new"
    expected = refusal(dataclass, key, attribute)
    with nothing_changes():
        answer = admin.update(dataclass, posted)
        tried = admin.update(dataclass, posted, "$method=validate")
        shown = admin.update(dataclass, posted, "$method=update&$refresh=true")
        by_address = admin.rest("POST", f"{dataclass}({key})", posted)
    assert (answer.status_code, told(answer.json())) == (500, expected)
    (entity,) = tried.json()["__ENTITIES"]
    assert (tried.status_code, entity) == (500, answer.json())
    assert (shown.status_code, shown.json()) == (500, answer.json())
    assert (by_address.status_code, by_address.json()) == (500, answer.json())


@pytest.mark.parametrize(("dataclass", "key", "attribute", "value"), EQUAL)
def test_the_same_key(
    admin: RestClient, zoo: None, dataclass: str, key: str, attribute: str, value: Any
) -> None:
    """Clients post back what they read."""
    stamp, text = stamp_of(admin, dataclass, key), text_of(dataclass)
    with nothing_changes():
        answer = admin.update(dataclass, {"__KEY": key, "__STAMP": stamp, attribute: value})
    assert (answer.status_code, answer.json()["__STAMP"]) == (200, stamp)
    answer = admin.update(
        dataclass, {"__KEY": key, "__STAMP": stamp, attribute: value, text: "new"}
    ).json()
    assert (answer["__KEY"], answer["__STAMP"], answer[text]) == (key, stamp + 1, "new")


def test_in_an_array(admin: RestClient, zoo: None) -> None:
    items = [
        {"__KEY": "1", "__STAMP": stamp_of(admin, "Licence", "1"), "owner": 2, "note": "x"},
        {"__KEY": "2", "__STAMP": stamp_of(admin, "Licence", "2"), "owner": 2, "note": "x"},
    ]
    with nothing_changes():
        answer = admin.update("Licence", items, "$atomic=true")
    first, second = answer.json()["__ENTITIES"]
    assert (answer.status_code, codes(first), "__ERROR" in second) == (500, [1516, 1517], False)
    answer = admin.update("Licence", items)
    first, second = answer.json()["__ENTITIES"]
    assert (codes(first), second["note"]) == ([1516, 1517], "x")
    assert list(Licence.objects.order_by("pk").values_list("pk", "note")) == [(1, "A"), (2, "x")]


@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize("attribute", ["id", "number"])
def test_in_the_batch(admin: RestClient, registered: Any, count: int, attribute: str) -> None:
    registered(Place, aliases={"number": "id"})
    Place.objects.bulk_create(Place(id=key, name="x") for key in range(1, count + 1))
    items = [{"__KEY": key, "__STAMP": 1, attribute: key, "name": "new"} for key in range(1, count)]
    items.append({"__KEY": count, "__STAMP": 1, attribute: 99, "name": "new"})
    *entities, last = admin.update("Place", items).json()["__ENTITIES"]
    assert [entity["name"] for entity in entities] == ["new"] * (count - 1)
    assert told(last) == refusal("Place", str(count), attribute)
    assert not Place.objects.filter(pk=99).exists()


def test_the_entity_that_is_the_key_is_changed(admin: RestClient, zoo: None) -> None:
    """An ordinary nested update: it is the one that is linked already."""
    posted = {"__KEY": "1", "__STAMP": stamp_of(admin, "Licence", "1"), "note": "new"}
    keeper = {"__KEY": "1", "__STAMP": stamp_of(admin, "Keeper", "1"), "name": "Ann"}
    answer = admin.update("Licence", {**posted, "owner": keeper})
    assert (answer.status_code, answer.json()["note"]) == (200, "new")
    assert Keeper.objects.get(pk=1).name == "Ann"
    assert sorted(Licence.objects.values_list("pk", flat=True)) == [1, 2]


def test_the_entity_that_is_the_key_of_one_that_may_not_be_viewed(
    admin: RestClient, zoo: None, registered: Any
) -> None:
    """To him any value counts as a change (D-55), but not the key, in whatever form."""

    class Blind(DataClass):
        def has_view_permission(self, request: Any, obj: Any = None) -> bool:
            return False

    registered(Licence, Blind)
    posted = {"__KEY": "1", "__STAMP": 1}
    for owner in (1, {"__KEY": "1"}, {"__KEY": "1", "__STAMP": 1, "name": "A"}):
        with nothing_changes():
            answer = admin.update("Licence", {**posted, "owner": owner})
        assert (answer.status_code, answer.json()["__STAMP"]) == (200, 1), owner


def test_who_may_not_see_the_key_s_entity(login: Any, zoo: None) -> None:
    """He reads it as null; its key he knows: it is this entity's own."""
    client = login("zoo.change_licence", "zoo.add_keeper")
    stamp = stamp_of(client, "Licence", "1")
    shown = json.loads(client.read("Licence(1)").content)
    assert shown.get("owner") is None
    for value in (None, 1, {"__KEY": "1"}):
        with nothing_changes():
            answer = client.update("Licence", {"__KEY": "1", "__STAMP": stamp, "owner": value})
        assert answer.status_code == 200, value
    with nothing_changes():
        answer = client.update("Licence", {"__KEY": "1", "__STAMP": stamp, "owner": 2})
    assert codes(answer.json()) == [1516, 1517]


def test_a_new_entity_has_the_key_that_is_posted(admin: RestClient, zoo: None) -> None:
    answer = admin.update("Licence", {"owner": 3, "note": "new"})
    assert (answer.status_code, answer.json()["__KEY"]) == (200, "3")
    answer = admin.update("Medal", {"owner": {"name": "D", "badge": "D"}, "note": "new"})
    assert (answer.status_code, answer.json()["__KEY"]) == (200, "D")
    with nothing_changes():
        taken = admin.update("Licence", {"owner": 1, "note": "new"})
        missing = admin.update("Licence", {"owner": None, "note": "new"})
    assert codes(taken.json()) == [1545, 1046, 1534]
    assert codes(missing.json()) == [1546, 1534]


def test_a_new_child_of_a_parent_that_is_there(admin: RestClient, zoo: None) -> None:
    """The parent is not overwritten."""
    with nothing_changes():
        for dataclass, posted in (
            ("Aviary", {"place_ptr": 3, "name": "x", "height": 1}),
            ("Tower", {"place": 3, "code": "C", "name": "x"}),
            ("Aviary", {"place_ptr": {"name": "x"}, "name": "y"}),
        ):
            answer = admin.update(dataclass, posted)
            assert answer.status_code == 500
            assert answer.json()["__ERROR"][0]["errCode"] in (1115, 1545)


def test_clean_that_makes_another_key(admin: RestClient, zoo: None, monkeypatch: Any) -> None:
    """As a slug that follows from a name does: it would leave the old row and add a copy."""

    def clean(self: Tower) -> None:
        self.code = self.name[:10]

    monkeypatch.setattr(Tower, "clean", clean)
    stamp = stamp_of(admin, "Tower", "A")
    posted = {"__KEY": "A", "__STAMP": stamp, "name": "Another"}
    with nothing_changes():
        answer = admin.update("Tower", posted)
        tried = admin.update("Tower", posted, "$method=validate")
    assert told(answer.json()) == refusal("Tower", "A", "code")
    assert tried.json()["__ENTITIES"] == [answer.json()]


def test_rights_are_asked_first(login: Any, zoo: None) -> None:
    client = login("zoo.view_licence")
    with nothing_changes():
        answer = client.update("Licence", {"__KEY": "1", "__STAMP": 1, "owner": 2})
    assert (answer.status_code, codes(answer.json())) == (401, [1558, 1517])


def test_rows_that_are_hidden(admin: RestClient, zoo: None, registered: Any) -> None:
    class Some(DataClass):
        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(pk=1)

    registered(Keeper, Some)
    posted = {"__KEY": "1", "__STAMP": stamp_of(admin, "Licence", "1")}
    with nothing_changes():
        for value in ({"__KEY": "1"}, None):
            assert admin.update("Licence", {**posted, "owner": value}).status_code == 200
        for value in ({"__KEY": "1", "name": "x"}, {"name": "x"}, 2):
            assert admin.update("Licence", {**posted, "owner": value}).status_code == 500
