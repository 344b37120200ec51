"""A scenario set from a history of returns or prices: the rows of ScenarioRow, checked whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from connectors.generators.market.history import History, HistoryError, from_csv, from_parquet
from deploy.errors import UserError
from schemas.ids import is_isin
from udfs.risk.scenario_parts import HISTORICAL, Head, fault, parts_of
from udfs.risk.whole import PPM

BOOK, FIRM = 5_000, 100_000
"""Draws for a book and for the firm, where nothing else is asked for."""


@dataclass(frozen=True)
class Asked:
    """What a set is to be, fields as in ScenarioRow; scenarios None for the usual numbers."""

    name: str
    epoch: int
    method: str
    decay_ppm: int = PPM
    seed: int = 0
    book_scenarios: int | None = None
    firm_scenarios: int | None = None


@dataclass(frozen=True)
class Set:
    """Parts ready to be published, and what of the history is not in them.

    Attributes:
        rows: Fields of ScenarioRow that make the digest, and `set_digest`.
        days: Days of each row.
        factors: Names of the history that are no instruments but factors.
    """

    rows: list[dict[str, Any]]
    days: int
    factors: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the set, hex."""
        return str(self.rows[0]["set_digest"])


def history(path: Path) -> History:
    """The history in a file, CSV or Parquet.

    Raises:
        UserError: It is none; the line of a CSV file is named.
    """
    try:
        return from_parquet(path) if path.suffix == ".parquet" else from_csv(path)
    except HistoryError as error:
        raise UserError(str(error)) from None
    except FileNotFoundError:
        raise UserError(f"{path} is no file; give a history, CSV or .parquet") from None
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{path} is no history: {str(error).splitlines()[0]}") from None


def made(path: Path, asked: Asked) -> Set:
    """The set that a history makes.

    Names with a colon, and `market`, are factors and are left out; every other one must be an ISIN.

    Raises:
        UserError: The history or what is asked of it makes no sound set; line or name are told.
    """
    found = history(path)
    factors = tuple(name for name in found.names if ":" in name or name == "market")
    isins = tuple(name for name in found.names if name not in set(factors))
    if wrong := [name for name in isins if not is_isin(name)]:
        raise UserError(f"{_where(path, wrong[0])}: {wrong[0][:40]!r} is no ISIN (ISO 6166)")
    if not isins:
        raise UserError(f"{path} has no instrument, only factors; give returns of ISINs")
    returns = found.of(isins).returns
    days = len(returns)
    own = asked.method == HISTORICAL
    try:
        parts = parts_of(
            isins,
            returns,
            asked.name,
            asked.epoch,
            method=asked.method,
            decay_ppm=asked.decay_ppm,
            seed=asked.seed,
            book_scenarios=asked.book_scenarios or (days if own else BOOK),
            firm_scenarios=asked.firm_scenarios or (days if own else FIRM),
        )
    except ValueError as error:
        name = isins[int(np.abs(returns).max(axis=0).argmax())]
        raise UserError(f"{_where(path, name)}: {name}: {error}") from None
    head = Head(*parts.select(*Head.__dataclass_fields__).row(0))
    if why := fault(head, parts):
        name = next((isin for isin in isins if isin in why), "")
        raise UserError(f"{_where(path, name)}: {why}")
    return Set(parts.to_dicts(), days, factors)


def _where(path: Path, name: str) -> str:
    """The file, and in CSV the first line that has a name."""
    if not name or path.suffix == ".parquet":
        return str(path)
    for number, text in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if f",{name}," in text.replace(" ", ""):
            return f"{path}, line {number}"
    return str(path)
