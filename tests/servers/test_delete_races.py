"""Many clients who delete one row at once: one is answered ok, and the site hears of one delete (D-62).

Real processes on a real database. ``delete_crew.py`` is what they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .harness import Crew, Site, copy_site, mariadb_database, postgresql_database

PROCESSES = 4
SLOW = pytest.mark.slow
OK = {"http": 200, "codes": [], "heard": 1}
GONE = {"http": 404, "codes": [1543], "heard": 0}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", pytest.param("mariadb", marks=SLOW)])
def crew(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Crew]:
    """Clients of an empty database. SQLite is used as Django uses it if nothing is said."""
    folder, engine = tmp_path_factory.mktemp(request.param), request.param
    with ExitStack() as stack:
        if engine == "sqlite":
            environment = {"SQLITE_TRANSACTION_MODE": "DEFERRED"}
            site = copy_site(request.getfixturevalue("prepared"), folder, environment=environment)
        elif engine == "postgresql":
            name = stack.enter_context(postgresql_database())
            site = Site(folder, engine=engine, database=name)
        else:
            name = stack.enter_context(mariadb_database())
            site = Site(folder, engine=engine, environment={"MYSQL_DATABASE": name})
        crew = Crew(site, "tests.servers.delete_crew")
        stack.callback(crew.close)
        if engine != "sqlite":
            crew("prepare")
        yield crew


def run(crew: Crew, dataclass: str, keys: list[str], paths: list[str]) -> list[list[dict[str, Any]]]:
    """For every address what the processes were answered, in an order of no meaning."""
    answers = crew("race", processes=PROCESSES, paths=paths)
    return [sorted(seen, key=str) for seen in zip(*answers, strict=True)]


@pytest.mark.parametrize("told", [True, pytest.param(False, marks=SLOW)], ids=["with stamps", "without"])
@pytest.mark.parametrize(
    ("dataclass", "rows"),
    [
        ("Country", 10),
        ("Planet", 10),
        ("Hidden", 10),
        pytest.param("Country", 100, marks=SLOW),
        pytest.param("Planet", 100, marks=SLOW),
        pytest.param("Hidden", 100, marks=SLOW),
    ],
)
def test_by_key(crew: Crew, dataclass: str, rows: int, told: bool) -> None:
    """Rows that are deleted, with stamps in the side table and in a column, and rows that are hidden."""
    keys = crew("furnish", dataclass=dataclass, rows=rows, told=told, prefix=f"k{told:d}{rows}")
    answers = run(crew, dataclass, keys, [f"{dataclass}({key})" for key in keys])
    assert answers == [[OK, GONE, GONE, GONE]] * rows
    hidden = dataclass == "Hidden"
    expected = {"rows": rows if hidden else 0, "shown": 0, "gone": 0 if hidden else rows}
    assert crew("left", dataclass=dataclass, keys=keys) == expected


@pytest.mark.slow
@pytest.mark.parametrize("dataclass", ["Country", "Planet"])
def test_all_or_none(crew: Crew, dataclass: str) -> None:
    """Two rows by one request, named in either order."""
    keys = crew("furnish", dataclass=dataclass, rows=20, told=True, prefix="a")
    pairs = [keys[place : place + 2] for place in range(0, 20, 2)]
    paths = [f"{dataclass}({one},{two})?$atomic=true" for one, two in pairs]
    answers = run(crew, dataclass, keys, paths)
    assert answers == [[{**OK, "heard": 2}, GONE, GONE, GONE]] * 10
    assert crew("left", dataclass=dataclass, keys=keys)["rows"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("dataclass", ["Country", "Planet", "Hidden"])
@pytest.mark.parametrize("atomic", ["", "&$atomic=true"])
def test_by_filter(crew: Crew, dataclass: str, atomic: str) -> None:
    """What is gone meanwhile needs no deleting."""
    prefix = f"f{atomic[2:3]}"
    keys = crew("furnish", dataclass=dataclass, rows=10, told=True, prefix=prefix)
    name = "id" if dataclass == "Hidden" else "code"
    paths = [f"{dataclass}?$filter=\"{name} = '{key}'\"{atomic}" for key in keys]
    answers = run(crew, dataclass, keys, paths)
    assert [[one["http"] for one in seen] for seen in answers] == [[200] * PROCESSES] * 10
    assert [sum(one["heard"] for one in seen) for seen in answers] == [1] * 10
    assert crew("left", dataclass=dataclass, keys=keys)["shown"] == 0
