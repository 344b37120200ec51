"""What surveillance of order events costs, rules, features and models, in one process."""

from collections.abc import Callable, Sequence
from time import perf_counter, process_time

import numpy as np
import polars as pl

from connectors.store import TableStore
from deploy.bench.harness import Result
from deploy.exchange.simulate import simulate
from deploy.train.abuse.samples import placed, seen
from schemas.step import Clock
from udfs.abuse import step
from udfs.abuse.features import Unscored
from udfs.abuse.model import Model
from udfs.abuse.scored import matrix
from udfs.abuse.step import AbuseStep
from udfs.abuse.trees import Array
from udfs.abuse.watch import Watch

BATCH = 5_000
ALONE = 400
"""So many orders are scored, and events decided on, one at a time."""
BAR_MS = 15.0
STEADY, HOURS = 10_000, 730
"""Events a second, and hours of a month, that a cost is told for."""
CORE_HOUR = 0.0425
"""Price of a core for an hour, USD: on demand, c5.2xlarge in us-east-1, 0.34 USD for 8 vCPUs.

Source: EC2 Auto Scaling user guide of AWS, example of spot prices per unit hour. Give your own.
"""
MOST = 5
"""Features told of an order."""


def run(seed: int, orders: int, model: Model, core_hour: float = CORE_HOUR) -> list[Result]:
    """Cost of an event with and without the model, of scoring an order, of one event alone."""
    made = simulate(seed, "default", 2, orders)
    links = {step.OWNERS: made.owner_links, step.INSTRUMENTS: made.instrument_links}
    begin = {topic: placed(frame, 0) for topic, frame in links.items() if frame.height}
    events = placed(made.events, 1)
    bare, _ = _folded(AbuseStep(scorer=Unscored()), begin, events)
    whole, store = _folded(AbuseStep(scorer=model, watcher=Watch(model)), begin, events)
    rows = matrix(seen(made.events, links)[-ALONE * 20 :])
    together = _batched(model, rows)  # first: the tables behind contributions are made once
    each = np.array([_scored(model, row) for row in rows[:ALONE]])
    alone = np.array(_one_by_one(model, store, events[-ALONE:]))
    rate = 1e6 / whole
    cores = STEADY * whole / 1e6
    what = f"{events.height:,} events in batches of {BATCH:,}, one process"
    return [
        Result(f"rules and features: {what}", round(bare, 2), "us/event"),
        Result(f"rules, features, models, drift: {what}", round(whole, 2), "us/event"),
        Result(f"the same as a rate: {what}", round(rate), "events/s a core"),
        Result("the same on two cores, if they do not wait for one another", round(2 * rate),
               "events/s"),
        *together,
        *_percentiles("one order: score and contributions", each, BAR_MS),
        *_percentiles("one event: the whole step", alone, None),
        Result(f"cores for {STEADY:,} events/s, the step alone", round(cores, 2), "cores"),
        Result(f"a month of that, {core_hour:g} USD a core and hour",
               round(cores * HOURS * core_hour, 2), "USD"),
    ]  # fmt: skip


def _folded(
    judge: AbuseStep, begin: dict[str, pl.DataFrame], events: pl.DataFrame
) -> tuple[float, TableStore]:
    """Microseconds of processor time an event; the state after all of them."""
    watched = judge.watcher.tables if judge.watcher is not None else {}
    store = TableStore({**step.TABLES, **watched}, {})
    if begin:
        judge(store.tables, begin, Clock(0, 0))
    began = process_time()
    for low in range(0, events.height, BATCH):
        judge(store.tables, {step.EVENTS: events[low : low + BATCH]}, Clock(low + 1, 0))
        store.commit()
    return 1e6 * (process_time() - began) / events.height, store


def _batched(model: Model, rows: Array) -> list[Result]:
    """Microseconds an order, all together: score, its parts, contributions."""
    parts: dict[str, Callable[[Array], object]] = {
        "boosted trees": model.raw,
        "forest and autoencoder": model.oddity,
        "score of all three": model.score,
        "contributions": lambda asked: model.contributions(asked, MOST),
    }
    found = []
    for name, call in parts.items():
        call(rows[:10])
        began = process_time()
        call(rows)
        cost = 1e6 * (process_time() - began) / len(rows)
        found.append(Result(f"{name}, {len(rows):,} orders together", round(cost, 2), "us/order"))
    return found


def _scored(model: Model, row: Array) -> float:
    """Milliseconds to score one order and say why."""
    began = perf_counter()
    model.score(row[None, :])
    model.contributions(row[None, :], MOST)
    return 1e3 * (perf_counter() - began)


def _one_by_one(model: Model, store: TableStore, events: pl.DataFrame) -> Sequence[float]:
    """Milliseconds of the step for one event, with the state that a market left."""
    judge, found = AbuseStep(scorer=model), []
    again = events.with_columns(order_id=pl.format("again-{}", "order_id"), event=pl.lit("NEWO"))
    for place in range(again.height):
        began = perf_counter()
        judge(store.tables, {step.EVENTS: again[place : place + 1]}, Clock(place, 0))
        found.append(1e3 * (perf_counter() - began))
    return found


def _percentiles(what: str, passed: Array, bar: float | None) -> list[Result]:
    return [
        Result(f"p50 {what}", round(float(np.percentile(passed, 50)), 3), "ms"),
        Result(f"p99 {what}", round(float(np.percentile(passed, 99)), 3), "ms", bar, True),
    ]
