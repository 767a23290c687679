"""System checks: every id, with its message and the remedy it names."""

# ruff: noqa: DJ008

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core import checks as django_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.db.models import signals
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from fourd_rest import checks, conf
from fourd_rest.checks.options import OPTION_CHECKS
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.registry import Registry
from fourd_rest.models import Stamped
from testproject.hr.models import Company, Employee, Invoice
from tests.unit.judging import MODULES, judge_instead
from tests.zoo.models import Animal, Aviary, Everything, Finder, Keeper, Parcel, Place, Planet, Poster

STAMP_HINT = "Use models.PositiveIntegerField(default=1, editable=False), or the base class Stamped."
LEGAL_NAME = "A name consists of letters, digits and underscores and begins with a letter."
EVERY_CHECK = [
    checks.check_settings,
    checks.check_guest_permissions,
    checks.check_proxies,
    checks.check_dataclasses,
    checks.check_file_fields,
    checks.check_databases,
    checks.check_text_comparison,
    checks.check_upload_storage,
    checks.check_file_storages,
    checks.check_receivers,
]


@pytest.fixture
def registered(monkeypatch):
    """A registry of the test's own in place of the site's."""
    registry = Registry()
    judge_instead(monkeypatch, "registry", registry)
    return registry


@pytest.fixture
def connection(monkeypatch):
    """An SQLite connection whose options a test may change, in place of the real ones."""

    class Connection:
        vendor = "sqlite"
        settings_dict = {"OPTIONS": {}}

    judge_instead(monkeypatch, "connections", {"default": Connection})
    return Connection


def found(*functions):
    """What the checks say: id, text, hint, label of the model."""
    messages = [message for check in functions or EVERY_CHECK for message in check(app_configs=None)]
    assert all(message.id.startswith("fourd_rest.") for message in messages)
    level = {"E": django_checks.ERROR, "W": django_checks.WARNING, "I": django_checks.INFO}
    assert all(message.level == level[message.id[11]] for message in messages)
    return [
        (message.id[11:], message.msg, message.hint, message.obj and message.obj._meta.label)
        for message in messages
    ]


# The ids


def table():
    return re.findall(r"^([EWI]\d{3}) ", checks.__doc__, re.MULTILINE)


def test_every_id_has_one_meaning_and_one_place():
    source = "".join(Path(module.__file__).read_text() for module in MODULES)
    used = re.findall(r'"(?:fourd_rest\.)?([EWI]\d{3})"', source)
    assert sorted(used) == sorted(set(used)) == sorted(table())


def test_every_id_has_a_test():
    # Checks of derived attributes have a module of their own.
    modules = Path(__file__).parent.glob("test_checks*.py")
    tested = {number for path in modules for number in re.findall(r'"([EWI]\d{3})"', path.read_text())}
    assert tested == set(table())


def test_every_option_has_an_id():
    assert tuple(OPTION_CHECKS) == DataClass.OPTIONS


def test_the_checks_are_bound():
    bound = {
        check
        for check in django_checks.registry.registry.get_checks(include_deployment_checks=True)
        if "fourd_rest" in check.tags and check.__module__.startswith("fourd_rest.checks.")
    }
    assert bound == set(EVERY_CHECK)


