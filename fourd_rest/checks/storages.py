"""The storages: of uploads, and of the files of entities."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages
from django.db import models

from fourd_rest.dataclass import registry
from fourd_rest.storage import UPLOADS_ALIAS

# What S3 and Google call an object that everybody may read, or everybody who has an account there.
_PUBLIC_ACLS = frozenset(
    {"public-read", "public-read-write", "authenticated-read"}
    | {"publicread", "publicreadwrite", "authenticatedread"}
)
# Values of ``base_url``; "/" is what an empty MEDIA_URL becomes.
_NO_ADDRESS = (None, "", "/")


@register("fourd_rest")
def check_upload_storage(**kwargs: Any) -> list[CheckMessage]:
    """The storage of uploads: one that cannot be made (E033) or that the public can read (W004)."""
    of_its_own = UPLOADS_ALIAS in django_settings.STORAGES
    where = f"the storage {UPLOADS_ALIAS!r}" if of_its_own else "the default storage"
    try:
        storage: Any = storages[UPLOADS_ALIAS] if of_its_own else default_storage
        public = _has_public_address(storage)
    except Exception as error:
        return [_unusable(f"Uploads wait in {where}, which", error)]
    if not public:
        return []
    return [
        Warning(
            f"Uploads wait in {where}, whose files have a public address",
            hint=f"Set STORAGES[{UPLOADS_ALIAS!r}] to a storage that nobody else serves: a folder "
            "outside MEDIA_ROOT and STATIC_ROOT, or a private bucket.",
            id="fourd_rest.W004",
        )
    ]


@register("fourd_rest")
def check_file_storages(**kwargs: Any) -> list[CheckMessage]:
    """Storages of file fields that cannot be made (E033): requests for the file would fail with 9011."""
    fields: dict[int, models.FileField] = {}
    for dataclass in registry.everything():
        if dataclass.left_out is not None:
            continue
        for field in dataclass.model._meta.concrete_fields:
            if isinstance(field, models.FileField) and dataclass.exposes(field.name):
                # Most have one storage in common.
                fields.setdefault(id(field.storage), field)
    found: list[CheckMessage] = []
    for field in fields.values():
        try:
            isinstance(field.storage, Storage)  # makes the storage, if it is a lazy object
        except Exception as error:
            found.append(_unusable(f"The storage of {field}", error, field.model))
    return found


def _unusable(what: str, error: Exception, model: type[models.Model] | None = None) -> Error:
    reason = str(error) or "no reason was given"
    return Error(
        f"{what} cannot be made: {type(error).__name__}: {reason}",
        hint="Look at its BACKEND and OPTIONS, and whether the library of the backend is installed.",
        obj=model,
        id="fourd_rest.E033",
    )


def _has_public_address(storage: Storage) -> bool:
    """Whether files have addresses that need no signature.

    Known from attributes alone: asking a remote storage for an address may need the network.
    """
    if isinstance(storage, FileSystemStorage):
        return _is_served(storage)
    given: Any = storage
    if getattr(given, "base_url", None) not in _NO_ADDRESS:
        return True
    acl = getattr(given, "default_acl", None) or _parameter(given, "ACL")
    if str(acl).lower() in _PUBLIC_ACLS:
        return True
    if not getattr(given, "querystring_auth", True):
        return True
    # S3: addresses of a domain of one's own are signed by CloudFront alone.
    return bool(
        hasattr(given, "querystring_auth")
        and getattr(given, "custom_domain", None)
        and not getattr(given, "cloudfront_signer", None)
    )


def _parameter(storage: Any, name: str) -> Any:
    parameters = getattr(storage, "object_parameters", None)
    return parameters.get(name) if isinstance(parameters, dict) else None


def _is_served(storage: FileSystemStorage) -> bool:
    """Whether the folder has an address of its own, or lies where others have one."""
    if _has_own_address(storage):
        return True
    if storage.base_url not in _NO_ADDRESS and storage.location == FileSystemStorage().location:
        return True  # also where MEDIA_ROOT is empty, which stands for the working directory
    return any(_is_within(str(storage.location), root) for root in _served_folders())


def _has_own_address(storage: FileSystemStorage) -> bool:
    """Whether it was given an address; else it has ``MEDIA_URL``, which is for ``MEDIA_ROOT``."""
    given = getattr(storage, "_base_url", None)
    return given not in _NO_ADDRESS or storage.base_url not in (*_NO_ADDRESS, django_settings.MEDIA_URL)


def _served_folders() -> Iterator[str]:
    """The folders that web servers, ``collectstatic`` or other storages of the site give out."""
    if django_settings.MEDIA_URL not in _NO_ADDRESS and django_settings.MEDIA_ROOT:
        yield str(django_settings.MEDIA_ROOT)
    if django_settings.STATIC_URL and getattr(django_settings, "STATIC_ROOT", None):
        yield str(django_settings.STATIC_ROOT)
    for folder in getattr(django_settings, "STATICFILES_DIRS", ()):
        yield str(folder[1] if isinstance(folder, (list, tuple)) else folder)
    for alias in django_settings.STORAGES:
        try:
            storage = storages[alias]
        except Exception:  # noqa: S112  (whoever uses it is told of it)
            continue
        if alias == UPLOADS_ALIAS or not isinstance(storage, FileSystemStorage):
            continue
        if storage.location and _has_own_address(storage):
            yield str(storage.location)


def _is_within(folder: str, root: str) -> bool:
    """Whether ``folder`` is ``root`` or lies in it: through links, and in whatever case of letters."""
    at, top = Path(folder).resolve(), Path(root).resolve()
    return any(_is_one_folder(parent, top) for parent in (at, *at.parents))


def _is_one_folder(one: Path, other: Path) -> bool:
    if os.path.normcase(one) == os.path.normcase(other):
        return True
    try:
        return one.samefile(other)
    except OSError:  # one of them is not made yet
        return False
