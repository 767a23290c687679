"""How real clients spell parameters: in pieces, form-encoded, in other cases (D-05, D-39, D-46 to D-48).

A read understands them; nothing that is sent to be deleted may become more than its text says.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, errors, nothing_changes
from tests.contract.sample import john
from tests.spec.staff import hire, keys
from tests.zoo.models import Country, Everything

pytestmark = pytest.mark.django_db

OK = {"ok": True}
QUOTED_NAME = (1806, "URL is not well formed: the name of a parameter holds a quote")
UNCLEAR = (
    1806,
    "URL is not well formed: the quotes in $filter do not tell what is a value: send it in $params",
)
UNCLEAR_PARAMS = (1806, "URL is not well formed: the quotes in $params do not tell its values")
SINGLE = (
    (1808, "Opening single quote does not have a matching closing one in the URL"),
    (1806, "URL is not well formed: a quote is not closed"),
)
NO_CRITERION = "Query cannot be analyzed: no criterion can be read at position"
NO_BLANK = "; + is no blank here, send %20"


def gone(client: RestClient, query: str) -> list[str]:
    """The keys of the employees that a delete takes."""
    Employee.objects.update(employer=None, manager=None)
    before = set(Employee.objects.values_list("pk", flat=True))
    answer = client.rest("POST", f"Employee?$method=delete&{query}")
    assert_answer(answer, 200, OK)
    return sorted(str(key) for key in before - set(Employee.objects.values_list("pk", flat=True)))


# Filters and their quotes

# What is sent, what a read finds, what a delete takes: keys, or errors.
FILTERS: list[tuple[str, Any, Any]] = [
    # Five families of clients.
    ("$filter='ID = 1' or 'ID = 3'", ["1", "3"], ["1", "3"]),
    ('$filter="ID = 1" or "ID = 3"', ["1", "3"], ["1", "3"]),
    ("$filter='ID = '3", ["3"], ["3"]),
    ('$filter="lastName begin "po""', ["1", "2"], ["1", "2"]),
    ("$filter='lastName = 'Zola''", ["3"], ["3"]),
    ('$filter="lastName="Zola""', ["3"], ["3"]),
    ('$filter="lastName in ["Zola","Adams"]"', ["3", "4"], ["3", "4"]),
    ('$filter= "ID=4"', ["4"], ["4"]),
    ("$filter=\t'ID=4'", ["4"], ["4"]),
    ("$filter='ID=4'/", ["4"], ["4"]),
    ("$filter='salary = 300' and 'firstName = 'Ann''", ["5"], ["5"]),
    ("$filter='not' ('ID > 1')", ["1"], ["1"]),
    ("$filter='ID = 1 or 'ID = 3", ["1", "3"], ["1", "3"]),
    # One that begins otherwise keeps its quotes; a read opens those where a criterion may begin.
    ("$filter=lastName = 'Zola'", ["3"], ["3"]),
    ("$filter=lastName = 'Zola' & ID > 1", ["3"], [(1806, "*")]),
    ("$filter=('ID = 1' or 'ID = 3') and ID > 1", ["3"], [(1201, f"{NO_CRITERION} 2")]),
    ("$filter=('ID = 3' or \"ID = 4\") and 'lastName = \"Zola\"'", ["3"], [(1201, f"{NO_CRITERION} 2")]),
    ("$filter=ID > 1 and 'ID < 3'", ["2"], [(1201, f"{NO_CRITERION} 11")]),
    ("$filter=not 'ID > 1'", ["1"], [(1201, f"{NO_CRITERION} 4")]),
    ("$filter=(('ID' > 4))", ["5"], [(1201, f"{NO_CRITERION} 3")]),
    ("$filter=lastName = 'x or ID > 0' y", [(1201, "*")], [(1201, "*")]),
    ("$filter=lastName = 'x or ID > 0'", [], []),
    ("$filter=lastName in ['x or ID > 0']", [], []),
    ("$filter=('ID = 1' or 'x or) and ID > 1", [(1201, f"{NO_CRITERION} 2")], [(1201, "*")]),
    ("$filter=('ID ='1) and ID > 0", ["1"], [(1201, f"{NO_CRITERION} 2")]),
    # What is outside of the quotes may be a constant with words of the language in it.
    ("$filter='lastName = 'x or ID > 0''", ["1", "2", "3", "4", "5"], [UNCLEAR]),
    ('$filter="lastName="x" or ID > 0"', ["1", "2", "3", "4", "5"], ["1", "2", "3", "4", "5"]),
    ('$filter="lastName = "not Zola""', ["1", "2", "4", "5"], [UNCLEAR]),
    ("$filter='ID in ['1,3']'", ["1", "3"], [UNCLEAR]),
    ("$filter='ID >'=4", ["4", "5"], [UNCLEAR]),
    ("$filter='salary = 'null", ["3"], [UNCLEAR]),
    ("$filter='ID = '1 or ID = 3", ["1", "3"], [UNCLEAR]),
    ("$filter='lastName = 'Zola order by ID", ["3"], [UNCLEAR]),
    # Half of a filter must not get lost.
    ("$filter='ID > 1' & 'ID < 3'", [QUOTED_NAME], [QUOTED_NAME]),
    ("$filter='ID > 1' & 'ID'", [QUOTED_NAME], [QUOTED_NAME]),
    ("$filter=ID > 1 & ID < 3", ["2", "3", "4", "5"], [(1806, "*")]),
    ("$filter='ID > 1 & ID < 3'", ["2"], ["2"]),
    ("$filter=(ID > 1 or lastName='x & y') and ID = 2", ["2"], ["2"]),
    # Not closed.
    ("$filter='ID = 1", [*SINGLE], [*SINGLE]),
    ("$filter='ID = 1' or 'ID = 3", [*SINGLE], [*SINGLE]),
    ("$filter='lastName = 'O'Neil''", [*SINGLE], [*SINGLE]),
]


def is_refusal(expected: list[Any]) -> bool:
    return bool(expected) and isinstance(expected[0], tuple)


def check_refused(answer: Any, expected: list[tuple[int, str]]) -> None:
    """``*`` stands for any message."""
    told = [(item["errCode"], item["message"]) for item in answer.json()["__ERROR"]]
    assert [code for code, _ in told] == [code for code, _ in expected]
    for (_, message), (_, wanted) in zip(told, expected, strict=True):
        assert wanted in ("*", message)


@pytest.mark.parametrize(("query", "found", "deleted"), FILTERS, ids=[item[0] for item in FILTERS])
@pytest.mark.parametrize("encoded", [False, True])
def test_filters(admin: RestClient, query: str, found: Any, deleted: Any, encoded: bool) -> None:
    hire()
    if encoded:
        query = quote(query, safe="$&=")
    answer = admin.read(f"Employee?$orderby=ID&{query}")
    if is_refusal(found):
        check_refused(answer, found)
    else:
        assert keys(answer) == found
    if is_refusal(deleted):
        with nothing_changes():
            check_refused(admin.rest("POST", f"Employee?$method=delete&{query}"), deleted)
            check_refused(admin.rest("DELETE", f"Employee?{query}"), deleted)
    else:
        assert gone(admin, query) == deleted


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("$orderby='salary desc', 'ID'", ["2", "5", "4", "1", "3"]),
        ("$orderby='salary 'desc", ["2", "5", "4", "1", "3"]),
        ("$orderby=salary desc,'ID'", ["2", "5", "4", "1", "3"]),
        ('$orderby= "ID desc"', ["5", "4", "3", "2", "1"]),
        ("$filter=ID > 3 order by 'ID' desc", ["5", "4"]),
        ("$filter='ID > 3' order by 'ID 'desc", ["5", "4"]),
    ],
)
def test_orders(admin: RestClient, query: str, found: list[str]) -> None:
    hire()
    assert keys(admin.read(f"Employee?{quote(query, safe='$&=')}")) == found


def test_the_first_error_is_told(admin: RestClient) -> None:
    hire()
    answer = admin.read("Employee?$orderby=ID,'salary' downward")
    bad = (1810, 'Cannot order by "ID,\'salary\' downward" for the "Employee" dataclass')
    assert_answer(answer, 404, errors(bad))


@pytest.mark.parametrize(
    "query",
    [
        "$attributes='ID','lastName'",
        "$attributes='ID,'lastName",
        "$attributes=ID,'lastName'",
        '$attributes= "ID,lastName"',
        '$attributes=ID, "lastName"',
    ],
)
def test_lists(admin: RestClient, query: str) -> None:
    hire()
    (row,) = admin.read(f"Employee?$filter=ID = 3&{query}").json()["__ENTITIES"]
    assert [name for name in row if not name.startswith("__")] == ["ID", "lastName"]


def test_saved_filters(admin: RestClient) -> None:
    """A set is made anew as a read reads; never by what a delete sends."""
    hire()
    unknown = "0" * 31 + "{}"
    for number, query in enumerate(
        ("$savedfilter='ID = 1' or 'ID = 3'", "$savedfilter=('ID = 1' or 'ID = 3')")
    ):
        address = f"Employee/$entityset/{unknown.format(number)}?{quote(query, safe='$&=')}"
        assert keys(admin.read(address)) == ["1", "3"]
    for number, (query, refusal) in enumerate(
        [
            ("$savedfilter=('ID = 1' or 'ID = 3')", (1201, f"{NO_CRITERION} 2")),
            (
                "$savedfilter='lastName = 'x or ID > 0''",
                (1806, UNCLEAR[1].replace("filter", "savedfilter")),
            ),
        ],
        5,
    ):
        address = (
            f"Employee/$entityset/{unknown.format(number)}?$method=delete&{quote(query, safe='$&=')}"
        )
        with nothing_changes():
            check_refused(admin.rest("POST", address), [refusal])


# Values

PARAMS: list[tuple[str, Any, Any]] = [
    ('$params=["Zola"]', ["3"], ["3"]),
    ("$params='[\"Zola\"]'", ["3"], ["3"]),
    ('$params="["Zola"]"', ["3"], ["3"]),
    ("$params='['Zola']'", ["3"], ["3"]),
    ("$params= \"['Zola']\"", ["3"], ["3"]),
    ("$params='[\"O'Neil\"]'", ["6"], ["6"]),
    ('$params="["7"]"', ["7"], ["7"]),
    # Without its quotes it would be the first of two values.
    ('$params="["7,8"]"', ["7"], [UNCLEAR_PARAMS]),
    ('$params="["A & B"]"', [QUOTED_NAME], [QUOTED_NAME]),
    ("$params='[\"A & B\"]'", ["8"], ["8"]),
    ('$params="[Zola]"', [(1806, "*")], [(1806, "*")]),
    ('$params=\'["Zola"]', [*SINGLE], [*SINGLE]),
    # Form-encoded, in quotes and without; other clients mean a plus.
    ("$params=" + quote_plus('["A & B"]'), ["8"], ["8"]),
    ("$params=" + quote_plus("'[\"A & B\"]'"), ["8"], ["8"]),
    ("$params=" + quote_plus("\"['A & B']\""), ["8"], ["8"]),
    ("$params='" + quote_plus('["A & B"]') + "'", ["8"], ["8"]),
    ('$params="' + quote_plus("['A & B']") + '"', ["8"], ["8"]),
    ("$params='[%22R+D%22]'", ["9"], ["9"]),
    ("$params=[%22R+D%22]", ["9"], ["9"]),
    ("$params=" + quote_plus('["R+D"]'), ["9"], ["9"]),
    ("$params=" + quote_plus('{"1": "A & B"}'), ["8"], ["8"]),
]


@pytest.mark.parametrize(("query", "found", "deleted"), PARAMS, ids=[item[0] for item in PARAMS])
def test_params(admin: RestClient, query: str, found: Any, deleted: Any) -> None:
    hire()
    for key, name in ((6, "O'Neil"), (7, "7"), (8, "A & B"), (9, "R+D")):
        Employee.objects.create(id=key, first_name="F", last_name=name)
    query = f'$filter="lastName = :1"&{query}'
    answer = admin.read(f"Employee?{query}")
    if is_refusal(found):
        check_refused(answer, found)
    else:
        assert keys(answer) == found
    if is_refusal(deleted):
        with nothing_changes():
            check_refused(admin.rest("POST", f"Employee?$method=delete&{query}"), deleted)
    else:
        assert gone(admin, query) == deleted


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        (
            "$filter=" + quote_plus('"lastName = Smith"'),
            500,
            [(1500, f'The "lastName+" attribute cannot be found in the "Employee" dataclass{NO_BLANK}')],
        ),
        (
            "$filter=%22lastName+begin+S%22",
            500,
            [
                (
                    1500,
                    'The "lastName+begin+S" attribute cannot be found in the "Employee" dataclass'
                    + NO_BLANK,
                )
            ],
        ),
        (
            "$filter=%22lastName%20+%3D+x%22",
            500,
            [(1201, f"Query cannot be analyzed: no comparator can be read at position 9{NO_BLANK}")],
        ),
        (
            "$filter=ID+in+%5B1%5D",
            500,
            [(1201, f"Query cannot be analyzed: no comparator can be read at position 7{NO_BLANK}")],
        ),
        (
            "$filter=lastName%3D'x'+and+ID%3D1",
            500,
            [(1201, f"Query cannot be analyzed: unexpected text at position 13{NO_BLANK}")],
        ),
        (
            "$filter=salary%3D300+and+ID%3D5",
            500,
            [(1280, 'The query constant "300+and+ID=5" is not a valid type')],
        ),
        (
            "$orderby=ID+desc",
            404,
            [
                (1500, f'The "ID+desc" attribute cannot be found in the "Employee" dataclass{NO_BLANK}'),
                (1810, 'Cannot order by "ID+desc" for the "Employee" dataclass'),
            ],
        ),
        (
            "$attributes=ID%2C+lastName",
            404,
            [
                (
                    1500,
                    f'The "+lastName" attribute cannot be found in the "Employee" dataclass{NO_BLANK}',
                ),
                (
                    1804,
                    'Cannot completely build a list of attributes with "+lastName"'
                    ' for the "Employee" dataclass',
                ),
            ],
        ),
    ],
)
def test_a_plus_is_no_blank(admin: RestClient, query: str, status: int, told: Any) -> None:
    hire()
    assert_answer(admin.read(f"Employee?{query}"), status, errors(*told))


def test_a_plus_is_a_plus(admin: RestClient) -> None:
    Country.objects.create(code="C++", name="1+1")
    for query in ("name=1%2B1", "name = 1+1", "code=C++", '"code begin C+"'):
        assert keys(admin.read(f"Country?$filter={query}")) == ["C++"]


# Deletes never take more than what is written

TEMPLATES = (
    *(
        "'lastName = '{}''",
        '"lastName = "{}""',
        "'lastName = '{}",
        "lastName = '{}'",
        "lastName = '{}' y",
    ),
    *("('lastName = '{}'')", "'(lastName = '{}')'", "'lastName ='{}'", '"lastName = "{}"" and "ID > 0"'),
    *("'ID > 0' and 'lastName = '{}''", "lastName = {}", "'lastName = {}'", "'lastName in ['{}']'"),
)
WORDS = (
    "x",
    "Zola",
    "or",
    " or ",
    "ID > 0",
    " and ",
    "not ",
    "=",
    "!=",
    "[",
    "]",
    "(",
    ")",
    ",",
    "null",
)
PIECES = st.sampled_from([*WORDS, *"@&|^!<>#%:1 /", "begin", "order by ID", "except", "true"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(template=st.sampled_from(TEMPLATES), constant=st.lists(PIECES, max_size=5).map("".join))
@example(template="'lastName = '{}''", constant="x or ID > 0")
@example(template="'lastName = '{}''", constant="not x")
@example(template="'lastName = '{}''", constant="not not ")
@example(template="'lastName ='{}", constant="not or")
@example(template="'lastName ='{}'", constant="=x or ID > 0")
@example(template="'lastName in ['{}']'", constant="x,Zola")
@example(template="'lastName = '{}", constant="x or ID > 0")
def test_a_delete_takes_what_its_constant_names(admin: RestClient, template: str, constant: str) -> None:
    """However a client puts a name into quotes: those of that name go, or nobody.

    Where the name is not in quotes at all, the text itself says more: these are left out.
    """
    if template in ("lastName = {}", "'lastName = {}'"):
        constant = constant.replace("@", "")
        if not constant.isalnum():
            return
    rehire()
    before = set(Employee.objects.values_list("pk", flat=True))
    named = set()
    for value in {constant, constant.strip(), constant.strip().rstrip("/")}:
        params = quote(f'["{value}"]', safe="")
        answer = admin.read(f"Employee?$filter=%22lastName = :1%22&$params={params}")
        named |= set(map(int, keys(answer)))
    text = quote(template.format(constant), safe="")
    answer = admin.rest("POST", f"Employee?$method=delete&$filter={text}")
    taken = before - set(Employee.objects.values_list("pk", flat=True))
    assert answer.status_code == 200 or not taken
    assert taken <= named, (template, constant)


def rehire() -> None:
    """The firm without relations, which protect nobody, and somebody called x."""
    Employee.objects.all().delete()
    Employee.objects.bulk_create(
        Employee(id=key, first_name="F", last_name=name)
        for key, name in enumerate(("Zola", "x", "or", "Adams", "not x", "x or ID > 0", "1", ""), 1)
    )


# Booleans


@pytest.mark.parametrize("value", ["true", "True", "TRUE", "1", "'true'", "%22True%22", " true"])
def test_true_in_a_write(admin: RestClient, value: str) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    with nothing_changes():
        answer = admin.update("Employee", posted, f"$method=update&$refresh={value}")
    assert (answer.status_code, answer.json()["firstName"]) == (200, "Jack")
    Country.objects.create(code="A", name="A")
    with nothing_changes():
        # One of them cannot go.
        answer = admin.rest("DELETE", f"Country(A,B)?$atomic={value}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "Employee?$method=update&"),
        ("PUT", "Employee?"),
        ("POST", "Employee(12)?$method=delete&"),
        ("DELETE", "Employee(12)?"),
        ("POST", "Nowhere?"),
        ("POST", "$upload?"),
    ],
)
def test_anything_else_in_a_write(admin: RestClient, verb: str, path: str) -> None:
    john()
    posted = {"__KEY": "12", "__STAMP": 4, "firstName": "Jack"}
    with nothing_changes():
        for name in ("$atomic", "$atOnce", "$refresh", "$binary", "$distinct", "$asArray", "$clean"):
            for value in ("=yes", "=", "", "=2", "=on", "=truee", "='true' and"):
                answer = admin.rest(verb, f"{path}{name}{value}", posted)
                message = f"URL is not well formed: {name.lower()} is neither true nor false"
                assert_answer(answer, 400, errors((1806, message)))


@pytest.mark.parametrize("value", ["true", "TRUE", "1", "'true'", "True"])
def test_true_in_a_read(admin: RestClient, value: str) -> None:
    hire()
    names = ["Adams", "Poe", "Zola", "Žukov"]
    assert admin.read(f"Employee/lastName?$distinct={value}").json() == names
    assert admin.read(f"Employee?$filter=ID=1&$asArray={value}").json()[0]["__KEY"] == 1


@pytest.mark.parametrize("value", ["false", "FALSE", "0", "yes", "", "'x'"])
def test_anything_else_in_a_read(admin: RestClient, value: str) -> None:
    """As on a 4D server: what is not true is not there."""
    hire()
    assert keys(admin.read(f"Employee/lastName?$distinct={value}")) == ["1", "2", "3", "4", "5"]


# Keywords


@pytest.mark.parametrize("name", ["$catalog", "$Catalog", "$CATALOG"])
def test_the_catalog_in_any_case(admin: RestClient, name: str) -> None:
    assert admin.read(name).json()["dataClasses"][0]["name"] == "Company"
    for all_ in ("$all", "$All", "$ALL"):
        (company, *_) = admin.read(f"{name}/{all_}").json()["dataClasses"]
        assert company["attributes"][0]["name"] == "ID"


def test_other_resources_in_any_case(admin: RestClient) -> None:
    assert admin.read("$Info").status_code == 200
    for name in ("$Upload", "$UPLOAD", "$upLoad/"):
        answer = admin.rest("POST", f"{name}?$binary=True", b"x", content_type="text/plain")
        assert (answer.status_code, list(answer.json())) == (200, ["ID"])
    answer = admin.read("$Nothing")
    assert (answer.status_code, answer.json()["__ERROR"][0]["errCode"]) == (501, 9014)


@pytest.mark.parametrize("keyword", ["$entityset", "$entitySet", "$ENTITYSET", "$$EntitySet"])
def test_sets_in_any_case(admin: RestClient, keyword: str) -> None:
    hire()
    set_id = admin.read("Employee?$method=entityset").json()["__ENTITYSET"].rpartition("/")[2]
    assert keys(admin.read(f"Employee/{keyword}/{set_id.lower()}")) == ["1", "2", "3", "4", "5"]
    assert keys(admin.read(f"Employee/ID/{keyword}/{set_id}")) == ["1", "2", "3", "4", "5"]
    for none in ("$none", "$NONE"):
        assert keys(admin.read(f"Employee/{keyword}/{none}")) == []
    for all_ in ("$all", "$ALL"):
        address = f"Employee/{keyword}/{'0' * 30}{all_[1:2].encode().hex().upper()}?$savedfilter={all_}"
        assert keys(admin.read(address)) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("blank", [" ", "%20", "\t", "%09", "  "])
def test_blanks_around_a_name(admin: RestClient, blank: str) -> None:
    """``& $method=entityset`` made no set, silently."""
    hire()
    answer = admin.read(f"Employee?$top=1&{blank}$method{blank}=entityset")
    assert list(answer.json())[0] == "__ENTITYSET"
    with nothing_changes():
        answer = admin.update("Employee", {"lastName": "x"}, f"$method=update&{blank}$refresh=true")
    assert answer.status_code == 500  # no first name
    with nothing_changes():
        answer = admin.update("Employee", {"lastName": "x"}, f"{blank}$nothing=1")
    assert_answer(answer, 400, errors((1811, '"$nothing" is an unknown REST keyword')))


# Sets that are released under a dataclass


def sets(client: RestClient) -> tuple[str, str]:
    hire()
    made = [client.read(f"{name}?$method=entityset").json() for name in ("Employee", "Company")]
    return made[0]["__ENTITYSET"].rpartition("/")[2], made[1]["__ENTITYSET"].rpartition("/")[2]


@pytest.mark.parametrize("verb", ["POST", "PUT"])
@pytest.mark.parametrize(
    "address",
    [
        "Employee/$entityset/$release",
        "Employee/$entitySet/$Release/",
        "Employee/$$ENTITYSET//$RELEASE",
        "Employee/$entityset/$release?$method=release",
        "$entityset/$release",
        "$EntitySet/$Release",
    ],
)
def test_release_under_a_dataclass(admin: RestClient, verb: str, address: str) -> None:
    employees, companies = sets(admin)
    assert_answer(admin.rest(verb, address, [employees, companies.lower(), "x"]), 200, OK)
    for name, set_id in (("Employee", employees), ("Company", companies)):
        gone = (1802, f'The "{set_id}" entity set cannot be found')
        assert_answer(admin.read(f"{name}/$entityset/{set_id}"), 404, errors(gone))


def test_release_judges_the_dataclass(admin: RestClient, login: Any, guest: RestClient) -> None:
    employees, _ = sets(admin)
    reader = login("hr.view_company")
    for name in ("Employee", "Nowhere"):
        for body in ([employees], {"a": 1}, "[", []):
            answer = reader.rest("POST", f"{name}/$entityset/$release", body)
            unknown = (1800, f'The "{name}" dataclass cannot be found')
            assert_answer(answer, 404, errors(unknown))
            denied = (1557, f"No permission to read for the {name} dataclass")
            answer = guest.rest("POST", f"{name}/$entityset/$release", body)
            assert_answer(answer, 401, errors(denied))
    assert keys(admin.read(f"Employee/$entityset/{employees}")) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("verb", "address", "status", "code"),
    [
        ("POST", "Employee/$entityset/$release?$method=delete", 404, 1802),
        ("DELETE", "Employee/$entityset/$release", 404, 1802),
        ("GET", "Employee/$entityset/$release", 404, 1802),
        ("POST", "Employee/$entityset/$release?$method=validate", 400, 1813),
        ("POST", "Employee/$release", 400, 1806),
        ("POST", "Employee(1)/$entityset/$release", 400, 1806),
        ("POST", "Employee/$entityset/$release?$nothing=1", 400, 1811),
        ("POST", "Employee/$entityset/$release", 400, 9001),
    ],
)
def test_what_releases_nothing(
    admin: RestClient, verb: str, address: str, status: int, code: int
) -> None:
    employees, _ = sets(admin)
    body = {} if "delete" in f"{verb}{address}".lower() else {"ID": employees}
    with nothing_changes():
        answer = admin.rest(verb, address, body)
    assert (answer.status_code, answer.json()["__ERROR"][-1]["errCode"]) == (status, code)
    assert keys(admin.read(f"Employee/$entityset/{employees}")) == ["1", "2", "3", "4", "5"]


# Blank dates

BLANKS = (
    *("0000-00-00", "0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z", "0!0!0", "!!0000-00-00!!"),
    *("00!00!0000", ""),
)


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("attribute", ["date", "moment"])
def test_blank_dates(admin: RestClient, attribute: str, blank: str) -> None:
    day, moment = dt.date(2020, 5, 1), dt.datetime(2020, 5, 1, tzinfo=dt.UTC)
    thing = Everything.objects.create(id=1, date=day, moment=moment)
    answer = admin.update("Everything", {"__KEY": "1", "__STAMP": 1, attribute: blank})
    assert (answer.status_code, answer.json()["__STAMP"]) == (200, 2)
    thing.refresh_from_db()
    assert getattr(thing, attribute) is None
    # Once more: nothing changes.
    answer = admin.update("Everything", {"__KEY": "1", "__STAMP": 2, attribute: blank})
    assert (answer.status_code, answer.json()["__STAMP"]) == (200, 2)
    Everything.objects.create(id=2, date=day, moment=moment)
    for text, found in (
        (f"{attribute} = '{blank}'", ["1"]),
        (f"{attribute} === '{blank}'", ["1"]),
        (f"{attribute} != '{blank}'", ["2"]),
        (f"not({attribute} = '{blank}')", ["2"]),
        (f"{attribute} < '{blank}'", []),
        (f"{attribute} in ['{blank}', 2020-05-01]", ["1", "2"]),
    ):
        query = quote(text, safe="")
        assert keys(admin.read(f"Everything?$filter=%22{query}%22")) == found, text
    by_params = f"$params={quote(f'[[{chr(34)}{blank}{chr(34)}]]')}"
    assert keys(admin.read(f"Everything?$filter={attribute} in :1&{by_params}")) == ["1"]
    by_params = f"$params={quote(f'[{chr(34)}{blank}{chr(34)}]')}"
    assert keys(admin.read(f"Everything?$filter={attribute} != :1&{by_params}")) == ["2"]


@pytest.mark.parametrize(
    "attribute",
    ["small", "integer", "big", "boolean", "floating", "decimal", "uuid", "time", "duration"],
)
def test_empty_texts_of_other_types(admin: RestClient, attribute: str) -> None:
    values = {"boolean": True, "uuid": "1" * 32, "time": dt.time(1), "duration": dt.timedelta(1)}
    thing = Everything.objects.create(id=1, **{attribute: values.get(attribute, 5)})
    Everything.objects.create(id=2)
    assert keys(admin.read(f"Everything?$filter={attribute} = ''")) == ["2"]
    assert keys(admin.read(f"Everything?$filter={attribute} != ''")) == ["1"]
    answer = admin.update("Everything", {"__KEY": "1", "__STAMP": 1, attribute: ""})
    assert (answer.status_code, answer.json()["__STAMP"]) == (200, 2)
    thing.refresh_from_db()
    assert getattr(thing, attribute) is None


def test_where_null_may_not_be(admin: RestClient) -> None:
    hire()
    wrong = (1280, 'The query constant "" is not a valid type')
    for text in ("ID = ''", "ID != ''", "woman != ''", "not(woman in [''])"):
        assert_answer(admin.read(f"Employee?$filter={text}"), 500, errors(wrong))
    posted = {"__KEY": "1", "__STAMP": 1, "woman": ""}
    with nothing_changes():
        answer = admin.update("Employee", posted)
    assert [item["errCode"] for item in answer.json()["__ERROR"]] == [1508, 1517]


def test_an_empty_text_unlinks(admin: RestClient) -> None:
    hire()
    for value in ("", {"__KEY": ""}):
        Employee.objects.filter(pk=1).update(employer=1, stamp=1)
        answer = admin.update("Employee", {"__KEY": "1", "__STAMP": 1, "employer": value})
        assert (answer.status_code, answer.json()["__STAMP"]) == (200, 2)
        assert Employee.objects.get(pk=1).employer_id is None
    assert keys(admin.read("Employee?$filter=employer = ''")) == ["1", "4"]
    assert keys(admin.read("Employee?$filter=employer in ['', 2]")) == ["1", "2", "4", "5"]


# Constants that fit no value

UNFIT = [
    *("salary {} lots", "salary {} true", "birthDate {} 31.12.2024", "woman {} 1", "woman {} yes"),
    *("employer {} Acme", "manager.salary {} lots", "employer.staff.salary {} lots", "team {} x"),
    *("lastName {} true", "managedCompanies.creationDate {} soon", "employer.ID {} x"),
]


@pytest.mark.parametrize("text", UNFIT)
def test_constants_that_fit_no_value(admin: RestClient, text: str) -> None:
    path, _, value = text.split(" ", 2)
    operators = ["=", "!=", "===", "!==", "in"]
    if path not in ("woman", "employer", "team"):  # to those it is 1574, whatever the constant
        operators += ["<", ">="]
    criteria = [f"{path} {operator} {value}" for operator in operators] + [f"{path} in [null, {value}]"]
    hire()
    wrong = errors((1280, f'The query constant "{value}" is not a valid type'))
    with nothing_changes():
        for criterion in criteria:
            for form in ("{}", "not({})", "ID > 0 except {}", "ID > 0 or {}"):
                query = quote(form.format(criterion), safe="")
                assert_answer(admin.read(f"Employee?$filter={query}"), 500, wrong)
                answer = admin.rest("POST", f"Employee?$method=delete&$filter={query}")
                assert_answer(answer, 500, wrong)


def test_a_constant_in_an_address(admin: RestClient) -> None:
    """Nobody has such a value: an unknown entity, as for a key that is none (``requests.md`` 4.1)."""
    hire()
    Employee.objects.filter(pk=1).update(woman=True)
    for name, value in (("salary", "lots"), ("birthDate", "31.12.2024"), ("woman", "1")):
        answer = admin.read(f"Employee:{name}({value})")
        missing = (1543, f'Cannot load entity# {value} in the "Employee" dataclass')
        assert_answer(answer, 404, errors(missing))
    for value in ("true", "TRUE", '"true"'):
        assert admin.read(f"Employee:woman({value})").json()["__KEY"] == "1"
    assert admin.read("Company:name(true)").status_code == 404
    Company.objects.create(name="True")
    assert admin.read("Company:name(true)").json()["name"] == "True"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ID = 2.5", []),
        ("ID != 2.5", ["1", "2", "3", "4", "5"]),
        ("ID < 10000000000000000000000000000000", ["1", "2", "3", "4", "5"]),
        ("ID > -1e400", ["1", "2", "3", "4", "5"]),
        ("ID in [1, 1e400]", ["1"]),
        ("employer = 2.5", []),
        ("employer = 99999999999999999999", []),
        ("employer in [1, 99999999999999999999]", ["1", "3"]),
        ("employer.revenues < 1e999999", []),
        ("salary = v300", ["2", "5"]),
    ],
)
def test_numbers_are_never_refused(admin: RestClient, text: str, found: list[str]) -> None:
    hire()
    assert keys(admin.read(f"Employee?$orderby=ID&$filter={quote(text)}")) == found
