"""Who asks: the site's session without a CSRF token, and the rule about pages of other sites (D-26)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.http import is_same_domain
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.settings import api_settings

from .errors import CROSS_SITE, RestError


class HeaderCheckedSession(BaseAuthentication):
    """The user of Django's own session.

    Django's CSRF check would read the body as a form and ask for a token that no 4D client sends;
    ``check_origin`` takes its place.
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, None] | None:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_active:
            return None
        return user, None


def authenticators() -> list[BaseAuthentication]:
    """The site's DRF authentication classes, with its session checked by headers."""
    classes: Sequence[Any] = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    return [
        HeaderCheckedSession() if issubclass(cls, SessionAuthentication) else cls() for cls in classes
    ]


def check_origin(request: HttpRequest) -> None:
    """Refuse a change of state that a page of another site asks for (error 9007, 403).

    Browsers say where a request comes from; a request without either header is no browser's.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return
    origin = request.headers.get("Origin")
    if site is None and origin is None:
        return
    if origin is not None and (_is_own(request, origin, site) or _is_trusted(origin)):
        return
    raise RestError(CROSS_SITE())


def _is_own(request: HttpRequest, origin: str, site: str | None) -> bool:
    """Whether ``origin`` is this host, where the browser does not say itself what the site is."""
    return site is None and origin == f"{request.scheme}://{request.get_host()}"


def _is_trusted(origin: str) -> bool:
    """Whether ``CSRF_TRUSTED_ORIGINS`` names ``origin``, wildcards of subdomains included."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asked = urlsplit(origin)
    except ValueError:
        return False
    return any(
        trusted.scheme == asked.scheme and is_same_domain(asked.netloc, trusted.netloc.lstrip("*"))
        for trusted in map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)
        if trusted.netloc.startswith("*")
    )
