"""How the entities of one request are saved: each by itself, or all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from django.db import IntegrityError

from fourd_rest.read.projection import Entity
from fourd_rest.sql.transactions import given_up, with_retry

from . import entity_files
from .commit import transaction
from .context import Context
from .draft import Draft, Outcome
from .preparation import prepare
from .results import Results
from .save import save

# Takes drafts by their places, in the order in which they are to be locked, and tells the results.
Strategy: TypeAlias = Callable[[Context, Mapping[int, Draft], Results], None]


def each_alone(context: Context, drafts: Mapping[int, Draft], results: Results) -> None:
    """Save every entity by itself: a failure leaves its neighbours alone."""
    results.gather(drafts, partial(_save_alone, context))


def _save_alone(context: Context, draft: Draft) -> Outcome:
    try:
        prepare(context, draft)
        if draft.is_unchanged:
            return Outcome(context.answers.saved(draft.stored or {}, shown=draft.is_seen))
        return Outcome(with_retry(context.alias, partial(_apply_alone, context, draft)))
    except BaseException:
        entity_files.discard([draft])
        raise


def _apply_alone(context: Context, draft: Draft) -> Entity:
    with transaction(context):
        return save(context, draft)


def all_or_none(context: Context, drafts: Mapping[int, Draft], results: Results) -> None:
    """Save all entities in one transaction, or none (``$atomic``)."""
    try:
        for place, draft in drafts.items():
            try:
                prepare(context, draft)
            except Exception as error:
                _tell(results, place, error)
        if not results.has_failed and _apply_all(context, drafts, results):
            return
    except BaseException:
        entity_files.discard(drafts.values())
        raise
    entity_files.discard(drafts.values())
    results.tell({place: Outcome(context.answers.unsaved(draft)) for place, draft in drafts.items()})


def _apply_all(context: Context, drafts: Mapping[int, Draft], results: Results) -> bool:
    """Whether all ``drafts`` are saved; if not, ``results`` know why."""
    saved: dict[int, Outcome] = {}

    def apply() -> None:
        with transaction(context):
            for place, draft in drafts.items():
                try:
                    saved[place] = Outcome(save(context, draft))
                except Exception as error:
                    if given_up(error):
                        raise
                    raise _RolledBack(place, error) from error

    try:
        with_retry(context.alias, apply)
    except _RolledBack as error:
        _tell(results, error.place, error.error)
        return False
    except IntegrityError as error:
        # Refused at the commit: which entity it was cannot be told.
        for place in drafts:
            results.fail(place, error)
        return False
    results.tell(saved)
    return True


def _tell(results: Results, place: int, error: Exception) -> None:
    if given_up(error):
        raise error  # of all together
    results.fail(place, error)


class _RolledBack(Exception):
    """Leaves the transaction of ``$atomic`` so that it is rolled back, and says because of whom."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(place)
        self.place = place
        self.error = error
