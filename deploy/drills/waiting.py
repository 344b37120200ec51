"""The clock that drills wait and measure by."""

import time
from collections.abc import Callable

from deploy.errors import UserError

MONOTONIC = time.monotonic
SLEEP = time.sleep


def until(true: Callable[[], bool], trouble: str, timeout: float, every: float) -> None:
    """Ask every so many seconds until something is true; UserError with `trouble` if it is not."""
    deadline = MONOTONIC() + timeout
    while not true():
        if MONOTONIC() > deadline:
            raise UserError(f"{trouble} after {timeout:.0f} s; see: tidemark logs taskmanager-0")
        SLEEP(every)
