"""Ordinary Django models. Nothing in them knows the names that clients see: see ``fourd.py``."""

from __future__ import annotations

from django.db import models

from fourd_rest.models import Stamped


class Company(models.Model):
    name = models.CharField(max_length=120)
    creation_date = models.DateField(null=True, blank=True)
    revenues = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    extra = models.JSONField(null=True, blank=True, default=dict)
    manager = models.ForeignKey(
        "Employee",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="managed_companies",
    )

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class Employee(Stamped):
    """``Stamped`` adds the columns for stamp and time: the fast way, for those who can add columns.

    The other two models go without; ``fourd_rest`` keeps their stamps in a table of its own.
    """

    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60)
    salary = models.IntegerField(null=True, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    woman = models.BooleanField(default=False)
    photo = models.ImageField(upload_to="photos/", blank=True)
    cv = models.FileField("CV", upload_to="cvs/", blank=True)
    employer = models.ForeignKey(
        Company, on_delete=models.SET_NULL, null=True, blank=True, related_name="staff"
    )
    manager = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="team"
    )

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


class Invoice(models.Model):
    reference = models.CharField(max_length=30, unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    date = models.DateField()
    pdf = models.FileField("PDF", upload_to="invoices/", blank=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="invoices")

    def __str__(self) -> str:
        return self.reference
