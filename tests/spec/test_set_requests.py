"""Entity sets through addresses: ``requests.md`` 6.4, 10, ``server-facts.md`` 11, 12, D-19, D-20."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from fourd_rest import DataClass
from fourd_rest.models import EntitySet
from testproject.hr.models import Company, Employee
from tests.conftest import RestClient
from tests.contract.checks import assert_answer, codes, errors, nothing_changes
from tests.contract.sample import to_one
from tests.spec.staff import crowd, firm, hire, keys, page, person, statements
from tests.zoo.models import Country, Parcel

pytestmark = pytest.mark.django_db

NO_SET = "9718A30BF61343C796345F3BE5B01CE7"
OTHER_SITE = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://elsewhere.example"}
PERSON = {"__entityModel": "Employee", "__DATACLASS": "Employee"}


def make(client: RestClient, path: str = "Employee?$filter='salary>0'&$orderby=salary desc,ID") -> str:
    """A stored set of ``path``: its address after ``/rest/``. By default employees 2, 5, 4, 1."""
    joint = "&" if "?" in path else "?"
    response = client.read(f"{path}{joint}$method=entityset")
    assert response.status_code == 200, response.content
    address = response["Content-Location"]
    assert re.fullmatch(r"/rest/\w+/\$entityset/[0-9A-F]{32}", address)
    document = response.json()
    if isinstance(document, dict):
        assert (list(document)[0], document["__ENTITYSET"]) == ("__ENTITYSET", address)
    return address.removeprefix("/rest/")


def id_of(address: str) -> str:
    return address.rpartition("/")[2]


def not_found(address: str) -> dict[str, Any]:
    return errors((1802, f'The "{id_of(address)}" entity set cannot be found'))


def let_pass(monkeypatch: Any, seconds: float) -> None:
    """From now on it is so much later than it is."""
    later = datetime.now(UTC) + timedelta(seconds=seconds)
    monkeypatch.setattr(timezone, "now", lambda: later)


# Making and reading


def test_a_set_is_made_with_the_first_page(admin: RestClient) -> None:
    hire()
    path = "Employee/ID?$filter='salary>0'&$orderby=salary desc,ID&$top=2&$skip=1&$method=entityset"
    response = admin.read(path)
    (stored,) = EntitySet.objects.all()
    address = f"/rest/Employee/$entityset/{stored.pk}"
    shown = [person(5, ID=5), person(4, ID=4)]
    expected = page("Employee", *shown, count=4, first=1, stored=address)
    assert_answer(response, 200, expected)
    assert response["Content-Location"] == address
    # It holds everything, and does not tell its address again.
    shown = [person(key, ID=key) for key in (2, 5, 4, 1)]
    assert_answer(admin.read(f"Employee/$entityset/{stored.pk}/ID"), 200, page("Employee", *shown))
    for path in (f"Employee/ID/$entityset/{stored.pk}", f"Employee/ID/$$entityset/{stored.pk.lower()}"):
        assert_answer(admin.read(path), 200, page("Employee", *shown))


@pytest.mark.parametrize(
    ("params", "status", "found"),
    [
        ("$top=x", 400, [1806]),
        ("$skip=x", 400, [1806]),
        ("$timeout=x", 400, [1806]),
        ("$attributes=nope", 404, [1500, 1804]),
        ("$expand=nope", 404, [1500, 1805]),
        ("$format=xml", 400, [1801]),
        ("$orderby=nope", 404, [1500, 1810]),
        ("$filter='nope=1'", 500, [1500]),
    ],
)
def test_what_is_refused_makes_no_set(
    admin: RestClient, params: str, status: int, found: list[int]
) -> None:
    """Its ID would be told to nobody, and it would count towards the quota."""
    hire()
    address = make(admin)
    with nothing_changes():
        for path in (
            "Employee?$method=entityset",
            "Company(1)/staff?$expand=staff&$method=subentityset",
            f"{address}?$filter='ID>0'&$method=entityset",
            f"{address}?$addToSet=3",
            f"{address}?$removeFromSet=0",
        ):
            if "Company" in path:
                params = params.replace("$expand", "$subExpand")
            if "Set=" in path and "$timeout" in params:
                continue
            response = admin.read(f"{path}&{params}")
            assert (path, response.status_code, codes(response.json())) == (path, status, found)
            params = params.replace("$subExpand", "$expand")


def test_a_set_of_nothing(admin: RestClient) -> None:
    address = make(admin, "Employee?$filter='ID<0'")
    assert_answer(admin.read(address), 200, page("Employee"))
    assert_answer(admin.read("Employee/$entityset/$none"), 200, page("Employee"))
    assert_answer(admin.read("Employee/salary/$entityset/$none?$compute=sum"), 200, 0)
    assert_answer(admin.read("Employee/$entityset/$none?$findKey=1"), 200, {"result": -1})


def test_an_unchanged_set_keeps_its_id(admin: RestClient) -> None:
    hire()
    address = make(admin)
    response = admin.read(f"{address}?$method=entityset&$top=1&$attributes=ID")
    expected = page("Employee", person(2, ID=2), count=4, stored=f"/rest/{address}")
    assert_answer(response, 200, expected)
    assert response["Content-Location"] == f"/rest/{address}"
    for change in ("$filter='ID>1'", "$orderby=ID", "$clean=true"):
        assert make(admin, f"{address}?{change}") != address
    assert EntitySet.objects.count() == 4
    assert keys(admin.read(address)) == ["2", "5", "4", "1"]


@pytest.mark.parametrize(
    ("params", "found", "first"),
    [
        ("", ["2", "5", "4", "1"], 0),
        ("$top=2", ["2", "5"], 0),
        ("$limit=2&$skip=1", ["5", "4"], 1),
        ("$skip=3&$top=5", ["1"], 3),
        ("$skip=-2&$top=1", ["2"], 0),
        ("$skip=4", [], 4),
        ("$skip=999999999999999999", [], 999999999999999999),
        ("$top=0", [], 0),
        ("$top=-1", ["2", "5", "4", "1"], 0),
        # wakanda-client pages so.
        ("$limit=2&$skip=2&$method=subentityset", ["4", "1"], 2),
        ("$distinct=false", ["2", "5", "4", "1"], 0),
        ("$clean=false&$skip=1", ["5", "4", "1"], 1),
    ],
)
def test_pages(admin: RestClient, params: str, found: list[str], first: int) -> None:
    hire()
    shown = [person(int(key), ID=int(key)) for key in found]
    response = admin.read(f"{make(admin)}?$attributes=ID&{params}")
    assert_answer(response, 200, page("Employee", *shown, count=4, first=first))
    assert "Content-Location" not in response


@pytest.mark.parametrize(
    ("params", "found"),
    [
        # A filter leaves the order of the set.
        ("$filter='ID<5'", "2,4,1"),
        ("$filter='firstName=ann'", "5,1"),
        ("$filter='ID<5'&$skip=1&$top=1", "4"),
        ("$filter='salary=:1'&$params='[300]'", "2,5"),
        ("$orderby=ID", "1,2,4,5"),
        ("$orderby=lastName desc&$top=2", "5,1"),
        ("$filter='ID<5'&$orderby=ID", "1,2,4"),
        ("$filter='ID<5 order by ID desc'&$orderby=ID", "4,2,1"),
        # What is outside stays outside.
        ("$filter='ID=3 or ID=4'", "4"),
        ("$filter='salary is null'", ""),
    ],
)
def test_filter_and_order_inside_a_set(admin: RestClient, params: str, found: str) -> None:
    hire()
    address = make(admin)
    response = admin.read(f"{address}?{params}")
    assert ",".join(keys(response)) == found
    assert "__ENTITYSET" not in response.json()
    # What was asked for is kept where it is to be kept; the set is what it was.
    if "$skip" not in params and "$top" not in params:
        again = make(admin, f"{address}?{params}")
        assert ",".join(keys(admin.read(again))) == found
    assert keys(admin.read(address)) == ["2", "5", "4", "1"]


def test_a_set_is_a_snapshot(admin: RestClient) -> None:
    """It holds who is no longer of the kind, shows new values, and no one who came later."""
    hire()
    address = make(admin)
    Employee.objects.filter(pk=2).update(salary=None)
    Employee.objects.filter(pk=3).update(salary=1000)
    found = admin.read(f"{address}?$attributes=salary").json()["__ENTITIES"]
    assert [(entity["__KEY"], entity["salary"]) for entity in found] == [
        ("2", None),
        ("5", 300),
        ("4", 200),
        ("1", 100),
    ]


def test_members_that_are_gone(admin: RestClient) -> None:
    hire()
    address = make(admin)
    Employee.objects.filter(pk=5).delete()
    hole = {"__STAMP": 0}
    shown = [person(2, ID=2), hole, person(4, ID=4), person(1, ID=1)]
    assert_answer(admin.read(f"{address}?$attributes=ID"), 200, page("Employee", *shown))
    assert_answer(
        admin.read(f"{address}?$attributes=ID&$skip=1&$top=1"),
        200,
        page("Employee", hole, count=4, first=1),
    )
    # A filter and an order have no place for them.
    assert keys(admin.read(f"{address}?$filter='ID>0'")) == ["2", "4", "1"]
    assert keys(admin.read(f"{address}?$orderby=ID")) == ["1", "2", "4"]
    assert keys(admin.read(f"{address}?$clean=true")) == ["2", "4", "1"]
    assert admin.read(f"{address}?$clean=true&$top=0").json()["__COUNT"] == 3
    cleaned = make(admin, f"{address}?$clean=true")
    assert keys(admin.read(cleaned)) == ["2", "4", "1"]
    assert keys(admin.read(address)) == ["2", "-", "4", "1"]
    assert admin.read(f"{address}?$asArray=true&$attributes=ID").json() == [
        {"__KEY": key, "__STAMP": 1, "ID": key} for key in (2, 4, 1)
    ]


def test_what_the_reader_may_not_see_is_a_hole(admin: RestClient, registered: Any) -> None:
    """Rows pass through the rights of each reading, not of the making."""
    hire()
    address = make(admin)

    class Poor(DataClass):
        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(salary=300)

    registered(Employee, Poor)
    assert keys(admin.read(address)) == ["-", "-", "4", "1"]
    assert keys(admin.read(f"{address}?$filter='salary>0'")) == ["4", "1"]
    assert admin.read(f"{address.replace('Employee/', 'Employee/salary/')}?$compute=sum").json() == 300


def test_expand_and_attributes_of_a_set(admin: RestClient) -> None:
    hire()
    address = make(admin, "Employee?$filter='ID=2'")
    expected = person(2, employer=firm(2, name="Bêta"), manager=to_one("Employee", 1))
    path = f"{address}?$attributes=employer.name,manager"
    assert_answer(admin.read(path), 200, page("Employee", expected))
    found = admin.read(f"{address}?$expand=employer,manager").json()["__ENTITIES"][0]
    assert (found["employer"]["name"], found["manager"]["lastName"]) == ("Bêta", "Poe")


def test_computed_of_a_set(admin: RestClient) -> None:
    hire()
    address = make(admin, "Employee?$filter='ID<5'")
    before = f"Employee/salary/$entityset/{id_of(address)}"
    for path in (before, f"{address}/salary"):
        assert_answer(admin.read(f"{path}?$compute=sum"), 200, 600)
        expected = {"salary": {"count": 4, "sum": 600, "average": 200, "min": 100, "max": 300}}
        assert_answer(admin.read(f"{path}?$compute=$all"), 200, expected)
        assert_answer(admin.read(f"{path}?$distinct=true"), 200, [100, 200, 300])
        assert_answer(admin.read(f"{path}?$distinct=true&$skip=1&$top=1"), 200, [200])
        assert_answer(admin.read(f"{path}?$compute=sum&$filter='ID>1'"), 200, 500)
        assert_answer(admin.read(f"{path}?$distinct=true&$filter='ID>1'"), 200, [200, 300])
    assert_answer(admin.read(f"{address}?$compute=count"), 200, 4)
    assert EntitySet.objects.count() == 1


def test_flat_forms_of_a_set(admin: RestClient, settings: Any) -> None:
    hire()
    settings.FOURD_REST = {"PAGE_SIZE": 2}
    address = make(admin)
    rows = [{"__KEY": key, "__STAMP": 1, "ID": key} for key in (2, 5, 4, 1)]
    for params, shown in (
        # Without a count an array is no page.
        ("", rows),
        ("&$top=2&$skip=1", rows[1:3]),
        ("&$skip=3", rows[3:]),
        ("&$top=0", []),
        ("&$top=-1", rows),
        ("&$filter='ID<5'", [rows[0], *rows[2:]]),
        ("&$orderby=ID desc&$top=1", [rows[1]]),
    ):
        assert_answer(admin.read(f"{address}?$attributes=ID&$asArray=true{params}"), 200, shown)
    found = admin.read(f"{address}?$attributes=ID,lastName&$format=looker&$skip=1").json()
    assert (found["__COUNT"], found["__FIRST"]) == (4, 1)
    assert found["rows"] == [{"values": [5, "Žukov"]}, {"values": [4, "Adams"]}]
    found = admin.read(f"{address}?$attributes=ID&$format=looker&$top=-1").json()
    assert [row["values"] for row in found["rows"]] == [[2], [5], [4], [1]]


def test_a_flat_form_of_what_is_kept(admin: RestClient) -> None:
    hire()
    response = admin.read("Employee/ID?$filter='ID<2'&$asArray=true&$method=entityset")
    (stored,) = EntitySet.objects.all()
    assert_answer(response, 200, [{"__KEY": 1, "__STAMP": 1, "ID": 1}])
    assert response["Content-Location"] == f"/rest/Employee/$entityset/{stored.pk}"


def test_sets_of_texts_and_uuids(admin: RestClient) -> None:
    Country.objects.bulk_create(Country(code=code, name=code) for code in ("DE", "fr", "a/b"))
    address = make(admin, "Country?$orderby=code desc")
    assert keys(admin.read(address)) == ["fr", "DE", "a/b"]
    assert keys(admin.read(f"{address}?$filter='code=@/@'")) == ["a/b"]
    assert admin.read(f"{address}?$findKey=a/b").json() == {"result": 2}
    assert admin.read(f"{address}?$findKey=de").json() == {"result": -1}
    parcels = [Parcel.objects.create(label=str(number)) for number in range(2)]
    address = make(admin, "Parcel?$orderby=label desc")
    assert keys(admin.read(address)) == [parcel.pk.hex.upper() for parcel in reversed(parcels)]
    assert admin.read(f"{address}?$findKey={parcels[0].pk}").json() == {"result": 1}


# Two sets together


@pytest.mark.parametrize("by_path", [False, True])
@pytest.mark.parametrize(
    ("operator", "found"),
    [
        ("AND", "5,4"),
        ("and", "5,4"),
        ("OR", "2,5,4,1,3"),
        ("Or", "2,5,4,1,3"),
        ("EXCEPT", "2,1"),
        ("except", "2,1"),
    ],
)
def test_combinations(admin: RestClient, operator: str, found: str, by_path: bool) -> None:
    hire()
    first, second = make(admin), make(admin, "Employee?$filter='ID>=3'")
    other = f"/rest/{second}" if by_path else id_of(second)
    path = f"{first}?$logicOperator={operator}&$otherCollection={other}"
    assert ",".join(keys(admin.read(path))) == found
    assert ",".join(keys(admin.read(f"{path}&$top=2"))) == ",".join(found.split(",")[:2])
    assert "__ENTITYSET" not in admin.read(path).json()
    kept = make(admin, path)
    assert ",".join(keys(admin.read(kept))) == found
    assert kept not in (first, second)
    # Combined first, then filtered and sorted.
    assert keys(admin.read(f"{path}&$orderby=ID")) == sorted(found.split(","))
    inside = [key for key in found.split(",") if key not in "12"]
    assert keys(admin.read(f"{path}&$filter='ID>2'")) == inside
    assert admin.read(f"{path}&$compute=count").json() == len(found.split(","))


def test_combinations_with_the_empty_set(admin: RestClient) -> None:
    hire()
    address, nothing = make(admin), "Employee/$entityset/$none"
    for operator, found in (("or", "2,5,4,1"), ("and", ""), ("except", "")):
        path = f"{nothing}?$logicOperator={operator}&$otherCollection={id_of(address)}"
        assert ",".join(keys(admin.read(path))) == found
    for operator, found in (("or", "2,5,4,1"), ("and", ""), ("except", "2,5,4,1")):
        path = f"{address}?$logicOperator={operator}&$otherCollection=$none"
        assert ",".join(keys(admin.read(path))) == found
    path = f"{address}?$logicOperator=intersect&$otherCollection=/rest/{nothing}"
    assert_answer(admin.read(path), 200, False)


def test_whether_two_sets_meet(admin: RestClient) -> None:
    hire()
    first, second, third = (make(admin, f"Employee?$filter='ID{which}'") for which in ("<3", ">2", "=2"))
    for operator in ("INTERSECT", "intersect"):
        for other, meets in ((second, False), (third, True)):
            path = f"{first}?$logicOperator={operator}&$otherCollection={id_of(other)}"
            assert_answer(admin.read(path), 200, meets)


def test_combinations_with_members_that_are_gone(admin: RestClient) -> None:
    hire()
    first, second = make(admin), make(admin, "Employee?$filter='ID>=3'")
    Employee.objects.filter(pk=4).delete()
    path = f"{first}?$otherCollection={id_of(second)}&$logicOperator"
    assert keys(admin.read(f"{path}=or")) == ["2", "5", "-", "1", "3"]
    assert keys(admin.read(f"{path}=or&$clean=true")) == ["2", "5", "1", "3"]
    assert keys(admin.read(f"{path}=and")) == ["5", "-"]


def test_combinations_that_cannot_be(admin: RestClient, login: Any) -> None:
    hire()
    first, company = make(admin), make(admin, "Company")
    theirs = make(login("hr.view_employee"))
    bad = '"{}" is not a valid collection reference'
    for params, status, item in (
        (
            f"$logicOperator=nor&$otherCollection={id_of(first)}",
            500,
            (1818, '"nor" is not a valid logical operator'),
        ),
        ("$logicOperator=and", 500, (1819, "Second collection reference is missing")),
        ("$logicOperator=and&$otherCollection=", 500, (1819, "Second collection reference is missing")),
        ("$logicOperator=and&$otherCollection=x", 500, (1820, bad.format("x"))),
        (f"$logicOperator=and&$otherCollection={id_of(theirs)}", 500, (1820, bad.format(id_of(theirs)))),
        (
            f"$logicOperator=and&$otherCollection={id_of(company)}",
            404,
            (1803, f'The "{id_of(company)}" entity set does not belong to the "Employee" dataclass'),
        ),
    ):
        assert_answer(admin.read(f"{first}?{params}"), status, errors(item))


# Sets that are gone


REBUILDS = [
    ("$savedfilter='salary>0'&$savedorderby='salary desc,ID'", ["2", "5", "4", "1"]),
    ("$savedfilter='salary>0'", ["1", "2", "4", "5"]),
    ("$savedorderby='ID desc'", ["5", "4", "3", "2", "1"]),
    ("$savedfilter=$all&$savedorderby=ID", ["1", "2", "3", "4", "5"]),
    ("$savedfilter=", ["1", "2", "3", "4", "5"]),
    ("$savedfilter='salary>:1'&$params='[200]'", ["2", "5"]),
    ("$savedfilter='salary>0 order by ID desc'&$savedorderby=ID", ["5", "4", "2", "1"]),
]


@pytest.mark.parametrize(("saved", "found"), REBUILDS)
def test_rebuilt_from_what_was_saved(
    admin: RestClient, monkeypatch: Any, saved: str, found: list[str]
) -> None:
    """Whether it was never there, was released, or has expired."""
    hire()
    address = f"Employee/$entityset/{NO_SET}"
    entities = [person(int(key), ID=int(key)) for key in found[1:3]]
    expected = page("Employee", *entities, count=len(found), first=1)
    for how in ("never there", "released", "expired"):
        if how == "released":
            assert_answer(admin.read(f"{address}?$method=release"), 200, {"ok": True})
        elif how == "expired":
            let_pass(monkeypatch, 60 * 60)
        assert_answer(admin.read(address), 404, not_found(address))
        path = f"{address}?$attributes=ID&$skip=1&$top=2&$timeout=5&{saved}"
        assert_answer(admin.read(path), 200, expected)
        # It is there now, and for ten minutes, whatever was asked.
        assert keys(admin.read(address)) == found
        (stored,) = EntitySet.objects.all()
        assert (stored.pk, stored.timeout) == (NO_SET, 600)


def test_saved_texts_alone_select_nothing(admin: RestClient) -> None:
    """They are for later; a set is made of what is asked for now."""
    hire()
    address = make(admin, "Employee?$savedfilter='ID=1'&$savedorderby='ID desc'")
    assert keys(admin.read(address)) == ["1", "2", "3", "4", "5"]


def test_a_set_that_is_there_is_not_rebuilt(admin: RestClient) -> None:
    hire()
    address = make(admin, "Employee?$filter='ID=3'")
    assert keys(admin.read(f"{address}?$savedfilter='ID=1'&$savedorderby='ID'")) == ["3"]


def test_rebuilt_and_used_at_once(admin: RestClient) -> None:
    hire()
    address = f"Employee/$entityset/{NO_SET}"
    saved = "$savedfilter='salary>0'&$savedorderby='salary desc,ID'"
    assert keys(admin.read(f"{address}?{saved}&$filter='ID<5'")) == ["2", "4", "1"]
    admin.read(f"{address}?$method=release")
    assert keys(admin.read(f"{address}?{saved}&$orderby=ID")) == ["1", "2", "4", "5"]
    admin.read(f"{address}?$method=release")
    assert admin.read(f"{address}/salary?{saved}&$compute=sum").json() == 900
    admin.read(f"{address}?$method=release")
    assert make(admin, f"{address}?{saved}") == address
    admin.read(f"{address}?$method=release")
    assert admin.read(f"{address}?{saved}&$findKey=4").json() == {"result": 2}


def test_what_cannot_be_rebuilt(admin: RestClient, login: Any) -> None:
    hire()
    theirs = make(login("hr.view_employee"))
    saved = "$savedfilter='ID=1'"
    # Somebody else's, alive under that ID.
    assert_answer(admin.read(f"{theirs}?{saved}"), 404, not_found(theirs))
    for bad in ("x", "0", NO_SET + "0", "G" * 32):
        address = f"Employee/$entityset/{bad}"
        assert_answer(admin.read(f"{address}?{saved}"), 404, not_found(address))
    for saved, status, found in (
        ("$savedfilter='nope=1'", 500, [1500]),
        ("$savedfilter='ID='", 500, [1201]),
        ("$savedorderby='nope'", 404, [1500, 1810]),
    ):
        response = admin.read(f"Employee/$entityset/{NO_SET}?{saved}")
        assert (response.status_code, codes(response.json())) == (status, found)
    assert EntitySet.objects.count() == 1


# Life


@pytest.mark.parametrize(
    ("param", "seconds"),
    [("", 7200), ("&$timeout=300", 300), ("&$timeout=0", 86400), ("&$timeout=99999999", 86400)],
)
def test_timeout(admin: RestClient, monkeypatch: Any, param: str, seconds: int) -> None:
    hire()
    address = make(admin, f"Employee?$top=0{param}")
    let_pass(monkeypatch, seconds)
    assert len(keys(admin.read(address))) == 5
    # Every use starts the countdown again.
    let_pass(monkeypatch, 2 * seconds)
    assert len(keys(admin.read(address))) == 5
    let_pass(monkeypatch, 2 * seconds + seconds + 120)
    assert_answer(admin.read(address), 404, not_found(address))


def test_bad_timeouts(admin: RestClient) -> None:
    for value, reason in (
        ("-1", "$timeout must not be negative"),
        ("soon", "$timeout is not a whole number"),
    ):
        response = admin.read(f"Employee?$method=entityset&$timeout={value}")
        assert_answer(response, 400, errors((1806, f"URL is not well formed: {reason}")))
    assert EntitySet.objects.count() == 0


def test_release(admin: RestClient) -> None:
    hire()
    addresses = [make(admin) for _ in range(4)]
    assert_answer(admin.read(f"{addresses[0]}?$method=release"), 200, {"ok": True})
    assert_answer(admin.read(addresses[0]), 404, not_found(addresses[0]))
    gone = [id_of(address) for address in addresses[:3]]
    body = [gone[0], gone[1].lower(), gone[2], "x", NO_SET]
    assert_answer(admin.rest("POST", "$entityset/$release", body), 200, {"ok": True})
    assert [admin.read(address).status_code for address in addresses] == [404, 404, 404, 200]
    assert_answer(admin.rest("POST", "$entityset/$release", []), 200, {"ok": True})
    for body in ({"a": 1}, [1], "x", [None], [["x"]]):
        response = admin.rest("POST", "$entityset/$release", body)
        assert (response.status_code, codes(response.json())) == (400, [9001])
    assert admin.rest("POST", "$entityset/$release", "").status_code == 400
    assert admin.rest("GET", "$entityset/$release").status_code == 405
    text = '"release" REST method is not applicable here'
    for path in ("Employee", "Employee(1)", "Employee/ID"):
        assert_answer(admin.read(f"{path}?$method=release"), 400, errors((1813, text)))
    assert admin.read(addresses[3]).status_code == 200


def test_quota(login: Any, settings: Any) -> None:
    settings.FOURD_REST = {"MAX_ENTITY_SETS_PER_OWNER": 2, "ENTITY_SET_TIMEOUT": 100}
    anna, bert = login("hr.view_employee"), login("hr.view_employee", username="bert")
    first = make(anna)
    make(anna)
    make(bert)
    with nothing_changes():
        for path in (
            "Employee?$method=entityset",
            f"Employee/$entityset/{NO_SET}?$savedfilter=$all",
            f"{first}?$filter='ID>0'&$method=entityset",
        ):
            answer = anna.read(path)
            assert 105 <= int(answer["Retry-After"]) <= 110
            expected = {"Retry-After": answer["Retry-After"]}
            assert_answer(answer, 429, errors((9023, "Too many entity sets are kept")), expected)
    # What is kept may be read, and given back.
    assert anna.read(f"{first}?$method=entityset").status_code == 200
    anna.read(f"{first}?$method=release")
    make(anna)


# Members added, removed, looked for


def test_added_and_removed_members(admin: RestClient) -> None:
    hire()
    address = make(admin)
    for params, found in (
        ("$addToSet='[3]'", "2,5,4,1,3"),
        ("$addToSet='[\"3\",2]'", "2,5,4,1,3"),
        ("$removeFromSet=1", "2,4,1,3"),
        ("$removeFromSet=0&$addToSet=5", "4,1,3,5"),
        ("$addToSet=2,99", "4,1,3,5,2,-"),
        ("$removeFromSet=5&$removeRefOnly=true", "4,1,3,5,2"),
        ("$addToSet=", "4,1,3,5,2"),
        ("$addToSet='[]'", "4,1,3,5,2"),
    ):
        response = admin.read(f"{address}?{params}")
        assert (params, ",".join(keys(response))) == (params, found)
        assert ",".join(keys(admin.read(address))) == found
    assert EntitySet.objects.count() == 1
    assert Employee.objects.count() == 5


def test_members_that_cannot_be_added_or_removed(admin: RestClient, login: Any) -> None:
    hire()
    address = make(admin)
    wrong = (1541, 'The given primary key does not match the definition in the "Employee" dataclass')
    for value in (
        "x",
        "'[1,\"x\"]'",
        "'[null]'",
        "'[[1]]'",
        "'{\"a\":1}'",
        "'[1.5]'",
        "[99999999999999999999]",
    ):
        assert_answer(admin.read(f"{address}?$addToSet={value}"), 404, errors(wrong))
    for value, reason in (
        ("4", "$removeFromSet is no position in the entity set"),
        ("-1", "$removeFromSet is no position in the entity set"),
        ("x", "$removeFromSet is not a whole number"),
    ):
        expected = errors((1806, f"URL is not well formed: {reason}"))
        assert_answer(admin.read(f"{address}?$removeFromSet={value}"), 400, expected)
    stranger = login("hr.view_employee")
    for param in ("$addToSet=3", "$removeFromSet=0", "$findKey=2", "$clean=true", "$top=1"):
        assert_answer(stranger.read(f"{address}?{param}"), 404, not_found(address))
    assert keys(admin.read(address)) == ["2", "5", "4", "1"]


@pytest.mark.parametrize("edit", ["$addToSet=3", "$removeFromSet=0"])
@pytest.mark.parametrize(
    ("param", "status", "told"),
    [
        ("$attributes=nothing", 404, [1500, 1804]),
        ("$expand=nothing", 404, [1500, 1805]),
        ("$filter='nothing=1'", 500, [1500]),
        ("$orderby=nothing", 404, [1500, 1810]),
        ("$top=x", 400, [1806]),
        # Whether two sets meet has no page, and its keywords are looked at all the same.
        ("$logicOperator=INTERSECT&$otherCollection=$none&$top=x", 400, [1806]),
        ("$logicOperator=INTERSECT&$otherCollection=$none&$format=xml", 400, [1801]),
    ],
)
def test_a_request_that_is_refused_changes_no_set(
    admin: RestClient, edit: str, param: str, status: int, told: list[int]
) -> None:
    hire()
    address = make(admin)
    answer = admin.read(f"{address}?{edit}&{param}")
    assert (answer.status_code, codes(answer.json())) == (status, told)
    assert keys(admin.read(address)) == ["2", "5", "4", "1"]


def test_the_position_of_a_key(admin: RestClient) -> None:
    hire()
    address = make(admin)
    for key, result in (("2", 0), ("1", 3), ("'4'", 2), ("3", -1), ("99", -1), ("x", -1), ("", -1)):
        assert_answer(admin.read(f"{address}?$findKey={key}"), 200, {"result": result})


# Related entities as a set


def test_related_entities_as_a_set(admin: RestClient) -> None:
    hire()
    path = "Company(1)/staff?$expand=staff&$method=subentityset&$attributes=ID"
    response = admin.read(f"{path}&$subOrderby=lastName desc")
    (stored,) = EntitySet.objects.all()
    address = f"/rest/Employee/$entityset/{stored.pk}"
    shown = [person(3, ID=3), person(1, ID=1)]
    assert_answer(response, 200, page("Employee", *shown, stored=address))
    assert response["Content-Location"] == address
    assert keys(admin.read(f"Employee/$entityset/{stored.pk}")) == ["3", "1"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Company(2)/staff?$expand=staff", "2,5"),
        ("Company(2)?$expand=staff", "2,5"),
        ("Company(2)/staff?x=1", "2,5"),
        ("Company(2)/staff/?$expand=staff&$limit=1", "2"),
        ("Company(2)/staff?$expand=staff&$skip=1", "5"),
        ("Company(2)/staff?$expand=staff&$subOrderby=ID desc", "5,2"),
        ("Company(2)/staff?$expand=staff&$orderby=ID desc", "5,2"),
        ("Company(2)/staff?$expand=staff&$filter='firstName=ann'", "5"),
        ("Company(3)/staff?$expand=staff", ""),
        ("Company:name(bêta)/staff?$expand=staff", "2,5"),
        ("Employee(1)/team?$expand=team&$timeout=60", "2,3"),
    ],
)
def test_ways_to_related_entities(admin: RestClient, path: str, found: str) -> None:
    hire()
    path = path.replace("ê", "%C3%AA") if "?" in path.partition("ê")[0] else path
    response = admin.read(f"{path}&$method=subentityset")
    assert ",".join(keys(response)) == found
    stored = EntitySet.objects.get()
    assert response.json()["__ENTITYSET"] == f"/rest/Employee/$entityset/{stored.pk}"
    assert stored.timeout == (60 if "$timeout" in path else 7200)


def test_what_related_entities_expand(admin: RestClient) -> None:
    hire()
    path = "Company(2)/staff?$expand=staff&$method=subentityset&$subExpand=manager&$top=1"
    (entity,) = admin.read(path).json()["__ENTITIES"]
    assert entity["manager"]["lastName"] == "Poe"
    assert entity["employer"] == to_one("Company", 2)


def test_related_entities_that_cannot_be_a_set(admin: RestClient, login: Any) -> None:
    hire()
    impossible = errors((1815, '"$subentityset" cannot be applied to the REST request'))
    for path in (
        "Employee(1)?$method=subentityset",
        "Employee(1)/lastName?$method=subentityset",
        "Employee(1)/employer?$expand=employer&$method=subentityset",
        "Employee?$method=subentityset",
        "Employee?$expand=team&$method=subentityset",
        "Employee(1,2)/team?$expand=team&$method=subentityset",
    ):
        assert_answer(admin.read(path), 500, impossible)
    unknown = (
        (1500, 'The "nope" attribute cannot be found in the "Company" dataclass'),
        (
            1805,
            'Cannot completely build a list of expanded attributes with "nope"'
            ' for the "Company" dataclass',
        ),
    )
    path = "Company(1)/staff?$expand=nope&$method=subentityset"
    assert_answer(admin.read(path), 404, errors(*unknown))
    not_loaded = errors((1543, 'Cannot load entity# 9 in the "Company" dataclass'))
    assert_answer(admin.read("Company(9)/staff?$method=subentityset"), 404, not_loaded)
    user = login("hr.view_company", "hr.delete_employee")
    denied = errors((1557, "No permission to read for the Employee dataclass"))
    assert_answer(user.read("Company(1)/staff?$method=subentityset"), 401, denied)
    stranger = login("hr.view_company", username="stranger")
    for name in ("staff", "manager"):
        items = ((code, text.replace("nope", name)) for code, text in unknown)
        path = f"Company(1)/staff?$expand={name}&$method=subentityset"
        assert_answer(stranger.read(path), 404, errors(*items))
    for method in ("entityset", "release"):
        text = f'"{method}" REST method is not applicable here'
        assert_answer(admin.read(f"Company(1)?$method={method}"), 400, errors((1813, text)))
    assert EntitySet.objects.count() == 0


# Whose a set is


def test_sets_of_others(login: Any, admin: RestClient, guest: RestClient) -> None:
    hire()
    anna, bert = login("hr.view_employee"), login("hr.view_employee", username="bert")
    address = make(anna)
    for other in (bert, admin):
        assert_answer(other.read(address), 404, not_found(address))
        # To release it changes nothing and tells nothing.
        assert_answer(other.read(f"{address}?$method=release"), 200, {"ok": True})
        answer = other.rest("POST", "$entityset/$release", [id_of(address)])
        assert_answer(answer, 200, {"ok": True})
        assert other.rest("DELETE", address).status_code in (401, 404)
    assert guest.read(address).status_code == 401
    assert keys(anna.read(address)) == ["2", "5", "4", "1"]
    assert_answer(anna.read(f"{address}?$method=release"), 200, {"ok": True})
    assert EntitySet.objects.count() == 0


def test_sets_of_guests(guest: RestClient, admin: RestClient, settings: Any) -> None:
    """Anybody's who knows the ID."""
    settings.FOURD_REST = {"GUEST_PERMISSIONS": ["hr.view_employee"], "MAX_ENTITY_SETS_PER_OWNER": 2}
    hire()
    address = make(guest)
    for reader in (guest, RestClient(), admin):
        assert keys(reader.read(address)) == ["2", "5", "4", "1"]
    make(guest)
    assert guest.read("Employee?$method=entityset").status_code == 429
    # A quota for each address.
    assert guest.read("Employee?$method=entityset", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert_answer(RestClient().read(f"{address}?$method=release"), 200, {"ok": True})
    assert guest.read(address).status_code == 404


def test_sets_of_another_dataclass(admin: RestClient, login: Any) -> None:
    hire()
    address = make(admin)
    text = f'The "{id_of(address)}" entity set does not belong to the "Company" dataclass'
    wrong = f"Company/$entityset/{id_of(address)}"
    assert_answer(admin.read(wrong), 404, errors((1803, text)))
    assert_answer(admin.read(f"{wrong}?$savedfilter=$all"), 404, errors((1803, text)))
    assert_answer(admin.rest("DELETE", wrong), 404, errors((1803, text)))


def test_a_set_whose_maker_lost_his_right(login: Any) -> None:
    from django.contrib.auth.models import User

    hire()
    anna = login("hr.view_employee", "hr.view_company")
    address = make(anna)
    User.objects.get(username="user").user_permissions.filter(codename="view_employee").delete()
    expected = errors((1800, 'The "Employee" dataclass cannot be found'))
    assert_answer(anna.read(address), 404, expected)


@pytest.mark.parametrize(
    "path",
    [
        "Employee?$method=entityset",
        "Company(1)/staff?$expand=staff&$method=subentityset",
        "SET?$method=entityset",
        "SET?$method=release",
        "SET?$addToSet=3",
        "SET?$removeFromSet=0",
        "SET?$clean=true&$method=entityset",
        f"Employee/$entityset/{NO_SET}?$savedfilter=$all",
        f"Employee/$entityset/{NO_SET}?$savedorderby=ID",
        f"Employee/$entityset/{NO_SET}?$savedorderby=ID&$findKey=2",
    ],
)
def test_pages_of_other_sites(admin: RestClient, path: str) -> None:
    hire()
    path = path.replace("SET", make(admin))
    refused = errors((9007, "A page of another site may not make this request"))
    with nothing_changes():
        assert_answer(admin.read(path, **OTHER_SITE), 403, refused)
    own = {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "http://testserver"}
    assert admin.read(path, **own).status_code == 200


def test_pages_of_other_sites_and_releases_by_post(admin: RestClient) -> None:
    hire()
    address = make(admin)
    with nothing_changes():
        response = admin.rest("POST", "$entityset/$release", [id_of(address)], **OTHER_SITE)
        refused = errors((9007, "A page of another site may not make this request"))
        assert_answer(response, 403, refused)
    # To read changes nothing.
    assert admin.read(address, **OTHER_SITE).status_code == 200


def test_methods_that_read_are_not_for_post(admin: RestClient) -> None:
    hire()
    address = make(admin)
    for method in ("entityset", "subentityset", "release"):
        text = f'"{method}" REST method is not applicable here'
        for path in ("Employee", address):
            response = admin.rest("POST", f"{path}?$method={method}", {})
            assert_answer(response, 400, errors((1813, text)))


# Deleting selections (D-19)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("Employee?$filter='salary=300'", [1, 3, 4]),
        ("Employee?filter='salary=:1'&$params='[300]'", [1, 3, 4]),
        ("Employee?$filter='employer.name=acme order by ID'", [2, 4, 5]),
        ("Employee?$filter='ID<0'", [1, 2, 3, 4, 5]),
        ("Employee(1,2)", [3, 4, 5]),
        # A filter beside keys is not passed over.
        ("Employee(1,2)?$filter='salary=300'", [1, 3, 4, 5]),
        ("Employee(1)?$filter='salary=300'", [1, 2, 3, 4, 5]),
        ("Employee(2)?$filter='salary=300'", [1, 3, 4, 5]),
        ("SET", [3]),
        ("SET?$filter='salary=300'", [1, 3, 4]),
        ("Employee/$entityset/$none", [1, 2, 3, 4, 5]),
    ],
)
def test_deletes(admin: RestClient, path: str, left: list[int]) -> None:
    for verb, params, sent in (
        ("DELETE", "", None),
        ("POST", "$method=delete", None),
        ("POST", "$method=delete&$atomic=true", {}),
    ):
        for model in (Employee, Company):
            model.objects.all().delete()
        hire()
        asked = path.replace("SET", make(admin))
        joint = "&" if "?" in asked else "?"
        assert_answer(admin.rest(verb, f"{asked}{joint}{params}", sent), 200, {"ok": True})
        assert list(Employee.objects.order_by("pk").values_list("pk", flat=True)) == left


