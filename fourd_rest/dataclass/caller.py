"""Who asks and under which address, as the layers below the views know it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.http import HttpRequest
from rest_framework.settings import api_settings

from .attributes import Relation
from .options import Attribute, DataClass

# The network that one subscriber gets of IPv6, with all its addresses.
_IPV6_NETWORK = 64
# Some proxies write the client's port as well.
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+))(?::\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes one request, for the layers below the views.

    ``request`` is for the hooks of dataclasses; no other code reads it. ``prefix`` is where
    the app is mounted, as it stands in addresses: percent-encoded, without a slash at the end
    (``/rest``); ``origin`` is scheme and host (D-02). Rights on dataclasses as a whole are asked for
    once in a request.
    """

    request: HttpRequest
    prefix: str
    origin: str
    _viewed: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _granted: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _known: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _held: dict[tuple[Enum, DataClass], bool] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def knows(self, dataclass: DataClass) -> bool:
        """Whether the caller may know of ``dataclass`` at all (D-21)."""
        known = self._known.get(dataclass)
        if known is None:
            known = self.views_all(dataclass) or dataclass.is_described(self.request)
            known = self._known[dataclass] = known or self._is_granted(dataclass)
        return known

    def views(self, dataclass: DataClass) -> bool:
        """Whether the caller may read ``dataclass``; which entities of it, ``get_queryset`` says."""
        return self._viewed.get(dataclass) or self.views_all(dataclass) or self._is_granted(dataclass)

    def views_all(self, dataclass: DataClass) -> bool:
        """Whether the caller holds the right to read on ``dataclass`` itself."""
        views = self._viewed.get(dataclass)
        if views is None:
            views = self._viewed[dataclass] = dataclass.has_view_permission(self.request)
        return views

    def holds(self, dataclass: DataClass, action: Enum, ask: Callable[[HttpRequest], bool]) -> bool:
        """What ``ask`` says of the right to do ``action`` with ``dataclass`` as a whole."""
        held = self._held.get((action, dataclass))
        if held is None:
            held = self._held[action, dataclass] = ask(self.request)
        return held

    def _is_granted(self, dataclass: DataClass) -> bool:
        granted = self._granted.get(dataclass)
        if granted is None:
            rows = dataclass.granted(self.request)
            granted = self._granted[dataclass] = rows is not None and rows.exists()
        return granted

    def attribute(self, dataclass: DataClass, name: str) -> Attribute | None:
        """The attribute ``name``, None where the caller may know of none (D-13).

        A relation to a dataclass that he may not know of is not there for him.
        """
        attribute = dataclass.attributes.get(name)
        if isinstance(attribute, Relation) and not self.knows(attribute.target):
            return None
        return attribute

    def attributes(self, dataclass: DataClass) -> dict[str, Attribute]:
        """The attributes that the caller may know of, by wire name, in catalog order."""
        if all(map(self.knows, dataclass.targets)):
            return dataclass.attributes
        return {
            name: attribute
            for name, attribute in dataclass.attributes.items()
            if not isinstance(attribute, Relation) or self.knows(attribute.target)
        }

    @property
    def owner(self) -> Any:
        """The key of the user whose the caller's uploads and sets are; None for a guest."""
        user = self.request.user
        return user.pk if user.is_authenticated else None

    @property
    def address(self) -> str | None:
        """Where the request comes from, for whatever is counted per address; see ``client_address``."""
        return client_address(self.request)


def client_address(request: HttpRequest) -> str | None:
    """What throttles and quotas count by for callers who have not logged in.

    ``REMOTE_ADDR``, unless ``REST_FRAMEWORK["NUM_PROXIES"]`` says how many proxies have written into
    ``X-Forwarded-For``: then the entry that the outermost of them wrote. The client
    can write what stands before that entry, and without a proxy the whole header. DRF then counts by
    all of it, so that a client can have as many identities as it likes.

    An IPv6 address counts by its network of 64 bits. None where the server tells none (Unix sockets):
    such callers count as one.
    """
    proxies = api_settings.NUM_PROXIES
    forwarded: str | None = request.META.get("HTTP_X_FORWARDED_FOR")
    if proxies and forwarded is not None:
        entries = forwarded.split(",")
        if (address := _address(entries[-min(proxies, len(entries))])) is not None:
            return address
    return _address(request.META.get("REMOTE_ADDR") or "")


def _address(text: str) -> str | None:
    """The identity in one entry, or None if it is no address."""
    text = text.strip()
    for candidate in (text, _without_port(text)):
        try:
            address = ipaddress.ip_address(candidate.partition("%")[0])
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        network = ipaddress.ip_network((address, _IPV6_NETWORK), strict=False)
        return str(network.network_address)
    return None


def _without_port(text: str) -> str:
    found = _WITH_PORT.match(text)
    return (found["v6"] or found["v4"]) if found else ""
