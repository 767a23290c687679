from __future__ import annotations

from django.urls import include, path

from testproject.urls import urlpatterns as sample

urlpatterns = [
    *sample,
    # Mobile clients know the same surface under another name.
    path("mobileapp/", include("fourd_rest.urls", namespace="mobile")),
]
