"""Fills by the million, made up without a seed: every number follows from the fill's own."""

import numpy as np
import polars as pl

from deploy.bench.made_events import START
from schemas.codec import encode_frame
from schemas.ids import isin_check_digit, lei_check_digits
from schemas.records import record

APART_US = 5_000
_OWN, _OTHERS, _INSTRUMENTS, _BOOKS = 1, 24, 500, 40


def made(first: int, end: int, partition: int) -> list[bytes]:
    """The messages of the fills with these numbers in a partition."""
    number = pl.DataFrame({"n": np.arange(first, end)})
    others = pl.Series([_lei(n + _OWN + 1) for n in range(_OTHERS)])
    isins = pl.Series([_isin(n) for n in range(_INSTRUMENTS)])
    n = number["n"]
    frame = number.select(
        fill_id=pl.format("M{}N{}", pl.lit(partition), "n"),
        trade_id=pl.format("T{}N{}", pl.lit(partition), "n"),
        producer=pl.lit(f"made/fills/{partition}"),
        sequence="n",
        trade_time=START + pl.col("n") * APART_US,
        book=pl.format("B{}", pl.col("n") % _BOOKS),
        account=pl.format("A{}", pl.col("n") % 1_000),
        member=pl.lit(_lei(_OWN)),
        counterparty=others.gather(n % _OTHERS),
        isin=isins.gather(n % _INSTRUMENTS),
        mic=pl.lit("XMAD"),
        side=pl.when(pl.col("n") % 2 == 0).then(pl.lit("BUY")).otherwise(pl.lit("SELL")),
        quantity=pl.col("n") % 1_000 + 1,
        price=1_000_000 + pl.col("n") * 7_919 % 100_000,
        price_scale=pl.lit(4, dtype=pl.Int32),
        currency=pl.lit("EUR"),
        fee=pl.lit(0, dtype=pl.Int64),
    )
    return encode_frame(record("Fill"), frame)


def _lei(number: int) -> str:
    body = f"9999{number:014d}"
    return body + lei_check_digits(body)


def _isin(number: int) -> str:
    body = f"XX{number:09d}"
    return body + isin_check_digit(body)
