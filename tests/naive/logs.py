"""Logs to try a step on: marked as the adapter marks them, cut anywhere."""

import hashlib

import polars as pl
from hypothesis import strategies as st

from schemas.step import MIN_TIME, Clock

PLACE = {
    "offset": pl.Int64,
    "appended": pl.Int64,
    "late": pl.Boolean,
    "watermark": pl.Int64,
    "leaf": pl.Binary,
}


def marked(rows, time, watermark=MIN_TIME):
    """The rows of one feed, in log order, with place, late mark, watermark and leaf."""
    out = []
    for offset, row in enumerate(rows):
        out.append(
            row
            | {
                "offset": offset,
                "appended": 1_000 + offset // 2,
                "late": row[time] < watermark,
                "watermark": watermark,
                "leaf": hashlib.sha256(b"\x00%d" % offset).digest(),
            }
        )
        watermark = max(watermark, row[time])
    return out


def log_frame(rows, schema):
    return pl.DataFrame(rows, schema=schema | PLACE)


@st.composite
def cuts(draw, size):
    """Ends of batches that make up a log of `size` records; some batches are empty."""
    return [*sorted(draw(st.lists(st.integers(0, size), max_size=5))), size]


def fold(step, state, topic, frame, time, ends, shard):
    """All results of a step over one feed cut at `ends`, one frame a topic."""
    parts = {}
    start = 0
    for end in ends:
        rows = frame[start:end]
        seen = frame[:end]
        watermark = seen[time].max() if end else MIN_TIME
        clock = Clock(end, watermark, {topic: watermark}, shard)
        batch = {topic: rows.sort(time)} if rows.height else {}
        for name, out in step(state, batch, clock).items():
            parts.setdefault(name, []).append(out)
        start = end
    return {name: pl.concat(frames) for name, frames in parts.items()}
