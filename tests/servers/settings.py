"""Settings of the sites that the tests here start: everything of a site lies in its ``DEMO_VAR``."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403

MEDIA_ROOT = VAR / "media"  # noqa: F405
STORAGES["fourd_uploads"]["OPTIONS"]["location"] = VAR / "uploads"  # noqa: F405

FOURD_REST = {
    "GUEST_PERMISSIONS": [
        f"{model.partition('.')[0]}.{action}_{model.partition('.')[2]}"
        for model in ("hr.company", "hr.employee", "hr.invoice", "zoo.country", "zoo.planet")
        for action in ("view", "add", "change", "delete")
    ],
    "MAX_PENDING_UPLOADS_PER_OWNER": 1_000,
    **json.loads(os.environ.get("SITE_FOURD_REST", "{}")),
}
