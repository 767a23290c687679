"""Text comparison (D-17) and null order (D-18): the same on every database, but for what is listed.

The differences of MariaDB are the constants ``MARIADB_…``; docs/deployment.md lists the same.
"""

from __future__ import annotations

import re
import unicodedata
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections, models
from django.db.models import BinaryField, Exists, F, Func, OrderBy, OuterRef, Q, Value
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
)

from fourd_rest.dataclass.registry import registry
from fourd_rest.errors import QUERY_TOO_LARGE, RestError
from fourd_rest.sql import functions, text_folding
from fourd_rest.sql.row_order import null_order
from fourd_rest.sql.text_folding import Folded, fold, like, text_form
from tests.zoo.models import Parcel, Singer

pytestmark = pytest.mark.django_db

VENDOR = connection.vendor
mariadb = pytest.mark.skipif(VENDOR != "mysql", reason="a difference of MariaDB")
not_mariadb = pytest.mark.skipif(VENDOR == "mysql", reason="MariaDB compares by collation")
postgresql = pytest.mark.skipif(VENDOR != "postgresql", reason="indexes of PostgreSQL")
sqlite = pytest.mark.skipif(VENDOR != "sqlite", reason="functions of SQLite")

BLOCKS = [
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),  # Latin-1
    (0x100, 0x24F),  # Latin Extended A and B
    (0x1E00, 0x1EFF),  # Latin Extended Additional
    (0x370, 0x3FF),  # Greek
    (0x1F00, 0x1FFF),  # Greek with breathings and accents
    (0x400, 0x52F),  # Cyrillic
    (0xFB00, 0xFB06),  # ligatures
    (0xFF01, 0xFF5E),  # full width
    (0x2460, 0x2473),  # digits in circles
    (0x2070, 0x209C),  # digits and letters above and below the line
    (0x2150, 0x215F),  # fractions
]
CHARACTERS = [
    chr(code)
    for first, last in BLOCKS
    for code in range(first, last + 1)
    if unicodedata.category(chr(code)) != "Cn"
]

# Texts that are equal on MariaDB alone.
MARIADB_EQUAL = [
    ("ß", "ss"),
    ("œ", "oe"),
    ("æ", "ae"),
    ("ø", "o"),
    ("ł", "l"),
    ("đ", "d"),
    ("ð", "d"),
    ("ħ", "h"),
    ("ŀ", "l"),
    ("ґ", "г"),
    ("ς", "σ"),
    ("が", "か"),
    ("カ", "か"),
    ("\u00ad", ""),
    ("\u0001", ""),
    ("\u200b", ""),
    ("\u0488", ""),
]
# Texts that are equal on all but MariaDB.
MARIADB_APART = [
    ("й", "и"),
    ("¨", " "),
    ("¯", " "),
    ("´", " "),
    ("¸", " "),
    ("\u1112\u1161\u11ab", "한"),
]
# ASCII in the order of MariaDB; code points elsewhere.
MARIADB_ORDER = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"
# Patterns see single characters on MariaDB: text, pattern that fits elsewhere.
MARIADB_PATTERNS = [("ﬁn", "fin"), ("½", "1⁄2"), ("e\u0301t", "et"), ("Ǆ", "dž")]


def form(source: str = "label", model: Any = Parcel, lookup: str = "") -> Any:
    dataclass = registry.for_model(model)
    return text_form(dataclass, dataclass.attributes[source], lookup or source)


def store(*labels: str) -> None:
    Parcel.objects.bulk_create([Parcel(label=label) for label in labels])


def found(condition: Any) -> list[str]:
    return sorted(Parcel.objects.filter(condition).values_list("label", flat=True))


def weights(*texts: str) -> dict[str, bytes]:
    """What MariaDB compares instead of the texts."""
    store(*{*texts})
    weight = Func(Folded("label"), function="WEIGHT_STRING", output_field=BinaryField())
    # Two texts may be one to the collation of the column, so not by a lookup.
    return dict(Parcel.objects.values_list("label", weight))


