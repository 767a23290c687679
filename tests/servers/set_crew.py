"""A process that plays many clients at one entity set; its commands are read as those of ``crew.py``.

Clients are guests, who share what they make, in processes of their own. The sets hold companies, whose
keys are their numbers.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .crew import PATIENCE, Json, fork, in_processes, main, prepare

# The site is there from here on.
from django.conf import settings  # isort: skip
from django.db import connection, connections  # isort: skip
from django.test import Client, override_settings  # isort: skip
from django.utils import timezone  # isort: skip

from fourd_rest.entity_sets import lifecycle, members  # isort: skip
from fourd_rest.models import EntitySet, EntitySetChunk  # isort: skip
from testproject.hr.models import Company  # isort: skip

# A large set takes many statements already when it has a few thousand members.
members._STATEMENT = 5_000

BUSY = 9010
EXPIRED = timedelta(minutes=10)


class Guest:
    """A client; what it is answered, in short: ``http``, ``codes``, and of a page ``count`` and ``keys``
    (None for a hole), of anything else the document as ``value``."""

    def __init__(self) -> None:
        self.http = Client(HTTP_HOST="localhost")

    def __call__(self, path: str, *, verb: str = "GET") -> Json:
        path, _, query = path.partition("?")
        response = self.http.generic(verb, f"/rest/{path}", QUERY_STRING=query)
        document = json.loads(response.content)
        answer: Json = {"http": response.status_code, "codes": []}
        if not isinstance(document, dict):
            return {**answer, "value": document}
        if response.status_code != 200:
            return {**answer, "codes": [error["errCode"] for error in document["__ERROR"]]}
        if "__ENTITIES" not in document:
            return {**answer, "value": document}
        keys = [int(shown["__KEY"]) if "__KEY" in shown else None for shown in document["__ENTITIES"]]
        made = document.get("__ENTITYSET", "").rpartition("/")[2]
        sent = document["__SENT"]
        return {**answer, "count": document["__COUNT"], "keys": keys, "sent": sent, "made": made}

    def until_done(self, path: str) -> list[Json]:
        """The answers up to the one that is not «busy»."""
        answers = [self(path)]
        while answers[-1]["codes"] == [BUSY] and len(answers) < 50:
            answers.append(self(path))
        return answers


def furnish(command: Json) -> None:
    """Those of the companies 1 to ``companies`` that are not there."""
    there = set(Company.objects.values_list("pk", flat=True))
    missing = sorted(set(range(1, command["companies"] + 1)) - there)
    Company.objects.bulk_create([Company(pk=key, name=f"C{key}") for key in missing])
    connections.close_all()


def make(command: Json) -> str:
    """The ID of a new set of what ``filter`` selects."""
    made: str = Guest()(f"Company?$filter='{command['filter']}'&$orderby=ID&$method=entityset")["made"]
    return made


def ask(command: Json) -> Json:
    return Guest()(command["path"])


def cleanup(command: Json) -> int:
    return lifecycle.sweep()


def empty(command: Json) -> None:
    EntitySetChunk.objects.all().delete()
    EntitySet.objects.all().delete()


def expire(command: Json) -> int:
    """How many sets have expired now that would not have yet."""
    rows = EntitySet.objects.filter(expires__gt=timezone.now())
    if "id" in command:
        rows = rows.filter(pk=command["id"])
    return rows.update(expires=timezone.now() - EXPIRED)


def tables(command: Json) -> Json:
    """What is stored: for each set its size and chunks, and how many chunks have no set."""
    chunks: dict[str, list[Any]] = {}
    rows = EntitySetChunk.objects.order_by("number").values_list("entity_set_id", "number", "members")
    for wire_id, number, packed in rows:
        chunks.setdefault(wire_id, []).append([number, json.loads(packed)])
    stored = dict(EntitySet.objects.values_list("pk", "size"))
    return {
        "orphans": sorted(chunks.keys() - stored.keys()),
        "sets": {wire_id: [size, chunks.get(wire_id, [])] for wire_id, size in stored.items()},
    }


# Races.


def edits(command: Json) -> Json:
    """``writers`` add their own companies to the set ``id`` and remove its first members, while
    ``readers`` read it by ``reads`` in turn.

    ``added`` and ``removed`` are acknowledged, ``refused`` not; ``seen`` are reads with their path.
    """
    writers, rounds = command["writers"], command["rounds"]
    address, busy_writers = f"Company/ID/$entityset/{command['id']}", fork.Value("q", writers)

    def write(number: int) -> Json:
        guest, log = Guest(), {"added": [], "removed": 0, "refused": []}
        for round_ in range(rounds):
            key = command["first"] + number * rounds + round_
            param = (f"$addToSet={key}", f"$addToSet={key}&$removeFromSet=0")[round_ % 2]
            *refused, answer = guest.until_done(f"{address}?{param}&$top=1&$skip=3")
            log["refused"] += refused
            if answer["http"] != 200:
                log["refused"].append(answer)
                continue
            log["added"].append(key)
            log["removed"] += round_ % 2
        with busy_writers.get_lock():
            busy_writers.value -= 1
        return log

    def read(number: int) -> Json:
        guest, seen = Guest(), []
        while busy_writers.value:
            params = command["reads"][(len(seen) + number) % len(command["reads"])]
            seen.append([params, guest(f"{address}?{params}")])
        return {"seen": seen}

    def work(number: int, barrier: Any) -> Json:
        barrier.wait(PATIENCE)
        return write(number) if number < writers else read(number)

    logs = in_processes(writers + command["readers"], work)
    return {"writers": logs[:writers], "seen": [item for log in logs[writers:] for item in log["seen"]]}


def rebuild(command: Json) -> list[Any]:
    """All processes rebuild the missing set ``ids[round]`` at once, and each adds a company of its own
    to it after that; the answers of each by round: of the rebuilding, of the addition."""

    def work(number: int, barrier: Any) -> list[Any]:
        guest, log = Guest(), []
        for round_, wire_id in enumerate(command["ids"]):
            address = f"Company/ID/$entityset/{wire_id}?{command['saved']}"
            added = command["first"] + number
            barrier.wait(PATIENCE)
            if round_ % 2:
                log.append([guest.until_done(f"{address}&$addToSet={added}&$top=2")])
            else:
                built = guest.until_done(address)
                log.append([built, guest.until_done(f"{address}&$addToSet={added}&$top=2")])
        return log

    return in_processes(command["processes"], work)


def life(command: Json) -> list[Any]:
    """Readers of the set ``id``, who renew it each time, beside others who release it, let it expire
    and sweep it, and rebuild it; what each was answered."""
    address = f"Company/ID/$entityset/{command['id']}"
    enders = fork.Value("q", 2)

    def end(number: int) -> list[Json]:
        guest, log, dice = Guest(), [], random.Random(number)
        for _ in range(command["rounds"]):
            time.sleep(dice.random() / 100)
            if number:
                log.append(guest(f"{address}?$method=release"))
            else:
                expire(command)
                time.sleep(dice.random() / 500)
                lifecycle.sweep()
        with enders.get_lock():
            enders.value -= 1
        return log

    def use(number: int) -> list[Json]:
        lifecycle._slack = lambda timeout: timedelta()
        guest, log = Guest(), []
        while enders.value:
            params = command["reads"][(len(log) + number) % len(command["reads"])]
            saved = f"&{command['saved']}" if number % 2 else ""
            log.append([params, guest(f"{address}?{params}{saved}")])
        return log

    def work(number: int, barrier: Any) -> list[Any]:
        barrier.wait(PATIENCE)
        return end(number) if number < 2 else use(number)

    return in_processes(command["processes"], work)


def create(command: Json) -> list[Any]:
    """What each of many processes is answered that make sets at once, until they are refused.

    ``limits`` are settings.
    """

    def work(number: int, barrier: Any) -> list[Json]:
        guest, log = Guest(), []
        barrier.wait(PATIENCE)
        while not log or log[-1]["http"] == 200:
            log.append(guest(command["path"]))
        return log

    with override_settings(FOURD_REST={**settings.FOURD_REST, **command["limits"]}):
        return in_processes(command["processes"], work)


# At a certain moment.


def killed(command: Json) -> list[Json]:
    """``path``, or the clean-up, in a process that is killed after its n-th change, for every n.

    What is stored while it stands there, and after that.
    """
    items: list[Json] = []
    while True:
        receiver, sender = fork.Pipe(duplex=False)
        connections.close_all()
        process = fork.Process(target=_until, args=(len(items) + 1, command, sender))
        process.start()
        sql = receiver.recv()
        if sql is None:
            process.join()
            return items
        before = tables({})
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        items.append({"sql": sql, "before": before, "after": tables({})})


def _until(number: int, command: Json, sender: Any) -> None:
    """Do it, and stand still after the change of this number."""
    count = 0

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        nonlocal count
        result = execute(sql, *arguments)
        count += sql.startswith(("INSERT", "UPDATE", "DELETE"))
        if count == number:
            sender.send(sql)
            time.sleep(PATIENCE)
        return result

    with connection.execute_wrapper(watch):
        if "path" in command:
            Guest()(command["path"])
        else:
            lifecycle.sweep()
    connections.close_all()
    sender.send(None)


COMMANDS: dict[str, Callable[[Json], Any]] = {
    command.__name__: command
    for command in (
        prepare,
        furnish,
        make,
        ask,
        cleanup,
        empty,
        expire,
        tables,
        edits,
        rebuild,
        life,
        create,
        killed,
    )
}

if __name__ == "__main__":
    main(COMMANDS)
