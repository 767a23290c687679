"""gunicorn on a core of its own, and what its worker has spent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))


def stay_off_the_server():
    """Put this process, which makes the load, on the other cores."""
    os.sched_setaffinity(0, set(CORES[1:] or CORES))


class Server:
    """A running server: ``address``, and the CPU time of its one worker."""

    def __init__(self, *, guests):
        self.guests = guests

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.address = listener.getsockname()
            self._master = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "gunicorn", "--config", "python:tests.benchmarks.gunicorn_conf"),
                    *("--bind", f"fd://{listener.fileno()}"),
                ],
                pass_fds=[listener.fileno()],
                env={**os.environ, "BENCH_GUESTS": str(int(self.guests))},
                preexec_fn=lambda: os.sched_setaffinity(0, {CORES[0]}),
            )
        self._worker = self._first_child()
        return self

    def __exit__(self, *exc):
        self._master.terminate()
        self._master.wait()

    def _first_child(self):
        children = Path(f"/proc/{self._master.pid}/task/{self._master.pid}/children")
        for _ in range(300):
            if self._master.poll() is not None:
                raise RuntimeError("gunicorn did not start")
            if pids := children.read_text().split():
                return int(pids[0])
            time.sleep(0.1)
        raise RuntimeError("gunicorn has no worker")

    def cpu(self):
        """Seconds of CPU, user and system, that the worker has used.

        Linux numbers the CPU clock of a process as ``clock_getcpuclockid`` does. It counts in
        nanoseconds, ``/proc/PID/stat`` in hundredths of a second.
        """
        return time.clock_gettime(~self._worker << 3 | 2)
