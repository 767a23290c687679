"""``Server-Timing``: what the stages of a request took, for the setting ``SERVER_TIMING``.

``parse`` reads the address, the JSON of the body and what they ask; ``sql`` executes statements, without
fetching what they find; ``render`` writes the JSON of the answer. ``plan`` is all else: rights, putting
statements together, making entities of rows. Where the setting is off nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from django.db import connections
from django.http.response import HttpResponseBase

from fourd_rest.conf import current

HEADER = "Server-Timing"


class _Timing:
    """The stages of one request, in seconds. As an execute wrapper it counts its statements."""

    def __init__(self) -> None:
        self.begin = perf_counter()
        self.spent = {"parse": 0.0, "sql": 0.0, "render": 0.0}
        self._executes = False

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        if self._executes:
            return execute(*args)  # a statement that guards another one
        self._executes = True
        try:
            with self.stage("sql"):
                return execute(*args)
        finally:
            self._executes = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = perf_counter()
        try:
            yield
        finally:
            self.spent[name] += perf_counter() - begin

    def header(self) -> str:
        parse, sql, render = self.spent.values()
        plan = max(perf_counter() - self.begin - parse - sql - render, 0)
        stages = {"parse": parse, "plan": plan, "sql": sql, "render": render}
        return ", ".join(f"{name};dur={spent * 1000:.1f}" for name, spent in stages.items())


_timing: ContextVar[_Timing | None] = ContextVar("fourd_rest_timing", default=None)
_NOTHING = nullcontext()


def request() -> AbstractContextManager[None]:
    """One request, for ``with``: its stages are measured if the setting says so."""
    return _measured() if current().SERVER_TIMING else _NOTHING


@contextmanager
def _measured() -> Iterator[None]:
    timing = _Timing()
    token = _timing.set(timing)
    used = [connections[alias] for alias in connections]
    for connection in used:
        connection.execute_wrappers.append(timing)
    try:
        yield
    finally:
        _timing.reset(token)
        for connection in used:
            # Code of the site may have added or removed others meanwhile.
            wrappers = connection.execute_wrappers
            wrappers[:] = [wrapper for wrapper in wrappers if wrapper is not timing]


def parsing() -> AbstractContextManager[None]:
    """What is done within reads what the request asks."""
    timing = _timing.get()
    return _NOTHING if timing is None else timing.stage("parse")


def rendering() -> AbstractContextManager[None]:
    """What is done within writes the answer."""
    timing = _timing.get()
    return _NOTHING if timing is None else timing.stage("render")


def tell(response: HttpResponseBase) -> None:
    """Give ``response`` the header, if the request is measured."""
    timing = _timing.get()
    if timing is not None:
        response.headers[HEADER] = timing.header()
