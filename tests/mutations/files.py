"""Files as answers: inert in browsers, and the bytes that were asked for."""

from __future__ import annotations

from .guard import Guard

FILES: tuple[Guard, ...] = (
    Guard(
        "type-is-not-guessed",
        "fourd_rest/http/files.py",
        '        "X-Content-Type-Options": "nosniff",\n',
        "",
        ("tests/unit/test_serving.py::test_whole_file",),
    ),
    Guard(
        "file-runs-in-no-page",
        "fourd_rest/http/files.py",
        '        "Content-Security-Policy": "sandbox; default-src \'none\'",\n',
        "",
        ("tests/unit/test_serving.py::test_whole_file",),
    ),
    Guard(
        "file-is-asked-for-each-time",
        "fourd_rest/http/files.py",
        '        "Cache-Control": "private, no-cache",\n',
        "",
        ("tests/unit/test_serving.py::test_whole_file",),
    ),
    Guard(
        "only-rasters-are-shown",
        "fourd_rest/http/files.py",
        "attachment = not (inline and kind in INLINE_TYPES)",
        "attachment = not inline",
        ("tests/unit/test_serving.py::test_all_else_may_not",),
    ),
    Guard(
        "image-that-is-none-is-bytes",
        "fourd_rest/http/attribute_files.py",
        'if stored.attribute.file is File.IMAGE and not known.startswith("image/"):',
        "if False:",
        ("tests/spec/test_images.py::test_what_browsers_may_run_is_only_saved",),
    ),
    Guard(
        "etag-follows-the-stamp",
        "fourd_rest/http/attribute_files.py",
        "stored.name, str(stored.stamp), _version(content)",
        "stored.name, _version(content)",
        ("tests/spec/test_attach.py::test_the_etag_of_a_storage_that_cannot_tell_the_time",),
    ),
    Guard(
        "etag-follows-the-file",
        "fourd_rest/http/attribute_files.py",
        "stored.name, str(stored.stamp), _version(content)",
        "stored.name, str(stored.stamp)",
        ("tests/spec/test_attach.py::test_a_file_that_is_rewritten_in_place",),
    ),
    Guard(
        "range-of-another-file",
        "fourd_rest/http/files.py",
        'if request.method != "GET" or request.headers.get("If-Range", tag).strip() != tag:',
        'if request.method != "GET":',
        ("tests/unit/test_serving.py::test_if_range",),
    ),
    Guard(
        "range-outside-the-file",
        "fourd_rest/http/files.py",
        "        if start >= stop:\n",
        "        if False:\n",
        ("tests/unit/test_serving.py::test_range_outside",),
    ),
    Guard(
        "file-that-is-too-short",
        "fourd_rest/http/files.py",
        "        if not piece:\n            raise RestError(STORAGE_FAILED())\n",
        "",
        ("tests/unit/test_serving.py::test_a_small_file_that_is_too_short_is_an_error",),
    ),
    Guard(
        "admin-shows-pictures-alone",
        "fourd_rest/admin/uploads.py",
        "content_type=blob.detected_type if is_viewable else OCTETS",
        "content_type=blob.detected_type",
        ("tests/spec/test_admin.py::test_type_that_browsers_run_is_never_shown",),
    ),
    Guard(
        "admin-shows-ready-files-alone",
        "fourd_rest/admin/uploads.py",
        "        if blob.client_state != State.READY:\n            return self._no_file(",
        "        if False:\n            return self._no_file(",
        ("tests/spec/test_admin.py::test_only_ready_files_are_shown",),
    ),
    Guard(
        "answers-are-not-kept",
        "fourd_rest/views/lifecycle.py",
        'content_type=JSON, headers={"Cache-Control": "no-store"}',
        "content_type=JSON",
        ("tests/spec/test_read.py::test_the_server_is_there",),
    ),
)