@pytest.mark.parametrize("params", ["", "&$atomic=true"])
def test_a_selection_that_is_too_large_is_not_deleted(
    admin: RestClient, settings: Any, params: str
) -> None:
    hire()
    settings.FOURD_REST = {"MAX_ENTITY_SET_SIZE": 4}
    with nothing_changes():
        answer = admin.rest("DELETE", f"Employee?$filter='ID>0'{params}")
        assert_answer(answer, 413, errors((9025, "The request is for more than 4 entities")))
    assert_answer(admin.rest("DELETE", f"Employee?$filter='ID>1'{params}"), 200, {"ok": True})
    assert list(Employee.objects.values_list("pk", flat=True)) == [1]


def test_a_set_survives_its_entities(admin: RestClient) -> None:
    hire()
    address = make(admin)
    assert_answer(admin.rest("POST", f"{address}?$filter='ID>2'&$method=delete"), 200, {"ok": True})
    assert keys(admin.read(address)) == ["2", "-", "-", "1"]
    assert_answer(admin.rest("POST", f"{address}?$method=delete"), 200, {"ok": True})
    assert_answer(admin.read(address), 200, page("Employee", *[{"__STAMP": 0}] * 4))
    # There is nothing left to delete, which is no error.
    assert_answer(admin.rest("POST", f"{address}?$method=delete"), 200, {"ok": True})


