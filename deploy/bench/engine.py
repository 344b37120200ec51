"""Measures the engine beside its peers: the same keyed work, Kafka to Kafka, on one machine.

What each system does, and how it is written and measured, stands in docs/bench/engine.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deploy.bench.harness import Report, Result
from deploy.bench.on_flink import Engine, Idiom, Limit
from deploy.bench.plan import Plan, Series
from deploy.bench.site import Site
from deploy.bench.systems import Bytewax, Pathway, Quixstreams, System
from deploy.bench.work import Work
from deploy.settings import Settings

GROWTH_ENTITIES = (10_000, 1_000_000)
GROWTH_PARTITIONS = (1, 4, 8)
BARS = {
    "bytewax": 3.0,
    "bytewax-tuned": None,
    "quixstreams": 3.0,
    "pathway": 1.0,
    "pyflink": 15.0,
    "limit": 0.6,
}
"""The least our rate may be, as a multiple of each system's; None where it is only told."""

NAMES = ("tidemark", *BARS)


@dataclass(frozen=True)
class Options:
    """What to measure.

    Attributes:
        events: Events of a run; slow systems get fewer.
        peers: Measure the peers too.
        only: Names of systems, of `NAMES`; all if empty.
        repeats: Runs of each in the main comparison.
        growth: Also vary entities, partitions and output, for ours and the limit.
        growth_events: Events of those runs.
        minutes: The longest it may take.
        seed: Of the load.
    """

    events: int = 5_000_000
    peers: bool = False
    only: Sequence[str] = ()
    repeats: int = 3
    growth: bool = True
    growth_events: int = 2_000_000
    minutes: float = 45
    seed: int = 1

    def wants(self, name: str) -> bool:
        """Whether a system is to be measured."""
        asked = not self.only or name in self.only
        return asked and (self.peers or name in ("tidemark", "limit"))


def measure(settings: Settings, options: Options, echo: Callable[[str], None]) -> Report:
    """Set up, run everything, take down again."""
    report = Report("engine", options.seed)
    site = Site(settings, echo)
    plan = Plan(site, 60 * options.minutes, echo)
    try:
        site.up()
        work = Work(options.events, seed=options.seed)
        found = _comparison(plan, options, work)
        report.results += _rows(found) + _ratios(found)
        report.results += _recovery(plan, options, found)
        site.drop(work)
        if options.growth:
            report.results += _growth(plan, options) + _every(plan, options)
    finally:
        site.down()
    return report


def _comparison(plan: Plan, options: Options, work: Work) -> dict[str, Series]:
    """The main figures by system name."""
    chosen = {
        name: _chosen(plan, variants, work)
        for name, variants in _variants().items()
        if options.wants(name)
    }
    series = plan.rounds(list(chosen.values()), options.repeats)
    return dict(zip(chosen, series, strict=True))


def _chosen(plan: Plan, variants: list[System], work: Work) -> tuple[System, Work]:
    """The variant that is fastest on a small load, and the load in its size.

    Ours and the limit are not tried first: they are fast enough, and have no variants.
    """
    if isinstance(variants[0], Engine | Limit):
        return variants[0], work
    tried = [(*plan.sized(system, work), system) for system in variants]
    _, sized, system = min(tried, key=lambda one: one[0])
    return system, sized


def _variants() -> dict[str, list[System]]:
    """Each system's ways to use the cores."""
    return {
        "tidemark": [Engine()],
        "limit": [Limit()],
        "bytewax": [Bytewax(1), Bytewax(2)],
        "bytewax-tuned": [Bytewax(1, tuned=True), Bytewax(2, tuned=True)],
        "quixstreams": [Quixstreams()],
        "pathway": [Pathway()],
        "pyflink": [Idiom()],
    }


