"""Regulatory events by the million, made up and seeded: what an index over a long log is tried on.

They are encoded as the regulatory job writes them, but for their links and roots, which are zeros.
A block of 256 events is a netting cycle: 100 bilateral nets of 4 obligations each, 20 multilateral
nets, the provenance of the bilateral ones, the cycle's figures, 25 batch indexes, 10 dead letters.
"""

from time import perf_counter

import numpy as np
import polars as pl

from connectors.generators.arrays import Ints
from connectors.log import Span
from deploy.lineage.source import EVENTS
from schemas.codec import encode_frame
from schemas.ids import lei_check_digits
from schemas.records import record

BLOCK = 256
PAIRS, MULTILATERALS, BATCHES, DEAD = 100, 20, 25, 10
OBLIGATIONS = 4 * PAIRS
OF_A_BATCH = OBLIGATIONS // BATCHES
PARTITIONS = 4
VISITORS = 20_000
START = 1_772_438_400_000_000
CYCLE_US = 3_600_000_000
APART_MS = 20
"""Between two events of a shard, in append time."""
_SETS = 8


def _lei(number: int) -> str:
    body = f"9999{number:014d}"
    return body + lei_check_digits(body)


class MadeLog:
    """A log of made-up events: `count` of them over all partitions, in whole blocks."""

    def __init__(self, seed: int, count: int) -> None:
        """Prepare the members; events are made when they are read."""
        rng = np.random.default_rng(seed)
        self.blocks = max(1, round(count / BLOCK / PARTITIONS))
        self.making = 0.0
        regulars = rng.permutation(24).tolist()
        self.members = pl.Series([_lei(n) for n in regulars])
        self.visitors = pl.Series([_lei(1_000 + n) for n in range(VISITORS)])
        pairs = [(a, b) for a in range(24) for b in range(a + 1, 24)]
        chosen = rng.permutation(len(pairs))[:PAIRS]
        self.pairs = np.array([pairs[n] for n in chosen.tolist()])

    @property
    def events(self) -> int:
        """How many events there are."""
        return self.blocks * BLOCK * PARTITIONS

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First and next offset; only events are there."""
        return 0, self.blocks * BLOCK if topic == EVENTS else 0

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """Events by offset, which is also their sequence."""
        began = perf_counter()
        first, last = start or 0, self.blocks * BLOCK if end is None else end
        blocks = np.arange(first // BLOCK, -(-last // BLOCK))
        frame = self.made(blocks, partition)
        frame = frame.filter(pl.col("sequence").is_between(first, last, closed="left"))
        offsets = frame["sequence"].to_list()
        times = (START // 1_000 + frame["sequence"] * APART_MS).to_list()
        values: list[bytes | None] = list(encode_frame(record("RegulatoryEvent"), frame))
        self.making += perf_counter() - began
        return Span(offsets, times, [b"p0.0"] * len(offsets), values)

    def made(self, blocks: Ints, shard: int) -> pl.DataFrame:
        """The events of some blocks, in order."""
        nets = self._nets(blocks, shard)
        bilaterals = nets.filter(pl.col("kind") == "BILATERAL")
        parts = [
            _event(nets, "NetPosition", "nets", 0),
            _event(_provenance(bilaterals), "NetProvenance", "nets.provenance", 120),
            _event(_cycles(bilaterals), "NettingCycle", "cycles", 220),
            _event(_batches(blocks, shard), "BatchIndex", "netting.batches", 221),
            _event(_dead(blocks, shard), "DeadLetter", "netting.dead", 246),
        ]
        return (
            pl.concat(parts)
            .sort("sequence")
            .with_columns(
                producer=pl.lit(f"regulatory/{shard}"),
                source_partition=pl.lit(shard, dtype=pl.Int32),
                version=pl.lit("regulatory/2"),
                decided_by=pl.lit(""),
                corrects=pl.lit(""),
                link=pl.lit(bytes(32)),
            )
        )

    def _nets(self, blocks: Ints, shard: int) -> pl.DataFrame:
        """Bilateral and multilateral nets of each block, with `block` and `place` in it."""
        n = len(blocks)
        first, second = self.pairs.T
        member = self.members.gather(np.tile(first, n))
        other = self.members.gather(np.tile(second, n)).to_list()
        other[PAIRS - 1 :: PAIRS] = self.visitors.gather(blocks % VISITORS).to_list()
        pair = np.tile(np.arange(PAIRS), n)
        block = np.repeat(blocks, PAIRS)
        start = block * OBLIGATIONS + pair
        bilateral = pl.DataFrame(
            {
                "block": block,
                "place": pair,
                "kind": pl.repeat("BILATERAL", n * PAIRS, eager=True),
                "member": member,
                "counterparty": pl.Series(other),
                "first_offset": start,
                "last_offset": start + 3 * PAIRS,
            }
        )
        rows = np.tile(np.arange(MULTILATERALS), n)
        block = np.repeat(blocks, MULTILATERALS)
        multilateral = pl.DataFrame(
            {
                "block": block,
                "place": PAIRS + rows,
                "kind": pl.repeat("MULTILATERAL", n * MULTILATERALS, eager=True),
                "member": self.members.gather(rows),
                "counterparty": pl.repeat("", n * MULTILATERALS, eager=True),
                "first_offset": block * OBLIGATIONS,
                "last_offset": (block + 1) * OBLIGATIONS - 1,
            }
        )
        return _as_nets(pl.concat([bilateral, multilateral]), shard)


def _as_nets(frame: pl.DataFrame, shard: int) -> pl.DataFrame:
    """The other columns of NetPosition, and the cycle's id."""
    sets = pl.Series([f"{_lei(90 + n)}|EUR" for n in range(_SETS)])
    amount = pl.col("first_offset") * 7_919 % 1_000_000
    return (
        frame.with_columns(
            netting_set=sets.gather(frame["block"] % _SETS),
            asset=pl.lit("EUR"),
            scale=pl.lit(2, dtype=pl.Int32),
            cycle_end=START + (pl.col("block") + 1) * CYCLE_US,
            cycle_start=START + pl.col("block") * CYCLE_US,
            receives=amount,
            delivers=amount // 2,
            net=amount - amount // 2,
            obligations=pl.lit(4, dtype=pl.Int64),
            late=pl.lit(0, dtype=pl.Int64),
            provenance_root=pl.lit(bytes(32)),
            chunks=pl.lit(1, dtype=pl.Int32),
            source_topic=pl.lit("obligations"),
            source_partition=pl.lit(shard, dtype=pl.Int32),
            producer=pl.lit(f"netting/{shard}"),
            sequence=pl.col("block") * (PAIRS + MULTILATERALS) + pl.col("place"),
            version=pl.lit("netting/1"),
            subject=pl.col("member"),
        )
        .with_columns(cycle=pl.format("{}|{}|{}|{}", "netting_set", "asset", "scale", "cycle_end"))
        .with_columns(
            event_time=pl.col("cycle_end"),
            net_id=pl.format("{}|{}|{}|{}", "cycle", "kind", "member", "counterparty"),
            lineage=pl.format("obligations/{}:{}-{}", pl.lit(shard), "first_offset", "last_offset"),
        )
        .with_columns(result_id=pl.col("net_id"))
    )


