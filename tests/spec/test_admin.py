"""The administration of uploads: list, page, preview, download, removal."""

from __future__ import annotations

import base64
import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, connections
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone
from PIL import Image

from fourd_rest import DataClass, sweep
from fourd_rest.models import BlobAttachment, EntityStamp, UploadedBlob
from testproject.hr.models import Company, Employee, Invoice
from tests.conftest import PDF, RestClient, picture

LIST = "/admin/fourd_rest/uploadedblob/"
State, Kind = UploadedBlob.State, UploadedBlob.Kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(login: Any) -> Any:
    """``staff("fourd_rest.view_uploadedblob", …)``: one who may enter the admin, with these rights."""

    def make(*permissions: str, username: str = "staff") -> RestClient:
        client = login(*permissions, username=username)
        User.objects.filter(username=username).update(is_staff=True)
        return client

    return make


def make(content: bytes | None = None, **fields: Any) -> UploadedBlob:
    """An upload as it is when it was received; with ``content`` its file is in the storage too."""
    now = timezone.now()
    identity = uuid.uuid4()
    fields = {
        "pk": identity,
        "state": State.READY,
        "name": f"{identity.hex[:2]}/{identity.hex}",
        "timeout": 120,
        "size": len(content or b""),
        "sha256": "ab" * 32,
        "ready": now,
        "expires": now + timedelta(seconds=120),
        **fields,
    }
    if content is not None:
        storages["fourd_uploads"].save(fields["name"], ContentFile(content))
    return UploadedBlob.objects.create(**fields)


def attach(
    blob: UploadedBlob, key: str, model: str = "hr.employee", field: str = "photo", **more: Any
) -> Any:
    more = {"state": BlobAttachment.State.ATTACHED, "attached": timezone.now(), **more}
    return BlobAttachment.objects.create(blob_id=blob.pk, model=model, field=field, key=key, **more)


def url(blob: UploadedBlob, view: str = "change") -> str:
    return f"{LIST}{blob.pk}/{view}/"


def row(html: str, blob: UploadedBlob) -> dict[str, str]:
    """The cells of the list's row of ``blob``, by column, as they stand in the page."""
    for found in re.findall(r"<tr>.*?</tr>", html, re.DOTALL):
        if str(blob.pk) in found:
            cells = re.findall(r'<t[dh] class="field-(\w+)[^"]*">(.*?)</t[dh]>', found, re.DOTALL)
            return dict(cells)
    raise AssertionError("not in the list")


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def listed(client: RestClient, query: str = "") -> list[uuid.UUID]:
    """What the list shows, in its order."""
    response = client.get(LIST + query)
    assert response.status_code == 200
    return [blob.pk for blob in response.context["cl"].result_list]


def in_storage(blob: UploadedBlob) -> bool:
    return storages["fourd_uploads"].exists(blob.name)


def told(response: Any) -> list[tuple[str, str]]:
    return [(m.level_tag, m.message) for m in get_messages(response.wsgi_request)]


