"""The least a list can cost in Django: rows as the database gives them, in one statement."""

from __future__ import annotations

import orjson
from django.http import HttpResponse

from .models import Employee, Invoice

EMPLOYEE = [field.attname for field in Employee._meta.concrete_fields]
INVOICE = [field.attname for field in Invoice._meta.concrete_fields]


def _answer(request, rows):
    skip, top = int(request.GET.get("$skip", 0)), int(request.GET.get("$top", 100))
    rows = list(rows[skip : skip + top])
    return HttpResponse(orjson.dumps(rows, default=str), content_type="application/json")


def employees(request):
    return _answer(request, Employee.objects.order_by("pk").values(*EMPLOYEE))


def invoices(request):
    return _answer(request, Invoice.objects.order_by("pk").values(*INVOICE))
