"""A job over files: the fold of `connectors.log`, with neither Flink nor Kafka.

A file is Parquet, CSV or an Avro container, and holds one of two things:

- a recorded log, as `tidemark generate --out` writes it (columns offset, appended, value and so
  on): taken as it is, ticks included;
- records, one a row, in the order in which they would have come in. Each goes to the partition of
  its key, at a log time that is its business time in milliseconds, or the greatest before it.

Records have no ticks. So when all are in, each partition of each topic that is not a recorded log
gets a closing tick, late enough in business time for every window to be complete.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from connectors.batches import Folded
from connectors.generators.files import SCHEMA
from connectors.log import MemoryLog, Span, fold_shard
from connectors.places import MAX_SLICE_MS, OFFSET_UNIT
from connectors.spec import SECOND, JobSpec, partitions_of_results
from connectors.topics import KNOWN, TICK_KEY, partitions_of
from connectors.written import results_by_place
from deploy import rows, terminal
from deploy.errors import UserError
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.records import Record, record

DAY = 86_400 * SECOND
LAST = 4_102_444_800_000_000
"""Greatest business time that moves the log clock, microseconds UTC: the year 2100."""
PRODUCER = "file"
"""Who numbered the records of a file that does not say it."""
_LOG = {"offset", "appended", "value"}
_LIMITS = {"partitions": 1_024, "slice_ms": MAX_SLICE_MS}
_LIMIT = 1_000_000_000


@dataclass(frozen=True)
class Records:
    """The records of one file: partition, offset, `appended` in milliseconds, value; by row."""

    rows: pl.DataFrame
    greatest: int


def backtest(
    job: str, inputs: Sequence[str], out: Path, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Fold `job` over files and write its results under `out`; the summary, which is there too.

    Args:
        job: A job of the catalogue.
        inputs: `TOPIC=FILE` for each topic that has a file; the others are silent.
        out: Gets `TOPIC.parquet` for each topic the job writes, and `summary.json`.
        options: `key=value` of the catalogue's Config.

    Raises:
        UserError: An input or option is not what it has to be, or `out` cannot be written.
    """
    config = config_of(options)
    spec = _spec(job, config)
    log, read = load(spec, paths_of(spec, inputs), config)
    try:
        out.mkdir(parents=True, exist_ok=True)
        counts, results = _fold(spec, log)
        for topic, frame in results.items():
            frame.write_parquet(out / f"{topic}.parquet")
        summary = _summary(spec, config, read, counts, results)
        (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        problem = error.strerror or str(error)
        raise UserError(f"{out} cannot be written: {problem}; choose another --out") from None
    return summary


def config_of(options: Iterable[str]) -> Config:
    """The job's options of `key=value`; UserError if one is none."""
    known = [option.name for option in fields(Config)]
    found, keys = {}, ""
    for text in options:
        name, _, value = text.partition("=")
        name = name.replace("-", "_")
        if name == "rule_keys":
            keys = value
            continue
        if name not in known:
            raise UserError(f"--option {text}: unknown; give KEY=NUMBER, KEY of {', '.join(known)}")
        least, most = int(name != "lateness_ms"), _LIMITS.get(name, _LIMIT)
        if not (value.isascii() and value.isdigit() and least <= int(value[:20]) <= most):
            raise UserError(f"--option {text}: give {name} as a whole number, {least} to {most}")
        found[name] = int(value)
    try:
        return Config(**found, rule_keys=keys)
    except ValueError as error:
        raise UserError(f"--option rule-keys: {error}") from None


def _spec(job: str, config: Config) -> JobSpec:
    if job not in JOBS:
        raise UserError(f"no job is called {job}; take one of: {', '.join(sorted(JOBS))}")
    return JOBS[job](config)


def paths_of(spec: JobSpec, inputs: Iterable[str]) -> dict[str, Path]:
    """The file of each topic, of `TOPIC=FILE`; UserError if the job reads no such topic."""
    reads = [feed.topic for feed in spec.feeds]
    found: dict[str, Path] = {}
    for text in inputs:
        topic, _, path = text.partition("=")
        if not topic or not path:
            raise UserError(f"--input {text}: give it as TOPIC=FILE, TOPIC of {', '.join(reads)}")
        if topic not in reads:
            what = f"{spec.name} does not read" if topic in KNOWN else "no topic is called"
            raise UserError(f"--input {text}: {what} {topic}; give one of: {', '.join(reads)}")
        if topic in found:
            raise UserError(f"--input {text}: {topic} is given twice; put its rows into one file")
        found[topic] = Path(path)
    if not found:
        raise UserError(f"no input; give --input TOPIC=FILE, TOPIC of {', '.join(reads)}")
    return found


def load(
    spec: JobSpec, files: Mapping[str, Path], config: Config
) -> tuple[MemoryLog, list[dict[str, Any]]]:
    """The log that the files make, and what was read for the summary."""
    log, read = MemoryLog(), []
    given: dict[str, Records] = {}
    for topic, path in files.items():
        frame = rows.read(path)
        if recorded := set(frame.columns) >= _LOG:
            messages = _recorded(topic, path, frame, spec.partitions)
        else:
            given[topic] = _records(topic, path, frame, spec.partitions)
            messages = given[topic].rows
        for part in messages.partition_by("partition"):
            columns = (part[name].to_list() for name in ("offset", "appended", "key", "value"))
            log.spans[topic, int(part["partition"][0])] = Span(*columns)
        content = "log" if recorded else "records"
        read.append({"topic": topic, "file": str(path), "content": content, "rows": frame.height})
    if given:
        window = SECOND * max(config.cycle_s, config.edge_s) + 1_000 * config.lateness_ms
        until = max(part.greatest for part in given.values()) + max(DAY, window)
        at = max(log.spans[place].appended[-1] for place in log.spans if place[0] in given)
        _close(log, spec, files.keys() - given.keys(), at, until)
    return log, read


def _recorded(topic: str, path: Path, frame: pl.DataFrame, partitions: int) -> pl.DataFrame:
    """The rows of a recorded log in order of partition and offset."""
    asked = f"give {topic} as tidemark generate --out writes it"
    for name, dtype in SCHEMA.items():
        found = frame.schema.get(name)
        if found is None:
            raise UserError(f"{path} looks like a recorded log without column {name}; {asked}")
        if not (found.is_integer() if dtype.is_integer() else found in (dtype, pl.Null)):
            raise UserError(f"{path}: column {name} is {found}, not {dtype}; {asked}")
    if others := sorted(set(frame["topic"].unique()) - {topic}, key=str):
        raise UserError(f"{path} holds topic {others[0]}, not {topic}; mend --input")
    bounds = {"partition": 2**31, "offset": 2**63 // OFFSET_UNIT, "appended": LAST // 1_000 + 1}
    for name, bound in bounds.items():
        if not frame[name].is_between(0, bound - 1).fill_null(value=False).all():
            raise UserError(f"{path}: {name} is not always a number from 0 to {bound - 1}; {asked}")
    if (needed := max(frame["partition"].to_list()) + 1) > partitions:
        raise UserError(f"{path} has partition {needed - 1}; give --option partitions={needed}")
    frame = frame.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    frame = frame.sort("partition", "offset")
    step = frame.select(pl.col("offset", "appended").diff().over("partition"))
    if (step["offset"] < 1).any() or (step["appended"] < 0).any():
        raise UserError(f"{path}: an offset comes twice or append times go back; {asked}")
    return frame


def _records(topic: str, path: Path, frame: pl.DataFrame, partitions: int) -> Records:
    """The messages of a file of records, placed in a log."""
    rec = record(KNOWN[topic].record)
    frame = _placed(topic, rec, path, frame, partitions)
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    if rec.producer and rec.producer not in frame.columns:
        frame = frame.with_columns(pl.lit(PRODUCER).alias(rec.producer))
    if rec.sequence and rec.sequence not in frame.columns:
        line = ["_partition", rec.producer] if rec.producer else ["_partition"]
        frame = frame.with_columns(number.over(line).alias(rec.sequence))
    # A dead letter has no business time: the log time of what was refused stands for it.
    told = pl.col(rec.time) if rec.time else pl.col("appended") * 1_000
    if not rec.time and "appended" not in rec.columns:
        told = pl.lit(0, dtype=pl.Int64)
    time = pl.when(told.is_between(0, LAST)).then(told)
    appended = (time // 1_000).cum_max().forward_fill().backward_fill().over("_partition")
    placed = frame.select(
        partition=pl.col("_partition"),
        offset=number.over("_partition"),
        appended=appended.fill_null(0),
        key=pl.lit(None, dtype=pl.Binary),
        value=pl.Series(rows.encoded(rec, frame, path), dtype=pl.Binary),
    )
    return Records(placed, frame.select(time.max()).item() or 0)


def _placed(
    topic: str, rec: Record, path: Path, frame: pl.DataFrame, partitions: int
) -> pl.DataFrame:
    """The columns of `rec` in their types, as far as they are given, and `_partition`."""
    key = KNOWN[topic].key
    if key is None and "shard" not in frame.columns:
        raise UserError(f"{path} lacks column shard: {topic} has no key to place rows by; add it")
    typed = rows.typed(rec, path, frame)
    if key is not None:
        return typed.with_columns(_partition=partitions_of(typed[key], partitions))
    shard = frame["shard"].cast(pl.Int64, strict=False)
    if not shard.is_between(0, partitions - 1).fill_null(value=False).all():
        raise UserError(
            f"{path}: shard is not always 0 to {partitions - 1}; mend it or --option partitions=N"
        )
    return typed.with_columns(_partition=shard)


def _close(log: MemoryLog, spec: JobSpec, recorded: Iterable[str], at: int, until: int) -> None:
    """End the topics that are not recorded logs with ticks up to `until`, at the log time `at`.

    One tick is enough but where `until` is further ahead than a feed lets a tick go.
    """
    for feed in spec.feeds:
        times = [*range(at * 1_000 + feed.tick_ahead, until, feed.tick_ahead), until]
        for partition in range(spec.partitions) if feed.topic not in recorded else ():
            span = log.spans.setdefault((feed.topic, partition), Span())
            for time in times:
                span.put(len(span), at, TICK_KEY, time.to_bytes(8, "big", signed=True))


def _fold(spec: JobSpec, log: MemoryLog) -> tuple[Counter[str], dict[str, pl.DataFrame]]:
    """What the batches counted, and the decoded results of each topic, shard after shard."""
    topics = [feed.topic for feed in spec.feeds]
    parts: dict[str, list[pl.DataFrame]] = {topic: [] for topic in spec.outputs}
    counts: Counter[str] = Counter()
    with terminal.bar(spec.name, sum(map(len, log.spans.values()))) as advance:

        def counted(batches: Iterator[Folded]) -> Iterator[Folded]:
            for batch in batches:
                counts.update(batch.counts)
                counts["batches"] += 1
                advance(batch.counts["records"] + batch.counts["ticks"])
                yield batch

        for shard in range(spec.partitions):
            folded = counted(fold_shard(spec, shard, log.partition(topics, shard)))
            written = results_by_place(spec, folded)
            for topic, found in parts.items():
                partition, *_ = partitions_of_results(spec, topic, shard)  # one copy, if several
                values = [value for _, value in written.get((topic, partition), [])]
                found.append(_decoded(topic, shard, values))
    if counts["records"] != sum(
        counts[name] for name in ("used", "duplicates", "duplicates_unchecked", "dead")
    ):
        raise RuntimeError(f"the counts do not add up: {dict(counts)}")
    return counts, {topic: pl.concat(found) for topic, found in parts.items()}


def _decoded(topic: str, shard: int, values: Sequence[bytes]) -> pl.DataFrame:
    frame, _, rejected = decode_batch(record(KNOWN[topic].record), values)
    if rejected:
        raise RuntimeError(f"a result of {topic} does not decode: {rejected[0].reason}")
    return frame.with_columns(shard=pl.lit(shard, dtype=pl.Int32))


def _summary(
    spec: JobSpec,
    config: Config,
    read: list[dict[str, Any]],
    counts: Counter[str],
    results: Mapping[str, pl.DataFrame],
) -> dict[str, Any]:
    """What went in and what came out; records = used + duplicates + dead, late ones are used."""
    code = results[f"{spec.name}.dead"]["reason"].str.extract(r"^([a-z-]+):")
    return {
        "job": spec.name,
        "version": spec.version,
        "options": asdict(config),
        "inputs": read,
        "records": counts["records"],
        "used": counts["used"],
        "duplicates": counts["duplicates"] + counts["duplicates_unchecked"],
        "late": counts["late"],
        "dead": counts["dead"],
        "reasons": dict(sorted(Counter(code.to_list()).items())),
        "ticks": counts["ticks"],
        "batches": counts["batches"],
        "results": {topic: frame.height for topic, frame in results.items()},
    }
