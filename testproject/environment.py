"""Where the demo keeps its files, and what ``manage.py demo`` hands on to the servers.

``manage.py demo`` writes ``var/demo.env``; ``manage.py``, ``wsgi.py`` and ``asgi.py`` load it
before the settings are read, so gunicorn and uvicorn serve the site as it was prepared. The tests
do not load it: a demo prepared beside them changes nothing for them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("DEMO_VAR", BASE_DIR / "var")).absolute()
ENV_FILE = VAR / "demo.env"


def load() -> None:
    """Take over what was prepared. A variable that is already set wins."""
    # Before any check of Django's looks for the database in it.
    VAR.mkdir(parents=True, exist_ok=True)
    if ENV_FILE.is_file():
        for line in ENV_FILE.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            os.environ.setdefault(name, value)


def save(values: Mapping[str, str]) -> None:
    """Keep ``values`` for the servers, and set them for a server started by this process."""
    VAR.mkdir(parents=True, exist_ok=True)
    # The secret key is in it: the file is its owner's alone from its first byte, and never half.
    draft = ENV_FILE.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    draft.replace(ENV_FILE)
    os.environ.update(values)
