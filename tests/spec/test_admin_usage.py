"""The storage panel of the admin, and the pictures that were made of an upload's copies."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fourd_rest.models import ConvertedPicture, UploadedBlob
from testproject.hr.models import Employee
from tests.conftest import RestClient, picture

USAGE = "/admin/fourd_rest/uploadedblob/usage/"
LIST = "/admin/fourd_rest/uploadedblob/"
MIB = 2**20
MADE = "converted pictures"

pytestmark = pytest.mark.django_db


def received(size: int, **fields: Any) -> UploadedBlob:
    return UploadedBlob.objects.create(**{"size": size, "name": "there", "timeout": 120, **fields})


def gone(size: int, **fields: Any) -> UploadedBlob:
    return received(size, name="", state=UploadedBlob.State.EXPIRED, **fields)


def made(size: int, **fields: Any) -> ConvertedPicture:
    fields = {"state": "ready", "source": "x", "format": "WEBP", **fields}
    return ConvertedPicture.objects.create(size=size, **fields)


def charts(client: RestClient) -> dict[str, list[tuple[Any, ...]]]:
    """By title: label, files, bytes received and stored of each bar."""
    response = client.get(USAGE)
    assert response.status_code == 200
    return {
        chart.title: [(bar.label, bar.files, bar.received, bar.stored) for bar in chart.bars]
        for chart in response.context["charts"]
    }


def test_by_kind(admin):
    received(100, kind="picture")
    gone(50, kind="picture")
    received(600)
    made(30)
    made(9, state="ended")
    assert charts(admin)["By kind"] == [
        ("binary", 1, 600, 600),
        ("picture", 2, 150, 100),
        (MADE, 1, 30, 30),
    ]


def test_by_owner(admin):
    """The ten with most bytes, guests among them, and all others as one."""
    received(5)
    for number in range(12):
        received(100 - number, owner=User.objects.create_user(f"user{number:02}"))
    gone(1_000, owner=User.objects.get(username="user11"))
    bars = charts(admin)["By owner"]
    assert bars[0] == ("user11", 2, 1_089, 89)
    assert bars[1:10] == [(f"user{n:02}", 1, 100 - n, 100 - n) for n in range(9)]
    assert bars[10:] == [("others", 3, 91 + 90 + 5, 91 + 90 + 5)]


def test_guests_are_an_owner(admin):
    received(5)
    assert charts(admin)["By owner"] == [("guest", 1, 5, 5)]


def test_by_month(admin):
    """The newest twelve in which something came, in their order."""
    for month in range(1, 13):
        received(month, created=datetime(2025, month, 28, tzinfo=UTC))
    gone(500, created=datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    received(7, created=datetime(2026, 1, 1, tzinfo=UTC))
    bars = charts(admin)["By month"]
    assert len(bars) == 12
    assert bars[0] == ("February 2025", 1, 2, 2)
    assert bars[-2:] == [("December 2025", 1, 12, 12), ("January 2026", 2, 507, 7)]


def test_bars_are_drawn_to_one_scale(admin, settings):
    """As numbers of SVG, however the site writes numbers: no script and no style of its own."""
    received(4_000, kind="picture")
    gone(2_000)
    received(1_000)
    settings.USE_THOUSAND_SEPARATOR = True
    html = admin.get(USAGE).content.decode()
    chart = html.partition('<table class="fourd-chart"')[2].partition("</table>")[0]
    widths = re.findall(r'class="fourd-(received|stored)" width="([^"]*)"', chart)
    assert widths == [
        *(("received", "1000"), ("stored", "1000")),
        *(("received", "750"), ("stored", "250")),
        *(("received", "0"), ("stored", "0")),
    ]
    assert "<script" not in html.partition('id="content"')[2].partition('id="footer"')[0]
    assert "style=" not in chart


def test_sizes_are_shown_for_people(admin):
    received(3 * MIB, kind="picture")
    html = admin.get(USAGE).content.decode()
    assert "3.0\xa0MB" in unescape(html)


def test_without_uploads(admin):
    assert charts(admin) == {"By kind": [(MADE, 0, 0, 0)], "By owner": [], "By month": []}


def test_a_name_is_shown_as_text(admin):
    received(1, owner=User.objects.create(username="<b>&"))
    assert "&lt;b&gt;&amp;" in admin.get(USAGE).content.decode()


def test_statements_do_not_depend_on_the_number_of_uploads(admin):
    counts = []
    for more in (1, 30):
        for number in range(more):
            owner = User.objects.create_user(f"user{more}-{number}")
            received(1, owner=owner, created=datetime(2025, 1 + number % 12, 1, tzinfo=UTC))
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(USAGE).status_code == 200
        counts.append(len(queries))
    # Session, user; kinds, conversions, owners, months.
    assert counts == [6, 6]


def test_the_list_leads_there(admin):
    assert f'href="{USAGE}"' in admin.get(LIST).content.decode()


def test_who_may_see_it(guest, login):
    assert guest.get(USAGE).status_code == 302
    client = login("hr.view_employee", "fourd_rest.delete_uploadedblob")
    User.objects.filter(username="user").update(is_staff=True)
    assert client.get(USAGE).status_code == 403
    client = login("fourd_rest.view_uploadedblob")
    assert client.get(USAGE).status_code == 200
    assert client.post(USAGE).status_code == 405


# Conversions on the page of an upload.


def page(client: RestClient, blob: UploadedBlob) -> str:
    """The field «conversions», as text."""
    html = client.get(f"{LIST}{blob.pk}/change/").content.decode()
    (cell,) = re.findall(r'field-conversions">.*?<div class="readonly">(.*?)</div>\s*</div>', html, re.S)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split())


def test_pictures_made_of_a_copy_stand_on_the_upload_s_page(admin):
    """Through the REST surface from end to end: upload, attach, ask for other formats."""
    Employee.objects.create(pk=1, first_name="John", last_name="Smith")
    identity = admin.upload(picture(size=(20, 10)), "$rawPict=true").json()["ID"]
    blob = UploadedBlob.objects.get()
    assert page(admin, blob) == "-"
    answer = admin.update("Employee", {"__KEY": "1", "__STAMP": 1, "photo": {"ID": identity}})
    assert answer.status_code == 200
    assert page(admin, blob) == "-"
    for query in ("$imageformat=webp", "$imageformat=gif&$size=4x4"):
        assert admin.read(f"Employee(1)/photo?{query}").status_code == 200
    sizes = dict(ConvertedPicture.objects.values_list("format", "size"))
    assert page(admin, blob) == f"GIF 4x4 {sizes['GIF']} bytes WEBP {sizes['WEBP']} bytes"
