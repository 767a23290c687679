"""The same entities by Django REST framework, as its tutorial would have it.

To-many relations are left out: a serializer would have to read their keys.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, OuterRef, Subquery
from django.db.models.functions import Cast
from rest_framework.decorators import action
from rest_framework.fields import DateTimeField, IntegerField
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import AllowAny, DjangoModelPermissions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet

from fourd_rest.models import EntityStamp

from .models import Company, Employee, Invoice


class EmployeeSerializer(ModelSerializer):
    class Meta:
        model = Employee
        fields = [
            "id",
            "first_name",
            "last_name",
            "salary",
            "birth_date",
            "woman",
            "photo",
            "cv",
            "employer",
            "manager",
            "stamp",
            "modified",
        ]


class InvoiceSerializer(ModelSerializer):
    stamp = IntegerField(read_only=True)
    modified = DateTimeField(read_only=True)

    class Meta:
        model = Invoice
        fields = ["id", "reference", "amount", "date", "pdf", "company", "stamp", "modified"]


class CompanySerializer(ModelSerializer):
    """Without the stamp of the side table: ``select_related`` does not bring it along."""

    class Meta:
        model = Company
        fields = ["id", "name", "creation_date", "revenues", "extra", "manager"]


class EmployeeWithEmployerSerializer(EmployeeSerializer):
    employer = CompanySerializer()


class InvoiceWithCompanySerializer(InvoiceSerializer):
    company = CompanySerializer()


class ReadAndWritePermissions(DjangoModelPermissions):
    perms_map = {**DjangoModelPermissions.perms_map, "GET": ["%(app_label)s.view_%(model_name)s"]}


class Pages(LimitOffsetPagination):
    default_limit = 100


class ViewSet(ModelViewSet):
    pagination_class = Pages
    renderer_classes = [JSONRenderer]
    permission_classes = [AllowAny if settings.GUESTS else ReadAndWritePermissions]

    @action(detail=False, methods=["patch"])
    def many(self, request):
        """All in one transaction, read in one statement."""
        with transaction.atomic():
            stored = self.get_queryset().in_bulk([values["id"] for values in request.data])
            saved = [self._saved(stored[values["id"]], values) for values in request.data]
        return Response(saved)

    def _saved(self, instance, values):
        serializer = self.get_serializer(instance, data=values, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return serializer.data


class EmployeeViewSet(ViewSet):
    queryset = Employee.objects.order_by("pk")
    serializer_class = EmployeeSerializer


_stamp = EntityStamp.objects.filter(
    dataclass="hr.invoice", key=Cast(OuterRef("pk"), CharField(max_length=255))
)


class InvoiceViewSet(ViewSet):
    queryset = Invoice.objects.annotate(
        stamp=Subquery(_stamp.values("stamp")[:1]), modified=Subquery(_stamp.values("modified")[:1])
    ).order_by("pk")
    serializer_class = InvoiceSerializer


class ExpandedEmployeeViewSet(EmployeeViewSet):
    queryset = EmployeeViewSet.queryset.select_related("employer")
    serializer_class = EmployeeWithEmployerSerializer


class ExpandedInvoiceViewSet(InvoiceViewSet):
    queryset = InvoiceViewSet.queryset.select_related("company")
    serializer_class = InvoiceWithCompanySerializer


router = SimpleRouter()
router.register("employees", EmployeeViewSet)
router.register("invoices", InvoiceViewSet)
router.register("expanded/employees", ExpandedEmployeeViewSet, "expanded-employee")
router.register("expanded/invoices", ExpandedInvoiceViewSet, "expanded-invoice")
