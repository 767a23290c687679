"""The limit of request bodies for ASGI deployments.

Under ASGI Django writes the whole body to a temporary file before any view runs, so the limit must be
applied before Django is called::

    application = limit_body(get_asgi_application())
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from fourd_rest.conf import current
from fourd_rest.errors import BODY_TOO_LARGE, RestError

DRAIN_BYTES = 512 * 2**20
DRAIN_SECONDS = 5.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Applications do not agree on how to type what they are called with.
App = Callable[..., Awaitable[None]]


def limit_body(app: App, limit: int | None = None) -> App:
    """``app`` behind a limit of ``limit`` bytes per HTTP request body.

    The default is the larger one of ``MAX_UPLOAD_SIZE`` and ``MAX_BODY_SIZE``. A larger body is
    answered 413, error 9003. Connections other than HTTP pass unchanged.
    """

    async def limited(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        settings = current()
        allowed = max(settings.MAX_UPLOAD_SIZE, settings.MAX_BODY_SIZE) if limit is None else limit
        if _announced(scope) > allowed:
            await _refuse(scope, receive, send, allowed)
            return
        body = _CountedBody(receive, send, allowed)
        try:
            await app(scope, body.receive, body.send)
        except Exception:
            if not body.refused:
                raise
        if body.refused:
            await _refuse(scope, receive, send, allowed)

    return limited


class _CountedBody:
    """The two channels of one request. Past the limit the application is told of a disconnect."""

    def __init__(self, receive: Receive, send: Send, allowed: int) -> None:
        self._receive = receive
        self._send = send
        self._left = allowed
        self._started = False

    @property
    def refused(self) -> bool:
        """Whether the body was too large and no answer has begun."""
        return self._left < 0 and not self._started

    async def receive(self) -> Message:
        if self._left >= 0:
            message = await self._receive()
            self._left -= len(message.get("body", b""))
            if self._left >= 0:
                return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self.refused:
            self._started = True
            await self._send(message)


def _announced(scope: MutableMapping[str, Any]) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return 0


async def _refuse(scope: MutableMapping[str, Any], receive: Receive, send: Send, allowed: int) -> None:
    error = RestError(BODY_TOO_LARGE(limit=allowed))
    content = json.dumps(error.as_json()).encode()
    headers = [
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"4DREST-INFO", b"1.0"),
    ]
    if scope.get("http_version", "1.1").startswith("1"):
        # The rest of the body may stay unread; no second request may follow it.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    # The answer is complete for the client, but not yet for the server, which would close the
    # connection: unread bytes in a closed connection reset it, and the client loses the answer.
    await send({"type": "http.response.body", "body": content, "more_body": True})
    with suppress(TimeoutError):
        await asyncio.wait_for(_drain(receive), DRAIN_SECONDS)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    left = DRAIN_BYTES
    while left > 0:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