# The rule


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("Straße", "straße"),
        ("ẞ", "ß"),
        ("Œuvre", "œuvre"),
        ("Ñandú", "nandu"),
        ("Łódź", "łodz"),
        ("ΟΔΟΣ", "οδοσ"),
        ("ὁδός", "οδος"),
        ("Άλφα", "αλφα"),
        ("ЙОД", "иод"),
        ("İstanbul", "istanbul"),
        ("Iıi", "iıi"),
        ("ﬁn", "fin"),
        ("ＡＢＣ１", "abc1"),
        ("①½", "11⁄2"),
        ("e\u0301\u0302x", "ex"),
        ("\u0300", ""),
        ("Ǆ", "dz"),
        ("\u212b\u212a", "ak"),
        ("한", "\u1112\u1161\u11ab"),
        ("a\u05b0", "a\u05b0"),  # a mark of another block stays
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_fold_is_character_by_character() -> None:
    for character in CHARACTERS:
        parts = unicodedata.normalize("NFKD", character)
        expected = "".join(part.lower() for part in parts if not "\u0300" <= part <= "\u036f")
        assert fold(character) == expected
        assert fold(f"Ab{character}Σ") == f"ab{expected}σ"


# The same in SQL


@not_mariadb
def test_sql_folds_as_python_does() -> None:
    words = [*CHARACTERS, *(f"Ab{character}Yz Σ" for character in CHARACTERS), "İI ẞßŒœ", ""]
    store(*words)
    folded = dict(Parcel.objects.values_list("label", Folded("label")))
    assert {word: folded[word] for word in words} == {word: fold(word) for word in words}


@not_mariadb
def test_sql_sorts_as_python_does() -> None:
    words = [*CHARACTERS, *(f"a{character}" for character in CHARACTERS), "Zoë", "zoe", "😀", "\uffee"]
    store(*words)
    rows = Parcel.objects.order_by(null_order(form().expression), "label")
    assert [fold(row.label) for row in rows] == sorted(map(fold, words))


@mariadb
def test_mariadb_takes_for_equal_what_fold_does() -> None:
    apart = {text for text, _ in MARIADB_APART}
    texts = [*CHARACTERS, *(f"Ab{character}Yz" for character in CHARACTERS)]
    found = weights(*texts, *map(fold, texts))
    wrong = {text for text in texts if found[text] != found[fold(text)]}
    # Spacing accents are compounds of a space: in Greek there are many of them.
    wrong = {text.removeprefix("Ab").removesuffix("Yz") for text in wrong}
    wrong = {text for text in wrong if fold(text)[:1] != " "}
    assert wrong == {"й", "Й"}
    assert apart >= {"й"}


@mariadb
def test_mariadb_tells_apart_what_fold_does() -> None:
    joined = {frozenset(pair) for pair in MARIADB_EQUAL}
    by_weight: dict[bytes, set[str]] = {}
    for text, weight in weights(*map(fold, CHARACTERS)).items():
        by_weight.setdefault(weight, set()).add(text)
    groups = {frozenset(texts) for texts in by_weight.values() if len(texts) > 1}
    assert groups == {
        frozenset("oø"),
        frozenset("dđð"),
        frozenset("hħ"),
        frozenset(["l", "ł", "l·"]),
        frozenset("гґ"),
        frozenset("ςσ"),
        frozenset("\u00ad\u0483\u0484\u0485\u0486\u0487\u0488\u0489"),
    }
    assert joined >= {frozenset("ςσ")}


@pytest.mark.parametrize(("text", "other"), MARIADB_EQUAL)
def test_equal_on_mariadb_alone(text: str, other: str) -> None:
    store(f"x{text}y")
    text_of = form()
    equal = Exact(text_of.expression, Value(text_of.constant(f"X{other}Y")))
    assert Parcel.objects.filter(equal).exists() == (VENDOR == "mysql")
    assert fold(text) != fold(other)


@pytest.mark.parametrize(("text", "other"), MARIADB_APART)
def test_equal_but_on_mariadb(text: str, other: str) -> None:
    store(f"x{text}y")
    text_of = form()
    equal = Exact(text_of.expression, Value(text_of.constant(f"X{other}Y")))
    assert Parcel.objects.filter(equal).exists() == (VENDOR != "mysql")
    assert fold(text) == fold(other)


@pytest.mark.parametrize(("text", "pattern"), MARIADB_PATTERNS)
def test_pattern_that_fits_but_on_mariadb(text: str, pattern: str) -> None:
    store(f"x{text}y")
    text_of = form()
    fits = like(text_of.expression, ["", text_of.constant(pattern), ""])
    assert Parcel.objects.filter(fits).exists() == (VENDOR != "mysql")
    equal = Exact(text_of.expression, Value(text_of.constant(f"x{pattern}y")))
    assert Parcel.objects.filter(equal).exists()


