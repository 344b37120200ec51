"""Small random logs: neither slices nor repeats change what the AML job says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.log import results_by_topic
from tests.aml_log import SECOND, START, Log, cash_counted, job

LENGTH = 120
"""Seconds of business time of a log; it takes a tick every ten."""


def rules(limit: int) -> str:
    """Two rules and a typology of both, with limits that a few postings reach."""
    body: dict[str, Any] = json.loads(cash_counted(limit=limit, cool_down_s=30))
    band = {"name": "LOW", "at_least": 500_00, "score": 400_000}
    body["rules"]["ctr-aggregation"] = {"bands": [band], "cool_down_s": 10}
    fast = {"hours": 1, "count": 4, "sum": 400_00}
    body["rules"]["velocity"] = {"windows": [fast], "cool_down_s": 20}
    weights = {"micro-structuring": 600_000, "velocity": 400_000, "ctr-aggregation": 400_000}
    both = {"weights": weights, "window_s": 40, "review": 300_000, "report": 700_000}
    body["typologies"] = {"placement": both}
    return json.dumps(body)


@dataclass(frozen=True)
class Put:
    """A record: at which second it is appended, how old it is by then, and what it says."""

    second: int
    age: int
    owner: str
    kind: str
    amount: int
    again: bool

    @property
    def time(self) -> int:
        return START + (self.second - self.age) * SECOND


PUTS = st.builds(
    Put,
    st.integers(1, LENGTH - 1),
    st.sampled_from([0, 0, 0, 0, 1, 2, 9]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["CASH", "CASH", "CASH", "TRANSFER", "CUSTOMER", "SNOOZE", "WAKE"]),
    st.sampled_from([50_00, 100_00, 250_00]),
    st.booleans(),
)


def written(puts: Sequence[Put], repeats: bool) -> Log:
    """The log of them, in which two rule sets follow each other and a third is a shadow."""
    log = Log()
    log.rules(1, START, rules(1))
    log.rules(2, START + 40 * SECOND, rules(120_00), time=START)
    log.rules(3, START + 60 * SECOND, rules(1), mode="SHADOW", time=START)
    ticked = 0
    for number, put in enumerate(sorted(puts, key=lambda one: one.second)):
        while ticked + 10 <= put.second:
            ticked += 10
            log.tick(START + ticked * SECOND)
        _write(log, f"r{number:03}", put, again=put.again and repeats)
    log.tick(START + LENGTH * SECOND)
    return log


def _write(log: Log, name: str, put: Put, *, again: bool) -> None:
    appended = START + put.second * SECOND
    if put.kind == "CUSTOMER":
        topic, rating = "customers", "HIGH" if put.amount > 100_00 else "LOW"
        log.customer(name, put.owner, put.time, appended=appended, rating=rating)
    elif put.kind in ("SNOOZE", "WAKE"):
        topic, until = "alert.actions", put.time + put.amount // 500 * SECOND
        until = until if put.kind == "SNOOZE" else 0
        log.action(put.kind, put.owner, put.time, until=until, appended=appended, action_id=name)
    else:
        topic = "postings"
        more = {"owner": put.owner, "channel": put.kind, "amount": put.amount}
        direction = "CREDIT" if put.kind == "CASH" else "DEBIT"
        log.post(name, put.time, appended, direction=direction, **more)
    if again:
        log.repeat(topic)


def said(log: Log, slice_ms: int) -> dict[str, list[tuple[bytes, bytes]]]:
    found = results_by_topic(log.fold(job(slice_ms)))
    return {topic: found.get(topic, []) for topic in ("alerts", "alerts.shadow", "transfers")}


@settings(max_examples=15)
@given(st.lists(PUTS, max_size=30), st.integers(500, 60_000))
def test_slices_do_not_change_a_byte(puts: Sequence[Put], slice_ms: int) -> None:
    log = written(puts, repeats=True)
    assert said(log, slice_ms) == said(log, 5_000)


@settings(max_examples=8)
@given(st.lists(PUTS, max_size=30))
def test_repeats_change_nothing_but_offsets(puts: Sequence[Put]) -> None:
    def without_places(log: Log) -> list[Any]:
        frames = [one.outputs.get("alerts") for one in log.fold(job(5_000))]
        places = ("first_offset", "last_offset")
        return [row for frame in frames if frame is not None for row in frame.drop(places).rows()]

    assert without_places(written(puts, True)) == without_places(written(puts, False))


def test_such_logs_raise_every_kind_of_alert() -> None:
    """So that the properties above are about something."""
    puts = [Put(second, 0, "A", "CASH", 250_00, False) for second in range(1, LENGTH, 3)]
    puts += [Put(second, 9, "A", "CASH", 50_00, False) for second in range(20, LENGTH, 20)]
    puts += [Put(second, 0, "A", "TRANSFER", 250_00, False) for second in range(2, LENGTH, 9)]
    found = said(written(puts, repeats=False), 5_000)
    assert all(found.values())
    folded = written(puts, repeats=False).fold(job(5_000))
    frames = [one.outputs["alerts"] for one in folded if "alerts" in one.outputs]
    rules_said = {rule for frame in frames for rule in frame["rule"]}
    assert rules_said == {
        *("ctr-aggregation", "micro-structuring", "velocity", "typology-placement")
    }
    assert any(corrects for frame in frames for corrects in frame["corrects"])
