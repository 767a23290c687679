"""The storage where uploads wait."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, Storage, default_storage

from fourd_rest.uploads.store import UPLOADS_ALIAS


@register("fourd_rest")
def check_upload_storage(**kwargs: Any) -> list[CheckMessage]:
    if UPLOADS_ALIAS in django_settings.STORAGES or not _has_public_address(default_storage):
        return []
    return [
        Warning(
            "Uploads wait in the default storage, whose files have a public address",
            hint=f"Set STORAGES[{UPLOADS_ALIAS!r}] to a storage that nobody else serves.",
            id="fourd_rest.W004",
        )
    ]


def _has_public_address(storage: Storage) -> bool:
    """Whether a file can be had under an address that needs no signature.

    Told from attributes: to ask a remote storage for an address may need the network.
    """
    try:
        base_url = getattr(storage, "base_url", None)
    except (ImproperlyConfigured, InvalidStorageError):
        return False  # a storage that cannot be made is for others to report
    if base_url is not None:
        return bool(base_url != "/")  # what an empty MEDIA_URL becomes
    return not getattr(storage, "querystring_auth", True)
