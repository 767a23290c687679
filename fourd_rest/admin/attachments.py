"""The entities that hold copies of uploads, with links to their pages in the admin."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import ngettext

from fourd_rest.dataclass import registry
from fourd_rest.models import BlobAttachment
from fourd_rest.pictures.conversions import source_hash


@dataclass(frozen=True, slots=True)
class Target:
    """One field of one entity that holds a copy of an upload.

    ``url`` is the entity's page in the admin, empty if the user may not see one. ``source`` is the
    ``source_hash`` by which converted pictures of that file are found.
    """

    entity: str
    field: str
    attached: datetime
    url: str = ""
    source: str = ""

    def __html__(self) -> SafeString:
        name: str = self.entity
        if self.url:
            name = format_html('<a href="{}">{}</a>', self.url, name)
        when = date_format(timezone.localtime(self.attached), "DATETIME_FORMAT")
        return format_html(
            '<div title="{}">{} <span class="fourd-quiet">{}</span></div>', when, name, self.field
        )


@dataclass(frozen=True, slots=True)
class Targets:
    """The newest targets of one upload, and how many there are in all."""

    newest: list[Target]
    total: int

    def __html__(self) -> SafeString:
        text = format_html_join("", "{}", ((target,) for target in self.newest))
        if others := self.total - len(self.newest):
            more = ngettext("and %(count)d other", "and %(count)d others", others) % {"count": others}
            text += format_html('<div class="fourd-quiet">{}</div>', more)
        return text


def find_targets(request: HttpRequest, site: AdminSite, uploads: Collection[Any], most: int) -> None:
    """Give each of ``uploads`` its ``targets``, at most ``most`` of them: one statement per database."""
    found: dict[uuid.UUID, list[Any]] = {blob.pk: [] for blob in uploads}
    # Attachments are rows on the database of their entities.
    for alias in sorted({exposed.write_alias() for exposed in registry}):
        rows = BlobAttachment.objects.using(alias).filter(
            state=BlobAttachment.State.ATTACHED, blob_id__in=list(found)
        )
        newest_first = [F("attached").desc(), F("pk").desc()]
        for row in rows.annotate(
            rank=Window(RowNumber(), partition_by="blob_id", order_by=newest_first),
            total=Window(Count("pk"), partition_by="blob_id"),
        ).filter(rank__lte=most):
            found[row.blob_id].append(row)
    pages = _Pages(request, site)
    for blob in uploads:
        rows_found = sorted(found[blob.pk], key=lambda row: row.attached, reverse=True)
        total = sum({row._state.db: row.total for row in rows_found}.values())
        blob.targets = Targets([pages.target(row) for row in rows_found[:most]], total)


class _Pages:
    """Names and admin pages of entities, for one request; rights are asked once per model."""

    def __init__(self, request: HttpRequest, site: AdminSite) -> None:
        self._request = request
        self._site = site
        self._pages: dict[type[models.Model], str] = {}

    def target(self, row: Any) -> Target:
        try:
            model = apps.get_model(row.model)
        except LookupError:  # a model that the site no longer has
            return Target(f"{row.model} {row.key}", row.field, row.attached)
        if model not in self._pages:
            self._pages[model] = self._page(model)
        page = self._pages[model]
        return Target(
            f"{capfirst(str(model._meta.verbose_name))} {row.key}",
            _field_name(model, row.field),
            row.attached,
            reverse(page, args=[quote(row.key)], current_app=self._site.name) if page else "",
            _source(model, row),
        )

    def _page(self, model: type[models.Model]) -> str:
        """The name of the page of entities of ``model``, empty if there is none for this user."""
        if not self._site.is_registered(model):
            return ""
        if not self._site.get_model_admin(model).has_view_or_change_permission(self._request):
            return ""
        return f"admin:{model._meta.app_label}_{model._meta.model_name}_change"


def _source(model: type[models.Model], row: Any) -> str:
    try:
        owner = model._meta.get_field(row.field).model  # a parent, where the field is inherited
    except FieldDoesNotExist:
        owner = model
    return source_hash(owner._meta.label_lower, row.field, row.name)


def _field_name(model: type[models.Model], name: str) -> str:
    try:
        return str(getattr(model._meta.get_field(name), "verbose_name", name))
    except FieldDoesNotExist:  # renamed since
        return name
