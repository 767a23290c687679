"""Saving without saving: ``$method=validate`` and ``$refresh`` (``responses.md`` 6.4, D-07)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

from fourd_rest.dataclass.values import ZERO_TIMESTAMP
from fourd_rest.errors import PRIMARY_KEY_NULL

from . import access
from .access import Action
from .drafts import Draft, Outcome
from .posted import Refusal
from .rendering import Entity, deferred_relation, names_key
from .writing import Writer, empty


class Trial(Writer):
    """Goes the way of an update up to the point where something would be kept."""

    def validate(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome | None]:
        """For every entity None, or why it could not be saved."""
        results: list[Outcome | None] = []
        for posted in items:
            draft = Draft(posted)
            try:
                self._try(draft)
                results.append(None)
            except Refusal as refusal:
                results.append(self.answers.refused(draft, refusal))
        return results

    def preview(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """For every entity what it would be, validated and computed; stamps and keys as they are."""
        outcomes = []
        for posted in items:
            draft = Draft(posted)
            try:
                outcomes.append(Outcome(self._preview(draft, self._try(draft))))
            except Refusal as refusal:
                outcomes.append(self.answers.refused(draft, refusal))
        return outcomes

    def _place_files(self, draft: Draft, instance: models.Model) -> None:
        """No file is copied for a trial."""

    def _try(self, draft: Draft) -> models.Model:
        self._prepare(draft)
        for nested in draft.nested:
            writer = nested.writer
            try:
                if isinstance(writer, Trial):
                    writer._try(nested.draft)
            except Refusal as refusal:
                raise self._unrelated(nested, refusal) from refusal
        instance: models.Model | None = self.dataclass.model()
        if not draft.is_new:
            instance = self.rows.query(draft.key).first()
        if instance is None:
            raise self.answers.gone(draft)
        if not draft.is_new and not access.may(self.caller, self.dataclass, Action.CHANGE, instance):
            raise self._denied(Action.CHANGE)
        # What is only known or only there after a save cannot be judged before.
        unknown = {a.source for a, blob in draft.change.files.items() if blob is not None}
        for nested in draft.nested:
            if nested.draft.is_new:
                unknown.add(nested.attribute.source)
                draft.change.values.pop(nested.attribute, None)
        before = dict(instance.__dict__)
        self._assign_values(instance, draft)
        for attribute in draft.change.files:
            if attribute.source not in unknown:
                setattr(instance, attribute.field.attname, empty(attribute))
        if draft.is_new:
            if instance.pk in (None, "") and not self.dataclass.is_numbered:
                raise Refusal(PRIMARY_KEY_NULL(dataclass=self.dataclass.name))
            self._clean(instance, draft, None, unknown)
        elif draft.change:
            changed = self._changed(instance, draft, before) - unknown
            self._clean(instance, draft, changed)
        return instance

    def _preview(self, draft: Draft, instance: models.Model) -> Entity:
        entity: Entity = dict(draft.stored or {})
        for attribute in self.dataclass.attributes.values():
            if attribute.is_stored and attribute.is_scalar and attribute.assigned in instance.__dict__:
                entity[attribute.name] = attribute.held_by(instance)
            elif attribute.compute is not None:
                entity[attribute.name] = attribute.shown(attribute.compute(instance))
            elif draft.change.empties(attribute):
                entity[attribute.name] = None
            elif attribute in draft.change.values and names_key(attribute):
                key = draft.change.values[attribute]
                entity[attribute.name] = deferred_relation(attribute, self.caller.prefix)(key)
            else:
                entity.setdefault(attribute.name, None)
        if draft.is_new:
            entity |= {"__STAMP": 0, "__TIMESTAMP": ZERO_TIMESTAMP}
        return self.answers.saved(entity, shown=self._may_show(draft, instance))

    def _may_show(self, draft: Draft, instance: models.Model) -> bool:
        """Whether the caller may view the entity, both as it is and as it would be (D-55)."""
        if self.answers.shows_all:
            return True
        if draft.is_new:
            return access.may(self.caller, self.dataclass, Action.VIEW)
        return draft.is_seen and access.shows(self.caller, self.dataclass, instance, self.alias)
