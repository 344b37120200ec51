"""High-risk corridor: money moves between watched countries, or to a country for the first time.

Definition: a transfer or wire whose pair of countries (from, to) is on the list; or an owner's
first transfer or wire ever to a country, of an amount above the 95th percentile of the owner's
outgoing transfers, of which at least 20 must be known, and above a floor. Source: FATF, high-risk
jurisdictions subject to a call for action (Democratic People's Republic of Korea, Iran, Myanmar);
the numbers are starting values from practice.
Units: minor units of the base currency; the percentile share in parts per million. The bands are by
amount scaled to a standard owner, rounded down; limits and floor scale with the owner's factor, the
percentile does not.

The owner's side is the owner's country, or, if that is not known, the one it was ordered in; `*`
stands for any country. First ever is what this rule has not seen before: while it is switched off,
nothing is learnt. The percentile is over the three blocks of thirty days that were finished when
the running one began, as the upper end of its power of two (udfs.aml.flow_profile).

State: the countries each owner has sent to, a bit each; counts of amounts of each owner.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml.flow_blocks import Ledger, Page, by_block
from udfs.aml.flow_groups import Array, Group, group
from udfs.aml.flow_profile import CLASSES, classes, counted, counts, quantile, words
from udfs.aml.flow_said import ranked, single
from udfs.aml.flow_windows import by_owner
from udfs.aml.rule import NOTHING, WHOLE, Band, Moment, RuleParams, money

NAME = "high-risk-corridor"
ANY = "*"
_SENT = f"aml.{NAME}.countries"
_LETTERS = 26
_BITS = 60
_WORDS = tuple(f"word_{word}" for word in range(-(-_LETTERS * _LETTERS // _BITS)))
_AMOUNTS = words("amount", CLASSES)
_LEDGER = Ledger(f"aml.{NAME}.blocks", ("count", *_AMOUNTS), 3, ("seen", "high"), by_basis=True)
Country = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]


class Params(RuleParams):
    """What a rule set chooses; the bands are by amount.

    Attributes:
        corridors: The pairs that are watched, from and to; `*` stands for any country.
        percentile: The first transfer to a country must lie above it, parts per million.
        least: Least number of outgoing transfers known.
        floor: The first transfer to a country must lie above it.
    """

    corridors: Annotated[tuple[tuple[Country, Country], ...], Field(max_length=10_000)] = (
        (ANY, "IR"),
        (ANY, "KP"),
        (ANY, "MM"),
        ("IR", ANY),
        ("KP", ANY),
        ("MM", ANY),
    )
    percentile: Annotated[int, Field(ge=0, le=WHOLE)] = 950_000
    least: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    floor: Annotated[int, Field(ge=0, le=1_000_000_000_000_000)] = 100_000
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=0, score=300_000),
        Band(name="MEDIUM", at_least=100_000, score=600_000),
        Band(name="HIGH", at_least=1_000_000, score=900_000),
    )


class HighRiskCorridor:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {**_LEDGER.tables, _SENT: by_owner(_WORDS)}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the transfers over a watched corridor, or new and large."""
        transfers = events.filter(pl.col("channel").is_in(["TRANSFER", "WIRE"]))
        if transfers.is_empty():
            return NOTHING
        own = pl.when(pl.col("home_country") == "").then("country").otherwise("home_country")
        debit, other = pl.col("direction") == "DEBIT", pl.col("counterparty_country")
        source = pl.when(debit).then(own).otherwise(other)
        target = pl.when(debit).then(other).otherwise(own)
        listed = _listed(source, target, params.corridors)
        transfers = transfers.with_columns(source=source, target=target, listed=listed)
        new, high, seen = _new(state, transfers, moment, params)
        chosen = np.flatnonzero(new | transfers["listed"].to_numpy())
        if not len(chosen):
            return NOTHING
        scale = pl.col("base").cast(pl.Int128) * WHOLE // pl.col("factor")
        found = transfers[chosen].with_columns(
            value=scale.cast(pl.Int64), high=pl.Series(high[chosen]), seen=pl.Series(seen[chosen])
        )
        return _told(ranked(found, "value", params.bands))


def _listed(source: pl.Expr, target: pl.Expr, corridors: Sequence[tuple[str, str]]) -> pl.Expr:
    """Whether source and target are a pair of the list."""
    both = [f"{a}>{b}" for a, b in corridors if ANY not in (a, b)]
    into = [b for a, b in corridors if a == ANY]
    out_of = [a for a, b in corridors if b == ANY]
    anything = (ANY, ANY) in corridors
    return (
        target.is_in(into)
        | source.is_in(out_of)
        | pl.concat_str([source, target], separator=">").is_in(both)
        | pl.lit(anything)
    )


