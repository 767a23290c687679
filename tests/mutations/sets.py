"""Entity sets: of their owner, as long as they live."""

from __future__ import annotations

from .guard import Guard

SETS: tuple[Guard, ...] = (
    Guard(
        "set-of-another-user",
        "fourd_rest/entity_sets/lifecycle.py",
        " or found.owner_id not in (None, caller.owner):",
        ":",
        ("tests/unit/test_sets.py::test_sets_of_others",),
    ),
    Guard(
        "set-expires",
        "fourd_rest/entity_sets/lifecycle.py",
        "    if found.expires <= timezone.now() or found",
        "    if found",
        ("tests/unit/test_sets.py::test_expiry",),
    ),
    Guard(
        "set-of-an-unknown-dataclass",
        "fourd_rest/entity_sets/lifecycle.py",
        "    if not caller.knows(other):\n",
        "    if False:\n",
        ("tests/unit/test_sets.py::test_sets_of_another_dataclass",),
    ),
    Guard(
        "release-of-ones-own-sets",
        "fourd_rest/entity_sets/lifecycle.py",
        "_drop(alias, Q(key_in(wire_ids)) & mine)",
        "_drop(alias, Q(key_in(wire_ids)))",
        ("tests/unit/test_sets.py::test_release",),
    ),
    Guard(
        "rebuild-of-somebody-elses-set",
        "fourd_rest/entity_sets/lifecycle.py",
        "        _check_usable(caller, dataclass, left, wire_id)\n        return left\n",
        "        return left\n",
        ("tests/unit/test_sets.py::test_rebuild_of_what_is_somebody_elses",),
    ),
    Guard(
        "rebuild-of-what-is-gone-alone",
        "fourd_rest/entity_sets/lifecycle.py",
        "if left is not None and left.expires > timezone.now():",
        "if False:",
        ("tests/unit/test_sets.py::test_rebuild_of_what_is_gone",),
    ),
    Guard(
        "sweep-looks-at-sets-again",
        "fourd_rest/entity_sets/lifecycle.py",
        "locked = rows.filter(pk__in=batch)",
        "locked = EntitySet.objects.using(alias).filter(pk__in=batch)",
        ("tests/unit/test_sets.py::test_sweep_beside_a_rebuild",),
    ),
    Guard(
        "set-made-anew-from-saved-texts-alone",
        "fourd_rest/request/selections.py",
        "saved=SavedTexts(address, dataclass_name) if is_saved else None",
        "saved=SavedTexts(address, dataclass_name)",
        ("tests/spec/test_set_requests.py::test_release",),
    ),
    Guard(
        "edit-of-an-expired-set",
        "fourd_rest/entity_sets/lifecycle.py",
        "rows.filter(pk=wire_id, expires__gt=timezone.now()).first()",
        "rows.filter(pk=wire_id).first()",
        ("tests/unit/test_sets.py::test_edit_of_what_is_gone",),
    ),
    Guard(
        "position-within-a-set",
        "fourd_rest/entity_sets/lifecycle.py",
        "            if not 0 <= remove < len(packed):\n",
        "            if not remove < len(packed):\n",
        ("tests/spec/test_set_requests.py::test_members_that_cannot_be_added_or_removed",),
    ),
    Guard(
        "edit-after-everything-is-read",
        "fourd_rest/read/page.py",
        "    _shape(caller, dataclass, request)\n    sets.edit",
        "    sets.edit",
        ("tests/spec/test_set_requests.py::test_a_request_that_is_refused_changes_no_set",),
    ),
)
