from __future__ import annotations

from testproject.urls import urlpatterns

__all__ = ["urlpatterns"]
