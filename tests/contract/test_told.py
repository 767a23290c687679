"""What contributors and reporters are told holds: paths, commands and tests that are named, stages."""

from __future__ import annotations

import re

import pytest

from fourd_rest.errors import ROWS
from tests.contract.drawn import ROOT

TOLD = ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"]
_PATH = re.compile(r"(?:[\w.-]+/)+(?:[\w.-]+)?|[\w-]+\.(?:py|md|toml|ini|yaml)")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(text: str) -> list[str]:
    """What stands in single backticks, blocks left out."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("name", TOLD)
def test_every_path_that_is_named_is_there(name: str) -> None:
    named = [span.partition("::") for span in code(read(name))]
    paths = [(path, test) for path, _, test in named if _PATH.fullmatch(path)]
    assert len(paths) > 5
    gone = [path for path, _ in paths if not (ROOT / path).exists()]
    assert gone == []
    tests = [f"{path}::{test}" for path, test in paths if test and f"def {test}(" not in read(path)]
    assert tests == []


def test_commands_name_paths_that_are_there() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", read("CONTRIBUTING.md"), re.DOTALL)
    paths = re.findall(r"(?<![\w./-])(?:tests|fourd_rest|docs)/[\w./-]+", "\n".join(blocks))
    modules = re.findall(r"(?:-m|-p) (tests\.[\w.]+)", "\n".join(blocks))
    assert paths
    assert modules
    assert [path for path in paths if not (ROOT / path).exists()] == []
    folders = [ROOT / module.replace(".", "/") for module in modules]
    assert [path for path in folders if not path.is_dir() and not path.with_suffix(".py").exists()] == []


def test_every_folder_of_tests_is_explained() -> None:
    explained = set(re.findall(r"^\| `tests/(\w+)/` \|", read("CONTRIBUTING.md"), re.MULTILINE))
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")}
    assert explained == folders


def test_every_error_has_its_stage() -> None:
    section = read("docs/architecture.md").split("## Where it may be refused")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    told = {int(number) for line in lines for number in re.findall(r"\b\d{4}\b", line.split(" | ")[1])}
    assert told == {row.code for row in ROWS}
