"""A process that plays many clients at once against one database.

``python -m tests.servers.crew`` reads a command a line, as JSON, and answers with a line of JSON: what
every client saw. It judges nothing. Clients are processes forked from here, each with connections of its
own, or threads where one has to act in the middle of another's request.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from threading import Thread
from typing import Any

import django

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from fourd_rest.dataclass import registry  # noqa: E402
from fourd_rest.models import EntityStamp  # noqa: E402
from testproject.hr.models import Company, Employee, Invoice  # noqa: E402
from tests.zoo.models import Country, Planet  # noqa: E402

fork = multiprocessing.get_context("fork")
Json = dict[str, Any]

PATIENCE = 60  # seconds at a barrier
ATTEMPTS = 500  # of a client that reads and tries again
# A client that acts in the middle of another's transaction must not wait for its end.
SHORT_WAIT = {
    "postgresql": "SET lock_timeout = '50ms'",
    "sqlite": "PRAGMA busy_timeout = 50",
}


# What a client can do.


class Rest:
    """A client of the REST surface: a guest, or the user ``client``."""

    def __init__(self, command: Json, *, login: bool = False) -> None:
        self.dataclass = command["dataclass"]
        self.key = command["key"]
        self.attribute = command["attribute"]
        self.http = Client(HTTP_HOST="localhost")
        if login:
            self.http.force_login(User.objects.get(username="client"))

    def call(self, verb: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        path, _, query = path.partition("?")
        response = self.http.generic(
            verb,
            f"/rest/{path}",
            json.dumps(body) if body else "",
            "application/json",
            QUERY_STRING=query,
        )
        return response.status_code, json.loads(response.content)

    def read(self) -> Json:
        """Stamp and value as the entity's own address shows them."""
        return self._seen(*self.call("GET", f"{self.dataclass}({self.key})"))

    def read_page(self) -> Json:
        """Stamp and value as the first page shows them."""
        status, answer = self.call("GET", self.dataclass)
        entity = next(one for one in answer["__ENTITIES"] if one["__KEY"] == self.key)
        return self._seen(status, entity)

    def update(self, stamp: int, value: Any) -> Json:
        posted = {"__KEY": self.key, "__STAMP": stamp, self.attribute: value}
        return self._seen(*self.call("POST", f"{self.dataclass}?$method=update", posted))

    def delete(self) -> int:
        return self.call("POST", f"{self.dataclass}({self.key})?$method=delete")[0]

    def create(self, value: Any) -> Json:
        posted = {"code": self.key, self.attribute: value}
        return self._seen(*self.call("POST", f"{self.dataclass}?$method=update", posted))

    def _seen(self, status: int, answer: Json) -> Json:
        return {
            "http": status,
            "stamp": answer.get("__STAMP"),
            "value": answer.get(self.attribute),
            "status": answer.get("__STATUS", {}).get("status"),
            "errors": [error["errCode"] for error in answer.get("__ERROR", [])],
        }


def in_processes(count: int, work: Callable[[int, Any], Any]) -> list[Any]:
    """``work(number, barrier)`` in ``count`` processes at once; what they return, by number."""
    connections.close_all()
    barrier = fork.Barrier(count)
    pipes, processes = [], []
    for number in range(count):
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=_child, args=(work, number, barrier, sender))
        process.start()
        sender.close()
        pipes.append(receiver)
        processes.append(process)
    results = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    failures = [result for result in results if isinstance(result, str)]
    if failures:
        raise RuntimeError("\n".join(failures))
    return results


def _child(work: Callable[[int, Any], Any], number: int, barrier: Any, sender: Any) -> None:
    try:
        result = work(number, barrier)
    except BaseException:
        barrier.abort()
        result = traceback.format_exc()
    sender.send(result)
    connections.close_all()


def _in_thread(action: Callable[[], Any]) -> Any:
    """``action()`` on connections of its own, while this thread waits."""
    results = []

    def run() -> None:
        try:
            results.append(action())
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


# Commands.