def test_order_of_ascii() -> None:
    store(*MARIADB_ORDER)
    rows = Parcel.objects.order_by(null_order(form().expression))
    order = "".join(rows.values_list("label", flat=True))
    assert order == (MARIADB_ORDER if VENDOR == "mysql" else "".join(sorted(MARIADB_ORDER)))


@pytest.mark.parametrize(
    ("is_mariadb", "version", "insensitive", "binary"),
    [
        (True, (10, 10, 1), "utf8mb4_uca1400_nopad_ai_ci", "utf8mb4_nopad_bin"),
        (True, (10, 9, 8), "utf8mb4_unicode_520_nopad_ci", "utf8mb4_nopad_bin"),
        (False, (8, 4, 0), "utf8mb4_0900_ai_ci", "utf8mb4_0900_bin"),
    ],
)
def test_collations(is_mariadb: bool, version: Any, insensitive: str, binary: str) -> None:
    server = SimpleNamespace(mysql_is_mariadb=is_mariadb, mysql_version=version)
    assert text_folding._insensitive(server) == insensitive
    assert text_folding._binary(server) == binary


@mariadb
def test_older_servers_know_fewer_marks(monkeypatch: Any) -> None:
    monkeypatch.setattr(text_folding, "_insensitive", lambda server: "utf8mb4_unicode_520_nopad_ci")
    cyrillic = [character for character in CHARACTERS if "\u0400" <= character <= "\u052f"]
    found = weights(*cyrillic, *map(fold, cyrillic))
    assert [text for text in "ёЁйѓїў" if found[text] != found[fold(text)]] == list("йѓїў")


@mariadb
def test_every_difference_of_mariadb_stands_in_the_docs() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
    section = path.read_text(encoding="utf-8").split("\n### Text on MariaDB\n")[1].split("\n#")[0]
    for text, other in MARIADB_EQUAL[:-4] + MARIADB_APART[:-1]:
        if text not in "¯´¸":
            assert f"`{text}`" in section, (text, other)
    assert f"`` {MARIADB_ORDER[1:]} ``" in section


def test_a_text_is_found_by_itself_and_in_capitals() -> None:
    """Whatever a database joins or tells apart, it finds what was stored."""
    store(*(f"x{character}y" for character in CHARACTERS))
    text_of = form()
    for word in (
        "Андрей",
        "한국어",
        "Straße",
        "ὈΔΥΣΣΕΎΣ",
        "Ĳssel",
        "Ǆep",
        "e\u0301te\u0301",
        "Å",
        "Œuvre",
    ):
        store(word)
        for given in {word, unicodedata.normalize("NFC", word)}:
            constant = text_of.constant(given)
            assert word in found(Exact(text_of.expression, Value(constant)))
    for word in ("Андрей", "한국어", "Straße", "ὈΔΥΣΣΕΎΣ", "Ĳssel", "Œuvre"):
        assert word in found(like(text_of.expression, [text_of.constant(word[:3]), ""]))
        assert word in found(like(text_of.expression, ["", text_of.constant(word[-2:])]))


# Lookups


def test_lookups_of_django() -> None:
    store("Ärger", "arger", "Zorn", "müde")
    text_of = form()

    def value(text: str) -> Value:
        return Value(text_of.constant(text))

    assert found(Exact(text_of.expression, value("ÄRGER"))) == ["arger", "Ärger"]
    assert found(~Q(Exact(text_of.expression, value("ÄRGER")))) == ["Zorn", "müde"]
    assert found(LessThan(text_of.expression, value("MUDE"))) == ["arger", "Ärger"]
    assert found(LessThanOrEqual(text_of.expression, value("MUDE"))) == ["arger", "müde", "Ärger"]
    assert found(GreaterThan(text_of.expression, value("MUDE"))) == ["Zorn"]
    assert found(GreaterThanOrEqual(text_of.expression, value("MUDE"))) == ["Zorn", "müde"]
    constants = [text_of.constant(text) for text in ("zörn", "Mude", "none")]
    assert found(In(text_of.expression, constants)) == ["Zorn", "müde"]


