"""Who asks and under which address, as the layers below the views know it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Caller:
    """One request seen from below.

    ``request`` is handed to the hooks of dataclasses and looked into by nobody else. ``prefix`` is where
    the app is mounted, without a slash at the end (``/rest``); ``origin`` is scheme and host (D-02).
    """

    request: HttpRequest
    prefix: str
    origin: str
