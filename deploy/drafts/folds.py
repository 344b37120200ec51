"""The AML job over a recorded log, as it ran and as it would have run with a draft.

Both folds begin with the log, so that both have its history. In the draft's, live rule sets that
begin in the range or later do not count: the draft decides from the range's start on. The job that
runs, its topics and its state are not touched.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.log import MemoryLog, Span, fold_shard
from connectors.topics import TICK_KEY
from jobs.catalogue import Config, aml_job
from schemas.codec import decode, encode
from schemas.records import record
from udfs.aml import trust
from udfs.aml.ruleset import digest

SLICE_MS = 10_000
"""Results do not depend on it; few long slices are folded sooner."""
LAST_EPOCH = 1_000_000_000
_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"tidemark backtest").digest())
"""Signs drafts for a fold in memory. Anybody can make it, so no job may trust it."""
_PUBLIC = _KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
_RULES = "rules"


@dataclass(frozen=True)
class Range:
    """Business times begin <= t < end, microseconds UTC."""

    begin: int
    end: int

    def of(self, alerts: pl.DataFrame) -> pl.DataFrame:
        """The alerts that were raised in it."""
        return alerts.filter(pl.col("time").is_between(self.begin, self.end, closed="left"))


def with_draft(log: MemoryLog, body: str, begin: int, partitions: int) -> MemoryLog:
    """The same log with a draft that decides from `begin` on, in every partition."""
    found = MemoryLog()
    found.spans = dict(log.spans)
    value = encode(record("RuleSet"), _signed(body, begin))
    for partition in range(partitions):
        old = log.spans.get((_RULES, partition), Span())
        new = Span()
        first = old.appended[0] if old.appended else _start(log, partition)
        new.put(0, first, b"aml", value)
        for appended, key, message in zip(old.appended, old.keys, old.values, strict=True):
            if not _replaced(key, message, begin):
                new.put(len(new), appended, key, message)
        found.spans[_RULES, partition] = new
    return found


def alerts(
    log: MemoryLog, config: Config, body: str | None, begin: int, done: Callable[[int], None]
) -> pl.DataFrame:
    """Every alert of a rule that the fold of the log raises; with `body`, by that draft."""
    config = replace(config, slice_ms=SLICE_MS)
    if body is not None:
        log = with_draft(log, body, begin, config.partitions)
        keys = (*trust.keys_of(config.rule_keys), _PUBLIC)
        config = replace(config, rule_keys=trust.keys_text(keys))
    job = aml_job(config)
    topics = [feed.topic for feed in job.feeds]
    rec = record("Alert")
    frames = [pl.DataFrame(schema=rec.columns).drop(rec.producer or "", rec.sequence or "")]
    for shard in range(config.partitions):
        for batch in fold_shard(job, shard, log.partition(topics, shard)):
            if "alerts" in batch.outputs:
                frames.append(batch.outputs["alerts"].select(frames[0].columns))
        done(1)
    return pl.concat(frames, how="vertical_relaxed").filter(pl.col("decided_by") != "")


def _signed(body: str, begin: int) -> dict[str, object]:
    row: dict[str, object] = {
        "ruleset_id": f"draft-{digest(body)[:16]}",
        "producer": "backtest",
        "sequence": 0,
        "time": 0,
        "name": "aml",
        "epoch": LAST_EPOCH,
        "mode": "LIVE",
        "effective_time": begin,
        "body": body,
        "hash": digest(body),
        "author": "backtest",
        "approver": "",
        "key_id": trust.key_id(_PUBLIC),
    }
    return {**row, "signature": _KEY.sign(trust.signed_text(row).encode())}


def _replaced(key: bytes | None, message: bytes | None, begin: int) -> bool:
    """Whether a record is a live rule set that the draft stands in for."""
    if key == TICK_KEY or message is None:
        return False
    try:
        rec, row = decode(message)
    except ValueError:
        return False
    return rec.name == "RuleSet" and row["mode"] == "LIVE" and row["effective_time"] >= begin


def _start(log: MemoryLog, partition: int) -> int:
    firsts = [s.appended[0] for (_, p), s in log.spans.items() if p == partition and s.appended]
    return min(firsts, default=0)
