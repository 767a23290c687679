"""What comes before the transaction: read, compare, look up, copy files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import getattr_static
from typing import Any

from django.db import models
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from fourd_rest.dataclass import Attribute
from fourd_rest.dataclass.attributes import Computed, ToOne, Valued
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import (
    DATACLASS_NOT_FOUND,
    GONE,
    WRONG_KEY,
    WRONG_VALUE,
    RestError,
)
from fourd_rest.read.projection import Entity, deferred_relation
from fourd_rest.uploads import attach

from . import entity_files, gate
from .attempt import conflict
from .context import Context
from .draft import Draft, Nested
from .posted import FILLED, expected_stamp, posted_key
from .refusal import Refusal
from .steps import unrelated


def prepare(context: Context, draft: Draft, *, copies_files: bool = True) -> None:
    """Fill in what is to be known of ``draft`` before it can be saved, and of those nested in it.

    Nothing is locked, and no transaction may be open. Raises ``Refusal``, and ``RestError`` 1800 for
    who may not know of the dataclass.
    """
    try:
        draft.key = posted_key(context.dataclass, draft.posted)
    except ValueError as error:
        _admit(context, Action.CHANGE)
        raise Refusal(WRONG_KEY(dataclass=context.dataclass.name), status=GONE) from error
    if draft.is_new:
        _admit(context, Action.ADD)
        instance = context.dataclass.model()
        known = _unsaid_values(context, draft.posted, instance)
        draft.change = context.judge.change(draft.posted, known, None)
        _prepare_nested(context, draft, {}, copies_files=copies_files)
        if copies_files and draft.change.files:
            entity_files.place(context, draft, instance)
    else:
        _prepare_update(context, draft, copies_files=copies_files)


def _prepare_update(context: Context, draft: Draft, *, copies_files: bool) -> None:
    # The right may be held on this entity alone.
    instance = _admit(context, Action.CHANGE, draft)
    stored = load(context, draft)
    draft.is_seen = context.answers.shows(draft.key, instance)
    if not draft.any_stamp:
        draft.stamp = _posted_stamp(context, draft)
    known = stored if draft.is_seen else None
    draft.change = context.judge.change(draft.posted, known, draft.key)
    _prepare_nested(context, draft, known or {}, copies_files=copies_files)
    if not draft.change:
        return
    # A stale stamp needs no transaction to be refused: stamps only grow.
    if draft.stamp is not None and draft.stamp != stored["__STAMP"]:
        raise conflict(context, draft)
    if copies_files and any(blob is not None for blob in draft.change.files.values()):
        if instance is None and _needs_row(context, draft):
            instance = context.rows.query(draft.key).first()
            if instance is None:
                raise context.answers.gone(draft)
        entity_files.place(context, draft, instance)


def _admit(context: Context, action: Action, draft: Draft | None = None) -> models.Model | None:
    """``gate.admit`` for ``action`` on the entity of ``draft``, or on all.

    Raises ``Refusal``; ``RestError`` 1800 for who may not know of the dataclass.
    """

    def find() -> models.Model | None:
        # Seldom asked: the queryset alone takes 200 µs to build.
        return None if draft is None else context.rows.query(draft.key).first()

    try:
        return gate.admit(context.caller, context.dataclass, action, find)
    except RestError as error:
        if error.items[-1].row is DATACLASS_NOT_FOUND:
            raise
        raise Refusal.of(error) from error


def _posted_stamp(context: Context, draft: Draft) -> int | None:
    may_override = context.dataclass.allow_stamp_override
    try:
        return expected_stamp(draft.posted, may_override=may_override)
    except ValueError as error:
        item = WRONG_VALUE(attribute="__STAMP", dataclass=context.dataclass.name)
        raise Refusal(item) from error


def load(context: Context, draft: Draft) -> Entity:
    """Read the stored entity of ``draft`` with its stamp, in one statement. Raises ``Refusal``."""
    draft.stored = context.rows.find(draft.key)
    if draft.stored is None:
        raise context.answers.gone(draft)
    return draft.stored


def _prepare_nested(context: Context, draft: Draft, stored: Entity, *, copies_files: bool) -> None:
    """Prepare the related entities that were posted within this one (D-13)."""
    for attribute, posted in draft.change.nested.items():
        target = context.related(attribute)
        nested = Nested(attribute, Draft(posted))
        draft.nested.append(nested)
        try:
            prepare(target, nested.draft, copies_files=copies_files)
        except Refusal as refusal:
            raise unrelated(context, nested, refusal) from refusal
        except RestError as error:
            # Only this entity is refused for what the caller may not know of.
            raise unrelated(context, nested, Refusal.of(error)) from error
        if context.judge.is_fixed(attribute, is_new=draft.is_new):
            continue  # it is the one that is linked already
        linked = stored.get(attribute.name)
        key = None if nested.draft.is_new else target.dataclass.key_to_wire(nested.draft.key)
        if key is None or linked is None or linked["__deferred"]["__KEY"] != key:
            # The key of a new entity is known once it is saved.
            draft.change.values[attribute] = (
                None if key is None else context.judge.foreign_key(attribute, nested.draft.key)
            )


def _needs_row(context: Context, draft: Draft) -> bool:
    """Whether the stored row is to be read before files are copied.

    A field may look at it for the file's name. Where the site's own code takes a value, it is asked
    first: of a value that it refuses nothing is copied.
    """
    if any(attach.looks_at_row(a) for a, blob in draft.change.files.items() if blob is not None):
        return True
    model = context.dataclass.model
    return not all(_is_set_plainly(model, attribute.assigned) for attribute in draft.change.values)


@cache
def _is_set_plainly(model: type[models.Model], name: str) -> bool:
    """Whether Django's own code alone runs when the attribute ``name`` is set."""
    if model.__setattr__ is not models.Model.__setattr__:
        return False
    return type(getattr_static(model, name)) in (DeferredAttribute, ForeignKeyDeferredAttribute)


def _unsaid_values(context: Context, posted: Mapping[str, Any], instance: models.Model) -> Entity:
    """What a new entity shows of the ``posted`` attributes before the client has said a word."""
    attributes = context.dataclass.attributes
    return {name: _unsaid(context, attributes[name], instance) for name in posted if name in attributes}


def _unsaid(context: Context, attribute: Attribute, instance: models.Model) -> Any:
    if attribute.name in context.dataclass.identity_names:
        return None  # the key is numbered
    value = None
    if attribute.is_stored:
        value = instance.__dict__.get(attribute.assigned)
    elif isinstance(attribute, Computed) and not attribute.read_only:
        value = _computed(attribute, instance)
    if hasattr(value, "resolve_expression"):
        # The database fills it in, unless it is told: by a null, too.
        return None if attribute.read_only else FILLED
    if isinstance(attribute, Valued):
        return attribute.wire_value_of(instance) if attribute.is_stored else attribute.to_wire(value)
    if attribute.read_only or value in (None, "", b""):
        return None
    if isinstance(attribute, ToOne) and attribute.names_key:
        return deferred_relation(attribute, context.caller.prefix)(value)
    return FILLED


def _computed(attribute: Computed, instance: models.Model) -> Any:
    """What a getter of the site's tells of a new instance; None where it needs more than that."""
    try:
        return attribute.compute(instance)
    except Exception:  # noqa: BLE001  (whatever it raises for an instance that is empty)
        return None
