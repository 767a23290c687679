"""Flat forms: ``$asArray=true`` and ``$format=looker`` (``responses.md`` 8, U-25)."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Count, Window
from django.db.models.functions import RowNumber

from fourd_rest.dataclass import registry
from fourd_rest.errors import RestError
from fourd_rest.read.output_formats import as_array, looker
from fourd_rest.read.selection import KeyedSelection, Slice
from fourd_rest.request.keywords import output_format
from testproject.hr.models import Company, Employee
from tests.contract.checks import assert_answer, errors
from tests.contract.sample import acme, inv003, john
from tests.spec.selections import reader, select, statements, text
from tests.zoo.models import Animal, Everything, Finder, Keeper, Parcel, Passport, Secretive

pytestmark = pytest.mark.django_db

NUMBER = '{"conceptType":"METRIC","semanticGroup":"NUMERIC","semanticType":"NUMBER"}'
TEXT = '{"conceptType":"DIMENSION","semanticGroup":"TEXT","semanticType":"TEXT"}'


ALL = Slice(0, 100)


def flat(
    name: str, *names: str, user: Any = None, rows: Any = None, skip: int = 0, top: int = 100
) -> str:
    selection = select(name, user=user, queryset=rows)
    return text(as_array(selection, chosen(name, *names), Slice(skip, top)))


def table(name: str, *names: str) -> str:
    return text(looker(select(name), chosen(name, *names), ALL))


def chosen(name: str, *names: str) -> list[Any]:
    dataclass = registry.get(name)
    assert dataclass is not None
    return [dataclass.attributes[item] for item in names or dataclass.attributes]


# $asArray


def test_flat_entities() -> None:
    acme()
    john(employer_id=1, salary=100, birth_date=dt.date(1941, 9, 4), photo="a.png", cv="b.pdf")
    Employee.objects.create(id=13, first_name="Ann", last_name="Poe", manager_id=12)
    assert flat("Employee") == (
        '[{"__KEY":12,"__STAMP":4,"ID":12,"firstName":"John","lastName":"Smith","salary":100,'
        '"birthDate":"!!1941-09-04!!","woman":false,"employer":{"__KEY":1},"manager":null},'
        '{"__KEY":13,"__STAMP":1,"ID":13,"firstName":"Ann","lastName":"Poe","salary":null,'
        '"birthDate":null,"woman":false,"employer":null,"manager":{"__KEY":12}}]'
    )


def test_chosen_attributes_in_their_order() -> None:
    john()
    assert flat("Employee", "lastName", "photo", "team", "ID") == (
        '[{"__KEY":12,"__STAMP":4,"lastName":"Smith","ID":12}]'
    )


def test_stamps_of_the_side_table() -> None:
    acme()
    assert flat("Company", "name", "extra") == '[{"__KEY":1,"__STAMP":1,"name":"Acme","extra":{}}]'
    Company.objects.get().save()
    assert flat("Company", "name") == '[{"__KEY":1,"__STAMP":2,"name":"Acme"}]'


def test_values_of_every_type() -> None:
    moment = dt.datetime(2024, 5, 6, 7, 8, 9, 123_456, dt.UTC)
    row = Everything(
        decimal=Decimal("1.5"), date=dt.date(24, 1, 2), moment=moment, json=[1, {"a": None}]
    )
    row.uuid, row.time, row.duration = uuid.UUID(int=255), dt.time(0, 0, 1), dt.timedelta(hours=1)
    Everything.objects.bulk_create([row])
    names = ("decimal", "date", "moment", "time", "duration", "json", "uuid", "binary", "file")
    assert flat("Everything", *names).partition('"decimal"')[2] == (
        ':1.5000,"date":"!!0024-01-02!!","moment":"2024-05-06T07:08:09.123Z","time":1000,'
        f'"duration":3600000,"json":[1,{{"a":null}}],"uuid":"{255:032X}"}}]'
    )


def test_keys_keep_their_type() -> None:
    Parcel.objects.create(id=uuid.UUID(int=255), label="a")
    assert flat("Parcel", "label") == f'[{{"__KEY":"{255:032X}","__STAMP":1,"label":"a"}}]'
    # A relation by another field of the target still tells its key.
    keeper = Keeper.objects.create(name="Kay", badge="B1")
    animal = Animal.objects.create(name="Leo", doctor=keeper)
    Passport.objects.create(id=7, animal=animal, number="x")
    assert flat("Animal", "doctor", "passport") == (
        f'[{{"__KEY":{animal.pk},"__STAMP":1,"doctor":{{"__KEY":{keeper.pk}}},"passport":{{"__KEY":7}}}}]'
    )


def test_pages(admin: Any, settings: Any) -> None:
    for number in range(1, 6):
        Employee.objects.create(id=number, first_name="", last_name="")
    keys = '[{"__KEY":%d,"__STAMP":1,"ID":%d},{"__KEY":%d,"__STAMP":1,"ID":%d}]'
    assert flat("Employee", "ID", skip=1, top=2) == keys % (2, 2, 3, 3)
    assert flat("Employee", "ID", top=0) == flat("Employee", "ID", skip=5) == "[]"
    settings.FOURD_REST = {"PAGE_SIZE": 1, "MAX_PAGE_SIZE": 2}
    for top in ("", "&$top=-1", "&$top=3"):
        assert admin.read(f"Employee/ID?$asArray=1{top}").text == keys % (1, 1, 2, 2)


def test_derived_attributes(monkeypatch: Any, registered: Any) -> None:
    def initials(self: Any) -> str:
        return f"{self.first_name[0]}{self.last_name[0]}"

    initials.__annotations__["return"] = str
    monkeypatch.setattr(Employee, "initials", initials, raising=False)
    registered(
        Employee,
        fields=["last_name"],
        computed=["initials"],
        annotations={"size": Count("team")},
        aliases={"company": "employer.name"},
    )
    acme()
    john(employer_id=1)
    # The relation of an alias must be exposed, so this one is left out.
    assert flat("Employee") == '[{"__KEY":12,"__STAMP":4,"last_name":"Smith","initials":"JS","size":0}]'
    registered(
        Employee,
        fields=["last_name", "employer"],
        computed=["initials"],
        aliases={"company": "employer.name"},
    )
    assert flat("Employee", "company", "initials", "employer") == (
        '[{"__KEY":12,"__STAMP":4,"company":"Acme","initials":"JS","employer":{"__KEY":1}}]'
    )


def test_what_the_reader_may_not_see_is_null(registered: Any) -> None:
    acme()
    john(employer_id=1)
    user = reader("employee")
    assert flat("Employee", "employer", user=user) == '[{"__KEY":12,"__STAMP":4,"employer":null}]'
    fields = ["id", "secretive"]
    registered(Finder, fields=fields, aliases={"found": "secretive.name"})
    seen = Secretive.everything.create(id=1, name="seen")
    hidden = Secretive.everything.create(id=2, name="hidden", is_hidden=True)
    for number, secretive in enumerate((seen, hidden), 1):
        Finder.objects.create(id=number, name="", secretive=secretive)
    assert flat("Finder", "secretive", "found") == (
        '[{"__KEY":1,"__STAMP":1,"secretive":{"__KEY":1},"found":"seen"},'
        '{"__KEY":2,"__STAMP":1,"secretive":null,"found":null}]'
    )


def test_a_window_over_the_rows(registered: Any) -> None:
    registered(Employee, fields=["id"], annotations={"place": Window(RowNumber(), order_by="-salary")})
    for number in (1, 2, 3):
        Employee.objects.create(id=number, first_name="", last_name="", salary=number)
    rows = as_array(select("Employee"), chosen("Employee", "place"), ALL)
    assert [(row["__KEY"], row["place"]) for row in rows] == [(1, 3), (2, 2), (3, 1)]


def test_the_order_of_the_selection() -> None:
    for number, name in enumerate("bca", 1):
        Employee.objects.create(id=number, first_name=name, last_name="")
    selection = select("Employee", order=("-first_name", "pk"))
    rows = as_array(selection, chosen("Employee", "firstName"), ALL)
    assert [row["firstName"] for row in rows] == ["c", "b", "a"]


# $format=looker


def test_a_table() -> None:
    inv003()
    assert table("Invoices") == (
        '{"__COUNT":1,"__FIRST":0,"schema":['
        f'{{"name":"ID","dataType":"NUMBER","semantics":{NUMBER}}},'
        f'{{"name":"reference","dataType":"STRING","semantics":{TEXT}}},'
        f'{{"name":"amount","dataType":"NUMBER","semantics":{NUMBER}}},'
        f'{{"name":"date","dataType":"STRING","semantics":{TEXT}}}],'
        '"rows":[{"values":[3,"inv003",10.50,"!!2026-01-31!!"]}],"filtersApplied":false}'
    )


def test_columns_of_a_table() -> None:
    acme()
    john(salary=5)
    assert table("Company", "extra", "manager", "staff", "name") == (
        f'{{"__COUNT":1,"__FIRST":0,"schema":[{{"name":"name","dataType":"STRING","semantics":{TEXT}}}],'
        '"rows":[{"values":["Acme"]}],"filtersApplied":false}'
    )
    shown = looker(select("Employee"), chosen("Employee"), ALL)
    types = [(column["name"], column["dataType"]) for column in shown["schema"]]
    assert types == [
        ("ID", "NUMBER"),
        *(("firstName", "STRING"), ("lastName", "STRING"), ("salary", "NUMBER")),
        *(("birthDate", "STRING"), ("woman", "STRING")),
    ]
    assert shown["rows"] == [{"values": [12, "John", "Smith", 5, None, False]}]


def test_pages_of_a_table(admin: Any, settings: Any, registered: Any) -> None:
    for number in range(1, 6):
        Employee.objects.create(id=number, first_name="", last_name="")

    def page(asked: str = "") -> tuple[int, int, list[int]]:
        shown = admin.read(f"Employee/id?$format=looker{asked}").json()
        return shown["__COUNT"], shown["__FIRST"], [row["values"][0] for row in shown["rows"]]

    registered(Employee, fields=["id"], page_size=2)
    assert page() == (5, 0, [1, 2])
    assert page("&$skip=4") == (5, 4, [5])
    assert page("&$skip=9") == (5, 9, [])
    assert page("&$top=0") == (5, 0, [])
    assert page("&$top=-1") == (5, 0, [1, 2, 3, 4, 5])
    settings.FOURD_REST = {"MAX_PAGE_SIZE": 3}
    assert page("&$top=5") == (5, 0, [1, 2, 3])


# Members that are known beforehand


def test_members_of_an_entity_set() -> None:
    for number in (1, 2, 3):
        Employee.objects.create(id=number, first_name="", last_name="")
    kept = KeyedSelection(select("Employee"), [3, 9, 1, 2], 4)
    rows = as_array(kept, chosen("Employee", "ID"), ALL)
    assert [row["__KEY"] for row in rows] == [3, 1, 2]
    rows = as_array(kept, chosen("Employee", "ID"), Slice(1, 2))
    assert [row["__KEY"] for row in rows] == [1]
    shown = looker(kept, chosen("Employee", "ID"), Slice(2, 1))
    assert (shown["__COUNT"], shown["rows"]) == (4, [{"values": [1]}])


# Through an address


def test_through_an_address(admin: Any) -> None:
    john(salary=100, birth_date=dt.date(1941, 9, 4))
    for path in ("Employee/ID,birthDate?$asArray=true", "Employee?$attributes=ID,birthDate&$asArray=1"):
        expected = [{"__KEY": 12, "__STAMP": 4, "ID": 12, "birthDate": "!!1941-09-04!!"}]
        assert_answer(admin.read(path), 200, expected)
    assert_answer(admin.read("Employee?$asArray=true&$filter='ID=1'&$noKey=true"), 200, [])
    shown = admin.read("Employee/salary?$format=Looker").json()
    assert (shown["__COUNT"], shown["rows"]) == (1, [{"values": [100]}])
    text = 'The "xml" format is not supported'
    assert_answer(admin.read("Employee?$format=xml"), 400, errors((1801, text)))


# Formats


def test_formats() -> None:
    assert [output_format(text) for text in ("", "json", "JSON")] == ["json"] * 3
    assert output_format("Looker") == "looker"
    for name in ("xml", "ado.net", "csv", "looker "):
        with pytest.raises(RestError) as caught:
            output_format(name)
        assert (caught.value.status, caught.value.items[0].row.code) == (400, 1801)
        assert caught.value.items[0].message == f'The "{name}" format is not supported'


# Cost


def test_statements() -> None:
    acme()
    for number in range(1, 8):
        Employee.objects.create(id=number, first_name="", last_name="", employer_id=1)
    selection = select("Employee")
    for ask, expected in (
        (lambda: as_array(selection, chosen("Employee"), ALL), 1),
        (lambda: as_array(select("Company"), chosen("Company"), ALL), 1),
        # A page that is not full tells the count.
        (lambda: looker(selection, chosen("Employee"), ALL), 1),
        (lambda: looker(selection, chosen("Employee"), Slice(0, 3)), 2),
    ):
        assert statements(ask)[1] == expected
