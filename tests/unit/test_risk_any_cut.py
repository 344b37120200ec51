"""Small random logs: what is final equals the definitions, however the log is cut."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.log import MemoryLog, fold_shard
from jobs.catalogue import Config, risk_job
from schemas.codec import encode
from schemas.records import record
from tests.naive import points as naive
from tests.naive.logs import cuts
from tests.risk_frames import (
    APPENDED,
    EQUITY,
    OTHER,
    RECORDS,
    SECOND,
    START,
    Event,
    fill,
    fold,
    frame,
    mark,
    pair,
    parts,
    tick,
)
from udfs.risk.step import TABLES, RiskStep

US = "US0378331005"
LEI = "529900T8BM49AURSDO55"
EVENING = (16 * 3_600 - 600) * SECOND
"""Ten minutes before midnight, so that days end in the logs."""
FEEDS = ("fills", "marks")
HELD = ("book", "isin", "quantity", "cost", "cost_fifo", "realised", "realised_fifo")

put = st.tuples(
    st.sampled_from([0, 0, 1, 5, 20, 70, 700]),  # seconds since the event before
    st.sampled_from([0, 0, 0, 0, 1, 7, 30, 90, 400, 4_000]),  # seconds that it is late
    st.sampled_from(["MARK", "MARK", "DOLLAR", "RATE", "TICK", "UNKNOWN", "FILL", "FILL", "FILL"]),
    st.sampled_from([EQUITY, OTHER, US]),
    st.integers(-40, 40).filter(bool),
    st.integers(950, 1_050),
    st.booleans(),
)
logs = st.lists(put, min_size=2, max_size=25)


def events(puts):
    """The log of them; the numbers mean what the kind makes of them."""
    out, now = [], EVENING
    for number, (since, age, kind, isin, units, price, flag) in enumerate(puts):
        now += since * SECOND
        at = now - age * SECOND
        dollar = {"currency": "USD"} if isin == US else {}
        if kind == "MARK":
            late = flag and units > 20
            out.append(mark(isin, at, price, price + units % 3, late=late, **dollar))
        elif kind == "RATE":
            out.append(pair("EUR", "USD", at, 10 * price))
        elif kind == "UNKNOWN":
            unknown = {"kind": "UNKNOWN", "multiplier": 0, "quality": "UNKNOWN_INSTRUMENT"}
            out.append(mark(isin, at, 0, **unknown))
        elif kind == "FILL":
            more = {"fee": units % 5 - 1, "fill_id": f"f{number}"}
            more |= {"price_scale": 3} if units == 7 else {}
            out.append(fill("AB"[flag], isin, at, units, price, **(dollar | more)))
        else:
            out.append(tick(now))
    return [*out, tick(now + 4_000 * SECOND)]


def final(outputs):
    """Points and days; corrections; positions as they were last told."""
    pnl = outputs.get("pnl", pl.DataFrame(schema={"kind": pl.String, "pnl_id": pl.String}))
    corrections = outputs.get("pnl.corrections", pl.DataFrame())
    held = outputs.get("positions", pl.DataFrame(schema=dict.fromkeys(HELD, pl.String)))
    held = held.group_by("book", "isin", maintain_order=True).last().select(HELD)
    return (
        pnl.filter(pl.col("kind") != "SLICE").sort("pnl_id").to_dicts(),
        corrections.to_dicts(),
        held.sort("book", "isin").to_dicts(),
    )


def run(log, ends=None) -> dict[str, pl.DataFrame]:
    return fold(RiskStep(), TABLES, log, ends)


@settings(max_examples=25, deadline=None)
@given(logs, st.data())
def test_any_cut_of_the_log_gives_the_same_final_records(puts, data):
    log = events(puts)
    ends = data.draw(cuts(len(log)))
    assert final(run(log, ends)) == final(run(log))


@settings(max_examples=50, deadline=None)
@given(logs)
def test_equals_the_definitions_point_by_point(puts):
    log = events(puts)
    out = run(log, [len(log)])
    rows = parts(log, [len(log)])[0]
    frames = [rows.batch[topic].to_dicts() if topic in rows.batch else [] for topic in FEEDS]
    watermark = min(rows.clock.watermarks[topic] for topic in FEEDS)
    told, corrections = naive.tell(*frames, watermark)
    records, corrected, _ = final(out)
    found = {(row["kind"], row["name"], row["time"]): row for row in records}
    assert found.keys() == told.keys()
    for key, row in told.items():
        assert {name: found[key][name] for name in row} == row, key
    columns = ("time", "cause_id", "book", "isin", "before", "after")
    assert [tuple(row[name] for name in columns) for row in corrected] == [
        row[:6] for row in corrections
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-40, 40).filter(bool), st.integers(1, 99))))
def test_the_order_of_fills_in_a_slice_changes_no_total(drawn):
    """Realised and unrealised may differ, their sum and the quantities may not."""
    first = [mark(EQUITY, 0, 50), mark(US, 0, 50, currency="USD"), pair("EUR", "USD", 0, 11_000)]

    def log(rows):
        some: list[Event] = list(first)
        for number, (dollars, units, price) in rows:
            isin, more = (US, {"currency": "USD"}) if dollars else (EQUITY, {})
            some.append(fill("A", isin, 1, units, price, fill_id=f"f{number}", **more))
        return some

    numbered = list(enumerate(drawn))
    one, other = (run(log(rows), [3 + len(drawn)]) for rows in (numbered, numbered[::-1]))
    for topic, names in (("pnl", ("total", "gross", "net", "fees")), ("positions", ("quantity",))):
        if topic in one:
            assert one[topic].select(names).equals(other[topic].select(names))


def test_such_logs_have_days_and_corrections() -> None:
    """So that the properties above are about something."""
    puts = [(0, 0, "RATE", US, 1, 1_000, False)]
    for number in range(12):
        puts += [
            (20, 0, "MARK", (EQUITY, OTHER, US)[number % 3], 1, 1_000 + number, False),
            (30, 0, "FILL", (EQUITY, OTHER, US)[number % 3], 10, 990, number % 2 == 0),
            (30, 90 if number % 4 == 0 else 0, "FILL", EQUITY, -5, 1_010, False),
            (0, 0, "TICK", EQUITY, 1, 1, False),
            (0, 70 if number % 3 == 1 else 0, "MARK", EQUITY, 30, 980 + number, number % 3 == 1),
        ]
    records, corrected, held = final(run(events(puts)))
    assert {row["kind"] for row in records} == {"POINT", "DAY"}
    assert {row["cause"] for row in corrected} == {"LATE_FILL", "LATE_MARK"}
    assert len(held) > 3


def test_the_job_folds_a_recorded_log() -> None:
    """Encoded, as a cluster would read and write it: a book's P&L and its point come out."""
    log, job = MemoryLog(), risk_job(Config(partitions=1))
    place = {"producer": "p", "sequence": 0, "late": False}
    ids = {"member": LEI, "counterparty": LEI, "mic": "XPAR", "trade_id": "t", "account": "a"}
    rows = {"marks": mark(EQUITY, 0, 1_100).row, "fills": fill("A", EQUITY, 1, 10, 1_000).row | ids}
    log.tick("fills", 0, APPENDED, START)
    for topic, row in rows.items():
        one = frame(topic, [row | place]).select(list(record(RECORDS[topic]).columns))
        log.append(topic, 0, APPENDED + 10, encode(record(RECORDS[topic]), one.to_dicts()[0]))
        log.tick(topic, 0, APPENDED + 70_000, START + 70 * SECOND)
    folded = list(fold_shard(job, 0, log.partition([feed.topic for feed in job.feeds], 0)))
    told = pl.concat([one.outputs["pnl"] for one in folded if "pnl" in one.outputs])
    assert told.select("kind", "total").rows() == [("SLICE", 10_00), ("POINT", 10_00)]
    assert {"pnl", "positions", "risk.batches"} == {r.topic for one in folded for r in one.results}
