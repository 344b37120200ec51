"""Links rest on one record each: whatever the cuts, whatever is late, each is made once."""

from typing import Any

import polars as pl
import pytest

from connectors.graph_layout import LINKS, cypher
from connectors.neo4j import _ends, _statements
from deploy.evaluate.world import folded, outputs
from jobs.catalogue import Config, links_job
from schemas.codec import encode
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.made_log import MadeLog, filled
from tests.naive.tables import naive_state
from udfs.graph.links import FEEDS, TABLES, TOPIC, LinkStep

SHARD = 2
CLOCK = Clock(1, MIN_TIME, {}, SHARD)


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = record(name).columns
    empty = {
        c: "" if t == pl.String else False if t == pl.Boolean else 0 for c, t in columns.items()
    }
    return pl.DataFrame(
        [{**empty, "offset": n, **row} for n, row in enumerate(rows)],
        schema={**columns, "offset": pl.Int64},
    )


def transfers(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Rows of (id, payer, payee); a payee that begins with X is an account elsewhere."""
    made = [
        {
            "transfer_id": name,
            "source": payer,
            "target": payee,
            "target_account": payee if payee[0] == "X" else f"{payee}-1",
            "amount": 5_000_00,
            "currency": "USD",
            "scale": 2,
            "time": 7,
        }
        for name, payer, payee in rows
    ]
    return frame("Transfer", made)


def postings(*rows: tuple[str, str, str]) -> pl.DataFrame:
    made = [{"posting_id": name, "owner": owner, "account": of} for name, owner, of in rows]
    return frame("Posting", made)


def alerts(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame("Alert", [{"subject_kind": "CUSTOMER", "subject": "C-1", **row} for row in rows])


def links(frames: list[dict[str, pl.DataFrame]]) -> pl.DataFrame:
    state = naive_state(TABLES)
    out = [LinkStep()(state, batch, CLOCK) for batch in frames]
    found = [one[TOPIC] for one in out if one]
    return pl.concat(found) if found else pl.DataFrame()


def test_a_transfer_links_customers_or_a_customer_and_an_account_elsewhere() -> None:
    made = links([{"transfers": transfers(("t1", "C-1", "C-2"), ("t2", "C-2", "X-9"))}])
    assert made.select("kind", "source", "target", "link_id").rows() == [
        ("SENT", "C-1", "C-2", "sent|t1"),
        ("SENT_AWAY", "C-2", "X-9", "sent|t2"),
    ]
    assert made.select("event", "amount", "currency", "scale", "time").row(0) == (
        *("t1", 500_000, "USD", 2, 7),
    )
    assert made.select("source_topic", "source_partition", "source_offset").row(1) == (
        *("transfers", SHARD, 1),
    )


def test_an_account_is_owned_from_its_first_posting_on_and_said_once() -> None:
    log = postings(("p1", "C", "a"), ("p2", "C", "b"), ("p3", "C", "a"), ("p4", "D", "a"))
    whole = links([{"postings": log}])
    assert whole.select("event", "source", "target").rows() == [
        ("p1", "C", "a"),
        ("p2", "C", "b"),
        ("p4", "D", "a"),
    ]


@pytest.mark.parametrize("cuts", [[1], [2], [3], [1, 2, 3], [2, 2]])
def test_any_cut_of_the_log_gives_the_same_links(cuts: list[int]) -> None:
    log = postings(("p1", "C", "a"), ("p2", "D|a", "b"), ("p3", "D", "a|b"), ("p4", "C", "a"))
    sent = transfers(("t1", "C", "D"), ("t2", "D", "C"), ("t3", "C", "X"), ("t4", "C", "D"))
    bounds = list(zip([0, *cuts], [*cuts, 4], strict=True))
    parts = [{"postings": log[a:b], "transfers": sent[a:b]} for a, b in bounds]
    whole = links([{"postings": log, "transfers": sent}]).sort("link_id")
    assert links(parts).sort("link_id").equals(whole)
    assert whole["link_id"].n_unique() == whole.height == 7


def test_an_amended_alert_is_linked_under_its_first_version() -> None:
    made = links(
        [
            {
                "alerts": alerts(
                    {"alert_id": "a1", "rule": "structuring", "band": "LOW"},
                    {"alert_id": "a1.2", "corrects": "a1", "rule": "structuring", "band": "HIGH"},
                    {"alert_id": "a2", "subject": "X-1", "subject_kind": "ACCOUNT", "rule": "ring"},
                    {"alert_id": "a3", "subject": "aml", "subject_kind": "OTHER"},
                )
            }
        ]
    )
    assert made.select("kind", "source", "target", "event", "rule", "band").rows() == [
        ("ABOUT", "a1", "C-1", "a1", "structuring", "LOW"),
        ("ABOUT", "a1", "C-1", "a1.2", "structuring", "HIGH"),
        ("ABOUT_ACCOUNT", "a2", "X-1", "a2", "ring", ""),
    ]


def test_nothing_new_gives_no_output() -> None:
    assert links([{}]).is_empty()
    assert links([{"alerts": alerts({"subject_kind": "BOOK"})}]).is_empty()


@pytest.mark.parametrize("slice_ms", [1, 7, 1_000])
def test_the_job_links_what_its_log_says(slice_ms: int) -> None:
    log = MadeLog(1)
    for number, (payer, payee) in enumerate([("C-1", "C-2"), ("C-2", "X-9"), ("C-1", "C-2")]):
        number_of = {"producer": "aml/0", "sequence": number, "source": payer, "target": payee}
        sent = {**number_of, "transfer_id": f"t{number}", "target_account": payee, "time": number}
        message = encode(record("Transfer"), filled("Transfer", sent))
        for _ in range(2):  # each record comes twice and counts once
            log.append("transfers", 0, 10 * number, message, b"p")
    for topic in FEEDS:
        log.tick(topic, 0, 2_000)
    job = links_job(Config(partitions=1, slice_ms=slice_ms))
    made = outputs(folded(log, job), (TOPIC,))[TOPIC]
    assert made["event"].to_list() == ["t0", "t1", "t2"]
    assert made["source_offset"].to_list() == [0, 2, 4]


def test_statements_take_the_columns_in_order() -> None:
    for kind in LINKS.kinds.values():
        lines = [line.strip() for line in cypher(kind.edges).splitlines()]
        said = [
            line.rstrip(",").split(": ") for line in lines if ": row[" in line and "(" not in line
        ]
        assert [(name, f"row[{LINKS.columns.index(name)}]") for name, _ in said] == [
            (name, place) for name, place in said
        ]


def test_nodes_are_written_before_links_and_each_once() -> None:
    made = links(
        [
            {
                "transfers": transfers(("t1", "C-2", "C-1"), ("t2", "C-1", "X-9")),
                "postings": postings(("p1", "C-1", "a")),
                "alerts": alerts({"alert_id": "a1"}),
            }
        ]
    ).select("kind", *LINKS.columns)
    done = [
        (text.split("\n")[1], given.get("ids"))
        for text, given in _statements(made, _ends(made, LINKS), LINKS)
    ]
    assert done[:3] == [
        ("MERGE (:Account {id: id})", ["X-9", "a"]),
        ("MERGE (:Alert {id: id})", ["a1"]),
        ("MERGE (:Customer {id: id})", ["C-1", "C-2"]),
    ]
    assert len(done) == 3 + 4
