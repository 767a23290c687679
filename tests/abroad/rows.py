"""Rows for every model of the site: some of each, related to one another."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.utils import timezone
from model_bakery import baker
from model_bakery.random_gen import gen_string
from PIL import Image

EACH = 3
_random = random.Random(4)  # noqa: S311  (the same rows in every run)


def image_file() -> ContentFile[bytes]:
    out = BytesIO()
    Image.new("RGB", (48, 36), (200, 30, 30)).save(out, "JPEG")
    return ContentFile(out.getvalue(), name="picture.jpg")


def populate() -> dict[str, str]:
    """Make rows; returns the models of which there are none, with the reason."""
    for path, make in GENERATORS.items():
        baker.generators.add(path, make)
    failed: dict[str, str] = {}
    for _ in range(2):  # the second time what the first could not, for want of others
        failed = {}
        for model in apps.get_models(include_auto_created=True):
            if model._meta.app_label == "fourd_rest" or not model._meta.managed or model._meta.proxy:
                continue
            if _count(model) >= EACH:
                continue
            for _ in range(EACH):
                try:
                    with transaction.atomic():
                        _make(model)
                except Exception as error:  #  (told with the model)
                    failed[model._meta.label] = f"{type(error).__name__}: {error}"
    return failed


def _count(model: type[models.Model]) -> int:
    return int(model._base_manager.count())


def _make(model: type[models.Model]) -> None:
    maker = MAKERS.get(model._meta.label)
    if maker is not None:
        maker(model)
        return
    values: dict[str, Any] = {}
    optional = []
    for field in model._meta.concrete_fields:
        if field.is_relation:
            found = _some(field)
            if found is None and not field.null and field.related_model is not model:
                _make(field.related_model)
                found = _some(field)
            if found is not None:
                values[field.name] = found
        elif field.null and not isinstance(field, models.FileField):
            optional.append(field.name)
        elif isinstance(field, models.ImageField):
            values[field.name] = image_file()
        elif isinstance(field, models.FileField):
            values[field.name] = ContentFile(b"some text", name="file.txt")
    baker.make(model, _fill_optional=optional, **values)


def _some(field: models.Field[Any, Any]) -> models.Model | None:
    """A row that ``field`` may refer to, one that no other refers to yet where that is asked for."""
    target: Any = field.related_model
    rows = target._base_manager.all()
    if target is field.model and _random.random() < 0.5 and field.null:
        return None
    if field.unique:
        taken = field.model._base_manager.values_list(field.attname, flat=True)
        rows = rows.exclude(pk__in=list(taken))
    keys = list(rows.values_list("pk", flat=True))
    return target._base_manager.get(pk=_random.choice(keys)) if keys else None


def _tree_node(**fixed: Any) -> Callable[[type[models.Model]], None]:
    """A maker of nodes of a materialised path: the first is the root, the others are below it."""

    def make(model: Any) -> None:
        values = {name: value() if callable(value) else value for name, value in fixed.items()}
        root = model.get_first_root_node()
        if root is None:
            model.add_root(**values)
        else:
            root.add_child(**values)

    return make


def _page(model: Any) -> None:
    from wagtail.models import Locale, Page

    Locale.objects.get_or_create(language_code="en")
    root = Page.get_first_root_node() or Page.add_root(title="Root", slug="root")
    title = gen_string(9)
    extra = {}
    if model._meta.label == "collection.Story":
        extra = {
            "intro": "<p>What <b>it</b> is about</p>",
            "body": [("heading", "A heading"), ("quote", {"text": "To be", "by": "Hamlet"})],
        }
    root.add_child(instance=model(title=title, slug=title.lower(), **extra))


def _named(model: Any) -> None:
    name = gen_string(9)
    if model._meta.label == "collection.Painting":
        wing = _some(model._meta.get_field("wing"))
        row = model.objects.create(title=name, photo=image_file(), wing=wing)
        row.tags.add("old", name)
    elif model._meta.label == "collection.Leaflet":
        row = model.objects.language("en").create(title=name, number=4)
    elif model._meta.label == "collection.Museum":
        model.objects.create(
            title_en=f"Museum {name}",
            title_de=f"Haus {name}",
            motto_en="Look, do not touch",
            country="DE",
            countries="DE,FR",
            phone="+493012345678",
            budget=Decimal("1250.50"),
        )
    elif model._meta.label == "catalogue.Product":
        kind = _some(model._meta.get_field("product_class"))
        model.objects.create(title=name, upc=name, product_class=kind, structure="standalone")
    elif model._meta.label == "collection.Guard":
        model.objects.create(
            name=f"Ann {name}", notes="naps", mail="ann@example.org", badge=7, hired=date(2024, 2, 29)
        )
    else:
        model(name=name).save()


def _logged(model: Any) -> None:
    target = ContentType.objects.get_for_model(apps.get_model("collection.Wing"))
    user = apps.get_model("auth.User").objects.first()
    model.objects.create(
        content_type=target, label=gen_string(9), action="wagtail.edit", user=user, object_id="1",
        timestamp=timezone.now(), data={"seen": True},
    )  # fmt: skip


def _granted(model: Any) -> None:
    """A right on one object."""
    permissions = apps.get_model("auth.Permission").objects
    museum = ContentType.objects.get_for_model(apps.get_model("collection.Museum"))
    number = model._base_manager.count()
    permission = permissions.filter(content_type=museum)[number]
    holder = {
        name: _some(model._meta.get_field(name)) for name in ("user", "group") if hasattr(model, name)
    }
    model.objects.create(permission=permission, content_type=museum, object_pk="1", **holder)


GENERATORS: dict[str, Callable[[], Any]] = {
    "djmoney.models.fields.MoneyField": lambda: 12,
    "djmoney.models.fields.CurrencyField": lambda: "EUR",
    "encrypted_fields.fields.EncryptedCharField": lambda: gen_string(9),
    "oscar.models.fields.AutoSlugField": lambda: gen_string(12),
    "oscar.models.fields.NullCharField": lambda: gen_string(9),
    "oscar.models.fields.PhoneNumberField": lambda: "+493012345678",
    "oscar.models.fields.PositiveDecimalField": lambda: 5,
    "oscar.models.fields.UppercaseCharField": lambda: gen_string(9).upper(),
    "oscar.models.fields.autoslugfield.AutoSlugField": lambda: gen_string(12),
    "oscar.models.fields.slugfield.SlugField": lambda: gen_string(12),
    "wagtail.fields.StreamField": list,
}

MAKERS: dict[str, Callable[[Any], None]] = {
    "wagtailcore.Page": _page,
    "collection.Story": _page,
    "wagtailcore.Collection": _tree_node(name=lambda: gen_string(9)),
    "catalogue.Category": _tree_node(name=lambda: gen_string(9)),
    **dict.fromkeys(
        (
            "catalogue.Product",
            "collection.Exhibit",
            "collection.Film",
            "collection.Guard",
            "collection.Leaflet",
            "collection.Museum",
            "collection.Painting",
            "collection.Statue",
        ),
        _named,
    ),
    "guardian.GroupObjectPermission": _granted,
    "guardian.UserObjectPermission": _granted,
    "wagtailcore.ModelLogEntry": _logged,
}
