"""What was known at a point: by append time or offset, latest versions, corrections shown."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.log import MemoryLog
from deploy.errors import UserError
from deploy.lineage.asof import as_of, document, lines, scaled
from deploy.lineage.build import build
from deploy.lineage.index import Index
from deploy.lineage.points import Point, parse_point
from schemas.codec import encode
from schemas.records import record
from tests.chained import CCP, HOUR, NOON, ONE, SHARD, A, B, C, MemorySource, by_hand, folded

FIRST = f"{CCP}|EUR|EUR|2|{NOON + HOUR}|BILATERAL|{A}|{B}"
AT = 1_000
"""Append time of the first event made by hand, milliseconds; the next ones come a second apart."""


def net(**changes: Any) -> bytes:
    """The net of A and B: A delivers 100 of 2 decimal places."""
    row: dict[str, Any] = {
        "net_id": FIRST,
        "producer": "netting/0",
        "sequence": 0,
        "cycle_end": NOON + HOUR,
        "cycle_start": NOON,
        "netting_set": f"{CCP}|EUR",
        "asset": "EUR",
        "scale": 2,
        "kind": "BILATERAL",
        "member": A,
        "counterparty": B,
        "receives": 0,
        "delivers": 100,
        "net": -100,
        "obligations": 1,
        "late": 0,
        "provenance_root": bytes(32),
        "chunks": 1,
        "source_topic": "obligations",
        "source_partition": 0,
        "first_offset": 1,
        "last_offset": 1,
        "version": "netting/1",
    }
    return encode(record("NetPosition"), row | changes)


def event(sequence: int, payload: bytes, **changes: Any) -> bytes:
    row: dict[str, Any] = {
        "producer": "regulatory/0",
        "sequence": sequence,
        "event_time": NOON + HOUR,
        "kind": "NetPosition",
        "subject": A,
        "payload": payload,
        "fingerprint": record("NetPosition").fingerprint,
        "source_topic": "nets",
        "source_partition": 0,
        "source_offset": sequence,
        "version": "regulatory/2",
        "result_id": FIRST,
        "result_version": "netting/1",
        "lineage": "obligations/0:1-1",
        "decided_by": "",
        "corrects": "",
        "link": sequence.to_bytes(32, "big"),
    }
    return encode(record("RegulatoryEvent"), row | changes)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A net, its correction under an id of its own, another kind, and an event about B alone."""
    log, path = MemoryLog(), tmp_path_factory.mktemp("asof") / "lineage.duckdb"
    events = [
        event(0, net()),
        event(1, net(net_id="fixed", delivers=90, net=-90), result_id="fixed", corrects=FIRST),
        event(2, b"", kind="FutureKind", subject=A, result_id="x1"),
        event(3, b"", kind="FutureKind", subject=B, result_id="x2", corrects="x1"),
    ]
    for number, message in enumerate(events):
        log.append("regulatory.events", 0, AT + number * 1_000, message, b"p0.0")
    build(MemorySource(log), path, SHARD)
    return path


def known(path: Path, point: Point, subject: str) -> list[tuple[str, str, list[str]]]:
    """Id of the first version, event of the latest one, events of all."""
    with Index(path) as index:
        state = as_of(index, point, subject)
    return [
        (k.latest.root, str(k.latest.id), [str(v.id) for v in k.versions]) for k in state.results
    ]


def test_a_correction_takes_the_place_of_the_first_version_from_its_time_on(
    corrected: Path,
) -> None:
    assert known(corrected, Point(AT - 1, {}), A) == []
    assert known(corrected, Point(AT, {}), A) == [(FIRST, "0:0", ["0:0"])]
    assert known(corrected, Point(AT + 1_000, {}), A) == [(FIRST, "0:1", ["0:0", "0:1"])]
    assert known(corrected, Point(None, {0: 1}), A) == [(FIRST, "0:0", ["0:0"])]
    assert known(corrected, Point(None, {0: 0}), A) == []


def test_any_kind_of_result_is_known_in_its_latest_version(corrected: Path) -> None:
    found = known(corrected, Point(AT + 9_000, {}), A)
    assert found == [("x1", "0:3", ["0:2", "0:3"]), (FIRST, "0:1", ["0:0", "0:1"])]


@pytest.mark.parametrize("subject", [A, B, f"{CCP}|EUR"])
def test_a_net_is_about_both_members_and_its_netting_set(corrected: Path, subject: str) -> None:
    assert (FIRST, "0:1", ["0:0", "0:1"]) in known(corrected, Point(AT + 2_000, {}), subject)


def test_the_answer_says_what_the_net_was_and_as_what_the_subject_is_named(
    corrected: Path,
) -> None:
    with Index(corrected) as index:
        state = as_of(index, Point(AT + 1_000, {}), B)
    (told,) = document(state)["results"]
    assert (told["role"], told["fields"]["net"], told["corrects"]) == ("counterparty", -90, FIRST)
    said = f"{A} nets -0.90 EUR against {B}, of 1 obligations"
    assert list(lines(state)) == [
        f"NetPosition 0:1  2026-03-02T13:00:00Z  {said}",
        f"    {FIRST}  versions 0:0 > 0:1",
    ]


