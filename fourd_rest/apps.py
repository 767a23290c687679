"""The app: what it does when the site starts."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class FourdRestConfig(AppConfig):
    """The app ``fourd_rest``."""

    name = "fourd_rest"
    verbose_name = "4D REST"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, read the ``fourd.py`` of every app, connect the receivers."""
        from . import checks  # noqa: F401  (registers the checks)
        from .sql import functions
        from .stamps import folded_columns, receivers

        # Every app's ``fourd.py`` registers its models, as ``admin.py`` does for the admin.
        autodiscover_modules("fourd")
        functions.install()
        receivers.watch_all()
        folded_columns.watch_all()
