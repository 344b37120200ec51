"""Puts faults among the events of one topic: which, where, and with what label.

Works on a topic's block of events, sorted by partition and, within it, in order of sending. Every
draw comes from the topic's own random stream of that block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from connectors.generators.arrays import Bools, Ints, Words
from connectors.generators.faults import Faults
from schemas.records import Record

_YEAR_2099 = 4_070_908_800_000_000
_NO_LEI = "00000000000000000000"
_NO_ISIN = "XX0000000000"
_SPREAD = 200
"""An extra message stands at most so many places behind the event it was made from."""
_DELAY = 30e6
"""Mean of how far before the watermark a late event is dated, microseconds."""
_MOST = 3_600_000_000

BROKEN: Mapping[str, tuple[tuple[str, int | str], ...]] = {
    "Obligation": (("amount", -5), ("payer", _NO_LEI), ("asset", _NO_ISIN)),
    "Fill": (("quantity", -5), ("isin", _NO_ISIN), ("currency", "eu1")),
    "Quote": (("bid_size", -5), ("isin", _NO_ISIN), ("currency", "eu1")),
    "Payment": (("amount", -5), ("currency", "eu1"), ("debtor_country", "d3")),
    "Posting": (("amount", -5), ("currency", "eu1"), ("counterparty_country", "d3")),
}
"""Per record: fields out of bounds, each with the value that breaks its rule."""
_SIZE = {
    "Obligation": "amount",
    "Fill": "quantity",
    "Quote": "bid_size",
    "Payment": "amount",
    "Posting": "amount",
}
DAMAGE = ("truncated", "wrong magic", "random bytes", "empty", "tombstone")
"""Ways to be malformed; the first two are real bodies that were damaged on their way."""


@dataclass(frozen=True)
class Spoilt:
    """A block of one topic with its faults.

    Attributes:
        frame: All messages to be sent: the record's columns but producer and sequence, `unit`,
            and `shard`, the partition.
        source: Row in the block before injection that each message was made from, shape (n,).
        kind: Fault of each message, "" for none.
        note: What exactly was done to it, "" for nothing.
        extra: Whether it is a message beside the real events.
        numbered: Whether it takes a sequence number; else it carries its source's.
    """

    frame: pl.DataFrame
    source: Ints
    kind: Words
    note: Words
    extra: Bools
    numbered: Bools


def untouched(frame: pl.DataFrame) -> Spoilt:
    """A block without any fault."""
    n = frame.height
    nothing = np.full(n, "", dtype=object)
    return Spoilt(
        frame, np.arange(n), nothing, nothing, np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    )


def inject(
    frame: pl.DataFrame,
    rec: Record,
    faults: Faults,
    rng: np.random.Generator,
    greatest: Ints,
    lateness: int,
    room: int,
) -> Spoilt:
    """Spoil the shares of a block's events that `faults` asks for; each event at most once.

    Args:
        frame: The events, sorted by partition, with `unit`, and the partition in `shard`.
        rec: Their record.
        faults: Shares by kind.
        rng: The topic's random stream of this block.
        greatest: Greatest business time sent so far to each partition, int64; moved on to this
            block's end.
        lateness: How far behind the greatest business time an event is not yet late, microseconds.
        room: How far back an out-of-order event is dated at most, exclusive.

    Returns:
        The messages, still sorted by partition.
    """
    kinds = np.array(["", *faults.rates], dtype=object)
    edges = np.cumsum(list(faults.rates.values()))
    drawn = kinds[(np.searchsorted(edges, rng.random(frame.height), side="right") + 1) % len(kinds)]
    frame, notes = _date_back(frame, rec, drawn, rng, greatest, lateness, room)
    moved = np.where((drawn == "late") | (drawn == "out-of-order"), drawn, "")
    made_from = np.flatnonzero((drawn != "") & (moved == ""))
    if not len(made_from):
        plain = untouched(frame)
        return Spoilt(frame, plain.source, moved, notes, plain.extra, plain.numbered)
    extras = _Extras(rec, rng, drawn[made_from])
    partition = frame["shard"].to_numpy()
    last = np.searchsorted(partition, partition[made_from], side="right") - 1
    place = np.minimum(made_from + rng.integers(0, _SPREAD, len(made_from)), last)
    spoilt = extras.spoil(frame[made_from]).with_columns(unit=frame["unit"].gather(place))
    n = frame.height
    order = np.lexsort([np.arange(n + len(place)), np.concatenate([np.arange(n), place])])
    return Spoilt(
        pl.concat([frame, spoilt])[order],
        np.concatenate([np.arange(n), made_from])[order],
        np.concatenate([moved, drawn[made_from]])[order],
        np.concatenate([notes, extras.notes])[order],
        order >= n,
        np.concatenate([np.ones(n, dtype=bool), extras.numbered])[order],
    )


def _date_back(
    frame: pl.DataFrame,
    rec: Record,
    drawn: Words,
    rng: np.random.Generator,
    greatest: Ints,
    lateness: int,
    room: int,
) -> tuple[pl.DataFrame, Words]:
    """Move late and out-of-order events back in business time; a note for each event."""
    assert rec.time is not None
    time = frame[rec.time].to_numpy().copy()
    partition = frame["shard"].to_numpy()
    late, early = np.flatnonzero(drawn == "late"), np.flatnonzero(drawn == "out-of-order")
    before = _greatest_before(
        time, partition, (drawn == "late") | (drawn == "out-of-order"), greatest
    )
    behind = 1 + np.minimum(rng.exponential(_DELAY, len(late)), _MOST).astype(np.int64)
    back = rng.integers(1, max(room, 2), len(early))
    time[late] = np.minimum(before[late] - lateness - behind, time[late])
    time[early] -= back
    notes = np.full(frame.height, "", dtype=object)
    notes[late] = [f"{us} us or more before the watermark" for us in behind.tolist()]
    notes[early] = [f"{us} us back" for us in back.tolist()]
    return frame.with_columns(pl.Series(rec.time, time)), notes


def _greatest_before(time: Ints, partition: Ints, moved: Bools, greatest: Ints) -> Ints:
    """Greatest time of the events before each one in its partition; `greatest` is moved on."""
    before = np.empty_like(time)
    bounds = np.searchsorted(partition, np.arange(len(greatest) + 1))
    for p, (a, b) in enumerate(pairwise(bounds.tolist())):
        shown = np.where(moved[a:b], greatest[p], time[a:b])
        running = np.maximum.accumulate(np.concatenate([[greatest[p]], shown]))
        before[a:b] = running[:-1]
        greatest[p] = running[-1]
    return before


class _Extras:
    """The extra messages of one block: what is done to each, decided up front."""

    def __init__(self, rec: Record, rng: np.random.Generator, kinds: Words) -> None:
        self.rec = rec
        self.kinds = kinds
        n = len(kinds)
        choices = (*(name for name, _ in BROKEN[rec.name]), "2099")
        self.way = rng.integers(0, len(DAMAGE), n)
        self.field = np.array(choices, dtype=object)[rng.integers(0, len(choices), n)]
        self.notes = np.array([self._note(i) for i in range(n)], dtype=object)
        whole = (kinds == "out-of-range") | (kinds == "unknown-schema")
        self.numbered = whole | ((kinds == "malformed") & (self.way < 2))

    def _note(self, i: int) -> str:
        kind = self.kinds[i]
        if kind == "malformed":
            way = DAMAGE[self.way[i]]
            return "tombstone: no value" if way == "tombstone" else f"undecodable: {way}"
        if kind == "out-of-range":
            field = self.field[i]
            return "too-far-ahead: dated 2099" if field == "2099" else f"out-of-range: {field}"
        return f"{kind}: made on purpose" if kind != "duplicate" else "same bytes"

    def spoil(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Change ids and fields of copies of the events they were made from."""
        assert self.rec.id is not None
        assert self.rec.time is not None
        frame = frame.with_columns(
            kind=pl.Series(self.kinds, dtype=pl.String), broken=pl.Series(self.field)
        )
        bad = pl.col("kind") == "out-of-range"
        conflict = (pl.col("kind") == "conflicting-duplicate").cast(pl.Int64)
        size = _SIZE[self.rec.name]
        own = pl.Series(self.numbered)
        changed = frame.with_columns(
            pl.when(own)
            .then(pl.concat_str(self.rec.id, pl.lit("-X")))
            .otherwise(self.rec.id)
            .alias(self.rec.id),
            pl.when(bad & (pl.col("broken") == "2099"))
            .then(_YEAR_2099)
            .otherwise(self.rec.time)
            .alias(self.rec.time),
            pl.col(size) + conflict,
        )
        for name, value in BROKEN[self.rec.name]:
            hit = bad & (pl.col("broken") == name)
            changed = changed.with_columns(
                pl.when(hit).then(pl.lit(value)).otherwise(name).alias(name)
            )
        return changed.drop("kind", "broken")


def damage(message: bytes, kind: str, note: str, rng: np.random.Generator) -> bytes | None:
    """The bytes of a malformed or unknown-schema message, from the ones of a sound one."""
    if kind == "unknown-schema":
        return (
            message[:1] + (0xFFFFFF00 + int(rng.integers(0, 256))).to_bytes(4, "big") + message[5:]
        )
    way = note.partition(": ")[2]
    if way == "truncated":
        return message[: int(rng.integers(1, len(message)))]
    if way == "wrong magic":
        return b"\x01" + message[1:]
    if way == "random bytes":
        return b"\xff" + rng.bytes(int(rng.integers(1, 200)))
    return b"" if way == "empty" else None
