"""``FOURD_REST``: every setting with its default, what it takes and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest
from django.core.exceptions import ImproperlyConfigured

from fourd_rest import checks, conf

MIB = 2**20
DAY = 86_400

NUMBERS = {
    "PAGE_SIZE": 100,
    "MAX_PAGE_SIZE": 10_000,
    "MAX_EXPAND_DEPTH": 5,
    "MAX_NESTED_ENTITIES": 50_000,
    "MAX_FILTER_LENGTH": 32_768,
    "MAX_FILTER_DEPTH": 32,
    "MAX_FILTER_CRITERIA": 200,
    "MAX_IN_VALUES": 10_000,
    "MAX_TO_MANY_HOPS": 2,
    "MAX_PATHS": 100,
    "MAX_SCANNED_ENTITIES": 100_000,
    "MAX_STATEMENT_TIME": 10,
    "MAX_LOCK_WAIT": 10,
    "ENTITY_SET_TIMEOUT": 7_200,
    "MAX_ENTITY_SET_TIMEOUT": DAY,
    "MAX_ENTITY_SET_SIZE": 1_000_000,
    "MAX_ENTITY_SETS_PER_OWNER": 1_000,
    "MAX_ENTITY_SET_MEMBERS_PER_OWNER": 10_000_000,
    "STAMP_RETENTION": 30 * DAY,
    "MAX_BODY_SIZE": 10 * MIB,
    "MAX_JSON_DEPTH": 64,
    "MAX_ENTITIES_PER_REQUEST": 1_000,
    "MAX_UPLOAD_SIZE": 100 * MIB,
    "UPLOAD_TIMEOUT": 120,
    "MAX_UPLOAD_TIMEOUT": DAY,
    "UPLOAD_RETENTION": 30 * DAY,
    "UPLOAD_STALL_TIMEOUT": 300,
    "MAX_PENDING_UPLOADS": 10_000,
    "MAX_PENDING_BYTES": 20 * 1024 * MIB,
    "MAX_PENDING_UPLOADS_PER_OWNER": 100,
    "MAX_PENDING_BYTES_PER_OWNER": 1024 * MIB,
    "MAX_PICTURE_PIXELS": 50_000_000,
    "MAX_PICTURE_MEMORY": 300_000_000,
    "MAX_NESTED_DEPTH": 5,
    "MAX_THUMBNAIL_SIDE": 4_096,
    "MAX_CONVERSIONS": 2,
    "MAX_CONVERTED_BYTES": 5 * 1024 * MIB,
    "CONVERTED_RETENTION": 7 * DAY,
}
SWITCHES = {"SERVER_TIMING": False, "STAMP_OPTIONAL": False, "RAWPICT_LENIENT": False}
WORDS = {"TEXT_COMPARISON": "4d", "QUERY_PLANS": "superuser"}
CHOICES = {
    "TEXT_COMPARISON": ["4d", "database"],
    "QUERY_PLANS": ["nobody", "superuser", "staff", "everybody"],
}
TEXTS = {
    "GUEST_PERMISSIONS": (),
    "SECRET_FIELDS": (
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
        *("pwd", "passcode", "passkey", "passphrase", "pin", "puk", "cvv", "cvc", "ccv", "ssn"),
        *("mfa", "totp", "hotp", "backup_code", "recovery_code", "scratch_code"),
        *("security_answer", "verification_code", "login_code", "access_code", "reset_code"),
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
        ),
        *("hmac", "access_key", "account_key", "auth_key", "encryption_key", "signing_key"),
        *("master_key", "ssh_key", "seed", "mnemonic", "cert", "pem", "pfx", "keystore"),
    ),
    "UPLOAD_VALIDATORS": (),
    "PICTURE_FORMATS": ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"),
}
EVERY = {**NUMBERS, **SWITCHES, **WORDS, **TEXTS}

WRONG = [
    *(
        (name, value, "must be a whole number above 0")
        for name in NUMBERS
        for value in (0, -1, 1.5, "10", True, None, float("nan"))
    ),
    *((name, value, "must be True or False") for name in SWITCHES for value in (0, 1, "true", None)),
    *(
        (name, value, f"must be one of {', '.join(words)}")
        for name, words in CHOICES.items()
        for value in ("", "4D", "Superuser", True, None, 4, ["4d"])
    ),
    *(
        (name, value, "must be a list of texts")
        for name in TEXTS
        for value in ("view_company", None, 5, {"a": "b"}, {"a"}, ["a", 5], [b"a"])
    ),
]


def test_every_setting_is_here():
    assert set(conf.NAMES) == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_default(settings, name):
    del settings.FOURD_REST
    value = getattr(conf.current(), name)
    assert value == EVERY[name]
    assert type(value) is type(EVERY[name])


@pytest.mark.parametrize("name", NUMBERS)
def test_valid_number(settings, name):
    settings.FOURD_REST = {name: 7}
    assert getattr(conf.current(), name) == 7
    assert checks.check_settings() == []


@pytest.mark.parametrize("name", SWITCHES)
def test_valid_switch(settings, name):
    settings.FOURD_REST = {name: True}
    assert getattr(conf.current(), name) is True
    assert checks.check_settings() == []


@pytest.mark.parametrize(("name", "word"), [(n, word) for n, words in CHOICES.items() for word in words])
def test_valid_word(settings, name, word):
    settings.FOURD_REST = {name: word}
    assert getattr(conf.current(), name) == word
    assert checks.check_settings() == []


@pytest.mark.parametrize("form", [list, tuple])
@pytest.mark.parametrize("name", TEXTS)
def test_valid_texts(settings, name, form):
    # Validators are looked for; texts of the others that mean nothing are judged elsewhere.
    texts = ["builtins.len", "builtins.max"] if name == "UPLOAD_VALIDATORS" else ["PNG", "GIF"]
    settings.FOURD_REST = {name: form(texts)}
    assert getattr(conf.current(), name) == tuple(texts)
    assert checks.check_settings() == []


@pytest.mark.parametrize(("name", "value", "rule"), WRONG)
def test_invalid_value(settings, name, value, rule):
    settings.FOURD_REST = {name: value}
    text = f"FOURD_REST[{name!r}] {rule}"
    with pytest.raises(ImproperlyConfigured) as raised:
        conf.current()
    assert str(raised.value) == text
    hint = f"Leave it out for the default: {EVERY[name]!r}."
    found = [(check.id, check.msg, check.hint) for check in checks.check_settings()]
    assert found == [("fourd_rest.E002", text, hint)]


@pytest.mark.parametrize("name", ["page_size", "PAGE_SIZES", "", "REST"])
def test_unknown_name(settings, name):
    settings.FOURD_REST = {name: 1}
    text = f"Unknown FOURD_REST key {name!r}"
    with pytest.raises(ImproperlyConfigured) as raised:
        conf.current()
    assert str(raised.value) == text
    assert [(check.id, check.msg) for check in checks.check_settings()] == [("fourd_rest.E001", text)]


@pytest.mark.parametrize("given", [None, [], "PAGE_SIZE", 1])
def test_no_dict(settings, given):
    settings.FOURD_REST = given
    with pytest.raises(ImproperlyConfigured, match="^FOURD_REST must be a dict$"):
        conf.current()
    found = [(check.id, check.msg) for check in checks.check_settings()]
    assert found == [("fourd_rest.E002", "FOURD_REST must be a dict")]


def test_a_changed_setting_is_in_force_at_once(settings):
    settings.FOURD_REST = {"PAGE_SIZE": 5}
    first = conf.current()
    assert first is conf.current()
    settings.FOURD_REST = {"PAGE_SIZE": 6}
    assert (first.PAGE_SIZE, conf.current().PAGE_SIZE) == (5, 6)
    settings.DEBUG = True
    assert conf.current() is conf.current()


def test_settings_are_frozen(settings):
    settings.FOURD_REST = {"PICTURE_FORMATS": ["PNG"]}
    with pytest.raises(dataclasses.FrozenInstanceError):
        conf.current().PAGE_SIZE = 5
    assert isinstance(hash(conf.current()), int)


@pytest.mark.parametrize(
    ("given", "patterns"),
    [
        ({}, TEXTS["SECRET_FIELDS"]),
        ({"SECRET_FIELDS": ["Pin", "CVV"]}, ("pin", "cvv")),
        ({"SECRET_FIELDS": ["pin"], "NOPE": 1, "PAGE_SIZE": 0}, ("pin",)),
        ({"SECRET_FIELDS": "pin"}, TEXTS["SECRET_FIELDS"]),
        ({"SECRET_FIELDS": [5]}, TEXTS["SECRET_FIELDS"]),
        (None, TEXTS["SECRET_FIELDS"]),
    ],
)
def test_secret_fields_are_known_while_other_settings_are_wrong(settings, given, patterns):
    settings.FOURD_REST = given
    assert conf.secret_fields() == patterns


def test_name_of_the_datastore(settings):
    settings.ROOT_URLCONF = "shop.site.urls"
    assert conf.datastore_name() == "shop"
