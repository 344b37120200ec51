"""A market is fixed by its seed, its quotes are sound, and trades happen at standing quotes."""

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from connectors.generators import Amount, Faults, MarketWorld, Plan, topics
from connectors.generators.calendar import Burst, TradingDays
from connectors.generators.feed import DAY, SECOND
from connectors.generators.market.history import from_parquet
from connectors.topics import TOPICS
from deploy.commands import generate as command
from deploy.errors import UserError
from deploy.generate import Order
from schemas.checks import violations
from schemas.ids import is_isin
from schemas.records import record
from tests.generated import Run, generate

COUNT = 6_000


@pytest.fixture(scope="module")
def world() -> MarketWorld:
    return MarketWorld(7, amount=Amount(COUNT))


@pytest.fixture(scope="module")
def run(world: MarketWorld) -> Run:
    return generate(world, Plan(count=world.count, seed=7))


@pytest.fixture(scope="module")
def quotes(run: Run) -> pl.DataFrame:
    return run.frame("quotes").sort("quote_id")


@pytest.fixture(scope="module")
def fills(run: Run) -> pl.DataFrame:
    return run.frame("fills").sort("trade_time", "fill_id")


def records(run: Run) -> dict[tuple[str, int], list[bytes | None]]:
    return {place: run.records(*place) for place in run.values}


def test_the_same_seed_gives_the_same_bytes_and_another_others(world: MarketWorld) -> None:
    faults = Faults.total(0.05)
    plan = Plan(count=world.count, seed=7, faults=faults)
    made = [generate(MarketWorld(seed, amount=Amount(COUNT, 0.01)), plan) for seed in (7, 7, 8)]
    assert dict(made[0].values) == dict(made[1].values)
    assert records(made[0]) != records(made[2])


@pytest.mark.parametrize(("chunk", "step"), [(64, 3_600 * SECOND), (10**6, DAY)])
def test_records_do_not_depend_on_how_a_run_is_cut(
    world: MarketWorld, chunk: int, step: int
) -> None:
    faults = Faults.total(0.05)
    usual = generate(world, Plan(count=world.count, seed=7, faults=faults))
    cut = generate(world, Plan(count=world.count, seed=7, faults=faults, chunk=chunk, step=step))
    assert records(cut) == records(usual)


def test_a_run_has_exactly_what_was_asked_for_and_breaks_no_rule(
    world: MarketWorld, run: Run
) -> None:
    heights = {topic: run.frame(topic).height for topic in world.topics}
    n, opened = len(world.universe), 60 * 30
    assert sum(heights.values()) == world.count == 2 * n + opened + COUNT
    assert heights["instruments"] == n
    for topic in world.topics:
        rec, frame = record(TOPICS[topic].record), run.frame(topic)
        assert violations(rec, frame) == []
        assert frame[rec.id].n_unique() == frame.height
        for _, part in frame.group_by("sent_to", maintain_order=True):
            assert part["sequence"].to_list() == list(range(part.height))


def test_there_are_more_than_500_instruments_of_four_kinds(world: MarketWorld, run: Run) -> None:
    frame = run.frame("instruments")
    assert Counter(frame["kind"]) == {"EQUITY": 250, "BOND": 80, "FX": 45, "OPTION": 400}
    assert all(is_isin(isin) for isin in frame["isin"])
    assert frame["isin"].n_unique() == frame.height
    options = frame.filter(kind="OPTION").join(
        frame.filter(kind="EQUITY"), left_on="underlying", right_on="isin", validate="m:1"
    )
    assert options.height == 400
    assert (options["currency"] == options["currency_right"]).all()
    assert (options["expiry"].to_numpy().astype(np.int64) * DAY > world.end).all()
    chain = ["underlying", "expiry", "strike", "option_side"]
    assert options.select(chain).n_unique() == 400
    pairs = frame.filter(kind="FX")
    assert (pairs["currency"] != pairs["base_currency"]).all()
    bonds = frame.filter(kind="BOND")
    assert (bonds["expiry"] > 20_000).all()


def test_quotes_are_never_crossed_and_lie_on_the_grid(run: Run, quotes: pl.DataFrame) -> None:
    terms = run.frame("instruments").select("isin", "tick")
    found = quotes.join(terms, on="isin", validate="m:1")
    assert found.height == quotes.height
    assert (found["bid"] > 0).all()
    assert (found["bid"] < found["ask"]).all()
    assert (found["bid"] % found["tick"] == 0).all()
    assert (found["ask"] % found["tick"] == 0).all()
    assert (found.select(pl.min_horizontal("bid_size", "ask_size")).to_series() > 0).all()


