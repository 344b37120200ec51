"""Which runs the engine's bench makes, within its time, and what they have shown so far."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median

from deploy.bench.runner import Run, run
from deploy.bench.site import Site
from deploy.bench.systems import System
from deploy.bench.work import Work
from deploy.errors import UserError

PROBE = 200_000
SLOW_RATE = 60_000
SLOW_EVENTS = 500_000
MARGIN_S = 60.0
"""Kept back for stopping and writing the results."""


@dataclass
class Budget:
    """The time a bench may take, and how long each system takes for an event, if known."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    pace: dict[str, tuple[float, float]] = field(default_factory=dict)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        """The time runs from now."""
        self.began = self.clock()

    @property
    def left(self) -> float:
        """Seconds left for runs."""
        return self.seconds - MARGIN_S - (self.clock() - self.began)

    def learn(self, one: Run) -> None:
        """Remember what a run took."""
        self.pace[one.system] = one.startup, one.seconds / one.events

    def need(self, system: str, events: int) -> float:
        """Seconds a run should take; 0 for a system never seen."""
        startup, each = self.pace.get(system, (0.0, 0.0))
        return startup + each * events


@dataclass
class Series:
    """The runs of one system on one load; why there are fewer than asked for, if so."""

    system: str
    work: Work
    runs: list[Run] = field(default_factory=list)
    trouble: str | None = None

    @property
    def rate(self) -> float | None:
        """Median events a second; None without a run."""
        return median(one.rate for one in self.runs) if self.runs else None

    @property
    def spread(self) -> float:
        """Fastest less slowest run, per cent of the median."""
        rates = [one.rate for one in self.runs]
        return 100 * (max(rates) - min(rates)) / median(rates)


class Plan:
    """Makes runs and keeps them."""

    def __init__(self, site: Site, budget: Budget, echo: Callable[[str], None]) -> None:
        """Nothing is run yet."""
        self.site = site
        self.budget = budget
        self.echo = echo

    def rounds(self, wanted: list[tuple[System, Work]], repeats: int) -> list[Series]:
        """`repeats` runs of each, one of each in turn: what changes meanwhile meets all alike."""
        series = [Series(system.name, work) for system, work in wanted]
        for number in range(repeats):
            for (system, work), one in zip(wanted, series, strict=True):
                if one.trouble is None:
                    self.echo(
                        f"{system.name}: run {number + 1} of {repeats} on {work.events:,} events"
                    )
                    self._once(system, work, one)
        return series

    def probe(self, system: System, work: Work) -> tuple[float, Work]:
        """The rate a system shows on a short load, and `work` in the size that becomes it."""
        short = replace(work, events=min(PROBE, work.events))
        self.echo(f"{system.name}: probe on {short.events:,} events")
        series = Series(system.name, short)
        self._once(system, short, series)
        rate = series.rate or 0.0
        events = work.events if rate >= SLOW_RATE else min(SLOW_EVENTS, work.events)
        return rate, replace(work, events=events)

    def _once(self, system: System, work: Work, series: Series) -> None:
        left, need = self.budget.left, self.budget.need(system.name, work.events)
        if need > left:
            series.trouble = f"not run: {need:.0f} s are needed, {max(left, 0):.0f} s are left"
        else:
            try:
                one = run(self.site, system, work, left)
            except UserError as error:
                series.trouble = str(error)
            else:
                self.budget.learn(one)
                series.runs.append(one)
                self.echo(f"{system.name}: {one.rate:,.0f} events/s, start-up {one.startup:.1f} s")
        if series.trouble:
            self.echo(f"{system.name}: {series.trouble}")
