"""Files of a chosen size that cost as much as they can: each asks one part of a decoder for more than it
is worth. ``FILES`` maps names, which begin with the format's, to functions of the size in bytes.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image, ImageFile, features

MIB = 2**20


def _saved(image: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture that no coder makes smaller."""
    bands = 2 if mode == "I;16" else len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (width, height), random.Random(1).randbytes(width * height * bands))


def flat(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), 7)


def _noise_of(size: int, bytes_per_pixel: float, mode: str = "RGB") -> Image.Image:
    """Noise that is about ``size`` bytes in a file that needs ``bytes_per_pixel``."""
    side = int((size / bytes_per_pixel) ** 0.5)
    return noise(side, side, mode)


# JPEG.

_JPEG = _saved(flat(64, 64), "JPEG")


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg_with(segment: bytes, size: int) -> bytes:
    return _JPEG[:2] + segment * (size // len(segment)) + _JPEG[2:]


def jpeg_profile(size: int) -> bytes:
    """A colour profile in as many parts as there may be, and more."""
    count = size // 65_535 + 1
    parts = (b"ICC_PROFILE\0" + bytes((i % 256, count % 256)) + bytes(65_519) for i in range(count))
    return _JPEG[:2] + b"".join(_segment(0xE2, part) for part in parts) + _JPEG[2:]


def jpeg_junk(junk: bytes, size: int) -> bytes:
    """Bytes that are skipped one by one."""
    return _JPEG[:2] + _segment(0xFE, b"x") + junk * (size // len(junk)) + _JPEG[2:]


def jpeg_scans(size: int, *, side: int = 7_000, count: int = 90) -> bytes:
    """Progressive, with as many scans as fit, each of which goes through all of the picture."""
    data = _saved(flat(side, side), "JPEG", progressive=True, subsampling=0)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    return data[:-2] + scan * min(count, size // len(scan)) + data[-2:]


def jpeg_noise(size: int, **options: Any) -> bytes:
    mode = options.pop("mode", "RGB")
    per_pixel = 2.9 if mode == "RGB" else 4.2
    image = _noise_of(min(size, int(49e6 * per_pixel)), per_pixel, mode)
    ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, 2 * size)  # the encoder asks for room for all of it
    return _saved(image, "JPEG", quality=95, subsampling=0, **options)


def jpeg_flat(size: int, *, mode: str = "RGB", side: int = 7_000, **options: Any) -> bytes:
    return _saved(flat(side, side, mode), "JPEG", **options)


# PNG.


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    *chunks: bytes, width: int = 1, height: int = 1, depth: int = 8, colour: int = 0, interlace: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


_PIXEL = chunk(b"IDAT", zlib.compress(bytes(2)))


def png_texts(size: int, *, behind: bool = False, count: int = 63) -> bytes:
    """Compressed texts beyond Latin-1, of which each character takes four bytes."""
    text = ("\U0001f600" + "x" * 1_000_000).encode()
    packed = zlib.compress(text, 9)
    texts = [
        chunk(b"iTXt", b"k%d\0\1\0\0\0" % number + packed)
        for number in range(min(size // len(packed), count))
    ]
    return png(_PIXEL, *texts) if behind else png(*texts, _PIXEL)


def png_chunk(kind: bytes, size: int, *, behind: bool = False) -> bytes:
    content = b"key\0" + bytes(size) if kind != b"eXIf" else exif(size)
    big = chunk(kind, content)
    return png(_PIXEL, big) if behind else png(big, _PIXEL)


def png_private(size: int, *, each: int = 1_000) -> bytes:
    return png(*[chunk(b"abCd", bytes(each))] * (size // (each + 12)), _PIXEL)


def png_excess(size: int) -> bytes:
    """More picture data than the picture has."""
    return png(chunk(b"IDAT", zlib.compress(bytes(2)) + bytes(size)))


def png_flat(size: int, *, depth: int, colour: int, interlace: int = 0, side: int = 7_000) -> bytes:
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\4" + bytes(side * samples * depth // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    if interlace:
        data = zlib.compress(b"\4" * int(side * side * samples * depth / 8 * 1.01 + 20 * side), 1)
    palette = [chunk(b"PLTE", bytes(768))] if colour == 3 else []
    return png(
        *palette,
        chunk(b"IDAT", data),
        width=side,
        height=side,
        depth=depth,
        colour=colour,
        interlace=interlace,
    )


def png_noise(size: int, mode: str = "RGBA") -> bytes:
    bands = {"RGBA": 4, "RGB": 3, "I;16": 2}[mode]
    return _saved(_noise_of(min(size, 49_000_000 * bands), bands, mode), "PNG", compress_level=1)


def animation(
    name: str, size: int, *, side: int, count: int, mode: str = "RGBA", **options: Any
) -> bytes:
    frames = [
        Image.new(mode, (side, side), (index % 256, 9, 99, 255)[: len(mode)]) for index in range(count)
    ]
    return _saved(frames[0], name, save_all=True, append_images=frames[1:], **options)


# TIFF.

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 12: 8, 16: 8}


def tiff(
    tags: dict[int, tuple[int, int, bytes | int]], *parts: bytes, next_: int = 0, big: bool = False
) -> bytes:
    """A TIFF of one directory: tag → type, count, and the values' bytes or where they are.

    What does not fit into an entry comes behind the directory, then ``parts``.
    """
    entry, offset = (20, "<Q") if big else (12, "<I")
    inline = entry - (12 if big else 8)
    start = 16 if big else 8
    behind = start + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    directory, values = b"", b""
    for tag, (kind, count, value) in sorted(tags.items()):
        directory += struct.pack("<HHQ" if big else "<HHI", tag, kind, count)
        if isinstance(value, int):
            directory += struct.pack(offset, value)
        elif len(value) <= inline:
            directory += value.ljust(inline, b"\0")
        else:
            directory += struct.pack(offset, behind + len(values))
            values += value
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) if big else b"II*\0\x08\0\0\0"
    counted = struct.pack("<Q" if big else "<H", len(tags))
    return head + counted + directory + struct.pack(offset, next_) + values + b"".join(parts)


def _short(*values: int) -> tuple[int, int, bytes]:
    return 3, len(values), struct.pack(f"<{len(values)}H", *values)


def _long(*values: int) -> tuple[int, int, bytes]:
    return 4, len(values), struct.pack(f"<{len(values)}I", *values)


def tiff_tags(width: int = 1, height: int = 1, **more: Any) -> dict[int, Any]:
    """What a grey picture of one strip needs; ``t123`` is another tag."""
    tags: dict[int, Any] = {
        256: _long(width),
        257: _long(height),
        258: _short(8),
        259: _short(1),
        262: _short(1),
        273: _long(0),
        277: _short(1),
        278: _long(height),
        279: _long(width * height),
    }
    return tags | {int(name[1:]): value for name, value in more.items()}


def tiff_strips(size: int, *, kind: int = 1, rows: int = 1, width: int = 1) -> bytes:
    """One strip offset per byte sent, or as many as its type allows."""
    count = size // _BYTES[kind]
    tags = tiff_tags(width, count * rows, t273=(kind, count, bytes(size)), t278=_long(rows))
    return tiff(tags)


def tiff_strips_beyond(size: int) -> bytes:
    """Many more strip offsets than the picture has strips."""
    return tiff(tiff_tags(1, 2, t273=(1, size, bytes(size)), t278=_long(1)))


def tiff_values(size: int, tag: int = 282, kind: int = 5) -> bytes:
    """A tag that should have one value has as many as fit."""
    count = size // _BYTES[kind]
    return tiff(tiff_tags(**{f"t{tag}": (kind, count, bytes(size))}))


def tiff_overlap(size: int) -> bytes:
    """A mass of tags that all have the whole file as their value."""
    tags = tiff_tags() | dict.fromkeys(range(40000, 40000 + 1000), (7, size - 20000, 8))
    return tiff(tags, bytes(size - 20_000))


def tiff_directory(size: int) -> bytes:
    """A directory as long as the file."""
    entries = [struct.pack("<HHQ8s", tag % 65_536, 3, 1, bytes(8)) for tag in range(65_536)]
    tags = tiff(tiff_tags(), big=True)
    count = (size - 100) // 20
    body = b"".join(entries) * (count // 65_536 + 1)
    return tags[:16] + struct.pack("<Q", count) + body[: 20 * count] + bytes(8)


def tiff_exif(size: int) -> bytes:
    """A directory of EXIF data with a tag of as many numbers as fit."""
    count = size // 4
    exif_at = 8 + 2 + 12 * 10 + 4
    inner = struct.pack("<HHHII", 1, 37_500, 4, count, exif_at + 18) + bytes(4) + bytes(size)
    return tiff(tiff_tags(t34665=_long(exif_at)), inner)


def tiff_pages(size: int, *, count: int = 2_000, side: int = 150) -> bytes:
    page = flat(side, side)
    return _saved(page, "TIFF", save_all=True, append_images=[page] * (count - 1))


def exif(size: int) -> bytes:
    """EXIF data that say how to turn the picture, so that they are written anew."""
    count = size // 4
    entries = struct.pack("<HHIHH", 274, 3, 1, 6, 0) + struct.pack("<HHII", 37_500, 4, count, 38)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + bytes(4) + bytes(4 * count)


def tiff_flat(size: int, *, mode: str = "RGB", side: int = 7_000, **options: Any) -> bytes:
    return _saved(flat(side, side, mode), "TIFF", **options)


def tiff_noise(size: int, mode: str = "RGB", **options: Any) -> bytes:
    bands = {"RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    return _saved(_noise_of(min(size, 49_000_000 * bands), bands, mode), "TIFF", **options)


def tiff_deep(size: int, *, side: int = 7_000, compression: int = 8) -> bytes:
    """Four samples of 16 bits, packed to next to nothing, in one strip."""
    data = zlib.compress(bytes(side * side * 8), 1)
    tags = tiff_tags(
        side,
        side,
        t258=_short(16, 16, 16, 16),
        t259=_short(compression),
        t262=_short(2),
        t277=_short(4),
        t338=_short(2),
        t279=_long(len(data)),
    )
    tags[273] = _long(len(tiff(tags)))
    return tiff(tags, data)


def tiff_inner_jpeg(size: int, *, side: int = 4_000) -> bytes:
    """One strip that is a progressive JPEG."""
    data = _saved(flat(side, side), "JPEG", progressive=True, subsampling=0)
    tags = tiff_tags(
        side,
        side,
        t258=_short(8, 8, 8),
        t259=_short(7),
        t262=_short(6),
        t277=_short(3),
        t279=_long(len(data)),
    )
    tags[273] = _long(len(tiff(tags)))
    return tiff(tags, data)


def tiff_turned(size: int, *, side: int = 7_000) -> bytes:
    return _saved(flat(side, side), "TIFF", compression="tiff_lzw", tiffinfo={274: 6})


# GIF.

_GIF_HEAD = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
_GIF_FRAME = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"


def gif_comments(size: int, *, block: int = 255) -> bytes:
    piece = bytes((block,)) + b"c" * block
    return _GIF_HEAD + b"!\xfe" + piece * (size // (block + 1)) + b"\0" + _GIF_FRAME + b";"


def gif_blocks(size: int, *, block: int = 255) -> bytes:
    piece = bytes((block,)) + bytes(block)
    data = b"\x02" + b"\x02D\x01" + piece * (size // (block + 1)) + b"\x00"
    return _GIF_HEAD + _GIF_FRAME[:10] + data + b";"


def gif_flat(size: int, *, side: int = 7_000) -> bytes:
    return _saved(flat(side, side, "P"), "GIF")


def gif_frames(size: int, *, side: int, count: int, dispose: int = 3) -> bytes:
    """Small frames, each of which restores the whole screen."""
    control = b"!\xf9\x04" + bytes((dispose << 2,)) + b"\0\0\0\0"
    one = _saved(flat(side, side, "P"), "GIF")
    start = one.index(b",")
    return one[:start] + (control + one[start:-1]) * count + b";"


# BMP.


def bmp(width: int, height: int, bits: int, data: bytes, *, compression: int = 0) -> bytes:
    palette = bytes(range(256)) * 4 if bits == 8 else bytes(64) if bits == 4 else bytes(8) * (bits == 1)
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIIIII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + palette + data


def bmp_ends(size: int) -> bytes:
    """Ends of lines that are none."""
    return bmp(9, 9, 8, bytes(size), compression=1)


def bmp_lines(size: int, *, side: int = 7_000, bits: int = 8) -> bytes:
    """A pixel and the end of the line, filled up one by one."""
    return bmp(side, side, bits, b"\1\1\0\0" * side + b"\0\1", compression=1 if bits == 8 else 2)


def bmp_runs(size: int, *, side: int = 7_000) -> bytes:
    runs, rest = divmod(side, 255)
    line = b"\xff\x12" * runs + bytes((rest, 0x12)) + b"\0\0"
    return bmp(side, side, 4, line * side + b"\0\1", compression=2)


def bmp_raw(size: int, *, bits: int = 24, side: int = 7_008) -> bytes:
    side = min(side, int((8 * size / bits) ** 0.5) // 32 * 32)
    return bmp(side, side, bits, bytes(side * side * bits // 8))


# WebP.


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_flat(size: int, *, side: int = 7_000, mode: str = "RGB", **options: Any) -> bytes:
    return _saved(flat(side, side, mode), "WEBP", **options)


def webp_noise(size: int, *, lossless: bool = True, mode: str = "RGB") -> bytes:
    image = _noise_of(min(size, 140 * MIB), 3 if lossless else 2, mode)
    return _saved(image, "WEBP", lossless=lossless, quality=0 if lossless else 90, method=0)


def webp_metadata(kind: bytes, size: int) -> bytes:
    flags = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}[kind]
    picture = _saved(flat(1, 1), "WEBP", lossless=True)[12:]
    content = bytes(size) if kind != b"EXIF" else exif(size)
    data = (kind, content), (picture[:4], picture[8 : 8 + struct.unpack("<I", picture[4:8])[0]])
    return webp(
        (b"VP8X", bytes((flags, 0, 0, 0)) + bytes(6)), *(data if kind == b"ICCP" else data[::-1])
    )


# AVIF.


def avif_flat(size: int, *, side: int = 7_000, mode: str = "RGB", **options: Any) -> bytes:
    return _saved(flat(side, side, mode), "AVIF", speed=10, **options)


def avif_noise(size: int) -> bytes:
    return _saved(_noise_of(min(size, 20 * MIB), 3), "AVIF", speed=10, quality=100)


def avif_lying(size: int, *, side: int = 16_000) -> bytes:
    """Says that it is one pixel."""
    data = avif_flat(size, side=side)
    return data.replace(
        b"ispe" + struct.pack(">III", 0, side, side), b"ispe" + struct.pack(">III", 0, 1, 1)
    )


def avif_tail(size: int) -> bytes:
    return avif_flat(size, side=8) + struct.pack(">I4s", size + 8, b"free") + bytes(size)


FILES: dict[str, Callable[[int], bytes]] = {
    "JPEG EXIF segments": partial(jpeg_with, _segment(0xE1, b"Exif\0\0" + b"x" * 70)),
    "JPEG more EXIF segments": partial(jpeg_with, _segment(0xE1, b"Exif\0\0" + b"x" * 420)),
    "JPEG large EXIF segments": partial(jpeg_with, _segment(0xE1, b"Exif\0\0" + b"x" * 65_500)),
    "JPEG segments": partial(jpeg_with, _segment(0xE5, b"x")),
    "JPEG large segments": partial(jpeg_with, _segment(0xED, b"x" * 65_000)),
    "JPEG comments": partial(jpeg_with, _segment(0xFE, b"x" * 65_000)),
    "JPEG tables": partial(jpeg_with, _segment(0xDB, (b"\0" + b"\1" * 64) * 1_000)),
    "JPEG Photoshop": partial(
        jpeg_with, _segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0" * 5_400)
    ),
    "JPEG profile": jpeg_profile,
    "JPEG junk": partial(jpeg_junk, b"\0"),
    "JPEG fill": partial(jpeg_junk, b"\xff"),
    "JPEG scans": jpeg_scans,
    "JPEG noise": jpeg_noise,
    "JPEG noise, progressive": partial(jpeg_noise, progressive=True),
    "JPEG noise, CMYK, progressive": partial(jpeg_noise, progressive=True, mode="CMYK"),
    "JPEG flat, progressive": partial(jpeg_flat, progressive=True, subsampling=0),
    "JPEG flat, CMYK, progressive": partial(jpeg_flat, progressive=True, mode="CMYK"),
    "JPEG flat": jpeg_flat,
    "PNG texts": png_texts,
    "PNG texts behind": partial(png_texts, behind=True),
    "PNG text": partial(png_chunk, b"tEXt"),
    "PNG EXIF": partial(png_chunk, b"eXIf"),
    "PNG EXIF behind": partial(png_chunk, b"eXIf", behind=True),
    "PNG palette": partial(png_chunk, b"PLTE"),
    "PNG private": partial(png_chunk, b"abCd"),
    "PNG private chunks": png_private,
    "PNG excess": png_excess,
    "PNG flat, 16 bits": partial(png_flat, depth=16, colour=6),
    "PNG flat": partial(png_flat, depth=8, colour=6),
    "PNG flat, interlaced": partial(png_flat, depth=8, colour=6, interlace=1),
    "PNG flat, palette": partial(png_flat, depth=8, colour=3),
    "PNG flat, 1 bit": partial(png_flat, depth=1, colour=0),
    "PNG noise": png_noise,
    "PNG noise, 16 bits": partial(png_noise, mode="I;16"),
    "PNG animation": partial(animation, "PNG", side=3_500, count=4),
    "TIFF strips": tiff_strips,
    "TIFF strips of four": partial(tiff_strips, kind=4),
    "TIFF strips beyond": tiff_strips_beyond,
    "TIFF resolutions": tiff_values,
    "TIFF bits": partial(tiff_values, tag=258, kind=3),
    "TIFF formats": partial(tiff_values, tag=339, kind=3),
    "TIFF XMP": partial(tiff_values, tag=700, kind=1),
    "TIFF XMP as numbers": partial(tiff_values, tag=700, kind=3),
    "TIFF profile": partial(tiff_values, tag=34_675, kind=7),
    "TIFF private": partial(tiff_values, tag=40_000, kind=7),
    "TIFF overlap": tiff_overlap,
    "TIFF directory": tiff_directory,
    "TIFF EXIF": tiff_exif,
    "TIFF flat": tiff_flat,
    "TIFF flat, LZW": partial(tiff_flat, compression="tiff_lzw"),
    "TIFF flat, deflate": partial(tiff_flat, compression="tiff_adobe_deflate", mode="RGBA"),
    "TIFF flat, LZMA": partial(tiff_flat, compression="lzma"),
    "TIFF flat, JPEG": partial(tiff_flat, compression="jpeg"),
    "TIFF flat, Group 4": partial(tiff_flat, compression="group4", mode="1"),
    "TIFF deep": tiff_deep,
    "TIFF inner JPEG": tiff_inner_jpeg,
    "TIFF turned": tiff_turned,
    "TIFF noise": tiff_noise,
    "TIFF noise, LZW": partial(tiff_noise, compression="tiff_lzw"),
    "TIFF noise, LZMA": partial(tiff_noise, compression="lzma"),
    "TIFF noise, JPEG": partial(tiff_noise, compression="jpeg"),
    "GIF comments": gif_comments,
    "GIF small comments": partial(gif_comments, block=1),
    "GIF blocks": gif_blocks,
    "GIF flat": gif_flat,
    "GIF frames": partial(gif_frames, side=3_500, count=4),
    "GIF background": partial(gif_frames, side=3_500, count=4, dispose=2),
    "GIF many frames": partial(gif_frames, side=150, count=2_000),
    "BMP ends of lines": bmp_ends,
    "BMP lines": bmp_lines,
    "BMP runs": bmp_runs,
    "BMP raw": bmp_raw,
    "BMP raw, 1 bit": partial(bmp_raw, bits=1),
    "BMP raw, 32 bits": partial(bmp_raw, bits=32),
    "WEBP flat": webp_flat,
    "WEBP flat, lossless": partial(webp_flat, lossless=True, mode="RGBA"),
    "WEBP noise": webp_noise,
    "WEBP EXIF": partial(webp_metadata, b"EXIF"),
    "WEBP profile": partial(webp_metadata, b"ICCP"),
    "WEBP XMP": partial(webp_metadata, b"XMP "),
    "WEBP animation": partial(animation, "WEBP", side=3_500, count=4, lossless=True),
}


def _at_most(size: int, make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    return lambda asked: make(min(size, asked))


# As much of everything as is let through.
FILES |= {
    "JPEG EXIF, most": _at_most(16 * 65_510, FILES["JPEG large EXIF segments"]),
    "JPEG segments, most": _at_most(1_990 * 5, FILES["JPEG segments"]),
    "JPEG tables, most": _at_most(3 * 65_010, FILES["JPEG tables"]),
    "JPEG Photoshop, most": _at_most(64 * 64_820, FILES["JPEG Photoshop"]),
    "JPEG scans, most": partial(jpeg_scans, count=36, side=6_720),
    "JPEG flat, progressive, most": partial(jpeg_flat, progressive=True, subsampling=0, side=6_720),
    "JPEG flat, CMYK, progressive, most": partial(jpeg_flat, progressive=True, mode="CMYK", side=5_840),
    "PNG texts, most": partial(png_texts, count=22),
    "PNG EXIF, most": _at_most(MIB - 100, FILES["PNG EXIF"]),
    "PNG animation, most": partial(animation, "PNG", side=3_800, count=3),
    "TIFF strips, most": _at_most(65_000 * 4, partial(tiff_strips, kind=4, width=700)),
    "TIFF resolutions, most": _at_most(490_000 * 8, tiff_values),
    "TIFF EXIF, most": _at_most(490_000 * 4, tiff_exif),
    "TIFF deep, most": partial(tiff_deep, side=4_900),
    "TIFF turned, most": partial(tiff_turned, side=6_000),
    "TIFF XMP, most": _at_most(70_000_000, FILES["TIFF XMP"]),
    "TIFF pages": tiff_pages,
    "GIF small comments, most": _at_most(980_000, FILES["GIF small comments"]),
    "GIF frames, most": partial(gif_frames, side=4_030, count=3),
    "GIF background, most": partial(gif_frames, side=4_030, count=3, dispose=2),
    "BMP ends of lines, most": _at_most(8 * MIB - 2_000, bmp_ends),
    "BMP lines, most": partial(bmp_lines, side=3_160),
    "BMP runs, most": partial(bmp_runs, side=3_160),
    "WEBP flat, most": partial(webp_flat, side=4_150, mode="RGBA", lossless=True),
    "WEBP noise, most": _at_most(3 * 3_700**2, webp_noise),
    "WEBP noise, lossy, most": _at_most(2 * 3_900**2, partial(webp_noise, lossless=False)),
    "WEBP EXIF, most": _at_most(MIB - 100, FILES["WEBP EXIF"]),
    "WEBP animation, most": partial(animation, "WEBP", side=4_050, count=3, lossless=True),
}
if features.check("avif"):
    FILES |= {
        "AVIF flat": avif_flat,
        "AVIF noise": avif_noise,
        "AVIF lying": avif_lying,
        "AVIF tail": avif_tail,
        "AVIF flat, most": partial(avif_flat, side=3_490, mode="RGBA", subsampling="4:4:4"),
        "AVIF animation": partial(
            animation, "AVIF", side=2_200, count=10, speed=10, subsampling="4:4:4"
        ),
    }
