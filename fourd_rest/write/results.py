"""The answers for the entities of one request, and what errors mean for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.db import DataError, IntegrityError

from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import DATACLASS_NOT_FOUND, INTERNAL, PERMISSION, RestError
from fourd_rest.sql.transactions import given_up

from .context import Context
from .draft import Draft, Outcome
from .refusal import Refusal


class Results:
    """Outcomes by place. Whatever goes wrong with one of several entities is told of that one."""

    def __init__(self, context: Context, drafts: Sequence[Draft]) -> None:
        self._context = context
        self._drafts = drafts
        self._outcomes: dict[int, Outcome] = {}
        # What would be an error of the whole request if it were not for the others.
        self._errors: dict[int, RestError] = {}

    def gather(self, drafts: Mapping[int, Draft], take: Callable[[Draft], Outcome]) -> None:
        """``take`` every one of ``drafts`` by itself, but those that have their outcome already."""
        for place, draft in drafts.items():
            if place in self._outcomes:
                continue
            try:
                self._outcomes[place] = take(draft)
            except Exception as error:
                self.fail(place, error)

    def tell(self, outcomes: Mapping[int, Outcome]) -> None:
        """Add ``outcomes`` by place, where there are none yet, nor errors."""
        for place, outcome in outcomes.items():
            if place not in self._errors:
                self._outcomes.setdefault(place, outcome)

    def fail(self, place: int, error: Exception) -> None:
        """Tell ``error`` of the entity at ``place``; raises a bug that has met the only one."""
        try:
            self._outcomes[place] = self._refused(self._drafts[place], error)
        except RestError as met:
            self._errors[place] = met
        except Exception as met:
            gave_up = given_up(met)
            if gave_up is not None:
                self._errors[place] = gave_up
            elif len(self._drafts) == 1:
                raise
            else:
                reference = self._context.bugs.report(met)
                self._outcomes[place] = self._unread(place, Refusal(INTERNAL(reference=reference)))

    @property
    def has_failed(self) -> bool:
        """Whether ``fail`` has been called."""
        return bool(self._errors or self._outcomes)

    def in_order(self) -> list[Outcome]:
        """The outcomes in the order of the entities.

        Raises ``RestError`` where nothing is saved because of errors that are not of one entity but of
        the request.
        """
        count = len(self._drafts)
        first = next(iter(self._errors.values()), None)
        if first is not None and len(self._errors) == count and (count == 1 or first.status != 500):
            raise first
        for place, error in self._errors.items():
            self._outcomes[place] = self._unread(place, self._of_one(self._drafts[place], error))
        return [self._outcomes[place] for place in range(count)]

    def _refused(self, draft: Draft, error: Exception) -> Outcome:
        """The answer for a refused entity; raises an ``error`` that is no refusal."""
        answers = self._context.answers
        if isinstance(error, (IntegrityError, DataError)):
            return answers.refused(draft, answers.constraint(error, draft))
        if isinstance(error, Refusal):
            return answers.refused(draft, error)
        raise error

    def _of_one(self, draft: Draft, error: RestError) -> Refusal:
        """What an error of the whole request means for one of several entities."""
        if error.items[-1].row is DATACLASS_NOT_FOUND:
            # That it is there the neighbours tell.
            is_new = draft.posted.get("__KEY") in (None, "")
            row = (Action.ADD if is_new else Action.CHANGE).row
            return Refusal(row(dataclass=self._context.dataclass.name), status=PERMISSION)
        return Refusal.of(error)

    def _unread(self, place: int, refusal: Refusal) -> Outcome:
        """The answer for an entity that is not read again: that may fail as well."""
        return self._context.answers.refused(Draft(self._drafts[place].posted), refusal)
