"""Every dataclass of the foreign site, read in every way, compared with Django's ORM."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.abroad import require_site

require_site()

from django.apps import apps

from fourd_rest.dataclass import DataClass, Kind, registry
from fourd_rest.dataclass.attributes import Relation

from . import expected

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("default")]

# Kept by an index of the database's own, or no table at all.
WITHOUT_ROWS = {
    "catalogue_ProductCategoryHierarchy": "a view that only the shop's migrations make",
    "wagtailadmin_Admin": "a model for permissions alone",
    "wagtailsearch_SQLiteFTSIndexEntry": "a virtual table of SQLite",
}
DATACLASSES = [dataclass for dataclass in registry if dataclass.name not in WITHOUT_ROWS]

every_dataclass = pytest.mark.parametrize("dataclass", DATACLASSES, ids=lambda item: item.name)

# What a query over a value that only Python knows may be refused with; never 9011.
REFUSALS = {1200, 1280, 1574, 1810}


def read(client: Any, address: str) -> Any:
    answer = client.read(address)
    assert answer.status_code == 200, (address, answer.content[:2000])
    return answer.json()


def pages(client: Any, dataclass: DataClass, params: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = read(client, f"{dataclass.name}?$top=2&$skip={len(found)}{params}")
        assert page["__FIRST"] == len(found)
        assert page["__SENT"] == len(page["__ENTITIES"])
        found += page["__ENTITIES"]
        if len(found) >= page["__COUNT"]:
            assert len(found) == page["__COUNT"]
            return found
        assert page["__ENTITIES"], "a page without entities before the end"


def rows(dataclass: DataClass) -> dict[str, Any]:
    return {dataclass.key_to_wire(row.pk): row for row in dataclass.model._default_manager.all()}


def keys(entities: list[dict[str, Any]]) -> list[str]:
    return [item["__KEY"] for item in entities]


# Made by the shop alone, in the midst of what only it can do.
NO_ROWS = {"order.ShippingEventQuantity"}


def test_every_model_has_rows(failed_rows: dict[str, str]) -> None:
    empty = {
        model._meta.label: failed_rows.get(model._meta.label)
        for model in (item.model for item in DATACLASSES)
        if not model._base_manager.exists()
    }
    assert empty.keys() <= NO_ROWS, empty


@every_dataclass
def test_pages(admin: Any, dataclass: DataClass) -> None:
    """Each entity once, as the ORM has it."""
    stored = rows(dataclass)
    found = pages(admin, dataclass)
    assert sorted(keys(found)) == sorted(stored)
    for shown in found:
        told = expected.entity(dataclass, stored[shown["__KEY"]])
        for name, value in told.items():
            part = shown[name]
            if dataclass.attributes[name].kind is Kind.TO_ONE:
                part = part and part["__deferred"]["__KEY"]
            assert expected.same(part, value), (name, part, value)


@every_dataclass
def test_one_entity(admin: Any, dataclass: DataClass) -> None:
    """One entity by its key says what the page says."""
    for shown in pages(admin, dataclass):
        key = quote(json.dumps(shown["__KEY"]))
        alone = read(admin, f"{dataclass.name}({key})")
        assert alone == {"__entityModel": dataclass.name, "__DATACLASS": dataclass.name, **shown}


@every_dataclass
def test_flat_forms(admin: Any, dataclass: DataClass) -> None:
    count = len(rows(dataclass))
    assert len(read(admin, f"{dataclass.name}?$asArray=true")) == count
    looker = read(admin, f"{dataclass.name}?$format=looker&$top=1000")
    assert looker["__COUNT"] == len(looker["rows"]) == count


@every_dataclass
def test_expanded(admin: Any, dataclass: DataClass) -> None:
    """Every relation, expanded, leads to what the ORM's accessor gives, each entity once."""
    stored = rows(dataclass)
    for attribute in dataclass.attributes.values():
        if not isinstance(attribute, Relation):
            continue
        target = attribute.target
        visible = set(rows(target))
        for shown in pages(admin, dataclass, f"&$expand={attribute.name}"):
            row = stored[shown["__KEY"]]
            nested = shown[attribute.name]
            if attribute.kind is Kind.TO_ONE:
                told = expected.entity(dataclass, row)[attribute.name]
                assert (nested and nested["__KEY"]) == told, attribute.name
                continue
            related = expected.related_keys(attribute, row)
            assert nested["__COUNT"] == len(related & visible), attribute.name
            assert sorted(keys(nested["__ENTITIES"])) == sorted(related & visible), attribute.name


