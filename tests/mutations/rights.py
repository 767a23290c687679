"""Who may see and change what, and what the server tells of itself."""

from __future__ import annotations

from .guard import Guard

RIGHTS: tuple[Guard, ...] = (
    Guard(
        "view-dataclass",
        "fourd_rest/views/data.py",
        "        permissions.check(self.caller, dataclass, Action.VIEW)\n        with timing",
        "        with timing",
        ("tests/spec/test_permissions.py::test_rights_on_a_dataclass",),
    ),
    Guard(
        "view-entity",
        "fourd_rest/views/data.py",
        "        reader.check_view(self.caller, dataclass, key)\n",
        "",
        ("tests/spec/test_permissions.py::test_a_right_on_one_entity_is_none_on_another",),
    ),
    Guard(
        "view-judged-by-entity",
        "fourd_rest/read/reader.py",
        "if permissions.may(caller, dataclass, Action.VIEW) and not dataclass.view_depends_on_entity:",
        "if permissions.may(caller, dataclass, Action.VIEW):",
        ("tests/spec/test_permissions.py::test_a_dataclass_may_judge_entities_itself",),
    ),
    Guard(
        "permission-before-existence",
        "fourd_rest/dataclass/permissions.py",
        "if obj is not None and may(caller, dataclass, action, obj):",
        "if obj is None or may(caller, dataclass, action, obj):",
        ("tests/spec/test_permissions.py",),
    ),
    Guard(
        "unknown-dataclass-for-the-powerless",
        "fourd_rest/dataclass/permissions.py",
        "if not of_entity and not caller.knows(dataclass):",
        "if False:",
        ("tests/spec/test_permissions.py::test_a_user_without_rights_learns_nothing",),
    ),
    Guard(
        "guest-without-rights",
        "fourd_rest/dataclass/permissions.py",
        "    if is_powerless_guest(caller):\n",
        "    if False:\n",
        ("tests/spec/test_permissions.py::test_a_guest_learns_nothing",),
    ),
    Guard(
        "mistakes-told-to-who-may-know",
        "fourd_rest/dataclass/permissions.py",
        "        if caller.knows(dataclass):\n            raise\n",
        "        raise\n",
        ("tests/unit/test_hidden_inside.py::test_a_hidden_dataclass_is_an_unknown_one",),
    ),
    Guard(
        "guests-are-granted-nothing",
        "fourd_rest/dataclass/options.py",
        "if not self.grants_by_rows or not request.user.is_authenticated:",
        "if not self.grants_by_rows:",
        ("tests/spec/test_object_permissions.py::test_guests_are_granted_nothing",),
    ),
    Guard(
        "rows-grant-only-if-asked",
        "fourd_rest/dataclass/options.py",
        "return self.object_permissions is True and own",
        "return own",
        ("tests/spec/test_object_permissions.py::test_what_only_narrows_opens_nothing",),
    ),
    Guard(
        "hidden-relation-in-a-query",
        "fourd_rest/query/visible.py",
        (
            "if attribute is None or (isinstance(attribute, Relation) and not "
            "caller.views(attribute.target)):"
        ),
        "if attribute is None:",
        ("tests/spec/test_collections.py::test_relations_to_what_the_caller_may_not_know_of",),
    ),
    Guard(
        "hidden-relation-by-name",
        "fourd_rest/dataclass/caller.py",
        "if isinstance(attribute, Relation) and not self.knows(attribute.target):",
        "if False:",
        ("tests/unit/test_hidden_inside.py::test_a_hidden_relation_is_an_unknown_attribute",),
    ),
    Guard(
        "hidden-relations-in-the-catalog",
        "fourd_rest/dataclass/caller.py",
        "            if not isinstance(attribute, Relation) or self.knows(attribute.target)\n",
        "",
        ("tests/spec/test_catalog.py::test_only_what_the_caller_may_know",),
    ),
    Guard(
        "hidden-relations-of-an-entity",
        "fourd_rest/query/visible.py",
        "    unknown = [target for target in targets if not caller.knows(target)]\n",
        "    unknown: list[DataClass] = []\n",
        ("tests/unit/test_hidden_inside.py::test_reads_leave_hidden_relations_out",),
    ),
    Guard(
        "unreadable-target-reads-null",
        "fourd_rest/query/visible.py",
        "    if _is_withheld(caller, hop):\n        return frozenset()\n",
        "",
        (
            (
                "tests/spec/test_read.py::test_the_targets_of_a_dataclass_that_the_reader_may_not"
                "_read_are_null"
            ),
        ),
    ),
    Guard(
        "hidden-target-reads-null",
        "fourd_rest/query/visible.py",
        'rows = hop.target.entities(caller.request).using(alias).filter(key_in(wanted, "pk"))',
        'rows = hop.target.model._base_manager.using(alias).filter(key_in(wanted, "pk"))',
        ("tests/spec/test_read.py::test_a_target_that_the_reader_may_not_see_is_null",),
    ),
    Guard(
        "hidden-target-in-a-filter",
        "fourd_rest/query/visible.py",
        "        if hop.target.restricts_rows:\n",
        "        if False:\n",
        ("tests/spec/test_collections.py::test_related_rows_that_the_caller_may_not_see",),
    ),
    Guard(
        "hidden-target-in-an-order",
        "fourd_rest/query/visible.py",
        "return Case(When(self.seen, then=value)) if self.seen else value",
        "return value",
        ("tests/spec/test_collections.py::test_related_rows_that_the_caller_may_not_see",),
    ),
    Guard(
        "unreadable-target-in-a-flat-form",
        "fourd_rest/query/visible.py",
        "if any(_is_withheld(caller, hop) for hop in place.hops):",
        "if False:",
        ("tests/unit/test_forms.py::test_what_the_reader_may_not_see_is_null",),
    ),
    Guard(
        "right-to-expand",
        "fourd_rest/read/shapes.py",
        "        if not step.is_optional:\n            permissions.check",
        "        if False:\n            permissions.check",
        ("tests/spec/test_attributes.py::test_a_relation_to_what_the_caller_may_not_read",),
    ),
    Guard(
        "right-to-related-entities",
        "fourd_rest/read/source.py",
        "    permissions.check(caller, attribute.target, Action.VIEW)\n",
        "",
        ("tests/spec/test_set_requests.py::test_related_entities_that_cannot_be_a_set",),
    ),
    Guard(
        "expanded-entity-that-is-hidden",
        "fourd_rest/read/nesting.py",
        "found = projection.rows(target.entities(self.caller.request), wanted, self.alias)",
        "found = projection.rows(target.model._base_manager.all(), wanted, self.alias)",
        ("tests/spec/test_expand.py::test_hidden_targets_are_null",),
    ),
    Guard(
        "expanded-entities-that-are-hidden",
        "fourd_rest/read/nesting.py",
        "return visible.apart(target, target.entities(self.caller.request).using(self.alias))",
        "return visible.apart(target, target.model._base_manager.using(self.alias))",
        ("tests/spec/test_expand.py::test_hidden_members_are_neither_shown_nor_counted",),
    ),
    Guard(
        "entity-out-of-reach",
        "fourd_rest/read/reader.py",
        "    queryset = dataclass.entities(caller.request)\n    reader = Reader(",
        "    queryset = dataclass.model._base_manager.all()\n    reader = Reader(",
        ("tests/spec/test_read.py::test_rows_that_the_reader_may_not_see_do_not_exist",),
    ),
    Guard(
        "file-of-an-entity-out-of-reach",
        "fourd_rest/read/reader.py",
        "    queryset = dataclass.entities(caller.request)\n    queryset = queryset.annotate",
        "    queryset = dataclass.model._base_manager.all()\n    queryset = queryset.annotate",
        ("tests/spec/test_read.py::test_the_file_of_an_entity_that_the_reader_may_not_see",),
    ),
    Guard(
        "collection-out-of-reach",
        "fourd_rest/read/selection.py",
        "    rows = dataclass.entities(caller.request)\n",
        "    rows = dataclass.model._base_manager.all()\n",
        ("tests/spec/test_collections.py::test_rows_that_the_caller_may_not_see",),
    ),
    Guard(
        "secrets-are-not-exposed",
        "fourd_rest/dataclass/builder.py",
        "            if is_secret(name):\n",
        "            if False:\n",
        ("tests/unit/test_registry.py::test_secrets_are_never_in_the_default_set",),
    ),
    Guard(
        "privileges-of-a-user",
        "fourd_rest/dataclass/builder.py",
        "            or (is_user_model(options.model) and source in PRIVILEGE_FIELDS)\n",
        "",
        ("tests/unit/test_registry.py::test_nobody_makes_himself_an_administrator",),
    ),
    Guard(
        "privileges-from-the-other-side",
        "fourd_rest/dataclass/builder.py",
        'if of_user or field.related_model._meta.label == "auth.Permission":',
        "if False:",
        ("tests/unit/test_registry.py::test_who_holds_a_permission_is_written_from_no_side",),
    ),
    Guard(
        "right-to-upload",
        "fourd_rest/views/uploads.py",
        "        receiving.check_permission(self.caller)\n",
        "",
        ("tests/spec/test_upload.py::test_who_may_not_upload",),
    ),
    Guard(
        "catalog-of-what-one-may-know",
        "fourd_rest/describe/catalog.py",
        "[dataclass for dataclass in registry if caller.knows(dataclass)]",
        "list(registry)",
        ("tests/spec/test_catalog.py::test_only_what_the_caller_may_know",),
    ),
    Guard(
        "info-tells-of-ones-own-sets",
        "fourd_rest/describe/info.py",
        "sets = sets.filter(owner=self.user.pk) if self.user.is_authenticated else sets.none()",
        "pass",
        ("tests/spec/test_info.py::test_a_user_sees_what_is_his_own",),
    ),
    Guard(
        "info-tells-no-session-key",
        "fourd_rest/describe/info.py",
        'hashlib.sha256(f"fourd_rest:{key}".encode()).hexdigest()[:32].upper()',
        "key",
        ("tests/spec/test_info.py::test_everything",),
    ),
    Guard(
        "plans-for-superusers",
        "fourd_rest/read/query_plan.py",
        '            return bool(getattr(user, "is_superuser", False))\n',
        "            return True\n",
        ("tests/unit/test_plans.py::test_who_may_see_it",),
    ),
    Guard(
        "admin-file-needs-the-right",
        "fourd_rest/admin/uploads.py",
        (
            "        if not self.has_view_permission(request):\n"
            "            raise PermissionDenied\n"
            "        blob: Any"
        ),
        "        blob: Any",
        ("tests/spec/test_admin.py::test_staff_without_the_right_to_view",),
    ),
    Guard(
        "admin-delete-needs-the-right",
        "fourd_rest/admin/uploads.py",
        (
            "        if not self.has_delete_permission(request, blob):\n"
            "            raise PermissionDenied\n"
        ),
        "",
        ("tests/spec/test_admin.py::test_who_may_view_may_nothing_else",),
    ),
)
