"""Which runs the engine's bench makes, within its time, and what they show.

A system is run on a short load and on the whole one. What the whole one takes longer is the time
for the events it has more: the rate. What the short one takes beyond that is start-up. So start-up
is left out in the same way for all, wherever it hides.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median

from deploy.bench.runner import Run, run
from deploy.bench.site import Site
from deploy.bench.systems import System
from deploy.bench.work import Work
from deploy.errors import UserError

SHORT = 200_000
SLOW_RATE = 60_000
SLOW_EVENTS = 500_000
LEAST_S = 0.5
"""What the whole load must take longer than the short one for a rate."""

LONGEST_RUN_S = 420.0
MARGIN_S = 60.0
"""Kept back for stopping and writing the results."""


@dataclass
class Series:
    """The runs of one system, short and whole ones; why there are fewer than asked for, if so."""

    system: str
    work: Work
    shorts: list[Run] = field(default_factory=list)
    wholes: list[Run] = field(default_factory=list)
    trouble: str | None = None

    @property
    def complete(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.shorts and self.wholes)

    @property
    def rate(self) -> float | None:
        """Events a second, start-up left out; None without runs, or if they took about the same."""
        if not self.complete:
            return None
        longer = self._median("wholes", "seconds") - self._median("shorts", "seconds")
        return (self.work.events - SHORT) / longer if longer >= LEAST_S else None

    @property
    def startup(self) -> float:
        """Seconds of a run that are not for its events."""
        return self._median("shorts", "seconds") - SHORT / (self.rate or 1)

    @property
    def cpu(self) -> float:
        """CPU seconds an event, start-up left out."""
        more = self._median("wholes", "cpu") - self._median("shorts", "cpu")
        return more / (self.work.events - SHORT)

    @property
    def spread(self) -> float:
        """Fastest less slowest of the whole runs, per cent of their median time."""
        times = [one.seconds for one in self.wholes]
        return 100 * (max(times) - min(times)) / median(times)

    def _median(self, runs: str, what: str) -> float:
        return float(median(getattr(one, what) for one in getattr(self, runs)))


class Plan:
    """Makes runs until the time is up, and keeps them."""

    def __init__(
        self,
        site: Site,
        seconds: float,
        echo: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The time runs from now."""
        self.site = site
        self.echo = echo
        self._clock = clock
        self._until = clock() + seconds - MARGIN_S
        self._series: dict[tuple[str, Work], Series] = {}

    def rounds(self, wanted: list[tuple[System, Work]], repeats: int) -> list[Series]:
        """`repeats` runs of each, one of each in turn: what changes meanwhile meets all alike.

        Runs made before count.
        """
        for number in range(1, repeats + 1):
            for system, work in wanted:
                self._round(system, work, number)
        return [self._of(system, work) for system, work in wanted]

    def sized(self, system: System, work: Work) -> tuple[float, Work]:
        """Seconds for the load of slow systems, and `work`, or that load if the system is slow."""
        slow = replace(work, events=min(SLOW_EVENTS, work.events))
        (series,) = self.rounds([(system, slow)], 1)
        if not series.complete:
            return float("inf"), slow
        fast = series.rate is None or series.rate >= SLOW_RATE
        return series.wholes[0].seconds, work if fast else slow

    def _of(self, system: System, work: Work) -> Series:
        """The runs of a system on a load; short ones serve all lengths."""
        key = system.name, work
        if key not in self._series:
            series = self._series[key] = Series(system.name, work)
            for (name, other), known in self._series.items():
                if name == system.name and replace(other, events=work.events) == work:
                    series.shorts = known.shorts
        return self._series[key]

    def _round(self, system: System, work: Work, number: int) -> None:
        series = self._of(system, work)
        for runs, load in ((series.shorts, replace(work, events=SHORT)), (series.wholes, work)):
            if len(runs) < number and series.trouble is None:
                self.echo(f"{system.name}: {load.events:,} events, run {number}")
                try:
                    runs.append(self._run(system, load))
                except UserError as error:
                    series.trouble = str(error)
                    self.echo(f"{system.name}: {error}")

    def _run(self, system: System, load: Work) -> Run:
        left, need = self._until - self._clock(), self._needed(system, load)
        if need > left:
            raise UserError(f"not run: {need:.0f} s are needed, {max(left, 0):.0f} s are left")
        one = run(self.site, system, load, min(left, LONGEST_RUN_S))
        self.echo(f"{system.name}: {one.seconds:.1f} s, {one.cpu:.1f} s CPU")
        return one

    def _needed(self, system: System, load: Work) -> float:
        """Seconds a run should take, from the runs so far; 0 without any."""
        known = [s for (name, _), s in self._series.items() if name == system.name and s.shorts]
        if not known:
            return 0.0
        short = known[-1].shorts[-1].seconds
        rates = [series.rate for series in known if series.rate]
        more = max(load.events - SHORT, 0)
        return short + (more / rates[-1] if rates else 0.0)
