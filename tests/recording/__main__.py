"""``python -m tests.recording OLD NEW [--unstable OTHER]``: which answers differ between two recordings.

``OTHER`` is a second recording of the old state: what differs between the two by itself is left out.
Ends with 1 if an answer differs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

Key: TypeAlias = "tuple[str, int]"
Recording: TypeAlias = "dict[Key, dict[str, Any]]"


def recorded(folder: Path) -> Recording:
    """Every exchange, by the name of its test (without the file: tests move) and its place there."""
    found: Recording = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            file, _, name = entry["test"].partition("::")
            for place, exchange in enumerate(entry["exchanges"]):
                found[name, place] = exchange
                found[f"{file}::{name}", place] = exchange
    return found


def differences(old: Recording, new: Recording) -> Iterator[tuple[Key, dict[str, Any], dict[str, Any]]]:
    for key, before in old.items():
        if not key[0].partition("::")[0].endswith(".py"):
            continue
        name = key[0].partition("::")[2]
        after = new.get(key) or new.get((name, key[1]))
        if after is not None and after != before:
            yield key, before, after


def _around(old: str, new: str) -> tuple[str, str]:
    """Both from shortly before they differ."""
    start = max(0, len(os.path.commonprefix([old, new])) - 80)
    return old[start : start + 300], new[start : start + 300]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--unstable", type=Path)
    parser.add_argument("--show", type=int, default=20, metavar="N")
    options = parser.parse_args()
    old, new = recorded(options.old), recorded(options.new)
    unstable = set()
    if options.unstable is not None:
        unstable = {key for key, _, _ in differences(old, recorded(options.unstable))}
    compared = sum(1 for test, _ in old if test.partition("::")[0].endswith(".py")) - len(unstable)
    different = [found for found in differences(old, new) if found[0] not in unstable]
    for (test, place), before, after in different[: options.show]:
        print(f"{test} [{place}]")
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                was, now = _around(repr(before.get(name)), repr(after.get(name)))
                print(f"  {name}: {was}\n  {' ' * len(name)}→ {now}")
    print(f"{compared} answers compared, {len(unstable)} unstable, {len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