class Stuck:
    """Stands in the place of the storage's ``delete``."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    def __call__(self, name: str) -> None:
        blob = UploadedBlob.objects.get(name=name)
        self.seen.append((blob.state, connection.in_atomic_block))
        raise OSError("stuck")


@pytest.fixture
def stuck(monkeypatch: Any) -> Stuck:
    stuck = Stuck()
    monkeypatch.setattr(storages["fourd_uploads"], "delete", stuck)
    return stuck


# The list.


def test_list_shows_what_is_stored(admin):
    owner = User.objects.create_user("owner")
    thumbnail = picture("JPEG")
    blob = make(
        kind=Kind.PICTURE,
        detected_type="image/jpeg",
        file_name="portrait.jpg",
        thumbnail=thumbnail,
        size=2_500_000,
        owner=owner,
        expires=timezone.now() + timedelta(hours=2, seconds=5),
    )
    cells = row(admin.get(LIST).content.decode(), blob)
    assert list(cells) == [
        "thumb", "file", "badge", "sort", "human_size", "uploader", "expiry", "attached_to"
    ]  # fmt: skip
    encoded = base64.b64encode(thumbnail).decode()
    assert cells["thumb"] == f'<img class="fourd-thumb" alt="" src="data:image/jpeg;base64,{encoded}">'
    assert f'<a href="/admin/fourd_rest/uploadedblob/{blob.pk}/change/">' in cells["file"]
    assert text(cells["file"]) == f"portrait.jpg {blob.wire_id[:16]} {blob.wire_id[16:]}"
    assert cells["badge"] == '<span class="fourd-badge fourd-ready">ready</span>'
    assert text(cells["sort"]) == "picture image/ jpeg"
    assert text(cells["human_size"]) == "2.4 MB"
    assert cells["uploader"] == "owner"
    assert text(cells["expiry"]) == "in 2 hours"
    assert cells["attached_to"] == "-"


def test_list_of_a_guest_s_unfinished_upload(admin):
    blob = make(state=State.RECEIVING, expires=None, ready=None, sha256="")
    cells = row(admin.get(LIST).content.decode(), blob)
    assert (cells["thumb"], cells["expiry"], text(cells["uploader"])) == ("-", "-", "guest")
    assert cells["badge"] == '<span class="fourd-badge fourd-receiving">receiving</span>'


def test_png_thumbnail(admin):
    blob = make(kind=Kind.PICTURE, thumbnail=picture("PNG"))
    assert 'src="data:image/png;base64,' in row(admin.get(LIST).content.decode(), blob)["thumb"]


def test_expired_before_the_sweep_says_so(admin):
    """A state that clients do not see would only confuse."""
    blob = make(expires=timezone.now() - timedelta(minutes=3))
    cells = row(admin.get(LIST).content.decode(), blob)
    assert text(cells["badge"]) == "expired"
    assert text(cells["expiry"]) == "3 minutes ago"
    assert blob.state == State.READY


def fill(count: int) -> None:
    """``count`` uploads in which no two are alike, so that nothing is read only once by chance."""
    now = timezone.now()
    for index in range(count):
        blob = make(
            file_name=f"{index}.jpg",
            kind=Kind.PICTURE,
            detected_type="image/jpeg",
            thumbnail=b"\xff\xd8\xff" + bytes(index),
            owner=User.objects.create_user(f"owner {uuid.uuid4()}"),
            created=now,
        )
        attach(blob, str(index))
        attach(blob, str(index), model="hr.invoice", field="pdf")


def test_statements_do_not_depend_on_the_number_of_rows(admin, monkeypatch):
    """Nor is a file opened or a picture decoded."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a file was touched for the list")

    for name in ("open", "size", "exists", "url"):
        monkeypatch.setattr(storages["fourd_uploads"], name, refuse)
    monkeypatch.setattr(Image.Image, "load", refuse)
    statements = []
    for more in (5, 45):
        fill(more)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = admin.get(LIST)
        assert response.status_code == 200
        sql = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
        statements.append(sql)
    assert len(response.context["cl"].result_list) == 50
    assert response.content.decode().count('class="fourd-thumb"') == 50
    few, many = statements
    # Session, user; two counts, rows; attachments; span and days of the hierarchy; totals.
    assert len(many) == len(few) == 9
    assert sum("fourd_rest_blobattachment" in one for one in many) == 1
    assert sum("GROUP BY" in one for one in many) == 1


def test_list_without_uploads(admin):
    response = admin.get(LIST)
    assert response.status_code == 200
    assert "0 uploaded files" in text(response.content.decode())


# Where attached.


def test_attached_is_a_link_to_the_entity(admin):
    blob = make()
    attach(blob, "12")
    cells = row(admin.get(LIST).content.decode(), blob)
    assert '<a href="/admin/hr/employee/12/change/">Employee 12</a>' in cells["attached_to"]
    assert text(cells["attached_to"]) == "Employee 12 photo"
    assert "/admin/hr/employee/12/change/" in admin.get(url(blob)).content.decode()


def test_link_leads_there(admin):
    employee = Employee.objects.create(first_name="John", last_name="Smith")
    blob = admin.upload(picture(), "$rawPict=true").json()["ID"]
    body = {"__KEY": str(employee.pk), "__STAMP": 1, "photo": {"ID": blob}}
    assert admin.update("Employee", body).status_code == 200
    html = admin.get(LIST).content.decode()
    found = re.search(r'<a href="([^"]*)">Employee \d+</a>', html)
    assert found is not None
    assert admin.get(found[1]).status_code == 200


def test_key_is_quoted_in_the_link(admin):
    blob = make()
    attach(blob, '../a"><b')
    cell = row(admin.get(LIST).content.decode(), blob)["attached_to"]
    assert cell.startswith("<div title=")
    assert 'href="/admin/hr/employee/.._2Fa_22_3E_3Cb/change/">Employee ../a&quot;&gt;&lt;b</a>' in cell


@pytest.mark.parametrize(
    ("model", "field", "expected"),
    [
        ("zoo.everything", "image", "Everything 7 image"),
        ("gone.thing", "file", "gone.thing 7 file"),
        ("hr.invoice", "renamed", "Invoice 7 renamed"),
    ],
)
def test_attached_to_what_the_admin_does_not_have(admin, model, field, expected):
    blob = make()
    attach(blob, "7", model=model, field=field)
    cell = row(admin.get(LIST).content.decode(), blob)["attached_to"]
    assert text(cell) == expected
    assert ("href" in cell) == (model == "hr.invoice")


