"""Specs speak HTTP: they import nothing of the package but what a site may."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SPECS = sorted(Path(__file__).parents[1].glob("spec/test_*.py"))
# What a site may import, and the command of cron.
OPEN = {"fourd_rest", "fourd_rest.errors", "fourd_rest.models", "fourd_rest.signals", "fourd_rest.asgi"}
OPEN_NAMES = {"DataClass", "conf", "models", "register", "signals", "sweep"}
# How moments are written is asked of the package.
OPEN_FROM = {"fourd_rest.dataclass", "fourd_rest.dataclass.registry", "fourd_rest.dataclass.values"}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_imports_no_inside(path: Path) -> None:
    inside = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("fourd_rest"):
            continue
        names = {alias.name for alias in node.names}
        if node.module == "fourd_rest" and names <= OPEN_NAMES:
            continue
        if node.module not in (OPEN - {"fourd_rest"}) | OPEN_FROM:
            inside.append(f"{node.module}: {', '.join(sorted(names))}")
    assert inside == []
