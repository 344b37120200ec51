"""Whether a full second of log time has anything new to measure.

Without news the numbers of the second before still hold; they are not told again, so a night
without trading costs nothing.
"""

from collections.abc import Callable

from udfs.risk.parameters import SECOND_MS

NEWEST, NEWS = "measured until", "news since"


def due(
    slice_end: int,
    came: bool,
    now: int,
    value: Callable[[str], int],
    put: Callable[[str, int], None],
) -> bool:
    """Whether a full second ends with a slice, and there was news since the last one with news.

    Args:
        slice_end: End of the slice, milliseconds of log time.
        came: Records came in it.
        now: Business time after it, microseconds UTC: what is stale depends on it.
        value: Reads a number of the state, 0 if it was never set.
        put: Sets one.
    """
    news = came or now > value(NEWEST)
    if slice_end % SECOND_MS:
        if news and not value(NEWS):
            put(NEWS, 1)
        return False
    if not news and not value(NEWS):
        return False
    put(NEWEST, now)
    put(NEWS, 0)
    return True
