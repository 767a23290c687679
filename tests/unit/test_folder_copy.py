"""Copies between folders: no half of a file stays, and what fails is left to the storages."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from fourd_rest.uploads import folder_copy


@pytest.fixture
def source(tmp_path: Path) -> FileSystemStorage:
    storage = FileSystemStorage(tmp_path / "from")
    storage.save("a", ContentFile(b"content"))
    return storage


@pytest.fixture
def target(tmp_path: Path) -> FileSystemStorage:
    return FileSystemStorage(tmp_path / "to")


def nothing() -> None:
    """Nobody is told of the progress."""


def copies(source: Any, target: Any) -> bool:
    return folder_copy.copy_file(source, "a", target, "deep/b", nothing)


def fail(*args: Any) -> Any:
    raise OSError(errno.EIO, "broken disk")


def test_a_copy(source: FileSystemStorage, target: FileSystemStorage) -> None:
    assert copies(source, target)
    assert Path(target.path("deep/b")).read_bytes() == b"content"


def test_other_storages_copy_themselves(source: FileSystemStorage) -> None:
    assert not copies(source, InMemoryStorage())


def test_a_file_that_is_there_stays(source: FileSystemStorage, target: FileSystemStorage) -> None:
    target.save("deep/b", ContentFile(b"mine"))
    assert not copies(source, target)
    assert Path(target.path("deep/b")).read_bytes() == b"mine"


def test_a_source_that_is_gone(source: FileSystemStorage, target: FileSystemStorage) -> None:
    source.delete("a")
    assert not copies(source, target)
    assert not Path(target.path("deep")).exists()


def test_a_disk_that_fails_at_the_end(
    source: FileSystemStorage, target: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_copy.os, "fsync", fail)
    assert not copies(source, target)
    assert not Path(target.path("deep/b")).exists()


def test_whoever_breaks_off_leaves_nothing(
    source: FileSystemStorage, target: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder_copy.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copies(source, target)
    assert not Path(target.path("deep/b")).exists()


def test_blocks_are_shared_where_the_file_system_can(
    source: FileSystemStorage, target: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it asks the kernel for; then nothing else is copied."""
    fcntl = pytest.importorskip("fcntl")
    asked: list[int] = []

    def clone(new: int, request: int, old: int) -> int:
        asked.append(request)
        os.write(new, os.read(old, 100))
        return 0

    monkeypatch.setattr(fcntl, "ioctl", clone)
    monkeypatch.setattr(folder_copy, "_PIECES", (fail,))
    assert copies(source, target)
    assert asked == [0x40049409]
    assert Path(target.path("deep/b")).read_bytes() == b"content"


@pytest.mark.parametrize(("mode", "becomes"), [(None, 0o640), (0o604, 0o604)])
def test_the_mode_of_the_storage(
    source: FileSystemStorage, target: FileSystemStorage, settings: Any, mode: int | None, becomes: int
) -> None:
    """Without one, as the process makes files."""
    settings.FILE_UPLOAD_PERMISSIONS = mode
    before = os.umask(0o026)
    try:
        assert copies(source, target)
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(target.path("deep/b")).stat().st_mode) == becomes


def test_a_django_without_groups(
    source: FileSystemStorage, target: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method that gives a file its group is Django's own business."""
    monkeypatch.delattr(FileSystemStorage, "_ensure_location_group_id")
    assert copies(source, target)
