"""Requests over one kept connection, taken case by case in turn, and the table of what they cost."""

from __future__ import annotations

import http.client
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

WARM_UP = 30  # requests


@dataclass
class Case:
    """One way to do the same thing.

    ``request`` gives method, path, body and headers of the next request, ``answered`` is told each
    answer. ``aim`` is what the first case of the group may cost in terms of this one.
    """

    name: str
    request: Callable
    answered: Callable = lambda body: None
    aim: float | None = None
    statements: str = ""
    cpu: list[float] = field(default_factory=list)  # seconds per request, by round
    wall: list[float] = field(default_factory=list)


@dataclass
class Group:
    """Cases whose cost is compared. The first one is the package's."""

    title: str
    cases: list[Case]


class Client:
    """A connection that is kept, with the headers of one caller."""

    def __init__(self, address, headers):
        self._connection = http.client.HTTPConnection(*address, timeout=300)
        self._headers = headers

    def close(self):
        self._connection.close()

    def send(self, case, **headers):
        method, path, body, own = case.request()
        self._connection.request(method, path, body, {**self._headers, **own, **headers})
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:500]!r}")
        case.answered(content)
        return response, content


def warm_up(client, group, *, requests=WARM_UP):
    """Let imports and caches be done with, and count the statements of one request."""
    for case in group.cases:
        for _ in range(requests):
            client.send(case)
        response, _ = client.send(case, **{"X-Count-Statements": "1"})
        case.statements = response.headers["X-Statements"]


def run(client, server, group, *, rounds, seconds):
    """All cases in turn, so that whatever else the machine does falls on all of them."""
    for number in range(rounds):
        # The order turns as well: nobody always comes first.
        turn = number % len(group.cases)
        for case in group.cases[turn:] + group.cases[:turn]:
            _measure(client, server, case, seconds)


def _measure(client, server, case, seconds):
    count, cpu, start = 0, server.cpu(), time.perf_counter()
    while not count or time.perf_counter() - start < seconds:
        client.send(case)
        count += 1
    case.wall.append((time.perf_counter() - start) / count)
    case.cpu.append((server.cpu() - cpu) / count)


def run_once_each(client, server, group, *, rounds, between):
    """One request a round, for those that take long; ``between`` tidies up."""
    for number in range(rounds):
        turn = number % len(group.cases)
        for case in group.cases[turn:] + group.cases[:turn]:
            os.sync()
            _measure(client, server, case, 0)
            between()


def table(group, *, mib=None):
    """The costs per request, and what the first case costs in terms of each other one."""
    first = group.cases[0]
    speed = "MiB/s" if mib else "req/s"
    print(f"\n{group.title}")
    heads = f"{'CPU ms  min/med/max':>24}  {speed:>7}  {'ours ÷ it  min/med/max':>24}  aim"
    print(f"{'':24} {'SQL':>4}  {heads}")
    for case in group.cases:
        costs = "/".join(f"{value * 1000:.2f}" for value in _spread(case.cpu))
        rate = (mib or 1) / statistics.median(case.wall)
        ratios = aim = ""
        if case is not first:
            pairs = zip(first.cpu, case.cpu, strict=True)
            ratios = "/".join(f"{value:.2f}" for value in _spread([a / b for a, b in pairs]))
            aim = f"≤ {case.aim}" if case.aim else ""
        print(f"{case.name:24} {case.statements:>4}  {costs:>24}  {rate:7.0f}  {ratios:>24}  {aim}")
    if mib:
        speeds = [b / a for a, b in zip(first.wall, group.cases[1].wall, strict=True)]
        shown = "/".join(f"{value:.2f}" for value in _spread(speeds))
        print(f"speed, {first.name} ÷ {group.cases[1].name}: {shown} (aim ≥ 0.85)")


def _spread(values):
    return min(values), statistics.median(values), max(values)