@every_dataclass
def test_filters(admin: Any, dataclass: DataClass) -> None:
    """Each attribute equal to a value that some entity has finds all that show this value."""
    everything = pages(admin, dataclass)
    for attribute in dataclass.attributes.values():
        if not attribute.is_scalar or attribute.type == "object":
            continue
        values = [item[attribute.name] for item in everything if item[attribute.name] not in (None, "")]
        for value in values[:2]:
            if isinstance(value, str) and "@" in value:
                continue
            query = f'$filter="{attribute.name} = :1"&$params={quote(json.dumps([value]))}'
            answer = admin.read(f"{dataclass.name}?$top=1000&{query}")
            if answer.status_code != 200:
                assert {item["errCode"] for item in answer.json()["__ERROR"]} <= REFUSALS, answer.content
                continue
            told = [
                item["__KEY"]
                for item in everything
                if expected.folded(item[attribute.name]) == expected.folded(value)
            ]
            found = keys(answer.json()["__ENTITIES"])
            assert sorted(found) == sorted(told), (attribute.name, value)


@every_dataclass
def test_filters_over_relations(admin: Any, dataclass: DataClass) -> None:
    """A path over each relation finds those that the accessor leads on from, each once."""
    stored = rows(dataclass)
    for attribute in dataclass.attributes.values():
        if not isinstance(attribute, Relation):
            continue
        target = attribute.target
        inner = target.key_attribute
        if inner is None or not inner.is_scalar:
            continue
        visible = rows(target)
        if not visible:
            continue
        wanted = sorted(visible)[0]
        value = read(admin, f"{target.name}({quote(json.dumps(wanted))})")[inner.name]
        path = f"{attribute.name}.{inner.name}"
        found = pages(admin, dataclass, f'&$filter="{path} = :1"&$params={quote(json.dumps([value]))}')
        told = []
        for key, row in stored.items():
            if attribute.kind is Kind.TO_ONE:
                related = [expected.entity(dataclass, row)[attribute.name]]
            else:
                related = list(expected.related_keys(attribute, row))
            if wanted in related:
                told.append(key)
        assert sorted(keys(found)) == sorted(told), path


@every_dataclass
def test_orders(admin: Any, dataclass: DataClass) -> None:
    """Each attribute sorts what it shows, empty ones first, and loses and doubles nobody."""
    everything = sorted(keys(pages(admin, dataclass)))
    for attribute in dataclass.attributes.values():
        if not attribute.is_scalar or attribute.type == "object":
            continue
        answer = admin.read(f"{dataclass.name}?$top=1000&$orderby={attribute.name}")
        if answer.status_code != 200:
            assert {item["errCode"] for item in answer.json()["__ERROR"]} <= REFUSALS, answer.content
            continue
        found = answer.json()["__ENTITIES"]
        assert sorted(keys(found)) == everything, attribute.name
        if attribute.type in ("string", "word", "long", "long64"):
            shown = [item[attribute.name] for item in found]
            filled = [expected.folded(value) for value in shown if value is not None]
            assert filled == sorted(filled), attribute.name
            assert all(value is None for value in shown[: len(shown) - len(filled)]), attribute.name


@every_dataclass
def test_values_and_figures(admin: Any, dataclass: DataClass) -> None:
    """``$distinct`` shows what the pages show; ``$compute`` counts and sums it."""
    everything = pages(admin, dataclass)
    for attribute in dataclass.attributes.values():
        if not attribute.is_scalar or attribute.type == "object":
            continue
        shown = [item[attribute.name] for item in everything]
        answer = admin.read(f"{dataclass.name}/{attribute.name}?$distinct=true")
        if answer.status_code != 200:
            assert {item["errCode"] for item in answer.json()["__ERROR"]} <= REFUSALS, answer.content
        else:
            told = {expected.folded(value) for value in shown if value is not None}
            assert {expected.folded(value) for value in answer.json()} == told, attribute.name
            assert len(answer.json()) == len(told)
        answer = admin.read(f"{dataclass.name}/{attribute.name}?$compute=$all")
        if answer.status_code != 200:
            assert {item["errCode"] for item in answer.json()["__ERROR"]} <= REFUSALS, answer.content
            continue
        figures = answer.json()[attribute.name]
        assert figures["count"] == len(everything)
        if attribute.type in ("word", "long", "long64", "number"):
            assert Decimal(str(figures["sum"])) == pytest.approx(
                sum(Decimal(str(value)) for value in shown if value is not None)
            ), attribute.name


@every_dataclass
def test_entity_sets(admin: Any, dataclass: DataClass) -> None:
    made = read(admin, f"{dataclass.name}?$method=entityset&$top=2")
    address = made["__ENTITYSET"].removeprefix("/rest/")
    assert made["__COUNT"] == len(rows(dataclass))
    assert sorted(keys(read(admin, f"{address}?$top=1000")["__ENTITIES"])) == sorted(rows(dataclass))


def test_catalog_tells_of_everything(admin: Any) -> None:
    told = {item["name"] for item in read(admin, "$catalog/$all")["dataClasses"]}
    assert told == {dataclass.name for dataclass in registry}


def test_all_installed_models_are_registered() -> None:
    left_out = {item.what for item in registry.left_out()}
    assert left_out == {"sessions.Session", "authtoken.Token", "authtoken.TokenProxy"}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label != "fourd_rest" and model._meta.label not in left_out:
            assert registry.for_model(model) is not None, model