def test_bad_quotes_are_as_many_as_asked_for() -> None:
    """Binomial: within 4 standard deviations; never at the opening, never in a trade."""
    share = 0.05
    world = MarketWorld(7, amount=Amount(COUNT, share))
    run = generate(world, Plan(count=world.count, seed=7))
    quotes = run.frame("quotes")
    bad = quotes.filter((pl.col("bid") >= pl.col("ask")) | (pl.col("bid") <= 0))
    later = quotes.filter(pl.col("time") > world.start).height
    assert abs(bad.height - share * later) <= 4 * np.sqrt(later * share * (1 - share))
    crossed, zero = bad.filter(pl.col("bid") > pl.col("ask")), bad.filter(ask=0)
    assert min(crossed.height, zero.height, bad.filter(pl.col("bid") < 0).height) > 0
    assert (bad["time"] > world.start).all()
    assert (run.frame("fills")["price"] > 0).all()
    assert standing(quotes, run.frame("fills")) == []


def standing(quotes: pl.DataFrame, fills: pl.DataFrame) -> list[str]:
    """Fills that are not at the last sound quote before them or greater than its size."""
    asked = [(row["time"], 0, row) for row in quotes.rows(named=True)]
    asked += [(row["trade_time"], 1, row) for row in fills.rows(named=True)]
    last: dict[str, dict[str, int]] = {}
    wrong = []
    for _, trade, row in sorted(asked, key=lambda item: item[:2]):
        if not trade:
            if 0 < row["bid"] < row["ask"]:
                last[row["isin"]] = row
            continue
        quote, side = last[row["isin"]], "ask" if row["side"] == "BUY" else "bid"
        if row["price"] != quote[side] or row["quantity"] > quote[f"{side}_size"]:
            wrong.append(row["fill_id"])
    return wrong


def test_every_trade_is_at_the_standing_quote(quotes: pl.DataFrame, fills: pl.DataFrame) -> None:
    assert standing(quotes, fills) == []


def test_halted_instruments_stop_halfway() -> None:
    """Half of a day's business is done at 12:15, by the symmetry of the day."""
    world = MarketWorld(7, amount=Amount(COUNT, halted=200))
    run = generate(world, Plan(count=world.count, seed=7))
    assert len(set(world.halted)) == 200
    noon = world.start + 4 * 3_600 * SECOND + 900 * SECOND
    for topic, time in (("quotes", "time"), ("fills", "trade_time")):
        frame = run.frame(topic)
        late = set(frame.filter(pl.col(time) > noon)["isin"])
        assert late.isdisjoint(world.halted)
        assert not set(frame["isin"]).isdisjoint(world.halted)
    with pytest.raises(ValueError, match="at most half"):
        MarketWorld(7, amount=Amount(COUNT, halted=700))


def test_books_open_with_positions_and_belong_to_the_house(
    world: MarketWorld, fills: pl.DataFrame
) -> None:
    market = world.universe.market
    opened = fills.filter(pl.col("fill_id").str.contains("-O"))
    assert set(opened["book"].value_counts()["count"]) == {30}
    assert opened["book"].n_unique() == len(market.books)
    assert set(opened["trade_time"]) == {world.start}
    assert set(opened["fee"]) == {0}
    assert set(fills["member"]) == {market.members[0]}
    assert market.members[0] not in set(fills["counterparty"])
    share = fills.height - opened.height
    assert abs(share - 0.1 * COUNT) <= 4 * np.sqrt(COUNT * 0.1 * 0.9)


def test_the_fee_is_half_a_basis_point(run: Run, fills: pl.DataFrame) -> None:
    terms = run.frame("instruments").select("isin", "multiplier")
    traded = fills.filter(~pl.col("fill_id").str.contains("-O")).join(terms, on="isin")
    for row in traded.head(200).rows(named=True):
        exponent = 0 if row["currency"] == "JPY" else 2
        paid = row["quantity"] * row["multiplier"] * row["price"] * 10**exponent
        assert row["fee"] == paid // (10 ** row["price_scale"] * 20_000)


def test_crosses_agree_with_the_dollar(run: Run, quotes: pl.DataFrame) -> None:
    """A middle is half a tick from the model's price at most, so crosses differ by rounding."""
    mid = opening_mids(run, quotes.head(run.frame("instruments").height))
    pairs = run.frame("instruments").filter(kind="FX")
    names = {
        (a, b): isin for isin, a, b in pairs.select("isin", "base_currency", "currency").rows()
    }
    eur, gbp, cross = (mid[names[p]] for p in (("EUR", "USD"), ("GBP", "USD"), ("EUR", "GBP")))
    half = 0.5e-5
    tolerance = half + eur / gbp * (half / eur + half / gbp) * 1.01
    assert cross == pytest.approx(eur / gbp, abs=tolerance)


