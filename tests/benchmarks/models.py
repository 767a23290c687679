"""The tables of ``hr`` once more, as models that ``fourd_rest`` knows nothing of.

What the references save goes past the receivers that move stamps, as it would on a site without the
package.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Company(models.Model):
    name = models.CharField(max_length=120)
    creation_date = models.DateField(null=True, blank=True)
    revenues = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    extra = models.JSONField(null=True, blank=True, default=dict)
    manager = models.ForeignKey("Employee", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        managed = False
        db_table = "hr_company"

    def __str__(self):
        return self.name


class Employee(models.Model):
    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60)
    salary = models.IntegerField(null=True, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    woman = models.BooleanField(default=False)
    photo = models.ImageField(upload_to="photos/", blank=True)
    cv = models.FileField(upload_to="cvs/", blank=True)
    employer = models.ForeignKey(Company, models.SET_NULL, null=True, blank=True, related_name="staff")
    manager = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="team")
    stamp = models.PositiveIntegerField(default=1, editable=False)
    modified = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        managed = False
        db_table = "hr_employee"

    def __str__(self):
        return f"{self.first_name} {self.last_name}"


class Invoice(models.Model):
    reference = models.CharField(max_length=30, unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    date = models.DateField()
    pdf = models.FileField(upload_to="invoices/", blank=True)
    company = models.ForeignKey(Company, models.CASCADE, related_name="invoices")

    class Meta:
        managed = False
        db_table = "hr_invoice"

    def __str__(self):
        return self.reference
