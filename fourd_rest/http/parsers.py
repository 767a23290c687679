"""What a body becomes: ``request.data`` of the views, by DRF's parsers.

``EntityParser`` reads the JSON document of an update, ``RawBodyParser`` makes the bytes of an upload a
file. A site may subclass them and name its own in ``parser_classes`` of a view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework.parsers import BaseParser
from rest_framework.request import Empty, Request
from rest_framework.utils.mediatypes import media_type_matches

from fourd_rest.conf import current
from fourd_rest.errors import BAD_JSON, BODY_EMPTY, JSON_TOO_DEEP, NOT_SUPPORTED, RestError
from fourd_rest.request import lenient_json
from fourd_rest.request.files import FileRequest
from fourd_rest.uploads import receiving

from . import timing
from .body import BodyReader

ANY_TYPE = "*/*"


class BodyRequest(Request):
    """DRF's request, whose body is read once, by a parser of the view, and not before the rights.

    DRF itself calls no parser for a body without ``Content-Length`` (a chunked one) or without
    ``Content-Type``. Here the parser is always called: it alone knows what an empty body means. Until
    ``open_body`` nothing reads the body: authentication classes and throttles see a form without values
    (``sessions.close_form``).
    """

    parsers: Sequence[BaseParser]
    data: Any
    _is_open = False
    _data: Any
    _full_data: Any
    _files: Any

    def open_body(self) -> None:
        """From now on ``data`` is what the view's parser makes of the body."""
        self._data = self._full_data = self._files = Empty
        self._is_open = True

    # The body is never read as a form.

    @property
    def POST(self) -> Any:  # type: ignore[override]  # noqa: N802  (as Django names it)
        """What middleware of the site has read, if any: our bodies are no forms."""
        return self._request.POST

    @property
    def FILES(self) -> Any:  # type: ignore[override]  # noqa: N802
        """As ``POST``."""
        return self._request.FILES

    def _parse(self) -> tuple[Any, Any]:
        http: Any = self._request
        if not self._is_open:
            return http.POST, http.FILES
        parser = self._parser()
        try:
            return parser.parse(http, self.content_type, self.parser_context), MultiValueDict()
        except Exception:
            # The body is consumed: to read it again must not raise that it was cut.
            self._data = self._full_data = None
            self._files = MultiValueDict()
            raise

    def _parser(self) -> BaseParser:
        for parser in self.parsers:
            if parser.media_type == ANY_TYPE or media_type_matches(parser.media_type, self.content_type):
                return parser
        raise RestError(NOT_SUPPORTED(feature="This Content-Type"), status=415)


class EntityParser(BaseParser):
    """The JSON document of a write, as tolerant as 4D reads it (D-06); any ``Content-Type``."""

    media_type = ANY_TYPE

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value of the body. ``stream`` is Django's request.

        Raises ``RestError`` 9003 (413) beyond ``MAX_BODY_SIZE`` bytes, 9002 beyond ``MAX_JSON_DEPTH``
        levels, 9004 for a body without content, 9001 for what cannot be read, and as ``BodyReader``.
        """
        settings = current()
        reader = BodyReader.of(stream, limit=settings.MAX_BODY_SIZE)
        raw = reader.read_all()
        with timing.parsing():
            return read_document(raw, max_depth=settings.MAX_JSON_DEPTH)


class RawBodyParser(BaseParser):
    """The body as one file, whatever it is (``requests.md`` 6.5, D-14); any ``Content-Type``.

    ``$rawPict``, ``$binary`` and ``$timeout`` of the address count. ``parser_context`` has the ``view``,
    and for bytes that go straight to an ``attribute`` that attribute: it says whether they must be a
    picture.
    """

    media_type = ANY_TYPE

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The received upload, an ``UploadedBlob`` ready to be attached.

        Raises ``RestError`` 9003 (413) beyond ``MAX_UPLOAD_SIZE`` bytes, 1806 for a ``$timeout`` that is
        none, and as ``receiving.receive`` does.
        """
        context = parser_context or {}
        view, attribute = context["view"], context.get("attribute")
        is_picture = None if attribute is None else attribute.file == "image"
        asked = FileRequest.of_upload(view.address, is_picture=is_picture)
        body = BodyReader.of(stream, limit=current().MAX_UPLOAD_SIZE)
        return receiving.receive(view.caller, asked, body)


def read_document(raw: bytes, *, max_depth: int) -> Any:
    """The value of a JSON body.

    Numbers with a fraction or an exponent become ``Decimal``, the last of two equal names counts.
    Raises ``RestError`` with 9004 for a body without content, 9002 for one that nests deeper than
    ``max_depth`` arrays and objects, 9001 for anything else that cannot be read.

    >>> read_document(b'{__KEY: "12", photo: {"ID": "D507"}, price: 1.10,}', max_depth=8)
    {'__KEY': '12', 'photo': {'ID': 'D507'}, 'price': Decimal('1.10')}
    """
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _bad(f"byte {error.start + 1} is not UTF-8") from None
    if not text.strip(" \t\r\n"):
        raise RestError(BODY_EMPTY())
    try:
        return lenient_json.read(text, max_depth=max_depth)
    except lenient_json.TooDeep:
        raise RestError(JSON_TOO_DEEP(limit=max_depth)) from None
    except lenient_json.Unreadable as error:
        raise _bad(str(error)) from None


def _bad(reason: str) -> RestError:
    return RestError(BAD_JSON(reason=reason))
