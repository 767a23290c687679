"""Deletes take what was named, with the rights that it takes."""

from __future__ import annotations

from .guard import Guard

DELETES: tuple[Guard, ...] = (
    Guard(
        "delete-of-everything",
        "fourd_rest/write/deleting.py",
        "if not is_narrowed and not dataclass.allow_delete_all:",
        "if False:",
        ("tests/spec/test_set_requests.py::test_a_whole_dataclass",),
    ),
    Guard(
        "delete-by-what-may-not-be-read",
        "fourd_rest/write/deleting.py",
        "if is_narrowed and not permissions.may(caller, dataclass, Action.VIEW):",
        "if False:",
        ("tests/spec/test_set_requests.py::test_who_may_not_read_may_not_delete_what_he_filters",),
    ),
    Guard(
        "size-of-a-selection-to-delete",
        "fourd_rest/write/deleting.py",
        "    if len(keys) > limit:\n",
        "    if False:\n",
        ("tests/spec/test_set_requests.py::test_a_selection_that_is_too_large_is_not_deleted",),
    ),
    Guard(
        "reads-of-a-delete-ask-no-replica",
        "fourd_rest/views/data.py",
        "    @reads_of_a_write()\n    def delete(",
        "    def delete(",
        ("tests/spec/test_replica.py",),
    ),
    Guard(
        "delete-locks-nothing-without-the-right",
        "fourd_rest/write/deleting.py",
        "            keys = [key for key in keys if self._may_remove(key)]\n",
        "            pass\n",
        ("tests/spec/test_delete_many.py::test_rights",),
    ),
    Guard(
        "delete-of-what-is-out-of-reach",
        "fourd_rest/write/deleting.py",
        (
            "    def _find(self, key: Any) -> models.Model | None:\n"
            "        rows = self.dataclass.entities(self.caller.request).using(self.alias)\n"
        ),
        (
            "    def _find(self, key: Any) -> models.Model | None:\n"
            "        rows = self.dataclass.model._base_manager.using(self.alias)\n"
        ),
        ("tests/spec/test_delete_many.py::test_entities_out_of_reach",),
    ),
    Guard(
        "key-that-cannot-be-one-tells-nothing",
        "fourd_rest/write/deleting.py",
        (
            "        if not permissions.may(caller, dataclass, Action.DELETE):\n"
            "            raise permissions.denied(caller, dataclass, Action.DELETE) from error\n"
        ),
        "",
        ("tests/unit/test_hidden_inside.py::test_a_hidden_dataclass_is_an_unknown_one",),
    ),
    Guard(
        "rights-along-a-delete",
        "fourd_rest/write/gate.py",
        "    if obstacle is not None:\n        raise Refusal(obstacle)\n",
        "",
        ("tests/spec/test_cascades.py::test_whatever_the_depth",),
    ),
    Guard(
        "rights-on-rows-that-go-along",
        "fourd_rest/write/cascades.py",
        "                raise _Refused\n",
        "                pass\n",
        ("tests/spec/test_cascades.py::test_the_right_on_single_entities",),
    ),
    Guard(
        "rows-that-go-along-are-counted",
        "fourd_rest/write/cascades.py",
        "        if self.count > self.limit:\n",
        "        if False:\n",
        ("tests/spec/test_cascades.py::test_too_many_to_ask_about",),
    ),
    Guard(
        "holder-that-is-hidden-is-not-named",
        "fourd_rest/write/deleting.py",
        "known = dataclass is not None and caller.knows(dataclass)",
        "known = dataclass is not None",
        ("tests/spec/test_delete_many.py::test_who_may_not_know_the_holder_is_not_told_its_name",),
    ),
    Guard(
        "file-of-a-row-that-stays",
        "fourd_rest/write/deleting.py",
        "(file.stored for file in files if not file.is_needed(instance, alias))",
        "(file.stored for file in files)",
        ("tests/spec/test_delete_many.py::test_a_hook_that_keeps_the_row",),
    ),
    Guard(
        "files-stay-unless-asked",
        "fourd_rest/write/deleting.py",
        "    if not dataclass.delete_files:\n        return\n",
        "",
        ("tests/spec/test_delete_many.py::test_files",),
    ),
    Guard(
        "files-go-after-the-commit",
        "fourd_rest/sql/transactions.py",
        "        transaction.on_commit(delete, using=alias, robust=True)\n",
        "        delete()\n",
        (
            "tests/spec/test_attach.py::test_failed_save_deletes_nothing",
            "tests/spec/test_delete_many.py",
        ),
    ),
)
