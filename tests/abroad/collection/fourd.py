"""Everything that is installed, registered in a loop, as a site does that has no time to choose."""

from __future__ import annotations

from django.apps import apps

from fourd_rest import register

for _model in apps.get_models(include_auto_created=True):
    if _model._meta.app_label != "fourd_rest":
        register(_model, name=f"{_model._meta.app_label}_{_model.__name__}")
