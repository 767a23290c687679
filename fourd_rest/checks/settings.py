"""The keys of ``FOURD_REST``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from fourd_rest import conf
from fourd_rest.dataclass import registry
from fourd_rest.uploads.pictures import FORMATS

from .hints import nearest


@register("fourd_rest")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
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
    """A mistyped permission grants nothing, and nobody would notice why."""
    given = getattr(django_settings, "FOURD_REST", {})
    if any(conf.problems(given)):
        return []
    known = {
        f"{dataclass.model._meta.app_label}.{action}_{dataclass.model._meta.model_name}"
        for dataclass in registry.everything()
        for action in ("view", "add", "change", "delete")
    }
    return [
        Warning(
            f"FOURD_REST['GUEST_PERMISSIONS'] names {permission!r}, which no registered model has",
            hint=nearest(permission, known),
            id="fourd_rest.W006",
        )
        for permission in conf.current().GUEST_PERMISSIONS
        if permission not in known
    ]
