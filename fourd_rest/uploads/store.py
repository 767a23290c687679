"""Where uploads wait: the storage ``fourd_uploads``, else the default one."""

from __future__ import annotations

from django.core.files.storage import Storage, default_storage, storages

UPLOADS_ALIAS = "fourd_uploads"


def upload_storage() -> Storage:
    if UPLOADS_ALIAS in storages.backends:
        return storages[UPLOADS_ALIAS]
    return default_storage