def test_a_run_by_hand_is_known_cycle_by_cycle(tmp_path: Path) -> None:
    log = folded(by_hand(), ONE)
    build(MemorySource(log), tmp_path / "i.duckdb", SHARD)
    end = Point(log.spans["regulatory.events", 0].appended[-1], {})
    with Index(tmp_path / "i.duckdb") as index:
        state = as_of(index, end, C)
    # C: net 0 against all in the first cycle; pairs (A, C) and (B, C); none in the second
    told = [
        (k.latest.fields["kind"], k.latest.fields["member"], k.latest.fields["net"])
        for k in state.results
    ]
    assert sorted(told) == [("BILATERAL", A, 100), ("BILATERAL", B, -100), ("MULTILATERAL", C, 0)]


def test_a_point_beyond_the_index_is_answered_with_a_warning(corrected: Path) -> None:
    with Index(corrected) as index:
        assert as_of(index, Point(AT + 3_000, {}), A).limits == []
        (limit,) = as_of(index, Point(AT + 3_001, {}), A).limits
    assert limit == (
        "the index knows the log up to 1970-01-01T00:00:04.000Z only; run: tidemark index"
    )


@pytest.mark.parametrize(
    ("offsets", "told"),
    [
        ({0: 5}, "offset 5 of partition 0 is beyond the 4 that are indexed"),
        ({0: 1, 1: 1}, "offsets must name each partition of the log, and no other: 0"),
        ({1: 1}, "offsets must name each partition"),
    ],
)
def test_offsets_that_are_not_the_logs_are_told(
    corrected: Path, offsets: dict[int, int], told: str
) -> None:
    with Index(corrected) as index, pytest.raises(UserError, match=told):
        as_of(index, Point(None, offsets), A)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("1970-01-01T00:00:01Z", Point(1_000, {})),
        ("1970-01-01T00:00:00.5+00:00", Point(500, {})),
        ("2026-03-02T12:00:00Z", Point(NOON // 1_000, {})),
        ("0:123,1:456", Point(None, {0: 123, 1: 456})),
    ],
)
def test_points_are_times_or_offsets(text: str, point: Point) -> None:
    assert parse_point(text) == point
    assert parse_point(str(point)) == point


@pytest.mark.parametrize(
    "text", ["", "now", "2026-03-02T10:00:00", "2026-03-02T10:00:00+01:00", "0:1,0:2", "0:", "0:-1"]
)
def test_anything_else_is_told_in_a_line(text: str) -> None:
    with pytest.raises(UserError) as told:
        parse_point(text)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("amount", "scale", "text"),
    [(-5, 2, "-0.05"), (100, 2, "1.00"), (7, 0, "7"), (-7, 0, "-7"), (0, 3, "0.000")],
)
def test_amounts_are_shown_with_their_decimals(amount: int, scale: int, text: str) -> None:
    assert scaled(amount, scale) == text


moves = st.tuples(st.sampled_from("AB"), st.sampled_from("xyz"), st.integers(0, 2))


@settings(max_examples=25, deadline=None)
@given(st.lists(moves, min_size=1, max_size=12), st.integers(0, 12))
def test_equals_a_plain_walk_over_the_log(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, str, int]], end: int
) -> None:
    """Naive twin: walk the events in order, keep by first id the latest one and all of them."""
    log, path = MemoryLog(), tmp_path_factory.mktemp("naive") / "i.duckdb"
    expected: dict[str, list[str]] = {}
    about: dict[str, set[str]] = {}
    for number, (subject, name, pause) in enumerate(made):
        again = any(name == before for _, before, _ in made[:number])
        said = {
            "result_id": f"{name}{number}" if again else name,
            "corrects": name if again else "",
        }
        message = event(number, b"", kind="FutureKind", subject=subject, **said)
        at = AT if not number else log.spans["regulatory.events", 0].appended[-1] + pause
        log.append("regulatory.events", 0, at, message, b"p0.0")
        if number < end:
            expected.setdefault(name, []).append(f"0:{number}")
            about.setdefault(name, set()).add(subject)
    build(MemorySource(log), path, SHARD)
    found = known(path, Point(None, {0: min(end, len(made))}), "A")
    wanted = [(n, e[-1], e) for n, e in expected.items() if "A" in about[n]]
    assert sorted(found) == sorted(wanted)


def test_the_index_holds_nothing_of_what_a_refused_record_held(tmp_path: Path) -> None:
    secret = b"Ada Lovelace"
    letter: dict[str, Any] = {
        "dead_id": "payments/0/9",
        "producer": "graph/0",
        "sequence": 0,
        "job": "graph",
        "reason": "out-of-range: debtor is Ada Lovelace",
        "topic": "payments",
        "partition": 0,
        "offset": 9,
        "appended": 5,
        "payload": secret,
        "payload_hash": bytes(32),
    }
    log = MemoryLog()
    message = event(0, encode(record("DeadLetter"), letter), kind="DeadLetter", result_id="")
    log.append("regulatory.events", 0, AT, message, b"p0.0")
    build(MemorySource(log), tmp_path / "i.duckdb", SHARD)
    with Index(tmp_path / "i.duckdb") as index:
        (found,) = index.results(["payments/0/9"])
        columns = pl.DataFrame(index.rows("SELECT * FROM events"), orient="row")
    assert (found.fields["payload"], found.fields["reason"]) == (b"", "out-of-range")
    assert secret not in (tmp_path / "i.duckdb").read_bytes()
    assert columns.height == 1
