"""The addresses of a site that mounts the app elsewhere."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("a/b/4d/", include("fourd_rest.urls"))]
