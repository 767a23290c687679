"""Images and BLOBs as clients read them (``requests.md`` 6.2, ``responses.md`` 5, D-29)."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image
from rest_framework.throttling import SimpleRateThrottle

from fourd_rest.models import ConvertedPicture
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture
from tests.unit.test_pictures import WRITABLE, image, save
from tests.zoo.models import Everything

pytestmark = pytest.mark.django_db

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
FILE_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "4DREST-INFO": "1.0",
}
EMPTY_HEADERS = {
    "Content-Type": "application/octet-stream",
    "Content-Length": "0",
    "Cache-Control": "no-store",
}
EXTENSIONS = {"AVIF": "avif", "GIF": "gif", "JPEG": "jpg", "PNG": "png", "TIFF": "tif", "WEBP": "webp"}
SIZES = ((150, 100), (64, 64), (7, 90))
SPELLINGS = {
    "PNG": ["png", "PNG", ".png", "image/png", "Image/PNG", "image/.png", '".png"'],
    "JPEG": ["jpeg", "JPG", ".jpg", "image/jpeg", "image/jpg"],
    "GIF": ["gif", ".Gif", "image/gif"],
    "TIFF": ["tiff", "tif", ".TIF", "image/tiff"],
    "WEBP": ["webp", ".webp", "image/webp", "WebP"],
    "AVIF": ["avif", ".AVIF", "image/avif"],
}


@pytest.fixture
def employee() -> Callable[..., Employee]:
    """``employee(data, name)``: one with this photo."""

    def make(data: bytes = b"", name: str = "anna.png", **values: Any) -> Employee:
        made = Employee(first_name="Anna", last_name="Weber", **values)
        if data:
            made.photo.save(name, ContentFile(data), save=False)
        made.save()
        return made

    return make


def body(response: Any) -> bytes:
    return response.getvalue()  # closes it, too


def decoded(response: Any) -> Image.Image:
    image = Image.open(io.BytesIO(body(response)))
    image.load()
    return image


def photo(employee: Employee, params: str) -> str:
    return f"Employee({employee.pk})/photo?{params}"


def has(response: Any, **expected: str) -> bool:
    found = {name: response.headers.get(name) for name in FILE_HEADERS | expected}
    return found == FILE_HEADERS | expected


def is_empty(response: Any) -> bool:
    found = {name: response.headers.get(name) for name in EMPTY_HEADERS}
    return (response.status_code, found, body(response)) == (200, EMPTY_HEADERS, b"")


def refused(response: Any, status: int, code: int, message: str, component: str = "dbmg") -> bool:
    error = {"message": message, "componentSignature": component, "errCode": code}
    return (response.status_code, response.json()) == (status, {"__ERROR": [error]})


def kept() -> list[Path]:
    """The files of converted pictures."""
    folder = Path(django_settings.STORAGES["fourd_uploads"]["OPTIONS"]["location"]) / "converted"
    return [path for path in folder.rglob("*") if path.is_file()]


# Formats.


@pytest.mark.parametrize(
    ("target", "spelled"), [(target, text) for target, texts in SPELLINGS.items() for text in texts]
)
def test_every_format_however_it_is_spelled(
    admin: RestClient, employee: Any, target: str, spelled: str
) -> None:
    source = "PNG" if target != "PNG" else "JPEG"
    anna = employee(picture(source), f"anna.{EXTENSIONS[source]}")
    response = admin.read(photo(anna, f"$imageformat={spelled}&$version=3&$expand=photo"))
    assert response.status_code == 200
    data = body(response)
    assert has(
        response,
        **{
            "Content-Type": f"image/{target.lower()}",
            "Content-Length": str(len(data)),
            "Content-Disposition": f'inline; filename="anna.{EXTENSIONS[target]}"',
        },
    )
    assert "Accept" not in response.headers["Vary"]
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == (target, (8, 6))


@pytest.mark.parametrize(
    "spelled", ["bmp", "svg", "pdf", "image/heic", "..", "png/image", "image", "*", "image/*", "0"]
)
@pytest.mark.parametrize("data", [picture(), b""])
def test_a_format_that_does_not_exist(
    admin: RestClient, employee: Any, spelled: str, data: bytes
) -> None:
    if spelled == "..":
        spelled = "..x"
    response = admin.read(photo(employee(data), f"$imageformat={spelled}"))
    assert refused(response, 400, 1824, "The file is not a picture of an accepted type")


def test_the_content_decides_what_a_picture_is(admin: RestClient, employee: Any) -> None:
    data = picture("GIF")
    response = admin.read(photo(employee(data, "anna.png"), "$imageformat=best"))
    assert response.headers["Content-Type"] == "image/gif"
    assert body(response) == data
    assert decoded(admin.read(photo(employee(data, "anna.png"), "$imageformat=png"))).format == "PNG"


def test_an_uploaded_picture(admin: RestClient, employee: Any) -> None:
    anna = employee()
    upload = admin.upload(picture("JPEG"), "$rawPict=true").json()["ID"]
    saved = admin.update("Employee", {"__KEY": anna.pk, "__STAMP": 1, "photo": {"ID": upload}}).json()
    assert saved["__STATUS"] == {"success": True}
    response = admin.read(photo(anna, "$imageformat=png"))
    assert response.headers["Content-Disposition"] == f'inline; filename="photo-{anna.pk}.png"'
    assert decoded(response).format == "PNG"


def test_without_a_format_it_is_json(admin: RestClient, employee: Any) -> None:
    anna = employee(picture())
    uri = f"/rest/Employee({anna.pk})/photo?$imageformat=best&$version=1&$expand=photo"
    answer = admin.read(f"Employee({anna.pk})/photo").json()
    assert answer["photo"] == {"__deferred": {"uri": uri, "image": True}}


# The best.


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (CHROME, "WEBP"),
        (FIREFOX, "WEBP"),
        ("image/png", "PNG"),
        ("image/jpeg", "JPEG"),
        ("image/png,image/jpeg", "PNG"),
        ("image/png;q=0.5, image/jpeg", "JPEG"),
        ("image/jpeg, image/webp;q=0", "JPEG"),
        ("IMAGE/PNG", "PNG"),
        ("image/gif, */*;q=0.1", "WEBP"),
        ("image/tiff, image/png", "TIFF"),
        ("image/tiff;q=0.1, image/png", "TIFF"),
        ("image/tiff;q=0, image/png", "PNG"),
        ("image/gif", "TIFF"),
        ("image/*", "TIFF"),
        ("*/*", "TIFF"),
        ("text/html", "TIFF"),
        ("application/json, text/plain, */*", "TIFF"),
        ("", "TIFF"),
        (None, "TIFF"),
        ("image/", "TIFF"),
        (";;,,/", "TIFF"),
    ],
)
def test_the_best_of_what_a_browser_cannot_show(
    admin: RestClient, employee: Any, accept: str | None, expected: str
) -> None:
    data = picture("TIFF")
    anna = employee(data, "anna.tif")
    headers = {} if accept is None else {"HTTP_ACCEPT": accept}
    response = admin.read(photo(anna, "$imageformat=best"), **headers)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == f"image/{expected.lower()}"
    assert response.headers["Vary"] == "Accept, Cookie"
    found = body(response)
    assert (found == data) is (expected == "TIFF")
    with Image.open(io.BytesIO(found)) as image:
        assert (image.format, image.size) == (expected, (8, 6))


@pytest.mark.parametrize(("source", "kept_"), [("BMP", "image/bmp"), ("AVIF", "image/avif")])
def test_other_formats_that_not_every_browser_shows(
    admin: RestClient, employee: Any, settings: Any, source: str, kept_: str
) -> None:
    settings.FOURD_REST = {"PICTURE_FORMATS": ["BMP", "AVIF"]}
    data = picture(source)
    anna = employee(data, "anna.x")
    assert decoded(admin.read(photo(anna, "$imageformat=best"), HTTP_ACCEPT="image/png")).format == "PNG"
    response = admin.read(photo(anna, "$imageformat=best"), HTTP_ACCEPT=f"image/png, {kept_}")
    assert (response.headers["Content-Type"], response.headers["Vary"]) == (kept_, "Accept, Cookie")
    assert body(response) == data


@pytest.mark.parametrize(
    "params", ["$imageformat=png", "$imageformat=tiff", "$imageformat=gif&$size=3x3"]
)
def test_what_is_asked_for_by_name_does_not_vary(admin: RestClient, employee: Any, params: str) -> None:
    anna = employee(picture("TIFF"), "anna.tif")
    assert admin.read(photo(anna, params), HTTP_ACCEPT=CHROME).headers["Vary"] == "Cookie"


def test_the_best_is_the_stored_one_where_no_other_can_be_made(admin: RestClient, employee: Any) -> None:
    data = picture("TIFF")[:-20]
    response = admin.read(photo(employee(data, "anna.tif"), "$imageformat=best"), HTTP_ACCEPT=CHROME)
    assert body(response) == data
    assert response.headers["Content-Type"] == "image/tiff"
    assert response.headers["Vary"] == "Accept, Cookie"


def test_what_a_known_client_gets_is_no_longer_sent(admin: RestClient, employee: Any) -> None:
    anna = employee(picture("TIFF"), "anna.tif")
    first = admin.read(photo(anna, "$imageformat=best"), HTTP_ACCEPT=CHROME)
    again = admin.read(
        photo(anna, "$imageformat=best"), HTTP_ACCEPT=CHROME, HTTP_IF_NONE_MATCH=first.headers["ETag"]
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Vary"] == "Accept, Cookie"
    other = admin.read(
        photo(anna, "$imageformat=best"), HTTP_ACCEPT="*/*", HTTP_IF_NONE_MATCH=first.headers["ETag"]
    )
    assert other.status_code == 200
    assert body(first) != body(other)


# Sizes.


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("20x20", (20, 10)),
        ("20X20", (20, 10)),
        ("020x0020", (20, 10)),
        ("100x5", (10, 5)),
        ("1x1", (1, 1)),
        ("40x20", (40, 20)),
        ("4096x4096", (40, 20)),
    ],
)
@pytest.mark.parametrize("asked", ["", "$imageformat=best&", "$imageformat=jpeg&"])
def test_a_thumbnail(
    admin: RestClient, employee: Any, size: str, expected: tuple[int, int], asked: str
) -> None:
    anna = employee(picture("PNG", (40, 20)))
    response = admin.read(photo(anna, f"{asked}$size={size}"))
    assert response.status_code == 200
    target = "JPEG" if "jpeg" in asked else "PNG"
    assert response.headers["Content-Type"] == f"image/{target.lower()}"
    image = decoded(response)
    assert (image.format, image.size) == (target, expected)


@pytest.mark.parametrize(
    "size",
    ["0x10", "10x0", "10", "x10", "10x", "-1x5", "10x10x10", "1.5x2", "ten x ten", "4097x1", "1x4097"]
    + ["9" * 30 + "x1", "%EF%BC%91x1", "10*10"],
)
@pytest.mark.parametrize("data", [picture(), b""])
def test_a_size_that_is_none(admin: RestClient, employee: Any, size: str, data: bytes) -> None:
    response = admin.read(photo(employee(data), f"$size={size}"))
    message = "URL is not well formed: $size must be WxH, each from 1 to 4096"
    assert refused(response, 400, 1806, message)


def test_the_largest_size_is_a_setting(admin: RestClient, employee: Any, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_THUMBNAIL_SIDE": 30}
    anna = employee(picture("PNG", (40, 20)))
    assert decoded(admin.read(photo(anna, "$size=30x30"))).size == (30, 15)
    message = "URL is not well formed: $size must be WxH, each from 1 to 30"
    assert refused(admin.read(photo(anna, "$size=31x1")), 400, 1806, message)


@pytest.mark.parametrize(
    ("source", "accept", "expected"),
    [
        ("JPEG", CHROME, "JPEG"),
        ("GIF", CHROME, "GIF"),
        ("WEBP", "*/*", "WEBP"),
        ("TIFF", "*/*", "TIFF"),
        ("TIFF", CHROME, "WEBP"),
        ("TIFF", "image/png", "PNG"),
        ("BMP", "*/*", "PNG"),
        ("BMP", CHROME, "WEBP"),
        ("BMP", "image/bmp", "PNG"),
    ],
)
def test_the_format_of_a_thumbnail(
    admin: RestClient, employee: Any, source: str, accept: str, expected: str
) -> None:
    anna = employee(picture(source, (40, 20)), "anna.x")
    response = admin.read(photo(anna, "$size=10x10"), HTTP_ACCEPT=accept)
    varies = "Accept, Cookie" if source in ("TIFF", "BMP") else "Cookie"
    assert response.headers["Vary"] == varies
    image = decoded(response)
    assert (image.format, image.size) == (expected, (10, 5))


def test_the_orientation_of_a_camera(admin: RestClient, employee: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    source = Image.new("RGB", (40, 20), (255, 0, 0))
    source.paste((0, 0, 255), (0, 0, 20, 20))
    source.save(out, "JPEG", exif=exif, quality=95)
    anna = employee(out.getvalue(), "anna.jpg")
    image = decoded(admin.read(photo(anna, "$size=16x16&$imageformat=png")))
    assert image.size == (8, 16)
    top, bottom = image.getpixel((4, 2)), image.getpixel((4, 13))
    assert top[2] > 200 > 60 > top[0]  # type: ignore[index]
    assert bottom[0] > 200 > 60 > bottom[2]  # type: ignore[index]
    assert image.getexif() == {}


def test_a_jpeg_lies_on_white(admin: RestClient, employee: Any) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    image = decoded(admin.read(photo(employee(out.getvalue()), "$imageformat=jpeg")))
    assert image.getpixel((4, 4)) == (255, 255, 255)


def test_an_animation_stays_one(admin: RestClient, employee: Any) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=120, loop=0)
    anna = employee(out.getvalue(), "anna.gif")
    webp = decoded(admin.read(photo(anna, "$imageformat=webp")))
    assert (webp.n_frames, webp.info["loop"]) == (3, 0)  # type: ignore[attr-defined]
    assert getattr(decoded(admin.read(photo(anna, "$imageformat=png"))), "n_frames", 1) == 1


def test_size_is_nothing_where_there_is_no_image(admin: RestClient, employee: Any) -> None:
    anna = employee(picture())
    assert admin.read(f"Employee({anna.pk})?$size=x").json()["firstName"] == "Anna"
    assert admin.read(f"Employee({anna.pk})/firstName?$size=x").json()["firstName"] == "Anna"
    anna.cv.save("cv.pdf", ContentFile(PDF))
    assert body(admin.read(f"Employee({anna.pk})/cv?$binary=true&$size=x&$imageformat=x")) == PDF
    assert "__deferred" in admin.read(f"Employee({anna.pk})/cv?$size=10x10").json()["cv"]


# HTTP.


@pytest.fixture
def large(employee: Any) -> Employee:
    """A photo whose PNG has several pieces."""
    noise = Image.frombytes("RGB", (400, 400), random.Random(1).randbytes(480_000))
    out = io.BytesIO()
    noise.save(out, "TIFF")
    return employee(out.getvalue(), "anna.tif")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-299999", 1_000, 300_000),
        ("bytes=400000-", 400_000, None),
        ("bytes=-5", -5, None),
    ],
)
def test_a_range(admin: RestClient, large: Employee, asked: str, start: int, stop: Any) -> None:
    # The first answer comes from what was just made as well as any other.
    part = admin.read(photo(large, "$imageformat=png"), HTTP_RANGE=asked)
    data = body(admin.read(photo(large, "$imageformat=png")))
    assert len(data) > 450_000
    expected = data[start:stop]
    assert (part.status_code, body(part)) == (206, expected)
    first = data.index(expected[:100]) if start else 0
    assert part.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(data)}"
    assert part.headers["Content-Length"] == str(len(expected))
    assert part.headers["Content-Type"] == "image/png"


def test_a_range_that_is_not_there(admin: RestClient, large: Employee) -> None:
    length = len(body(admin.read(photo(large, "$imageformat=png"))))
    response = admin.read(photo(large, "$imageformat=png"), HTTP_RANGE=f"bytes={length}-")
    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{length}"


def test_a_range_of_what_it_was(admin: RestClient, large: Employee) -> None:
    whole = admin.read(photo(large, "$imageformat=png"))
    data, tag = body(whole), whole.headers["ETag"]
    part = admin.read(photo(large, "$imageformat=png"), HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE=tag)
    assert (part.status_code, body(part)) == (206, data[:10])
    other = admin.read(photo(large, "$imageformat=png"), HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE='"x"')
    assert (other.status_code, body(other)) == (200, data)


def test_head(admin: RestClient, large: Employee) -> None:
    head = admin.rest("HEAD", photo(large, "$imageformat=png&$size=50x50"))
    get = admin.read(photo(large, "$imageformat=png&$size=50x50"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers
    assert int(head.headers["Content-Length"]) == len(body(get)) > 0


# What cannot be had.


@pytest.mark.parametrize("params", ["$imageformat=best", "$imageformat=png", "$size=5x5"])
def test_no_image(admin: RestClient, employee: Any, params: str) -> None:
    assert is_empty(admin.read(photo(employee(), params)))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NOT_PICTURES = {
    "SVG": SVG,
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "PDF": PDF,
    "octets": bytes(range(256)),
    "half a PNG": picture("PNG", (60, 60))[:70],
    "half a JPEG": picture("JPEG", (60, 60))[:300],
    "half a TIFF": picture("TIFF", (60, 60))[:-50],
    "half a GIF": picture("GIF", (60, 60))[:-20],
    "half a WebP": picture("WEBP", (60, 60))[:-20],
    "a head alone": b"\xff\xd8\xff",
    "a bomb": picture("PNG", (8_000, 8_000), "1"),
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
}


@pytest.mark.parametrize("name", NOT_PICTURES)
@pytest.mark.parametrize("params", ["$imageformat=tiff", "$size=5x5", "$imageformat=.webp&$size=5x5"])
def test_what_cannot_be_converted(admin: RestClient, employee: Any, name: str, params: str) -> None:
    data = NOT_PICTURES[name]
    if name == "half a TIFF" and "tiff" in params and "size" not in params:
        params = "$imageformat=png"
    assert is_empty(admin.read(photo(employee(data, "anna.x"), params)))
    assert kept() == []


@pytest.mark.parametrize("name", ["SVG", "HTML", "PDF", "octets", "HEIC"])
@pytest.mark.parametrize("file_name", ["anna.svg", "anna.png", "anna"])
def test_what_browsers_may_run_is_only_saved(
    admin: RestClient, employee: Any, name: str, file_name: str
) -> None:
    data = NOT_PICTURES[name]
    response = admin.read(photo(employee(data, file_name), "$imageformat=best"), HTTP_ACCEPT=CHROME)
    expected = "image/heic" if name == "HEIC" else "application/octet-stream"
    assert has(
        response,
        **{"Content-Type": expected, "Content-Disposition": f'attachment; filename="{file_name}"'},
    )
    assert body(response) == data


def test_the_pixels_that_the_site_accepts(admin: RestClient, employee: Any, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_PICTURE_PIXELS": 47}
    assert is_empty(admin.read(photo(employee(picture("PNG", (8, 6))), "$size=2x2")))
    assert decoded(admin.read(photo(employee(picture("PNG", (47, 1))), "$size=2x2"))).size == (2, 1)


@pytest.mark.parametrize("params", ["$imageformat=best", "$imageformat=gif", "$size=5x5"])
def test_a_file_that_is_gone(admin: RestClient, employee: Any, params: str) -> None:
    anna = employee(picture())
    anna.photo.storage.delete(anna.photo.name)
    response = admin.read(photo(anna, params))
    assert refused(response, 404, 9017, "The file of this attribute is gone", "djng")
    assert ConvertedPicture.objects.count() == 0


@pytest.mark.parametrize("params", ["$imageformat=best", "$imageformat=gif"])
def test_a_file_that_goes_while_it_is_looked_for(
    admin: RestClient, employee: Any, monkeypatch: pytest.MonkeyPatch, params: str
) -> None:
    anna = employee(picture())

    def gone(self: Any, name: str, mode: str = "rb") -> Any:
        raise FileNotFoundError(name)

    monkeypatch.setattr(FileSystemStorage, "_open", gone)
    response = admin.read(photo(anna, params))
    assert refused(response, 404, 9017, "The file of this attribute is gone", "djng")
    assert ConvertedPicture.objects.count() == 0


@pytest.mark.parametrize("fault", ["save", "size"])
def test_a_storage_that_keeps_nothing(
    admin: RestClient, employee: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    anna = employee(picture())
    save = FileSystemStorage._save

    def fail(self: Any, name: str, content: Any) -> str:
        if fault == "save":
            raise OSError("the disk is full")
        return save(self, name, ContentFile(b"short"))

    monkeypatch.setattr(FileSystemStorage, "_save", fail)
    response = admin.read(photo(anna, "$imageformat=gif"))
    assert refused(response, 500, 9015, "The file could not be stored", "djng")
    assert ConvertedPicture.objects.count() == 0
    assert kept() == []


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_pictures_cut_anywhere(admin: RestClient, employee: Any) -> None:
    """Every format and mode that Pillow writes, in three sizes, each cut at twenty places."""
    anna = employee(picture())
    path = Path(default_storage.path(anna.photo.name))
    asked = ["$imageformat=png", "$size=20x20", "$imageformat=.jpg&$size=9x9", "$imageformat=webp"]
    corpus = [save(image(mode, size), name) for name, mode in WRITABLE for size in SIZES]
    assert len(corpus) >= 200
    before = 0
    answers = {"picture": 0, "empty": 0}
    for index, data in enumerate(corpus):
        for part in range(1, 21):
            stored = data[: len(data) * part // 20]
            path.write_bytes(stored)
            response = admin.read(photo(anna, asked[(index + part) % 4]))
            assert response.status_code == 200
            content = body(response)
            # In its own format and size it is never looked into.
            if content not in (b"", stored):
                with Image.open(io.BytesIO(content)) as found:
                    found.load()
            answers["picture" if content else "empty"] += 1
        if index == 5:
            before = resident()
    # All that are whole, and a few that lack nothing but a mark at their end.
    assert answers["picture"] >= len(corpus) > 0
    assert answers["empty"] > 10 * len(corpus)
    assert resident() - before < 200 * 2**20


# Limits.


def test_what_has_to_be_made_is_counted(
    admin: RestClient, employee: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    monkeypatch.setattr(SimpleRateThrottle, "timer", lambda self: 1_000.0)
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"fourd_convert": "1/min"}}
    anna = employee(picture())
    for params in ("$imageformat=best", "$imageformat=png", "$imageformat=webp", "$imageformat=webp"):
        response = admin.read(photo(anna, params))
        assert response.status_code == 200
        tag = response.headers["ETag"]
    refusal = admin.read(photo(anna, "$imageformat=gif"))
    assert refused(refusal, 429, 9009, "Too many requests", "djng")
    assert refusal.headers["Retry-After"] == "61"
    # What is there is not.
    assert decoded(admin.read(photo(anna, "$imageformat=webp"))).format == "WEBP"
    known = admin.read(photo(anna, "$imageformat=webp"), HTTP_IF_NONE_MATCH=tag)
    assert known.status_code == 304
    assert ConvertedPicture.objects.count() == 1


# BLOBs.

ZIP = b"PK\x03\x04" + bytes(30)


@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        ("cv.pdf", PDF, "application/pdf"),
        ("cv.html", PDF, "application/pdf"),
        ("cv", PDF, "application/pdf"),
        ("cv.docx", ZIP, "application/zip"),
        ("cv.png", picture(), "image/png"),
        ("cv.jpg", picture("JPEG"), "image/jpeg"),
        ("cv.pdf", b"<html><script>alert(1)</script>", "application/octet-stream"),
        ("cv.svg", SVG, "application/octet-stream"),
        ("cv.txt", b"text", "application/octet-stream"),
        ("cv.csv", b"a;b\n1;2\n", "application/octet-stream"),
        ("cv.pdf", b"\x00\x01\x02", "application/octet-stream"),
    ],
)
def test_a_blob_is_saved_under_its_name_and_type(
    admin: RestClient, employee: Any, name: str, data: bytes, content_type: str
) -> None:
    anna = employee()
    anna.cv.save(name, ContentFile(data))
    response = admin.read(f"Employee({anna.pk})/cv?$binary=true&$version=1&$expand=cv")
    assert response.status_code == 200
    assert has(
        response,
        **{
            "Content-Type": content_type,
            "Content-Length": str(len(data)),
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )
    assert body(response) == data


def test_a_name_beyond_ascii(admin: RestClient, employee: Any) -> None:
    anna = employee()
    anna.cv.save("Lebenslauf für Anna.pdf", ContentFile(PDF))
    response = admin.read(f"Employee({anna.pk})/cv?$binary=true")
    expected = "attachment; filename*=utf-8''Lebenslauf_f%C3%BCr_Anna.pdf"
    assert response.headers["Content-Disposition"] == expected
    assert body(response) == PDF


@pytest.mark.parametrize(
    ("data", "extension", "content_type"),
    [
        (PDF, ".pdf", "application/pdf"),
        (ZIP, ".zip", "application/zip"),
        (picture("WEBP"), ".webp", "image/webp"),
        (b"text", ".txt", "application/octet-stream"),
        (b"\0\1\2", ".bin", "application/octet-stream"),
    ],
)
def test_an_uploaded_blob(
    admin: RestClient, employee: Any, data: bytes, extension: str, content_type: str
) -> None:
    anna = employee()
    upload = admin.upload(data).json()["ID"]
    admin.update("Employee", {"__KEY": anna.pk, "__STAMP": 1, "cv": {"ID": upload}})
    response = admin.read(f"Employee({anna.pk})/cv?$binary=true")
    expected = f'attachment; filename="cv-{anna.pk}{extension}"'
    assert response.headers["Content-Disposition"] == expected
    assert response.headers["Content-Type"] == content_type
    assert body(response) == data


@pytest.mark.parametrize(
    ("data", "content_type", "extension"),
    [(PDF, "application/pdf", ".pdf"), (b"text", "application/octet-stream", ".bin")],
)
def test_a_blob_in_the_row_itself(
    admin: RestClient, data: bytes, content_type: str, extension: str
) -> None:
    row = Everything.objects.create(binary=data)
    response = admin.read(f"Everything({row.pk})/binary?$binary=true", HTTP_RANGE="bytes=1-3")
    assert (response.status_code, body(response)) == (206, data[1:4])
    assert response.headers["Content-Type"] == content_type
    expected = f'attachment; filename="binary-{row.pk}{extension}"'
    assert response.headers["Content-Disposition"] == expected


def test_a_range_of_a_blob(admin: RestClient, employee: Any) -> None:
    data = b"%PDF-" + random.Random(2).randbytes(1_000_000)
    anna = employee()
    anna.cv.save("cv.pdf", ContentFile(data))
    response = admin.read(f"Employee({anna.pk})/cv?$binary=true", HTTP_RANGE="bytes=600000-999999")
    assert (response.status_code, body(response)) == (206, data[600_000:1_000_000])
    assert response.headers["Content-Range"] == "bytes 600000-999999/1000005"
    assert response.headers["Content-Type"] == "application/pdf"
    head = admin.rest("HEAD", f"Employee({anna.pk})/cv?$binary=true")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == "1000005"
    assert head.headers["Content-Type"] == "application/pdf"
