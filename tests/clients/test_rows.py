"""Every request of a known client is played by a test, under the id of its row."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from .rows import ROWS, What


def played() -> Iterator[str]:
    """Ids of the rows that tests of this folder take as parameter ``row``."""
    for path in Path(__file__).parent.glob("test_*.py"):
        module = import_module(f"{__package__}.{path.stem}")
        for name, value in vars(module).items():
            for mark in getattr(value, "pytestmark", ()) if name.startswith("test_") else ():
                if mark.name == "parametrize" and mark.args[0] == "row":
                    yield from mark.kwargs["ids"]


def test_every_row_is_played() -> None:
    assert sorted(set(played())) == sorted(row.id for row in ROWS)


def test_ids_are_unique_and_what_comes_later_has_a_reason() -> None:
    ids = [row.id for row in ROWS]
    assert len(set(ids)) == len(ids)
    assert [row.id for row in ROWS if bool(row.reason) is not (row.what is What.LATER)] == []