def test_final_spaces_count() -> None:
    store("a", "a ")
    text_of = form()
    assert found(Exact(text_of.expression, Value(text_of.constant("A")))) == ["a"]
    assert found(Exact(text_of.expression, Value(text_of.constant("A ")))) == ["a "]


def test_lookups_through_relations_and_subqueries() -> None:
    teacher = Singer.objects.create(name="Ünal", name_folded="wrong", code="T")
    Singer.objects.create(name="Pupil", teacher=teacher)
    dataclass = registry.for_model(Singer)
    stored = text_form(dataclass, dataclass.attributes["name"], "teacher__name")
    assert Singer.objects.get(Exact(stored.expression, Value(stored.constant("ÜNAL")))).name == "Pupil"
    inner = form("name", Singer)
    pupils = Singer.objects.filter(teacher=OuterRef("pk")).filter(
        like(inner.expression, ["", inner.constant("PÎL")])
    )
    assert list(Singer.objects.filter(Exists(pupils))) == [teacher]
    unstored = Folded(F("teacher__motto"))
    assert not Singer.objects.filter(Exact(unstored, Value("x"))).exists()


def test_an_address_is_a_text() -> None:
    Singer.objects.create(name="a", ip="10.0.0.1")
    Singer.objects.create(name="b", ip="2001:DB8::1")
    Singer.objects.create(name="c")
    text_of = form("ip", Singer)

    def names(condition: Any) -> list[str]:
        return [row.name for row in Singer.objects.filter(condition).order_by("name")]

    assert names(Exact(text_of.expression, Value(text_of.constant("10.0.0.1")))) == ["a"]
    assert names(Exact(text_of.expression, Value(text_of.constant("nonsense")))) == []
    assert names(like(text_of.expression, [text_of.constant("2001:DB8"), ""])) == ["b"]


# Patterns


LABELS = ["100 %", "1000", "a_b", "aXb", "c\\d", "c\\\\", "!x", "*y?[z]", "Äpfel", "x'y"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["100 %"], ["100 %"]),
        (["100", "%"], ["100 %"]),
        (["%", ""], []),
        (["A_", ""], ["a_b"]),
        (["", "_", ""], ["a_b"]),
        (["", "\\", ""], ["c\\\\", "c\\d"]),
        (["C\\D"], ["c\\d"]),
        (["", "\\\\"], ["c\\\\"]),
        (["!", ""], ["!x"]),
        (["", "?[", ""], ["*y?[z]"]),
        (["*", ""], ["*y?[z]"]),
        (["", "[Z]"], ["*y?[z]"]),
        (["", "'", ""], ["x'y"]),
        (["APF", ""], ["Äpfel"]),
        (["a", "b"], ["aXb", "a_b"]),
        (["", "P", "E", ""], ["Äpfel"]),
        (["", ""], sorted(LABELS)),
        ([""], []),
    ],
)
def test_like(parts: list[str], expected: list[str]) -> None:
    store(*LABELS)
    text_of = form()
    assert found(like(text_of.expression, [text_of.constant(part) for part in parts])) == expected


