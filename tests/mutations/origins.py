"""Pages of other sites: none of them changes anything (D-26)."""

from __future__ import annotations

from .guard import Guard

ORIGINS: tuple[Guard, ...] = (
    Guard(
        "origin-of-a-write",
        "fourd_rest/views/data.py",
        'method = keywords.method_of(params) or "update"\n        self.check_origin()\n',
        'method = keywords.method_of(params) or "update"\n',
        ("tests/spec/test_permissions.py::test_no_page_of_another_site_changes_anything",),
    ),
    Guard(
        "origin-of-a-delete",
        "fourd_rest/views/data.py",
        '        self.check_origin()\n        keywords.check_write(params, "delete")\n',
        '        keywords.check_write(params, "delete")\n',
        ("tests/spec/test_permissions.py::test_no_page_of_another_site_changes_anything",),
    ),
    Guard(
        "origin-of-a-read-that-changes",
        "fourd_rest/views/data.py",
        "        if reads.changes_state(self.address, method):\n            self.check_origin()\n",
        "",
        ("tests/spec/test_permissions.py::test_no_link_on_a_page_of_another_site_changes_anything",),
    ),
    Guard(
        "origin-of-saved-texts",
        "fourd_rest/request/reads.py",
        " or (found is Changes.WITH_SET and address.set_id is not None)",
        "",
        ("tests/unit/test_keywords.py::test_reads_that_change_something",),
    ),
    Guard(
        "origin-of-a-release",
        "fourd_rest/views/data.py",
        "        self.check_origin()\n        return _release_listed(self)\n",
        "        return _release_listed(self)\n",
        ("tests/spec/test_set_requests.py::test_pages_of_other_sites_and_releases_by_post",),
    ),
    Guard(
        "origin-of-an-upload",
        "fourd_rest/views/uploads.py",
        "        self.check_origin()\n",
        "",
        ("tests/spec/test_permissions.py::test_no_page_of_another_site_changes_anything",),
    ),
    Guard(
        "origin-that-the-browser-calls-foreign",
        "fourd_rest/http/sessions.py",
        "return site is None and origin ==",
        "return origin ==",
        ("tests/spec/test_permissions.py::test_where_a_change_may_come_from",),
    ),
    Guard(
        "origin-by-referer",
        "fourd_rest/http/sessions.py",
        "        if _is_own_page(request, referer):\n",
        "        if True:\n",
        ("tests/spec/test_permissions.py::test_where_a_change_comes_from_by_its_referer",),
    ),
    Guard(
        "forms-are-closed",
        "fourd_rest/http/sessions.py",
        "        http._post, http._files = _NO_FORM, MultiValueDict()\n",
        "        pass\n",
        ("tests/unit/test_permissions_inside.py::test_no_way_to_authenticate_takes_the_body",),
    ),
)
