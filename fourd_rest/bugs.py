"""How a bug is reported: in full to the log and to ADMINS, as a reference to the client.

A bug is any exception that is no ``RestError``, of the site's code or of ours.
"""

from __future__ import annotations

import secrets

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from .errors import bugs, logger


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
        """Log ``error``, in full the first time only; returns the reference of the request."""
        if self._reference is None:
            self._reference = report(self.request, error)
        else:
            logger.warning("Once more: %s", self._reference, exc_info=error)
        return self._reference
