"""The clock that drills wait and measure by."""

import time

MONOTONIC = time.monotonic
SLEEP = time.sleep