def test_the_sites_of_this_project_are_silent(connection):
    connection.settings_dict["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
    # But for what the zoo has for the purpose.
    assert [(number, label) for number, _, _, label in found()] == [
        ("I061", "zoo.Account"),
        ("I061", "zoo.Finder"),
    ]


# File fields


def test_a_file_field_whose_own_code_cannot_run(registered):
    registered.register(Poster)
    assert found() == [
        (
            "W041",
            "Uploads are given to zoo.Poster.foreign as they are: its own code cannot be made to run",
            "Make its attr_class a FieldFile and its descriptor a FileDescriptor, or leave it out with "
            "exclude=['foreign'].",
            "zoo.Poster",
        )
    ]


# Settings


@pytest.mark.parametrize(
    ("given", "text", "hint"),
    [
        (
            {"MAX_UPLOD_SIZE": 1},
            "Unknown FOURD_REST key 'MAX_UPLOD_SIZE'",
            "Did you mean 'MAX_UPLOAD_SIZE'?",
        ),
        ({"max_upload_size": 1}, "Unknown FOURD_REST key 'max_upload_size'", None),
        ({5: 1}, "Unknown FOURD_REST key 5", None),
    ],
)
def test_unknown_setting(settings, given, text, hint):
    settings.FOURD_REST = given
    hint = hint or f"There are: {', '.join(sorted(conf.NAMES))}."
    assert found(checks.check_settings) == [("E001", text, hint, None)]


@pytest.mark.parametrize(
    ("given", "text", "hint"),
    [
        (None, "FOURD_REST must be a dict", "Make it a dict, or leave it out."),
        (["PAGE_SIZE"], "FOURD_REST must be a dict", "Make it a dict, or leave it out."),
        (
            {"PAGE_SIZE": 0},
            "FOURD_REST['PAGE_SIZE'] must be a whole number above 0",
            "Leave it out for the default: 100.",
        ),
        (
            {"PICTURE_FORMATS": ["PNG", "JPG"]},
            "FOURD_REST['PICTURE_FORMATS'] holds 'JPG'",
            "Choose from: AVIF, BMP, GIF, JPEG, PNG, TIFF, WEBP.",
        ),
    ],
)
def test_invalid_setting(settings, given, text, hint):
    settings.FOURD_REST = given
    assert found(checks.check_settings) == [("E002", text, hint, None)]


def test_all_that_is_wrong_with_the_settings_is_told(settings):
    settings.FOURD_REST = {"PAGE_SIZE": "9", "NOPE": 1, "STAMP_OPTIONAL": 1}
    assert [row[0] for row in found(checks.check_settings)] == ["E002", "E001", "E002"]


def test_a_guest_permission_that_no_model_has(settings, registered):
    registered.register(Company)
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.view_company", "hr.veiw_company", "x"]}
    text = "FOURD_REST['GUEST_PERMISSIONS'] names {!r}, which no registered model has"
    every = "hr.add_company, hr.change_company, hr.delete_company, hr.view_company"
    assert found(checks.check_guest_permissions) == [
        ("W006", text.format("hr.veiw_company"), "Did you mean 'hr.view_company'?", None),
        ("W006", text.format("x"), f"There are: {every}.", None),
    ]


def test_guests_who_write(settings, registered):
    registered.register(Company)
    registered.register(Employee)
    settings.FOURD_REST = {
        "GUEST_PERMISSIONS": [
            "hr.view_company",
            "hr.add_company",
            "hr.change_employee",
            "hr.delete_employee",
            "hr.add_company",
        ]
    }
    assert found(checks.check_guest_permissions) == [
        (
            "W061",
            "Whoever reaches the site may write without logging in: "
            "hr.add_company, hr.change_employee, hr.delete_employee",
            "Take them out of FOURD_REST['GUEST_PERMISSIONS'], or silence this warning.",
            None,
        )
    ]


@pytest.mark.parametrize("action", ["view", "add", "change", "delete"])
def test_guests_and_users(settings, registered, action):
    registered.register(User, fields=["id", "username"])
    settings.FOURD_REST = {"GUEST_PERMISSIONS": [f"auth.{action}_user"]}
    rows = found(checks.check_guest_permissions)
    assert rows[-1] == (
        "W062",
        f"Whoever reaches the site may see or change its users: auth.{action}_user",
        "Take them out of FOURD_REST['GUEST_PERMISSIONS'], or silence this warning.",
        None,
    )
    assert [row[0] for row in rows[:-1]] == ["W061"] * (action != "view")


def test_a_guest_permission_on_a_model_that_is_left_out(settings, registered):
    registered.register(Session)
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["sessions.delete_session", "auth.delete_user"]}
    assert [row[0] for row in found(checks.check_guest_permissions)] == ["W006", "W006"]


PROXIES = (
    "W063",
    "Guests are counted by REMOTE_ADDR, which behind a proxy is the proxy's",
    "Set REST_FRAMEWORK['NUM_PROXIES'] to the number of proxies in front that write "
    "X-Forwarded-For, 0 if there is none.",
    None,
)
ANON = "rest_framework.throttling.AnonRateThrottle"


@pytest.mark.parametrize(
    ("drf", "guests", "warns"),
    [
        ({}, [], False),
        ({}, ["hr.view_company"], True),
        ({"DEFAULT_THROTTLE_CLASSES": [ANON]}, [], True),
        ({"DEFAULT_THROTTLE_RATES": {"fourd_upload": "3/min"}}, [], True),
        ({"DEFAULT_THROTTLE_RATES": {"fourd_convert": "3/min"}}, [], True),
        ({"DEFAULT_THROTTLE_RATES": {"anon": "3/min", "fourd_upload": None}}, [], False),
        ({"NUM_PROXIES": 0}, ["hr.view_company"], False),
        ({"NUM_PROXIES": 1, "DEFAULT_THROTTLE_CLASSES": [ANON]}, ["hr.view_company"], False),
        ({}, "hr.view_company", False),
    ],
)
def test_guests_are_counted_by_address(settings, drf, guests, warns):
    settings.REST_FRAMEWORK = drf
    settings.FOURD_REST = {"GUEST_PERMISSIONS": guests}
    assert found(checks.check_proxies) == [PROXIES] * warns


@pytest.mark.django_db  # from Django 6.1 on every ``check`` asks the database
def test_proxies_are_a_matter_of_deployment(settings, capsys):
    settings.REST_FRAMEWORK = {}
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.view_company"]}
    call_command("check", tags=["fourd_rest"])
    assert "W063" not in capsys.readouterr().err
    call_command("check", tags=["fourd_rest"], deploy=True)
    assert "fourd_rest.W063" in capsys.readouterr().err


def test_guest_permissions_are_not_judged_while_the_settings_are_wrong(settings, registered):
    settings.FOURD_REST = {"GUEST_PERMISSIONS": "hr.view_company"}
    assert found(checks.check_guest_permissions) == []
    assert [row[0] for row in found(checks.check_settings)] == ["E002"]


# Options


def test_unknown_option_of_a_call(registered):
    registered.register(Company, feilds=["name"])
    assert found(checks.check_dataclasses) == [
        (
            "E003",
            "The dataclass Company has an unknown option 'feilds'",
            "Did you mean 'fields'? Begin names of your own with an underscore.",
            "hr.Company",
        )
    ]


