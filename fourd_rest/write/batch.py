"""Updating many entities of one dataclass in a fixed number of statements.

Only plain changes go this way: scalars of entities that exist, on models whose saves run no code of the
site. Everything else is saved entity by entity. What a client sees is the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import ReferenceType

from django.db import connections, models
from django.db.models.signals import post_save, pre_save
from django.utils import timezone

from fourd_rest.dataclass import Attribute, DataClass, permissions
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import RestError, logger
from fourd_rest.read.projection import Entity
from fourd_rest.sql.bulk_update import update_rows
from fourd_rest.sql.database_errors import refused_values_as_data_errors
from fourd_rest.sql.transactions import with_retry
from fourd_rest.stamps import folded_columns, mover
from fourd_rest.stamps.columns import LAST_STAMP
from fourd_rest.stamps.receivers import DISPATCH_UID

from . import gate
from .assignment import assign_values, validate
from .attempt import conflict
from .commit import transaction
from .context import Context
from .draft import Draft, Outcome
from .posted import expected_stamp, posted_key
from .refusal import Refusal
from .results import Results
from .strategies import each_alone
from .validation import is_constrained

# Fewer are saved as fast one by one.
MIN_SIZE = 4

# What saves an instance of a model, from ``save`` down to its row.
_SAVING = ("save", "save_base", "_save_table", "_do_update")
# What may set any field while some of them are assigned and cleaned.
_CLEANING = ("clean", "clean_fields", "__setattr__")


def plain_lists(context: Context, drafts: Mapping[int, Draft], results: Results) -> None:
    """A strategy: save together what can be, then the rest each by itself."""
    results.tell(_Batch(context).save(drafts))
    each_alone(context, drafts, results)


def is_plain(dataclass: DataClass) -> bool:
    """Whether saving an entity runs Django's own code alone: no hooks, signals or parents."""
    return is_plain_beside_signals(dataclass) and not any(receivers(dataclass.model))


def is_plain_beside_signals(dataclass: DataClass) -> bool:
    """``is_plain``, whoever listens to the saves."""
    model, kind = dataclass.model, type(dataclass)
    return (
        kind.save_model is DataClass.save_model
        and kind.has_change_permission is DataClass.has_change_permission
        and not dataclass.view_depends_on_entity
        and not _overrides(model, _SAVING)
        and type(model._base_manager.all())._update is models.QuerySet._update  # type: ignore[attr-defined]
        and not model._meta.parents
        and all(_is_plain_field(field) for field in model._meta.concrete_fields)
    )


def receivers(model: type[models.Model] | None) -> Iterator[Callable[..., Any]]:
    """Whoever but this app listens to the saves of ``model``; None: of all models, without a sender.

    Each must be called for every entity that is saved.
    """
    senders = {id(None), id(model)}
    own = {DISPATCH_UID, folded_columns.DISPATCH_UID}
    for signal in (pre_save, post_save):
        for (uid, sender), receiver, *_ in signal.receivers:
            if sender not in senders or uid in own:
                continue
            # Those that are held weakly may be gone already, and not yet be cleared away.
            found = receiver() if isinstance(receiver, ReferenceType) else receiver
            if found is not None:
                yield found


def _overrides(model: type[models.Model], names: Iterable[str]) -> bool:
    return any(getattr(model, name) is not getattr(models.Model, name) for name in names)


def _is_plain_field(field: models.Field[Any, Any]) -> bool:
    """Whether a save takes the field's value as it stands, ``auto_now`` aside."""
    known = (models.Field.pre_save, models.FileField.pre_save)
    times = (models.DateField, models.DateTimeField, models.TimeField)
    return type(field).pre_save in known or type(field) in times


def _is_written_plainly(field: models.Field[Any, Any], value: Any) -> bool:
    """Whether the column gets what the field prepares: no expression, nothing put around it in SQL.

    Fields that the database encrypts, or reads as a point, write SQL around their values.
    """
    if isinstance(field, models.BinaryField):
        return type(field) is models.BinaryField
    around = hasattr(field, "get_placeholder") or hasattr(field, "get_placeholder_sql")
    return not around and not hasattr(value, "resolve_expression")


