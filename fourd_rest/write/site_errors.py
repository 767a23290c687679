"""What an error that the site's own code raised means to whoever posted the entity.

A value that a field, a setter or a ``clean`` cannot take is the client's affair, whatever they raise.
What a ``save`` or a receiver of signals raises is a bug of the site's, unless its own package has made
the error for refusing.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from django.core.exceptions import ValidationError
from django.db import Error as DriverError
from django.db import models

from fourd_rest.errors import RestError

# Errors of these are nobody's word on a value.
_NOT_THE_VALUE = (DriverError, RestError, OSError, MemoryError)
_GENERAL = sys.stdlib_module_names | {"django", "rest_framework", "fourd_rest"}


def may_be_the_value(error: Exception) -> bool:
    """Whether ``error``, raised by code that was given a value, may be due to the value."""
    return not isinstance(error, _NOT_THE_VALUE)


def refuses(error: Exception) -> bool:
    """Whether ``error`` is made for refusing: Django's, or a package's own (a tree's ``InvalidMove``).

    What Python raises out of a ``save`` is a bug there.
    """
    if isinstance(error, ValidationError):
        return True
    return may_be_the_value(error) and type(error).__module__.partition(".")[0] not in _GENERAL


def field_at_fault(error: BaseException, model: type[models.Model]) -> models.Field[Any, Any] | None:
    """The field of ``model`` in whose own code ``error`` was raised, None if in no field's."""
    fields = {id(field): field for field in model._meta.concrete_fields}
    for frame, _ in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_argcount:
            found = fields.get(id(frame.f_locals.get(code.co_varnames[0])))
            if found is not None:
                return found
    return None
