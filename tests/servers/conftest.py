"""Fixtures: sites that are prepared once, and servers over copies of them."""

from __future__ import annotations

from shutil import which
from typing import Any

import pytest

from .harness import REQUIRE_SERVICES, Site


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: Any) -> Site:
    """A SQLite site with tables and a few entities; copy it, never serve it."""
    site = Site(tmp_path_factory.mktemp("prepared"))
    done = site.run("-m", "tests.servers.crew", input='{"do": "prepare"}\n')
    assert done == '{"result": null}\n', done
    return site


@pytest.fixture
def curl() -> str:
    """The ``curl`` program. Skips where it is not installed and not required."""
    found = which("curl")
    if found is None and REQUIRE_SERVICES:
        pytest.fail("curl is required")
    return found or pytest.skip("curl is not installed")
