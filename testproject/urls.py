"""The addresses of the sample site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.urls import include, path

urlpatterns = [
    path("rest/", include("fourd_rest.urls")),
    path("admin/", admin.site.urls),
    # The admin's style sheets, straight from the installed apps, so that the demo looks right under
    # any server with nothing to collect first. A real site leaves this to its web server.
    path("static/<path:path>", serve, {"insecure": True}),
]
