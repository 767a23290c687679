"""The ``FOURD_REST`` setting as one frozen, typed object.

``current()`` is called at each use, so that ``override_settings`` works in tests. ``problems()`` tells
what is wrong with a value: the system checks report it, and ``current()`` raises
``ImproperlyConfigured`` for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

MIB = 2**20
DAY = 24 * 60 * 60

# Those of ``SECRET_FIELDS`` that are looked for as whole words only: other words contain them
# (``shipping`` has ``pin``, ``concert`` has ``cert``). Left out on purpose: ``key``, ``code``, ``pass``
# and ``certificate`` alone and ``security_code``, which mostly mean something else, and what is personal
# but gives no access (``iban``).
SECRET_WORDS = (
    # What people type in or read off a card.
    *("pwd", "passcode", "passkey", "passphrase", "pin", "puk", "cvv", "cvc", "ccv", "ssn"),
    # Second factors, and what replaces a password.
    *("mfa", "totp", "hotp", "backup_code", "recovery_code", "scratch_code"),
    *("security_answer", "verification_code", "login_code", "access_code", "reset_code"),
    # What programs send to be let in.
    *(
        "credential",
        "creds",
        "bearer",
        "jwt",
        "refresh",
        "cookie",
        "session_id",
        "nonce",
        "signature",
        "hmac",
    ),
    *("access_key", "account_key", "auth_key", "encryption_key", "signing_key", "master_key", "ssh_key"),
    # What keys are derived from, and files that hold keys.
    *("seed", "mnemonic", "cert", "pem", "pfx", "keystore"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of ``FOURD_REST`` with its default. Sizes are in bytes, times in seconds."""

    # Rights.
    GUEST_PERMISSIONS: tuple[str, ...] = ()
    SECRET_FIELDS: tuple[str, ...] = (
        "password",
        "passwd",
        "secret",
        "token",
        "hash",
        "salt",
        "otp",
        "apikey",
        "api_key",
        "privatekey",
        "private_key",
        "session_key",
        "session_data",
        *SECRET_WORDS,
    )
    # Answers.
    SERVER_TIMING: bool = False
    # Reading.
    PAGE_SIZE: int = 100
    MAX_PAGE_SIZE: int = 10_000
    MAX_EXPAND_DEPTH: int = 5
    MAX_NESTED_ENTITIES: int = 50_000
    # Queries.
    TEXT_COMPARISON: str = "4d"
    MAX_FILTER_LENGTH: int = 32_768
    MAX_FILTER_DEPTH: int = 32
    MAX_FILTER_CRITERIA: int = 200
    MAX_IN_VALUES: int = 10_000
    MAX_TO_MANY_HOPS: int = 2
    MAX_PATHS: int = 100
    MAX_SCANNED_ENTITIES: int = 100_000
    MAX_STATEMENT_TIME: int = 10
    QUERY_PLANS: str = "superuser"
    # Entity sets.
    ENTITY_SET_TIMEOUT: int = 2 * 60 * 60
    MAX_ENTITY_SET_TIMEOUT: int = DAY
    MAX_ENTITY_SET_SIZE: int = 1_000_000
    MAX_ENTITY_SETS_PER_OWNER: int = 1_000
    MAX_ENTITY_SET_MEMBERS_PER_OWNER: int = 10_000_000
    # Writing.
    MAX_LOCK_WAIT: int = 10
    STAMP_OPTIONAL: bool = False
    STAMP_RETENTION: int = 30 * DAY
    MAX_BODY_SIZE: int = 10 * MIB
    MAX_JSON_DEPTH: int = 64
    MAX_ENTITIES_PER_REQUEST: int = 1_000
    MAX_NESTED_DEPTH: int = 5
    # Uploads.
    MAX_UPLOAD_SIZE: int = 100 * MIB
    UPLOAD_TIMEOUT: int = 120
    MAX_UPLOAD_TIMEOUT: int = DAY
    UPLOAD_RETENTION: int = 30 * DAY
    UPLOAD_STALL_TIMEOUT: int = 300
    MAX_PENDING_UPLOADS: int = 10_000
    MAX_PENDING_BYTES: int = 20 * 1024 * MIB
    MAX_PENDING_UPLOADS_PER_OWNER: int = 100
    MAX_PENDING_BYTES_PER_OWNER: int = 1024 * MIB
    UPLOAD_VALIDATORS: tuple[str, ...] = ()
    # Pictures.
    RAWPICT_LENIENT: bool = False
    PICTURE_FORMATS: tuple[str, ...] = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")
    MAX_PICTURE_PIXELS: int = 50_000_000
    MAX_PICTURE_MEMORY: int = 300_000_000
    MAX_THUMBNAIL_SIDE: int = 4_096
    MAX_CONVERSIONS: int = 2
    MAX_CONVERTED_BYTES: int = 5 * 1024 * MIB
    CONVERTED_RETENTION: int = 7 * DAY


DEFAULTS = Settings()
NAMES = tuple(field.name for field in fields(Settings))


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


# The settings that are one of several words.
CHOICES = {
    "TEXT_COMPARISON": ("4d", "database"),
    "QUERY_PLANS": ("nobody", "superuser", "staff", "everybody"),
}


def _rule(key: str) -> tuple[Callable[[Any], bool], str]:
    default = getattr(DEFAULTS, key)
    if (choices := CHOICES.get(key)) is not None:
        return lambda value: value in choices, f"must be one of {', '.join(choices)}"
    if isinstance(default, bool):
        return lambda value: isinstance(value, bool), "must be True or False"
    if isinstance(default, int):
        return _positive, "must be a whole number above 0"
    return _texts, "must be a list of texts"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key of ``FOURD_REST``."""

    key: str
    text: str
    unknown: bool = False


def problems(given: object) -> Iterator[Problem]:
    """What is wrong with ``given``, the value of ``settings.FOURD_REST``."""
    if not isinstance(given, Mapping):
        yield Problem("", "FOURD_REST must be a dict")
        return
    for key, value in given.items():
        if key not in NAMES:
            yield Problem(str(key), f"Unknown FOURD_REST key {key!r}", unknown=True)
            continue
        holds, text = _rule(key)
        if not holds(value):
            yield Problem(key, f"FOURD_REST[{key!r}] {text}")


@cache
def current() -> Settings:
    """The settings in force. Raises ``ImproperlyConfigured`` where a check reports an error."""
    given = getattr(django_settings, "FOURD_REST", {})
    for problem in problems(given):
        raise ImproperlyConfigured(problem.text)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
    }
    return Settings(**values)


@cache
def secret_fields() -> tuple[str, ...]:
    """``SECRET_FIELDS`` in lower case. Never raises.

    Models are registered before the checks run; an error in the settings must not keep a site from
    starting, or nobody would be told which one it is.
    """
    given = getattr(django_settings, "FOURD_REST", {})
    valid = isinstance(given, Mapping) and not any(
        problem.key == "SECRET_FIELDS" for problem in problems(given)
    )
    patterns = given.get("SECRET_FIELDS", DEFAULTS.SECRET_FIELDS) if valid else DEFAULTS.SECRET_FIELDS
    return tuple(pattern.lower() for pattern in patterns)


def datastore_name() -> str:
    """What 4D calls the name of the database: here the name of the Django project."""
    return str(django_settings.ROOT_URLCONF).partition(".")[0]


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "FOURD_REST":
        current.cache_clear()
        secret_fields.cache_clear()
