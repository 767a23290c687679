"""What clients see of the models. Found at start-up, like ``admin.py``.

The clients of this site were written for a 4D server, so its names stay: ``creationDate`` for
``creation_date``, and ``ID`` for the key.
"""

from __future__ import annotations

from fourd_rest import DataClass, register

from .models import Company, Employee, Invoice

# One line is enough: every concrete field and every relation from or to a registered model.
register(Company, naming="camelCase", names={"id": "ID"})

# The model is called Invoice, the dataclass Invoices.
register(Invoice, name="Invoices", naming="camelCase", names={"id": "ID"})


# A class where there is more to say. Here: which fields, in which order.
@register(Employee)
class EmployeeDataClass(DataClass):
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
        "team",
        "managed_companies",
    ]
    naming = "camelCase"
    names = {"id": "ID"}