def test_a_whole_dataclass(admin: RestClient, registered: Any) -> None:
    hire()
    refused = errors((1518, 'The entity (all) in the "Employee" dataclass cannot be deleted'))
    with nothing_changes():
        for path in (
            "Employee",
            "Employee()",
            "Employee?$filter=",
            "Employee?$filter=''",
            "Employee?$filter='order by ID'",
            'Employee()?$filter=" "',
        ):
            assert_answer(admin.rest("DELETE", path), 500, refused)
            joint = "&" if "?" in path else "?"
            assert_answer(admin.rest("POST", f"{path}{joint}$method=delete", {}), 500, refused)
    registered(Employee, allow_delete_all=True, names={"id": "ID"})
    assert_answer(admin.rest("POST", "Employee?$method=delete"), 200, {"ok": True})
    assert Employee.objects.count() == 0


def test_keys_in_the_body_beside_a_filter_or_a_set(admin: RestClient) -> None:
    """Which of the two is meant cannot be told, and the larger one would be deleted."""
    hire()
    text = "The request body is not readable JSON: keys stand beside a filter or an entity set"
    address = make(admin)
    with nothing_changes():
        for path in ("Employee?$filter='ID>0'&$method=delete", f"{address}?$method=delete"):
            for sent in ([{"__KEY": "1"}], {"__KEY": 1}, []):
                assert_answer(admin.rest("POST", path, sent), 400, errors((9001, text)))


