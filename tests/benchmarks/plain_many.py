"""The references for many updates in one request: what ``plain.py`` does for one, in a loop."""

from __future__ import annotations

import orjson
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from fourd_rest.models import EntityStamp

from .models import Employee
from .plain import (
    EMPLOYEE_FIELDS,
    INVOICE_FIELDS,
    STAMPED,
    changes,
    clean,
    denied,
    employee_answer,
    invoice_answer,
    may,
)


class Stale(Exception):
    pass


@csrf_exempt
def save_employees(request):
    if not may(request, "hr.change_employee"):
        return denied()

    def swap(employee, expected, now):
        row = Employee.objects.filter(pk=employee.pk, stamp=expected)
        return row.update(stamp=expected + 1, modified=now)

    return _save(request, Employee.objects, EMPLOYEE_FIELDS, swap, employee_answer)


@csrf_exempt
def save_invoices(request):
    if not may(request, "hr.change_invoice"):
        return denied()

    def swap(invoice, expected, now):
        row = EntityStamp.objects.filter(dataclass="hr.invoice", key=str(invoice.pk), stamp=expected)
        return row.update(stamp=expected + 1, modified=now)

    return _save(request, STAMPED, INVOICE_FIELDS, swap, invoice_answer)


def _save(request, rows, fields, swap, answer):
    posted = orjson.loads(request.body)
    try:
        with transaction.atomic():
            stored = rows.in_bulk([int(values["__KEY"]) for values in posted])
            for values in posted:
                _save_one(stored[int(values["__KEY"])], values, fields, swap)
    except Stale:
        return HttpResponse(status=500)
    saved = b",".join(answer(request, stored[int(values["__KEY"])]).content for values in posted)
    return HttpResponse(b'{"__ENTITIES":[' + saved + b"]}", content_type="application/json")


def _save_one(instance, values, fields, swap):
    clean(instance, changes(instance, values, fields))
    expected, now = int(values["__STAMP"]), timezone.now()
    if not swap(instance, expected, now):
        raise Stale
    instance.stamp, instance.modified = expected + 1, now
    instance.save()
