"""The list of guards keeps up with the code; ``python -m tests.mutations`` shows that each is needed."""

from __future__ import annotations

import re

from tests.contract.drawn import ROOT
from tests.mutations.guards import GUARDS

LEAST = 60
_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_every_guard_has_a_name_of_its_own() -> None:
    names = [guard.name for guard in GUARDS]
    assert len(names) >= LEAST
    assert len(set(names)) == len(names)
    assert [name for name in names if not _NAME.fullmatch(name)] == []


def test_the_text_of_every_guard_stands_once() -> None:
    sources = {guard.file: read(guard.file) for guard in GUARDS}
    stray = {guard.name: sources[guard.file].count(guard.text) for guard in GUARDS}
    assert {name: count for name, count in stray.items() if count != 1} == {}


def test_every_guard_names_fast_tests() -> None:
    gone = []
    for guard in GUARDS:
        assert guard.tests, guard.name
        for test in guard.tests:
            path, _, function = test.partition("::")
            slow = not path.startswith("tests/") or path.startswith("tests/servers/")
            is_there = not slow and (ROOT / path).is_file()
            if not is_there or (function and f"\ndef {function}(" not in read(path)):
                gone.append((guard.name, test))
    assert gone == []