@pytest.mark.parametrize("atomic", [False, True])
def test_one_entity_that_cannot_be_deleted(admin: RestClient, registered: Any, atomic: bool) -> None:
    hire()

    class Needed(DataClass):
        names = {"id": "ID"}  # noqa: RUF012

        def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
            return obj is None or obj.pk != 4

    registered(Employee, Needed)
    address = make(admin, "Employee?$orderby=salary desc,ID")
    params = "&$atomic=true" if atomic else ""
    response = admin.rest("POST", f"{address}?$method=delete{params}")
    assert (response.status_code, codes(response.json())) == (401, [1560])
    left = list(Employee.objects.order_by("pk").values_list("pk", flat=True))
    assert left == ([1, 2, 3, 4, 5] if atomic else [4])
    assert keys(admin.read(address)) == (
        ["2", "5", "4", "1", "3"] if atomic else ["-", "-", "4", "-", "-"]
    )


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("path", ["SET", "Country?$filter='code>\" \"'", "Country(at,de,fr)"])
def test_one_entity_that_is_referred_to(admin: RestClient, atomic: bool, path: str) -> None:
    Country.objects.bulk_create(Country(code=code, name=code) for code in ("at", "de", "fr"))
    Parcel.objects.create(label="x", country_id="de")
    path = path.replace("SET", make(admin, "Country"))
    joint = "&" if "?" in path else "?"
    params = "$method=delete" + ("&$atonce=true" if atomic else "")
    expected = errors(
        (9019, 'It is still referred to by the "Parcel" dataclass'),
        (1518, 'The entity (de) in the "Country" dataclass cannot be deleted'),
    )
    assert_answer(admin.rest("POST", f"{path}{joint}{params}"), 500, expected)
    left = list(Country.objects.order_by("pk").values_list("pk", flat=True))
    assert left == (["at", "de", "fr"] if atomic else ["de"])