def test_unknown_option_of_a_class(registered):
    class Base(DataClass):
        colour = "red"

    @registered.register(Company)
    class CompanyDataClass(Base):
        name = "Firm"
        _own = 5

        def helper(self):
            return self._own

    every = ", ".join(sorted(DataClass.OPTIONS))
    assert found(checks.check_dataclasses) == [
        (
            "E003",
            "The dataclass Firm has an unknown option 'colour'",
            f"There are: {every}. Begin names of your own with an underscore.",
            "hr.Company",
        )
    ]


OPTIONS = [
    # id, model, option, value, what is wrong with it, remedy
    ("E004", Company, "name", "my firm", "'my firm' is no name of a dataclass", LEGAL_NAME),
    ("E004", Company, "name", "__Firm", "'__Firm' is no name of a dataclass", LEGAL_NAME),
    ("E004", Company, "name", "9", "'9' is no name of a dataclass", LEGAL_NAME),
    ("E004", Company, "name", 7, "7 is no name of a dataclass", LEGAL_NAME),
    (
        "E005",
        Company,
        "fields",
        "__all__",
        "'__all__' is no list of texts",
        "Name fields as in Python, or leave the option out.",
    ),
    (
        "E005",
        Company,
        "fields",
        ["name", 5],
        "['name', 5] is no list of texts",
        "Name fields as in Python, or leave the option out.",
    ),
    (
        "E005",
        Company,
        "fields",
        ["nam"],
        "hr.Company has no field 'nam'",
        "Did you mean 'name'?",
    ),
    (
        "E005",
        Company,
        "fields",
        ["zz"],
        "hr.Company has no field 'zz'",
        "There are: creation_date, extra, id, invoices, manager, name, revenues, staff.",
    ),
    (
        "E005",
        Company,
        "fields",
        ("manager_id",),
        "hr.Company has no field 'manager_id'",
        "Name the relation, not its column: 'manager'.",
    ),
    (
        "E005",
        Parcel,
        "fields",
        ["label", "label"],
        "it names 'label' twice",
        "Remove one of them.",
    ),
    (
        "E005",
        ContentType,
        "fields",
        ["logentry"],
        "contenttypes.ContentType has no field 'logentry'",
        "A reverse relation is named as in Python: 'logentry_set'.",
    ),
    ("E006", Company, "exclude", ["extr"], "hr.Company has no field 'extr'", "Did you mean 'extra'?"),
    (
        "E006",
        Company,
        "exclude",
        ["manager_id"],
        "hr.Company has no field 'manager_id'",
        "Name the relation, not its column: 'manager'.",
    ),
    (
        "E006",
        Company,
        "exclude",
        None,
        "None is no list of texts",
        "Name fields as in Python, or leave the option out.",
    ),
    (
        "E007",
        Company,
        "names",
        ["id"],
        "['id'] is no dict",
        "Give a dict of field names and their names on the wire.",
    ),
    ("E007", Company, "names", {"idd": "ID"}, "hr.Company has no field 'idd'", "Did you mean 'id'?"),
    ("E007", Company, "names", {"id": "my id"}, "'my id' is no name of an attribute", LEGAL_NAME),
    ("E007", Company, "names", {"id": "__KEY"}, "'__KEY' is no name of an attribute", LEGAL_NAME),
    ("E007", Company, "names", {"id": ""}, "'' is no name of an attribute", LEGAL_NAME),
    ("E007", Company, "names", {"id": 5}, "5 is no name of an attribute", LEGAL_NAME),
    ("E008", Company, "naming", "camel", "'camel' is unknown", "Choose from: '', 'camelCase'."),
    (
        "E008",
        Company,
        "naming",
        ["camelCase"],
        "['camelCase'] is unknown",
        "Choose from: '', 'camelCase'.",
    ),
    (
        "E009",
        Company,
        "readonly_fields",
        ["revenue"],
        "hr.Company has no field 'revenue'",
        "Did you mean 'revenues'?",
    ),
    (
        "E009",
        Company,
        "readonly_fields",
        "revenues",
        "'revenues' is no list of texts",
        "Name fields as in Python, or leave the option out.",
    ),
    (
        "E010",
        Company,
        "ordering",
        "name",
        "'name' is no list",
        "Give a list of field names, '-' before those that descend.",
    ),
    *(
        (
            "E010",
            Company,
            "ordering",
            ["name", wrong],
            f"{wrong!r} cannot be sorted by",
            "Name fields as in order_by() of a queryset.",
        )
        for wrong in (
            "nam",
            "name__foo",
            "manager__nam",
            "manager__last_name__foo",
            "manager__exact",
            "-",
            "",
            5,
        )
    ),
    ("E011", Company, "stamp_field", "stamp", "hr.Company has no column 'stamp'", STAMP_HINT),
    ("E011", Company, "stamp_field", 5, "hr.Company has no column 5", STAMP_HINT),
    ("E011", Company, "stamp_field", "staff", "hr.Company has no column 'staff'", STAMP_HINT),
    *(
        ("E011", model, "stamp_field", name, f"{name!r} cannot count the saves of an entity", STAMP_HINT)
        for model, name in (
            (Company, "name"),
            (Company, "id"),
            (Everything, "integer"),  # may be null
            (Everything, "small"),  # soon at its end
        )
    ),
    ("E011", Animal, "stamp_field", "low", "'low' does not begin with 1", STAMP_HINT),
    *(
        (
            "E012",
            Company,
            "timestamp_field",
            wrong,
            f"{wrong!r} is no DateTimeField of hr.Company",
            "Use models.DateTimeField(default=timezone.now, editable=False).",
        )
        for wrong in ("changed", "creation_date", 5)
    ),
    (
        "E012",
        Everything,
        "timestamp_field",
        "auto_now",
        "it has no effect without 'stamp_field'",
        "Set both, or none.",
    ),
    *(
        (
            "E013",
            Company,
            "page_size",
            wrong,
            f"{wrong!r} is no whole number above 0",
            "Leave it out for the setting PAGE_SIZE.",
        )
        for wrong in (0, -1, "20", 2.5, True)
    ),
    *(
        (
            "E014",
            Company,
            "delete_replaced_files",
            wrong,
            f"{wrong!r} is neither True nor False",
            "Leave it out to keep replaced files.",
        )
        for wrong in (1, "yes", None)
    ),
]


