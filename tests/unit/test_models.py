"""What the rows of this app are called, for administrators and logs."""

from __future__ import annotations

import uuid

import pytest
from django.db import models

from fourd_rest.models import (
    BlobAttachment,
    ConvertedPicture,
    EntitySet,
    EntitySetChunk,
    EntityStamp,
    UploadedBlob,
)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (EntityStamp(dataclass="hr.employee", key="12", stamp=4), "hr.employee 12: 4"),
        (UploadedBlob(id=uuid.UUID(int=171)), "000000000000000000000000000000AB"),
        (ConvertedPicture(source_name="a.png", format="GIF", box="4x4"), "a.png GIF 4x4"),
        (ConvertedPicture(source_name="a.png", format="GIF"), "a.png GIF"),
        (BlobAttachment(model="hr.employee", key="12", field="photo"), "hr.employee 12 photo"),
        (EntitySet(id="AB", dataclass="Employee"), "Employee AB"),
        (EntitySetChunk(entity_set_id="AB", number=2), "AB 2"),
    ],
)
def test_names(row: models.Model, name: str) -> None:
    assert str(row) == name
