"""Copies a file from one folder to another as fast as the file system can (D-54).

Never a hard link: writing into one of the two files does not change the other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, Storage

_PIECE = 16 * 2**20  # bytes between two notes of progress
_BUFFER = 2**20
_FICLONE = 0x40049409  # ``linux/fs.h``: share the blocks until one of the two is written


def copy_file(
    source: Storage, name: str, target: Storage, new_name: str, progress: Callable[[], None]
) -> bool:
    """Copy ``name`` to ``new_name`` between plain folders.

    False, with no file left behind, if the storages are others or the copy fails: they have to do it
    then. The new file has the mode and group that its storage gives, and is synced to disk.
    ``progress`` is called at least every 16 MiB.
    """
    # ``__class__`` sees through the lazy object that the default storage is; ``type`` does not.
    if not (source.__class__ is target.__class__ is FileSystemStorage):
        return False
    path = Path(target.path(new_name))
    try:
        with Path(source.path(name)).open("rb") as file:
            _make_folder(path.parent, target)
            # As the storage itself opens it: fails for a file that exists.
            new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                _fill(file.fileno(), new, progress)
                os.fsync(new)
                _settle(path, target)
            except BaseException:
                with suppress(OSError):
                    path.unlink()
                raise
            finally:
                os.close(new)
    except OSError:
        return False
    return True


def _fill(source: int, new: int, progress: Callable[[], None]) -> None:
    if _clone(source, new):
        return
    for piece in _PIECES:
        try:
            while piece(source, new):
                progress()
        except OSError:
            # This way does not work between these file systems, or for this kind of file.
            os.lseek(source, 0, os.SEEK_SET)
            os.lseek(new, 0, os.SEEK_SET)
            os.ftruncate(new, 0)
            continue
        return
    while data := os.read(source, _BUFFER):
        while data:
            data = data[os.write(new, data) :]
        progress()


def _clone(source: int, new: int) -> bool:
    if sys.platform != "linux":
        return False  # pragma: no cover  (other platforms)
    import fcntl

    try:
        fcntl.ioctl(new, _FICLONE, source)
    except OSError:
        return False
    return True


# Copying within the kernel, the best way first.
_PIECES: tuple[Callable[[int, int], int], ...] = ()
if hasattr(os, "copy_file_range"):  # pragma: no branch  (platforms)
    _PIECES += (lambda source, new: os.copy_file_range(source, new, _PIECE),)
if hasattr(os, "sendfile"):  # pragma: no branch  (platforms)
    _PIECES += (lambda source, new: os.sendfile(new, source, None, _PIECE),)


def _settle(path: Path, storage: Any) -> None:
    """Give the file the group and the mode that its storage would."""
    set_group = getattr(storage, "_ensure_location_group_id", None)
    if set_group is not None:
        set_group(str(path))
    if storage.file_permissions_mode is not None:
        path.chmod(storage.file_permissions_mode)


def _make_folder(folder: Path, storage: Any) -> None:
    """Make ``folder`` and its parents with the mode that the storage gives."""
    mode = storage.directory_permissions_mode
    if mode is None:
        folder.mkdir(parents=True, exist_ok=True)
        return
    umask = os.umask(0o777 & ~mode)
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    finally:
        os.umask(umask)
