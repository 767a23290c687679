"""Every dataclass of the foreign site, written back as it was read, and with one attribute changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.abroad import require_site

require_site()

from django.db import models, transaction
from django.db.models.signals import post_save, pre_save
from django.utils import timezone

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import Valued

from .test_reads import every_dataclass, pages, rows

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("default")]

# Their deletes keep the row, and their default manager shows it.
STAYS = {"collection_Ticket"}


@contextmanager
def saves(model: type[models.Model]) -> Iterator[list[Any]]:
    """The instances of ``model`` that are saved meanwhile."""
    seen: list[Any] = []

    def note(sender: Any, instance: Any, **kwargs: Any) -> None:
        if isinstance(instance, model):
            seen.append(instance)

    post_save.connect(note, weak=False)
    try:
        yield seen
    finally:
        post_save.disconnect(note)


@every_dataclass
def test_written_back_unchanged(admin: Any, dataclass: DataClass) -> None:
    """What was read may be posted back: nothing is saved, no stamp moves."""
    entities = pages(admin, dataclass)
    saved: list[Any] = []

    def note(sender: Any, instance: Any, **kwargs: Any) -> None:
        if sender is dataclass.model:
            saved.append(instance)

    pre_save.connect(note, weak=False)
    try:
        answer = admin.update(dataclass.name, {"__ENTITIES": entities})
        alone = [admin.update(dataclass.name, entity) for entity in entities]
    finally:
        pre_save.disconnect(note)
    assert answer.status_code == 200, answer.content[:3000]
    assert [item.status_code for item in alone] == [200] * len(entities), [
        item.content[:1000] for item in alone if item.status_code != 200
    ]
    assert saved == []
    stamps = [item["__STAMP"] for item in answer.json()["__ENTITIES"]]
    assert stamps == [item["__STAMP"] for item in entities]
    assert pages(admin, dataclass) == entities


def another(attribute: Attribute, value: Any) -> Any:
    """A different value that the attribute's own type takes, or None."""
    field = attribute.own_field
    if field.choices or field.unique or field.is_relation or not attribute.is_scalar:
        return None
    if attribute.type == "bool":
        return not value
    if attribute.type in ("word", "long", "long64"):
        return (value or 0) + 1
    if attribute.type == "number":
        return (value or 0) + 1
    if attribute.type == "date" and isinstance(field, models.DateTimeField):
        return "2031-05-06T07:08:09.000Z"
    if attribute.type == "string" and field.get_internal_type() in ("CharField", "TextField"):
        text = f"{value or ''}x"
        return text if len(text) <= (field.max_length or 10_000) else text[1:]
    return None


def changeable(dataclass: DataClass, entity: dict[str, Any]) -> Iterator[tuple[Attribute, Any]]:
    for attribute in dataclass.attributes.values():
        if attribute.read_only or attribute.is_filled_in or not attribute.is_stored:
            continue
        value = another(attribute, entity[attribute.name])
        if value is not None:
            yield attribute, value


