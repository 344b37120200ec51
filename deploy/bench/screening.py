"""How long a name takes against 20,000 entries on one core, new and seen before."""

from time import perf_counter, thread_time

import numpy as np

from deploy.bench.harness import Result
from deploy.screening import made, scripts
from udfs.screening.config import Config
from udfs.screening.screener import Screener

ENTRIES = 20_000
BAR_MS = 100.0


def names(seed: int, count: int, known: list[made.Made]) -> list[str]:
    """Names to screen: strangers, and one in ten a listed party with typing errors."""
    rng = np.random.default_rng([seed, 2])
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        if rng.random() < 0.1:
            one = known[int(rng.integers(len(known)))].party
            drawn[made.typo(rng, one.usual, 1)] = None
        else:
            make = scripts.person if rng.random() < 0.7 else scripts.firm
            drawn[make(rng).usual] = None
    return list(drawn)


def run(seed: int, count: int, entries: int = ENTRIES) -> list[Result]:
    """Milliseconds a name: median and 99th percentile, passed and of processor time."""
    known = made.made(seed, entries)
    start = perf_counter()
    screener = Screener([one.entry for one in known], Config().threshold)
    built = perf_counter() - start
    asked = names(seed, count, known)
    fresh, busy = np.array([_timed(screener, name) for name in asked]).T
    again, _ = np.array([_timed(screener, name) for name in asked]).T
    hit = sum(bool(screener.hits(name)) for name in asked)
    what = f"of {count} new names against {entries} entries"
    return [
        Result(f"p50 {what}", _ms(fresh, 50), "ms"),
        Result(f"p99 {what}", _ms(fresh, 99), "ms", BAR_MS, at_most=True),
        Result(f"greatest {what}", _ms(fresh, 100), "ms"),
        Result(f"p50 {what}, processor time", _ms(busy, 50), "ms"),
        Result(f"p99 {what}, processor time", _ms(busy, 99), "ms", BAR_MS, at_most=True),
        Result("p99 of the same names again", _ms(again, 99), "ms"),
        Result("new names a second of processor time", round(count / float(busy.sum())), "1/s"),
        Result("index of the list made in", round(built, 2), "s"),
        Result("names with a hit", hit, "names"),
    ]


def _timed(screener: Screener, name: str) -> tuple[float, float]:
    """Seconds that passed, and those of them that this thread was running."""
    start, busy = perf_counter(), thread_time()
    screener.hits(name)
    return perf_counter() - start, thread_time() - busy


def _ms(seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]", percent: int) -> float:
    return round(1_000 * float(np.percentile(seconds, percent)), 4)
