"""A job over files gives what the fold of the same log gives, and says what is wrong with them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from connectors.generators import (
    Faults,
    Payments,
    Plan,
    Trades,
    chunks,
    expected_counts,
    to_files,
    topics,
)
from connectors.log import MemoryLog, fold_shard, results_by_topic
from connectors.topics import KNOWN, TICK_KEY
from deploy.backtest import backtest
from deploy.commands import backtest as command
from deploy.errors import UserError
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.ids import lei_check_digits
from schemas.records import record
from tests.generated import generate

A, B, C, CCP = (
    body + lei_check_digits(body) for body in (f"9999{name}" + "0" * 13 for name in "ABCP")
)
NOON = 1_772_452_800_000_000
HOUR = 3_600_000_000
MADE_BY_PLACE = ("producer", "sequence", "first_offset", "last_offset", "provenance_root")


@pytest.fixture(scope="module", autouse=True)
def short_panics() -> Iterator[None]:
    """Polars writes a line to stderr for each panic; without this, a stack trace each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUST_BACKTRACE", "0")
        yield


def obligation(number: int, payer: str, receiver: str, amount: int, time: int) -> dict[str, Any]:
    return {
        "obligation_id": f"O{number}",
        "trade_id": f"T{number}",
        "trade_time": time,
        "netting_set": f"{CCP}|EUR",
        "ccp": CCP,
        "payer": payer,
        "receiver": receiver,
        "asset": "EUR",
        "amount": amount,
        "scale": 2,
        "settlement_date": 20_516,
        "mic": "XETR",
    }


BY_HAND = pl.DataFrame(
    [
        obligation(1, A, B, 100, NOON),
        obligation(2, B, C, 100, NOON + 1),
        obligation(3, C, A, 100, NOON + HOUR - 1),
        obligation(4, A, B, 70, NOON + HOUR),
        obligation(5, B, A, 30, NOON + HOUR + 1),
    ]
)


def csv(folder: Path, frame: pl.DataFrame = BY_HAND, name: str = "o.csv") -> str:
    frame.write_csv(folder / name)
    return f"obligations={folder / name}"


def nets(out: Path, kind: str) -> list[tuple[Any, ...]]:
    frame = pl.read_parquet(out / "nets.parquet").filter(kind=kind)
    columns = ("cycle_end", "member", "receives", "delivers", "net")
    return frame.select(columns).sort(columns).rows()


def test_obligations_by_hand_give_the_nets_by_hand(tmp_path: Path) -> None:
    summary = backtest("netting", [csv(tmp_path)], tmp_path / "out")
    first, second = NOON + HOUR, NOON + 2 * HOUR
    assert nets(tmp_path / "out", "MULTILATERAL") == [
        *((first, member, 100, 100, 0) for member in (A, B, C)),
        (second, A, 30, 70, -40),
        (second, B, 70, 30, 40),
    ]
    assert [row[1:] for row in nets(tmp_path / "out", "BILATERAL") if row[0] == second] == [
        (A, 30, 70, -40)  # once a pair, as the lesser LEI sees it
    ]
    cycles = pl.read_parquet(tmp_path / "out" / "cycles.parquet").sort("cycle_end")
    assert cycles["gross"].to_list() == [300, 100]
    assert cycles["bilateral_net"].to_list() == [300, 40]
    assert cycles["multilateral_net"].to_list() == [0, 40]
    assert (summary["records"], summary["used"], summary["dead"]) == (5, 5, 0)
    assert summary["results"]["nets"] == 9


