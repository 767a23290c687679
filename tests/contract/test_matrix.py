"""One matrix of Python, Django and databases, one list of lint commands, told in several places."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeAlias

Row: TypeAlias = "tuple[str, str, str, str]"

ROOT = Path(__file__).resolve().parents[2]
CI = ".ci/run"
WORKFLOW = ".github/workflows/ci.yml"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_of_ci() -> list[Row]:
    """Python, Django, database and arguments of every run of the suite in ``.ci/run``."""
    text = read(CI)
    # The first pair runs in parts, by which coverage is counted.
    first = re.search(r"version_info\[:2\].*== \(\((\d+), (\d+)\), \((\d+), (\d+)\)\)", text)
    assert first
    assert "covered -m slow" in text
    python, django = f"{first[1]}.{first[2]}", f"{first[3]}.{first[4]}"
    suites = re.findall(r"^(?:DATABASE_ENGINE=(\w+) )?suite (\S+) (\S+) ?(.*)$", text, re.MULTILINE)
    return [
        (python, django, "sqlite", ""),
        *((version, pair, engine or "sqlite", rest) for engine, version, pair, rest in suites),
    ]


def rows_of_tox() -> list[Row]:
    found = re.findall(
        r"^    py(\d)(\d+)-django(\d)(\d+)-(\w+): pytest -n 2 -q ?(.*) \{posargs\}$",
        read("tox.ini"),
        re.MULTILINE,
    )
    return [(f"{a}.{b}", f"{c}.{d}", database, rest) for a, b, c, d, database, rest in found]


def rows_of_the_workflow() -> list[Row]:
    pattern = r'- \{ python: "(.+?)", django: "(.+?)", database: (\w+), tests: "(.*)" \}'
    return re.findall(pattern, read(WORKFLOW))


def test_tox_and_the_workflow_run_what_ci_runs() -> None:
    expected = rows_of_ci()
    assert len(expected) > 5
    assert rows_of_tox() == expected
    assert rows_of_the_workflow() == expected


def test_tox_lists_its_rows() -> None:
    listed = re.findall(r"^    (py[\w-]+)$", read("tox.ini"), re.MULTILINE)
    named = [f"py{row[0]}-django{row[1]}-{row[2]}".replace(".", "") for row in rows_of_tox()]
    assert listed == list(dict.fromkeys(named))


def test_other_peoples_packages_meet_the_same_databases() -> None:
    databases = [
        engine or "sqlite"
        for engine in re.findall(r"^(?:DATABASE_ENGINE=(\w+) )?abroad$", read(CI), re.MULTILINE)
    ]
    assert f"[testenv:abroad-{{{','.join(databases)}}}]" in read("tox.ini")
    assert f"database: [{', '.join(databases)}]" in read(WORKFLOW)
    line = "pytest -n 2 -q --ds tests.abroad.settings tests/abroad"
    assert line.replace("pytest", '"$env/bin/pytest"') in read(CI)
    assert line in read("tox.ini")
    assert f"- run: {line}\n" in read(WORKFLOW)


def test_lint_is_the_same_everywhere() -> None:
    section = read(CI).split('step "Lint and types"')[1].split("step ")[0]
    commands = re.findall(r"^\.venv/bin/(?!pip)(.+)$", section, re.MULTILINE)
    assert len(commands) > 4
    in_tox = read("tox.ini").split("[testenv:lint]")[1].split("commands =")[1]
    assert re.findall(r"^    (.+)$", in_tox, re.MULTILINE) == commands
    of_job = re.findall(r"^      - run: (?!pip)(.+)$", read(WORKFLOW).split("  tests:")[0], re.MULTILINE)
    assert of_job == commands
    hooks = re.findall(r"entry: \.venv/bin/(.+)", read(".pre-commit-config.yaml"))
    assert [hook.removesuffix(" --fix") for hook in hooks] == [
        command.removesuffix(" --check") for command in commands if "manage.py" not in command
    ]


def test_the_services_are_the_same_everywhere() -> None:
    images = re.findall(r"image: ((?:postgres|mariadb):.+)", read("compose.yaml"))
    assert len(images) == 2
    assert set(re.findall(r"image: (.+)", read(WORKFLOW))) == set(images)


def test_lines_are_as_long_for_editors_as_for_ruff() -> None:
    length = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]["line-length"]
    assert f"[*.py]\nmax_line_length = {length}\n" in read(".editorconfig")


def test_what_the_tests_read_is_in_the_source_distribution() -> None:
    settings = tomllib.loads(read("pyproject.toml"))
    included = set(settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    read_here = ["docs", "tests", CI, WORKFLOW, ".editorconfig", ".pre-commit-config.yaml"]
    read_here += ["compose.yaml", "tox.ini", *(path.name for path in ROOT.glob("*.md"))]
    assert {f"/{name.partition('/')[0]}" for name in read_here} <= included
