"""The admin: uploads, where they went, and what they take."""

from __future__ import annotations

from .uploads import UploadedBlobAdmin

__all__ = ["UploadedBlobAdmin"]
