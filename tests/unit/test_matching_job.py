"""The job matching over a log in memory: refusals at the edge, one fill whatever the slices."""

from connectors.log import MemoryLog, fold_shard
from connectors.written import results_by_place
from jobs.catalogue import MATCHING_SLICE_MS, Config, matching_job
from schemas.codec import decode, encode
from schemas.records import record
from tests.exchange_log import LEI, MIC, command, control, row, terms

NINE = 1_772_442_000_000_000  # 2 March 2026, 09:00 UTC
JOB = matching_job(Config(partitions=1))


def folded(apart_ms):
    """A sale and a purchase, so far apart in log time, among records that are no good."""
    place = {"member": LEI, "client": LEI, "producer": "gateway"}
    sale = command(1, "SELL", 100, 5, owner="a")
    given = [
        terms(mic=MIC, reference_id="r1", producer="data", kind="EQUITY", multiplier=1),
        control(1, phase="CONTINUOUS"),
        sale,
        sale,  # a repeat
        command(2, "BUY", 100, 5, isin="DE0007164601"),  # the check digit is wrong
        command(3, "BUY", 100, 5, owner="b"),
    ]
    log, start, at = MemoryLog(), NINE // 1_000, 0
    sequences = {"instruments": 0, "venue.controls": 0, "orders": 0}
    for message in given:
        topic, values = row(message)
        name = {"instruments": "Instrument", "venue.controls": "VenueControl", "orders": "Order"}
        number = values.get("time", 0) if topic == "orders" else 0
        values |= {"sequence": number, "time": NINE + values["time"]}
        values |= {"producer": "p"} | ({"user": "u"} if topic == "venue.controls" else {})
        values |= place if topic == "orders" else {}
        log.append(topic, 0, start + at, encode(record(name[topic]), values), b"k")
        sequences[topic] += 1
        at += apart_ms
    for topic in sequences:
        log.tick(topic, 0, start + 10_000, NINE + 10_000_000)
    span = log.partition(list(sequences), 0)
    return list(fold_shard(JOB, 0, span))


def records(batches, topic):
    found = results_by_place(JOB, batches).get((topic, 0), [])
    return [decode(value)[1] for _, value in found]


def test_one_fill_whatever_the_slices():
    one, other = folded(1), folded(700)
    for topic in JOB.results:
        assert records(one, topic) == records(other, topic), topic
    (trade,) = records(one, "executions")
    assert (trade["buy_order"], trade["sell_order"], trade["quantity"]) == ("o3", "o1", 5)
    assert [event["event"] for event in records(one, "order.events")] == [
        "NEWO", "NEWO", "FILL", "FILL"]  # fmt: skip


def test_repeats_and_wrong_check_digits_end_at_the_edge():
    batches = folded(1)
    counts = sum((batch.counts for batch in batches), start=type(batches[0].counts)())
    assert (counts["records"], counts["duplicates"], counts["dead"]) == (6, 1, 1)
    (dead,) = records(batches, "matching.dead")
    assert dead["topic"] == "orders"


def test_slices_are_short():
    assert JOB.slice_ms == MATCHING_SLICE_MS == 250
