"""What a file is, by its first bytes.

Neither names nor Content-Type headers are looked at (D-15: the content decides).
"""

from __future__ import annotations

# Bytes at the beginning of a file that are enough to tell.
HEAD_SIZE = 512

EXTENSIONS = {
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jp2": ".jp2",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/webp": ".webp",
}

_PICTURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
)

_OTHERS = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"PK\x03\x04", "application/zip", ".zip"),
    (b"PK\x05\x06", "application/zip", ".zip"),
    (b"\x1f\x8b", "application/gzip", ".gz"),
    (b"BZh", "application/x-bzip2", ".bz2"),
    (b"\xfd7zXZ\x00", "application/x-xz", ".xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", ".7z"),
    (b"Rar!\x1a\x07", "application/vnd.rar", ".rar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", ".ole"),
    (b"ID3", "audio/mpeg", ".mp3"),
    (b"OggS", "application/ogg", ".ogg"),
    (b"fLaC", "audio/flac", ".flac"),
    (b"\x1aE\xdf\xa3", "video/webm", ".webm"),
)

EXTENSIONS |= {mime: extension for _, mime, extension in _OTHERS}
# The MIME type of each extension that ``detect`` gives.
TYPES = {extension: mime for mime, extension in EXTENSIONS.items()}

# The sizes that the second header of a BMP may have. "BM" alone is not enough: texts begin so, too.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})

_TEXT_CONTROLS = frozenset("\t\n\r\f\x1b")


def sniff(head: bytes) -> str | None:
    """The MIME type of the raster picture that begins with ``head``; None if it is none.

    ``HEAD_SIZE`` bytes are enough.
    """
    for magic, mime in _PICTURES:
        if head.startswith(magic):
            return mime
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if (
        head.startswith(b"BM")
        and len(head) >= 18
        and int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    ):
        return "image/bmp"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


def _sniff_brands(head: bytes) -> str | None:
    """AVIF and HEIC share their container with films: the brands in the first box tell them apart."""
    box = head[8 : max(16, int.from_bytes(head[:4], "big"))]
    brands = {box[index : index + 4] for index in range(0, len(box), 4)}
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "image/heic"
    return None


def detect(head: bytes) -> tuple[str, str]:
    """The MIME type and the extension of the file that begins with ``head``.

    Text of any kind, HTML and SVG included, is ``text/plain``.
    """
    if (picture := sniff(head)) is not None:
        return picture, EXTENSIONS[picture]
    for magic, mime, extension in _OTHERS:
        if head.startswith(magic):
            return mime, extension
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav", ".wav"
    if head[4:8] == b"ftyp":
        return "video/mp4", ".mp4"
    if _is_text(head):
        return "text/plain", ".txt"
    return "application/octet-stream", ".bin"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        # The last character may be cut by the end of ``head``.
        if error.reason != "unexpected end of data" or error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return text != "" and all(char >= " " or char in _TEXT_CONTROLS for char in text)
