"""How long a netting cycle of 100,000 obligations takes, provenance included."""

from statistics import median
from time import perf_counter

import numpy as np
import polars as pl

from connectors.state import ColumnTable
from deploy.bench.harness import Result
from schemas.merkle import leaf_hash
from schemas.step import Batch, Clock
from udfs.netting import TABLES, Config, NettingStep, nets, provenance
from udfs.netting.step import net_cycles

OBLIGATIONS = 100_000
MEMBERS = 200
CYCLE_US = 60_000_000
BATCHES = 60
CONFIG = Config(cycle_us=CYCLE_US)


def obligations(seed: int, count: int = OBLIGATIONS, members: int = MEMBERS) -> pl.DataFrame:
    """Obligations of one cycle as a batch holds them; few members owe most, as in a real market."""
    rng = np.random.default_rng(seed)
    names = pl.Series([f"LEI{n:017d}" for n in range(members)])
    payer = (members * rng.random(count) ** 2).astype(np.int64)
    receiver = (payer + 1 + (members - 1) * rng.random(count) ** 2).astype(np.int64) % members
    return pl.DataFrame(
        {
            "netting_set": pl.repeat("5493001KJTIIGC8Y1R12|EUR", count, eager=True),
            "asset": pl.repeat("EUR", count, eager=True),
            "scale": pl.repeat(2, count, dtype=pl.Int32, eager=True),
            "payer": names[payer],
            "receiver": names[receiver],
            "amount": rng.integers(1, 10**10, count),
            "trade_time": np.sort(rng.integers(0, CYCLE_US, count)),
            "watermark": pl.repeat(0, count, eager=True),
            "late": pl.repeat(False, count, eager=True),
            "offset": np.arange(count),
            "leaf": [leaf_hash(n.to_bytes(8, "big")) for n in range(count)],
        }
    )


def run(seed: int, repeats: int) -> list[Result]:
    """Median seconds of each part over `repeats` runs, against its bar."""
    log = obligations(seed)
    parts: dict[str, list[float]] = {
        "bilateral": [],
        "multilateral": [],
        "cycle": [],
        "batches": [],
    }
    for _ in range(repeats):
        for name, seconds in _measure(log).items():
            parts[name].append(seconds)
    what = f"{OBLIGATIONS} obligations, {MEMBERS} members"
    return [
        _result(f"bilateral nets with provenance, {what}", parts["bilateral"], 2.0),
        _result(
            f"bilateral and multilateral nets with provenance, {what}", parts["multilateral"], 5.0
        ),
        _result(f"all results of the cycle, {what}", parts["cycle"], 5.0),
        _result(f"the step over {BATCHES} batches, state included, {what}", parts["batches"], None),
    ]


def _measure(log: pl.DataFrame) -> dict[str, float]:
    due = nets.in_cycles(log, CYCLE_US)
    start = perf_counter()
    pairs = nets.paired(due)
    bilaterals = nets.bilateral(pairs)
    bilaterals = bilaterals.with_columns(
        provenance.pair_roots(pairs, bilaterals), net_id=pl.lit("of this run")
    )
    provenance.listing(pairs, bilaterals, CONFIG.chunk)
    bilateral = perf_counter() - start
    views = nets.both_views(bilaterals)
    nets.multilateral(views).with_columns(provenance.member_roots(views))
    multilateral = perf_counter() - start
    start = perf_counter()
    net_cycles(due, CONFIG, shard=0)
    cycle = perf_counter() - start
    start = perf_counter()
    _fold(log)
    return {
        "bilateral": bilateral,
        "multilateral": multilateral,
        "cycle": cycle,
        "batches": perf_counter() - start,
    }


def _fold(log: pl.DataFrame) -> None:
    step = NettingStep(CONFIG)
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    size = -(-log.height // BATCHES)
    for batch, rows in enumerate(log.iter_slices(size)):
        arrived: Batch = {CONFIG.topic: rows}
        step(state, arrived, Clock(batch, 0, {CONFIG.topic: 0}))
    step(state, {}, Clock(BATCHES, CYCLE_US, {CONFIG.topic: CYCLE_US}))


def _result(what: str, seconds: list[float], bar: float | None) -> Result:
    return Result(what, round(median(seconds), 3), "s", bar, at_most=True)
