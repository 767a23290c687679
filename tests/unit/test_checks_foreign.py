"""System checks of other people's managers, orders and relations."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Count, F
from django.test.utils import isolate_apps

from fourd_rest import checks
from fourd_rest.dataclass.options import DataClass
from fourd_rest.dataclass.registry import Registry
from testproject.hr.models import Company, Employee
from tests.unit.judging import judge_instead
from tests.zoo.models import Everything, Monument, Remark, Stranger


@pytest.fixture
def registered(monkeypatch: Any) -> Registry:
    registry = Registry()
    judge_instead(monkeypatch, "registry", registry)
    return registry


def found() -> list[tuple[str, str, str]]:
    return [(item.id[11:], item.msg, item.hint) for item in checks.check_dataclasses(app_configs=None)]


@isolate_apps("tests.zoo")
@pytest.mark.parametrize(
    ("give", "what"),
    [
        (lambda rows: rows[:5], "a slice of a queryset"),
        (lambda rows: rows.union(rows), "a union of querysets"),
        (lambda rows: rows.values("id"), "values instead of entities"),
        (lambda rows: [], "a list"),
        (lambda rows: rows.distinct(), ""),
        (lambda rows: 1 / 0, ""),
    ],
)
def test_a_default_manager_that_gives_no_entities(registered: Registry, give: Any, what: str) -> None:
    class Odd(models.Manager):  # type: ignore[type-arg]
        def get_queryset(self) -> Any:
            return give(super().get_queryset())

    class Thing(models.Model):
        objects = Odd()

        class Meta:
            app_label = "zoo"

    class Careful(DataClass):
        def get_queryset(self, request: Any) -> Any:
            return Thing._base_manager.all()

    registered.register(Thing)
    message = f"The default manager of zoo.Thing gives {what}: it cannot be read"
    hint = "Override get_queryset() of the dataclass, or name another default manager."
    assert found() == ([("W071", message, hint)] if what else [])
    registered.register(Thing)(Careful)
    assert found() == []


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (F("crowd"), "Cannot resolve keyword 'crowd' into field"),
        (Count("staff"), "it looks at more than one row"),
        ("staff__last_name", "it sorts by a relation to many"),
    ],
    ids=str,
)
def test_an_order_that_the_rows_do_not_have(registered: Registry, item: Any, why: str) -> None:
    registered.register(Company, ordering=["name", item])
    registered.register(Employee, ordering=["employer__name"])
    ((check_id, message, hint),) = found()
    assert check_id == "W072"
    assert message.startswith(f"hr.Company is not sorted by {item!r}: {why}")
    assert hint == "Sort by columns of the model or of to-one relations: option 'ordering'."


def test_relations_without_a_join(registered: Registry) -> None:
    for model in (Remark, Monument, ContentType):
        registered.register(model)
    told = {(check_id, message) for check_id, message, _ in found() if check_id == "I071"}
    why = "no join leads over it to its entities and back"
    assert told == {
        ("I071", f"zoo.Monument.neighbouring is left out: {why}"),
        ("I071", f"zoo.Remark.monument is left out: {why}"),
    }


def test_a_custom_field_may_be_left_to_the_database(registered: Registry) -> None:
    registered.register(Stranger, database_comparison=["sealed", "blocks", "stars"])
    registered.register(Everything, database_comparison=["integer"])
    assert [(check_id, message) for check_id, message, _ in found()] == [
        ("E026", "Option 'database_comparison': 'integer' is no text")
    ]
