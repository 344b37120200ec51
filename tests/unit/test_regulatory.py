import pickle

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.state import ColumnTable
from schemas.codec import decode, encode, encode_frame
from schemas.merkle import GENESIS, leaf_hash, link
from schemas.records import record
from schemas.step import Clock
from tests.naive.chain import chain_holds, read
from tests.naive.tables import naive_state
from udfs.regulatory import TABLES, Config, RegulatoryStep, verify_chain
from udfs.regulatory.said import NOT_CHAINED

CONFIG = Config({"payments": "Payment", "netting.dead": "DeadLetter"})
SHARD = 3
PAYMENT = {
    "payment_id": "p",
    "producer": "bank",
    "sequence": 0,
    "time": 77,
    "debtor": "O1",
    "debtor_account": "A1",
    "creditor": "O2",
    "creditor_account": "A2",
    "debtor_country": "DE",
    "creditor_country": "FR",
    "amount": 5,
    "scale": 2,
    "currency": "EUR",
    "channel": "WIRE",
    "end_to_end_id": "E1",
}
DEAD = {
    "dead_id": "obligations/3/9",
    "producer": "netting/3",
    "sequence": 0,
    "job": "netting",
    "reason": "out-of-range: amount is -5, below 1",
    "topic": "obligations",
    "partition": 3,
    "offset": 9,
    "appended": 5,
    "payload": b"what somebody sent",
    "payload_hash": bytes(32),
}

logs = st.lists(st.tuples(st.sampled_from(["payments", "netting.dead"]), st.integers(0, 2)))


def results(topic, places):
    """The batch frame of a topic from (offset, append time, number), as the adapter gives it."""
    name = CONFIG.records[topic]
    values = PAYMENT if name == "Payment" else DEAD
    rec = record(name)
    rows = [values | {"sequence": n} for _, _, n in places]
    return (
        pl.DataFrame(rows, schema=rec.columns)
        .with_columns(raw=pl.Series([encode(rec, row) for row in rows], dtype=pl.Binary))
        .with_columns(
            offset=pl.Series([offset for offset, _, _ in places], dtype=pl.Int64),
            appended=pl.Series([appended for _, appended, _ in places], dtype=pl.Int64),
        )
    )


def chained(log, slices, state):
    """The messages of the chain over a log of (topic, pause), cut into slices of log time."""
    placed, offsets, appended = [], {}, 0
    for number, (topic, pause) in enumerate(log):
        appended += pause
        offsets[topic] = offsets.get(topic, -1) + 1
        placed.append((topic, (offsets[topic], appended, number)))
    step, messages = RegulatoryStep(CONFIG), []
    for start, end in zip([0, *slices], [*slices, appended + 1], strict=True):
        batch = {
            topic: results(topic, [p for t, p in placed if t == topic and start <= p[1] < end])
            for topic in CONFIG.records
        }
        out = step(state, batch, Clock(end, 0, {}, SHARD))
        for frame in out.values():
            messages += encode_frame(record("RegulatoryEvent"), frame)
    return messages


def whole(count):
    return chained([("payments", 1)] * count, [], naive_state(TABLES))


@given(logs, st.lists(st.integers(0, 20), max_size=4).map(sorted))
def test_any_slicing_of_the_log_gives_the_same_chain(log, slices):
    messages = chained(log, [], naive_state(TABLES))
    tables = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    assert chained(log, slices, naive_state(TABLES)) == messages
    assert chained(log, slices, tables) == messages
    verdict = verify_chain(messages)
    assert verdict.ok
    assert verdict.length == len(log)
    assert verdict.head == (messages[-1][-32:] if messages else GENESIS)
    assert chain_holds(messages)


def test_an_event_says_where_its_result_stands():
    log = [("payments", 1), ("netting.dead", 0), ("payments", 2)]
    events = [read(message) for message in chained(log, [], naive_state(TABLES))]
    assert [(e["sequence"], e["source_topic"], e["source_offset"]) for e in events] == [
        (0, "netting.dead", 0),
        (1, "payments", 0),
        (2, "payments", 1),
    ]
    letter, payment = events[0], events[1]
    assert (letter["kind"], letter["subject"]) == ("DeadLetter", "obligations")
    assert letter["event_time"].timestamp() == pytest.approx(0.001)
    assert (payment["kind"], payment["subject"]) == ("Payment", "O1")
    assert payment["producer"] == "regulatory/3"
    assert payment["source_partition"] == SHARD
    assert payment["fingerprint"] == record("Payment").fingerprint
    assert decode(payment["payload"])[1] == PAYMENT
    assert (payment["result_id"], payment["lineage"]) == ("p", "")
    assert letter["lineage"] == "obligations/3:9-9"
    assert (letter["result_id"], letter["corrects"]) == ("obligations/3/9", "")


