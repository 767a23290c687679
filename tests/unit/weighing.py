"""What one picture costs: ``python -m tests.unit.weighing FILE`` verifies it and tells in JSON.

``cpu`` in seconds; ``memory`` in bytes: how far the process grew at its worst.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def weigh(path: Path, *, cwd: Path = ROOT, timeout: float = 300) -> dict[str, Any]:
    """What verifying the file takes, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, str(path)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(cwd)},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _memory(name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _main(path: str) -> None:
    from fourd_rest.conf import DEFAULTS
    from fourd_rest.errors import RestError
    from fourd_rest.pictures import verification

    warnings.simplefilter("ignore")
    verify: Any = verification.verify
    limits = {"formats": sorted(verification.FORMATS), "max_pixels": 50_000_000}
    if "max_memory" in (verify.__kwdefaults__ or verify.__annotations__):
        limits["max_memory"] = DEFAULTS.MAX_PICTURE_MEMORY
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark is now what there is
    used, began = time.process_time(), time.monotonic()
    answer = "accepted"
    with Path(path).open("rb") as file:
        try:
            verify(file, **limits)
        except RestError as error:
            answer = f"{error} ({error.__cause__!r})"[:200]
    print(
        json.dumps(
            {
                "cpu": round(time.process_time() - used, 3),
                "wall": round(time.monotonic() - began, 3),
                "memory": max(0, _memory("VmHWM") - before),
                "answer": answer,
                "total_cpu": sum(resource.getrusage(resource.RUSAGE_SELF)[:2]),
            }
        )
    )


if __name__ == "__main__":
    _main(sys.argv[1])
