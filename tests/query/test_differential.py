"""The SQL of the run's database against the naive evaluator of ``oracle``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.conftest import RestClient

from .datasets import SCHEMA, Dataset
from .strategies import CRITERIA, ORACLE, Filter, criterion, filters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("served")]


class Run:
    """Asks both about filters on one data set, and counts what was asked."""

    def __init__(self, client: RestClient, data: Dataset) -> None:
        self.client = client
        self.data = data
        self.used: Counter[str] = Counter()
        self.kinds: Counter[tuple[str, str, bool]] = Counter()
        self.results: Counter[str] = Counter()
        data.store()

    def check(self, question: Filter) -> None:
        rows = self.data.rows[question.dataclass]
        key = SCHEMA.keys[question.dataclass]
        found = [row for row in rows if ORACLE.holds(question.node, row, question.dataclass)]
        expected = [str(row[key]) for row in ORACLE.ordered(found, question.order, question.dataclass)]
        answer = self._answer(question)
        if not question.order:
            answer.sort(key=int)
        assert answer == expected, f"{self.data} {question}"
        self.used.update(question.used)
        self.kinds.update(question.kinds)
        self.results["all" if len(found) == len(rows) else "some" if found else "none"] += 1

    def _answer(self, question: Filter) -> list[str]:
        attribute = SCHEMA.keys[question.dataclass]
        answer = self.client.read(
            f"{question.dataclass}?$attributes={attribute}&$top=1000&{question.query_string}"
        )
        document = answer.json()
        assert "__ERROR" not in document, f"{self.data} {question}: {document}"
        return [row["__KEY"] for row in document["__ENTITIES"]]


def ask(run: Run, filters_of: Any, examples: int) -> None:
    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(filters_of)
    def agree(question: Filter) -> None:
        run.check(question)

    agree()


def test_each_criterion(admin: RestClient) -> None:
    """Every operator on every attribute, with and without null."""
    run = Run(admin, Dataset(7))
    for number in range(len(CRITERIA)):
        run.check(criterion(run.data, number))
    types = {kind.type for kinds in SCHEMA.kinds.values() for kind in kinds.values()}
    assert {type for _, type, _ in run.kinds} == types | {"many"}


def test_filters(admin: RestClient) -> None:
    run = Run(admin, Dataset(1))
    ask(run, filters(run.data), 300)
    assert run.results["some"] >= 0.6 * run.results.total()