def _provenance(nets: pl.DataFrame) -> pl.DataFrame:
    """One chunk a bilateral net, with its 4 offsets."""
    offsets = nets["first_offset"].to_numpy()[:, None] + PAIRS * np.arange(4)
    octets = offsets.astype(">i8").tobytes()
    lists = [octets[n : n + 32] for n in range(0, len(octets), 32)]
    return nets.select(
        *("block", "place", "net_id", "producer", "sequence", "cycle_end", "version", "event_time"),
        chunk_id=pl.format("{}#0", "net_id"),
        result_id=pl.format("{}#0", "net_id"),
        subject=pl.col("net_id"),
        chunk=pl.lit(0, dtype=pl.Int32),
        chunks=pl.lit(1, dtype=pl.Int32),
        offsets=pl.Series(lists, dtype=pl.Binary),
        leaves=pl.lit(bytes(4 * 32)),
        root=pl.lit(bytes(32)),
        lineage=pl.lit(""),
    )


def _cycles(nets: pl.DataFrame) -> pl.DataFrame:
    """The figures of each block."""
    first = nets.filter(pl.col("place") == 0)
    figures = {
        name: pl.lit(1_000, dtype=pl.Int64)
        for name in (
            *("members", "gross", "bilateral_net", "multilateral_net"),
            *("bilateral_efficiency_ppm", "multilateral_efficiency_ppm"),
        )
    }
    return first.with_columns(
        **figures,
        cycle_id=pl.col("cycle"),
        result_id=pl.col("cycle"),
        sequence=pl.col("block"),
        subject=pl.col("netting_set"),
        lineage=pl.lit(""),
    )


