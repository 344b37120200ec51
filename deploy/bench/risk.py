"""Market risk: its numbers alone, then ticks through the jobs on a stack of their own."""

from collections.abc import Callable

from deploy.bench import risk_latency, risk_numbers, risk_rate
from deploy.bench.harness import Result
from deploy.bench.risk_site import RiskSite
from deploy.settings import Settings


def run(
    settings: Settings,
    seed: int,
    ticks: int,
    repeats: int,
    numbers_only: bool,
    echo: Callable[[str], None],
) -> list[Result]:
    """Numbers without a stack; unless that is all, rate and latency on one."""
    echo("numbers: VaR and ES, updates, stresses, Greeks")
    results = risk_numbers.measured(seed, repeats)
    if numbers_only:
        return results
    site = RiskSite(settings, echo)
    try:
        site.site.up()
        results += risk_rate.run(site, seed, ticks, echo)
        results += risk_latency.run(site, seed, echo)
    finally:
        site.site.down()
    return results
