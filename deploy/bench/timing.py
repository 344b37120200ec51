"""How long a call takes."""

from collections.abc import Callable
from statistics import median
from time import perf_counter


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median milliseconds of a call, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return round(1_000 * median(taken), 4)
