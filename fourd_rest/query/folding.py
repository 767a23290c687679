"""Where indexes of sites, and their migrations, import ``Folded`` from: its address does not change."""

from __future__ import annotations

from fourd_rest.sql.text_folding import Folded

__all__ = ["Folded"]
