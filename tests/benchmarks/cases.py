"""What is measured: for each group the package's case first, then its references."""

from __future__ import annotations

import itertools
import json
import os
from urllib.parse import quote

from .measure import Case, Group

JSON = {"Content-Type": "application/json"}
# Between the two, so that its page needs the offset and is full.
PAGE = "?$skip=50&$top=100"
DRF_PAGE = "?offset=50&limit=100"
# Differ from one save to the next.
VOLATILE = {"__KEY", "__STAMP", "__TIMESTAMP", "uri", "ID", "salary", "amount", "reference"}

PLAIN, DRF, RAW = "hand-written", "DRF ModelViewSet", ".values() + orjson"


def _get(name, path, **options):
    return Case(name, lambda: ("GET", path, None, {}), **options)


def dispatch():
    return [
        Group(
            "Dispatch: GET /rest/",
            [_get("fourd_rest", "/rest/"), _get("plain view", "/plain/", aim=1.5)],
        )
    ]


def reads():
    return [
        Group(
            f"Page of 100, {title}",
            [
                _get("fourd_rest", f"/rest/{dataclass}{PAGE}"),
                _get(PLAIN, f"/plain/{path}{PAGE}", aim=aim),
                _get(DRF, f"/drf/{path}/{DRF_PAGE}", aim=0.6),
                _get(RAW, f"/raw/{path}{PAGE}"),
            ],
        )
        for title, dataclass, path, aim in (
            ("stamp_field (Employee)", "Employee", "employees", 1.25),
            ("side table (Invoices)", "Invoices", "invoices", 1.4),
        )
    ]


# The first condition of a filter takes another number each time where ``varies``.
EMPLOYEE_FILTER, EMPLOYEE_ORDER = "salary > {} and lastName >= 'Brö'", "lastName desc,firstName"
INVOICE_FILTER, INVOICE_ORDER = "amount > {} and reference begin 'inv'", "date desc,reference"


def filters():
    """Pages that are filtered and sorted, with filters asked before and with new ones."""
    return [
        _filtered(f"{title}, {what}", ours, plain, aim=1.3, varies=varies)
        for title, ours, plain in (
            (
                "stamp_field (Employee)",
                f"/rest/Employee{_query(EMPLOYEE_FILTER, EMPLOYEE_ORDER)}",
                "/plain/employees/filtered?$skip=50&$top=100&name=Br%C3%B6&salary={}",
            ),
            (
                "side table (Invoices)",
                f"/rest/Invoices{_query(INVOICE_FILTER, INVOICE_ORDER)}",
                "/plain/invoices/filtered?$skip=50&$top=100&begin=inv&amount={}",
            ),
        )
        for what, varies in (("one filter", False), ("a new filter each time", True))
    ]


def _query(filter_, order):
    return f"{PAGE}&$filter={quote(filter_, safe='{}')}&$orderby={quote(order)}"


def _filtered(title, ours, plain, *, aim, varies):
    def case(name, path, **options):
        # Far apart in time, so that no filter comes back while it is remembered.
        numbers = itertools.cycle(range(1_000, 9_000)) if varies else itertools.repeat(1_000)
        return Case(name, lambda: ("GET", path.format(next(numbers)), None, {}), **options)

    return Group(
        f"Page of 100, filtered and sorted, {title}",
        [case("fourd_rest", ours), case(PLAIN, plain, aim=aim)],
    )


def expansions():
    return [
        Group(
            f"Page of 100 with a to-one relation expanded, {title}",
            [
                _get("fourd_rest", f"/rest/{dataclass}{PAGE}&$expand={relation}"),
                _get(PLAIN, f"/plain/{path}/expanded{PAGE}", aim=1.4),
                _get(f"{DRF}, nested", f"/drf/expanded/{path}/{DRF_PAGE}", aim=0.5),
            ],
        )
        for title, dataclass, path, relation in (
            ("stamp_field (Employee)", "Employee", "employees", "employer"),
            ("side table (Invoices)", "Invoices", "invoices", "company"),
        )
    ]


def set_pages(location, size):
    """Pages of an entity set of ``size`` members, the last one first."""
    last = size - 100
    return Group(
        f"Page of 100 of an entity set of {size:,} members",
        [
            _get(f"page {size // 100:,}", f"{location}?$skip={last}&$top=100"),
            _get("page 1", f"{location}?$skip=0&$top=100", aim=2),
            _get("plain page of 100", "/rest/Employee?$skip=0&$top=100&$filter=ID%3C101"),
        ],
    )


class Saved:
    """One entity that all cases of a group save in turn, each with the stamp that it has by then."""

    def __init__(self, key, name, values):
        self.key, self.name, self.values = key, name, values
        self.stamp = None

    def rest(self, path):
        def request():
            posted = {"__KEY": self.key, "__STAMP": self.stamp, self.name: next(self.values)}
            return "POST", path, json.dumps(posted).encode(), JSON

        return request

    def drf(self, path):
        def request():
            body = json.dumps({self.name: next(self.values)}).encode()
            return "PATCH", f"{path}{self.key}/", body, JSON

        return request

    def answered(self, content):
        self.stamp = json.loads(content)["__STAMP"]


