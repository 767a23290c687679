"""``$info``: sessions and entity sets (``responses.md`` 11, ``server-facts.md`` 17, U-30, U-71).

Users see what is theirs; staff sees all that the site's session engine can list. A guest without rights
sees nothing. The ID of a session is a digest: its key would be as good as a password.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.utils import timezone

from fourd_rest.conf import current
from fourd_rest.dataclass import permissions, registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.values import moment_to_wire
from fourd_rest.errors import BAD_URL, INFO_DENIED, NOT_SUPPORTED, RestError
from fourd_rest.models import EntitySet
from fourd_rest.request.keywords import INFO_PATH

GUEST = "guest"
ADMIN = "WebAdmin"


class Info:
    """What ``caller`` may know of the server's state.

    Raises ``RestError`` 1611 (401) for a guest without any right.
    """

    def __init__(self, caller: Caller) -> None:
        if permissions.is_powerless_guest(caller):
            raise RestError(INFO_DENIED())
        self.caller = caller
        self.user = caller.request.user
        # A site's user model need not know of staff.
        is_staff = getattr(self.user, "is_staff", False) or getattr(self.user, "is_superuser", False)
        self.is_staff = bool(self.user.is_authenticated and is_staff)

    def read(self, parts: Sequence[str]) -> dict[str, Any]:
        """The whole for no part, else the part of that name, in any case. Raises 1806 for another."""
        match [part.lower() for part in parts]:
            case []:
                return {
                    **self.cache(),
                    **self.entity_sets(),
                    **self.progress(),
                    **self.sessions(),
                    "HTTPConnections": [],
                    **self.privileges(),
                }
            case ["cacheinfo"]:
                return self.cache()
            case ["entityset"]:
                return self.entity_sets()
            case ["progressinfo"]:
                return self.progress()
            case ["sessioninfo"]:
                return self.sessions()
            case ["privileges"]:
                return self.privileges()
            case ["sessioninfo", "release", *_]:
                raise RestError(NOT_SUPPORTED(feature="Releasing a session"))
        raise RestError(BAD_URL(reason=f"{INFO_PATH} has no such part"))

    def cache(self) -> dict[str, Any]:
        """4D's data cache has no counterpart here: the database server has its own."""
        return {"cacheSize": 0, "usedCache": 0}

    def entity_sets(self) -> dict[str, Any]:
        """The sets of the caller, those of everybody for staff, last used first.

        At most ``MAX_PAGE_SIZE`` are listed, all are counted. A guest's set is held by whoever knows its
        ID, so guests are told of none.
        """
        described = {d.name: d for d in registry if self.caller.knows(d)}
        limit, found, count = current().MAX_PAGE_SIZE, list[EntitySet](), 0
        for alias in sorted({dataclass.write_alias() for dataclass in described.values()}):
            sets = EntitySet.objects.using(alias).filter(
                dataclass__in=described, expires__gt=timezone.now()
            )
            if not self.is_staff:
                sets = sets.filter(owner=self.user.pk) if self.user.is_authenticated else sets.none()
            page = list(sets.order_by("-refreshed", "pk")[:limit])
            count += len(page) if len(page) < limit else sets.count()
            found += page
        found.sort(key=lambda kept: kept.refreshed, reverse=True)
        return {"entitySetCount": count, "entitySet": list(map(_entity_set, found[:limit]))}

    def progress(self) -> dict[str, Any]:
        """Nothing runs in the background of this server."""
        return {"ProgressInfo": []}

    def privileges(self) -> dict[str, Any]:
        """The names of the user's groups; ``WebAdmin`` for staff, ``guest`` for who is not logged in."""
        if not self.user.is_authenticated:
            names = [GUEST]
        else:
            names = [ADMIN] if self.is_staff else []
            # A site's user model need not have groups.
            if (groups := getattr(self.user, "groups", None)) is not None:
                names += groups.order_by("name").values_list("name", flat=True)
        return {"privileges": [{"privilege": name} for name in names]}

    def sessions(self) -> dict[str, Any]:
        """The own session, and the others to staff where the database keeps them.

        At most ``MAX_PAGE_SIZE`` sessions, those that expire last.
        """
        listed = list(self._every_session() if self.is_staff else self._own_session())
        return {"sessionInfo": listed}

    def _own_session(self) -> Iterator[dict[str, Any]]:
        session = getattr(self.caller.request, "session", None)
        if session is not None and session.session_key:
            name = self.user.get_username() if self.user.is_authenticated else ""
            expires = session.get_expiry_date()
            yield _session(session.session_key, name, expires, session.get_expiry_age())

    def _every_session(self) -> Iterator[dict[str, Any]]:
        session: Any = getattr(self.caller.request, "session", None)
        if not hasattr(session, "get_model_class"):
            yield from self._own_session()  # caches, files and cookies cannot be listed
            return
        model = session.get_model_class()
        live = model.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date", "pk")
        rows = list(live[: current().MAX_PAGE_SIZE])
        decoded = [(row, row.get_decoded()) for row in rows]
        users = get_user_model()._default_manager.in_bulk(
            {_user_key(data) for _, data in decoded} - {None}
        )
        for row, data in decoded:
            user = users.get(_user_key(data))
            name = user.get_username() if user is not None else ""
            age = data.get("_session_expiry")
            if not isinstance(age, int):
                age = session.get_session_cookie_age()
            yield _session(row.session_key, name, row.expire_date, age)


def _user_key(data: dict[str, Any]) -> Any:
    """The key of the user who is logged in with a session, or None for a guest."""
    try:
        return get_user_model()._meta.pk.to_python(data.get(SESSION_KEY))
    except Exception:  # noqa: BLE001  (whatever another user model of the past left there)
        return None


def _entity_set(kept: EntitySet) -> dict[str, Any]:
    return {
        "id": kept.id,
        "dataClass": kept.dataclass,
        "selectionSize": kept.size,
        "sorted": kept.is_sorted,
        "refreshed": moment_to_wire(kept.refreshed),
        # The extra time that a set may live is not told: no client may rely on it.
        "expires": moment_to_wire(kept.refreshed + timedelta(seconds=kept.timeout)),
    }


def _session(key: str, name: str, expires: datetime, age: int) -> dict[str, Any]:
    return {
        "sessionID": hashlib.sha256(f"fourd_rest:{key}".encode()).hexdigest()[:32].upper(),
        "userName": name,
        "lifeTime": age // 60,
        "expiration": moment_to_wire(expires),
    }
