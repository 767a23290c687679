"""Files in storages: what they are, and how little of them is fetched."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import (
    FileSystemStorage,
    InMemoryStorage,
    Storage,
    default_storage,
    storages,
)

from fourd_rest.errors import FILE_MISSING, STORAGE_FAILED, RestError
from fourd_rest.models import ConvertedPicture
from fourd_rest.storage import look_up, upload_storage
from testproject.hr.models import Employee
from tests.conftest import PDF, RestClient, picture

DATA = random.Random(4).randbytes(1_000_000)


# Any storage.


def test_where_uploads_wait(settings: Any) -> None:
    assert upload_storage() is storages["fourd_uploads"]
    settings.STORAGES = {"default": settings.STORAGES["default"]}
    assert upload_storage() is default_storage


def test_a_file_in_a_folder(tmp_path: Any) -> None:
    storage = FileSystemStorage(tmp_path)
    storage.save("a.bin", ContentFile(DATA))
    content = look_up(storage, "a.bin")
    assert content.size == 1_000_000
    for opened in (content.open, content.download):
        with opened() as file:
            assert file.read() == DATA
    before = content.version()
    assert look_up(storage, "a.bin").version() == before
    stat = (tmp_path / "a.bin").stat()
    os.utime(tmp_path / "a.bin", (stat.st_atime, stat.st_mtime + 0.001))
    assert look_up(storage, "a.bin").version() != before


def test_a_storage_that_does_not_know_times() -> None:
    class Timeless(InMemoryStorage):
        get_modified_time = Storage.get_modified_time

    storage = Timeless()
    storage.save("a", ContentFile(b"abc"))
    content = look_up(storage, "a")
    assert (content.size, content.version()) == (3, "")


class ResourceNotFoundError(Exception):
    """As the one of Azure, which is no OSError."""


class Faulty(Storage):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def size(self, name: str) -> int:
        raise self.error


def test_a_file_that_is_gone(tmp_path: Any) -> None:
    for storage in (FileSystemStorage(tmp_path), Faulty(ResourceNotFoundError())):
        with pytest.raises(FileNotFoundError):
            look_up(storage, "a")


def test_a_storage_that_fails() -> None:
    with pytest.raises(PermissionError):
        look_up(Faulty(PermissionError()), "a")


# A bucket.


class Bucket:
    """A storage over boto3, and what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        from storages.backends.s3 import S3Storage

        self.storage = S3Storage(
            bucket_name="test", region_name="us-east-1", access_key="testing", secret_key="testing"
        )
        client = self.storage.connection.meta.client
        client.create_bucket(Bucket="test")
        client.meta.events.register("provide-client-params.s3", self._note)

    def _note(self, params: dict[str, Any], model: Any, **kwargs: Any) -> None:
        text = model.name
        for name in ("Range", "SSECustomerAlgorithm", "RequestPayer"):
            if name in params:
                text += f" {params[name]}"
        self.calls.append(text)

    def empty(self) -> None:
        self.storage.bucket.objects.delete()
        self.calls.clear()

    def save(self, name: str = "a.bin", data: bytes = DATA) -> None:
        self.storage.save(name, ContentFile(data))
        self.calls.clear()


@pytest.fixture(scope="module")
def aws() -> Iterator[Bucket]:
    if os.environ.get("FOURD_REST_REQUIRE_SERVICES") != "1":
        pytest.importorskip("moto", reason="moto is not installed: the extra test-s3 has it")
    from moto import mock_aws

    with mock_aws():
        yield Bucket()


@pytest.fixture
def bucket(aws: Bucket) -> Bucket:
    aws.empty()
    return aws


def test_looking_fetches_nothing(bucket: Bucket) -> None:
    bucket.save()
    content = look_up(bucket.storage, "a.bin")
    assert content.size == 1_000_000
    before = content.version()
    assert bucket.calls == ["HeadObject"]
    bucket.save(data=DATA[::-1])
    assert look_up(bucket.storage, "a.bin").version() not in (before, "")


def test_a_range_is_one_request(bucket: Bucket) -> None:
    bucket.save()
    content = look_up(bucket.storage, "a.bin")
    file: Any = content.open()
    with file:
        file.prepare(1_000, 300_000)
        parts = [file.read(100_000) for _ in range(3)]
    assert b"".join(parts) == DATA[1_000:301_000]
    assert bucket.calls == ["HeadObject", "GetObject bytes=1000-300999"]


def test_the_first_bytes_are_one_request(bucket: Bucket) -> None:
    bucket.save()
    with look_up(bucket.storage, "a.bin").open() as file:
        assert file.read(512) == DATA[:512]
    assert bucket.calls == ["HeadObject", "GetObject bytes=0-511"]


def test_it_ends_where_it_ends(bucket: Bucket) -> None:
    bucket.save(data=b"abc")
    file: Any = look_up(bucket.storage, "a.bin").open()
    assert [file.read(512), file.read(512)] == [b"abc", b""]
    file.prepare(1, 2)
    assert [file.read(1), file.read(1), file.read(1)] == [b"b", b"c", b""]
    file.close()
    assert bucket.calls == ["HeadObject", "GetObject bytes=0-2", "GetObject bytes=1-2"]


def test_an_empty_object_is_not_asked_for(bucket: Bucket) -> None:
    bucket.save(data=b"")
    with look_up(bucket.storage, "a.bin").open() as file:
        assert file.read(512) == b""
    assert bucket.calls == ["HeadObject"]