def test_no_link_to_what_one_may_not_see(staff):
    blob = make()
    attach(blob, "12")
    attach(blob, "3", model="hr.invoice", field="pdf")
    client = staff("fourd_rest.view_uploadedblob", "hr.view_invoice")
    for address in (LIST, url(blob)):
        html = client.get(address).content.decode()
        assert '<a href="/admin/hr/invoice/3/change/">Invoice 3</a>' in html
        assert "Employee 12" in html
        assert "/admin/hr/employee/" not in html


def test_only_what_is_attached_counts(admin):
    blob = make()
    attach(blob, "1", state=BlobAttachment.State.INTENT, attached=None)
    attach(blob, "2", state=BlobAttachment.State.ABANDONED, attached=None)
    assert row(admin.get(LIST).content.decode(), blob)["attached_to"] == "-"


def test_list_shows_the_three_newest_places_and_the_page_all(admin):
    blob, other = make(), make()
    now = timezone.now()
    for key in range(5):
        attach(blob, str(key), attached=now - timedelta(minutes=key))
    attach(other, "9")
    html = admin.get(LIST).content.decode()
    assert text(row(html, blob)["attached_to"]) == (
        "Employee 0 photo Employee 1 photo Employee 2 photo and 2 others"
    )
    assert text(row(html, other)["attached_to"]) == "Employee 9 photo"
    page = text(admin.get(url(blob)).content.decode())
    assert "Employee 0 photo Employee 1 photo Employee 2 photo Employee 3 photo Employee 4 photo" in page
    assert "others" not in page


def test_no_more_places_are_read_than_shown(admin):
    """One upload may have gone to any number of entities."""
    blob = make()
    for key in range(30):
        attach(blob, str(key))
    read: list[Any] = []

    def note(instance: Any, **kwargs: Any) -> None:
        read.append(instance)

    post_init.connect(note, sender=BlobAttachment)
    try:
        admin.get(LIST)
    finally:
        post_init.disconnect(note, sender=BlobAttachment)
    assert len(read) == 3


def test_one_other_place(admin):
    blob = make()
    for key in range(4):
        attach(blob, str(key))
    assert text(row(admin.get(LIST).content.decode(), blob)["attached_to"]).endswith("and 1 other")


@pytest.fixture
def second_database(tmp_path):
    """A database beside the default one, with attachments of its own."""
    connections.databases["second"] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tmp_path / "second.sqlite3",
        "OPTIONS": {},
    }
    second = connections["second"]
    second.connect()  # the test case refuses to open one that it was not told of
    with second.schema_editor() as editor:
        editor.create_model(BlobAttachment)
    yield second
    second.close()
    del connections["second"], connections.databases["second"]


def test_one_statement_for_each_database(admin, second_database, registered):
    class Elsewhere(DataClass):
        def write_alias(self) -> str:
            return "second"

    registered(Invoice, Elsewhere)
    fill(5)
    blob = make()
    now = timezone.now()
    attach(blob, "1", attached=now - timedelta(minutes=1))
    for key in range(4):
        BlobAttachment(
            state=BlobAttachment.State.ATTACHED,
            blob_id=blob.pk,
            model="hr.invoice",
            field="pdf",
            key=str(key),
            attached=now - timedelta(hours=key),
        ).save(using="second")
    with CaptureQueriesContext(connection) as here, CaptureQueriesContext(second_database) as there:
        html = admin.get(LIST).content.decode()
    assert len(there) == 1
    assert sum("fourd_rest_blobattachment" in query["sql"] for query in here) == 1
    assert text(row(html, blob)["attached_to"]) == (
        "Invoice 0 PDF Employee 1 photo Invoice 1 PDF and 2 others"
    )


# Filters, search, totals.


def test_filters(admin):
    now = timezone.now()
    user = User.objects.create_user("u")
    ready = make(kind=Kind.PICTURE, owner=user)
    over = make(expires=now - timedelta(seconds=1))
    swept = make(state=State.EXPIRED, expires=now - timedelta(days=9), created=now - timedelta(days=9))
    broken = make(state=State.BROKEN, expires=None)
    receiving = make(state=State.RECEIVING, expires=None)
    everything = {ready.pk, over.pk, swept.pk, broken.pk, receiving.pk}

    def found(query: str) -> set[uuid.UUID]:
        return set(listed(admin, query))

    assert found("") == everything
    assert found("?state=ready") == {ready.pk}
    assert found("?state=expired") == {over.pk, swept.pk}
    assert found("?state=broken") == {broken.pk}
    assert found("?state=receiving") == {receiving.pk}
    assert found("?state=nonsense") == everything
    assert found("?kind__exact=picture") == {ready.pk}
    assert found("?uploader=user") == {ready.pk}
    assert found("?uploader=guest") == everything - {ready.pk}
    assert found("?uploader=nonsense") == everything
    week = (now - timedelta(days=7)).isoformat().replace("+", "%2B")
    assert found(f"?created__gte={week}") == everything - {swept.pk}
    assert found("?state=expired&uploader=guest&kind__exact=binary") == {over.pk, swept.pk}


