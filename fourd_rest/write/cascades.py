"""Rows of other dataclasses that go along with a deleted entity need the right to delete them (D-57).

As in Django's admin, whose way of finding them is used: ``CASCADE`` to whatever depth, generic
relations, child rows of multi-table inheritance, models between both sides of a many-to-many relation.
Rows of models that are not registered go with their owner, parents with their children; what is only
emptied (``SET_NULL``, ``SET_DEFAULT``, ``SET``) or left alone (``DO_NOTHING``) needs nothing more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from django.db import models
from django.db.models.deletion import (
    Collector,
    ProtectedError,
    RestrictedError,
    get_candidate_relations_to_delete,
)

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass, permissions, registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import CASCADE_TOO_LARGE, ErrorItem

Model: TypeAlias = type[models.Model]

# What a relation may say of its rows without taking them along.
_KEEPING = frozenset(
    {models.PROTECT, models.RESTRICT, models.SET_NULL, models.SET_DEFAULT, models.DO_NOTHING}
    | {getattr(models, name) for name in ("DB_SET_NULL", "DB_SET_DEFAULT") if hasattr(models, name)}
)
# From Django 6.1 the database itself may take rows along. That tells no receiver, but is asked about.
_BY_DATABASE = {"force_collection": True} if hasattr(models, "DB_CASCADE") else {}


def obstacle(
    caller: Caller, dataclass: DataClass, instance: models.Model, alias: str
) -> ErrorItem | None:
    """Why ``instance`` of ``dataclass`` cannot be deleted with all that would go along, or None.

    1560, worded for ``dataclass``, where ``caller`` may not delete a row: what is hidden from him is not
    told. 9031 where there are more rows than can be asked about (``MAX_SCANNED_ENTITIES``). Costs
    nothing where no dataclass can be reached, or each plainly by a permission on its model.
    """
    along = _reachable(type(instance), tuple(registry))
    questionable = frozenset(one for one in along if not _is_plainly_allowed(caller, one))
    if not questionable:
        return None
    collector = _Along(caller, instance, alias, questionable)
    try:
        collector.collect([instance], fail_on_restricted=False)
    except (ProtectedError, RestrictedError):
        pass  # raised by a rule of the site's own: the delete will meet it too
    except _Refused:
        return Action.DELETE.row(dataclass=dataclass.name)
    except _TooMany:
        return CASCADE_TOO_LARGE(limit=collector.limit)
    return None


def takes_its_like(dataclass: DataClass) -> bool:
    """Whether an entity of ``dataclass`` may take others of it along."""
    return dataclass in _reachable(dataclass.model, tuple(registry))


def _is_plainly_allowed(caller: Caller, dataclass: DataClass) -> bool:
    kind = type(dataclass)
    return (
        kind.has_delete_permission is DataClass.has_delete_permission
        and kind._has_permission is DataClass._has_permission
        and permissions.may(caller, dataclass, Action.DELETE)
    )


class _Refused(Exception):
    """A row goes along that must not."""


class _TooMany(Exception):
    """More rows go along than can be asked about."""


class _Along(Collector):
    """Gathers what goes along with ``root``, as far as it leads to rows that are in question."""

    def __init__(
        self, caller: Caller, root: models.Model, alias: str, questionable: frozenset[DataClass]
    ) -> None:
        super().__init__(using=alias, origin=root, **_BY_DATABASE)
        self.caller = caller
        self.root = root
        self.limit = current().MAX_SCANNED_ENTITIES
        self.count = -1  # without the root
        self.questionable = questionable
        self.dataclasses = tuple(registry)

    def can_fast_delete(self, objs: Any, from_field: Any = None) -> bool:
        """Whether ``objs``, rows or a model, need not be looked at."""
        if from_field is not None and not _takes_along(from_field.remote_field.on_delete):
            return True
        model: Any = objs if isinstance(objs, type) else getattr(objs, "model", None)
        return model is not None and not self._leads_on(model)

    def _leads_on(self, model: Model) -> bool:
        along = {*_reachable(model, self.dataclasses), *_exposing(model, self.dataclasses)}
        return not self.questionable.isdisjoint(along)

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> Any:
        # So many are too many, whatever of them was met before.
        return super().related_objects(related_model, related_fields, objs)[: self.limit + 2]

    def add(
        self,
        objs: Any,
        source: Any = None,
        nullable: bool = False,
        reverse_dependency: bool = False,
    ) -> list[Any]:
        new: list[Any] = super().add(objs, source, nullable, reverse_dependency)
        if not new or reverse_dependency:  # the way from a child to its parents
            return new
        self.count += len(new)
        if self.count > self.limit:
            raise _TooMany
        model: Any = type(new[0])
        asked = self.questionable.intersection(_exposing(model, self.dataclasses))
        for instance in new:
            if instance is not self.root and not all(
                permissions.may(self.caller, one, Action.DELETE, instance) for one in asked
            ):
                raise _Refused
        return new


@lru_cache(maxsize=1_000)
def _reachable(model: Model, dataclasses: tuple[DataClass, ...]) -> frozenset[DataClass]:
    """Of ``dataclasses`` those whose rows may go along with a row of ``model``."""
    found: set[DataClass] = set()
    seen: set[Model] = set()
    ahead = [model]
    while ahead:
        for one in _taken_along(ahead.pop()):
            if one not in seen:
                seen.add(one)
                ahead.append(one)
                found.update(_exposing(one, dataclasses))
    return frozenset(found)


def _taken_along(model: Model) -> Iterator[Model]:
    """The models whose rows go along with a row of ``model`` in one step."""
    for relation in _relations(model):
        if _takes_along(relation.field.remote_field.on_delete):
            yield relation.related_model
    for field in model._meta.private_fields:
        if hasattr(field, "bulk_related_objects"):
            yield field.related_model


def _relations(model: Model) -> Iterator[Any]:
    """The relations to ``model`` that say what becomes of their rows."""
    return iter(get_candidate_relations_to_delete(model._meta))


def _takes_along(on_delete: Any) -> bool:
    """Whether rows may go; a rule of the site's own may do anything."""
    # What ``SET`` makes needs no rows.
    return on_delete not in _KEEPING and not getattr(on_delete, "lazy_sub_objs", False)


@lru_cache(maxsize=1_000)
def _exposing(model: Model, dataclasses: tuple[DataClass, ...]) -> tuple[DataClass, ...]:
    """The dataclasses whose right it takes to delete a row of ``model``.

    That of the model, else of all its proxies: which of them the row belongs to is not known.
    """
    by_model = _by_concrete_model(dataclasses).get(model._meta.concrete_model or model, [])
    own = [one for one in by_model if not one.model._meta.proxy]
    return tuple(own or by_model)


def _by_concrete_model(dataclasses: Iterable[DataClass]) -> dict[Model, list[DataClass]]:
    found: defaultdict[Model, list[DataClass]] = defaultdict(list)
    for one in dataclasses:
        found[one.model._meta.concrete_model or one.model].append(one)
    return found