def test_a_chained_dead_letter_has_the_hash_of_what_was_sent_and_not_a_byte_of_it():
    """What is chained cannot be erased: a refused record may hold personal data."""
    (message,) = chained([("netting.dead", 0)], [], naive_state(TABLES))
    letter = decode(read(message)["payload"])[1]
    assert letter == DEAD | {"payload": b"", "reason": "out-of-range"}
    assert b"somebody" not in message
    assert read(message)["fingerprint"] == record("DeadLetter").fingerprint


CUSTOMER = {name: "" for name in record("Customer").columns} | {
    "change_id": "tidemark/customers/0#1",
    "sequence": 1,
    "time": 5,
    "customer": "C-7",
    "kind": "PERSON",
    "name": "Ada Lovelace",
    "opened": 0,
    "identity": "PASSED",
    "pep": True,
    "rating": "HIGH",
    "reasons": "cash business",
    "due_diligence": "ENHANCED",
    "author": "officer-1",
}
ALERT = {n: "" if t == pl.String else 0 for n, t in record("Alert").columns.items()} | {
    "alert_id": "a1",
    "domain": "AML",
    "subject": "C-7",
    "subject_kind": "CUSTOMER",
    "reason": 'Customer "Ada Lovelace" is like "Ida Lovelace"',
}


def chained_as(name, row):
    """The event of one result, and the result's message."""
    rec = record(name)
    message = encode(rec, row)
    frame = pl.DataFrame([row], schema=rec.columns, strict=False)
    frame = frame.with_columns(raw=pl.Series([message]), offset=0, appended=0)
    step = RegulatoryStep(Config({"topic": name}))
    events = step(naive_state(TABLES), {"topic": frame}, Clock(1, 0, {}, SHARD))
    (event,) = events["regulatory.events"].rows(named=True)
    return event, message


@pytest.mark.parametrize(
    ("name", "chained"),
    [("Ada Lovelace", ""), ("c1:" + "a" * 43, "c1:" + "a" * 43), ("c1:" + "a" * 42, "")],
)
def test_a_change_of_a_customer_is_chained_without_the_name(name, chained):
    event, _ = chained_as("Customer", CUSTOMER | {"name": name})
    assert (event["kind"], event["subject"], event["event_time"]) == ("Customer", "C-7", 5)
    assert decode(event["payload"])[1] == CUSTOMER | {"name": chained}
    assert event["fingerprint"] == record("Customer").fingerprint
    assert b"Lovelace" not in event["payload"]


@pytest.mark.parametrize("rule", ["sanctions-screening", "pep-screening"])
def test_alerts_of_screening_are_chained_without_names(rule):
    event, _ = chained_as("Alert", ALERT | {"rule": rule})
    assert decode(event["payload"])[1] == ALERT | {"rule": rule, "reason": NOT_CHAINED}


@pytest.mark.parametrize("rule", ["structuring", "screening", "pep-screening-2"])
def test_other_alerts_are_chained_byte_for_byte(rule):
    event, message = chained_as("Alert", ALERT | {"rule": rule})
    assert event["payload"] == message


def test_a_batch_index_names_its_input_as_lineage():
    index = {name: 0 for name in record("BatchIndex").columns} | {
        "producer": "graph/3",
        "job": "graph",
        "ranges": "payments:0-4;obligations:7-9",
        "inputs": "payments:5;obligations:3",
        "version": "graph/1;partitions=4",
    }
    index |= {name: bytes(32) for name in ("input_root", "output_root", "state_digest")}
    rec = record("BatchIndex")
    frame = pl.DataFrame([index], schema=rec.columns).with_columns(
        raw=pl.Series([encode(rec, index)]), offset=0, appended=0
    )
    step = RegulatoryStep(Config({"graph.batches": "BatchIndex"}))
    events = step(naive_state(TABLES), {"graph.batches": frame}, Clock(1, 0, {}, SHARD))
    (event,) = events["regulatory.events"].rows(named=True)
    assert event["lineage"] == "payments/3:0-4;obligations/3:7-9"
    assert event["result_version"] == "graph/1;partitions=4"
    assert (event["result_id"], event["subject"]) == ("", "graph")


