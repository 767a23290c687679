"""The moments at which an attachment can be stopped, and the site's addresses.

The file ``moment`` in the site's folder names one; when it is reached, ``reached`` is made and the
process waits to be killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.db.models.signals import post_save

from testproject.environment import VAR
from testproject.hr.models import Invoice
from tests.urls import urlpatterns

__all__ = ["MOMENTS", "PausingStorage", "urlpatterns"]

MOMENTS = ("before the copy", "within the copy", "after the copy", "before the commit")


def pause(moment: str) -> None:
    asked = Path(VAR, "moment")
    if not asked.exists() or asked.read_text() != moment:
        return
    Path(VAR, "reached").write_text(moment)
    time.sleep(60)


class _Slow:
    """A file that can be stopped after its first piece."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for piece in self.content.chunks(16_384):
            yield piece
            pause("within the copy")


class PausingStorage(FileSystemStorage):
    def _save(self, name: str, content: Any) -> str:
        pause("before the copy")
        saved = super()._save(name, _Slow(content))
        pause("after the copy")
        return saved


def _paused(**kwargs: Any) -> None:
    pause("before the commit")


post_save.connect(_paused, sender=Invoice, dispatch_uid="kill")