def _batches(blocks: Ints, shard: int) -> pl.DataFrame:
    """The batches that read a block's obligations."""
    n = len(blocks)
    batch = np.repeat(blocks * BATCHES, BATCHES) + np.tile(np.arange(BATCHES), n)
    counts = {
        name: pl.lit(0, dtype=pl.Int64)
        for name in ("duplicates", "duplicates_unchecked", "late", "dead", "ticks", "outputs")
    }
    roots = {name: pl.lit(bytes(32)) for name in ("input_root", "output_root", "state_digest")}
    first, last = pl.col("sequence") * OF_A_BATCH, (pl.col("sequence") + 1) * OF_A_BATCH - 1
    frame = pl.DataFrame({"block": np.repeat(blocks, BATCHES), "sequence": batch})
    return frame.with_columns(
        **counts,
        **roots,
        place=pl.col("sequence") % BATCHES,
        producer=pl.lit(f"netting/{shard}"),
        job=pl.lit("netting"),
        shard=pl.lit(shard, dtype=pl.Int32),
        slice_end=START + (pl.col("sequence") + 1) * 1_000_000,
        watermark=START + pl.col("sequence") * 1_000_000,
        records=pl.lit(OF_A_BATCH, dtype=pl.Int64),
        used=pl.lit(OF_A_BATCH, dtype=pl.Int64),
        ranges=pl.format("obligations:{}-{}", first, last),
        version=pl.lit("netting/1;partitions=4;slice_ms=1000"),
        inputs=pl.format("obligations:{}", pl.lit(OF_A_BATCH)),
        subject=pl.lit("netting"),
        result_id=pl.lit(""),
        lineage=pl.format("obligations/{}:{}-{}", pl.lit(shard), first, last),
    ).with_columns(event_time=pl.col("slice_end"))


def _dead(blocks: Ints, shard: int) -> pl.DataFrame:
    """Refused records; their offsets are among those of the block."""
    n = len(blocks)
    place = np.tile(np.arange(DEAD), n)
    block = np.repeat(blocks, DEAD)
    frame = pl.DataFrame({"block": block, "place": place, "offset": block * OBLIGATIONS + place})
    name = pl.format("obligations/{}/{}", pl.lit(shard), "offset")
    return frame.with_columns(
        dead_id=name,
        result_id=name,
        producer=pl.lit(f"netting/{shard}"),
        sequence=pl.col("block") * DEAD + pl.col("place"),
        job=pl.lit("netting"),
        reason=pl.lit("undecodable"),
        topic=pl.lit("obligations"),
        partition=pl.lit(shard, dtype=pl.Int32),
        appended=START // 1_000 + pl.col("offset"),
        payload=pl.lit(b"", dtype=pl.Binary),
        payload_hash=pl.lit(bytes(32)),
        subject=pl.lit("obligations"),
        version=pl.lit("netting/1"),
        event_time=START + pl.col("offset"),
        lineage=pl.format("obligations/{}:{}-{}", pl.lit(shard), "offset", "offset"),
    )


def _event(results: pl.DataFrame, name: str, topic: str, place: int) -> pl.DataFrame:
    """Results as events: `place` is where those of a block begin in it."""
    rec = record(name)
    payload = encode_frame(rec, results.select(list(rec.columns)))
    return results.select(
        *("event_time", "subject", "result_id", "lineage"),
        sequence=pl.col("block") * BLOCK + place + pl.col("place").cast(pl.Int64),
        kind=pl.lit(name),
        payload=pl.Series(payload, dtype=pl.Binary),
        fingerprint=pl.lit(rec.fingerprint),
        source_topic=pl.lit(topic),
        source_offset=pl.col("sequence"),
        result_version=pl.col("version"),
    )
