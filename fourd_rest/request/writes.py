"""What a write asks: beside its body, as a value that is made once, and by its body (D-06)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fourd_rest.conf import current
from fourd_rest.errors import BAD_JSON, BAD_URL, NOT_SUPPORTED, TOO_MANY_ENTITIES, RestError

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


# The body.


def posted_entities(document: Any) -> tuple[list[dict[str, Any]], bool]:
    """The entities in the body of an update, and whether a list was posted.

    Raises ``RestError`` 9001 for what is neither an object nor a list of them, and as ``check_count``.
    """
    is_list = True
    if isinstance(document, dict) and "__ENTITIES" in document:
        document = document["__ENTITIES"]
    elif isinstance(document, dict):
        document, is_list = [document], False
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise RestError(BAD_JSON(reason="expected an object or an array of objects"))
    check_count(document)
    return document, is_list


def posted_keys(document: Any) -> list[str] | None:
    """The keys in the body of a delete: objects with ``__KEY``, or the keys themselves.

    None for an empty object. Raises ``RestError`` 9001 for anything else.
    """
    if document == {}:
        return None
    if isinstance(document, dict):
        document = document.get("__ENTITIES", [document])
    items = document if isinstance(document, list) else [None]
    keys = [item.get("__KEY") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(key, (str, int)) and not isinstance(key, bool) and key != "" for key in keys):
        raise RestError(BAD_JSON(reason="expected objects with a __KEY"))
    return [str(key) for key in keys]


def posted_ids(document: Any) -> list[str]:
    """The IDs of sets that a body lists. Raises ``RestError`` 9001, and as ``check_count``."""
    if not isinstance(document, list) or not all(isinstance(item, str) for item in document):
        raise RestError(BAD_JSON(reason="expected an array of IDs"))
    check_count(document)
    return document


def check_count(items: Sequence[object]) -> None:
    """Raise ``RestError`` 9013 (413) for more items than ``MAX_ENTITIES_PER_REQUEST``."""
    limit = current().MAX_ENTITIES_PER_REQUEST
    if len(items) > limit:
        raise RestError(TOO_MANY_ENTITIES(limit=limit))
