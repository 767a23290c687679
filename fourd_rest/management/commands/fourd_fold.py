"""``manage.py fourd_fold hr.Employee``: fill the columns of the option ``folded``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from fourd_rest.dataclass import registry
from fourd_rest.stamps import folded_columns


class Command(BaseCommand):
    """Fills the folded columns of one model."""

    help = (
        "Fills the columns in which a registered model keeps its texts as they are compared: for rows "
        "that were there before the column, and after QuerySet.update(), bulk_create() or SQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The model is named as ``app_label.ModelName``."""
        parser.add_argument("model", help="app_label.ModelName")

    def handle(self, *args: Any, model: str, **options: Any) -> None:
        """Raises ``CommandError`` for a model that is unknown, not registered or folds nothing."""
        try:
            dataclass = registry.for_model(apps.get_model(model))
        except (LookupError, ValueError) as error:
            raise CommandError(f"There is no model {model}") from error
        if dataclass is None:
            raise CommandError(f"{model} is not registered")
        if not dataclass.folded:
            raise CommandError(f"The dataclass of {model} has no option 'folded'")
        self.stdout.write(f"{folded_columns.fill(dataclass)} rows changed")
