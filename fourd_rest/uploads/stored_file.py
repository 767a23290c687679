"""Where the file of an attribute is stored: found by a read, sent by an answer."""

from __future__ import annotations

from dataclasses import dataclass

from fourd_rest.dataclass.attributes import FileAttribute


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file of one attribute of one entity.

    ``name`` is its name in the field's storage; ``content`` are the bytes of a field that keeps them in
    the row. If both are empty, so is the attribute.
    """

    attribute: FileAttribute
    key: str
    stamp: int
    name: str = ""
    content: bytes = b""
