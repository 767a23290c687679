"""The sample site with uploads in a storage of other file modes: files are copied, not linked."""

from __future__ import annotations

from tests.clients.settings import *  # noqa: F403

STORAGES["fourd_uploads"]["OPTIONS"]["file_permissions_mode"] = 0o600  # noqa: F405
