"""The sample site with references beside it. The runner makes ``BENCH_FOLDER`` and hands it on."""

from __future__ import annotations

import os
from pathlib import Path

from testproject.settings import *  # noqa: F403

FOLDER = Path(os.environ["BENCH_FOLDER"])
GUESTS = os.environ.get("BENCH_GUESTS", "1") == "1"

INSTALLED_APPS += ["tests.benchmarks"]  # noqa: F405
MIDDLEWARE = ["tests.benchmarks.middleware.count_statements", *MIDDLEWARE]  # noqa: F405
ROOT_URLCONF = "tests.benchmarks.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

_is_sqlite = DATABASE["ENGINE"].endswith("sqlite3")  # noqa: F405
_name = str(FOLDER / "bench.sqlite3") if _is_sqlite else FOLDER.name.replace("-", "_")
DATABASES["default"] |= {  # noqa: F405
    "NAME": _name,
    "TEST": {"NAME": _name},
    # A new connection for every request would cost more than what is measured.
    "CONN_MAX_AGE": None,
}

MEDIA_ROOT = FOLDER / "media"
MEDIA_URL = "/media/"
STORAGES = {
    **STORAGES,  # noqa: F405
    "fourd_uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "uploads"},
    },
    "plain_uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "plain"},
    },
}

MAX_UPLOAD = 2**40
FOURD_REST = {
    # To sort a million texts for a set takes longer than a request may.
    "MAX_STATEMENT_TIME": 120,
    "MAX_UPLOAD_SIZE": MAX_UPLOAD,
    "MAX_PENDING_BYTES": MAX_UPLOAD,
    "MAX_PENDING_BYTES_PER_OWNER": MAX_UPLOAD,
}
# Either everybody may do everything, or whoever has a session and the permissions.
GUEST_PERMISSIONS = frozenset(
    f"hr.{action}_{model}"
    for model in ("company", "employee", "invoice")
    for action in ("view", "add", "change", "delete")
    if GUESTS
)
FOURD_REST["GUEST_PERMISSIONS"] = sorted(GUEST_PERMISSIONS)