def prepare(command: Json) -> None:
    """Tables, and one entity of every kind that is raced for."""
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # the zoo refers to what migrations made
    employee = Employee.objects.create(first_name="John", last_name="Smith", salary=0)
    company = Company.objects.create(name="Adler", revenues=0, manager=employee)
    Invoice.objects.create(reference="INV1", amount=0, date="2026-01-01", company=company)
    Country.objects.create(code="FR", name="0")
    Planet.objects.create(code="mars", name="0")
    User.objects.create_superuser("admin")
    client = User.objects.create_user("client")
    client.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["hr", "zoo"]))
    connections.close_all()


def bulk_create(command: Json) -> str:
    """The key of a new company that no signal has told of: it has no stamp row."""
    company = Company.objects.bulk_create([Company(name="Bulk", revenues=0)])[0]
    assert not EntityStamp.objects.filter(dataclass="hr.company", key=str(company.pk)).exists()
    return str(company.pk)


def forget_stamp(command: Json) -> int:
    """How many stamp rows of the entity were deleted."""
    rows = EntityStamp.objects.filter(
        dataclass=registry.get(command["dataclass"]).stamp_label, key=command["key"]
    )
    return rows.delete()[0]


def read(command: Json) -> Json:
    return Rest(command).read()


def delete(command: Json) -> int:
    return Rest(command).delete()


def create(command: Json) -> Json:
    return Rest(command).create(command["value"])


def update(command: Json) -> Json:
    return Rest(command).update(command["stamp"], command["value"])


def _value(command: Json, round_: int, number: int) -> Any:
    """A value that no other update writes."""
    value = 1_000_000 + command.get("base", 0) + round_ * 1_000 + number
    return str(value) if command.get("text") else value


def race(command: Json) -> list[Any]:
    """Every process updates, round after round; for every process what it read and was answered.

    ``together``: in each round one process reads, and all update with that stamp at once. Otherwise
    each reads for itself and runs as it can. ``stamps``: all hold these instead, one for each round.
    """
    common = fork.Value("q")

    def work(number: int, barrier: Any) -> list[Json]:
        client, seen = Rest(command), []
        for round_ in range(command["rounds"]):
            before = None
            if command["together"]:
                barrier.wait(PATIENCE)
                if number == 0:
                    before = client.read()
                    common.value = before["stamp"]
                barrier.wait(PATIENCE)
                stamp = common.value
            else:
                before = client.read()
                stamp = before["stamp"]
            if command.get("stamps"):
                stamp = command["stamps"][round_ % len(command["stamps"])]
            value = _value(command, round_, number)
            seen.append({"read": before, "posted": value, "answer": client.update(stamp, value)})
        return seen

    return in_processes(command["processes"], work)


def rebirth(command: Json) -> list[Any]:
    """In each round all hold one stamp; then one deletes and creates anew, while the others update.

    Afterwards everyone updates with the best stamp that he holds of the former life.
    """
    common = fork.Value("q")

    def work(number: int, barrier: Any) -> list[Json]:
        client, seen = Rest(command), []
        for round_ in range(command["rounds"]):
            barrier.wait(PATIENCE)
            if number == 0:
                common.value = client.read()["stamp"]
            value = _value(command, round_, number)
            barrier.wait(PATIENCE)
            stamp, item = common.value, {}
            if number == 0:
                item["deleted"], item["created"] = client.delete(), client.create(value)
            else:
                item["answer"] = client.update(stamp, value)
            barrier.wait(PATIENCE)
            if number:
                won = item["answer"]["http"] == 200
                held = item["answer"]["stamp"] if won else stamp
                item["again"] = client.update(held, f"late {number}")
            seen.append(item)
        return seen

    return in_processes(command["processes"], work)


