"""One pattern per kind of resource; ``request.address`` parses the rest of the path.

Mount it with ``path("rest/", include("fourd_rest.urls"))``. What the site's own pattern captures (a
tenant, a language) stays in ``request.resolver_match``; ours is named ``fourd_path``, a
name that no site has.
"""

from __future__ import annotations

from django.urls import re_path

from .views import data, describe, uploads

app_name = "fourd_rest"

urlpatterns = [
    re_path(r"^(?P<fourd_path>/*)\Z", describe.RootView.as_view(), name="root"),
    re_path(r"^(?P<fourd_path>/*(?i:\$upload)/*)\Z", uploads.UploadView.as_view(), name="upload"),
    re_path(
        r"^(?P<fourd_path>/*(?i:\$catalog)(?:/[\s\S]*)?)\Z",
        describe.CatalogView.as_view(),
        name="catalog",
    ),
    re_path(
        r"^(?P<fourd_path>/*(?i:\$entityset/+\$release)/*)\Z",
        data.ReleaseView.as_view(),
        name="release",
    ),
    re_path(r"^(?P<fourd_path>/*(?i:\$info)(?:/[\s\S]*)?)\Z", describe.InfoView.as_view(), name="info"),
    re_path(r"^(?P<fourd_path>[\s\S]+)\Z", data.DataView.as_view(), name="data"),
]
