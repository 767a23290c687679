"""Model validation of what an update changes, and of nothing else.

An old row that is invalid elsewhere stays editable; a constraint that touches a changed field is checked
with all its fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint


def clean(instance: models.Model, changed: set[str] | None, unknown: set[str] | None = None) -> None:
    """Validate the fields named in ``changed``, all of them for a new instance (None).

    Fields in ``unknown`` have no value yet that could be judged.
    Raises ``ValidationError`` with an ``error_dict`` by field name.
    """
    if changed is None:
        instance.full_clean(exclude=unknown)
        return
    errors: dict[str, Any] = {}
    unchanged = {field.name for field in instance._meta.fields} - changed
    try:
        instance.clean_fields(exclude=unchanged)
    except ValidationError as error:
        errors = error.update_error_dict(errors)
    try:
        instance.clean()
    except ValidationError as error:
        errors = _concerning(changed, error).update_error_dict(errors)
    if not errors:
        try:
            instance.validate_unique(exclude=unchanged)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        for broken in _broken_constraints(instance, changed):
            errors = broken.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


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


def _broken_constraints(instance: models.Model, changed: set[str]) -> Iterator[ValidationError]:
    alias = instance._state.db or "default"
    for model, constraints in instance.get_constraints():
        for constraint in constraints:
            if changed.isdisjoint(_fields_of(constraint)):
                continue
            try:
                constraint.validate(model, instance, using=alias)
            except ValidationError as error:
                yield error


def _fields_of(constraint: BaseConstraint) -> set[str]:
    """Names of the fields that ``constraint`` looks at."""
    fields = set(getattr(constraint, "fields", ()))
    for part in (
        *getattr(constraint, "expressions", ()),
        getattr(constraint, "condition", None),
    ):
        fields.update(_names(part))
    return fields


def is_constrained(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    """Whether validating ``field`` asks the database: for uniqueness, relations or constraints."""
    if field.unique or field.is_relation:
        return True
    if any(getattr(field, f"unique_for_{part}", None) for part in ("date", "month", "year")):
        return True
    if any(field.name in names for names in model._meta.unique_together):
        return True
    return any(field.name in _fields_of(item) for item in model._meta.constraints)


def _names(expression: Any) -> Iterator[str]:
    if isinstance(expression, F):
        name: str = expression.name  # type: ignore[attr-defined]
        yield name.partition("__")[0]
    elif isinstance(expression, Q):
        for child in expression.children:
            if isinstance(child, tuple):
                yield child[0].partition("__")[0]
                yield from _names(child[1])
            else:
                yield from _names(child)
    elif hasattr(expression, "get_source_expressions"):
        for source in expression.get_source_expressions():
            yield from _names(source)
