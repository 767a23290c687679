"""Ways of a site to say who somebody is and what he may: named by their path in settings."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.authentication import (
    BaseAuthentication,
    CSRFCheck,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.throttling import SimpleRateThrottle


class Owners:
    """Rights on single entities, as django-guardian has them: ``granted`` holds (right, key)."""

    granted: set[tuple[str, int]] = set()

    def authenticate(self, request, **credentials):
        return None

    def has_perm(self, user_obj, perm, obj=None):
        return obj is not None and (perm, obj.pk) in self.granted


class Tokens(TokenAuthentication):
    """DRF's token authentication; the token of a user is his name spelt backwards."""

    def authenticate_credentials(self, key):
        user = User.objects.filter(username=key[::-1], is_active=True).first()
        if user is None:
            raise AuthenticationFailed("Invalid token: no user is called so.")
        return user, key


class SecondFactor(SessionAuthentication):
    """A session counts once its user has shown a second factor; before, the way chosen says no."""

    refusal: Exception | None = None

    def authenticate(self, request):
        found = super().authenticate(request)
        if found is not None and not request._request.session.get("factor"):
            if self.refusal is not None:
                raise self.refusal
            return None
        return found


class SecondFactorOrNot(SecondFactor):
    refusal = NotAuthenticated()


class SecondFactorOrForbidden(SecondFactor):
    refusal = exceptions.PermissionDenied("Show your second factor.")


class SecondFactorOrDjangosNo(SecondFactor):
    refusal = PermissionDenied("Show your second factor.")


class SecondFactorOrNothing(SecondFactor):
    refusal = Http404()


class TokenInTheForm(SessionAuthentication):
    """A CSRF step of its own, which reads the body."""

    def enforce_csrf(self, request):
        if request.POST.get("token") != "right":
            raise exceptions.PermissionDenied("CSRF")


class CookieTokens(BaseAuthentication):
    """Tokens in a cookie, with the CSRF step of sessions taken over and asked for by another name."""

    def authenticate(self, request):
        name = request.COOKIES.get("token")
        if name is None:
            return None
        self.enforce_csrf(request)
        return User.objects.get(username=name), name

    def enforce_csrf(self, request):
        check = CSRFCheck(lambda request: None)
        check.process_request(request)
        if reason := check.process_view(request, None, (), {}):
            raise exceptions.PermissionDenied(f"CSRF Failed: {reason}")


class Reader(BaseAuthentication):
    """Looks for its token wherever a form could hold it, after a CSRF check of its own making."""

    def authenticate(self, request):
        check = CSRFCheck(lambda request: None)
        check.process_request(request)
        assert check.process_view(request, None, (), {}) is None
        forms = (request.POST, request.data, request._request.POST)
        files = (request.FILES, request._request.FILES)
        assert [*map(dict, forms), *map(dict, files)] == [{}] * 5
        return


class Throttle(SimpleRateThrottle):
    """Three requests a minute from one address, as DRF's ``AnonRateThrottle`` counts."""

    rate = "3/min"

    def get_cache_key(self, request, view):
        return f"throttle-{self.get_ident(request)}"


class ThrottleByAgent(Throttle):
    """One that knows better who asks."""

    def get_ident(self, request):
        return request.headers["User-Agent"]
