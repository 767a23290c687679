"""Fixtures of the tests of what stands inside: those of the specification."""

from __future__ import annotations

from tests.spec.conftest import at_now, django_db_setup, owner, registered

__all__ = ["at_now", "django_db_setup", "owner", "registered"]
