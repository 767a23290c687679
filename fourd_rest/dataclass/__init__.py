"""What there is: dataclasses, their attributes, the registry, and values of every type."""

from __future__ import annotations

from .attributes import File, Kind
from .options import Attribute, DataClass
from .registry import register, registry

__all__ = ["Attribute", "DataClass", "File", "Kind", "register", "registry"]
