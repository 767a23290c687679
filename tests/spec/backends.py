"""Ways of a site to say who somebody is and what he may: named by their path in settings."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


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