def test_an_object_that_is_gone(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError):
        look_up(bucket.storage, "a.bin")


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_an_object_that_changes_meanwhile(bucket: Bucket, change: str) -> None:
    bucket.save()
    file: Any = look_up(bucket.storage, "a.bin").open()
    if change == "replaced":
        bucket.save(data=DATA[::-1])
    else:
        bucket.storage.delete("a.bin")
    with pytest.raises(RestError) as caught:
        file.prepare(0, 10)
    assert caught.value.items == (STORAGE_FAILED(),)


def test_criss_cross_it_is_fetched_whole(bucket: Bucket) -> None:
    bucket.save()
    with look_up(bucket.storage, "a.bin").download() as file:
        file.seek(500)
        assert file.read(4) == DATA[500:504]
        file.seek(1)
        assert file.read(4) == DATA[1:5]


def test_what_must_be_said_again_to_read(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"RequestPayer": "requester", "CacheControl": "max-age=1", "StorageClass": "STANDARD"}
    monkeypatch.setattr(bucket.storage, "object_parameters", parameters)
    bucket.save()
    with look_up(bucket.storage, "a.bin").open() as file:
        assert file.read(3) == DATA[:3]
    assert bucket.calls[-1] == "GetObject bytes=0-2 requester"


# The storage forgets to close what it unpacked from.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_object_that_is_packed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket.storage, "gzip", True)
    monkeypatch.setattr(bucket.storage, "gzip_content_types", ("text/css",))
    bucket.save("a.css", b"a" * 5_000)
    content = look_up(bucket.storage, "a.css")
    assert content.size == 5_000
    with content.open() as file:
        file.seek(4_990)
        assert file.read(100) == b"a" * 10
    bucket.save("a.bin", DATA)
    with look_up(bucket.storage, "a.bin").open() as file:
        assert file.read(3) == DATA[:3]
    assert bucket.calls == ["HeadObject", "GetObject bytes=0-2"]


# What clients get from one.


@pytest.fixture
def site(bucket: Bucket, settings: Any) -> Bucket:
    """The sample site with all its files in a bucket."""
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "test"}}
    settings.STORAGES = {**settings.STORAGES, "default": storage, "fourd_uploads": storage}
    # Not one more of the same: they take a second to make.
    storages._storages |= {"default": bucket.storage, "fourd_uploads": bucket.storage}
    return bucket


def employee(data: bytes, name: str, field: str) -> Employee:
    made = Employee(first_name="Anna", last_name="Weber")
    getattr(made, field).save(name, ContentFile(data))
    return made


@pytest.mark.django_db
def test_a_range_of_a_blob_in_a_bucket(admin: RestClient, site: Bucket) -> None:
    data = PDF + DATA
    anna = employee(data, "cv.pdf", "cv")
    site.calls.clear()
    response = admin.read(f"Employee({anna.pk})/cv?$binary=true", HTTP_RANGE="bytes=600000-999999")
    assert (response.status_code, response.getvalue()) == (206, data[600_000:1_000_000])
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == 'attachment; filename="cv.pdf"'
    assert site.calls == ["HeadObject", "GetObject bytes=0-511", "GetObject bytes=600000-999999"]


@pytest.mark.django_db
def test_head_of_a_blob_in_a_bucket(admin: RestClient, site: Bucket) -> None:
    anna = employee(PDF + DATA, "cv.pdf", "cv")
    site.calls.clear()
    response = admin.rest("HEAD", f"Employee({anna.pk})/cv?$binary=true")
    assert response.headers["Content-Length"] == str(len(PDF + DATA))
    assert site.calls == ["HeadObject", "GetObject bytes=0-511"]


@pytest.mark.django_db
def test_an_upload_tells_by_its_name_what_it_is(admin: RestClient, site: Bucket) -> None:
    anna = Employee.objects.create(first_name="Anna", last_name="Weber")
    upload = admin.upload(PDF + DATA).json()["ID"]
    admin.update("Employee", {"__KEY": anna.pk, "__STAMP": 1, "cv": {"ID": upload}})
    site.calls.clear()
    response = admin.read(f"Employee({anna.pk})/cv?$binary=true")
    assert response.getvalue() == PDF + DATA
    assert response.headers["Content-Type"] == "application/pdf"
    assert site.calls == ["HeadObject", f"GetObject bytes=0-{len(PDF + DATA) - 1}"]


@pytest.mark.django_db
def test_a_converted_picture_in_a_bucket(admin: RestClient, site: Bucket) -> None:
    anna = employee(picture("PNG", (40, 20)), "anna.png", "photo")
    address = f"Employee({anna.pk})/photo?$imageformat=jpeg&$size=10x10"
    first = admin.read(address).getvalue()
    site.calls.clear()
    assert admin.read(address).getvalue() == first
    assert site.calls == [
        *("HeadObject", "GetObject bytes=0-92"),
        *("HeadObject", f"GetObject bytes=0-{len(first) - 1}"),
    ]
    with io.BytesIO(first) as file:
        assert file.read(3) == b"\xff\xd8\xff"
    row = ConvertedPicture.objects.get()
    site.storage.delete(row.name)
    assert admin.read(address).getvalue() == first


@pytest.mark.django_db
def test_a_picture_that_is_gone_from_a_bucket(admin: RestClient, site: Bucket) -> None:
    anna = employee(picture(), "anna.png", "photo")
    site.storage.delete("photos/anna.png")
    for params in ("$imageformat=best", "$imageformat=gif"):
        response = admin.read(f"Employee({anna.pk})/photo?{params}")
        assert (response.status_code, response.json()["__ERROR"][0]["errCode"]) == (404, 9017)
    assert FILE_MISSING().message == "The file of this attribute is gone"
