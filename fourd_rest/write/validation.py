"""Model validation of what an update changes, and of nothing else.

An old row that is invalid elsewhere stays editable; a constraint that touches a changed field is checked
with all its fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import F, Lookup, Q, Value
from django.db.models.constraints import BaseConstraint


def clean(instance: models.Model, changed: set[str] | None, unknown: set[str] | None = None) -> None:
    """Validate the fields named in ``changed``, all of them for a new instance (None).

    Fields in ``unknown`` have no value yet that could be judged.
    Raises ``ValidationError`` with an ``error_dict`` by field name.
    """
    if changed is None:
        instance.full_clean(exclude=unknown)
        return
    errors = _value_errors(instance, changed, changed)
    if not errors:
        try:
            instance.validate_unique(exclude=set(_unjudged(instance, changed)))
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        for broken in _broken_constraints(instance, changed):
            errors = broken.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def clean_values(instance: models.Model, changed: set[str] | None, unknown: set[str]) -> None:
    """Validate as ``clean`` does, as far as no database need be asked: values, and ``Model.clean``."""
    related = {field.name for field in instance._meta.fields if field.is_relation}
    changed = set(_field_names(type(instance))) if changed is None else changed
    errors = _value_errors(instance, changed, changed - related - unknown)
    if errors:
        raise ValidationError(errors)


def _value_errors(instance: models.Model, changed: set[str], judged: set[str]) -> dict[str, Any]:
    """What the ``judged`` of the ``changed`` fields refuse, and ``Model.clean`` of the changed ones."""
    errors: dict[str, Any] = {}
    try:
        instance.clean_fields(exclude=set(_field_names(type(instance)) - judged))
    except ValidationError as error:
        errors = error.update_error_dict(errors)
    try:
        instance.clean()
    except ValidationError as error:
        errors = _concerning(changed, error).update_error_dict(errors)
    return errors


def _concerning(changed: set[str], error: ValidationError) -> ValidationError:
    """What ``Model.clean`` says of changed fields or of the whole; the rest was so before."""
    if not hasattr(error, "error_dict"):
        return error
    kept = {
        name: items
        for name, items in error.error_dict.items()
        if name in changed or name == NON_FIELD_ERRORS
    }
    return ValidationError(kept)


def _unjudged(instance: models.Model, changed: set[str]) -> frozenset[str]:
    """The fields whose uniqueness cannot have changed.

    A rule over several fields is judged where one of them changes, and Django judges none of which a
    field is excluded.
    """
    judged = changed
    for rule in _unique_rules(type(instance)):
        if not changed.isdisjoint(rule):
            judged = judged | rule
    return _field_names(type(instance)) - judged


# The rules of a class do not change, and every update asks for them.
@cache
def _unique_rules(model: type[models.Model]) -> tuple[frozenset[str], ...]:
    """The fields that are unique together, and those that are within the period of another."""
    rules = []
    for owner in (model, *model._meta.all_parents):
        rules += [frozenset(names) for names in owner._meta.unique_together]
        for field in owner._meta.local_fields:
            for period in ("date", "month", "year"):
                if other := getattr(field, f"unique_for_{period}", None):
                    rules.append(frozenset({field.name, other}))
    return tuple(rules)


@cache
def _field_names(model: type[models.Model]) -> frozenset[str]:
    return frozenset(field.name for field in model._meta.fields)


def _broken_constraints(instance: models.Model, changed: set[str]) -> Iterator[ValidationError]:
    alias = instance._state.db or "default"
    for model, constraints in instance.get_constraints():
        for constraint in constraints:
            fields = _fields_of(constraint, model)
            if fields is not None and changed.isdisjoint(fields):
                continue
            try:
                constraint.validate(model, instance, using=alias)
            except ValidationError as error:
                yield error
            except NotImplementedError:
                continue  # only the database can judge it


def is_constrained(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    """Whether validating ``field`` asks the database: for uniqueness, relations or constraints."""
    if field.unique or field.is_relation:
        return True
    if any(field.name in rule for rule in _unique_rules(model)):
        return True
    constrained = [_fields_of(item, model) for item in model._meta.constraints]
    return any(names is None or field.name in names for names in constrained)


class _UntoldError(Exception):
    """An expression that does not say which fields it looks at."""


def _fields_of(constraint: BaseConstraint, model: type[models.Model]) -> set[str] | None:
    """Names of the fields that a constraint of ``model`` looks at; None where nobody can tell."""
    if not type(constraint).validate.__module__.startswith("django."):
        return None
    parts: list[Any] = [*getattr(constraint, "fields", ()), getattr(constraint, "condition", None)]
    for part in getattr(constraint, "expressions", ()):
        # Those of exclusions come with an operator each.
        parts.append(part[0] if isinstance(part, (list, tuple)) else part)
    try:
        return {
            name for part in parts for name in _names(F(part) if isinstance(part, str) else part, model)
        }
    except _UntoldError:
        return None


def _names(expression: Any, model: type[models.Model]) -> Iterator[str]:
    if isinstance(expression, F):
        yield from _looked_at(expression.name, model)  # type: ignore[attr-defined]
    elif isinstance(expression, Q):
        yield from _names_of_conditions(expression, model)
    elif isinstance(expression, Lookup):
        yield from _names([expression.lhs, expression.rhs], model)
    elif isinstance(expression, (list, tuple)):
        for item in expression:
            yield from _names(item, model)
    elif hasattr(expression, "get_source_expressions") and not isinstance(expression, Value):
        sources: Iterable[Any] = expression.get_source_expressions()
        if not sources:
            raise _UntoldError  # SQL of the site's own may name any column
        for source in sources:
            yield from _names(source, model)


def _names_of_conditions(conditions: Q, model: type[models.Model]) -> Iterator[str]:
    for child in conditions.children:
        if isinstance(child, tuple):
            yield from _looked_at(child[0], model)
            yield from _names(child[1], model)
        else:
            yield from _names(child, model)


def _looked_at(lookup: str, model: type[models.Model]) -> Iterator[str]:
    """The field that a lookup begins with, and those that it is generated from."""
    name = lookup.partition("__")[0]
    try:
        field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise _UntoldError from error
    yield field.name
    if getattr(field, "generated", False):
        yield from _names(field.expression, model)
