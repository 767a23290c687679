"""Giving an instance the values of a draft, and having them judged.

The site's own code may stand behind every value: descriptors, setters, ``clean``. What it raises is told
of the entity where it may be due to the value (``site_errors``), and nothing may make another entity of
the instance (D-56).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import FileAttribute
from fourd_rest.errors import READ_ONLY
from fourd_rest.stamps import folded_columns

from . import gate, site_errors
from .context import Context
from .draft import Draft
from .refusal import Refusal


def assign_values(context: Context, instance: models.Model, draft: Draft) -> None:
    """Set the values of ``draft``, and the folded columns that follow from them.

    Raises ``Refusal`` for a value that a field, a descriptor or a setter does not take.
    """
    key = _identity(context.dataclass, instance)
    for attribute, value in draft.change.values.items():
        try:
            setattr(instance, attribute.assigned, value)
        except Exception as error:
            judge_error(context, error, draft, attribute)
            raise
        if not attribute.is_stored:
            # What is written through a setter of the model is known only now.
            _require_same(context.dataclass, instance, draft, key, attribute)
    _require_same(context.dataclass, instance, draft, key)
    try:
        folded_columns.keep(instance)
    except Exception as error:
        judge_error(context, error, draft)
        raise


def assign_files(
    context: Context,
    instance: models.Model,
    draft: Draft,
    files: Mapping[FileAttribute, str | bytes | None],
) -> None:
    """Set ``files``, by attribute what its field holds. Raises ``Refusal`` as ``assign_values`` does."""
    for attribute, value in files.items():
        try:
            setattr(instance, attribute.assigned, value)
        except Exception as error:
            judge_error(context, error, draft, attribute)
            raise


def changed_fields(
    dataclass: DataClass, instance: models.Model, draft: Draft, before: Mapping[str, Any]
) -> set[str]:
    """Names of the fields that differ from ``before``: setters of the model may change any."""
    return {a.source for a in draft.change.attributes if a.is_stored} | {
        field.name
        for field in dataclass.model._meta.concrete_fields
        if instance.__dict__.get(field.attname) is not before.get(field.attname)
    }


def validate(
    context: Context,
    instance: models.Model,
    draft: Draft,
    changed: set[str] | None,
    unknown: set[str] | None = None,
) -> None:
    """Raise ``Refusal`` for what the model's validation does not accept (``gate.validate``)."""
    key = _identity(context.dataclass, instance)
    try:
        gate.validate(instance, changed, unknown)
    except Exception as error:
        judge_error(context, error, draft)
        raise
    _require_same(context.dataclass, instance, draft, key)


def judge_error(
    context: Context, error: Exception, draft: Draft, attribute: Attribute | None = None
) -> None:
    """Raise ``Refusal`` if ``error`` says that a value is refused, or that code cannot take it.

    ``attribute``: whose value it is, if that is known.
    """
    if isinstance(error, ValidationError):
        raise context.answers.invalid(error, draft) from error
    if site_errors.may_be_the_value(error):
        raise context.answers.unfit(error, attribute) from error


def _identity(dataclass: DataClass, instance: models.Model) -> list[Any]:
    """What makes ``instance`` this entity: the key, and with it the links to parents (D-56)."""
    values, columns = instance.__dict__, dataclass.identity_columns
    if len(columns) == 1:
        return [values.get(columns[0])]
    return [values.get(column) for column in columns]


def _require_same(
    dataclass: DataClass,
    instance: models.Model,
    draft: Draft,
    key: list[Any],
    attribute: Attribute | None = None,
) -> None:
    """Refuse what made another entity of ``instance``; ``attribute``: by whose value."""
    if draft.is_new or (now := _identity(dataclass, instance)) == key:
        return
    pairs = zip(dataclass.identity_fields, now, key, strict=True)
    if all(field.to_python(value) == old for field, value, old in pairs):
        return
    attribute = attribute or dataclass.key_attribute
    name = dataclass.name if attribute is None else attribute.name
    raise Refusal(READ_ONLY(attribute=name, dataclass=dataclass.name))