def _new(
    state: State, transfers: pl.DataFrame, moment: Moment, params: Params
) -> tuple[Array, Array, Array]:
    """Whether each is the owner's first to its country and large; percentile and what it is of."""
    outgoing = (transfers["direction"] == "DEBIT").to_numpy()
    new, high, seen = np.zeros_like(outgoing), *np.zeros((2, len(outgoing)), dtype=np.int64)
    sent = transfers.filter(pl.Series(outgoing))
    if sent.is_empty():
        return new, high, seen
    large, highs, known = [], [], []
    for block, part, _ in by_block(sent, moment):
        of_call, base = group(part), part["base"].to_numpy()
        page = _turned(state, block, of_call, base, params)
        highs.append(page.columns["high"][of_call.codes])
        known.append(page.columns["seen"][of_call.codes])
        large.append((base > highs[-1]) & (known[-1] >= params.least))
    new[outgoing] = _above(sent, _first(state, sent) & np.concatenate(large), params.floor)
    high[outgoing], seen[outgoing] = np.concatenate(highs), np.concatenate(known)
    return new, high, seen


def _above(sent: pl.DataFrame, chosen: Array, floor: int) -> Array:
    """Which of those that are chosen lie above the floor; exact."""
    places = np.flatnonzero(chosen).tolist()
    base, factor = sent["base"], sent["factor"]
    out = np.zeros_like(chosen)
    out[[place for place in places if base[place] * WHOLE > floor * factor[place]]] = True
    return out


def _turned(state: State, block: int, events: Group, base: Array, params: Params) -> Page:
    """The owners' counts, with the events put into the running block."""
    page = _LEDGER.turn(state, events, block, params.percentile)
    if len(page.turned):
        amounts = counts(page.finished[:, :, 1:]).sum(axis=1)
        page.columns["high"][page.turned] = quantile(amounts, params.percentile)
        page.columns["seen"][page.turned] = amounts.sum(axis=1)
    page.columns["count"] += events.total(np.ones(len(base), dtype=np.int64))
    packed = np.stack([page.columns[name] for name in _AMOUNTS], axis=1)
    packed = counted(packed, page.columns["count"], events.codes, classes(base))
    for place, name in enumerate(_AMOUNTS):
        page.columns[name] = packed[:, place]
    page.save(state)
    return page


def _first(state: State, sent: pl.DataFrame) -> Array:
    """Whether each transfer is the owner's first to its country; from now on it is known."""
    of_call = group(sent)
    number = {c: _number(c) for c in sent["counterparty_country"].unique().to_list()}
    country = sent["counterparty_country"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    owners = pl.Series("owner_number", of_call.owners)
    known = state[_SENT].lookup(owners).select(_WORDS).to_numpy()
    word, bit = np.maximum(country, 0) // _BITS, np.left_shift(1, np.maximum(country, 0) % _BITS)
    fresh = (country >= 0) & (known[of_call.codes, word] & bit == 0)
    places = np.flatnonzero(fresh)
    pairs = of_call.codes[places] * _LETTERS**2 + country[places]
    first = places[np.unique(pairs, return_index=True)[1]]
    if len(first):
        codes = np.unique(of_call.codes[first])
        np.bitwise_or.at(known, (of_call.codes[first], word[first]), bit[first])
        bits = {name: known[codes, place] for place, name in enumerate(_WORDS)}
        state[_SENT].upsert(pl.DataFrame({"owner_number": of_call.owners[codes], **bits}))
    out = np.zeros(len(country), dtype=bool)
    out[first] = True
    return out


def _number(country: str) -> int:
    """A country's two letters as a number from 0; -1 if they are none."""
    if len(country) != 2 or not all("A" <= letter <= "Z" for letter in country):
        return -1
    return (ord(country[0]) - ord("A")) * _LETTERS + ord(country[1]) - ord("A")


def _told(found: pl.DataFrame) -> pl.DataFrame:
    if found.is_empty():
        return NOTHING
    pair = pl.format("{} to {}", "source", "target")
    measured = pl.format("{} USD from {}", money("base"), pair)
    high = pl.format("{} USD, percentile of {} transfers", money("high"), "seen")
    limit = pl.when("listed").then(pl.lit("a listed pair of countries")).otherwise(high)
    why = pl.format("First transfer to {}, and large for the owner", "target")
    why = pl.when("listed").then(pl.format("Countries on the list: {}", pair)).otherwise(why)
    return single(found.with_columns(measured=measured, limit=limit, reason=why))


RULE = HighRiskCorridor()