def between(command: Json) -> list[Json]:
    """``what`` (a read, a page, an update, a delete) with a commit of another client before its n-th
    statement, for every n; one item for each n.

    A commit that would have to wait for the request that it interrupts is given up.
    """
    reader, other = Rest(command, login=True), Rest(command)
    items: list[Json] = []
    while True:
        base = (command.get("base", 0) + len(items)) * 10
        before = reader.read()
        item: Json = {"before": before, "other": None, "sql": ""}
        count = 0

        def commit(before: Json = before, base: int = base) -> Json:
            with connection.cursor() as cursor:
                cursor.execute(SHORT_WAIT[connection.vendor])
            return other.update(before["stamp"], _value(command, base, 1))

        def interrupt(execute: Any, sql: str, *arguments: Any, item: Json = item) -> Any:
            nonlocal count
            count += 1
            if count == len(items) + 1:
                item["sql"] = sql
                item["other"] = _in_thread(commit)
            return execute(sql, *arguments)

        with connection.execute_wrapper(interrupt):
            match command["what"]:
                case "entity":
                    item["answer"] = reader.read()
                case "page":
                    item["answer"] = reader.read_page()
                case "update":
                    item["answer"] = reader.update(before["stamp"], _value(command, base, 2))
                case "delete":
                    item["answer"] = reader.delete()
        if command["what"] == "delete":
            item["created"] = reader.create("reborn")
        if item["other"] is None:
            return items
        held = item["other"]["stamp"] if command["what"] == "delete" else item["answer"]["stamp"]
        item["again"] = reader.update(held, _value(command, base, 3))
        item["after"] = reader.read()
        items.append(item)


COLUMNS = {
    "Company": (Company, "name", "revenues"),
    "Employee": (Employee, "last_name", "salary"),
}


def history(command: Json) -> list[Any]:
    """REST clients update beside saves in the admin and in code, each its own attribute.

    A log for every process: what it read (``saw``) and what it committed (``wrote``), each with the
    stamp and all values that stood there then.
    """
    model = COLUMNS[command["dataclass"]][0]

    def work(number: int, barrier: Any) -> Json:
        log: Json = {"saw": [], "wrote": [], "http": []}
        with ExitStack() as stack:
            role = (_rest_role, _admin_role, _code_role)[number % 3]
            if role is not _rest_role:

                def note(instance: Any, **kwargs: Any) -> None:
                    written = state(command)  # the row is held until the commit
                    transaction.on_commit(lambda: log["wrote"].append(written))

                # Receivers are held weakly; the reference here keeps this one.
                post_save.connect(note, sender=model)
                stack.callback(post_save.disconnect, note, sender=model)
            barrier.wait(PATIENCE)
            role(command, number, log)
        return log

    return in_processes(command["processes"], work)


def state(command: Json) -> list[Any]:
    """Stamp, name and number of the row as this transaction sees them."""
    model, name, number = COLUMNS[command["dataclass"]]
    row = model.objects.values().get(pk=command["key"])
    stamp = row.get("stamp")
    if stamp is None:
        stamp = EntityStamp.objects.get(dataclass="hr.company", key=command["key"]).stamp
    return [stamp, row[name], int(row[number])]


def _rest_role(command: Json, process: int, log: Json) -> None:
    client = Rest(command)
    name = {"Company": "name", "Employee": "lastName"}[command["dataclass"]]

    def shown(answer: Json) -> list[Any]:
        return [answer["__STAMP"], answer[name], int(answer[client.attribute])]

    for round_ in range(command["rounds"]):
        for _ in range(ATTEMPTS):
            status, entity = client.call("GET", f"{client.dataclass}({client.key})")
            log["http"].append(status)
            log["saw"].append(shown(entity))
            posted = {
                "__KEY": client.key,
                "__STAMP": entity["__STAMP"],
                client.attribute: _value(command, round_, process),
            }
            status, answer = client.call("POST", f"{client.dataclass}?$method=update", posted)
            if status == 200:
                log["wrote"].append(shown(answer))
                break
            codes = [error["errCode"] for error in answer["__ERROR"]]
            if codes != [1263, 1046, 1517]:
                log["http"].append([status, codes])
                return


