"""Stamps move with every change, and a stale one is noticed (D-08, D-09, D-32)."""

from __future__ import annotations

from .guard import Guard

STAMPS: tuple[Guard, ...] = (
    Guard(
        "swap-compares-the-column",
        "fourd_rest/stamps/own_column.py",
        "{owner._meta.pk.name: key, column: expected}",
        "{owner._meta.pk.name: key}",
        ("tests/unit/test_write_inside.py::test_a_commit_before_the_swap",),
    ),
    Guard(
        "swap-compares-the-side-table",
        "fourd_rest/stamps/side_table.py",
        'where = {"dataclass": label, "key": key, "stamp": expected}',
        'where = {"dataclass": label, "key": key}',
        ("tests/unit/test_stamps.py::test_compare_and_swap",),
    ),
    Guard(
        "save-outside-moves-the-stamp",
        "fourd_rest/stamps/host_moves.py",
        "            _bump_keys(row, keys)\n",
        "            pass\n",
        ("tests/unit/test_stamps.py::test_every_save_moves_the_stamp",),
    ),
    Guard(
        "save-outside-moves-the-column",
        "fourd_rest/stamps/host_moves.py",
        "        own_column.bump_row(dataclass, instance, row.alias)\n        # As",
        "        # As",
        ("tests/unit/test_stamps.py::test_every_save_moves_the_column",),
    ),
    Guard(
        "save-without-a-transaction-moves-twice",
        "fourd_rest/stamps/host_moves.py",
        "if left is Left.AGAIN and connections[row.alias].in_atomic_block:",
        "if left is Left.AGAIN:",
        (
            (
                "tests/unit/test_stamps.py::test_without_a_transaction_the_stamp_moves_before_and"
                "_after_the_row"
            ),
        ),
    ),
    Guard(
        "column-outlives-its-row",
        "fourd_rest/stamps/host_moves.py",
        (
            "        in_our_tables(alias, lambda: side_table.remember(label, keys, stamp, "
            "deleted, alias))\n"
        ),
        "        pass\n",
        ("tests/unit/test_stamps.py::test_a_column_survives_deletion",),
    ),
    Guard(
        "delete-outside-moves-the-stamp",
        "fourd_rest/stamps/host_moves.py",
        "        _bump_keys(row, own, deleted)\n",
        "",
        ("tests/unit/test_stamps.py::test_deletion_advances_and_keeps_the_stamp",),
    ),
    Guard(
        "stamp-of-a-former-life",
        "fourd_rest/stamps/side_table.py",
        (
            'if _row(label, key, alias).update(stamp=F("stamp") + 1, '
            "modified=timezone.now(), deleted=None):"
        ),
        "if False:",
        ("tests/unit/test_stamps.py::test_a_key_that_returns_accepts_no_stamp_of_its_former_life",),
    ),
    Guard(
        "swap-revives-the-stamp",
        "fourd_rest/stamps/side_table.py",
        '"modified": now, "deleted": None}',
        '"modified": now}',
        ("tests/unit/test_stamps.py::test_a_key_that_returns_in_bulk_is_alive_after_its_first_update",),
    ),
    Guard(
        "claim-of-a-row",
        "fourd_rest/stamps/mover.py",
        "    elif not own_column.bump(dataclass, key, alias):\n        return False\n",
        "",
        ("tests/unit/test_stamp_moves.py::test_a_claim_of_no_row",),
    ),
    Guard(
        "claim-in-the-side-table",
        "fourd_rest/stamps/mover.py",
        "        side_table.bump(dataclass.stamp_label, text, alias, timezone.now())\n    elif",
        "        pass\n    elif",
        ("tests/spec/test_delete_many.py::test_stamps_of_deleted_entities_are_kept",),
    ),
    Guard(
        "kept-row-keeps-its-stamp-alive",
        "fourd_rest/stamps/mover.py",
        "        side_table.keep_alive(dataclass.stamp_label, text, alias)\n",
        "        pass\n",
        ("tests/spec/test_delete_many.py::test_a_hook_that_keeps_the_row",),
    ),
    Guard(
        "touch-moves-stamps",
        "fourd_rest/stamps/mover.py",
        "        side_table.bump_all(dataclass.stamp_label, texts, alias, now)\n    moved",
        "    moved",
        ("tests/spec/test_touch.py::test_stamps_in_the_side_table",),
    ),
    Guard(
        "stamps-of-the-living-are-kept",
        "fourd_rest/sweep.py",
        "EntityStamp.objects.using(alias).filter(deleted__lte=over)",
        "EntityStamp.objects.using(alias)",
        ("tests/unit/test_sweep.py::test_retention_of_stamps",),
    ),
    Guard(
        "transaction-begins-with-a-write",
        "fourd_rest/sql/transactions.py",
        "        if _begins_with_a_read(alias):\n",
        "        if False:\n",
        ("tests/spec/test_write_cost.py::test_sqlite_takes_the_lock_before_it_reads",),
    ),
    Guard(
        "no-retry-within-a-foreign-transaction",
        "fourd_rest/sql/transactions.py",
        "if is_over or connections[alias].in_atomic_block:",
        "if is_over:",
        ("tests/unit/test_write_keys_inside.py::test_delete_in_a_busy_database",),
    ),
    Guard(
        "views-open-no-transaction",
        "fourd_rest/views/lifecycle.py",
        "            view = transaction.non_atomic_requests(using=alias)(view)\n",
        "            pass\n",
        ("tests/spec/test_write_keys.py::test_no_request_is_wrapped_in_a_transaction",),
    ),
)
