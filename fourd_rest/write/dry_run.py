"""Saving without saving: ``$method=validate`` and ``$refresh`` (``responses.md`` 6.4, D-07)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import DataError, IntegrityError, connections, models

from fourd_rest.dataclass import permissions
from fourd_rest.dataclass.attributes import Computed, ToOne, Valued
from fourd_rest.dataclass.permissions import Action
from fourd_rest.dataclass.values import ZERO_TIMESTAMP
from fourd_rest.errors import PRIMARY_KEY_NULL
from fourd_rest.read.projection import Entity, deferred_relation

from .draft import Draft, Outcome
from .posted import Refusal
from .writer import Writer


class Trial(Writer):
    """Goes the way of an update up to the point where something would be kept."""

    def validate(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """For every entity an empty answer, or why it could not be saved."""

        def judge(draft: Draft) -> Outcome:
            self._try(draft)
            return Outcome({})

        return self._each(items, lambda draft: self._answered(draft, judge), {})

    def preview(self, items: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """For every entity what it would be, validated and computed; stamps and keys as they are."""

        def show(draft: Draft) -> Outcome:
            return Outcome(self._preview(draft, self._try(draft)))

        return self._each(items, lambda draft: self._answered(draft, show), {})

    def _answered(self, draft: Draft, take: Callable[[Draft], Outcome]) -> Outcome:
        try:
            return take(draft)
        except Refusal as refusal:
            return self.answers.refused(draft, refusal)
        except (IntegrityError, DataError) as error:
            return self.answers.refused(draft, self.answers.constraint(error, draft))

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
        tried = self._tried(draft)
        instance = tried.instance
        if draft.is_new:
            if instance.pk in (None, "") and not self.dataclass.is_numbered:
                raise Refusal(PRIMARY_KEY_NULL(dataclass=self.dataclass.name))
            self.clean(instance, draft, None, tried.unknown)
        elif draft.change:
            self.clean(instance, draft, tried.changed)
        self._prepare_values(instance, draft)
        return instance

    def _prepare_values(self, instance: models.Model, draft: Draft) -> None:
        """Have the posted values made ready for the database, which refuses some (D-12)."""
        connection = connections[self.alias]
        for attribute in draft.change.values:
            field, value = attribute.own_field, instance.__dict__.get(attribute.assigned)
            if field is None or hasattr(value, "resolve_expression"):
                continue
            try:
                field.get_db_prep_save(value, connection)
            except Exception as error:
                self._judge_error(error, draft, attribute)
                raise

    def _preview(self, draft: Draft, instance: models.Model) -> Entity:
        entity: Entity = dict(draft.stored or {})
        values = draft.change.values
        for attribute in self.dataclass.attributes.values():
            is_held = attribute.is_stored and attribute.assigned in instance.__dict__
            if is_held and isinstance(attribute, Valued):
                entity[attribute.name] = attribute.held_by(instance)
            elif isinstance(attribute, Computed):
                entity[attribute.name] = _shown(attribute, attribute.compute(instance))
            elif draft.change.empties(attribute):
                entity[attribute.name] = None
            elif isinstance(attribute, ToOne) and attribute in values and attribute.names_key:
                show = deferred_relation(attribute, self.caller.prefix)
                entity[attribute.name] = show(values[attribute])
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
            return permissions.may(self.caller, self.dataclass, Action.VIEW)
        return draft.is_seen and permissions.shows(self.caller, self.dataclass, instance, self.alias)


def _shown(attribute: Computed, value: Any) -> Any:
    # What the database will fill in is not known yet.
    return None if hasattr(value, "resolve_expression") else attribute.shown(value)
