"""The files of an entity that is saved: copies made before, files that nobody needs afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from django.core.files.storage import Storage
from django.db import models

from fourd_rest.dataclass.attributes import FileAttribute
from fourd_rest.errors import RestError
from fourd_rest.sql.transactions import delete_after_commit
from fourd_rest.uploads import attach, field_code

from .assignment import assign_files, assign_values
from .context import Context
from .draft import Draft
from .refusal import Refusal

# By column a storage and the name of a file in it.
Files: TypeAlias = dict[str, tuple[Storage, str]]


def place(context: Context, draft: Draft, instance: models.Model | None) -> None:
    """Copy the uploads of ``draft`` to where ``instance`` keeps its files. No transaction may be open.

    The instance gets the values of ``draft``; None where no file asks for it. Raises ``Refusal``.
    """
    if instance is not None:
        # ``upload_to`` may look at any field of the instance.
        assign(context, instance, draft)
    dataclass, alias = context.dataclass, context.alias
    for attribute, blob in draft.change.files.items():
        if blob is None:
            continue
        try:
            placed = attach.copy_upload(dataclass, attribute, instance, blob, alias=alias)
        except RestError as error:
            raise Refusal.of(error) from error
        draft.placed.append(placed)


def discard(drafts: Iterable[Draft]) -> None:
    """Undo ``place`` for drafts that are not saved, and for those nested in them."""
    for draft in drafts:
        for placed in draft.placed:
            attach.discard(placed)
        draft.placed = []
        discard(nested.draft for nested in draft.nested)


def assign(context: Context, instance: models.Model, draft: Draft) -> None:
    """Set the values of ``draft`` and its files that are placed; others are emptied.

    Raises ``Refusal`` as ``assign_values`` does.
    """
    assign_values(context, instance, draft)
    files: dict[FileAttribute, str | bytes | None] = {
        attribute: empty(attribute) for attribute in draft.change.files
    }
    files |= {item.attribute: item.value for item in draft.placed}
    assign_files(context, instance, draft, files)
    for item in draft.placed:
        for name, value in item.changes.items():
            setattr(instance, name, value)


def empty(attribute: FileAttribute) -> str | bytes | None:
    """What an emptied file attribute holds: no name, or no bytes."""
    return None if attribute.may_be_null else attribute.nothing


def fulfil(context: Context, draft: Draft, instance: models.Model) -> None:
    """Record the placed files of ``draft`` as those of ``instance``. Raises ``Refusal`` 9015."""
    try:
        for placed in draft.placed:
            attach.record(placed, context.dataclass.key_to_wire(instance.pk))
    except RestError as error:
        raise Refusal.of(error) from error


def replaced(context: Context, draft: Draft, instance: models.Model) -> Files:
    """The files that ``draft`` takes the places of, if the dataclass has them deleted.

    ``instance`` still holds them.
    """
    if not context.dataclass.delete_replaced_files:
        return {}
    names = [a.field.attname for a in draft.change.files if not a.holds_bytes]
    files = {name: file for name in names if (file := getattr(instance, name))}
    return {name: (field_code.deleter(file), file.name) for name, file in files.items()}


def delete_replaced(context: Context, instance: models.Model, files: Mapping[str, Any]) -> None:
    """Delete ``files`` once all is committed, if the row of ``instance`` names them no more.

    The site's own save may have kept them.
    """
    if not files:
        return
    rows: models.QuerySet[Any] = models.QuerySet(context.dataclass.model, using=context.alias)
    row = rows.filter(pk=instance.pk).values(*files).first() or {}
    left = [file for name, file in files.items() if row.get(name) != file[1]]
    delete_after_commit(left, context.alias)