def _admin_role(command: Json, process: int, log: Json) -> None:
    """Saves of the change form, posted as the browser would: every field as it was shown."""
    model, text, _ = COLUMNS[command["dataclass"]]
    http = Client(HTTP_HOST="localhost")
    http.force_login(User.objects.get(username="admin"))
    address = f"/admin/hr/{model._meta.model_name}/{command['key']}/change/"
    for round_ in range(command["rounds"]):
        shown = http.get(address)
        log["http"].append(shown.status_code)
        form = shown.context["adminform"].form
        filled = [
            bound for bound in form if bound.value() not in (None, "") and bound.value() is not False
        ]
        fields = {bound.html_name: bound.field.widget.format_value(bound.value()) for bound in filled}
        # A select box tells its choice as a list; a file is posted only if it is chosen anew.
        fields = {
            name: value[0] if isinstance(value, list) else value
            for name, value in fields.items()
            if value is not None
        }
        saved = http.post(address, {**fields, text: f"admin {process} {round_}"})
        log["http"].append(saved.status_code)


def _code_role(command: Json, process: int, log: Json) -> None:
    model, name, _ = COLUMNS[command["dataclass"]]
    for round_ in range(command["rounds"]):
        with transaction.atomic():
            instance = model.objects.get(pk=command["key"])
            setattr(instance, name, f"code {process} {round_}")
            instance.save()


def distinct(command: Json) -> list[Any]:
    """REST clients append to ``extra`` of a company while others save its name alone.

    For every process the tokens that were acknowledged, or the number of saves.
    """

    def rest(process: int) -> list[str]:
        client, kept = Rest(command), []
        for round_ in range(command["rounds"]):
            token = f"{process}-{round_}"
            for _ in range(ATTEMPTS):
                before = client.read()
                answer = client.update(before["stamp"], {"tokens": [*before["value"]["tokens"], token]})
                if answer["http"] == 200:
                    kept.append(token)
                    break
                if answer["errors"] != [1263, 1046, 1517]:
                    raise RuntimeError(str(answer))
        return kept

    def save(process: int) -> int:
        for round_ in range(command["rounds"]):
            with ExitStack() as stack:
                if process % 2:
                    stack.enter_context(transaction.atomic())
                instance = Company.objects.get(pk=command["key"])
                instance.name = f"saved {process} {round_}"
                instance.save(update_fields=["name"])
        return command["rounds"]

    def work(number: int, barrier: Any) -> Any:
        barrier.wait(PATIENCE)
        return rest(number) if number < command["processes"] // 2 else save(number)

    return in_processes(command["processes"], work)


def crossed(command: Json) -> list[Any]:
    """Updates of a company and of its manager that refer to each other, by every process in turn.

    For every process the answers, none of which may be other than saved or stale.
    """
    sides = (
        {"dataclass": "Company", "key": command["key"], "attribute": "manager"},
        {"dataclass": "Employee", "key": command["employee"], "attribute": "employer"},
    )
    targets = (command["employee"], command["key"])

    def work(number: int, barrier: Any) -> list[Any]:
        side = number % 2
        client, seen = Rest(sides[side]), []
        barrier.wait(PATIENCE)
        for _ in range(command["rounds"]):
            before = client.read()
            value = None if before["value"] else targets[side]
            answer = client.update(before["stamp"], value)
            seen.append([answer["http"], answer["errors"]])
        return seen

    return in_processes(command["processes"], work)


def deadlocks(command: Json) -> int:
    """How many deadlocks PostgreSQL has had to break in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


COMMANDS = {
    command.__name__: command
    for command in (
        prepare,
        bulk_create,
        forget_stamp,
        read,
        create,
        update,
        delete,
        race,
        rebirth,
        between,
        state,
        history,
        distinct,
        crossed,
        deadlocks,
    )
}


def main(commands: dict[str, Callable[[Json], Any]]) -> None:
    """Read commands and answer them, until there are no more."""
    # Whatever prints must not stand between the answers.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    gc.freeze()  # what is here stays shared with the children
    setup_test_environment()  # an answer of the admin carries its form
    for line in sys.stdin:
        command = json.loads(line)
        try:
            result: Any = {"result": commands[command["do"]](command)}
        except BaseException:
            result = {"error": traceback.format_exc()}
        print(json.dumps(result), file=out, flush=True)


if __name__ == "__main__":
    main(COMMANDS)
