"""File fields whose own code an upload would by-pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning, register

from fourd_rest.dataclass import registry
from fourd_rest.uploads.field_code import has_own_code, processes


@register("fourd_rest")
def check_file_fields(**kwargs: Any) -> list[CheckMessage]:
    """File fields whose own code cannot be run for an upload (W041)."""
    return list(_by_passed())


def _by_passed() -> Iterator[CheckMessage]:
    for dataclass in registry:
        for attribute in dataclass.file_attributes:
            field: Any = attribute.field
            if has_own_code(field) and not processes(field):
                yield Warning(
                    f"Uploads are given to {field} as they are: its own code cannot be made to run",
                    hint="Make its attr_class a FieldFile and its descriptor a FileDescriptor, or leave "
                    f"it out with exclude=[{field.name!r}].",
                    obj=dataclass.model,
                    id="fourd_rest.W041",
                )