@pytest.mark.parametrize(("check_id", "model", "option", "value", "text", "hint"), OPTIONS)
def test_invalid_option(registered, check_id, model, option, value, text, hint):
    registered.register(model, **{option: value})
    expected = [(check_id, f"Option {option!r}: {text}", hint, model._meta.label)]
    assert found(checks.check_dataclasses) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"name": "Firm_2"},
        {"name": "Größe"},
        {"fields": ["id", "staff", "manager"]},
        {"fields": ()},
        {"exclude": ("extra", "staff")},
        {"names": {"id": "ID", "creation_date": "creationDate"}},
        {"naming": "camelCase"},
        {"readonly_fields": ["revenues", "manager"]},
        {"ordering": ["-name", "manager__last_name", "pk", "manager__pk", "creation_date__year"]},
        {"ordering": [Lower("name"), models.F("creation_date").desc(nulls_last=True)]},
        {"ordering": []},
        {"page_size": 1},
        {"delete_replaced_files": True},
    ],
)
def test_valid_option(registered, options):
    for model in (Employee, Invoice):
        registered.register(model)
    registered.register(Company, **options)
    assert found(checks.check_dataclasses) == []


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (Planet, {}),
        (Planet, {"stamp_field": "stamp"}),
        (Planet, {"stamp_field": "stamp", "timestamp_field": "modified"}),
        (Planet, {"timestamp_field": "modified"}),
    ],
)
def test_valid_stamp_field(registered, model, options):
    registered.register(model, **options)
    assert found(checks.check_dataclasses) == []


@isolate_apps("tests.zoo")
def test_a_stamp_in_the_table_of_a_child(registered):
    class Building(models.Model):
        modified = models.DateTimeField(null=True)

        class Meta:
            app_label = "zoo"

    class Tower(Building, Stamped):
        modified = None
        changed = models.DateTimeField(null=True)

        class Meta:
            app_label = "zoo"

    registered.register(Tower, timestamp_field="changed")
    assert found(checks.check_dataclasses) == [
        (
            "E011",
            "Option 'stamp_field': 'stamp' is not in the topmost table, zoo.building",
            "Saves of the parent alone would not move it: add the column there.",
            "zoo.Tower",
        )
    ]


@isolate_apps("tests.zoo")
def test_a_timestamp_in_another_table_than_the_stamp(registered):
    class Building(models.Model):
        version = models.BigIntegerField(default=1)

        class Meta:
            app_label = "zoo"

    class Tower(Building):
        changed = models.DateTimeField(null=True)

        class Meta:
            app_label = "zoo"

    registered.register(Tower, stamp_field="version", timestamp_field="changed")
    assert found(checks.check_dataclasses) == [
        (
            "E012",
            "Option 'timestamp_field': 'changed' is not in the table of the stamp",
            "Keep both in one table.",
            "zoo.Tower",
        )
    ]


def test_what_follows_from_wrong_options_is_not_told(registered):
    registered.register(Company, names=5)
    registered.register(Session)
    assert [row[0] for row in found(checks.check_dataclasses)] == ["E007"]


# What follows from the options


@isolate_apps("tests.zoo")
def test_two_models_under_one_name(registered):
    class Order(models.Model):
        class Meta:
            app_label = "zoo"

    registered.register(Company, name="Order")
    registered.register(Keeper, name="Keeper")
    registered.register(Order)
    registered.register(Parcel, name="Order")
    hint = "Give one of them another name: register(Order, name=...)."
    assert found(checks.check_dataclasses) == [
        ("E015", "hr.Company and zoo.Order are both called 'Order'", hint, "zoo.Order"),
        ("E015", "hr.Company and zoo.Parcel are both called 'Order'", hint, "zoo.Parcel"),
    ]


def test_a_model_that_is_left_out_takes_no_name(registered):
    registered.register(Session, name="Company")
    registered.register(Company)
    assert [row[0] for row in found(checks.check_dataclasses)] == ["W001"]


def test_two_fields_under_one_name(registered):
    registered.register(Keeper, names={"badge": "name"})
    assert found(checks.check_dataclasses) == [
        (
            "E016",
            "The fields 'name' and 'badge' are both called 'name'",
            "Give one of them another name: names={'badge': ...}.",
            "zoo.Keeper",
        )
    ]


def test_a_name_of_a_field_that_is_not_exposed_is_free(registered):
    registered.register(Planet, names={"name": "stamp"})
    registered.register(Keeper, names={"name": "badge"}, exclude=["badge"])
    assert found(checks.check_dataclasses) == []


def test_models_of_one_table_with_stamps_in_two_places(registered):
    registered.register(Place)
    registered.register(Aviary)
    assert found(checks.check_dataclasses) == []


