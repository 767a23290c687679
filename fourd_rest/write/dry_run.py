"""Saving without saving: ``$method=validate`` and ``$refresh`` (``responses.md`` 6.4, D-07).

The steps are those of a save. What differs: no file is copied, nothing is locked; where a save would
write the row, the values are made ready for the database; and the answer is made of the instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connections, models

from fourd_rest.dataclass import permissions
from fourd_rest.dataclass.attributes import Computed, ToOne, Valued
from fourd_rest.dataclass.permissions import Action
from fourd_rest.dataclass.values import ZERO_TIMESTAMP
from fourd_rest.read.projection import Entity, deferred_relation

from .assignment import judge_error, validate
from .attempt import Attempt
from .context import Context
from .draft import Draft, Outcome
from .preparation import prepare
from .results import Results
from .save import require_key


def validation(context: Context, drafts: Mapping[int, Draft], results: Results) -> None:
    """A strategy: for every entity an empty answer, or why it could not be saved."""

    def judge(draft: Draft) -> Outcome:
        _tried(context, draft)
        return Outcome({})

    results.gather(drafts, judge)


def preview(context: Context, drafts: Mapping[int, Draft], results: Results) -> None:
    """A strategy: for every entity what it would be, validated and computed.

    Stamps and keys are as they are.
    """

    def show(draft: Draft) -> Outcome:
        return Outcome(_preview(context, draft, _tried(context, draft)))

    results.gather(drafts, show)


def _tried(context: Context, draft: Draft) -> models.Model:
    prepare(context, draft, copies_files=False)
    instance = DryRun(context).take(draft)
    assert instance is not None  # noqa: S101  (a dry run leaves nothing out)
    return instance


class DryRun(Attempt):
    """The steps of a save up to the point where something would be kept."""

    skips_unchanged = False

    def judge(
        self, instance: models.Model, draft: Draft, changed: set[str] | None, unknown: set[str]
    ) -> None:
        """Validate as a save does, and have the posted values made ready (D-12)."""
        if draft.is_new:
            require_key(self.context, instance)
        if draft.is_new or draft.change:
            validate(self.context, instance, draft, changed, unknown)
        self._prepare_values(instance, draft)

    def _prepare_values(self, instance: models.Model, draft: Draft) -> None:
        """Have the posted values made ready for the database, which refuses some (D-12)."""
        connection = connections[self.context.alias]
        for attribute in draft.change.values:
            field, value = attribute.own_field, instance.__dict__.get(attribute.assigned)
            if field is None or hasattr(value, "resolve_expression"):
                continue
            try:
                field.get_db_prep_save(value, connection)
            except Exception as error:
                judge_error(self.context, error, draft, attribute)
                raise


def _preview(context: Context, draft: Draft, instance: models.Model) -> Entity:
    entity: Entity = dict(draft.stored or {})
    values = draft.change.values
    for attribute in context.dataclass.attributes.values():
        is_held = attribute.is_stored and attribute.assigned in instance.__dict__
        if is_held and isinstance(attribute, Valued):
            entity[attribute.name] = attribute.wire_value_of(instance)
        elif isinstance(attribute, Computed):
            entity[attribute.name] = _shown(attribute, attribute.compute(instance))
        elif draft.change.empties(attribute):
            entity[attribute.name] = None
        elif isinstance(attribute, ToOne) and attribute in values and attribute.names_key:
            show = deferred_relation(attribute, context.caller.prefix)
            entity[attribute.name] = show(values[attribute])
        else:
            entity.setdefault(attribute.name, None)
    if draft.is_new:
        entity |= {"__STAMP": 0, "__TIMESTAMP": ZERO_TIMESTAMP}
    return context.answers.saved(entity, shown=_may_show(context, draft, instance))


def _may_show(context: Context, draft: Draft, instance: models.Model) -> bool:
    """Whether the caller may view the entity, both as it is and as it would be (D-55)."""
    if context.answers.shows_all:
        return True
    caller, dataclass = context.caller, context.dataclass
    if draft.is_new:
        return permissions.may(caller, dataclass, Action.VIEW)
    return draft.is_seen and permissions.shows(caller, dataclass, instance, context.alias)


def _shown(attribute: Computed, value: Any) -> Any:
    # What the database will fill in is not known yet.
    return None if hasattr(value, "resolve_expression") else attribute.to_wire(value)
