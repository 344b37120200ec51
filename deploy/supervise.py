"""Runs one command for ever: when it ends, what it left behind is ended and it starts again.

    python -m deploy.supervise COMMAND ...

For services that may die without anyone's fault and that everything waits for: a dead ticker
stalls all readers, and a TaskManager ends itself when a job is cancelled while its Python worker
is still starting. `{attempt}` in an argument becomes a text that differs at each start. SIGTERM
ends the command, then this.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 10.0
STEADY_S = 30.0
"""A command that lived this long has recovered: the next wait is short again."""
GRACE_S = 15.0


class Supervisor:
    """One supervised command."""

    def __init__(self, argv: Sequence[str]) -> None:
        """Nothing is started yet."""
        self._argv = argv
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start the command again each time it ends, after growing pauses if it ends soon."""
        wait, attempt = BACKOFF_S, 0
        while True:
            attempt += 1
            began = time.monotonic()
            code = self._once(f"{os.getpid()}-{attempt}")
            lived = time.monotonic() - began
            wait = next_wait(wait, lived)
            logging.warning("ended with code %d after %.0f s; again in %.1f s", code, lived, wait)
            time.sleep(wait)

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """End the command and all it started, then this process."""
        if self._child is not None:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(GRACE_S)
            end_group(self._child.pid)
        sys.exit(0)

    def _once(self, attempt: str) -> int:
        argv = [part.replace("{attempt}", attempt) for part in self._argv]
        self._child = subprocess.Popen(argv, start_new_session=True)
        code = self._child.wait()
        end_group(self._child.pid)
        self._child = None
        return code


def next_wait(wait: float, lived: float) -> float:
    """How long to wait before the next start, after a command that lived `lived` seconds."""
    return BACKOFF_S if lived > STEADY_S else min(wait * 2, LONGEST_BACKOFF_S)


def end_group(leader: int) -> None:
    """End what is left of a process group, such as Python workers without their TaskManager."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def main() -> None:
    """Supervise the command given as arguments."""
    logging.basicConfig(
        format="%(asctime)s supervisor %(levelname)s %(message)s", level=logging.INFO
    )
    supervisor = Supervisor(sys.argv[1:])
    signal.signal(signal.SIGTERM, supervisor.stop)
    supervisor.run()


if __name__ == "__main__":
    main()
