"""Text comparison (D-17) and null order (D-18): the same on every database, but for what is listed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q, Value
from django.db.models.lookups import Exact, GreaterThan, In, LessThan

from fourd_rest.dataclass.registry import registry
from fourd_rest.query.folding import fold, like, text_form
from tests.zoo.models import Parcel

pytestmark = pytest.mark.django_db
IS_MARIADB = connection.vendor == "mysql"

CASES = [
    # text, its folded form by hand
    ("", ""),
    ("Straße", "straße"),
    ("STRASSE", "strasse"),
    ("Œuvre", "œuvre"),
    ("Ñandú", "nandu"),
    ("Ångström", "angstrom"),
    ("ΟΔΟΣ", "οδοσ"),
    ("ὁδός", "οδος"),
    ("Άλφα", "αλφα"),
    ("ЙОД", "иод"),
    ("İstanbul", "istanbul"),
    ("Iıi", "iıi"),
    ("ﬁn", "fin"),
    ("ＡＢＣ１", "abc1"),
    ("①½", "11⁄2"),
    ("e\u0301\u0302", "e"),
    ("ẞ", "ß"),
    ("Ǆ", "dz"),
    ("Łódź", "łodz"),
    ("\u212b\u212a", "ak"),
]


@pytest.mark.parametrize(("text", "folded"), CASES)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def form(source: str = "label"):
    dataclass = registry.for_model(Parcel)
    return text_form(dataclass, dataclass.attributes[source], source)


def found(condition) -> list[str]:
    return sorted(Parcel.objects.filter(condition).values_list("label", flat=True))


def store(*labels: str) -> None:
    Parcel.objects.bulk_create([Parcel(label=label) for label in labels])


def test_lookups_of_django() -> None:
    store("Ärger", "arger", "Zorn", "müde")
    text = form()
    value = Value(text.constant("ÄRGER"))
    assert found(Exact(text.expression, value)) == ["arger", "Ärger"]
    assert found(LessThan(text.expression, Value(text.constant("MUDE")))) == ["arger", "Ärger"]
    assert found(GreaterThan(text.expression, Value(text.constant("MUDE")))) == ["Zorn"]
    constants = [text.constant(item) for item in ("zörn", "Mude")]
    assert found(In(text.expression, constants)) == ["Zorn", "müde"]
    assert found(~Q(Exact(text.expression, value))) == ["Zorn", "müde"]


def test_like() -> None:
    store("100 %", "1000", "a_b", "aXb", "c\\d", "!x", "*y?[z]", "Äpfel")
    text = form()

    def matching(*parts: str) -> list[str]:
        return found(like(text.expression, [text.constant(part) for part in parts]))

    assert matching("100 %") == ["100 %"]
    assert matching("100", "%") == ["100 %"]
    assert matching("A_", "") == ["a_b"]
    assert matching("", "\\", "") == ["c\\d"]
    assert matching("C\\D") == ["c\\d"]
    assert matching("!", "") == ["!x"]
    assert matching("", "?[", "") == ["*y?[z]"]
    assert matching("*", "") == ["*y?[z]"]
    assert matching("APF", "") == ["Äpfel"]
    assert matching("", "") == sorted(["100 %", "1000", "a_b", "aXb", "c\\d", "!x", "*y?[z]", "Äpfel"])
