"""Behind ``tests/spec/test_images.py``: what HTTP alone does not show."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from fourd_rest.http import attribute_files
from fourd_rest.models import ConvertedPicture
from fourd_rest.pictures import conversions, decoder_gate, recoder
from testproject.hr.models import Employee
from tests.conftest import RestClient, picture
from tests.spec.test_images import (
    CHROME,
    EXTENSIONS,
    NOT_PICTURES,
    body,
    decoded,
    employee,
    has,
    is_empty,
    kept,
    large,
    photo,
    refused,
)

__all__ = ["employee", "large"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The targets that were really made."""
    made: list[str] = []
    recode = recoder.recode

    def watched(*args: Any, target: str, **kwargs: Any) -> None:
        made.append(target)
        recode(*args, target=target, **kwargs)

    monkeypatch.setattr(recoder, "recode", watched)
    return made


@pytest.mark.parametrize("source", ["PNG", "JPEG", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("asked", ["", "best", "BEST", ".best", "image/best", "same"])
def test_as_it_is_stored(
    admin: RestClient, employee: Any, calls: list[str], source: str, asked: str
) -> None:
    data = picture(source)
    anna = employee(data, f"anna.{EXTENSIONS[source]}")
    response = admin.read(photo(anna, f"$imageformat={source if asked == 'same' else asked}"))
    assert response.status_code == 200
    assert has(
        response,
        **{
            "Content-Type": f"image/{source.lower()}",
            "Content-Length": str(len(data)),
            "Content-Disposition": f'inline; filename="anna.{EXTENSIONS[source]}"',
        },
    )
    assert body(response) == data
    assert calls == []
    assert ConvertedPicture.objects.count() == 0


def test_it_needs_the_right_to_read(guest: RestClient, employee: Any, calls: list[str]) -> None:
    anna = employee(picture("JPEG"))
    response = guest.read(photo(anna, "$imageformat=png&$size=3x3"))
    assert refused(response, 401, 1557, "No permission to read for the Employee dataclass")
    assert calls == []


@pytest.mark.parametrize("source", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_best_of_what_every_browser_shows(
    admin: RestClient, employee: Any, calls: list[str], source: str
) -> None:
    data = picture(source)
    anna = employee(data, f"anna.{EXTENSIONS[source]}")
    response = admin.read(photo(anna, "$imageformat=best"), HTTP_ACCEPT="image/bmp")
    assert body(response) == data
    assert response.headers["Vary"] == "Cookie"
    assert calls == []


# Made once.


def test_it_is_made_once(admin: RestClient, employee: Any, calls: list[str]) -> None:
    anna = employee(picture("PNG"))
    first, second = (admin.read(photo(anna, "$imageformat=webp")) for _ in range(2))
    assert body(first) == body(second)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert calls == ["WEBP"]
    row = ConvertedPicture.objects.get()
    (file,) = kept()
    assert file.read_bytes() == first.content
    assert (row.state, row.model, row.field, row.source_name, row.format, row.box, row.size) == (
        "ready",
        "hr.employee",
        "photo",
        "photos/anna.png",
        "WEBP",
        "",
        len(first.content),
    )
    assert row.source == conversions.source_hash("hr.employee", "photo", "photos/anna.png")
    assert row.source in file.name


def test_each_format_and_size_is_one(admin: RestClient, employee: Any, calls: list[str]) -> None:
    anna = employee(picture("PNG", (40, 20)))
    asked = [
        "$imageformat=gif",
        "$imageformat=webp",
        "$size=9x9",
        "$size=10x9",
        "$imageformat=gif&$size=9x9",
    ]
    tags = {admin.read(photo(anna, params)).headers["ETag"] for params in 2 * asked}
    assert len(tags) == len(calls) == len(kept()) == 5


def test_entities_that_share_a_file_share_what_is_made(
    admin: RestClient, employee: Any, calls: list[str]
) -> None:
    anna = employee(picture())
    berta = employee()
    Employee.objects.filter(pk=berta.pk).update(photo=anna.photo.name)
    tags = [admin.read(photo(one, "$imageformat=gif")).headers["ETag"] for one in (anna, berta)]
    assert tags[0] == tags[1]
    assert calls == ["GIF"]


def test_another_save_of_the_entity_makes_nothing_anew(
    admin: RestClient, employee: Any, calls: list[str]
) -> None:
    anna = employee(picture())
    first = admin.read(photo(anna, "$imageformat=gif&$version=1"))
    admin.update("Employee", {"__KEY": anna.pk, "__STAMP": 1, "salary": 5})
    second = admin.read(photo(anna, "$imageformat=gif&$version=2"))
    assert first.headers["ETag"] == second.headers["ETag"]
    assert calls == ["GIF"]


@pytest.mark.parametrize("same_size", [False, True])
def test_a_file_that_changes_under_its_name(
    admin: RestClient, employee: Any, calls: list[str], same_size: bool
) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 6), (0, 255, 0)).save(out, "BMP")
    red = out.getvalue().replace(b"\0\xff\0", b"\0\0\xff")
    anna = employee(out.getvalue(), "anna.bmp")
    first = admin.read(photo(anna, "$imageformat=png"))
    assert decoded(first).getpixel((1, 1)) == (0, 255, 0)
    path = Path(default_storage.path("photos/anna.bmp"))
    path.write_bytes(red if same_size else red + b"\0")
    second = admin.read(photo(anna, "$imageformat=png"))
    assert decoded(second).getpixel((1, 1)) == (255, 0, 0)
    assert first.headers["ETag"] != second.headers["ETag"]
    assert calls == ["PNG", "PNG"]


def test_a_storage_that_was_cleared(admin: RestClient, employee: Any, calls: list[str]) -> None:
    anna = employee(picture())
    first = body(admin.read(photo(anna, "$imageformat=gif")))
    (file,) = kept()
    file.unlink()
    assert body(admin.read(photo(anna, "$imageformat=gif"))) == first
    assert calls == ["GIF", "GIF"]
    (again,) = kept()
    assert again != file
    assert sorted(ConvertedPicture.objects.values_list("state", flat=True)) == ["ended", "ready"]


def test_a_client_that_has_it_already(admin: RestClient, large: Employee, calls: list[str]) -> None:
    response = admin.read(photo(large, "$imageformat=png"))
    tag = response.headers["ETag"]
    body(response)
    ConvertedPicture.objects.all().delete()
    again = admin.read(photo(large, "$imageformat=png"), HTTP_IF_NONE_MATCH=f'"other", W/{tag}')
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert "Content-Type" not in again.headers
    # Nothing has to be made, nor even to be there, to tell that.
    assert calls == ["PNG"]


def test_a_failure_is_remembered_for_an_hour(admin: RestClient, employee: Any, calls: list[str]) -> None:
    anna = employee(NOT_PICTURES["half a PNG"])
    for _ in range(3):
        assert is_empty(admin.read(photo(anna, "$imageformat=gif")))
    assert calls == ["GIF"]
    assert kept() == []
    row = ConvertedPicture.objects.get()
    assert (row.state, row.name, row.size) == ("failed", "", 0)
    ConvertedPicture.objects.update(touched=timezone.now() - timedelta(minutes=61))
    assert is_empty(admin.read(photo(anna, "$imageformat=gif")))
    assert calls == ["GIF", "GIF"]


def test_formats_that_the_site_does_not_accept(
    admin: RestClient, employee: Any, settings: Any, calls: list[str]
) -> None:
    data = picture("TIFF")
    anna = employee(data, "anna.tif")
    settings.FOURD_REST = {"PICTURE_FORMATS": ["PNG"]}
    assert is_empty(admin.read(photo(anna, "$imageformat=png")))
    assert body(admin.read(photo(anna, "$imageformat=best"), HTTP_ACCEPT=CHROME)) == data
    assert calls == []


def test_a_storage_that_loses_what_it_keeps(
    admin: RestClient, employee: Any, monkeypatch: pytest.MonkeyPatch, calls: list[str]
) -> None:
    """A conversion is made twice at most."""
    anna = employee(picture())
    look_up = attribute_files.look_up

    def lost(storage: Any, name: str) -> Any:
        if name.startswith("converted/"):
            raise FileNotFoundError(name)
        return look_up(storage, name)

    monkeypatch.setattr(attribute_files, "look_up", lost)
    response = admin.read(photo(anna, "$imageformat=gif"))
    assert refused(response, 500, 9015, "The file could not be stored", "djng")
    assert calls == ["GIF", "GIF"]


def test_too_many_at_a_time(
    admin: RestClient, employee: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(conversions, "_WAIT", 0.1)
    settings.FOURD_REST = {"MAX_CONVERSIONS": 1}
    anna = employee(picture())
    assert decoder_gate.gate.enter()
    try:
        response = admin.read(photo(anna, "$imageformat=gif"))
    finally:
        decoder_gate.gate.leave()
    assert refused(response, 503, 9021, "Too many pictures are being converted", "djng")
    assert response.headers["Retry-After"] == "5"
    assert decoded(admin.read(photo(anna, "$imageformat=gif"))).format == "GIF"


def test_cleanup(
    admin: RestClient, employee: Any, calls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    anna = employee(picture())
    body(admin.read(photo(anna, "$imageformat=gif")))
    ConvertedPicture.objects.update(touched=timezone.now() - timedelta(days=7, seconds=1))
    call_command("fourd_cleanup")
    assert capsys.readouterr().out.endswith(", 0 converted pictures, 0 entity sets\n")
    # What is being sent goes on being sent.
    assert len(kept()) == 1
    ConvertedPicture.objects.update(touched=timezone.now() - timedelta(seconds=61))
    call_command("fourd_cleanup")
    assert capsys.readouterr().out.endswith(", 1 converted pictures, 0 entity sets\n")
    assert (kept(), ConvertedPicture.objects.count()) == ([], 0)
    assert decoded(admin.read(photo(anna, "$imageformat=gif"))).format == "GIF"
    assert calls == ["GIF", "GIF"]