def test_who_may_not_read_may_not_delete_what_he_filters(login: Any) -> None:
    hire()
    user = login("hr.delete_employee")
    denied = errors((1557, "No permission to read for the Employee dataclass"))
    with nothing_changes():
        for path in (
            "Employee?$filter='salary=300'",
            "Employee(2)?$filter='salary=300'",
            f"Employee/$entityset/{NO_SET}",
            "Employee/$entityset/$none",
        ):
            assert_answer(user.rest("DELETE", path), 401, denied)
    assert_answer(user.rest("DELETE", "Employee(2)"), 200, {"ok": True})
    reader = login("hr.view_employee", username="reader")
    denied = errors((1560, "No permission to delete for the Employee dataclass"))
    with nothing_changes():
        for path in (
            "Employee?$filter='salary=100'",
            "Employee?$filter='nope=1'",
            "Employee(1)?$filter='x'",
        ):
            assert_answer(reader.rest("DELETE", path), 401, denied)
    stranger = login("hr.view_company", username="stranger")
    unknown = errors((1800, 'The "Employee" dataclass cannot be found'))
    with nothing_changes():
        for path in ("Employee?$filter='salary=100'", "Employee(1)?$filter='ID=1'", "Employee(1,2)"):
            assert_answer(stranger.rest("DELETE", path), 404, unknown)


