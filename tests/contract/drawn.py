"""What the docs hold that is made from something else: the layers, the index of the decisions.

``python -m tests.contract.drawn`` writes it anew between its markers; a test fails where it differs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = ROOT / "docs" / "protocol"
# A decision, or a choice where the sources are silent, as its page has it.
_ENTRY = re.compile(r'^### <a id="([du]-\d+)"></a>([DU]-\d+) (.+)$', re.MULTILINE)


def layers() -> str:
    """The import-linter contracts of ``pyproject.toml``: layers as a picture, all others as a list."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return "\n\n".join(map(_contract, settings["tool"]["importlinter"]["contracts"]))


def _contract(contract: dict[str, Any]) -> str:
    return _rule(contract) + _exceptions(contract.get("ignore_imports", []))


def _rule(contract: dict[str, Any]) -> str:
    told = f"**{contract['name']}.**"
    match contract["type"]:
        case "layers":
            within = ", ".join(f"`{name}`" for name in contract.get("containers", []))
            return f"{told} Within {within}:\n\n```text\n{_picture(contract['layers'])}\n```"
        case "forbidden":
            sources, targets = contract["source_modules"], contract["forbidden_modules"]
            return f"{told} {_names(sources)} may not import {_names(targets)}."
        case "protected":
            targets, sources = contract["protected_modules"], contract["allowed_importers"]
            return f"{told} Only {_names(sources)} may import {_names(targets)}."
        case "independence":
            return f"{told} None of {_names(contract['modules'])} imports another."
        case _:
            return told


def _names(modules: list[str]) -> str:
    return ", ".join(f"`{module}`" for module in modules)


def _exceptions(imports: list[str]) -> str:
    return "".join(["\n\nBut for:\n", *(f"\n- `{line}`" for line in imports)]) if imports else ""


def _picture(rows: list[str]) -> str:
    lines = ["   ".join(re.findall(r"[\w.()]+", row)) for row in rows]
    width = max(map(len, lines)) + 2
    bar = "─" * width
    boxes = f"\n├{bar}┤\n".join(f"│ {line.ljust(width - 1)}│" for line in lines)
    return f"┌{bar}┐\n{boxes}\n└{bar}┘"


def entries() -> Iterator[tuple[str, str, str]]:
    """Page, name and title of every decision and choice: decisions first, each kind by number."""
    found = [
        (path.name, name, title)
        for path in PROTOCOL.glob("*.md")
        for _, name, title in _ENTRY.findall(path.read_text(encoding="utf-8"))
    ]
    yield from sorted(found, key=lambda entry: entry[1])


def index() -> str:
    rows = [
        f"| {name} | [{title.replace('|', '&#124;')}]({page}#{name.lower()}) |"
        for page, name, title in entries()
    ]
    return "\n".join(["| | |", "| --- | --- |", *rows])


PARTS: dict[tuple[Path, str], Callable[[], str]] = {
    (ROOT / "docs" / "architecture.md", "layers"): layers,
    (PROTOCOL / "README.md", "index"): index,
}


def drawn(text: str, name: str, part: str) -> str:
    """``text`` with ``part`` between the markers of ``name``."""
    head, tail = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(head)
    _, found, after = rest.partition(tail)
    if not found:
        raise ValueError(f"no markers of {name}")
    return f"{before}{head}\n{part}\n\n{tail}{after}"


def main() -> None:
    for (path, name), part in PARTS.items():
        text = path.read_text(encoding="utf-8")
        path.write_text(drawn(text, name, part()), encoding="utf-8")


if __name__ == "__main__":
    main()
