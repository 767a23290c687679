"""``python -m tests.benchmarks ACTION``, one of ``ACTIONS`` or ``all``: see README.md."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time

import django

ACTIONS = (
    "dispatch",
    "read",
    "filter",
    "expand",
    "create",
    "update",
    "many",
    "upload",
    "set",
)
CSRF_TOKEN = "b" * 32


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("action", choices=[*ACTIONS, "all"])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.15, help="of each case in each round")
    parser.add_argument("--caller", choices=["guest", "session", "both"], default="both")
    parser.add_argument("--size", type=int, default=100, help="MiB of an upload")
    parser.add_argument("--members", type=int, default=1_000_000, help="of the entity set")
    return parser.parse_args()


def main():
    options = arguments()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    with tempfile.TemporaryDirectory(prefix="fourd-bench-") as folder:
        os.environ["BENCH_FOLDER"] = folder
        django.setup()
        from . import server, site

        server.stay_off_the_server()
        callers = ["guest", "session"] if options.caller == "both" else [options.caller]
        with site.sample_site():
            for caller in callers:
                measure_as(caller, options)


def measure_as(caller, options):
    from django.db import connection

    from . import cases, measure, site
    from .server import Server

    headers = {}
    if caller == "session":
        # Django REST framework asks a session for the token; nobody else here does.
        headers = {
            "Cookie": f"{site.session()}; csrftoken={CSRF_TOKEN}",
            "X-CSRFToken": CSRF_TOKEN,
        }
    chosen = ACTIONS if options.action == "all" else [options.action]
    print(f"\n== {caller}, {connection.vendor}, {options.rounds} rounds of {options.seconds} s ==")
    with Server(guests=caller == "guest") as server:
        client = measure.Client(server.address, headers)

        def read(address):
            return client.send(measure.Case("", lambda: ("GET", address, None, {})))

        def stamp_of(address):
            return json.loads(read(address)[1])["__STAMP"]

        def measured(group, *, statements_too=False, requests=measure.WARM_UP):
            cases.require_same_answers(client, group)
            measure.warm_up(client, group, requests=requests)
            if statements_too:
                cases.require_as_many_statements(group)
            measure.run(client, server, group, rounds=options.rounds, seconds=options.seconds)
            measure.table(group)

        if "dispatch" in chosen:
            for group in cases.dispatch():
                measured(group)
        if "read" in chosen:
            for group in cases.reads():
                measured(group, statements_too=True)
        if "filter" in chosen:
            for group in cases.filters():
                measured(group, statements_too=True)
        if "expand" in chosen:
            for group in cases.expansions():
                measured(group, statements_too=True)
        if "create" in chosen:
            for group in cases.creations():
                measured(group)
            site.forget_created()
        if "update" in chosen:
            for group in cases.updates(stamp_of):
                measured(group)
        if "many" in chosen:
            for group in cases.many_updates(lambda address: read(address)[1]):
                measured(group, requests=2)
        if "upload" in chosen:
            group = cases.upload(options.size)
            measure.warm_up(client, group, requests=1)
            site.forget_uploads()
            measure.run_once_each(
                client, server, group, rounds=options.rounds, between=site.forget_uploads
            )
            measure.table(group, mib=options.size)
        if "set" in chosen:
            with site.many_employees(options.members):
                begun = server.cpu(), time.perf_counter()
                made = read("/rest/Employee?$method=entityset&$top=1&$orderby=lastName,firstName")[0]
                cpu, wall = server.cpu() - begun[0], time.perf_counter() - begun[1]
                print(f"\nEntity set of {options.members:,} made: {cpu:.1f} s CPU, {wall:.1f} s")
                group = cases.set_pages(made.headers["Content-Location"], options.members)
                measure.warm_up(client, group)
                measure.run(client, server, group, rounds=options.rounds, seconds=options.seconds)
                measure.table(group)
        client.close()


if __name__ == "__main__":
    main()
