"""``manage.py fourd_touch hr.Employee [key …]``: move stamps after work that sends no signals."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.stamps import mover


class Command(BaseCommand):
    """Moves the stamps of one model, or of some of its entities."""

    help = (
        "Moves the stamps of a registered model's rows, so that clients see what QuerySet.update(), "
        "bulk_create() or SQL have changed, and cannot overwrite it with an old stamp."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The model is named as ``app_label.ModelName``; keys are those of the wire."""
        parser.add_argument("model", help="app_label.ModelName")
        parser.add_argument("keys", nargs="*", help="only the entities of these keys")

    def handle(self, *args: Any, model: str, keys: list[str], **options: Any) -> None:
        """Raises ``CommandError`` for a model that is unknown or not registered, or a wrong key."""
        dataclass = self._dataclass(model)
        rows = dataclass.model._base_manager.using(dataclass.write_alias())
        if keys:
            try:
                rows = rows.filter(pk__in=[dataclass.key_from_wire(key) for key in keys])
            except ValueError as error:
                raise CommandError(f"{model} has no such key") from error
        self.stdout.write(f"{mover.touch(dataclass, rows.all())} stamps moved")

    def _dataclass(self, label: str) -> DataClass:
        try:
            dataclass = registry.for_model(apps.get_model(label))
        except (LookupError, ValueError) as error:
            raise CommandError(f"There is no model {label}") from error
        if dataclass is None:
            raise CommandError(f"{label} is not registered")
        return dataclass
