"""Addresses and filters mean what they say, above all where they write."""

from __future__ import annotations

from .guard import Guard

QUERIES: tuple[Guard, ...] = (
    Guard(
        "wildcards-of-glob",
        "fourd_rest/sql/text_folding.py",
        'return "*".join(_GLOB_SPECIAL.sub(r"[\\g<0>]", part) for part in parts)',
        'return "*".join(parts)',
        ("tests/query/test_folding.py::test_like",),
    ),
    Guard(
        "wildcards-of-like",
        "fourd_rest/sql/text_folding.py",
        'return "%".join(_LIKE_SPECIAL.sub(r"!\\g<0>", part) for part in parts)',
        'return "%".join(parts)',
        ("tests/query/test_folding.py::test_nothing_is_special_in_a_column_that_ignores_case",),
    ),
    Guard(
        "length-of-a-pattern",
        "fourd_rest/sql/text_folding.py",
        "    if longest > MAX_PATTERN and (\n",
        "    if False and (\n",
        ("tests/query/test_folding.py::test_a_pattern_has_a_longest",),
    ),
    Guard(
        "numbers-that-no-column-holds",
        "fourd_rest/sql/key_membership.py",
        "keys = [key for key in keys if _LEAST <= int(key) <= _GREATEST]",
        "pass",
        ("tests/unit/test_membership.py::test_numbers_that_no_column_holds",),
    ),
    Guard(
        "no-key-is-no-entity",
        "fourd_rest/sql/key_membership.py",
        "            raise EmptyResultSet\n",
        '            return "1 = 1", ()\n',
        ("tests/unit/test_membership.py",),
    ),
    Guard(
        "filter-that-was-form-encoded",
        "fourd_rest/query/constants.py",
        "    if match is None or _FORM_ENCODED.search(match.string):\n",
        "    if match is None:\n",
        ("tests/query/test_operands.py",),
    ),
    Guard(
        "not-holds-for-values-alone",
        "fourd_rest/query/criteria.py",
        "lambda: subject.present & ~condition)",
        "lambda: unmatched(holds))",
        ("tests/query/test_oracle.py",),
    ),
    Guard(
        "computed-value-of-what-is-hidden",
        "fourd_rest/query/scanning.py",
        "        rows = place.dataclass.entities(caller.request)\n",
        "        rows = place.dataclass.model._base_manager.all()\n",
        ("tests/query/test_oracle.py",),
    ),
    Guard(
        "members-of-hidden-relations-to-many",
        "fourd_rest/query/criteria.py",
        "rows: Any = link.target.entities(caller.request).order_by().filter(condition)",
        "rows: Any = link.target.model._base_manager.order_by().filter(condition)",
        ("tests/spec/test_collections.py::test_related_rows_that_the_caller_may_not_see",),
    ),
    Guard(
        "quotes-of-a-filter-that-deletes",
        "fourd_rest/request/selections.py",
        (
            "if not address.is_read and name in address.written and not "
            "quotes.is_clear(address.written[name]):"
        ),
        "if False:",
        ("tests/spec/test_spellings.py::test_a_delete_takes_what_its_constant_names",),
    ),
    Guard(
        "quotes-of-parameters-that-delete",
        "fourd_rest/request/placeholders.py",
        'raise _bad("the quotes in $params do not tell its values")',
        "pass",
        ("tests/spec/test_spellings.py::test_params",),
    ),
    Guard(
        "parameter-beside-a-filter-that-deletes",
        "fourd_rest/request/keywords.py",
        '        if is_filtered and not key.startswith("$"):\n',
        "        if False:\n",
        ("tests/spec/test_set_requests.py::test_deletes_that_cannot_be_read",),
    ),
    Guard(
        "keyword-that-a-write-does-not-know",
        "fourd_rest/request/keywords.py",
        "            raise RestError(UNKNOWN_KEYWORD(keyword=key))\n",
        "            continue\n",
        ("tests/unit/test_keywords.py::test_what_writes_take",),
    ),
    Guard(
        "keyword-that-is-not-supported",
        "fourd_rest/request/keywords.py",
        '        raise RestError(NOT_SUPPORTED(feature=f"{key} in a read"))\n',
        "        continue\n",
        ("tests/spec/test_read.py::test_what_is_not_supported_says_so",),
    ),
    Guard(
        "method-that-writes-by-get",
        "fourd_rest/request/keywords.py",
        "    if known is not None and known.writes:\n",
        "    if False:\n",
        ("tests/spec/test_read.py::test_methods_that_change_something_are_not_for_get",),
    ),
    Guard(
        "flag-that-is-neither-true-nor-false",
        "fourd_rest/views/lifecycle.py",
        "            keywords.check_flags(self.address.params)\n",
        "            pass\n",
        ("tests/spec/test_spellings.py::test_anything_else_in_a_write",),
    ),
    Guard(
        "saved-text-without-its-set",
        "fourd_rest/request/writes.py",
        "        if set_id is None and (SAVED_FILTER.key in params or SAVED_ORDER_BY.key in params):\n",
        "        if False:\n",
        ("tests/spec/test_delete_many.py::test_a_saved_text_without_its_set",),
    ),
    Guard(
        "trial-of-a-delete",
        "fourd_rest/request/writes.py",
        '        found.refuse_trial("in a delete")\n',
        "",
        ("tests/unit/test_keywords.py::test_a_delete_by_filter",),
    ),
    Guard(
        "trial-of-a-file",
        "fourd_rest/views/data.py",
        '            asked.refuse_trial("for a file")\n',
        "",
        ("tests/spec/test_straight_files.py::test_who_asks_what_would_be_finds_nothing_done",),
    ),
    Guard(
        "key-by-another-attribute-writes-nothing",
        "fourd_rest/views/data.py",
        "        raise RestError(METHOD_NOT_APPLICABLE(method=method))\n\n    def _dataclass",
        "\n    def _dataclass",
        ("tests/spec/test_collections.py::test_another_attribute_names_nothing_to_be_written",),
    ),
    Guard(
        "key-of-the-address-and-of-the-body",
        "fourd_rest/views/data.py",
        '        if str(items[0].setdefault("__KEY", key)) != key:\n',
        '        if not items[0].setdefault("__KEY", key):\n',
        ("tests/contract/test_error_table.py",),
    ),
    Guard(
        "empty-key-is-no-new-entity",
        "fourd_rest/views/data.py",
        "        if not key:  # which in a body asks for a new entity\n",
        "        if False:\n",
        ("tests/spec/test_bad_input.py::test_an_empty_key_is_no_new_entity",),
    ),
    Guard(
        "keys-beside-a-selection",
        "fourd_rest/views/data.py",
        "                if posted is not None and is_selected:\n",
        "                if False:\n",
        ("tests/spec/test_set_requests.py::test_keys_in_the_body_beside_a_filter_or_a_set",),
    ),
    Guard(
        "right-to-delete-a-selection",
        "fourd_rest/views/data.py",
        "                    permissions.check(self.caller, dataclass, Action.DELETE)\n",
        "                    pass\n",
        ("tests/spec/test_delete_many.py::test_rights",),
    ),
)
