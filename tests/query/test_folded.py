"""The option ``folded``: columns kept on every save."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.db.models.lookups import Exact
from django.test.utils import CaptureQueriesContext

from fourd_rest.dataclass.registry import registry
from fourd_rest.sql.row_order import null_order
from fourd_rest.sql.text_folding import StoredFolded, like, text_form
from fourd_rest.stamps import folded_columns
from fourd_rest.write import batch
from tests.spec.conftest import registered
from tests.zoo.models import Aviary, Place, Singer

__all__ = ["registered"]

pytestmark = pytest.mark.django_db


def stored(**conditions: Any) -> tuple[Any, ...]:
    return Singer.objects.values_list("name", "name_folded", "motto", "motto_folded").get(**conditions)


def test_a_save_keeps_it() -> None:
    singer = Singer.objects.create(name="Änne", motto="ΟΔΟΣ")
    assert stored() == ("Änne", "anne", "ΟΔΟΣ", "οδοσ")
    singer.name, singer.motto = "Øre", None
    singer.save()
    assert stored() == ("Øre", "øre", None, None)


def test_what_a_caller_sets_does_not_stay() -> None:
    Singer.objects.create(name="Änne", name_folded="zz")
    assert stored()[1] == "anne"


def test_update_fields() -> None:
    singer = Singer.objects.create(name="Änne", motto="M")
    singer.name, singer.motto = "Ü", "Ö"
    singer.save(update_fields=["name"])
    assert stored() == ("Ü", "u", "M", "m")
    singer.name, singer.code = "É", "c"
    singer.save(update_fields=["code"])
    assert stored() == ("Ü", "u", "M", "m")
    singer.save(update_fields=["name", "name_folded", "motto"])
    assert stored() == ("É", "e", "Ö", "o")


def test_columns_that_were_not_loaded() -> None:
    Singer.objects.create(name="Änne", motto="M")
    singer = Singer.objects.defer("name_folded", "motto").get()
    singer.name = "Ü"
    with CaptureQueriesContext(connection) as queries:
        singer.save()
    assert stored() == ("Ü", "u", "M", "m")
    assert not [query["sql"] for query in queries if query["sql"].startswith("SELECT")]


def test_an_expression_is_left_to_the_command() -> None:
    singer = Singer.objects.create(name="änne")
    singer.name = Upper(F("name"))
    singer.save()
    assert Singer.objects.values_list("name_folded", flat=True).get() == "anne"


def test_fixtures_keep_it(tmp_path: Any) -> None:
    fixture = tmp_path / "singers.json"
    fixture.write_text('[{"model": "zoo.singer", "pk": 1, "fields": {"name": "Änne"}}]')
    call_command("loaddata", fixture, verbosity=0)
    assert stored()[1] == "anne"


def test_a_parent_s_column_is_kept_by_saves_of_its_children(registered: Any) -> None:
    # A check would refuse it; the zoo has no parent with two texts.
    registered(Place, folded={"name": "name"})
    assert folded_columns.columns(Place) == folded_columns.columns(Aviary) == {"name": "name"}
    Aviary.objects.create(name="ÄB")
    assert Place.objects.get().name == "ab"


# Clients


def test_clients_do_not_see_it(admin: Any) -> None:
    Singer.objects.create(id=1, name="Änne", motto="M")
    entity = admin.read("Singer(1)").json()
    assert [name for name in entity if not name.startswith("__")] == [
        "id",
        "name",
        "motto",
        "code",
        "ip",
        "teacher",
        "pupils",
    ]


def test_an_update_and_a_creation_keep_it(admin: Any) -> None:
    answer = admin.update("Singer", {"name": "Änne", "motto": "ΟΔΟΣ"})
    assert answer.status_code == 200, answer.content
    assert stored() == ("Änne", "anne", "ΟΔΟΣ", "οδοσ")
    key = answer.json()["__KEY"]
    answer = admin.update("Singer", {"__KEY": key, "__STAMP": 1, "name": "Ünal"})
    assert answer.status_code == 200, answer.content
    assert stored() == ("Ünal", "unal", "ΟΔΟΣ", "οδοσ")


def test_updates_of_many_keep_it(admin: Any) -> None:
    assert batch.is_plain(registry.for_model(Singer))
    for key in range(1, 9):
        Singer.objects.create(id=key, name=f"Ä{key}", motto="M")

    def statements(count: int, letter: str) -> int:
        posted = [
            {"__KEY": str(key), "__STAMP": stamp(key), "name": f"{letter}{key}"}
            for key in range(1, count + 1)
        ]
        with CaptureQueriesContext(connection) as queries:
            answer = admin.update("Singer", posted)
        assert answer.status_code == 200, answer.content
        return len(queries)

    def stamp(key: int) -> int:
        return admin.read(f"Singer({key})").json()["__STAMP"]

    assert statements(4, "Ö") == statements(8, "Ü")
    rows = Singer.objects.order_by("id").values_list("name", "name_folded", "motto_folded")
    assert list(rows) == [(f"Ü{key}", f"u{key}", "m") for key in range(1, 9)]


def test_a_text_whose_folded_form_is_too_long(admin: Any, registered: Any) -> None:
    registered(Singer, folded={"name": "code"})
    answer = admin.update("Singer", {"name": "ﬃ" * 7})
    assert answer.status_code == 500
    errors = [(error["errCode"], error["message"]) for error in answer.json()["__ERROR"]]
    assert errors[0] == (1569, "Singer: Ensure this value has at most 20 characters (it has 21).")
    assert not Singer.objects.exists()


def test_it_is_never_written_by_clients(admin: Any, registered: Any) -> None:
    dataclass = registered(Singer, fields=["id", "name", "name_folded"], folded={"name": "name_folded"})
    assert dataclass.attributes["name_folded"].read_only
    Singer.objects.create(id=1, name="Änne")
    answer = admin.update("Singer", {"__KEY": "1", "__STAMP": 1, "name_folded": "x"})
    assert answer.json()["__ERROR"][0]["errCode"] == 1516


# Comparison


def test_it_is_what_queries_compare() -> None:
    for name in ("Straße", "Strasse", "Œuvre", "zoo", "Йод"):
        Singer.objects.create(name=name)
    Singer.objects.filter(name="zoo").update(name_folded="found elsewhere")
    dataclass = registry.for_model(Singer)
    form = text_form(dataclass, dataclass.attributes["name"], "name")
    assert isinstance(form.expression, StoredFolded)

    def names(condition: Any) -> list[str]:
        rows = Singer.objects.filter(condition).order_by(null_order(form.expression))
        return [row.name for row in rows]

    # On MariaDB too: these are the differences of its collation.
    assert names(Exact(form.expression, Value(form.constant("STRASSE")))) == ["Strasse"]
    assert names(Exact(form.expression, Value(form.constant("ИОД")))) == ["Йод"]
    assert names(like(form.expression, [form.constant("STRA"), ""])) == ["Strasse", "Straße"]
    assert names(like(form.expression, ["FOUND", ""])) == []
    assert names(like(form.expression, ["found", ""])) == ["zoo"]
    assert names(like(form.expression, ["", ""])) == ["zoo", "Strasse", "Straße", "Œuvre", "Йод"]


@pytest.mark.skipif(connection.vendor != "mysql", reason="collations of MariaDB")
def test_the_index_of_the_column_serves_on_mariadb() -> None:
    field = Singer._meta.get_field("name_folded")
    plain = str(Singer.objects.filter(Exact(StoredFolded("name_folded"), Value("x"))).query)
    assert "COLLATE utf8mb4_nopad_bin" in plain
    field.db_collation = "utf8mb4_nopad_bin"
    try:
        bare = str(Singer.objects.filter(Exact(StoredFolded("name_folded"), Value("x"))).query)
    finally:
        field.db_collation = None
    assert bare.endswith("WHERE `zoo_singer`.`name_folded` = (x)") or bare.endswith(
        "WHERE `zoo_singer`.`name_folded` = x"
    )


# The command


def fill(model: str = "zoo.Singer") -> str:
    out = StringIO()
    call_command("fourd_fold", model, stdout=out)
    return out.getvalue()


def test_the_command_fills_rows(monkeypatch: Any) -> None:
    monkeypatch.setattr(folded_columns, "_BATCH", 2)
    Singer.objects.bulk_create([Singer(name=f"Ä{n}", motto=None if n else "Ö") for n in range(5)])
    Singer.objects.filter(name="Ä4").update(name_folded="a4")
    assert fill() == "4 rows changed\n"
    rows = Singer.objects.order_by("id").values_list("name_folded", "motto_folded")
    assert list(rows) == [("a0", "o"), *((f"a{n}", None) for n in range(1, 5))]
    assert fill() == "0 rows changed\n"


def test_the_command_says_what_it_cannot_do(registered: Any) -> None:
    for model, message in (
        ("zoo.Nothing", "There is no model zoo.Nothing"),
        ("auth.Permission", "auth.Permission is not registered"),
        ("zoo.Place", "The dataclass of zoo.Place has no option 'folded'"),
    ):
        with pytest.raises(CommandError, match=f"^{message}$"):
            fill(model)


def test_a_parent_s_columns_are_filled(registered: Any) -> None:
    registered(Aviary, folded={"name": "name"})
    Place.objects.bulk_create([Place(name="Ä")])
    assert fill("zoo.Aviary") == "1 rows changed\n"
    assert Place.objects.get().name == "a"
