"""``python -m tests.mutations [name …]``: remove each guard in a copy of the tree and run its tests.

Every run must end red; one that stays green, and a guard whose text is no longer found, is told, and the
command ends with 1. ``--jobs`` copies work side by side.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from tests.mutations.guards import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("fourd_rest", "testproject", "tests", "docs", "manage.py", "pyproject.toml", "README.md")
_OPTIONS = ("-q", "-x", "-p", "no:randomly", "-n", "0", "-m", "not slow")
# pytest's words for a run in which a test failed, and for one that could not begin.
_RED, _NO_TESTS = 1, 5


def copy_of_tree(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def outcome(guard: Guard, tree: Path) -> str:
    """An empty text if the tests go red without the guard, else what is wrong."""
    path = tree / guard.file
    source = path.read_text(encoding="utf-8")
    count = source.count(guard.text)
    if count != 1:
        return f"its text stands {count} times in {guard.file}"
    changed = source.replace(guard.text, guard.without)
    try:
        ast.parse(changed)
    except SyntaxError as error:
        return f"without it {guard.file} is no Python: {error}"
    path.write_text(changed, encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_OPTIONS, *guard.tests],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    finally:
        path.write_text(source, encoding="utf-8")
    if done.returncode == _RED:
        return ""
    if done.returncode == 0:
        return "every test stays green without it"
    what = (
        "no test was found" if done.returncode == _NO_TESTS else f"pytest ended with {done.returncode}"
    )
    return f"{what}: {done.stdout[-300:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="guards to remove, all by default")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if unknown := set(options.names) - {guard.name for guard in GUARDS}:
        parser.error(f"no such guard: {', '.join(sorted(unknown))}")
    chosen = [guard for guard in GUARDS if not options.names or guard.name in options.names]
    survived = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        trees: Queue[Path] = Queue()
        for number in range(options.jobs):
            trees.put(copy_of_tree(Path(folder, str(number))))

        def tried(guard: Guard) -> tuple[Guard, str]:
            tree = trees.get()
            try:
                return guard, outcome(guard, tree)
            finally:
                trees.put(tree)

        for guard, problem in pool.map(tried, chosen):
            survived += bool(problem)
            print(
                f"{'SURVIVED' if problem else 'red     '} {guard.name}{': ' if problem else ''}{problem}"
            )
    print(f"{len(chosen)} guards removed, {survived} not noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
