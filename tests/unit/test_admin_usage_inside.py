"""Behind ``tests/spec/test_admin_usage.py``: what HTTP alone does not show."""

from __future__ import annotations

import pytest
from django.utils import timezone

from fourd_rest.models import BlobAttachment
from fourd_rest.pictures.conversions import source_hash
from tests.spec.test_admin_usage import made, page, received

pytestmark = pytest.mark.django_db


def test_pictures_made_of_other_files_do_not(admin):
    blob = received(1, kind="picture")
    for model, name, state in (
        ("hr.employee", "other", "ready"),
        ("hr.company", "here", "ready"),
        ("hr.employee", "here", "making"),
        ("no.model", "here", "ready"),
        ("hr.employee", "here", "ready"),
    ):
        made(10, source=source_hash(model, "photo", name), state=state, box=f"{len(model)}x{len(name)}")
    BlobAttachment.objects.create(
        blob_id=blob.pk,
        model="hr.employee",
        field="photo",
        key="1",
        name="here",
        state=BlobAttachment.State.ATTACHED,
        attached=timezone.now(),
    )
    assert page(admin, blob) == "WEBP 11x4 10 bytes"
