"""How long it takes to score a customer: features, both models, peer group, reasons."""

from time import perf_counter, process_time

import numpy as np
import polars as pl

from connectors.store import TableStore
from deploy.bench.harness import Result
from deploy.train.worlds import world
from udfs.aml import features, model
from udfs.aml.flow_groups import Array
from udfs.aml.model_score import ModelScore, Params
from udfs.aml.rule import DAY, Band, Moment

BAR_MS = 10.0
PEOPLE, DAYS, RATE = 1_000, 28, 0.01
EVERYBODY = Params(bands=(Band(name="LOW", at_least=0, score=1),), cool_down_s=0)
"""Every customer gets an outcome with reasons: the longest way there is."""


def run(seed: int, count: int) -> list[Result]:
    """Milliseconds a customer: scored from features, a day closed for one, a day for all."""
    events = world(seed, PEOPLE, DAYS + 1, RATE).events
    owners = events["owner_number"].unique().sort().to_list()
    chosen = np.random.default_rng([seed, 3]).choice(owners, min(count, len(owners)), False)
    rule = ModelScore()
    scored = np.array([_scored(values) for values in _features(events)[:count]])
    alone = np.array([_closing(rule, _of(events, [owner]), EVERYBODY)[0] for owner in chosen])
    every, reached = _closing(rule, events, EVERYBODY)
    usual, _ = _closing(rule, events, Params())
    one = f"one customer of {len(scored)}: both scores, peer group, reasons"
    day = f"a day closed for one customer of {len(alone)} alone, {DAYS} days of history"
    return [
        *_percentiles(one, scored, BAR_MS),
        *_percentiles(day, alone, None),
        _each(f"a customer of {reached} closed and scored together, all with reasons",
              every[0], reached),
        _each(f"a customer of {reached} closed and scored together, reasons by the bands",
              usual[0], reached),
    ]  # fmt: skip


def _percentiles(what: str, seconds: Array, bar: float | None) -> list[Result]:
    """Of time that passed and of processor time; shape of `seconds` (n, 2)."""
    passed, busy = seconds.T
    return [
        Result(f"p50 {what}", _ms(passed, 50), "ms"),
        Result(f"p99 {what}", _ms(passed, 99), "ms", bar, at_most=True),
        Result(f"p50 {what}, processor time", _ms(busy, 50), "ms"),
        Result(f"p99 {what}, processor time", _ms(busy, 99), "ms", bar, at_most=True),
    ]


def _each(what: str, seconds: float, count: int) -> Result:
    return Result(what, round(1_000 * seconds / max(1, count), 4), "ms", BAR_MS, at_most=True)


def _features(events: pl.DataFrame) -> Array:
    """Features of the last closed day."""
    store = TableStore(features.TABLES, {})
    *_, last = features.closed(store.tables, events)
    return model.matrix(last.rows)


def _scored(values: Array) -> tuple[float, float]:
    """Seconds to score one customer: passed, and of processor time."""
    scorer = model.load(EVERYBODY.model)
    start, busy = perf_counter(), process_time()
    for kind in model.KINDS:
        scorer.scores(kind, values[None, :])
    scorer.groups(values[None, :])
    model.told(scorer.parts("boosted", values, EVERYBODY.named))
    return perf_counter() - start, process_time() - busy


def _of(events: pl.DataFrame, owners: list[int]) -> pl.DataFrame:
    return events.filter(pl.col("owner_number").is_in(owners))


def _closing(
    rule: ModelScore, events: pl.DataFrame, params: Params
) -> tuple[tuple[float, float], int]:
    """Seconds of the call that closes the last whole day (as `_scored`), and its outcomes.

    The posting that closes the day is the last of `events`, put on the day after.
    """
    last = int(events["at"][-1]) // DAY * DAY
    whole = events.filter(pl.col("at") < last + DAY)
    closing = whole[-1:].with_columns(at=pl.lit(last + DAY, pl.Int64))
    store = TableStore(rule.tables, {})
    for _ in features.closed(store.tables, whole):
        pass
    rule(store.tables, closing.clear(), Moment(0, 0, last), params)
    start, busy = perf_counter(), process_time()
    found = rule(store.tables, closing, Moment(0, last, last + DAY), params)
    return (perf_counter() - start, process_time() - busy), found.height


def _ms(seconds: Array, percent: int) -> float:
    return round(1_000 * float(np.percentile(seconds, percent)), 4)
