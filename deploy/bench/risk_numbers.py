"""How long the numbers of market risk take: VaR and ES, updates, stresses, Greeks, fills.

No stack and no job: the functions of `udfs.risk`, in one process with one thread, as a worker has.
Times are medians of repeats. QuantLib is measured beside them if it is installed.

    python -m deploy.bench.risk_numbers SEED REPEATS      prints the results as JSON
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from time import perf_counter

import numpy as np

from connectors.generators.market.world import MarketWorld
from deploy.bench import risk_made as made
from deploy.bench import risk_measures
from deploy.bench import risk_peer as peer
from deploy.bench.harness import Result
from deploy.bench.timing import median_ms
from deploy.environment import ONE_THREAD
from deploy.errors import UserError
from udfs.risk import options, positions, stress
from udfs.risk.positions import Positions
from udfs.risk.scenarios import ScenarioSet, traded, vector, vectors
from udfs.risk.stress import Shift, Stress
from udfs.risk.tails import Tail, historical
from udfs.risk.whole import Floats, Ints

INSTRUMENTS, SCENARIOS = 500, 100_000
BOOKS, BOOK_SCENARIOS = 60, 5_000
OPTIONS = 500
BAR_FULL_MS, BAR_UPDATE_MS, BAR_GREEKS_MS, BAR_STRESS_MS = 100, 20, 5, 1_000
FILLS, BATCH, HELD = 100_000, 2_500, 30
"""Fills in all and in a batch; instruments that a book holds."""
_CRASH = float(np.log(0.8))


def measured(seed: int, repeats: int) -> list[Result]:
    """`run` in a process of its own whose libraries have one thread.

    Raises:
        UserError: It failed.
    """
    argv = [sys.executable, "-m", "deploy.bench.risk_numbers", str(seed), str(repeats)]
    env = os.environ | ONE_THREAD
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise UserError(f"risk numbers could not be measured: {lines[-1] if lines else 'no word'}")
    return [Result(**row) for row in json.loads(done.stdout)]


def run(
    seed: int,
    repeats: int,
    instruments: int = INSTRUMENTS,
    scenarios: int = SCENARIOS,
    books: int = BOOKS,
) -> list[Result]:
    """All of it; smaller sizes are for tests."""
    world = MarketWorld(seed)
    began = perf_counter()
    firm = made.scenarios(world, instruments, scenarios)
    drawn = perf_counter() - began
    firm.largest  # noqa: B018  # once a set, as `rows`
    held = made.exposures(seed, books, instruments)
    size = f"{scenarios:,} scenarios x {instruments} instruments"
    return [
        *_tails(firm, held[0], size, repeats),
        *_stresses(world, seed, repeats),
        *_greeks(seed, repeats),
        *_fills(seed, books),
        Result(f"drawing a set of {size}, once a set", round(drawn, 2), "s"),
        *_grown(firm, held, repeats),
        *risk_measures.run(world, repeats, min(BOOK_SCENARIOS, scenarios), scenarios),
        *peer.run(firm, held[0], made.options(seed, OPTIONS), repeats),
    ]


def full(scenarios: ScenarioSet, held: Ints) -> Tail:
    """VaR and ES from positions alone."""
    return historical(vector(scenarios, held).pnl)


def _tails(firm: ScenarioSet, held: Ints, size: str, repeats: int) -> list[Result]:
    """The full pass, and the update by a trade in one instrument."""
    book = vector(firm, held)

    def update() -> Tail:
        return historical(traded(book, firm, {7: 1_000_000}).pnl)

    passed = median_ms(partial(full, firm, held), repeats)
    quantile = median_ms(partial(historical, book.pnl), repeats)
    return [
        Result(f"VaR and ES, {size}, full pass", passed, "ms", BAR_FULL_MS, True),
        Result(
            f"VaR and ES, {size}, after a trade", median_ms(update, repeats), "ms",
            BAR_UPDATE_MS, True,
        ),
        Result(f"of these the quantile of {book.pnl.size:,} scenarios", quantile, "ms"),
    ]  # fmt: skip


def _stresses(world: MarketWorld, seed: int, repeats: int) -> list[Result]:
    """All books of a firm under stresses, every instrument revalued, options by Black-Scholes."""
    universe = world.universe
    names, every = universe.factors.names, np.arange(len(universe))
    day = np.full(len(universe), float(world.past.instruments.days[-1]))
    volatility = world.past.volatility[-1][universe.group]
    held = made.exposures(seed, BOOKS, len(universe)) // 1_000
    stresses = (
        *parallel_steps(),
        *(Stress(f"{n} up 1 %", (Shift(n, amount=0.01),)) for n in names),
    )
    today = np.zeros(len(names))

    def reprice(levels: Floats) -> Floats:
        moved = universe.level + levels @ universe.loadings.T
        return np.array(
            [universe.prices(every, row[universe.root], day, volatility) for row in moved]
        )

    def work() -> None:
        after = stress.shifted(names, today, stresses)
        scenarios = stress.revalued(world.past.instruments.names, today, after, reprice)
        for book in held:
            stress.outcomes(vector(scenarios, book), scenarios, stresses, after)

    what = f"stress run, {len(stresses)} stresses, {len(universe)} instruments, {BOOKS} books"
    return [Result(what, median_ms(work, repeats), "ms", BAR_STRESS_MS, True)]


def parallel_steps() -> tuple[Stress, ...]:
    """Stresses of a generated market's factors, which are steps of logarithms and yields."""
    return (
        Stress("market down 20 %", (Shift("market", amount=_CRASH),)),
        Stress("rates up 100 bp", (Shift("rate:*:level", amount=0.01),)),
        Stress("rates down 100 bp", (Shift("rate:*:level", amount=-0.01),)),
        Stress("currencies up 6 % against the dollar", (Shift("fx:*", amount=0.06),)),
        Stress(
            "market down 20 %, rates up 100 bp",
            (Shift("market", amount=_CRASH), Shift("rate:*:level", amount=0.01)),
        ),
    )


