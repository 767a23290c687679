from __future__ import annotations

from django.apps import AppConfig


class HRConfig(AppConfig):
    name = "testproject.hr"
    label = "hr"
    verbose_name = "Human resources"
    # 32-bit keys: the catalog shows them as `long`. A BigAutoField would be `long64`.
    default_auto_field = "django.db.models.AutoField"
