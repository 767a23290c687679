"""Data sets for the oracle and the database: plain rows, the same in the tables.

A data set is made from a number alone, so that a failure names it. Few different values, each in several
spellings, make filters hit and miss.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, JSONField, Value
from django.db.models.functions import Coalesce

from testproject.hr.models import Company, Employee, Invoice
from tests.zoo.models import Animal, Everything, Keeper, Passport, Place

from .language import Kind, Row, Schema

# Letters that every database of the tests folds as D-17 says.
TEXTS = (
    "Dune",
    "dune",
    "DUNES",
    "Été",
    "ete",
    "éTÉ",
    "a@b",
    "A@B",
    "a_b",
    "axb",
    "a*b",
    "a?b",
    "[x]",
    "10%",
    "100",
    "12",
    "",
    "O'Reilly",
    "o'reilly's",
    "Lima West",
    "lima",
    "Alpha,Bravo",
    "alpha bravo",
    "Ñandú",
    "nandu",
    "Ωμέγα",
    "ωμεγα",
    "Москва",
    "москва",
    'say "hi"',
    "back\\slash",
    "x and y",
    "(x) or | y",
    "null",
    "true",
    ":1",
)
# MariaDB sorts punctuation in an order of its own (tests/query/test_folding.py): none that its order
# could show.
_PUNCTUATED = {"a@b", "A@B", "a*b", "a?b", "[x]", ":1"}
if connection.vendor == "mysql":
    TEXTS = (*(text for text in TEXTS if text not in _PUNCTUATED), "b@d", "B@D")

INTEGERS = (-7, -1, 0, 1, 2, 3, 12, 20, 100)
FLOATS = (-2.25, 0.0, 0.1, 0.5, 1.5, 3.0, 20.0, 1e10)
DECIMALS = tuple(map(Decimal, ("-2.25", "0", "0.1", "0.5", "1.5", "3", "20", "1000000.25")))
DATES = tuple(dt.date(*day) for day in ((1941, 9, 24), (2000, 2, 29), (2024, 1, 2), (2024, 1, 12)))
MOMENTS = (
    dt.datetime(2000, 2, 29, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC),
    # Clients see milliseconds: to them this is the one before.
    dt.datetime(2024, 1, 2, 3, 4, 5, 678900, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 12, 23, 59, 59, tzinfo=dt.UTC),
)
TIMES = (
    dt.time(),
    dt.time(0, 0, 1, 500_000),
    dt.time(1, 2, 3),
    dt.time(12),
    dt.time(23, 59, 59, 999_900),
)
DURATIONS = tuple(dt.timedelta(milliseconds=ms) for ms in (0, 1, 1500, 3_723_000, 86_400_000))
UUIDS = tuple(uuid.UUID(int=number) for number in (1, 2**64 + 7, 0xABCDEF << 100, 2**128 - 1))
NULLS = 0.15

HIDDEN = "Hidden"
JSON_NULL = Value(None, JSONField())

_STRING, _LONG, _NUMBER = Kind("string"), Kind("long"), Kind("number")


def full_name(self: Any) -> str:
    return f"{self.first_name} {self.last_name}"


def double_salary(self: Any) -> int | None:
    return None if self.salary is None else self.salary * 2


def _to(target: str) -> Kind:
    return Kind("relation", target)


def _many(target: str) -> Kind:
    return Kind("relation", target, many=True)


SCHEMA = Schema(
    {
        "Everything": {
            "id": _LONG,
            "small": Kind("word"),
            "integer": _LONG,
            "big": Kind("long64"),
            "boolean": Kind("bool"),
            "floating": _NUMBER,
            "decimal": _NUMBER,
            "nullable_char": _STRING,
            "text": _STRING,
            "uuid": Kind("uuid"),
            "date": Kind("date"),
            "moment": Kind("moment"),
            "duration": Kind("duration"),
            "time": Kind("time"),
            "json": Kind("object"),
            "label": _STRING,
            "whole": _LONG,
            "nick": _STRING,
        },
        "Company": {
            "ID": _LONG,
            "name": _STRING,
            "creationDate": Kind("date"),
            "revenues": _NUMBER,
            "extra": Kind("object"),
            "manager": _to("Employee"),
            "staff": _many("Employee"),
            "invoices": _many("Invoices"),
        },
        "Employee": {
            "ID": _LONG,
            "firstName": _STRING,
            "lastName": _STRING,
            "salary": _LONG,
            "birthDate": Kind("date"),
            "woman": Kind("bool"),
            "employer": _to("Company"),
            "manager": _to("Employee"),
            "team": _many("Employee"),
            "employerName": _STRING,
            "employerRevenues": _NUMBER,
            "fullName": _STRING,
            "doubleSalary": _LONG,
        },
        "Invoices": {
            "ID": _LONG,
            "reference": _STRING,
            "amount": _NUMBER,
            "date": Kind("date"),
            "company": _to("Company"),
        },
        "Animal": {
            "id": _LONG,
            "name": _STRING,
            "low": _LONG,
            "keepers": _many("Keeper"),
            "home": _to("Place"),
            "doctor": _to("Keeper"),
            "passport": _to("Passport"),
        },
        "Keeper": {
            "id": _LONG,
            "name": _STRING,
            "badge": _STRING,
            "animals": _many("Animal"),
            "patients": _many("Animal"),
        },
        "Place": {"id": _LONG, "name": _STRING, "capacity": _LONG, "animals": _many("Animal")},
        "Passport": {"id": _LONG, "number": _STRING, "animal": _to("Animal")},
    },
    {
        "Everything": "id",
        "Company": "ID",
        "Employee": "ID",
        "Invoices": "ID",
        "Animal": "id",
        "Keeper": "id",
        "Place": "id",
        "Passport": "id",
    },
)

# Attributes that Python computes.
COMPUTED = ("fullName", "doubleSalary")
# No columns of the dataclass: annotations and aliases as well.
DERIVED = (*COMPUTED, "label", "whole", "nick", "employerName", "employerRevenues")

# The dataclasses that are filtered: at least 50 rows each.
ROOTS = ("Everything", "Employee", "Company", "Animal", "Keeper")


def _hr(model: Any, *fields: str, **options: Any) -> tuple[Any, dict[str, Any]]:
    names = {"fields": ["id", *fields], "naming": "camelCase", "names": {"id": "ID"}}
    return model, {**names, **options}


# How the models are registered while a data set is asked: model, options, field that tells hidden rows.
REGISTERED = (
    (
        Everything,
        {
            "fields": [
                name for name in SCHEMA.kinds["Everything"] if name not in ("label", "whole", "nick")
            ],
            "annotations": {
                "label": Coalesce("nullable_char", Value("none")),
                "whole": Coalesce(F("integer"), Value(0)),
            },
            "aliases": {"nick": "nullable_char"},
        },
        "",
    ),
    (
        *_hr(Company, "name", "creation_date", "revenues", "extra", "manager", "staff", "invoices"),
        "name",
    ),
    (
        *_hr(
            Employee,
            *("first_name", "last_name", "salary", "birth_date", "woman", "employer", "manager", "team"),
            aliases={"employerName": "employer.name", "employerRevenues": "employer.revenues"},
            computed=["full_name", "double_salary"],
        ),
        "last_name",
    ),
    (*_hr(Invoice, "reference", "amount", "date", "company", name="Invoices"), ""),
    (Animal, {"fields": ["id", "name", "low", "keepers", "home", "doctor", "passport"]}, ""),
    (Keeper, {"fields": ["id", "name", "badge", "animals", "patients"]}, "name"),
    (Place, {"fields": ["id", "name", "capacity", "animals"]}, ""),
    (Passport, {"fields": ["id", "number", "animal"]}, ""),
)


class Dataset:
    """Rows of every dataclass of ``SCHEMA``, as a client of this number's data set may see them."""

    def __init__(self, number: int, texts: tuple[str, ...] = TEXTS) -> None:
        self.number = number
        self.texts = texts
        self._random = random.Random(number)
        self._stored: dict[str, list[Row]] = {}
        self.rows: dict[str, list[Row]] = {}
        self._make_rows()
        self._link_rows()

    def __repr__(self) -> str:
        return f"Dataset({self.number})"

    def hidden_keys(self, name: str) -> list[Any]:
        """The keys of what a client may not see."""
        key = SCHEMA.keys[name]
        seen = {row[key] for row in self.rows[name]}
        return [row[key] for row in self._stored[name] if row[key] not in seen]

    # Making

    def _some(self, pool: Any, nulls: float = NULLS) -> Any:
        return None if self._random.random() < nulls else self._random.choice(pool)

    def _one(self, pool: Any) -> Any:
        return self._random.choice(pool)

    def _json(self) -> Any:
        draw = self._random.random()
        if draw < 0.12:
            return None
        if draw < 0.17:
            return self._one((5, "Dune", [], True))
        found: dict[str, Any] = {}
        if draw < 0.9:
            found["score"] = self._one((1, 2, 2.5, 12, "12", "Dune", "dune", True, False, None, [], {}))
        if self._random.random() < 0.8:
            found["level"] = self._one((0, 1, 2, 3, -1.5))
        if self._random.random() < 0.8:
            found["deep"] = self._one(({"name": self._one(self.texts)}, {"name": None}, {}, 5, None))
        if self._random.random() < 0.8:
            found["tags"] = self._tags()
        if self._random.random() < 0.5:
            found["nums"] = [self._one((0, 1, 2, "1")) for _ in range(self._random.randrange(3))]
        return found

    def _tags(self) -> Any:
        if self._random.random() < 0.1:
            return self._one((None, 5, {"name": "dune"}))
        tags = []
        for _ in range(self._random.randrange(4)):
            tag: dict[str, Any] = {
                # As of TEXTS, none whose order differs on MariaDB.
                "name": self._one(("Dune", "Dune ete", "ÉTÉ, dune's", "ete", "b@d", None)),
                "level": self._one((0, 1, 2)),
            }
            if self._random.random() < 0.2:
                del tag[self._one(("name", "level"))]
            if self._random.random() < 0.6:
                tag["subs"] = [
                    {"x": self._one((0, 1, None)), "y": self._one((0, 1))}
                    for _ in range(self._random.randrange(3))
                ]
            tags.append(tag)
        return tags

    def _make_rows(self) -> None:
        one, some = self._one, self._some
        self._stored = {
            "Everything": [
                {
                    "id": 1 + at,
                    "small": some(INTEGERS),
                    "integer": some((*INTEGERS, 2**31 - 1, -(2**31))),
                    "big": some((*INTEGERS, 2**62 + 1, 2**63 - 1, -(2**63))),
                    "boolean": some((True, False)),
                    "floating": some(FLOATS),
                    "decimal": some(DECIMALS),
                    "nullable_char": some(self.texts),
                    "text": one(self.texts),
                    "uuid": some(UUIDS),
                    "date": some(DATES),
                    "moment": some(MOMENTS),
                    "duration": some(DURATIONS),
                    "time": some(TIMES),
                    "json": self._json(),
                }
                for at in range(60)
            ],
            "Company": [
                {
                    "ID": 100 + at,
                    "name": one((*self.texts, HIDDEN, HIDDEN)),
                    "creationDate": some(DATES),
                    "revenues": some(DECIMALS),
                    "extra": self._json(),
                    "manager": some(range(200, 270)),
                }
                for at in range(55)
            ],
            "Employee": [
                {
                    "ID": 200 + at,
                    "firstName": one(self.texts),
                    "lastName": one((*self.texts, HIDDEN)),
                    "salary": some(INTEGERS),
                    "birthDate": some(DATES),
                    "woman": one((True, False)),
                    # Few employers and managers, so that some have many people.
                    "employer": some((*range(100, 112), *range(100, 112), *range(100, 155))),
                    "manager": some(range(200, 200 + min(at, 25))) if at else None,
                }
                for at in range(70)
            ],
            "Invoices": [
                {
                    "ID": 1 + at,
                    "reference": f"R{at}",
                    "amount": one(DECIMALS),
                    "date": one(DATES),
                    "company": one((*range(100, 110), *range(100, 155))),
                }
                for at in range(60)
            ],
            "Keeper": [
                {
                    "id": 1 + at,
                    "name": HIDDEN if at == 7 else f"{one(self.texts)} {at}",
                    "badge": some((f"b{at}", f"B{at} {one(self.texts)}")),
                }
                for at in range(52)
            ],
            "Place": [{"id": 1 + at, "name": one(self.texts), "capacity": at % 4} for at in range(8)],
            "Animal": [
                {
                    "id": 1 + at,
                    "name": f"{one(self.texts)} {at % 5}",
                    "low": one(INTEGERS),
                    "keepers": self._random.sample(range(1, 53), self._random.randrange(6)),
                    "home": some(range(1, 9)),
                    "doctor": some((*range(1, 10), *range(1, 53))),
                }
                for at in range(60)
            ],
            "Passport": [
                {"id": 1 + at, "number": one(self.texts), "animal": 1 + 2 * at} for at in range(25)
            ],
        }

    def _link_rows(self) -> None:
        """``rows`` from ``_stored``: keys become rows, hidden rows and what refers to them vanish."""
        hiding = {"Company": "name", "Employee": "lastName", "Keeper": "name"}
        for name, stored in self._stored.items():
            field = hiding.get(name, "")
            self.rows[name] = [dict(row) for row in stored if row.get(field) != HIDDEN]
        by_key = {
            name: {row[SCHEMA.keys[name]]: row for row in rows} for name, rows in self.rows.items()
        }
        badges = {row["id"]: row["badge"] for row in self._stored["Keeper"]}
        for name, attribute, inverse in (
            ("Company", "manager", ""),
            ("Employee", "employer", "staff"),
            ("Employee", "manager", "team"),
            ("Invoices", "company", "invoices"),
            ("Animal", "home", "animals"),
            ("Animal", "doctor", "patients"),
            ("Passport", "animal", "passport"),
        ):
            kinds = SCHEMA.kinds[name]
            target = kinds[attribute].target
            for row in self.rows[target].copy() if inverse else ():
                row[inverse] = [] if SCHEMA.kinds[target][inverse].many else None
            for row in self.rows[name]:
                key = row[attribute]
                if attribute == "doctor" and badges.get(key) is None:
                    key = None  # the badge is what the table refers to
                other = row[attribute] = by_key[target].get(key)
                if other is None or not inverse:
                    continue
                if SCHEMA.kinds[target][inverse].many:
                    other[inverse].append(row)
                else:
                    other[inverse] = row
        for row in self.rows["Keeper"]:
            row["animals"] = [other for other in self.rows["Animal"] if row["id"] in other["keepers"]]
        for row in self.rows["Animal"]:
            row["keepers"] = [by_key["Keeper"][key] for key in row["keepers"] if key in by_key["Keeper"]]
        for row in self.rows["Employee"]:
            employer = row["employer"]
            row["employerName"] = None if employer is None else employer["name"]
            row["employerRevenues"] = None if employer is None else employer["revenues"]
            row["fullName"] = f"{row['firstName']} {row['lastName']}"
            row["doubleSalary"] = None if row["salary"] is None else row["salary"] * 2
        for row in self.rows["Everything"]:
            row["label"] = "none" if row["nullable_char"] is None else row["nullable_char"]
            row["whole"] = row["integer"] or 0
            row["nick"] = row["nullable_char"]

    # Storing

    def store(self) -> None:
        """Write the rows into the tables of the run's database, which hold none of them."""
        stored = self._stored
        for row in stored["Everything"]:
            row = row | {"json": JSON_NULL} if row["json"] is None and row["id"] % 2 else row
            stored["Everything"][row["id"] - 1] = row
        Everything.objects.bulk_create(Everything(**row) for row in stored["Everything"])
        companies = [
            Company(
                id=row["ID"],
                name=row["name"],
                creation_date=row["creationDate"],
                revenues=row["revenues"],
                extra=row["extra"],
            )
            for row in stored["Company"]
        ]
        Company.objects.bulk_create(companies)
        Employee.objects.bulk_create(
            Employee(
                id=row["ID"],
                first_name=row["firstName"],
                last_name=row["lastName"],
                salary=row["salary"],
                birth_date=row["birthDate"],
                woman=row["woman"],
                employer_id=row["employer"],
                manager_id=row["manager"],
            )
            for row in stored["Employee"]
        )
        for company, row in zip(companies, stored["Company"], strict=True):
            company.manager_id = row["manager"]
        Company.objects.bulk_update(companies, ["manager"])
        Invoice.objects.bulk_create(
            Invoice(
                id=row["ID"],
                reference=row["reference"],
                amount=row["amount"],
                date=row["date"],
                company_id=row["company"],
            )
            for row in stored["Invoices"]
        )
        Place.objects.bulk_create(Place(**row) for row in stored["Place"])
        Keeper.objects.bulk_create(Keeper(**row) for row in stored["Keeper"])
        badges = {row["id"]: row["badge"] for row in stored["Keeper"]}
        Animal.objects.bulk_create(
            Animal(
                id=row["id"],
                name=row["name"],
                nick=str(row["id"]),
                low=row["low"],
                high=1000,
                home_id=row["home"],
                doctor_id=badges.get(row["doctor"]),
            )
            for row in stored["Animal"]
        )
        Passport.objects.bulk_create(
            Passport(id=row["id"], number=row["number"], animal_id=row["animal"])
            for row in stored["Passport"]
        )
        link = Animal.keepers.through
        link.objects.bulk_create(
            link(animal_id=row["id"], keeper_id=key)
            for row in stored["Animal"]
            for key in row["keepers"]
        )
