"""System checks of the options that step beyond fields, and of the validators of uploads."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Upper

from fourd_rest import checks
from fourd_rest.checks.options import OPTION_CHECKS
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.registry import Registry
from testproject.hr.models import Company, Employee
from tests.unit.judging import judge_instead

LEGAL_NAME = "A name consists of letters, digits and underscores and begins with a letter."
LOOK = "Look at 'computed', 'annotations' and 'aliases' of the dataclass."


@pytest.fixture
def registered(monkeypatch: Any) -> Registry:
    registry = Registry()
    judge_instead(monkeypatch, "registry", registry)
    return registry


def found(check: Any = checks.check_dataclasses) -> list[tuple[str, str, str]]:
    return [(item.id[11:], item.msg, item.hint) for item in check(app_configs=None)]


def test_every_option_has_an_id() -> None:
    assert tuple(OPTION_CHECKS) == DataClass.OPTIONS


@pytest.mark.parametrize(
    ("check_id", "option", "value", "text", "hint"),
    [
        (
            "E019",
            "computed",
            "name",
            "'name' is no list of texts",
            "Name properties and methods of the model.",
        ),
        (
            "E019",
            "computed",
            [1],
            "[1] is no list of texts",
            "Name properties and methods of the model.",
        ),
        ("E019", "computed", ["a", "a"], "it names 'a' twice", "Remove one of them."),
        (
            "E020",
            "annotations",
            ["a"],
            "['a'] is no dict",
            "Give a dict of names and expressions, as for annotate().",
        ),
        (
            "E020",
            "annotations",
            {"a b": F("id")},
            "'a b' is no name of an annotation",
            LEGAL_NAME,
        ),
        ("E020", "annotations", {1: F("id")}, "1 is no name of an annotation", LEGAL_NAME),
        (
            "E021",
            "aliases",
            ["a"],
            "['a'] is no dict",
            "Give a dict of names and paths: {'bossName': 'boss.name'}.",
        ),
        ("E021", "aliases", {"a.b": "name"}, "'a.b' is no name of an attribute", LEGAL_NAME),
        ("E021", "aliases", {"__a": "name"}, "'__a' is no name of an attribute", LEGAL_NAME),
        (
            "E021",
            "aliases",
            {"a": 1},
            "1 is no path",
            "Give wire names with dots between: 'boss.name'.",
        ),
        (
            "E022",
            "delete_files",
            "yes",
            "'yes' is neither True nor False",
            "Leave it out to keep the files of deleted entities.",
        ),
        (
            "E028",
            "allow_delete_all",
            None,
            "None is neither True nor False",
            "Leave it out to refuse deletes without key or filter.",
        ),
        (
            "E023",
            "allow_stamp_override",
            1,
            "1 is neither True nor False",
            "Leave it out to have stamps compared.",
        ),
        (
            "E029",
            "object_permissions",
            1,
            "1 is neither True nor False",
            "Leave it out to ask for rights on the dataclass.",
        ),
        (
            "E029",
            "object_permissions",
            True,
            "there is no get_queryset that could grant anything",
            "Define get_queryset(request) to give the entities that the user may read.",
        ),
    ],
)
def test_invalid_option(
    registered: Registry, check_id: str, option: str, value: Any, text: str, hint: str
) -> None:
    registered.register(Company, **{option: value})
    assert found() == [(check_id, f"Option {option!r}: {text}", hint)]


def test_a_dataclass_that_grants_by_its_rows(registered: Registry) -> None:
    class Granted(DataClass):
        object_permissions = True

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).none()

    registered.register(Company)(Granted)
    assert found() == []


def test_derived_attributes_that_lead_nowhere(registered: Registry, monkeypatch: Any) -> None:
    monkeypatch.setattr(Employee, "mute", property(lambda self: 1), raising=False)
    registered.register(
        Employee,
        fields=["id", "first_name"],
        computed=["mute", "nothing", "first_name"],
        annotations={"wrong": 5, "first_name": Upper("last_name")},
        aliases={"bossName": "boss.name", "shoe": "shoe_size"},
    )
    messages = found()
    assert {(check_id, hint) for check_id, _, hint in messages} == {("E024", LOOK)}
    told = [text.partition(" cannot be derived: ") for _, text, _ in messages]
    assert [what for what, _, _ in told] == [
        f"The attribute {name!r}"
        for name in ("mute", "nothing", "first_name", "wrong", "first_name", "bossName", "shoe")
    ]
    assert told[0][2] == "it has no return annotation that an attribute type goes with"
    assert told[-2][2] == "'boss' is no to-one relation of Employee"
    assert all(why for _, _, why in told)


def test_clashing_names(registered: Registry, monkeypatch: Any) -> None:
    def loud(self: Any) -> str:
        return "x"

    monkeypatch.setattr(Employee, "loud", loud, raising=False)
    registered.register(
        Employee,
        fields=["id", "first_name"],
        computed=["loud"],
        names={"loud": "first_name"},
        aliases={"id": "first_name"},
    )
    assert found() == [
        (
            "E016",
            "The fields 'first_name' and 'loud' are both called 'first_name'",
            "Give one of them another name: names={'loud': ...}.",
        ),
        (
            "E016",
            "The fields 'id' and 'id' are both called 'id'",
            "Give one of them another name: names={'id': ...}.",
        ),
    ]


def test_valid(registered: Registry, monkeypatch: Any) -> None:
    """``names`` and ``readonly_fields`` know derived attributes too."""

    def get(self: Any) -> str:
        return "x"

    monkeypatch.setattr(Employee, "loud", property(get, lambda self, value: None), raising=False)
    registered.register(Company)
    registered.register(
        Employee,
        fields=["id", "first_name", "employer"],
        computed=("loud",),
        annotations={"upper_name": Upper("first_name")},
        aliases={"employerName": "employer.name"},
        names={"loud": "Loud", "upper_name": "UPPER"},
        readonly_fields=["loud"],
        delete_files=True,
        allow_delete_all=True,
        allow_stamp_override=True,
    )
    assert found() == []


# Validators of uploads


def accept(blob: Any, file: Any) -> None:
    """A validator."""


nothing = 5


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no.such.scan", "No module named 'no'"),
        (
            f"{__name__}.missing",
            f'Module "{__name__}" does not define a "missing" attribute/class',
        ),
        ("scan", "scan doesn't look like a module path"),
        (f"{__name__}.nothing", "no function"),
    ],
)
def test_validators_that_cannot_be_used(settings: Any, path: str, reason: str) -> None:
    settings.FOURD_REST = {"UPLOAD_VALIDATORS": [f"{__name__}.accept", path]}
    assert found(checks.check_settings) == [
        (
            "E002",
            f"FOURD_REST['UPLOAD_VALIDATORS'] holds {path!r}: {reason}",
            "Leave it out for the default: ().",
        )
    ]


def test_validators_that_can_be_used(settings: Any) -> None:
    settings.FOURD_REST = {"UPLOAD_VALIDATORS": [f"{__name__}.accept"]}
    assert found(checks.check_settings) == []
