"""The references: the same JSON, byte by byte, from views written by hand for these two models alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

import orjson
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import CharField, OuterRef, Subquery
from django.db.models.functions import Cast
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from fourd_rest.models import EntityStamp

from .models import Employee, Invoice

JSON = "application/json; charset=UTF-8"
CHUNK = 64 * 2**10


def answer(document):
    return HttpResponse(
        orjson.dumps(document),
        content_type=JSON,
        headers={"Cache-Control": "no-store", "4DREST-INFO": "1.0"},
    )


def may(request, permission):
    return permission in settings.GUEST_PERMISSIONS or request.user.has_perm(permission)


def denied():
    return HttpResponse(status=401)


def collection(name, entities, *, count, first):
    return answer(
        {
            "__DATACLASS": name,
            "__entityModel": name,
            "__GlobalStamp": 0,
            "__COUNT": count,
            "__FIRST": first,
            "__ENTITIES": entities,
            "__SENT": len(entities),
        }
    )


def slice_of(request):
    return int(request.GET.get("$skip", 0)), int(request.GET.get("$top", 100))


def date(value):
    return f"{value.day}!{value.month}!{value.year:04d}" if value else None


def moment(value):
    return value.isoformat(timespec="milliseconds")[:-6] + "Z"


def deferred(uri, key):
    return {"__deferred": {"uri": f"{uri}({key})", "__KEY": str(key)}} if key else None


def image(uri, name, stamp):
    uri = f"{uri}/{name}?$imageformat=best&$version={stamp}&$expand={name}"
    return {"__deferred": {"uri": uri, "image": True}}


def blob(uri, name, stamp):
    return {"__deferred": {"uri": f"{uri}/{name}?$binary=true&$version={stamp}&$expand={name}"}}


def ok(request):
    bool(request.user.is_active)  # who asks is known there as well
    return answer({"ok": True})


# Employee: the stamp is a column of its own.

EMPLOYEE_COLUMNS = (
    "pk",
    "stamp",
    "modified",
    "first_name",
    "last_name",
    "salary",
    "birth_date",
    "woman",
    "photo",
    "cv",
    "employer_id",
    "manager_id",
)


def employees(request):
    if not may(request, "hr.view_employee"):
        return denied()
    skip, top = slice_of(request)
    rows = Employee.objects.order_by("pk").values_list(*EMPLOYEE_COLUMNS)[skip : skip + top]
    entities = employee_entities(rows)
    return collection("Employee", entities, count=Employee.objects.count(), first=skip)


def employee_entities(rows):
    entities = []
    for key, stamp, modified, first, last, salary, birth, woman, photo, cv, employer, manager in rows:
        uri = f"/rest/Employee({key})"
        entities.append(
            {
                "__KEY": str(key),
                "__TIMESTAMP": moment(modified),
                "__STAMP": stamp,
                "ID": key,
                "firstName": first,
                "lastName": last,
                "salary": salary,
                "birthDate": date(birth),
                "woman": woman,
                "photo": image(uri, "photo", stamp) if photo else None,
                "cv": blob(uri, "cv", stamp) if cv else None,
                "employer": deferred("/rest/Company", employer),
                "manager": deferred("/rest/Employee", manager),
                "team": {"__deferred": {"uri": f"{uri}/team?$expand=team"}},
                "managedCompanies": {
                    "__deferred": {"uri": f"{uri}/managedCompanies?$expand=managedCompanies"}
                },
            }
        )
    return entities


EMPLOYEE_FIELDS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "salary": "salary",
    "birthDate": "birth_date",
    "woman": "woman",
}


@csrf_exempt
def save_employee(request):
    posted = orjson.loads(request.body)
    if "__KEY" not in posted:
        return create_employee(request, posted)
    if not may(request, "hr.change_employee"):
        return denied()
    employee = Employee.objects.get(pk=posted["__KEY"])
    changed = changes(employee, posted, EMPLOYEE_FIELDS)
    if not changed:
        return employee_answer(request, employee)
    clean(employee, changed)
    expected, now = int(posted["__STAMP"]), timezone.now()
    with transaction.atomic():
        row = Employee.objects.filter(pk=employee.pk, stamp=expected)
        if not row.update(stamp=expected + 1, modified=now):
            return HttpResponse(status=500)
        employee.stamp, employee.modified = expected + 1, now
        employee.save()
    return employee_answer(request, employee)


def create_employee(request, posted):
    if not may(request, "hr.add_employee"):
        return denied()
    employee = Employee()
    changes(employee, posted, EMPLOYEE_FIELDS)
    employee.full_clean()
    employee.save(force_insert=True)
    return employee_answer(request, employee)


def employee_answer(request, employee):
    key, stamp = employee.pk, employee.stamp
    uri = f"/rest/Employee({key})"
    values = {
        "__STATUS": {"success": True},
        "__KEY": str(key),
        "__STAMP": stamp,
        "uri": f"{request.scheme}://{request.get_host()}{uri}",
        "__TIMESTAMP": moment(employee.modified),
        "ID": key,
        "firstName": employee.first_name,
        "lastName": employee.last_name,
        "salary": employee.salary,
        "birthDate": date(employee.birth_date),
        "woman": employee.woman,
        "photo": image(uri, "photo", stamp) if employee.photo else None,
        "cv": blob(uri, "cv", stamp) if employee.cv else None,
        "employer": deferred("/rest/Company", employee.employer_id),
        "manager": deferred("/rest/Employee", employee.manager_id),
        "team": {"__deferred": {"uri": f"{uri}/team?$expand=team"}},
        "managedCompanies": {"__deferred": {"uri": f"{uri}/managedCompanies?$expand=managedCompanies"}},
    }
    return answer({name: value for name, value in values.items() if value is not None})


# Invoices: the stamp is in the side table.


# Put together once: to do it in the view would cost the reference a quarter more.
_stamp = EntityStamp.objects.filter(
    dataclass="hr.invoice", key=Cast(OuterRef("pk"), CharField(max_length=255))
)
STAMPED = Invoice.objects.annotate(
    stamp=Subquery(_stamp.values("stamp")[:1]), modified=Subquery(_stamp.values("modified")[:1])
)


INVOICE_COLUMNS = ("pk", "stamp", "modified", "reference", "amount", "date", "pdf", "company_id")


def invoices(request):
    if not may(request, "hr.view_invoice"):
        return denied()
    skip, top = slice_of(request)
    entities = invoice_entities(STAMPED.order_by("pk").values_list(*INVOICE_COLUMNS)[skip : skip + top])
    return collection("Invoices", entities, count=Invoice.objects.count(), first=skip)


def invoice_entities(rows):
    entities = []
    for key, stamp, modified, reference, amount, day, pdf, company in rows:
        entities.append(
            {
                "__KEY": str(key),
                "__TIMESTAMP": moment(modified),
                "__STAMP": stamp,
                "ID": key,
                "reference": reference,
                "amount": orjson.Fragment(str(amount)),
                "date": date(day),
                "pdf": blob(f"/rest/Invoices({key})", "pdf", stamp) if pdf else None,
                "company": deferred("/rest/Company", company),
            }
        )
    return entities


INVOICE_FIELDS = {"reference": "reference", "amount": "amount", "date": "date", "company": "company_id"}


@csrf_exempt
def save_invoice(request):
    posted = orjson.loads(request.body)
    if "__KEY" not in posted:
        return create_invoice(request, posted)
    if not may(request, "hr.change_invoice"):
        return denied()
    invoice = STAMPED.get(pk=posted["__KEY"])
    changed = changes(invoice, posted, INVOICE_FIELDS)
    if not changed:
        return invoice_answer(request, invoice)
    clean(invoice, changed)
    expected, now = int(posted["__STAMP"]), timezone.now()
    with transaction.atomic():
        row = EntityStamp.objects.filter(dataclass="hr.invoice", key=str(invoice.pk), stamp=expected)
        if not row.update(stamp=expected + 1, modified=now):
            return HttpResponse(status=500)
        invoice.stamp, invoice.modified = expected + 1, now
        invoice.save()
    return invoice_answer(request, invoice)


def create_invoice(request, posted):
    if not may(request, "hr.add_invoice"):
        return denied()
    invoice = Invoice()
    changes(invoice, posted, INVOICE_FIELDS)
    invoice.full_clean()
    invoice.stamp, invoice.modified = 1, timezone.now()
    with transaction.atomic():
        invoice.save(force_insert=True)
        EntityStamp.objects.create(
            dataclass="hr.invoice", key=str(invoice.pk), modified=invoice.modified
        )
    return invoice_answer(request, invoice)


def invoice_answer(request, invoice):
    key = invoice.pk
    uri = f"/rest/Invoices({key})"
    values = {
        "__STATUS": {"success": True},
        "__KEY": str(key),
        "__STAMP": invoice.stamp,
        "uri": f"{request.scheme}://{request.get_host()}{uri}",
        "__TIMESTAMP": moment(invoice.modified),
        "ID": key,
        "reference": invoice.reference,
        "amount": orjson.Fragment(f"{invoice.amount:.2f}"),
        "date": date(invoice.date),
        "pdf": blob(uri, "pdf", invoice.stamp) if invoice.pdf else None,
        "company": deferred("/rest/Company", invoice.company_id),
    }
    return answer({name: value for name, value in values.items() if value is not None})


# What both do to save.


def changes(instance, posted, fields):
    """Set what ``posted`` changes; the names of the fields that it was."""
    changed = set()
    for name, value in posted.items():
        field = fields.get(name)
        if field is None:
            continue
        if "date" in field and value is not None:
            day, month, year = value.split("!")
            value = dt.date(int(year), int(month), int(day))
        if getattr(instance, field) != value:
            setattr(instance, field, value)
            changed.add(field)
    return changed


def clean(instance, changed):
    instance.clean_fields(exclude={f.name for f in instance._meta.fields if f.attname not in changed})


# Uploads.


class Body(File):
    """Copies the body chunk by chunk and hashes it."""

    def __init__(self, request):
        super().__init__(request, "upload")
        self.request = request
        self.sha256 = hashlib.sha256()

    def chunks(self, chunk_size=None):
        while data := self.request.read(CHUNK):
            self.sha256.update(data)
            yield data


@csrf_exempt
def upload(request):
    if not may(request, "hr.change_invoice"):
        return denied()
    body = Body(request)
    name = storages["plain_uploads"].save(uuid.uuid4().hex, body)
    return answer({"ID": name, "sha256": body.sha256.hexdigest()})
