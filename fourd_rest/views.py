"""The request lifecycle: one DRF view per kind of resource, and the only place where errors are caught.

A request goes: address → who asks → cross-site rule → resource → answer. Views pin parsers, renderers,
negotiation and the exception handler; of the site's DRF settings only authentication and throttles
come in.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any, ClassVar, NoReturn

from django.db import DatabaseError, connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    Throttled,
)
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from . import document, sessions
from .address import Address, parse
from .body import BodyReader, drain_when_sent
from .conf import current
from .dataclass import Attribute, DataClass
from .dataclass.caller import Caller
from .dataclass.values import dumps
from .entities import access, catalog, reading
from .entities.access import Action
from .entities.deleting import delete
from .entities.drafts import Outcome
from .entities.posted import PERMISSION
from .entities.transactions import busy, is_busy
from .entities.writing import Writer
from .errors import (
    ATTRIBUTE_NOT_FOUND,
    BAD_ATTRIBUTE_LIST,
    BAD_JSON,
    BAD_URL,
    INTERNAL,
    LOGIN_FAILED,
    METHOD_NOT_APPLICABLE,
    NOT_SUPPORTED,
    THROTTLED,
    TOO_MANY_ENTITIES,
    UNKNOWN_KEYWORD,
    UNKNOWN_METHOD,
    VERB_NOT_ALLOWED,
    RestError,
)
from .throttling import ConvertThrottle, UploadThrottle
from .uploads import outgoing, receiving

logger = logging.getLogger("fourd_rest")
django_logger = logging.getLogger("django.request")

JSON = "application/json; charset=UTF-8"

# Every value of $method that 4D knows (``requests.md`` 6.3, ``server-facts.md`` 2).
METHODS = frozenset(
    {"entityset", "subentityset", "release", "update", "validate", "delete", "refresh", "retrieve"}
    | {"flush", "insert"}
)
# Reads that would answer something else than was asked if these were ignored.
NOT_YET_IN_READS = frozenset(
    {
        "$filter",
        "$orderby",
        "$expand",
        "$distinct",
        "$compute",
        "$asarray",
        "$emmethod",
        "$lock",
        "$savedfilter",
        "$logicoperator",
        "$extendedattributes",
    }
)
WRITE_KEYWORDS = frozenset(
    # The last ones make no difference to an update; clients send them all the same.
    {"$method", "$atomic", "$atonce", "$asarray", "$version", "$format", "$timeout"}
)


class RestView(APIView):
    """What all resources share.

    ``dispatch`` is DRF's: ``initialize_request`` → ``initial`` (who asks, throttles) → the handler of
    the verb → ``handle_exception`` → ``finalize_response``.
    """

    # Not OPTIONS, which DRF would answer: ``Allow`` names what is allowed and nothing else.
    http_method_names = ["get", "head", "post", "put", "delete"]
    parser_classes = ()
    renderer_classes = ()
    permission_classes = ()
    throttle_scopes: ClassVar[tuple[type[BaseThrottle], ...]] = ()
    versioning_class = None
    schema = None

    address: Address
    caller: Caller

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        # Transactions here are short and begin with a write (ATOMIC_REQUESTS would break both).
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def get_authenticators(self) -> list[BaseAuthentication]:
        return sessions.authenticators()

    def get_throttles(self) -> list[BaseThrottle]:
        return [*super().get_throttles(), *(throttle() for throttle in self.throttle_scopes)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        http = request._request
        path = kwargs["path"]
        self.address = parse(path, _query(http))
        self.perform_authentication(request)
        self.check_throttles(request)
        prefix = http.path[: len(http.path) - len(path)] if path else http.path
        self.caller = Caller(http, prefix.rstrip("/"), f"{http.scheme}://{http.get_host()}")

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise RestError(VERB_NOT_ALLOWED(verb=_verb(request)))

    def check_origin(self) -> None:
        sessions.check_origin(self.caller.request)

    def read_json(self) -> Any:
        settings = current()
        reader = BodyReader.of(self.caller.request, limit=settings.MAX_BODY_SIZE)
        return document.read(reader.read_all(), max_depth=settings.MAX_JSON_DEPTH)

    # Answers.

    def handle_exception(self, exc: Exception) -> Any:
        error = _as_rest_error(exc)
        if error is not None:
            logger.info("%s %s: %s", self.request.method, self.request.path, error)
            response = answer(error.as_json(), error.status)
        else:
            reference = secrets.token_hex(4)
            # The only answer that goes to django.request, and so to ADMINS: this is a bug.
            django_logger.error(
                "Internal Server Error %s: %s",
                reference,
                self.request.path,
                exc_info=exc,
                extra={"status_code": 500, "request": self.request._request},
            )
            error = RestError(INTERNAL(reference=reference))
            response = answer(error.as_json(), 500)
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
        if error.status == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        if error.status == 401 and error.items[-1].row is LOGIN_FAILED:
            response["WWW-Authenticate"] = self.get_authenticate_header(self.request) or ""
        drain_when_sent(self.request._request, response)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response["4DREST-INFO"] = "1.0"
        # Refusals with status 500 are part of the protocol: nobody is to be mailed for a stale stamp.
        response._has_been_logged = True
        if request.method == "HEAD" and not response.streaming and response.content:
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response


class RootView(RestView):
    """``GET /rest/``: whether a server is there."""

    def get(self, request: Request, path: str) -> HttpResponse:
        return answer({"ok": True})


class CatalogView(RestView):
    """``GET /rest/$catalog[/$all|/A,B]``."""

    def get(self, request: Request, path: str) -> HttpResponse:
        parts = self.address.parts
        if not parts:
            return answer(catalog.summary(self.caller))
        if len(parts) > 1:
            raise RestError(BAD_URL(reason="the catalog has no such part"))
        if parts[0] == "$all":
            return answer(catalog.complete(self.caller))
        return answer(catalog.selected(self.caller, parts[0]))


class UploadView(RestView):
    """``POST|PUT /rest/$upload``: the raw body becomes a file with an ID (``requests.md`` 6.5)."""

    throttle_scopes = (UploadThrottle,)

    def post(self, request: Request, path: str) -> HttpResponse:
        self.check_origin()
        receiving.check_permission(self.caller)
        blob = receiving.receive(self.caller.request, self.address)
        return answer({"ID": blob.wire_id})

    put = post


class DataView(RestView):
    """Entities: ``X``, ``X(key)``, ``X(key)/attributes``."""

    throttle_scopes = (ConvertThrottle,)

    def get_throttles(self) -> list[BaseThrottle]:
        # Only a picture in another format costs enough to be counted.
        if receiving.is_conversion(self.address):
            return super().get_throttles()
        return APIView.get_throttles(self)

    def get(self, request: Request, path: str) -> HttpResponseBase:
        method = self._method()
        if method in ("update", "validate", "delete", "insert"):
            raise RestError(METHOD_NOT_APPLICABLE(method=method))
        if method:
            raise RestError(NOT_SUPPORTED(feature=f"$method={method}"))
        address = self.address
        for keyword in sorted(NOT_YET_IN_READS & address.params.keys()):
            if keyword != "$expand":
                raise RestError(NOT_SUPPORTED(feature=f"{keyword} in a read"))
        if (form := address.params.get("$format", "").lower()) not in ("", "json"):
            raise RestError(NOT_SUPPORTED(feature=f"$format={form}"))
        dataclass = self._dataclass(Action.VIEW, of_entity=bool(address.keys))
        if address.keys is None or address.keys == ():
            self._require_no_expand()
            return answer(self._page(dataclass))
        key = self._key()
        attribute = self._asked_file(dataclass)
        if attribute is not None:
            return self._file(dataclass, key, attribute)
        self._require_no_expand()
        return answer(reading.entity(self.caller, dataclass, key, self._names()))

    def post(self, request: Request, path: str) -> HttpResponse:
        method = self._method() or "update"
        self.check_origin()
        self._check_keywords()
        if method == "update":
            return self._update()
        if method == "delete":
            return self._delete()
        if method in ("entityset", "subentityset", "release", "refresh", "retrieve", "flush"):
            raise RestError(METHOD_NOT_APPLICABLE(method=method))
        raise RestError(NOT_SUPPORTED(feature=f"$method={method}"))

    put = post

    def delete(self, request: Request, path: str) -> HttpResponse:
        self._method()
        self.check_origin()
        return self._delete()

    # What the address says.

    def _method(self) -> str:
        method = self.address.params.get("$method", "").lower()
        if method and method not in METHODS:
            raise RestError(UNKNOWN_METHOD(method=method))
        return method

    def _check_keywords(self) -> None:
        """An unknown keyword in a write may change its meaning: refuse it (D-28)."""
        for name in self.address.params:
            if name.startswith("$") and name not in WRITE_KEYWORDS:
                if name in NOT_YET_IN_READS or name == "$refresh":
                    raise RestError(NOT_SUPPORTED(feature=f"{name} in a write"))
                raise RestError(UNKNOWN_KEYWORD(keyword=name))

    def _dataclass(self, action: Action, *, of_entity: bool) -> DataClass:
        if self.address.unique is not None:
            raise RestError(NOT_SUPPORTED(feature="An entity by another attribute than its key"))
        name = self.address.head
        if name.startswith("$"):
            raise RestError(NOT_SUPPORTED(feature=f"{name} in an address"))
        return access.find(self.caller, name, action, of_entity=of_entity)

    def _key(self) -> str:
        keys = self.address.keys or ()
        if len(keys) > 1:
            raise RestError(NOT_SUPPORTED(feature="A list of keys"))
        return keys[0]

    def _names(self) -> str | None:
        parts = self.address.parts
        if not parts:
            return self.address.params.get("$attributes")
        if parts[0].startswith("$"):
            raise RestError(NOT_SUPPORTED(feature=f"{parts[0]} in a path"))
        if len(parts) > 1:
            raise RestError(NOT_SUPPORTED(feature="A path of several parts"))
        return parts[0]

    def _require_no_expand(self) -> None:
        if "$expand" in self.address.params:
            raise RestError(NOT_SUPPORTED(feature="$expand in a read"))

    # Reads.

    def _page(self, dataclass: DataClass) -> dict[str, Any]:
        skip = max(self.address.integer("$skip") or 0, 0)
        top = self.address.integer("$top")
        return reading.page(self.caller, dataclass, self._names(), skip=skip, top=top)

    def _asked_file(self, dataclass: DataClass) -> Attribute | None:
        """The attribute whose bytes are asked for, or None where JSON is."""
        address = self.address
        if len(address.parts) != 1:
            return None
        attribute = dataclass.attributes.get(address.parts[0])
        if attribute is None or attribute.file is None:
            return None
        if attribute.file == "image":
            return attribute if "$imageformat" in address.params else None
        return attribute if address.flag("$binary") else None

    def _file(self, dataclass: DataClass, key: str, attribute: Attribute) -> HttpResponseBase:
        stored = reading.file(self.caller, dataclass, key, attribute)
        wanted = self.address.params.get("$imageformat", "best")
        return outgoing.answer(self.caller.request, stored, wanted)

    # Writes.

    def _update(self) -> HttpResponse:
        address = self.address
        if address.parts or address.keys:
            dataclass = self._dataclass(Action.CHANGE, of_entity=True)
            self._refuse_path(dataclass)
        dataclass = self._dataclass(Action.CHANGE, of_entity=True)
        posted = self.read_json()
        items, is_list = _items(posted)
        writer = Writer(self.caller, dataclass)
        if address.flag("$atomic") or address.flag("$atonce"):
            outcomes = writer.save_all(items)
        else:
            outcomes = writer.save_each(items)
        self._log_refusals(outcomes)
        document_: Any = {"__ENTITIES": [outcome.answer for outcome in outcomes]}
        if not is_list:
            document_ = outcomes[0].answer
        return answer(document_, _status(outcomes))

    def _log_refusals(self, outcomes: list[Outcome]) -> None:
        """Refused entities are answers, not exceptions; they are logged as those are."""
        for outcome in outcomes:
            if outcome.status is not None:
                messages = "; ".join(item["message"] for item in outcome.answer["__ERROR"])
                logger.info("%s %s: %s", self.request.method, self.request.path, messages)

    def _refuse_path(self, dataclass: DataClass) -> None:
        if not dataclass.is_described(self.caller.request):
            raise access.unknown(dataclass.name)
        for name in self.address.parts[:1]:
            if name not in dataclass.attributes:
                raise RestError(
                    ATTRIBUTE_NOT_FOUND(attribute=name, dataclass=dataclass.name),
                    BAD_ATTRIBUTE_LIST(attribute=name, dataclass=dataclass.name),
                )
        raise RestError(NOT_SUPPORTED(feature="Writing to an address with a key or an attribute"))

    def _delete(self) -> HttpResponse:
        address = self.address
        dataclass = self._dataclass(Action.DELETE, of_entity=bool(address.keys))
        if address.parts:
            self._refuse_path(dataclass)
        if not address.keys:
            access.check(self.caller, dataclass, Action.DELETE)
            raise RestError(NOT_SUPPORTED(feature="Deleting without a key"))
        delete(self.caller, dataclass, self._key())
        return answer({"ok": True})


def answer(document_: Any, status: int = 200) -> HttpResponse:
    """JSON as every 4D client expects it; never cached (D-29)."""
    return HttpResponse(
        dumps(document_), status=status, content_type=JSON, headers={"Cache-Control": "no-store"}
    )


def _query(request: HttpRequest) -> str:
    """The query string as it was sent; raw characters beyond ASCII read as UTF-8."""
    query: str = request.META.get("QUERY_STRING", "")
    if not hasattr(request, "environ"):
        return query  # ASGI hands text over, WSGI bytes as Latin-1
    try:
        return query.encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise RestError(BAD_URL(reason="it is not UTF-8")) from error
    except UnicodeEncodeError:
        return query


def _verb(request: Request) -> str:
    return (request.method or "")[:20]


def _items(posted: Any) -> tuple[list[dict[str, Any]], bool]:
    """The posted entities, and whether a list was posted (D-06)."""
    is_list = True
    if isinstance(posted, dict) and "__ENTITIES" in posted:
        posted = posted["__ENTITIES"]
    elif isinstance(posted, dict):
        posted, is_list = [posted], False
    if not isinstance(posted, list) or not all(isinstance(item, dict) for item in posted):
        raise RestError(BAD_JSON(reason="expected an object or an array of objects"))
    limit = current().MAX_ENTITIES_PER_REQUEST
    if len(posted) > limit:
        raise RestError(TOO_MANY_ENTITIES(limit=limit))
    return posted, is_list


def _status(outcomes: list[Outcome]) -> int:
    """D-10: 401 if a permission was the reason, 500 for any other failure."""
    reasons = {outcome.status for outcome in outcomes} - {None}
    if not reasons:
        return 200
    return 401 if PERMISSION in reasons else 500


def _as_rest_error(exc: Exception) -> RestError | None:
    """The error that ``exc`` means to the client, or None for a bug."""
    if isinstance(exc, RestError):
        return exc
    if isinstance(exc, Throttled):
        return RestError(THROTTLED(), retry_after=int(getattr(exc, "wait", None) or 0) + 1)
    if isinstance(exc, (AuthenticationFailed, NotAuthenticated)):
        return RestError(LOGIN_FAILED())
    if isinstance(exc, APIException) and exc.status_code < 500:
        return RestError(LOGIN_FAILED(), status=exc.status_code)
    if isinstance(exc, DatabaseError) and is_busy(exc):
        return busy()
    return None
