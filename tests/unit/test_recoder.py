"""Pictures in other formats and sizes: what is made of what."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageSequence, PngImagePlugin, TiffImagePlugin
from PIL.JpegImagePlugin import JpegImageFile

from fourd_rest.errors import NOT_A_PICTURE, RestError
from fourd_rest.pictures import recoder
from fourd_rest.pictures.recoder import TARGETS, recode
from fourd_rest.pictures.verification import FORMATS

from .heavy_pictures import _PIXEL, chunk, png
from .test_pictures import WRITABLE, image, save

ALL = tuple(sorted(FORMATS))
MEMORY = 300_000_000
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255,) * 3, (0,) * 3
LOSSY = frozenset({"AVIF", "JPEG", "WEBP"})


def made(data: bytes, target: str, box: Any = None, **options: Any) -> Image.Image:
    """What ``data`` becomes, decoded."""
    out = io.BytesIO()
    options = {"formats": ALL, "max_pixels": 1_000_000, "max_memory": MEMORY} | options
    recode(io.BytesIO(data), out, target=target, box=box, **options)
    picture = Image.open(io.BytesIO(out.getvalue()))
    picture.load()
    assert picture.format == target
    return picture


def refused(data: bytes, target: str, **options: Any) -> BaseException:
    with pytest.raises(RestError) as caught:
        made(data, target, **options)
    assert [item.row for item in caught.value.items] == [NOT_A_PICTURE]
    assert caught.value.__cause__ is not None
    return caught.value.__cause__


def near(found: Any, expected: Any, target: str = "JPEG") -> bool:
    tolerance = 24 if target in LOSSY else 0
    return all(abs(one - other) <= tolerance for one, other in zip(found, expected, strict=True))


def flag(mode: str = "RGB", size: tuple[int, int] = (64, 32)) -> Image.Image:
    """Four quarters in four colours, from left to right: red and green above, blue and white below."""
    picture = Image.new(mode, size, WHITE)
    width, height = size[0] // 2, size[1] // 2
    picture.paste(RED, (0, 0, width, height))
    picture.paste(GREEN, (width, 0, 2 * width, height))
    picture.paste(BLUE, (0, height, width, 2 * height))
    return picture


def quarters(picture: Image.Image) -> list[tuple[int, ...]]:
    across, down = picture.width // 4, picture.height // 4
    colours = picture.convert("RGB")
    spots = [(across, down), (3 * across, down), (across, 3 * down), (3 * across, 3 * down)]
    return [colours.getpixel(spot) for spot in spots]  # type: ignore[misc]


def test_the_targets() -> None:
    assert {"AVIF", "GIF", "JPEG", "PNG", "TIFF", "WEBP"} == TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize(("name", "mode"), WRITABLE)
def test_every_mode_of_every_format_becomes_every_target(name: str, mode: str, target: str) -> None:
    data = save(image(mode), name)
    assert made(data, target).size == (150, 100)
    small = made(data, target, (60, 60))
    assert small.size == (60, 40)
    assert any(high > 0 for _, high in _bands(small))


def _bands(picture: Image.Image) -> list[Any]:
    return list(picture.convert("RGB").getextrema())


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize("source", ["PNG", "BMP", "TIFF", "GIF"])
def test_the_picture_is_the_same(source: str, target: str) -> None:
    found = quarters(made(save(flag(), source), target))
    for colour, expected in zip(found, (RED, GREEN, BLUE, WHITE), strict=True):
        assert near(colour, expected, target)


@pytest.mark.parametrize("target", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16"])
def test_nothing_is_lost_where_nothing_must(mode: str, target: str) -> None:
    picture = image(mode)
    found = made(save(picture, "TIFF"), target)
    assert (found.mode, found.tobytes()) == (mode, picture.tobytes())


def test_a_palette_stays_one() -> None:
    source = image("P")
    found = made(save(source, "BMP"), "PNG")
    assert found.mode == "P"
    assert found.convert("RGB").tobytes() == source.convert("RGB").tobytes()


def test_few_colours_are_kept_exactly_in_a_gif() -> None:
    source = Image.new("RGB", (16, 16))
    source.putdata([(index % 255, 7 * (index % 255) % 256, 9) for index in range(256)])
    found = made(save(source, "PNG"), "GIF")
    assert found.convert("RGB").tobytes() == source.tobytes()


# Sizes.


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((75, 75), (75, 50)),
        ((75, 10), (15, 10)),
        ((1, 1), (1, 1)),
        ((150, 100), (150, 100)),
        ((4096, 4096), (150, 100)),
        ((149, 4096), (149, 99)),
    ],
)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
def test_a_box(source: str, box: tuple[int, int], expected: tuple[int, int]) -> None:
    assert made(save(image(), source), "PNG", box).size == expected


def test_a_thin_picture_keeps_a_pixel() -> None:
    assert made(save(image(size=(900, 2)), "PNG"), "PNG", (90, 90)).size == (90, 1)


def test_a_jpeg_is_decoded_no_larger_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    load = JpegImageFile.load

    def watch(self: JpegImageFile) -> Any:
        result = load(self)
        seen.append(self.size)
        return result

    monkeypatch.setattr(JpegImageFile, "load", watch)
    data = save(image(size=(1600, 800)), "JPEG")
    recode(
        io.BytesIO(data),
        io.BytesIO(),
        target="JPEG",
        box=(100, 100),
        formats=ALL,
        max_pixels=2_000_000,
        max_memory=MEMORY,
    )
    assert set(seen) == {(200, 100)}


# Orientation.


def turned(source: str, orientation: int, size: tuple[int, int] = (64, 32)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a secret place"
    picture = flag(size=size)
    if source == "TIFF":
        return save(picture, "TIFF", tiffinfo=exif)
    return save(picture, source, exif=exif)


# The colours of the quarters after each turn (TIFF 6.0, «Orientation»).
TURNED = {
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    4: (BLUE, WHITE, RED, GREEN),
    5: (RED, BLUE, GREEN, WHITE),
    6: (BLUE, RED, WHITE, GREEN),
    7: (WHITE, GREEN, BLUE, RED),
    8: (GREEN, WHITE, RED, BLUE),
}


def test_exif_data_that_cannot_be_read() -> None:
    """They turn nothing, and the picture is taken."""
    data = png(_PIXEL, chunk(b"eXIf", b"no EXIF data at all"))
    assert made(data, "GIF").size == (1, 1)


@pytest.mark.parametrize("box", [None, (16, 16)])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_orientation(orientation: int, source: str, box: Any) -> None:
    found = made(turned(source, orientation), "PNG", box)
    longer, shorter = (64, 32) if box is None else (16, 8)
    assert found.size == ((longer, shorter) if orientation < 5 else (shorter, longer))
    for colour, expected in zip(quarters(found), TURNED[orientation], strict=True):
        assert near(colour, expected)


@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
def test_a_box_is_for_the_turned_picture(source: str) -> None:
    assert made(turned(source, 6), "PNG", (64, 16)).size == (8, 16)
    assert made(turned(source, 6), "PNG", (8, 64)).size == (8, 16)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist(orientation: int) -> None:
    assert near(quarters(made(turned("JPEG", orientation), "PNG"))[0], RED)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_exif_that_cannot_be_read() -> None:
    data = save(flag(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert near(quarters(made(data, "PNG"))[0], RED)


# Transparency.


def glass(mode: str = "RGBA") -> Image.Image:
    """The flag, whose red quarter is half and whose green one is wholly transparent."""
    picture = flag("RGB").convert("RGBA")
    picture.paste((*RED, 128), (0, 0, 32, 16))
    picture.paste((*GREEN, 0), (32, 0, 64, 16))
    return picture.convert(mode)


@pytest.mark.parametrize("source", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("box", [None, (32, 32)])
def test_a_jpeg_lies_on_white(source: str, box: Any) -> None:
    options = {"lossless": True} if source == "WEBP" else {}
    found = made(save(glass(), source, **options), "JPEG", box)
    assert found.mode == "RGB"
    for colour, expected in zip(quarters(found), ((255, 127, 127), WHITE, BLUE, WHITE), strict=True):
        assert near(colour, expected)


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_other_kinds_of_transparency_lie_on_white(mode: str) -> None:
    if mode == "LA":
        picture = Image.new("LA", (8, 8), (0, 0))
        data = save(picture, "PNG")
    else:
        data = save(Image.new("P", (8, 8), 0), "PNG", transparency=0)
    assert made(data, "JPEG").convert("RGB").getpixel((4, 4)) == WHITE


@pytest.mark.parametrize(("mode", "key"), [("L", 0), ("RGB", BLACK)])
@pytest.mark.parametrize("box", [None, (4, 4)])
def test_a_transparent_colour(mode: str, key: Any, box: Any) -> None:
    data = save(Image.new(mode, (8, 8), key), "PNG", transparency=key)
    assert made(data, "JPEG", box).convert("RGB").getpixel((2, 2)) == WHITE
    assert made(data, "PNG", box).convert("RGBA").getpixel((2, 2))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("target", ["PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("box", [None, (32, 32)])
def test_transparency_is_kept_where_it_can_be(target: str, box: Any) -> None:
    found = made(save(glass(), "PNG"), target, box)
    assert found.mode == "RGBA"
    alpha = found.getchannel("A")
    across, down = found.width // 4, found.height // 4
    spots = [(across, down), (3 * across, down), (across, 3 * down)]
    assert near([alpha.getpixel(spot) for spot in spots], [128, 0, 255], target)


def test_a_gif_has_holes_and_no_half_ones() -> None:
    found = made(save(glass(), "PNG"), "GIF").convert("RGBA")
    assert [found.getpixel(spot) for spot in ((16, 8), (48, 8), (16, 24), (48, 24))] == [
        (255, 127, 127, 255),
        (0, 0, 0, 0),
        (0, 0, 255, 255),
        (255, 255, 255, 255),
    ]


def test_a_palette_with_a_transparent_colour_stays_so() -> None:
    source = image("P")
    data = save(source, "PNG", transparency=bytes([0, 100]) + bytes([255]) * 62)
    found = made(data, "PNG")
    assert found.mode == "P"
    with Image.open(io.BytesIO(data)) as before:
        assert found.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()


def test_opaque_alpha_makes_no_holes() -> None:
    found = made(save(flag().convert("RGBA"), "PNG"), "GIF")
    assert "transparency" not in found.info
    assert quarters(found) == [RED, GREEN, BLUE, WHITE]


# Metadata.


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile(kind: str) -> bytes:
    return SRGB[:16] + kind.encode() + SRGB[20:]


@pytest.mark.parametrize("target", ["AVIF", "JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("box", [None, (8, 8)])
def test_a_colour_profile_stays(target: str, box: Any) -> None:
    source = save(flag(), "JPEG" if target != "JPEG" else "PNG", icc_profile=profile("RGB "))
    assert made(source, target, box).info["icc_profile"] == profile("RGB ")


@pytest.mark.parametrize(
    ("mode", "kind", "stays"),
    [
        ("L", "GRAY", True),
        ("L", "RGB ", False),
        ("RGB", "GRAY", False),
        ("CMYK", "CMYK", False),
        ("RGB", "CMYK", False),
    ],
)
def test_a_colour_profile_of_other_colours_goes(mode: str, kind: str, stays: bool) -> None:
    source = save(image(mode), "JPEG", icc_profile=profile(kind))
    assert ("icc_profile" in made(source, "PNG").info) is stays


def test_a_huge_colour_profile_goes() -> None:
    source = save(flag(), "JPEG", icc_profile=profile("RGB ") + bytes(2**20))
    with Image.open(io.BytesIO(source)) as before:
        assert len(before.info["icc_profile"]) > 2**20
    assert "icc_profile" not in made(source, "PNG", (8, 8)).info


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("box", [None, (16, 16)])
def test_no_other_metadata(source: str, target: str, box: Any) -> None:
    secret = "a secret place"
    picture = flag()
    options: dict[str, Any] = {"xmp": f"<x>{secret}</x>".encode()}
    exif = Image.Exif()
    exif[0x010E] = secret
    options["exif"] = exif
    if source == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", secret)
        options = {"pnginfo": info, "exif": exif, "dpi": (72, 72)}
    elif source == "TIFF":
        info = TiffImagePlugin.ImageFileDirectory_v2()
        info[270] = secret
        info[700] = secret.encode()
        options = {"tiffinfo": info}
    elif source in ("GIF", "JPEG"):
        options["comment"] = secret
    data = save(picture, source, **options)
    assert secret.encode() in data
    out = io.BytesIO()
    recode(
        io.BytesIO(data),
        out,
        target=target,
        box=box,
        formats=ALL,
        max_pixels=10_000,
        max_memory=MEMORY,
    )
    assert secret.encode() not in out.getvalue()
    assert b"secret" not in out.getvalue()


# Animations.

COLOURS = (RED, GREEN, BLUE)
DURATIONS = [100, 250, 400]


def film(source: str, **options: Any) -> bytes:
    frames = [Image.new("RGB", (64, 32), colour) for colour in COLOURS]
    options = {"duration": DURATIONS, "loop": 0} | options
    if source == "AVIF":
        options.pop("loop")
    return save(frames[0], source, save_all=True, append_images=frames[1:], **options)


def frames_of(picture: Image.Image) -> list[tuple[Any, int]]:
    found = []
    for frame in ImageSequence.Iterator(picture):
        colour = frame.convert("RGB").getpixel((frame.width // 2, frame.height // 2))
        found.append((colour, round(frame.info["duration"])))
    return found


@pytest.mark.parametrize("box", [None, (32, 32)])
@pytest.mark.parametrize("target", ["AVIF", "GIF", "WEBP"])
@pytest.mark.parametrize("source", ["AVIF", "GIF", "PNG", "WEBP"])
def test_an_animation_stays_one(source: str, target: str, box: Any) -> None:
    found = made(film(source), target, box)
    assert found.size == ((64, 32) if box is None else (32, 16))
    frames = frames_of(found)
    assert [duration for _, duration in frames] == DURATIONS
    for (colour, _), expected in zip(frames, COLOURS, strict=True):
        assert near(colour, expected)


@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("source", ["AVIF", "GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame(source: str, target: str) -> None:
    found = made(film(source), target, (32, 32))
    assert getattr(found, "n_frames", 1) == 1
    assert near(found.convert("RGB").getpixel((8, 8)), RED)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_of_a_document_the_first_page(target: str) -> None:
    pages = [Image.new("RGB", (64, 32), colour) for colour in COLOURS]
    data = save(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = made(data, target)
    assert getattr(found, "n_frames", 1) == 1
    assert near(found.convert("RGB").getpixel((8, 8)), RED)


@pytest.mark.parametrize(
    ("source", "loop", "in_webp", "in_gif"),
    [
        ("GIF", 0, 0, 0),
        ("GIF", None, 1, None),
        ("GIF", 2, 3, 2),
        ("WEBP", 0, 0, 0),
        ("WEBP", 1, 1, None),
        ("WEBP", 3, 3, 2),
        ("PNG", 4, 4, 3),
        ("PNG", 0, 0, 0),
    ],
)
def test_how_often_it_plays(source: str, loop: Any, in_webp: int, in_gif: Any) -> None:
    """A GIF says how often it is played again, the others how often it is played."""
    data = film(source, loop=loop) if loop is not None else film(source)
    if loop is None:
        frames = [Image.new("RGB", (64, 32), colour) for colour in COLOURS]
        data = save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=DURATIONS)
    assert made(data, "WEBP").info["loop"] == in_webp
    assert made(data, "GIF", (8, 8)).info.get("loop") == in_gif


def test_transparent_frames_do_not_shine_through() -> None:
    left, right = (Image.new("RGBA", (64, 32), (0, 0, 0, 0)) for _ in range(2))
    left.paste((*RED, 255), (0, 0, 32, 32))
    right.paste((*BLUE, 255), (32, 0, 64, 32))
    data = save(
        left, "PNG", save_all=True, append_images=[right], duration=[100, 100], disposal=1, blend=0
    )
    for target in ("GIF", "WEBP"):
        found = made(data, target)
        found.seek(1)
        frame = found.convert("RGBA")
        assert frame.getpixel((10, 10))[3] == 0  # type: ignore[index]
        assert near(frame.getpixel((50, 10)), (*BLUE, 255))


# What is refused.


def test_only_accepted_formats() -> None:
    assert made(save(flag(), "PNG"), "JPEG", formats=["PNG"]).size == (64, 32)
    assert "not an accepted type" in str(refused(save(flag(), "PNG"), "JPEG", formats=["JPEG"]))


@pytest.mark.parametrize("source", ["PNG", "JPEG", "TIFF", "GIF"])
def test_the_pixels_are_counted(source: str) -> None:
    data = save(flag(), source)
    assert made(data, "PNG", max_pixels=64 * 32).size == (64, 32)
    assert "megapixels" in str(refused(data, "PNG", max_pixels=64 * 32 - 1, box=(8, 8)))


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG"])
def test_the_pixels_of_all_frames_are_counted(source: str) -> None:
    data = film(source)
    assert made(data, "WEBP", max_pixels=3 * 64 * 32).size == (64, 32)
    assert "megapixels" in str(refused(data, "WEBP", max_pixels=3 * 64 * 32 - 1))


@pytest.mark.parametrize("box", [None, (8, 8)])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP"])
def test_a_truncated_picture(source: str, box: Any) -> None:
    noise = Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3))
    data = save(noise, source)
    refused(data[: len(data) // 2], "PNG", box=box)


def test_what_the_target_cannot_hold() -> None:
    data = save(Image.new("1", (20_000, 1)), "PNG")
    assert made(data, "PNG").size == (20_000, 1)
    refused(data, "WEBP")


def test_the_recipe_is_that_of_this_pillow() -> None:
    assert recoder.RECIPE.endswith(Image.__version__)
