"""The sample site: tutorial, demo and test bed of ``fourd_rest``."""

from __future__ import annotations
