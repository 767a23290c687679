"""Who sends a request: the site's own ways to log in, and the rule about pages of other sites (D-26)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.http import is_same_domain
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.settings import api_settings

from fourd_rest.errors import CROSS_SITE, RestError

# Immutable, so that one serves all; to make one takes 8 µs.
_NO_FORM = QueryDict("", encoding="utf-8")


def authenticators() -> list[BaseAuthentication]:
    """The site's DRF authentication classes, without their CSRF step.

    That step asks for a token that no 4D client sends; ``check_origin`` replaces it. It is the method
    ``enforce_csrf`` of DRF's ``SessionAuthentication``, which classes for tokens in cookies have as
    well. All else that such a class does is done.
    """
    classes: Sequence[Any] = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    made: list[Any] = [cls() for cls in classes]
    for authenticator in made:
        if hasattr(authenticator, "enforce_csrf"):
            authenticator.enforce_csrf = _leave_to_check_origin
    return made


def _leave_to_check_origin(request: Request) -> None:
    return None


def close_form(request: HttpRequest) -> None:
    """Keep code that asks for form values from consuming the body, which is no form (D-06).

    Authentication classes, throttles and hooks of the site see a form without values. A CSRF check
    of their own, however it is made, would find no token in it: it takes the request as exempt.
    """
    http: Any = request
    http._dont_enforce_csrf_checks = True
    if http.method in ("GET", "HEAD") and http.META.get("CONTENT_LENGTH") in (None, "", "0"):
        return  # nothing to consume
    if not hasattr(http, "_post"):  # nor has a middleware consumed it already
        http._post, http._files = _NO_FORM, MultiValueDict()


def check_origin(request: HttpRequest) -> None:
    """Refuse a change of state that a page of another site asks for (error 9007, 403).

    Browsers tell where a request comes from by ``Sec-Fetch-Site``, by ``Origin``, or, where they send
    neither, by ``Referer``. A request with none of the three is not from a browser (D-26).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return
    origin = request.headers.get("Origin")
    if site is None and origin is None:
        referer = request.headers.get("Referer")
        if referer is None:
            return
        if _is_own_page(request, referer):
            return
        origin = _origin_of(referer)
    if origin is not None and (_is_own(request, origin, site) or _is_trusted(origin)):
        return
    raise RestError(CROSS_SITE())


def _origin_of(referer: str) -> str | None:
    """The origin of the page at ``referer``, or None if that is no address of a page."""
    try:
        page = urlsplit(referer)
    except ValueError:
        return None
    return f"{page.scheme}://{page.netloc.lower()}" if page.netloc else None


def _is_own_page(request: HttpRequest, referer: str) -> bool:
    """Whether the page is this host's, by the scheme of this request or by https."""
    host = request.get_host().lower()
    return _origin_of(referer) in {f"{request.scheme}://{host}", f"https://{host}"}


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
