"""Lists from files into the topic: what is refused with its line, and what is sent."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from connectors.log import Span
from deploy.errors import UserError
from deploy.screening import evaluate, made, publish, reading
from deploy.screening.desk import judged
from deploy.screening.publish import Publication, Published
from schemas.codec import decode_batch
from schemas.records import record
from udfs.screening.listed import EXCEPTIONS, LISTED, canonical, digest, joined, parse
from udfs.screening.names import normalise

HEAD = "id,name,aliases,kind,birth_year,countries,programme,category"
GOOD = "A1,Ivan Petrov,Vanya Petrov|Иван Петров,PERSON,1970,AA|ZZ,ARMS,SANCTION"
FALSE_HEAD = "listed,name,user,reason,until"


def listed(tmp_path: Path, *lines: str, head: str = HEAD) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_row_becomes_an_entry(tmp_path):
    (entry,) = reading.read(listed(tmp_path, GOOD), LISTED)
    assert json.loads(entry.canonical) == {
        "aliases": ["Vanya Petrov", "Иван Петров"],
        "birth_year": 1970,
        "category": "SANCTION",
        "countries": ["AA", "ZZ"],
        "id": "A1",
        "kind": "PERSON",
        "name": "Ivan Petrov",
        "programme": "ARMS",
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A2,,,PERSON,,,,SANCTION", "name is ''"),
        (",Ivan,,PERSON,,,,SANCTION", "id is ''"),
        ("A|2,Ivan,,PERSON,,,,SANCTION", "id is 'A|2'"),
        ("A2,Ivan,,GHOST,,,,SANCTION", "kind is 'GHOST'"),
        ("A2,Ivan,,PERSON,,,,WANTED", "category is 'WANTED'"),
        ("A2,Ivan,,PERSON,19x0,,,PEP", "birth_year is '19x0'"),
        ("A2,Ivan,,PERSON,2101,,,PEP", "birth_year is 2101"),
        ("A2,Ivan,,PERSON,-1,,,PEP", "birth_year is '-1'"),
        ("A2,Ivan,,PERSON,,Utopia,,PEP", "countries.0 is 'Utopia'"),
        ("A2,Ivan,a||b,PERSON,,,,PEP", "aliases.1 is ''"),
        ("A2,...,,PERSON,,,,PEP", "has nothing in it that can be compared"),
        ("A2,Ivan,???,PERSON,,,,PEP", "has nothing in it that can be compared"),
        (f"A2,{'x' * 257},,PERSON,,,,PEP", "name is"),
        ("A2,Iv\x07an,,PERSON,,,,PEP", "name is"),
        ("A2,Ivan,,PERSON,,,PEP", "7 cells, 8 columns are asked"),
        ("A2,Ivan,,PERSON,,,,PEP,more", "9 cells, 8 columns are asked"),
        ('A2,"Ivan"x,,PERSON,,,,PEP', "expected"),
        ("A1,Ivan,,PERSON,,,,PEP", "A1 stands in line 2 too"),
    ],
)
def test_a_row_that_is_wrong_refuses_the_list_with_its_line(tmp_path, row, reason):
    path = listed(tmp_path, GOOD, row, "A3,Li Wei,,PERSON,,,,PEP")
    with pytest.raises(UserError) as told:
        reading.read(path, LISTED)
    assert f"{path} line 3: " in str(told.value)
    assert reason in str(told.value)
    assert "nothing is published" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_line_is_that_of_the_file_where_cells_span_several(tmp_path):
    path = listed(tmp_path, 'A0,Ivan,,PERSON,,,"two\nlines",PEP')
    with pytest.raises(UserError, match="line 3: programme is"):
        reading.read(path, LISTED)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "line 1: the heading is not"),
        (b"id,name\n", "line 1: the heading is not"),
        (HEAD.encode() + b"\n", "has no rows"),
        (HEAD.encode() + b"\nA1,\xff\xfe,,PERSON,,,,PEP\n", "line 2: it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path, octets, reason):
    path = tmp_path / "list.csv"
    path.write_bytes(octets)
    with pytest.raises(UserError, match=reason):
        reading.read(path, LISTED)
    with pytest.raises(UserError, match="cannot be read"):
        reading.read(tmp_path / "none.csv", LISTED)


def test_exceptions_keep_the_digest_of_the_name_and_a_day(tmp_path):
    path = listed(tmp_path, "A1,Ivan PETROV,ann,another birth date,1970-01-02", head=FALSE_HEAD)
    (row,) = reading.read(path, EXCEPTIONS)
    assert (row.name, row.until) == (normalise("ivan petrov").digest, 86_400_000_000)
    for wrong in (
        "A1,Ivan,ann,,1970-01-02",
        "A1,Ivan,ann,why,tomorrow",
        "A1,...,ann,why,1970-01-02",
    ):
        with pytest.raises(UserError, match="line 2: "):
            reading.read(listed(tmp_path, wrong, head=FALSE_HEAD), EXCEPTIONS)


def published(before: Published | None = None, epoch: int = 1) -> tuple[Publication, list]:
    rows = evaluate.entries()
    found = Publication.of("made-up", LISTED, epoch, "ann", 5, rows)
    return found, publish.batches(found, [before or Published()] * 2)


def test_parts_are_small_and_together_are_the_list():
    rows = evaluate.entries()
    text = canonical(rows)
    parts = publish.cut(rows, 10_000)
    assert len(parts) > 3
    assert all(len(part.encode()) <= 10_000 + 2 for part in parts)
    assert joined(parts) == text
    assert parse(text, LISTED) == rows
    assert publish.cut(rows, 1) == tuple(f"[{row.canonical}]" for row in rows)


def test_every_partition_gets_every_part_numbered_on_from_the_last():
    found, sent = published()
    assert [batch.partition for batch in sent] == [0, 1]
    frame, _, rejected = decode_batch(record("ListChunk"), sent[1].values)
    assert not rejected
    assert frame["sequence"].to_list() == frame["chunk"].to_list() == list(range(len(found.parts)))
    assert set(frame["hash"]) == {digest(canonical(evaluate.entries()))}
    places = list(range(len(sent[0].values)))
    span = Span(places, places, sent[0].keys, sent[0].values)
    following = Published.of(span)
    assert following.following == {"lists:made-up": len(found.parts)}
    _, again = published(following, 2)
    assert decode_batch(record("ListChunk"), again[0].values)[0]["sequence"][0] == len(found.parts)


def test_an_epoch_follows_the_last_and_the_same_list_may_be_sent_again():
    before = [Published(versions={"eu": {3: "a" * 64}}), Published()]
    assert publish.next_epoch("eu", None, "b" * 64, before) == 4
    assert publish.next_epoch("eu", None, "a" * 64, before) == 3
    assert publish.next_epoch("eu", 3, "a" * 64, before) == 3
    assert publish.next_epoch("un", None, "b" * 64, before) == 1
    for epoch in (2, 3):
        with pytest.raises(UserError, match="give a greater --epoch"):
            publish.next_epoch("eu", epoch, "b" * 64, before)


def test_a_name_that_the_record_does_not_allow_is_refused():
    rows = evaluate.entries()
    with pytest.raises(UserError, match="cannot be published: out-of-range"):
        publish.messages(Publication.of("No Name", LISTED, 1, "ann", 5, rows), 0)


def run_of(**given):
    usual = {"list": "eu", "partition": 0, "outcome": "IN_FORCE", "hash": "a", "epoch": 2}
    usual["reason"] = "two rows are the same"
    return usual | {"known": 2, "screened": 2, "unreadable": 0} | given


def test_status_names_partitions_that_differ_or_customers_not_screened():
    good = [run_of(), run_of(partition=1)]
    assert judged(good, 2) == (good, [])
    assert judged([*good, run_of(outcome="REFUSED", hash="b")], 2)[1] == []
    assert judged([*good, run_of(outcome="REFUSED", epoch=3)], 2)[1] == [
        "list eu partition 0: epoch 3 was refused: two rows are the same; epoch 2 is in force"
    ]
    for runs, reason in (
        ([*good, run_of(hash="b")], "different versions"),
        (good[:1], "in force in 1 of 2"),
        ([*good, run_of(screened=1, unreadable=1)], "1 of 2 customers were screened"),
    ):
        _, wrong = judged(runs, 2)
        assert reason in wrong[0]


def test_the_files_are_what_the_script_makes(tmp_path):
    made.write(tmp_path)
    for name in ("synthetic.csv", "pairs.csv"):
        assert (tmp_path / name).read_bytes() == (made.HERE / name).read_bytes()
    assert len(evaluate.entries()) >= 200
    assert len(evaluate.pairs()) >= 400
    known = {entry.id for entry in evaluate.entries()}
    assert {pair.listed for pair in evaluate.pairs()} <= known


def test_evaluation_counts_what_it_says():
    listed_, pair = evaluate.entries(), evaluate.pairs()
    right = [evaluate.Judged(p, p.match) for p in pair]
    assert [result.value for result in evaluate.figures(right, "")] == [1.0, 1.0, 1.0]
    three = [p for p in pair if p.match][:3] + [p for p in pair if not p.match][:1]
    found = [evaluate.Judged(p, hit) for p, hit in zip(three, (1, 1, 0, 1), strict=True)]
    # 2 true, 1 false, 1 missed: 2/3, 2/3, 4/6
    assert [result.value for result in evaluate.figures(found, "")] == [0.6667] * 3
    assert len(evaluate.others(listed_, 1_000)) == 1_000


def tidemark(*argv: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_published_list_screens_a_backtest(tmp_path):
    lists = tmp_path / "lists.parquet"
    common = ("--author", "ann", "--out", lists, "--partitions", 1, "--time", "1970-01-01T00:00")
    told = tidemark(
        "screening", "publish", listed(tmp_path, GOOD), "--name", "eu", *common, "--json"
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["epoch"] == 1
    bad = tidemark("screening", "publish", listed(tmp_path, GOOD, "x"), "--name", "eu", *common)
    assert (bad.returncode, bad.stderr.count("\n")) == (1, 1)
    assert "line 3: 1 cells" in bad.stderr
    postings = pl.DataFrame(
        {
            "posting_id": ["p1", "p2"],
            "payment_id": ["x1", "x2"],
            "time": [1_000_000, 2_000_000],
            "owner": ["C1", "C1"],
            "account": ["a", "a"],
            "counterparty_account": ["b", "b"],
            "counterparty_country": ["AA", "AA"],
            "direction": ["DEBIT", "DEBIT"],
            "amount": [100, 100],
            "scale": [2, 2],
            "currency": ["EUR", "EUR"],
            "channel": ["WIRE", "WIRE"],
            "counterparty_name": ["Petrow, Iwan", "Li Wei"],
        }
    )
    postings.write_csv(tmp_path / "postings.csv")
    done = tidemark(
        *("backtest", "screening", "-i", f"lists={lists}", "-o", "partitions=1"),
        *("-i", f"postings={tmp_path / 'postings.csv'}", "--out", tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    alerts = pl.read_parquet(tmp_path / "out" / "alerts.parquet")
    assert alerts["events"].to_list() == ["p1"]
    assert alerts["rule"].to_list() == ["sanctions-screening"]
    runs = pl.read_parquet(tmp_path / "out" / "screening.runs.parquet")
    assert runs.height == 1


def test_a_name_can_be_tried():
    told = tidemark("screening", "try", "Churganov Miroslav", "--json")
    assert [row["id"] for row in json.loads(told.stdout)] == ["HW-002"]
