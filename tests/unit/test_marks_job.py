"""The job marks over a log in memory: slices, refusals at the edge, a copy in every partition."""

from connectors.log import MemoryLog, fold_shard
from connectors.topics import partition_of
from connectors.written import results_by_place
from jobs.catalogue import RISK_SLICE_MS, Config, marks_job
from schemas.codec import decode, encode
from schemas.records import record
from tests.made_log import filled

NINE = 1_772_442_000_000_000  # 2 March 2026, 09:00 UTC
SAP, APPLE = "DE0007164600", "US0378331005"
JOB = marks_job(Config(partitions=2))


def instrument(number, isin, currency):
    own = {"reference_id": f"R{number}", "sequence": number, "time": NINE, "isin": isin}
    own |= {"currency": currency, "kind": "EQUITY", "multiplier": 1, "price_scale": 2, "tick": 1}
    return "Instrument", filled("Instrument", own | {"producer": "data", "mic": "XETR"})


def quote(number, isin, time, bid, ask, currency="EUR"):
    own = {"quote_id": f"Q{number}", "sequence": number, "time": NINE + time, "isin": isin}
    own |= {"bid": bid, "ask": ask, "currency": currency, "price_scale": 2}
    return "Quote", filled("Quote", own | {"producer": "venue", "mic": "XETR"})


def folded():
    """Two instruments in two partitions, quoted in slices of a quarter of a second."""
    log, start = MemoryLog(), NINE // 1_000
    for shard, (isin, currency) in enumerate([(SAP, "EUR"), (APPLE, "USD")]):
        records = [
            ("instruments", 0, instrument(0, isin, currency)),
            ("quotes", 1, quote(0, isin, 0, 100, 102, currency)),
            ("quotes", 249, quote(1, isin, 240_000, 101, 103, currency)),
            ("quotes", 250, quote(2, isin, 250_000, 104, 103, currency)),
            ("quotes", 250, quote(2, isin, 250_000, 104, 103, currency)),  # a repeat
            ("quotes", 260, quote(3, "DE0007164601", 255_000, 1, 2)),  # the check digit is wrong
            ("quotes", 510, quote(4, isin, 200_000, 99, 100, currency)),
        ]
        for topic, at, (name, row) in records:
            log.append(topic, shard, start + at, encode(record(name), row), b"k")
        for topic in ("instruments", "quotes"):
            log.tick(topic, shard, start + 1_000, NINE + 1_000_000)
    spans = [log.partition(["instruments", "quotes"], shard) for shard in range(2)]
    return [list(fold_shard(JOB, shard, spans[shard])) for shard in range(2)]


def marks(batches, shard, partition):
    written = results_by_place(JOB, batches[shard])["marks", partition]
    assert all(partition_of(key, 2) == partition for key, _ in written)
    return [value for _, value in written]


def test_a_mark_a_slice_in_every_partition():
    batches = folded()
    names = ("isin", "time", "bid", "ask", "refused", "late", "quality")
    for shard, isin in enumerate((SAP, APPLE)):
        copies = [marks(batches, shard, partition) for partition in range(2)]
        assert copies[0] == copies[1]
        rows = [decode(value)[1] for value in copies[0]]
        assert [tuple(row[name] for name in names) for row in rows] == [
            (isin, NINE + 240_000, 101, 103, 0, False, "GOOD"),
            (isin, NINE + 240_000, 101, 103, 1, False, "GOOD"),
            (isin, NINE + 200_000, 99, 100, 0, True, "GOOD"),
        ]
        assert [row["sequence"] for row in rows] == [0, 1, 2]
        ends = [NINE + 1_000 * RISK_SLICE_MS * n for n in (1, 2, 3)]
        assert [row["slice_end"] for row in rows] == ends
        assert {row["source_partition"] for row in rows} == {shard}


def test_used_quotes_are_counted_in_marks_and_the_rest_by_the_edge():
    batches = folded()
    for shard in range(2):
        counts = sum((batch.counts for batch in batches[shard]), start=type(batches[0][0].counts)())
        quoted = sum(decode(value)[1]["quotes"] for value in marks(batches, shard, 0))
        assert (counts["records"], counts["duplicates"], counts["dead"]) == (7, 1, 1)
        assert quoted == counts["used"] - 1  # one is the instrument


def test_slices_are_never_longer_than_risk_needs():
    assert JOB.slice_ms == RISK_SLICE_MS == 250
    assert marks_job(Config(slice_ms=100)).slice_ms == 100
