"""For ASGI servers: ``uvicorn testproject.asgi:application``."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from fourd_rest.asgi import limit_body
from testproject import environment

environment.load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")

# Django spools the whole body to disk before a view is asked; this counts it first.
application = limit_body(get_asgi_application())
