"""A picture in another format or size: bytes in, bytes out.

Knows no request, storage or setting. What is made has its EXIF orientation applied and carries no
metadata but a colour profile that fits. Animations stay animations between GIF, WebP, AVIF and
animated PNG as sources and GIF, WebP and AVIF as targets; else the first frame or page is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from PIL import Image, __version__, features
from PIL.ImageFile import ImageFile

from . import verification

# Part of the name of what is made: change it with anything that changes the bytes.
RECIPE = f"1 {__version__}"

_ORIENTATION = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = frozenset({5, 6, 7, 8})

_WHITE = (255, 255, 255)
_TRANSPARENT = 255  # index of the transparent colour of a GIF
_MAX_DURATION = 655_350  # milliseconds that a GIF can hold
_MAX_PROFILE = 2**20

# By target. WebP and AVIF at a third of the time of Pillow's defaults and nearly the same size, PNG
# 2.6 times as fast as by default and a quarter larger.
_OPTIONS: dict[str, dict[str, Any]] = {
    "AVIF": {"quality": 75, "speed": 9},
    # Without the search for unused colours, which moves the index of the transparent one.
    "GIF": {"optimize": False},
    "JPEG": {"quality": 85},
    "PNG": {"compress_level": 1},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"quality": 80, "method": 2},
}
TARGETS = frozenset(_OPTIONS if features.check("avif") else _OPTIONS.keys() - {"AVIF"})
_ANIMATED_SOURCES = frozenset({"AVIF", "GIF", "PNG", "WEBP"})
_ANIMATED_TARGETS = frozenset({"AVIF", "GIF", "WEBP"})
# Modes that a target holds as they are, besides L, RGB and RGBA.
_ALSO_HELD = {"PNG": ("1", "I;16", "P"), "TIFF": ("1", "I;16")}
_MAX_PLAYS = 65_535
_PREDICTOR = 317


@dataclass(slots=True)
class _Frame:
    """One frame as it will be written; ``duration`` in milliseconds."""

    image: Image.Image
    duration: int
    options: dict[str, Any]


def recode(
    file: BinaryIO,
    out: IO[bytes],
    *,
    target: str,
    box: tuple[int, int] | None,
    formats: Sequence[str],
    max_pixels: int,
    max_memory: int,
) -> None:
    """Write the picture in ``file`` to ``out`` as ``target``, one of ``TARGETS``.

    With a ``box`` it is made small enough for it, in its own proportions, and never enlarged.
    Raises as ``verification.verify`` does, also for what ``target`` cannot hold.
    """
    with (
        verification.as_refusal(),
        verification.opened(file, formats, max_pixels, max_memory) as source,
    ):
        _recode(source, out, target, box)


def _recode(
    source: verification.Opened, out: IO[bytes], target: str, box: tuple[int, int] | None
) -> None:
    image = source.image
    moving = source.format in _ANIMATED_SOURCES and target in _ANIMATED_TARGETS
    moving = moving and source.frames != 1
    held = () if moving else _ALSO_HELD.get(target, ())
    frames = [_frame(image, target, box, held)]
    plays = _plays(source.format, image)
    if moving:
        for _ in verification.go_through(image, source.frames):
            source.budget.take(*image.size)
            frames.append(_frame(image, target, box, held))
    first = frames[0]
    options = _OPTIONS[target] | first.options
    if moving:
        options |= _animation(frames, target, plays)
    first.image.save(out, target, **options)


def _frame(image: ImageFile, target: str, box: tuple[int, int] | None, held: Sequence[str]) -> _Frame:
    """The current frame of ``image``, with its orientation applied, in a mode for ``target``."""
    if image.format != "JPEG":
        # Pillow turns a TIFF while it loads it; a PNG may have its orientation after the pixels.
        image.load()
    turn = _turn(image)
    size = image.size
    if box is not None:
        size = verification.fit(size, box[::-1] if turn in _QUARTER_TURNS else box)
    if size != image.size:
        image.draft(None, (2 * size[0], 2 * size[1]))
    image.load()
    transparency = image.info.get("transparency")
    plain = _plain(image, size, held)
    if turn in _TRANSPOSITIONS:
        plain = plain.transpose(_TRANSPOSITIONS[turn])
    options: dict[str, Any] = {}
    if plain.mode == "P" and transparency is not None:
        options["transparency"] = transparency
    if _fits(image.info.get("icc_profile"), plain):
        options["icc_profile"] = image.info["icc_profile"]
    duration = min(max(round(image.info.get("duration", 0)), 0), _MAX_DURATION)
    plain.info = {}
    if target == "JPEG" and plain.mode == "RGBA":
        plain = _over_white(plain)
    elif target == "GIF" and plain.mode != "L":
        plain, transparent = _with_palette(plain)
        options = {"transparency": _TRANSPARENT} if transparent else {}
    elif target == "TIFF" and plain.mode in ("L", "RGB", "RGBA"):
        # Pixels as differences to their neighbours halve the size.
        options["tiffinfo"] = {_PREDICTOR: 2}
    return _Frame(plain, duration, options)


def _turn(image: ImageFile) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1  # EXIF data that cannot be read are no reason to refuse a picture


def _plain(image: Image.Image, size: tuple[int, int], held: Sequence[str]) -> Image.Image:
    """A copy of ``image`` in ``size``, as a plain image without what its format keeps beside pixels."""
    colour_key = image.mode in ("L", "RGB") and image.has_transparency_data
    if size != image.size:
        return verification.shrink(verification.in_plain_mode(image) if colour_key else image, size)
    if image.mode in ("L", "RGB", "RGBA") and not colour_key:
        return image.copy()
    return image.copy() if image.mode in held else verification.in_plain_mode(image)


def _fits(profile: object, image: Image.Image) -> bool:
    """Whether the colour profile ``profile`` is for the mode that ``image`` has now."""
    if not isinstance(profile, bytes) or len(profile) > _MAX_PROFILE:
        return False
    return profile[16:20] == (b"GRAY" if image.mode in ("L", "I;16") else b"RGB ")


def _over_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, _WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _with_palette(image: Image.Image) -> tuple[Image.Image, bool]:
    """``image`` with at most 255 colours, and whether some pixels are ``_TRANSPARENT``."""
    solid = image if image.mode == "RGB" else _over_white(image)
    # Median cut takes ten seconds for a photograph. For few colours it is fast, and exact.
    few = solid.getcolors(_TRANSPARENT) is not None
    method = Image.Quantize.MEDIANCUT if few else Image.Quantize.FASTOCTREE
    palette = solid.quantize(_TRANSPARENT, method=method)
    colours = palette.getpalette() or []
    palette.putpalette(colours + [0] * (3 * (_TRANSPARENT + 1) - len(colours)))
    palette.info = {}
    if image.mode == "RGB":
        return palette, False
    holes = image.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0)
    if holes.getbbox() is None:
        return palette, False
    palette.paste(_TRANSPARENT, mask=holes)
    return palette, True


def _is_transparent(image: Image.Image) -> bool:
    return image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255)


def _plays(source: str, image: ImageFile) -> int:
    """How often an animation is played, 0 for ever."""
    loop = image.info.get("loop")
    if source == "GIF":
        # A GIF says how often it is repeated after the first time.
        loop = 1 if loop is None else loop and loop + 1
    return min(int(loop or 0), _MAX_PLAYS)


def _animation(frames: Sequence[_Frame], target: str, plays: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "save_all": True,
        "append_images": [frame.image for frame in frames[1:]],
        "duration": [frame.duration for frame in frames],
    }
    if target == "WEBP":
        options["loop"] = plays
        if any(_is_transparent(frame.image) for frame in frames):
            # Store whole frames: the parts that differ may all be opaque, and the alpha would be lost.
            options |= {"kmin": 0, "kmax": 1}
    if target == "GIF":
        if plays != 1:
            options["loop"] = plays and plays - 1
        if any("transparency" in frame.options for frame in frames):
            # Clear the ground before each frame, or the previous one would show through.
            options |= {"transparency": _TRANSPARENT, "disposal": 2}
    return options
