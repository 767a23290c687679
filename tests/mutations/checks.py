"""System checks that tell of what would open a site."""

from __future__ import annotations

from .guard import Guard

CHECKS: tuple[Guard, ...] = (
    Guard(
        "check-of-guests-who-write",
        "fourd_rest/checks/settings.py",
        "    if writing:\n",
        "    if False:\n",
        ("tests/unit/test_checks.py::test_guests_who_write",),
    ),
    Guard(
        "check-of-user-models",
        "fourd_rest/checks/exposure.py",
        "if is_user_model(dataclass.model) and dataclass.fields is None:",
        "if False:",
        ("tests/unit/test_checks.py::test_a_user_model_without_fields",),
    ),
    Guard(
        "check-of-one-place-of-stamps",
        "fourd_rest/checks/exposure.py",
        "        if other.stamp_column != dataclass.stamp_column:\n",
        "        if False:\n",
        ("tests/unit/test_checks.py::test_stamps_in_different_places",),
    ),
    Guard(
        "check-of-folders-that-are-served",
        "fourd_rest/checks/storages.py",
        "return any(_is_within(str(storage.location), root) for root in _served_folders())",
        "return False",
        ("tests/unit/test_checks.py::test_uploads_in_a_folder_that_is_served",),
    ),
    Guard(
        "check-of-tables",
        "fourd_rest/checks/databases.py",
        "if not all(router.allow_migrate_model(alias, table) for table in tables):",
        "if False:",
        ("tests/unit/test_checks.py::test_a_database_without_our_tables",),
    ),
)
