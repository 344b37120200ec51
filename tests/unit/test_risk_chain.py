"""A market of 200,000 ticks through marks, risk and firm: its P&L is that of plain loops."""

import polars as pl
import pytest

from deploy.bench import risk_feed
from deploy.bench.risk_controls import controls
from deploy.bench.risk_fold import chain
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.records import record
from tests.naive.worth import Books, Market

TICKS, RATE, DENSITY, PARTITIONS = 200_000, 40_000, 800, 2
"""Five seconds of log time, 250 of business."""
CONFIG = Config(partitions=PARTITIONS, lateness_ms=25_000)
"""A slice is 12 seconds of business: that is how far the marks of two shards may be apart."""
SUMS = ("realised", "unrealised", "fees", "total", "gross", "net", "positions")


class Run:
    """The feed as frames, and what the jobs made of it."""

    def __init__(self):
        world = risk_feed.market(7, DENSITY)
        made = list(risk_feed.run(world, TICKS, RATE, PARTITIONS))
        self.ticks = risk_feed.ticks_of(made)
        names = {"instruments": "Instrument", "quotes": "Quote", "fills": "Fill"}
        self.fed = {
            topic: decode_batch(
                record(name),
                [v for c in made for b in c if b.topic == topic and not b.ticks for v in b.values],
            )[0]
            for topic, name in names.items()
        }
        jobs = [JOBS[name](CONFIG) for name in ("marks", "risk", "firm")]
        self.done = chain(jobs, controls(world, PARTITIONS, 500, 2_000), made)


@pytest.fixture(scope="module")
def run():
    return Run()


def market(run, quotes):
    found = Market(run.fed["instruments"].iter_rows(named=True))
    for row in quotes.select("isin", "time", "sequence", "bid", "ask").iter_rows(named=True):
        found.quote(row)
    return found


def books(run, until=2**62):
    found = Books()
    terms = {row["isin"]: row for row in run.fed["instruments"].iter_rows(named=True)}
    for row in run.fed["fills"].filter(pl.col("trade_time") <= until).iter_rows(named=True):
        found.fill(row, terms[row["isin"]])
    return found


def sums(rows):
    return {row["name"]: {name: row[name] for name in SUMS} for row in rows.iter_rows(named=True)}


def test_everything_was_used(run):
    assert run.ticks >= TICKS
    for done in run.done.values():
        assert done.counts["used"] == done.counts["records"] > 0
    fed = {topic: frame.height for topic, frame in run.fed.items()}
    assert run.done["marks"].counts["records"] == fed["quotes"] + fed["instruments"]


def test_the_last_pnl_of_each_book_is_that_of_plain_loops(run):
    pnl = run.done["risk"].frame("pnl").filter(kind="SLICE")
    last = pnl.sort("slice_end", maintain_order=True).unique("name", keep="last")
    assert last.height == 60
    assert last["unvalued"].sum() == 0
    assert sums(last) == books(run).worth(market(run, run.fed["quotes"]))


def test_points_are_worth_the_marks_and_fills_up_to_them(run):
    points = run.done["risk"].frame("pnl").filter(kind="POINT")
    times = points["time"].unique().sort().to_list()
    assert len(times) >= 4
    marks = run.done["marks"].frame("marks").filter(quality="GOOD").with_row_index("sequence")
    for time in (times[1], times[2], times[-1]):  # at the first one few instruments have a mark
        prevailing = market(run, marks.filter(pl.col("time") <= time))
        assert sums(points.filter(time=time)) == books(run, time).worth(prevailing)


def test_the_firm_is_the_sum_of_its_books(run):
    firm = run.done["firm"].frame("firm.pnl")
    pnl = run.done["risk"].frame("pnl")
    last = pnl.filter(kind="SLICE").sort("slice_end", maintain_order=True)
    last = last.unique("name", keep="last")
    said = firm.filter(kind="SLICE").sort("slice_end").row(-1, named=True)
    assert {name: said[name] for name in SUMS} == {name: last[name].sum() for name in SUMS}
    points = pnl.filter(kind="POINT").group_by("time").agg(pl.col(*SUMS).sum()).sort("time")
    assert points.height >= 3
    assert firm.filter(kind="POINT").sort("time").select("time", *SUMS).equals(points)


def test_risk_is_measured_at_full_seconds_with_the_published_set(run):
    for job, topic, groups, scenarios in (("risk", "var", 60, 500), ("firm", "firm.var", 1, 2_000)):
        measured = run.done[job].frame(topic)
        assert set(measured["slice_end"] % 1_000_000) == {0}
        last = measured.sort("slice_end").unique("name", keep="last")
        assert last.height == groups
        assert set(last["scenario_set"]) == {"market@1"}
        assert set(last["scenarios"]) == {scenarios}
        assert (last["es_fractional"] >= last["var"]).all()
        assert (last["var"] > 0).all()
        assert last["missing"].sum() < 0.05 * last["positions"].sum()
        assert (last.filter(pl.col("missing") > 0)["incomplete"] != "").all()