@isolate_apps("tests.zoo")
def test_stamps_in_different_places(registered):
    class Building(models.Model):
        version = models.IntegerField(default=1)

        class Meta:
            app_label = "zoo"

    class Tower(Building):
        class Meta:
            app_label = "zoo"

    class Proxy(Building):
        class Meta:
            app_label = "zoo"
            proxy = True

    registered.register(Building, stamp_field="version")
    registered.register(Tower)
    registered.register(Proxy, stamp_field="version")
    assert found(checks.check_dataclasses) == [
        (
            "E018",
            "zoo.Building and zoo.Tower share rows, but keep their stamps in different places",
            "Give both the same stamp_field.",
            "zoo.Tower",
        )
    ]


@isolate_apps("tests.zoo")
def test_models_that_cannot_be_exposed(registered):
    class Pair(models.Model):
        pk = models.CompositePrimaryKey("left", "right")
        left = models.IntegerField()
        right = models.IntegerField()

        class Meta:
            app_label = "zoo"

    class Dated(models.Model):
        day = models.DateField(primary_key=True)

        class Meta:
            app_label = "zoo"

    class Lengthy(models.Model):
        name = models.CharField(primary_key=True, max_length=300)

        class Meta:
            app_label = "zoo"

    class Idea(models.Model):
        class Meta:
            app_label = "zoo"
            abstract = True

    for model in (Pair, Dated, Lengthy, Idea, Session):
        registered.register(model)
    hint = "Do not register it, or silence this warning."
    assert found(checks.check_dataclasses) == [
        ("W001", f"{label} is registered, but left out: {why}", hint, label)
        for label, why in (
            ("zoo.Pair", "composite keys have no 4D counterpart"),
            ("zoo.Dated", "its key is neither a number, a text nor a UUID"),
            ("zoo.Lengthy", "its key is longer than 255 characters"),
            ("zoo.Idea", "it is abstract and has no rows"),
            ("sessions.Session", "its key looks like a secret; name its fields to expose it"),
        )
    ]


def test_a_user_model_without_fields(registered):
    registered.register(User)
    assert found(checks.check_dataclasses) == [
        (
            "W002",
            "The user model auth.User is registered without 'fields'",
            "Name the fields that clients need to see; most user models hold personal data.",
            "auth.User",
        ),
        (
            "I061",
            "auth.User keeps what looks like secrets: password",
            "To expose one, name what clients need in 'fields'. To be rid of this message, say so: "
            "exclude=['password'].",
            "auth.User",
        ),
    ]
    registered.register(User, fields=["id", "username"])
    assert found(checks.check_dataclasses) == []


def test_a_named_field_that_cannot_be_exposed(registered):
    registered.register(Finder, fields=["id", "secretive"])
    assert found(checks.check_dataclasses) == [
        (
            "W003",
            "zoo.Finder.secretive is named in 'fields', but left out: "
            "the related model is not registered",
            "Register the related model too, or do not name the field.",
            "zoo.Finder",
        )
    ]


def test_a_relation_to_an_unregistered_model_that_nobody_named(registered):
    registered.register(Finder)
    registered.register(Permission)
    assert found(checks.check_dataclasses) == []


@isolate_apps("tests.zoo")
def test_generic_relations(registered):
    class Tag(models.Model):
        content_type = models.ForeignKey("Kind", models.CASCADE)
        object_id = models.IntegerField()
        about = GenericForeignKey()

        class Meta:
            app_label = "zoo"

    class Kind(models.Model):
        class Meta:
            app_label = "zoo"

    why = "generic relations have no 4D counterpart"
    registered.register(Tag)
    assert found(checks.check_dataclasses) == [
        (
            "I001",
            f"zoo.Tag.about is left out: {why}",
            "Say so with exclude=['about'] to be rid of this message.",
            "zoo.Tag",
        )
    ]
    registered.register(Tag, fields=["id", "about"])
    assert found(checks.check_dataclasses) == [
        (
            "W003",
            f"zoo.Tag.about is named in 'fields', but left out: {why}",
            "Register the related model too, or do not name the field.",
            "zoo.Tag",
        )
    ]
    for options in ({"exclude": ["about"]}, {"fields": ["id"]}):
        registered.register(Tag, **options)
        assert found(checks.check_dataclasses) == []


RESERVED = "the protocol has this name for the address of an entity"


@isolate_apps("tests.zoo")
def test_a_field_with_a_name_of_the_protocol(registered):
    class Link(models.Model):
        uri = models.URLField()

        class Meta:
            app_label = "zoo"

    class Mention(models.Model):
        link = models.ForeignKey(Link, models.CASCADE, related_name="uri_set")
        source = models.ForeignKey("self", models.CASCADE, related_name="uri")

        class Meta:
            app_label = "zoo"

        @property
        def address(self) -> str:
            return ""

    hint = "Give it another name: names={'uri': ...}, or exclude it."
    registered.register(Mention)
    registered.register(Link)
    assert found(checks.check_dataclasses) == [
        ("W064", f"{label}.uri is left out: {RESERVED}", hint, label)
        for label in ("zoo.Mention", "zoo.Link")
    ]
    registered.register(Mention, exclude=["uri"])
    registered.register(Link, fields=["id", "uri"])
    assert found(checks.check_dataclasses) == [
        ("E034", f"zoo.Link.uri is left out: {RESERVED}", hint, "zoo.Link")
    ]
    for options in ({"names": {"uri": "link"}}, {"exclude": ["uri"]}, {"fields": ["id"]}):
        registered.register(Link, **options)
        assert found(checks.check_dataclasses) == []
    registered.register(Link, names={"uri": "uri", "id": "uri"})
    text = f"Option 'names': 'uri' is taken: {RESERVED}"
    assert found(checks.check_dataclasses) == [("E007", text, "Choose another name.", "zoo.Link")] * 2
    registered.register(Link, exclude=["uri"])
    for model, options, number in (
        (Mention, {"computed": ["address"], "names": {"address": "uri"}, "exclude": ["uri"]}, "E007"),
        (Mention, {"aliases": {"uri": "link.id"}, "exclude": ["uri"]}, "E024"),
        (Company, {"annotations": {"uri": models.Value(1)}}, "E024"),
    ):
        registered.register(model, **options)
        told = found(checks.check_dataclasses)
        assert [row[0] for row in told] == [number]
        assert RESERVED in told[0][1]
        registered.unregister(model)


