"""Citations and links lead somewhere: decisions, sections of the wire, pages, headings.

A decision is cited as ``D-17``, a choice as ``U-30``, a section of the wire as ``responses.md`` 6.2 in
double backticks, a page as ``docs/errors.md``, a heading of one as ``docs/errors.md``, «Table».
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract import drawn

ROOT = drawn.ROOT
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / ".github").rglob("*.md")])
PROGRAMS = [
    path for folder in ("fourd_rest", "testproject", "tests") for path in (ROOT / folder).rglob("*.py")
]
# Parts of docs/protocol/wire.md, which are cited as the pages that they stand for.
PARTS = "requests|responses|query|functions|server-facts|sessions|clients|addendum-21r5"

_SECTION = r"\d+(?:\.\d+)*"
_CITED = re.compile(
    rf"(?P<kind>[DU])-(?P<first>\d+)(?: to (?P=kind)-(?P<last>\d+))?\b"
    rf"|`*\b(?P<part>{PARTS})\.md`*,? (?P<sections>{_SECTION}(?:(?:, | and | to ){_SECTION})*)"
)
_PAGE = re.compile(r"``(?P<page>[\w/.-]+\.md)``(?:, «(?P<heading>[^»]+)»)?")
# Documents that a reader does not have.
_ELSEWHERE = re.compile(r"\b(?:design «[^»]*»|(?:seed|research|spec)/\w+\.md)")


def text_of(path: Path) -> str:
    """What ``path`` holds with its lines joined, so that no citation is broken in two."""
    return re.sub(r"\n\s*(?:#\s+)?", " ", path.read_text(encoding="utf-8"))


def numbers(first: str, last: str | None) -> list[int]:
    return list(range(int(first), int(last or first) + 1))


def sections(listed: str) -> Iterator[str]:
    """The sections in «2, 4 to 6 and 8.1»."""
    for piece in re.split(r", | and ", listed):
        first, _, last = piece.partition(" to ")
        if last:
            yield from map(str, numbers(first, last))
        else:
            yield first


def cited(text: str) -> Iterator[str]:
    """The anchors that ``text`` cites."""
    for match in _CITED.finditer(text):
        if match["kind"]:
            for number in numbers(match["first"], match["last"]):
                yield f"{match['kind'].lower()}-{number:02}"
        else:
            for section in sections(match["sections"]):
                yield f"{match['part']}-{section.replace('.', '-')}"


def anchor(heading: str) -> str:
    """What a link calls a heading."""
    return re.sub(r"[^\w -]", "", re.sub(r"<[^>]*>", "", heading).lower()).replace(" ", "-")


def headings(path: Path) -> list[str]:
    outside = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"^#+ (.+)$", outside, re.MULTILINE)


def anchors(path: Path) -> list[str]:
    """The anchors of a page that its own headings name, then those of its headings' text."""
    titles = headings(path)
    return re.findall(r'<a id="([^"]+)"', "\n".join(titles)) + [anchor(title) for title in titles]


KNOWN = [name for path in drawn.PROTOCOL.glob("*.md") for name in anchors(path)]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_citations_are_understood() -> None:
    text = (
        "``responses.md`` 2, 3 and 6.1, D-01 to D-03, (U-30), ``query.md`` 4 to 6; ``server-facts.md`` 9"
    )
    assert list(cited(text)) == [
        *("responses-2", "responses-3", "responses-6-1", "d-01", "d-02", "d-03", "u-30"),
        *("query-4", "query-5", "query-6", "server-facts-9"),
    ]


def test_every_citation_has_its_anchor() -> None:
    known = set(KNOWN)
    dead = [
        f"{relative(path)}: {name}"
        for path in [*PROGRAMS, *PAGES]
        for name in cited(text_of(path))
        if name not in known
    ]
    assert dead == []


def test_every_cited_page_is_there() -> None:
    dead = []
    for path in PROGRAMS:
        text = _CITED.sub("", text_of(path))
        for match in _PAGE.finditer(text):
            folders = (ROOT, ROOT / "docs", path.parent)
            found = [folder / match["page"] for folder in folders if (folder / match["page"]).is_file()]
            if not found or match["heading"] not in [None, *headings(found[0])]:
                dead.append(f"{relative(path)}: {match[0]}")
    assert dead == []


def test_nothing_is_cited_that_a_reader_does_not_have() -> None:
    dead = [
        f"{relative(path)}: {match}"
        for path in [*PROGRAMS, *PAGES]
        if path != Path(__file__)
        for match in _ELSEWHERE.findall(text_of(path))
    ]
    assert dead == []


def test_every_anchor_stands_once() -> None:
    explicit = re.compile(rf"(?:[du]|{PARTS})-[\d-]+\Z")
    counted = Counter(name for name in KNOWN if explicit.match(name))
    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("source", PAGES, ids=relative)
def test_links_lead_somewhere(source: Path) -> None:
    for target, at in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", source.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        there = (source.parent / target).resolve() if target else source
        assert there.exists(), target
        if at:
            assert at in anchors(there), f"{target}#{at}"


@pytest.mark.parametrize(("path", "name"), drawn.PARTS, ids=lambda part: getattr(part, "stem", part))
def test_what_is_drawn_is_up_to_date(path: Path, name: str) -> None:
    """Else: ``python -m tests.contract.drawn``."""
    text = path.read_text(encoding="utf-8")
    assert drawn.drawn(text, name, drawn.PARTS[path, name]()) == text
