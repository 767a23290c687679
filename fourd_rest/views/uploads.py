"""``$upload``: a file arrives, to be attached later."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from fourd_rest.http.parsers import RawBodyParser
from fourd_rest.http.throttles import UploadThrottle
from fourd_rest.uploads import receiving

from .lifecycle import RestView, answer


class UploadView(RestView):
    """``POST|PUT /rest/$upload``: the raw body becomes a file with an ID (``requests.md`` 6.5).

    ``request.data`` is the received upload.
    """

    parser_classes = (RawBodyParser,)
    throttle_scopes = (UploadThrottle,)

    def post(self, request: Request, path: str) -> HttpResponse:
        """Receive the body.

        Raises ``RestError`` 9007 (403), 401 without the right to upload, and as ``RawBodyParser.parse``.
        """
        self.check_origin()
        receiving.check_permission(self.caller)
        return answer({"ID": self.request.data.wire_id})

    put = post
