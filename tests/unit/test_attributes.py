"""The kinds of attributes: what each of them answers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import F, Value

from fourd_rest.dataclass import DataClass, Kind
from fourd_rest.dataclass.attributes import (
    Alias,
    Annotated,
    Computed,
    FileInRow,
    FileInStorage,
    Hop,
    Scalar,
    ToMany,
    ToOne,
)
from fourd_rest.dataclass.registry import Registry
from testproject.hr.models import Company, Employee
from tests.zoo.models import Animal, Everything, Keeper, Passport, Place


def exposed(*models: type, **options: object) -> DataClass:
    """The dataclass of the first model, registered with ``options`` beside the others."""
    registry = Registry()
    for model in reversed(models):
        registry.register(model, **(options if model is models[0] else {}))
    found = registry.for_model(models[0])
    assert found is not None
    return found


@pytest.fixture
def employees() -> DataClass:
    return exposed(
        Employee,
        Company,
        computed=["full_name"],
        annotations={"doubled": F("salary") * 2},
        aliases={
            "surname": "last_name",
            "firm": "employer.name",
            "chief": "employer.manager.last_name",
        },
    )


def test_every_kind_is_a_class_of_its_own(employees: DataClass) -> None:
    kinds = {name: type(attribute) for name, attribute in employees.attributes.items()}
    assert kinds["salary"] is Scalar
    assert kinds["photo"] is FileInStorage
    assert kinds["employer"] is ToOne
    assert kinds["full_name"] is Computed
    assert kinds["doubled"] is Annotated
    assert kinds["firm"] is kinds["surname"] is Alias
    assert type(exposed(Company, Employee).attributes["staff"]) is ToMany
    assert type(exposed(Everything).attributes["binary"]) is FileInRow


def test_where_the_value_is(employees: DataClass) -> None:
    """The field of the entity's own row, the column that is read, the attribute that is assigned."""
    found = {
        name: (attribute.own_field and attribute.own_field.name, attribute.column, attribute.assigned)
        for name, attribute in employees.attributes.items()
    }
    assert found["salary"] == ("salary", "salary", "salary")
    assert found["photo"] == ("photo", "photo", "photo")
    assert found["employer"] == ("employer", "employer_id", "employer_id")
    assert found["full_name"] == (None, "", "full_name")
    assert found["doubled"] == (None, "doubled", "doubled")
    assert found["surname"] == ("last_name", "last_name", "last_name")
    assert found["firm"] == (None, "employer__name", "name")


def test_the_entities_that_a_value_depends_on(employees: DataClass) -> None:
    attributes, companies = employees.attributes, employees.registry.for_model(Company)
    assert attributes["salary"].hops == attributes["doubled"].hops == attributes["surname"].hops == ()
    assert attributes["employer"].hops == (Hop("employer_id", companies, needs_right=True),)
    assert attributes["firm"].hops == (Hop("employer_id", companies),)
    assert attributes["chief"].hops == (
        Hop("employer_id", companies),
        Hop("employer__manager_id", employees),
    )


def test_what_only_python_knows(employees: DataClass) -> None:
    john = Employee(first_name="John", last_name="Smith")
    whole = employees.attributes["full_name"]
    assert isinstance(whole, Computed)
    assert whole.in_python is whole.compute
    assert (whole.compute(john), whole.is_opaque, whole.is_compared_in_python) == (
        "John Smith",
        True,
        True,
    )
    for name in ("salary", "doubled", "firm"):
        attribute = employees.attributes[name]
        assert isinstance(attribute, (Scalar, Annotated, Alias))
        assert attribute.in_python is None


def test_what_an_unsaved_entity_holds(employees: DataClass) -> None:
    john = Employee(last_name="Smith", salary="12")
    salary, surname = employees.attributes["salary"], employees.attributes["surname"]
    assert isinstance(salary, Scalar)
    assert isinstance(surname, Alias)
    assert (salary.wire_value_of(john), surname.wire_value_of(john)) == (12, "Smith")
    john.salary = Value(3)
    assert salary.wire_value_of(john) is None
    john.salary = "twelve"
    assert salary.wire_value_of(john) is None
    firm = employees.attributes["firm"]
    assert isinstance(firm, Alias)
    assert firm.wire_value_of(john) is None


def test_a_value_as_it_is_shown() -> None:
    decimal = exposed(Everything).attributes["decimal"]
    assert isinstance(decimal, Scalar)
    assert decimal.to_wire(None) is None
    assert decimal.plain(None) is None
    assert decimal.plain(1) == Decimal(1)


def test_relations() -> None:
    animals = exposed(Animal, Keeper, Place, Passport).attributes
    home, doctor, keepers, passport = (
        animals[name] for name in ("home", "doctor", "keepers", "passport")
    )
    assert isinstance(home, ToOne)
    assert isinstance(doctor, ToOne)
    assert isinstance(passport, ToOne)
    assert isinstance(keepers, ToMany)
    # The doctor is known by a badge, the passport refers to the animal.
    assert [(r.names_key, r.is_stored, r.lookup) for r in (home, doctor, passport)] == [
        (True, True, "home"),
        (False, True, "doctor"),
        (False, False, "passport"),
    ]
    assert (home.referred, doctor.referred) == ("id", "badge")
    assert (keepers.kind, keepers.is_stored, keepers.hops) == (Kind.TO_MANY, False, ())
    assert keepers.declared is keepers.member
    assert passport.declared is None


def test_what_an_empty_file_leaves() -> None:
    photo = exposed(Employee).attributes["photo"]
    binary = exposed(Everything).attributes["binary"]
    assert isinstance(photo, FileInStorage)
    assert isinstance(binary, FileInRow)
    assert (photo.holds_bytes, photo.nothing) == (False, "")
    assert (binary.holds_bytes, binary.nothing) == (True, b"")
