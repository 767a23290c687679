"""No line of a log can be forged: whatever comes from outside stays in its line, and is cut."""

from __future__ import annotations

import ast
import logging
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

import fourd_rest
from fourd_rest import DataClass
from fourd_rest.errors import bugs, logger, printable
from testproject.hr.models import Company
from tests.conftest import RestClient

pytestmark = pytest.mark.django_db

# What begins a line, moves the cursor, turns letters round, or is not seen; each by itself.
EVIL = {
    "line feed": "\n",
    "carriage return": "\r",
    "vertical tab": "\v",
    "form feed": "\f",
    "escape": "\x1b[2K\x1b[1A",
    "backspace": "\b",
    "bell": "\a",
    "delete": "\x7f",
    "file separator": "\x1c",
    "next line": "\x85",
    "control sequence": "\x9b31m",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "right-to-left isolate": "\u2067",
    "zero width": "\u200b",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
}
FORGED = "2026-01-01 00:00:00 ERROR root: all is lost"


@pytest.fixture
def lines() -> Any:
    """``lines()``: what a log file holds by now, as a reader splits it who knows every end of a line."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    chosen = [logging.getLogger(name) for name in ("fourd_rest", "django.request")]
    before = [item.level for item in chosen]
    for item in chosen:
        item.addHandler(handler)
        item.setLevel(logging.DEBUG)
    yield lambda: stream.getvalue().splitlines()
    for item, level in zip(chosen, before, strict=True):
        item.removeHandler(handler)
        item.setLevel(level)


def assert_kept(lines: list[str], *, most: int) -> None:
    """Every line is one of a record of ours, or stands below one, indented; all can be printed."""
    assert lines
    for line in lines:
        assert line.isprintable(), line
        assert len(line) < most
        assert not line.startswith(FORGED[:10])
        assert line.startswith("  ") or " fourd_rest: " in line or " django.request: " in line


# The only place


def test_every_line_goes_through_one_place() -> None:
    """No module has a logger of its own, prints or warns; what is filled in is an argument."""
    package = Path(fourd_rest.__file__).parent
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [getattr(node, "module", None) or "", *(item.name for item in node.names)]
                assert path.name == "errors.py" or not {"logging", "warnings"} & set(names), path
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            assert getattr(called, "id", "") != "print", path
            owner = getattr(getattr(called, "value", None), "id", "")
            if owner in ("logger", "bugs") and getattr(called, "attr", "") not in ("report", "Reporter"):
                # A text that is put together before would pass unseen.
                assert isinstance(node.args[0], ast.Constant), (path, node.lineno)


@pytest.mark.parametrize("character", EVIL.values(), ids=EVIL)
def test_what_is_printable(character: str) -> None:
    assert printable(f"a{character}b").isprintable()
    assert printable(f"a{character}b")[0 :: len(printable(character)) + 1] == "ab"


def test_what_people_write_is_printable() -> None:
    text = "Größe «12\u00a0%» – 日本語\u3000, ﬁ, עברית, 🙂"
    assert printable(text) == text
    assert printable("\ud800") == "?"
    assert printable("x" * 400) == "x" * 300
    assert printable("x" * 400, 350) == "x" * 350


@pytest.mark.parametrize("name", ["fourd_rest", "django.request"])
def test_every_argument_and_every_exception(lines: Any, name: str) -> None:
    ours = logger if name == "fourd_rest" else bugs
    for text in (f"{character}{FORGED}" for character in EVIL.values()):
        ours.info("%s and %d", text, 5)
        ours.warning("An object: %s", KeyError(text))
        try:
            try:
                raise ValueError(text)
            except ValueError as error:
                error.add_note(text)
                raise OSError(5, text, f"{text}.png") from error
        except OSError:
            ours.exception("It failed: %s", text)
            ours.warning("It failed", exc_info=True)
        ours.error("It failed", exc_info=ExceptionGroup(text, [ValueError(text)]))
    found = lines()
    assert_kept(found, most=1_200)
    assert sum(f" {name}: " in line for line in found) == 5 * len(EVIL)
    assert found[0].endswith(" and 5")


def test_lines_are_cut(lines: Any) -> None:
    logger.info("%s", "x" * 100_000)
    logger.error("It failed", exc_info=ValueError("y\n" * 100_000 + "z" * 100_000))
    first, second, *others = lines()
    assert first.endswith(" INFO fourd_rest: " + "x" * 1_000)
    assert second.endswith(" ERROR fourd_rest: It failed")
    assert len(others) == 401
    assert others[-1] == "  " + "z" * 1_000


def test_a_record_says_where_it_comes_from(caplog: Any) -> None:
    caplog.set_level(logging.INFO, "fourd_rest")
    logger.info("a %s", "b")
    (record,) = caplog.records
    assert record.funcName == "test_a_record_says_where_it_comes_from"
    assert record.pathname == __file__
    assert (record.msg, record.args, record.exc_info) == ("a %s", ("b",), None)


def test_what_nobody_listens_to_costs_nothing(caplog: Any) -> None:
    class Dear:
        def __str__(self) -> str:
            raise AssertionError

    caplog.set_level(logging.WARNING, "fourd_rest")
    logger.info("%s", Dear())


# Requests


def forged(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


TEXTS = [f"{character}{FORGED}" for character in EVIL.values()]
REQUESTS = {
    "path": ("GET", "Nothing{}", b""),
    "key": ("GET", "Employee({})", b""),
    "attribute": ("GET", "Employee/{}", b""),
    "filter": ("GET", 'Employee?$filter="{}=1"', b""),
    "order": ("GET", 'Employee?$orderby="{}"', b""),
    "method": ("GET", "Employee?$method={}", b""),
    "set": ("GET", "Employee/$entityset/{}", b""),
    "write": ("POST", "Employee/{}", b"{}"),
}


@pytest.mark.parametrize("place", REQUESTS)
def test_no_address_forges_a_line(admin: RestClient, lines: Any, place: str) -> None:
    verb, path, body = REQUESTS[place]
    for text in TEXTS:
        assert admin.rest(verb, path.replace("{}", forged(text)), body).status_code >= 400
    found = lines()
    assert len(found) == len(TEXTS)
    assert_kept(found, most=2_500)


def test_no_body_forges_a_line(admin: RestClient, lines: Any) -> None:
    for text in TEXTS:
        for body in (
            {text: 5, "firstName": text, "photo": {"ID": text}},
            {"__KEY": text, "firstName": "A"},
            [{"salary": text}, {"employer": text}],
        ):
            assert admin.update("Employee", body).status_code == 500
    assert_kept(lines(), most=2_500)


def test_no_verb_forges_a_line(admin: RestClient, lines: Any) -> None:
    for text in TEXTS:
        assert admin.generic(f"GET{text}", "/rest/Employee").status_code == 405
    assert_kept(lines(), most=2_500)


def test_no_bug_forges_a_line(admin: RestClient, lines: Any, registered: Any) -> None:
    class Buggy(DataClass):
        def get_queryset(self, request: Any) -> Any:
            raise ZeroDivisionError(text)

    registered(Company, Buggy)
    for text in TEXTS:
        answer = admin.read(f"Company?x={forged(text)}").json()
        assert [item["errCode"] for item in answer["__ERROR"]] == [9011]
    found = lines()
    assert_kept(found, most=2_500)
    assert sum(" ERROR django.request: Internal Server Error " in line for line in found) == len(TEXTS)
    assert sum(line.startswith("  ZeroDivisionError: ") for line in found) == len(TEXTS)


def test_no_storage_forges_a_line(admin: RestClient, lines: Any, monkeypatch: Any) -> None:
    """The names of files and the texts of exceptions are what the client or the store says."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(5, text, f"{text}.png")

    monkeypatch.setattr(FileSystemStorage, "_save", fail)
    for text in TEXTS:
        disposition = f"attachment; filename*=UTF-8''{forged(text)}.pdf"
        assert admin.upload(b"x", HTTP_CONTENT_DISPOSITION=disposition).status_code >= 500
    assert_kept(lines(), most=2_500)
