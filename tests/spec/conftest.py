"""Fixtures of the tests that play requests against the specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import AutoField
from django.db.models.signals import post_save, pre_delete, pre_save
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.dataclass.registry import registry
from fourd_rest.stamps import receivers
from tests.conftest import RestClient
from tests.spec.backends import Owners

pytest.register_assert_rewrite("tests.contract.checks")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Numbers that tests give out themselves stay free.

    PostgreSQL counts on, whatever keys are inserted, and its next number may be one of them.
    """
    with django_db_blocker.unblock():
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            for model in (
                *apps.get_app_config("hr").get_models(),
                *apps.get_app_config("zoo").get_models(),
            ):
                if isinstance(model._meta.pk, AutoField):
                    table = model._meta.db_table
                    cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000)", [table])


@pytest.fixture
def registered() -> Iterator[Callable[..., DataClass]]:
    """``registered(Model, DataClassSubclass)`` or ``registered(Model, **options)``, for one test.

    Returns the new dataclass, which takes the place of the model's own until the test ends.
    """
    before = dict(registry._by_model), dict(registry.unknown_options), dict(receivers._watched)

    def register(model: Any, dataclass: type[DataClass] | None = None, **options: Any) -> DataClass:
        take_place = registry.register(model, **options)
        if dataclass is not None:
            take_place(dataclass)
        return registry._by_model[model]

    yield register
    by_model, unknown_options, watched = before
    registry._by_model = by_model
    registry.unknown_options = unknown_options
    registry._forget()
    for model in receivers._watched.keys() - watched.keys():
        for signal in (pre_save, post_save, pre_delete):
            signal.disconnect(sender=model, dispatch_uid="fourd_rest.stamps")
    receivers._watched.clear()
    receivers._watched.update(watched)


@pytest.fixture
def at_now(monkeypatch: Any) -> None:
    """Every save happens at ``NOW``."""
    # Not above: its assertions are to be rewritten.
    from tests.contract.sample import NOW

    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def owner(settings: Any) -> Iterator[RestClient]:
    """A client whose user holds rights on single entities alone, those in ``Owners.granted``."""
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "tests.spec.backends.Owners",
    ]
    # The test client logs in through the first backend.
    client = RestClient()
    client.force_login(
        User.objects.create(username="owner"), "django.contrib.auth.backends.ModelBackend"
    )
    Owners.granted.clear()
    yield client
    Owners.granted.clear()
