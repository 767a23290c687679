"""Settings of the sample site.

What a site needs for ``fourd_rest`` is marked «fourd_rest»; all else is an ordinary Django project.
Environment variables switch what the demo and the tests need to switch.
"""

from __future__ import annotations

import os
from typing import Any

from django.core.management.utils import get_random_secret_key

from testproject.drivers import use_mysql_driver
from testproject.environment import VAR


def flag(name: str) -> bool:
    return os.environ.get(name, "0") == "1"


# Without a key of its own a process makes a random one. It goes into the environment so that the
# processes started from this one share it; `manage.py demo` keeps it in var/demo.env.
SECRET_KEY = os.environ.setdefault("DJANGO_SECRET_KEY", get_random_secret_key())
DEBUG = flag("DJANGO_DEBUG")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *os.environ.get("DEMO_HOSTS", "").split()]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",  # fourd_rest: needed by it
    "fourd_rest",  # fourd_rest: finds the module `fourd` of every app, as the admin finds `admin`
    "testproject.hr",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "testproject.urls"
WSGI_APPLICATION = "testproject.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

# --- Database ---------------------------------------------------------------------------------

DATABASE: dict[str, Any]
match os.environ.get("DATABASE_ENGINE", "sqlite"):
    case "sqlite":
        DATABASE = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DEMO_DATABASE", VAR / "demo.sqlite3"),
            "OPTIONS": {
                # A transaction takes the write lock when it begins. With SQLite's own default,
                # DEFERRED, one that reads first and writes later fails when another wrote between.
                "transaction_mode": os.environ.get("SQLITE_TRANSACTION_MODE", "IMMEDIATE"),
                # A writer waits this many seconds for its turn.
                "timeout": 20,
                # Readers and one writer do not wait for each other.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    case "postgresql":
        DATABASE = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("POSTGRES_DB", "test"),
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "PORT": os.environ.get("PGPORT", "5432"),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
        }
    case "mariadb":
        use_mysql_driver()
        DATABASE = {
            "ENGINE": "django.db.backends.mysql",
            "NAME": os.environ.get("MYSQL_DATABASE", "test"),
            "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
            "PORT": os.environ.get("MYSQL_PORT", "3306"),
            "USER": os.environ.get("MYSQL_USER", "root"),
            "PASSWORD": os.environ.get("MYSQL_PWD", ""),
            "OPTIONS": {"charset": "utf8mb4"},
        }
    case engine:
        raise ValueError(f"DATABASE_ENGINE={engine}: sqlite, postgresql or mariadb")

DATABASES = {"default": {**DATABASE, "ATOMIC_REQUESTS": flag("ATOMIC_REQUESTS")}}

# --- Files ------------------------------------------------------------------------------------

STATIC_URL = "static/"

# There is no MEDIA_URL and no address that serves this folder: the photos and documents of the
# models are read through fourd_rest alone, which asks for the reader's rights.
MEDIA_ROOT = os.environ.get("DEMO_MEDIA", VAR / "media")

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # fourd_rest: where uploads wait until an entity takes them. Optional; without it they wait in
    # the default storage. No web server may serve this folder.
    "fourd_uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "uploads"},
    },
}

# --- fourd_rest -------------------------------------------------------------------------------

# Everything has a default. A guest, that is whoever has not logged in, may do nothing unless it is
# said here, by the names of Django's own permissions. The demo opens its three models to guests so
# that the first request needs no login; `manage.py demo` sets the variable, and leaves it off when
# the site is served beyond this machine. Leave the key out on a site of your own.
FOURD_REST: dict[str, Any] = {}
if flag("DEMO_GUESTS"):
    # Browsers show what the stages of a request took: in their tools for developers, under Timing.
    FOURD_REST["SERVER_TIMING"] = True
    # That guests may write is a warning of the system checks; here it is meant.
    SILENCED_SYSTEM_CHECKS = ["fourd_rest.W061"]
    FOURD_REST["GUEST_PERMISSIONS"] = [
        f"hr.{action}_{model}"
        for model in ("company", "employee", "invoice")
        for action in ("view", "add", "change", "delete")
    ]

# fourd_rest: of Django REST framework's settings the authentication and throttle classes count, their
# rates, and how many proxies in front write X-Forwarded-For. Guests are counted by address: of the
# connection here, since the demo is served without a proxy.
REST_FRAMEWORK: dict[str, Any] = {"NUM_PROXIES": 0}

# --- Logging ----------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # fourd_rest: INFO also tells of refusals that are part of the game, such as a stale stamp.
    "loggers": {"fourd_rest": {"level": os.environ.get("FOURD_REST_LOG_LEVEL", "WARNING")}},
}
