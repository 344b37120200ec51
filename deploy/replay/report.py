"""What a replay found, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.topics import TICK_KEY
from deploy.replay.comparing import Compared, Difference
from deploy.replay.inputs import Cause
from deploy.replay.order import Order, Plan
from deploy.replay.recorded import Batch, ranges_of
from schemas.codec import decode
from schemas.records import Record

Row = tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """One replay.

    Attributes:
        order: What was asked for.
        version: Decision version and options, as recorded and as replayed.
        parallelism: Of the second run; None if it was a fold without Flink.
        out_prefix: Where its topics are, if they were kept.
        plan: Offsets and batches.
        seconds: From submission until Flink was finished, or how long reading and folding took
            with the comparison.
        compared: Each topic of each shard.
        cause: What the input of the first difference says; None if there is none.
    """

    order: Order
    version: str
    parallelism: int | None
    out_prefix: str | None
    plan: Plan
    seconds: float
    compared: Sequence[Compared]
    cause: Cause | None

    @property
    def equal(self) -> bool:
        """Whether no compared record differs."""
        return all(one.equal for one in self.compared)

    @property
    def records(self) -> int:
        """Records compared."""
        return sum(one.compared for one in self.compared)

    @property
    def rate(self) -> int:
        """Input records a second."""
        return round(self.plan.records / max(self.seconds, 1e-9))

    @property
    def first(self) -> Difference | None:
        """The earliest difference."""
        return first_of(self.compared)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        first = self.first
        return {
            "job": self.order.job,
            "version": self.version,
            "equal": self.equal if self.order.compare else None,
            "parallelism": self.parallelism,
            "prefix": self.order.prefix,
            "against": self.order.against if self.order.compare else None,
            "kept": self.out_prefix,
            "from": _named(self.plan.begin),
            "to": _named(self.plan.end),
            "until": _named(self.plan.until),
            "batches": [list(span) for span in self.plan.batches],
            "input_records": self.plan.records,
            "seconds": round(self.seconds, 3),
            "records_per_second": self.rate,
            "compared_records": self.records,
            "compared_bytes": sum(one.octets for one in self.compared),
            "heads": [_head(one) for one in self.compared],
            "first_difference": first and told(first),
            "differences": [told(one.difference) for one in self.compared if one.difference],
            "input": self.cause and _input(self.cause),
        }

    def rows(self) -> list[Row]:
        """Topic, shard, records, both heads, and whether all is equal: for a table."""
        return [
            (
                one.topic,
                _shard(one),
                f"{one.records:,}",
                one.recorded.hex() if one.recorded else "",
                one.replayed.hex(),
                ("equal" if one.equal else "DIFFERENT") if self.order.compare else "",
            )
            for one in self.compared
        ]

    def verdict(self) -> list[str]:
        """The outcome, a line each; the first difference with both sides and their lineage."""
        how = f"at parallelism {self.parallelism}" if self.parallelism else "without Flink"
        what = f"{self.order.job} {how}: {self.plan.records:,} records in {self.seconds:.1f} s"
        lines = [f"{what}, {self.rate:,} records/s"]
        first = self.first
        if not self.order.compare:
            return [*lines, "nothing was compared; the heads are those of the replay"]
        if first is None:
            return [*lines, f"EQUAL: {self.records:,} records, key and value, byte for byte"]
        shards = sum(1 for one in self.compared if not one.equal)
        lines.append(f"DIFFERENT: {shards} of {len(self.compared)} topic shards; the first place:")
        lines += _shown(first)
        return [*lines, *(_input_lines(self.cause) if self.cause else [])]


def first_of(compared: Sequence[Compared]) -> Difference | None:
    """The earliest difference: by slice, batch, shard, then in the order of the job's topics."""
    found = [one.difference for one in compared if one.difference is not None]
    return min(found, key=_earliness, default=None)


def _earliness(one: Difference) -> tuple[bool, int, int, int]:
    if one.batch is None:
        return True, 0, 0, one.shard
    return False, one.batch.slice_end, one.batch.number, one.shard


def told(difference: Difference) -> dict[str, Any]:
    """A difference with both sides decoded."""
    batch = difference.batch
    recorded, replayed = (
        side and _decoded(side[1], batch, difference.shard)
        for side in (difference.recorded, difference.replayed)
    )
    fields = []
    if recorded and replayed:
        pairs = zip_fields(recorded["values"], replayed["values"])
        fields = [name for name, (want, have) in pairs.items() if want != have]
    keys = [side and side[0].hex() for side in (difference.recorded, difference.replayed)]
    return {
        "topic": difference.topic,
        "shard": difference.shard,
        "partition": difference.partition,
        "record": difference.position,
        "batch": batch
        and {"number": batch.number, "slice_end": _time(batch.slice_end), "ranges": batch.ranges},
        "recorded": recorded,
        "replayed": replayed,
        "fields": fields if keys[0] == keys[1] else ["key", *fields],
    }


