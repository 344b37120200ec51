"""Samples for models: the orders of a simulated market at their end, by the code workers run.

A sample is an order with the features that its end has in the log, and the truth about it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from connectors.store import TableStore
from schemas.step import Batch, Clock, State, TableSpec
from udfs.abuse import step
from udfs.abuse.features import FEATURES, Scorer
from udfs.abuse.trees import Array

BATCH = 20_000
"""Events of a batch: results do not depend on it."""


@dataclass
class Kept:
    """Keeps what models are shown: a Watcher (udfs.abuse.step)."""

    tables: Mapping[str, TableSpec] = field(default_factory=dict)
    frames: list[pl.DataFrame] = field(default_factory=list)

    def __call__(
        self, state: State, rows: pl.DataFrame, scores: Array, shard: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Remember the rows and their scores."""
        self.frames.append(rows.with_columns(score=pl.Series(scores, dtype=pl.Int64)))
        return pl.DataFrame(), pl.DataFrame()


@dataclass(frozen=True)
class Samples:
    """Orders that ended, with the truth.

    Attributes:
        orders: A row each: seed, order_id, event_id, isin, mic, owner, time of the end, entered,
            scheme, practice, role, abusive, score (0 without a model).
        features: float32, shape (orders, len(FEATURES)).
    """

    orders: pl.DataFrame
    features: Array

    def __len__(self) -> int:
        """How many."""
        return self.orders.height

    @property
    def abusive(self) -> Array:
        """Whether each is part of an abuse."""
        return self.orders["abusive"].to_numpy()

    def of(self, practices: Sequence[str]) -> Array:
        """Whether each is part of an abuse of one of these practices."""
        return self.orders["practice"].is_in(list(practices)).to_numpy() & self.abusive


def together(parts: Sequence[Samples]) -> Samples:
    """Samples of several markets."""
    features = np.concatenate([one.features for one in parts])
    return Samples(pl.concat([one.orders for one in parts]), features)


def samples(rows: pl.DataFrame, labels: pl.DataFrame, seed: int) -> Samples:
    """Rows of `seen` or `folded` with the labels of their orders (records AbuseLabel)."""
    if "score" not in rows.columns:
        rows = rows.with_columns(score=pl.lit(0, pl.Int64))
    truth = labels.select(
        "order_id", "isin", "mic", "scheme", "practice", "role", "abusive", entered="first_time"
    )
    joined = rows.join(truth, on=["order_id", "isin", "mic"], how="inner", maintain_order="left")
    orders = joined.select(
        "order_id", "event_id", "isin", "mic", "owner", "time", "entered", "scheme", "practice",
        "role", "abusive", "score", seed=pl.lit(seed),
    )  # fmt: skip
    features = np.asarray(joined.select(*FEATURES).to_numpy(), dtype=np.float32)
    return Samples(orders, features)


def seen(events: pl.DataFrame, links: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What models are shown of order events, not judged: udfs.abuse.scored.ROW and FEATURES.

    Args:
        events: Records OrderEvent in log order, as one shard.
        links: Records by topic, udfs.abuse.step.CONTROLS; they come before all events.
    """
    judge, store = step.AbuseStep(), TableStore(step.TABLES, {})
    found = []
    for batch in _batches(events, links):
        found.append(judge.features(store.tables, batch))
        store.commit()
    return pl.concat(frame for frame in found if frame.height)


def folded(
    events: pl.DataFrame, links: Mapping[str, pl.DataFrame], scorer: Scorer
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The same with scores, and what the job writes by topic; arguments as of `seen`."""
    kept = Kept()
    judge = step.AbuseStep(scorer=scorer, watcher=kept)
    store = TableStore(step.TABLES, {})
    out: dict[str, list[pl.DataFrame]] = {}
    for number, batch in enumerate(_batches(events, links)):
        for topic, frame in judge(store.tables, batch, Clock(number, 0)).items():
            out.setdefault(topic, []).append(frame)
        store.commit()
    return pl.concat(kept.frames), {topic: pl.concat(frames) for topic, frames in out.items()}


def _batches(events: pl.DataFrame, links: Mapping[str, pl.DataFrame]) -> Iterator[Batch]:
    yield {topic: placed(frame, 0) for topic, frame in links.items() if frame.height}
    for low in range(0, events.height, BATCH):
        yield {step.EVENTS: placed(events[low : low + BATCH], low + 1)}


def placed(frame: pl.DataFrame, first: int) -> pl.DataFrame:
    """Records with their place in a log, from `first` on: one a millisecond."""
    place = pl.int_range(first, first + frame.height, dtype=pl.Int64)
    return frame.with_columns(
        offset=place, appended=place, watermark=pl.lit(0, pl.Int64), late=pl.lit(value=False)
    )
