"""Pictures: what is one, what is none, and what it costs to find out."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fourd_rest.errors import NOT_A_PICTURE, RestError, picture_refused
from fourd_rest.pictures import file_types, verification
from fourd_rest.pictures.file_types import HEAD_SIZE, detect, sniff
from fourd_rest.pictures.heads import MAX_FRAMES, TooCostly, jpeg, others
from fourd_rest.pictures.heads import png as png_head
from fourd_rest.pictures.verification import FORMATS, Picture, verify

ALL = tuple(sorted(FORMATS))
SIZE = (150, 100)
MODES = (
    *("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"),
    *("LA", "PA", "La", "RGBX", "RGBa", "I;16", "I;16B", "I;16L", "I;16N"),
)
KINDS = {
    "AVIF": ("image/avif", ".avif"),
    "BMP": ("image/bmp", ".bmp"),
    "GIF": ("image/gif", ".gif"),
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "TIFF": ("image/tiff", ".tif"),
    "WEBP": ("image/webp", ".webp"),
}
ANIMATED = ("AVIF", "GIF", "PNG", "TIFF", "WEBP")


def image(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    grey = Image.linear_gradient("L").resize(size)
    if mode in ("L", "I", "F", "1"):
        return grey.convert(mode)
    if mode.startswith("I;16"):
        return Image.frombytes(mode, size, random.Random(1).randbytes(size[0] * size[1] * 2))
    steps = {"PA": ("P", "PA"), "La": ("LA", "La"), "RGBa": ("RGBA", "RGBa"), "LA": ("LA",)}
    if mode in steps:
        for step in steps[mode]:
            grey = grey.convert(step)
        return grey
    colours = Image.merge("RGB", (grey, grey.rotate(90), grey.rotate(180)))
    if mode == "LAB":
        return Image.frombytes("LAB", size, colours.tobytes())
    return colours.quantize(64) if mode == "P" else colours.convert(mode)


def noise(size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.frombytes("RGB", size, random.Random(2).randbytes(size[0] * size[1] * 3))


def save(picture: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def animation(name: str, count: int = 3, size: tuple[int, int] = SIZE) -> bytes:
    frames = [Image.new("RGB", size, (index * 40, 0, 255)) for index in range(count)]
    return save(frames[0], name, save_all=True, append_images=frames[1:])


MEMORY = 300_000_000


def check(
    data: bytes, *, formats: Any = ALL, max_pixels: int = 1_000_000, max_memory: int = MEMORY
) -> Picture:
    return verify(io.BytesIO(data), formats=formats, max_pixels=max_pixels, max_memory=max_memory)


def refused(data: bytes, **kwargs: Any) -> BaseException:
    with pytest.raises(RestError) as caught:
        check(data, **kwargs)
    cause = caught.value.__cause__
    assert cause is not None
    told = picture_refused(cause) if isinstance(cause, TooCostly) else NOT_A_PICTURE()
    assert caught.value.items == (told,)
    assert caught.value.status == 400
    return cause


def writable() -> list[tuple[str, str]]:
    pairs = []
    for name in ALL:
        for mode in MODES:
            try:
                save(image(mode), name)
            except (OSError, ValueError, KeyError):
                continue
            pairs.append((name, mode))
    return pairs


WRITABLE = writable()


def test_the_corpus_is_not_empty() -> None:
    assert len(WRITABLE) > 60
    assert {name for name, _ in WRITABLE} == FORMATS == set(KINDS)


@pytest.mark.parametrize(("name", "mode"), WRITABLE)
def test_every_mode_of_every_format(name: str, mode: str) -> None:
    data = save(image(mode), name)
    assert sniff(data[:HEAD_SIZE]) == KINDS[name][0]
    assert detect(data[:HEAD_SIZE]) == KINDS[name]
    picture = check(data)
    with Image.open(io.BytesIO(picture.thumbnail)) as thumbnail:
        thumbnail.load()
        assert thumbnail.size == (96, 64)
        assert thumbnail.format in ("PNG", "JPEG")
        assert max(high for _, high in _ranges(thumbnail)) > 0
    mime, extension = KINDS[name]
    assert picture == Picture(name, mime, extension, 150, 100, 1, picture.thumbnail)


def _ranges(thumbnail: Image.Image) -> list[Any]:
    ranges = thumbnail.getextrema()
    return list(ranges) if isinstance(ranges[0], tuple) else [ranges]


@pytest.mark.parametrize("name", ALL)
def test_only_the_formats_asked_for(name: str) -> None:
    data = save(image(), name)
    assert check(data, formats=[name]).format == name
    refused(data, formats=[other for other in ALL if other != name])
    refused(data, formats=[])


def test_formats_that_are_not_known_are_never_taken() -> None:
    data = save(image(), "JPEG2000")
    assert sniff(data) == "image/jp2"
    refused(data, formats=["JP2", "JPEG2000", *ALL])


@pytest.mark.parametrize("name", ANIMATED)
def test_every_frame_counts(name: str) -> None:
    data = animation(name)
    assert check(data, max_pixels=3 * 15_000).frames == 3
    refused(data, max_pixels=3 * 15_000 - 1)
    assert check(data).thumbnail != b""


def test_the_file_stays_open() -> None:
    for name in ALL:
        file = io.BytesIO(save(image(), name))
        file.seek(5)
        verify(file, formats=ALL, max_pixels=15_000, max_memory=MEMORY)
        assert not file.closed


def test_a_file_on_disk(tmp_path: Any) -> None:
    for name in ALL:
        path = tmp_path / name
        path.write_bytes(animation(name) if name in ANIMATED else save(image(), name))
        with path.open("rb") as file:
            frames = verify(file, formats=ALL, max_pixels=50_000, max_memory=MEMORY).frames
            assert frames == (3 if name in ANIMATED else 1)
            file.seek(0)


# Truncated and damaged.


@pytest.mark.parametrize(
    ("name", "options"), [*((name, {}) for name in ALL), ("JPEG", {"progressive": True})]
)
def test_truncated(name: str, options: dict[str, Any]) -> None:
    data = save(noise(), name, **options)
    assert check(data).frames == 1
    for step in range(20):
        refused(data[: len(data) * step // 21])
    # The formats differ over a missing end mark; without the last kilobyte pixels are missing.
    refused(data[:-1024])


@pytest.mark.parametrize("name", ANIMATED)
def test_truncated_within_a_later_frame(name: str) -> None:
    frames = [noise((64, 64)).rotate(90 * index) for index in range(3)]
    data = save(frames[0], name, save_all=True, append_images=frames[1:])
    assert check(data).frames == 3
    for part in (0.5, 0.8, 0.95):
        refused(data[: int(len(data) * part)])


def test_apng_with_fewer_frames_than_announced() -> None:
    data = animation("PNG")
    last = data.rindex(b"fcTL") - 4
    refused(data[:last] + data[-12:])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ALL)
def test_damaged_files_are_pictures_or_not(name: str) -> None:
    """No other exception comes out, whatever the bytes."""
    source = random.Random(name)
    data = animation(name, size=(32, 32)) if name in ANIMATED else save(image(size=(32, 32)), name)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(source.randrange(1, 8)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        try:
            check(bytes(damaged), max_pixels=100_000)
        except RestError as error:
            assert [item.row for item in error.items] == [NOT_A_PICTURE]


@pytest.mark.parametrize(
    "failure",
    [
        *(OSError, ValueError, SyntaxError, struct.error, IndexError, KeyError, TypeError),
        *(OverflowError, MemoryError, zlib.error, EOFError, RecursionError, AssertionError),
        *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    ],
)
def test_whatever_pillow_raises(failure: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise failure("hostile")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert type(refused(save(image(), "BMP"))) is failure


# Bombs.


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the pictures that are decoded."""
    sizes: list[tuple[int, int]] = []

    def spy(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def loading(self: Any) -> Any:
            sizes.append(self.size)
            return load(self)

        return loading

    monkeypatch.setattr(ImageFile.ImageFile, "load", spy(ImageFile.ImageFile.load))
    monkeypatch.setattr(TiffImageFile, "load", spy(TiffImageFile.load))
    return sizes


def test_a_bomb_is_not_decoded(decoded: list[Any]) -> None:
    bomb = png(9000, 9000, bytes(1126 * 9000))
    assert len(bomb) < 12_000
    tracemalloc.start()
    refused(bomb, max_pixels=50_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoded == []
    assert peak < 2**20


@pytest.mark.parametrize("side", [12_000, 20_000, 2**31 - 1])
def test_larger_bombs_neither_warn_nor_decode(side: int, decoded: list[Any]) -> None:
    refused(png(side, side, b""), max_pixels=50_000_000)
    assert decoded == []


@pytest.mark.parametrize("name", ALL)
def test_the_budget_is_exact(name: str, decoded: list[Any]) -> None:
    data = save(image(), name)
    assert check(data, max_pixels=15_000).width == 150
    decoded.clear()
    refused(data, max_pixels=14_999)
    assert decoded == []


@pytest.mark.parametrize("name", ["AVIF", "BMP", "JPEG", "PNG"])
def test_the_limit_of_the_process_does_not_bear(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert check(save(image(), name), max_pixels=15_000).frames == 1
    assert Image.MAX_IMAGE_PIXELS == 10


def gif(*frames: bytes, screen: tuple[int, int] = (1, 1)) -> bytes:
    palette = b"\x00\x00\x00\xff\xff\xff"
    return b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + palette + b"".join(frames)


def gif_frame(left: int = 0, top: int = 0, width: int = 1, height: int = 1) -> bytes:
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x02D\x01\x00"


# Dispose to background: Pillow fills the frame's extent while it looks for the frame.
CONTROL = b"!\xf9\x04\x08\x00\x00\x00\x00"


def test_the_handmade_gif_is_a_picture() -> None:
    assert check(gif(gif_frame(), b";")).frames == 1
    assert check(gif(b"!\xfe\x03abc\x00", CONTROL, gif_frame(), b"\x00\x00", gif_frame())).frames == 2
    assert check(gif(gif_frame(), b";garbage" * 1000)).frames == 1


@pytest.mark.parametrize("after", [0, 1])
def test_a_frame_beyond_the_screen_of_a_gif(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setitem(verification._OPENERS, "GIF", opened.append)
    far = gif_frame(9000, 9000, 4000, 4000)
    refused(gif(*[gif_frame()] * after, CONTROL, far, b";"), max_pixels=50_000_000)
    assert opened == []


def test_frames_are_bounded() -> None:
    most = gif(gif_frame() * MAX_FRAMES, b";")
    assert check(most).frames == MAX_FRAMES
    refused(gif(gif_frame() * (MAX_FRAMES + 1), b";"))


def test_stray_bytes_in_a_gif_are_bounded() -> None:
    stray = b"\x00" * others.MAX_STRAY_BYTES
    assert check(gif(stray, gif_frame(), b";")).frames == 1
    refused(gif(stray, b"\x00", gif_frame(), b";"))


def test_a_palette_within_a_gif() -> None:
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80) + bytes(6) + b"\x02\x02D\x01\x00"
    assert check(gif(frame, b";")).frames == 1
    refused(gif(frame[:14]))


def test_a_gif_without_frames() -> None:
    refused(gif(b";"))
    refused(gif(CONTROL))


def test_a_tiff_whose_frames_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MAX_FRAMES", 20)
    refused(animation("TIFF", 21, (1, 1)))
    assert check(animation("TIFF", 20, (1, 1))).frames == 20


def scans(data: bytes) -> int:
    return data.count(b"\xff\xda")


def test_scans_of_a_jpeg_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(noise(), "JPEG", progressive=True)
    assert 1 < scans(data) < 20
    monkeypatch.setattr(jpeg, "MAX_SCANS", scans(data))
    assert check(data).frames == 1
    monkeypatch.setattr(jpeg, "MAX_SCANS", scans(data) - 1)
    refused(data)


def test_segments_of_a_jpeg_are_bounded() -> None:
    comment = b"\xff\xfe\x00\x02"
    assert check(JPEG[:2] + comment * 1000 + JPEG[2:]).frames == 1
    refused(JPEG[:2] + comment * jpeg.MAX_SEGMENTS + JPEG[2:])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 2**14])
@pytest.mark.parametrize("progressive", [False, True])
def test_markers_are_found_across_reads(
    progressive: bool, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = save(image(size=(64, 64)), "JPEG", progressive=progressive)
    monkeypatch.setattr(jpeg, "SEARCH_SIZE", size)
    monkeypatch.setattr(jpeg, "MAX_SCANS", scans(data))
    jpeg.read(io.BytesIO(data))
    monkeypatch.setattr(jpeg, "MAX_SCANS", scans(data) - 1)
    with pytest.raises(TooCostly, match="too many scans"):
        jpeg.read(io.BytesIO(data))


def test_what_follows_a_jpeg_does_not_count() -> None:
    film = b"\xff\xda\x00\x02" * 1000 + random.Random(3).randbytes(100_000)
    assert check(JPEG + film).frames == 1


def test_a_jpeg_without_its_last_marker_is_cut() -> None:
    assert JPEG.endswith(b"\xff\xd9")
    refused(JPEG[:-2])


def test_chunks_of_a_png_are_bounded() -> None:
    data = save(image(), "PNG")
    chunk = struct.pack(">I4sI", 0, b"abCd", zlib.crc32(b"abCd"))
    most = png_head.MAX_OTHER_CHUNKS
    assert check(data[:33] + chunk * most + data[33:]).frames == 1
    refused(data[:33] + chunk * (most + 1) + data[33:])
    assert check(data + chunk * (most + 1)).frames == 1
    empty = struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))
    refused(data[:33] + empty * (png_head.MAX_CHUNKS + 1) + data[33:])


