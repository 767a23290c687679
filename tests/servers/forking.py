"""gunicorn, again and again, without loading the site each time.

``python -m tests.servers.forking`` loads it once. For each port that it reads it forks a process that
is gunicorn there, master of one worker and leader of a process group, and writes its number.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from testproject.wsgi import application


class Gunicorn(BaseApplication):
    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{self.port}")
        self.cfg.set("workers", 1)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("control_socket_disable", True)

    def load(self) -> Any:
        return application


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            Gunicorn(int(line)).run()
        print(pid, flush=True)


if __name__ == "__main__":
    main()