@isolate_apps("tests.zoo")
def test_fields_that_look_like_secrets(registered):
    class Token(models.Model):
        class Meta:
            app_label = "zoo"

    class Card(models.Model):
        number = models.IntegerField()
        pin = models.IntegerField()
        token = models.ForeignKey(Token, models.CASCADE, related_name="cookies")
        cvc = models.IntegerField()

        class Meta:
            app_label = "zoo"

    def told(label, *names):
        return (
            "I061",
            f"{label} keeps what looks like secrets: {', '.join(names)}",
            "To expose one, name what clients need in 'fields'. To be rid of this message, say so: "
            f"exclude={list(names)!r}.",
            label,
        )

    registered.register(Card)
    assert found(checks.check_dataclasses) == [told("zoo.Card", "pin", "cvc")]
    registered.register(Token)
    assert found(checks.check_dataclasses) == [
        told("zoo.Card", "pin", "token", "cvc"),
        told("zoo.Token", "cookies"),
    ]
    registered.register(Card, exclude=["pin"])
    registered.register(Token, exclude=["cookies"])
    assert found(checks.check_dataclasses) == [told("zoo.Card", "token", "cvc")]
    registered.register(Card, fields=["id", "pin"])
    assert found(checks.check_dataclasses) == []


# Signals of the site


class Indexer:
    """A receiver that is no function."""

    def __call__(self, **kwargs):
        """Listen."""


def note_every_save(**kwargs):
    """Listens."""


@pytest.mark.parametrize("signal", [signals.pre_save, signals.post_save])
def test_receivers_of_every_model(registered, signal):
    for model in (Keeper, Planet, Aviary):  # a child has two tables, and is saved alone anyhow
        registered.register(model)
    assert found(checks.check_receivers) == []
    indexer = Indexer()
    signal.connect(note_every_save)
    signal.connect(indexer)
    try:
        assert found(checks.check_receivers) == [
            (
                "I003",
                "Arrays of updates are saved entity by entity because of "
                f"{__name__}.Indexer, {__name__}.note_every_save: Keeper, Planet",
                "Each listens to the saves of every model. Connect it to the senders that it is for, "
                "and all others are saved in a fixed number of statements.",
                None,
            )
        ]
    finally:
        signal.disconnect(note_every_save)
        signal.disconnect(indexer)


def test_receivers_of_every_model_that_slow_nothing_down(registered):
    """All are saved entity by entity anyhow."""
    registered.register(Aviary)
    signals.post_save.connect(note_every_save)
    try:
        assert found(checks.check_receivers) == []
    finally:
        signals.post_save.disconnect(note_every_save)


def test_receivers_of_one_model_and_those_that_are_gone(registered):
    registered.register(Keeper)
    signals.post_save.connect(note_every_save, sender=Keeper)
    signals.m2m_changed.connect(note_every_save)
    signals.post_save.connect(Indexer())
    gc.collect()
    try:
        assert found(checks.check_receivers) == []
    finally:
        signals.post_save.disconnect(note_every_save, sender=Keeper)
        signals.m2m_changed.disconnect(note_every_save)


# The site around


class NotElsewhere:
    """A router that keeps the tables of one app to one database, as many projects have."""

    app_label = "fourd_rest"

    def allow_migrate(self, db, app_label, **hints):
        return False if app_label == self.app_label else None


def test_a_database_without_our_tables(settings, registered, connection):
    connection.vendor = "postgresql"
    registered.register(Company)
    registered.register(Session)
    assert found(checks.check_databases) == []
    settings.DATABASE_ROUTERS = [NotElsewhere()]
    assert found(checks.check_databases) == [
        (
            "E017",
            "The database 'default', where its rows are, lacks the tables of fourd_rest",
            "Let the database router migrate the app 'fourd_rest' there too.",
            "hr.Company",
        )
    ]


@pytest.mark.parametrize(
    ("vendor", "options", "warns"),
    [
        ("sqlite", {}, True),
        ("sqlite", {"transaction_mode": None}, True),
        ("sqlite", {"transaction_mode": "deferred"}, True),
        ("sqlite", {"transaction_mode": "immediate"}, False),
        ("sqlite", {"transaction_mode": "EXCLUSIVE"}, False),
        ("postgresql", {}, False),
    ],
)
def test_sqlite_transactions(connection, registered, vendor, options, warns):
    connection.vendor = vendor
    connection.settings_dict["OPTIONS"].update(options)
    expected = (
        "W005",
        "Transactions of the SQLite database 'default' begin without the write lock",
        'Set OPTIONS["transaction_mode"] = "IMMEDIATE": otherwise a transaction of the '
        "site that reads first fails when another one has written meanwhile.",
        None,
    )
    assert found(checks.check_databases) == [expected] * warns


