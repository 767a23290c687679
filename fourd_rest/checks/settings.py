"""The keys of ``FOURD_REST``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_permission_codename
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string
from rest_framework.settings import api_settings

from fourd_rest import conf
from fourd_rest.dataclass import registry
from fourd_rest.dataclass.members import is_user_model
from fourd_rest.http.throttles import SCOPES
from fourd_rest.pictures.verification import FORMATS

from .hints import nearest


@register("fourd_rest")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Keys of ``FOURD_REST`` that do not exist (E001), values that are not allowed (E002)."""
    given = getattr(django_settings, "FOURD_REST", {})
    found: list[CheckMessage] = []
    for problem in conf.problems(given):
        if problem.unknown:
            hint = nearest(problem.key, conf.NAMES)
            found.append(Error(problem.text, hint=hint, id="fourd_rest.E001"))
        else:
            found.append(_wrong_setting(problem.text, problem.key))
    if not found:
        found += [
            _wrong_setting(f"FOURD_REST['PICTURE_FORMATS'] holds {name!r}", "PICTURE_FORMATS", FORMATS)
            for name in conf.current().PICTURE_FORMATS
            if name not in FORMATS
        ]
        found += filter(None, map(_unusable_validator, conf.current().UPLOAD_VALIDATORS))
    return found


def _unusable_validator(path: str) -> Error | None:
    try:
        if callable(import_string(path)):
            return None
        text = "no function"
    except ImportError as error:
        text = str(error)
    return _wrong_setting(f"FOURD_REST['UPLOAD_VALIDATORS'] holds {path!r}: {text}", "UPLOAD_VALIDATORS")


def _wrong_setting(text: str, key: str, choices: Iterable[str] = ()) -> Error:
    hint = "Make it a dict, or leave it out."
    if choices:
        hint = f"Choose from: {', '.join(sorted(choices))}."
    elif key:
        hint = f"Leave it out for the default: {getattr(conf.DEFAULTS, key)!r}."
    return Error(text, hint=hint, id="fourd_rest.E002")


@register("fourd_rest")
def check_guest_permissions(**kwargs: Any) -> list[CheckMessage]:
    """Guest permissions that no model has (W006), that write (W061), or that concern users (W062)."""
    given = getattr(django_settings, "FOURD_REST", {})
    if any(conf.problems(given)):
        return []
    known = {
        f"{dataclass.model._meta.app_label}.{get_permission_codename(action, dataclass.model._meta)}": (
            action,
            dataclass,
        )
        for dataclass in registry.everything()
        if dataclass.left_out is None
        for action in ("view", "add", "change", "delete")
    }
    granted = dict.fromkeys(conf.current().GUEST_PERMISSIONS)
    found: list[CheckMessage] = [
        Warning(
            f"FOURD_REST['GUEST_PERMISSIONS'] names {permission!r}, which no registered model has",
            hint=nearest(permission, known),
            id="fourd_rest.W006",
        )
        for permission in granted
        if permission not in known
    ]
    writing = [name for name in granted if name in known and known[name][0] != "view"]
    if writing:
        found.append(
            Warning(
                f"Whoever reaches the site may write without logging in: {', '.join(writing)}",
                hint="Take them out of FOURD_REST['GUEST_PERMISSIONS'], or silence this warning.",
                id="fourd_rest.W061",
            )
        )
    of_users = [name for name in granted if name in known and is_user_model(known[name][1].model)]
    if of_users:
        found.append(
            Warning(
                f"Whoever reaches the site may see or change its users: {', '.join(of_users)}",
                hint="Take them out of FOURD_REST['GUEST_PERMISSIONS'], or silence this warning.",
                id="fourd_rest.W062",
            )
        )
    return found


@register("fourd_rest", deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Nothing tells whether proxies stand in front (W063): all guests would share one address."""
    given = getattr(django_settings, "FOURD_REST", {})
    if api_settings.NUM_PROXIES is not None or any(conf.problems(given)):
        return []
    rates = api_settings.DEFAULT_THROTTLE_RATES
    throttled = api_settings.DEFAULT_THROTTLE_CLASSES or any(rates.get(scope) for scope in SCOPES)
    if not throttled and not conf.current().GUEST_PERMISSIONS:
        return []
    return [
        Warning(
            "Guests are counted by REMOTE_ADDR, which behind a proxy is the proxy's",
            hint="Set REST_FRAMEWORK['NUM_PROXIES'] to the number of proxies in front that write "
            "X-Forwarded-For, 0 if there is none.",
            id="fourd_rest.W063",
        )
    ]
