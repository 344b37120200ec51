"""What the motif stage finds of the shapes in generated worlds, and what it raises beside.

The AML job is folded over a world and the motif job over its transfers, with the default rule set.
Schemes are judged as those of the other rules are (deploy.evaluate.judged).
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from connectors.generators.aml import AmlWorld
from connectors.generators.aml.schemes import KINDS, Wanted
from connectors.generators.feed import DAY, Plan
from connectors.log import MemoryLog
from deploy.bench.harness import Report, Result
from deploy.errors import UserError
from deploy.evaluate import figures
from deploy.evaluate.judged import Judged, by_kind, by_rule, judge, pooled
from deploy.evaluate.world import folded, labels, outputs, recorded, values
from jobs.catalogue import Config, aml_job, motifs_job
from schemas.codec import encode_frame
from schemas.records import record
from udfs.motifs.params import COMMON, MOTIFS

CONFIG = Config(partitions=1, slice_ms=60_000, lateness_ms=1_000)
"""Long slices: fewer batches to fold, the same alerts."""
KINDS_SOUGHT = tuple(kind for kind in KINDS if kind in MOTIFS)
FASTER = 600
"""Log time of transfers passes so many times faster than business time: a slice is ten hours."""
BARS = {"fan-in": 0.9, "fan-out": 0.9, "cycle": 0.8, "scatter-gather": 0.7, "gather-scatter": 0.6}
"""Least recall asked of shapes."""
FALSE_A_TRUE = 20
_TICK = 3_600_000_000
_TOPICS = frozenset({"postings", "customers", "rules", "alert.actions", "schemes"})


@dataclass(frozen=True)
class Asked:
    """The worlds to judge.

    Attributes:
        payments: Of each world.
        days: Length of each world.
        seed: Of the first world; each further one has the next.
        worlds: How many.
        each: Schemes of each shape in a world.
    """

    payments: int = 1_100_000
    days: int = 60
    seed: int = 1
    worlds: int = 2
    each: int = 15


@dataclass(frozen=True)
class Outcome:
    """The figures, and the tables behind them: by kind of scheme, by rule."""

    report: Report
    kinds: pl.DataFrame
    rules: pl.DataFrame


@dataclass(frozen=True)
class _Seen:
    """One world: what was judged, how large it was, how much of it was planted.

    `exposure` is accounts x days in units of 10,000, `learned` the end of the first month.
    """

    found: Judged
    postings: int
    transfers: int
    planted: int
    exposure: float
    learned: int


def alerts(transfers: pl.DataFrame) -> pl.DataFrame:
    """What the motif job says of transfers: records Alert of records Transfer, in order of time.

    They are written in the order of their time, as shards that keep pace write them.
    """
    if transfers.is_empty():
        return pl.DataFrame()
    frame = transfers.sort("time", maintain_order=True).with_columns(
        producer=pl.lit("aml/0"), sequence=pl.int_range(transfers.height, dtype=pl.Int64)
    )
    shape = record("Transfer")
    times = frame["time"].to_list()
    log, first, end = MemoryLog(), times[0], times[-1] + DAY
    for time, value in zip(
        times, encode_frame(shape, frame.select(list(shape.columns))), strict=True
    ):
        log.append("transfers", 0, _appended(time, first), value, b"aml/0")
    for time in range(first, end, _TICK):
        log.tick("rules", 0, _appended(time, first), time)
    for topic in ("transfers", "rules"):
        log.tick(topic, 0, _appended(end, first), end)
    return outputs(folded(log, motifs_job(CONFIG)), ("alerts",))["alerts"]


def run(asked: Asked, tell: Callable[[str], None] = lambda line: None) -> Outcome:
    """Make worlds with shapes alone in them, fold both jobs over each, judge the alerts.

    Raises:
        UserError: There is no such world.
    """
    seen = []
    for number in range(asked.worlds):
        seen.append(_judged(asked, asked.seed + number))
        tell(f"world {number + 1} of {asked.worlds}: {seen[-1].found.alerts.height:,} alerts")
    found = pooled([one.found for one in seen])
    exposure = sum(one.exposure for one in seen)
    kinds, rules = by_kind(found, set(MOTIFS) - {COMMON}), by_rule(found, exposure)
    results = [*_size(asked, seen), *_recalls(kinds), *_delays(found)]
    results += [*figures.of_rules(rules), *_false(found, seen[0].learned)]
    return Outcome(Report("motifs-quality", asked.seed, results), kinds, rules)


def _judged(asked: Asked, seed: int) -> _Seen:
    wanted = Wanted(counts=dict.fromkeys(KINDS_SOUGHT, asked.each))
    try:
        world = AmlWorld(seed, days=asked.days, count=asked.payments, wanted=wanted)
    except ValueError as error:
        raise UserError(f"there is no such world: {error}") from None
    log = recorded(world, Plan(world.count, seed, CONFIG.partitions), _TOPICS)
    transfers = outputs(folded(log, aml_job(CONFIG)), ("transfers",))["transfers"]
    planted = labels(log)
    postings = sum(1 for _ in values(log, "postings"))
    del log
    return _Seen(
        judge(planted, alerts(transfers)),
        postings,
        transfers.height,
        int(planted["posting_count"].sum()),
        world.days * world.bank.customer_accounts / 10_000,
        world.start + 31 * DAY,
    )


def _appended(time: int, first: int) -> int:
    """Log time, milliseconds, at which a transfer is written."""
    return (first + (time - first) // FASTER) // 1_000


def _size(asked: Asked, seen: list[_Seen]) -> list[Result]:
    postings, planted = (sum(n) for n in zip(*((s.postings, s.planted) for s in seen), strict=True))
    transfers = sum(one.transfers for one in seen)
    return [
        Result("worlds", asked.worlds, "worlds"),
        Result("days of a world", asked.days, "days"),
        Result("postings", postings, "postings"),
        Result("transfers", transfers, "transfers"),
        Result("postings in schemes", round(planted / postings, 6), "share"),
    ]


def _recalls(kinds: pl.DataFrame) -> list[Result]:
    """Schemes that the rule of their shape found."""
    rows = kinds.select("kind", "found", "schemes").iter_rows()
    return [
        result
        for kind, found, schemes in rows
        for result in figures.share(f"recall of {kind}", found, schemes, BARS.get(kind))
    ]


def _delays(found: Judged) -> list[Result]:
    """How long after a scheme's last transfer its own rule first spoke; negative: before it."""
    ends = found.hits.filter(pl.col("rule") == pl.col("kind")).join(
        found.schemes.select("scheme", "end"), on="scheme"
    )
    waited = ends.group_by("kind").agg(((pl.col("time") - pl.col("end")) / 3.6e9).median())
    return [
        Result(f"{kind}: median time from its last transfer to its alert", round(hours, 1), "hours")
        for kind, hours in waited.sort("kind").iter_rows()
    ]


def _false(found: Judged, learned: int) -> list[Result]:
    """False alerts for each true one and each scheme found; in the first month all is new."""
    later = found.alerts.filter(pl.col("time") >= learned)
    results = []
    for what, told in (("", found.alerts), (" after the first month", later)):
        true = int(told["true"].sum())
        false = told.height - true
        rate = round(false / true, 3) if true else "none"
        named = f"false alerts for each true one{what}"
        results.append(Result(named, rate, "alerts", FALSE_A_TRUE, at_most=True))
        results.append(Result(f"false alerts{what}", false, "alerts"))
    schemes = found.hits["scheme"].n_unique()
    false = found.alerts.height - int(found.alerts["true"].sum())
    rate = round(false / schemes, 3) if schemes else "none"
    return [*results, Result("false alerts for each scheme found", rate, "alerts")]
