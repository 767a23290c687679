"""Addresses that answers hand out, as far as keywords stand in them; see also ``address.key_text``.

All begin with a slash and follow the mount prefix or the address of an entity.
"""

from __future__ import annotations


def of_description(name: str) -> str:
    """Where the catalog tells about the dataclass ``name``."""
    return f"/$catalog/{name}"


def of_set(name: str, wire_id: str) -> str:
    """Where an entity set of the dataclass ``name`` is."""
    return f"/{name}/$entityset/{wire_id}"


def of_relation(name: str) -> str:
    """Where the relation ``name`` of an entity is expanded."""
    return f"/{name}?$expand={name}"


def of_image(name: str) -> tuple[str, str]:
    """Where the image ``name`` of an entity is: what stands before the stamp, and after it."""
    return f"/{name}?$imageformat=best&$version=", f"&$expand={name}"


def of_blob(name: str) -> tuple[str, str]:
    """Where the BLOB ``name`` of an entity is, as ``of_image``."""
    return f"/{name}?$binary=true&$version=", f"&$expand={name}"
