from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class FourdRestConfig(AppConfig):
    name = "fourd_rest"
    verbose_name = "4D REST"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the checks)
        from .sql import functions
        from .stamps import folded, receivers

        # Every app's ``fourd.py`` registers its models, as ``admin.py`` does for the admin.
        autodiscover_modules("fourd")
        functions.install()
        receivers.watch_all()
        folded.watch_all()
