"""Settings of a site whose copies can be stopped at a chosen moment."""

from __future__ import annotations

from tests.servers.settings import *  # noqa: F403

ROOT_URLCONF = "tests.servers.kill_urls"
STORAGES["default"] = {"BACKEND": "tests.servers.kill_urls.PausingStorage"}  # noqa: F405
