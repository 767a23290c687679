"""One worker, one thread: what is measured is one request after the other."""

from __future__ import annotations

wsgi_app = "django.core.wsgi:get_wsgi_application()"
worker_class = "gthread"
workers = 1
threads = 1
keepalive = 60
timeout = 300
loglevel = "warning"
control_socket_disable = True
