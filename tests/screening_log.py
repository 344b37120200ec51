"""Logs of screening made by hand: rows of the four feeds, placed, cut and folded."""

from itertools import pairwise

import polars as pl

from deploy.screening.publish import Publication
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.naive.screening import RANK
from tests.naive.tables import naive_state
from udfs.screening import TABLES, Config, ScreeningStep
from udfs.screening.listed import LISTED, Entry, FalseHit
from udfs.screening.names import normalise

DAY = 86_400_000_000
RECORDS = {
    "lists": "ListChunk",
    "customers": "Customer",
    "alert.actions": "AlertAction",
    "postings": "Posting",
}
PLACE = {"offset": pl.Int64, "appended": pl.Int64, "late": pl.Boolean, "watermark": pl.Int64}


def entry(number, name, category="SANCTION", *aliases):
    return Entry(
        id=f"E{number}", name=name, aliases=list(aliases), kind="PERSON", category=category
    )


IVAN, MARIA = entry(1, "Ivan Petrov"), entry(2, "Maria Lopez", "PEP")
FIRST, SECOND = (
    [IVAN, MARIA],
    [entry(1, "Ivan Petrov", "SANCTION", "Vanya Petrov"), entry(3, "Li Wei")],
)
NAMES = [
    "Ivan Petrov",
    "PETROW Iwan",
    "Maria Lopez",
    "Lopez, Maria",
    "Li Wei",
    "Anna Schmidt",
    "...",
    "",
]


def good_guys(until):
    digest = normalise("Ivan Petrov").digest
    return [FalseHit(listed="E1", name=digest, user="ann", reason="known", until=until)]


def parts(name, epoch, rows, time=0, kind=LISTED, cut=None):
    """The parts of a version as rows; `cut`: one row a part."""
    made = Publication.of(name, kind, epoch, "ann", time, rows)
    texts = [f"[{row.canonical}]" for row in rows] if cut else made.parts
    return [
        (
            "lists",
            {
                "time": time,
                "name": name,
                "kind": kind,
                "epoch": epoch,
                "hash": made.hash,
                "chunk": number,
                "chunks": len(texts),
                "rows": text,
            },
        )
        for number, text in enumerate(texts)
    ]


def customer(who, name, time=0, event="c"):
    return "customers", {"time": time, "customer": who, "name": name, "change_id": event}


def posting(who, name, time=0, event="p", direction="DEBIT"):
    return "postings", {
        "time": time,
        "owner": who,
        "counterparty_name": name,
        "posting_id": event,
        "direction": direction,
    }


def action(who, alert_id, time=0, kind="CLOSE", disposition="false-positive", until=0):
    return "alert.actions", {
        "time": time,
        "subject": who,
        "alert_id": alert_id,
        "kind": kind,
        "disposition": disposition,
        "until": until,
        "user": "ann",
        "reason": "another birth date",
    }


def placed(rows, appended=None):
    """The rows in log order, with offset and watermark by topic; all have a place of their own."""
    offsets, greatest, out = dict.fromkeys(RANK, 0), dict.fromkeys(RANK, MIN_TIME), []
    for number, (topic, row) in enumerate(rows):
        place = {
            "offset": offsets[topic],
            "appended": number if appended is None else appended[number],
            "late": row["time"] < greatest[topic],
            "watermark": greatest[topic],
        }
        offsets[topic] += 1
        greatest[topic] = max(greatest[topic], row["time"])
        out.append((topic, row | place))
    return out


def frame(topic, rows):
    schema = record(RECORDS[topic]).columns | PLACE
    empty = {name: "" if kind == pl.String() else 0 for name, kind in schema.items()}
    empty["signature"] = b""
    return pl.DataFrame(
        [{**{n: empty[n] for n in schema}, **row} for row in rows],
        schema={n: pl.Boolean() if n in ("card_present", "pep") else k for n, k in schema.items()},
        strict=False,
    )


def run(rows, ends=(), state=None, config=None):
    """All results of the log `rows` (placed), cut before the append times `ends`."""
    step, out = ScreeningStep(config or Config()), {}
    state = naive_state(TABLES) if state is None else state
    edges = [MIN_TIME, *sorted(ends), 2**62]
    for low, high in pairwise(edges):
        inside = [r for r in rows if low <= r[1]["appended"] < high]
        seen = [r for r in rows if r[1]["appended"] < high]
        marks = {
            topic: max([r["time"] for t, r in seen if t == topic], default=MIN_TIME)
            for topic in RANK
        }
        batch = {
            topic: frame(topic, [r for t, r in inside if t == topic])
            for topic in RANK
            if any(t == topic for t, _ in inside)
        }
        clock = Clock(high, min(marks.values()), marks, 2)
        for name, found in step(state, batch, clock).items():
            out.setdefault(name, []).append(found)
    return {name: pl.concat(found) for name, found in out.items()}


def alerts(out):
    if "alerts" not in out:
        return []
    rows = out["alerts"].select("rule", "subject", "alert_id", "events").rows()
    return [(rule, who, *name.split("|")[1:3], event) for rule, who, name, event in rows]


def closed(first, time, **given):
    """The first alert of a run, closed as a false hit at `time`."""
    return action("C1", first["alerts"]["alert_id"][0], time, **given)
