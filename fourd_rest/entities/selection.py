"""A selection: which entities of one dataclass, in which order, as one caller sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.caller import Caller


@dataclass(frozen=True, slots=True)
class Selection:
    """Entities that ``caller`` may see, not yet read.

    ``queryset`` yields instances of the dataclass' model, each once, filtered and without an order;
    annotations are added to it freely. ``order`` is total: what ``order_by`` takes, the key last.
    ``is_sorted`` tells whether the client asked for an order. ``keys`` is set where the members and their
    order are known beforehand (a page of an entity set); a member that is gone keeps its place.
    """

    caller: Caller
    dataclass: DataClass
    queryset: QuerySet[Any]
    order: tuple[Any, ...]
    is_sorted: bool = False
