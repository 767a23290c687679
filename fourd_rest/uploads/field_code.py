"""File fields with code of their own between the file and its storage (D-54 is for all others).

A field may make a picture smaller, remove its position, or write files beside it, while Django saves the
field. Here such a field does the same: the upload is assigned, and the field's ``pre_save`` runs, before
the transaction, on the instance that ``upload_to`` gets too.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import Storage
from django.db import models
from django.db.models.fields.files import FieldFile, FileDescriptor, ImageFieldFile
from django.utils.functional import LazyObject

from fourd_rest.errors import logger
from fourd_rest.models import UploadedBlob
from fourd_rest.pictures import file_types
from fourd_rest.storage import upload_storage

from .intents import BeatingFile, Intents

_PLAIN_SAVES = (FieldFile.save, ImageFieldFile.save)
_PLAIN_DELETES = (FieldFile.delete, ImageFieldFile.delete)


class FieldRefused(Exception):
    """A field does not take the file; the text says why."""


@dataclass(frozen=True, slots=True)
class SavedFile:
    """What a field has saved: the name the entity gets, and values of other fields by attribute name."""

    name: str
    changes: Mapping[str, Any]


def has_own_code(field: Any) -> bool:
    """Whether code that is not Django's stands between a file and the storage of ``field``."""
    return isinstance(field, models.FileField) and (
        type(field).pre_save is not models.FileField.pre_save
        or getattr(field.attr_class, "save", None) not in _PLAIN_SAVES
    )


def processes(field: Any) -> bool:
    """Whether ``field`` has own code and can be made to run it: assigned files must become its own."""
    return (
        has_own_code(field)
        and issubclass(field.attr_class, FieldFile)
        and issubclass(field.descriptor_class, FileDescriptor)
    )


def save(field: Any, instance: models.Model, blob: UploadedBlob, intents: Intents) -> SavedFile:
    """Let ``field`` save the file of ``blob`` for ``instance``, which itself is not saved.

    Raises ``FieldRefused`` for what the field's own code raises, and what storages raise.
    """
    before = dict(instance.__dict__)
    with upload_storage().open(blob.name) as file:
        given = BeatingFile(file, plain_name(file), intents.beat)
        setattr(instance, field.attname, given)
        assigned: FieldFile = getattr(instance, field.attname)
        recording = _Recording(field.storage, intents)
        assigned.storage = recording  # type: ignore[assignment]
        try:
            value = field.pre_save(instance, instance._state.adding)
        except ValidationError as error:
            raise FieldRefused(" ".join(error.messages)) from error
        except Exception as error:
            if recording.failed or given.error is not None:
                raise
            logger.warning("%s cannot take upload %s", field, blob.wire_id, exc_info=True)
            raise FieldRefused("the file cannot be processed") from error
    name = str(value)
    if not name:
        raise FieldRefused("the file cannot be processed")
    return SavedFile(name, _changes(field, instance, before))


def plain_name(file: Any) -> str:
    """A unique name with the extension for the content of ``file``, which is left at its start."""
    extension = file_types.detect(file.read(file_types.HEAD_SIZE))[1]
    file.seek(0)
    return f"{uuid.uuid4().hex}{extension}"


def _changes(field: Any, instance: models.Model, before: Mapping[str, Any]) -> dict[str, Any]:
    """What the field has written into other fields: sizes, hashes, points of interest."""
    others = (other.attname for other in instance._meta.concrete_fields if other is not field)
    return {
        name: instance.__dict__[name]
        for name in others
        if name in instance.__dict__ and instance.__dict__[name] is not before.get(name)
    }


def deleter(file: FieldFile) -> Any:
    """An object whose ``delete(name)`` removes ``file``: its storage, or the field's own code.

    That code also removes what it has written beside the file.
    """
    return file.storage if type(file).delete in _PLAIN_DELETES else _Deleter(file)


class _Deleter:
    def __init__(self, file: FieldFile) -> None:
        # Deleting empties the attribute of the instance: use a copy of the one that was saved.
        instance = copy.copy(file.instance)
        self._file = type(file)(instance, file.field, file.name)

    def delete(self, name: str) -> None:
        self._file.delete(save=False)


class _Recording(LazyObject):  # type: ignore[type-arg]
    """A storage that notes every name before it is written; ``isinstance`` takes it for the storage."""

    def __init__(self, storage: Storage, intents: Intents) -> None:
        super().__init__()
        self._wrapped = storage
        # Any other attribute is set on the storage itself.
        self.__dict__["_intents"] = intents
        self.__dict__["failed"] = False

    def _setup(self) -> None:
        """There is nothing to wait for."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        # The base class' method never names an existing file, also where a storage would overwrite it.
        free = Storage.get_available_name(self._wrapped, name or content.name, max_length=max_length)
        intents: Intents = self.__dict__["_intents"]
        intent = intents.note(free)
        try:
            saved: str = self._wrapped.save(free, content, max_length=max_length)
        except Exception:
            self.__dict__["failed"] = True
            raise
        intents.rename(intent, saved)
        return saved

    def open(self, name: str, mode: str = "rb") -> Any:
        if not mode.startswith("r") or "+" in mode:
            self.__dict__["_intents"].of(name)
        return self._wrapped.open(name, mode)
