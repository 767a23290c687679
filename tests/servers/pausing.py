"""A server that stops at a place it is told, so that it can be killed there.

The file ``order`` in the site's folder names the place; reaching it makes the file ``paused`` and goes
no further. Places: ``<folder> before``, ``<folder> chunk <n>`` (n chunks are written), ``<folder>
after`` for what the storage of that folder saves; ``sql <beginning>`` after such a statement; and
``answer`` before the answer goes out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest, HttpResponseBase

FOREVER = 600.0


def _order() -> str:
    try:
        return Path(settings.VAR, "order").read_text()
    except FileNotFoundError:
        return ""


def _pause() -> None:
    Path(settings.VAR, "paused").touch()
    time.sleep(FOREVER)


def pause_at(place: str) -> None:
    if _order() == place:
        _pause()


class PausingStorage(FileSystemStorage):
    """Files in a folder; being no plain ``FileSystemStorage``, it is never linked into."""

    def _save(self, name: str, content: Any) -> str:
        folder = Path(self.location).name
        pause_at(f"{folder} before")
        saved: str = super()._save(name, _Chunks(content, folder))
        pause_at(f"{folder} after")
        return saved


class _Chunks:
    """What a storage reads of ``content``, chunk by chunk."""

    def __init__(self, content: Any, folder: str) -> None:
        self.content = content
        self.folder = folder

    def chunks(self) -> Iterator[bytes]:
        for number, chunk in enumerate(self.content.chunks()):
            pause_at(f"{self.folder} chunk {number}")
            yield chunk


def pause_after_statements(connection: Any, **kwargs: Any) -> None:
    """Receiver of ``connection_created``."""

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        order = _order()
        if order.startswith("sql ") and sql.startswith(order.removeprefix("sql ")):
            _pause()
        return result

    connection.execute_wrappers[:] = [watch]


def pause_before_answers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        pause_at("answer")
        return response

    return answer
