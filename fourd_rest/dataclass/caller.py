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
    _viewed: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _granted: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _known: dict[DataClass, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def knows(self, dataclass: DataClass) -> bool:
        """Whether the caller may know of ``dataclass`` at all (D-21)."""
        known = self._known.get(dataclass)
        if known is None:
            known = self.views_all(dataclass) or dataclass.is_described(self.request)
            known = self._known[dataclass] = known or self._is_granted(dataclass)
        return known

    def views(self, dataclass: DataClass) -> bool:
        """Whether the caller may read ``dataclass``; which entities of it, ``get_queryset`` says."""
        return self.views_all(dataclass) or self._is_granted(dataclass)

    def views_all(self, dataclass: DataClass) -> bool:
        """Whether the caller holds the right to read on ``dataclass`` itself."""
        views = self._viewed.get(dataclass)
        if views is None:
            views = self._viewed[dataclass] = dataclass.has_view_permission(self.request)
        return views

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
