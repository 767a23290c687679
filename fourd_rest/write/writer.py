"""Writing the entities of one request (``responses.md`` 6; ``docs/architecture.md``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller

from .context import Context
from .draft import Draft, Outcome
from .posted import posted_key
from .results import Results
from .strategies import Strategy


class Writer:
    """Takes drafts of one dataclass for one caller; what becomes of them a strategy says."""

    def __init__(self, caller: Caller, dataclass: DataClass) -> None:
        self._context = Context(caller, dataclass)

    def write(self, drafts: Sequence[Draft], strategy: Strategy) -> list[Outcome]:
        """The outcomes of ``drafts``, in their order.

        Raises ``RestError`` for what is wrong with the request as a whole, of which nothing is saved
        then.
        """
        results = Results(self._context, drafts)
        strategy(self._context, self._in_key_order(drafts), results)
        return results.in_order()

    def _in_key_order(self, drafts: Sequence[Draft]) -> Mapping[int, Draft]:
        """By place, in key order, new ones last: all requests lock in one order."""

        def rank(place: int) -> tuple[bool, bool, Any]:
            try:
                key = posted_key(self._context.dataclass, drafts[place].posted)
            except ValueError:
                return (True, True, 0)
            return (key is None, False, 0 if key is None else key)

        return {place: drafts[place] for place in sorted(range(len(drafts)), key=rank)}