@mariadb
def test_like_without_backslash_escapes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@sql_mode")
        before = cursor.fetchone()[0]
        cursor.execute("SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
        try:
            store("c\\d", "50%")
            assert found(like(form().expression, ["", "\\", ""])) == ["c\\d"]
            assert found(like(form().expression, ["50%"])) == ["50%"]
        finally:
            cursor.execute("SET sql_mode = %s", [before])


def test_like_of_null_is_neither() -> None:
    Singer.objects.create(name="a")
    text_of = form("motto", Singer)
    assert not Singer.objects.filter(like(text_of.expression, ["", ""])).exists()


def test_a_pattern_has_a_longest() -> None:
    store("a" * 50)
    with pytest.raises(RestError) as caught:
        like(form().expression, ["é" * 25_001])
    assert caught.value.items[0].row is QUERY_TOO_LARGE
    with pytest.raises(RestError):
        like(form().expression, ["*" * 16_667])
    assert found(like(form().expression, ["é" * 25_000])) == []


# The database's own comparison


def test_the_comparison_of_the_database(settings: Any) -> None:
    text_of = form("code", Singer)
    assert text_of.expression == F("code")
    assert text_of.constant("ÄB") == "ÄB"
    assert form("name", Singer).constant("ÄB") == "ab"
    settings.FOURD_REST = {"TEXT_COMPARISON": "database"}
    assert form().expression == F("label")
    assert form("name", Singer).constant("ÄB") == "ÄB"


def test_like_in_the_comparison_of_the_database() -> None:
    Singer.objects.create(name="a", code="Ab%_!*[1]\\")
    text_of = form("code", Singer)

    def fits(*parts: str) -> bool:
        return Singer.objects.filter(like(text_of.expression, parts)).exists()

    assert fits("Ab", "")
    assert fits("", "%_!*[1]\\")
    assert not fits("Ab", "_")
    # As ``=`` does it there.
    assert fits("AB", "") == Singer.objects.filter(code="AB%_!*[1]\\").exists() == (VENDOR == "mysql")


# Null order


def test_nulls_come_first_and_go_last() -> None:
    for name, motto in (("1", "b"), ("2", None), ("3", "A"), ("4", None)):
        Singer.objects.create(name=name, motto=motto)

    def names(*order: Any) -> str:
        return "".join(Singer.objects.order_by(*order, "pk").values_list("name", flat=True))

    for expression in ("motto", form("motto", Singer).expression, Folded("motto")):
        assert names(null_order(expression)) == "2431"
        assert names(null_order(expression, descending=True)) == "1324"


def test_order_is_reversed_as_any() -> None:
    for name, motto in (("1", "b"), ("2", None), ("3", "A")):
        Singer.objects.create(name=name, motto=motto)
    rows = Singer.objects.order_by(null_order(Folded("motto")))
    assert [row.name for row in rows.reverse()] == ["1", "3", "2"]
    assert isinstance(null_order("motto"), OrderBy)


def test_a_relation_that_is_null_is_first() -> None:
    teacher = Singer.objects.create(name="T")
    Singer.objects.create(name="p", teacher=teacher)
    rows = Singer.objects.order_by(null_order("teacher__name"))
    assert [row.name for row in rows] == ["T", "p"]


# SQLite


@sqlite
def test_the_function_comes_with_a_connection() -> None:
    other = connections["default"].copy("other")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT fourd_fold(%s), fourd_fold(NULL), fourd_fold(5)", ["Ä"])
            assert cursor.fetchone() == ("a", None, 5)
    finally:
        other.connection.close()  # Django itself closes none to a database in memory


@sqlite
def test_a_column_that_ignores_case_does_so_in_patterns(monkeypatch: Any) -> None:
    Singer.objects.create(name="a", code="Ab")
    rows = Singer.objects.filter(like(form("code", Singer).expression, ["aB", ""]))
    assert not rows.exists()
    monkeypatch.setattr(Singer._meta.get_field("code"), "db_collation", "NOCASE")
    assert rows.all().exists()


@sqlite
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["%", ""], ["%a"]),
        (["_", ""], ["_b"]),
        (["!", ""], ["!c"]),
        (["", "a"], ["%a"]),
        (["", "B"], ["_b"]),
    ],
)
def test_nothing_is_special_in_a_column_that_ignores_case(
    monkeypatch: Any, parts: list[str], expected: list[str]
) -> None:
    """Its patterns are those of LIKE, as on other databases."""
    monkeypatch.setattr(Singer._meta.get_field("code"), "db_collation", "NOCASE")
    for code in ("%a", "_b", "!c"):
        Singer.objects.create(name=code, code=code)
    rows = Singer.objects.filter(like(form("code", Singer).expression, parts))
    assert list(rows.values_list("code", flat=True)) == expected


@sqlite
def test_connections_that_are_open_get_the_function() -> None:
    connection.connection.create_function(text_folding.FUNCTION, 1, None)
    functions.install()
    store("Ä")
    assert found(Exact(Folded("label"), Value("a"))) == ["Ä"]


# PostgreSQL


