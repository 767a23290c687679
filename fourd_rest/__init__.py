"""Serve the 4D REST surface over any registered Django models."""

from __future__ import annotations

__version__ = "0.1.0"
