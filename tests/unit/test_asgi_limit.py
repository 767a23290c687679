"""The limit of request bodies in front of an ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.test import override_settings

from fourd_rest import asgi
from fourd_rest.asgi import limit_body

DISCONNECT = {"type": "http.disconnect"}
OK = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"done", "more_body": False}


def part(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


class Exchange:
    """One request: ``messages`` come in, what is sent is kept in ``sent``."""

    def __init__(self, messages: Iterable[dict[str, Any]], **scope: Any) -> None:
        self.scope = {"type": "http", "method": "POST", "path": "/", "headers": []} | scope
        self.messages = list(messages)
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.sleep(3600)
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def run(self, app: Any) -> list[Any]:
        asyncio.run(app(self.scope, self.receive, self.send))
        return self.sent


def length(value: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"content-length", value)]


class App:
    """Reads the body and answers; what it received stays in ``seen``."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            self.seen.append(message)
            if message["type"] == "http.disconnect":
                return
            if not message.get("more_body"):
                break
        await send(OK)
        await send(END)


def refusal(limit: int, *, close: bool = True) -> list[Any]:
    content = json.dumps(
        {
            "__ERROR": [
                {
                    "message": f"The request body is larger than {limit} bytes",
                    "componentSignature": "djng",
                    "errCode": 9003,
                }
            ]
        }
    ).encode()
    headers = [
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"4DREST-INFO", b"1.0"),
    ]
    if close:
        headers.append((b"connection", b"close"))
    return [
        {"type": "http.response.start", "status": 413, "headers": headers},
        {"type": "http.response.body", "body": content, "more_body": True},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_connections_pass_unchanged(kind: str) -> None:
    calls: list[Any] = []

    async def app(*args: Any) -> None:
        calls.append(args)

    exchange = Exchange([], type=kind)
    exchange.run(limit_body(app, 1))
    assert calls == [(exchange.scope, exchange.receive, exchange.send)]


@pytest.mark.parametrize("headers", [[], length(b"10"), length(b"nonsense"), length(b"9" * 20)])
def test_a_body_of_the_limit_passes(headers: Any) -> None:
    app = App()
    messages = [part(b"12345"), part(b"67890"), part(b"", more=False)]
    assert Exchange(messages, headers=headers).run(limit_body(app, 10)) == [OK, END]
    assert app.seen == messages


def test_a_message_without_body_passes() -> None:
    app = App()
    assert Exchange([{"type": "http.request"}]).run(limit_body(app, 0)) == [OK, END]


def test_announced_above_the_limit_never_reaches_the_application() -> None:
    app = App()
    exchange = Exchange([part(b"12345678901", more=False)], headers=length(b"11"))
    assert exchange.run(limit_body(app, 10)) == refusal(10)
    assert app.seen == []
    assert exchange.messages == []


def test_unannounced_above_the_limit() -> None:
    app = App()
    exchange = Exchange([part(b"123456"), part(b"78901"), part(b"rest"), part(b"", more=False)])
    assert exchange.run(limit_body(app, 10)) == refusal(10)
    assert app.seen == [part(b"123456"), DISCONNECT]
    assert exchange.messages == []


def test_no_connection_header_above_http_1() -> None:
    exchange = Exchange([DISCONNECT], headers=length(b"11"), http_version="2")
    assert exchange.run(limit_body(App(), 10)) == refusal(10, close=False)


def test_the_answer_goes_out_before_the_rest_is_read() -> None:
    order: list[str] = []
    exchange = Exchange([], headers=length(b"11"))

    async def receive() -> Any:
        order.append("receive")
        return DISCONNECT

    async def send(message: Any) -> None:
        order.append(message["type"])

    asyncio.run(limit_body(App(), 10)(exchange.scope, receive, send))
    assert order == [
        "http.response.start",
        "http.response.body",
        "receive",
        "http.response.body",
    ]


def test_draining_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "DRAIN_BYTES", 10)
    exchange = Exchange([part(b"12345")] * 5, headers=length(b"25"))
    assert exchange.run(limit_body(App(), 10)) == refusal(10)
    assert len(exchange.messages) == 3


def test_draining_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "DRAIN_SECONDS", 0.01)
    exchange = Exchange([part(b"12345")], headers=length(b"25"))
    assert exchange.run(limit_body(App(), 10)) == refusal(10)
    assert exchange.messages == []


def test_an_application_that_raises_or_answers_after_the_limit() -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == DISCONNECT
        assert await receive() == DISCONNECT
        raise RuntimeError("client disconnected")

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(OK)
        await send(END)

    for app in (raises, answers):
        assert Exchange([part(b"12345", more=False), DISCONNECT]).run(limit_body(app, 4)) == refusal(4)


def test_an_answer_that_has_begun_is_left_alone() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(OK)
        assert await receive() == DISCONNECT
        await send(END)

    assert Exchange([part(b"12345")]).run(limit_body(app, 4)) == [OK, END]


def test_errors_of_the_application_pass() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("its own")

    with pytest.raises(RuntimeError, match="its own"):
        Exchange([]).run(limit_body(app, 4))


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"MAX_UPLOAD_SIZE": 20, "MAX_BODY_SIZE": 10}, 20),
        ({"MAX_UPLOAD_SIZE": 10, "MAX_BODY_SIZE": 30}, 30),
        ({}, 100 * 2**20),
    ],
)
def test_the_default_limit_is_read_from_the_settings_in_force(settings: Any, limit: int) -> None:
    app = limit_body(App())
    with override_settings(FOURD_REST=settings):
        too_long = Exchange([DISCONNECT], headers=length(str(limit + 1).encode()))
        assert too_long.run(app) == refusal(limit)
        fits = Exchange([part(b"", more=False)], headers=length(str(limit).encode()))
        assert fits.run(app) == [OK, END]


def test_django_does_not_answer_before_us() -> None:
    exchange = Exchange([part(b"123"), part(b"456"), part(b"789"), part(b"", more=False)])
    assert exchange.run(limit_body(get_asgi_application(), 5)) == refusal(5)
