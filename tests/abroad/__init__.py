"""A site made of other people's packages, with every model of theirs registered.

It has settings of its own: ``pip install -e '.[test-abroad]'``, then
``pytest --ds tests.abroad.settings tests/abroad``. In the run of all other tests its modules are
skipped.
"""

from __future__ import annotations

import pytest
from django.conf import settings


def require_site() -> None:
    """Skip the module that is being imported unless the tests run over this site."""
    if settings.ROOT_URLCONF != "tests.abroad.urls":
        run = "pytest --ds tests.abroad.settings tests/abroad"
        pytest.skip(f"a site of its own: {run}", allow_module_level=True)
