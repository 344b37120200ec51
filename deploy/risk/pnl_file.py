"""A file of P&L and VaR by day, for a backtest of a model that runs elsewhere.

day,pnl,var                 VaR is that at the end of the day, for the next one; a loss is
2026-02-27,-120.50,900      negative P&L, VaR positive. A fourth column `model` is the P&L by
2026-03-02,35,910           the risk model. An empty field is a number that is missing.
"""

from pathlib import Path

import numpy as np
import polars as pl

from deploy.errors import UserError
from deploy.risk.backtest import Line

HEADERS = ("day,pnl,var", "day,pnl,var,model")


def read(path: Path) -> Line:
    """The days of a file.

    Raises:
        UserError: The header is another one, a row is malformed, a day does not come after the one
            before, or there are fewer than two days; the line is named.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; name a CSV file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from None
    header = lines[0].strip()
    if header not in HEADERS:
        raise UserError(f"{path}, line 1: the header must be {' or '.join(HEADERS)}")
    names = header.split(",")
    days: list[int] = []
    columns: list[list[float]] = []
    for number, text in enumerate(lines[1:], start=2):
        day, values = _row(path, number, text, len(names))
        if days and day <= days[-1]:
            raise UserError(f"{path}, line {number}: the day does not come after the one before")
        days.append(day)
        columns.append(values)
    if len(days) < 2:
        raise UserError(f"{path}, line {len(lines) + 1}: at least two days are asked")
    table = np.array(columns, dtype=np.float64)
    model = table[:, 2] if len(names) == 4 else None
    return Line(np.array(days, dtype=np.int64), table[:, 0], table[:, 1], model)


def _row(path: Path, number: int, text: str, size: int) -> tuple[int, list[float]]:
    fields = [field.strip() for field in text.split(",")]
    if len(fields) != size:
        raise UserError(f"{path}, line {number}: {size} fields are asked, not {text[:60]!a}")
    day = pl.Series(fields[:1]).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32).item()
    if day is None:
        raise UserError(f"{path}, line {number}: 2026-02-27 is a day, not {text[:60]!a}")
    try:
        values = [float(field) if field else float("nan") for field in fields[1:]]
    except ValueError:
        raise UserError(f"{path}, line {number}: a number is asked, not {text[:60]!a}") from None
    if any(np.isinf(values)):
        raise UserError(f"{path}, line {number}: a finite number is asked, not {text[:60]!a}")
    return day, values
