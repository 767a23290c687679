"""What tells about the server: the root, the catalog, ``$info``."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from fourd_rest.describe.catalog import Catalog
from fourd_rest.describe.info import Info
from fourd_rest.errors import BAD_URL, METHOD_NOT_APPLICABLE, RestError
from fourd_rest.request.reads import DescribeRequest

from .lifecycle import RestView, answer


class RootView(RestView):
    """``GET /rest/``: whether a server is there."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """Answer ``{"ok": true}``."""
        return answer({"ok": True})


class DescriptiveView(RestView):
    """What tells about the server and changes nothing: read by POST as well (U-55)."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """What is told; each resource has its own."""
        raise NotImplementedError

    def post(self, request: Request, path: str) -> HttpResponse:
        """Like GET, if there is nothing to write: no ``$method``, and a body that is empty or ``{}``."""
        method = DescribeRequest.of(self.address).method
        if method is not None or self.posted_or_empty():
            raise RestError(METHOD_NOT_APPLICABLE(method="update" if method is None else method))
        return self.get(request, path)


class CatalogView(DescriptiveView):
    """``GET|POST /rest/$catalog[/$all|/A,B][?$metadata=full]``."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """The catalog in short, in full, or some of its dataclasses (``responses.md`` 9).

        Raises ``RestError`` 1806 for more than one part, 1800 (404) for an unknown dataclass.
        """
        asked = DescribeRequest.of(self.address)
        found = Catalog(self.caller, full=asked.is_full)
        if not asked.parts:
            return answer(found.summary())
        if len(asked.parts) > 1:
            raise RestError(BAD_URL(reason="the catalog has no such part"))
        return answer(found.complete() if asked.is_everything else found.selected(asked.parts[0]))


class InfoView(DescriptiveView):
    """``GET|POST /rest/$info[/part]``: sessions and entity sets, as far as they are the caller's."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """The whole of it, or the part that the path names. Raises ``RestError`` as ``Info.read``."""
        return answer(Info(self.caller).read(DescribeRequest.of(self.address).parts))