def test_counts_of_the_filters(admin):
    make(owner=User.objects.create_user("u"))
    make(expires=timezone.now() - timedelta(seconds=1))
    page = text(admin.get(LIST + "?_facets=True").content.decode())
    for count in ("ready (1)", "expired (1)", "broken (0)", "Users (1)", "Guests (1)", "binary (2)"):
        assert count in page


def test_date_hierarchy(admin):
    old = make(created=datetime(2024, 5, 6, tzinfo=UTC))
    make()
    html = admin.get(LIST).content.decode()
    assert 'href="?created__year=2024"' in html
    assert listed(admin, "?created__year=2024&created__month=5") == [old.pk]


def test_newest_first_and_sortable(admin):
    now = timezone.now()
    made = [
        make(created=now - timedelta(hours=index), size=size, owner=owner)
        for index, (size, owner) in enumerate(
            [(5, None), (9, User.objects.create_user("b")), (1, User.objects.create_user("a"))]
        )
    ]
    assert listed(admin) == [blob.pk for blob in made]
    assert listed(admin, "?o=5") == [made[2].pk, made[0].pk, made[1].pk]
    owners = listed(admin, "?o=6")
    assert owners.index(made[2].pk) < owners.index(made[1].pk)
    for column in (2, 3, 4, 7):
        assert len(listed(admin, f"?o={column}")) == 3


def test_search(admin):
    identity = uuid.UUID("0123456789ab4def8123456789abcdef")
    target = make(
        pk=identity,
        file_name="Quarterly Report.pdf",
        sha256="c0ffee" + "0" * 58,
        owner=User.objects.create_user("jsmith"),
    )
    other = make(pk=uuid.UUID("fedcba98765442108123456789abcdef"), file_name="x.pdf")

    def found(term: str) -> list[uuid.UUID]:
        return sorted(listed(admin, f"?q={term}"), key=str)

    for term in (
        "0123456789AB4DEF8123456789ABCDEF",
        "0123456789ab4def8123456789abcdef",
        "01234567-89ab-4def-8123-456789abcdef",
        "01234567-89AB-4DEF-8123-456789ABCDEF",
        "%2001234567-89AB-4def%20",
        "0123",
        "0123456789a",
        "quarterly",
        "report+QUARTERLY",
        "JSmi",
        "c0ffee",
        "C0FFEE00",
    ):
        assert found(term) == [target.pk], term
    assert found(".pdf") == [target.pk, other.pk]
    for term in ("89ab4def8123", "0ffee", "quarterly+x", "0123456789b"):
        assert found(term) == [], term
    # Django takes no search for a text that no database could hold.
    assert found("%00") == [target.pk, other.pk]


def test_search_form_says_what_it_finds(admin):
    assert "ID, file name, owner, or how an ID or SHA-256 begins" in admin.get(LIST).content.decode()


def totals(html: str) -> list[str]:
    found = re.search(r'<ul class="fourd-totals".*?</ul>', html, re.DOTALL)
    assert found is not None
    return [text(item) for item in re.findall(r"<li>.*?</li>", found[0], re.DOTALL)]


def test_totals(admin):
    now = timezone.now()
    make(size=1000)
    make(size=1048)
    make(size=1024, expires=now - timedelta(seconds=1))
    make(size=1024, state=State.EXPIRED, name="")
    make(size=1, state=State.BROKEN, expires=None, name="")
    expected = [
        "receiving 0 files, 0 bytes",
        "ready 2 files, 2.0 KB",
        "expired 2 files, 2.0 KB 1 to be cleaned up",
        "broken 1 file, 1 byte",
    ]
    html = admin.get(LIST).content.decode()
    assert [item.replace("\xa0", " ") for item in totals(html)] == expected
    for state in State.values:
        assert f'<a href="?state={state}">' in html
    # What the list is narrowed to does not bear on them.
    narrowed = admin.get(f"{LIST}?state=broken&q=nothing&created__year=1999").content.decode()
    assert totals(narrowed) == totals(html)


# Who may.

VIEWS = ["", "change", "preview", "download", "history", "delete"]


@pytest.mark.parametrize("view", VIEWS)
def test_who_is_not_staff_is_sent_to_the_login(admin, guest, login, view):
    blob = make(b"x")
    address = url(blob, view) if view else LIST
    permitted = login("fourd_rest.view_uploadedblob", "fourd_rest.delete_uploadedblob")
    for client in (guest, permitted):
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/?next=/admin/fourd_rest/")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "permissions",
    [[], ["hr.view_employee"], ["fourd_rest.add_uploadedblob", "fourd_rest.change_uploadedblob"]],
    ids=["none", "other", "add and change"],
)
def test_staff_without_the_right_to_view(staff, view, permissions):
    blob = make(b"x")
    assert staff(*permissions).get(url(blob, view) if view else LIST).status_code == 403