class _Batch:
    """One pass over the drafts of a request."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.dataclass = context.dataclass
        self.alias = context.alias

    def save(self, drafts: Mapping[int, Draft]) -> dict[int, Outcome]:
        """Outcomes by place, of the entities that could be saved together."""
        if len(drafts) < MIN_SIZE or not is_plain(self.dataclass):
            return {}
        # Who may change all may view all: rights on single entities are not judged here.
        if not permissions.may(self.context.caller, self.dataclass, Action.CHANGE):
            return {}
        plain = self._plain(drafts)
        outcomes: dict[int, Outcome] = {}
        try:
            changed = self._judge(plain, outcomes)
            if len(changed) < MIN_SIZE:
                return outcomes
            saved = with_retry(self.alias, lambda: self._apply(changed))
        except RestError:
            raise  # of the request, and nothing is saved
        except Exception as error:
            # One by one the culprit will show; or values of one column are of types that no database
            # takes in one list, though it takes each of them for the column.
            logger.info("Saved one by one, where the culprit will show", exc_info=error)
            return outcomes
        return outcomes | saved

    def _plain(self, drafts: Mapping[int, Draft]) -> dict[int, Draft]:
        """Drafts of their own for those that name an existing entity once, and scalars only."""
        found: dict[int, Draft] = {}
        places: dict[Any, int] = {}
        for place in sorted(drafts):
            posted = drafts[place].posted
            try:
                key = posted_key(self.dataclass, posted)
                stamp = expected_stamp(posted, may_override=self.dataclass.allow_stamp_override)
            except ValueError:
                continue
            if key is None or stamp is None or stamp >= LAST_STAMP:
                continue
            if key in places:
                found.pop(places[key], None)
                continue
            places[key] = place
            if all(self._is_plain(name) for name in posted):
                found[place] = Draft(posted, key=key, stamp=stamp)
        return found

    def _is_plain(self, name: str) -> bool:
        attribute = self.dataclass.attributes.get(name)
        if attribute is None:
            return name.startswith("__") or name == "uri"
        return attribute.is_scalar and attribute.is_stored

    def _judge(self, drafts: dict[int, Draft], outcomes: dict[int, Outcome]) -> dict[int, Draft]:
        """Compare all with what is stored; returns those that really change."""
        stored = self.context.rows.find_many(draft.key for draft in drafts.values())
        answers, changed = self.context.answers, {}
        for place, draft in drafts.items():
            entity = stored.get(draft.key)
            if entity is None:
                continue
            draft.stored = entity
            try:
                draft.change = self.context.judge.change(draft.posted, entity, draft.key)
                if not draft.change:
                    outcomes[place] = Outcome(answers.saved(entity, shown=True))
                elif draft.stamp != entity["__STAMP"]:
                    raise conflict(self.context, draft)
                elif not any(map(self._is_constrained, draft.change.values)):
                    changed[place] = draft
            except Refusal as refusal:
                outcomes[place] = answers.refused(draft, refusal, entity)
        return changed

    def _is_constrained(self, attribute: Attribute) -> bool:
        model = self.dataclass.model
        fields: list[Any] = [attribute.own_field]
        fields += map(model._meta.get_field, self._folded([attribute.source]))
        return any(is_constrained(model, field) for field in fields)

    # Inside the transaction.

    def _apply(self, drafts: dict[int, Draft]) -> dict[int, Outcome]:
        context = self.context
        with transaction(context):
            now = timezone.now()
            keys = [draft.key for draft in drafts.values()]
            stamps, rows = gate.lock_many(context.caller, self.dataclass, keys, alias=self.alias)
            outcomes: dict[int, Outcome] = {}
            winners: dict[int, tuple[Draft, models.Model]] = {}
            fields: set[Any] = set()
            with self._looking_around() as looks:
                for place, draft in drafts.items():
                    # Alone each is told what became of it, or what a rule has against it.
                    instance = rows.get(draft.key)
                    if instance is None:
                        continue
                    if mover.locked_stamp(self.dataclass, instance, stamps) != draft.stamp:
                        continue
                    if not self._passes(instance):
                        continue
                    before = dict(instance.__dict__)
                    looks.clear()
                    refused = self._assign(instance, draft)
                    if looks:
                        continue  # what it saw may be another once its neighbours are saved
                    if refused is not None:
                        outcomes[place] = refused
                        continue
                    written = self._written(instance, draft, before)
                    if all(_is_written_plainly(one, getattr(instance, one.attname)) for one in written):
                        winners[place] = draft, instance
                        fields |= written
            self._update([instance for _, instance in winners.values()], fields, stamps, now)
            saved = context.rows.saved_many(draft.key for draft, _ in winners.values())
            for place, (draft, instance) in winners.items():
                outcomes[place] = Outcome(context.answers.saved(saved[draft.key], shown=True))
                gate.announce(
                    context.caller,
                    self.dataclass,
                    instance,
                    Action.CHANGE,
                    alias=self.alias,
                    key=instance.pk,
                )
            return outcomes

    def _passes(self, instance: models.Model) -> bool:
        try:
            gate.about_to_write(
                self.context.caller,
                self.dataclass,
                instance,
                Action.CHANGE,
                alias=self.alias,
                is_allowed=True,
            )
        except Refusal:
            return False
        return True

    @contextmanager
    def _looking_around(self) -> Iterator[list[bool]]:
        """Holds something once the table that is written has been asked for anything.

        The site's own code may judge an entity by others, which are saved in the same statement.
        """
        table, asked = self.dataclass.model._meta.db_table, list[bool]()

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if table in sql:
                asked.append(True)
            return execute(sql, params, many, context)

        with connections[self.alias].execute_wrapper(note):
            yield asked

    def _assign(self, instance: models.Model, draft: Draft) -> Outcome | None:
        changed = {attribute.source for attribute in draft.change.values}
        try:
            assign_values(self.context, instance, draft)
            validate(self.context, instance, draft, changed | self._folded(changed))
        except Refusal as refusal:
            stored: Entity = draft.stored or {}
            return self.context.answers.refused(draft, refusal, stored)
        return None

    def _written(
        self, instance: models.Model, draft: Draft, before: Mapping[str, Any]
    ) -> set[models.Field[Any, Any]]:
        """The fields to write: what was posted, and what else has changed since ``before``.

        Setters and cleaning may change any field; a single save writes them all.
        """
        model = self.dataclass.model
        everything = _overrides(model, _CLEANING)
        posted = {attribute.source for attribute in draft.change.values}
        names = posted | self._folded(posted)
        return {
            field
            for field in model._meta.concrete_fields
            if not field.primary_key
            and not getattr(field, "generated", False)
            and (
                everything
                or field.name in names
                or instance.__dict__.get(field.attname) is not before.get(field.attname)
            )
        }

    def _folded(self, names: Iterable[str]) -> set[str]:
        """The folded columns that follow from the fields ``names``."""
        columns = folded_columns.columns(self.dataclass.model)
        return {columns[name] for name in names if name in columns}

    def _update(
        self,
        instances: list[models.Model],
        fields: set[Any],
        locked: Mapping[Any, int],
        now: Any,
    ) -> None:
        if not instances:
            return
        for field in self.dataclass.model._meta.concrete_fields:
            if getattr(field, "auto_now", False):
                for instance in instances:
                    field.pre_save(instance, add=False)
                fields.add(field)
        fields |= mover.move_all(self.dataclass, instances, locked, alias=self.alias, now=now)
        ordered = sorted(fields, key=lambda field: field.name)
        with refused_values_as_data_errors():
            update_rows(self.dataclass.model, instances, ordered, self.alias)
