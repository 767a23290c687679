"""Telling the site of what was saved, once it is committed."""

from __future__ import annotations

from django.db import models

from fourd_rest import signals
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller

from .draft import Draft


def announce(
    caller: Caller, dataclass: DataClass, alias: str, draft: Draft, instance: models.Model
) -> None:
    """Have ``blob_attached`` and ``entity_saved`` sent for ``draft``, saved as ``instance``."""
    model = dataclass.model
    for placed in draft.placed:
        signals.after_commit(
            signals.blob_attached,
            caller,
            alias,
            model,
            key=instance.pk,
            attribute=placed.attribute.name,
            blob_id=placed.intent.blob_id,
        )
    signals.after_commit(
        signals.entity_saved, caller, alias, model, instance=instance, created=draft.is_new
    )
