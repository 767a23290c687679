"""The references for pages that are filtered and sorted, or show related entities (``plain.py``)."""

from __future__ import annotations

from decimal import Decimal

import orjson
from django.db.models import CharField, OuterRef, Subquery, Value
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThanOrEqual

from fourd_rest.models import EntityStamp
from fourd_rest.sql.text_folding import Folded, fold, like

from .models import Company, Employee, Invoice
from .plain import (
    EMPLOYEE_COLUMNS,
    INVOICE_COLUMNS,
    STAMPED,
    collection,
    date,
    deferred,
    denied,
    employee_entities,
    invoice_entities,
    may,
    moment,
    slice_of,
)


def filtered_employees(request):
    """Above a salary, from a last name on; by last name, backwards, and first name."""
    if not may(request, "hr.view_employee"):
        return denied()
    skip, top = slice_of(request)
    name, given = Folded("last_name"), request.GET
    found = Employee.objects.filter(
        GreaterThanOrEqual(name, Value(fold(given["name"]))), salary__gt=int(given["salary"])
    )
    rows = found.order_by(name.desc(), Folded("first_name"), "pk").values_list(*EMPLOYEE_COLUMNS)
    entities = employee_entities(rows[skip : skip + top])
    return collection("Employee", entities, count=found.count(), first=skip)


def filtered_invoices(request):
    """Above an amount, with references that begin so; by date, backwards, and reference."""
    if not may(request, "hr.view_invoice"):
        return denied()
    skip, top = slice_of(request)
    reference, given = Folded("reference"), request.GET
    chosen = (like(reference, [fold(given["begin"]), ""]),)
    amount = Decimal(given["amount"])
    found = Invoice.objects.filter(*chosen, amount__gt=amount)
    rows = STAMPED.filter(*chosen, amount__gt=amount)
    rows = rows.order_by("-date", reference, "pk").values_list(*INVOICE_COLUMNS)
    entities = invoice_entities(rows[skip : skip + top])
    return collection("Invoices", entities, count=found.count(), first=skip)


# Put together once, as in ``plain``.
_stamp = EntityStamp.objects.filter(
    dataclass="hr.company", key=Cast(OuterRef("pk"), CharField(max_length=255))
)
COMPANIES = Company.objects.annotate(
    stamp=Subquery(_stamp.values("stamp")[:1]), modified=Subquery(_stamp.values("modified")[:1])
).values_list("pk", "stamp", "modified", "name", "creation_date", "revenues", "extra", "manager_id")


def companies(keys):
    found = {}
    for key, stamp, modified, name, created, revenues, extra, manager in COMPANIES.filter(pk__in=keys):
        uri = f"/rest/Company({key})"
        found[key] = {
            "__KEY": str(key),
            "__TIMESTAMP": moment(modified),
            "__STAMP": stamp,
            "ID": key,
            "name": name,
            "creationDate": date(created),
            "revenues": None if revenues is None else orjson.Fragment(str(revenues)),
            "extra": extra,
            "manager": deferred("/rest/Employee", manager),
            "staff": {"__deferred": {"uri": f"{uri}/staff?$expand=staff"}},
            "invoices": {"__deferred": {"uri": f"{uri}/invoices?$expand=invoices"}},
        }
    return found


def expand(entities, rows, name, column):
    """Put companies in place of their keys, which are in ``column`` of ``rows``."""
    found = companies({row[column] for row in rows} - {None})
    for entity, row in zip(entities, rows, strict=True):
        entity[name] = found.get(row[column])


def expanded_employees(request):
    if not may(request, "hr.view_employee") or not may(request, "hr.view_company"):
        return denied()
    skip, top = slice_of(request)
    rows = list(Employee.objects.order_by("pk").values_list(*EMPLOYEE_COLUMNS)[skip : skip + top])
    entities = employee_entities(rows)
    expand(entities, rows, "employer", EMPLOYEE_COLUMNS.index("employer_id"))
    return collection("Employee", entities, count=Employee.objects.count(), first=skip)


def expanded_invoices(request):
    if not may(request, "hr.view_invoice") or not may(request, "hr.view_company"):
        return denied()
    skip, top = slice_of(request)
    rows = list(STAMPED.order_by("pk").values_list(*INVOICE_COLUMNS)[skip : skip + top])
    entities = invoice_entities(rows)
    expand(entities, rows, "company", INVOICE_COLUMNS.index("company_id"))
    return collection("Invoices", entities, count=Invoice.objects.count(), first=skip)
