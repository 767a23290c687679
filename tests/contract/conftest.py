"""Failed assertions of the shared checks are explained as those of tests are."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contract.checks")