def test_blocks_of_a_gif_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "MAX_GIF_BLOCKS", 10)
    comment = b"!\xfe" + b"\x01a" * 9 + b"\x00"
    assert check(gif(comment, gif_frame(), b";")).frames == 1
    refused(gif(comment, gif_frame(), b"!\xfe\x01a\x00;"))
    refused(gif(b"!\xfe" + b"\x01a" * 11 + b"\x00", gif_frame(), b";"))


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = animation("TIFF")
    clock = iter((0.0, 1.0, 3.0, 3.1))
    monkeypatch.setattr(verification, "time", SimpleNamespace(thread_time=lambda: next(clock)))
    assert str(refused(data)) == "it takes too long to decode"


def test_a_large_jpeg_is_decoded_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verifying takes the memory of a sixty-fourth of the picture."""
    sizes: list[Any] = []
    monkeypatch.setattr(verification, "_thumbnail", lambda image: sizes.append(image.size) or b"")
    picture = check(save(image(size=(2000, 1600)), "JPEG"), max_pixels=3_200_000)
    assert (picture.width, picture.height) == (2000, 1600)
    assert sizes == [(250, 200)]


# What only looks like a picture, or looks like more than one.

JPEG = save(image(), "JPEG")
GIF = save(image(), "GIF")
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"hello",
        SVG,
        HTML,
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + HTML,
        b"BMW is a car, this is a text of some length",
        b"II*\x00",
        b"RIFF\x00\x00\x00\x00WEBP",
        HTML + JPEG,
        b"\n" + JPEG,
        JPEG[1:],
        gzip.compress(JPEG, mtime=0),
    ],
)
def test_no_pictures(data: bytes) -> None:
    refused(data)


@pytest.mark.parametrize("tail", [HTML, SVG, GIF, b"PK\x03\x04" + bytes(100)])
@pytest.mark.parametrize("name", ALL)
def test_a_polyglot_is_what_its_first_bytes_say(name: str, tail: bytes) -> None:
    data = save(image(), name) + tail
    try:
        picture = check(data)
    except RestError:
        return
    assert (picture.format, picture.mime) == (name, KINDS[name][0])
    refused(data, formats=[other for other in ALL if other != name])


def test_a_jpeg_with_more_pictures_behind_it_is_a_jpeg() -> None:
    several = save(image(), "MPO", save_all=True, append_images=[image()])
    picture = check(several, formats=["JPEG"])
    assert (picture.format, picture.mime, picture.frames) == ("JPEG", "image/jpeg", 1)


# Thumbnails.


def thumbnail_of(data: bytes) -> Image.Image:
    thumbnail = Image.open(io.BytesIO(check(data, max_pixels=10_000_000).thumbnail))
    thumbnail.load()
    return thumbnail


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (1, 1)),
        ((96, 96), (96, 96)),
        ((97, 96), (96, 95)),
        ((3000, 1), (96, 1)),
        ((1, 3000), (1, 96)),
        ((1000, 2000), (48, 96)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1"])
def test_thumbnails_keep_the_proportions(mode: str, size: Any, expected: Any) -> None:
    assert thumbnail_of(save(image(mode, size), "PNG")).size == expected


def test_thumbnails_are_turned_as_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    left_red = Image.new("RGB", (200, 100), "blue")
    left_red.paste("red", (0, 0, 100, 100))
    data = save(left_red, "JPEG", exif=exif)
    picture = check(data)
    assert (picture.width, picture.height) == (200, 100)
    thumbnail = thumbnail_of(data).convert("RGB")
    assert thumbnail.size == (48, 96)
    top, bottom = thumbnail.getpixel((24, 10)), thumbnail.getpixel((24, 85))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > 50 > top[2]
    assert bottom[2] > 200 > 50 > bottom[0]


@pytest.mark.parametrize("name", ["PNG", "GIF", "WEBP", "TIFF"])
def test_thumbnails_keep_transparency(name: str) -> None:
    clear = Image.new("RGBA", SIZE, (255, 0, 0, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 75, 100))
    thumbnail = thumbnail_of(save(clear, name, **({"lossless": True} if name == "WEBP" else {})))
    assert (thumbnail.format, thumbnail.mode) == ("PNG", "RGBA")
    assert thumbnail.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert thumbnail.getpixel((90, 5)) == (255, 0, 0, 255)


@pytest.mark.parametrize("transparency", [7, bytes(range(64))])
def test_transparent_palettes(transparency: Any) -> None:
    data = save(image("P"), "PNG", transparency=transparency)
    assert thumbnail_of(data).mode == "RGBA"


def test_sixteen_bits_are_scaled() -> None:
    half = Image.new("I;16", SIZE, 0x8000)
    assert thumbnail_of(save(half, "PNG")).getextrema() == (128, 128)


def test_thumbnails_carry_nothing_else() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret" * 100
    options = {"exif": exif, "icc_profile": b"profile" * 1000}
    for name, mode in (("PNG", "RGBA"), ("JPEG", "RGB")):
        data = save(image(mode), name, comment=b"secret" * 100, **options)
        thumbnail = check(data).thumbnail
        assert len(thumbnail) < 6000
        for secret in (b"secret", b"profile", b"iCCP", b"Exif"):
            assert secret not in thumbnail


def test_a_picture_without_a_thumbnail_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: Any) -> Any:
        raise ValueError("conversion not supported")

    monkeypatch.setattr(verification, "shrink", fail)
    assert check(JPEG) == Picture("JPEG", "image/jpeg", ".jpg", 150, 100, 1, b"")


# Other files.


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "b")
    return out.getvalue()


def ftyp(*brands: bytes) -> bytes:
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", len(box) + 4) + box + b"\x00\x00\x00\x08free"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", ("application/octet-stream", ".bin")),
        (b"\x00\x01\x02", ("application/octet-stream", ".bin")),
        (b"text\x00", ("application/octet-stream", ".bin")),
        (b"\xff\xfe\x00", ("application/octet-stream", ".bin")),
        (b"caf\xe9 latin", ("application/octet-stream", ".bin")),
        (b"\xe2\x82" + b"x" * 5, ("application/octet-stream", ".bin")),
        (b"\xc3", ("application/octet-stream", ".bin")),
        (b"%PDF-1.7\n%\xe2\xe3", ("application/pdf", ".pdf")),
        (zipped(), ("application/zip", ".zip")),
        (b"PK\x05\x06" + bytes(18), ("application/zip", ".zip")),
        (gzip.compress(b"x", mtime=0), ("application/gzip", ".gz")),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", ("audio/wav", ".wav")),
        (b"RIFF\x00\x00\x00\x00AVI ", ("application/octet-stream", ".bin")),
        (ftyp(b"isom", b"mp42"), ("video/mp4", ".mp4")),
        (b"plain text\r\n\tand more", ("text/plain", ".txt")),
        ("é€😀".encode(), ("text/plain", ".txt")),
        ("é€😀".encode()[:-1], ("text/plain", ".txt")),
        ("é€😀".encode()[:-3], ("text/plain", ".txt")),
        (SVG, ("text/plain", ".txt")),
        (HTML, ("text/plain", ".txt")),
        (b"BMW is a car, this is a text", ("text/plain", ".txt")),
        (b"BM", ("text/plain", ".txt")),
        (ftyp(b"avif", b"mif1"), ("image/avif", ".avif")),
        (ftyp(b"mif1", b"avis"), ("image/avif", ".avif")),
        (ftyp(b"mif1", b"heic"), ("image/heic", ".heic")),
        (ftyp(b"heic", b"mif1"), ("image/heic", ".heic")),
    ],
)
def test_detect(head: bytes, kind: tuple[str, str]) -> None:
    assert detect(head) == kind
    assert (sniff(head) is not None) == kind[0].startswith("image/")


def test_a_brand_outside_its_box_does_not_count() -> None:
    assert sniff(ftyp(b"isom") + b"avif" * 10) is None


def test_every_magic_is_found() -> None:
    for magic, mime, extension in file_types._OTHERS:
        assert detect(magic + b"\x00\xff") == (mime, extension)
    for magic, mime in file_types._PICTURES:
        assert sniff(magic) == mime
        assert detect(magic) == (mime, file_types.EXTENSIONS[mime])
