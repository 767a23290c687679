"""``python -m tests.benchmarks.filters``: what it takes to read a filter and to make a condition of it.

CPU time of this one process, per filter; the cases run in turn in every round.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time

FOUR = "lastName = 'm@' and salary >= 30000 and birthDate < 2000-01-01 or woman = true"
COMPILE_AIM = 0.15
FILTERS = {
    "four comparisons": FOUR,
    "four, over relations": "employer.name = 'a@' and manager.salary > 3 and team.woman = true"
    " and firstName begin 'J'",
    "one comparison": "lastName = 'm@'",
}


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.filters")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--calls", type=int, default=20, help="of each case in each round")
    return parser.parse_args()


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="fourd-filters-") as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "testproject.settings",
            "DEMO_VAR": folder,
            "DEMO_GUESTS": "1",
        }
        import django

        django.setup()
        for title, text in FILTERS.items():
            table(title, measured(steps(text), options), aims=title == "four comparisons")


def steps(text):
    """What is measured for a filter, by name."""
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    from fourd_rest.dataclass import registry
    from fourd_rest.dataclass.caller import Caller
    from fourd_rest.query.compiler import condition
    from fourd_rest.request.filter_parser import _query, parse
    from fourd_rest.request.placeholders import bind

    request = HttpRequest()
    request.user = AnonymousUser()
    caller, dataclass = Caller(request, "/rest", "http://localhost"), registry.get("Employee")
    limits = (32_768, 32, 200, 10_000)
    where = parse(text).where

    def compiled():
        return condition(caller, dataclass, where, "default")

    def both():
        bound = bind(_query(text, *limits), None)
        return condition(caller, dataclass, bound.where, "default")

    def read_before():
        return condition(caller, dataclass, bind(parse(text), None).where, "default")

    return {
        "parse": lambda: _query(text, *limits),
        "compile": compiled,
        "parse, bind and compile": both,
        "the same, read before": read_before,
    }


def measured(cases, options):
    """The seconds per call of each case, round by round."""
    for call in cases.values():
        for _ in range(50):
            call()
    taken = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, call in cases.items():
            begun = time.process_time()
            for _ in range(options.calls):
                call()
            taken[name].append((time.process_time() - begun) / options.calls)
    return taken


def table(title, taken, *, aims):
    known = {"parse, bind and compile": COMPILE_AIM}
    print(f"\n{title:30} {'CPU ms  min/med':>16}")
    for name, times in taken.items():
        costs = "/".join(f"{value * 1000:.3f}" for value in (min(times), statistics.median(times)))
        print(f"{name:30} {costs:>16}" + (f"  ≤ {known[name]}" if aims and name in known else ""))


if __name__ == "__main__":
    main()
