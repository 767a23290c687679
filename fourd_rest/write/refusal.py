"""Why one entity is not written."""

from __future__ import annotations

from fourd_rest.errors import OTHER, PERMISSION, ErrorItem, RestError


class Refusal(Exception):
    """One entity that cannot be written: its errors, innermost first, and its ``__STATUS``."""

    def __init__(self, *items: ErrorItem, status: int = OTHER) -> None:
        super().__init__("; ".join(item.message for item in items))
        self.items = items
        self.status = status

    @classmethod
    def of(cls, error: RestError) -> Refusal:
        """What an error of a whole request means where one of several entities has met it."""
        return cls(*error.items, status=PERMISSION if error.status == 401 else OTHER)
