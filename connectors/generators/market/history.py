"""Daily histories of factors or instruments: as arrays, as Parquet, and from anybody's CSV.

A CSV file has a header and one row a day and name, in any order:

    day,name,return            day,name,price
    2026-02-27,fx:EUR,0.0013   2026-02-27,DE0007164600,231.45

Prices become returns p_t / p_(t-1) - 1, one day less. Every name must have every day: a hole is
named, not filled. There are no quotes, so no name has a comma.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats, Ints

RETURN, PRICE = "day,name,return", "day,name,price"
_EPOCH = "day"


class HistoryError(ValueError):
    """A file is no history; the message says where: PATH, line N: what."""


@dataclass(frozen=True)
class History:
    """Returns by day and name.

    Attributes:
        names: Factors or instruments, N of them.
        days: Days since the epoch, ascending, int64, shape (T,).
        returns: float64, shape (T, N).
    """

    names: tuple[str, ...]
    days: Ints
    returns: Floats

    def __post_init__(self) -> None:
        """Refuse shapes that do not agree, days out of order, and what is no number."""
        if self.returns.shape != (len(self.days), len(self.names)):
            raise ValueError(
                f"returns of {self.returns.shape} for {len(self.days)} days and "
                f"{len(self.names)} names"
            )
        if (np.diff(self.days) <= 0).any():
            raise ValueError("days of a history must rise")
        if len(set(self.names)) < len(self.names):
            raise ValueError("a name stands twice in a history")
        wrong = np.argwhere(~np.isfinite(self.returns))
        if len(wrong):
            day, name = wrong[0]
            raise ValueError(
                f"{len(wrong)} returns are no numbers, first {self.names[name]} on day "
                f"{np.datetime64(int(self.days[day]), 'D')}"
            )

    def of(self, names: tuple[str, ...]) -> "History":
        """These names only, in this order; ValueError names those that have no history."""
        place = {name: i for i, name in enumerate(self.names)}
        missing = [name for name in names if name not in place]
        if missing:
            raise ValueError(f"{len(missing)} names without history, first {missing[0]}")
        return History(names, self.days, self.returns[:, [place[name] for name in names]])

    def and_of(self, other: "History") -> "History":
        """Both beside each other; ValueError if their days differ or a name stands in both."""
        if not np.array_equal(self.days, other.days):
            raise ValueError("histories of different days do not go together")
        returns = np.hstack([self.returns, other.returns])
        return History(self.names + other.names, self.days, returns)

    def to_csv(self, path: Path) -> None:
        """Write it as `day,name,return`; reading gives the same bits."""
        t, n = self.returns.shape
        pl.DataFrame(
            {
                "day": pl.Series(np.repeat(self.days, n)).cast(pl.Int32).cast(pl.Date),
                "name": pl.Series(self.names).gather(np.tile(np.arange(n), t)),
                "return": self.returns.ravel(),
            }
        ).write_csv(path)

    def to_parquet(self, path: Path) -> None:
        """Write a column a name beside the column `day`."""
        columns = {_EPOCH: pl.Series(self.days)}
        columns |= {name: pl.Series(self.returns[:, i]) for i, name in enumerate(self.names)}
        pl.DataFrame(columns).write_parquet(path)


def from_parquet(path: Path) -> History:
    """What `History.to_parquet` wrote."""
    frame = pl.read_parquet(path)
    names = tuple(name for name in frame.columns if name != _EPOCH)
    returns = np.column_stack([frame[name].to_numpy() for name in names])
    return History(names, frame[_EPOCH].to_numpy(), returns)


def from_csv(path: Path) -> History:
    """The history of a CSV file, names in order of their first row.

    Raises:
        HistoryError: The header is another one, a row is malformed (three fields, a day as in
            2026-02-27, a number that is finite, a price above zero), a day and name stand twice,
            or a name lacks a day.
        OSError: The file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise HistoryError(f"{path}: not UTF-8 at byte {error.start}") from None
    header = lines[0].strip()
    if header not in (RETURN, PRICE):
        raise HistoryError(f"{path}, line 1: the header must be {RETURN} or {PRICE}")
    if len(lines) == 1:
        raise HistoryError(f"{path}, line 2: there is no row")
    rows = _rows(path, lines[1:], prices=header == PRICE)
    names = tuple(rows["name"].unique(maintain_order=True))
    days = rows["day"].unique().sort()
    table = _table(path, rows, names, days)
    if header == PRICE:
        if len(days) < 2:
            raise HistoryError(f"{path}: prices of at least two days are asked")
        return History(names, days.to_numpy()[1:], table[1:] / table[:-1] - 1.0)
    return History(names, days.to_numpy(), table)


def _rows(path: Path, lines: list[str], prices: bool) -> pl.DataFrame:
    """The rows with `line`; the first malformed one is refused."""
    field = pl.col("fields").list
    rows = (
        pl.DataFrame({"text": lines})
        .with_row_index("line", offset=2)
        .with_columns(fields=pl.col("text").str.split(","))
        .with_columns(
            size=field.len(),
            day=field.get(0, null_on_oob=True)
            .str.strip_chars()
            .str.to_date("%Y-%m-%d", strict=False),
            name=field.get(1, null_on_oob=True).str.strip_chars(),
            value=field.get(2, null_on_oob=True).str.strip_chars().cast(pl.Float64, strict=False),
        )
    )
    asked = [
        ("three fields are asked", pl.col("size") != 3),
        ("a day as in 2026-02-27 is asked", pl.col("day").is_null()),
        ("a name is asked", pl.col("name") == ""),
        ("a finite number is asked", ~pl.col("value").is_finite().fill_null(False)),
    ]
    if prices:
        asked.append(("a price above 0 is asked", pl.col("value") <= 0.0))
    else:
        asked.append(("a return of at least -1 is asked", pl.col("value") < -1.0))
    why = pl.coalesce(pl.when(wrong).then(pl.lit(words)) for words, wrong in asked)
    bad = rows.with_columns(why=why).filter(pl.col("why").is_not_null())
    if bad.height:
        first = bad.row(0, named=True)
        raise HistoryError(
            f"{path}, line {first['line']}: {first['why']}, not {first['text'][:60]!a}"
            + (f"; {bad.height - 1} more lines" if bad.height > 1 else "")
        )
    return rows.select("line", "name", "value", day=pl.col("day").cast(pl.Int32).cast(pl.Int64))


def _table(path: Path, rows: pl.DataFrame, names: tuple[str, ...], days: pl.Series) -> Floats:
    """Values by day and name, shape (T, N)."""
    twice = rows.filter(pl.struct("day", "name").is_first_distinct().not_())
    if twice.height:
        line, name = twice.row(0)[:2]
        raise HistoryError(f"{path}, line {line}: {name} has this day already")
    if rows.height < len(names) * len(days):
        counts = rows.group_by("name", maintain_order=True).len().filter(pl.col("len") < len(days))
        name = counts["name"][0]
        hole = days.filter(~days.is_in(rows.filter(name=name)["day"].implode()))[0]
        raise HistoryError(f"{path}: {name} has no row for {np.datetime64(hole, 'D')}")
    column = {name: i for i, name in enumerate(names)}
    table = np.empty((len(days), len(names)))
    place = rows["name"].replace_strict(column, return_dtype=pl.Int64).to_numpy()
    table[np.searchsorted(days.to_numpy(), rows["day"].to_numpy()), place] = rows[
        "value"
    ].to_numpy()
    return table
