"""What an error that the site's own code raised means to whoever posted the entity.

A value that a field, a setter or a ``clean`` cannot take is the client's affair, whatever they raise.
What a ``save`` or a receiver of signals raises is a bug of the site's, unless its own package has made
the error for refusing.
"""

from __future__ import annotations

import secrets
import sys
import traceback
from typing import Any

from django.core.exceptions import ValidationError
from django.db import Error as DriverError
from django.db import models
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from fourd_rest.errors import RestError, bugs, logger

# Errors of these are nobody's word on a value.
_NOT_THE_VALUE = (DriverError, RestError, OSError, MemoryError)
_GENERAL = sys.stdlib_module_names | {"django", "rest_framework", "fourd_rest"}


def report(request: HttpRequest, error: BaseException) -> str:
    """Log a bug, for ADMINS as well; returns the reference by which the answer names it."""
    reference = secrets.token_hex(4)
    bugs.error(
        "Internal Server Error %s: %s",
        reference,
        escape_uri_path(request.path),
        exc_info=error,
        extra={"status_code": 500, "request": request},
    )
    return reference


class Reporter:
    """Reports the bugs of one request: all have one reference, and ADMINS are mailed once."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._reference: str | None = None

    def report(self, error: BaseException) -> str:
        if self._reference is None:
            self._reference = report(self.request, error)
        else:
            logger.warning("Once more: %s", self._reference, exc_info=error)
        return self._reference


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
