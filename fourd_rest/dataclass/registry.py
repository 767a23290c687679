"""The registry: which models are exposed, under which names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any, TypeVar

from django.db import models

from .builder import Builder
from .derived import Derived
from .left_out import LeftOut
from .options import DataClass, Resolved

D = TypeVar("D", bound=type[DataClass])
M = TypeVar("M", bound=models.Model)


class Registry:
    """Dataclasses by model and by name. Registering is cheap and touches no database."""

    def __init__(self) -> None:
        self._by_model: dict[type[models.Model], DataClass] = {}
        self._by_name: dict[str, DataClass] | None = None
        self._lock = RLock()
        self._listeners: list[Callable[[DataClass], None]] = []
        self.unknown_options: dict[type[models.Model], set[str]] = {}

    def subscribe(self, listener: Callable[[DataClass], None]) -> None:
        """Call ``listener`` for every dataclass, now and whenever one is registered."""
        self._listeners.append(listener)
        for dataclass in self.everything():
            listener(dataclass)

    def register(self, model: type[M], **options: Any) -> Callable[[D], D]:
        """Expose ``model``. ``options`` are those of ``DataClass``.

        The model is registered at once; what is returned decorates a ``DataClass`` subclass that takes
        its place. Registering a model again replaces what was there. An option that does not exist
        is reported by a system check.
        """
        unknown = options.keys() - set(DataClass.OPTIONS)
        known = {name: value for name, value in options.items() if name in DataClass.OPTIONS}
        self._add(model, type(f"{model.__name__}DataClass", (DataClass,), known), unknown)

        def replace(dataclass: D) -> D:
            stray = {
                name
                for base in dataclass.__mro__
                if issubclass(base, DataClass) and base is not DataClass
                for name, value in vars(base).items()
                if _is_stray_option(name, value)
            }
            chosen = type(dataclass.__name__, (dataclass,), known) if known else dataclass
            self._add(model, chosen, unknown | stray)
            return dataclass

        return replace

    def _add(self, model: type[models.Model], dataclass: type[DataClass], unknown: set[str]) -> None:
        with self._lock:
            self._by_model[model] = dataclass(model, self)
            self.unknown_options[model] = unknown
            self._forget()
            for listener in self._listeners:
                listener(self._by_model[model])

    def unregister(self, model: type[models.Model]) -> None:
        """Expose ``model`` no longer. Raises ``KeyError`` if it was not."""
        with self._lock:
            del self._by_model[model]
            self.unknown_options.pop(model, None)
            self._forget()

    def _forget(self) -> None:
        """Drop what was resolved: relations of other dataclasses may have changed."""
        self._by_name = None
        for model, dataclass in self._by_model.items():
            self._by_model[model] = type(dataclass)(model, self)

    def _names(self) -> dict[str, DataClass]:
        found = self._by_name
        if found is None:
            with self._lock:
                found = {}
                for dataclass in self._by_model.values():
                    if dataclass.left_out is None:
                        found.setdefault(dataclass.name, dataclass)
                self._by_name = found
        return found

    def __iter__(self) -> Iterator[DataClass]:
        """The exposed dataclasses, in the order of registration."""
        return iter(self._names().values())

    def everything(self) -> list[DataClass]:
        """All that was registered, also what cannot be exposed or stands under a taken name."""
        return list(self._by_model.values())

    def get(self, name: str) -> DataClass | None:
        """The dataclass of this wire name; names are case-sensitive."""
        return self._names().get(name)

    def for_model(self, model: type[models.Model]) -> DataClass | None:
        """The exposed dataclass of ``model`` itself, parents and proxies aside."""
        dataclass = self._by_model.get(model)
        if dataclass is None or self._names().get(dataclass.name) is not dataclass:
            return None
        return dataclass

    def own_attributes(self, dataclass: DataClass) -> Resolved:
        """The attributes that are fields and relations of the model of ``dataclass``."""
        builder = Builder(dataclass)
        return Resolved(builder.build(), builder.left_out)

    def derived_attributes(self, dataclass: DataClass) -> Resolved:
        """Those that ``computed``, ``annotations`` and ``aliases`` name."""
        derived = Derived(dataclass, dataclass.own_attributes)
        return Resolved({attribute.name: attribute for attribute in derived.build()}, derived.left_out)

    def left_out(self) -> list[LeftOut]:
        """Models that were registered but cannot be exposed."""
        return [d.left_out for d in self._by_model.values() if d.left_out is not None]


def _is_stray_option(name: str, value: Any) -> bool:
    """Whether a class attribute looks like an option and is none."""
    if name.startswith("_") or name in DataClass.OPTIONS or name in vars(DataClass):
        return False
    return isinstance(value, (str, bool, int, list, tuple, dict, type(None)))


registry = Registry()
register = registry.register

__all__ = ["Registry", "register", "registry"]
