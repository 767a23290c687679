from __future__ import annotations

from django.urls import include, path

from . import drf, plain, raw

urlpatterns = [
    path("rest/", include("fourd_rest.urls")),
    path("plain/", plain.ok),
    path("plain/employees", plain.employees),
    path("plain/employees/save", plain.save_employee),
    path("plain/invoices", plain.invoices),
    path("plain/invoices/save", plain.save_invoice),
    path("plain/upload", plain.upload),
    path("raw/employees", raw.employees),
    path("raw/invoices", raw.invoices),
    path("drf/", include(drf.router.urls)),
]