def test_what_is_hidden_is_not_deleted(admin: RestClient, registered: Any) -> None:
    hire()
    address = make(admin)

    class Poor(DataClass):
        names = {"id": "ID"}  # noqa: RUF012

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).exclude(salary=300)

    registered(Employee, Poor)
    for path in (address, "Employee?$filter='salary>0'"):
        assert_answer(admin.rest("DELETE", path), 200, {"ok": True})
    assert list(Employee.objects.order_by("pk").values_list("pk", flat=True)) == [2, 3, 5]


def test_deletes_that_cannot_be_read(admin: RestClient) -> None:
    hire()
    with nothing_changes():
        for path, status, found in (
            ("Employee?$filter='nope=1'", 500, [1500]),
            ("Employee?$filter='ID='", 500, [1201]),
            ("Employee?$filter='ID=:1'", 500, [1279]),
            ('Employee?$filter="ID=1', 400, [1809, 1806]),
            (f"Employee/$entityset/{NO_SET}", 404, [1802]),
            ("Employee?$filter='ID=1'&$nope=1", 400, [1811]),
            ("Employee?$filter='ID>0'&$top=1", 400, [1811]),
            # The other half of a filter, whose «&» was not encoded.
            ("Employee?$filter=ID>0&ID=1", 400, [1806]),
        ):
            response = admin.rest("DELETE", path)
            assert (path, response.status_code, codes(response.json())) == (path, status, found)