def test_the_kind_of_file_changes_nothing(tmp_path: Path) -> None:
    times = BY_HAND.with_columns(
        trade_time=pl.col("trade_time").cast(pl.Datetime("us", "UTC")),
        settlement_date=pl.col("settlement_date").cast(pl.Int32).cast(pl.Date),
    )
    written = times.with_columns(pl.col("trade_time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    given = [csv(tmp_path), csv(tmp_path, written, "times.csv")]
    for name, frame in {"plain": BY_HAND, "times": times}.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
        given.append(f"obligations={tmp_path / name}.parquet")
    rows = BY_HAND.with_columns(producer=pl.lit("file"), sequence=pl.int_range(5)).to_dicts()
    with (tmp_path / "o.avro").open("wb") as file:
        fastavro.writer(file, record("Obligation").schema, rows, codec="deflate")
    given.append(f"obligations={tmp_path / 'o.avro'}")
    found = set()
    for number, text in enumerate(given):
        backtest("netting", [text], tmp_path / str(number))
        found.add((tmp_path / str(number) / "netting.batches.parquet").read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize(
    ("job", "feed", "reads"),
    [("netting", Trades(4), ("obligations",)), ("graph", Payments(4), ("payments",))],
)
def test_a_generated_log_gives_what_its_fold_gives(
    tmp_path: Path, job: str, feed: Trades | Payments, reads: tuple[str, ...]
) -> None:
    plan = Plan(count=2_000, seed=4, faults=Faults.total(0.05))
    paths = to_files(chunks(feed, plan), tmp_path / "day", topics(feed, plan), feed.start)
    given = [f"{topic}={paths[topic]}" for topic in reads]
    summary = backtest(job, given, tmp_path / "out")
    run = generate(feed, plan)
    expected = expected_counts(run.frame("labels"))[reads[0]]
    sent = sum(len(run.records(reads[0], p)) for p in range(plan.partitions))
    assert summary["records"] == sent == sum(summary[k] for k in ("used", "duplicates", "dead"))
    assert summary["used"] == expected.used(sent)
    assert (summary["duplicates"], summary["late"]) == (expected.duplicates, expected.late)
    assert summary["reasons"] == expected.dead
    assert min(summary["used"], summary["duplicates"], summary["late"], summary["dead"]) > 0

    log, spec = MemoryLog(), JOBS[job](Config())
    for topic in reads:
        for row in pl.read_parquet(paths[topic]).sort("partition", "offset").to_dicts():
            log.append(topic, row["partition"], row["appended"], row["value"], row["key"])
    for shard in range(spec.partitions):
        written = results_by_topic(fold_shard(spec, shard, log.partition(reads, shard)))
        assert set(written) <= set(summary["results"])
        for topic in spec.outputs:
            values = [value for _, value in written.get(topic, [])]
            frame, _, _ = decode_batch(record(KNOWN[topic].record), values)
            told = pl.read_parquet(tmp_path / "out" / f"{topic}.parquet").filter(shard=shard)
            assert told.select(frame.columns).equals(frame)


def test_records_give_the_nets_of_the_log_they_came_in(tmp_path: Path) -> None:
    feed, plan = Trades(5), Plan(count=500, seed=5)
    paths = to_files(chunks(feed, plan), tmp_path, topics(feed, plan), feed.start)
    log = pl.read_parquet(paths["obligations"]).filter(pl.col("key") != TICK_KEY)
    rows, _, _ = decode_batch(record("Obligation"), log.sort("appended")["value"].to_list())
    given = csv(tmp_path, rows.drop("producer", "sequence"))
    option = ["slice-ms=60000"]
    backtest("netting", [f"obligations={paths['obligations']}"], tmp_path / "log", option)
    summary = backtest("netting", [given], tmp_path / "records", option)
    assert (summary["used"], summary["late"]) == (rows.height, 0)
    of_log, of_records = (
        pl.read_parquet(tmp_path / name / "nets.parquet").drop(MADE_BY_PLACE).sort("net_id")
        for name in ("log", "records")
    )
    assert of_log.equals(of_records)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    given = csv(tmp_path)
    for name in ("first", "second"):
        backtest("netting", [given], tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert len(files) == 6
    for name in files:
        first, second = (tmp_path / run / name for run in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_results_are_the_input_of_the_next_job(tmp_path: Path) -> None:
    bad = BY_HAND.with_columns(amount=pl.col("amount") - 30)
    summary = backtest("netting", [csv(tmp_path, bad)], tmp_path / "out")
    assert (summary["used"], summary["reasons"]) == (4, {"out-of-range": 1})
    reads = [topic for topic, n in summary["results"].items() if n]
    given = [f"{topic}={tmp_path / 'out' / topic}.parquet" for topic in reads]
    chained = backtest("regulatory", given, tmp_path / "chain")
    assert chained["used"] == sum(summary["results"].values()) == chained["records"]
    assert chained["results"]["regulatory.events"] == chained["records"]


@pytest.mark.parametrize("options", [["cycle-s=1000000"], ["lateness-ms=90000000"]])
def test_every_window_closes_however_long_it_is(tmp_path: Path, options: list[str]) -> None:
    summary = backtest("netting", [csv(tmp_path)], tmp_path / "out", options)
    multilateral = [row[-1] for row in nets(tmp_path / "out", "MULTILATERAL")]
    assert sum(multilateral) == 0
    assert (
        pl.read_parquet(tmp_path / "out" / "cycles.parquet")["obligations"].sum()
        == summary["used"]
        == 5
    )
    assert summary["dead"] == 0


def test_rows_that_go_back_in_time_are_late_and_bad_times_move_nothing(tmp_path: Path) -> None:
    times = [NOON + HOUR, 2**62, NOON, NOON + HOUR, -1]
    frame = BY_HAND.with_columns(trade_time=pl.Series(times))
    summary = backtest("netting", [csv(tmp_path, frame)], tmp_path / "out")
    assert {name: summary[name] for name in ("used", "late", "dead")} == {
        "used": 3,
        "late": 1,
        "dead": 2,
    }
    letters = pl.read_parquet(tmp_path / "out" / "netting.dead.parquet")
    assert set(letters["appended"]) == {(NOON + HOUR) // 1_000}


def wrong(job: str, given: list[str], folder: Path, options: tuple[str, ...] = ()) -> str:
    with pytest.raises(UserError) as caught:
        backtest(job, given, folder / "out", options)
    assert "\n" not in str(caught.value)
    assert not (folder / "out").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("amount", "1.5", "row 3: amount is '1.5', not a whole number of 64 bits"),
        ("amount", "", "row 3: amount is empty"),
        ("scale", str(2**31), "not a whole number of 32 bits"),
        ("trade_time", "noon", "row 3: trade_time is 'noon', not a time"),
    ],
)
def test_a_row_that_cannot_be_encoded_is_named(
    tmp_path: Path, column: str, value: str, told: str
) -> None:
    third = pl.int_range(pl.len()) == 2
    changed = pl.when(third).then(pl.lit(value)).otherwise(pl.col(column).cast(pl.String))
    text = wrong("netting", [csv(tmp_path, BY_HAND.with_columns(changed.alias(column)))], tmp_path)
    assert text.startswith(str(tmp_path / "o.csv"))
    assert told in text


def test_nonsense_is_told_in_one_line(tmp_path: Path) -> None:
    good = csv(tmp_path)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "broken.avro").write_bytes(b"Obj\x01 and no more")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more PAR1")
    less = csv(tmp_path, BY_HAND.drop("amount", "payer"), "less.csv")
    head = csv(tmp_path, BY_HAND.clear(), "head.csv")
    known = "take one of: abuse, aml, crossing, firm, graph, links, marks, matching, motifs"
    assert known in wrong("nets", [good], tmp_path)
    assert "no topic is called trades" in wrong("netting", ["trades=x.csv"], tmp_path)
    assert "does not read payments" in wrong("netting", ["payments=x.csv"], tmp_path)
    assert "TOPIC=FILE" in wrong("netting", ["obligations"], tmp_path)
    assert "given twice" in wrong("netting", [good, good], tmp_path)
    assert "no such file" in wrong("netting", ["obligations=none.csv"], tmp_path)
    assert "ends in .parquet" in wrong("netting", ["obligations=o.txt"], tmp_path)
    assert "lacks payer, amount; one row" in wrong("netting", [less], tmp_path)
    for name in ("empty.csv", "head.csv"):
        assert "is empty" in wrong("netting", [head.replace("head.csv", name)], tmp_path)
    for name in ("broken.avro", "broken.parquet"):
        assert "cannot be read" in wrong("netting", [f"obligations={tmp_path / name}"], tmp_path)
    for option in ("cycle=1", "cycle-s", "cycle-s=0", "slice-ms=60001", "partitions=9999"):
        assert option in wrong("netting", [good], tmp_path, (option,))


def test_a_log_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    feed, plan = Trades(1), Plan(count=50)
    paths = to_files(chunks(feed, plan), tmp_path, topics(feed, plan), feed.start)
    log, path = pl.read_parquet(paths["obligations"]), tmp_path / "log.parquet"
    cases = {
        "without column key": log.drop("key"),
        "column value is String": log.with_columns(value=pl.lit("x")),
        "holds topic fills": log.with_columns(topic=pl.lit("fills")),
        "--option partitions=8": log.with_columns(partition=pl.col("partition") + 4),
        "comes twice": pl.concat([log, log]),
        "go back": log.with_columns(appended=-pl.col("offset") + 10**6),
        "offset is not always": log.with_columns(offset=pl.col("offset") - 1),
    }
    for told, frame in cases.items():
        frame.write_parquet(path)
        assert told in wrong("netting", [f"obligations={path}"], tmp_path)


def test_the_command_shows_a_table_or_json(tmp_path: Path) -> None:
    app = typer.Typer()
    command.register(app)
    argv = ["netting", "--input", csv(tmp_path), "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(app, argv)
    assert told.exit_code == 0
    assert {"records", "used", "nets", "9"} <= set(told.stdout.split())
    told = CliRunner().invoke(app, [*argv, "-o", "cycle-s=7200", "--json"])
    assert json.loads(told.stdout) == json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert json.loads(told.stdout)["options"]["cycle_s"] == 7_200
