"""The lifecycle of a request; the only place where errors are caught.

A request goes: address → who asks → cross-site rule → resource → answer. Views pin renderers,
negotiation and the exception handler, and have parsers of ours; of the site's DRF settings only
authentication and throttles come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.db import DatabaseError, connections, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    Throttled,
)
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from fourd_rest import bugs
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.values import dumps
from fourd_rest.errors import (
    BAD_URL,
    BODY_EMPTY,
    DATACLASS_NOT_FOUND,
    INTERNAL,
    LOGIN_FAILED,
    QUERY_TOO_LARGE,
    THROTTLED,
    VERB_NOT_ALLOWED,
    RestError,
    logger,
)
from fourd_rest.http import sessions, timing
from fourd_rest.http.body import drain_when_sent
from fourd_rest.http.parsers import BodyRequest, EntityParser
from fourd_rest.http.throttles import with_client_address
from fourd_rest.request import keywords
from fourd_rest.request.address import Address, parse
from fourd_rest.sql import limits
from fourd_rest.sql.database_errors import is_too_complex
from fourd_rest.sql.transactions import given_up

JSON = "application/json; charset=UTF-8"


class RestView(APIView):
    """What all resources share.

    ``dispatch`` is DRF's: ``initialize_request`` → ``initial`` (who asks, throttles) → the handler of
    the verb → ``handle_exception`` → ``finalize_response``.
    """

    # Not OPTIONS, which DRF would answer: ``Allow`` names what is allowed and nothing else.
    http_method_names = ["get", "head", "post", "put", "delete"]
    parser_classes: Sequence[type[BaseParser]] = (EntityParser,)
    renderer_classes = ()
    permission_classes = ()
    throttle_scopes: ClassVar[tuple[type[BaseThrottle], ...]] = ()
    versioning_class = None
    schema = None

    request: BodyRequest
    address: Address
    caller: Caller

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """The view function for ``urls``, in no transaction of Django's."""
        view: Any = super().as_view(**initkwargs)
        # Transactions here are short and begin with a write (ATOMIC_REQUESTS would break both).
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def get_authenticators(self) -> list[BaseAuthentication]:
        """The site's authentication classes, without their CSRF step."""
        return sessions.authenticators()

    def get_throttles(self) -> list[BaseThrottle]:
        """The site's throttles, then those of this resource (``throttle_scopes``)."""
        own = (throttle() for throttle in self.throttle_scopes)
        return [*map(with_client_address, super().get_throttles()), *own]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer the request within the limits on its time, measured if the setting says so."""
        with limits.RequestLimits(), timing.request():
            # What else the site's pattern captures is for the site: ``request.resolver_match`` has it.
            return super().dispatch(request, path=kwargs["fourd_path"])

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> BodyRequest:
        """DRF's, with a request that calls our parsers whenever ``data`` is asked for."""
        sessions.close_form(request)
        return BodyRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read the address, find out who asks, count throttles; from here on the body may be read.

        Sets ``address`` and ``caller``. Raises ``RestError`` 1806, 1808, 1809 for the address, and what
        authentication and throttles raise.
        """
        http = request._request
        path = kwargs["path"]
        is_read = http.method in ("GET", "HEAD")
        if not is_read:
            limits.writing()
        with timing.parsing():
            self.address = parse(path, _query(http), is_read=is_read)
        if not is_read:
            keywords.check_flags(self.address.params)
        self.perform_authentication(request)
        self.check_throttles(request)
        prefix = http.path[: len(http.path) - len(path)] if path else http.path
        self.caller = Caller(http, _mount(prefix.rstrip("/")), f"{http.scheme}://{http.get_host()}")
        self.request.open_body()

    def perform_authentication(self, request: Request) -> None:
        """DRF's; a guest is an ``AnonymousUser``, whatever the site makes of guests."""
        super().perform_authentication(request)
        user: Any = request.user
        if user is None:  # REST_FRAMEWORK["UNAUTHENTICATED_USER"]
            request.user = AnonymousUser()

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise ``RestError`` 9012 (405)."""
        raise RestError(VERB_NOT_ALLOWED(verb=_verb(request)))

    def check_origin(self) -> None:
        """Raise ``RestError`` 9007 (403) if a page of another site asks (D-26)."""
        sessions.check_origin(self.caller.request)

    def posted_or_empty(self) -> Any:
        """The posted document, ``{}`` for a body without content.

        Clients send such a body where the address says all. For any other it raises ``RestError`` as
        ``EntityParser.parse`` does.
        """
        try:
            return self.request.data
        except RestError as error:
            if error.items[-1].row is not BODY_EMPTY:
                raise
            return {}

    # Answers.

    def handle_exception(self, exc: Exception) -> Any:
        """The answer to whatever was raised: errors of the protocol, of DRF, of the site, and bugs."""
        error = _as_rest_error(exc)
        if error is not None:
            logger.info("%s %s: %s", self.request.method, self.request.path, error)
            response = answer(error.as_json(), error.status)
        else:
            # The only answer that goes to django.request, and so to ADMINS: this is a bug.
            reference = bugs.report(self.request._request, exc)
            error = RestError(INTERNAL(reference=reference))
            response = answer(error.as_json(), 500)
        if error.retry_after is not None:
            response["Retry-After"] = str(error.retry_after)
        if error.status == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        if error.status == 401 and error.items[-1].row is LOGIN_FAILED:
            response["WWW-Authenticate"] = self.get_authenticate_header(self.request) or ""
        # A dataclass that the caller may not know of has the headers of one that does not exist.
        is_unknown = error.items[-1].row is DATACLASS_NOT_FOUND
        drain_when_sent(self.request._request, response, as_unread=is_unknown)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Headers that every answer has, and no body for HEAD."""
        response["4DREST-INFO"] = "1.0"
        # Refusals with status 500 are part of the protocol: Django must not mail them to ADMINS.
        response._has_been_logged = True
        if response.status_code == 404:
            # LocaleMiddleware would take it for a missing page, and redirect the client to a page of the
            # site, wherever one of the ``i18n_patterns`` takes any path.
            request._request.urlconf = "fourd_rest.urls"
        if request.method == "HEAD" and not response.streaming and response.content:
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        timing.tell(response)
        return response


# A site has few; to encode one takes 6 µs.
@lru_cache(maxsize=100)
def _mount(prefix: str) -> str:
    return escape_uri_path(prefix)


def answer(document_: Any, status: int = 200) -> HttpResponse:
    """JSON as every 4D client expects it; never cached (D-29)."""
    with timing.rendering():
        content = dumps(document_)
    return HttpResponse(content, status=status, content_type=JSON, headers={"Cache-Control": "no-store"})


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
    if isinstance(exc, PermissionDenied):
        return RestError(LOGIN_FAILED(), status=403)
    if isinstance(exc, Http404):
        return RestError(BAD_URL(reason="there is nothing here"), status=404)
    if isinstance(exc, DisallowedHost):
        return RestError(BAD_URL(reason="the host is not allowed"))
    if (refusal := given_up(exc)) is not None:
        return refusal
    if isinstance(exc, DatabaseError) and is_too_complex(exc):
        return RestError(QUERY_TOO_LARGE(reason="the database does not take it"))
    return None