def zip_fields(
    recorded: Mapping[str, Any], replayed: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Both values of each field; None where a side lacks it."""
    names = dict.fromkeys((*recorded, *replayed))
    return {name: (recorded.get(name), replayed.get(name)) for name in names}


def lineage(rec: Record, row: Mapping[str, Any], shard: int) -> str:
    """The input a record says it rests on, `topic/partition:first-last;...`; empty if it does not.

    The fields are those of the schema's `lineage` (schemas.records).
    """
    values = [row[name] for name in rec.lineage]
    if len(values) == 1:
        ranges = ranges_of(values[0]).items()
        return ";".join(f"{topic}/{shard}:{a}-{b}" for topic, (a, b) in ranges)
    if values:
        topic, partition, first, *last = values
        return f"{topic}/{partition}:{first}-{last[0] if last else first}"
    return str(row.get("lineage", ""))


def _decoded(value: bytes, batch: Batch | None, shard: int) -> dict[str, Any]:
    """A message as its record, fields and lineage; without one of its own, its batch's input."""
    try:
        rec, row = decode(value)
    except ValueError as error:
        return {"record": None, "values": {"bytes": value.hex()}, "lineage": "", "why": str(error)}
    values = {name: v.hex() if isinstance(v, bytes) else v for name, v in row.items()}
    own = lineage(rec, row, shard)
    ranges = ranges_of(batch.ranges).items() if batch else ()
    of_batch = ";".join(f"{topic}/{shard}:{a}-{b}" for topic, (a, b) in ranges)
    return {"record": f"{rec.name} {rec.version}", "values": values, "lineage": own or of_batch}


def _shown(difference: Difference) -> list[str]:
    one = told(difference)
    lines = [f"  {one['topic']} shard {_shard(difference)}, record {one['record']}"]
    if one["batch"]:
        lines[0] += ", batch {number} (slice to {slice_end}, input {ranges})".format(**one["batch"])
    for name in ("recorded", "replayed"):
        side = one[name]
        lines.append(f"  {name}: {_side(side) if side else 'no such record'}")
    return [*lines, f"  they differ in: {', '.join(one['fields'])}"] if one["fields"] else lines


def _side(side: Mapping[str, Any]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in side["values"].items())
    return f"{side['record'] or 'no record'} {values}; rests on {side['lineage'] or 'unknown'}"


def _input(cause: Cause) -> dict[str, Any]:
    first = cause.first
    return {
        "root_as_recorded": cause.same_root,
        "first_difference": first
        and {
            "topic": first.topic,
            "partition": first.partition,
            "offset": first.offset,
            "recorded": _input_side(first.recorded),
            "replayed": _input_side(first.replayed),
        },
    }


def _input_lines(cause: Cause) -> list[str]:
    if cause.first is not None:
        first = cause.first
        return [
            f"  the input differs from offset {first.offset} of {first.topic}/{first.partition} on:"
            f" recorded {_input_side(first.recorded)}, replayed {_input_side(first.replayed)}"
        ]
    if cause.same_root:
        return ["  the input of that batch is the recorded one: the same input gave another result"]
    return ["  the input of that batch is not the recorded one: its root is another"]


def _input_side(side: tuple[bytes | None, bytes | None] | None) -> str:
    if side is None:
        return "no record"
    key, value = side
    if key == TICK_KEY:
        return f"a tick of {len(value or b'')} bytes"
    if value is None:
        return "a record without a value"
    try:
        rec, row = decode(value)
    except ValueError:
        return f"bytes {value[:64].hex()}"
    return f"{rec.name} {row}"


def _shard(one: Compared | Difference) -> str:
    """The shard, and in which partition its records stand if that is another one."""
    return str(one.shard) if one.partition == one.shard else f"{one.shard} in {one.partition}"


def _head(one: Compared) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "shard": one.shard,
        "partition": one.partition,
        "records": one.records,
        "recorded": one.recorded and one.recorded.hex(),
        "replayed": one.replayed.hex(),
        "equal": one.equal,
    }


def _named(offsets: Mapping[tuple[str, int], int]) -> dict[str, int]:
    return {f"{topic}/{number}": offset for (topic, number), offset in sorted(offsets.items())}


def _time(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat().replace("+00:00", "Z")