def test_unknown_upload_without_the_right_to_view(staff):
    """Refused before existence is told."""
    client = staff()
    assert client.get(f"{LIST}{uuid.uuid4()}/download/").status_code == 403


def test_who_may_view_may_nothing_else(staff):
    blob = make(b"x")
    client = staff("fourd_rest.view_uploadedblob", "fourd_rest.add_uploadedblob")
    html = client.get(LIST).content.decode()
    assert 'name="action"' not in html
    assert "/add/" not in html
    page = client.get(url(blob)).content.decode()
    assert "deletelink" not in page
    assert 'type="submit"' not in re.sub(r'<form id="logout-form".*?</form>', "", page, flags=re.DOTALL)
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(url(blob), {"state": "expired"}).status_code == 403
    assert client.get(url(blob, "delete")).status_code == 403
    assert client.post(url(blob, "delete"), {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [blob.pk], "post": "yes"})
    blob.refresh_from_db()
    assert blob.state == State.READY
    assert in_storage(blob)


def test_nobody_adds_or_changes(admin):
    blob = make()
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}add/", {"timeout": 1}).status_code == 403
    assert admin.post(url(blob), {"timeout": 1}).status_code == 403
    assert '<input type="text"' not in admin.get(url(blob)).content.decode()


def test_what_is_registered():
    assert django_admin.site.is_registered(UploadedBlob)
    assert not django_admin.site.is_registered(EntityStamp)
    assert not django_admin.site.is_registered(BlobAttachment)


# The page of an upload.


def test_page_of_a_picture(admin):
    content = picture("PNG", (8, 6))
    wire_id = admin.upload(
        content, "$rawPict=true", content_type="image/png",
        headers={"Content-Disposition": 'attachment; filename="face.png"'},
    ).json()["ID"]  # fmt: skip
    blob = UploadedBlob.objects.get()
    response = admin.get(url(blob))
    assert response.status_code == 200
    html, page = response.content.decode(), text(response.content.decode())
    assert f'<a href="{url(blob, "preview")}"><img class="fourd-preview"' in html
    assert f'href="{url(blob, "download")}"' in html
    for part in (
        f"ID: {wire_id}",
        "State: ready",
        "Expiry: in 1 minute",
        "Attached to: -",
        "Client's file name: face.png",
        "Kind: picture",
        "Detected type: image/png",
        "Declared type: image/png",
        f"Size: {len(content)} bytes",
        "Width and height: 8 × 6 pixels",
        f"SHA-256: {blob.sha256}",
        "Owner: admin",
        "Client address: 127.0.0.1",
        "Lifetime in seconds: 120",
    ):
        assert part in page


def test_page_of_a_document(admin):
    blob = make(PDF, detected_type="application/pdf", size=1536, address="192.0.2.1")
    html = admin.get(url(blob)).content.decode()
    assert url(blob, "preview") not in html
    assert url(blob, "download") in html
    page = text(html).replace("\xa0", " ")
    for part in ("Owner: guest", "Width and height: -", "Size: 1.5 KB (1536 bytes)", "192.0.2.1"):
        assert part in page


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": State.RECEIVING, "expires": None}, "This upload is still being received."),
        ({"state": State.BROKEN, "expires": None}, "This upload was never received to its end."),
        ({"state": State.EXPIRED}, "This upload has expired. Its file can no longer be used or shown."),
        (
            {"expires": datetime(2024, 1, 1, tzinfo=UTC)},
            "This upload has expired. Its file can no longer be used or shown.",
        ),
    ],
    ids=["receiving", "broken", "expired", "not yet swept"],
)
def test_only_ready_files_are_shown(admin, fields, why):
    blob = make(picture(), kind=Kind.PICTURE, detected_type="image/png", thumbnail=picture(), **fields)
    html = admin.get(url(blob)).content.decode()
    assert why in html
    assert 'class="fourd-thumb"' in html
    assert "/preview/" not in html
    assert "/download/" not in html
    for view in ("preview", "download"):
        response = admin.get(url(blob, view))
        assert response.status_code == 404
        assert response["Content-Type"] == "text/html; charset=utf-8"
        assert "no-store" in response["Cache-Control"]
        assert why in response.content.decode()
        assert url(blob) in response.content.decode()


@pytest.mark.parametrize("view", ["preview", "download"])
def test_no_such_upload(admin, view):
    response = admin.get(f"{LIST}{uuid.uuid4()}/{view}/")
    assert response.status_code == 404
    assert "There is no such upload." in response.content.decode()
    assert admin.get(f"{LIST}nonsense/{view}/").status_code in (302, 404)


HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Frame-Options": "DENY",
}


def check(response: Any, content: bytes, content_type: str, disposition: str) -> None:
    assert response.status_code == 200
    assert response.getvalue() == content
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == disposition
    assert response["Content-Length"] == str(len(content))
    assert {name: response[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    ("format", "mime", "extension"),
    [("PNG", "image/png", ".png"), ("JPEG", "image/jpeg", ".jpg"), ("GIF", "image/gif", ".gif")],
)
def test_picture_is_shown_inline(admin, format, mime, extension):
    content = picture(format)
    admin.upload(content, "$rawPict=true", headers={"Content-Disposition": "a; filename=evil.html"})
    blob = UploadedBlob.objects.get()
    check(
        admin.get(url(blob, "preview")), content, mime, f'inline; filename="{blob.wire_id}{extension}"'
    )
    check(admin.get(url(blob, "download")), content, mime, 'attachment; filename="evil.html"')


@pytest.mark.parametrize(
    ("content", "detected", "extension"),
    [
        (b"<html><script>alert(1)</script></html>", "text/plain", ".txt"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain", ".txt"),
        (PDF, "application/pdf", ".pdf"),
        # A picture only by its first bytes: it was never decoded.
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "image/png", ".png"),
        (b"\x00\x01\x02", "application/octet-stream", ".bin"),
    ],
    ids=["html", "svg", "pdf", "unverified", "binary"],
)
@pytest.mark.parametrize("view", ["preview", "download"])
def test_anything_else_can_only_be_saved(admin, view, content, detected, extension):
    admin.upload(content, "$binary=true", content_type="text/html")
    blob = UploadedBlob.objects.get()
    assert blob.detected_type == detected
    check(
        admin.get(url(blob, view)),
        content,
        "application/octet-stream",
        f'attachment; filename="{blob.wire_id}{extension}"',
    )


def test_type_that_browsers_run_is_never_shown(admin):
    """Even if a row said that it was a picture."""
    blob = make(b"<svg/>", kind=Kind.PICTURE, detected_type="image/svg+xml")
    response = admin.get(url(blob, "preview"))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert "fourd-preview" not in admin.get(url(blob)).content.decode()


def test_download_under_a_name_of_any_script(admin):
    blob = make(b"x", file_name='Größe "2"; x.pdf')
    response = admin.get(url(blob, "download"))
    assert response["Content-Disposition"] == (
        "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20%222%22%3B%20x.pdf"
    )


def test_conditions_ranges_and_verbs(admin):
    blob = make(b"0123456789", sha256="5" * 64)
    address = url(blob, "download")
    assert admin.get(address)["ETag"] == f'"{"5" * 64}"'
    assert admin.get(address, headers={"If-None-Match": f'"{"5" * 64}"'}).status_code == 304
    part = admin.get(address, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.getvalue(), part["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    head = admin.head(address)
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", "10")
    assert admin.post(address).status_code == 405
    assert in_storage(blob)


def test_file_that_is_gone(admin):
    blob = make()
    UploadedBlob.objects.update(size=10)
    for view in ("preview", "download"):
        response = admin.get(url(blob, view))
        assert response.status_code == 404
        assert "does not have the whole file" in response.content.decode()


def test_file_that_is_too_short(admin):
    blob = make(b"12345", size=10)
    assert admin.get(url(blob, "download")).status_code == 404


@pytest.mark.parametrize("gone", [True, False])
def test_storage_that_raises_errors_of_its_own(admin, monkeypatch, gone):
    class ResourceNotFoundError(Exception):
        pass

    def fail(name: str) -> None:
        raise ResourceNotFoundError if gone else PermissionError

    blob = make(b"x")
    monkeypatch.setattr(storages["fourd_uploads"], "open", fail)
    if gone:
        assert admin.get(url(blob, "download")).status_code == 404
        return
    with pytest.raises(PermissionError):
        admin.get(url(blob, "download"))


HOSTILE = "\"><script>alert(1)</script>&amp;'{{ 7 }}"


def test_hostile_names_and_types_are_inert(admin):
    user = User.objects.create_user(HOSTILE[:150])
    blob = make(
        b"x",
        file_name=HOSTILE,
        declared_type=HOSTILE,
        detected_type=HOSTILE,
        owner=user,
        sha256=HOSTILE,
        thumbnail=b'"><script>',
    )
    attach(blob, HOSTILE, field=HOSTILE)
    attach(blob, HOSTILE, model=f"gone.{HOSTILE}", field=HOSTILE)
    confirm = {"action": "delete_selected", "_selected_action": [blob.pk]}
    pages = [
        admin.get(LIST),
        admin.get(f"{LIST}?q=alert"),
        admin.get(url(blob)),
        admin.get(url(blob, "delete")),
        admin.post(LIST, confirm),
    ]
    for response in pages:
        assert response.status_code == 200
        html = response.content.decode()
        assert "<script>alert" not in html
        assert blob.wire_id[:16] in html
    for response in pages[:3]:
        assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&#x27;{{ 7 }}" in (
            response.content.decode()
        )
    download = admin.get(url(blob, "download"))
    assert download["Content-Type"] == "application/octet-stream"


def test_a_name_cannot_add_headers(admin):
    blob = make(b"x", file_name="a\r\nSet-Cookie: x=y")
    response = admin.get(url(blob, "download"))
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x%3Dy"
    assert "Set-Cookie" not in response.headers


# Removing.


def choose(client: RestClient, *chosen: UploadedBlob, confirmed: bool = True) -> Any:
    data = {"action": "delete_selected", "_selected_action": [blob.pk for blob in chosen]}
    if confirmed:
        data["post"] = "yes"
    return client.post(LIST, data)


def test_there_is_one_action(admin):
    make()
    html = admin.get(LIST).content.decode()
    found = re.search(r'<select name="action".*?</select>', html, re.DOTALL)
    assert found is not None
    assert re.findall(r'<option value="(\w+)">([^<]*)', found[0]) == [
        ("delete_selected", "Delete the chosen files")
    ]


def test_action_asks_first(admin):
    blob = make(b"x")
    response = choose(admin, blob, confirmed=False)
    assert response.status_code == 200
    html = response.content.decode()
    assert "The files are deleted as well. What was attached to entities are copies: they stay." in html
    assert '<input type="hidden" name="action" value="delete_selected">' in html
    assert in_storage(blob)
    assert UploadedBlob.objects.count() == 1


def test_action_removes_files_and_rows(admin):
    chosen, other = [make(b"x"), make(b"y"), make(state=State.EXPIRED, name="")], make(b"z")
    response = choose(admin, *chosen)
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert told(response) == [("success", "3 files were deleted.")]
    assert list(UploadedBlob.objects.values_list("pk", flat=True)) == [other.pk]
    assert [in_storage(blob) for blob in chosen[:2]] == [False, False]
    assert in_storage(other)
    logged = LogEntry.objects.filter(action_flag=DELETION)
    assert {entry.object_repr for entry in logged} == {blob.wire_id for blob in chosen}
    assert {entry.object_id for entry in logged} == {str(blob.pk) for blob in chosen}


def attach_by_rest(client: RestClient) -> tuple[Employee, Invoice, list[UploadedBlob], bytes]:
    """An employee's photo and an invoice's document, given by way of uploads."""
    photo = picture("PNG", (30, 20))
    employee = Employee.objects.create(first_name="A", last_name="B")
    company = Company.objects.create(name="C")
    invoice = Invoice.objects.create(reference="1", date="2026-01-01", amount=1, company=company)
    for dataclass, key, attribute, content, params in (
        ("Employee", employee.pk, "photo", photo, "$rawPict=true"),
        ("Invoices", invoice.pk, "pdf", PDF, "$binary=true"),
    ):
        wire_id = client.upload(content, params).json()["ID"]
        answer = client.update(dataclass, {"__KEY": key, "__STAMP": 1, attribute: {"ID": wire_id}})
        assert answer.status_code == 200, answer.content
    employee.refresh_from_db()
    invoice.refresh_from_db()
    return employee, invoice, list(UploadedBlob.objects.all()), photo


@pytest.mark.parametrize("way", ["action", "page"])
def test_attached_copies_stay(admin, way):
    employee, invoice, chosen, photo = attach_by_rest(admin)
    assert len(chosen) == 2
    if way == "action":
        choose(admin, *chosen)
    else:
        for blob in chosen:
            admin.post(url(blob, "delete"), {"post": "yes"})
    assert not UploadedBlob.objects.exists()
    assert not any(map(in_storage, chosen))
    with employee.photo.open() as file:
        assert file.read() == photo
    with invoice.pdf.open() as file:
        assert file.read() == PDF
    assert admin.read(f"Employee({employee.pk})/photo?$imageformat=best").getvalue() == photo
    # The sweep does not take them for left behind either.
    sweep.run()
    assert employee.photo.storage.exists(employee.photo.name)


def test_removed_upload_cannot_be_attached(admin):
    employee = Employee.objects.create(first_name="A", last_name="B")
    wire_id = admin.upload(picture(), "$rawPict=true").json()["ID"]
    choose(admin, UploadedBlob.objects.get())
    answer = admin.update("Employee", {"__KEY": employee.pk, "__STAMP": 1, "photo": {"ID": wire_id}})
    assert answer.status_code == 500
    assert answer.json()["__ERROR"][0]["errCode"] == 1825


def test_storage_failure_keeps_the_row(admin, stuck, caplog):
    blob = make(b"x")
    response = choose(admin, blob)
    assert told(response) == [
        (
            "error",
            "The storage did not delete 1 file. It can no longer be used, stays in this list, "
            "and is tried again at the next clean-up.",
        )
    ]
    blob.refresh_from_db()
    assert (blob.state, in_storage(blob)) == (State.EXPIRED, True)
    assert [state for state, _ in stuck.seen] == [State.EXPIRED]
    assert not LogEntry.objects.exists()
    assert blob.wire_id in caplog.text


def test_what_failed_is_tried_again_by_the_sweep(admin, monkeypatch):
    blob, good = make(b"x"), make(b"y")
    storage = storages["fourd_uploads"]
    delete = storage.delete

    def fail_once(name: str) -> None:
        if name == blob.name:
            raise OSError
        delete(name)

    monkeypatch.setattr(storage, "delete", fail_once)
    response = choose(admin, blob, good)
    assert [level for level, _ in told(response)] == ["success", "error"]
    assert list(UploadedBlob.objects.values_list("pk", flat=True)) == [blob.pk]
    monkeypatch.setattr(storage, "delete", delete)
    sweep.run()
    assert not in_storage(blob)


def test_upload_that_still_arrives_is_left_alone(admin):
    now = timezone.now()
    alive = make(b"x", state=State.RECEIVING, expires=None, progressed=now)
    stalled = make(b"y", state=State.RECEIVING, expires=None, progressed=now - timedelta(hours=1))
    response = choose(admin, alive, stalled)
    assert told(response) == [
        ("success", "1 file was deleted."),
        ("warning", "1 upload is still being received and was left alone."),
    ]
    assert list(UploadedBlob.objects.values_list("pk", "state")) == [(alive.pk, State.RECEIVING)]
    assert in_storage(alive)
    assert not in_storage(stalled)


def test_many_messages(admin, stuck):
    now = timezone.now()
    kept = [make(state=State.RECEIVING, expires=None, progressed=now) for _ in range(2)]
    failed = [make(b"x") for _ in range(2)]
    messages = told(choose(admin, *kept, *failed))
    assert [level for level, _ in messages] == ["error", "warning"]
    assert "did not delete 2 files. They" in messages[0][1]
    assert messages[1][1].startswith("2 uploads are still being received")


def test_page_of_removal_asks_first(admin):
    blob = make(b"x")
    html = admin.get(url(blob, "delete")).content.decode()
    assert "The file is deleted as well. What was attached to entities are copies: they stay." in html
    assert in_storage(blob)


def test_removal_from_the_page(admin):
    blob = make(b"x")
    response = admin.post(url(blob, "delete"), {"post": "yes"})
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert told(response) == [("success", "1 file was deleted.")]
    assert not UploadedBlob.objects.exists()
    assert not in_storage(blob)
    assert LogEntry.objects.get().object_repr == blob.wire_id


def test_removal_returns_to_the_list_as_it_was(admin):
    blob = make(b"x")
    address = url(blob, "delete") + "?_changelist_filters=state%3Dready"
    assert admin.post(address, {"post": "yes"})["Location"] == f"{LIST}?state=ready"


def test_removal_of_an_unknown_upload(admin):
    response = admin.post(f"{LIST}{uuid.uuid4()}/delete/", {"post": "yes"})
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert [level for level, _ in told(response)] == ["warning"]


def test_removal_by_who_may_delete_but_not_view(staff):
    blob = make(b"x")
    response = staff("fourd_rest.delete_uploadedblob").post(url(blob, "delete"), {"post": "yes"})
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert not in_storage(blob)


def test_removal_needs_a_token(admin):
    blob = make(b"x")
    strict = RestClient(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    for address in (LIST, url(blob, "delete")):
        data = {"action": "delete_selected", "_selected_action": [blob.pk], "post": "yes"}
        assert strict.post(address, data).status_code == 403
    assert in_storage(blob)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["action", "page"])
def test_mark_is_committed_before_the_file_is_touched(way, stuck, monkeypatch):
    """Also where the site wraps every request in a transaction."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    client = RestClient()
    client.force_login(User.objects.create_superuser("root"))
    blob = make(b"x")
    if way == "action":
        choose(client, blob)
    else:
        client.post(url(blob, "delete"), {"post": "yes"})
    assert stuck.seen == [(State.EXPIRED, False)]


@pytest.mark.parametrize("name", ["", "x/delete/", f"{uuid.UUID(int=1)}/preview/"])
def test_no_view_is_wrapped_in_a_transaction(name):
    view: Any = resolve(LIST + name).func
    assert ("default" in getattr(view, "_non_atomic_requests", ())) == ("preview" not in name)
