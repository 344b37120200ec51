"""A stack for the jobs `marks`, `risk` and `firm`, and their control records."""

from collections.abc import Callable

from connectors.generators.market.world import MarketWorld
from deploy.bench.jobs_site import JobsSite
from deploy.bench.risk_controls import controls
from deploy.bench.risk_feed import TOPICS
from deploy.settings import Settings
from jobs.catalogue import Config

PARTITIONS = 2
PARALLELISM = {"marks": 1, "risk": 2, "firm": 1}
CHECKPOINT_MS = 500
CONFIG = Config(partitions=PARTITIONS, slice_ms=250)
BOOK_SCENARIOS, FIRM_SCENARIOS = 5_000, 100_000


class RiskSite(JobsSite):
    """A broker and a cluster with room for the three jobs."""

    def __init__(self, settings: Settings, echo: Callable[[str], None]) -> None:
        """Nothing is started yet."""
        super().__init__(settings, echo, PARALLELISM, CONFIG, CHECKPOINT_MS)

    def prepare(self, prefix: str, world: MarketWorld) -> None:
        """Make all topics of the three jobs, and write the control records."""
        self.make(prefix, TOPICS)
        sent = controls(world, PARTITIONS, BOOK_SCENARIOS, FIRM_SCENARIOS)
        self.send([sent], prefix)
