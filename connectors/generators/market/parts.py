"""Instruments of one kind, as they are put together: reference data and model."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats, Ints
from connectors.generators.draw import codes
from connectors.generators.market.instruments import KINDS
from schemas.ids import isin_check_digit


@dataclass
class Part:
    """Instruments of one kind: what differs between them; see `Universe`."""

    kind: int
    frame: pl.DataFrame
    level: Floats
    loadings: Floats
    own: Floats
    own_rate: float
    own_jump: float
    group: int
    half_spread: float
    size: float
    lot: int
    weight: Floats
    root: list[int] | None = None


def isins(rng: np.random.Generator, prefix: pl.Series, n: int) -> pl.Series:
    """Codes that all differ: a prefix of three, eight digits, the check digit."""
    bodies = [a + b for a, b in zip(prefix, codes(rng, n, 8, symbols=10), strict=True)]
    return pl.Series([body + isin_check_digit(body) for body in bodies])


def reference(kind: int, isin: pl.Series, **given: pl.Series | Ints | int) -> pl.DataFrame:
    """Reference data; what is not given is empty, 0, or as for an equity in whole cents."""
    columns: dict[str, tuple[str | int, pl.DataType]] = {
        "sector": ("", pl.String()),
        "mic": ("", pl.String()),
        "currency": ("", pl.String()),
        "base_currency": ("", pl.String()),
        "multiplier": (1, pl.Int64()),
        "price_scale": (2, pl.Int32()),
        "tick": (1, pl.Int64()),
        "underlying": ("", pl.String()),
        "option_side": ("NONE", pl.String()),
        "strike": (0, pl.Int64()),
        "expiry": (0, pl.Int32()),
        "coupon_ppm": (0, pl.Int64()),
    }
    n = len(isin)
    frame = {"isin": isin, "kind": pl.repeat(KINDS[kind], n, eager=True)}
    for name, (usual, kept_as) in columns.items():
        value = given.get(name, usual)
        value = (
            value if isinstance(value, pl.Series | np.ndarray) else pl.repeat(value, n, eager=True)
        )
        frame[name] = pl.Series(value).cast(kept_as)
    return pl.DataFrame(frame)