class Signed:
    """A remote storage whose addresses are signed, unless told otherwise."""

    querystring_auth = True


class Plain:
    querystring_auth = False


UNUSABLE = "Look at its BACKEND and OPTIONS, and whether the library of the backend is installed."


def public(where):
    return (
        "W004",
        f"Uploads wait in {where}, whose files have a public address",
        "Set STORAGES['fourd_uploads'] to a storage that nobody else serves: a folder outside "
        "MEDIA_ROOT and STATIC_ROOT, or a private bucket.",
        None,
    )


@pytest.mark.parametrize(
    ("storage", "media_url", "warns"),
    [
        (FileSystemStorage(), "/media/", True),
        (FileSystemStorage(), "https://files.example/", True),
        (FileSystemStorage(), "", False),
        (FileSystemStorage(base_url="/files/"), "", True),
        (InMemoryStorage(), "/media/", True),
        (Plain(), "", True),
        (Signed(), "/media/", False),
    ],
)
def test_uploads_in_a_public_storage(settings, monkeypatch, storage, media_url, warns):
    settings.MEDIA_URL = media_url
    settings.STORAGES = {"default": settings.STORAGES["default"]}
    judge_instead(monkeypatch, "default_storage", storage)
    assert found(checks.check_upload_storage) == [public("the default storage")] * warns


def test_a_storage_for_uploads_takes_the_place_of_the_default_one(settings, monkeypatch):
    judge_instead(monkeypatch, "default_storage", Plain())
    assert "fourd_uploads" in settings.STORAGES
    assert found(checks.check_upload_storage) == []


def keep_uploads(settings, backend, **options):
    if isinstance(backend, type):
        backend = f"{backend.__module__}.{backend.__qualname__}"
    settings.STORAGES = {
        **settings.STORAGES,
        "fourd_uploads": {"BACKEND": backend, "OPTIONS": options},
    }


