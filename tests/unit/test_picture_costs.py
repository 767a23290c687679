"""No file costs more than is allowed: the worst of every kind, each verified in a process of its own.

The bounds are those of ``docs/reliability.md``: 3 s of CPU and 300 MB.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fourd_rest.conf import DEFAULTS
from fourd_rest.errors import RestError
from fourd_rest.pictures.verification import FORMATS, Picture, verify

from . import heavy_pictures
from .heavy_pictures import FILES, MIB
from .weighing import weigh

MAX_CPU = 3.0
MAX_MEMORY = 300_000_000
# Read to its end, where it turns out to be no picture.
ENDLESS = ["BMP ends of lines, most"]
# Of 3 MiB they take the longest of all, where nothing stops them.
SHORT = ["JPEG EXIF segments", "JPEG fill", "PNG texts", "PNG EXIF", "TIFF strips", "WEBP EXIF"]


def check(data: bytes, **limits: Any) -> Picture:
    given = {"max_pixels": DEFAULTS.MAX_PICTURE_PIXELS, "max_memory": DEFAULTS.MAX_PICTURE_MEMORY}
    return verify(io.BytesIO(data), formats=sorted(FORMATS), **given | limits)


def reason(data: bytes, **limits: Any) -> str:
    with pytest.raises(RestError) as caught:
        check(data, **limits)
    return caught.value.items[-1].message


def assert_cheap(path: Path) -> dict[str, Any]:
    found = weigh(path)
    assert found["cpu"] < MAX_CPU, found
    assert found["memory"] < MAX_MEMORY, found
    return found


@pytest.mark.parametrize("name", SHORT)
def test_small_files_that_cost_most(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(FILES[name](3 * MIB))
    assert_cheap(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FILES))
def test_no_file_costs_more(name: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(FILES[name](DEFAULTS.MAX_UPLOAD_SIZE))
    found = assert_cheap(path)
    if name.endswith(", most") and name not in ENDLESS:
        assert found["answer"] == "accepted", found


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("JPEG EXIF segments", "it has too many segments of metadata"),
        ("JPEG segments", "it has more than 2000 segments"),
        ("JPEG tables", "it has too many tables"),
        ("JPEG Photoshop", "it has too many segments of metadata"),
        ("JPEG junk", "too much stands between its segments"),
        ("JPEG fill", "too much stands between its segments"),
        ("PNG texts", "what it holds beside its pixels takes too much memory"),
        ("PNG texts behind", "what it holds beside its pixels takes too much memory"),
        ("PNG text", "a text in it is larger than 1048576 bytes"),
        ("PNG EXIF", "its EXIF data are larger than 1048576 bytes"),
        ("PNG EXIF behind", "its EXIF data are larger than 1048576 bytes"),
        ("PNG private chunks", "it has too many chunks"),
        ("PNG excess", "it holds more data than its pixels need"),
        ("TIFF strips", "it has more than 65536 strips"),
        ("TIFF strips of four", "it has more than 65536 strips"),
        ("TIFF strips beyond", "it has more strips than its size asks for"),
        ("TIFF resolutions", "its tags hold too many numbers"),
        ("TIFF bits", "its tags hold too many numbers"),
        ("TIFF XMP as numbers", "its tags hold too many numbers"),
        ("TIFF EXIF", "its tags hold too many numbers"),
        ("TIFF overlap", "it has too many tags"),
        ("TIFF directory", "it has too many tags"),
        ("GIF small comments", "it holds too much besides pictures"),
        ("WEBP EXIF", "its EXIF data are larger than 1048576 bytes"),
    ],
)
def test_the_message_says_why(name: str, why: str) -> None:
    assert reason(FILES[name](5 * MIB)) == f"The picture is not accepted: {why}"


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("WEBP", "1.2"),
        ("GIF", "6.7"),
        ("PNG", "5.0"),
        ("JPEG", "100.0"),
        ("TIFF", "4.9"),
        ("BMP", "5.0"),
    ],
)
def test_pixels_follow_from_memory(name: str, limit: str) -> None:
    """Each format takes its own number of bytes per pixel."""
    options = {"TIFF": {"compression": "tiff_lzw"}}.get(name, {})
    data = heavy_pictures._saved(heavy_pictures.flat(4_000, 1_800), name, **options)
    told = reason(data, max_memory=26_000_000, max_pixels=10**9) if name not in ("JPEG", "GIF") else ""
    if told:
        assert told == (
            f"The picture is not accepted: it is larger than {limit} megapixels,"
            f" the limit for {name} of this kind"
        )
    else:
        assert check(data, max_memory=26_000_000).width == 4_000


def test_what_is_turned_at_once_takes_twice() -> None:
    turned = heavy_pictures.tiff_turned(0, side=1_000)
    plain = heavy_pictures._saved(heavy_pictures.flat(1_000, 1_000), "TIFF", compression="tiff_lzw")
    limit = 6_000_000 + 5_000_000 + 2 * len(turned)
    assert check(plain, max_memory=limit).width == 1_000
    assert "megapixels" in reason(turned, max_memory=limit)


def test_frames_that_restore_the_screen_take_more() -> None:
    """An animation keeps the screen several times, a still picture once."""
    side, limit = 1_000, 6_000_000 + 10_000_000
    assert check(heavy_pictures.gif_flat(0, side=side), max_memory=limit).frames == 1
    assert "megapixels" in reason(heavy_pictures.gif_frames(0, side=side, count=2), max_memory=limit)
    page = heavy_pictures.flat(side, side)
    assert check(heavy_pictures._saved(page, "PNG"), max_memory=limit).frames == 1
    moving = {"save_all": True, "append_images": [heavy_pictures.flat(side, side, "RGB").rotate(5)]}
    assert "megapixels" in reason(heavy_pictures._saved(page, "PNG", **moving), max_memory=limit)


def test_values_that_lie_above_each_other() -> None:
    """However small the file is, there is never more of them than there is file."""
    rest = bytes(4_000)
    for count, taken in ((1, True), (2, False)):
        tags = heavy_pictures.tiff_tags() | dict.fromkeys(range(40_000, 40_000 + count), (7, 4_000, 8))
        data = heavy_pictures.tiff(tags, rest)
        if taken:
            assert check(data).width == 1
        else:
            assert reason(data).endswith("its tags are larger than the file")


def test_metadata_of_usual_size_are_accepted() -> None:
    """Profiles, XMP, comments, EXIF data: as much of them as cameras and programs write."""
    exif = Image.Exif()
    exif[0x010F] = "x" * 60_000
    image = heavy_pictures.flat(64, 64)
    profile = bytes(600_000)
    for name, options in {
        "JPEG": {"exif": exif, "icc_profile": profile, "comment": b"x" * 60_000, "xmp": b"x" * 60_000},
        "PNG": {"exif": exif, "icc_profile": profile},
        "TIFF": {"exif": exif, "icc_profile": profile},
        "WEBP": {"exif": exif.tobytes(), "icc_profile": profile, "xmp": b"x" * 900_000},
        "GIF": {"comment": b"x" * 60_000},
    }.items():
        assert check(heavy_pictures._saved(image, name, **options)).width == 64, name


def test_tiles() -> None:
    """As many as the size asks for, cut at its edges."""
    size = 16 * 16
    for count, taken in ((6, True), (7, False)):
        tags = heavy_pictures.tiff_tags(40, 20)
        for tag in (273, 278, 279):
            del tags[tag]
        tags |= {322: heavy_pictures._long(16), 323: heavy_pictures._long(16)}
        tags |= {324: heavy_pictures._long(*[8] * count), 325: heavy_pictures._long(*[size] * count)}
        data = heavy_pictures.tiff(tags, bytes(size))
        if taken:
            assert check(data).width == 40
        else:
            assert reason(data).endswith("it has more strips than its size asks for")


def test_big_tiff() -> None:
    image = heavy_pictures.flat(64, 48)
    data = heavy_pictures._saved(image, "TIFF", big_tiff=True)
    assert data[2] == 43
    assert check(data).height == 48


def test_many_pages_with_palettes() -> None:
    page = heavy_pictures.flat(8, 8).quantize(64)
    data = heavy_pictures._saved(page, "TIFF", save_all=True, append_images=[page] * 799)
    assert check(data).frames == 800


def test_fill_bytes_of_a_jpeg() -> None:
    """Some encoders align segments."""
    assert check(heavy_pictures.jpeg_junk(b"\xff", 60_000)).width == 64
