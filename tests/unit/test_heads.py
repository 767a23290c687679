"""What the structure of a picture tells before a decoder sees it: unusual and hostile structures.

``test_picture_costs`` weighs whole files; here only the readers are called.
"""

from __future__ import annotations

import io
import struct
import zlib

import pytest

from fourd_rest.pictures import heads
from fourd_rest.pictures.heads import Head, TooCostly, avif

from .heavy_pictures import bmp, chunk, png, tiff, tiff_tags, webp


def read(data: bytes, name: str) -> Head:
    return heads.read(io.BytesIO(data), name)


def reason(data: bytes, name: str) -> str:
    with pytest.raises(TooCostly) as caught:
        read(data, name)
    return str(caught.value)


def is_no_picture(data: bytes, name: str) -> str:
    with pytest.raises((ValueError, EOFError)) as caught:
        read(data, name)
    assert not isinstance(caught.value, TooCostly)
    return str(caught.value)


# AVIF


def box(kind: bytes, content: bytes, *, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def ispe(width: int, height: int) -> bytes:
    return box(b"iprp", box(b"ipco", box(b"ispe", struct.pack(">III", 0, width, height))))


def iloc(*items: tuple[int, int, int, int], version: int = 1) -> bytes:
    """Items of construction, offset, length and number of extents."""
    head = bytes((version, 0, 0, 0, 0x44, 0x00)) + struct.pack(">H", len(items))
    for number, (construction, offset, length, extents) in enumerate(items, 1):
        head += struct.pack(">HHHHII", number, construction, 0, extents, offset, length)
    return box(b"iloc", head)


FTYP = box(b"ftyp", b"avif\0\0\0\0")


def file_of(*boxes: bytes) -> bytes:
    return FTYP + box(b"meta", bytes(4) + b"".join(boxes))


class Bits:
    """Puts the bits of a sequence header together."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> Bits:
        self.text += f"{value:0{count}b}"
        return self

    def unit(self, *, kind: int = 1, extension: bool = False) -> bytes:
        """As an open bitstream unit with a size."""
        data = int(self.text.ljust(-(-len(self.text) // 8) * 8, "0"), 2)
        content = data.to_bytes(-(-len(self.text) // 8), "big")
        head = bytes((kind << 3 | 2 | 4 * extension,)) + (b"\0" if extension else b"")
        return head + bytes((len(content),)) + content


def sized(bits: Bits, width: int, height: int) -> Bits:
    return bits.put(15, 4).put(15, 4).put(width - 1, 16).put(height - 1, 16)


def still(width: int, height: int) -> Bits:
    return sized(Bits().put(0, 4).put(1, 1).put(0, 5), width, height)


def with_unit(unit: bytes, *, in_idat: bool = False) -> bytes:
    """A file whose only item is ``unit``, either in a box of the metadata or behind them."""
    if in_idat:
        return file_of(ispe(4, 4), box(b"idat", unit), iloc((1, 0, len(unit), 1)))
    before = file_of(ispe(4, 4), iloc((0, 0, len(unit), 1)))
    start = len(before) + 8
    return file_of(ispe(4, 4), iloc((0, start, len(unit), 1))) + box(b"mdat", unit)


@pytest.mark.parametrize("in_idat", [False, True])
def test_the_size_in_the_frame_counts(in_idat: bool) -> None:
    head = read(with_unit(still(300, 200).unit(), in_idat=in_idat), "AVIF")
    assert (head.width, head.height, head.frames) == (300, 200, None)


def test_a_unit_with_an_extension_and_one_without_a_size() -> None:
    units = still(300, 200).unit(extension=True) + b"\x08" + still(900, 900).unit()[2:]
    assert read(with_unit(units), "AVIF").width == 300


def test_a_size_that_does_not_end() -> None:
    """Eight bytes at most tell a size: what follows is no unit."""
    assert read(with_unit(b"\x12" + b"\x81" * 8 + b"\xff" * 8), "AVIF").width == 4


def test_boxes_with_sizes_of_64_bits_and_without_one() -> None:
    meta = box(b"meta", bytes(4) + ispe(7, 9) + iloc(), wide=True)
    head = read(FTYP + meta + struct.pack(">I4s", 0, b"mdat") + bytes(99), "AVIF")
    assert (head.width, head.height) == (7, 9)


def operating_points(*, equal: bool, zeros: int, model: bool, delays: bool) -> Bits:
    """A header of a film: with times, a decoder model, and delays."""
    bits = Bits().put(0, 4).put(0, 1)
    bits.put(1, 1).put(0, 64)
    bits.put(equal, 1)
    if equal:
        bits.put(1, zeros + 1).put(0, zeros)
    bits.put(model, 1)
    if model:
        bits.put(2, 5).put(0, 42)
    bits.put(delays, 1).put(1, 5)  # two operating points
    for level in (5, 9):
        bits.put(0, 12).put(level, 5)
        if level > 7:
            bits.put(0, 1)
        if model:
            bits.put(level > 7, 1)
            if level > 7:
                bits.put(0, 2 * 3 + 1)
        if delays:
            bits.put(level > 7, 1)
            if level > 7:
                bits.put(0, 4)
    return sized(bits, 640, 480)


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("model", [False, True])
@pytest.mark.parametrize("delays", [False, True])
def test_headers_of_films(equal: bool, model: bool, delays: bool) -> None:
    bits = operating_points(equal=equal, zeros=2, model=model, delays=delays)
    head = read(with_unit(bits.unit()), "AVIF")
    assert (head.width, head.height) == (640, 480)


def test_a_header_without_times() -> None:
    bits = sized(Bits().put(0, 4).put(0, 1).put(0, 1).put(0, 1).put(0, 5).put(0, 12).put(0, 5), 64, 48)
    assert read(with_unit(bits.unit()), "AVIF").width == 64


def test_a_header_that_is_cut() -> None:
    assert is_no_picture(with_unit(Bits().put(0, 4).put(1, 1).unit()), "AVIF") == "truncated"


def test_locations_that_are_cut() -> None:
    data = file_of(ispe(4, 4), box(b"iloc", bytes((1, 0, 0, 0, 0x44, 0, 0, 9))))
    assert is_no_picture(data, "AVIF") == "truncated"


def test_locations_of_the_first_version() -> None:
    """They have neither construction nor index."""
    unit = still(300, 200).unit()
    item = struct.pack(">HHHII", 1, 0, 1, 0, len(unit))
    head = bytes((0, 0, 0, 0, 0x44, 0x00)) + struct.pack(">H", 1)
    length = len(file_of(ispe(4, 4), box(b"iloc", head + item)))
    item = struct.pack(">HHHII", 1, 0, 1, length + 8, len(unit))
    data = file_of(ispe(4, 4), box(b"iloc", head + item)) + box(b"mdat", unit)
    assert read(data, "AVIF").width == 300


def test_an_avif_without_a_size() -> None:
    assert is_no_picture(file_of(iloc()), "AVIF") == "no size"


@pytest.mark.parametrize(
    "data",
    [
        FTYP + box(b"free", b"") * (avif.MAX_BOXES + 1),
        FTYP + b"".join(struct.pack(">I4s", 0, b"moov") for _ in range(12)),
    ],
)
def test_too_many_boxes(data: bytes) -> None:
    assert reason(data, "AVIF") == "it has too many boxes"


@pytest.mark.parametrize(("kind", "form"), [(b"stco", ">I"), (b"co64", ">Q")])
def test_too_many_chunks(kind: bytes, form: str) -> None:
    def film(count: int) -> bytes:
        chunks = box(kind, bytes(8) + struct.pack(form, 0) * count)
        return file_of(ispe(4, 4)) + box(b"moov", chunks)

    assert read(film(avif.MAX_ITEMS), "AVIF").width == 4
    assert reason(film(avif.MAX_ITEMS + 1), "AVIF") == "it has too many parts"


@pytest.mark.parametrize("item", [(0, 0, 0, 2), (2, 0, 0, 1)])
def test_scattered_items(item: tuple[int, int, int, int]) -> None:
    assert reason(file_of(ispe(4, 4), iloc(item)), "AVIF") == "it is scattered over too many parts"


def test_too_many_units() -> None:
    units = b"\x12\0" * (avif.MAX_UNITS + 1)
    assert reason(with_unit(units), "AVIF") == "it has too many parts"
    assert read(with_unit(units[: 2 * avif.MAX_UNITS - 2]), "AVIF").width == 4


# JPEG


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


FRAME = struct.pack(">BHHB", 8, 16, 24, 1) + b"\1\x11\0"
SCAN = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\x34"


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + b"\xff\xd9"


@pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xDE])
def test_codings_that_no_browser_shows(marker: int) -> None:
    told = reason(jpeg(segment(marker, FRAME), SCAN), "JPEG")
    assert told == "it is coded in a way that no browser shows"


def test_metadata_behind_a_scan_are_not_kept() -> None:
    comment = segment(0xFE, b"c" * 1_000)
    before = read(jpeg(comment, segment(0xC0, FRAME), SCAN), "JPEG")
    behind = read(jpeg(segment(0xC0, FRAME), SCAN, comment), "JPEG")
    assert (before.width, behind.width, before.fixed, behind.fixed) == (24, 24, 2_004, 0)


# PNG


def test_too_many_frames_of_a_png() -> None:
    frames = chunk(b"fcTL", bytes(26)) * (heads.MAX_FRAMES + 1)
    assert reason(png(frames), "PNG") == "it has more than 2000 frames"


def test_a_text_that_cannot_be_unpacked_counts_as_it_is() -> None:
    broken = chunk(b"zTXt", b"key\0\0" + b"no zlib data")
    assert read(png(broken), "PNG").fixed == 6 * 17


def test_a_text_that_unpacks_to_too_much() -> None:
    packed = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**20 + 1)))
    assert reason(png(packed), "PNG") == "a text in it is larger than 1048576 bytes"


def test_plain_texts() -> None:
    texts = chunk(b"tEXt", b"key\0text"), chunk(b"iTXt", b"key\0\0\0\0\0text")
    assert read(png(*texts), "PNG").fixed == 6 * (8 + 12)


# TIFF


def test_too_many_pages() -> None:
    page = tiff(tiff_tags())[8:]
    pages = b""
    for number in range(heads.MAX_FRAMES + 1):
        start = 8 + number * len(page)
        pages += tiff(tiff_tags(), next_=start + len(page))[8:]
    assert reason(b"II*\0\x08\0\0\0" + pages, "TIFF") == "it has more than 2000 frames"


def test_a_tiff_without_pages() -> None:
    assert is_no_picture(b"II*\0" + bytes(12), "TIFF") == "no page"


def test_exif_data_behind_the_end_are_passed_over() -> None:
    plain = tiff(tiff_tags())
    tags = tiff_tags(t34665=(4, 1, struct.pack("<I", 10**6)))
    assert read(tiff(tags), "TIFF").fixed == read(plain, "TIFF").fixed + 120


def test_exif_data_count_with_what_they_lead_to() -> None:
    plain = read(tiff(tiff_tags()), "TIFF")
    inner = tiff({37_500: (7, 100, bytes(100))})[8:]
    behind = len(tiff(tiff_tags(t34665=(4, 1, bytes(4)))))
    data = tiff(tiff_tags(t34665=(4, 1, struct.pack("<I", behind))), inner)
    numbers = 1  # of the tag that leads there
    assert read(data, "TIFF").fixed == plain.fixed + 4 * 100 + 120 * numbers


def test_a_tiff_without_a_size() -> None:
    assert is_no_picture(tiff(tiff_tags(width=0)), "TIFF") == "no size"


def test_tiles_without_a_size() -> None:
    tiles = {tag: (4, 1, struct.pack("<I", value)) for tag, value in ((322, 0), (323, 16), (324, 8))}
    tags = {tag: value for tag, value in tiff_tags().items() if tag not in (273, 278, 279)}
    assert is_no_picture(tiff(tags | tiles), "TIFF") == "strips of no size"


# BMP, WebP


def test_the_old_header_of_a_bmp() -> None:
    data = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 30, 20, 1, 4)
    head = read(data, "BMP")
    assert (head.width, head.height, head.per_pixel) == (30, 20, 1)


def test_run_lengths() -> None:
    assert read(bmp(30, -20, 8, b"", compression=1), "BMP").per_pixel == 4
    told = "a run-length coded BMP may have 10 megapixels and 8388608 bytes"
    assert reason(bmp(10_000, 1_001, 8, b"", compression=1), "BMP") == told
    assert reason(bmp(1, 1, 4, bytes(2**23), compression=2), "BMP") == told


def test_too_many_frames_of_a_webp() -> None:
    frames = [(b"ANMF", bytes(16))] * (heads.MAX_FRAMES + 1)
    assert reason(webp((b"VP8X", bytes(10)), *frames), "WEBP") == "it has more than 2000 frames"
    others = [(b"XMP ", b"")] * (2 * heads.MAX_FRAMES)
    assert reason(webp((b"VP8X", bytes(10)), *others), "WEBP") == "it has more than 2000 frames"


def test_a_webp_without_a_picture() -> None:
    assert is_no_picture(webp((b"XMP ", bytes(20))), "WEBP") == "no picture"