@pytest.fixture
def site(settings, tmp_path):
    """A site that serves some folders, each made; its working directory is no such folder."""
    for name in ("media", "static", "assets", "themes", "public", "elsewhere"):
        (tmp_path / name).mkdir()
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_URL = "/media/"
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATICFILES_DIRS = [tmp_path / "assets", ("themes", str(tmp_path / "themes"))]
    settings.STORAGES = {
        **settings.STORAGES,
        "public": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "public", "base_url": "/public/"},
        },
        "broken": {"BACKEND": "nowhere.Storage"},
    }
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "warns"),
    [
        ("media", True),
        ("media/uploads", True),
        ("media/not/yet/there", True),
        ("elsewhere/../media/uploads", True),
        ("static/uploads", True),
        ("assets/uploads", True),
        ("themes", True),
        ("public/uploads", True),
        ("elsewhere", False),
        ("elsewhere/media", False),
        ("media2", False),
        ("mediauploads", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_uploads_in_a_folder_that_is_served(settings, site, monkeypatch, folder, warns, relative):
    monkeypatch.chdir(site)
    keep_uploads(settings, FileSystemStorage, location=folder or "." if relative else site / folder)
    assert found(checks.check_upload_storage) == [public("the storage 'fourd_uploads'")] * warns


def test_uploads_behind_a_link_to_a_folder_that_is_served(settings, site):
    (site / "elsewhere" / "link").symlink_to(site / "media", target_is_directory=True)
    keep_uploads(settings, FileSystemStorage, location=site / "elsewhere" / "link" / "uploads")
    assert [row[0] for row in found(checks.check_upload_storage)] == ["W004"]
    # And the other way round: what is served is a link.
    keep_uploads(settings, FileSystemStorage, location=site / "elsewhere")
    assert found(checks.check_upload_storage) == []
    settings.MEDIA_ROOT = site / "shown"
    (site / "shown").symlink_to(site / "elsewhere", target_is_directory=True)
    assert [row[0] for row in found(checks.check_upload_storage)] == ["W004"]


def test_uploads_where_case_makes_no_difference(settings, site, monkeypatch):
    """As on the file systems of macOS and Windows, where other letters name the same folder."""
    plain = Path.samefile
    monkeypatch.setattr(
        Path,
        "samefile",
        lambda one, other: plain(Path(str(one).lower()), Path(str(other).lower())),
    )
    settings.MEDIA_ROOT = "/TMP"
    keep_uploads(settings, FileSystemStorage, location="/tmp/uploads")
    assert [row[0] for row in found(checks.check_upload_storage)] == ["W004"]


@pytest.mark.parametrize(
    ("media_root", "media_url", "warns"),
    [
        ("media", "", False),
        ("media", "/", False),
        ("media", "https://cdn.example/", True),
        # An address of an object store, and uploads in the folder where the site happens to run.
        ("", "https://cdn.example/", False),
    ],
)
def test_uploads_where_nothing_is_served(settings, site, monkeypatch, media_root, media_url, warns):
    monkeypatch.chdir(site)
    settings.MEDIA_ROOT = media_root
    settings.MEDIA_URL = media_url
    keep_uploads(settings, FileSystemStorage, location=site / "media" / "uploads")
    assert [row[0] for row in found(checks.check_upload_storage)] == ["W004"] * warns


@pytest.mark.parametrize(
    ("location", "base_url"), [("elsewhere", "/up/"), ("elsewhere", "/media/"), (None, None)]
)
def test_uploads_in_a_folder_that_has_an_address(settings, site, location, base_url):
    options = {"location": location and site / location, "base_url": base_url}
    keep_uploads(settings, FileSystemStorage, **options)
    assert found(checks.check_upload_storage) == [public("the storage 'fourd_uploads'")]


class Remote(Storage):
    """What storages over an object store tell of themselves."""

    def __init__(self, **told):
        vars(self).update({"querystring_auth": True, "custom_domain": None, "default_acl": None, **told})


@pytest.mark.parametrize(
    ("told", "warns"),
    [
        ({}, False),
        ({"querystring_auth": False}, True),
        ({"default_acl": "private"}, False),
        ({"default_acl": "public-read"}, True),
        ({"default_acl": "public-read-write"}, True),
        ({"default_acl": "authenticated-read"}, True),
        ({"default_acl": "publicRead"}, True),
        ({"object_parameters": {"ACL": "public-read"}}, True),
        ({"object_parameters": {"ACL": "private"}}, False),
        ({"object_parameters": lambda name: {}}, False),
        ({"custom_domain": "cdn.example"}, True),
        ({"custom_domain": "cdn.example", "cloudfront_signer": object()}, False),
        ({"base_url": "https://cdn.example/"}, True),
    ],
)
def test_uploads_in_an_object_store(settings, told, warns):
    keep_uploads(settings, Remote, **told)
    assert found(checks.check_upload_storage) == [public("the storage 'fourd_uploads'")] * warns


class Picky(FileSystemStorage):
    """A storage that cannot be made here."""

    def __init__(self, fault):
        raise fault


@pytest.mark.parametrize(
    ("backend", "options", "reason"),
    [
        (
            "nowhere.Storage",
            {},
            "InvalidStorageError: Could not find backend 'nowhere.Storage': No module named 'nowhere'",
        ),
        (
            "django.core.files.storage.Nothing",
            {},
            "InvalidStorageError: Could not find backend 'django.core.files.storage.Nothing': "
            'Module "django.core.files.storage" does not define a "Nothing" attribute/class',
        ),
        (
            FileSystemStorage,
            {"nowhere_else": "x"},
            "TypeError: FileSystemStorage.__init__() got an unexpected keyword argument 'nowhere_else'",
        ),
        (
            Picky,
            {"fault": ImproperlyConfigured("Could not load Boto3's S3 bindings.")},
            "ImproperlyConfigured: Could not load Boto3's S3 bindings.",
        ),
        (Picky, {"fault": ValueError()}, "ValueError: no reason was given"),
    ],
)
def test_storages_that_cannot_be_made(settings, registered, backend, options, reason):
    keep_uploads(settings, backend, **options)
    text = f"Uploads wait in the storage 'fourd_uploads', which cannot be made: {reason}"
    assert found(checks.check_upload_storage) == [("E033", text, UNUSABLE, None)]
    # The default one, where it takes its place.
    settings.STORAGES = {"default": settings.STORAGES["fourd_uploads"]}
    text = f"Uploads wait in the default storage, which cannot be made: {reason}"
    assert found(checks.check_upload_storage) == [("E033", text, UNUSABLE, None)]
    # And that of a field, told once.
    registered.register(Everything)
    registered.register(Employee)
    text = f"The storage of zoo.Everything.file cannot be made: {reason}"
    assert found(checks.check_file_storages) == [("E033", text, UNUSABLE, "zoo.Everything")]


def test_a_storage_without_a_default_one(settings):
    settings.STORAGES = {}
    assert [row[0] for row in found(checks.check_upload_storage)] == ["E033"]


def test_storages_of_fields_that_are_not_exposed(settings, registered):
    settings.STORAGES = {"default": {"BACKEND": "nowhere.Storage"}}
    registered.register(Everything, exclude=["file", "image"])
    registered.register(Session)  # left out as a whole
    assert found(checks.check_file_storages) == []


# As a whole


def test_no_check_opens_a_database_connection():
    # pytest-django refuses every connection of a test without the ``db`` fixture.
    for check in EVERY_CHECK:
        assert isinstance(check(app_configs=None), list)


@pytest.mark.django_db  # from Django 6.1 on, check asks the databases as well
def test_manage_py_check_shows_them(registered):
    registered.register(Company, feilds=[])
    with pytest.raises(SystemCheckError) as raised:
        call_command("check", tags=["fourd_rest"])
    assert "hr.Company: (fourd_rest.E003) The dataclass Company has an unknown" in str(raised.value)


def test_a_site_with_wrong_settings_starts_and_is_told():
    """Registering models at start-up must not need the settings that the checks judge."""
    code = (
        "from django.conf import settings; settings.FOURD_REST = {'MAX_UPLOD_SIZE': 1};"
        "from django.core.management import execute_from_command_line as run;"
        "run(['manage.py', 'check', '--tag', 'fourd_rest'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "?: (fourd_rest.E001) Unknown FOURD_REST key 'MAX_UPLOD_SIZE'" in done.stderr
    assert "HINT: Did you mean 'MAX_UPLOAD_SIZE'?" in done.stderr
    assert "Traceback" not in done.stderr
