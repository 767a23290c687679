"""The sample site, prepared and served from its ``DEMO_VAR``, with the address of mobile clients too."""

from __future__ import annotations

import os

from testproject.settings import *  # noqa: F403

ROOT_URLCONF = "tests.clients.urls"

# What a site for mobile clients sets: they announce a picture whatever they upload.
if os.environ.get("SITE_IS_MOBILE") == "1":
    FOURD_REST["RAWPICT_LENIENT"] = True  # noqa: F405