@pytest.fixture(params=["sql", "django"])
def index(request: Any) -> Any:
    """The index that docs/deployment.md advises, and a planner that uses what it can."""
    docs = (Path(__file__).resolve().parents[2] / "docs" / "deployment.md").read_text(encoding="utf-8")
    docs = docs.replace("hr_employee", "zoo_parcel").replace("last_name", "label")
    name = "zoo_parcel_label_fold"
    store("Zorn", "Ärger", "müde")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if request.param == "sql":
            cursor.execute(re.findall(rf"CREATE INDEX {name}.*?;", docs, re.DOTALL)[0])
        else:
            (line,) = re.findall(r"^models\.Index\(.*\)$", docs, re.MULTILINE)
            chosen = eval(line, {"models": models, "OrderBy": OrderBy, "Folded": Folded})  # noqa: S307
            with connection.schema_editor(atomic=False) as editor:
                editor.add_index(Parcel, chosen)
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    return name


@postgresql
def test_the_index_serves_comparisons_and_order(index: str) -> None:
    text_of = form()
    value = Value(text_of.constant("ÄRGER"))
    for condition in (
        Exact(text_of.expression, value),
        LessThan(text_of.expression, value),
        In(text_of.expression, ["a", "b"]),
        like(text_of.expression, [text_of.constant("ÄR"), ""]),
        like(text_of.expression, ["a%b_", "c"]),
    ):
        plan = Parcel.objects.filter(condition).explain()
        assert re.search(rf"Index Scan (using|on) {index}\b", plan), plan
        assert "Index Cond" in plan, plan
    for descending, scan in ((False, "Index Scan"), (True, "Index Scan Backward")):
        plan = Parcel.objects.order_by(null_order(text_of.expression, descending))[:2].explain()
        assert f"{scan} using {index}" in plan, plan
        assert "Sort" not in plan, plan


@postgresql
def test_a_column_whose_collation_takes_no_patterns() -> None:
    field = Singer._meta.get_field("code")
    with connection.cursor() as cursor:
        cursor.execute("CREATE COLLATION odd (provider = icu, locale = 'und', deterministic = false)")
        cursor.execute("ALTER TABLE zoo_singer ALTER code TYPE varchar(20) COLLATE odd")
    Singer.objects.create(name="a", code="Ab")
    field.db_collation = "odd"
    try:
        rows = Singer.objects.filter(like(form("code", Singer).expression, ["A", ""]))
        assert rows.exists()
    finally:
        field.db_collation = None


@postgresql
def test_the_index_of_a_column_serves_the_order() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    for descending in (False, True):
        plan = Parcel.objects.order_by(null_order("pk", descending)).explain()
        assert "using zoo_parcel_pkey" in plan, plan
    assert "NULLS" not in str(Parcel.objects.order_by(null_order("label")).query)
    assert "NULLS FIRST" in str(Parcel.objects.order_by(null_order("country_id")).query)
    # Of a relation that may be null, a column is.
    assert "NULLS FIRST" in str(Parcel.objects.order_by(null_order("country__name")).query)
    inner = Parcel.objects.filter(country__name="x").order_by(null_order("country__name"))
    assert "NULLS" not in str(inner.query)


@postgresql
def test_the_index_is_rebuilt_without_a_search_path(index: str) -> None:
    """As a restore and autovacuum do it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(f"REINDEX INDEX public.{index}")
        cursor.execute("SELECT public.fourd_fold('Äß')")
        assert cursor.fetchone() == ("aß",)
        cursor.execute(
            "SELECT provolatile, proparallel FROM pg_catalog.pg_proc WHERE proname = 'fourd_fold'"
        )
        assert cursor.fetchall() == [("i", "s")]


def test_the_migration_goes_back_and_forth() -> None:
    migration = import_module("fourd_rest.migrations.0003_text_folding")

    def exists() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_proc WHERE proname = 'fourd_fold'")
            return bool(cursor.fetchone()[0])

    class Editor:
        """Without the transaction that a real one begins."""

        def __init__(self) -> None:
            self.connection = connection

        def execute(self, sql: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(sql)

    (operation,) = migration.Migration.operations
    operation.reverse_code(None, Editor())
    if VENDOR == "postgresql":
        assert not exists()
    operation.code(None, Editor())
    operation.code(None, Editor())
    if VENDOR == "postgresql":
        assert exists()


def test_the_address_that_migrations_of_sites_name() -> None:
    """It does not change, wherever the class stands."""
    path, arguments, _ = Folded("name").deconstruct()
    assert (path, arguments) == ("fourd_rest.query.folding.Folded", ("name",))
    module, _, name = path.rpartition(".")
    assert getattr(import_module(module), name) is Folded
