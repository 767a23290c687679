"""The throttles of a request: the site's own, and scopes whose rates the site may set.

All of them identify a guest by ``client_address``, as the quotas do.
"""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from fourd_rest.dataclass.caller import client_address


def identity(request: Request) -> str:
    """The address by which a throttle counts a guest; empty if there is none."""
    return client_address(request._request) or ""


def with_client_address(throttle: BaseThrottle) -> BaseThrottle:
    """The throttle, counting guests by ``identity`` unless its class has its own ``get_ident``."""
    if type(throttle).get_ident is BaseThrottle.get_ident:
        throttle.get_ident = identity  # type: ignore[method-assign]
    return throttle


class _OptionalRate(SimpleRateThrottle):
    """A scope of ``REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]``; without a rate it is not throttled."""

    def get_rate(self) -> str | None:
        # Read at each request, not once at import: rates may be overridden.
        rate = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope or "")
        return None if rate is None else str(rate)

    def get_cache_key(self, request: Request, view: APIView) -> str:
        user = request.user
        who = user.pk if user.is_authenticated else identity(request)
        return self.cache_format % {"scope": self.scope, "ident": who}


class UploadThrottle(_OptionalRate):
    """Scope ``fourd_upload``: uploads of one user, or of one address for guests."""

    scope = "fourd_upload"


class ConvertThrottle(_OptionalRate):
    """Scope ``fourd_convert``: pictures that have to be made in another format or size."""

    scope = "fourd_convert"


SCOPES = (UploadThrottle.scope, ConvertThrottle.scope)
