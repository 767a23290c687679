"""The SQL of the run's database against the naive evaluator of ``oracle``."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fourd_rest.dataclass import registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import RestError
from fourd_rest.query import compiler, terms
from fourd_rest.query.conditions import ALWAYS
from fourd_rest.query.visible import Visible
from fourd_rest.read.source import source
from fourd_rest.request.address import parse
from fourd_rest.request.filter_syntax import Comparator
from fourd_rest.request.selections import SelectionRequest
from fourd_rest.sql import text_folding
from tests.conftest import RestClient

from .datasets import SCHEMA, Dataset
from .language import Criterion, Node, Not, Or, Quoted, steps
from .spelling import PRODUCTIONS, Choices
from .strategies import (
    CRITERIA,
    ORACLE,
    VALUED,
    Filter,
    criterion,
    drawn,
    filters,
    operators,
    values_of_one,
    word_of_element,
)
from .values import EQUALITY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("served")]

# Filters that a run asks about, and the share of those whose result and complement are not empty.
EXAMPLES = 120
MANY_EXAMPLES = 200
DATA_SETS = 4
SHARE = 0.6
WORDS = 200


class Superuser:
    is_authenticated = True

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        return True


class Run:
    """Asks both about filters on one data set, and counts what was asked.

    With a ``client`` over HTTP, else below it.
    """

    def __init__(self, number: int, client: RestClient | None = None) -> None:
        self.client = client
        self.data = Dataset(number)
        self.used: Counter[str] = Counter()
        self.kinds: Counter[tuple[str, str, bool]] = Counter()
        self.results: Counter[str] = Counter()
        self.data.store()

    def check(self, question: Filter) -> None:
        rows = self.data.rows[question.dataclass]
        key = SCHEMA.keys[question.dataclass]
        found = [row for row in rows if ORACLE.holds(question.node, row, question.dataclass)]
        expected = [row[key] for row in ORACLE.ordered(found, question.order, question.dataclass)]
        answer = self._read(question) if self.client else self._select(question)
        if not question.order:
            answer.sort()
        assert answer == expected, f"{self.data} {question}"
        self.used.update(question.used)
        self.kinds.update(question.kinds)
        self.results["all" if len(found) == len(rows) else "some" if found else "none"] += 1

    def _read(self, question: Filter) -> list[int]:
        attribute = SCHEMA.keys[question.dataclass]
        address = f"{question.dataclass}?$attributes={attribute}&$top=1000&{question.query_string}"
        assert self.client is not None
        document = self.client.read(address).json()
        assert "__ERROR" not in document, f"{self.data} {question}: {document}"
        return [int(row["__KEY"]) for row in document["__ENTITIES"]]

    def _select(self, question: Filter) -> list[int]:
        request: Any = SimpleNamespace(user=Superuser())
        dataclass = registry.get(question.dataclass)
        assert dataclass is not None
        caller = Caller(request, "/rest", "http://testserver")
        try:
            address = parse(question.dataclass, question.query_string)
            found = source(caller, dataclass, SelectionRequest.of(address, dataclass.name)).existing
        except RestError as error:
            raise AssertionError(f"{self.data} {question}: {error}") from error
        return list(found.ordered.values_list("pk", flat=True))

    def check_each(self, rounds: int = 1) -> None:
        """Each criterion that there can be on an own attribute."""
        for round in range(rounds):
            for number in range(len(CRITERIA)):
                self.check(criterion(self.data, number, round))

    def check_drawn(self, count: int) -> None:
        """Filters by number, which spread more evenly over the grammar than those of hypothesis."""
        for number in range(count):
            self.check(drawn(Choices(random.Random(number).randrange), self.data))

    def check_values(self, rounds: int) -> None:
        for round in range(rounds):
            for number in range(len(VALUED)):
                self.check(values_of_one(self.data, number, round))

    def check_words(self, count: int) -> None:
        for number in range(count):
            self.check(word_of_element(self.data, number))

    def check_many(self, examples: int, *, shrink: bool = True) -> None:
        """Filters that hypothesis draws, always the same ones."""

        @settings(
            max_examples=examples,
            database=None,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(filters(self.data))
        def agree(question: Filter) -> None:
            self.check(question)

        agree()


def test_filters(admin: RestClient) -> None:
    run = Run(1, admin)
    run.check_many(EXAMPLES)
    assert run.results["some"] >= SHARE * run.results.total()


def test_each_criterion() -> None:
    """Every operator on every type, with and without null."""
    run = Run(3)
    run.check_each()
    kinds = {kind for kinds in SCHEMA.kinds.values() for kind in kinds.values()}
    assert run.kinds.keys() == {
        (operator, "many" if kind.many else kind.type, null)
        for kind in kinds
        for operator in operators(kind)
        for null in ((False, True) if operator in EQUALITY else (False,))
    }


def test_words_of_elements() -> None:
    """``%`` beside other criteria on one element: drawn too seldom by chance."""
    run = Run(2)
    run.check_words(WORDS)
    assert run.results["some"] >= WORDS / 3


def test_values_of_one_attribute() -> None:
    """Criteria that are one list to the database mean what they mean apart."""
    run = Run(2)
    run.check_values(6)
    assert run.results["some"] >= SHARE * run.results.total()


@pytest.mark.slow
def test_many_filters() -> None:
    """Many filters on several data sets; nothing of the grammar is left out."""
    used: set[str] = set()

    @settings(
        max_examples=DATA_SETS,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32 - 1))
    def agree(number: int) -> None:
        with transaction.atomic():
            run = Run(number)
            run.check_many(MANY_EXAMPLES)
            run.check_drawn(MANY_EXAMPLES)
            transaction.set_rollback(True)
        assert run.results["some"] >= SHARE * run.results.total()
        used.update(run.used)

    agree()
    assert not PRODUCTIONS - used


def c(path: str, operator: str, operand: Any = None) -> Criterion:
    return Criterion(steps(path), operator, Quoted(operand) if isinstance(operand, str) else operand)


@pytest.mark.parametrize(
    ("dataclass", "text", "node"),
    [
        ("Everything", "not(json.tags[].name % dune)", Not(c("json.tags[].name", "%", "dune"))),
        ("Everything", "json.tags[a].name % dune", c("json.tags[a].name", "%", "dune")),
        ("Everything", "not(json.tags[a].name % dune)", Not(c("json.tags[a].name", "%", "dune"))),
        ("Everything", "not(json.tags.length % 2)", Not(c("json.tags.length", "%", "2"))),
        ("Everything", "label % lima", c("label", "%", "lima")),
        # Microseconds, which clients do not see.
        (
            "Everything",
            "moment in ['2024-01-02T03:04:05.678Z']",
            c("moment", "in", (Quoted("2024-01-02T03:04:05.678Z"),)),
        ),
        # Some of the companies are hidden.
        ("Employee", "employer.extra.tags[].subs[].x = null", c("employer.extra.tags[].subs[].x", "=")),
        # One list, and no part of it is a pattern.
        (
            "Everything",
            "label === 'b@d' or label === 'lim@'",
            Or((c("label", "===", "b@d"), c("label", "===", "lim@"))),
        ),
        ("Employee", "employer.extra.score in [null]", c("employer.extra.score", "in", (None,))),
    ],
)
def test_once_wrong(dataclass: str, text: str, node: Node) -> None:
    """What the two once did not agree on, and what is drawn too seldom."""
    Run(4).check(Filter(dataclass, node, (), text, None, False, frozenset(), frozenset()))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("dataclass", "path"), [("Everything", "label"), ("Employee", "employer.extra.level")]
)
def test_order_once_wrong(dataclass: str, path: str, descending: bool) -> None:
    key = SCHEMA.keys[dataclass]
    text = f"{key} != null order by {path} {'desc' if descending else ''}"
    order = ((steps(path), descending),)
    Run(4).check(Filter(dataclass, c(key, "!="), order, text, None, False, frozenset(), frozenset()))


# Bugs that the run must find, each a change of one line.


def _nulls_differ(monkeypatch: Any) -> None:
    """``a != v`` returns nulls."""
    everything = property(lambda value: ALWAYS & value.seen)
    monkeypatch.setattr(Visible, "present", everything)


def _entities_of_their_own(monkeypatch: Any) -> None:
    """Each criterion on a to-many relation bears on an entity of its own."""
    groups = compiler._groups

    def apart(term: Any) -> Any:
        return [group for single in compiler._flat(term) for group in groups(single)]

    monkeypatch.setattr(compiler, "_groups", apart)


def _words_of_elements_of_their_own(monkeypatch: Any) -> None:
    """A letter does not bind a word to the element of the other criteria."""
    letter: Any = compiler.Criterion.letter

    def apart(term: compiler.Criterion) -> Any:
        return None if term.comparator is Comparator.WORD else letter.fget(term)

    monkeypatch.setattr(compiler.Criterion, "letter", property(apart))


def _lists_over_relations(monkeypatch: Any) -> None:
    """Of several related entities the same one must differ from all values of a list."""
    equality = terms._equality

    def everywhere(term: Any, *, is_: bool) -> Any:
        if not is_ and isinstance(term, terms.Criterion) and term.comparator in terms.DIFFERING:
            return terms.Criterion(term.place, terms.DIFFERING[term.comparator], term.operand)
        return equality(term, is_=is_)

    monkeypatch.setattr(terms, "_equality", everywhere)


def _patterns_not_escaped(monkeypatch: Any) -> None:
    """The wildcards of SQL are wildcards in a text with ``@``."""
    monkeypatch.setattr(text_folding, "_like_pattern", "%".join)
    monkeypatch.setattr(text_folding, "_glob_pattern", "*".join)


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (_nulls_differ, lambda run: run.check_each()),
        (_entities_of_their_own, lambda run: run.check_many(3 * EXAMPLES, shrink=False)),
        (_words_of_elements_of_their_own, lambda run: run.check_words(WORDS)),
        (_patterns_not_escaped, lambda run: run.check_each(rounds=4)),
        (_lists_over_relations, lambda run: run.check_values(20)),
    ],
)
def test_planted_bugs_are_caught(monkeypatch: Any, plant: Any, check: Any) -> None:
    run = Run(1)
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=r"Dataset\(1\)"):
        check(run)
