"""Settings of the tests: the sample site and the zoo, a second app with every kind of model."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from testproject.settings import *  # noqa: F403

INSTALLED_APPS += ["tests.zoo"]  # noqa: F405
ROOT_URLCONF = "tests.urls"

# The demo's guests are not the tests' guests.
FOURD_REST = {}

# Processes that run at once share no files.
TEST_FILES = Path(tempfile.gettempdir(), f"fourd-rest-tests-{os.getpid()}")
MEDIA_ROOT = TEST_FILES / "media"
STORAGES = {
    **STORAGES,  # noqa: F405
    "fourd_uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": TEST_FILES / "uploads"},
    },
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The zoo has a relation to a column that is not unique, as packages have that join by themselves.
SILENCED_SYSTEM_CHECKS = ["fields.E311"]
