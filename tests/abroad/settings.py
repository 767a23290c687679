"""Settings of the foreign site: a shop, a content management system, and packages that change fields,
managers, saves, deletes and permissions.

Whatever a package asks for in its own documentation, and nothing that would make it easier for this app.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from oscar import INSTALLED_APPS as SHOP
from oscar.defaults import *  # noqa: F403

from tests.settings import *  # noqa: F403

LANGUAGES = [("en", _("English")), ("de", _("German"))]
USE_I18N = True
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
PARLER_LANGUAGES = {None: ({"code": "en"}, {"code": "de"}), "default": {"fallbacks": ["en"]}}

INSTALLED_APPS = [
    "modeltranslation",
    *SHOP,  # Django's own apps among them
    "django.contrib.redirects",
    "easy_thumbnails",
    "sorl.thumbnail",
    # The content management system.
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.search_promotions",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    # Accounts and permissions.
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "guardian",
    "rest_framework.authtoken",
    # Fields, managers, histories.
    "simple_history",
    "reversion",
    "imagekit",
    "mptt",
    "djmoney",
    "django_countries",
    "phonenumber_field",
    "polymorphic",
    "parler",
    "safedelete",
    "ordered_model",
    "rest_framework",
    "fourd_rest",
    "tests.abroad.collection",
]

MIDDLEWARE = [
    *MIDDLEWARE,  # noqa: F405
    "django.middleware.locale.LocaleMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "reversion.middleware.RevisionMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]

ROOT_URLCONF = "tests.abroad.urls"
SITE_ID = 1
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
WAGTAIL_SITE_NAME = "Abroad"
WAGTAILADMIN_BASE_URL = "http://localhost"
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
SALT_KEY = "salt of the encrypted fields"
PHONENUMBER_DEFAULT_REGION = "DE"
CURRENCIES = ("EUR", "USD")


class _NoMigrations(dict):  # type: ignore[type-arg]
    """Tables of other people's apps as their models are today; ours by our migrations."""

    def __contains__(self, label: object) -> bool:
        return label != "fourd_rest"

    def __getitem__(self, label: str) -> None:
        if label == "fourd_rest":
            raise KeyError(label)


MIGRATION_MODULES = _NoMigrations()
