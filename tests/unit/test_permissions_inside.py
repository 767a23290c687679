"""Behind ``tests/spec/test_permissions.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest

from fourd_rest.http import sessions
from fourd_rest.http.parsers import BodyRequest
from fourd_rest.models import UploadedBlob
from fourd_rest.storage import upload_storage
from tests.contract.checks import assert_answer, errors
from tests.spec.test_permissions import (
    BACKENDS,
    EXPECTED,
    FOREIGN,
    FORMS,
    SESSION,
    ask,
    assert_expected,
    authenticate_by,
    browser,
    from_page,
    john_with_photo,
)

__all__ = ["browser", "john_with_photo"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "classes",
    [
        [SESSION],
        [f"{BACKENDS}.TokenInTheForm"],
        [f"{BACKENDS}.CookieTokens"],
        [f"{BACKENDS}.Reader", SESSION],
    ],
    ids=" ".join,
)
def test_no_way_to_authenticate_takes_the_body(browser, settings, classes, form):
    """Nor asks for a token that no 4D client sends."""
    authenticate_by(settings, *classes)
    browser.cookies["token"] = "admin"
    assert_expected(ask(browser, "update", content_type=form), EXPECTED["superuser"]["update"])
    content = b"token=wrong&" + bytes(range(256)) * 300
    response = browser.upload(content, content_type=form)
    assert response.status_code == 200
    (blob,) = UploadedBlob.objects.all()
    with upload_storage().open(blob.name) as file:
        assert file.read() == content
    response = ask(browser, "update", **from_page(None, "http://evil.example"))
    assert_answer(response, 403, errors(FOREIGN))


def test_a_form_that_a_middleware_has_read_is_still_there_to_see(rf, settings):
    """What was read before the app cannot be given back; who has read it goes on seeing it."""
    request = rf.post("/rest/Employee", {"a": "b"})
    assert request.POST["a"] == "b"
    sessions.close_form(request)
    asked = BodyRequest(request)
    assert request.POST["a"] == asked.POST["a"] == asked.data["a"] == "b"
