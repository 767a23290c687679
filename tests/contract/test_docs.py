"""The docs hold what the code does: every setting, option, error and check, and lines that run."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django import conf
from django.conf import global_settings

from fourd_rest import DataClass, checks
from fourd_rest.conf import Settings
from fourd_rest.errors import ROWS
from fourd_rest.request import filter_parser, keywords
from tests.conftest import RestClient
from tests.spec.conftest import registered

__all__ = ["registered"]

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


def cells(document: str, heading: str, column: int) -> list[str]:
    """A column of the table under ``heading`` of a document, without its head."""
    section = DOCS[document].split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [row.split(" | ")[column].strip("| ") for row in rows[2:]]


def shown(default: object) -> str:
    if isinstance(default, tuple):
        return ", ".join(default) or "none"
    if isinstance(default, int) and not isinstance(default, bool) and default > 9999:
        return f"{default:_}"
    return str(default)


def test_every_setting_stands_with_its_default() -> None:
    documented = zip(cells("settings", "Settings", 0), cells("settings", "Settings", 1), strict=True)
    told = [(f"`{field.name}`", shown(field.default)) for field in fields(Settings)]
    assert list(documented) == told


def test_every_option_stands_in_the_reference() -> None:
    documented = re.findall(r"`(\w+)`", " ".join(cells("reference", "Options of a dataclass", 0)))
    assert documented == list(DataClass.OPTIONS)


def test_every_error_stands_with_its_status_and_message() -> None:
    columns = [cells("errors", "Table", column) for column in range(4)]
    documented = list(zip(*columns, strict=True))
    rows = sorted(ROWS, key=lambda row: row.code)
    assert documented == [(str(r.code), f"`{r.component}`", str(r.status), r.message) for r in rows]
    assert all(cells("errors", "Table", 4))


def test_every_check_stands_in_the_reference() -> None:
    told = re.findall(r"^([EWI]\d{3}) (.+)$", checks.__doc__ or "", re.MULTILINE)
    documented = list(
        zip(cells("settings", "System checks", 0), cells("settings", "System checks", 1), strict=True)
    )
    assert documented == [(f"`fourd_rest.{number}`", text) for number, text in told]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    "source", [block for text in (README, *DOCS.values()) for block in blocks(text, "python")]
)
def test_python_of_the_docs_is_python(source: str) -> None:
    compile(source, "docs", "exec")


def test_the_registration_of_the_readme_works(registered) -> None:
    """The example registers models by these names; here are two that have the fields it names."""
    source = next(block for block in blocks(README, "python") if "@register(Employee)" in block)
    namespace: dict[str, object] = {}
    exec(source.replace("from .models", "from testproject.hr.models"), namespace)  # noqa: S102
    from fourd_rest.dataclass import registry

    employee = registry.get("Employee")
    assert list(employee.attributes) == ["ID", "firstName", "lastName", "salary", "photo", "employer"]
    assert employee.attributes["salary"].read_only
    assert "name" in registry.get("Company").attributes


def test_the_settings_of_the_readme_follow_those_of_a_new_project() -> None:
    template = Path(conf.__file__).parent / "project_template" / "project_name" / "settings.py-tpl"
    source = next(block for block in blocks(README, "python") if block.startswith("# settings.py"))
    namespace: dict[str, Any] = {"__file__": str(ROOT / "site" / "settings.py")}
    exec(template.read_text(encoding="utf-8") + source, namespace)  # noqa: S102
    assert namespace["INSTALLED_APPS"][-2:] == ["rest_framework", "fourd_rest"]
    assert namespace["STORAGES"].keys() == {*global_settings.STORAGES, "fourd_uploads"}


def test_ci_calls_the_test_line_of_the_readme() -> None:
    line = next(block.strip() for block in blocks(README, "sh") if "pytest" in block)
    assert line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_module_stands_in_the_code_map() -> None:
    """Modules of the package by file name, those of a part by their name in the row of the part."""
    code_map = README.split("## Code map")[1]
    package = ROOT / "fourd_rest"
    for path in package.rglob("*.py"):
        *parts, _ = path.relative_to(package).parts
        if "migrations" in parts or path.stem in ("__init__", "apps"):
            continue
        if parts:
            row = next(line for line in code_map.splitlines() if line.startswith(f"| `{parts[0]}/`"))
            assert f"`{path.stem}`" in row, path
        else:
            assert f"`{path.name}`" in code_map, path


# The table of features

# The parameters of 4D's pages (``requests.md`` 6.1).
PARAMETERS = [
    "$filter",
    "$params",
    "$orderby",
    "$skip",
    "$top",
    "$limit",
    "$attributes",
    "$expand",
    "$method",
    "$timeout",
    "$savedfilter",
    "$savedorderby",
    "$logicOperator",
    "$otherCollection",
    "$clean",
    "$subOrderby",
    "$distinct",
    "$compute",
    "$asArray",
    "$format",
    "$atomic",
    "$atonce",
    "$lock",
    "$imageformat",
    "$version",
    "$binary",
    "$rawPict",
    "$querypath",
    "$queryplan",
    "$extendedAttributes",
]


def rows(document: str) -> list[tuple[str, ...]]:
    """The rows of all tables of a document, without their heads."""
    lines = [line for line in DOCS[document].splitlines() if line.startswith("| ")]
    cut = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [row for row in cut if row[0] != "4D" and set(row[0]) != {"-"}]


def spans(section: str) -> set[str]:
    """What stands in backticks in the first column under a heading of the features."""
    return {span for cell in cells("features", section, 0) for span in re.findall(r"`([^`]+)`", cell)}


def test_every_feature_is_there_or_says_why_not() -> None:
    for name, there, *why in rows("features"):
        assert there in ("yes", "partly", "no"), name
        assert there == "yes" or (why and why[0]), name


def test_no_feature_stands_twice() -> None:
    names = [row[0] for row in rows("features")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_parameter_of_4d_stands_in_the_features(parameter: str) -> None:
    assert parameter in spans("Parameters")


def test_every_keyword_that_the_code_knows_stands_in_the_features() -> None:
    told = {name.lower() for name in spans("Parameters")}
    known = {keyword.key for keyword in keywords.KEYWORDS} | keywords.ALIASES.keys()
    assert len(known) > 35
    assert known - told - {"filter", "$size"} == set()


# What the table of the reference calls the kinds of requests.
KINDS = {
    keywords.Kind.PAGE: "page",
    keywords.Kind.FIGURES: "`$compute`",
    keywords.Kind.VALUES: "`$distinct`",
    keywords.Kind.SET: "set",
    keywords.Kind.POSITION: "`$findKey`",
    keywords.Kind.NEW_SET: "new set",
    keywords.Kind.RELATED: "related",
    keywords.Kind.ENTITY: "entity",
    keywords.Kind.BYTES: "bytes",
    keywords.Kind.UPDATE: "update",
    keywords.Kind.DELETE: "delete",
    keywords.Kind.UPLOAD: "upload",
    keywords.Kind.CATALOG: "catalog",
}


def requests_of(keyword: keywords.Keyword[Any]) -> str:
    if keyword.support is keywords.Support.REFUSED:
        return "none: error 9014"
    kinds = ", ".join(word for kind, word in KINDS.items() if kind in keyword.kinds)
    return kinds or "none: ignored in reads"


def test_every_keyword_stands_in_the_reference_as_the_code_has_it() -> None:
    documented = list(zip(*(cells("reference", "Keywords", n) for n in range(4)), strict=True))
    told = [
        (f"`{keyword.name}`", keyword.type.word, requests_of(keyword), keyword.purpose)
        for keyword in keywords.KEYWORDS
    ]
    assert documented == told


def test_every_method_stands_in_the_reference_as_the_code_has_it() -> None:
    text = DOCS["reference"].split("\n## Keywords\n")[1].split("\n## ")[0]
    documented = re.findall(r"^- `(\w+)`: (.+)[;.]$", text, re.MULTILINE)
    assert documented == [(m.name, m.purpose) for m in keywords.METHODS.values()]


def test_every_method_that_the_code_knows_stands_in_the_features() -> None:
    assert {f"$method={method}" for method in keywords.METHODS} <= spans("Methods")


def test_every_comparator_stands_in_the_features() -> None:
    assert set(filter_parser._COMPARATORS) <= spans("Query language")


@pytest.mark.parametrize("method", sorted(keywords.METHODS))
def test_what_the_features_say_of_a_method_holds(admin: RestClient, method: str) -> None:
    """A method that is not there is refused as such, and the others are not."""
    there = next(row[1] for row in rows("features") if f"`$method={method}`" in row[0])
    verb = "POST" if method in ("update", "validate", "delete", "insert") else "GET"
    answer = admin.rest(verb, f"Employee?$method={method}", {} if verb == "POST" else None)
    assert (answer.status_code == 501) is (there == "no")


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_what_the_features_say_of_a_parameter_holds(admin: RestClient, parameter: str) -> None:
    there = next(row[1] for row in rows("features") if f"`{parameter}`" in row[0])
    answer = admin.read(f"Employee?{parameter}=true")
    assert (answer.status_code == 501) is (there == "no")
