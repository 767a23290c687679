"""Who asks and under which address, as the layers below the views know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.http import HttpRequest

from .attributes import Attribute

if TYPE_CHECKING:
    from .options import DataClass


@dataclass(frozen=True, slots=True)
class Caller:
    """One request seen from below.

    ``request`` is handed to the hooks of dataclasses and looked into by nobody else. ``prefix`` is where
    the app is mounted, without a slash at the end (``/rest``); ``origin`` is scheme and host (D-02).
    Rights on dataclasses as a whole are asked for once in a request.
    """

    request: HttpRequest
    prefix: str
    origin: str
    _known: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _viewed: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _granted: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def knows(self, dataclass: DataClass) -> bool:
        """Whether the caller may know of ``dataclass`` at all (D-21)."""
        known = self._known.get(dataclass)
        if known is None:
            known = dataclass.is_described(self.request) or self._is_granted(dataclass)
            self._known[dataclass] = known
        return known

    def views(self, dataclass: DataClass) -> bool:
        """Whether the caller may read ``dataclass``; which entities of it, ``get_queryset`` says."""
        viewed = self._viewed.get(dataclass)
        if viewed is None:
            viewed = dataclass.has_view_permission(self.request) or self._is_granted(dataclass)
            self._viewed[dataclass] = viewed
        return viewed

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
        if attribute is None or attribute.target is None or self.knows(attribute.target):
            return attribute
        return None

    def attributes(self, dataclass: DataClass) -> dict[str, Attribute]:
        """The attributes that the caller may know of, by wire name, in catalog order."""
        if all(map(self.knows, dataclass.targets)):
            return dataclass.attributes
        return {
            name: attribute
            for name, attribute in dataclass.attributes.items()
            if attribute.target is None or self.knows(attribute.target)
        }
