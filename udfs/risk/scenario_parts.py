"""Scenario sets as they are published: one row of daily returns an instrument, and their digest.

Returns are parts per million of the instrument's price, oldest first. All parts of a set say alike
how scenarios are made of them, and carry the SHA-256 over all of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import polars as pl

from udfs.risk.measure_parameters import MOST_DAYS
from udfs.risk.whole import PPM, Floats, Ints

HISTORICAL, MONTE_CARLO = "HISTORICAL", "MONTE_CARLO"
_DIGESTED = (
    "name",
    "epoch",
    "part",
    "parts",
    "isin",
    "method",
    "decay_ppm",
    "seed",
    "book_scenarios",
    "firm_scenarios",
)


@dataclass(frozen=True)
class Head:
    """What all parts of a set say alike; fields as in the record ScenarioRow."""

    name: str
    epoch: int
    parts: int
    method: str
    decay_ppm: int
    seed: int
    book_scenarios: int
    firm_scenarios: int
    set_digest: str

    @property
    def label(self) -> str:
        """How measures name the set."""
        return f"{self.name}@{self.epoch}"


def digest_of(parts: pl.DataFrame) -> str:
    """SHA-256, hex, of a set: of each part in order its fields as JSON, a line feed, its returns.

    The fields are name, epoch, part, parts, isin, method, decay_ppm, seed, book_scenarios,
    firm_scenarios and the number of octets of the returns, as one array without spaces.

    Args:
        parts: All parts, columns as in the record ScenarioRow.
    """
    state = sha256()
    rows = parts.sort("part").select(*_DIGESTED, "returns").rows()
    for *fields, returns in rows:
        text = json.dumps([*fields, len(returns)], separators=(",", ":"), ensure_ascii=False)
        state.update(text.encode() + b"\n" + returns)
    return state.hexdigest()


def parts_of(
    isins: Sequence[str],
    returns: Floats,
    name: str,
    epoch: int,
    *,
    method: str = HISTORICAL,
    decay_ppm: int = PPM,
    seed: int = 0,
    book_scenarios: int,
    firm_scenarios: int,
) -> pl.DataFrame:
    """A set ready to be published: the parts with their digest, one row an instrument.

    Args:
        isins: Instruments.
        returns: Shape (days, instruments), 0.01 for 1 %, oldest first; rounded to whole ppm.
        name: Of the set.
        epoch: Its version, from 1.
        method: HISTORICAL or MONTE_CARLO.
        decay_ppm: Weight of a day against the one after it.
        seed: Of the draws.
        book_scenarios: Scenarios for a book.
        firm_scenarios: Scenarios for the firm.

    Raises:
        ValueError: A return is not a number, or does not fit 32 bits.
    """
    whole = np.rint(np.asarray(returns, dtype=np.float64) * PPM)
    if not (np.abs(whole) < 2**31).all():
        raise ValueError("returns must be numbers below 214,748 %")
    ppm = whole.astype("<i4")
    rows = pl.DataFrame(
        {
            "name": name,
            "epoch": epoch,
            "part": np.arange(len(isins), dtype=np.int32),
            "parts": len(isins),
            "isin": list(isins),
            "returns": [np.ascontiguousarray(column).tobytes() for column in ppm.T],
            "method": method,
            "decay_ppm": decay_ppm,
            "seed": seed,
            "book_scenarios": book_scenarios,
            "firm_scenarios": firm_scenarios,
        }
    )
    return rows.with_columns(set_digest=pl.lit(digest_of(rows)))


def fault(head: Head, parts: pl.DataFrame) -> str:
    """Why a set whose parts are all there cannot be used; empty if it can.

    Args:
        head: What its parts say alike.
        parts: Columns part, isin, returns; one row a part.
    """
    lengths = parts["returns"].bin.size()
    twice = parts.filter(pl.col("isin").is_duplicated())["isin"].sort()
    if len(twice):
        return f"instrument {twice[0]} has two rows"
    if lengths.n_unique() != 1:
        return "rows of different length: all instruments must have the same days"
    days, rest = divmod(int(lengths[0]), 4)
    if rest or not 2 <= days <= MOST_DAYS:
        return f"rows of {lengths[0]} octets: 4 for each of 2 to {MOST_DAYS} days are asked"
    returns = returns_of(parts)
    isins = parts.sort("part")["isin"]
    for wrong, what in (
        ((returns == 0).all(axis=1), "has no return other than 0"),
        ((returns < -PPM).any(axis=1), "loses more than all"),
    ):
        if wrong.any():
            return f"{int(wrong.sum())} rows, first {isins[int(wrong.argmax())]}: it {what}"
    if head.method == HISTORICAL:
        if head.decay_ppm != PPM:
            return "days themselves have equal weights: a decay of 1,000,000 ppm is asked"
        if max(head.book_scenarios, head.firm_scenarios) > days:
            return f"more scenarios are asked than the {days} days"
    elif head.method != MONTE_CARLO:
        return f"there is no method {head.method}"
    fields = {name: getattr(head, name) for name in Head.__dataclass_fields__}
    if digest_of(parts.with_columns(**{k: pl.lit(v) for k, v in fields.items()})) != (
        head.set_digest
    ):
        return "the parts do not have the digest that they state"
    return ""


def returns_of(parts: pl.DataFrame) -> Ints:
    """Returns in ppm in order of part, shape (parts, days), oldest first."""
    octets = b"".join(parts.sort("part")["returns"])
    found: Ints = np.frombuffer(octets, dtype="<i4").reshape(parts.height, -1).astype(np.int64)
    return found
