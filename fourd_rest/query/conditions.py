"""Conditions that hold for nothing, for everything, and for what another one does not hold for."""

from __future__ import annotations

from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models.lookups import Exact

NEVER = Q(pk__in=())
ALWAYS = ~NEVER


def unmatched(condition: Q) -> Q:
    """Whatever ``condition`` does not hold for, also where SQL does not know.

    Counted in numbers: where nothing is left of ``condition`` Django casts the default to the type of
    the output, and MariaDB knows no cast to a boolean.
    """
    holds = Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())
    return Q(Exact(holds, Value(0)))