def test_stamps_go_on_after_a_delete(admin: RestClient) -> None:
    """A key that comes back must not pass an old stamp (D-32)."""
    hire()
    Company.objects.get(pk=3).save()
    assert admin.read("Company(3)").json()["__STAMP"] == 2
    assert_answer(admin.rest("DELETE", "Company?$filter='name=gamma'"), 200, {"ok": True})
    Company.objects.create(pk=3, name="New")
    assert admin.read("Company(3)").json()["__STAMP"] > 2


# Cost


@pytest.mark.parametrize("count", [1, 120, 1200])
@pytest.mark.parametrize("dataclass", ["Employee", "Company"])
def test_statements(admin: RestClient, dataclass: str, count: int) -> None:
    crowd(count)
    sort = "lastName" if dataclass == "Employee" else "name"
    address = make(admin, f"{dataclass}?$orderby={sort} desc")
    other = make(admin, f"{dataclass}?$filter='ID<50'")
    one = "employer" if dataclass == "Employee" else "manager"
    for params, most in (
        ("", 3),
        ("$top=10&$skip=5", 3),
        (f"$skip={count - 1}", 3),
        ("$top=0", 3),
        ("$method=entityset", 3),
        ("$method=subentityset&$skip=5", 3),
        ("$filter='ID>0'", 3),
        ("$filter='ID>0'&$skip=20&$top=10", 3),
        ("$orderby=ID desc", 3),
        ("$filter='ID>0'&$orderby=ID desc&$top=10", 3),
        ("$clean=true", 3),
        ("$asArray=true", 3),
        ("$format=looker", 3),
        ("$compute=count", 3),
        ("$attributes=ID&$distinct=true&$top=10", 3),
        ("$findKey=1", 3),
        (f"$logicOperator=and&$otherCollection={id_of(other)}", 3),
        (f"$logicOperator=or&$otherCollection={id_of(other)}&$orderby=ID", 4),
        (f"$expand={one}", 4),
        ("$attributes=ID,manager.ID", 4),
    ):
        assert (params, statements(admin, f"{address}?{params}") <= most) == (params, True)
    assert statements(admin, f"{dataclass}/$entityset/{id_of(address)}/ID?$top=5") <= 3


