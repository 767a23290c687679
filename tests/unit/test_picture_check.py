"""The file of an upload while it is decoded: whose fault an error is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from fourd_rest.errors import STORAGE_FAILED, RestError
from fourd_rest.models import UploadedBlob
from fourd_rest.uploads import picture_check
from tests.conftest import picture


def packed_tiff() -> bytes:
    """Decoded by libtiff, which asks for a file descriptor."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, "TIFF", compression="tiff_lzw")
    return out.getvalue()


def test_a_file_with_a_descriptor_and_one_without(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(packed_tiff())
    with path.open("rb") as file:
        for each in (file, io.BytesIO(packed_tiff())):
            blob = UploadedBlob()
            picture_check.check_picture(blob, each)
            assert (blob.detected_type, blob.width, blob.height) == ("image/tiff", 8, 6)


class Lost(io.BytesIO):
    """A file whose storage is gone when the pixels of a BMP are read."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= 54:
            raise OSError("the network is down")
        return super().read(size)


def test_a_storage_that_fails_is_not_the_pictures_fault() -> None:
    blob = UploadedBlob()
    data = picture("BMP", (40, 40))
    with pytest.raises(RestError) as caught:
        picture_check.check_picture(blob, Lost(data))
    assert (caught.value.items[0].row, blob.refusal) == (STORAGE_FAILED, "")


def test_a_picture_that_points_before_its_beginning() -> None:
    """A decoder may ask for what no file has: that is no error of the storage."""
    watched = picture_check._Watched(io.BytesIO(b"abc"))
    with pytest.raises(ValueError, match="negative seek value"):
        watched.seek(-1)
    assert watched.error is None
