"""The modules of the system checks, for tests that give them other surroundings to judge."""

from __future__ import annotations

from typing import Any

from fourd_rest.checks import databases, exposure, files, options, receivers, settings, storages

MODULES = (databases, exposure, files, options, receivers, settings, storages)


def judge_instead(monkeypatch: Any, name: str, value: object) -> None:
    """Have every check find ``value`` where it has imported ``name``."""
    importing = [module for module in MODULES if hasattr(module, name)]
    assert importing, name
    for module in importing:
        monkeypatch.setattr(module, name, value)