def updates(stamp_of):
    """``stamp_of(address)`` asks the server for the stamp that an entity has."""
    salaries = (20_000 + number % 50_000 for number in itertools.count())
    amounts = (f"{100 + number % 900}.{number % 90 + 10}" for number in itertools.count())
    groups = []
    for title, dataclass, path, entity in (
        ("stamp_field (Employee)", "Employee", "employees", Saved("15", "salary", salaries)),
        ("side table (Invoices)", "Invoices", "invoices", Saved("15", "amount", amounts)),
    ):
        entity.stamp = stamp_of(f"/rest/{dataclass}({entity.key})")
        ours, plain = f"/rest/{dataclass}?$method=update", f"/plain/{path}/save"
        groups.append(
            Group(
                f"Update one, {title}",
                [
                    Case("fourd_rest", entity.rest(ours), entity.answered),
                    Case(PLAIN, entity.rest(plain), entity.answered, aim=1.3),
                    Case(DRF, entity.drf(f"/drf/{path}/"), aim=0.8),
                ],
            )
        )
    return groups


class SavedMany:
    """A hundred entities that all cases of a group save together, each with its stamp."""

    COUNT = 100

    def __init__(self, name, values):
        self.name, self.values = name, values
        self.stamps = {}

    def rest(self, path):
        def request():
            posted = [
                {"__KEY": key, "__STAMP": stamp, self.name: next(self.values)}
                for key, stamp in self.stamps.items()
            ]
            return "POST", path, json.dumps(posted).encode(), JSON

        return request

    def drf(self, path):
        def request():
            posted = [{"id": int(key), self.name: next(self.values)} for key in self.stamps]
            return "PATCH", f"{path}many/", json.dumps(posted).encode(), JSON

        return request

    def answered(self, content):
        self.stamps = {e["__KEY"]: e["__STAMP"] for e in json.loads(content)["__ENTITIES"]}


def many_updates(entities_of):
    """``entities_of(address)`` asks the server for a page."""
    salaries = (20_000 + number % 50_000 for number in itertools.count())
    amounts = (f"{100 + number % 900}.{number % 90 + 10}" for number in itertools.count())
    groups = []
    for title, dataclass, path, entities in (
        ("stamp_field (Employee)", "Employee", "employees", SavedMany("salary", salaries)),
        ("side table (Invoices)", "Invoices", "invoices", SavedMany("amount", amounts)),
    ):
        entities.answered(entities_of(f"/rest/{dataclass}?$top={SavedMany.COUNT}"))
        ours, plain = f"/rest/{dataclass}?$method=update", f"/plain/{path}/many"
        groups.append(
            Group(
                f"Update {SavedMany.COUNT} in one request, {title}",
                [
                    Case("fourd_rest", entities.rest(ours), entities.answered),
                    Case(f"{PLAIN}, one by one", entities.rest(plain), entities.answered),
                    Case(f"{DRF}, a loop", entities.drf(f"/drf/{path}/"), aim=0.4),
                ],
            )
        )
    return groups


def _post(name, path, bodies, **options):
    return Case(name, lambda: ("POST", path, json.dumps(next(bodies)).encode(), JSON), **options)


def creations():
    employee = {"firstName": "Ada", "lastName": "Byron", "salary": 50_000, "woman": True}
    snake = {"first_name": "Ada", "last_name": "Byron", "salary": 50_000, "woman": True}
    employees = itertools.repeat({**employee, "birthDate": "10!12!1985"})
    drf_employees = itertools.repeat({**snake, "birth_date": "1985-12-10"})
    numbers = itertools.count()
    invoices = (
        {"reference": f"N{number}", "amount": "99.50", "date": "1!2!2025", "company": 1}
        for number in numbers
    )
    drf_invoices = (
        {"reference": f"N{number}", "amount": "99.50", "date": "2025-02-01", "company": 1}
        for number in numbers
    )
    return [
        Group(
            f"Create one, {title}",
            [
                _post("fourd_rest", f"/rest/{dataclass}?$method=update", ours),
                _post(PLAIN, f"/plain/{path}/save", ours, aim=1.3),
                _post(DRF, f"/drf/{path}/", drf, aim=0.8),
            ],
        )
        for title, dataclass, path, ours, drf in (
            ("stamp_field (Employee)", "Employee", "employees", employees, drf_employees),
            ("side table (Invoices)", "Invoices", "invoices", invoices, drf_invoices),
        )
    ]


def upload(mib):
    content = os.urandom(2**20) * mib
    headers = {"Content-Type": "application/octet-stream"}

    def case(name, path, **options):
        return Case(name, lambda: ("POST", path, content, headers), **options)

    return Group(
        f"Upload of {mib} MiB with sha256",
        [
            case("fourd_rest", "/rest/$upload?$binary=true"),
            case("copy and hash", "/plain/upload"),
        ],
    )


def require_same_answers(client, group):
    """The references count only if they do the same: the same bytes, for saves all that stays."""
    ours, plain = (client.send(case)[1] for case in group.cases[:2])
    if ours == plain:
        return
    ours, plain = (json.loads(content) for content in (ours, plain))
    if "__STATUS" in ours and list(_lasting(ours)) == list(_lasting(plain)):
        return
    if "__STATUS" in ours.get("__ENTITIES", [{}])[0] and all(
        list(_lasting(one)) == list(_lasting(other))
        for one, other in zip(ours["__ENTITIES"], plain["__ENTITIES"], strict=True)
    ):
        return
    raise RuntimeError(f"{group.title}: different answers\n{ours}\n{plain}")


def _lasting(answer):
    key, stamp = answer["__KEY"], answer["__STAMP"]
    for name, value in answer.items():
        if name in VOLATILE:
            yield name
        else:
            text = json.dumps(value).replace(f"({key})", "(key)")
            yield name, text.replace(f"$version={stamp}", "$version")


def require_as_many_statements(group):
    ours, plain = group.cases[:2]
    if ours.statements != plain.statements:
        raise RuntimeError(f"{group.title}: {ours.statements} and {plain.statements} statements")