def _greeks(seed: int, repeats: int) -> list[Result]:
    """Prices and Greeks of a book of options, and volatilities from their prices."""
    book = made.options(seed, OPTIONS)
    prices = options.price(*book)
    implied = partial(options.implied_volatility, prices, *book[:-1])
    what = f"of a book of {OPTIONS} options"
    return [
        Result(
            f"prices and Greeks {what}", median_ms(partial(options.value, *book), repeats), "ms",
            BAR_GREEKS_MS, True,
        ),
        Result(f"implied volatilities {what}", median_ms(implied, repeats), "ms"),
    ]  # fmt: skip


def _fills(seed: int, books: int) -> list[Result]:
    """Positions folded from fills, FIFO and average cost side by side."""
    rng = np.random.default_rng([seed, 3])
    at = rng.integers(0, books * HELD, FILLS)
    units = rng.integers(1, 1_000, FILLS) * rng.choice([-1, 1], FILLS)
    price = rng.integers(5_000, 15_000, FILLS)
    state, touched = Positions.flat(books * HELD), 0
    began = perf_counter()
    for first in range(0, FILLS, BATCH):
        cut = slice(first, first + BATCH)
        state, _ = positions.apply(state, at[cut], units[cut], price[cut])
        touched += len(np.unique(at[cut]))
    took = perf_counter() - began
    what = f"{books * HELD:,} positions, batches of {BATCH:,} fills, FIFO and average cost"
    return [
        Result(f"positions updated, {what}", round(touched / took), "positions/s"),
        Result(f"fills applied, {what}", round(FILLS / took), "fills/s"),
    ]


def _grown(firm: ScenarioSet, held: Ints, repeats: int) -> list[Result]:
    """The full pass at quarters and halves of instruments, scenarios and books."""
    rows, count = firm.changes.shape
    results = []
    for instruments, scenarios in ((rows // 4, count), (rows // 2, count), (rows, count // 4),
                                   (rows, count // 2)):  # fmt: skip
        smaller = made.part(firm, instruments, scenarios)
        took = median_ms(partial(full, smaller, held[0, :instruments]), repeats)
        what = f"full pass, {scenarios:,} scenarios x {instruments} instruments"
        results.append(Result(what, took, "ms"))
    small = made.part(firm, rows, min(BOOK_SCENARIOS, count))
    for books in (len(held) // 4, len(held) // 2, len(held)):
        took = median_ms(partial(_all_books, small, held[:books]), repeats)
        what = f"full pass of {books} books, {small.changes.shape[1]:,} scenarios x {rows}"
        results.append(Result(f"{what} instruments each", took, "ms"))
    return results


def _all_books(scenarios: ScenarioSet, held: Ints) -> list[Tail]:
    return [historical(pnl) for pnl in vectors(scenarios, held)]


if __name__ == "__main__":
    found = run(*map(int, sys.argv[1:3]))
    print(json.dumps([asdict(result) for result in found]))
