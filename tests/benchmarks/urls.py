from __future__ import annotations

from django.urls import include, path

from . import drf, plain, plain_many, plain_pages, raw

urlpatterns = [
    path("rest/", include("fourd_rest.urls")),
    path("plain/", plain.ok),
    path("plain/employees", plain.employees),
    path("plain/employees/save", plain.save_employee),
    path("plain/employees/filtered", plain_pages.filtered_employees),
    path("plain/employees/expanded", plain_pages.expanded_employees),
    path("plain/employees/many", plain_many.save_employees),
    path("plain/invoices", plain.invoices),
    path("plain/invoices/save", plain.save_invoice),
    path("plain/invoices/filtered", plain_pages.filtered_invoices),
    path("plain/invoices/expanded", plain_pages.expanded_invoices),
    path("plain/invoices/many", plain_many.save_invoices),
    path("plain/upload", plain.upload),
    path("raw/employees", raw.employees),
    path("raw/invoices", raw.invoices),
    path("drf/", include(drf.router.urls)),
]
