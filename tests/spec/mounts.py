"""The addresses of a site that mounts the app in every way there is."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.http import HttpResponse
from django.urls import include, path, re_path

inner = [path("<int:year>/rest/", include("fourd_rest.urls"))]

urlpatterns = [
    path("t/<slug:tenant>/rest/", include("fourd_rest.urls", namespace="tenant")),
    path("u/<str:tenant>/rest/", include("fourd_rest.urls", namespace="unicode")),
    path("nested/<str:tenant>/", include(inner)),
    re_path(r"^unnamed/(\d+)/rest/", include("fourd_rest.urls", namespace="unnamed")),
    re_path(r"^maybe/(?:(?P<tenant>\w+)/)?rest/", include("fourd_rest.urls", namespace="maybe")),
    path("p/<path:path>/rest/", include("fourd_rest.urls", namespace="named_path")),
    path("extra/rest/", include("fourd_rest.urls", namespace="extra"), {"path": "x", "tenant": "y"}),
    path("bare", include("fourd_rest.urls", namespace="bare")),
    *i18n_patterns(
        path("<slug:tenant>/rest/", include("fourd_rest.urls", namespace="translated")),
        # A site that keeps its pages in a database takes every path for one.
        path("<path:page>", lambda request, page: HttpResponse(page)),
    ),
]
