from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .models import Company, Employee, Invoice

if TYPE_CHECKING:  # generic for the type checker alone
    CompanyBase = admin.ModelAdmin[Company]
    EmployeeBase = admin.ModelAdmin[Employee]
    InvoiceBase = admin.ModelAdmin[Invoice]
else:
    CompanyBase = EmployeeBase = InvoiceBase = admin.ModelAdmin

# Files have no public address here, so the form offers no link to one; the read-only field beside
# it shows the file through the REST surface, with the administrator's own rights.
WITHOUT_LINK: Mapping[type[models.Field[Any, Any]], Mapping[str, Any]] = {
    models.FileField: {"widget": forms.FileInput},
    models.ImageField: {"widget": forms.FileInput},
}


@admin.register(Company)
class CompanyAdmin(CompanyBase):
    list_display = ["name", "creation_date", "revenues", "manager"]
    list_select_related = ["manager"]
    search_fields = ["name"]
    autocomplete_fields = ["manager"]


@admin.register(Employee)
class EmployeeAdmin(EmployeeBase):
    list_display = ["id", "first_name", "last_name", "employer", "salary", "stamp"]
    list_display_links = ["id", "first_name", "last_name"]
    list_select_related = ["employer"]
    search_fields = ["first_name", "last_name"]
    autocomplete_fields = ["employer", "manager"]
    readonly_fields = ["portrait", "stamp"]
    formfield_overrides = WITHOUT_LINK

    def portrait(self, employee: Employee) -> SafeString | str:
        if not employee.photo:
            return "-"
        return format_html(
            '<img alt="" style="max-height: 240px" src="/rest/Employee({})/photo'
            '?$imageformat=best&amp;$version={}&amp;$expand=photo">',
            employee.pk,
            employee.stamp,
        )


@admin.register(Invoice)
class InvoiceAdmin(InvoiceBase):
    list_display = ["reference", "company", "date", "amount"]
    list_select_related = ["company"]
    date_hierarchy = "date"
    search_fields = ["reference", "company__name"]
    autocomplete_fields = ["company"]
    readonly_fields = ["document"]
    formfield_overrides = WITHOUT_LINK

    def document(self, invoice: Invoice) -> SafeString | str:
        if not invoice.pdf:
            return "-"
        return format_html(
            '<a href="/rest/Invoices({})/pdf?$binary=true&amp;$expand=pdf">{}</a>',
            invoice.pk,
            invoice.pdf.name,
        )
