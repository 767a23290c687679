"""What a caller may see is judged in one module: no other one asks for rights on related dataclasses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "fourd_rest"
JUDGE = PACKAGE / "query" / "visible.py"
# Rights on a dataclass, and keys compared with the rows that a caller may reach.
JUDGED = re.compile(r"\.(?:views|knows)\(|\bneeds_right\b")


@pytest.mark.parametrize("package", ["query", "read"])
def test_rights_on_related_entities_are_judged_in_one_module(package: str) -> None:
    judging = {path.name for path in (PACKAGE / package).glob("*.py") if JUDGED.search(path.read_text())}
    assert judging == ({JUDGE.name} if package == JUDGE.parent.name else set())
