"""Fixtures of the tests that play requests against the specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models.signals import post_save, pre_delete, pre_save

from fourd_rest import DataClass
from fourd_rest.dataclass.registry import registry
from fourd_rest.entities import stamps


@pytest.fixture
def registered() -> Iterator[Callable[..., DataClass]]:
    """``registered(Model, DataClassSubclass)`` or ``registered(Model, **options)``, for one test.

    Returns the new dataclass, which takes the place of the model's own until the test ends.
    """
    before = dict(registry._by_model), dict(registry.unknown_options), dict(stamps._watched)

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
    for model in stamps._watched.keys() - watched.keys():
        for signal in (pre_save, post_save, pre_delete):
            signal.disconnect(sender=model, dispatch_uid="fourd_rest.stamps")
    stamps._watched.clear()
    stamps._watched.update(watched)
