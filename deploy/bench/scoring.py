"""How long it takes to score a customer: features, both models, peer group, reasons."""

from time import perf_counter

import numpy as np
import polars as pl

from connectors.store import TableStore
from deploy.bench.harness import Result
from deploy.train.worlds import world
from udfs.aml import features
from udfs.aml.flow_groups import Array
from udfs.aml.model_score import ModelScore, Params
from udfs.aml.rule import DAY, Band, Moment

BAR_MS = 10.0
PEOPLE, DAYS, RATE = 1_000, 28, 0.01
EVERYBODY = Params(bands=(Band(name="LOW", at_least=0, score=1),), cool_down_s=0)
"""Every customer gets an outcome with reasons: the longest way there is."""


def run(seed: int, count: int) -> list[Result]:
    """Milliseconds a customer: one alone with 28 days of history, and a whole day together."""
    events = world(seed, PEOPLE, DAYS + 1, RATE).events
    owners = events["owner_number"].unique().sort().to_list()
    chosen = np.random.default_rng([seed, 3]).choice(owners, min(count, len(owners)), False)
    rule = ModelScore()
    alone = np.array([_closing(rule, _of(events, [owner]), EVERYBODY)[0] for owner in chosen])
    every, reached = _closing(rule, events, EVERYBODY)
    usual, _ = _closing(rule, events, Params())
    what = f"one customer of {len(alone)}, {DAYS} days of history"
    return [
        Result(f"p50 {what}", _ms(alone, 50), "ms"),
        Result(f"p99 {what}", _ms(alone, 99), "ms", BAR_MS, at_most=True),
        Result(f"greatest {what}", _ms(alone, 100), "ms"),
        Result(f"a customer of {reached} scored together, all with reasons",
               round(1_000 * every / max(1, reached), 4), "ms", BAR_MS, at_most=True),
        Result(f"a customer of {reached} scored together, reasons by the bands",
               round(1_000 * usual / max(1, reached), 4), "ms", BAR_MS, at_most=True),
    ]  # fmt: skip


def _of(events: pl.DataFrame, owners: list[int]) -> pl.DataFrame:
    return events.filter(pl.col("owner_number").is_in(owners))


def _closing(rule: ModelScore, events: pl.DataFrame, params: Params) -> tuple[float, int]:
    """Seconds that the call takes which closes the last whole day, and customers with an outcome.

    The posting that closes the day is the last of `events`, put on the day after.
    """
    last = int(events["at"][-1]) // DAY * DAY
    whole = events.filter(pl.col("at") < last + DAY)
    closing = whole[-1:].with_columns(at=pl.lit(last + DAY, pl.Int64))
    store = TableStore(rule.tables, {})
    for _ in features.closed(store.tables, whole):
        pass
    rule(store.tables, closing.clear(), Moment(0, 0, last), params)
    start = perf_counter()
    found = rule(store.tables, closing, Moment(0, last, last + DAY), params)
    return perf_counter() - start, found.height


def _ms(seconds: Array, percent: int) -> float:
    return round(1_000 * float(np.percentile(seconds, percent)), 4)
