"""The steps of one entity to its row, the same whether it is saved or only tried."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from django.db import DataError, IntegrityError, models

from fourd_rest.errors import RELATED_NOT_SAVED

from . import gate
from .context import Context
from .draft import Draft, Nested
from .refusal import Refusal


class Steps(ABC):
    """Nested entities first; then the row, the rules on it, and what is to be done with it."""

    # Whether an entity whose own attributes stay as they are is left alone.
    skips_unchanged: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        self.context = context

    def take(self, draft: Draft) -> models.Model | None:
        """Take ``draft`` and those nested in it all the way; None if there was nothing to do.

        Raises ``Refusal``, and what the database or the site's code raises.
        """
        is_skipped = self.skips_unchanged and not draft.is_new and not draft.change
        for nested in draft.nested:
            self._take_nested(draft, nested)
        if is_skipped:
            return None
        instance = self.row(draft)
        if instance is None:
            return None
        context = self.context
        gate.about_to_write(
            context.caller,
            context.dataclass,
            instance,
            draft.action,
            alias=context.alias,
            is_allowed=draft.is_new,
        )
        self.write(instance, draft)
        return instance

    def _take_nested(self, draft: Draft, nested: Nested) -> None:
        context = self.context.related(nested.attribute)
        try:
            instance = type(self)(context).take(nested.draft)
        except Refusal as refusal:
            raise unrelated(self.context, nested, refusal) from refusal
        except (IntegrityError, DataError) as error:
            broken = context.answers.constraint(error, nested.draft)
            raise unrelated(self.context, nested, broken) from error
        if nested.draft.is_new and instance is not None:
            self.relate(draft, nested, instance)

    @abstractmethod
    def row(self, draft: Draft) -> models.Model | None:
        """The row of ``draft`` as it is now, an empty instance for a new one; None to end here."""

    @abstractmethod
    def write(self, instance: models.Model, draft: Draft) -> None:
        """Do with the row what is to be done."""

    @abstractmethod
    def relate(self, draft: Draft, nested: Nested, instance: models.Model) -> None:
        """Have ``draft`` lead to ``instance``, a new entity that was nested in it."""


def blank(context: Context) -> models.Model:
    """A fresh instance for every attempt: a failed one may carry a key that was rolled back."""
    instance: models.Model = context.dataclass.model()
    instance._state.db = context.alias
    return instance


def unrelated(context: Context, nested: Nested, refusal: Refusal) -> Refusal:
    """Why an entity of ``context`` is not saved: one nested in it was refused (error 1537)."""
    return Refusal(
        *refusal.items,
        context.related(nested.attribute).answers.not_saved(nested.draft),
        RELATED_NOT_SAVED(attribute=nested.attribute.name, dataclass=context.dataclass.name),
        status=refusal.status,
    )
