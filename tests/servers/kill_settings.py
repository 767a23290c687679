"""Settings of a site whose server is killed: it can be stopped anywhere, and one sweep takes all."""

from __future__ import annotations

import os

from django.db.backends.signals import connection_created

from tests.servers.pausing import pause_after_statements
from tests.servers.settings import *  # noqa: F403

FOURD_REST["UPLOAD_STALL_TIMEOUT"] = 1  # noqa: F405
MIDDLEWARE = ["tests.servers.pausing.pause_before_answers", *MIDDLEWARE]  # noqa: F405
connection_created.connect(pause_after_statements, dispatch_uid="tests.servers.pausing")

# Between plain folders the system copies; between others the bytes pass through us.
if os.environ.get("SITE_STORAGE") != "plain":
    for _alias in ("default", "fourd_uploads"):
        STORAGES[_alias]["BACKEND"] = "tests.servers.pausing.PausingStorage"  # noqa: F405
