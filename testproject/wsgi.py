"""For WSGI servers: ``gunicorn testproject.wsgi``."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from testproject import environment

environment.load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")

application = get_wsgi_application()
