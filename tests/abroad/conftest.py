from __future__ import annotations

import warnings
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import transaction


@pytest.fixture(scope="session")
def django_db_setup(request: Any, django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    """The rows are made once; every test rolls back what it changes."""
    if settings.ROOT_URLCONF != "tests.abroad.urls":
        return {}
    from .rows import populate

    with django_db_blocker.unblock(), warnings.catch_warnings(action="ignore"), transaction.atomic():
        return populate()


@pytest.fixture
def failed_rows(django_db_setup: dict[str, str]) -> dict[str, str]:
    return django_db_setup


@pytest.fixture(autouse=True)
def _encrypted_fields_forget() -> None:
    """Encrypted fields keep in mind that a value was refused, and then show what is stored."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            vars(field).pop("_already_decrypted", None)
