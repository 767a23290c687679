"""Throttle scopes whose rates the site sets in ``REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]``.

A scope without a rate is not throttled.
"""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class _OptionalRate(SimpleRateThrottle):
    def get_rate(self) -> str | None:
        # Read at each request, not once at import: rates may be overridden.
        rate = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope or "")
        return None if rate is None else str(rate)

    def get_cache_key(self, request: Request, view: APIView) -> str:
        user = request.user
        identity = user.pk if user.is_authenticated else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": identity}


class UploadThrottle(_OptionalRate):
    """Scope ``fourd_upload``: uploads of one user, or of one address for guests."""

    scope = "fourd_upload"


class ConvertThrottle(_OptionalRate):
    """Scope ``fourd_convert``: pictures that have to be made in another format or size."""

    scope = "fourd_convert"