def test_a_page_costs_no_more_in_a_large_set(admin: RestClient) -> None:
    """Nothing of the set but the chunks of the page is read, flat forms included."""
    crowd(3000)
    address = make(admin, "Employee?$orderby=ID")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for params in ("", "&$asArray=true", "&$format=looker", "&$method=entityset"):
        with CaptureQueriesContext(connection) as captured:
            assert admin.read(f"{address}?$top=10&$skip=2500{params}").status_code == 200
        assert max(len(query["sql"]) for query in captured.captured_queries) < 3_000


# One question, every way to ask it


QUESTIONS = [
    ("salary>100", "salary desc,ID"),
    ("employer.name=a@ or manager.lastName=poe", "employer.name,ID desc"),
    ("not(team.salary>=300)", "ID desc"),
    ("team.lastName=zola and team.salary is null", "ID"),
    ("lastName %25 poe", "firstName desc"),
    ("lastName begin p order by firstName desc", "ID"),
]


@pytest.mark.parametrize(("text", "order"), QUESTIONS)
def test_every_way_to_ask_gives_the_same(admin: RestClient, text: str, order: str) -> None:
    hire()
    asked = f"$filter='{text}'&$orderby={order}"
    expected = keys(admin.read(f"Employee?{asked}"))
    everybody = make(admin, "Employee?$orderby=lastName")
    kept = make(admin, f"Employee?{asked}")
    saved = f"$savedfilter='{text}'&$savedorderby={order}"
    numbers = [int(key) for key in expected]
    for path in (
        f"{everybody}?{asked}",
        kept,
        f"{kept}?$clean=true",
        f"Employee/$entityset/{NO_SET}?{saved}",
        f"Employee/$entityset/{NO_SET}",
        f"Employee()?{asked}",
        f"Employee(1,2,3,4,5)?{asked}",
        f"{kept}?$logicOperator=and&$otherCollection={id_of(everybody)}",
        f"Employee/$entityset/$none?$logicOperator=or&$otherCollection={id_of(kept)}",
    ):
        assert (path, keys(admin.read(path))) == (path, expected)
        joint = "&" if "?" in path else "?"
        found = admin.read(f"{path}{joint}$asArray=true&$attributes=ID").json()
        assert (path, [entity["__KEY"] for entity in found]) == (path, numbers)
        found = admin.read(f"{path}{joint}$format=looker&$attributes=ID").json()
        assert (path, [row["values"] for row in found["rows"]]) == (path, [[key] for key in numbers])
        assert (path, found["__COUNT"]) == (path, len(expected))
        assert admin.read(f"{path}{joint}$top=0").json()["__COUNT"] == len(expected)
        assert admin.read(f"{path}{joint}$compute=count").json() == len(expected)
    for path in (f"Employee?{asked}", f"{everybody}?{asked}", kept):
        joint = "&" if "?" in path else "?"
        sent = [keys(admin.read(f"{path}{joint}$skip={skip}&$top=1")) for skip in range(len(expected))]
        assert (path, [key for (key,) in sent]) == (path, expected)
    # In the order of the set where none is asked for.
    if "order by" not in text:
        inside = keys(admin.read(f"{everybody}?$filter='{text}'"))
        assert inside == [key for key in keys(admin.read(everybody)) if key in expected]
    assert_answer(admin.rest("DELETE", f"Employee?$filter='{text}'"), 200, {"ok": True})
    left = Employee.objects.order_by("pk").values_list("pk", flat=True)
    assert list(left) == [key for key in range(1, 6) if key not in numbers]
