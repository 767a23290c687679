"""A pytest plugin that writes down what the test client asks and what it is answered.

One file for each process, one line for each test: its name and the exchanges. What differs from run to
run by itself (IDs, moments, folders) is replaced by placeholders, numbered within the test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

# IDs of uploads, sets and references to the log; moments; folders of a run; tags made of mtimes.
_VOLATILE = re.compile(
    r"(?P<id>\b[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}\b)"
    r"|(?P<moment>\b20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?)"
    r"|(?P<reference>(?<=reference )[0-9a-f]{8}\b|(?<=reference: )[0-9a-f]{8}\b)"
    r"|(?P<folder>fourd-rest-tests-\d+|/tmp/[\w./-]+)"
    r"|(?P<csrf>(?<=csrfmiddlewaretoken\" value=\")\w+)"
    r"|(?P<tag>\"[0-9a-f]+-[0-9a-f]+\")"
)
# Of large answers the digest is enough to tell them apart.
_KEPT = 4_000

_exchanges: list[dict[str, Any]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", metavar="DIR", help="write requests and answers to this folder")


class _Placeholders:
    """Numbers volatile values by their first appearance in one test."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            kind = match.lastgroup or ""
            if kind in ("moment", "folder", "csrf", "tag"):
                return f"<{kind}>"
            value = match.group().lower().replace("-", "")
            return self._known.setdefault(value, f"<{kind} {len(self._known) + 1}>")

        return _VOLATILE.sub(replaced, text)


_placeholders = _Placeholders()


def _text(content: bytes) -> str:
    text = _placeholders(content.decode("utf-8", "backslashreplace"))
    if len(text) <= _KEPT:
        return text
    return f"{text[:_KEPT]}… {blake2b(text.encode(), digest_size=16).hexdigest()}"


def _answer(exchange: dict[str, Any], response: Any) -> None:
    exchange["status"] = response.status_code
    exchange["headers"] = {
        name: _placeholders(value)
        for name, value in sorted(response.items())
        if name not in ("Last-Modified", "Server-Timing", "Expires", "Retry-After")
    }
    if response.streaming:
        response.streaming_content = _overheard(exchange, response.streaming_content)
    else:
        exchange["body"] = _text(response.content)


def _overheard(exchange: dict[str, Any], pieces: Iterable[bytes]) -> Iterator[bytes]:
    heard = b""
    for piece in pieces:
        heard += piece
        yield piece
    exchange["body"] = _text(heard)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    global _placeholders
    _exchanges.clear()
    _placeholders = _Placeholders()


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("record")
    if not folder:
        return
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    path = Path(folder, f"{worker}.jsonl").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    ask = Client.request

    def request(self: Any, **environ: Any) -> Any:
        query = environ.get("QUERY_STRING", "")
        exchange = {
            "method": environ.get("REQUEST_METHOD", "GET"),
            "path": _placeholders(str(environ.get("PATH_INFO", ""))),
            "query": _placeholders(str(query)),
        }
        _exchanges.append(exchange)
        response = ask(self, **environ)
        _answer(exchange, response)
        return response

    Client.request = request  # type: ignore[method-assign]

    class Recorder:
        @pytest.hookimpl(trylast=True)
        def pytest_runtest_teardown(self, item: pytest.Item) -> None:
            if not _exchanges:
                return
            # Not the folder: tests move.
            name = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
            with path.open("a") as file:
                file.write(json.dumps({"test": name, "exchanges": list(_exchanges)}) + "\n")

    config.pluginmanager.register(Recorder())
