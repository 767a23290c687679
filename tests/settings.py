"""Settings of the tests: the sample site and the zoo, a second app with every kind of model."""

from __future__ import annotations

import os

from testproject.settings import *  # noqa: F403

INSTALLED_APPS += ["tests.zoo"]  # noqa: F405
ROOT_URLCONF = "tests.urls"

# The demo's guests are not the tests' guests.
FOURD_REST = {}

# Workers of a parallel run share nothing.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
MEDIA_ROOT = VAR / f"test-media{_worker}"  # noqa: F405
STORAGES = {
    **STORAGES,  # noqa: F405
    "fourd_uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / f"test-uploads{_worker}"},  # noqa: F405
    },
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