def _recovery(plan: Plan, options: Options, found: dict[str, Series]) -> list[Result]:
    """The fastest peer once more, with its own recovery on: ours always has it."""
    peers = {
        name: s.rate for name, s in found.items() if s.rate and name not in ("tidemark", "limit")
    }
    if not peers:
        return []
    fastest = max(peers, key=lambda name: peers[name] or 0)
    systems: dict[str, System] = {
        "bytewax": Bytewax(recovery=True),
        "bytewax-tuned": Bytewax(tuned=True, recovery=True),
        "pathway": Pathway(recovery=True),
    }
    if fastest not in systems:
        return []
    (series,) = plan.rounds([(systems[fastest], found[fastest].work)], options.repeats)
    rows = _rows({fastest: series})
    ours = found.get("tidemark")
    if ours and ours.rate and series.rate:
        rows.append(Result(f"tidemark / {series.system}", round(ours.rate / series.rate, 2), "x"))
    return rows


def _growth(plan: Plan, options: Options) -> list[Result]:
    """Ours and the limit with fewer and more entities, and with fewer and more partitions."""
    base = Work(options.growth_events, seed=options.seed)
    works = [replace(base, entities=n) for n in GROWTH_ENTITIES]
    works += [replace(base, partitions=n) for n in GROWTH_PARTITIONS]
    rows = []
    for work in works:
        rows += _pair(plan, options, [Engine(), Limit()], work, "")
        plan.site.drop(work)
    return rows


def _every(plan: Plan, options: Options) -> list[Result]:
    """Ours and the limit with one result an event."""
    work = Work(options.growth_events, seed=options.seed)
    systems: list[System] = [Engine(every=True), Limit(every=True)]
    return _pair(plan, options, systems, work, ", one result an event")


def _pair(
    plan: Plan, options: Options, systems: list[System], work: Work, note: str
) -> list[Result]:
    wanted = [system for system in systems if options.wants(system.name.split(",")[0])]
    found = plan.rounds([(system, work) for system in wanted], 1)
    rows = [_rate(series, note) for series in found]
    if len(found) == 2 and found[0].rate and found[1].rate:
        what = f"tidemark / limit, {_load(work)}{note}"
        rows.append(Result(what, round(found[0].rate / found[1].rate, 2), "x"))
    return rows


def _rows(found: dict[str, Series]) -> list[Result]:
    """The figures of each system."""
    rows = []
    for series in found.values():
        rows.append(_rate(series))
        if series.rate is None:
            continue
        name, runs = series.system, series.wholes
        rows.append(Result(f"{name}: start-up", round(series.startup, 1), "s"))
        rows.append(Result(f"{name}: CPU an event", round(1e6 * series.cpu, 1), "us"))
        rows.append(Result(f"{name}: spread of {len(runs)} runs", round(series.spread, 1), "%"))
        if runs[0].alerts is not None:
            rows.append(Result(f"{name}: alerts of {runs[0].wanted:,}", runs[0].alerts, "alerts"))
            same = min(100 * (one.same or 0) for one in runs)
            rows.append(Result(f"{name}: alerts with exact count and sum", round(same, 1), "%"))
    return rows


def _rate(series: Series, note: str = "") -> Result:
    what = f"{series.system}, {_load(series.work)}{note}"
    value = round(series.rate) if series.rate else series.trouble or "too short to measure"
    return Result(what, value, "events/s")


def _load(work: Work) -> str:
    return f"{work.events:,} events, {work.entities:,} entities, {work.partitions} partitions"


def _ratios(found: dict[str, Series]) -> list[Result]:
    """Our rate as a multiple of each other system's, against its bar."""
    ours = found.get("tidemark")
    rows = []
    for name, bar in BARS.items():
        if ours is None or name not in found:
            continue
        theirs = found[name].rate
        known = ours.rate is not None and theirs is not None
        value = round(ours.rate / theirs, 2) if known else "not measured"  # type: ignore[operator]
        rows.append(Result(f"tidemark / {found[name].system}", value, "x", bar))
    return rows
