"""What a write asks beside its body, as a value that is made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fourd_rest.errors import BAD_URL, NOT_SUPPORTED, RestError

from .address import Address
from .keywords import AT_ONCE, ATOMIC, EXPAND, FILTER, REFRESH, SAVED_FILTER, SAVED_ORDER_BY


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """An update, its validation or a delete.

    ``keys`` are the texts of the keys that the address lists; ``is_selected`` tells whether a filter or
    a set says what to delete. ``expand`` is the list of relations that the answer shows, None for none.
    ``is_trial``: nothing is to be saved; ``is_atomic``: all or none.
    """

    keys: tuple[str, ...]
    expand: str | None
    is_trial: bool
    is_atomic: bool
    is_selected: bool = False

    @classmethod
    def of(cls, address: Address) -> WriteRequest:
        """What ``address`` says of an update, or of the file of an attribute."""
        return cls(**_common(address))

    @classmethod
    def of_delete(cls, address: Address) -> WriteRequest:
        """What ``address`` says of a delete of entities; which ones, ``SelectionRequest`` reads.

        Raises ``RestError`` 9014 (501) for a trial, 1806 for saved texts without their set: ignored,
        they would delete more than they say.
        """
        params, set_id = address.params, address.set_id
        found = cls(**_common(address), is_selected=set_id is not None or FILTER.key in params)
        found.refuse_trial("in a delete")
        if set_id is None and (SAVED_FILTER.key in params or SAVED_ORDER_BY.key in params):
            raise RestError(BAD_URL(reason="a saved text stands without its entity set"))
        return found

    def refuse_trial(self, where: str) -> None:
        """Raise ``RestError`` 9014 (501) for a trial: who asks for one must not find it done."""
        if self.is_trial:
            raise RestError(NOT_SUPPORTED(feature=f"{REFRESH.name} {where}"))


def _common(address: Address) -> dict[str, Any]:
    params = address.params
    return {
        "keys": address.keys or (),
        "expand": params.get(EXPAND.key),
        "is_trial": REFRESH.of(params),
        "is_atomic": ATOMIC.of(params) or AT_ONCE.of(params),
    }