def test_calls_and_puts_are_in_parity(world: MarketWorld, run: Run, quotes: pl.DataFrame) -> None:
    """C - P = S - K exp(-r T), each of the three half a cent from its model price at most."""
    frame = run.frame("instruments")
    mid = opening_mids(run, quotes.head(frame.height))
    calls, puts = (frame.filter(kind="OPTION", option_side=side) for side in ("CALL", "PUT"))
    chain = ["underlying", "expiry", "strike"]
    both = calls.join(puts, on=chain, suffix="_put", validate="1:1")
    assert both.height == 200
    rates = {"EUR": 0.02, "USD": 0.04, "GBP": 0.04}
    for row in both.rows(named=True):
        years = (row["expiry"] - world.start / DAY) / 365
        forward = mid[row["underlying"]] - row["strike"] / 100 * np.exp(
            -rates[row["currency"]] * years
        )
        if min(mid[row["isin"]], mid[row["isin_put"]]) > 0.03:
            assert mid[row["isin"]] - mid[row["isin_put"]] == pytest.approx(forward, abs=0.015001)


def opening_mids(run: Run, opening: pl.DataFrame) -> dict[str, float]:
    assert opening["time"].n_unique() == 1
    middle = (pl.col("bid") + pl.col("ask")) / 2 / 10 ** pl.col("price_scale").cast(pl.Float64)
    return dict(opening.select("isin", middle.alias("mid")).rows())


def test_a_burst_has_ten_times_as_much() -> None:
    """Ticks are spread evenly over the intensity, one in each slot: two counts differ by two."""
    burst = Burst(10.0)
    days, count = TradingDays(date(2026, 3, 2), 1, burst), 100_000
    usual = TradingDays(date(2026, 3, 2), 1)
    even = (np.arange(count) + 0.5) / count

    def within(of: TradingDays) -> int:
        at = of.times(even) % DAY
        return int(((at >= burst.begin) & (at < burst.begin + burst.length)).sum())

    share = within(usual) / count
    assert within(days) == pytest.approx(count * 10 * share / (1 + 9 * share), abs=25)
    assert (np.diff(days.times(even)) >= 0).all()
    with pytest.raises(ValueError, match="between 08:00 and 16:30"):
        Burst(10.0, begin=0)
    with pytest.raises(ValueError, match="1 to 1000"):
        Burst(0.5)


def test_late_and_out_of_order_ticks_are_the_usual_faults(world: MarketWorld) -> None:
    plan = Plan(count=world.count, seed=7, faults=Faults(late=0.02, out_of_order=0.05))
    labels = generate(world, plan).frame("labels")
    assert set(labels["kind"]) == {"late", "out-of-order"}
    assert set(labels["topic"]) == {"quotes", "fills"}
    assert "labels" in topics(world, plan)


def order(**given: object) -> Order:
    usual = {"kind": "market", "count": 300, "seed": 1, "partitions": 2, "faults": "0"}
    usual |= {"first": "2026-03-02", "days": None, "lateness": 5.0, "jitter": 0.0, "rate": None}
    return Order(**(usual | given))


def test_the_command_writes_files_and_the_history(tmp_path: Path) -> None:
    app = typer.Typer()
    command.register(app)
    past = tmp_path / "past" / "history.parquet"
    asked = ["market", "--count", "300", "--bad", "0.1", "--burst", "10", "--partitions", "2"]
    asked += ["--history", str(past), "--out", str(tmp_path), "--json"]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 0, shown.output
    assert {p.stem for p in tmp_path.glob("*.parquet")} == {"instruments", "quotes", "fills"}
    history = from_parquet(past)
    assert len(history.days) == 750
    assert "fx:EUR" in history.names
    assert len(history.names) == 775 + 26


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "trades", "bad": 0.1}, "is for market and exchange"),
        ({"kind": "aml", "history": Path("x.csv")}, "are for market"),
        ({"days": 300}, "1 to 250"),
        ({"bad": 2.0}, "a share"),
        ({"halted": -1}, "not less than 0"),
        ({"count": 0}, "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    given: dict[str, object], words: str, tmp_path: Path
) -> None:
    from deploy.generate import generate as carry_out

    with pytest.raises(UserError, match=words):
        carry_out(order(**given), "", tmp_path)
