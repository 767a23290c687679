"""Saving one entity, inside a transaction: its stamp, its row, its files and links."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from fourd_rest.errors import PRIMARY_KEY_NULL
from fourd_rest.read.projection import Entity
from fourd_rest.sql import database_errors
from fourd_rest.stamps import mover

from . import entity_files, gate, site_errors
from .assignment import changed_fields, judge_error, validate
from .attempt import conflict
from .context import Context
from .draft import Draft, Nested
from .preparation import load
from .refusal import Refusal
from .steps import Steps, blank

# How often a write that asks for no stamp tries to get ahead of others.
_STAMP_RETRIES = 10


def save(context: Context, draft: Draft) -> Entity:
    """Save ``draft`` and what is nested in it; returns the answer, read after the save.

    Raises ``Refusal``, ``IntegrityError`` and ``DataError``, and whatever is a bug.
    """
    instance = Save(context).take(draft)
    key = draft.key if instance is None else instance.pk
    stored = context.rows.saved(key)
    if stored is None:
        raise context.answers.gone(draft)  # a signal of the site has deleted it
    return context.answers.saved(stored, shown=context.answers.shows(key))


def require_key(context: Context, instance: models.Model) -> None:
    """Raise ``Refusal`` 1546 for a new entity that has no key, and that the database gives none."""
    if instance.pk in (None, "") and not context.dataclass.is_numbered:
        raise Refusal(PRIMARY_KEY_NULL(dataclass=context.dataclass.name))


class Save(Steps):
    """The steps that leave a saved row."""

    def row(self, draft: Draft) -> models.Model | None:
        """The row, once its stamp is moved; None if all that was posted is stored by now."""
        if draft.is_new:
            return blank(self.context)
        if not self._swap(draft):
            return None
        instance = gate.locked(self.context.rows, draft.key)
        if instance is None:
            raise self.context.answers.gone(draft)
        return instance

    def relate(self, draft: Draft, nested: Nested, instance: models.Model) -> None:
        """Give the foreign key of ``draft`` its value."""
        attribute, judge = nested.attribute, self.context.judge
        draft.change.values[attribute] = judge.foreign_key(attribute, instance.pk, is_made=True)

    def write(self, instance: models.Model, draft: Draft) -> None:
        """Assign, validate and save; then links, files and what is told of all that."""
        context = self.context
        if draft.is_new:
            entity_files.assign(context, instance, draft)
            require_key(context, instance)
            validate(context, instance, draft, None)
            self._save(instance, draft)
        else:
            self._update(instance, draft)
        for relation, keys in draft.change.links.items():
            getattr(instance, relation.source).set(keys)
        entity_files.fulfil(context, draft, instance)
        gate.announce(
            context.caller,
            context.dataclass,
            instance,
            draft.action,
            alias=context.alias,
            key=instance.pk,
            placed=draft.placed,
        )

    def _update(self, instance: models.Model, draft: Draft) -> None:
        context = self.context
        replaced = entity_files.replaced(context, draft, instance)
        before = dict(instance.__dict__)
        entity_files.assign(context, instance, draft)
        changed = changed_fields(context.dataclass, instance, draft, before)
        validate(context, instance, draft, changed)
        mover.hold(instance)
        self._save(instance, draft)
        entity_files.delete_replaced(context, instance, replaced)

    def _swap(self, draft: Draft) -> bool:
        """Move the stamp; false if another one is there, and all that was posted with it."""
        now = timezone.now()
        if draft.stamp is not None:
            if self._swap_from(draft, draft.stamp, now):
                return True
            if self._is_stored(draft):
                return False
            raise conflict(self.context, draft)
        # No stamp is asked for: move it from whatever it is.
        for _ in range(_STAMP_RETRIES):
            if self._swap_from(draft, (draft.stored or {})["__STAMP"], now):
                return True
            load(self.context, draft)
        raise conflict(self.context, draft)

    def _swap_from(self, draft: Draft, stamp: int, now: Any) -> bool:
        dataclass, alias = self.context.dataclass, self.context.alias
        return gate.swap(dataclass, draft.key, stamp, alias=alias, now=now)

    def _is_stored(self, draft: Draft) -> bool:
        """Whether somebody else, or an entity beside it, has stored the same by now (D-09)."""
        if draft.nested or draft.change.files or not draft.is_seen:
            return False
        stored = self.context.rows.find(draft.key)
        try:
            return stored is not None and not self.context.judge.change(draft.posted, stored, draft.key)
        except Refusal:
            return False

    def _save(self, instance: models.Model, draft: Draft) -> None:
        dataclass = self.context.dataclass
        try:
            with database_errors.refused_values_as_data_errors():
                dataclass.save_model(self.context.caller.request, instance, change=not draft.is_new)
        except Exception as error:
            # A site's own ``save`` may validate, a field prepares its value, a package may refuse it.
            # Whatever else is raised is a bug.
            if site_errors.refuses(error) or site_errors.field_at_fault(error, dataclass.model):
                judge_error(self.context, error, draft)
            raise