def columns(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def saved_by_django(row: models.Model, attribute: Attribute, value: Any) -> dict[str, Any] | Exception:
    """The columns of ``row`` after Django's own save of the same change, which is taken back."""
    assert isinstance(attribute, Valued)
    try:
        with transaction.atomic():
            python = attribute.value.from_wire(json.loads(json.dumps(value), parse_float=Decimal))
            setattr(row, attribute.assigned, python)
            # As a form does that has this one field.
            others = {field.name for field in row._meta.get_fields()} - {attribute.source}
            row.clean_fields(exclude=others)
            row.clean()
            row.save()
            raise _TakenBack(columns(type(row)._base_manager.get(pk=row.pk)))
    except _TakenBack as taken:
        return taken.columns
    except Exception as error:  #  (whatever the package makes of such a row)
        return error


class _TakenBack(Exception):
    def __init__(self, columns: dict[str, Any]) -> None:
        super().__init__()
        self.columns = columns


@every_dataclass
def test_one_attribute_changed(admin: Any, dataclass: DataClass) -> None:
    """One save, which stores what Django's own save stores, and the next stamp; or nothing at all."""
    accepted: list[bool] = []
    reasons = []
    key = next(iter(rows(dataclass)), None)
    if key is None:
        return
    for attribute, _ in list(changeable(dataclass, pages(admin, dataclass)[0])):
        current = next(item for item in pages(admin, dataclass) if item["__KEY"] == key)
        value = another(attribute, current[attribute.name])
        if value is None:
            continue
        before = columns(rows(dataclass)[key])
        told = saved_by_django(rows(dataclass)[key], attribute, value)
        body = {"__KEY": key, "__STAMP": current["__STAMP"], attribute.name: value}
        with saves(dataclass.model) as seen:
            answer = admin.update(dataclass.name, body)
        outcome = answer.json()
        accepted.append(answer.status_code == 200 or isinstance(told, Exception))
        if answer.status_code != 200:
            codes = {item["errCode"] for item in outcome["__ERROR"]}
            refused = {1569, 1570, 1517, 1508} | (
                {1046, 9011, 9016} if isinstance(told, Exception) else set()
            )
            assert codes <= refused, (attribute.name, outcome, told)
            assert same_columns(columns(rows(dataclass)[key]), before), attribute.name
            reasons += outcome["__ERROR"]
            continue
        if outcome["__STAMP"] == current["__STAMP"]:
            assert seen == []  # to the field it is the value that is there, in another spelling
            continue
        assert len(seen) == 1, attribute.name
        assert outcome["__STAMP"] == current["__STAMP"] + 1, attribute.name
        assert not isinstance(told, Exception), (attribute.name, told)
        assert same_columns(columns(rows(dataclass)[key]), told), attribute.name
    assert any(accepted) or not accepted, reasons


def same_columns(some: dict[str, Any], others: dict[str, Any]) -> bool:
    """Whether both hold the same, moments of the last save aside."""
    now = timezone.now()

    def is_new(value: Any) -> bool:
        return isinstance(value, dt.datetime) and abs(value - now) < dt.timedelta(minutes=5)

    different = {
        name: (some[name], others[name])
        for name in some
        if str(some[name]) != str(others[name]) and not (is_new(some[name]) and is_new(others[name]))
    }
    assert different == {}
    return True


@every_dataclass
def test_saved_without_saving(admin: Any, dataclass: DataClass) -> None:
    """``validate`` and ``$refresh`` of what would change save nothing and tell no bug."""
    entities = pages(admin, dataclass)
    before = rows(dataclass)
    with saves(dataclass.model) as seen:
        for entity in entities[:1]:
            for attribute, value in changeable(dataclass, entity):
                body = {"__KEY": entity["__KEY"], "__STAMP": entity["__STAMP"], attribute.name: value}
                for params in ("$method=validate", "$method=update&$refresh=true"):
                    answer = admin.update(dataclass.name, body, params)
                    assert b"9011" not in answer.content, (attribute.name, params, answer.content)
    assert seen == []
    for key, row in rows(dataclass).items():
        assert same_columns(columns(row), columns(before[key]))


@every_dataclass
def test_new_from_nothing(admin: Any, dataclass: DataClass) -> None:
    """An empty new entity is saved or refused with reasons; no bug is told and no half row stays."""
    count = dataclass.model._base_manager.count()
    answer = admin.update(dataclass.name, {})
    assert b"9011" not in answer.content, answer.content
    outcome = answer.json()
    assert ("__ERROR" in outcome) == (answer.status_code != 200)
    assert dataclass.model._base_manager.count() == count + (answer.status_code == 200)


@every_dataclass
def test_deleted(admin: Any, dataclass: DataClass) -> None:
    """One entity is deleted, softly or not, or told what still refers to it; no bug is told."""
    for key in list(rows(dataclass))[:1]:
        answer = admin.rest("POST", f"{dataclass.name}?$method=delete", [key])
        assert b"9011" not in answer.content, answer.content
        if answer.status_code == 200:
            assert key not in rows(dataclass) or dataclass.name in STAYS
        else:
            assert key in rows(dataclass)
