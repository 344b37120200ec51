"""What a piece of each instrument is valued by: its mid, its rate, the Greeks of an option.

What cannot be valued says why.
"""

import numpy as np
import polars as pl

from udfs.risk import options
from udfs.risk.integers import LARGEST_FACTOR, mul_div
from udfs.risk.marks import Quality
from udfs.risk.measure_parameters import DISCOUNT_PPM, RATE_UNIT, YEAR_US
from udfs.risk.parameters import DAY_US, STALE_AFTER_US
from udfs.risk.whole import PPM

_MARK = ("kind", "currency", "multiplier", "price_scale", "underlying", "option_side", "strike")
_TERMS = (*_MARK, "expiry", "time", "quality", "rate")


def priced(isins: pl.Series, marks: pl.DataFrame, watermark: int) -> pl.DataFrame:
    """Instruments with what a piece of each is valued by.

    Args:
        isins: Instruments, each once.
        marks: Columns as for `exposures.exposures`.
        watermark: Business time, microseconds UTC.

    Returns:
        One row an instrument, by ISIN: its mark; `mid` in price units; `delta` and `curve` of an
        option, delta S and gamma S^2 / 2 in its currency; `stale`, whether its mark or that of its
        underlying is; `reason`, why it has no value, empty if it has.
    """
    mids = _mids(marks)
    of = pl.DataFrame({"isin": isins.sort()})
    of = of.join(mids, on="isin", how="left", maintain_order="left")
    under = mids.select(
        underlying="isin",
        spot="mid",
        spot_scale="price_scale",
        spot_currency="currency",
        spot_time="time",
        spot_flagged="flagged",
    )
    of = of.join(under, on="underlying", how="left", maintain_order="left")
    known = pl.col("kind").is_in(["EQUITY", "BOND", "FX", "OPTION"]) & (pl.col("multiplier") > 0)
    option = pl.col("kind") == "OPTION"
    of = of.with_columns(
        reason=pl.when(~known.fill_null(value=False))
        .then(pl.lit("not known"))
        .when(pl.col("mid") <= 0)
        .then(pl.format("no price ({})", "wrong"))
        .when((pl.col("rate") <= 0) | (pl.col("rate") >= LARGEST_FACTOR))
        .then(pl.format("no rate of {}", "currency"))
        .when(option & (pl.col("spot").fill_null(0) <= 0))
        .then(pl.lit("no price of its underlying"))
        .when(option & (pl.col("spot_currency") != pl.col("currency")))
        .then(pl.lit("its underlying has another currency"))
        .when(option & ((pl.col("expiry") + 1) * DAY_US <= watermark))
        .then(pl.lit("expired"))
        .otherwise(pl.lit("")),
        stale=(pl.lit(watermark) - pl.min_horizontal("time", "spot_time") > STALE_AFTER_US)
        | pl.col("flagged")
        | pl.col("spot_flagged").fill_null(value=False),
        delta=pl.lit(None, dtype=pl.Float64),
        curve=pl.lit(0.0),
    )
    todo = ((of["kind"] == "OPTION") & (of["reason"] == "")).fill_null(value=False)
    at = todo.arg_true()
    if at.is_empty():
        return of
    found = _greeks(of[at], watermark)
    return of.with_columns(of[name].scatter(at, found[name]) for name in found.columns)


def _mids(marks: pl.DataFrame) -> pl.DataFrame:
    """The marks with mid in price units (0 if there is none), whole rate, and what is wrong."""
    bid, ask = (marks[side].to_numpy() for side in ("bid", "ask"))
    sound = (
        (bid > 0) & (ask >= bid) & (ask < LARGEST_FACTOR) & (marks["price_scale"].to_numpy() <= 9)
    )
    mid = mul_div(np.where(sound, bid + ask, 0), 1, 2)
    rate, quality = marks["rate"], marks["quality"]
    if rate.dtype.is_float():
        rate = (rate.fill_nan(0) * RATE_UNIT).clip(0, 2**60).round().cast(pl.Int64)
    if quality.dtype.is_integer():
        names = {int(kind): kind.name for kind in Quality}
        quality = quality.replace_strict(names, default="UNKNOWN", return_dtype=pl.String)
    wrong = quality.cast(pl.String).str.to_lowercase().str.replace_all("_", " ")
    return marks.select("isin", *_TERMS).with_columns(
        rate=rate,
        mid=pl.Series(mid),
        wrong=pl.Series(wrong).replace("good", "not positive or crossed"),
        flagged=pl.Series(quality.cast(pl.String) == "STALE"),
    )


def _greeks(of: pl.DataFrame, watermark: int) -> pl.DataFrame:
    """Per piece delta S and gamma S^2 / 2 of options in their currency, or why there is none."""
    unit = 10.0 ** of["price_scale"].to_numpy()
    spot = of["spot"].to_numpy() / 10.0 ** of["spot_scale"].to_numpy()
    years = ((of["expiry"].to_numpy().astype(np.int64) + 1) * DAY_US - watermark) / YEAR_US
    rate = of["currency"].replace_strict(DISCOUNT_PPM, default=0, return_dtype=pl.Int64)
    terms = (
        (of["option_side"] == "CALL").to_numpy(),
        spot,
        of["strike"].to_numpy() / unit,
        years,
        rate.to_numpy() / PPM,
        0.0,
    )
    implied = options.implied_volatility(of["mid"].to_numpy() / unit, *terms)
    greeks = options.value(*terms, implied.volatility)
    delta, curve = greeks.delta * spot, greeks.gamma * spot * spot / 2
    good = np.isfinite(delta) & np.isfinite(curve)
    why = np.array(options.STATUSES, dtype=object)[implied.status]
    return pl.DataFrame(
        {
            "delta": np.where(good, delta, 0.0),
            "curve": np.where(good, curve, 0.0),
            "reason": [
                "" if fine else f"no implied volatility ({text})"
                for fine, text in zip(good.tolist(), why.tolist(), strict=True)
            ],
        }
    )
