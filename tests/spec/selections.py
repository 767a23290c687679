"""Selections as an address would make them, for what is computed and shown of one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import connection
from django.db.models import QuerySet
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from fourd_rest.dataclass import registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.values import dumps
from fourd_rest.read.selection import Selection


def caller(user: Any = None) -> Caller:
    request = RequestFactory().get("/rest/")
    request.user = user or User(username="root", is_superuser=True, is_active=True)
    return Caller(request, "/rest", "http://testserver")


def reader(*models: str) -> User:
    """A user who may read the models of these names and nothing else."""
    user = User.objects.create(username="reader")
    codenames = [f"view_{model}" for model in models]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def guest() -> Any:
    return AnonymousUser()


def select(
    name: str, *, user: Any = None, queryset: QuerySet[Any] | None = None, order: Any = None
) -> Selection:
    """The entities of ``queryset``, or all that ``user`` sees."""
    asking, dataclass = caller(user), registry.get(name)
    assert dataclass is not None
    rows = dataclass.get_queryset(asking.request) if queryset is None else queryset
    return Selection(asking, dataclass, rows, order or dataclass.default_order)


def text(document: Any) -> str:
    """JSON as it goes over the wire."""
    return dumps(document).decode()


def statements(ask: Any) -> tuple[Any, int]:
    """What ``ask`` returns, and how many statements that took beyond permission queries."""
    with CaptureQueriesContext(connection) as queries:
        found = ask()
    return found, sum("auth_permission" not in query["sql"] for query in queries)
