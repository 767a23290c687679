"""Where the file of an attribute is: what a read finds, and an answer sends."""

from __future__ import annotations

from dataclasses import dataclass

from fourd_rest.dataclass.attributes import FileAttribute


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file of one attribute of one entity.

    ``name`` is its name in the field's storage, if it has one there; ``content`` holds the bytes that
    are kept in the row itself. Both empty: the attribute is.
    """

    attribute: FileAttribute
    key: str
    stamp: int
    name: str = ""
    content: bytes = b""
