"""Market risk: how long its numbers take."""

from collections.abc import Callable

from deploy.bench import risk_numbers
from deploy.bench.harness import Result
from deploy.settings import Settings


def run(
    settings: Settings,
    seed: int,
    ticks: int,
    repeats: int,
    numbers_only: bool,
    echo: Callable[[str], None],
) -> list[Result]:
    """The numbers without a stack."""
    echo("numbers: VaR and ES, updates, stresses, Greeks")
    return risk_numbers.measured(seed, repeats)
