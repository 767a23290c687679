"""Rows as they would be: tried for a dry run, and to tell why a stale entity is not saved."""

from __future__ import annotations

from django.db import models

from .assignment import assign_files, assign_values, changed_fields, judge_error
from .context import Context
from .draft import Draft, Nested
from .entity_files import empty
from .refusal import Refusal
from .steps import Steps, blank
from .validation import clean_values


class Attempt(Steps):
    """The steps of a save without a lock, without files and without a save."""

    def row(self, draft: Draft) -> models.Model:
        """An empty instance, or the row as the caller reaches it. Raises ``Refusal`` if it is gone."""
        if draft.is_new:
            return blank(self.context)
        instance: models.Model | None = self.context.rows.query(draft.key).first()
        if instance is None:
            raise self.context.answers.gone(draft)
        instance._state.db = self.context.alias
        return instance

    def relate(self, draft: Draft, nested: Nested, instance: models.Model) -> None:
        """Leave the relation to a new entity open: it has no key yet."""
        draft.change.values.pop(nested.attribute, None)

    def write(self, instance: models.Model, draft: Draft) -> None:
        """Give the instance what is known of the values of ``draft``, and have it judged."""
        # What is only known or only there after a save cannot be judged before.
        unknown = {a.source for a, blob in draft.change.files.items() if blob is not None}
        unknown |= {nested.attribute.source for nested in draft.nested if nested.draft.is_new}
        before = dict(instance.__dict__)
        assign_values(self.context, instance, draft)
        emptied = [a for a in draft.change.files if a.source not in unknown]
        assign_files(self.context, instance, draft, {a: empty(a) for a in emptied})
        changed = None
        if not draft.is_new:
            changed = changed_fields(self.context.dataclass, instance, draft, before) - unknown
        self.judge(instance, draft, changed, unknown)

    def judge(
        self, instance: models.Model, draft: Draft, changed: set[str] | None, unknown: set[str]
    ) -> None:
        """Raise ``Refusal`` for values that no save could take; the database is not asked."""
        try:
            clean_values(instance, changed, unknown)
        except Exception as error:
            judge_error(self.context, error, draft)
            raise


def conflict(context: Context, draft: Draft) -> Refusal:
    """Why an entity of a stale stamp is not saved: for its values, if they are invalid (D-64)."""
    try:
        Attempt(context).take(draft)
    except Refusal as refusal:
        return refusal
    return context.answers.conflict(draft)
