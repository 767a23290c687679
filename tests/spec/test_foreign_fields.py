"""Fields of other people's making: read, posted back, compared and sorted (``responses.md`` 4, D-09)."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from fourd_rest.dataclass.registry import Registry
from tests.conftest import RestClient
from tests.zoo.fields import Mood, SealedField, Wrapped
from tests.zoo.models import Everything, Guest, Stranger

pytestmark = pytest.mark.django_db

SHORT = uuid.UUID("0f9c2e5a-0000-4000-8000-00000000abcd")
VALUES: dict[str, Any] = {
    "name": "Ann",
    "stars": 5,
    "price": Decimal("12.50"),
    "instant": dt.datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=dt.UTC),
    "day": dt.date(2026, 5, 1),
    "span": dt.timedelta(milliseconds=1500),
    "switch": True,
    "short": SHORT,
    "blocks": Wrapped(({"type": "text", "value": "é"}, {"type": "rule"})),
    "picky": {3, 1},
    "mood": Mood.GLAD,
    "sealed": "Écho",
    "salted": "zulu",
    "sealed_day": dt.date(2026, 5, 1),
    "sealed_number": 42,
    "loud": "shout",
}
SHOWN = {
    "name": "Ann",
    "stars": 5,
    "price": 12.5,
    "instant": "2026-05-01T12:00:00.123Z",
    "day": "1!5!2026",
    "span": 1500,
    "switch": True,
    "short": "0F9C2E5A00004000800000000000ABCD",
    "blocks": [{"type": "text", "value": "é"}, {"type": "rule"}],
    "picky": {"set": [1, 3]},
    "mood": "glad",
    "sealed": "Écho",
    "salted": "zulu",
    "sealed_day": "1!5!2026",
    "sealed_number": 42,
    "loud": "SHOUT",
    "shade": "ANN",
    "friend": None,
}
NULLS = dict.fromkeys(SHOWN) | {"name": "", "shade": ""}


@pytest.fixture(autouse=True)
def _exposed(registered: Any) -> None:
    registered(Stranger)
    registered(Guest)


@pytest.fixture
def ann() -> Stranger:
    return Stranger.objects.create(**VALUES)


def attributes(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: entity[name] for name in SHOWN}


def keys(client: RestClient, filter_: str, order: str = "") -> Any:
    response = client.read(f"Stranger?$filter={quote(json.dumps(filter_))}&$orderby={quote(order)}")
    if response.status_code != 200:
        return response.json()["__ERROR"][0]["errCode"]
    return [entity["name"] for entity in response.json()["__ENTITIES"]]


class TestReading:
    def test_a_page_shows_what_the_fields_would_serialise(self, admin: RestClient, ann: Any) -> None:
        Stranger.objects.create(name="")
        response = admin.read("Stranger")
        assert response.status_code == 200
        assert [attributes(entity) for entity in response.json()["__ENTITIES"]] == [SHOWN, NULLS]

    def test_an_entity_and_a_nested_one_show_the_same(self, admin: RestClient, ann: Any) -> None:
        Stranger.objects.create(name="Bob", friend=ann)
        assert attributes(admin.read(f"Stranger({ann.pk})").json()) == SHOWN
        page = admin.read('Stranger?$filter="name=Bob"&$expand=friend').json()["__ENTITIES"]
        assert attributes(page[0]["friend"]) == SHOWN

    def test_the_flat_forms_show_the_same(self, admin: RestClient, ann: Any) -> None:
        (flat,) = admin.read("Stranger?$asArray=true").json()
        assert attributes(flat) == SHOWN | {"day": "!!2026-05-01!!", "sealed_day": "!!2026-05-01!!"}
        table = admin.read("Stranger?$format=looker&$attributes=stars,price,sealed,mood").json()
        assert table["rows"] == [{"values": [5, 12.5, "Écho", "glad"]}]

    @pytest.mark.parametrize("value", ["é", {"a": [1]}])
    def test_a_binary_field_that_gives_no_bytes_is_a_file_all_the_same(
        self, admin: RestClient, value: Any
    ) -> None:
        entity = Stranger.objects.create(packed=value)
        empty = Stranger.objects.create()
        page = admin.read("Stranger?$attributes=packed").json()["__ENTITIES"]
        uri = f"/rest/Stranger({entity.pk})/packed?$binary=true&$version=1&$expand=packed"
        assert [e["packed"] for e in page] == [{"__deferred": {"uri": uri}}, None]
        response = admin.read(uri.removeprefix("/rest/"))
        assert response.status_code == 200
        found = b"".join(response.streaming_content) if response.streaming else response.content
        assert found == ("é".encode() if value == "é" else b'{"a":[1]}')
        assert admin.read(f"Stranger({empty.pk})/packed?$expand=packed").status_code != 500

    def test_the_catalog_tells_the_type_of_the_value(self, admin: RestClient) -> None:
        found = admin.read("$catalog/Stranger").json()["dataClasses"][0]["attributes"]
        types = {attribute["name"]: attribute["type"] for attribute in found}
        assert types["sealed_day"] == "date"
        assert types["sealed_number"] == "long"
        assert types["price"] == "number"
        assert types["blocks"] == types["picky"] == "object"

    def test_what_no_form_of_is_json_reads_as_null_and_is_logged_once(
        self, admin: RestClient, ann: Any, monkeypatch: Any, caplog: Any
    ) -> None:
        broken = type("Broken", (), {"__str__": lambda self: 1 / 0})

        def from_db_value(self: Any, value: Any, *args: Any) -> Any:
            return broken()

        monkeypatch.setattr("tests.zoo.fields.StarsField.from_db_value", from_db_value, raising=False)
        Stranger.objects.create(name="Bob")
        page = admin.read("Stranger?$attributes=stars").json()["__ENTITIES"]
        assert [entity["stars"] for entity in page] == [None, None]
        lines = [record.getMessage() for record in caplog.records if "Broken" in record.getMessage()]
        assert lines == [
            "zoo.Stranger.stars holds a Broken, which its attribute type cannot show: it reads as null"
        ]


class TestWriting:
    def test_a_read_posted_back_is_not_saved(self, admin: RestClient, ann: Any) -> None:
        entity = admin.read(f"Stranger({ann.pk})").json()
        response = admin.update("Stranger", entity)
        assert response.status_code == 200
        assert response.json()["__STAMP"] == entity["__STAMP"] == 1

    def test_an_array_of_reads_posted_back_is_not_saved(self, admin: RestClient, ann: Any) -> None:
        for name in "Bob", "Cid", "Dan", "Eve":
            Stranger.objects.create(**VALUES | {"name": name})
        page = admin.read("Stranger").json()["__ENTITIES"]
        response = admin.update("Stranger", page)
        assert response.status_code == 200
        assert [answer["__STAMP"] for answer in response.json()["__ENTITIES"]] == [1] * 5

    def test_an_array_of_changes_is_saved_together(self, admin: RestClient) -> None:
        for number in range(5):
            Stranger.objects.create(**VALUES | {"name": str(number)})
        posted = {"stars": 1, "price": 2.5, "sealed": "neu", "mood": "sad", "switch": False}
        posted |= {"sealed_day": "2!1!2020", "sealed_number": 7, "blocks": [{"type": "new"}], "span": 10}
        keys_ = Stranger.objects.order_by("pk").values_list("pk", flat=True)
        body = [{"__KEY": str(key), "__STAMP": 1, **posted} for key in keys_]
        response = admin.update("Stranger", body)
        assert response.status_code == 200, response.json()
        for answer in response.json()["__ENTITIES"]:
            assert {name: answer[name] for name in posted} == posted
            assert answer["__STAMP"] == 2
        for stored in Stranger.objects.all():
            assert (stored.stars, stored.sealed, stored.mood) == (Wrapped(1), "neu", Mood.SAD)
            assert (stored.sealed_day, stored.sealed_number) == (dt.date(2020, 1, 2), 7)
            assert (stored.blocks, stored.short) == (Wrapped(({"type": "new"},)), Wrapped(SHORT))

    @pytest.mark.parametrize(
        ("name", "posted", "stored"),
        [
            ("stars", 3, Wrapped(3)),
            ("price", 1.25, Wrapped(Decimal("1.25"))),
            (
                "instant",
                "2020-01-02T03:04:05Z",
                Wrapped(dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
            ),
            ("day", "2!1!2020", Wrapped(dt.date(2020, 1, 2))),
            ("span", 10, Wrapped(dt.timedelta(milliseconds=10))),
            ("switch", False, Wrapped(False)),
            ("short", SHORT.hex[::-1].upper(), Wrapped(uuid.UUID(SHORT.hex[::-1]))),
            ("mood", "sad", Mood.SAD),
            ("sealed", "neu", "neu"),
            ("salted", "neu", "neu"),
            ("sealed_day", "2!1!2020", dt.date(2020, 1, 2)),
            ("sealed_number", 7, 7),
            ("loud", "PST", "PST"),
        ],
    )
    def test_a_change_is_saved_and_answered(
        self, admin: RestClient, ann: Any, name: str, posted: Any, stored: Any
    ) -> None:
        body = {"__KEY": str(ann.pk), "__STAMP": 1, name: posted}
        response = admin.update("Stranger", body)
        assert response.status_code == 200
        assert response.json()["__STAMP"] == 2
        shown = admin.read(f"Stranger({ann.pk})").json()[name]
        assert response.json()[name] == shown
        assert shown == (json.loads(json.dumps(posted)) if name != "instant" else f"{posted[:-1]}.000Z")
        assert getattr(Stranger.objects.get(), name) == stored

    def test_an_object_is_saved_through_its_field(self, admin: RestClient, ann: Any) -> None:
        body = {"__KEY": str(ann.pk), "__STAMP": 1, "blocks": [{"type": "new"}], "picky": {"set": [9]}}
        answer = admin.update("Stranger", body).json()
        assert (answer["blocks"], answer["picky"]) == ([{"type": "new"}], {"set": [9]})
        stored = Stranger.objects.get()
        assert stored.blocks == Wrapped(({"type": "new"},))
        assert stored.picky == {9}

    def test_what_a_field_cannot_take_is_1508(self, admin: RestClient, ann: Any) -> None:
        body = {"__KEY": str(ann.pk), "__STAMP": 1, "mood": "none of them", "blocks": 5}
        response = admin.update("Stranger", body)
        assert response.status_code == 500
        assert [error["errCode"] for error in response.json()["__ERROR"]] == [1508, 1508, 1517]


class TestQueries:
    @pytest.fixture(autouse=True)
    def _three(self) -> None:
        for name, sealed, stars, days in (
            ("Ann", "Écho", 5, 3),
            ("Bob", "echo", 7, 1),
            ("Cid", "Zulu", 6, 2),
        ):
            day = dt.date(2026, 5, days)
            Stranger.objects.create(
                name=name,
                sealed=sealed,
                salted=sealed,
                stars=stars,
                price=Decimal(stars),
                day=day,
                instant=dt.datetime(2026, 5, days, 12, 0, 0, 123456, tzinfo=dt.UTC),
                sealed_day=day,
                sealed_number=stars,
                switch=stars > 5,
                span=dt.timedelta(days=days),
                short=uuid.UUID(int=days),
                mood=Mood.SAD if stars > 6 else Mood.GLAD,
            )
        Stranger.objects.create(name="Nil")

    @pytest.mark.parametrize("name", ["sealed", "salted"])
    @pytest.mark.parametrize(
        ("filter_", "found"),
        [
            ("{} = echo", ["Ann", "Bob"]),
            ("{} === ECHO", ["Ann", "Bob"]),
            ("{} != echo", ["Cid"]),
            ("{} = 'e@'", ["Ann", "Bob"]),
            ("{} begin Z", ["Cid"]),
            ("{} in [zulu, nobody]", ["Cid"]),
            ("not({} in [zulu, nobody])", ["Ann", "Bob"]),
            ("{} > f", ["Cid"]),
            ("{} % zulu", ["Cid"]),
            ("{} = null", ["Nil"]),
            ("{} != null", ["Ann", "Bob", "Cid"]),
            ("{} = 'sealed@'", []),
        ],
    )
    def test_texts_compare_as_they_are_shown(
        self, admin: RestClient, name: str, filter_: str, found: list[str]
    ) -> None:
        assert keys(admin, filter_.format(name)) == found

    @pytest.mark.parametrize(
        ("filter_", "found"),
        [
            ("stars >= 6", ["Bob", "Cid"]),
            ("stars in [5, 7]", ["Ann", "Bob"]),
            ("price = 6.0", ["Cid"]),
            ("day < 2026-05-02", ["Bob"]),
            ("day = 3!5!2026", ["Ann"]),
            ("sealed_day in [2026-05-01, 2026-05-02]", ["Bob", "Cid"]),
            ("sealed_number < 6.5", ["Ann", "Cid"]),
            ("instant = 2026-05-02T12:00:00.123Z", ["Cid"]),
            ("instant > 2026-05-02T12:00:00.123Z", ["Ann"]),
            ("span = 86400000", ["Bob"]),
            ("switch = true", ["Bob", "Cid"]),
            ("short = 00000000000000000000000000000003", ["Ann"]),
            ("mood = SAD", ["Bob"]),
            ("mood = null", ["Nil"]),
        ],
    )
    def test_other_values_compare_as_they_are_shown(
        self, admin: RestClient, filter_: str, found: list[str]
    ) -> None:
        assert keys(admin, filter_) == found

    def test_over_relations_as_well(self, admin: RestClient) -> None:
        ann = Stranger.objects.get(name="Ann")
        Stranger.objects.filter(name__in=["Bob", "Cid"]).update(friend=ann)
        assert keys(admin, "friend.sealed = echo") == ["Bob", "Cid"]
        assert keys(admin, "friends.sealed = zulu") == ["Ann"]

    @pytest.mark.parametrize(
        ("order", "found"),
        [
            ("sealed, name desc", ["Nil", "Bob", "Ann", "Cid"]),
            ("salted desc, name", ["Cid", "Ann", "Bob", "Nil"]),
            ("stars", ["Nil", "Ann", "Cid", "Bob"]),
            ("sealed_day desc", ["Ann", "Cid", "Bob", "Nil"]),
            ("mood, stars desc", ["Nil", "Cid", "Ann", "Bob"]),
        ],
    )
    def test_orders_are_those_of_what_is_shown(
        self, admin: RestClient, order: str, found: list[str]
    ) -> None:
        assert keys(admin, "", order) == found

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("sealed", ["echo", "Zulu"]),
            ("salted", ["echo", "Zulu"]),
            ("sealed_number", [5, 6, 7]),
            ("sealed_day", ["1!5!2026", "2!5!2026", "3!5!2026"]),
            ("mood", ["glad", "sad"]),
            ("price", [5, 6, 7]),
        ],
    )
    def test_distinct_values_are_those_that_are_shown(
        self, admin: RestClient, name: str, values: list[Any]
    ) -> None:
        assert admin.read(f"Stranger?$distinct=true&$attributes={name}").json() == values

    def test_figures_are_those_of_what_is_shown(self, admin: RestClient) -> None:
        names = "sealed,sealed_number,price,sealed_day"
        found = admin.read(f"Stranger?$attributes={names}&$compute=$all").json()
        assert found == {
            "sealed": {"count": 4, "min": "echo", "max": "Zulu"},
            "sealed_number": {"count": 4, "sum": 18, "average": 6, "min": 5, "max": 7},
            "price": {"count": 4, "sum": 18, "average": 6, "min": 5, "max": 7},
            "sealed_day": {
                "count": 4,
                "min": "2026-05-01T00:00:00.000Z",
                "max": "2026-05-03T00:00:00.000Z",
            },
        }

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ('Stranger?$filter="blocks[].type = text"', 1574),
            ("Stranger?$orderby=blocks", 1810),
            ("Stranger?$orderby=friend.sealed", 1810),
            ("Stranger?$attributes=friend.sealed&$compute=min", 1574),
            ("Stranger?$attributes=blocks.type&$distinct=true", 1574),
        ],
    )
    def test_what_python_cannot_decide_is_refused(self, admin: RestClient, path: str, code: int) -> None:
        response = admin.read(path)
        assert response.status_code in (404, 500)
        assert response.json()["__ERROR"][0]["errCode"] == code

    def test_python_looks_at_so_many_and_no_more(self, admin: RestClient, settings: Any) -> None:
        settings.FOURD_REST = {"MAX_SCANNED_ENTITIES": 3}
        assert keys(admin, "sealed = echo") == 1200
        assert keys(admin, "loud = x") == []

    def test_what_is_read_as_it_is_stored_is_compared_by_the_database(
        self, admin: RestClient, django_assert_num_queries: Any
    ) -> None:
        Stranger.objects.filter(name="Bob").update(loud="hey")
        admin.read('Stranger?$filter="loud=hey"')
        with django_assert_num_queries(3):  # session, user, page
            assert keys(admin, "loud = hey") == ["Bob"]

    def test_a_site_may_leave_the_comparison_to_the_database(
        self, admin: RestClient, registered: Any
    ) -> None:
        registered(Stranger, database_comparison=["sealed", "blocks"])
        assert keys(admin, "sealed begin 'sealed'") == ["Ann", "Bob", "Cid"]
        Stranger.objects.filter(name="Cid").update(blocks=[{"type": "text"}])
        assert keys(admin, "blocks[].type = text") == ["Cid"]
        # What is shown is the field's value all the same.
        assert admin.read("Stranger?$distinct=true&$attributes=sealed").json() == ["echo", "Zulu"]


class TestComputed:
    """What Python computes is shown as the type that it is declared to be, or as null."""

    @pytest.mark.parametrize(
        ("hint", "value", "shown"),
        [
            (str, gettext_lazy("Yes"), "Yes"),
            (str, mark_safe("<b>"), "<b>"),
            (str, Mood.GLAD, "glad"),
            (str, Wrapped(1), "wrapped 1"),
            (int, Wrapped(1), None),
            (int, Decimal("5.0"), 5),
            (int, 5.5, None),
            (float, float("nan"), None),
            (float, 5, 5),
            (Decimal, 0.1, 0.1),
            (bool, 1, True),
            (bool, "yes", None),
            (dt.date, dt.datetime(2026, 5, 1, 12), "1!5!2026"),
            (dt.datetime, dt.datetime(2026, 5, 1, 12), "2026-05-01T12:00:00.000Z"),
            (dt.datetime, dt.datetime.max, "9999-12-31T23:59:59.999Z"),
            (dt.datetime, "soon", None),
            (dt.timedelta, 5, None),
            (uuid.UUID, str(SHORT), SHORT.hex.upper()),
            (
                dict,
                {"a": (1, Mood.GLAD, {2}), "b": Decimal("1.50"), "c": gettext_lazy("Yes")},
                {"a": [1, "glad", [2]], "b": 1.5, "c": "Yes"},
            ),
            (dict, {"a": dt.date(2026, 5, 1), "b": SHORT}, {"a": "2026-05-01", "b": str(SHORT)}),
            (dict, {"a": object()}, None),
            (list, Wrapped(1), None),
        ],
    )
    def test_values_of_every_type(
        self, admin: RestClient, registered: Any, monkeypatch: Any, hint: Any, value: Any, shown: Any
    ) -> None:
        def odd(self: Any) -> Any:
            return value

        odd.__annotations__["return"] = hint
        monkeypatch.setattr(Stranger, "odd", property(odd), raising=False)
        registered(Stranger, computed=["odd"])
        Stranger.objects.create(name="Ann")
        (entity,) = admin.read("Stranger?$attributes=odd").json()["__ENTITIES"]
        assert entity["odd"] == shown
        (flat,) = admin.read("Stranger/odd?$asArray=true").json()
        assert flat["odd"] == ("!!2026-05-01!!" if hint is dt.date else shown)
        if hint in (dict, list):
            return
        assert admin.read("Stranger?$attributes=odd&$distinct=true").status_code == 200
        assert admin.read("Stranger?$attributes=odd&$compute=$all").status_code == 200
        assert admin.read("Stranger?$orderby=odd").json()["__COUNT"] == 1
        assert keys(admin, "odd = null") == (["Ann"] if shown is None else [])
        if hint is not str and shown is not None and value != dt.datetime.max:
            constant = str(shown).lower() if hint is bool else shown
            assert keys(admin, f"odd = {constant}") == ["Ann"]


class TestKeys:
    @isolate_apps("tests.zoo")
    def test_a_text_key_that_may_be_stored_as_another_is_left_out(self) -> None:
        class Sealed(models.Model):
            code = SealedField(max_length=40, primary_key=True)

            class Meta:
                app_label = "zoo"

        own = Registry()
        own.register(Sealed)
        (left_out,) = own.left_out()
        assert left_out.why == (
            "its key may be stored as another text than it is shown; "
            "if it is not, name it in database_comparison"
        )
        own.register(Sealed, database_comparison=["code"])
        assert own.left_out() == []

    def test_a_key_that_is_an_object_in_python(self, admin: RestClient) -> None:
        first = Guest.objects.create(id=Wrapped(1), name="first")
        Guest.objects.create(id=Wrapped(2), name="second", host=first)
        page = admin.read("Guest?$expand=host").json()["__ENTITIES"]
        assert [(entity["__KEY"], entity["id"]) for entity in page] == [("1", 1), ("2", 2)]
        assert page[1]["host"]["__KEY"] == "1"
        assert admin.read("Guest(1)?$expand=guests").json()["guests"]["__COUNT"] == 1
        found = admin.read('Guest?$filter="id in [2, 9]"').json()["__ENTITIES"]
        assert [entity["name"] for entity in found] == ["second"]
        found = admin.read('Guest?$filter="host = 1"').json()["__ENTITIES"]
        assert [entity["name"] for entity in found] == ["second"]
        entity_set = admin.read("Guest?$method=entityset").json()["__ENTITYSET"]
        members = admin.read(entity_set.removeprefix("/rest/")).json()["__ENTITIES"]
        assert [entity["__KEY"] for entity in members] == ["1", "2"]
        answer = admin.update("Guest", {"__KEY": "2", "__STAMP": 1, "name": "again", "host": None})
        assert answer.json()["__STAMP"] == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a connection keeps its time zone")
def test_an_odd_moment_shows_the_nearest_one(admin: RestClient, settings: Any) -> None:
    """Without time zones the first and last day of the calendar may be none in UTC (D-24)."""
    for zone, moment, shown in (
        ("America/New_York", dt.datetime(9999, 12, 31, 23, 59, 59), "9999-12-31T23:59:59.999Z"),
        ("Europe/Paris", dt.datetime(1, 1, 1), "0001-01-01T00:00:00.000Z"),
    ):
        settings.USE_TZ, settings.TIME_ZONE = False, zone
        entity = Everything.objects.create(moment=moment)
        assert admin.read(f"Everything({entity.pk})").json()["moment"] == shown
        (flat,) = admin.read(f"Everything?$asArray=true&$filter=id={entity.pk}").json()
        assert flat["moment"] == shown
        figures = admin.read("Everything?$attributes=moment&$compute=max").json()
        assert figures == shown
        body = {"__KEY": str(entity.pk), "__STAMP": 1, "moment": shown}
        assert admin.update("Everything", body).json()["__STAMP"] == 1
        entity.delete()