def test_fingerprint_is_that_of_the_version_the_result_was_written_in():
    older = record("Payment", 1)
    names = {"debtor": "debtor_owner", "creditor": "creditor_owner"}
    row = {names.get(k, k): v for k, v in PAYMENT.items()}
    old = encode(older, {k: row[k] for k in older.columns})
    frame = results("payments", [(0, 1, 0), (1, 1, 1)])
    frame = frame.with_columns(raw=pl.Series([old, frame["raw"][1]]))
    events = RegulatoryStep(CONFIG)(naive_state(TABLES), {"payments": frame}, Clock(2, 0))
    assert events["regulatory.events"]["fingerprint"].to_list() == [
        older.fingerprint,
        record("Payment").fingerprint,
    ]


def test_chain_goes_on_from_where_it_was_read_to():
    messages = whole(5)
    first = verify_chain(messages[:2])
    assert verify_chain(messages[2:], first.length, first.head).ok
    assert not verify_chain(messages[2:], first.length, GENESIS).ok
    assert not verify_chain(messages[2:]).ok


@given(st.integers(0, 4), st.integers(0, 10_000))
def test_a_changed_bit_is_found_where_it_is(position, bit):
    messages = whole(5)
    octets = bytearray(messages[position])
    octets[bit // 8 % len(octets)] ^= 1 << bit % 8
    messages[position] = bytes(octets)
    verdict = verify_chain(messages)
    assert not verdict.ok
    assert not chain_holds(messages)
    assert verdict.first_bad_sequence == position


@pytest.mark.parametrize(
    ("change", "place", "problem"),
    [
        (lambda m: [m[0], m[2], m[3], m[4]], 1, "gap: events 1 to 1 are missing"),
        (lambda m: [m[0], m[3], m[4]], 1, "gap: events 1 to 2 are missing"),
        (lambda m: m[1:], 0, "gap: events 0 to 0 are missing"),
        (lambda m: [m[0], m[2], m[1], m[3], m[4]], 1, "order: event 1 stands after event 2"),
        (lambda m: [m[0], m[4], m[2], m[3], m[1]], 1, "order: event 1 stands after event 4"),
        (lambda m: [m[0], m[1], m[1], m[2]], 2, "repeated: event 1 stands where event 2 is due"),
        (
            lambda m: [*m[:3], b"", m[4]],
            3,
            "undecodable: where event 3 is due, a message of 0 bytes",
        ),
        (
            lambda m: [*m[:3], m[3][:40]],
            3,
            "undecodable: where event 3 is due, a message of 40 bytes",
        ),
    ],
)
def test_verdict_names_place_and_kind(change, place, problem):
    messages = change(whole(5))
    verdict = verify_chain(messages)
    assert (verdict.ok, verdict.length, verdict.first_bad_sequence) == (False, place, place)
    assert verdict.problem.startswith(problem)
    assert not chain_holds(messages)


def test_verdict_tells_a_changed_event_from_a_forged_link():
    messages = whole(5)
    body = bytearray(messages[2])
    body[60] ^= 1
    assert verify_chain([*messages[:2], bytes(body), *messages[3:]]).problem == (
        "changed: event 2 is not what it was when event 3 was added"
    )
    forged = bytearray(messages[2])
    forged[-1] ^= 1
    assert verify_chain([*messages[:2], bytes(forged), *messages[3:]]).problem == (
        "changed: the link of event 2 does not fit it and the event before it"
    )


def test_events_of_a_newer_schema_version_continue_the_chain():
    messages = whole(3)
    body = b"\x00\x00\x00\x03\xe7" + messages[2][5:-32]
    verdict = verify_chain(messages[:2])
    newer = body + link(verdict.head, 2, leaf_hash(body))
    assert verify_chain([*messages[:2], newer]).ok


def test_an_event_of_another_shard_is_found():
    messages = whole(3)
    foreign = messages[1].replace(b"regulatory/3", b"regulatory/4")
    assert verify_chain([messages[0], foreign]).problem == (
        "producer: where event 1 is due stands event 1 of another chain"
    )


def test_step_travels_to_a_worker_and_ignores_other_topics():
    step = pickle.loads(pickle.dumps(RegulatoryStep(CONFIG)))
    assert step == RegulatoryStep(CONFIG)
    assert step(naive_state(TABLES), {"fills": pl.DataFrame({"raw": [b""]})}, Clock(0, 0)) == {}
