"""Serve the 4D REST surface over any registered Django models."""

from __future__ import annotations

from .dataclass import DataClass, register

__all__ = ["DataClass", "register"]

__version__ = "0.1.0"
